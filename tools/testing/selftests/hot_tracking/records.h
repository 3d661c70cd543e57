/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Heat as records: of what HOT_TOP and streams give and HOT_LOAD takes. Items of
 * files that do not exist serve where many are wanted: to the kernel a handle is a key.
 */
#ifndef HOT_TRACKING_RECORDS_H
#define HOT_TRACKING_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/hot_tracking.h>

/* Numbers of inodes that no filesystem of the tests has. */
#define MADE_UP		0x7f000000U
/* Its handle: inode number and generation, as most filesystems have it. */
#define MADE_UP_BYTES	8
#define MADE_UP_TYPE	1
#define RECORD_BYTES	(sizeof(struct hot_record) + MADE_UP_BYTES)

/* A growing list of records of any size, one after the other. */
struct records {
	char *data;
	size_t bytes, space;
	unsigned long count;
};

void records_free(struct records *list);
/* All records of a buffer, to the end of the list; broken() if their sizes make no sense. */
void records_add(struct records *list, const void *data, size_t bytes);
/* The heat of inode @number that does not exist, or of the range of it that begins at @offset. */
void records_add_inode(struct records *list, __u32 number, __u32 reads, __u32 writes);
void records_add_range(struct records *list, __u32 number, __u64 offset, __u64 length,
		       __u32 reads, __u32 writes);
/* The first one is for @previous = NULL; NULL at the end. */
struct hot_record *records_next(const struct records *list, const struct hot_record *previous);
/* In order of @order, HOT_BY_*, hottest first. */
void records_sort(struct records *list, __u32 order);
/* In order of handle and offset. */
void records_sort_by_key(struct records *list);

/* reads, writes or both. */
__u64 record_rank(const struct hot_record *record, __u32 order);
/* The same inode, or the same range of it? */
bool record_same_key(const struct hot_record *a, const struct hot_record *b);
/* The same key, heat and bytes? */
bool record_equal(const struct hot_record *a, const struct hot_record *b);
/* The inode number in the handle that ext4 and we make. */
__u32 record_number(const struct hot_record *record);

/* What HOT_TOP gives; broken() on failure. */
void records_top(struct records *list, int fd, __u32 flags, __u32 count);
/* A whole pass of a snapshot, of inodes or, with HOT_OF_RANGES, of all; broken() on failure. */
void records_snapshot(struct records *list, int fd, __u32 flags);
/*
 * HOT_LOAD in portions: 0 or -errno. @loaded, which may be NULL, is how many records
 * were taken.
 */
int records_load(const struct records *list, int fd, __u64 *loaded);

/* Small fast pseudo-random numbers: the same @seed, never 0, gives the same ones. */
unsigned int pick(unsigned int *seed, unsigned int below);

#endif /* HOT_TRACKING_RECORDS_H */
