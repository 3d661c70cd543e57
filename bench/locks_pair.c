// SPDX-License-Identifier: GPL-2.0
#include "locks.h"

static int fd;

static void setup(long n)
{
	hold_locks(n);
	fd = bench_open("file");
}

static void op(void)
{
	set_lock(fd, F_SETLKP, F_WRLCK, FAR_AWAY);
	set_lock(fd, F_SETLKP, F_UNLCK, FAR_AWAY);
}

static const struct bench locks_pair = {
	.name = "locks_pair",
	.feature = "file_private_locks",
	.title = "File-private lock and unlock of one free byte",
	.unit = "lock + unlock",
	.param = "other locks on the file",
	.n = { 0, 32, 1000, 10000, 30000, BENCH_END },
	.fs = { "tmpfs" },
	.max_ratio = 1.03,
	.setup = setup,
	.op = op,
};

BENCH(locks_pair);
