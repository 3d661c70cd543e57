// SPDX-License-Identifier: GPL-2.0
/* The values in the header, and that it can be included wherever one likes. */
#include <assert.h>
#include <fcntl.h>
#include <stddef.h>
#include <linux/file_private_locks.h>

#include "../kselftest_harness.h"
#include "header_order.h"

static_assert(F_GETLKP == 36 && F_SETLKP == 37 && F_SETLKPW == 38,
	      "the numbers are part of the system call interface");
static_assert(F_GETLKP == F_OFD_GETLK && F_SETLKP == F_OFD_SETLK && F_SETLKPW == F_OFD_SETLKW,
	      "the kernel serves them as the commands for open file description locks");
/* F_SETLEASE is the first of the commands that are Linux's own. */
static_assert(F_SETLKPT == 1088 && F_SETLKPT == F_SETLEASE + 64 && FLKP_DEADLINE == 1,
	      "the numbers are part of the system call interface");

static_assert(offsetof(struct flockp_how, size) == 0 &&
	      offsetof(struct flockp_how, flags) == 4 &&
	      offsetof(struct flockp_how, type) == 8 &&
	      offsetof(struct flockp_how, whence) == 12 &&
	      offsetof(struct flockp_how, start) == 16 &&
	      offsetof(struct flockp_how, len) == 24 &&
	      offsetof(struct flockp_how, clockid) == 32 &&
	      offsetof(struct flockp_how, resv) == 36 &&
	      offsetof(struct flockp_how, deadline_sec) == 40 &&
	      offsetof(struct flockp_how, deadline_nsec) == 48 &&
	      sizeof(struct flockp_how) == 56 && FLOCKP_HOW_SIZE_VER0 == 56,
	      "all programs have the same struct");

/* Five orders of the headers, each with and without _GNU_SOURCE. */
#define OBJECTS 10

static int c_objects, cxx_objects, wrong;

void header_seen(const char *kind, int getlkp, int setlkp, int setlkpw, int setlkpt, int how_size)
{
	if (!strcmp(kind, "c"))
		c_objects++;
	else
		cxx_objects++;
	if (getlkp != 36 || setlkp != 37 || setlkpw != 38 || setlkpt != 1088 || how_size != 56)
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
