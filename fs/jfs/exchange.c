// SPDX-License-Identifier: GPL-2.0
/*
 * RENAME_EXCHANGE for jfs: two directory entries get each other's inode number.
 *
 * One transaction holds both entries, the ".." of directories that get another parent, and the
 * link counts and times of the parents, so a crash leaves all of that or nothing. What does not
 * get another ".." is no member of the transaction: its new ctime is written with its inode.
 */
#include <linux/fs.h>
#include "jfs_incore.h"
#include "jfs_inode.h"
#include "jfs_metapage.h"
#include "jfs_txnmgr.h"
#include "jfs_unicode.h"

/* A name, and where it is. The last four are valid between jfs_find_both() and jfs_put_both(). */
struct jfs_place {
	struct inode *dir;
	struct inode *ip;	/* what has the name */
	struct component_name name;
	s64 block;		/* of the leaf with the entry; 0: the root, in the inode */
	struct metapage *mp;
	dtpage_t *leaf;
	s8 slot;
};

/* The inodes of the transaction, their commit_mutex held. */
struct jfs_members {
	struct inode *ip[4];
	int count;
};

static void jfs_join(struct jfs_members *members, struct inode *ip, enum commit_mutex_class class)
{
	mutex_lock_nested(&JFS_IP(ip)->commit_mutex, class);
	members->ip[members->count++] = ip;
}

static void jfs_leave(struct jfs_members *members)
{
	while (members->count)
		mutex_unlock(&JFS_IP(members->ip[--members->count])->commit_mutex);
}

static int jfs_find(struct jfs_place *at)
{
	ino_t ino = at->ip->i_ino;
	struct btstack stack;
	int index, rc;

	rc = dtSearch(at->dir, &at->name, &ino, &stack, JFS_RENAME);
	if (rc)
		return rc;

	BT_GETSEARCH(at->dir, stack.top, at->block, at->mp, dtpage_t, at->leaf, index, i_dtroot);
	at->slot = DT_GETSTBL(at->leaf)[index];
	return 0;
}

/*
 * Hold both leaves, so that nothing fails once an entry has changed. A search that ends in a
 * leaf that is held already would wait for itself.
 */
static int jfs_find_both(struct jfs_place *a, struct jfs_place *b)
{
	bool one_tree = a->dir == b->dir;
	int rc;

	rc = jfs_find(b);
	if (rc)
		return rc;
	if (one_tree)
		BT_PUTPAGE(b->mp);

	rc = jfs_find(a);
	if (rc) {
		if (!one_tree)
			BT_PUTPAGE(b->mp);
		return rc;
	}
	if (!one_tree)
		return 0;

	if (a->block == b->block) {
		b->mp = a->mp;
		b->leaf = a->leaf;
		return 0;
	}
	rc = jfs_find(b);
	if (rc)
		BT_PUTPAGE(a->mp);
	return rc;
}

static void jfs_put_both(struct jfs_place *a, struct jfs_place *b)
{
	if (a->mp != b->mp)
		BT_PUTPAGE(b->mp);
	BT_PUTPAGE(a->mp);
}

static bool jfs_moves_dir(const struct jfs_place *from, const struct jfs_place *to)
{
	return from->dir != to->dir && S_ISDIR(from->ip->i_mode);
}

/* dtModify() would log the last one only of two entries in one leaf. */
static void jfs_log_entry(tid_t tid, struct jfs_place *at)
{
	struct tlock *tlck;
	struct dt_lock *lines;

	BT_MARK_DIRTY(at->mp, at->dir);
	tlck = txLock(tid, at->dir, at->mp, tlckDTREE | tlckENTRY);
	lines = (struct dt_lock *)&tlck->lock;
	lines->lv[lines->index].offset = at->slot;
	lines->lv[lines->index].length = 1;
	lines->index++;
}

/* It is in the head of the root, which is line 0. */
static void jfs_log_dotdot(tid_t tid, struct inode *ip)
{
	struct tlock *tlck;
	struct dt_lock *lines;

	tlck = txLock(tid, ip, (struct metapage *)&JFS_IP(ip)->bxflag,
		      tlckDTREE | tlckBTROOT | tlckRELINK);
	lines = (struct dt_lock *)&tlck->lock;
	lines->lv[0].offset = 0;
	lines->lv[0].length = 1;
	lines->index = 1;
}

