// SPDX-License-Identifier: GPL-2.0
/*
 * Records with random heat of files with hostile names, as a table and as JSON. The memory
 * checkers that this is built with end the test at the first wrong access; what is printed must be
 * plain text, and valid JSON to another program. The same seed gives the same records.
 * Usage: hottop_fuzz_test [SEED]
 */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "hottop.h"

#define ROUNDS 300
#define MAX_RECORDS 40
#define NAME_BYTES 300

static __u64 random_state = 88172645463325252ULL;

static __u64 next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	return random_state ^= random_state << 17;
}

/* Small, large or anything, so that the ends of the scales occur. */
static __u64 random_number(void)
{
	__u64 value = next_random();

	switch (next_random() % 4) {
	case 0:
		return value % 1000;
	case 1:
		return ~0ULL - value % 3;
	default:
		return value >> (value % 64);
	}
}

/* Pieces that mean something to terminals, to JSON or to UTF-8, whole and cut off. */
static char *random_name(void)
{
	static const char * const pieces[] = {
		"/", "a", " ", "\"", "\\", "\n", "\t", "\033[2J", "\033]0;x\a", "\x7f", "%s%n",
		"\xc2\x9b", "\xe2\x80\xae", "\xe2\x80\xa8", "\xc3\xa4", "\xe6\x96\x87", "\xf0\x9f",
		"\xed\xa0\x80", "\xff", "\xc0\xaf", "}],", "\",\"", " (deleted)", "\xcc\x81",
		"\xf4\x90", "\b\b",
	};
	size_t wanted = next_random() % NAME_BYTES, len = 1;
	char *name = malloc(NAME_BYTES + 16);

	assert_non_null(name);
	name[0] = '/';
	name[1] = '\0';
	while (len < wanted) {
		if (next_random() % 8)
			len += sprintf(name + len, "%s",
				       pieces[next_random() % ARRAY_SIZE(pieces)]);
		else
			len += sprintf(name + len, "%c", (int)(next_random() % 255 + 1));
	}
	return name;
}

int __wrap_hottrack_resolve(struct hottrack *ht, const struct hot_record *record,
			    struct hottrack_file *file);

int __wrap_hottrack_resolve(struct hottrack *ht, const struct hot_record *record,
			    struct hottrack_file *file)
{
	(void)ht;
	(void)record;
	file->known = next_random() % (HOTTRACK_DENIED + 1);
	file->inode = file->known <= HOTTRACK_DELETED ? random_number() : 0;
	file->path = file->known == HOTTRACK_NAMED || (file->known == HOTTRACK_DELETED &&
						       next_random() % 2) ? random_name() : NULL;
	return 0;
}

/* Each record in memory of its own, just as long as it is, so that reading past it is noticed. */
static struct hot_record *random_record(bool ranges)
{
	unsigned int bytes = next_random() % (HOT_HANDLE_MAX + 1);
	size_t size = (sizeof(struct hot_record) + bytes + 7) & ~7ULL;
	struct hot_record *r = malloc(sizeof(*r) + bytes);

	assert_non_null(r);
	*r = (struct hot_record){
		.size = size,
		.flags = next_random() % 8 | (ranges ? HOT_RECORD_RANGE : 0),
		.offset = random_number(),
		.length = random_number(),
		.reads = random_number(),
		.writes = random_number(),
		.bytes_read = random_number(),
		.bytes_written = random_number(),
		.age_ms = random_number(),
		.handle_bytes = bytes,
		.handle_type = random_number(),
	};
	for (unsigned int i = 0; i < bytes; i++)
		r->handle[i] = next_random();
	return r;
}

static void random_snapshot(struct snapshot *s, struct settings *set)
{
	size_t count = next_random() % MAX_RECORDS;

	*s = (struct snapshot){ .ranges = next_random() % 2 };
	s->list = calloc(1, sizeof(*s->list) + count * sizeof(s->list->records[0]));
	assert_non_null(s->list);
	s->list->count = count;
	for (size_t i = 0; i < count; i++)
		s->list->records[i] = random_record(s->ranges);
	s->ctl.half_life_ms = next_random() % 4 ? random_number() : 0;
	s->ctl.range_shift = random_number();
	s->ctl.items = random_number();
	s->ctl.item_bytes = random_number();
	s->ctl.max_item_bytes = random_number();
	s->ctl.dropped = random_number();
	set->sort = next_random() % NR_SORTS;
	set->limit = next_random() % MAX_RECORDS + 1;
	snprintf(set->filter, sizeof(set->filter), "%s", next_random() % 2 ? "" : "a");
	assert_int_equal(snapshot_arrange(s, set), 0);
	assert_true(s->count <= set->limit && s->count <= count);
	for (size_t i = 0; i < s->count; i++)
		assert_int_equal(row_resolve(&s->rows[i], NULL), 0);
}

static void free_snapshot(struct snapshot *s)
{
	for (size_t i = 0; i < s->list->count; i++)
		free((void *)s->list->records[i]);
	snapshot_free(s);
}

/* As much text as the live view would put there, in lines of any width. */
static void check_cells(const struct snapshot *s)
{
	for (size_t i = 0; i < s->count; i++) {
		for (size_t c = 0; c < NR_SHOWN_COLUMNS; c++) {
			char cell[CELL_SIZE], line[256];
			int width = next_random() % 100;
			const char *text = row_cell(cell, c, &s->rows[i], s);

			assert_true(*text || c == COL_BAR || c == COL_HANDLE);
			text_fit(line, sizeof(line), text, width, next_random() % 2);
			assert_true(text_is_utf8(line));
			assert_true(text_width(line) <= width);
		}
	}
}

static void check_table(const char *text, size_t size)
{
	assert_int_equal(strlen(text), size);
	assert_true(text_is_utf8(text));
	for (; *text; text++)
		assert_true((*text & 0xe0) || *text == '\n');
	/* What is left of a right-to-left override or a C1 control would be these bytes. */
	assert_null(strstr(text, "\xe2\x80\xae"));
	assert_null(strstr(text, "\xc2\x9b"));
}

/* What print_table() or print_json() prints, to be freed. */
static char *printed(int (*print)(const struct snapshot *s, const struct settings *set),
		     const struct snapshot *s, const struct settings *set, size_t *size)
{
	FILE *out, *console = stdout;
	char *text;
	int ret;

	out = open_memstream(&text, size);
	assert_non_null(out);
	stdout = out;
	ret = print(s, set);
	stdout = console;
	fclose(out);
	assert_int_equal(ret, 0);
	return text;
}

static void hostile_records(void **state)
{
	struct settings set = { .mount_point = (char *)"/srv/\xc3\xa4 \"b\"" };
	FILE *json;

	(void)state;
	assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
	/* All documents together, so that the other program starts once. */
	json = popen("python3 -m json.tool >/dev/null", "w");
	assert_non_null(json);
	for (int round = 0; round < ROUNDS; round++) {
		struct snapshot s;
		char *text;
		size_t size;

		random_snapshot(&s, &set);
		check_cells(&s);
		text = printed(print_table, &s, &set, &size);
		check_table(text, size);
		free(text);
		text = printed(print_json, &s, &set, &size);
		assert_true(text_is_utf8(text));
		fprintf(json, "%s%s", round ? "," : "[", text);
		free(text);
		free_snapshot(&s);
	}
	fprintf(json, "]");
	assert_int_equal(pclose(json), 0);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(hostile_records),
	};

	if (argc > 1)
		random_state = strtoull(argv[1], NULL, 0) | 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
