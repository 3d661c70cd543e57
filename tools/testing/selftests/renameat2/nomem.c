// SPDX-License-Identifier: GPL-2.0
/*
 * No memory, and no access to the caller's memory, at every place in turn where a call could
 * miss it. A call that fails has renamed nothing, and one that succeeds has.
 */
#include <stdlib.h>

#include "fixture.h"

/* In memory: what a filesystem on disk lacks has other ends, such as being read-only. */
FIXTURE_VARIANT_ADD(fs, tmpfs)
{
	.fs = FS_TMPFS,
};

#define FAULTS "/sys/kernel/debug/"

struct knob {
	const char *name;
	char value[24], old[24];
};

/*
 * Let allocations fail that may wait, too. And no stack trace for each fault: it would look
 * like trouble in the kernel log.
 */
static struct knob knobs[] = {
	{ "failslab/ignore-gfp-wait", "N" },
	{ "failslab/verbose", "0" },
	{ "fail_page_alloc/ignore-gfp-wait", "N" },
	{ "fail_page_alloc/verbose", "0" },
	{ "fail_usercopy/verbose", "0" },
	/* The last four are for spare_kmemleak(). */
	{ "failslab/reject-start" },
	{ "failslab/reject-end" },
	{ "fail_page_alloc/reject-start" },
	{ "fail_page_alloc/reject-end" },
};

static void knob_io(const struct knob *k, char *value, int mode)
{
	char path[96];
	ssize_t len;
	int fd;

	if (!value[0] && mode == O_WRONLY)
		return;
	snprintf(path, sizeof(path), FAULTS "%s", k->name);
	fd = open(path, mode);
	if (fd < 0 && errno == ENOENT)
		return;
	if (fd < 0)
		broken(path);
	if (mode == O_RDONLY)
		len = read(fd, value, sizeof(k->old) - 1);
	else
		len = write(fd, value, strlen(value));
	if (len <= 0)
		broken(path);
	close(fd);
}

/*
 * kmemleak warns, with a lock held, when it gets no memory for a scan area. To lockdep that is a
 * way from this lock to those of the console, and the kernel elsewhere has one back: trouble
 * that is not ours. So its allocations do not fail.
 */
static void spare_kmemleak(void)
{
	struct knob *k = &knobs[ARRAY_SIZE(knobs) - 4];
	FILE *symbols = fopen("/proc/kallsyms", "r");
	char line[256], *from = k[0].value, *to = k[1].value;
	unsigned long long address;
	char name[128];

	if (!symbols)
		broken("/proc/kallsyms");
	while (!to[0] && fgets(line, sizeof(line), symbols)) {
		if (sscanf(line, "%llx %*c %127s", &address, name) != 2)
			continue;
		if (from[0])
			snprintf(to, sizeof(k->value), "0x%llx", address);
		else if (!strcmp(name, "kmemleak_scan_area"))
			snprintf(from, sizeof(k->value), "0x%llx", address);
	}
	fclose(symbols);
	memcpy(k[2].value, from, sizeof(k->value));
	memcpy(k[3].value, to, sizeof(k->value));
}

static bool injection_missing(void)
{
	return access("/proc/thread-self/fail-nth", W_OK) || access(FAULTS "failslab", F_OK);
}

/* In the parent, so that a test that ends early leaves them as they were. */
static void set_knobs(void)
{
	unsigned int i;

	spare_kmemleak();
	for (i = 0; i < ARRAY_SIZE(knobs); i++) {
		knob_io(&knobs[i], knobs[i].old, O_RDONLY);
		knob_io(&knobs[i], knobs[i].value, O_WRONLY);
	}
}

static void restore_knobs(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(knobs); i++)
		knob_io(&knobs[i], knobs[i].old, O_WRONLY);
}

