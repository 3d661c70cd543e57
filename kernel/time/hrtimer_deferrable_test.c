// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of what deferrable hrtimers compute, on bases that belong to no CPU.
 *
 * The clocks of these bases are, in ns:
 *
 *	CLOCK_MONOTONIC    0 ........ 1000 ........ 2000
 *	CLOCK_BOOTTIME   100 ........ 1100 ........ 2100	offset   100
 *	CLOCK_REALTIME  5000 ........ 6000 ........ 7000	offset  5000
 *	CLOCK_TAI       5037 ........ 6037 ........ 7037	offset  5037
 */

#include <kunit/test.h>
#include <linux/prandom.h>

#include "tick-internal.h"
#include "hrtimer_deferrable.h"

#define MONOTONIC	HRTIMER_BASE_MONOTONIC_DEFERRABLE
#define REALTIME	HRTIMER_BASE_REALTIME_DEFERRABLE
#define BOOTTIME	HRTIMER_BASE_BOOTTIME_DEFERRABLE
#define TAI		HRTIMER_BASE_TAI_DEFERRABLE

static struct hrtimer_cpu_base *make_bases(struct kunit *test)
{
	static const ktime_t offset[] = { 0, 5000, 100, 5037 };
	struct hrtimer_cpu_base *bases = kunit_kzalloc(test, sizeof(*bases), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, bases);
	raw_spin_lock_init(&bases->lock);
	for (int i = 0; i < HRTIMER_MAX_CLOCK_BASES; i++) {
		bases->clock_base[i].index = i;
		bases->clock_base[i].cpu_base = bases;
		bases->clock_base[i].offset = offset[i % 4];
		timerqueue_init_head(&bases->clock_base[i].active);
	}
	return bases;
}

static struct hrtimer *add(struct kunit *test, struct hrtimer_cpu_base *bases, int index,
			   ktime_t expires)
{
	struct hrtimer *timer = kunit_kzalloc(test, sizeof(*timer), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, timer);
	timerqueue_init(&timer->node);
	hrtimer_set_expires(timer, expires);
	timer->base = &bases->clock_base[index];
	timer->state = HRTIMER_STATE_ENQUEUED;
	timerqueue_add(&timer->base->active, &timer->node);
	bases->active_bases |= BIT(index);
	return timer;
}

/* The mode chooses the base, as far as possible from those that are programmed. */
static void base_of_mode(struct kunit *test)
{
	static const struct {
		clockid_t clock;
		enum hrtimer_mode mode;
		int index;
	} modes[] = {
		{ CLOCK_MONOTONIC, HRTIMER_MODE_ABS_DEFERRABLE, MONOTONIC },
		{ CLOCK_MONOTONIC, HRTIMER_MODE_REL_DEFERRABLE, MONOTONIC },
		{ CLOCK_REALTIME, HRTIMER_MODE_ABS_DEFERRABLE, REALTIME },
		{ CLOCK_REALTIME, HRTIMER_MODE_REL_DEFERRABLE, MONOTONIC },
		{ CLOCK_BOOTTIME, HRTIMER_MODE_ABS_DEFERRABLE, BOOTTIME },
		{ CLOCK_TAI, HRTIMER_MODE_ABS_DEFERRABLE, TAI },
	};
	struct hrtimer timer;

	for (int i = 0; i < ARRAY_SIZE(modes); i++) {
		hrtimer_init_on_stack(&timer, modes[i].clock, modes[i].mode);
		KUNIT_EXPECT_EQ_MSG(test, timer.base->index, modes[i].index, "case %d", i);
		KUNIT_EXPECT_EQ_MSG(test, timer.base->clockid,
				    modes[i].index == MONOTONIC ? CLOCK_MONOTONIC : modes[i].clock,
				    "case %d", i);
		KUNIT_EXPECT_TRUE(test, hrtimer_is_deferrable(&timer));
		KUNIT_EXPECT_TRUE(test, timer.is_soft);
		KUNIT_EXPECT_FALSE(test, timer.is_hard);
		destroy_hrtimer_on_stack(&timer);
	}
	KUNIT_EXPECT_GT(test, (int)MONOTONIC, (int)HRTIMER_BASE_TAI_SOFT);

	hrtimer_init_on_stack(&timer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS);
	KUNIT_EXPECT_FALSE(test, hrtimer_is_deferrable(&timer));
	KUNIT_EXPECT_LT(test, (int)timer.base->index, (int)MONOTONIC);
	destroy_hrtimer_on_stack(&timer);
}

