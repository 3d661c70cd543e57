// SPDX-License-Identifier: GPL-2.0
/*
 * hotmap: recordings. A file begins with MAGIC and VERSION, then comes one chunk after the other:
 *
 *	type, bytes, raw bytes, CRC-32	4 bytes each
 *	contents			so many bytes: the raw ones, packed by zlib
 *
 * The checksum is over the three numbers before it and the contents. The first chunk is a HEAD,
 * each SAMPLE after it is a frame that needs no other one, chunks of other types are passed over.
 * So a recording may end anywhere: all samples that are whole can be used. Numbers are
 * little-endian.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "hotmap.h"

#define MAGIC		"HotMap\r\n"
#define VERSION_1	1U

#define TYPE_HEAD	0x44414548U	/* "HEAD" */
#define TYPE_SAMPLE	0x4c504d53U	/* "SMPL" */

#define RAW_MAX		(256U << 20)
/* Times, in ms, are below this: the year 30000 or so. */
#define TIME_MAX	0x4000000000000ULL
#define NAME_MAX_BYTES	16384U

struct chunk_header {
	__u32 type, bytes, raw, crc;
};

/**
 * struct recording - a file that is being written or read
 * @file: belongs to the caller
 * @raw: contents of the chunk that is being made or taken apart
 * @used: bytes of @raw that are valid
 * @room: bytes that @raw has room for
 * @at: place in @raw, when reading
 * @bad: more was asked for than there is
 * @problem: why reading ended before the end, or NULL
 * @cut_off: that is all, and what a recorder leaves behind that was killed
 * @last_ms: time of the last frame that was read
 */
struct recording {
	FILE *file;
	__u8 *raw;
	size_t used, room, at;
	bool bad;
	const char *problem;
	bool cut_off;
	__u64 last_ms;
};

/* What cannot be packed becomes longer, but not more than this. */
static __u64 packed_max(__u64 raw)
{
	return raw + raw / 100 + 64;
}

static struct recording *recording_new(FILE *file)
{
	struct recording *rec = calloc(1, sizeof(*rec));

	if (rec)
		rec->file = file;
	return rec;
}

void recording_close(struct recording *rec)
{
	if (!rec)
		return;
	free(rec->raw);
	free(rec);
}

/* ---- numbers and texts in chunks ---- */

static bool make_room(struct recording *rec, size_t bytes)
{
	size_t room = rec->room ? rec->room : 4096;
	__u8 *raw;

	while (room < rec->used + bytes)
		room *= 2;
	if (room == rec->room)
		return true;
	raw = realloc(rec->raw, room);
	if (!raw)
		return false;
	rec->raw = raw;
	rec->room = room;
	return true;
}

static void put(struct recording *rec, const void *data, size_t bytes)
{
	if (rec->bad || !make_room(rec, bytes)) {
		rec->bad = true;
		return;
	}
	memcpy(rec->raw + rec->used, data, bytes);
	rec->used += bytes;
}

static void put32(struct recording *rec, __u32 value)
{
	value = htole32(value);
	put(rec, &value, sizeof(value));
}

static void put64(struct recording *rec, __u64 value)
{
	value = htole64(value);
	put(rec, &value, sizeof(value));
}

static void put_text(struct recording *rec, const char *text)
{
	size_t bytes = strlen(text);

	/* The kernel has no path so long. */
	if (bytes > NAME_MAX_BYTES)
		bytes = NAME_MAX_BYTES;
	put32(rec, bytes);
	put(rec, text, bytes);
}

static void get(struct recording *rec, void *data, size_t bytes)
{
	if (rec->bad || bytes > rec->used - rec->at) {
		rec->bad = true;
		memset(data, 0, bytes);
		return;
	}
	memcpy(data, rec->raw + rec->at, bytes);
	rec->at += bytes;
}

static __u32 get32(struct recording *rec)
{
	__u32 value;

	get(rec, &value, sizeof(value));
	return le32toh(value);
}

static __u64 get64(struct recording *rec)
{
	__u64 value;

	get(rec, &value, sizeof(value));
	return le64toh(value);
}

/* Harmless whatever the file has; NULL if something is wrong. */
static char *get_text(struct recording *rec)
{
	__u32 bytes = get32(rec);
	char *raw, *safe;

	if (bytes > NAME_MAX_BYTES || bytes > rec->used - rec->at) {
		rec->bad = true;
		return NULL;
	}
	raw = calloc(1, bytes + 1);
	if (!raw)
		return NULL;
	get(rec, raw, bytes);
	safe = text_safe(raw, true);
	free(raw);
	return safe;
}

