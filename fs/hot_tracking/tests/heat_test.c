// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of the arithmetic of heat.
 *
 * One unit is 1/256 request, so a request is 256 units. What becomes of it, an epoch (1/8
 * half-life) a column, each time rounded down:
 *
 *	epochs	0	1	2	3	4	5	6	7	8
 *	exact	256	234.75	215.27	197.40	181.02	165.995	152.22	139.58	128
 *	units	256	234	215	197	181	165	152	139	128
 */
#include <kunit/test.h>
#include <linux/prandom.h>

#include "../heat.h"

#define HALF_LIFE	HOT_EPOCHS_PER_HALF_LIFE

/* Heats at which shifts, factors and carries change, then random ones of all magnitudes. */
#define EDGES		10
#define HEATS		200

static u32 heat_number(struct rnd_state *rnd, int i)
{
	static const u32 edges[EDGES] = {
		0, 1, 2, HOT_ONE - 1, HOT_ONE, 0xffff, 0x10000, 0x7fffffff, 0x80000000,
		HOT_HEAT_MAX,
	};

	return i < EDGES ? edges[i] : prandom_u32_state(rnd) >> (i % 32);
}

static void request_cools(struct kunit *test)
{
	static const u32 units[] = { 256, 234, 215, 197, 181, 165, 152, 139, 128 };

	for (u32 k = 0; k < ARRAY_SIZE(units); k++) {
		KUNIT_EXPECT_EQ_MSG(test, hot_decay(HOT_ONE, k), units[k], "%u epochs", k);
		KUNIT_EXPECT_EQ_MSG(test, hot_decay(HOT_ONE, k + HALF_LIFE), units[k] / 2,
				    "%u epochs", k + HALF_LIFE);
	}
	/* 256 = 2^8 is 1 after 8 half-lives and nothing an epoch later. */
	KUNIT_EXPECT_EQ(test, hot_decay(HOT_ONE, 8 * HALF_LIFE), 1);
	KUNIT_EXPECT_EQ(test, hot_decay(HOT_ONE, 8 * HALF_LIFE + 1), 0);
}

/* Whether base^8 >= 2^bits, for a base of at most 18 bits: in five digits of 32 bits each. */
static bool power8_reaches(u32 base, unsigned int bits)
{
	u32 digit[5] = { 1 };

	for (int i = 0; i < 8; i++) {
		u64 carry = 0;

		for (int j = 0; j < ARRAY_SIZE(digit); j++) {
			carry += (u64)digit[j] * base;
			digit[j] = carry;
			carry >>= 32;
		}
	}
	for (; bits < 32 * ARRAY_SIZE(digit); bits++) {
		if (digit[bits / 32] & BIT(bits % 32))
			return true;
	}
	return false;
}

/*
 * The factor f for k epochs is the whole number nearest to 2^(16 - k/8), that is
 * f - 1/2 < 2^(16 - k/8) < f + 1/2. Twice that, to the power of eight, needs whole numbers only:
 *
 *	(2f - 1)^8 < 2^(136 - k) < (2f + 1)^8
 *
 * for example k = 4, f = 46341: 92681^8 = 5.4441e39 < 2^132 = 5.4445e39 < 92683^8 = 5.4450e39.
 */
static void factors_are_exact(struct kunit *test)
{
	KUNIT_ASSERT_TRUE(test, power8_reaches(2, 8));
	KUNIT_ASSERT_FALSE(test, power8_reaches(2, 9));
	KUNIT_ASSERT_TRUE(test, power8_reaches(1U << 17, 136));
	KUNIT_ASSERT_FALSE(test, power8_reaches((1U << 17) - 1, 136));

	for (u32 k = 0; k < HALF_LIFE; k++) {
		u32 factor = hot_decay(1U << 16, k);

		KUNIT_EXPECT_FALSE_MSG(test, power8_reaches(2 * factor - 1, 136 - k),
				       "factor %u of %u epochs is too large", factor, k);
		KUNIT_EXPECT_TRUE_MSG(test, power8_reaches(2 * factor + 1, 136 - k),
				      "factor %u of %u epochs is too small", factor, k);
	}
}

