/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
#ifndef _UAPI_LINUX_DEFERRABLE_TIMERS_H
#define _UAPI_LINUX_DEFERRABLE_TIMERS_H

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * DOC: Deferrable timers
 *
 * A deferrable timer never wakes an idle CPU. While its CPU is awake it expires
 * on time, at most one scheduler tick late; while the CPU sleeps it waits for
 * whatever wakes the CPU next. It never expires early.
 *
 * Both flags combine with the absolute and the cancel-on-set flag of their
 * call, and fail with EINVAL for the CLOCK_*_ALARM and the CPU-time clocks.
 *
 * Kernels without deferrable timers answer EINVAL to timerfd_settime() with
 * this flag, but clock_nanosleep() and timer_settime() silently ignore theirs:
 * ask timerfd_settime() first, or look for /proc/sys/kernel/timer_defer_max_ms.
 *
 * This header can stand before or after <sys/timerfd.h>, <time.h> and
 * <linux/timerfd.h>.
 */

/* For timerfd_settime(). */
#define TFD_TIMER_IS_DEFERRABLE	(1 << 2)
/* For clock_nanosleep() and timer_settime(). */
#define TIMER_IS_DEFERRABLE	(1 << 2)

/*
 * ioctl() of a timerfd: how long its deferrable settings may at most be
 * deferred, in nanoseconds; 0, the default, is without limit. When that time
 * has passed the timer does wake an idle CPU. Takes effect at once, also on a
 * timer that is armed. Fails with EINVAL for the CLOCK_*_ALARM clocks and for
 * values above INT64_MAX, with EFAULT, and with ENOTTY where it is unknown.
 */
#define TFD_IOC_SET_DEFER_MAX	_IOW('T', 1, __u64)

#endif /* _UAPI_LINUX_DEFERRABLE_TIMERS_H */
