// SPDX-License-Identifier: GPL-2.0
/* HOT_LOAD: what was saved comes back, what is malformed does not get in. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/stat.h>

#include "fixture.h"
#include "on_ext4.h"
#include "records.h"

#define RANGE_BYTES	((__u64)MIB)	/* HOT_RANGE_SHIFT_DEFAULT */
#define EPOCHS		8	/* in a half-life */

static void forget_all(int fd)
{
	struct hot_reset reset = { .size = sizeof(reset) };

	if (hot(fd, HOT_RESET, &reset))
		broken("HOT_RESET");
}

/* HOT_LOAD of a buffer as it is. */
static int load(int fd, const void *buffer, size_t bytes, __u64 *loaded)
{
	struct hot_load request = {
		.size = sizeof(request),
		.buffer = (uintptr_t)buffer,
		.buffer_bytes = bytes,
	};
	int ret = hot(fd, HOT_LOAD, &request);

	*loaded = request.loaded;
	return ret;
}

static bool same(struct records *a, struct records *b)
{
	const struct hot_record *x, *y;

	records_sort_by_key(a);
	records_sort_by_key(b);
	x = records_next(a, NULL);
	y = records_next(b, NULL);
	while (x && y && record_equal(x, y)) {
		x = records_next(a, x);
		y = records_next(b, y);
	}
	return !x && !y;
}

/* Real and made up, inodes and ranges: all of it as it was. */
TEST_F(fs, round_trip)
{
	struct records before = {}, after = {}, list = {};
	struct hot_inode inode;
	struct hot_range range;
	unsigned int i;
	__u64 loaded;

	for (i = 0; i < 5; i++)
		write_at(self->direct, i * RANGE_BYTES, PAGE);
	read_at(self->direct, 0, PAGE);
	for (i = 0; i < 3000; i++)
		records_add_inode(&list, i, i, 3 * i);
	for (i = 0; i < 300; i++)
		records_add_range(&list, i, i * RANGE_BYTES, RANGE_BYTES, i, 1);
	ASSERT_EQ(0, records_load(&list, self->dir_fd, NULL));
	inode = heat_of(self->direct);
	range = range_at(self->direct, 0);
	records_snapshot(&before, self->dir_fd, HOT_OF_RANGES);

	forget_all(self->dir_fd);
	EXPECT_EQ(0, hot_look(self->dir_fd).items);
	EXPECT_EQ(0, hot_look(self->dir_fd).ranges);
	EXPECT_EQ(0, records_load(&before, self->dir_fd, &loaded));
	EXPECT_EQ(before.count, loaded);

	records_snapshot(&after, self->dir_fd, HOT_OF_RANGES);
	EXPECT_EQ(before.count, after.count);
	EXPECT_TRUE(same(&before, &after));
	EXPECT_EQ(inode.writes, heat_of(self->direct).writes);
	EXPECT_EQ(inode.reads, heat_of(self->direct).reads);
	EXPECT_EQ(inode.bytes_written, heat_of(self->direct).bytes_written);
	EXPECT_EQ(range.writes, range_at(self->direct, 0).writes);
	EXPECT_EQ(range.reads, range_at(self->direct, 0).reads);

	/* And it goes on from there. */
	write_at(self->direct, 0, PAGE);
	EXPECT_EQ(inode.writes + REQUESTS(1), heat_of(self->direct).writes);
	EXPECT_EQ(range.writes + REQUESTS(1), range_at(self->direct, 0).writes);
}

/* Through a turn off and on, as through a reboot; the file is not in memory then. */
TEST_F(fs, round_trip_through_off)
{
	struct records saved = {};

	write_at(self->direct, 0, PAGE);
	write_at(self->direct, 0, PAGE);
	records_snapshot(&saved, self->dir_fd, HOT_OF_RANGES);
	close(self->fd);
	close(self->direct);
	ASSERT_EQ(0, hot_off(self->dir_fd));
	drop_caches();
	ASSERT_EQ(0, hot_on(self->dir_fd));
	ASSERT_EQ(0, records_load(&saved, self->dir_fd, NULL));
	self->direct = open_file(self->dir, "file", O_DIRECT);
	EXPECT_EQ(REQUESTS(2), heat_of(self->direct).writes);
	write_at(self->direct, 0, PAGE);
	EXPECT_EQ(REQUESTS(3), heat_of(self->direct).writes);
	EXPECT_EQ(1, hot_look(self->dir_fd).items);
}

