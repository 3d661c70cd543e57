// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "locks.h"

static char text[2 << 20];
static char inode[32];
static long locks;

static void setup(long n)
{
	struct stat st;

	need_index();
	hold_locks(n);
	locks = n;
	if (fstat(bench_open("file"), &st))
		bench_fail("fstat");
	snprintf(inode, sizeof(inode), ":%lu ", st.st_ino);
}

/* No more of a line is looked at than has to be: it ends with "MAJOR:MINOR:INODE START END". */
static void op(void)
{
	int fd = open("/proc/locks", O_RDONLY);
	long found = 0, bytes = 0;
	size_t used = 0;
	ssize_t n;
	char *line, *next, *range;

	while ((n = read(fd, text + used, sizeof(text) - 1 - used)) > 0)
		used += n;
	close(fd);
	text[used] = 0;
	for (line = text; (next = strchr(line, '\n')); line = next + 1) {
		*next = 0;
		range = strstr(line, inode);
		if (!range)
			continue;
		bytes -= strtol(range + strlen(inode), &range, 10) - 1;
		bytes += strtol(range, NULL, 10);
		found++;
	}
	if (n < 0 || found != locks || bytes != locks)
		bench_fail("/proc/locks");
}

static const struct bench locks_proc = {
	.name = "locks_proc",
	.feature = "file_private_locks",
	.title = "Read all locks on a file from /proc/locks",
	.unit = "list",
	.param = "locks on the file",
	.n = { 1000, 10000, BENCH_END },
	.fs = { "tmpfs" },
	.setup = setup,
	.op = op,
};

BENCH(locks_proc);
