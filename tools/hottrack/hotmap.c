// SPDX-License-Identifier: GPL-2.0
/* The hotmap command: reads the options and runs a command. */
#include <argp.h>
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hotmap_request.h"

const char *argp_program_version = "hotmap " VERSION;

/* Pixels of a picture; less has no room for what is written on it. */
#define LEAST_WIDTH 640
#define LEAST_HEIGHT 320
#define MOST_PIXELS 16384

enum {
	KEY_DARK = 0x100,
	KEY_LIGHT,
	KEY_WIDTH,
	KEY_COLORS,
	KEY_AT,
	KEY_FILE,
};

struct command {
	const char *name;
	int (*run)(struct request *req);
	int least, most;		/* arguments */
	const char *arguments;
	const char *options;		/* keys; 1: from KEY_DARK on, 2: from KEY_AT on */
};

static const struct command commands[] = {
	{ "show", run_show, 0, 1, "[PATH]", "nbjSofsxH\x01" },
	{ "record", run_record, 2, 2, "PATH RECORDING", "nSid" },
	{ "render", run_render, 1, 1, "RECORDING", "nbjofsxH\x01\x02" },
	{ "replay", run_replay, 1, 1, "RECORDING", "nbxHi\x01" },
};

struct line {
	const struct command *command;
	struct request req;
	int keys[64];			/* those that were given */
	size_t nr_keys;
};

static unsigned int number_from(struct argp_state *state, const char *option, const char *arg,
				unsigned int least, unsigned int most)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(arg, &end, 10);
	if (errno || end == arg || *end || value < least || value > most)
		argp_error(state, "--%s '%s': wanted a number from %u to %u", option, arg, least,
			   most);
	return value;
}

static __u64 time_from(struct argp_state *state, const char *option, const char *arg, __u64 least,
		       __u64 most)
{
	char from[UNITS_TEXT], to[UNITS_TEXT];
	__u64 ms;

	if (parse_duration(arg, &ms))
		argp_error(state, "--%s '%s': wanted %s", option, arg, DURATION_WANTED);
	if (ms < least || ms > most)
		argp_error(state, "--%s '%s': wanted a time from %s to %s", option, arg,
			   duration_text(from, least), duration_text(to, most));
	return ms;
}

static void size_from(struct argp_state *state, const char *arg, struct page *page)
{
	char rest;

	if (sscanf(arg, "%5ux%5u%c", &page->width, &page->height, &rest) != 2 ||
	    page->width < LEAST_WIDTH || page->width > MOST_PIXELS ||
	    page->height < LEAST_HEIGHT || page->height > MOST_PIXELS)
		argp_error(state, "--size '%s': wanted WIDTHxHEIGHT in pixels, from %ux%u to %ux%u",
			   arg, LEAST_WIDTH, LEAST_HEIGHT, MOST_PIXELS, MOST_PIXELS);
}

/* Which of the words, from 0 on. */
static int word_from(struct argp_state *state, const char *option, const char *arg,
		     const char * const *words, const char *wanted)
{
	for (int i = 0; words[i]; i++)
		if (!strcmp(arg, words[i]))
			return i;
	argp_error(state, "--%s '%s': wanted %s", option, arg, wanted);
	return 0;
}

static double heat_from(struct argp_state *state, const char *arg)
{
	const double most = 2. * HOT_HEAT_MAX / HOT_ONE;
	char *end;
	double value = strtod(arg, &end);

	/* Also refuses what is no number. */
	if (end == arg || *end || !(value >= 1. / HOT_ONE && value <= most))
		argp_error(state, "--hottest '%s': wanted a number of requests up to %.0f", arg,
			   most);
	return value;
}

static const char * const format_words[] = { "text", "svg", "png", "json", NULL };
static const char * const color_words[] = { "none", "256", "true", "auto", NULL };
static const char * const by_words[] = { "total", "reads", "writes", NULL };
static const unsigned int by_values[] = { 0, HOT_BY_READS, HOT_BY_WRITES };

