// SPDX-License-Identifier: GPL-2.0
/*
 * Add a line to a file that other programs replace as well, and lose nobody's change.
 *
 * Usage: example FILE LINE
 * Exit status: 0 if the line is in FILE and on stable storage, else 1.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/renameat2.h>

static const char *temporary;	/* its name, while there is one */

static void fail(const char *what)
{
	fprintf(stderr, "example: %s: %s\n", what, strerror(errno));
	if (temporary)
		unlink(temporary);
	exit(1);
}

/* The C library's renameat2() has no sixth argument. */
static int rename_if(const char *old, const char *new, unsigned int flags,
		     const struct rename_cond *cond)
{
	return syscall(SYS_renameat2, AT_FDCWD, old, AT_FDCWD, new, flags | RENAME_COND, cond);
}

static void put(int fd, const char *data, size_t len)
{
	if (write(fd, data, len) != (ssize_t)len)
		fail("write");
}

static void copy(int from, int to)
{
	char data[65536];
	ssize_t len;

	while ((len = read(from, data, sizeof(data))) > 0)
		put(to, data, len);
	if (len)
		fail("read");
}

/* Whether the line was added; if not, somebody else was faster. */
static int add_line(const char *path, const char *line)
{
	struct rename_cond cond = {
		.size = sizeof(cond),
		.mask = RENAME_COND_TARGET_IS | RENAME_COND_SOURCE_IS,
	};
	int old = open(path, O_RDONLY | O_CLOEXEC), new, failed, error;
	struct stat seen = { .st_mode = 0644 };
	char name[4096];

	if (old < 0 && errno != ENOENT)
		fail(path);
	/* Before it is read: what is written meanwhile must not look like what was read. */
	if (old >= 0) {
		if (fstat(old, &seen))
			fail(path);
		cond.mask |= RENAME_COND_TARGET_UNCHANGED;
		cond.target_mtime_sec = seen.st_mtim.tv_sec;
		cond.target_mtime_nsec = seen.st_mtim.tv_nsec;
		cond.target_size = seen.st_size;
	}
	/* -1, if there is no file: then there must still be none. */
	cond.target_fd = old < 0 ? -1 : old;

	snprintf(name, sizeof(name), "%s.XXXXXX", path);
	new = mkostemp(name, O_CLOEXEC);
	if (new < 0)
		fail(name);
	temporary = name;
	cond.source_fd = new;
	if (old >= 0)
		copy(old, new);
	put(new, line, strlen(line));
	put(new, "\n", 1);
	if (fchmod(new, seen.st_mode & 07777))
		fail(name);

	failed = rename_if(name, path, RENAME_SYNC, &cond);
	error = errno;
	close(new);
	if (old >= 0)
		close(old);
	temporary = NULL;
	if (!failed)
		return 1;

	/* It can't be removed if it has the other name by now. */
	if (unlink(name) && errno == ENOENT)
		fprintf(stderr, "example: renamed, but perhaps not on stable storage\n");
	errno = error;
	/* ENOENT: what was read has been deleted. */
	if (error != EAGAIN && error != ENOENT)
		fail(error == EINVAL ? "RENAME_COND, which this kernel may lack" : "renameat2");
	return 0;
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: example FILE LINE\n");
		return 1;
	}
	while (!add_line(argv[1], argv[2]))
		;
	return 0;
}
