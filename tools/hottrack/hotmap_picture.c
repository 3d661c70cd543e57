// SPDX-License-Identifier: GPL-2.0
/*
 * hotmap: heat as cells. A cell has the heat of the hottest range in it, so that a small hot spot
 * in a large file does not fade, and the number does not depend on the size of the picture.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hotmap.h"

const char *by_text(unsigned int by)
{
	return by == HOT_BY_READS ? "reads" : by == HOT_BY_WRITES ? "writes" : "reads + writes";
}

/* Which of @cells, that are @span bytes together, has this byte. */
static unsigned int cell_of(__u64 byte, __u64 span, unsigned int cells)
{
	/* Then the product has less than 64 bits. */
	for (; span >> 48; span >>= 1)
		byte >>= 1;
	byte = byte * cells / span;
	return byte < cells ? byte : cells - 1;
}

/**
 * bin_file - a file as a line of cells, from offset 0 on
 * @line: filled in
 * @cells: how many there are
 * @file: the file
 * @span: bytes that the line stands for
 * @range_shift: log2 of the bytes of a range
 * @by: which heat
 */
void bin_file(__s64 *line, unsigned int cells, const struct file *file, __u64 span,
	      unsigned int range_shift, unsigned int by)
{
	__u64 size = file->size < span ? file->size : span;
	unsigned int there = size ? cell_of(size - 1, span, cells) + 1 : 0;

	for (unsigned int i = 0; i < cells; i++)
		line[i] = i < there ? 0 : CELL_ABSENT;
	for (size_t i = 0; i < file->nr_ranges; i++) {
		const struct range *r = &file->ranges[i];
		__s64 heat = heat_by(r->reads, r->writes, by);
		__u64 end = r->offset + (1ULL << range_shift);
		unsigned int last;

		if (end > size)
			end = size;
		if (r->offset >= end)
			break;
		last = cell_of(end - 1, span, cells);
		for (unsigned int c = cell_of(r->offset, span, cells); c <= last; c++)
			if (line[c] < heat)
				line[c] = heat;
	}
}

void picture_free(struct picture *p)
{
	for (size_t i = 0; p->panels && i < p->nr_panels; i++) {
		free(p->panels[i].name);
		free(p->panels[i].cells);
	}
	free(p->panels);
	free(p->title);
	*p = (struct picture){ 0 };
}

/**
 * picture_init - an empty picture
 * @columns: of cells of each panel
 * @rows: likewise
 * @panels: how many; each wants panel_init()
 *
 * Return: 0 or -ENOMEM; picture_free() takes either.
 */
int picture_init(struct picture *p, enum picture_kind kind, const char *title, unsigned int columns,
		 unsigned int rows, size_t panels)
{
	*p = (struct picture){
		.kind = kind,
		.title = strdup(title),
		.columns = columns,
		.rows = rows,
		.nr_panels = panels,
		.panels = calloc(panels + 1, sizeof(*p->panels)),
	};
	return p->title && p->panels ? 0 : -ENOMEM;
}

/* All cells are CELL_UNKNOWN. */
int panel_init(struct picture *p, size_t nr, const char *name, __u64 heat, __u64 size)
{
	size_t cells = (size_t)p->columns * p->rows;
	struct panel *panel = &p->panels[nr];

	*panel = (struct panel){
		.name = strdup(name),
		.heat = heat,
		.size = size,
		.cells = malloc((cells + 1) * sizeof(*panel->cells)),
	};
	if (!panel->name || !panel->cells)
		return -ENOMEM;
	for (size_t i = 0; i < cells; i++)
		panel->cells[i] = CELL_UNKNOWN;
	return 0;
}

static void write_time(FILE *to, __u64 ms)
{
	time_t seconds = ms / 1000;
	char text[64];
	struct tm tm;

	if (localtime_r(&seconds, &tm) &&
	    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm))
		fputs(text, to);
}

static void write_subtitle(FILE *to, const struct picture *p, const struct subject *subject,
			   const struct frame *frame, const struct view *view, __u64 length_ms)
{
	char text[UNITS_TEXT], size[UNITS_TEXT];

	if (p->kind == KIND_FILES)
		fprintf(to, "%zu of %llu files with heat, ", p->nr_panels, frame->tracked);
	if (p->kind == KIND_FILE || p->kind == KIND_FILE_TIME)
		fprintf(to, "%s%s requests, %s bytes, ", length_ms ? "at most " : "",
			heat_text(text, p->panels[0].heat), bytes_text(size, p->panels[0].size));
	fprintf(to, "%s, ", by_text(view->by));
	write_time(to, subject->start_ms + (length_ms ? 0 : frame->elapsed_ms));
	if (length_ms) {
		fputs(" to ", to);
		write_time(to, subject->start_ms + length_ms);
		fprintf(to, ", a sample every %s", duration_text(text, subject->interval_ms));
	}
	if (frame->left_out)
		fprintf(to, ", without ranges below %s requests",
			heat_text(text, frame->left_out));
}

/**
 * picture_describe - the subtitle, and what the colours mean
 * @frame: settings and, of one frame, the time
 * @length_ms: how long the picture is; 0: it is of one time
 */
