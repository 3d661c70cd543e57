// SPDX-License-Identifier: GPL-2.0
/* Setting CLOCK_REALTIME by an hour: timers of that clock notice, others do not. */
#include <errno.h>
#include <poll.h>
#include <signal.h>

#include "fixture.h"

#define HOUR	(3600 * SEC)

static void move_clock(long long by)
{
	struct timespec ts = to_timespec(now(CLOCK_REALTIME) + by);

	if (clock_settime(CLOCK_REALTIME, &ts))
		broken("clock_settime");
}

/* Arm it for that time of CLOCK_REALTIME, on the idle CPU. */
static int arm_at(int fd, int flags, long long from_now)
{
	return arm_on_idle(fd, DEFERRABLE | TFD_TIMER_ABSTIME | flags,
			   now(CLOCK_REALTIME) + from_now, 0);
}

/* Due in an hour and, after the clock was set, at once; also where it is idle. */
TEST_F(timer, forward)
{
	int i, fd = open_timer(CLOCK_REALTIME);

	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, arm_at(fd, 0, HOUR));
		pause_ns(40 * MS);
		EXPECT_EQ(0, info(fd).ticks);
		move_clock(HOUR);
		kick_idle_cpus();
		until_expired(fd);
		EXPECT_EQ(1, ticks_read(fd));
		move_clock(-HOUR);
	}
}

/* Whoever asks need not wait for the idle CPU. */
TEST_F(timer, forward_and_read)
{
	int fd = open_timer(CLOCK_REALTIME);

	ASSERT_EQ(0, arm_at(fd, 0, HOUR));
	pause_ns(40 * MS);
	move_clock(HOUR);
	EXPECT_EQ(0, remaining(fd));
	EXPECT_EQ(1, ticks_read(fd));
}

TEST_F(timer, backward)
{
	int fd = open_timer(CLOCK_REALTIME);

	ASSERT_EQ(0, arm_at(fd, 0, 50 * MS));
	move_clock(-HOUR);
	pause_ns(100 * MS);
	kick_idle_cpus();
	pause_ns(20 * MS);
	EXPECT_EQ(0, info(fd).ticks);
	EXPECT_EQ(0, ticks_read(fd));
	EXPECT_LT(HOUR - 10 * SEC, remaining(fd));
	move_clock(HOUR);
	kick_idle_cpus();
	until_expired(fd);
	EXPECT_EQ(1, ticks_read(fd));
}

/* An overdue timer that the clock makes not due again does not expire. */
TEST_F(timer, backward_while_overdue)
{
	int fd = open_timer(CLOCK_REALTIME);

	if (cannot_idle())
		SKIP(return, "%s", cannot_idle());
	do {
		ASSERT_EQ(0, arm_at(fd, 0, 20 * MS));
		pause_ns(60 * MS);
		move_clock(-HOUR);
		if (!info(fd).ticks)
			break;
		/* It was faster; once more. */
		move_clock(HOUR);
	} while (1);
	kick_idle_cpus();
	pause_ns(20 * MS);
	EXPECT_EQ(0, info(fd).ticks);
	EXPECT_LT(HOUR - 10 * SEC, remaining(fd));
}

/* Relative timers, and those of clocks that nobody sets, take no notice. */
TEST_F(timer, others_take_no_notice)
{
	static const clockid_t clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME };
	static const long long moves[] = { HOUR, -HOUR };
	unsigned int i, k;

	for (i = 0; i < ARRAY_SIZE(clocks); i++) {
		for (k = 0; k < ARRAY_SIZE(moves); k++) {
			int fd = open_timer(clocks[i]);

			ASSERT_EQ(0, arm_on_idle(fd, DEFERRABLE, 1000 * SEC, 0));
			move_clock(moves[k]);
			kick_idle_cpus();
			pause_ns(20 * MS);
			EXPECT_EQ(0, info(fd).ticks);
			EXPECT_LT(900 * SEC, remaining(fd));
			EXPECT_GE(1000 * SEC, remaining(fd));
			/* And they expire when their time has come. */
			ASSERT_EQ(0, arm_on_idle(fd, DEFERRABLE, 20 * MS, 0));
			move_clock(moves[!k]);
			pause_ns(30 * MS);
			kick_idle_cpus();
			until_expired(fd);
			close(fd);
		}
	}
}

/* The cancellation is no expiry: it does not wait for the idle CPU. */
TEST_F(timer, cancel_on_set)
{
	static const long long moves[] = { HOUR, -HOUR };
	int fd = open_timer(CLOCK_REALTIME);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(moves); i++) {
		ASSERT_EQ(0, arm_at(fd, TFD_TIMER_CANCEL_ON_SET, 2 * HOUR));
		EXPECT_EQ(0, ticks_read(fd));
		EXPECT_EQ(0, poll(&p, 1, 0));
		move_clock(moves[i]);
		EXPECT_EQ(1, poll(&p, 1, 0));
		EXPECT_EQ(-ECANCELED, ticks_read(fd));
		EXPECT_EQ(0, ticks_read(fd));
	}
}

/*
 * With a bound the CPU, which sleeps, has to learn that the time has come closer. It
 * is interrupted for that, and looks at its timers. Nothing else kicks it.
 */
static enum result bound_follows(void *arg)
{
	int fd = *(int *)arg;
	bool served;

	if (arm_at(fd, 0, HOUR))
		return NO;
	pause_ns(40 * MS);
	if (info(fd).ticks)
		return NO;
	move_clock(HOUR);
	pause_ns(60 * MS);
	served = info(fd).ticks;
	move_clock(-HOUR);
	return served ? YES : NO;
}

TEST_F(timer, bound_follows_the_clock)
{
	int fd = open_timer(CLOCK_REALTIME);

	if (cannot_idle())
		SKIP(return, "%s", cannot_idle());
	EXPECT_FALSE(usually(bound_follows, &fd));
	ASSERT_EQ(0, put_number(DEFER_MAX_MS, 20));
	EXPECT_TRUE(usually(bound_follows, &fd));
}

TEST_F(timer, posix_timer)
{
	struct sigevent notify = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN };
	static const clockid_t clocks[] = { CLOCK_REALTIME, CLOCK_TAI };
	struct itimerspec setting;
	unsigned int i;
	timer_t timer;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	ASSERT_EQ(0, sigprocmask(SIG_BLOCK, &set, NULL));
	for (i = 0; i < ARRAY_SIZE(clocks); i++) {
		ASSERT_EQ(0, timer_create(clocks[i], &notify, &timer));
		setting = to_setting(now(clocks[i]) + HOUR, 0);
		run_on(CPU_IDLE);
		ASSERT_EQ(0, timer_settime(timer, TIMER_IS_DEFERRABLE | TIMER_ABSTIME, &setting,
					   NULL));
		run_on(CPU_HERE);
		move_clock(HOUR);
		kick_idle_cpus();
		EXPECT_EQ(SIGRTMIN, sigwaitinfo(&set, NULL));
		EXPECT_EQ(0, timer_delete(timer));
	}
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
