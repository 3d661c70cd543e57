/* SPDX-License-Identifier: GPL-2.0 */
/* Locks that only one task of their owner may change; see fs/lock_task.c. */
#ifndef _FS_LOCK_TASK_H
#define _FS_LOCK_TASK_H

#include <linux/filelock.h>

#ifdef CONFIG_FILE_PRIVATE_LOCKS

void lock_task_set(struct file_lock *request);
bool lock_task_is(const struct file_lock *fl, const struct task_struct *task);
bool __lock_task_forbids(struct file_lock_context *ctx, const struct file_lock *request);

/* Is a lock in @request's range that is of its owner, but of another task? */
static inline bool lock_task_forbids(struct file_lock_context *ctx,
				     const struct file_lock *request)
{
	return ctx->flc_index.has_tasks && __lock_task_forbids(ctx, request);
}

/* May locks of one owner and type become one? */
static inline bool lock_task_same(const struct file_lock *a, const struct file_lock *b)
{
	return a->fl_node.task == b->fl_node.task &&
	       a->fl_node.task_start == b->fl_node.task_start;
}

/* @to is going to be what @from is. */
static inline void lock_task_copy(struct file_lock *to, const struct file_lock *from)
{
	to->fl_node.task = from->fl_node.task;
	to->fl_node.task_start = from->fl_node.task_start;
}

#else /* !CONFIG_FILE_PRIVATE_LOCKS */

/* Macros, so that what is compiled is mainline's. */
#define lock_task_forbids(ctx, request)	((void)(ctx), (void)(request), false)
#define lock_task_same(a, b)		((void)(a), (void)(b), true)
#define lock_task_copy(to, from)	((void)(to), (void)(from))

#endif /* CONFIG_FILE_PRIVATE_LOCKS */
#endif /* _FS_LOCK_TASK_H */
