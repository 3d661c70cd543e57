// SPDX-License-Identifier: GPL-2.0
/*
 * How much memory heat takes: never more than it may, however many files and ranges are touched,
 * and less when the kernel wants it back.
 */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "fixture.h"
#include "on_ext4.h"
#include "records.h"

#define SLOT_BYTES	24
#define RANGES_LEAST	49152

static void set(int fd, __u32 flags, __u64 item_bytes, __u64 range_bytes)
{
	struct hot_ctl ctl = {
		.size = sizeof(ctl),
		.flags = flags,
		.max_item_bytes = item_bytes,
		.max_range_bytes = range_bytes,
	};

	if (hot(fd, HOT_CTL, &ctl))
		broken("setting limits");
}

#define ITEMS	HOT_CTL_SET_ITEM_BYTES
#define RANGES	HOT_CTL_SET_RANGE_BYTES

/* Looks all the time whether a limit is exceeded. */
struct sampler {
	pthread_t thread;
	int fd;
	atomic_bool stop;
	atomic_ulong samples;
	unsigned long over;
	__u64 most_items, most_ranges;	/* bytes */
};

static bool over_limit(const struct hot_ctl *ctl)
{
	return ctl->item_bytes > ctl->max_item_bytes || ctl->range_bytes > ctl->max_range_bytes;
}

static void *sample(void *arg)
{
	struct sampler *sampler = arg;

	while (!sampler->stop) {
		struct hot_ctl ctl = hot_look(sampler->fd);

		sampler->over += over_limit(&ctl);
		if (ctl.item_bytes > sampler->most_items)
			sampler->most_items = ctl.item_bytes;
		if (ctl.range_bytes > sampler->most_ranges)
			sampler->most_ranges = ctl.range_bytes;
		sampler->samples++;
		/* Often, but the others want to get on as well. */
		usleep(100);
	}
	return NULL;
}

static void sampler_start(struct sampler *sampler, int fd)
{
	*sampler = (struct sampler) { .fd = fd };
	if (pthread_create(&sampler->thread, NULL, sample, sampler))
		broken("a thread");
}

static void sampler_stop(struct __test_metadata *_metadata, struct sampler *sampler)
{
	sampler->stop = true;
	ASSERT_EQ(0, pthread_join(sampler->thread, NULL));
	EXPECT_EQ(0, sampler->over);
	EXPECT_LT(100, sampler->samples);
	TH_LOG("%lu looks, at most %llu bytes of items, %llu of ranges", sampler->samples,
	       (unsigned long long)sampler->most_items, (unsigned long long)sampler->most_ranges);
}

/* So many files of @dir have a request each, and keep nothing but their inode. */
static void touch_files(const char *dir, unsigned int first, unsigned int count)
{
	char name[64];
	unsigned int i;
	int fd;

	for (i = first; i < first + count; i++) {
		/* Some thousands in a folder. */
		if (i % 4096 == 0) {
			snprintf(name, sizeof(name), "%s/%u", dir, i / 4096);
			if (mkdir(name, 0755) && errno != EEXIST)
				broken(name);
		}
		snprintf(name, sizeof(name), "%u/%u", i / 4096, i);
		fd = open_file(dir, name, O_DIRECT);
		write_at(fd, 0, PAGE);
		if (ftruncate(fd, 0))
			broken("ftruncate");
		close(fd);
	}
}

/* Every file that was touched has heat, gave way or was dropped: nothing is forgotten. */
static void expect_accounted(struct __test_metadata *_metadata, int fd, unsigned int files)
{
	struct hot_ctl ctl = hot_look(fd);

	EXPECT_EQ(files, ctl.items + ctl.evicted_items + ctl.dropped);
	EXPECT_FALSE(over_limit(&ctl));
	TH_LOG("%u files: %llu have heat, %llu gave way, %llu dropped; %llu bytes of %llu", files,
	       (unsigned long long)ctl.items, (unsigned long long)ctl.evicted_items,
	       (unsigned long long)ctl.dropped, (unsigned long long)ctl.item_bytes,
	       (unsigned long long)ctl.max_item_bytes);
}

