// SPDX-License-Identifier: GPL-2.0
/*
 * Owners of locks, as user space sees them.
 *
 * A private lock and one of flock() belong to an open file, a classic one to a table of
 * descriptors. The kernel knows both by address only. User space gets a keyed hash of it:
 * equal for one owner, different for two, and good for nothing else.
 */
#include <linux/fs.h>
#include <linux/once.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/siphash.h>

#include "lock_owner.h"

/**
 * lock_owner_cookie - what stands for the owner of a lock in user space
 * @owner: &file_lock_core.flc_owner
 *
 * Context: any.
 *
 * Return: a number that stays the same until the next boot, or until the owner is gone and its
 * address is used again.
 */
u64 lock_owner_cookie(const void *owner)
{
	static siphash_aligned_key_t key;

	get_random_once(&key, sizeof(key));
	return siphash_1u64((unsigned long)owner, &key);
}

/**
 * lock_owner_pid - the process that asked for a lock
 * @fl: a lock, or a request that waits for one, that cannot go away
 * @ns: as this namespace numbers processes
 *
 * A lock keeps a number, not a process, and the number may have gone to another process
 * since; so whoever has it now must have been there before the lock was. What lock managers
 * put there are numbers of other hosts.
 *
 * Return: a process ID; 0 if the process is gone, has none in @ns or is elsewhere; what a
 * filesystem says for a lock of another host, which is below 0.
 */
pid_t lock_owner_pid(const struct file_lock *fl, struct pid_namespace *ns)
{
	struct task_struct *task;
	pid_t pid = fl->c.flc_pid;

	if (pid <= 0)
		return pid;
	if (fl->fl_lmops)
		return 0;

	rcu_read_lock();
	task = find_task_by_pid_ns(pid, &init_pid_ns);
	pid = task && task->start_boottime <= fl->fl_node.since ? task_tgid_nr_ns(task, ns) : 0;
	rcu_read_unlock();
	return pid;
}

/**
 * lock_owner_show - the line of an open descriptor that tells its owners
 * @m: /proc/PID/fdinfo/FD
 * @filp: the open file
 * @files: the table of descriptors
 */
void lock_owner_show(struct seq_file *m, const struct file *filp,
		     const struct files_struct *files)
{
	seq_printf(m, "lock-owner:\t%016llx %016llx\n", lock_owner_cookie(filp),
		   lock_owner_cookie(files));
}
