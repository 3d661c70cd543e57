// SPDX-License-Identifier: GPL-2.0
/* The library and the parts of fplock on the kernel of mock.h, whose clock only moves in pauses. */
#include <errno.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cmocka.h>

/* Itself, because what the probe has found has to be forgotten. */
#include "flockp.c"

#include "fplock.h"
#include "mock.h"

#define MS 1000000LL
#define FILE_NAME "file"

static char folder[64];
static struct flockp *mine, *other;

/* ---- a folder of its own for each test, with a file that is open twice ---- */

static void start_kernel(enum mock_kernel kernel)
{
	mock = (struct mock){ .kernel = kernel, .has_clock = true };
	for (int i = 0; i < MOCK_CLOCKS; i++)
		mock.now[i] = (1000 + 100 * i) * NS_PER_SEC + 999 * MS;
	cache = 0;
}

static int setup(void **state)
{
	(void)state;
	stpcpy(folder, "/tmp/fplock.XXXXXX");
	start_kernel(MOCK_STOCK);
	return mkdtemp(folder) && !chdir(folder) &&
	       !flockp_open(&mine, FILE_NAME, O_RDWR | O_CREAT, 0644) &&
	       !flockp_open(&other, FILE_NAME, O_RDWR, 0) ? 0 : -1;
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	mock = (struct mock){ 0 };
	flockp_close(mine);
	flockp_close(other);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return chdir("/") || system(command) ? -1 : 0;
}

static struct timespec in(clockid_t clock, int64_t ns)
{
	ns += mock.now[clock];
	return (struct timespec){ ns / NS_PER_SEC, ns % NS_PER_SEC };
}

static int lock_in(struct flockp *lock, int type, int64_t ns)
{
	const struct timespec deadline = in(CLOCK_MONOTONIC, ns);

	return flockp_lock(lock, type, 0, 0, &deadline, CLOCK_MONOTONIC);
}

static void other_unlocks(void)
{
	assert_int_equal(flockp_unlock(other, 0, 0), 0);
}

/* ---- the probe ---- */

#define ALL (FLOCKP_PRIVATE | FLOCKP_TIMED | FLOCKP_LISTED | FLOCKP_FAIR | FLOCKP_TASK)
#define PROBES 3	/* times that it asks F_SETLKPT */

static void probe_tells(void **state)
{
	static const struct {
		enum mock_kernel kernel;
		int found;
	} kernels[] = {
		{ MOCK_TIMED, FLOCKP_PRIVATE | FLOCKP_TIMED }, { MOCK_STOCK, FLOCKP_PRIVATE },
		{ MOCK_REMOTE, FLOCKP_PRIVATE | FLOCKP_TIMED }, { MOCK_OLD, 0 },
		{ MOCK_FULL, ALL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kernels); i++) {
		start_kernel(kernels[i].kernel);
		assert_int_equal(flockp_probe(), kernels[i].found);
		/* An unlock, a fair request and one of the thread. */
		assert_int_equal(mock.calls[MOCK_UNTIL], PROBES);
		assert_int_equal(mock.calls[MOCK_LIST], 1);
		/* The answer is kept. */
		assert_int_equal(flockp_probe(), kernels[i].found);
		assert_int_equal(mock.calls[MOCK_UNTIL], PROBES);
	}
	start_kernel(MOCK_FULL);
	mock.no_task = true;
	assert_int_equal(flockp_probe(), ALL & ~FLOCKP_TASK);
}

static void probe_without_memfd(void **state)
{
	(void)state;
	start_kernel(MOCK_TIMED);
	mock.memfd_error = EMFILE;
	assert_int_equal(flockp_probe(), FLOCKP_PRIVATE | FLOCKP_TIMED);
	start_kernel(MOCK_FULL);
	mock.memfd_error = EMFILE;
	assert_int_equal(flockp_probe(), ALL);
	/* A remote filesystem knows the command, too. */
	start_kernel(MOCK_REMOTE);
	mock.memfd_error = EPERM;
	assert_int_equal(flockp_probe(), FLOCKP_PRIVATE | FLOCKP_TIMED);
}

static void probe_fails(void **state)
{
	struct rlimit before, none;

	(void)state;
	start_kernel(MOCK_TIMED);
	mock.errors[MOCK_UNTIL] = EPERM;
	assert_int_equal(flockp_probe(), -EPERM);
	mock.errors[MOCK_UNTIL] = 0;
	mock.errors[MOCK_GET] = EIO;
	assert_int_equal(flockp_probe(), -EIO);
	mock.errors[MOCK_GET] = 0;
	mock.errors[MOCK_LIST] = EACCES;
	assert_int_equal(flockp_probe(), -EACCES);
	mock.errors[MOCK_LIST] = 0;
	getrlimit(RLIMIT_NOFILE, &before);
	none = before;
	none.rlim_cur = 0;
	setrlimit(RLIMIT_NOFILE, &none);
	assert_int_equal(flockp_probe(), -EMFILE);
	/* Locks work all the same. */
	assert_int_equal(lock_in(mine, F_WRLCK, MS), 0);
	assert_false(flockp_polled(mine));
	mock.kernel = MOCK_STOCK;
	assert_int_equal(lock_in(mine, F_WRLCK, MS), 0);
	assert_true(flockp_polled(mine));
	setrlimit(RLIMIT_NOFILE, &before);
	/* None of the failures was kept. */
	assert_int_equal(flockp_probe(), FLOCKP_PRIVATE);
}

/* ---- handles ---- */

static void handles(void **state)
{
	struct flockp *lock;

	(void)state;
	assert_int_equal(flockp_open(&lock, "none", O_RDWR, 0), -ENOENT);
	assert_int_equal(flockp_open(&lock, "/", O_RDWR, 0), -EISDIR);
	assert_int_equal(flockp_open(&lock, FILE_NAME, O_PATH, 0), -EINVAL);
	assert_int_equal(flockp_open(&lock, "new", O_RDWR | O_CREAT | O_EXCL, 0600), 0);
	assert_int_equal(fcntl(flockp_fd(lock), F_GETFD), FD_CLOEXEC);
	assert_int_equal(flockp_close(lock), 0);
	assert_int_equal(flockp_open(&lock, "new", O_RDWR | O_CREAT | O_EXCL, 0600), -EEXIST);
	assert_int_equal(flockp_close(NULL), 0);
	assert_int_equal(flockp_open(&lock, "new", O_RDWR, 0), 0);
	close(flockp_fd(lock));
	assert_int_equal(flockp_close(lock), -EBADF);
}

