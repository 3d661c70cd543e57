// SPDX-License-Identifier: GPL-2.0
/*
 * libhottrack: from the file handle of a record to the file and its path.
 *
 * A file can be opened by its handle any time, but the kernel tells its path only while it has the
 * name in memory. After a reboot or under memory pressure it has not, and then somebody has to look
 * through the folders. Whatever a path comes from, it is believed only if the file there has the
 * handle of the record: the file may have been renamed meanwhile, its number may have been given to
 * another one, something may be mounted over it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "libprivate.h"

/* Files remembered, and as many chains to find them by handle and by inode number. */
#define NAMES_MAX	4096

/* After this time a file is asked for anew. */
#define FRESH_SECONDS	5

#define DELETED_SUFFIX	" (deleted)"

struct handle {
	__s32 type;
	__u32 bytes;
	unsigned char data[MAX_HANDLE_SZ];
};

struct name {
	LIST_ENTRY(name) by_handle;
	LIST_ENTRY(name) by_inode;	/* while it is searched for */
	TAILQ_ENTRY(name) by_use;
	struct hottrack_file file;
	struct handle handle;
	time_t checked;			/* 0: not yet */
	bool searched_for, searched;
};

LIST_HEAD(chain, name);
TAILQ_HEAD(uses, name);

/* A folder that is still to be looked through, by its path from the mount point. */
struct folder {
	STAILQ_ENTRY(folder) next;
	char path[];
};

STAILQ_HEAD(folders, folder);

struct names {
	struct chain by_handle[NAMES_MAX];
	struct chain by_inode[NAMES_MAX];
	struct uses by_use;		/* the one asked for last is the first */
	unsigned int count;
	unsigned int wanted;		/* those that are searched for */

	/* Where the search is. */
	int root;			/* of the mount, or -1 when no search is under way */
	struct folders folders;
	DIR *dir;
	struct folder *folder;		/* that dir is of */
};

/* FNV-1a; good enough for handles, which are numbers counted up. */
static unsigned int hash(const void *data, size_t bytes)
{
	const unsigned char *at = data;
	unsigned int h = 2166136261U;

	while (bytes--)
		h = (h ^ *at++) * 16777619;
	return (h ^ h >> 16) % NAMES_MAX;
}

static struct chain *handle_chain(struct names *names, const struct handle *handle)
{
	return &names->by_handle[hash(handle->data, handle->bytes)];
}

static struct chain *inode_chain(struct names *names, __u64 inode)
{
	return &names->by_inode[hash(&inode, sizeof(inode))];
}

static bool same_handle(const struct handle *a, const struct handle *b)
{
	return a->type == b->type && a->bytes == b->bytes && !memcmp(a->data, b->data, a->bytes);
}

static bool read_handle(const struct hot_record *record, struct handle *handle)
{
	if (record->handle_bytes > sizeof(handle->data))
		return false;
	handle->type = record->handle_type;
	handle->bytes = record->handle_bytes;
	memcpy(handle->data, record->handle, handle->bytes);
	return true;
}

/* struct file_handle with room for its handle. */
union file_handle_space {
	struct file_handle fh;
	char space[sizeof(struct file_handle) + MAX_HANDLE_SZ];
};