TEST_F_TIMEOUT(fs, many_files, 40 * LONG_TIMEOUT)
{
	unsigned int files = loops(3000, 1000000);
	struct sampler sampler;

	if (files > 20000) {
		close(self->fd);
		close(self->direct);
		close(self->dir_fd);
		/* Inodes are all that is kept of a file. */
		ASSERT_EQ(NULL, fs_make(FS_EXT4, GIB, "-N1050000"));
		place_begin(self, FS_EXT4);
	}
	set(self->dir_fd, ITEMS | RANGES, loops(64 * KIB, MIB), RANGES_LEAST);
	sampler_start(&sampler, self->dir_fd);
	touch_files(self->dir, 0, files);
	sampler_stop(_metadata, &sampler);
	expect_accounted(_metadata, self->dir_fd, files);
	/* Full, but for what one more takes. */
	EXPECT_LT(hot_look(self->dir_fd).max_item_bytes * 9 / 10, sampler.most_items);
	EXPECT_EQ(0, hot_look(self->dir_fd).dropped);
	if (files > 20000) {
		/* The guest's memory has the image, and no room for more. */
		close(self->fd);
		close(self->direct);
		close(self->dir_fd);
		ASSERT_EQ(NULL, fs_make(FS_EXT4, 0, NULL));
	}
}

/* A request in each of as many ranges as the loop says, over 1 TiB. */
TEST_F_TIMEOUT(fs, sparse_file, 40 * LONG_TIMEOUT)
{
	unsigned int count = loops(4096, 1 << 20), i;
	struct sampler sampler;
	struct hot_ctl ctl;

	set(self->dir_fd, RANGES, 0, loops(RANGES_LEAST, 2 * MIB));
	sampler_start(&sampler, self->dir_fd);
	for (i = 0; i < count; i++) {
		write_at(self->direct, TIB / count * shuffled(i, count), PAGE);
		/* The blocks are free for others. */
		if (i % 256 == 255)
			ASSERT_EQ(0, ftruncate(self->direct, 0));
	}
	sampler_stop(_metadata, &sampler);
	ctl = hot_look(self->dir_fd);
	EXPECT_EQ(count, ctl.requests);
	EXPECT_EQ(REQUESTS(count), heat_of(self->direct).writes);
	EXPECT_EQ(1, ctl.items);
	EXPECT_EQ(count, ctl.ranges + ctl.evicted_ranges);
	EXPECT_GE(ctl.range_slots, ctl.ranges);
	/* The hash spreads them: with twice as many ranges as places few places are empty. */
	EXPECT_LT(ctl.range_slots * 8 / 10, ctl.ranges);
	TH_LOG("%u ranges in %llu places: %llu have heat, %llu gave way", count,
	       (unsigned long long)ctl.range_slots, (unsigned long long)ctl.ranges,
	       (unsigned long long)ctl.evicted_ranges);
}

TEST_F(fs, bytes_of_a_range)
{
	static const __u64 limits[] = {
		RANGES_LEAST, RANGES_LEAST + 1, 2 * RANGES_LEAST - 1, 2 * RANGES_LEAST, MIB,
		10000000,
	};
	struct hot_ctl ctl;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(limits); i++) {
		set(self->dir_fd, RANGES, 0, limits[i]);
		ctl = hot_look(self->dir_fd);
		EXPECT_EQ(limits[i], ctl.max_range_bytes);
		EXPECT_GE(limits[i], ctl.range_bytes);
		EXPECT_GE(SLOT_BYTES * ctl.range_slots, ctl.range_bytes) TH_LOG("%llu", limits[i]);
		/* A power of two, and the next one would not fit. */
		EXPECT_EQ(0, ctl.range_slots & (ctl.range_slots - 1)) TH_LOG("%llu", limits[i]);
		EXPECT_LT(limits[i], 2 * SLOT_BYTES * ctl.range_slots) TH_LOG("%llu", limits[i]);
	}
}

