// SPDX-License-Identifier: GPL-2.0
/* hotmap: pictures made of characters. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hotmap.h"

/* Columns of characters. */
#define HEAT_WIDTH 9
#define SIZE_WIDTH 7
#define AXIS_WIDTH 7
#define LEAST_STRIP 10
#define DEFAULT_FILES 20
#define DEFAULT_STRIPS 8
#define DEFAULT_LINES 16	/* of a single file */

/* From no heat to the most, where there are no colours. */
static const char ramp[] = ".:-=+*#%@";
#define RAMP_LEVELS ((int)sizeof(ramp) - 2)

/* One for the upper and one for the lower half, or the left and the right one. */
#define UPPER_HALF "\xe2\x96\x80"
#define LOWER_HALF "\xe2\x96\x84"
#define LEFT_HALF "\xe2\x96\x8c"
#define RIGHT_HALF "\xe2\x96\x90"

static bool has_names(enum picture_kind kind)
{
	return kind == KIND_FILES || kind == KIND_FILES_TIME;
}

/* Two cells in a character. */
static bool has_halves(const struct terminal *term)
{
	return term->utf8 && term->colors != COLORS_NONE;
}

/* Where things are, in characters. */
struct layout {
	unsigned int left, width, lines;	/* of a panel's cells */
};

static struct layout lay_out(const struct terminal *term, enum picture_kind kind,
			     unsigned int panels)
{
	struct layout l = { .left = AXIS_WIDTH + 1, .lines = 1 };
	unsigned int right = 0, room = term->height > 12 ? term->height - 8 : DEFAULT_LINES;

	if (has_names(kind)) {
		l.left = term->width * 3 / 10 + 1;
		right = HEAT_WIDTH + SIZE_WIDTH;
	}
	l.width = term->width > l.left + right + LEAST_STRIP ? term->width - l.left - right :
							       LEAST_STRIP;
	if (kind == KIND_FILES_TIME)
		l.lines = term->height && panels && room / panels < 3 ? room / panels : 3;
	else if (kind != KIND_FILES)
		l.lines = room;
	if (!l.lines)
		l.lines = 1;
	return l;
}

/* As paint_view(). */
void print_view(const struct terminal *term, enum picture_kind kind, size_t files,
		struct view *view)
{
	struct layout l;

	if (!view->files)
		view->files = kind == KIND_FILES ? DEFAULT_FILES : DEFAULT_STRIPS;
	l = lay_out(term, kind, files < view->files ? files : view->files);
	view->columns = l.width;
	view->rows = l.lines;
	view->panel_rows = l.lines;
	if (has_halves(term)) {
		if (kind == KIND_FILES)
			view->columns *= 2;
		view->rows *= 2;
		view->panel_rows *= 2;
	}
	view->x_ticks = l.width / 12;
	view->y_ticks = l.lines / 3;
}

/**
 * struct printer - somewhere to print cells
 * @term: how
 * @to: where
 * @scale: of heat
 * @palette: for true colours
 * @none: number of the colour without heat
 * @levels: numbers of the colours
 * @front: colour that is set, see color_of(); -1: none
 * @back: behind it
 */
struct printer {
	const struct terminal *term;
	FILE *to;
	const struct scale *scale;
	struct palette palette;
	unsigned char none[1], levels[LEVELS];
	int front, back;
};

/* 0: no heat, 1 and up: the levels, -1: nothing there. */
static int color_of(const struct printer *pr, __s64 cell)
{
	if (cell < 0)
		return -1;
	return cell ? 1 + scale_level(pr->scale, cell, LEVELS) : 0;
}

static void set_color(struct printer *pr, int color, bool back)
{
	int *now = back ? &pr->back : &pr->front;
	const struct color *c;

	if (*now == color)
		return;
	*now = color;
	if (color < 0) {
		fprintf(pr->to, "\033[%dm", back ? 49 : 39);
		return;
	}
	if (pr->term->colors == COLORS_256) {
		fprintf(pr->to, "\033[%d;5;%dm", back ? 48 : 38,
			color ? pr->levels[color - 1] : *pr->none);
		return;
	}
	c = color ? &pr->palette.levels[color - 1] : &pr->palette.none;
	fprintf(pr->to, "\033[%d;2;%.0f;%.0f;%.0fm", back ? 48 : 38, c->red * 255,
		c->green * 255, c->blue * 255);
}

static void end_colors(struct printer *pr)
{
	set_color(pr, -1, false);
	set_color(pr, -1, true);
}

