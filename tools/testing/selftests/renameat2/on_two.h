/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The tests of a program run on a filesystem in memory and on one on disk, both with all of
 * mainline's flags; include it after fixture.h.
 */
#ifndef RENAMEAT2_ON_TWO_H
#define RENAMEAT2_ON_TWO_H

FIXTURE_VARIANT_ADD(fs, tmpfs)
{
	.fs = FS_TMPFS,
};

FIXTURE_VARIANT_ADD(fs, ext4)
{
	.fs = FS_EXT4,
};

#endif /* RENAMEAT2_ON_TWO_H */