/* ---- chunks ---- */

static __u32 checksum(const struct chunk_header *header, const void *contents, __u32 bytes)
{
	__u32 crc = crc32(0, (const void *)header, offsetof(struct chunk_header, crc));

	return crc32(crc, contents, bytes);
}

/* All at once, so that a chunk is cut off only by what ends the machine, or a full disk. */
static int write_chunk(struct recording *rec, __u32 type)
{
	unsigned long bytes = packed_max(rec->used);
	struct chunk_header *chunk;
	int ret = 0;

	if (rec->bad)
		return -ENOMEM;
	chunk = malloc(sizeof(*chunk) + bytes);
	if (!chunk)
		return -ENOMEM;
	if (compress((void *)(chunk + 1), &bytes, rec->raw, rec->used) != Z_OK) {
		free(chunk);
		return -ENOMEM;
	}
	chunk->type = htole32(type);
	chunk->bytes = htole32(bytes);
	chunk->raw = htole32(rec->used);
	chunk->crc = htole32(checksum(chunk, chunk + 1, bytes));
	errno = 0;
	if (fwrite(chunk, sizeof(*chunk) + bytes, 1, rec->file) != 1 || fflush(rec->file))
		ret = errno ? -errno : -EIO;
	free(chunk);
	rec->used = 0;
	return ret;
}

static int stop(struct recording *rec, const char *problem)
{
	rec->problem = problem;
	return 0;
}

/* Something is missing at the end, or could not be read. */
static int stop_short(struct recording *rec)
{
	if (ferror(rec->file))
		return -EIO;
	rec->cut_off = true;
	return stop(rec, "it ends in the middle of a sample");
}

/* Unpack @chunk, which is bytes long. 1, 0 if it is damaged, or a negative errno. */
static int unpack(struct recording *rec, const struct chunk_header *header, const void *contents,
		  __u32 bytes)
{
	unsigned long raw = le32toh(header->raw);

	if (checksum(header, contents, bytes) != le32toh(header->crc))
		return stop(rec, "it is damaged: a checksum is wrong");
	rec->used = 0;
	if (!make_room(rec, raw))
		return -ENOMEM;
	if (uncompress(rec->raw, &raw, contents, bytes) != Z_OK || raw != le32toh(header->raw))
		return stop(rec, "it is damaged: a sample cannot be unpacked");
	rec->used = raw;
	rec->at = 0;
	rec->bad = false;
	return 1;
}

/*
 * The contents, as far as they are there. Memory is asked for bit by bit: a length that is
 * wrong must not cost more than the file is long.
 */
static void *read_contents(struct recording *rec, __u32 bytes, size_t *there)
{
	size_t room = 0;
	char *contents = NULL;

	*there = 0;
	do {
		char *more;

		room = room ? 2 * room : 65536;
		if (room > bytes)
			room = bytes;
		more = realloc(contents, room + 1);
		if (!more) {
			free(contents);
			return NULL;
		}
		contents = more;
		*there += fread(contents + *there, 1, room - *there, rec->file);
	} while (*there == room && room < bytes);
	return contents;
}

/* 1; 0 at the end or where something is wrong; or a negative errno. */
static int read_chunk(struct recording *rec, __u32 *type)
{
	struct chunk_header header;
	size_t there = fread(&header, 1, sizeof(header), rec->file);
	__u32 bytes, raw;
	void *contents;
	int ret;

	if (!there && feof(rec->file))
		return 0;
	if (there < sizeof(header))
		return stop_short(rec);
	*type = le32toh(header.type);
	bytes = le32toh(header.bytes);
	raw = le32toh(header.raw);
	/* Nothing is packed better than 1032:1. */
	if (raw > RAW_MAX || bytes > packed_max(raw) || bytes < raw / 1040)
		return stop(rec, "it is damaged: a length is impossible");
	contents = read_contents(rec, bytes, &there);
	if (!contents)
		return -ENOMEM;
	ret = there < bytes ? stop_short(rec) : unpack(rec, &header, contents, bytes);
	free(contents);
	return ret;
}

/* ---- what is in them ---- */

/**
 * recording_create - begin a recording
 * @rec: out: to be closed with recording_close()
 * @file: to write to; remains the caller's
 * @subject: what it will be of
 *
 * Return: 0 or a negative errno.
 */
