// SPDX-License-Identifier: GPL-2.0
/*
 * libflockp on the kernel that runs. Where that has no timed locks they are polled for, which is
 * tested then; with SEPTET_REQUIRE=1 in the environment it must have them. Prints KTAP.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flockp.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define FILE_NAME "file"

static struct flockp *mine, *other;

#define check(condition) check_it(condition, #condition, __LINE__)

static bool check_it(bool holds, const char *text, int line)
{
	if (!holds)
		printf("# line %d: %s\n", line, text);
	return holds;
}

static struct timespec in_ms(clockid_t clock, long ms)
{
	struct timespec t;

	flockp_deadline(&t, clock, &(struct timespec){ ms / 1000, ms % 1000 * 1000000 });
	return t;
}

static bool is_timed(void)
{
	return flockp_probe() & FLOCKP_TIMED;
}

/* Time enough for whatever is not meant to end. */
#define LONG_MS 600000

/* ---- another thread that waits ---- */

struct waiter {
	pthread_t thread;
	int type, ret;
	bool ended;
};

static void *wait_for_lock(void *arg)
{
	const struct timespec deadline = in_ms(CLOCK_MONOTONIC, LONG_MS);
	struct waiter *w = arg;

	w->ret = flockp_lock(other, w->type, 0, 0, &deadline, CLOCK_MONOTONIC);
	__atomic_store_n(&w->ended, true, __ATOMIC_SEQ_CST);
	return NULL;
}

/* Some request waits for a lock of this file, as far as /proc/locks tells. */
static bool is_waited_for(void)
{
	FILE *f = fopen("/proc/locks", "re");
	bool found = false;
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		found |= !!strstr(line, "-> OFDLCK");
	if (f)
		fclose(f);
	return found;
}

static struct waiter *start_waiter(int type)
{
	static struct waiter w;

	w = (struct waiter){ .type = type };
	if (pthread_create(&w.thread, NULL, wait_for_lock, &w))
		exit(1);
	/* One that polls cannot be seen. */
	while (is_timed() && !is_waited_for())
		usleep(1000);
	return &w;
}

static int end_waiter(struct waiter *w)
{
	pthread_join(w->thread, NULL);
	return w->ret;
}

/* ---- tests ---- */

static bool kernel_serves(void)
{
	const char *required = getenv("SEPTET_REQUIRE");

	return check(flockp_probe() > 0) && check(flockp_probe() & FLOCKP_PRIVATE) &&
	       (!required || strcmp(required, "1") ||
		check(flockp_probe() == (FLOCKP_PRIVATE | FLOCKP_TIMED | FLOCKP_LISTED |
					 FLOCKP_FAIR | FLOCKP_TASK)));
}

static bool expires(void)
{
	static const clockid_t clocks[] = { CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_REALTIME };
	bool ok = check(!flockp_trylock(other, F_WRLCK, 0, 0));

	for (int i = 0; i < 6; i++) {
		/* Past, then to come. */
		const struct timespec deadline = in_ms(clocks[i / 2], i & 1 ? 20 : 0);
		struct timespec now;

		ok &= check(flockp_lock(mine, F_RDLCK, 0, 0, &deadline, clocks[i / 2]) ==
			    -ETIMEDOUT);
		clock_gettime(clocks[i / 2], &now);
		ok &= check(now.tv_sec > deadline.tv_sec || (now.tv_sec == deadline.tv_sec &&
							     now.tv_nsec >= deadline.tv_nsec));
		ok &= check(flockp_polled(mine) == !is_timed());
	}
	ok &= check(!flockp_unlock(other, 0, 0));
	/* What is free is taken after any deadline. */
	return ok & check(!flockp_lock(mine, F_WRLCK, 0, 0, &(struct timespec){ 0 },
				       CLOCK_MONOTONIC)) &
	       check(flockp_trylock(other, F_RDLCK, 0, 0) == -EAGAIN);
}

static bool waits(void)
{
	struct waiter *w;
	bool ok;

	ok = check(!flockp_trylock(mine, F_RDLCK, 5, 1));
	w = start_waiter(F_WRLCK);
	ok &= check(!__atomic_load_n(&w->ended, __ATOMIC_SEQ_CST));
	ok &= check(!flockp_unlock(mine, 0, 0));
	ok &= check(!end_waiter(w));
	return ok & check(flockp_test(mine, F_RDLCK, 5, 1, NULL) == 1);
}

