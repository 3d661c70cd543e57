// SPDX-License-Identifier: GPL-2.0
/*
 * RENAME_SYNC, RENAME_REPLACE and RENAME_COND of renameat2(), for all filesystems on
 * which what the VFS looked up under the lock of the parents is the truth.
 *
 * Which files they are is compared with the parents locked, beside the check for
 * RENAME_NOREPLACE; times and sizes with the inodes locked as well, in vfs_rename().
 *
 * RENAME_SYNC has to write the source before it is renamed, and that must not happen with
 * the parents locked. So the first attempt ends just before vfs_rename() with -EAGAIN and a
 * reference to the source; it is synced without locks; and the next attempt goes
 * through if it finds the same file there. This way nothing is synced for a call that fails
 * on a condition.
 */
#include <linux/cred.h>
#include <linux/dcache.h>
#include <linux/file.h>
#include <linux/filelock.h>
#include <linux/fs.h>
#include <linux/mount.h>
#include <linux/pagemap.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "rename_flags.h"

/* So often the source may be another file than the one just synced. */
#define RENAME_SYNC_AGAIN	3

#define RENAME_COND_KNOWN	(RENAME_COND_TARGET_IS | RENAME_COND_SOURCE_IS | \
				 RENAME_COND_TARGET_UNCHANGED | RENAME_COND_SOURCE_NEWER)

static int cond_copy(struct rename_cond *cond, const struct rename_cond __user *ucond)
{
	int error;
	u32 size;

	BUILD_BUG_ON(sizeof(*cond) != RENAME_COND_SIZE_VER0);

	if (get_user(size, &ucond->size))
		return -EFAULT;
	if (size < RENAME_COND_SIZE_VER0)
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	error = copy_struct_from_user(cond, sizeof(*cond), ucond, size);
	if (error)
		return error;
	return cond->resv ? -EINVAL : 0;
}

/* Whether the conditions are known, and can hold beside each other and beside @flags. */
static int cond_valid(const struct rename_cond *cond, unsigned int flags)
{
	u32 mask = cond->mask;

	if (!mask || (mask & ~RENAME_COND_KNOWN))
		return -EINVAL;
	if ((mask & RENAME_COND_TARGET_UNCHANGED) && cond->target_mtime_nsec >= NSEC_PER_SEC)
		return -EINVAL;

	if ((mask & RENAME_COND_TARGET_IS) && cond->target_fd == -1) {
		if ((flags & (RENAME_REPLACE | RENAME_EXCHANGE)) ||
		    (mask & RENAME_COND_TARGET_STATE))
			return -EINVAL;
	} else if (flags & RENAME_NOREPLACE) {
		if (mask & (RENAME_COND_TARGET_IS | RENAME_COND_TARGET_STATE))
			return -EINVAL;
	}
	return 0;
}

static int cond_begin(struct rename_request *req, unsigned int flags,
		      const struct rename_cond __user *ucond)
{
	int error = cond_copy(&req->cond, ucond) ?: cond_valid(&req->cond, flags);

	if (error)
		return error;
	if ((req->cond.mask & RENAME_COND_TARGET_IS) && req->cond.target_fd != -1) {
		req->target = fdget_raw(req->cond.target_fd);
		if (fd_empty(req->target))
			return -EBADF;
	}
	if (req->cond.mask & RENAME_COND_SOURCE_IS) {
		req->source = fdget_raw(req->cond.source_fd);
		if (fd_empty(req->source))
			return -EBADF;
	}
	return 0;
}

int rename_request_begin(struct rename_request *req, unsigned int *flags,
			 const struct rename_cond __user *ucond)
{
	unsigned int all = *flags;
	int error;

	req->flags = all & RENAME_REQUEST_FLAGS;
	req->cond.mask = 0;
	req->target = EMPTY_FD;
	req->source = EMPTY_FD;
	req->sync = NULL;
	*flags &= ~RENAME_REQUEST_FLAGS;

	/* Bad flags come before bad conditions, mainline's flags as well. */
	if (*flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT))
		return -EINVAL;
	if ((all & RENAME_EXCHANGE) && (all & (RENAME_NOREPLACE | RENAME_WHITEOUT)))
		return -EINVAL;
	if ((all & RENAME_REPLACE) && (all & (RENAME_NOREPLACE | RENAME_EXCHANGE)))
		return -EINVAL;

	if (all & RENAME_COND) {
		error = cond_begin(req, all, ucond);
		if (error)
			goto fail;
	}
	if (all & RENAME_SYNC) {
		error = -ENOMEM;
		req->sync = kzalloc(sizeof(*req->sync), GFP_KERNEL);
		if (!req->sync)
			goto fail;
	}
	return 0;
