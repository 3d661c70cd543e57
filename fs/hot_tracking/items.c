// SPDX-License-Identifier: GPL-2.0
/*
 * Items: the heat of inodes. They are found by file handle, so heat stays when an inode leaves
 * memory and comes back, and ends when its last name is gone.
 */
#include <linux/exportfs.h>
#include <linux/jhash.h>
#include <linux/magic.h>
#include <linux/rhashtable.h>
#include <linux/sched.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include <trace/events/hot_tracking.h>
#include "tracker.h"

/*
 * Per item beside its own memory: its share of the buckets of the hash table and of the nodes of
 * the index by id, which survivors of many evictions share with fewer others.
 */
#define HOT_ITEM_OVERHEAD	64

/* Of how many items the coldest gives way, and how many are looked at to find these. */
#define HOT_SAMPLES		8
#define HOT_LOOKS		64

/* Items that a shrinker takes between two looks at the scheduler. */
#define HOT_SHRINK_BATCH	32

#define HOT_GFP	(GFP_NOWAIT | __GFP_NOMEMALLOC | __GFP_NOWARN)

static struct kmem_cache *hot_item_cache __ro_after_init;

/* Most handles are a small part of the room for them. */
static u32 hot_handle_hash(const void *data, u32 len, u32 seed)
{
	const struct hot_handle *handle = data;

	return jhash2(handle->raw, handle->bytes / sizeof(u32), seed ^ handle->type);
}

static const struct rhashtable_params hot_items_params = {
	.head_offset = offsetof(struct hot_item, node),
	.key_offset = offsetof(struct hot_item, handle),
	.key_len = sizeof(struct hot_handle),
	.hashfn = hot_handle_hash,
	.automatic_shrinking = true,
};

static void hot_item_init_once(void *object)
{
	struct hot_item *item = object;

	raw_spin_lock_init(&item->lock);
	refcount_set(&item->ref, 0);
}

void __init hot_items_init(void)
{
	hot_item_cache = kmem_cache_create("hot_item", sizeof(struct hot_item), 0,
					   SLAB_TYPESAFE_BY_RCU | SLAB_RECLAIM_ACCOUNT |
					   SLAB_PANIC,
					   hot_item_init_once);
}

static u64 hot_item_cost(void)
{
	return kmem_cache_size(hot_item_cache) + HOT_ITEM_OVERHEAD;
}

/* Memory that items use. */
u64 hot_item_bytes(const struct hot_tracker *t)
{
	return atomic_long_read(&t->nr_items) * hot_item_cost();
}

static bool hot_items_full(const struct hot_tracker *t)
{
	return hot_item_bytes(t) + hot_item_cost() > READ_ONCE(t->max_item_bytes);
}

int hot_items_init_tracker(struct hot_tracker *t)
{
	spin_lock_init(&t->lock);
	xa_init_flags(&t->ids, XA_FLAGS_ALLOC1);
	return rhashtable_init(&t->items, &hot_items_params);
}

/* After hot_items_kill_all(). */
void hot_items_destroy_tracker(struct hot_tracker *t)
{
	rhashtable_destroy(&t->items);
	xa_destroy(&t->ids);
}

/* Drops a reference. Context: process context, not under a raw lock. */
void hot_item_put(struct hot_item *item)
{
	struct hot_tracker *t = item->tracker;

	if (!refcount_dec_and_test(&item->ref))
		return;
	atomic_long_dec(&t->nr_items);
	kmem_cache_free(hot_item_cache, item);
	hot_tracker_put(t);
}

/* Nobody finds the item any more. Who has a reference keeps its memory. */
static void __hot_item_kill(struct hot_tracker *t, struct hot_item *item)
{
	struct inode *inode;
	bool attached;

	lockdep_assert_held(&t->lock);
	if (item->flags & HOT_ITEM_DEAD)
		return;
	WRITE_ONCE(item->flags, item->flags | HOT_ITEM_DEAD);
	rhashtable_remove_fast(&t->items, &item->node, hot_items_params);
	xa_erase(&t->ids, item->id);

	raw_spin_lock(&item->lock);
	inode = item->inode;
	item->inode = NULL;
	attached = inode && cmpxchg((struct hot_item **)&inode->i_hot, item, NULL) == item;
	raw_spin_unlock(&item->lock);

	if (attached)
		hot_item_put(item);
	hot_item_put(item);
}

