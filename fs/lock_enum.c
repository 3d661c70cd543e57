// SPDX-License-Identifier: GPL-2.0
/*
 * F_ENUMLKP: the locks on a file, and the requests that wait for one.
 *
 * Anyone who may use a file may ask, so the locks that protect the file's locks are held
 * for a few entries only; they go to user space in between. The way on is found by value: the
 * start of the last lock that was looked at, and when it was granted. Both are part of the
 * order that everything is listed in, so it does not matter whether that lock is still there.
 */
#include <linux/file_private_locks.h>
#include <linux/filelock.h>
#include <linux/fs.h>
#include <linux/overflow.h>
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>
#include <linux/security.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>

#include "lock_enum.h"
#include "lock_index.h"
#include "lock_owner.h"
#include "lock_waiters.h"

#define STATES	(FLKP_HELD | FLKP_WAITING)
#define KINDS	(FLKP_PRIVATE | FLKP_CLASSIC | FLKP_FLOCK)

/* At most so many entries at a time, from so many locks. */
#define BATCH		64
#define BATCH_LOOKS	256

/* What is listed, in this order; in the cursor, two bits. */
enum part { PART_POSIX, PART_FLOCK, PART_WAITING, PART_END };
#define PART_BITS	2

/**
 * struct walk - where a walk along the locks of a file has got to
 * @filp: any open file of it
 * @ctx: its lock context
 * @range: fl_start and fl_end of interest; its owner has no locks
 * @flags: as in struct flockp_enum, with all of a group instead of none
 * @part: what is being walked along
 * @start: fl_start of the last one looked at, or 0
 * @since: when that was granted, or began to wait, or 0
 * @now: time of this batch
 * @looks: how many may still be looked at in this batch
 * @entries: BATCH of them
 * @count: how many are filled
 * @last: one of this batch whose owner and process are known: many locks have the same
 * @last.owner: its owner, or NULL
 * @last.cookie: and what stands for that
 * @last.fl_pid: process that asked for it, as it says, or 0
 * @last.since: when it was granted
 * @last.pid: the process, as the caller sees it
 */
struct walk {
	struct file *filp;
	struct file_lock_context *ctx;
	struct file_lock range;
	u32 flags;
	enum part part;
	loff_t start;
	u64 since;
	u64 now;
	int looks;
	struct flockp_entry *entries;
	int count;
	struct {
		const void *owner;
		u64 cookie;
		pid_t fl_pid;
		u64 since;
		pid_t pid;
	} last;
};

static u32 kind_of(const struct file_lock *fl)
{
	if (fl->c.flc_flags & FL_FLOCK)
		return FLKP_FLOCK;
	return fl->c.flc_flags & FL_OFDLCK ? FLKP_PRIVATE : FLKP_CLASSIC;
}

static u64 cookie_of(struct walk *walk, const struct file_lock *fl)
{
	if (walk->last.owner != fl->c.flc_owner) {
		walk->last.owner = fl->c.flc_owner;
		walk->last.cookie = lock_owner_cookie(fl->c.flc_owner);
	}
	return walk->last.cookie;
}

static pid_t pid_of(struct walk *walk, const struct file_lock *fl)
{
	/* Who was there when one lock was granted was so when a later one was. */
	if (!walk->last.pid || walk->last.fl_pid != fl->c.flc_pid ||
	    walk->last.since > fl->fl_node.since || fl->fl_lmops) {
		walk->last.fl_pid = fl->c.flc_pid;
		walk->last.since = fl->fl_node.since;
		walk->last.pid = lock_owner_pid(fl, task_active_pid_ns(current));
	}
	return walk->last.pid;
}

