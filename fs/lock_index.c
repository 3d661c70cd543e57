// SPDX-License-Identifier: GPL-2.0
/*
 * Search trees over the POSIX locks of an inode.
 *
 * The locks stand in a list, flc_posix, grouped by owner and sorted by start within
 * an owner. Everything outside fs/locks.c that looks at them walks this list, and
 * with few locks nothing is faster. With many, each request would pay for all of
 * them. Above POSIX_INDEX_BUILD locks, trees over the same locks answer the two
 * questions that posix_lock_inode() asks of the list:
 *
 *  - Which locks of this owner does the request touch? @owned, by (owner, start).
 *    An owner's locks do not overlap, so at most one that starts before the request
 *    reaches into it, and the others follow it in the list.
 *
 *  - Is a lock of another owner in the way? @ranges, by start, with the greatest end
 *    in each subtree; read locks and write locks are kept apart, since a reader
 *    minds only writers.
 *
 * The second question has a trap: an owner with a million locks asks for all of the
 * file, and every one of its own locks overlaps before the one that counts. So each
 * subtree also knows whether one owner has all of it, and the search leaves out
 * subtrees of the caller. What is left to go wrong is a subtree that is worth a look
 * by its greatest end, which a lock of the caller's provides, and by another owner,
 * whose locks end too early. That needs a lock of the caller's that starts before the
 * request and reaches into it; there is at most one, so the search goes astray along
 * one path only. All searches, insertions and removals are O(log n).
 *
 * Locks with the same start are in the order in which they were granted, so that a walk
 * along all locks can stop after any of them, drop flc_lock and go on from there.
 *
 * A lock whose range changes is taken out first and put back afterwards. Nothing is
 * allocated: the nodes are part of struct file_lock, and the trees are built from the
 * list and forgotten at will.
 */
#include <linux/bug.h>
#include <linux/fs.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/rbtree_augmented.h>
#include <linux/sched.h>
#include <linux/timekeeping.h>

#include "lock_index.h"

/* No owner of a lock, and of no request either: nfsd tests locks for one without owner. */
#define SEVERAL_OWNERS	((const void *)-1L)

static struct file_lock *range_entry(const struct rb_node *rb)
{
	return rb_entry(rb, struct file_lock, fl_node.range);
}

static struct file_lock *owned_entry(const struct rb_node *rb)
{
	return rb_entry(rb, struct file_lock, fl_node.owned);
}

static struct file_lock *range_child(const struct rb_node *rb)
{
	return rb ? range_entry(rb) : NULL;
}

/* Sum up a subtree in its root; with @exit true if the root has it so already. */
static bool sum_up(struct file_lock *fl, bool exit)
{
	struct file_lock *children[] = {
		range_child(fl->fl_node.range.rb_left),
		range_child(fl->fl_node.range.rb_right),
	};
	struct posix_lock_sub sub = { .end = fl->fl_end, .owner = fl->c.flc_owner };
	int i;

	for (i = 0; i < ARRAY_SIZE(children); i++) {
		if (!children[i])
			continue;
		sub.end = max(sub.end, children[i]->fl_node.sub.end);
		if (children[i]->fl_node.sub.owner != sub.owner)
			sub.owner = SEVERAL_OWNERS;
	}
	if (exit && fl->fl_node.sub.end == sub.end && fl->fl_node.sub.owner == sub.owner)
		return true;
	fl->fl_node.sub = sub;
	return false;
}

RB_DECLARE_CALLBACKS(static, range_augment, struct file_lock, fl_node.range, fl_node.sub, sum_up)

static struct rb_root *ranges_of(struct posix_lock_index *index, const struct file_lock *fl)
{
	return &index->ranges[fl->c.flc_type == F_WRLCK];
}

