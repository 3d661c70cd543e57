// SPDX-License-Identifier: GPL-2.0
/*
 * On a busy CPU a deferrable timer is served by the next tick. How late that is
 * depends on the machine, so interrupts decide: at most two of the local timer
 * come between the time when a timer was due and its expiry, nine times of ten.
 * Now and then the kernel leaves softirqs to a task, which has to wait for its
 * turn, or an emulated CPU stands still while the numbers are being read.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "fixture.h"

#define MOST_INTERRUPTS	2

enum call {
	TIMERFD,
	NANOSLEEP,
	POSIX
};

/*
 * A thread with real-time priority waits on the CPU that the main thread keeps
 * busy. The main thread notes the number of interrupts when a timer is due,
 * the other one when it has expired.
 */
struct waiter {
	enum call call;
	int flags;
	int cpu;		/* whose interrupts count */
	atomic_llong due;	/* what it waits for; 0 before the first one, -1 at the end */
	atomic_llong noted_for;	/* the due time at which the main thread has noted ... */
	atomic_long noted;	/* ... this number of interrupts */
	int count;
	long long *late_ns;
	long *late_irqs;
};

/* Return when @due has passed. */
static void wait_for(struct waiter *w, int fd, timer_t timer, sigset_t *set)
{
	struct itimerspec setting = to_setting(w->due, 0);
	__u64 ticks;

	switch (w->call) {
	case TIMERFD:
		if (timerfd_settime(fd, w->flags, &setting, NULL) ||
		    read(fd, &ticks, sizeof(ticks)) != sizeof(ticks))
			broken("timerfd_settime");
		break;
	case NANOSLEEP:
		if (clock_nanosleep(CLOCK_MONOTONIC, w->flags, &setting.it_value, NULL))
			broken("clock_nanosleep");
		break;
	case POSIX:
		if (timer_settime(timer, w->flags, &setting, NULL) ||
		    sigwaitinfo(set, NULL) != SIGRTMIN)
			broken("timer_settime");
		break;
	}
}

static void *wait_often(void *arg)
{
	struct sigevent notify = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN };
	struct sched_param param = { .sched_priority = 1 };
	int i, fd = timerfd_create(CLOCK_MONOTONIC, 0);
	struct waiter *w = arg;
	sigset_t set;
	timer_t timer;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	if (fd < 0 || timer_create(CLOCK_MONOTONIC, &notify, &timer) ||
	    sched_setscheduler(0, SCHED_FIFO, &param))
		broken("preparing a waiter");
	for (i = 0; i < w->count; i++) {
		long long due = now(CLOCK_MONOTONIC) + 2 * MS + (i * 7919 % 10000) * US;
		long irqs;

		w->due = due;
		wait_for(w, fd, timer, &set);
		w->late_ns[i] = now(CLOCK_MONOTONIC) - due;
		irqs = irq_count(w->cpu, "LOC");
		/* Not noted: it expired before the main thread came to it. */
		w->late_irqs[i] = w->noted_for == due ? irqs - w->noted : 0;
	}
	w->due = -1;
	timer_delete(timer);
	close(fd);
	return NULL;
}

static int compare(const void *a, const void *b)
{
	long long x = *(const long long *)a, y = *(const long long *)b;

	return (x > y) - (x < y);
}

static double ticks_at(struct waiter *w, int percent)
{
	return (double)w->late_ns[(w->count - 1) * percent / 100] / tick_ns();
}

static void measure(struct waiter *w)
{
	long long due, done = 0;
	pthread_t thread;

	w->late_ns = calloc(w->count, sizeof(*w->late_ns));
	w->late_irqs = calloc(w->count, sizeof(*w->late_irqs));
	w->flags |= TIMER_ABSTIME;
	w->due = 0;
	run_on(CPU_IDLE);
	if (pthread_create(&thread, NULL, wait_often, w))
		broken("pthread_create");
	while ((due = w->due) >= 0) {
		if (due != done && now(CLOCK_MONOTONIC) >= due) {
			w->noted = irq_count(w->cpu, "LOC");
			w->noted_for = due;
			done = due;
		}
	}
	pthread_join(thread, NULL);
	run_on(CPU_HERE);
	qsort(w->late_ns, w->count, sizeof(*w->late_ns), compare);
}

FIXTURE(busy)
{
	struct system_state before;
};

FIXTURE_VARIANT(busy)
{
	enum call call;
};

FIXTURE_VARIANT_ADD(busy, timerfd)
{
	.call = TIMERFD,
};

FIXTURE_VARIANT_ADD(busy, clock_nanosleep)
{
	.call = NANOSLEEP,
};

FIXTURE_VARIANT_ADD(busy, timer_settime)
{
	.call = POSIX,
};

FIXTURE_SETUP(busy)
{
	sigset_t set;

	system_prepare(&self->before);
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

FIXTURE_TEARDOWN_PARENT(busy)
{
	system_restore(&self->before);
}

TEST_F_TIMEOUT(busy, served_by_the_next_tick, LONG_TIMEOUT)
{
	struct waiter ordinary = { .call = variant->call, .count = loops(100, 1000) };
	struct waiter deferrable = ordinary;
	int i, many = 0;

	/* A nohz_full CPU has no tick to count; its timers wait on the other one. */
	ordinary.cpu = booted_with("nohz_full=1") ? CPU_HERE : CPU_IDLE;
	deferrable.cpu = ordinary.cpu;
	deferrable.flags = TIMER_IS_DEFERRABLE;
	measure(&ordinary);
	measure(&deferrable);
	for (i = 0; i < deferrable.count; i++) {
		EXPECT_LE(0, deferrable.late_ns[i]);
		many += deferrable.late_irqs[i] > MOST_INTERRUPTS;
	}
	TH_LOG("ordinary: p50 %.2f, p99 %.2f ticks late",
	       ticks_at(&ordinary, 50), ticks_at(&ordinary, 99));
	TH_LOG("deferrable: p50 %.2f, p99 %.2f ticks late",
	       ticks_at(&deferrable, 50), ticks_at(&deferrable, 99));
	TH_LOG("%d of %d deferrable ones waited for more than %d timer interrupts", many,
	       deferrable.count, MOST_INTERRUPTS);
	EXPECT_GE(deferrable.count / 10, many);
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
