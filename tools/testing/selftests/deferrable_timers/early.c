// SPDX-License-Identifier: GPL-2.0
/*
 * No deferrable timer expires early, whatever the clock, absolute or relative,
 * set again or cancelled meanwhile.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/epoll.h>

#include "fixture.h"

static const clockid_t clocks[] = { CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME, CLOCK_TAI };
#define TIMERFD_CLOCKS 3

/* xorshift: the same every time, so that a failure comes back. */
static unsigned int pick(unsigned int *seed, unsigned int below)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed % below;
}

struct trial {
	int fd;
	clockid_t clock;
	long long due;		/* 0 if not armed */
};

static int start(struct trial *t, unsigned int *seed)
{
	long long delay = 1 + pick(seed, 20 * MS);

	if (pick(seed, 2)) {
		t->due = now(t->clock) + delay;
		return arm(t->fd, DEFERRABLE | TFD_TIMER_ABSTIME, t->due, 0);
	}
	/* A relative timer begins after this. */
	t->due = now(t->clock) + delay;
	return arm(t->fd, DEFERRABLE, delay, 0);
}

/* Many at once; now and then one that has not expired yet is set again or cancelled. */
TEST_F_TIMEOUT(timer, random_trials, LONG_TIMEOUT)
{
	unsigned int i, seed = 20140221;
	int expired = 0, wanted = loops(10000, 100000);
	int epoll = epoll_create1(0);
	struct epoll_event event = { .events = EPOLLIN };
	struct trial trials[300], *t;
	long long read_at;

	for (i = 0; i < ARRAY_SIZE(trials); i++) {
		t = &trials[i];
		t->clock = clocks[i % TIMERFD_CLOCKS];
		t->fd = open_timer(t->clock);
		event.data.u32 = i;
		ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, t->fd, &event));
		ASSERT_EQ(0, start(t, &seed));
	}
	while (expired < wanted) {
		ASSERT_LE(0, epoll_wait(epoll, &event, 1, 1));
		t = &trials[event.data.u32];
		if (ticks_read(t->fd) > 0) {
			read_at = now(t->clock);
			ASSERT_NE(0, t->due) TH_LOG("a cancelled timer expired");
			ASSERT_GE(read_at, t->due) TH_LOG("clock %d", t->clock);
			expired++;
			ASSERT_EQ(0, start(t, &seed));
		}
		t = &trials[pick(&seed, ARRAY_SIZE(trials))];
		if (!t->due || pick(&seed, 2)) {
			ASSERT_EQ(0, start(t, &seed));
		} else if (!pick(&seed, 8)) {
			ASSERT_EQ(0, arm(t->fd, DEFERRABLE, 0, 0));
			t->due = 0;
			ASSERT_EQ(0, ticks_read(t->fd));
		}
	}
}

static atomic_llong due;	/* what the thread below has to wait for at least */
static atomic_int waits;

/* Block until it expires; never before the time that was set when it began to wait. */
static void *wait_and_compare(void *arg)
{
	int fd = *(int *)arg;
	long long at_least;
	__u64 ticks;

	for (;;) {
		at_least = due;
		if (at_least < 0)
			return NULL;
		if (read(fd, &ticks, sizeof(ticks)) == sizeof(ticks) &&
		    now(CLOCK_MONOTONIC) < at_least)
			return arg;
		waits++;
	}
}

/* One thread sets the timer to ever later times, the other waits for it. */
TEST_F_TIMEOUT(timer, set_while_another_waits, LONG_TIMEOUT)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, 0), wanted = loops(500, 20000);
	long long later = now(CLOCK_MONOTONIC);
	unsigned int seed = 20140221;
	pthread_t thread;
	void *failed;

	ASSERT_LE(0, fd);
	due = later;
	ASSERT_EQ(0, arm(fd, DEFERRABLE | TFD_TIMER_ABSTIME, later, 0));
	ASSERT_EQ(0, pthread_create(&thread, NULL, wait_and_compare, &fd));
	while (waits < wanted) {
		later += pick(&seed, 500 * US);
		if (later < now(CLOCK_MONOTONIC))
			later = now(CLOCK_MONOTONIC);
		ASSERT_EQ(0, arm(fd, DEFERRABLE | TFD_TIMER_ABSTIME, later, 0));
		due = later;
		if (pick(&seed, 4))
			pause_ns(pick(&seed, 2 * MS));
	}
	due = -1;
	/* A timer that is cancelled wakes nobody, so this one has to expire. */
	ASSERT_EQ(0, arm(fd, 0, 1, 0));
	ASSERT_EQ(0, pthread_join(thread, &failed));
	EXPECT_EQ(NULL, failed);
}

TEST_F_TIMEOUT(timer, posix_timers, LONG_TIMEOUT)
{
	struct sigevent notify = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN };
	int expired = 0, wanted = loops(2000, 50000);
	unsigned int i, seed = 20140221;
	long long dues[100];
	timer_t timers[100];
	siginfo_t signal;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	ASSERT_EQ(0, sigprocmask(SIG_BLOCK, &set, NULL));
	for (i = 0; i < ARRAY_SIZE(timers); i++) {
		notify.sigev_value.sival_int = i;
		ASSERT_EQ(0, timer_create(clocks[i % ARRAY_SIZE(clocks)], &notify, &timers[i]));
		dues[i] = 0;
	}
	while (expired < wanted) {
		for (i = 0; i < ARRAY_SIZE(timers); i++) {
			clockid_t clock = clocks[i % ARRAY_SIZE(clocks)];
			long long delay = 1 + pick(&seed, 20 * MS);
			int flags = TIMER_IS_DEFERRABLE | (delay & TIMER_ABSTIME);
			struct itimerspec setting;

			if (dues[i])
				continue;
			dues[i] = now(clock) + delay;
			setting = to_setting(flags & TIMER_ABSTIME ? dues[i] : delay, 0);
			ASSERT_EQ(0, timer_settime(timers[i], flags, &setting, NULL));
		}
		ASSERT_EQ(SIGRTMIN, sigwaitinfo(&set, &signal));
		i = signal.si_value.sival_int;
		ASSERT_GE(now(clocks[i % ARRAY_SIZE(clocks)]), dues[i]);
		ASSERT_EQ(0, signal.si_overrun);
		dues[i] = 0;
		expired++;
	}
	for (i = 0; i < ARRAY_SIZE(timers); i++)
		ASSERT_EQ(0, timer_delete(timers[i]));
}

static void *sleep_often(void *arg)
{
	unsigned int seed = *(unsigned int *)arg;
	int i;

	for (i = 0; i < loops(100, 2500); i++) {
		clockid_t clock = clocks[pick(&seed, ARRAY_SIZE(clocks))];
		long long delay = pick(&seed, 5 * MS), until = now(clock) + delay;
		int flags = TIMER_IS_DEFERRABLE | (seed & TIMER_ABSTIME);
		struct timespec ts = to_timespec(flags & TIMER_ABSTIME ? until : delay);

		if (clock_nanosleep(clock, flags, &ts, NULL) || now(clock) < until)
			return arg;
	}
	return NULL;
}

TEST_F_TIMEOUT(timer, sleeps, LONG_TIMEOUT)
{
	unsigned int seeds[20];
	pthread_t threads[20];
	unsigned int i;
	void *failed;

	for (i = 0; i < ARRAY_SIZE(threads); i++) {
		seeds[i] = 1 + i;
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, sleep_often, &seeds[i]));
	}
	for (i = 0; i < ARRAY_SIZE(threads); i++) {
		ASSERT_EQ(0, pthread_join(threads[i], &failed));
		EXPECT_EQ(NULL, failed);
	}
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