/* The hottest stay when the limit is lowered, and it holds at once. */
TEST_F(fs, lower_and_raise)
{
	enum { INODES = 4000 };
	struct records list = {}, top = {};
	struct hot_record *record;
	unsigned int i;
	__u64 bytes;

	set(self->dir_fd, ITEMS, 8 * MIB, 0);
	/* A few that are very hot. */
	for (i = 0; i < INODES; i++)
		records_add_inode(&list, i, i % 100 ? 1 : 1000000, 0);
	ASSERT_EQ(0, records_load(&list, self->dir_fd, NULL));
	for (bytes = 512 * KIB; bytes >= 32 * KIB; bytes /= 2) {
		set(self->dir_fd, ITEMS, bytes, 0);
		EXPECT_GE(bytes, hot_look(self->dir_fd).item_bytes);
		EXPECT_EQ(INODES,
			  hot_look(self->dir_fd).items + hot_look(self->dir_fd).evicted_items);
	}
	records_top(&top, self->dir_fd, 0, INODES);
	i = 0;
	for (record = records_next(&top, NULL); record; record = records_next(&top, record))
		i += record->reads == 1000000;
	/* The coldest of eight goes: all eight would have to be hot. */
	EXPECT_EQ(INODES / 100, i);
	/* To nothing. */
	set(self->dir_fd, ITEMS, 0, 0);
	EXPECT_EQ(0, hot_look(self->dir_fd).items);
	EXPECT_EQ(0, hot_look(self->dir_fd).item_bytes);
	set(self->dir_fd, ITEMS, MIB, 0);
	EXPECT_EQ(0, records_load(&list, self->dir_fd, NULL));
	EXPECT_EQ(INODES, hot_look(self->dir_fd).items);
}

/* A table that shrinks keeps the hotter of what falls together, one that grows keeps all. */
TEST_F(fs, resize_of_the_table)
{
	enum { HOT = 64, COLD = 3000 };
	const __u64 length = 1ULL << HOT_RANGE_SHIFT_DEFAULT;
	struct records list = {}, held = {};
	struct hot_record *record;
	unsigned int i, hottest;
	__u64 bytes, before;

	set(self->dir_fd, RANGES, 0, 64 * RANGES_LEAST);
	records_add_inode(&list, 1, 1, 1);
	for (i = 0; i < HOT + COLD; i++)
		records_add_range(&list, 1, i * length, length,
				  i < HOT ? 1000000 + i : 1 + i % 7, i);
	ASSERT_EQ(0, records_load(&list, self->dir_fd, NULL));
	for (bytes = 32 * RANGES_LEAST; bytes >= RANGES_LEAST; bytes /= 2) {
		set(self->dir_fd, RANGES, 0, bytes);
		EXPECT_GE(bytes, hot_look(self->dir_fd).range_bytes);
		EXPECT_EQ(HOT + COLD,
			  hot_look(self->dir_fd).ranges + hot_look(self->dir_fd).evicted_ranges);
	}
	before = hot_look(self->dir_fd).ranges;
	for (bytes = RANGES_LEAST; bytes <= 64 * RANGES_LEAST; bytes *= 2) {
		set(self->dir_fd, RANGES, 0, bytes);
		EXPECT_EQ(before, hot_look(self->dir_fd).ranges);
	}
	records_snapshot(&held, self->dir_fd, HOT_OF_RANGES);
	EXPECT_EQ(1 + before, held.count);
	hottest = 0;
	for (record = records_next(&held, NULL); record; record = records_next(&held, record))
		if (record->flags & HOT_RECORD_RANGE && record->reads >= 1000000) {
			hottest++;
			/* Where it was, with the heat it had. */
			EXPECT_EQ(record->offset / length, record->reads - 1000000);
			EXPECT_EQ(record->offset / length, record->writes);
		}
	/* 64 hot ones in 512 sets of four. */
	EXPECT_LE(HOT - 1, hottest);
	/* Found again by their keys too. */
	EXPECT_EQ(0, records_load(&list, self->dir_fd, NULL));
	EXPECT_EQ(HOT + COLD, hot_look(self->dir_fd).ranges);
}

struct writer {
	pthread_t thread;
	const char *dir;
	unsigned int first;
	atomic_bool stop;
	atomic_uint files;
};

static void *touch_all_the_time(void *arg)
{
	struct writer *writer = arg;

	/* The same names again and again: not more inodes than there are. */
	while (!writer->stop) {
		touch_files(writer->dir, writer->first + writer->files % 2000, 1);
		writer->files++;
	}
	return NULL;
}

