// SPDX-License-Identifier: GPL-2.0
/* The parts of hotmap: colours, scales, names, cells, recordings, and pictures read back. */
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include <cairo.h>

#include "hotmap.h"
#include "hotmap_wraps.h"
#include "lib_mock.h"

#define MIB 1048576ULL
#define TINY 0.000001
#define START_MS 1795600800000ULL	/* 2026-11-25 10:00 UTC */

/* ---- colours ---- */

/* By the definition of sRGB, not by the code under test. */
static double linear(double value)
{
	return value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4);
}

static double luminance(const struct color *c)
{
	return 0.2126 * linear(c->red) + 0.7152 * linear(c->green) + 0.0722 * linear(c->blue);
}

static double lightness_of(const struct color *c)
{
	return 116 * cbrt(luminance(c)) - 16;
}

static void lightness_is_even(void **state)
{
	(void)state;
	for (int dark = 0; dark <= 1; dark++) {
		struct palette p;

		palette_init(&p, dark);
		for (int i = 0; i < LEVELS; i++) {
			double t = i / (LEVELS - 1.), wanted = 91 - 78 * (dark ? 1 - t : t);

			/* Would be off where the colour is outside of what a screen can show. */
			assert_true(fabs(lightness_of(&p.levels[i]) - wanted) < 0.3);
			assert_true(fabs(color_lightness(&p.levels[i]) - wanted) < 0.3);
		}
	}
}

static void steps_are_equal(void **state)
{
	struct palette p;

	(void)state;
	palette_init(&p, false);
	for (int i = 1; i < LEVELS; i++) {
		double step = color_difference(&p.levels[i - 1], &p.levels[i]);

		assert_true(fabs(step - 180. / (LEVELS - 1)) < 0.05);
	}
}

/*
 * People without long-wave or middle-wave cones: what red and green each do to the eye cannot be
 * told apart. Whatever weight these have, the order of the levels must be seen.
 */
static void order_without_hue(void **state)
{
	static const double weights[][3] = {
		{ 0.11, 0.82, 0.07 },	/* protanopia, roughly */
		{ 0.29, 0.64, 0.07 },	/* deuteranopia, roughly */
		{ 0.21, 0.72, 0.07 },
		{ 1 / 3., 1 / 3., 1 / 3. },	/* the average, as some printers do */
	};
	struct palette p;

	(void)state;
	palette_init(&p, false);
	for (size_t w = 0; w < ARRAY_SIZE(weights); w++) {
		double last = INFINITY;

		for (int i = 0; i < LEVELS; i++) {
			const struct color *c = &p.levels[i];
			double now = weights[w][0] * linear(c->red) +
				     weights[w][1] * linear(c->green) +
				     weights[w][2] * linear(c->blue);

			assert_true(now < last);
			last = now;
		}
	}
}

static double contrast(const struct color *a, const struct color *b)
{
	double x = luminance(a) + 0.05, y = luminance(b) + 0.05;

	return x > y ? x / y : y / x;
}

static void page_can_be_read(void **state)
{
	(void)state;
	for (int dark = 0; dark <= 1; dark++) {
		struct palette p;

		palette_init(&p, dark);
		assert_true(contrast(&p.text, &p.page) > 7);
		assert_true(contrast(&p.faint, &p.page) > 4.5);
		/* No heat is neither the coldest heat nor the page. */
		assert_true(color_difference(&p.none, &p.levels[0]) > 8);
		assert_true(color_difference(&p.none, &p.page) > 3);
		/* It is colder than cold. */
		assert_true((lightness_of(&p.none) < lightness_of(&p.levels[0])) == dark);
	}
}

static double terminal_lightness(int nr)
{
	static const int steps[] = { 0, 95, 135, 175, 215, 255 };
	int cube = nr - 16, grey = 8 + 10 * (nr - 232);
	struct color c;

	assert_in_range(nr, 16, 255);
	if (nr >= 232)
		c = (struct color){ grey / 255., grey / 255., grey / 255. };
	else
		c = (struct color){ steps[cube / 36] / 255., steps[cube / 6 % 6] / 255.,
				    steps[cube % 6] / 255. };
	return lightness_of(&c);
}

static void terminal_keeps_order(void **state)
{
	(void)state;
	for (int dark = 0; dark <= 1; dark++) {
		unsigned char none[1], levels[LEVELS];
		struct palette p;
		int kinds = 1;

		palette_init(&p, dark);
		palette_of_terminal(&p, none, levels);
		for (int i = 1; i < LEVELS; i++) {
			double a = terminal_lightness(levels[i - 1]);
			double b = terminal_lightness(levels[i]);

			assert_true(dark ? b >= a : b <= a);
			kinds += levels[i] != levels[i - 1];
			assert_int_not_equal(levels[i], *none);
		}
		assert_true(kinds >= 9);
	}
}

/* ---- scales ---- */

static void fit(struct scale *scale, double least, double most)
{
	scale_fit(scale, least * HOT_ONE, most * HOT_ONE, 0);
}

static void scale_fits(void **state)
{
	struct scale s;

	(void)state;
	fit(&s, 3, 4321);
	assert_true(s.low == 1 && s.high == 5000 && !s.colder && !s.hotter);
	fit(&s, 1000, 1000);
	assert_true(s.low == 100 && s.high == 1000);
	fit(&s, 1001, 1001);
	assert_true(s.low == 100 && s.high == 2000);
	/* The cold end is given up where there is too much. */
	fit(&s, 1, 1000000);
	assert_true(s.low == 100 && s.high == 1000000 && s.colder && !s.hotter);
	fit(&s, 0, 0);
	assert_true(s.low == 1 && s.high == 10 && !s.colder && !s.hotter);
	scale_fit(&s, 1, HOT_HEAT_MAX * 2ULL, 0);
	assert_true(s.high == 5e7 && s.low == 1000);
	scale_fit(&s, 50 * HOT_ONE, 3000 * HOT_ONE, 700);
	assert_true(s.high == 700 && s.low == 10 && !s.colder && s.hotter);
}

static void levels_are_logarithmic(void **state)
{
	const struct scale s = { 1, 10000 }, thousand = { 1, 1000 };

	(void)state;
	assert_int_equal(scale_level(&s, 1, 64), 0);
	assert_int_equal(scale_level(&s, HOT_ONE, 64), 0);
	assert_int_equal(scale_level(&s, 9 * HOT_ONE, 64), 15);
	assert_int_equal(scale_level(&s, 10 * HOT_ONE, 64), 16);
	assert_int_equal(scale_level(&s, 100 * HOT_ONE, 64), 32);
	assert_int_equal(scale_level(&s, 1000 * HOT_ONE, 64), 48);
	assert_int_equal(scale_level(&s, 1000 * HOT_ONE, 4), 3);
	assert_int_equal(scale_level(&thousand, 10 * HOT_ONE, 3), 1);
	assert_int_equal(scale_level(&thousand, 100 * HOT_ONE, 3), 2);
	assert_int_equal(scale_level(&s, 10000 * HOT_ONE, 64), 63);
	assert_int_equal(scale_level(&s, HOT_HEAT_MAX * 2LL, 64), 63);
	for (int i = 0; i <= 20; i++)
		assert_true(fabs(scale_place(&s, scale_at(&s, i / 20.)) - i / 20.) < TINY);
}

