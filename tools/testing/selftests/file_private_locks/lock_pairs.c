// SPDX-License-Identifier: GPL-2.0
/* Counts how many locks some threads set and release on one file, each on bytes of its own. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <linux/file_private_locks.h>

#define MOST_THREADS	1024
#define REGION		1000	/* bytes of each thread */

static const char help[] =
	"Usage: lock_pairs FILE SECONDS THREADS...\n"
	"\n"
	"Each of so many threads opens FILE for itself, and locks and unlocks one byte after the\n"
	"other of a thousand that no other thread touches, for so many seconds. FILE is created\n"
	"if it is not there. Prints a line for each number of threads:\n"
	"{\"threads\": N, \"pairs\": PAIRS, \"seconds\": SECONDS}\n"
	"Exit status: 0, 1 if something fails, 2 for a wrong call.\n";

struct thread {
	pthread_t id;
	const char *path;
	off_t region;
	unsigned long pairs;
};

static pthread_barrier_t start;
static atomic_bool stop;

static void failed(const char *what)
{
	fprintf(stderr, "lock_pairs: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void set_lock(int fd, short type, off_t byte)
{
	struct flock lock = { .l_type = type, .l_start = byte, .l_len = 1 };

	if (fcntl(fd, F_SETLKPW, &lock))
		failed("fcntl");
}

static void *lock_and_unlock(void *arg)
{
	struct thread *t = arg;
	int fd = open(t->path, O_RDWR | O_CREAT, 0644);

	if (fd < 0)
		failed(t->path);
	pthread_barrier_wait(&start);
	while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
		off_t byte = t->region + t->pairs % REGION;

		set_lock(fd, F_WRLCK, byte);
		set_lock(fd, F_UNLCK, byte);
		t->pairs++;
	}
	close(fd);
	return NULL;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void count(const char *path, double seconds, int n)
{
	struct timespec pause = { .tv_sec = seconds, .tv_nsec = 1e9 * (seconds - (long)seconds) };
	struct thread *threads = calloc(n, sizeof(*threads));
	unsigned long pairs = 0;
	double begin;
	int i;

	if (!threads || pthread_barrier_init(&start, NULL, n + 1))
		failed("threads");
	atomic_store(&stop, false);
	for (i = 0; i < n; i++) {
		threads[i].path = path;
		threads[i].region = (off_t)i * REGION;
		if (pthread_create(&threads[i].id, NULL, lock_and_unlock, &threads[i]))
			failed("pthread_create");
	}
	pthread_barrier_wait(&start);
	begin = now();
	nanosleep(&pause, NULL);
	atomic_store(&stop, true);
	for (i = 0; i < n; i++) {
		pthread_join(threads[i].id, NULL);
		pairs += threads[i].pairs;
	}
	printf("{\"threads\": %d, \"pairs\": %lu, \"seconds\": %.3f}\n", n, pairs, now() - begin);
	fflush(stdout);
	pthread_barrier_destroy(&start);
	free(threads);
}

int main(int argc, char **argv)
{
	double seconds = argc > 2 ? atof(argv[2]) : 0;
	int i;

	if (argc == 2 && !strcmp(argv[1], "--help")) {
		fputs(help, stdout);
		return 0;
	}
	for (i = 3; i < argc; i++)
		if (atoi(argv[i]) < 1 || atoi(argv[i]) > MOST_THREADS)
			break;
	if (argc < 4 || i < argc || !(seconds > 0 && seconds < 3600)) {
		fputs(help, stderr);
		return 2;
	}
	for (i = 3; i < argc; i++)
		count(argv[1], seconds, atoi(argv[i]));
	return 0;
}
