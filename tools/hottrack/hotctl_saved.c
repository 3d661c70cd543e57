// SPDX-License-Identifier: GPL-2.0
/* hotctl: the file that heat is saved in. */
#include <byteswap.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "hottrack.h"
#include "hotctl_saved.h"

struct saved_writer {
	char *path, *temporary;
	FILE *f;
	__u64 count, bytes;
	__u32 crc;
};

static __u32 header_crc(const struct saved_header *header)
{
	return crc32(0, (const void *)header, offsetof(struct saved_header, header_crc));
}

/* Length bytes, or fewer at the end of the file; or a negative errno. */
static ssize_t read_all(int fd, void *buffer, size_t length)
{
	size_t filled = 0;

	while (filled < length) {
		ssize_t n = read(fd, (char *)buffer + filled, length - filled);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (!n)
			break;
		if (n > 0)
			filled += n;
	}
	return filled;
}

static const char *check_header(const struct saved_header *header, __u64 file_bytes)
{
	if (file_bytes < sizeof(header->magic) ||
	    memcmp(header->magic, SAVED_MAGIC, sizeof(header->magic)))
		return "is not a file of hotctl save";
	if (file_bytes < sizeof(*header))
		return "is cut off";
	if (header->version == bswap_32(SAVED_VERSION))
		return "was saved on a machine of another byte order";
	if (header->version != SAVED_VERSION)
		return "was saved by a newer hotctl, whose format this one does not know";
	if (header->header_crc != header_crc(header))
		return "is damaged";
	if (file_bytes - sizeof(*header) < header->bytes)
		return "is cut off";
	if (file_bytes - sizeof(*header) > header->bytes)
		return "is damaged: something is behind its end";
	return NULL;
}

static const char *check_records(const struct saved *saved)
{
	const struct saved_header *header = &saved->header;
	__u64 at = 0, count = 0;

	if (crc32_z(0, (const void *)saved->records, header->bytes) != header->records_crc)
		return "is damaged";
	while (at < header->bytes) {
		const struct hot_record *record = (struct hot_record *)(saved->records + at);
		int size = hottrack_check_record(record, header->bytes - at);

		/* What is volatile is not saved, and would not be loaded. */
		if (size < 0 || record->flags & HOT_VOLATILE)
			return "is damaged: a record is malformed";
		at += size;
		count++;
	}
	if (count != header->count)
		return "is damaged: the number of its records is wrong";
	return NULL;
}

static int read_open(int fd, struct saved *saved, const char **why)
{
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	n = read_all(fd, &saved->header, sizeof(saved->header));
	if (n < 0)
		return n;
	*why = check_header(&saved->header,
			    n < (ssize_t)sizeof(saved->header) ? n : st.st_size);
	if (*why)
		return -EBADMSG;
	saved->records = malloc(saved->header.bytes + 1);
	if (!saved->records)
		return -ENOMEM;
	n = read_all(fd, saved->records, saved->header.bytes);
	if (n < 0)
		return n;
	*why = (__u64)n == saved->header.bytes ? check_records(saved) : "is cut off";
	return *why ? -EBADMSG : 0;
}

int saved_read(const char *path, struct saved *saved, const char **why)
{
	/* Something else than a file may make open() wait. */
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC), ret;

	memset(saved, 0, sizeof(*saved));
	if (fd < 0)
		return -errno;
	ret = read_open(fd, saved, why);
	close(fd);
	if (ret) {
		free(saved->records);
		saved->records = NULL;
	}
	return ret;
}

int saved_create(const char *path, struct saved_writer **writer)
{
	static const struct saved_header zeros;
	struct saved_writer *w;
	struct stat st;
	int fd, ret;

	if (!stat(path, &st) && !S_ISREG(st.st_mode))
		return -EINVAL;
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	ret = -ENOMEM;
	/* A link is not replaced but what it leads to. */
	w->path = realpath(path, NULL);
	if (!w->path)
		w->path = strdup(path);
	if (!w->path || asprintf(&w->temporary, "%s.XXXXXX", w->path) < 0)
		goto free;
	fd = mkostemp(w->temporary, O_CLOEXEC);
	if (fd < 0) {
		ret = -errno;
		goto free;
	}
	w->f = fdopen(fd, "w");
	if (!w->f) {
		close(fd);
		goto unlink;
	}
	/* The header's place. */
	if (fwrite(&zeros, sizeof(zeros), 1, w->f) != 1) {
		ret = -errno;
		fclose(w->f);
		goto unlink;
	}
	*writer = w;
	return 0;
unlink:
	unlink(w->temporary);
free:
	free(w->temporary);
	free(w->path);
	free(w);
	return ret;
}

int saved_add(struct saved_writer *writer, const void *record, size_t bytes)
{
	if (fwrite(record, bytes, 1, writer->f) != 1)
		return -errno;
	writer->crc = crc32(writer->crc, record, bytes);
	writer->count++;
	writer->bytes += bytes;
	return 0;
}

static void writer_free(struct saved_writer *writer)
{
	free(writer->temporary);
	free(writer->path);
	free(writer);
}

void saved_abandon(struct saved_writer *writer)
{
	if (!writer)
		return;
	fclose(writer->f);
	unlink(writer->temporary);
	writer_free(writer);
}

/* A new name is lost with a crash until its folder is on the disk. */
static int sync_folder(const char *path)
{
	char *copy = strdup(path);
	int fd, ret = -ENOMEM;

	if (!copy)
		return ret;
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ret = fd < 0 || fsync(fd) ? -errno : 0;
	if (fd >= 0)
		close(fd);
	free(copy);
	return ret;
}

int saved_commit(struct saved_writer *writer, struct saved_header *header)
{
	int ret;

	memcpy(header->magic, SAVED_MAGIC, sizeof(header->magic));
	header->version = SAVED_VERSION;
	header->count = writer->count;
	header->bytes = writer->bytes;
	header->records_crc = writer->crc;
	header->reserved = 0;
	header->header_crc = header_crc(header);
	if (fseek(writer->f, 0, SEEK_SET) || fwrite(header, sizeof(*header), 1, writer->f) != 1 ||
	    fflush(writer->f) || fsync(fileno(writer->f)) ||
	    rename(writer->temporary, writer->path)) {
		ret = -errno;
		saved_abandon(writer);
		return ret;
	}
	fclose(writer->f);
	ret = sync_folder(writer->path);
	writer_free(writer);
	return ret;
}
