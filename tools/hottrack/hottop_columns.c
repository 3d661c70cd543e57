// SPDX-License-Identifier: GPL-2.0
/* What the table, the live view and JSON have in common: columns, cells, sums. */
#include <string.h>
#include <strings.h>

#include "hottop.h"
#include "libunits.h"

const struct column columns[NR_COLUMNS] = {
	[COL_HEAT] = { "HEAT", "heat", 6 },
	[COL_BAR] = { "BAR", NULL, BAR_WIDTH, .is_text = true },
	[COL_READS] = { "READS", "reads", 6 },
	[COL_WRITES] = { "WRITES", "writes", 6 },
	[COL_RATE] = { "REQ/S", "requests_per_second", 6 },
	[COL_BYTES_READ] = { "READ", "bytes_read", 5 },
	[COL_BYTES_WRITTEN] = { "WRITTEN", "bytes_written", 7 },
	[COL_AGE] = { "AGE", "age_ms", 4 },
	[COL_OFFSET] = { "OFFSET", "offset", 6 },
	[COL_LENGTH] = { "LENGTH", "length", 6 },
	[COL_INODE] = { "INODE", "inode", 10 },
	[COL_HANDLE] = { "HANDLE", "handle", 24, .is_text = true },
	[COL_NAME] = { "NAME", "name", .is_text = true },
	[COL_HANDLE_TYPE] = { NULL, "handle_type" },
	[COL_KNOWN] = { NULL, "known", .is_text = true },
	[COL_VOLATILE] = { NULL, "volatile" },
	[COL_OPENABLE] = { NULL, "openable" },
	[COL_PATH] = { NULL, "path", .is_text = true },
	[COL_PATH_HEX] = { NULL, "path_hex", .is_text = true },
};

static const char * const known_names[] = {
	[HOTTRACK_NAMED] = "named",
	[HOTTRACK_NAMELESS] = "nameless",
	[HOTTRACK_DELETED] = "deleted",
	[HOTTRACK_GONE] = "gone",
	[HOTTRACK_UNOPENABLE] = "unopenable",
	[HOTTRACK_DENIED] = "denied",
};

bool column_named(const char *name, enum column_id *id)
{
	for (size_t i = 0; i < NR_SHOWN_COLUMNS; i++) {
		if (strcasecmp(name, columns[i].heading))
			continue;
		*id = i;
		return true;
	}
	return false;
}

/* Fill in the columns that are shown unless others are asked for. Return: how many. */
size_t usual_columns(enum column_id *ids, bool ranges)
{
	static const enum column_id of_files[] = {
		COL_HEAT, COL_BAR, COL_READS, COL_WRITES, COL_BYTES_READ, COL_BYTES_WRITTEN,
		COL_AGE, COL_NAME,
	};
	static const enum column_id of_ranges[] = {
		COL_HEAT, COL_BAR, COL_READS, COL_WRITES, COL_OFFSET, COL_AGE, COL_NAME,
	};

	if (ranges) {
		memcpy(ids, of_ranges, sizeof(of_ranges));
		return ARRAY_SIZE(of_ranges);
	}
	memcpy(ids, of_files, sizeof(of_files));
	return ARRAY_SIZE(of_files);
}

static void number_cell(char *text, double value)
{
	snprintf(text, CELL_SIZE, "%.*f", value < 100 ? 2 : value < 10000 ? 1 : 0, value);
}

/* Heat that has reached the end of its scale may be more. */
static void heat_cell(char *text, __u64 heat, bool at_limit)
{
	if (at_limit)
		*text++ = '>';
	number_cell(text, hottrack_requests(heat));
}