fail:
	rename_request_end(req);
	return error;
}

static void close_parents(struct rename_sync *sync)
{
	for (int i = 0; i < ARRAY_SIZE(sync->parents); i++) {
		if (sync->parents[i])
			fput(sync->parents[i]);
		sync->parents[i] = NULL;
	}
}

void __rename_request_end(struct rename_request *req)
{
	close_parents(req->sync);
	kfree(req->sync);
}

/*
 * Without an event for watchers, and without waiting for anybody. Sets @whole if that breaks a
 * lease, or if a security module does not want it read, which a rename does not do either.
 */
static int open_to_sync(struct file **opened, const struct path *path, bool *whole)
{
	struct file *file = kernel_file_open(path, O_RDONLY | O_LARGEFILE | O_NONBLOCK |
					     __FMODE_NONOTIFY, current_cred());

	if (!IS_ERR(file)) {
		*opened = file;
		return 0;
	}
	switch (PTR_ERR(file)) {
	case -EWOULDBLOCK:
	case -EACCES:
	case -EPERM:
		*whole = true;
		return 0;
	default:
		return PTR_ERR(file);
	}
}

static int open_parent(struct rename_sync *sync, int i, const struct path *path)
{
	int error = open_to_sync(&sync->parents[i], path, &sync->whole);

	/* Better to say so before the rename than after it. */
	if (sync->parents[i] && !sync->parents[i]->f_op->fsync)
		error = -EINVAL;
	return error;
}

int __rename_request_parents(struct rename_request *req, const struct path *old_parent,
			     const struct path *new_parent)
{
	struct super_block *sb = old_parent->dentry->d_sb;
	int error;

	if (!(sb->s_type->fs_flags & FS_RENAME_LOCAL))
		return -EOPNOTSUPP;
	if (!req->sync)
		return 0;

	close_parents(req->sync);	/* of an attempt that met a stale handle */
	error = open_parent(req->sync, 0, new_parent);
	if (!error && old_parent->dentry != new_parent->dentry)
		error = open_parent(req->sync, 1, old_parent);
	return error;
}

/* A file of another filesystem can't be it, and is rather a mistake than a change. */
static int other_file(struct fd f, const struct dentry *dentry)
{
	return !fd_empty(f) && file_inode(fd_file(f))->i_sb != dentry->d_sb ? -EXDEV : -EAGAIN;
}

int __rename_request_check(const struct rename_request *req, const struct dentry *old_dentry,
			   const struct dentry *new_dentry)
{
	const struct inode *target = d_inode(new_dentry);
	u32 mask = req->cond.mask;

	if ((mask & RENAME_COND_SOURCE_IS) &&
	    file_inode(fd_file(req->source)) != d_inode(old_dentry))
		return other_file(req->source, old_dentry);

	if (mask & RENAME_COND_TARGET_IS) {
		const struct inode *expected = fd_empty(req->target) ? NULL :
					       file_inode(fd_file(req->target));

		if (expected != target) {
			int error = other_file(req->target, new_dentry);

			return error == -EAGAIN && !target ? -ENOENT : error;
		}
	}
	if (!target && ((req->flags & RENAME_REPLACE) || (mask & RENAME_COND_TARGET_UNCHANGED)))
		return -ENOENT;
	return 0;
}

int __rename_request_unchanged(const struct renamedata *rd)
{
	const struct rename_cond *cond = &rd->request->cond;
	struct inode *target = d_inode(rd->new_dentry);
	struct timespec64 mtime;

	if (!target)
		return 0;

	mtime = inode_get_mtime(target);
	if (cond->mask & RENAME_COND_TARGET_UNCHANGED) {
		if (cond->target_mtime_sec != mtime.tv_sec ||
		    cond->target_mtime_nsec != mtime.tv_nsec ||
		    cond->target_size != i_size_read(target))
			return -EAGAIN;
	}
	if (cond->mask & RENAME_COND_SOURCE_NEWER) {
		struct timespec64 source = inode_get_mtime(d_inode(rd->old_dentry));

		if (timespec64_compare(&source, &mtime) <= 0)
			return -EAGAIN;
	}
	return 0;
}

int __rename_request_same(const struct renamedata *rd)
{
	struct inode *inode = d_inode(rd->old_dentry);
	int error;

	inode_lock_shared(inode);
	error = __rename_request_unchanged(rd);
	inode_unlock_shared(inode);
	return error;
}