/* Texts and places in percent, such as "0@0 25%@25". */
static char *written(const struct axis *axis)
{
	static char text[512];
	char *to = text;

	*to = '\0';
	for (unsigned int i = 0; i < axis->nr; i++)
		to += sprintf(to, "%s%s@%.0f", i ? " " : "", axis->ticks[i].text,
			      axis->ticks[i].at * 100);
	return text;
}

static void ticks_are_round(void **state)
{
	const struct scale s = { 1, 5000 }, outside = { 0.1, 10, true, true };
	const struct scale crowded = { 1, 1200 };
	struct axis a = { 0 };

	(void)state;
	scale_ticks(&s, &a);
	assert_string_equal(written(&a), "1@0 10@27 100@54 1000@81 5000@100");
	scale_ticks(&outside, &a);
	assert_string_equal(written(&a), "<=0.1@0 1@50 >=10@100");
	scale_ticks(&crowded, &a);
	assert_string_equal(written(&a), "1@0 10@32 100@65 1200@100");
	share_ticks(&a);
	assert_string_equal(written(&a), "0%@0 25%@25 50%@50 75%@75 100%@100");
	byte_ticks(&a, 4 * MIB, 6);
	assert_string_equal(written(&a), "0@0 1M@25 2M@50 3M@75 4M@100");
	byte_ticks(&a, 5 * MIB, 4);
	assert_string_equal(written(&a), "0@0 2M@40 4M@80");
	byte_ticks(&a, 0, 4);
	assert_string_equal(written(&a), "");
	byte_ticks(&a, 1, 4);
	assert_string_equal(written(&a), "0@0 1@100");
	byte_ticks(&a, INT64_MAX, 100);
	assert_in_range(a.nr, 2, MAX_TICKS);
}

static void times_are_round(void **state)
{
	struct axis a = { 0 };

	(void)state;
	time_ticks(&a, START_MS, 40 * 60000, 8);
	assert_string_equal(written(&a), "10:00@0 10:10@25 10:20@50 10:30@75 10:40@100");
	time_ticks(&a, START_MS + 1500, 10000, 4);
	assert_string_equal(written(&a), "10:00:05@35 10:00:10@85");
	time_ticks(&a, START_MS, 30 * 3600000, 6);
	assert_string_equal(written(&a), "12:00@7 18:00@27 11-26@47 06:00@67 12:00@87");
	time_ticks(&a, START_MS, 4 * 86400000ULL, 3);
	assert_string_equal(written(&a), "2026-11-27@40 2026-11-29@90");
	time_ticks(&a, (1ULL << 50) - 1, 1ULL << 50, 100);
	time_ticks(&a, 0, 0, 5);
	assert_int_equal(a.nr, 0);
}

/* ---- names ---- */

static void assert_safe(const char *s, bool utf8, const char *wanted)
{
	char *text = text_safe(s, utf8);

	assert_string_equal(text, wanted);
	free(text);
}

static void names_do_no_harm(void **state)
{
	(void)state;
	assert_safe("/a b/\xc3\xa4\xe6\x97\xa5", true, "/a b/\xc3\xa4\xe6\x97\xa5");
	assert_safe("\xc3\xa4", false, "\\303\\244");
	assert_safe("a\033[31m\n\x7f", true, "a\\033[31m\\012\\177");
	/* Cut off, too long, a surrogate, beyond the last, a byte that begins nothing. */
	assert_safe("\xe6\x97", true, "\\346\\227");
	assert_safe("\xc0\xaf", true, "\\300\\257");
	assert_safe("\xed\xa0\x80", true, "\\355\\240\\200");
	assert_safe("\xf4\x90\x80\x80", true, "\\364\\220\\200\\200");
	assert_safe("\xffz", true, "\\377z");
	/* U+202E, U+0085, U+FFFE: turns writing around, a control, nothing for XML. */
	assert_safe("\xe2\x80\xae", true, "\\342\\200\\256");
	assert_safe("\xc2\x85", true, "\\302\\205");
	assert_safe("\xef\xbf\xbe", true, "\\357\\277\\276");
}

static double in_columns(const char *s, void *unused)
{
	(void)unused;
	return text_width(s);
}

static void assert_elided(const char *s, int width, const char *wanted)
{
	char *text = text_elide(s, width, in_columns, NULL, "...");

	assert_string_equal(text, wanted);
	free(text);
}

static void long_names_lose_their_middle(void **state)
{
	(void)state;
	assert_elided("/srv/a", 6, "/srv/a");
	assert_elided("/srv/abc", 7, "/...abc");
	assert_elided("/srv/mail/user/inbox.mbox", 15, "/srv...box.mbox");
	assert_elided("abcdef", 3, "...");
	/* Not even that has room, but there is no less. */
	assert_elided("abcdef", 1, "...");
	assert_elided("", 0, "");
	/* Two columns each; no half of one. */
	assert_elided("\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", 5, "...\xe8\xaa\x9e");
	assert_elided("\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", 4, "...");
	/* An accent stays with its letter. */
	assert_elided("abcde\xcc\x81", 4, "...e\xcc\x81");
	assert_elided("abcde\xcc\x81", 3, "...");
}

/* ---- cells ---- */

static const struct range three[] = {
	{ 0, 1 * HOT_ONE, 0 },
	{ 2 * MIB, 2 * HOT_ONE, 5 * HOT_ONE },
	{ 3 * MIB, 4 * HOT_ONE, 0 },
};

static struct file sample_of(__u64 size)
{
	return (struct file){
		.name = (char *)"/f", .size = size, .reads = 7 * HOT_ONE, .writes = 5 * HOT_ONE,
		.nr_ranges = ARRAY_SIZE(three), .ranges = (struct range *)three,
	};
}

static void assert_line(const __s64 *line, size_t cells, ...)
{
	va_list wanted;

	va_start(wanted, cells);
	for (size_t i = 0; i < cells; i++) {
		int requests = va_arg(wanted, int);

		assert_int_equal(line[i], requests > 0 ? requests * (int)HOT_ONE : requests);
	}
	va_end(wanted);
}

