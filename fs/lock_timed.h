/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _FS_LOCK_TIMED_H
#define _FS_LOCK_TIMED_H

struct file;
struct flockp_how;

/* F_SETLKPT of fcntl(); see fs/lock_timed.c. */
int fcntl_setlkpt(struct file *filp, struct flockp_how __user *arg);

#endif /* _FS_LOCK_TIMED_H */
