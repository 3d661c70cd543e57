// SPDX-License-Identifier: GPL-2.0
#include "hot_top.h"

static long inodes;

static void setup(long n)
{
	inodes = n;
	hot_top_fill(n, 0);
}

static void op(void)
{
	hot_top(0, inodes);
}

static const struct bench hot_on_top_inodes = {
	.name = "hot_on_top_inodes",
	.feature = "hot_tracking",
	.title = "List the hottest 100 inodes",
	.unit = "list",
	.param = "inodes that have heat",
	.n = { 1000, 1000000, BENCH_END },
	.fs = { "ext4" },
	.samples = 5,
	.setup = setup,
	.op = op,
	.teardown = hot_off,
};

BENCH(hot_on_top_inodes);
