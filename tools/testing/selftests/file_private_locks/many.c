// SPDX-License-Identifier: GPL-2.0
/*
 * Very many locks on one file, held so as to make others pay for them. Each cost is
 * compared with that of the same calls in the same run, while the file had few locks.
 * That no CPU locks up is for the kernel's detectors to say.
 */
#include "fixture.h"
#include "listing.h"

/* So few locks that a walk over all costs little, and yet too many for the kernel to do it. */
#define FEW 33
/* What calls may cost with many locks, against few. Where all are walked it is 200 at 30,000. */
#define FACTOR 20
#define FAR_AWAY 1000000000L

/* A debug kernel needs several times the memory for each, and the time. */
static bool debug_kernel(void)
{
	const char *kernel = getenv("SEPTET_KERNEL");

	return kernel && !strcmp(kernel, "debug");
}

static int number(int quick, int full)
{
	return loops(quick, full) / (debug_kernel() ? 4 : 1);
}

/* The stages on the way: 1,000 first, so that a kernel that is slow shows it soon. */
static int next_stage(int count, int most)
{
	int next = count < 1000 ? 1000 : count * 3;

	return next < most ? next : most;
}

FIXTURE(many)
{
	char path[128];
	char id[FILE_ID_SIZE];
	int fd;			/* two open files of it */
	int fd2;
	int most;
};

FIXTURE_SETUP(many)
{
	if (timed_missing())
		SKIP(return, "%s", timed_missing());
	snprintf(self->path, sizeof(self->path), "%s/many", place_dir(PLACE_TMPFS));
	unlink(self->path);
	self->fd = open(self->path, O_RDWR | O_CREAT, 0644);
	ASSERT_LE(0, self->fd);
	self->fd2 = open(self->path, O_RDWR);
	ASSERT_LE(0, self->fd2);
	file_id(self->fd, self->id);
	self->most = number(30000, 1000000);
}

FIXTURE_TEARDOWN(many)
{
}

static void set(int fd, short type, off_t start, off_t len)
{
	if (lock_span(fd, F_SETLKP, type, start, len))
		broken("F_SETLKP");
}

/* Lock every other byte, so that all are locks of their own; all read, or write in turns. */
static void fill(int fd, int from, int to, bool writes)
{
	for (; from < to; from++)
		set(fd, writes && from % 2 ? F_WRLCK : F_RDLCK, 2 * from, 1);
}

#define ANY_TYPE	-1

/*
 * How many locks are held. /proc/locks tells in any case, but in a time that grows with the square
 * of their number; where there may be a million the kernel's list stands in for it.
 */
static int held(const char *id, int fd, short type)
{
	static const char *const words[] = { [F_RDLCK] = "READ", [F_WRLCK] = "WRITE" };
	struct list list;
	int i, count = 0;

	if (!loops(0, 1) || !listing_there())
		return locks_shown(id, type == ANY_TYPE ? "" : words[type], false);
	list = list_all(fd, listing(NULL, 0), 4096);
	for (i = 0; i < list.count; i++)
		count += type == ANY_TYPE || list.entries[i].type == (__u32)type;
	list_free(&list);
	return count;
}

struct probe {
	void (*op)(const struct probe *probe);
	const char *path;
	int fd;
	off_t at;
};

static void lock_and_unlock(const struct probe *probe)
{
	set(probe->fd, F_WRLCK, probe->at, 1);
	set(probe->fd, F_UNLCK, probe->at, 1);
}

static void ask(const struct probe *probe)
{
	struct flock fl = span(F_WRLCK, probe->at, 1);

	if (lock_call(probe->fd, F_GETLKP, &fl) || fl.l_type != F_UNLCK)
		broken("F_GETLKP");
}

static void be_refused(const struct probe *probe)
{
	if (lock_span(probe->fd, F_SETLKP, F_WRLCK, probe->at, 0) != -EAGAIN)
		broken("a request that is to be refused");
}

static void open_and_close(const struct probe *probe)
{
	close(open(probe->path, O_RDWR));
}

