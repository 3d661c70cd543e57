// SPDX-License-Identifier: GPL-2.0
/*
 * Direct I/O: a request is what goes to the device in one piece. vfat and exfat get there by
 * fs/direct-io.c, the others by iomap.
 */
#include "fixture.h"
#include "on_writable.h"

#define PAGES	256
#define TIMES	64

TEST_F(fs, reads)
{
	unsigned int i;

	fill(self->fd, 0, PAGES * PAGE);
	make_cold(self->fd);
	for (i = 0; i < TIMES; i++)
		read_at(self->direct, shuffled(i, PAGES) * PAGE, PAGE);
	EXPECT_EQ(REQUESTS(TIMES), heat_of(self->fd).reads);
	EXPECT_EQ(TIMES * PAGE, heat_of(self->fd).bytes_read);
	/* There is no cache: the same again costs the same again. */
	for (i = 0; i < TIMES; i++)
		read_at(self->direct, shuffled(i, PAGES) * PAGE, PAGE);
	EXPECT_EQ(REQUESTS(2 * TIMES), heat_of(self->fd).reads);
	EXPECT_EQ(2 * TIMES * PAGE, heat_of(self->fd).bytes_read);
	EXPECT_EQ(0, pages_cached(self->fd));
}

TEST_F(fs, writes)
{
	unsigned int i;

	fill(self->fd, 0, PAGES * PAGE);
	make_cold(self->fd);
	ASSERT_EQ(0, hot_forget(self->fd));
	for (i = 0; i < TIMES; i++)
		write_at(self->direct, shuffled(i, PAGES) * PAGE, PAGE);
	ASSERT_EQ(0, fsync(self->direct));
	EXPECT_EQ(REQUESTS(TIMES), heat_of(self->fd).writes);
	EXPECT_EQ(TIMES * PAGE, heat_of(self->fd).bytes_written);
	EXPECT_EQ(0, heat_of(self->fd).reads);
}

TEST_F(fs, sixteen_pages_at_once)
{
	fill(self->fd, 0, PAGES * PAGE);
	make_cold(self->fd);
	ASSERT_EQ(0, hot_forget(self->fd));
	read_at(self->direct, 32 * PAGE, 16 * PAGE);
	write_at(self->direct, 64 * PAGE, 16 * PAGE);
	ASSERT_EQ(0, fsync(self->direct));
	EXPECT_EQ(REQUESTS(1), heat_of(self->fd).reads);
	EXPECT_EQ(16 * PAGE, heat_of(self->fd).bytes_read);
	EXPECT_EQ(REQUESTS(1), heat_of(self->fd).writes);
	EXPECT_EQ(16 * PAGE, heat_of(self->fd).bytes_written);
}

/* The rest of a new block is written with zeroes, before and after, in requests of their own. */
TEST_F(fs, part_of_a_new_block)
{
	struct hot_inode heat;

	ASSERT_EQ(0, ftruncate(self->fd, PAGES * PAGE));
	ASSERT_EQ(0, fsync(self->fd));
	ASSERT_EQ(0, hot_forget(self->fd));
	write_at(self->direct, 64 * PAGE + 1024, 512);
	ASSERT_EQ(0, fsync(self->direct));
	heat = heat_of(self->fd);
	if (variant->fs == FS_EXT4 || variant->fs == FS_XFS) {
		EXPECT_EQ(REQUESTS(3), heat.writes);
		EXPECT_EQ(PAGE, heat.bytes_written);
	} else {
		/* A sector, or through the page cache, on exfat with all before it. */
		EXPECT_LE(REQUESTS(1), heat.writes);
		EXPECT_LE(512, heat.bytes_written);
	}
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