static bool closing_wakes(void)
{
	bool ok = check(!flockp_trylock(mine, F_WRLCK, 0, 0));
	struct waiter *w = start_waiter(F_RDLCK);

	ok &= check(!flockp_close(mine));
	ok &= check(!end_waiter(w));
	return ok & check(!flockp_open(&mine, FILE_NAME, O_RDWR, 0));
}

static void note(int signo)
{
	(void)signo;
}

static bool signal_ends_wait(void)
{
	struct sigaction action = { .sa_handler = note };
	bool ok = check(!flockp_trylock(mine, F_WRLCK, 0, 0));
	struct waiter *w;

	sigaction(SIGUSR1, &action, NULL);
	w = start_waiter(F_WRLCK);
	/* The first may come before it waits. */
	while (!__atomic_load_n(&w->ended, __ATOMIC_SEQ_CST)) {
		pthread_kill(w->thread, SIGUSR1);
		usleep(1000);
	}
	ok &= check(end_waiter(w) == -EINTR);
	/* It has not got it later either. */
	return ok & check(!flockp_unlock(mine, 0, 0)) &
	       check(!flockp_test(mine, F_WRLCK, 0, 0, NULL));
}

static bool upgrade(void)
{
	const struct timespec now = in_ms(CLOCK_MONOTONIC, 0);
	struct timespec soon = in_ms(CLOCK_MONOTONIC, 20);
	struct flockp_found found;
	int held = 99;
	bool ok;

	ok = check(!flockp_trylock(mine, F_RDLCK, 0, 100));
	ok &= check(!flockp_trylock(other, F_RDLCK, 50, 0));
	ok &= check(flockp_upgrade(mine, 0, 100, &now, CLOCK_MONOTONIC, &held) == -ETIMEDOUT);
	ok &= check(held == F_RDLCK);
	held = 99;
	ok &= check(flockp_upgrade(mine, 0, 100, &soon, CLOCK_MONOTONIC, &held) == -ETIMEDOUT);
	ok &= check(held == F_RDLCK);
	ok &= check(flockp_trylock(other, F_WRLCK, 0, 100) == -EAGAIN);
	ok &= check(flockp_test(other, F_WRLCK, 0, 100, &found) == 1);
	ok &= check(found.type == F_RDLCK && found.start == 0 && found.len == 100);
	ok &= check(!flockp_unlock(other, 0, 0));
	ok &= check(!flockp_upgrade(mine, 0, 100, &now, CLOCK_MONOTONIC, &held));
	return ok & check(held == F_WRLCK) &
	       check(flockp_trylock(other, F_RDLCK, 99, 1) == -EAGAIN) &
	       check(!flockp_trylock(other, F_RDLCK, 100, 1));
}

/* ---- lists ---- */

static bool is_listed(void)
{
	return flockp_probe() & FLOCKP_LISTED;
}

/* The cookies of an open file and of this process. */
static bool read_cookies(int fd, unsigned long long cookies[2])
{
	char path[64], line[256];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "re");
	while (f && !found && fgets(line, sizeof(line), f))
		found = sscanf(line, "lock-owner:\t%llx %llx", &cookies[0], &cookies[1]) == 2;
	if (f)
		fclose(f);
	return found;
}

/* How many, and the last one. */
static int list(unsigned int what, int64_t start, int64_t len, struct flockp_listed *last)
{
	struct flockp_list *list;
	int count = 0, ret;

	if (!check(!flockp_list_open(&list, flockp_fd(mine), what, start, len)))
		return -1;
	while ((ret = flockp_list_next(list, last)) > 0)
		count++;
	flockp_list_close(list);
	return check(!ret) ? count : -1;
}

