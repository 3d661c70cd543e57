// SPDX-License-Identifier: GPL-2.0
/*
 * Everything at once: I/O of all kinds, files that come and go, caches dropped, tracking turned
 * off and on, limits and half-life changed, heat read in every way, the filesystem frozen,
 * remounted and unmounted. What goes wrong inside is for KASAN, lockdep and kmemleak to find; here
 * it counts that all make progress, that nothing fails which must not, and that a new file never
 * has heat.
 */
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "fixture.h"
#include "on_ext4.h"
#include "records.h"

#define FILES	6
#define LENGTH	(64 * KIB)

/*
 * Held for reading by who has something open there or is about to; for writing by who unmounts.
 * Streams and files of sysfs are used without it.
 */
static pthread_rwlock_t mounted;
static atomic_bool stop;
static const char *dir;
static dev_t device;

struct worker;

struct task {
	const char *name;
	/* Once: 0 or -errno. */
	int (*run)(struct worker *worker);
	bool unlocked;		/* takes the lock itself, or does without */
	unsigned int share;	/* of the rounds that are asked for: one in so many */
};

struct worker {
	const struct task *task;
	pthread_t thread;
	unsigned int seed;
	atomic_uint done;
	unsigned int wrong;
	int stream;		/* -1: none */
	void *block;		/* for direct I/O */
};

static void complain(struct worker *worker, const char *what, int error)
{
	if (worker->wrong++ < 5)
		fprintf(stderr, "# %s: %s: %s\n", worker->task->name, what, strerror(error));
}

/* What may happen to anyone here: tracking is off, or the filesystem read-only. */
static int tolerate(int ret)
{
	return ret == -ENODATA || ret == -EROFS ? 0 : ret;
}

static int open_in(const char *name, int flags)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, flags | O_CLOEXEC, 0644);
	return fd < 0 ? -errno : fd;
}

static int remove_from_dir(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return unlink(path) ? -errno : 0;
}

static int open_root(void)
{
	return open_in("", O_RDONLY | O_DIRECTORY);
}

/* One of the files that are read and written through the page cache ('b') or directly ('d'). */
static int open_one(struct worker *worker, char kind, int flags)
{
	char name[16];

	snprintf(name, sizeof(name), "%c%u", kind, pick(&worker->seed, FILES));
	return open_in(name, O_RDWR | O_CREAT | flags);
}

static off_t somewhere(struct worker *worker)
{
	/* Several ranges of the smallest size. */
	return (off_t)pick(&worker->seed, 16) * 64 * KIB + pick(&worker->seed, 16) * PAGE;
}

static int write_buffered(struct worker *worker)
{
	int fd = open_one(worker, 'b', 0), ret = 0;

	if (fd < 0)
		return tolerate(fd);
	if (pwrite(fd, worker->block, PAGE, somewhere(worker)) < 0)
		ret = -errno;
	else if (pick(&worker->seed, 2) && fsync(fd))
		ret = -errno;
	close(fd);
	return tolerate(ret);
}

