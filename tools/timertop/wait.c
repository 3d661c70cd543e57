// SPDX-License-Identifier: GPL-2.0
/* Sleeping until a time, a key or a signal, without a moment in which a signal is missed. */
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#include "timertop.h"

static atomic_bool stop;

static void on_signal(int sig)
{
	(void)sig;
	stop = true;
}

/* From here on, the signals that end a program do so only in wait_until(). */
void signals_catch(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	struct sigaction action = { .sa_handler = on_signal };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		sigaddset(&set, signals[i]);
		sigaction(signals[i], &action, NULL);
	}
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

bool signals_seen(void)
{
	return stop;
}

__u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/**
 * wait_until - sleep
 * @ns: until this time
 * @fd: or until this can be read, or the window changes its size; -1: neither
 *
 * Return: whether fd can be read.
 */
bool wait_until(__u64 ns, int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	sigset_t none;

	sigemptyset(&none);
	while (!stop) {
		__u64 now = now_ns(), left = ns > now ? ns - now : 0;
		struct timespec ts = { left / 1000000000, left % 1000000000 };
		int ready = ppoll(&pfd, 1, &ts, &none);

		if (ready > 0)
			return true;
		if (!left || (ready < 0 && fd >= 0))
			return false;
	}
	return false;
}
