// SPDX-License-Identifier: GPL-2.0
/* How regular an owner's timers are, and whether they could be deferrable. */
#include <stdlib.h>
#include <string.h>

#include "account.h"

/* Timers with at least this period are rare enough that nobody waits for each of them. */
#define LONG_PERIOD_NS 200000000

void owner_interval(struct owner *o, __u64 ns)
{
	o->intervals[o->nr_intervals++ % MAX_INTERVALS] = ns;
}

static int compare(const void *a, const void *b)
{
	const __u64 *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static __u64 median(__u64 *values, unsigned int count)
{
	qsort(values, count, sizeof(*values), compare);
	return count % 2 ? values[count / 2] :
			   values[count / 2 - 1] +
			   (values[count / 2] - values[count / 2 - 1]) / 2;
}

static unsigned int known_intervals(const struct owner *o)
{
	return o->nr_intervals < MAX_INTERVALS ? o->nr_intervals : MAX_INTERVALS;
}

/**
 * owner_period - the median time between two expirations of a timer
 * @o: the timer's owner
 *
 * Return: the time in ns, 0 if no timer has expired twice.
 */
__u64 owner_period(const struct owner *o)
{
	__u64 values[MAX_INTERVALS];
	unsigned int count = known_intervals(o);

	if (!count)
		return 0;
	memcpy(values, o->intervals, count * sizeof(*values));
	return median(values, count);
}

/**
 * owner_jitter - how far the intervals are from the period: their median absolute deviation
 * @o: the timers' owner
 *
 * Return: the time in ns, 0 without two intervals.
 */
__u64 owner_jitter(const struct owner *o)
{
	__u64 values[MAX_INTERVALS], period = owner_period(o);
	unsigned int count = known_intervals(o);

	if (count < 2)
		return 0;
	for (unsigned int i = 0; i < count; i++)
		values[i] = o->intervals[i] > period ? o->intervals[i] - period :
						       period - o->intervals[i];
	return median(values, count);
}

/**
 * owner_score - could this owner's timers be deferrable, and would it help?
 * @o: the owner
 *
 * 100 * support * wakes * length * regularity, each from 0 to 1:
 *   support:    the call has a deferrable form (1), may have one (0.5), or has none (0)
 *   wakes:      share of the expirations that ended an idle period
 *   length:     the period in units of 200 ms, at most 1
 *   regularity: 1 if all intervals are the same, down to 0.5; what is irregular is more often
 *               a timeout that somebody waits for
 *
 * Return: the score; 0 with less than two intervals and for what is deferrable already.
 */
int owner_score(const struct owner *o)
{
	__u64 period = owner_period(o), jitter = owner_jitter(o);
	double wakes, length, regularity;

	if (o->key.deferrable || o->nr_intervals < 2 || !period || !o->all_expired)
		return 0;
	wakes = (double)o->all_woke / o->all_expired;
	length = period < LONG_PERIOD_NS ? (double)period / LONG_PERIOD_NS : 1;
	regularity = 1 - (jitter < period ? (double)jitter / period : 1) / 2;
	return 100 * kinds[o->key.kind].support * (wakes < 1 ? wakes : 1) * length * regularity +
	       0.5;
}
