// SPDX-License-Identifier: GPL-2.0
#include "hot.h"

static void setup(long n)
{
	(void)n;
	hot_make(1, 0);
	hot_on_for(hot_read, 0);
}

static const struct bench hot_on_pread = {
	.name = "hot_on_pread",
	.feature = "hot_tracking",
	.title = "Read 4 KiB that are in the page cache, tracking on",
	.unit = "read",
	.fs = { "ext4" },
	.max_ratio = 1.001,
	.peer = "hot_off_pread",
	.peer_on_stock = true,
	.setup = setup,
	.op = hot_read,
	.teardown = hot_off,
};

BENCH(hot_on_pread);