static void insert_range(struct rb_root *root, struct file_lock *fl)
{
	struct rb_node **link = &root->rb_node, *parent = NULL;

	while (*link) {
		struct file_lock *over = range_entry(*link);

		parent = *link;
		over->fl_node.sub.end = max(over->fl_node.sub.end, fl->fl_end);
		if (over->fl_node.sub.owner != fl->c.flc_owner)
			over->fl_node.sub.owner = SEVERAL_OWNERS;
		link = lock_index_before(fl, over->fl_start, over->fl_node.since) ?
			&parent->rb_left : &parent->rb_right;
	}
	fl->fl_node.sub.end = fl->fl_end;
	fl->fl_node.sub.owner = fl->c.flc_owner;
	rb_link_node(&fl->fl_node.range, parent, link);
	rb_insert_augmented(&fl->fl_node.range, root, &range_augment);
}

/* Does @a come before @b in the tree of owners? */
static bool comes_before(const struct file_lock *a, const struct file_lock *b)
{
	if (a->c.flc_owner != b->c.flc_owner)
		return a->c.flc_owner < b->c.flc_owner;
	return a->fl_start < b->fl_start;
}

static void insert_owned(struct rb_root *root, struct file_lock *fl)
{
	struct rb_node **link = &root->rb_node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = comes_before(fl, owned_entry(parent)) ? &parent->rb_left : &parent->rb_right;
	}
	rb_link_node(&fl->fl_node.owned, parent, link);
	rb_insert_color(&fl->fl_node.owned, root);
}

void __posix_index_insert(struct posix_lock_index *index, struct file_lock *fl)
{
	insert_range(ranges_of(index, fl), fl);
	insert_owned(&index->owned, fl);
}

void __posix_index_remove(struct posix_lock_index *index, struct file_lock *fl)
{
	rb_erase_augmented(&fl->fl_node.range, ranges_of(index, fl), &range_augment);
	rb_erase(&fl->fl_node.owned, &index->owned);
}

/* Build the trees or forget them, whichever state they are in. */
void __posix_index_settle(struct file_lock_context *ctx)
{
	struct posix_lock_index *index = &ctx->flc_index;
	struct file_lock *fl;

	lockdep_assert_held(&ctx->flc_lock);
	/* posix_index_release() has a look without the lock. */
	WRITE_ONCE(index->built, !index->built);
	if (!index->built)
		return;

	index->owned = RB_ROOT;
	index->ranges[0] = RB_ROOT;
	index->ranges[1] = RB_ROOT;
	list_for_each_entry(fl, &ctx->flc_posix, c.flc_list)
		__posix_index_insert(index, fl);
}

/* May the subtree under @rb hold a lock of another owner that reaches @request? */
static bool worth_a_look(const struct rb_node *rb, const struct file_lock *request)
{
	const struct posix_lock_sub *sub;

	if (!rb)
		return false;
	sub = &range_entry(rb)->fl_node.sub;
	return sub->end >= request->fl_start && sub->owner != request->c.flc_owner;
}

static struct rb_node *leftmost(struct rb_node *rb, const struct file_lock *request)
{
	while (worth_a_look(rb->rb_left, request))
		rb = rb->rb_left;
	return rb;
}

/* The next node of the tree after @rb that is worth a look. */
static struct rb_node *next_worth_a_look(struct rb_node *rb, const struct file_lock *request)
{
	struct rb_node *child;

	if (worth_a_look(rb->rb_right, request))
		return leftmost(rb->rb_right, request);
	do {
		child = rb;
		rb = rb_parent(rb);
	} while (rb && child == rb->rb_right);
	return rb;
}

/* From @rb on, the first lock of another owner that overlaps @request. */
static struct file_lock *search_on(struct rb_node *rb, const struct file_lock *request)
{
	struct file_lock *fl;

	for (; rb; rb = next_worth_a_look(rb, request)) {
		fl = range_entry(rb);
		if (fl->fl_start > request->fl_end)
			break;
		if (fl->fl_end >= request->fl_start && fl->c.flc_owner != request->c.flc_owner)
			return fl;
	}
	return NULL;
}

/* The lock of another owner with the lowest start that overlaps @request. */
static struct file_lock *first_of_others(const struct rb_root *root,
					 const struct file_lock *request)
{
	if (!worth_a_look(root->rb_node, request))
		return NULL;
	return search_on(leftmost(root->rb_node, request), request);
}

/*
 * The last lock of @request's owner that starts before @request, else the owner's
 * first, else NULL. One that starts where @request does is not the first that matters:
 * its neighbour may end there.
 */
