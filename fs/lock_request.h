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

/**
 * struct lock_request - where a request is while the call lasts
 * @lock: the request
 */
struct lock_request {
	struct file_lock lock;
};

/* Returns the request, set up like one from locks_alloc_lock(); never NULL. */
static inline struct file_lock *lock_request_begin(struct lock_request *request)
{
	locks_init_lock(&request->lock);
	return &request->lock;
}

static inline void lock_request_end(struct file_lock *lock)
{
	locks_release_private(lock);
}

#else /* !CONFIG_FILE_PRIVATE_LOCKS */

struct lock_request {};

/* Macros, so that what is compiled is mainline's. */
#define lock_request_begin(request)	((void)(request), locks_alloc_lock())
#define lock_request_end(lock)		locks_free_lock(lock)

#endif /* CONFIG_FILE_PRIVATE_LOCKS */
#endif /* _FS_LOCK_REQUEST_H */
