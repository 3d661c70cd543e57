// SPDX-License-Identifier: GPL-2.0
#include "locks_stall.h"

static void release(int fd)
{
	struct flock all = { .l_type = F_UNLCK };

	if (fcntl(fd, F_SETLKP, &all))
		bench_fail("fcntl");
	close(fd);
}

static unsigned long op(void)
{
	return longest_stall(locks, release);
}

static const struct bench locks_stall_unlock = {
	.name = "locks_stall_unlock",
	.feature = "file_private_locks",
	.title = "Longest time that unlocking a file with many locks keeps the CPU",
	.unit = "stall",
	.param = "locks",
	.n = { 1000, 30000, 1000000, BENCH_END },
	.fs = { "tmpfs" },
	.samples = 3,
	.setup = setup,
	.timed_op = op,
};

BENCH(locks_stall_unlock);
