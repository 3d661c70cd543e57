/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How long the CPU is kept by releasing many locks.
 *
 * A real-time thread wakes up all the time; the longest time between two of its turns is how long
 * something else could not be interrupted. That is at least as long as the spinlock of the file
 * was held in one go, for the kernel does not give up the CPU meanwhile.
 */
#ifndef SEPTET_BENCH_LOCKS_STALL_H
#define SEPTET_BENCH_LOCKS_STALL_H

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "locks.h"

/* Nanoseconds, which are instructions, from one turn to the next where nothing is in the way. */
#define WATCH_PERIOD	20000

static long locks;
static atomic_bool watched;

/* The longest time between two turns, in ticks. */
static void *watch(void *longest)
{
	const struct timespec period = { .tv_nsec = WATCH_PERIOD };
	unsigned long *most = longest, last = bench_ticks();

	while (watched) {
		unsigned long now;

		if (nanosleep(&period, NULL))
			bench_fail("nanosleep");
		now = bench_ticks();
		if (now - last > *most)
			*most = now - last;
		last = now;
	}
	return NULL;
}

/* Lock @n bytes; the longest time between two turns while @release unlocks and closes the file. */
static inline unsigned long longest_stall(long n, void (*release)(int fd))
{
	const struct sched_param param = { .sched_priority = 1 };
	int fd = bench_open("file");
	unsigned long longest = 0;
	pthread_attr_t attr;
	pthread_t thread;

	fill(fd, n);
	watched = true;
	pthread_attr_init(&attr);
	pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
	pthread_attr_setschedpolicy(&attr, SCHED_FIFO);
	pthread_attr_setschedparam(&attr, &param);
	errno = pthread_create(&thread, &attr, watch, &longest);
	if (errno)
		bench_fail("pthread_create");
	release(fd);
	watched = false;
	pthread_join(thread, NULL);
	return longest;
}

static void setup(long n)
{
	need_index();
	locks = n;
}

#endif
