/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _FS_HOT_TRACKING_RANGES_H
#define _FS_HOT_TRACKING_RANGES_H

#include <linux/cache.h>
#include "heat.h"
#include "lock.h"

#define HOT_WAYS	4
#define HOT_STRIPES	512
/* Each level doubles the table: 512 sets to 2^30. */
#define HOT_LEVELS	22

/**
 * struct hot_slot - heat of one range
 * @index: of the range in its inode: offset / size of a range
 * @id: of the item of its inode, 0 if the slot is free
 * @heat: of the range
 */
struct hot_slot {
	u64 index;
	u32 id;
	struct hot_heat heat;
};

struct hot_set {
	struct hot_slot slot[HOT_WAYS];
};

/**
 * struct hot_stripe - what the sets with the same number modulo HOT_STRIPES share
 * @lock: protects these sets and what follows
 * @mask: number of sets in the table, less one, as far as this stripe is concerned
 * @used: slots that are not free
 * @evicted: ranges that gave way to others
 */
struct hot_stripe {
	struct hot_lock lock;
	u32 mask;
	u32 used;
	u64 evicted;
} ____cacheline_aligned_in_smp;

/**
 * struct hot_table - set-associative table of the ranges of one superblock
 * @stripe: the locks
 * @level: sets, [0] the first HOT_STRIPES, each further one as many as all before it
 * @base: where set 0 would be if the level's sets came after all others, to find a set in one step
 * @levels: how many of these there are; protected by the caller of hot_table_resize()
 *
 * A range lives in the set that the low bits of its hash name, whatever the table's size: so
 * does its stripe, and stripe by stripe the table grows and shrinks in place while it is used.
 * When a set is full the coldest range in it gives way.
 */
struct hot_table {
	struct hot_stripe stripe[HOT_STRIPES];
	struct hot_set *level[HOT_LEVELS];
	unsigned long base[HOT_LEVELS];
	unsigned int levels;
};

#define HOT_TABLE_BYTES_MIN	((u64)HOT_STRIPES * sizeof(struct hot_set))

/**
 * struct hot_change - what a request did to heat, for those who wait for a threshold
 * @before: heat without the request, aged to its epoch
 * @after: heat with it
 */
struct hot_change {
	struct hot_heat before;
	struct hot_heat after;
};

struct hot_table_stats {
	u64 slots;
	u64 used;
	u64 evicted;
};

struct hot_table *hot_table_alloc(u64 bytes);
void hot_table_free(struct hot_table *table);
int hot_table_resize(struct hot_table *table, u64 bytes);
bool hot_table_halve(struct hot_table *table);
u64 hot_table_bytes(const struct hot_table *table);
void hot_table_stats(struct hot_table *table, struct hot_table_stats *stats);

void hot_table_add(struct hot_table *table, u32 id, u64 index, u32 reads, u32 writes, u32 epoch);
void hot_table_count_read(struct hot_table *table, u32 id, u64 index, u32 epoch);
void hot_table_count_write(struct hot_table *table, u32 id, u64 index, u32 epoch);
void hot_table_add_change(struct hot_table *table, u32 id, u64 index, u32 reads, u32 writes,
			  u32 epoch, struct hot_change *change);
bool hot_table_get(struct hot_table *table, u32 id, u64 index, struct hot_heat *heat);
void hot_table_remove(struct hot_table *table, u32 id, u64 index);
void hot_table_clear(struct hot_table *table);
bool hot_table_read_set(struct hot_table *table, u32 number, struct hot_set *copy);

#endif /* _FS_HOT_TRACKING_RANGES_H */
