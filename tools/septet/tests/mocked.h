/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MOCKED_H
#define MOCKED_H

#include <sys/timerfd.h>

/* The C library's functions, under the names that the linker's --wrap gives them. */
int __real_access(const char *path, int mode);
int __real_close(int fd);
int __real_fcntl(int fd, int cmd, void *arg);
int __real_ioctl(int fd, unsigned long command, void *arg);
int __real_memfd_create(const char *name, unsigned int flags);
int __real_renameat2(int olddir, const char *old, int newdir, const char *new,
		     unsigned int flags);
int __real_timerfd_settime(int fd, int flags, const struct itimerspec *new,
			   struct itimerspec *old);

#endif