static void first_of_none(struct kunit *test)
{
	struct hrtimer_cpu_base *bases = make_bases(test);

	KUNIT_EXPECT_EQ(test, hrtimer_deferrable_first(bases), KTIME_MAX);
	/* Ordinary timers are none of ours. */
	add(test, bases, HRTIMER_BASE_MONOTONIC, 10);
	add(test, bases, HRTIMER_BASE_REALTIME_SOFT, 10);
	KUNIT_EXPECT_EQ(test, hrtimer_deferrable_first(bases), KTIME_MAX);
}

/* 6500 in CLOCK_REALTIME is 1500, 1400 in CLOCK_BOOTTIME is 1300, 6037 in CLOCK_TAI is 1000. */
static void first_of_all_clocks(struct kunit *test)
{
	struct hrtimer_cpu_base *bases = make_bases(test);

	add(test, bases, REALTIME, 6500);
	KUNIT_EXPECT_EQ(test, hrtimer_deferrable_first(bases), 1500);
	add(test, bases, REALTIME, 6600);
	KUNIT_EXPECT_EQ(test, hrtimer_deferrable_first(bases), 1500);
	add(test, bases, BOOTTIME, 1400);
	KUNIT_EXPECT_EQ(test, hrtimer_deferrable_first(bases), 1300);
	add(test, bases, MONOTONIC, 1200);
	KUNIT_EXPECT_EQ(test, hrtimer_deferrable_first(bases), 1200);
	add(test, bases, TAI, 6037);
	KUNIT_EXPECT_EQ(test, hrtimer_deferrable_first(bases), 1000);
	/* Before CLOCK_MONOTONIC began. */
	add(test, bases, REALTIME, 4000);
	KUNIT_EXPECT_EQ(test, hrtimer_deferrable_first(bases), 0);
	hrtimer_deferrable_clear(bases);
	KUNIT_EXPECT_EQ(test, bases->deferrable_next, KTIME_MAX);
}

/* CLOCK_REALTIME is set 1000 back, CLOCK_TAI with it; what is due at 6500 now is due at 2500. */
static void clock_set(struct kunit *test)
{
	struct hrtimer_cpu_base *bases = make_bases(test);

	add(test, bases, REALTIME, 6500);
	add(test, bases, BOOTTIME, 3100);
	hrtimer_deferrable_update(bases);
	KUNIT_EXPECT_EQ(test, bases->deferrable_next, 1500);

	bases->clock_base[HRTIMER_BASE_REALTIME].offset -= 1000;
	bases->clock_base[HRTIMER_BASE_TAI].offset -= 1000;
	hrtimer_deferrable_update_offsets(bases);
	KUNIT_EXPECT_EQ(test, bases->deferrable_next, 2500);
	KUNIT_EXPECT_EQ(test, bases->clock_base[TAI].offset, 4037);

	/* Suspend adds to CLOCK_BOOTTIME: 3100 comes 2000 earlier, at 1000. */
	bases->clock_base[HRTIMER_BASE_BOOTTIME].offset += 2000;
	hrtimer_deferrable_update_offsets(bases);
	KUNIT_EXPECT_EQ(test, bases->deferrable_next, 1000);
}

