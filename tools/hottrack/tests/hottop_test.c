// SPDX-License-Identifier: GPL-2.0
/* What hottop makes of heat: text, order, choice, JSON. The kernel is played by lib_mock.c. */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "hottop.h"
#include "lib_mock.h"

/* One row a file; in the order of their names they are hottest to coldest. */
static const struct {
	const char *name;
	double reads, writes;
	__u64 bytes, age_ms;
} files[] = {
	{ "a", 100, 20, 1000, 300000 },
	{ "b", 10, 60, 5000, 75000 },
	{ "c", 40, 0, 9000000000, 600000 },
	{ "d\n\\\xff", 0.5, 0, 7, 0 },
};

static char folder[32];

/* Files in a folder of their own, and settings that show them all. */
static int setup(void **state)
{
	static struct settings set;

	snprintf(folder, sizeof(folder), "/tmp/hottop_test.XXXXXX");
	if (!mkdtemp(folder) || chdir(folder))
		return -1;
	mock_reset();
	mock->ctl.state = HOT_STATE_ON;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		struct mock_item *item;
		char path[64];
		int fd;

		snprintf(path, sizeof(path), "%s/%s", folder, files[i].name);
		fd = open(path, O_CREAT | O_WRONLY, 0600);
		if (fd < 0)
			return -1;
		close(fd);
		item = &mock->item[mock_file(path, 0, files[i].reads, files[i].writes)];
		item->bytes_read = files[i].bytes - 1;
		item->bytes_written = 1;
		item->age_ms = files[i].age_ms;
	}
	set = (struct settings){ .limit = 100, .interval = 1, .mount_point = (char *)"/srv" };
	*state = &set;
	return hottrack_open(&set.ht, folder);
}

static int teardown(void **state)
{
	struct settings *set = *state;

	hottrack_close(set->ht);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		unlink(files[i].name);
	return chdir("/") || rmdir(folder);
}

static void set_filter(struct settings *set, const char *text)
{
	snprintf(set->filter, sizeof(set->filter), "%s", text);
}

/* The first characters of the rows' names, which must all be known. */
static void expect_rows(struct snapshot *s, struct settings *set, const char *wanted)
{
	char found[16] = "";

	assert_true(s->count < sizeof(found));
	for (size_t i = 0; i < s->count; i++) {
		assert_int_equal(row_resolve(&s->rows[i], set->ht), 0);
		assert_int_equal(s->rows[i].file.known, HOTTRACK_NAMED);
		found[i] = strrchr(s->rows[i].name, '/')[1];
	}
	assert_string_equal(found, wanted);
}

static void expect(struct settings *set, const char *wanted)
{
	struct snapshot s = { 0 };

	assert_int_equal(snapshot_read(&s, set), 0);
	expect_rows(&s, set, wanted);
	snapshot_free(&s);
}

static void orders(void **state)
{
	static const char * const wanted[NR_SORTS] = {
		[SORT_TOTAL] = "abcd", [SORT_READS] = "acbd", [SORT_WRITES] = "ba",
		[SORT_BYTES] = "cbad", [SORT_AGE] = "dbac",
	};
	struct settings *set = *state;

	for (set->sort = 0; set->sort < NR_SORTS; set->sort++)
		expect(set, wanted[set->sort]);
}

/* What the kernel does not sort by is found among all, not only among the hottest. */
static void few_rows_of_all(void **state)
{
	struct settings *set = *state;

	set->limit = 1;
	set->sort = SORT_BYTES;
	expect(set, "c");
	set->sort = SORT_AGE;
	expect(set, "d");
	set->sort = SORT_TOTAL;
	set_filter(set, "/d");
	expect(set, "d");
	set_filter(set, "");
	set->limit = 2;
	expect(set, "ab");
	set->limit = 1;
	set->sort = SORT_WRITES;
	expect(set, "b");
	mock->item[1].writes = 200 * HOT_ONE;
	set->sort = SORT_READS;
	expect(set, "a");
}

static void filters(void **state)
{
	struct settings *set = *state;

	/* As they are shown: the newline is \012, the backslash a double one. */
	set_filter(set, "\\012\\\\\\377");
	expect(set, "d");
	set_filter(set, "/b");
	expect(set, "b");
	set_filter(set, "hottop_test");
	expect(set, "abcd");
	set_filter(set, "/B");
	expect(set, "");
	set_filter(set, "");
	set->min_heat = 40 * HOT_ONE;
	expect(set, "abc");
	set->min_heat++;
	expect(set, "ab");
}