/* Another open file of the same file, with the same access mode. */
static void reopened(int fd, int accmode)
{
	struct flockp *lock;

	assert_int_equal(flockp_open_fd(&lock, fd), 0);
	assert_true(is_same_file(fd, flockp_fd(lock)));
	assert_int_equal(fcntl(flockp_fd(lock), F_GETFL) & O_ACCMODE, accmode);
	assert_int_equal(fcntl(flockp_fd(lock), F_GETFD), FD_CLOEXEC);
	if (accmode == O_RDWR) {
		struct flock fl = { .l_type = F_WRLCK };

		assert_int_equal(fcntl(fd, F_SETLKP, &fl), 0);
		assert_int_equal(flockp_trylock(lock, F_WRLCK, 0, 0), -EAGAIN);
		fl.l_type = F_UNLCK;
		assert_int_equal(fcntl(fd, F_SETLKP, &fl), 0);
	}
	assert_int_equal(flockp_close(lock), 0);
}

static void open_once_more(void **state)
{
	int pipes[2], sockets[2], fd;
	struct flockp *lock;

	(void)state;
	reopened(flockp_fd(mine), O_RDWR);
	fd = open(FILE_NAME, O_RDONLY | O_CLOEXEC);
	reopened(fd, O_RDONLY);
	close(fd);
	fd = open(FILE_NAME, O_WRONLY | O_CLOEXEC);
	reopened(fd, O_WRONLY);
	close(fd);
	unlink(FILE_NAME);
	reopened(flockp_fd(mine), O_RDWR);
	fd = memfd_create("test", MFD_CLOEXEC);
	reopened(fd, O_RDWR);
	close(fd);
	assert_int_equal(pipe(pipes), 0);
	reopened(pipes[0], O_RDONLY);
	close(pipes[0]);
	close(pipes[1]);

	assert_int_equal(flockp_open_fd(&lock, pipes[0]), -EBADF);
	assert_int_equal(flockp_open_fd(&lock, -1), -EBADF);
	fd = open("/", O_PATH | O_CLOEXEC);
	assert_int_equal(flockp_open_fd(&lock, fd), -EBADF);
	close(fd);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
	assert_int_equal(flockp_open_fd(&lock, sockets[0]), -ENXIO);
	close(sockets[0]);
	close(sockets[1]);
}

static void open_without_proc(void **state)
{
	struct flockp *lock;
	int pipes[2], ret;

	(void)state;
	mock.no_proc = true;
	/* This one has no handle. */
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(flockp_open_fd(&lock, pipes[0]), -EOPNOTSUPP);
	close(pipes[0]);
	close(pipes[1]);
	ret = flockp_open_fd(&lock, flockp_fd(mine));
	if (ret) {
		/* No privilege, or a filesystem without handles. */
		assert_int_equal(ret, -EOPNOTSUPP);
		return;
	}
	assert_int_equal(flockp_close(lock), 0);
	reopened(flockp_fd(mine), O_RDWR);
	assert_int_equal(seteuid(65534), 0);
	ret = flockp_open_fd(&lock, flockp_fd(mine));
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(ret, -EOPNOTSUPP);
}

/* ---- locks ---- */

static void bad_arguments(void **state)
{
	static const struct {
		int type;
		int64_t start, len;
		int err;
	} bad[] = {
		{ F_UNLCK, 0, 0, -EINVAL }, { 99, 0, 0, -EINVAL }, { -1, 0, 0, -EINVAL },
		{ F_WRLCK, -1, 0, -EINVAL }, { F_RDLCK, 0, -1, -EINVAL },
		{ F_WRLCK, INT64_MIN, INT64_MIN, -EINVAL },
		{ F_WRLCK, INT64_MAX, 2, -EOVERFLOW }, { F_RDLCK, 2, INT64_MAX, -EOVERFLOW },
	};
	static const struct timespec times[] = {
		{ -1, 0 }, { 1, -1 }, { 1, 1000000000 }, { INT64_MIN, 0 },
	};
	const struct timespec later = in(CLOCK_MONOTONIC, MS);
	struct flockp_found found;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		const int type = bad[i].type, err = bad[i].err;
		const int64_t start = bad[i].start, len = bad[i].len;

		assert_int_equal(flockp_lock(mine, type, start, len, &later, CLOCK_MONOTONIC), err);
		assert_int_equal(flockp_lock(mine, type, start, len, NULL, 0), err);
		assert_int_equal(flockp_lock_for(mine, type, start, len, NULL), err);
		assert_int_equal(flockp_trylock(mine, type, start, len), err);
		assert_int_equal(flockp_test(mine, type, start, len, &found), err);
		/* These take no type. */
		if (type != F_RDLCK && type != F_WRLCK)
			continue;
		assert_int_equal(flockp_unlock(mine, start, len), err);
		assert_int_equal(flockp_held(mine, start, len, &found), err);
		assert_int_equal(flockp_upgrade(mine, start, len, &later, CLOCK_MONOTONIC, NULL),
				 err);
	}
	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		assert_int_equal(flockp_lock(mine, F_WRLCK, 0, 0, &times[i], CLOCK_MONOTONIC),
				 -EINVAL);
		assert_int_equal(flockp_lock_for(mine, F_WRLCK, 0, 0, &times[i]), -EINVAL);
	}
	assert_int_equal(flockp_lock(mine, F_WRLCK, 0, 0, &later, CLOCK_PROCESS_CPUTIME_ID),
			 -EINVAL);
	assert_int_equal(flockp_lock(mine, F_WRLCK, 0, 0, &later, -7), -EINVAL);
	/* The kernel was asked for none of this. */
	assert_int_equal(mock.calls[MOCK_SET] + mock.calls[MOCK_WAIT], 0);
	/* The last byte that there can be. */
	assert_int_equal(flockp_trylock(mine, F_WRLCK, INT64_MAX, 1), 0);
	assert_int_equal(flockp_trylock(other, F_WRLCK, INT64_MAX, 0), -EAGAIN);
}

static void access_modes(void **state)
{
	const struct timespec later = in(CLOCK_MONOTONIC, MS);
	struct flockp *reader, *writer;

	(void)state;
	assert_int_equal(flockp_open(&reader, FILE_NAME, O_RDONLY, 0), 0);
	assert_int_equal(flockp_open(&writer, FILE_NAME, O_WRONLY, 0), 0);
	for (enum mock_kernel kernel = MOCK_TIMED; kernel <= MOCK_REMOTE; kernel++) {
		start_kernel(kernel);
		assert_int_equal(flockp_lock(reader, F_WRLCK, 0, 1, &later, CLOCK_MONOTONIC),
				 -EBADF);
		assert_int_equal(flockp_lock(writer, F_RDLCK, 0, 1, &later, CLOCK_MONOTONIC),
				 -EBADF);
		assert_int_equal(flockp_lock(reader, F_RDLCK, 0, 1, &later, CLOCK_MONOTONIC), 0);
		assert_int_equal(flockp_unlock(reader, 0, 1), 0);
		assert_int_equal(flockp_lock(writer, F_WRLCK, 0, 1, &later, CLOCK_MONOTONIC), 0);
		assert_int_equal(flockp_test(reader, F_WRLCK, 0, 1, NULL), 1);
		assert_int_equal(flockp_unlock(writer, 0, 1), 0);
	}
	flockp_close(reader);
	flockp_close(writer);
}

