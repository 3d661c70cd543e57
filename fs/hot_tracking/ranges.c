// SPDX-License-Identifier: GPL-2.0
/*
 * The table of range heat: its size is fixed by the memory it may take, an update takes a hash, one
 * uncontended lock and the comparison of four keys, and allocates nothing.
 */
#include <linux/bitops.h>
#include <linux/hash.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include "ranges.h"

/*
 * Ids and the ranges of a file are consecutive numbers, often with a stride. One multiplication
 * sends some strides to a few sets only: mix twice, and the id before that.
 */
static inline u32 hot_hash(u32 id, u64 index)
{
	u64 key = (index ^ id * GOLDEN_RATIO_32) * GOLDEN_RATIO_64;

	key ^= key >> 32;
	return (key * GOLDEN_RATIO_64) >> 32;
}

static u64 hot_level_sets(unsigned int level)
{
	return (u64)HOT_STRIPES << (level ? level - 1 : 0);
}

static inline struct hot_set *hot_table_set(struct hot_table *table, u32 number)
{
	unsigned long level = __fls(number | (HOT_STRIPES - 1)) + 1 - ilog2(HOT_STRIPES);

	return (struct hot_set *)table->base[level] + number;
}

static void hot_table_set_level(struct hot_table *table, unsigned int level, struct hot_set *sets)
{
	u64 before = level ? hot_level_sets(level) : 0;

	table->level[level] = sets;
	table->base[level] = (unsigned long)sets - before * sizeof(*sets);
}

static inline struct hot_slot *hot_find(struct hot_set *set, u32 id, u64 index)
{
	unsigned int i;

	for (i = 0; i < HOT_WAYS; i++) {
		if (set->slot[i].id == id && set->slot[i].index == index)
			return &set->slot[i];
	}
	return NULL;
}

/* A free slot, or the one that is coldest at @epoch or when the set was used last. */
static struct hot_slot *hot_victim(struct hot_set *set, u32 epoch)
{
	struct hot_slot *slot, *victim = NULL;
	u64 rank, least = U64_MAX;

	for (slot = set->slot; slot < set->slot + HOT_WAYS; slot++) {
		if (!slot->id)
			return slot;
		if ((s32)(slot->heat.epoch - epoch) > 0)
			epoch = slot->heat.epoch;
	}
	for (slot = set->slot; slot < set->slot + HOT_WAYS; slot++) {
		struct hot_heat heat = slot->heat;

		hot_heat_age(&heat, epoch);
		rank = hot_rank(&heat, 0);
		if (rank < least) {
			least = rank;
			victim = slot;
		}
	}
	return victim;
}

/* A range that is not in its set takes a place there. */
static noinline struct hot_slot *hot_place(struct hot_stripe *stripe, struct hot_set *set, u32 id,
					   u64 index, u32 epoch)
{
	struct hot_slot *slot = hot_victim(set, epoch);

	if (slot->id)
		stripe->evicted++;
	else
		stripe->used++;
	*slot = (struct hot_slot) { .index = index, .id = id, .heat.epoch = epoch };
	return slot;
}

static __always_inline void __hot_table_add(struct hot_table *table, u32 id, u64 index, u32 reads,
					    u32 writes, u32 epoch, struct hot_change *change)
{
	u32 hash = hot_hash(id, index);
	struct hot_stripe *stripe = &table->stripe[hash % HOT_STRIPES];
	struct hot_slot *slot;
	struct hot_set *set;

	hot_lock(&stripe->lock);
	set = hot_table_set(table, hash & stripe->mask);
	slot = hot_find(set, id, index);
	if (unlikely(!slot))
		slot = hot_place(stripe, set, id, index, epoch);
	if (change) {
		change->before = slot->heat;
		hot_heat_age(&change->before, epoch);
	}
	hot_heat_add(&slot->heat, reads, writes, epoch);
	if (change)
		change->after = slot->heat;
	hot_unlock(&stripe->lock);
}

/**
 * hot_table_add - add the heat of requests to a range
 * @table: the table
 * @id: item of the range's inode, not 0
 * @index: of the range
 * @reads: heat of the reads, in 1/HOT_ONE requests
 * @writes: heat of the writes
 * @epoch: when they were made
 *
 * Context: process context; does not sleep.
 */
void hot_table_add(struct hot_table *table, u32 id, u64 index, u32 reads, u32 writes, u32 epoch)
{
	__hot_table_add(table, id, index, reads, writes, epoch, NULL);
}

/* Short for the most frequent case, that the range is there and had a request in this epoch. */
static __always_inline void hot_table_count(struct hot_table *table, u32 id, u64 index, u32 epoch,
					    bool write)
{
	u32 hash = hot_hash(id, index);
	struct hot_stripe *stripe = &table->stripe[hash % HOT_STRIPES];
	struct hot_slot *slot, *end;
	u32 *heat;

	hot_lock(&stripe->lock);
	slot = hot_table_set(table, hash & stripe->mask)->slot;
	end = slot + HOT_WAYS;
	do {
		if (slot->id != id || slot->index != index || slot->heat.epoch != epoch)
			continue;
		heat = write ? &slot->heat.writes : &slot->heat.reads;
		if (unlikely(*heat > HOT_HEAT_MAX - HOT_ONE))
			break;
		*heat += HOT_ONE;
		hot_unlock(&stripe->lock);
		return;
	} while (++slot < end);
	hot_unlock(&stripe->lock);
	hot_table_add(table, id, index, write ? 0 : HOT_ONE, write ? HOT_ONE : 0, epoch);
}

