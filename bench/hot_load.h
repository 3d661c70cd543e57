/* SPDX-License-Identifier: GPL-2.0 */
/* Heat that was never measured, for tables that shall be full. */
#ifndef SEPTET_BENCH_HOT_LOAD_H
#define SEPTET_BENCH_HOT_LOAD_H

#include <stddef.h>

#include "hot.h"

/* Handles like those of files that do not exist. */
struct hot_made_up {
	struct hot_record record;
	__u32 inode;
	__u32 generation;
};

#define HOT_FILEID_INO32_GEN	1

static struct hot_made_up hot_records[HOT_LOAD_MAX / sizeof(struct hot_made_up)];
static size_t hot_records_filled;

static inline void hot_load_flush(void)
{
	struct hot_load load = {
		.size = sizeof(load),
		.buffer = (unsigned long)hot_records,
		.buffer_bytes = hot_records_filled * sizeof(*hot_records),
	};
	int fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || ioctl(fd, HOT_LOAD, &load))
		bench_fail("HOT_LOAD");
	close(fd);
	hot_records_filled = 0;
}

/* Adds @reads requests to a file, or to the range of it that @length is the length of. */
static inline void hot_load_add(__u32 inode, off_t offset, size_t length, __u32 reads)
{
	hot_records[hot_records_filled++] = (struct hot_made_up) {
		.record.size = sizeof(struct hot_made_up),
		.record.flags = HOT_TRACKED | (length ? HOT_RECORD_RANGE : 0),
		.record.offset = offset,
		.record.length = length,
		.record.reads = reads * HOT_ONE,
		.record.handle_type = HOT_FILEID_INO32_GEN,
		.record.handle_bytes = sizeof(struct hot_made_up) - sizeof(struct hot_record),
		.inode = inode,
		.generation = 1,
	};
	if (hot_records_filled == sizeof(hot_records) / sizeof(*hot_records))
		hot_load_flush();
}

#endif
