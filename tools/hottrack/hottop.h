/* SPDX-License-Identifier: GPL-2.0 */
#ifndef HOTTOP_H
#define HOTTOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "hottrack.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Exit codes, as hottop(8) lists them. */
enum {
	EXIT_DONE = 0,
	EXIT_USAGE = 2,
	EXIT_NOT_WRITTEN = 3,
	EXIT_NO_INPUT = 4,
	EXIT_NO_TRACKING = 5,
	EXIT_NO_TERMINAL = 6,
	EXIT_OFF = 7,
	EXIT_DENIED = 8,
};

enum sort { SORT_TOTAL, SORT_READS, SORT_WRITES, SORT_BYTES, SORT_AGE, NR_SORTS };

/* In the order of the table, then what only JSON has. */
enum column_id {
	COL_HEAT,
	COL_BAR,
	COL_READS,
	COL_WRITES,
	COL_RATE,
	COL_BYTES_READ,
	COL_BYTES_WRITTEN,
	COL_AGE,
	COL_OFFSET,
	COL_LENGTH,
	COL_INODE,
	COL_HANDLE,
	COL_NAME,
	NR_SHOWN_COLUMNS,
	COL_HANDLE_TYPE = NR_SHOWN_COLUMNS,
	COL_KNOWN,
	COL_VOLATILE,
	COL_OPENABLE,
	COL_PATH,
	COL_PATH_HEX,
	NR_COLUMNS,
};

/**
 * struct settings - what is shown of which filesystem, and how
 * @ht: the filesystem
 * @mount_point: where it is mounted, as it is shown
 * @ranges: ranges, not files
 * @sort: order of the rows
 * @filter: only names with this text in them, as they are shown; "" for all
 * @min_heat: only what is at least that hot, in 1/HOT_ONE requests
 * @limit: most rows
 * @interval: seconds between two updates
 * @search: look for the names that the kernel does not know
 * @columns: what is shown, in this order
 * @nr_columns: 0: the usual ones
 */
struct settings {
	struct hottrack *ht;
	char *mount_point;
	bool ranges;
	enum sort sort;
	char filter[128];
	__u64 min_heat;
	unsigned int limit;
	unsigned int interval;
	bool search;
	enum column_id columns[NR_SHOWN_COLUMNS];
	size_t nr_columns;
};

/* hottop_rows.c: what the kernel said, in order */

/**
 * struct row - a file or a range
 * @record: what the kernel said
 * @file: what is known of the file
 * @name: as it is shown; NULL before row_resolve()
 * @path: of @file as UTF-8, with U+FFFD for what is none; NULL if there is no path
 * @path_hex: the bytes of the path if @path is not all of the truth, else NULL
 */
struct row {
	const struct hot_record *record;
	struct hottrack_file file;
	char *name;
	char *path;
	char *path_hex;
};

/**
 * struct snapshot - what the kernel said at one time
 * @ctl: state and counters of the filesystem
 * @list: the records; NULL at first
 * @ranges: they are of ranges
 * @rows: those that are shown, in order
 * @count: of @rows
 * @hottest: largest heat of @rows
 */
struct snapshot {
	struct hot_ctl ctl;
	struct hottrack_list *list;
	bool ranges;
	struct row *rows;
	size_t count;
	__u64 hottest;
};

extern const char * const sort_names[NR_SORTS];

__u64 record_heat(const struct hot_record *r);
int snapshot_read(struct snapshot *s, const struct settings *set);
int snapshot_arrange(struct snapshot *s, const struct settings *set);
void snapshot_forget_names(struct snapshot *s);
void snapshot_free(struct snapshot *s);
int row_resolve(struct row *row, struct hottrack *ht);

/* hottop_columns.c: rows and sums as text */
#define CELL_SIZE 96

/**
 * struct column - one column of the table, the live view and JSON
 * @heading: of the table
 * @json: the name in JSON; names are never changed, only added. NULL: not in JSON
 * @width: in the live view, at least; 0: what is left
 * @is_text: to the left in tables, a string in JSON
 */
struct column {
	const char *heading;
	const char *json;
	int width;
	bool is_text;
};

extern const struct column columns[NR_COLUMNS];

bool column_named(const char *name, enum column_id *id);
size_t usual_columns(enum column_id *ids, bool ranges);
const char *row_cell(char text[CELL_SIZE], enum column_id id, const struct row *row,
		     const struct snapshot *s);
const char *row_json(char text[CELL_SIZE], enum column_id id, const struct row *row,
		     const struct snapshot *s);
void summary_settings(char *text, size_t size, const struct snapshot *s,
		      const struct settings *set);
void summary_counts(char *text, size_t size, const struct snapshot *s);

/* hottop_text.c: names that do no harm on a terminal or in JSON */
bool text_is_utf8(const char *s);
char *text_shown(const char *s);
char *text_as_utf8(const char *s);
char *text_hex(const void *bytes, size_t count);
int text_width(const char *s);
void text_fit(char *out, size_t size, const char *s, int width, bool keep_end);
void text_bar(char *out, __u64 value, __u64 max);

/* A full bar takes as many columns; three bytes each, and the end. */
#define BAR_WIDTH 8
#define BAR_SIZE (3 * BAR_WIDTH + 1)

/* hottop_table.c */
int print_table(const struct snapshot *s, const struct settings *set);
int print_json(const struct snapshot *s, const struct settings *set);

/* hottop_wait.c: sleep until a time, a key or a signal */
void signals_catch(void);
bool signals_seen(void);
bool wait_until(__u64 ns, int fd);
__u64 now_ns(void);

/* hottop_live.c */
int live_view(struct settings *set);

/* hottop.c */
int report_error(int err, const struct settings *set);

#endif