static bool lists_all_kinds(void)
{
	struct flock classic = { .l_type = F_RDLCK, .l_start = 50, .l_len = 10 };
	unsigned long long cookies[2], others[2];
	struct flockp_list *none = NULL;
	struct flockp_listed l = { 0 };
	bool ok;

	if (!is_listed())
		return check(flockp_list_open(&none, flockp_fd(mine), 0, 0, 0) == -EOPNOTSUPP);
	ok = check(!list(0, 0, 0, &l));
	ok &= check(!flockp_trylock(mine, F_WRLCK, 10, 20));
	ok &= check(!flockp_trylock(other, F_RDLCK, 100, 0));
	ok &= check(!fcntl(flockp_fd(mine), F_SETLK, &classic));
	ok &= check(!flock(flockp_fd(other), LOCK_EX));
	ok &= check(read_cookies(flockp_fd(mine), cookies)) &
	      check(read_cookies(flockp_fd(other), others));
	ok &= check(cookies[0] != others[0]) & check(cookies[1] == others[1]);
	ok &= check(list(0, 0, 0, &l) == 4) & check(list(FLOCKP_LIST_WAITING, 0, 0, &l) == 0);
	ok &= check(list(FLOCKP_LIST_PRIVATE, 0, 100, &l) == 1);
	ok &= check(l.owner == cookies[0] && l.start == 10 && l.len == 20 && l.type == F_WRLCK);
	ok &= check(l.flags == (FLOCKP_LIST_HELD | FLOCKP_LIST_PRIVATE) && l.pid == getpid());
	ok &= check(list(FLOCKP_LIST_PRIVATE, 100, 1, &l) == 1);
	ok &= check(l.owner == others[0] && l.start == 100 && !l.len && l.type == F_RDLCK);
	ok &= check(list(FLOCKP_LIST_CLASSIC, 59, 1, &l) == 1) & check(l.owner == cookies[1]);
	ok &= check(list(FLOCKP_LIST_FLOCK, 0, 0, &l) == 1) & check(l.owner == others[0]);
	classic.l_type = F_UNLCK;
	ok &= check(!fcntl(flockp_fd(mine), F_SETLK, &classic));
	return ok & check(!flock(flockp_fd(other), LOCK_UN)) & check(list(0, 0, 0, &l) == 2);
}

static bool lists_who_waits(void)
{
	unsigned long long cookies[2];
	struct flockp_listed l = { 0 };
	struct waiter *w;
	bool ok;

	if (!is_listed())
		return true;
	ok = check(!flockp_trylock(mine, F_WRLCK, 0, 0));
	w = start_waiter(F_RDLCK);
	ok &= check(list(0, 0, 0, &l) == 2) & check(list(FLOCKP_LIST_WAITING, 0, 0, &l) == 1);
	ok &= check(read_cookies(flockp_fd(other), cookies)) & check(l.owner == cookies[0]);
	ok &= check(l.type == F_RDLCK && l.pid == getpid());
	ok &= check(l.flags == (FLOCKP_LIST_WAITING | FLOCKP_LIST_PRIVATE));
	ok &= check(!flockp_unlock(mine, 0, 0));
	return ok & check(!end_waiter(w)) & check(list(FLOCKP_LIST_WAITING, 0, 0, &l) == 0);
}

/* More than one call of the kernel gives, while others come and go. */
static bool lists_many(void)
{
	struct flockp_listed l = { 0 };
	struct flockp_list *list;
	int64_t at = 0;
	bool ok = true;
	int ret = 0;

	if (!is_listed())
		return true;
	for (int i = 0; i < 1000; i++)
		ok &= check(!flockp_trylock(mine, F_WRLCK, 20 * i, 10));
	ok &= check(!flockp_list_open(&list, flockp_fd(other), 0, 0, 0));
	while (ok && (ret = flockp_list_next(list, &l)) > 0) {
		ok &= check(l.start == at);
		at = l.start + 20;
		/* Behind what is listed. */
		if (l.start % 100 == 0)
			ok &= check(!flockp_trylock(other, F_WRLCK, l.start + 10, 10)) &
			      check(!flockp_unlock(other, l.start + 10, 10));
	}
	flockp_list_close(list);
	return ok & check(!ret) & check(at == 20000);
}

/* A wish: it is obtained either way. */
static bool fair_waits(void)
{
	const struct timespec now = in_ms(CLOCK_MONOTONIC, 0);
	struct waiter *w;
	bool ok;

	flockp_fair(mine, true);
	flockp_fair(other, true);
	ok = check(!flockp_lock(mine, F_WRLCK, 0, 0, NULL, 0));
	ok &= check(flockp_lock(other, F_RDLCK, 0, 1, &now, CLOCK_MONOTONIC) == -ETIMEDOUT);
	w = start_waiter(F_WRLCK);
	ok &= check(!flockp_unlock(mine, 0, 0));
	ok &= check(!end_waiter(w));
	ok &= check(flockp_polled(other) == !is_timed());
	return ok & check(flockp_test(mine, F_RDLCK, 0, 0, NULL) == 1);
}

