// SPDX-License-Identifier: GPL-2.0
/*
 * F_SETLKPT: file-private locks with a deadline.
 *
 * The deadline is absolute, so that a call that a signal interrupts and that is
 * started again keeps it, whoever starts it again.
 */
#include <linux/file_private_locks.h>
#include <linux/filelock.h>
#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/overflow.h>
#include <linux/sched/signal.h>
#include <linux/security.h>
#include <linux/time_namespace.h>
#include <linux/uaccess.h>
#include <trace/events/filelock.h>

#include "lock_deadlock.h"
#include "lock_fair.h"
#include "lock_task.h"
#include "lock_timed.h"
#include "lock_waiters.h"

/* When to stop waiting, on the host's clock. */
struct deadline {
	clockid_t clock;
	ktime_t time;
};

static int copy_how(struct flockp_how *how, struct flockp_how __user *arg)
{
	u32 size;

	BUILD_BUG_ON(sizeof(*how) != FLOCKP_HOW_SIZE_VER0);

	if (get_user(size, &arg->size))
		return -EFAULT;
	if (size < FLOCKP_HOW_SIZE_VER0)
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	return copy_struct_from_user(how, sizeof(*how), arg, size);
}

static int read_deadline(const struct flockp_how *how, struct deadline *deadline)
{
	struct timespec64 ts = { .tv_sec = how->deadline_sec, .tv_nsec = how->deadline_nsec };

	if (!(how->flags & FLKP_DEADLINE))
		return how->clockid || ts.tv_sec || ts.tv_nsec ? -EINVAL : 0;

	if (how->clockid != CLOCK_REALTIME && how->clockid != CLOCK_MONOTONIC &&
	    how->clockid != CLOCK_BOOTTIME)
		return -EINVAL;
	/* On 32 bit tv_nsec is shorter than what it is taken from. */
	if (ts.tv_nsec != how->deadline_nsec || !timespec64_valid(&ts))
		return -EINVAL;
	deadline->clock = how->clockid;
	deadline->time = timens_ktime_to_host(how->clockid, timespec64_to_ktime(ts));
	return 0;
}

/* The same rules as for struct flock. */
static int read_range(struct file *filp, const struct flockp_how *how, struct file_lock *fl)
{
	loff_t start;

	switch (how->whence) {
	case SEEK_SET:
		start = 0;
		break;
	case SEEK_CUR:
		start = filp->f_pos;
		break;
	case SEEK_END:
		start = i_size_read(file_inode(filp));
		break;
	default:
		return -EINVAL;
	}
	if (check_add_overflow(start, how->start, &start))
		return how->start < 0 ? -EINVAL : -EOVERFLOW;
	if (start < 0)
		return -EINVAL;

	if (how->len < 0) {
		fl->fl_start = start + how->len;
		fl->fl_end = start - 1;
		return fl->fl_start < 0 ? -EINVAL : 0;
	}
	fl->fl_start = start;
	fl->fl_end = OFFSET_MAX;
	if (how->len && check_add_overflow(start, how->len - 1, &fl->fl_end))
		return -EOVERFLOW;
	return 0;
}

static int read_type(struct file *filp, const struct flockp_how *how, struct file_lock *fl)
{
	switch (how->type) {
	case F_RDLCK:
		if (!(filp->f_mode & FMODE_READ))
			return -EBADF;
		break;
	case F_WRLCK:
		if (!(filp->f_mode & FMODE_WRITE))
			return -EBADF;
		break;
	case F_UNLCK:
		break;
	default:
		return -EINVAL;
	}
	fl->c.flc_type = how->type;
	return 0;
}

/* Until the request is to be made again: 0, -ERESTARTSYS or -ETIMEDOUT. */
static int sleep_until(struct file_lock *fl, struct deadline *deadline,
		       const struct lock_turn *turn)
{
	DEFINE_WAIT(wait);
	int error = 0;

	for (;;) {
		prepare_to_wait(&fl->c.flc_wait, &wait, TASK_INTERRUPTIBLE);
		if (list_empty(&fl->c.flc_blocked_member) || (turn && lock_turn_over(turn)))
			break;
		if (signal_pending(current)) {
			error = -ERESTARTSYS;
			break;
		}
		if (!schedule_hrtimeout_range_clock(&deadline->time, current->timer_slack_ns,
						    HRTIMER_MODE_ABS, deadline->clock)) {
			error = -ETIMEDOUT;
			break;
		}
	}
	finish_wait(&fl->c.flc_wait, &wait);
	return error;
}

