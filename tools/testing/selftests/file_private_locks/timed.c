// SPDX-License-Identifier: GPL-2.0
/*
 * Waiting with F_SETLKPT, until the lock is free or the deadline has passed. As
 * in wait.c every step waits for what the step before was to bring about. Where
 * a deadline has to pass at a certain step it is one of CLOCK_REALTIME, and the
 * clock is moved.
 */
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/wait.h>

#include "fixture.h"

#define HOUR (3600 * NSEC_PER_SEC)

static const __u32 clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME };

static struct flockp_how in_an_hour(__u32 type, __s64 start, __s64 len, __u32 clock)
{
	return timed_until(type, start, len, clock, clock_now(clock) + HOUR);
}

/* Requests that wait as long as it takes, each in its way. */
#define PATIENT 5

static struct flockp_how patient(unsigned int kind, __u32 type, __s64 start, __s64 len)
{
	struct flockp_how how;

	if (kind < ARRAY_SIZE(clocks))
		return in_an_hour(type, start, len, clocks[kind]);
	how = timed_span(type, start, len);
	if (kind == ARRAY_SIZE(clocks)) {
		how.flags = FLKP_DEADLINE;
		how.clockid = CLOCK_MONOTONIC;
		how.deadline_sec = INT64_MAX;
	}
	return how;
}

static bool answered(struct peer *peer)
{
	struct pollfd p = { .fd = peer->sock, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

/* A peer gives up, and not before it is time. */
static void gives_up(struct __test_metadata *_metadata, struct peer *peer,
		     const struct flockp_how *how)
{
	__s64 end;

	EXPECT_EQ(-ETIMEDOUT, peer_answer_timed(peer, &end));
	EXPECT_LE(deadline_of(how), end)
		TH_LOG("clock %u, %lld ns too early", how->clockid,
		       (long long)(deadline_of(how) - end));
}

/* The same for a request of our own. */
static void times_out(struct __test_metadata *_metadata, int fd, const struct flockp_how *how)
{
	int ret = timed_call(fd, how);
	__s64 end = clock_now(how->clockid);

	EXPECT_EQ(-ETIMEDOUT, ret);
	EXPECT_LE(deadline_of(how), end)
		TH_LOG("clock %u, %lld ns too early", how->clockid,
		       (long long)(deadline_of(how) - end));
}

/* Puts CLOCK_REALTIME back when the test ends, however it does. */
struct keeper {
	pid_t pid;
	int pipe;
};

static void set_clock(__s64 time)
{
	struct timespec ts = { .tv_sec = time / NSEC_PER_SEC, .tv_nsec = time % NSEC_PER_SEC };

	if (clock_settime(CLOCK_REALTIME, &ts))
		broken("clock_settime");
}

static void move_clock(__s64 by)
{
	set_clock(clock_now(CLOCK_REALTIME) + by);
}

static struct keeper keep_clock(void)
{
	__s64 ahead = clock_now(CLOCK_REALTIME) - clock_now(CLOCK_MONOTONIC);
	struct keeper k;
	int ends[2];
	char byte;

	if (pipe(ends))
		broken("pipe");
	k.pid = fork();
	if (k.pid < 0)
		broken("fork");
	if (!k.pid) {
		/* Who kills the test by its process group does not mean this one. */
		setsid();
		close(ends[1]);
		if (read(ends[0], &byte, 1) < 0)
			_exit(1);
		set_clock(clock_now(CLOCK_MONOTONIC) + ahead);
		_exit(0);
	}
	close(ends[0]);
	k.pipe = ends[1];
	return k;
}

static void put_clock_back(struct keeper *k)
{
	if (write(k->pipe, "", 1) != 1 || waitpid(k->pid, NULL, 0) != k->pid)
		broken("the clock");
	close(k->pipe);
}

TEST_F(file, deadline_that_has_passed)
{
	unsigned int i;

	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_RDLCK, 0, 10));
	for (i = 0; i < ARRAY_SIZE(clocks); i++) {
		struct flockp_how how = timed_until(F_WRLCK, 5, 10, clocks[i], 0);

		times_out(_metadata, self->fd2, &how);
		how = timed_until(F_WRLCK, 5, 10, clocks[i], clock_now(clocks[i]) - 1);
		times_out(_metadata, self->fd2, &how);
		EXPECT_EQ(0, locks_shown(self->id, "", true));
		EXPECT_STREQ("", layout(self->fd2, self->buf));
		/* Nothing in the way: it is taken all the same, and changed, and released. */
		how.type = F_RDLCK;
		EXPECT_EQ(0, timed_call(self->fd2, &how));
		EXPECT_STREQ("R5-14", layout(self->fd2, self->buf));
		how.type = F_WRLCK;
		how.start = 10;
		how.len = 5;
		EXPECT_EQ(0, timed_call(self->fd2, &how));
		EXPECT_STREQ("R5-9 W10-14", layout(self->fd2, self->buf));
		how.type = F_UNLCK;
		how.start = 0;
		EXPECT_EQ(0, timed_call(self->fd2, &how));
		how.len = 0;
		EXPECT_EQ(0, timed_call(self->fd2, &how));
		EXPECT_STREQ("", layout(self->fd2, self->buf));
	}
	EXPECT_STREQ("R0-9", layout(self->fd, self->buf));
}

