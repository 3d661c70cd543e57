// SPDX-License-Identifier: GPL-2.0
/* What the table and the live view have in common: columns, order, summary. */
#include <stdlib.h>
#include <string.h>

#include "timertop.h"

/* A score from which on it is worth a look. */
#define GOOD_SCORE 50

const char * const sort_names[NR_SORTS] = {
	[SORT_WAKEUPS] = "wakeups",
	[SORT_EXPIRED] = "expirations",
	[SORT_SCORE] = "score",
	[SORT_PERIOD] = "period",
	[SORT_OWNER] = "owner",
};

static double rate(const struct account *acc, __u64 count)
{
	return acc->end > acc->begin ? count * 1e9 / (acc->end - acc->begin) : 0;
}

static void rate_cell(char *text, const struct account *acc, __u64 count, bool json)
{
	double r = rate(acc, count);

	snprintf(text, CELL_SIZE, json ? "%.3f" : r < 100 ? "%.2f" : "%.0f", r);
}

static void time_cell(char *text, __u64 ns, bool json)
{
	static const struct {
		const char *name;
		double ns;
	} units[] = { { "s", 1e9 }, { "ms", 1e6 }, { "us", 1e3 }, { "ns", 1 } };
	size_t i = 0;
	double value;

	if (json) {
		snprintf(text, CELL_SIZE, "%llu", ns);
		return;
	}
	/* 999.9 us are printed as 1.00ms. */
	while (i < ARRAY_SIZE(units) - 1 && ns < units[i].ns * 0.9995)
		i++;
	value = ns / units[i].ns;
	snprintf(text, CELL_SIZE, value < 9.995 && units[i].ns > 1 ? "%.2f%s" : "%.0f%s", value,
		 units[i].name);
}

/* A task's timers go by its name, the kernel's by their function. */
static const char *owner_name(const struct owner *o)
{
	return *o->comm ? o->comm : *o->key.name ? o->key.name : "all others";
}

static void text_cell(char *text, const char *value)
{
	snprintf(text, CELL_SIZE, "%s", value);
}

static void pid_cell(char *text, int pid)
{
	if (pid)
		snprintf(text, CELL_SIZE, "%d", pid);
}

const struct column columns[NR_COLUMNS] = {
	[COL_SCORE] = { "SCORE", "score", 5 },
	[COL_WAKEUP_RATE] = { "WAKE/S", "wakeups_per_second", 7 },
	[COL_EXPIRY_RATE] = { "EXP/S", "expirations_per_second", 7 },
	[COL_PERIOD] = { "PERIOD", "period_ns", 6 },
	[COL_JITTER] = { "JITTER", "jitter_ns", 6 },
	[COL_SLACK] = { "SLACK", "slack_ns", 6 },
	[COL_DEFERRABLE] = { "DEF", "deferrable", 3 },
	[COL_KIND] = { "KIND", "kind", 9, .is_text = true },
	[COL_PID] = { "PID", "pid", 7 },
	[COL_OWNER] = { "OWNER", "owner", .is_text = true },
	[COL_COMM] = { NULL, "comm", .is_text = true },
	[COL_FUNCTION] = { NULL, "function", .is_text = true },
	[COL_WOKEN_PID] = { NULL, "woken_pid" },
	[COL_WOKEN_COMM] = { NULL, "woken_comm", .is_text = true },
	[COL_WAKEUPS] = { NULL, "wakeups" },
	[COL_EXPIRATIONS] = { NULL, "expirations" },
	[COL_CANCELLATIONS] = { NULL, "cancellations" },
};

/**
 * report_cell - the text of a cell
 * @text: filled in, CELL_SIZE bytes; empty if there is no value
 * @col: the column
 * @acc: the figures
 * @o: the row
 * @json: for programs: times in nanoseconds, no "-" for what is missing
 */