int recording_create(struct recording **rec, FILE *file, const struct subject *subject)
{
	__u32 version[2] = { htole32(VERSION_1), 0 };
	int ret = -ENOMEM;

	*rec = recording_new(file);
	if (!*rec)
		return ret;
	errno = 0;
	if (fwrite(MAGIC, sizeof(MAGIC) - 1, 1, file) != 1 ||
	    fwrite(version, sizeof(version), 1, file) != 1) {
		ret = errno ? -errno : -EIO;
	} else {
		put64(*rec, subject->start_ms);
		put64(*rec, subject->interval_ms);
		put32(*rec, subject->one_file);
		put_text(*rec, subject->path);
		ret = write_chunk(*rec, TYPE_HEAD);
	}
	if (ret) {
		recording_close(*rec);
		*rec = NULL;
	}
	return ret;
}

static void put_file(struct recording *rec, const struct file *file)
{
	put32(rec, file->key.type);
	put32(rec, file->key.bytes);
	put(rec, file->key.handle, file->key.bytes);
	put_text(rec, file->name);
	put64(rec, file->size);
	put32(rec, file->reads);
	put32(rec, file->writes);
	put64(rec, file->nr_ranges);
	for (size_t i = 0; i < file->nr_ranges; i++) {
		put64(rec, file->ranges[i].offset);
		put32(rec, file->ranges[i].reads);
		put32(rec, file->ranges[i].writes);
	}
}

/**
 * recording_add - add a frame
 * @left_out: out: files, the coldest, for which a sample has no room
 *
 * Return: 0 or a negative errno.
 */
int recording_add(struct recording *rec, struct frame *frame, size_t *left_out)
{
	size_t count = 0;
	__u64 bytes = 64;

	for (; count < frame->nr_files; count++) {
		const struct file *file = &frame->files[count];

		bytes += 64 + HOT_HANDLE_MAX + NAME_MAX_BYTES + file->nr_ranges * 16;
		if (bytes > RAW_MAX)
			break;
	}
	*left_out = frame->nr_files - count;
	put64(rec, frame->elapsed_ms);
	put64(rec, frame->half_life_ms);
	put32(rec, frame->range_shift);
	put64(rec, frame->tracked);
	put64(rec, frame->left_out);
	put32(rec, frame->complete && count == frame->nr_files);
	put64(rec, count);
	for (size_t i = 0; i < count; i++)
		put_file(rec, &frame->files[i]);
	return write_chunk(rec, TYPE_SAMPLE);
}

static int read_head(struct recording *rec, struct subject *subject)
{
	char magic[sizeof(MAGIC) - 1];
	__u32 version[2] = { 0 }, type;
	int ret;

	if (fread(magic, sizeof(magic), 1, rec->file) != 1 ||
	    memcmp(magic, MAGIC, sizeof(magic)) ||
	    fread(version, sizeof(version), 1, rec->file) != 1)
		return ferror(rec->file) ? -EIO : stop(rec, "it is not a recording of hotmap");
	if (le32toh(version[0]) != VERSION_1)
		return stop(rec, "a newer hotmap has made it, whose format is not known here");
	ret = read_chunk(rec, &type);
	if (ret <= 0)
		return ret;
	if (type != TYPE_HEAD)
		return stop(rec, "it is damaged: there is no head");
	subject->start_ms = get64(rec);
	subject->interval_ms = get64(rec);
	subject->one_file = get32(rec) & 1;
	subject->path = get_text(rec);
	if (!subject->path && !rec->bad)
		return -ENOMEM;
	if (rec->bad || subject->start_ms >= TIME_MAX || !subject->interval_ms ||
	    subject->interval_ms >= TIME_MAX)
		return stop(rec, "it is damaged: the head makes no sense");
	return 1;
}

/**
 * recording_open - begin to read a recording
 * @rec: out: to be closed with recording_close(), also after an error unless it is NULL
 * @file: to read from, seekable; remains the caller's
 * @subject: out: what it is of; its path is to be freed
 *
 * Return: 0; -EBADMSG, and recording_problem() tells; other negative errnos.
 */
int recording_open(struct recording **rec, FILE *file, struct subject *subject)
{
	int ret;

	*subject = (struct subject){ 0 };
	*rec = recording_new(file);
	if (!*rec)
		return -ENOMEM;
	ret = read_head(*rec, subject);
	if (ret == 1)
		return 0;
	if (!ret && !(*rec)->problem)
		stop(*rec, "it ends before its head");
	free(subject->path);
	subject->path = NULL;
	return ret ? ret : -EBADMSG;
}

