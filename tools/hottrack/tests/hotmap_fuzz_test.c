// SPDX-License-Identifier: GPL-2.0
/*
 * Recordings, damaged at random: bytes of the file, and bytes inside of chunks whose checksums are
 * made right again. Whatever can still be read is made a picture of and printed. The memory
 * checkers that this is built with end the test at the first wrong access. The same seed gives the
 * same damage. Usage: hotmap_fuzz_test [SEED]
 */
#include <endian.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <cmocka.h>

#include "hotmap.h"

#define ROUNDS 1000
#define ROOM 1048576
#define PREFIX 16	/* of the file, before its chunks */

static __u64 random_state = 88172645463325252ULL;

static __u64 next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	return random_state ^= random_state << 17;
}

/* Several files, with and without ranges, that grow and vanish. */
static size_t make_recording(char *data)
{
	static const char * const names[] = { "/srv/a", "/srv/b c", "/srv/\xc3\xa4", "(gone)" };
	struct subject subject = { .path = (char *)"/srv", .start_ms = 1795600800000ULL,
				   .interval_ms = 1000 };
	struct recording *rec;
	FILE *file = tmpfile();
	size_t left_out, bytes;

	assert_int_equal(recording_create(&rec, file, &subject), 0);
	for (int i = 0; i < 6; i++) {
		struct range ranges[4][8];
		struct file files[4];
		struct frame frame = { .elapsed_ms = i * 1000, .half_life_ms = 60000,
				       .range_shift = 16, .nr_files = 1 + i % 4,
				       .files = files };

		for (int f = 0; f < 4; f++) {
			files[f] = (struct file){
				.key = { 1, 4 + f, "handle" }, .name = (char *)names[f],
				.size = (f + 1) * 5 * 65536 * (i + 1), .reads = 1 << (f * 5),
				.nr_ranges = 2 * f, .ranges = ranges[f],
			};
			for (int r = 0; r < 8; r++)
				ranges[f][r] = (struct range){ r * 65536, 1 << (4 * r), r };
		}
		assert_int_equal(recording_add(rec, &frame, &left_out), 0);
	}
	recording_close(rec);
	rewind(file);
	bytes = fread(data, 1, ROOM, file);
	fclose(file);
	assert_in_range(bytes, 500, ROOM - 1);
	return bytes;
}

/* Also values that are likely to be on some limit. */
static void damage(char *data, size_t bytes, unsigned int most)
{
	static const __u64 odd[] = { 0, 1, 0x7f, 0xff, 0x7fffffff, 0xffffffff, 1ULL << 32,
				     INT64_MAX, UINT64_MAX, 65536, HOT_HANDLE_MAX + 1 };

	for (int i = 1 + next_random() % most; i > 0; i--) {
		size_t at = next_random() % bytes, length = 1 << next_random() % 4;
		__u64 value = odd[next_random() % ARRAY_SIZE(odd)];

		if (at + length > bytes)
			length = bytes - at;
		if (next_random() % 3)
			memcpy(data + at, &value, length);
		else
			data[at] ^= 1 << next_random() % 8;
	}
}

