// SPDX-License-Identifier: GPL-2.0
/* A kernel with hot tracking for the tests; see lib_mock.h. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib_mock.h"

#define EXPORT __attribute__((visibility("default")))

EXPORT struct mock *mock;

/* The number of the inode in two halves, and a generation. */
struct mock_handle {
	__u32 low, high, generation;
};

static struct mock_handle handle_of(__u64 inode)
{
	return (struct mock_handle){ .low = inode, .high = inode >> 32, .generation = 7 };
}

static __u64 inode_in(const void *handle)
{
	struct mock_handle h;

	memcpy(&h, handle, sizeof(h));
	return (__u64)h.high << 32 | h.low;
}

static __u64 inode_of(const char *path)
{
	struct stat st;

	return lstat(path, &st) ? 0 : st.st_ino;
}

EXPORT unsigned int mock_file(const char *path, __u32 flags, double reads, double writes)
{
	struct mock_item *item;

	if (mock->items == MOCK_ITEMS)
		errx(1, "mock: too many files");
	item = &mock->item[mock->items];
	*item = (struct mock_item){
		.inode = inode_of(path),
		.flags = flags | HOT_TRACKED,
		.reads = lround(reads * HOT_ONE),
		.writes = lround(writes * HOT_ONE),
	};
	if (!item->inode)
		err(1, "mock: %s", path);
	snprintf(item->path, sizeof(item->path), "%s", path);
	return mock->items++;
}

EXPORT void mock_range(unsigned int item, __u64 offset, double reads, double writes)
{
	if (mock->ranges == MOCK_RANGES)
		errx(1, "mock: too many ranges");
	mock->range[mock->ranges++] = (struct mock_range){
		.item = item,
		.offset = offset,
		.reads = lround(reads * HOT_ONE),
		.writes = lround(writes * HOT_ONE),
	};
}

static void defaults(void)
{
	mock->ctl = (struct hot_ctl){
		.size = sizeof(mock->ctl),
		.range_shift = HOT_RANGE_SHIFT_DEFAULT,
		.half_life_ms = HOT_HALF_LIFE_DEFAULT_MS,
		.max_item_bytes = 1 << 20,
		.max_range_bytes = 1 << 20,
	};
	mock->uuid = 0x5a;
}

EXPORT void mock_reset(void)
{
	static struct mock own;

	mock = &own;
	memset(mock, 0, sizeof(*mock));
	defaults();
}

static void read_line(const char *line)
{
	unsigned long long offset, read, written, age;
	unsigned int number, flags;
	double reads, writes;
	char path[MOCK_PATH];

	if (sscanf(line, "file %lf %lf %llu %llu %llu %x %511[^\n]", &reads, &writes, &read,
		   &written, &age, &flags, path) == 7) {
		struct mock_item *item = &mock->item[mock_file(path, flags, reads, writes)];

		item->bytes_read = read;
		item->bytes_written = written;
		item->age_ms = age;
	} else if (sscanf(line, "range %llu %lf %lf %llu %511[^\n]", &offset, &reads, &writes, &age,
			  path) == 5) {
		unsigned int item = 0;

		while (item < mock->items && strcmp(mock->item[item].path, path))
			item++;
		if (item == mock->items)
			errx(1, "mock: %s has no heat", path);
		mock_range(item, offset, reads, writes);
		mock->range[mock->ranges - 1].age_ms = age;
	} else if (sscanf(line, "half_life %llu", &age) == 1) {
		mock->ctl.half_life_ms = age;
	} else if (sscanf(line, "range_shift %u", &number) == 1) {
		mock->ctl.range_shift = number;
	} else if (sscanf(line, "error %x %u", &number, &flags) == 2 && number - 0x60 < 8) {
		mock->errors[number - 0x60] = flags;
	} else if (sscanf(line, "uuid %u", &number) == 1) {
		mock->uuid = number;
	} else if (!strcmp(line, "on\n")) {
		mock->ctl.state = HOT_STATE_ON;
	} else if (*line != '\n') {
		errx(1, "mock: what is '%s'?", line);
	}
}

