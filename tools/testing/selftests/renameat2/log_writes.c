// SPDX-License-Identifier: GPL-2.0
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <linux/dm-ioctl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/types.h>

#include "log_writes.h"

#define CONTROL		"/dev/mapper/control"
#define TARGET		"log-writes"
#define SECTOR		512
#define MAGIC		0x6a736677736872ULL
#define VERSION		1
/* Flags of an entry. */
#define LOG_FLUSH	0x1
#define LOG_FUA		0x2
#define LOG_DISCARD	0x4
#define LOG_MARK	0x8

/* On the log device: a sector that begins with this, */
struct log_super {
	__u64 magic;
	__u64 version;
	__u64 nr_entries;
	__u32 sector_size;
};

/* and for each entry a sector that begins with this, then the sectors that were written. */
struct log_head {
	__u64 sector;
	__u64 nr_sectors;
	__u64 flags;
	__u64 data_len;	/* of a mark, which stands after this in the same sector */
};

/* A request of device-mapper with what follows it. */
struct request {
	struct dm_ioctl head;
	union {
		struct {
			struct dm_target_spec spec;
			char parameters[128];
		} table;
		struct {
			/* The sector of struct dm_target_msg, which ends in the text. */
			__u64 sector;
			char text[64];
		} message;
	};
};

static int dm(const struct log_disk *disk, unsigned long command, struct request *request)
{
	request->head.version[0] = DM_VERSION_MAJOR;
	request->head.data_size = sizeof(*request);
	request->head.data_start = offsetof(struct request, table);
	snprintf(request->head.name, sizeof(request->head.name), "%s", disk->name);
	return ioctl(disk->control, command, request) ? -errno : 0;
}

static int dm_message(const struct log_disk *disk, const char *word, const char *argument)
{
	struct request request = {};

	snprintf(request.message.text, sizeof(request.message.text), "%s %s", word, argument);
	return dm(disk, DM_TARGET_MSG, &request);
}

static int dm_load(const struct log_disk *disk, const char *data, const char *log)
{
	struct request request = { .head.target_count = 1 };
	int fd = open(data, O_RDONLY | O_CLOEXEC);
	__u64 size;
	int ret;

	if (fd < 0)
		return -errno;
	ret = ioctl(fd, BLKGETSIZE64, &size) ? -errno : 0;
	close(fd);
	if (ret)
		return ret;
	request.table.spec.length = size / SECTOR;
	memcpy(request.table.spec.target_type, TARGET, sizeof(TARGET));
	snprintf(request.table.parameters, sizeof(request.table.parameters), "%s %s", data, log);
	ret = dm(disk, DM_TABLE_LOAD, &request);
	if (ret)
		return ret;
	/* Without the flag that would suspend it: to resume it, which makes the table live. */
	return dm(disk, DM_DEV_SUSPEND, &(struct request) {});
}

int log_disk_make(struct log_disk *disk, const char *dir, const char *data, const char *log)
{
	static int number;
	struct request request = {};
	int ret;

	*disk = (struct log_disk) { .control = open(CONTROL, O_RDWR | O_CLOEXEC), .device = -1 };
	if (disk->control < 0)
		return -errno;
	snprintf(disk->name, sizeof(disk->name), "crash-%d-%d", getpid(), number++);
	snprintf(disk->node, sizeof(disk->node), "%s/%s", dir, disk->name);
	ret = dm(disk, DM_DEV_CREATE, &request);
	if (ret)
		goto out_control;
	ret = dm_load(disk, data, log);
	if (!ret && mknod(disk->node, S_IFBLK | 0600, request.head.dev))
		ret = -errno;
	if (!ret)
		disk->device = open(disk->node, O_RDONLY | O_CLOEXEC);
	if (disk->device < 0)
		ret = ret ?: -errno;
	/* As it is open, this removes it when its last user is gone. */
	request = (struct request) { .head.flags = DM_DEFERRED_REMOVE };
	dm(disk, DM_DEV_REMOVE, &request);
	if (!ret)
		return 0;
	unlink(disk->node);
out_control:
	close(disk->control);
	return ret;
}

int log_disk_mark(const struct log_disk *disk, const char *mark)
{
	return dm_message(disk, "mark", mark);
}

int log_disk_flush(const struct log_disk *disk)
{
	return fsync(disk->device) ? -errno : 0;
}

int log_disk_remove(struct log_disk *disk)
{
	int ret = dm_message(disk, "@cancel_deferred_remove", "");

	close(disk->device);
	/* Not deferred: then it waits until everything is in the log. */
	ret = dm(disk, DM_DEV_REMOVE, &(struct request) {}) ?: ret;
	close(disk->control);
	unlink(disk->node);
	return ret;
}

static int read_entry(const struct log *log, off_t *at, struct log_entry *entry)
{
	char sector[SECTOR];
	struct log_head head;
	__u64 flags;
	size_t len;

	if (pread(log->fd, sector, SECTOR, *at) != SECTOR)
		return -EIO;
	memcpy(&head, sector, sizeof(head));
	flags = le64toh(head.flags);
	*at += SECTOR;
	*entry = (struct log_entry) {
		.offset = le64toh(head.sector) * SECTOR,
		.len = le64toh(head.nr_sectors) * SECTOR,
		.data = *at,
		.barrier = flags & (LOG_FLUSH | LOG_FUA),
		.discard = flags & LOG_DISCARD,
	};
	if (flags & LOG_MARK) {
		len = le64toh(head.data_len);
		if (len >= LOG_MARK_SIZE)
			return -EIO;
		memcpy(entry->mark, sector + sizeof(head), len);
	}
	if (!entry->discard)
		*at += entry->len;
	return 0;
}

int log_read(struct log *log, int fd)
{
	struct log_super super;
	off_t at = SECTOR;
	size_t i;
	int ret = 0;

	*log = (struct log) { .fd = fd };
	if (pread(fd, &super, sizeof(super), 0) != sizeof(super) ||
	    le64toh(super.magic) != MAGIC || le64toh(super.version) != VERSION ||
	    le32toh(super.sector_size) != SECTOR)
		return -EIO;
	log->count = le64toh(super.nr_entries);
	log->entries = calloc(log->count, sizeof(*log->entries));
	if (!log->entries)
		return -ENOMEM;
	for (i = 0; i < log->count && !ret; i++)
		ret = read_entry(log, &at, &log->entries[i]);
	if (ret)
		log_free(log);
	return ret;
}

void log_free(struct log *log)
{
	free(log->entries);
	log->entries = NULL;
	log->count = 0;
}

ssize_t log_find(const struct log *log, const char *mark)
{
	size_t i;

	for (i = 0; i < log->count; i++)
		if (!strcmp(log->entries[i].mark, mark))
			return i;
	return -1;
}

bool log_writes(const struct log *log, size_t index)
{
	return log->entries[index].len;
}

int log_replay(const struct log *log, size_t index, int image)
{
	const struct log_entry *entry = &log->entries[index];
	char buffer[65536];
	size_t done, len;

	/* A disk need not zero what is discarded, but the one below, a loop device, does. */
	if (entry->discard && entry->len)
		return fallocate(image, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, entry->offset,
				 entry->len) ? -errno : 0;
	for (done = 0; done < entry->len; done += len) {
		len = entry->len - done;
		if (len > sizeof(buffer))
			len = sizeof(buffer);
		if (pread(log->fd, buffer, len, entry->data + done) != (ssize_t)len ||
		    pwrite(image, buffer, len, entry->offset + done) != (ssize_t)len)
			return -EIO;
	}
	return 0;
}
