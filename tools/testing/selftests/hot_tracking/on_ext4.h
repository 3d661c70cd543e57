/* SPDX-License-Identifier: GPL-2.0 */
/* The tests of a program run on ext4; include it after fixture.h. */
#ifndef HOT_TRACKING_ON_EXT4_H
#define HOT_TRACKING_ON_EXT4_H

FIXTURE_VARIANT_ADD(fs, ext4)
{
	.fs = FS_EXT4,
};

#endif /* HOT_TRACKING_ON_EXT4_H */
