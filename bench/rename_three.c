// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>

#include "bench.h"

static void setup(long n)
{
	(void)n;
	bench_open("a");
	bench_open("b");
}

static void op(void)
{
	if (rename("a", "aside") || rename("b", "a") || rename("aside", "b"))
		bench_fail("rename");
}

static const struct bench rename_three = {
	.name = "rename_three",
	.feature = "renameat2",
	.title = "Swap two names by three renames",
	.unit = "swap",
	.fs = { "tmpfs", "ext4" },
	.max_ratio = 1.01,
	.setup = setup,
	.op = op,
};

BENCH(rename_three);
