/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Hot tracking: which files, and which ranges of them, cost device I/O.
 *
 * Heat is a number of requests that decays: a request counts 1 when it is sent to the device,
 * 1/2 one half-life later, 1/4 after two. It is given in units of 1/HOT_ONE request, saturates
 * at HOT_HEAT_MAX, and is kept for reads and writes apart, for each inode and for each range of
 * 2^range_shift bytes of it. A steady rate of r requests a second settles at the heat r *
 * half_life / ln 2 (half_life in seconds, heat in requests).
 *
 * All requests below are ioctl(2) commands on any open file of the filesystem; those with "this
 * file" in their description are about that very file. Each structure begins with its size and
 * a word of flags. A kernel that knows a shorter structure takes a longer one if what it does
 * not know is zero (E2BIG else), a kernel that knows a longer one takes the shorter; unknown
 * flags and reserved fields that are not zero are EINVAL. On return @size is the length the
 * kernel filled in.
 *
 * Errors common to all: ENOTTY, the kernel has no hot tracking; EOPNOTSUPP, the filesystem is
 * not on a block device; ENODATA, tracking is off there; EPERM, see each command; EFAULT;
 * EINVAL; E2BIG.
 */
#ifndef _UAPI_LINUX_HOT_TRACKING_H
#define _UAPI_LINUX_HOT_TRACKING_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* Heat of one request; heat has HOT_FRACTION_BITS fraction bits. */
#define HOT_FRACTION_BITS	8
#define HOT_ONE			(1U << HOT_FRACTION_BITS)
#define HOT_HEAT_MAX		0xffffffffU

#define HOT_RANGE_SHIFT_MIN	16
#define HOT_RANGE_SHIFT_MAX	30
#define HOT_RANGE_SHIFT_DEFAULT	20

#define HOT_HALF_LIFE_MIN_MS	1000ULL
#define HOT_HALF_LIFE_MAX_MS	(30ULL * 24 * 3600 * 1000)
#define HOT_HALF_LIFE_DEFAULT_MS (600ULL * 1000)

/* The longest file handle that is tracked, in bytes; longer ones are counted as dropped. */
#define HOT_HANDLE_MAX		32

/**
 * struct hot_ctl - turn tracking on and off, set and see its limits
 * @size: sizeof(struct hot_ctl)
 * @flags: what to do, HOT_CTL_*; 0 only looks
 * @state: out: HOT_STATE_*
 * @range_shift: log2 of the bytes of a range, HOT_RANGE_SHIFT_MIN to _MAX; with
 *	HOT_CTL_SET_RANGE_SHIFT
 * @half_life_ms: milliseconds after which a request counts half; with HOT_CTL_SET_HALF_LIFE
 * @max_item_bytes: most memory for inodes' heat, bytes; with HOT_CTL_SET_ITEM_BYTES.
 *	Default: 1/1024 of memory
 * @max_range_bytes: most memory for ranges' heat, bytes; the table uses the largest power of
 *	two of ranges that fits, 24 bytes each; with HOT_CTL_SET_RANGE_BYTES. At least 49152,
 *	default 1/1024 of memory
 * @item_bytes: out: memory that inodes' heat uses now
 * @range_bytes: out: memory that the range table uses now
 * @items: out: inodes that have heat
 * @ranges: out: ranges that have heat, those of files included that are gone and that no
 *	scan has met
 * @range_slots: out: ranges that the table can hold
 * @requests: out: requests counted since tracking was turned on
 * @evicted_items: out: inodes whose heat gave way to others' or to memory pressure
 * @evicted_ranges: out: ranges whose heat gave way to others'
 * @dropped: out: requests not counted, because there was no memory for their inode
 * @reserved: must be zero
 *
 * Looking needs nothing but the open file, changing needs CAP_SYS_ADMIN in the user namespace
 * that owns the filesystem. HOT_CTL_ON on a filesystem that is tracked keeps its heat and takes
 * the new settings; a range size that differs is then EBUSY. HOT_CTL_OFF forgets all heat.
 * ENOMEM: the range table could not be allocated; nothing has changed.
 */
struct hot_ctl {
	__u32 size;
	__u32 flags;
	__u32 state;
	__u32 range_shift;
	__u64 half_life_ms;
	__u64 max_item_bytes;
	__u64 max_range_bytes;
	__u64 item_bytes;
	__u64 range_bytes;
	__u64 items;
	__u64 ranges;
	__u64 range_slots;
	__u64 requests;
	__u64 evicted_items;
	__u64 evicted_ranges;
	__u64 dropped;
	__u64 reserved[2];
};

#define HOT_CTL_ON		0x01
#define HOT_CTL_OFF		0x02
#define HOT_CTL_SET_RANGE_SHIFT	0x04
#define HOT_CTL_SET_HALF_LIFE	0x08
#define HOT_CTL_SET_ITEM_BYTES	0x10
#define HOT_CTL_SET_RANGE_BYTES	0x20

#define HOT_STATE_ON		0x01

