// SPDX-License-Identifier: GPL-2.0
/* libhottrack: open a filesystem, control its tracking, explain errors. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "libmounts.h"
#include "libprivate.h"

int hot_ioctl(int fd, unsigned long request, void *arg)
{
	int ret = ioctl(fd, request, arg);

	return ret < 0 ? -errno : ret;
}

/*
 * The superblock's device and where it is mounted. The device that fstat() gives is another one in
 * the subvolumes of btrfs.
 */
static int find_mount(struct hottrack *ht)
{
	struct mount_line mount = { 0 };
	struct statx stx;
	FILE *f;

	if (statx(ht->fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &stx))
		return -errno;
	f = fopen(MOUNTS, "re");
	if (!f)
		return -errno;
	while (mounts_next(f, &mount)) {
		if (mount.id != stx.stx_mnt_id)
			continue;
		ht->mount_id = mount.id;
		ht->dev = makedev(mount.major, mount.minor);
		ht->mount_point = mount.point;
		mount.point = NULL;
		mounts_free(&mount);
		break;
	}
	fclose(f);
	return ht->mount_point ? 0 : -ENOENT;
}

EXPORT int hottrack_open(struct hottrack **ht, const char *path)
{
	struct stat st;
	int ret;

	/* Opening anything else could wait, or do something. */
	if (stat(path, &st))
		return -errno;
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
		return -EINVAL;
	*ht = calloc(1, sizeof(**ht));
	if (!*ht)
		return -ENOMEM;
	(*ht)->fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	ret = (*ht)->fd < 0 ? -errno : find_mount(*ht);
	if (ret) {
		hottrack_close(*ht);
		*ht = NULL;
	}
	return ret;
}

EXPORT void hottrack_close(struct hottrack *ht)
{
	if (!ht)
		return;
	if (ht->fd >= 0)
		close(ht->fd);
	names_free(ht->names);
	free(ht->mount_point);
	free(ht);
}

EXPORT const char *hottrack_mount_point(const struct hottrack *ht)
{
	return ht->mount_point;
}

EXPORT int hottrack_fd(const struct hottrack *ht)
{
	return ht->fd;
}

EXPORT void hottrack_sysfs(const struct hottrack *ht, char *path, size_t size)
{
	snprintf(path, size, "/sys/fs/hot_track/%u:%u", major(ht->dev), minor(ht->dev));
}

EXPORT const char *hottrack_strerror(int err)
{
	switch (err < 0 ? -err : err) {
	case ENOTTY:
		return "the running kernel has no hot tracking";
	case EOPNOTSUPP:
		return "hot tracking is not possible: the filesystem is not on a block device";
	case ENODATA:
		return "hot tracking is off there";
	case EPERM:
		return "not permitted: it wants CAP_SYS_ADMIN, or the right to write the file";
	case ESTALE:
		return "the file is no more";
	case ENODEV:
		return "tracking was turned off or the filesystem unmounted";
	case EPROTO:
		return "the kernel's answer makes no sense to this version of libhottrack";
	case E2BIG:
		return "the running kernel has an older interface without that";
	}
	return strerror(err < 0 ? -err : err);
}

static int control(struct hottrack *ht, struct hot_ctl *ctl)
{
	ctl->size = sizeof(*ctl);
	return hot_ioctl(ht->fd, HOT_CTL, ctl);
}

EXPORT int hottrack_get(struct hottrack *ht, struct hot_ctl *ctl)
{
	memset(ctl, 0, sizeof(*ctl));
	return control(ht, ctl);
}

EXPORT int hottrack_is_on(struct hottrack *ht)
{
	struct hot_ctl ctl;
	int ret = hottrack_get(ht, &ctl);

	return ret < 0 ? ret : !!(ctl.state & HOT_STATE_ON);
}

EXPORT int hottrack_set(struct hottrack *ht, struct hot_ctl *ctl)
{
	return control(ht, ctl);
}

EXPORT int hottrack_reset(struct hottrack *ht)
{
	struct hot_reset reset = { .size = sizeof(reset) };

	return hot_ioctl(ht->fd, HOT_RESET, &reset);
}

EXPORT int hottrack_reset_file(int fd)
{
	struct hot_reset reset = { .size = sizeof(reset), .flags = HOT_RESET_FILE };

	return hot_ioctl(fd, HOT_RESET, &reset);
}
