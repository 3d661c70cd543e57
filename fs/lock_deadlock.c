// SPDX-License-Identifier: GPL-2.0
/*
 * Deadlocks among those who wait for byte-range locks.
 *
 * A request waits for each lock in its way to go. Whether one will ever go depends on those
 * who can release it: owners of locks do not act, tasks do, and anything that refers to an
 * open file may be used by some task to release its locks. So a lock is as good as stuck
 * only if
 *
 *  - it is private, there is one reference to its open file, that is a descriptor of a task
 *    that shares its descriptors with nobody, and this task is asleep here; or
 *
 *  - it is classic, its task shares its descriptors with nobody and is asleep here; or
 *
 *  - it is bound to a task, which is asleep here.
 *
 * If the request of that task waits for such a lock too, and so on back to the first one,
 * then nobody of them can go on, and the one that noticed gets EDEADLK. A duplicate of the
 * descriptor, a mapping, a message on its way, a registration with io_uring or another
 * thread each leave a way out, so then nothing is reported. Left out of this reasoning are
 * those who act from outside: debuggers, pidfd_getfd(), and signal handlers, which end the
 * wait of the very task; and those who close a file with locks that are bound to others.
 *
 * Tasks that will give up by themselves are not here, nor is who waits behind a fair request
 * only: no lock is in its way, and it will be let pass.
 *
 * The search goes over all tasks that wait, with a mutex held that each takes before it goes
 * to sleep and after. What it sees of one file and then of another is not of one moment. But
 * a task whose request is still blocked in the end was asleep all the time, and could not
 * have taken or released anything; so all that was seen of it still is as it was seen.
 */
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/filelock.h>
#include <linux/fs.h>
#include <linux/hashtable.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "lock_deadlock.h"
#include "lock_fair.h"
#include "lock_index.h"
#include "lock_task.h"

/**
 * struct sleeper - a task that waits for a lock, until it gets it
 * @node: in sleepers, by number of the task
 * @task: the task
 * @request: what it waits with
 * @ctx: lock context of the inode
 * @from: the sleeper whose way brought the search here
 * @search: number of the search that was here last
 * @start: fl_start of the last lock in the way that this search looked at, or 0
 * @since: when that was granted, or 0
 *
 * Protected by sleepers_lock. It is on the stack of the task.
 */
struct sleeper {
	struct hlist_node node;
	struct task_struct *task;
	struct file_lock *request;
	struct file_lock_context *ctx;
	struct sleeper *from;
	u64 search;
	loff_t start;
	u64 since;
};

static DEFINE_MUTEX(sleepers_lock);
static DEFINE_HASHTABLE(sleepers, 10);

/*
 * Has the task that alone may change @fl gone to sleep here, or if there is none the first task
 * of the process that asked for it? What other tasks a process has can release its locks.
 */
static struct sleeper *sleeper_of(const struct file_lock *fl, int *steps)
{
	const bool bound = fl->fl_node.task;
	struct sleeper *s;

	hash_for_each_possible(sleepers, s, node, bound ? fl->fl_node.task : fl->c.flc_pid) {
		if (!*steps)
			break;
		--*steps;
		if (bound ? lock_task_is(fl, s->task) : s->task->pid == fl->c.flc_pid)
			return s;
	}
	return NULL;
}

/*
 * Is @filp among the first descriptors in @files? If so it stays there, for the only task
 * that could change that is asleep.
 */
static bool has_descriptor(struct files_struct *files, const struct file *filp, int *steps)
{
	struct fdtable *fdt;
	bool found = false;
	unsigned int i;

	rcu_read_lock();
	fdt = files_fdtable(files);
	for (i = 0; i < min_t(unsigned int, fdt->max_fds, LOCK_DEADLOCK_FDS) && !found; i++)
		found = rcu_access_pointer(fdt->fd[i]) == filp;
	rcu_read_unlock();
	*steps -= min_t(int, *steps, i / LOCK_DEADLOCK_FDS_A_STEP);
	return found;
}

/* Is @s the only one who can release what @owner has? */
static bool only_releaser(const struct sleeper *s, const void *owner, bool private, int *steps)
{
	/* The task is asleep, so it does not change this. */
	struct files_struct *files = s->task->files;

	if (atomic_read(&files->count) != 1)
		return false;
	if (!private)
		return owner == files;
	/* Only after the first it is known that there is a file. */
	return has_descriptor(files, owner, steps) && file_count((struct file *)owner) == 1;
}

