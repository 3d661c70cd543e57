// SPDX-License-Identifier: GPL-2.0
/* The setting belongs to the open file, however a process came by it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "fixture.h"

/* The checks that a process makes of a timer it has been given: 0, or which one failed. */
static int check(int fd)
{
	if (info(fd).flags != DEFERRABLE)
		return 1;
	if (info(fd).limit != 7000 * SEC)
		return 2;
	if (remaining(fd) < 900 * SEC || remaining(fd) > 1000 * SEC)
		return 3;
	if (!cannot_idle() && !is_deferred(fd, DEFERRABLE))
		return 4;
	/* For the process that gave it: overdue, or expired if the CPU woke up. */
	return arm_on_idle(fd, DEFERRABLE, 1, 0) ? 5 : 0;
}

static void prepare(int fd)
{
	__u64 limit = 7000 * SEC;

	if (ioctl(fd, TFD_IOC_SET_DEFER_MAX, &limit) || arm_on_idle(fd, DEFERRABLE, 1000 * SEC, 0))
		broken("a deferrable timer");
}

static int result_of(pid_t pid)
{
	int status;

	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		broken("a child");
	return WEXITSTATUS(status);
}

TEST_F(timer, dup)
{
	int other = dup(self->fd);

	prepare(self->fd);
	EXPECT_EQ(0, check(other));
	EXPECT_EQ(1, ticks_read(self->fd));
	EXPECT_EQ(0, ticks_read(other));
	/* The timer goes on when one of two descriptors is closed. */
	ASSERT_EQ(0, arm(self->fd, DEFERRABLE, SOON, 0));
	close(self->fd);
	until_expired(other);
	EXPECT_EQ(1, ticks_read(other));
}

TEST_F(timer, fork)
{
	pid_t pid;

	prepare(self->fd);
	pid = fork();
	if (!pid)
		_exit(check(self->fd));
	EXPECT_EQ(0, result_of(pid));
	EXPECT_EQ(1, ticks_read(self->fd));
}

/* The process that armed it is gone. */
TEST_F(timer, outlives_its_setter)
{
	pid_t pid = fork();

	if (!pid) {
		if (arm_on_idle(self->fd, DEFERRABLE, SOON, 0))
			_exit(1);
		_exit(0);
	}
	ASSERT_EQ(0, result_of(pid));
	pause_ns(2 * SOON);
	kick_idle_cpus();
	until_expired(self->fd);
	EXPECT_EQ(1, ticks_read(self->fd));
}

TEST_F(timer, exec)
{
	char number[16];
	pid_t pid;

	prepare(self->fd);
	snprintf(number, sizeof(number), "%d", self->fd);
	pid = fork();
	if (!pid) {
		execl("/proc/self/exe", "files", "--check", number, NULL);
		_exit(127);
	}
	EXPECT_EQ(0, result_of(pid));
	EXPECT_EQ(1, ticks_read(self->fd));
}

static void send_fd(int sock, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = {};
	struct iovec iov = { .iov_base = "", .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	if (sendmsg(sock, &msg, 0) != 1)
		broken("sendmsg");
}

static int receive_fd(int sock)
{
	char control[CMSG_SPACE(sizeof(int))], byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	int fd;

	if (recvmsg(sock, &msg, 0) != 1 || !CMSG_FIRSTHDR(&msg))
		broken("recvmsg");
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

TEST_F(timer, passed_over_a_socket)
{
	int socks[2];
	pid_t pid;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, socks));
	pid = fork();
	if (!pid) {
		/* Its copy of the descriptor is not the one that counts. */
		close(self->fd);
		_exit(check(receive_fd(socks[1])));
	}
	prepare(self->fd);
	send_fd(socks[0], self->fd);
	EXPECT_EQ(0, result_of(pid));
	EXPECT_EQ(1, ticks_read(self->fd));
}

/* Expires while nobody but a message in a socket refers to it. */
TEST_F(timer, expires_in_a_socket)
{
	int socks[2], fd;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, socks));
	ASSERT_EQ(0, arm_on_idle(self->fd, DEFERRABLE, SOON, 0));
	send_fd(socks[0], self->fd);
	close(self->fd);
	pause_ns(2 * SOON);
	kick_idle_cpus();
	pause_ns(SOON);
	fd = receive_fd(socks[1]);
	EXPECT_EQ(1, ticks_read(fd));
}

/* Closing the last descriptor ends it: nothing is left that could expire. */
TEST_F(timer, close_while_overdue)
{
	int i, fd;

	for (i = 0; i < loops(20, 1000); i++) {
		fd = open_timer(CLOCK_MONOTONIC);
		prepare(fd);
		ASSERT_EQ(0, arm_on_idle(fd, DEFERRABLE, 1 + i * 100 * US, i % 2 * MS));
		pause_ns(i % 4 * MS);
		ASSERT_EQ(0, close(fd));
	}
	kick_idle_cpus();
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "--check"))
		return check(atoi(argv[2]));
	return run_tests(argc, argv);
}
