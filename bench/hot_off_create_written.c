// SPDX-License-Identifier: GPL-2.0
#include "hot.h"

static void setup(long n)
{
	(void)n;
}

static const struct bench hot_off_create_written = {
	.name = "hot_off_create_written",
	.feature = "hot_tracking",
	.title = "Create a file, write 4 KiB and write them back, delete it, no tracking",
	.unit = "create + write + delete",
	.fs = { "ext4" },
	.max_ratio = 1.001,
	.setup = setup,
	.op = hot_create_written,
};

BENCH(hot_off_create_written);