/* The caller has a reference. */
void hot_item_kill(struct hot_item *item)
{
	struct hot_tracker *t = item->tracker;

	spin_lock(&t->lock);
	__hot_item_kill(t, item);
	spin_unlock(&t->lock);
}

void hot_items_kill_all(struct hot_tracker *t)
{
	struct hot_item *item;
	unsigned int n = 0;
	unsigned long id;

	spin_lock(&t->lock);
	xa_for_each(&t->ids, id, item) {
		__hot_item_kill(t, item);
		if (++n % HOT_SHRINK_BATCH == 0) {
			spin_unlock(&t->lock);
			cond_resched();
			spin_lock(&t->lock);
		}
	}
	spin_unlock(&t->lock);
}

static u64 hot_item_rank(struct hot_item *item, u32 now)
{
	struct hot_heat heat;

	raw_spin_lock(&item->lock);
	heat = item->heat;
	raw_spin_unlock(&item->lock);
	hot_heat_age(&heat, now);
	return hot_rank(&heat, 0);
}

/* What a combiner has something for is in use right now, and would free nothing. */
static bool hot_item_is_idle(const struct hot_item *item)
{
	return refcount_read(&item->ref) <= 1 + !!READ_ONCE(item->inode);
}

static struct hot_item *hot_item_at_hand(struct hot_tracker *t)
{
	struct hot_item *item = xa_find_after(&t->ids, &t->hand, ULONG_MAX, XA_PRESENT);

	if (item)
		return item;
	t->hand = 0;
	return xa_find_after(&t->ids, &t->hand, ULONG_MAX, XA_PRESENT);
}

/* The coldest of the next few items in order of their ids gives way. */
static bool hot_item_evict(struct hot_tracker *t)
{
	struct hot_item *item, *coldest = NULL;
	unsigned int looks, samples = 0;
	u64 rank, least = U64_MAX;
	u32 now = hot_epoch(t);

	lockdep_assert_held(&t->lock);
	for (looks = 0; looks < HOT_LOOKS && samples < HOT_SAMPLES; looks++) {
		item = hot_item_at_hand(t);
		if (!item)
			break;
		if (!hot_item_is_idle(item))
			continue;
		samples++;
		rank = hot_item_rank(item, now);
		if (rank < least) {
			least = rank;
			coldest = item;
		}
	}
	if (!coldest)
		return false;
	atomic64_inc(&t->evicted_items);
	trace_hot_evict(t->dev, coldest->id, coldest->heat.reads, coldest->heat.writes);
	__hot_item_kill(t, coldest);
	return true;
}

/* A limit was lowered. */
void hot_items_trim(struct hot_tracker *t)
{
	bool drained = false, evicted = true;

	while (hot_item_bytes(t) > READ_ONCE(t->max_item_bytes) && (evicted || !drained)) {
		drained = !evicted;
		if (drained)
			hot_combiners_drain(t, HOT_LET_GO);
		spin_lock(&t->lock);
		evicted = hot_item_evict(t);
		spin_unlock(&t->lock);
		cond_resched();
	}
}

/* Memory for a new item, within the limit. */
static struct hot_item *hot_item_alloc(struct hot_tracker *t)
{
	if (hot_items_full(t))
		hot_item_evict(t);
	/* Items that ended stay as long as a combiner has something for them. */
	if (hot_items_full(t))
		hot_combiners_drain(t, HOT_PASS);
	if (hot_items_full(t))
		return NULL;
	return kmem_cache_alloc(hot_item_cache, HOT_GFP);
}

