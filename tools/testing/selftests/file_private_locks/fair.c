// SPDX-License-Identifier: GPL-2.0
/*
 * FLKP_FAIR: who comes later waits behind it, for some time; who has a lock that it may be
 * waiting for, or cannot wait, goes ahead. That somebody was held up is told by the kernel's
 * trace, so no test depends on how long that took.
 */
#include <poll.h>
#include <stdint.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "fixture.h"
#include "listing.h"
#include "requester.h"
#include "scene.h"
#include "tracing.h"

static struct flockp_how fair_span(__u32 type, __s64 start, __s64 len)
{
	struct flockp_how how = timed_span(type, start, len);

	how.flags = FLKP_FAIR;
	return how;
}

static struct requester fair(int fd, __u32 type, __s64 start, __s64 len)
{
	struct flockp_how how = fair_span(type, start, len);

	return request_timed(fd, &how);
}

/* A fair request, once it waits for a lock. */
static struct requester fair_waiting(int fd, __u32 type, __s64 start, __s64 len)
{
	struct requester r = fair(fd, type, start, len);

	until_listed(fd, r.pid);
	return r;
}

/* Return when it waits, or has got an answer. */
static void settle(int fd, const struct requester *r)
{
	while (!request_done(r) && !listed_waiting(fd, r->pid))
		pause_briefly();
}

/* Did it have to wait behind the other one? It may be through by now. */
static bool held_up(int fd, const struct requester *r, const struct requester *behind)
{
	settle(fd, r);
	return blocked_by(r->pid, behind->pid);
}

static void goes_ahead(struct __test_metadata *_metadata, const struct requester *r,
		       const char *what)
{
	EXPECT_EQ(0, request_result(r))
		TH_LOG("%s", what);
	EXPECT_EQ(0, wait_events_count(NULL, r->pid))
		TH_LOG("%s", what);
}

/* The writer lets somebody pass, so that it holds up the next one for longer. */
static void let_pass(struct file_data *self, int times)
{
	while (times--) {
		int fd = reopen(self->path);

		if (lock_span(fd, F_SETLKPW, F_RDLCK, 0, 10))
			broken("F_SETLKPW");
		close(fd);
	}
}

/* When the time for which a request is held up has doubled so often it is more than enough. */
#define TRIES 8

TEST_F(file, arguments)
{
	struct flockp_how how;

	how = fair_span(F_UNLCK, 0, 10);
	EXPECT_EQ(-EINVAL, timed_call(self->fd, &how));
	how = fair_span(F_WRLCK, 0, 10);
	EXPECT_EQ(0, timed_call(self->fd, &how));
	EXPECT_STREQ("W0-9", layout(self->fd, self->buf));
	how = timed_until(F_RDLCK, 0, 5, CLOCK_MONOTONIC, 0);
	how.flags |= FLKP_FAIR;
	EXPECT_EQ(-ETIMEDOUT, timed_call(self->fd2, &how));
	EXPECT_EQ(0, timed_call(self->fd, &how));
	EXPECT_STREQ("R0-4 W5-9", layout(self->fd, self->buf));
	how = timed_until(F_RDLCK, 5, 5, CLOCK_BOOTTIME,
			  clock_now(CLOCK_BOOTTIME) + 50 * NSEC_PER_MSEC);
	how.flags |= FLKP_FAIR;
	EXPECT_EQ(-ETIMEDOUT, timed_call(self->fd2, &how));
	EXPECT_EQ(0, locks_shown(self->id, "", true));
	how.flags |= 1U << 31;
	EXPECT_EQ(-EINVAL, timed_call(self->fd, &how));
	EXPECT_STREQ("", layout(self->fd2, self->buf));
}

#define READERS 4
#define ENOUGH 30

/* What readers have got, in memory that they share with us. */
struct reading {
	bool stop;
	int granted[READERS];
};

static void read_on(struct reading *r, int nr, enum way way, const char *path)
{
	int fd = reopen(path), unlock = way == WAY_CLASSIC ? F_SETLK : F_SETLKP, ret;
	struct flockp_how how = timed_span(F_RDLCK, 0, 100);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (!__atomic_load_n(&r->stop, __ATOMIC_ACQUIRE)) {
		if (way == WAY_TIMED)
			ret = timed_call(fd, &how);
		else
			ret = lock_span(fd, way == WAY_CLASSIC ? F_SETLKW : F_SETLKPW, F_RDLCK,
					0, 100);
		if (ret)
			broken("a reader");
		__atomic_add_fetch(&r->granted[nr], 1, __ATOMIC_ACQ_REL);
		usleep(3000);
		if (lock_span(fd, unlock, F_UNLCK, 0, 0))
			broken("a reader");
	}
	_exit(0);
}

static int most_granted(struct reading *r, const int *before)
{
	int i, most = 0;

	for (i = 0; i < READERS; i++) {
		int granted = __atomic_load_n(&r->granted[i], __ATOMIC_ACQUIRE) - before[i];

		most = granted > most ? granted : most;
	}
	return most;
}

