/* SPDX-License-Identifier: GPL-2.0 */
/*
 * libmock.so, loaded behind libdefer.so, plays a kernel with deferrable timers
 * and remembers how it was called; the real kernel never sees the flag.
 */
#ifndef MOCK_H
#define MOCK_H

#include <linux/types.h>
#include <time.h>

enum call { TIMERFD_SETTIME, SET_DEFER_MAX, TIMER_SETTIME, TIMER_SETTIME_OLD,
	    CLOCK_NANOSLEEP, NANOSLEEP, USLEEP, SLEEP };

struct mock {
	/* Set by a test: the error for calls with the flag, and for the bound; 0: none. */
	int flag_err;
	int bound_err;
	/* What was called, and with what. */
	int calls;
	struct {
		enum call call;
		int flags;
		clockid_t clock;
		__u64 ns;	/* how long, until when, or the bound */
	} made[16];
};

/* The environment variables: a file in place of the sysctl; if set, every flag is refused. */
#define MOCK_SYSCTL "MOCK_SYSCTL"
#define MOCK_REFUSE "MOCK_REFUSE"

#endif
