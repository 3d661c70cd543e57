// SPDX-License-Identifier: GPL-2.0
/* /sys/fs/hot_track/<major:minor>/ shows and takes what HOT_CTL does. */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>
#include <sys/stat.h>

#include "fixture.h"
#include "on_ext4.h"

static long long value(int fd, const char *file)
{
	char path[SYSFS_PATH_SIZE];

	return get_number(hot_sysfs(fd, file, path));
}

static int set(int fd, const char *file, const char *text)
{
	char path[SYSFS_PATH_SIZE];

	return put(hot_sysfs(fd, file, path), text);
}

static const struct field {
	const char *name;
	size_t offset;
	bool setting;
} fields[] = {
	{ "half_life_ms", offsetof(struct hot_ctl, half_life_ms), true },
	{ "max_item_bytes", offsetof(struct hot_ctl, max_item_bytes), true },
	{ "max_range_bytes", offsetof(struct hot_ctl, max_range_bytes), true },
	{ "range_shift", offsetof(struct hot_ctl, range_shift), false },
	{ "item_bytes", offsetof(struct hot_ctl, item_bytes), false },
	{ "range_bytes", offsetof(struct hot_ctl, range_bytes), false },
	{ "items", offsetof(struct hot_ctl, items), false },
	{ "ranges", offsetof(struct hot_ctl, ranges), false },
	{ "range_slots", offsetof(struct hot_ctl, range_slots), false },
	{ "requests", offsetof(struct hot_ctl, requests), false },
	{ "evicted_items", offsetof(struct hot_ctl, evicted_items), false },
	{ "evicted_ranges", offsetof(struct hot_ctl, evicted_ranges), false },
	{ "dropped", offsetof(struct hot_ctl, dropped), false },
};

static unsigned long long field_of(const struct hot_ctl *ctl, const struct field *field)
{
	const void *at = (const char *)ctl + field->offset;

	return field->offset == offsetof(struct hot_ctl, range_shift) ? *(__u32 *)at : *(__u64 *)at;
}

TEST_F(fs, values)
{
	const struct field *field;
	struct hot_ctl ctl;
	int i;

	for (i = 0; i < 7; i++)
		write_at(self->direct, (off_t)i << HOT_RANGE_SHIFT_DEFAULT, PAGE);
	ctl = hot_look(self->dir_fd);
	EXPECT_EQ(7, ctl.requests);
	EXPECT_EQ(7, ctl.ranges);
	for (field = fields; field < fields + ARRAY_SIZE(fields); field++) {
		EXPECT_EQ(field_of(&ctl, field), value(self->dir_fd, field->name))
			TH_LOG("%s", field->name);
	}
}

/* What was counted until now, not until somebody asked last. */
TEST_F(fs, values_are_of_now)
{
	int i;

	for (i = 1; i <= 5; i++) {
		write_at(self->direct, 0, PAGE);
		EXPECT_EQ(i, value(self->dir_fd, "requests"));
	}
	EXPECT_EQ(1, value(self->dir_fd, "items"));
}

TEST_F(fs, names_and_modes)
{
	char path[SYSFS_PATH_SIZE], line[64];
	const struct field *field;
	struct dirent *entry;
	unsigned int files = 0;
	struct stat st;
	ssize_t len;
	DIR *dir;
	int fd;

	dir = opendir(hot_sysfs(self->dir_fd, "", path));
	ASSERT_NE(NULL, dir);
	while ((entry = readdir(dir)))
		files += entry->d_name[0] != '.';
	closedir(dir);
	EXPECT_EQ(ARRAY_SIZE(fields), files);
	for (field = fields; field < fields + ARRAY_SIZE(fields); field++) {
		ASSERT_EQ(0, stat(hot_sysfs(self->dir_fd, field->name, path), &st))
			TH_LOG("%s", field->name);
		EXPECT_EQ(field->setting ? 0644 : 0444, st.st_mode & 0777)
			TH_LOG("%s", field->name);
		EXPECT_EQ(0, st.st_uid);
		/* One number and the end of the line. */
		fd = open(path, O_RDONLY);
		ASSERT_LE(0, fd);
		len = read(fd, line, sizeof(line) - 1);
		ASSERT_LT(1, len);
		line[len] = 0;
		EXPECT_EQ(len - 1, strspn(line, "0123456789")) TH_LOG("%s", field->name);
		EXPECT_EQ('\n', line[len - 1]) TH_LOG("%s", field->name);
		close(fd);
	}
}

TEST_F(fs, settings)
{
	EXPECT_EQ(0, set(self->dir_fd, "half_life_ms", "5000"));
	EXPECT_EQ(0, set(self->dir_fd, "max_item_bytes", "1048576\n"));
	EXPECT_EQ(0, set(self->dir_fd, "max_range_bytes", "0x180000"));
	EXPECT_EQ(5000, hot_look(self->dir_fd).half_life_ms);
	EXPECT_EQ(1048576, hot_look(self->dir_fd).max_item_bytes);
	EXPECT_EQ(0x180000, hot_look(self->dir_fd).max_range_bytes);
	EXPECT_EQ(65536, hot_look(self->dir_fd).range_slots);
	EXPECT_EQ(5000, value(self->dir_fd, "half_life_ms"));
	/* And the other way round. */
	EXPECT_EQ(0, hot_half_life(self->dir_fd, 7000));
	EXPECT_EQ(7000, value(self->dir_fd, "half_life_ms"));
}

