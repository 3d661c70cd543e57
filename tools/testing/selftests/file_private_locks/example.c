// SPDX-License-Identifier: GPL-2.0
/*
 * Three threads append five lines each to one file.
 *
 * Usage: example [FILE]
 * Without FILE it works on example.txt, which it removes.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/file_private_locks.h>

#define THREADS 3
#define LINES 5

static const char *path = "example.txt";

static void fail(const char *what)
{
	fprintf(stderr, "example: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void set_lock(int fd, short type)
{
	/* l_start and l_len are 0: the whole file. l_pid must be 0. */
	struct flock fl = { .l_type = type, .l_whence = SEEK_SET };

	while (fcntl(fd, F_SETLKPW, &fl))
		if (errno != EINTR)
			fail("fcntl");
}

static void put(int fd, const char *text)
{
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		fail("write");
}

static void *append(void *name)
{
	/* An open file for this thread alone: threads that share one share its locks. */
	int i, fd = open(path, O_WRONLY);

	if (fd < 0)
		fail(path);
	for (i = 0; i < LINES; i++) {
		set_lock(fd, F_WRLCK);
		if (lseek(fd, 0, SEEK_END) < 0)
			fail("lseek");
		put(fd, name);
		sched_yield();		/* invite the others to interfere */
		put(fd, " was here\n");
		set_lock(fd, F_UNLCK);
	}
	close(fd);
	return NULL;
}

int main(int argc, char **argv)
{
	static const char * const names[THREADS] = { "Anna", "Ben", "Cleo" };
	pthread_t threads[THREADS];
	char line[64], want[64];
	int i, intact = 0;
	FILE *f;

	if (argc > 1)
		path = argv[1];
	f = fopen(path, "w+");
	if (!f)
		fail(path);
	for (i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, append, (void *)names[i]))
			fail("pthread_create");
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);

	while (fgets(line, sizeof(line), f))
		for (i = 0; i < THREADS; i++) {
			snprintf(want, sizeof(want), "%s was here\n", names[i]);
			intact += !strcmp(line, want);
		}
	fclose(f);
	if (argc == 1)
		unlink(path);
	printf("%d of %d lines are intact\n", intact, THREADS * LINES);
	return intact != THREADS * LINES;
}
