// SPDX-License-Identifier: GPL-2.0
/* The live view: the table, redrawn once an interval. */
#include <errno.h>
#include <ncurses.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hottop.h"

#define SECOND 1000000000ULL

/* Lines that are no rows: sums, headings, keys. */
#define FIRST_ROW 3
#define OTHER_LINES (FIRST_ROW + 1)

/* Names that a search looks at before it looks for keys again: some milliseconds. */
#define SEARCH_STEP 4096

/* Four bytes for each column of a wide terminal. */
#define LINE_SIZE 4096

#define MIN_NAME_WIDTH 20

#define KEY_ESCAPE 27
#define CTRL(c) ((c) & 0x1f)

/**
 * struct view - what is on the screen
 * @set: what is shown
 * @shown: what the kernel said last
 * @err: why it says nothing more, a negative errno
 * @top: first row shown
 * @paused: what is shown stays as it is
 * @help: the keys are shown instead
 * @searching: the folders are being looked through
 * @editing: keys go to the filter
 * @input: the filter as it is typed
 */
struct view {
	struct settings *set;
	struct snapshot shown;
	int err;
	size_t top;
	bool paused;
	bool help;
	bool searching;
	bool editing;
	char input[sizeof(((struct settings *)0)->filter)];
};

/**
 * struct layout - the columns that there is room for
 * @ids: which
 * @widths: of them
 * @nr: how many
 * @used: their widths and a blank behind each
 */
struct layout {
	enum column_id ids[NR_SHOWN_COLUMNS];
	int widths[NR_SHOWN_COLUMNS];
	size_t nr;
	int used;
};

static const struct {
	int key;
	enum sort sort;
} sort_keys[] = {
	{ 't', SORT_TOTAL }, { 'r', SORT_READS }, { 'w', SORT_WRITES }, { 'b', SORT_BYTES },
	{ 'a', SORT_AGE },
};

static const char * const help_lines[] = {
	"t r w b a   sort by total heat, reads, writes, bytes (of files), age",
	"Tab         files or ranges of files",
	"/           show only names with a text in them; Enter takes it, Esc does not",
	"c           show all again",
	"p Space     pause, and go on",
	"n           look through the folders for names that are not known",
	"Up Down     move by a row; Page Up, Page Down by a screen; Home, End to the ends",
	"h ?         this help",
	"q           quit",
	"",
	"HEAT is a number of requests to the device, each counting half after a half-life.",
	"Any key goes back.",
};

static void put_line(int y, int attributes, const char *text)
{
	char line[LINE_SIZE];

	if (y < 0 || y >= LINES)
		return;
	text_fit(line, sizeof(line), text, COLS, false);
	attrset(attributes);
	mvaddstr(y, 0, line);
	attrset(A_NORMAL);
}

/* Return: the cell of @row, or the heading without one. */
static const char *cell(char text[CELL_SIZE], enum column_id id, const struct row *row,
			const struct snapshot *s)
{
	return row ? row_cell(text, id, row, s) : columns[id].heading;
}

/* Columns give way to names: the bar first, then from the right. */
static void drop_columns(struct layout *l, int room)
{
	while (l->nr > 2 && l->used > room) {
		size_t victim = 0;

		while (victim < l->nr && l->ids[victim] != COL_BAR)
			victim++;
		if (victim == l->nr)
			victim = l->ids[l->nr - 1] == COL_NAME ? l->nr - 2 : l->nr - 1;
		l->used -= l->widths[victim] + 1;
		l->nr--;
		for (size_t i = victim; i < l->nr; i++) {
			l->ids[i] = l->ids[i + 1];
			l->widths[i] = l->widths[i + 1];
		}
	}
}

/* No number is cut off: columns are as wide as the rows on the screen want it. */
static void lay_out(struct layout *l, const struct view *v, const struct row *rows, size_t count)
{
	const struct settings *set = v->set;
	char text[CELL_SIZE];

	l->nr = set->nr_columns;
	l->used = 0;
	if (l->nr)
		memcpy(l->ids, set->columns, l->nr * sizeof(*l->ids));
	else
		l->nr = usual_columns(l->ids, v->shown.ranges);
	for (size_t i = 0; i < l->nr; i++) {
		enum column_id id = l->ids[i];

		l->widths[i] = columns[id].width ? columns[id].width : MIN_NAME_WIDTH;
		for (size_t j = 0; j < count && columns[id].width; j++) {
			int width = text_width(cell(text, id, &rows[j], &v->shown));

			if (width > l->widths[i])
				l->widths[i] = width;
		}
		l->used += l->widths[i] + 1;
	}
	/* The last one has no blank behind it. */
	drop_columns(l, COLS + 1);
	for (size_t i = 0; i < l->nr; i++)
		if (l->ids[i] == COL_NAME && l->used < COLS + 1)
			l->widths[i] += COLS + 1 - l->used;
}