/* How often a reader gets the lock before a writer does that waits. */
static int overtaken(struct file_data *self, enum way way, __u32 flags)
{
	struct reading *r = mmap(NULL, sizeof(*r), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int i, before[READERS] = {}, most;
	struct flockp_how how = timed_span(F_WRLCK, 50, 10);
	struct requester writer;
	pid_t pids[READERS];

	if (r == MAP_FAILED)
		broken("memory");
	for (i = 0; i < READERS; i++) {
		pids[i] = fork();
		if (pids[i] < 0)
			broken("fork");
		if (!pids[i])
			read_on(r, i, way, self->path);
	}
	for (i = 0; i < READERS; i++)
		while (__atomic_load_n(&r->granted[i], __ATOMIC_ACQUIRE) < 2)
			pause_briefly();
	how.flags = flags;
	writer = request_timed(self->fd, &how);
	settle(self->fd, &writer);
	for (i = 0; i < READERS; i++)
		before[i] = __atomic_load_n(&r->granted[i], __ATOMIC_ACQUIRE);
	while (!request_done(&writer) && most_granted(r, before) < ENOUGH)
		pause_briefly();
	/* While the writer has the lock no reader gets it; else it is enough. */
	most = most_granted(r, before);
	__atomic_store_n(&r->stop, true, __ATOMIC_RELEASE);
	if (request_result(&writer))
		broken("the writer");
	set(self->fd, F_UNLCK, 0, 0);
	for (i = 0; i < READERS; i++)
		if (waitpid(pids[i], NULL, 0) != pids[i])
			broken("waitpid");
	request_end(&writer);
	munmap(r, sizeof(*r));
	return most;
}

/* Readers come and go so that there is always one: without the flag it is never a writer's turn. */
TEST_F_TIMEOUT(file, writer_among_readers, LONG_TIMEOUT)
{
	enum way way;
	unsigned int c;

	for (c = 0; c < NR_CROWDS; c++) {
		crowd(self->fd2, crowds[c]);
		for (way = WAY_PRIVATE; way <= WAY_CLASSIC; way++) {
			int i, plain = 0, with;

			/* By chance there may be none for a moment. */
			for (i = 0; i < 5 && plain < ENOUGH; i++)
				plain = overtaken(self, way, 0);
			with = overtaken(self, way, FLKP_FAIR);
			TH_LOG("%s, %d other locks: overtaken %d times, with FLKP_FAIR %d times",
			       way_names[way], crowds[c], plain, with);
			EXPECT_LE(ENOUGH, plain);
			EXPECT_GE(3, with);
		}
	}
}

/* Whoever could wait, does, behind the one that waits already; however it asks. */
TEST_F(file, later_requests)
{
	enum way way;

	tracing_begin(self->fd, "lock_wait");
	for (way = WAY_PRIVATE; way <= WAY_FLOCK; way++) {
		struct requester writer, reader;

		set(self->fd, F_RDLCK, 0, 10);
		writer = fair_waiting(self->fd2, F_WRLCK, 0, 10);
		if (way == WAY_FLOCK) {
			/* As fair as the other one. */
			reader = fair(reopen(self->path), F_RDLCK, 9, 10);
		} else {
			reader = request(way, reopen(self->path), F_RDLCK, 9, 10);
		}
		EXPECT_TRUE(held_up(self->fd, &reader, &writer))
			TH_LOG("%s", way == WAY_FLOCK ? "FLKP_FAIR" : way_names[way]);
		request_end(&writer);
		EXPECT_EQ(0, request_result(&reader));
		request_end(&reader);
		set(self->fd, F_UNLCK, 0, 0);
	}
}

/* Up to the very last byte. */
TEST_F(file, far_end)
{
	struct requester writer, reader;
	int i;

	tracing_begin(self->fd, "lock_wait");
	set(self->fd, F_RDLCK, 100, 1);
	for (i = 0; i < 2; i++) {
		/* The second one ends just before it. */
		writer = fair_waiting(self->fd2, F_WRLCK, 100, i ? INT64_MAX - 100 : 0);
		reader = request(WAY_PRIVATE, reopen(self->path), F_RDLCK, INT64_MAX, 1);
		if (i)
			goes_ahead(_metadata, &reader, "the last byte");
		else
			EXPECT_TRUE(held_up(self->fd, &reader, &writer));
		request_end(&reader);
		request_end(&writer);
	}
}

/* Who is held up until its deadline has a last look: nothing is in the way of that. */
TEST_F_TIMEOUT(file, deadline_while_held_up, LONG_TIMEOUT)
{
	int i, reads = reopen(self->path), seen = 0;
	struct requester writer, reader;

	tracing_begin(self->fd, "lock_wait");
	set(self->fd, F_RDLCK, 0, 10);
	writer = fair_waiting(self->fd2, F_WRLCK, 0, 10);
	/* It takes longer each time until it is let pass, and its deadline is nearer than that. */
	for (i = 0; i < TRIES && seen < 3; i++) {
		struct flockp_how how = timed_until(F_RDLCK, 0, 10, CLOCK_MONOTONIC,
						    clock_now(CLOCK_MONOTONIC) +
						    (20 << i) * NSEC_PER_MSEC);
		int blocks = wait_events_count("block", writer.pid);

		reader = request_timed(reads, &how);
		EXPECT_EQ(0, request_result(&reader));
		/* It had time to be held up, and the writer did not let it pass meanwhile. */
		seen += blocked_by(reader.pid, writer.pid) &&
			blocks == wait_events_count("block", writer.pid);
		EXPECT_EQ(0, wait_events_count("timeout", reader.pid));
		request_end(&reader);
		set(reads, F_UNLCK, 0, 0);
		let_pass(self, 1);
	}
	EXPECT_LE(3, seen);
	EXPECT_FALSE(request_done(&writer));
	request_end(&writer);
}

/* A reader that waits holds up writers, and no readers. */
TEST_F(file, fair_reader)
{
	int writes = reopen(self->path), reads = reopen(self->path);
	struct requester first, writer, reader;

	tracing_begin(self->fd, "lock_wait");
	set(self->fd, F_WRLCK, 0, 10);
	first = fair_waiting(self->fd2, F_RDLCK, 0, 20);
	writer = request(WAY_PRIVATE, writes, F_WRLCK, 10, 5);
	EXPECT_TRUE(held_up(self->fd, &writer, &first));
	reader = request(WAY_PRIVATE, reads, F_RDLCK, 16, 10);
	goes_ahead(_metadata, &reader, "reader and reader");
	request_end(&reader);
	EXPECT_EQ(0, request_result(&writer));
	request_end(&writer);
	request_end(&first);
}

TEST_F(file, not_in_the_way)
{
	struct requester writer, other;
	int fd = reopen(self->path);
	struct flock fl;
	unsigned int c;

	tracing_begin(self->fd, "lock_wait");
	set(self->fd, F_RDLCK, 100, 100);
	writer = fair_waiting(self->fd2, F_WRLCK, 100, 100);
	for (c = 0; c < NR_CROWDS; c++) {
		int crowded = reopen(self->path);

		crowd(crowded, crowds[c]);
		/* beside it */
		other = request(WAY_PRIVATE, fd, F_RDLCK, 0, 100);
		goes_ahead(_metadata, &other, "before it");
		request_end(&other);
		other = request(WAY_TIMED, fd, F_WRLCK, 200, 100);
		goes_ahead(_metadata, &other, "behind it");
		request_end(&other);
		set(fd, F_UNLCK, 0, 0);
		other = request(WAY_CLASSIC, fd, F_RDLCK, 99, 1);
		goes_ahead(_metadata, &other, "just before it");
		request_end(&other);
		/* of the same open file */
		other = request(WAY_PRIVATE, self->fd2, F_RDLCK, 150, 1);
		goes_ahead(_metadata, &other, "the same owner");
		request_end(&other);
		set(self->fd2, F_UNLCK, 0, 0);
		/* of another sort */
		other = request(WAY_FLOCK, fd, F_WRLCK, 0, 0);
		goes_ahead(_metadata, &other, "flock()");
		request_end(&other);
		ASSERT_EQ(0, flock(fd, LOCK_UN));
		/* who cannot wait */
		EXPECT_EQ(0, lock_span(fd, F_SETLKP, F_RDLCK, 100, 10));
		EXPECT_EQ(0, lock_span(fd, F_SETLKP, F_UNLCK, 0, 0));
		EXPECT_EQ(0, lock_span(fd, F_SETLK, F_RDLCK, 110, 10));
		EXPECT_EQ(0, lock_span(fd, F_SETLK, F_UNLCK, 0, 0));
		EXPECT_EQ(-EAGAIN, lock_span(fd, F_SETLKP, F_WRLCK, 120, 10));
		/* who releases */
		set(fd, F_RDLCK, 0, 200);
		EXPECT_EQ(0, lock_span(fd, F_SETLKPW, F_UNLCK, 50, 100));
		set(fd, F_UNLCK, 0, 0);
		/* and who only asks */
		fl = span(F_RDLCK, 100, 100);
		EXPECT_EQ(0, lock_call(fd, F_GETLKP, &fl));
		EXPECT_EQ(F_UNLCK, fl.l_type);
		EXPECT_EQ(0, wait_events_count(NULL, getpid()));
		/* with a deadline that has passed, too, after a last look */
		EXPECT_EQ(0, timed_try(fd, F_RDLCK, 120, 10));
		EXPECT_EQ(-ETIMEDOUT, timed_try(fd, F_WRLCK, 120, 10));
		set(fd, F_UNLCK, 0, 0);
		tracing_clear();
		close(crowded);
	}
	EXPECT_FALSE(request_done(&writer));
	request_end(&writer);
}

/* Who has a lock in the range of the one that waits goes ahead: it may be waited for. */
static const struct {
	off_t start, len;
	bool ahead;
} owned[] = {
	{ 0, 100, false },
	{ 99, 1, false },
	{ 200, 0, false },
	{ 100, 1, true },
	{ 0, 101, true },
	{ 199, 1, true },
	{ 199, 0, true },
	{ 150, 10, true },
	{ 0, 0, true },
};

static void owner_ahead(struct __test_metadata *_metadata, struct file_data *self, bool classic,
			int own, int others)
{
	struct requester writer;
	unsigned int i;
	int crowded = reopen(self->path), j;

	crowd(crowded, others);
	set(self->fd, F_RDLCK, 120, 10);
	for (i = 0; i < ARRAY_SIZE(owned); i++) {
		int fd = reopen(self->path), set_cmd = classic ? F_SETLK : F_SETLKP;
		struct flock fl = span(F_RDLCK, 100, 100);
		struct peer owner;
		int waits, waited;

		/* A new one each time, so that the time to wait has not become long. */
		writer = fair_waiting(self->fd2, F_WRLCK, 100, 100);
		peer_start(&owner, PEER_OWN_FDS);
		EXPECT_EQ(0, peer_lock(&owner, fd, set_cmd, F_RDLCK, owned[i].start,
				       owned[i].len));
		for (j = 0; j < own; j++)
			EXPECT_EQ(0, peer_lock(&owner, fd, set_cmd, F_RDLCK, 1000 + 2 * j, 1));
		peer_ask(&owner, fd, classic ? F_SETLKW : F_SETLKPW, &fl);
		EXPECT_EQ(0, peer_answer(&owner, NULL));
		/* Twice if it came just when the writer let others pass. */
		waits = wait_events_count("block", owner.pid);
		waited = blocked_by(owner.pid, writer.pid);
		EXPECT_EQ(owned[i].ahead, !waits)
			TH_LOG("%s, line %u of the table, %d locks of its own, %d of others",
			       classic ? "classic" : "private", i, own, others);
		EXPECT_EQ(waits, waited);
		EXPECT_GE(2, waits);
		peer_stop(&owner);
		close(fd);
		EXPECT_FALSE(request_done(&writer));
		request_end(&writer);
	}
	close(crowded);
}

TEST_F_TIMEOUT(file, owners, LONG_TIMEOUT)
{
	static const struct {
		int own, others;
	} numbers[] = { { 0, 0 }, { 40, 0 }, { 0, 40 } };
	unsigned int i;

	tracing_begin(self->fd, "lock_wait");
	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		owner_ahead(_metadata, self, false, numbers[i].own, numbers[i].others);
		owner_ahead(_metadata, self, true, numbers[i].own, numbers[i].others);
	}
}

