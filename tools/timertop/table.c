// SPDX-License-Identifier: GPL-2.0
/* The table and the JSON of one interval. */
#include <errno.h>
#include <libsmartcols.h>
#include <stdlib.h>
#include <string.h>

#include "timertop.h"

static struct libscols_column *add_column(struct libscols_table *tb, const char *name, int flags,
					  int json_type)
{
	struct libscols_column *cl = scols_table_new_column(tb, name, 0, flags);

	return cl && !scols_column_set_json_type(cl, json_type) ? cl : NULL;
}

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

static int add_row(struct libscols_table *tb, const struct account *acc, const struct owner *o,
		   bool json)
{
	struct libscols_line *ln = scols_table_new_line(tb, NULL);
	size_t count = json ? NR_COLUMNS : NR_SHOWN_COLUMNS;
	int rc = ln ? 0 : -ENOMEM;

	for (size_t i = 0; i < count && !rc; i++) {
		char cell[CELL_SIZE];

		report_cell(cell, i, acc, o, json);
		rc = scols_line_set_data(ln, i, *cell ? cell : NULL);
	}
	return rc;
}

static struct libscols_table *timers(const struct account *acc, enum sort sort, bool json)
{
	const struct owner *rows[MAX_OWNERS + 1];
	size_t count = report_rows(acc, rows, sort);
	struct libscols_table *tb = new_table("timers", json);

	if (!tb)
		return NULL;
	for (size_t i = 0; i < (json ? NR_COLUMNS : NR_SHOWN_COLUMNS); i++) {
		const struct column *c = &columns[i];
		int flags = i == COL_OWNER ? SCOLS_FL_TRUNC : c->is_text ? 0 : SCOLS_FL_RIGHT;

		/* What is no string is printed as it is: numbers, true, false and null. */
		if (!add_column(tb, json ? c->json : c->heading, flags,
				c->is_text ? SCOLS_JSON_STRING : SCOLS_JSON_NUMBER))
			goto fail;
	}
	for (size_t i = 0; i < count; i++)
		if (add_row(tb, acc, rows[i], json))
			goto fail;
	return tb;

fail:
	scols_unref_table(tb);
	return NULL;
}

static struct libscols_table *summary(const struct account *acc)
{
	double seconds = (acc->end - acc->begin) / 1e9;
	const struct {
		const char *name;
		double value;
		int decimals;
	} cells[] = {
		{ "seconds", seconds, 6 },
		{ "cpus", account_cpus(acc), 0 },
		{ "events", acc->events, 0 },
		{ "idle_wakeups", acc->idle_ends, 0 },
		{ "idle_wakeups_per_second", seconds > 0 ? acc->idle_ends / seconds : 0, 3 },
		{ "lost_events", acc->lost, 0 },
		{ "gaps", acc->gaps, 0 },
		{ "malformed_lines", acc->malformed, 0 },
	};
	struct libscols_table *tb = new_table("summary", true);
	struct libscols_line *ln;
	char text[CELL_SIZE];

	if (!tb)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(cells); i++)
		if (!add_column(tb, cells[i].name, 0, SCOLS_JSON_NUMBER))
			goto fail;
	ln = scols_table_new_line(tb, NULL);
	for (size_t i = 0; ln && i < ARRAY_SIZE(cells); i++) {
		snprintf(text, sizeof(text), "%.*f", cells[i].decimals, cells[i].value);
		if (scols_line_set_data(ln, i, text))
			goto fail;
	}
	if (ln)
		return tb;
fail:
	scols_unref_table(tb);
	return NULL;
}

/* libsmartcols prints one table a document; this makes one document of two. */
static int print_json(struct libscols_table *first, struct libscols_table *second)
{
	char *a = NULL, *b = NULL, *end;
	int ret = -1;

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

static void print_notes(const struct account *acc)
{
	char text[160];

	report_summary(text, sizeof(text), acc);
	printf("\n%s\n", text);
	for (unsigned int i = 0; report_warning(text, sizeof(text), acc, i); i++)
		if (*text)
			printf("%s\n", text);
}

/**
 * print_table - print what happened in the interval
 * @acc: the figures
 * @sort: order of the rows
 * @json: for programs instead of people
 *
 * Return: 0, or -1 if not everything could be written.
 */
int print_table(const struct account *acc, enum sort sort, bool json)
{
	struct libscols_table *tb = timers(acc, sort, json), *sum = NULL;
	int ret = -1;

	if (!tb)
		return -1;
	if (json) {
		sum = summary(acc);
		if (!sum || print_json(sum, tb))
			goto out;
	} else {
		if (scols_print_table(tb))
			goto out;
		print_notes(acc);
	}
	ret = fflush(stdout) || ferror(stdout) ? -1 : 0;
out:
	scols_unref_table(sum);
	scols_unref_table(tb);
	return ret;
}
