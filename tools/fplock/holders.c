// SPDX-License-Identifier: GPL-2.0
/* fplock: the processes behind the cookies of locks. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "snapshot.h"

/* Of the files by device and number, to find one of many. */
struct known {
	uint64_t dev, ino;
	size_t file;
};

struct scan {
	struct snapshot *s;
	struct known *known;
	size_t count;
};

static int compare_known(const void *a, const void *b)
{
	const struct known *one = a, *other = b;

	if (one->dev != other->dev)
		return one->dev < other->dev ? -1 : 1;
	return (one->ino > other->ino) - (one->ino < other->ino);
}

static void see_descriptor(void *arg, pid_t pid, int fd, int folder)
{
	const struct scan *scan = arg;
	struct snapshot *s = scan->s;
	struct known *known, key;
	struct owners owners;
	struct statx st;
	char number[16];

	snprintf(number, sizeof(number), "%d", fd);
	if (statx(folder, number, AT_STATX_DONT_SYNC, STATX_INO, &st))
		return;
	key = (struct known){ makedev(st.stx_dev_major, st.stx_dev_minor), st.stx_ino };
	known = bsearch(&key, scan->known, scan->count, sizeof(key), compare_known);
	if (!known || !proc_owners(pid, fd, &owners))
		return;
	s->descriptors = grow(s->descriptors, s->nr_descriptors, sizeof(*s->descriptors));
	s->descriptors[s->nr_descriptors++] = (struct descriptor){
		.file = known->file, .pid = pid, .fd = fd, .owners = owners,
	};
}

static int compare_descriptors(const void *a, const void *b)
{
	const struct descriptor *one = a, *other = b;

	if (one->pid != other->pid)
		return one->pid < other->pid ? -1 : 1;
	return (one->fd > other->fd) - (one->fd < other->fd);
}

static void look_at_processes(struct snapshot *s)
{
	struct scan scan = { s, NULL, 0 };

	for (size_t i = 0; i < s->nr_files; i++) {
		if (s->files[i].failed)
			continue;
		scan.known = grow(scan.known, scan.count, sizeof(*scan.known));
		scan.known[scan.count++] = (struct known){ s->files[i].dev, s->files[i].ino, i };
	}
	if (!scan.count)
		return;
	qsort(scan.known, scan.count, sizeof(*scan.known), compare_known);
	s->partial = !proc_each(see_descriptor, &scan);
	free(scan.known);
	if (!s->nr_descriptors)
		return;
	qsort(s->descriptors, s->nr_descriptors, sizeof(*s->descriptors), compare_descriptors);
	for (size_t i = 0; i < s->nr_descriptors; i++) {
		struct descriptor *d = &s->descriptors[i];

		if (i && d[-1].pid == d->pid) {
			memcpy(d->name, d[-1].name, sizeof(d->name));
			d->threaded = d[-1].threaded;
			continue;
		}
		process_name(d->pid, d->name);
		d->threaded = proc_has_threads(d->pid);
	}
}

static bool is_owner(const struct lock *lock, const struct descriptor *d)
{
	const bool classic = lock->is.flags & FLOCKP_LIST_CLASSIC;

	return lock->is.owner && d->file == lock->file &&
	       lock->is.owner == (classic ? d->owners.process : d->owners.open_file);
}

static void add_holder(struct lock *lock, const struct descriptor *d)
{
	struct holder *h = lock->nr_holders ? &lock->holders[lock->nr_holders - 1] : NULL;

	/* Those of a process follow each other. */
	if (!h || h->pid != d->pid) {
		lock->holders = grow(lock->holders, lock->nr_holders, sizeof(*h));
		h = &lock->holders[lock->nr_holders++];
		*h = (struct holder){ .pid = d->pid, .threaded = d->threaded };
		memcpy(h->name, d->name, sizeof(h->name));
	}
	h->fds = grow(h->fds, h->nr_fds, sizeof(*h->fds));
	h->fds[h->nr_fds++] = d->fd;
}

const struct holder *find_holder(const struct lock *lock, pid_t pid)
{
	for (size_t i = 0; i < lock->nr_holders; i++)
		if (lock->holders[i].pid == pid)
			return &lock->holders[i];
	return NULL;
}

/* Of those who have the descriptor one waits. */
static void keep_asker(struct lock *lock)
{
	size_t kept = 0;

	if (!find_holder(lock, lock->is.pid))
		return;
	for (size_t i = 0; i < lock->nr_holders; i++) {
		if (lock->holders[i].pid == lock->is.pid)
			lock->holders[kept++] = lock->holders[i];
		else
			free(lock->holders[i].fds);
	}
	lock->nr_holders = kept;
}

bool holders_find(struct snapshot *s)
{
	bool all = true;

	if (!s->nr_locks)
		return true;
	look_at_processes(s);
	for (size_t i = 0; i < s->nr_locks; i++) {
		struct lock *lock = &s->locks[i];

		for (size_t j = 0; j < s->nr_descriptors; j++)
			if (is_owner(lock, &s->descriptors[j]))
				add_holder(lock, &s->descriptors[j]);
		if (is_waiting(lock))
			keep_asker(lock);
		all &= lock->nr_holders || !lock->is.owner;
	}
	return all;
}
