/* SPDX-License-Identifier: GPL-2.0 */
/* What the timer benchmarks share. */
#ifndef SEPTET_BENCH_TIMER_H
#define SEPTET_BENCH_TIMER_H

#include <signal.h>
#include <sys/timerfd.h>
#include <time.h>

#include <linux/deferrable_timers.h>

#include "bench.h"

static inline struct itimerspec after_us(long us)
{
	return (struct itimerspec){
		.it_value = { .tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000 },
	};
}

static inline int timerfd_open(void)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

	if (fd < 0)
		bench_fail("timerfd_create");
	return fd;
}

static inline void timerfd_set(int fd, int flags, const struct itimerspec *value)
{
	if (timerfd_settime(fd, flags, value, NULL))
		bench_fail("timerfd_settime");
}

static inline timer_t posix_timer_create(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM };
	timer_t timer;

	/* A timer may expire after all when the guest is held up. */
	signal(SIGALRM, SIG_IGN);
	if (timer_create(CLOCK_MONOTONIC, &event, &timer))
		bench_fail("timer_create");
	return timer;
}

static inline void posix_timer_set(timer_t timer, int flags, const struct itimerspec *value)
{
	if (timer_settime(timer, flags, value, NULL))
		bench_fail("timer_settime");
}

#endif