/* A paused view sorts and filters what it has. */
static void arranged_again(void **state)
{
	struct settings *set = *state;
	struct snapshot s = { 0 };

	assert_int_equal(snapshot_read(&s, set), 0);
	expect_rows(&s, set, "abcd");
	assert_int_equal(s.hottest, 120 * HOT_ONE);
	mock->items = 0;
	set->sort = SORT_WRITES;
	set_filter(set, "/b");
	assert_int_equal(snapshot_arrange(&s, set), 0);
	expect_rows(&s, set, "b");
	assert_int_equal(s.hottest, 70 * HOT_ONE);
	set_filter(set, "");
	assert_int_equal(snapshot_arrange(&s, set), 0);
	expect_rows(&s, set, "bacd");
	snapshot_free(&s);
}

static void ranges_in_order(void **state)
{
	struct settings *set = *state;
	struct snapshot s = { 0 };
	char text[CELL_SIZE];

	mock_range(1, 5 << 20, 1, 1);
	mock_range(0, 3 << 20, 1, 1);
	mock_range(1, 1 << 20, 1, 1);
	mock_range(0, 0, 0, 9);
	set->ranges = true;
	assert_int_equal(snapshot_read(&s, set), 0);
	assert_int_equal(s.count, 4);
	/* Those that are equally hot are together by file, in order of offset. */
	expect_rows(&s, set, s.rows[1].record->offset == 3 << 20 ? "aabb" : "abba");
	for (size_t i = 1; i < 3; i++)
		if (s.rows[i].record->offset == 5 << 20)
			assert_int_equal(s.rows[i - 1].record->offset, 1 << 20);
	assert_string_equal(row_cell(text, COL_OFFSET, &s.rows[0], &s), "0");
	assert_string_equal(row_cell(text, COL_LENGTH, &s.rows[0], &s), "1M");
	assert_string_equal(row_cell(text, COL_BYTES_READ, &s.rows[0], &s), "-");
	snapshot_free(&s);
}

static void errors_keep_what_was(void **state)
{
	struct settings *set = *state;
	struct snapshot s = { 0 };

	assert_int_equal(snapshot_read(&s, set), 0);
	mock->errors[_IOC_NR(HOT_TOP) - 0x60] = EPERM;
	assert_int_equal(snapshot_read(&s, set), -EPERM);
	expect_rows(&s, set, "abcd");
	mock->ctl.state = 0;
	assert_int_equal(snapshot_read(&s, set), -ENODATA);
	expect_rows(&s, set, "abcd");
	snapshot_free(&s);
}

static void names_are_searched(void **state)
{
	struct settings *set = *state;
	struct snapshot s = { 0 };
	char wanted[64];

	mock->item[1].flags |= MOCK_NAMELESS;
	set->limit = 2;
	assert_int_equal(snapshot_read(&s, set), 0);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(row_resolve(&s.rows[i], set->ht), 0);
	assert_int_equal(s.rows[1].file.known, HOTTRACK_NAMELESS);
	assert_null(s.rows[1].path);
	snprintf(wanted, sizeof(wanted), "(inode %llu, name unknown)", mock->item[1].inode);
	assert_string_equal(s.rows[1].name, wanted);
	/* The folder's own mount may be the whole machine, so look in small steps. */
	while (hottrack_search(set->ht, 10000) > 0)
		;
	snapshot_forget_names(&s);
	expect_rows(&s, set, "ab");
	snapshot_free(&s);
}

/* Nothing is known but the handle, so that is shown. */
static void gone_file(void **state)
{
	struct settings *set = *state;
	struct snapshot s = { 0 };
	char wanted[128], text[CELL_SIZE];

	assert_int_equal(snapshot_read(&s, set), 0);
	unlink("a");
	assert_int_equal(row_resolve(&s.rows[0], set->ht), 0);
	assert_int_equal(s.rows[0].file.known, HOTTRACK_GONE);
	row_cell(text, COL_HANDLE, &s.rows[0], &s);
	assert_int_equal(strlen(text), 24);
	snprintf(wanted, sizeof(wanted), "(a file that is no more) %d:%s", MOCK_HANDLE_TYPE, text);
	assert_string_equal(s.rows[0].name, wanted);
	assert_string_equal(row_json(text, COL_KNOWN, &s.rows[0], &s), "gone");
	assert_null(row_json(text, COL_PATH, &s.rows[0], &s));
	assert_null(row_json(text, COL_INODE, &s.rows[0], &s));
	snapshot_free(&s);
}

