// SPDX-License-Identifier: GPL-2.0
#include "locks.h"

#define FEW	1000

static unsigned long op(void)
{
	int fd = bench_open("file");
	unsigned long ticks;

	fill(fd, FEW);
	ticks = bench_ticks();
	close(fd);
	return (bench_ticks() - ticks) / FEW;
}

static void setup(long n)
{
	(void)n;
}

static const struct bench locks_close_few = {
	.name = "locks_close_few",
	.feature = "file_private_locks",
	.title = "Close an open file with 1000 locks",
	.unit = "lock",
	.param = "no matter: it is for locks_close to compare with",
	.n = { 30000, 1000000, BENCH_END },
	.fs = { "tmpfs" },
	.samples = 5,
	.setup = setup,
	.timed_op = op,
};

BENCH(locks_close_few);