/**
 * hot_table_count_read - add one read to a range
 * @table: the table
 * @id: item of the range's inode, not 0
 * @index: of the range
 * @epoch: when it was made
 *
 * Context: process context; does not sleep.
 */
void hot_table_count_read(struct hot_table *table, u32 id, u64 index, u32 epoch)
{
	hot_table_count(table, id, index, epoch, false);
}

/* The same for a write. */
void hot_table_count_write(struct hot_table *table, u32 id, u64 index, u32 epoch)
{
	hot_table_count(table, id, index, epoch, true);
}

/* The same for those who want to know what changed. */
void hot_table_add_change(struct hot_table *table, u32 id, u64 index, u32 reads, u32 writes,
			  u32 epoch, struct hot_change *change)
{
	__hot_table_add(table, id, index, reads, writes, epoch, change);
}

/**
 * hot_table_get - look at one range
 * @table: the table
 * @id: item of the range's inode
 * @index: of the range
 * @heat: filled in, not aged
 *
 * Return: whether the range has heat.
 */
bool hot_table_get(struct hot_table *table, u32 id, u64 index, struct hot_heat *heat)
{
	u32 hash = hot_hash(id, index);
	struct hot_stripe *stripe = &table->stripe[hash % HOT_STRIPES];
	struct hot_slot *slot;

	hot_lock(&stripe->lock);
	slot = hot_find(hot_table_set(table, hash & stripe->mask), id, index);
	if (slot)
		*heat = slot->heat;
	hot_unlock(&stripe->lock);
	return slot;
}

/* Frees the slot of a range whose inode has no item any more. */
void hot_table_remove(struct hot_table *table, u32 id, u64 index)
{
	u32 hash = hot_hash(id, index);
	struct hot_stripe *stripe = &table->stripe[hash % HOT_STRIPES];
	struct hot_slot *slot;

	hot_lock(&stripe->lock);
	slot = hot_find(hot_table_set(table, hash & stripe->mask), id, index);
	if (slot) {
		*slot = (struct hot_slot) { };
		stripe->used--;
	}
	hot_unlock(&stripe->lock);
}

/* Forgets all ranges. */
void hot_table_clear(struct hot_table *table)
{
	struct hot_stripe *stripe;
	u64 n;

	for (stripe = table->stripe; stripe < table->stripe + HOT_STRIPES; stripe++) {
		hot_lock(&stripe->lock);
		for (n = stripe - table->stripe; n <= stripe->mask; n += HOT_STRIPES)
			*hot_table_set(table, n) = (struct hot_set) { };
		stripe->used = 0;
		hot_unlock(&stripe->lock);
		cond_resched();
	}
}

/**
 * hot_table_read_set - look at a whole set, for a scan of the table
 * @table: the table
 * @number: of the set, counted from 0
 * @copy: filled in, not aged
 *
 * A table that changes its size during a scan may show a range twice or not at all.
 *
 * Return: false if there is no such set.
 */
bool hot_table_read_set(struct hot_table *table, u32 number, struct hot_set *copy)
{
	struct hot_stripe *stripe = &table->stripe[number % HOT_STRIPES];
	bool exists;

	hot_lock(&stripe->lock);
	exists = number <= stripe->mask;
	if (exists)
		*copy = *hot_table_set(table, number);
	hot_unlock(&stripe->lock);
	return exists;
}

/* Puts a range from another set here, if one that is colder gives way. */
static void hot_settle(struct hot_stripe *stripe, struct hot_set *set, const struct hot_slot *slot)
{
	struct hot_slot *victim = hot_victim(set, slot->heat.epoch);
	struct hot_heat theirs = victim->heat, ours = slot->heat;

	if (victim->id) {
		stripe->used--;
		stripe->evicted++;
		hot_heat_age(&theirs, ours.epoch);
		hot_heat_age(&ours, theirs.epoch);
		if (hot_rank(&theirs, 0) > hot_rank(&ours, 0))
			return;
	}
	*victim = *slot;
}

/*
 * Moves the ranges of the upper half of the table, where there are too many of them, to the
 * lower.
 */
static void hot_stripe_halve(struct hot_table *table, struct hot_stripe *stripe)
{
	u32 half = stripe->mask / 2 + 1;
	unsigned int i;
	u32 n;

	for (n = stripe - table->stripe; n < half; n += HOT_STRIPES) {
		struct hot_set *from = hot_table_set(table, n + half);

		for (i = 0; i < HOT_WAYS; i++) {
			if (from->slot[i].id)
				hot_settle(stripe, hot_table_set(table, n), &from->slot[i]);
		}
	}
	stripe->mask = half - 1;
}

