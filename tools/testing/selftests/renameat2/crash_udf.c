// SPDX-License-Identifier: GPL-2.0
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include <linux/types.h>

#include "crash.h"
#include "crash_udf.h"
#include "helpers.h"

#define ANCHOR		256	/* its block */
/* What a block is, by the number at its begin. */
#define IS_ANCHOR	2
#define IS_PARTITION	5
#define IS_BITMAP	264
#define IS_FILE		261
#define IS_EXTENDED	266
/* Offsets in the descriptors of ECMA-167. */
#define TAG_LOCATION	12
#define ANCHOR_LENGTH	16
#define ANCHOR_BLOCK	20
#define PARTITION_BITMAP	68	/* where, in blocks of the partition */
#define PARTITION_START	188
#define BITMAP_BITS	24
#define FILE_TYPE	27
#define FILE_FLAGS	34
#define FILE_SIZE	56
#define FILE_LENGTHS	168	/* of extended attributes, of the list of extents; then both */
#define EXTENDED_LENGTHS	208

#define REGULAR_FILE	5
#define EXTENTS		7	/* the bits of the flags that say how data is found: */
#define SHORT_EXTENTS	0	/* by length and block, */
#define LONG_EXTENTS	1	/* these and 8 bytes more, */
#define IN_ITSELF	3	/* or where the list would be */
#define EXTENT_LENGTH	0x3fffffff	/* without the bits for its type */

static struct {
	int fd;
	off_t start;		/* of the partition, in bytes */
	__u32 blocks;	/* of the partition */
	unsigned char *free;	/* one bit a block */
} udf;

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

static void get(off_t at, void *data, size_t len)
{
	if (pread(udf.fd, data, len, at) != (ssize_t)len)
		broken("reading an image of udf");
}

/* The sum over the 16 bytes of the tag, but for the one that has it. */
static bool is_tag(const unsigned char *block, __u32 location)
{
	unsigned char sum = 0;
	int i;

	for (i = 0; i < 16; i++)
		sum += i == 4 ? 0 : block[i];
	return sum == block[4] && short_number(block) && number(block + TAG_LOCATION) == location;
}

static void read_bitmap(__u32 block)
{
	unsigned char head[UDF_BLOCK];

	get(udf.start + (off_t)block * UDF_BLOCK, head, sizeof(head));
	if (!is_tag(head, block) || short_number(head) != IS_BITMAP)
		broken("looking for the bitmap of udf");
	udf.free = malloc((udf.blocks + 7) / 8);
	if (!udf.free)
		broken("malloc");
	get(udf.start + (off_t)block * UDF_BLOCK + BITMAP_BITS, udf.free, (udf.blocks + 7) / 8);
}

static void find_partition(void)
{
	unsigned char block[UDF_BLOCK];
	__u32 first, i, count;

	get(ANCHOR * UDF_BLOCK, block, sizeof(block));
	if (!is_tag(block, ANCHOR) || short_number(block) != IS_ANCHOR)
		broken("looking for the anchor of udf");
	first = number(block + ANCHOR_BLOCK);
	count = number(block + ANCHOR_LENGTH) / UDF_BLOCK;
	for (i = first; i < first + count; i++) {
		get((off_t)i * UDF_BLOCK, block, sizeof(block));
		if (is_tag(block, i) && short_number(block) == IS_PARTITION)
			break;
	}
	if (i == first + count)
		broken("looking for the partition of udf");
	udf.start = (off_t)number(block + PARTITION_START) * UDF_BLOCK;
	udf.blocks = number(block + PARTITION_START + 4);
	read_bitmap(number(block + PARTITION_BITMAP));
}

static bool in_use(__u32 block, __u32 count)
{
	for (; count--; block++)
		if (block >= udf.blocks || udf.free[block / 8] & 1 << block % 8)
			return false;
	return true;
}

/* The number of bytes that were read; 0 if not all of its blocks are in use. */
static size_t read_file(const unsigned char *file, char *data, size_t size)
{
	const unsigned char *lengths = file + (short_number(file) == IS_FILE ? FILE_LENGTHS :
					       EXTENDED_LENGTHS);
	const unsigned char *list = lengths + 8 + number(lengths);
	const unsigned char *end = list + number(lengths + 4);
	int step = (file[FILE_FLAGS] & EXTENTS) == SHORT_EXTENTS ? 8 : 16;
	size_t done = 0, len;

	if (number(file + FILE_SIZE) < size)
		size = number(file + FILE_SIZE);
	if (end > file + UDF_BLOCK)
		return 0;
	switch (file[FILE_FLAGS] & EXTENTS) {
	case IN_ITSELF:
		memcpy(data, list, size);
		return size;
	case SHORT_EXTENTS:
	case LONG_EXTENTS:
		break;
	default:
		return 0;
	}
	for (; list + step <= end && done < size; list += step, done += len) {
		len = number(list) & EXTENT_LENGTH;
		if (!in_use(number(list + 4), (len + UDF_BLOCK - 1) / UDF_BLOCK))
			return 0;
		if (len > size - done)
			len = size - done;
		get(udf.start + (off_t)number(list + 4) * UDF_BLOCK, data + done, len);
	}
	return done;
}

void udf_files(int image, size_t size, void (*found)(const char *data, size_t len))
{
	unsigned char block[UDF_BLOCK];
	char *data = malloc(size);
	__u32 i;
	size_t len;

	if (!data)
		broken("malloc");
	udf.fd = image;
	find_partition();
	for (i = 0; i < udf.blocks; i++) {
		if (!in_use(i, 1))
			continue;
		get(udf.start + (off_t)i * UDF_BLOCK, block, sizeof(block));
		if (!is_tag(block, i) || block[FILE_TYPE] != REGULAR_FILE ||
		    (short_number(block) != IS_FILE && short_number(block) != IS_EXTENDED))
			continue;
		len = read_file(block, data, size);
		if (len)
			found(data, len);
	}
	free(udf.free);
	free(data);
}
