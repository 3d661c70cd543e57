/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _LINUX_LOCK_INDEX_H
#define _LINUX_LOCK_INDEX_H

#include <linux/rbtree_types.h>
#include <linux/spinlock_types.h>
#include <linux/types.h>

struct file_lock_context;

/**
 * struct posix_lock_sub - what is known of a subtree of locks
 * @end: greatest fl_end
 * @owner: owner of all of them; an impossible one if they differ
 */
struct posix_lock_sub {
	loff_t end;
	const void *owner;
};

/**
 * struct posix_lock_node - where a lock, or a request that waits for one, stands in the index
 * @owned: granted: in &posix_lock_index.owned
 * @range: granted: in one of &posix_lock_index.ranges
 * @sub: granted: of the subtree of @range
 * @waiting: request that waits: in &posix_lock_index.waiting
 * @waits_in: context that @waiting is in
 * @is_fair: request that is not to be overtaken while it waits
 * @fair: and is in &posix_lock_index.fair then; means nothing without @is_fair
 * @fair_from: it is not overtaken by requests with a @since after this
 * @since: when it was granted, or began to wait: boot time in ns, no two alike in a context;
 *	0: neither
 * @task: number of the task that alone may change it, or 0
 * @task_start: and when that task began
 *
 * The nodes in trees of granted locks mean something only while those are built and
 * &file_lock_core.flc_counted is set; @waiting only with &file_lock_core.flc_waiting. A
 * request that waits is never one of the granted locks: they are copies.
 *
 * Protected by flc_lock of the inode's lock context, @waiting by &posix_lock_index.wait_lock.
 */
struct posix_lock_node {
	union {
		struct {
			struct rb_node owned;
			struct rb_node range;
			struct posix_lock_sub sub;
		};
		struct {
			struct rb_node waiting;
			struct file_lock_context *waits_in;
			struct list_head fair;
			u64 fair_from;
			bool is_fair;
		};
	};
	u64 since;
	u64 task_start;
	pid_t task;
};

/**
 * struct posix_lock_index - search trees over the POSIX locks of one inode
 * @count: granted locks on the inode, less those whose range is being edited
 * @built: there are trees; if not, the list alone serves
 * @has_tasks: some lock was bound to a task, once
 * @last: the latest &posix_lock_node.since
 * @fair: requests that are not to be overtaken
 * @owned: by owner, then start; the locks of one owner never overlap
 * @ranges: by start, then age; read locks and write locks apart
 * @unchecked: operations since posix_index_check() last looked
 * @wait_lock: protects @waiting; innermost of all locks here
 * @waiting: requests that wait for a lock on the inode, flock() ones too, by start, then age
 *
 * The list in &file_lock_context.flc_posix stays what it is; see fs/lock_index.c. What every
 * request touches comes first, and is in one cache line with flc_lock and that list.
 */
struct posix_lock_index {
	unsigned int count;
	bool built;
	bool has_tasks;
	u64 last;
	struct list_head fair;
	struct rb_root owned;
	struct rb_root ranges[2];
	unsigned int unchecked;
	spinlock_t wait_lock;		/* protects waiting */
	struct rb_root waiting;
};

u64 lock_owner_cookie(const void *owner);

#endif /* _LINUX_LOCK_INDEX_H */
