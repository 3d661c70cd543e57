// SPDX-License-Identifier: GPL-2.0
/*
 * RENAME_EXCHANGE for exfat: two entry sets get each other's attributes, times and stream. Each
 * keeps what belongs to its name, so no set grows or moves.
 *
 * Both sets are changed in memory before anything is written, so sets that share sectors are
 * written together. Otherwise the set of the new name is submitted first. A crash between the
 * writes leaves both names with the clusters of one file. The clusters of the other are intact
 * and allocated, but no name leads to them: fsck.exfat -s saves them in LOST+FOUND.
 * A set whose first two entries are in different sectors can also be torn. Its checksum shows
 * that, but if a file and a directory were exchanged, one may be taken for the other.
 */
#include <linux/buffer_head.h>
#include <linux/iversion.h>
#include "exfat_raw.h"
#include "exfat_fs.h"

/* Number of entries after those of the name. They belong to the file. */
static int exfat_extra_entries(struct exfat_entry_set_cache *es)
{
	struct exfat_dentry *stream = exfat_get_dentry_cached(es, ES_IDX_STREAM);

	return es->num_entries - 1 - ES_IDX_LAST_FILENAME(stream->dentry.stream.name_len);
}

static int exfat_may_exchange(struct exfat_entry_set_cache *a, struct exfat_entry_set_cache *b)
{
	int extra = exfat_extra_entries(a);

	if (extra < 0 || exfat_extra_entries(b) < 0)
		return -EIO;

	/* A set would have to grow, for which there may be no room. */
	return extra == exfat_extra_entries(b) ? 0 : -EOPNOTSUPP;
}

static void exfat_exchange_sets(struct exfat_entry_set_cache *a, struct exfat_entry_set_cache *b)
{
	struct exfat_dentry *in_a = exfat_get_dentry_cached(a, ES_IDX_FILE);
	struct exfat_dentry *in_b = exfat_get_dentry_cached(b, ES_IDX_FILE);
	int i;

	swap(*in_a, *in_b);
	swap(in_a->dentry.file.num_ext, in_b->dentry.file.num_ext);

	in_a = exfat_get_dentry_cached(a, ES_IDX_STREAM);
	in_b = exfat_get_dentry_cached(b, ES_IDX_STREAM);
	swap(*in_a, *in_b);
	swap(in_a->dentry.stream.name_len, in_b->dentry.stream.name_len);
	swap(in_a->dentry.stream.name_hash, in_b->dentry.stream.name_hash);

	for (i = exfat_extra_entries(a); i > 0; i--) {
		in_a = exfat_get_dentry_cached(a, a->num_entries - i);
		in_b = exfat_get_dentry_cached(b, b->num_entries - i);
		swap(*in_a, *in_b);
	}

	exfat_update_dir_chksum(a);
	exfat_update_dir_chksum(b);
}

/* On an error all is as before, in memory and, unless the device fails again, on disk. */
static int exfat_write_exchanged(struct exfat_entry_set_cache *old, bool sync_old,
				 struct exfat_entry_set_cache *new, bool sync_new)
{
	int err;

	exfat_exchange_sets(old, new);
	err = exfat_update_bhs(new->bh, new->num_bh, sync_new);
	if (!err)
		err = exfat_update_bhs(old->bh, old->num_bh, sync_old);
	if (err) {
		exfat_exchange_sets(old, new);
		exfat_update_bhs(new->bh, new->num_bh, false);
		exfat_update_bhs(old->bh, old->num_bh, false);
	}
	return err;
}

static void exfat_put_set(struct exfat_entry_set_cache *es)
{
	es->modified = false;	/* or it would be written again */
	exfat_put_dentry_set(es, false);
}

static int exfat_exchange_on_disk(struct inode *old_dir, struct exfat_inode_info *old,
				  struct inode *new_dir, struct exfat_inode_info *new)
{
	struct super_block *sb = old_dir->i_sb;
	struct exfat_entry_set_cache old_es, new_es;
	int err;

	err = exfat_get_dentry_set_by_ei(&old_es, sb, old);
	if (err)
		return err;
	err = exfat_get_dentry_set_by_ei(&new_es, sb, new);
	if (err)
		goto put_old;

	err = exfat_may_exchange(&old_es, &new_es);
	if (err)
		goto put_new;

	exfat_set_volume_dirty(sb);
	err = exfat_write_exchanged(&old_es, IS_DIRSYNC(old_dir), &new_es, IS_DIRSYNC(new_dir));
put_new:
	exfat_put_set(&new_es);
put_old:
	exfat_put_set(&old_es);
	return err;
}

/* From now on the inodes are written to and found by each other's entry set. */
static void exfat_exchange_positions(struct inode *a, struct inode *b)
{
	loff_t a_pos = EXFAT_I(a)->i_pos, b_pos = EXFAT_I(b)->i_pos;

	swap(EXFAT_I(a)->dir, EXFAT_I(b)->dir);
	swap(EXFAT_I(a)->entry, EXFAT_I(b)->entry);

	exfat_unhash_inode(a);
	exfat_unhash_inode(b);
	exfat_hash_inode(a, b_pos);
	exfat_hash_inode(b, a_pos);
}

/* A file whose name has changed is to be archived, as after any rename. */
static void exfat_mark_renamed(struct inode *inode)
{
	if (!S_ISDIR(inode->i_mode))
		EXFAT_I(inode)->attr |= EXFAT_ATTR_ARCHIVE;
	mark_inode_dirty(inode);
}

int exfat_exchange(struct inode *old_dir, struct dentry *old_dentry,
		   struct inode *new_dir, struct dentry *new_dentry)
{
	struct super_block *sb = old_dir->i_sb;
	struct inode *old_inode = d_inode(old_dentry);
	struct inode *new_inode = d_inode(new_dentry);
	int err;

	if (unlikely(exfat_forced_shutdown(sb)))
		return -EIO;

	mutex_lock(&EXFAT_SB(sb)->s_lock);
	err = exfat_exchange_on_disk(old_dir, EXFAT_I(old_inode), new_dir, EXFAT_I(new_inode));
	if (err)
		goto unlock;

	exfat_exchange_positions(old_inode, new_inode);

	if (old_dir != new_dir && S_ISDIR(old_inode->i_mode) != S_ISDIR(new_inode->i_mode)) {
		inc_nlink(S_ISDIR(old_inode->i_mode) ? new_dir : old_dir);
		drop_nlink(S_ISDIR(old_inode->i_mode) ? old_dir : new_dir);
	}

	simple_rename_timestamp(old_dir, old_dentry, new_dir, new_dentry);
	inode_inc_iversion(old_dir);
	inode_inc_iversion(new_dir);
	mark_inode_dirty(old_dir);
	mark_inode_dirty(new_dir);
	exfat_mark_renamed(old_inode);
	exfat_mark_renamed(new_inode);
unlock:
	mutex_unlock(&EXFAT_SB(sb)->s_lock);
	return err;
}
