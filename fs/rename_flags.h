/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The flags that CONFIG_RENAMEAT2_FLAGS adds to renameat2(). They are served here,
 * around what fs/namei.c does for a rename, and no filesystem gets to see them.
 */
#ifndef _FS_RENAME_FLAGS_H
#define _FS_RENAME_FLAGS_H

#include <linux/file.h>
#include <linux/fs.h>
#include <linux/renameat2.h>

#ifdef CONFIG_RENAMEAT2_FLAGS

#define RENAME_REQUEST_FLAGS	(RENAME_SYNC | RENAME_REPLACE | RENAME_COND)
/* Conditions on what the files are like, rather than on which they are. */
#define RENAME_COND_TARGET_STATE (RENAME_COND_TARGET_UNCHANGED | RENAME_COND_SOURCE_NEWER)

/* A file that is synced because it will be renamed. */
struct rename_synced {
	struct dentry *dentry;	/* with a reference, which keeps its inode; NULL: none yet */
	struct file *file;	/* open on it, NULL if it can't be opened without side effects */
};

/**
 * struct rename_sync - the state of a call with RENAME_SYNC
 * @parents: the parents, open; the second one is NULL if it is the first
 * @synced: what is renamed, source first
 * @wanted: what the last attempt found there instead, with a reference: to be synced
 * @rounds: how often files were synced for this call
 * @whole: something can't be opened, so the whole filesystem is synced after the rename
 */
struct rename_sync {
	struct file *parents[2];
	struct rename_synced synced[2];
	struct dentry *wanted[2];
	unsigned int rounds;
	bool whole;
};

/**
 * struct rename_request - what one call asks for beyond a plain rename
 * @flags: RENAME_REQUEST_FLAGS of the call
 * @cond: with RENAME_COND: its conditions, checked; without, only its mask is set, to 0
 * @target: what cond.target_fd is open on, or empty
 * @source: what cond.source_fd is open on, or empty
 * @sync: with RENAME_SYNC: its state, or NULL
 *
 * Lives on the stack of the system call; no locks.
 */
struct rename_request {
	unsigned int flags;
	struct rename_cond cond;
	struct fd target;
	struct fd source;
	struct rename_sync *sync;
};

/*
 * In the order of their use. begin() takes our flags out of @flags; end() must follow
 * if it succeeds. All may sleep.
 */
int rename_request_begin(struct rename_request *req, unsigned int *flags,
			 const struct rename_cond __user *ucond);
void __rename_request_end(struct rename_request *req);

static inline void rename_request_end(struct rename_request *req)
{
	fdput(req->target);
	fdput(req->source);
	if (req->sync)
		__rename_request_end(req);
}

int __rename_request_parents(struct rename_request *req, const struct path *old_parent,
			     const struct path *new_parent);
int __rename_request_check(const struct rename_request *req, const struct dentry *old_dentry,
			   const struct dentry *new_dentry);
int __rename_request_ready(const struct rename_request *req, const struct renamedata *rd);
bool __rename_request_unlocked(struct rename_sync *sync, struct vfsmount *mnt, int *error);
int __rename_request_unchanged(const struct renamedata *rd);
int __rename_request_same(const struct renamedata *rd);

/*
 * The rest is for plain renames, too, which have no request: @req is NULL then.
 *
 * The parents are known and on one mount.
 */
static inline int rename_request_parents(struct rename_request *req,
					 const struct path *old_parent,
					 const struct path *new_parent)
{
	return unlikely(req) ? __rename_request_parents(req, old_parent, new_parent) : 0;
}

/* The parents are locked, the source exists: what depends on which files they are. */
static inline int rename_request_check(const struct rename_request *req,
				       const struct dentry *old_dentry,
				       const struct dentry *new_dentry)
{
	return unlikely(req) ? __rename_request_check(req, old_dentry, new_dentry) : 0;
}

/* Last act before vfs_rename(). -EAGAIN: what unlocked() then does comes first. */
static inline int rename_request_ready(struct rename_request *req, struct renamedata *rd)
{
	rd->request = req;
	return unlikely(req && req->sync) ? __rename_request_ready(req, rd) : 0;
}

/*
 * The parents are unlocked, and the attempt ended with *@error. True: it is to be repeated from
 * their locking on. False: it is over with what is in *@error now.
 */
static inline bool rename_request_unlocked(struct rename_request *req, struct vfsmount *mnt,
					   int *error)
{
	return unlikely(req && req->sync) && __rename_request_unlocked(req->sync, mnt, error);
}

static inline bool rename_request_state(const struct renamedata *rd)
{
	return unlikely(rd->request) && (rd->request->cond.mask & RENAME_COND_TARGET_STATE);
}

/* In vfs_rename(), with the inodes of source and target locked: what depends on their state. */
static inline int rename_request_unchanged(const struct renamedata *rd)
{
	return rename_request_state(rd) ? __rename_request_unchanged(rd) : 0;
}

/* In vfs_rename(), source and target are one inode, which is not locked. */
static inline int rename_request_same(const struct renamedata *rd)
{
	return rename_request_state(rd) ? __rename_request_same(rd) : 0;
}

#else /* !CONFIG_RENAMEAT2_FLAGS */

struct rename_request;

static inline int rename_request_parents(struct rename_request *req,
					 const struct path *old_parent,
					 const struct path *new_parent)
{
	return 0;
}

static inline int rename_request_check(const struct rename_request *req,
				       const struct dentry *old_dentry,
				       const struct dentry *new_dentry)
{
	return 0;
}

static inline int rename_request_ready(struct rename_request *req, struct renamedata *rd)
{
	return 0;
}

static inline bool rename_request_unlocked(struct rename_request *req, struct vfsmount *mnt,
					   int *error)
{
	return false;
}

static inline int rename_request_unchanged(const struct renamedata *rd)
{
	return 0;
}

static inline int rename_request_same(const struct renamedata *rd)
{
	return 0;
}

#endif /* !CONFIG_RENAMEAT2_FLAGS */

#endif /* _FS_RENAME_FLAGS_H */