static void lock_and_close(const struct probe *probe)
{
	int fd = open(probe->path, O_RDWR);

	set(fd, F_WRLCK, probe->at, 1);
	close(fd);
}

static int by_value(const void *a, const void *b)
{
	__s64 x = *(const __s64 *)a, y = *(const __s64 *)b;

	return x < y ? -1 : x > y;
}

/* Nanoseconds: the median, which what else the machine does will hardly move. */
static __s64 cost(const struct probe *probe)
{
	__s64 samples[51];
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(samples); i++) {
		samples[i] = -clock_now(CLOCK_MONOTONIC);
		for (j = 0; j < 4; j++)
			probe->op(probe);
		samples[i] += clock_now(CLOCK_MONOTONIC);
	}
	qsort(samples, ARRAY_SIZE(samples), sizeof(samples[0]), by_value);
	return samples[ARRAY_SIZE(samples) / 2];
}

TEST_F_TIMEOUT(many, locks_of_another, LONG_TIMEOUT)
{
	struct probe far = { .op = lock_and_unlock, .fd = self->fd2, .at = FAR_AWAY };
	struct probe middle = { .op = lock_and_unlock, .fd = self->fd2, .at = FEW };
	struct probe asked = { .op = ask, .fd = self->fd2, .at = FEW };
	__s64 far_few, middle_few, asked_few;
	int count, next;

	fill(self->fd, 0, FEW, false);
	far_few = cost(&far);
	middle_few = cost(&middle);
	asked_few = cost(&asked);
	for (count = FEW; count < self->most; count = next) {
		next = next_stage(count, self->most);
		fill(self->fd, count, next, false);
		/* The odd bytes are free. */
		middle.at = next | 1;
		asked.at = next | 1;
		ASSERT_GT(FACTOR * far_few, cost(&far))
			TH_LOG("behind %d locks", next);
		ASSERT_GT(FACTOR * middle_few, cost(&middle))
			TH_LOG("in the middle of %d locks", next);
		ASSERT_GT(FACTOR * asked_few, cost(&asked))
			TH_LOG("asked in the middle of %d locks", next);
	}
	EXPECT_EQ(self->most, held(self->id, self->fd, ANY_TYPE));
}

/*
 * Everything is asked for by one who has nearly all of it already, and one byte at the end
 * is another's. The way there is past all of its own locks, of both types.
 */
TEST_F_TIMEOUT(many, own_locks_before_the_one_in_the_way, LONG_TIMEOUT)
{
	struct probe probe = { .op = be_refused, .fd = self->fd };
	int count, next, most = number(10000, 300000);
	__s64 few;

	fill(self->fd, 0, FEW, true);
	set(self->fd2, F_RDLCK, FAR_AWAY, 1);
	few = cost(&probe);
	for (count = FEW; count < most; count = next) {
		next = next_stage(count, most);
		fill(self->fd, count, next, true);
		set(self->fd2, F_RDLCK, FAR_AWAY, 1);
		ASSERT_GT(FACTOR * few, cost(&probe))
			TH_LOG("a read lock behind %d locks", next);
		set(self->fd2, F_WRLCK, FAR_AWAY, 1);
		ASSERT_GT(FACTOR * few, cost(&probe))
			TH_LOG("a write lock behind %d locks", next);
	}
	/* Refused so often, and nothing changed. */
	EXPECT_EQ(most / 2, held(self->id, self->fd, F_RDLCK));
	EXPECT_EQ(most / 2 + 1, held(self->id, self->fd, F_WRLCK));
}

