// SPDX-License-Identifier: GPL-2.0
/*
 * kernel.timer_defer_max_ms: how long deferrable hrtimers may wait for an idle CPU.
 *
 * The tick that the idle CPU has stopped is the backstop: it is put back to the
 * time at which the first timer has waited that long. cpuidle asks the same
 * function how long the CPU will sleep, so it chooses its state accordingly.
 */

#include <linux/smp.h>
#include <linux/sysctl.h>

#include "tick-internal.h"
#include "hrtimer_deferrable.h"

unsigned int sysctl_timer_defer_max_ms __read_mostly;

/*
 * The slow path of hrtimer_deferrable_limit().
 *
 * A cancelled timer must not wake the CPU, so deferrable_next is made exact first.
 */
u64 __hrtimer_deferrable_limit(struct hrtimer_cpu_base *cpu_base, u64 next_tick, u64 basemono,
			       unsigned int max_ms)
{
	u64 limit;

	raw_spin_lock(&cpu_base->lock);
	hrtimer_deferrable_update(cpu_base);
	limit = hrtimer_deferrable_next(cpu_base);
	raw_spin_unlock(&cpu_base->lock);

	/* Neither summand is above KTIME_MAX, so the sum of the two u64 does not wrap. */
	limit += (u64)max_ms * NSEC_PER_MSEC;
	return clamp(limit, basemono, max(next_tick, basemono));
}

/**
 * hrtimer_deferrable_needs_ipi - whether setting the clock brought a limit closer
 * @cpu_base: bases of the CPU in question, whose offsets are up to date
 * @before: deferrable_next before that
 *
 * Context: lock of @cpu_base held.
 * Return: true if the CPU has to compute anew when to wake up.
 */
bool hrtimer_deferrable_needs_ipi(struct hrtimer_cpu_base *cpu_base, ktime_t before)
{
	return READ_ONCE(sysctl_timer_defer_max_ms) && cpu_base->deferrable_next < before;
}

/* CPUs that sleep by the old value have to compute anew when to wake up. */
static int timer_defer_max_handler(const struct ctl_table *table, int write, void *buffer,
				   size_t *lenp, loff_t *ppos)
{
	int ret = proc_douintvec_minmax(table, write, buffer, lenp, ppos);

	if (!ret && write)
		wake_up_all_idle_cpus();
	return ret;
}

static struct ctl_table timer_defer_max_sysctl[] = {
	{
		.procname	= "timer_defer_max_ms",
		.data		= &sysctl_timer_defer_max_ms,
		.maxlen		= sizeof(sysctl_timer_defer_max_ms),
		.mode		= 0644,
		.proc_handler	= timer_defer_max_handler,
		.extra1		= SYSCTL_ZERO,
		.extra2		= SYSCTL_INT_MAX,
	},
};

static int __init timer_defer_max_init(void)
{
	register_sysctl("kernel", timer_defer_max_sysctl);
	return 0;
}
device_initcall(timer_defer_max_init);
