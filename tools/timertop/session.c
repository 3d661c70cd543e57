// SPDX-License-Identifier: GPL-2.0
/*
 * Lines on their way from the kernel or a recording to the account. What is recorded is what
 * is accounted: the same text goes both ways.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "timertop.h"

int session_open_replay(struct session *s, const char *name)
{
	s->replay = name;
	s->fd = strcmp(name, "-") ? open(name, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
	if (s->fd >= 0)
		return EXIT_DONE;
	fprintf(stderr, "timertop: cannot open %s: %s\n", name, strerror(errno));
	return EXIT_NO_INPUT;
}

/* A FIFO or a device is written to, a file is never written over. */
int session_open_record(struct session *s, const char *name)
{
	struct stat st;
	int fd;

	s->record_name = name;
	if (!stat(name, &st) && !S_ISREG(st.st_mode))
		fd = open(name, O_WRONLY | O_CLOEXEC);
	else
		fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd >= 0)
		s->record = fdopen(fd, "w");
	if (s->record) {
		fprintf(s->record, "%s%d\n", RECORDING_HEADER, RECORDING_VERSION);
		return EXIT_DONE;
	}
	fprintf(stderr, "timertop: cannot record to %s: %s\n", name, strerror(errno));
	return EXIT_NOT_WRITTEN;
}

static void take_line(struct session *s, const char *line)
{
	/* The recording's own header is there already. */
	if (s->record && strncmp(line, RECORDING_HEADER, strlen(RECORDING_HEADER)))
		fprintf(s->record, "%s\n", line);
	account_line(s->acc, line);
}

/* Take the lines in the buffer, as long as the trace's time has not reached @until. */
static void take_lines(struct session *s, __u64 until)
{
	char *line = s->buf, *end = s->buf + s->len, *newline;

	while (s->acc->end < until && (newline = memchr(line, '\n', end - line))) {
		*newline = '\0';
		if (!s->skipping)
			take_line(s, line);
		s->skipping = false;
		line = newline + 1;
	}
	s->len = end - line;
	memmove(s->buf, line, s->len);
	if (s->len == sizeof(s->buf) - 1 && !memchr(s->buf, '\n', s->len)) {
		s->acc->malformed += !s->skipping;
		s->skipping = true;
		s->len = 0;
	}
}

static void take_last_line(struct session *s)
{
	s->at_end = true;
	s->buf[s->len] = '\0';
	if (s->len && !s->skipping)
		take_line(s, s->buf);
	s->len = 0;
}

/**
 * session_read - take what there is to read
 * @s: the session
 * @until: stop when the trace's time, in ns, is this far; UINT64_MAX: at its end
 *
 * Return: an exit code.
 */
int session_read(struct session *s, __u64 until)
{
	while (!s->at_end) {
		ssize_t got;

		take_lines(s, until);
		if (s->acc->end >= until)
			break;
		got = read(s->fd, s->buf + s->len, sizeof(s->buf) - 1 - s->len);
		if (got > 0) {
			s->len += got;
		} else if (!got && s->replay) {
			take_last_line(s);
		} else if (!got || errno == EAGAIN) {
			break;
		} else if (errno != EINTR) {
			fprintf(stderr, "timertop: cannot read %s: %s\n",
				s->replay ? s->replay : "trace_pipe", strerror(errno));
			return EXIT_NO_INPUT;
		}
	}
	return EXIT_DONE;
}

/* Intervals begin and end when they do, not with the first and the last event. */
int session_mark(struct session *s)
{
	char line[80];
	__u64 ns = now_ns();

	snprintf(line, sizeof(line), RECORDING_TIME "%llu.%09llu", ns / 1000000000,
		 ns % 1000000000);
	take_line(s, line);
	if (!s->record || !fflush(s->record))
		return EXIT_DONE;
	return session_close_record(s);
}

int session_close_record(struct session *s)
{
	FILE *record = s->record;
	bool failed;

	if (!record)
		return EXIT_DONE;
	s->record = NULL;
	errno = 0;
	failed = ferror(record);
	if (!fclose(record) && !failed)
		return EXIT_DONE;
	fprintf(stderr, "timertop: the recording could not be written to %s: %s\n",
		s->record_name, strerror(errno ? errno : EIO));
	return EXIT_NOT_WRITTEN;
}

/* After the end: was that a trace? */
int session_check_replay(const struct session *s)
{
	const struct account *acc = s->acc;

	if (acc->version > RECORDING_VERSION)
		fprintf(stderr,
			"timertop: %s is a recording of version %llu; wanted at most %d\n",
			s->replay, acc->version, RECORDING_VERSION);
	else if (acc->events || acc->recording)
		return EXIT_DONE;
	else if (acc->malformed)
		fprintf(stderr,
			"timertop: %s is not a trace: none of %llu lines is an event\n",
			s->replay, acc->malformed);
	else
		fprintf(stderr, "timertop: %s has no events; wanted lines of trace text\n",
			s->replay);
	return EXIT_NO_INPUT;
}