int __rename_request_ready(const struct rename_request *req, const struct renamedata *rd)
{
	struct dentry *found[] = {
		rd->old_dentry,
		rd->flags & RENAME_EXCHANGE ? rd->new_dentry : NULL,
	};
	struct rename_sync *sync = req->sync;
	int error;

	/* Without the locks that it wants, so not the last word: only to sync nothing in vain. */
	error = rename_request_unchanged(rd);
	if (error)
		return error;

	for (int i = 0; i < ARRAY_SIZE(found); i++) {
		struct dentry *synced = sync->synced[i].dentry;

		if (!found[i] || (synced && d_inode(synced) == d_inode(found[i])))
			continue;
		sync->wanted[i] = dget(found[i]);
		error = -EAGAIN;
	}
	return error;
}

static void synced_drop(struct rename_synced *synced)
{
	if (synced->file)
		fput(synced->file);
	dput(synced->dentry);
	*synced = (struct rename_synced){};
}

static bool leased(const struct inode *inode)
{
	const struct file_lock_context *ctx = locks_inode_context(inode);

	return ctx && !list_empty_careful(&ctx->flc_lease);
}

static int sync_whole(struct super_block *sb)
{
	int error;

	down_read(&sb->s_umount);
	error = sync_filesystem(sb);
	up_read(&sb->s_umount);
	return error;
}

/*
 * Takes over the reference to @dentry. What is no file or folder is not opened, since that may
 * block or act on a device, nor a file whose lease that would break.
 */
static int sync_source(struct rename_sync *sync, int i, struct dentry *dentry,
		       struct vfsmount *mnt)
{
	const struct path path = { .mnt = mnt, .dentry = dentry };
	struct rename_synced *synced = &sync->synced[i];
	struct inode *inode = d_inode(dentry);
	int error;

	synced_drop(synced);
	synced->dentry = dentry;

	if (!S_ISREG(inode->i_mode) && !S_ISDIR(inode->i_mode))
		return write_inode_now(inode, 1);

	if (leased(inode)) {
		sync->whole = true;
	} else {
		error = open_to_sync(&synced->file, &path, &sync->whole);
		if (error)
			return error;
	}
	return synced->file ? vfs_fsync(synced->file, 0) : sync_whole(inode->i_sb);
}

/* Whether to try again: what the attempt wanted synced is, unless there was an error. */
static bool sync_wanted(struct rename_sync *sync, struct vfsmount *mnt, int *error)
{
	bool again = sync->rounds <= RENAME_SYNC_AGAIN;

	if (!sync->wanted[0] && !sync->wanted[1])
		return false;

	for (int i = 0; i < ARRAY_SIZE(sync->wanted); i++) {
		struct dentry *dentry = sync->wanted[i];

		sync->wanted[i] = NULL;
		if (!dentry)
			continue;
		if (!again) {
			dput(dentry);
			continue;
		}
		*error = sync_source(sync, i, dentry, mnt);
		if (*error)
			again = false;
	}
	sync->rounds++;
	return again;
}

/*
 * The names were changed. Some filesystems keep a file's size and place beside its name, and
 * folders know their parent, so what was renamed is written again. All of it, even if some fails.
 */
static int write_names(const struct rename_sync *sync, struct super_block *sb)
{
	int error = 0;

	if (sync->whole)
		return sync_whole(sb);

	for (int i = 0; i < ARRAY_SIZE(sync->synced); i++) {
		const struct rename_synced *synced = &sync->synced[i];

		if (synced->file)
			error = vfs_fsync(synced->file, 0) ?: error;
		else if (synced->dentry)
			error = write_inode_now(d_inode(synced->dentry), 1) ?: error;
	}
	for (int i = 0; i < ARRAY_SIZE(sync->parents); i++) {
		if (sync->parents[i])
			error = vfs_fsync(sync->parents[i], 0) ?: error;
	}
	return error;
}

bool __rename_request_unlocked(struct rename_sync *sync, struct vfsmount *mnt, int *error)
{
	if (sync_wanted(sync, mnt, error))
		return true;

	if (!*error) {
		*error = write_names(sync, mnt->mnt_sb);
		/* That would have the caller rename once more. */
		if (*error == -ESTALE)
			*error = -EIO;
	}
	for (int i = 0; i < ARRAY_SIZE(sync->synced); i++)
		synced_drop(&sync->synced[i]);
	return false;
}
