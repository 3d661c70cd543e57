// SPDX-License-Identifier: GPL-2.0
/* The timertop command: reads the options and runs one of its modes. */
#include <argp.h>
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "timertop.h"

#define DEFAULT_DURATION 10
#define DEFAULT_INTERVAL 2
#define DEFAULT_BUFFER_KB 4096
#define SECOND 1000000000ULL

const char *argp_program_version = "timertop 0.7.0";

struct request {
	bool once;
	bool live;
	bool json;
	bool timed;		/* --duration was given */
	bool paced;		/* --interval was given */
	unsigned int duration;
	unsigned int interval;
	unsigned int buffer_kb;
	enum sort sort;
	const char *record;
	const char *replay;
};

static unsigned int number_from(struct argp_state *state, const char *option, const char *arg,
				unsigned int min, unsigned int max)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(arg, &end, 10);
	if (errno || end == arg || *end || value < min || value > max)
		argp_error(state, "--%s '%s': wanted a number from %u to %u", option, arg, min,
			   max);
	return value;
}

static enum sort sort_named(struct argp_state *state, const char *arg)
{
	for (size_t i = 0; i < NR_SORTS; i++)
		if (!strcmp(arg, sort_names[i]))
			return i;
	argp_error(state, "--sort '%s': wanted wakeups, expirations, score, period or owner", arg);
	return 0;
}

static void check_request(struct argp_state *state, struct request *req)
{
	bool table = req->once || req->timed || req->json || req->record;

	bool terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);

	if (req->live && table)
		argp_error(state, "--live excludes --once, --duration, --json and --record");
	if (req->live && req->replay && !strcmp(req->replay, "-"))
		argp_error(state, "--live takes keys from standard input, not a recording");
	if (req->live && !terminal)
		argp_error(state, "--live needs a terminal; use --once");
	if (req->replay && req->timed)
		argp_error(state, "--duration is not for --replay: that ends with the recording");
	if (!table && !req->replay && terminal)
		req->live = true;
	if (req->paced && !req->live)
		argp_error(state, "--interval is for the live view; use --duration");
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct request *req = state->input;

	switch (key) {
	case '1':
		req->once = true;
		return 0;
	case 'd':
		req->timed = true;
		req->duration = number_from(state, "duration", arg, 0, 86400);
		return 0;
	case 'i':
		req->paced = true;
		req->interval = number_from(state, "interval", arg, 1, 3600);
		return 0;
	case 'b':
		req->buffer_kb = number_from(state, "buffer", arg, 64, 1048576);
		return 0;
	case 'j':
		req->json = true;
		return 0;
	case 'l':
		req->live = true;
		return 0;
	case 's':
		req->sort = sort_named(state, arg);
		return 0;
	case 'r':
		req->record = arg;
		return 0;
	case 'R':
		req->replay = arg;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "'%s' was not expected", arg);
		return 0;
	case ARGP_KEY_END:
		check_request(state, req);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option options[] = {
	{ .name = "once", .key = '1', .doc = "Print one table instead of the live view" },
	{ .name = "duration", .key = 'd', .arg = "SECONDS",
	  .doc = "Measure that long, then print a table (10); 0: until interrupted" },
	{ .name = "json", .key = 'j', .doc = "Print JSON instead of a table" },
	{ .name = "sort", .key = 's', .arg = "ORDER",
	  .doc = "wakeups (the default), expirations, score, period or owner" },
	{ .name = "record", .key = 'r', .arg = "FILE",
	  .doc = "Also write the trace to the new FILE" },
	{ .name = "replay", .key = 'R', .arg = "FILE",
	  .doc = "Read a recording or trace text from FILE (-: standard input)" },
	{ .name = "live", .key = 'l', .doc = "Show the live view, also of a recording" },
	{ .name = "interval", .key = 'i', .arg = "SECONDS",
	  .doc = "Update the live view that often (2)" },
	{ .name = "buffer", .key = 'b', .arg = "KIB",
	  .doc = "Trace buffer of each CPU (4096)" },
	{ 0 }
};

