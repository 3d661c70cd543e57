// SPDX-License-Identifier: GPL-2.0
/*
 * Answers that need a look at all items or all ranges: one pass, one item or set locked at a
 * time, the best of it kept in a heap that is as large as the answer.
 */
#include <linux/min_heap.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/sort.h>
#include <linux/uaccess.h>
#include "tracker.h"

/* How many are looked at between two looks at the scheduler and at signals. */
#define HOT_SCAN_BATCH	1024

/**
 * struct hot_candidate - one of those that are best so far
 * @rank: what decides
 * @index: of the range, 0 for an item
 * @id: of the item
 * @heat: not aged
 */
struct hot_candidate {
	u64 rank;
	u64 index;
	u32 id;
	struct hot_heat heat;
};

DEFINE_MIN_HEAP(struct hot_candidate, hot_best);

static bool hot_candidate_less(const void *a, const void *b, void *args)
{
	const struct hot_candidate *x = a, *y = b;

	return x->rank < y->rank;
}

static void hot_candidate_swap(void *a, void *b, void *args)
{
	struct hot_candidate *x = a, *y = b;

	swap(*x, *y);
}

static const struct min_heap_callbacks hot_best_callbacks = {
	.less = hot_candidate_less,
	.swp = hot_candidate_swap,
};

static int hot_candidate_compare(const void *a, const void *b)
{
	const struct hot_candidate *x = a, *y = b;

	return x->rank == y->rank ? 0 : x->rank < y->rank ? 1 : -1;
}

static int hot_best_alloc(struct hot_best *best, u32 size)
{
	struct hot_candidate *data = kvmalloc_array(size, sizeof(*data),
						    GFP_KERNEL_ACCOUNT | __GFP_NOWARN);

	if (!data)
		return -ENOMEM;
	min_heap_init(best, data, size);
	return 0;
}

static void hot_best_take(struct hot_best *best, const struct hot_candidate *candidate)
{
	if (!min_heap_full(best))
		min_heap_push(best, candidate, &hot_best_callbacks, NULL);
	else if (candidate->rank > best->data[0].rank)
		min_heap_pop_push(best, candidate, &hot_best_callbacks, NULL);
}

/* Best first; it is no heap any more. */
static void hot_best_sort(struct hot_best *best)
{
	sort(best->data, best->nr, sizeof(*best->data), hot_candidate_compare, NULL);
}

typedef void (*hot_visit_t)(struct hot_tracker *t, const struct hot_candidate *found, void *arg);

static int hot_scan_pause(u64 *seen)
{
	if (++*seen % HOT_SCAN_BATCH)
		return 0;
	cond_resched();
	return fatal_signal_pending(current) ? -EINTR : 0;
}

static int hot_scan_items(struct hot_tracker *t, hot_visit_t visit, void *arg)
{
	struct hot_item item;
	unsigned long id = 0;
	u64 seen = 0;
	int error;

	while (hot_item_next(t, &id, &item)) {
		visit(t, &(struct hot_candidate) { .id = id, .heat = item.heat }, arg);
		error = hot_scan_pause(&seen);
		if (error)
			return error;
	}
	return 0;
}

static int hot_scan_table(struct hot_tracker *t, hot_visit_t visit, void *arg)
{
	struct hot_set set;
	unsigned int way;
	u64 number = 0;
	int error;

	while (hot_table_read_set(t->table, number, &set)) {
		for (way = 0; way < HOT_WAYS; way++) {
			const struct hot_slot *slot = &set.slot[way];

			if (slot->id)
				visit(t, &(struct hot_candidate) {
					.id = slot->id,
					.index = slot->index,
					.heat = slot->heat,
				}, arg);
		}
		error = hot_scan_pause(&number);
		if (error)
			return error;
	}
	return 0;
}

static int hot_scan(struct hot_tracker *t, u32 flags, hot_visit_t visit, void *arg)
{
	hot_combiners_drain(t, HOT_PASS);
	if (flags & HOT_OF_RANGES)
		return hot_scan_table(t, visit, arg);
	return hot_scan_items(t, visit, arg);
}

struct hot_top_scan {
	struct hot_best best;
	u32 flags;
	u32 now;
	u64 seen;
};

/* A range whose inode has no item any more only takes up room. */
static bool hot_range_is_stale(struct hot_tracker *t, const struct hot_candidate *found)
{
	struct hot_item item;

	if (hot_item_copy(t, found->id, &item))
		return false;
	hot_table_remove(t->table, found->id, found->index);
	return true;
}

static void hot_visit_top(struct hot_tracker *t, const struct hot_candidate *found, void *arg)
{
	struct hot_candidate candidate = *found;
	struct hot_top_scan *scan = arg;
	struct hot_heat aged = found->heat;

	scan->seen++;
	hot_heat_age(&aged, scan->now);
	candidate.rank = hot_rank(&aged, scan->flags);
	if (!candidate.rank)
		return;
	if (min_heap_full(&scan->best) && candidate.rank <= scan->best.data[0].rank)
		return;
	if (scan->flags & HOT_OF_RANGES && hot_range_is_stale(t, found))
		return;
	hot_best_take(&scan->best, &candidate);
}

