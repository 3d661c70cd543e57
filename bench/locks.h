/* SPDX-License-Identifier: GPL-2.0 */
/* What the lock benchmarks share. */
#ifndef SEPTET_BENCH_LOCKS_H
#define SEPTET_BENCH_LOCKS_H

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <linux/file_private_locks.h>

#include "bench.h"

/* Beyond every lock of hold_locks(), so that nothing conflicts or merges. */
#define FAR_AWAY	1000000000L

static inline void set_lock(int fd, int cmd, short type, off_t start)
{
	struct flock lock = {
		.l_type = type,
		.l_whence = SEEK_SET,
		.l_start = start,
		.l_len = 1,
	};

	if (fcntl(fd, cmd, &lock))
		bench_fail("fcntl");
}

/* The same through F_SETLKPT, with a deadline that does not come. */
static inline void set_lock_by(int fd, short type, off_t start)
{
	struct flockp_how how = {
		.size = sizeof(how),
		.flags = FLKP_DEADLINE,
		.type = type,
		.whence = SEEK_SET,
		.start = start,
		.len = 1,
		.clockid = CLOCK_MONOTONIC,
		.deadline_sec = 1000000000,
	};

	if (fcntl(fd, F_SETLKPT, &how))
		bench_fail("fcntl(F_SETLKPT)");
}

/* Where each lock costs as much as there are locks, so many would take all day. */
static inline void need_index(void)
{
	set_lock_by(bench_open("file"), F_UNLCK, 0);
}

/* Lock @n single bytes with gaps between, in no order; @n and the step have no common factor. */
static inline void fill(int fd, long n)
{
	const long step = 7919;

	for (long i = 0; i < n; i++)
		set_lock(fd, F_SETLKP, F_RDLCK, i * step % n * 2);
}

/* @n one-byte read locks on "file" with gaps between, held by their own open file. */
static inline void hold_locks(long n)
{
	int fd = bench_open("file");

	while (n--)
		set_lock(fd, F_SETLKP, F_RDLCK, 2 * n);
}

/* A free byte in the middle of these, where the search for it takes longest. */
static int middle_fd;
static off_t middle;

static inline void middle_setup(long n)
{
	need_index();
	hold_locks(n);
	/* The locks are on even bytes. */
	middle = n + 1;
	middle_fd = bench_open("file");
}

static inline void middle_op(void)
{
	set_lock(middle_fd, F_SETLKP, F_WRLCK, middle);
	set_lock(middle_fd, F_SETLKP, F_UNLCK, middle);
}

#endif
