// SPDX-License-Identifier: GPL-2.0
/*
 * Many mirrors write the same name, each what it thinks to be the newest. With
 * RENAME_COND_SOURCE_NEWER the newest stays, in whichever order they come.
 */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "fixture.h"
#include "on_two.h"

#define THREADS 8

static unsigned int flags;
static long versions;		/* of each thread */
static long next_version;

struct writer {
	pthread_t thread;
	char name[16];
	long put, stale;
};

static void publish(struct writer *me, long version)
{
	char text[32];
	int ret;

	snprintf(text, sizeof(text), "%ld", version);
	make_file(me->name, text);
	/* Several share a second. */
	set_mtime(me->name, 1000 + version / 4, version % 4);
	sched_yield();
	ret = flags ? ren_if(me->name, "target", 0, source_newer()) : ren(me->name, "target", 0);
	me->put += !ret;
	me->stale += ret == -EAGAIN;
}

/* Of each two versions the newer one comes first. */
static void *publish_all(void *arg)
{
	struct writer *me = arg;
	long i;

	for (i = 0; i < versions; i += 2) {
		long version = __atomic_add_fetch(&next_version, 2, __ATOMIC_RELAXED);

		publish(me, version);
		publish(me, version - 1);
	}
	return NULL;
}

/* How often a reader sees an older version after a newer one. */
static long backwards;
static bool stop;

static void *watch(void *arg)
{
	long seen = 0;

	(void)arg;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		char text[32] = "";
		int fd = open("target", O_RDONLY);
		long version;

		if (fd < 0)
			continue;
		if (read(fd, text, sizeof(text) - 1) < 0)
			broken("target");
		close(fd);
		version = strtol(text, NULL, 10);
		backwards += version < seen;
		seen = version;
	}
	return NULL;
}

struct outcome {
	long put, stale, last;
};

static struct outcome race(unsigned int how, long total)
{
	struct writer writers[THREADS] = {};
	struct outcome sum = {};
	char text[32] = "";
	pthread_t reader;
	int i, fd;

	flags = how;
	versions = total / THREADS;
	if (pthread_create(&reader, NULL, watch, NULL))
		broken("a thread");
	for (i = 0; i < THREADS; i++) {
		snprintf(writers[i].name, sizeof(writers[i].name), "new%d", i);
		if (pthread_create(&writers[i].thread, NULL, publish_all, &writers[i]))
			broken("a thread");
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(writers[i].thread, NULL);
		sum.put += writers[i].put;
		sum.stale += writers[i].stale;
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(reader, NULL);
	fd = open("target", O_RDONLY);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		broken("target");
	close(fd);
	sum.last = strtol(text, NULL, 10);
	printf("# %ld put, %ld stale, the last is %ld, %ld times backwards\n", sum.put, sum.stale,
	       sum.last, backwards);
	return sum;
}

TEST_F(fs, newest_stays)
{
	long total = loops(160, 80000);
	struct outcome sum = race(RENAME_COND, total);

	EXPECT_EQ(total, sum.put + sum.stale);
	EXPECT_EQ(total, sum.last);
	EXPECT_EQ(0, backwards);
	EXPECT_LE(total / 2, sum.stale);
}

/* The control: with a plain rename() old versions replace newer ones. */
TEST_F(fs, plain_rename_goes_back)
{
	long total = loops(160, 80000);
	struct outcome sum = race(0, total);

	EXPECT_EQ(total, sum.put);
	EXPECT_GT(total, sum.last);
}

int main(int argc, char **argv)
{
	need_flags();
	return run_tests(argc, argv);
}
