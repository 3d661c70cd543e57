// SPDX-License-Identifier: GPL-2.0
#include "locks.h"

static long locks;

static void setup(long n)
{
	need_index();
	locks = n;
}

static unsigned long op(void)
{
	int fd = bench_open("file");
	unsigned long ticks;

	fill(fd, locks);
	ticks = bench_ticks();
	close(fd);
	return (bench_ticks() - ticks) / locks;
}

static const struct bench locks_close = {
	.name = "locks_close",
	.feature = "file_private_locks",
	.title = "Close an open file with many locks, each against one of 1000 on stock",
	.unit = "lock",
	.param = "locks",
	.n = { 30000, 1000000, BENCH_END },
	.fs = { "tmpfs" },
	.max_ratio = 2,
	.peer = "locks_close_few",
	.peer_on_stock = true,
	.samples = 5,
	.setup = setup,
	.timed_op = op,
};

BENCH(locks_close);
