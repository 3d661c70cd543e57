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
	posix_timer_set(timer, 0, &due);
	posix_timer_set(timer, 0, &off);
}

static const struct bench timer_posix = {
	.name = "timer_posix",
	.feature = "deferrable_timers",
	.title = "Arm and disarm a plain POSIX timer",
	.unit = "arm + disarm",
	.param = "microseconds until it would expire; 100 is before the next tick",
	.n = { 100, 10000000, BENCH_END },
	.fs = { "tmpfs" },
	.max_ratio = 1.05,
	.setup = setup,
	.op = op,
};

BENCH(timer_posix);
