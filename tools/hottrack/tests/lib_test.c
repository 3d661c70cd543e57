// SPDX-License-Identifier: GPL-2.0
/* libhottrack against the kernel of lib_mock.c, well-behaved and not. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "hottrack.h"
#include "lib_mock.h"
#include "lib_test.h"
#include "libunits.h"

#define MIB 1048576ULL

static char folder[64];
static bool may_mount;
static struct hottrack *ht;

/* Seconds that the tests let pass. */
static time_t passed;

int __wrap_clock_gettime(clockid_t clock, struct timespec *ts)
{
	int ret = __real_clock_gettime(clock, ts);

	ts->tv_sec += passed;
	return ret;
}

static char *in_folder(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static int create(const char *name)
{
	int fd = open(in_folder(name), O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	return fd;
}

/* A file with this heat. */
static unsigned int hot_file(const char *name, __u32 flags, double reads, double writes)
{
	close(create(name));
	return mock_file(in_folder(name), flags, reads, writes);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int setup(void **state)
{
	(void)state;
	passed = 0;
	stpcpy(folder, "/tmp/hottrack.XXXXXX");
	mock_reset();
	mock->ctl.state = HOT_STATE_ON;
	return !mkdtemp(folder) || hottrack_open(&ht, folder);
}

static int teardown(void **state)
{
	(void)state;
	hottrack_close(ht);
	return nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- units ---- */

static void assert_bytes(const char *text, __u64 wanted)
{
	__u64 value = 0;

	assert_int_equal(parse_bytes(text, &value), 0);
	assert_true(value == wanted);
}

static void units(void **state)
{
	static const char * const bad[] = {
		"", "-1", "+1", " 1", "1 ", "1k", "1KB", "K", "1.5M", "0x10", "1m", "M1",
	};
	static const char * const exact[] = {
		"1500ms", "1s", "10min", "1h", "30d", "0s", "61s", "90min",
	};
	char text[UNITS_TEXT];
	__u64 value;

	(void)state;
	assert_bytes("0", 0);
	assert_bytes("512", 512);
	assert_bytes("64K", 65536);
	assert_bytes("24M", 24 * MIB);
	assert_bytes("16777215T", 16777215ULL << 40);
	assert_bytes("18446744073709551615", UINT64_MAX);
	assert_int_equal(parse_bytes("16777216T", &value), -ERANGE);
	assert_int_equal(parse_bytes("18446744073709551616", &value), -ERANGE);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(parse_bytes(bad[i], &value), -EINVAL);
		/* "1m" could be a minute or a month. */
		assert_int_equal(parse_duration(bad[i], &value), -EINVAL);
	}
	for (size_t i = 0; i < sizeof(exact) / sizeof(*exact); i++) {
		assert_int_equal(parse_duration(exact[i], &value), 0);
		assert_string_equal(duration_text(text, value), exact[i]);
	}
	assert_int_equal(parse_duration("90", &value), 0);
	assert_true(value == 90000);
	assert_int_equal(parse_duration("999999999999999d", &value), -ERANGE);
	assert_string_equal(bytes_text(text, 24 * MIB), "24M");
	assert_string_equal(bytes_text(text, 49152), "48K");
	assert_string_equal(bytes_text(text, 0), "0");
	assert_string_equal(bytes_text(text, 999), "999");
	assert_string_equal(bytes_text(text, 1000), "0.98K");
	assert_string_equal(bytes_text(text, 1023 * 1024), "1.00M");
	assert_string_equal(bytes_text(text, 1536), "1.50K");
	assert_string_equal(bytes_text(text, UINT64_MAX), "16777216T");
}

/* ---- filesystem and control ---- */

static void opening(void **state)
{
	struct hottrack *other = NULL;
	struct statx stx;
	const char *point;
	char path[PATH_MAX], sysfs[64];

	(void)state;
	assert_int_equal(hottrack_open(&other, in_folder("none")), -ENOENT);
	assert_int_equal(mkfifo(in_folder("fifo"), 0600), 0);
	assert_int_equal(hottrack_open(&other, in_folder("fifo")), -EINVAL);
	assert_int_equal(hottrack_open(&other, "/dev/null"), -EINVAL);
	close(create("file"));
	assert_int_equal(hottrack_open(&other, in_folder("file")), 0);
	point = hottrack_mount_point(other);
	assert_non_null(realpath(folder, path));
	assert_memory_equal(path, point, strlen(point));
	assert_int_equal(statx(AT_FDCWD, point, 0, STATX_MNT_ID, &stx), 0);
	assert_true(stx.stx_attributes & STATX_ATTR_MOUNT_ROOT);
	hottrack_sysfs(other, sysfs, sizeof(sysfs));
	assert_memory_equal(sysfs, "/sys/fs/hot_track/", 18);
	assert_true(fcntl(hottrack_fd(other), F_GETFD) & FD_CLOEXEC);
	hottrack_close(other);
	hottrack_close(NULL);
}

static void control(void **state)
{
	struct hot_ctl ctl = {
		.flags = HOT_CTL_ON | HOT_CTL_SET_HALF_LIFE | HOT_CTL_SET_RANGE_SHIFT,
		.half_life_ms = 5000,
		.range_shift = 16,
	};

	(void)state;
	mock->ctl.state = 0;
	assert_int_equal(hottrack_is_on(ht), 0);
	assert_int_equal(hottrack_reset(ht), -ENODATA);
	assert_int_equal(hottrack_set(ht, &ctl), 0);
	assert_int_equal(hottrack_is_on(ht), 1);
	assert_int_equal(hottrack_get(ht, &ctl), 0);
	assert_true(ctl.half_life_ms == 5000 && ctl.range_shift == 16 && ctl.state == HOT_STATE_ON);
	ctl = (struct hot_ctl){ .flags = HOT_CTL_ON | HOT_CTL_SET_RANGE_SHIFT, .range_shift = 17 };
	assert_int_equal(hottrack_set(ht, &ctl), -EBUSY);
	ctl = (struct hot_ctl){ .flags = HOT_CTL_SET_HALF_LIFE, .half_life_ms = 999 };
	assert_int_equal(hottrack_set(ht, &ctl), -EINVAL);
	ctl = (struct hot_ctl){ .flags = HOT_CTL_OFF };
	assert_int_equal(hottrack_set(ht, &ctl), 0);
	/* What is off stays off, and it cannot be set. */
	assert_int_equal(hottrack_set(ht, &ctl), 0);
	assert_int_equal(hottrack_is_on(ht), 0);
	ctl = (struct hot_ctl){ .flags = HOT_CTL_SET_HALF_LIFE, .half_life_ms = 2000 };
	assert_int_equal(hottrack_set(ht, &ctl), -ENODATA);
	mock->errors[0] = ENOTTY;
	assert_int_equal(hottrack_is_on(ht), -ENOTTY);
	assert_int_equal(hottrack_get(ht, &ctl), -ENOTTY);
}

static void errors_are_explained(void **state)
{
	static const int own[] = {
		ENOTTY, EOPNOTSUPP, ENODATA, EPERM, ESTALE, ENODEV, EPROTO, E2BIG,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++) {
		const char *text = hottrack_strerror(-own[i]);

		assert_string_not_equal(text, strerror(own[i]));
		assert_ptr_equal(text, hottrack_strerror(own[i]));
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(text, hottrack_strerror(own[k]));
	}
	assert_string_equal(hottrack_strerror(-ENOENT), strerror(ENOENT));
}

/* ---- one file ---- */

static void file_heat(void **state)
{
	int fd = create("a"), cold = create("cold"), dir = open(folder, O_RDONLY | O_CLOEXEC);
	struct hot_inode heat;

	(void)state;
	mock_file(in_folder("a"), HOT_VOLATILE, 3, 1.5);
	assert_int_equal(hottrack_file_heat(fd, &heat), 0);
	assert_int_equal(heat.reads, 3 * HOT_ONE);
	assert_true(hottrack_requests(heat.writes) == 1.5);
	assert_int_equal(heat.item_flags, HOT_TRACKED | HOT_VOLATILE);
	assert_int_equal(hottrack_file_heat(cold, &heat), 0);
	assert_int_equal(heat.item_flags, 0);
	assert_int_equal(hottrack_file_heat(dir, &heat), -EINVAL);
	assert_int_equal(hottrack_reset_file(fd), 0);
	assert_int_equal(hottrack_file_heat(fd, &heat), 0);
	assert_int_equal(heat.item_flags, 0);
	close(fd);
	close(cold);
	close(dir);
}

/* Every third MiB is hot: more ranges than are asked for at a time. */
#define MANY 10000

static void many_ranges(const char *name)
{
	unsigned int item = hot_file(name, 0, MANY, 0);

	for (unsigned int i = 0; i < MANY; i++)
		mock_range(item, 3 * MIB * i, i % 7 + 1, 0);
}

static void file_ranges(void **state)
{
	static const struct {
		__u64 offset, length;
	} windows[] = {
		{ 0, 0 }, { 0, 1 }, { MIB - 1, 1 }, { MIB, 1 }, { MIB, 2 * MIB },
		{ MIB, 2 * MIB + 1 },
		{ 3 * MIB * 4095, 4 * MIB }, { 3 * MIB * 4096, 0 }, { 0, 3 * MIB * 4096 },
		{ 3 * MIB * (MANY - 1), 0 }, { 3 * MIB * MANY, 0 }, { 5, UINT64_MAX - 6 },
		{ UINT64_MAX, 0 }, { UINT64_MAX - 1, 9 },
	};
	struct hottrack_ranges *ranges;
	int fd;

	(void)state;
	many_ranges("a");
	fd = create("a");
	for (size_t w = 0; w < sizeof(windows) / sizeof(*windows); w++) {
		__u64 from = windows[w].offset, length = windows[w].length;
		size_t wanted = 0;

		assert_int_equal(hottrack_file_ranges(fd, from, length, &ranges), 0);
		assert_int_equal(ranges->range_shift, 20);
		for (unsigned int i = 0; i < MANY; i++) {
			__u64 at = 3 * MIB * i;

			if (at + MIB - 1 < from || (length && at > from && at - from >= length))
				continue;
			assert_true(wanted < ranges->count);
			assert_true(ranges->ranges[wanted].offset == at);
			assert_int_equal(ranges->ranges[wanted].reads, (i % 7 + 1) * HOT_ONE);
			wanted++;
		}
		assert_int_equal(ranges->count, wanted);
		free(ranges);
	}
	mock->errors[2] = EPERM;
	assert_int_equal(hottrack_file_ranges(fd, 0, 0, &ranges), -EPERM);
	close(fd);
}

static int damage;

static void spoil_ranges(unsigned int number, void *arg)
{
	struct hot_ranges *answer = arg;
	struct hot_range *ranges = (void *)(uintptr_t)answer->ranges;

	assert_int_equal(number, _IOC_NR(HOT_GET_RANGES));
	switch (damage) {
	case 0:
		answer->count = 0x7fffffff;
		break;
	case 1:
		answer->next = answer->offset;
		if (!answer->next)
			answer->next = 1, answer->offset = 2;
		break;
	case 2:
		answer->range_shift = 64;
		break;
	case 3:
		ranges[1].offset = ranges[0].offset;
		break;
	case 4:
		ranges[0].offset++;
		break;
	case 5:
		/* Far behind what was asked for. */
		ranges[0].offset = 1ULL << 62;
		break;
	case 6:
		/* The last range there can be, and another one. */
		ranges[0].offset = -MIB;
		break;
	}
}

static void malformed_ranges(void **state)
{
	struct hottrack_ranges *ranges;
	int fd;

	(void)state;
	many_ranges("a");
	fd = create("a");
	mock->spoil = spoil_ranges;
	for (damage = 0; damage <= 6; damage++) {
		/* Offset 0 may go on at 1; so this one starts later. */
		__u64 from = damage == 1 ? MIB : 0;
		__u64 length = damage == 5 ? MIB * 90 : 0;

		assert_int_equal(hottrack_file_ranges(fd, from, length, &ranges), -EPROTO);
	}
	close(fd);
}

static void spoil_shift(unsigned int number, void *arg)
{
	static unsigned int answers;

	(void)number;
	/* The second answer is of another time. */
	if (answers++ == 0)
		((struct hot_ranges *)arg)->range_shift = 19;
}

static void ranges_of_another_time(void **state)
{
	struct hottrack_ranges *ranges;
	int fd;

	(void)state;
	many_ranges("a");
	fd = create("a");
	mock->spoil = spoil_shift;
	assert_int_equal(hottrack_file_ranges(fd, 0, 0, &ranges), 0);
	assert_int_equal(ranges->count, MANY);
	assert_int_equal(ranges->range_shift, 20);
	assert_true(ranges->ranges[0].offset == 0);
	free(ranges);
	close(fd);
}

/* ---- all files ---- */

static void some_heat(void)
{
	char name[32];

	for (int i = 0; i < 50; i++) {
		unsigned int item;

		snprintf(name, sizeof(name), "file%d", i);
		item = hot_file(name, 0, i * 37 % 50, i % 5);
		mock_range(item, MIB * i, i, 1);
	}
}

static void top(void **state)
{
	struct hottrack_list *list;

	(void)state;
	some_heat();
	assert_int_equal(hottrack_top(ht, 0, 10, &list), 0);
	assert_int_equal(list->count, 10);
	assert_int_equal(list->scanned, 50);
	for (size_t i = 1; i < list->count; i++)
		assert_true(list->records[i - 1]->reads + list->records[i - 1]->writes >=
			    list->records[i]->reads + list->records[i]->writes);
	free(list);
	assert_int_equal(hottrack_top(ht, HOT_OF_RANGES | HOT_BY_READS, HOT_COUNT_MAX, &list), 0);
	/* One has no heat of reads. */
	assert_int_equal(list->count, 49);
	assert_true(list->records[0]->offset == 49 * MIB && list->records[0]->length == MIB);
	assert_true(list->records[0]->flags & HOT_RECORD_RANGE);
	free(list);
	assert_int_equal(hottrack_top(ht, 0, 0, &list), -EINVAL);
	assert_int_equal(hottrack_top(ht, 0, HOT_COUNT_MAX + 1, &list), -EINVAL);
	mock->errors[3] = EPERM;
	assert_int_equal(hottrack_top(ht, 0, 10, &list), -EPERM);
}

static void histogram(void **state)
{
	struct hot_histogram h;
	__u64 sum = 0;

	(void)state;
	hot_file("one", 0, 1, 0);
	hot_file("three", 0, 2, 1);
	hot_file("cold", 0, 0, 0);
	assert_int_equal(hottrack_histogram(ht, 0, &h), 0);
	assert_int_equal(h.buckets[0], 1);
	assert_int_equal(h.buckets[HOT_FRACTION_BITS + 1], 1);
	assert_int_equal(h.buckets[HOT_FRACTION_BITS + 2], 1);
	for (int i = 0; i < HOT_BUCKETS; i++)
		sum += h.buckets[i];
	assert_int_equal(sum, 3);
	assert_int_equal(hottrack_reset(ht), 0);
	assert_int_equal(hottrack_histogram(ht, 0, &h), 0);
	assert_int_equal(h.buckets[0], 0);
}

static void spoil_top(unsigned int number, void *arg)
{
	struct hot_top *answer = arg;
	struct hot_record *first = (void *)(uintptr_t)answer->buffer;

	(void)number;
	switch (damage) {
	case 0:
		answer->count = 11;
		break;
	case 1:
		answer->buffer_bytes = 10 * HOT_RECORD_MAX + 1;
		break;
	case 2:
		first->size = 0;
		break;
	case 3:
		first->size -= 4;
		break;
	case 4:
		first->size = 0xfffffff8;
		break;
	case 5:
		first->handle_bytes = first->size - sizeof(*first) + 1;
		break;
	case 6:
		answer->count--;
		break;
	case 7:
		answer->buffer_bytes -= 8;
		break;
	}
}

static void malformed_top(void **state)
{
	struct hottrack_list *list;

	(void)state;
	some_heat();
	mock->spoil = spoil_top;
	for (damage = 0; damage <= 7; damage++)
		assert_int_equal(hottrack_top(ht, 0, 10, &list), -EPROTO);
}

static void spoil_bits(unsigned int number, void *arg)
{
	struct hot_top *answer = arg;
	unsigned char *buffer = (void *)(uintptr_t)answer->buffer;
	int flips = rand() % 4 + 1;

	(void)number;
	while (flips--)
		buffer[rand() % answer->buffer_bytes] ^= 1 << rand() % 8;
	if (rand() % 8 == 0)
		answer->buffer_bytes = rand() % (answer->buffer_bytes + 16);
}

/* Whatever the bits are: what is accepted can be read without leaving the buffer. */
static void random_damage(void **state)
{
	unsigned int refused = 0, accepted = 0;

	(void)state;
	some_heat();
	mock->spoil = spoil_bits;
	srand(4);
	for (int round = 0; round < 20000; round++) {
		struct hottrack_list *list;
		unsigned int sum = 0;

		if (hottrack_top(ht, 0, 10, &list)) {
			refused++;
			continue;
		}
		for (size_t i = 0; i < list->count; i++)
			for (__u32 b = 0; b < list->records[i]->handle_bytes; b++)
				sum += list->records[i]->handle[b];
		assert_true(sum || !list->count || list->records[0]->handle_bytes < 2);
		free(list);
		accepted++;
	}
	assert_true(refused > 100 && accepted > 100);
}

/* ---- streams ---- */

static void pass(void **state)
{
	struct hottrack_stream *stream;
	const struct hot_record *record;

	(void)state;
	some_heat();
	assert_int_equal(hottrack_stream_open(ht, HOT_OF_RANGES, 0, &stream), 0);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 100; i++) {
			assert_int_equal(hottrack_stream_next(stream, &record), 1);
			assert_int_equal(!!(record->flags & HOT_RECORD_RANGE), i >= 50);
		}
		assert_false(hottrack_stream_pending(stream));
		assert_int_equal(hottrack_stream_next(stream, &record), 0);
		assert_int_equal(hottrack_stream_rewind(stream), 0);
	}
	/* In the middle of what was read ahead as well. */
	assert_int_equal(hottrack_stream_next(stream, &record), 1);
	assert_true(hottrack_stream_pending(stream));
	assert_int_equal(hottrack_stream_rewind(stream), 0);
	assert_false(hottrack_stream_pending(stream));
	hottrack_stream_close(stream);
	hottrack_stream_close(NULL);
	assert_int_equal(hottrack_stream_open(ht, 0, 1, &stream), -EINVAL);
	mock->errors[7] = EBUSY;
	assert_int_equal(hottrack_stream_open(ht, 0, 0, &stream), -EBUSY);
}

static void events(void **state)
{
	struct hottrack_stream *stream;
	const struct hot_record *record;
	struct pollfd waits;
	int hot = 0;

	(void)state;
	hot_file("cool", 0, 4, 0);
	hot_file("warm", 0, 5, 0);
	hot_file("hot", 0, 2, 9);
	assert_int_equal(hottrack_stream_open(ht, HOT_STREAM_EVENTS, 5 * HOT_ONE, &stream), 0);
	waits = (struct pollfd){ .fd = hottrack_stream_fd(stream), .events = POLLIN };
	assert_int_equal(fcntl(waits.fd, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(poll(&waits, 1, 0), 1);
	do {
		assert_int_equal(hottrack_stream_next(stream, &record), 1);
		assert_true(record->reads + record->writes >= 5 * HOT_ONE);
		hot++;
	} while (hottrack_stream_pending(stream));
	assert_int_equal(hot, 2);
	assert_int_equal(hottrack_stream_next(stream, &record), -EAGAIN);
	assert_int_equal(hottrack_stream_rewind(stream), -ESPIPE);
	hottrack_stream_close(stream);
}

static void malformed_stream(void **state)
{
	struct hottrack_stream *stream;
	const struct hot_record *record;

	(void)state;
	some_heat();
	for (damage = 0; damage < 2; damage++) {
		int fd;

		assert_int_equal(hottrack_stream_open(ht, 0, 0, &stream), 0);
		fd = hottrack_stream_fd(stream);
		if (damage)	/* the last record is cut off */
			assert_int_equal(ftruncate(fd, lseek(fd, 0, SEEK_END) - 8), 0);
		else		/* the last record is too long */
			assert_int_equal(pwrite(fd, "\xff\x00", 2, lseek(fd, 0, SEEK_END) - 88), 2);
		lseek(fd, 0, SEEK_SET);
		for (int i = 0; i < 49; i++)
			assert_int_equal(hottrack_stream_next(stream, &record), 1);
		assert_int_equal(hottrack_stream_next(stream, &record), -EPROTO);
		assert_int_equal(hottrack_stream_next(stream, &record), 0);
		hottrack_stream_close(stream);
	}
}

/* ---- heat put back ---- */

static void loading(void **state)
{
	/* More than one request takes. */
	const size_t count = HOT_LOAD_MAX / 88 + 5;
	struct hottrack_stream *stream;
	const struct hot_record *record;
	char *all, *one;
	__u64 loaded;

	(void)state;
	many_ranges("a");
	assert_int_equal(hottrack_stream_open(ht, HOT_OF_RANGES, 0, &stream), 0);
	assert_int_equal(hottrack_stream_next(stream, &record), 1);
	assert_int_equal(record->size, 88);
	all = calloc(count, 88);
	memcpy(all, record, 88);
	assert_int_equal(hottrack_stream_next(stream, &record), 1);
	for (size_t i = 1; i < count; i++) {
		memcpy(all + i * 88, record, 88);
		((struct hot_record *)(all + i * 88))->offset = i * MIB;
	}
	hottrack_stream_close(stream);

	assert_int_equal(hottrack_reset(ht), 0);
	assert_int_equal(hottrack_load(ht, all, 88 * count, &loaded), 0);
	assert_true(loaded == count);
	assert_int_equal(mock->calls[6], 2);
	assert_int_equal(mock->items, 1);
	assert_int_equal(mock->ranges, count - 1);

	/* A range whose inode has no heat. */
	assert_int_equal(hottrack_reset(ht), 0);
	assert_int_equal(hottrack_load(ht, all + 88, 88, &loaded), -ENOENT);
	assert_true(loaded == 0);
	/* Cut off: what was whole is there. */
	assert_int_equal(hottrack_load(ht, all, 88 * 3 - 1, &loaded), -EINVAL);
	assert_true(loaded == 2);
	assert_int_equal(hottrack_load(ht, all, 1, &loaded), -EINVAL);
	assert_int_equal(hottrack_load(ht, all, 0, &loaded), 0);
	one = malloc(88);
	memcpy(one, all, 88);
	((struct hot_record *)one)->handle_bytes = 17;
	assert_int_equal(hottrack_load(ht, one, 88, &loaded), -EINVAL);
	free(one);
	free(all);
}

/* ---- from a record to its file ---- */

static struct hottrack_list *list;

static struct hottrack_file resolved(unsigned int record)
{
	struct hottrack_file file;

	assert_int_equal(hottrack_resolve(ht, list->records[record], &file), 0);
	return file;
}

static void assert_known(unsigned int record, enum hottrack_known known, const char *text)
{
	struct hottrack_file file = resolved(record);
	char *line = hottrack_describe(&file);

	assert_int_equal(file.known, known);
	if (text)
		assert_string_equal(line, text);
	free(line);
	free(file.path);
}

static void resolve(void **state)
{
	char old[PATH_MAX], new[PATH_MAX], deleted[PATH_MAX + 16];
	unsigned int opened;
	int fd;

	(void)state;
	hot_file("a", 0, 9, 0);
	hot_file("b", HOT_NOT_OPENABLE, 8, 0);
	assert_int_equal(hottrack_top(ht, 0, 10, &list), 0);
	stpcpy(old, in_folder("a"));
	stpcpy(new, in_folder("c"));
	snprintf(deleted, sizeof(deleted), "%s (deleted)", new);

	assert_known(0, HOTTRACK_NAMED, old);
	assert_known(1, HOTTRACK_UNOPENABLE, NULL);
	opened = mock->opened;
	assert_int_equal(opened, 1);
	assert_known(0, HOTTRACK_NAMED, old);
	passed += 60;
	/* Its name is right still: nothing is opened for that. */
	assert_known(0, HOTTRACK_NAMED, old);
	assert_int_equal(mock->opened, opened);

	/* The answer may be old, but not for long. */
	rename(old, new);
	stpcpy(mock->item[0].path, new);
	assert_known(0, HOTTRACK_NAMED, old);
	passed += 60;
	assert_known(0, HOTTRACK_NAMED, new);

	/* Another file has its name now. */
	fd = create("a");
	rename(old, new);
	passed += 60;
	assert_known(0, HOTTRACK_GONE, NULL);
	close(fd);
	free(list);

	/* The mock opens files by path: a hard link that vanishes stands for an open file. */
	hot_file("d", 0, 99, 0);
	assert_int_equal(hottrack_top(ht, 0, 1, &list), 0);
	fd = hottrack_open_record(ht, list->records[0], O_RDONLY);
	assert_true(fd >= 0 && fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
	unlink(in_folder("d"));
	assert_int_equal(hottrack_open_record(ht, list->records[0], O_RDONLY), -ESTALE);
	assert_known(0, HOTTRACK_GONE, NULL);
	free(list);
}

/* Nobody may open anything by handle here, or nothing can. */
static void handles_not_permitted(void **state)
{
	(void)state;
	hot_file("a", 0, 1, 0);
	assert_int_equal(hottrack_top(ht, 0, 1, &list), 0);
	mock->open_error = EPERM;
	assert_known(0, HOTTRACK_DENIED, NULL);
	passed += 60;
	mock->open_error = EOPNOTSUPP;
	assert_known(0, HOTTRACK_UNOPENABLE, NULL);
	passed += 60;
	mock->open_error = EMFILE;
	assert_int_equal(hottrack_resolve(ht, list->records[0], &(struct hottrack_file){ 0 }),
			 -EMFILE);
	mock->open_error = 0;
	assert_known(0, HOTTRACK_NAMED, NULL);
	free(list);
}

/* So many that one of them is likely to be read before the folder itself. */
#define BELOW 16

static char *mount_point(int number)
{
	char name[32];

	snprintf(name, sizeof(name), "inside/below%d", number);
	return in_folder(name);
}

/*
 *	inside/			mounted on itself, so that this is all there is to look through
 *		a		named
 *		deep/er/x	nameless, and 40 others beside it
 *		below0/ ...	deep is mounted here as well, where x is not to be found
 *		y		nameless
 *	outside			nameless, and not to be found
 */
static bool make_tree(void)
{
	char inside[PATH_MAX], name[128];

	if (!may_mount)
		return false;
	stpcpy(inside, in_folder("inside"));
	mkdir(inside, 0700);
	assert_int_equal(mount(inside, inside, NULL, MS_BIND, NULL), 0);
	mkdir(in_folder("inside/deep"), 0700);
	mkdir(in_folder("inside/deep/er"), 0700);
	for (int i = 0; i < BELOW; i++)
		mkdir(mount_point(i), 0700);
	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "inside/deep/er/%d", i);
		close(create(name));
	}
	hot_file("inside/a", 0, 6, 0);
	hot_file("inside/deep/er/x", MOCK_NAMELESS, 5, 0);
	hot_file("inside/y", MOCK_NAMELESS, 4, 0);
	hot_file("outside", MOCK_NAMELESS, 3, 0);
	snprintf(name, sizeof(name), "%s/inside/deep", folder);
	for (int i = 0; i < BELOW; i++)
		assert_int_equal(mount(name, mount_point(i), NULL, MS_BIND, NULL), 0);
	hottrack_close(ht);
	assert_int_equal(hottrack_open(&ht, inside), 0);
	assert_string_equal(hottrack_mount_point(ht), inside);
	assert_int_equal(hottrack_top(ht, 0, 10, &list), 0);
	assert_int_equal(list->count, 4);
	return true;
}

static void remove_tree(void)
{
	free(list);
	for (int i = 0; i < BELOW; i++)
		umount(mount_point(i));
	hottrack_close(ht);
	ht = NULL;
	umount(in_folder("inside"));
}

static void search(void **state)
{
	char text[64], old[PATH_MAX];
	struct hottrack_file outside;

	(void)state;
	if (!make_tree())
		skip();
	/* Nobody asked for anything. */
	assert_int_equal(hottrack_search(ht, 0), 0);
	assert_known(0, HOTTRACK_NAMED, in_folder("inside/a"));
	assert_int_equal(hottrack_search(ht, 0), 0);
	assert_known(1, HOTTRACK_NAMELESS, NULL);
	assert_known(2, HOTTRACK_NAMELESS, NULL);
	outside = resolved(3);
	snprintf(text, sizeof(text), "(inode %llu, name unknown)", outside.inode);
	assert_true(outside.inode == mock->item[3].inode);
	assert_known(3, HOTTRACK_NAMELESS, text);

	assert_int_equal(hottrack_search(ht, 0), 0);
	assert_known(1, HOTTRACK_NAMED, in_folder("inside/deep/er/x"));
	assert_known(2, HOTTRACK_NAMED, in_folder("inside/y"));
	assert_known(3, HOTTRACK_NAMELESS, text);
	/* What was found stays found, also when it is looked at again. */
	passed += 60;
	assert_known(1, HOTTRACK_NAMED, in_folder("inside/deep/er/x"));
	assert_known(3, HOTTRACK_NAMELESS, text);
	/* What was not found is not searched for again. */
	assert_int_equal(hottrack_search(ht, 1), 0);

	/* Unless it had a name meanwhile. */
	stpcpy(mock->item[2].path, in_folder("inside/deep/z"));
	stpcpy(old, in_folder("inside/y"));
	rename(old, mock->item[2].path);
	passed += 60;
	assert_known(2, HOTTRACK_NAMELESS, NULL);
	assert_int_equal(hottrack_search(ht, 0), 0);
	assert_known(2, HOTTRACK_NAMED, in_folder("inside/deep/z"));
	remove_tree();
}

static void search_in_slices(void **state)
{
	int slices = 0, ret;

	(void)state;
	if (!make_tree())
		skip();
	assert_known(1, HOTTRACK_NAMELESS, NULL);
	assert_int_equal(hottrack_search(ht, 1), 1);
	/* This one comes late, and its folder may have been passed. */
	assert_known(2, HOTTRACK_NAMELESS, NULL);
	do {
		/* In the middle of the search they are looked at anew. */
		passed += 60;
		free(resolved(1).path);
		free(resolved(2).path);
		ret = hottrack_search(ht, 3);
		assert_true(++slices < 100);
	} while (ret == 1);
	assert_int_equal(ret, 0);
	assert_true(slices > 1);
	assert_known(1, HOTTRACK_NAMED, in_folder("inside/deep/er/x"));
	assert_known(2, HOTTRACK_NAMED, in_folder("inside/y"));
	/* Closed in the middle of a search. */
	assert_known(3, HOTTRACK_NAMELESS, NULL);
	assert_int_equal(hottrack_search(ht, 1), 1);
	remove_tree();
}

static void many_files(void **state)
{
	const unsigned int count = 5000;
	char name[32];

	(void)state;
	for (unsigned int i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "%u", i);
		hot_file(name, 0, count - i, 0);
	}
	assert_int_equal(hottrack_top(ht, 0, count, &list), 0);
	for (unsigned int i = 0; i < count; i++)
		free(resolved(i).path);
	assert_int_equal(mock->opened, count);
	/* The last 4096 are remembered. */
	for (unsigned int i = count - 4096; i < count; i++)
		free(resolved(i).path);
	assert_int_equal(mock->opened, count);
	free(resolved(0).path);
	assert_int_equal(mock->opened, count + 1);
	free(list);
}

/* The same with handles of a real filesystem. */
static void real_handles(void **state)
{
	struct {
		struct hot_record record;
		char handle[MAX_HANDLE_SZ];
	} r = { .record.size = sizeof(r) };
	struct file_handle *fh = calloc(1, sizeof(*fh) + MAX_HANDLE_SZ);
	struct hottrack_file file;
	struct mock *mocked = mock;
	int mount_id, fd, ret;
	char *text;

	(void)state;
	mock = NULL;
	fd = create("a");
	fh->handle_bytes = MAX_HANDLE_SZ;
	ret = name_to_handle_at(AT_FDCWD, in_folder("a"), fh, &mount_id, 0);
	r.record.handle_bytes = fh->handle_bytes;
	r.record.handle_type = fh->handle_type;
	memcpy(r.record.handle, fh->f_handle, fh->handle_bytes);
	free(fh);
	if (!ret)
		ret = hottrack_open_record(ht, &r.record, O_RDONLY);
	mock = mocked;
	if (ret < 0)
		skip();
	close(ret);
	mock = NULL;
	assert_int_equal(hottrack_resolve(ht, &r.record, &file), 0);
	assert_int_equal(file.known, HOTTRACK_NAMED);
	assert_string_equal(file.path, in_folder("a"));
	free(file.path);
	unlink(in_folder("a"));
	passed += 60;
	assert_int_equal(hottrack_resolve(ht, &r.record, &file), 0);
	assert_int_equal(file.known, HOTTRACK_DELETED);
	assert_string_equal(file.path, in_folder("a"));
	text = hottrack_describe(&file);
	assert_memory_equal(text + strlen(text) - 10, " (deleted)", 11);
	free(text);
	free(file.path);
	close(fd);
	passed += 60;
	assert_int_equal(hottrack_resolve(ht, &r.record, &file), 0);
	assert_int_equal(file.known, HOTTRACK_GONE);
	assert_null(file.path);
	mock = mocked;
}

static void describe(void **state)
{
	struct hottrack_file file = { HOTTRACK_NAMED, 12, (char *)"/a\n\t\\b\x7f\xc3\xa4 c" };
	char *text = hottrack_describe(&file);

	(void)state;
	assert_string_equal(text, "/a\\012\\011\\\\b\\177\xc3\xa4 c");
	free(text);
	file.path = NULL;
	for (file.known = HOTTRACK_NAMELESS; file.known <= HOTTRACK_DENIED; file.known++) {
		text = hottrack_describe(&file);
		assert_true(*text == '(' && text[strlen(text) - 1] == ')');
		free(text);
	}
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(units),
		test(opening),
		test(control),
		cmocka_unit_test(errors_are_explained),
		test(file_heat),
		test(file_ranges),
		test(malformed_ranges),
		test(ranges_of_another_time),
		test(top),
		test(histogram),
		test(malformed_top),
		test(random_damage),
		test(pass),
		test(events),
		test(malformed_stream),
		test(loading),
		test(resolve),
		test(handles_not_permitted),
		test(search),
		test(search_in_slices),
		test(many_files),
		test(real_handles),
		cmocka_unit_test(describe),
	};

	/* Mounts of our own, that end with us. */
	may_mount = !getuid() && !unshare(CLONE_NEWNS) &&
		    !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
