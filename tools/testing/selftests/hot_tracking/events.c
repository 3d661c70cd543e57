// SPDX-License-Identifier: GPL-2.0
/* A stream of events: what becomes hotter than a threshold. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "fixture.h"
#include "on_ext4.h"
#include "records.h"

#define RANGE_SHIFT	16	/* small ones, so that many fit into a file */

static int open_events(int fd, __u32 flags, __u64 threshold)
{
	struct hot_stream request = {
		.size = sizeof(request),
		.flags = HOT_STREAM_EVENTS | flags,
		.threshold = threshold,
	};

	return hot(fd, HOT_STREAM, &request);
}

static void set_nonblocking(int fd, bool on)
{
	if (fcntl(fd, F_SETFL, on ? O_NONBLOCK : 0))
		broken("O_NONBLOCK");
}

/*
 * What each test begins with: small ranges, and a stream of inodes hotter than three requests
 * that does not block.
 */
static int begin(int fd)
{
	struct hot_ctl ctl = {
		.size = sizeof(ctl),
		.flags = HOT_CTL_ON | HOT_CTL_SET_HALF_LIFE | HOT_CTL_SET_RANGE_SHIFT,
		.half_life_ms = HOT_HALF_LIFE_MAX_MS,
		.range_shift = RANGE_SHIFT,
	};
	int stream;

	if (hot_off(fd) || hot(fd, HOT_CTL, &ctl))
		broken("HOT_CTL_ON");
	stream = open_events(fd, 0, REQUESTS(3));
	if (stream < 0)
		broken("HOT_STREAM");
	set_nonblocking(stream, true);
	return stream;
}

static __u32 file_ino(int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		broken("fstat");
	return st.st_ino;
}

struct event {
	struct hot_record record;
	__u8 handle[HOT_HANDLE_MAX];
};

/* One event if there is one: 1, else 0 if it would block, or -errno. */
static int next_event(int stream, struct event *event)
{
	ssize_t len = read(stream, event, sizeof(*event));

	if (len < 0)
		return errno == EAGAIN ? 0 : -errno;
	return len == event->record.size ? 1 : -EBADMSG;
}

static int count_events(int stream)
{
	struct event event;
	int count = 0;

	while (next_event(stream, &event) > 0)
		count++;
	return count;
}

static void write_times(int fd, int times)
{
	while (times--)
		write_at(fd, 0, PAGE);
}

static short ready(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (poll(&p, 1, 0) < 0)
		broken("poll");
	return p.revents;
}

/* The blocks are there: what is written from now on is nothing but that. */
static void allocate(int fd)
{
	write_times(fd, 1);
	if (hot_forget(fd))
		broken("HOT_RESET_FILE");
}

TEST_F(fs, one_for_each_crossing)
{
	int stream = begin(self->dir_fd);
	struct event event;
	int i;

	allocate(self->direct);
	for (i = 1; i <= 10; i++) {
		write_at(self->direct, 0, PAGE);
		EXPECT_EQ(i == 3, next_event(stream, &event)) TH_LOG("after %d writes", i);
		if (i != 3)
			continue;
		EXPECT_EQ(REQUESTS(3), event.record.writes);
		EXPECT_EQ(0, event.record.reads);
		EXPECT_EQ(3 * PAGE, event.record.bytes_written);
		EXPECT_EQ(HOT_TRACKED, event.record.flags & ~HOT_NOT_OPENABLE);
		EXPECT_EQ(0, event.record.lost);
		EXPECT_EQ(0, event.record.age_ms);
		EXPECT_EQ(file_ino(self->direct), record_number(&event.record));
	}
}

/* What was hot when the stream was opened does not rise across anything. */
TEST_F(fs, hot_already)
{
	int stream = begin(self->dir_fd), late;

	write_times(self->direct, 5);
	EXPECT_EQ(1, count_events(stream));
	late = open_events(self->dir_fd, 0, REQUESTS(3));
	ASSERT_LE(0, late);
	set_nonblocking(late, true);
	write_times(self->direct, 5);
	EXPECT_EQ(0, count_events(late));
	EXPECT_EQ(0, count_events(stream));
}

TEST_F(fs, again_after_it_was_forgotten)
{
	int stream = begin(self->dir_fd), i;

	for (i = 0; i < 3; i++) {
		write_times(self->direct, 3);
		EXPECT_EQ(1, count_events(stream)) TH_LOG("round %d", i);
		hot_forget(self->direct);
	}
}

