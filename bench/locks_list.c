// SPDX-License-Identifier: GPL-2.0
#include <stdint.h>

#include "locks.h"

#define BATCH	1024

static struct flockp_entry entries[BATCH];
static int fd;
static long locks;

static void setup(long n)
{
	need_index();
	hold_locks(n);
	locks = n;
	fd = bench_open("file");
}

static void op(void)
{
	struct flockp_enum list = {
		.size = sizeof(list),
		.entries = (uintptr_t)entries,
		.count = BATCH,
		.entry_size = sizeof(entries[0]),
	};
	long found = 0, bytes = 0;
	int n;

	while ((n = fcntl(fd, F_ENUMLKP, &list)) > 0) {
		found += n;
		for (int i = 0; i < n; i++)
			bytes += entries[i].len;
	}
	if (n < 0 || found != locks || bytes != locks)
		bench_fail("fcntl(F_ENUMLKP)");
}

static const struct bench locks_list = {
	.name = "locks_list",
	.feature = "file_private_locks",
	.title = "List all locks on a file, against reading /proc/locks",
	.unit = "list",
	.param = "locks on the file",
	.n = { 1000, 10000, BENCH_END },
	.fs = { "tmpfs" },
	.max_ratio = 0.1,
	.peer = "locks_proc",
	.setup = setup,
	.op = op,
};

BENCH(locks_list);