static void cells_have_the_hottest_range(void **state)
{
	struct file f = sample_of(4 * MIB);
	__s64 line[8];

	(void)state;
	bin_file(line, 4, &f, f.size, 20, 0);
	assert_line(line, 4, 1, 0, 7, 4);
	bin_file(line, 4, &f, f.size, 20, HOT_BY_READS);
	assert_line(line, 4, 1, 0, 2, 4);
	bin_file(line, 4, &f, f.size, 20, HOT_BY_WRITES);
	assert_line(line, 4, 0, 0, 5, 0);
	/* Several ranges in a cell, several cells of a range, and neither. */
	bin_file(line, 2, &f, f.size, 20, 0);
	assert_line(line, 2, 1, 7);
	bin_file(line, 8, &f, f.size, 20, 0);
	assert_line(line, 8, 1, 1, 0, 0, 7, 7, 4, 4);
	bin_file(line, 3, &f, f.size, 20, 0);
	assert_line(line, 3, 1, 7, 7);
	bin_file(line, 1, &f, f.size, 20, 0);
	assert_line(line, 1, 7);
}

static void cells_behind_the_end(void **state)
{
	struct file f = sample_of(3 * MIB + 1);
	__s64 line[8];

	(void)state;
	bin_file(line, 8, &f, 8 * MIB, 20, 0);
	assert_line(line, 8, 1, 0, 7, 4, CELL_ABSENT, CELL_ABSENT, CELL_ABSENT, CELL_ABSENT);
	/* The last range is a byte of the file, and no more. */
	bin_file(line, 4, &f, f.size, 20, 0);
	assert_line(line, 4, 1, 1, 7, 7);
	f.size = 3 * MIB;
	bin_file(line, 4, &f, 4 * MIB, 20, 0);
	assert_line(line, 4, 1, 0, 7, CELL_ABSENT);
	/* A range is longer than the file. */
	f.size = 100;
	bin_file(line, 3, &f, f.size, 20, 0);
	assert_line(line, 3, 1, 1, 1);
	f.size = 0;
	bin_file(line, 2, &f, 0, 20, 0);
	assert_line(line, 2, CELL_ABSENT, CELL_ABSENT);
}

/* 8 EiB: products of offsets and cells have more than 64 bits. */
static void cells_of_the_largest_file(void **state)
{
	struct range ends[] = { { 0, HOT_ONE, 0 }, { 1ULL << 62, 2 * HOT_ONE, 0 },
				{ INT64_MAX & ~(MIB - 1), 3 * HOT_ONE, 0 } };
	struct file f = { .size = INT64_MAX, .nr_ranges = 3, .ranges = ends };
	__s64 *line = calloc(10000, sizeof(*line));

	(void)state;
	bin_file(line, 10000, &f, f.size, 20, 0);
	for (int i = 0; i < 10000; i++)
		assert_int_equal(line[i], i == 0 ? HOT_ONE : i == 5000 ? 2 * HOT_ONE :
				 i == 9999 ? 3 * HOT_ONE : 0);
	free(line);
}

static struct subject subject_of(bool one_file)
{
	return (struct subject){ .path = (char *)"/srv", .one_file = one_file,
				 .start_ms = START_MS, .interval_ms = 1000 };
}

static struct frame frame_of(struct file *files, size_t count)
{
	return (struct frame){ .half_life_ms = 60000, .range_shift = 20, .tracked = count + 7,
			       .nr_files = count, .files = files };
}

/* Every range is in one cell of its own or with its neighbours, nothing outside. */
static void one_file_has_room(void **state)
{
	(void)state;
	for (__u64 size = 0; size < 1ULL << 50; size = size * 3 + 777777) {
		for (unsigned int rows = 1; rows <= 64; rows *= 4) {
			struct view view = { .files = 1, .columns = 100, .rows = rows,
					     .x_ticks = 5, .y_ticks = 9 };
			struct file f = { .name = (char *)"/f", .size = size };
			struct frame frame = frame_of(&f, 1);
			struct subject subject = subject_of(true);
			__u64 cells = 0, there = 0, least;
			struct picture p;

			assert_int_equal(picture_of_frame(&p, &subject, &frame, &view, NULL), 0);
			assert_int_equal(p.kind, KIND_FILE);
			assert_true(p.columns <= 100 && p.rows <= rows);
			assert_true(!(p.columns & (p.columns - 1)));
			for (size_t i = 0; i < p.columns * p.rows; i++) {
				cells++;
				there += p.panels[0].cells[i] == 0;
			}
			/* The last row is begun. */
			least = there + p.columns;
			assert_true(cells < least || !size);
			for (unsigned int i = 0; i < p.y.nr; i++) {
				double row = p.y.ticks[i].at * p.rows;

				assert_true(fabs(row - round(row)) < TINY && row < p.rows);
			}
			picture_free(&p);
		}
	}
}

static void files_on_one_scale(void **state)
{
	struct view view = { .files = 5, .columns = 8, .rows = 1, .x_ticks = 5, .bytes = true };
	struct file files[] = { sample_of(4 * MIB), sample_of(8 * MIB) };
	struct frame frame = frame_of(files, 2);
	struct subject subject = subject_of(false);
	struct picture p;

	(void)state;
	files[1].nr_ranges = 0;
	frame.left_out = HOT_ONE / 2;
	assert_int_equal(picture_of_frame(&p, &subject, &frame, &view, NULL), 0);
	assert_int_equal(p.nr_panels, 2);
	assert_line(p.panels[0].cells, 8, 1, 0, 7, 4, -1, -1, -1, -1);
	assert_line(p.panels[1].cells, 8, 0, 0, 0, 0, 0, 0, 0, 0);
	assert_string_equal(written(&p.x), "0@0 2M@25 4M@50 6M@75 8M@100");
	assert_string_equal(p.title, "Hottest files of /srv");
	assert_non_null(strstr(p.subtitle, "2 of 9 files with heat, reads + writes, 2026-11-25"));
	assert_non_null(strstr(p.subtitle, ":00, without ranges below 0.50 requests"));
	assert_non_null(strstr(p.unit, "(half-life 1min) of the hottest 1M range in each cell"));
	assert_true(p.scale.low == 0.1 || p.scale.low == 1);
	assert_int_equal(p.panels[0].heat, 12 * HOT_ONE);
	picture_free(&p);
	view.bytes = false;
	view.files = 1;
	view.by = HOT_BY_WRITES;
	assert_int_equal(picture_of_frame(&p, &subject, &frame, &view, NULL), 0);
	assert_int_equal(p.nr_panels, 1);
	assert_line(p.panels[0].cells, 8, 0, 0, 0, 0, 5, 5, 0, 0);
	assert_int_equal(p.panels[0].heat, 5 * HOT_ONE);
	picture_free(&p);
}

/* ---- recordings ---- */