TEST_F(fs, again_after_it_has_cooled)
{
	int stream = begin(self->dir_fd);
	struct event event;

	write_times(self->direct, 4);
	EXPECT_EQ(1, count_events(stream));
	ASSERT_EQ(0, hot_half_life(self->dir_fd, HOT_HALF_LIFE_MIN_MS));
	while (heat_of(self->direct).writes >= HOT_ONE)
		usleep(100000);
	/* As many as it takes: some of them cool down meanwhile. */
	while (!next_event(stream, &event))
		write_at(self->direct, 0, PAGE);
	EXPECT_LE(REQUESTS(3), event.record.writes);
}

TEST_F(fs, thresholds_of_their_own)
{
	int streams[6], i;
	struct event event;

	close(begin(self->dir_fd));
	for (i = 0; i < 6; i++) {
		streams[i] = open_events(self->dir_fd, 0, REQUESTS(i + 1));
		ASSERT_LE(0, streams[i]);
		set_nonblocking(streams[i], true);
	}
	write_times(self->direct, 4);
	hot_look(self->dir_fd);
	for (i = 0; i < 6; i++) {
		EXPECT_EQ(i < 4, next_event(streams[i], &event)) TH_LOG("threshold %d", i + 1);
		EXPECT_EQ(0, count_events(streams[i]));
	}
}

TEST_F(fs, reads_or_writes)
{
	int stream = begin(self->dir_fd);
	int reads = open_events(self->dir_fd, HOT_BY_READS, REQUESTS(2));
	int writes = open_events(self->dir_fd, HOT_BY_WRITES, REQUESTS(2));

	ASSERT_LE(0, reads);
	ASSERT_LE(0, writes);
	set_nonblocking(reads, true);
	set_nonblocking(writes, true);
	allocate(self->direct);
	/* Two and one: three of both, two of one kind. */
	read_at(self->direct, 0, PAGE);
	read_at(self->direct, 0, PAGE);
	write_at(self->direct, 0, PAGE);
	EXPECT_EQ(1, count_events(stream));
	EXPECT_EQ(1, count_events(reads));
	EXPECT_EQ(0, count_events(writes));
	write_at(self->direct, 0, PAGE);
	EXPECT_EQ(1, count_events(writes));
}

TEST_F(fs, of_ranges)
{
	int stream = begin(self->dir_fd), ranges;
	struct event event;
	off_t offset;
	int i;

	close(stream);
	ranges = open_events(self->dir_fd, HOT_OF_RANGES, REQUESTS(2));
	ASSERT_LE(0, ranges);
	set_nonblocking(ranges, true);
	for (i = 0; i < 10; i++)
		write_at(self->direct, (off_t)i << RANGE_SHIFT, PAGE);
	/* Ten times hot is the inode, once each range. */
	EXPECT_EQ(0, next_event(ranges, &event));
	offset = 7LL << RANGE_SHIFT;
	write_at(self->direct, offset, PAGE);
	ASSERT_EQ(1, next_event(ranges, &event));
	EXPECT_EQ(HOT_RECORD_RANGE, event.record.flags & HOT_RECORD_RANGE);
	EXPECT_EQ(offset, event.record.offset);
	EXPECT_EQ(1 << RANGE_SHIFT, event.record.length);
	EXPECT_EQ(REQUESTS(2), event.record.writes);
	EXPECT_EQ(file_ino(self->direct), record_number(&event.record));
	EXPECT_EQ(0, next_event(ranges, &event));
}

struct reader {
	int fd;
	pthread_t thread;
	atomic_int tid;
	int ret;		/* -errno, or the number of bytes */
	unsigned int count;	/* of events that read_all() has seen */
	struct event event;
};

static void *read_one(void *arg)
{
	struct reader *reader = arg;
	ssize_t len;

	reader->tid = gettid();
	len = read(reader->fd, &reader->event, sizeof(reader->event));
	reader->ret = len < 0 ? -errno : len;
	return NULL;
}

static void *poll_one(void *arg)
{
	struct reader *reader = arg;
	struct pollfd p = { .fd = reader->fd, .events = POLLIN };

	reader->tid = gettid();
	reader->ret = poll(&p, 1, -1) == 1 ? p.revents : -errno;
	return NULL;
}

