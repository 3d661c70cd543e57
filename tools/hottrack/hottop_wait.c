// SPDX-License-Identifier: GPL-2.0
/* Sleeping until a time, a key or a signal, without a moment in which a signal is missed. */
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#include "hottop.h"

#define SECOND 1000000000ULL

static atomic_bool stop;

static void on_signal(int sig)
{
	(void)sig;
	stop = true;
}

/* From here on, the signals that end a program are delivered in wait_until() only. */
void signals_catch(void)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	struct sigaction action = { .sa_handler = on_signal };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		sigaction(ends[i], &action, NULL);
		sigaddset(&set, ends[i]);
	}
	sigprocmask(SIG_BLOCK, &set, NULL);
	/* So that output that nobody reads is an error with a message. */
	signal(SIGPIPE, SIG_IGN);
}

bool signals_seen(void)
{
	return stop;
}

__u64 now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * SECOND + now.tv_nsec;
}

/**
 * wait_until - sleep, and let signals in
 * @ns: until this time; if it has passed, only look
 * @fd: or until this can be read, or the window has another size; -1: neither
 *
 * Return: whether @fd can be read.
 */
bool wait_until(__u64 ns, int fd)
{
	struct pollfd input = { .fd = fd, .events = POLLIN };
	sigset_t none;
	int ready;

	sigemptyset(&none);
	do {
		__u64 now = now_ns(), left = ns > now ? ns - now : 0;
		struct timespec timeout = { left / SECOND, left % SECOND };

		ready = ppoll(&input, 1, &timeout, &none);
	} while (ready < 0 && fd < 0 && !stop);
	return ready > 0;
}