/* Properties of an inode's heat, in hot_inode.item_flags and hot_record.flags. */
#define HOT_TRACKED		0x01	/* there is heat */
#define HOT_VOLATILE		0x02	/* the heat ends when the inode leaves memory */
#define HOT_NOT_OPENABLE	0x04	/* open_by_handle_at() cannot open the handle */

/**
 * struct hot_inode - heat of this file (HOT_GET_INODE)
 * @size: sizeof(struct hot_inode)
 * @flags: must be zero
 * @reads: out: read heat, in 1/HOT_ONE requests
 * @writes: out: write heat
 * @bytes_read: out: bytes read since the file has heat; these do not decay
 * @bytes_written: out: bytes written
 * @age_ms: out: milliseconds since the last request, in steps of half_life / 8
 * @item_flags: out: HOT_TRACKED and so on; 0 and zero heat if there was no request
 * @range_shift: out: log2 of the bytes of a range
 *
 * Needs a writable file, or its owner, or the permission to write it (as cachestat(2)); else EPERM.
 * EINVAL if this is not a regular file.
 */
struct hot_inode {
	__u32 size;
	__u32 flags;
	__u32 reads;
	__u32 writes;
	__u64 bytes_read;
	__u64 bytes_written;
	__u64 age_ms;
	__u32 item_flags;
	__u32 range_shift;
};

/**
 * struct hot_range - heat of one range
 * @offset: of the range in its file, a multiple of the range's size
 * @reads: read heat, in 1/HOT_ONE requests
 * @writes: write heat
 * @age_ms: milliseconds since the last request, in steps of half_life / 8
 */
struct hot_range {
	__u64 offset;
	__u32 reads;
	__u32 writes;
	__u64 age_ms;
};

/**
 * struct hot_ranges - heat of this file's ranges (HOT_GET_RANGES)
 * @size: sizeof(struct hot_ranges)
 * @flags: must be zero
 * @offset: where to begin, bytes
 * @length: bytes to look at, 0 for all to the end of the file
 * @ranges: address of an array of struct hot_range
 * @count: in: elements of the array, 1 to HOT_COUNT_MAX; out: elements filled, in order of offset
 * @range_shift: out: log2 of the bytes of a range
 * @next: out: offset to go on at, or 0 when there are no more
 *
 * Ranges without heat and ranges beyond the end of the file are left out. Permission as for struct
 * hot_inode. EINVAL also if @offset plus @length overflows; ENOMEM, EINTR (a fatal signal).
 */
struct hot_ranges {
	__u32 size;
	__u32 flags;
	__u64 offset;
	__u64 length;
	__u64 ranges;
	__u32 count;
	__u32 range_shift;
	__u64 next;
};

#define HOT_COUNT_MAX		65536

/**
 * struct hot_record - heat of an inode or a range, with the inode's file handle
 * @size: of this record, a multiple of 8; the next one begins there
 * @flags: HOT_RECORD_RANGE, HOT_TRACKED, HOT_VOLATILE, HOT_NOT_OPENABLE
 * @offset: of the range in its file; 0 for an inode
 * @length: of the range; 0 for an inode
 * @reads: read heat, in 1/HOT_ONE requests
 * @writes: write heat
 * @bytes_read: bytes read since the inode has heat; 0 for a range
 * @bytes_written: bytes written; 0 for a range
 * @age_ms: milliseconds since the last request
 * @lost: in a stream of events, how many were lost before this one
 * @handle_bytes: length of the handle
 * @handle_type: type of the handle, as in struct file_handle
 * @handle: the handle
 */
struct hot_record {
	__u32 size;
	__u32 flags;
	__u64 offset;
	__u64 length;
	__u32 reads;
	__u32 writes;
	__u64 bytes_read;
	__u64 bytes_written;
	__u64 age_ms;
	__u64 lost;
	__u32 handle_bytes;
	__s32 handle_type;
	__u8 handle[];
};

#define HOT_RECORD_RANGE	0x100
#define HOT_RECORD_MAX		(sizeof(struct hot_record) + HOT_HANDLE_MAX)

/* Of what, and ordered by what: flags of HOT_TOP, HOT_HISTOGRAM and HOT_STREAM. */
#define HOT_OF_RANGES		0x01	/* ranges; else inodes */
#define HOT_BY_READS		0x02	/* count reads only; neither or both: reads + writes */
#define HOT_BY_WRITES		0x04	/* count writes only */

/**
 * struct hot_top - the hottest inodes or ranges of the filesystem (HOT_TOP)
 * @size: sizeof(struct hot_top)
 * @flags: HOT_OF_RANGES, HOT_BY_READS, HOT_BY_WRITES
 * @count: in: most records wanted, 1 to HOT_COUNT_MAX; out: records filled in
 * @reserved: must be zero
 * @buffer: address that takes the records (struct hot_record), hottest first; what has no
 *	heat of the wanted kind is left out
 * @buffer_bytes: in: length of the buffer; out: bytes filled in. What does not fit is left out.
 * @scanned: out: inodes or ranges that were looked at
 *
 * Needs CAP_SYS_ADMIN in the user namespace that owns the filesystem. No lock is held across
 * the scan. ENOMEM, EINTR (a fatal signal).
 */