/* The headings without @row. */
static void put_row(int y, int attributes, const struct snapshot *s, const struct layout *l,
		    const struct row *row)
{
	char line[LINE_SIZE], fitted[LINE_SIZE], text[CELL_SIZE];
	size_t len = 0;

	*line = '\0';
	for (size_t i = 0; i < l->nr && len < sizeof(line); i++) {
		const char *content = cell(text, l->ids[i], row, s);
		int blanks = columns[l->ids[i]].is_text ? 0 : l->widths[i] - text_width(content);

		if (blanks < 0)
			blanks = 0;
		text_fit(fitted, sizeof(fitted), content, l->widths[i] - blanks,
			 row && l->ids[i] == COL_NAME && *content == '/');
		len += snprintf(line + len, sizeof(line) - len, "%*s%s ", blanks, "", fitted);
	}
	put_line(y, attributes, line);
}

static size_t rows_room(void)
{
	int rows = LINES - OTHER_LINES;

	return rows > 0 ? rows : 0;
}

static void put_rows(struct view *v)
{
	const struct snapshot *s = &v->shown;
	const bool filtered = v->set->filter[0] || v->set->min_heat;
	size_t room = rows_room(), count;
	struct layout layout;

	if (v->top + room > s->count)
		v->top = s->count > room ? s->count - room : 0;
	count = s->count - v->top < room ? s->count - v->top : room;
	for (size_t i = 0; i < count; i++) {
		int ret = row_resolve(&s->rows[v->top + i], v->set->ht);

		if (ret)
			v->err = ret;
	}
	lay_out(&layout, v, s->rows + v->top, count);
	put_row(FIRST_ROW - 1, A_REVERSE, s, &layout, NULL);
	for (size_t i = 0; i < count; i++)
		put_row(FIRST_ROW + i, A_NORMAL, s, &layout, &s->rows[v->top + i]);
	if (!s->count && !v->err)
		put_line(FIRST_ROW, A_NORMAL, filtered ? "Nothing passes the filter." :
			 "There was no request to the device yet.");
}

/* Why there is nothing new, else what was counted. */
static void put_sums(const struct view *v)
{
	char text[LINE_SIZE];

	if (v->shown.list)
		summary_settings(text, sizeof(text), &v->shown, v->set);
	else
		snprintf(text, sizeof(text), "%s", v->set->mount_point);
	put_line(0, A_NORMAL, text);
	if (v->err == -ENODATA)
		snprintf(text, sizeof(text), "%s; 'hotctl on %s' turns it on",
			 hottrack_strerror(v->err), v->set->mount_point);
	else if (v->err)
		snprintf(text, sizeof(text), "%s", hottrack_strerror(v->err));
	else
		summary_counts(text, sizeof(text), &v->shown);
	put_line(1, v->err ? A_BOLD : A_NORMAL, text);
}

static void put_bottom(const struct view *v)
{
	static const char keys[] =
		"q quit  h help  p pause  Tab files/ranges  / filter  sort: t r w b a";
	char line[LINE_SIZE], *shown;

	if (v->editing) {
		shown = text_shown(v->input);
		snprintf(line, sizeof(line), "Filter: %s_", shown ? shown : "");
		free(shown);
		put_line(LINES - 1, A_BOLD, line);
		return;
	}
	shown = text_shown(v->set->filter);
	snprintf(line, sizeof(line), "[%s%s%s%s%s] %s", sort_names[v->set->sort],
		 *v->set->filter ? ", filter " : "", *v->set->filter && shown ? shown : "",
		 v->paused ? ", paused" : "", v->searching ? ", searching names" : "", keys);
	free(shown);
	put_line(LINES - 1, A_DIM, line);
}

static void draw(struct view *v)
{
	erase();
	if (v->help) {
		for (size_t i = 0; i < ARRAY_SIZE(help_lines); i++)
			put_line(i, A_NORMAL, help_lines[i]);
	} else {
		put_rows(v);
		/* After the rows, which may have found out what is wrong. */
		put_sums(v);
		put_bottom(v);
	}
	refresh();
}

/* Ask the kernel anew. */
static void update(struct view *v)
{
	int ret = snapshot_read(&v->shown, v->set);

	v->err = ret;
}

