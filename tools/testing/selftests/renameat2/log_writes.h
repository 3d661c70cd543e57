/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A disk that writes down what is written to it (device-mapper target log-writes), and the
 * record, from which the disk can be made as it was after any power cut.
 *
 * The target records a write without FUA when the flush that follows it ends, in the order in
 * which the writes were completed. A mark goes into the record at once. What stands before a
 * mark is therefore what had to be on the medium when the mark was made: a disk that loses its
 * whole cache in a power cut keeps just this.
 */
#ifndef RENAMEAT2_LOG_WRITES_H
#define RENAMEAT2_LOG_WRITES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define LOG_MARK_SIZE	32

/* The disk. */
struct log_disk {
	char name[32];		/* for device-mapper */
	char node[64];		/* the block device, for mount() */
	int control;
	int device;
};

/*
 * What is written to the block device @data is recorded on the block device @log, from its start;
 * the device node is made in the directory @dir. The disk goes away with the program, however
 * that ends. 0 or -errno; -EINVAL if the kernel has no such target.
 */
int log_disk_make(struct log_disk *disk, const char *dir, const char *data, const char *log);
/* 0 or -errno. */
int log_disk_mark(const struct log_disk *disk, const char *mark);
/* Flush the cache. 0 or -errno. */
int log_disk_flush(const struct log_disk *disk);
/* The record is complete when this returns. Nothing may use the disk then. 0 or -errno. */
int log_disk_remove(struct log_disk *disk);

/* The record. */
struct log_entry {
	off_t offset;		/* on the disk, in bytes */
	size_t len;
	off_t data;		/* where it is in the file of the record */
	bool barrier;		/* a flush, or a write with FUA */
	bool discard;
	char mark[LOG_MARK_SIZE];	/* "" if this is none */
};

struct log {
	int fd;
	size_t count;
	struct log_entry *entries;
};

/* The record in the file @fd, which stays open as long as the log is in use. 0 or -errno. */
int log_read(struct log *log, int fd);
void log_free(struct log *log);
/* The index of a mark, -1 if there is none of this name. */
ssize_t log_find(const struct log *log, const char *mark);
/* Whether this entry changes the disk. */
bool log_writes(const struct log *log, size_t index);
/* Do what an entry did to the image of the disk in the file @image. 0 or -errno. */
int log_replay(const struct log *log, size_t index, int image);

#endif /* RENAMEAT2_LOG_WRITES_H */
