// SPDX-License-Identifier: GPL-2.0
/* In a time namespace absolute times are those of its clocks, deferrable or not. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#include "fixture.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

#define AHEAD	1000000		/* seconds that the clocks are ahead of those outside */

static const clockid_t clocks[] = { CLOCK_MONOTONIC, CLOCK_BOOTTIME };

/* What is wrong, as the exit status of a process inside; 0 if nothing is. */
static int timerfd_inside(clockid_t clock)
{
	long long due = now(clock) + SOON;
	int fd = open_timer(clock);

	if (arm_on_idle(fd, DEFERRABLE | TFD_TIMER_ABSTIME, due, 0))
		return 1;
	/* Far from being due, were it taken for a time outside. */
	if (remaining(fd) > SOON)
		return 2;
	until_expired(fd);
	if (now(clock) < due)
		return 3;
	if (ticks_read(fd) != 1)
		return 4;
	if (!cannot_idle() && !is_deferred(fd, DEFERRABLE))
		return 5;
	if (arm_on_idle(fd, DEFERRABLE | TFD_TIMER_ABSTIME, due + 1000 * SEC, 0))
		return 6;
	pause_ns(2 * SOON);
	kick_idle_cpus();
	pause_ns(SOON);
	if (ticks_read(fd) || remaining(fd) < 900 * SEC || remaining(fd) > 1000 * SEC)
		return 7;
	return 0;
}

static int nanosleep_inside(clockid_t clock)
{
	long long due = now(clock) + SOON;
	struct timespec ts = to_timespec(due);

	if (clock_nanosleep(clock, TIMER_IS_DEFERRABLE | TIMER_ABSTIME, &ts, NULL))
		return 1;
	return now(clock) < due ? 2 : 0;
}

static int posix_timer_inside(clockid_t clock)
{
	struct sigevent notify = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN };
	long long due = now(clock) + SOON;
	struct itimerspec setting = to_setting(due, 0);
	timer_t timer;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (timer_create(clock, &notify, &timer) ||
	    timer_settime(timer, TIMER_IS_DEFERRABLE | TIMER_ABSTIME, &setting, NULL))
		return 1;
	if (sigwaitinfo(&set, NULL) != SIGRTMIN)
		return 2;
	return now(clock) < due ? 3 : 0;
}

/* What @inside returns in a process of a new time namespace, or -errno. */
static int run_inside(int (*inside)(clockid_t clock), clockid_t clock)
{
	struct timespec before;
	int status;
	pid_t pid;

	clock_gettime(clock, &before);
	pid = fork();
	if (!pid) {
		char offsets[64];

		snprintf(offsets, sizeof(offsets), "monotonic %d 0\nboottime %d 0\n", AHEAD, AHEAD);
		if (unshare(CLONE_NEWTIME) || put("/proc/self/timens_offsets", offsets))
			_exit(100);
		pid = fork();
		if (!pid) {
			if (now(clock) < to_ns(before) + AHEAD * SEC)
				_exit(101);
			_exit(inside(clock));
		}
		if (waitpid(pid, &status, 0) != pid)
			_exit(102);
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 103);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		broken("a child");
	return WEXITSTATUS(status);
}

FIXTURE(namespace)
{
	struct system_state before;
};

FIXTURE_VARIANT(namespace)
{
	int (*inside)(clockid_t clock);
};

FIXTURE_VARIANT_ADD(namespace, timerfd)
{
	.inside = timerfd_inside,
};

FIXTURE_VARIANT_ADD(namespace, clock_nanosleep)
{
	.inside = nanosleep_inside,
};

FIXTURE_VARIANT_ADD(namespace, timer_settime)
{
	.inside = posix_timer_inside,
};

FIXTURE_SETUP(namespace)
{
	if (access("/proc/self/timens_offsets", F_OK))
		SKIP(return, "kernel without time namespaces (TIME_NS)");
	system_prepare(&self->before);
}

FIXTURE_TEARDOWN_PARENT(namespace)
{
	system_restore(&self->before);
}

TEST_F(namespace, absolute_times)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(clocks); i++)
		EXPECT_EQ(0, run_inside(variant->inside, clocks[i])) TH_LOG("clock %d", clocks[i]);
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