static struct file_lock *nearest_own(const struct posix_lock_index *index,
				     const struct file_lock *request)
{
	struct file_lock *last = NULL, *next = NULL;
	struct rb_node *rb = index->owned.rb_node;

	while (rb) {
		struct file_lock *fl = owned_entry(rb);
		bool own = fl->c.flc_owner == request->c.flc_owner;

		if (comes_before(fl, request)) {
			rb = rb->rb_right;
			if (own)
				last = fl;
		} else {
			rb = rb->rb_left;
			if (own)
				next = fl;
		}
	}
	return last ?: next;
}

/* The owner's lock with the lowest start that overlaps @request, else NULL. */
static struct file_lock *first_own_overlap(const struct posix_lock_index *index,
					   const struct file_lock *request)
{
	struct file_lock *fl = nearest_own(index, request);
	struct rb_node *next;

	if (fl && fl->fl_end < request->fl_start) {
		next = rb_next(&fl->fl_node.owned);
		fl = next ? owned_entry(next) : NULL;
	}
	if (!fl || fl->c.flc_owner != request->c.flc_owner || fl->fl_start > request->fl_end)
		return NULL;
	return fl;
}

static struct file_lock *or_head(struct file_lock_context *ctx, struct file_lock *fl)
{
	return fl ?: list_entry(&ctx->flc_posix, struct file_lock, c.flc_list);
}

struct file_lock *__posix_index_first_conflict(struct file_lock_context *ctx,
					       const struct file_lock *request)
{
	struct posix_lock_index *index = &ctx->flc_index;
	struct file_lock *fl;

	if (request->c.flc_type == F_UNLCK)
		return or_head(ctx, first_own_overlap(index, request));

	fl = first_of_others(&index->ranges[1], request);
	if (!fl && request->c.flc_type == F_WRLCK)
		fl = first_of_others(&index->ranges[0], request);
	return or_head(ctx, fl);
}

struct file_lock *__posix_index_first_own(struct file_lock_context *ctx,
					  const struct file_lock *request)
{
	return or_head(ctx, nearest_own(&ctx->flc_index, request));
}

/**
 * lock_index_stamp - note when a lock was granted, or began to wait, if that is not known
 * @ctx: lock context of its inode, with flc_lock held
 * @fl: a lock that is being granted, or a request that is going to wait
 * @now: boot time in ns, the clock that processes have their start times on
 *
 * No two of a context are alike, so that they give an order.
 */
void lock_index_stamp(struct file_lock_context *ctx, struct file_lock *fl, u64 now)
{
	struct posix_lock_index *index = &ctx->flc_index;

	lockdep_assert_held(&ctx->flc_lock);
	if (fl->fl_node.since)
		return;
	index->last = max(index->last + 1, now);
	fl->fl_node.since = index->last;
}

/**
 * lock_index_granted - note when a lock was granted, if that is not known
 * @ctx: lock context of its inode, with flc_lock held
 * @fl: a lock that the current task asked for
 *
 * As of the last tick: nobody is to wait for a slow clock while flc_lock is held. But not from
 * before there was the task that asked for the lock, for its process would be taken for another
 * one that got its number; see lock_owner_pid().
 */
void lock_index_granted(struct file_lock_context *ctx, struct file_lock *fl)
{
	lock_index_stamp(ctx, fl, max(ktime_get_coarse_boottime_ns(), current->start_boottime));
}

/* In a tree: the first lock to be walked along after what the walk looked at last. */
static struct file_lock *first_in_tree(const struct rb_root *root,
				       const struct posix_index_walk *walk)
{
	struct rb_node *rb = root->rb_node, *next = NULL;

	while (rb) {
		if (lock_index_after(range_entry(rb), walk->start, walk->since)) {
			next = rb;
			rb = rb->rb_left;
		} else {
			rb = rb->rb_right;
		}
	}
	return search_on(next, walk->range);
}

/**
 * posix_index_begin - begin to walk along the granted POSIX locks in a range, or go on
 * @ctx: lock context of an inode, with flc_lock held
 * @walk: its range, start and since are set
 */
