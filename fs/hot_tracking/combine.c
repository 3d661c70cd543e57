// SPDX-License-Identifier: GPL-2.0
/*
 * The hook's end: each CPU adds up what it counts for a few inodes, and what it counts for one
 * range of each while requests follow each other there, and passes it on when another inode or
 * range comes, when the epoch ends, or when somebody wants to look. So CPUs that share a file do
 * not fight for its item with each request. Where each request goes to another range there is
 * nothing to add up: it goes to the table at once.
 */
#include <linux/iomap.h>
#include <linux/percpu.h>
#include <linux/sizes.h>
#include "tracker.h"

#define CREATE_TRACE_POINTS
#include <trace/events/hot_tracking.h>

DEFINE_STATIC_KEY_FALSE(hot_tracking_key);

#define HOT_PENDING	32

#define HOT_WRITE	0x1
#define HOT_IN_FLIGHT	0x2

/**
 * struct hot_pending - what one CPU has counted for one inode and not passed on
 * @lock: protects all of it; contended only while somebody looks
 * @until: end of @epoch, jiffies; past if the next request has to take the long way
 * @item: of the inode, with a reference; NULL if there is none
 * @tracker: of the item
 * @table: of the tracker
 * @index: of a range
 * @range_reads: requests, for that range
 * @range_writes: requests, for that range
 * @reads: requests, for the item
 * @writes: requests, for the item
 * @bytes_read: for the item
 * @bytes_written: for the item
 * @write_end: offset at which the last writeback ended
 * @epoch: in which all of it was
 * @range_shift: of the tracker
 */
struct hot_pending {
	struct hot_lock lock;
	unsigned long until;
	struct hot_item *item;
	struct hot_tracker *tracker;
	struct hot_table *table;
	u64 index;
	u64 range_reads;
	u64 range_writes;
	u64 reads;
	u64 writes;
	u64 bytes_read;
	u64 bytes_written;
	u64 write_end;
	u32 epoch;
	u32 range_shift;
} __aligned(128);

/* The combiner of a CPU; the low bits of an item's id say where it goes. */
struct hot_cpu {
	struct hot_pending pending[HOT_PENDING];
};

static DEFINE_PER_CPU_ALIGNED(struct hot_cpu, hot_cpus);

void __init hot_combiners_init(void)
{
	unsigned int i;
	int cpu;

	for_each_possible_cpu(cpu) {
		for (i = 0; i < HOT_PENDING; i++)
			hot_lock_init(&per_cpu(hot_cpus, cpu).pending[i].lock);
	}
}

static u32 hot_heat_of(u64 requests)
{
	return min_t(u64, requests * HOT_ONE, HOT_HEAT_MAX);
}

static noinline void hot_pass_range(struct hot_pending *p)
{
	u32 reads = hot_heat_of(p->range_reads), writes = hot_heat_of(p->range_writes);
	struct hot_tracker *t = p->tracker;
	struct hot_change change;

	p->range_reads = 0;
	p->range_writes = 0;
	if (likely(!READ_ONCE(t->watched))) {
		hot_table_add(p->table, p->item->id, p->index, reads, writes, p->epoch);
	} else {
		hot_table_add_change(p->table, p->item->id, p->index, reads, writes, p->epoch,
				     &change);
		hot_stream_check(t, p->item, true, p->index, &change);
	}
}

static void hot_pass_item(struct hot_pending *p)
{
	struct hot_tracker *t = p->tracker;
	struct hot_item *item = p->item;
	struct hot_change change;

	raw_spin_lock(&item->lock);
	change.before = item->heat;
	hot_heat_add(&item->heat, hot_heat_of(p->reads), hot_heat_of(p->writes), p->epoch);
	change.after = item->heat;
	item->bytes_read += p->bytes_read;
	item->bytes_written += p->bytes_written;
	if (unlikely(READ_ONCE(t->watched))) {
		hot_heat_age(&change.before, change.after.epoch);
		hot_stream_check(t, item, false, 0, &change);
	}
	raw_spin_unlock(&item->lock);
}

static void hot_pending_clear(struct hot_pending *p)
{
	p->range_reads = 0;
	p->range_writes = 0;
	p->reads = 0;
	p->writes = 0;
	p->bytes_read = 0;
	p->bytes_written = 0;
}

/* Passes all on, unless it is to be discarded or nobody is left who wants it. */
static void hot_pass(struct hot_pending *p, bool discard)
{
	p->until = jiffies - 1;
	this_cpu_add(*p->tracker->requests, p->reads + p->writes);
	if (!discard && !(READ_ONCE(p->item->flags) & HOT_ITEM_DEAD)) {
		if (p->range_reads | p->range_writes)
			hot_pass_range(p);
		if (p->reads | p->writes | p->bytes_written)
			hot_pass_item(p);
	}
	hot_pending_clear(p);
}

