// SPDX-License-Identifier: GPL-2.0
/* struct rename_cond as bytes: its size, bytes of later versions, pages that are not there. */
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "fixture.h"

#define NSEC_PER_SEC	1000000000

FIXTURE_VARIANT_ADD(fs, tmpfs)
{
	.fs = FS_TMPFS,
};

/* A pair of names, and room for the struct that ends where no page is. */
static int source;
static char *end;
static long page;

static struct rename_cond *at_end(unsigned int bytes)
{
	return (void *)(end - bytes);
}

static int call(const void *cond)
{
	int ret = rename_at(AT_FDCWD, "source", AT_FDCWD, "target", RENAME_COND, cond);

	/* Refused or not, there must always be one source. */
	if (!ret && rename("target", "source"))
		broken("target");
	if (!holds("source", "source") || exists("target"))
		broken("names are not what they should be");
	return ret;
}

/* All that can be right in the first version, at the end of the page, with @more bytes after it. */
static struct rename_cond *valid(unsigned int more)
{
	struct rename_cond *cond = at_end(sizeof(*cond) + more);

	memset(end - 2 * page, 0, 2 * page);
	*cond = source_is(source);
	cond->size = sizeof(*cond) + more;
	return cond;
}

static void begin(void)
{
	page = sysconf(_SC_PAGESIZE);
	end = mmap(NULL, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (end == MAP_FAILED || mprotect(end + 2 * page, page, PROT_NONE))
		broken("mmap");
	end += 2 * page;
	make_file("source", "source");
	source = open_path("source");
}

TEST_F(fs, sizes)
{
	struct rename_cond *cond;
	unsigned int size;

	begin();
	for (size = 0; size < RENAME_COND_SIZE_VER0; size++) {
		cond = valid(0);
		cond->size = size;
		EXPECT_EQ(-EINVAL, call(cond)) TH_LOG("size %u", size);
	}
	EXPECT_EQ(0, call(valid(0)));
	for (size = 1; size <= 64; size++)
		EXPECT_EQ(0, call(valid(size)));
	EXPECT_EQ(0, call(valid(page - sizeof(*cond))));
	EXPECT_EQ(-E2BIG, call(valid(page - sizeof(*cond) + 1)));
	cond = valid(0);
	cond->size = ~0U;
	EXPECT_EQ(-E2BIG, call(cond));
	cond->size = 0x80000000;
	EXPECT_EQ(-E2BIG, call(cond));
}

/* Each byte that this version does not know. */
TEST_F(fs, unknown_bytes)
{
	unsigned int more, i;

	begin();
	for (more = 1; more <= 24; more++) {
		for (i = 0; i < more; i++) {
			struct rename_cond *cond = valid(more);

			((char *)(cond + 1))[i] = 1;
			EXPECT_EQ(-E2BIG, call(cond)) TH_LOG("byte %u of %u", i, more);
		}
	}
	/* The last byte of the longest. */
	valid(page - sizeof(struct rename_cond));
	end[-1] = 1;
	EXPECT_EQ(-E2BIG, call(end - page));
	/* What is beyond the size is not looked at. */
	*(struct rename_cond *)(end - 2 * sizeof(struct rename_cond)) = *valid(0);
	memset(at_end(sizeof(struct rename_cond)), 0xff, sizeof(struct rename_cond));
	EXPECT_EQ(0, call(end - 2 * sizeof(struct rename_cond)));
}

TEST_F(fs, faults)
{
	struct rename_cond *cond;
	unsigned int bytes;

	begin();
	EXPECT_EQ(-EFAULT, call(NULL));
	EXPECT_EQ(-EFAULT, call(end));
	EXPECT_EQ(-EFAULT, call((void *)-1));
	EXPECT_EQ(-EFAULT, call((void *)-4096));
	/* Not even a whole size. */
	EXPECT_EQ(-EFAULT, call(end - 3));
	/* A size, and the rest of the struct, or of its tail, is not there. */
	for (bytes = 4; bytes < sizeof(*cond); bytes++) {
		unsigned int size = sizeof(*cond);

		memset(end - bytes, 0, bytes);
		memcpy(end - bytes, &size, sizeof(size));
		EXPECT_EQ(-EFAULT, call(end - bytes)) TH_LOG("%u bytes are there", bytes);
	}
	for (bytes = 1; bytes < 32; bytes++) {
		cond = valid(0);
		cond->size += bytes;
		EXPECT_EQ(-EFAULT, call(cond)) TH_LOG("%u bytes more", bytes);
	}
	/* The size is wrong anyway: nobody needs the rest. */
	cond = at_end(4);
	cond->size = 39;
	EXPECT_EQ(-EINVAL, call(cond));
	cond->size = page + 1;
	EXPECT_EQ(-E2BIG, call(cond));
}

/* It need not be aligned. */
TEST_F(fs, alignment)
{
	char bytes[64] = {};
	unsigned int i;

	begin();
	for (i = 0; i < 8; i++) {
		memcpy(bytes + i, valid(0), sizeof(struct rename_cond));
		EXPECT_EQ(0, call(bytes + i)) TH_LOG("offset %u", i);
	}
}

/* It may lie on two pages. */
TEST_F(fs, two_pages)
{
	unsigned int i;

	begin();
	for (i = 1; i < sizeof(struct rename_cond); i++) {
		struct rename_cond cond = *valid(0);

		memcpy(end - page - i, &cond, sizeof(cond));
		EXPECT_EQ(0, call(end - page - i)) TH_LOG("%u bytes on the first", i);
	}
}

TEST_F(fs, mask)
{
	struct rename_cond *cond;
	int bit;

	begin();
	cond = valid(0);
	cond->mask = 0;
	EXPECT_EQ(-EINVAL, call(cond));
	for (bit = 4; bit < 32; bit++) {
		cond->mask = 1U << bit;
		EXPECT_EQ(-EINVAL, call(cond)) TH_LOG("bit %d alone", bit);
		cond->mask |= RENAME_COND_SOURCE_IS;
		EXPECT_EQ(-EINVAL, call(cond)) TH_LOG("bit %d", bit);
	}
	cond->mask = ~0U;
	EXPECT_EQ(-EINVAL, call(cond));
}

TEST_F(fs, reserved)
{
	struct rename_cond *cond;
	int bit;

	begin();
	cond = valid(0);
	for (bit = 0; bit < 32; bit++) {
		cond->resv = 1U << bit;
		EXPECT_EQ(-EINVAL, call(cond)) TH_LOG("bit %d", bit);
	}
	cond->resv = 0;
	EXPECT_EQ(0, call(cond));
}

TEST_F(fs, nanoseconds)
{
	static const unsigned int wrong[] = {
		NSEC_PER_SEC, NSEC_PER_SEC + 1, 0x7fffffff, 0x80000000, ~0U,
	};
	struct rename_cond *cond;
	unsigned int i;

	begin();
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		cond = valid(0);
		cond->mask |= RENAME_COND_TARGET_UNCHANGED;
		cond->target_mtime_nsec = wrong[i];
		EXPECT_EQ(-EINVAL, call(cond)) TH_LOG("%u", wrong[i]);
	}
	cond->target_mtime_nsec = NSEC_PER_SEC - 1;
	/* Valid, and there is no target. */
	EXPECT_EQ(-ENOENT, call(cond));
}