/* One lock from the first byte to the last is before all others and ends behind them. */
TEST_F_TIMEOUT(many, own_lock_over_all_of_another, LONG_TIMEOUT)
{
	struct probe probe = { .op = lock_and_unlock, .fd = self->fd2, .at = FAR_AWAY };
	int count, next, most = number(10000, 300000);
	__s64 few;

	fill(self->fd, 0, FEW, false);
	set(self->fd2, F_RDLCK, 0, FAR_AWAY + 100);
	few = cost(&probe);
	for (count = FEW; count < most; count = next) {
		next = next_stage(count, most);
		fill(self->fd, count, next, false);
		ASSERT_GT(FACTOR * few, cost(&probe))
			TH_LOG("over %d locks", next);
	}
	EXPECT_EQ(most + 2, held(self->id, self->fd, F_RDLCK));
}

/* Whoever opens the file and closes it has no part in any of it. */
TEST_F_TIMEOUT(many, close_without_locks, LONG_TIMEOUT)
{
	struct probe without = { .op = open_and_close, .path = self->path };
	struct probe with = { .op = lock_and_close, .path = self->path, .at = FAR_AWAY };
	int count, next, most = number(10000, 300000);
	__s64 few_without, few_with;

	/* It looks at each lock then, to see whether it was left over. */
	if (debug_kernel())
		most = 1000;
	fill(self->fd, 0, FEW, false);
	few_without = cost(&without);
	few_with = cost(&with);
	for (count = FEW; count < most; count = next) {
		next = next_stage(count, most);
		fill(self->fd, count, next, false);
		ASSERT_GT(FACTOR * few_without, cost(&without))
			TH_LOG("%d locks of another", next);
		ASSERT_GT(FACTOR * few_with, cost(&with))
			TH_LOG("%d locks of another, one of its own", next);
	}
	EXPECT_EQ(most, held(self->id, self->fd, ANY_TYPE));
}

static int open_kmsg(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);

	if (fd < 0 || lseek(fd, 0, SEEK_END) < 0)
		broken("/dev/kmsg");
	return fd;
}

/* How often the kernel has said so since that. */
static int said(int kmsg, const char *what)
{
	char record[8192];
	int count = 0;
	ssize_t len;

	while ((len = read(kmsg, record, sizeof(record) - 1)) > 0 || errno == EPIPE) {
		if (len < 0)
			continue;
		record[len] = 0;
		count += !!strstr(record, what);
	}
	return count;
}

/* Requests that change all of them at once. */
TEST_F_TIMEOUT(many, all_at_once, LONG_TIMEOUT)
{
	int i, most = self->most, kmsg = open_kmsg();

	/* Elsewhere this would take all day. */
	ASSERT_EQ(0, timed_try(self->fd, F_UNLCK, 0, 0));

	/* to another type, which makes them one */
	fill(self->fd, 0, most, false);
	ASSERT_EQ(most, held(self->id, self->fd, F_RDLCK));
	EXPECT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, 0, 2 * most));
	EXPECT_EQ(1, held(self->id, self->fd, ANY_TYPE));

	/* split into as many, joined by the bytes between, of the same type */
	for (i = 0; i < most; i++)
		set(self->fd, F_UNLCK, 2 * i + 1, 1);
	EXPECT_EQ(most, held(self->id, self->fd, F_WRLCK));
	EXPECT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, 0, 0));
	EXPECT_EQ(1, held(self->id, self->fd, ANY_TYPE));

	/* nothing in place of all, with another's among them that stay */
	EXPECT_EQ(0, lock_span(self->fd, F_SETLKP, F_UNLCK, 0, 0));
	fill(self->fd, 0, most, true);
	for (i = 0; i < FEW; i++)
		set(self->fd2, F_RDLCK, 4 * i, 1);
	EXPECT_EQ(0, lock_span(self->fd, F_SETLKP, F_UNLCK, 0, 0));
	EXPECT_EQ(FEW, held(self->id, self->fd, ANY_TYPE));

	/* and by closing */
	fill(self->fd, 0, most, false);
	close(self->fd);
	EXPECT_EQ(FEW, held(self->id, self->fd2, ANY_TYPE));
	EXPECT_EQ(0, lock_span(self->fd2, F_SETLKP, F_WRLCK, 0, 0));
	EXPECT_EQ(1, held(self->id, self->fd2, ANY_TYPE));
	EXPECT_EQ(0, said(kmsg, "soft lockup"));
}

