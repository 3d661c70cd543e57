/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Deferrable sleeps: what hrtimer_nanosleep() and its restart do in another way.
 *
 * Included by hrtimer.c.
 */
#ifndef _KERNEL_TIME_HRTIMER_DEFERRABLE_SLEEP_H
#define _KERNEL_TIME_HRTIMER_DEFERRABLE_SLEEP_H

#include <linux/hrtimer.h>
#include <linux/restart_block.h>
#include <linux/sched.h>

#ifdef CONFIG_DEFERRABLE_HRTIMERS

/* Whether it was time for @timer before its CPU woke up. */
static inline bool hrtimer_deferrable_overdue(struct hrtimer *timer)
{
	return hrtimer_is_deferrable(timer) && hrtimer_expires_remaining(timer) <= 0;
}

/* A sleep that programs nothing has nothing to coalesce with. */
static inline u64 hrtimer_sleep_slack(enum hrtimer_mode mode)
{
	return mode & HRTIMER_MODE_DEFERRABLE ? 0 : current->timer_slack_ns;
}

static inline bool hrtimer_sleep_is_abs(enum hrtimer_mode mode)
{
	return !(mode & HRTIMER_MODE_REL);
}

static inline void hrtimer_save_restart_mode(struct restart_block *restart,
					     enum hrtimer_mode mode)
{
	restart->nanosleep.deferrable = !!(mode & HRTIMER_MODE_DEFERRABLE);
}

static inline enum hrtimer_mode hrtimer_restart_mode(struct restart_block *restart)
{
	return restart->nanosleep.deferrable ? HRTIMER_MODE_DEFERRABLE : 0;
}

#else /* CONFIG_DEFERRABLE_HRTIMERS */

static inline bool hrtimer_deferrable_overdue(struct hrtimer *timer)
{
	return false;
}

static inline u64 hrtimer_sleep_slack(enum hrtimer_mode mode)
{
	return current->timer_slack_ns;
}

static inline bool hrtimer_sleep_is_abs(enum hrtimer_mode mode)
{
	return mode == HRTIMER_MODE_ABS;
}

static inline void hrtimer_save_restart_mode(struct restart_block *restart,
					     enum hrtimer_mode mode) { }

static inline enum hrtimer_mode hrtimer_restart_mode(struct restart_block *restart)
{
	return 0;
}

#endif /* CONFIG_DEFERRABLE_HRTIMERS */

#endif /* _KERNEL_TIME_HRTIMER_DEFERRABLE_SLEEP_H */
