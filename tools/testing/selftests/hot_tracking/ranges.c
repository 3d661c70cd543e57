// SPDX-License-Identifier: GPL-2.0
/* Where in the file the requests went: ranges, and requests that lie in several of them. */
#include "fixture.h"
#include "on_writable.h"

#define LENGTH	(4 * MIB)

/* Nothing in the cache, and no heat from writing it. */
static void begin(struct __test_metadata *_metadata, int fd)
{
	fill(fd, 0, LENGTH);
	make_cold(fd);
	no_readahead(fd);
	ASSERT_EQ(0, hot_forget(fd));
}

TEST_F(fs, both_sides_of_an_edge)
{
	struct hot_range ranges[RANGES_MAX];

	begin(_metadata, self->fd);
	EXPECT_EQ(0, ranges_of(self->fd, ranges));
	read_at(self->fd, MIB - PAGE, PAGE);
	read_at(self->fd, MIB, PAGE);
	read_at(self->fd, 4 * MIB - PAGE, PAGE);
	ASSERT_EQ(3, ranges_of(self->fd, ranges));
	EXPECT_EQ(0, ranges[0].offset);
	EXPECT_EQ(MIB, ranges[1].offset);
	EXPECT_EQ(3 * MIB, ranges[2].offset);
	EXPECT_EQ(REQUESTS(1), ranges[0].reads);
	EXPECT_EQ(REQUESTS(1), ranges[1].reads);
	EXPECT_EQ(REQUESTS(1), ranges[2].reads);
	EXPECT_EQ(0, ranges[0].writes);
	EXPECT_EQ(REQUESTS(3), heat_of(self->fd).reads);
	EXPECT_EQ(HOT_RANGE_SHIFT_DEFAULT, heat_of(self->fd).range_shift);
}

/* Each request is in another range than the one before. */
TEST_F(fs, in_turns)
{
	enum { TURNS = 8 };
	struct hot_range ranges[RANGES_MAX];
	int i;

	begin(_metadata, self->fd);
	for (i = 0; i < TURNS; i++) {
		read_at(self->direct, 0, PAGE);
		write_at(self->direct, MIB, PAGE);
		read_at(self->direct, 2 * MIB, PAGE);
		write_at(self->direct, 0, PAGE);
		write_at(self->direct, 3 * MIB, PAGE);
	}
	ASSERT_EQ(4, ranges_of(self->fd, ranges));
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(i == 0 || i == 2 ? REQUESTS(TURNS) : 0, ranges[i].reads);
		EXPECT_EQ(i != 2 ? REQUESTS(TURNS) : 0, ranges[i].writes);
	}
	EXPECT_EQ(REQUESTS(2 * TURNS), heat_of(self->fd).reads);
	EXPECT_EQ(REQUESTS(3 * TURNS), heat_of(self->fd).writes);
}

TEST_F(fs, read_across_an_edge)
{
	struct hot_range ranges[RANGES_MAX];

	begin(_metadata, self->fd);
	read_at(self->fd, MIB - 8 * PAGE, 16 * PAGE);
	ASSERT_EQ(2, ranges_of(self->fd, ranges));
	EXPECT_EQ(REQUESTS(1), ranges[0].reads);
	EXPECT_EQ(REQUESTS(1), ranges[1].reads);
	EXPECT_EQ(REQUESTS(1), heat_of(self->fd).reads);
	EXPECT_EQ(16 * PAGE, heat_of(self->fd).bytes_read);
}

TEST_F(fs, direct_io_across_an_edge)
{
	struct hot_range ranges[RANGES_MAX];

	begin(_metadata, self->fd);
	read_at(self->direct, 2 * MIB - PAGE, 2 * PAGE);
	write_at(self->direct, 3 * MIB - PAGE, 2 * PAGE);
	ASSERT_EQ(0, fsync(self->direct));
	ASSERT_EQ(3, ranges_of(self->fd, ranges));
	EXPECT_EQ(REQUESTS(1), ranges[0].reads);
	EXPECT_EQ(0, ranges[0].writes);
	EXPECT_EQ(REQUESTS(1), ranges[1].reads);
	EXPECT_EQ(REQUESTS(1), ranges[1].writes);
	EXPECT_EQ(0, ranges[2].reads);
	EXPECT_EQ(REQUESTS(1), ranges[2].writes);
	EXPECT_EQ(REQUESTS(1), heat_of(self->fd).reads);
}