static struct hot_item *hot_item_new(struct hot_tracker *t, const struct hot_handle *handle,
				     u32 flags, u32 epoch)
{
	struct hot_item *item;
	u32 id;

	lockdep_assert_held(&t->lock);
	if (t->stopped)
		return NULL;
	item = hot_item_alloc(t);
	if (!item)
		return NULL;
	if (xa_alloc_cyclic(&t->ids, &id, NULL, XA_LIMIT(1, U32_MAX), &t->next_id, HOT_GFP) < 0)
		goto free;

	/* A reader that found the memory when it was another item may hold the lock. */
	raw_spin_lock(&item->lock);
	item->id = id;
	item->flags = flags;
	item->heat = (struct hot_heat) { .epoch = epoch };
	item->bytes_read = 0;
	item->bytes_written = 0;
	item->tracker = t;
	item->inode = NULL;
	item->handle = *handle;
	raw_spin_unlock(&item->lock);

	/* May use a reserve of memory when the table has to grow; nothing else here does. */
	if (rhashtable_insert_fast(&t->items, &item->node, hot_items_params))
		goto erase;
	/* The place is there: xa_alloc_cyclic() reserved it. */
	xa_store(&t->ids, id, item, HOT_GFP);
	hot_tracker_get(t);
	atomic_long_inc(&t->nr_items);
	/* From here on who finds the item can take a reference. */
	refcount_set_release(&item->ref, 1);
	return item;

erase:
	xa_erase(&t->ids, id);
free:
	kmem_cache_free(hot_item_cache, item);
	return NULL;
}

/*
 * Filesystems that make up inode numbers and generations whenever an inode comes into memory: exfat
 * always, fat unless it is mounted for export.
 */
static bool hot_handle_is_volatile(const struct hot_tracker *t, const struct hot_handle *handle)
{
	return t->magic == EXFAT_SUPER_MAGIC ||
	       (t->magic == MSDOS_SUPER_MAGIC && handle->type == FILEID_INO32_GEN);
}

/*
 * Some filesystems keep metadata in inodes that claim to be regular files and that nobody can read
 * as such; not all that a handle is made of needs to be there.
 */
static bool hot_is_data(struct inode *inode)
{
	return S_ISREG(inode->i_mode) && inode->i_fop && inode->i_fop->read_iter &&
	       !is_bad_inode(inode);
}

static bool hot_handle_of(struct hot_tracker *t, struct inode *inode, struct hot_handle *handle,
			  u32 *flags)
{
	int words = ARRAY_SIZE(handle->raw);

	*handle = (struct hot_handle) { };
	handle->type = exportfs_encode_fid(inode, (struct fid *)handle->raw, &words);
	if (handle->type <= 0 || handle->type == FILEID_INVALID || words < 1)
		return false;
	handle->bytes = words * sizeof(u32);
	*flags = HOT_TRACKED;
	if (!t->openable)
		*flags |= HOT_NOT_OPENABLE;
	if (hot_handle_is_volatile(t, handle))
		*flags |= HOT_VOLATILE;
	return true;
}

static struct hot_item *__hot_item_attach(struct hot_tracker *t, struct inode *inode,
					  const struct hot_handle *handle, u32 flags)
{
	struct hot_item *item;
	bool again;
	u32 id;

	spin_lock(&t->lock);
	item = rhashtable_lookup_fast(&t->items, handle, hot_items_params);
	again = item;
	if (!item)
		item = hot_item_new(t, handle, flags, hot_epoch(t));
	if (item) {
		raw_spin_lock(&item->lock);
		if (!cmpxchg((struct hot_item **)&inode->i_hot, NULL, item)) {
			refcount_inc(&item->ref);
			item->inode = inode;
		}
		raw_spin_unlock(&item->lock);
		id = item->id;
	}
	spin_unlock(&t->lock);
	if (item)
		trace_hot_attach(t->dev, inode, id, again);
	return item;
}

/**
 * hot_item_attach - find or make the item of an inode
 * @inode: the inode, which the caller keeps from being destroyed
 *
 * Context: under rcu_read_lock(), may be inside of memory reclaim; does not sleep.
 *
 * Return: the item, valid until rcu_read_unlock(); NULL if the superblock is not tracked, this is
 * no data of a regular file, or the request cannot be counted.
 */
struct hot_item *hot_item_attach(struct inode *inode)
{
	struct hot_tracker *t = rcu_dereference(inode->i_sb->s_hot);
	struct hot_item *item = NULL;
	struct hot_handle handle;
	u32 flags;

	if (!t || !hot_is_data(inode))
		return NULL;
	if (hot_handle_of(t, inode, &handle, &flags))
		item = __hot_item_attach(t, inode, &handle, flags);
	if (!item) {
		atomic64_inc(&t->dropped);
		trace_hot_drop(t->dev, inode);
	}
	return item;
}

