/* SPDX-License-Identifier: GPL-2.0 */
/* They run where files may have holes, and handles that last. */
#ifndef HOT_TRACKING_ON_SPARSE_H
#define HOT_TRACKING_ON_SPARSE_H

#include "on_ext4.h"

FIXTURE_VARIANT_ADD(fs, xfs)
{
	.fs = FS_XFS,
};

FIXTURE_VARIANT_ADD(fs, btrfs)
{
	.fs = FS_BTRFS,
};

FIXTURE_VARIANT_ADD(fs, f2fs)
{
	.fs = FS_F2FS,
};

#endif /* HOT_TRACKING_ON_SPARSE_H */
