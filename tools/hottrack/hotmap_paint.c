// SPDX-License-Identifier: GPL-2.0
/* hotmap: pictures as SVG and PNG. */
#include <cairo-svg.h>
#include <cairo.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hotmap.h"

#define FONT "sans-serif"
/* Drawn by cairo itself. */
#define BUILTIN_FONT "@cairo:"
#define FONTS_FILE "/etc/fonts/fonts.conf"
#define ELLIPSIS "..."

/* Pixels. */
#define MARGIN 20
#define TITLE_SIZE 19
#define TEXT_SIZE 12
#define SUBTITLE_LINE 58		/* baselines, from the top */
#define TITLE_LINE 36
#define TOP 88			/* of the panels */
#define BOTTOM 116		/* of the panels, from the bottom: axis and legend */
#define LEGEND 40		/* top of its bar, from the bottom */
#define BAR_HEIGHT 14
#define HEAT_WIDTH 104
#define SIZE_WIDTH 60
#define LEAST_PITCH 15
#define MOST_PITCH 56
#define DEFAULT_FILES 24

/**
 * struct layout - where things are, in pixels
 * @left: of the panels
 * @right: likewise
 * @bottom: of the last panel, and the gap below it
 * @gap: between two panels
 * @panels: how many
 */
struct layout {
	int left, right, bottom, gap;
	unsigned int panels;
};

static bool has_names(enum picture_kind kind)
{
	return kind == KIND_FILES || kind == KIND_FILES_TIME;
}

static struct layout lay_out(const struct page *page, enum picture_kind kind, size_t panels)
{
	struct layout l = {
		.left = MARGIN + 84,
		.right = page->width - MARGIN - 16,
		.bottom = page->height - BOTTOM,
		.panels = panels ? panels : 1,
	};

	if (has_names(kind)) {
		int names = page->width * 3 / 10;

		l.left = MARGIN + (names < 360 ? names : 360) + 10;
		l.right = page->width - MARGIN - HEAT_WIDTH - SIZE_WIDTH;
		if (l.bottom > TOP + (int)l.panels * MOST_PITCH)
			l.bottom = TOP + l.panels * MOST_PITCH;
		l.gap = (l.bottom - TOP) / (int)l.panels < 24 ? 2 : 4;
	}
	return l;
}

static int edge(int from, int length, unsigned int part, unsigned int parts)
{
	return from + (__u64)length * part / parts;
}

static int top_of(const struct layout *l, unsigned int panel)
{
	return edge(TOP, l->bottom - TOP, panel, l->panels);
}

static int height_of(const struct layout *l, unsigned int panel)
{
	return top_of(l, panel + 1) - top_of(l, panel) - l->gap;
}

/**
 * paint_view - how many cells and numbers a page has room for
 * @page: the page
 * @kind: of the picture
 * @files: that there are
 * @view: @files, if 0, and @columns and all below it are filled in; @files may become smaller
 */
void paint_view(const struct page *page, enum picture_kind kind, size_t files, struct view *view)
{
	unsigned int most = (page->height - TOP - BOTTOM) / LEAST_PITCH;
	struct layout l;
	int width, height;

	if (!view->files)
		view->files = DEFAULT_FILES;
	if (view->files > most)
		view->files = most;
	l = lay_out(page, kind, has_names(kind) ? files < view->files ? files : view->files : 1);
	width = l.right - l.left;
	view->columns = kind == KIND_FILES ? width / 4 : kind == KIND_FILE ? width / 6 : width / 2;
	if (kind == KIND_FILE && view->columns > 128)
		view->columns = 128;
	height = height_of(&l, 0);
	view->rows = height / (kind == KIND_FILE ? 6 : 3);
	view->panel_rows = height / 2;
	view->x_ticks = width / 84;
	view->y_ticks = height / 32;
}

static void set_color(cairo_t *cr, const struct color *c)
{
	cairo_set_source_rgb(cr, c->red, c->green, c->blue);
}

static double measure(const char *s, void *cr)
{
	cairo_text_extents_t extents;

	cairo_text_extents(cr, s, &extents);
	return extents.x_advance;
}

/* Small systems have none; fontconfig would complain on standard error. */
static bool are_there_fonts(void)
{
	return getenv("FONTCONFIG_FILE") || getenv("FONTCONFIG_PATH") || !access(FONTS_FILE, R_OK);
}

