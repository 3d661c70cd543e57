/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
#ifndef _UAPI_LINUX_FILE_PRIVATE_LOCKS_H
#define _UAPI_LINUX_FILE_PRIVATE_LOCKS_H

#include <linux/types.h>

/**
 * DOC: File-private locks
 *
 * Commands of fcntl() for record locks that belong to the open file instead of
 * to the process.
 *
 * F_GETLKP, F_SETLKP and F_SETLKPW take the struct flock of F_GETLK, whose l_pid
 * must be 0, and fail with EINVAL otherwise. A 32-bit program passes the struct
 * flock64 of the fcntl64() system call. Linux has served the same three numbers
 * as F_OFD_GETLK, F_OFD_SETLK and F_OFD_SETLKW since 3.15, and <fcntl.h> shows
 * those names under _GNU_SOURCE only.
 *
 * F_SETLKPT takes a struct flockp_how, which is the same for 32-bit and 64-bit
 * programs. It needs a kernel with CONFIG_FILE_PRIVATE_LOCKS; others answer
 * EINVAL.
 *
 * This header needs no feature macro, and can stand before or after <fcntl.h> or
 * <linux/fcntl.h>.
 */

/* Find a lock that conflicts; with l_type F_UNLCK find one of this open file. */
#define F_GETLKP	36
/* Set, change or remove a lock; EAGAIN where another lock is in the way. */
#define F_SETLKP	37
/* The same, but wait until nothing is in the way; a signal ends it with EINTR. */
#define F_SETLKPW	38
/* The same, but wait until a deadline at most; then ETIMEDOUT. */
#define F_SETLKPT	1088	/* F_LINUX_SPECIFIC_BASE + 64 */

/**
 * struct flockp_how - what F_SETLKPT is asked to do
 * @size: size of this structure in bytes, as the program knows it
 * @flags: FLKP_DEADLINE or 0
 * @type: F_RDLCK, F_WRLCK or F_UNLCK
 * @whence: SEEK_SET, SEEK_CUR or SEEK_END: what @start counts from
 * @start: first byte
 * @len: number of bytes; 0: up to the end, however far the file grows; negative:
 *	the bytes before @start
 * @clockid: clock of the deadline: CLOCK_REALTIME, CLOCK_MONOTONIC or
 *	CLOCK_BOOTTIME; 0 without FLKP_DEADLINE
 * @resv: 0
 * @deadline_sec: when to give up, in seconds of @clockid; 0 without FLKP_DEADLINE
 * @deadline_nsec: and in nanoseconds, below 10^9; 0 without FLKP_DEADLINE
 *
 * A kernel that knows a longer structure takes what is missing as 0; one that
 * knows a shorter one answers E2BIG if what it does not know is not 0.
 */
struct flockp_how {
	__u32 size;
	__u32 flags;
	__u32 type;
	__u32 whence;
	__s64 start;
	__s64 len;
	__u32 clockid;
	__u32 resv;
	__s64 deadline_sec;
	__s64 deadline_nsec;
};

/* Size of the first published version. */
#define FLOCKP_HOW_SIZE_VER0	56

/* &flockp_how.flags: wait until the deadline only; a lock free by then is taken. */
#define FLKP_DEADLINE		(1U << 0)

#endif /* _UAPI_LINUX_FILE_PRIVATE_LOCKS_H */
