// SPDX-License-Identifier: GPL-2.0
#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/types.h>

#include "crash_jfs.h"
#include "helpers.h"

#define SUPER		0x8000		/* where it is */
#define SUPER_BLOCK_SIZE	16
#define SUPER_LOG	72		/* where the journal is */

/* The journal: pages, the first two without records, then a ring. */
#define PAGE		4096
#define EDGE		8		/* at both ends of a page: its number and where it ends */
#define FIRST_PAGE	2
#define ROOM		(PAGE - 2 * EDGE)

/* A record, which stands after its data. Each piece of data stands before 4 bytes about it. */
struct record {
	__u32 transaction;
	__u32 previous;
	__u16 type;
	__u16 length;	/* of the data */
	__u32 aggregate;
	__u32 fileset;	/* of a sync point: how far back to go, or 0 */
	__u32 inode;
	__u16 redo;		/* what is to be changed */
	__u16 line_shift;	/* in units of what */
	__u32 place[2];
};

/* The types. */
#define COMMIT		0x8000
#define SYNC_POINT	0x4000
#define MOUNT		0x2000
#define REDO		0x0800
#define NO_REDO		0x0080
/* What is to be changed. */
#define REDO_INODE	0x0001
#define REDO_DTREE	0x0004
#define REDO_ROOT	0x0010		/* in the inode */
#define REDO_NEW	0x0100
#define REDO_EXTEND	0x0200
#define REDO_DIR_TABLE	0x0800

/* In an inode. */
#define INODE		512
#define INODES		(PAGE / INODE)
#define INODE_TABLE	128
#define INODE_ROOT	224

#define RECORDS_MAX	4096

static struct {
	int fd;
	__u32 block_size;
	off_t at;		/* the journal */
	__u32 pages;
	__u32 newest;	/* page of the ring */
	unsigned char *stream;	/* what is in the pages, oldest first, without edges */
	size_t end;
	size_t records[RECORDS_MAX], count;	/* where they are in it, newest first */
} journal;

static void get(off_t at, void *data, size_t len)
{
	if (pread(journal.fd, data, len, at) != (ssize_t)len)
		broken("reading an image of jfs");
}

static __u32 number(const unsigned char *from)
{
	__u32 value;

	memcpy(&value, from, sizeof(value));
	return le32toh(value);
}

static __u16 short_number(const unsigned char *from)
{
	return from[0] | from[1] << 8;
}

/* Block number in a descriptor of an extent: 8 bits beside the length, then 32 bits. */
static off_t place(const unsigned char *extent)
{
	return ((off_t)(number(extent) >> 24) << 32 | number(extent + 4)) * journal.block_size;
}

/* The index of a page in the stream. */
static __u32 age(__u32 page)
{
	__u32 ring = journal.pages - FIRST_PAGE;

	return (page - journal.newest - 1 + ring) % ring;
}

static void read_journal(void)
{
	unsigned char super[SUPER_LOG + 8], page[PAGE];
	__u32 i, highest = 0, end = EDGE;

	get(SUPER, super, sizeof(super));
	if (memcmp(super, "JFS1", 4))
		broken("looking for the superblock of jfs");
	journal.block_size = number(super + SUPER_BLOCK_SIZE);
	journal.at = place(super + SUPER_LOG);
	journal.pages = (number(super + SUPER_LOG) & 0xffffff) * journal.block_size / PAGE;
	for (i = FIRST_PAGE; i < journal.pages; i++) {
		get(journal.at + (off_t)i * PAGE, page, PAGE);
		if (number(page) < highest)
			continue;
		highest = number(page);
		journal.newest = i;
		end = short_number(page + 6);
	}
	journal.stream = malloc((size_t)journal.pages * ROOM);
	if (!journal.stream)
		broken("malloc");
	for (i = FIRST_PAGE; i < journal.pages; i++)
		get(journal.at + (off_t)i * PAGE + EDGE,
		    journal.stream + (size_t)age(i) * ROOM, ROOM);
	journal.end = (size_t)age(journal.newest) * ROOM + end - EDGE;
}

