// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of the table of ranges.
 *
 * The smallest table has 512 sets of 4 slots. A range belongs to the set that the low bits of its
 * hash name, so when the table grows, what is in set 0 stays or goes to set 512, and so on:
 *
 *	 512 sets	0			1		...	511
 *	1024 sets	0	 512		1	 513	...	511	 1023
 *	2048 sets	0 1024	 512 1536	1 1025	 513 1537 ...	511 1535 1023 2047
 */
#include <kunit/test.h>
#include <linux/bitmap.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/prandom.h>
#include <linux/sched.h>

#include "../ranges.h"

#define SETS	HOT_STRIPES
#define SLOTS	(SETS * HOT_WAYS)
#define BYTES	((u64)HOT_TABLE_BYTES_MIN)

KUNIT_DEFINE_ACTION_WRAPPER(free_table, hot_table_free, struct hot_table *);
KUNIT_DEFINE_ACTION_WRAPPER(free_memory, kvfree, const void *);

static struct hot_table *make_table(struct kunit *test, u64 bytes)
{
	struct hot_table *table = hot_table_alloc(bytes);

	KUNIT_ASSERT_NOT_NULL(test, table);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, free_table, table), 0);
	return table;
}

static void *make_memory(struct kunit *test, size_t bytes)
{
	void *memory = kvzalloc(bytes, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, memory);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, free_memory, memory), 0);
	return memory;
}

static void add(struct hot_table *table, u32 id, u64 index, u32 reads, u32 epoch)
{
	hot_table_add(table, id, index, reads, 0, epoch);
}

/* Read heat of a range, 0 if it has none. */
static u32 reads_of(struct hot_table *table, u32 id, u64 index)
{
	struct hot_heat heat;

	return hot_table_get(table, id, index, &heat) ? heat.reads : 0;
}

static struct hot_table_stats stats_of(struct hot_table *table)
{
	struct hot_table_stats stats;

	hot_table_stats(table, &stats);
	return stats;
}

static void expect_stats(struct kunit *test, struct hot_table *table, u64 used, u64 evicted)
{
	KUNIT_EXPECT_EQ(test, stats_of(table).used, used);
	KUNIT_EXPECT_EQ(test, stats_of(table).evicted, evicted);
}

/* Tests that need many ranges number them: 0 to 4 are the first ranges of five files, and so on. */
#define FILES	5

static u32 id_of(u32 number)
{
	return 1 + number % FILES;
}

static u64 index_of(u32 number)
{
	return number / FILES;
}

/*
 * What holds of any table: no range is in two slots, each is found where it is, and the counts are
 * those of the slots. The ranges have numbers less than @ranges.
 */
static void check_table(struct kunit *test, struct hot_table *table, u32 ranges)
{
	unsigned long *seen = make_memory(test, BITS_TO_LONGS(ranges) * sizeof(long));
	u64 sets = 0, used = 0;
	struct hot_heat heat;
	struct hot_set set;

	for (; hot_table_read_set(table, sets, &set); sets++) {
		for (int i = 0; i < HOT_WAYS; i++) {
			const struct hot_slot *slot = &set.slot[i];
			u64 number = slot->index * FILES + slot->id - 1;

			if (!slot->id)
				continue;
			used++;
			KUNIT_ASSERT_LT(test, number, ranges);
			KUNIT_ASSERT_FALSE_MSG(test, __test_and_set_bit(number, seen),
					       "range %llu is in two slots", number);
			KUNIT_ASSERT_TRUE_MSG(test, hot_table_get(table, slot->id, slot->index,
								  &heat),
					      "range %llu is not found in set %llu", number, sets);
			KUNIT_ASSERT_MEMEQ(test, &heat, &slot->heat, sizeof(heat));
		}
	}
	KUNIT_EXPECT_EQ(test, stats_of(table).used, used);
	KUNIT_EXPECT_EQ(test, stats_of(table).slots, sets * HOT_WAYS);
	KUNIT_EXPECT_EQ(test, hot_table_bytes(table), sets * HOT_WAYS * 24);
	kunit_release_action(test, free_memory, seen);
}

