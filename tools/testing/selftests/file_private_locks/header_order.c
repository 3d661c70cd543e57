// SPDX-License-Identifier: GPL-2.0
/*
 * Compiled once for each ORDER of the headers, with and without _GNU_SOURCE,
 * as C and as C++ (see the Makefile). That it compiles is half of the test;
 * header.c looks at the values.
 */
#if ORDER == 1
#include <linux/file_private_locks.h>
#elif ORDER == 2
#include <fcntl.h>
#include <linux/file_private_locks.h>
#elif ORDER == 3
#include <linux/file_private_locks.h>
#include <fcntl.h>
#elif ORDER == 4
#include <linux/fcntl.h>
#include <linux/file_private_locks.h>
#elif ORDER == 5
#include <linux/file_private_locks.h>
#include <linux/fcntl.h>
#endif
#include <linux/file_private_locks.h>

#include "header_order.h"

__attribute__((constructor)) static void tell(void)
{
	struct flockp_how how;

	how.size = sizeof(how);
	how.flags = FLKP_DEADLINE;
	header_seen(KIND, F_GETLKP, F_SETLKP, F_SETLKPW, F_SETLKPT, how.flags ? how.size : 0);
}
