/* SPDX-License-Identifier: GPL-2.0 */
/* The functions that programs from before 2004 (2.2.5) and before 2021 (2.3.3) call. */
#ifndef OLD_TIMERS_H
#define OLD_TIMERS_H

#include <time.h>

int timer_create_2_2_5(clockid_t clock, struct sigevent *event, timer_t *id);
int timer_settime_2_2_5(timer_t id, int flags, const struct itimerspec *new,
			struct itimerspec *old);
int timer_settime_2_3_3(timer_t id, int flags, const struct itimerspec *new,
			struct itimerspec *old);

__asm__(".symver timer_create_2_2_5, timer_create@GLIBC_2.2.5\n"
	".symver timer_settime_2_2_5, timer_settime@GLIBC_2.2.5\n"
	".symver timer_settime_2_3_3, timer_settime@GLIBC_2.3.3\n");

#endif