/* Look at the next lock: list it if it is one of those that are wanted. */
static void look_at(struct walk *walk, const struct file_lock *fl)
{
	struct flockp_entry *entry = &walk->entries[walk->count];
	u32 kind = kind_of(fl);

	walk->start = fl->fl_start;
	walk->since = fl->fl_node.since;
	walk->looks--;
	if (!(walk->flags & kind) || !lock_index_overlap(fl, &walk->range))
		return;

	*entry = (struct flockp_entry) {
		.owner = cookie_of(walk, fl),
		.start = fl->fl_start,
		.len = fl->fl_end == OFFSET_MAX ? 0 : fl->fl_end - fl->fl_start + 1,
		.age_ns = max_t(s64, walk->now - fl->fl_node.since, 0),
		.type = fl->c.flc_type,
		.flags = kind | (walk->part == PART_WAITING ? FLKP_WAITING : FLKP_HELD),
		.pid = pid_of(walk, fl),
	};
	if (kind == FLKP_FLOCK ? walk->filp->f_op->flock : walk->filp->f_op->lock)
		entry->flags |= FLKP_LOCAL_ONLY;
	if (fl->fl_node.task)
		entry->flags |= FLKP_ONE_TASK;
	walk->count++;
}

static bool may_look(const struct walk *walk, int wanted)
{
	return walk->count < wanted && walk->looks;
}

/* Each of these returns true if there is nothing more in its part. */

static bool walk_posix(struct walk *walk, int wanted)
{
	struct posix_index_walk locks = {
		.range = &walk->range,
		.start = walk->start,
		.since = walk->since,
	};
	struct file_lock *fl;

	posix_index_begin(walk->ctx, &locks);
	while (may_look(walk, wanted)) {
		fl = posix_index_next(walk->ctx, &locks);
		if (!fl)
			return true;
		look_at(walk, fl);
	}
	return false;
}

/* All of these lock the whole file, and the list is in the order in which they were granted. */
static bool walk_flock(struct walk *walk, int wanted)
{
	struct file_lock *fl;

	list_for_each_entry(fl, &walk->ctx->flc_flock, c.flc_list) {
		if (!lock_index_after(fl, walk->start, walk->since))
			continue;
		if (!may_look(walk, wanted))
			return false;
		look_at(walk, fl);
	}
	return true;
}

static bool walk_waiting(struct walk *walk, int wanted)
{
	struct file_lock *fl;

	while (may_look(walk, wanted)) {
		fl = lock_waiters_next(walk->ctx, walk->start, walk->since);
		if (!fl || fl->fl_start > walk->range.fl_end)
			return true;
		look_at(walk, fl);
	}
	return false;
}

/* Is something of this part wanted? */
static bool part_wanted(const struct walk *walk)
{
	switch (walk->part) {
	case PART_POSIX:
		return walk->flags & FLKP_HELD && walk->flags & (FLKP_PRIVATE | FLKP_CLASSIC);
	case PART_FLOCK:
		return walk->flags & FLKP_HELD && walk->flags & FLKP_FLOCK;
	default:
		return walk->flags & FLKP_WAITING;
	}
}

static bool walk_part(struct walk *walk, int wanted)
{
	struct file_lock_context *ctx = walk->ctx;
	bool end;

	if (!part_wanted(walk))
		return true;
	if (walk->part == PART_WAITING) {
		spin_lock(&ctx->flc_index.wait_lock);
		end = walk_waiting(walk, wanted);
		spin_unlock(&ctx->flc_index.wait_lock);
		return end;
	}
	spin_lock(&ctx->flc_lock);
	end = walk->part == PART_POSIX ? walk_posix(walk, wanted) : walk_flock(walk, wanted);
	spin_unlock(&ctx->flc_lock);
	return end;
}

/* Fill in up to @wanted entries; fewer, or none, also if there are more. */
static void walk_batch(struct walk *walk, int wanted)
{
	walk->count = 0;
	walk->looks = BATCH_LOOKS;
	walk->now = ktime_get_boottime_ns();
	walk->last.pid = 0;
	while (walk->part != PART_END && walk_part(walk, wanted)) {
		walk->part++;
		walk->start = 0;
		walk->since = 0;
	}
}

static int copy_out(const struct walk *walk, void __user *to, u32 entry_size)
{
	const u32 known = sizeof(*walk->entries);
	int i;

	if (entry_size == known)
		return copy_to_user(to, walk->entries, walk->count * known) ? -EFAULT : 0;
	for (i = 0; i < walk->count; i++, to += entry_size) {
		if (copy_to_user(to, &walk->entries[i], known) ||
		    clear_user(to + known, entry_size - known))
			return -EFAULT;
	}
	return 0;
}

