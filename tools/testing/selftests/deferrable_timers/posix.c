// SPDX-License-Identifier: GPL-2.0
/*
 * TIMER_IS_DEFERRABLE of timer_settime(): notification by signal, to a thread, or
 * not at all, overruns, and what gettime says.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include "fixture.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

#define DELAY	SOON
#define PERIOD	(10 * MS)

FIXTURE(posix)
{
	struct system_state before;
	sigset_t set;		/* SIGRTMIN, which is blocked */
	timer_t timer;		/* sends it */
};

FIXTURE_SETUP(posix)
{
	struct sigevent notify = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN };

	system_prepare(&self->before);
	sigemptyset(&self->set);
	sigaddset(&self->set, SIGRTMIN);
	ASSERT_EQ(0, sigprocmask(SIG_BLOCK, &self->set, NULL));
	ASSERT_EQ(0, timer_create(CLOCK_MONOTONIC, &notify, &self->timer));
}

FIXTURE_TEARDOWN_PARENT(posix)
{
	system_restore(&self->before);
}

static void set(timer_t timer, int flags, long long value, long long interval)
{
	struct itimerspec setting = to_setting(value, interval);

	if (timer_settime(timer, flags, &setting, NULL))
		broken("timer_settime");
}

static long long left(timer_t timer)
{
	struct itimerspec setting;

	if (timer_gettime(timer, &setting))
		broken("timer_gettime");
	return to_ns(setting.it_value);
}

/* The overruns of the signal if it is there, else -1. */
static int take_signal(sigset_t *set)
{
	struct timespec none = {};
	siginfo_t signal;

	return sigtimedwait(set, &signal, &none) < 0 ? -1 : signal.si_overrun;
}

static void set_on_idle(timer_t timer, int flags, long long value, long long interval)
{
	run_on(CPU_IDLE);
	set(timer, flags, value, interval);
	run_on(CPU_HERE);
}

struct setting {
	timer_t timer;
	sigset_t *signals;
	int flags;
};

static enum result still_waits(void *arg)
{
	long long due = now(CLOCK_MONOTONIC) + SOON;
	struct setting *s = arg;
	struct watch watch;
	int ret;

	set_on_idle(s->timer, s->flags, SOON, 0);
	watch = watch_begin(due - now(CLOCK_MONOTONIC));
	pause_ns(SOON + LATER);
	ret = take_signal(s->signals);
	set(s->timer, 0, 0, 0);
	return watch_end(&watch, ret < 0);
}

static bool waits(timer_t timer, sigset_t *signals, int flags)
{
	struct setting s = { timer, signals, flags };

	return usually(still_waits, &s);
}

TEST_F(posix, waits_for_an_idle_cpu)
{
	static const clockid_t clocks[] = { CLOCK_REALTIME, CLOCK_BOOTTIME, CLOCK_TAI };
	struct sigevent notify = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN };
	timer_t timer;
	unsigned int i;

	if (cannot_idle())
		SKIP(return, "%s", cannot_idle());
	EXPECT_TRUE(waits(self->timer, &self->set, TIMER_IS_DEFERRABLE));
	/* The flag is that of the last setting. */
	EXPECT_FALSE(waits(self->timer, &self->set, 0));
	EXPECT_TRUE(waits(self->timer, &self->set, TIMER_IS_DEFERRABLE));
	for (i = 0; i < ARRAY_SIZE(clocks); i++) {
		ASSERT_EQ(0, timer_create(clocks[i], &notify, &timer));
		EXPECT_TRUE(waits(timer, &self->set, TIMER_IS_DEFERRABLE))
			TH_LOG("clock %d", clocks[i]);
		timer_delete(timer);
	}
}

/* Return with the timer overdue: the signal has not come, which cannot be undone. */
static void make_overdue(timer_t timer, sigset_t *signals, long long interval, long long late)
{
	sigset_t pending;
	int i;

	for (i = 0; i < 100; i++) {
		set_on_idle(timer, TIMER_IS_DEFERRABLE, DELAY, interval);
		pause_ns(DELAY + late);
		sigpending(&pending);
		if (!sigismember(&pending, SIGRTMIN))
			return;
		take_signal(signals);
	}
	broken("no timer waits for the idle CPU");
}

static enum result has_1_ns_left(void *arg)
{
	struct setting *s = arg;
	long long rest;

	make_overdue(s->timer, s->signals, 0, LATER);
	rest = left(s->timer);
	/* It may be served just now: then it reads as disarmed. */
	return rest == 1 ? YES : rest ? NO : UNCLEAR;
}

TEST_F(posix, gettime_of_an_overdue_timer)
{
	struct setting s = { self->timer, &self->set };
	long long rest;

	if (cannot_idle())
		SKIP(return, "%s", cannot_idle());
	EXPECT_TRUE(usually(has_1_ns_left, &s));
	make_overdue(self->timer, &self->set, PERIOD, 5 * PERIOD);
	rest = left(self->timer);
	EXPECT_LT(0, rest);
	EXPECT_GE(PERIOD, rest);
}