/* With more time there is never more, however much time; after 32 half-lives of 2^32 nothing. */
static void monotone_in_time(struct kunit *test)
{
	static const u32 late[] = { 256, 257, 511, 0x7fffffff, 0x80000000, U32_MAX - 7, U32_MAX };
	struct rnd_state rnd;

	prandom_seed_state(&rnd, 20261125);
	for (int i = 0; i < HEATS; i++) {
		u32 heat = heat_number(&rnd, i), before = heat;

		KUNIT_ASSERT_EQ(test, hot_decay(heat, 0), heat);
		for (u32 epochs = 1; epochs < 32 * HALF_LIFE; epochs++) {
			u32 after = hot_decay(heat, epochs);

			if (after > before)
				KUNIT_FAIL(test, "%u decays to %u in %u epochs, to %u in %u", heat,
					   before, epochs - 1, after, epochs);
			before = after;
		}
		for (int j = 0; j < ARRAY_SIZE(late); j++)
			KUNIT_EXPECT_EQ_MSG(test, hot_decay(heat, late[j]), 0, "%u after %u epochs",
					    heat, late[j]);
	}
	KUNIT_EXPECT_EQ(test, hot_decay(HOT_HEAT_MAX, 32 * HALF_LIFE - 1), 1);
}

/* The hotter one stays the hotter one. */
static void monotone_in_heat(struct kunit *test)
{
	struct rnd_state rnd;

	prandom_seed_state(&rnd, 20261126);
	for (int i = 0; i < 5000; i++) {
		u32 epochs = prandom_u32_state(&rnd) % (32 * HALF_LIFE + 8);
		u32 a = heat_number(&rnd, i % HEATS), b = heat_number(&rnd, EDGES + i % 32);
		u32 less = min(a, b), more = max(a, b);

		if (hot_decay(less, epochs) > hot_decay(more, epochs))
			KUNIT_FAIL(test, "%u stays above %u in %u epochs", less, more, epochs);
		if (more < HOT_HEAT_MAX && hot_decay(more, epochs) > hot_decay(more + 1, epochs))
			KUNIT_FAIL(test, "%u stays above %u in %u epochs", more, more + 1, epochs);
	}
}

/* Eight epochs more are exactly a half, rounded down: 1001 -> 500 -> 250 -> 125 -> 62. */
static void halves_in_a_half_life(struct kunit *test)
{
	struct rnd_state rnd;

	KUNIT_EXPECT_EQ(test, hot_decay(1001, 1 * HALF_LIFE), 500);
	KUNIT_EXPECT_EQ(test, hot_decay(1001, 4 * HALF_LIFE), 62);

	prandom_seed_state(&rnd, 20261127);
	for (int i = 0; i < HEATS; i++) {
		u32 heat = heat_number(&rnd, i);

		for (u32 epochs = 0; epochs < 32 * HALF_LIFE; epochs++) {
			u32 half = hot_decay(heat, epochs) / 2;

			if (hot_decay(heat, epochs + HALF_LIFE) != half)
				KUNIT_FAIL(test, "%u is %u after %u epochs, not %u", heat,
					   hot_decay(heat, epochs + HALF_LIFE), epochs + HALF_LIFE,
					   half);
		}
	}
}

/*
 * Heat that is looked at often ends as heat does that is looked at once, but for rounding:
 * 1000 -> 771 in 3 epochs at once, 1000 -> 917 -> 840 -> 770 one by one. Each look takes less than
 * one unit, and of what has more than 16 bits it may take or give one part in 2^16 because the
 * factors have no more.
 */
static void lazy_or_not(struct kunit *test)
{
	struct rnd_state rnd;

	KUNIT_EXPECT_EQ(test, hot_decay(1000, 3), 771);
	KUNIT_EXPECT_EQ(test, hot_decay(hot_decay(hot_decay(1000, 1), 1), 1), 770);

	prandom_seed_state(&rnd, 20261128);
	for (int i = 0; i < 2000; i++) {
		u32 heat = heat_number(&rnd, i % HEATS), unit = 1 + (heat >> 16);
		u32 looks = 2 + prandom_u32_state(&rnd) % 63, epochs = 0, left = heat;

		for (u32 n = 0; n < looks; n++) {
			u32 step = prandom_u32_state(&rnd) % 12;

			left = hot_decay(left, step);
			epochs += step;
		}
		if (abs_diff(left, hot_decay(heat, epochs)) > looks * unit)
			KUNIT_FAIL(test, "%u in %u epochs: %u in %u looks, %u at once", heat,
				   epochs, left, looks, hot_decay(heat, epochs));
	}
}