/* Ranges of file 1 that share set 0 of the smallest table: in set 0, 512, 1024 of a large one. */
static void ranges_of_a_set(struct kunit *test, u64 *index, int count)
{
	struct hot_table *table = make_table(test, 16 * BYTES);
	struct hot_set set;
	int found = 0;

	for (u64 i = 0; i < 4 * SLOTS; i++)
		add(table, 1, i, HOT_ONE, 0);
	for (u32 n = 0; found < count && hot_table_read_set(table, n, &set); n += SETS) {
		for (int i = 0; i < HOT_WAYS && found < count; i++) {
			if (set.slot[i].id)
				index[found++] = set.slot[i].index;
		}
	}
	KUNIT_ASSERT_EQ(test, found, count);
	kunit_release_action(test, free_table, table);
}

/* The largest power of two of slots that fits, 24 bytes each. */
static void takes_the_memory_it_may(struct kunit *test)
{
	static const struct {
		u64 bytes, used;
	} sizes[] = {
		{ BYTES, BYTES }, { 2 * BYTES - 1, BYTES }, { 2 * BYTES, 2 * BYTES },
		{ 3 * BYTES, 2 * BYTES }, { 4 * BYTES - 1, 2 * BYTES }, { 5 * BYTES, 4 * BYTES },
	};
	struct hot_table *resized = make_table(test, BYTES);

	KUNIT_EXPECT_EQ(test, BYTES, 49152);
	for (int i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct hot_table *table = make_table(test, sizes[i].bytes);

		KUNIT_EXPECT_EQ(test, hot_table_bytes(table), sizes[i].used);
		check_table(test, table, 1);
		KUNIT_EXPECT_EQ(test, hot_table_resize(resized, sizes[i].bytes), 0);
		KUNIT_EXPECT_EQ(test, hot_table_bytes(resized), sizes[i].used);
		check_table(test, resized, 1);
	}
}

/* A file has 2^47 ranges at most: it ends at 2^63, and a range has 2^16 bytes at least. */
static void finds_extremes(struct kunit *test)
{
	static const u32 ids[] = { 1, 2, 0x7fffffff, 0x80000000, U32_MAX };
	static const u64 indices[] = {
		0, 1, BIT_ULL(31), BIT_ULL(32), BIT_ULL(47) - 1, BIT_ULL(47), U64_MAX,
	};
	struct hot_table *table = make_table(test, 4 * BYTES);
	struct hot_heat heat;
	u32 n = 0;

	for (int i = 0; i < ARRAY_SIZE(ids); i++) {
		for (int j = 0; j < ARRAY_SIZE(indices); j++) {
			KUNIT_EXPECT_FALSE(test, hot_table_get(table, ids[i], indices[j], &heat));
			n++;
			hot_table_add(table, ids[i], indices[j], 2 * n, 3 * n, n);
		}
	}
	expect_stats(test, table, n, 0);
	n = 0;
	for (int i = 0; i < ARRAY_SIZE(ids); i++) {
		for (int j = 0; j < ARRAY_SIZE(indices); j++) {
			n++;
			KUNIT_ASSERT_TRUE_MSG(test, hot_table_get(table, ids[i], indices[j], &heat),
					      "id %u, index %llu", ids[i], indices[j]);
			KUNIT_EXPECT_EQ(test, heat.epoch, n);
			KUNIT_EXPECT_EQ(test, heat.reads, 2 * n);
			KUNIT_EXPECT_EQ(test, heat.writes, 3 * n);
		}
	}
	KUNIT_EXPECT_FALSE(test, hot_table_get(table, 3, 0, &heat));
	KUNIT_EXPECT_FALSE(test, hot_table_get(table, 1, 2, &heat));
}

/* One request at a time is what hot_table_add() does with it: new, again, later, late, too hot. */
static void counts_one_request(struct kunit *test)
{
	static const struct {
		u32 epoch, heat;
	} steps[] = {
		{ 5 }, { 5 }, { 9 }, { 7 }, { 7, HOT_HEAT_MAX / 2 },
		{ 9, HOT_HEAT_MAX - HOT_ONE }, { 9 }, { 200 },
	};
	struct hot_table *one = make_table(test, BYTES), *other = make_table(test, BYTES);
	struct hot_heat a, b;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		u32 epoch = steps[i].epoch, heat = steps[i].heat;

		hot_table_add(one, 3, 1, heat, heat / 2, epoch);
		hot_table_add(other, 3, 1, heat, heat / 2, epoch);
		hot_table_count_read(one, 3, 1, epoch);
		hot_table_count_read(one, 3, 1, epoch);
		hot_table_count_write(one, 3, 1, epoch);
		add(other, 3, 1, HOT_ONE, epoch);
		add(other, 3, 1, HOT_ONE, epoch);
		hot_table_add(other, 3, 1, 0, HOT_ONE, epoch);
		KUNIT_ASSERT_TRUE(test, hot_table_get(one, 3, 1, &a));
		KUNIT_ASSERT_TRUE(test, hot_table_get(other, 3, 1, &b));
		KUNIT_EXPECT_MEMEQ(test, &a, &b, sizeof(a));
	}
	KUNIT_EXPECT_EQ(test, stats_of(one).used, 1);
	hot_table_count_read(one, 3, 2, 1);
	hot_table_count_write(one, 4, 1, 1);
	KUNIT_EXPECT_EQ(test, stats_of(one).used, 3);
	KUNIT_EXPECT_EQ(test, reads_of(one, 3, 2), HOT_ONE);
	KUNIT_EXPECT_EQ(test, reads_of(one, 4, 1), 0);
}