/* What is shown is to be another choice or order. */
static void changed(struct view *v)
{
	int ret;

	v->top = 0;
	if (!v->paused) {
		update(v);
		return;
	}
	ret = snapshot_arrange(&v->shown, v->set);
	if (ret)
		v->err = ret;
}

static void edit(struct view *v, int key)
{
	size_t len = strlen(v->input);

	switch (key) {
	case '\n':
	case '\r':
	case KEY_ENTER:
		v->editing = false;
		memcpy(v->set->filter, v->input, sizeof(v->input));
		changed(v);
		return;
	case KEY_ESCAPE:
		v->editing = false;
		return;
	case CTRL('U'):
		*v->input = '\0';
		return;
	case KEY_BACKSPACE:
	case '\b':
	case 0x7f:
		/* A whole character: its last bytes are 10xxxxxx. */
		while (len && (v->input[--len] & 0xc0) == 0x80)
			;
		v->input[len] = '\0';
		return;
	default:
		/* Bytes of UTF-8 come one by one. */
		if (key >= ' ' && key < 0x100 && len + 1 < sizeof(v->input)) {
			v->input[len] = key;
			v->input[len + 1] = '\0';
		}
	}
}

static void move_to(struct view *v, int key)
{
	long page = rows_room(), top = v->top, last = (long)v->shown.count - page;

	switch (key) {
	case KEY_UP:
		top--;
		break;
	case KEY_DOWN:
		top++;
		break;
	case KEY_PPAGE:
		top -= page;
		break;
	case KEY_NPAGE:
		top += page;
		break;
	case KEY_HOME:
		top = 0;
		break;
	case KEY_END:
		top = last;
		break;
	}
	if (top > last)
		top = last;
	v->top = top < 0 ? 0 : top;
}

/* Return: false to quit. */
static bool take_key(struct view *v, int key)
{
	/* The screen is drawn in any case. */
	if (key == KEY_RESIZE)
		return true;
	if (v->editing) {
		edit(v, key);
		return true;
	}
	if (v->help) {
		v->help = false;
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(sort_keys); i++) {
		if (key != sort_keys[i].key)
			continue;
		v->set->sort = sort_keys[i].sort;
		changed(v);
		return true;
	}
	switch (key) {
	case 'q':
		return false;
	case 'h':
	case '?':
		v->help = true;
		break;
	case 'p':
	case ' ':
		v->paused = !v->paused;
		if (!v->paused)
			update(v);
		break;
	case '\t':
		v->set->ranges = !v->set->ranges;
		/* What is paused are files, or ranges. */
		v->paused = false;
		changed(v);
		break;
	case '/':
		v->editing = true;
		memcpy(v->input, v->set->filter, sizeof(v->input));
		break;
	case 'c':
		*v->set->filter = '\0';
		changed(v);
		break;
	case 'n':
		v->searching = true;
		break;
	default:
		move_to(v, key);
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

static void search_more(struct view *v)
{
	int ret = hottrack_search(v->set->ht, SEARCH_STEP);

	if (ret > 0)
		return;
	v->searching = false;
	if (ret < 0)
		v->err = ret;
	snapshot_forget_names(&v->shown);
	if (*v->set->filter)
		changed(v);
	draw(v);
}

static void run(struct view *v)
{
	__u64 next = now_ns() + v->set->interval * SECOND;

	draw(v);
	while (!signals_seen()) {
		if (!take_keys(v, wait_until(v->searching ? 0 : next, STDIN_FILENO)))
			break;
		if (v->searching)
			search_more(v);
		if (now_ns() < next)
			continue;
		next = now_ns() + v->set->interval * SECOND;
		if (!v->paused)
			update(v);
		draw(v);
	}
}

/**
 * live_view - show the rows until the user quits
 * @set: what is shown at first
 *
 * Return: an exit code.
 */
int live_view(struct settings *set)
{
	struct view v = { .set = set, .searching = set->search };
	const char *term = getenv("TERM");
	SCREEN *screen;

	/* What is wrong from the beginning is told where it stays to be read. */
	v.err = snapshot_read(&v.shown, set);
	if (v.err)
		return report_error(v.err, set);
	screen = newterm(NULL, stdout, stdin);
	if (!screen) {
		fprintf(stderr,
			"hottop: terminal '%s' is not in terminfo; set TERM, or use --once\n",
			term ? term : "");
		snapshot_free(&v.shown);
		return EXIT_NO_TERMINAL;
	}
	/* So that Esc alone is noticed soon. */
	set_escdelay(50);
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	curs_set(0);
	run(&v);
	endwin();
	delscreen(screen);
	snapshot_free(&v.shown);
	return EXIT_DONE;
}
