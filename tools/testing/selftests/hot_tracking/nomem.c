// SPDX-License-Identifier: GPL-2.0
/*
 * No memory. I/O goes on as if nothing had happened, only that a request may not be counted, and
 * the commands fail with ENOMEM and change nothing.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fixture.h"
#include "on_ext4.h"
#include "records.h"

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
	return access("/proc/thread-self/fail-nth", W_OK) ||
	       access(FAULTS "failslab", F_OK);
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

/*
 * A direct read of a file that has no heat, with one fault after the other. How many of them make
 * it fail, and how many there are.
 */
struct faults {
	unsigned int failed, all;
};

static char *io_buffer;

static struct faults read_with_faults(int dir_fd, int direct, bool tracked)
{
	struct faults faults = {};
	bool injected = true;
	int nth;

	for (nth = 1; injected; nth++) {
		ssize_t len;
		int file;

		/* As at first contact. */
		if (tracked && hot_forget(direct))
			broken("HOT_RESET");
		file = fault_begin(nth);
		len = pread(direct, io_buffer, PAGE, 0);
		injected = fault_end(file);
		faults.all += injected;
		faults.failed += len != PAGE;
	}
	return faults;
}

/*
 * Some allocations of a read are not ours, and it fails with them. It must not fail at any more
 * of them when it is tracked. Of ours, those that decide show in "dropped"; others are tried
 * again or belong to the kernel's own checks.
 */
TEST_F(fs, io_never_fails)
{
	struct faults off, on;
	struct hot_ctl ctl;

	if (injection_missing())
		SKIP(return, "kernel without FAILSLAB");
	io_buffer = aligned_alloc(PAGE, PAGE);
	write_at(self->direct, 0, PAGE);
	ASSERT_EQ(0, hot_off(self->dir_fd));
	/* Once for what only the first read needs. */
	read_with_faults(self->dir_fd, self->direct, false);
	off = read_with_faults(self->dir_fd, self->direct, false);
	ASSERT_EQ(0, hot_on(self->dir_fd));
	read_with_faults(self->dir_fd, self->direct, true);
	ctl = hot_look(self->dir_fd);
	on = read_with_faults(self->dir_fd, self->direct, true);
	ctl.dropped = hot_look(self->dir_fd).dropped - ctl.dropped;
	TH_LOG("not tracked: %u faults, %u failed; tracked: %u faults, %u failed, %llu dropped",
	       off.all, off.failed, on.all, on.failed, (unsigned long long)ctl.dropped);
	EXPECT_LT(0, off.failed);
	EXPECT_EQ(off.failed, on.failed);
	EXPECT_LT(0, ctl.dropped);
	EXPECT_GE(on.all - off.all, ctl.dropped);
	/* Counted again as soon as there is memory. */
	ASSERT_EQ(0, hot_forget(self->direct));
	read_at(self->direct, 0, PAGE);
	EXPECT_EQ(REQUESTS(1), heat_of(self->direct).reads);
}

/* Direct writes of new files, with one fault in each: how many were written and have heat. */
static void write_with_faults(const char *dir, unsigned int *written, unsigned int *hot_ones)
{
	bool injected = true;
	char name[16], path[128];
	int nth, fd;

	for (nth = 1; injected; nth++) {
		ssize_t len;
		int file;

		snprintf(name, sizeof(name), "file-%d", nth);
		fd = open_file(dir, name, O_DIRECT);
		file = fault_begin(nth);
		len = pwrite(fd, io_buffer, PAGE, 0);
		injected = fault_end(file);
		if (len == PAGE) {
			++*written;
			*hot_ones += heat_of(fd).writes == REQUESTS(1);
		}
		close(fd);
		snprintf(path, sizeof(path), "%s/%s", dir, name);
		if (unlink(path))
			broken(path);
	}
}

/* Each that was written either has its heat or was counted as dropped. */
TEST_F(fs, new_files)
{
	unsigned int written = 0, hot_ones = 0, rounds;
	struct hot_ctl ctl = {};

	if (injection_missing())
		SKIP(return, "kernel without FAILSLAB");
	io_buffer = aligned_alloc(PAGE, PAGE);
	memset(io_buffer, 1, PAGE);
	/* No two files take the same allocations, so one round may miss the one that matters. */
	for (rounds = 0; rounds < 20 && !ctl.dropped; rounds++) {
		write_with_faults(self->dir, &written, &hot_ones);
		ctl = hot_look(self->dir_fd);
	}
	TH_LOG("%u written, %u have heat, %llu dropped", written, hot_ones,
	       (unsigned long long)ctl.dropped);
	EXPECT_LT(0, hot_ones);
	EXPECT_LT(0, ctl.dropped);
	EXPECT_GE(written, hot_ones);
	EXPECT_LE(written, hot_ones + ctl.dropped);
}

