/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of hot tracking share. Lock order: hot_mutex, hot_tracker.resize,
 * hot_tracker.lock, then those that never sleep: hot_pending.lock, hot_item.lock or
 * hot_stripe.lock, hot_tracker.epoch_lock or hot_tracker.streams_lock.
 */
#ifndef _FS_HOT_TRACKING_TRACKER_H
#define _FS_HOT_TRACKING_TRACKER_H

#include <linux/fs.h>
#include <linux/hot_tracking.h>
#include <linux/kobject.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/rhashtable-types.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include "ranges.h"

/**
 * struct hot_handle - which inode: its file handle, and the key of its item
 * @bytes: length, 1 to HOT_HANDLE_MAX
 * @type: as exportfs has it
 * @raw: the handle, zero beyond its length
 */
struct hot_handle {
	u32 bytes;
	s32 type;
	u32 raw[HOT_HANDLE_MAX / sizeof(u32)];
};

#define HOT_ITEM_DEAD	0x8000	/* in hot_item.flags: no one finds it any more */

/**
 * struct hot_item - heat of one inode
 * @lock: protects @heat, @bytes_read, @bytes_written and @inode
 * @ref: one of the tracker while the item is not dead, one of each i_hot that points
 *	here, one of each combiner that has something for it
 * @id: number in hot_tracker.ids; never used again while heat of its ranges can last
 * @flags: HOT_VOLATILE, HOT_NOT_OPENABLE, HOT_ITEM_DEAD; the last is set under hot_tracker.lock
 * @heat: requests
 * @bytes_read: since the item exists
 * @bytes_written: since the item exists
 * @tracker: of the superblock; the item has a reference to it
 * @inode: which has an i_hot that points here, NULL if none is in memory. It cannot be
 *	destroyed while @lock is held and it is seen here.
 * @node: in hot_tracker.items
 * @handle: of the inode
 *
 * Items come from a cache with SLAB_TYPESAFE_BY_RCU, so that memory of one that ended is there
 * for the next one at once and the limit is exact. Who finds one under RCU alone takes a
 * reference or @lock and looks again.
 */
struct hot_item {
	raw_spinlock_t lock;
	refcount_t ref;
	u32 id;
	u32 flags;
	struct hot_heat heat;
	u64 bytes_read;
	u64 bytes_written;
	struct hot_tracker *tracker;
	struct inode *inode;
	struct rhash_head node;
	struct hot_handle handle;
};

/**
 * struct hot_tracker - hot tracking of one superblock, while it is on
 * @kobj: the folder in sysfs, and the reference count
 * @dev: device number of the superblock
 * @range_shift: log2 of the bytes of a range; does not change
 * @openable: file handles of the filesystem can be opened; does not change
 * @magic: of the filesystem; does not change
 * @table: heat of the ranges
 * @release: frees all that belongs to the tracker after the last reference is gone and
 *	an RCU grace period has passed
 * @stopped: tracking was turned off: there are no items, and will be none; written under @lock
 * @resize: held to change the size of @table
 * @lock: protects @items, @ids, @next_id, @hand and the life and death of items
 * @items: items by handle
 * @ids: items by id
 * @next_id: where to look for a free id
 * @hand: id that the last item to be evicted was looked for at
 * @nr_items: items whose memory is in use, dead ones that a combiner still has included
 * @max_item_bytes: limit of hot_item_bytes()
 * @max_range_bytes: limit of the table
 * @epoch_lock: protects the advance of the clock
 * @epoch: number of this epoch
 * @epoch_end: end of it, jiffies
 * @epoch_length: jiffies
 * @half_life_ms: milliseconds
 * @requests: counted since tracking is on, for each CPU
 * @evicted_items: items that gave way
 * @dropped: requests not counted for want of memory
 * @shrinker: takes items
 * @range_shrinker: halves @table
 * @streams_lock: protects @streams and what waits in them
 * @streams: that wait for heat to cross a threshold
 * @watched: there are any
 */
struct hot_tracker {
	u32 epoch;
	unsigned long epoch_end;
	struct hot_table *table;
	u64 __percpu *requests;
	unsigned int range_shift;
	bool watched;

	/* What follows is not for each request. */
	bool openable;
	unsigned long magic;
	struct kobject kobj;
	dev_t dev;
	struct rcu_work release;
	bool stopped;
	struct mutex resize;	/* of the table */
	spinlock_t lock;	/* of items */
	struct rhashtable items;
	struct xarray ids;
	u32 next_id;
	unsigned long hand;
	atomic_long_t nr_items;
	u64 max_item_bytes;
	u64 max_range_bytes;
	raw_spinlock_t epoch_lock;
	unsigned long epoch_length;
	u64 half_life_ms;
	atomic64_t evicted_items;
	atomic64_t dropped;
	struct shrinker *shrinker;
	struct shrinker *range_shrinker;
	raw_spinlock_t streams_lock;
	struct list_head streams;
};

