// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <fcntl.h>
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
	if (renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_EXCHANGE))
		bench_fail("renameat2");
}

static const struct bench rename_swap = {
	.name = "rename_swap",
	.feature = "renameat2",
	.title = "Swap two names by RENAME_EXCHANGE, against three renames",
	.unit = "swap",
	.fs = { "tmpfs", "ext4" },
	.max_ratio = 0.5,
	.peer = "rename_three",
	.setup = setup,
	.op = op,
};

BENCH(rename_swap);
