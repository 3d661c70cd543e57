// SPDX-License-Identifier: GPL-2.0
/*
 * The cost of going idle and of waking up again, with no deferrable timer armed.
 *
 * A program sleeps until an absolute time. The CPU halts, wakes up once more for a
 * tick, which then is stopped, halts again, and is woken up by the program's timer.
 * What counts is all that is executed, not the idle time. The trace event cpu_idle
 * stamps each start and end of a halt with the time-stamp counter:
 *
 *	clock_nanosleep() to the first halt
 *	end of the first halt to the second	the tick is stopped here
 *	time of the timer to user space		interrupt, restart of the tick, end of
 *						idle, switch to the program
 *
 * The interrupt of the tick that ends the first halt is left out, because when
 * it was due is not known.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "timer.h"

#define TRACING		"/sys/kernel/tracing/"
#define SLEEP_NS	20000000L
#define BEST_OF		5
#define NS_PER_S	1000000000L
/* A sleep that anything else disturbed is repeated, but not for ever. */
#define TRIES		100

static int trace;

static void put(const char *path, const char *word)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, word, strlen(word)) < 0)
		bench_fail(path);
	close(fd);
}

static long now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

static void sleep_until(long ns)
{
	struct timespec t = { .tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S };

	errno = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
	if (errno)
		bench_fail("clock_nanosleep");
}

/*
 * Takes in what was traced since the last call. Returns how many starts and ends
 * of halts there were; @when has their ticks, of the first four.
 */
static int events(unsigned long when[4])
{
	static char buffer[1 << 16];
	char *line, *at, *rest = buffer;
	int count = 0;
	ssize_t size;

	size = read(trace, buffer, sizeof(buffer) - 1);
	if (size < 0 && errno != EAGAIN)
		bench_fail("trace_pipe");
	buffer[size < 0 ? 0 : size] = '\0';
	while ((line = strsep(&rest, "\n"))) {
		at = strstr(line, ": cpu_idle: ");
		if (!at)
			continue;
		*at = '\0';
		at = strrchr(line, ' ');
		if (at && count < 4)
			when[count] = strtoul(at, NULL, 10);
		count++;
	}
	return count;
}

/* The event stays on after this benchmark: it costs only those who go idle. */
static void setup(long n)
{
	(void)n;
	/* The slack of this sleep would otherwise be 50000 ns. */
	if (prctl(PR_SET_TIMERSLACK, 1L))
		bench_fail("prctl");
	put(TRACING "trace_clock", "x86-tsc");
	put(TRACING "events/power/cpu_idle/enable", "1");
	trace = open(TRACING "trace_pipe", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (trace < 0)
		bench_fail("trace_pipe");
}

static unsigned long one_sleep(void)
{
	unsigned long start, when[4];
	long due, end;

	for (int i = 0; i < TRIES; i++) {
		events(when);
		due = now_ns() + SLEEP_NS;
		start = bench_ticks();
		sleep_until(due);
		end = now_ns();
		if (events(when) == 4)
			return when[0] - start + when[2] - when[1] + end - due;
	}
	errno = EBUSY;
	bench_fail("the CPU did not halt twice");
}

/* Whatever else the kernel had to do meanwhile can only add. */
static unsigned long timed_op(void)
{
	unsigned long cost, least = ULONG_MAX;

	for (int i = 0; i < BEST_OF; i++) {
		cost = one_sleep();
		if (cost < least)
			least = cost;
	}
	return least;
}

static const struct bench timer_idle = {
	.name = "timer_idle",
	.feature = "deferrable_timers",
	.title = "Sleep, halt, stop the tick, halt; interrupt, restart the tick, go on",
	.unit = "idle period",
	.fs = { "tmpfs" },
	.max_ratio = 1.01,
	.setup = setup,
	.timed_op = timed_op,
};

BENCH(timer_idle);
