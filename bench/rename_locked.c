// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "rename.h"

static int lock;

static void setup(long n)
{
	(void)n;
	replaced_setup(&replaced_files);
	lock = bench_open("lock");
}

static unsigned long op(void)
{
	struct stat known, found;
	unsigned long start;

	replaced_prepare(&replaced_files);
	if (fstat(replaced_files.fd[replaced_files.now], &known))
		bench_fail("fstat");
	start = bench_ticks();
	if (flock(lock, LOCK_EX) || stat("target", &found))
		bench_fail("flock, stat");
	if (found.st_ino != known.st_ino || found.st_dev != known.st_dev)
		bench_fail("not the same");
	if (rename("new", "target") || flock(lock, LOCK_UN))
		bench_fail("rename, flock");
	replaced_files.now = !replaced_files.now;
	return bench_ticks() - start;
}

static const struct bench rename_locked = {
	.name = "rename_locked",
	.feature = "renameat2",
	.title = "Replace a file by a rename if it is still the same, by a lock and stat",
	.unit = "rename",
	.fs = { "tmpfs", "ext4" },
	.max_ratio = 1.01,
	.setup = setup,
	.timed_op = op,
};

BENCH(rename_locked);