static void set_font(cairo_t *cr, double size, bool bold)
{
	cairo_select_font_face(cr, are_there_fonts() ? FONT : BUILTIN_FONT,
			       CAIRO_FONT_SLANT_NORMAL,
			       bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
	cairo_set_font_size(cr, size);
}

/* Write at @x: @align 0 to the right of it, 1 to the left, 0.5 around it. No wider than @width. */
static void write_text(cairo_t *cr, double x, double y, double align, double width, const char *s)
{
	char *text = text_elide(s, width, measure, cr, ELLIPSIS);

	if (!text)
		return;
	cairo_move_to(cr, x - align * measure(text, cr), y);
	cairo_show_text(cr, text);
	free(text);
}

/* Neighbours that look the same are one rectangle. From LOOK_NONE on there is something to see. */
#define LOOK_NONE -1

static int look_of(const struct picture *p, __s64 cell)
{
	if (cell < 0)
		return LOOK_NONE - 1;
	return cell ? scale_level(&p->scale, cell, LEVELS) : LOOK_NONE;
}

/* Rows that are equal are one: [row, past) of them. */
static unsigned int past_of(const struct picture *p, const struct panel *panel, unsigned int row)
{
	const __s64 *cells = panel->cells + (size_t)row * p->columns;
	unsigned int past = row + 1;

	while (past < p->rows && !memcmp(cells, panel->cells + (size_t)past * p->columns,
					 p->columns * sizeof(*cells)))
		past++;
	return past;
}

/*
 * Rectangles reach into their neighbours that are painted later: where an SVG is shown in another
 * size, their edges are between pixels, and the page would shine through.
 */
static void paint_run(cairo_t *cr, const struct picture *p, const struct layout *l,
		      unsigned int nr, unsigned int row, unsigned int past, unsigned int begin,
		      unsigned int end)
{
	const __s64 *cells = p->panels[nr].cells + (size_t)(past - 1) * p->columns;
	unsigned int right = end, bottom = past;
	int width = l->right - l->left, height = height_of(l, nr), x, y;

	if (end < p->columns && cells[end] >= 0)
		right++;
	if (past < p->rows) {
		bottom++;
		for (unsigned int c = begin; c < right; c++)
			if (cells[p->columns + c] < 0)
				bottom = past;
	}
	x = edge(l->left, width, begin, p->columns);
	y = edge(top_of(l, nr), height, row, p->rows);
	cairo_rectangle(cr, x, y, edge(l->left, width, right, p->columns) - x,
			edge(top_of(l, nr), height, bottom, p->rows) - y);
	cairo_fill(cr);
}

static void paint_panel(cairo_t *cr, const struct picture *p, const struct palette *colors,
			const struct layout *l, unsigned int nr)
{
	unsigned int past;

	for (unsigned int row = 0; row < p->rows; row = past) {
		const __s64 *cells = p->panels[nr].cells + (size_t)row * p->columns;
		unsigned int begin = 0;

		past = past_of(p, &p->panels[nr], row);
		for (unsigned int c = 1; c <= p->columns; c++) {
			int look = look_of(p, cells[begin]);

			if (c < p->columns && look_of(p, cells[c]) == look)
				continue;
			if (look >= LOOK_NONE) {
				set_color(cr, look == LOOK_NONE ? &colors->none :
					  &colors->levels[look]);
				paint_run(cr, p, l, nr, row, past, begin, c);
			}
			begin = c;
		}
	}
}

/* Lines that slope, over what is in the path. */
static void hatch(cairo_t *cr, const struct palette *colors)
{
	double x1, y1, x2, y2;

	cairo_save(cr);
	cairo_clip_extents(cr, &x1, &y1, &x2, &y2);
	cairo_clip(cr);
	cairo_clip_extents(cr, &x1, &y1, &x2, &y2);
	set_color(cr, &colors->faint);
	cairo_set_line_width(cr, 0.7);
	/* The distance is the same everywhere, so that neighbours fit together. */
	for (double x = floor((x1 - (y2 - y1)) / 6) * 6; x < x2; x += 6) {
		double shift = fmod(y2, 6);

		cairo_move_to(cr, x - shift, y2);
		cairo_line_to(cr, x - shift + (y2 - y1), y1);
	}
	cairo_stroke(cr);
	cairo_restore(cr);
	cairo_new_path(cr);
}

static void hatch_unknown(cairo_t *cr, const struct picture *p, const struct palette *colors,
			  const struct layout *l, unsigned int nr)
{
	const __s64 *cells = p->panels[nr].cells;
	unsigned int begin = 0;

	/* No sample: then of none of the offsets, so that the first row tells. */
	for (unsigned int c = 1; c <= p->columns; c++) {
		bool unknown = cells[begin] == CELL_UNKNOWN, next;
		int x = edge(l->left, l->right - l->left, begin, p->columns);

		next = c < p->columns ? cells[c] == CELL_UNKNOWN : !unknown;
		if (next == unknown)
			continue;
		begin = c;
		if (!unknown)
			continue;
		cairo_rectangle(cr, x, top_of(l, nr),
				edge(l->left, l->right - l->left, c, p->columns) - x,
				height_of(l, nr));
		hatch(cr, colors);
	}
}

static void frame_around(cairo_t *cr, const struct palette *colors, int x, int y, int width,
			 int height)
{
	set_color(cr, &colors->faint);
	cairo_set_line_width(cr, 0.5);
	cairo_rectangle(cr, x - 0.25, y - 0.25, width + 0.5, height + 0.5);
	cairo_stroke(cr);
}

static void paint_labels(cairo_t *cr, const struct palette *colors, const struct page *page,
			 const struct layout *l, unsigned int nr, const struct panel *panel)
{
	double baseline = top_of(l, nr) + height_of(l, nr) / 2. + TEXT_SIZE * 0.36;
	char text[UNITS_TEXT];

	set_color(cr, &colors->text);
	write_text(cr, l->left - 10, baseline, 1, l->left - 10 - MARGIN, panel->name);
	write_text(cr, l->right + HEAT_WIDTH, baseline, 1, HEAT_WIDTH - 8,
		   heat_text(text, panel->heat));
	write_text(cr, page->width - MARGIN, baseline, 1, SIZE_WIDTH - 8,
		   bytes_text(text, panel->size));
}

static void paint_headings(cairo_t *cr, const struct palette *colors, const struct page *page,
			   const struct layout *l, const struct picture *p)
{
	const char *names = p->kind == KIND_FILES ? "file" : "file (offset upwards)";
	const char *heat = p->kind == KIND_FILES ? "requests" : "peak requests";

	set_color(cr, &colors->faint);
	write_text(cr, l->left - 10, TOP - 8, 1, l->left - 10 - MARGIN, names);
	write_text(cr, l->right + HEAT_WIDTH, TOP - 8, 1, HEAT_WIDTH - 4, heat);
	write_text(cr, page->width - MARGIN, TOP - 8, 1, SIZE_WIDTH - 4, "bytes");
}

static void paint_x_axis(cairo_t *cr, const struct palette *colors, const struct layout *l,
			 const struct axis *axis)
{
	int bottom = l->bottom - l->gap;

	for (unsigned int i = 0; i < axis->nr; i++) {
		const struct tick *tick = &axis->ticks[i];
		double x = l->left + tick->at * (l->right - l->left);

		set_color(cr, &colors->faint);
		cairo_set_line_width(cr, 1);
		cairo_move_to(cr, x, bottom + 1);
		cairo_line_to(cr, x, bottom + 5);
		cairo_stroke(cr);
		set_color(cr, &colors->text);
		write_text(cr, x, bottom + 18, 0.5, l->right - l->left, tick->text);
	}
	set_color(cr, &colors->faint);
	write_text(cr, (l->left + l->right) / 2., bottom + 36, 0.5, l->right - l->left,
		   axis->title);
}

static void paint_y_axis(cairo_t *cr, const struct palette *colors, const struct layout *l,
			 const struct axis *axis)
{
	int height = height_of(l, 0);

	for (unsigned int i = 0; i < axis->nr; i++) {
		double y = TOP + axis->ticks[i].at * height;

		set_color(cr, &colors->faint);
		cairo_set_line_width(cr, 1);
		cairo_move_to(cr, l->left - 5, y);
		cairo_line_to(cr, l->left - 1, y);
		cairo_stroke(cr);
		set_color(cr, &colors->text);
		write_text(cr, l->left - 9, y + TEXT_SIZE * 0.36, 1, 60, axis->ticks[i].text);
	}
	set_color(cr, &colors->faint);
	cairo_save(cr);
	cairo_translate(cr, MARGIN + TEXT_SIZE / 2., TOP + height / 2.);
	cairo_rotate(cr, -M_PI / 2);
	write_text(cr, 0, 0, 0.5, height, axis->title);
	cairo_restore(cr);
}

/* A patch of colour, or hatched without one, and what it means; how wide both are. */
static double paint_patch(cairo_t *cr, const struct palette *colors, double x, double y,
			  const struct color *color, const char *meaning)
{
	cairo_rectangle(cr, x, y, 22, BAR_HEIGHT);
	if (color) {
		set_color(cr, color);
		cairo_fill(cr);
	} else {
		hatch(cr, colors);
	}
	frame_around(cr, colors, x, y, 22, BAR_HEIGHT);
	set_color(cr, &colors->text);
	cairo_move_to(cr, x + 28, y + BAR_HEIGHT - 3);
	cairo_show_text(cr, meaning);
	return 28 + measure(meaning, cr) + 20;
}

static void paint_legend(cairo_t *cr, const struct palette *colors, const struct page *page,
			 const struct picture *p)
{
	int y = page->height - LEGEND, x = MARGIN, width = (int)page->width * 4 / 10 / 64 * 64;
	struct axis axis;

	x += paint_patch(cr, colors, x, y, &colors->none, "no heat");
	if (p->unknown)
		x += paint_patch(cr, colors, x, y, NULL, "no sample");
	for (int i = 0; i < LEVELS; i++) {
		set_color(cr, &colors->levels[i]);
		cairo_rectangle(cr, edge(x, width, i, LEVELS), y, width / LEVELS + 1, BAR_HEIGHT);
		cairo_fill(cr);
	}
	frame_around(cr, colors, x, y, width + 1, BAR_HEIGHT);
	scale_ticks(&p->scale, &axis);
	set_color(cr, &colors->text);
	for (unsigned int i = 0; i < axis.nr; i++) {
		cairo_move_to(cr, x + axis.ticks[i].at * width, y + BAR_HEIGHT);
		cairo_rel_line_to(cr, 0, 4);
		cairo_set_line_width(cr, 1);
		cairo_stroke(cr);
		write_text(cr, x + axis.ticks[i].at * width, y + BAR_HEIGHT + 16, 0.5, width,
			   axis.ticks[i].text);
	}
	write_text(cr, MARGIN, y - 9, 0, page->width - 2 * MARGIN, p->unit);
}

static void paint_all(cairo_t *cr, const struct page *page, const struct picture *p)
{
	struct layout l = lay_out(page, p->kind, p->nr_panels);
	struct palette colors;

	palette_init(&colors, page->dark);
	set_color(cr, &colors.page);
	cairo_paint(cr);
	set_color(cr, &colors.text);
	set_font(cr, TITLE_SIZE, true);
	write_text(cr, MARGIN, TITLE_LINE, 0, page->width - 2 * MARGIN, p->title);
	set_font(cr, TEXT_SIZE, false);
	write_text(cr, MARGIN, SUBTITLE_LINE, 0, page->width - 2 * MARGIN, p->subtitle);
	if (!p->nr_panels) {
		write_text(cr, page->width / 2., page->height / 2., 0.5, page->width,
			   "No file has heat.");
		return;
	}
	for (size_t i = 0; i < p->nr_panels; i++) {
		paint_panel(cr, p, &colors, &l, i);
		if (p->unknown)
			hatch_unknown(cr, p, &colors, &l, i);
		frame_around(cr, &colors, l.left, top_of(&l, i), l.right - l.left,
			     height_of(&l, i));
		if (has_names(p->kind))
			paint_labels(cr, &colors, page, &l, i, &p->panels[i]);
	}
	if (has_names(p->kind))
		paint_headings(cr, &colors, page, &l, p);
	else
		paint_y_axis(cr, &colors, &l, &p->y);
	paint_x_axis(cr, &colors, &l, &p->x);
	paint_legend(cr, &colors, page, p);
}

static cairo_status_t write_bytes(void *to, const unsigned char *data, unsigned int bytes)
{
	return fwrite(data, 1, bytes, to) == bytes ? CAIRO_STATUS_SUCCESS :
						     CAIRO_STATUS_WRITE_ERROR;
}

/**
 * paint - draw a picture
 * @page: how
 * @p: what
 * @to: gets the file
 *
 * Return: 0; -EIO or what errno says if it could not be written; -ENOMEM for anything else that
 * cairo could not do.
 */
int paint(const struct page *page, const struct picture *p, FILE *to)
{
	cairo_surface_t *surface;
	cairo_status_t status;
	cairo_t *cr;

	if (page->png)
		surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, page->width,
						     page->height);
	else
		surface = cairo_svg_surface_create_for_stream(write_bytes, to, page->width,
							      page->height);
	cr = cairo_create(surface);
	paint_all(cr, page, p);
	status = cairo_status(cr);
	cairo_destroy(cr);
	errno = 0;
	if (!status && page->png)
		status = cairo_surface_write_to_png_stream(surface, write_bytes, to);
	cairo_surface_finish(surface);
	if (!status)
		status = cairo_surface_status(surface);
	cairo_surface_destroy(surface);
	if (status == CAIRO_STATUS_WRITE_ERROR)
		return errno ? -errno : -EIO;
	return status ? -ENOMEM : 0;
}
