// SPDX-License-Identifier: GPL-2.0
/*
 * Which flags and which clocks each of the three calls takes. What was refused
 * before is still refused, and what was ignored is still ignored.
 */
#include <errno.h>
#include <signal.h>

#include "fixture.h"

/* timerfd_create() does not know the last one. */
static const clockid_t clocks[] = { CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME, CLOCK_TAI };
#define TIMERFD_CLOCKS 3
static const clockid_t alarms[] = { CLOCK_REALTIME_ALARM, CLOCK_BOOTTIME_ALARM };
static const clockid_t cpu_clocks[] = { CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID };

#define ABSTIME	TFD_TIMER_ABSTIME
#define CANCEL	TFD_TIMER_CANCEL_ON_SET

TEST_F(timer, timerfd_combinations)
{
	static const int more[] = { 0, ABSTIME, CANCEL, ABSTIME | CANCEL };
	unsigned int i, k;

	for (i = 0; i < TIMERFD_CLOCKS; i++) {
		int fd = open_timer(clocks[i]);

		for (k = 0; k < ARRAY_SIZE(more); k++) {
			EXPECT_EQ(0, arm(fd, DEFERRABLE | more[k], 1000 * SEC, 0));
			EXPECT_EQ(DEFERRABLE | more[k], info(fd).flags);
		}
		EXPECT_EQ(0, arm(fd, 0, 1000 * SEC, 0));
		EXPECT_EQ(0, info(fd).flags);
		close(fd);
	}
}

TEST_F(timer, timerfd_refuses_unknown_flags)
{
	int bit;

	ASSERT_EQ(0, arm(self->fd, DEFERRABLE, 1000 * SEC, 0));
	for (bit = 3; bit < 32; bit++) {
		EXPECT_EQ(-EINVAL, arm(self->fd, 1U << bit, SEC, 0)) TH_LOG("bit %d", bit);
		EXPECT_EQ(-EINVAL, arm(self->fd, 1U << bit | DEFERRABLE, SEC, 0))
			TH_LOG("bit %d", bit);
	}
	/* The setting before is still there. */
	EXPECT_LT(900 * SEC, remaining(self->fd));
	EXPECT_EQ(DEFERRABLE, info(self->fd).flags);
}

TEST_F(timer, timerfd_create_refuses_the_flag)
{
	EXPECT_EQ(-1, timerfd_create(CLOCK_MONOTONIC, DEFERRABLE));
	EXPECT_EQ(EINVAL, errno);
}

TEST_F(timer, timerfd_refuses_alarm_clocks)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(alarms); i++) {
		int fd = open_timer(alarms[i]);

		ASSERT_EQ(0, arm(fd, 0, 1000 * SEC, 0));
		EXPECT_EQ(-EINVAL, arm(fd, DEFERRABLE, SEC, 0));
		EXPECT_EQ(-EINVAL, arm(fd, DEFERRABLE | ABSTIME, SEC, 0));
		EXPECT_EQ(-EINVAL, arm(fd, DEFERRABLE, 0, 0));
		EXPECT_LT(900 * SEC, remaining(fd));
		EXPECT_EQ(0, info(fd).flags);
		close(fd);
	}
}

TEST_F(timer, timerfd_refuses_bad_times)
{
	struct itimerspec bad = { .it_value = { .tv_nsec = SEC } };
	struct itimerspec negative = { .it_value = { .tv_sec = -1 } };

	ASSERT_EQ(0, arm(self->fd, DEFERRABLE, 1000 * SEC, 0));
	EXPECT_EQ(-1, timerfd_settime(self->fd, DEFERRABLE, &bad, NULL));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, timerfd_settime(self->fd, DEFERRABLE, &negative, NULL));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_LT(900 * SEC, remaining(self->fd));
}

static int nap(clockid_t clock, int flags, long long ns)
{
	struct timespec ts = to_timespec(ns);

	return clock_nanosleep(clock, flags, &ts, NULL);
}

