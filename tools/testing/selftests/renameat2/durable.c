// SPDX-License-Identifier: GPL-2.0
/*
 * After RENAME_SYNC the disk has what the call did. The filesystem is mounted from a copy of what
 * the disk had when the call returned. What crashes at other moments leave behind show the crash
 * tests.
 */
#include <dirent.h>

#include "fixture.h"

#define FILL	(150 * KIB)

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

/* Data that is in the page cache only. */
static void fill(const char *name, char mark)
{
	static char block[FILL];
	int fd = open(name, O_WRONLY | O_CREAT, 0644);

	memset(block, mark, sizeof(block));
	if (fd < 0 || write(fd, block, sizeof(block)) != sizeof(block))
		broken(name);
	close(fd);
}

static bool is_filled(const char *name, char mark)
{
	static char block[FILL + 1];
	int fd = open(name, O_RDONLY), i;
	bool right = fd >= 0 && read(fd, block, sizeof(block)) == FILL;

	for (i = 0; right && i < FILL; i++)
		right = block[i] == mark;
	if (fd >= 0)
		close(fd);
	return right;
}

/* Requests that make the disk write out its cache, so far. */
static long flushes(enum fs fs)
{
	unsigned long field[17] = {};
	char path[64];
	int i, n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/block/%s/stat", fs_device(fs));
	f = fopen(path, "r");
	if (!f)
		broken(path);
	for (i = 0; i < 17; i++)
		n += fscanf(f, "%lu", &field[i]) == 1;
	fclose(f);
	if (n != 17)
		broken(path);
	/* Requests are at 15; time spent at 16. */
	return field[15];
}

/* A disk may keep in its cache what it was given. */
TEST_F(fs, disk_cache)
{
	long before;

	make_dir("one");
	make_dir("two");
	make_file("one/source", "text");
	sync();
	before = flushes(variant->fs);
	ASSERT_EQ(0, ren("one/source", "two/target", RENAME_SYNC));
	EXPECT_LT(before, flushes(variant->fs));
	if (variant->fs != FS_EXT4 && variant->fs != FS_EXT2)
		return;
	before = flushes(variant->fs);
	ASSERT_EQ(0, ren("two/target", "one/source", 0));
	EXPECT_EQ(before, flushes(variant->fs));
}

/* What is done, and looked for where the power has failed just after it. */
enum step {
	NEW_NAME,
	REPLACED,
	DIRECTORY,
	EXCHANGED,
	PLAIN,
	NR_STEPS
};

static void do_step(struct __test_metadata *const _metadata, enum step step)
{
	int fd;

	switch (step) {
	case NEW_NAME:
		fill("one/source", 'S');
		EXPECT_EQ(0, ren("one/source", "two/target", RENAME_SYNC));
		break;
	case REPLACED:
		fill("one/next", 'N');
		fd = open_path("two/target");
		EXPECT_EQ(0, ren_if("one/next", "two/target", RENAME_SYNC, target_is(fd)));
		close(fd);
		break;
	case DIRECTORY:
		/* A new one with what its entries are, and an old one. */
		make_dir("one/new");
		make_dir("one/new/inside");
		EXPECT_EQ(0, ren("one/new", "two/new", RENAME_SYNC));
		EXPECT_EQ(0, ren("one/old", "two/old", RENAME_SYNC));
		break;
	case EXCHANGED:
		fill("one/a", 'A');
		fill("two/b", 'B');
		EXPECT_EQ(0, ren("one/a", "two/b", RENAME_SYNC | RENAME_EXCHANGE));
		break;
	case PLAIN:
		fill("one/plain", 'P');
		EXPECT_EQ(0, ren("one/plain", "two/plain", 0));
		break;
	default:
		break;
	}
}

/* Its inode need not be there. */
static bool has_entry(const char *dir, const char *name)
{
	struct dirent *entry;
	bool found = false;
	DIR *d = opendir(dir);

	while (d && !found && (entry = readdir(d)))
		found = !strcmp(entry->d_name, name);
	if (d)
		closedir(d);
	return found;
}

static void look_at_step(struct __test_metadata *const _metadata, enum fs fs, enum step step)
{
	struct stat up, above;

	switch (step) {
	case NEW_NAME:
		EXPECT_TRUE(is_filled("two/target", 'S'));
		EXPECT_FALSE(exists("one/source"));
		break;
	case REPLACED:
		EXPECT_TRUE(is_filled("two/target", 'N'));
		EXPECT_FALSE(exists("one/next"));
		break;
	case DIRECTORY:
		EXPECT_FALSE(exists("one/new"));
		EXPECT_FALSE(exists("one/old"));
		EXPECT_TRUE(has_entry("two/new", "inside"));
		ASSERT_EQ(0, stat("two/old/..", &up));
		ASSERT_EQ(0, stat("two", &above));
		EXPECT_EQ(above.st_ino, up.st_ino);
		break;
	case EXCHANGED:
		EXPECT_TRUE(is_filled("one/a", 'B'));
		EXPECT_TRUE(is_filled("two/b", 'A'));
		break;
	case PLAIN:
		/* The control, where the filesystem does not write soon by itself. */
		if (fs == FS_EXT4 || fs == FS_EXT2)
			EXPECT_FALSE(is_filled("two/plain", 'P'));
		break;
	default:
		break;
	}
}

static bool skipped(enum fs fs, enum step step)
{
	return fs == FS_MSDOS && step == EXCHANGED;
}

TEST_F(fs, after_a_power_cut)
{
	enum step step;
	int fd;

	/* The kernel does not replay its journal; crash_sync does it itself. */
	if (variant->fs == FS_JFS)
		return;
	/* Two directories and what is in them are on the disk already. */
	make_dir("one");
	make_dir("one/old");
	make_dir("two");
	fd = open(".", O_RDONLY);
	ASSERT_EQ(0, syncfs(fd));
	close(fd);
	for (step = 0; step < NR_STEPS; step++) {
		if (skipped(variant->fs, step))
			continue;
		do_step(_metadata, step);
		fs_keep(variant->fs, step);
	}
	for (step = 0; step < NR_STEPS; step++) {
		if (skipped(variant->fs, step))
			continue;
		ASSERT_EQ(0, chdir("/"));
		fs_use_kept(variant->fs, step);
		ASSERT_EQ(0, chdir(self->dir));
		look_at_step(_metadata, variant->fs, step);
	}
}

int main(int argc, char **argv)
{
	need_flags();
	return run_tests(argc, argv);
}