static void print_letter(struct printer *pr, __s64 cell)
{
	char letter = ' ';

	if (cell == CELL_UNKNOWN)
		letter = '/';
	else if (cell >= 0)
		letter = ramp[cell ? 1 + scale_level(pr->scale, cell, RAMP_LEVELS) : 0];
	fputc(letter, pr->to);
}

/* A character with two cells. */
static void print_halves(struct printer *pr, __s64 first, __s64 second, const char *one,
			 const char *other)
{
	int a = color_of(pr, first), b = color_of(pr, second);

	if (a < 0 && b < 0) {
		end_colors(pr);
		fputc(first == CELL_UNKNOWN ? '/' : ' ', pr->to);
	} else if (a < 0) {
		set_color(pr, -1, true);
		set_color(pr, b, false);
		fputs(other, pr->to);
	} else {
		set_color(pr, b, true);
		set_color(pr, a, false);
		fputs(one, pr->to);
	}
}

static void print_cell(struct printer *pr, __s64 cell)
{
	if (pr->term->colors == COLORS_NONE) {
		print_letter(pr, cell);
		return;
	}
	set_color(pr, color_of(pr, cell), true);
	fputc(cell == CELL_UNKNOWN ? '/' : ' ', pr->to);
}

/* One line of characters of a panel. */
static void print_line(struct printer *pr, const struct picture *p, const struct panel *panel,
		       unsigned int line, unsigned int width)
{
	bool upright = p->kind != KIND_FILES, halves = has_halves(pr->term);
	unsigned int row = upright && halves ? 2 * line : line;
	const __s64 *cells = panel->cells + (size_t)row * p->columns;

	for (unsigned int c = 0; c < width; c++) {
		/* A picture of few cells has wide ones. */
		const __s64 *cell = cells + (__u64)c * p->columns / width;

		if (!halves)
			print_cell(pr, *cell);
		else if (!upright)
			print_halves(pr, cells[2 * c], cells[2 * c + 1], LEFT_HALF, RIGHT_HALF);
		else
			print_halves(pr, *cell, row + 1 < p->rows ? cell[p->columns] : CELL_ABSENT,
				     UPPER_HALF, LOWER_HALF);
	}
	end_colors(pr);
}

static double measure(const char *s, void *unused)
{
	(void)unused;
	return text_width(s);
}

enum align { LEFT, RIGHT, END };

/* To the left or the right of @width characters, or the end of a line; shortened if need be. */
static void print_text(struct printer *pr, const char *s, int width, enum align align)
{
	char *safe = text_safe(s, pr->term->utf8);
	char *text = safe ? text_elide(safe, width, measure, NULL, "...") : NULL;
	int pad = text && text_width(text) < width ? width - text_width(text) : 0;

	if (text)
		fprintf(pr->to, "%*s%s%*s%s", align == RIGHT ? pad : 0, "", text,
			align == LEFT ? pad : 0, "", align == END ? "\n" : "");
	free(text);
	free(safe);
}

/* Text of ours, all ASCII, in as many lines as it needs. */
static void print_sentence(struct printer *pr, const char *s)
{
	size_t width = pr->term->width, length;

	for (; (length = strlen(s)) > width; s += length) {
		for (length = width; length && s[length] != ' '; length--)
			;
		fprintf(pr->to, "%.*s\n", (int)length, s);
		length++;
	}
	print_text(pr, s, width, END);
}

/* Numbers below a line of @width characters that begins at @left, where they do not touch. */
static void print_ticks(struct printer *pr, const struct axis *axis, unsigned int left,
			unsigned int width)
{
	unsigned int room = left + width + TICK_TEXT, used = 0;
	char *line = malloc(room + 1);

	if (!line)
		return;
	memset(line, ' ', room);
	for (unsigned int i = 0; i < axis->nr; i++) {
		unsigned int at = left + axis->ticks[i].at * (width - 1) + 0.5;
		unsigned int length = strlen(axis->ticks[i].text);

		at = at > length / 2 ? at - length / 2 : 0;
		/* Nothing is wider than the terminal. */
		if (at + length > pr->term->width)
			at = pr->term->width > length ? pr->term->width - length : 0;
		if ((used && at <= used) || at + length > room)
			continue;
		memcpy(line + at, axis->ticks[i].text, length);
		used = at + length;
	}
	line[used] = '\0';
	fprintf(pr->to, "%s\n", line);
	free(line);
}