static void path_bytes(void **state)
{
	struct settings *set = *state;
	struct snapshot s = { 0 };
	char text[CELL_SIZE];
	const char *path;

	set_filter(set, "/d");
	assert_int_equal(snapshot_read(&s, set), 0);
	path = strrchr(row_json(text, COL_PATH, &s.rows[0], &s), '/');
	assert_string_equal(path, "/d\n\\\xef\xbf\xbd");
	path = row_json(text, COL_PATH_HEX, &s.rows[0], &s);
	assert_string_equal(path + strlen(path) - 10, "2f640a5cff");
	set_filter(set, "/a");
	assert_int_equal(snapshot_read(&s, set), 0);
	assert_null(row_json(text, COL_PATH_HEX, &s.rows[0], &s));
	snapshot_free(&s);
}

static void cells(void **state)
{
	static const struct {
		enum column_id id;
		struct hot_record record;
		const char *cell, *json;
	} cases[] = {
		{ COL_HEAT, { .reads = 256, .writes = 128 }, "1.50", "1.5" },
		{ COL_HEAT, { 0 }, "0.00", "0" },
		{ COL_HEAT, { .reads = 1 }, "0.00", "0.00390625" },
		{ COL_HEAT, { .reads = 12345 * 256 }, "12345", "12345" },
		{ COL_READS, { .reads = 999 * 256 + 26 }, "999.1", "999.1015625" },
		{ COL_READS, { .reads = HOT_HEAT_MAX }, ">16777216", "16777215.99609375" },
		{ COL_WRITES, { .writes = HOT_HEAT_MAX }, ">16777216", "16777215.99609375" },
		{ COL_HEAT, { .writes = HOT_HEAT_MAX, .reads = 256 }, ">16777217",
		  "16777216.99609375" },
		/* ln 2 a half-life, here 100 s */
		{ COL_RATE, { .reads = 1000 * 256 }, "6.93", "6.93147181" },
		{ COL_BYTES_READ, { .bytes_read = 1536 }, "1.50K", "1536" },
		{ COL_BYTES_WRITTEN, { .bytes_written = ~0ULL }, "16777216T",
		  "18446744073709551615" },
		{ COL_AGE, { 0 }, "<12s", "0" },
		{ COL_AGE, { .age_ms = 119999 }, "119s", "119999" },
		{ COL_AGE, { .age_ms = 120000 }, "2m", "120000" },
		{ COL_AGE, { .age_ms = 7200000 }, "2h", "7200000" },
		{ COL_AGE, { .age_ms = 172800000 }, "2d", "172800000" },
		{ COL_AGE, { .age_ms = 500 }, "1s", "500" },
		{ COL_OFFSET, { .offset = 1 << 20 }, "-", NULL },
		{ COL_VOLATILE, { .flags = HOT_VOLATILE }, "-", "true" },
		{ COL_OPENABLE, { .flags = HOT_NOT_OPENABLE }, "-", "false" },
		{ COL_OPENABLE, { 0 }, "-", "true" },
	};
	struct snapshot s = { .ctl = { .half_life_ms = 100000 } };
	char text[CELL_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct row row = { .record = &cases[i].record };
		const char *json;

		assert_string_equal(row_cell(text, cases[i].id, &row, &s), cases[i].cell);
		json = row_json(text, cases[i].id, &row, &s);
		if (cases[i].json)
			assert_string_equal(json, cases[i].json);
		else
			assert_null(json);
	}
}

