// SPDX-License-Identifier: GPL-2.0
/*
 * The bytes a lock covers: split, merge and change of type, and the arithmetic
 * of l_whence, l_start and l_len up to its limits.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>

#include "fixture.h"

#define OFFSET_MAX INT64_MAX

struct step {
	short type;
	off_t start, len;
	const char *layout;
};

/*
 * One open file, step after step. Drawn for the first split, one column for
 * ten bytes:  WWWWWWWWWW  unlock 40-59  ->  WWWW..WWWW
 */
static const struct step steps[] = {
	/* split by unlocking, by a change of type, and joined again */
	{ F_WRLCK, 0, 100, "W0-99" },
	{ F_UNLCK, 40, 20, "W0-39 W60-99" },
	{ F_WRLCK, 40, 20, "W0-99" },
	{ F_RDLCK, 40, 20, "W0-39 R40-59 W60-99" },
	{ F_WRLCK, 40, 20, "W0-99" },
	/* cut at the edges */
	{ F_UNLCK, 0, 10, "W10-99" },
	{ F_UNLCK, 90, 10, "W10-89" },
	{ F_UNLCK, 5, 10, "W15-89" },
	{ F_UNLCK, 80, 100, "W15-79" },
	/* neighbours of one type are one lock, of two types are two */
	{ F_WRLCK, 80, 20, "W15-99" },
	{ F_WRLCK, 0, 15, "W0-99" },
	{ F_RDLCK, 100, 100, "W0-99 R100-199" },
	/* overlapping another type moves the border */
	{ F_RDLCK, 90, 20, "W0-89 R90-199" },
	{ F_WRLCK, 50, 100, "W0-149 R150-199" },
	/* within a lock of the same type nothing happens */
	{ F_WRLCK, 10, 10, "W0-149 R150-199" },
	/* one request over several locks and holes */
	{ F_UNLCK, 20, 10, "W0-19 W30-149 R150-199" },
	{ F_UNLCK, 160, 10, "W0-19 W30-149 R150-159 R170-199" },
	{ F_RDLCK, 10, 170, "W0-9 R10-199" },
	/* change the whole, up and down */
	{ F_WRLCK, 0, 200, "W0-199" },
	{ F_RDLCK, 0, 200, "R0-199" },
	/* l_len 0 is up to the end of any file */
	{ F_WRLCK, 300, 0, "R0-199 W300-EOF" },
	{ F_UNLCK, 400, 0, "R0-199 W300-399" },
	{ F_WRLCK, 400, OFFSET_MAX - 400 + 1, "R0-199 W300-EOF" },
	{ F_UNLCK, OFFSET_MAX, 1, "R0-199 W300-9223372036854775806" },
	{ F_UNLCK, 100, 0, "R0-99" },
	/* l_len < 0 is what lies before l_start */
	{ F_WRLCK, 100, -50, "R0-49 W50-99" },
	{ F_UNLCK, 50, -50, "W50-99" },
	{ F_UNLCK, 100, -1, "W50-98" },
	/* nothing to unlock is no error */
	{ F_UNLCK, 1000, 10, "W50-98" },
	{ F_UNLCK, 0, 0, "" },
	{ F_UNLCK, 0, 0, "" },
	/* the last byte there is */
	{ F_RDLCK, OFFSET_MAX, 1, "R9223372036854775807-EOF" },
	{ F_RDLCK, OFFSET_MAX, 0, "R9223372036854775807-EOF" },
	{ F_RDLCK, OFFSET_MAX, -OFFSET_MAX, "R0-EOF" },
	{ F_UNLCK, 0, OFFSET_MAX, "R9223372036854775807-EOF" },
};

TEST_F(file, split_and_merge)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		const struct step *s = &steps[i];

		EXPECT_EQ(0, lock_span(self->fd, F_SETLKP, s->type, s->start, s->len));
		EXPECT_STREQ(s->layout, layout(self->fd, self->buf))
			TH_LOG("step %u of the table", i);
	}
}

struct bad {
	short whence;
	off_t start, len;
	int error;
};