static int copy_enum(struct flockp_enum *how, struct flockp_enum __user *arg)
{
	u32 size;

	BUILD_BUG_ON(sizeof(*how) != FLOCKP_ENUM_SIZE_VER0);
	BUILD_BUG_ON(sizeof(struct flockp_entry) != FLOCKP_ENTRY_SIZE_VER0);

	if (get_user(size, &arg->size))
		return -EFAULT;
	if (size < FLOCKP_ENUM_SIZE_VER0)
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	return copy_struct_from_user(how, sizeof(*how), arg, size);
}

static int check_enum(const struct flockp_enum *how)
{
	if (how->flags & ~(STATES | KINDS) || how->start < 0 || how->len < 0)
		return -EINVAL;
	if (!how->count || how->count > INT_MAX)
		return -EINVAL;
	if (how->entry_size < FLOCKP_ENTRY_SIZE_VER0 || how->entry_size > SZ_4K)
		return -EINVAL;
	return 0;
}

/* How many entries went to user space, or an error; @walk stays where it got to. */
static int walk_on(struct walk *walk, const struct flockp_enum *how)
{
	void __user *to = u64_to_user_ptr(how->entries);
	int done = 0, error;

	while (walk->part != PART_END && done < how->count) {
		walk_batch(walk, min_t(u32, how->count - done, BATCH));
		error = copy_out(walk, to, how->entry_size);
		if (error)
			return error;
		done += walk->count;
		to += (size_t)walk->count * how->entry_size;
		if (signal_pending(current) && done)
			break;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return done;
}

/**
 * fcntl_enumlkp - list the locks on a file, and the requests that wait for one
 * @filp: any open file of it, for reading or writing
 * @arg: struct flockp_enum in user space
 *
 * Context: may sleep.
 *
 * Return: how many entries were filled, 0 at the end; or -EFAULT, -EINVAL, -E2BIG, -EOVERFLOW
 * for what @arg says, -EBADF for the access mode, -ENOMEM, or what a security module answers.
 */
int fcntl_enumlkp(struct file *filp, struct flockp_enum __user *arg)
{
	/* Nobody's address, so no lock has this owner. */
	static const char nobody;
	struct flockp_enum how;
	struct walk *walk;
	int ret;

	ret = copy_enum(&how, arg);
	if (!ret)
		ret = check_enum(&how);
	if (ret)
		return ret;
	if (!(filp->f_mode & (FMODE_READ | FMODE_WRITE)))
		return -EBADF;
	ret = security_file_lock(filp, F_RDLCK);
	if (ret)
		return ret;

	walk = kzalloc(sizeof(*walk), GFP_KERNEL);
	if (!walk)
		return -ENOMEM;
	walk->range.c.flc_owner = (fl_owner_t)&nobody;
	walk->range.fl_start = how.start;
	walk->range.fl_end = OFFSET_MAX;
	ret = -EOVERFLOW;
	if (how.len && check_add_overflow(how.start, how.len - 1, &walk->range.fl_end))
		goto out;
	walk->filp = filp;
	walk->flags = how.flags;
	if (!(walk->flags & STATES))
		walk->flags |= STATES;
	if (!(walk->flags & KINDS))
		walk->flags |= KINDS;
	walk->part = how.cursor[1] & GENMASK(PART_BITS - 1, 0);
	walk->since = how.cursor[1] >> PART_BITS;
	walk->start = how.cursor[0];

	ret = 0;
	walk->ctx = locks_inode_context(file_inode(filp));
	if (!walk->ctx)
		goto out;
	ret = -ENOMEM;
	walk->entries = kmalloc_array(BATCH, sizeof(*walk->entries), GFP_KERNEL);
	if (!walk->entries)
		goto out;
	ret = walk_on(walk, &how);
	if (ret < 0)
		goto out_entries;
	how.cursor[0] = walk->start;
	how.cursor[1] = walk->since << PART_BITS | walk->part;
	if (copy_to_user(arg->cursor, how.cursor, sizeof(how.cursor)))
		ret = -EFAULT;
out_entries:
	kfree(walk->entries);
out:
	kfree(walk);
	return ret;
}
