// SPDX-License-Identifier: GPL-2.0
/* abi.c as a 32-bit program: the structures are the same, and so are the answers. */
#if __SIZEOF_LONG__ == 4

#include "abi.c"

#else /* a 64-bit build in place of the 32-bit one */

#include "../kselftest_harness.h"

TEST(built_with_m32)
{
	SKIP(return, "no 32-bit compiler (package gcc-multilib) when the tests were built");
}

TEST_HARNESS_MAIN

#endif