/* The file is 1000 bytes long and the position is 500. */
static const struct bad bad[] = {
	{ SEEK_SET, -1, 10, -EINVAL },
	{ SEEK_SET, INT64_MIN, 0, -EINVAL },
	{ SEEK_SET, 0, -1, -EINVAL },
	{ SEEK_SET, 0, INT64_MIN, -EINVAL },
	{ SEEK_SET, 10, -11, -EINVAL },
	{ SEEK_SET, 1, OFFSET_MAX, 0 },
	{ SEEK_SET, 2, OFFSET_MAX, -EOVERFLOW },
	{ SEEK_SET, OFFSET_MAX, 1, 0 },
	{ SEEK_SET, OFFSET_MAX, 2, -EOVERFLOW },
	{ SEEK_SET, OFFSET_MAX, OFFSET_MAX, -EOVERFLOW },
	{ SEEK_CUR, -500, 1, 0 },
	{ SEEK_CUR, -501, 1, -EINVAL },
	{ SEEK_CUR, 0, -500, 0 },
	{ SEEK_CUR, 0, -501, -EINVAL },
	{ SEEK_CUR, OFFSET_MAX - 500, 1, 0 },
	{ SEEK_CUR, OFFSET_MAX - 500, 2, -EOVERFLOW },
	{ SEEK_CUR, OFFSET_MAX - 499, 1, -EOVERFLOW },
	{ SEEK_CUR, OFFSET_MAX, 0, -EOVERFLOW },
	{ SEEK_END, -1000, 1, 0 },
	{ SEEK_END, -1001, 1, -EINVAL },
	{ SEEK_END, OFFSET_MAX - 1000, 0, 0 },
	{ SEEK_END, OFFSET_MAX - 999, 0, -EOVERFLOW },
	{ SEEK_END, INT64_MIN, 0, -EINVAL },
};

TEST_F(file, limits)
{
	static const int cmds[] = { F_GETLKP, F_SETLKP, F_SETLKPW };
	unsigned int i, j;

	ASSERT_EQ(0, ftruncate(self->fd, 1000));
	ASSERT_EQ(500, lseek(self->fd, 500, SEEK_SET));
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		for (j = 0; j < ARRAY_SIZE(cmds); j++) {
			struct flock fl = span(F_WRLCK, bad[i].start, bad[i].len);

			fl.l_whence = bad[i].whence;
			EXPECT_EQ(bad[i].error, lock_call(self->fd, cmds[j], &fl))
				TH_LOG("line %u of the table, command %d", i, cmds[j]);
			EXPECT_EQ(bad[i].error || cmds[j] == F_GETLKP ? 0 : 1,
				  locks_shown(self->id, "OFDLCK", false));
			lock_span(self->fd, F_SETLKP, F_UNLCK, 0, 0);
		}
}

TEST_F(file, position_and_end)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_CUR, .l_start = -10, .l_len = 20 };

	ASSERT_EQ(0, ftruncate(self->fd, 1000));
	ASSERT_EQ(500, lseek(self->fd, 500, SEEK_SET));
	EXPECT_EQ(0, lock_call(self->fd, F_SETLKP, &fl));
	EXPECT_STREQ("W490-509", layout(self->fd, self->buf));
	/* The position is that of the open file, so the other one differs. */
	fl.l_start = 0;
	fl.l_len = 10;
	EXPECT_EQ(0, lock_call(self->fd2, F_SETLKP, &fl));
	EXPECT_STREQ("W0-9", layout(self->fd2, self->buf));
	fl.l_whence = SEEK_END;
	fl.l_len = -10;
	EXPECT_EQ(0, lock_call(self->fd2, F_SETLKP, &fl));
	EXPECT_STREQ("W0-9 W990-999", layout(self->fd2, self->buf));

	/* A lock stays where it was set when the end moves; the same words then miss it. */
	ASSERT_EQ(0, ftruncate(self->fd, 100));
	fl.l_type = F_UNLCK;
	EXPECT_EQ(0, lock_call(self->fd2, F_SETLKP, &fl));
	EXPECT_STREQ("W0-9 W990-999", layout(self->fd2, self->buf));
}

struct resizer {
	int fd;
	atomic_bool stop;
};

#define SMALL 1000
#define LARGE ((off_t)5 << 32)

static void *resize(void *arg)
{
	struct resizer *r = arg;

	while (!r->stop)
		if (ftruncate(r->fd, LARGE) || ftruncate(r->fd, SMALL))
			return (void *)1L;
	return NULL;
}