/* Return when a thread sleeps in the kernel. */
static void until_asleep(pid_t tid)
{
	char path[64], state;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	do {
		pause_briefly();
		f = fopen(path, "r");
		if (!f || fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
			broken(path);
		fclose(f);
	} while (state != 'S');
}

/* Return when it waits. */
static void start(struct reader *reader, void *(*run)(void *), int fd)
{
	*reader = (struct reader) { .fd = fd };
	if (pthread_create(&reader->thread, NULL, run, reader))
		broken("a thread");
	while (!reader->tid)
		pause_briefly();
	until_asleep(reader->tid);
}

static int result(struct reader *reader)
{
	pthread_join(reader->thread, NULL);
	return reader->ret;
}

/* Nobody asks for heat meanwhile: an event has to come by itself. */
TEST_F(fs, poll_wakes_up)
{
	int stream = begin(self->dir_fd);
	struct reader reader;

	EXPECT_EQ(0, ready(stream));
	start(&reader, poll_one, stream);
	write_times(self->direct, 3);
	EXPECT_EQ(POLLIN, result(&reader));
	EXPECT_EQ(POLLIN, ready(stream));
	EXPECT_EQ(1, count_events(stream));
	EXPECT_EQ(0, ready(stream));
}

TEST_F(fs, epoll_wakes_up)
{
	int stream = begin(self->dir_fd);
	struct epoll_event want = { .events = EPOLLIN | EPOLLET }, seen;
	int epoll = epoll_create1(0);

	ASSERT_LE(0, epoll);
	ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, stream, &want));
	EXPECT_EQ(0, epoll_wait(epoll, &seen, 1, 0));
	write_times(self->direct, 3);
	EXPECT_EQ(1, epoll_wait(epoll, &seen, 1, -1));
	EXPECT_EQ(EPOLLIN, seen.events);
}

TEST_F(fs, read_waits)
{
	int stream = begin(self->dir_fd);
	struct reader reader;

	set_nonblocking(stream, false);
	start(&reader, read_one, stream);
	write_times(self->direct, 3);
	EXPECT_LT(0, result(&reader));
	EXPECT_EQ(reader.event.record.size, reader.ret);
	EXPECT_EQ(REQUESTS(3), reader.event.record.writes);
}

TEST_F(fs, read_does_not_wait)
{
	int stream = begin(self->dir_fd);
	struct event event;

	EXPECT_EQ(-1, read(stream, &event, sizeof(event)));
	EXPECT_EQ(EAGAIN, errno);
}

static void ignore(int sig)
{
	(void)sig;
}

TEST_F(fs, signal_ends_the_wait)
{
	int stream = begin(self->dir_fd);
	struct sigaction action = { .sa_handler = ignore };
	struct reader reader;

	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	set_nonblocking(stream, false);
	start(&reader, read_one, stream);
	ASSERT_EQ(0, pthread_kill(reader.thread, SIGUSR1));
	EXPECT_EQ(-EINTR, result(&reader));
	/* And nothing was lost by it. */
	write_times(self->direct, 3);
	set_nonblocking(stream, true);
	EXPECT_EQ(1, count_events(stream));
}

TEST_F(fs, signal_restarts_the_wait)
{
	int stream = begin(self->dir_fd);
	struct sigaction action = { .sa_handler = ignore, .sa_flags = SA_RESTART };
	struct reader reader;
	int i;

	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	set_nonblocking(stream, false);
	start(&reader, read_one, stream);
	for (i = 0; i < 10; i++) {
		ASSERT_EQ(0, pthread_kill(reader.thread, SIGUSR1));
		until_asleep(reader.tid);
	}
	write_times(self->direct, 3);
	EXPECT_LT(0, result(&reader));
	EXPECT_EQ(REQUESTS(3), reader.event.record.writes);
}

TEST_F(fs, buffers_too_short)
{
	int stream = begin(self->dir_fd);
	char buffer[HOT_RECORD_MAX];
	size_t len;

	write_times(self->direct, 3);
	for (len = 0; len < HOT_RECORD_MAX; len++) {
		EXPECT_EQ(-1, read(stream, buffer, len));
		EXPECT_EQ(EINVAL, errno) TH_LOG("%zu bytes", len);
	}
	EXPECT_EQ(1, count_events(stream));
}

TEST_F(fs, cannot_seek)
{
	int stream = begin(self->dir_fd);

	EXPECT_EQ(-1, lseek(stream, 0, SEEK_SET));
}

static void *read_all(void *arg)
{
	struct reader *reader = arg;
	struct event event;

	while (read(reader->fd, &event, sizeof(event)) > 0)
		reader->count += 1 + event.record.lost;
	reader->ret = -errno;
	return NULL;
}