/* What follows is in this epoch. */
static void hot_pending_start(struct hot_pending *p)
{
	p->epoch = hot_epoch_until(p->tracker, &p->until);
}

/*
 * Makes room for an inode and returns whether that worked. The caller has to put the items in
 * @old, if any.
 */
static bool hot_pending_begin(struct hot_pending *p, struct hot_tracker *t, struct inode *inode,
			      struct hot_item *item, struct hot_item *old[2])
{
	old[0] = p->item;
	if (p->item)
		hot_pass(p, false);
	p->write_end = U64_MAX;
	p->item = NULL;
	if (!refcount_inc_not_zero_acquire(&item->ref))
		return false;
	/* The item may have ended, and its memory be another item, since it was found. */
	if (rcu_access_pointer(inode->i_hot) != item || item->tracker != t) {
		old[1] = item;
		return false;
	}
	p->item = item;
	p->tracker = t;
	p->table = t->table;
	p->range_shift = t->range_shift;
	hot_pending_start(p);
	return true;
}

static __always_inline void hot_count_in_table(struct hot_table *table, u32 id, u64 index,
					       u32 epoch, unsigned int flags)
{
	if (flags & HOT_WRITE)
		hot_table_count_write(table, id, index, epoch);
	else
		hot_table_count_read(table, id, index, epoch);
}

/* Counts a request in one of its ranges: only if others follow in it do they add up here. */
static void hot_count_range(struct hot_pending *p, u64 index, unsigned int flags)
{
	if (p->index != index) {
		if (p->range_reads | p->range_writes)
			hot_pass_range(p);
		p->index = index;
		if (likely(!READ_ONCE(p->tracker->watched))) {
			hot_count_in_table(p->table, p->item->id, index, p->epoch, flags);
			return;
		}
	}
	if (flags & HOT_WRITE)
		p->range_writes++;
	else
		p->range_reads++;
}

static inline void hot_count(struct hot_pending *p, u64 pos, u64 bytes, unsigned int flags)
{
	if (flags & HOT_WRITE) {
		p->bytes_written += bytes;
		p->writes++;
		p->write_end = pos + bytes;
	} else {
		p->bytes_read += bytes;
		p->reads++;
	}
}

/*
 * A folio of writeback goes to the device with the one before, up to a megabyte and within a
 * range.
 */
static bool hot_joins(struct hot_pending *p, u64 pos, u64 bytes)
{
	u64 run = min_t(u64, SZ_1M, 1ULL << p->range_shift);

	if (p->write_end != pos || !(pos & (run - 1)) ||
	    pos >> p->range_shift != (pos + bytes - 1) >> p->range_shift)
		return false;
	p->bytes_written += bytes;
	p->write_end = pos + bytes;
	return true;
}

static struct hot_pending *hot_pending_of(const struct hot_item *item)
{
	/* Which CPU's it is matters for speed only: the lock protects it. */
	return &raw_cpu_ptr(&hot_cpus)->pending[READ_ONCE(item->id) % HOT_PENDING];
}

/* time_after_eq() without its type check, whose variables cost with INIT_STACK_ALL_ZERO. */
static inline bool hot_epoch_over(const struct hot_pending *p)
{
	return (long)(jiffies - p->until) >= 0;
}

/* Counts in every case. The caller holds the RCU read lock. */
static noinline void hot_account_slow(struct inode *inode, u64 pos, u64 bytes, unsigned int flags)
{
	struct hot_item *item = rcu_dereference(inode->i_hot) ?: hot_item_attach(inode);
	struct hot_tracker *t = rcu_dereference(inode->i_sb->s_hot);
	struct hot_item *old[2] = { };
	struct hot_pending *p;
	u64 index, last;

	if (!t || !item || !bytes)
		return;
	p = hot_pending_of(item);
	hot_lock(&p->lock);
	if (p->item != item || rcu_access_pointer(inode->i_hot) != item) {
		if (!hot_pending_begin(p, t, inode, item, old))
			goto out;
	} else if (hot_epoch_over(p)) {
		hot_pass(p, false);
		hot_pending_start(p);
	}
	if (flags & HOT_IN_FLIGHT && hot_joins(p, pos, bytes))
		goto out;
	hot_count(p, pos, bytes, flags);
	trace_hot_io(p->tracker->dev, inode, pos, bytes, flags & HOT_WRITE);
	index = pos >> p->range_shift;
	last = (pos + bytes - 1) >> p->range_shift;
	do {
		hot_count_range(p, index, flags);
	} while (index++ != last);
	if (READ_ONCE(p->tracker->watched))
		hot_pass(p, false);
out:
	hot_unlock(&p->lock);
	if (old[0])
		hot_item_put(old[0]);
	if (old[1])
		hot_item_put(old[1]);
}

