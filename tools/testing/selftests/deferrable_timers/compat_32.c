// SPDX-License-Identifier: GPL-2.0
/*
 * A 32-bit program: its system calls have numbers and structs of their own, for
 * 32-bit and for 64-bit times. Built with -m32, and run by a 64-bit kernel with
 * 32-bit emulation as well as by a 32-bit kernel.
 */
#include <errno.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "fixture.h"

#ifdef __NR_timerfd_settime64

struct times32 {
	__s32 interval_sec, interval_nsec, value_sec, value_nsec;
};

struct times64 {
	__s64 interval_sec, interval_nsec, value_sec, value_nsec;
};

static int arm32(int fd, int flags, long long ns)
{
	struct times32 t = { .value_sec = ns / SEC, .value_nsec = ns % SEC };

	return syscall(__NR_timerfd_settime, fd, flags, &t, NULL) ? -errno : 0;
}

static int arm64(int fd, int flags, long long ns)
{
	struct times64 t = { .value_sec = ns / SEC, .value_nsec = ns % SEC };

	return syscall(__NR_timerfd_settime64, fd, flags, &t, NULL) ? -errno : 0;
}

static int nap32(clockid_t clock, int flags, long long ns)
{
	__s32 t[2] = { ns / SEC, ns % SEC };

	return syscall(__NR_clock_nanosleep, clock, flags, t, NULL) ? -errno : 0;
}

static int nap64(clockid_t clock, int flags, long long ns)
{
	__s64 t[2] = { ns / SEC, ns % SEC };

	return syscall(__NR_clock_nanosleep_time64, clock, flags, t, NULL) ? -errno : 0;
}

static int set32(int timer, int flags, long long ns)
{
	struct times32 t = { .value_sec = ns / SEC, .value_nsec = ns % SEC };

	return syscall(__NR_timer_settime, timer, flags, &t, NULL) ? -errno : 0;
}

static int set64(int timer, int flags, long long ns)
{
	struct times64 t = { .value_sec = ns / SEC, .value_nsec = ns % SEC };

	return syscall(__NR_timer_settime64, timer, flags, &t, NULL) ? -errno : 0;
}

typedef int set_call(int which, int flags, long long ns);

/* @which is a timerfd, or a POSIX timer that sends a signal which is blocked. */
struct setting {
	int which, flags;
	set_call *call;
	bool (*expired)(int which);
};

static bool timerfd_expired(int fd)
{
	return info(fd).ticks;
}

static bool signal_came(int timer)
{
	struct timespec none = {};
	sigset_t set;

	(void)timer;
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	return sigtimedwait(&set, NULL, &none) > 0;
}

static enum result still_waits(void *arg)
{
	long long due = now(CLOCK_MONOTONIC) + SOON;
	struct setting *s = arg;
	struct watch watch;
	bool expired;

	run_on(CPU_IDLE);
	if (s->call(s->which, s->flags, SOON))
		broken("setting a timer");
	run_on(CPU_HERE);
	watch = watch_begin(due - now(CLOCK_MONOTONIC));
	pause_ns(SOON + LATER);
	expired = s->expired(s->which);
	if (s->call(s->which, 0, 0))
		broken("disarming a timer");
	return watch_end(&watch, !expired);
}

static bool timerfd_waits(int fd, set_call *call, int flags)
{
	struct setting s = { fd, flags, call, timerfd_expired };

	return usually(still_waits, &s);
}

static bool signal_waits(int timer, set_call *call, int flags)
{
	struct setting s = { timer, flags, call, signal_came };

	return usually(still_waits, &s);
}

FIXTURE(compat)
{
	struct system_state before;
	int fd;
};

FIXTURE_VARIANT(compat)
{
	set_call *arm, *nap, *set;
};

FIXTURE_VARIANT_ADD(compat, time32)
{
	.arm = arm32,
	.nap = nap32,
	.set = set32,
};

FIXTURE_VARIANT_ADD(compat, time64)
{
	.arm = arm64,
	.nap = nap64,
	.set = set64,
};

FIXTURE_SETUP(compat)
{
	system_prepare(&self->before);
	self->fd = open_timer(CLOCK_MONOTONIC);
}

FIXTURE_TEARDOWN_PARENT(compat)
{
	system_restore(&self->before);
}

