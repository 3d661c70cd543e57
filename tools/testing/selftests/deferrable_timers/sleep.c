// SPDX-License-Identifier: GPL-2.0
/*
 * TIMER_IS_DEFERRABLE of clock_nanosleep(): what signals do to it. A process on
 * the idle CPU sleeps, and tells through shared memory how that went.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "fixture.h"

#define DELAY	(50 * MS)

struct nap {
	pid_t pid;		/* of who sleeps */
	clockid_t clock;
	int flags, result;
	long long ns;		/* how long, also with TIMER_ABSTIME */
	struct timespec rest;	/* what the system call says */
	long long begin, until, end;
	atomic_int done;
};

static void handler(int sig)
{
	(void)sig;
}

static void sleeper(struct nap *nap)
{
	struct timespec ts = to_timespec(nap->ns);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGUSR1, handler);
	run_on(CPU_IDLE);
	nap->until = now(nap->clock) + nap->ns;
	if (nap->flags & TIMER_ABSTIME)
		ts = to_timespec(nap->until);
	nap->begin = nap->until - nap->ns;
	nap->result = clock_nanosleep(nap->clock, nap->flags, &ts, &nap->rest);
	nap->end = now(nap->clock);
	nap->done = 1;
	_exit(0);
}

static bool asleep(pid_t pid)
{
	char path[64], state = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "r");
	if (!f || fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
		broken(path);
	fclose(f);
	return state == 'S';
}

FIXTURE(nap)
{
	struct system_state before;
	struct nap *nap;
};

