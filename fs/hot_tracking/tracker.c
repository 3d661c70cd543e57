// SPDX-License-Identifier: GPL-2.0
/*
 * Turning hot tracking of a superblock on and off, its settings and its clock.
 */
#define pr_fmt(fmt) "hot_tracking: " fmt

#include <linux/init.h>
#include <linux/exportfs.h>
#include <linux/jiffies.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include "tracker.h"

/* Serialises what changes a superblock's s_hot, and what depends on its staying. */
DEFINE_MUTEX(hot_mutex);

/* Heat that is older than this is gone in any case. */
#define HOT_AGE_MAX	(64 * HOT_EPOCHS_PER_HALF_LIFE)

u64 hot_max_bytes(void)
{
	return min_t(u64, (u64)totalram_pages() << PAGE_SHIFT >> 1, SIZE_MAX / 2);
}

u64 hot_default_bytes(void)
{
	return max_t(u64, (u64)totalram_pages() << PAGE_SHIFT >> 10, HOT_TABLE_BYTES_MIN);
}

static void __hot_epoch_advance(struct hot_tracker *t)
{
	unsigned long epochs;

	if (time_before(jiffies, t->epoch_end))
		return;
	epochs = (jiffies - t->epoch_end) / t->epoch_length + 1;
	WRITE_ONCE(t->epoch, t->epoch + epochs);
	WRITE_ONCE(t->epoch_end, t->epoch_end + epochs * t->epoch_length);
}

/*
 * Moves the clock to the epoch that jiffies are in. Where jiffies have 32 bits, a filesystem that
 * nobody touches or looks at for half of their range does not cool all that time.
 */
void hot_epoch_advance(struct hot_tracker *t)
{
	raw_spin_lock(&t->epoch_lock);
	__hot_epoch_advance(t);
	raw_spin_unlock(&t->epoch_lock);
}

/* Number of this epoch, and its end in jiffies. */
u32 hot_epoch_until(struct hot_tracker *t, unsigned long *end)
{
	u32 epoch;

	raw_spin_lock(&t->epoch_lock);
	__hot_epoch_advance(t);
	epoch = t->epoch;
	*end = t->epoch_end;
	raw_spin_unlock(&t->epoch_lock);
	return epoch;
}

static unsigned long hot_epoch_length(u64 half_life_ms)
{
	return max(msecs_to_jiffies(half_life_ms / HOT_EPOCHS_PER_HALF_LIFE), 1UL);
}

/* Time that has passed counts as it was, what is left of this epoch begins anew. */
static void hot_set_half_life(struct hot_tracker *t, u64 half_life_ms)
{
	raw_spin_lock(&t->epoch_lock);
	__hot_epoch_advance(t);
	WRITE_ONCE(t->half_life_ms, half_life_ms);
	t->epoch_length = hot_epoch_length(half_life_ms);
	WRITE_ONCE(t->epoch_end, jiffies + t->epoch_length);
	raw_spin_unlock(&t->epoch_lock);
}

/* Milliseconds since the latest request, in steps of an epoch. */
u64 hot_age_ms(const struct hot_tracker *t, const struct hot_heat *heat, u32 now)
{
	s32 epochs = now - heat->epoch;

	return max(epochs, 0) * READ_ONCE(t->half_life_ms) / HOT_EPOCHS_PER_HALF_LIFE;
}

u32 hot_age_epochs(const struct hot_tracker *t, u64 age_ms)
{
	u64 half_lives = div64_u64(age_ms, READ_ONCE(t->half_life_ms));

	if (half_lives >= HOT_AGE_MAX / HOT_EPOCHS_PER_HALF_LIFE)
		return HOT_AGE_MAX;
	return div64_u64(age_ms * HOT_EPOCHS_PER_HALF_LIFE, READ_ONCE(t->half_life_ms));
}

/* Takes the settings that the flags name; they have been checked. */
int hot_tracker_set(struct hot_tracker *t, const struct hot_ctl *ctl)
{
	int error = 0;

	if (ctl->flags & HOT_CTL_SET_RANGE_BYTES) {
		mutex_lock(&t->resize);
		error = hot_table_resize(t->table, ctl->max_range_bytes);
		if (!error)
			WRITE_ONCE(t->max_range_bytes, ctl->max_range_bytes);
		mutex_unlock(&t->resize);
		if (error)
			return error;
	}
	if (ctl->flags & HOT_CTL_SET_HALF_LIFE) {
		hot_set_half_life(t, ctl->half_life_ms);
		/* Combiners have to learn when the epoch ends. */
		hot_combiners_drain(t, HOT_PASS);
	}
	if (ctl->flags & HOT_CTL_SET_ITEM_BYTES) {
		WRITE_ONCE(t->max_item_bytes, ctl->max_item_bytes);
		hot_items_trim(t);
	}
	return 0;
}

static u64 hot_requests(struct hot_tracker *t)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += *per_cpu_ptr(t->requests, cpu);
	return sum;
}

/**
 * hot_tracker_enter - use the tracker of a superblock
 * @sb: the superblock
 *
 * Return: the tracker with a reference; NULL if tracking is off. It may be turned off meanwhile:
 * then there is no item in it any more.
 */
struct hot_tracker *hot_tracker_enter(struct super_block *sb)
{
	struct hot_tracker *t;

	rcu_read_lock();
	t = rcu_dereference(sb->s_hot);
	if (t && !kobject_get_unless_zero(&t->kobj))
		t = NULL;
	rcu_read_unlock();
	return t;
}

