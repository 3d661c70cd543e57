// SPDX-License-Identifier: GPL-2.0
/*
 * hotmap: a recording as a picture over time. The recording is read twice, first for what there
 * is, then for the cells, so that it may be larger than memory.
 */
#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "hotmap.h"

/* A frame is good for so many intervals; afterwards nothing is known. */
#define GOOD_FOR 2

static int tree_compare(const void *a, const void *b)
{
	return key_compare(a, b);	/* a summary begins with its key */
}

static void summary_free(void *summary)
{
	free(((struct summary *)summary)->name);
	free(summary);
}

static int summarize(struct summary *s, const struct file *file, unsigned int by)
{
	__u64 heat = heat_by(file->reads, file->writes, by);

	if (!s->name || strcmp(s->name, file->name)) {
		char *name = strdup(file->name);

		if (!name)
			return -ENOMEM;
		free(s->name);
		s->name = name;
	}
	if (s->size < file->size)
		s->size = file->size;
	if (s->heat < heat)
		s->heat = heat;
	for (size_t i = 0; i < file->nr_ranges; i++) {
		heat = heat_by(file->ranges[i].reads, file->ranges[i].writes, by);
		if (heat && (!s->least || heat < s->least))
			s->least = heat;
		if (heat > s->most)
			s->most = heat;
	}
	return 0;
}

static int add_file(void **tree, size_t *count, const struct file *file, unsigned int by)
{
	struct summary **found, *s;

	found = tfind(&file->key, tree, tree_compare);
	if (found)
		return summarize(*found, file, by);
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->key = file->key;
	if (summarize(s, file, by) || !tsearch(s, tree, tree_compare)) {
		summary_free(s);
		return -ENOMEM;
	}
	++*count;
	return 0;
}

/* How long a frame is good, until @next or, for the last one, 0. */
static __u64 end_of(const struct frame *frame, __u64 next, const struct subject *subject)
{
	__u64 most = frame->elapsed_ms + GOOD_FOR * subject->interval_ms;

	if (!next)
		return frame->elapsed_ms + subject->interval_ms;
	return next < most ? next : most;
}

static int hottest_first(const void *a, const void *b)
{
	const struct summary *x = a, *y = b;

	if (x->heat != y->heat)
		return x->heat < y->heat ? 1 : -1;
	return key_compare(&x->key, &y->key);
}

struct collector {
	struct history *h;
	const char *name;
};

static void collect(const void *node, VISIT visit, void *closure)
{
	struct summary *s = *(struct summary * const *)node;
	const struct collector *c = closure;

	if ((visit != postorder && visit != leaf) || (c->name && !strstr(s->name, c->name)))
		return;
	c->h->files[c->h->nr_files++] = *s;
	/* It is the history's now. */
	s->name = NULL;
}

static int read_frames(struct history *h, struct recording *rec, unsigned int by, void **tree,
		       size_t *count, const struct subject *subject)
{
	struct frame frame;
	int ret;

	while ((ret = recording_next(rec, &frame)) > 0) {
		for (size_t i = 0; i < frame.nr_files && ret > 0; i++)
			if (add_file(tree, count, &frame.files[i], by))
				ret = -ENOMEM;
		h->frames++;
		h->length_ms = end_of(&frame, 0, subject);
		h->last = frame;
		h->last.files = NULL;
		h->last.nr_files = 0;
		frame_free(&frame);
		if (ret < 0)
			break;
	}
	return ret;
}

/**
 * history_read - see what there is in a recording
 * @h: out: to be freed with history_free(), also after an error
 * @rec: at its first frame
 * @name: only files with this in their name; NULL for all
 *
 * Return: 0 or a negative errno.
 */
int history_read(struct history *h, struct recording *rec, const struct subject *subject,
		 unsigned int by, const char *name)
{
	struct collector collector = { h, name };
	void *tree = NULL;
	size_t count = 0;
	int ret;

	*h = (struct history){ 0 };
	ret = read_frames(h, rec, by, &tree, &count, subject);
	if (!ret) {
		h->files = calloc(count + 1, sizeof(*h->files));
		ret = h->files ? 0 : -ENOMEM;
	}
	if (!ret) {
		twalk_r(tree, collect, &collector);
		qsort(h->files, h->nr_files, sizeof(*h->files), hottest_first);
	}
	tdestroy(tree, summary_free);
	return ret;
}

void history_free(struct history *h)
{
	for (size_t i = 0; i < h->nr_files; i++)
		free(h->files[i].name);
	free(h->files);
	*h = (struct history){ 0 };
}

/* One scale for the hottest @files files at all times. */
void history_scale(const struct history *h, const struct view *view, size_t files,
		   struct scale *scale)
{
	__u64 least = 0, most = 0;

	for (size_t i = 0; i < files && i < h->nr_files; i++) {
		if (h->files[i].least && (!least || h->files[i].least < least))
			least = h->files[i].least;
		if (h->files[i].most > most)
			most = h->files[i].most;
	}
	scale_fit(scale, least, most, view->hottest);
}

