// SPDX-License-Identifier: GPL-2.0
/* Timers, clocks and futexes. */
#include <signal.h>
#include <time.h>
#include <unistd.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <sys/timex.h>

#include "unchecked_flags.h"

static struct timespec zero;
static struct itimerspec off;
static struct timex state;

static void make_timer(struct call *c)
{
	struct sigevent event = { .sigev_notify = SIGEV_NONE };
	int id;

	must("timer_create", syscall(__NR_timer_create, CLOCK_MONOTONIC, &event, &id));
	c->args[0] = id;
}

/* Nobody waits for this word, and who would wait finds another value. */
static unsigned int word = 1;
static struct futex_waitv waiters[2] = {
	{ .uaddr = PTR(&word), .flags = FUTEX2_SIZE_U32 },
	{ .uaddr = PTR(&word), .flags = FUTEX2_SIZE_U32 },
};

struct call time_calls[] = {
	/* Bit 2 has a meaning since deferrable timers. */
	{ "clock_nanosleep", "flags", 1 << 20, ACCEPTED, .nr = __NR_clock_nanosleep,
	  .args = { CLOCK_MONOTONIC, 0, PTR(&zero) }, .arg = 1 },
	{ "clock_adjtime", "tx.modes", 1 << 9, ACCEPTED, .nr = __NR_clock_adjtime,
	  .args = { CLOCK_REALTIME, PTR(&state) }, MEMBER(state.modes) },
	{ "timer_settime", "flags", 1 << 20, ACCEPTED, .nr = __NR_timer_settime,
	  .args = { 0, 0, PTR(&off) }, .arg = 1, .prepare = make_timer },
	{ "timerfd_create", "flags", 1 << 20, EINVAL, .nr = __NR_timerfd_create,
	  .args = { CLOCK_MONOTONIC }, .arg = 1 },
	{ "timerfd_settime", "flags", 1 << 3, EINVAL, .nr = __NR_timerfd_settime,
	  .args = { FD_TIMER, 0, PTR(&off) }, .arg = 1 },
	{ "timerfd_settime", "flags", 1 << 20, EINVAL, .nr = __NR_timerfd_settime,
	  .args = { FD_TIMER, 0, PTR(&off) }, .arg = 1 },
	{ "futex_wake", "flags", 1 << 20, EINVAL, .nr = __NR_futex_wake,
	  .args = { PTR(&word), FUTEX_BITSET_MATCH_ANY, 1, FUTEX2_SIZE_U32 }, .arg = 3 },
	{ "futex_wait", "flags", 1 << 20, EINVAL, EAGAIN, .nr = __NR_futex_wait,
	  .args = { PTR(&word), 0, FUTEX_BITSET_MATCH_ANY, FUTEX2_SIZE_U32 }, .arg = 3 },
	{ "futex_waitv", "flags", 1 << 20, EINVAL, EAGAIN, .nr = __NR_futex_waitv,
	  .args = { PTR(waiters), 1 }, .arg = 2 },
	{ "futex_waitv", "waiters.flags", 1 << 20, EINVAL, EAGAIN, .nr = __NR_futex_waitv,
	  .args = { PTR(waiters), 1 }, MEMBER(waiters[0].flags) },
	{ "futex_requeue", "flags", 1 << 20, EINVAL, EAGAIN, .nr = __NR_futex_requeue,
	  .args = { PTR(waiters) }, .arg = 1 },
	{ }
};
