// SPDX-License-Identifier: GPL-2.0
/* A stream without events: one pass over all heat. */
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/wait.h>

#include "fixture.h"
#include "on_ext4.h"
#include "records.h"

#define INODES		300
#define RANGES		3	/* of each inode */
#define RANGE_BYTES	((__u64)MIB)	/* HOT_RANGE_SHIFT_DEFAULT */

static int open_stream(int fd, __u32 flags)
{
	struct hot_stream request = { .size = sizeof(request), .flags = flags };

	return hot(fd, HOT_STREAM, &request);
}

static void load_some(int fd)
{
	struct records list = {};
	unsigned int seed = 1, i, n;

	for (i = 0; i < INODES; i++)
		records_add_inode(&list, i, 1 + pick(&seed, 10000), pick(&seed, 10000));
	for (i = 0; i < INODES; i++)
		for (n = 0; n < RANGES; n++)
			records_add_range(&list, i, n * RANGE_BYTES, RANGE_BYTES,
					  1 + pick(&seed, 10000), pick(&seed, 10000));
	if (records_load(&list, fd, NULL))
		broken("HOT_LOAD");
	records_free(&list);
}

/* What each test begins with: heat, and a stream of all of it. */
static int begin(int fd)
{
	int stream;

	load_some(fd);
	stream = open_stream(fd, HOT_OF_RANGES);
	if (stream < 0)
		broken("HOT_STREAM");
	return stream;
}

static void read_all(struct records *list, int fd, size_t portion)
{
	char *buffer = malloc(portion);
	ssize_t len;

	while ((len = read(fd, buffer, portion)) > 0)
		records_add(list, buffer, len);
	if (len)
		broken("read");
	free(buffer);
}

static bool lists_equal(const struct records *a, const struct records *b)
{
	const struct hot_record *x = records_next(a, NULL), *y = records_next(b, NULL);

	while (x && y && record_equal(x, y)) {
		x = records_next(a, x);
		y = records_next(b, y);
	}
	return !x && !y;
}

TEST_F(fs, equals_top_of_all)
{
	int stream = begin(self->dir_fd);
	static const __u32 of[] = { 0, HOT_OF_RANGES };
	struct records top = {}, pass = {};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(of); i++)
		records_top(&top, self->dir_fd, of[i], HOT_COUNT_MAX);
	read_all(&pass, stream, 4096);
	EXPECT_EQ(hot_look(self->dir_fd).items + hot_look(self->dir_fd).ranges, pass.count);
	EXPECT_EQ(top.count, pass.count);
	records_sort_by_key(&top);
	records_sort_by_key(&pass);
	EXPECT_TRUE(lists_equal(&top, &pass));
}

TEST_F(fs, inodes_alone)
{
	struct hot_record *record;
	struct records pass = {};

	close(begin(self->dir_fd));
	records_snapshot(&pass, self->dir_fd, 0);
	EXPECT_EQ(INODES, pass.count);
	for (record = records_next(&pass, NULL); record; record = records_next(&pass, record)) {
		EXPECT_EQ(HOT_TRACKED, record->flags & (HOT_TRACKED | HOT_RECORD_RANGE));
		EXPECT_EQ(0, record->offset);
		EXPECT_EQ(0, record->length);
		EXPECT_EQ(0, record->lost);
	}
}

/* HOT_LOAD wants the records of inodes before those of their ranges. */
TEST_F(fs, inodes_come_before_ranges)
{
	int stream = begin(self->dir_fd);
	struct hot_record *record;
	struct records pass = {};
	bool ranges = false;

	read_all(&pass, stream, 4096);
	for (record = records_next(&pass, NULL); record; record = records_next(&pass, record)) {
		if (record->flags & HOT_RECORD_RANGE) {
			ranges = true;
			EXPECT_EQ(RANGE_BYTES, record->length);
			EXPECT_EQ(0, record->offset % RANGE_BYTES);
			EXPECT_EQ(0, record->bytes_read);
		} else {
			ASSERT_FALSE(ranges);
		}
	}
	EXPECT_TRUE(ranges);
}

/* Whatever the portions, each record comes once and whole. */
TEST_F(fs, portions)
{
	int stream = begin(self->dir_fd);
	static const size_t portions[] = {
		HOT_RECORD_MAX, HOT_RECORD_MAX + 1, 2 * HOT_RECORD_MAX - 1, 4096, 65536, 1 << 20,
	};
	struct records first = {}, again = {};
	unsigned int i;

	read_all(&first, stream, 1000);
	for (i = 0; i < ARRAY_SIZE(portions); i++) {
		ASSERT_EQ(0, lseek(stream, 0, SEEK_SET));
		records_free(&again);
		read_all(&again, stream, portions[i]);
		EXPECT_TRUE(lists_equal(&first, &again)) TH_LOG("portions of %zu", portions[i]);
	}
}