/* The age is known in steps of an eighth of the half-life. */
static void age_cell(char *text, __u64 age_ms, __u64 half_life_ms)
{
	static const struct {
		const char *unit;
		__u64 ms;
	} units[] = { { "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 } };
	__u64 step = half_life_ms / 8, ms = age_ms ? age_ms : step;
	size_t i = 0;

	/* 90 s and 36 h, not 1 m and 1 d. */
	while (i < ARRAY_SIZE(units) - 1 && ms < 2 * units[i].ms)
		i++;
	if (ms < 1000)
		snprintf(text, CELL_SIZE, "%s1s", age_ms ? "" : "<");
	else
		snprintf(text, CELL_SIZE, "%s%llu%s", age_ms ? "" : "<", ms / units[i].ms,
			 units[i].unit);
}

/* Ranges beside each other must not look the same. */
static void exact_cell(char *text, __u64 bytes)
{
	static const char units[][2] = { "", "K", "M", "G", "T", "P", "E" };
	size_t i = 0;

	for (; bytes && bytes % 1024 == 0; bytes /= 1024)
		i++;
	snprintf(text, CELL_SIZE, "%llu%s", bytes, units[i]);
}

static void hex_cell(char *text, const struct hot_record *r)
{
	for (unsigned int i = 0; i < r->handle_bytes && i < HOT_HANDLE_MAX; i++)
		text += sprintf(text, "%02x", r->handle[i]);
	*text = '\0';
}

static __u64 rate_of(const struct hot_record *r, const struct snapshot *s, double *rate)
{
	*rate = s->ctl.half_life_ms ? hottrack_rate(record_heat(r), s->ctl.half_life_ms) : 0;
	return s->ctl.half_life_ms;
}

/**
 * row_cell - a cell of the table or the live view
 * @text: room for it
 * @id: the column
 * @row: the row, whose name is known
 * @s: where the row is from
 *
 * Return: the text, in @text or the row's own; "-" if there is no value.
 */
const char *row_cell(char text[CELL_SIZE], enum column_id id, const struct row *row,
		     const struct snapshot *s)
{
	const struct hot_record *r = row->record;
	bool reads_full = r->reads == HOT_HEAT_MAX, writes_full = r->writes == HOT_HEAT_MAX;
	double rate;

	snprintf(text, CELL_SIZE, "-");
	switch (id) {
	case COL_HEAT:
		heat_cell(text, record_heat(r), reads_full || writes_full);
		break;
	case COL_BAR:
		text_bar(text, record_heat(r), s->hottest);
		break;
	case COL_READS:
		heat_cell(text, r->reads, reads_full);
		break;
	case COL_WRITES:
		heat_cell(text, r->writes, writes_full);
		break;
	case COL_RATE:
		if (rate_of(r, s, &rate))
			number_cell(text, rate);
		break;
	case COL_BYTES_READ:
		if (!s->ranges)
			bytes_text(text, r->bytes_read);
		break;
	case COL_BYTES_WRITTEN:
		if (!s->ranges)
			bytes_text(text, r->bytes_written);
		break;
	case COL_AGE:
		age_cell(text, r->age_ms, s->ctl.half_life_ms);
		break;
	case COL_OFFSET:
		if (s->ranges)
			exact_cell(text, r->offset);
		break;
	case COL_LENGTH:
		if (s->ranges)
			exact_cell(text, r->length);
		break;
	case COL_INODE:
		if (row->file.inode)
			snprintf(text, CELL_SIZE, "%llu", row->file.inode);
		break;
	case COL_HANDLE:
		hex_cell(text, r);
		break;
	case COL_NAME:
		return row->name ? row->name : text;
	default:
		break;
	}
	return text;
}

static void json_number(char *text, __u64 value)
{
	snprintf(text, CELL_SIZE, "%llu", value);
}

/* All of its fraction bits; what is a whole number is printed as one. */
static void json_heat(char *text, __u64 heat)
{
	snprintf(text, CELL_SIZE, "%.17g", hottrack_requests(heat));
}

/**
 * row_json - a value of JSON
 * @text: room for it
 * @id: the column
 * @row: the row, whose name is known
 * @s: where the row is from
 *
 * Return: the value, in @text or the row's own; NULL if there is none.
 */
const char *row_json(char text[CELL_SIZE], enum column_id id, const struct row *row,
		     const struct snapshot *s)
{
	const struct hot_record *r = row->record;
	double rate;

	switch (id) {
	case COL_HEAT:
		json_heat(text, record_heat(r));
		return text;
	case COL_READS:
		json_heat(text, r->reads);
		return text;
	case COL_WRITES:
		json_heat(text, r->writes);
		return text;
	case COL_RATE:
		if (!rate_of(r, s, &rate))
			return NULL;
		snprintf(text, CELL_SIZE, "%.9g", rate);
		return text;
	case COL_BYTES_READ:
	case COL_BYTES_WRITTEN:
		if (s->ranges)
			return NULL;
		json_number(text, id == COL_BYTES_READ ? r->bytes_read : r->bytes_written);
		return text;
	case COL_AGE:
		json_number(text, r->age_ms);
		return text;
	case COL_OFFSET:
	case COL_LENGTH:
		if (!s->ranges)
			return NULL;
		json_number(text, id == COL_OFFSET ? r->offset : r->length);
		return text;
	case COL_INODE:
		if (!row->file.inode)
			return NULL;
		json_number(text, row->file.inode);
		return text;
	case COL_HANDLE:
		hex_cell(text, r);
		return text;
	case COL_HANDLE_TYPE:
		snprintf(text, CELL_SIZE, "%d", r->handle_type);
		return text;
	case COL_KNOWN:
		return known_names[row->file.known];
	case COL_VOLATILE:
		return r->flags & HOT_VOLATILE ? "true" : "false";
	case COL_OPENABLE:
		return r->flags & HOT_NOT_OPENABLE ? "false" : "true";
	case COL_NAME:
		return row->name;
	case COL_PATH:
		return row->path;
	case COL_PATH_HEX:
		return row->path_hex;
	default:
		return NULL;
	}
}

/* What is looked at: the first of two lines of sums. */
void summary_settings(char *text, size_t size, const struct snapshot *s,
		      const struct settings *set)
{
	char half_life[UNITS_TEXT], range[UNITS_TEXT];

	snprintf(text, size, "%s: %s by %s, half-life %s, ranges of %s", set->mount_point,
		 s->ranges ? "ranges" : "files", sort_names[set->sort],
		 duration_text(half_life, s->ctl.half_life_ms),
		 bytes_text(range, 1ULL << (s->ctl.range_shift & 63)));
}

/* What the kernel has counted, and whether memory was short: the second line. */
void summary_counts(char *text, size_t size, const struct snapshot *s)
{
	const struct hot_ctl *c = &s->ctl;
	char used[UNITS_TEXT], limit[UNITS_TEXT], table[UNITS_TEXT], lost[128];

	snprintf(lost, sizeof(lost), "%llu dropped, %llu+%llu evicted", c->dropped,
		 c->evicted_items, c->evicted_ranges);
	snprintf(text, size, "%llu files (%s of %s), %llu of %llu ranges (%s), %s, %llu requests",
		 c->items, bytes_text(used, c->item_bytes), bytes_text(limit, c->max_item_bytes),
		 c->ranges, c->range_slots, bytes_text(table, c->range_bytes), lost, c->requests);
}
