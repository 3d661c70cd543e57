// SPDX-License-Identifier: GPL-2.0
/*
 * Waiting with F_SETLKPW. Every step waits until /proc/locks shows what the
 * step before was to bring about; nothing depends on how long it takes.
 */
#include <poll.h>

#include "fixture.h"

/* Two processes with an open file of their own. */
struct pair {
	struct peer a, b;
	int fa, fb;
};

static void pair_start(struct pair *p, const char *path)
{
	peer_start(&p->a, PEER_OWN_FDS);
	peer_start(&p->b, PEER_OWN_FDS);
	p->fa = peer_open(&p->a, path, O_RDWR);
	p->fb = peer_open(&p->b, path, O_RDWR);
}

/* The same with open files that we have, too. */
static void pair_share(struct pair *p, int fa, int fb)
{
	peer_start(&p->a, PEER_OWN_FDS);
	peer_start(&p->b, PEER_OWN_FDS);
	p->fa = fa;
	p->fb = fb;
}

static void pair_stop(struct pair *p)
{
	peer_stop(&p->a);
	peer_stop(&p->b);
}

static bool answered(struct peer *peer)
{
	struct pollfd p = { .fd = peer->sock, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

TEST_F(file, granted_by_unlock)
{
	struct flock fl = span(F_WRLCK, 5, 10);
	struct peer waiter;

	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, 0, 100));
	peer_start(&waiter, PEER_OWN_FDS);
	peer_ask(&waiter, self->fd2, F_SETLKPW, &fl);
	until_waiting(self->id, 1);
	EXPECT_FALSE(answered(&waiter));
	/* Part of what it wants is not enough. */
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_UNLCK, 5, 5));
	until_waiting(self->id, 1);
	EXPECT_FALSE(answered(&waiter));
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_UNLCK, 10, 5));
	EXPECT_EQ(0, peer_answer(&waiter, NULL));
	EXPECT_STREQ("W0-4 W15-99", layout(self->fd, self->buf));
	EXPECT_STREQ("W5-14", layout(self->fd2, self->buf));
	peer_stop(&waiter);
}

/* A lock that gets shorter lets go of those who wait for the part it loses. */
TEST_F(file, granted_when_the_lock_gets_shorter)
{
	struct flock tail = span(F_WRLCK, 90, 10), head = span(F_WRLCK, 0, 10);
	struct pair p;

	pair_start(&p, self->path);
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, 0, 100));
	peer_ask(&p.a, p.fa, F_SETLKPW, &tail);
	peer_ask(&p.b, p.fb, F_SETLKPW, &head);
	until_waiting(self->id, 2);
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_UNLCK, 90, 10));
	EXPECT_EQ(0, peer_answer(&p.a, NULL));
	until_waiting(self->id, 1);
	EXPECT_FALSE(answered(&p.b));
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_UNLCK, 0, 10));
	EXPECT_EQ(0, peer_answer(&p.b, NULL));
	EXPECT_STREQ("W10-89", layout(self->fd, self->buf));
	pair_stop(&p);
}

TEST_F(file, granted_by_last_close)
{
	struct flock fl = span(F_RDLCK, 0, 0);
	int d = dup(self->fd);
	struct peer waiter;

	/* The peer starts first, so that it has no copy of our descriptors. */
	close(d);
	close(self->fd);
	peer_start(&waiter, PEER_OWN_FDS);
	self->fd = open(self->path, O_RDWR);
	ASSERT_LE(0, self->fd);
	d = dup(self->fd);
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, 0, 100));
	peer_ask(&waiter, self->fd2, F_SETLKPW, &fl);
	until_waiting(self->id, 1);
	close(self->fd);
	EXPECT_EQ(1, locks_shown(self->id, "", true));
	EXPECT_FALSE(answered(&waiter));
	close(d);
	EXPECT_EQ(0, peer_answer(&waiter, NULL));
	EXPECT_STREQ("R0-EOF", layout(self->fd2, self->buf));
	peer_stop(&waiter);
}

TEST_F(file, granted_when_the_holder_is_killed)
{
	struct flock fl = span(F_WRLCK, 0, 0);
	struct pair p;

	pair_start(&p, self->path);
	ASSERT_EQ(0, peer_lock(&p.a, p.fa, F_SETLKP, F_WRLCK, 0, 0));
	peer_ask(&p.b, p.fb, F_SETLKPW, &fl);
	until_waiting(self->id, 1);
	peer_stop(&p.a);
	EXPECT_EQ(0, peer_answer(&p.b, NULL));
	peer_stop(&p.b);
}

/* Readers that wait for one writer all go on together. */
TEST_F(file, readers_share)
{
	struct flock fl = span(F_RDLCK, 0, 10);
	struct pair p;

	pair_start(&p, self->path);
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, 0, 10));
	peer_ask(&p.a, p.fa, F_SETLKPW, &fl);
	peer_ask(&p.b, p.fb, F_SETLKPW, &fl);
	until_waiting(self->id, 2);
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_UNLCK, 0, 0));
	EXPECT_EQ(0, peer_answer(&p.a, NULL));
	EXPECT_EQ(0, peer_answer(&p.b, NULL));
	EXPECT_EQ(2, locks_shown(self->id, "OFDLCK ADVISORY  READ", false));
	pair_stop(&p);
}

