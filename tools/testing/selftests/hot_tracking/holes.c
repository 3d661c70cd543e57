// SPDX-License-Identifier: GPL-2.0
/*
 * Reading where there is nothing on the device is not a request: holes, and space that is
 * allocated but was never written. The map that tells so may have to be read, so that each file
 * here has a page of data whose reading brings it into memory.
 */
#include <sys/mman.h>

#include "fixture.h"
#include "on_sparse.h"

#define DATA	0		/* one page */
#define LENGTH	(4 * MIB)
#define TIMES	32

/* A file that is empty but for its first page; its map is in memory, its pages are not. */
static void begin(struct __test_metadata *_metadata, int fd, int direct)
{
	ASSERT_EQ(0, ftruncate(fd, LENGTH));
	fill(fd, DATA, PAGE);
	make_cold(fd);
	no_readahead(fd);
	read_at(direct, DATA, PAGE);
	ASSERT_EQ(0, hot_forget(fd));
}

/* Does a read of data count, as all these tests take for granted? */
static void expect_data_counts(struct __test_metadata *_metadata, int fd)
{
	__u32 before = heat_of(fd).reads;

	read_at(fd, DATA, PAGE);
	EXPECT_EQ(before + REQUESTS(1), heat_of(fd).reads);
}

TEST_F(fs, hole)
{
	unsigned int i;

	begin(_metadata, self->fd, self->direct);
	for (i = 0; i < TIMES; i++)
		read_at(self->fd, MIB + shuffled(i, 256) * PAGE, PAGE);
	EXPECT_EQ(0, heat_of(self->fd).reads);
	EXPECT_EQ(0, heat_of(self->fd).bytes_read);
	expect_data_counts(_metadata, self->fd);
}

TEST_F(fs, direct_read_of_a_hole)
{
	unsigned int i;

	begin(_metadata, self->fd, self->direct);
	for (i = 0; i < TIMES; i++)
		read_at(self->direct, MIB + shuffled(i, 256) * PAGE, PAGE);
	EXPECT_EQ(0, heat_of(self->fd).reads);
	expect_data_counts(_metadata, self->fd);
}

TEST_F(fs, readahead_in_a_hole)
{
	begin(_metadata, self->fd, self->direct);
	ASSERT_EQ(0, posix_fadvise(self->fd, 0, 0, POSIX_FADV_NORMAL));
	read_at(self->fd, MIB, MIB);
	EXPECT_EQ(0, heat_of(self->fd).reads);
	EXPECT_EQ(0, heat_of(self->fd).bytes_read);
	no_readahead(self->fd);
	expect_data_counts(_metadata, self->fd);
}

TEST_F(fs, page_faults_in_a_hole)
{
	unsigned int i, sum = 0;
	char *p;

	begin(_metadata, self->fd, self->direct);
	p = mmap(NULL, LENGTH, PROT_READ, MAP_SHARED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, p);
	ASSERT_EQ(0, madvise(p, LENGTH, MADV_RANDOM));
	for (i = 0; i < TIMES; i++)
		sum += p[MIB + shuffled(i, 256) * PAGE];
	EXPECT_EQ(0, sum);
	EXPECT_EQ(0, heat_of(self->fd).reads);
	munmap(p, LENGTH);
	expect_data_counts(_metadata, self->fd);
}

TEST_F(fs, allocated_but_not_written)
{
	unsigned int i;

	begin(_metadata, self->fd, self->direct);
	ASSERT_EQ(0, fallocate(self->fd, 0, MIB, MIB));
	ASSERT_EQ(0, fsync(self->fd));
	for (i = 0; i < TIMES; i++) {
		read_at(self->fd, MIB + shuffled(i, 256) * PAGE, PAGE);
		read_at(self->direct, MIB + shuffled(TIMES + i, 256) * PAGE, PAGE);
	}
	EXPECT_EQ(0, heat_of(self->fd).reads);
	EXPECT_EQ(0, heat_of(self->fd).writes);
	expect_data_counts(_metadata, self->fd);
}

/* What was written there since counts like any data. */
TEST_F(fs, written_since)
{
	begin(_metadata, self->fd, self->direct);
	ASSERT_EQ(0, fallocate(self->fd, 0, MIB, MIB));
	fill(self->fd, MIB + 16 * PAGE, PAGE);
	make_cold(self->fd);
	EXPECT_EQ(REQUESTS(1), heat_of(self->fd).writes);
	read_at(self->direct, DATA, PAGE);
	ASSERT_EQ(0, hot_forget(self->fd));
	read_at(self->fd, MIB + 15 * PAGE, PAGE);
	EXPECT_EQ(0, heat_of(self->fd).reads);
	read_at(self->fd, MIB + 16 * PAGE, PAGE);
	EXPECT_EQ(REQUESTS(1), heat_of(self->fd).reads);
	read_at(self->fd, MIB + 17 * PAGE, PAGE);
	EXPECT_EQ(REQUESTS(1), heat_of(self->fd).reads);
}

/* A hole that was data. */
TEST_F(fs, punched)
{
	begin(_metadata, self->fd, self->direct);
	fill(self->fd, MIB, 16 * PAGE);
	ASSERT_EQ(0, fallocate(self->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, MIB,
			       16 * PAGE));
	make_cold(self->fd);
	read_at(self->direct, DATA, PAGE);
	ASSERT_EQ(0, hot_forget(self->fd));
	read_at(self->fd, MIB, 16 * PAGE);
	EXPECT_EQ(0, heat_of(self->fd).reads);
	expect_data_counts(_metadata, self->fd);
}

/* Data and hole in one read: the device is asked, once. */
TEST_F(fs, data_beside_a_hole)
{
	begin(_metadata, self->fd, self->direct);
	read_at(self->fd, DATA, 16 * PAGE);
	EXPECT_EQ(REQUESTS(1), heat_of(self->fd).reads);
	read_at(self->fd, DATA, 16 * PAGE);
	EXPECT_EQ(REQUESTS(1), heat_of(self->fd).reads);
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
