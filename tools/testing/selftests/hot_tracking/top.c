// SPDX-License-Identifier: GPL-2.0
/* HOT_TOP and HOT_HISTOGRAM against what sorting and counting everything gives. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "fixture.h"
#include "on_ext4.h"
#include "records.h"

#define RANGE_BYTES	((__u64)MIB)	/* HOT_RANGE_SHIFT_DEFAULT */
#define SLOT_BYTES	24

static const __u32 orders[] = {
	0, HOT_BY_READS, HOT_BY_WRITES, HOT_BY_READS | HOT_BY_WRITES,
};

static void set_limits(int fd, __u64 item_bytes, __u64 range_bytes)
{
	struct hot_ctl ctl = {
		.size = sizeof(ctl),
		.flags = HOT_CTL_SET_ITEM_BYTES | HOT_CTL_SET_RANGE_BYTES,
		.max_item_bytes = item_bytes,
		.max_range_bytes = range_bytes,
	};

	if (hot(fd, HOT_CTL, &ctl))
		broken("limits");
}

/* Heat that differs by orders of magnitude, and often not at all. */
static __u32 some_heat(unsigned int *seed)
{
	unsigned int bits = pick(seed, 32);

	return bits ? pick(seed, 1U << bits) : pick(seed, 4);
}

/* A range for each count in @nr_ranges, spread over as many inodes as there are. */
static void load_made_up(int fd, unsigned int nr_inodes, unsigned int nr_ranges)
{
	struct records list = {};
	unsigned int seed = 7, i;
	__u64 loaded;

	for (i = 0; i < nr_inodes; i++)
		records_add_inode(&list, i, some_heat(&seed), some_heat(&seed));
	for (i = 0; i < nr_ranges; i++)
		records_add_range(&list, i % nr_inodes, i / nr_inodes * RANGE_BYTES, RANGE_BYTES,
				  some_heat(&seed), some_heat(&seed));
	if (records_load(&list, fd, &loaded) || loaded != list.count)
		broken("HOT_LOAD");
	records_free(&list);
}

/* So many direct writes and reads of files of their own, as many as their number says. */
static void make_real(const char *dir, unsigned int nr_files)
{
	unsigned int i, n;
	char name[16];
	int fd;

	for (i = 1; i <= nr_files; i++) {
		snprintf(name, sizeof(name), "real-%u", i);
		fd = open_file(dir, name, O_DIRECT);
		for (n = 0; n < i; n++)
			write_at(fd, n * RANGE_BYTES, PAGE);
		for (n = 0; n < 2 * i; n++)
			read_at(fd, 0, PAGE);
		close(fd);
	}
}

/* Equal in heat: which of two that are equally hot comes first does not matter. */
static unsigned long compare_heat(const struct records *a, const struct records *b, __u32 order)
{
	const struct hot_record *x = records_next(a, NULL), *y = records_next(b, NULL);
	unsigned long equal = 0;

	for (; x && y && record_rank(x, order) == record_rank(y, order); equal++) {
		x = records_next(a, x);
		y = records_next(b, y);
	}
	return equal;
}

/* All of @some are in @all, with the same heat; both are in order of key. */
static bool contained(const struct records *some, const struct records *all)
{
	const struct hot_record *x = records_next(some, NULL), *y = records_next(all, NULL);

	while (x && y) {
		if (!record_same_key(x, y)) {
			y = records_next(all, y);
			continue;
		}
		if (!record_equal(x, y))
			return false;
		x = records_next(some, x);
		y = records_next(all, y);
	}
	return !x;
}

/* Keep the inodes, or the ranges. */
static void keep(struct records *list, bool ranges)
{
	const struct hot_record *record;
	struct records kept = {};

	for (record = records_next(list, NULL); record; record = records_next(list, record))
		if (!!(record->flags & HOT_RECORD_RANGE) == ranges)
			records_add(&kept, record, record->size);
	records_free(list);
	*list = kept;
}

