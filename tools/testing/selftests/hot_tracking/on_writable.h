/* SPDX-License-Identifier: GPL-2.0 */
/* They run where files can be written. */
#ifndef HOT_TRACKING_ON_WRITABLE_H
#define HOT_TRACKING_ON_WRITABLE_H

#include "on_sparse.h"

FIXTURE_VARIANT_ADD(fs, vfat)
{
	.fs = FS_VFAT,
};

FIXTURE_VARIANT_ADD(fs, exfat)
{
	.fs = FS_EXFAT,
};

#endif /* HOT_TRACKING_ON_WRITABLE_H */