/* Many are unlocked one by one and in no order; those that are left still work. */
TEST_F_TIMEOUT(many, one_by_one, LONG_TIMEOUT)
{
	int i, step = 7919, most = number(10000, 100000);
	struct flock fl = span(F_UNLCK, 0, 0);

	ASSERT_EQ(0, timed_try(self->fd, F_UNLCK, 0, 0));
	fill(self->fd, 0, most, true);
	for (i = 0; i < most; i++) {
		off_t at = 2 * ((off_t)i * step % most);

		ASSERT_EQ(-EAGAIN, lock_span(self->fd2, F_SETLKP, F_WRLCK, at, 1));
		set(self->fd, F_UNLCK, at, 1);
		ASSERT_EQ(0, lock_span(self->fd2, F_SETLKP, F_WRLCK, at, 1));
	}
	EXPECT_EQ(most, held(self->id, self->fd, F_WRLCK));
	EXPECT_EQ(0, lock_call(self->fd, F_GETLKP, &fl));
	EXPECT_EQ(F_UNLCK, fl.l_type);
	close(self->fd2);
	EXPECT_EQ(0, held(self->id, self->fd, ANY_TYPE));
}

enum release {
	UNLOCK,
	UNLOCK_ALL,
	SPLIT,
	CUT_LEFT,
	CUT_RIGHT,
	CONVERT,
	CONVERT_ALL,
	CLOSE,
	NR_RELEASES
};

static const char * const release_names[NR_RELEASES] = {
	"unlock", "unlock all", "split", "cut left", "cut right", "convert", "convert all", "close",
};

/* All let go of bytes 10 to 19 for a reader, which waits for a write lock on 0 to 29. */
static void let_go(int fd, enum release how)
{
	switch (how) {
	case UNLOCK:
		set(fd, F_UNLCK, 0, 30);
		break;
	case UNLOCK_ALL:
		set(fd, F_UNLCK, 0, 0);
		break;
	case SPLIT:
		set(fd, F_UNLCK, 10, 10);
		break;
	case CUT_LEFT:
		set(fd, F_UNLCK, 0, 20);
		break;
	case CUT_RIGHT:
		set(fd, F_UNLCK, 10, 20);
		break;
	case CONVERT:
		set(fd, F_RDLCK, 10, 10);
		break;
	case CONVERT_ALL:
		set(fd, F_RDLCK, 0, 0);
		break;
	default:
		close(fd);
	}
}

/*
 * Somebody waits since the file had one lock. Then it gets so many that the kernel looks
 * for them in another way, and perhaps loses them again, before the one is released.
 */
TEST_F_TIMEOUT(file, waiter_from_before, LONG_TIMEOUT)
{
	struct flock fl = span(F_RDLCK, 10, 10);
	struct peer reader;
	bool few_again;
	int i, fd, how;

	peer_start(&reader, PEER_OWN_FDS);
	fd = peer_open(&reader, self->path, O_RDWR);
	for (i = 0; i < 2 * NR_RELEASES; i++) {
		int writer = open(self->path, O_RDWR);

		how = i / 2;
		few_again = i % 2;
		set(writer, F_WRLCK, 0, 30);
		peer_ask(&reader, fd, F_SETLKPW, &fl);
		until_waiting(self->id, 1);
		for (int lock = 0; lock < 3 * FEW; lock++)
			set(lock % 2 ? self->fd : self->fd2, F_RDLCK, 100 + 3 * lock, 1);
		ASSERT_EQ(1, locks_shown(self->id, "", true));
		if (few_again) {
			set(self->fd, F_UNLCK, 100, 0);
			set(self->fd2, F_UNLCK, 103, 0);
		}
		ASSERT_EQ(1, locks_shown(self->id, "", true));
		let_go(writer, how);
		ASSERT_EQ(0, peer_answer(&reader, NULL))
			TH_LOG("%s, %s locks", release_names[how], few_again ? "few" : "many");
		EXPECT_EQ(0, locks_shown(self->id, "", true));
		EXPECT_EQ(0, peer_lock(&reader, fd, F_SETLKP, F_UNLCK, 0, 0));
		if (how != CLOSE)
			close(writer);
		set(self->fd, F_UNLCK, 0, 0);
		set(self->fd2, F_UNLCK, 0, 0);
		ASSERT_EQ(0, locks_shown(self->id, "", false));
	}
	peer_stop(&reader);
}

