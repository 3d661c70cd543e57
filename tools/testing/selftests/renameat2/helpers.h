/* SPDX-License-Identifier: GPL-2.0 */
/* What the tests of renameat2() share: calls that end in a result or -errno. */
#ifndef RENAMEAT2_HELPERS_H
#define RENAMEAT2_HELPERS_H

#include <stdbool.h>
#include <stdnoreturn.h>
#include <sys/types.h>
#include <linux/fs.h>
#include <linux/renameat2.h>

#define KIB	1024LL
#define MIB	(1024 * KIB)

/* Somebody without rights. */
#define NOBODY	65534

/* The test itself cannot go on; says what failed, with errno, and ends. */
noreturn void broken(const char *what);
/* How often to repeat something: @full times with SEPTET_LEVEL=full in the environment. */
int loops(int quick, int full);
/*
 * NULL, or why tests of the new flags are skipped here. With SEPTET_REQUIRE=1 always NULL: they
 * run, and fail, on a kernel without the flags too.
 */
const char *flags_missing(void);
/* The program ends as skipped without root. */
void need_root(void);
/* The same, and on a kernel without the flags too: for programs that test nothing else. */
void need_flags(void);

/* A small text file below /proc or /sys: 0 or -errno. */
int put(const char *path, const char *text);

/* The system call with all its arguments: 0 or -errno. */
int rename_at(int old_dir, const char *old, int new_dir, const char *new, unsigned long flags,
	      const void *sixth);
/* Without a sixth argument. */
int ren(const char *old, const char *new, unsigned int flags);
/* With RENAME_COND; sets the size. */
int ren_if(const char *old, const char *new, unsigned int flags, struct rename_cond cond);

/* Conditions; they can be joined with both(). */
struct rename_cond target_is(int fd);
struct rename_cond source_is(int fd);
struct rename_cond no_target(void);
struct rename_cond source_newer(void);
/* The target has the time and the size that this file has now. */
struct rename_cond unchanged(const char *name);
struct rename_cond both(struct rename_cond a, struct rename_cond b);

/* Make a file with this text, or the end of the test. Any file of that name is emptied first. */
void make_file(const char *name, const char *text);
void make_dir(const char *name);
/* A descriptor that may be opened on anything, symlinks too. */
int open_path(const char *name);
bool exists(const char *name);
/* What a small file has in it, till the next call; a remark if it cannot be read. */
const char *text_of(const char *name);
/* Does the file have this text? */
bool holds(const char *name, const char *text);
/* Is it the same file? By the inode number. */
bool same_file(const char *name, int fd);
/* Seconds and nanoseconds of the last modification. */
void set_mtime(const char *name, long long sec, long nsec);
/* From now on a lease of ours that somebody breaks is noted; was there one, since the last call? */
void note_lease_breaks(void);
bool lease_was_broken(void);
/* The end of a child: its exit status, or 128 and the signal. */
int reap(pid_t pid);

#endif /* RENAMEAT2_HELPERS_H */
