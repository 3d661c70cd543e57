// SPDX-License-Identifier: GPL-2.0
/* The values in the header, and that it can be included wherever one likes. */
#include <assert.h>
#include <stddef.h>
#include <linux/fs.h>
#include <linux/renameat2.h>

#include "../kselftest_harness.h"
#include "header_order.h"

static_assert(RENAME_SYNC == 0x20 && RENAME_REPLACE == 0x40 && RENAME_COND == 0x80,
	      "the values are part of the system call interface");
static_assert(!((RENAME_SYNC | RENAME_REPLACE | RENAME_COND) &
		(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT)),
	      "they combine with the other flags");
static_assert(RENAME_COND_TARGET_IS == 1 && RENAME_COND_SOURCE_IS == 2 &&
	      RENAME_COND_TARGET_UNCHANGED == 4 && RENAME_COND_SOURCE_NEWER == 8,
	      "the values are part of the system call interface");
static_assert(sizeof(struct rename_cond) == RENAME_COND_SIZE_VER0 && RENAME_COND_SIZE_VER0 == 40,
	      "the first version has 40 bytes, without holes");
static_assert(offsetof(struct rename_cond, size) == 0 &&
	      offsetof(struct rename_cond, mask) == 4 &&
	      offsetof(struct rename_cond, target_fd) == 8 &&
	      offsetof(struct rename_cond, source_fd) == 12 &&
	      offsetof(struct rename_cond, target_mtime_sec) == 16 &&
	      offsetof(struct rename_cond, target_mtime_nsec) == 24 &&
	      offsetof(struct rename_cond, resv) == 28 &&
	      offsetof(struct rename_cond, target_size) == 32,
	      "the layout is the same for 32-bit and for 64-bit programs");

/* Six orders of the headers, each with and without _GNU_SOURCE. */
#define OBJECTS 12

static int c_objects, cxx_objects, wrong;

void header_seen(const char *kind, unsigned int flags, unsigned int masks, unsigned long size)
{
	if (!strcmp(kind, "c"))
		c_objects++;
	else
		cxx_objects++;
	if (flags != 0xe0 || masks != 15 || size != 40)
		wrong++;
}

TEST(any_order_in_c)
{
	EXPECT_EQ(OBJECTS, c_objects);
	EXPECT_EQ(0, wrong);
}

TEST(any_order_in_cplusplus)
{
	if (!cxx_objects)
		SKIP(return, "no C++ compiler (package g++) when the tests were built");
	EXPECT_EQ(OBJECTS, cxx_objects);
	EXPECT_EQ(0, wrong);
}

TEST_HARNESS_MAIN