static __attribute__((constructor)) void mock_start(void)
{
	const char *file = getenv("HOT_MOCK");
	char line[1024], script[1024];
	FILE *f;
	int fd;

	if (!file)
		return;
	fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, sizeof(*mock)))
		err(1, "mock: %s", file);
	mock = mmap(NULL, sizeof(*mock), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (mock == MAP_FAILED)
		err(1, "mock: %s", file);
	close(fd);
	if (mock->ctl.size)
		return;
	defaults();
	snprintf(script, sizeof(script), "%s.txt", file);
	f = fopen(script, "re");
	while (f && fgets(line, sizeof(line), f))
		read_line(line);
	if (f)
		fclose(f);
}

static int control(struct hot_ctl *ask)
{
	struct hot_ctl *now = &mock->ctl;
	const bool on = now->state & HOT_STATE_ON;

	if (ask->flags & ~0x3fU || ask->reserved[0] || ask->reserved[1] ||
	    (ask->flags & HOT_CTL_OFF && ask->flags != HOT_CTL_OFF) ||
	    (ask->flags & HOT_CTL_SET_RANGE_SHIFT && !(ask->flags & HOT_CTL_ON)))
		return -EINVAL;
	if (ask->flags & HOT_CTL_SET_RANGE_SHIFT &&
	    (ask->range_shift < HOT_RANGE_SHIFT_MIN || ask->range_shift > HOT_RANGE_SHIFT_MAX))
		return -EINVAL;
	if (ask->flags & HOT_CTL_SET_HALF_LIFE && (ask->half_life_ms < HOT_HALF_LIFE_MIN_MS ||
						   ask->half_life_ms > HOT_HALF_LIFE_MAX_MS))
		return -EINVAL;
	if (ask->flags & HOT_CTL_SET_RANGE_BYTES && ask->max_range_bytes < 49152)
		return -EINVAL;
	if (!on && ask->flags & ~HOT_CTL_OFF && !(ask->flags & HOT_CTL_ON))
		return -ENODATA;
	if (on && ask->flags & HOT_CTL_SET_RANGE_SHIFT && ask->range_shift != now->range_shift)
		return -EBUSY;
	if (ask->flags & HOT_CTL_SET_RANGE_SHIFT)
		now->range_shift = ask->range_shift;
	if (ask->flags & HOT_CTL_SET_HALF_LIFE)
		now->half_life_ms = ask->half_life_ms;
	if (ask->flags & HOT_CTL_SET_ITEM_BYTES)
		now->max_item_bytes = ask->max_item_bytes;
	if (ask->flags & HOT_CTL_SET_RANGE_BYTES)
		now->max_range_bytes = ask->max_range_bytes;
	if (ask->flags & HOT_CTL_ON)
		now->state |= HOT_STATE_ON;
	if (ask->flags & HOT_CTL_OFF) {
		now->state &= ~HOT_STATE_ON;
		mock->items = 0;
		mock->ranges = 0;
	}
	now->items = mock->items;
	now->ranges = mock->ranges;
	now->item_bytes = mock->items * 128;
	now->range_bytes = 49152;
	now->range_slots = 2048;
	*ask = *now;
	return 0;
}

static struct mock_item *item_of(int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return NULL;
	for (unsigned int i = 0; i < mock->items; i++)
		if (mock->item[i].inode == st.st_ino)
			return &mock->item[i];
	return NULL;
}

static int get_inode(int fd, struct hot_inode *heat)
{
	const struct mock_item *item = item_of(fd);
	struct stat st;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		return -EINVAL;
	*heat = (struct hot_inode){ .size = sizeof(*heat), .range_shift = mock->ctl.range_shift };
	if (!item)
		return 0;
	heat->reads = item->reads;
	heat->writes = item->writes;
	heat->bytes_read = item->bytes_read;
	heat->bytes_written = item->bytes_written;
	heat->age_ms = item->age_ms;
	heat->item_flags = item->flags & 0xff;
	return 0;
}

