// SPDX-License-Identifier: GPL-2.0
#include "hot.h"

static void setup(long n)
{
	(void)n;
}

static const struct bench hot_off_create = {
	.name = "hot_off_create",
	.feature = "hot_tracking",
	.title = "Create an empty file and delete it, no tracking",
	.unit = "create + delete",
	.fs = { "ext4" },
	.max_ratio = 1.001,
	.setup = setup,
	.op = hot_create_empty,
};

BENCH(hot_off_create);
