// SPDX-License-Identifier: GPL-2.0
/*
 * Deferrable hrtimers: which one is due first, and on which CPU they wait.
 *
 * The rest is elsewhere: hrtimer_deferrable_limit.c wakes an idle CPU after all
 * where an administrator wants a bound, hrtimer_deferrable_pull.c lets busy CPUs
 * serve idle ones.
 */

#include <linux/kernel_stat.h>
#include <linux/sched/isolation.h>
#include <linux/sched/nohz.h>

#include "tick-internal.h"
#include "hrtimer_deferrable.h"

/* The first timer of @base; there is one if the bit of @base is in active_bases. */
static struct hrtimer *first_timer(struct hrtimer_clock_base *base)
{
	return container_of(timerqueue_getnext(&base->active), struct hrtimer, node);
}

/* The base of the lowest bit that is set in @active, which is cleared. */
static struct hrtimer_clock_base *next_base(struct hrtimer_cpu_base *cpu_base,
					    unsigned int *active)
{
	unsigned int index = __ffs(*active);

	*active &= *active - 1;
	return &cpu_base->clock_base[index];
}

static unsigned int active_deferrable(struct hrtimer_cpu_base *cpu_base)
{
	return cpu_base->active_bases & GENMASK(HRTIMER_BASE_TAI_DEFERRABLE,
						HRTIMER_BASE_MONOTONIC_DEFERRABLE);
}

static void copy_offsets(struct hrtimer_cpu_base *cpu_base)
{
	struct hrtimer_clock_base *base = cpu_base->clock_base;

	for (int i = HRTIMER_BASE_REALTIME; i <= HRTIMER_BASE_TAI; i++)
		base[HRTIMER_BASE_MONOTONIC_DEFERRABLE + i].offset = base[i].offset;
}

/**
 * hrtimer_deferrable_first - first expiry of all deferrable timers of a CPU
 * @cpu_base: the CPU's bases
 *
 * Context: lock of @cpu_base held.
 * Return: CLOCK_MONOTONIC time in ns, 0 for what was due before that clock
 * began, KTIME_MAX if there is no timer.
 */
ktime_t hrtimer_deferrable_first(struct hrtimer_cpu_base *cpu_base)
{
	unsigned int active = active_deferrable(cpu_base);
	ktime_t first = KTIME_MAX;

	while (active) {
		struct hrtimer_clock_base *base = next_base(cpu_base, &active);
		ktime_t expires = ktime_sub(hrtimer_get_expires(first_timer(base)), base->offset);

		first = min(first, max(expires, 0));
	}
	return first;
}

/**
 * hrtimer_deferrable_update - make deferrable_next exact
 * @cpu_base: the CPU's bases
 *
 * Takes over the clock offsets from the other bases as well.
 *
 * Removing a timer leaves deferrable_next as it is: too early costs one softirq
 * that finds nothing to do, looking at all bases for each cancelled timer costs
 * more.
 *
 * Context: lock of @cpu_base held.
 */
void hrtimer_deferrable_update(struct hrtimer_cpu_base *cpu_base)
{
	copy_offsets(cpu_base);
	WRITE_ONCE(cpu_base->deferrable_next, hrtimer_deferrable_first(cpu_base));
}

/**
 * hrtimer_deferrable_due - find a timer that has to run
 * @cpu_base: the CPU's bases
 * @now: CLOCK_MONOTONIC time
 * @basenow: takes @now in the clock of the timer that is returned
 *
 * Context: lock of @cpu_base held.
 * Return: a timer whose time has come, NULL if there is none.
 */
struct hrtimer *hrtimer_deferrable_due(struct hrtimer_cpu_base *cpu_base, ktime_t now,
				       ktime_t *basenow)
{
	unsigned int active = active_deferrable(cpu_base);

	while (active) {
		struct hrtimer_clock_base *base = next_base(cpu_base, &active);
		struct hrtimer *timer = first_timer(base);

		*basenow = ktime_add(now, base->offset);
		if (hrtimer_get_softexpires(timer) <= *basenow)
			return timer;
	}
	return NULL;
}