/* Draw all that can be had of it; how many frames that were. */
static int use(const char *data, size_t bytes)
{
	const struct terminal term = { .width = 80, .height = 24 };
	FILE *file = fmemopen((void *)data, bytes, "r"), *sink = fopen("/dev/null", "w");
	struct view view = { .by = next_random() % 3 * 2 };
	struct recording *rec;
	struct subject subject;
	struct history h = { 0 };
	struct picture p;
	struct frame frame;
	int ret, frames = 0;

	assert_non_null(file);
	assert_non_null(sink);
	ret = recording_open(&rec, file, &subject);
	assert_true(!ret || ret == -EBADMSG);
	if (!ret) {
		assert_int_equal(history_read(&h, rec, &subject, view.by, NULL), 0);
		frames = h.frames;
	}
	if (frames && h.nr_files) {
		print_view(&term, KIND_FILES_TIME, h.nr_files, &view);
		assert_int_equal(recording_rewind(rec), 0);
		assert_int_equal(picture_of_history(&p, &subject, &h, rec, &view), 0);
		assert_int_equal(print(&term, &p, sink), 0);
		picture_free(&p);
		assert_int_equal(recording_rewind(rec), 0);
	}
	while (frames && recording_next(rec, &frame) > 0) {
		bool one = next_random() % 2 && frame.nr_files;

		subject.one_file = one;
		view.files = 0;
		view.bytes = next_random() % 2;
		print_view(&term, one ? KIND_FILE : KIND_FILES, frame.nr_files, &view);
		assert_int_equal(picture_of_frame(&p, &subject, &frame, &view, NULL), 0);
		assert_int_equal(print(&term, &p, sink), 0);
		picture_free(&p);
		frame_free(&frame);
	}
	history_free(&h);
	recording_close(rec);
	free(subject.path);
	fclose(file);
	fclose(sink);
	return frames;
}

static void undamaged(void **state)
{
	char *data = malloc(ROOM);

	(void)state;
	assert_int_equal(use(data, make_recording(data)), 6);
	free(data);
}

static void damaged_files(void **state)
{
	char *good = malloc(ROOM), *bad = malloc(ROOM);
	size_t bytes = make_recording(good);
	int worse = 0;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		memcpy(bad, good, bytes);
		damage(bad, bytes, 4);
		worse += use(bad, bytes) < 6;
	}
	assert_true(worse > ROUNDS / 2);
	free(good);
	free(bad);
}

static __u32 number(const char *at)
{
	__u32 value;

	memcpy(&value, at, sizeof(value));
	return le32toh(value);
}

static void put_number(char *at, __u32 value)
{
	value = htole32(value);
	memcpy(at, &value, sizeof(value));
}

/* The recording with the contents of one chunk damaged; its new length. */
static size_t damage_inside(const char *good, size_t bytes, char *bad)
{
	unsigned int wanted = next_random() % 7, nr = 0;
	size_t at = PREFIX, to = PREFIX;

	memcpy(bad, good, PREFIX);
	for (; at < bytes; at += 16 + number(good + at + 4), nr++) {
		unsigned long raw = number(good + at + 8), packed;
		unsigned char *data = malloc(raw);

		assert_int_equal(uncompress(data, &raw, (const void *)good + at + 16,
					    number(good + at + 4)), Z_OK);
		if (nr == wanted) {
			damage((char *)data, raw, 3);
			/* Also what is too short for what it says. */
			if (next_random() % 4 == 0)
				raw = next_random() % raw;
		}
		packed = ROOM - to;
		assert_int_equal(compress((void *)bad + to + 16, &packed, data, raw), Z_OK);
		memcpy(bad + to, good + at, 4);
		put_number(bad + to + 4, packed);
		put_number(bad + to + 8, raw);
		put_number(bad + to + 12, crc32(crc32(0, (void *)bad + to, 12),
						(void *)bad + to + 16, packed));
		to += 16 + packed;
		free(data);
	}
	assert_int_equal(nr, 7);
	return to;
}

static void damaged_contents(void **state)
{
	char *good = malloc(ROOM), *bad = malloc(ROOM);
	size_t bytes = make_recording(good);
	int worse = 0, whole = 0;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		int frames = use(bad, damage_inside(good, bytes, bad));

		worse += frames < 6;
		whole += frames == 6;
	}
	/* Some damage cannot be noticed, such as another heat. */
	assert_true(worse > ROUNDS / 4);
	assert_true(whole > ROUNDS / 10);
	free(good);
	free(bad);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(undamaged),
		cmocka_unit_test(damaged_files),
		cmocka_unit_test(damaged_contents),
	};

	if (argc > 1)
		random_state = strtoull(argv[1], NULL, 0) | 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