/* All heat ends, however often it is looked at: rounding never holds it up. */
static void ends(struct kunit *test)
{
	u32 left = HOT_HEAT_MAX, epochs = 0;

	for (; left && epochs <= 32 * HALF_LIFE; epochs++) {
		u32 after = hot_decay(left, 1);

		KUNIT_ASSERT_LT(test, after, left);
		left = after;
	}
	KUNIT_EXPECT_EQ_MSG(test, left, 0, "after %u epochs", epochs);
}

static void add_reads(struct hot_heat *heat, u32 units, u32 epoch)
{
	hot_heat_add(heat, units, 0, epoch);
}

/*
 * A request in each epoch adds 1 to what 2^(-1/8) is left of, which settles at
 * 1/(1 - 0.917) = 12.05 requests. Rounding takes less than a unit an epoch, so less than 12 units
 * of that, 0.05 requests.
 *
 * This is what the fraction bits are for. Were heat counted in whole requests, the 1 of the first
 * would be rounded down to nothing in each epoch, 1 * 0.917 = 0, and a file with one request an
 * epoch would never look hotter than one with a single request.
 */
static void steady_rate_settles(struct kunit *test)
{
	struct hot_heat heat = { }, whole = { };
	u32 before = 0;

	for (u32 epoch = 0; epoch < 200; epoch++) {
		before = heat.reads;
		add_reads(&heat, HOT_ONE, epoch);
		KUNIT_ASSERT_GE(test, heat.reads, before);
		add_reads(&whole, 1, epoch);
	}
	KUNIT_EXPECT_EQ(test, heat.reads, before);
	KUNIT_EXPECT_GE(test, heat.reads, 11 * HOT_ONE);
	KUNIT_EXPECT_LE(test, heat.reads, 13 * HOT_ONE);
	KUNIT_EXPECT_EQ(test, whole.reads, 1);
	KUNIT_EXPECT_EQ(test, heat.writes, 0);

	/* From above it comes to the same: what was is forgotten. */
	heat = (struct hot_heat) { .reads = 5000 * HOT_ONE };
	for (u32 epoch = 0; epoch < 200; epoch++)
		add_reads(&heat, HOT_ONE, epoch);
	KUNIT_EXPECT_GE(test, heat.reads, before);
	KUNIT_EXPECT_LE(test, heat.reads, 13 * HOT_ONE);
}

/* One in each half-life: 1 + 1/2 + 1/4 + ... = 2, less one unit, since 511 / 2 + 256 = 511. */
static void rare_requests_settle(struct kunit *test)
{
	struct hot_heat heat = { };

	for (u32 n = 0; n < 64; n++)
		add_reads(&heat, HOT_ONE, n * HALF_LIFE);
	KUNIT_EXPECT_EQ(test, heat.reads, 2 * HOT_ONE - 1);
}

/* 4095, 4096, 4097 requests are just that; 2^24 are 2^32 units, one more than there can be. */
static void saturates(struct kunit *test)
{
	struct hot_heat heat = { .writes = 7 };

	for (u32 n = 1; n <= 4097; n++) {
		add_reads(&heat, HOT_ONE, 0);
		KUNIT_ASSERT_EQ(test, heat.reads, n * HOT_ONE);
	}
	/* The rest in steps of 4095 requests, then one by one. */
	for (u32 n = 4097 + 4095; n < 1U << 24; n += 4095) {
		add_reads(&heat, 4095 * HOT_ONE, 0);
		KUNIT_ASSERT_EQ(test, heat.reads, n * HOT_ONE);
	}
	while (heat.reads < HOT_HEAT_MAX - (HOT_ONE - 1)) {
		u32 before = heat.reads;

		add_reads(&heat, HOT_ONE, 0);
		KUNIT_ASSERT_EQ(test, heat.reads, before + HOT_ONE);
	}
	KUNIT_EXPECT_EQ(test, heat.reads, ((1U << 24) - 1) * HOT_ONE);
	for (int n = 0; n < 3; n++) {
		add_reads(&heat, HOT_ONE, 0);
		KUNIT_EXPECT_EQ(test, heat.reads, HOT_HEAT_MAX);
	}
	add_reads(&heat, HOT_HEAT_MAX, 0);
	KUNIT_EXPECT_EQ(test, heat.reads, HOT_HEAT_MAX);
	KUNIT_EXPECT_EQ(test, heat.writes, 7);

	/* It cools from there as anything does. */
	hot_heat_age(&heat, HALF_LIFE);
	KUNIT_EXPECT_EQ(test, heat.reads, HOT_HEAT_MAX / 2);
	hot_heat_add(&heat, 0, HOT_HEAT_MAX, HALF_LIFE);
	KUNIT_EXPECT_EQ(test, heat.writes, HOT_HEAT_MAX);
	KUNIT_EXPECT_EQ(test, heat.reads, HOT_HEAT_MAX / 2);
}

