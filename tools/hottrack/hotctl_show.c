// SPDX-License-Identifier: GPL-2.0
/* hotctl: state, heat of files, histogram. */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <libsmartcols/libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hotctl.h"
#include "libmounts.h"
#include "libunits.h"

/* ---- JSON, of which all functions take NULL: there was no memory, and the end will tell ---- */

static void put(struct json_object *in, const char *key, struct json_object *value)
{
	json_object_object_add(in, key, value);
}

static void put_u64(struct json_object *in, const char *key, __u64 value)
{
	put(in, key, json_object_new_uint64(value));
}

static void put_requests(struct json_object *in, const char *key, __u64 heat)
{
	put(in, key, json_object_new_double(hottrack_requests(heat)));
}

/* Prints { @key: @list } and frees it. */
static void print_json(const char *key, struct json_object *list)
{
	struct json_object *all = json_object_new_object();

	put(all, key, list);
	puts(json_object_to_json_string_ext(all, JSON_C_TO_STRING_PRETTY |
					    JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(all);
}

/* ---- status ---- */

static struct json_object *status_json(const char *point, const struct hot_ctl *ctl)
{
	struct json_object *fs = json_object_new_object();
	const bool on = ctl->state & HOT_STATE_ON;

	put(fs, "mount_point", json_object_new_string(point));
	put(fs, "state", json_object_new_string(on ? "on" : "off"));
	if (!on)
		return fs;
	put_u64(fs, "half_life_ms", ctl->half_life_ms);
	put_u64(fs, "range_size", 1ULL << ctl->range_shift);
	put_u64(fs, "max_item_bytes", ctl->max_item_bytes);
	put_u64(fs, "max_range_bytes", ctl->max_range_bytes);
	put_u64(fs, "item_bytes", ctl->item_bytes);
	put_u64(fs, "range_bytes", ctl->range_bytes);
	put_u64(fs, "items", ctl->items);
	put_u64(fs, "ranges", ctl->ranges);
	put_u64(fs, "range_slots", ctl->range_slots);
	put_u64(fs, "requests", ctl->requests);
	put_u64(fs, "evicted_items", ctl->evicted_items);
	put_u64(fs, "evicted_ranges", ctl->evicted_ranges);
	put_u64(fs, "dropped", ctl->dropped);
	return fs;
}

static void print_status(const char *point, const struct hot_ctl *ctl)
{
	char used[UNITS_TEXT], most[UNITS_TEXT];

	printf("%s: %s\n", point, ctl->state & HOT_STATE_ON ? "on" : "off");
	if (!(ctl->state & HOT_STATE_ON))
		return;
	printf("  half-life   %s\n", duration_text(used, ctl->half_life_ms));
	printf("  range size  %s\n", bytes_text(used, 1ULL << ctl->range_shift));
	printf("  requests    %llu counted, %llu dropped\n", ctl->requests, ctl->dropped);
	printf("  files       %llu with heat, %s of %s memory, %llu gave way\n", ctl->items,
	       bytes_text(used, ctl->item_bytes), bytes_text(most, ctl->max_item_bytes),
	       ctl->evicted_items);
	printf("  ranges      %llu of %llu with heat, %s of %s memory, %llu gave way\n",
	       ctl->ranges, ctl->range_slots, bytes_text(used, ctl->range_bytes),
	       bytes_text(most, ctl->max_range_bytes), ctl->evicted_ranges);
}

static int one_status(const char *path, struct json_object *list)
{
	struct hot_ctl ctl;
	struct hottrack *ht;
	int code = open_path(&ht, path), ret;

	if (code)
		return code;
	ret = hottrack_get(ht, &ctl);
	if (ret)
		code = fail(path, ret);
	else if (list)
		json_object_array_add(list, status_json(hottrack_mount_point(ht), &ctl));
	else
		print_status(hottrack_mount_point(ht), &ctl);
	hottrack_close(ht);
	return code;
}

/* A folder of each filesystem that is tracked. */
#define TRACKED "/sys/fs/hot_track"

/* All that are tracked, once each. */
static int all_status(struct json_object *list)
{
	struct mount_line mount = { 0 };
	char folder[64], (*seen)[64] = NULL;
	size_t count = 0;
	int code = EXIT_DONE;
	FILE *f = fopen(MOUNTS, "re");

	if (!f)
		return say(EXIT_INPUT, MOUNTS, "%s", strerror(errno));
	if (access(TRACKED, F_OK)) {
		fclose(f);
		return fail("status", -ENOTTY);
	}
	while (mounts_next(f, &mount)) {
		size_t i = 0;
		void *more;

		snprintf(folder, sizeof(folder), TRACKED "/%u:%u", mount.major,
			 mount.minor);
		while (i < count && strcmp(seen[i], folder))
			i++;
		if (i < count || access(folder, F_OK))
			continue;
		more = realloc(seen, (count + 1) * sizeof(*seen));
		if (!more) {
			mounts_free(&mount);
			code = fail("status", -ENOMEM);
			break;
		}
		seen = more;
		memcpy(seen[count++], folder, sizeof(folder));
		code = one_status(mount.point, list) ?: code;
	}
	fclose(f);
	free(seen);
	if (!count && !list && !code)
		puts("nothing is tracked");
	return code;
}

int show_status(const struct options *o, int count, char **paths)
{
	struct json_object *list = o->json ? json_object_new_array() : NULL;
	int code = EXIT_DONE;

	if (!count)
		code = all_status(list);
	for (int i = 0; i < count; i++)
		code = one_status(paths[i], list) ?: code;
	if (o->json)
		print_json("filesystems", list);
	return code;
}

/* ---- file ---- */

static struct json_object *file_json(const char *path, const struct hot_inode *heat,
				     const struct hottrack_ranges *ranges)
{
	struct json_object *file = json_object_new_object(), *list = json_object_new_array();

	put(file, "path", json_object_new_string(path));
	put_requests(file, "reads", heat->reads);
	put_requests(file, "writes", heat->writes);
	put_u64(file, "bytes_read", heat->bytes_read);
	put_u64(file, "bytes_written", heat->bytes_written);
	put(file, "age_ms", heat->item_flags & HOT_TRACKED ? json_object_new_uint64(heat->age_ms) :
							     NULL);
	put(file, "tracked", json_object_new_boolean(heat->item_flags & HOT_TRACKED));
	put(file, "volatile", json_object_new_boolean(heat->item_flags & HOT_VOLATILE));
	put(file, "openable", json_object_new_boolean(!(heat->item_flags & HOT_NOT_OPENABLE)));
	put_u64(file, "range_size", 1ULL << ranges->range_shift);
	for (size_t i = 0; i < ranges->count; i++) {
		struct json_object *range = json_object_new_object();

		put_u64(range, "offset", ranges->ranges[i].offset);
		put_requests(range, "reads", ranges->ranges[i].reads);
		put_requests(range, "writes", ranges->ranges[i].writes);
		put_u64(range, "age_ms", ranges->ranges[i].age_ms);
		json_object_array_add(list, range);
	}
	put(file, "ranges", list);
	return file;
}

static struct libscols_table *new_table(const char * const *columns, size_t count)
{
	struct libscols_table *table = scols_new_table();

	for (size_t i = 0; table && i < count; i++)
		if (!scols_table_new_column(table, columns[i], 0, SCOLS_FL_RIGHT)) {
			scols_unref_table(table);
			table = NULL;
		}
	return table;
}

/* A cell of a line, as for printf(). */
#define put_cell(line, column, ...) ({							\
	char *_text;									\
											\
	asprintf(&_text, __VA_ARGS__) < 0 ? -ENOMEM :					\
					    scols_line_refer_data(line, column, _text);	\
})

