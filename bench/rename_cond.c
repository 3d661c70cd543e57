// SPDX-License-Identifier: GPL-2.0
#include "rename.h"

static const struct bench rename_cond = {
	.name = "rename_cond",
	.feature = "renameat2",
	.title = "Replace a file by a rename if it is still the same, against a plain rename",
	.unit = "rename",
	.fs = { "tmpfs", "ext4" },
	.max_ratio = 1.08,
	.peer = "rename_replace",
	.setup = cond_setup,
	.timed_op = cond_op,
};

BENCH(rename_cond);
