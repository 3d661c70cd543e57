// SPDX-License-Identifier: GPL-2.0
/*
 * Which locks get in each other's way: every pair of classic and file-private,
 * read and write, from every place a second request can come from.
 */
#include <sys/file.h>

#include "fixture.h"

enum from {
	SAME_FD,
	DUP_FD,
	OTHER_FD,
	OTHER_PROCESS,		/* through a descriptor that it inherited */
	OTHER_PROCESS_FD,	/* through a descriptor that it opened */
	NR_FROM
};

static const char * const from_names[NR_FROM] = {
	"same fd", "dup", "other fd", "other process", "other process and fd",
};

struct request {
	bool private;
	short type;
};

static const struct request requests[] = {
	{ false, F_RDLCK }, { false, F_WRLCK }, { true, F_RDLCK }, { true, F_WRLCK },
};

static bool same_owner(const struct request *a, const struct request *b, enum from from)
{
	if (a->private != b->private)
		return false;
	if (a->private)
		return from == SAME_FD || from == DUP_FD || from == OTHER_PROCESS;
	return from == SAME_FD || from == DUP_FD || from == OTHER_FD;
}

static const char *name(const struct request *r)
{
	if (r->private)
		return r->type == F_RDLCK ? "private read" : "private write";
	return r->type == F_RDLCK ? "classic read" : "classic write";
}

TEST_F(file, matrix)
{
	const struct request *a, *b, *end = requests + ARRAY_SIZE(requests);
	struct peer peer;
	int fds[NR_FROM];
	enum from from;

	peer_start(&peer, PEER_OWN_FDS);
	fds[SAME_FD] = self->fd;
	fds[DUP_FD] = dup(self->fd);
	fds[OTHER_FD] = self->fd2;
	fds[OTHER_PROCESS] = self->fd;
	fds[OTHER_PROCESS_FD] = peer_open(&peer, self->path, O_RDWR);

	for (a = requests; a < end; a++)
		for (b = requests; b < end; b++)
			for (from = 0; from < NR_FROM; from++) {
				int set = b->private ? F_SETLKP : F_SETLK;
				int get = b->private ? F_GETLKP : F_GETLK;
				bool remote = from >= OTHER_PROCESS;
				bool blocked = (a->type == F_WRLCK || b->type == F_WRLCK) &&
					       !same_owner(a, b, from);
				struct flock fl = span(b->type, 5, 10);
				int set_ret, get_ret;

				ASSERT_EQ(0, lock_span(self->fd, a->private ? F_SETLKP : F_SETLK,
						       a->type, 0, 10));
				if (remote) {
					peer_ask(&peer, fds[from], get, &fl);
					get_ret = peer_answer(&peer, &fl);
					set_ret = peer_lock(&peer, fds[from], set, b->type, 5, 10);
					peer_lock(&peer, fds[from], set, F_UNLCK, 0, 0);
				} else {
					get_ret = lock_call(fds[from], get, &fl);
					set_ret = lock_span(fds[from], set, b->type, 5, 10);
					lock_span(fds[from], set, F_UNLCK, 0, 0);
				}
				EXPECT_EQ(blocked ? -EAGAIN : 0, set_ret)
					TH_LOG("%s held, %s asked from %s", name(a), name(b),
					       from_names[from]);
				EXPECT_EQ(0, get_ret);
				EXPECT_EQ(blocked ? a->type : F_UNLCK, fl.l_type)
					TH_LOG("%s held, %s tested from %s", name(a), name(b),
					       from_names[from]);
				lock_span(self->fd, F_SETLK, F_UNLCK, 0, 0);
				lock_span(self->fd, F_SETLKP, F_UNLCK, 0, 0);
				ASSERT_EQ(0, locks_shown(self->id, "", false));
			}
	peer_stop(&peer);
}