TEST_F(file, deadline_that_is_near)
{
	static const __s64 away[] = { 0, 1, 1000, 50 * NSEC_PER_MSEC };
	unsigned int i, j;

	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, 0, 10));
	for (i = 0; i < ARRAY_SIZE(clocks); i++)
		for (j = 0; j < ARRAY_SIZE(away); j++) {
			struct flockp_how how = timed_until(F_RDLCK, 5, 10, clocks[i],
							    clock_now(clocks[i]) + away[j]);

			times_out(_metadata, self->fd2, &how);
		}
	EXPECT_EQ(0, locks_shown(self->id, "", true));
	EXPECT_STREQ("", layout(self->fd2, self->buf));
	EXPECT_STREQ("W0-9", layout(self->fd, self->buf));
}

TEST_F(file, granted_by_unlock)
{
	struct peer waiter;
	unsigned int kind;

	peer_start(&waiter, PEER_OWN_FDS);
	for (kind = 0; kind < PATIENT; kind++) {
		struct flockp_how how = patient(kind, F_WRLCK, 5, 10);

		ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, 0, 100));
		peer_ask_timed(&waiter, self->fd2, &how);
		until_waiting(self->id, 1);
		/* Part of what it wants is not enough. */
		ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_UNLCK, 5, 5));
		until_waiting(self->id, 1);
		EXPECT_FALSE(answered(&waiter));
		ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_UNLCK, 10, 5));
		EXPECT_EQ(0, peer_answer_timed(&waiter, NULL));
		EXPECT_STREQ("W0-4 W15-99", layout(self->fd, self->buf));
		EXPECT_STREQ("W5-14", layout(self->fd2, self->buf));
		ASSERT_EQ(0, timed_try(self->fd2, F_UNLCK, 0, 0));
	}
	peer_stop(&waiter);
}

TEST_F(file, granted_when_the_lock_gets_shorter)
{
	struct peer tail, head;
	unsigned int kind;

	peer_start(&tail, PEER_OWN_FDS);
	peer_start(&head, PEER_OWN_FDS);
	for (kind = 0; kind < PATIENT; kind++) {
		struct flockp_how first = patient(kind, F_WRLCK, 0, 10);
		struct flockp_how last = patient(kind, F_RDLCK, 90, 10);

		ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, 0, 100));
		peer_ask_timed(&head, self->fd2, &first);
		peer_ask_timed(&tail, self->fd2, &last);
		until_waiting(self->id, 2);
		/* By another type, and by unlocking an end. */
		ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_RDLCK, 50, 50));
		EXPECT_EQ(0, peer_answer_timed(&tail, NULL));
		until_waiting(self->id, 1);
		EXPECT_FALSE(answered(&head));
		ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_UNLCK, 0, 10));
		EXPECT_EQ(0, peer_answer_timed(&head, NULL));
		EXPECT_STREQ("W0-9 R90-99", layout(self->fd2, self->buf));
		ASSERT_EQ(0, timed_try(self->fd2, F_UNLCK, 0, 0));
	}
	peer_stop(&tail);
	peer_stop(&head);
}