/* Written back, the two pages are two requests, as a request of writeback ends with its range. */
TEST_F(fs, writeback_across_an_edge)
{
	struct hot_range ranges[RANGES_MAX];

	begin(_metadata, self->fd);
	write_at(self->fd, MIB - PAGE, 2 * PAGE);
	ASSERT_EQ(0, fsync(self->fd));
	ASSERT_EQ(2, ranges_of(self->fd, ranges));
	EXPECT_EQ(REQUESTS(1), ranges[0].writes);
	EXPECT_EQ(REQUESTS(1), ranges[1].writes);
	EXPECT_EQ(2 * PAGE, heat_of(self->fd).bytes_written);
}

/* With ranges of 64 KiB, one request lies in four of them. */
TEST_F(fs, small_ranges)
{
	struct hot_ctl ctl = {
		.size = sizeof(ctl),
		.flags = HOT_CTL_ON | HOT_CTL_SET_HALF_LIFE | HOT_CTL_SET_RANGE_SHIFT,
		.half_life_ms = HOT_HALF_LIFE_MAX_MS,
		.range_shift = HOT_RANGE_SHIFT_MIN,
	};
	struct hot_range ranges[RANGES_MAX];
	int i;

	ASSERT_EQ(0, hot_off(self->dir_fd));
	ASSERT_EQ(0, hot(self->dir_fd, HOT_CTL, &ctl));
	begin(_metadata, self->fd);
	read_at(self->direct, MIB + 60 * KIB, 136 * KIB);
	ASSERT_EQ(4, ranges_of(self->fd, ranges));
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(MIB + i * 64 * KIB, ranges[i].offset);
		EXPECT_EQ(REQUESTS(1), ranges[i].reads);
		EXPECT_EQ(0, ranges[i].age_ms);
	}
	EXPECT_EQ(REQUESTS(1), heat_of(self->fd).reads);
	EXPECT_EQ(136 * KIB, heat_of(self->fd).bytes_read);
	EXPECT_EQ(HOT_RANGE_SHIFT_MIN, heat_of(self->fd).range_shift);
}

/* All ranges in pieces: each range once, in order, and the end told. */
TEST_F(fs, piece_by_piece)
{
	struct hot_range range;
	struct hot_ranges arg = {
		.size = sizeof(arg),
		.ranges = (unsigned long)&range,
	};
	int i, pieces;

	begin(_metadata, self->fd);
	for (i = 3; i >= 0; i--)
		read_at(self->fd, i * MIB, PAGE);
	for (pieces = 0; pieces < 4; pieces++) {
		arg.count = 1;
		arg.offset = arg.next;
		ASSERT_EQ(0, hot(self->fd, HOT_GET_RANGES, &arg));
		ASSERT_EQ(1, arg.count);
		EXPECT_EQ(pieces * MIB, range.offset);
		EXPECT_EQ(REQUESTS(1), range.reads);
		if (!arg.next)
			break;
		EXPECT_LT(range.offset, arg.next);
	}
	/* The last piece may be one without a range in it. */
	if (pieces == 4) {
		arg.count = 1;
		arg.offset = arg.next;
		ASSERT_EQ(0, hot(self->fd, HOT_GET_RANGES, &arg));
		EXPECT_EQ(0, arg.count);
	} else {
		EXPECT_EQ(3, pieces);
	}
	EXPECT_EQ(0, arg.next);
	/* Only what was asked for. */
	arg.offset = MIB;
	arg.length = MIB;
	arg.count = 1;
	ASSERT_EQ(0, hot(self->fd, HOT_GET_RANGES, &arg));
	EXPECT_EQ(1, arg.count);
	EXPECT_EQ(MIB, range.offset);
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