static void what_is_in_the_way(void **state)
{
	struct flock classic = { .l_type = F_RDLCK, .l_start = 50, .l_len = 10 };
	struct flockp_found found = { 0 };

	(void)state;
	assert_int_equal(flockp_test(mine, F_WRLCK, 0, 0, &found), 0);
	assert_int_equal(flockp_trylock(mine, F_WRLCK, 0, 0), 0);
	/* One's own is none. */
	assert_int_equal(flockp_test(mine, F_WRLCK, 0, 0, &found), 0);
	assert_int_equal(flockp_unlock(mine, 0, 0), 0);
	assert_int_equal(flockp_trylock(other, F_WRLCK, 10, 10), 0);
	assert_int_equal(flockp_test(mine, F_RDLCK, 0, 0, &found), 1);
	assert_int_equal(found.type, F_WRLCK);
	assert_int_equal(found.pid, -1);
	assert_int_equal(found.start, 10);
	assert_int_equal(found.len, 10);
	assert_int_equal(flockp_test(mine, F_RDLCK, 0, 10, &found), 0);
	assert_int_equal(flockp_test(mine, F_RDLCK, 20, 0, &found), 0);
	assert_int_equal(flockp_unlock(other, 0, 0), 0);
	/* A lock of the process is in the way of those of its open files. */
	assert_int_equal(fcntl(flockp_fd(other), F_SETLK, &classic), 0);
	assert_int_equal(flockp_test(mine, F_RDLCK, 0, 0, &found), 0);
	assert_int_equal(flockp_test(mine, F_WRLCK, 0, 0, &found), 1);
	assert_int_equal(found.type, F_RDLCK);
	assert_int_equal(found.pid, getpid());
	classic.l_type = F_UNLCK;
	fcntl(flockp_fd(other), F_SETLK, &classic);
}

static void what_is_held(void **state)
{
	struct flockp_found found = { 0 };

	(void)state;
	assert_int_equal(flockp_held(mine, 0, 0, &found), 0);
	assert_int_equal(flockp_trylock(mine, F_RDLCK, 5, 10), 0);
	assert_int_equal(flockp_trylock(other, F_RDLCK, 0, 0), 0);
	assert_int_equal(flockp_held(mine, 0, 0, &found), 1);
	assert_int_equal(found.type, F_RDLCK);
	assert_int_equal(found.pid, -1);
	assert_int_equal(found.start, 5);
	assert_int_equal(found.len, 10);
	assert_int_equal(flockp_held(mine, 15, 0, NULL), 0);
	assert_int_equal(flockp_unlock(mine, 7, 2), 0);
	assert_int_equal(flockp_held(mine, 7, 2, NULL), 0);
	assert_int_equal(flockp_held(mine, 9, 1, NULL), 1);
}

static void waits_for_ever(void **state)
{
	(void)state;
	assert_int_equal(flockp_lock(mine, F_WRLCK, 0, 0, NULL, 0), 0);
	assert_int_equal(flockp_lock_for(mine, F_RDLCK, 0, 0, NULL), 0);
	assert_int_equal(mock.calls[MOCK_WAIT], 2);
	assert_false(flockp_polled(mine));
	mock.errors[MOCK_WAIT] = EINTR;
	assert_int_equal(flockp_lock(mine, F_WRLCK, 0, 0, NULL, 0), -EINTR);
}

static void timed_by_kernel(void **state)
{
	(void)state;
	start_kernel(MOCK_TIMED);
	assert_int_equal(lock_in(mine, F_WRLCK, 5 * MS), 0);
	assert_int_equal(lock_in(other, F_RDLCK, 5 * MS), -ETIMEDOUT);
	assert_int_equal(flockp_unlock(mine, 0, 0), 0);
	assert_int_equal(lock_in(other, F_RDLCK, -1), 0);
	mock.at_pause = other_unlocks;
	assert_int_equal(lock_in(mine, F_WRLCK, 5 * MS), 0);
	assert_false(flockp_polled(mine) || flockp_polled(other));
	assert_int_equal(mock.pauses, 0);
	assert_int_equal(mock.calls[MOCK_SET], 2);
	for (int err = 1; err < 120; err++) {
		if (err == EOPNOTSUPP)
			continue;
		mock.errors[MOCK_UNTIL] = err;
		assert_int_equal(lock_in(mine, F_WRLCK, MS), -err);
		assert_false(flockp_polled(mine));
	}
}

/* ---- polling ---- */

/* Of the pauses: doubled up to 64 ms, each between half of it and all, and cut at the deadline. */
static void check_pauses(int64_t total)
{
	int64_t longest = MS, sum = 0;
	bool random = false;

	for (unsigned int i = 0; i < mock.pauses; i++) {
		assert_true(mock.pause[i] > 0 && mock.pause[i] <= longest);
		assert_true(mock.pause[i] >= longest / 2 || i == mock.pauses - 1);
		sum += mock.pause[i];
		random |= longest == 64 * MS && mock.pause[i] != longest;
		longest = longest < 64 * MS ? 2 * longest : longest;
	}
	assert_true(longest == 64 * MS && random);
	assert_true(sum == total);
}

static void polls_until_deadline(void **state)
{
	static const clockid_t clocks[] = { CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_REALTIME };

	(void)state;
	assert_int_equal(flockp_trylock(other, F_WRLCK, 0, 0), 0);
	for (size_t i = 0; i < ARRAY_SIZE(clocks); i++) {
		struct timespec deadline;

		start_kernel(i & 1 ? MOCK_REMOTE : MOCK_STOCK);
		deadline = in(clocks[i], 3 * NS_PER_SEC + 7);
		assert_int_equal(flockp_lock(mine, F_RDLCK, 0, 0, &deadline, clocks[i]),
				 -ETIMEDOUT);
		assert_true(flockp_polled(mine));
		check_pauses(3 * NS_PER_SEC + 7);
		/* Before, between and after them. */
		assert_int_equal(mock.calls[MOCK_SET], mock.pauses + 1);
	}
	/* What it last did counts. */
	assert_int_equal(flockp_lock(mine, F_WRLCK, -1, 0, NULL, 0), -EINVAL);
	assert_false(flockp_polled(mine));
}

static void pauses_differ(void **state)
{
	int64_t first[8], same = 0;

	(void)state;
	assert_int_equal(flockp_trylock(other, F_WRLCK, 0, 0), 0);
	assert_int_equal(lock_in(mine, F_RDLCK, NS_PER_SEC), -ETIMEDOUT);
	memcpy(first, mock.pause, sizeof(first));
	mock.pauses = 0;
	assert_int_equal(flockp_unlock(other, 0, 0), 0);
	assert_int_equal(flockp_trylock(mine, F_WRLCK, 0, 0), 0);
	assert_int_equal(lock_in(other, F_RDLCK, NS_PER_SEC), -ETIMEDOUT);
	for (int i = 0; i < 8; i++)
		same += first[i] == mock.pause[i];
	assert_true(same < 4);
}

