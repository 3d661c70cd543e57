// SPDX-License-Identifier: GPL-2.0
/* The values in the header, and that it can be included wherever one likes. */
#include <assert.h>
#include <time.h>
#include <sys/timerfd.h>
#include <linux/deferrable_timers.h>

#include "../kselftest_harness.h"
#include "header_order.h"

static_assert(TFD_TIMER_IS_DEFERRABLE == 4 && TIMER_IS_DEFERRABLE == 4,
	      "the values are part of the system call interface");
static_assert(!(TFD_TIMER_IS_DEFERRABLE & (TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)) &&
	      !(TIMER_IS_DEFERRABLE & TIMER_ABSTIME), "they combine with the other flags");
static_assert(TFD_IOC_SET_DEFER_MAX == 0x40085401, "the number is part of the interface");

/* Six orders of the headers, each with and without _GNU_SOURCE. */
#define OBJECTS 12

static int c_objects, cxx_objects, wrong;

void header_seen(const char *kind, int timerfd_flag, int timer_flag, unsigned long request)
{
	if (!strcmp(kind, "c"))
		c_objects++;
	else
		cxx_objects++;
	if (timerfd_flag != 4 || timer_flag != 4 || request != 0x40085401)
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
