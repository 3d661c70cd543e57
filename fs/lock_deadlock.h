/* SPDX-License-Identifier: GPL-2.0 */
/* Waiting for a lock, unless that is for ever; see fs/lock_deadlock.c. */
#ifndef _FS_LOCK_DEADLOCK_H
#define _FS_LOCK_DEADLOCK_H

#include <linux/filelock.h>
#include <linux/wait.h>

#ifdef CONFIG_FILE_PRIVATE_LOCKS

/*
 * A circle may become one while all in it are asleep already: look again after so long, in
 * jiffies, and then after twice as long each time, up to a limit.
 */
#define LOCK_DEADLOCK_AGAIN	((long)HZ)
#define LOCK_DEADLOCK_LATEST	(3600L * HZ)

/*
 * Locks and sleepers to look at in one search; beyond that a circle is not found. Everybody who
 * begins or ends a wait has to wait for a search to end, so it must be short whatever it meets.
 */
#define LOCK_DEADLOCK_STEPS	4096

/* So many of them while flc_lock is held. */
#define LOCK_DEADLOCK_STEPS_A_HOLD	256

/* Descriptors of one process to look at, and as many of them as make a step. */
#define LOCK_DEADLOCK_FDS	4096
#define LOCK_DEADLOCK_FDS_A_STEP	64

struct lock_turn;

int lock_sleep(struct file *filp, struct file_lock *request, const struct lock_turn *turn);

/* Will @waiter give up by itself, so that it waits for nothing for ever? */
static inline bool lock_is_timed(const struct file_lock_core *waiter)
{
	return waiter->flc_timed;
}

#else /* !CONFIG_FILE_PRIVATE_LOCKS */

/* Macros, so that what is compiled is mainline's. */
#define lock_sleep(filp, request, turn)					\
	((void)(filp), (void)(turn),					\
	 wait_event_interruptible((request)->c.flc_wait,		\
				  list_empty(&(request)->c.flc_blocked_member)))

#define lock_is_timed(waiter)	((void)(waiter), false)

#endif /* CONFIG_FILE_PRIVATE_LOCKS */
#endif /* _FS_LOCK_DEADLOCK_H */
