/* SPDX-License-Identifier: GPL-2.0 */
/* What the benchmarks of renameat2() share. */
#ifndef SEPTET_BENCH_RENAME_H
#define SEPTET_BENCH_RENAME_H

#include <fcntl.h>
#include <unistd.h>
#include <sys/syscall.h>
#include <linux/renameat2.h>

#include "bench.h"

/*
 * One of two files is called "target". Before each operation the other one gets the name "new" as
 * well, under which it is then put in the place of the first.
 */
struct replaced {
	int fd[2];
	int now;	/* the one of them that is called "target" */
};

static inline void replaced_setup(struct replaced *files)
{
	files->fd[0] = bench_open("0");
	files->fd[1] = bench_open("1");
	files->now = 0;
	if (link("0", "target"))
		bench_fail("link");
}

/* Not part of what is measured. */
static inline void replaced_prepare(const struct replaced *files)
{
	if (link(files->now ? "0" : "1", "new"))
		bench_fail("link");
}

/* Replace the target if it is still the file it was. */
static inline void replace_if_same(struct replaced *files)
{
	struct rename_cond cond = {
		.size = sizeof(cond),
		.mask = RENAME_COND_TARGET_IS,
		.target_fd = files->fd[files->now],
	};

	if (syscall(SYS_renameat2, AT_FDCWD, "new", AT_FDCWD, "target", RENAME_COND, &cond))
		bench_fail("renameat2");
	files->now = !files->now;
}

static struct replaced replaced_files;

/* What the benchmarks of compare-and-rename do; they differ in what it is compared with. */
static inline void cond_setup(long n)
{
	(void)n;
	replaced_setup(&replaced_files);
}

static inline unsigned long cond_op(void)
{
	unsigned long start;

	replaced_prepare(&replaced_files);
	start = bench_ticks();
	replace_if_same(&replaced_files);
	return bench_ticks() - start;
}

/* A new file of 4 KiB. */
static inline void rename_write(const char *name)
{
	static const char data[4096];
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, data, sizeof(data)) != sizeof(data) || close(fd))
		bench_fail(name);
}

#endif /* SEPTET_BENCH_RENAME_H */