static void free_at_third_pause(void)
{
	if (mock.pauses == 3)
		other_unlocks();
}

static void polls_until_free(void **state)
{
	(void)state;
	assert_int_equal(flockp_trylock(other, F_WRLCK, 0, 0), 0);
	mock.at_pause = free_at_third_pause;
	assert_int_equal(lock_in(mine, F_WRLCK, 3600 * NS_PER_SEC), 0);
	assert_int_equal(mock.pauses, 3);
	assert_int_equal(flockp_test(other, F_RDLCK, 0, 0, NULL), 1);
	assert_true(flockp_polled(mine));
}

/* Freed by the deadline, it is taken. */
static void free_at_the_end(void)
{
	if (mock.now[CLOCK_MONOTONIC] == 2000 * NS_PER_SEC)
		other_unlocks();
}

static void polls_after_deadline(void **state)
{
	struct timespec deadline = { 2000, 0 };

	(void)state;
	assert_int_equal(flockp_trylock(other, F_WRLCK, 0, 0), 0);
	mock.now[CLOCK_MONOTONIC] = 2000 * NS_PER_SEC - 20 * MS;
	mock.at_pause = free_at_the_end;
	assert_int_equal(flockp_lock(mine, F_WRLCK, 0, 0, &deadline, CLOCK_MONOTONIC), 0);
	assert_true(mock.now[CLOCK_MONOTONIC] == 2000 * NS_PER_SEC);
	/* A deadline that is past: one try. */
	mock.pauses = 0;
	mock.calls[MOCK_SET] = 0;
	deadline = (struct timespec){ 0 };
	assert_int_equal(flockp_lock(other, F_WRLCK, 0, 0, &deadline, CLOCK_MONOTONIC),
			 -ETIMEDOUT);
	assert_int_equal(flockp_lock(mine, F_RDLCK, 0, 0, &deadline, CLOCK_MONOTONIC), 0);
	assert_int_equal(flockp_lock_for(other, F_RDLCK, 0, 0, &deadline), 0);
	assert_int_equal(mock.calls[MOCK_SET], 3);
	assert_int_equal(mock.pauses, 0);
}

static void set_forward(void)
{
	if (mock.pauses == 5)
		mock.now[CLOCK_REALTIME] += 86400 * NS_PER_SEC;
}

static void set_back(void)
{
	if (mock.pauses == 5)
		mock.now[CLOCK_REALTIME] -= 1000 * NS_PER_SEC;
	if (mock.pauses == 2000)
		other_unlocks();
}

static void polls_while_clock_is_set(void **state)
{
	struct timespec deadline = in(CLOCK_REALTIME, 3600 * NS_PER_SEC);

	(void)state;
	assert_int_equal(flockp_trylock(other, F_WRLCK, 0, 0), 0);
	mock.at_pause = set_forward;
	assert_int_equal(flockp_lock(mine, F_WRLCK, 0, 0, &deadline, CLOCK_REALTIME), -ETIMEDOUT);
	assert_int_equal(mock.pauses, 5);
	mock.pauses = 0;
	mock.at_pause = set_back;
	deadline = in(CLOCK_REALTIME, NS_PER_SEC);
	assert_int_equal(flockp_lock(mine, F_WRLCK, 0, 0, &deadline, CLOCK_REALTIME), 0);
	assert_int_equal(mock.pauses, 2000);
}

static void polls_at_end_of_time(void **state)
{
	static const struct timespec never = { INT64_MAX, 999999999 };

	(void)state;
	assert_int_equal(flockp_trylock(other, F_WRLCK, 0, 0), 0);
	mock.at_pause = free_at_third_pause;
	assert_int_equal(flockp_lock(mine, F_WRLCK, 0, 0, &never, CLOCK_REALTIME), 0);
	assert_int_equal(flockp_unlock(mine, 0, 0), 0);
	assert_int_equal(flockp_trylock(other, F_WRLCK, 0, 0), 0);
	mock.pauses = 0;
	assert_int_equal(flockp_lock_for(mine, F_WRLCK, 0, 0, &never), 0);
	assert_int_equal(mock.pauses, 3);
}

static void polling_fails(void **state)
{
	static const int errors[] = { EINTR, ENOLCK, ENOMEM, EIO, EPERM, ESTALE };

	(void)state;
	assert_int_equal(flockp_trylock(other, F_WRLCK, 0, 0), 0);
	mock.pause_error = EINTR;
	assert_int_equal(lock_in(mine, F_WRLCK, NS_PER_SEC), -EINTR);
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		mock.errors[MOCK_SET] = errors[i];
		assert_int_equal(lock_in(mine, F_WRLCK, NS_PER_SEC), -errors[i]);
		assert_int_equal(flockp_trylock(mine, F_WRLCK, 0, 0), -errors[i]);
		assert_int_equal(flockp_unlock(mine, 0, 0), -errors[i]);
	}
	start_kernel(MOCK_OLD);
	assert_int_equal(lock_in(mine, F_WRLCK, NS_PER_SEC), -EINVAL);
	assert_int_equal(flockp_lock(mine, F_WRLCK, 0, 0, NULL, 0), -EINVAL);
	assert_int_equal(flockp_trylock(mine, F_WRLCK, 0, 0), -EINVAL);
	assert_int_equal(flockp_unlock(mine, 0, 0), -EINVAL);
	assert_int_equal(flockp_test(mine, F_WRLCK, 0, 0, NULL), -EINVAL);
}

/* A filesystem that has no timed locks is asked once for each handle. */
static void remote_filesystem(void **state)
{
	(void)state;
	start_kernel(MOCK_REMOTE);
	assert_int_equal(lock_in(mine, F_WRLCK, MS), 0);
	assert_true(flockp_polled(mine));
	assert_int_equal(mock.calls[MOCK_UNTIL], PROBES + 1);
	assert_int_equal(lock_in(mine, F_RDLCK, MS), 0);
	assert_true(flockp_polled(mine));
	assert_int_equal(mock.calls[MOCK_UNTIL], PROBES + 1);
	assert_int_equal(lock_in(other, F_WRLCK, MS), -ETIMEDOUT);
	assert_int_equal(mock.calls[MOCK_UNTIL], PROBES + 2);
}

