// SPDX-License-Identifier: GPL-2.0
/*
 * The ioctl commands: arguments and permissions are checked here, once.
 */
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mnt_idmapping.h>
#include <linux/mount.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "tracker.h"

#define HOT_CTL_SET	(HOT_CTL_SET_RANGE_SHIFT | HOT_CTL_SET_HALF_LIFE |	\
			 HOT_CTL_SET_ITEM_BYTES | HOT_CTL_SET_RANGE_BYTES)
#define HOT_CTL_FLAGS	(HOT_CTL_ON | HOT_CTL_OFF | HOT_CTL_SET)
#define HOT_SCAN_FLAGS	(HOT_OF_RANGES | HOT_BY_READS | HOT_BY_WRITES)

union hot_arg {
	struct {
		u32 size;
		u32 flags;
	};
	struct hot_ctl ctl;
	struct hot_inode inode;
	struct hot_ranges ranges;
	struct hot_top top;
	struct hot_histogram histogram;
	struct hot_reset reset;
	struct hot_load load;
	struct hot_stream stream;
};

/* Who may write a file may know what it costs, as with cachestat(2). */
static bool hot_may_look(struct file *file)
{
	return file->f_mode & FMODE_WRITE ||
	       inode_owner_or_capable(file_mnt_idmap(file), file_inode(file)) ||
	       !file_permission(file, MAY_WRITE);
}

static bool hot_capable(struct super_block *sb)
{
	return ns_capable(sb->s_user_ns, CAP_SYS_ADMIN);
}

/**
 * hot_ctl_check - check settings
 * @ctl: those that its flags name
 *
 * Return: 0 or -EINVAL.
 */
int hot_ctl_check(const struct hot_ctl *ctl)
{
	if (ctl->flags & HOT_CTL_SET_RANGE_SHIFT &&
	    (ctl->range_shift < HOT_RANGE_SHIFT_MIN || ctl->range_shift > HOT_RANGE_SHIFT_MAX))
		return -EINVAL;
	if (ctl->flags & HOT_CTL_SET_HALF_LIFE &&
	    (ctl->half_life_ms < HOT_HALF_LIFE_MIN_MS || ctl->half_life_ms > HOT_HALF_LIFE_MAX_MS))
		return -EINVAL;
	if (ctl->flags & HOT_CTL_SET_ITEM_BYTES && ctl->max_item_bytes > hot_max_bytes())
		return -EINVAL;
	if (ctl->flags & HOT_CTL_SET_RANGE_BYTES &&
	    (ctl->max_range_bytes < HOT_TABLE_BYTES_MIN || ctl->max_range_bytes > hot_max_bytes()))
		return -EINVAL;
	return 0;
}

/* Turns tracking on, if it is off, or off. Settings are for hot_tracker_set() if it is on. */
static int hot_switch(struct super_block *sb, struct hot_ctl *ctl)
{
	struct hot_tracker *t;
	int error = 0;

	mutex_lock(&hot_mutex);
	t = rcu_dereference_protected(sb->s_hot, lockdep_is_held(&hot_mutex));
	if (t && ctl->flags & HOT_CTL_OFF) {
		hot_tracker_stop(sb);
	} else if (!t && ctl->flags & HOT_CTL_ON) {
		t = hot_tracker_new(sb, ctl);
		error = PTR_ERR_OR_ZERO(t);
	}
	mutex_unlock(&hot_mutex);
	return error;
}

static int hot_do_ctl(struct super_block *sb, struct hot_ctl *ctl)
{
	struct hot_tracker *t;
	int error = 0;

	if (ctl->flags & (HOT_CTL_ON | HOT_CTL_OFF))
		error = hot_switch(sb, ctl);
	if (error)
		return error;

	t = hot_tracker_enter(sb);
	if (!t) {
		if (ctl->flags & ~HOT_CTL_OFF)
			return -ENODATA;
	} else if (ctl->flags & HOT_CTL_SET_RANGE_SHIFT && ctl->range_shift != t->range_shift) {
		error = -EBUSY;
	} else {
		error = hot_tracker_set(t, ctl);
	}
	if (!error) {
		*ctl = (struct hot_ctl) {
			.range_shift = HOT_RANGE_SHIFT_DEFAULT,
			.half_life_ms = HOT_HALF_LIFE_DEFAULT_MS,
			.max_item_bytes = hot_default_bytes(),
			.max_range_bytes = hot_default_bytes(),
		};
		if (t)
			hot_tracker_get_ctl(t, ctl);
	}
	if (t)
		hot_tracker_put(t);
	return error;
}