/* Fields without their bit in the mask may hold anything. */
TEST_F(fs, ignored_fields)
{
	struct rename_cond *cond;

	begin();
	cond = valid(0);
	cond->target_fd = 12345;
	EXPECT_EQ(0, call(cond));
	cond->target_fd = -12345;
	cond->target_mtime_sec = -1;
	cond->target_mtime_nsec = ~0U;
	cond->target_size = ~0ULL;
	EXPECT_EQ(0, call(cond));
	cond->mask = RENAME_COND_TARGET_IS;
	cond->target_fd = -1;
	cond->source_fd = 12345;
	EXPECT_EQ(0, call(cond));
	cond->source_fd = -1;
	EXPECT_EQ(0, call(cond));
	cond->mask = RENAME_COND_SOURCE_NEWER;
	cond->target_fd = 12345;
	EXPECT_EQ(0, call(cond));
}

/* The kernel looks at the struct once: it is the caller's all the time. */
TEST_F(fs, unwritten)
{
	struct rename_cond *cond, before;

	begin();
	cond = valid(0);
	before = *cond;
	ASSERT_EQ(0, mprotect(end - 2 * page, 2 * page, PROT_READ));
	EXPECT_EQ(0, call(cond));
	EXPECT_EQ(0, memcmp(&before, cond, sizeof(before)));
}

int main(int argc, char **argv)
{
	need_flags();
	return run_tests(argc, argv);
}