/* Print and free it; @ret is what filling it came to. */
static int print_table(struct libscols_table *table, int ret)
{
	if (!ret)
		ret = scols_print_table(table);
	scols_unref_table(table);
	return ret ? fail("table", ret) : EXIT_DONE;
}

static int print_ranges(const struct hottrack_ranges *ranges)
{
	static const char * const columns[] = { "OFFSET", "LENGTH", "READS", "WRITES", "AGE" };
	struct libscols_table *table = new_table(columns, 5);
	char text[UNITS_TEXT];
	int ret = 0;

	if (!table)
		return fail("table", -ENOMEM);
	for (size_t i = 0; !ret && i < ranges->count; i++) {
		const struct hot_range *range = &ranges->ranges[i];
		struct libscols_line *line = scols_table_new_line(table, NULL);

		if (!line) {
			ret = -ENOMEM;
			break;
		}
		ret = put_cell(line, 0, "%llu", range->offset) ?:
		      put_cell(line, 1, "%s", bytes_text(text, 1ULL << ranges->range_shift)) ?:
		      put_cell(line, 2, "%.2f", hottrack_requests(range->reads)) ?:
		      put_cell(line, 3, "%.2f", hottrack_requests(range->writes)) ?:
		      put_cell(line, 4, "%s", age_text(text, range->age_ms));
	}
	return print_table(table, ret);
}

