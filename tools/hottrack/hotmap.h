/* SPDX-License-Identifier: GPL-2.0 */
/* hotmap: what its files share. */
#ifndef HOTMAP_H
#define HOTMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "hottrack.h"
#include "libunits.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Exit codes, the same in all tools of this folder. */
enum {
	EXIT_DONE,
	EXIT_OTHER,
	EXIT_USAGE,
	EXIT_OUTPUT,		/* something could not be written, or no memory */
	EXIT_INPUT,		/* something could not be opened or read, or is damaged */
	EXIT_CANNOT_TRACK,	/* the kernel or the filesystem */
	EXIT_OFF = 7,
	EXIT_NOT_PERMITTED = 8,
};

/* Say what is wrong. */
#define complain(format, ...) fprintf(stderr, "hotmap: " format "\n", ##__VA_ARGS__)

/* hotmap_frame.c: heat at one time, wherever it is from */

/* A file handle: tells whether two frames are about the same file. */
struct key {
	__s32 type;
	__u32 bytes;
	__u8 handle[HOT_HANDLE_MAX];
};

struct range {
	__u64 offset;
	__u32 reads, writes;
};

/**
 * struct file - heat of one file
 * @key: its handle
 * @name: a path, or what is known instead; UTF-8 without control characters
 * @size: in bytes; where it is not known, the end of the last range that has heat
 * @reads: read heat, in 1/HOT_ONE requests
 * @writes: write heat
 * @nr_ranges: of @ranges
 * @ranges: those that have heat, in order of offset
 */
struct file {
	struct key key;
	char *name;
	__u64 size;
	__u32 reads, writes;
	size_t nr_ranges;
	struct range *ranges;
};

/**
 * struct frame - heat of the hottest files at one time
 * @elapsed_ms: since the first frame of a recording
 * @half_life_ms: of the filesystem
 * @range_shift: log2 of the bytes of a range
 * @tracked: files that have heat, shown or not
 * @left_out: ranges below this heat may be missing; 0 if none is
 * @complete: a file that is not in @files has no heat
 * @nr_files: of @files
 * @files: hottest first
 */
struct frame {
	__u64 elapsed_ms;
	__u64 half_life_ms;
	unsigned int range_shift;
	__u64 tracked;
	__u64 left_out;
	bool complete;
	size_t nr_files;
	struct file *files;
};

void frame_free(struct frame *frame);
int key_compare(const struct key *a, const struct key *b);
int range_compare(const void *a, const void *b);

/* @by is HOT_BY_READS, HOT_BY_WRITES, or 0 for both together. */
__u64 heat_by(__u32 reads, __u32 writes, unsigned int by);

/* hotmap_sample.c: ask the kernel. 0 or a negative errno; the frame is then empty. */
int sample_filesystem(struct hottrack *ht, unsigned int by, unsigned int files, bool search,
		      struct frame *frame);
int sample_file(struct hottrack *ht, const char *path, struct frame *frame);

/* hotmap_text.c: names that do no harm, as short as they have to be */
char *text_safe(const char *s, bool utf8);
size_t text_next(const char *s);
int text_width(const char *s);

/* How wide the text is, in whatever unit. */
typedef double (*text_measure)(const char *s, void *arg);
char *text_elide(const char *s, double width, text_measure measure, void *arg,
		 const char *ellipsis);

/* hotmap_palette.c: colours */
#define LEVELS 64

struct color {
	double red, green, blue;	/* sRGB, 0 to 1 */
};

/**
 * struct palette - the colours of a picture
 * @dark: for a dark page
 * @page: the background
 * @text: in front of it
 * @faint: lines and texts that matter less
 * @none: a place that has no heat
 * @levels: from cold to hot
 */
struct palette {
	bool dark;
	struct color page, text, faint, none;
	struct color levels[LEVELS];
};