/* 2 requests, and 3 a half-life later: before these 1 is left of the first, after them it is 4. */
static void tells_the_change(struct kunit *test)
{
	struct hot_table *table = make_table(test, BYTES);
	struct hot_change change;

	hot_table_add_change(table, 1, 0, 2 * HOT_ONE, 0, 7, &change);
	KUNIT_EXPECT_EQ(test, change.before.reads, 0);
	KUNIT_EXPECT_EQ(test, change.after.reads, 2 * HOT_ONE);

	hot_table_add_change(table, 1, 0, 3 * HOT_ONE, 5, 7 + HOT_EPOCHS_PER_HALF_LIFE, &change);
	KUNIT_EXPECT_EQ(test, change.before.reads, HOT_ONE);
	KUNIT_EXPECT_EQ(test, change.before.writes, 0);
	KUNIT_EXPECT_EQ(test, change.before.epoch, 7 + HOT_EPOCHS_PER_HALF_LIFE);
	KUNIT_EXPECT_EQ(test, change.after.reads, 4 * HOT_ONE);
	KUNIT_EXPECT_EQ(test, change.after.writes, 5);
	KUNIT_EXPECT_EQ(test, reads_of(table, 1, 0), 4 * HOT_ONE);
}

/*
 * A full set, in requests:
 *
 *	range	heat		at epoch 80, 10 half-lives after epoch 0
 *	  0	100 at epoch  0	 0.1
 *	  1	  2 at epoch 64	 0.5
 *	  2	  1 at epoch 80	 1
 *	  3	 10 at epoch 80	10, these are writes
 *
 * The coldest is range 0, which was the hottest.
 */
static void fill_set(struct kunit *test, struct hot_table *table, const u64 *index)
{
	add(table, 1, index[0], 100 * HOT_ONE, 0);
	add(table, 1, index[1], 2 * HOT_ONE, 64);
	add(table, 1, index[2], HOT_ONE, 80);
	hot_table_add(table, 1, index[3], 0, 10 * HOT_ONE, 80);
	expect_stats(test, table, HOT_WAYS, 0);
}

/* Ranges 4, 5, ... come to that set at epoch 80 and find the coldest in it. */
static void coldest_gives_way(struct kunit *test)
{
	static const struct {
		u32 requests;
		int victim;
	} comes[] = {
		{ 5, 0 },	/*	     0.5  1  10  5 */
		{ 6, 1 },	/*		  1  10  5  6 */
		{ 3, 2 },	/*		     10  5  6  3 */
		{ 1, 6 },	/*		     10  5  6     1 */
		{ 20, 7 },	/*		     10  5  6        20 */
	};
	struct hot_table *table = make_table(test, BYTES);
	u64 index[HOT_WAYS + ARRAY_SIZE(comes)];
	struct hot_heat heat;

	ranges_of_a_set(test, index, ARRAY_SIZE(index));
	fill_set(test, table, index);
	for (int i = 0; i < ARRAY_SIZE(comes); i++) {
		int victim = comes[i].victim, newcomer = HOT_WAYS + i;

		KUNIT_ASSERT_TRUE(test, hot_table_get(table, 1, index[victim], &heat));
		add(table, 1, index[newcomer], comes[i].requests * HOT_ONE, 80);
		KUNIT_EXPECT_FALSE_MSG(test, hot_table_get(table, 1, index[victim], &heat),
				       "range %d outlived range %d's coming", victim, newcomer);
		/* Nothing of the victim's heat is left to it. */
		KUNIT_EXPECT_EQ(test, reads_of(table, 1, index[newcomer]),
				comes[i].requests * HOT_ONE);
		expect_stats(test, table, HOT_WAYS, i + 1);
	}
	/* More requests to those that are there take nobody's place. */
	add(table, 1, index[4], HOT_ONE, 80);
	KUNIT_EXPECT_EQ(test, reads_of(table, 1, index[4]), 6 * HOT_ONE);
	expect_stats(test, table, HOT_WAYS, ARRAY_SIZE(comes));
}

