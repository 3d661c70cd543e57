/* SPDX-License-Identifier: GPL-2.0 */
/* What the hot tracking tests share: calls of the interface that end in a result or -errno. */
#ifndef HOT_TRACKING_HELPERS_H
#define HOT_TRACKING_HELPERS_H

#include <stdbool.h>
#include <stdnoreturn.h>
#include <sys/types.h>
#include <linux/hot_tracking.h>

#define KIB	1024LL
#define MIB	(1024 * KIB)
#define GIB	(1024 * MIB)
#define TIB	(1024 * GIB)

/* Heat of that many requests that have not decayed. */
#define REQUESTS(n)	((n) * HOT_ONE)

/* The test itself cannot go on; says what failed, with errno, and ends. */
noreturn void broken(const char *what);
/* How often to repeat something: @full times with SEPTET_LEVEL=full in the environment. */
int loops(int quick, int full);
/*
 * Without root, or on a kernel without hot tracking, the program ends as
 * skipped; with SEPTET_REQUIRE=1 the tests run, and fail, on such a kernel too.
 */
void need_interface(void);
/* A pause between two looks at something that takes its time. */
void pause_briefly(void);

/* A small text file below /proc or /sys: write it (0 or -errno), read its number (-1: absent). */
int put(const char *path, const char *text);
long long get_number(const char *path);
/* Write dirty data back and drop page cache, dentries and inodes. */
void drop_caches(void);

/* Any request: what ioctl() returned, or -errno. */
int hot(int fd, unsigned long request, void *arg);
/*
 * Turn tracking of the filesystem on with the longest half-life, so that nothing decays
 * during a test, and empty: heat and settings of before are gone. 0 or -errno.
 */
int hot_on(int fd);
int hot_off(int fd);
int hot_half_life(int fd, __u64 ms);
/* Forget the heat of this file. 0 or -errno. */
int hot_forget(int fd);
/* These two end the program as broken() when there is no answer. */
struct hot_ctl hot_look(int fd);
/*
 * After the end of a file: until only so many have heat, or the test's time is over. The last
 * reference to an inode may be held by work in the background, as on btrfs by what it has written.
 */
void hot_items_become(int fd, __u64 items);
struct hot_inode heat_of(int fd);

#define RANGES_MAX	64
/*
 * The heat of the ranges of a file, at most RANGES_MAX of them, in order of offset. Returns
 * their number.
 */
int ranges_of(int fd, struct hot_range *ranges);
/* The one range that begins there; all zero if it has no heat. */
struct hot_range range_at(int fd, off_t offset);

#define SYSFS_PATH_SIZE	96
/* /sys/fs/hot_track/<major:minor>/<file> of the filesystem of @fd. */
const char *hot_sysfs(int fd, const char *file, char path[SYSFS_PATH_SIZE]);

#endif /* HOT_TRACKING_HELPERS_H */
