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
 * F_SETLKPT takes a struct flockp_how and F_ENUMLKP a struct flockp_enum, which
 * are the same for 32-bit and 64-bit programs. They need a kernel with
 * CONFIG_FILE_PRIVATE_LOCKS; others answer EINVAL.
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
/* List the locks on a file, and who waits for one; returns how many, 0 at the end. */
#define F_ENUMLKP	1089	/* F_LINUX_SPECIFIC_BASE + 65 */

/**
 * struct flockp_how - what F_SETLKPT is asked to do
 * @size: size of this structure in bytes, as the program knows it
 * @flags: FLKP_DEADLINE, FLKP_FAIR and FLKP_TASK, or'ed, or 0
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
/*
 * &flockp_how.flags, not with F_UNLCK: requests that come later and that this one would have to
 * wait for do not overtake it, for some time at least; see the manual.
 */
#define FLKP_FAIR		(1U << 1)
/*
 * &flockp_how.flags, not with F_UNLCK: only the calling thread can change or release the lock;
 * others that have a part in the open file get EPERM, but can still close it. So it is known who
 * has to go on for the lock to go, and deadlocks are reported between threads, too.
 */
#define FLKP_TASK		(1U << 2)

/**
 * struct flockp_enum - which locks F_ENUMLKP is to list, and where to
 * @size: size of this structure in bytes, as the program knows it
 * @flags: FLKP_HELD and FLKP_WAITING, of which none stands for both; FLKP_PRIVATE,
 *	FLKP_CLASSIC and FLKP_FLOCK, of which none stands for all
 * @start: first byte of the range of interest, from 0
 * @len: number of bytes; 0: up to the end
 * @entries: address of an array of struct flockp_entry
 * @count: elements of the array, from 1
 * @entry_size: size of an element in bytes, as the program knows it, at most 4096
 * @cursor: 0 at first; what the last call left here to go on. Other values mean nothing to
 *	a program, and any can be passed
 *
 * Locks that are there from the first call to the last are listed once each. Those that come,
 * go or change in between may be listed or not.
 *
 * A kernel that knows longer structures takes what is missing as 0, and leaves out what an
 * entry has no room for. One that knows shorter ones answers E2BIG if what it does not know of
 * this one is not 0, and fills the rest of each entry with 0.
 */
struct flockp_enum {
	__u32 size;
	__u32 flags;
	__s64 start;
	__s64 len;
	__u64 entries;
	__u32 count;
	__u32 entry_size;
	__u64 cursor[2];
};

/* Size of the first published version. */
#define FLOCKP_ENUM_SIZE_VER0	56

/* &flockp_enum.flags and &flockp_entry.flags; an entry has one of each group. */
#define FLKP_HELD		(1U << 0)
#define FLKP_WAITING		(1U << 1)
#define FLKP_PRIVATE		(1U << 2)
#define FLKP_CLASSIC		(1U << 3)
#define FLKP_FLOCK		(1U << 4)

/* &flockp_entry.flags: the filesystem has more, which it keeps elsewhere, maybe on other hosts. */
#define FLKP_LOCAL_ONLY		(1U << 5)
/* &flockp_entry.flags: set, or asked for, with FLKP_TASK. */
#define FLKP_ONE_TASK		(1U << 6)

/**
 * struct flockp_entry - a lock, or a request that waits for one
 * @owner: a number that stands for the owner until the next boot; equal to one of the two
 *	behind "lock-owner:" in /proc/PID/fdinfo/FD of every descriptor that the owner has,
 *	the second one for FLKP_CLASSIC. Owners in the kernel have no descriptor
 * @start: first byte
 * @len: number of bytes; 0: up to the end
 * @age_ns: for how long it is held, up to a timer tick too much, or waited for, in
 *	nanoseconds, time asleep included
 * @type: F_RDLCK or F_WRLCK
 * @flags: FLKP_HELD or FLKP_WAITING; FLKP_PRIVATE, FLKP_CLASSIC or FLKP_FLOCK;
 *	FLKP_LOCAL_ONLY, FLKP_ONE_TASK
 * @pid: process that asked for it, as the caller's PID namespace has it. 0 if that one is gone
 *	or has no number there; below 0 for other hosts
 * @resv: 0
 */
struct flockp_entry {
	__u64 owner;
	__s64 start;
	__s64 len;
	__u64 age_ns;
	__u32 type;
	__u32 flags;
	__s32 pid;
	__u32 resv;
};

/* Size of the first published version. */
#define FLOCKP_ENTRY_SIZE_VER0	48

#endif /* _UAPI_LINUX_FILE_PRIVATE_LOCKS_H */
