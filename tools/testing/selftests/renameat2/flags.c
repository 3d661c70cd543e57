// SPDX-License-Identifier: GPL-2.0
/* The word of flags and the sixth argument: each bit, each combination, and garbage. */
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "fixture.h"
#include "on_two.h"

#define MAINLINE	(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT)
#define OURS		(RENAME_SYNC | RENAME_REPLACE | RENAME_COND)
#define ALL		(MAINLINE | OURS)

static unsigned int known_bits(void)
{
	return flags_missing() ? MAINLINE : MAINLINE | OURS;
}

/*
 * May these flags stand together? A column for each combination of mainline's flags (1
 * NOREPLACE, 2 EXCHANGE, 4 WHITEOUT), a line for each of ours (1 SYNC, 2 REPLACE, 4 COND).
 */
static const char *const together[8] = {
	"yyynyynn",
	"yyynyynn",	/* SYNC */
	"ynnnynnn",	/* REPLACE */
	"ynnnynnn",	/* REPLACE SYNC */
	"yyynyynn",	/* COND */
	"yyynyynn",	/* COND SYNC */
	"ynnnynnn",	/* COND REPLACE */
	"ynnnynnn",	/* COND REPLACE SYNC */
};

static bool valid(unsigned int flags)
{
	return together[flags / RENAME_SYNC][flags & MAINLINE] == 'y';
}

/* "source" and, where the flags want one, "target". */
static void make_both(unsigned int flags)
{
	make_file("source", "new");
	if (flags & RENAME_NOREPLACE)
		unlink("target");
	else
		make_file("target", "old");
}

/* After a call with these flags that has succeeded. */
static const char *wrong_names(unsigned int flags)
{
	struct stat st;

	if (!holds("target", "new"))
		return "the target is not the source";
	if (flags & RENAME_EXCHANGE)
		return holds("source", "old") ? NULL : "the source is not the target";
	if (!(flags & RENAME_WHITEOUT))
		return exists("source") ? "the source is still there" : NULL;
	return lstat("source", &st) || !S_ISCHR(st.st_mode) || st.st_rdev ?
		"no whiteout in place of the source" : NULL;
}

TEST_F(fs, combinations)
{
	struct rename_cond cond = { .size = sizeof(cond), .mask = RENAME_COND_SOURCE_IS };
	unsigned int flags;
	int seen = 0;

	for (flags = 0; flags <= ALL; flags++) {
		if (flags & ~known_bits())
			continue;
		unlink("source");
		make_both(flags);
		cond.source_fd = open_path("source");
		EXPECT_EQ(valid(flags) ? 0 : -EINVAL,
			  rename_at(AT_FDCWD, "source", AT_FDCWD, "target", flags,
				    flags & RENAME_COND ? &cond : NULL))
			TH_LOG("flags 0x%x", flags);
		if (valid(flags)) {
			EXPECT_EQ(NULL, wrong_names(flags))
				TH_LOG("flags 0x%x: %s", flags, wrong_names(flags));
		} else {
			EXPECT_HOLDS("source", "new");
			EXPECT_EQ(!(flags & RENAME_NOREPLACE), exists("target"));
		}
		close(cond.source_fd);
		seen++;
	}
	EXPECT_EQ(flags_missing() ? 8 : 64, seen);
}

/* Bits that nobody knows, alone and beside every valid combination. */
TEST_F(fs, unknown_bits)
{
	struct rename_cond cond = { .size = sizeof(cond), .mask = RENAME_COND_SOURCE_IS };
	unsigned int flags, bit;
	int i;

	make_both(0);
	cond.source_fd = open_path("source");
	for (i = 0; i < 32; i++) {
		bit = 1U << i;
		if (bit & known_bits())
			continue;
		for (flags = 0; flags <= ALL; flags++) {
			EXPECT_EQ(-EINVAL, rename_at(AT_FDCWD, "source", AT_FDCWD, "target",
						     flags | bit, &cond))
				TH_LOG("flags 0x%x", flags | bit);
		}
		/* It is said before names are looked up. */
		EXPECT_EQ(-EINVAL, ren("absent", "no/where", bit)) TH_LOG("bit %d", i);
	}
	EXPECT_EQ(-EINVAL, ren("source", "target", ~0U));
	EXPECT_HOLDS("source", "new");
	EXPECT_HOLDS("target", "old");
}