/* ---- locks of one thread ---- */

static bool is_bound(int64_t start)
{
	struct flockp_listed l;

	return list(FLOCKP_LIST_HELD, start, 1, &l) == 1 && l.flags & FLOCKP_LIST_ONE_TASK;
}

/* In a thread of its own, with the handle of another one. */
static void *meddle(void *arg)
{
	const struct timespec now = in_ms(CLOCK_MONOTONIC, 0);
	struct flockp_found found;
	bool ok = true;

	for (int task = 0; task < 2; task++) {
		flockp_task(mine, task);
		ok &= check(flockp_unlock(mine, 0, 0) == -EPERM);
		ok &= check(flockp_trylock(mine, F_RDLCK, 5, 1) == -EPERM);
		ok &= check(flockp_lock(mine, F_WRLCK, 0, 0, NULL, 0) == -EPERM);
		ok &= check(flockp_lock(mine, F_RDLCK, 0, 6, &now, CLOCK_MONOTONIC) == -EPERM);
		ok &= check(flockp_upgrade(mine, 9, 2, &now, CLOCK_MONOTONIC, NULL) == -EPERM);
		/* Elsewhere it may. */
		ok &= check(!flockp_trylock(mine, F_RDLCK, 20, 5)) &
		      check(is_bound(20) == task) & check(!flockp_unlock(mine, 20, 5));
	}
	ok &= check(flockp_held(mine, 0, 0, &found) == 1);
	ok &= check(found.type == F_WRLCK && found.start == 0 && found.len == 10);
	*(bool *)arg = ok;
	return NULL;
}

static void *release_all(void *arg)
{
	*(int *)arg = flockp_unlock(mine, 0, 0);
	return NULL;
}

static void in_thread(void *(*what)(void *), void *arg)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, what, arg) || pthread_join(thread, NULL))
		exit(1);
}

static bool is_task(void)
{
	return flockp_probe() & FLOCKP_TASK;
}

static bool bound_to_thread(void)
{
	bool ok, meddled = false;
	int ret = 99;

	flockp_task(mine, true);
	ok = check(!flockp_trylock(mine, F_WRLCK, 0, 10));
	if (!is_task()) {
		/* A wish. */
		in_thread(release_all, &ret);
		return ok & check(!ret) & check(!flockp_test(other, F_WRLCK, 0, 0, NULL));
	}
	ok &= check(is_bound(0));
	in_thread(meddle, &meddled);
	ok &= check(meddled) & check(flockp_test(other, F_RDLCK, 9, 1, NULL) == 1);
	/* Its own thread changes it, and it stays bound. */
	flockp_task(mine, true);
	ok &= check(!flockp_trylock(mine, F_RDLCK, 0, 10)) & check(is_bound(0));
	ok &= check(!flockp_lock(mine, F_WRLCK, 0, 10, NULL, 0)) & check(is_bound(0));
	ok &= check(!flockp_unlock(mine, 5, 1)) & check(!flockp_held(mine, 5, 1, NULL));
	ok &= check(is_bound(4)) & check(is_bound(6));
	/* A part of it becomes an ordinary one. */
	flockp_task(mine, false);
	ok &= check(!flockp_trylock(mine, F_WRLCK, 0, 2)) & check(!is_bound(1)) &
	      check(is_bound(2));
	in_thread(release_all, &ret);
	ok &= check(ret == -EPERM);
	ok &= check(!flockp_trylock(mine, F_WRLCK, 0, 0));
	in_thread(release_all, &ret);
	return ok & check(!ret) & check(!flockp_test(other, F_WRLCK, 0, 0, NULL));
}

static void *bind_all(void *arg)
{
	flockp_task(mine, true);
	*(int *)arg = flockp_trylock(mine, F_WRLCK, 0, 0);
	return NULL;
}

/* Whoever does it, and if the thread is gone. */
static bool closing_releases_bound(void)
{
	int ret = 99;
	bool ok;

	in_thread(bind_all, &ret);
	ok = check(!ret);
	if (is_task())
		ok &= check(is_bound(0)) & check(flockp_unlock(mine, 0, 0) == -EPERM);
	ok &= check(flockp_trylock(other, F_RDLCK, 0, 0) == -EAGAIN);
	ok &= check(!flockp_close(mine)) & check(!flockp_trylock(other, F_RDLCK, 0, 0));
	return ok & check(!flockp_open(&mine, FILE_NAME, O_RDWR, 0));
}