TEST_F(file, granted_by_last_close)
{
	struct peer waiter;
	unsigned int kind;
	int fd, d;

	/* It starts first, so that it has no copy of what is closed. */
	peer_start(&waiter, PEER_OWN_FDS);
	for (kind = 0; kind < PATIENT; kind++) {
		struct flockp_how how = patient(kind, F_RDLCK, 0, 0);

		fd = open(self->path, O_RDWR);
		d = dup(fd);
		ASSERT_LE(0, d);
		ASSERT_EQ(0, timed_try(fd, F_WRLCK, 0, 100));
		peer_ask_timed(&waiter, self->fd2, &how);
		until_waiting(self->id, 1);
		close(fd);
		EXPECT_EQ(1, locks_shown(self->id, "", true));
		EXPECT_FALSE(answered(&waiter));
		close(d);
		EXPECT_EQ(0, peer_answer_timed(&waiter, NULL));
		EXPECT_STREQ("R0-EOF", layout(self->fd2, self->buf));
		ASSERT_EQ(0, timed_try(self->fd2, F_UNLCK, 0, 0));
	}
	peer_stop(&waiter);
}

TEST_F(file, signal_interrupts)
{
	struct peer waiter;
	unsigned int kind;

	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, 0, 10));
	for (kind = 0; kind < PATIENT; kind++) {
		struct flockp_how how = patient(kind, F_WRLCK, 0, 10);

		peer_start(&waiter, PEER_OWN_FDS);
		peer_handle_signal(&waiter, 0);
		peer_ask_timed(&waiter, self->fd2, &how);
		until_waiting(self->id, 1);
		peer_signal(&waiter);
		EXPECT_EQ(-EINTR, peer_answer_timed(&waiter, NULL));
		EXPECT_EQ(0, locks_shown(self->id, "", true));
		EXPECT_STREQ("", layout(self->fd2, self->buf));
		peer_stop(&waiter);
	}
}

TEST_F(file, signal_with_sa_restart_waits_on)
{
	struct peer waiter;
	unsigned int kind;

	peer_start(&waiter, PEER_OWN_FDS);
	peer_handle_signal(&waiter, SA_RESTART);
	for (kind = 0; kind < PATIENT; kind++) {
		struct flockp_how how = patient(kind, F_WRLCK, 0, 10);

		ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, 0, 10));
		peer_ask_timed(&waiter, self->fd2, &how);
		until_waiting(self->id, 1);
		peer_signal(&waiter);
		until_waiting(self->id, 1);
		EXPECT_FALSE(answered(&waiter));
		ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_UNLCK, 0, 10));
		EXPECT_EQ(0, peer_answer_timed(&waiter, NULL));
		EXPECT_STREQ("W0-9", layout(self->fd2, self->buf));
		ASSERT_EQ(0, timed_try(self->fd2, F_UNLCK, 0, 0));
	}
	peer_stop(&waiter);
}

/*
 * A call that is started again keeps its deadline: with a time to wait that
 * began anew each time, signals that come faster would keep it from ever ending.
 */
TEST_F(file, restarts_keep_the_deadline)
{
	unsigned int i;

	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, 0, 10));
	for (i = 0; i < ARRAY_SIZE(clocks); i++) {
		__s64 end, away = 50 * NSEC_PER_MSEC;
		struct flockp_how how;
		struct peer waiter;
		int ret, count;

		peer_start(&waiter, PEER_OWN_FDS);
		peer_handle_signal(&waiter, SA_RESTART);
		do {
			how = timed_until(F_WRLCK, 0, 10, clocks[i], clock_now(clocks[i]) + away);
			peer_ask_timed(&waiter, self->fd2, &how);
			ret = peer_answer_signalled(&waiter, &end, &count);
			EXPECT_EQ(-ETIMEDOUT, ret);
			EXPECT_LE(deadline_of(&how), end);
			/* A machine that is too slow for that gets more time. */
			away *= 2;
		} while (count < 5);
		peer_stop(&waiter);
	}
	EXPECT_EQ(0, locks_shown(self->id, "", true));
	EXPECT_STREQ("", layout(self->fd2, self->buf));
}