/*
 * Range 4 comes with requests of epoch 8, as a combiner or a loaded record may have them. Range 0
 * is the coldest nevertheless: the present of the others counts, not epoch 8, when it had 50.
 */
static void late_request_evicts_the_coldest(struct kunit *test)
{
	struct hot_table *table = make_table(test, BYTES);
	u64 index[HOT_WAYS + 1];

	ranges_of_a_set(test, index, ARRAY_SIZE(index));
	fill_set(test, table, index);
	add(table, 1, index[4], 5 * HOT_ONE, 8);
	KUNIT_EXPECT_EQ(test, reads_of(table, 1, index[0]), 0);
	KUNIT_EXPECT_EQ(test, reads_of(table, 1, index[1]), 2 * HOT_ONE);
	KUNIT_EXPECT_EQ(test, reads_of(table, 1, index[2]), HOT_ONE);
	KUNIT_EXPECT_EQ(test, reads_of(table, 1, index[4]), 5 * HOT_ONE);
	expect_stats(test, table, HOT_WAYS, 1);
}

/* Of thrice the ranges that fit each gets a slot at first: either a free one or another's. */
static void counts_used_and_evicted(struct kunit *test)
{
	struct hot_table *table = make_table(test, BYTES);

	for (u32 n = 0; n < 3 * SLOTS; n++) {
		add(table, id_of(n), index_of(n), HOT_ONE, 0);
		if (n % 512 == 511)
			KUNIT_ASSERT_EQ(test, stats_of(table).used + stats_of(table).evicted,
					n + 1);
	}
	KUNIT_EXPECT_LE(test, stats_of(table).used, SLOTS);
	check_table(test, table, 3 * SLOTS);
	for (u32 n = 0; n < 3 * SLOTS; n++) {
		u32 reads = reads_of(table, id_of(n), index_of(n));

		if (reads && reads != HOT_ONE)
			KUNIT_FAIL(test, "range %u has %u", n, reads);
	}
}

static void resizing_keeps_what_fits(struct kunit *test)
{
	static const u32 sizes[] = { 2, 8, 4, 1, 16, 1 };
	struct hot_table *table = make_table(test, BYTES);
	u32 *reads = make_memory(test, 2 * SLOTS * sizeof(*reads));
	struct hot_table_stats before;

	for (u32 n = 0; n < 2 * SLOTS; n++)
		add(table, id_of(n), index_of(n), n + 1, n % 16);
	for (u32 n = 0; n < 2 * SLOTS; n++)
		reads[n] = reads_of(table, id_of(n), index_of(n));
	before = stats_of(table);
	KUNIT_ASSERT_GT(test, before.used, SLOTS / 2);

	for (int i = 0; i < ARRAY_SIZE(sizes); i++) {
		KUNIT_ASSERT_EQ(test, hot_table_resize(table, sizes[i] * BYTES), 0);
		KUNIT_EXPECT_EQ(test, stats_of(table).slots, sizes[i] * SLOTS);
		expect_stats(test, table, before.used, before.evicted);
		check_table(test, table, 2 * SLOTS);
		for (u32 n = 0; n < 2 * SLOTS; n++)
			KUNIT_ASSERT_EQ_MSG(test, reads_of(table, id_of(n), index_of(n)), reads[n],
					    "range %u at size %u", n, sizes[i]);
	}
}

static u64 rank_at(struct hot_heat heat, u32 epoch)
{
	hot_heat_age(&heat, epoch);
	return hot_rank(&heat, 0);
}

/*
 * When 2048 sets become 512, sets 0, 512, 1024 and 1536 become set 0, in which there is room for
 * the hottest four of their 16 ranges. Heat that was compared at other epochs than the last is
 * rounded otherwise, so ranges that are nearly equal may take each other's place.
 */
