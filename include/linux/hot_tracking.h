/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Hot tracking: the hooks in the I/O path. With CONFIG_HOT_TRACKING=n they leave no code
 * behind, with tracking off everywhere each is one patched jump.
 */
#ifndef _LINUX_HOT_TRACKING_H
#define _LINUX_HOT_TRACKING_H

#include <linux/bio.h>
#include <linux/errno.h>
#include <linux/types.h>

struct iomap_iter;

/* As in struct iomap_dio_ops. */
typedef void hot_submit_io_t(const struct iomap_iter *iter, struct bio *bio, loff_t pos);

#ifdef CONFIG_HOT_TRACKING
#include <linux/fs.h>
#include <linux/jump_label.h>
#include <linux/pagemap.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

DECLARE_STATIC_KEY_FALSE(hot_tracking_key);

struct hot_read;

void __hot_account_read(const struct hot_read *hr);
void __hot_account_writeback(struct inode *inode, loff_t pos, u64 bytes, bool in_flight);
void __hot_submit_bio(struct inode *inode, loff_t pos, struct bio *bio);
void __hot_submit_io(hot_submit_io_t *submit_io, const struct iomap_iter *iter, struct bio *bio,
		     loff_t pos);
void __hot_inode_detach(struct inode *inode);
void __hot_sb_shutdown(struct super_block *sb);
bool hot_ioctl_known(unsigned int cmd);
int hot_ioctl(struct file *file, unsigned int cmd, void __user *argp);

/**
 * hot_submit_bio - count a request and submit it
 * @inode: whose data it carries
 * @pos: offset of the data in @inode, bytes
 * @bio: the request; reads and writes data
 *
 * As the last act of a function it costs a no-op with tracking off: nothing has to be kept over
 * a call.
 *
 * Context: process context, may be inside of memory reclaim; counting does not sleep. The caller
 * keeps @inode from being destroyed: it has it open, or holds one of its folios locked.
 */
static inline void hot_submit_bio(struct inode *inode, loff_t pos, struct bio *bio)
{
	if (static_branch_unlikely(&hot_tracking_key))
		__hot_submit_bio(inode, pos, bio);
	else
		submit_bio(bio);
}

/* The same where a filesystem wants to submit direct I/O itself. */
static inline void hot_submit_io(hot_submit_io_t *submit_io, const struct iomap_iter *iter,
				 struct bio *bio, loff_t pos)
{
	if (static_branch_unlikely(&hot_tracking_key))
		__hot_submit_io(submit_io, iter, bio, pos);
	else
		submit_io(iter, bio, pos);
}

/**
 * struct hot_writeback - a folio that goes under writeback
 * @inode: its owner, NULL while tracking is off
 * @in_flight: other folios of @inode are under writeback already
 */
struct hot_writeback {
	struct inode *inode;
	bool in_flight;
};

static inline void hot_writeback_begin(struct hot_writeback *hw, struct inode *inode,
				       bool in_flight)
{
	if (static_branch_unlikely(&hot_tracking_key)) {
		hw->inode = inode;
		hw->in_flight = in_flight;
	}
}

/*
 * Counts the folio. One that begins where the last one ended, while that is still in flight,
 * travels with it and is no request of its own. Context: as for hot_submit_bio().
 */
static inline void hot_writeback_end(const struct hot_writeback *hw, struct folio *folio)
{
	if (static_branch_unlikely(&hot_tracking_key) && hw->inode)
		__hot_account_writeback(hw->inode, folio_pos(folio), folio_size(folio),
					hw->in_flight);
}

/**
 * struct hot_read - what a caller of ->readahead() or ->read_folio() remembers from before the call
 * @inode: whose data is wanted, NULL while tracking is off
 * @pos: offset of the data, bytes
 * @bytes: length
 * @sent: bytes that this task had sent reads for
 *
 * Only if the task has sent a read to a device meanwhile was it a request: a hole, or a folio that
 * somebody else filled, is none.
 */
struct hot_read {
	struct inode *inode;
	loff_t pos;
	u64 bytes;
	u64 sent;
};

static inline void hot_read_begin(struct hot_read *hr, struct inode *inode, loff_t pos, u64 bytes)
{
	if (static_branch_unlikely(&hot_tracking_key)) {
		hr->inode = inode;
		hr->pos = pos;
		hr->bytes = bytes;
		hr->sent = current->ioac.read_bytes;
	} else {
		hr->inode = NULL;
	}
}

static inline void hot_read_begin_folio(struct hot_read *hr, struct folio *folio)
{
	if (static_branch_unlikely(&hot_tracking_key))
		hot_read_begin(hr, folio->mapping->host, folio_pos(folio), folio_size(folio));
	else
		hr->inode = NULL;
}

static inline void hot_read_end(const struct hot_read *hr)
{
	if (static_branch_unlikely(&hot_tracking_key) && hr->inode &&
	    hr->sent != current->ioac.read_bytes)
		__hot_account_read(hr);
}

/* A new inode in memory; the heat of its file is found at its first request. */
static inline void hot_inode_init(struct inode *inode)
{
	RCU_INIT_POINTER(inode->i_hot, NULL);
}

/*
 * The inode leaves memory. Its heat stays for when it comes back, unless it has no name any
 * more: then there may be heat from before it left memory the last time, too.
 */
static inline void hot_inode_detach(struct inode *inode)
{
	if (unlikely(rcu_access_pointer(inode->i_hot)) ||
	    (static_branch_unlikely(&hot_tracking_key) && !inode->i_nlink))
		__hot_inode_detach(inode);
}

/* All inodes are evicted, the superblock is about to go. */
static inline void hot_sb_shutdown(struct super_block *sb)
{
	if (unlikely(rcu_access_pointer(sb->s_hot)))
		__hot_sb_shutdown(sb);
}

#else /* !CONFIG_HOT_TRACKING */

struct bio;
struct file;
struct folio;
struct inode;
struct super_block;

struct hot_read { };
struct hot_writeback { };

static inline void hot_submit_bio(struct inode *inode, loff_t pos, struct bio *bio)
{
	submit_bio(bio);
}

static inline void hot_submit_io(hot_submit_io_t *submit_io, const struct iomap_iter *iter,
				 struct bio *bio, loff_t pos)
{
	submit_io(iter, bio, pos);
}

static inline void hot_writeback_begin(struct hot_writeback *hw, struct inode *inode,
				       bool in_flight) { }
static inline void hot_writeback_end(const struct hot_writeback *hw, struct folio *folio) { }
static inline void hot_read_begin(struct hot_read *hr, struct inode *inode, loff_t pos,
				  u64 bytes) { }
static inline void hot_read_begin_folio(struct hot_read *hr, struct folio *folio) { }
static inline void hot_read_end(const struct hot_read *hr) { }
static inline void hot_inode_init(struct inode *inode) { }
static inline void hot_inode_detach(struct inode *inode) { }
static inline void hot_sb_shutdown(struct super_block *sb) { }

static inline bool hot_ioctl_known(unsigned int cmd)
{
	return false;
}

static inline int hot_ioctl(struct file *file, unsigned int cmd, void __user *argp)
{
	return -ENOTTY;
}

#endif /* CONFIG_HOT_TRACKING */
#endif /* _LINUX_HOT_TRACKING_H */