static void due_at_its_time(struct kunit *test)
{
	struct hrtimer_cpu_base *bases = make_bases(test);
	struct hrtimer *late = add(test, bases, TAI, 6037);
	struct hrtimer *early = add(test, bases, BOOTTIME, 600);
	ktime_t basenow;

	KUNIT_EXPECT_NULL(test, hrtimer_deferrable_due(bases, 499, &basenow));
	KUNIT_EXPECT_PTR_EQ(test, hrtimer_deferrable_due(bases, 500, &basenow), early);
	KUNIT_EXPECT_EQ(test, basenow, 600);
	KUNIT_EXPECT_PTR_EQ(test, hrtimer_deferrable_due(bases, 5000, &basenow), early);

	timerqueue_del(&early->base->active, &early->node);
	bases->active_bases &= ~BIT(BOOTTIME);
	KUNIT_EXPECT_NULL(test, hrtimer_deferrable_due(bases, 999, &basenow));
	KUNIT_EXPECT_PTR_EQ(test, hrtimer_deferrable_due(bases, 1000, &basenow), late);
	KUNIT_EXPECT_EQ(test, basenow, 6037);
}

/* The first timer is due at 30 ms and may wait for 20 ms, so the CPU wakes up at 50 ms. */
static void limit_examples(struct kunit *test)
{
	static const struct {
		u64 next_tick, basemono, expected;	/* ms */
	} cases[] = {
		{ 1000, 0, 50 },
		{ 1000, 49, 50 },
		{ 1000, 60, 60 },	/* too late already, but never before the last tick */
		{ 40, 0, 40 },		/* something else is earlier */
		{ 50, 0, 50 },
	};
	struct hrtimer_cpu_base *bases = make_bases(test);

	for (int i = 0; i < ARRAY_SIZE(cases); i++)
		KUNIT_EXPECT_EQ_MSG(test, __hrtimer_deferrable_limit(bases, KTIME_MAX,
								     cases[i].basemono, 20),
				    KTIME_MAX, "case %d without a timer", i);
	add(test, bases, MONOTONIC, 30 * NSEC_PER_MSEC);
	/* As a cancelled timer leaves it. */
	bases->deferrable_next = 0;
	for (int i = 0; i < ARRAY_SIZE(cases); i++)
		KUNIT_EXPECT_EQ_MSG(test, cases[i].expected * NSEC_PER_MSEC,
				    __hrtimer_deferrable_limit(bases,
							       cases[i].next_tick * NSEC_PER_MSEC,
							       cases[i].basemono * NSEC_PER_MSEC,
							       20),
				    "case %d", i);
}

static void limit_never_wraps(struct kunit *test)
{
	struct hrtimer_cpu_base *bases = make_bases(test);
	struct rnd_state rnd;

	prandom_seed_state(&rnd, 20261124);
	add(test, bases, MONOTONIC, KTIME_MAX - 1);
	KUNIT_EXPECT_EQ(test, __hrtimer_deferrable_limit(bases, KTIME_MAX, 0, INT_MAX), KTIME_MAX);

	for (int i = 0; i < 10000; i++) {
		u64 first = prandom_u32_state(&rnd) * 1000ULL;
		u64 basemono = prandom_u32_state(&rnd) * 1000ULL;
		u64 next_tick = basemono + prandom_u32_state(&rnd) * 1000ULL;
		unsigned int max_ms = 1 + prandom_u32_state(&rnd) % INT_MAX;
		struct hrtimer *timer = add(test, bases, MONOTONIC, first);
		u64 limit = __hrtimer_deferrable_limit(bases, next_tick, basemono, max_ms);

		KUNIT_ASSERT_GE(test, limit, basemono);
		KUNIT_ASSERT_LE(test, limit, next_tick);
		if (limit != basemono && limit != next_tick)
			KUNIT_ASSERT_EQ(test, limit, first + max_ms * 1000000ULL);
		timerqueue_del(&timer->base->active, &timer->node);
		kunit_kfree(test, timer);
	}
}