static int hot_ioctl_ctl(struct file *file, union hot_arg *arg)
{
	struct super_block *sb = file_inode(file)->i_sb;
	struct hot_ctl *ctl = &arg->ctl;
	int error;

	if (ctl->reserved[0] || ctl->reserved[1])
		return -EINVAL;
	if (ctl->flags & HOT_CTL_OFF && ctl->flags != HOT_CTL_OFF)
		return -EINVAL;
	if (ctl->flags & HOT_CTL_SET_RANGE_SHIFT && !(ctl->flags & HOT_CTL_ON))
		return -EINVAL;
	error = hot_ctl_check(ctl);
	if (error)
		return error;
	if (ctl->flags && !hot_capable(sb))
		return -EPERM;
	return hot_do_ctl(sb, ctl);
}

static int hot_ioctl_inode(struct hot_tracker *t, struct file *file, union hot_arg *arg)
{
	u32 now = hot_epoch(t);
	struct hot_item *item;
	struct hot_heat aged;

	arg->inode = (struct hot_inode) { .range_shift = t->range_shift };
	hot_combiners_drain(t, HOT_PASS);
	item = hot_item_of(t, file_inode(file));
	if (!item)
		return 0;
	raw_spin_lock(&item->lock);
	aged = item->heat;
	arg->inode.bytes_read = item->bytes_read;
	arg->inode.bytes_written = item->bytes_written;
	raw_spin_unlock(&item->lock);
	arg->inode.age_ms = hot_age_ms(t, &aged, now);
	hot_heat_age(&aged, now);
	arg->inode.reads = aged.reads;
	arg->inode.writes = aged.writes;
	arg->inode.item_flags = item->flags & (HOT_TRACKED | HOT_VOLATILE | HOT_NOT_OPENABLE);
	hot_item_put(item);
	return 0;
}

static int hot_ioctl_ranges(struct hot_tracker *t, struct file *file, union hot_arg *arg)
{
	struct hot_ranges *ranges = &arg->ranges;
	struct hot_item *item;
	int error;
	u64 end;

	if (!ranges->count || ranges->count > HOT_COUNT_MAX ||
	    check_add_overflow(ranges->offset, ranges->length, &end))
		return -EINVAL;
	ranges->range_shift = t->range_shift;
	hot_combiners_drain(t, HOT_PASS);
	item = hot_item_of(t, file_inode(file));
	if (!item) {
		ranges->count = 0;
		ranges->next = 0;
		return 0;
	}
	error = hot_scan_ranges(t, item->id, i_size_read(file_inode(file)), ranges);
	hot_item_put(item);
	return error;
}

static int hot_ioctl_top(struct hot_tracker *t, struct file *file, union hot_arg *arg)
{
	if (arg->top.reserved || !arg->top.count || arg->top.count > HOT_COUNT_MAX)
		return -EINVAL;
	return hot_scan_top(t, &arg->top);
}

static int hot_ioctl_histogram(struct hot_tracker *t, struct file *file, union hot_arg *arg)
{
	return hot_scan_histogram(t, &arg->histogram);
}

static int hot_ioctl_reset(struct hot_tracker *t, struct file *file, union hot_arg *arg)
{
	struct hot_item *item;

	if (!(arg->flags & HOT_RESET_FILE)) {
		hot_tracker_reset(t);
		return 0;
	}
	hot_combiners_drain(t, HOT_PASS);
	item = hot_item_of(t, file_inode(file));
	if (item) {
		hot_item_kill(item);
		hot_item_put(item);
	}
	return 0;
}

static int hot_ioctl_load(struct hot_tracker *t, struct file *file, union hot_arg *arg)
{
	struct hot_load *load = &arg->load;
	u64 at = 0, left;
	void *buffer;
	int took = 0;

	load->loaded = 0;
	if (load->buffer_bytes > HOT_LOAD_MAX)
		return -EINVAL;
	buffer = vmemdup_user(u64_to_user_ptr(load->buffer), load->buffer_bytes);
	if (IS_ERR(buffer))
		return PTR_ERR(buffer);
	while (at < load->buffer_bytes) {
		const struct hot_record *record = buffer + at;

		left = load->buffer_bytes - at;
		if (left < sizeof(*record) || record->size > left || record->size % 8) {
			took = -EINVAL;
			break;
		}
		took = hot_record_load(t, record);
		if (took < 0)
			break;
		load->loaded += took;
		at += record->size;
		cond_resched();
	}
	kvfree(buffer);
	if (took == -ENOMEM && READ_ONCE(t->stopped))
		return -ENODATA;
	return min(took, 0);
}

static int hot_ioctl_stream(struct hot_tracker *t, struct file *file, union hot_arg *arg)
{
	return hot_stream_open(t, &arg->stream);
}

/**
 * struct hot_command - one ioctl command
 * @cmd: the command
 * @run: does it, with the tracker of the superblock
 * @bytes: length of its structure
 * @flags: that are known
 * @for_file: is about the file, not the superblock: needs what hot_may_look() asks for
 * @results: the structure goes back to the caller, on an error too
 */
struct hot_command {
	unsigned int cmd;
	int (*run)(struct hot_tracker *t, struct file *file, union hot_arg *arg);
	size_t bytes;
	u32 flags;
	bool for_file;
	bool results;
};

