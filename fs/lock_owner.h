/* SPDX-License-Identifier: GPL-2.0 */
/* Owners of locks as user space sees them; see fs/lock_owner.c. */
#ifndef _FS_LOCK_OWNER_H
#define _FS_LOCK_OWNER_H

#include <linux/filelock.h>

struct files_struct;
struct pid_namespace;
struct seq_file;

#ifdef CONFIG_FILE_PRIVATE_LOCKS
pid_t lock_owner_pid(const struct file_lock *fl, struct pid_namespace *ns);
void lock_owner_show(struct seq_file *m, const struct file *filp,
		     const struct files_struct *files);
#else
static inline void lock_owner_show(struct seq_file *m, const struct file *filp,
				   const struct files_struct *files) {}
#endif

#endif /* _FS_LOCK_OWNER_H */