/* What saved heat is added to, whichever came first. */
TEST_F(fs, is_added)
{
	struct records saved = {};
	__u64 loaded;

	write_at(self->direct, 0, PAGE);
	records_snapshot(&saved, self->dir_fd, HOT_OF_RANGES);
	ASSERT_EQ(2, saved.count);
	EXPECT_EQ(0, records_load(&saved, self->dir_fd, &loaded));
	EXPECT_EQ(2, loaded);
	EXPECT_EQ(REQUESTS(2), heat_of(self->direct).writes);
	EXPECT_EQ(REQUESTS(2), range_at(self->direct, 0).writes);
	EXPECT_EQ(1, hot_look(self->dir_fd).items);
	EXPECT_EQ(1, hot_look(self->dir_fd).ranges);
}

/* A handle of a file that is gone: what got its inode number has not got its heat. */
TEST_F(fs, generation)
{
	struct records saved = {};
	struct stat old, new;
	int i, fd = -1;

	write_at(self->direct, 0, PAGE);
	ASSERT_EQ(0, fstat(self->direct, &old));
	records_snapshot(&saved, self->dir_fd, HOT_OF_RANGES);
	close(self->fd);
	close(self->direct);
	ASSERT_EQ(0, unlink(self->path));
	for (i = 0; i < 100; i++) {
		char name[16];

		snprintf(name, sizeof(name), "new-%d", i);
		fd = open_file(self->dir, name, O_DIRECT);
		ASSERT_EQ(0, fstat(fd, &new));
		if (new.st_ino == old.st_ino)
			break;
		close(fd);
	}
	ASSERT_EQ(old.st_ino, new.st_ino);
	ASSERT_EQ(0, records_load(&saved, self->dir_fd, NULL));
	EXPECT_EQ(0, heat_of(fd).writes);
	EXPECT_EQ(0, heat_of(fd).item_flags);
	write_at(fd, 0, PAGE);
	EXPECT_EQ(REQUESTS(1), heat_of(fd).writes);
	EXPECT_EQ(REQUESTS(1), range_at(fd, 0).writes);
}

static __u32 load_aged(int fd, __u32 heat, __u64 age_ms)
{
	struct records list = {}, back = {};
	__u32 left;
	__u64 loaded;

	forget_all(fd);
	records_add_inode(&list, 1, heat, 0);
	records_next(&list, NULL)->age_ms = age_ms;
	if (load(fd, list.data, list.bytes, &loaded))
		broken("HOT_LOAD");
	records_snapshot(&back, fd, 0);
	/* Nothing may be left of what has decayed to nothing. */
	left = back.count ? records_next(&back, NULL)->reads : 0;
	records_free(&list);
	records_free(&back);
	return left;
}

/* What is left of @heat after @epochs of 1/8 half-life each. */
static double decayed(double heat, unsigned int epochs)
{
	/* 2^(-k/8) */
	static const double factor[EPOCHS] = {
		1, 0.917004043, 0.840896415, 0.771105413, 0.707106781, 0.648419777, 0.594603558,
		0.545253866,
	};

	return heat * factor[epochs % EPOCHS] / (1ULL << (epochs / EPOCHS));
}

TEST_F(fs, decays_by_its_age)
{
	static const __u32 heats[] = { 1, 255, REQUESTS(1), 100000, 123456789, HOT_HEAT_MAX };
	const __u64 half_life = HOT_HALF_LIFE_MAX_MS, epoch = half_life / EPOCHS;
	unsigned int i, k;

	for (i = 0; i < ARRAY_SIZE(heats); i++) {
		for (k = 0; k < 48; k++) {
			/* A factor that is exact to 16 bits, and rounding down. */
			double exact = decayed(heats[i], k);
			__u32 left = load_aged(self->dir_fd, heats[i], k * epoch);

			EXPECT_GE(exact * (1 + 1.0 / 65536), left)
				TH_LOG("%u after %u epochs", heats[i], k);
			EXPECT_LE(exact * (1 - 1.0 / 32768) - 1, left)
				TH_LOG("%u after %u epochs", heats[i], k);
			if (k % EPOCHS == 0) {
				EXPECT_EQ(heats[i] >> (k / EPOCHS), left)
					TH_LOG("%u after %u epochs", heats[i], k);
			}
			/* Less than a whole epoch more changes nothing. */
			EXPECT_EQ(left, load_aged(self->dir_fd, heats[i], (k + 1) * epoch - 1))
				TH_LOG("%u after %u epochs", heats[i], k);
		}
		EXPECT_EQ(0, load_aged(self->dir_fd, heats[i], 32 * half_life));
		EXPECT_EQ(0, load_aged(self->dir_fd, heats[i], 1ULL << 62));
		EXPECT_EQ(0, load_aged(self->dir_fd, heats[i], ~0ULL));
	}
}