#define HOT_INDEX(command)	(_IOC_NR(command) - _IOC_NR(HOT_CTL))

static const struct hot_command hot_commands[] = {
	[HOT_INDEX(HOT_CTL)] = {
		.cmd = HOT_CTL,
		.bytes = sizeof(struct hot_ctl),
		.flags = HOT_CTL_FLAGS,
		.results = true,
	},
	[HOT_INDEX(HOT_GET_INODE)] = {
		.cmd = HOT_GET_INODE,
		.run = hot_ioctl_inode,
		.bytes = sizeof(struct hot_inode),
		.for_file = true,
		.results = true,
	},
	[HOT_INDEX(HOT_GET_RANGES)] = {
		.cmd = HOT_GET_RANGES,
		.run = hot_ioctl_ranges,
		.bytes = sizeof(struct hot_ranges),
		.for_file = true,
		.results = true,
	},
	[HOT_INDEX(HOT_TOP)] = {
		.cmd = HOT_TOP,
		.run = hot_ioctl_top,
		.bytes = sizeof(struct hot_top),
		.flags = HOT_SCAN_FLAGS,
		.results = true,
	},
	[HOT_INDEX(HOT_HISTOGRAM)] = {
		.cmd = HOT_HISTOGRAM,
		.run = hot_ioctl_histogram,
		.bytes = sizeof(struct hot_histogram),
		.flags = HOT_SCAN_FLAGS,
		.results = true,
	},
	[HOT_INDEX(HOT_RESET)] = {
		.cmd = HOT_RESET,
		.run = hot_ioctl_reset,
		.bytes = sizeof(struct hot_reset),
		.flags = HOT_RESET_FILE,
	},
	[HOT_INDEX(HOT_LOAD)] = {
		.cmd = HOT_LOAD,
		.run = hot_ioctl_load,
		.bytes = sizeof(struct hot_load),
		.results = true,
	},
	[HOT_INDEX(HOT_STREAM)] = {
		.cmd = HOT_STREAM,
		.run = hot_ioctl_stream,
		.bytes = sizeof(struct hot_stream),
		.flags = HOT_SCAN_FLAGS | HOT_STREAM_EVENTS,
	},
};

/* The size that is part of a command grows with its structure, and is not looked at. */
static const struct hot_command *hot_command(unsigned int cmd)
{
	const unsigned int same = ~(_IOC_SIZEMASK << _IOC_SIZESHIFT);
	unsigned int nr = HOT_INDEX(cmd);

	if (nr >= ARRAY_SIZE(hot_commands))
		return NULL;
	nr = array_index_nospec(nr, ARRAY_SIZE(hot_commands));
	return (cmd & same) == (hot_commands[nr].cmd & same) ? &hot_commands[nr] : NULL;
}

bool hot_ioctl_known(unsigned int cmd)
{
	return hot_command(cmd);
}

static int hot_run(const struct hot_command *command, struct file *file, union hot_arg *arg)
{
	struct inode *inode = file_inode(file);
	struct hot_tracker *t;
	int result;

	if (arg->flags & ~command->flags)
		return -EINVAL;
	if (!(inode->i_sb->s_type->fs_flags & FS_REQUIRES_DEV))
		return -EOPNOTSUPP;
	if (!command->run)
		return hot_ioctl_ctl(file, arg);
	if (command->for_file && !S_ISREG(inode->i_mode))
		return -EINVAL;
	if (command->for_file ? !hot_may_look(file) : !hot_capable(inode->i_sb))
		return -EPERM;
	t = hot_tracker_enter(inode->i_sb);
	if (!t)
		return -ENODATA;
	result = command->run(t, file, arg);
	hot_tracker_put(t);
	return result;
}

/**
 * hot_ioctl - an ioctl command of hot tracking
 * @file: any of the filesystem
 * @cmd: for which hot_ioctl_known() is true
 * @argp: its structure
 *
 * Context: may sleep.
 *
 * Return: as the header for user space says.
 */
int hot_ioctl(struct file *file, unsigned int cmd, void __user *argp)
{
	const struct hot_command *command = hot_command(cmd);
	union hot_arg *arg;
	int result;
	u32 size;

	if (get_user(size, (u32 __user *)argp))
		return -EFAULT;
	if (size > PAGE_SIZE)
		return -E2BIG;
	if (size < command->bytes)
		return -EINVAL;
	arg = kzalloc(sizeof(*arg), GFP_KERNEL);
	if (!arg)
		return -ENOMEM;
	result = copy_struct_from_user(arg, command->bytes, argp, size);
	if (!result) {
		u32 flags = arg->flags;

		result = hot_run(command, file, arg);
		arg->size = command->bytes;
		arg->flags = flags;
		if (command->results && copy_to_user(argp, arg, command->bytes))
			result = -EFAULT;
	}
	kfree(arg);
	return result;
}