/* Where EACCES may mean either. */
static void servers_that_say_eacces(void **state)
{
	(void)state;
	mock.says_eacces = true;
	assert_int_equal(flockp_trylock(other, F_WRLCK, 0, 0), 0);
	assert_int_equal(flockp_trylock(mine, F_RDLCK, 0, 0), -EAGAIN);
	assert_int_equal(lock_in(mine, F_RDLCK, 9 * MS), -ETIMEDOUT);
	mock.at_pause = free_at_third_pause;
	mock.pauses = 0;
	assert_int_equal(lock_in(mine, F_RDLCK, NS_PER_SEC), 0);
	/* Nothing is in the way. */
	mock.errors[MOCK_SET] = EACCES;
	assert_int_equal(flockp_trylock(mine, F_WRLCK, 0, 0), -EACCES);
	assert_int_equal(lock_in(mine, F_WRLCK, NS_PER_SEC), -EACCES);
}

/* ---- upgrades ---- */

static int upgrade_in(int64_t ns, int *held)
{
	const struct timespec deadline = in(CLOCK_MONOTONIC, ns);

	return flockp_upgrade(mine, 0, 100, &deadline, CLOCK_MONOTONIC, held);
}

static void upgrades(void **state)
{
	int held = 99;

	(void)state;
	for (enum mock_kernel kernel = MOCK_TIMED; kernel <= MOCK_REMOTE; kernel++) {
		start_kernel(kernel);
		assert_int_equal(flockp_trylock(mine, F_RDLCK, 0, 100), 0);
		assert_int_equal(flockp_trylock(other, F_RDLCK, 99, 1), 0);
		assert_int_equal(upgrade_in(9 * MS, &held), -ETIMEDOUT);
		assert_int_equal(held, F_RDLCK);
		assert_int_equal(flockp_polled(mine), kernel != MOCK_TIMED);
		/* That is true. */
		assert_int_equal(flockp_trylock(other, F_WRLCK, 0, 1), -EAGAIN);
		assert_int_equal(flockp_trylock(other, F_RDLCK, 0, 1), 0);
		mock.at_pause = other_unlocks;
		assert_int_equal(upgrade_in(9 * MS, &held), 0);
		assert_int_equal(held, F_WRLCK);
		assert_int_equal(flockp_trylock(other, F_RDLCK, 0, 1), -EAGAIN);
		assert_int_equal(flockp_unlock(mine, 0, 0), 0);
	}
}

static void upgrades_fail(void **state)
{
	int held = 99;

	(void)state;
	assert_int_equal(flockp_trylock(other, F_RDLCK, 0, 0), 0);
	assert_int_equal(upgrade_in(MS, &held), -ETIMEDOUT);
	assert_int_equal(held, F_UNLCK);
	assert_int_equal(upgrade_in(MS, NULL), -ETIMEDOUT);
	assert_int_equal(flockp_trylock(mine, F_RDLCK, 0, 100), 0);
	assert_int_equal(flockp_upgrade(mine, 0, 100, NULL, CLOCK_MONOTONIC, &held), -EINVAL);
	assert_int_equal(held, F_RDLCK);
	assert_int_equal(mock.calls[MOCK_WAIT], 0);
	mock.pause_error = EINTR;
	assert_int_equal(upgrade_in(MS, &held), -EINTR);
	assert_int_equal(held, F_RDLCK);
	mock.errors[MOCK_SET] = ENOLCK;
	assert_int_equal(upgrade_in(MS, &held), -ENOLCK);
	assert_int_equal(held, F_RDLCK);
	/* By contract, if the kernel cannot tell. */
	mock.cannot_tell = true;
	assert_int_equal(flockp_held(mine, 0, 0, NULL), -EINVAL);
	held = 99;
	assert_int_equal(upgrade_in(MS, &held), -ENOLCK);
	assert_int_equal(held, F_RDLCK);
	mock.cannot_tell = false;
	mock.errors[MOCK_SET] = 0;
	assert_int_equal(flockp_trylock(mine, F_WRLCK, 200, 1), -EAGAIN);
	/* A write lock stays one. */
	assert_int_equal(flockp_unlock(other, 0, 0), 0);
	assert_int_equal(flockp_trylock(mine, F_WRLCK, 0, 50), 0);
	assert_int_equal(flockp_trylock(other, F_RDLCK, 50, 0), 0);
	assert_int_equal(flockp_unlock(mine, 50, 0), 0);
	mock.pause_error = 0;
	assert_int_equal(upgrade_in(MS, &held), -ETIMEDOUT);
	assert_int_equal(held, F_WRLCK);
}

/* ---- fairness ---- */

static void fair_where_it_can_be(void **state)
{
	(void)state;
	start_kernel(MOCK_FULL);
	assert_int_equal(lock_in(mine, F_WRLCK, MS), 0);
	assert_int_equal(flockp_lock(mine, F_WRLCK, 0, 0, NULL, 0), 0);
	assert_int_equal(mock.fair, 0);
	assert_int_equal(mock.calls[MOCK_WAIT], 1);
	flockp_fair(mine, true);
	assert_int_equal(lock_in(mine, F_WRLCK, MS), 0);
	assert_int_equal(mock.fair, 1);
	/* With a deadline still. */
	assert_int_equal(lock_in(other, F_WRLCK, 5 * MS), -ETIMEDOUT);
	assert_int_equal(flockp_lock_for(mine, F_WRLCK, 0, 0, NULL), 0);
	assert_int_equal(mock.fair, 2);
	assert_int_equal(mock.calls[MOCK_WAIT], 1);
	/* It does wait without one. */
	assert_int_equal(flockp_unlock(mine, 0, 0), 0);
	assert_int_equal(flockp_trylock(other, F_WRLCK, 0, 0), 0);
	assert_int_equal(lock_in(mine, F_WRLCK, 5 * MS), -ETIMEDOUT);
	assert_int_equal(mock.fair, 3);
	mock.at_pause = other_unlocks;
	assert_int_equal(flockp_lock(mine, F_WRLCK, 0, 0, NULL, 0), 0);
	assert_int_equal(mock.fair, 4);
	mock.errors[MOCK_UNTIL] = EINTR;
	assert_int_equal(flockp_lock(mine, F_WRLCK, 0, 0, NULL, 0), -EINTR);
	mock.errors[MOCK_UNTIL] = 0;
	flockp_fair(mine, false);
	assert_int_equal(flockp_lock(mine, F_WRLCK, 0, 0, NULL, 0), 0);
	assert_int_equal(lock_in(mine, F_WRLCK, MS), 0);
	assert_int_equal(mock.fair, 4);
	assert_int_equal(mock.calls[MOCK_WAIT], 2);
}