/* Several threads at one stream: each event goes to one of them, and all hear of the end. */
TEST_F(fs, shared_by_readers)
{
	enum { READERS = 4, EVENTS = 800 };
	int stream = begin(self->dir_fd), ranges, i;
	struct reader readers[READERS] = {};
	unsigned int events = 0;

	close(stream);
	ranges = open_events(self->dir_fd, HOT_OF_RANGES, HOT_ONE);
	ASSERT_LE(0, ranges);
	for (i = 0; i < READERS; i++) {
		readers[i].fd = ranges;
		ASSERT_EQ(0, pthread_create(&readers[i].thread, NULL, read_all, &readers[i]));
	}
	for (i = 0; i < EVENTS; i++)
		write_at(self->direct, (off_t)i << RANGE_SHIFT, PAGE);
	hot_look(self->dir_fd);
	while (ready(ranges))
		pause_briefly();
	ASSERT_EQ(0, hot_off(self->dir_fd));
	for (i = 0; i < READERS; i++) {
		EXPECT_EQ(-ENODEV, result(&readers[i]));
		events += readers[i].count;
	}
	EXPECT_EQ(EVENTS, events);
}

/* One read() gives as many as fit. */
TEST_F(fs, several_at_once)
{
	int stream = begin(self->dir_fd), ranges;
	char buffer[20 * HOT_RECORD_MAX];
	struct records list = {};
	ssize_t len;
	int i;

	close(stream);
	ranges = open_events(self->dir_fd, HOT_OF_RANGES, HOT_ONE);
	ASSERT_LE(0, ranges);
	for (i = 0; i < 10; i++)
		write_at(self->direct, (off_t)i << RANGE_SHIFT, PAGE);
	hot_look(self->dir_fd);
	len = read(ranges, buffer, sizeof(buffer));
	ASSERT_LT(0, len);
	records_add(&list, buffer, len);
	EXPECT_EQ(10, list.count);
}

/*
 * More events than can wait. Each is either given or counted as lost, and those that
 * are given tell how many are missing before them.
 */
TEST_F(fs, lost)
{
	enum { MORE = 76, EVENTS = HOT_STREAM_QUEUE + MORE, LATER = 5 };
	int stream = begin(self->dir_fd), ranges;
	unsigned long given = 0, lost = 0, waiting;
	struct event event;
	int i;

	close(stream);
	ranges = open_events(self->dir_fd, HOT_OF_RANGES, HOT_ONE);
	ASSERT_LE(0, ranges);
	set_nonblocking(ranges, true);
	for (i = 0; i < EVENTS; i++)
		write_at(self->direct, (off_t)i << RANGE_SHIFT, PAGE);
	hot_look(self->dir_fd);
	for (; next_event(ranges, &event) > 0; given++)
		lost += event.record.lost;
	waiting = given;
	EXPECT_EQ(HOT_STREAM_QUEUE, waiting);
	for (; i < EVENTS + LATER; i++)
		write_at(self->direct, (off_t)i << RANGE_SHIFT, PAGE);
	hot_look(self->dir_fd);
	for (; next_event(ranges, &event) > 0; given++)
		lost += event.record.lost;
	EXPECT_EQ(waiting + LATER, given);
	EXPECT_EQ(MORE, lost);
	EXPECT_EQ(EVENTS + LATER, given + lost);
}

TEST_F(fs, number_of_streams)
{
	int stream = begin(self->dir_fd);
	int streams[HOT_STREAMS_MAX], snapshot, twin, i;
	struct hot_stream request = { .size = sizeof(request) };
	pid_t pid;

	close(stream);
	for (i = 0; i < HOT_STREAMS_MAX; i++) {
		streams[i] = open_events(self->dir_fd, 0, HOT_ONE);
		ASSERT_LE(0, streams[i]) TH_LOG("stream %d", i);
	}
	EXPECT_EQ(-EBUSY, open_events(self->dir_fd, 0, HOT_ONE));
	/* Snapshots do not count. */
	snapshot = hot(self->dir_fd, HOT_STREAM, &request);
	EXPECT_LE(0, snapshot);
	/* A stream ends with its last descriptor. */
	twin = dup(streams[3]);
	close(streams[3]);
	EXPECT_EQ(-EBUSY, open_events(self->dir_fd, 0, HOT_ONE));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		pause();
		_exit(1);
	}
	close(twin);
	EXPECT_EQ(-EBUSY, open_events(self->dir_fd, 0, HOT_ONE));
	kill(pid, SIGKILL);
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	streams[3] = open_events(self->dir_fd, 0, HOT_ONE);
	EXPECT_LE(0, streams[3]);
	EXPECT_EQ(-EBUSY, open_events(self->dir_fd, 0, HOT_ONE));
}