TEST_F(posix, settime_and_delete_of_an_overdue_timer)
{
	struct itimerspec setting = to_setting(1000 * SEC, 0), old;

	if (cannot_idle())
		SKIP(return, "%s", cannot_idle());
	make_overdue(self->timer, &self->set, 0, DELAY);
	ASSERT_EQ(0, timer_settime(self->timer, TIMER_IS_DEFERRABLE, &setting, &old));
	EXPECT_GE(1, to_ns(old.it_value));
	EXPECT_LT(900 * SEC, left(self->timer));
	make_overdue(self->timer, &self->set, 0, DELAY);
	ASSERT_EQ(0, timer_delete(self->timer));
	kick_idle_cpus();
	pause_ns(50 * MS);
	EXPECT_EQ(-1, take_signal(&self->set));
}

/* One signal stands for all expiries; what it says about them is what the clock says. */
TEST_F(posix, overruns)
{
	long long first, before, after, total = 0;
	int i, overruns;

	first = now(CLOCK_MONOTONIC) + DELAY;
	set_on_idle(self->timer, TIMER_IS_DEFERRABLE | TIMER_ABSTIME, first, PERIOD);
	for (i = 0; i < 10; i++) {
		pause_ns(DELAY + i * PERIOD);
		kick_idle_cpus();
		before = now(CLOCK_MONOTONIC);
		ASSERT_EQ(SIGRTMIN, sigwaitinfo(&self->set, NULL));
		after = now(CLOCK_MONOTONIC);
		overruns = timer_getoverrun(self->timer);
		total += 1 + overruns;
		EXPECT_GE((after - first) / PERIOD + 1, total);
		/* The last one may have come after @before only. */
		EXPECT_LE((before - first) / PERIOD + 1, total);
	}
}

TEST_F(posix, without_notification)
{
	struct sigevent silent = { .sigev_notify = SIGEV_NONE };
	timer_t timer;
	long long rest;

	ASSERT_EQ(0, timer_create(CLOCK_MONOTONIC, &silent, &timer));
	set_on_idle(timer, TIMER_IS_DEFERRABLE, 1000 * SEC, 0);
	EXPECT_LT(900 * SEC, left(timer));
	EXPECT_GE(1000 * SEC, left(timer));
	set_on_idle(timer, TIMER_IS_DEFERRABLE, DELAY, 0);
	pause_ns(2 * DELAY);
	EXPECT_EQ(0, left(timer));
	set_on_idle(timer, TIMER_IS_DEFERRABLE, DELAY, PERIOD);
	pause_ns(2 * DELAY);
	rest = left(timer);
	EXPECT_LT(0, rest);
	EXPECT_GE(PERIOD, rest);
	EXPECT_EQ(0, timer_delete(timer));
}

static void *receive(void *arg)
{
	struct sigevent notify = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGRTMIN };
	siginfo_t signal;
	sigset_t set;
	timer_t timer;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	notify.sigev_notify_thread_id = syscall(SYS_gettid);
	if (timer_create(CLOCK_MONOTONIC, &notify, &timer))
		return arg;
	set_on_idle(timer, TIMER_IS_DEFERRABLE, DELAY, 0);
	pause_ns(2 * DELAY);
	kick_idle_cpus();
	if (sigwaitinfo(&set, &signal) != SIGRTMIN || signal.si_code != SI_TIMER)
		return arg;
	return timer_delete(timer) ? arg : NULL;
}

TEST_F(posix, to_a_thread)
{
	pthread_t threads[4];
	unsigned int i;
	void *failed;

	for (i = 0; i < ARRAY_SIZE(threads); i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, receive, self));
	for (i = 0; i < ARRAY_SIZE(threads); i++) {
		ASSERT_EQ(0, pthread_join(threads[i], &failed));
		EXPECT_EQ(NULL, failed);
	}
	EXPECT_EQ(-1, take_signal(&self->set));
}

static atomic_int called;

static void on_signal(int sig)
{
	called = sig;
}

TEST_F(posix, handler)
{
	ASSERT_NE(SIG_ERR, signal(SIGRTMIN, on_signal));
	ASSERT_EQ(0, sigprocmask(SIG_UNBLOCK, &self->set, NULL));
	set(self->timer, TIMER_IS_DEFERRABLE, DELAY, 0);
	while (!called)
		;
	EXPECT_EQ(SIGRTMIN, called);
	EXPECT_EQ(0, left(self->timer));
}

/* Calls without such a flag are as precise as ever, also beside deferrable timers. */
TEST_F(posix, setitimer)
{
	struct itimerval value = { .it_value.tv_usec = 30000 };
	int i, fd = open_timer(CLOCK_MONOTONIC);
	sigset_t alarm;

	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	ASSERT_EQ(0, sigprocmask(SIG_BLOCK, &alarm, NULL));
	for (i = 0; i < 5; i++) {
		run_on(CPU_IDLE);
		ASSERT_EQ(0, arm(fd, DEFERRABLE, 10 * MS, 0));
		set(self->timer, TIMER_IS_DEFERRABLE, 1000 * SEC, 0);
		ASSERT_EQ(0, setitimer(ITIMER_REAL, &value, NULL));
		/* Nothing else is there to end this. */
		ASSERT_EQ(SIGALRM, sigwaitinfo(&alarm, NULL));
		run_on(CPU_HERE);
		until_expired(fd);
	}
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
