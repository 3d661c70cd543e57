// SPDX-License-Identifier: GPL-2.0
/*
 * One thread sets a lock while another closes the descriptor. A classic lock
 * is taken back and the call fails with EBADF; a private lock goes with the
 * open file. In no case may a lock stay behind that nobody can release.
 */
#include <pthread.h>

#include "fixture.h"

/*
 * The order that matters, forced: the request waits for a lock of ours, its
 * descriptor is closed meanwhile, and only then is it granted.
 */
TEST_F(file, private_closed_while_waiting)
{
	struct flock fl = span(F_WRLCK, 0, 10);
	struct peer thread;

	peer_start(&thread, PEER_SHARED_FDS);
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, 0, 10));
	peer_ask(&thread, self->fd2, F_SETLKPW, &fl);
	until_waiting(self->id, 1);
	close(self->fd2);
	EXPECT_EQ(1, locks_shown(self->id, "", true));
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_UNLCK, 0, 10));
	EXPECT_EQ(0, peer_answer(&thread, NULL));
	/* The call held the last reference, so its return was the last close. */
	EXPECT_EQ(0, locks_shown(self->id, "", false));
	peer_stop(&thread);
}

TEST_F(file, classic_closed_while_waiting)
{
	struct flock fl = span(F_WRLCK, 0, 10);
	struct peer thread;

	peer_start(&thread, PEER_SHARED_FDS);
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, 0, 10));
	peer_ask(&thread, self->fd2, F_SETLKW, &fl);
	until_waiting(self->id, 1);
	close(self->fd2);
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_UNLCK, 0, 10));
	EXPECT_EQ(-EBADF, peer_answer(&thread, NULL));
	EXPECT_EQ(0, locks_shown(self->id, "", false));
	peer_stop(&thread);
}

/* The number of the descriptor now means another open file of the same file. */
TEST_F(file, descriptor_reused_while_waiting)
{
	struct flock fl = span(F_WRLCK, 0, 10);
	int other = open(self->path, O_RDWR);
	struct peer thread;

	ASSERT_LE(0, other);
	peer_start(&thread, PEER_SHARED_FDS);
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, 0, 10));
	peer_ask(&thread, self->fd2, F_SETLKPW, &fl);
	until_waiting(self->id, 1);
	ASSERT_EQ(self->fd2, dup2(other, self->fd2));
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_UNLCK, 0, 10));
	EXPECT_EQ(0, peer_answer(&thread, NULL));
	/* What was granted went with the old open file; the new one has nothing. */
	EXPECT_EQ(0, locks_shown(self->id, "", false));
	EXPECT_STREQ("", layout(other, self->buf));
	peer_stop(&thread);
}

struct racer {
	pthread_barrier_t go, done;
	int fd, cmd, ret;
	__s64 pause;
};

/* For nanoseconds, without going to sleep; not at all if that is less than none. */
static void spin(__s64 pause)
{
	__s64 end = clock_now(CLOCK_MONOTONIC) + pause;

	while (clock_now(CLOCK_MONOTONIC) < end)
		;
}

static void *lock_when_told(void *arg)
{
	struct racer *r = arg;

	for (;;) {
		pthread_barrier_wait(&r->go);
		if (r->fd < 0)
			return NULL;
		spin(r->pause);
		if (r->cmd == F_SETLKPT)
			r->ret = timed_try(r->fd, F_WRLCK, 0, 10);
		else
			r->ret = lock_span(r->fd, r->cmd, F_WRLCK, 0, 10);
		pthread_barrier_wait(&r->done);
	}
}

/*
 * And in whatever order it comes: a little later after each close that came before the lock, a
 * little earlier after each that came behind it, until both were seen of each command.
 */
TEST_F_TIMEOUT(file, lock_and_close_at_once, LONG_TIMEOUT)
{
	/* The last one where there is such a command. */
	static const int cmds[] = { F_SETLKP, F_SETLKPW, F_SETLK, F_SETLKW, F_SETLKPT };
	int i, kinds = ARRAY_SIZE(cmds) - !!timed_missing(), count = loops(500, 25000), both = 0;
	int before[ARRAY_SIZE(cmds)] = {}, behind[ARRAY_SIZE(cmds)] = {};
	__s64 aim[ARRAY_SIZE(cmds)] = {};
	const __s64 step = 500;
	pthread_t thread;
	struct racer r;

	close(self->fd2);
	ASSERT_EQ(0, pthread_barrier_init(&r.go, NULL, 2));
	ASSERT_EQ(0, pthread_barrier_init(&r.done, NULL, 2));
	ASSERT_EQ(0, pthread_create(&thread, NULL, lock_when_told, &r));
	for (i = 0; i < count || both < kinds; i++) {
		int kind = i % kinds;

		r.cmd = cmds[kind];
		r.fd = open(self->path, O_RDWR);
		ASSERT_LE(0, r.fd);
		r.pause = -aim[kind];
		pthread_barrier_wait(&r.go);
		spin(aim[kind]);
		close(r.fd);
		pthread_barrier_wait(&r.done);
		ASSERT_TRUE(r.ret == 0 || r.ret == -EBADF)
			TH_LOG("command %d answered %d", r.cmd, r.ret);
		ASSERT_EQ(0, locks_shown(self->id, "", false))
			TH_LOG("command %d left a lock behind", r.cmd);
		aim[kind] += r.ret ? step : -step;
		if (r.ret)
			both += !before[kind]++ && behind[kind];
		else
			both += !behind[kind]++ && before[kind];
	}
	for (i = 0; i < kinds; i++)
		TH_LOG("command %d: %d times closed before, %d times behind", cmds[i], before[i],
		       behind[i]);
	r.fd = -1;
	pthread_barrier_wait(&r.go);
	ASSERT_EQ(0, pthread_join(thread, NULL));
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