static struct record record_at(size_t at)
{
	struct record r;

	memcpy(&r, journal.stream + at, sizeof(r));
	r.transaction = le32toh(r.transaction);
	r.type = le16toh(r.type);
	r.length = le16toh(r.length);
	r.fileset = le32toh(r.fileset);
	r.inode = le32toh(r.inode);
	r.redo = le16toh(r.redo);
	r.line_shift = le16toh(r.line_shift);
	return r;
}

/* Those since the mount or the sync point. */
static void find_records(void)
{
	size_t at = journal.end, stop = 0;
	bool found = false;
	struct record r;

	journal.count = 0;
	/* Records are known by their ends. */
	while (at >= stop && at >= sizeof(r)) {
		at -= sizeof(r);
		r = record_at(at);
		if (r.length > at)
			break;
		if (r.type == MOUNT)
			break;
		if (r.type == SYNC_POINT && !found) {
			if (!r.fileset)
				break;
			found = true;
			stop = (size_t)age(r.fileset / PAGE) * ROOM + r.fileset % PAGE - EDGE;
		}
		if (journal.count == RECORDS_MAX)
			broken("more records than expected in the journal of jfs");
		journal.records[journal.count++] = at;
		at -= r.length;
	}
}

/* Whether a newer record of the same transaction commits it. */
static bool committed(size_t index)
{
	__u32 transaction = record_at(journal.records[index]).transaction;
	struct record r;

	while (index--) {
		r = record_at(journal.records[index]);
		if (r.type == COMMIT && r.transaction == transaction)
			return true;
	}
	return false;
}

/* Whether this takes back what an older record would do: to a page, or to the root in an inode. */
static bool takes_back(const struct record *r, const struct record *old)
{
	if (r->type != NO_REDO || memcmp(r->place, old->place, sizeof(r->place)))
		return false;
	if ((r->redo ^ old->redo) & REDO_ROOT)
		return false;
	return !(r->redo & REDO_ROOT) || r->inode == old->inode;
}

static bool given_up(size_t index)
{
	const struct record old = record_at(journal.records[index]);

	while (index--) {
		const struct record r = record_at(journal.records[index]);

		if (takes_back(&r, &old) && committed(index))
			return true;
	}
	return false;
}

static void redo(size_t at)
{
	const struct record r = record_at(at);
	const unsigned char *piece = journal.stream + at, *begin = piece - r.length;
	off_t target = place((const unsigned char *)r.place);
	unsigned int line, lines;
	size_t len;

	if (!(r.redo & REDO_ROOT) && (r.redo & REDO_DTREE) && (r.redo & (REDO_NEW | REDO_EXTEND)))
		broken("a directory of jfs grew");
	if (r.redo & REDO_ROOT)
		target += r.inode % INODES * INODE +
			(r.redo & REDO_DIR_TABLE ? INODE_TABLE : INODE_ROOT);
	while (piece > begin) {
		piece -= 4;
		line = short_number(piece);
		lines = short_number(piece + 2);
		len = lines << r.line_shift;
		piece -= len;
		if (piece < begin)
			broken("a record of jfs that is too short");
		/* An inode and its table, without the root that is in the last line, too. */
		if ((r.redo & REDO_INODE) && line % (INODE / 128) == 0 && lines > 1)
			len -= 2 * 128 - INODE_ROOT;
		if (pwrite(journal.fd, piece, len,
			   target + (line << r.line_shift)) != (ssize_t)len)
			broken("writing an image of jfs");
	}
}

void jfs_replay(int image)
{
	size_t i;

	journal.fd = image;
	read_journal();
	find_records();
	for (i = journal.count; i--;)
		if (record_at(journal.records[i]).type == REDO && committed(i) && !given_up(i))
			redo(journal.records[i]);
	free(journal.stream);
}