/* tracker.c */
extern struct mutex hot_mutex;
struct hot_tracker *hot_tracker_new(struct super_block *sb, const struct hot_ctl *ctl);
void hot_tracker_stop(struct super_block *sb);
void hot_tracker_free(struct hot_tracker *t);
int hot_tracker_set(struct hot_tracker *t, const struct hot_ctl *ctl);
void hot_tracker_get_ctl(struct hot_tracker *t, struct hot_ctl *ctl);
void hot_tracker_reset(struct hot_tracker *t);
struct hot_tracker *hot_tracker_enter(struct super_block *sb);
u64 hot_max_bytes(void);
u64 hot_default_bytes(void);
void hot_epoch_advance(struct hot_tracker *t);
u32 hot_epoch_until(struct hot_tracker *t, unsigned long *end);

static inline struct hot_tracker *hot_tracker_get(struct hot_tracker *t)
{
	kobject_get(&t->kobj);
	return t;
}

static inline void hot_tracker_put(struct hot_tracker *t)
{
	kobject_put(&t->kobj);
}

/* Number of this epoch. The clock has no timer: who looks moves it. */
static inline u32 hot_epoch(struct hot_tracker *t)
{
	if (unlikely(time_after_eq(jiffies, READ_ONCE(t->epoch_end))))
		hot_epoch_advance(t);
	return READ_ONCE(t->epoch);
}

u64 hot_age_ms(const struct hot_tracker *t, const struct hot_heat *heat, u32 now);
u32 hot_age_epochs(const struct hot_tracker *t, u64 age_ms);

/* items.c */
void hot_items_init(void);
int hot_shrinkers_add(struct hot_tracker *t);
void hot_shrinkers_remove(struct hot_tracker *t);
int hot_items_init_tracker(struct hot_tracker *t);
void hot_items_destroy_tracker(struct hot_tracker *t);
u64 hot_item_bytes(const struct hot_tracker *t);
void hot_items_trim(struct hot_tracker *t);
struct hot_item *hot_item_attach(struct inode *inode);
struct hot_item *hot_item_find(struct hot_tracker *t, const struct hot_handle *handle);
struct hot_item *hot_item_of(struct hot_tracker *t, struct inode *inode);
int hot_item_load(struct hot_tracker *t, const struct hot_handle *handle, u32 flags,
		  const struct hot_heat *heat, u64 bytes_read, u64 bytes_written);
void hot_item_kill(struct hot_item *item);
void hot_items_kill_all(struct hot_tracker *t);
void hot_item_put(struct hot_item *item);
bool hot_item_next(struct hot_tracker *t, unsigned long *id, struct hot_item *copy);
bool hot_item_copy(struct hot_tracker *t, u32 id, struct hot_item *copy);

/* combine.c */
enum hot_drain { HOT_PASS, HOT_LET_GO, HOT_DISCARD };

void hot_combiners_init(void);
void hot_combiners_drain(struct hot_tracker *t, enum hot_drain how);

/* scan.c */
int hot_scan_top(struct hot_tracker *t, struct hot_top *top);
int hot_scan_histogram(struct hot_tracker *t, struct hot_histogram *histogram);
int hot_scan_ranges(struct hot_tracker *t, u32 id, u64 file_size, struct hot_ranges *ranges);

/* record.c */
void hot_record_item(struct hot_record *record, struct hot_tracker *t,
		     const struct hot_item *item, u32 now);
void hot_record_range(struct hot_record *record, struct hot_tracker *t,
		      const struct hot_item *item, u64 index, const struct hot_heat *heat, u32 now);
int hot_record_load(struct hot_tracker *t, const struct hot_record *record);

/* ioctl.c */
int hot_ctl_check(const struct hot_ctl *ctl);

/* stream.c */
int hot_stream_open(struct hot_tracker *t, const struct hot_stream *arg);
void hot_stream_check(struct hot_tracker *t, const struct hot_item *item, bool range, u64 index,
		      const struct hot_change *change);
void hot_streams_stop(struct hot_tracker *t);

/* sysfs.c */
int hot_sysfs_init(void);
void hot_sysfs_prepare(struct hot_tracker *t);
int hot_sysfs_add(struct hot_tracker *t);
void hot_sysfs_remove(struct hot_tracker *t);

#endif /* _FS_HOT_TRACKING_TRACKER_H */
