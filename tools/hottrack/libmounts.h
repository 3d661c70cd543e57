/* SPDX-License-Identifier: GPL-2.0 */
/* The mounts of this process. Not part of the library's interface, as libunits.h. */
#ifndef LIBMOUNTS_H
#define LIBMOUNTS_H

#include <stdbool.h>
#include <stdio.h>

#define MOUNTS "/proc/self/mountinfo"

struct mount_line {
	unsigned long long id;
	unsigned int major, minor;	/* of the superblock */
	char *point;
	/* Of mounts_next(). */
	char *line;
	size_t size;
};

/*
 * The next mount of @f, which is MOUNTS; @mount begins as zeros. At the end this is false, and all
 * is freed.
 */
bool mounts_next(FILE *f, struct mount_line *mount);

void mounts_free(struct mount_line *mount);

#endif /* LIBMOUNTS_H */
