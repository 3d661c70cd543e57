// SPDX-License-Identifier: GPL-2.0
#include "hot.h"

static void setup(long n)
{
	(void)n;
	hot_on_for(hot_create_empty, 0);
}

static const struct bench hot_on_create = {
	.name = "hot_on_create",
	.feature = "hot_tracking",
	.title = "Create an empty file and delete it, tracking on",
	.unit = "create + delete",
	.fs = { "ext4" },
	.max_ratio = 1.01,
	.peer = "hot_off_create",
	.peer_on_stock = true,
	.setup = setup,
	.op = hot_create_empty,
	.teardown = hot_off,
};

BENCH(hot_on_create);