/* No figure is in the place of another. */
static void sums(void **state)
{
	static const char * const json[] = {
		"\"half_life_ms\": 90000,", "\"range_length\": 65536,", "\"requests\": 1,",
		"\"items\": 2,", "\"item_bytes\": 3,", "\"max_item_bytes\": 4,", "\"ranges\": 5,",
		"\"range_slots\": 6,", "\"range_bytes\": 7,", "\"max_range_bytes\": 8,",
		"\"evicted_items\": 9,", "\"evicted_ranges\": 10,", "\"dropped\": 11,",
		"\"scanned\": 12\n", "\"sort\": \"writes\",", "\"mount_point\": \"/srv\",",
	};
	static const char counts[] =
		"2 files (3 of 4), 5 of 6 ranges (7), 11 dropped, 9+10 evicted, 1 requests";
	struct hottrack_list list = { .scanned = 12 };
	struct snapshot s = {
		.ctl = {
			.half_life_ms = 90000, .range_shift = 16, .requests = 1, .items = 2,
			.item_bytes = 3, .max_item_bytes = 4, .ranges = 5, .range_slots = 6,
			.range_bytes = 7, .max_range_bytes = 8, .evicted_items = 9,
			.evicted_ranges = 10, .dropped = 11,
		},
		.list = &list,
	};
	struct settings set = { .mount_point = (char *)"/srv", .sort = SORT_WRITES };
	FILE *out, *console = stdout;
	char text[256], *printed;
	size_t size;

	(void)state;
	summary_settings(text, sizeof(text), &s, &set);
	assert_string_equal(text, "/srv: files by writes, half-life 90s, ranges of 64K");
	summary_counts(text, sizeof(text), &s);
	assert_string_equal(text, counts);
	out = open_memstream(&printed, &size);
	assert_non_null(out);
	stdout = out;
	assert_int_equal(print_json(&s, &set), 0);
	stdout = console;
	fclose(out);
	for (size_t i = 0; i < ARRAY_SIZE(json); i++)
		if (!strstr(printed, json[i]))
			fail_msg("no %s in %s", json[i], printed);
	free(printed);
}

/* Two ranges beside each other never look alike, however far out they are. */
static void offsets_are_exact(void **state)
{
	static const struct {
		__u64 offset;
		const char *cell;
	} cases[] = {
		{ 0, "0" }, { 1 << 16, "64K" }, { 1 << 20, "1M" }, { 1025ULL << 20, "1025M" },
		{ 1ULL << 44, "16T" }, { (1ULL << 44) + (1 << 20), "16777217M" },
		{ 1ULL << 63, "8E" }, { 1000, "1000" },
	};
	struct snapshot s = { .ranges = true };
	char text[CELL_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct hot_record record = { .offset = cases[i].offset };
		struct row row = { .record = &record };

		assert_string_equal(row_cell(text, COL_OFFSET, &row, &s), cases[i].cell);
	}
}

static void shown(const char *text, const char *wanted)
{
	char *found = text_shown(text);

	assert_string_equal(found, wanted);
	free(found);
}

static void harmless_text(void **state)
{
	(void)state;
	/* Nothing but ASCII is known to be text where the terminal's encoding is not. */
	shown("plain \\\\ text~", "plain \\\\ text~");
	shown("\033[2J\a\177", "\\033[2J\\007\\177");
	shown("\xc3\xa4", "\\303\\244");
	assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
	shown("\xc3\xa4 \xe6\x96\x87 \xf0\x9f\x94\xa5", "\xc3\xa4 \xe6\x96\x87 \xf0\x9f\x94\xa5");
	/* Longer than it must be, a surrogate, cut off, beyond the last, a lone second byte */
	shown("\xc0\xaf", "\\300\\257");
	shown("\xed\xa0\x80", "\\355\\240\\200");
	shown("a\xe6\x96", "a\\346\\226");
	shown("\xf4\x90\x80\x80", "\\364\\220\\200\\200");
	shown("\x96z\xff", "\\226z\\377");
	shown("\xf0\x8f\xbf\xbf", "\\360\\217\\277\\277");
	/* C1 controls, right-to-left override, line separator */
	shown("\302\23331m", "\\302\\23331m");
	shown("a\342\200\256b", "a\\342\\200\\256b");
	shown("\xe2\x80\xa8", "\\342\\200\\250");
	setlocale(LC_CTYPE, "C");
}

