// SPDX-License-Identifier: GPL-2.0
#include "hot_top.h"

#define INODES	1000

static long ranges;

static void setup(long n)
{
	ranges = n;
	hot_top_fill(INODES, n);
}

static void op(void)
{
	hot_top(HOT_OF_RANGES, ranges - ranges / 50);
}

static const struct bench hot_on_top_ranges = {
	.name = "hot_on_top_ranges",
	.feature = "hot_tracking",
	.title = "List the hottest 100 ranges",
	.unit = "list",
	.param = "ranges of 1000 inodes that have heat",
	.n = { 1000, 1000000, BENCH_END },
	.fs = { "ext4" },
	.samples = 5,
	.setup = setup,
	.op = op,
	.teardown = hot_off,
};

BENCH(hot_on_top_ranges);
