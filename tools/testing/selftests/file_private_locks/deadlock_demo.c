// SPDX-License-Identifier: GPL-2.0
/* Shows what happens to two programs that each hold a lock and want the other's. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/wait.h>
#include <linux/file_private_locks.h>

/* Seconds after which nobody expects an answer any more. */
#define PATIENCE	5

static const char help[] =
	"Usage: deadlock_demo FILE\n"
	"\n"
	"Two processes open FILE, which is created if it is not there. Each takes a file-private\n"
	"write lock on one byte and then wants the other's byte, without a deadline. Says what\n"
	"each of them gets. Whoever is told of a deadlock releases what it has.\n"
	"\n"
	"Exit status: 0 if one of them is told, 1 if both still wait after 5 s or something\n"
	"fails, 2 for a wrong call.\n";

static void on_alarm(int sig)
{
	(void)sig;
}

static int set_lock(int fd, int cmd, short type, off_t byte)
{
	struct flock lock = { .l_type = type, .l_start = byte, .l_len = 1 };

	return fcntl(fd, cmd, &lock) ? errno : 0;
}

/* Returns 1 if it was told of a deadlock, 2 if nothing came of it, 0 if it got both. */
static int program(const char *path, char name, off_t byte, int ready, int go)
{
	struct sigaction action = { .sa_handler = on_alarm };
	int fd = open(path, O_RDWR | O_CREAT, 0644), error;
	char c;

	sigaction(SIGALRM, &action, NULL);
	if (fd < 0 || set_lock(fd, F_SETLKPW, F_WRLCK, byte) || write(ready, "", 1) != 1 ||
	    read(go, &c, 1) != 1) {
		perror("deadlock_demo");
		return 2;
	}
	alarm(PATIENCE);
	error = set_lock(fd, F_SETLKPW, F_WRLCK, !byte);
	if (error == EINTR)
		printf("%c has byte %d and waits for byte %d in vain\n", name, (int)byte, !byte);
	else
		printf("%c has byte %d and wants byte %d: %s\n", name, (int)byte, !byte,
		       error ? strerror(error) : "got it");
	fflush(stdout);
	return error == EDEADLK ? 1 : error ? 2 : 0;
}

int main(int argc, char **argv)
{
	int ready[2], go[2], i, status, results = 0;
	char c;

	if (argc == 2 && !strcmp(argv[1], "--help")) {
		fputs(help, stdout);
		return 0;
	}
	if (argc != 2) {
		fputs(help, stderr);
		return 2;
	}
	if (pipe(ready) || pipe(go)) {
		perror("deadlock_demo: pipe");
		return 1;
	}
	for (i = 0; i < 2; i++)
		if (!fork())
			_exit(program(argv[1], 'A' + i, i, ready[1], go[0]));
	close(ready[1]);
	/* Each has its lock before the other one wants it. */
	for (i = 0; i < 2; i++)
		if (read(ready[0], &c, 1) != 1)
			return 1;
	if (write(go[1], "..", 2) != 2)
		return 1;
	for (i = 0; i < 2; i++)
		if (wait(&status) > 0 && WIFEXITED(status))
			results += 1 << (4 * WEXITSTATUS(status));
	/* One got both, one was told. */
	return results != 0x11;
}
