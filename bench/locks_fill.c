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
	unsigned long ticks = bench_ticks();

	fill(fd, locks);
	ticks = bench_ticks() - ticks;
	close(fd);
	return ticks / locks;
}

static const struct bench locks_fill = {
	.name = "locks_fill",
	.feature = "file_private_locks",
	.title = "Lock one byte after the other, against a file that never has more than 32 locks",
	.unit = "lock",
	.param = "locks in the end",
	.n = { 30000, BENCH_END },
	.fs = { "tmpfs" },
	.max_ratio = 1.5,
	.peer = "locks_fill_few",
	.samples = 5,
	.setup = setup,
	.timed_op = op,
};

BENCH(locks_fill);