static const struct argp argp = {
	.options = options,
	.parser = parse_option,
	.doc = "Show who wakes idle CPUs, and whose timers could be deferrable.\n"
	       "\vThe live view is the default on a terminal, one table otherwise.\n"
	       "\n"
	       "Exit codes:\n"
	       "  0  done\n"
	       "  2  the command line is wrong\n"
	       "  3  the table or the recording could not be written\n"
	       "  4  the recording could not be read or is not a trace\n"
	       "  5  this kernel or user cannot trace\n"
	       "  6  the terminal is not known\n"
	       "\n"
	       "Examples:\n"
	       "  timertop\n"
	       "  timertop --duration 30 --sort score\n"
	       "  timertop --record trace.txt --duration 60\n"
	       "  timertop --replay trace.txt --json\n"
	       "  timertop --replay /sys/kernel/tracing/trace\n"
	       "\n"
	       "The manual is timertop(8).\n",
};

static int trace_for(struct session *s, unsigned int duration)
{
	__u64 start = now_ns(), end = duration ? start + duration * SECOND : UINT64_MAX;
	int ret = session_mark(s);

	while (!ret && now_ns() < end && !signals_seen()) {
		/* Once a second, so that the kernel's buffers do not overflow. */
		__u64 next = now_ns() + SECOND;

		wait_until(next < end ? next : end, -1);
		ret = session_read(s, UINT64_MAX);
	}
	source_pause(s->source);
	if (!ret)
		ret = session_read(s, UINT64_MAX);
	return ret ? ret : session_mark(s);
}

static int measure(struct session *s, const struct request *req)
{
	int ret, closed;

	if (s->replay) {
		ret = session_read(s, UINT64_MAX);
		if (!ret)
			ret = session_check_replay(s);
	} else {
		ret = trace_for(s, req->duration);
	}
	closed = session_close_record(s);
	if (ret || closed)
		return ret ? ret : closed;
	account_finish(s->acc);
	errno = 0;
	if (!print_table(s->acc, req->sort, req->json))
		return EXIT_DONE;
	fprintf(stderr, "timertop: the table could not be written: %s\n",
		strerror(errno ? errno : ENOMEM));
	return EXIT_NOT_WRITTEN;
}

static int open_input(struct session *s, const struct request *req)
{
	if (req->replay)
		return session_open_replay(s, req->replay);
	s->source = source_check();
	return s->source ? EXIT_DONE : EXIT_NO_TRACING;
}

static int start(struct session *s, const struct request *req)
{
	int ret = open_input(s, req);

	/* Before anything is turned on: a FIFO keeps this waiting until somebody reads. */
	if (!ret && req->record)
		ret = session_open_record(s, req->record);
	if (ret)
		return ret;
	if (req->live || s->source)
		signals_catch();
	if (s->source) {
		s->fd = source_start(s->source, req->buffer_kb);
		if (s->fd < 0)
			return EXIT_NO_TRACING;
	}
	return req->live ? live_view(s, req->interval, req->sort) : measure(s, req);
}

int main(int argc, char **argv)
{
	struct request req = {
		.duration = DEFAULT_DURATION,
		.interval = DEFAULT_INTERVAL,
		.buffer_kb = DEFAULT_BUFFER_KB,
	};
	static struct session session;
	int ret, closed;

	/* Not LC_NUMERIC: JSON has decimal points everywhere. */
	setlocale(LC_CTYPE, "");
	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &req);
	session.acc = account_new();
	if (!session.acc) {
		fprintf(stderr, "timertop: %s\n", strerror(ENOMEM));
		return EXIT_NOT_WRITTEN;
	}
	ret = start(&session, &req);
	source_stop(session.source);
	closed = session_close_record(&session);
	free(session.acc);
	return ret ? ret : closed;
}
