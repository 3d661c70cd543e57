// SPDX-License-Identifier: GPL-2.0
/*
 * The two bounds: kernel.timer_defer_max_ms for all timers, TFD_IOC_SET_DEFER_MAX
 * for one. And what both refuse.
 */
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "fixture.h"

/* Five seconds are what bound_5s.c waits for. */
#define BOUND	(30 * MS)

static int set_limit(int fd, __u64 ns)
{
	return ioctl(fd, TFD_IOC_SET_DEFER_MAX, &ns) ? -errno : 0;
}

static void wait_until(long long due)
{
	if (due > now(CLOCK_MONOTONIC))
		pause_ns(due - now(CLOCK_MONOTONIC));
}

/*
 * How does a bound show? The timer still waits at half of it, and expires around its end.
 * What serves it before or much later is something else that wakes the idle CPU, which
 * says nothing about a bound.
 */
static enum result waits_for_the_bound(void *arg)
{
	long long due = now(CLOCK_MONOTONIC) + SOON;
	int fd = *(int *)arg;

	if (arm_on_idle(fd, DEFERRABLE | TFD_TIMER_ABSTIME, due, 0))
		broken("timerfd_settime");
	wait_until(due + BOUND / 2);
	if (info(fd).ticks)
		return UNCLEAR;
	wait_until(due + 3 * BOUND / 2);
	if (info(fd).ticks)
		return YES;
	wait_until(due + 3 * BOUND);
	return info(fd).ticks ? UNCLEAR : NO;
}

static enum result waits_for_longer(void *arg)
{
	return -waits_for_the_bound(arg);
}

TEST_F(timer, without_a_bound)
{
	if (cannot_idle())
		SKIP(return, "%s", cannot_idle());
	EXPECT_TRUE(usually(waits_for_longer, &self->fd));
	EXPECT_FALSE(usually(waits_for_the_bound, &self->fd));
}

TEST_F(timer, bound_of_all_timers)
{
	if (cannot_idle())
		SKIP(return, "%s", cannot_idle());
	ASSERT_EQ(0, put_number(DEFER_MAX_MS, BOUND / MS));
	EXPECT_TRUE(usually(waits_for_the_bound, &self->fd));
	/* With pull, whoever looks may serve it before. */
	ASSERT_EQ(0, put_number(DEFER_PULL, 1));
	EXPECT_FALSE(usually(waits_for_longer, &self->fd));
}

/*
 * A CPU that sleeps already learns of the bound. For a while after a task ran on it
 * others kick it, to have its load decay, and it would learn by that, too.
 */
static enum result learns_of_the_bound(void *arg)
{
	long long due = now(CLOCK_MONOTONIC) + 600 * MS;
	int fd = *(int *)arg;

	if (put_number(DEFER_MAX_MS, 0) ||
	    arm_on_idle(fd, DEFERRABLE | TFD_TIMER_ABSTIME, due, 0))
		return NO;
	wait_until(due - BOUND);
	if (put_number(DEFER_MAX_MS, BOUND / MS))
		return NO;
	wait_until(due + BOUND / 2);
	if (info(fd).ticks)
		return UNCLEAR;
	wait_until(due + 3 * BOUND);
	return info(fd).ticks ? YES : NO;
}

TEST_F(timer, bound_set_while_it_sleeps)
{
	if (cannot_idle())
		SKIP(return, "%s", cannot_idle());
	EXPECT_TRUE(usually(learns_of_the_bound, &self->fd));
}

TEST_F(timer, bound_of_one_timer)
{
	int other = open_timer(CLOCK_MONOTONIC);

	if (cannot_idle())
		SKIP(return, "%s", cannot_idle());
	ASSERT_EQ(0, set_limit(self->fd, BOUND));
	EXPECT_TRUE(usually(waits_for_the_bound, &self->fd));
	EXPECT_FALSE(usually(waits_for_longer, &self->fd));
	EXPECT_TRUE(usually(waits_for_longer, &other));
	/* The smaller one counts. */
	ASSERT_EQ(0, put_number(DEFER_MAX_MS, INT_MAX));
	EXPECT_TRUE(usually(waits_for_the_bound, &self->fd));
	ASSERT_EQ(0, set_limit(self->fd, INT64_MAX));
	ASSERT_EQ(0, put_number(DEFER_MAX_MS, BOUND / MS));
	EXPECT_TRUE(usually(waits_for_the_bound, &self->fd));
}