struct side {
	struct flockp **lock;
	int64_t first, then;
	pthread_barrier_t *both;
	int ret;
};

/* Takes one byte, then wants that of the other thread, and gives way if it is told to. */
static void *take_two(void *arg)
{
	struct side *side = arg;
	bool bound;

	flockp_task(*side->lock, true);
	bound = !flockp_trylock(*side->lock, F_WRLCK, side->first, 1) && is_bound(side->first);
	pthread_barrier_wait(side->both);
	/* Else it would be for ever. */
	if (!bound)
		return NULL;
	side->ret = flockp_lock(*side->lock, F_WRLCK, side->then, 1, NULL, 0);
	flockp_unlock(*side->lock, 0, 0);
	return NULL;
}

static bool threads_in_a_circle(void)
{
	pthread_barrier_t both;
	struct side sides[2] = { { &mine, 0, 1, &both }, { &other, 1, 0, &both } };
	pthread_t thread;
	bool ok = true;

	if (!is_task())
		return true;
	pthread_barrier_init(&both, NULL, 2);
	for (int i = 0; ok && i < 20; i++) {
		sides[0].ret = 99;
		sides[1].ret = 99;
		if (pthread_create(&thread, NULL, take_two, &sides[0]))
			exit(1);
		take_two(&sides[1]);
		pthread_join(thread, NULL);
		ok &= check((sides[0].ret == -EDEADLK && !sides[1].ret) ||
			    (sides[1].ret == -EDEADLK && !sides[0].ret));
	}
	pthread_barrier_destroy(&both);
	return ok & check(!flockp_held(mine, 0, 0, NULL)) & check(!flockp_held(other, 0, 0, NULL));
}

/* So many that the kernel may search them in another way than one by one. */
static bool many_ranges(void)
{
	struct timespec now = in_ms(CLOCK_MONOTONIC, 0);
	struct flockp_found found;
	bool ok = true;

	for (int i = 0; i < 200; i++)
		ok &= check(!flockp_lock(mine, i & 1 ? F_RDLCK : F_WRLCK, 20 * i, 10, &now,
					 CLOCK_MONOTONIC));
	for (int i = 0; i < 200; i++) {
		ok &= check(flockp_test(other, F_WRLCK, 20 * i + 9, 2, &found) == 1);
		ok &= check(found.start == 20 * i && found.len == 10);
		ok &= check(found.type == (i & 1 ? F_RDLCK : F_WRLCK));
		ok &= check(!flockp_test(other, F_WRLCK, 20 * i + 10, 10, NULL));
		ok &= check(flockp_lock(other, F_WRLCK, 20 * i, 1, &now, CLOCK_MONOTONIC) ==
			    -ETIMEDOUT);
		ok &= check(flockp_held(mine, 20 * i, 1, &found) == 1 && found.start == 20 * i);
	}
	ok &= check(!flockp_unlock(mine, 0, 0));
	return ok & check(!flockp_test(other, F_WRLCK, 0, 0, NULL)) &
	       check(!flockp_held(mine, 0, 0, NULL));
}

static bool open_once_more(void)
{
	struct flockp *again;
	bool ok = check(!flockp_trylock(mine, F_WRLCK, 0, 0)) &&
		  check(!flockp_open_fd(&again, flockp_fd(mine)));

	if (!ok)
		return false;
	ok &= check(flockp_trylock(again, F_RDLCK, 0, 0) == -EAGAIN);
	ok &= check(!flockp_unlock(mine, 0, 0));
	ok &= check(!flockp_trylock(again, F_WRLCK, 0, 0));
	ok &= check(flockp_trylock(mine, F_RDLCK, 0, 0) == -EAGAIN);
	ok &= check(!flockp_close(again));
	return ok & check(!flockp_trylock(mine, F_RDLCK, 0, 0));
}

