// SPDX-License-Identifier: GPL-2.0
/*
 * RENAME_EXCHANGE for udf: two file identifiers get each other's ICB, with its unique id, and
 * each other's characteristics. The ".." of directories that get another parent follow.
 *
 * There is no journal. With IS_DIRSYNC() the directory of the new name is written first, then
 * that of the old name, then what has moved; otherwise the order is that of the buffer cache.
 * A crash in between leaves:
 *  - If the identifiers are in one block, both names or neither one exchanged.
 *  - Else possibly both names for one of the two files. The other one keeps its data and its
 *    blocks, but no name leads to it. An identifier that crosses a block border can be torn.
 *  - ".." of a directory that moved may be the old parent, and the link counts of the parents
 *    may be off by one.
 */
#include "udfdecl.h"

/* What is exchanged. */
struct udf_child {
	struct inode *inode;
	struct udf_fileident_iter dotdot;
	bool has_dotdot;		/* a directory that gets another parent */
};

struct udf_name {
	struct inode *dir;
	struct udf_fileident_iter fid;
	struct udf_child *child;
};

static bool udf_leads_to(const struct udf_fileident_iter *iter, const struct inode *inode)
{
	struct kernel_lb_addr loc = lelb_to_cpu(iter->fi.icb.extLocation);

	return udf_get_lb_pblock(inode->i_sb, &loc, 0) == inode->i_ino;
}

static int udf_find(struct udf_fileident_iter *iter, struct inode *dir, const struct qstr *name,
		    struct inode *target)
{
	int err = udf_fiiter_find_entry(dir, name, iter);

	if (err)
		return err;
	if (udf_leads_to(iter, target))
		return 0;

	udf_err(dir->i_sb, "entry of directory (ino %lu) does not lead to inode %lu\n",
		dir->i_ino, target->i_ino);
	udf_fiiter_release(iter);
	return -EFSCORRUPTED;
}

static void udf_release(struct udf_name *name)
{
	udf_fiiter_release(&name->fid);
	if (name->child->has_dotdot)
		udf_fiiter_release(&name->child->dotdot);
}

static int udf_find_all(struct udf_name *name, const struct qstr *qstr, bool moves)
{
	struct udf_child *child = name->child;
	int err;

	err = udf_find(&name->fid, name->dir, qstr, child->inode);
	if (err || !moves || !S_ISDIR(child->inode->i_mode))
		return err;

	err = udf_find(&child->dotdot, child->inode, &dotdot_name, name->dir);
	if (!err && name->dir->i_nlink < 3) {
		udf_fiiter_release(&child->dotdot);
		err = -EFSCORRUPTED;
	}
	child->has_dotdot = !err;
	if (err)
		udf_fiiter_release(&name->fid);
	return err;
}

static void udf_set_dotdot(struct udf_name *name)
{
	struct udf_inode_info *parent = UDF_I(name->dir);
	struct fileIdentDesc *fi = &name->child->dotdot.fi;
	struct allocDescImpUse *use = (struct allocDescImpUse *)fi->icb.impUse;

	if (!name->child->has_dotdot)
		return;
	fi->icb.extLocation = cpu_to_lelb(parent->i_location);
	*(__le32 *)use->impUse = cpu_to_le32(lower_32_bits(parent->i_unique));
	udf_fiiter_write_fi(&name->child->dotdot, NULL);
}

/* In memory, where nothing fails. To do it again is to undo it. */
static void udf_exchange_in_memory(struct udf_name *old, struct udf_name *new)
{
	swap(old->fid.fi.fileVersionNum, new->fid.fi.fileVersionNum);
	swap(old->fid.fi.fileCharacteristics, new->fid.fi.fileCharacteristics);
	swap(old->fid.fi.icb, new->fid.fi.icb);
	udf_fiiter_write_fi(&new->fid, NULL);
	udf_fiiter_write_fi(&old->fid, NULL);

	swap(old->child, new->child);
	udf_set_dotdot(old);
	udf_set_dotdot(new);
	if (old->child->has_dotdot != new->child->has_dotdot) {
		inc_nlink(old->child->has_dotdot ? old->dir : new->dir);
		drop_nlink(old->child->has_dotdot ? new->dir : old->dir);
	}
	mark_inode_dirty(old->dir);
	mark_inode_dirty(new->dir);
	mark_inode_dirty(old->child->inode);
	mark_inode_dirty(new->child->inode);
}

static int udf_sync_dir(struct inode *dir)
{
	int err = sync_mapping_buffers(dir->i_mapping);

	return err ?: sync_inode_metadata(dir, 1);
}

static int udf_sync_all(struct udf_name *old, struct udf_name *new)
{
	int err = udf_sync_dir(new->dir);

	if (!err)
		err = udf_sync_dir(old->dir);
	if (!err && new->child->has_dotdot)
		err = udf_sync_dir(new->child->inode);
	if (!err && old->child->has_dotdot)
		err = udf_sync_dir(old->child->inode);
	return err;
}

/* A buffer that could not be written is as good as before. */
static void udf_trust_buffers(struct udf_fileident_iter *iter)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(iter->bh); i++)
		if (iter->bh[i])
			set_buffer_uptodate(iter->bh[i]);
}

static void udf_exchange_back(struct udf_name *old, struct udf_name *new)
{
	udf_trust_buffers(&old->fid);
	udf_trust_buffers(&new->fid);
	if (old->child->has_dotdot)
		udf_trust_buffers(&old->child->dotdot);
	if (new->child->has_dotdot)
		udf_trust_buffers(&new->child->dotdot);
	udf_exchange_in_memory(old, new);
}

int udf_exchange(struct inode *old_dir, struct dentry *old_dentry,
		 struct inode *new_dir, struct dentry *new_dentry)
{
	struct udf_child old_child = { .inode = d_inode(old_dentry) };
	struct udf_child new_child = { .inode = d_inode(new_dentry) };
	struct udf_name old = { .dir = old_dir, .child = &old_child };
	struct udf_name new = { .dir = new_dir, .child = &new_child };
	bool moves = old_dir != new_dir;
	int err;

	err = udf_find_all(&old, &old_dentry->d_name, moves);
	if (err)
		return err;
	err = udf_find_all(&new, &new_dentry->d_name, moves);
	if (err)
		goto release_old;

	simple_rename_timestamp(old_dir, old_dentry, new_dir, new_dentry);
	udf_exchange_in_memory(&old, &new);
	if (IS_DIRSYNC(old_dir) || IS_DIRSYNC(new_dir)) {
		err = udf_sync_all(&old, &new);
		if (err)
			udf_exchange_back(&old, &new);
	}
	udf_release(&new);
release_old:
	udf_release(&old);
	return err;
}