static int open_handle(struct hottrack *ht, const struct handle *handle, int flags)
{
	union file_handle_space h = { 0 };
	int fd;

	h.fh.handle_bytes = handle->bytes;
	h.fh.handle_type = handle->type;
	memcpy(h.fh.f_handle, handle->data, handle->bytes);
	fd = open_by_handle_at(ht->fd, &h.fh, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Whether the file of this path, from this folder, is the one. */
static bool is_there(int folder, const char *path, const struct handle *wanted)
{
	union file_handle_space h = { 0 };
	struct handle found;
	int mount;

	h.fh.handle_bytes = MAX_HANDLE_SZ;
	if (name_to_handle_at(folder, path, &h.fh, &mount, 0))
		return false;
	found.type = h.fh.handle_type;
	found.bytes = h.fh.handle_bytes;
	memcpy(found.data, h.fh.f_handle, found.bytes);
	return same_handle(&found, wanted);
}

static void stop_search(struct names *names)
{
	struct folder *folder;

	if (names->dir)
		closedir(names->dir);
	names->dir = NULL;
	free(names->folder);
	names->folder = NULL;
	while ((folder = STAILQ_FIRST(&names->folders))) {
		STAILQ_REMOVE_HEAD(&names->folders, next);
		free(folder);
	}
	if (names->root >= 0)
		close(names->root);
	names->root = -1;
}

static void stop_wanting(struct names *names, struct name *name)
{
	if (!name->searched_for)
		return;
	LIST_REMOVE(name, by_inode);
	name->searched_for = false;
	names->wanted--;
}

static void forget(struct names *names, struct name *name)
{
	stop_wanting(names, name);
	LIST_REMOVE(name, by_handle);
	TAILQ_REMOVE(&names->by_use, name, by_use);
	names->count--;
	free(name->file.path);
	free(name);
}

void names_free(struct names *names)
{
	struct name *name;

	if (!names)
		return;
	stop_search(names);
	while ((name = TAILQ_FIRST(&names->by_use)))
		forget(names, name);
	free(names);
}

static struct names *names_new(void)
{
	struct names *names = calloc(1, sizeof(*names));

	if (!names)
		return NULL;
	TAILQ_INIT(&names->by_use);
	STAILQ_INIT(&names->folders);
	names->root = -1;
	return names;
}

/* The entry of this handle, a new one if need be; it is now the one used last. */
static struct name *find(struct names *names, const struct handle *handle)
{
	struct chain *chain = handle_chain(names, handle);
	struct name *name;

	LIST_FOREACH(name, chain, by_handle) {
		if (!same_handle(&name->handle, handle))
			continue;
		TAILQ_REMOVE(&names->by_use, name, by_use);
		TAILQ_INSERT_HEAD(&names->by_use, name, by_use);
		return name;
	}
	name = calloc(1, sizeof(*name));
	if (!name)
		return NULL;
	if (names->count == NAMES_MAX)
		forget(names, TAILQ_LAST(&names->by_use, uses));
	name->handle = *handle;
	LIST_INSERT_HEAD(chain, name, by_handle);
	TAILQ_INSERT_HEAD(&names->by_use, name, by_use);
	names->count++;
	return name;
}

/* Take the path that the kernel knows for this descriptor, if it is right. */
static int name_of(int fd, const struct handle *handle, struct hottrack_file *file)
{
	char link[64], path[PATH_MAX];
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st))
		return -errno;
	file->inode = st.st_ino;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	/* It could not be told, such as a path too long: as if it had none. */
	if (n < 0)
		n = 0;
	path[n] = '\0';
	if (!st.st_nlink) {
		file->known = HOTTRACK_DELETED;
		n -= sizeof(DELETED_SUFFIX) - 1;
		if (n <= 0 || strcmp(path + n, DELETED_SUFFIX))
			return 0;
		path[n] = '\0';
	} else if (is_there(AT_FDCWD, path, handle)) {
		file->known = HOTTRACK_NAMED;
	} else {
		file->known = HOTTRACK_NAMELESS;
		return 0;
	}
	file->path = strdup(path);
	return file->path ? 0 : -ENOMEM;
}

/* Ask the kernel. */
static int look_up(struct hottrack *ht, const struct handle *handle, struct hottrack_file *file)
{
	int fd = open_handle(ht, handle, O_PATH), ret;

	switch (fd) {
	case -ESTALE:
		file->known = HOTTRACK_GONE;
		return 0;
	case -EOPNOTSUPP:
	case -EINVAL:
		file->known = HOTTRACK_UNOPENABLE;
		return 0;
	case -EPERM:
		file->known = HOTTRACK_DENIED;
		return 0;
	}
	if (fd < 0)
		return fd;
	ret = name_of(fd, handle, file);
	close(fd);
	return ret;
}