/* By the end of the file's name, if nothing else was said. */
static void choose_format(struct argp_state *state, struct request *req)
{
	const char *dot = req->output ? strrchr(req->output, '.') : NULL;

	if (req->format == FORMAT_UNKNOWN && !req->output)
		req->format = FORMAT_TEXT;
	for (int i = 0; req->format == FORMAT_UNKNOWN && dot && format_words[i]; i++)
		if (!strcmp(dot + 1, format_words[i]))
			req->format = i;
	if (req->format == FORMAT_UNKNOWN)
		argp_error(state, "--output '%s': wanted .svg, .png, .json or .text at its end",
			   req->output);
	req->page.png = req->format == FORMAT_PNG;
	if (req->output && !strcmp(req->output, "-"))
		req->output = NULL;
	if (req->format == FORMAT_PNG && !req->output && isatty(STDOUT_FILENO))
		argp_error(state, "a terminal cannot show PNG; use --output");
}

static bool is_for(const struct command *command, int key)
{
	if (key >= KEY_AT)
		key = 2;
	else if (key >= KEY_DARK)
		key = 1;
	return strchr(command->options, key);
}

static const struct argp_option options[];

static const char *name_of(int key)
{
	const struct argp_option *o = options;

	while (o->key != key)
		o++;
	return o->name;
}

static void check_line(struct argp_state *state, struct line *line)
{
	const struct command *command = line->command;
	struct request *req = &line->req;

	if (!command)
		argp_error(state, "wanted a command: show, record, render or replay");
	for (size_t i = 0; i < line->nr_keys; i++)
		if (!is_for(command, line->keys[i]))
			argp_error(state, "--%s is not for '%s'", name_of(line->keys[i]),
				   command->name);
	if (req->nr_arguments < command->least)
		argp_error(state, "wanted: hotmap %s %s", command->name, command->arguments);
	if (req->at_given && req->file)
		argp_error(state, "--at shows all files; it excludes --file");
	choose_format(state, req);
}

