// SPDX-License-Identifier: GPL-2.0
/*
 * Compiled once for each ORDER of the headers, with and without _GNU_SOURCE,
 * as C and as C++ (see the Makefile). That it compiles is half of the test;
 * header.c looks at the values.
 */
#if ORDER == 1
#include <linux/renameat2.h>
#elif ORDER == 2
#include <stdio.h>
#include <fcntl.h>
#include <linux/renameat2.h>
#elif ORDER == 3
#include <linux/renameat2.h>
#include <stdio.h>
#include <fcntl.h>
#elif ORDER == 4
#include <linux/fs.h>
#include <linux/renameat2.h>
#elif ORDER == 5
#include <linux/renameat2.h>
#include <linux/fs.h>
#elif ORDER == 6
#include <stdio.h>
#include <linux/renameat2.h>
#include <linux/fs.h>
#include <sys/mount.h>
#endif
#include <linux/renameat2.h>

#include "header_order.h"

__attribute__((constructor)) static void tell(void)
{
	header_seen(KIND, RENAME_SYNC | RENAME_REPLACE | RENAME_COND,
		    RENAME_COND_TARGET_IS | RENAME_COND_SOURCE_IS |
		    RENAME_COND_TARGET_UNCHANGED | RENAME_COND_SOURCE_NEWER,
		    sizeof(struct rename_cond));
}
