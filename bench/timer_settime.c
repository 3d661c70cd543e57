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
	timerfd_set(fd, 0, &due);
	timerfd_set(fd, 0, &off);
}

static const struct bench timer_settime_plain = {
	.name = "timer_settime",
	.feature = "deferrable_timers",
	.title = "Arm and disarm a plain timerfd",
	.unit = "arm + disarm",
	.param = "microseconds until it would expire; 100 is before the next tick",
	.n = { 100, 10000000, BENCH_END },
	.fs = { "tmpfs" },
	.max_ratio = 1.05,
	.setup = setup,
	.op = op,
};

BENCH(timer_settime_plain);
