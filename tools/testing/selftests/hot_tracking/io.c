// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/syscall.h>

#include "helpers.h"
#include "io.h"

#ifndef __NR_cachestat
#define __NR_cachestat 451
#endif

/* As direct I/O wants it. */
static alignas(PAGE) char buffer[MIB];

int open_file(const char *dir, const char *name, int flags)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDWR | O_CREAT | flags, 0644);
	if (fd < 0)
		broken(path);
	return fd;
}

void fill(int fd, off_t offset, size_t length)
{
	size_t part;

	memset(buffer, 'x', sizeof(buffer));
	for (; length; length -= part, offset += part) {
		part = length < sizeof(buffer) ? length : sizeof(buffer);
		write_at(fd, offset, part);
	}
}

unsigned long long pages_cached(int fd)
{
	/* struct cachestat_range and struct cachestat, which the C library's headers lack. */
	uint64_t whole_file[2] = { 0, 0 };
	struct {
		uint64_t cached, dirty, writeback, evicted, recently_evicted;
	} stat;

	if (syscall(__NR_cachestat, fd, whole_file, &stat, 0))
		broken("cachestat");
	return stat.cached;
}

void make_cold(int fd)
{
	/* EINVAL: a filesystem that is never written to. */
	if (fsync(fd) && errno != EINVAL)
		broken("fsync");
	errno = posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	if (errno)
		broken("POSIX_FADV_DONTNEED");
	/* A page that is being looked at by someone else, by reclaim for instance, stays. */
	while (pages_cached(fd))
		drop_caches();
}

void no_readahead(int fd)
{
	errno = posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
	if (errno)
		broken("POSIX_FADV_RANDOM");
}

void read_at(int fd, off_t offset, size_t length)
{
	ssize_t ret = length <= sizeof(buffer) ? pread(fd, buffer, length, offset) : -1;

	if (ret != (ssize_t)length)
		broken("pread");
}

void write_at(int fd, off_t offset, size_t length)
{
	ssize_t ret = length <= sizeof(buffer) ? pwrite(fd, buffer, length, offset) : -1;

	if (ret != (ssize_t)length)
		broken("pwrite");
}

unsigned int shuffled(unsigned int n, unsigned int count)
{
	/* Full period: the increment is odd and the factor less one is divisible by 4. */
	return (n * 0x9e3779b1U + 7) & (count - 1);
}