/* Each kind of request waits for each kind of lock, even on one descriptor. */
TEST_F(file, classic_and_private)
{
	struct flock fl = span(F_WRLCK, 0, 10);
	struct peer waiter;

	peer_start(&waiter, PEER_OWN_FDS);
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, 0, 10));
	peer_ask(&waiter, self->fd, F_SETLKW, &fl);
	until_waiting(self->id, 1);
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_UNLCK, 0, 10));
	EXPECT_EQ(0, peer_answer(&waiter, NULL));
	EXPECT_EQ(1, locks_shown(self->id, "POSIX", false));
	EXPECT_EQ(0, peer_lock(&waiter, self->fd, F_SETLK, F_UNLCK, 0, 0));

	ASSERT_EQ(0, lock_span(self->fd, F_SETLK, F_WRLCK, 0, 10));
	peer_ask(&waiter, self->fd, F_SETLKPW, &fl);
	until_waiting(self->id, 1);
	ASSERT_EQ(0, lock_span(self->fd, F_SETLK, F_UNLCK, 0, 10));
	EXPECT_EQ(0, peer_answer(&waiter, NULL));
	EXPECT_STREQ("W0-9", layout(self->fd, self->buf));
	peer_stop(&waiter);
}

TEST_F(file, signal_interrupts)
{
	struct flock fl = span(F_WRLCK, 0, 10);
	struct peer waiter;

	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, 0, 10));
	peer_start(&waiter, PEER_OWN_FDS);
	peer_handle_signal(&waiter, 0);
	peer_ask(&waiter, self->fd2, F_SETLKPW, &fl);
	until_waiting(self->id, 1);
	peer_signal(&waiter);
	EXPECT_EQ(-EINTR, peer_answer(&waiter, NULL));
	EXPECT_EQ(0, locks_shown(self->id, "", true));
	EXPECT_STREQ("", layout(self->fd2, self->buf));
	peer_stop(&waiter);
}

TEST_F(file, signal_with_sa_restart_waits_on)
{
	struct flock fl = span(F_WRLCK, 0, 10);
	struct peer waiter;

	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, 0, 10));
	peer_start(&waiter, PEER_OWN_FDS);
	peer_handle_signal(&waiter, SA_RESTART);
	peer_ask(&waiter, self->fd2, F_SETLKPW, &fl);
	until_waiting(self->id, 1);
	peer_signal(&waiter);
	until_waiting(self->id, 1);
	EXPECT_FALSE(answered(&waiter));
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_UNLCK, 0, 10));
	EXPECT_EQ(0, peer_answer(&waiter, NULL));
	EXPECT_STREQ("W0-9", layout(self->fd2, self->buf));
	peer_stop(&waiter);
}

TEST_F(file, killed_waiter_is_forgotten)
{
	struct flock fl = span(F_WRLCK, 0, 10);
	struct peer waiter;

	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, 0, 10));
	peer_start(&waiter, PEER_OWN_FDS);
	peer_ask(&waiter, self->fd2, F_SETLKPW, &fl);
	until_waiting(self->id, 1);
	peer_stop(&waiter);
	EXPECT_EQ(0, locks_shown(self->id, "", true));
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_UNLCK, 0, 10));
	EXPECT_EQ(0, locks_shown(self->id, "", false));
}

/*
 * A holds byte 0 and waits for byte 1, B holds byte 1 and waits for byte 0.
 * For classic locks the second wait fails. Whether it does for private ones,
 * which nobody else can release, depends on the kernel (deadlock.c). We could
 * release these, so both wait until one gives up.
 */
TEST_F(file, deadlock_is_not_reported)
{
	struct flock first = span(F_WRLCK, 0, 1), second = span(F_WRLCK, 1, 1);
	struct pair p;

	pair_share(&p, self->fd, self->fd2);
	peer_handle_signal(&p.a, 0);
	ASSERT_EQ(0, peer_lock(&p.a, p.fa, F_SETLKP, F_WRLCK, 0, 1));
	ASSERT_EQ(0, peer_lock(&p.b, p.fb, F_SETLKP, F_WRLCK, 1, 1));
	peer_ask(&p.a, p.fa, F_SETLKPW, &second);
	until_waiting(self->id, 1);
	peer_ask(&p.b, p.fb, F_SETLKPW, &first);
	until_waiting(self->id, 2);
	EXPECT_FALSE(answered(&p.a));
	EXPECT_FALSE(answered(&p.b));
	peer_signal(&p.a);
	EXPECT_EQ(-EINTR, peer_answer(&p.a, NULL));
	ASSERT_EQ(0, peer_lock(&p.a, p.fa, F_SETLKP, F_UNLCK, 0, 0));
	EXPECT_EQ(0, peer_answer(&p.b, NULL));
	pair_stop(&p);
}