/*
 * Saved when some time has gone by since the last request, and put back at once: it does not decay
 * again for that time. A second file that was left alone tells.
 */
TEST_F(fs, aged_round_trip)
{
	int control = open_file(self->dir, "control", O_DIRECT), i;
	struct records saved = {}, of_file = {};
	struct hot_record *record;
	__u32 loaded, kept;
	struct stat st;

	ASSERT_EQ(0, fstat(self->direct, &st));
	ASSERT_EQ(0, hot_half_life(self->dir_fd, 4000));
	for (i = 0; i < 200; i++) {
		write_at(self->direct, 0, PAGE);
		write_at(control, 0, PAGE);
	}
	while (heat_of(self->direct).age_ms < 2000)
		usleep(100000);
	records_snapshot(&saved, self->dir_fd, HOT_OF_RANGES);
	for (record = records_next(&saved, NULL); record; record = records_next(&saved, record)) {
		if (record_number(record) != st.st_ino)
			continue;
		EXPECT_LE(2000, record->age_ms);
		/* The time since it was saved: none. */
		record->age_ms = 0;
		records_add(&of_file, record, record->size);
	}
	ASSERT_EQ(2, of_file.count);
	ASSERT_EQ(0, hot_forget(self->direct));
	EXPECT_EQ(0, heat_of(self->direct).writes);
	ASSERT_EQ(0, records_load(&of_file, self->dir_fd, NULL));
	/* Both in the same epoch, else once more. */
	do {
		kept = heat_of(control).writes;
		loaded = heat_of(self->direct).writes;
	} while (kept != heat_of(control).writes);
	TH_LOG("left alone %u, saved and loaded %u", kept, loaded);
	/* Saving and loading may be in two epochs, and each step rounds down. */
	EXPECT_LE(decayed(kept, 1) - 3, loaded);
	EXPECT_GE(kept / decayed(1, 1) + 3, loaded);
}

TEST_F(fs, saturates)
{
	struct records list = {}, back = {};
	struct hot_record *record;
	unsigned int i;

	records_add_inode(&list, 1, HOT_HEAT_MAX - 1, HOT_HEAT_MAX);
	records_add_range(&list, 1, 0, RANGE_BYTES, HOT_HEAT_MAX, 1);
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, records_load(&list, self->dir_fd, NULL));
	records_snapshot(&back, self->dir_fd, HOT_OF_RANGES);
	ASSERT_EQ(2, back.count);
	record = records_next(&back, NULL);
	EXPECT_EQ(HOT_HEAT_MAX, record->reads);
	EXPECT_EQ(HOT_HEAT_MAX, record->writes);
	record = records_next(&back, record);
	EXPECT_EQ(HOT_HEAT_MAX, record->reads);
	EXPECT_EQ(3, record->writes);
}

/* Real requests on top of the most heat there is. */
TEST_F(fs, saturates_by_requests)
{
	struct records saved = {};
	struct hot_record *record;

	write_at(self->direct, 0, PAGE);
	records_snapshot(&saved, self->dir_fd, HOT_OF_RANGES);
	for (record = records_next(&saved, NULL); record; record = records_next(&saved, record))
		record->writes = HOT_HEAT_MAX - REQUESTS(2);
	forget_all(self->dir_fd);
	ASSERT_EQ(0, records_load(&saved, self->dir_fd, NULL));
	write_at(self->direct, 0, PAGE);
	EXPECT_EQ(HOT_HEAT_MAX - REQUESTS(1), heat_of(self->direct).writes);
	write_at(self->direct, 0, PAGE);
	write_at(self->direct, 0, PAGE);
	EXPECT_EQ(HOT_HEAT_MAX, heat_of(self->direct).writes);
	EXPECT_EQ(HOT_HEAT_MAX, range_at(self->direct, 0).writes);
}