void palette_init(struct palette *palette, bool dark);
double color_lightness(const struct color *c);
double color_difference(const struct color *a, const struct color *b);
void palette_of_terminal(const struct palette *palette, unsigned char none[1],
			 unsigned char levels[LEVELS]);

/* hotmap_scale.c: from heat to a level, and the numbers on the axes */
#define TICK_TEXT 24
#define MAX_TICKS 12

struct tick {
	double at;		/* 0 to 1 along the axis */
	char text[TICK_TEXT];
};

/**
 * struct axis - one direction of a picture
 * @title: what it is, with the unit; NULL without an axis
 * @nr: of @ticks
 * @ticks: places with numbers
 */
struct axis {
	const char *title;
	unsigned int nr;
	struct tick ticks[MAX_TICKS];
};

/**
 * struct scale - the logarithmic scale of heat
 * @low: heat, in requests, at its cold end
 * @high: at its hot end
 * @colder: there is less, which looks the same as @low
 * @hotter: there is more, which looks the same as @high
 */
struct scale {
	double low, high;
	bool colder, hotter;
};

void scale_fit(struct scale *scale, __u64 least, __u64 most, double wanted);
double scale_place(const struct scale *scale, double requests);
double scale_at(const struct scale *scale, double place);
int scale_level(const struct scale *scale, __s64 heat, int levels);
void scale_ticks(const struct scale *scale, struct axis *axis);
void share_ticks(struct axis *axis);
void byte_ticks(struct axis *axis, __u64 bytes, unsigned int most);
void time_ticks(struct axis *axis, __u64 begin_ms, __u64 length_ms, unsigned int most);
char *heat_text(char text[UNITS_TEXT], __u64 heat);

/* hotmap_picture.c: frames as cells, whatever they will be drawn with */

/* What else a cell can be than a heat; in this order, so that the larger one of two tells more. */
#define CELL_UNKNOWN	-2	/* there is no sample of it */
#define CELL_ABSENT	-1	/* the file does not reach that far */

enum picture_kind {
	KIND_FILES,		/* a row a file, x: offset */
	KIND_FILE,		/* one file, its offsets go on in the next row */
	KIND_FILES_TIME,	/* a strip a file, x: time, y: offset */
	KIND_FILE_TIME,		/* one file, x: time, y: offset */
};

/**
 * struct panel - a file's part of a picture
 * @name: of the file
 * @heat: at that time, or the most there was
 * @size: at that time, or the largest there was
 * @cells: heat or CELL_*; row after row, the first on top
 */
struct panel {
	char *name;
	__u64 heat;
	__u64 size;
	__s64 *cells;
};

/**
 * struct picture - what is to be drawn
 * @kind: how it is laid out
 * @title: what it shows
 * @subtitle: when, and of how much
 * @unit: what the colours mean
 * @x: the horizontal axis
 * @y: the vertical axis of a single panel
 * @scale: of heat
 * @columns: of the cells of each panel
 * @rows: likewise
 * @nr_panels: of @panels
 * @panels: hottest first
 * @unknown: some cells are CELL_UNKNOWN
 */
struct picture {
	enum picture_kind kind;
	char *title;
	char subtitle[320];
	char unit[160];
	struct axis x, y;
	struct scale scale;
	unsigned int columns, rows;
	size_t nr_panels;
	struct panel *panels;
	bool unknown;
};

/**
 * struct view - how something is to be looked at
 * @by: HOT_BY_READS, HOT_BY_WRITES, or 0 for both together
 * @files: most files; 0 for as many as there is room for
 * @bytes: the offsets of all files on one scale in bytes, not each as a share of its file
 * @hottest: heat, in requests, at the hot end of the scale; 0: as needed
 * @columns: most cells in a row
 * @rows: most rows of cells of a single panel
 * @panel_rows: rows of cells of each panel where there is one for each file over time
 * @x_ticks: most numbers that the horizontal axis has room for
 * @y_ticks: likewise
 */
