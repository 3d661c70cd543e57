/* SPDX-License-Identifier: GPL-2.0 */
/* What the lock benchmarks share. */
#ifndef SEPTET_BENCH_LOCKS_H
#define SEPTET_BENCH_LOCKS_H

#include <fcntl.h>
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

/* @n one-byte read locks on "file" with gaps between, held by their own open file. */
static inline void hold_locks(long n)
{
	int fd = bench_open("file");

	while (n--)
		set_lock(fd, F_SETLKP, F_RDLCK, 2 * n);
}

#endif