static void jfs_set_dotdot(struct jfs_place *at)
{
	if (S_ISDIR(at->ip->i_mode))
		JFS_IP(at->ip)->i_dtroot.header.idotdot = cpu_to_le32(at->dir->i_ino);
}

/* In memory. To do it again is to undo it. */
static void jfs_exchange_in_memory(struct jfs_place *a, struct jfs_place *b)
{
	struct ldtentry *in_a = (struct ldtentry *)&a->leaf->slot[a->slot];
	struct ldtentry *in_b = (struct ldtentry *)&b->leaf->slot[b->slot];

	swap(in_a->inumber, in_b->inumber);
	swap(a->ip, b->ip);
	if (a->dir == b->dir)
		return;

	jfs_set_dotdot(a);
	jfs_set_dotdot(b);
	if (S_ISDIR(a->ip->i_mode) != S_ISDIR(b->ip->i_mode)) {
		inc_nlink(S_ISDIR(a->ip->i_mode) ? a->dir : b->dir);
		drop_nlink(S_ISDIR(a->ip->i_mode) ? b->dir : a->dir);
	}
}

static int jfs_log_and_exchange(tid_t tid, struct jfs_place *a, struct jfs_place *b)
{
	int rc = jfs_find_both(a, b);

	if (rc)
		return rc;

	jfs_log_entry(tid, a);
	jfs_log_entry(tid, b);
	if (jfs_moves_dir(a, b))
		jfs_log_dotdot(tid, a->ip);
	if (jfs_moves_dir(b, a))
		jfs_log_dotdot(tid, b->ip);
	jfs_exchange_in_memory(a, b);
	jfs_put_both(a, b);
	return 0;
}

/* The commit failed, so the filesystem is marked dirty. Memory should be as the disk is. */
static void jfs_exchange_back(struct jfs_place *a, struct jfs_place *b)
{
	if (jfs_find_both(a, b))
		return;
	jfs_exchange_in_memory(a, b);
	jfs_put_both(a, b);
}

int jfs_exchange(struct inode *old_dir, struct dentry *old_dentry,
		 struct inode *new_dir, struct dentry *new_dentry)
{
	struct jfs_place old = { .dir = old_dir, .ip = d_inode(old_dentry) };
	struct jfs_place new = { .dir = new_dir, .ip = d_inode(new_dentry) };
	bool sync = IS_DIRSYNC(old_dir) || IS_DIRSYNC(new_dir);
	struct jfs_members members = {};
	tid_t tid;
	int rc;

	rc = get_UCSname(&old.name, old_dentry);
	if (rc)
		return rc;
	rc = get_UCSname(&new.name, new_dentry);
	if (rc)
		goto free_old;

	tid = txBegin(old_dir->i_sb, 0);

	/*
	 * In the order of jfs_rename(). In one directory, two directories can be exchanged
	 * with their inodes unlocked, while a rename from one to the other locks both. That is
	 * one more reason to leave them out when they keep their parent.
	 */
	jfs_join(&members, new_dir, COMMIT_MUTEX_PARENT);
	if (jfs_moves_dir(&old, &new))
		jfs_join(&members, old.ip, COMMIT_MUTEX_CHILD);
	if (old_dir != new_dir)
		jfs_join(&members, old_dir, COMMIT_MUTEX_SECOND_PARENT);
	if (jfs_moves_dir(&new, &old))
		jfs_join(&members, new.ip, COMMIT_MUTEX_VICTIM);

	rc = jfs_log_and_exchange(tid, &old, &new);
	if (rc)
		goto end;

	simple_rename_timestamp(old_dir, old_dentry, new_dir, new_dentry);
	mark_inode_dirty(old_dir);
	mark_inode_dirty(new_dir);
	mark_inode_dirty(old.ip);
	mark_inode_dirty(new.ip);

	rc = txCommit(tid, members.count, members.ip, sync ? COMMIT_SYNC : 0);
	if (rc)
		jfs_exchange_back(&old, &new);
end:
	txEnd(tid);
	jfs_leave(&members);
	free_UCSname(&new.name);
free_old:
	free_UCSname(&old.name);
	return rc;
}
