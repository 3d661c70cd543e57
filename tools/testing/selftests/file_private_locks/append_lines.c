// SPDX-License-Identifier: GPL-2.0
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "append_lines.h"
#include "helpers.h"

struct run {
	enum append_mode mode;
	const char *path;
	int shared_fd;
	char id[FILE_ID_SIZE];
	atomic_int inside;	/* threads between lock and unlock */
	atomic_int alive;	/* threads that have not finished */
	atomic_int violations;
};

struct thread {
	struct run *run;
	int nr;
	pthread_t id;
};

/* The end repeats the beginning, so that a line made of two is found out. */
static void format_line(char line[64], int thread, int nr)
{
	snprintf(line, 64, "thread %d line %d begins; thread %d line %d ends\n",
		 thread, nr, thread, nr);
}

/*
 * Stay here until every other thread has come as far as the lock lets it: in
 * here as well, or waiting for the lock in the kernel. So a lock that does not
 * exclude is always seen to, whatever the scheduler does.
 */
static void let_the_others_come(struct run *run)
{
	while (run->inside + locks_shown(run->id, "", true) < run->alive)
		sched_yield();
}

static void append_one(struct run *run, int fd, int thread, int nr)
{
	char line[64];
	size_t len, half;
	off_t end;

	format_line(line, thread, nr);
	len = strlen(line);
	half = len / 2;
	if (atomic_fetch_add(&run->inside, 1))
		run->violations++;
	end = lseek(fd, 0, SEEK_END);
	let_the_others_come(run);
	if (pwrite(fd, line, half, end) != (ssize_t)half)
		broken("writing a line");
	sched_yield();
	if (pwrite(fd, line + half, len - half, end + half) != (ssize_t)(len - half))
		broken("writing a line");
	run->inside--;
}

static void *append_thread(void *arg)
{
	struct thread *t = arg;
	struct run *run = t->run;
	int cmd = run->mode == APPEND_CLASSIC ? F_SETLKW : F_SETLKPW;
	int fd = run->mode == APPEND_SHARED ? run->shared_fd : open(run->path, O_RDWR);
	int i;

	if (fd < 0)
		broken(run->path);
	for (i = 0; i < APPEND_LINES; i++) {
		if (lock_span(fd, cmd, F_WRLCK, 0, 0))
			broken("locking the file");
		append_one(run, fd, t->nr, i);
		if (lock_span(fd, cmd, F_UNLCK, 0, 0))
			broken("unlocking the file");
	}
	run->alive--;
	/* A close would drop the classic locks of every thread. */
	return NULL;
}

static void count_lines(const char *path, struct append_result *result)
{
	bool seen[APPEND_TOTAL] = {};
	char line[256], want[64];
	FILE *f = fopen(path, "r");
	int i;

	if (!f)
		broken(path);
	while (fgets(line, sizeof(line), f)) {
		for (i = 0; i < APPEND_TOTAL; i++) {
			format_line(want, i / APPEND_LINES, i % APPEND_LINES);
			if (!strcmp(line, want))
				break;
		}
		if (i == APPEND_TOTAL || seen[i]) {
			result->torn++;
		} else {
			seen[i] = true;
			result->intact++;
		}
	}
	fclose(f);
}

void append_lines(enum append_mode mode, const char *path, struct append_result *result)
{
	struct run run = { .mode = mode, .path = path, .alive = APPEND_THREADS };
	struct thread threads[APPEND_THREADS];
	int i;

	run.shared_fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
	if (run.shared_fd < 0)
		broken(path);
	file_id(run.shared_fd, run.id);
	for (i = 0; i < APPEND_THREADS; i++) {
		threads[i].run = &run;
		threads[i].nr = i;
		if (pthread_create(&threads[i].id, NULL, append_thread, &threads[i]))
			broken("starting a thread");
	}
	for (i = 0; i < APPEND_THREADS; i++)
		pthread_join(threads[i].id, NULL);
	close(run.shared_fd);

	memset(result, 0, sizeof(*result));
	result->violations = run.violations;
	count_lines(path, result);
}
