// SPDX-License-Identifier: GPL-2.0
/* hotmap: sleeping until a time or a signal, without a moment in which a signal is missed. */
#include <signal.h>
#include <time.h>

#include "hotmap_request.h"

static sigset_t ends;

/* From here on, the signals that end a program wait for sleep_until(). */
void signals_block(void)
{
	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGHUP);
	sigaddset(&ends, SIGQUIT);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	/* So that a pipe that nobody reads is an error with a message. */
	signal(SIGPIPE, SIG_IGN);
}

/* Milliseconds that go on while the machine is suspended, and that nobody sets. */
__u64 boot_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec * 1000ULL + now.tv_nsec / 1000000;
}

/* Until boot_ms() is @ms. False if a signal came. */
bool sleep_until(__u64 ms)
{
	do {
		__u64 now = boot_ms(), left = ms > now ? ms - now : 0;
		struct timespec timeout = { left / 1000, left % 1000 * 1000000 };

		if (sigtimedwait(&ends, NULL, &timeout) > 0)
			return false;
	} while (boot_ms() < ms);
	return true;
}
