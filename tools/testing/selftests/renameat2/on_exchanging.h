/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The tests of a program run on all filesystems with RENAME_EXCHANGE, old and new; include it
 * after fixture.h.
 */
#ifndef RENAMEAT2_ON_EXCHANGING_H
#define RENAMEAT2_ON_EXCHANGING_H

FIXTURE_VARIANT_ADD(fs, tmpfs)
{
	.fs = FS_TMPFS,
};

FIXTURE_VARIANT_ADD(fs, ramfs)
{
	.fs = FS_RAMFS,
	.only_full = true,
};

FIXTURE_VARIANT_ADD(fs, ext4)
{
	.fs = FS_EXT4,
};

FIXTURE_VARIANT_ADD(fs, ext2)
{
	.fs = FS_EXT2,
	.needs_flags = true,
};

FIXTURE_VARIANT_ADD(fs, xfs)
{
	.fs = FS_XFS,
	.only_full = true,
};

FIXTURE_VARIANT_ADD(fs, btrfs)
{
	.fs = FS_BTRFS,
	.only_full = true,
};

FIXTURE_VARIANT_ADD(fs, f2fs)
{
	.fs = FS_F2FS,
	.only_full = true,
};

FIXTURE_VARIANT_ADD(fs, vfat)
{
	.fs = FS_VFAT,
};

FIXTURE_VARIANT_ADD(fs, exfat)
{
	.fs = FS_EXFAT,
	.needs_flags = true,
};

FIXTURE_VARIANT_ADD(fs, minix)
{
	.fs = FS_MINIX,
	.needs_flags = true,
};

FIXTURE_VARIANT_ADD(fs, minix_v1)
{
	.fs = FS_MINIX_V1,
	.needs_flags = true,
};

FIXTURE_VARIANT_ADD(fs, nilfs2)
{
	.fs = FS_NILFS2,
	.needs_flags = true,
};

FIXTURE_VARIANT_ADD(fs, jfs)
{
	.fs = FS_JFS,
	.needs_flags = true,
};

FIXTURE_VARIANT_ADD(fs, udf)
{
	.fs = FS_UDF,
	.needs_flags = true,
};

FIXTURE_VARIANT_ADD(fs, overlay)
{
	.fs = FS_OVERLAY,
	.only_full = true,
};

#endif /* RENAMEAT2_ON_EXCHANGING_H */