/* Fills in settings and statistics. */
void hot_tracker_get_ctl(struct hot_tracker *t, struct hot_ctl *ctl)
{
	struct hot_table_stats ranges;

	hot_combiners_drain(t, HOT_PASS);
	hot_table_stats(t->table, &ranges);
	ctl->state = HOT_STATE_ON;
	ctl->range_shift = t->range_shift;
	ctl->half_life_ms = READ_ONCE(t->half_life_ms);
	ctl->max_item_bytes = READ_ONCE(t->max_item_bytes);
	ctl->max_range_bytes = READ_ONCE(t->max_range_bytes);
	ctl->item_bytes = hot_item_bytes(t);
	ctl->range_bytes = hot_table_bytes(t->table);
	ctl->items = atomic_long_read(&t->nr_items);
	ctl->ranges = ranges.used;
	ctl->range_slots = ranges.slots;
	ctl->requests = hot_requests(t);
	ctl->evicted_items = atomic64_read(&t->evicted_items);
	ctl->evicted_ranges = ranges.evicted;
	ctl->dropped = atomic64_read(&t->dropped);
}

/* Forgets all heat. */
void hot_tracker_reset(struct hot_tracker *t)
{
	hot_combiners_drain(t, HOT_DISCARD);
	hot_items_kill_all(t);
	hot_table_clear(t->table);
}

static void hot_tracker_release(struct work_struct *work)
{
	struct hot_tracker *t = container_of(to_rcu_work(work), struct hot_tracker, release);

	hot_items_destroy_tracker(t);
	hot_table_free(t->table);
	free_percpu(t->requests);
	kfree(t);
}

/* The last reference is gone. Context: any. */
void hot_tracker_free(struct hot_tracker *t)
{
	/* A hook may have let go of the item, and be about to count in the table. */
	queue_rcu_work(system_unbound_wq, &t->release);
}

/**
 * hot_tracker_new - turn tracking on
 * @sb: the superblock, which the caller keeps active; it is not tracked
 * @ctl: settings, checked; those without a flag get their default
 *
 * Context: may sleep; under hot_mutex.
 *
 * Return: the tracker, or an error pointer: -ENOMEM, or an error of sysfs.
 */
struct hot_tracker *hot_tracker_new(struct super_block *sb, const struct hot_ctl *ctl)
{
	struct hot_tracker *t = kzalloc(sizeof(*t), GFP_KERNEL);
	int error;

	if (!t)
		return ERR_PTR(-ENOMEM);
	INIT_RCU_WORK(&t->release, hot_tracker_release);
	t->dev = sb->s_dev;
	t->magic = sb->s_magic;
	t->openable = exportfs_can_decode_fh(sb->s_export_op);
	t->range_shift = ctl->flags & HOT_CTL_SET_RANGE_SHIFT ? ctl->range_shift :
								HOT_RANGE_SHIFT_DEFAULT;
	t->max_item_bytes = ctl->flags & HOT_CTL_SET_ITEM_BYTES ? ctl->max_item_bytes :
								  hot_default_bytes();
	t->max_range_bytes = ctl->flags & HOT_CTL_SET_RANGE_BYTES ? ctl->max_range_bytes :
								    hot_default_bytes();
	raw_spin_lock_init(&t->epoch_lock);
	raw_spin_lock_init(&t->streams_lock);
	INIT_LIST_HEAD(&t->streams);
	mutex_init(&t->resize);
	t->half_life_ms = ctl->flags & HOT_CTL_SET_HALF_LIFE ? ctl->half_life_ms :
							       HOT_HALF_LIFE_DEFAULT_MS;
	t->epoch_length = hot_epoch_length(t->half_life_ms);
	t->epoch_end = jiffies + t->epoch_length;
	error = hot_items_init_tracker(t);
	if (error) {
		kfree(t);
		return ERR_PTR(error);
	}
	hot_sysfs_prepare(t);
	error = -ENOMEM;
	t->table = hot_table_alloc(t->max_range_bytes);
	t->requests = alloc_percpu(u64);
	if (!t->table || !t->requests)
		goto put;
	error = hot_shrinkers_add(t);
	if (error)
		goto put;
	error = hot_sysfs_add(t);
	if (error)
		goto shrinkers;

	rcu_assign_pointer(sb->s_hot, t);
	static_branch_inc(&hot_tracking_key);
	return t;

shrinkers:
	hot_shrinkers_remove(t);
put:
	hot_tracker_put(t);
	return ERR_PTR(error);
}

/* Turns tracking off. Context: may sleep; under hot_mutex; @sb is tracked. */
void hot_tracker_stop(struct super_block *sb)
{
	struct hot_tracker *t = rcu_dereference_protected(sb->s_hot,
							  lockdep_is_held(&hot_mutex));

	RCU_INIT_POINTER(sb->s_hot, NULL);
	static_branch_dec(&hot_tracking_key);
	hot_sysfs_remove(t);
	hot_shrinkers_remove(t);
	spin_lock(&t->lock);
	WRITE_ONCE(t->stopped, true);
	spin_unlock(&t->lock);
	hot_streams_stop(t);
	/* No hook uses the tracker after this, and nothing leads to its items but combiners. */
	synchronize_rcu();
	hot_items_kill_all(t);
	hot_combiners_drain(t, HOT_DISCARD);
	/* Who is in an ioctl or has a stream open keeps the memory, but not the superblock. */
	hot_tracker_put(t);
}

/* See hot_sb_shutdown(). */
void __hot_sb_shutdown(struct super_block *sb)
{
	mutex_lock(&hot_mutex);
	if (rcu_access_pointer(sb->s_hot))
		hot_tracker_stop(sb);
	mutex_unlock(&hot_mutex);
}

static int __init hot_tracking_init(void)
{
	int error;

	hot_items_init();
	hot_combiners_init();
	error = hot_sysfs_init();
	if (error)
		pr_err("cannot start: %d\n", error);
	return error;
}
fs_initcall(hot_tracking_init);