/* Three samples at 0, 1 and 5 s; the file grows, is not there in the last one, another one is. */
static FILE *recorded(void)
{
	struct file f[] = { sample_of(2 * MIB), sample_of(4 * MIB) };
	struct frame frame = frame_of(f, 1);
	struct subject subject = subject_of(false);
	struct recording *rec;
	FILE *file = tmpfile();
	size_t left_out;

	f[0].key = (struct key){ 3, 4, "one" };
	f[1].key = (struct key){ 3, 5, "two!" };
	f[0].name = (char *)"/srv/\xc3\xa4 file";
	f[0].nr_ranges = 1;
	assert_int_equal(recording_create(&rec, file, &subject), 0);
	assert_int_equal(recording_add(rec, &frame, &left_out), 0);
	f[0].size = 4 * MIB;
	f[0].nr_ranges = 3;
	f[0].reads = 99 * HOT_ONE;
	frame.elapsed_ms = 1000;
	assert_int_equal(recording_add(rec, &frame, &left_out), 0);
	assert_int_equal(left_out, 0);
	f[0].reads = 1;
	frame.elapsed_ms = 5000;
	frame.files = f + 1;
	assert_int_equal(recording_add(rec, &frame, &left_out), 0);
	recording_close(rec);
	rewind(file);
	return file;
}

static void assert_same_file(const struct file *a, const struct file *b)
{
	assert_int_equal(key_compare(&a->key, &b->key), 0);
	assert_string_equal(a->name, b->name);
	assert_int_equal(a->size, b->size);
	assert_int_equal(a->reads, b->reads);
	assert_int_equal(a->writes, b->writes);
	assert_int_equal(a->nr_ranges, b->nr_ranges);
	for (size_t i = 0; i < a->nr_ranges; i++) {
		assert_int_equal(a->ranges[i].offset, b->ranges[i].offset);
		assert_int_equal(a->ranges[i].reads, b->ranges[i].reads);
		assert_int_equal(a->ranges[i].writes, b->ranges[i].writes);
	}
}

static void recording_comes_back(void **state)
{
	struct file wanted = sample_of(4 * MIB);
	struct recording *rec;
	struct subject subject;
	struct frame frame;
	FILE *file = recorded();

	(void)state;
	assert_int_equal(recording_open(&rec, file, &subject), 0);
	assert_string_equal(subject.path, "/srv");
	assert_false(subject.one_file);
	assert_int_equal(subject.start_ms, START_MS);
	assert_int_equal(subject.interval_ms, 1000);
	for (int pass = 0; pass < 2; pass++) {
		assert_int_equal(recording_next(rec, &frame), 1);
		assert_int_equal(frame.elapsed_ms, 0);
		assert_int_equal(frame.half_life_ms, 60000);
		assert_int_equal(frame.range_shift, 20);
		assert_int_equal(frame.tracked, 8);
		assert_int_equal(frame.left_out, 0);
		assert_false(frame.complete);
		assert_int_equal(frame.nr_files, 1);
		frame_free(&frame);
		assert_int_equal(recording_next(rec, &frame), 1);
		wanted.key = (struct key){ 3, 4, "one" };
		wanted.name = (char *)"/srv/\xc3\xa4 file";
		wanted.reads = 99 * HOT_ONE;
		assert_same_file(&frame.files[0], &wanted);
		assert_int_equal(frame.elapsed_ms, 1000);
		frame_free(&frame);
		assert_int_equal(recording_next(rec, &frame), 1);
		assert_int_equal(frame.elapsed_ms, 5000);
		frame_free(&frame);
		assert_int_equal(recording_next(rec, &frame), 0);
		assert_null(recording_problem(rec));
		assert_int_equal(recording_rewind(rec), 0);
	}
	recording_close(rec);
	free(subject.path);
	fclose(file);
}

/* The frames that can be read of the first @bytes. -1: it cannot be opened. */
static int frames_of(const char *data, size_t bytes, bool *cut_off)
{
	FILE *file = bytes ? fmemopen((void *)data, bytes, "r") : fopen("/dev/null", "r");
	struct recording *rec;
	struct subject subject;
	struct frame frame;
	int count = 0, ret;

	assert_non_null(file);
	ret = recording_open(&rec, file, &subject);
	if (ret) {
		assert_int_equal(ret, -EBADMSG);
		assert_non_null(recording_problem(rec));
		count = -1;
	}
	while (!ret && recording_next(rec, &frame) > 0) {
		count++;
		frame_free(&frame);
	}
	*cut_off = recording_cut_off(rec);
	recording_close(rec);
	free(subject.path);
	fclose(file);
	return count;
}

static char *contents(FILE *file, size_t *bytes)
{
	char *data = calloc(1, 65536);

	*bytes = fread(data, 1, 65536, file);
	fclose(file);
	return data;
}

/* A recorder that is killed at any byte leaves all samples that were whole. */
static void recording_cut_anywhere(void **state)
{
	size_t bytes, at[4] = { 0 };
	char *data = contents(recorded(), &bytes);
	int last = -1;
	bool cut_off;

	(void)state;
	for (size_t n = 0; n <= bytes; n++) {
		int count = frames_of(data, n, &cut_off);

		assert_in_range(count - last, 0, 1);
		if (count > last)
			at[count] = n;
		/* Only right behind a sample nothing is missing. */
		if (count >= 0)
			assert_int_equal(cut_off, n != at[count]);
		last = count;
	}
	assert_int_equal(last, 3);
	assert_int_equal(at[3], bytes);
	free(data);
}

/* A bit that falls over is noticed wherever it is, but for one in a time or a flag of the magic. */
static void recording_with_a_wrong_bit(void **state)
{
	size_t bytes;
	char *data = contents(recorded(), &bytes);
	bool cut_off;

	(void)state;
	for (size_t bit = 0; bit < bytes * 8; bit++) {
		int count;

		/* Four bytes are reserved. */
		if (bit / 8 >= 12 && bit / 8 < 16)
			continue;
		data[bit / 8] ^= 1 << bit % 8;
		count = frames_of(data, bytes, &cut_off);
		assert_true(count < 3);
		data[bit / 8] ^= 1 << bit % 8;
	}
	free(data);
}

static void recording_of_the_future(void **state)
{
	size_t bytes;
	char *data = contents(recorded(), &bytes);
	bool cut_off;
	FILE *file;
	struct recording *rec;
	struct subject subject;

	(void)state;
	data[8] = 2;
	assert_int_equal(frames_of(data, bytes, &cut_off), -1);
	file = fmemopen(data, bytes, "r");
	assert_int_equal(recording_open(&rec, file, &subject), -EBADMSG);
	assert_non_null(strstr(recording_problem(rec), "newer"));
	recording_close(rec);
	fclose(file);
	free(data);
}

/* ---- over time ---- */

static void picture_of(FILE *file, const struct view *view, const char *name, struct picture *p)
{
	struct recording *rec;
	struct subject subject;
	struct history h;

	assert_int_equal(recording_open(&rec, file, &subject), 0);
	assert_int_equal(history_read(&h, rec, &subject, view->by, name), 0);
	assert_int_equal(h.frames, 3);
	assert_int_equal(h.length_ms, 6000);
	assert_int_equal(recording_rewind(rec), 0);
	assert_int_equal(picture_of_history(p, &subject, &h, rec, view), 0);
	history_free(&h);
	recording_close(rec);
	free(subject.path);
	fclose(file);
}

/*
 * The first file is 2 MiB at first and 4 MiB then; a sample is good for 2 s, and the third is of
 * the other file only.
 */