/**
 * hot_item_find - look for an item by its handle
 * @t: the tracker
 * @handle: zero beyond its length
 *
 * Return: the item with a reference that the caller puts, NULL if there is none.
 */
struct hot_item *hot_item_find(struct hot_tracker *t, const struct hot_handle *handle)
{
	struct hot_item *item;

	spin_lock(&t->lock);
	item = rhashtable_lookup_fast(&t->items, handle, hot_items_params);
	if (item)
		refcount_inc(&item->ref);
	spin_unlock(&t->lock);
	return item;
}

/*
 * The item of an inode, which need not be attached to it, with a reference; NULL if there is
 * none.
 */
struct hot_item *hot_item_of(struct hot_tracker *t, struct inode *inode)
{
	struct hot_handle handle;
	u32 flags;

	return hot_handle_of(t, inode, &handle, &flags) ? hot_item_find(t, &handle) : NULL;
}

/* An inode that did no I/O since it came back into memory, and now has no name. */
static void hot_inode_unlinked(struct inode *inode)
{
	struct hot_item *item = NULL;
	struct hot_tracker *t;

	rcu_read_lock();
	t = rcu_dereference(inode->i_sb->s_hot);
	if (t && hot_is_data(inode))
		item = hot_item_of(t, inode);
	if (item) {
		hot_item_kill(item);
		hot_item_put(item);
	}
	rcu_read_unlock();
}

/* See hot_inode_detach(). */
void __hot_inode_detach(struct inode *inode)
{
	struct hot_item *item = xchg((struct hot_item **)&inode->i_hot, NULL);

	if (!item) {
		if (!inode->i_nlink)
			hot_inode_unlinked(inode);
		return;
	}
	/* Who sees the inode through the item does so under its lock. */
	raw_spin_lock(&item->lock);
	if (item->inode == inode)
		item->inode = NULL;
	raw_spin_unlock(&item->lock);
	if (!inode->i_nlink || item->flags & HOT_VOLATILE)
		hot_item_kill(item);
	hot_item_put(item);
}

/**
 * hot_item_load - put saved heat back
 * @t: the tracker
 * @handle: whose
 * @flags: HOT_TRACKED and so on
 * @heat: saved heat, with the epoch it is decayed up to
 * @bytes_read: saved total
 * @bytes_written: saved total
 *
 * Return: 0; -ENOSPC at the limit, since saved heat evicts none; -ENOMEM.
 */
int hot_item_load(struct hot_tracker *t, const struct hot_handle *handle, u32 flags,
		  const struct hot_heat *heat, u64 bytes_read, u64 bytes_written)
{
	struct hot_item *item;
	int error = 0;

	spin_lock(&t->lock);
	item = rhashtable_lookup_fast(&t->items, handle, hot_items_params);
	if (!item && hot_items_full(t)) {
		error = -ENOSPC;
		goto out;
	}
	if (!item)
		item = hot_item_new(t, handle, flags, heat->epoch);
	if (!item) {
		error = -ENOMEM;
		goto out;
	}
	raw_spin_lock(&item->lock);
	hot_heat_add(&item->heat, heat->reads, heat->writes, heat->epoch);
	item->bytes_read += bytes_read;
	item->bytes_written += bytes_written;
	raw_spin_unlock(&item->lock);
out:
	spin_unlock(&t->lock);
	return error;
}

static bool hot_item_snapshot(struct hot_tracker *t, struct hot_item *item, u32 id,
			      struct hot_item *copy)
{
	bool valid;

	raw_spin_lock(&item->lock);
	valid = item->id == id && item->tracker == t && !(item->flags & HOT_ITEM_DEAD);
	if (valid) {
		copy->id = id;
		copy->flags = item->flags;
		copy->heat = item->heat;
		copy->bytes_read = item->bytes_read;
		copy->bytes_written = item->bytes_written;
		copy->handle = item->handle;
	}
	raw_spin_unlock(&item->lock);
	return valid;
}

