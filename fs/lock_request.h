/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The request of a call of fcntl().
 *
 * Mainline allocates it, and frees it when the call is done. Nothing keeps a pointer to it beyond
 * that, and flock() has its request on the stack, so this one can be there as well: it is a
 * good part of what a lock costs, and a failure less.
 */
#ifndef _FS_LOCK_REQUEST_H
#define _FS_LOCK_REQUEST_H

#include <linux/filelock.h>

#ifdef CONFIG_FILE_PRIVATE_LOCKS

static inline struct file_lock *lock_request_init(struct file_lock *request)
{
	locks_init_lock(request);
	return request;
}

#define DEFINE_LOCK_REQUEST(name)					\
	struct file_lock name##_on_stack, *name = lock_request_init(&name##_on_stack)
#define lock_request_end(name)		locks_release_private(name)

#else /* !CONFIG_FILE_PRIVATE_LOCKS */

#define DEFINE_LOCK_REQUEST(name)	struct file_lock *name = locks_alloc_lock()
#define lock_request_end(name)		locks_free_lock(name)

#endif /* CONFIG_FILE_PRIVATE_LOCKS */
#endif /* _FS_LOCK_REQUEST_H */