/* The end is read once and whole: never half of an old and half of a new size. */
TEST_F_TIMEOUT(file, end_raced_with_truncation, LONG_TIMEOUT)
{
	int i, count = loops(300, 20000), small = 0, large = 0;
	struct resizer r = { .fd = self->fd };
	pthread_t thread;
	void *failed;

	ASSERT_EQ(0, ftruncate(self->fd, SMALL));
	ASSERT_EQ(0, pthread_create(&thread, NULL, resize, &r));
	/* However fast the other thread is, each size has to be met. */
	for (i = 0; i < count || !small || !large; i++) {
		struct flock fl = span(F_WRLCK, 0, 1), got = span(F_UNLCK, 0, 0);

		fl.l_whence = SEEK_END;
		ASSERT_EQ(0, lock_call(self->fd2, F_SETLKP, &fl));
		ASSERT_EQ(0, lock_call(self->fd2, F_GETLKP, &got));
		ASSERT_TRUE(got.l_start == SMALL || got.l_start == LARGE);
		ASSERT_EQ(0, lock_span(self->fd2, F_SETLKP, F_UNLCK, 0, 0));
		small += got.l_start == SMALL;
		large += got.l_start == LARGE;
	}
	r.stop = true;
	ASSERT_EQ(0, pthread_join(thread, &failed));
	EXPECT_EQ(NULL, failed);
	EXPECT_EQ(0, locks_shown(self->id, "", false));
}

/* A request that fails leaves every lock as it was. */
TEST_F(file, refused_request_changes_nothing)
{
	ASSERT_EQ(0, lock_span(self->fd2, F_SETLKP, F_RDLCK, 50, 10));
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_RDLCK, 0, 20));
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, 30, 10));
	EXPECT_EQ(-EAGAIN, lock_span(self->fd, F_SETLKP, F_WRLCK, 0, 0));
	EXPECT_EQ(-EAGAIN, lock_span(self->fd, F_SETLKP, F_WRLCK, 10, 41));
	EXPECT_STREQ("R0-19 W30-39", layout(self->fd, self->buf));
	EXPECT_STREQ("R50-59", layout(self->fd2, self->buf));
	/* Up to the byte before it works. */
	EXPECT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, 10, 40));
	EXPECT_STREQ("R0-9 W10-49", layout(self->fd, self->buf));
}

TEST_F(file, upgrade_keeps_the_read_lock)
{
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_RDLCK, 0, 10));
	ASSERT_EQ(0, lock_span(self->fd2, F_SETLKP, F_RDLCK, 0, 10));
	EXPECT_EQ(-EAGAIN, lock_span(self->fd, F_SETLKP, F_WRLCK, 0, 10));
	EXPECT_STREQ("R0-9", layout(self->fd, self->buf));
	EXPECT_EQ(-EAGAIN, lock_span(self->fd2, F_SETLKP, F_WRLCK, 0, 10));
	EXPECT_EQ(0, lock_span(self->fd2, F_SETLKP, F_UNLCK, 0, 0));
	EXPECT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, 0, 10));
	EXPECT_STREQ("W0-9", layout(self->fd, self->buf));
}

/* From write to read no writer gets in between, while readers do afterwards. */
TEST_F(file, downgrade_lets_no_writer_in)
{
	struct flock fl = span(F_WRLCK, 0, 10);
	struct peer writer;
	int fd, ro;

	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, 0, 10));
	peer_start(&writer, PEER_OWN_FDS);
	fd = peer_open(&writer, self->path, O_RDWR);
	peer_ask(&writer, fd, F_SETLKPW, &fl);
	until_waiting(self->id, 1);
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_RDLCK, 0, 10));
	/* The writer was woken, found the read lock and waits for that one now. */
	until_waiting(self->id, 1);
	EXPECT_EQ(0, locks_shown(self->id, "WRITE", false));
	EXPECT_STREQ("R0-9", layout(self->fd, self->buf));
	ro = open(self->path, O_RDONLY);
	EXPECT_EQ(0, lock_span(ro, F_SETLKP, F_RDLCK, 0, 10));
	close(ro);
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_UNLCK, 0, 0));
	EXPECT_EQ(0, peer_answer(&writer, NULL));
	EXPECT_EQ(1, locks_shown(self->id, "WRITE", false));
	peer_stop(&writer);
}

/*
 * ---- a split, while others come and go ----
 *
 * The kernel may have to let go of the locks of a file to get memory for the second piece, and
 * then has to look at all of them again.
 */

#define FAR_AWAY 1000000

/* Opens the file, has locks far away from all others, and closes it. */
struct visitor {
	const char *path;
	atomic_bool stop;
	atomic_int visits;
};

static void *visit(void *arg)
{
	struct visitor *v = arg;
	int i, fd;

	while (!v->stop) {
		/* Some have so many that the kernel keeps all locks in another way. */
		int count = v->visits % 4 ? 1 : 40;

		fd = open(v->path, O_RDWR);
		for (i = 0; i < count; i++)
			if (lock_span(fd, F_SETLKP, F_WRLCK, FAR_AWAY + 2 * i, 1))
				return (void *)1L;
		close(fd);
		v->visits++;
	}
	return NULL;
}

