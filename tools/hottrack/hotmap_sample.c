// SPDX-License-Identifier: GPL-2.0
/*
 * hotmap: ask the kernel. The files are not opened: that could take leases from programs and
 * delay them. Ranges come from the list of the hottest ones and find their file by the handle.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hotmap.h"

static struct key key_of(const struct hot_record *r)
{
	struct key key = { .type = r->handle_type };

	key.bytes = r->handle_bytes < sizeof(key.handle) ? r->handle_bytes : sizeof(key.handle);
	memcpy(key.handle, r->handle, key.bytes);
	return key;
}

/* Out: what is known of the file. */
static int name_file(struct hottrack *ht, const struct hot_record *r, struct file *file)
{
	struct hottrack_file known;
	char *described;
	int ret = hottrack_resolve(ht, r, &known);

	if (ret)
		return ret;
	described = hottrack_describe(&known);
	free(known.path);
	free(file->name);
	file->name = described ? text_safe(described, true) : NULL;
	free(described);
	return file->name ? 0 : -ENOMEM;
}

static int name_files(struct hottrack *ht, const struct hottrack_list *list, struct frame *frame)
{
	int ret = 0;

	for (size_t i = 0; i < list->count && !ret; i++)
		ret = name_file(ht, list->records[i], &frame->files[i]);
	return ret;
}

/* 0 if it is not known. */
static __u64 size_of(struct hottrack *ht, const struct hot_record *r)
{
	int fd = hottrack_open_record(ht, r, O_PATH);
	struct stat st;
	bool known = fd >= 0 && !fstat(fd, &st);

	if (fd >= 0)
		close(fd);
	return known ? st.st_size : 0;
}

static int by_key(const void *a, const void *b)
{
	return key_compare(&(*(struct file * const *)a)->key, &(*(struct file * const *)b)->key);
}

static struct file *file_of(struct file **sorted, size_t count, const struct hot_record *r)
{
	struct file wanted = { .key = key_of(r) };
	struct file *pointer = &wanted, **found;

	found = bsearch(&pointer, sorted, count, sizeof(*sorted), by_key);
	return found ? *found : NULL;
}

static int add_ranges(struct file **sorted, size_t count, const struct hottrack_list *list)
{
	/* First how many, then which. */
	for (size_t i = 0; i < list->count; i++) {
		struct file *file = file_of(sorted, count, list->records[i]);

		if (file)
			file->nr_ranges++;
	}
	for (size_t i = 0; i < count; i++) {
		sorted[i]->ranges = calloc(sorted[i]->nr_ranges + 1, sizeof(struct range));
		if (!sorted[i]->ranges)
			return -ENOMEM;
		sorted[i]->nr_ranges = 0;
	}
	for (size_t i = 0; i < list->count; i++) {
		const struct hot_record *r = list->records[i];
		struct file *file = file_of(sorted, count, r);

		if (file)
			file->ranges[file->nr_ranges++] =
				(struct range){ r->offset, r->reads, r->writes };
	}
	return 0;
}

/* In order; and without those behind the end, whose heat the kernel keeps until it has decayed. */
static void tidy_ranges(struct file *file, unsigned int range_shift)
{
	qsort(file->ranges, file->nr_ranges, sizeof(struct range), range_compare);
	if (!file->size && file->nr_ranges)
		file->size = file->ranges[file->nr_ranges - 1].offset + (1ULL << range_shift);
	while (file->nr_ranges && file->ranges[file->nr_ranges - 1].offset >= file->size)
		file->nr_ranges--;
}

static int read_ranges(struct hottrack *ht, unsigned int by, struct frame *frame)
{
	struct file **sorted = calloc(frame->nr_files + 1, sizeof(*sorted));
	struct hottrack_list *list = NULL;
	int ret = sorted ? hottrack_top(ht, by | HOT_OF_RANGES, HOT_COUNT_MAX, &list) : -ENOMEM;

	if (ret)
		goto out;
	for (size_t i = 0; i < frame->nr_files; i++)
		sorted[i] = &frame->files[i];
	qsort(sorted, frame->nr_files, sizeof(*sorted), by_key);
	ret = add_ranges(sorted, frame->nr_files, list);
	if (!ret && list->count == HOT_COUNT_MAX) {
		const struct hot_record *coldest = list->records[list->count - 1];

		frame->left_out = heat_by(coldest->reads, coldest->writes, by);
	}
out:
	free(list);
	free(sorted);
	return ret;
}

