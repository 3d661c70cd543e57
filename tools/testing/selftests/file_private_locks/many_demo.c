// SPDX-License-Identifier: GPL-2.0
/* Shows what a lock costs with many others on the file. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <linux/file_private_locks.h>

#define ROUNDS	15
#define PAIRS	200

static const char help[] =
	"Usage: many_demo FILE OTHERS...\n"
	"\n"
	"Locks and unlocks one byte of FILE, first alone and then with OTHERS read locks of\n"
	"one byte each on it, before and behind, which belong to another open file. FILE is\n"
	"created if it is not there, and not written to. OTHERS must ascend.\n"
	"\n"
	"Prints how long that takes, compared with doing it alone: medians of 15 rounds.\n"
	"Exit status: 0, 1 if something fails, 2 for a wrong call.\n";

static void set_lock(int fd, short type, off_t start)
{
	struct flock lock = { .l_type = type, .l_start = start, .l_len = 1 };

	if (fcntl(fd, F_SETLKP, &lock)) {
		perror("many_demo: fcntl");
		exit(1);
	}
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double seconds(int fd, off_t byte)
{
	struct timespec begin, end;
	double rounds[ROUNDS];
	int i, j;

	for (i = 0; i < ROUNDS; i++) {
		clock_gettime(CLOCK_MONOTONIC, &begin);
		for (j = 0; j < PAIRS; j++) {
			set_lock(fd, F_WRLCK, byte);
			set_lock(fd, F_UNLCK, byte);
		}
		clock_gettime(CLOCK_MONOTONIC, &end);
		rounds[i] = end.tv_sec - begin.tv_sec + (end.tv_nsec - begin.tv_nsec) / 1e9;
	}
	qsort(rounds, ROUNDS, sizeof(rounds[0]), ascending);
	return rounds[ROUNDS / 2];
}

int main(int argc, char **argv)
{
	long others, held = 0;
	double alone;
	int fd, fd2, i;
	char *end;

	if (argc == 2 && !strcmp(argv[1], "--help")) {
		fputs(help, stdout);
		return 0;
	}
	if (argc < 3) {
		fputs("many_demo: wanted a file and one number at least; type: many_demo --help\n",
		      stderr);
		return 2;
	}
	fd = open(argv[1], O_RDWR | O_CREAT, 0644);
	fd2 = open(argv[1], O_RDWR);
	if (fd < 0 || fd2 < 0) {
		fprintf(stderr, "many_demo: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	alone = seconds(fd2, 1);
	printf("%10s other locks   1.0\n", "no");
	for (i = 2; i < argc; i++) {
		errno = 0;
		others = strtol(argv[i], &end, 10);
		if (errno || *end || others <= held) {
			fprintf(stderr, "many_demo: found '%s', wanted a number above %ld\n",
				argv[i], held);
			return 2;
		}
		for (; held < others; held++)
			set_lock(fd, F_RDLCK, 2 * held);
		/* An odd byte in the middle is free. */
		printf("%10ld other locks   %.1f\n", others, seconds(fd2, others | 1) / alone);
	}
	return 0;
}