/* Limits go up and down while files are touched: each holds when the call that set it is back. */
TEST_F_TIMEOUT(fs, limits_under_load, LONG_TIMEOUT)
{
	int rounds = loops(40, 2000), i;
	struct writer writers[2] = {};
	unsigned int seed = 3;

	for (i = 0; i < 2; i++) {
		writers[i].dir = self->dir;
		writers[i].first = i * 4096;
		/* The folder is made with the first file of it. */
		touch_files(self->dir, i * 4096, 1);
		ASSERT_EQ(0, pthread_create(&writers[i].thread, NULL, touch_all_the_time,
					    &writers[i]));
	}
	for (i = 0; i < rounds; i++) {
		__u64 ranges = (__u64)RANGES_LEAST << pick(&seed, 6);
		__u64 items = 4 * KIB << pick(&seed, 10);
		unsigned int files = writers[i % 2].files;
		struct hot_ctl ctl;
		int n;

		set(self->dir_fd, ITEMS | RANGES, items, ranges);
		for (n = 0; n < 5 || writers[i % 2].files < files + 5; n++) {
			ctl = hot_look(self->dir_fd);
			EXPECT_EQ(items, ctl.max_item_bytes);
			EXPECT_GE(items, ctl.item_bytes);
			EXPECT_GE(ranges, ctl.range_bytes);
		}
	}
	for (i = 0; i < 2; i++) {
		writers[i].stop = true;
		ASSERT_EQ(0, pthread_join(writers[i].thread, NULL));
	}
}

static const char shrinkers[] = "/sys/kernel/debug/shrinker";

/* The folder of the shrinker for @kind ("hot-items" or "hot-ranges") of the filesystem of @fd. */
static bool find_shrinker(int fd, const char *kind, char path[128])
{
	char name[64];
	struct dirent *entry;
	struct stat st;
	DIR *dir;

	if (fstat(fd, &st))
		broken("fstat");
	snprintf(name, sizeof(name), "%s-%u:%u-", kind, major(st.st_dev), minor(st.st_dev));
	dir = opendir(shrinkers);
	if (!dir)
		return false;
	while ((entry = readdir(dir)) && strncmp(entry->d_name, name, strlen(name)))
		;
	if (entry)
		snprintf(path, 128, "%s/%.80s", shrinkers, entry->d_name);
	closedir(dir);
	return entry;
}

static void shrink(const char *path, unsigned int objects)
{
	char file[160], text[64];

	/* Of no memory cgroup, on node 0. */
	snprintf(file, sizeof(file), "%s/scan", path);
	snprintf(text, sizeof(text), "0 0 %u\n", objects);
	if (put(file, text))
		broken(file);
}

TEST_F(fs, shrinker_of_items)
{
	enum { INODES = 1000 };
	struct records list = {};
	char path[128];
	unsigned int i;

	if (access(shrinkers, F_OK))
		SKIP(return, "kernel without SHRINKER_DEBUG");
	ASSERT_TRUE(find_shrinker(self->dir_fd, "hot-items", path));
	set(self->dir_fd, ITEMS, MIB, 0);
	for (i = 0; i < INODES; i++)
		records_add_inode(&list, i, 1, i);
	ASSERT_EQ(0, records_load(&list, self->dir_fd, NULL));
	shrink(path, 100);
	EXPECT_EQ(INODES - 100, hot_look(self->dir_fd).items);
	EXPECT_EQ(100, hot_look(self->dir_fd).evicted_items);
	shrink(path, 1000000);
	EXPECT_EQ(0, hot_look(self->dir_fd).items);
	EXPECT_EQ(0, hot_look(self->dir_fd).item_bytes);
	shrink(path, 1000000);
	/* And it starts anew. */
	write_at(self->direct, 0, PAGE);
	EXPECT_EQ(REQUESTS(1), heat_of(self->direct).writes);
}

TEST_F(fs, shrinker_of_ranges)
{
	struct hot_ctl ctl;
	__u64 slots;
	char path[128];
	int i;

	if (access(shrinkers, F_OK))
		SKIP(return, "kernel without SHRINKER_DEBUG");
	ASSERT_TRUE(find_shrinker(self->dir_fd, "hot-ranges", path));
	set(self->dir_fd, RANGES, 0, 8 * RANGES_LEAST);
	for (i = 0; i < 50; i++)
		write_at(self->direct, (off_t)i << HOT_RANGE_SHIFT_DEFAULT, PAGE);
	for (slots = 8 * 2048; slots > 2048; slots /= 2) {
		ctl = hot_look(self->dir_fd);
		EXPECT_EQ(slots, ctl.range_slots);
		EXPECT_EQ(50, ctl.ranges + ctl.evicted_ranges);
		shrink(path, 1000000);
	}
	/* Not below the least there is. */
	shrink(path, 1000000);
	EXPECT_EQ(2048, hot_look(self->dir_fd).range_slots);
	EXPECT_EQ(SLOT_BYTES * 2048, hot_look(self->dir_fd).range_bytes);
	/* What was set is what is meant when it is set again. */
	EXPECT_EQ(8 * RANGES_LEAST, hot_look(self->dir_fd).max_range_bytes);
	set(self->dir_fd, RANGES, 0, 8 * RANGES_LEAST);
	EXPECT_EQ(8 * 2048, hot_look(self->dir_fd).range_slots);
}

