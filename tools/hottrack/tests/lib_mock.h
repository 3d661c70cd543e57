/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A kernel with hot tracking, played by functions that stand in for the C library's: ioctl(),
 * name_to_handle_at() and open_by_handle_at(). Wants no privilege. Linked into a test, or as
 * libmock.so in LD_PRELOAD with HOT_MOCK=FILE in the environment.
 *
 * FILE keeps the state from one program to the next. If it is missing it is made from FILE.txt,
 * whose lines are these, with heat in requests (they may have a fraction):
 *
 *	on
 *	half_life MS
 *	range_shift SHIFT
 *	file READS WRITES BYTES_READ BYTES_WRITTEN AGE_MS FLAGS PATH
 *	range OFFSET READS WRITES AGE_MS PATH		of a file that came before
 *	error COMMAND ERRNO				COMMAND: 0x60 for HOT_CTL and so on
 *	uuid BYTE					16 times this; 0: none
 *
 * FLAGS is a hexadecimal number: those of struct hot_record, and MOCK_NAMELESS, with which the
 * kernel can open the file but does not know its name. The handle of a file is made of its inode
 * number.
 */
#ifndef LIB_MOCK_H
#define LIB_MOCK_H

#include <linux/hot_tracking.h>

#define MOCK_NAMELESS		0x10000
/* Type of the handles. */
#define MOCK_HANDLE_TYPE	0x42

#define MOCK_ITEMS		8192
#define MOCK_RANGES		16384
#define MOCK_PATH		512

struct mock_item {
	__u64 inode;
	__u32 flags, reads, writes;
	__u64 bytes_read, bytes_written, age_ms;
	char path[MOCK_PATH];
};

struct mock_range {
	__u32 item, reads, writes;
	__u64 offset, age_ms;
};

struct mock {
	struct hot_ctl ctl;
	int errors[8];			/* by command, from HOT_CTL on */
	unsigned int uuid;
	unsigned int items, ranges;
	unsigned int calls[8];		/* likewise */
	unsigned int opened;		/* calls of open_by_handle_at() */
	int open_error;			/* what it gives, if not 0 */
	struct mock_item item[MOCK_ITEMS];
	struct mock_range range[MOCK_RANGES];
	/* Called after the request was served, to spoil the answer. */
	void (*spoil)(unsigned int number, void *arg);
};

extern struct mock *mock;

/* A kernel without any heat, tracking off. */
void mock_reset(void);

/* A file; its index. */
unsigned int mock_file(const char *path, __u32 flags, double reads, double writes);
void mock_range(unsigned int item, __u64 offset, double reads, double writes);

#endif /* LIB_MOCK_H */