static int start_tracking(int fd)
{
	struct hot_ctl ctl = {
		.size = sizeof(ctl),
		.flags = HOT_CTL_ON | HOT_CTL_SET_RANGE_BYTES,
		.max_range_bytes = 16 * 49152,
	};

	return hot(fd, HOT_CTL, &ctl);
}

static int grow_table(int fd)
{
	struct hot_ctl ctl = {
		.size = sizeof(ctl),
		.flags = HOT_CTL_SET_RANGE_BYTES,
		.max_range_bytes = 64 * 49152,
	};

	return hot(fd, HOT_CTL, &ctl);
}

static int get_top(int fd)
{
	static char buffer[10 * HOT_RECORD_MAX];
	struct hot_top top = {
		.size = sizeof(top),
		.count = 10,
		.buffer = (uintptr_t)buffer,
		.buffer_bytes = sizeof(buffer),
	};

	return hot(fd, HOT_TOP, &top);
}

static int load_some(int fd)
{
	struct records list = {};
	unsigned int i;
	__u64 loaded;
	int ret;

	for (i = 0; i < 50; i++)
		records_add_inode(&list, i, 1, 1);
	ret = records_load(&list, fd, &loaded);
	if (!ret && loaded != list.count)
		ret = -EBADMSG;
	records_free(&list);
	return ret;
}

static int open_stream(int fd, __u32 flags)
{
	struct hot_stream request = {
		.size = sizeof(request),
		.flags = flags,
		.threshold = flags ? HOT_ONE : 0,
	};
	int ret = hot(fd, HOT_STREAM, &request);

	if (ret < 0)
		return ret;
	close(ret);
	return 0;
}

static int snapshot_stream(int fd)
{
	return open_stream(fd, 0);
}

static int event_stream(int fd)
{
	return open_stream(fd, HOT_STREAM_EVENTS);
}

static int get_ranges(int fd)
{
	struct hot_range array[4];
	struct hot_ranges ranges = {
		.size = sizeof(ranges),
		.count = 4,
		.ranges = (uintptr_t)array,
	};

	return hot(fd, HOT_GET_RANGES, &ranges);
}

static const struct command {
	const char *name;
	int (*run)(int fd);
	bool from_off;		/* begins with tracking off, and ends so if it fails */
} commands[] = {
	{ "HOT_CTL_ON", start_tracking, true },
	{ "HOT_CTL_SET_RANGE_BYTES", grow_table },
	{ "HOT_GET_RANGES", get_ranges },
	{ "HOT_TOP", get_top },
	{ "HOT_LOAD", load_some },
	{ "HOT_STREAM", snapshot_stream },
	{ "HOT_STREAM of events", event_stream },
};

TEST_F_TIMEOUT(fs, commands, LONG_TIMEOUT)
{
	const struct command *c;

	if (injection_missing())
		SKIP(return, "kernel without FAILSLAB");
	for (c = commands; c < commands + ARRAY_SIZE(commands); c++) {
		unsigned int enomem = 0;
		bool injected = true;
		int nth;

		for (nth = 1; injected; nth++) {
			struct hot_ctl before, after;
			int file, ret;

			ASSERT_EQ(0, hot_on(self->dir_fd));
			write_at(self->direct, 0, PAGE);
			if (c->from_off)
				ASSERT_EQ(0, hot_off(self->dir_fd));
			before = hot_look(self->dir_fd);
			file = fault_begin(nth);
			ret = c->run(self->direct);
			injected = fault_end(file);
			/* EFAULT: the fault hit the copying of request or answer instead. */
			EXPECT_TRUE(ret == 0 || ret == -ENOMEM || ret == -EFAULT || ret == -ENFILE)
				TH_LOG("%s: fault %d, answer %d", c->name, nth, ret);
			enomem += ret == -ENOMEM;
			after = hot_look(self->dir_fd);
			if (ret == -ENOMEM && c->run != load_some) {
				EXPECT_EQ(before.state, after.state)
					TH_LOG("%s: fault %d", c->name, nth);
				EXPECT_EQ(before.max_range_bytes, after.max_range_bytes)
					TH_LOG("%s: fault %d", c->name, nth);
				EXPECT_EQ(before.items, after.items)
					TH_LOG("%s: fault %d", c->name, nth);
			}
			if (!injected)
				EXPECT_EQ(0, ret) TH_LOG("%s: no fault, answer %d", c->name, ret);
			if (!c->from_off)
				EXPECT_EQ(REQUESTS(1), heat_of(self->direct).writes);
		}
		EXPECT_LT(0, enomem) TH_LOG("%s", c->name);
		TH_LOG("%s: %d faults, %u times ENOMEM", c->name, nth - 2, enomem);
	}
	/* No place of the streams of events is lost by that. */
	ASSERT_EQ(0, hot_on(self->dir_fd));
	EXPECT_EQ(0, event_stream(self->dir_fd));
}

int main(int argc, char **argv)
{
	if (!injection_missing()) {
		set_knobs();
		atexit(restore_knobs);
	}
	return run_tests(argc, argv);
}