/* The next one, after those that it returned before, that must go on for @s to go on. */
static struct sleeper *next_in_way(struct sleeper *s, int *steps)
{
	struct file_lock *fl = NULL, *request = s->request;
	struct posix_index_walk walk = {
		.range = request,
		.start = s->start,
		.since = s->since,
	};
	struct sleeper *other;
	const void *owner;
	bool private, bound;

	do {
		const int pause = max(*steps - LOCK_DEADLOCK_STEPS_A_HOLD, 0);

		other = NULL;
		spin_lock(&s->ctx->flc_lock);
		posix_index_begin(s->ctx, &walk);
		while (!other && *steps > pause) {
			fl = posix_index_next(s->ctx, &walk);
			if (!fl)
				break;
			--*steps;
			if (fl->c.flc_type != F_WRLCK && request->c.flc_type != F_WRLCK)
				continue;
			other = sleeper_of(fl, steps);
			owner = fl->c.flc_owner;
			private = fl->c.flc_flags & FL_OFDLCK;
			bound = fl->fl_node.task;
		}
		spin_unlock(&s->ctx->flc_lock);
	} while (other ? !bound && !only_releaser(other, owner, private, steps) : *steps && fl);
	s->start = walk.start;
	s->since = walk.since;
	return other;
}

/* Is @s still where the search found it, and not about to leave with EINTR? */
static bool is_blocked(const struct sleeper *s)
{
	return !list_empty_careful(&s->request->c.flc_blocked_member) && !signal_pending(s->task);
}

/* Does @me wait for itself, in the end? */
static bool in_circle(struct sleeper *me)
{
	static u64 search;
	int steps = LOCK_DEADLOCK_STEPS;
	struct sleeper *s = me, *next;

	lockdep_assert_held(&sleepers_lock);
	search++;
	me->from = NULL;
	me->start = 0;
	me->since = 0;
	while (s) {
		next = next_in_way(s, &steps);
		if (!next) {
			s = s->from;
		} else if (next == me) {
			while (s && is_blocked(s))
				s = s->from;
			return !s;
		} else if (next->search != search) {
			next->search = search;
			next->from = s;
			next->start = 0;
			next->since = 0;
			s = next;
		}
	}
	return false;
}

/* Is it for ever? Whoever is told so is not one of the others' circle any more. */
static bool is_deadlock(struct sleeper *me)
{
	bool found;

	mutex_lock(&sleepers_lock);
	found = in_circle(me);
	if (found)
		hash_del(&me->node);
	mutex_unlock(&sleepers_lock);
	return found;
}

/* 0, -ERESTARTSYS or -ETIMEDOUT */
static int sleep_for(struct file_lock *request, const struct lock_turn *turn, long timeout)
{
	long ret = wait_event_interruptible_timeout(request->c.flc_wait,
						    list_empty(&request->c.flc_blocked_member) ||
						    (turn && lock_turn_over(turn)), timeout);

	return ret ? min(ret, 0L) : -ETIMEDOUT;
}

/**
 * lock_sleep - wait until a blocked request is to be made again
 * @filp: the open file that it was made on
 * @request: request of the current task, which has been blocked
 * @turn: of a fair request, which is to be made again when it is over; else NULL
 *
 * Context: may sleep, until a signal is pending.
 *
 * Return: 0, -ERESTARTSYS, or -EDEADLK if it would be for ever.
 */
int lock_sleep(struct file *filp, struct file_lock *request, const struct lock_turn *turn)
{
	struct sleeper me = {
		.task = current,
		.request = request,
		.ctx = locks_inode_context(file_inode(filp)),
	};
	long timeout;
	int error;

	/* Who knows where locks of these are, and which. */
	if (filp->f_op->lock)
		return wait_event_interruptible(request->c.flc_wait,
						list_empty(&request->c.flc_blocked_member));

	mutex_lock(&sleepers_lock);
	hash_add(sleepers, &me.node, current->pid);
	mutex_unlock(&sleepers_lock);

	for (timeout = LOCK_DEADLOCK_AGAIN;; timeout = min(2 * timeout, LOCK_DEADLOCK_LATEST)) {
		error = is_deadlock(&me) ? -EDEADLK : sleep_for(request, turn, timeout);
		if (error != -ETIMEDOUT)
			break;
	}

	mutex_lock(&sleepers_lock);
	hash_del(&me.node);
	mutex_unlock(&sleepers_lock);
	return error;
}
