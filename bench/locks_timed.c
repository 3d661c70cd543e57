// SPDX-License-Identifier: GPL-2.0
#include "locks.h"

static int fd;

static void setup(long n)
{
	(void)n;
	fd = bench_open("file");
}

static void op(void)
{
	set_lock_by(fd, F_WRLCK, FAR_AWAY);
	set_lock_by(fd, F_UNLCK, FAR_AWAY);
}

static const struct bench locks_timed = {
	.name = "locks_timed",
	.feature = "file_private_locks",
	.title = "Lock and unlock of one free byte with a deadline, against F_SETLKPW",
	.unit = "lock + unlock",
	.fs = { "tmpfs" },
	.max_ratio = 1.1,
	.peer = "locks_wait",
	.setup = setup,
	.op = op,
};

BENCH(locks_timed);
