/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What fs/locks.c asks of the index of POSIX locks; see fs/lock_index.c. But for
 * posix_index_release() all of it wants the flc_lock of the context held and does not
 * sleep.
 */
#ifndef _FS_LOCK_INDEX_H
#define _FS_LOCK_INDEX_H

#include <linux/filelock.h>

#ifdef CONFIG_FILE_PRIVATE_LOCKS

/* Of the cache of lock contexts. */
#define POSIX_INDEX_SLAB	SLAB_HWCACHE_ALIGN

/**
 * struct posix_index_walk - a walk along the granted POSIX locks in a range
 * @range: its fl_start and fl_end count; locks of its flc_owner are left out
 * @start: fl_start of the last lock, or 0 to begin
 * @since: and its &posix_lock_node.since, or 0
 * @next: where it goes on in each tree of ranges
 *
 * A walk may stop after any lock, drop flc_lock and go on with posix_index_begin(): @start
 * and @since are values, and it does not matter whether that lock is still there.
 */
struct posix_index_walk {
	const struct file_lock *range;
	loff_t start;
	u64 since;
	struct file_lock *next[2];
};

struct file_lock *__posix_index_first_conflict(struct file_lock_context *ctx,
					       const struct file_lock *request);
struct file_lock *__posix_index_first_own(struct file_lock_context *ctx,
					  const struct file_lock *request);
void __posix_index_insert(struct posix_lock_index *index, struct file_lock *fl);
void __posix_index_remove(struct posix_lock_index *index, struct file_lock *fl);
void __posix_index_settle(struct file_lock_context *ctx);
void posix_index_check(struct file_lock_context *ctx);
void posix_index_release(struct file *filp, struct file_lock_context *ctx);
void lock_index_stamp(struct file_lock_context *ctx, struct file_lock *fl, u64 now);
void lock_index_granted(struct file_lock_context *ctx, struct file_lock *fl);
void posix_index_begin(struct file_lock_context *ctx, struct posix_index_walk *walk);
struct file_lock *posix_index_next(struct file_lock_context *ctx, struct posix_index_walk *walk);
bool posix_index_owner_has(struct file_lock_context *ctx, const struct file_lock *request,
			   const struct file_lock *range);

/* Build the trees above so many locks, give them up below so many. */
#define POSIX_INDEX_BUILD	32
#define POSIX_INDEX_DROP	16

/* The last close of a file removes so many locks while it holds flc_lock. */
#define POSIX_INDEX_SLICE	1024

/* With CONFIG_FILE_PRIVATE_LOCKS_DEBUG every operation is checked up to so many. */
#define POSIX_INDEX_CHECK	512

static inline void posix_index_init(struct file_lock_context *ctx)
{
	ctx->flc_index = (struct posix_lock_index) {};
	spin_lock_init(&ctx->flc_index.wait_lock);
	INIT_LIST_HEAD(&ctx->flc_index.fair);
}

static inline bool posix_index_built(struct file_lock_context *ctx)
{
	return ctx->flc_index.built;
}

/* The order of locks and of requests that wait: by start, then by age. */
static inline bool lock_index_before(const struct file_lock *fl, loff_t start, u64 since)
{
	return fl->fl_start < start || (fl->fl_start == start && fl->fl_node.since < since);
}

static inline bool lock_index_after(const struct file_lock *fl, loff_t start, u64 since)
{
	return fl->fl_start > start || (fl->fl_start == start && fl->fl_node.since > since);
}

static inline bool lock_index_overlap(const struct file_lock *a, const struct file_lock *b)
{
	return a->fl_start <= b->fl_end && a->fl_end >= b->fl_start;
}

/* @left has been cut from @right, which it stays as old as. */
static inline void posix_index_split(struct file_lock *left, const struct file_lock *right)
{
	left->fl_node.since = right->fl_node.since;
}

