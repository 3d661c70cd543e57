// SPDX-License-Identifier: GPL-2.0
/*
 * The first request of a file: its item is made. Each read is the first, because the file's heat is
 * forgotten before it.
 */
#include "hot.h"

static void setup(long n)
{
	hot_make(n, O_DIRECT);
	hot_on_for(hot_read, 1);
}

static unsigned long timed_op(void)
{
	struct hot_reset reset = { .size = sizeof(reset), .flags = HOT_RESET_FILE };
	unsigned long start;

	if (ioctl(hot_files[0], HOT_RESET, &reset))
		bench_fail("HOT_RESET");
	start = bench_ticks();
	hot_read();
	return bench_ticks() - start;
}

static const struct bench hot_on_attach = {
	.name = "hot_on_attach",
	.feature = "hot_tracking",
	.title = "Read 4 KiB with O_DIRECT, the first request of the file",
	.unit = "read",
	.param = "ranges of 1 MiB",
	.n = { 1, BENCH_END },
	.fs = { "ext4" },
	.peer = "hot_off_dio_read",
	.peer_on_stock = true,
	.setup = setup,
	.timed_op = timed_op,
	.teardown = hot_off,
};

BENCH(hot_on_attach);
