// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <linux/fs.h>
#include <linux/fuse.h>

#include "fuse.h"

#define NODES	200
#define BUFFER	(256 * 1024)

/* A node's number is its index, that of the root is FUSE_ROOT_ID; parent 0: there is none. */
static struct node {
	__u64 parent;
	mode_t mode;
	char name[32];
	char data[64];
	__u32 size;
} nodes[NODES];

static int device;

/* 0 if there is none. */
static __u64 find(__u64 parent, const char *name)
{
	__u64 i;

	for (i = FUSE_ROOT_ID + 1; i < NODES; i++)
		if (nodes[i].parent == parent && !strcmp(nodes[i].name, name))
			return i;
	return 0;
}

static struct fuse_attr attributes(__u64 nr)
{
	return (struct fuse_attr) {
		.ino = nr,
		.size = nodes[nr].size,
		.mode = nodes[nr].mode,
		.nlink = 1,
		.blksize = 4096,
	};
}

static int tell_attributes(__u64 nr, struct fuse_attr_out *out)
{
	*out = (struct fuse_attr_out) { .attr = attributes(nr) };
	return sizeof(*out);
}

static struct fuse_entry_out entry(__u64 nr)
{
	return (struct fuse_entry_out) { .nodeid = nr, .attr = attributes(nr) };
}

static int make(__u64 parent, const char *name, mode_t mode, struct fuse_entry_out *out)
{
	__u64 nr;

	for (nr = FUSE_ROOT_ID + 1; nr < NODES && nodes[nr].parent; nr++)
		;
	if (nr == NODES)
		return -ENOSPC;
	nodes[nr] = (struct node) { .parent = parent, .mode = mode };
	snprintf(nodes[nr].name, sizeof(nodes[nr].name), "%s", name);
	*out = entry(nr);
	return sizeof(*out);
}

/* Make and open. */
static int create(__u64 parent, const struct fuse_create_in *in, char *out)
{
	int ret = make(parent, (const char *)(in + 1), in->mode, (void *)out);

	if (ret < 0)
		return ret;
	memset(out + ret, 0, sizeof(struct fuse_open_out));
	return ret + sizeof(struct fuse_open_out);
}

static void move(__u64 nr, __u64 parent, const char *name)
{
	nodes[nr].parent = parent;
	snprintf(nodes[nr].name, sizeof(nodes[nr].name), "%s", name);
}

static int rename_node(__u64 from_dir, const char *from, __u64 to_dir, unsigned int flags)
{
	__u64 source = find(from_dir, from), target;
	const char *to = from + strlen(from) + 1;

	target = find(to_dir, to);
	if (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	if (!source || (!target && flags & RENAME_EXCHANGE))
		return -ENOENT;
	if (target && flags & RENAME_NOREPLACE)
		return -EEXIST;
	if (flags & RENAME_EXCHANGE)
		move(target, from_dir, from);
	else if (target)
		nodes[target].parent = 0;
	move(source, to_dir, to);
	return 0;
}

static int write_data(struct node *node, const struct fuse_write_in *in, struct fuse_write_out *out)
{
	if (in->offset + in->size > sizeof(node->data))
		return -EFBIG;
	memcpy(node->data + in->offset, in + 1, in->size);
	if (in->offset + in->size > node->size)
		node->size = in->offset + in->size;
	*out = (struct fuse_write_out) { .size = in->size };
	return sizeof(*out);
}

static int read_data(const struct node *node, const struct fuse_read_in *in, void *out)
{
	if (in->offset >= node->size)
		return 0;
	memcpy(out, node->data + in->offset, node->size - in->offset);
	return node->size - in->offset;
}

/* The length of the answer in @out, or -errno. */
static int serve(const struct fuse_in_header *head, const void *in, void *out)
{
	const struct fuse_setattr_in *change = in;
	const struct fuse_rename2_in *rename2 = in;
	struct node *node = &nodes[head->nodeid];
	__u64 nr;

	switch (head->opcode) {
	case FUSE_INIT:
		*(struct fuse_init_out *)out = (struct fuse_init_out) {
			.major = FUSE_KERNEL_VERSION,
			.minor = FUSE_KERNEL_MINOR_VERSION,
			.max_write = 4096,
		};
		return sizeof(struct fuse_init_out);
	case FUSE_LOOKUP:
		nr = find(head->nodeid, in);
		if (!nr)
			return -ENOENT;
		*(struct fuse_entry_out *)out = entry(nr);
		return sizeof(struct fuse_entry_out);
	case FUSE_SETATTR:
		if (change->valid & FATTR_SIZE)
			node->size = change->size;
		if (change->valid & FATTR_MODE)
			node->mode = change->mode;
		return tell_attributes(head->nodeid, out);
	case FUSE_GETATTR:
		return tell_attributes(head->nodeid, out);
	case FUSE_MKDIR:
		return make(head->nodeid, (const char *)in + sizeof(struct fuse_mkdir_in),
			    S_IFDIR | ((const struct fuse_mkdir_in *)in)->mode, out);
	case FUSE_MKNOD:
		return make(head->nodeid, (const char *)in + sizeof(struct fuse_mknod_in),
			    ((const struct fuse_mknod_in *)in)->mode, out);
	case FUSE_CREATE:
		return create(head->nodeid, in, out);
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		memset(out, 0, sizeof(struct fuse_open_out));
		return sizeof(struct fuse_open_out);
	case FUSE_READ:
		return read_data(node, in, out);
	case FUSE_WRITE:
		return write_data(node, in, out);
	case FUSE_UNLINK:
	case FUSE_RMDIR:
		nr = find(head->nodeid, in);
		nodes[nr].parent = 0;
		return nr ? 0 : -ENOENT;
	case FUSE_RENAME:
		return rename_node(head->nodeid,
				   (const char *)in + sizeof(struct fuse_rename_in),
				   ((const struct fuse_rename_in *)in)->newdir, 0);
	case FUSE_RENAME2:
		return rename_node(head->nodeid, (const char *)(rename2 + 1), rename2->newdir,
				   rename2->flags);
	case FUSE_ACCESS:
	case FUSE_FLUSH:
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
	case FUSE_DESTROY:
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

static void *serve_all(void *arg)
{
	static __u64 in[BUFFER / sizeof(__u64)], out[1024];
	const struct fuse_in_header *head = (void *)in;
	struct fuse_out_header *answer = (void *)out;
	int ret;

	(void)arg;
	/* It ends when it is unmounted. */
	while (read(device, in, sizeof(in)) >= (ssize_t)sizeof(*head)) {
		if (head->opcode == FUSE_FORGET || head->opcode == FUSE_BATCH_FORGET)
			continue;
		ret = serve(head, head + 1, answer + 1);
		*answer = (struct fuse_out_header) {
			.len = sizeof(*answer) + (ret > 0 ? ret : 0),
			.error = ret < 0 ? ret : 0,
			.unique = head->unique,
		};
		if (write(device, out, answer->len) < 0 && errno != ENOENT)
			break;
	}
	return NULL;
}

int fuse_mount(const char *dir)
{
	char options[96];
	pthread_t thread;

	device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (device < 0)
		return -errno;
	nodes[FUSE_ROOT_ID] = (struct node) { .parent = FUSE_ROOT_ID, .mode = S_IFDIR | 0755 };
	snprintf(options, sizeof(options), "fd=%d,rootmode=40755,user_id=0,group_id=0", device);
	if (mount("none", dir, "fuse", 0, options))
		return -errno;
	return -pthread_create(&thread, NULL, serve_all, NULL);
}
