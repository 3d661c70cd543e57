// SPDX-License-Identifier: GPL-2.0
/*
 * Holds a lock until the input ends, after it has printed its process number: of a kind that shells
 * have no program for. Usage: holder classic|flock|flight|mapped FILE [START LEN [COMMAND...]];
 * "flight" and "mapped" are private ones of an open file that has no descriptor but one in a
 * socket, or none. In the end it becomes COMMAND, without giving the lock up.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "flockp.h"

static int send_away(int fd)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {
		.head = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS },
	};
	struct iovec data = { "x", 1 };
	const struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	int ends[2];

	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	return socketpair(AF_UNIX, SOCK_STREAM, 0, ends) || sendmsg(ends[0], &message, 0) != 1 ||
	       close(fd);
}

static int map(int fd)
{
	return ftruncate(fd, 1) || mmap(NULL, 1, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED ||
	       close(fd);
}

static int hold(const char *kind, int fd, int64_t start, int64_t len)
{
	struct flock fl = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = start, .l_len = len,
	};

	if (!strcmp(kind, "flock"))
		return flock(fd, LOCK_EX);
	if (!strcmp(kind, "classic"))
		return fcntl(fd, F_SETLKW, &fl);
	if (fcntl(fd, F_OFD_SETLKW, &fl))
		return -1;
	return strcmp(kind, "flight") ? map(fd) : send_away(fd);
}

int main(int argc, char **argv)
{
	int fd = argc < 3 ? -1 : open(argv[2], O_RDWR | O_CREAT, 0666);
	char c;

	if (fd < 0 || hold(argv[1], fd, argc > 4 ? atoll(argv[3]) : 0,
			   argc > 4 ? atoll(argv[4]) : 0)) {
		perror("holder");
		return 1;
	}
	printf("%d\n", getpid());
	fflush(stdout);
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
	if (argc > 5)
		execvp(argv[5], argv + 5);
	return argc > 5;
}