void posix_index_begin(struct file_lock_context *ctx, struct posix_index_walk *walk)
{
	struct posix_lock_index *index = &ctx->flc_index;
	int i;

	lockdep_assert_held(&ctx->flc_lock);
	if (!index->built)
		return;
	for (i = 0; i < ARRAY_SIZE(walk->next); i++)
		walk->next[i] = first_in_tree(&index->ranges[i], walk);
}

/* Of two locks, either of which may be NULL, does the first one come first? */
static bool is_first(const struct file_lock *a, const struct file_lock *b)
{
	return !b || (a && lock_index_before(a, b->fl_start, b->fl_node.since));
}

static struct file_lock *next_in_trees(struct posix_index_walk *walk)
{
	struct file_lock **next = &walk->next[!is_first(walk->next[0], walk->next[1])];
	struct file_lock *fl = *next;

	if (fl)
		*next = search_on(next_worth_a_look(&fl->fl_node.range, walk->range), walk->range);
	return fl;
}

static struct file_lock *next_in_list(struct file_lock_context *ctx,
				      const struct posix_index_walk *walk)
{
	const struct file_lock *range = walk->range;
	struct file_lock *fl, *next = NULL;

	list_for_each_entry(fl, &ctx->flc_posix, c.flc_list) {
		if (lock_index_overlap(fl, range) && fl->c.flc_owner != range->c.flc_owner &&
		    lock_index_after(fl, walk->start, walk->since) && is_first(fl, next))
			next = fl;
	}
	return next;
}

/**
 * posix_index_next - walk along the granted POSIX locks in a range
 * @ctx: lock context of an inode, with flc_lock held since posix_index_begin()
 * @walk: the walk
 *
 * The order is by start, then by age. It is the same with and without trees. O(log n) at
 * most with, O(n) without, when there are but few.
 *
 * Return: the next lock, or NULL if that was the last one.
 */
struct file_lock *posix_index_next(struct file_lock_context *ctx, struct posix_index_walk *walk)
{
	struct file_lock *fl;

	lockdep_assert_held(&ctx->flc_lock);
	fl = posix_index_built(ctx) ? next_in_trees(walk) : next_in_list(ctx, walk);
	if (fl) {
		walk->start = fl->fl_start;
		walk->since = fl->fl_node.since;
	}
	return fl;
}

/**
 * posix_index_owner_has - has the owner of a request a lock in a range?
 * @ctx: lock context of an inode, with flc_lock held
 * @request: its flc_owner counts
 * @range: its fl_start and fl_end count
 *
 * Return: true if so.
 */
bool posix_index_owner_has(struct file_lock_context *ctx, const struct file_lock *request,
			   const struct file_lock *range)
{
	struct file_lock own = {
		.c.flc_owner = request->c.flc_owner,
		.fl_start = range->fl_start,
		.fl_end = range->fl_end,
	};
	struct file_lock *fl;

	lockdep_assert_held(&ctx->flc_lock);
	if (posix_index_built(ctx))
		return first_own_overlap(&ctx->flc_index, &own);

	list_for_each_entry(fl, &ctx->flc_posix, c.flc_list) {
		if (fl->c.flc_owner == own.c.flc_owner && lock_index_overlap(fl, &own))
			return true;
	}
	return false;
}

/* The end of the @count-th lock of @request's owner; 0 if it has no more than that. */
static loff_t end_of_slice(struct file_lock_context *ctx, const struct file_lock *request,
			   int count)
{
	struct rb_node *rb = NULL;
	struct file_lock *fl;
	loff_t end = 0;

	spin_lock(&ctx->flc_lock);
	fl = posix_index_built(ctx) ? nearest_own(&ctx->flc_index, request) : NULL;
	if (fl)
		rb = &fl->fl_node.owned;
	for (; rb; rb = rb_next(rb)) {
		fl = owned_entry(rb);
		if (fl->c.flc_owner != request->c.flc_owner)
			break;
		if (!count--)
			goto out;
		end = fl->fl_end;
	}
	end = 0;
out:
	spin_unlock(&ctx->flc_lock);
	return end;
}