/* Both shrinkers and real I/O at the same time. */
TEST_F_TIMEOUT(fs, shrink_under_load, LONG_TIMEOUT)
{
	int rounds = loops(60, 3000), i;
	struct writer writer = { .dir = self->dir };
	char items[128], ranges[128];

	if (access(shrinkers, F_OK))
		SKIP(return, "kernel without SHRINKER_DEBUG");
	ASSERT_TRUE(find_shrinker(self->dir_fd, "hot-items", items));
	ASSERT_TRUE(find_shrinker(self->dir_fd, "hot-ranges", ranges));
	touch_files(self->dir, 0, 1);
	ASSERT_EQ(0, pthread_create(&writer.thread, NULL, touch_all_the_time, &writer));
	for (i = 0; i < rounds; i++) {
		unsigned int files = writer.files;
		struct hot_ctl ctl;

		set(self->dir_fd, RANGES, 0, 16 * RANGES_LEAST);
		while (writer.files < files + 2)
			pause_briefly();
		shrink(items, 1 + i % 50);
		shrink(ranges, 1000000);
		ctl = hot_look(self->dir_fd);
		EXPECT_FALSE(over_limit(&ctl));
	}
	writer.stop = true;
	ASSERT_EQ(0, pthread_join(writer.thread, NULL));
}

/* The shrinkers go with the tracking. */
TEST_F(fs, shrinkers_gone_when_off)
{
	char path[128];

	if (access(shrinkers, F_OK))
		SKIP(return, "kernel without SHRINKER_DEBUG");
	ASSERT_TRUE(find_shrinker(self->dir_fd, "hot-items", path));
	ASSERT_EQ(0, hot_off(self->dir_fd));
	EXPECT_FALSE(find_shrinker(self->dir_fd, "hot-items", path));
	EXPECT_FALSE(find_shrinker(self->dir_fd, "hot-ranges", path));
}

/* drop_caches takes what can be read again. Heat cannot. */
TEST_F(fs, drop_caches_keeps_heat)
{
	int i;

	for (i = 0; i < 5; i++)
		write_at(self->direct, (off_t)i << HOT_RANGE_SHIFT_DEFAULT, PAGE);
	touch_files(self->dir, 0, 50);
	for (i = 0; i < 3; i++)
		drop_caches();
	EXPECT_EQ(51, hot_look(self->dir_fd).items);
	EXPECT_EQ(0, hot_look(self->dir_fd).evicted_items);
	EXPECT_EQ(REQUESTS(5), heat_of(self->direct).writes);
}

/* A file that is deleted long after its inode has left memory takes its heat along. */
TEST_F(fs, deleted_after_reclaim)
{
	enum { FILES = 50 };
	char name[32];
	int i;

	touch_files(self->dir, 0, FILES);
	EXPECT_EQ(FILES, hot_look(self->dir_fd).items);
	drop_caches();
	for (i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "0/%d", i);
		ASSERT_EQ(0, unlinkat(self->dir_fd, name, 0));
	}
	EXPECT_EQ(0, hot_look(self->dir_fd).items);
	EXPECT_EQ(0, hot_look(self->dir_fd).item_bytes);
}

/* Files that come and go leave nothing behind. */
TEST_F_TIMEOUT(fs, short_lived_files, LONG_TIMEOUT)
{
	int i, rounds = loops(300, 20000);

	set(self->dir_fd, ITEMS, 64 * KIB, 0);
	for (i = 0; i < rounds; i++) {
		int fd = open_file(self->dir, "short-lived", O_DIRECT);

		write_at(fd, 0, PAGE);
		ASSERT_EQ(0, unlinkat(self->dir_fd, "short-lived", 0));
		close(fd);
	}
	EXPECT_EQ(0, hot_look(self->dir_fd).items);
	EXPECT_EQ(0, hot_look(self->dir_fd).evicted_items);
	EXPECT_EQ(0, hot_look(self->dir_fd).dropped);
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
