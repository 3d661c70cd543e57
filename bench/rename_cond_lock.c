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

static const struct bench rename_cond_lock = {
	.name = "rename_cond_lock",
	.feature = "renameat2",
	.title = "Replace a file by a rename if it is still the same, against a lock and stat",
	.unit = "rename",
	/* On ext4 the journal is most of the cost, and both have it. */
	.fs = { "tmpfs" },
	.max_ratio = 0.667,
	.peer = "rename_locked",
	.setup = setup,
	.timed_op = op,
};

BENCH(rename_cond_lock);
