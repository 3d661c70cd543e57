/* SPDX-License-Identifier: GPL-2.0 */
/*
 * libhottrack: ask the kernel which files, and which ranges of them, cost device I/O.
 *
 * Functions that return int return 0, or what they say, or a negative errno. Those of
 * <linux/hot_tracking.h> come through as they are; -EPROTO is an answer of the kernel that makes
 * no sense; hottrack_strerror() has a sentence for each. Heat is in units of 1/HOT_ONE request,
 * times are in ms, offsets and lengths in bytes.
 *
 * No function prints, exits or changes a global state of the process. Different objects may be used
 * by different threads at the same time, one object only by one.
 */
#ifndef HOTTRACK_H
#define HOTTRACK_H

#include <linux/hot_tracking.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A mounted filesystem. */
struct hottrack;

/**
 * hottrack_open() - open the filesystem that a path is on
 * @ht: out: the filesystem; to be closed with hottrack_close()
 * @path: a folder or a regular file of the filesystem, such as its mount point
 *
 * Whether the kernel tracks it is not asked; hottrack_get() does. Any user may open what it may
 * read.
 *
 * Return: 0; -EINVAL if @path is neither a folder nor a regular file; -ENOMEM; errors of open(2).
 */
int hottrack_open(struct hottrack **ht, const char *path);

/**
 * hottrack_close() - close a filesystem
 * @ht: may be NULL
 *
 * Streams of it remain open, and what a function gave out remains valid.
 */
void hottrack_close(struct hottrack *ht);

/**
 * hottrack_mount_point() - the absolute path at which the filesystem is mounted
 * @ht: the filesystem
 *
 * Return: text that is valid until hottrack_close().
 */
const char *hottrack_mount_point(const struct hottrack *ht);

/**
 * hottrack_fd() - the descriptor on which the library asks, for ioctls of your own
 * @ht: the filesystem
 *
 * Return: a descriptor that belongs to @ht.
 */
int hottrack_fd(const struct hottrack *ht);

/**
 * hottrack_sysfs() - the folder of the filesystem's tunables and statistics
 * @ht: the filesystem
 * @path: out: /sys/fs/hot_track/<major:minor>, which exists while tracking is on
 * @size: of @path; 64 is enough
 */
void hottrack_sysfs(const struct hottrack *ht, char *path, size_t size);

/**
 * hottrack_strerror() - what a negative errno of this library means
 * @err: as returned, or positive
 *
 * Return: a constant sentence without an end, such as "hot tracking is off there"; strerror()'s
 * text for errors that mean here what they mean everywhere.
 */
const char *hottrack_strerror(int err);

/**
 * hottrack_get() - state, limits and counters of the filesystem
 * @ht: the filesystem
 * @ctl: out: see struct hot_ctl
 *
 * Any user may ask. While tracking is off HOT_STATE_ON is missing in @ctl->state.
 *
 * Return: 0; -ENOTTY, the kernel has no hot tracking; -EOPNOTSUPP, not on this filesystem.
 */
int hottrack_get(struct hottrack *ht, struct hot_ctl *ctl);

/**
 * hottrack_is_on() - whether the filesystem is tracked
 * @ht: the filesystem
 *
 * Return: 1 or 0; errors of hottrack_get().
 */
int hottrack_is_on(struct hottrack *ht);

/**
 * hottrack_set() - turn tracking on or off, change its limits
 * @ht: the filesystem
 * @ctl: @ctl->flags tells what to do, HOT_CTL_*, and which other fields count; out: what is now.
 *	@ctl->size is filled in
 *
 * Return: 0; -EPERM without CAP_SYS_ADMIN; -EBUSY for another range size while tracking is on;
 * -ENODATA; -EINVAL for a value out of its limits; -ENOMEM; -ENOTTY; -EOPNOTSUPP.
 */
int hottrack_set(struct hottrack *ht, struct hot_ctl *ctl);

/**
 * hottrack_reset() - forget all heat of the filesystem
 * @ht: the filesystem
 *
 * Return: 0; -EPERM without CAP_SYS_ADMIN; -ENODATA; -ENOTTY; -EOPNOTSUPP.
 */
int hottrack_reset(struct hottrack *ht);

/**
 * hottrack_reset_file() - forget the heat of one file
 * @fd: the file
 */
int hottrack_reset_file(int fd);

/**
 * hottrack_file_heat() - heat of one file
 * @fd: the file, writable, or own, or one that may be written
 * @heat: out: see struct hot_inode; without HOT_TRACKED in @heat->item_flags there was no
 * request yet
 *
 * Return: 0; -EPERM; -EINVAL if it is no regular file; -ENODATA; -ENOTTY; -EOPNOTSUPP.
 */
