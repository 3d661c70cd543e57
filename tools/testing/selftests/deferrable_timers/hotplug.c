// SPDX-License-Identifier: GPL-2.0
/* A CPU goes offline with a thousand timers on it: none is lost, none comes twice. */
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>

#include "fixture.h"

#define TIMERS	1000

static const clockid_t clocks[] = { CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME };

static int fds[TIMERS];
static int epoll;	/* has all of them; unlike poll() it only hears of what expires */

FIXTURE(cpu)
{
	struct system_state before;
};

FIXTURE_SETUP(cpu)
{
	unsigned int i;

	if (get_number(CPU_ONLINE) < 0)
		SKIP(return, "no CPU that can be taken offline");
	system_prepare(&self->before);
	epoll = epoll_create1(0);
	ASSERT_LE(0, epoll);
	for (i = 0; i < TIMERS; i++) {
		struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data.u32 = i };

		fds[i] = open_timer(clocks[i % ARRAY_SIZE(clocks)]);
		ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, fds[i], &event));
	}
}

FIXTURE_TEARDOWN_PARENT(cpu)
{
	system_restore(&self->before);
}

/* Arm all on the CPU that is to go, @from ns from now and @step ns apart. */
static void arm_all(long long from, long long step)
{
	int i;

	run_on(CPU_IDLE);
	for (i = 0; i < TIMERS; i++)
		if (arm(fds[i], DEFERRABLE, from + i * step, 0))
			broken("timerfd_settime");
	run_on(CPU_HERE);
}

/* Return when so many more have expired. */
static void collect(int count)
{
	struct epoll_event events[64];
	int n;

	while (count) {
		n = epoll_wait(epoll, events, count < 64 ? count : 64, -1);
		if (n < 0)
			broken("epoll_wait");
		count -= n;
	}
}

static int number_expired(unsigned long long ticks)
{
	int i, count = 0;

	for (i = 0; i < TIMERS; i++)
		count += info(fds[i]).ticks == ticks;
	return count;
}

static void remove_cpu(void)
{
	if (put_number(CPU_ONLINE, 0))
		broken("taking a CPU offline");
}

static void add_cpu(void)
{
	if (put_number(CPU_ONLINE, 1))
		broken("taking a CPU online");
}

/* What is due by then need not wait for anything else. */
TEST_F_TIMEOUT(cpu, overdue, LONG_TIMEOUT)
{
	arm_all(100 * MS, 1);
	pause_ns(150 * MS);
	remove_cpu();
	collect(TIMERS);
	EXPECT_EQ(TIMERS, number_expired(1));
	add_cpu();
	EXPECT_EQ(TIMERS, number_expired(1));
}

TEST_F_TIMEOUT(cpu, not_due_yet, LONG_TIMEOUT)
{
	arm_all(1000 * SEC, 1);
	remove_cpu();
	EXPECT_EQ(TIMERS, number_expired(0));
	add_cpu();
	kick_idle_cpus();
	EXPECT_EQ(TIMERS, number_expired(0));
	EXPECT_LT(900 * SEC, remaining(fds[0]));
}

/* While it goes and after. */
TEST_F_TIMEOUT(cpu, due_meanwhile, LONG_TIMEOUT)
{
	int i;

	for (i = 0; i < loops(3, 50); i++) {
		arm_all(1, 300 * US);
		remove_cpu();
		collect(TIMERS);
		EXPECT_EQ(TIMERS, number_expired(1));
		add_cpu();
	}
}

/* The CPU is as good as before when it is back. */
TEST_F_TIMEOUT(cpu, deferred_afterwards, LONG_TIMEOUT)
{
	if (cannot_idle())
		SKIP(return, "%s", cannot_idle());
	remove_cpu();
	add_cpu();
	EXPECT_TRUE(is_deferred(fds[0], DEFERRABLE));
	EXPECT_TRUE(is_served(fds[0], DEFERRABLE, kick_idle_cpus));
	ASSERT_EQ(0, put_number(DEFER_MAX_MS, 50));
	ASSERT_EQ(0, arm_on_idle(fds[0], DEFERRABLE, 1, 0));
	until_expired(fds[0]);
}

/* With pull, the CPU that is gone does not count as one that sleeps. */
TEST_F_TIMEOUT(cpu, with_pull, LONG_TIMEOUT)
{
	ASSERT_EQ(0, put_number(DEFER_PULL, 1));
	arm_all(1, 100 * US);
	remove_cpu();
	collect(TIMERS);
	add_cpu();
	EXPECT_EQ(TIMERS, number_expired(1));
	arm_all(1, 100 * US);
	while (number_expired(1) < TIMERS)
		spin_ns(MS);
}

TEST_F_TIMEOUT(cpu, posix_timers, LONG_TIMEOUT)
{
	struct itimerspec setting = to_setting(300 * MS, 0);
	struct sigevent notify = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN };
	struct timespec a_moment = to_timespec(20 * MS);
	timer_t timers[100];
	unsigned int i;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	ASSERT_EQ(0, sigprocmask(SIG_BLOCK, &set, NULL));
	run_on(CPU_IDLE);
	for (i = 0; i < ARRAY_SIZE(timers); i++) {
		ASSERT_EQ(0, timer_create(CLOCK_TAI, &notify, &timers[i]));
		ASSERT_EQ(0, timer_settime(timers[i], TIMER_IS_DEFERRABLE, &setting, NULL));
	}
	run_on(CPU_HERE);
	remove_cpu();
	for (i = 0; i < ARRAY_SIZE(timers); i++)
		ASSERT_EQ(SIGRTMIN, sigwaitinfo(&set, NULL));
	add_cpu();
	EXPECT_EQ(-1, sigtimedwait(&set, NULL, &a_moment));
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
