/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _FS_LOCK_ENUM_H
#define _FS_LOCK_ENUM_H

struct file;
struct flockp_enum;

/* F_ENUMLKP of fcntl(); see fs/lock_enum.c. */
int fcntl_enumlkp(struct file *filp, struct flockp_enum __user *arg);

#endif /* _FS_LOCK_ENUM_H */