TEST_F(fs, end_stays_the_end_until_lseek)
{
	int stream = begin(self->dir_fd);
	struct records first = {}, again = {};
	char buffer[4096];

	read_all(&first, stream, 4096);
	EXPECT_EQ(0, read(stream, buffer, sizeof(buffer)));
	EXPECT_EQ(0, read(stream, buffer, sizeof(buffer)));
	EXPECT_EQ(0, lseek(stream, 0, SEEK_SET));
	read_all(&again, stream, 4096);
	EXPECT_TRUE(lists_equal(&first, &again));

	/* In the middle too. */
	EXPECT_EQ(0, lseek(stream, 0, SEEK_SET));
	EXPECT_LT(0, read(stream, buffer, sizeof(buffer)));
	EXPECT_EQ(0, lseek(stream, 0, SEEK_SET));
	records_free(&again);
	read_all(&again, stream, 4096);
	EXPECT_TRUE(lists_equal(&first, &again));
}

/* There is no other place to go to. A failed attempt moves nothing. */
TEST_F(fs, other_places)
{
	int stream = begin(self->dir_fd);
	static const struct {
		off_t offset;
		int whence;
	} places[] = {
		{ 1, SEEK_SET }, { -1, SEEK_SET }, { 0, SEEK_END }, { 1, SEEK_CUR },
		{ 0, SEEK_DATA }, { 0, SEEK_HOLE }, { 0, 77 },
	};
	struct records first = {}, rest = {};
	char buffer[4096];
	unsigned int i;
	ssize_t len;

	read_all(&first, stream, 4096);
	ASSERT_EQ(0, lseek(stream, 0, SEEK_SET));
	len = read(stream, buffer, sizeof(buffer));
	ASSERT_LT(0, len);
	records_add(&rest, buffer, len);
	for (i = 0; i < ARRAY_SIZE(places); i++) {
		EXPECT_EQ(-1, lseek(stream, places[i].offset, places[i].whence))
			TH_LOG("place %u", i);
	}
	read_all(&rest, stream, 4096);
	EXPECT_TRUE(lists_equal(&first, &rest));
}

TEST_F(fs, buffers_too_short)
{
	int stream = begin(self->dir_fd);
	struct records first = {}, again = {};
	char buffer[HOT_RECORD_MAX];
	size_t len;

	for (len = 0; len < HOT_RECORD_MAX; len++) {
		EXPECT_EQ(-1, read(stream, buffer, len));
		EXPECT_EQ(EINVAL, errno) TH_LOG("%zu bytes", len);
	}
	/* Nothing was lost by that. */
	read_all(&first, stream, 4096);
	EXPECT_EQ(INODES * (1 + RANGES), first.count);
	/* At the end too. */
	EXPECT_EQ(-1, read(stream, buffer, HOT_RECORD_MAX - 1));
	EXPECT_EQ(EINVAL, errno);
	read_all(&again, stream, 4096);
	EXPECT_EQ(0, again.count);
}

TEST_F(fs, bad_buffer)
{
	/* Where nothing is, but the compiler does not see that. */
	void *nowhere = (void *)(uintptr_t)getpagesize() - 8;
	int stream = begin(self->dir_fd);
	struct records first = {};

	EXPECT_EQ(-1, read(stream, nowhere, 4096));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(0, lseek(stream, 0, SEEK_SET));
	read_all(&first, stream, 4096);
	EXPECT_EQ(INODES * (1 + RANGES), first.count);
}

TEST_F(fs, not_for_writing)
{
	int stream = begin(self->dir_fd);

	EXPECT_EQ(-1, write(stream, "x", 1));
	EXPECT_EQ(EBADF, errno);
}

/* The commands are about filesystems: the descriptor is on none. */
TEST_F(fs, is_no_tracked_file)
{
	int stream = begin(self->dir_fd);
	struct hot_ctl ctl = { .size = sizeof(ctl) };

	EXPECT_EQ(-EOPNOTSUPP, hot(stream, HOT_CTL, &ctl));
}

/* A snapshot never waits: it can always be read. */
TEST_F(fs, poll)
{
	int stream = begin(self->dir_fd);
	struct pollfd p = { .fd = stream, .events = POLLIN };

	EXPECT_EQ(1, poll(&p, 1, 0));
	EXPECT_EQ(POLLIN, p.revents);
}

/* Two descriptors of one stream share its place, two streams do not. */
TEST_F(fs, place_is_the_stream_s)
{
	int stream = begin(self->dir_fd);
	struct records one = {}, whole = {}, other = {};
	int twin = dup(stream), second = open_stream(self->dir_fd, HOT_OF_RANGES);
	char buffer[4096];
	ssize_t len;

	ASSERT_LE(0, twin);
	ASSERT_LE(0, second);
	len = read(stream, buffer, sizeof(buffer));
	ASSERT_LT(0, len);
	records_add(&one, buffer, len);
	close(stream);
	read_all(&one, twin, 4096);
	read_all(&other, second, 4096);
	EXPECT_TRUE(lists_equal(&one, &other));
	EXPECT_EQ(0, lseek(twin, 0, SEEK_SET));
	read_all(&whole, twin, 4096);
	EXPECT_TRUE(lists_equal(&one, &whole));
}

