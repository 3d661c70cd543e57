// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "../kselftest.h"
#include "helpers.h"

noreturn void broken(const char *what)
{
	fprintf(stderr, "# the test cannot go on: %s: %s\n", what, strerror(errno));
	_exit(KSFT_FAIL);
}

int loops(int quick, int full)
{
	const char *level = getenv("SEPTET_LEVEL");

	return level && !strcmp(level, "full") ? full : quick;
}

const char *flags_missing(void)
{
	const char *require = getenv("SEPTET_REQUIRE");

	/* Who knows the flag comes to see that the empty name is no file. */
	if ((require && *require) || ren("", "", RENAME_REPLACE) != -EINVAL)
		return NULL;
	return "kernel without the new flags (RENAMEAT2_FLAGS)";
}

void need_root(void)
{
	if (geteuid())
		ksft_exit_skip("run it as root: it mounts filesystems of its own\n");
}

void need_flags(void)
{
	need_root();
	if (flags_missing())
		ksft_exit_skip("%s\n", flags_missing());
}

int put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		ret = -errno;
	close(fd);
	return ret;
}

int rename_at(int old_dir, const char *old, int new_dir, const char *new, unsigned long flags,
	      const void *sixth)
{
	return syscall(SYS_renameat2, old_dir, old, new_dir, new, flags, sixth) ? -errno : 0;
}

int ren(const char *old, const char *new, unsigned int flags)
{
	return rename_at(AT_FDCWD, old, AT_FDCWD, new, flags, NULL);
}

int ren_if(const char *old, const char *new, unsigned int flags, struct rename_cond cond)
{
	cond.size = sizeof(cond);
	return rename_at(AT_FDCWD, old, AT_FDCWD, new, flags | RENAME_COND, &cond);
}

struct rename_cond target_is(int fd)
{
	return (struct rename_cond) { .mask = RENAME_COND_TARGET_IS, .target_fd = fd };
}

struct rename_cond source_is(int fd)
{
	return (struct rename_cond) { .mask = RENAME_COND_SOURCE_IS, .source_fd = fd };
}

struct rename_cond no_target(void)
{
	return target_is(-1);
}

struct rename_cond source_newer(void)
{
	return (struct rename_cond) { .mask = RENAME_COND_SOURCE_NEWER };
}

static struct stat look(const char *name)
{
	struct stat st;

	if (lstat(name, &st))
		broken(name);
	return st;
}

struct rename_cond unchanged(const char *name)
{
	struct stat st = look(name);

	return (struct rename_cond) {
		.mask = RENAME_COND_TARGET_UNCHANGED,
		.target_mtime_sec = st.st_mtim.tv_sec,
		.target_mtime_nsec = st.st_mtim.tv_nsec,
		.target_size = st.st_size,
	};
}

struct rename_cond both(struct rename_cond a, struct rename_cond b)
{
	if (b.mask & RENAME_COND_TARGET_IS)
		a.target_fd = b.target_fd;
	if (b.mask & RENAME_COND_SOURCE_IS)
		a.source_fd = b.source_fd;
	if (b.mask & RENAME_COND_TARGET_UNCHANGED) {
		a.target_mtime_sec = b.target_mtime_sec;
		a.target_mtime_nsec = b.target_mtime_nsec;
		a.target_size = b.target_size;
	}
	a.mask |= b.mask;
	return a;
}

void make_file(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		broken(name);
	close(fd);
}

void make_dir(const char *name)
{
	if (mkdir(name, 0755))
		broken(name);
}

int open_path(const char *name)
{
	int fd = open(name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		broken(name);
	return fd;
}

bool exists(const char *name)
{
	struct stat st;

	return !lstat(name, &st);
}

const char *text_of(const char *name)
{
	static char text[256];
	struct stat st;
	ssize_t len;
	int fd;

	if (lstat(name, &st))
		return "(there is no such name)";
	if (!S_ISREG(st.st_mode))
		return "(that is no file)";
	fd = open(name, O_RDONLY | O_CLOEXEC);
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (len < 0)
		return "(it cannot be read)";
	text[len] = 0;
	return text;
}

bool holds(const char *name, const char *text)
{
	return !strcmp(text_of(name), text);
}

bool same_file(const char *name, int fd)
{
	struct stat named = look(name), opened;

	if (fstat(fd, &opened))
		broken("fstat");
	return named.st_ino == opened.st_ino && named.st_dev == opened.st_dev;
}

void set_mtime(const char *name, long long sec, long nsec)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { sec, nsec } };

	if (utimensat(AT_FDCWD, name, times, AT_SYMLINK_NOFOLLOW))
		broken(name);
}

static sigset_t lease_signal(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGIO);
	return set;
}

void note_lease_breaks(void)
{
	sigset_t set = lease_signal();

	sigprocmask(SIG_BLOCK, &set, NULL);
}

bool lease_was_broken(void)
{
	struct timespec none = {};
	sigset_t set = lease_signal();

	return sigtimedwait(&set, NULL, &none) == SIGIO;
}

int reap(pid_t pid)
{
	int status;

	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		broken("a child");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
