// SPDX-License-Identifier: GPL-2.0
/*
 * Who owns a file-private lock, and for how long: the open file, until its
 * last reference goes. A descriptor, a child, a message in flight, a mapping
 * and an io_uring registration are such references.
 */
#include <pthread.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <linux/io_uring.h>

#include "fixture.h"

/* What another open file of the same file gets when it tries. */
#define OTHERS(self) lock_span((self)->fd2, F_SETLKP, F_WRLCK, 0, 0)

TEST_F(file, dup_changes_the_lock)
{
	int d = dup(self->fd);

	ASSERT_LE(0, d);
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, 0, 100));
	EXPECT_EQ(0, lock_span(d, F_SETLKP, F_RDLCK, 0, 50));
	EXPECT_STREQ("R0-49 W50-99", layout(self->fd, self->buf));
	EXPECT_EQ(0, lock_span(d, F_SETLKP, F_UNLCK, 60, 10));
	EXPECT_STREQ("R0-49 W50-59 W70-99", layout(d, self->buf));
	EXPECT_EQ(0, lock_span(d, F_SETLKPW, F_WRLCK, 0, 100));
	EXPECT_STREQ("W0-99", layout(self->fd, self->buf));
}

TEST_F(file, child_changes_the_lock)
{
	struct peer child;

	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, 0, 100));
	peer_start(&child, PEER_OWN_FDS);
	EXPECT_EQ(0, peer_lock(&child, self->fd, F_SETLKP, F_RDLCK, 0, 50));
	EXPECT_STREQ("R0-49 W50-99", layout(self->fd, self->buf));
	EXPECT_EQ(0, peer_lock(&child, self->fd, F_SETLKP, F_WRLCK, 200, 1));
	EXPECT_STREQ("R0-49 W50-99 W200-200", layout(self->fd, self->buf));
	EXPECT_EQ(-EAGAIN, peer_lock(&child, self->fd2, F_SETLKP, F_WRLCK, 0, 100));

	/* Neither the child's close nor its end releases what we refer to. */
	peer_close(&child, self->fd);
	EXPECT_STREQ("R0-49 W50-99 W200-200", layout(self->fd, self->buf));
	peer_stop(&child);
	EXPECT_STREQ("R0-49 W50-99 W200-200", layout(self->fd, self->buf));
	EXPECT_EQ(-EAGAIN, OTHERS(self));
}

TEST_F(file, child_keeps_the_lock)
{
	struct peer child;

	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, 0, 0));
	peer_start(&child, PEER_OWN_FDS);
	close(self->fd);
	EXPECT_EQ(-EAGAIN, OTHERS(self));
	peer_stop(&child);
	EXPECT_EQ(0, OTHERS(self));
}

/* The classic lock goes with any close in the process, the private one stays. */
TEST_F(file, close_of_another_open_file)
{
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, 0, 10));
	ASSERT_EQ(0, lock_span(self->fd, F_SETLK, F_WRLCK, 20, 10));
	EXPECT_EQ(1, locks_shown(self->id, "POSIX", false));
	close(self->fd2);
	EXPECT_EQ(0, locks_shown(self->id, "POSIX", false));
	EXPECT_STREQ("W0-9", layout(self->fd, self->buf));
}

TEST_F(file, last_close_releases)
{
	int d = dup(self->fd);

	ASSERT_LE(0, d);
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, 0, 10));
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_RDLCK, 20, 10));
	close(self->fd);
	EXPECT_EQ(-EAGAIN, OTHERS(self));
	EXPECT_STREQ("W0-9 R20-29", layout(d, self->buf));
	close(d);
	EXPECT_EQ(0, locks_shown(self->id, "", false));
	EXPECT_EQ(0, OTHERS(self));
}

TEST_F(file, killed_holder_releases)
{
	struct peer holder;
	int fd;

	peer_start(&holder, PEER_OWN_FDS);
	fd = peer_open(&holder, self->path, O_RDWR);
	ASSERT_EQ(0, peer_lock(&holder, fd, F_SETLKP, F_WRLCK, 0, 0));
	EXPECT_EQ(-EAGAIN, OTHERS(self));
	peer_stop(&holder);
	EXPECT_EQ(0, OTHERS(self));
}

static void *lock_in_thread(void *fd)
{
	return (void *)(long)lock_span(*(int *)fd, F_SETLKP, F_WRLCK, 0, 10);
}

TEST_F(file, thread_end_keeps_the_lock)
{
	pthread_t thread;
	void *ret;

	ASSERT_EQ(0, pthread_create(&thread, NULL, lock_in_thread, &self->fd));
	ASSERT_EQ(0, pthread_join(thread, &ret));
	EXPECT_EQ(NULL, ret);
	EXPECT_EQ(-EAGAIN, OTHERS(self));
	/* Any thread may release it. */
	EXPECT_EQ(0, lock_span(self->fd, F_SETLKP, F_UNLCK, 0, 0));
	EXPECT_EQ(0, OTHERS(self));
}