static void time_goes_to_the_right(void **state)
{
	struct view view = { .files = 9, .columns = 6, .rows = 4, .panel_rows = 4, .x_ticks = 6,
			     .y_ticks = 5 };
	const int no = CELL_ABSENT, what = CELL_UNKNOWN;
	struct picture p;

	(void)state;
	picture_of(recorded(), &view, NULL, &p);
	assert_int_equal(p.kind, KIND_FILES_TIME);
	assert_int_equal(p.nr_panels, 2);
	assert_true(p.unknown);
	assert_int_equal(p.panels[0].heat, 104 * HOT_ONE);
	assert_int_equal(p.panels[0].size, 4 * MIB);
	/* Offset 0 is in the last row. */
	assert_line(p.panels[0].cells, 24,
		    no, 4, 4, what, what, what,
		    no, 7, 7, what, what, what,
		    0, 0, 0, what, what, what,
		    1, 1, 1, what, what, what);
	assert_line(p.panels[1].cells, 6, what, what, what, what, what, 4);
	assert_string_equal(p.title, "Hottest files of /srv over time");
	assert_non_null(strstr(p.subtitle, ", 2026-11-25 10:00:00 to 2026-11-25 10:00:06"));
	assert_non_null(strstr(p.subtitle, ", a sample every 1s"));
	picture_free(&p);

	view.columns = 3;
	picture_of(recorded(), &view, "\xc3\xa4", &p);
	assert_int_equal(p.kind, KIND_FILE_TIME);
	/* Two samples in a column: the hotter one, and the longer one. */
	assert_line(p.panels[0].cells, 12, 4, 4, what, 7, 7, what, 0, 0, what, 1, 1, what);
	assert_string_equal(written(&p.y), "0@100 1M@75 2M@50 3M@25 4M@0");
	picture_free(&p);
}

/* What was there first is not forgotten: neither heat nor length. */
static void hotter_of_two_samples(void **state)
{
	struct view view = { .files = 9, .columns = 1, .rows = 4, .panel_rows = 4, .x_ticks = 6,
			     .y_ticks = 5 };
	struct file f = sample_of(4 * MIB);
	struct frame frame = frame_of(&f, 1);
	struct subject subject = subject_of(false), read;
	struct recording *rec;
	struct history h;
	struct picture p;
	FILE *file = tmpfile();
	size_t left_out;

	(void)state;
	assert_int_equal(recording_create(&rec, file, &subject), 0);
	assert_int_equal(recording_add(rec, &frame, &left_out), 0);
	f.size = MIB;
	f.nr_ranges = 1;
	f.reads = HOT_ONE;
	frame.elapsed_ms = 1000;
	assert_int_equal(recording_add(rec, &frame, &left_out), 0);
	recording_close(rec);
	rewind(file);
	assert_int_equal(recording_open(&rec, file, &read), 0);
	assert_int_equal(history_read(&h, rec, &read, 0, NULL), 0);
	assert_int_equal(recording_rewind(rec), 0);
	assert_int_equal(picture_of_history(&p, &read, &h, rec, &view), 0);
	assert_line(p.panels[0].cells, 4, 4, 7, 0, 1);
	assert_int_equal(p.panels[0].size, 4 * MIB);
	assert_int_equal(p.panels[0].heat, 12 * HOT_ONE);
	picture_free(&p);
	history_free(&h);
	recording_close(rec);
	free(read.path);
	fclose(file);
}

/* If all files with heat are in each sample, one that is not in it has none. */
static void absent_from_a_complete_sample(void **state)
{
	struct view view = { .files = 9, .columns = 2, .rows = 2, .panel_rows = 2, .x_ticks = 6,
			     .y_ticks = 5 };
	struct file f = sample_of(4 * MIB);
	struct frame frame = frame_of(&f, 0);
	struct subject subject = subject_of(false), read;
	struct recording *rec;
	struct history h;
	struct picture p;
	FILE *file = tmpfile();
	size_t left_out;

	(void)state;
	frame.complete = true;
	assert_int_equal(recording_create(&rec, file, &subject), 0);
	assert_int_equal(recording_add(rec, &frame, &left_out), 0);
	frame.nr_files = 1;
	frame.elapsed_ms = 1000;
	assert_int_equal(recording_add(rec, &frame, &left_out), 0);
	recording_close(rec);
	rewind(file);
	assert_int_equal(recording_open(&rec, file, &read), 0);
	assert_int_equal(history_read(&h, rec, &read, 0, NULL), 0);
	assert_int_equal(recording_rewind(rec), 0);
	/* It grows while it is looked at; that is not an error, and is not seen. */
	h.length_ms = 1000;
	assert_int_equal(picture_of_history(&p, &read, &h, rec, &view), 0);
	assert_line(p.panels[0].cells, 4, 0, 0, 0, 0);
	picture_free(&p);
	h.length_ms = 2000;
	assert_int_equal(recording_rewind(rec), 0);
	assert_int_equal(picture_of_history(&p, &read, &h, rec, &view), 0);
	assert_line(p.panels[0].cells, 4, 0, 7, 0, 1);
	picture_free(&p);
	history_free(&h);
	recording_close(rec);
	free(read.path);
	fclose(file);
}

/* ---- the kernel ---- */

static void ranges_find_their_file(void **state)
{
	char paths[3][64];
	unsigned int items[3];
	struct hottrack *ht;
	struct frame frame;

	(void)state;
	mock_reset();
	mock->ctl.state = HOT_STATE_ON;
	for (int i = 0; i < 3; i++) {
		sprintf(paths[i], "/tmp/hotmap-test-%d-%d", getpid(), i);
		fclose(fopen(paths[i], "w"));
		assert_int_equal(truncate(paths[i], 3 * MIB), 0);
		items[i] = mock_file(paths[i], 0, 10 * (i + 1), 1);
	}
	mock_range(items[2], 2 * MIB, 3, 0);
	mock_range(items[1], 0, 4, 0.5);
	mock_range(items[2], 0, 1, 0);
	/* Behind the end, and of a file that is too cold to be shown. */
	mock_range(items[2], 3 * MIB, 9, 0);
	mock_range(items[0], 0, 7, 0);
	assert_int_equal(hottrack_open(&ht, paths[0]), 0);
	assert_int_equal(sample_filesystem(ht, 0, 2, false, &frame), 0);
	assert_int_equal(frame.nr_files, 2);
	assert_false(frame.complete);
	assert_string_equal(frame.files[0].name, paths[2]);
	assert_int_equal(frame.files[0].size, 3 * MIB);
	assert_int_equal(frame.files[0].reads, 30 * HOT_ONE);
	assert_int_equal(frame.files[0].nr_ranges, 2);
	assert_int_equal(frame.files[0].ranges[0].offset, 0);
	assert_int_equal(frame.files[0].ranges[1].reads, 3 * HOT_ONE);
	assert_string_equal(frame.files[1].name, paths[1]);
	assert_int_equal(frame.files[1].nr_ranges, 1);
	assert_int_equal(frame.files[1].ranges[0].writes, HOT_ONE / 2);
	frame_free(&frame);

	/* All files, one of which cannot be opened any more: its ranges tell how long it is. */
	mock->open_error = EOPNOTSUPP;
	assert_int_equal(sample_filesystem(ht, 0, 4, false, &frame), 0);
	assert_true(frame.complete);
	assert_int_equal(frame.files[0].size, 4 * MIB);
	assert_int_equal(frame.files[0].nr_ranges, 3);
	frame_free(&frame);

	assert_int_equal(sample_file(ht, "/name", &frame), 0);
	assert_int_equal(frame.nr_files, 1);
	assert_int_equal(frame.files[0].nr_ranges, 1);
	assert_int_equal(frame.files[0].size, 3 * MIB);
	frame_free(&frame);

	mock->ctl.state = 0;
	assert_int_equal(sample_filesystem(ht, 0, 4, false, &frame), -ENODATA);
	assert_int_equal(sample_file(ht, "/name", &frame), -ENODATA);
	hottrack_close(ht);
	for (int i = 0; i < 3; i++)
		unlink(paths[i]);
	mock = NULL;
}