static void halving_keeps_the_hotter(struct kunit *test)
{
	enum { LAST = 1063, RANGES = 4 * SLOTS };
	struct hot_table *table = make_table(test, 4 * BYTES);
	struct hot_set *before = make_memory(test, 4 * BYTES);
	u64 used, evicted, lost = 0;
	struct rnd_state rnd;
	struct hot_heat heat;

	prandom_seed_state(&rnd, 20261201);
	for (u32 n = 0; n < RANGES; n++) {
		u32 reads = 1 + prandom_u32_state(&rnd) % 1000000;
		u32 writes = prandom_u32_state(&rnd) % 1000000;

		hot_table_add(table, id_of(n), index_of(n), reads, writes,
			      LAST - prandom_u32_state(&rnd) % 64);
	}
	for (u32 n = 0; n < 4 * SETS; n++)
		KUNIT_ASSERT_TRUE(test, hot_table_read_set(table, n, &before[n]));
	used = stats_of(table).used;
	evicted = stats_of(table).evicted;

	KUNIT_EXPECT_TRUE(test, hot_table_halve(table));
	KUNIT_EXPECT_EQ(test, hot_table_bytes(table), 2 * BYTES);
	check_table(test, table, RANGES);
	KUNIT_EXPECT_TRUE(test, hot_table_halve(table));
	KUNIT_EXPECT_EQ(test, hot_table_bytes(table), BYTES);
	check_table(test, table, RANGES);

	for (u32 n = 0; n < SETS; n++) {
		u64 coldest_kept = U64_MAX, hottest_lost = 0;
		int had = 0, kept = 0;

		for (int i = 0; i < 4 * HOT_WAYS; i++) {
			const struct hot_slot *slot = &before[n + i / HOT_WAYS * SETS]
						      .slot[i % HOT_WAYS];
			u64 rank = rank_at(slot->heat, LAST);

			if (!slot->id)
				continue;
			had++;
			if (hot_table_get(table, slot->id, slot->index, &heat)) {
				kept++;
				coldest_kept = min(coldest_kept, rank);
				KUNIT_ASSERT_MEMEQ(test, &heat, &slot->heat, sizeof(heat));
			} else {
				hottest_lost = max(hottest_lost, rank);
			}
		}
		lost += had - kept;
		KUNIT_ASSERT_EQ(test, kept, min(had, HOT_WAYS));
		if (hottest_lost > coldest_kept + coldest_kept / 1024 + 16)
			KUNIT_FAIL(test, "set %u keeps %llu, loses %llu", n, coldest_kept,
				   hottest_lost);
	}
	KUNIT_EXPECT_GT(test, lost, SLOTS);
	expect_stats(test, table, used - lost, evicted + lost);

	KUNIT_EXPECT_FALSE(test, hot_table_halve(table));
	KUNIT_EXPECT_EQ(test, hot_table_bytes(table), BYTES);
	expect_stats(test, table, used - lost, evicted + lost);
}

static void removes_one(struct kunit *test)
{
	struct hot_table *table = make_table(test, BYTES);
	u64 index[HOT_WAYS + 1];

	ranges_of_a_set(test, index, ARRAY_SIZE(index));
	for (int i = 0; i < HOT_WAYS; i++)
		add(table, 1, index[i], i + 1, 0);
	hot_table_remove(table, 1, index[1]);
	expect_stats(test, table, HOT_WAYS - 1, 0);
	/* What is not there, or is another file's. */
	hot_table_remove(table, 1, index[1]);
	hot_table_remove(table, 2, index[2]);
	expect_stats(test, table, HOT_WAYS - 1, 0);
	for (int i = 0; i < HOT_WAYS; i++)
		KUNIT_EXPECT_EQ(test, reads_of(table, 1, index[i]), i == 1 ? 0 : i + 1);

	/* Its place is free again. */
	add(table, 1, index[HOT_WAYS], 9, 0);
	expect_stats(test, table, HOT_WAYS, 0);
	KUNIT_EXPECT_EQ(test, reads_of(table, 1, index[HOT_WAYS]), 9);
	KUNIT_EXPECT_EQ(test, reads_of(table, 1, index[0]), 1);
}

