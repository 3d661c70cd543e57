// SPDX-License-Identifier: GPL-2.0
#include "rename.h"

static struct replaced files;

static void setup(long n)
{
	(void)n;
	replaced_setup(&files);
}

static unsigned long op(void)
{
	unsigned long start;

	replaced_prepare(&files);
	start = bench_ticks();
	replace_if_same(&files);
	return bench_ticks() - start;
}

static const struct bench rename_cond = {
	.name = "rename_cond",
	.feature = "renameat2",
	.title = "Replace a file by a rename if it is still the same, against a plain rename",
	.unit = "rename",
	.fs = { "tmpfs", "ext4" },
	.max_ratio = 1.08,
	.peer = "rename_replace",
	.setup = setup,
	.timed_op = op,
};

BENCH(rename_cond);
