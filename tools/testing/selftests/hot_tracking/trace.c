// SPDX-License-Identifier: GPL-2.0
/* The trace events hot_io, hot_attach, hot_evict and hot_drop: as many as there is to tell. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "fixture.h"
#include "on_ext4.h"

static const char tracefs[] = "/sys/kernel/tracing";
static char instance[64];

static void trace_put(const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", instance, name);
	if (put(path, text))
		broken(path);
}

/* From now on. */
static void trace_start(void)
{
	trace_put("events/hot_tracking/enable", "1");
	trace_put("trace", "\n");
}

struct seen {
	unsigned int io, attach, again, evict, drop, other_device;
	unsigned long long bytes;
	char last[256];		/* of hot_io */
};

static struct seen trace_stop(int fd)
{
	struct seen seen = {};
	char path[128], line[512], device[32];
	struct stat st;
	FILE *f;

	if (fstat(fd, &st))
		broken("fstat");
	snprintf(device, sizeof(device), " dev %u:%u ", major(st.st_dev), minor(st.st_dev));
	trace_put("events/hot_tracking/enable", "0");
	snprintf(path, sizeof(path), "%s/trace", instance);
	f = fopen(path, "r");
	if (!f)
		broken(path);
	while (fgets(line, sizeof(line), f)) {
		char *bytes = strstr(line, " bytes ");

		if (line[0] == '#')
			continue;
		if (!strstr(line, device)) {
			seen.other_device++;
			continue;
		}
		seen.evict += !!strstr(line, " hot_evict: ");
		seen.drop += !!strstr(line, " hot_drop: ");
		if (strstr(line, " hot_attach: ")) {
			seen.attach++;
			seen.again += !!strstr(line, " again");
		}
		if (strstr(line, " hot_io: ")) {
			seen.io++;
			if (bytes)
				seen.bytes += atoll(bytes + strlen(" bytes "));
			snprintf(seen.last, sizeof(seen.last), "%.250s", line);
		}
	}
	fclose(f);
	return seen;
}

static const char no_tracefs[] = "kernel without tracefs (FTRACE and ENABLE_DEFAULT_TRACERS)";

TEST_F(fs, requests)
{
	struct seen seen;
	struct stat st;
	char text[128];
	int i;

	if (!instance[0])
		SKIP(return, "%s", no_tracefs);
	ASSERT_EQ(0, fstat(self->direct, &st));
	trace_start();
	for (i = 0; i < 6; i++)
		write_at(self->direct, i * 3 * MIB, PAGE);
	for (i = 0; i < 4; i++)
		read_at(self->direct, i * 3 * MIB, PAGE);
	seen = trace_stop(self->dir_fd);
	EXPECT_EQ(10, seen.io);
	EXPECT_EQ(10 * PAGE, seen.bytes);
	EXPECT_EQ(1, seen.attach);
	EXPECT_EQ(0, seen.again);
	EXPECT_EQ(0, seen.evict);
	EXPECT_EQ(0, seen.drop);
	EXPECT_EQ(seen.io, hot_look(self->dir_fd).requests);
	snprintf(text, sizeof(text), " ino %llu pos %llu bytes %d read",
		 (unsigned long long)st.st_ino, 9 * MIB, PAGE);
	EXPECT_NE(NULL, strstr(seen.last, text)) TH_LOG("%s", seen.last);
}

/* One for each inode; one more when it comes back into memory. */
TEST_F(fs, attach)
{
	enum { FILES = 20 };
	char name[16];
	struct seen seen;
	int i, fd;

	if (!instance[0])
		SKIP(return, "%s", no_tracefs);
	trace_start();
	for (i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "file-%d", i);
		fd = open_file(self->dir, name, O_DIRECT);
		write_at(fd, 0, PAGE);
		write_at(fd, 0, PAGE);
		close(fd);
	}
	seen = trace_stop(self->dir_fd);
	EXPECT_EQ(FILES, seen.attach);
	EXPECT_EQ(0, seen.again);
	EXPECT_EQ(2 * FILES, seen.io);

	drop_caches();
	trace_start();
	for (i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "file-%d", i);
		fd = open_file(self->dir, name, O_DIRECT);
		write_at(fd, 0, PAGE);
		EXPECT_EQ(REQUESTS(3), heat_of(fd).writes);
		close(fd);
	}
	seen = trace_stop(self->dir_fd);
	EXPECT_EQ(FILES, seen.attach);
	EXPECT_EQ(FILES, seen.again);
	EXPECT_EQ(FILES, hot_look(self->dir_fd).items);
}

static void set_item_bytes(int fd, __u64 bytes)
{
	struct hot_ctl ctl = {
		.size = sizeof(ctl),
		.flags = HOT_CTL_SET_ITEM_BYTES,
		.max_item_bytes = bytes,
	};

	if (hot(fd, HOT_CTL, &ctl))
		broken("HOT_CTL_SET_ITEM_BYTES");
}

TEST_F(fs, evict)
{
	/* More than the combiners of a few CPUs keep from eviction, whatever an item takes. */
	enum { FILES = 600 };
	struct hot_ctl ctl;
	struct seen seen;
	char name[16];
	int i, fd;

	if (!instance[0])
		SKIP(return, "%s", no_tracefs);
	set_item_bytes(self->dir_fd, 48 * KIB);
	trace_start();
	for (i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "file-%d", i);
		fd = open_file(self->dir, name, O_DIRECT);
		write_at(fd, 0, PAGE);
		close(fd);
	}
	seen = trace_stop(self->dir_fd);
	ctl = hot_look(self->dir_fd);
	EXPECT_LT(0, seen.evict);
	EXPECT_EQ(ctl.evicted_items, seen.evict);
	EXPECT_EQ(ctl.dropped, seen.drop);
	EXPECT_EQ(FILES, seen.attach + seen.drop);
	EXPECT_EQ(FILES, ctl.items + ctl.evicted_items + ctl.dropped);
}

/* Without room for a single inode. */
TEST_F(fs, drop)
{
	struct seen seen;
	int i;

	if (!instance[0])
		SKIP(return, "%s", no_tracefs);
	set_item_bytes(self->dir_fd, 1);
	trace_start();
	for (i = 0; i < 9; i++)
		write_at(self->direct, 0, PAGE);
	seen = trace_stop(self->dir_fd);
	EXPECT_EQ(9, seen.drop);
	EXPECT_EQ(0, seen.io);
	EXPECT_EQ(9, hot_look(self->dir_fd).dropped);
	EXPECT_EQ(0, hot_look(self->dir_fd).items);
	/* As soon as there is room it is counted. */
	set_item_bytes(self->dir_fd, MIB);
	write_at(self->direct, 0, PAGE);
	EXPECT_EQ(REQUESTS(1), heat_of(self->direct).writes);
}

static void remove_instance(void)
{
	rmdir(instance);
}

int main(int argc, char **argv)
{
	/* A trace buffer of our own: nobody else's tracing is touched. */
	if (access(tracefs, F_OK) == 0) {
		mount("tracefs", tracefs, "tracefs", 0, NULL);
		snprintf(instance, sizeof(instance), "%s/instances/hot.%d", tracefs, getpid());
		if (mkdir(instance, 0700))
			instance[0] = 0;
		else
			atexit(remove_instance);
	}
	return run_tests(argc, argv);
}