static void clears_all(struct kunit *test)
{
	struct hot_table *table = make_table(test, 2 * BYTES);
	struct hot_set set;
	u64 evicted;
	u32 n;

	for (n = 0; n < 4 * SLOTS; n++)
		add(table, id_of(n), index_of(n), HOT_ONE, 0);
	evicted = stats_of(table).evicted;
	hot_table_clear(table);
	expect_stats(test, table, 0, evicted);
	KUNIT_EXPECT_EQ(test, hot_table_bytes(table), 2 * BYTES);
	for (n = 0; hot_table_read_set(table, n, &set); n++)
		KUNIT_ASSERT_NULL(test, memchr_inv(&set, 0, sizeof(set)));
	KUNIT_EXPECT_EQ(test, n, 2 * SETS);

	add(table, 1, 0, 5, 0);
	KUNIT_EXPECT_EQ(test, reads_of(table, 1, 0), 5);
	expect_stats(test, table, 1, evicted);
}

static void has_no_set_beyond_the_last(struct kunit *test)
{
	static const u32 sizes[] = { 1, 8, 2, 1 };
	struct hot_table *table = make_table(test, BYTES);
	struct hot_set set;

	for (int i = 0; i < ARRAY_SIZE(sizes); i++) {
		u32 sets = sizes[i] * SETS;

		KUNIT_ASSERT_EQ(test, hot_table_resize(table, sizes[i] * BYTES), 0);
		KUNIT_EXPECT_TRUE(test, hot_table_read_set(table, 0, &set));
		KUNIT_EXPECT_TRUE(test, hot_table_read_set(table, sets - 1, &set));
		KUNIT_EXPECT_FALSE(test, hot_table_read_set(table, sets, &set));
		KUNIT_EXPECT_FALSE(test, hot_table_read_set(table, 2 * sets, &set));
		KUNIT_EXPECT_FALSE(test, hot_table_read_set(table, U32_MAX, &set));
	}
}

/* What a table that evicts nothing should know: heat of each range, by number. */
struct oracle {
	bool there;
	struct hot_heat heat;
};

static void oracle_add(struct kunit *test, struct hot_table *table, struct oracle *oracle,
		       u32 number, const struct hot_heat *heat)
{
	struct oracle *o = &oracle[number];
	struct hot_change change;

	if (!o->there)
		*o = (struct oracle) { .there = true, .heat.epoch = heat->epoch };
	hot_table_add_change(table, id_of(number), index_of(number), heat->reads, heat->writes,
			     heat->epoch, &change);
	hot_heat_age(&o->heat, heat->epoch);
	KUNIT_ASSERT_MEMEQ(test, &change.before, &o->heat, sizeof(o->heat));
	hot_heat_add(&o->heat, heat->reads, heat->writes, heat->epoch);
	KUNIT_ASSERT_MEMEQ(test, &change.after, &o->heat, sizeof(o->heat));
}

static void oracle_compare(struct kunit *test, struct hot_table *table,
			   const struct oracle *oracle, u32 number)
{
	const struct oracle *o = &oracle[number];
	struct hot_heat heat;

	KUNIT_ASSERT_EQ_MSG(test, hot_table_get(table, id_of(number), index_of(number), &heat),
			    o->there, "range %u", number);
	if (o->there)
		KUNIT_ASSERT_MEMEQ(test, &heat, &o->heat, sizeof(heat));
}

/* 20000 random operations on 250 ranges in at least 8192 slots, where nothing has to give way. */
static void agrees_with_an_oracle(struct kunit *test)
{
	enum { RANGES = 250 };
	struct hot_table *table = make_table(test, 4 * BYTES);
	struct oracle *oracle = make_memory(test, RANGES * sizeof(*oracle));
	u32 epoch = U32_MAX - 1000, used = 0;
	struct rnd_state rnd;

	prandom_seed_state(&rnd, 20261202);
	for (int i = 0; i < 20000; i++) {
		u32 number = prandom_u32_state(&rnd) % RANGES;
		u32 what = prandom_u32_state(&rnd) % 2000;
		const struct hot_heat heat = {
			.epoch = epoch - prandom_u32_state(&rnd) % 4,
			.reads = prandom_u32_state(&rnd) >> prandom_u32_state(&rnd) % 32,
			.writes = prandom_u32_state(&rnd) >> prandom_u32_state(&rnd) % 32,
		};

		epoch += prandom_u32_state(&rnd) % 8 == 0;
		if (what == 0) {
			hot_table_clear(table);
			memset(oracle, 0, RANGES * sizeof(*oracle));
		} else if (what < 10) {
			KUNIT_ASSERT_EQ(test, hot_table_resize(table, BYTES << (2 + what % 3)), 0);
		} else if (what < 200) {
			hot_table_remove(table, id_of(number), index_of(number));
			oracle[number].there = false;
		} else if (what < 800) {
			oracle_compare(test, table, oracle, number);
		} else {
			oracle_add(test, table, oracle, number, &heat);
		}
	}
	for (u32 number = 0; number < RANGES; number++) {
		oracle_compare(test, table, oracle, number);
		used += oracle[number].there;
	}
	expect_stats(test, table, used, 0);
	check_table(test, table, RANGES);
}

