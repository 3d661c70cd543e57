/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM lock_wait

#if !defined(_TRACE_LOCK_WAIT_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_LOCK_WAIT_H

#include <linux/filelock.h>
#include <linux/kdev_t.h>
#include <linux/tracepoint.h>

#define show_lock_type(type) \
	__print_symbolic(type, { F_RDLCK, "read" }, { F_WRLCK, "write" })

#define show_lock_kind(flags)						\
	__print_symbolic((flags) & (FL_FLOCK | FL_OFDLCK),		\
			 { 0, "classic" }, { FL_OFDLCK, "private" }, { FL_FLOCK, "flock" })

/*
 * A request of fcntl() or flock() that has to wait. wait_ns counts from when it began to, in
 * nanoseconds of boot time. Owners are the numbers of "lock-owner:" in /proc/PID/fdinfo/FD.
 */
DECLARE_EVENT_CLASS(lock_wait,
		    TP_PROTO(const struct file_lock *fl, u64 wait_ns),
		    TP_ARGS(fl, wait_ns),
		    TP_STRUCT__entry(__field(dev_t, dev)
				     __field(u64, ino)
				     __field(u64, owner)
				     __field(loff_t, start)
				     __field(loff_t, end)
				     __field(u64, wait_ns)
				     __field(unsigned int, flags)
				     __field(pid_t, pid)
				     __field(unsigned char, type)),
		    TP_fast_assign(struct inode *inode = file_inode(fl->c.flc_file);

				   __entry->dev = inode->i_sb->s_dev;
				   __entry->ino = inode->i_ino;
				   __entry->owner = lock_owner_cookie(fl->c.flc_owner);
				   __entry->start = fl->fl_start;
				   __entry->end = fl->fl_end;
				   __entry->wait_ns = wait_ns;
				   __entry->flags = fl->c.flc_flags;
				   __entry->pid = fl->c.flc_pid;
				   __entry->type = fl->c.flc_type;),
		    TP_printk("dev %d:%d ino %llu pid %d owner %016llx %s %s %lld-%lld wait_ns %llu",
			      MAJOR(__entry->dev), MINOR(__entry->dev), __entry->ino,
			      __entry->pid, __entry->owner, show_lock_kind(__entry->flags),
			      show_lock_type(__entry->type), __entry->start, __entry->end,
			      __entry->wait_ns));

/* It was woken, to try again; in the context of who woke it. */
DEFINE_EVENT(lock_wait, lock_wait_wake,
	     TP_PROTO(const struct file_lock *fl, u64 wait_ns),
	     TP_ARGS(fl, wait_ns));

/* It has the lock. */
DEFINE_EVENT(lock_wait, lock_wait_grant,
	     TP_PROTO(const struct file_lock *fl, u64 wait_ns),
	     TP_ARGS(fl, wait_ns));

/* Its deadline passed. */
DEFINE_EVENT(lock_wait, lock_wait_timeout,
	     TP_PROTO(const struct file_lock *fl, u64 wait_ns),
	     TP_ARGS(fl, wait_ns));

/* It would have waited for ever. */
DEFINE_EVENT(lock_wait, lock_wait_deadlock,
	     TP_PROTO(const struct file_lock *fl, u64 wait_ns),
	     TP_ARGS(fl, wait_ns));

/* A signal ended it. */
DEFINE_EVENT(lock_wait, lock_wait_interrupt,
	     TP_PROTO(const struct file_lock *fl, u64 wait_ns),
	     TP_ARGS(fl, wait_ns));

/* It begins to wait, or waits again; for a lock, or behind a request that goes first. */
TRACE_EVENT(lock_wait_block,
	    TP_PROTO(const struct file_lock *fl, u64 wait_ns, const struct file_lock *blocker),
	    TP_ARGS(fl, wait_ns, blocker),
	    TP_STRUCT__entry(__field(dev_t, dev)
			     __field(u64, ino)
			     __field(u64, owner)
			     __field(u64, blocker_owner)
			     __field(loff_t, start)
			     __field(loff_t, end)
			     __field(u64, wait_ns)
			     __field(unsigned int, flags)
			     __field(pid_t, pid)
			     __field(pid_t, blocker_pid)
			     __field(unsigned char, type)),
	    TP_fast_assign(struct inode *inode = file_inode(fl->c.flc_file);

			   __entry->dev = inode->i_sb->s_dev;
			   __entry->ino = inode->i_ino;
			   __entry->owner = lock_owner_cookie(fl->c.flc_owner);
			   __entry->blocker_owner =
					lock_owner_cookie(blocker->c.flc_owner);
			   __entry->start = fl->fl_start;
			   __entry->end = fl->fl_end;
			   __entry->wait_ns = wait_ns;
			   __entry->flags = fl->c.flc_flags;
			   __entry->pid = fl->c.flc_pid;
			   __entry->blocker_pid = blocker->c.flc_pid;
			   __entry->type = fl->c.flc_type;),
	    TP_printk("dev %d:%d ino %llu pid %d owner %016llx %s %s %lld-%lld blocker_pid %d blocker_owner %016llx wait_ns %llu",
		      MAJOR(__entry->dev), MINOR(__entry->dev), __entry->ino, __entry->pid,
		      __entry->owner, show_lock_kind(__entry->flags),
		      show_lock_type(__entry->type), __entry->start, __entry->end,
		      __entry->blocker_pid, __entry->blocker_owner, __entry->wait_ns));

#endif /* _TRACE_LOCK_WAIT_H */

#include <trace/define_trace.h>
