// SPDX-License-Identifier: GPL-2.0
/*
 * Locks for guest_lock_users.py.
 *
 *   lock_users hold N FILE	N read locks of one byte from byte 0 on, every other byte, of an
 *				open file of its own; says "held" and keeps them until it is killed
 *   lock_users lockf FILE	what lockf() answers while a child does the same
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/file_private_locks.h>

static int hold(long n, const char *path)
{
	int fd = open(path, O_RDWR);

	while (n--) {
		struct flock lock = { .l_type = F_RDLCK, .l_start = 2 * n, .l_len = 1 };

		if (fcntl(fd, F_SETLKP, &lock)) {
			perror(path);
			return 1;
		}
	}
	puts("held");
	fflush(stdout);
	for (;;)
		pause();
}

/* 0 or the errno, of the child: locks are not inherited, so it is another owner. */
static int child_tries(int fd, int how, off_t at, off_t len)
{
	pid_t child = fork();
	int status;

	if (!child) {
		lseek(fd, at, SEEK_SET);
		_exit(lockf(fd, how, len) ? errno : 0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static int use_lockf(const char *path)
{
	off_t far = 1000000;
	int fd = open(path, O_RDWR);

	lseek(fd, far, SEEK_SET);
	if (lockf(fd, F_LOCK, 100)) {
		perror(path);
		return 1;
	}
	printf("within %d\n", child_tries(fd, F_TLOCK, far + 50, 10));
	printf("test %d\n", child_tries(fd, F_TEST, far + 99, 1));
	printf("beside %d\n", child_tries(fd, F_TLOCK, far + 100, 10));
	lseek(fd, far, SEEK_SET);	/* the child has moved it */
	printf("own %d\n", lockf(fd, F_TEST, 100) ? errno : 0);
	lseek(fd, far, SEEK_SET);
	lockf(fd, F_ULOCK, 50);
	printf("freed %d\n", child_tries(fd, F_TLOCK, far, 50));
	printf("kept %d\n", child_tries(fd, F_TLOCK, far + 50, 1));
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "hold"))
		return hold(atol(argv[2]), argv[3]);
	if (argc == 3 && !strcmp(argv[1], "lockf"))
		return use_lockf(argv[2]);
	fputs("usage: lock_users hold N FILE | lockf FILE\n", stderr);
	return 2;
}