static int hot_top_deliver(struct hot_tracker *t, struct hot_top *top,
			   const struct hot_top_scan *scan)
{
	u8 __user *buffer = u64_to_user_ptr(top->buffer);
	union {
		struct hot_record record;
		u8 bytes[HOT_RECORD_MAX];
	} out;
	u64 filled = 0;
	u32 count = 0;
	int i;

	for (i = 0; i < scan->best.nr; i++) {
		const struct hot_candidate *best = &scan->best.data[i];
		struct hot_item item;

		if (!hot_item_copy(t, best->id, &item))
			continue;
		if (top->flags & HOT_OF_RANGES) {
			hot_record_range(&out.record, t, &item, best->index, &best->heat,
					 scan->now);
		} else {
			item.heat = best->heat;
			hot_record_item(&out.record, t, &item, scan->now);
		}
		if (out.record.size > top->buffer_bytes - filled)
			break;
		if (copy_to_user(buffer + filled, &out, out.record.size))
			return -EFAULT;
		filled += out.record.size;
		count++;
		cond_resched();
	}
	top->count = count;
	top->buffer_bytes = filled;
	top->scanned = scan->seen;
	return 0;
}

/* See HOT_TOP; the arguments have been checked. Context: may sleep. */
int hot_scan_top(struct hot_tracker *t, struct hot_top *top)
{
	struct hot_top_scan scan = { .flags = top->flags, .now = hot_epoch(t) };
	int error;

	error = hot_best_alloc(&scan.best, top->count);
	if (error)
		return error;
	error = hot_scan(t, top->flags, hot_visit_top, &scan);
	if (!error) {
		hot_best_sort(&scan.best);
		error = hot_top_deliver(t, top, &scan);
	}
	kvfree(scan.best.data);
	return error;
}

static void hot_visit_histogram(struct hot_tracker *t, const struct hot_candidate *found,
				void *arg)
{
	struct hot_histogram *histogram = arg;
	struct hot_heat aged = found->heat;

	if (histogram->flags & HOT_OF_RANGES && hot_range_is_stale(t, found))
		return;
	hot_heat_age(&aged, hot_epoch(t));
	histogram->buckets[fls64(hot_rank(&aged, histogram->flags))]++;
}

/* See HOT_HISTOGRAM; the arguments have been checked. Context: may sleep. */
int hot_scan_histogram(struct hot_tracker *t, struct hot_histogram *histogram)
{
	memset(histogram->buckets, 0, sizeof(histogram->buckets));
	return hot_scan(t, histogram->flags, hot_visit_histogram, histogram);
}

struct hot_file_scan {
	struct hot_best best;
	u32 id;
	u64 first;
	u64 last;
};

/* The best are those with the lowest offsets. */
static void hot_visit_file(struct hot_tracker *t, const struct hot_candidate *found, void *arg)
{
	struct hot_candidate candidate = *found;
	struct hot_file_scan *scan = arg;

	if (found->id != scan->id || found->index < scan->first || found->index > scan->last)
		return;
	candidate.rank = U64_MAX - found->index;
	hot_best_take(&scan->best, &candidate);
}

/* Looks for one range after the other. */
static int hot_file_walk(struct hot_tracker *t, struct hot_file_scan *scan)
{
	struct hot_candidate found = { .id = scan->id };
	u64 seen = 0;
	int error;

	for (found.index = scan->first; found.index <= scan->last; found.index++) {
		if (hot_table_get(t->table, found.id, found.index, &found.heat))
			hot_visit_file(t, &found, scan);
		if (min_heap_full(&scan->best))
			return 0;
		error = hot_scan_pause(&seen);
		if (error)
			return error;
	}
	return 0;
}

static int hot_file_deliver(struct hot_tracker *t, struct hot_ranges *ranges,
			    const struct hot_file_scan *scan)
{
	struct hot_range __user *out = u64_to_user_ptr(ranges->ranges);
	u32 now = hot_epoch(t);
	u64 index = 0;
	int i;

	for (i = 0; i < scan->best.nr; i++) {
		const struct hot_candidate *best = &scan->best.data[i];
		struct hot_heat aged = best->heat;
		struct hot_range range;

		hot_heat_age(&aged, now);
		index = best->index;
		range = (struct hot_range) {
			.offset = index << t->range_shift,
			.reads = aged.reads,
			.writes = aged.writes,
			.age_ms = hot_age_ms(t, &best->heat, now),
		};
		if (copy_to_user(out + i, &range, sizeof(range)))
			return -EFAULT;
		cond_resched();
	}
	ranges->next = scan->best.nr == ranges->count && index < scan->last ?
		       (index + 1) << t->range_shift : 0;
	ranges->count = scan->best.nr;
	return 0;
}

/**
 * hot_scan_ranges - the ranges of a file that have heat, in order
 * @t: the tracker
 * @id: item of the file
 * @file_size: bytes
 * @ranges: see HOT_GET_RANGES; its count has been checked, and offset + length does not overflow
 *
 * Context: may sleep.
 *
 * Return: 0, -ENOMEM, -EINTR or -EFAULT.
 */
int hot_scan_ranges(struct hot_tracker *t, u32 id, u64 file_size, struct hot_ranges *ranges)
{
	u64 end = ranges->length ? min(ranges->offset + ranges->length, file_size) : file_size;
	struct hot_file_scan scan = { .id = id };
	int error;

	if (ranges->offset >= end) {
		ranges->count = 0;
		ranges->next = 0;
		return 0;
	}
	scan.first = ranges->offset >> t->range_shift;
	scan.last = (end - 1) >> t->range_shift;
	error = hot_best_alloc(&scan.best, ranges->count);
	if (error)
		return error;
	/* A sparse file can have more ranges than the table. */
	if (scan.last - scan.first < hot_table_bytes(t->table) / sizeof(struct hot_slot))
		error = hot_file_walk(t, &scan);
	else
		error = hot_scan_table(t, hot_visit_file, &scan);
	if (!error) {
		hot_best_sort(&scan.best);
		error = hot_file_deliver(t, ranges, &scan);
	}
	kvfree(scan.best.data);
	return error;
}