static int get_ranges(int fd, struct hot_ranges *ask)
{
	const struct mock_item *item = item_of(fd);
	const __u64 bytes = 1ULL << mock->ctl.range_shift;
	struct hot_range *to = (void *)(uintptr_t)ask->ranges;
	__u32 room = ask->count;

	if (!room || room > HOT_COUNT_MAX)
		return -EINVAL;
	ask->range_shift = mock->ctl.range_shift;
	ask->count = 0;
	ask->next = 0;
	/* The ranges of a file are in order of offset in the script. */
	for (unsigned int i = 0; item && i < mock->ranges; i++) {
		const struct mock_range *r = &mock->range[i];

		if (&mock->item[r->item] != item || r->offset + bytes <= ask->offset ||
		    (ask->length && r->offset >= ask->offset + ask->length))
			continue;
		if (ask->count == room) {
			ask->next = r->offset;
			break;
		}
		to[ask->count++] = (struct hot_range){
			.offset = r->offset, .reads = r->reads, .writes = r->writes,
			.age_ms = r->age_ms,
		};
	}
	return 0;
}

static __u64 heat_of(const struct hot_record *r, __u32 flags)
{
	const __u32 by = flags & (HOT_BY_READS | HOT_BY_WRITES);

	return (by == HOT_BY_WRITES ? 0 : r->reads) + (__u64)(by == HOT_BY_READS ? 0 : r->writes);
}

struct slot {
	struct hot_record record;
	struct mock_handle handle;
	__u32 pad;
};

static struct slot slot_of(const struct mock_item *item, const struct mock_range *range)
{
	struct slot slot = {
		.record = {
			.size = sizeof(slot),
			.flags = (item->flags & 0xff) | (range ? HOT_RECORD_RANGE : 0),
			.reads = range ? range->reads : item->reads,
			.writes = range ? range->writes : item->writes,
			.age_ms = range ? range->age_ms : item->age_ms,
			.handle_bytes = sizeof(slot.handle),
			.handle_type = MOCK_HANDLE_TYPE,
		},
		.handle = handle_of(item->inode),
	};

	if (range) {
		slot.record.offset = range->offset;
		slot.record.length = 1ULL << mock->ctl.range_shift;
	} else {
		slot.record.bytes_read = item->bytes_read;
		slot.record.bytes_written = item->bytes_written;
	}
	return slot;
}

/* All records of inodes or of ranges, to be freed. */
static struct slot *slots(bool of_ranges, size_t *count)
{
	struct slot *all;

	*count = of_ranges ? mock->ranges : mock->items;
	all = calloc(*count + 1, sizeof(*all));
	if (!all)
		err(1, "mock");
	for (size_t i = 0; i < *count; i++) {
		const struct mock_range *range = &mock->range[i];

		all[i] = of_ranges ? slot_of(&mock->item[range->item], range) :
				     slot_of(&mock->item[i], NULL);
	}
	return all;
}

static __u32 sort_flags;

static int hottest_first(const void *a, const void *b)
{
	__u64 x = heat_of(a, sort_flags), y = heat_of(b, sort_flags);

	return x < y ? 1 : x > y ? -1 : 0;
}

static int top(struct hot_top *ask)
{
	struct slot *all;
	size_t count;

	if (ask->flags & ~7U || !ask->count || ask->count > HOT_COUNT_MAX || ask->reserved)
		return -EINVAL;
	all = slots(ask->flags & HOT_OF_RANGES, &count);
	sort_flags = ask->flags;
	qsort(all, count, sizeof(*all), hottest_first);
	ask->scanned = count;
	while (count && !heat_of(&all[count - 1].record, ask->flags))
		count--;
	if (count > ask->count)
		count = ask->count;
	if (count > ask->buffer_bytes / sizeof(*all))
		count = ask->buffer_bytes / sizeof(*all);
	memcpy((void *)(uintptr_t)ask->buffer, all, count * sizeof(*all));
	ask->count = count;
	ask->buffer_bytes = count * sizeof(*all);
	free(all);
	return 0;
}

