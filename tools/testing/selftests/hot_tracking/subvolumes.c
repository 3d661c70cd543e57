// SPDX-License-Identifier: GPL-2.0
/* Inode numbers are unique within a subvolume of btrfs only; heat is kept for the file. */
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <linux/btrfs.h>

#include "fixture.h"

FIXTURE_VARIANT_ADD(fs, btrfs)
{
	.fs = FS_BTRFS,
};

/* Any of the requests that take a name; 0 or -1. */
static int subvolume(int dir_fd, unsigned long request, const char *name, int source_fd)
{
	struct btrfs_ioctl_vol_args args = { .fd = source_fd };

	snprintf(args.name, sizeof(args.name), "%s", name);
	return ioctl(dir_fd, request, &args);
}

static ino_t number_of(int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		broken("fstat");
	return st.st_ino;
}

TEST_F(fs, equal_numbers)
{
	static const char *const names[] = { "first", "second" };
	int i, k, fd[2];
	char path[160];

	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, subvolume(self->dir_fd, BTRFS_IOC_SUBVOL_CREATE, names[i], 0));
		snprintf(path, sizeof(path), "%s/%s", self->dir, names[i]);
		fd[i] = open_file(path, "file", O_DIRECT);
		fill(fd[i], 0, PAGE);
		ASSERT_EQ(0, fsync(fd[i]));
		ASSERT_EQ(0, hot_forget(fd[i]));
	}
	ASSERT_EQ(number_of(fd[0]), number_of(fd[1]));
	for (i = 0; i < 2; i++)
		for (k = 0; k < 10 * (i + 1); k++)
			read_at(fd[i], 0, PAGE);
	EXPECT_EQ(REQUESTS(10), heat_of(fd[0]).reads);
	EXPECT_EQ(REQUESTS(20), heat_of(fd[1]).reads);
	EXPECT_EQ(REQUESTS(10), range_at(fd[0], 0).reads);
	EXPECT_EQ(REQUESTS(20), range_at(fd[1], 0).reads);
	/* One filesystem, one tracker: it can be asked through any of them. */
	EXPECT_EQ(2, hot_look(self->dir_fd).items);
	EXPECT_EQ(2, hot_look(fd[0]).items);
}

/* A snapshot's file has the number and the blocks of the original, and heat of its own. */
TEST_F(fs, snapshot)
{
	char path[160];
	int fd;

	fill(self->fd, 0, PAGE);
	make_cold(self->fd);
	ASSERT_EQ(0, hot_forget(self->fd));
	read_at(self->direct, 0, PAGE);
	ASSERT_EQ(0, subvolume(self->dir_fd, BTRFS_IOC_SNAP_CREATE, "snapshot", self->dir_fd));
	snprintf(path, sizeof(path), "%s/snapshot", self->dir);
	fd = open_file(path, "file", 0);
	ASSERT_EQ(number_of(self->fd), number_of(fd));
	EXPECT_EQ(0, heat_of(fd).reads);
	EXPECT_EQ(0, heat_of(fd).item_flags & HOT_TRACKED);
	no_readahead(fd);
	read_at(fd, 0, PAGE);
	EXPECT_EQ(REQUESTS(1), heat_of(fd).reads);
	EXPECT_EQ(REQUESTS(1), heat_of(self->fd).reads);
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
