// SPDX-License-Identifier: GPL-2.0
#include "locks.h"

static int fd;
static off_t middle;

static void setup(long n)
{
	need_index();
	hold_locks(n);
	/* The locks are on even bytes. */
	middle = n + 1;
	fd = bench_open("file");
}

static void op(void)
{
	set_lock(fd, F_SETLKP, F_WRLCK, middle);
	set_lock(fd, F_SETLKP, F_UNLCK, middle);
}

static const struct bench locks_middle = {
	.name = "locks_middle",
	.feature = "file_private_locks",
	.title = "Lock and unlock of one byte in the middle of many locks, against none",
	.unit = "lock + unlock",
	.param = "other locks on the file",
	.n = { 1000, 10000, 30000, BENCH_END },
	.fs = { "tmpfs" },
	.max_ratio = 1.4,
	.peer = "locks_alone",
	.setup = setup,
	.op = op,
};

BENCH(locks_middle);
