// SPDX-License-Identifier: GPL-2.0
#include "hot.h"

static void setup(long n)
{
	hot_make(n, 0);
}

static const struct bench hot_off_writeback = {
	.name = "hot_off_writeback",
	.feature = "hot_tracking",
	.title = "Write 4 KiB to the page cache and write them back, no tracking",
	.unit = "write + writeback",
	.param = "ranges of 1 MiB, 16 a file: 1 is written in sequence, more at random",
	.n = { 1, 16, 256, BENCH_END },
	.fs = { "ext4" },
	.max_ratio = 1.002,
	.setup = setup,
	.op = hot_write_and_sync,
};

BENCH(hot_off_writeback);
