// SPDX-License-Identifier: GPL-2.0
/*
 * Compiled once for each ORDER of the headers, with and without _GNU_SOURCE,
 * as C and as C++ (see the Makefile). That it compiles is half of the test;
 * header.c looks at the values.
 */
#if ORDER == 1
#include <linux/deferrable_timers.h>
#elif ORDER == 2
#include <sys/timerfd.h>
#include <time.h>
#include <linux/deferrable_timers.h>
#elif ORDER == 3
#include <linux/deferrable_timers.h>
#include <sys/timerfd.h>
#include <time.h>
#elif ORDER == 4
#include <linux/timerfd.h>
#include <linux/deferrable_timers.h>
#elif ORDER == 5
#include <linux/deferrable_timers.h>
#include <linux/timerfd.h>
#elif ORDER == 6
#include <sys/ioctl.h>
#include <linux/deferrable_timers.h>
#endif
#include <linux/deferrable_timers.h>

#include "header_order.h"

__attribute__((constructor)) static void tell(void)
{
	header_seen(KIND, TFD_TIMER_IS_DEFERRABLE, TIMER_IS_DEFERRABLE, TFD_IOC_SET_DEFER_MAX);
}
