// SPDX-License-Identifier: GPL-2.0
/* The values in the header, and that it can be included wherever one likes. */
#include "../kselftest_harness.h"
#include "header_order.h"
#include "layout.h"

/* Five orders of the headers, each with and without _GNU_SOURCE. */
#define OBJECTS 10

static int c_objects, cxx_objects, wrong;

void header_seen(const char *kind, unsigned long request, unsigned int one, unsigned long record)
{
	if (!strcmp(kind, "c"))
		c_objects++;
	else
		cxx_objects++;
	if (request != 0xc0801560 || one != 256 || record != 104)
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

/* No two commands, and no two bits of one word, may be the same. */
TEST(values_are_distinct)
{
	static const unsigned long commands[] = {
		HOT_CTL, HOT_GET_INODE, HOT_GET_RANGES, HOT_TOP, HOT_HISTOGRAM, HOT_RESET,
		HOT_LOAD, HOT_STREAM,
	};
	static const unsigned int ctl[] = {
		HOT_CTL_ON, HOT_CTL_OFF, HOT_CTL_SET_RANGE_SHIFT, HOT_CTL_SET_HALF_LIFE,
		HOT_CTL_SET_ITEM_BYTES, HOT_CTL_SET_RANGE_BYTES,
	};
	static const unsigned int record[] = {
		HOT_TRACKED, HOT_VOLATILE, HOT_NOT_OPENABLE, HOT_RECORD_RANGE,
	};
	static const unsigned int of[] = {
		HOT_OF_RANGES, HOT_BY_READS, HOT_BY_WRITES, HOT_STREAM_EVENTS,
	};
	unsigned int i, seen;

	for (i = 1; i < ARRAY_SIZE(commands); i++)
		EXPECT_EQ(_IOC_NR(commands[i - 1]) + 1, _IOC_NR(commands[i]));
	for (i = 0, seen = 0; i < ARRAY_SIZE(ctl); seen |= ctl[i++])
		EXPECT_EQ(0, seen & ctl[i]);
	for (i = 0, seen = 0; i < ARRAY_SIZE(record); seen |= record[i++])
		EXPECT_EQ(0, seen & record[i]);
	for (i = 0, seen = 0; i < ARRAY_SIZE(of); seen |= of[i++])
		EXPECT_EQ(0, seen & of[i]);
}

TEST_HARNESS_MAIN