/* From the first lock that may be in the way of @request. */
static inline struct file_lock *
posix_index_first_conflict(struct file_lock_context *ctx, const struct file_lock *request)
{
	if (posix_index_built(ctx))
		return __posix_index_first_conflict(ctx, request);
	return list_first_entry(&ctx->flc_posix, struct file_lock, c.flc_list);
}

/* From the first lock of @request's owner that it may change, or from the beginning. */
static inline struct file_lock *
posix_index_first_own(struct file_lock_context *ctx, const struct file_lock *request)
{
	if (posix_index_built(ctx))
		return __posix_index_first_own(ctx, request);
	return list_first_entry(&ctx->flc_posix, struct file_lock, c.flc_list);
}

/* @fl stands in the list with its final range and type. */
static inline void posix_index_insert(struct file_lock_context *ctx, struct file_lock *fl)
{
	fl->c.flc_counted = true;
	ctx->flc_index.count++;
	ctx->flc_index.has_tasks |= fl->fl_node.task;
	lock_index_granted(ctx, fl);
	if (posix_index_built(ctx))
		__posix_index_insert(&ctx->flc_index, fl);
}

/* Before @fl leaves the list or its range changes; nothing if it is not in yet. */
static inline void posix_index_remove(struct file_lock_context *ctx, struct file_lock *fl)
{
	if (!fl->c.flc_counted)
		return;
	fl->c.flc_counted = false;
	ctx->flc_index.count--;
	if (posix_index_built(ctx))
		__posix_index_remove(&ctx->flc_index, fl);
}

/* An operation is done: list and index are the same set again. */
static inline void posix_index_settle(struct file_lock_context *ctx)
{
	if (posix_index_built(ctx) ? ctx->flc_index.count < POSIX_INDEX_DROP :
				     ctx->flc_index.count > POSIX_INDEX_BUILD)
		__posix_index_settle(ctx);
	if (IS_ENABLED(CONFIG_FILE_PRIVATE_LOCKS_DEBUG))
		posix_index_check(ctx);
}

#else /* !CONFIG_FILE_PRIVATE_LOCKS */

#define POSIX_INDEX_SLAB	0

static inline void posix_index_init(struct file_lock_context *ctx) {}

static inline bool posix_index_built(struct file_lock_context *ctx)
{
	return false;
}

/* Macros, so that what is compiled is mainline's. */
#define posix_index_first_conflict(ctx, request)			\
	((void)(request), list_first_entry(&(ctx)->flc_posix, struct file_lock, c.flc_list))
#define posix_index_first_own(ctx, request)				\
	posix_index_first_conflict(ctx, request)
#define lock_index_granted(ctx, fl)	((void)(ctx), (void)(fl))
#define posix_index_split(left, right)	((void)(left), (void)(right))

static inline void posix_index_insert(struct file_lock_context *ctx, struct file_lock *fl) {}
static inline void posix_index_remove(struct file_lock_context *ctx, struct file_lock *fl) {}
static inline void posix_index_settle(struct file_lock_context *ctx) {}
static inline void posix_index_release(struct file *filp, struct file_lock_context *ctx) {}

#endif /* CONFIG_FILE_PRIVATE_LOCKS */

#define posix_index_for_each_from(pos, first, ctx)			\
	for (pos = first; !list_entry_is_head(pos, &(ctx)->flc_posix, c.flc_list); \
	     pos = list_next_entry(pos, c.flc_list))

/*
 * Along the list, all locks; with the index only from the one in the way of @request, if
 * there is one. What is in the way of F_UNLCK is a lock of the same owner that overlaps.
 */
#define posix_index_for_each_conflict(pos, ctx, request)		\
	posix_index_for_each_from(pos, posix_index_first_conflict(ctx, request), ctx)

/*
 * Along the list, all locks; with the index only from the last one of @request's owner that
 * starts before it, or else the owner's first, if it has any.
 */
#define posix_index_for_each_own(pos, ctx, request)			\
	posix_index_for_each_from(pos, posix_index_first_own(ctx, request), ctx)

#endif /* _FS_LOCK_INDEX_H */
