// SPDX-License-Identifier: GPL-2.0
/* What the kernel tells about locks: F_GETLKP, F_GETLK, /proc/locks, fdinfo. */
#include <sched.h>
#include <sys/wait.h>

#include "fixture.h"

TEST_F(file, pid_must_be_zero)
{
	static const int cmds[] = { F_GETLKP, F_SETLKP, F_SETLKPW };
	static const short types[] = { F_RDLCK, F_WRLCK, F_UNLCK };
	static const pid_t pids[] = { 1, -1, 0x7fffffff };
	unsigned int i, j, k;

	for (i = 0; i < ARRAY_SIZE(cmds); i++)
		for (j = 0; j < ARRAY_SIZE(types); j++)
			for (k = 0; k < ARRAY_SIZE(pids); k++) {
				struct flock fl = span(types[j], 0, 10);

				fl.l_pid = pids[k];
				EXPECT_EQ(-EINVAL, lock_call(self->fd, cmds[i], &fl))
					TH_LOG("command %d, type %d, pid %d", cmds[i], types[j],
					       pids[k]);
			}
	EXPECT_EQ(0, locks_shown(self->id, "", false));
}

/* A private lock has no pid, whoever asks and however. */
TEST_F(file, private_lock_has_pid_minus_one)
{
	struct flock fl = span(F_WRLCK, 0, 0);

	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_RDLCK, 5, 10));
	EXPECT_EQ(0, lock_call(self->fd2, F_GETLKP, &fl));
	EXPECT_EQ(F_RDLCK, fl.l_type);
	EXPECT_EQ(-1, fl.l_pid);
	EXPECT_EQ(5, fl.l_start);
	EXPECT_EQ(10, fl.l_len);

	fl = span(F_WRLCK, 0, 0);
	EXPECT_EQ(0, lock_call(self->fd, F_GETLK, &fl));
	EXPECT_EQ(F_RDLCK, fl.l_type);
	EXPECT_EQ(-1, fl.l_pid);
}

TEST_F(file, classic_lock_has_its_pid)
{
	struct flock fl = span(F_RDLCK, 0, 0);
	struct peer holder;
	int fd;

	peer_start(&holder, PEER_OWN_FDS);
	fd = peer_open(&holder, self->path, O_RDWR);
	ASSERT_EQ(0, peer_lock(&holder, fd, F_SETLK, F_WRLCK, 5, 10));
	EXPECT_EQ(0, lock_call(self->fd, F_GETLKP, &fl));
	EXPECT_EQ(F_WRLCK, fl.l_type);
	EXPECT_EQ(holder.pid, fl.l_pid);
	EXPECT_EQ(5, fl.l_start);
	EXPECT_EQ(10, fl.l_len);
	peer_stop(&holder);

	/* Our own classic lock is in the way of our own private one. */
	ASSERT_EQ(0, lock_span(self->fd, F_SETLK, F_WRLCK, 0, 1));
	fl = span(F_RDLCK, 0, 0);
	EXPECT_EQ(0, lock_call(self->fd, F_GETLKP, &fl));
	EXPECT_EQ(getpid(), fl.l_pid);
}

/*
 * Seen from a pid namespace that the holder is not in, its pid is 0; a lock
 * taken inside has one pid inside and another outside.
 */
TEST_F(file, pid_namespace)
{
	struct flock fl = span(F_WRLCK, 0, 10);
	struct peer inside;
	int fd;

	ASSERT_EQ(0, lock_span(self->fd, F_SETLK, F_WRLCK, 0, 10));
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, 20, 10));
	ASSERT_EQ(0, unshare(CLONE_NEWPID));
	/* From here on our children are in the new namespace, we are not. */
	peer_start(&inside, PEER_OWN_FDS);
	fd = peer_open(&inside, self->path, O_RDWR);

	peer_ask(&inside, fd, F_GETLKP, &fl);
	EXPECT_EQ(0, peer_answer(&inside, &fl));
	EXPECT_EQ(F_WRLCK, fl.l_type);
	EXPECT_EQ(0, fl.l_pid);
	fl = span(F_WRLCK, 20, 10);
	peer_ask(&inside, fd, F_GETLKP, &fl);
	EXPECT_EQ(0, peer_answer(&inside, &fl));
	EXPECT_EQ(-1, fl.l_pid);

	ASSERT_EQ(0, peer_lock(&inside, fd, F_SETLK, F_WRLCK, 40, 10));
	fl = span(F_WRLCK, 40, 10);
	peer_ask(&inside, fd, F_GETLKP, &fl);
	EXPECT_EQ(0, peer_answer(&inside, &fl));
	EXPECT_EQ(1, fl.l_pid);
	fl = span(F_WRLCK, 40, 10);
	EXPECT_EQ(0, lock_call(self->fd, F_GETLKP, &fl));
	EXPECT_EQ(inside.pid, fl.l_pid);
	peer_stop(&inside);
}

