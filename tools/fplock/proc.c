// SPDX-License-Identifier: GPL-2.0
/* fplock: what /proc says of open files and those who wait for locks. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "snapshot.h"

#define PATH_SIZE sizeof("/proc/-2147483648/fdinfo/-2147483648")

static FILE *open_text(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");

	if (!f && fd >= 0)
		close(fd);
	return f;
}

/* 16 digits; NULL if there are others, else what follows. */
static const char *parse_cookie(const char *text, uint64_t *cookie)
{
	for (int i = 0; i < 16; i++)
		if (!isxdigit((unsigned char)text[i]))
			return NULL;
	*cookie = strtoull(text, NULL, 16);
	return text + 16;
}

bool parse_fdinfo(const char *line, struct owners *owners)
{
	static const char ino[] = "ino:\t", cookies[] = "lock-owner:\t";
	struct owners found = *owners;
	const char *rest;

	if (!strncmp(line, ino, strlen(ino))) {
		owners->ino = strtoull(line + strlen(ino), NULL, 10);
		return false;
	}
	if (strncmp(line, cookies, strlen(cookies)))
		return false;
	rest = parse_cookie(line + strlen(cookies), &found.open_file);
	if (!rest || *rest != ' ')
		return false;
	rest = parse_cookie(rest + 1, &found.process);
	/* Later kernels may have more. */
	if (!rest || (*rest && *rest != '\n' && *rest != ' '))
		return false;
	*owners = found;
	return true;
}

bool parse_waited(const char *line, uint64_t *ino)
{
	const char *waiter = strstr(line, "-> ");
	unsigned int major, minor;
	unsigned long long number;

	if (!waiter || sscanf(waiter, "-> %*s %*s %*s %*d %x:%x:%llu ", &major, &minor,
			      &number) != 3)
		return false;
	*ino = number;
	return true;
}

bool proc_owners(pid_t pid, int fd, struct owners *owners)
{
	char path[PATH_SIZE], *line = NULL;
	bool found = false;
	size_t size = 0;
	FILE *f;

	*owners = (struct owners){ 0 };
	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", pid, fd);
	f = open_text(path);
	if (!f)
		return false;
	while (!found && getline(&line, &size, f) > 0)
		found = parse_fdinfo(line, owners);
	free(line);
	fclose(f);
	return found;
}

bool proc_has_threads(pid_t pid)
{
	char path[PATH_SIZE], *line = NULL;
	int threads = 1;
	size_t size = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = open_text(path);
	while (f && getline(&line, &size, f) > 0)
		if (sscanf(line, "Threads:\t%d", &threads) == 1)
			break;
	free(line);
	if (f)
		fclose(f);
	return threads > 1;
}

int proc_each_descriptor(pid_t pid, see_fn *see, void *arg)
{
	char path[PATH_SIZE];
	struct dirent *entry;
	DIR *folder;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	folder = fdopendir(fd);
	if (!folder) {
		close(fd);
		return -ENOMEM;
	}
	errno = 0;
	while ((entry = readdir(folder))) {
		if (parse_number(entry->d_name, INT_MAX, &fd))
			see(arg, pid, fd, dirfd(folder));
		errno = 0;
	}
	fd = errno;
	closedir(folder);
	return -fd;
}

bool proc_each(see_fn *see, void *arg)
{
	int fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC), pid;
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	bool complete = false;
	struct dirent *entry;

	if (!folder) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	/* Where the processes of others are hidden, the first one is missing. */
	complete = !faccessat(fd, "1", F_OK, 0);
	while ((entry = readdir(folder))) {
		int ret;

		if (!parse_number(entry->d_name, INT_MAX, &pid))
			continue;
		ret = proc_each_descriptor(pid, see, arg);
		/* Those that have ended hold nothing. */
		if (ret && ret != -ENOENT && ret != -ESRCH)
			complete = false;
	}
	closedir(folder);
	return complete;
}

int proc_waited(uint64_t **inos, size_t *count)
{
	FILE *f = open_text("/proc/locks");
	char *line = NULL;
	size_t size = 0;
	uint64_t ino;

	*inos = NULL;
	*count = 0;
	if (!f)
		return -errno;
	while (getline(&line, &size, f) > 0) {
		size_t i = 0;

		if (!parse_waited(line, &ino))
			continue;
		while (i < *count && (*inos)[i] != ino)
			i++;
		if (i < *count)
			continue;
		*inos = grow(*inos, *count, sizeof(**inos));
		(*inos)[(*count)++] = ino;
	}
	free(line);
	fclose(f);
	return 0;
}
