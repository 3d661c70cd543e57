// SPDX-License-Identifier: GPL-2.0
/* A filesystem that is never written to. */
#include "fixture.h"

#define PAGES	1024
#define READS	64

FIXTURE(erofs)
{
	int dir_fd, fd, direct;
};

FIXTURE_SETUP(erofs)
{
	char path[128];

	if (fs_missing(FS_EROFS))
		SKIP(return, "%s", fs_missing(FS_EROFS));
	self->dir_fd = open(fs_dir(FS_EROFS), O_RDONLY | O_DIRECTORY);
	ASSERT_LE(0, self->dir_fd);
	snprintf(path, sizeof(path), "%s/" EROFS_FILE, fs_dir(FS_EROFS));
	self->fd = open(path, O_RDONLY);
	ASSERT_LE(0, self->fd);
	self->direct = open(path, O_RDONLY | O_DIRECT);
	ASSERT_LE(0, self->direct);
	ASSERT_EQ(0, hot_on(self->dir_fd));
	make_cold(self->fd);
	no_readahead(self->fd);
	/* Where the data is, which is then known. */
	read_at(self->direct, 0, PAGE);
	ASSERT_EQ(0, hot_forget(self->fd));
}

FIXTURE_TEARDOWN(erofs)
{
}

TEST_F(erofs, cold_and_cached_reads)
{
	int i, round;

	for (round = 0; round < 2; round++) {
		for (i = 0; i < READS; i++)
			read_at(self->fd, shuffled(i, PAGES) * PAGE, PAGE);
		EXPECT_EQ(REQUESTS(READS), heat_of(self->fd).reads);
		EXPECT_EQ(READS * PAGE, heat_of(self->fd).bytes_read);
	}
	EXPECT_EQ(0, heat_of(self->fd).writes);
}

TEST_F(erofs, direct_reads)
{
	int i;

	for (i = 0; i < READS; i++)
		read_at(self->direct, shuffled(i, PAGES) * PAGE, PAGE);
	EXPECT_EQ(REQUESTS(READS), heat_of(self->fd).reads);
}

TEST_F(erofs, ranges)
{
	struct hot_range ranges[RANGES_MAX];

	read_at(self->fd, 0, PAGE);
	read_at(self->fd, 3 * MIB - PAGE, PAGE);
	read_at(self->fd, 3 * MIB, PAGE);
	ASSERT_EQ(3, ranges_of(self->fd, ranges));
	EXPECT_EQ(0, ranges[0].offset);
	EXPECT_EQ(2 * MIB, ranges[1].offset);
	EXPECT_EQ(3 * MIB, ranges[2].offset);
}

TEST_F(erofs, drop_caches)
{
	char path[128];

	read_at(self->fd, 0, PAGE);
	close(self->fd);
	close(self->direct);
	drop_caches();
	drop_caches();
	snprintf(path, sizeof(path), "%s/" EROFS_FILE, fs_dir(FS_EROFS));
	self->fd = open(path, O_RDONLY);
	ASSERT_LE(0, self->fd);
	EXPECT_EQ(REQUESTS(1), heat_of(self->fd).reads);
	EXPECT_EQ(0, heat_of(self->fd).item_flags & HOT_VOLATILE);
}

int main(int argc, char **argv)
{
	wanted[FS_EROFS] = true;
	return run_tests(argc, argv);
}
