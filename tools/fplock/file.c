// SPDX-License-Identifier: GPL-2.0
/* fplock: what is said of a file and its locks. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fplock.h"

void process_name(pid_t pid, char name[COMMAND_NAME])
{
	char path[sizeof("/proc/-2147483648/comm")];
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, name, COMMAND_NAME - 1);
		close(fd);
	}
	name[n > 0 ? n : 0] = '\0';
	if (n > 0 && name[n - 1] == '\n')
		name[n - 1] = '\0';
}

static void owner_text(char *text, size_t size, pid_t pid)
{
	char name[COMMAND_NAME];

	if (pid == -1) {
		snprintf(text, size, "an open file");
	} else if (!pid) {
		snprintf(text, size, "a process that cannot be seen from here");
	} else if (pid < 0) {
		snprintf(text, size, "another host");
	} else {
		process_name(pid, name);
		if (*name)
			snprintf(text, size, "process %d (%s)", pid, shown(name));
		else
			snprintf(text, size, "process %d", pid);
	}
}

const char *bytes_text(char text[BYTES_TEXT], int64_t start, int64_t len)
{
	if (len)
		snprintf(text, BYTES_TEXT, "bytes %lld to %lld", (long long)start,
			 (long long)(start + (len - 1)));
	else if (start)
		snprintf(text, BYTES_TEXT, "byte %lld and up", (long long)start);
	else
		snprintf(text, BYTES_TEXT, "all bytes");
	return text;
}

const char *found_text(char text[FOUND_TEXT], const struct flockp_found *found)
{
	char owner[128], bytes[BYTES_TEXT];

	owner_text(owner, sizeof(owner), found->pid);
	bytes_text(bytes, found->start, found->len);
	snprintf(text, FOUND_TEXT, "a %s lock of %s on %s is in the way",
		 found->type == F_WRLCK ? "write" : "read", owner, bytes);
	return text;
}

int open_any(struct flockp **lock, const char *path)
{
	/* Some files would make it wait. */
	const int flags = O_NOCTTY | O_NONBLOCK;
	int ret = flockp_open(lock, path, O_RDONLY | flags, 0);

	return ret == -EACCES ? flockp_open(lock, path, O_WRONLY | flags, 0) : ret;
}

int lock_failed(const char *path, int err, const char *what)
{
	int served = flockp_probe();

	if (served >= 0 && !(served & FLOCKP_PRIVATE))
		return say(EXIT_KERNEL, path, "this kernel has no file-private locks");
	return say(EXIT_OTHER, path, "%s: %s", what, strerror(-err));
}