static void print_legend(struct printer *pr, const struct picture *p)
{
	unsigned int width = pr->term->width / 2, left;
	struct axis axis;

	left = fprintf(pr->to, "no heat ");
	print_cell(pr, 0);
	end_colors(pr);
	left += 1 + fprintf(pr->to, p->unknown ? "  no sample /  " : "    ");
	if (width > pr->term->width - left)
		width = pr->term->width - left;
	for (unsigned int i = 0; i < width; i++) {
		double place = (i + 0.5) / width;

		/* A heat in the middle of what the character stands for. */
		print_cell(pr, HOT_ONE * scale_at(pr->scale, place) + 0.5);
	}
	end_colors(pr);
	fputc('\n', pr->to);
	scale_ticks(pr->scale, &axis);
	print_ticks(pr, &axis, left, width);
	print_sentence(pr, p->unit);
}

static void print_names(struct printer *pr, const struct picture *p, const struct layout *l)
{
	char heat[UNITS_TEXT], size[UNITS_TEXT];

	print_text(pr, p->kind == KIND_FILES ? "file" : "file (offset upwards)", l->left - 1,
		   LEFT);
	print_text(pr, "", l->width + 1, LEFT);
	print_text(pr, p->kind == KIND_FILES ? "requests" : "peak req", HEAT_WIDTH, RIGHT);
	print_text(pr, "bytes", SIZE_WIDTH, RIGHT);
	fputc('\n', pr->to);
	for (size_t i = 0; i < p->nr_panels; i++) {
		const struct panel *panel = &p->panels[i];

		for (unsigned int line = 0; line < l->lines; line++) {
			print_text(pr, line ? "" : panel->name, l->left - 1, LEFT);
			fputc(' ', pr->to);
			print_line(pr, p, panel, line, l->width);
			if (!line) {
				print_text(pr, heat_text(heat, panel->heat), HEAT_WIDTH, RIGHT);
				print_text(pr, bytes_text(size, panel->size), SIZE_WIDTH, RIGHT);
			}
			fputc('\n', pr->to);
		}
	}
}

/* A single file, with numbers beside it. */
static void print_single(struct printer *pr, const struct picture *p, struct layout *l)
{
	unsigned int lines = has_halves(pr->term) ? (p->rows + 1) / 2 : p->rows;

	for (unsigned int line = 0; line < lines; line++) {
		const char *number = "";

		for (unsigned int i = 0; i < p->y.nr; i++) {
			unsigned int at = p->y.ticks[i].at * lines;

			/* The end of the axis is the edge of the last line. */
			if ((at < lines ? at : lines - 1) == line && !*number)
				number = p->y.ticks[i].text;
		}
		print_text(pr, number, l->left - 1, RIGHT);
		fputc(' ', pr->to);
		print_line(pr, p, &p->panels[0], line, l->width);
		fputc('\n', pr->to);
	}
}

/* Below the cells, or more to the left if there is no room. */
static unsigned int indent(const struct terminal *term, const struct layout *l, const char *s)
{
	unsigned int length = strlen(s);

	if (l->left + length <= term->width)
		return l->left;
	return term->width > length ? term->width - length : 0;
}

/**
 * print - print a picture
 * @term: how
 * @p: what; made with print_view()
 * @to: where
 *
 * Return: 0 or a negative errno.
 */
int print(const struct terminal *term, const struct picture *p, FILE *to)
{
	struct printer pr = {
		.term = term, .to = to, .scale = &p->scale, .front = -1, .back = -1,
	};
	struct layout l = lay_out(term, p->kind, p->nr_panels);

	/* All cells of a file alike. */
	if (p->kind == KIND_FILE && l.width > p->columns)
		l.width -= l.width % p->columns;
	errno = 0;
	palette_init(&pr.palette, term->dark);
	if (term->colors == COLORS_256)
		palette_of_terminal(&pr.palette, pr.none, pr.levels);
	print_text(&pr, p->title, term->width, END);
	print_sentence(&pr, p->subtitle);
	if (!p->nr_panels) {
		fputs("No file has heat.\n", to);
		return ferror(to) ? -EIO : 0;
	}
	if (has_names(p->kind))
		print_names(&pr, p, &l);
	else
		print_single(&pr, p, &l);
	print_ticks(&pr, &p->x, l.left, l.width);
	fprintf(to, "%*s%s\n", (int)indent(term, &l, p->x.title), "", p->x.title);
	if (p->y.title)
		fprintf(to, "On the left: %s\n", p->y.title);
	print_legend(&pr, p);
	return ferror(to) ? errno ? -errno : -EIO : 0;
}
