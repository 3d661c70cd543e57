// SPDX-License-Identifier: GPL-2.0
/* fplock: the locks on some files at a time. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "snapshot.h"

static void *needed(void *memory)
{
	if (!memory)
		exit(say(EXIT_OTHER, "memory", "%s", strerror(ENOMEM)));
	return memory;
}

void *grow(void *array, size_t count, size_t size)
{
	/* It is full whenever their number is a power of two. */
	if (count & (count - 1))
		return array;
	return needed(reallocarray(array, count ? 2 * count : 1, size));
}

void *fresh(size_t count, size_t size)
{
	return needed(calloc(count + 1, size));
}

/* ---- files ---- */

/* What a filesystem on another host knows already will do. */
static bool identify(int folder, const char *path, int flags, struct file *file)
{
	struct statx st;

	if (statx(folder, path, flags | AT_STATX_DONT_SYNC, STATX_INO, &st))
		return false;
	file->dev = makedev(st.stx_dev_major, st.stx_dev_minor);
	file->ino = st.stx_ino;
	return true;
}

static void add(struct snapshot *s, const struct file *file)
{
	struct file *f;

	for (size_t i = 0; i < s->nr_files; i++)
		if (file->ino && s->files[i].ino == file->ino && s->files[i].dev == file->dev)
			return;
	s->files = grow(s->files, s->nr_files, sizeof(*s->files));
	f = &s->files[s->nr_files++];
	*f = *file;
	f->name = needed(strdup(file->name));
	f->path = needed(strdup(file->path));
}

void snapshot_add(struct snapshot *s, const char *path)
{
	struct file file = { .name = (char *)path, .path = (char *)path };

	/* What is wrong with it is said when it is opened. */
	identify(AT_FDCWD, path, 0, &file);
	add(s, &file);
}

void snapshot_add_descriptor(struct snapshot *s, pid_t pid, int fd, int folder)
{
	char number[16], path[64], name[PATH_MAX];
	struct file file = { .name = name, .path = path };
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
	snprintf(number, sizeof(number), "%d", fd);
	n = readlinkat(folder, number, name, sizeof(name) - 1);
	if (n < 0 || !identify(folder, number, 0, &file))
		return;
	name[n] = '\0';
	add(s, &file);
}

struct search {
	struct snapshot *s;
	const uint64_t *inos;		/* NULL: all */
	size_t count;
	bool *found;
};

static void add_locked(void *arg, pid_t pid, int fd, int folder)
{
	struct search *search = arg;
	struct owners owners;
	size_t i = 0;

	/* A file on which there was no lock ever is not even opened: that might do something. */
	if (!proc_owners(pid, fd, &owners))
		return;
	while (i < search->count && search->inos[i] != owners.ino)
		i++;
	if (search->inos && i == search->count)
		return;
	if (search->inos)
		search->found[i] = true;
	snapshot_add_descriptor(search->s, pid, fd, folder);
}

static int compare_files(const void *a, const void *b)
{
	const struct file *one = a, *other = b;

	return strcmp(one->name, other->name);
}

/* Those from @first on have been found in no order that means anything. */
static void sort_files(struct snapshot *s, size_t first)
{
	if (s->nr_files > first)
		qsort(s->files + first, s->nr_files - first, sizeof(*s->files), compare_files);
}

int snapshot_add_process(struct snapshot *s, pid_t pid)
{
	struct search search = { s };
	const size_t first = s->nr_files;
	int ret = proc_each_descriptor(pid, add_locked, &search);

	sort_files(s, first);
	return ret;
}

int snapshot_add_waited(struct snapshot *s)
{
	struct search search = { s };
	const size_t first = s->nr_files;
	int ret, missing = 0;
	uint64_t *inos;

	ret = proc_waited(&inos, &search.count);
	if (ret || !search.count)
		return ret;
	search.inos = inos;
	search.found = fresh(search.count, sizeof(*search.found));
	proc_each(add_locked, &search);
	sort_files(s, first);
	for (size_t i = 0; i < search.count; i++)
		missing += !search.found[i];
	free(search.found);
	free(inos);
	return missing;
}

