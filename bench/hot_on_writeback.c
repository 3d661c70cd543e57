// SPDX-License-Identifier: GPL-2.0
#include "hot.h"

static void setup(long n)
{
	hot_make(n, 0);
	hot_on_for(hot_write_and_sync, 1);
}

static const struct bench hot_on_writeback = {
	.name = "hot_on_writeback",
	.feature = "hot_tracking",
	.title = "Write 4 KiB to the page cache and write them back, tracking on",
	.unit = "write + writeback",
	.param = "ranges of 1 MiB, 16 a file: 1 is written in sequence, more at random",
	.n = { 1, 16, 256, BENCH_END },
	.fs = { "ext4" },
	.max_ratio = 1.01,
	.peer = "hot_off_writeback",
	.peer_on_stock = true,
	.setup = setup,
	.op = hot_write_and_sync,
	.teardown = hot_off,
};

BENCH(hot_on_writeback);