/* Ranges that only touch are no conflict, one common byte is. */
TEST_F(file, ranges)
{
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, 10, 10));
	EXPECT_EQ(0, lock_span(self->fd2, F_SETLKP, F_WRLCK, 0, 10));
	EXPECT_EQ(0, lock_span(self->fd2, F_SETLKP, F_WRLCK, 20, 0));
	EXPECT_EQ(-EAGAIN, lock_span(self->fd2, F_SETLKP, F_WRLCK, 0, 11));
	EXPECT_EQ(-EAGAIN, lock_span(self->fd2, F_SETLKP, F_WRLCK, 19, 1));
	EXPECT_EQ(-EAGAIN, lock_span(self->fd2, F_SETLKP, F_RDLCK, 0, 0));
	EXPECT_STREQ("W0-9 W20-EOF", layout(self->fd2, self->buf));
}

/* Unlocking is only ever about the caller's own kind and owner. */
TEST_F(file, unlock_is_own_only)
{
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, 0, 10));
	ASSERT_EQ(0, lock_span(self->fd, F_SETLK, F_WRLCK, 20, 10));
	EXPECT_EQ(0, lock_span(self->fd2, F_SETLKP, F_UNLCK, 0, 0));
	EXPECT_EQ(2, locks_shown(self->id, "", false));
	EXPECT_EQ(0, lock_span(self->fd, F_SETLK, F_UNLCK, 0, 0));
	EXPECT_EQ(0, locks_shown(self->id, "POSIX", false));
	EXPECT_STREQ("W0-9", layout(self->fd, self->buf));
	ASSERT_EQ(0, lock_span(self->fd, F_SETLK, F_WRLCK, 20, 10));
	EXPECT_EQ(0, lock_span(self->fd, F_SETLKP, F_UNLCK, 0, 0));
	EXPECT_EQ(1, locks_shown(self->id, "POSIX", false));
	EXPECT_STREQ("", layout(self->fd, self->buf));
}

TEST_F(file, flock_is_independent)
{
	ASSERT_EQ(0, flock(self->fd, LOCK_EX | LOCK_NB));
	EXPECT_EQ(0, lock_span(self->fd2, F_SETLKP, F_WRLCK, 0, 0));
	EXPECT_EQ(-1, flock(self->fd2, LOCK_EX | LOCK_NB));
	EXPECT_EQ(EWOULDBLOCK, errno);
	EXPECT_EQ(0, flock(self->fd, LOCK_UN));
	EXPECT_EQ(0, flock(self->fd, LOCK_EX | LOCK_NB));
	EXPECT_EQ(-EAGAIN, lock_span(self->fd, F_SETLKP, F_WRLCK, 0, 0));
	EXPECT_EQ(0, lock_span(self->fd2, F_SETLKP, F_UNLCK, 0, 0));
	EXPECT_EQ(1, locks_shown(self->id, "FLOCK", false));
	EXPECT_EQ(0, locks_shown(self->id, "OFDLCK", false));
}

/* Writing to a file of the lower layer copies it up; locks must not notice. */
TEST(lock_survives_copy_up)
{
	const char *missing = place_missing(PLACE_OVERLAY);
	char path[128];
	int fd, ro, rw;

	if (missing)
		SKIP(return, "%s", missing);
	snprintf(path, sizeof(path), "%s/../lower/below", place_dir(PLACE_OVERLAY));
	fd = open(path, O_RDWR | O_CREAT, 0644);
	ASSERT_LE(0, fd);
	snprintf(path, sizeof(path), "%s/below", place_dir(PLACE_OVERLAY));
	ro = open(path, O_RDONLY);
	ASSERT_LE(0, ro);
	ASSERT_EQ(0, lock_span(ro, F_SETLKP, F_RDLCK, 0, 10));
	rw = open(path, O_RDWR);
	ASSERT_LE(0, rw);
	EXPECT_EQ(-EAGAIN, lock_span(rw, F_SETLKP, F_WRLCK, 0, 10));
	EXPECT_EQ(0, lock_span(rw, F_SETLKP, F_RDLCK, 0, 10));
	/* The file below is another file. */
	EXPECT_EQ(0, lock_span(fd, F_SETLKP, F_WRLCK, 0, 10));
	EXPECT_EQ(0, lock_span(ro, F_SETLKP, F_UNLCK, 0, 0));
	EXPECT_EQ(0, lock_span(rw, F_SETLKP, F_WRLCK, 0, 10));
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
