/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The filesystems that tests run on. Each is made anew by its mkfs in a sparse file, and
 * mounted through a loop device in a mount namespace of our own, so that nothing is left over
 * however the program ends:
 *
 *	$TMPDIR/hot.XXXXXX/		a tmpfs
 *	|-- ext4.img	loop device	--> mounted on ext4/
 *	|-- xfs.img	loop device	--> mounted on xfs/
 *	|-- ...
 *	|-- erofs.img	loop device	--> mounted on erofs/, made from source/
 *	|-- source/			what erofs has: EROFS_FILE
 *	`-- overlay/			overlayfs: lower layer ext4/lower, upper layer ext4/upper
 */
#ifndef HOT_TRACKING_FILESYSTEMS_H
#define HOT_TRACKING_FILESYSTEMS_H

#include <stdbool.h>
#include <sys/types.h>

enum fs {
	FS_EXT4,
	FS_XFS,
	FS_BTRFS,
	FS_F2FS,
	FS_VFAT,
	FS_EXFAT,
	FS_EROFS,
	FS_OVERLAY,
	NR_FS
};

/* 4 MiB of data in the image of erofs. */
#define EROFS_FILE	"file"
/* Where the layers of overlayfs are, on ext4. */
#define OVERLAY_UPPER	"upper"
#define OVERLAY_LOWER	"lower"

/* Once in a program, in the process that lives longest, and before the other functions. */
void fs_begin(void);
/*
 * Make and mount one. @size in bytes, 0 for the usual 128 MiB; @option: one more for mkfs, or NULL.
 * Overlayfs takes ext4 along. Returns NULL or the reason why it cannot be had here.
 */
const char *fs_make(enum fs fs, off_t size, const char *option);
/* What fs_make() returned; "not made" before. */
const char *fs_missing(enum fs fs);

/* Where it is mounted. */
const char *fs_dir(enum fs fs);
/* Its loop device; stays when it is not mounted. */
const char *fs_device(enum fs fs);
/* 0 or -errno; @flags as for mount(2), MS_REMOUNT for instance. */
int fs_mount(enum fs fs, unsigned long flags);
int fs_umount(enum fs fs);
bool fs_mounted(enum fs fs);

#endif /* HOT_TRACKING_FILESYSTEMS_H */
