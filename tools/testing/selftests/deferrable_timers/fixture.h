/* SPDX-License-Identifier: GPL-2.0 */
/* For programs that use the harness: a timer, and a system that is put back afterwards. */
#ifndef DEFERRABLE_TIMERS_FIXTURE_H
#define DEFERRABLE_TIMERS_FIXTURE_H

#include <fcntl.h>
#include <unistd.h>

#include "../kselftest_harness.h"
#include "helpers.h"

/* Seconds for a test that loops() often: enough for a slow emulated machine. */
#define LONG_TIMEOUT 600

#define DEFERRABLE TFD_TIMER_IS_DEFERRABLE

FIXTURE(timer)
{
	struct system_state before;
	int fd;			/* on CLOCK_MONOTONIC */
};

FIXTURE_SETUP(timer)
{
	system_prepare(&self->before);
	self->fd = open_timer(CLOCK_MONOTONIC);
}

/* In the parent, which goes on when the test is broken() or crashes. */
FIXTURE_TEARDOWN_PARENT(timer)
{
	system_restore(&self->before);
}

static inline int run_tests(int argc, char **argv)
{
	need_interface();
	return test_harness_run(argc, argv);
}

#endif /* DEFERRABLE_TIMERS_FIXTURE_H */
