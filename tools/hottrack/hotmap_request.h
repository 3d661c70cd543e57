/* SPDX-License-Identifier: GPL-2.0 */
/* hotmap: what the command line asks for, and the commands. */
#ifndef HOTMAP_REQUEST_H
#define HOTMAP_REQUEST_H

#include "hotmap.h"

enum format { FORMAT_TEXT, FORMAT_SVG, FORMAT_PNG, FORMAT_JSON, FORMAT_UNKNOWN };

/**
 * struct request - what is asked for
 * @arguments: of the command
 * @nr_arguments: how many there are
 * @output: file to write to; NULL: standard output
 * @format: what to write
 * @page: of an SVG or PNG
 * @term: for text
 * @view: what to look at; what has to do with room is filled in later
 * @search: look for names that the kernel does not know
 * @file: of a recording, only a file with this in its name
 * @at_given: of a recording, only the time @at_ms
 * @at_ms: since its beginning
 * @interval_ms: between samples; 0: the default
 * @duration_ms: of a recording that is made; 0: until a signal
 */
struct request {
	const char *arguments[2];
	int nr_arguments;
	const char *output;
	enum format format;
	struct page page;
	struct terminal term;
	struct view view;
	bool search;
	const char *file;
	bool at_given;
	__u64 at_ms, interval_ms, duration_ms;
};

/* Each is a command, hotmap_live.c and hotmap_replay.c; an exit code. */
int run_show(struct request *req);
int run_record(struct request *req);
int run_render(struct request *req);
int run_replay(struct request *req);

/* hotmap_output.c */
void view_fit(struct request *req, enum picture_kind kind, size_t files);
int output_picture(const struct request *req, const struct picture *p);
int output_json(const struct request *req, const struct subject *subject,
		const struct frame *frame, struct recording *rec);
int no_memory(void);

/* hotmap_wait.c */
void signals_block(void);
__u64 boot_ms(void);
bool sleep_until(__u64 ms);

#endif /* HOTMAP_REQUEST_H */