FIXTURE_SETUP(nap)
{
	system_prepare(&self->before);
	self->nap = mmap(NULL, sizeof(*self->nap), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_TRUE(self->nap != MAP_FAILED);
	self->nap->flags = TIMER_IS_DEFERRABLE;
	self->nap->clock = CLOCK_MONOTONIC;
	self->nap->ns = DELAY;
}

FIXTURE_TEARDOWN_PARENT(nap)
{
	system_restore(&self->before);
}

/* Return when it sleeps, or has done so already. */
static void until_asleep(struct nap *nap)
{
	while (!nap->done && (!nap->begin || !asleep(nap->pid)))
		pause_ns(MS / 2);
}

static void start(struct nap *nap)
{
	pid_t pid;

	nap->done = 0;
	nap->begin = 0;
	pid = fork();
	if (!pid)
		sleeper(nap);
	nap->pid = pid;
	until_asleep(nap);
}

/* Let it be served if it still waits. */
static void finish(struct nap *nap)
{
	do {
		kick_idle_cpus();
		pause_ns(MS);
	} while (!waitpid(nap->pid, NULL, WNOHANG));
}

/* Signals without a handler: the kernel goes on with what is left by itself. */
static void stop_and_continue(struct nap *nap)
{
	siginfo_t info;

	kill(nap->pid, SIGSTOP);
	if (waitid(P_PID, nap->pid, &info, WSTOPPED | WEXITED | WNOWAIT))
		broken("waitid");
	kill(nap->pid, SIGCONT);
	until_asleep(nap);
}

/* Something that is done while it sleeps. */
static void (*meanwhile)(struct nap *nap);

static enum result oversleeps(void *arg)
{
	struct nap *nap = arg;
	struct watch watch;
	enum result result;

	start(nap);
	if (meanwhile)
		meanwhile(nap);
	watch = watch_begin(nap->until - now(nap->clock));
	pause_ns(DELAY + LATER);
	result = watch_end(&watch, !nap->done);
	finish(nap);
	return nap->result ? NO : result;
}

TEST_F(nap, waits_for_an_idle_cpu)
{
	static const clockid_t clocks[] = {
		CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME, CLOCK_TAI
	};
	unsigned int i;

	if (cannot_idle())
		SKIP(return, "%s", cannot_idle());
	for (i = 0; i < ARRAY_SIZE(clocks); i++) {
		self->nap->clock = clocks[i];
		EXPECT_TRUE(usually(oversleeps, self->nap)) TH_LOG("clock %d", clocks[i]);
	}
	self->nap->flags |= TIMER_ABSTIME;
	EXPECT_TRUE(usually(oversleeps, self->nap));
	self->nap->flags = 0;
	EXPECT_FALSE(usually(oversleeps, self->nap));
}

TEST_F(nap, restart_keeps_the_flag)
{
	if (cannot_idle())
		SKIP(return, "%s", cannot_idle());
	meanwhile = stop_and_continue;
	EXPECT_TRUE(usually(oversleeps, self->nap));
	/* CLOCK_REALTIME with TIMER_ABSTIME restarts as a new system call. */
	self->nap->flags |= TIMER_ABSTIME;
	self->nap->clock = CLOCK_REALTIME;
	EXPECT_TRUE(usually(oversleeps, self->nap));
	/* An ordinary sleep does not become deferrable on the way. */
	self->nap->flags = 0;
	self->nap->clock = CLOCK_MONOTONIC;
	EXPECT_FALSE(usually(oversleeps, self->nap));
}

TEST_F(nap, restart_is_not_early)
{
	int i;

	for (i = 0; i < 4; i++) {
		self->nap->flags = TIMER_IS_DEFERRABLE | (i & TIMER_ABSTIME);
		start(self->nap);
		stop_and_continue(self->nap);
		stop_and_continue(self->nap);
		/* From here on its CPU wakes up every millisecond. */
		finish(self->nap);
		EXPECT_EQ(0, self->nap->result);
		EXPECT_LE(self->nap->until, self->nap->end);
	}
}

TEST_F(nap, handler_interrupts)
{
	long long at, rest;

	self->nap->ns = 1000 * SEC;
	start(self->nap);
	at = now(CLOCK_MONOTONIC);
	kill(self->nap->pid, SIGUSR1);
	finish(self->nap);
	EXPECT_EQ(EINTR, self->nap->result);
	rest = to_ns(self->nap->rest);
	/* The sleep began after nap->begin and ended between @at and nap->end. */
	EXPECT_GE(1000 * SEC - (at - self->nap->end), rest);
	EXPECT_LE(1000 * SEC - (self->nap->end - self->nap->begin), rest);
	EXPECT_GE(1000 * SEC, rest);
}

/* With TIMER_ABSTIME nothing is written to the rest. */
TEST_F(nap, handler_interrupts_an_absolute_sleep)
{
	self->nap->ns = 1000 * SEC;
	self->nap->flags |= TIMER_ABSTIME;
	self->nap->rest = to_timespec(7);
	start(self->nap);
	kill(self->nap->pid, SIGUSR1);
	finish(self->nap);
	EXPECT_EQ(EINTR, self->nap->result);
	EXPECT_EQ(7, to_ns(self->nap->rest));
}

/*
 * Whatever ends an overdue sleep, it is over: a signal cannot interrupt it, not even
 * one that makes the sleeper run where its timer is not.
 */
TEST_F(nap, signal_to_an_overdue_sleep)
{
	cpu_set_t here;
	int i;

	if (cannot_idle())
		SKIP(return, "%s", cannot_idle());
	CPU_ZERO(&here);
	CPU_SET(CPU_HERE, &here);
	for (i = 0; i < 6; i++) {
		self->nap->flags = TIMER_IS_DEFERRABLE | (i & TIMER_ABSTIME);
		start(self->nap);
		pause_ns(2 * DELAY);
		if (i & 2)
			ASSERT_EQ(0, sched_setaffinity(self->nap->pid, sizeof(here), &here));
		kill(self->nap->pid, SIGUSR1);
		finish(self->nap);
		EXPECT_EQ(0, self->nap->result);
		EXPECT_LE(self->nap->until, self->nap->end);
	}
}

TEST_F(nap, bad_arguments)
{
	struct timespec bad = { .tv_nsec = SEC }, negative = { .tv_sec = -1 };

	EXPECT_EQ(EINVAL, clock_nanosleep(CLOCK_MONOTONIC, TIMER_IS_DEFERRABLE, &bad, NULL));
	EXPECT_EQ(EINVAL, clock_nanosleep(CLOCK_MONOTONIC, TIMER_IS_DEFERRABLE, &negative, NULL));
	EXPECT_EQ(EINVAL, clock_nanosleep(77, TIMER_IS_DEFERRABLE, &bad, NULL));
	EXPECT_EQ(EFAULT, clock_nanosleep(CLOCK_MONOTONIC, TIMER_IS_DEFERRABLE, (void *)1, NULL));
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
