/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TIMERTOP_H
#define TIMERTOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "account.h"

/* Exit codes, as timertop(8) lists them. */
enum {
	EXIT_DONE = 0,
	EXIT_USAGE = 2,
	EXIT_NOT_WRITTEN = 3,
	EXIT_NO_INPUT = 4,
	EXIT_NO_TRACING = 5,
	EXIT_NO_TERMINAL = 6,
};

/* report.c: rows in order, cells as text */
enum sort { SORT_WAKEUPS, SORT_EXPIRED, SORT_SCORE, SORT_PERIOD, SORT_OWNER, NR_SORTS };

#define CELL_SIZE 40

/* In the order of the table, then what only JSON has. */
enum column_id {
	COL_SCORE,
	COL_WAKEUP_RATE,
	COL_EXPIRY_RATE,
	COL_PERIOD,
	COL_JITTER,
	COL_SLACK,
	COL_DEFERRABLE,
	COL_KIND,
	COL_PID,
	COL_OWNER,
	NR_SHOWN_COLUMNS,
	COL_COMM = NR_SHOWN_COLUMNS,
	COL_FUNCTION,
	COL_WOKEN_PID,
	COL_WOKEN_COMM,
	COL_WAKEUPS,
	COL_EXPIRATIONS,
	COL_CANCELLATIONS,
	NR_COLUMNS,
};

/**
 * struct column - one column of the table, the live view and JSON
 * @heading: of the table
 * @json: the name in JSON; names are never changed, only added
 * @width: in the live view
 * @is_text: to the left in tables, a string in JSON
 */
struct column {
	const char *heading;
	const char *json;
	int width;
	bool is_text;
};

extern const struct column columns[NR_COLUMNS];
extern const char * const sort_names[NR_SORTS];

void report_cell(char *text, enum column_id col, const struct account *acc,
		 const struct owner *o, bool json);
size_t report_rows(const struct account *acc, const struct owner **rows, enum sort sort);
void report_summary(char *text, size_t size, const struct account *acc);
bool report_warning(char *text, size_t size, const struct account *acc, unsigned int nr);

/* table.c */
int print_table(const struct account *acc, enum sort sort, bool json);

/* session.c: lines from the kernel or from a recording, perhaps to another recording */
struct source;

struct session {
	struct account *acc;
	struct source *source;		/* NULL for a replay */
	int fd;
	const char *replay;		/* the name of the file that fd reads */
	FILE *record;
	const char *record_name;
	bool at_end;
	size_t len;			/* bytes in buf */
	bool skipping;			/* the rest of a line that was too long */
	char buf[65536];
};

int session_open_replay(struct session *s, const char *name);
int session_open_record(struct session *s, const char *name);
int session_read(struct session *s, __u64 until);
int session_mark(struct session *s);
int session_close_record(struct session *s);
int session_check_replay(const struct session *s);

/* source.c: the kernel's tracing, in an instance of its own */
struct source *source_check(void);
int source_start(struct source *src, unsigned int buffer_kb);
void source_pause(struct source *src);
void source_stop(struct source *src);

/* wait.c: sleep until a time, a key or a signal */
void signals_catch(void);
bool signals_seen(void);
bool wait_until(__u64 ns, int fd);
__u64 now_ns(void);

/* live.c */
int live_view(struct session *s, unsigned int interval, enum sort sort);

#endif