/* Copies what belongs to the item with this id. Return: false if there is none. */
bool hot_item_copy(struct hot_tracker *t, u32 id, struct hot_item *copy)
{
	struct hot_item *item;
	bool found;

	rcu_read_lock();
	item = xa_load(&t->ids, id);
	found = item && hot_item_snapshot(t, item, id, copy);
	rcu_read_unlock();
	return found;
}

/* Copies the next item after @id, which moves. Return: false if there is no more. */
bool hot_item_next(struct hot_tracker *t, unsigned long *id, struct hot_item *copy)
{
	struct hot_item *item;
	bool found = false;

	rcu_read_lock();
	while (!found && (item = xa_find_after(&t->ids, id, ULONG_MAX, XA_PRESENT)))
		found = hot_item_snapshot(t, item, *id, copy);
	rcu_read_unlock();
	return found;
}

/*
 * What is dropped on request (/proc/sys/vm/drop_caches) can be read again, heat cannot: it
 * gives way to a want of memory only, when the task reclaims.
 */
static bool hot_may_shrink(void)
{
	return current->flags & PF_MEMALLOC;
}

static unsigned long hot_shrink_count(struct shrinker *shrinker, struct shrink_control *sc)
{
	struct hot_tracker *t = shrinker->private_data;

	if (!hot_may_shrink())
		return SHRINK_EMPTY;
	return atomic_long_read(&t->nr_items) ?: SHRINK_EMPTY;
}

static unsigned long hot_shrink_scan(struct shrinker *shrinker, struct shrink_control *sc)
{
	struct hot_tracker *t = shrinker->private_data;
	unsigned long freed = 0;

	while (freed < sc->nr_to_scan) {
		spin_lock(&t->lock);
		do {
			if (!hot_item_evict(t)) {
				spin_unlock(&t->lock);
				return freed ?: SHRINK_STOP;
			}
		} while (++freed % HOT_SHRINK_BATCH && freed < sc->nr_to_scan);
		spin_unlock(&t->lock);
		cond_resched();
	}
	return freed;
}

/* Slots that one halving frees. */
static unsigned long hot_halving(struct hot_tracker *t)
{
	u64 bytes = hot_table_bytes(t->table);

	return bytes > HOT_TABLE_BYTES_MIN ? bytes / 2 / sizeof(struct hot_slot) : 0;
}

static unsigned long hot_range_shrink_count(struct shrinker *shrinker, struct shrink_control *sc)
{
	if (!hot_may_shrink())
		return SHRINK_EMPTY;
	return hot_halving(shrinker->private_data) ?: SHRINK_EMPTY;
}

static unsigned long hot_range_shrink_scan(struct shrinker *shrinker, struct shrink_control *sc)
{
	struct hot_tracker *t = shrinker->private_data;
	unsigned long slots;

	/* Who changes the table's size may be the one who waits for memory. */
	if (!mutex_trylock(&t->resize))
		return SHRINK_STOP;
	slots = hot_halving(t);
	if (slots)
		hot_table_halve(t->table);
	mutex_unlock(&t->resize);
	return slots ?: SHRINK_STOP;
}

int hot_shrinkers_add(struct hot_tracker *t)
{
	t->shrinker = shrinker_alloc(0, "hot-items-%u:%u", MAJOR(t->dev), MINOR(t->dev));
	if (!t->shrinker)
		return -ENOMEM;
	t->range_shrinker = shrinker_alloc(0, "hot-ranges-%u:%u", MAJOR(t->dev), MINOR(t->dev));
	if (!t->range_shrinker) {
		shrinker_free(t->shrinker);
		return -ENOMEM;
	}
	t->shrinker->count_objects = hot_shrink_count;
	t->shrinker->scan_objects = hot_shrink_scan;
	t->shrinker->private_data = t;
	/* A table is halved or not: pressure has to add up to all that one halving frees. */
	t->range_shrinker->batch = LONG_MAX;
	t->range_shrinker->count_objects = hot_range_shrink_count;
	t->range_shrinker->scan_objects = hot_range_shrink_scan;
	t->range_shrinker->private_data = t;
	shrinker_register(t->shrinker);
	shrinker_register(t->range_shrinker);
	return 0;
}

void hot_shrinkers_remove(struct hot_tracker *t)
{
	shrinker_free(t->range_shrinker);
	shrinker_free(t->shrinker);
}
