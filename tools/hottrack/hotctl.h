/* SPDX-License-Identifier: GPL-2.0 */
/* hotctl: what its files share. */
#ifndef HOTCTL_H
#define HOTCTL_H

#include <stdio.h>

#include "hottrack.h"

/* Exit codes, the same in all tools of this folder. */
enum {
	EXIT_DONE,
	EXIT_OTHER,
	EXIT_USAGE,
	EXIT_OUTPUT,		/* something could not be written */
	EXIT_INPUT,		/* something could not be opened or read, or is damaged */
	EXIT_CANNOT_TRACK = 5,	/* the kernel or the filesystem */
	EXIT_OFF = 7,
	EXIT_NOT_PERMITTED = 8,
};

struct options {
	bool json, force, ranges, one_file;
	unsigned int by;		/* HOT_BY_* */
	struct hot_ctl ctl;		/* what is to be set, with its flags */
};

/* Say what is wrong with @what, as printf() would: "hotctl: WHAT: ..."; the value is @code. */
#define say(code, what, ...) (say_what(what), fprintf(stderr, __VA_ARGS__), say_end(code))
void say_what(const char *what);
int say_end(int code);

/* The same for a negative errno of the library. */
int fail(const char *what, int err);

/* Open the filesystem of a path; an exit code. */
int open_path(struct hottrack **ht, const char *path);

/* Each is a command: an exit code. */
int show_status(const struct options *o, int count, char **paths);
int show_files(const struct options *o, int count, char **paths);
int show_histogram(const struct options *o, int count, char **paths);
int save_heat(const struct options *o, int count, char **paths);
int load_heat(const struct options *o, int count, char **paths);

#endif /* HOTCTL_H */
