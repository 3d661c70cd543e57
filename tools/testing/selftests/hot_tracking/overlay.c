// SPDX-License-Identifier: GPL-2.0
/* Overlayfs does no I/O itself: what its users do counts where the file really is. */
#include "fixture.h"

#define PAGES	256
#define READS	32

FIXTURE(overlay)
{
	char upper[128], lower[128];
	int ext4, dir_fd;
};

FIXTURE_SETUP(overlay)
{
	if (fs_missing(FS_OVERLAY))
		SKIP(return, "%s", fs_missing(FS_OVERLAY));
	self->ext4 = open(fs_dir(FS_EXT4), O_RDONLY | O_DIRECTORY);
	ASSERT_LE(0, self->ext4);
	self->dir_fd = open(fs_dir(FS_OVERLAY), O_RDONLY | O_DIRECTORY);
	ASSERT_LE(0, self->dir_fd);
	ASSERT_EQ(0, hot_on(self->ext4));
	snprintf(self->upper, sizeof(self->upper), "%s/" OVERLAY_UPPER, fs_dir(FS_EXT4));
	snprintf(self->lower, sizeof(self->lower), "%s/" OVERLAY_LOWER, fs_dir(FS_EXT4));
}

FIXTURE_TEARDOWN(overlay)
{
}

TEST_F(overlay, itself)
{
	struct hot_ctl ctl = { .size = sizeof(ctl), .flags = HOT_CTL_ON };

	EXPECT_EQ(-EOPNOTSUPP, hot(self->dir_fd, HOT_CTL, &ctl));
	EXPECT_EQ(HOT_STATE_ON, hot_look(self->ext4).state & HOT_STATE_ON);
}

TEST_F(overlay, upper)
{
	int i, real, fd = open_file(fs_dir(FS_OVERLAY), "new", O_TRUNC);
	struct hot_inode heat = { .size = sizeof(heat) };

	fill(fd, 0, PAGES * PAGE);
	ASSERT_EQ(0, fsync(fd));
	real = open_file(self->upper, "new", 0);
	EXPECT_EQ(PAGES * PAGE, heat_of(real).bytes_written);
	EXPECT_LE(REQUESTS(1), heat_of(real).writes);
	make_cold(real);
	no_readahead(fd);
	for (i = 0; i < READS; i++)
		read_at(fd, shuffled(i, PAGES) * PAGE, PAGE);
	EXPECT_EQ(REQUESTS(READS), heat_of(real).reads);
	EXPECT_EQ(-EOPNOTSUPP, hot(fd, HOT_GET_INODE, &heat));
}

/* A file of the lower layer is read there, until writing makes a copy of it in the upper one. */
TEST_F(overlay, lower_and_copied_up)
{
	int i, fd, below, above;
	char path[160];

	/* Overlayfs must not change under its user. */
	ASSERT_EQ(0, close(self->dir_fd));
	ASSERT_EQ(0, fs_umount(FS_OVERLAY));
	snprintf(path, sizeof(path), "%s/old", self->upper);
	unlink(path);
	below = open_file(self->lower, "old", O_TRUNC);
	fill(below, 0, PAGES * PAGE);
	make_cold(below);
	ASSERT_EQ(0, hot_forget(below));
	ASSERT_EQ(0, fs_mount(FS_OVERLAY, 0));
	snprintf(path, sizeof(path), "%s/old", fs_dir(FS_OVERLAY));
	fd = open(path, O_RDONLY);
	ASSERT_LE(0, fd);
	no_readahead(fd);
	for (i = 0; i < READS; i++)
		read_at(fd, i * PAGE, PAGE);
	EXPECT_EQ(REQUESTS(READS), heat_of(below).reads);
	close(fd);
	fd = open(path, O_RDWR);
	ASSERT_LE(0, fd);
	above = open_file(self->upper, "old", 0);
	ASSERT_EQ(0, fsync(above));
	ASSERT_EQ(0, hot_forget(above));
	ASSERT_EQ(0, hot_forget(below));
	write_at(fd, 7 * PAGE, PAGE);
	ASSERT_EQ(0, fsync(fd));
	EXPECT_EQ(REQUESTS(1), heat_of(above).writes);
	EXPECT_EQ(0, heat_of(below).writes);
	make_cold(above);
	no_readahead(fd);
	read_at(fd, 9 * PAGE, PAGE);
	EXPECT_EQ(REQUESTS(1), heat_of(above).reads);
	EXPECT_EQ(0, heat_of(below).reads);
}

int main(int argc, char **argv)
{
	/* Which takes ext4 along. */
	wanted[FS_OVERLAY] = true;
	return run_tests(argc, argv);
}
