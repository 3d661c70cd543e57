// SPDX-License-Identifier: GPL-2.0
/*
 * Counts do not wrap: not at 4096 requests, where the formula of 2012 did, and at 2^24, the
 * most that a field can hold, they stay there.
 */
#include <stdalign.h>

#include "fixture.h"
#include "on_ext4.h"

#define READS	5000

TEST_F(fs, past_4096)
{
	int i;

	fill(self->fd, 0, PAGE);
	make_cold(self->fd);
	for (i = 1; i <= READS; i++) {
		read_at(self->direct, 0, PAGE);
		if (i >= 4090 && i <= 4100)
			EXPECT_EQ(REQUESTS(i), heat_of(self->fd).reads);
	}
	EXPECT_EQ(REQUESTS(READS), heat_of(self->fd).reads);
	EXPECT_EQ(REQUESTS(READS), range_at(self->fd, 0).reads);
	EXPECT_EQ((__u64)READS * PAGE, heat_of(self->fd).bytes_read);
}

/* The records of the file and of its range, as the kernel gives them, with other heat. */
static void load(struct __test_metadata *_metadata, int dir_fd, __u32 reads, __u32 writes)
{
	alignas(8) char buffer[2 * HOT_RECORD_MAX];
	struct hot_record *inode = (struct hot_record *)buffer, *range;
	struct hot_load load = { .size = sizeof(load), .buffer = (unsigned long)buffer };
	struct hot_stream stream = { .size = sizeof(stream), .flags = HOT_OF_RANGES };
	int fd = hot(dir_fd, HOT_STREAM, &stream);
	ssize_t length;

	ASSERT_LE(0, fd);
	length = read(fd, buffer, sizeof(buffer));
	ASSERT_LT((ssize_t)sizeof(*inode), length);
	range = (struct hot_record *)(buffer + inode->size);
	ASSERT_EQ(inode->size + range->size, length);
	ASSERT_EQ(HOT_RECORD_RANGE, range->flags & HOT_RECORD_RANGE);
	inode->reads = reads;
	inode->writes = writes;
	range->reads = reads;
	range->writes = writes;
	load.buffer_bytes = length;
	ASSERT_EQ(0, hot(dir_fd, HOT_LOAD, &load));
	ASSERT_EQ(2, load.loaded);
	close(fd);
}

TEST_F(fs, at_2_to_the_24th)
{
	int i;

	fill(self->fd, 0, PAGE);
	make_cold(self->fd);
	ASSERT_EQ(0, hot_forget(self->fd));
	read_at(self->direct, 0, PAGE);
	/* With the one that there is, two less than it takes. */
	load(_metadata, self->dir_fd, HOT_HEAT_MAX - REQUESTS(3), 0);
	EXPECT_EQ(HOT_HEAT_MAX - REQUESTS(2), heat_of(self->fd).reads);
	EXPECT_EQ(HOT_HEAT_MAX - REQUESTS(2), range_at(self->fd, 0).reads);
	for (i = 1; i >= 0; i--) {
		read_at(self->direct, 0, PAGE);
		EXPECT_EQ(HOT_HEAT_MAX - REQUESTS(i), heat_of(self->fd).reads);
	}
	for (i = 0; i < 10; i++) {
		read_at(self->direct, 0, PAGE);
		EXPECT_EQ(HOT_HEAT_MAX, heat_of(self->fd).reads);
		EXPECT_EQ(HOT_HEAT_MAX, range_at(self->fd, 0).reads);
	}
	EXPECT_EQ(0, heat_of(self->fd).writes);
}

/* Loading on top of that changes nothing either, and writes are a field of their own. */
TEST_F(fs, load_past_the_limit)
{
	fill(self->fd, 0, PAGE);
	make_cold(self->fd);
	ASSERT_EQ(0, hot_forget(self->fd));
	read_at(self->direct, 0, PAGE);
	load(_metadata, self->dir_fd, HOT_HEAT_MAX - 1, REQUESTS(1));
	EXPECT_EQ(HOT_HEAT_MAX, heat_of(self->fd).reads);
	EXPECT_EQ(REQUESTS(1), heat_of(self->fd).writes);
	load(_metadata, self->dir_fd, HOT_HEAT_MAX, HOT_HEAT_MAX);
	EXPECT_EQ(HOT_HEAT_MAX, heat_of(self->fd).reads);
	EXPECT_EQ(HOT_HEAT_MAX, heat_of(self->fd).writes);
	EXPECT_EQ(HOT_HEAT_MAX, range_at(self->fd, 0).reads);
	EXPECT_EQ(HOT_HEAT_MAX, range_at(self->fd, 0).writes);
	write_at(self->direct, 0, PAGE);
	EXPECT_EQ(HOT_HEAT_MAX, heat_of(self->fd).writes);
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