/*
 * Turn a timer that was initialized as an ordinary one into a deferrable one. Its
 * callback runs in soft interrupt context on all kernels: many can be due at once
 * when a CPU wakes up from a long sleep.
 */
void __hrtimer_deferrable_init(struct hrtimer *timer)
{
	timer->is_deferrable = true;
	timer->is_soft = true;
	timer->is_hard = false;
	/* From either half of the ordinary bases to the one of the same clock. */
	timer->base += HRTIMER_BASE_MONOTONIC_DEFERRABLE -
		       round_down(timer->base->index, HRTIMER_BASE_MONOTONIC_SOFT);
}

/**
 * hrtimer_deferrable_enqueued_first - account for a new first timer of a base
 * @timer: the timer
 *
 * A CPU that arms a timer for itself looks before it sleeps. Where a timer is put
 * on another CPU, because this one goes offline, has no tick, or because its
 * callback still runs there, that CPU may sleep already: let it look, and let it
 * compute anew when to wake up.
 *
 * Context: lock of the timer's base held.
 */
void hrtimer_deferrable_enqueued_first(struct hrtimer *timer)
{
	struct hrtimer_clock_base *base = timer->base;
	struct hrtimer_cpu_base *cpu_base = base->cpu_base;
	ktime_t expires;

	/* The offsets are not kept up to date while there is no timer. */
	if (hrtimer_deferrable_next(cpu_base) == KTIME_MAX)
		copy_offsets(cpu_base);
	expires = ktime_sub(hrtimer_get_expires(timer), base->offset);
	if (expires >= cpu_base->deferrable_next)
		return;
	WRITE_ONCE(cpu_base->deferrable_next, max(expires, 0));
	if (cpu_base != this_cpu_ptr(&hrtimer_bases) && tick_nohz_tick_stopped_cpu(cpu_base->cpu))
		smp_call_function_single_async(cpu_base->cpu, &cpu_base->csd);
}

/* The slow path of hrtimer_deferrable_target(). */
struct hrtimer_cpu_base *__hrtimer_deferrable_target(struct hrtimer_cpu_base *target)
{
	int cpu;

	if (housekeeping_cpu(smp_processor_id(), HK_TYPE_TIMER))
		return target;
	cpu = READ_ONCE(tick_do_timer_cpu);
	return cpu < 0 ? target : &per_cpu(hrtimer_bases, cpu);
}

/* For clock_was_set(), resume, and timers that came from a CPU that goes offline. */
void hrtimer_deferrable_check_now(void)
{
	hrtimer_deferrable_check(this_cpu_ptr(&hrtimer_bases), ktime_get());
}

/*
 * A busy CPU kicks an idle one now and then to have the load of idle CPUs decay.
 * That is no reason to run timers: the task that a timer wakes leaves load behind,
 * for which the idle CPU is kicked again 32 ms later, and so on for ever.
 */
void __hrtimer_deferrable_irq_enter(void)
{
	if (!nohz_balance_kicked(smp_processor_id()))
		raise_softirq_irqoff(HRTIMER_SOFTIRQ);
}

/* Context switches of this CPU up to when it left idle. */
static DEFINE_PER_CPU(unsigned long long, switches_at_exit);

/* Nothing that is due is left behind, unless the CPU was awake for no task. */
void __hrtimer_deferrable_idle_enter(void)
{
	if (nr_context_switches_cpu(smp_processor_id()) != __this_cpu_read(switches_at_exit))
		raise_softirq_irqoff(HRTIMER_SOFTIRQ);
}

/* A CPU that polls is kicked by leaving idle, without an interrupt. */
void __hrtimer_deferrable_idle_exit(ktime_t now)
{
	int cpu = smp_processor_id();

	__this_cpu_write(switches_at_exit, nr_context_switches_cpu(cpu));
	if (!nohz_balance_kicked(cpu))
		hrtimer_deferrable_check(this_cpu_ptr(&hrtimer_bases), now);
}