static int refresh(struct hottrack *ht, struct name *name)
{
	struct hottrack_file file = { 0 };
	int ret;

	if (name->file.known == HOTTRACK_NAMED && name->checked &&
	    is_there(AT_FDCWD, name->file.path, &name->handle))
		return 0;
	ret = look_up(ht, &name->handle, &file);
	if (ret)
		return ret;
	free(name->file.path);
	name->file = file;
	if (file.known != HOTTRACK_NAMELESS) {
		stop_wanting(ht->names, name);
		name->searched = false;
	} else if (!name->searched && !name->searched_for) {
		/* A search that does not find it will not be repeated. */
		LIST_INSERT_HEAD(inode_chain(ht->names, file.inode), name, by_inode);
		name->searched_for = true;
		ht->names->wanted++;
	}
	return 0;
}

static time_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	/* Never 0, not even right after a boot. */
	return ts.tv_sec + 1;
}

EXPORT int hottrack_resolve(struct hottrack *ht, const struct hot_record *record,
			    struct hottrack_file *file)
{
	struct handle handle;
	struct name *name;
	int ret;

	*file = (struct hottrack_file){ .known = HOTTRACK_UNOPENABLE };
	if (record->flags & HOT_NOT_OPENABLE || !read_handle(record, &handle))
		return 0;
	if (!ht->names)
		ht->names = names_new();
	name = ht->names ? find(ht->names, &handle) : NULL;
	if (!name)
		return -ENOMEM;
	if (!name->checked || now() - name->checked >= FRESH_SECONDS) {
		ret = refresh(ht, name);
		if (ret) {
			forget(ht->names, name);
			return ret;
		}
		name->checked = now();
	}
	*file = name->file;
	if (!file->path)
		return 0;
	file->path = strdup(file->path);
	return file->path ? 0 : -ENOMEM;
}

EXPORT int hottrack_open_record(struct hottrack *ht, const struct hot_record *record, int flags)
{
	struct handle handle;

	if (record->flags & HOT_NOT_OPENABLE || !read_handle(record, &handle))
		return -EOPNOTSUPP;
	return open_handle(ht, &handle, flags);
}

static int add_folder(struct names *names, const char *in, const char *name)
{
	size_t bytes = strlen(in) + strlen(name) + 2;
	struct folder *folder;

	/* Nothing below can be opened by its path. */
	if (bytes > PATH_MAX)
		return 0;
	folder = malloc(sizeof(*folder) + bytes);
	if (!folder)
		return -ENOMEM;
	stpcpy(stpcpy(stpcpy(folder->path, in), *in ? "/" : ""), name);
	/* Deep before wide: fewer folders wait. */
	STAILQ_INSERT_HEAD(&names->folders, folder, next);
	return 0;
}

/* Open the next folder that is on this very mount; 0 when there is none any more. */
static int next_folder(struct hottrack *ht)
{
	struct names *names = ht->names;

	while ((names->folder = STAILQ_FIRST(&names->folders))) {
		struct statx stx;
		int fd;

		STAILQ_REMOVE_HEAD(&names->folders, next);
		fd = openat(names->root, *names->folder->path ? names->folder->path : ".",
			    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0 && !statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &stx) &&
		    stx.stx_mnt_id == ht->mount_id) {
			names->dir = fdopendir(fd);
			if (names->dir)
				return 1;
		}
		/* Removed meanwhile, or not for us: like a folder without entries. */
		if (fd >= 0)
			close(fd);
		free(names->folder);
	}
	return 0;
}

static int found(struct hottrack *ht, struct name *name, const char *entry)
{
	const char *root = strcmp(ht->mount_point, "/") ? ht->mount_point : "";
	const char *in = ht->names->folder->path;

	free(name->file.path);
	if (asprintf(&name->file.path, "%s/%s%s%s", root, in, *in ? "/" : "", entry) < 0) {
		name->file.path = NULL;
		return -ENOMEM;
	}
	name->file.known = HOTTRACK_NAMED;
	stop_wanting(ht->names, name);
	name->searched = false;
	return 0;
}