/* Five records of inodes, the @at-th with something wrong. */
static int load_wrong(int fd, unsigned int at, void (*spoil)(struct hot_record *record),
		      __u64 *loaded)
{
	struct hot_record *record = NULL;
	struct records list = {};
	unsigned int i;
	int ret;

	forget_all(fd);
	for (i = 0; i < 5; i++)
		records_add_inode(&list, i, 1 + i, 0);
	for (i = 0; i <= at; i++)
		record = records_next(&list, record);
	spoil(record);
	ret = load(fd, list.data, list.bytes, loaded);
	records_free(&list);
	return ret;
}

static void no_size(struct hot_record *record)
{
	record->size = 0;
}

static void short_size(struct hot_record *record)
{
	record->size = sizeof(*record) - 8;
}

static void no_room_for_the_handle(struct hot_record *record)
{
	record->size = sizeof(*record);
}

static void room_for_a_longer_handle(struct hot_record *record)
{
	/* The next record would begin in its own middle. */
	record->size += 8;
}

static void odd_size(struct hot_record *record)
{
	record->size += 4;
}

static void size_beyond_the_end(struct hot_record *record)
{
	record->size = 5 * RECORD_BYTES + 8;
}

static void huge_size(struct hot_record *record)
{
	record->size = ~7U;
}

static void long_handle(struct hot_record *record)
{
	record->handle_bytes = HOT_HANDLE_MAX + 4;
}

static void huge_handle(struct hot_record *record)
{
	record->handle_bytes = ~0U;
}

static void no_handle(struct hot_record *record)
{
	record->handle_bytes = 0;
}

static void unknown_flag(struct hot_record *record)
{
	record->flags |= 0x80;
}

static void more_unknown_flags(struct hot_record *record)
{
	record->flags |= 0x80000000;
}

static void unaligned_range(struct hot_record *record)
{
	record->flags |= HOT_RECORD_RANGE;
	record->offset = RANGE_BYTES / 2;
	record->length = RANGE_BYTES;
}

static void range_of_another_size(struct hot_record *record)
{
	record->flags |= HOT_RECORD_RANGE;
	record->length = RANGE_BYTES / 2;
}

static void range_beyond_any_file(struct hot_record *record)
{
	record->flags |= HOT_RECORD_RANGE;
	record->offset = 1ULL << 63;
	record->length = RANGE_BYTES;
}

static void range_without_length(struct hot_record *record)
{
	record->flags |= HOT_RECORD_RANGE;
}

static const struct {
	const char *what;
	void (*spoil)(struct hot_record *record);
} spoilers[] = {
	{ "no size", no_size },
	{ "size shorter than a record", short_size },
	{ "size without the handle", no_room_for_the_handle },
	{ "size of a longer handle", room_for_a_longer_handle },
	{ "size that is no multiple of 8", odd_size },
	{ "size beyond the end", size_beyond_the_end },
	{ "size of nearly 4 GiB", huge_size },
	{ "handle that is too long", long_handle },
	{ "handle of nearly 4 GiB", huge_handle },
	{ "no handle", no_handle },
	{ "unknown flag", unknown_flag },
	{ "another unknown flag", more_unknown_flags },
	{ "range that begins in the middle of one", unaligned_range },
	{ "range of another size", range_of_another_size },
	{ "range beyond any file", range_beyond_any_file },
	{ "range without length", range_without_length },
};

TEST_F(fs, malformed)
{
	struct records back = {};
	unsigned int i, at;
	__u64 loaded;

	for (i = 0; i < ARRAY_SIZE(spoilers); i++) {
		for (at = 0; at < 5; at++) {
			EXPECT_EQ(-EINVAL, load_wrong(self->dir_fd, at, spoilers[i].spoil, &loaded))
				TH_LOG("%s, record %u", spoilers[i].what, at);
			/* Those before it were good. */
			EXPECT_EQ(at, loaded) TH_LOG("%s, record %u", spoilers[i].what, at);
			records_free(&back);
			records_snapshot(&back, self->dir_fd, HOT_OF_RANGES);
			EXPECT_EQ(at, back.count) TH_LOG("%s, record %u", spoilers[i].what, at);
		}
	}
}

