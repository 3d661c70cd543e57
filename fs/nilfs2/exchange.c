// SPDX-License-Identifier: GPL-2.0+
/*
 * RENAME_EXCHANGE: two names get each other's inode.
 *
 * Both entries, ".." of directories that get another parent, the link counts
 * and the times are changed in one transaction. The segment constructor waits
 * for its end, and then writes all of it in one log, with one checkpoint. There
 * is no order of writes: a crash leaves everything as before or everything
 * exchanged. With DIRSYNC the log is written before the call returns.
 */
#include <linux/buffer_head.h>
#include <linux/highmem.h>
#include "nilfs.h"

/**
 * struct nilfs_slot - an entry that gets another inode
 * @dir: the directory that it is in
 * @folio: where it is
 * @de: the entry, mapped
 * @inode: what it gets
 * @had: what it has; nilfs_swap_slot() exchanges @inode and @had
 */
struct nilfs_slot {
	struct inode *dir;
	struct folio *folio;
	struct nilfs_dir_entry *de;
	struct inode *inode;
	struct inode *had;
};

static int nilfs_find_slot(struct nilfs_slot *slot, struct inode *dir,
			   struct dentry *dentry, struct inode *inode)
{
	slot->dir = dir;
	slot->inode = inode;
	slot->had = d_inode(dentry);
	slot->de = nilfs_find_entry(dir, &dentry->d_name, &slot->folio);
	return PTR_ERR_OR_ZERO(slot->de);
}

static int nilfs_find_dotdot(struct nilfs_slot *slot, struct inode *dir,
			     struct inode *had, struct inode *parent)
{
	slot->dir = dir;
	slot->inode = parent;
	slot->had = had;
	slot->de = nilfs_dotdot(dir, &slot->folio);
	return slot->de ? 0 : -EIO;
}

static int nilfs_swap_slot(struct nilfs_slot *slot)
{
	int err;

	err = nilfs_set_link(slot->dir, slot->de, slot->folio, slot->inode);
	if (!err)
		swap(slot->inode, slot->had);
	return err;
}

/*
 * Change all entries or, on an error, none. A second call takes back the first.
 */
static int nilfs_swap_slots(struct nilfs_slot *slot, int n)
{
	int i, err;

	for (i = 0; i < n; i++) {
		err = nilfs_swap_slot(&slot[i]);
		if (unlikely(err))
			goto undo;
	}
	return 0;

undo:
	/* Their buffers are dirty, so they are mapped: this does not fail. */
	while (i--)
		nilfs_swap_slot(&slot[i]);
	return err;
}

/* After this, and until the transaction ends, nilfs_mark_inode_dirty() works. */
static int nilfs_pin_inode(struct inode *inode)
{
	struct buffer_head *bh;
	int err;

	err = nilfs_load_inode_block(inode, &bh);
	if (!err)
		brelse(bh);
	return err;
}

/* @moved: how many subdirectories go from @old_dir to @new_dir, -1 to 1 */
static void nilfs_update_parents(struct inode *old_dir, struct inode *new_dir,
				 int moved)
{
	if (moved) {
		inc_nlink(moved > 0 ? new_dir : old_dir);
		drop_nlink(moved > 0 ? old_dir : new_dir);
	}
	nilfs_mark_inode_dirty(new_dir);
	nilfs_mark_inode_dirty(old_dir);
}

/**
 * nilfs_exchange - let two names get each other's inode
 * @old_dir: parent of @old_dentry
 * @old_dentry: one of them
 * @new_dir: parent of @new_dentry, may be @old_dir
 * @new_dentry: the other one, positive
 *
 * The callers of ->rename() have locked both parents and, if these differ, the
 * directories that move; and they have checked the limit of links.
 *
 * Return: 0 or a negative error code. After an error both names are as before;
 * if it was writing the log that failed, by another transaction.
 */
int nilfs_exchange(struct inode *old_dir, struct dentry *old_dentry,
		   struct inode *new_dir, struct dentry *new_dentry)
{
	struct inode *old_inode = d_inode(old_dentry);
	struct inode *new_inode = d_inode(new_dentry);
	struct super_block *sb = old_dir->i_sb;
	struct nilfs_transaction_info ti;
	struct nilfs_slot slot[4];
	int moved = 0, n = 0;
	int err;

	err = nilfs_transaction_begin(sb, &ti, 1);
	if (unlikely(err))
		return err;

	err = nilfs_find_slot(&slot[n], new_dir, new_dentry, old_inode);
	if (err)
		goto abort;
	n++;
	err = nilfs_find_slot(&slot[n], old_dir, old_dentry, new_inode);
	if (err)
		goto abort;
	n++;
	if (old_dir != new_dir && S_ISDIR(old_inode->i_mode)) {
		err = nilfs_find_dotdot(&slot[n], old_inode, old_dir, new_dir);
		if (err)
			goto abort;
		n++;
		moved++;
	}
	if (old_dir != new_dir && S_ISDIR(new_inode->i_mode)) {
		err = nilfs_find_dotdot(&slot[n], new_inode, new_dir, old_dir);
		if (err)
			goto abort;
		n++;
		moved--;
	}

	err = nilfs_pin_inode(old_dir) ?: nilfs_pin_inode(new_dir) ?:
	      nilfs_pin_inode(old_inode) ?: nilfs_pin_inode(new_inode) ?:
	      nilfs_swap_slots(slot, n);
	if (err)
		goto abort;

	nilfs_update_parents(old_dir, new_dir, moved);
	inode_set_ctime_current(old_inode);
	nilfs_mark_inode_dirty(old_inode);
	inode_set_ctime_current(new_inode);
	nilfs_mark_inode_dirty(new_inode);

	/* An error here leaves in memory what has not been written. */
	err = nilfs_transaction_commit(sb);
	if (err && !nilfs_transaction_begin(sb, &ti, 0)) {
		if (!nilfs_swap_slots(slot, n))
			nilfs_update_parents(old_dir, new_dir, -moved);
		nilfs_transaction_commit(sb);
	}
	goto out;

abort:
	nilfs_transaction_abort(sb);
out:
	while (n--)
		folio_release_kmap(slot[n].folio, slot[n].de);
	return err;
}