static int get_ranges(struct recording *rec, struct file *file, unsigned int range_shift)
{
	const __u64 length = 1ULL << range_shift;
	__u64 end = 0;

	file->nr_ranges = get64(rec);
	/* Each is 16 bytes. */
	if (rec->bad || file->nr_ranges > (rec->used - rec->at) / 16) {
		file->nr_ranges = 0;
		rec->bad = true;
		return 0;
	}
	file->ranges = calloc(file->nr_ranges + 1, sizeof(*file->ranges));
	if (!file->ranges)
		return -ENOMEM;
	for (size_t i = 0; i < file->nr_ranges; i++) {
		struct range *r = &file->ranges[i];

		r->offset = get64(rec);
		r->reads = get32(rec);
		r->writes = get32(rec);
		/* In order, whole, and within the file. */
		if (r->offset % length || r->offset < end || r->offset >= file->size)
			rec->bad = true;
		end = r->offset + length;
	}
	return 0;
}

static int get_file(struct recording *rec, struct file *file, unsigned int range_shift)
{
	file->key.type = get32(rec);
	file->key.bytes = get32(rec);
	if (file->key.bytes > sizeof(file->key.handle)) {
		rec->bad = true;
		return 0;
	}
	get(rec, file->key.handle, file->key.bytes);
	file->name = get_text(rec);
	if (!file->name)
		return rec->bad ? 0 : -ENOMEM;
	file->size = get64(rec);
	file->reads = get32(rec);
	file->writes = get32(rec);
	/* As a file's length is signed, sums of two do not overflow. */
	if (file->size >> 63)
		rec->bad = true;
	return get_ranges(rec, file, range_shift);
}

static int get_frame(struct recording *rec, struct frame *frame)
{
	__u64 count;
	int ret = 0;

	frame->elapsed_ms = get64(rec);
	frame->half_life_ms = get64(rec);
	frame->range_shift = get32(rec);
	frame->tracked = get64(rec);
	frame->left_out = get64(rec);
	frame->complete = get32(rec) & 1;
	count = get64(rec);
	/* A file is more than 36 bytes. */
	if (rec->bad || count > (rec->used - rec->at) / 36 || !frame->half_life_ms ||
	    frame->range_shift < HOT_RANGE_SHIFT_MIN || frame->range_shift > HOT_RANGE_SHIFT_MAX ||
	    frame->elapsed_ms < rec->last_ms || frame->elapsed_ms >= TIME_MAX) {
		rec->bad = true;
		return 0;
	}
	frame->files = calloc(count + 1, sizeof(*frame->files));
	if (!frame->files)
		return -ENOMEM;
	while (frame->nr_files < count && !ret && !rec->bad)
		ret = get_file(rec, &frame->files[frame->nr_files++], frame->range_shift);
	return ret;
}

/**
 * recording_next - read the next frame
 * @frame: out: to be freed with frame_free() if 1 is returned
 *
 * Return: 1; 0 at the end, and recording_problem() tells whether it is a good one; a negative
 * errno.
 */
int recording_next(struct recording *rec, struct frame *frame)
{
	__u32 type = 0;
	int ret;

	*frame = (struct frame){ 0 };
	do {
		ret = rec->problem ? 0 : read_chunk(rec, &type);
		if (ret <= 0)
			return ret;
	} while (type != TYPE_SAMPLE);
	ret = get_frame(rec, frame);
	if (!ret && !rec->bad) {
		rec->last_ms = frame->elapsed_ms;
		return 1;
	}
	frame_free(frame);
	return ret ? ret : stop(rec, "it is damaged: a sample makes no sense");
}

/* Back to the first frame. */
int recording_rewind(struct recording *rec)
{
	struct subject subject = { 0 };
	int ret;

	if (fseek(rec->file, 0, SEEK_SET))
		return -errno;
	rec->problem = NULL;
	rec->cut_off = false;
	rec->last_ms = 0;
	ret = read_head(rec, &subject);
	free(subject.path);
	return ret == 1 ? 0 : ret ? ret : -EBADMSG;
}

const char *recording_problem(const struct recording *rec)
{
	return rec->problem;
}

bool recording_cut_off(const struct recording *rec)
{
	return rec->cut_off;
}
