/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The filesystems that tests run on. Each is made anew, those on disk by their mkfs in a sparse
 * file, and mounted through a loop device in a mount namespace of our own, so that nothing is left
 * over however the program ends:
 *
 *	$TMPDIR/ren.XXXXXX/		a tmpfs
 *	|-- tmpfs/, ramfs/, cgroup/	mounted there
 *	|-- ext4.img	loop device	--> mounted on ext4/
 *	|-- xfs.img	loop device	--> mounted on xfs/
 *	|-- ...
 *	`-- overlay/			overlayfs: lower layer ext4/lower, upper layer ext4/upper
 */
#ifndef RENAMEAT2_FILESYSTEMS_H
#define RENAMEAT2_FILESYSTEMS_H

#include <stdbool.h>

enum fs {
	FS_TMPFS,
	FS_RAMFS,
	FS_EXT4,
	FS_EXT2,
	FS_XFS,
	FS_BTRFS,
	FS_F2FS,
	FS_VFAT,
	FS_MSDOS,
	FS_EXFAT,
	FS_MINIX,	/* version 3 */
	FS_MINIX_V1,	/* its directories have at most 250 links */
	FS_NILFS2,
	FS_JFS,
	FS_UDF,
	FS_OVERLAY,
	FS_FUSE,	/* served by fuse.c; takes NOREPLACE and EXCHANGE */
	FS_CGROUP,	/* can make directories only */
	NR_FS
};

/* Where the layers of overlayfs are, on ext4. */
#define OVERLAY_UPPER	"upper"
#define OVERLAY_LOWER	"lower"

/* Once in a program, in the process that lives longest, and before the other functions. */
void fs_begin(void);
/*
 * Make and mount one; overlayfs takes ext4 along. Returns NULL or the reason why it cannot be
 * had here.
 */
const char *fs_make(enum fs fs);
/* What fs_make() returned; "not made" before. */
const char *fs_missing(enum fs fs);

const char *fs_name(enum fs fs);
/* Where it is mounted. */
const char *fs_dir(enum fs fs);
/* Its loop device, without /dev/. */
const char *fs_device(enum fs fs);
/* Does a device or an image keep what is on it? */
bool fs_on_disk(enum fs fs);
/* 0 or -errno; @flags as for mount(2), MS_REMOUNT for instance. */
int fs_mount(enum fs fs, unsigned long flags);
int fs_umount(enum fs fs);
bool fs_mounted(enum fs fs);
/* Unmount it and mount it again, or the end of the test. */
void fs_again(enum fs fs);
/*
 * Let its fsck look for faults, without repairing any, and mount it again. Returns NULL if it
 * has none, or what went wrong. Without a fsck for it, it is only mounted again.
 */
const char *fs_check(enum fs fs);
/*
 * Keep what the disk has at this moment, without what is in memory only, under a number from 0;
 * and mount that in place of the filesystem, as after the power has failed then. Other processes
 * do not know the device of it.
 */
void fs_keep(enum fs fs, int nr);
void fs_use_kept(enum fs fs, int nr);

#endif /* RENAMEAT2_FILESYSTEMS_H */
