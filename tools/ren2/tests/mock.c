// SPDX-License-Identifier: GPL-2.0
/* The kernel that mock.h describes. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/renameat2.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "mock.h"

#define MAINLINE (RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT)
#define OURS (RENAME_SYNC | RENAME_REPLACE | RENAME_COND)
#define CONDITIONS (RENAME_COND_TARGET_IS | RENAME_COND_SOURCE_IS | RENAME_COND_TARGET_UNCHANGED | \
		    RENAME_COND_SOURCE_NEWER)

void (*mock_before)(void);

struct names {
	int source_dir;
	const char *source;
	int target_dir;
	const char *target;
};

static bool is(const char *variable, const char *value)
{
	const char *set = getenv(variable);

	return set && !strcmp(set, value);
}

static int number(const char *variable)
{
	const char *set = getenv(variable);

	return set ? atoi(set) : 0;
}

static bool is_file(int fd, const struct stat *wanted)
{
	struct stat st;

	return !fstat(fd, &st) && st.st_dev == wanted->st_dev && st.st_ino == wanted->st_ino;
}

static bool later(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec > b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec > b->tv_nsec);
}

static int check_struct(const struct rename_cond *c, unsigned int flags)
{
	const unsigned int with_target = RENAME_COND_TARGET_UNCHANGED | RENAME_COND_SOURCE_NEWER;

	if (c->size != sizeof(*c) || !c->mask || c->mask & ~CONDITIONS || c->resv ||
	    (c->mask & RENAME_COND_TARGET_UNCHANGED && c->target_mtime_nsec > 999999999))
		return -EINVAL;
	if (flags & RENAME_NOREPLACE &&
	    (c->mask & with_target || (c->mask & RENAME_COND_TARGET_IS && c->target_fd >= 0)))
		return -EINVAL;
	if ((c->mask & RENAME_COND_TARGET_IS && fcntl(c->target_fd, F_GETFD) < 0) ||
	    (c->mask & RENAME_COND_SOURCE_IS && fcntl(c->source_fd, F_GETFD) < 0))
		return -EBADF;
	return 0;
}

static int check_conditions(const struct names *n, const struct rename_cond *c)
{
	struct stat source, target;
	bool there = !fstatat(n->target_dir, n->target, &target, AT_SYMLINK_NOFOLLOW);

	if (fstatat(n->source_dir, n->source, &source, AT_SYMLINK_NOFOLLOW))
		return -errno;
	if (c->mask & (RENAME_COND_TARGET_IS | RENAME_COND_TARGET_UNCHANGED) && !there)
		return -ENOENT;
	if ((c->mask & RENAME_COND_TARGET_IS && !is_file(c->target_fd, &target)) ||
	    (c->mask & RENAME_COND_SOURCE_IS && !is_file(c->source_fd, &source)) ||
	    (c->mask & RENAME_COND_TARGET_UNCHANGED &&
	     (c->target_mtime_sec != target.st_mtim.tv_sec ||
	      c->target_mtime_nsec != target.st_mtim.tv_nsec ||
	      c->target_size != (unsigned long long)target.st_size)) ||
	    (c->mask & RENAME_COND_SOURCE_NEWER && there &&
	     !later(&source.st_mtim, &target.st_mtim)))
		return -EAGAIN;
	return 0;
}

/* As a filesystem with all flags does it, which the one below need not be. */
static int rename_plainly(const struct names *n, unsigned int flags)
{
	if (renameat2(n->source_dir, n->source, n->target_dir, n->target,
		      flags & (RENAME_NOREPLACE | RENAME_EXCHANGE)))
		return -errno;
	if (flags & RENAME_WHITEOUT &&
	    mknodat(n->source_dir, n->source, S_IFCHR, makedev(0, 0)))
		return -errno;
	return 0;
}

static void others_do(void)
{
	const char *command = getenv("MOCK_RUN");
	char *text;

	if (mock_before)
		mock_before();
	if (command && asprintf(&text, "unset LD_PRELOAD MOCK_RUN; %s", command) > 0) {
		if (system(text))
			fprintf(stderr, "mock: failed: %s\n", command);
		free(text);
	}
}

static int mock_rename(const struct names *n, unsigned int flags, const struct rename_cond *c)
{
	struct stat st;
	int err;

	if (flags & ~MAINLINE & (is("MOCK_KERNEL", "stock") ? ~0 : ~OURS))
		return -EINVAL;
	if ((flags & RENAME_EXCHANGE && flags & (MAINLINE & ~RENAME_EXCHANGE)) ||
	    (flags & RENAME_REPLACE && flags & (RENAME_NOREPLACE | RENAME_EXCHANGE)))
		return -EINVAL;
	if (flags & RENAME_COND && !c)
		return -EFAULT;
	err = flags & RENAME_COND ? check_struct(c, flags) : 0;
	if (err)
		return err;
	if (n->source_dir == -1)
		return -EBADF;
	others_do();
	if (flags & OURS && is("MOCK_FS", "remote"))
		return -EOPNOTSUPP;
	if (is("MOCK_FS", "liar"))
		flags = 0;
	if (number("MOCK_ERRNO"))
		return -number("MOCK_ERRNO");
	if (flags & (RENAME_EXCHANGE | RENAME_WHITEOUT) && is("MOCK_FS", "plain"))
		return -EINVAL;
	if (flags & RENAME_REPLACE && fstatat(n->target_dir, n->target, &st, AT_SYMLINK_NOFOLLOW))
		return -errno;
	err = flags & RENAME_COND ? check_conditions(n, c) : 0;
	if (!err)
		err = rename_plainly(n, flags);
	return err ?: flags & RENAME_SYNC ? -number("MOCK_LATE") : 0;
}

long syscall(long what, ...)
{
	static long (*real)(long what, ...);
	long a[6];
	va_list list;

	va_start(list, what);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(list, long);
	va_end(list);
	if (what == SYS_renameat2 && !is("MOCK_KERNEL", "old")) {
		const struct names n = { a[0], (const char *)a[1], a[2], (const char *)a[3] };
		int err = mock_rename(&n, a[4], (const struct rename_cond *)a[5]);

		if (!err)
			return 0;
		errno = -err;
		return -1;
	}
	if (!real)
		real = (long (*)(long what, ...))dlsym(RTLD_NEXT, "syscall");
	/* No kernel has a call of this number. */
	if (what == SYS_renameat2)
		what = -1;
	return real(what, a[0], a[1], a[2], a[3], a[4], a[5]);
}
