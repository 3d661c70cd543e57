/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _LINUX_LOCK_INDEX_H
#define _LINUX_LOCK_INDEX_H

#include <linux/rbtree_types.h>
#include <linux/types.h>

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
 * struct posix_lock_node - where one granted POSIX lock stands in the index
 * @owned: in &posix_lock_index.owned
 * @range: in one of &posix_lock_index.ranges
 * @sub: of the subtree of @range
 *
 * Protected by flc_lock of the inode's lock context. Means something only while the
 * index is built and &file_lock_core.flc_counted is set.
 */
struct posix_lock_node {
	struct rb_node owned;
	struct rb_node range;
	struct posix_lock_sub sub;
};

/**
 * struct posix_lock_index - search trees over the POSIX locks of one inode
 * @owned: by owner, then start; the locks of one owner never overlap
 * @ranges: by start, read locks and write locks apart
 * @count: granted locks on the inode, less those whose range is being edited
 * @unchecked: operations since posix_index_check() last looked
 * @built: the trees are there; if not, the list alone serves
 *
 * The list in &file_lock_context.flc_posix stays what it is; see fs/lock_index.c.
 */
struct posix_lock_index {
	struct rb_root owned;
	struct rb_root ranges[2];
	unsigned int count;
	unsigned int unchecked;
	bool built;
};

#endif /* _LINUX_LOCK_INDEX_H */