/*
 * The lock that the writer waits for is never released. Who is held up goes on all the same, once,
 * and each time later, until it can be seen how it waits.
 */
TEST_F_TIMEOUT(file, not_for_ever, LONG_TIMEOUT)
{
	struct requester writer;
	bool seen = false;
	int i;

	tracing_begin(self->fd, "lock_wait");
	set(self->fd, F_RDLCK, 0, 10);
	writer = fair_waiting(self->fd2, F_WRLCK, 0, 10);
	for (i = 0; i < 8 && (i < 3 || !seen); i++) {
		enum way way = i % 3;
		struct requester reader = request(way, reopen(self->path), F_RDLCK, 0, 10);

		while (!request_done(&reader)) {
			seen |= listed_waiting(self->fd, reader.pid);
			pause_briefly();
		}
		EXPECT_EQ(0, request_result(&reader));
		EXPECT_LE(1, blocked_by(reader.pid, writer.pid))
			TH_LOG("%s", way_names[way]);
		/* Twice if it came just when the writer let others pass. */
		EXPECT_GE(2, wait_events_count("block", reader.pid));
		EXPECT_EQ(1, wait_events_count("grant", reader.pid));
		/* With the lock it has now it goes ahead. */
		EXPECT_FALSE(request_done(&writer));
		request_end(&reader);
	}
	EXPECT_TRUE(seen);
	request_end(&writer);
}