/* A lock on bytes 0 to 99, and what a change of 40 to 59 makes of it. */
static const struct {
	short hold, change;
	const char *whole, *split;
} splits[] = {
	{ F_WRLCK, F_UNLCK, "W0-99", "W0-39 W60-99" },
	{ F_WRLCK, F_RDLCK, "W0-99", "W0-39 R40-59 W60-99" },
	{ F_RDLCK, F_WRLCK, "R0-99", "R0-39 W40-59 R60-99" },
	{ F_RDLCK, F_UNLCK, "R0-99", "R0-39 R60-99" },
};

TEST_F_TIMEOUT(file, split_while_others_close, LONG_TIMEOUT)
{
	struct visitor v = { .path = self->path };
	int i, count = loops(1000, 10000);
	pthread_t thread;
	void *failed;

	ASSERT_EQ(0, pthread_create(&thread, NULL, visit, &v));
	for (i = 0; i < count || v.visits < count / 10; i++) {
		int s = i % ARRAY_SIZE(splits);

		ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, splits[s].hold, 0, 100));
		ASSERT_STREQ(splits[s].whole, layout(self->fd, self->buf));
		ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, splits[s].change, 40, 20));
		ASSERT_STREQ(splits[s].split, layout(self->fd, self->buf));
	}
	v.stop = true;
	ASSERT_EQ(0, pthread_join(thread, &failed));
	EXPECT_EQ(NULL, failed);
	EXPECT_EQ(0, lock_span(self->fd, F_SETLKP, F_UNLCK, 0, 0));
	EXPECT_EQ(0, locks_shown(self->id, "", false));
}

/* Ten bytes each: how many have locked them. */
#define CELLS 10
#define RIVALS 3

struct rivals {
	const char *path;
	atomic_bool stop;
	atomic_int reading[CELLS], writing[CELLS];
	atomic_int granted, refused, wrong, failed;
};

struct rival {
	struct rivals *all;
	unsigned int seed;
};

/* Someone who has @from of the cell has @to of it from here on. */
static void account(struct rivals *all, int cell, short from, short to)
{
	if (from == to)
		return;
	if (to != F_UNLCK)
		atomic_fetch_add(to == F_RDLCK ? &all->reading[cell] : &all->writing[cell], 1);
	if (from != F_UNLCK)
		atomic_fetch_sub(from == F_RDLCK ? &all->reading[cell] : &all->writing[cell], 1);
}

/* Called by someone who has the cell. */
static void look(struct rivals *all, int cell, short type)
{
	int writing = all->writing[cell], reading = all->reading[cell];

	if (type == F_RDLCK ? writing : writing != 1 || reading)
		all->wrong++;
}

static void *compete(void *arg)
{
	struct rival *me = arg;
	struct rivals *all = me->all;
	int fd = open(all->path, O_RDWR), cell, ret;

	while (!all->stop) {
		int first = rand_r(&me->seed) % CELLS, last = first + rand_r(&me->seed) % 3;
		short type = rand_r(&me->seed) % 2 ? F_RDLCK : F_WRLCK;
		int cmd = F_SETLKP;

		last = last < CELLS ? last : CELLS - 1;
		/* Elsewhere it may have to wait for too long. */
		if (first >= 4 && last <= 5 && rand_r(&me->seed) % 2)
			cmd = F_SETLKPW;
		ret = lock_span(fd, cmd, type, 10 * first, 10 * (last - first + 1));
		all->granted += !ret;
		all->refused += ret == -EAGAIN;
		all->failed += ret && ret != -EAGAIN;
		for (cell = first; cell <= last && !ret; cell++)
			account(all, cell, F_UNLCK, type);
		for (cell = first; cell <= last && !ret; cell++) {
			look(all, cell, type);
			account(all, cell, type, F_UNLCK);
		}
		if (!ret && lock_span(fd, F_SETLKP, F_UNLCK, 0, 0))
			all->failed++;
		usleep(rand_r(&me->seed) % 200);
	}
	close(fd);
	return NULL;
}

static int strength(short type)
{
	return type == F_WRLCK ? 2 : type == F_RDLCK;
}

