// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "helpers.h"
#include "records.h"

void records_free(struct records *list)
{
	free(list->data);
	*list = (struct records) {};
}

static void *records_grow(struct records *list, size_t bytes)
{
	void *end;

	if (list->bytes + bytes > list->space) {
		list->space = 2 * list->space + bytes + 4096;
		list->data = realloc(list->data, list->space);
		if (!list->data)
			broken("memory for records");
	}
	end = list->data + list->bytes;
	list->bytes += bytes;
	return end;
}

void records_add(struct records *list, const void *data, size_t bytes)
{
	const struct hot_record *record;
	size_t at;

	for (at = 0; at < bytes; at += record->size) {
		record = data + at;
		if (bytes - at < sizeof(*record) || record->size < sizeof(*record) ||
		    record->size > HOT_RECORD_MAX || record->size % 8 ||
		    record->size > bytes - at ||
		    record->handle_bytes > record->size - sizeof(*record)) {
			errno = EBADMSG;
			broken("a record's size");
		}
		list->count++;
	}
	memcpy(records_grow(list, bytes), data, bytes);
}

static struct hot_record *add_made_up(struct records *list, __u32 number, __u32 reads, __u32 writes)
{
	__u32 handle[] = { MADE_UP + number, 1 };
	struct hot_record *record = records_grow(list, RECORD_BYTES);

	memset(record, 0, RECORD_BYTES);
	record->size = RECORD_BYTES;
	record->flags = HOT_TRACKED;
	record->reads = reads;
	record->writes = writes;
	record->handle_bytes = sizeof(handle);
	record->handle_type = MADE_UP_TYPE;
	memcpy(record->handle, handle, sizeof(handle));
	list->count++;
	return record;
}

void records_add_inode(struct records *list, __u32 number, __u32 reads, __u32 writes)
{
	add_made_up(list, number, reads, writes);
}

void records_add_range(struct records *list, __u32 number, __u64 offset, __u64 length,
		       __u32 reads, __u32 writes)
{
	struct hot_record *record = add_made_up(list, number, reads, writes);

	record->flags |= HOT_RECORD_RANGE;
	record->offset = offset;
	record->length = length;
}

struct hot_record *records_next(const struct records *list, const struct hot_record *previous)
{
	size_t at = previous ? (const char *)previous - list->data + previous->size : 0;

	return at < list->bytes ? (struct hot_record *)(list->data + at) : NULL;
}

__u64 record_rank(const struct hot_record *record, __u32 order)
{
	order &= HOT_BY_READS | HOT_BY_WRITES;
	if (order == HOT_BY_READS)
		return record->reads;
	if (order == HOT_BY_WRITES)
		return record->writes;
	return (__u64)record->reads + record->writes;
}

static int compare_keys(const struct hot_record *a, const struct hot_record *b)
{
	int order = (a->flags & HOT_RECORD_RANGE) - (b->flags & HOT_RECORD_RANGE);

	if (!order)
		order = (int)a->handle_bytes - (int)b->handle_bytes;
	if (!order)
		order = memcmp(a->handle, b->handle, a->handle_bytes);
	if (!order)
		order = (a->offset > b->offset) - (a->offset < b->offset);
	return order;
}

bool record_same_key(const struct hot_record *a, const struct hot_record *b)
{
	return !compare_keys(a, b) && a->handle_type == b->handle_type && a->length == b->length;
}

bool record_equal(const struct hot_record *a, const struct hot_record *b)
{
	return record_same_key(a, b) && a->flags == b->flags &&
	       a->reads == b->reads && a->writes == b->writes &&
	       a->bytes_read == b->bytes_read && a->bytes_written == b->bytes_written;
}

__u32 record_number(const struct hot_record *record)
{
	__u32 number;

	memcpy(&number, record->handle, sizeof(number));
	return number;
}

static __u32 sort_order;

static int by_rank(const void *a, const void *b)
{
	__u64 x = record_rank(*(struct hot_record **)a, sort_order);
	__u64 y = record_rank(*(struct hot_record **)b, sort_order);

	return (x < y) - (x > y);
}

static int by_key(const void *a, const void *b)
{
	return compare_keys(*(struct hot_record **)a, *(struct hot_record **)b);
}

static void sort(struct records *list, int (*compare)(const void *, const void *))
{
	struct hot_record **pointers = calloc(list->count + 1, sizeof(*pointers));
	struct records sorted = {};
	struct hot_record *record;
	unsigned long i = 0;

	if (!pointers)
		broken("memory for sorting");
	for (record = records_next(list, NULL); record; record = records_next(list, record))
		pointers[i++] = record;
	qsort(pointers, list->count, sizeof(*pointers), compare);
	for (i = 0; i < list->count; i++)
		records_add(&sorted, pointers[i], pointers[i]->size);
	free(pointers);
	records_free(list);
	*list = sorted;
}

void records_sort(struct records *list, __u32 order)
{
	sort_order = order;
	sort(list, by_rank);
}

void records_sort_by_key(struct records *list)
{
	sort(list, by_key);
}

void records_top(struct records *list, int fd, __u32 flags, __u32 count)
{
	struct hot_top top = {
		.size = sizeof(top),
		.flags = flags,
		.count = count,
		.buffer_bytes = (size_t)count * HOT_RECORD_MAX,
	};
	void *buffer = malloc(top.buffer_bytes);
	unsigned long before = list->count;

	if (!buffer)
		broken("memory for HOT_TOP");
	top.buffer = (uintptr_t)buffer;
	if (hot(fd, HOT_TOP, &top))
		broken("HOT_TOP");
	records_add(list, buffer, top.buffer_bytes);
	free(buffer);
	errno = EBADMSG;
	if (list->count - before != top.count)
		broken("the count of HOT_TOP");
}

void records_snapshot(struct records *list, int fd, __u32 flags)
{
	struct hot_stream request = { .size = sizeof(request), .flags = flags };
	int stream = hot(fd, HOT_STREAM, &request);
	static char buffer[256 * 1024];
	ssize_t len;

	if (stream < 0)
		broken("HOT_STREAM");
	while ((len = read(stream, buffer, sizeof(buffer))) > 0)
		records_add(list, buffer, len);
	if (len)
		broken("reading a stream");
	close(stream);
}

int records_load(const struct records *list, int fd, __u64 *loaded)
{
	const struct hot_record *record = records_next(list, NULL), *begin;
	__u64 sum = 0;
	int ret = 0;

	while (record && !ret) {
		struct hot_load load = { .size = sizeof(load), .buffer = (uintptr_t)record };

		for (begin = record; record; record = records_next(list, record)) {
			load.buffer_bytes = (char *)record - (char *)begin;
			if (load.buffer_bytes + record->size > HOT_LOAD_MAX)
				break;
		}
		if (!record)
			load.buffer_bytes = list->data + list->bytes - (char *)begin;
		ret = hot(fd, HOT_LOAD, &load);
		sum += load.loaded;
	}
	if (loaded)
		*loaded = sum;
	return ret;
}

unsigned int pick(unsigned int *seed, unsigned int below)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed % below;
}