/* Two that wait are in the way, but none that has begun to wait later. */
TEST_F_TIMEOUT(file, behind_two_and_before_one, LONG_TIMEOUT)
{
	int fds[4] = { self->fd2 }, i;
	bool shown = false;

	for (i = 1; i < 4; i++)
		fds[i] = reopen(self->path);
	set(self->fd, F_RDLCK, 0, 10);
	for (i = 0; i < TRIES && !shown; i++) {
		struct requester first, second, third, reader;

		tracing_begin(self->fd, "lock_wait");
		first = fair_waiting(fds[0], F_WRLCK, 0, 5);
		second = fair_waiting(fds[1], F_WRLCK, 5, 5);
		let_pass(self, i);
		reader = request(WAY_PRIVATE, fds[2], F_RDLCK, 0, 10);
		EXPECT_TRUE(held_up(self->fd, &reader, &first) ||
			    held_up(self->fd, &reader, &second));
		third = fair_waiting(fds[3], F_WRLCK, 0, 10);
		shown = !request_done(&reader);
		EXPECT_EQ(0, request_result(&reader));
		EXPECT_EQ(0, blocked_by(reader.pid, third.pid));
		EXPECT_FALSE(request_done(&first));
		EXPECT_FALSE(request_done(&second));
		EXPECT_FALSE(request_done(&third));
		request_end(&third);
		request_end(&reader);
		set(fds[2], F_UNLCK, 0, 0);
		request_end(&second);
		request_end(&first);
	}
	EXPECT_TRUE(shown);
}