static void unfair_elsewhere(void **state)
{
	(void)state;
	for (enum mock_kernel kernel = MOCK_TIMED; kernel <= MOCK_REMOTE; kernel++) {
		start_kernel(kernel);
		flockp_fair(mine, true);
		assert_int_equal(lock_in(mine, F_WRLCK, MS), 0);
		assert_int_equal(flockp_polled(mine), kernel != MOCK_TIMED);
		assert_int_equal(flockp_lock(mine, F_WRLCK, 0, 0, NULL, 0), 0);
		assert_int_equal(mock.calls[MOCK_WAIT], 1);
		assert_int_equal(flockp_unlock(mine, 0, 0), 0);
	}
	/* A filesystem that has none on a kernel that has. */
	start_kernel(MOCK_FULL);
	assert_true(flockp_probe() & FLOCKP_FAIR);
	mock.errors[MOCK_UNTIL] = EOPNOTSUPP;
	flockp_fair(other, true);
	for (int i = 1; i < 3; i++) {
		assert_int_equal(flockp_lock(other, F_WRLCK, 0, 0, NULL, 0), 0);
		assert_int_equal(mock.calls[MOCK_WAIT], i);
		/* It is asked once. */
		assert_int_equal(mock.calls[MOCK_UNTIL], PROBES + 1);
	}
}

/* ---- locks of one thread ---- */

static void bound_where_they_can_be(void **state)
{
	int held;

	(void)state;
	start_kernel(MOCK_FULL);
	assert_int_equal(flockp_trylock(mine, F_WRLCK, 0, 100), 0);
	assert_int_equal(lock_in(mine, F_WRLCK, MS), 0);
	assert_int_equal(mock.task, 0);
	flockp_task(mine, true);
	/* By a command that can bind it, whatever is asked for. */
	assert_int_equal(lock_in(mine, F_WRLCK, MS), 0);
	assert_int_equal(mock.task, 1);
	assert_int_equal(flockp_lock(mine, F_WRLCK, 0, 0, NULL, 0), 0);
	assert_int_equal(flockp_lock_for(mine, F_WRLCK, 0, 0, NULL), 0);
	assert_int_equal(mock.task, 3);
	assert_int_equal(flockp_trylock(mine, F_WRLCK, 0, 100), 0);
	assert_int_equal(mock.task, 4);
	assert_int_equal(upgrade_in(MS, &held), 0);
	assert_int_equal(mock.task, 5);
	assert_int_equal(mock.calls[MOCK_WAIT], 0);
	assert_int_equal(mock.calls[MOCK_SET], 1);
	/* No unlock has the flag. */
	assert_int_equal(flockp_unlock(mine, 0, 0), 0);
	assert_int_equal(mock.calls[MOCK_SET], 2);
	assert_int_equal(mock.fair, 0);
	flockp_fair(mine, true);
	assert_int_equal(lock_in(mine, F_WRLCK, MS), 0);
	assert_int_equal(mock.fair, 1);
	assert_int_equal(mock.task, 6);
	/* Who does not wait overtakes nobody. */
	assert_int_equal(flockp_trylock(mine, F_WRLCK, 0, 0), 0);
	assert_int_equal(mock.fair, 1);
	assert_int_equal(mock.task, 7);
	flockp_task(mine, false);
	assert_int_equal(flockp_lock(mine, F_WRLCK, 0, 0, NULL, 0), 0);
	assert_int_equal(mock.fair, 2);
	assert_int_equal(flockp_trylock(mine, F_WRLCK, 0, 0), 0);
	assert_int_equal(mock.task, 7);
	assert_int_equal(mock.calls[MOCK_SET], 3);
}

static void bound_locks_fail(void **state)
{
	static const int errors[] = { EPERM, EDEADLK, ENOLCK, ENOMEM, EBADF };

	(void)state;
	start_kernel(MOCK_FULL);
	flockp_task(mine, true);
	assert_int_equal(flockp_trylock(mine, F_UNLCK, 0, 0), -EINVAL);
	assert_int_equal(flockp_trylock(other, F_WRLCK, 0, 0), 0);
	/* It does not wait, and no signal ends it. */
	mock.interruptions = 2;
	assert_int_equal(flockp_trylock(mine, F_WRLCK, 0, 0), -EAGAIN);
	assert_int_equal(mock.interruptions, 0);
	assert_int_equal(mock.task, 3);
	assert_int_equal(mock.now[CLOCK_MONOTONIC] % NS_PER_SEC, 999 * MS);
	other_unlocks();
	mock.interruptions = 1;
	assert_int_equal(flockp_lock(mine, F_WRLCK, 0, 0, NULL, 0), -EINTR);
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		mock.errors[MOCK_UNTIL] = errors[i];
		assert_int_equal(flockp_lock(mine, F_WRLCK, 0, 0, NULL, 0), -errors[i]);
		assert_int_equal(lock_in(mine, F_WRLCK, MS), -errors[i]);
		assert_int_equal(flockp_trylock(mine, F_WRLCK, 0, 0), -errors[i]);
	}
	mock.errors[MOCK_SET] = EPERM;
	assert_int_equal(flockp_unlock(mine, 0, 0), -EPERM);
}

static void unbound_elsewhere(void **state)
{
	(void)state;
	for (enum mock_kernel kernel = MOCK_TIMED; kernel <= MOCK_FULL; kernel++) {
		if (kernel == MOCK_OLD)
			continue;
		start_kernel(kernel);
		mock.no_task = true;
		flockp_task(mine, true);
		assert_int_equal(lock_in(mine, F_WRLCK, MS), 0);
		assert_int_equal(flockp_lock(mine, F_WRLCK, 0, 0, NULL, 0), 0);
		assert_int_equal(mock.calls[MOCK_WAIT], 1);
		assert_int_equal(flockp_trylock(mine, F_WRLCK, 0, 0), 0);
		assert_int_equal(flockp_trylock(other, F_WRLCK, 0, 0), -EAGAIN);
		assert_int_equal(flockp_unlock(mine, 0, 0), 0);
		assert_int_equal(mock.task, 0);
	}
	/* A filesystem that has none on a kernel that has. */
	start_kernel(MOCK_FULL);
	assert_true(flockp_probe() & FLOCKP_TASK);
	mock.errors[MOCK_UNTIL] = EOPNOTSUPP;
	mock.says_eacces = true;
	flockp_task(other, true);
	for (int i = 1; i < 3; i++) {
		assert_int_equal(flockp_trylock(other, F_WRLCK, 0, 0), 0);
		assert_int_equal(flockp_trylock(mine, F_WRLCK, 0, 0), -EAGAIN);
		/* It is asked once. */
		assert_int_equal(mock.calls[MOCK_UNTIL], PROBES + 1);
	}
}

/* ---- lists ---- */

static void fill_mock(unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		mock.locks[i].entry = (struct flockp_entry){
			.owner = 0xf000000000000000 + i, .start = 10LL * i, .len = 10,
			.age_ns = 1000 + i, .type = i & 1 ? F_WRLCK : F_RDLCK, .pid = i,
			.flags = (i & 2 ? FLKP_WAITING : FLKP_HELD) | FLKP_PRIVATE << i % 3,
		};
	mock.nr_locks = count;
}

