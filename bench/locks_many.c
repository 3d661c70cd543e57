// SPDX-License-Identifier: GPL-2.0
#include "locks.h"

static int fd;

static void setup(long n)
{
	need_index();
	hold_locks(n);
	fd = bench_open("file");
}

static void op(void)
{
	set_lock(fd, F_SETLKP, F_WRLCK, FAR_AWAY);
	set_lock(fd, F_SETLKP, F_UNLCK, FAR_AWAY);
}

static const struct bench locks_many = {
	.name = "locks_many",
	.feature = "file_private_locks",
	.title = "Lock and unlock of one byte behind many locks, against none",
	.unit = "lock + unlock",
	.param = "other locks on the file",
	.n = { 1000, 10000, 30000, BENCH_END },
	.fs = { "tmpfs" },
	.max_ratio = 1.4,
	.peer = "locks_alone",
	.setup = setup,
	.op = op,
};

BENCH(locks_many);