static int read_files(struct hottrack *ht, const struct hottrack_list *list, struct frame *frame)
{
	frame->files = calloc(list->count + 1, sizeof(*frame->files));
	if (!frame->files)
		return -ENOMEM;
	frame->nr_files = list->count;
	for (size_t i = 0; i < list->count; i++) {
		const struct hot_record *r = list->records[i];
		struct file *file = &frame->files[i];

		file->key = key_of(r);
		file->reads = r->reads;
		file->writes = r->writes;
		file->size = size_of(ht, r);
	}
	return 0;
}

static int read_settings(struct hottrack *ht, struct frame *frame)
{
	struct hot_ctl ctl;
	int ret = hottrack_get(ht, &ctl);

	if (ret)
		return ret;
	frame->half_life_ms = ctl.half_life_ms;
	frame->range_shift = ctl.range_shift;
	frame->tracked = ctl.items;
	return 0;
}

/**
 * sample_filesystem - the hottest files of a filesystem with their ranges
 * @by: hottest by what, HOT_BY_*
 * @files: how many files
 * @search: look through the folders for names that the kernel does not know
 * @frame: out: all but @elapsed_ms
 */
int sample_filesystem(struct hottrack *ht, unsigned int by, unsigned int files, bool search,
		      struct frame *frame)
{
	struct hottrack_list *list = NULL;
	int ret;

	*frame = (struct frame){ 0 };
	ret = read_settings(ht, frame);
	if (!ret)
		ret = hottrack_top(ht, by, files, &list);
	if (!ret)
		frame->complete = list->count < files;
	if (!ret)
		ret = read_files(ht, list, frame);
	if (!ret)
		ret = read_ranges(ht, by, frame);
	if (!ret)
		ret = name_files(ht, list, frame);
	if (!ret && search) {
		ret = hottrack_search(ht, 0);
		if (ret >= 0)
			ret = name_files(ht, list, frame);
	}
	free(list);
	for (size_t i = 0; i < frame->nr_files && !ret; i++)
		tidy_ranges(&frame->files[i], frame->range_shift);
	if (ret)
		frame_free(frame);
	return ret;
}

static int fill_file(struct file *file, int fd, const char *path)
{
	struct hottrack_ranges *ranges = NULL;
	struct hot_inode heat;
	struct stat st;
	int ret = fstat(fd, &st) ? -errno : hottrack_file_heat(fd, &heat);

	if (!ret)
		ret = hottrack_file_ranges(fd, 0, 0, &ranges);
	if (ret)
		return ret;
	file->size = st.st_size;
	file->reads = heat.reads;
	file->writes = heat.writes;
	file->nr_ranges = ranges->count;
	file->ranges = calloc(ranges->count + 1, sizeof(*file->ranges));
	file->name = strdup(path);
	for (size_t i = 0; i < ranges->count && file->ranges; i++)
		file->ranges[i] = (struct range){ ranges->ranges[i].offset,
						  ranges->ranges[i].reads,
						  ranges->ranges[i].writes };
	free(ranges);
	return file->ranges && file->name ? 0 : -ENOMEM;
}

/**
 * sample_file - one file, all of its ranges; needs the right to write it only
 * @ht: was opened with the file itself
 * @path: its name, for the frame
 * @frame: out: all but @elapsed_ms
 */
int sample_file(struct hottrack *ht, const char *path, struct frame *frame)
{
	int ret;

	*frame = (struct frame){ 0 };
	ret = read_settings(ht, frame);
	if (ret)
		return ret;
	frame->files = calloc(1, sizeof(*frame->files));
	if (!frame->files)
		return -ENOMEM;
	frame->nr_files = 1;
	ret = fill_file(frame->files, hottrack_fd(ht), path);
	if (!ret)
		tidy_ranges(frame->files, frame->range_shift);
	else
		frame_free(frame);
	return ret;
}