TEST_F(file, reopen_is_a_new_owner)
{
	struct flock fl = span(F_UNLCK, 0, 0);
	char path[64];
	int fd;

	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, 0, 10));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", self->fd);
	fd = open(path, O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EAGAIN, lock_span(fd, F_SETLKP, F_RDLCK, 0, 10));
	EXPECT_EQ(0, lock_call(fd, F_GETLKP, &fl));
	EXPECT_EQ(F_UNLCK, fl.l_type);
	EXPECT_STREQ("", layout(fd, self->buf));
	close(fd);
	EXPECT_STREQ("W0-9", layout(self->fd, self->buf));
}

/*
 * The other side of an exec: says "here" on @sock, waits for a byte, answers
 * with the result of a request on the inherited @fd, and waits again.
 */
static int after_exec(int sock, int fd)
{
	signed char byte = 0;

	if (write(sock, &byte, 1) != 1 || read(sock, &byte, 1) != 1)
		return KSFT_FAIL;
	byte = lock_span(fd, F_SETLKP, F_RDLCK, 0, 5);
	if (write(sock, &byte, 1) != 1)
		return KSFT_FAIL;
	return read(sock, &byte, 1) == 0 ? KSFT_PASS : KSFT_FAIL;
}

static pid_t start_exec(int fd, int *sock)
{
	char sock_arg[16], fd_arg[16];
	int socks[2];
	pid_t pid;
	char byte;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, socks))
		broken("socketpair");
	pid = fork();
	if (pid < 0)
		broken("fork");
	if (!pid) {
		fcntl(socks[1], F_SETFD, 0);
		snprintf(sock_arg, sizeof(sock_arg), "%d", socks[1]);
		snprintf(fd_arg, sizeof(fd_arg), "%d", fd);
		execl("/proc/self/exe", "owner", "--after-exec", sock_arg, fd_arg, NULL);
		broken("exec");
	}
	close(socks[1]);
	*sock = socks[0];
	if (read(*sock, &byte, 1) != 1)
		broken("reading from the executed program");
	return pid;
}

TEST_F(file, exec_keeps_the_lock)
{
	signed char byte = 0;
	int sock, status;
	pid_t pid;

	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, 0, 10));
	pid = start_exec(self->fd, &sock);
	close(self->fd);
	EXPECT_EQ(-EAGAIN, OTHERS(self));
	ASSERT_EQ(1, write(sock, &byte, 1));
	ASSERT_EQ(1, read(sock, &byte, 1));
	EXPECT_EQ(0, byte);
	EXPECT_EQ(1, locks_shown(self->id, "OFDLCK ADVISORY  READ", false));
	close(sock);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, OTHERS(self));
}

TEST_F(file, close_on_exec_releases)
{
	int sock, status;
	pid_t pid;

	ASSERT_EQ(0, fcntl(self->fd, F_SETFD, FD_CLOEXEC));
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, 0, 10));
	pid = start_exec(self->fd, &sock);
	/* The program runs without the descriptor; ours still keeps the lock. */
	EXPECT_EQ(-EAGAIN, OTHERS(self));
	close(self->fd);
	EXPECT_EQ(0, OTHERS(self));
	close(sock);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
}

TEST_F(file, message_in_flight_keeps_the_lock)
{
	int socks[2], fd;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, socks));
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, 0, 10));
	send_fd(socks[0], self->fd);
	close(self->fd);
	EXPECT_EQ(-EAGAIN, OTHERS(self));

	/* What comes out is the same owner. */
	fd = receive_fd(socks[1]);
	EXPECT_EQ(0, lock_span(fd, F_SETLKP, F_RDLCK, 0, 5));
	EXPECT_STREQ("R0-4 W5-9", layout(fd, self->buf));

	/* Nobody will ever receive this one. */
	send_fd(socks[0], fd);
	close(fd);
	EXPECT_EQ(-EAGAIN, OTHERS(self));
	close(socks[0]);
	close(socks[1]);
	until_unlocked(self->id);
	EXPECT_EQ(0, OTHERS(self));
}

TEST_F(file, mapping)
{
	long page = sysconf(_SC_PAGESIZE);
	void *map;

	ASSERT_EQ(0, ftruncate(self->fd, page));
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, 0, 10));
	map = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, self->fd, 0);
	ASSERT_TRUE(map != MAP_FAILED);
	close(self->fd);
	/* Only overlayfs maps a file of the layer below instead of the one we opened. */
	EXPECT_EQ(variant->place == PLACE_OVERLAY ? 0 : -EAGAIN, OTHERS(self));
	ASSERT_EQ(0, munmap(map, page));
	EXPECT_EQ(0, OTHERS(self));
}

TEST_F(file, io_uring_registration_keeps_the_lock)
{
	int ring;

	if (ring_missing())
		SKIP(return, "%s", ring_missing());
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, 0, 10));
	ring = ring_make(self->fd);
	close(self->fd);
	EXPECT_EQ(-EAGAIN, OTHERS(self));
	ASSERT_EQ(0, syscall(__NR_io_uring_register, ring, IORING_UNREGISTER_FILES,
			     NULL, 0));
	/* io_uring may let go of the file a little later. */
	until_unlocked(self->id);
	EXPECT_EQ(0, OTHERS(self));
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "--after-exec"))
		return after_exec(atoi(argv[2]), atoi(argv[3]));
	return run_tests(argc, argv);
}
