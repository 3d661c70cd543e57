/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of libhottrack share. */
#ifndef LIBPRIVATE_H
#define LIBPRIVATE_H

#include <sys/types.h>

#include "hottrack.h"

#define EXPORT __attribute__((visibility("default")))

struct names;

struct hottrack {
	int fd;
	dev_t dev;
	__u64 mount_id;
	char *mount_point;
	struct names *names;	/* made when the first one is asked for */
};

/* ioctl() with a negative errno. */
int hot_ioctl(int fd, unsigned long request, void *arg);

void names_free(struct names *names);

#endif /* LIBPRIVATE_H */