/* The request has been blocked; without @deadline it waits for ever. */
static noinline int wait_until(struct file *filp, struct file_lock *fl, struct deadline *deadline)
{
	struct lock_turn on_stack, *turn = fl->fl_node.is_fair ? &on_stack : NULL;
	int error;

	if (turn)
		lock_turn_begin(turn);
	do {
		error = deadline ? sleep_until(fl, deadline, turn) : lock_sleep(filp, fl, turn);
		if (error)
			break;
		if (turn)
			lock_turn_pass(turn, fl);
		error = posix_lock_file(filp, fl, NULL);
	} while (error == FILE_LOCK_DEFERRED);
	if (turn)
		lock_turn_end(turn, fl);
	locks_delete_block(fl);
	if (error != -ETIMEDOUT)
		return error;

	/* It may have come free since the last try, or before the deadline was there to see. */
	fl->c.flc_flags &= ~FL_SLEEP;
	error = posix_lock_file(filp, fl, NULL);
	return error == -EAGAIN ? -ETIMEDOUT : error;
}

/**
 * fcntl_setlkpt - set or remove a file-private lock, waiting until a deadline
 * @filp: the open file, which will own the lock
 * @arg: struct flockp_how in user space
 *
 * Context: may sleep, until a signal is pending if no deadline was given.
 *
 * Return: 0, or -EFAULT, -EINVAL, -E2BIG, -EOVERFLOW for what @arg says, -EBADF for the
 * access mode, -EPERM where another task alone may change a lock, -EOPNOTSUPP where a
 * filesystem has locks of its own, -ENOLCK or -ENOMEM without memory, -ETIMEDOUT, -EDEADLK,
 * -ERESTARTSYS, or what a security module answers.
 */
int fcntl_setlkpt(struct file *filp, struct flockp_how __user *arg)
{
	struct file_lock fl __uninitialized;
	struct deadline deadline;
	struct flockp_how how;
	int error;

	error = copy_how(&how, arg);
	if (error)
		return error;
	if (how.flags & ~(FLKP_DEADLINE | FLKP_FAIR | FLKP_TASK) || how.resv)
		return -EINVAL;
	if (how.flags & (FLKP_FAIR | FLKP_TASK) && how.type == F_UNLCK)
		return -EINVAL;
	error = read_deadline(&how, &deadline);
	if (error)
		return error;

	locks_init_lock(&fl);
	fl.c.flc_owner = filp;
	fl.c.flc_file = filp;
	fl.c.flc_pid = current->tgid;
	fl.c.flc_flags = FL_POSIX | FL_OFDLCK | FL_SLEEP;
	fl.c.flc_timed = how.flags & FLKP_DEADLINE;
	if (how.flags & FLKP_TASK)
		lock_task_set(&fl);
	if (how.flags & FLKP_FAIR)
		lock_fair_set(&fl);

	error = read_range(filp, &how, &fl);
	if (error)
		goto out;
	error = read_type(filp, &how, &fl);
	if (error)
		goto out;
	/* These wait in ways of their own, where no deadline reaches them. */
	error = -EOPNOTSUPP;
	if (filp->f_op->lock)
		goto out;
	error = security_file_lock(filp, fl.c.flc_type);
	if (error)
		goto out;
	error = posix_lock_file(filp, &fl, NULL);
	if (error == FILE_LOCK_DEFERRED)
		error = wait_until(filp, &fl, how.flags & FLKP_DEADLINE ? &deadline : NULL);
	lock_waiters_done(&fl, error);
	trace_fcntl_setlk(file_inode(filp), &fl, error);
out:
	locks_release_private(&fl);
	return error;
}