/* How many are listed; they are those of fill_mock() from @first on, @step apart. */
static unsigned int count_list(unsigned int what, int64_t start, int64_t len, unsigned int first,
			       unsigned int step)
{
	struct flockp_listed l;
	struct flockp_list *list;
	unsigned int count = 0;
	int ret;

	assert_int_equal(flockp_list_open(&list, flockp_fd(mine), what, start, len), 0);
	while ((ret = flockp_list_next(list, &l)) > 0) {
		const unsigned int i = first + step * count++;
		const struct flockp_entry *e = &mock.locks[i].entry;

		assert_true(l.owner == e->owner && l.start == e->start && l.len == e->len);
		assert_true(l.age_ns == e->age_ns && l.type == (int)e->type && l.pid == e->pid);
		assert_true(l.flags == e->flags);
	}
	assert_int_equal(ret, 0);
	/* It stays at its end. */
	mock.errors[MOCK_LIST] = EIO;
	assert_int_equal(flockp_list_next(list, &l), 0);
	mock.errors[MOCK_LIST] = 0;
	flockp_list_close(list);
	return count;
}

static void lists(void **state)
{
	static const unsigned int batches[] = { 0, 1, 3, 63, 64, 65 };

	(void)state;
	start_kernel(MOCK_FULL);
	assert_int_equal(count_list(0, 0, 0, 0, 1), 0);
	for (size_t i = 0; i < ARRAY_SIZE(batches); i++) {
		static const unsigned int counts[] = { 1, 63, 64, 65, 128, 300 };

		for (size_t j = 0; j < ARRAY_SIZE(counts); j++) {
			start_kernel(MOCK_FULL);
			fill_mock(counts[j]);
			mock.batch = batches[i];
			mock.interruptions = j;
			assert_int_equal(count_list(0, 0, 0, 0, 1), counts[j]);
		}
	}
	assert_int_equal(count_list(0, 100, 50, 10, 1), 5);
	assert_int_equal(count_list(0, 2985, 0, 298, 1), 2);
	assert_int_equal(count_list(FLOCKP_LIST_FLOCK, 0, 0, 2, 3), 100);
	assert_int_equal(count_list(FLOCKP_LIST_WAITING, 20, 11, 2, 1), 2);
	assert_int_equal(count_list(FLOCKP_LIST_HELD | FLOCKP_LIST_PRIVATE | FLOCKP_LIST_CLASSIC |
				    FLOCKP_LIST_FLOCK, 0, 20, 0, 1), 2);
	/* Of an entry the kernel may know less. */
	mock.entry_size = 40;
	for (unsigned int i = 0; i < 300; i++)
		mock.locks[i].entry.pid = 0;
	assert_int_equal(count_list(0, 0, 0, 0, 1), 300);
}

static void lists_fail(void **state)
{
	static const int errors[] = { EBADF, EPERM, EACCES, ENOMEM, EIO };
	struct flockp_list *list = NULL;
	struct flockp_listed l;
	const int fd = flockp_fd(mine);

	(void)state;
	start_kernel(MOCK_FULL);
	assert_int_equal(flockp_list_open(&list, fd, FLOCKP_LIST_LOCAL_ONLY, 0, 0), -EINVAL);
	assert_int_equal(flockp_list_open(&list, fd, 0, -1, 0), -EINVAL);
	assert_int_equal(flockp_list_open(&list, fd, 0, 0, -1), -EINVAL);
	assert_int_equal(flockp_list_open(&list, fd, 0, INT64_MAX, 2), -EOVERFLOW);
	assert_int_equal(mock.calls[MOCK_LIST], 0);
	assert_int_equal(flockp_list_open(&list, -1, 0, 0, 0), -EBADF);
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		mock.errors[MOCK_LIST] = errors[i];
		assert_int_equal(flockp_list_open(&list, fd, 0, 0, 0), -errors[i]);
	}
	for (enum mock_kernel kernel = MOCK_TIMED; kernel <= MOCK_OLD; kernel++) {
		start_kernel(kernel);
		assert_int_equal(flockp_list_open(&list, fd, 0, 0, 0), -EOPNOTSUPP);
	}
	assert_null(list);
	flockp_list_close(list);
	/* On the way. */
	start_kernel(MOCK_FULL);
	fill_mock(3);
	mock.batch = 2;
	assert_int_equal(flockp_list_open(&list, fd, 0, 0, 0), 0);
	mock.errors[MOCK_LIST] = EIO;
	assert_int_equal(flockp_list_next(list, &l), 1);
	assert_int_equal(flockp_list_next(list, &l), 1);
	assert_int_equal(flockp_list_next(list, &l), -EIO);
	/* It can be tried again. */
	mock.errors[MOCK_LIST] = 0;
	assert_int_equal(flockp_list_next(list, &l), 1);
	assert_int_equal(l.pid, 2);
	assert_int_equal(flockp_list_next(list, &l), 0);
	flockp_list_close(list);
}

/* ---- deadlines ---- */

static void deadlines(void **state)
{
	struct timespec t = { 0 };

	(void)state;
	mock.now[CLOCK_MONOTONIC] = 5 * NS_PER_SEC + 600000000;
	assert_int_equal(flockp_deadline(&t, CLOCK_MONOTONIC, &(struct timespec){ 2, 400000000 }),
			 0);
	assert_true(t.tv_sec == 8 && t.tv_nsec == 0);
	assert_int_equal(flockp_deadline(&t, CLOCK_MONOTONIC, &(struct timespec){ 0, 399999999 }),
			 0);
	assert_true(t.tv_sec == 5 && t.tv_nsec == 999999999);
	assert_int_equal(flockp_deadline(&t, CLOCK_MONOTONIC, &(struct timespec){ INT64_MAX, 0 }),
			 0);
	assert_true(t.tv_sec == INT64_MAX);
	assert_int_equal(flockp_deadline(&t, CLOCK_MONOTONIC, &(struct timespec){ -1, 0 }),
			 -EINVAL);
	assert_int_equal(flockp_deadline(&t, CLOCK_MONOTONIC, &(struct timespec){ 0, NS_PER_SEC }),
			 -EINVAL);
	assert_int_equal(flockp_deadline(&t, 99, &(struct timespec){ 1, 0 }), -EINVAL);
}

/* ---- the parts of fplock ---- */

