// SPDX-License-Identifier: GPL-2.0
#include "rename.h"

static const struct bench rename_cond_lock = {
	.name = "rename_cond_lock",
	.feature = "renameat2",
	.title = "Replace a file by a rename if it is still the same, against a lock and stat",
	.unit = "rename",
	/* On ext4 the journal is most of the cost, and both have it. */
	.fs = { "tmpfs" },
	.max_ratio = 0.667,
	.peer = "rename_locked",
	.setup = cond_setup,
	.timed_op = cond_op,
};

BENCH(rename_cond_lock);
