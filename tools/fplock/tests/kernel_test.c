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
	       (!required || strcmp(required, "1") || check(is_timed()));
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
	if (chdir("/") || rmdir(folder))
		failed++;
	return failed != 0;
}