/* Every bit but ABSTIME and ours means nothing, as ever. */
TEST_F(timer, nanosleep_ignores_unknown_flags)
{
	unsigned int i;
	int bit;

	for (i = 0; i < ARRAY_SIZE(clocks); i++) {
		EXPECT_EQ(0, nap(clocks[i], TIMER_IS_DEFERRABLE, 1));
		EXPECT_EQ(0, nap(clocks[i], TIMER_IS_DEFERRABLE | TIMER_ABSTIME, 1));
	}
	for (bit = 1; bit < 32; bit++)
		EXPECT_EQ(0, nap(CLOCK_MONOTONIC, 1U << bit, 1)) TH_LOG("bit %d", bit);
}

TEST_F(timer, nanosleep_refuses_other_clocks)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(alarms); i++) {
		EXPECT_EQ(EINVAL, nap(alarms[i], TIMER_IS_DEFERRABLE, 1));
		EXPECT_EQ(EINVAL, nap(alarms[i], TIMER_IS_DEFERRABLE | TIMER_ABSTIME, 1));
	}
	/* An absolute time that has passed: on a kernel that takes it, this does not hang. */
	EXPECT_EQ(EINVAL, nap(CLOCK_PROCESS_CPUTIME_ID, TIMER_IS_DEFERRABLE | TIMER_ABSTIME, 1));
}

/* Of a timer without notification: 0 or -errno. */
static int create(clockid_t clock, timer_t *timer)
{
	struct sigevent event = { .sigev_notify = SIGEV_NONE };

	return timer_create(clock, &event, timer) ? -errno : 0;
}

static int set(timer_t timer, int flags, long long ns)
{
	struct itimerspec setting = to_setting(ns, 0);

	return timer_settime(timer, flags, &setting, NULL) ? -errno : 0;
}

TEST_F(timer, posix_timer_ignores_unknown_flags)
{
	timer_t timer;
	unsigned int i;
	int bit;

	for (i = 0; i < ARRAY_SIZE(clocks); i++) {
		ASSERT_EQ(0, create(clocks[i], &timer));
		EXPECT_EQ(0, set(timer, TIMER_IS_DEFERRABLE, 1000 * SEC));
		EXPECT_EQ(0, set(timer, TIMER_IS_DEFERRABLE | TIMER_ABSTIME, 1000 * SEC));
		for (bit = 1; bit < 32; bit++)
			EXPECT_EQ(0, set(timer, 1U << bit, 1000 * SEC)) TH_LOG("bit %d", bit);
		timer_delete(timer);
	}
}

TEST_F(timer, posix_timer_refuses_cpu_clocks)
{
	struct itimerspec setting;
	timer_t timer;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cpu_clocks); i++) {
		ASSERT_EQ(0, create(cpu_clocks[i], &timer));
		ASSERT_EQ(0, set(timer, 0, 1000 * SEC));
		EXPECT_EQ(-EINVAL, set(timer, TIMER_IS_DEFERRABLE, SEC));
		EXPECT_EQ(-EINVAL, set(timer, TIMER_IS_DEFERRABLE | TIMER_ABSTIME, SEC));
		EXPECT_EQ(-EINVAL, set(timer, TIMER_IS_DEFERRABLE, 0));
		EXPECT_EQ(0, timer_gettime(timer, &setting));
		EXPECT_LT(900, setting.it_value.tv_sec);
		timer_delete(timer);
	}
}

TEST_F(timer, posix_timer_refuses_alarm_clocks)
{
	timer_t timer;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(alarms); i++) {
		int ret = create(alarms[i], &timer);

		if (ret == -EOPNOTSUPP)
			SKIP(return, "no real-time clock that could wake this machine");
		ASSERT_EQ(0, ret);
		ASSERT_EQ(0, set(timer, 0, 1000 * SEC));
		EXPECT_EQ(-EINVAL, set(timer, TIMER_IS_DEFERRABLE, SEC));
		EXPECT_EQ(-EINVAL, set(timer, TIMER_IS_DEFERRABLE | TIMER_ABSTIME, SEC));
		timer_delete(timer);
	}
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