void report_cell(char *text, enum column_id col, const struct account *acc,
		 const struct owner *o, bool json)
{
	bool is_timer = o->key.kind <= KIND_TICK, has_period = is_timer && o->nr_intervals;

	*text = '\0';
	switch (col) {
	case COL_SCORE:
		if (is_timer)
			snprintf(text, CELL_SIZE, "%d", owner_score(o));
		break;
	case COL_WAKEUP_RATE:
		rate_cell(text, acc, o->woke, json);
		break;
	case COL_EXPIRY_RATE:
		if (is_timer || o->key.kind == KIND_OTHER)
			rate_cell(text, acc, o->expired, json);
		break;
	case COL_PERIOD:
		if (has_period)
			time_cell(text, owner_period(o), json);
		break;
	case COL_JITTER:
		if (has_period && o->nr_intervals > 1)
			time_cell(text, owner_jitter(o), json);
		break;
	case COL_SLACK:
		if (is_timer)
			time_cell(text, o->slack, json);
		break;
	case COL_DEFERRABLE:
		/* Unless the start was seen, a task's timer may be either. */
		if (!is_timer || (kinds[o->key.kind].of_task && !o->key.pid))
			break;
		if (json)
			text_cell(text, o->key.deferrable ? "true" : "false");
		else
			text_cell(text, o->key.deferrable ? "yes" : "no");
		break;
	case COL_KIND:
		text_cell(text, kinds[o->key.kind].name);
		break;
	case COL_PID:
		pid_cell(text, o->key.pid);
		break;
	case COL_OWNER:
		text_cell(text, owner_name(o));
		break;
	case COL_COMM:
		text_cell(text, o->comm);
		break;
	case COL_FUNCTION:
		if (is_timer)
			text_cell(text, o->key.name);
		break;
	case COL_WOKEN_PID:
		pid_cell(text, o->woken_pid);
		break;
	case COL_WOKEN_COMM:
		text_cell(text, o->woken_comm);
		break;
	case COL_WAKEUPS:
		snprintf(text, CELL_SIZE, "%llu", o->woke);
		break;
	case COL_EXPIRATIONS:
		snprintf(text, CELL_SIZE, "%llu", o->expired);
		break;
	case COL_CANCELLATIONS:
		snprintf(text, CELL_SIZE, "%llu", o->cancelled);
		break;
	case NR_COLUMNS:
		break;
	}
	if (!*text && !json)
		text_cell(text, "-");
}

static int descending(__u64 a, __u64 b)
{
	return (a < b) - (a > b);
}

static int compare(const void *a, const void *b, void *arg)
{
	const struct owner *x = *(const struct owner * const *)a;
	const struct owner *y = *(const struct owner * const *)b;
	int order = 0;

	switch (*(enum sort *)arg) {
	case SORT_EXPIRED:
		order = descending(x->expired, y->expired);
		break;
	case SORT_SCORE:
		order = owner_score(y) - owner_score(x);
		break;
	case SORT_PERIOD:
		/* Shortest first, those without a period last. */
		order = descending(owner_period(y) - 1, owner_period(x) - 1);
		break;
	case SORT_OWNER:
		order = strcmp(owner_name(x), owner_name(y));
		break;
	default:
		break;
	}
	if (!order)
		order = descending(x->woke, y->woke);
	if (!order)
		order = descending(x->expired, y->expired);
	/* The same trace gives the same table. */
	return order ? order : memcmp(&x->key, &y->key, sizeof(x->key));
}

/**
 * report_rows - the owners that did something in this interval, in order
 * @acc: where they are
 * @rows: room for MAX_OWNERS + 1 of them
 * @sort: by what
 *
 * Return: how many.
 */
size_t report_rows(const struct account *acc, const struct owner **rows, enum sort sort)
{
	size_t count = 0;

	for (size_t i = 0; i <= MAX_OWNERS; i++) {
		const struct owner *o = &acc->owners[i];

		if ((i < acc->nr_owners || i == MAX_OWNERS) && (o->woke || o->expired))
			rows[count++] = o;
	}
	qsort_r(rows, count, sizeof(*rows), compare, &sort);
	return count;
}

void report_summary(char *text, size_t size, const struct account *acc)
{
	unsigned int cpus = account_cpus(acc), good = 0;

	for (unsigned int i = 0; i < acc->nr_owners; i++)
		good += owner_score(&acc->owners[i]) >= GOOD_SCORE;
	snprintf(text, size,
		 "%.1f s, %u CPU%s, %.2f wakeups/s of idle CPUs; %u with a score of %d or more",
		 (acc->end - acc->begin) / 1e9, cpus, cpus == 1 ? "" : "s",
		 rate(acc, acc->idle_ends), good, GOOD_SCORE);
}

/**
 * report_warning - why the figures may be wrong
 * @text: filled in
 * @size: of text
 * @acc: the figures
 * @nr: which warning, from 0 on
 *
 * Return: false if there is no such warning; text is empty if it does not apply.
 */
bool report_warning(char *text, size_t size, const struct account *acc, unsigned int nr)
{
	*text = '\0';
	switch (nr) {
	case 0:
		if (acc->gaps)
			snprintf(text, size,
				 "%llu events lost in %llu places; try a larger --buffer",
				 acc->lost, acc->gaps);
		return true;
	case 1:
		if (acc->malformed)
			snprintf(text, size, "%llu lines were no trace events and left out",
				 acc->malformed);
		return true;
	case 2:
		if (acc->events && !acc->idle_events)
			snprintf(text, size, "no cpu_idle event: wakeups are not known");
		return true;
	case 3:
		if (acc->events && !acc->timer_events)
			snprintf(text, size, "no timer expired, or the trace leaves that out");
		return true;
	default:
		return false;
	}
}