/* How many have any, as far as this order is concerned: others are not hot at all. */
static unsigned long with_heat(const struct records *list, __u32 order)
{
	const struct hot_record *record;
	unsigned long count = 0;

	for (record = records_next(list, NULL); record; record = records_next(list, record))
		count += record_rank(record, order) > 0;
	return count;
}

static void check_top(struct __test_metadata *_metadata, int fd, __u32 of)
{
	static const unsigned int counts[] = { 1, 2, 10, 100, 1000, HOT_COUNT_MAX };
	struct records all = {}, top = {};
	unsigned int i, n;

	records_snapshot(&all, fd, HOT_OF_RANGES);
	keep(&all, of);
	ASSERT_LT(100, all.count);
	for (i = 0; i < ARRAY_SIZE(orders); i++) {
		for (n = 0; n < ARRAY_SIZE(counts); n++) {
			unsigned long expected = with_heat(&all, orders[i]);

			if (expected > counts[n])
				expected = counts[n];
			records_free(&top);
			records_top(&top, fd, of | orders[i], counts[n]);
			EXPECT_EQ(expected, top.count) TH_LOG("top %u", counts[n]);
			records_sort(&all, orders[i]);
			EXPECT_EQ(expected, compare_heat(&top, &all, orders[i]))
				TH_LOG("top %u in order %#x", counts[n], orders[i]);
			/* Nothing twice, nothing made up. */
			records_sort_by_key(&top);
			records_sort_by_key(&all);
			EXPECT_TRUE(contained(&top, &all))
				TH_LOG("top %u in order %#x", counts[n], orders[i]);
		}
	}
	records_free(&top);
	records_free(&all);
}

static void check_histogram(struct __test_metadata *_metadata, int fd, __u32 of)
{
	struct hot_histogram histogram = { .size = sizeof(histogram) };
	__u64 counted[HOT_BUCKETS], sum;
	struct hot_record *record;
	struct records all = {};
	unsigned int i, n;

	records_snapshot(&all, fd, HOT_OF_RANGES);
	keep(&all, of);
	for (i = 0; i < ARRAY_SIZE(orders); i++) {
		memset(counted, 0, sizeof(counted));
		for (record = records_next(&all, NULL); record;
		     record = records_next(&all, record)) {
			__u64 rank = record_rank(record, orders[i]);

			counted[rank ? 64 - __builtin_clzll(rank) : 0]++;
		}
		histogram.flags = of | orders[i];
		ASSERT_EQ(0, hot(fd, HOT_HISTOGRAM, &histogram));
		for (n = 0, sum = 0; n < HOT_BUCKETS; n++) {
			sum += histogram.buckets[n];
			EXPECT_EQ(counted[n], histogram.buckets[n])
				TH_LOG("bucket %u in order %#x", n, orders[i]);
		}
		EXPECT_EQ(all.count, sum);
	}
	EXPECT_EQ(of ? hot_look(fd).ranges : hot_look(fd).items, all.count);
	records_free(&all);
}

TEST_F_TIMEOUT(fs, equals_a_sort, LONG_TIMEOUT)
{
	unsigned int nr_inodes = 1500, nr_ranges = 6000;

	set_limits(self->dir_fd, 16 * MIB, 4 * SLOT_BYTES * 8192);
	load_made_up(self->dir_fd, nr_inodes, nr_ranges);
	make_real(self->dir, 16);
	EXPECT_LE(4 * hot_look(self->dir_fd).ranges, hot_look(self->dir_fd).range_slots);
	EXPECT_EQ(nr_inodes + 16, hot_look(self->dir_fd).items);
	check_top(_metadata, self->dir_fd, 0);
	check_top(_metadata, self->dir_fd, HOT_OF_RANGES);
	check_histogram(_metadata, self->dir_fd, 0);
	check_histogram(_metadata, self->dir_fd, HOT_OF_RANGES);
}

