// SPDX-License-Identifier: GPL-2.0
/*
 * Very many timers due at the same moment, on a CPU that sleeps: all expire, each
 * once. That this locks up no CPU is for the kernel's detectors to say.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#include "fixture.h"

/* A debug kernel needs several times the memory for each. */
static int number(int quick, int full)
{
	const char *kernel = getenv("SEPTET_KERNEL");
	int count = loops(quick, full);

	return kernel && !strcmp(kernel, "debug") ? count / 4 : count;
}

static void raise_limit(int which, rlim_t count)
{
	struct rlimit limit = { count, count };

	if (setrlimit(which, &limit))
		broken("setrlimit");
}

FIXTURE(many)
{
	struct system_state before;
};

FIXTURE_SETUP(many)
{
	long top = get_number("/proc/sys/fs/nr_open");

	if (top < 110000)
		put_number("/proc/sys/fs/nr_open", 110000);
	system_prepare(&self->before);
}

FIXTURE_TEARDOWN_PARENT(many)
{
	system_restore(&self->before);
}

TEST_F_TIMEOUT(many, timerfds, LONG_TIMEOUT)
{
	int i, n, count = number(10000, 100000), left = count, epoll = epoll_create1(0);
	struct epoll_event events[256];
	long long due;
	int *fds;

	raise_limit(RLIMIT_NOFILE, count + 100);
	fds = calloc(count, sizeof(*fds));
	ASSERT_NE(NULL, fds);
	for (i = 0; i < count; i++) {
		struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data.u32 = i };

		fds[i] = open_timer(CLOCK_MONOTONIC);
		ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, fds[i], &event));
	}
	run_on(CPU_IDLE);
	/* Leave enough time to arm them all, and for that CPU to go idle. */
	due = now(CLOCK_MONOTONIC);
	for (i = 0; i < count; i++)
		ASSERT_EQ(0, arm(fds[i], DEFERRABLE, 1000 * SEC, 0));
	due = now(CLOCK_MONOTONIC) + 2 * (now(CLOCK_MONOTONIC) - due) + 100 * MS;
	for (i = 0; i < count; i++)
		ASSERT_EQ(0, arm(fds[i], DEFERRABLE | TFD_TIMER_ABSTIME, due, 0));
	run_on(CPU_HERE);
	while (now(CLOCK_MONOTONIC) < due)
		pause_ns(10 * MS);
	kick_idle_cpus();
	/* Only what expires gets there: nobody has asked a timer. */
	while (left) {
		n = epoll_wait(epoll, events, ARRAY_SIZE(events), -1);
		ASSERT_LT(0, n);
		for (i = 0; i < n; i++)
			ASSERT_EQ(1, ticks_read(fds[events[i].data.u32]));
		left -= n;
	}
	EXPECT_EQ(0, left);
	EXPECT_EQ(0, epoll_wait(epoll, events, ARRAY_SIZE(events), 20));
}

TEST_F_TIMEOUT(many, posix_timers, LONG_TIMEOUT)
{
	struct sigevent notify = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN };
	struct timespec a_moment = to_timespec(20 * MS);
	int i, count = number(5000, 50000);
	struct itimerspec setting;
	siginfo_t signal;
	timer_t *timers;
	long long due;
	sigset_t set;
	char *seen;

	raise_limit(RLIMIT_SIGPENDING, count + 100);
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	ASSERT_EQ(0, sigprocmask(SIG_BLOCK, &set, NULL));
	timers = calloc(count, sizeof(*timers));
	seen = calloc(count, 1);
	ASSERT_TRUE(timers && seen);
	run_on(CPU_IDLE);
	due = now(CLOCK_MONOTONIC);
	setting = to_setting(1000 * SEC, 0);
	for (i = 0; i < count; i++) {
		notify.sigev_value.sival_int = i;
		ASSERT_EQ(0, timer_create(CLOCK_MONOTONIC, &notify, &timers[i]));
		ASSERT_EQ(0, timer_settime(timers[i], TIMER_IS_DEFERRABLE, &setting, NULL));
	}
	due = now(CLOCK_MONOTONIC) + (now(CLOCK_MONOTONIC) - due) + 100 * MS;
	setting = to_setting(due, 0);
	for (i = 0; i < count; i++)
		ASSERT_EQ(0, timer_settime(timers[i], TIMER_IS_DEFERRABLE | TIMER_ABSTIME, &setting,
					   NULL));
	run_on(CPU_HERE);
	while (now(CLOCK_MONOTONIC) < due)
		pause_ns(10 * MS);
	kick_idle_cpus();
	for (i = 0; i < count; i++) {
		ASSERT_EQ(SIGRTMIN, sigwaitinfo(&set, &signal));
		ASSERT_EQ(0, seen[signal.si_value.sival_int]++);
	}
	kick_idle_cpus();
	EXPECT_EQ(-1, sigtimedwait(&set, NULL, &a_moment));
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