TEST_F(compat, timerfd)
{
	int alarm = open_timer(CLOCK_BOOTTIME_ALARM);

	EXPECT_EQ(4, sizeof(long));
	ASSERT_EQ(0, variant->arm(self->fd, DEFERRABLE, 1000 * SEC));
	EXPECT_EQ(DEFERRABLE, info(self->fd).flags);
	EXPECT_LT(900 * SEC, remaining(self->fd));
	ASSERT_EQ(0, variant->arm(self->fd, DEFERRABLE | TFD_TIMER_ABSTIME, 1000 * SEC));
	EXPECT_EQ(DEFERRABLE | TFD_TIMER_ABSTIME, info(self->fd).flags);
	EXPECT_EQ(-EINVAL, variant->arm(self->fd, 8, SEC));
	EXPECT_EQ(-EINVAL, variant->arm(alarm, DEFERRABLE, SEC));
	if (cannot_idle())
		SKIP(return, "%s", cannot_idle());
	EXPECT_TRUE(timerfd_waits(self->fd, variant->arm, DEFERRABLE));
	EXPECT_FALSE(timerfd_waits(self->fd, variant->arm, 0));
}

TEST_F(compat, nanosleep)
{
	long long until = now(CLOCK_MONOTONIC) + SOON;

	EXPECT_EQ(0, variant->nap(CLOCK_MONOTONIC, TIMER_IS_DEFERRABLE, SOON));
	EXPECT_LE(until, now(CLOCK_MONOTONIC));
	until = now(CLOCK_MONOTONIC) + SOON;
	EXPECT_EQ(0, variant->nap(CLOCK_MONOTONIC, TIMER_IS_DEFERRABLE | TIMER_ABSTIME, until));
	EXPECT_LE(until, now(CLOCK_MONOTONIC));
	EXPECT_EQ(-EINVAL, variant->nap(CLOCK_PROCESS_CPUTIME_ID,
					TIMER_IS_DEFERRABLE | TIMER_ABSTIME, 1));
}

TEST_F(compat, posix_timer)
{
	struct sigevent notify = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN };
	int timer, cpu_timer;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	ASSERT_EQ(0, sigprocmask(SIG_BLOCK, &set, NULL));
	ASSERT_EQ(0, syscall(__NR_timer_create, CLOCK_MONOTONIC, &notify, &timer));
	ASSERT_EQ(0, syscall(__NR_timer_create, CLOCK_PROCESS_CPUTIME_ID, &notify, &cpu_timer));
	EXPECT_EQ(-EINVAL, variant->set(cpu_timer, TIMER_IS_DEFERRABLE, SEC));
	EXPECT_EQ(0, variant->set(timer, TIMER_IS_DEFERRABLE, SOON));
	EXPECT_EQ(SIGRTMIN, sigwaitinfo(&set, NULL));
	if (cannot_idle())
		SKIP(return, "%s", cannot_idle());
	EXPECT_TRUE(signal_waits(timer, variant->set, TIMER_IS_DEFERRABLE));
	EXPECT_FALSE(signal_waits(timer, variant->set, 0));
}

/* Thousands of seconds do not fit into 32 bits of nanoseconds: no half may get lost. */
TEST_F(timer, limit)
{
	__u64 limit = 5000 * SEC + 7;

	EXPECT_EQ(0, ioctl(self->fd, TFD_IOC_SET_DEFER_MAX, &limit));
	EXPECT_EQ(limit, info(self->fd).limit);
	limit = (__u64)INT64_MAX + 1;
	EXPECT_EQ(-1, ioctl(self->fd, TFD_IOC_SET_DEFER_MAX, &limit));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, ioctl(self->fd, TFD_IOC_SET_DEFER_MAX, NULL));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, ioctl(self->fd, _IOW('T', 2, __u64), &limit));
	EXPECT_EQ(ENOTTY, errno);
	limit = 10 * MS;
	EXPECT_EQ(0, ioctl(self->fd, TFD_IOC_SET_DEFER_MAX, &limit));
	ASSERT_EQ(0, arm_on_idle(self->fd, DEFERRABLE, SOON, 0));
	until_expired(self->fd);
}

int main(int argc, char **argv)
{
	/* The C library, too, prefers the old calls for times that they can express. */
	if (nap32(CLOCK_MONOTONIC, 0, 1))
		ksft_exit_skip("kernel without 32-bit times (COMPAT_32BIT_TIME)\n");
	return run_tests(argc, argv);
}

#else /* a 64-bit build in place of the 32-bit one */

TEST(built_with_m32)
{
	SKIP(return, "no 32-bit compiler (package gcc-multilib) when the tests were built");
}

TEST_HARNESS_MAIN

#endif
