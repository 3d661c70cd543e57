/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the hot tracking benchmarks share: turning tracking on, and files to work on.
 *
 * hot_off_* measure an operation on a kernel whose tracking was never turned on, against stock.
 * hot_on_* measure the same with tracking on, against hot_off_* on stock. By their names those
 * come first.
 */
#ifndef SEPTET_BENCH_HOT_H
#define SEPTET_BENCH_HOT_H

#define _GNU_SOURCE	/* hence this is included before anything else */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/hot_tracking.h>

#include "bench.h"

#define HOT_PAGE		4096
#define HOT_RANGE		0x100000L	/* what tracking takes if not told otherwise */
#define HOT_RANGES_A_FILE	16
#define HOT_RANGES_MOST		256
/* How often an operation is done to see that it is counted. */
#define HOT_TRIES		64

static int hot_files[HOT_RANGES_MOST / HOT_RANGES_A_FILE];
static long hot_ranges;
static char hot_buffer[HOT_PAGE] __attribute__((aligned(HOT_PAGE)));

/* Of the filesystem that the working directory is on. */
static inline void hot_control(struct hot_ctl *ctl)
{
	int fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	ctl->size = sizeof(*ctl);
	if (fd < 0 || ioctl(fd, HOT_CTL, ctl))
		bench_fail("HOT_CTL");
	close(fd);
}

static inline void hot_on(void)
{
	struct hot_ctl ctl = { .flags = HOT_CTL_ON };

	hot_control(&ctl);
}

static inline void hot_off(void)
{
	struct hot_ctl ctl = { .flags = HOT_CTL_OFF };

	hot_control(&ctl);
}

/* Turns tracking on, and makes sure that it is what is measured: @op costs @requests. */
static inline void hot_on_for(void (*op)(void), unsigned int requests)
{
	struct hot_ctl before = { .flags = 0 }, after = { .flags = 0 };

	hot_on();
	hot_control(&before);
	for (int i = 0; i < HOT_TRIES; i++)
		op();
	hot_control(&after);
	if (after.requests - before.requests != requests * HOT_TRIES) {
		hot_off();
		errno = EPROTO;
		bench_fail("requests are not counted as they should be");
	}
}

/* Opens a file of some ranges. Of each the first block is there; of a single one all. */
static inline int hot_file(int number, long ranges, int flags)
{
	char name[16];
	int fd;

	snprintf(name, sizeof(name), "file%d", number);
	fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | flags, 0600);
	if (fd < 0 || ftruncate(fd, ranges * HOT_RANGE))
		bench_fail(name);
	for (off_t at = 0; at < ranges * HOT_RANGE; at += ranges == 1 ? HOT_PAGE : HOT_RANGE) {
		if (pwrite(fd, hot_buffer, HOT_PAGE, at) != HOT_PAGE)
			bench_fail("pwrite");
	}
	if (fsync(fd))
		bench_fail("fsync");
	return fd;
}

/* Files with @ranges in all. */
static inline void hot_make(long ranges, int flags)
{
	hot_ranges = ranges;
	for (int i = 0; i * HOT_RANGES_A_FILE < ranges; i++)
		hot_files[i] = hot_file(i, ranges < HOT_RANGES_A_FILE ? ranges :
					   HOT_RANGES_A_FILE, flags);
}

/* 1 to 65536, the same on every run. */
static inline unsigned int hot_random(void)
{
	static unsigned int state = 1;

	state = state * 1664525 + 1013904223;
	return 1 + (state >> 16);
}

/* Where to work: the next page of the only range, or the first page of any. Returns the file. */
static inline int hot_next(off_t *offset)
{
	static off_t next;
	long range;

	if (hot_ranges == 1) {
		*offset = next;
		next = (next + HOT_PAGE) % HOT_RANGE;
		return hot_files[0];
	}
	range = hot_random() % hot_ranges;
	*offset = range % HOT_RANGES_A_FILE * HOT_RANGE;
	return hot_files[range / HOT_RANGES_A_FILE];
}

static inline void hot_read(void)
{
	off_t offset;
	int fd = hot_next(&offset);

	if (pread(fd, hot_buffer, HOT_PAGE, offset) != HOT_PAGE)
		bench_fail("pread");
}

/* Returns the file. */
static inline int hot_write_at(off_t *offset)
{
	int fd = hot_next(offset);

	if (pwrite(fd, hot_buffer, HOT_PAGE, *offset) != HOT_PAGE)
		bench_fail("pwrite");
	return fd;
}

static inline void hot_write(void)
{
	off_t offset;

	hot_write_at(&offset);
}

static inline void hot_sync(int fd, off_t offset)
{
	if (sync_file_range(fd, offset, HOT_PAGE, SYNC_FILE_RANGE_WAIT_BEFORE |
			    SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER))
		bench_fail("sync_file_range");
}

static inline void hot_write_and_sync(void)
{
	off_t offset;
	int fd = hot_write_at(&offset);

	hot_sync(fd, offset);
}

static inline void hot_create(ssize_t bytes)
{
	int fd = open("new", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		bench_fail("open");
	if (bytes) {
		if (write(fd, hot_buffer, bytes) != bytes)
			bench_fail("write");
		hot_sync(fd, 0);
	}
	if (close(fd) || unlink("new"))
		bench_fail("unlink");
}

static inline void hot_create_empty(void)
{
	hot_create(0);
}

static inline void hot_create_written(void)
{
	hot_create(HOT_PAGE);
}

#endif