/*
 * Counts a request in one range of the inode that this place has, and in this epoch: either the
 * range that the place has, too, or one that goes to the table at once. Returns whether it was
 * that. The caller holds the RCU read lock: it keeps the table, for which there is no reference
 * once the place is unlocked.
 */
static __always_inline bool hot_account_fast(struct inode *inode, u64 pos, u64 bytes,
					     unsigned int flags)
{
	struct hot_item *item = rcu_dereference(inode->i_hot);
	struct hot_pending *p;
	u64 index;

	if (unlikely(!item))
		return false;
	p = hot_pending_of(item);
	hot_lock(&p->lock);
	/* What the place has holds a reference: what the inode still points to is the inode's. */
	if (unlikely(p->item != item || rcu_access_pointer(inode->i_hot) != item ||
		     hot_epoch_over(p) || trace_hot_io_enabled()))
		goto unlock;
	index = pos >> p->range_shift;
	if (unlikely((pos + bytes - 1) >> p->range_shift != index))
		goto unlock;
	if (p->index == index) {
		hot_count(p, pos, bytes, flags);
		if (flags & HOT_WRITE)
			p->range_writes++;
		else
			p->range_reads++;
		hot_unlock(&p->lock);
		return true;
	}
	if (likely(!(p->range_reads | p->range_writes))) {
		struct hot_table *table = p->table;
		u32 id = item->id, epoch = p->epoch;

		p->index = index;
		hot_count(p, pos, bytes, flags);
		hot_unlock(&p->lock);
		hot_count_in_table(table, id, index, epoch, flags);
		return true;
	}
unlock:
	hot_unlock(&p->lock);
	return false;
}

static __always_inline void hot_account(struct inode *inode, u64 pos, u64 bytes,
					unsigned int flags)
{
	rcu_read_lock();
	if (!hot_account_fast(inode, pos, bytes, flags))
		hot_account_slow(inode, pos, bytes, flags);
	rcu_read_unlock();
}

/* See hot_read_end(). */
void __hot_account_read(const struct hot_read *hr)
{
	hot_account(hr->inode, hr->pos, hr->bytes, 0);
}

/* See hot_writeback_end(). */
void __hot_account_writeback(struct inode *inode, loff_t pos, u64 bytes, bool in_flight)
{
	if (!in_flight) {
		hot_account(inode, pos, bytes, HOT_WRITE);
		return;
	}
	rcu_read_lock();
	hot_account_slow(inode, pos, bytes, HOT_WRITE | HOT_IN_FLIGHT);
	rcu_read_unlock();
}

static __always_inline void hot_account_bio(struct inode *inode, u64 pos, const struct bio *bio)
{
	if (op_is_write(bio_op(bio)))
		hot_account(inode, pos, bio->bi_iter.bi_size, HOT_WRITE);
	else
		hot_account(inode, pos, bio->bi_iter.bi_size, 0);
}

/* See hot_submit_bio(). */
void __hot_submit_bio(struct inode *inode, loff_t pos, struct bio *bio)
{
	hot_account_bio(inode, pos, bio);
	submit_bio(bio);
}

/* See hot_submit_io(). */
void __hot_submit_io(hot_submit_io_t *submit_io, const struct iomap_iter *iter, struct bio *bio,
		     loff_t pos)
{
	hot_account_bio(iter->inode, pos, bio);
	submit_io(iter, bio, pos);
}

/**
 * hot_combiners_drain - empty the combiners of all CPUs of what they have for a tracker
 * @t: the tracker
 * @how: HOT_PASS: pass it on; HOT_LET_GO: and put the references to items; HOT_DISCARD: put them
 *	and drop what was counted
 *
 * Context: process context.
 */
void hot_combiners_drain(struct hot_tracker *t, enum hot_drain how)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct hot_pending *p = per_cpu_ptr(&hot_cpus, cpu)->pending;
		struct hot_pending *end = p + HOT_PENDING;

		for (; p < end; p++) {
			struct hot_item *old = NULL;

			hot_lock(&p->lock);
			if (p->item && p->tracker == t) {
				hot_pass(p, how == HOT_DISCARD);
				if (how != HOT_PASS || p->item->flags & HOT_ITEM_DEAD) {
					old = p->item;
					p->item = NULL;
				}
			}
			hot_unlock(&p->lock);
			if (old)
				hot_item_put(old);
		}
	}
}
