/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
#ifndef _UAPI_LINUX_FILE_PRIVATE_LOCKS_H
#define _UAPI_LINUX_FILE_PRIVATE_LOCKS_H

/**
 * DOC: File-private locks
 *
 * Commands of fcntl() for record locks that belong to the open file instead of
 * to the process. They take the struct flock of F_GETLK, whose l_pid must be 0,
 * and fail with EINVAL otherwise. A 32-bit program passes the struct flock64 of
 * the fcntl64() system call.
 *
 * Linux has served the same three numbers as F_OFD_GETLK, F_OFD_SETLK and
 * F_OFD_SETLKW since 3.15, and <fcntl.h> shows those names under _GNU_SOURCE
 * only. This header needs no feature macro, includes nothing and declares
 * nothing, so it can stand before or after <fcntl.h> or <linux/fcntl.h>.
 */

/* Find a lock that conflicts; with l_type F_UNLCK find one of this open file. */
#define F_GETLKP	36
/* Set, change or remove a lock; EAGAIN where another lock is in the way. */
#define F_SETLKP	37
/* The same, but wait until nothing is in the way; a signal ends it with EINTR. */
#define F_SETLKPW	38

#endif /* _UAPI_LINUX_FILE_PRIVATE_LOCKS_H */