struct view {
	unsigned int by, files;
	bool bytes;
	double hottest;
	unsigned int columns, rows, panel_rows, x_ticks, y_ticks;
};

/* What a frame or a recording is of. */
struct subject {
	char *path;			/* the mount point, or the file; as a name in struct file */
	bool one_file;
	__u64 start_ms;			/* since 1970 */
	__u64 interval_ms;		/* between two frames; 0 for a single one */
};

const char *by_text(unsigned int by);
void bin_file(__s64 *line, unsigned int cells, const struct file *file, __u64 span,
	      unsigned int range_shift, unsigned int by);
int picture_of_frame(struct picture *p, const struct subject *subject, const struct frame *frame,
		     const struct view *view, const struct scale *scale);
int picture_init(struct picture *p, enum picture_kind kind, const char *title, unsigned int columns,
		 unsigned int rows, size_t panels);
int panel_init(struct picture *p, size_t nr, const char *name, __u64 heat, __u64 size);
void picture_describe(struct picture *p, const struct subject *subject, const struct frame *frame,
		      const struct view *view, __u64 length_ms);
void picture_free(struct picture *p);

/* hotmap_recording.c: frames in a file */
struct recording;

int recording_create(struct recording **rec, FILE *file, const struct subject *subject);
int recording_add(struct recording *rec, struct frame *frame, size_t *left_out);
int recording_open(struct recording **rec, FILE *file, struct subject *subject);
int recording_next(struct recording *rec, struct frame *frame);
int recording_rewind(struct recording *rec);
void recording_close(struct recording *rec);
const char *recording_problem(const struct recording *rec);
bool recording_cut_off(const struct recording *rec);

/* hotmap_history.c: a recording as a picture */

/* What there is of a file in a recording. */
struct summary {
	struct key key;
	char *name;		/* the last one */
	__u64 size;		/* the largest */
	__u64 heat;		/* the most */
	__u64 least, most;	/* of its ranges, without those that are 0 */
};

/**
 * struct history - what there is in a recording
 * @frames: how many
 * @length_ms: from the first to the end of the last
 * @last: the last frame, without its files
 * @nr_files: of @files
 * @files: hottest first
 */
struct history {
	unsigned long frames;
	__u64 length_ms;
	struct frame last;
	size_t nr_files;
	struct summary *files;
};

int history_read(struct history *h, struct recording *rec, const struct subject *subject,
		 unsigned int by, const char *name);
void history_scale(const struct history *h, const struct view *view, size_t files,
		   struct scale *scale);
int picture_of_history(struct picture *p, const struct subject *subject,
		       const struct history *h, struct recording *rec, const struct view *view);
void history_free(struct history *h);

/* hotmap_paint.c: SVG and PNG */
struct page {
	unsigned int width, height;	/* pixels */
	bool png, dark;
};

void paint_view(const struct page *page, enum picture_kind kind, size_t files, struct view *view);
int paint(const struct page *page, const struct picture *p, FILE *to);

/* hotmap_print.c: the terminal */
#define LEAST_COLUMNS 40
#define MOST_COLUMNS 1000

enum colors { COLORS_NONE, COLORS_256, COLORS_TRUE };

struct terminal {
	unsigned int width, height;	/* characters */
	enum colors colors;
	bool utf8, dark;
};

void print_view(const struct terminal *term, enum picture_kind kind, size_t files,
		struct view *view);
int print(const struct terminal *term, const struct picture *p, FILE *to);

/* hotmap_terminal.c */
void terminal_look(struct terminal *term, FILE *out);

/* hotmap_json.c: the data behind the picture */
int json_frame(FILE *to, const struct subject *subject, const struct frame *frame,
	       const struct view *view);
int json_recording(FILE *to, const struct subject *subject, struct recording *rec,
		   const struct view *view, const char *name);

#endif /* HOTMAP_H */
