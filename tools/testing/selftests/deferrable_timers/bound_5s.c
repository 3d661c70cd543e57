// SPDX-License-Identifier: GPL-2.0
/*
 * A bound of five seconds on a CPU that nothing else wakes. Where it has to be
 * watched, the clock source alone wakes each CPU every second, so this is not
 * among the tests that run everywhere: boot with tsc=nowatchdog.
 */
#include <sched.h>
#include <sys/ioctl.h>

#include "fixture.h"

#define BOUND	(5 * SEC)

/* How long it takes, from when the timer is due, until it expires; at most @most. */
static long long time_deferred(int fd, long long most)
{
	long long due = now(CLOCK_MONOTONIC) + SOON;

	if (arm_on_idle(fd, DEFERRABLE | TFD_TIMER_ABSTIME, due, 0))
		broken("timerfd_settime");
	while (now(CLOCK_MONOTONIC) < due + most && !info(fd).ticks)
		pause_ns(50 * MS);
	return now(CLOCK_MONOTONIC) - due;
}

/* What else has timers on that CPU takes them along when it leaves. */
static void calm_down(void)
{
	struct sched_param param = { .sched_priority = 1 };

	/* A real-time task leaves no accounting behind that comes back later. */
	if (put_number(CPU_ONLINE, 0) || put_number(CPU_ONLINE, 1) ||
	    sched_setscheduler(0, SCHED_FIFO, &param))
		broken("preparing the idle CPU");
	pause_ns(SEC);
}

#define LAST_LONG(time) ((time) > BOUND - 100 * MS)

TEST_F_TIMEOUT(timer, bound_of_5_s, LONG_TIMEOUT)
{
	__u64 limit = BOUND;
	long long time;

	if (cannot_idle())
		SKIP(return, "%s", cannot_idle());
	calm_down();
	/* Shorter times mean that something did wake the CPU: try again. */
	do
		time = time_deferred(self->fd, 3 * BOUND);
	while (!LAST_LONG(time));
	TH_LOG("without a bound it still waited after %.1f s", (double)time / SEC);
	EXPECT_LE(2 * BOUND, time);

	ASSERT_EQ(0, put_number(DEFER_MAX_MS, BOUND / MS));
	do
		time = time_deferred(self->fd, 3 * BOUND);
	while (!LAST_LONG(time));
	TH_LOG("with the sysctl it expired after %.1f s", (double)time / SEC);
	EXPECT_GT(2 * BOUND, time);
	ASSERT_EQ(0, put_number(DEFER_MAX_MS, 0));

	ASSERT_EQ(0, ioctl(self->fd, TFD_IOC_SET_DEFER_MAX, &limit));
	do
		time = time_deferred(self->fd, 3 * BOUND);
	while (!LAST_LONG(time));
	TH_LOG("with a bound of its own it expired after %.1f s", (double)time / SEC);
	EXPECT_GT(2 * BOUND, time);
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
