// SPDX-License-Identifier: GPL-2.0
/*
 * Somebody who may write the directory swaps the source between the look at it and the rename.
 * With RENAME_COND_SOURCE_IS what arrives is what was looked at.
 */
#include <pthread.h>
#include <sched.h>

#include "fixture.h"
#include "on_two.h"

static bool stop;

static void *swap_forever(void *arg)
{
	(void)arg;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		ren("source", "evil", RENAME_EXCHANGE);
		sched_yield();
	}
	return NULL;
}

/* What one attempt came to. */
enum result {
	NOTHING,	/* the source was swapped before or in time */
	GOOD,
	EVIL
};

static enum result install(bool checked)
{
	enum result result = NOTHING;
	int ret, fd = open("source", O_RDONLY | O_NOFOLLOW);
	char text[8] = "";

	if (fd < 0)
		return NOTHING;
	if (read(fd, text, sizeof(text) - 1) > 0 && !strcmp(text, "good")) {
		sched_yield();
		ret = checked ? ren_if("source", "target", 0, source_is(fd)) :
				ren("source", "target", 0);
		if (!ret)
			result = holds("target", "good") ? GOOD : EVIL;
		else if (ret != -EAGAIN)
			broken("renameat2");
	}
	close(fd);
	return result;
}

/* So many good ones, and in the control as many attempts as it takes to see an evil one. */
static int evil_ones(bool checked, int wanted)
{
	pthread_t attacker;
	int good = 0, evil = 0;

	make_file("source", "good");
	make_file("evil", "evil");
	stop = false;
	if (pthread_create(&attacker, NULL, swap_forever, NULL))
		broken("a thread");
	while (checked ? good < wanted : evil < 1) {
		enum result result = install(checked);

		good += result == GOOD;
		evil += result == EVIL;
		if (result == NOTHING) {
			sched_yield();
			continue;
		}
		/* Whichever it was is gone; the other may have any of the names. */
		__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
		pthread_join(attacker, NULL);
		make_file("source", "good");
		make_file("evil", "evil");
		stop = false;
		if (pthread_create(&attacker, NULL, swap_forever, NULL))
			broken("a thread");
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(attacker, NULL);
	return evil;
}

TEST_F(fs, only_what_was_seen)
{
	EXPECT_EQ(0, evil_ones(true, loops(40, 5000)));
}

/* The control: the attack works. */
TEST_F(fs, plain_rename_is_fooled)
{
	EXPECT_LT(0, evil_ones(false, 0));
}

int main(int argc, char **argv)
{
	need_flags();
	return run_tests(argc, argv);
}
