// SPDX-License-Identifier: GPL-2.0
/* libhottrack: heat of files and ranges, and heat put back. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "libprivate.h"

/* Ranges asked for at a time, 24 bytes each. */
#define RANGES_AT_ONCE 4096

EXPORT int hottrack_file_heat(int fd, struct hot_inode *heat)
{
	memset(heat, 0, sizeof(*heat));
	heat->size = sizeof(*heat);
	return hot_ioctl(fd, HOT_GET_INODE, heat);
}

/* Whether the ranges that an answer brought are in order, inside of what was asked. */
static bool in_order(const struct hot_ranges *answer, const struct hot_range *ranges,
		     __u64 offset, __u64 end)
{
	__u64 length;

	if (answer->count > RANGES_AT_ONCE || answer->range_shift > 63 ||
	    (answer->next && answer->next <= offset))
		return false;
	length = 1ULL << answer->range_shift;
	for (__u32 i = 0; i < answer->count; i++) {
		if (ranges[i].offset % length || ranges[i].offset >= end ||
		    length - 1 > UINT64_MAX - ranges[i].offset ||
		    ranges[i].offset + (length - 1) < offset)
			return false;
		offset = ranges[i].offset + length;
		/* The last range that there can be ends where the numbers do. */
		if (!offset && i + 1 < answer->count)
			return false;
	}
	return true;
}

EXPORT int hottrack_file_ranges(int fd, __u64 offset, __u64 length,
				struct hottrack_ranges **ranges)
{
	const __u64 end = length && length < UINT64_MAX - offset ? offset + length : UINT64_MAX;
	struct hottrack_ranges *all = NULL, *more;
	__u64 at = offset;
	size_t count = 0;
	int ret;

	for (;;) {
		struct hot_ranges ask = {
			.size = sizeof(ask),
			.offset = at,
			.length = end == UINT64_MAX ? 0 : end - at,
			.count = RANGES_AT_ONCE,
		};

		more = realloc(all, sizeof(*all) + (count + RANGES_AT_ONCE) * sizeof(*all->ranges));
		if (!more) {
			ret = -ENOMEM;
			break;
		}
		all = more;
		ask.ranges = (uintptr_t)(all->ranges + count);
		ret = hot_ioctl(fd, HOT_GET_RANGES, &ask);
		if (!ret && !in_order(&ask, all->ranges + count, at, end))
			ret = -EPROTO;
		if (ret)
			break;
		/* Turned off and on again meanwhile: what came before is of another time. */
		if (count && ask.range_shift != all->range_shift) {
			count = 0;
			at = offset;
			continue;
		}
		all->range_shift = ask.range_shift;
		count += ask.count;
		at = ask.next;
		if (!at || at >= end) {
			all->count = count;
			*ranges = all;
			return 0;
		}
	}
	free(all);
	return ret;
}

EXPORT int hottrack_check_record(const void *record, size_t bytes)
{
	const struct hot_record *r = record;

	if (bytes < sizeof(*r) || r->size < sizeof(*r) || r->size > bytes || r->size % 8 ||
	    r->handle_bytes > MAX_HANDLE_SZ || r->handle_bytes > r->size - sizeof(*r))
		return -EPROTO;
	return r->size;
}

EXPORT int hottrack_top(struct hottrack *ht, unsigned int flags, unsigned int count,
			struct hottrack_list **list)
{
	struct hot_top top = { .size = sizeof(top), .flags = flags, .count = count };
	struct hottrack_list *all;
	char *record;
	size_t left;
	int ret;

	if (!count || count > HOT_COUNT_MAX)
		return -EINVAL;
	/* The records are behind the pointers to them. */
	all = malloc(sizeof(*all) + count * (sizeof(*all->records) + HOT_RECORD_MAX));
	if (!all)
		return -ENOMEM;
	record = (char *)(all->records + count);
	top.buffer = (uintptr_t)record;
	top.buffer_bytes = count * HOT_RECORD_MAX;
	left = top.buffer_bytes;
	ret = hot_ioctl(ht->fd, HOT_TOP, &top);
	if (!ret && (top.count > count || top.buffer_bytes > left))
		ret = -EPROTO;
	left = top.buffer_bytes;
	for (size_t i = 0; !ret && i < top.count; i++) {
		int size = hottrack_check_record(record, left);

		if (size < 0) {
			ret = size;
			break;
		}
		all->records[i] = (struct hot_record *)record;
		record += size;
		left -= size;
	}
	if (!ret && left)
		ret = -EPROTO;
	if (ret) {
		free(all);
		return ret;
	}
	all->count = top.count;
	all->scanned = top.scanned;
	*list = all;
	return 0;
}

EXPORT int hottrack_histogram(struct hottrack *ht, unsigned int flags,
			      struct hot_histogram *histogram)
{
	memset(histogram, 0, sizeof(*histogram));
	histogram->size = sizeof(*histogram);
	histogram->flags = flags;
	return hot_ioctl(ht->fd, HOT_HISTOGRAM, histogram);
}

EXPORT int hottrack_load(struct hottrack *ht, const void *records, size_t bytes, __u64 *loaded)
{
	const char *at = records;
	int ret = 0;

	*loaded = 0;
	while (!ret && bytes) {
		struct hot_load load = { .size = sizeof(load), .buffer = (uintptr_t)at };
		size_t part = 0;
		int size = 0;

		while (part < bytes) {
			size = hottrack_check_record(at + part, bytes - part);
			if (size < 0 || part + size > HOT_LOAD_MAX)
				break;
			part += size;
		}
		/* What is whole goes first: the caller learns how far it came. */
		if (!part)
			return -EINVAL;
		load.buffer_bytes = part;
		ret = hot_ioctl(ht->fd, HOT_LOAD, &load);
		*loaded += load.loaded;
		at += part;
		bytes -= part;
	}
	return ret;
}
