// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>

#include "rename.h"

static void setup(long n)
{
	(void)n;
	replaced_setup(&replaced_files);
}

static unsigned long op(void)
{
	unsigned long start;

	replaced_prepare(&replaced_files);
	start = bench_ticks();
	if (rename("new", "target"))
		bench_fail("rename");
	replaced_files.now = !replaced_files.now;
	return bench_ticks() - start;
}

static const struct bench rename_replace = {
	.name = "rename_replace",
	.feature = "renameat2",
	.title = "Replace a file by a rename",
	.unit = "rename",
	.fs = { "tmpfs", "ext4" },
	.max_ratio = 1.01,
	.setup = setup,
	.timed_op = op,
};

BENCH(rename_replace);
