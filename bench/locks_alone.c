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
	set_lock(fd, F_SETLKP, F_WRLCK, FAR_AWAY);
	set_lock(fd, F_SETLKP, F_UNLCK, FAR_AWAY);
}

static const struct bench locks_alone = {
	.name = "locks_alone",
	.feature = "file_private_locks",
	.title = "Lock and unlock of one byte of a file without other locks",
	.unit = "lock + unlock",
	.param = "no matter: it is for locks_many to compare with",
	.n = { 1000, 10000, 30000, 1000000, BENCH_END },
	.fs = { "tmpfs" },
	.setup = setup,
	.op = op,
};

BENCH(locks_alone);