/* Moves the ranges that belong to the new half, which is empty. */
static void hot_stripe_double(struct hot_table *table, struct hot_stripe *stripe)
{
	u32 sets = stripe->mask + 1;
	unsigned int i;
	u32 n;

	for (n = stripe - table->stripe; n < sets; n += HOT_STRIPES) {
		struct hot_set *from = hot_table_set(table, n);
		struct hot_set *to = hot_table_set(table, n + sets);

		for (i = 0; i < HOT_WAYS; i++) {
			if (!(hot_hash(from->slot[i].id, from->slot[i].index) & sets))
				continue;
			to->slot[i] = from->slot[i];
			from->slot[i] = (struct hot_slot) { };
		}
	}
	stripe->mask = 2 * sets - 1;
}

/**
 * hot_table_halve - give half of the table's memory back
 * @table: the table
 *
 * The hotter half of the ranges stays, set by set. Allocates nothing. The caller serialises
 * this with hot_table_resize() and itself.
 * Context: may sleep; may be inside of memory reclaim.
 *
 * Return: false if the table is as small as it gets.
 */
bool hot_table_halve(struct hot_table *table)
{
	struct hot_stripe *stripe;

	if (table->levels == 1)
		return false;
	for (stripe = table->stripe; stripe < table->stripe + HOT_STRIPES; stripe++) {
		hot_lock(&stripe->lock);
		hot_stripe_halve(table, stripe);
		hot_unlock(&stripe->lock);
		cond_resched();
	}
	/* Each stripe has told its users under its lock: nobody is there any more. */
	WRITE_ONCE(table->levels, table->levels - 1);
	kvfree(table->level[table->levels]);
	return true;
}

static int hot_table_double(struct hot_table *table)
{
	struct hot_stripe *stripe;
	struct hot_set *level;

	level = __vmalloc(hot_level_sets(table->levels) * sizeof(*level),
			  GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN | __GFP_RETRY_MAYFAIL);
	if (!level)
		return -ENOMEM;
	hot_table_set_level(table, table->levels, level);
	for (stripe = table->stripe; stripe < table->stripe + HOT_STRIPES; stripe++) {
		hot_lock(&stripe->lock);
		hot_stripe_double(table, stripe);
		hot_unlock(&stripe->lock);
		cond_resched();
	}
	WRITE_ONCE(table->levels, table->levels + 1);
	return 0;
}

/* Memory of the sets. */
u64 hot_table_bytes(const struct hot_table *table)
{
	return HOT_TABLE_BYTES_MIN << (READ_ONCE(table->levels) - 1);
}

/**
 * hot_table_resize - make the table as large as some memory allows
 * @table: the table
 * @bytes: most memory of the sets, at least HOT_TABLE_BYTES_MIN
 *
 * A table that shrinks keeps the hotter ranges.
 * Context: may sleep. The caller serialises this with itself and with hot_table_halve().
 *
 * Return: 0, or -ENOMEM, with the old size.
 */
int hot_table_resize(struct hot_table *table, u64 bytes)
{
	unsigned int levels = table->levels;
	int error = 0;

	while (!error && table->levels < HOT_LEVELS && hot_table_bytes(table) <= bytes / 2)
		error = hot_table_double(table);
	while (hot_table_bytes(table) > bytes || (error && table->levels > levels)) {
		if (!hot_table_halve(table))
			break;
	}
	return error;
}

/**
 * hot_table_alloc - make an empty table
 * @bytes: most memory of the sets, at least HOT_TABLE_BYTES_MIN
 *
 * Context: may sleep.
 *
 * Return: the table, to be freed with hot_table_free(); NULL without memory.
 */
struct hot_table *hot_table_alloc(u64 bytes)
{
	struct hot_table *table = kvzalloc(sizeof(*table), GFP_KERNEL);
	struct hot_stripe *stripe;

	if (!table)
		return NULL;
	for (stripe = table->stripe; stripe < table->stripe + HOT_STRIPES; stripe++) {
		hot_lock_init(&stripe->lock);
		stripe->mask = HOT_STRIPES - 1;
	}
	hot_table_set_level(table, 0, kvzalloc(HOT_TABLE_BYTES_MIN, GFP_KERNEL));
	if (table->level[0]) {
		table->levels = 1;
		if (!hot_table_resize(table, bytes))
			return table;
	}
	hot_table_free(table);
	return NULL;
}

void hot_table_free(struct hot_table *table)
{
	if (!table)
		return;
	while (table->levels)
		kvfree(table->level[--table->levels]);
	kvfree(table);
}

void hot_table_stats(struct hot_table *table, struct hot_table_stats *stats)
{
	struct hot_stripe *stripe;

	*stats = (struct hot_table_stats) { };
	for (stripe = table->stripe; stripe < table->stripe + HOT_STRIPES; stripe++) {
		hot_lock(&stripe->lock);
		stats->slots += (stripe->mask + 1ULL) / HOT_STRIPES * HOT_WAYS;
		stats->used += stripe->used;
		stats->evicted += stripe->evicted;
		hot_unlock(&stripe->lock);
	}
}