#ifdef CONFIG_SMP
static unsigned int count(struct hrtimer_clock_base *base)
{
	struct timerqueue_node *node;
	unsigned int n = 0;

	for (node = timerqueue_getnext(&base->active); node; node = timerqueue_iterate_next(node))
		n++;
	return n;
}

static unsigned int move(struct hrtimer_cpu_base *from, struct hrtimer_cpu_base *to, int index,
			 ktime_t now, unsigned int left)
{
	return hrtimer_deferrable_move(&from->clock_base[index], &to->clock_base[index], now, left);
}

/* Five timers, due at 1000, 1010, ... 1040. */
static void pull_moves_what_is_due(struct kunit *test)
{
	struct hrtimer_cpu_base *from = make_bases(test), *to = make_bases(test);
	struct hrtimer *first, *later;

	first = add(test, from, REALTIME, 6000);
	for (int i = 1; i < 5; i++)
		later = add(test, from, REALTIME, 6000 + 10 * i);

	KUNIT_EXPECT_EQ(test, move(from, to, REALTIME, 999, 64), 0);
	KUNIT_EXPECT_EQ(test, to->active_bases, 0);
	KUNIT_EXPECT_EQ(test, move(from, to, REALTIME, 1020, 2), 2);
	KUNIT_EXPECT_PTR_EQ(test, first->base, &to->clock_base[REALTIME]);
	KUNIT_EXPECT_EQ(test, first->state, HRTIMER_STATE_ENQUEUED);
	KUNIT_EXPECT_EQ(test, move(from, to, REALTIME, 1020, 64), 1);
	KUNIT_EXPECT_EQ(test, count(&to->clock_base[REALTIME]), 3);
	KUNIT_EXPECT_EQ(test, count(&from->clock_base[REALTIME]), 2);
	KUNIT_EXPECT_EQ(test, to->active_bases, BIT(REALTIME));
	KUNIT_EXPECT_EQ(test, from->active_bases, BIT(REALTIME));
	KUNIT_EXPECT_PTR_EQ(test, later->base, &from->clock_base[REALTIME]);

	KUNIT_EXPECT_EQ(test, move(from, to, REALTIME, 5000, 64), 2);
	KUNIT_EXPECT_EQ(test, from->active_bases, 0);
	KUNIT_EXPECT_EQ(test, count(&to->clock_base[REALTIME]), 5);
}

static void pull_leaves_a_running_timer(struct kunit *test)
{
	struct hrtimer_cpu_base *from = make_bases(test), *to = make_bases(test);
	struct hrtimer *timer = add(test, from, MONOTONIC, 1000);

	from->clock_base[MONOTONIC].running = timer;
	KUNIT_EXPECT_EQ(test, move(from, to, MONOTONIC, 5000, 64), 0);
	KUNIT_EXPECT_PTR_EQ(test, timer->base, &from->clock_base[MONOTONIC]);
	from->clock_base[MONOTONIC].running = NULL;
	KUNIT_EXPECT_EQ(test, move(from, to, MONOTONIC, 5000, 64), 1);
}
#endif

static struct kunit_case cases[] = {
	KUNIT_CASE(base_of_mode),
	KUNIT_CASE(first_of_none),
	KUNIT_CASE(first_of_all_clocks),
	KUNIT_CASE(clock_set),
	KUNIT_CASE(due_at_its_time),
	KUNIT_CASE(limit_examples),
	KUNIT_CASE(limit_never_wraps),
#ifdef CONFIG_SMP
	KUNIT_CASE(pull_moves_what_is_due),
	KUNIT_CASE(pull_leaves_a_running_timer),
#endif
	{}
};

static struct kunit_suite hrtimer_deferrable_suite = {
	.name = "hrtimer_deferrable",
	.test_cases = cases,
};

kunit_test_suite(hrtimer_deferrable_suite);
