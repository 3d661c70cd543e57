// SPDX-License-Identifier: GPL-2.0
/* The values in the header, and that it can be included wherever one likes. */
#include <assert.h>
#include <fcntl.h>
#include <linux/file_private_locks.h>

#include "../kselftest_harness.h"
#include "header_order.h"

static_assert(F_GETLKP == 36 && F_SETLKP == 37 && F_SETLKPW == 38,
	      "the numbers are part of the system call interface");
static_assert(F_GETLKP == F_OFD_GETLK && F_SETLKP == F_OFD_SETLK && F_SETLKPW == F_OFD_SETLKW,
	      "the kernel serves them as the commands for open file description locks");

/* Five orders of the headers, each with and without _GNU_SOURCE. */
#define OBJECTS 10

static int c_objects, cxx_objects, wrong;

void header_seen(const char *kind, int getlkp, int setlkp, int setlkpw)
{
	if (!strcmp(kind, "c"))
		c_objects++;
	else
		cxx_objects++;
	if (getlkp != 36 || setlkp != 37 || setlkpw != 38)
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
