// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <linux/fuse.h>

#include "fuse.h"

#define FILE_ID	2
#define LOCKS	16
#define BUFFER	(64 * 1024)

/* A lock, or a request for one that waits; owner 0: none. */
struct entry {
	__u64 owner, unique;
	struct fuse_file_lock lock;
};

static struct entry held[LOCKS], waiting[LOCKS];
static struct fuse_server *server;
static int device;

static bool meet(const struct fuse_file_lock *a, const struct fuse_file_lock *b)
{
	return a->start <= b->end && b->start <= a->end;
}

static const struct entry *conflict(__u64 owner, const struct fuse_file_lock *lock)
{
	int i;

	for (i = 0; i < LOCKS; i++)
		if (held[i].owner && held[i].owner != owner && meet(&held[i].lock, lock) &&
		    (held[i].lock.type == F_WRLCK || lock->type == F_WRLCK))
			return &held[i];
	return NULL;
}

static int put(struct entry *table, __u64 owner, __u64 unique, const struct fuse_file_lock *lock)
{
	int i;

	for (i = 0; i < LOCKS && table[i].owner; i++)
		;
	if (i == LOCKS)
		return -ENOLCK;
	table[i] = (struct entry) { owner, unique, *lock };
	return 0;
}

/* Whole locks only: who locks or unlocks a part of one gives up all of it. */
static int set(__u64 owner, const struct fuse_file_lock *lock)
{
	int i;

	for (i = 0; i < LOCKS; i++)
		if (held[i].owner == owner && meet(&held[i].lock, lock)) {
			held[i].owner = 0;
			server->held--;
		}
	if (lock->type == F_UNLCK)
		return 0;
	server->held++;
	return put(held, owner, 0, lock);
}

static void answer(__u64 unique, int error, const void *data, size_t len)
{
	char out[1024];
	struct fuse_out_header head = {
		.len = sizeof(head) + len,
		.error = error,
		.unique = unique,
	};

	memcpy(out, &head, sizeof(head));
	if (len)
		memcpy(out + sizeof(head), data, len);
	/* ENOENT: whoever asked was interrupted. */
	if (write(device, out, head.len) < 0 && errno != ENOENT)
		_exit(1);
}

/* Nothing may be in the way of some requests any more. */
static void grant(void)
{
	int i;

	for (i = 0; i < LOCKS; i++)
		if (waiting[i].owner && !conflict(waiting[i].owner, &waiting[i].lock)) {
			server->waiting--;
			answer(waiting[i].unique, set(waiting[i].owner, &waiting[i].lock), NULL, 0);
			waiting[i].owner = 0;
		}
}

static void interrupt(__u64 unique)
{
	int i;

	for (i = 0; i < LOCKS; i++)
		if (waiting[i].owner && waiting[i].unique == unique) {
			server->waiting--;
			answer(unique, -EINTR, NULL, 0);
			waiting[i].owner = 0;
		}
}

static void set_lock(const struct fuse_in_header *head, const struct fuse_lk_in *in)
{
	int error;

	server->set++;
	if (!conflict(in->owner, &in->lk) || in->lk.type == F_UNLCK) {
		error = set(in->owner, &in->lk);
	} else if (head->opcode == FUSE_SETLKW) {
		error = put(waiting, in->owner, head->unique, &in->lk);
		if (!error) {
			server->waiting++;
			return;
		}
	} else {
		error = -EAGAIN;
	}
	answer(head->unique, error, NULL, 0);
	grant();
}

static void get_lock(const struct fuse_in_header *head, const struct fuse_lk_in *in)
{
	const struct entry *found = conflict(in->owner, &in->lk);
	struct fuse_lk_out out = { .lk.type = F_UNLCK };

	if (found)
		out.lk = found->lock;
	answer(head->unique, 0, &out, sizeof(out));
}

static struct fuse_attr attributes(__u64 node)
{
	return (struct fuse_attr) {
		.ino = node,
		.mode = node == FUSE_ROOT_ID ? S_IFDIR | 0755 : S_IFREG | 0644,
		.nlink = 1,
		.blksize = 4096,
	};
}

static void serve(const struct fuse_in_header *head, const void *in, bool posix_locks)
{
	struct fuse_init_out init = {
		.major = FUSE_KERNEL_VERSION,
		.minor = FUSE_KERNEL_MINOR_VERSION,
		.max_write = 4096,
		.flags = posix_locks ? FUSE_POSIX_LOCKS : 0,
	};
	struct fuse_entry_out entry = { .nodeid = FILE_ID, .attr = attributes(FILE_ID) };
	struct fuse_attr_out attr = { .attr = attributes(head->nodeid) };
	struct fuse_open_out opened = {};

	switch (head->opcode) {
	case FUSE_INIT:
		answer(head->unique, 0, &init, sizeof(init));
		break;
	case FUSE_LOOKUP:
		if (strcmp(in, "file"))
			answer(head->unique, -ENOENT, NULL, 0);
		else
			answer(head->unique, 0, &entry, sizeof(entry));
		break;
	case FUSE_GETATTR:
		answer(head->unique, 0, &attr, sizeof(attr));
		break;
	case FUSE_OPEN:
		answer(head->unique, 0, &opened, sizeof(opened));
		break;
	case FUSE_GETLK:
		get_lock(head, in);
		break;
	case FUSE_SETLK:
	case FUSE_SETLKW:
		set_lock(head, in);
		break;
	case FUSE_INTERRUPT:
		interrupt(((const struct fuse_interrupt_in *)in)->unique);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
		break;
	case FUSE_FLUSH:
	case FUSE_RELEASE:
	case FUSE_ACCESS:
		answer(head->unique, 0, NULL, 0);
		break;
	default:
		answer(head->unique, -EOPNOTSUPP, NULL, 0);
	}
}

static void serve_all(bool posix_locks)
{
	static __u64 in[BUFFER / sizeof(__u64)];
	const struct fuse_in_header *head = (void *)in;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (read(device, in, sizeof(in)) >= (ssize_t)sizeof(*head))
		serve(head, head + 1, posix_locks);
	_exit(0);
}

struct fuse_server *fuse_start(const char *dir, bool posix_locks)
{
	char options[96];
	pid_t pid;

	device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (device < 0)
		return NULL;
	server = mmap(NULL, sizeof(*server), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	snprintf(options, sizeof(options), "fd=%d,rootmode=40755,user_id=0,group_id=0", device);
	if (server == MAP_FAILED || mount("none", dir, "fuse", 0, options))
		return NULL;
	pid = fork();
	if (!pid)
		serve_all(posix_locks);
	close(device);
	return pid < 0 ? NULL : server;
}
