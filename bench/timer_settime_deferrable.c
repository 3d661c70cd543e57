// SPDX-License-Identifier: GPL-2.0
#include "timer.h"

static int fd;
static struct itimerspec due, off;

static void setup(long n)
{
	fd = timerfd_open();
	due = after_us(n);
}

static void op(void)
{
	timerfd_set(fd, TFD_TIMER_IS_DEFERRABLE, &due);
	timerfd_set(fd, TFD_TIMER_IS_DEFERRABLE, &off);
}

static const struct bench timer_settime_deferrable = {
	.name = "timer_settime_deferrable",
	.feature = "deferrable_timers",
	.title = "Arm and disarm a deferrable timerfd",
	.unit = "arm + disarm",
	.param = "microseconds until it would expire; 100 is before the next tick",
	.n = { 100, 10000000, BENCH_END },
	.fs = { "tmpfs" },
	.max_ratio = 1.05,
	.peer = "timer_settime",
	.setup = setup,
	.op = op,
};

BENCH(timer_settime_deferrable);
