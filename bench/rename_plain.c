// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>

#include "bench.h"

static void setup(long n)
{
	(void)n;
	bench_open("a");
}

static void op(void)
{
	if (rename("a", "b") || rename("b", "a"))
		bench_fail("rename");
}

static const struct bench rename_plain = {
	.name = "rename_plain",
	.feature = "renameat2",
	.title = "Rename to a free name in the same directory, and back",
	.unit = "two renames",
	.fs = { "tmpfs", "ext4" },
	.max_ratio = 1.01,
	.setup = setup,
	.op = op,
};

BENCH(rename_plain);