/**
 * struct adder - a thread that adds requests to all of a few ranges, over and over
 * @table: in which
 * @task: the thread
 * @added: requests so far
 * @missed: how often a range was not found right after that
 */
struct adder {
	struct hot_table *table;
	struct task_struct *task;
	unsigned long added;
	unsigned long missed;
};

#define ADDERS	3
#define SHARED	64

static int add_requests(void *data)
{
	struct adder *a = data;

	while (!kthread_should_stop()) {
		u32 number = a->added % SHARED;

		add(a->table, id_of(number), index_of(number), HOT_ONE, 0);
		if (!reads_of(a->table, id_of(number), index_of(number)))
			a->missed++;
		WRITE_ONCE(a->added, a->added + 1);
		if (!number)
			cond_resched();
	}
	return 0;
}

static void wait_for_adders(const struct adder *adders, int count)
{
	unsigned long before[ADDERS];

	for (int i = 0; i < count; i++)
		before[i] = READ_ONCE(adders[i].added);
	for (int i = 0; i < count; i++) {
		while (READ_ONCE(adders[i].added) == before[i])
			schedule_timeout_uninterruptible(1);
	}
}

/*
 * Three threads count in the same 64 ranges while the table grows and shrinks under them, four
 * times, and each of them is at work in between. All that they added is there at the end, and
 * never was a range not found.
 */
static void nothing_is_lost_while_resizing(struct kunit *test)
{
	/* In a large one a stripe takes longer, and more comes in between. */
	static const u32 sizes[] = { 64, 32, 64, 1 };
	struct hot_table *table = make_table(test, BYTES);
	struct adder *adders = make_memory(test, ADDERS * sizeof(*adders));
	unsigned long added = 0, missed = 0;
	int count, errors = 0;
	u64 sum = 0;

	for (count = 0; count < ADDERS; count++) {
		struct adder *a = &adders[count];

		a->table = table;
		a->task = kthread_run(add_requests, a, "hot_ranges_%d", count);
		if (IS_ERR(a->task))
			break;
	}
	/* The threads have to end before the test may. */
	wait_for_adders(adders, count);
	for (int i = 0; i < 4; i++) {
		for (int j = 0; j < ARRAY_SIZE(sizes); j++) {
			if (hot_table_resize(table, sizes[j] * BYTES))
				errors++;
		}
		wait_for_adders(adders, count);
	}
	for (int i = 0; i < count; i++) {
		kthread_stop(adders[i].task);
		added += adders[i].added;
		missed += adders[i].missed;
	}
	KUNIT_ASSERT_EQ(test, count, ADDERS);
	KUNIT_EXPECT_EQ(test, errors, 0);
	KUNIT_EXPECT_EQ(test, missed, 0);
	expect_stats(test, table, SHARED, 0);
	for (u32 number = 0; number < SHARED; number++)
		sum += reads_of(table, id_of(number), index_of(number));
	KUNIT_EXPECT_EQ(test, sum, (u64)added * HOT_ONE);
	check_table(test, table, SHARED);
}

/*
 * How many ranges find no place in a table because their set is full, though others are not. When
 * a hash is as good as chance, the number X of ranges for a set has a Poisson distribution with the
 * mean m = 4 * load, P(X) = e^-m * m^X / X!, and what does not fit is E(max(X - 4, 0)) / m of them:
 *
 *	load 1/4  m = 1	 1 * P(5) + 2 * P(6) + 3 * P(7) ... = 0.0031 + 0.0010 + 0.0002  / 1 = 0.43 %
 *	load 1	  m = 4	 1 * P(5) + 2 * P(6) + 3 * P(7) ... = 0.156 + 0.208 + 0.179 ... / 4 = 19.5 %
 */
#define RANDOM_LOSS	195	/* in 1/1000 at load 1 */
#define TOLERANCE	20
#define QUARTER_LOSS	10	/* the most at load 1/4 */