/* Ends in the middle of a record, anywhere. */
TEST_F(fs, truncated)
{
	struct records list = {};
	unsigned int i;
	__u64 loaded;
	size_t bytes;

	for (i = 0; i < 3; i++)
		records_add_inode(&list, i, 1 + i, 0);
	for (bytes = 1; bytes < list.bytes; bytes++) {
		int expected = bytes % RECORD_BYTES ? -EINVAL : 0;

		forget_all(self->dir_fd);
		EXPECT_EQ(expected, load(self->dir_fd, list.data, bytes, &loaded))
			TH_LOG("%zu bytes", bytes);
		EXPECT_EQ(bytes / RECORD_BYTES, loaded) TH_LOG("%zu bytes", bytes);
		EXPECT_EQ(bytes / RECORD_BYTES, hot_look(self->dir_fd).items);
	}
}

TEST_F(fs, range_without_its_inode)
{
	struct records list = {};
	__u64 loaded;

	records_add_inode(&list, 1, 1, 1);
	records_add_range(&list, 1, 0, RANGE_BYTES, 1, 1);
	records_add_range(&list, 2, 0, RANGE_BYTES, 1, 1);
	records_add_inode(&list, 2, 1, 1);
	EXPECT_EQ(-ENOENT, load(self->dir_fd, list.data, list.bytes, &loaded));
	EXPECT_EQ(2, loaded);
	EXPECT_EQ(1, hot_look(self->dir_fd).items);
	EXPECT_EQ(1, hot_look(self->dir_fd).ranges);
}

/* A handle that ends when the inode leaves memory is of no use afterwards. */
TEST_F(fs, volatile_is_passed_over)
{
	struct records list = {};
	struct hot_record *record;
	__u64 loaded;

	records_add_inode(&list, 1, 1, 1);
	records_add_inode(&list, 2, 1, 1);
	records_add_inode(&list, 3, 1, 1);
	record = records_next(&list, records_next(&list, NULL));
	record->flags |= HOT_VOLATILE;
	EXPECT_EQ(0, load(self->dir_fd, list.data, list.bytes, &loaded));
	EXPECT_EQ(2, loaded);
	EXPECT_EQ(2, hot_look(self->dir_fd).items);
}

TEST_F(fs, no_more_room)
{
	struct hot_ctl ctl = {
		.size = sizeof(ctl),
		.flags = HOT_CTL_SET_ITEM_BYTES,
		.max_item_bytes = 64 * KIB,
	};
	struct records list = {};
	unsigned int i;
	__u64 loaded;

	ASSERT_EQ(0, hot(self->dir_fd, HOT_CTL, &ctl));
	for (i = 0; i < 5000; i++)
		records_add_inode(&list, i, 1000, 1);
	EXPECT_EQ(-ENOSPC, load(self->dir_fd, list.data, list.bytes, &loaded));
	ctl = hot_look(self->dir_fd);
	EXPECT_EQ(loaded, ctl.items);
	EXPECT_LT(100, loaded);
	EXPECT_GE(ctl.max_item_bytes, ctl.item_bytes);
	/* Who is there already can still be given more. */
	EXPECT_EQ(0, load(self->dir_fd, list.data, RECORD_BYTES, &loaded));
	EXPECT_EQ(1, loaded);
}

TEST_F(fs, nothing)
{
	__u64 loaded = 1;
	char byte;

	EXPECT_EQ(0, load(self->dir_fd, &byte, 0, &loaded));
	EXPECT_EQ(0, loaded);
}

