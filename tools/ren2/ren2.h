/* SPDX-License-Identifier: GPL-2.0 */
/* ren2: what its files share. */
#ifndef REN2_H
#define REN2_H

#include <fcntl.h>
#include <linux/renameat2.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/types.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* With all but the first and the last nothing has changed. */
enum {
	EXIT_DONE,
	EXIT_OTHER,
	EXIT_USAGE,
	EXIT_CONDITION,		/* a condition does not hold */
	EXIT_KERNEL,		/* the kernel lacks it */
	EXIT_FILESYSTEM,	/* the filesystem lacks it */
	EXIT_NOT_DURABLE,	/* done, but perhaps not on stable storage */
};

/* What cas adds to these, so that they are not taken for those of its command. */
#define CAS_EXIT 110

/* ---- text.c ---- */

/*
 * A name as it can be shown on a terminal: what is no printable character is written as \ooo.
 * The text is overwritten by the next call.
 */
const char *shown(const char *name);

/* "ren2: NAME: ...", a line on standard error, as printf() would; the value is @code. */
#define say(code, name, ...) (snprintf(said, sizeof(said), __VA_ARGS__), say_it(code, name))
extern char said[512];
int say_it(int code, const char *name);

#define TOKEN_ABSENT "absent"
#define TOKEN_TEXT 64

/* Time of last modification and size, as SECONDS.NANOSECONDS:SIZE. Returns @text. */
char *token_text(char text[TOKEN_TEXT], __s64 sec, __u32 nsec, __u64 size);
char *token_of(char text[TOKEN_TEXT], const struct stat *st);

/* The same, of a text, for RENAME_COND_TARGET_UNCHANGED; false if it is none. */
bool parse_token(const char *text, struct rename_cond *cond);

/* Whole decimal number without a sign, up to @most. */
bool parse_number(const char *text, int most, int *number);

/* ---- rename.c ---- */

struct request {
	const char *source, *target;	/* as people named them */
	int source_dir, target_dir;	/* where the two below are */
	const char *source_name, *target_name;
	unsigned int flags;		/* RENAME_COND is set by what is in cond */
	struct rename_cond cond;
};

#define OUTCOME_TEXT 256

/* What became of it, for people and for programs. */
struct outcome {
	int code;			/* EXIT_* */
	int err;			/* errno, or 0 */
	const char *subject;		/* the name that the text is about */
	char text[OUTCOME_TEXT];
};

/* Source and target are these paths. */
void name_paths(struct request *r, const char *source, const char *target);

/* NULL, or why these conditions and flags cannot stand beside each other. */
const char *conflict(const struct request *r);

/* Only what was inherited counts: all that ren2 opens itself is closed on exec. */
bool is_inherited(int fd);

/* Rename; the value is o->code. */
int perform(struct request *r, struct outcome *o);

/* The same, and the text goes to standard error. */
int perform_aloud(struct request *r);

/* Whether this kernel knows a flag; of none: whether it has the call. Nothing is renamed. */
bool kernel_knows(unsigned int flag);
const char *flag_name(unsigned int flag);

/* The call itself: 0 or a negative errno. */
int rename_call(const struct request *r);

#define TYPE_TEXT 64

/* The type of the filesystem that an open file is on, "unknown" if /proc does not tell. */
const char *filesystem_type(int fd, char text[TYPE_TEXT]);

/* ---- temporary.c ---- */

/* A name in a folder that is open. */
struct place {
	int dir;
	const char *name;
};

/* Where @path is; an exit code, of what was said. */
int find_place(const char *path, struct place *place);

/* A file or a folder, for the owner only, beside the target. */
struct temporary {
	int dir;
	int fd;				/* what it is, open; -1: there is none */
	bool is_folder;
	char name[32];
};

/* 0 or a negative errno. */
int temporary_file(struct temporary *t, int dir);
int temporary_folder(struct temporary *t, int dir);

/* Takes the name away, whatever it is now of, with all that is below it. */
void temporary_remove(struct temporary *t);

/* All bytes of one file to another; -EINTR if a signal came. */
int copy_data(int from, int to);

/*
 * Gives a file the owner, group, mode, ACL and user.* attributes of another one, which may be
 * open with O_PATH. 0 or a negative errno, and @what could not be kept.
 */
int keep_attributes(int from, int to, const char **what);

/* ---- signals.c ---- */

/*
 * From here on, the signals that end a program wait until signals_end(): whoever waits for
 * something asks for them, and what has to be removed is removed on the way out.
 */
void signals_hold(void);

/* Wait until there is something to read; false if a signal came. */
bool signals_readable(int fd);

/* Milliseconds; false if a signal came. */
bool signals_pause(int ms);

/* Wait for a child; false if a signal came, which then was passed on to it. */
bool signals_child(pid_t child, int *status);

/* In a child: as they were. */
void signals_restore(void);

/* Die of the signal that came, if one did. */
void signals_end(void);

/* ---- commands: each is an exit code ---- */

struct options {
	struct request request;		/* flags and conditions */
	bool json, edit, keep_going;
	int tries;			/* 0: not said */
	unsigned int need;		/* flags that have to work */
};

int probe(const struct options *o, int count, char **arguments);
int swap(const struct options *o, int count, char **arguments);
int put(const struct options *o, int count, char **arguments);
int token(const struct options *o, int count, char **arguments);
int cas(const struct options *o, int count, char **arguments);
int batch(const struct options *o, int count, char **arguments);

#endif /* REN2_H */