static int histogram(struct hot_histogram *ask)
{
	struct slot *all;
	size_t count;

	if (ask->flags & ~7U)
		return -EINVAL;
	memset(ask->buckets, 0, sizeof(ask->buckets));
	all = slots(ask->flags & HOT_OF_RANGES, &count);
	for (size_t i = 0; i < count; i++) {
		__u64 heat = heat_of(&all[i].record, ask->flags);

		ask->buckets[heat ? 64 - __builtin_clzll(heat) : 0]++;
	}
	free(all);
	return 0;
}

static int reset(int fd, const struct hot_reset *ask)
{
	struct mock_item *item = item_of(fd);

	if (ask->flags & ~HOT_RESET_FILE)
		return -EINVAL;
	if (!(ask->flags & HOT_RESET_FILE)) {
		mock->items = 0;
		mock->ranges = 0;
	} else if (item) {
		item->inode = 0;
		item->reads = 0;
		item->writes = 0;
	}
	return 0;
}

/* Heat is added to what there is; the age is that of the record. */
static void load_range(unsigned int item, const struct hot_record *r)
{
	unsigned int i = 0;

	while (i < mock->ranges &&
	       (mock->range[i].item != item || mock->range[i].offset != r->offset))
		i++;
	if (i == mock->ranges)
		mock_range(item, r->offset, 0, 0);
	mock->range[i].reads += r->reads;
	mock->range[i].writes += r->writes;
	mock->range[i].age_ms = r->age_ms;
}

static int load_one(const struct hot_record *r)
{
	struct mock_item *item;
	unsigned int i = 0;
	__u64 inode;

	if (r->handle_bytes != sizeof(struct mock_handle))
		return -EINVAL;
	inode = inode_in(r->handle);
	while (i < mock->items && mock->item[i].inode != inode)
		i++;
	if (r->flags & HOT_RECORD_RANGE) {
		if (r->length != 1ULL << mock->ctl.range_shift)
			return -EINVAL;
		if (i == mock->items)
			return -ENOENT;
		load_range(i, r);
		return 0;
	}
	item = &mock->item[i];
	if (i == mock->items) {
		mock->items++;
		*item = (struct mock_item){ .inode = inode, .flags = r->flags };
	}
	item->reads += r->reads;
	item->writes += r->writes;
	item->bytes_read += r->bytes_read;
	item->bytes_written += r->bytes_written;
	item->age_ms = r->age_ms;
	return 0;
}

static int load(struct hot_load *ask)
{
	const char *at = (void *)(uintptr_t)ask->buffer;

	ask->loaded = 0;
	if (ask->flags || ask->buffer_bytes > HOT_LOAD_MAX)
		return -EINVAL;
	for (__u64 left = ask->buffer_bytes; left;) {
		const struct hot_record *r = (void *)at;
		int ret;

		if (left < sizeof(*r) || r->size > left || r->size < sizeof(*r) || r->size % 8)
			return -EINVAL;
		if (!(r->flags & HOT_VOLATILE)) {
			ret = load_one(r);
			if (ret)
				return ret;
			ask->loaded++;
		}
		at += r->size;
		left -= r->size;
	}
	return 0;
}

static void put(int fd, const void *data, size_t bytes)
{
	if (write(fd, data, bytes) != (ssize_t)bytes)
		err(1, "mock: stream");
}

/* A pass is a file, events are a pipe that nobody closes. */
static int stream(const struct hot_stream *ask, int *result)
{
	const bool events = ask->flags & HOT_STREAM_EVENTS;
	struct slot *all;
	int ends[2];
	size_t count;

	if (ask->flags & ~0x107U || events != !!ask->threshold)
		return -EINVAL;
	if (!events) {
		ends[0] = memfd_create("pass", MFD_CLOEXEC);
		ends[1] = ends[0];
	} else if (pipe2(ends, O_CLOEXEC)) {
		return -errno;
	}
	for (int of_ranges = 0; of_ranges <= !!(ask->flags & HOT_OF_RANGES); of_ranges++) {
		all = slots(of_ranges, &count);
		for (size_t i = 0; i < count; i++)
			if (!events || heat_of(&all[i].record, ask->flags) >= ask->threshold)
				put(ends[1], &all[i], sizeof(*all));
		free(all);
	}
	if (!events)
		lseek(ends[0], 0, SEEK_SET);
	*result = ends[0];
	return 0;
}

