// SPDX-License-Identifier: GPL-2.0
#include "timer.h"

static timer_t timer;
static struct itimerspec due, off;

static void setup(long n)
{
	timer = posix_timer_create();
	due = after_us(n);
}

static void op(void)
{
	posix_timer_set(timer, TIMER_IS_DEFERRABLE, &due);
	posix_timer_set(timer, TIMER_IS_DEFERRABLE, &off);
}

static const struct bench timer_posix_deferrable = {
	.name = "timer_posix_deferrable",
	.feature = "deferrable_timers",
	.title = "Arm and disarm a deferrable POSIX timer (stock ignores the flag)",
	.unit = "arm + disarm",
	.param = "microseconds until it would expire; 100 is before the next tick",
	.n = { 100, 10000000, BENCH_END },
	.fs = { "tmpfs" },
	.max_ratio = 1.05,
	.peer = "timer_posix",
	.setup = setup,
	.op = op,
};

BENCH(timer_posix_deferrable);
