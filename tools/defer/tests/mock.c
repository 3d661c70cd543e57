// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "defer.h"
#include "tests/mock.h"

struct mock mock;

/* The C library's function of this name, of the type that the caller is of. */
#define NEXT(function) ((__typeof__(function) *)dlsym(RTLD_NEXT, #function))

static void remember(enum call call, int flags, clockid_t clock, __u64 ns)
{
	if (mock.calls >= 16)
		abort();
	mock.made[mock.calls].call = call;
	mock.made[mock.calls].flags = flags;
	mock.made[mock.calls].clock = clock;
	mock.made[mock.calls++].ns = ns;
}

static __u64 to_ns(const struct timespec *t)
{
	return t ? t->tv_sec * 1000000000LL + t->tv_nsec : 0;
}

/*
 * Constructors of other libraries, as this one, may run before that of
 * libdefer.so, which gets this call first. It does not count calls with the flag.
 */
static __attribute__((constructor)) void call_early(void)
{
	struct timespec none = { 0 };

	if (clock_nanosleep(CLOCK_MONOTONIC, TIMER_IS_DEFERRABLE, &none, NULL))
		abort();
	memset(&mock, 0, sizeof(mock));
	mock.flag_err = getenv(MOCK_REFUSE) ? EINVAL : 0;
}

static int refused(int flags)
{
	if (!mock.flag_err || !(flags & TIMER_IS_DEFERRABLE))
		return 0;
	errno = mock.flag_err;
	return -1;
}

int timerfd_settime(int fd, int flags, const struct itimerspec *new, struct itimerspec *old)
{
	remember(TIMERFD_SETTIME, flags, 0, to_ns(new ? &new->it_value : NULL));
	return refused(flags) ?:
	       NEXT(timerfd_settime)(fd, flags & ~TFD_TIMER_IS_DEFERRABLE, new, old);
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list list;
	void *arg;

	va_start(list, request);
	arg = va_arg(list, void *);
	va_end(list);
	if (request != TFD_IOC_SET_DEFER_MAX)
		return NEXT(ioctl)(fd, request, arg);
	remember(SET_DEFER_MAX, 0, 0, *(__u64 *)arg);
	if (!mock.bound_err)
		return 0;
	errno = mock.bound_err;
	return -1;
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *request,
		    struct timespec *left)
{
	remember(CLOCK_NANOSLEEP, flags, clock, to_ns(request));
	if (mock.flag_err && flags & TIMER_IS_DEFERRABLE)
		return mock.flag_err;
	return NEXT(clock_nanosleep)(clock, flags & ~TIMER_IS_DEFERRABLE, request, left);
}

int nanosleep(const struct timespec *request, struct timespec *left)
{
	remember(NANOSLEEP, 0, 0, to_ns(request));
	return NEXT(nanosleep)(request, left);
}

int usleep(useconds_t us)
{
	remember(USLEEP, 0, 0, us * 1000ULL);
	return NEXT(usleep)(us);
}

unsigned int sleep(unsigned int seconds)
{
	remember(SLEEP, 0, 0, seconds * 1000000000ULL);
	return NEXT(sleep)(seconds);
}

__attribute__((symver("timer_settime@@GLIBC_2.34"), symver("timer_settime@GLIBC_2.3.3")))
int timer_settime_new(timer_t id, int flags, const struct itimerspec *new, struct itimerspec *old)
{
	remember(TIMER_SETTIME, flags, 0, to_ns(&new->it_value));
	return refused(flags) ?:
	       NEXT(timer_settime)(id, flags & ~TIMER_IS_DEFERRABLE, new, old);
}

__attribute__((symver("timer_settime@GLIBC_2.2.5")))
int timer_settime_old(timer_t id, int flags, const struct itimerspec *new, struct itimerspec *old)
{
	__typeof__(timer_settime_old) *next = dlvsym(RTLD_NEXT, "timer_settime", "GLIBC_2.2.5");

	remember(TIMER_SETTIME_OLD, flags, 0, to_ns(&new->it_value));
	return refused(flags) ?: next(id, flags & ~TIMER_IS_DEFERRABLE, new, old);
}

FILE *fopen(const char *path, const char *mode)
{
	const char *sysctl = getenv(MOCK_SYSCTL);

	if (sysctl && !strcmp(path, "/proc/sys/kernel/timer_defer_max_ms"))
		path = sysctl;
	return NEXT(fopen)(path, mode);
}