static int serve(int fd, unsigned int number, void *arg, int *result)
{
	if (mock->errors[number - 0x60])
		return -mock->errors[number - 0x60];
	if (number != _IOC_NR(HOT_CTL) && !(mock->ctl.state & HOT_STATE_ON))
		return -ENODATA;
	switch (number) {
	case _IOC_NR(HOT_CTL):
		return control(arg);
	case _IOC_NR(HOT_GET_INODE):
		return get_inode(fd, arg);
	case _IOC_NR(HOT_GET_RANGES):
		return get_ranges(fd, arg);
	case _IOC_NR(HOT_TOP):
		return top(arg);
	case _IOC_NR(HOT_HISTOGRAM):
		return histogram(arg);
	case _IOC_NR(HOT_RESET):
		return reset(fd, arg);
	case _IOC_NR(HOT_LOAD):
		return load(arg);
	}
	return stream(arg, result);
}

/* FS_IOC_GETFSUUID: a length, then the UUID. */
static int get_uuid(void *arg)
{
	if (!mock->uuid) {
		errno = ENOTTY;
		return -1;
	}
	memset(arg, mock->uuid, 17);
	*(__u8 *)arg = 16;
	return 0;
}

EXPORT int ioctl(int fd, unsigned long request, ...)
{
	const unsigned int number = _IOC_NR(request);
	int result = 0;
	va_list list;
	void *arg;

	va_start(list, request);
	arg = va_arg(list, void *);
	va_end(list);
	if (mock && request == _IOR(0x15, 0, char[17]))
		return get_uuid(arg);
	if (!mock || _IOC_TYPE(request) != 0x15 || number < 0x60 || number > 0x67)
		return syscall(SYS_ioctl, fd, request, arg);
	mock->calls[number - 0x60]++;
	errno = -serve(fd, number, arg, &result);
	if (errno)
		return -1;
	if (mock->spoil)
		mock->spoil(number, arg);
	return result;
}

EXPORT int name_to_handle_at(int dirfd, const char *path, struct file_handle *fh, int *mount_id,
			     int flags)
{
	struct mock_handle handle;
	struct stat st;

	if (!mock)
		return syscall(SYS_name_to_handle_at, dirfd, path, fh, mount_id, flags);
	if (fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW))
		return -1;
	handle = handle_of(st.st_ino);
	fh->handle_type = MOCK_HANDLE_TYPE;
	fh->handle_bytes = sizeof(handle);
	memcpy(fh->f_handle, &handle, sizeof(handle));
	return 0;
}

EXPORT int open_by_handle_at(int mount_fd, struct file_handle *fh, int flags)
{
	__u64 inode;
	char other[MOCK_PATH + 8];
	int fd;

	if (!mock)
		return syscall(SYS_open_by_handle_at, mount_fd, fh, flags);
	mock->opened++;
	if (mock->open_error) {
		errno = mock->open_error;
		return -1;
	}
	inode = inode_in(fh->f_handle);
	for (unsigned int i = 0; i < mock->items; i++) {
		const struct mock_item *item = &mock->item[i];

		if (item->inode != inode || inode_of(item->path) != inode)
			continue;
		if (!(item->flags & MOCK_NAMELESS))
			return open(item->path, flags);
		/* A name that is gone is as good as none. */
		snprintf(other, sizeof(other), "%s.mock", item->path);
		if (link(item->path, other))
			return -1;
		fd = open(other, flags);
		unlink(other);
		return fd;
	}
	errno = ESTALE;
	return -1;
}
