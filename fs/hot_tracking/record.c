// SPDX-License-Identifier: GPL-2.0
/*
 * Records: how heat with its inode's handle is given to user space and taken back.
 */
#include <linux/exportfs.h>
#include <linux/string.h>
#include "tracker.h"

static void hot_record_fill(struct hot_record *record, struct hot_tracker *t,
			    const struct hot_item *item, const struct hot_heat *heat, u32 now)
{
	struct hot_heat aged = *heat;

	hot_heat_age(&aged, now);
	memset(record, 0, HOT_RECORD_MAX);
	record->size = ALIGN(sizeof(*record) + item->handle.bytes, 8);
	record->flags = item->flags & (HOT_TRACKED | HOT_VOLATILE | HOT_NOT_OPENABLE);
	record->reads = aged.reads;
	record->writes = aged.writes;
	record->age_ms = hot_age_ms(t, heat, now);
	record->handle_bytes = item->handle.bytes;
	record->handle_type = item->handle.type;
	memcpy(record->handle, item->handle.raw, item->handle.bytes);
}

/* @record has room for HOT_RECORD_MAX bytes. */
void hot_record_item(struct hot_record *record, struct hot_tracker *t,
		     const struct hot_item *item, u32 now)
{
	hot_record_fill(record, t, item, &item->heat, now);
	record->bytes_read = item->bytes_read;
	record->bytes_written = item->bytes_written;
}

/* @record has room for HOT_RECORD_MAX bytes. */
void hot_record_range(struct hot_record *record, struct hot_tracker *t,
		      const struct hot_item *item, u64 index, const struct hot_heat *heat, u32 now)
{
	hot_record_fill(record, t, item, heat, now);
	record->flags |= HOT_RECORD_RANGE;
	record->offset = index << t->range_shift;
	record->length = 1ULL << t->range_shift;
}

static bool hot_record_valid(const struct hot_tracker *t, const struct hot_record *record)
{
	u64 length = record->flags & HOT_RECORD_RANGE ? 1ULL << t->range_shift : 0;

	if (record->flags & ~(HOT_TRACKED | HOT_VOLATILE | HOT_NOT_OPENABLE | HOT_RECORD_RANGE))
		return false;
	if (record->handle_bytes < sizeof(u32) || record->handle_bytes > HOT_HANDLE_MAX ||
	    record->handle_bytes % sizeof(u32) ||
	    record->size != ALIGN(sizeof(*record) + record->handle_bytes, 8))
		return false;
	if (record->handle_type <= 0 || record->handle_type >= FILEID_INVALID)
		return false;
	if (record->length != length)
		return false;
	if (!length)
		return !record->offset;
	return record->offset <= S64_MAX && !(record->offset & (length - 1)) &&
	       !record->bytes_read && !record->bytes_written;
}

/**
 * hot_record_load - take the heat of a record
 * @t: the tracker
 * @record: as hot_record_item() and hot_record_range() make them; all its bytes can be read
 *
 * Return: 1; 0 if it was passed over; -EINVAL, -ENOENT, -ENOSPC, -ENOMEM as HOT_LOAD has them.
 */
int hot_record_load(struct hot_tracker *t, const struct hot_record *record)
{
	struct hot_handle handle = { };
	struct hot_heat heat = { .reads = record->reads, .writes = record->writes };
	struct hot_item *item;
	int error;

	if (!hot_record_valid(t, record))
		return -EINVAL;
	if (record->flags & HOT_VOLATILE)
		return 0;
	heat.epoch = hot_epoch(t) - hot_age_epochs(t, record->age_ms);
	handle.bytes = record->handle_bytes;
	handle.type = record->handle_type;
	memcpy(handle.raw, record->handle, handle.bytes);
	if (!(record->flags & HOT_RECORD_RANGE)) {
		error = hot_item_load(t, &handle, HOT_TRACKED | (record->flags & HOT_NOT_OPENABLE),
				      &heat, record->bytes_read, record->bytes_written);
		return error ?: 1;
	}
	item = hot_item_find(t, &handle);
	if (!item)
		return -ENOENT;
	hot_table_add(t->table, item->id, record->offset >> t->range_shift, heat.reads,
		      heat.writes, heat.epoch);
	hot_item_put(item);
	return 1;
}
