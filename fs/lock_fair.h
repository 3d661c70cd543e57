/* SPDX-License-Identifier: GPL-2.0 */
/* Requests that are not to be overtaken; see fs/lock_fair.c. */
#ifndef _FS_LOCK_FAIR_H
#define _FS_LOCK_FAIR_H

#include <linux/filelock.h>
#include <linux/hrtimer.h>

/* For how long a fair request holds up another one, at first and at most. */
#define LOCK_FAIR_FIRST		(100 * NSEC_PER_MSEC)
#define LOCK_FAIR_LONGEST	(LOCK_FAIR_FIRST << 7)

/**
 * struct lock_turn - for how long a fair request has held up others
 * @timer: wakes the task of the request when it is time to let them pass
 * @length: how long that takes, in ns
 */
struct lock_turn {
	struct hrtimer_sleeper timer;
	u64 length;
};

#ifdef CONFIG_FILE_PRIVATE_LOCKS

void lock_fair_set(struct file_lock *request);
void lock_turn_begin(struct lock_turn *turn);
void lock_turn_pass(struct lock_turn *turn, struct file_lock *request);
void lock_turn_end(struct lock_turn *turn, struct file_lock *request);
void __lock_fair_join(struct file_lock_context *ctx, struct file_lock *request);
struct file_lock *__lock_fair_first(struct file_lock_context *ctx,
				    const struct file_lock *request);

/* Is it time to let others pass? */
static inline bool lock_turn_over(const struct lock_turn *turn)
{
	return !READ_ONCE(turn->timer.task);
}

/* @request is going to wait. */
static inline void lock_fair_join(struct file_lock_context *ctx, struct file_lock *request)
{
	if (request->fl_node.is_fair)
		__lock_fair_join(ctx, request);
}

/* The request that @request must not overtake, though no lock is in its way; or NULL. */
static inline struct file_lock *lock_fair_first(struct file_lock_context *ctx,
						const struct file_lock *request)
{
	return list_empty(&ctx->flc_index.fair) ? NULL : __lock_fair_first(ctx, request);
}

#else /* !CONFIG_FILE_PRIVATE_LOCKS */

/* Macros, so that what is compiled is mainline's. */
#define lock_fair_join(ctx, request)	((void)(ctx), (void)(request))
#define lock_fair_first(ctx, request)	((void)(ctx), (void)(request), (struct file_lock *)NULL)

#endif /* CONFIG_FILE_PRIVATE_LOCKS */
#endif /* _FS_LOCK_FAIR_H */
