// SPDX-License-Identifier: GPL-2.0
#include "hot.h"

static void setup(long n)
{
	hot_make(n, O_DIRECT);
	hot_on_for(hot_write, 1);
}

static const struct bench hot_on_dio_write = {
	.name = "hot_on_dio_write",
	.feature = "hot_tracking",
	.title = "Write 4 KiB with O_DIRECT, tracking on",
	.unit = "write",
	.param = "ranges of 1 MiB, 16 a file: 1 is written in sequence, more at random",
	.n = { 1, 16, 256, BENCH_END },
	.fs = { "ext4" },
	.max_ratio = 1.015,
	.peer = "hot_off_dio_write",
	.peer_on_stock = true,
	.setup = setup,
	.op = hot_write,
	.teardown = hot_off,
};

BENCH(hot_on_dio_write);
