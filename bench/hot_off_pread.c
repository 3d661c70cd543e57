// SPDX-License-Identifier: GPL-2.0
#include "hot.h"

static void setup(long n)
{
	(void)n;
	hot_make(1, 0);
}

static const struct bench hot_off_pread = {
	.name = "hot_off_pread",
	.feature = "hot_tracking",
	.title = "Read 4 KiB that are in the page cache, no tracking",
	.unit = "read",
	.fs = { "ext4" },
	.max_ratio = 1.001,
	.setup = setup,
	.op = hot_read,
};

BENCH(hot_off_pread);
