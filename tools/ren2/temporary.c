// SPDX-License-Identifier: GPL-2.0
/* ren2: temporaries beside the target, and what they take over from it. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "ren2.h"

#define ACL "system.posix_acl_access"

int find_place(const char *path, struct place *place)
{
	const char *slash = strrchr(path, '/');
	char *folder;

	place->name = slash ? slash + 1 : path;
	if (!*place->name || !strcmp(place->name, ".") || !strcmp(place->name, ".."))
		return say(EXIT_USAGE, path, "is not the name of a file");
	folder = slash ? strndup(path, slash - path + 1) : strdup(".");
	if (!folder)
		return say(EXIT_OTHER, path, "%s", strerror(ENOMEM));
	place->dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	free(folder);
	return place->dir < 0 ? say(EXIT_OTHER, path, "%s", strerror(errno)) : EXIT_DONE;
}

static int new_name(struct temporary *t, int dir)
{
	unsigned long long n;

	t->dir = dir;
	t->fd = -1;
	if (getrandom(&n, sizeof(n), 0) != sizeof(n))
		return -errno;
	snprintf(t->name, sizeof(t->name), ".ren2.%016llx", n);
	return 0;
}

int temporary_file(struct temporary *t, int dir)
{
	int ret = new_name(t, dir);

	t->is_folder = false;
	if (ret)
		return ret;
	t->fd = openat(dir, t->name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return t->fd < 0 ? -errno : 0;
}

int temporary_folder(struct temporary *t, int dir)
{
	int ret = new_name(t, dir);

	t->is_folder = true;
	if (ret)
		return ret;
	if (mkdirat(dir, t->name, 0700))
		return -errno;
	t->fd = openat(dir, t->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (t->fd >= 0)
		return 0;
	ret = -errno;
	unlinkat(dir, t->name, AT_REMOVEDIR);
	return ret;
}

/* Everything in a folder, which is closed. */
static void empty(int fd)
{
	DIR *dir = fdopendir(fd);
	struct dirent *entry;

	if (!dir) {
		close(fd);
		return;
	}
	while ((entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..") ||
		    !unlinkat(dirfd(dir), entry->d_name, 0))
			continue;
		fd = openat(dirfd(dir), entry->d_name,
			    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0)
			empty(fd);
		unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR);
	}
	closedir(dir);
}

void temporary_remove(struct temporary *t)
{
	if (t->fd < 0)
		return;
	if (t->is_folder)
		empty(t->fd);
	else
		close(t->fd);
	t->fd = -1;
	if (unlinkat(t->dir, t->name, t->is_folder ? AT_REMOVEDIR : 0) && errno != ENOENT)
		say(EXIT_OTHER, t->name, "is left behind: %s", strerror(errno));
}

static int write_all(int fd, const char *data, size_t count)
{
	while (count) {
		ssize_t n = write(fd, data, count);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			data += n;
			count -= n;
		}
	}
	return 0;
}

int copy_data(int from, int to)
{
	static char data[65536];
	ssize_t n;
	int ret;

	for (;;) {
		if (!signals_readable(from))
			return -EINTR;
		n = read(from, data, sizeof(data));
		if (!n)
			return 0;
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return -errno;
		ret = n > 0 ? write_all(to, data, n) : 0;
		if (ret)
			return ret;
	}
}

/* One attribute; a file that has none of this name has none in the copy. */
static int keep_attribute(const char *from, int to, const char *name)
{
	static char value[65536];	/* no attribute is longer */
	ssize_t n = getxattr(from, name, value, sizeof(value));

	if (n >= 0)
		return fsetxattr(to, name, value, n, 0) ? -errno : 0;
	if (errno != ENODATA && errno != EOPNOTSUPP)
		return -errno;
	/* An ACL that the folder gave it. */
	return fremovexattr(to, name) && errno != ENODATA && errno != EOPNOTSUPP ? -errno : 0;
}

static int keep_user_attributes(const char *from, int to)
{
	static char names[65536];	/* no list is longer */
	ssize_t n = listxattr(from, names, sizeof(names));
	int ret = 0;

	if (n < 0)
		return errno == EOPNOTSUPP ? 0 : -errno;
	for (const char *name = names; !ret && name < names + n; name += strlen(name) + 1)
		if (!strncmp(name, "user.", 5))
			ret = keep_attribute(from, to, name);
	return ret;
}

int keep_attributes(int from, int to, const char **what)
{
	struct stat old, new;
	char path[64];
	int ret;

	*what = "attributes";
	snprintf(path, sizeof(path), "/proc/self/fd/%d", from);
	if (fstat(from, &old) || fstat(to, &new))
		return -errno;
	ret = keep_user_attributes(path, to);
	if (ret)
		return ret;
	*what = "owner";
	if ((old.st_uid != new.st_uid || old.st_gid != new.st_gid) &&
	    fchown(to, old.st_uid, old.st_gid))
		return -errno;
	*what = "ACL";
	ret = keep_attribute(path, to, ACL);
	if (ret)
		return ret;
	/* Last, because a new owner takes bits away; so does, without a word, a foreign group. */
	*what = "mode";
	if (fchmod(to, old.st_mode & 07777) || fstat(to, &new))
		return -errno;
	return old.st_mode == new.st_mode ? 0 : -EPERM;
}