/* Reads and writes cool together; an epoch that is past changes nothing, nor does the same one. */
static void ages_once(struct kunit *test)
{
	struct hot_heat heat = { .epoch = 100, .reads = 400, .writes = 1000 };

	for (int n = 0; n < 3; n++) {
		hot_heat_age(&heat, 100 + HALF_LIFE);
		KUNIT_EXPECT_EQ(test, heat.epoch, 100 + HALF_LIFE);
		KUNIT_EXPECT_EQ(test, heat.reads, 200);
		KUNIT_EXPECT_EQ(test, heat.writes, 500);
	}
	hot_heat_age(&heat, 100);
	KUNIT_EXPECT_EQ(test, heat.epoch, 100 + HALF_LIFE);
	KUNIT_EXPECT_EQ(test, heat.reads, 200);
	KUNIT_EXPECT_EQ(test, heat.writes, 500);
}

/*
 * Another CPU's requests may arrive when heat is up to a later epoch already: they count what is
 * left of them, and heat stays where it is. At epoch 100: 10 requests, then 4 reads and 2 writes of
 * epoch 92, which are 2 and 1 by now.
 */
static void late_requests_have_cooled(struct kunit *test)
{
	struct hot_heat heat = { };

	hot_heat_add(&heat, 10 * HOT_ONE, 0, 100);
	hot_heat_add(&heat, 4 * HOT_ONE, 2 * HOT_ONE, 100 - HALF_LIFE);
	KUNIT_EXPECT_EQ(test, heat.epoch, 100);
	KUNIT_EXPECT_EQ(test, heat.reads, 12 * HOT_ONE);
	KUNIT_EXPECT_EQ(test, heat.writes, HOT_ONE);
	hot_heat_add(&heat, HOT_HEAT_MAX, HOT_HEAT_MAX, 100 - 32 * HALF_LIFE);
	KUNIT_EXPECT_EQ(test, heat.reads, 12 * HOT_ONE);
	KUNIT_EXPECT_EQ(test, heat.writes, HOT_ONE);
}

/* The order in which requests arrive changes their heat by no more than the rounding of each. */
static void order_does_not_matter(struct kunit *test)
{
	enum { N = 16 };
	struct rnd_state rnd;

	prandom_seed_state(&rnd, 20261129);
	for (int i = 0; i < 500; i++) {
		struct hot_heat forward = { .epoch = 1000 }, backward = { .epoch = 1000 };
		u32 epoch[N], units[N];

		for (int n = 0; n < N; n++) {
			epoch[n] = 1000 + prandom_u32_state(&rnd) % 64;
			units[n] = prandom_u32_state(&rnd) % (4 * HOT_ONE);
		}
		for (int n = 0; n < N; n++) {
			add_reads(&forward, units[n], epoch[n]);
			add_reads(&backward, units[N - 1 - n], epoch[N - 1 - n]);
		}
		KUNIT_ASSERT_EQ(test, forward.epoch, backward.epoch);
		if (abs_diff(forward.reads, backward.reads) > N)
			KUNIT_FAIL(test, "case %d: %u or %u", i, forward.reads, backward.reads);
	}
}

