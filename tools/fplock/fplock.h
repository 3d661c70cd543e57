/* SPDX-License-Identifier: GPL-2.0 */
/* fplock: what its files share. */
#ifndef FPLOCK_H
#define FPLOCK_H

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "flockp.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* As flock(1) and shells have them. */
enum {
	EXIT_DONE,
	EXIT_IN_WAY,			/* a lock is in the way, or was until the deadline */
	EXIT_USAGE = 64,
	EXIT_FILE = 66,			/* the file cannot be opened so */
	EXIT_KERNEL = 69,		/* the kernel lacks it */
	EXIT_OTHER = 71,
	EXIT_CANNOT_EXECUTE = 126,
	EXIT_NOT_FOUND,
	EXIT_SIGNALLED,			/* and the number of the signal */
};

struct range {
	int64_t start, len;		/* len 0: up to the end */
};

/* ---- options.c ---- */

/* What a command has of these. */
enum {
	SHARED = 0x1,
	RANGE = 0x2,
	JSON = 0x4,
	ONE_FILE = 0x8,			/* as its only argument */
	IN_ORDER = 0x10,		/* options end at the first argument */
};

/* The input of a command's parser begins with them. */
struct options {
	int which;
	char *path;
	int type;
	struct range range;
	bool is_ranged, json;
};

/* They come before those of the command's @own, which is a child. */
void parse_options(const struct argp *own, int argc, char **argv, struct options *o);

/* ---- commands: one a file, listed in fplock.c; each gets its own arguments ---- */

int ls(int argc, char **argv);
int probe(int argc, char **argv);
int run(int argc, char **argv);
int test(int argc, char **argv);
int tree(int argc, char **argv);
int why(int argc, char **argv);

/* ---- text.c ---- */

/*
 * A name as it can be shown on a terminal: what is no printable character is written as \ooo.
 * The text is overwritten by the next call.
 */
const char *shown(const char *name);

/* "fplock: NAME: ...", a line on standard error, as printf() would; the value is @code. */
#define say(code, name, ...) (snprintf(said, sizeof(said), __VA_ARGS__), say_it(code, name))
extern char said[512];
int say_it(int code, const char *name);

/* START:LEN in bytes or with K, M, G or T, LEN may be missing. */
bool parse_range(const char *text, struct range *range);

/* FILE:START+LEN in the same bytes; what is before the colon ends there if it is one. */
bool parse_place(char *text, struct range *range);

/* SECONDS, with a fraction or not. */
bool parse_seconds(const char *text, struct timespec *t);

/* Whole decimal number without a sign, up to @most. */
bool parse_number(const char *text, int most, int *number);

bool is_utf8(const char *text);

/* ---- file.c ---- */

#define COMMAND_NAME 16

/* What /proc says of a process; "" if nothing. */
void process_name(pid_t pid, char name[COMMAND_NAME]);

#define BYTES_TEXT 64

/* "bytes 0 to 9". Returns @text. */
const char *bytes_text(char text[BYTES_TEXT], int64_t start, int64_t len);

#define FOUND_TEXT 256

/* "a read lock of process 7 (vi) on bytes 0 to 9 is in the way". Returns @text. */
const char *found_text(char text[FOUND_TEXT], const struct flockp_found *found);

/* As whatever is permitted, to look at locks only; 0 or a negative errno. */
int open_any(struct flockp **lock, const char *path);

/* An exit code, of what was said: 0 or a negative errno of a lock on this file. */
int lock_failed(const char *path, int err, const char *what);

/* ---- signals.c ---- */

/* From here on, signals wait for signals_child(). */
void signals_hold(void);

/* In a child: as they were. */
void signals_restore(void);

/* Wait for a child, to which signals are passed on meanwhile; its status as of waitpid(). */
int signals_child(pid_t child);

/* Die of a signal that killed the child, so that the shell knows that it was typed. */
void signals_die(int signo);

#endif /* FPLOCK_H */
