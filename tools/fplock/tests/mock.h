/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A kernel for tests: fcntl(), open(), clock_gettime(), clock_nanosleep(), memfd_create() and
 * statfs() of the C library, of which only what is said here is another. Locks are those of the
 * real kernel, but for lists, which show what they are told.
 * Linked into a test, or as libmock.so in LD_PRELOAD; then the environment says what it is like:
 *
 * MOCK_KERNEL	"full": has all; "timed": has F_SETLKPT, without fairness; "stock": has it not;
 *		"remote": has it, but the filesystem has not; "old": has no file-private locks
 * MOCK_ERRNO	COMMAND:NUMBER: this command fails so, such as 37:12
 * MOCK_LOCKS	a file with the locks that are listed, a line each: number of the file, owner, first
 *		byte, number of bytes, age in ns, type, flags, process
 * MOCK_PROC	what is opened instead of /proc
 */
#ifndef MOCK_H
#define MOCK_H

#include <linux/file_private_locks.h>
#include <stdbool.h>
#include <stdint.h>

enum mock_kernel { MOCK_NONE, MOCK_TIMED, MOCK_STOCK, MOCK_REMOTE, MOCK_OLD, MOCK_FULL };

enum mock_command { MOCK_GET, MOCK_SET, MOCK_WAIT, MOCK_UNTIL, MOCK_LIST, MOCK_COMMANDS };

#define MOCK_LOCKS 512

struct mock_lock {
	uint64_t ino;			/* 0: on all files */
	struct flockp_entry entry;
};

#define MOCK_CLOCKS 8
#define MOCK_PAUSES 4096

struct mock {
	enum mock_kernel kernel;
	int errors[MOCK_COMMANDS];	/* what a command fails with */
	bool cannot_tell;		/* what an open file itself has locked, as before 6.6 */
	bool says_eacces;		/* for a lock that is in the way, as some servers do */
	bool no_task;			/* has all but FLKP_TASK */
	bool no_proc;
	int memfd_error;
	const char *proc;		/* what is opened instead of /proc; NULL: that */
	/* What is listed, so many at a time; 0: as many as are wanted. */
	struct mock_lock locks[MOCK_LOCKS];
	unsigned int nr_locks, batch;
	unsigned int interruptions;	/* of the next calls that list or wait, by signals */
	unsigned int entry_size;	/* as the kernel knows it; 0: as the header has it */
	/* All clocks stand still but while somebody pauses. */
	bool has_clock;
	int64_t now[MOCK_CLOCKS];	/* ns */
	int pause_error;
	void (*at_pause)(void);		/* when one is over */
	/* What was done. */
	unsigned int calls[MOCK_COMMANDS];
	unsigned int fair;		/* write requests that were to be fair */
	unsigned int task;		/* and those that were to be bound to a thread */
	unsigned int pauses;
	int64_t pause[MOCK_PAUSES];
};

extern struct mock mock;

#endif /* MOCK_H */
