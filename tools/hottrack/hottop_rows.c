// SPDX-License-Identifier: GPL-2.0
/* What the kernel says of the hottest files or ranges: names, order, filter. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hottop.h"

const char * const sort_names[NR_SORTS] = {
	[SORT_TOTAL] = "total",
	[SORT_READS] = "reads",
	[SORT_WRITES] = "writes",
	[SORT_BYTES] = "bytes",
	[SORT_AGE] = "age",
};

__u64 record_heat(const struct hot_record *r)
{
	return (__u64)r->reads + r->writes;
}

static int descending(__u64 a, __u64 b)
{
	return (a < b) - (a > b);
}

static int compare_handles(const struct hot_record *x, const struct hot_record *y)
{
	if (x->handle_bytes != y->handle_bytes)
		return x->handle_bytes < y->handle_bytes ? -1 : 1;
	return memcmp(x->handle, y->handle, x->handle_bytes);
}

static int compare(const void *a, const void *b, void *arg)
{
	const struct hot_record *x = ((const struct row *)a)->record;
	const struct hot_record *y = ((const struct row *)b)->record;
	int order = 0;

	switch (*(const enum sort *)arg) {
	case SORT_READS:
		order = descending(x->reads, y->reads);
		break;
	case SORT_WRITES:
		order = descending(x->writes, y->writes);
		break;
	case SORT_BYTES:
		order = descending(x->bytes_read + x->bytes_written,
				   y->bytes_read + y->bytes_written);
		break;
	case SORT_AGE:
		/* What was used last comes first. */
		order = descending(y->age_ms, x->age_ms);
		break;
	default:
		break;
	}
	if (!order)
		order = descending(record_heat(x), record_heat(y));
	/* Rows that are equal do not change places. */
	if (!order)
		order = compare_handles(x, y);
	return order ? order : descending(y->offset, x->offset);
}

static void forget_name(struct row *row)
{
	free(row->file.path);
	free(row->name);
	free(row->path);
	free(row->path_hex);
	row->file = (struct hottrack_file){ 0 };
	row->name = NULL;
	row->path = NULL;
	row->path_hex = NULL;
}

/* So that what a search found is seen. */
void snapshot_forget_names(struct snapshot *s)
{
	for (size_t i = 0; i < s->count; i++)
		forget_name(&s->rows[i]);
}

/* Return: text to be freed, or NULL without memory. */
static char *name_of(const struct row *row)
{
	const struct hot_record *r = row->record;
	char *described = hottrack_describe(&row->file), *name = NULL, *hex = NULL;

	if (!described)
		return NULL;
	name = text_shown(described);
	free(described);
	if (!name || row->file.path || row->file.inode)
		return name;
	/* Otherwise files of which nothing else is known would all look the same. */
	described = name;
	hex = text_hex(r->handle, r->handle_bytes);
	if (!hex || asprintf(&name, "%s %d:%s", described, r->handle_type, hex) < 0)
		name = NULL;
	free(hex);
	free(described);
	return name;
}

/**
 * row_resolve - find out the name of a row's file, if that was not done
 *
 * Return: 0 or a negative errno.
 */
int row_resolve(struct row *row, struct hottrack *ht)
{
	int ret;

	if (row->name)
		return 0;
	ret = hottrack_resolve(ht, row->record, &row->file);
	if (ret)
		return ret;
	row->name = name_of(row);
	ret = row->name ? 0 : -ENOMEM;
	if (row->file.path && !ret) {
		row->path = text_as_utf8(row->file.path);
		if (!text_is_utf8(row->file.path))
			row->path_hex = text_hex(row->file.path, strlen(row->file.path));
		if (!row->path)
			ret = -ENOMEM;
	}
	if (ret)
		forget_name(row);
	return ret;
}

/* Return: 1 if it is to be shown, 0 if not, or a negative errno. */
static int passes(struct row *row, const struct settings *set)
{
	int ret;

	if (record_heat(row->record) < set->min_heat)
		return 0;
	if (!*set->filter)
		return 1;
	ret = row_resolve(row, set->ht);
	return ret ? ret : !!strstr(row->name, set->filter);
}

/**
 * snapshot_arrange - sort and filter what was read
 *
 * Names are looked up only as far as the filter wants them, row_resolve() does the others.
 *
 * Return: 0 or a negative errno, and there are no rows.
 */
int snapshot_arrange(struct snapshot *s, const struct settings *set)
{
	struct row *rows;
	size_t count = s->list ? s->list->count : 0, kept = 0;
	enum sort sort = set->sort;
	int ret = 0;

	snapshot_forget_names(s);
	free(s->rows);
	s->rows = NULL;
	s->count = 0;
	s->hottest = 0;
	if (!count)
		return 0;
	rows = calloc(count, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		rows[i].record = s->list->records[i];
	qsort_r(rows, count, sizeof(*rows), compare, &sort);
	for (size_t i = 0; i < count && kept < set->limit; i++) {
		ret = passes(&rows[i], set);
		if (ret < 0)
			break;
		if (!ret) {
			forget_name(&rows[i]);
			continue;
		}
		if (kept != i) {
			rows[kept] = rows[i];
			memset(&rows[i], 0, sizeof(rows[i]));
		}
		if (record_heat(rows[kept].record) > s->hottest)
			s->hottest = record_heat(rows[kept].record);
		kept++;
	}
	s->rows = rows;
	s->count = kept;
	if (ret < 0) {
		snapshot_forget_names(s);
		s->count = 0;
		return ret;
	}
	return 0;
}

/* The kernel sorts by heat only, and knows no names. */
static unsigned int records_wanted(const struct settings *set)
{
	bool all = *set->filter || set->sort == SORT_BYTES || set->sort == SORT_AGE;

	return all ? HOT_COUNT_MAX : set->limit;
}

/**
 * snapshot_read - ask the kernel
 * @s: replaced, or what it was if there is an error
 * @set: what to ask for
 *
 * Return: 0 or a negative errno.
 */
int snapshot_read(struct snapshot *s, const struct settings *set)
{
	unsigned int flags = (set->ranges ? HOT_OF_RANGES : 0) |
			     (set->sort == SORT_READS ? HOT_BY_READS : 0) |
			     (set->sort == SORT_WRITES ? HOT_BY_WRITES : 0);
	struct hottrack_list *list;
	struct hot_ctl ctl;
	int ret;

	ret = hottrack_get(set->ht, &ctl);
	if (!ret && !(ctl.state & HOT_STATE_ON))
		ret = -ENODATA;
	if (!ret)
		ret = hottrack_top(set->ht, flags, records_wanted(set), &list);
	if (ret)
		return ret;
	snapshot_free(s);
	s->ctl = ctl;
	s->list = list;
	s->ranges = set->ranges;
	return snapshot_arrange(s, set);
}

void snapshot_free(struct snapshot *s)
{
	snapshot_forget_names(s);
	free(s->rows);
	free(s->list);
	*s = (struct snapshot){ 0 };
}