/* F_UNLCK asks for a lock of this open file, and for nothing else. */
TEST_F(file, find_own_locks)
{
	struct flock fl = span(F_UNLCK, 0, 0);
	int d = dup(self->fd);

	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_RDLCK, 10, 5));
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, 20, 5));
	ASSERT_EQ(0, lock_span(self->fd2, F_SETLKP, F_WRLCK, 30, 5));
	ASSERT_EQ(0, lock_span(self->fd, F_SETLK, F_WRLCK, 40, 5));

	EXPECT_EQ(0, lock_call(d, F_GETLKP, &fl));
	EXPECT_EQ(F_RDLCK, fl.l_type);
	EXPECT_EQ(10, fl.l_start);
	EXPECT_EQ(5, fl.l_len);
	EXPECT_EQ(-1, fl.l_pid);

	fl = span(F_UNLCK, 15, 0);
	EXPECT_EQ(0, lock_call(self->fd, F_GETLKP, &fl));
	EXPECT_EQ(F_WRLCK, fl.l_type);
	EXPECT_EQ(20, fl.l_start);

	fl = span(F_UNLCK, 25, 0);
	EXPECT_EQ(0, lock_call(self->fd, F_GETLKP, &fl));
	EXPECT_EQ(F_UNLCK, fl.l_type);

	/* The classic command has no such question. */
	fl = span(F_UNLCK, 0, 0);
	EXPECT_EQ(-EINVAL, lock_call(self->fd, F_GETLK, &fl));
}

TEST_F(file, answer_counts_from_the_start)
{
	struct flock fl = {
		.l_type = F_WRLCK,
		.l_whence = SEEK_END,
		.l_start = -50,
		.l_len = 10,
	};

	ASSERT_EQ(0, ftruncate(self->fd, 100));
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, 55, 1));
	EXPECT_EQ(0, lock_call(self->fd2, F_GETLKP, &fl));
	EXPECT_EQ(F_WRLCK, fl.l_type);
	EXPECT_EQ(SEEK_SET, fl.l_whence);
	EXPECT_EQ(55, fl.l_start);
	EXPECT_EQ(1, fl.l_len);

	/* With nothing in the way only l_type changes. */
	fl.l_type = F_WRLCK;
	fl.l_whence = SEEK_END;
	fl.l_start = -10;
	fl.l_len = 7;
	fl.l_pid = 0;
	EXPECT_EQ(0, lock_call(self->fd2, F_GETLKP, &fl));
	EXPECT_EQ(F_UNLCK, fl.l_type);
	EXPECT_EQ(SEEK_END, fl.l_whence);
	EXPECT_EQ(-10, fl.l_start);
	EXPECT_EQ(7, fl.l_len);
	EXPECT_EQ(0, fl.l_pid);
}

TEST_F(file, getlkp_changes_nothing)
{
	struct flock fl = span(F_WRLCK, 0, 0);

	EXPECT_EQ(0, lock_call(self->fd, F_GETLKP, &fl));
	EXPECT_EQ(F_UNLCK, fl.l_type);
	EXPECT_EQ(0, locks_shown(self->id, "", false));
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_RDLCK, 0, 10));
	fl = span(F_WRLCK, 0, 10);
	EXPECT_EQ(0, lock_call(self->fd, F_GETLKP, &fl));
	EXPECT_EQ(F_UNLCK, fl.l_type);
	EXPECT_STREQ("R0-9", layout(self->fd, self->buf));
}

static void read_line(int fd, const char *path, const char *word, char *line, size_t size)
{
	char whole[64];
	FILE *f;

	snprintf(whole, sizeof(whole), path, fd);
	f = fopen(whole, "r");
	if (!f)
		broken(whole);
	while (fgets(line, size, f))
		if (strstr(line, word)) {
			fclose(f);
			return;
		}
	fclose(f);
	line[0] = 0;
}

TEST_F(file, proc_locks_and_fdinfo)
{
	struct flock fl = span(F_RDLCK, 0, 10);
	char line[256], want[128];
	struct peer waiter;

	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, 3, 4));
	snprintf(want, sizeof(want), ": OFDLCK ADVISORY  WRITE -1%s3 6\n", self->id);
	read_line(0, "/proc/locks", self->id, line, sizeof(line));
	EXPECT_STREQ(want, strchr(line, ':') ?: line);
	read_line(self->fd, "/proc/self/fdinfo/%d", "lock:", line, sizeof(line));
	EXPECT_EQ(0, strncmp(line, "lock:\t1: ", 9));
	EXPECT_STREQ(want, strchr(line + 5, ':') ?: line);

	/* Only the open file that owns it shows it. */
	EXPECT_STREQ("", layout(self->fd2, self->buf));

	/* A request that waits stands below the lock it waits for. */
	peer_start(&waiter, PEER_OWN_FDS);
	peer_ask(&waiter, self->fd2, F_SETLKPW, &fl);
	until_waiting(self->id, 1);
	snprintf(want, sizeof(want), " -> OFDLCK ADVISORY  READ -1%s0 9\n", self->id);
	read_line(0, "/proc/locks", "->", line, sizeof(line));
	EXPECT_STREQ(want, strstr(line, " ->") ?: line);
	peer_stop(&waiter);
	EXPECT_EQ(0, locks_shown(self->id, "", true));

	EXPECT_EQ(0, lock_span(self->fd, F_SETLKP, F_RDLCK, 3, 0));
	EXPECT_EQ(1, locks_shown(self->id, "OFDLCK ADVISORY  READ -1", false));
	EXPECT_EQ(1, locks_shown(self->id, " 3 EOF", false));
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