/* The longest handle there is, and each shorter one: all are keys of their own. */
TEST_F(fs, lengths_of_handles)
{
	struct {
		struct hot_record record;
		__u8 handle[HOT_HANDLE_MAX];
	} one = {
		.record.flags = HOT_TRACKED,
		.record.reads = 1,
		.record.handle_type = 0x7f,
	};
	struct records back = {};
	unsigned int bytes;
	__u64 loaded;

	memset(one.handle, 0x33, sizeof(one.handle));
	for (bytes = 4; bytes <= HOT_HANDLE_MAX; bytes += 4) {
		one.record.handle_bytes = bytes;
		one.record.size = (sizeof(one.record) + bytes + 7) / 8 * 8;
		EXPECT_EQ(0, load(self->dir_fd, &one, one.record.size, &loaded))
			TH_LOG("%u", bytes);
		EXPECT_EQ(1, loaded) TH_LOG("%u", bytes);
	}
	EXPECT_EQ(HOT_HANDLE_MAX / 4, hot_look(self->dir_fd).items);
	/* The type is part of the key. */
	one.record.handle_type = 0x7e;
	EXPECT_EQ(0, load(self->dir_fd, &one, sizeof(one), &loaded));
	EXPECT_EQ(HOT_HANDLE_MAX / 4 + 1, hot_look(self->dir_fd).items);
	records_snapshot(&back, self->dir_fd, 0);
	EXPECT_EQ(HOT_HANDLE_MAX / 4 + 1, back.count);
}

/*
 * Records with bytes changed at random. Whatever the answer, it is one of the documented ones,
 * and what is there afterwards makes sense.
 */
TEST_F_TIMEOUT(fs, fuzz, LONG_TIMEOUT)
{
	enum { RECORDS = 12 };
	unsigned int seed = 20241, i, n, rounds = loops(2000, 200000), good = 0;
	unsigned long taken = 0;
	char *buffer = malloc(RECORDS * HOT_RECORD_MAX + 4096);
	struct hot_ctl ctl;
	__u64 loaded;

	for (i = 0; i < rounds; i++) {
		struct records list = {}, back = {};
		unsigned int this_seed = seed;
		size_t bytes;
		int ret;

		for (n = 0; n < RECORDS / 2; n++)
			records_add_inode(&list, n, pick(&seed, 1000), 1);
		for (n = 0; n < RECORDS / 2; n++)
			records_add_range(&list, n, pick(&seed, 9) * RANGE_BYTES, RANGE_BYTES, 1,
					  1);
		bytes = list.bytes;
		memcpy(buffer, list.data, bytes);
		for (n = 1 + pick(&seed, 3); n; n--) {
			/* Lengths and flags, heat and age, anything. */
			static const struct {
				unsigned int at, bytes;
			} areas[] = {
				{ 0, 8 }, { 64, 8 }, { 24, 40 }, { 24, 40 }, { 0, RECORD_BYTES },
			};
			unsigned int area = pick(&seed, ARRAY_SIZE(areas));
			unsigned int at = pick(&seed, RECORDS) * RECORD_BYTES + areas[area].at +
					  pick(&seed, areas[area].bytes);

			buffer[at] = pick(&seed, 2) ? pick(&seed, 256) : 1 << pick(&seed, 8);
		}
		if (!pick(&seed, 4))
			bytes -= pick(&seed, bytes);
		if (!pick(&seed, 8))
			forget_all(self->dir_fd);
		ret = load(self->dir_fd, buffer, bytes, &loaded);
		good += !ret;
		taken += loaded;
		ASSERT_TRUE(ret == 0 || ret == -EINVAL || ret == -ENOENT || ret == -ENOSPC)
			TH_LOG("seed %u: %d", this_seed, ret);
		ASSERT_GE(RECORDS, loaded) TH_LOG("seed %u", this_seed);
		if (i % 64 == 0) {
			records_snapshot(&back, self->dir_fd, HOT_OF_RANGES);
			ctl = hot_look(self->dir_fd);
			ASSERT_EQ(ctl.items + ctl.ranges, back.count) TH_LOG("seed %u", this_seed);
			ASSERT_GE(ctl.max_item_bytes, ctl.item_bytes) TH_LOG("seed %u", this_seed);
		}
		records_free(&list);
		records_free(&back);
	}
	free(buffer);
	TH_LOG("of %u loads %u were good all the same, and %lu records of the %u", rounds, good,
	       taken, rounds * RECORDS);
	EXPECT_LT(0, good);
	EXPECT_GT(rounds, good);
	/* A real file beside all that is as exact as ever. */
	forget_all(self->dir_fd);
	write_at(self->direct, 0, PAGE);
	EXPECT_EQ(REQUESTS(1), heat_of(self->direct).writes);
	EXPECT_EQ(1, hot_look(self->dir_fd).items);
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