static void names_are_harmless(void **state)
{
	char longest[20000];
	size_t length;

	(void)state;
	assert_string_equal(shown("plain name.txt"), "plain name.txt");
	assert_string_equal(shown("a\nb\033[31m\x7f\\"), "a\\012b\\033[31m\\177\\134");
	if (setlocale(LC_CTYPE, "C.UTF-8")) {
		assert_string_equal(shown("\xc3\xa4"), "\xc3\xa4");
		/* CSI as one character; then a sequence that is cut off. */
		assert_string_equal(shown("\302\233x\303"), "\\302\\233x\\303");
		setlocale(LC_CTYPE, "C");
	}
	memset(longest, '\n', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	length = strlen(shown(longest));
	assert_true(length > 16000 && length < 16384);
	assert_string_equal(shown(longest) + length - 3, "...");
}

static void ranges(void **state)
{
	static const char * const bad[] = {
		"", ":", "0:", ":5", "-1:5", "+1:5", " 1:5", "1:-5", "1: 5", "1:5x", "1:5:6", "x",
		"9223372036854775808:1", "1:9223372036854775808", "9223372036854775807:2", "1P",
		"1KK", "8388608T:1", "9007199254740992K", "0x10:1", "1,5",
	};
	static const struct {
		const char *text;
		int64_t start, len;
	} good[] = {
		{ "0:0", 0, 0 }, { "7", 7, 0 }, { "10:4096", 10, 4096 }, { "1K:2M", 1024, 2 << 20 },
		{ "3G:4T", 3LL << 30, 4LL << 40 }, { "9223372036854775807:1", INT64_MAX, 1 },
		{ "0:9223372036854775807", 0, INT64_MAX },
		{ "1:9223372036854775807", 1, INT64_MAX },
		{ "8388607T", 8388607LL << 40, 0 },
	};
	struct range r;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_true(parse_range(good[i].text, &r));
		assert_true(r.start == good[i].start && r.len == good[i].len);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (parse_range(bad[i], &r))
			fail_msg("'%s' was taken", bad[i]);
}

static void places(void **state)
{
	static const char * const none[] = {
		"", "file", "file:", "file:5", "file:5:6", "file:+5", "file:5+", "file:5+6x",
		":5-6", "file:5+6:", "file:-5+6", "file:5 +6", "file:9223372036854775807+2",
		"a:5+6/b",
	};
	static const struct {
		const char *text, *name;
		int64_t start, len;
	} good[] = {
		{ "file:5+6", "file", 5, 6 }, { "a:b:4K+1M", "a:b", 4096, 1 << 20 },
		{ "a:1+2:3+0", "a:1+2", 3, 0 }, { ":0+1", "", 0, 1 },
	};
	struct range r = { 77, 88 };
	char text[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
		stpcpy(text, none[i]);
		if (parse_place(text, &r))
			fail_msg("'%s' was taken", none[i]);
		assert_string_equal(text, none[i]);
		assert_true(r.start == 77 && r.len == 88);
	}
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		stpcpy(text, good[i].text);
		assert_true(parse_place(text, &r));
		assert_string_equal(text, good[i].name);
		assert_true(r.start == good[i].start && r.len == good[i].len);
	}
}

static void seconds(void **state)
{
	static const char * const bad[] = {
		"", ".", ".5", "1.", "-1", "+1", " 1", "1 ", "1.5s", "1e3", "1.-5", "inf",
		"9223372036854775808",
	};
	static const struct {
		const char *text;
		struct timespec t;
	} good[] = {
		{ "0", { 0, 0 } }, { "2.5", { 2, 500000000 } }, { "0.000000001", { 0, 1 } },
		{ "1.9999999999", { 1, 999999999 } }, { "9223372036854775807", { INT64_MAX, 0 } },
	};
	struct timespec t;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_true(parse_seconds(good[i].text, &t));
		assert_true(t.tv_sec == good[i].t.tv_sec && t.tv_nsec == good[i].t.tv_nsec);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (parse_seconds(bad[i], &t))
			fail_msg("'%s' was taken", bad[i]);
}

static void numbers(void **state)
{
	int n = 99;

	(void)state;
	assert_true(parse_number("0", 255, &n) && n == 0);
	assert_true(parse_number("255", 255, &n) && n == 255);
	assert_false(parse_number("256", 255, &n) || parse_number("18446744073709551617", 255, &n));
	assert_false(parse_number("", 9, &n) || parse_number("-1", 9, &n) ||
		     parse_number(" 1", 9, &n) || parse_number("1x", 9, &n));
}

static void utf8(void **state)
{
	static const char * const good[] = {
		"", "plain", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x94\x92", "\xf4\x8f\xbf\xbf",
		"\xee\x80\x80", "\xc2\x80",
	};
	static const char * const bad[] = {
		"\x80", "\xc3", "\xc3(", "\xc0\xaf", "\xc1\xbf", "\xe0\x80\x80", "\xe2\x82",
		"\xed\xa0\x80", "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80",
		"\xff", "a\xc3\xa4\xa4",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_true(is_utf8(good[i]));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (is_utf8(bad[i]))
			fail_msg("case %zu was taken", i);
}

static void found_as_text(void **state)
{
	static const struct {
		struct flockp_found found;
		const char *text;
	} cases[] = {
		{ { F_WRLCK, -1, 0, 0 }, "write lock of an open file on all bytes" },
		{ { F_RDLCK, 0, 7, 0 },
		  "read lock of a process that cannot be seen from here on byte 7 and up" },
		{ { F_RDLCK, -42, 0, 1 }, "read lock of another host on bytes 0 to 0" },
		{ { F_WRLCK, 0x7fffffff, 1, INT64_MAX },
		  "write lock of process 2147483647 on bytes 1 to 9223372036854775807" },
	};
	struct flockp_found found = { F_WRLCK, getpid(), 0, 5 };
	char text[FOUND_TEXT], wanted[FOUND_TEXT];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		snprintf(wanted, sizeof(wanted), "a %s is in the way", cases[i].text);
		assert_string_equal(found_text(text, &cases[i].found), wanted);
	}
	snprintf(wanted, sizeof(wanted),
		 "a write lock of process %d (unit_test) on bytes 0 to 4 is in the way", getpid());
	assert_string_equal(found_text(text, &found), wanted);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(probe_tells), TEST(probe_without_memfd), TEST(probe_fails), TEST(handles),
		TEST(open_once_more), TEST(open_without_proc), TEST(bad_arguments),
		TEST(access_modes), TEST(what_is_in_the_way), TEST(what_is_held),
		TEST(waits_for_ever), TEST(timed_by_kernel), TEST(polls_until_deadline),
		TEST(pauses_differ), TEST(polls_until_free), TEST(polls_after_deadline),
		TEST(polls_while_clock_is_set), TEST(polls_at_end_of_time), TEST(polling_fails),
		TEST(remote_filesystem), TEST(servers_that_say_eacces), TEST(upgrades),
		TEST(upgrades_fail), TEST(fair_where_it_can_be), TEST(unfair_elsewhere),
		TEST(bound_where_they_can_be), TEST(bound_locks_fail), TEST(unbound_elsewhere),
		TEST(lists), TEST(lists_fail), TEST(deadlines), TEST(names_are_harmless),
		TEST(ranges), TEST(places), TEST(seconds), TEST(numbers), TEST(utf8),
		TEST(found_as_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