/* ---- pictures, read back ---- */

/* It keeps what it knows of the fonts. */
const char *__lsan_default_suppressions(void)
{
	return "leak:libfontconfig";
}

const char *__lsan_default_options(void)
{
	return "print_suppressions=0";
}

/* Where texts were written, so that one can tell whether they overlap. */
static struct box {
	double x1, y1, x2, y2;
	char text[64];
} boxes[4096];
static size_t nr_boxes;

void __wrap_cairo_show_text(cairo_t *cr, const char *text)
{
	struct box *b = &boxes[nr_boxes++];
	cairo_text_extents_t e;
	double x, y;

	cairo_get_current_point(cr, &x, &y);
	cairo_text_extents(cr, text, &e);
	*b = (struct box){ x + e.x_bearing, y + e.y_bearing, x + e.x_bearing + e.width,
			   y + e.y_bearing + e.height };
	/* One of the axes is written upwards; both corners suffice for right angles. */
	cairo_user_to_device(cr, &b->x1, &b->y1);
	cairo_user_to_device(cr, &b->x2, &b->y2);
	if (b->x1 > b->x2) {
		x = b->x1;
		b->x1 = b->x2;
		b->x2 = x;
	}
	if (b->y1 > b->y2) {
		y = b->y1;
		b->y1 = b->y2;
		b->y2 = y;
	}
	snprintf(b->text, sizeof(b->text), "%s", text);
	__real_cairo_show_text(cr, text);
}

static cairo_status_t read_bytes(void *from, unsigned char *data, unsigned int bytes)
{
	return fread(data, 1, bytes, from) == bytes ? CAIRO_STATUS_SUCCESS :
						      CAIRO_STATUS_READ_ERROR;
}

static cairo_surface_t *painted(const struct page *page, const struct picture *p)
{
	cairo_surface_t *surface;
	FILE *file = tmpfile();

	nr_boxes = 0;
	assert_int_equal(paint(page, p, file), 0);
	rewind(file);
	surface = cairo_image_surface_create_from_png_stream(read_bytes, file);
	assert_int_equal(cairo_surface_status(surface), 0);
	assert_int_equal(cairo_image_surface_get_width(surface), page->width);
	assert_int_equal(cairo_image_surface_get_height(surface), page->height);
	fclose(file);
	return surface;
}

static struct color pixel(cairo_surface_t *surface, int x, int y)
{
	const unsigned char *row = cairo_image_surface_get_data(surface) +
				   y * cairo_image_surface_get_stride(surface);
	__u32 value = ((const __u32 *)row)[x];

	return (struct color){ (value >> 16 & 255) / 255., (value >> 8 & 255) / 255.,
			       (value & 255) / 255. };
}

static double pixel_lightness(cairo_surface_t *surface, int x, int y)
{
	struct color c = pixel(surface, x, y);

	return lightness_of(&c);
}

/* The place of the text @text, in the middle of its height. */
static int line_of(const char *text)
{
	for (size_t i = 0; i < nr_boxes; i++)
		if (!strcmp(boxes[i].text, text))
			return (boxes[i].y1 + boxes[i].y2) / 2;
	fail_msg("'%s' was not written", text);
	return 0;
}

static void hot_is_dark_on_white(void **state)
{
	struct file files[] = { sample_of(4 * MIB), sample_of(4 * MIB) };
	struct subject subject = subject_of(false);
	struct frame frame = frame_of(files, 2);

	(void)state;
	files[0].name = (char *)"/first";
	files[1].name = (char *)"/second";
	files[1].nr_ranges = 1;
	for (int dark = 0; dark <= 1; dark++) {
		struct page page = { 1200, 800, true, dark };
		struct view view = { 0 };
		struct picture p;
		cairo_surface_t *s;
		double hot, warm, cold, none, paper;
		int y, second;

		paint_view(&page, KIND_FILES, 2, &view);
		assert_int_equal(picture_of_frame(&p, &subject, &frame, &view, NULL), 0);
		s = painted(&page, &p);
		y = line_of("/first");
		second = line_of("/second");
		assert_true(second > y + 20);
		/* The strip goes from x = 390 to 1016. */
		cold = pixel_lightness(s, 450, y);
		none = pixel_lightness(s, 620, y);
		hot = pixel_lightness(s, 780, y);
		warm = pixel_lightness(s, 940, y);
		paper = pixel_lightness(s, 1025, y);
		if (dark)
			assert_true(none < cold && cold < warm && warm < hot);
		else
			assert_true(none > cold && cold > warm && warm > hot);
		assert_true(fabs(hot - none) > 50);
		assert_true(fabs(paper - (dark ? 14 : 100)) < 1);
		/* The same heat is the same colour in the other file. */
		assert_true(fabs(pixel_lightness(s, 450, second) - cold) < 0.01);
		assert_true(fabs(pixel_lightness(s, 780, second) - none) < 0.01);
		cairo_surface_destroy(s);
		picture_free(&p);
	}
}

static void offsets_go_upwards(void **state)
{
	struct page page = { 1200, 800, true, false };
	struct view view = { 0 };
	struct picture p;
	cairo_surface_t *s;

	(void)state;
	paint_view(&page, KIND_FILE_TIME, 1, &view);
	picture_of(recorded(), &view, "\xc3\xa4", &p);
	s = painted(&page, &p);
	/* From (104, 88) to (1164, 684); six seconds, of which the first is of a shorter file. */
	assert_true(pixel_lightness(s, 180, 120) > 99);
	assert_true(pixel_lightness(s, 400, 120) < 60);
	assert_true(pixel_lightness(s, 400, 300) < pixel_lightness(s, 400, 120));
	assert_true(pixel_lightness(s, 400, 640) > 80);
	/* Hatched: both paper and lines. */
	assert_true(pixel_lightness(s, 700, 300) > 40);
	assert_false(pixel_lightness(s, 700, 300) == pixel_lightness(s, 703, 300) &&
		     pixel_lightness(s, 701, 300) == pixel_lightness(s, 700, 300));
	cairo_surface_destroy(s);
	picture_free(&p);
}

