/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The arithmetic of heat: a number of requests that decays by half in each half-life.
 *
 * Time is counted in epochs of 1/8 half-life. In k epochs heat h becomes h * 2^(-k/8): a shift by
 * k / 8 and a factor from a table of eight for the rest, rounded down, so that heat always ends.
 * With HOT_FRACTION_BITS fraction bits one request an epoch converges to 1 / (1 - 2^(-1/8)) = 12.05
 * less what rounding takes, at most 1/256 in each epoch; without them it would stay at 1, since
 * 1 * 0.917 rounds down to nothing.
 */
#ifndef _FS_HOT_TRACKING_HEAT_H
#define _FS_HOT_TRACKING_HEAT_H

#include <linux/compiler.h>
#include <linux/overflow.h>
#include <linux/types.h>
#include <uapi/linux/hot_tracking.h>

#define HOT_EPOCHS_PER_HALF_LIFE	8

/**
 * struct hot_heat - heat of an inode or a range
 * @epoch: of the latest request, which heat has decayed up to
 * @reads: in 1/HOT_ONE requests
 * @writes: in 1/HOT_ONE requests
 *
 * Decay is lazy: it is worked out when there is a request, or for a copy that somebody looks at.
 * Whoever holds a heat says which lock protects it.
 */
struct hot_heat {
	u32 epoch;
	u32 reads;
	u32 writes;
};

/**
 * hot_decay - what is left of heat after some time
 * @heat: in 1/HOT_ONE requests
 * @epochs: time, in 1/8 half-lives
 *
 * Return: floor(heat * 2^(-epochs / 8)), with a factor exact to 16 bits; never more than @heat.
 */
static inline u32 hot_decay(u32 heat, u32 epochs)
{
	/* round(2^(16 - k / 8)) */
	static const u32 factor[HOT_EPOCHS_PER_HALF_LIFE] = {
		65536, 60097, 55109, 50535, 46341, 42495, 38968, 35734,
	};
	u32 halvings = epochs / HOT_EPOCHS_PER_HALF_LIFE;

	if (halvings >= 32)
		return 0;
	return ((u64)heat * factor[epochs % HOT_EPOCHS_PER_HALF_LIFE]) >> (16 + halvings);
}

/* Saturates: the hottest stay the hottest. */
static inline u32 hot_sum(u32 a, u32 b)
{
	u32 sum;

	return check_add_overflow(a, b, &sum) ? HOT_HEAT_MAX : sum;
}

/**
 * hot_heat_age - bring heat up to an epoch
 * @heat: what is changed
 * @now: the epoch; nothing happens if it is past
 */
static inline void hot_heat_age(struct hot_heat *heat, u32 now)
{
	s32 epochs = now - heat->epoch;

	if (epochs <= 0)
		return;
	heat->reads = hot_decay(heat->reads, epochs);
	heat->writes = hot_decay(heat->writes, epochs);
	heat->epoch = now;
}

/**
 * hot_heat_add - add requests
 * @heat: to add to
 * @reads: heat of the reads, in 1/HOT_ONE requests
 * @writes: heat of the writes
 * @epoch: when they were made; may be earlier than what @heat has decayed up to
 */
static inline void hot_heat_add(struct hot_heat *heat, u32 reads, u32 writes, u32 epoch)
{
	if (unlikely(heat->epoch != epoch)) {
		s32 late = heat->epoch - epoch;

		if (late < 0) {
			hot_heat_age(heat, epoch);
		} else {
			reads = hot_decay(reads, late);
			writes = hot_decay(writes, late);
		}
	}
	heat->reads = hot_sum(heat->reads, reads);
	heat->writes = hot_sum(heat->writes, writes);
}

/* For comparing: reads, writes or, with neither or both flags, their sum. */
static inline u64 hot_rank(const struct hot_heat *heat, u32 flags)
{
	u64 rank = 0;

	if (!(flags & HOT_BY_WRITES) || (flags & HOT_BY_READS))
		rank += heat->reads;
	if (!(flags & HOT_BY_READS) || (flags & HOT_BY_WRITES))
		rank += heat->writes;
	return rank;
}

#endif /* _FS_HOT_TRACKING_HEAT_H */
