/* SPDX-License-Identifier: GPL-2.0 */
/* A filesystem whose names are elsewhere: in this process, which serves it through FUSE. */
#ifndef RENAMEAT2_FUSE_H
#define RENAMEAT2_FUSE_H

/*
 * Mount it and serve it in a thread, until it is unmounted or the process ends. It has small
 * files and directories, and takes NOREPLACE and EXCHANGE. 0 or -errno.
 */
int fuse_mount(const char *dir);

#endif /* RENAMEAT2_FUSE_H */