TEST_F(file, clock_set_forward)
{
	struct keeper keeper = keep_clock();
	struct flockp_how how[ARRAY_SIZE(clocks)];
	struct peer waiters[ARRAY_SIZE(clocks)];
	unsigned int i;

	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, 0, 10));
	for (i = 0; i < ARRAY_SIZE(clocks); i++) {
		peer_start(&waiters[i], PEER_OWN_FDS);
		how[i] = in_an_hour(F_RDLCK, 0, 10, clocks[i]);
		peer_ask_timed(&waiters[i], self->fd2, &how[i]);
	}
	until_waiting(self->id, 3);
	/* Not far enough. */
	move_clock(HOUR / 2);
	pause_briefly();
	EXPECT_EQ(3, locks_shown(self->id, "", true));
	move_clock(HOUR);
	gives_up(_metadata, &waiters[0], &how[0]);
	/* For the other clocks no time has passed. */
	EXPECT_EQ(2, locks_shown(self->id, "", true));
	put_clock_back(&keeper);
	EXPECT_FALSE(answered(&waiters[1]));
	EXPECT_FALSE(answered(&waiters[2]));
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_UNLCK, 0, 0));
	EXPECT_EQ(0, peer_answer_timed(&waiters[1], NULL));
	EXPECT_EQ(0, peer_answer_timed(&waiters[2], NULL));
	for (i = 0; i < ARRAY_SIZE(clocks); i++)
		peer_stop(&waiters[i]);
}

/*
 * The control is a request whose deadline of CLOCK_MONOTONIC is not before the
 * other one as that was when the clock had not been set yet.
 */
TEST_F(file, clock_set_back)
{
	struct keeper keeper = keep_clock();
	struct flockp_how how, control;
	__s64 away = 100 * NSEC_PER_MSEC;
	struct peer waiter;

	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, 0, 10));
	peer_start(&waiter, PEER_OWN_FDS);
	for (;;) {
		how = timed_until(F_WRLCK, 0, 10, CLOCK_REALTIME,
				  clock_now(CLOCK_REALTIME) + away);
		peer_ask_timed(&waiter, self->fd2, &how);
		until_waiting(self->id, 1);
		move_clock(-HOUR);
		if (clock_now(CLOCK_REALTIME) + HOUR < deadline_of(&how))
			break;
		/* Too late; once more with more time. */
		move_clock(HOUR);
		gives_up(_metadata, &waiter, &how);
		away *= 2;
	}
	control = timed_until(F_WRLCK, 0, 10, CLOCK_MONOTONIC, clock_now(CLOCK_MONOTONIC) + away);
	times_out(_metadata, self->fd2, &control);
	EXPECT_EQ(1, locks_shown(self->id, "", true));
	EXPECT_FALSE(answered(&waiter));
	move_clock(HOUR);
	gives_up(_metadata, &waiter, &how);
	put_clock_back(&keeper);
	EXPECT_EQ(0, locks_shown(self->id, "", true));
	peer_stop(&waiter);
}

/* Those who wait longest are asked first and last; each step of the clock ends one wait. */
TEST_F(file, many_deadlines)
{
	static const int hours[] = { 8, 3, 6, 1, 7, 2, 5, 4 };
	struct keeper keeper = keep_clock();
	struct flockp_how how[ARRAY_SIZE(hours)];
	struct peer waiters[ARRAY_SIZE(hours)];
	__s64 begin = clock_now(CLOCK_REALTIME);
	int fd, hour, left = ARRAY_SIZE(hours);
	unsigned int i;

	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, 0, 10));
	for (i = 0; i < ARRAY_SIZE(hours); i++) {
		peer_start(&waiters[i], PEER_OWN_FDS);
		fd = peer_open(&waiters[i], self->path, O_RDWR);
		how[i] = timed_until(i % 2 ? F_RDLCK : F_WRLCK, 0, 10, CLOCK_REALTIME,
				     begin + hours[i] * HOUR);
		peer_ask_timed(&waiters[i], fd, &how[i]);
		until_waiting(self->id, i + 1);
	}
	for (hour = 1; hour <= (int)ARRAY_SIZE(hours); hour++) {
		move_clock(HOUR);
		until_waiting(self->id, --left);
		for (i = 0; i < ARRAY_SIZE(hours); i++)
			if (hours[i] == hour)
				gives_up(_metadata, &waiters[i], &how[i]);
			else
				EXPECT_FALSE(answered(&waiters[i]));
	}
	put_clock_back(&keeper);
	for (i = 0; i < ARRAY_SIZE(hours); i++)
		peer_stop(&waiters[i]);
	EXPECT_STREQ("W0-9", layout(self->fd, self->buf));
	EXPECT_EQ(1, locks_shown(self->id, "", false));
}