/* A child has the same open file. */
static bool fork_shares(void)
{
	bool ok = check(!flockp_trylock(mine, F_WRLCK, 0, 0));
	int ends[2], status;
	pid_t child;

	ok &= check(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
	child = fork();
	if (!child) {
		char c;

		close(ends[0]);
		_exit(read(ends[1], &c, 1));
	}
	close(ends[1]);
	/* It stays until the child ends, too. */
	ok &= check(!flockp_close(mine));
	ok &= check(flockp_trylock(other, F_RDLCK, 0, 0) == -EAGAIN);
	close(ends[0]);
	ok &= check(waitpid(child, &status, 0) == child && !status);
	return ok & check(!flockp_trylock(other, F_RDLCK, 0, 0)) &
	       check(!flockp_open(&mine, FILE_NAME, O_RDWR, 0));
}

#define THREADS 4
#define ROUNDS 200

static long failures;

/* Adds to what is in the file, in two steps. */
static void *count_up(void *arg)
{
	struct flockp *lock;

	(void)arg;
	if (flockp_open(&lock, FILE_NAME, O_RDWR, 0)) {
		__atomic_add_fetch(&failures, 1, __ATOMIC_SEQ_CST);
		return NULL;
	}
	for (int i = 0; i < ROUNDS; i++) {
		const struct timespec deadline = in_ms(CLOCK_MONOTONIC, LONG_MS);
		char text[32] = "";
		long n;

		if (flockp_lock(lock, F_WRLCK, 0, 0, &deadline, CLOCK_MONOTONIC) ||
		    pread(flockp_fd(lock), text, sizeof(text) - 1, 0) < 0)
			__atomic_add_fetch(&failures, 1, __ATOMIC_SEQ_CST);
		n = atol(text);
		sched_yield();
		snprintf(text, sizeof(text), "%ld", n + 1);
		if (pwrite(flockp_fd(lock), text, strlen(text), 0) < 0 ||
		    flockp_unlock(lock, 0, 0))
			__atomic_add_fetch(&failures, 1, __ATOMIC_SEQ_CST);
	}
	flockp_close(lock);
	return NULL;
}

static bool threads_exclude(void)
{
	pthread_t threads[THREADS];
	char text[32] = "";
	bool ok = true;

	failures = 0;
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, count_up, NULL))
			exit(1);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	ok &= check(!failures);
	ok &= check(pread(flockp_fd(mine), text, sizeof(text) - 1, 0) > 0);
	return ok & check(atol(text) == THREADS * ROUNDS);
}

static const struct {
	const char *name;
	bool (*run)(void);
} tests[] = {
	{ "kernel_serves", kernel_serves },
	{ "expires", expires },
	{ "waits", waits },
	{ "closing_wakes", closing_wakes },
	{ "signal_ends_wait", signal_ends_wait },
	{ "upgrade", upgrade },
	{ "many_ranges", many_ranges },
	{ "open_once_more", open_once_more },
	{ "lists_all_kinds", lists_all_kinds },
	{ "lists_who_waits", lists_who_waits },
	{ "lists_many", lists_many },
	{ "fair_waits", fair_waits },
	{ "bound_to_thread", bound_to_thread },
	{ "closing_releases_bound", closing_releases_bound },
	{ "threads_in_a_circle", threads_in_a_circle },
	{ "fork_shares", fork_shares },
	{ "threads_exclude", threads_exclude },
};

int main(void)
{
	const int count = ARRAY_SIZE(tests);
	char folder[] = "/tmp/flockp.XXXXXX";
	int failed = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!mkdtemp(folder) || chdir(folder))
		return 1;
	printf("KTAP version 1\n1..%d\n", count);
	for (int i = 0; i < count; i++) {
		bool ok = check(!flockp_open(&mine, FILE_NAME, O_RDWR | O_CREAT, 0600)) &&
			  check(!flockp_open(&other, FILE_NAME, O_RDWR, 0)) && tests[i].run();

		flockp_close(mine);
		flockp_close(other);
		unlink(FILE_NAME);
		printf("%s %d - %s\n", ok ? "ok" : "not ok", i + 1, tests[i].name);
		failed += !ok;
	}
	printf("# timed locks: %s\n", is_timed() ? "the kernel's" : "polled for");
	printf("# lists of locks: %s\n", is_listed() ? "the kernel's" : "none");
	printf("# locks of one thread: %s\n", is_task() ? "the kernel's" : "none");
	if (chdir("/") || rmdir(folder))
		failed++;
	return failed != 0;
}