/* Nothing is painted where the file ends. */
static void behind_the_end_is_paper(void **state)
{
	struct page page = { 1200, 800, true, false };
	struct file files[] = { sample_of(4 * MIB), sample_of(8 * MIB) };
	struct frame frame = frame_of(files, 2);

	(void)state;
	files[0].name = (char *)"/first";
	for (int one = 0; one <= 1; one++) {
		struct subject subject = subject_of(one);
		struct view view = { .bytes = true };
		struct picture p;
		cairo_surface_t *s;
		int x, y;

		/* Two rows of two cells, of which the last is none. */
		if (one)
			files[0].size = 3 * MIB;
		paint_view(&page, one ? KIND_FILE : KIND_FILES, 2, &view);
		assert_int_equal(picture_of_frame(&p, &subject, &frame, &view, NULL), 0);
		s = painted(&page, &p);
		/* The strip goes from 390 to 1016, the cells from (104, 88) to (1164, 684). */
		x = one ? 634 : 703;
		y = one ? 386 : line_of("/first");
		assert_true(pixel_lightness(s, x + 3, y + 3) > 99);
		assert_true(pixel_lightness(s, x + 3, y + 200) > 99 || !one);
		assert_true(pixel_lightness(s, x - 4, y + 3) < 80);
		cairo_surface_destroy(s);
		picture_free(&p);
	}
}

static void legend_has_all_levels(void **state)
{
	struct page page = { 1200, 800, true, false };
	struct file f = sample_of(4 * MIB);
	struct subject subject = subject_of(false);
	struct frame frame = frame_of(&f, 1);
	struct view view = { 0 };
	struct picture p;
	cairo_surface_t *s;
	double last = 101;
	int x = 0, y = 800 - 33, colors = 0;

	(void)state;
	paint_view(&page, KIND_FILES, 1, &view);
	assert_int_equal(picture_of_frame(&p, &subject, &frame, &view, NULL), 0);
	s = painted(&page, &p);
	/* The bar begins after the text "no heat". */
	for (size_t i = 0; i < nr_boxes; i++)
		if (!strcmp(boxes[i].text, "no heat"))
			x = boxes[i].x2 + 25;
	assert_true(x > 60);
	for (int end = x + 430; x < end; x++) {
		double now = pixel_lightness(s, x, y);

		assert_true(now <= last + 0.01);
		colors += now < last - 0.3;
		last = now;
	}
	assert_true(colors >= LEVELS - 4);
	cairo_surface_destroy(s);
	picture_free(&p);
}

static void assert_nothing_overlaps(const struct page *page)
{
	for (size_t i = 0; i < nr_boxes; i++) {
		const struct box *a = &boxes[i];

		if (a->x1 < 0 || a->y1 < 0 || a->x2 > page->width || a->y2 > page->height)
			fail_msg("'%s' is outside of %ux%u", a->text, page->width, page->height);
		for (size_t j = i + 1; j < nr_boxes; j++) {
			const struct box *b = &boxes[j];

			if (a->x1 < b->x2 && b->x1 < a->x2 && a->y1 < b->y2 && b->y1 < a->y2)
				fail_msg("'%s' and '%s' overlap in %ux%u", a->text, b->text,
					 page->width, page->height);
		}
	}
}

/* Whether fonts can be found: with those of the system, and where there is none. */
static bool no_fonts;

int __wrap_access(const char *path, int mode)
{
	return no_fonts ? -1 : __real_access(path, mode);
}

static void texts_do_not_overlap(void **state)
{
	static const unsigned int sizes[][2] = {
		{ 640, 320 }, { 640, 1200 }, { 800, 600 }, { 1200, 800 }, { 3840, 2160 },
	};
	static char long_name[3000];
	struct file files[300];

	no_fonts = *state;
	memset(long_name, 'W', sizeof(long_name) - 1);
	memcpy(long_name, "/srv/", 5);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		files[i] = sample_of(3 * MIB + 12345 + i * 1023 * MIB);
		files[i].name = i % 2 ? long_name : (char *)"/srv/short";
		files[i].reads = HOT_HEAT_MAX - i;
		files[i].writes = HOT_HEAT_MAX - i;
	}
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct page page = { sizes[i][0], sizes[i][1], true, false };

		for (int mode = 0; mode < 6; mode++) {
			bool one = mode == 2;
			struct subject subject = subject_of(one);
			struct frame frame = frame_of(files, one ? 1 : 300);
			struct view view = { .files = mode == 1 ? 3 : 1000, .bytes = mode == 1 };
			struct picture p;

			subject.path = long_name;
			frame.left_out = HOT_HEAT_MAX;
			if (mode < 3) {
				paint_view(&page, one ? KIND_FILE : KIND_FILES, 300, &view);
				assert_int_equal(picture_of_frame(&p, &subject, &frame, &view,
								  NULL), 0);
			} else {
				paint_view(&page, mode == 3 ? KIND_FILE_TIME : KIND_FILES_TIME, 2,
					   &view);
				picture_of(recorded(), &view, mode == 3 ? "\xc3\xa4" : NULL, &p);
				if (mode == 5)
					p.scale = (struct scale){ 1000, 33554432, true, true };
			}
			cairo_surface_destroy(painted(&page, &p));
			assert_true(nr_boxes > 8);
			/* Each character of a font without any is a box of no width. */
			assert_true(boxes[0].x2 - boxes[0].x1 > 100);
			assert_nothing_overlaps(&page);
			picture_free(&p);
		}
	}
}

/* ---- on a terminal ---- */

static char *printed(const struct terminal *term, const struct picture *p)
{
	static char *text;
	size_t bytes;
	FILE *to;

	free(text);
	text = NULL;
	to = open_memstream(&text, &bytes);
	assert_int_equal(print(term, p, to), 0);
	fclose(to);
	return text;
}

static void plain_text(void **state)
{
	const struct terminal term = { .width = 60 };
	struct file files[] = { sample_of(4 * MIB), sample_of(4 * MIB) };
	struct subject subject = subject_of(false);
	struct frame frame = frame_of(files, 2);
	struct view view = { 0 };
	struct picture p;

	(void)state;
	files[1].name = (char *)"/srv/a/long/name/of/a/file \xc3\xa4";
	files[1].size = 5 * MIB;
	files[1].nr_ranges = 1;
	print_view(&term, KIND_FILES, 2, &view);
	assert_int_equal(picture_of_frame(&p, &subject, &frame, &view, NULL), 0);
	assert_string_equal(printed(&term, &p),
			    "Hottest files of /srv\n"
			    "2 of 9 files with heat, reads + writes, 2026-11-25 10:00:00\n"
			    "file                                         requests  bytes\n"
			    "/f                 :::::::.....%%%%%%%******     12.0     4M\n"
			    "/srv/...e \\303\\244 :::::....................     12.0     5M\n"
			    "                  0%    25%   50%   75%  100%\n"
			    "                   offset, as a share of the file\n"
			    "no heat .    ::::----===++++****###%%%%@@@@\n"
			    "             1                           10\n"
			    "requests (half-life 1min) of the hottest 1M range in each\n"
			    "cell\n");
	picture_free(&p);
}