TEST_F(file, classic_deadlock_is_reported)
{
	struct flock first = span(F_WRLCK, 0, 1), second = span(F_WRLCK, 1, 1);
	struct pair p;

	pair_start(&p, self->path);
	ASSERT_EQ(0, peer_lock(&p.a, p.fa, F_SETLK, F_WRLCK, 0, 1));
	ASSERT_EQ(0, peer_lock(&p.b, p.fb, F_SETLK, F_WRLCK, 1, 1));
	peer_ask(&p.a, p.fa, F_SETLKW, &second);
	until_waiting(self->id, 1);
	peer_ask(&p.b, p.fb, F_SETLKW, &first);
	EXPECT_EQ(-EDEADLK, peer_answer(&p.b, NULL));
	ASSERT_EQ(0, peer_lock(&p.b, p.fb, F_SETLK, F_UNLCK, 0, 0));
	EXPECT_EQ(0, peer_answer(&p.a, NULL));
	pair_stop(&p);
}

/*
 * With one lock of each kind it depends on the request that closes the cycle:
 * a classic one makes Linux look, and it follows private requests that wait for
 * a classic lock.
 */
TEST_F(file, deadlock_closed_by_classic_is_reported)
{
	struct flock first = span(F_WRLCK, 0, 1), second = span(F_WRLCK, 1, 1);
	struct pair p;

	pair_start(&p, self->path);
	peer_handle_signal(&p.a, 0);
	ASSERT_EQ(0, peer_lock(&p.a, p.fa, F_SETLKP, F_WRLCK, 0, 1));
	ASSERT_EQ(0, peer_lock(&p.b, p.fb, F_SETLK, F_WRLCK, 1, 1));
	peer_ask(&p.a, p.fa, F_SETLKPW, &second);
	until_waiting(self->id, 1);
	peer_ask(&p.b, p.fb, F_SETLKW, &first);
	EXPECT_EQ(-EDEADLK, peer_answer(&p.b, NULL));
	ASSERT_EQ(0, peer_lock(&p.b, p.fb, F_SETLK, F_UNLCK, 0, 0));
	EXPECT_EQ(0, peer_answer(&p.a, NULL));
	pair_stop(&p);
}

TEST_F(file, deadlock_closed_by_private_is_not_reported)
{
	struct flock first = span(F_WRLCK, 0, 1), second = span(F_WRLCK, 1, 1);
	struct pair p;

	pair_share(&p, self->fd, self->fd2);
	peer_handle_signal(&p.a, 0);
	ASSERT_EQ(0, peer_lock(&p.a, p.fa, F_SETLKP, F_WRLCK, 0, 1));
	ASSERT_EQ(0, peer_lock(&p.b, p.fb, F_SETLK, F_WRLCK, 1, 1));
	peer_ask(&p.b, p.fb, F_SETLKW, &first);
	until_waiting(self->id, 1);
	peer_ask(&p.a, p.fa, F_SETLKPW, &second);
	until_waiting(self->id, 2);
	EXPECT_FALSE(answered(&p.a));
	EXPECT_FALSE(answered(&p.b));
	peer_signal(&p.a);
	EXPECT_EQ(-EINTR, peer_answer(&p.a, NULL));
	ASSERT_EQ(0, peer_lock(&p.a, p.fa, F_SETLKP, F_UNLCK, 0, 0));
	EXPECT_EQ(0, peer_answer(&p.b, NULL));
	pair_stop(&p);
}

/* Two readers that both want to write block each other, and keep reading. */
TEST_F(file, two_upgrades)
{
	struct flock fl = span(F_WRLCK, 0, 1);
	struct pair p;

	pair_share(&p, self->fd, self->fd2);
	peer_handle_signal(&p.a, 0);
	ASSERT_EQ(0, peer_lock(&p.a, p.fa, F_SETLKP, F_RDLCK, 0, 1));
	ASSERT_EQ(0, peer_lock(&p.b, p.fb, F_SETLKP, F_RDLCK, 0, 1));
	peer_ask(&p.a, p.fa, F_SETLKPW, &fl);
	until_waiting(self->id, 1);
	peer_ask(&p.b, p.fb, F_SETLKPW, &fl);
	until_waiting(self->id, 2);
	EXPECT_EQ(2, locks_shown(self->id, "OFDLCK ADVISORY  READ", false));
	peer_signal(&p.a);
	EXPECT_EQ(-EINTR, peer_answer(&p.a, NULL));
	EXPECT_EQ(2, locks_shown(self->id, "OFDLCK ADVISORY  READ", false));
	ASSERT_EQ(0, peer_lock(&p.a, p.fa, F_SETLKP, F_UNLCK, 0, 0));
	EXPECT_EQ(0, peer_answer(&p.b, NULL));
	EXPECT_EQ(1, locks_shown(self->id, "OFDLCK ADVISORY  WRITE", false));
	pair_stop(&p);
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