int hottrack_file_heat(int fd, struct hot_inode *heat);

/**
 * struct hottrack_ranges - ranges of one file that have heat, in order of offset
 * @count: of @ranges
 * @range_shift: log2 of the bytes of a range
 * @ranges: the ranges
 */
struct hottrack_ranges {
	size_t count;
	unsigned int range_shift;
	struct hot_range ranges[];
};

/**
 * hottrack_file_ranges() - heat of the ranges of one file
 * @fd: as in hottrack_file_heat()
 * @offset: where to begin
 * @length: how much to look at, 0 for all to the end
 * @ranges: out: to be freed with free()
 *
 * Return: 0; errors as for hottrack_file_heat(); -ENOMEM; -EPROTO.
 */
int hottrack_file_ranges(int fd, __u64 offset, __u64 length, struct hottrack_ranges **ranges);

/**
 * struct hottrack_list - records, hottest first
 * @count: of @records
 * @scanned: inodes or ranges that the kernel looked at
 * @records: the records, whole and checked
 */
struct hottrack_list {
	size_t count;
	__u64 scanned;
	const struct hot_record *records[];
};

/**
 * hottrack_top() - the hottest inodes or ranges of the filesystem
 * @ht: the filesystem
 * @flags: HOT_OF_RANGES, HOT_BY_READS, HOT_BY_WRITES
 * @count: most records wanted, 1 to HOT_COUNT_MAX
 * @list: out: to be freed with free(), the records with it
 *
 * Return: 0; -EPERM without CAP_SYS_ADMIN; -ENODATA; -ENOTTY; -EOPNOTSUPP; -ENOMEM; -EPROTO.
 */
int hottrack_top(struct hottrack *ht, unsigned int flags, unsigned int count,
		 struct hottrack_list **list);

/**
 * hottrack_histogram() - how many inodes or ranges are how hot
 * @ht: the filesystem
 * @flags: as for hottrack_top()
 * @histogram: out: see struct hot_histogram
 *
 * Return: as hottrack_top().
 */
int hottrack_histogram(struct hottrack *ht, unsigned int flags, struct hot_histogram *histogram);

/**
 * hottrack_load() - put saved heat back
 * @ht: the filesystem
 * @records: records one behind the other, those of inodes before those of their ranges; their heat
 *	cools by their age_ms, so set that to the time since they were read
 * @bytes: their length together; more than HOT_LOAD_MAX is loaded in pieces
 * @loaded: out: records that were taken, also after an error
 *
 * Return: 0; -EINVAL at the first malformed record; -ENOENT for a range whose inode has no
 * heat; -ENOSPC at the memory limit; -EPERM without CAP_SYS_ADMIN; -ENODATA; -ENOTTY;
 * -EOPNOTSUPP; -ENOMEM.
 */
int hottrack_load(struct hottrack *ht, const void *records, size_t bytes, __u64 *loaded);

/**
 * hottrack_check_record() - whether a record is whole
 * @record: where it should begin, aligned to 8 bytes
 * @bytes: how many there are
 *
 * Return: its length, to go on behind it; -EPROTO if it is malformed or cut off.
 */
int hottrack_check_record(const void *record, size_t bytes);

/* Records that come one after the other. */
struct hottrack_stream;

/**
 * hottrack_stream_open() - all records of the filesystem, or those that become hot
 * @ht: the filesystem
 * @flags: HOT_OF_RANGES, HOT_BY_READS, HOT_BY_WRITES, HOT_STREAM_EVENTS
 * @threshold: heat whose crossing is an event, not 0; 0 without HOT_STREAM_EVENTS
 * @stream: out: to be closed with hottrack_stream_close()
 *
 * Return: 0; -EPERM without CAP_SYS_ADMIN; -EBUSY when HOT_STREAMS_MAX streams of events are
 * open; -ENODATA; -ENOTTY; -EOPNOTSUPP; -ENOMEM; -EMFILE; -ENFILE; -EINVAL.
 */
int hottrack_stream_open(struct hottrack *ht, unsigned int flags, __u32 threshold,
			 struct hottrack_stream **stream);

/**
 * hottrack_stream_close() - close a stream
 * @stream: may be NULL
 */
void hottrack_stream_close(struct hottrack_stream *stream);

/**
 * hottrack_stream_fd() - the descriptor, to poll() it, or to set O_NONBLOCK with fcntl()
 * @stream: of hottrack_stream_open()
 *
 * Records are read in bulk: use up what hottrack_stream_pending() tells before you poll.
 */