/* The heat of real I/O comes out as it went in, and hottest first. */
TEST_F(fs, real_files)
{
	enum { FILES = 12 };
	struct hot_record *record;
	struct records top = {};
	unsigned int n = FILES;

	make_real(self->dir, FILES);
	records_top(&top, self->dir_fd, 0, FILES);
	ASSERT_EQ(FILES, top.count);
	for (record = records_next(&top, NULL); record; record = records_next(&top, record), n--) {
		EXPECT_EQ(REQUESTS(n), record->writes);
		EXPECT_EQ(REQUESTS(2 * n), record->reads);
		EXPECT_EQ(n * PAGE, record->bytes_written);
		EXPECT_EQ(2 * n * PAGE, record->bytes_read);
	}
	records_free(&top);
	records_top(&top, self->dir_fd, HOT_OF_RANGES | HOT_BY_READS, FILES);
	for (record = records_next(&top, NULL), n = FILES; record;
	     record = records_next(&top, record), n--) {
		EXPECT_EQ(0, record->offset);
		EXPECT_EQ(REQUESTS(2 * n), record->reads);
		EXPECT_EQ(REQUESTS(1), record->writes);
	}
	EXPECT_EQ(0, n);
}

/* Ranges of a file that is gone give their place to others, in the list and in the table. */
TEST_F(fs, ranges_of_a_file_that_is_gone)
{
	enum { GONE = 8, LEFT = 4 };
	struct hot_record *record;
	struct records top = {};
	int gone = open_file(self->dir, "gone", O_DIRECT), i;

	for (i = 0; i < 4 * GONE; i++)
		write_at(gone, i % GONE * RANGE_BYTES, PAGE);
	for (i = 0; i < LEFT; i++)
		write_at(self->direct, i * RANGE_BYTES, PAGE);
	close(gone);
	ASSERT_EQ(0, unlinkat(self->dir_fd, "gone", 0));
	EXPECT_EQ(GONE + LEFT, hot_look(self->dir_fd).ranges);
	records_top(&top, self->dir_fd, HOT_OF_RANGES, LEFT);
	EXPECT_EQ(LEFT, top.count);
	for (record = records_next(&top, NULL); record; record = records_next(&top, record))
		EXPECT_EQ(REQUESTS(1), record->writes);
	EXPECT_EQ(LEFT, hot_look(self->dir_fd).ranges);
	records_free(&top);
}

/* What does not fit into the buffer is left out: the coldest, and nothing half. */
TEST_F(fs, short_buffers)
{
	static const size_t lengths[] = {
		0, 1, RECORD_BYTES - 1, RECORD_BYTES, RECORD_BYTES + 1, 2 * RECORD_BYTES - 8,
		10 * RECORD_BYTES, 10 * RECORD_BYTES + 79,
	};
	struct records full = {}, part = {}, list = {};
	char buffer[20 * RECORD_BYTES];
	unsigned int i;

	for (i = 0; i < 200; i++)
		records_add_inode(&list, i, 1 + i % 150, i);
	ASSERT_EQ(0, records_load(&list, self->dir_fd, NULL));
	records_top(&full, self->dir_fd, 0, 200);
	ASSERT_EQ(200 * RECORD_BYTES, full.bytes);
	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		struct hot_top top = {
			.size = sizeof(top),
			.count = 100,
			.buffer = (uintptr_t)buffer,
			.buffer_bytes = lengths[i],
		};
		unsigned long fit = lengths[i] / RECORD_BYTES;

		memset(buffer, 0x5a, sizeof(buffer));
		EXPECT_EQ(0, hot(self->dir_fd, HOT_TOP, &top)) TH_LOG("%zu bytes", lengths[i]);
		EXPECT_EQ(fit, top.count) TH_LOG("%zu bytes", lengths[i]);
		EXPECT_EQ(fit * RECORD_BYTES, top.buffer_bytes) TH_LOG("%zu bytes", lengths[i]);
		EXPECT_EQ(200, top.scanned);
		EXPECT_EQ(0x5a, buffer[lengths[i]]) TH_LOG("%zu bytes", lengths[i]);
		records_free(&part);
		records_add(&part, buffer, top.buffer_bytes);
		EXPECT_EQ(fit, compare_heat(&part, &full, 0)) TH_LOG("%zu bytes", lengths[i]);
	}
}