static int look_at(struct hottrack *ht, const struct dirent *entry)
{
	struct names *names = ht->names;
	struct name *name, *next;
	int ret;

	if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
		return 0;
	if (entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN) {
		ret = add_folder(names, names->folder->path, entry->d_name);
		if (ret)
			return ret;
	}
	if (entry->d_type != DT_REG && entry->d_type != DT_UNKNOWN)
		return 0;
	/* Several files may have one number, in the subvolumes of btrfs. */
	for (name = LIST_FIRST(inode_chain(names, entry->d_ino)); name; name = next) {
		next = LIST_NEXT(name, by_inode);
		if (name->file.inode != entry->d_ino ||
		    !is_there(dirfd(names->dir), entry->d_name, &name->handle))
			continue;
		ret = found(ht, name, entry->d_name);
		if (ret)
			return ret;
	}
	return 0;
}

/* All that is searched for now will be looked for in all folders. */
static int start_search(struct hottrack *ht)
{
	struct names *names = ht->names;
	struct name *name;

	names->root = open(ht->mount_point, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (names->root < 0)
		return -errno;
	TAILQ_FOREACH(name, &names->by_use, by_use)
		if (name->searched_for)
			name->searched = true;
	return add_folder(names, "", "");
}

/* What is still there was looked for everywhere; what came later has its turn in another pass. */
static void end_search(struct names *names)
{
	struct name *name;

	stop_search(names);
	TAILQ_FOREACH(name, &names->by_use, by_use)
		if (name->searched)
			stop_wanting(names, name);
}

EXPORT int hottrack_search(struct hottrack *ht, unsigned int entries)
{
	struct names *names = ht->names;
	unsigned int seen = 0;
	int ret;

	if (!names)
		return 0;
	while (names->wanted) {
		struct dirent *entry;

		if (names->root < 0) {
			ret = start_search(ht);
			if (ret) {
				stop_search(names);
				return ret;
			}
		}
		if (!names->dir) {
			ret = next_folder(ht);
			if (!ret) {
				end_search(names);
				continue;
			}
		}
		entry = readdir(names->dir);
		if (!entry) {
			closedir(names->dir);
			names->dir = NULL;
			free(names->folder);
			names->folder = NULL;
		} else {
			ret = look_at(ht, entry);
			if (ret)
				return ret;
		}
		if (entries && ++seen == entries)
			return 1;
	}
	stop_search(names);
	return 0;
}

EXPORT char *hottrack_describe(const struct hottrack_file *file)
{
	const char *path = file->path ? file->path : "";
	char *text, *to;

	/* Each character may become four, and there is a remark. */
	text = malloc(4 * strlen(path) + 64);
	if (!text)
		return NULL;
	to = text;
	for (; *path; path++) {
		unsigned char c = *path;

		if (c < ' ' || c == 0x7f)
			to += sprintf(to, "\\%03o", c);
		else if (c == '\\')
			to += sprintf(to, "\\\\");
		else
			*to++ = c;
	}
	*to = '\0';
	switch (file->known) {
	case HOTTRACK_NAMED:
		break;
	case HOTTRACK_DELETED:
		if (file->path)
			sprintf(to, "%s", DELETED_SUFFIX);
		else
			sprintf(to, "(inode %llu, deleted)", file->inode);
		break;
	case HOTTRACK_NAMELESS:
		sprintf(to, "(inode %llu, name unknown)", file->inode);
		break;
	case HOTTRACK_GONE:
		sprintf(to, "(a file that is no more)");
		break;
	case HOTTRACK_UNOPENABLE:
		sprintf(to, "(a file that cannot be opened by handle)");
		break;
	case HOTTRACK_DENIED:
		sprintf(to, "(a file, not permitted to open by handle)");
		break;
	}
	return text;
}
