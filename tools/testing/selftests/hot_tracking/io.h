/* SPDX-License-Identifier: GPL-2.0 */
/* Reading and writing in the ways that tests count. All end the program when something fails. */
#ifndef HOT_TRACKING_IO_H
#define HOT_TRACKING_IO_H

#include <stddef.h>
#include <sys/types.h>

/* Pages of the page cache, and blocks of the filesystems. */
#define PAGE	4096

/* Open, with O_DIRECT in @flags or without; creates what is not there. */
int open_file(const char *dir, const char *name, int flags);
/* Write some data, which is not zeros, through the page cache. */
void fill(int fd, off_t offset, size_t length);
/* Write back, drop the file's pages, and see that none is left. */
void make_cold(int fd);
/* Pages of the file in the page cache. */
unsigned long long pages_cached(int fd);
/* From now on the page cache reads what is asked for and no more. */
void no_readahead(int fd);

/* One system call, through the page cache, or directly if @fd is O_DIRECT; at most 1 MiB. */
void read_at(int fd, off_t offset, size_t length);
void write_at(int fd, off_t offset, size_t length);

/* The @n-th of @count numbers, each of 0 to @count - 1 once, in no order; @count a power of 2. */
unsigned int shuffled(unsigned int n, unsigned int count);

#endif /* HOT_TRACKING_IO_H */
