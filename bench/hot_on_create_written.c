// SPDX-License-Identifier: GPL-2.0
#include "hot.h"

static void setup(long n)
{
	(void)n;
	hot_on_for(hot_create_written, 1);
}

static const struct bench hot_on_create_written = {
	.name = "hot_on_create_written",
	.feature = "hot_tracking",
	.title = "Create a file, write 4 KiB and write them back, delete it, tracking on",
	.unit = "create + write + delete",
	.fs = { "ext4" },
	.max_ratio = 1.03,
	.peer = "hot_off_create_written",
	.peer_on_stock = true,
	.setup = setup,
	.op = hot_create_written,
	.teardown = hot_off,
};

BENCH(hot_on_create_written);
