// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>

#include "rename.h"

static void setup(long n)
{
	(void)n;
	bench_open("a");
	bench_open("b");
}

static void sync_one(const char *path, int flags)
{
	int fd = open(path, flags | O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) || close(fd))
		bench_fail(path);
}

static void op(void)
{
	rename_write("a");
	sync_one("a", 0);
	if (rename("a", "b"))
		bench_fail("rename");
	sync_one(".", O_DIRECTORY);
}

static const struct bench rename_fsync = {
	.name = "rename_fsync",
	.feature = "renameat2",
	.title = "Write 4 KiB, replace a file by it durably: fsync, rename, fsync of folder",
	.unit = "replacement",
	.fs = { "tmpfs", "ext4" },
	.max_ratio = 1.01,
	.setup = setup,
	.op = op,
};

BENCH(rename_fsync);
