/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Power cuts. A filesystem on a disk that records its writes is used, with marks in the record
 * between the steps; then the disk is made as it was at any moment, repaired by what repairs
 * this filesystem, and mounted to see what is left.
 *
 *	$TMPDIR/crash.XXXXXX/	a tmpfs in a mount namespace of our own
 *	|-- disk.img, log.img	loop devices below the recording disk
 *	|-- live/		where the recording disk is mounted
 *	|-- at.img		the disk as it was, moving forward in the record
 *	|-- cut.img		a copy of that for repair
 *	`-- after/		where the copy is mounted
 */
#ifndef RENAMEAT2_CRASH_H
#define RENAMEAT2_CRASH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "log_writes.h"

#define CRASH_ARGS	8
#define UDF_BLOCK	512	/* of udf here, in bytes */

struct crash_fs {
	const char *name;		/* as the kernel knows it */
	const char *package;		/* of Debian, that has the programs */
	off_t size;			/* of the disk, in bytes */
	const char *mkfs[CRASH_ARGS];
	void (*replay)(int image);	/* of its journal, if mounting does not */
	/* What repairs it before it is mounted; mounting does where there is none. */
	const char *fsck[CRASH_ARGS];
	int fsck_fine;			/* bits in its exit status that say what it did */
	bool raw;			/* without a journal: what is synced shows without repair */
	bool no_mode;			/* it keeps no permissions */
};

extern const struct crash_fs crash_ext2, crash_ext4, crash_xfs, crash_btrfs, crash_f2fs,
	crash_vfat, crash_exfat, crash_jfs, crash_nilfs2, crash_udf, crash_minix;

/* The record of the filesystem in use; one at a time. */
extern struct log crash_log;

/* Whether what is absent is a failure (SEPTET_REQUIRE). */
bool crash_required(void);
/* Skips the program without root or device-mapper. Once, before the other functions. */
void crash_begin(void);

/*
 * Make a filesystem, mount it, make its root the working directory and record from now on.
 * Returns NULL or the reason why it cannot be had here.
 */
const char *crash_start(const struct crash_fs *fs);
/* Unmount it and mount it again, so that nothing that was done is only in memory or a journal. */
void crash_remount(const struct crash_fs *fs);
void crash_mark(const char *mark);
/* Everything written so far is on the medium. */
void crash_settle(void);
/* Unmount it, with / as the working directory; now crash_log is there. */
void crash_stop(void);

void crash_free(void);

/* The disk as it was before entry @index of the record, which is never less than before. */
void crash_forward(size_t index);
/*
 * The disk as it is after that, and after entry @extra too unless that is -1, is repaired and
 * mounted; its root is the working directory. Returns NULL or what went wrong.
 */
const char *crash_cut(const struct crash_fs *fs, ssize_t extra);
/* Mount it without repair, for reading. NULL or what went wrong. */
const char *crash_cut_raw(const struct crash_fs *fs);
/* The image that was mounted, for those who read it themselves. */
int crash_image(void);
void crash_cut_end(void);

/* A file full of text that is this file's own. */
#define CONTENT_MAX	16384
void content_fill(char *buffer, size_t size, int id);
/* Make or overwrite the file with this content, without sync. */
void content_write(const char *name, int id, size_t size);
/* Which content this is, or begins with; -1 if it is none in full. */
int content_id(const char *data, size_t len, size_t (*size_of)(int id));
/* The same for a file, which may not be there. */
int content_read(const char *name, size_t (*size_of)(int id));

#endif /* RENAMEAT2_CRASH_H */
