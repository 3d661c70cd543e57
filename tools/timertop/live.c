// SPDX-License-Identifier: GPL-2.0
/* The live view: the table, redrawn once an interval. */
#include <ncurses.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "timertop.h"

#define SECOND 1000000000ULL

/**
 * struct view - what is on the screen
 * @shown: the figures; a copy, because those of the session go on
 * @sort: order of the rows
 * @top: first row shown
 * @frozen: the copy stays as it is
 * @at_end: of a recording
 */
struct view {
	struct account *shown;
	enum sort sort;
	size_t top;
	bool frozen;
	bool at_end;
};

static const struct {
	int key;
	enum sort sort;
} sort_keys[] = {
	{ 'w', SORT_WAKEUPS }, { 'e', SORT_EXPIRED }, { 's', SORT_SCORE },
	{ 'p', SORT_PERIOD }, { 'o', SORT_OWNER },
};

static void put_line(int y, int attributes, const char *text)
{
	if (y >= LINES)
		return;
	attrset(attributes);
	mvaddnstr(y, 0, text, COLS);
	clrtoeol();
	attrset(A_NORMAL);
}

/* The headings without @o. */
static void format_row(char *line, size_t size, const struct account *acc, const struct owner *o)
{
	size_t len = 0;

	for (size_t i = 0; i < NR_SHOWN_COLUMNS && len < size; i++) {
		const struct column *c = &columns[i];
		char cell[CELL_SIZE];

		if (o)
			report_cell(cell, i, acc, o, false);
		len += snprintf(line + len, size - len, c->is_text ? "%-*s " : "%*s ", c->width,
				o ? cell : c->heading);
	}
}

/* As the second line: the first warning that applies. */
static void put_warning(const struct account *acc)
{
	char text[200] = "";

	for (unsigned int i = 0; !*text && report_warning(text, sizeof(text), acc, i); i++)
		;
	put_line(1, A_BOLD, text);
}

static void draw(struct view *v)
{
	static const char keys[] =
		"q quit  f freeze  sort: w wakeups  e expirations  s score  p period  o owner";
	const struct owner *rows[MAX_OWNERS + 1];
	size_t count = report_rows(v->shown, rows, v->sort);
	char line[256], state[64];
	size_t room = LINES > 4 ? LINES - 4 : 0;

	if (v->top + room > count)
		v->top = count > room ? count - room : 0;
	erase();
	report_summary(line, sizeof(line), v->shown);
	put_line(0, A_NORMAL, line);
	put_warning(v->shown);
	format_row(line, sizeof(line), v->shown, NULL);
	put_line(2, A_REVERSE, line);
	for (size_t i = 0; i < room && v->top + i < count; i++) {
		format_row(line, sizeof(line), v->shown, rows[v->top + i]);
		put_line(3 + i, A_NORMAL, line);
	}
	snprintf(state, sizeof(state), "[%s%s%s] ", sort_names[v->sort],
		 v->frozen ? ", frozen" : "", v->at_end ? ", end of recording" : "");
	snprintf(line, sizeof(line), "%s%s", state, keys);
	put_line(LINES - 1, A_DIM, line);
	refresh();
}

/* Return: false to quit. */
static bool take_key(struct view *v, int key)
{
	for (size_t i = 0; i < ARRAY_SIZE(sort_keys); i++)
		if (key == sort_keys[i].key)
			v->sort = sort_keys[i].sort;
	switch (key) {
	case 'q':
		return false;
	case 'f':
	case ' ':
		v->frozen = !v->frozen;
		break;
	case KEY_UP:
		v->top -= v->top > 0;
		break;
	case KEY_DOWN:
		v->top++;
		break;
	case KEY_PPAGE:
		v->top -= v->top < (size_t)LINES ? v->top : (size_t)LINES;
		break;
	case KEY_NPAGE:
		v->top += LINES;
		break;
	}
	return true;
}

/* Return: false if the user quits, or the terminal is gone. */
static bool take_keys(struct view *v, bool readable)
{
	int key = getch();

	if (key == ERR)
		return !readable;
	for (; key != ERR; key = getch())
		if (!take_key(v, key))
			return false;
	draw(v);
	return true;
}

/* A recording plays as fast as it was made, and adds up from its begin. */
static int read_more(struct session *s, __u64 elapsed)
{
	int ret;

	if (!s->replay)
		return session_read(s, UINT64_MAX);
	ret = s->acc->begin ? EXIT_DONE : session_read(s, 1);
	return ret ? ret : session_read(s, s->acc->begin + elapsed);
}

static int show_next(struct session *s, struct view *v)
{
	int ret = s->replay ? EXIT_DONE : session_mark(s);

	v->at_end = s->at_end;
	if (!v->frozen)
		*v->shown = *s->acc;
	if (!s->replay)
		account_next(s->acc);
	draw(v);
	return ret;
}

static int run(struct session *s, struct view *v, unsigned int interval)
{
	__u64 start = now_ns(), next_read = start, next_show;
	int ret = s->replay ? EXIT_DONE : session_mark(s);

	next_show = s->replay ? start : start + interval * SECOND;
	draw(v);
	while (!ret && !signals_seen()) {
		__u64 next = next_read < next_show ? next_read : next_show;

		/* Once a second, so that the kernel's buffers do not overflow. */
		if (!take_keys(v, wait_until(next, STDIN_FILENO)))
			break;
		if (now_ns() < next)
			continue;
		ret = read_more(s, now_ns() - start);
		/* Nothing to look at; the caller tells why. */
		if (s->at_end && !s->acc->events)
			break;
		next_read = now_ns() + SECOND;
		if (!ret && now_ns() >= next_show) {
			ret = show_next(s, v);
			next_show += interval * SECOND;
		}
	}
	return ret;
}

/**
 * live_view - show the figures until the user quits
 * @s: the session
 * @interval: seconds between two updates
 * @sort: order of the rows at first
 *
 * Return: an exit code.
 */
int live_view(struct session *s, unsigned int interval, enum sort sort)
{
	struct view v = { .sort = sort, .shown = account_new() };
	SCREEN *screen = v.shown ? newterm(NULL, stdout, stdin) : NULL;
	const char *term = getenv("TERM");
	int ret = EXIT_NO_TERMINAL;

	if (screen) {
		cbreak();
		noecho();
		keypad(stdscr, TRUE);
		nodelay(stdscr, TRUE);
		curs_set(0);
		ret = run(s, &v, interval);
		endwin();
		delscreen(screen);
		if (!ret && s->at_end)
			ret = session_check_replay(s);
	} else {
		fprintf(stderr,
			"timertop: terminal '%s' is not in terminfo; set TERM, or use --once\n",
			term ? term : "");
	}
	free(v.shown);
	return ret;
}