/* The @nth thing from now on that can fail fails in this thread. */
static int fault_begin(int nth)
{
	int file = open("/proc/thread-self/fail-nth", O_RDWR);
	char number[16];
	ssize_t len;

	if (file < 0)
		broken("/proc/thread-self/fail-nth");
	len = snprintf(number, sizeof(number), "%d", nth);
	if (write(file, number, len) != len)
		broken("writing fail-nth");
	return file;
}

/* Did it come to that? */
static bool fault_end(int file)
{
	char number[16];
	ssize_t len = pread(file, number, sizeof(number) - 1, 0);
	bool injected = len > 0 && number[0] == '0';

	/* The last of the count may be spent on this very call. */
	len = pwrite(file, "0", 1, 0);
	if (len != 1 && pwrite(file, "0", 1, 0) != 1)
		broken("resetting fail-nth");
	close(file);
	return injected;
}

static int open_files(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

/*
 * The call with one fault after the other, until one comes too late. What has failed must be as
 * it was before. How many times could the caller's memory not be read? How many allocations
 * there are depends on what happens to be cached.
 */
static int with_faults(struct __test_metadata *const _metadata, unsigned int flags,
		       bool conditions)
{
	int nth, ret, file, failed = 0, unread = 0, free_fd = open_files();
	bool injected = true;

	for (nth = 1; injected; nth++) {
		struct rename_cond cond;

		unlink("one/source");
		make_file("one/source", "new");
		make_file("two/target", "old");
		set_mtime("two/target", 1000, 0);
		cond = both(both(target_is(open_path("two/target")), unchanged("two/target")),
			    both(source_is(open_path("one/source")), source_newer()));
		cond.size = sizeof(cond);
		file = fault_begin(nth);
		ret = rename_at(AT_FDCWD, "one/source", AT_FDCWD, "two/target",
				flags | (conditions ? RENAME_COND : 0), conditions ? &cond : NULL);
		injected = fault_end(file);
		close(cond.target_fd);
		close(cond.source_fd);
		if (ret) {
			EXPECT_TRUE(ret == -ENOMEM || ret == -EFAULT)
				TH_LOG("flags 0x%x, fault %d: %d", flags, nth, ret);
			EXPECT_TRUE(injected);
			EXPECT_HOLDS("one/source", "new");
			EXPECT_HOLDS("two/target", "old");
			failed++;
			unread += ret == -EFAULT;
		} else {
			EXPECT_HOLDS("two/target", "new");
			EXPECT_EQ(!!(flags & RENAME_EXCHANGE), exists("one/source"));
		}
		EXPECT_EQ(free_fd, open_files());
	}
	EXPECT_EQ(0, ret);
	printf("# flags 0x%x%s: %d faults, %d of them made it fail, %d with EFAULT\n", flags,
	       conditions ? " and conditions" : "", nth - 2, failed, unread);
	return unread;
}

/* What is allocated differs from call to call, so a fault may miss its place at first. */
static bool all_unread(struct __test_metadata *const _metadata, unsigned int flags,
		       bool conditions, int places)
{
	int turn;

	for (turn = 0; turn < 20; turn++)
		if (with_faults(_metadata, flags, conditions) >= places)
			return true;
	return false;
}

TEST_F(fs, faults)
{
	static const unsigned int flags[] = {
		0, RENAME_REPLACE, RENAME_EXCHANGE, RENAME_SYNC, RENAME_EXCHANGE | RENAME_SYNC,
	};
	unsigned int i;

	if (injection_missing())
		SKIP(return, "kernel without FAILSLAB");
	make_dir("one");
	make_dir("two");
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		/* Both names are read, and the conditions, whose size is read in another way. */
		EXPECT_TRUE(all_unread(_metadata, flags[i], false, 2));
		EXPECT_TRUE(all_unread(_metadata, flags[i], true, 3));
	}
}

int main(int argc, char **argv)
{
	need_flags();
	if (!injection_missing()) {
		set_knobs();
		atexit(restore_knobs);
	}
	return run_tests(argc, argv);
}
