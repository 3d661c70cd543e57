// SPDX-License-Identifier: GPL-2.0
#include "locks.h"

#define FEW	32

static long rounds;
static int fd;

static void setup(long n)
{
	rounds = n / FEW;
	fd = bench_open("file");
}

static unsigned long op(void)
{
	unsigned long ticks, sum = 0;

	for (long i = 0; i < rounds; i++) {
		struct flock all = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

		ticks = bench_ticks();
		fill(fd, FEW);
		sum += bench_ticks() - ticks;
		if (fcntl(fd, F_SETLKP, &all))
			bench_fail("fcntl");
	}
	return sum / (rounds * FEW);
}

static const struct bench locks_fill_few = {
	.name = "locks_fill_few",
	.feature = "file_private_locks",
	.title = "Lock one byte after the other, with at most 32 locks at a time",
	.unit = "lock",
	.param = "locks in all",
	.n = { 30000, BENCH_END },
	.fs = { "tmpfs" },
	.max_ratio = 1.03,
	.samples = 5,
	.setup = setup,
	.timed_op = op,
};

BENCH(locks_fill_few);
