// SPDX-License-Identifier: GPL-2.0
/*
 * Who waits for a lock on a file, and since when.
 *
 * A blocked request hangs on the lock, or the other request, that it waits behind, and
 * only a walk along all locks of a file would find all that wait there. So each file has
 * a tree of them, too, sorted like the locks are. A request is in it exactly while it is
 * blocked: from just before fs/locks.c makes it wait until just before it is woken or
 * gives up. It keeps its age when it is woken and has to wait again.
 */
#define CREATE_TRACE_POINTS
#include <trace/events/lock_wait.h>

#include <linux/filelock.h>
#include <linux/fs.h>
#include <linux/lockdep.h>
#include <linux/rbtree.h>
#include <linux/spinlock.h>
#include <linux/timekeeping.h>

#include "lock_index.h"
#include "lock_waiters.h"

static struct file_lock *waiting_entry(struct rb_node *rb)
{
	return rb_entry(rb, struct file_lock, fl_node.waiting);
}

static bool comes_before(struct rb_node *rb, const struct rb_node *parent)
{
	const struct file_lock *other = rb_entry(parent, struct file_lock, fl_node.waiting);

	return lock_index_before(waiting_entry(rb), other->fl_start, other->fl_node.since);
}

/* How long it has waited; a deadlock may be seen before it had to. */
static u64 wait_ns(const struct file_lock *fl)
{
	return fl->fl_node.since ? ktime_get_boottime_ns() - fl->fl_node.since : 0;
}

/**
 * lock_waiters_add - a request is going to wait
 * @ctx: lock context of its inode, with flc_lock held
 * @waiter: the request
 * @blocker: what it waits for
 *
 * To be called before the request is blocked, since from then on it may be woken.
 */
void lock_waiters_add(struct file_lock_context *ctx, struct file_lock *waiter,
		      const struct file_lock *blocker)
{
	struct posix_lock_index *index = &ctx->flc_index;

	lockdep_assert_held(&ctx->flc_lock);
	lock_index_stamp(ctx, waiter, ktime_get_boottime_ns());
	waiter->fl_node.waits_in = ctx;
	spin_lock(&index->wait_lock);
	rb_add(&waiter->fl_node.waiting, &index->waiting, comes_before);
	waiter->c.flc_waiting = true;
	spin_unlock(&index->wait_lock);
	trace_lock_wait_block(waiter, wait_ns(waiter), blocker);
}

void __lock_waiters_remove(struct file_lock *waiter)
{
	struct posix_lock_index *index = &waiter->fl_node.waits_in->flc_index;

	spin_lock(&index->wait_lock);
	rb_erase(&waiter->fl_node.waiting, &index->waiting);
	waiter->c.flc_waiting = false;
	spin_unlock(&index->wait_lock);
}

/**
 * lock_waiters_wake - a request is about to be woken, to try again
 * @waiter: the request, which leaves only after this
 */
void lock_waiters_wake(const struct file_lock *waiter)
{
	/* Not one that breaks a lease. */
	if (waiter->c.flc_waiting)
		trace_lock_wait_wake(waiter, wait_ns(waiter));
}

void __lock_waiters_done(const struct file_lock *request, int error)
{
	switch (error) {
	case 0:
		trace_lock_wait_grant(request, wait_ns(request));
		break;
	case -ETIMEDOUT:
		trace_lock_wait_timeout(request, wait_ns(request));
		break;
	case -EDEADLK:
		trace_lock_wait_deadlock(request, wait_ns(request));
		break;
	case -ERESTARTSYS:
		trace_lock_wait_interrupt(request, wait_ns(request));
		break;
	}
}

/**
 * lock_waiters_next - walk along the requests that wait on a file
 * @ctx: lock context of an inode, with &posix_lock_index.wait_lock held
 * @start: fl_start of the request before, and
 * @since: its &posix_lock_node.since; or both 0 to begin
 *
 * Return: the next request, or NULL if that was the last one.
 */
struct file_lock *lock_waiters_next(struct file_lock_context *ctx, loff_t start, u64 since)
{
	struct rb_node *rb = ctx->flc_index.waiting.rb_node;
	struct file_lock *fl, *next = NULL;

	lockdep_assert_held(&ctx->flc_index.wait_lock);
	while (rb) {
		fl = waiting_entry(rb);
		if (lock_index_after(fl, start, since)) {
			next = fl;
			rb = rb->rb_left;
		} else {
			rb = rb->rb_right;
		}
	}
	return next;
}
