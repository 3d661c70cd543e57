// SPDX-License-Identifier: GPL-2.0
/* What heat outlives, and what it does not: reclaim of the inode, remounting, unmounting. */
#include <sys/mount.h>

#include "fixture.h"
#include "on_writable.h"

#define READS	10

static bool is_volatile(enum fs fs)
{
	return fs == FS_VFAT || fs == FS_EXFAT;
}

/* A page of data, and READS read requests. */
static void begin(struct __test_metadata *_metadata, int fd, int direct)
{
	int i;

	fill(fd, 0, PAGE);
	make_cold(fd);
	ASSERT_EQ(0, hot_forget(fd));
	for (i = 0; i < READS; i++)
		read_at(direct, 0, PAGE);
	ASSERT_EQ(REQUESTS(READS), heat_of(fd).reads);
}

/*
 * vfat and exfat have no lasting identity for a file; that their heat goes shows that the
 * inodes did leave memory, so that what the others keep is not for want of trying.
 */
TEST_F(fs, drop_caches)
{
	bool lost = is_volatile(variant->fs);
	struct hot_inode heat;

	begin(_metadata, self->fd, self->direct);
	EXPECT_EQ(lost, !!(heat_of(self->fd).item_flags & HOT_VOLATILE));
	EXPECT_EQ(1, hot_look(self->dir_fd).items);
	close(self->fd);
	close(self->direct);
	/* The first round may free only the names. */
	drop_caches();
	drop_caches();
	self->fd = open(self->path, O_RDONLY);
	ASSERT_LE(0, self->fd);
	heat = heat_of(self->fd);
	EXPECT_EQ(lost ? 0 : REQUESTS(READS), heat.reads);
	EXPECT_EQ(lost ? 0 : READS * PAGE, heat.bytes_read);
	EXPECT_EQ(lost ? 0 : REQUESTS(READS), range_at(self->fd, 0).reads);
	EXPECT_EQ(lost ? 0 : 1, hot_look(self->dir_fd).items);
	/* And goes on from there. */
	no_readahead(self->fd);
	read_at(self->fd, 0, PAGE);
	EXPECT_EQ(heat.reads + REQUESTS(1), heat_of(self->fd).reads);
	EXPECT_EQ(1, hot_look(self->dir_fd).items);
}

/* Nobody has touched its data since it came back into memory, and its last name goes. */
TEST_F(fs, unlinked_without_io_since)
{
	begin(_metadata, self->fd, self->direct);
	close(self->fd);
	close(self->direct);
	drop_caches();
	drop_caches();
	EXPECT_EQ(!is_volatile(variant->fs), hot_look(self->dir_fd).items);
	ASSERT_EQ(0, unlink(self->path));
	hot_items_become(self->dir_fd, 0);
}

/* Heat that nobody has looked at goes, and was counted nevertheless. */
TEST_F(fs, reset_of_all)
{
	struct hot_reset reset = { .size = sizeof(reset) };
	__u64 before;
	int i;

	begin(_metadata, self->fd, self->direct);
	before = hot_look(self->dir_fd).requests;
	for (i = 0; i < READS; i++)
		read_at(self->direct, 0, PAGE);
	ASSERT_EQ(0, hot(self->dir_fd, HOT_RESET, &reset));
	EXPECT_EQ(before + READS, hot_look(self->dir_fd).requests);
	EXPECT_EQ(0, hot_look(self->dir_fd).items);
	EXPECT_EQ(0, hot_look(self->dir_fd).ranges);
	EXPECT_EQ(0, heat_of(self->fd).reads);
	read_at(self->direct, 0, PAGE);
	EXPECT_EQ(REQUESTS(1), heat_of(self->fd).reads);
	EXPECT_EQ(REQUESTS(1), range_at(self->fd, 0).reads);
}

TEST_F(fs, remount_readonly)
{
	begin(_metadata, self->fd, self->direct);
	close(self->fd);
	close(self->direct);
	self->fd = open(self->path, O_RDONLY);
	ASSERT_EQ(0, fs_mount(variant->fs, MS_REMOUNT | MS_RDONLY));
	EXPECT_EQ(REQUESTS(READS), heat_of(self->fd).reads);
	make_cold(self->fd);
	no_readahead(self->fd);
	read_at(self->fd, 0, PAGE);
	EXPECT_EQ(REQUESTS(READS + 1), heat_of(self->fd).reads);
	EXPECT_EQ(HOT_STATE_ON, hot_look(self->dir_fd).state & HOT_STATE_ON);
	/* Tracking can be turned off and on there: it writes nothing to the filesystem. */
	EXPECT_EQ(0, hot_on(self->dir_fd));
	EXPECT_EQ(0, heat_of(self->fd).reads);
	ASSERT_EQ(0, fs_mount(variant->fs, MS_REMOUNT));
}

TEST_F(fs, unmount)
{
	struct hot_inode heat = { .size = sizeof(heat) };
	char sysfs[SYSFS_PATH_SIZE];

	begin(_metadata, self->fd, self->direct);
	hot_sysfs(self->dir_fd, "requests", sysfs);
	EXPECT_LE(READS, get_number(sysfs));
	close(self->fd);
	close(self->direct);
	close(self->dir_fd);
	ASSERT_EQ(0, fs_umount(variant->fs));
	EXPECT_EQ(-1, get_number(sysfs));
	ASSERT_EQ(0, fs_mount(variant->fs, 0));
	self->dir_fd = open(self->dir, O_RDONLY | O_DIRECTORY);
	ASSERT_LE(0, self->dir_fd);
	self->fd = open(self->path, O_RDONLY);
	ASSERT_LE(0, self->fd);
	/* Mounted anew, nothing is tracked until somebody turns it on. */
	EXPECT_EQ(0, hot_look(self->dir_fd).state & HOT_STATE_ON);
	EXPECT_EQ(-ENODATA, hot(self->fd, HOT_GET_INODE, &heat));
	ASSERT_EQ(0, hot_on(self->dir_fd));
	EXPECT_EQ(0, heat_of(self->fd).reads);
	EXPECT_EQ(0, hot_look(self->dir_fd).items);
	no_readahead(self->fd);
	read_at(self->fd, 0, PAGE);
	EXPECT_EQ(REQUESTS(1), heat_of(self->fd).reads);
}

/* Off and on again: open files and inodes in memory begin anew, too. */
TEST_F(fs, off_and_on)
{
	begin(_metadata, self->fd, self->direct);
	ASSERT_EQ(0, hot_off(self->dir_fd));
	read_at(self->direct, 0, PAGE);
	ASSERT_EQ(0, hot_on(self->dir_fd));
	EXPECT_EQ(0, heat_of(self->fd).reads);
	EXPECT_EQ(0, heat_of(self->fd).item_flags & HOT_TRACKED);
	EXPECT_EQ(0, hot_look(self->dir_fd).items);
	EXPECT_EQ(0, hot_look(self->dir_fd).requests);
	read_at(self->direct, 0, PAGE);
	EXPECT_EQ(REQUESTS(1), heat_of(self->fd).reads);
	EXPECT_EQ(1, hot_look(self->dir_fd).items);
}

/* Turning it on where it is on keeps the heat. */
TEST_F(fs, on_and_on)
{
	struct hot_ctl ctl = { .size = sizeof(ctl), .flags = HOT_CTL_ON };

	begin(_metadata, self->fd, self->direct);
	ASSERT_EQ(0, hot(self->dir_fd, HOT_CTL, &ctl));
	EXPECT_EQ(REQUESTS(READS), heat_of(self->fd).reads);
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
