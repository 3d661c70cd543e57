// SPDX-License-Identifier: GPL-2.0
/*
 * What each filesystem says to each flag. "matrix --table" prints what it measured as the
 * table of the documentation.
 */
#include "fixture.h"

enum flag {
	NOREPLACE,
	EXCHANGE,
	WHITEOUT,
	REPLACE,
	SYNC,
	COND,
	NR_FLAGS
};

static const struct {
	const char *name;
	unsigned int bit;
} flags[NR_FLAGS] = {
	[NOREPLACE] = { "NOREPLACE", RENAME_NOREPLACE },
	[EXCHANGE] = { "EXCHANGE", RENAME_EXCHANGE },
	[WHITEOUT] = { "WHITEOUT", RENAME_WHITEOUT },
	[REPLACE] = { "REPLACE", RENAME_REPLACE },
	[SYNC] = { "SYNC", RENAME_SYNC },
	[COND] = { "COND", RENAME_COND },
};

/* What a filesystem can do with mainline's flags, and EXCHANGE: without our patches, and with. */
struct abilities {
	bool noreplace, old_exchange, exchange, whiteout;
	bool local;		/* no other host changes its names */
};

static const struct abilities expected[NR_FS] = {
	[FS_TMPFS] = { true, true, true, true, true },
	[FS_RAMFS] = { true, true, true, false, true },
	[FS_EXT4] = { true, true, true, true, true },
	[FS_EXT2] = { true, false, true, false, true },
	[FS_XFS] = { true, true, true, true, true },
	[FS_BTRFS] = { true, true, true, true, true },
	[FS_F2FS] = { true, true, true, true, true },
	[FS_VFAT] = { true, true, true, false, true },
	[FS_MSDOS] = { true, false, false, false, true },
	[FS_EXFAT] = { true, false, true, false, true },
	[FS_MINIX] = { true, false, true, false, true },
	[FS_NILFS2] = { true, false, true, false, true },
	[FS_JFS] = { true, false, true, false, true },
	[FS_UDF] = { true, false, true, false, true },
	[FS_OVERLAY] = { true, true, true, false, true },
	[FS_FUSE] = { true, true, true, false, false },
	[FS_CGROUP] = { false, false, false, false, false },
};

static int expected_answer(enum fs fs, enum flag flag)
{
	const struct abilities *can = &expected[fs];

	switch (flag) {
	case NOREPLACE:
		return can->noreplace ? 0 : -EINVAL;
	case EXCHANGE:
		return (flags_missing() ? can->old_exchange : can->exchange) ? 0 : -EINVAL;
	case WHITEOUT:
		return can->whiteout ? 0 : -EINVAL;
	default:
		if (flags_missing())
			return -EINVAL;
		return can->local ? 0 : -EOPNOTSUPP;
	}
}

/* A file, or a directory where there can be no files. */
static void make(enum fs fs, const char *name)
{
	if (fs == FS_CGROUP)
		make_dir(name);
	else
		make_file(name, name);
}

static bool is_whiteout(const char *name)
{
	struct stat st;

	return !lstat(name, &st) && S_ISCHR(st.st_mode) && !st.st_rdev;
}

/* The call that a flag is made for; a result that is not what the flag means ends the test. */
static int answer(enum fs fs, enum flag flag)
{
	bool wants_target = flag == EXCHANGE || flag == REPLACE || flag == COND, right = true;
	char old[16], new[16];
	int fd, ret;

	snprintf(old, sizeof(old), "old%d", flag);
	snprintf(new, sizeof(new), "new%d", flag);
	make(fs, old);
	if (wants_target)
		make(fs, new);
	if (flag == COND) {
		fd = open_path(new);
		ret = ren_if(old, new, 0, target_is(fd));
		close(fd);
	} else {
		ret = ren(old, new, flags[flag].bit);
	}
	errno = 0;
	if (ret) {
		right = exists(old) && exists(new) == wants_target;
	} else {
		right = holds(new, old);
		if (flag == EXCHANGE)
			right &= holds(old, new);
		else if (flag == WHITEOUT)
			right &= is_whiteout(old);
		else
			right &= !exists(old);
	}
	if (!right)
		broken("names are not what they should be");
	return ret;
}

