// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>

#include "../kselftest.h"
#include "helpers.h"

noreturn void broken(const char *what)
{
	fprintf(stderr, "# the test cannot go on: %s: %s\n", what, strerror(errno));
	_exit(KSFT_FAIL);
}

int loops(int quick, int full)
{
	const char *level = getenv("SEPTET_LEVEL");

	return level && !strcmp(level, "full") ? full : quick;
}

void need_interface(void)
{
	const char *require = getenv("SEPTET_REQUIRE");
	struct hot_ctl ctl = { .size = sizeof(ctl) };
	int fd;

	if (geteuid())
		ksft_exit_skip("run it as root: it mounts filesystems of its own\n");
	if (require && *require)
		return;
	fd = open("/", O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		broken("/");
	/* Any other answer shows that there is one: for one that / is on no device. */
	if (hot(fd, HOT_CTL, &ctl) == -ENOTTY)
		ksft_exit_skip("kernel without hot tracking (HOT_TRACKING)\n");
	close(fd);
}

void pause_briefly(void)
{
	usleep(1000);
}

int put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		ret = -errno;
	close(fd);
	return ret;
}

long long get_number(const char *path)
{
	FILE *f = fopen(path, "r");
	long long value;

	if (!f)
		return -1;
	if (fscanf(f, "%lld", &value) != 1)
		broken(path);
	fclose(f);
	return value;
}

#define DROP_CACHES	"/proc/sys/vm/drop_caches"

void drop_caches(void)
{
	sync();
	if (put(DROP_CACHES, "3"))
		broken(DROP_CACHES);
}

int hot(int fd, unsigned long request, void *arg)
{
	int ret = ioctl(fd, request, arg);

	return ret < 0 ? -errno : ret;
}

static int control(int fd, struct hot_ctl ctl)
{
	ctl.size = sizeof(ctl);
	return hot(fd, HOT_CTL, &ctl);
}

int hot_on(int fd)
{
	int ret = hot_off(fd);

	if (ret && ret != -ENODATA)
		return ret;
	return control(fd, (struct hot_ctl) {
		.flags = HOT_CTL_ON | HOT_CTL_SET_HALF_LIFE,
		.half_life_ms = HOT_HALF_LIFE_MAX_MS,
	});
}

int hot_off(int fd)
{
	return control(fd, (struct hot_ctl) { .flags = HOT_CTL_OFF });
}

int hot_half_life(int fd, __u64 ms)
{
	return control(fd, (struct hot_ctl) {
		.flags = HOT_CTL_SET_HALF_LIFE,
		.half_life_ms = ms,
	});
}

int hot_forget(int fd)
{
	struct hot_reset reset = { .size = sizeof(reset), .flags = HOT_RESET_FILE };

	return hot(fd, HOT_RESET, &reset);
}

struct hot_ctl hot_look(int fd)
{
	struct hot_ctl ctl = { .size = sizeof(ctl) };

	if (hot(fd, HOT_CTL, &ctl))
		broken("HOT_CTL");
	return ctl;
}

void hot_items_become(int fd, __u64 items)
{
	while (hot_look(fd).items != items)
		pause_briefly();
}

struct hot_inode heat_of(int fd)
{
	struct hot_inode heat = { .size = sizeof(heat) };

	if (hot(fd, HOT_GET_INODE, &heat))
		broken("HOT_GET_INODE");
	return heat;
}

static struct hot_ranges look_at_ranges(int fd, off_t offset, struct hot_range *ranges, int count)
{
	struct hot_ranges arg = {
		.size = sizeof(arg),
		.offset = offset,
		.ranges = (unsigned long)ranges,
		.count = count,
	};

	if (hot(fd, HOT_GET_RANGES, &arg))
		broken("HOT_GET_RANGES");
	return arg;
}

int ranges_of(int fd, struct hot_range *ranges)
{
	return look_at_ranges(fd, 0, ranges, RANGES_MAX).count;
}

struct hot_range range_at(int fd, off_t offset)
{
	struct hot_range range = {};
	struct hot_ranges arg = look_at_ranges(fd, offset, &range, 1);

	if (!arg.count || (off_t)range.offset != offset)
		return (struct hot_range) {};
	return range;
}

const char *hot_sysfs(int fd, const char *file, char path[SYSFS_PATH_SIZE])
{
	char line[512], word[32], device[32];
	int mount, id = -1;
	FILE *f;

	/* The device of the filesystem, which is not what fstat() says for a subvolume of btrfs. */
	snprintf(line, sizeof(line), "/proc/self/fdinfo/%d", fd);
	f = fopen(line, "r");
	if (!f)
		broken(line);
	while (id < 0 && fscanf(f, "%31s %d", word, &mount) == 2)
		if (!strcmp(word, "mnt_id:"))
			id = mount;
	fclose(f);
	f = fopen("/proc/self/mountinfo", "r");
	if (!f)
		broken("/proc/self/mountinfo");
	path[0] = 0;
	while (!path[0] && fgets(line, sizeof(line), f))
		if (sscanf(line, "%d %*d %31s", &mount, device) == 2 && mount == id)
			snprintf(path, SYSFS_PATH_SIZE, "/sys/fs/hot_track/%s/%s", device, file);
	fclose(f);
	if (!path[0])
		broken("looking for a mount");
	return path;
}