/* Put what one frame tells of one file into the columns from @first to @last. */
static void fill_columns(struct picture *p, struct panel *panel, const __s64 *line,
			 unsigned int first, unsigned int last)
{
	for (unsigned int row = 0; row < p->rows; row++) {
		/* Offset 0 is at the bottom. */
		__s64 heat = line[p->rows - 1 - row], *cell = panel->cells + row * p->columns;

		for (unsigned int c = first; c <= last; c++)
			if (cell[c] < heat)
				cell[c] = heat;
	}
}

static const struct file *find_file(const struct frame *frame, const struct key *key)
{
	for (size_t i = 0; i < frame->nr_files; i++)
		if (!key_compare(&frame->files[i].key, key))
			return &frame->files[i];
	return NULL;
}

static void fill_frame(struct picture *p, const struct history *h, const struct frame *frame,
		       __u64 end, unsigned int by, __s64 *line)
{
	unsigned int first, last;

	/* The recording may have become longer meanwhile. */
	if (frame->elapsed_ms >= h->length_ms)
		return;
	if (end > h->length_ms)
		end = h->length_ms;
	first = frame->elapsed_ms * p->columns / h->length_ms;
	last = (end - 1) * p->columns / h->length_ms;
	for (size_t i = 0; i < p->nr_panels; i++) {
		const struct file *file = find_file(frame, &h->files[i].key);
		/* How long a file is that is not in the frame is not known; as long as ever. */
		struct file cold = { .size = h->files[i].size };

		if (!file && !frame->complete)
			continue;
		bin_file(line, p->rows, file ? file : &cold, h->files[i].size,
			 frame->range_shift, by);
		fill_columns(p, &p->panels[i], line, first, last);
	}
}

/* Each frame is drawn when the next one is known. */
static int fill(struct picture *p, const struct subject *subject, const struct history *h,
		struct recording *rec, unsigned int by)
{
	__s64 *line = calloc(p->rows, sizeof(*line));
	struct frame frame, next;
	int ret = line ? recording_next(rec, &frame) : -ENOMEM, more;

	while (ret > 0) {
		more = recording_next(rec, &next);
		/* Two at the same moment: the later one is drawn over it. */
		if (more <= 0 || next.elapsed_ms > frame.elapsed_ms)
			fill_frame(p, h, &frame,
				   end_of(&frame, more > 0 ? next.elapsed_ms : 0, subject), by,
				   line);
		frame_free(&frame);
		frame = next;
		ret = more;
	}
	free(line);
	return ret;
}

static void look_for_unknown(struct picture *p)
{
	for (size_t i = 0; i < p->nr_panels; i++)
		for (size_t c = 0; c < (size_t)p->columns * p->rows; c++)
			p->unknown |= p->panels[i].cells[c] == CELL_UNKNOWN;
}

static int make_panels(struct picture *p, const struct subject *subject, const struct history *h,
		       const struct view *view)
{
	size_t files = h->nr_files < view->files ? h->nr_files : view->files;
	bool one = files == 1;
	char *title;
	int ret;

	if (one)
		ret = asprintf(&title, "%s over time", h->files[0].name);
	else
		ret = asprintf(&title, "Hottest files of %s over time", subject->path);
	if (ret < 0)
		return -ENOMEM;
	ret = picture_init(p, one ? KIND_FILE_TIME : KIND_FILES_TIME, title, view->columns,
			   one ? view->rows : view->panel_rows, files);
	free(title);
	for (size_t i = 0; i < files && !ret; i++)
		ret = panel_init(p, i, h->files[i].name, h->files[i].heat, h->files[i].size);
	if (one && !ret) {
		p->y.title = "offset in the file, bytes";
		byte_ticks(&p->y, h->files[0].size, view->y_ticks);
		/* Upwards. */
		for (unsigned int i = 0; i < p->y.nr; i++)
			p->y.ticks[i].at = 1 - p->y.ticks[i].at;
	}
	p->x.title = "time";
	time_ticks(&p->x, subject->start_ms, h->length_ms, view->x_ticks);
	return ret;
}

/**
 * picture_of_history - a recording over time
 * @p: out: to be freed with picture_free(), also after an error
 * @h: from history_read(), with at least one frame
 * @rec: at its first frame again
 *
 * Return: 0 or a negative errno.
 */
int picture_of_history(struct picture *p, const struct subject *subject,
		       const struct history *h, struct recording *rec, const struct view *view)
{
	int ret = make_panels(p, subject, h, view);

	if (!ret)
		ret = fill(p, subject, h, rec, view->by);
	if (ret)
		return ret;
	look_for_unknown(p);
	history_scale(h, view, p->nr_panels, &p->scale);
	picture_describe(p, subject, &h->last, view, h->length_ms);
	return 0;
}