/* Combinations that cannot be are refused before names are looked up, too. */
TEST_F(fs, refused_first)
{
	struct rename_cond cond = { .size = sizeof(cond), .mask = RENAME_COND_SOURCE_IS };
	unsigned int flags;

	cond.source_fd = open_path(".");
	for (flags = 0; flags <= ALL; flags++) {
		if (flags & ~known_bits())
			continue;
		EXPECT_EQ(valid(flags) ? -ENOENT : -EINVAL,
			  rename_at(AT_FDCWD, "no/source", AT_FDCWD, "no/target", flags, &cond))
			TH_LOG("flags 0x%x", flags);
	}
}

/* The flags are 32 bits of the register; what is above them was never looked at. */
TEST_F(fs, upper_half)
{
	if (sizeof(long) == 4)
		SKIP(return, "registers have no upper half");
	make_both(0);
	EXPECT_EQ(0, rename_at(AT_FDCWD, "source", AT_FDCWD, "target", ~0UL << 31 << 1, NULL));
	EXPECT_HOLDS("target", "new");
}

/* Without RENAME_COND there is no sixth argument: what is in its place does not matter. */
TEST_F(fs, poisoned_argument)
{
	struct rename_cond refuses = { .size = sizeof(refuses), .mask = RENAME_COND_SOURCE_IS };
	struct rename_cond unknown = { .size = 7, .mask = ~0U, .resv = 1 };
	long page = sysconf(_SC_PAGESIZE);
	const void *poison[] = {
		NULL, (void *)1, (void *)-1, (void *)-4096, (void *)0x7ffffffff000UL,
		(void *)0xffff888000000000UL, &refuses, &unknown,
		mmap(NULL, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
	};
	unsigned int flags, i;

	make_file("other", "");
	refuses.source_fd = open_path("other");
	for (flags = 0; flags <= ALL; flags++) {
		if (flags & ~known_bits() || flags & RENAME_COND)
			continue;
		for (i = 0; i < ARRAY_SIZE(poison); i++) {
			unlink("source");
			make_both(flags);
			EXPECT_EQ(valid(flags) ? 0 : -EINVAL,
				  rename_at(AT_FDCWD, "source", AT_FDCWD, "target", flags,
					    poison[i]))
				TH_LOG("flags 0x%x, argument %p", flags, poison[i]);
		}
	}
	make_both(0);
	EXPECT_EQ(0, syscall(SYS_renameat, AT_FDCWD, "source", AT_FDCWD, "target", ~0, &refuses));
	EXPECT_HOLDS("target", "new");
#ifdef SYS_rename
	make_both(0);
	EXPECT_EQ(0, syscall(SYS_rename, "source", "target", ~0, &refuses, ~0, &refuses));
	EXPECT_HOLDS("target", "new");
#endif
}

/* A page of memory comes into being when somebody looks at it. */
static bool looked_at(void *page)
{
	unsigned char resident = 0;

	if (mincore(page, 1, &resident))
		broken("mincore");
	return resident & 1;
}

static void *untouched_page(void)
{
	void *page = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		broken("mmap");
	return page;
}

TEST_F(fs, argument_not_read)
{
	void *page = untouched_page();
	unsigned int flags;

	for (flags = 0; flags < RENAME_COND; flags++) {
		unlink("source");
		make_both(flags);
		rename_at(AT_FDCWD, "source", AT_FDCWD, "target", flags, page);
		EXPECT_FALSE(looked_at(page)) TH_LOG("flags 0x%x", flags);
	}
}

TEST_F(fs, argument_read)
{
	void *page = untouched_page();

	if (flags_missing())
		SKIP(return, "%s", flags_missing());
	make_both(0);
	/* It is all zeroes: a size of 0. */
	EXPECT_EQ(-EINVAL, rename_at(AT_FDCWD, "source", AT_FDCWD, "target", RENAME_COND, page));
	EXPECT_TRUE(looked_at(page));
}

int main(int argc, char **argv)
{
	need_root();
	return run_tests(argc, argv);
}