/*
 * A reader that finds a writer waiting waits behind that one. When the writer
 * gives up, or is killed, the reader waits for the lock itself.
 */
static void reader_goes_on(struct __test_metadata *_metadata, struct file_data *self,
			   bool killed, bool timed)
{
	struct keeper keeper = keep_clock();
	struct flockp_how write = in_an_hour(F_WRLCK, 0, 10, CLOCK_REALTIME);
	struct flockp_how read = timed ? in_an_hour(F_RDLCK, 0, 10, CLOCK_MONOTONIC) :
					 timed_span(F_RDLCK, 0, 10);
	struct peer writer, reader;
	int fd = open(self->path, O_RDONLY);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, 0, 10));
	peer_start(&writer, PEER_OWN_FDS);
	peer_start(&reader, PEER_OWN_FDS);
	peer_ask_timed(&writer, self->fd2, &write);
	until_waiting(self->id, 1);
	peer_ask_timed(&reader, fd, &read);
	until_waiting(self->id, 2);
	if (killed) {
		peer_stop(&writer);
	} else {
		move_clock(2 * HOUR);
		gives_up(_metadata, &writer, &write);
	}
	put_clock_back(&keeper);
	until_waiting(self->id, 1);
	EXPECT_FALSE(answered(&reader));
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_RDLCK, 0, 10));
	EXPECT_EQ(0, peer_answer_timed(&reader, NULL));
	EXPECT_STREQ("R0-9", layout(fd, self->buf));
	EXPECT_STREQ("", layout(self->fd2, self->buf));
	EXPECT_EQ(0, locks_shown(self->id, "", true));
	if (!killed)
		peer_stop(&writer);
	peer_stop(&reader);
}

TEST_F(file, reader_behind_a_writer_that_gives_up)
{
	reader_goes_on(_metadata, self, false, false);
}

TEST_F(file, timed_reader_behind_a_writer_that_gives_up)
{
	reader_goes_on(_metadata, self, false, true);
}

TEST_F(file, reader_behind_a_writer_that_is_killed)
{
	reader_goes_on(_metadata, self, true, false);
}

TEST_F(file, killed_waiter_is_forgotten)
{
	struct flockp_how how = in_an_hour(F_WRLCK, 0, 10, CLOCK_BOOTTIME);
	struct peer waiter;

	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, 0, 10));
	peer_start(&waiter, PEER_OWN_FDS);
	peer_ask_timed(&waiter, self->fd2, &how);
	until_waiting(self->id, 1);
	peer_stop(&waiter);
	EXPECT_EQ(0, locks_shown(self->id, "", true));
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_UNLCK, 0, 10));
	EXPECT_EQ(0, locks_shown(self->id, "", false));
}

/* The descriptor is closed meanwhile; the open file stays until the call returns. */
TEST_F(file, closed_while_waiting)
{
	struct flockp_how how = in_an_hour(F_WRLCK, 0, 10, CLOCK_REALTIME);
	struct keeper keeper = keep_clock();
	struct peer thread;

	peer_start(&thread, PEER_SHARED_FDS);
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, 0, 10));
	peer_ask_timed(&thread, self->fd2, &how);
	until_waiting(self->id, 1);
	close(self->fd2);
	EXPECT_EQ(1, locks_shown(self->id, "", true));
	move_clock(2 * HOUR);
	gives_up(_metadata, &thread, &how);
	put_clock_back(&keeper);
	EXPECT_EQ(0, locks_shown(self->id, "", true));

	how.deadline_sec = INT64_MAX;
	self->fd2 = open(self->path, O_RDWR);
	ASSERT_LE(0, self->fd2);
	peer_ask_timed(&thread, self->fd2, &how);
	until_waiting(self->id, 1);
	close(self->fd2);
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_UNLCK, 0, 10));
	EXPECT_EQ(0, peer_answer_timed(&thread, NULL));
	/* Its return was the last close. */
	EXPECT_EQ(0, locks_shown(self->id, "", false));
	peer_stop(&thread);
}

