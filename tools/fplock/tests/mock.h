/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A kernel for tests: fcntl(), clock_gettime(), clock_nanosleep(), memfd_create() and statfs() of
 * the C library, of which only what is said here is another. Locks are those of the real kernel.
 * Linked into a test, or as libmock.so in LD_PRELOAD; then the environment says what it is like:
 *
 * MOCK_KERNEL	"timed": has F_SETLKPT; "stock": has it not; "remote": has it, but the filesystem
 *		has not; "old": has no file-private locks
 * MOCK_ERRNO	COMMAND:NUMBER: this command fails so, such as 37:12
 */
#ifndef MOCK_H
#define MOCK_H

#include <stdbool.h>
#include <stdint.h>

enum mock_kernel { MOCK_NONE, MOCK_TIMED, MOCK_STOCK, MOCK_REMOTE, MOCK_OLD };

enum mock_command { MOCK_GET, MOCK_SET, MOCK_WAIT, MOCK_UNTIL, MOCK_COMMANDS };

#define MOCK_CLOCKS 8
#define MOCK_PAUSES 4096

struct mock {
	enum mock_kernel kernel;
	int errors[MOCK_COMMANDS];	/* what a command fails with */
	bool cannot_tell;		/* what an open file itself has locked, as before 6.6 */
	bool says_eacces;		/* for a lock that is in the way, as some servers do */
	bool no_proc;
	int memfd_error;
	/* All clocks stand still but while somebody pauses. */
	bool has_clock;
	int64_t now[MOCK_CLOCKS];	/* ns */
	int pause_error;
	void (*at_pause)(void);		/* when one is over */
	/* What was done. */
	unsigned int calls[MOCK_COMMANDS];
	unsigned int pauses;
	int64_t pause[MOCK_PAUSES];
};

extern struct mock mock;

#endif /* MOCK_H */
