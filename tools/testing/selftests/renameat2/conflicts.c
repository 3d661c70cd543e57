// SPDX-License-Identifier: GPL-2.0
/* Requests that can never be met, and in which order faults of a request are told. */
#include <sys/eventfd.h>

#include "fixture.h"
#include "on_two.h"

#define ALL_MASKS (RENAME_COND_TARGET_IS | RENAME_COND_SOURCE_IS | \
		   RENAME_COND_TARGET_UNCHANGED | RENAME_COND_SOURCE_NEWER)

/* A new file that is newer, a target, and descriptors of both. */
struct pair {
	int source, target;
};

static struct pair make_pair(void)
{
	struct pair pair;

	make_file("source", "new");
	make_file("target", "old");
	set_mtime("target", 1000, 0);
	pair.source = open_path("source");
	pair.target = open_path("target");
	return pair;
}

/* All conditions of this mask, none of which refuses. */
static struct rename_cond conditions(unsigned int mask, const struct pair *pair)
{
	struct rename_cond cond = unchanged("target");

	cond.mask = mask;
	cond.target_fd = pair->target;
	cond.source_fd = pair->source;
	return cond;
}

/* Conditions beside each other: those that hold are no conflict, whatever their number. */
TEST_F(fs, conditions_together)
{
	unsigned int mask;

	for (mask = 1; mask <= ALL_MASKS; mask++) {
		struct pair pair = make_pair();

		EXPECT_EQ(0, ren_if("source", "target", 0, conditions(mask, &pair)))
			TH_LOG("mask %u", mask);
		EXPECT_HOLDS("target", "new");
		close(pair.source);
		close(pair.target);
	}
}

static bool needs_target(unsigned int mask)
{
	return mask & (RENAME_COND_TARGET_IS | RENAME_COND_TARGET_UNCHANGED |
		       RENAME_COND_SOURCE_NEWER);
}

TEST_F(fs, noreplace)
{
	struct pair pair = make_pair();
	unsigned int mask;

	for (mask = 1; mask <= ALL_MASKS; mask++) {
		EXPECT_EQ(needs_target(mask) ? -EINVAL : -EEXIST,
			  ren_if("source", "target", RENAME_NOREPLACE, conditions(mask, &pair)))
			TH_LOG("mask %u", mask);
		EXPECT_EQ(needs_target(mask) ? -EINVAL : -ENOENT,
			  ren_if("absent", "absent too", RENAME_NOREPLACE,
				 conditions(mask, &pair)))
			TH_LOG("mask %u", mask);
	}
	/* That there is no target may be said twice. */
	EXPECT_EQ(0, ren_if("source", "free", RENAME_NOREPLACE, no_target()));
	EXPECT_HOLDS("free", "new");
}

TEST_F(fs, no_target_and_another_wish)
{
	static const unsigned int against[] = { RENAME_REPLACE, RENAME_EXCHANGE };
	struct pair pair = make_pair();
	unsigned int i, mask;

	for (mask = 1; mask <= ALL_MASKS; mask++) {
		struct rename_cond cond = conditions(mask, &pair);
		bool conflict = mask & (RENAME_COND_TARGET_UNCHANGED | RENAME_COND_SOURCE_NEWER);

		cond.target_fd = -1;
		if (!(mask & RENAME_COND_TARGET_IS))
			continue;
		EXPECT_EQ(conflict ? -EINVAL : -EAGAIN, ren_if("source", "target", 0, cond))
			TH_LOG("mask %u", mask);
		for (i = 0; i < ARRAY_SIZE(against); i++) {
			EXPECT_EQ(-EINVAL, ren_if("source", "target", against[i], cond))
				TH_LOG("mask %u, flag 0x%x", mask, against[i]);
			EXPECT_EQ(-EINVAL, ren_if("source", "free", against[i], cond))
				TH_LOG("mask %u, flag 0x%x", mask, against[i]);
		}
	}
	EXPECT_HOLDS("source", "new");
	EXPECT_HOLDS("target", "old");
	EXPECT_EQ(0, ren_if("source", "free", 0, both(no_target(), source_is(pair.source))));
	EXPECT_HOLDS("free", "new");
}

/* Flags that may stand beside conditions, with a condition of every mask that holds. */
TEST_F(fs, flags_beside_conditions)
{
	static const unsigned int flags[] = {
		RENAME_REPLACE, RENAME_EXCHANGE, RENAME_WHITEOUT, RENAME_SYNC,
		RENAME_REPLACE | RENAME_SYNC, RENAME_EXCHANGE | RENAME_SYNC,
		RENAME_REPLACE | RENAME_WHITEOUT | RENAME_SYNC,
	};
	unsigned int i, mask;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		for (mask = 1; mask <= ALL_MASKS; mask++) {
			struct pair pair;

			unlink("source");
			pair = make_pair();
			EXPECT_EQ(0, ren_if("source", "target", flags[i], conditions(mask, &pair)))
				TH_LOG("mask %u, flags 0x%x", mask, flags[i]);
			EXPECT_HOLDS("target", "new");
			close(pair.source);
			close(pair.target);
		}
	}
}

/* What is wrong with the request is told before names are looked up. */
TEST_F(fs, before_lookup)
{
	struct pair pair = make_pair();
	struct rename_cond cond = { .size = sizeof(cond) };
	int closed = eventfd(0, 0), elsewhere = eventfd(0, 0);

	close(closed);
	EXPECT_EQ(-EINVAL, ren_if("no/source", "no/target", 0, cond));
	EXPECT_EQ(-EBADF, ren_if("no/source", "no/target", 0, target_is(closed)));
	EXPECT_EQ(-EBADF, ren_if("no/source", "no/target", 0, source_is(closed)));
	EXPECT_EQ(-EFAULT, rename_at(AT_FDCWD, "no/source", AT_FDCWD, "no/target",
				     RENAME_COND, (void *)16));
	/* The flags are looked at before the pointer is. */
	EXPECT_EQ(-EINVAL, rename_at(AT_FDCWD, "source", AT_FDCWD, "target",
				     RENAME_COND | RENAME_REPLACE | RENAME_NOREPLACE, (void *)16));
	EXPECT_EQ(-EINVAL, rename_at(AT_FDCWD, "source", AT_FDCWD, "target",
				     RENAME_COND | 8, (void *)16));
	/* Of which filesystem a descriptor must be is known later. */
	EXPECT_EQ(-ENOENT, ren_if("no/source", "no/target", 0, target_is(elsewhere)));
	EXPECT_EQ(-ENOENT, ren_if("absent", "target", 0, target_is(elsewhere)));
	EXPECT_EQ(-EXDEV, ren_if("source", "target", 0, target_is(elsewhere)));
	/* Names that cannot be read are still EFAULT. */
	EXPECT_EQ(-EFAULT, rename_at(AT_FDCWD, (void *)16, AT_FDCWD, "target", RENAME_SYNC, NULL));
	EXPECT_EQ(-EFAULT, rename_at(AT_FDCWD, "source", AT_FDCWD, (void *)16, RENAME_SYNC, NULL));
	cond = target_is(pair.target);
	cond.size = sizeof(cond);
	EXPECT_EQ(-EFAULT, rename_at(AT_FDCWD, "source", AT_FDCWD, (void *)16, RENAME_COND, &cond));
	EXPECT_EQ(-EBADF, rename_at(closed, "source", AT_FDCWD, "target", RENAME_COND, &cond));
	EXPECT_HOLDS("source", "new");
	EXPECT_HOLDS("target", "old");
}

int main(int argc, char **argv)
{
	need_flags();
	return run_tests(argc, argv);
}
