/* SPDX-License-Identifier: GPL-2.0 */
/*
 * TIMER_IS_DEFERRABLE of timer_settime() and clock_nanosleep().
 *
 * Included by posix-timers.c, after its declarations.
 */
#ifndef _KERNEL_TIME_POSIX_TIMERS_DEFERRABLE_H
#define _KERNEL_TIME_POSIX_TIMERS_DEFERRABLE_H

#ifdef CONFIG_DEFERRABLE_HRTIMERS

#include <uapi/linux/deferrable_timers.h>

static void common_hrtimer_arm(struct k_itimer *timr, ktime_t expires, bool absolute,
			       bool sigev_none);

/*
 * Whether a call asks for what its clock cannot do: only timers of clocks that
 * are based on hrtimers can be deferrable. Other unknown flags were always
 * ignored and still are.
 */
static inline bool posix_refuses_deferrable(const struct k_clock *kc, int flags)
{
	return (flags & TIMER_IS_DEFERRABLE) && kc->timer_arm != common_hrtimer_arm;
}

static inline enum hrtimer_mode posix_sleep_mode(int flags)
{
	return flags & TIMER_IS_DEFERRABLE ? HRTIMER_MODE_DEFERRABLE : 0;
}

/* Context of these two: timr->it_lock held. */
static inline void posix_timer_save_mode(struct k_itimer *timr, int flags)
{
	timr->it_deferrable = !!(flags & TIMER_IS_DEFERRABLE);
}

static inline enum hrtimer_mode posix_timer_mode(struct k_itimer *timr)
{
	return timr->it_deferrable ? HRTIMER_MODE_DEFERRABLE : 0;
}

#else

static inline bool posix_refuses_deferrable(const struct k_clock *kc, int flags)
{
	return false;
}

static inline enum hrtimer_mode posix_sleep_mode(int flags)
{
	return 0;
}

static inline void posix_timer_save_mode(struct k_itimer *timr, int flags) { }

static inline enum hrtimer_mode posix_timer_mode(struct k_itimer *timr)
{
	return 0;
}

#endif

#endif /* _KERNEL_TIME_POSIX_TIMERS_DEFERRABLE_H */
