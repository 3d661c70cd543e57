// SPDX-License-Identifier: GPL-2.0
/*
 * kernel.timer_defer_pull: busy CPUs serve the deferrable hrtimers of idle ones.
 *
 * A CPU that stops its tick while it owns deferrable timers puts itself into
 * sleeping_owners and lowers earliest to its first expiry. The tick of a busy CPU
 * compares the time with earliest; when that has passed it looks at the owners and
 * moves what is due to itself. The idle CPU notices nothing.
 *
 * earliest may be too early, never too late:
 *
 *	owner				puller
 *	set bit in sleeping_owners,	earliest = KTIME_MAX
 *	write deferrable_next
 *	full barrier			full barrier
 *	lower earliest			read sleeping_owners, deferrable_next
 *
 * Either the puller sees what the owner wrote, or the owner sees KTIME_MAX and
 * lowers it.
 */

#include <kunit/visibility.h>
#include <linux/cpumask.h>
#include <linux/sched/isolation.h>
#include <linux/smp.h>
#include <linux/sysctl.h>

#include "tick-internal.h"
#include "hrtimer_deferrable.h"

/* How many one tick takes over at most, to bound the time with interrupts disabled. */
#define PULL_MAX	64

unsigned int sysctl_timer_defer_pull __read_mostly;

static struct cpumask sleeping_owners;
static atomic64_t earliest = ATOMIC64_INIT(KTIME_MAX);	/* CLOCK_MONOTONIC, ns */
static unsigned long pulling;				/* bit 0: some CPU is at it */

static void lower_earliest(ktime_t expires)
{
	s64 old;

	smp_mb();	/* pairs with the xchg of the puller */
	old = atomic64_read(&earliest);
	while (expires < old && !atomic64_try_cmpxchg(&earliest, &old, expires))
		;
}

/*
 * Move timers that are due at @now from one base to another, at most @left.
 *
 * A timer whose callback runs right now, because it was armed again meanwhile,
 * stays: hrtimer_active() looks for the callback on the timer's own base.
 *
 * Context: locks of both CPUs' bases held.
 * Return: how many were moved.
 */
VISIBLE_IF_KUNIT
unsigned int hrtimer_deferrable_move(struct hrtimer_clock_base *from,
				     struct hrtimer_clock_base *to, ktime_t now,
				     unsigned int left)
{
	ktime_t basenow = ktime_add(now, from->offset);
	struct timerqueue_node *node;
	unsigned int moved = 0;

	while (moved < left && (node = timerqueue_getnext(&from->active))) {
		struct hrtimer *timer = container_of(node, struct hrtimer, node);

		if (hrtimer_get_softexpires(timer) > basenow || from->running == timer)
			break;
		if (!timerqueue_del(&from->active, node))
			from->cpu_base->active_bases &= ~BIT(from->index);
		/* It stays HRTIMER_STATE_ENQUEUED; see lock_hrtimer_base(). */
		WRITE_ONCE(timer->base, to);
		timerqueue_add(&to->active, node);
		to->cpu_base->active_bases |= BIT(to->index);
		moved++;
	}
	return moved;
}

/*
 * Move what is due from all bases of one CPU to those of another.
 *
 * Nothing may wait for the lock of a second base. So this tries once; who holds
 * the lock keeps that CPU awake, or is done by the next tick.
 *
 * Context: lock of @to held.
 */
static unsigned int try_to_move_due(struct hrtimer_cpu_base *from, struct hrtimer_cpu_base *to,
				    ktime_t now, unsigned int left)
{
	raw_spinlock_t *lock = &from->lock;
	unsigned int moved = 0;

	if (!raw_spin_trylock(lock))
		return 0;
	for (int i = HRTIMER_BASE_MONOTONIC_DEFERRABLE; i <= HRTIMER_BASE_TAI_DEFERRABLE; i++)
		moved += hrtimer_deferrable_move(&from->clock_base[i], &to->clock_base[i], now,
						 left - moved);
	hrtimer_deferrable_update(from);
	hrtimer_deferrable_update(to);
	raw_spin_unlock(lock);
	return moved;
}

static unsigned int pull_from(struct hrtimer_cpu_base *from, ktime_t now, unsigned int left)
{
	struct hrtimer_cpu_base *this_base = this_cpu_ptr(&hrtimer_bases);
	unsigned int moved;

	raw_spin_lock(&this_base->lock);
	moved = try_to_move_due(from, this_base, now, left);
	raw_spin_unlock(&this_base->lock);
	return moved;
}

void __hrtimer_deferrable_pull(ktime_t now)
{
	unsigned int cpu, left = PULL_MAX;
	ktime_t first = KTIME_MAX;

	if (now < atomic64_read(&earliest) ||
	    !housekeeping_cpu(smp_processor_id(), HK_TYPE_TIMER) ||
	    test_and_set_bit_lock(0, &pulling))
		return;

	atomic64_xchg(&earliest, KTIME_MAX);
	for_each_cpu(cpu, &sleeping_owners) {
		struct hrtimer_cpu_base *from = &per_cpu(hrtimer_bases, cpu);

		if (left && cpu != smp_processor_id() && now >= hrtimer_deferrable_next(from))
			left -= pull_from(from, now, left);
		first = min(first, hrtimer_deferrable_next(from));
	}
	lower_earliest(first);
	clear_bit_unlock(0, &pulling);

	if (left < PULL_MAX)
		raise_softirq_irqoff(HRTIMER_SOFTIRQ);
}

void __hrtimer_deferrable_offer(void)
{
	ktime_t next = hrtimer_deferrable_next(this_cpu_ptr(&hrtimer_bases));
	int cpu = smp_processor_id();

	if (next == KTIME_MAX || !tick_nohz_tick_stopped())
		return;
	if (!cpumask_test_cpu(cpu, &sleeping_owners))
		cpumask_set_cpu(cpu, &sleeping_owners);
	lower_earliest(next);
}

void __hrtimer_deferrable_withdraw(void)
{
	cpumask_clear_cpu(smp_processor_id(), &sleeping_owners);
}

/*
 * A clock was set, which may have brought the first expiry of a sleeping CPU closer.
 *
 * Context: lock of @cpu_base held.
 */
void __hrtimer_deferrable_lower(struct hrtimer_cpu_base *cpu_base)
{
	lower_earliest(hrtimer_deferrable_next(cpu_base));
}

/*
 * CPUs that sleep already offer what they own when they next stop the tick. Bits
 * that are left in sleeping_owners from earlier cost a look at a CPU, no more.
 */
static int timer_defer_pull_handler(const struct ctl_table *table, int write, void *buffer,
				    size_t *lenp, loff_t *ppos)
{
	int ret = proc_douintvec_minmax(table, write, buffer, lenp, ppos);

	if (!ret && write && READ_ONCE(sysctl_timer_defer_pull))
		wake_up_all_idle_cpus();
	return ret;
}

static struct ctl_table timer_defer_pull_sysctl[] = {
	{
		.procname	= "timer_defer_pull",
		.data		= &sysctl_timer_defer_pull,
		.maxlen		= sizeof(sysctl_timer_defer_pull),
		.mode		= 0644,
		.proc_handler	= timer_defer_pull_handler,
		.extra1		= SYSCTL_ZERO,
		.extra2		= SYSCTL_ONE,
	},
};

static int __init timer_defer_pull_init(void)
{
	register_sysctl("kernel", timer_defer_pull_sysctl);
	return 0;
}
device_initcall(timer_defer_pull_init);
