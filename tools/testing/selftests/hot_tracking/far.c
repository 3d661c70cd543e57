// SPDX-License-Identifier: GPL-2.0
/* Offsets that do not fit 32 bits, up to the ends of files that the filesystems allow. */
#include <stdint.h>

#include "fixture.h"
#include "on_sparse.h"

static off_t far_end(enum fs fs)
{
	switch (fs) {
	case FS_EXT4:
		return 16 * TIB - 2 * MIB;
	case FS_F2FS:
		return 3 * TIB;
	default:
		return 16 * TIB + 3 * GIB;
	}
}

static void at(struct __test_metadata *_metadata, int fd, int direct, off_t offset)
{
	off_t range = offset & -MIB;
	struct hot_range seen;

	fill(fd, offset, PAGE);
	ASSERT_EQ(0, fsync(fd));
	seen = range_at(fd, range);
	EXPECT_EQ(REQUESTS(1), seen.writes) TH_LOG("offset %lld", (long long)offset);
	make_cold(fd);
	no_readahead(fd);
	read_at(fd, offset, PAGE);
	seen = range_at(fd, range);
	EXPECT_EQ(REQUESTS(1), seen.reads) TH_LOG("offset %lld", (long long)offset);
	read_at(direct, offset, PAGE);
	seen = range_at(fd, range);
	EXPECT_EQ(REQUESTS(2), seen.reads) TH_LOG("offset %lld", (long long)offset);
	EXPECT_EQ(REQUESTS(1), seen.writes) TH_LOG("offset %lld", (long long)offset);
}

/* Pages whose offsets are the same modulo 2^32, and one far away. */
TEST_F(fs, distinct_ranges)
{
	off_t end = far_end(variant->fs);
	struct hot_range ranges[RANGES_MAX];
	struct hot_ranges query = {
		.size = sizeof(query),
		.offset = MIB + GIB,
		.count = RANGES_MAX,
		.ranges = (uintptr_t)ranges,
	};

	at(_metadata, self->fd, self->direct, MIB);
	at(_metadata, self->fd, self->direct, MIB + 4 * GIB);
	at(_metadata, self->fd, self->direct, MIB + 8 * GIB + PAGE);
	at(_metadata, self->fd, self->direct, end);
	ASSERT_EQ(4, ranges_of(self->fd, ranges));
	EXPECT_EQ(MIB, ranges[0].offset);
	EXPECT_EQ(MIB + 4 * GIB, ranges[1].offset);
	EXPECT_EQ(MIB + 8 * GIB, ranges[2].offset);
	EXPECT_EQ(end & -MIB, ranges[3].offset);
	EXPECT_EQ(REQUESTS(4), heat_of(self->fd).writes);
	EXPECT_EQ(REQUESTS(8), heat_of(self->fd).reads);
	/* Those behind an offset. */
	ASSERT_EQ(0, hot(self->fd, HOT_GET_RANGES, &query));
	ASSERT_EQ(3, query.count);
	EXPECT_EQ(MIB + 4 * GIB, ranges[0].offset);
	EXPECT_EQ(end & -MIB, ranges[2].offset);
}

/* And the empty space between them is not looked at range by range, which would take for ever. */
TEST_F(fs, empty_terabytes)
{
	off_t end = far_end(variant->fs);

	ASSERT_EQ(0, ftruncate(self->fd, end));
	fill(self->fd, 0, PAGE);
	make_cold(self->fd);
	no_readahead(self->fd);
	read_at(self->direct, 0, PAGE);
	ASSERT_EQ(0, hot_forget(self->fd));
	read_at(self->fd, end / 2 & -PAGE, PAGE);
	EXPECT_EQ(0, heat_of(self->fd).reads);
	read_at(self->fd, 0, PAGE);
	EXPECT_EQ(REQUESTS(1), range_at(self->fd, 0).reads);
	EXPECT_EQ(0, range_at(self->fd, end / 2 & -MIB).reads);
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