/* ---- locks ---- */

static struct lock *add_lock(struct snapshot *s, size_t file, const struct flockp_listed *is)
{
	s->locks = grow(s->locks, s->nr_locks, sizeof(*s->locks));
	s->locks[s->nr_locks] = (struct lock){ .file = file, .is = *is };
	return &s->locks[s->nr_locks++];
}

/* 0 or a negative errno. */
static int read_list(struct snapshot *s, size_t file, int fd, const struct range *range)
{
	struct flockp_list *list;
	struct flockp_listed is;
	int ret = flockp_list_open(&list, fd, 0, range->start, range->len);

	if (ret)
		return ret;
	while ((ret = flockp_list_next(list, &is)) > 0) {
		add_lock(s, file, &is);
		s->local_only |= is.flags & FLOCKP_LIST_LOCAL_ONLY;
	}
	flockp_list_close(list);
	return ret;
}

int snapshot_check_kernel(void)
{
	const int served = flockp_probe();

	/* If it could not be asked, the first file tells. */
	return served < 0 || served & FLOCKP_LISTED ? EXIT_DONE :
	       say(EXIT_KERNEL, "locks", "this kernel does not list them; see 'fplock probe'");
}

/* An exit code. */
static int list_file(struct snapshot *s, size_t number, const struct range *range)
{
	struct file *file = &s->files[number];
	struct flockp *lock;
	int ret = open_any(&lock, file->path);

	if (ret)
		return say(EXIT_FILE, file->name, "%s", strerror(-ret));
	identify(flockp_fd(lock), "", AT_EMPTY_PATH, file);
	ret = read_list(s, number, flockp_fd(lock), range);
	flockp_close(lock);
	if (!ret)
		return EXIT_DONE;
	return (ret == -EOPNOTSUPP ? snapshot_check_kernel() : EXIT_DONE) ?:
	       say(EXIT_OTHER, file->name, "its locks cannot be listed: %s", strerror(-ret));
}

void snapshot_shorten(struct snapshot *s, size_t count)
{
	for (size_t i = count; i < s->nr_locks; i++) {
		for (size_t j = 0; j < s->locks[i].nr_holders; j++)
			free(s->locks[i].holders[j].fds);
		free(s->locks[i].holders);
	}
	s->nr_locks = count;
}

static void forget_locks(struct snapshot *s)
{
	snapshot_shorten(s, 0);
	free(s->locks);
	free(s->descriptors);
	s->locks = NULL;
	s->descriptors = NULL;
	s->nr_descriptors = 0;
}

int snapshot_take(struct snapshot *s, const struct range *range)
{
	int code = EXIT_DONE;

	/* A lock may go, and its process, before it is looked for: then all is looked at anew. */
	for (int tries = 0; tries < 2; tries++) {
		forget_locks(s);
		for (size_t i = 0; i < s->nr_files; i++) {
			int ret = s->files[i].failed ? EXIT_DONE : list_file(s, i, range);

			if (ret == EXIT_KERNEL)
				return ret;
			s->files[i].failed |= ret != EXIT_DONE;
			code = ret ?: code;
		}
		if (holders_find(s))
			break;
	}
	return code;
}

void snapshot_tell_limits(const struct snapshot *s)
{
	if (s->local_only)
		say(0, "locks", "a filesystem has more of them elsewhere, maybe on other hosts");
	if (s->partial && s->nr_locks)
		say(0, "processes", "not all may be looked at, some may be missing; root sees all");
}

size_t snapshot_add_request(struct snapshot *s, size_t file, int type, const struct range *range)
{
	const struct flockp_listed is = {
		.start = range->start, .len = range->len, .type = type,
		.flags = FLOCKP_LIST_WAITING | FLOCKP_LIST_PRIVATE,
	};

	return add_lock(s, file, &is) - s->locks;
}

void snapshot_free(struct snapshot *s)
{
	forget_locks(s);
	for (size_t i = 0; i < s->nr_files; i++) {
		free(s->files[i].name);
		free(s->files[i].path);
	}
	free(s->files);
}