static void utf8(void **state)
{
	char *text;

	(void)state;
	assert_true(text_is_utf8(""));
	assert_true(text_is_utf8("a\n\xf4\x8f\xbf\xbf\xed\x9f\xbf"));
	assert_false(text_is_utf8("a\xc3"));
	assert_false(text_is_utf8("\xe0\x9f\xbf"));
	assert_false(text_is_utf8("\xf8\x88\x80\x80\x80"));
	assert_false(text_is_utf8("\xed\xa0\x80"));
	assert_false(text_is_utf8("\xf4\x90\x80\x80"));
	text = text_as_utf8("a\xc3z\xe6\x96");
	assert_string_equal(text, "a\xef\xbf\xbdz\xef\xbf\xbd\xef\xbf\xbd");
	free(text);
	text = text_hex("a\xff", 2);
	assert_string_equal(text, "61ff");
	free(text);
}

static void fit(const char *text, int width, bool keep_end, const char *wanted)
{
	char out[64];

	memset(out, '?', sizeof(out));
	text_fit(out, sizeof(out), text, width, keep_end);
	assert_string_equal(out, wanted);
	assert_int_equal(text_width(out), width);
}

static void fitted_text(void **state)
{
	char out[8];

	(void)state;
	assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
	fit("abc", 5, false, "abc  ");
	fit("abc", 5, true, "abc  ");
	fit("abcdef", 4, false, "abcd");
	fit("/usr/lib/x", 6, true, "...b/x");
	fit("/usr/lib/x", 10, true, "/usr/lib/x");
	fit("/usr", 2, true, "..");
	fit("/usr", 0, true, "");
	/* Two columns each: one that does not fit leaves a blank, or a dot more. */
	fit("\xe6\x96\x87\xe5\xad\x97", 3, false, "\xe6\x96\x87 ");
	fit("\xe6\x96\x87\xe5\xad\x97\xe5\xad\x97", 5, true, "...\xe5\xad\x97");
	fit("x\xe6\x96\x87\xe5\xad\x97", 4, true, "....");
	/* The accent is left out with its letter. */
	fit("abcde\xcc\x81zyx", 6, true, "...zyx");
	/* Whatever the width, no more than there is room for, and no half characters */
	text_fit(out, sizeof(out), "\xe6\x96\x87\xe6\x96\x87\xe6\x96\x87", 30, false);
	assert_string_equal(out, "\xe6\x96\x87\xe6\x96\x87 ");
	setlocale(LC_CTYPE, "C");
}

static void bar(__u64 value, __u64 max, const char *wanted)
{
	char out[BAR_SIZE];

	text_bar(out, value, max);
	assert_string_equal(out, wanted);
}

static void bars(void **state)
{
	(void)state;
	bar(0, 0, "");
	bar(0, 10, "");
	bar(10, 10, "########");
	bar(5, 10, "####");
	bar(1, 1000, "#");
	bar(2 * (__u64)HOT_HEAT_MAX, 2 * (__u64)HOT_HEAT_MAX, "########");
	assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
	bar(8, 64, "\xe2\x96\x88");
	bar(7, 64, "\xe2\x96\x89");
	bar(9, 64, "\xe2\x96\x88\xe2\x96\x8f");
	bar(1, 1000, "\xe2\x96\x8f");
	setlocale(LC_CTYPE, "C");
}

static void column_names(void **state)
{
	enum column_id id;

	(void)state;
	for (size_t i = 0; i < NR_SHOWN_COLUMNS; i++) {
		assert_true(column_named(columns[i].heading, &id));
		assert_int_equal(id, i);
	}
	assert_true(column_named("req/s", &id));
	assert_int_equal(id, COL_RATE);
	assert_false(column_named("", &id));
	assert_false(column_named("path_hex", &id));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(orders, setup, teardown),
		cmocka_unit_test_setup_teardown(few_rows_of_all, setup, teardown),
		cmocka_unit_test_setup_teardown(filters, setup, teardown),
		cmocka_unit_test_setup_teardown(arranged_again, setup, teardown),
		cmocka_unit_test_setup_teardown(ranges_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(errors_keep_what_was, setup, teardown),
		cmocka_unit_test_setup_teardown(names_are_searched, setup, teardown),
		cmocka_unit_test_setup_teardown(gone_file, setup, teardown),
		cmocka_unit_test_setup_teardown(path_bytes, setup, teardown),
		cmocka_unit_test(cells),
		cmocka_unit_test(sums),
		cmocka_unit_test(offsets_are_exact),
		cmocka_unit_test(harmless_text),
		cmocka_unit_test(utf8),
		cmocka_unit_test(fitted_text),
		cmocka_unit_test(bars),
		cmocka_unit_test(column_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