/* Two fair requests that both wait, for different locks: the older one goes first. */
TEST_F_TIMEOUT(file, older_and_younger, LONG_TIMEOUT)
{
	int blocker = reopen(self->path), young_fd = reopen(self->path);
	int i, in_order = 0, rounds = 10;

	tracing_begin(self->fd, "lock_wait");
	for (i = 0; i < rounds; i++) {
		struct requester old, young;

		tracing_clear();
		set(self->fd, F_RDLCK, 0, 10);
		set(blocker, F_RDLCK, 20, 10);
		old = fair_waiting(self->fd2, F_WRLCK, 0, 30);
		young = fair_waiting(young_fd, F_WRLCK, 0, 30);
		if (i % 2) {
			set(blocker, F_UNLCK, 0, 0);
			set(self->fd, F_UNLCK, 0, 0);
		} else {
			set(self->fd, F_UNLCK, 0, 0);
			set(blocker, F_UNLCK, 0, 0);
		}
		while (!request_done(&old) && !request_done(&young))
			pause_briefly();
		if (request_done(&old)) {
			in_order++;
			set(self->fd2, F_UNLCK, 0, 0);
			EXPECT_EQ(0, blocked_by(old.pid, young.pid));
			EXPECT_EQ(0, request_result(&young));
			set(young_fd, F_UNLCK, 0, 0);
		} else {
			set(young_fd, F_UNLCK, 0, 0);
		}
		EXPECT_EQ(0, request_result(&old));
		EXPECT_EQ(0, request_result(&young));
		request_end(&old);
		request_end(&young);
		set(self->fd2, F_UNLCK, 0, 0);
		set(young_fd, F_UNLCK, 0, 0);
	}
	/* On a machine that stops for long a younger one may be let pass. */
	EXPECT_LE(rounds / 2, in_order);
}

enum end { TIMED_OUT, INTERRUPTED, KILLED };

/* The writer gives up, before it lets pass who is held up: then that goes on at once. */
static void writer_gives_up(struct __test_metadata *_metadata, struct file_data *self,
			    enum end end)
{
	bool shown = false;
	int i;

	set(self->fd, F_RDLCK, 0, 10);
	for (i = 0; i < TRIES && !shown; i++) {
		struct requester writer, reader, after;
		struct flockp_how how = fair_span(F_WRLCK, 0, 10);
		int reads = reopen(self->path), blocks;

		if (end == TIMED_OUT) {
			__s64 wait = (100 * ((1 << i) - 1) + 50 * (1 << i)) * NSEC_PER_MSEC;

			how = timed_until(F_WRLCK, 0, 10, CLOCK_MONOTONIC,
					  clock_now(CLOCK_MONOTONIC) + wait);
			how.flags |= FLKP_FAIR;
		}
		tracing_clear();
		writer = request_timed(self->fd2, &how);
		settle(self->fd, &writer);
		let_pass(self, i);
		blocks = wait_events_count("block", writer.pid);
		reader = request(WAY_PRIVATE, reads, F_RDLCK, 0, 10);
		settle(self->fd, &reader);
		if (end == INTERRUPTED)
			request_signal(&writer);
		if (end == KILLED)
			kill(writer.pid, SIGKILL);
		else
			EXPECT_EQ(end == TIMED_OUT ? -ETIMEDOUT : -EINTR,
				  request_result(&writer));
		EXPECT_EQ(0, request_result(&reader));
		/* It was held up, and the writer did not begin anew meanwhile. */
		if (blocked_by(reader.pid, writer.pid) &&
		    blocks == wait_events_count("block", writer.pid) &&
		    woken_by(reader.pid, writer.pid))
			shown = true;
		request_end(&reader);
		request_end(&writer);
		/* Nothing is left of it. */
		EXPECT_EQ(0, locks_shown(self->id, "", true));
		after = request(WAY_PRIVATE, reads, F_RDLCK, 0, 10);
		goes_ahead(_metadata, &after, "when the writer has given up");
		request_end(&after);
		close(reads);
	}
	EXPECT_TRUE(shown);
}

TEST_F_TIMEOUT(file, writer_times_out, LONG_TIMEOUT)
{
	tracing_begin(self->fd, "lock_wait");
	writer_gives_up(_metadata, self, TIMED_OUT);
}

TEST_F_TIMEOUT(file, writer_is_interrupted, LONG_TIMEOUT)
{
	tracing_begin(self->fd, "lock_wait");
	writer_gives_up(_metadata, self, INTERRUPTED);
}

TEST_F_TIMEOUT(file, writer_is_killed, LONG_TIMEOUT)
{
	tracing_begin(self->fd, "lock_wait");
	writer_gives_up(_metadata, self, KILLED);
}

