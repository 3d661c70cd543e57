// SPDX-License-Identifier: GPL-2.0
#include "hot.h"

static void setup(long n)
{
	hot_make(n, O_DIRECT);
}

static const struct bench hot_off_dio_read = {
	.name = "hot_off_dio_read",
	.feature = "hot_tracking",
	.title = "Read 4 KiB with O_DIRECT, no tracking",
	.unit = "read",
	.param = "ranges of 1 MiB, 16 a file: 1 is read in sequence, more at random",
	.n = { 1, 16, 256, BENCH_END },
	.fs = { "ext4" },
	.max_ratio = 1.001,
	.setup = setup,
	.op = hot_read,
};

BENCH(hot_off_dio_read);