/* Two readers that want to write: who gives up goes on reading. */
TEST_F(file, upgrade_that_times_out)
{
	struct flockp_how how = timed_until(F_WRLCK, 0, 10, CLOCK_MONOTONIC, 0);

	ASSERT_EQ(0, timed_try(self->fd, F_RDLCK, 0, 20));
	ASSERT_EQ(0, timed_try(self->fd2, F_RDLCK, 0, 20));
	times_out(_metadata, self->fd, &how);
	how = timed_until(F_WRLCK, 5, 10, CLOCK_MONOTONIC,
			  clock_now(CLOCK_MONOTONIC) + 50 * NSEC_PER_MSEC);
	times_out(_metadata, self->fd, &how);
	EXPECT_STREQ("R0-19", layout(self->fd, self->buf));
	EXPECT_STREQ("R0-19", layout(self->fd2, self->buf));
	ASSERT_EQ(0, timed_try(self->fd2, F_UNLCK, 0, 15));
	EXPECT_EQ(0, timed_call(self->fd, &how));
	EXPECT_STREQ("R0-4 W5-14 R15-19", layout(self->fd, self->buf));
}

/* Each kind of lock is in the way of the other, even on one descriptor. */
TEST_F(file, classic_and_timed)
{
	struct flock fl = span(F_WRLCK, 0, 10);
	struct flockp_how how = timed_until(F_RDLCK, 0, 10, CLOCK_MONOTONIC,
					    clock_now(CLOCK_MONOTONIC) + 50 * NSEC_PER_MSEC);
	struct peer waiter;

	ASSERT_EQ(0, lock_span(self->fd, F_SETLK, F_WRLCK, 0, 10));
	times_out(_metadata, self->fd, &how);
	EXPECT_EQ(-ETIMEDOUT, timed_try(self->fd, F_RDLCK, 0, 10));
	/* An unlock of the one kind leaves the other. */
	EXPECT_EQ(0, timed_try(self->fd, F_UNLCK, 0, 0));
	EXPECT_EQ(1, locks_shown(self->id, "POSIX", false));

	peer_start(&waiter, PEER_OWN_FDS);
	how = in_an_hour(F_RDLCK, 0, 10, CLOCK_REALTIME);
	peer_ask_timed(&waiter, self->fd, &how);
	until_waiting(self->id, 1);
	ASSERT_EQ(0, lock_span(self->fd, F_SETLK, F_UNLCK, 0, 10));
	EXPECT_EQ(0, peer_answer_timed(&waiter, NULL));
	EXPECT_STREQ("R0-9", layout(self->fd, self->buf));

	EXPECT_EQ(-EAGAIN, lock_span(self->fd, F_SETLK, F_WRLCK, 0, 10));
	peer_ask(&waiter, self->fd, F_SETLKW, &fl);
	until_waiting(self->id, 1);
	ASSERT_EQ(0, timed_try(self->fd, F_UNLCK, 0, 10));
	EXPECT_EQ(0, peer_answer(&waiter, NULL));
	peer_stop(&waiter);
}

/* It is the open file that owns the lock, whatever descriptor and process it came by. */
TEST_F(file, owner)
{
	struct flockp_how write = timed_span(F_WRLCK, 0, 10), read = timed_span(F_RDLCK, 0, 5);
	int d = dup(self->fd);
	struct peer child;

	ASSERT_LE(0, d);
	ASSERT_EQ(0, timed_call(self->fd, &write));
	EXPECT_EQ(-EAGAIN, lock_span(self->fd2, F_SETLKP, F_RDLCK, 0, 10));
	EXPECT_EQ(-ETIMEDOUT, timed_try(self->fd2, F_RDLCK, 0, 10));
	/* No conflict through a copy, of ours or of a child. */
	EXPECT_EQ(0, timed_call(d, &read));
	EXPECT_STREQ("R0-4 W5-9", layout(self->fd, self->buf));
	peer_start(&child, PEER_OWN_FDS);
	peer_ask_timed(&child, d, &write);
	EXPECT_EQ(0, peer_answer_timed(&child, NULL));
	EXPECT_STREQ("W0-9", layout(self->fd, self->buf));
	/* The two ways to set it are one lock. */
	EXPECT_EQ(0, lock_span(d, F_SETLKP, F_WRLCK, 10, 10));
	EXPECT_STREQ("W0-19", layout(self->fd, self->buf));
	read.type = F_UNLCK;
	peer_ask_timed(&child, self->fd, &read);
	EXPECT_EQ(0, peer_answer_timed(&child, NULL));
	EXPECT_STREQ("W5-19", layout(self->fd, self->buf));
	/* It goes with the last copy. */
	close(d);
	close(self->fd);
	EXPECT_EQ(1, locks_shown(self->id, "OFDLCK", false));
	peer_close(&child, d);
	peer_close(&child, self->fd);
	EXPECT_EQ(0, locks_shown(self->id, "", false));
	peer_stop(&child);
}