TEST_F(fs, fork)
{
	int stream = begin(self->dir_fd);
	struct records pass = {};
	char buffer[4096];
	int status;
	pid_t pid = fork();
	ssize_t len;

	ASSERT_LE(0, pid);
	if (!pid) {
		len = read(stream, buffer, sizeof(buffer));
		_exit(len > 0 ? len / RECORD_BYTES : 0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFEXITED(status));
	ASSERT_LT(0, WEXITSTATUS(status));
	read_all(&pass, stream, 4096);
	EXPECT_EQ(INODES * (1 + RANGES), WEXITSTATUS(status) + pass.count);
}

/* Heat that comes and goes while the cursor is on its way: what stays is seen once. */
TEST_F(fs, changes_during_a_pass)
{
	int stream = begin(self->dir_fd);
	struct records more = {}, pass = {};
	struct hot_record *record;
	unsigned int seen[INODES] = {}, i;
	char buffer[HOT_RECORD_MAX];
	ssize_t len;
	int fd, file;

	close(stream);
	fd = open_stream(self->dir_fd, 0);
	ASSERT_LE(0, fd);
	for (i = 0; (len = read(fd, buffer, sizeof(buffer))) > 0; i++) {
		records_add(&pass, buffer, len);
		if (i >= INODES)
			continue;	/* else the end would run away from the cursor */
		records_free(&more);
		records_add_inode(&more, 10000 + i, HOT_ONE, 0);
		ASSERT_EQ(0, records_load(&more, self->dir_fd, NULL));
		file = open_file(self->dir, "short-lived", O_DIRECT);
		write_at(file, 0, PAGE);
		close(file);
		ASSERT_EQ(0, unlinkat(self->dir_fd, "short-lived", 0));
	}
	ASSERT_EQ(0, len);
	for (record = records_next(&pass, NULL); record; record = records_next(&pass, record)) {
		__u32 number = record_number(record) - MADE_UP;

		if (number < INODES)
			seen[number]++;
	}
	for (i = 0; i < INODES; i++)
		EXPECT_EQ(1, seen[i]) TH_LOG("item %u", i);
}

static void expect_over(struct __test_metadata *_metadata, int stream)
{
	struct pollfd p = { .fd = stream, .events = POLLIN };
	char buffer[4096];

	EXPECT_EQ(-1, read(stream, buffer, sizeof(buffer)));
	EXPECT_EQ(ENODEV, errno);
	EXPECT_EQ(1, poll(&p, 1, 0));
	EXPECT_EQ(POLLHUP, p.revents & POLLHUP);
	EXPECT_EQ(0, close(stream));
}

TEST_F(fs, over_when_turned_off)
{
	int stream = begin(self->dir_fd), begun = open_stream(self->dir_fd, 0);
	char buffer[4096];

	ASSERT_LT(0, read(begun, buffer, sizeof(buffer)));
	ASSERT_EQ(0, hot_off(self->dir_fd));
	expect_over(_metadata, begun);
	/* Another tracking has other streams. */
	ASSERT_EQ(0, hot_on(self->dir_fd));
	expect_over(_metadata, stream);
}

static void close_files(const FIXTURE_DATA(fs) * at)
{
	close(at->fd);
	close(at->direct);
	close(at->dir_fd);
}

/* An open stream does not keep the filesystem mounted. */
TEST_F(fs, over_when_unmounted)
{
	int stream = begin(self->dir_fd), begun = open_stream(self->dir_fd, 0);
	char buffer[4096];

	ASSERT_LT(0, read(begun, buffer, sizeof(buffer)));
	close_files(self);
	ASSERT_EQ(0, fs_umount(FS_EXT4));
	expect_over(_metadata, begun);
	/* The same filesystem mounted again is without heat, and not what the stream was of. */
	ASSERT_EQ(0, fs_mount(FS_EXT4, 0));
	self->dir_fd = open(self->dir, O_RDONLY | O_DIRECTORY);
	EXPECT_EQ(0, hot_look(self->dir_fd).state);
	ASSERT_EQ(0, hot_on(self->dir_fd));
	expect_over(_metadata, stream);
}

TEST_F(fs, umount_with_many_streams)
{
	enum { STREAMS = 200 };
	int streams[STREAMS], i;

	for (i = 0; i < STREAMS; i++) {
		streams[i] = open_stream(self->dir_fd, i & 1 ? HOT_OF_RANGES : 0);
		ASSERT_LE(0, streams[i]);
	}
	close_files(self);
	ASSERT_EQ(0, fs_umount(FS_EXT4));
	for (i = 0; i < STREAMS; i++)
		expect_over(_metadata, streams[i]);
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
