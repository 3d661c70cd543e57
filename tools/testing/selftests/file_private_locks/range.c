// SPDX-License-Identifier: GPL-2.0
/*
 * The bytes a lock covers: split, merge and change of type, and the arithmetic
 * of l_whence, l_start and l_len up to its limits.
 */
#include <pthread.h>
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
	struct resizer r = { .fd = self->fd };
	int i, count = loops(300, 20000);
	pthread_t thread;
	void *failed;

	ASSERT_EQ(0, ftruncate(self->fd, SMALL));
	ASSERT_EQ(0, pthread_create(&thread, NULL, resize, &r));
	for (i = 0; i < count; i++) {
		struct flock fl = span(F_WRLCK, 0, 1), got = span(F_UNLCK, 0, 0);

		fl.l_whence = SEEK_END;
		if (lock_call(self->fd2, F_SETLKP, &fl) ||
		    lock_call(self->fd2, F_GETLKP, &got) ||
		    (got.l_start != SMALL && got.l_start != LARGE) ||
		    lock_span(self->fd2, F_SETLKP, F_UNLCK, 0, 0))
			break;
	}
	r.stop = true;
	ASSERT_EQ(0, pthread_join(thread, &failed));
	EXPECT_EQ(NULL, failed);
	EXPECT_EQ(count, i);
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

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
