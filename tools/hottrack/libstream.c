// SPDX-License-Identifier: GPL-2.0
/* libhottrack: streams of records. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "libprivate.h"

#define BUFFER_BYTES (64 * 1024)

struct hottrack_stream {
	int fd;
	size_t at, filled;	/* bytes */
	__u64 words[BUFFER_BYTES / sizeof(__u64)];
};

EXPORT int hottrack_stream_open(struct hottrack *ht, unsigned int flags, __u32 threshold,
				struct hottrack_stream **stream)
{
	struct hot_stream ask = { .size = sizeof(ask), .flags = flags, .threshold = threshold };
	struct hottrack_stream *s = malloc(sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->at = 0;
	s->filled = 0;
	s->fd = hot_ioctl(ht->fd, HOT_STREAM, &ask);
	if (s->fd < 0) {
		int ret = s->fd;

		free(s);
		return ret;
	}
	*stream = s;
	return 0;
}

EXPORT void hottrack_stream_close(struct hottrack_stream *stream)
{
	if (!stream)
		return;
	close(stream->fd);
	free(stream);
}

EXPORT int hottrack_stream_fd(const struct hottrack_stream *stream)
{
	return stream->fd;
}

EXPORT bool hottrack_stream_pending(const struct hottrack_stream *stream)
{
	return stream->at < stream->filled;
}

EXPORT int hottrack_stream_next(struct hottrack_stream *stream, const struct hot_record **record)
{
	const char *buffer = (char *)stream->words;
	int size;

	if (!hottrack_stream_pending(stream)) {
		ssize_t n = read(stream->fd, stream->words, sizeof(stream->words));

		if (n <= 0)
			return n ? -errno : 0;
		stream->at = 0;
		stream->filled = n;
	}
	size = hottrack_check_record(buffer + stream->at, stream->filled - stream->at);
	if (size < 0) {
		/* Nothing tells where the next one would begin. */
		stream->at = stream->filled;
		return size;
	}
	*record = (struct hot_record *)(buffer + stream->at);
	stream->at += size;
	return 1;
}

EXPORT int hottrack_stream_rewind(struct hottrack_stream *stream)
{
	if (lseek(stream->fd, 0, SEEK_SET))
		return -errno;
	stream->at = 0;
	stream->filled = 0;
	return 0;
}