/* One of many is waited for, and goes in a request that joins all: then that is waited for. */
TEST_F(file, waiter_on_one_of_many)
{
	struct flock fl = span(F_WRLCK, 2 * FEW, 1);
	struct peer writer;
	int fd;

	peer_start(&writer, PEER_OWN_FDS);
	fd = peer_open(&writer, self->path, O_RDWR);
	fill(self->fd, 0, 3 * FEW, false);
	peer_ask(&writer, fd, F_SETLKPW, &fl);
	until_waiting(self->id, 1);
	set(self->fd, F_WRLCK, 0, 6 * FEW);
	until_waiting(self->id, 1);
	EXPECT_EQ(1, locks_shown(self->id, "", false));
	/* Split in as many again, which leaves it waiting. */
	for (int i = 0; i < 3 * FEW; i++)
		set(self->fd, F_UNLCK, 2 * i + 1, 1);
	until_waiting(self->id, 1);
	EXPECT_EQ(3 * FEW, locks_shown(self->id, "", false));
	set(self->fd, F_UNLCK, 2 * FEW, 1);
	EXPECT_EQ(0, peer_answer(&writer, NULL));
	EXPECT_EQ(3 * FEW, locks_shown(self->id, "", false));
	peer_stop(&writer);
}

/* With many locks the one that starts first is reported, write locks before read locks. */
TEST_F(file, which_one_is_reported)
{
	int asker = open(self->path, O_RDWR), third = open(self->path, O_RDWR);
	struct flock fl;

	if (timed_missing())
		SKIP(return, "%s", timed_missing());
	/* The first on the file is not the first in the file. */
	set(self->fd, F_RDLCK, 60, 10);
	set(self->fd2, F_RDLCK, 20, 10);
	set(third, F_WRLCK, 80, 5);
	fill(self->fd, 500, 500 + FEW, false);

	fl = span(F_WRLCK, 0, 100);
	ASSERT_EQ(0, lock_call(asker, F_GETLKP, &fl));
	EXPECT_EQ(F_WRLCK, fl.l_type);
	EXPECT_EQ(80, fl.l_start);
	EXPECT_EQ(5, fl.l_len);
	fl = span(F_RDLCK, 0, 0);
	ASSERT_EQ(0, lock_call(asker, F_GETLK, &fl));
	EXPECT_EQ(F_WRLCK, fl.l_type);
	EXPECT_EQ(80, fl.l_start);
	fl = span(F_WRLCK, 0, 80);
	ASSERT_EQ(0, lock_call(asker, F_GETLKP, &fl));
	EXPECT_EQ(F_RDLCK, fl.l_type);
	EXPECT_EQ(20, fl.l_start);
	EXPECT_EQ(10, fl.l_len);
	/* Its own do not count. */
	fl = span(F_WRLCK, 0, 80);
	ASSERT_EQ(0, lock_call(self->fd2, F_GETLKP, &fl));
	EXPECT_EQ(60, fl.l_start);
	/* Among its own it is the first in the range, too. */
	fl = span(F_UNLCK, 65, 0);
	ASSERT_EQ(0, lock_call(self->fd, F_GETLKP, &fl));
	EXPECT_EQ(F_RDLCK, fl.l_type);
	EXPECT_EQ(60, fl.l_start);
	fl = span(F_UNLCK, 70, 0);
	ASSERT_EQ(0, lock_call(self->fd, F_GETLKP, &fl));
	EXPECT_EQ(1000, fl.l_start);
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
