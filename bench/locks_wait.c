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
	set_lock(fd, F_SETLKPW, F_WRLCK, FAR_AWAY);
	set_lock(fd, F_SETLKPW, F_UNLCK, FAR_AWAY);
}

static const struct bench locks_wait = {
	.name = "locks_wait",
	.feature = "file_private_locks",
	.title = "Lock and unlock of one free byte with the command that would wait",
	.unit = "lock + unlock",
	.fs = { "tmpfs" },
	.max_ratio = 1.03,
	.setup = setup,
	.op = op,
};

BENCH(locks_wait);