static int read_cold(struct worker *worker)
{
	int fd = open_one(worker, 'b', 0), ret = 0;

	if (fd < 0)
		return tolerate(fd);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	if (pick(&worker->seed, 2))
		posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
	if (pread(fd, worker->block, PAGE, somewhere(worker)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

static int direct_io(struct worker *worker)
{
	int fd = open_one(worker, 'd', O_DIRECT), ret = 0;
	off_t at = somewhere(worker);
	ssize_t len;

	if (fd < 0)
		return tolerate(fd);
	len = pick(&worker->seed, 2) ? pwrite(fd, worker->block, PAGE, at) :
				       pread(fd, worker->block, PAGE, at);
	if (len < 0)
		ret = -errno;
	if (!ret && !pick(&worker->seed, 16) && ftruncate(fd, pick(&worker->seed, 2) * LENGTH))
		ret = -errno;
	close(fd);
	return tolerate(ret);
}

static int map_and_touch(struct worker *worker)
{
	int fd = open_in("mapped", O_RDWR | O_CREAT), ret = 0;
	char *map;

	if (fd < 0)
		return tolerate(fd);
	if (ftruncate(fd, LENGTH)) {
		ret = -errno;
	} else {
		map = mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (map == MAP_FAILED)
			broken("mmap");
		map[pick(&worker->seed, LENGTH)]++;
		if (pick(&worker->seed, 2) && msync(map, LENGTH, MS_SYNC))
			ret = -errno;
		munmap(map, LENGTH);
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	}
	close(fd);
	return tolerate(ret);
}

/* In the inode or in a range of it. */
static bool has_heat(struct worker *worker, int fd)
{
	struct hot_inode inode = { .size = sizeof(inode) };
	struct hot_range range;
	struct hot_ranges ranges = {
		.size = sizeof(ranges),
		.ranges = (uintptr_t)&range,
		.count = 1,
	};
	int ret = hot(fd, HOT_GET_INODE, &inode);

	if (!ret && (inode.reads || inode.writes || inode.bytes_read || inode.bytes_written ||
		     inode.item_flags))
		return true;
	if (tolerate(ret))
		complain(worker, "HOT_GET_INODE", -ret);
	ret = hot(fd, HOT_GET_RANGES, &ranges);
	if (tolerate(ret))
		complain(worker, "HOT_GET_RANGES", -ret);
	return !ret && ranges.count;
}

/* A new file begins without heat, whoever had its inode before, and has no more than its own. */
static int come_and_go(struct worker *worker)
{
	struct hot_inode inode = { .size = sizeof(inode) };
	unsigned int writes = 1 + pick(&worker->seed, 3), i;
	char name[32];
	int fd, ret = 0;

	snprintf(name, sizeof(name), "new-%s-%u", worker->task->name, pick(&worker->seed, 4));
	fd = open_in(name, O_RDWR | O_CREAT | O_EXCL | O_DIRECT);
	/* It stayed when it was to be deleted because the filesystem was read-only. */
	if (fd == -EEXIST)
		return tolerate(remove_from_dir(name));
	if (fd < 0)
		return tolerate(fd);
	if (has_heat(worker, fd))
		complain(worker, "a new file has heat", EBADMSG);
	for (i = 0; i < writes && !ret; i++)
		if (pwrite(fd, worker->block, PAGE, i * 64 * KIB) < 0)
			ret = -errno;
	if (!hot(fd, HOT_GET_INODE, &inode) &&
	    (inode.writes > REQUESTS(writes) || inode.bytes_written > writes * PAGE || inode.reads))
		complain(worker, "a file has more heat than requests", EBADMSG);
	if (!ret)
		ret = remove_from_dir(name);
	close(fd);
	return tolerate(ret);
}

static int drop(struct worker *worker)
{
	static const char *const how[] = { "1", "2", "3" };

	return put("/proc/sys/vm/drop_caches", how[pick(&worker->seed, 3)]);
}

static __u64 some_limit(struct worker *worker)
{
	return 65536ULL << pick(&worker->seed, 6);
}

static int turn_off_and_on(struct worker *worker)
{
	struct hot_ctl ctl = {
		.size = sizeof(ctl),
		.flags = HOT_CTL_ON | HOT_CTL_SET_RANGE_SHIFT | HOT_CTL_SET_HALF_LIFE |
			 HOT_CTL_SET_ITEM_BYTES | HOT_CTL_SET_RANGE_BYTES,
		.range_shift = HOT_RANGE_SHIFT_MIN + pick(&worker->seed, 5),
		.half_life_ms = HOT_HALF_LIFE_MIN_MS,
		.max_item_bytes = some_limit(worker),
		.max_range_bytes = some_limit(worker),
	};
	int fd = open_root(), ret;

	if (fd < 0)
		return fd;
	ret = hot_off(fd);
	if (pick(&worker->seed, 2))
		pause_briefly();
	if (!ret || ret == -ENODATA)
		ret = hot(fd, HOT_CTL, &ctl);
	close(fd);
	return ret;
}

static int change_settings(struct worker *worker)
{
	struct hot_ctl ctl = {
		.size = sizeof(ctl),
		.flags = HOT_CTL_SET_ITEM_BYTES | HOT_CTL_SET_RANGE_BYTES | HOT_CTL_SET_HALF_LIFE,
		.half_life_ms = 1000 + pick(&worker->seed, 5000),
		.max_item_bytes = some_limit(worker),
		.max_range_bytes = some_limit(worker),
	};
	int fd = open_root(), ret;

	if (fd < 0)
		return fd;
	ret = hot(fd, HOT_CTL, &ctl);
	close(fd);
	return tolerate(ret);
}

static int forget(struct worker *worker)
{
	struct hot_reset reset = {
		.size = sizeof(reset),
		.flags = pick(&worker->seed, 3) ? HOT_RESET_FILE : 0,
	};
	int fd = open_one(worker, 'd', 0), ret;

	if (fd < 0)
		return tolerate(fd);
	ret = hot(fd, HOT_RESET, &reset);
	close(fd);
	return tolerate(ret);
}

static int look(struct worker *worker)
{
	static const __u32 how[] = {
		0, HOT_OF_RANGES, HOT_BY_READS, HOT_OF_RANGES | HOT_BY_WRITES,
	};
	char buffer[64 * HOT_RECORD_MAX];
	struct hot_histogram histogram = {
		.size = sizeof(histogram),
		.flags = how[pick(&worker->seed, 4)],
	};
	struct hot_top top = {
		.size = sizeof(top),
		.flags = how[pick(&worker->seed, 4)],
		.count = 64,
		.buffer = (uintptr_t)buffer,
		.buffer_bytes = sizeof(buffer),
	};
	int fd = open_one(worker, 'b', 0), ret;

	if (fd < 0)
		return tolerate(fd);
	ret = tolerate(hot(fd, HOT_TOP, &top));
	if (!ret)
		ret = tolerate(hot(fd, HOT_HISTOGRAM, &histogram));
	/* Only for the asking. */
	has_heat(worker, fd);
	close(fd);
	return ret;
}

static int load(struct worker *worker)
{
	struct records list = {};
	int fd = open_root(), ret;
	unsigned int i;

	if (fd < 0)
		return fd;
	for (i = 0; i < 200; i++)
		records_add_inode(&list, pick(&worker->seed, 2000), 1 + i, i);
	ret = records_load(&list, fd, NULL);
	records_free(&list);
	close(fd);
	/* Memory is not waited for, and all of this uses much of it. */
	return ret == -ENOSPC || ret == -ENOMEM ? 0 : tolerate(ret);
}

/* From the beginning or from where the last read ended; open across off, on and umount. */
static int read_stream(struct worker *worker)
{
	struct hot_stream request = { .size = sizeof(request), .flags = HOT_OF_RANGES };
	char buffer[20 * HOT_RECORD_MAX];
	ssize_t len;
	int fd, ret;

	if (worker->stream < 0) {
		pthread_rwlock_rdlock(&mounted);
		fd = open_root();
		ret = fd < 0 ? fd : hot(fd, HOT_STREAM, &request);
		if (fd >= 0)
			close(fd);
		pthread_rwlock_unlock(&mounted);
		if (ret < 0)
			return tolerate(ret);
		worker->stream = ret;
	}
	len = read(worker->stream, buffer, sizeof(buffer));
	if (len > 0)
		return 0;
	if (!len)
		return lseek(worker->stream, 0, SEEK_SET) && errno != ENODEV ? -errno : 0;
	ret = -errno;
	close(worker->stream);
	worker->stream = -1;
	return ret == -ENODEV ? 0 : ret;
}

static int read_events(struct worker *worker)
{
	struct hot_stream request = {
		.size = sizeof(request),
		.flags = HOT_STREAM_EVENTS | (pick(&worker->seed, 2) ? HOT_OF_RANGES : 0),
		.threshold = REQUESTS(1) + pick(&worker->seed, REQUESTS(3)),
	};
	char buffer[20 * HOT_RECORD_MAX];
	struct pollfd p = { .events = POLLIN };
	int fd, ret;

	if (worker->stream < 0) {
		pthread_rwlock_rdlock(&mounted);
		fd = open_root();
		ret = fd < 0 ? fd : hot(fd, HOT_STREAM, &request);
		if (fd >= 0)
			close(fd);
		pthread_rwlock_unlock(&mounted);
		if (ret < 0)
			return tolerate(ret);
		worker->stream = ret;
		fcntl(ret, F_SETFL, O_NONBLOCK);
	}
	p.fd = worker->stream;
	poll(&p, 1, 10);
	if (read(worker->stream, buffer, sizeof(buffer)) > 0)
		return 0;
	ret = -errno;
	if (ret == -EAGAIN && pick(&worker->seed, 8))
		return 0;
	close(worker->stream);
	worker->stream = -1;
	return ret == -ENODEV || ret == -EAGAIN ? 0 : ret;
}

static int read_sysfs(struct worker *worker)
{
	static const char *const files[] = { "items", "requests", "range_bytes", "half_life_ms" };
	char path[SYSFS_PATH_SIZE], text[32];
	ssize_t len;
	int fd, ret;

	snprintf(path, sizeof(path), "/sys/fs/hot_track/%u:%u/%s", major(device), minor(device),
		 files[pick(&worker->seed, 4)]);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return errno == ENOENT || errno == ENODEV ? 0 : -errno;
	len = read(fd, text, sizeof(text));
	ret = len > 0 || errno == ENODEV ? 0 : -errno;
	close(fd);
	return ret;
}

/* All that are of hot tracking, in whatever state they are. */
static int shrink(struct worker *worker)
{
	static const char shrinkers[] = "/sys/kernel/debug/shrinker";
	char path[160], text[32];
	struct dirent *entry;
	DIR *folder = opendir(shrinkers);

	if (!folder)
		return 0;	/* kernel without SHRINKER_DEBUG */
	while ((entry = readdir(folder))) {
		if (strncmp(entry->d_name, "hot-", 4))
			continue;
		snprintf(path, sizeof(path), "%s/%.80s/scan", shrinkers, entry->d_name);
		snprintf(text, sizeof(text), "0 0 %u\n", 1 + pick(&worker->seed, 100));
		put(path, text);
	}
	closedir(folder);
	return 0;
}

static int freeze(struct worker *worker)
{
	int fd = open_root(), ret = 0;

	if (fd < 0)
		return fd;
	if (ioctl(fd, FIFREEZE, 0)) {
		ret = errno == EBUSY ? 0 : -errno;
	} else {
		usleep(pick(&worker->seed, 3000));
		if (ioctl(fd, FITHAW, 0))
			ret = -errno;
	}
	close(fd);
	return ret;
}

/* Read-only and back; among others who have files open for writing, or alone. */
static int remount(struct worker *worker)
{
	bool alone = pick(&worker->seed, 2);
	int ret;

	if (alone)
		pthread_rwlock_wrlock(&mounted);
	else
		pthread_rwlock_rdlock(&mounted);
	ret = fs_mount(FS_EXT4, MS_REMOUNT | MS_RDONLY);
	if (!ret) {
		usleep(pick(&worker->seed, 2000));
		/* A filesystem that is frozen is busy for this. */
		do {
			ret = fs_mount(FS_EXT4, MS_REMOUNT);
		} while (ret == -EBUSY);
	} else if (ret == -EBUSY) {
		ret = 0;
	}
	pthread_rwlock_unlock(&mounted);
	return ret;
}

/* With streams open, sysfs being read, shrinkers running. */
static int unmount(struct worker *worker)
{
	int ret, fd;

	pthread_rwlock_wrlock(&mounted);
	ret = fs_umount(FS_EXT4);
	if (!ret)
		ret = fs_mount(FS_EXT4, 0);
	if (!ret) {
		fd = open_root();
		ret = fd < 0 ? fd : hot_on(fd);
		if (fd >= 0)
			close(fd);
	}
	if (ret)
		complain(worker, "umount and mount", -ret);
	pthread_rwlock_unlock(&mounted);
	return 0;
}

static const struct task tasks[] = {
	{ "buffered writes", write_buffered },
	{ "cold reads", read_cold },
	{ "direct I/O", direct_io },
	{ "more direct I/O", direct_io },
	{ "mmap", map_and_touch },
	{ "new files", come_and_go },
	{ "more new files", come_and_go },
	{ "drop_caches", drop, .unlocked = true, .share = 8 },
	{ "off and on", turn_off_and_on, .share = 2 },
	{ "settings", change_settings },
	{ "HOT_RESET", forget },
	{ "HOT_TOP and others", look },
	{ "HOT_LOAD", load },
	{ "streams", read_stream, .unlocked = true },
	{ "events", read_events, .unlocked = true },
	{ "more events", read_events, .unlocked = true },
	{ "sysfs", read_sysfs, .unlocked = true, .share = 1 },
	{ "shrinkers", shrink, .unlocked = true, .share = 4 },
	{ "freeze", freeze, .share = 4 },
	{ "remount", remount, .unlocked = true, .share = 4 },
	{ "umount", unmount, .unlocked = true, .share = 4 },
};

#define WORKERS ARRAY_SIZE(tasks)

static void *work(void *arg)
{
	struct worker *worker = arg;

	while (!stop) {
		int ret;

		if (!worker->task->unlocked)
			pthread_rwlock_rdlock(&mounted);
		ret = worker->task->run(worker);
		if (!worker->task->unlocked)
			pthread_rwlock_unlock(&mounted);
		if (ret)
			complain(worker, "failed", -ret);
		worker->done++;
		/* Those that are in everybody's way let others get on. */
		if (worker->task->share)
			usleep(1000 * worker->task->share);
	}
	if (worker->stream >= 0)
		close(worker->stream);
	return NULL;
}

static void start(struct worker *workers)
{
	pthread_rwlockattr_t attributes;
	unsigned int i;

	/* Else readers that overlap keep a writer waiting for ever. */
	pthread_rwlockattr_init(&attributes);
	pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&mounted, &attributes);
	for (i = 0; i < WORKERS; i++) {
		workers[i].task = &tasks[i];
		workers[i].seed = 100 + i;
		workers[i].stream = -1;
		workers[i].block = aligned_alloc(PAGE, PAGE);
		memset(workers[i].block, i, PAGE);
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			broken("a thread");
	}
}

/* A program that hangs here shows in the log who it is. */
static void until_all_have_done(struct worker *workers, unsigned int rounds)
{
	unsigned int i;

	for (i = 0; i < WORKERS; i++)
		while (workers[i].done < rounds / (workers[i].task->share ?: 1))
			usleep(10000);
}

static void *read_in_turns(void *arg)
{
	int fd = *(int *)arg, i;

	for (i = 0; !stop; i++)
		read_at(fd, i % 4 * MIB, PAGE);
	return NULL;
}

/*
 * A request to another range than the one before goes to the table with no lock and no reference,
 * while the table is about to go.
 */
TEST_F_TIMEOUT(fs, off_while_ranges_take_turns, LONG_TIMEOUT)
{
	pthread_t thread;
	int i;

	for (i = 0; i < 4; i++)
		write_at(self->direct, i * MIB, PAGE);
	ASSERT_EQ(0, pthread_create(&thread, NULL, read_in_turns, &self->direct));
	for (i = 0; i < loops(20, 2000); i++) {
		/* Until it is in its stride. */
		while (hot_look(self->dir_fd).requests < 16)
			pause_briefly();
		ASSERT_EQ(0, hot_off(self->dir_fd));
		ASSERT_EQ(0, hot_on(self->dir_fd));
	}
	/* It still counts. */
	while (!hot_look(self->dir_fd).requests)
		pause_briefly();
	stop = true;
	ASSERT_EQ(0, pthread_join(thread, NULL));
}

TEST_F_TIMEOUT(fs, everything_at_once, 40 * LONG_TIMEOUT)
{
	struct worker *workers = calloc(WORKERS, sizeof(*workers));
	char path[SYSFS_PATH_SIZE];
	struct stat st;
	unsigned int i;
	int ret;

	dir = self->dir;
	ASSERT_EQ(0, fstat(self->dir_fd, &st));
	device = st.st_dev;
	close(self->fd);
	close(self->direct);
	close(self->dir_fd);
	start(workers);
	until_all_have_done(workers, loops(60, 600));
	stop = true;
	for (i = 0; i < WORKERS; i++) {
		ASSERT_EQ(0, pthread_join(workers[i].thread, NULL));
		EXPECT_EQ(0, workers[i].wrong) TH_LOG("%s", tasks[i].name);
		TH_LOG("%s: %u", tasks[i].name, workers[i].done);
	}

	/* After all that it counts as ever. */
	place_begin(self, FS_EXT4);
	write_at(self->direct, 0, PAGE);
	EXPECT_EQ(REQUESTS(1), heat_of(self->direct).writes);
	EXPECT_EQ(1, hot_look(self->dir_fd).items);
	/* And nothing stays behind. */
	ret = hot_off(self->dir_fd);
	EXPECT_EQ(0, ret);
	EXPECT_EQ(-1, access(hot_sysfs(self->dir_fd, "", path), F_OK));
	close(self->fd);
	close(self->direct);
	close(self->dir_fd);
	EXPECT_EQ(0, fs_umount(FS_EXT4));
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
