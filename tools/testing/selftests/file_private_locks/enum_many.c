// SPDX-License-Identifier: GPL-2.0
/*
 * F_ENUMLKP on a file with very many locks. What a step costs is compared with what it
 * costs in the same run where there are few.
 */
#include <stdint.h>
#include <sys/time.h>

#include "fixture.h"
#include "listing.h"
#include "scene.h"

/* A million on the first file system only: the others keep their locks in the same place. */
static int most_locks(enum place place)
{
	const char *kernel = getenv("SEPTET_KERNEL");
	int most = place == PLACE_TMPFS ? loops(20000, 1000000) : loops(5000, 20000);

	return most / (kernel && !strcmp(kernel, "debug") ? 4 : 1);
}

TEST_F_TIMEOUT(file, all_of_them, LONG_TIMEOUT)
{
	struct flockp_enum how = listing(NULL, 0);
	int i, seen = 0, most = most_locks(variant->place);
	struct list list = {};

	for (i = 0; i < most; i++)
		set(i % 2 ? self->fd : self->fd2, F_RDLCK, 2 * (off_t)i, 1);
	while (list_more(self->fd, &how, 1000, &list)) {
		for (i = 0; i < list.count; i++, seen++) {
			ASSERT_EQ(2 * (off_t)seen, list.entries[i].start);
			ASSERT_EQ(1, list.entries[i].len);
		}
		/* The same memory again. */
		list.count = 0;
	}
	EXPECT_EQ(most, seen);
	/* Some out of the middle. */
	how = listing(NULL, 0);
	how.start = most;
	how.len = 20;
	list_free(&list);
	list = list_all(self->fd, how, 3);
	EXPECT_EQ(10, list.count);
	list_free(&list);
}

static void on_alarm(int sig)
{
	(void)sig;
}

/* Signals while it lists: it may end early, and goes on where it was. */
TEST_F_TIMEOUT(file, signals, LONG_TIMEOUT)
{
	struct itimerval often = { .it_interval.tv_usec = 200, .it_value.tv_usec = 200 };
	struct sigaction sa = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
	int i, round, most = most_locks(variant->place);

	most = most < 20000 ? most : 20000;

	for (i = 0; i < most; i++)
		set(i % 2 ? self->fd : self->fd2, F_RDLCK, 2 * (off_t)i, 1);
	ASSERT_EQ(0, sigaction(SIGALRM, &sa, NULL));
	for (round = 0; round < 20; round++) {
		struct list list;

		ASSERT_EQ(0, setitimer(ITIMER_REAL, &often, NULL));
		list = list_all(self->fd, listing(NULL, 0), 2000);
		ASSERT_EQ(0, setitimer(ITIMER_REAL, &(struct itimerval) {}, NULL));
		ASSERT_EQ(most, list.count);
		for (i = 0; i < most; i++)
			ASSERT_EQ(2 * (off_t)i, list.entries[i].start);
		list_free(&list);
	}
}

static int by_value(const void *a, const void *b)
{
	__s64 x = *(const __s64 *)a, y = *(const __s64 *)b;

	return x < y ? -1 : x > y;
}

/* What a step of one entry costs, from that cursor on: the median. */
static __s64 step_cost(int fd, const struct flockp_enum *from)
{
	struct flockp_entry entry;
	__s64 samples[51];
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(samples); i++) {
		samples[i] = -clock_now(CLOCK_MONOTONIC);
		for (j = 0; j < 4; j++) {
			struct flockp_enum how = *from;

			how.entries = (uintptr_t)&entry;
			how.count = 1;
			if (listing_call(fd, &how) != 1)
				broken("F_ENUMLKP");
		}
		samples[i] += clock_now(CLOCK_MONOTONIC);
	}
	qsort(samples, ARRAY_SIZE(samples), sizeof(samples[0]), by_value);
	return samples[ARRAY_SIZE(samples) / 2];
}

/* A step far behind many locks costs hardly more than one behind few. */
TEST_F_TIMEOUT(file, step_behind_all, LONG_TIMEOUT)
{
	struct flockp_enum how = listing(NULL, 0);
	struct list list = {};
	int i, count, most = most_locks(variant->place);
	__s64 few = 0;

	for (count = 0; count < most; count++) {
		set(self->fd, F_RDLCK, 2 * (off_t)count, 1);
		if (count != 40 && count != most - 1)
			continue;
		how = listing(NULL, 0);
		for (i = 0; i + 1000 < count; i += 1000) {
			ASSERT_TRUE(list_more(self->fd, &how, 1000, &list));
			list.count = 0;
		}
		ASSERT_TRUE(list_more(self->fd, &how, count - i, &list));
		list.count = 0;
		if (!few) {
			few = step_cost(self->fd, &how);
			continue;
		}
		EXPECT_GT(20 * few, step_cost(self->fd, &how))
			TH_LOG("behind %d locks; behind 40 it is %lld ns", count, (long long)few);
		/* And by the range instead of by the cursor. */
		how = listing(NULL, 0);
		how.start = 2 * (off_t)count;
		EXPECT_GT(20 * few, step_cost(self->fd, &how))
			TH_LOG("behind %d locks; behind 40 it is %lld ns", count, (long long)few);
	}
	list_free(&list);
}

int main(int argc, char **argv)
{
	need_listing();
	/* Else these tests would wait for ever until a request is listed. */
	if (!listing_there())
		ksft_exit_fail_msg("kernel without F_ENUMLKP\n");
	return run_tests(argc, argv);
}