/* The writer gets the lock while somebody is held up, who then waits for the lock itself. */
TEST_F_TIMEOUT(file, writer_is_granted, LONG_TIMEOUT)
{
	bool shown = false;
	int i;

	tracing_begin(self->fd, "lock_wait");
	for (i = 0; i < TRIES && !shown; i++) {
		int reads = reopen(self->path), later = reopen(self->path);
		struct requester writer, reader;
		bool early;

		set(self->fd, F_RDLCK, 0, 10);
		writer = fair_waiting(self->fd2, F_WRLCK, 0, 10);
		let_pass(self, i);
		reader = request(WAY_CLASSIC, reads, F_RDLCK, 0, 10);
		EXPECT_TRUE(held_up(self->fd, &reader, &writer));
		set(self->fd, F_UNLCK, 0, 0);
		while (!request_done(&writer) && !request_done(&reader))
			pause_briefly();
		early = request_done(&reader);
		if (!early) {
			until_listed(self->fd, reader.pid);
			EXPECT_FALSE(request_done(&reader));
			EXPECT_EQ(-EAGAIN, lock_span(later, F_SETLKP, F_RDLCK, 0, 1));
			set(self->fd2, F_UNLCK, 0, 0);
			EXPECT_EQ(0, request_result(&reader));
			shown = true;
		}
		request_end(&reader);
		EXPECT_EQ(0, request_result(&writer));
		request_end(&writer);
		set(self->fd2, F_UNLCK, 0, 0);
		/* Nothing is left of it. */
		reader = request(WAY_PRIVATE, later, F_RDLCK, 0, 10);
		goes_ahead(_metadata, &reader, "when the writer is through");
		request_end(&reader);
		close(reads);
		close(later);
		ASSERT_EQ(0, locks_shown(self->id, "", false));
	}
	EXPECT_TRUE(shown);
}

/* A reader that is to write goes ahead of those that come, and not of those that are there. */
TEST_F(file, upgrade)
{
	struct requester upgrade, reader, again;
	int reads = reopen(self->path);

	tracing_begin(self->fd, "lock_wait");
	set(self->fd, F_RDLCK, 0, 10);
	set(self->fd2, F_RDLCK, 0, 10);
	upgrade = fair_waiting(self->fd, F_WRLCK, 0, 10);
	reader = request(WAY_PRIVATE, reads, F_RDLCK, 0, 10);
	EXPECT_TRUE(held_up(self->fd, &reader, &upgrade));
	again = request(WAY_PRIVATE, self->fd2, F_RDLCK, 5, 10);
	goes_ahead(_metadata, &again, "the other reader");
	EXPECT_FALSE(request_done(&upgrade));
	set(self->fd2, F_UNLCK, 0, 0);
	/* The reader may have been let pass. */
	while (!request_done(&upgrade)) {
		if (request_done(&reader))
			set(reads, F_UNLCK, 0, 0);
		pause_briefly();
	}
	EXPECT_EQ(0, request_result(&upgrade));
	EXPECT_STREQ("W0-9", layout(self->fd, self->buf));
	request_end(&again);
	request_end(&reader);
	request_end(&upgrade);
}

/* Who is held up is killed. */
TEST_F(file, killed_while_held_up)
{
	int i, reads = reopen(self->path);
	struct requester writer, reader;

	tracing_begin(self->fd, "lock_wait");
	set(self->fd, F_RDLCK, 0, 10);
	writer = fair_waiting(self->fd2, F_WRLCK, 0, 10);
	for (i = 0; i < 3; i++) {
		reader = request(i, reads, F_RDLCK, 0, 10);
		EXPECT_TRUE(held_up(self->fd, &reader, &writer));
		request_end(&reader);
		/* It may have got the lock first. */
		set(reads, F_UNLCK, 0, 0);
		EXPECT_FALSE(listed_waiting(self->fd, reader.pid));
	}
	set(self->fd, F_UNLCK, 0, 0);
	EXPECT_EQ(0, request_result(&writer));
	request_end(&writer);
	EXPECT_EQ(1, locks_shown(self->id, "", false));
}

/* Its descriptor is closed while it waits; it holds up others all the same, and then it is gone. */
TEST_F(file, closed_while_waiting)
{
	struct flockp_how how = fair_span(F_WRLCK, 0, 10);
	int reads = reopen(self->path);
	struct requester reader;
	struct peer thread;

	tracing_begin(self->fd, "lock_wait");
	peer_start(&thread, PEER_SHARED_FDS);
	set(self->fd, F_RDLCK, 0, 10);
	peer_ask_timed(&thread, self->fd2, &how);
	until_listed(self->fd, thread.pid);
	close(self->fd2);
	reader = request(WAY_PRIVATE, reads, F_RDLCK, 0, 10);
	settle(self->fd, &reader);
	EXPECT_LE(1, blocked_by(reader.pid, thread.pid));
	/* Once it is through there is nothing that it holds. */
	EXPECT_EQ(0, request_result(&reader));
	EXPECT_EQ(1, locks_shown(self->id, "", true));
	set(self->fd, F_UNLCK, 0, 0);
	set(reads, F_UNLCK, 0, 0);
	request_end(&reader);
	EXPECT_EQ(0, peer_answer_timed(&thread, NULL));
	EXPECT_EQ(0, locks_shown(self->id, "", false));
	EXPECT_EQ(0, locks_shown(self->id, "", true));
	peer_stop(&thread);
}

