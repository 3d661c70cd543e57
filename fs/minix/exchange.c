// SPDX-License-Identifier: GPL-2.0
/*
 * RENAME_EXCHANGE: two names get each other's inode.
 *
 * No entry comes, goes or moves: what changes is the inode number in both
 * entries, and in ".." of a directory that gets another parent.
 *
 * All entries are changed in memory first, under the locks of their folios, so
 * two names in one block go to the disk in one write. Then the order of writes
 * is: the block of the new name, the block of the old name, "..", the inodes
 * of the parents and of directories that have moved. Each is waited for.
 *
 * A crash, or a disk that writes no more, leaves one of
 *
 *  - both names as before, or both exchanged;
 *  - if they are in different blocks: both names for one of the inodes and none
 *    for the other, which is that of the new name unless the names have one
 *    parent, or writeback has come in between. fsck.minix has no lost+found: it
 *    frees the inode without a name, and what was in it is gone. It corrects
 *    the link count of the inode with two names;
 *  - the names exchanged, but ".." of a moved directory or the link counts of
 *    the parents as before. fsck.minix corrects the counts.
 *
 * All this presumes that the disk does not reorder writes in a cache of its
 * own, and writes blocks as a whole.
 */
#include <linux/buffer_head.h>
#include <linux/highmem.h>
#include <linux/writeback.h>
#include "minix.h"

/**
 * struct minix_slot - an entry that gets another inode
 * @folio: where it is
 * @de: the entry, mapped; its layout depends on the version
 * @ino: what it gets; after minix_swap_slots(), what it had
 */
struct minix_slot {
	struct folio *folio;
	struct minix_dir_entry *de;
	u32 ino;
};

static int minix_find_slot(struct minix_slot *slot, struct dentry *dentry,
			   const struct inode *inode)
{
	slot->de = minix_find_entry(dentry, &slot->folio);
	slot->ino = inode->i_ino;
	return slot->de ? 0 : -ENOENT;
}

static int minix_find_dotdot(struct minix_slot *slot, struct inode *dir,
			     const struct inode *parent)
{
	const char *name;

	slot->de = minix_dotdot(dir, &slot->folio);
	slot->ino = parent->i_ino;
	if (!slot->de)
		return -EIO;

	name = slot->de->name;
	if (INODE_VERSION(dir) == MINIX_V3)
		name = ((struct minix3_dir_entry *)slot->de)->name;
	if (memcmp(name, "..", 3)) {
		folio_release_kmap(slot->folio, slot->de);
		return -EIO;
	}
	return 0;
}

static void minix_swap_ino(struct minix_slot *slot, bool v3)
{
	u32 ino = slot->ino;

	if (v3) {
		swap(((struct minix3_dir_entry *)slot->de)->inode, slot->ino);
	} else {
		slot->ino = slot->de->inode;
		slot->de->inode = ino;
	}
}

/* Only the two names can be in one folio, and they come first. */
static bool minix_slot_shares_folio(const struct minix_slot *slot, int i)
{
	return i == 1 && slot[1].folio == slot[0].folio;
}

/*
 * Change all entries or, on an error, none. A second call takes back the first.
 *
 * All folios are locked at a time. That is no deadlock: who else locks folios
 * of directories takes one at a time, except for those who do this, and their
 * directories are locked, as ours are.
 */
static int minix_swap_slots(struct minix_slot *slot, int n)
{
	struct inode *dir = slot->folio->mapping->host;
	bool v3 = INODE_VERSION(dir) == MINIX_V3;
	unsigned int len = minix_sb(dir->i_sb)->s_dirsize;
	int i, locked, err = 0;
	loff_t pos[4];

	for (locked = 0; locked < n && !err; locked++) {
		struct folio *folio = slot[locked].folio;

		if (!minix_slot_shares_folio(slot, locked))
			folio_lock(folio);
		pos[locked] = folio_pos(folio) +
			      offset_in_folio(folio, slot[locked].de);
		err = minix_prepare_chunk(folio, pos[locked], len);
	}

	for (i = 0; i < n && !err; i++) {
		minix_swap_ino(&slot[i], v3);
		block_write_end(NULL, slot[i].folio->mapping, pos[i], len, len,
				slot[i].folio, NULL);
	}

	while (locked--)
		if (!minix_slot_shares_folio(slot, locked))
			folio_unlock(slot[locked].folio);
	return err;
}

/* As any change of a directory does on minix, whether it is DIRSYNC or not. */
static int minix_write_slots(struct minix_slot *slot, int n)
{
	int i, err = 0;

	for (i = 0; i < n && !err; i++)
		err = filemap_write_and_wait(slot[i].folio->mapping);
	for (i = 0; i < n && !err; i++)
		err = sync_inode_metadata(slot[i].folio->mapping->host, 1);
	return err;
}

/* @moved: how many subdirectories go from @old_dir to @new_dir, -1 to 1 */
static void minix_update_parents(struct inode *old_dir, struct inode *new_dir,
				 int moved)
{
	if (moved) {
		inode_inc_link_count(moved > 0 ? new_dir : old_dir);
		inode_dec_link_count(moved > 0 ? old_dir : new_dir);
	}
	inode_set_mtime_to_ts(new_dir, inode_set_ctime_current(new_dir));
	mark_inode_dirty(new_dir);
	inode_set_mtime_to_ts(old_dir, inode_set_ctime_current(old_dir));
	mark_inode_dirty(old_dir);
}

/**
 * minix_exchange - let two names get each other's inode
 * @old_dir: parent of @old_dentry
 * @old_dentry: one of them
 * @new_dir: parent of @new_dentry, may be @old_dir
 * @new_dentry: the other one, positive
 *
 * The callers of ->rename() have locked both parents and, if these differ, the
 * directories that move; and they have checked the limit of links.
 *
 * Return: 0 or a negative error code. After an error both names are as before,
 * if need be by another write.
 */
int minix_exchange(struct inode *old_dir, struct dentry *old_dentry,
		   struct inode *new_dir, struct dentry *new_dentry)
{
	struct inode *old_inode = d_inode(old_dentry);
	struct inode *new_inode = d_inode(new_dentry);
	struct minix_slot slot[4];
	int moved = 0, n = 0;
	int err;

	err = minix_find_slot(&slot[n], new_dentry, old_inode);
	if (err)
		goto out;
	n++;
	err = minix_find_slot(&slot[n], old_dentry, new_inode);
	if (err)
		goto out;
	n++;
	if (old_dir != new_dir && S_ISDIR(old_inode->i_mode)) {
		err = minix_find_dotdot(&slot[n], old_inode, new_dir);
		if (err)
			goto out;
		n++;
		moved++;
	}
	if (old_dir != new_dir && S_ISDIR(new_inode->i_mode)) {
		err = minix_find_dotdot(&slot[n], new_inode, old_dir);
		if (err)
			goto out;
		n++;
		moved--;
	}

	err = minix_swap_slots(slot, n);
	if (err)
		goto out;
	minix_update_parents(old_dir, new_dir, moved);

	err = minix_write_slots(slot, n);
	if (err) {
		if (!minix_swap_slots(slot, n)) {
			minix_update_parents(old_dir, new_dir, -moved);
			minix_write_slots(slot, n);
		}
		goto out;
	}

	inode_set_ctime_current(old_inode);
	mark_inode_dirty(old_inode);
	inode_set_ctime_current(new_inode);
	mark_inode_dirty(new_inode);
out:
	while (n--)
		folio_release_kmap(slot[n].folio, slot[n].de);
	return err;
}
