// SPDX-License-Identifier: GPL-2.0
/*
 * Compare and swap of files: many threads increment a counter in a file, each by writing a new
 * file and putting it in the place of the one that it has read.
 */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "fixture.h"
#include "on_two.h"

#define THREADS 16

/* Ways for a new value to come into the place of the old one: 0, or -EAGAIN if it came too late. */
static int compare_and_rename(const char *new, int old_fd)
{
	return ren_if(new, "counter", 0, target_is(old_fd));
}

/* The generations change places, and the old one is deleted by who has replaced it. */
static int compare_and_exchange(const char *new, int old_fd)
{
	int ret = ren_if(new, "counter", RENAME_EXCHANGE, target_is(old_fd));

	if (!ret && unlink(new))
		broken(new);
	return ret;
}

static int compare_and_rename_synced(const char *new, int old_fd)
{
	return ren_if(new, "counter", RENAME_REPLACE | RENAME_SYNC, target_is(old_fd));
}

static int just_rename(const char *new, int old_fd)
{
	(void)old_fd;
	return ren(new, "counter", 0);
}

static int (*replace)(const char *new, int old_fd);
static long per_thread;
static pthread_barrier_t barrier;

struct worker {
	pthread_t thread;
	char name[16];
	long succeeded, too_late;
};

static long read_counter(int fd)
{
	char text[32] = "";

	if (pread(fd, text, sizeof(text) - 1, 0) <= 0)
		broken("counter");
	return strtol(text, NULL, 10);
}

static int increment(const char *name)
{
	int ret, fd = open("counter", O_RDONLY | O_CLOEXEC);
	char text[32];

	if (fd < 0)
		broken("counter");
	snprintf(text, sizeof(text), "%ld", read_counter(fd) + 1);
	make_file(name, text);
	/* As if there were more to do. */
	sched_yield();
	ret = replace(name, fd);
	close(fd);
	return ret;
}

static void *work(void *arg)
{
	struct worker *me = arg;

	pthread_barrier_wait(&barrier);
	while (me->succeeded < per_thread) {
		int ret = increment(me->name);

		if (!ret) {
			me->succeeded++;
		} else if (ret == -EAGAIN) {
			me->too_late++;
		} else {
			errno = -ret;
			broken("renameat2");
		}
	}
	return NULL;
}

struct outcome {
	long succeeded, too_late, value;
};

static struct outcome race(int (*how)(const char *new, int old_fd), long total)
{
	struct worker workers[THREADS] = {};
	struct outcome sum = {};
	int i, fd;

	replace = how;
	per_thread = total / THREADS;
	make_file("counter", "0");
	if (pthread_barrier_init(&barrier, NULL, THREADS))
		broken("a barrier");
	for (i = 0; i < THREADS; i++) {
		snprintf(workers[i].name, sizeof(workers[i].name), "new%d", i);
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			broken("a thread");
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		sum.succeeded += workers[i].succeeded;
		sum.too_late += workers[i].too_late;
	}
	fd = open("counter", O_RDONLY);
	sum.value = read_counter(fd);
	close(fd);
	printf("# %ld increments, %ld came too late, the counter says %ld\n", sum.succeeded,
	       sum.too_late, sum.value);
	return sum;
}

TEST_F(fs, no_update_is_lost)
{
	/* With those that come too late a million operations on one of them. */
	long total = loops(320, variant->fs == FS_TMPFS ? 144000 : 16000);
	struct outcome sum = race(compare_and_rename, total);

	EXPECT_EQ(total, sum.succeeded);
	EXPECT_EQ(total, sum.value);
	/* Else they have not met, and nothing was shown. */
	EXPECT_LT(0, sum.too_late);
}

TEST_F(fs, exchange)
{
	long total = loops(240, 40000);
	struct outcome sum = race(compare_and_exchange, total);

	EXPECT_EQ(total, sum.succeeded);
	EXPECT_EQ(total, sum.value);
	EXPECT_LT(0, sum.too_late);
}

TEST_F(fs, synced)
{
	long total = loops(variant->fs == FS_TMPFS ? 160 : 48, 8000);
	struct outcome sum = race(compare_and_rename_synced, total);

	EXPECT_EQ(total, sum.succeeded);
	EXPECT_EQ(total, sum.value);
	EXPECT_LT(0, sum.too_late);
}

/* The control: the same race is lost with a plain rename(). */
TEST_F(fs, plain_rename_loses)
{
	long total = loops(320, 40000);
	struct outcome sum = race(just_rename, total);

	EXPECT_EQ(total, sum.succeeded);
	EXPECT_GT(total, sum.value);
}

/* Of many that put a file where none is, one wins. */
static int turn, winners, losers;

static void *claim(void *arg)
{
	const char *name = ((struct worker *)arg)->name;
	int ret;

	make_file(name, "claim");
	pthread_barrier_wait(&barrier);
	ret = ren_if(name, "place", 0, no_target());
	if (!ret)
		__atomic_add_fetch(&winners, 1, __ATOMIC_RELAXED);
	else if (ret == -EAGAIN)
		__atomic_add_fetch(&losers, 1, __ATOMIC_RELAXED);
	return NULL;
}

TEST_F(fs, one_claims_the_place)
{
	int i, turns = loops(15, 2000);

	ASSERT_EQ(0, pthread_barrier_init(&barrier, NULL, THREADS));
	for (turn = 0; turn < turns; turn++) {
		struct worker workers[THREADS] = {};

		for (i = 0; i < THREADS; i++) {
			snprintf(workers[i].name, sizeof(workers[i].name), "new%d", i);
			ASSERT_EQ(0, pthread_create(&workers[i].thread, NULL, claim, &workers[i]));
		}
		for (i = 0; i < THREADS; i++)
			pthread_join(workers[i].thread, NULL);
		ASSERT_EQ(0, unlink("place"));
	}
	EXPECT_EQ(turns, winners);
	EXPECT_EQ(turns * (THREADS - 1), losers);
}

int main(int argc, char **argv)
{
	need_flags();
	return run_tests(argc, argv);
}
