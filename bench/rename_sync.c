// SPDX-License-Identifier: GPL-2.0
#include "rename.h"

static void setup(long n)
{
	(void)n;
	bench_open("a");
	bench_open("b");
}

static void op(void)
{
	rename_write("a");
	if (syscall(SYS_renameat2, AT_FDCWD, "a", AT_FDCWD, "b", RENAME_SYNC, 0))
		bench_fail("renameat2");
}

static const struct bench rename_sync = {
	.name = "rename_sync",
	.feature = "renameat2",
	.title = "Write 4 KiB, replace a file by it durably: RENAME_SYNC, against three calls",
	.unit = "replacement",
	.fs = { "tmpfs", "ext4" },
	.max_ratio = 1.0,
	.peer = "rename_fsync",
	.setup = setup,
	.op = op,
};

BENCH(rename_sync);
