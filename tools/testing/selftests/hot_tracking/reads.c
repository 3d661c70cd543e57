// SPDX-License-Identifier: GPL-2.0
/* Reads through the page cache cost a request each time the device is asked, and only then. */
#include "fixture.h"
#include "on_writable.h"

#define PAGES	256
#define READS	64

static void read_some_pages(int fd)
{
	unsigned int i;

	for (i = 0; i < READS; i++)
		read_at(fd, shuffled(i, PAGES) * PAGE, PAGE);
}

TEST_F(fs, cold_random_reads)
{
	struct hot_inode heat;

	fill(self->fd, 0, PAGES * PAGE);
	make_cold(self->fd);
	no_readahead(self->fd);
	EXPECT_EQ(0, heat_of(self->fd).reads);
	read_some_pages(self->fd);
	heat = heat_of(self->fd);
	EXPECT_EQ(REQUESTS(READS), heat.reads);
	EXPECT_EQ(READS * PAGE, heat.bytes_read);
	EXPECT_EQ(HOT_TRACKED, heat.item_flags & HOT_TRACKED);
	EXPECT_EQ(0, heat.age_ms);
}

TEST_F(fs, cached_reads)
{
	struct hot_inode before, after;

	fill(self->fd, 0, PAGES * PAGE);
	make_cold(self->fd);
	no_readahead(self->fd);
	read_some_pages(self->fd);
	before = heat_of(self->fd);
	read_some_pages(self->fd);
	after = heat_of(self->fd);
	EXPECT_EQ(before.reads, after.reads);
	EXPECT_EQ(before.bytes_read, after.bytes_read);
	/* The control: cold again, the same reads count again. */
	make_cold(self->fd);
	read_some_pages(self->fd);
	EXPECT_EQ(before.reads + REQUESTS(READS), heat_of(self->fd).reads);
}

TEST_F(fs, pages_that_were_just_written)
{
	fill(self->fd, 0, PAGES * PAGE);
	read_some_pages(self->fd);
	ASSERT_EQ(0, fsync(self->fd));
	read_some_pages(self->fd);
	EXPECT_EQ(0, heat_of(self->fd).reads);
	EXPECT_EQ(0, heat_of(self->fd).bytes_read);
}

/* What is asked for at once is one request, however many pages it takes. */
TEST_F(fs, sixteen_pages_at_once)
{
	fill(self->fd, 0, PAGES * PAGE);
	make_cold(self->fd);
	no_readahead(self->fd);
	read_at(self->fd, 64 * PAGE, 16 * PAGE);
	EXPECT_EQ(REQUESTS(1), heat_of(self->fd).reads);
	EXPECT_EQ(16 * PAGE, heat_of(self->fd).bytes_read);
	read_at(self->fd, 64 * PAGE, 16 * PAGE);
	EXPECT_EQ(REQUESTS(1), heat_of(self->fd).reads);
}

/* A byte costs what its page costs. */
TEST_F(fs, one_byte)
{
	fill(self->fd, 0, PAGES * PAGE);
	make_cold(self->fd);
	no_readahead(self->fd);
	read_at(self->fd, 100 * PAGE + 1000, 1);
	EXPECT_EQ(REQUESTS(1), heat_of(self->fd).reads);
	EXPECT_EQ(PAGE, heat_of(self->fd).bytes_read);
}

/* Readahead asks for many pages at once, and for each of them once. */
TEST_F(fs, sequential_reads)
{
	struct hot_inode heat;
	unsigned int i;

	fill(self->fd, 0, PAGES * PAGE);
	make_cold(self->fd);
	for (i = 0; i < PAGES; i++)
		read_at(self->fd, i * PAGE, PAGE);
	heat = heat_of(self->fd);
	EXPECT_EQ(PAGES * PAGE, heat.bytes_read);
	EXPECT_LE(REQUESTS(1), heat.reads);
	EXPECT_GE(REQUESTS(PAGES / 8), heat.reads);
	EXPECT_EQ(0, heat.reads % HOT_ONE);
}

/* Each file has the heat of its own. */
TEST_F(fs, two_files)
{
	int other = open_file(self->dir, "other", O_TRUNC);

	fill(self->fd, 0, PAGES * PAGE);
	fill(other, 0, PAGES * PAGE);
	make_cold(self->fd);
	make_cold(other);
	no_readahead(other);
	read_some_pages(other);
	EXPECT_EQ(REQUESTS(READS), heat_of(other).reads);
	EXPECT_EQ(0, heat_of(self->fd).reads);
}

/* The filesystem's total, and a file that was never asked for. */
TEST_F(fs, totals)
{
	int other = open_file(self->dir, "other", O_TRUNC);
	struct hot_ctl before, after;

	fill(self->fd, 0, PAGES * PAGE);
	make_cold(self->fd);
	no_readahead(self->fd);
	before = hot_look(self->dir_fd);
	read_some_pages(self->fd);
	after = hot_look(self->dir_fd);
	EXPECT_EQ(before.requests + READS, after.requests);
	EXPECT_EQ(0, after.dropped);
	EXPECT_EQ(0, heat_of(other).item_flags & HOT_TRACKED);
	EXPECT_EQ(0, heat_of(other).reads);
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
