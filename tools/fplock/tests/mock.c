// SPDX-License-Identifier: GPL-2.0
/* The kernel that mock.h describes. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>

#include "mock.h"

#define NS_PER_SEC 1000000000LL
#define TICK_NS 1000000

struct mock mock;

/* The C library's function, under the name that it has for files of 64 bits. */
#define NEXT(function, name) ((__typeof__(function) *)dlsym(RTLD_NEXT, name))

static enum mock_command number_of(int command)
{
	switch (command) {
	case F_GETLKP ... F_SETLKPW:
		return command - F_GETLKP;
	case F_SETLKPT:
		return MOCK_UNTIL;
	case F_ENUMLKP:
		return MOCK_LIST;
	default:
		return MOCK_COMMANDS;
	}
}

static void read_locks(const char *path)
{
	FILE *f = fopen(path, "re");
	struct mock_lock *l = mock.locks;

	while (f && l < mock.locks + MOCK_LOCKS &&
	       fscanf(f, "%lu %llx %lld %lld %llu %u %x %d", &l->ino, &l->entry.owner,
		      &l->entry.start, &l->entry.len, &l->entry.age_ns, &l->entry.type,
		      &l->entry.flags, &l->entry.pid) == 8)
		l++;
	mock.nr_locks = l - mock.locks;
	if (f)
		fclose(f);
}

static __attribute__((constructor)) void read_environment(void)
{
	static const char * const kernels[] = { "", "timed", "stock", "remote", "old", "full" };
	const char *kernel = getenv("MOCK_KERNEL"), *error = getenv("MOCK_ERRNO"),
		   *locks = getenv("MOCK_LOCKS");
	int command, number;

	mock.proc = getenv("MOCK_PROC");
	for (int i = 0; kernel && i < 6; i++)
		if (!strcmp(kernel, kernels[i]))
			mock.kernel = i;
	if (error && sscanf(error, "%d:%d", &command, &number) == 2)
		mock.errors[number_of(command)] = number;
	if (locks)
		read_locks(locks);
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

static bool is_in_memory(int fd)
{
	return NEXT(fcntl, "fcntl64")(fd, F_GET_SEALS, 0) >= 0;
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

	const uint32_t known = FLKP_DEADLINE | (mock.kernel == MOCK_FULL ? FLKP_FAIR : 0) |
			       (mock.kernel == MOCK_FULL && !mock.no_task ? FLKP_TASK : 0);

	if (how->size != sizeof(*how) || how->flags & ~known || how->resv ||
	    (how->type == F_UNLCK && how->flags & (FLKP_FAIR | FLKP_TASK)))
		return fail(EINVAL);
	mock.fair += how->flags & FLKP_FAIR && how->type == F_WRLCK;
	mock.task += how->flags & FLKP_TASK && how->type == F_WRLCK;
	if (mock.interruptions && !is_in_memory(fd)) {
		mock.interruptions--;
		return fail(EINTR);
	}
	for (;;) {
		bool over = !(how->flags & FLKP_DEADLINE) || is_over(how);

		if (!set(fd, &fl))
			return 0;
		if (errno != EAGAIN)
			return -1;
		if (over && how->flags & FLKP_DEADLINE)
			return fail(ETIMEDOUT);
		pause_for(TICK_NS);
	}
}

static bool is_wanted(const struct flockp_enum *how, const struct mock_lock *lock, uint64_t ino)
{
	const uint32_t states = FLKP_HELD | FLKP_WAITING,
		       kinds = FLKP_PRIVATE | FLKP_CLASSIC | FLKP_FLOCK;
	const struct flockp_entry *e = &lock->entry;
	const uint32_t wanted = how->flags & states ?: states, kind = how->flags & kinds ?: kinds;
	const int64_t last = how->len ? how->start + how->len - 1 : INT64_MAX,
		      end = e->len ? e->start + e->len - 1 : INT64_MAX;

	return (!lock->ino || lock->ino == ino) && e->flags & wanted && e->flags & kind &&
	       e->start <= last && how->start <= end;
}

static int list_locks(int fd, struct flockp_enum *how)
{
	const unsigned int size = mock.entry_size ?: sizeof(struct flockp_entry);
	const uint64_t next = how->cursor[0];
	unsigned int i = next;
	uint32_t count = 0, most = how->count;
	struct stat st;

	if (mock.interruptions) {
		mock.interruptions--;
		return fail(EINTR);
	}
	if (mock.kernel != MOCK_FULL || how->size != sizeof(*how) || !how->count ||
	    how->entry_size < FLOCKP_ENTRY_SIZE_VER0 || how->start < 0 || how->len < 0 ||
	    how->cursor[1] != (next ? ~next : 0))
		return fail(EINVAL);
	if (fstat(fd, &st) || (NEXT(fcntl, "fcntl64")(fd, F_GETFL, 0) & O_PATH))
		return fail(EBADF);
	if (mock.batch && mock.batch < most)
		most = mock.batch;
	for (; i < mock.nr_locks && count < most; i++) {
		unsigned char *entry = (unsigned char *)(uintptr_t)how->entries +
				       (size_t)how->entry_size * count;

		if (!is_wanted(how, &mock.locks[i], st.st_ino))
			continue;
		/* A kernel that has shorter entries leaves the rest 0. */
		memset(entry, 0, how->entry_size);
		memcpy(entry, &mock.locks[i].entry, size);
		count++;
	}
	how->cursor[0] = i;
	how->cursor[1] = ~(uint64_t)i;
	return count;
}

int fcntl(int fd, int command, ...)
{
	enum mock_command which = number_of(command);
	va_list list;
	void *arg;

	va_start(list, command);
	arg = va_arg(list, void *);
	va_end(list);
	if (which == MOCK_COMMANDS)
		return NEXT(fcntl, "fcntl64")(fd, command, arg);
	mock.calls[which]++;
	if (mock.errors[which])
		return fail(mock.errors[which]);
	if (mock.kernel == MOCK_OLD)
		return fail(EINVAL);
	if (which == MOCK_LIST && mock.kernel)
		return list_locks(fd, arg);
	if (which == MOCK_GET && mock.cannot_tell && ((struct flock *)arg)->l_type == F_UNLCK)
		return fail(EINVAL);
	if (which == MOCK_SET)
		return set(fd, arg);
	if (which == MOCK_UNTIL && mock.kernel == MOCK_STOCK)
		return fail(EINVAL);
	if (which == MOCK_UNTIL && mock.kernel == MOCK_REMOTE && !is_in_memory(fd))
		/* What is unknown to all is found first. */
		return fail(((struct flockp_how *)arg)->flags & (FLKP_FAIR | FLKP_TASK) ? EINVAL :
			    EOPNOTSUPP);
	if (which == MOCK_UNTIL && mock.kernel)
		return set_until(fd, arg);
	return NEXT(fcntl, "fcntl64")(fd, command, arg);
}

int open(const char *path, int flags, ...)
{
	char other[PATH_MAX];
	va_list list;
	mode_t mode;

	va_start(list, flags);
	mode = va_arg(list, mode_t);
	va_end(list);
	if (mock.proc && !strncmp(path, "/proc", 5) && (!path[5] || path[5] == '/')) {
		snprintf(other, sizeof(other), "%s%s", mock.proc, path + 5);
		path = other;
	}
	return NEXT(open, "open64")(path, flags, mode);
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