/* An attempt for which there is no descriptor must not take one of the places. */
TEST_F(fs, no_descriptor)
{
	struct rlimit limit, none;
	int i, stream;

	close(begin(self->dir_fd));
	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &limit));
	none = limit;
	none.rlim_cur = 0;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
	for (i = 0; i < 2 * HOT_STREAMS_MAX; i++)
		EXPECT_EQ(-EMFILE, open_events(self->dir_fd, 0, HOT_ONE));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	for (i = 1; i < HOT_STREAMS_MAX; i++) {
		stream = open_events(self->dir_fd, 0, HOT_ONE);
		EXPECT_LE(0, stream) TH_LOG("stream %d", i);
	}
}

TEST_F(fs, closed_while_events_wait)
{
	int i, stream;

	close(begin(self->dir_fd));
	for (i = 0; i < 3 * HOT_STREAMS_MAX; i++) {
		stream = open_events(self->dir_fd, HOT_OF_RANGES, HOT_ONE);
		ASSERT_LE(0, stream);
		write_at(self->direct, (off_t)i << RANGE_SHIFT, PAGE);
		ASSERT_EQ(0, close(stream));
	}
}

static void end_by_off(int dir_fd)
{
	if (hot_off(dir_fd))
		broken("turning it off");
}

static void end_by_umount(int dir_fd)
{
	close(dir_fd);
	if (fs_umount(FS_EXT4))
		broken("umount");
}

FIXTURE(end)
{
	FIXTURE_DATA(fs) at;
	int stream;		/* of inodes that had a request */
};

FIXTURE_VARIANT(end)
{
	void (*act)(int dir_fd);
};

FIXTURE_VARIANT_ADD(end, off) { .act = end_by_off, };

FIXTURE_VARIANT_ADD(end, umount) { .act = end_by_umount, };

FIXTURE_SETUP(end)
{
	if (fs_missing(FS_EXT4))
		SKIP(return, "%s", fs_missing(FS_EXT4));
	place_begin(&self->at, FS_EXT4);
	close(self->at.fd);
	self->stream = open_events(self->at.dir_fd, 0, HOT_ONE);
	ASSERT_LE(0, self->stream);
}

FIXTURE_TEARDOWN(end)
{
}

TEST_F(end, reader_wakes_up)
{
	struct reader reader;

	close(self->at.direct);
	start(&reader, read_one, self->stream);
	variant->act(self->at.dir_fd);
	EXPECT_EQ(-ENODEV, result(&reader));
}

TEST_F(end, poll_wakes_up)
{
	struct reader reader;

	close(self->at.direct);
	start(&reader, poll_one, self->stream);
	variant->act(self->at.dir_fd);
	EXPECT_EQ(POLLHUP, result(&reader) & POLLHUP);
}

TEST_F(end, afterwards)
{
	struct event event;

	close(self->at.direct);
	variant->act(self->at.dir_fd);
	EXPECT_EQ(-ENODEV, next_event(self->stream, &event));
	EXPECT_EQ(POLLHUP, ready(self->stream) & POLLHUP);
	set_nonblocking(self->stream, true);
	EXPECT_EQ(-ENODEV, next_event(self->stream, &event));
	/* Heat of another tracking of the same filesystem is not for it. */
	place_begin(&self->at, FS_EXT4);
	write_at(self->at.direct, 0, PAGE);
	EXPECT_EQ(REQUESTS(1), heat_of(self->at.direct).writes);
	EXPECT_EQ(-ENODEV, next_event(self->stream, &event));
	EXPECT_EQ(0, close(self->stream));
}

TEST_F(end, while_events_wait)
{
	write_at(self->at.direct, 0, PAGE);
	hot_look(self->at.dir_fd);
	EXPECT_EQ(POLLIN, ready(self->stream));
	close(self->at.direct);
	variant->act(self->at.dir_fd);
	EXPECT_EQ(POLLHUP, ready(self->stream) & POLLHUP);
	EXPECT_EQ(0, close(self->stream));
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
