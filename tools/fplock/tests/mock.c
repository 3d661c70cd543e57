// SPDX-License-Identifier: GPL-2.0
/* The kernel that mock.h describes. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/file_private_locks.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <time.h>

#include "mock.h"

#define NS_PER_SEC 1000000000LL
#define TICK_NS 1000000

struct mock mock;

/* The C library's function, under the name that it has for files of 64 bits. */
#define NEXT(function, name) ((__typeof__(function) *)dlsym(RTLD_NEXT, name))

static __attribute__((constructor)) void read_environment(void)
{
	static const char * const kernels[] = { "", "timed", "stock", "remote", "old" };
	const char *kernel = getenv("MOCK_KERNEL"), *error = getenv("MOCK_ERRNO");
	int command, number;

	for (int i = 0; kernel && i < 5; i++)
		if (!strcmp(kernel, kernels[i]))
			mock.kernel = i;
	if (error && sscanf(error, "%d:%d", &command, &number) == 2)
		mock.errors[command == F_SETLKPT ? MOCK_UNTIL : command - F_GETLKP] = number;
}

static void advance(int64_t ns)
{
	for (int i = 0; i < MOCK_CLOCKS; i++)
		mock.now[i] += ns;
}

static void pause_for(int64_t ns)
{
	const struct timespec t = { .tv_nsec = ns };

	if (!mock.has_clock) {
		NEXT(clock_nanosleep, "clock_nanosleep")(CLOCK_MONOTONIC, 0, &t, NULL);
		return;
	}
	advance(ns);
	if (mock.at_pause)
		mock.at_pause();
}

static int fail(int err)
{
	errno = err;
	return -1;
}

static int set(int fd, struct flock *fl)
{
	int ret = NEXT(fcntl, "fcntl64")(fd, F_SETLKP, fl);

	return ret && errno == EAGAIN && mock.says_eacces ? fail(EACCES) : ret;
}

static bool is_over(const struct flockp_how *how)
{
	struct timespec now;

	clock_gettime(how->clockid, &now);
	return how->deadline_sec < now.tv_sec ||
	       (how->deadline_sec == now.tv_sec && how->deadline_nsec <= now.tv_nsec);
}

static int set_until(int fd, const struct flockp_how *how)
{
	struct flock fl = { .l_type = how->type, .l_whence = how->whence, .l_start = how->start,
			    .l_len = how->len };

	if (how->size != sizeof(*how) || how->flags & ~FLKP_DEADLINE || how->resv)
		return fail(EINVAL);
	for (;;) {
		bool over = !(how->flags & FLKP_DEADLINE) || is_over(how);

		if (!set(fd, &fl))
			return 0;
		if (errno != EAGAIN)
			return -1;
		if (over)
			return fail(ETIMEDOUT);
		pause_for(TICK_NS);
	}
}

static bool is_in_memory(int fd)
{
	return NEXT(fcntl, "fcntl64")(fd, F_GET_SEALS, 0) >= 0;
}

int fcntl(int fd, int command, ...)
{
	enum mock_command which = command == F_SETLKPT ? MOCK_UNTIL : command - F_GETLKP;
	va_list list;
	void *arg;

	va_start(list, command);
	arg = va_arg(list, void *);
	va_end(list);
	if (which >= MOCK_COMMANDS || (which == MOCK_UNTIL && command != F_SETLKPT))
		return NEXT(fcntl, "fcntl64")(fd, command, arg);
	mock.calls[which]++;
	if (mock.errors[which])
		return fail(mock.errors[which]);
	if (mock.kernel == MOCK_OLD)
		return fail(EINVAL);
	if (which == MOCK_GET && mock.cannot_tell && ((struct flock *)arg)->l_type == F_UNLCK)
		return fail(EINVAL);
	if (which == MOCK_SET)
		return set(fd, arg);
	if (which == MOCK_UNTIL && mock.kernel == MOCK_STOCK)
		return fail(EINVAL);
	if (which == MOCK_UNTIL && mock.kernel == MOCK_REMOTE && !is_in_memory(fd))
		return fail(EOPNOTSUPP);
	if (which == MOCK_UNTIL && mock.kernel)
		return set_until(fd, arg);
	return NEXT(fcntl, "fcntl64")(fd, command, arg);
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
	if (!mock.has_clock || clock < 0 || clock >= MOCK_CLOCKS)
		return NEXT(clock_gettime, "clock_gettime")(clock, now);
	now->tv_sec = mock.now[clock] / NS_PER_SEC;
	now->tv_nsec = mock.now[clock] % NS_PER_SEC;
	return 0;
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *t, struct timespec *left)
{
	const int64_t ns = t->tv_sec * NS_PER_SEC + t->tv_nsec;

	if (!mock.has_clock)
		return NEXT(clock_nanosleep, "clock_nanosleep")(clock, flags, t, left);
	if (flags || mock.pauses == MOCK_PAUSES)
		abort();
	if (mock.pause_error)
		return mock.pause_error;
	mock.pause[mock.pauses++] = ns;
	pause_for(ns);
	return 0;
}

int memfd_create(const char *name, unsigned int flags)
{
	if (mock.memfd_error)
		return fail(mock.memfd_error);
	return NEXT(memfd_create, "memfd_create")(name, flags);
}

int statfs(const char *path, struct statfs *fs)
{
	if (mock.no_proc)
		return fail(ENOENT);
	return NEXT(statfs, "statfs64")(path, fs);
}