TEST_F(fs, nothing_hot)
{
	struct hot_histogram histogram = { .size = sizeof(histogram) };
	struct records top = {};
	unsigned int i;

	records_top(&top, self->dir_fd, 0, 10);
	records_top(&top, self->dir_fd, HOT_OF_RANGES, 10);
	EXPECT_EQ(0, top.count);
	EXPECT_EQ(0, hot(self->dir_fd, HOT_HISTOGRAM, &histogram));
	for (i = 0; i < HOT_BUCKETS; i++)
		EXPECT_EQ(0, histogram.buckets[i]);
}

/* All are equally hot: any of them will do, none twice. */
TEST_F(fs, all_the_same)
{
	struct records list = {}, top = {};
	unsigned int i;

	for (i = 0; i < 500; i++)
		records_add_inode(&list, i, 1000, 24);
	ASSERT_EQ(0, records_load(&list, self->dir_fd, NULL));
	for (i = 1; i <= 500; i += 83) {
		records_free(&top);
		records_top(&top, self->dir_fd, 0, i);
		EXPECT_EQ(i, top.count);
		records_sort_by_key(&top);
		records_sort_by_key(&list);
		EXPECT_TRUE(contained(&top, &list)) TH_LOG("top %u", i);
	}
}

/* What has cooled down is not hot, but it is still there. */
TEST_F(fs, decayed_to_nothing)
{
	struct hot_histogram histogram = { .size = sizeof(histogram) };
	struct records top = {};
	int fd = self->direct;

	write_at(fd, 0, PAGE);
	ASSERT_EQ(0, hot_half_life(fd, HOT_HALF_LIFE_MIN_MS));
	while (heat_of(fd).writes)
		usleep(100000);
	records_top(&top, self->dir_fd, 0, 10);
	EXPECT_EQ(0, top.count);
	EXPECT_EQ(1, hot_look(fd).items);
	EXPECT_EQ(0, hot(self->dir_fd, HOT_HISTOGRAM, &histogram));
	EXPECT_EQ(1, histogram.buckets[0]);
}

/* How ranges lie: so many in each file, so far from each other. */
static const struct pattern {
	const char *name;
	unsigned int in_a_file, stride;
} patterns[] = {
	{ "of one file", ~0U, 1 },
	{ "of one file, every 16th", ~0U, 16 },
	{ "of one file, every 1000th", ~0U, 1000 },
	{ "eight of each file", 8, 1 },
	{ "one of each file", 1, 1 },
};

static void load_pattern(struct records *list, int fd, const struct pattern *pattern,
			 unsigned int nr_ranges)
{
	unsigned int seed = 11, i;

	for (i = 0; i < nr_ranges; i++) {
		if (i % pattern->in_a_file == 0)
			records_add_inode(list, i / pattern->in_a_file, 1, 0);
		records_add_range(list, i / pattern->in_a_file,
				  i % pattern->in_a_file * pattern->stride * RANGE_BYTES,
				  RANGE_BYTES, 1 + some_heat(&seed), 0);
	}
	if (records_load(list, fd, NULL))
		broken("HOT_LOAD");
}

/* How many of the hundred hottest of @loaded are not in @held; puts both in order of heat. */
static unsigned int hottest_lost(struct records *loaded, struct records *held)
{
	const struct hot_record *record, *found;
	unsigned int i, lost = 0;

	records_sort(loaded, 0);
	records_sort(held, 0);
	record = records_next(loaded, NULL);
	for (i = 0; i < 100; i++, record = records_next(loaded, record)) {
		found = records_next(held, NULL);
		while (found && record_rank(found, 0) >= record_rank(record, 0) &&
		       !record_same_key(found, record))
			found = records_next(held, found);
		lost += !found || !record_same_key(found, record);
	}
	return lost;
}

