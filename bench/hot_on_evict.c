// SPDX-License-Identifier: GPL-2.0
/*
 * Requests in ranges for which there is room in the table, and in ranges for which there is none:
 * then each takes the place of the one before it, which is the coldest of four, because the table
 * is full of made-up ranges that are hotter. What that costs is the difference of the two.
 */
#include "hot_load.h"

#include <stdlib.h>

#define RANGES		4096
#define SLOT_BYTES	24
#define SLOTS_LEAST	2048
#define NOBODY		1000000
#define NOBODYS_RANGES	(16L * SLOTS_LEAST)
#define NOBODYS_READS	1000

static int fd;
static off_t next;

static void op(void)
{
	if (pread(fd, hot_buffer, HOT_PAGE, next) != HOT_PAGE)
		bench_fail("pread");
	next = (next + HOT_RANGE) % (RANGES * HOT_RANGE);
}

static void setup(long n)
{
	struct hot_ctl ctl = {
		.flags = HOT_CTL_ON | HOT_CTL_SET_RANGE_BYTES,
		.max_range_bytes = n * SLOT_BYTES,
	};
	long evicted, expected = n == SLOTS_LEAST ? RANGES : 0;

	fd = hot_file(0, RANGES, O_DIRECT);
	hot_control(&ctl);
	for (long i = 0; i < NOBODYS_RANGES && expected; i++) {
		if (!i)
			hot_load_add(NOBODY, 0, 0, 1);
		hot_load_add(NOBODY, i * HOT_RANGE, HOT_RANGE, NOBODYS_READS);
	}
	hot_load_flush();

	/* In the first lap a place may be free. */
	for (int i = 0; i < 2 * RANGES; i++) {
		if (i == RANGES)
			hot_control(&ctl);
		op();
	}
	evicted = ctl.evicted_ranges;
	hot_control(&ctl);
	evicted = ctl.evicted_ranges - evicted;
	/* A set may have one range alone, or too many where there is room for all. */
	if (labs(evicted - expected) > RANGES / 50) {
		errno = EPROTO;
		bench_fail("not as many ranges gave way as should");
	}
}

static const struct bench hot_on_evict = {
	.name = "hot_on_evict",
	.feature = "hot_tracking",
	.title = "Read 4 KiB with O_DIRECT in one of 4096 ranges of a file, tracking on",
	.unit = "read",
	.param = "ranges that the table has room for; at 2048 each read has one give way",
	.n = { SLOTS_LEAST, 32768, BENCH_END },
	.fs = { "ext4" },
	.setup = setup,
	.op = op,
	.teardown = hot_off,
};

BENCH(hot_on_evict);
