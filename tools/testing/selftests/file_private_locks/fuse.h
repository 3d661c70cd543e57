/* SPDX-License-Identifier: GPL-2.0 */
/* A filesystem with one empty file, "file", whose locks are kept by a process. */
#ifndef FILE_PRIVATE_LOCKS_FUSE_H
#define FILE_PRIVATE_LOCKS_FUSE_H

#include <stdbool.h>

/* What the server has done, in memory that it shares with us. */
struct fuse_server {
	int set;		/* requests to set or to remove a lock */
	int held, waiting;
};

/*
 * Mount it at @dir, and serve it as long as this program runs. With @posix_locks the server keeps
 * the locks, else it leaves them to the kernel. NULL, with errno, if that cannot be.
 */
struct fuse_server *fuse_start(const char *dir, bool posix_locks);

#endif /* FILE_PRIVATE_LOCKS_FUSE_H */
