// SPDX-License-Identifier: GPL-2.0
/*
 * Requests that are not to be overtaken.
 *
 * Whether a lock can be had depends on the locks that there are, not on who waits. So a
 * writer can wait for ever while readers come and go, as long as there is always one.
 * While a fair request waits, requests that come later, that conflict with it and that can
 * wait, wait behind it.
 *
 * That can close a circle: the owner of the lock that the fair request waits for may itself
 * wait for something that a request behind the fair one stands for. Two rules keep this from
 * being a deadlock:
 *
 *  - An owner with a lock in the range of the fair request goes ahead, since the fair one
 *    may be waiting for just this owner.
 *
 *  - For all other circles, of which the kernel cannot know, no request is held up for ever:
 *    after some time the fair one lets pass all that came before that moment, and begins
 *    anew. The time doubles each time, up to a limit, so that there comes a turn that is
 *    longer than others hold their locks.
 *
 * Of two fair requests the older one goes first.
 */
#include <linux/filelock.h>
#include <linux/fs.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/sched.h>

#include "lock_fair.h"
#include "lock_index.h"

static struct file_lock_context *context_of(const struct file_lock *request)
{
	return locks_inode_context(file_inode(request->c.flc_file));
}

static void start_timer(struct lock_turn *turn)
{
	/* It has been cleared if the timer has fired before. */
	turn->timer.task = current;
	hrtimer_set_expires(&turn->timer.timer, ns_to_ktime(turn->length));
	hrtimer_sleeper_start_expires(&turn->timer, HRTIMER_MODE_REL);
}

/**
 * lock_fair_set - make a request a fair one
 * @request: a request that is not made yet
 */
void lock_fair_set(struct file_lock *request)
{
	INIT_LIST_HEAD(&request->fl_node.fair);
	request->fl_node.is_fair = true;
}

/**
 * lock_turn_begin - a fair request of the current task has been blocked
 * @turn: to be ended with lock_turn_end()
 */
void lock_turn_begin(struct lock_turn *turn)
{
	turn->length = LOCK_FAIR_FIRST;
	hrtimer_init_sleeper_on_stack(&turn->timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
	start_timer(turn);
}

/**
 * lock_turn_pass - let pass those that were held up for long enough
 * @turn: if it is over, the next one begins; else nothing happens
 * @request: the fair request, which is not blocked afterwards and has to be made again
 *
 * Context: may sleep.
 */
void lock_turn_pass(struct lock_turn *turn, struct file_lock *request)
{
	struct file_lock_context *ctx = context_of(request);

	if (!lock_turn_over(turn))
		return;

	spin_lock(&ctx->flc_lock);
	request->fl_node.fair_from = ctx->flc_index.last;
	spin_unlock(&ctx->flc_lock);
	locks_delete_block(request);

	turn->length = min(2 * turn->length, LOCK_FAIR_LONGEST);
	start_timer(turn);
}

/**
 * lock_turn_end - the fair request has been granted, or gives up
 * @turn: of the current task
 * @request: the fair request; locks_delete_block() is to follow
 *
 * Context: may sleep.
 */
void lock_turn_end(struct lock_turn *turn, struct file_lock *request)
{
	struct file_lock_context *ctx = context_of(request);

	hrtimer_cancel(&turn->timer.timer);
	destroy_hrtimer_on_stack(&turn->timer.timer);
	spin_lock(&ctx->flc_lock);
	list_del(&request->fl_node.fair);
	spin_unlock(&ctx->flc_lock);
}

void __lock_fair_join(struct file_lock_context *ctx, struct file_lock *request)
{
	lockdep_assert_held(&ctx->flc_lock);
	if (!list_empty(&request->fl_node.fair))
		return;
	request->fl_node.fair_from = request->fl_node.since;
	list_add_tail(&request->fl_node.fair, &ctx->flc_index.fair);
}

static bool conflict(const struct file_lock *a, const struct file_lock *b)
{
	return a->c.flc_owner != b->c.flc_owner && lock_index_overlap(a, b) &&
	       (a->c.flc_type == F_WRLCK || b->c.flc_type == F_WRLCK);
}

/* Did @request come before @fair did, or before it last let others pass? */
static bool came_before(const struct file_lock *request, const struct file_lock *fair)
{
	return request->fl_node.since && request->fl_node.since <= fair->fl_node.fair_from;
}

struct file_lock *__lock_fair_first(struct file_lock_context *ctx,
				    const struct file_lock *request)
{
	struct file_lock *fair;

	lockdep_assert_held(&ctx->flc_lock);
	if (!(request->c.flc_flags & FL_SLEEP) || request->c.flc_type == F_UNLCK)
		return NULL;
	list_for_each_entry(fair, &ctx->flc_index.fair, fl_node.fair) {
		if (conflict(request, fair) && !came_before(request, fair) &&
		    !posix_index_owner_has(ctx, request, fair))
			return fair;
	}
	return NULL;
}