struct hot_top {
	__u32 size;
	__u32 flags;
	__u32 count;
	__u32 reserved;
	__u64 buffer;
	__u64 buffer_bytes;
	__u64 scanned;
};

#define HOT_BUCKETS		64

/**
 * struct hot_histogram - how many inodes or ranges are how hot (HOT_HISTOGRAM)
 * @size: sizeof(struct hot_histogram)
 * @flags: as for HOT_TOP
 * @buckets: out: [0] those whose heat has decayed to nothing, [b] those with
 *	2^(b-1) <= heat < 2^b in units of 1/HOT_ONE request
 *
 * Permission and errors as for HOT_TOP.
 */
struct hot_histogram {
	__u32 size;
	__u32 flags;
	__u64 buckets[HOT_BUCKETS];
};

/**
 * struct hot_reset - forget heat (HOT_RESET)
 * @size: sizeof(struct hot_reset)
 * @flags: 0 for the whole filesystem, HOT_RESET_FILE for this file only
 *
 * Needs CAP_SYS_ADMIN in the user namespace that owns the filesystem.
 */
struct hot_reset {
	__u32 size;
	__u32 flags;
};

#define HOT_RESET_FILE		0x01

/**
 * struct hot_load - put saved heat back (HOT_LOAD)
 * @size: sizeof(struct hot_load)
 * @flags: must be zero
 * @buffer: address of records, as a stream gave them, but with age_ms set to the time since then
 * @buffer_bytes: their length together, at most HOT_LOAD_MAX
 * @loaded: out: records that were taken
 *
 * Heat decays by the age_ms of its record while it is loaded and is added to what there is. The
 * handle's generation keeps heat from a file that got the number of a deleted one. Records of
 * inodes must come before those of their ranges; volatile ones are passed over. EINVAL at the
 * first malformed record, ENOENT for a range whose inode has no heat, ENOSPC when the memory
 * limit is reached, ENOMEM: @loaded tells how far it came. Needs CAP_SYS_ADMIN in the user
 * namespace that owns the filesystem.
 */
struct hot_load {
	__u32 size;
	__u32 flags;
	__u64 buffer;
	__u64 buffer_bytes;
	__u64 loaded;
};

#define HOT_LOAD_MAX		(1U << 20)

/**
 * struct hot_stream - a file descriptor to read records from (HOT_STREAM)
 * @size: sizeof(struct hot_stream)
 * @flags: HOT_OF_RANGES, HOT_BY_*, and HOT_STREAM_EVENTS
 * @threshold: with HOT_STREAM_EVENTS: heat, in 1/HOT_ONE requests, not 0; else must be 0
 *
 * ioctl() returns the descriptor, close-on-exec. Without HOT_STREAM_EVENTS it gives one pass:
 * all inodes that have heat when the cursor comes by, then with HOT_OF_RANGES all ranges, and 0
 * at the end; lseek(fd, 0, SEEK_SET) starts again. With HOT_STREAM_EVENTS it gives a record
 * when heat rises across the threshold, of an inode or, with HOT_OF_RANGES, of a range; read()
 * waits for one unless the descriptor is O_NONBLOCK (EAGAIN), poll() tells POLLIN;
 * HOT_STREAM_QUEUE records wait, more are lost and counted.
 *
 * read() gives whole records only; EINVAL if the buffer is shorter than HOT_RECORD_MAX. When
 * tracking is turned off or the filesystem unmounted, which an open stream does not prevent,
 * read() is ENODEV and poll() POLLHUP. Needs CAP_SYS_ADMIN in the user namespace that owns the
 * filesystem. EMFILE, ENFILE, ENOMEM; EBUSY beyond HOT_STREAMS_MAX streams of events.
 */
struct hot_stream {
	__u32 size;
	__u32 flags;
	__u64 threshold;
};

#define HOT_STREAM_EVENTS	0x100
#define HOT_STREAM_QUEUE	1024
#define HOT_STREAMS_MAX		16

#define HOT_CTL			_IOWR(0x15, 0x60, struct hot_ctl)
#define HOT_GET_INODE		_IOWR(0x15, 0x61, struct hot_inode)
#define HOT_GET_RANGES		_IOWR(0x15, 0x62, struct hot_ranges)
#define HOT_TOP			_IOWR(0x15, 0x63, struct hot_top)
#define HOT_HISTOGRAM		_IOWR(0x15, 0x64, struct hot_histogram)
#define HOT_RESET		_IOW(0x15, 0x65, struct hot_reset)
#define HOT_LOAD		_IOWR(0x15, 0x66, struct hot_load)
#define HOT_STREAM		_IOW(0x15, 0x67, struct hot_stream)

#endif /* _UAPI_LINUX_HOT_TRACKING_H */