/* Only differences of epochs count, so the last epoch before 0 is an epoch like others. */
static void epochs_wrap(struct kunit *test)
{
	static const u32 begin[] = { 0, U32_MAX - 100, U32_MAX - 3, 0x7ffffff0 };
	struct hot_heat expected = { };
	struct rnd_state rnd;

	for (int i = 0; i < ARRAY_SIZE(begin); i++) {
		struct hot_heat heat = { .epoch = begin[i] };

		prandom_seed_state(&rnd, 20261130);
		for (int n = 0; n < 500; n++) {
			/* Forward by up to 7, and up to 3 of that late. */
			u32 epoch = begin[i] + n * 5 + prandom_u32_state(&rnd) % 8;

			hot_heat_add(&heat, prandom_u32_state(&rnd) % 5000,
				     prandom_u32_state(&rnd) % 5000, epoch);
		}
		if (!i)
			expected = heat;
		KUNIT_EXPECT_EQ_MSG(test, heat.reads, expected.reads, "from epoch %u", begin[i]);
		KUNIT_EXPECT_EQ_MSG(test, heat.writes, expected.writes, "from epoch %u", begin[i]);
		KUNIT_EXPECT_EQ_MSG(test, heat.epoch - begin[i], expected.epoch, "from epoch %u",
				    begin[i]);
	}
	/* There is something to compare: what the last request alone may not have left. */
	KUNIT_EXPECT_GT(test, expected.reads, 1000);
	KUNIT_EXPECT_GT(test, expected.writes, 1000);
}

/* The longest time that is not taken for the past: 2^31 - 1 epochs, 8 years if they are short. */
static void idle_for_years(struct kunit *test)
{
	struct hot_heat heat = { .epoch = 5, .reads = HOT_HEAT_MAX, .writes = HOT_HEAT_MAX };

	hot_heat_add(&heat, HOT_ONE, 0, 5U + INT_MAX);
	KUNIT_EXPECT_EQ(test, heat.epoch, 5U + INT_MAX);
	KUNIT_EXPECT_EQ(test, heat.reads, HOT_ONE);
	KUNIT_EXPECT_EQ(test, heat.writes, 0);
	/* And a request that is as late. */
	hot_heat_add(&heat, HOT_HEAT_MAX, HOT_HEAT_MAX, 5);
	KUNIT_EXPECT_EQ(test, heat.epoch, 5U + INT_MAX);
	KUNIT_EXPECT_EQ(test, heat.reads, HOT_ONE);
	KUNIT_EXPECT_EQ(test, heat.writes, 0);
}

static void rank_by_flags(struct kunit *test)
{
	struct hot_heat heat = { .reads = 30, .writes = 4 };

	KUNIT_EXPECT_EQ(test, hot_rank(&heat, 0), 34);
	KUNIT_EXPECT_EQ(test, hot_rank(&heat, HOT_BY_READS), 30);
	KUNIT_EXPECT_EQ(test, hot_rank(&heat, HOT_BY_WRITES), 4);
	KUNIT_EXPECT_EQ(test, hot_rank(&heat, HOT_BY_READS | HOT_BY_WRITES), 34);
	/* Flags that have nothing to do with it. */
	KUNIT_EXPECT_EQ(test, hot_rank(&heat, HOT_OF_RANGES), 34);
	KUNIT_EXPECT_EQ(test, hot_rank(&heat, HOT_OF_RANGES | HOT_BY_WRITES), 4);

	heat = (struct hot_heat) { .reads = HOT_HEAT_MAX, .writes = HOT_HEAT_MAX };
	KUNIT_EXPECT_EQ(test, hot_rank(&heat, 0), 2ULL * HOT_HEAT_MAX);
	KUNIT_EXPECT_EQ(test, hot_rank(&heat, HOT_BY_READS), HOT_HEAT_MAX);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(request_cools),
	KUNIT_CASE(factors_are_exact),
	KUNIT_CASE(monotone_in_time),
	KUNIT_CASE(monotone_in_heat),
	KUNIT_CASE(halves_in_a_half_life),
	KUNIT_CASE(lazy_or_not),
	KUNIT_CASE(ends),
	KUNIT_CASE(steady_rate_settles),
	KUNIT_CASE(rare_requests_settle),
	KUNIT_CASE(saturates),
	KUNIT_CASE(ages_once),
	KUNIT_CASE(late_requests_have_cooled),
	KUNIT_CASE(order_does_not_matter),
	KUNIT_CASE(epochs_wrap),
	KUNIT_CASE(idle_for_years),
	KUNIT_CASE(rank_by_flags),
	{}
};

static struct kunit_suite heat_suite = {
	.name = "hot_tracking_heat",
	.test_cases = cases,
};

kunit_test_suite(heat_suite);