/*
 * Deadlines count on the clocks as the caller sees them. A clock that is behind
 * shows it as a call that ends too early, one that is ahead as one that never does.
 */
static void in_time_namespace(struct __test_metadata *_metadata, struct file_data *self,
			      __s64 ahead)
{
	char text[128];
	unsigned int i;
	int offsets;

	ASSERT_EQ(0, unshare(CLONE_NEWTIME));
	offsets = open("/proc/self/timens_offsets", O_WRONLY);
	ASSERT_LE(0, offsets);
	/* Seconds may be negative, nanoseconds not. */
	snprintf(text, sizeof(text), "monotonic %lld 0\nboottime %lld 0\n",
		 (long long)(ahead / NSEC_PER_SEC), (long long)(2 * ahead / NSEC_PER_SEC));
	ASSERT_EQ((ssize_t)strlen(text), write(offsets, text, strlen(text)));
	close(offsets);

	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, 0, 10));
	for (i = 0; i < ARRAY_SIZE(clocks); i++) {
		__s64 there = clock_now(clocks[i]), waits[] = { -1, 0, 500 * NSEC_PER_MSEC };
		struct flockp_how how;
		struct peer inside;
		unsigned int j;

		if (clocks[i] != CLOCK_REALTIME)
			there += clocks[i] == CLOCK_BOOTTIME ? 2 * ahead : ahead;
		peer_start(&inside, PEER_OWN_FDS);
		for (j = 0; j < ARRAY_SIZE(waits); j++) {
			how = timed_until(F_WRLCK, 0, 10, clocks[i], there + waits[j]);
			peer_ask_timed(&inside, self->fd2, &how);
			gives_up(_metadata, &inside, &how);
		}
		how = timed_until(F_WRLCK, 0, 10, clocks[i], there + HOUR);
		peer_ask_timed(&inside, self->fd2, &how);
		until_waiting(self->id, 1);
		peer_stop(&inside);
	}
	EXPECT_EQ(0, locks_shown(self->id, "", true));
}

static const char *time_namespace_missing(void)
{
	return access("/proc/self/timens_offsets", F_OK) ?
	       "kernel without time namespaces (TIME_NS)" : NULL;
}

TEST_F(file, time_namespace_ahead)
{
	if (time_namespace_missing())
		SKIP(return, "%s", time_namespace_missing());
	in_time_namespace(_metadata, self, 10 * HOUR);
}

TEST_F(file, time_namespace_behind)
{
	__s64 up = clock_now(CLOCK_MONOTONIC);

	if (time_namespace_missing())
		SKIP(return, "%s", time_namespace_missing());
	/* A clock cannot be set to before 0, and one of them is twice as far behind. */
	ASSERT_LE(2 * NSEC_PER_SEC, up);
	in_time_namespace(_metadata, self, -up / 2 / NSEC_PER_SEC * NSEC_PER_SEC);
}

struct racer {
	pthread_barrier_t go, done;
	struct flockp_how how;
	int fd, follower;	/* -1: nobody waits behind */
	int ret, follower_ret;
	__s64 end;
	bool stop;
};

static void *wait_when_told(void *arg)
{
	struct racer *r = arg;

	for (;;) {
		pthread_barrier_wait(&r->go);
		if (r->stop)
			return NULL;
		r->ret = timed_call(r->fd, &r->how);
		r->end = clock_now(r->how.clockid);
		if (r->follower >= 0)
			lock_span(r->fd, F_SETLKP, F_UNLCK, 0, 10);
		pthread_barrier_wait(&r->done);
	}
}

