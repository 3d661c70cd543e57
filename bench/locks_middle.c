// SPDX-License-Identifier: GPL-2.0
#include "locks.h"

static const struct bench locks_middle = {
	.name = "locks_middle",
	.feature = "file_private_locks",
	.title = "Lock and unlock of one byte in the middle of many locks, against none",
	.unit = "lock + unlock",
	.param = "other locks on the file",
	.n = { 1000, 10000, 30000, BENCH_END },
	.fs = { "tmpfs" },
	.max_ratio = 1.4,
	.peer = "locks_alone",
	.setup = middle_setup,
	.op = middle_op,
};

BENCH(locks_middle);
