// SPDX-License-Identifier: GPL-2.0
/* hotmap: the data behind the picture, for programs. */
#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "hotmap.h"

static void put(struct json_object *in, const char *key, struct json_object *value)
{
	json_object_object_add(in, key, value);
}

static void put_u64(struct json_object *in, const char *key, __u64 value)
{
	put(in, key, json_object_new_uint64(value));
}

static void put_heat(struct json_object *in, __u32 reads, __u32 writes, unsigned int by)
{
	put(in, "heat", json_object_new_double(hottrack_requests(heat_by(reads, writes, by))));
	put(in, "reads", json_object_new_double(hottrack_requests(reads)));
	put(in, "writes", json_object_new_double(hottrack_requests(writes)));
}

static struct json_object *file_object(const struct file *file, unsigned int by)
{
	struct json_object *object = json_object_new_object();
	struct json_object *ranges = json_object_new_array_ext(file->nr_ranges);

	put(object, "name", json_object_new_string(file->name));
	put_u64(object, "size", file->size);
	put_heat(object, file->reads, file->writes, by);
	for (size_t i = 0; i < file->nr_ranges; i++) {
		struct json_object *range = json_object_new_object();

		put_u64(range, "offset", file->ranges[i].offset);
		put_heat(range, file->ranges[i].reads, file->ranges[i].writes, by);
		json_object_array_add(ranges, range);
	}
	put(object, "ranges", ranges);
	return object;
}

/* Prints a frame as an object; 0 or a negative errno. */
static int print_frame(FILE *to, const struct subject *subject, const struct frame *frame,
		       const struct view *view, const char *name)
{
	struct json_object *object = json_object_new_object();
	struct json_object *files = json_object_new_array_ext(frame->nr_files);
	const char *text;

	put_u64(object, "time_ms", subject->start_ms + frame->elapsed_ms);
	put_u64(object, "half_life_ms", frame->half_life_ms);
	put_u64(object, "range_length", 1ULL << frame->range_shift);
	put_u64(object, "files_with_heat", frame->tracked);
	put(object, "ranges_left_out_below",
	    json_object_new_double(hottrack_requests(frame->left_out)));
	for (size_t i = 0; i < frame->nr_files; i++) {
		const struct file *file = &frame->files[i];

		if (view->files && json_object_array_length(files) == view->files)
			break;
		if (!name || strstr(file->name, name))
			json_object_array_add(files, file_object(file, view->by));
	}
	put(object, "files", files);
	text = object && files ? json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN) :
				 NULL;
	if (text)
		fputs(text, to);
	json_object_put(object);
	return text ? 0 : -ENOMEM;
}

static void print_head(FILE *to, const struct subject *subject, unsigned int by)
{
	struct json_object *path = json_object_new_string(subject->path);

	fprintf(to, "{\"path\":%s,\"by\":\"%s\",\"interval_ms\":%llu,\"samples\":[\n",
		json_object_to_json_string_ext(path, JSON_C_TO_STRING_PLAIN),
		by == HOT_BY_READS ? "reads" : by == HOT_BY_WRITES ? "writes" : "total",
		subject->interval_ms);
	json_object_put(path);
}

static int print_end(FILE *to, int ret)
{
	fputs("\n]}\n", to);
	if (ret)
		return ret;
	return ferror(to) ? errno ? -errno : -EIO : 0;
}

/* One frame as a recording of one sample. */
int json_frame(FILE *to, const struct subject *subject, const struct frame *frame,
	       const struct view *view)
{
	errno = 0;
	print_head(to, subject, view->by);
	return print_end(to, print_frame(to, subject, frame, view, NULL));
}

/* All of a recording, from its first frame on; with @name, only files that have it in theirs. */
int json_recording(FILE *to, const struct subject *subject, struct recording *rec,
		   const struct view *view, const char *name)
{
	struct frame frame;
	const char *comma = "";
	int ret;

	errno = 0;
	print_head(to, subject, view->by);
	while ((ret = recording_next(rec, &frame)) > 0) {
		fputs(comma, to);
		comma = ",\n";
		ret = print_frame(to, subject, &frame, view, name);
		frame_free(&frame);
		if (ret < 0 || ferror(to))
			break;
	}
	return print_end(to, ret);
}