/* A bound is no reason to expire before the timer is due, whatever the sum of both. */
TEST_F(timer, nothing_is_early)
{
	static const __u64 limits[] = { 1, 1000000, INT64_MAX };
	/* Relative times of CLOCK_REALTIME are on CLOCK_MONOTONIC inside. */
	int fds[] = { self->fd, open_timer(CLOCK_REALTIME), open_timer(CLOCK_BOOTTIME) };
	unsigned int i;

	ASSERT_EQ(0, put_number(DEFER_MAX_MS, 1));
	for (i = 0; i < ARRAY_SIZE(limits) * ARRAY_SIZE(fds); i++) {
		__u64 limit = limits[i / ARRAY_SIZE(fds)];
		int fd = fds[i % ARRAY_SIZE(fds)];
		long long before = now(CLOCK_MONOTONIC);

		ASSERT_EQ(0, set_limit(fd, limit));
		ASSERT_EQ(0, arm_on_idle(fd, DEFERRABLE, 200 * MS, 0));
		pause_ns(50 * MS);
		EXPECT_TRUE(!info(fd).ticks || now(CLOCK_MONOTONIC) >= before + 200 * MS);
		EXPECT_EQ(0, set_limit(fd, 0));
		ASSERT_EQ(0, arm_on_idle(fd, DEFERRABLE, INT64_MAX / 2, 0));
		EXPECT_EQ(0, set_limit(fd, limit));
		pause_ns(20 * MS);
		EXPECT_EQ(0, info(fd).ticks);
	}
}

/* It takes effect at once: on a timer that has waited for longer already. */
TEST_F(timer, bounds_an_overdue_timer)
{
	int i, by_sysctl = 0, by_ioctl = 0;

	if (cannot_idle())
		SKIP(return, "%s", cannot_idle());
	while (by_sysctl < 3 || by_ioctl < 3) {
		for (i = 0; i < 2; i++) {
			ASSERT_EQ(0, arm_on_idle(self->fd, DEFERRABLE, SOON, 0));
			pause_ns(SOON + LATER);
			if (info(self->fd).ticks)
				continue;
			ASSERT_EQ(0, i ? set_limit(self->fd, MS) : put_number(DEFER_MAX_MS, 1));
			until_expired(self->fd);
			ASSERT_EQ(0, i ? set_limit(self->fd, 0) : put_number(DEFER_MAX_MS, 0));
			by_ioctl += i;
			by_sysctl += !i;
		}
	}
}

/* The bound belongs to the file, and to its deferrable settings only. */
TEST_F(timer, bound_stays_with_the_file)
{
	ASSERT_EQ(0, set_limit(self->fd, 50 * MS));
	EXPECT_TRUE(info(self->fd).limited);
	EXPECT_EQ(50 * MS, info(self->fd).limit);
	ASSERT_EQ(0, arm(self->fd, 0, 10 * MS, 0));
	until_expired(self->fd);
	EXPECT_EQ(1, ticks_read(self->fd));
	pause_ns(100 * MS);
	EXPECT_EQ(0, ticks_read(self->fd));
	EXPECT_EQ(50 * MS, info(self->fd).limit);
	ASSERT_EQ(0, set_limit(self->fd, 0));
	EXPECT_FALSE(info(self->fd).limited);
}

/* Whichever comes first expires the timer, and the other one does not do it again. */
TEST_F(timer, expires_once)
{
	int i;

	ASSERT_EQ(0, set_limit(self->fd, 1));
	for (i = 0; i < loops(50, 1000); i++) {
		ASSERT_EQ(0, arm(self->fd, DEFERRABLE, 1 + i % 10 * MS / 2, 0));
		until_expired(self->fd);
		ASSERT_EQ(1, ticks_read(self->fd));
		pause_ns(2 * tick_ns());
		ASSERT_EQ(0, ticks_read(self->fd));
	}
}

TEST_F(timer, periodic_with_a_bound)
{
	long long begin = now(CLOCK_MONOTONIC), ticks = 0;

	ASSERT_EQ(0, set_limit(self->fd, 5 * MS));
	ASSERT_EQ(0, arm_on_idle(self->fd, DEFERRABLE, 10 * MS, 10 * MS));
	while (ticks < 30) {
		until_expired(self->fd);
		ticks += ticks_read(self->fd);
		EXPECT_GE(now(CLOCK_MONOTONIC) - begin, ticks * 10 * MS);
	}
}