static void take_argument(struct argp_state *state, struct line *line, char *arg)
{
	struct request *req = &line->req;

	if (line->command) {
		if (req->nr_arguments == line->command->most)
			argp_error(state, "'%s' was not expected; wanted: hotmap %s %s", arg,
				   line->command->name, line->command->arguments);
		req->arguments[req->nr_arguments++] = arg;
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(arg, commands[i].name))
			line->command = &commands[i];
	if (!line->command)
		argp_error(state, "'%s' is no command; there are show, record, render and replay",
			   arg);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct line *line = state->input;
	struct request *req = &line->req;

	switch (key) {
	case 'o':
		req->output = arg;
		break;
	case 'f':
		req->format = word_from(state, "format", arg, format_words,
					"text, svg, png or json");
		break;
	case 'j':
		req->format = FORMAT_JSON;
		break;
	case 's':
		size_from(state, arg, &req->page);
		break;
	case KEY_DARK:
	case KEY_LIGHT:
		req->page.dark = key == KEY_DARK;
		req->term.dark = key == KEY_DARK;
		break;
	case KEY_WIDTH:
		req->term.width = number_from(state, "width", arg, LEAST_COLUMNS, MOST_COLUMNS);
		break;
	case KEY_COLORS:
		key = word_from(state, "colors", arg, color_words, "none, 256, true or auto");
		/* As found out already. */
		if (key <= COLORS_TRUE)
			req->term.colors = key;
		key = KEY_COLORS;
		break;
	case 'n':
		req->view.files = number_from(state, "files", arg, 1, 1000);
		break;
	case 'b':
		req->view.by = by_values[word_from(state, "by", arg, by_words,
						   "total, reads or writes")];
		break;
	case 'x':
		req->view.bytes = true;
		break;
	case 'H':
		req->view.hottest = heat_from(state, arg);
		break;
	case 'S':
		req->search = true;
		break;
	case 'i':
		req->interval_ms = time_from(state, "interval", arg, 100, 86400000);
		break;
	case 'd':
		req->duration_ms = time_from(state, "duration", arg, 1000, 365 * 86400000ULL);
		break;
	case KEY_AT:
		req->at_given = true;
		req->at_ms = time_from(state, "at", arg, 0, 100 * 365 * 86400000ULL);
		break;
	case KEY_FILE:
		req->file = arg;
		break;
	case ARGP_KEY_ARG:
		take_argument(state, line, arg);
		return 0;
	case ARGP_KEY_END:
		check_line(state, line);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	if (line->nr_keys < ARRAY_SIZE(line->keys))
		line->keys[line->nr_keys++] = key;
	return 0;
}

static const struct argp_option options[] = {
	{ .doc = "What to show:", .group = 1 },
	{ .name = "files", .key = 'n', .arg = "FILES",
	  .doc = "At most that many files (what has room; record: 64)" },
	{ .name = "by", .key = 'b', .arg = "KIND",
	  .doc = "Heat of all requests (total, the default), of reads or of writes" },
	{ .name = "bytes", .key = 'x',
	  .doc = "All files on one scale in bytes, not each as wide as the picture" },
	{ .name = "hottest", .key = 'H', .arg = "REQUESTS",
	  .doc = "Heat at the hot end of the colours, so that pictures compare" },
	{ .name = "file", .key = KEY_FILE, .arg = "TEXT",
	  .doc = "Of a recording, only the hottest file with TEXT in its name" },
	{ .name = "at", .key = KEY_AT, .arg = "TIME",
	  .doc = "Of a recording, only what was TIME after its beginning" },
	{ .name = "search", .key = 'S',
	  .doc = "Look through the folders for names that the kernel has not in memory" },
	{ .doc = "How to show it:", .group = 2 },
	{ .name = "output", .key = 'o', .arg = "FILE",
	  .doc = "Write to FILE, whose name tells the format: .svg, .png, .json, .text" },
	{ .name = "format", .key = 'f', .arg = "FORMAT",
	  .doc = "text (the default), svg, png or json" },
	{ .name = "json", .key = 'j', .doc = "Print the data behind the picture as JSON" },
	{ .name = "size", .key = 's', .arg = "WIDTHxHEIGHT",
	  .doc = "Size of an SVG or PNG in pixels (1200x800)" },
	{ .name = "dark", .key = KEY_DARK, .doc = "For a dark background (the default of text)" },
	{ .name = "light", .key = KEY_LIGHT,
	  .doc = "For a light background (the default of SVG and PNG)" },
	{ .name = "width", .key = KEY_WIDTH, .arg = "COLUMNS",
	  .doc = "Width of text (that of the terminal, or 80)" },
	{ .name = "colors", .key = KEY_COLORS, .arg = "COLORS",
	  .doc = "Of text: none, 256, true, or what the terminal has (auto)" },
	{ .doc = "Recording:", .group = 3 },
	{ .name = "interval", .key = 'i', .arg = "TIME",
	  .doc = "Time between two samples (10s); of replay, that each is shown (500ms)" },
	{ .name = "duration", .key = 'd', .arg = "TIME",
	  .doc = "Record that long, not until a signal" },
	{ 0 }
};

static const struct argp argp = {
	.options = options,
	.parser = parse_option,
	.args_doc = "show [PATH]\nrecord PATH RECORDING\nrender RECORDING\nreplay RECORDING",
	.doc = "Show which parts of which files cost device I/O, as a heat map.\n"
	       "\vPATH is a folder, for all files of its filesystem, or a regular file, for just it.\n"
	       "A RECORDING can also be - for standard output or input.\n"
	       "A TIME is in seconds, or has ms, s, min, h or d behind it.\n"
	       "\n"
	       "Exit codes:\n"
	       "  0  done\n"
	       "  2  the command line is wrong\n"
	       "  3  the picture or the recording could not be written, or no memory\n"
	       "  4  PATH or the recording could not be opened, or is damaged\n"
	       "  5  this kernel, or this filesystem, has no hot tracking\n"
	       "  7  tracking is off\n"
	       "  8  not permitted\n"
	       "\n"
	       "Examples:\n"
	       "  hotmap show /srv\n"
	       "  hotmap show /srv --output srv.svg\n"
	       "  hotmap show /srv/vm/disk.img --output disk.png --dark\n"
	       "  hotmap record /srv srv.hotmap --interval 10s --duration 1h\n"
	       "  hotmap render srv.hotmap --output hour.svg\n"
	       "  hotmap render srv.hotmap --file disk.img --output disk.svg\n"
	       "  hotmap replay srv.hotmap\n"
	       "\n"
	       "The manual is hotmap(8).\n",
};

int main(int argc, char **argv)
{
	struct line line = {
		.req = {
			.format = FORMAT_UNKNOWN,
			.page = { .width = 1200, .height = 800 },
		},
	};
	int code;

	/* Not LC_NUMERIC: JSON has decimal points everywhere. */
	setlocale(LC_CTYPE, "");
	argp_err_exit_status = EXIT_USAGE;
	terminal_look(&line.req.term, stdout);
	argp_parse(&argp, argc, argv, 0, NULL, &line);
	code = line.command->run(&line.req);
	if (fclose(stdout) && code == EXIT_DONE) {
		complain("standard output could not be written: %s", strerror(errno));
		code = EXIT_OUTPUT;
	}
	return code;
}