static void *follow_when_told(void *arg)
{
	struct racer *r = arg;

	for (;;) {
		pthread_barrier_wait(&r->go);
		if (r->stop)
			return NULL;
		r->follower_ret = lock_span(r->follower, F_SETLKPW, F_RDLCK, 0, 10) ?:
				  lock_span(r->follower, F_SETLKP, F_UNLCK, 0, 10);
		pthread_barrier_wait(&r->done);
	}
}

/*
 * The lock is released when the deadline passes, as exactly as can be aimed: a
 * little later after each wait that was granted, a little earlier after each
 * that was not. Nobody is left waiting then, be it for the lock or behind the
 * one that gave up.
 */
static void race(struct __test_metadata *_metadata, struct file_data *self, int follower)
{
	const __s64 away = 300000, step = 5000;
	int i, granted = 0, late = 0, count = loops(2000, 100000);
	struct racer r = { .fd = self->fd2, .follower = follower };
	pthread_t waiter, other;
	__s64 aim = 0;

	ASSERT_EQ(0, pthread_barrier_init(&r.go, NULL, follower < 0 ? 2 : 3));
	ASSERT_EQ(0, pthread_barrier_init(&r.done, NULL, follower < 0 ? 2 : 3));
	ASSERT_EQ(0, pthread_create(&waiter, NULL, wait_when_told, &r));
	if (follower >= 0)
		ASSERT_EQ(0, pthread_create(&other, NULL, follow_when_told, &r));
	for (i = 0; i < count; i++) {
		__s64 deadline, freed;

		ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, 0, 10));
		deadline = clock_now(CLOCK_MONOTONIC) + away;
		r.how = timed_until(F_WRLCK, 0, 10, CLOCK_MONOTONIC, deadline);
		pthread_barrier_wait(&r.go);
		/* Every other time so shortly before that the waiter may be late to notice. */
		while (clock_now(CLOCK_MONOTONIC) < deadline + (i % 2 ? i % 128 * -1000 : aim))
			;
		ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_UNLCK, 0, 10));
		freed = clock_now(CLOCK_MONOTONIC);
		pthread_barrier_wait(&r.done);
		/* Free in time is taken, unless the other one was faster. */
		if (freed < deadline && follower < 0)
			ASSERT_EQ(0, r.ret);
		if (r.ret) {
			ASSERT_EQ(-ETIMEDOUT, r.ret);
			ASSERT_LE(deadline, r.end);
			late++;
		} else {
			granted++;
		}
		if (i % 2 == 0)
			aim += r.ret ? -step : step;
		if (follower < 0) {
			ASSERT_EQ(r.ret ? 0 : -EAGAIN,
				  lock_span(self->fd, F_SETLKP, F_RDLCK, 0, 10));
			ASSERT_EQ(0, lock_span(self->fd2, F_SETLKP, F_UNLCK, 0, 10));
		} else {
			ASSERT_EQ(0, r.follower_ret);
		}
	}
	r.stop = true;
	pthread_barrier_wait(&r.go);
	ASSERT_EQ(0, pthread_join(waiter, NULL));
	if (follower >= 0)
		ASSERT_EQ(0, pthread_join(other, NULL));
	TH_LOG("%d granted, %d timed out, the aim is %lld ns", granted, late, (long long)aim);
	EXPECT_LT(0, granted);
	EXPECT_LT(0, late);
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_UNLCK, 0, 0));
	EXPECT_EQ(0, locks_shown(self->id, "", true));
	EXPECT_EQ(0, locks_shown(self->id, "", false));
}

TEST_F_TIMEOUT(file, expiry_and_unlock_at_once, LONG_TIMEOUT)
{
	race(_metadata, self, -1);
}

TEST_F_TIMEOUT(file, expiry_and_unlock_and_a_reader_behind, LONG_TIMEOUT)
{
	int fd = open(self->path, O_RDONLY);

	ASSERT_LE(0, fd);
	race(_metadata, self, fd);
}

int main(int argc, char **argv)
{
	need_timed();
	/* Else these tests would wait for ever until somebody waits. */
	if (!timed_there())
		ksft_exit_fail_msg("kernel without F_SETLKPT\n");
	return run_tests(argc, argv);
}