/* A change of what we have, until it is granted; before and after it no more is taken for ours. */
static int change(struct rivals *all, short mine[CELLS], int fd, int cmd, short type, int first,
		  int last)
{
	int cell, ret;

	for (cell = first; cell <= last; cell++)
		if (strength(type) < strength(mine[cell])) {
			account(all, cell, mine[cell], type);
			mine[cell] = type;
		}
	do {
		ret = lock_span(fd, cmd, type, 10 * first, 10 * (last - first + 1));
	} while (ret == -EAGAIN);
	for (cell = first; cell <= last && !ret; cell++) {
		account(all, cell, mine[cell], type);
		mine[cell] = type;
	}
	for (cell = 0; cell < CELLS; cell++)
		if (mine[cell] != F_UNLCK)
			look(all, cell, mine[cell]);
	return ret;
}

/* The same where others want some of it: whoever gets in between must be found by then. */
TEST_F_TIMEOUT(file, split_among_rivals, LONG_TIMEOUT)
{
	struct rivals all = { .path = self->path };
	struct visitor v = { .path = self->path };
	int i, count = loops(1000, 10000);
	pthread_t visitor, threads[RIVALS];
	struct rival rivals[RIVALS];
	short mine[CELLS];
	void *failed;

	for (i = 0; i < CELLS; i++)
		mine[i] = F_UNLCK;
	ASSERT_EQ(0, pthread_create(&visitor, NULL, visit, &v));
	for (i = 0; i < RIVALS; i++) {
		rivals[i] = (struct rival) { .all = &all, .seed = i };
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, compete, &rivals[i]));
	}
	for (i = 0; i < count || all.granted < count / 4 || all.refused < count / 4; i++) {
		int s = i % ARRAY_SIZE(splits), cmd = i / 4 % 2 ? F_SETLKP : F_SETLKPW;

		ASSERT_EQ(0, change(&all, mine, self->fd, F_SETLKPW, splits[s].hold, 0, 9));
		ASSERT_STREQ(splits[s].whole, layout(self->fd, self->buf));
		ASSERT_EQ(0, change(&all, mine, self->fd, cmd, splits[s].change, 4, 5));
		ASSERT_STREQ(splits[s].split, layout(self->fd, self->buf));
		ASSERT_EQ(0, all.wrong);
	}
	all.stop = true;
	v.stop = true;
	/* Somebody may wait. */
	ASSERT_EQ(0, change(&all, mine, self->fd, F_SETLKP, F_UNLCK, 0, 9));
	for (i = 0; i < RIVALS; i++)
		ASSERT_EQ(0, pthread_join(threads[i], NULL));
	ASSERT_EQ(0, pthread_join(visitor, &failed));
	EXPECT_EQ(NULL, failed);
	EXPECT_EQ(0, all.failed);
	EXPECT_EQ(0, all.wrong);
	EXPECT_EQ(0, locks_shown(self->id, "", false));
	TH_LOG("rivals: %d granted, %d refused; %d visits", all.granted, all.refused, v.visits);
}

/* Another thread of the owner, which once a round releases all there is. */
struct releaser {
	int fd;
	atomic_int begun, done;	/* rounds; negative: it is over */
};

static void *release_all(void *arg)
{
	struct releaser *r = arg;
	unsigned int seed = 1;
	int round, pause;

	while ((round = r->begun) >= 0) {
		if (round == r->done) {
			sched_yield();
			continue;
		}
		for (pause = rand_r(&seed) % 4000; pause; pause--)
			atomic_signal_fence(memory_order_seq_cst);
		if (lock_span(r->fd, F_SETLKP, F_UNLCK, 0, 100))
			return (void *)1L;
		r->done = round;
	}
	return NULL;
}

/* What was about to be split is gone by the time that there is memory. */
TEST_F_TIMEOUT(file, split_while_the_owner_unlocks, LONG_TIMEOUT)
{
	struct releaser r = { .fd = self->fd };
	int i, before = 0, after = 0, count = loops(2000, 100000);
	pthread_t thread;
	void *failed;

	ASSERT_EQ(0, pthread_create(&thread, NULL, release_all, &r));
	for (i = 1; i <= count || !before || !after; i++) {
		ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, 0, 100));
		r.begun = i;
		ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_RDLCK, 40, 20));
		while (r.done != i)
			sched_yield();
		layout(self->fd, self->buf);
		before += !strcmp(self->buf, "R40-59");
		after += !*self->buf;
		ASSERT_EQ(i, before + after)
			TH_LOG("round %d: %s", i, self->buf);
		ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_UNLCK, 0, 0));
	}
	EXPECT_EQ(0, locks_shown(self->id, "", false));
	r.begun = -1;
	ASSERT_EQ(0, pthread_join(thread, &failed));
	EXPECT_EQ(NULL, failed);
	TH_LOG("released %d times before the change, %d times after it", before, after);
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
