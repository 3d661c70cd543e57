/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Locks that each request takes, and nobody waits for but while somebody looks: one bit, taken
 * and released without a call. For lockdep they are raw spinlocks.
 */
#ifndef _FS_HOT_TRACKING_LOCK_H
#define _FS_HOT_TRACKING_LOCK_H

#ifdef CONFIG_PROVE_LOCKING
#include <linux/spinlock.h>

struct hot_lock {
	raw_spinlock_t lock;
};

#define hot_lock_init(l) raw_spin_lock_init(&(l)->lock)

static inline void hot_lock(struct hot_lock *l)
	__acquires(l)
{
	raw_spin_lock(&l->lock);
}

static inline void hot_unlock(struct hot_lock *l)
	__releases(l)
{
	raw_spin_unlock(&l->lock);
}

#else
#include <linux/bit_spinlock.h>

struct hot_lock {
	unsigned long bits;
};

static inline void hot_lock_init(struct hot_lock *l)
{
	l->bits = 0;
}

static inline void hot_lock(struct hot_lock *l)
	__acquires(l)
{
	bit_spin_lock(0, &l->bits);
	__acquire(l);
	__release(bitlock);
}

static inline void hot_unlock(struct hot_lock *l)
	__releases(l)
{
	__acquire(bitlock);
	__release(l);
	__bit_spin_unlock(0, &l->bits);
}

#endif /* CONFIG_PROVE_LOCKING */
#endif /* _FS_HOT_TRACKING_LOCK_H */