/* Processes with open files of their own, of two files, that nobody else has. */
struct party {
	struct peer peer;
	int fds[2];
};

static struct party party(struct file_data *self, const char *other)
{
	struct party p;

	peer_start(&p.peer, PEER_OWN_FDS);
	p.fds[0] = peer_open(&p.peer, self->path, O_RDWR);
	p.fds[1] = peer_open(&p.peer, other, O_RDWR);
	return p;
}

static bool answered(struct party *p)
{
	struct pollfd poller = { .fd = p->peer.sock, .events = POLLIN };

	return poll(&poller, 1, 0) == 1;
}

/* A request that has to wait, until it does. */
static void waits(int fd, struct party *p, int which, const struct flockp_how *how)
{
	peer_ask_timed(&p->peer, p->fds[which], how);
	until_listed(fd, p->peer.pid);
}

static const int attempts[] = { F_SETLKP, F_SETLK }, waiting[] = { F_SETLKPW, F_SETLKW };

static int release(struct party *p, int classic)
{
	return peer_lock(&p->peer, p->fds[0], attempts[classic], F_UNLCK, 0, 0) ?:
	       peer_lock(&p->peer, p->fds[1], attempts[classic], F_UNLCK, 0, 0);
}

/*
 * Two processes read one file each, and a writer waits for each. Then both want to read the other
 * file, too, and each is held up by a writer that waits for the other one.
 */
static void crosswise(struct __test_metadata *_metadata, struct file_data *self, int classic)
{
	struct flockp_how how = fair_span(F_WRLCK, 0, 10);
	struct flock fl = span(F_RDLCK, 0, 10);
	struct party a, b, first, second;
	char path[160];
	int other;

	snprintf(path, sizeof(path), "%s.other", self->path);
	other = open(path, O_RDWR | O_CREAT, 0644);
	ASSERT_LE(0, other);
	tracing_begin(self->fd, "lock_wait");
	a = party(self, path);
	b = party(self, path);
	first = party(self, path);
	second = party(self, path);
	EXPECT_EQ(0, peer_lock(&a.peer, a.fds[0], attempts[classic], F_RDLCK, 0, 10));
	EXPECT_EQ(0, peer_lock(&b.peer, b.fds[1], attempts[classic], F_RDLCK, 0, 10));
	waits(self->fd, &first, 0, &how);
	waits(other, &second, 1, &how);
	peer_ask(&a.peer, a.fds[1], waiting[classic], &fl);
	peer_ask(&b.peer, b.fds[0], waiting[classic], &fl);
	EXPECT_EQ(0, peer_answer(&a.peer, NULL));
	EXPECT_EQ(0, peer_answer(&b.peer, NULL));
	EXPECT_LE(1, blocked_by(b.peer.pid, first.peer.pid));
	EXPECT_FALSE(answered(&first));
	EXPECT_FALSE(answered(&second));
	EXPECT_EQ(0, release(&a, classic));
	EXPECT_EQ(0, release(&b, classic));
	EXPECT_EQ(0, peer_answer_timed(&first.peer, NULL));
	EXPECT_EQ(0, peer_answer_timed(&second.peer, NULL));
	peer_stop(&first.peer);
	peer_stop(&second.peer);
	peer_stop(&a.peer);
	peer_stop(&b.peer);
	close(other);
}

TEST_F(file, crosswise)
{
	crosswise(_metadata, self, 0);
}

TEST_F(file, crosswise_classic)
{
	crosswise(_metadata, self, 1);
}

/*
 * A circle with one writer in it: a waits for what b has, b is held up by the writer, and that
 * waits for a. Without the writer b would not wait, so it is no deadlock.
 */
static void circle(struct __test_metadata *_metadata, struct file_data *self, int classic)
{
	struct flock write = span(F_WRLCK, 0, 10), read = span(F_RDLCK, 0, 10);
	struct flockp_how how = fair_span(F_WRLCK, 0, 10);
	struct party a, b, writer;
	char path[160];
	int other;

	snprintf(path, sizeof(path), "%s.other", self->path);
	other = open(path, O_RDWR | O_CREAT, 0644);
	ASSERT_LE(0, other);
	tracing_begin(self->fd, "lock_wait");
	a = party(self, path);
	b = party(self, path);
	writer = party(self, path);
	EXPECT_EQ(0, peer_lock(&a.peer, a.fds[0], attempts[classic], F_RDLCK, 0, 10));
	EXPECT_EQ(0, peer_lock(&b.peer, b.fds[1], attempts[classic], F_WRLCK, 0, 10));
	waits(self->fd, &writer, 0, &how);
	peer_ask(&a.peer, a.fds[1], waiting[classic], &write);
	until_listed(other, a.peer.pid);
	peer_ask(&b.peer, b.fds[0], waiting[classic], &read);
	EXPECT_EQ(0, peer_answer(&b.peer, NULL));
	EXPECT_LE(1, blocked_by(b.peer.pid, writer.peer.pid));
	EXPECT_FALSE(answered(&a));
	EXPECT_FALSE(answered(&writer));
	EXPECT_EQ(0, release(&b, classic));
	EXPECT_EQ(0, peer_answer(&a.peer, NULL));
	EXPECT_EQ(0, release(&a, classic));
	EXPECT_EQ(0, peer_answer_timed(&writer.peer, NULL));
	peer_stop(&writer.peer);
	peer_stop(&a.peer);
	peer_stop(&b.peer);
	close(other);
}

