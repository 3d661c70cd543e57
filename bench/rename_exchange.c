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

static const struct bench rename_exchange = {
	.name = "rename_exchange",
	.feature = "renameat2",
	.title = "Exchange two names of the same directory",
	.unit = "exchange",
	.fs = { "tmpfs", "ext4" },
	.max_ratio = 1.01,
	.setup = setup,
	.op = op,
};

BENCH(rename_exchange);
