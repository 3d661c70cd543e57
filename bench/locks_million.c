// SPDX-License-Identifier: GPL-2.0
#include "locks.h"

static const struct bench locks_million = {
	.name = "locks_million",
	.feature = "file_private_locks",
	.title = "Lock and unlock of one byte in the middle of a million locks, against none",
	.unit = "lock + unlock",
	.param = "other locks on the file",
	.n = { 1000000, BENCH_END },
	.fs = { "tmpfs" },
	.max_ratio = 1.6,
	.peer = "locks_alone",
	.setup = middle_setup,
	.op = middle_op,
};

BENCH(locks_million);
