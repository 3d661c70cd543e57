/* SPDX-License-Identifier: GPL-2.0 */
/* What fs/locks.c tells of requests that wait for a lock; see fs/lock_waiters.c. */
#ifndef _FS_LOCK_WAITERS_H
#define _FS_LOCK_WAITERS_H

#include <linux/filelock.h>

#ifdef CONFIG_FILE_PRIVATE_LOCKS

void __lock_waiters_remove(struct file_lock *waiter);
void __lock_waiters_done(const struct file_lock *request, int error);
void lock_waiters_add(struct file_lock_context *ctx, struct file_lock *waiter,
		      const struct file_lock *blocker);
void lock_waiters_wake(const struct file_lock *waiter);
struct file_lock *lock_waiters_next(struct file_lock_context *ctx, loff_t start, u64 since);

/* @waiter is no longer blocked, if it was; leases, which are waited for too, are not listed. */
static inline void lock_waiters_remove(struct file_lock_core *waiter)
{
	if (waiter->flc_waiting)
		__lock_waiters_remove(container_of(waiter, struct file_lock, c));
}

/* The call that made @request ends with @error. */
static inline void lock_waiters_done(const struct file_lock *request, int error)
{
	if (request->fl_node.since || error == -EDEADLK)
		__lock_waiters_done(request, error);
}

#else /* !CONFIG_FILE_PRIVATE_LOCKS */

/* Macros, so that what is compiled is mainline's. */
#define lock_waiters_add(ctx, waiter, blocker)				\
	((void)(ctx), (void)(waiter), (void)(blocker))
#define lock_waiters_wake(waiter)		((void)(waiter))
#define lock_waiters_remove(waiter)		((void)(waiter))
#define lock_waiters_done(request, error)	((void)(request), (void)(error))

#endif /* CONFIG_FILE_PRIVATE_LOCKS */
#endif /* _FS_LOCK_WAITERS_H */