/* Escape sequences as {N} for 256 colours. */
static char *shown(const char *text)
{
	static char out[65536];
	char *to = out;
	int color, n;

	for (; *text; text += n) {
		if (sscanf(text, "\033[%*d;5;%dm%n", &color, &n) == 1)
			to += sprintf(to, "{%d}", color);
		else if (!strncmp(text, "\033[39m", 5) || !strncmp(text, "\033[49m", 5))
			n = 5;
		else
			*to++ = *text, n = 1;
	}
	*to = '\0';
	return out;
}

static void half_blocks(void **state)
{
	const struct terminal term = { .width = 44, .colors = COLORS_256, .utf8 = true };
	struct view view = { .files = 1 };
	unsigned char none[1], levels[LEVELS];
	char wanted[128], *at;
	struct palette colors;
	struct picture p;

	(void)state;
	palette_init(&colors, false);
	palette_of_terminal(&colors, none, levels);
	/* One line of a file a cell wide: the left half is of the cell to the left. */
	assert_int_equal(picture_init(&p, KIND_FILES, "t", 28, 1, 1), 0);
	assert_int_equal(panel_init(&p, 0, "/f", 0, 0), 0);
	p.scale = (struct scale){ 1, 10 };
	p.x.title = "x";
	for (int i = 0; i < 28; i++)
		p.panels[0].cells[i] = i == 0 ? 10 * (int)HOT_ONE : i < 3 ? 0 : CELL_ABSENT;
	print_view(&term, KIND_FILES, 1, &view);
	assert_int_equal(view.columns, 28);
	at = strstr(shown(printed(&term, &p)), "/f");
	snprintf(wanted, sizeof(wanted), "/f            {%d}{%d}\u258c{%d}\u258c  ", *none,
		 levels[63], *none);
	assert_memory_equal(at, wanted, strlen(wanted));
	picture_free(&p);

	/* One file: the upper half is of the row above. */
	print_view(&term, KIND_FILE_TIME, 1, &view);
	assert_int_equal(view.columns, 36);
	assert_int_equal(view.rows % 2, 0);
	assert_int_equal(picture_init(&p, KIND_FILE_TIME, "t", 36, 4, 1), 0);
	assert_int_equal(panel_init(&p, 0, "/f", 0, 0), 0);
	p.scale = (struct scale){ 1, 10 };
	p.x.title = "x";
	p.unknown = true;
	p.panels[0].cells[0] = CELL_ABSENT;
	p.panels[0].cells[36] = HOT_ONE;
	p.panels[0].cells[1] = 10 * HOT_ONE;
	p.panels[0].cells[37] = 0;
	at = shown(printed(&term, &p));
	snprintf(wanted, sizeof(wanted), "        {%d}\u2584{%d}{%d}\u2580//", levels[0], *none,
		 levels[63]);
	assert_non_null(strstr(at, wanted));
	picture_free(&p);
}

/* No line is longer than the terminal, whatever is in it. */
static void lines_fit(void **state)
{
	static char long_name[3000];
	struct file files[12];

	(void)state;
	memset(long_name, 'W', sizeof(long_name) - 1);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		files[i] = sample_of(3 * MIB + 12345 + i * 1023 * MIB);
		files[i].name = long_name;
		files[i].reads = HOT_HEAT_MAX - i;
		files[i].writes = HOT_HEAT_MAX - i;
	}
	for (int mode = 0; mode < 4 * 61; mode++) {
		struct terminal term = { .width = 40 + mode / 4 * 3, .height = mode % 50,
					 .utf8 = mode & 1 };
		bool one = mode % 4 == 2;
		struct subject subject = subject_of(one);
		struct frame frame = frame_of(files, one ? 1 : 12);
		struct view view = { .bytes = mode & 4 };
		struct picture p;
		char *text, *line;

		subject.path = long_name;
		if (mode % 4 < 3) {
			print_view(&term, one ? KIND_FILE : KIND_FILES, 12, &view);
			assert_int_equal(picture_of_frame(&p, &subject, &frame, &view, NULL), 0);
		} else {
			print_view(&term, KIND_FILES_TIME, 2, &view);
			picture_of(recorded(), &view, NULL, &p);
		}
		text = printed(&term, &p);
		while ((line = strsep(&text, "\n")))
			if (text_width(line) > (int)term.width)
				fail_msg("longer than %u: %s", term.width, line);
		picture_free(&p);
	}
}

int main(void)
{
	static bool yes = true;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lightness_is_even),
		cmocka_unit_test(steps_are_equal),
		cmocka_unit_test(order_without_hue),
		cmocka_unit_test(page_can_be_read),
		cmocka_unit_test(terminal_keeps_order),
		cmocka_unit_test(scale_fits),
		cmocka_unit_test(levels_are_logarithmic),
		cmocka_unit_test(ticks_are_round),
		cmocka_unit_test(times_are_round),
		cmocka_unit_test(names_do_no_harm),
		cmocka_unit_test(long_names_lose_their_middle),
		cmocka_unit_test(cells_have_the_hottest_range),
		cmocka_unit_test(cells_behind_the_end),
		cmocka_unit_test(cells_of_the_largest_file),
		cmocka_unit_test(one_file_has_room),
		cmocka_unit_test(files_on_one_scale),
		cmocka_unit_test(recording_comes_back),
		cmocka_unit_test(recording_cut_anywhere),
		cmocka_unit_test(recording_with_a_wrong_bit),
		cmocka_unit_test(recording_of_the_future),
		cmocka_unit_test(time_goes_to_the_right),
		cmocka_unit_test(hotter_of_two_samples),
		cmocka_unit_test(absent_from_a_complete_sample),
		cmocka_unit_test(ranges_find_their_file),
		cmocka_unit_test(hot_is_dark_on_white),
		cmocka_unit_test(offsets_go_upwards),
		cmocka_unit_test(behind_the_end_is_paper),
		cmocka_unit_test(legend_has_all_levels),
		cmocka_unit_test(texts_do_not_overlap),
		{ "texts_without_fonts", texts_do_not_overlap, NULL, NULL, &yes },
		cmocka_unit_test(plain_text),
		cmocka_unit_test(half_blocks),
		cmocka_unit_test(lines_fit),
	};

	/* Times of the day in pictures are local ones. */
	setenv("TZ", "UTC", 1);
	tzset();
	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