void picture_describe(struct picture *p, const struct subject *subject, const struct frame *frame,
		      const struct view *view, __u64 length_ms)
{
	/* The 0 at the end stays. */
	FILE *to = fmemopen(p->subtitle, sizeof(p->subtitle) - 1, "w");
	char text[UNITS_TEXT], range[UNITS_TEXT];

	if (to) {
		write_subtitle(to, p, subject, frame, view, length_ms);
		fclose(to);
	}
	snprintf(p->unit, sizeof(p->unit),
		 "requests (half-life %s) of the hottest %s range in each cell",
		 duration_text(text, frame->half_life_ms),
		 bytes_text(range, 1ULL << frame->range_shift));
}

static void widen(const struct file *file, unsigned int by, __u64 *least, __u64 *most)
{
	for (size_t i = 0; i < file->nr_ranges; i++) {
		__u64 heat = heat_by(file->ranges[i].reads, file->ranges[i].writes, by);

		if (heat && (!*least || heat < *least))
			*least = heat;
		if (heat > *most)
			*most = heat;
	}
}

static void fit_frame(struct picture *p, const struct frame *frame, size_t files,
		      const struct view *view, const struct scale *scale)
{
	__u64 least = 0, most = 0;

	if (scale) {
		p->scale = *scale;
		return;
	}
	for (size_t i = 0; i < files; i++)
		widen(&frame->files[i], view->by, &least, &most);
	scale_fit(&p->scale, least, most, view->hottest);
}

static int all_files(struct picture *p, const struct subject *subject, const struct frame *frame,
		     const struct view *view)
{
	size_t files = frame->nr_files < view->files ? frame->nr_files : view->files;
	char *title;
	__u64 span = 0;
	int ret;

	if (asprintf(&title, "Hottest files of %s", subject->path) < 0)
		return -ENOMEM;
	ret = picture_init(p, KIND_FILES, title, view->columns, 1, files);
	free(title);
	for (size_t i = 0; i < files; i++)
		if (span < frame->files[i].size)
			span = frame->files[i].size;
	for (size_t i = 0; i < files && !ret; i++) {
		const struct file *file = &frame->files[i];

		ret = panel_init(p, i, file->name, heat_by(file->reads, file->writes, view->by),
				 file->size);
		if (!ret)
			bin_file(p->panels[i].cells, p->columns, file,
				 view->bytes ? span : file->size, frame->range_shift, view->by);
	}
	if (view->bytes) {
		p->x.title = "offset in the file, bytes";
		byte_ticks(&p->x, span, view->x_ticks);
	} else {
		p->x.title = "offset, as a share of the file";
		share_ticks(&p->x);
	}
	return ret;
}

/*
 * One file: the smallest cells that fit, a whole number of ranges each, in rows of a power of two
 * of them, so that the offsets on the axes are round.
 */
static int one_file(struct picture *p, const struct subject *subject, const struct frame *frame,
		    const struct view *view)
{
	const struct file *file = &frame->files[0];
	unsigned int shift = frame->range_shift, columns = 1, rows;
	__u64 cells, span;
	int ret;

	while (columns * 2 <= view->columns)
		columns *= 2;
	while (file->size >> shift >= (__u64)columns * view->rows)
		shift++;
	cells = (file->size + (1ULL << shift) - 1) >> shift;
	/* A small file is not one thin line. */
	while (columns > 1 && (__u64)columns * columns / 4 >= cells &&
	       columns / 2 * view->rows >= cells)
		columns /= 2;
	rows = cells ? (cells + columns - 1) / columns : 1;
	ret = picture_init(p, KIND_FILE, subject->path, columns, rows, 1);
	if (!ret)
		ret = panel_init(p, 0, file->name, heat_by(file->reads, file->writes, view->by),
				 file->size);
	if (ret)
		return ret;
	span = (__u64)columns * rows << shift;
	bin_file(p->panels[0].cells, columns * rows, file, span, frame->range_shift, view->by);
	p->x.title = "offset in the row, bytes";
	byte_ticks(&p->x, (__u64)columns << shift, view->x_ticks);
	p->y.title = "offset of the row, bytes";
	/* Steps are then no shorter than a row. */
	byte_ticks(&p->y, span, rows < view->y_ticks ? rows + 1 : view->y_ticks);
	/* At the end there is no row any more, and of one row only its beginning is one. */
	while (p->y.nr > 1 && (rows == 1 || p->y.ticks[p->y.nr - 1].at >= 1))
		p->y.nr--;
	return 0;
}

/**
 * picture_of_frame - what is hot at one time
 * @p: out: to be freed with picture_free(), also after an error
 * @scale: of heat; NULL: what fits
 *
 * Return: 0 or -ENOMEM.
 */
int picture_of_frame(struct picture *p, const struct subject *subject, const struct frame *frame,
		     const struct view *view, const struct scale *scale)
{
	int ret = subject->one_file && frame->nr_files ? one_file(p, subject, frame, view) :
							 all_files(p, subject, frame, view);

	if (ret)
		return ret;
	fit_frame(p, frame, p->nr_panels, view, scale);
	picture_describe(p, subject, frame, view, 0);
	return 0;
}