static void random_ranges_are_spread(struct kunit *test)
{
	for (u32 slots_per_range = 1; slots_per_range <= 4; slots_per_range *= 4) {
		struct hot_table *table = make_table(test, 8 * BYTES);
		u32 ranges = 8 * SLOTS / slots_per_range;
		struct rnd_state rnd;
		u32 loss;

		prandom_seed_state(&rnd, 20261203);
		for (u32 n = 0; n < ranges; n++) {
			u32 id = 1 + prandom_u32_state(&rnd) % 1000000;

			add(table, id, prandom_u32_state(&rnd), HOT_ONE, 0);
		}
		loss = (u32)stats_of(table).evicted * 1000 / ranges;
		if (slots_per_range == 1) {
			KUNIT_EXPECT_GE(test, loss, RANDOM_LOSS - TOLERANCE);
			KUNIT_EXPECT_LE(test, loss, RANDOM_LOSS + TOLERANCE);
		} else {
			KUNIT_EXPECT_LT(test, loss, QUARTER_LOSS);
		}
	}
}

/* Ranges of real files are consecutive numbers, or in steps; chance does not spread them better. */
static void usual_ranges_are_spread(struct kunit *test)
{
	static const struct {
		const char *what;
		u32 of_file;
		u32 id_step;	/* from file to file */
		u64 index_step;	/* from range to range */
	} patterns[] = {
		{ "a large file", U32_MAX, 1, 1 },
		{ "each 1000th range", U32_MAX, 1, 1000 },
		{ "each 1024th range", U32_MAX, 1, 1024 },
		{ "small files", 1, 1, 1 },
		{ "each 8th small file", 1, 8, 1 },
		{ "each 4096th small file", 1, 4096, 1 },
		{ "files of 8 ranges", 8, 1, 1 },
		{ "each 64th file of 64 ranges", 64, 64, 1 },
	};
	/* 4096 to 65536 ranges in tables of as many slots, or four times as many. */
	static const struct {
		u32 size, slots_per_range;
	} tables[] = { { 2, 1 }, { 8, 1 }, { 8, 4 }, { 128, 4 } };

	for (int i = 0; i < ARRAY_SIZE(tables); i++) {
		struct hot_table *table = make_table(test, tables[i].size * BYTES);
		u32 ranges = tables[i].size * SLOTS / tables[i].slots_per_range;
		u32 most = tables[i].slots_per_range == 1 ? RANDOM_LOSS + TOLERANCE : QUARTER_LOSS;
		u64 before = 0;

		for (int j = 0; j < ARRAY_SIZE(patterns); j++) {
			u32 of_file = patterns[j].of_file, loss;

			for (u32 n = 0; n < ranges; n++)
				add(table, 1 + n / of_file * patterns[j].id_step,
				    n % of_file * patterns[j].index_step, HOT_ONE, 0);
			loss = (u32)(stats_of(table).evicted - before) * 1000 / ranges;
			KUNIT_EXPECT_LE_MSG(test, loss, most, "%s, %u ranges, %u slots for each",
					    patterns[j].what, ranges, tables[i].slots_per_range);
			before = stats_of(table).evicted;
			hot_table_clear(table);
		}
		kunit_release_action(test, free_table, table);
	}
}

static struct kunit_case cases[] = {
	KUNIT_CASE(takes_the_memory_it_may),
	KUNIT_CASE(finds_extremes),
	KUNIT_CASE(counts_one_request),
	KUNIT_CASE(tells_the_change),
	KUNIT_CASE(coldest_gives_way),
	KUNIT_CASE(late_request_evicts_the_coldest),
	KUNIT_CASE(counts_used_and_evicted),
	KUNIT_CASE(resizing_keeps_what_fits),
	KUNIT_CASE(halving_keeps_the_hotter),
	KUNIT_CASE(removes_one),
	KUNIT_CASE(clears_all),
	KUNIT_CASE(has_no_set_beyond_the_last),
	KUNIT_CASE(agrees_with_an_oracle),
	KUNIT_CASE(nothing_is_lost_while_resizing),
	KUNIT_CASE(random_ranges_are_spread),
	KUNIT_CASE(usual_ranges_are_spread),
	{}
};

static struct kunit_suite ranges_suite = {
	.name = "hot_tracking_ranges",
	.test_cases = cases,
};

kunit_test_suite(ranges_suite);