TEST_F(file, circle)
{
	circle(_metadata, self, 0);
}

TEST_F(file, circle_classic)
{
	circle(_metadata, self, 1);
}

/* All sorts of requests at once: each is granted in the end, and writers are alone. */
struct crush {
	int reading[4], writing[4];
	int wrong, granted, timed_out;
};

static void crush(struct crush *c, const char *path, int seed, int count)
{
	int fd = reopen(path), i, j;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	srandom(seed);
	for (i = 0; i < count; i++) {
		int from = random() % 4, to = from + random() % (4 - from);
		short type = random() % 2 ? F_RDLCK : F_WRLCK;
		struct flockp_how how = timed_span(type, 10 * from, 10 * (to - from + 1));
		int ret;

		switch (random() % 4) {
		case 0:
			ret = lock_span(fd, F_SETLKPW, type, how.start, how.len);
			break;
		case 1:
			how = timed_until(type, how.start, how.len, CLOCK_MONOTONIC,
					  clock_now(CLOCK_MONOTONIC) + random() % NSEC_PER_MSEC);
			how.flags |= FLKP_FAIR;
			ret = timed_call(fd, &how);
			break;
		default:
			how.flags = FLKP_FAIR;
			ret = timed_call(fd, &how);
		}
		if (ret) {
			if (ret != -ETIMEDOUT || !(how.flags & FLKP_DEADLINE))
				c->wrong++;
			__atomic_add_fetch(&c->timed_out, 1, __ATOMIC_RELAXED);
			continue;
		}
		__atomic_add_fetch(&c->granted, 1, __ATOMIC_RELAXED);
		for (j = from; j <= to; j++)
			__atomic_add_fetch(type == F_RDLCK ? &c->reading[j] : &c->writing[j], 1,
					   __ATOMIC_SEQ_CST);
		if (i % 8 == 0)
			usleep(random() % 200);
		for (j = from; j <= to; j++) {
			int writing = __atomic_load_n(&c->writing[j], __ATOMIC_SEQ_CST);
			int reading = __atomic_load_n(&c->reading[j], __ATOMIC_SEQ_CST);

			if (type == F_RDLCK ? writing : writing != 1 || reading)
				__atomic_add_fetch(&c->wrong, 1, __ATOMIC_RELAXED);
			__atomic_add_fetch(type == F_RDLCK ? &c->reading[j] : &c->writing[j], -1,
					   __ATOMIC_SEQ_CST);
		}
		set(fd, F_UNLCK, 0, 0);
	}
	_exit(0);
}

TEST_F_TIMEOUT(file, all_at_once, LONG_TIMEOUT)
{
	struct crush *c = mmap(NULL, sizeof(*c), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int count = loops(600, 10000), i, round;
	pid_t pids[6];

	ASSERT_TRUE(c != MAP_FAILED);
	for (round = 0; round < 2; round++) {
		crowd(self->fd, crowds[round]);
		for (i = 0; i < 6; i++) {
			pids[i] = fork();
			ASSERT_LE(0, pids[i]);
			if (!pids[i])
				crush(c, self->path, 10 * round + i + 1, count);
		}
		for (i = 0; i < 6; i++)
			ASSERT_EQ(pids[i], waitpid(pids[i], NULL, 0));
		EXPECT_EQ(6 * count * (round + 1), c->granted + c->timed_out);
		EXPECT_EQ(0, c->wrong);
		EXPECT_EQ(0, locks_shown(self->id, "", true));
		EXPECT_EQ(crowds[round], locks_shown(self->id, "", false));
	}
	TH_LOG("%d granted, %d timed out", c->granted, c->timed_out);
}

int main(int argc, char **argv)
{
	if (fair_missing())
		ksft_exit_skip("%s\n", fair_missing());
	need_listing();
	/* Else these tests would wait for ever until a request is listed. */
	if (!fair_there() || !listing_there())
		ksft_exit_fail_msg("kernel without FLKP_FAIR or F_ENUMLKP\n");
	places_make();
	tracing_make();
	if (tracing_missing())
		ksft_exit_skip("%s\n", tracing_missing());
	return test_harness_run(argc, argv);
}
