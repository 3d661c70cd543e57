/* SPDX-License-Identifier: GPL-2.0 */
/* Finding the hottest 100 of many: what the benchmarks for inodes and for ranges share. */
#ifndef SEPTET_BENCH_HOT_TOP_H
#define SEPTET_BENCH_HOT_TOP_H

#include "hot_load.h"

#define HOT_TOP_WANTED	100
/* More than an inode takes; slots of the table for a range, so that few find their set full. */
#define HOT_ITEM_BYTES	256
#define HOT_RANGE_BYTES	(5 * 24)

static int hot_top_fd;

static inline void hot_top(unsigned int flags, long least)
{
	static char buffer[HOT_TOP_WANTED * HOT_RECORD_MAX];
	struct hot_top top = {
		.size = sizeof(top),
		.flags = flags,
		.count = HOT_TOP_WANTED,
		.buffer = (unsigned long)buffer,
		.buffer_bytes = sizeof(buffer),
	};

	if (ioctl(hot_top_fd, HOT_TOP, &top))
		bench_fail("HOT_TOP");
	if (top.count != HOT_TOP_WANTED || (long)top.scanned < least) {
		errno = EPROTO;
		bench_fail("not as many were looked at as there should be");
	}
}

/* Turns tracking on with @inodes and @ranges that are hot at random. */
static inline void hot_top_fill(long inodes, long ranges)
{
	struct hot_ctl ctl = {
		.flags = HOT_CTL_ON | HOT_CTL_SET_ITEM_BYTES | HOT_CTL_SET_RANGE_BYTES,
		.max_item_bytes = (inodes + 4096) * HOT_ITEM_BYTES,
		.max_range_bytes = (ranges + 4096) * HOT_RANGE_BYTES,
	};

	hot_top_fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	hot_control(&ctl);
	for (long i = 0; i < inodes; i++)
		hot_load_add(1 + i, 0, 0, hot_random());
	for (long i = 0; i < ranges; i++)
		hot_load_add(1 + i % inodes, i / inodes * HOT_RANGE, HOT_RANGE, hot_random());
	hot_load_flush();
}

#endif
