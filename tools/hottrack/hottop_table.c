// SPDX-License-Identifier: GPL-2.0
/* The table and the JSON of one moment. */
#include <errno.h>
#include <libsmartcols.h>
#include <stdlib.h>
#include <string.h>

#include "hottop.h"

static struct libscols_table *new_table(const char *name, bool json)
{
	struct libscols_table *tb = scols_new_table();

	if (!tb)
		return NULL;
	scols_table_enable_json(tb, json);
	if (!scols_table_set_name(tb, name))
		return tb;
	scols_unref_table(tb);
	return NULL;
}

static int add_column(struct libscols_table *tb, const char *name, int flags, int json_type)
{
	struct libscols_column *cl = scols_table_new_column(tb, name, 0, flags);

	return cl ? scols_column_set_json_type(cl, json_type) : -ENOMEM;
}

static int add_rows(struct libscols_table *tb, const struct snapshot *s, bool json,
		    const enum column_id *ids, size_t nr_ids)
{
	const char *(*cell)(char text[CELL_SIZE], enum column_id id, const struct row *row,
			    const struct snapshot *s) = json ? row_json : row_cell;
	int rc = 0;

	for (size_t i = 0; i < s->count && !rc; i++) {
		struct libscols_line *ln = scols_table_new_line(tb, NULL);

		rc = ln ? 0 : -ENOMEM;
		for (size_t j = 0; j < nr_ids && !rc; j++) {
			char text[CELL_SIZE];

			rc = scols_line_set_data(ln, j, cell(text, ids[j], &s->rows[i], s));
		}
	}
	return rc;
}

static int finish(int rc)
{
	if (rc)
		errno = -rc;
	return rc || fflush(stdout) || ferror(stdout) ? -1 : 0;
}

/**
 * print_table - print the rows for people
 * @s: the rows, whose names are known
 * @set: what columns
 *
 * Return: 0, or -1 if not everything could be written.
 */
int print_table(const struct snapshot *s, const struct settings *set)
{
	struct libscols_table *tb = new_table("hottop", false);
	enum column_id ids[NR_SHOWN_COLUMNS];
	size_t nr = set->nr_columns;
	char text[512];
	int rc = tb ? 0 : -ENOMEM;

	if (nr)
		memcpy(ids, set->columns, nr * sizeof(*ids));
	else
		nr = usual_columns(ids, s->ranges);
	for (size_t i = 0; i < nr && !rc; i++)
		rc = add_column(tb, columns[ids[i]].heading,
				columns[ids[i]].is_text ? 0 : SCOLS_FL_RIGHT, SCOLS_JSON_STRING);
	if (!rc)
		rc = add_rows(tb, s, false, ids, nr);
	if (!rc)
		rc = scols_print_table(tb);
	scols_unref_table(tb);
	if (!rc) {
		summary_settings(text, sizeof(text), s, set);
		printf("%s%s\n", s->count ? "\n" : "", text);
		summary_counts(text, sizeof(text), s);
		puts(text);
	}
	return finish(rc);
}

static struct libscols_table *json_rows(const struct snapshot *s)
{
	struct libscols_table *tb = new_table(s->ranges ? "ranges" : "files", true);
	enum column_id ids[NR_COLUMNS];
	size_t nr = 0;
	int rc = tb ? 0 : -ENOMEM;

	for (size_t i = 0; i < NR_COLUMNS && !rc; i++) {
		if (!columns[i].json)
			continue;
		ids[nr++] = i;
		/* What is no string is printed as it is: numbers, true, false and null. */
		rc = add_column(tb, columns[i].json, 0,
				columns[i].is_text ? SCOLS_JSON_STRING : SCOLS_JSON_NUMBER);
	}
	if (!rc)
		rc = add_rows(tb, s, true, ids, nr);
	if (!rc)
		return tb;
	scols_unref_table(tb);
	return NULL;
}

static struct libscols_table *json_summary(const struct snapshot *s, const struct settings *set)
{
	const struct hot_ctl *c = &s->ctl;
	const struct {
		const char *name;
		__u64 value;
	} numbers[] = {
		{ "half_life_ms", c->half_life_ms },
		{ "range_length", 1ULL << (c->range_shift & 63) },
		{ "requests", c->requests },
		{ "items", c->items },
		{ "item_bytes", c->item_bytes },
		{ "max_item_bytes", c->max_item_bytes },
		{ "ranges", c->ranges },
		{ "range_slots", c->range_slots },
		{ "range_bytes", c->range_bytes },
		{ "max_range_bytes", c->max_range_bytes },
		{ "evicted_items", c->evicted_items },
		{ "evicted_ranges", c->evicted_ranges },
		{ "dropped", c->dropped },
		{ "scanned", s->list ? s->list->scanned : 0 },
	};
	const char *mount_point = set->mount_point, *sort = sort_names[set->sort];
	struct libscols_table *tb = new_table("summary", true);
	struct libscols_line *ln;
	char text[CELL_SIZE];
	int rc = tb ? 0 : -ENOMEM;

	if (!rc)
		rc = add_column(tb, "mount_point", 0, SCOLS_JSON_STRING);
	if (!rc)
		rc = add_column(tb, "sort", 0, SCOLS_JSON_STRING);
	for (size_t i = 0; i < ARRAY_SIZE(numbers) && !rc; i++)
		rc = add_column(tb, numbers[i].name, 0, SCOLS_JSON_NUMBER);
	ln = rc ? NULL : scols_table_new_line(tb, NULL);
	if (!ln || scols_line_set_data(ln, 0, mount_point) || scols_line_set_data(ln, 1, sort))
		goto fail;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		snprintf(text, sizeof(text), "%llu", numbers[i].value);
		if (scols_line_set_data(ln, 2 + i, text))
			goto fail;
	}
	return tb;
fail:
	scols_unref_table(tb);
	return NULL;
}

/* libsmartcols prints one table a document; this makes one document of two. */
static int print_both(struct libscols_table *first, struct libscols_table *second)
{
	char *a = NULL, *b = NULL, *end;
	int ret = -EINVAL;

	if (scols_print_table_to_string(first, &a) || scols_print_table_to_string(second, &b))
		goto out;
	end = strrchr(a, '}');
	if (!end || *b != '{')
		goto out;
	while (end > a && strchr("\n ", end[-1]))
		end--;
	*end = '\0';
	printf("%s,%s", a, b + 1);
	if (b[strlen(b) - 1] != '\n')
		putchar('\n');
	ret = 0;
out:
	free(a);
	free(b);
	return ret;
}

/**
 * print_json - print the rows for programs
 * @s: the rows, whose names are known
 * @set: what the sums are of
 *
 * Return: 0, or -1 if not everything could be written.
 */
int print_json(const struct snapshot *s, const struct settings *set)
{
	struct libscols_table *sum = json_summary(s, set), *rows = json_rows(s);
	int rc = sum && rows ? print_both(sum, rows) : -ENOMEM;

	scols_unref_table(sum);
	scols_unref_table(rows);
	return finish(rc);
}
