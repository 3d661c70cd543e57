// SPDX-License-Identifier: GPL-2.0
/*
 * Locks that only one task of their owner may change.
 *
 * An open file is used by any number of tasks, and each may release its locks. So nobody
 * can tell who has to go on for a lock to go. A lock that is bound to a task can be: only
 * this task changes or releases it. Closing the file is not restrained, since it may be the
 * end of the process.
 *
 * The task is known by its number and the time when it began, which no two tasks share. A
 * lock so holds no reference to a task, and goes on being bound to one that has ended.
 */
#include <linux/filelock.h>
#include <linux/fs.h>
#include <linux/lockdep.h>
#include <linux/sched.h>

#include "lock_index.h"
#include "lock_task.h"

/**
 * lock_task_set - have the lock that is asked for belong to the current task
 * @request: a request that is not made yet
 */
void lock_task_set(struct file_lock *request)
{
	request->fl_node.task = current->pid;
	request->fl_node.task_start = current->start_boottime;
}

/**
 * lock_task_is - may only this task change a lock?
 * @fl: a lock
 * @task: a task
 *
 * Return: true if so.
 */
bool lock_task_is(const struct file_lock *fl, const struct task_struct *task)
{
	return fl->fl_node.task == task->pid &&
	       fl->fl_node.task_start == task->start_boottime;
}

bool __lock_task_forbids(struct file_lock_context *ctx, const struct file_lock *request)
{
	bool found = false;
	struct file_lock *fl;

	lockdep_assert_held(&ctx->flc_lock);
	if (request->c.flc_flags & FL_CLOSE)
		return false;
	/* The locks of an owner stand side by side, by start. */
	posix_index_for_each_own(fl, ctx, request) {
		if (fl->c.flc_owner != request->c.flc_owner) {
			if (found)
				break;
			continue;
		}
		found = true;
		if (fl->fl_start > request->fl_end)
			break;
		if (fl->fl_end >= request->fl_start && fl->fl_node.task &&
		    !lock_task_is(fl, current))
			return true;
	}
	return false;
}
