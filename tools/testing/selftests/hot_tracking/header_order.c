// SPDX-License-Identifier: GPL-2.0
/*
 * Compiled once for each ORDER of the headers, with and without _GNU_SOURCE,
 * as C and as C++ (see the Makefile). That it compiles is half of the test;
 * header.c looks at the values.
 */
#if ORDER == 1
#include <linux/hot_tracking.h>
#elif ORDER == 2
#include <fcntl.h>
#include <sys/ioctl.h>
#include <linux/hot_tracking.h>
#elif ORDER == 3
#include <linux/hot_tracking.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#elif ORDER == 4
#include <linux/fs.h>
#include <linux/hot_tracking.h>
#elif ORDER == 5
#include <linux/hot_tracking.h>
#include <linux/fs.h>
#include <sys/mount.h>
#endif
#include <linux/hot_tracking.h>

#include "header_order.h"

__attribute__((constructor)) static void tell(void)
{
	header_seen(KIND, HOT_CTL, HOT_ONE, HOT_RECORD_MAX);
}
