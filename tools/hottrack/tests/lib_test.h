/* SPDX-License-Identifier: GPL-2.0 */
/* The clock of lib_test.c, which the linker puts in place of the C library's. */
#ifndef LIB_TEST_H
#define LIB_TEST_H

#include <time.h>

int __real_clock_gettime(clockid_t clock, struct timespec *ts);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ts);

#endif /* LIB_TEST_H */
