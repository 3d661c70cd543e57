// SPDX-License-Identifier: GPL-2.0
/*
 * RENAME_EXCHANGE: two names get each other's inode.
 *
 * No entry comes, goes or moves: what changes is the inode number and the type
 * in both entries, and ".." of a directory that gets another parent. So an
 * index that ext4 has made for a directory stays valid.
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
 *    parent, or writeback has come in between. e2fsck puts it into lost+found.
 *    It corrects the link count of the inode with two names or, if that is a
 *    directory, takes one of them away;
 *  - the names exchanged, but ".." of a moved directory or the link counts of
 *    the parents as before. e2fsck corrects both.
 *
 * All this presumes that the disk does not reorder writes in a cache of its
 * own, and writes blocks as a whole.
 */
#include <linux/buffer_head.h>
#include <linux/iversion.h>
#include <linux/pagemap.h>
#include <linux/writeback.h>
#include "ext2.h"

/**
 * struct ext2_slot - an entry that gets another inode
 * @folio: where it is
 * @de: the entry, mapped
 * @ino: what it gets; after ext2_swap_slots(), what it had
 * @file_type: the same for the type
 */
struct ext2_slot {
	struct folio *folio;
	struct ext2_dir_entry_2 *de;
	__le32 ino;
	__u8 file_type;
};

static int ext2_find_slot(struct ext2_slot *slot, struct inode *dir,
			  const struct qstr *name, const struct inode *inode)
{
	slot->de = ext2_find_entry(dir, name, &slot->folio);
	if (IS_ERR(slot->de))
		return PTR_ERR(slot->de);

	slot->ino = cpu_to_le32(inode->i_ino);
	slot->file_type = 0;
	if (EXT2_HAS_INCOMPAT_FEATURE(dir->i_sb, EXT2_FEATURE_INCOMPAT_FILETYPE))
		slot->file_type = fs_umode_to_ftype(inode->i_mode);
	return 0;
}

/* Only the two names can be in one folio, and they come first. */
static bool ext2_slot_shares_folio(const struct ext2_slot *slot, int i)
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
static int ext2_swap_slots(struct ext2_slot *slot, int n)
{
	const unsigned int len = offsetof(struct ext2_dir_entry_2, name);
	int i, locked, err = 0;
	loff_t pos[4];

	for (locked = 0; locked < n && !err; locked++) {
		struct folio *folio = slot[locked].folio;

		if (!ext2_slot_shares_folio(slot, locked))
			folio_lock(folio);
		pos[locked] = folio_pos(folio) +
			      offset_in_folio(folio, slot[locked].de);
		err = __block_write_begin(folio, pos[locked], len,
					  ext2_get_block);
	}

	for (i = 0; i < n && !err; i++) {
		struct address_space *mapping = slot[i].folio->mapping;

		swap(slot[i].de->inode, slot[i].ino);
		swap(slot[i].de->file_type, slot[i].file_type);
		inode_inc_iversion(mapping->host);
		block_write_end(NULL, mapping, pos[i], len, len, slot[i].folio,
				NULL);
	}

	while (locked--)
		if (!ext2_slot_shares_folio(slot, locked))
			folio_unlock(slot[locked].folio);
	return err;
}

/* As any change of a directory does on ext2, whether it is DIRSYNC or not. */
static int ext2_write_slots(struct ext2_slot *slot, int n)
{
	int i, err = 0;

	for (i = 0; i < n && !err; i++)
		err = filemap_write_and_wait(slot[i].folio->mapping);
	for (i = 0; i < n && !err; i++)
		err = sync_inode_metadata(slot[i].folio->mapping->host, 1);
	return err;
}

/* @moved: how many subdirectories go from @old_dir to @new_dir, -1 to 1 */
static void ext2_update_parents(struct inode *old_dir, struct inode *new_dir,
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
 * ext2_exchange - let two names get each other's inode
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
int ext2_exchange(struct inode *old_dir, struct dentry *old_dentry,
		  struct inode *new_dir, struct dentry *new_dentry)
{
	struct inode *old_inode = d_inode(old_dentry);
	struct inode *new_inode = d_inode(new_dentry);
	struct ext2_slot slot[4];
	int moved = 0, n = 0;
	int err;

	err = ext2_find_slot(&slot[n], new_dir, &new_dentry->d_name, old_inode);
	if (err)
		goto out;
	n++;
	err = ext2_find_slot(&slot[n], old_dir, &old_dentry->d_name, new_inode);
	if (err)
		goto out;
	n++;
	if (old_dir != new_dir && S_ISDIR(old_inode->i_mode)) {
		err = ext2_find_slot(&slot[n], old_inode, &dotdot_name, new_dir);
		if (err)
			goto out;
		n++;
		moved++;
	}
	if (old_dir != new_dir && S_ISDIR(new_inode->i_mode)) {
		err = ext2_find_slot(&slot[n], new_inode, &dotdot_name, old_dir);
		if (err)
			goto out;
		n++;
		moved--;
	}

	err = ext2_swap_slots(slot, n);
	if (err)
		goto out;
	ext2_update_parents(old_dir, new_dir, moved);

	err = ext2_write_slots(slot, n);
	if (err) {
		if (!ext2_swap_slots(slot, n)) {
			ext2_update_parents(old_dir, new_dir, -moved);
			ext2_write_slots(slot, n);
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
