/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The file that hotctl save writes: a header, then records of the kernel one behind the other,
 * those of inodes before those of ranges. Numbers are in the byte order of the machine, as the
 * records are; the version tells which.
 */
#ifndef HOTCTL_SAVED_H
#define HOTCTL_SAVED_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#define SAVED_MAGIC	"HotTrack"
#define SAVED_VERSION	1

#define SAVED_HAS_UUID	0x1

/**
 * struct saved_header - begins the file
 * @magic: SAVED_MAGIC
 * @version: SAVED_VERSION
 * @flags: SAVED_HAS_UUID
 * @uuid: of the filesystem
 * @half_life_ms: when it was saved
 * @saved_ms: when, milliseconds since 1970
 * @count: of the records
 * @bytes: length of the records together
 * @range_shift: log2 of the bytes of a range
 * @records_crc: CRC-32 of the records
 * @reserved: 0
 * @header_crc: CRC-32 of all of the header before it
 */
struct saved_header {
	char magic[8];
	__u32 version;
	__u32 flags;
	__u8 uuid[16];
	__u64 half_life_ms;
	__u64 saved_ms;
	__u64 count;
	__u64 bytes;
	__u32 range_shift;
	__u32 records_crc;
	__u32 reserved;
	__u32 header_crc;
};

struct saved {
	struct saved_header header;
	char *records;
};

/**
 * saved_read() - read a file and check all of it
 * @path: of the file
 * @saved: out; @saved->records is to be freed with free() if 0 is returned
 * @why: out: what is wrong with it, for -EBADMSG
 *
 * Return: 0; -EBADMSG if it is not such a file or damaged; -EINVAL if it is no regular file;
 * errors of open(2) and read(2); -ENOMEM.
 */
int saved_read(const char *path, struct saved *saved, const char **why);

/* A file that is being written, under another name until it is whole. */
struct saved_writer;

/* 0 or a negative errno; -EINVAL if there is something that is no regular file at @path. */
int saved_create(const char *path, struct saved_writer **writer);

/* Add a record. */
int saved_add(struct saved_writer *writer, const void *record, size_t bytes);

/*
 * Put the file in its place; @header gives all but magic, version, counts and checksums, which are
 * filled in. The writer is gone afterwards, and without success so is what it wrote.
 */
int saved_commit(struct saved_writer *writer, struct saved_header *header);

/* Leave no trace. @writer may be NULL. */
void saved_abandon(struct saved_writer *writer);

#endif /* HOTCTL_SAVED_H */