FIXTURE_VARIANT_ADD(fs, tmpfs) { .fs = FS_TMPFS, };
FIXTURE_VARIANT_ADD(fs, ramfs) { .fs = FS_RAMFS, };
FIXTURE_VARIANT_ADD(fs, ext4) { .fs = FS_EXT4, };
FIXTURE_VARIANT_ADD(fs, ext2) { .fs = FS_EXT2, };
FIXTURE_VARIANT_ADD(fs, xfs) { .fs = FS_XFS, };
FIXTURE_VARIANT_ADD(fs, btrfs) { .fs = FS_BTRFS, };
FIXTURE_VARIANT_ADD(fs, f2fs) { .fs = FS_F2FS, };
FIXTURE_VARIANT_ADD(fs, vfat) { .fs = FS_VFAT, };
FIXTURE_VARIANT_ADD(fs, msdos) { .fs = FS_MSDOS, };
FIXTURE_VARIANT_ADD(fs, exfat) { .fs = FS_EXFAT, };
FIXTURE_VARIANT_ADD(fs, minix) { .fs = FS_MINIX, };
FIXTURE_VARIANT_ADD(fs, nilfs2) { .fs = FS_NILFS2, };
FIXTURE_VARIANT_ADD(fs, jfs) { .fs = FS_JFS, };
FIXTURE_VARIANT_ADD(fs, udf) { .fs = FS_UDF, };
FIXTURE_VARIANT_ADD(fs, overlay) { .fs = FS_OVERLAY, };
FIXTURE_VARIANT_ADD(fs, fuse) { .fs = FS_FUSE, };
FIXTURE_VARIANT_ADD(fs, cgroup) { .fs = FS_CGROUP, };

TEST_F(fs, flags)
{
	enum flag flag;

	for (flag = 0; flag < NR_FLAGS; flag++) {
		EXPECT_EQ(expected_answer(variant->fs, flag), answer(variant->fs, flag))
			TH_LOG("%s", flags[flag].name);
	}
}

/* Each flag refuses what it is there to refuse. */
TEST_F(fs, refusals)
{
	make(variant->fs, "old");
	EXPECT_EQ(-EINVAL, ren("old", "new", RENAME_REPLACE | RENAME_NOREPLACE));
	EXPECT_EQ(-EINVAL, ren("old", "new", RENAME_SYNC | 8));
	if (variant->fs == FS_CGROUP)
		return;		/* nothing can be renamed there */
	make_file("new", "new");
	EXPECT_EQ(-EEXIST, ren("old", "new", RENAME_NOREPLACE));
	if (!expected_answer(variant->fs, EXCHANGE))
		EXPECT_EQ(-ENOENT, ren("old", "absent", RENAME_EXCHANGE));
	if (!expected_answer(variant->fs, COND)) {
		int fd = open_path("old");

		EXPECT_EQ(-ENOENT, ren("old", "absent", RENAME_REPLACE));
		EXPECT_EQ(-EAGAIN, ren_if("old", "new", 0, target_is(fd)));
		EXPECT_EQ(-ENOENT, ren_if("old", "absent", 0, target_is(fd)));
		EXPECT_EQ(-EAGAIN, ren_if("old", "new", RENAME_SYNC, no_target()));
		close(fd);
	}
	EXPECT_HOLDS("old", "old");
	EXPECT_HOLDS("new", "new");
	EXPECT_FALSE(exists("absent"));
	/* And a plain rename() is what it was. */
	EXPECT_EQ(0, ren("old", "new", 0));
	EXPECT_HOLDS("new", "old");
}

static const char *word(int answer)
{
	switch (answer) {
	case 0:
		return "yes";
	case -EINVAL:
		return "EINVAL";
	case -EOPNOTSUPP:
		return "EOPNOTSUPP";
	default:
		return strerror(-answer);
	}
}

static void rule(void)
{
	int i;

	for (i = 0; i <= NR_FLAGS; i++)
		printf("==========%c", i < NR_FLAGS ? ' ' : '\n');
}

static void print_table(void)
{
	char dir[128];
	enum flag flag;
	enum fs fs;

	rule();
	printf("%-10s", "filesystem");
	for (flag = 0; flag < NR_FLAGS; flag++)
		printf(" %-*s", flag < NR_FLAGS - 1 ? 10 : 0, flags[flag].name);
	printf("\n");
	rule();
	fs_begin();
	for (fs = 0; fs < NR_FS; fs++) {
		if (fs == FS_MINIX_V1)
			continue;
		if (fs_make(fs)) {
			fprintf(stderr, "%s is left out: %s\n", fs_name(fs), fs_missing(fs));
			continue;
		}
		enter(fs, dir);
		printf("%-10s", fs_name(fs));
		for (flag = 0; flag < NR_FLAGS; flag++)
			printf(" %-*s", flag < NR_FLAGS - 1 ? 10 : 0, word(answer(fs, flag)));
		printf("\n");
	}
	rule();
	if (chdir("/"))
		broken("/");
}

int main(int argc, char **argv)
{
	need_root();
	if (argc > 1 && !strcmp(argv[1], "--table")) {
		print_table();
		return 0;
	}
	return run_tests(argc, argv);
}