static int print_file(const char *path, const struct hot_inode *heat,
		      const struct hottrack_ranges *ranges)
{
	char read[UNITS_TEXT], written[UNITS_TEXT], age[UNITS_TEXT];

	if (!(heat->item_flags & HOT_TRACKED)) {
		printf("%s: no request was counted\n", path);
		return EXIT_DONE;
	}
	printf("%s: heat %.2f of reads, %.2f of writes; ", path, hottrack_requests(heat->reads),
	       hottrack_requests(heat->writes));
	printf("%s read, %s written; latest request %s ago%s\n", bytes_text(read, heat->bytes_read),
	       bytes_text(written, heat->bytes_written), age_text(age, heat->age_ms),
	       heat->item_flags & HOT_VOLATILE ? "; heat ends when the file leaves memory" : "");
	return ranges->count ? print_ranges(ranges) : EXIT_DONE;
}

/* A file that may be opened but not for writing will do if it is one's own. */
static int open_file(const char *path)
{
	struct stat st;
	int fd;

	if (stat(path, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 && errno == EACCES)
		fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int one_file(const char *path, struct json_object *list)
{
	struct hottrack_ranges *ranges = NULL;
	struct hot_inode heat;
	int fd = open_file(path), ret, code = EXIT_DONE;

	if (fd == -EINVAL)
		return say(EXIT_INPUT, path, "is not a regular file; only such have heat");
	if (fd < 0)
		return say(EXIT_INPUT, path, "%s", strerror(-fd));
	ret = hottrack_file_heat(fd, &heat) ?: hottrack_file_ranges(fd, 0, 0, &ranges);
	close(fd);
	if (ret)
		return fail(path, ret);
	if (list)
		json_object_array_add(list, file_json(path, &heat, ranges));
	else
		code = print_file(path, &heat, ranges);
	free(ranges);
	return code;
}

int show_files(const struct options *o, int count, char **paths)
{
	struct json_object *list = o->json ? json_object_new_array() : NULL;
	int code = EXIT_DONE;

	for (int i = 0; i < count; i++)
		code = one_file(paths[i], list) ?: code;
	if (o->json)
		print_json("files", list);
	return code;
}

/* ---- histogram ---- */

/* Where a bucket begins, in units of 1/HOT_ONE. */
static __u64 bucket_start(int bucket)
{
	return bucket ? 1ULL << (bucket - 1) : 0;
}

static void histogram_json(const __u64 *buckets, int first, int last)
{
	struct json_object *list = json_object_new_array();

	for (int b = first; b <= last; b++) {
		struct json_object *bucket = json_object_new_object();

		put_requests(bucket, "from", bucket_start(b));
		put_requests(bucket, "to", bucket_start(b + 1));
		put_u64(bucket, "count", buckets[b]);
		json_object_array_add(list, bucket);
	}
	print_json("histogram", list);
}

#define BAR "########################################"

static int print_histogram(const __u64 *buckets, int first, int last, bool ranges)
{
	const char * const columns[] = { "FROM", "BELOW", ranges ? "RANGES" : "FILES" };
	struct libscols_table *table = new_table(columns, 3);
	__u64 most = 0;
	int ret = 0;

	if (!table || !scols_table_new_column(table, "", 0, 0)) {
		scols_unref_table(table);
		return fail("table", -ENOMEM);
	}
	for (int b = first; b <= last; b++)
		most = buckets[b] > most ? buckets[b] : most;
	for (int b = first; !ret && b <= last; b++) {
		struct libscols_line *line = scols_table_new_line(table, NULL);
		/* What is there at all is seen. */
		int bar = buckets[b] ? 1 + buckets[b] * (sizeof(BAR) - 2.0) / most : 0;

		if (!line) {
			ret = -ENOMEM;
			break;
		}
		ret = put_cell(line, 0, "%g", hottrack_requests(bucket_start(b))) ?:
		      put_cell(line, 1, "%g", hottrack_requests(bucket_start(b + 1))) ?:
		      put_cell(line, 2, "%llu", buckets[b]) ?:
		      put_cell(line, 3, "%.*s", bar, BAR);
	}
	return print_table(table, ret);
}

int show_histogram(const struct options *o, int count, char **paths)
{
	int code, ret, first = 0, last = HOT_BUCKETS - 1;
	struct hot_histogram histogram;
	struct hottrack *ht;

	(void)count;
	code = open_path(&ht, paths[0]);
	if (code)
		return code;
	ret = hottrack_histogram(ht, o->by | (o->ranges ? HOT_OF_RANGES : 0), &histogram);
	hottrack_close(ht);
	if (ret)
		return fail(paths[0], ret);
	while (first <= last && !histogram.buckets[first])
		first++;
	while (last > first && !histogram.buckets[last])
		last--;
	if (o->json)
		histogram_json(histogram.buckets, first, last);
	else if (first > last)
		puts("nothing has heat");
	else
		code = print_histogram(histogram.buckets, first, last, o->ranges);
	return code;
}