/**
 * posix_index_release - remove most locks of an open file that is being closed
 * @filp: open file that nobody refers to any more, with locks of its own
 * @ctx: lock context of its inode
 *
 * One unlock of the whole file would hold flc_lock for as long as it takes to remove all
 * locks. Nobody can set another lock of this owner any more, so they can as well go slice
 * by slice. The last slice is left to the caller, who unlocks the whole file anyway.
 *
 * Context: may sleep.
 */
void posix_index_release(struct file *filp, struct file_lock_context *ctx)
{
	struct file_lock unlock;

	if (!READ_ONCE(ctx->flc_index.built) || filp->f_op->lock)
		return;

	locks_init_lock(&unlock);
	unlock.c.flc_type = F_UNLCK;
	unlock.c.flc_flags = FL_POSIX | FL_CLOSE;
	unlock.c.flc_owner = filp;
	unlock.c.flc_pid = current->tgid;
	unlock.c.flc_file = filp;
	while ((unlock.fl_end = end_of_slice(ctx, &unlock, POSIX_INDEX_SLICE))) {
		posix_lock_file(filp, &unlock, NULL);
		cond_resched();
	}
}

/* Do list, counter and the owners' tree agree, and is the order right? */
static bool list_is_right(struct file_lock_context *ctx)
{
	struct posix_lock_index *index = &ctx->flc_index;
	struct file_lock *fl, *prev = NULL;
	struct rb_node *rb;
	unsigned int n = 0;

	list_for_each_entry(fl, &ctx->flc_posix, c.flc_list) {
		if (!fl->c.flc_counted || fl->fl_start > fl->fl_end)
			return false;
		if (prev && prev->c.flc_owner == fl->c.flc_owner) {
			if (prev->fl_end >= fl->fl_start)
				return false;
			/* Neighbours of one type are one lock, if they are so of one task. */
			if (prev->fl_end == fl->fl_start - 1 &&
			    prev->c.flc_type == fl->c.flc_type &&
			    prev->fl_node.task == fl->fl_node.task &&
			    prev->fl_node.task_start == fl->fl_node.task_start)
				return false;
			if (index->built && rb_next(&prev->fl_node.owned) != &fl->fl_node.owned)
				return false;
		}
		prev = fl;
		n++;
	}
	if (n != index->count)
		return false;
	if (!index->built)
		return true;

	prev = NULL;
	for (rb = rb_first(&index->owned); rb; rb = rb_next(rb)) {
		fl = owned_entry(rb);
		if (prev && !comes_before(prev, fl))
			return false;
		prev = fl;
		n--;
	}
	return !n;
}

/* Are all of the locks in the tree of their type, sorted and summed up? */
static bool ranges_are_right(struct posix_lock_index *index)
{
	unsigned int n = 0;
	int i;

	for (i = 0; i < ARRAY_SIZE(index->ranges); i++) {
		struct file_lock *prev = NULL;
		struct rb_node *rb;

		for (rb = rb_first(&index->ranges[i]); rb; rb = rb_next(rb)) {
			struct file_lock *fl = range_entry(rb);

			if (ranges_of(index, fl) != &index->ranges[i] || !sum_up(fl, true))
				return false;
			if (prev && !lock_index_before(prev, fl->fl_start, fl->fl_node.since))
				return false;
			prev = fl;
			n++;
		}
	}
	return n == index->count;
}

/**
 * posix_index_check - compare the index of POSIX locks with the list
 * @ctx: lock context of an inode, with flc_lock held
 *
 * Warns where they differ. Looks at every lock, so with many it skips as many calls
 * as there are locks before the next look.
 */
void posix_index_check(struct file_lock_context *ctx)
{
	struct posix_lock_index *index = &ctx->flc_index;

	lockdep_assert_held(&ctx->flc_lock);
	if (index->count > POSIX_INDEX_CHECK && ++index->unchecked < index->count)
		return;
	index->unchecked = 0;
	WARN_ONCE(!list_is_right(ctx) || (index->built && !ranges_are_right(index)),
		  "POSIX locks: index and list differ, %u locks\n", index->count);
}
