// SPDX-License-Identifier: GPL-2.0
#include "locks_stall.h"

static void release(int fd)
{
	close(fd);
}

static unsigned long op(void)
{
	return longest_stall(locks, release);
}

static const struct bench locks_stall_close = {
	.name = "locks_stall_close",
	.feature = "file_private_locks",
	.title = "Longest time that the last close of a file with many locks keeps the CPU",
	.unit = "stall",
	.param = "locks",
	.n = { 1000, 30000, 1000000, BENCH_END },
	.fs = { "tmpfs" },
	.samples = 3,
	.setup = setup,
	.timed_op = op,
};

BENCH(locks_stall_close);
