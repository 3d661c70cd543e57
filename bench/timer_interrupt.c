// SPDX-License-Identifier: GPL-2.0
/*
 * The cost of an hrtimer interrupt on a busy CPU, with no deferrable timer armed.
 *
 * A loop reads the time-stamp counter again and again while a timer expires. The
 * longest gap between two readings is what the kernel did in between: entering
 * the interrupt, expiring one timerfd that nobody waits for, programming the next
 * event and leaving.
 *
 * By its name this runs before the benchmarks that arm deferrable timers: a CPU
 * forgets one that was disarmed only when its time has come, and until then takes
 * a few instructions more.
 */
#include <unistd.h>

#include "timer.h"

/*
 * The loop must last longer than the timer, and the timer longer than
 * timerfd_settime(). A nanosecond of the guest's clock is an instruction.
 */
#define DELAY_US	20
#define READINGS	3000

static int fd;
static struct itimerspec soon;

static void setup(long n)
{
	(void)n;
	fd = timerfd_open();
	soon = after_us(DELAY_US);
}

static unsigned long timed_op(void)
{
	unsigned long longest = 0, last, now;
	unsigned long long expirations;

	timerfd_set(fd, 0, &soon);
	last = bench_ticks();
	for (int i = 0; i < READINGS; i++) {
		now = bench_ticks();
		if (now - last > longest)
			longest = now - last;
		last = now;
	}
	if (read(fd, &expirations, sizeof(expirations)) != sizeof(expirations))
		bench_fail("the timer has not expired");
	return longest;
}

static const struct bench timer_interrupt = {
	.name = "timer_interrupt",
	.feature = "deferrable_timers",
	.title = "An hrtimer interrupt of a busy CPU that expires one plain timerfd",
	.unit = "interrupt",
	.fs = { "tmpfs" },
	.max_ratio = 1.01,
	.setup = setup,
	.timed_op = timed_op,
};

BENCH(timer_interrupt);