int hottrack_stream_fd(const struct hottrack_stream *stream);

/**
 * hottrack_stream_pending() - whether hottrack_stream_next() has a record without reading
 * @stream: of hottrack_stream_open()
 */
bool hottrack_stream_pending(const struct hottrack_stream *stream);

/**
 * hottrack_stream_next() - the next record
 * @stream: of hottrack_stream_open()
 * @record: out: valid until the next call
 *
 * Waits for an event unless the descriptor is O_NONBLOCK.
 *
 * Return: 1; 0 at the end of a pass; -EAGAIN; -EINTR; -ENODEV when tracking was turned off or
 * the filesystem unmounted; -EPROTO.
 */
int hottrack_stream_next(struct hottrack_stream *stream, const struct hot_record **record);

/**
 * hottrack_stream_rewind() - begin a new pass
 * @stream: of hottrack_stream_open()
 *
 * Return: 0; -ESPIPE for a stream of events; -ENODEV.
 */
int hottrack_stream_rewind(struct hottrack_stream *stream);

/* What is known of the file that a record is about. */
enum hottrack_known {
	HOTTRACK_NAMED,		/* .path is a path of it; a file with several names has others */
	HOTTRACK_NAMELESS,	/* it is there; its name is not known: hottrack_search() */
	HOTTRACK_DELETED,	/* open somewhere, without a name; .path is the last one, or NULL */
	HOTTRACK_GONE,		/* the file is no more, or its handle was volatile */
	HOTTRACK_UNOPENABLE,	/* the filesystem cannot open handles */
	HOTTRACK_DENIED,	/* CAP_DAC_READ_SEARCH is missing */
};

/**
 * struct hottrack_file - the file that a record is about
 * @known: what is known
 * @inode: its inode number, 0 if it could not be opened
 * @path: absolute, or NULL; to be freed with free()
 */
struct hottrack_file {
	enum hottrack_known known;
	__u64 inode;
	char *path;
};

/**
 * hottrack_resolve() - find the file that a record is about
 * @ht: the filesystem
 * @record: of a list or a stream of this filesystem
 * @file: out: filled in unless there is an error
 *
 * The answer may be some seconds old: it is kept, so that a tool may ask for the same files
 * again and again. The last 4096 files are remembered.
 *
 * Return: 0; -ENOMEM; errors of open(2) that are not about this file, such as -EMFILE.
 */
int hottrack_resolve(struct hottrack *ht, const struct hot_record *record,
		     struct hottrack_file *file);

/**
 * hottrack_search() - look for the names of files that were HOTTRACK_NAMELESS
 * @ht: the filesystem
 * @entries: how many names to look at before it returns, which takes about 1 us each if the
 * folders are
 *	in memory; 0 for no limit
 *
 * The kernel can open a file by its handle when it does not know its name any more, after a
 * reboot for one. This reads the folders of the filesystem, one after the other, until all that
 * were asked for are found or all folders were read; the next call goes on where this one
 * ended. What it finds is told by the next hottrack_resolve() of the record. Folders that are
 * below other mounts are not seen.
 *
 * Return: 1 if there is more to look at, 0 if not; -ENOMEM; errors of open(2) on the mount point.
 */
int hottrack_search(struct hottrack *ht, unsigned int entries);

/**
 * hottrack_open_record() - open the file that a record is about
 * @ht: the filesystem
 * @record: of a list or a stream of this filesystem
 * @flags: as for open(2), such as O_RDONLY; O_CLOEXEC is added
 *
 * Return: a descriptor; -ESTALE, the file is no more; -EOPNOTSUPP, it cannot be opened by
 * handle; -EPERM without CAP_DAC_READ_SEARCH; errors of open(2).
 */
int hottrack_open_record(struct hottrack *ht, const struct hot_record *record, int flags);

/**
 * hottrack_describe() - a file as one line of text
 * @file: of hottrack_resolve()
 *
 * Control characters of the path are written as \ooo, a backslash as \\. What is not a path is in
 * parentheses, such as "/srv/a (deleted)" or "(inode 12, name unknown)".
 *
 * Return: text to be freed with free(), or NULL without memory.
 */
char *hottrack_describe(const struct hottrack_file *file);

/* Heat in requests. */
static inline double hottrack_requests(__u64 heat)
{
	return heat / (double)HOT_ONE;
}

/* The steady rate, in requests a second, that would hold this heat. */
static inline double hottrack_rate(__u64 heat, __u64 half_life_ms)
{
	return hottrack_requests(heat) * 0.69314718055994531 * 1000 / half_life_ms;
}

#ifdef __cplusplus
}
#endif
#endif /* HOTTRACK_H */
