// SPDX-License-Identifier: GPL-2.0
/* Writes through the page cache cost requests when they reach the device, not before. */
#include "fixture.h"
#include "on_writable.h"

#define PAGES	256
#define TIMES	32
#define SYNCS	8

TEST_F(fs, one_page)
{
	struct hot_inode heat;

	fill(self->fd, 0, PAGE);
	EXPECT_EQ(0, heat_of(self->fd).writes);
	ASSERT_EQ(0, fsync(self->fd));
	heat = heat_of(self->fd);
	EXPECT_EQ(REQUESTS(1), heat.writes);
	EXPECT_EQ(PAGE, heat.bytes_written);
	EXPECT_EQ(0, heat.reads);
	/* There is nothing left to write. */
	ASSERT_EQ(0, fsync(self->fd));
	ASSERT_EQ(0, syncfs(self->dir_fd));
	EXPECT_EQ(REQUESTS(1), heat_of(self->fd).writes);
}

TEST_F(fs, many_writes_of_one_page)
{
	unsigned int i;

	for (i = 0; i < TIMES; i++)
		fill(self->fd, 0, PAGE);
	ASSERT_EQ(0, fsync(self->fd));
	EXPECT_EQ(REQUESTS(1), heat_of(self->fd).writes);
	EXPECT_EQ(PAGE, heat_of(self->fd).bytes_written);
}

/* Pages that lie together go to the device together. */
TEST_F(fs, many_pages_in_a_row)
{
	struct hot_inode heat;

	fill(self->fd, 0, PAGES * PAGE);
	ASSERT_EQ(0, fsync(self->fd));
	heat = heat_of(self->fd);
	EXPECT_EQ(PAGES * PAGE, heat.bytes_written);
	EXPECT_LE(REQUESTS(1), heat.writes);
	EXPECT_GE(REQUESTS(PAGES / 16), heat.writes);
	EXPECT_EQ(0, heat.writes % HOT_ONE);
}

TEST_F(fs, pages_that_lie_apart)
{
	unsigned int i;

	fill(self->fd, 0, PAGES * PAGE);
	/* Or these pages would belong to the large folios of that write, where there are such. */
	make_cold(self->fd);
	ASSERT_EQ(0, hot_forget(self->fd));
	for (i = 0; i < PAGES; i += PAGES / TIMES)
		write_at(self->fd, i * PAGE, PAGE);
	ASSERT_EQ(0, fsync(self->fd));
	EXPECT_EQ(REQUESTS(TIMES), heat_of(self->fd).writes);
	EXPECT_EQ(TIMES * PAGE, heat_of(self->fd).bytes_written);
}

TEST_F(fs, append_and_fsync)
{
	unsigned int i;

	for (i = 0; i < SYNCS; i++) {
		fill(self->fd, i * PAGE, PAGE);
		ASSERT_EQ(0, fsync(self->fd));
		ASSERT_EQ(REQUESTS(i + 1), heat_of(self->fd).writes);
	}
	EXPECT_EQ(SYNCS * PAGE, heat_of(self->fd).bytes_written);
}

TEST_F(fs, synchronous_writes)
{
	int fd = open_file(self->dir, "file", O_SYNC);
	unsigned int i;

	fill(self->fd, 0, PAGES * PAGE);
	ASSERT_EQ(0, fsync(self->fd));
	ASSERT_EQ(0, hot_forget(self->fd));
	for (i = 0; i < SYNCS; i++) {
		write_at(fd, shuffled(i, PAGES) * PAGE, PAGE);
		ASSERT_EQ(REQUESTS(i + 1), heat_of(self->fd).writes);
	}
}

/* Data that is cut off before it was written back costs nothing. */
TEST_F(fs, cut_off_in_time)
{
	fill(self->fd, 0, PAGES * PAGE);
	ASSERT_EQ(0, ftruncate(self->fd, 0));
	ASSERT_EQ(0, fsync(self->fd));
	EXPECT_EQ(0, heat_of(self->fd).writes);
	EXPECT_EQ(0, heat_of(self->fd).bytes_written);
}

/* Who writes it back does not matter. */
TEST_F(fs, sync_writes_back)
{
	fill(self->fd, 0, PAGE);
	sync();
	EXPECT_EQ(REQUESTS(1), heat_of(self->fd).writes);
	fill(self->fd, 0, PAGE);
	ASSERT_EQ(0, syncfs(self->dir_fd));
	EXPECT_EQ(REQUESTS(2), heat_of(self->fd).writes);
	fill(self->fd, 0, PAGE);
	ASSERT_EQ(0, sync_file_range(self->fd, 0, 0, SYNC_FILE_RANGE_WRITE |
				     SYNC_FILE_RANGE_WAIT_AFTER));
	EXPECT_EQ(REQUESTS(3), heat_of(self->fd).writes);
}

/* Writing a part of a page writes the page. That this reads it first is not counted. */
TEST_F(fs, part_of_a_cold_page)
{
	fill(self->fd, 0, PAGES * PAGE);
	make_cold(self->fd);
	no_readahead(self->fd);
	ASSERT_EQ(0, hot_forget(self->fd));
	write_at(self->fd, 100 * PAGE + 1000, 10);
	ASSERT_EQ(0, fsync(self->fd));
	EXPECT_EQ(REQUESTS(1), heat_of(self->fd).writes);
	EXPECT_EQ(PAGE, heat_of(self->fd).bytes_written);
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
