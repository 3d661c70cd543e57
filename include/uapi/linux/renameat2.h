/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
#ifndef _UAPI_LINUX_RENAMEAT2_H
#define _UAPI_LINUX_RENAMEAT2_H

#include <linux/types.h>

/**
 * DOC: More flags of renameat2()
 *
 * They combine with each other and with RENAME_NOREPLACE, RENAME_EXCHANGE and
 * RENAME_WHITEOUT, except where a comment below says EINVAL. A kernel that does
 * not know a flag answers EINVAL, a filesystem whose names another host may
 * change answers EOPNOTSUPP. When the call fails nothing was renamed, but for
 * the one case under RENAME_SYNC.
 *
 * This header can stand before or after <stdio.h>, <fcntl.h> and <linux/fs.h>.
 */

/*
 * What the call did is on stable storage when it returns: the data and the
 * attributes of the source, and both names. With RENAME_EXCHANGE both files
 * count as sources. Of a directory this covers its entries, not what is in
 * them. If the names were changed but could not be written the call fails with
 * what fsync() would say, EIO say, and the names stay changed. EAGAIN: the
 * source was replaced under its name again and again meanwhile.
 */
#define RENAME_SYNC	(1 << 5)

/*
 * Rename only if the target exists, else ENOENT. EINVAL with RENAME_NOREPLACE and
 * RENAME_EXCHANGE.
 */
#define RENAME_REPLACE	(1 << 6)

/*
 * Rename only if the conditions in a struct rename_cond hold, which is the
 * sixth argument of the call; without this flag there is no sixth argument. A
 * condition that does not hold: EAGAIN.
 */
#define RENAME_COND	(1 << 7)

/* Bits of rename_cond.mask: the conditions, which must all hold. */

/*
 * The target is the file, of any type, that target_fd is open on; O_PATH is enough. There
 * is no target: ENOENT. With target_fd -1: there must not be one.
 */
#define RENAME_COND_TARGET_IS		(1 << 0)
/* The source is the file that source_fd is open on. */
#define RENAME_COND_SOURCE_IS		(1 << 1)
/*
 * The target has this time of last modification and this size. No target: ENOENT. What is
 * stored through a mapping shows in them late, and within one tick of the clock a second
 * change does not show in the time.
 */
#define RENAME_COND_TARGET_UNCHANGED	(1 << 2)
/* The source was modified later than the target, or there is no target. */
#define RENAME_COND_SOURCE_NEWER	(1 << 3)

/**
 * struct rename_cond - when to rename
 * @size: sizeof(struct rename_cond)
 * @mask: RENAME_COND_TARGET_IS etc., at least one
 * @target_fd: for RENAME_COND_TARGET_IS
 * @source_fd: for RENAME_COND_SOURCE_IS
 * @target_mtime_sec: for RENAME_COND_TARGET_UNCHANGED: seconds of the time of
 *	last modification
 * @target_mtime_nsec: and its nanoseconds
 * @resv: must be 0
 * @target_size: for RENAME_COND_TARGET_UNCHANGED: the size in bytes
 *
 * Fields without their bit in @mask are ignored. The struct can grow: EINVAL if
 * @size is smaller than the first version, E2BIG if the struct has non-zero
 * bytes that this kernel does not know. EINVAL for unknown bits in @mask, for
 * none, for @resv, for nanoseconds beyond 999999999, and for conditions that
 * can never hold beside each other or beside the flags. EBADF for a file
 * descriptor that is not open, EXDEV for one of another filesystem.
 */
struct rename_cond {
	__u32 size;
	__u32 mask;
	__s32 target_fd;
	__s32 source_fd;
	__s64 target_mtime_sec;
	__u32 target_mtime_nsec;
	__u32 resv;
	__u64 target_size;
};

#define RENAME_COND_SIZE_VER0	40	/* size of the first version */

#endif /* _UAPI_LINUX_RENAMEAT2_H */