TEST_F(fs, bad_settings)
{
	static const struct {
		const char *file, *text;
		int error;
	} bad[] = {
		{ "half_life_ms", "999", EINVAL },
		{ "half_life_ms", "2592000001", EINVAL },
		{ "half_life_ms", "0", EINVAL },
		{ "half_life_ms", "-1", EINVAL },
		{ "half_life_ms", "many", EINVAL },
		{ "half_life_ms", "5000 5000", EINVAL },
		{ "half_life_ms", "5000ms", EINVAL },
		{ "half_life_ms", "\n", EINVAL },
		{ "half_life_ms", "18446744073709551616", ERANGE },
		{ "max_range_bytes", "49151", EINVAL },
		{ "max_range_bytes", "-49152", EINVAL },
		{ "max_range_bytes", "1M", EINVAL },
		{ "max_item_bytes", "x", EINVAL },
		{ "max_item_bytes", "-1", EINVAL },
	};
	struct hot_ctl before = hot_look(self->dir_fd), after;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-bad[i].error, set(self->dir_fd, bad[i].file, bad[i].text))
			TH_LOG("%s: %s", bad[i].file, bad[i].text);
	}
	/* Root may open them all the same, so it is the file itself that has to refuse. */
	EXPECT_GT(0, set(self->dir_fd, "items", "0"));
	EXPECT_GT(0, set(self->dir_fd, "range_shift", "16"));
	after = hot_look(self->dir_fd);
	EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
}

static bool folder_there(const char *path)
{
	return !access(path, F_OK);
}

TEST_F(fs, gone_when_off)
{
	char path[SYSFS_PATH_SIZE], text[64];
	int before;

	hot_sysfs(self->dir_fd, "items", path);
	before = open(path, O_RDONLY);
	ASSERT_LE(0, before);
	ASSERT_EQ(0, hot_off(self->dir_fd));
	EXPECT_FALSE(folder_there(path));
	/* An open file of it leads nowhere, now and when tracking is on again. */
	EXPECT_EQ(-1, read(before, text, sizeof(text)));
	EXPECT_EQ(ENODEV, errno);
	ASSERT_EQ(0, hot_on(self->dir_fd));
	EXPECT_TRUE(folder_there(path));
	EXPECT_EQ(-1, pread(before, text, sizeof(text), 0));
	EXPECT_EQ(ENODEV, errno);
	EXPECT_EQ(0, value(self->dir_fd, "items"));
}

TEST_F(fs, gone_when_unmounted)
{
	char path[SYSFS_PATH_SIZE], text[64];
	int before;

	hot_sysfs(self->dir_fd, "items", path);
	before = open(path, O_RDONLY);
	ASSERT_LE(0, before);
	close(self->fd);
	close(self->direct);
	close(self->dir_fd);
	ASSERT_EQ(0, fs_umount(FS_EXT4));
	EXPECT_FALSE(folder_there(path));
	EXPECT_EQ(-1, read(before, text, sizeof(text)));
	EXPECT_EQ(ENODEV, errno);
	/* Mounted again it is not tracked. */
	ASSERT_EQ(0, fs_mount(FS_EXT4, 0));
	EXPECT_FALSE(folder_there(path));
}

static atomic_bool stop;

struct racer {
	pthread_t thread;
	const char *folder;
	atomic_uint values;
	unsigned int absent, wrong;
};

/* Each read gives a number or says that the file is gone; each write is taken or not. */
static void *read_and_write(void *arg)
{
	struct racer *racer = arg;
	char path[2 * SYSFS_PATH_SIZE], text[64];
	unsigned int i = 0;
	ssize_t len;
	int fd;

	while (!stop) {
		const struct field *field = &fields[i++ % ARRAY_SIZE(fields)];

		snprintf(path, sizeof(path), "%s%s", racer->folder, field->name);
		fd = open(path, field->setting ? O_RDWR : O_RDONLY);
		if (fd < 0) {
			racer->absent += errno == ENOENT || errno == ENODEV;
			racer->wrong += errno != ENOENT && errno != ENODEV;
			continue;
		}
		len = read(fd, text, sizeof(text) - 1);
		if (len > 1 && text[len - 1] == '\n')
			racer->values++;
		else if (len < 0 && errno == ENODEV)
			racer->absent++;
		else
			racer->wrong++;
		if (field->setting && len > 1 && pwrite(fd, text, len, 0) != len && errno != ENODEV)
			racer->wrong++;
		close(fd);
	}
	return NULL;
}

/* Turning off waits for those who look, and they do not see what is freed. */
TEST_F_TIMEOUT(fs, read_while_it_goes, LONG_TIMEOUT)
{
	int i, rounds = loops(60, 3000);
	struct racer racers[3] = {};
	char path[SYSFS_PATH_SIZE];

	hot_sysfs(self->dir_fd, "", path);
	for (i = 0; i < 3; i++) {
		racers[i].folder = path;
		ASSERT_EQ(0, pthread_create(&racers[i].thread, NULL, read_and_write, &racers[i]));
	}
	for (i = 0; i < rounds; i++) {
		ASSERT_EQ(0, hot_off(self->dir_fd));
		ASSERT_EQ(0, hot_on(self->dir_fd));
		write_at(self->direct, 0, PAGE);
	}
	/* Long enough for all to have seen something. */
	for (i = 0; i < 3; i++)
		while (!racers[i].values)
			pause_briefly();
	stop = true;
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, pthread_join(racers[i].thread, NULL));
		EXPECT_LT(0, racers[i].values);
		EXPECT_EQ(0, racers[i].wrong);
	}
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