/*
 * What a table loses that is smaller than the ranges that are hot, or not much larger. A set of
 * four takes what falls into it, so some sets are too full when others have room; the coldest of
 * each go.
 */
static void fill_table(struct __test_metadata *_metadata, int fd, const struct pattern *pattern,
		       unsigned int slots, unsigned int nr_ranges)
{
	struct records loaded = {}, held = {};
	unsigned int top_lost;
	struct hot_ctl ctl;
	double lost;

	ASSERT_EQ(0, hot_on(fd));
	set_limits(fd, 64 * MIB, slots * SLOT_BYTES);
	load_pattern(&loaded, fd, pattern, nr_ranges);
	ctl = hot_look(fd);
	EXPECT_EQ(slots, ctl.range_slots);
	/* Each either has a place or was counted out. */
	EXPECT_EQ(nr_ranges, ctl.ranges + ctl.evicted_ranges);
	EXPECT_GE(slots, ctl.ranges);

	records_snapshot(&held, fd, HOT_OF_RANGES);
	keep(&held, true);
	keep(&loaded, true);
	EXPECT_EQ(ctl.ranges, held.count);
	records_sort_by_key(&held);
	records_sort_by_key(&loaded);
	EXPECT_TRUE(contained(&held, &loaded));

	lost = 100.0 * ctl.evicted_ranges / nr_ranges;
	top_lost = hottest_lost(&loaded, &held);
	TH_LOG("%u ranges %s in %u places: %.2f %% lost, of the hottest hundred %u", nr_ranges,
	       pattern->name, slots, lost, top_lost);
	/* By chance it would be 0.4, 3.7 and 19.5 %. */
	if (slots >= 4 * nr_ranges)
		EXPECT_GE(1.5, lost);
	if (slots >= 2 * nr_ranges)
		EXPECT_GE(6, lost);
	/* Five of the hundred hottest would have to meet in one set. */
	if (slots >= nr_ranges) {
		EXPECT_GE(23, lost);
		EXPECT_GE(1, top_lost);
	}
	records_free(&loaded);
	records_free(&held);
}

TEST_F_TIMEOUT(fs, smaller_tables, 10 * LONG_TIMEOUT)
{
	unsigned int nr_ranges = loops(16384, 262144), slots;
	const struct pattern *pattern;

	for (pattern = patterns; pattern < patterns + ARRAY_SIZE(patterns); pattern++)
		for (slots = 4 * nr_ranges; slots >= nr_ranges / 4; slots /= 2)
			fill_table(_metadata, self->dir_fd, pattern, slots, nr_ranges);
}

/* A million items: the top is exact, and the kernel's watchdogs have nothing to tell. */
TEST_F_TIMEOUT(fs, many, 40 * LONG_TIMEOUT)
{
	unsigned int nr_inodes = loops(20000, 1000000), i;
	struct records all = {}, top = {};
	struct hot_top request = {
		.size = sizeof(request),
		.count = 100,
		.buffer_bytes = 100 * HOT_RECORD_MAX,
	};

	set_limits(self->dir_fd, loops(8, 300) * MIB, 49152);
	load_made_up(self->dir_fd, nr_inodes, 0);
	TH_LOG("%u items take %llu bytes", nr_inodes,
	       (unsigned long long)hot_look(self->dir_fd).item_bytes);
	records_snapshot(&all, self->dir_fd, 0);
	EXPECT_EQ(nr_inodes, all.count);
	for (i = 0; i < ARRAY_SIZE(orders); i++) {
		records_free(&top);
		records_top(&top, self->dir_fd, orders[i], 100);
		records_sort(&all, orders[i]);
		EXPECT_EQ(100, compare_heat(&top, &all, orders[i])) TH_LOG("order %#x", orders[i]);
	}
	request.buffer = (uintptr_t)malloc(request.buffer_bytes);
	EXPECT_EQ(0, hot(self->dir_fd, HOT_TOP, &request));
	EXPECT_EQ(nr_inodes, request.scanned);
	check_histogram(_metadata, self->dir_fd, 0);
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