TEST_F(timer, ioctl_errors)
{
	void *map = mmap(NULL, sysconf(_SC_PAGESIZE), PROT_NONE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int alarm = open_timer(CLOCK_BOOTTIME_ALARM), pipes[2];
	__u64 value = 7 * MS;

	ASSERT_EQ(0, set_limit(self->fd, 7 * MS));
	EXPECT_EQ(-EINVAL, set_limit(self->fd, (__u64)INT64_MAX + 1));
	EXPECT_EQ(-EINVAL, set_limit(self->fd, UINT64_MAX));
	EXPECT_EQ(-EINVAL, set_limit(alarm, 1));
	EXPECT_EQ(-1, ioctl(self->fd, TFD_IOC_SET_DEFER_MAX, NULL));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, ioctl(self->fd, TFD_IOC_SET_DEFER_MAX, map));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, ioctl(self->fd, _IOW('T', 2, __u64), &value));
	EXPECT_EQ(ENOTTY, errno);
	/* Neither another direction nor another size is the same request. */
	EXPECT_EQ(-1, ioctl(self->fd, _IOR('T', 1, __u64), &value));
	EXPECT_EQ(ENOTTY, errno);
	EXPECT_EQ(-1, ioctl(self->fd, _IOW('T', 1, __u32), &value));
	EXPECT_EQ(ENOTTY, errno);
	/* What failed changed nothing. */
	EXPECT_EQ(7 * MS, info(self->fd).limit);
	EXPECT_EQ(0, set_limit(self->fd, INT64_MAX));
	EXPECT_EQ(INT64_MAX, info(self->fd).limit);

	ASSERT_EQ(0, pipe(pipes));
	EXPECT_EQ(-ENOTTY, set_limit(pipes[0], 1));
	EXPECT_EQ(-EBADF, set_limit(-1, 1));
}

TEST_F(timer, sysctl_values)
{
	static const char * const bad_ms[] = { "-1", "2147483648", "4294967296", "abc", "1x" };
	static const char * const bad_pull[] = { "-1", "2", "x" };
	unsigned int i;

	EXPECT_EQ(0, put(DEFER_MAX_MS, "2147483647\n"));
	EXPECT_EQ(INT_MAX, get_number(DEFER_MAX_MS));
	EXPECT_EQ(0, put(DEFER_MAX_MS, "5000"));
	for (i = 0; i < ARRAY_SIZE(bad_ms); i++) {
		EXPECT_EQ(-EINVAL, put(DEFER_MAX_MS, bad_ms[i])) TH_LOG("%s", bad_ms[i]);
		EXPECT_EQ(5000, get_number(DEFER_MAX_MS)) TH_LOG("%s", bad_ms[i]);
	}
	EXPECT_EQ(0, put(DEFER_PULL, "1\n"));
	for (i = 0; i < ARRAY_SIZE(bad_pull); i++) {
		EXPECT_EQ(-EINVAL, put(DEFER_PULL, bad_pull[i])) TH_LOG("%s", bad_pull[i]);
		EXPECT_EQ(1, get_number(DEFER_PULL)) TH_LOG("%s", bad_pull[i]);
	}
	EXPECT_EQ(0, put(DEFER_PULL, "0\n"));
	EXPECT_EQ(0, get_number(DEFER_PULL));
}

TEST_F(timer, sysctls_are_for_root)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		if (setgid(65534) || setuid(65534))
			_exit(1);
		if (get_number(DEFER_MAX_MS) < 0 || get_number(DEFER_PULL) < 0)
			_exit(2);
		if (put(DEFER_MAX_MS, "7") != -EACCES || put(DEFER_PULL, "1") != -EACCES)
			_exit(3);
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

/* Anybody can have timers with a bound of their own. */
TEST_F(timer, timers_are_for_everybody)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		if (setgid(65534) || setuid(65534))
			_exit(1);
		if (set_limit(self->fd, MS) || arm(self->fd, DEFERRABLE, 1, 0))
			_exit(2);
		until_expired(self->fd);
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
