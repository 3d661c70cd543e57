/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Deferrable hrtimers: what hrtimer.c, tick-sched.c and our own files share.
 *
 * Deferrable timers live in four clock bases of each CPU that are part of neither
 * HRTIMER_ACTIVE_HARD nor HRTIMER_ACTIVE_SOFT. So they are never programmed into
 * the clock event device, and neither tick stop nor cpuidle sees them. All that
 * makes them expire is a look at hrtimer_cpu_base::deferrable_next whenever the
 * CPU is awake anyway; Documentation/timers/deferrable_timers.rst lists where.
 *
 * Included after tick-internal.h, which declares hrtimer_bases.
 */
#ifndef _KERNEL_TIME_HRTIMER_DEFERRABLE_H
#define _KERNEL_TIME_HRTIMER_DEFERRABLE_H

#include <linux/hrtimer.h>
#include <linux/interrupt.h>
#include <linux/tick.h>

/* How many run in one go before other softirqs and tasks get their turn. */
#define HRTIMER_DEFERRABLE_BATCH	256

#ifdef CONFIG_DEFERRABLE_HRTIMERS

/* Initializers of hrtimer_cpu_base::clock_base, see enum hrtimer_base_type. */
#define HRTIMER_DEFERRABLE_BASES					\
	{								\
		.index = HRTIMER_BASE_MONOTONIC_DEFERRABLE,		\
		.clockid = CLOCK_MONOTONIC,				\
		.get_time = &ktime_get,					\
	},								\
	{								\
		.index = HRTIMER_BASE_REALTIME_DEFERRABLE,		\
		.clockid = CLOCK_REALTIME,				\
		.get_time = &ktime_get_real,				\
	},								\
	{								\
		.index = HRTIMER_BASE_BOOTTIME_DEFERRABLE,		\
		.clockid = CLOCK_BOOTTIME,				\
		.get_time = &ktime_get_boottime,			\
	},								\
	{								\
		.index = HRTIMER_BASE_TAI_DEFERRABLE,			\
		.clockid = CLOCK_TAI,					\
		.get_time = &ktime_get_clocktai,			\
	},

ktime_t hrtimer_deferrable_first(struct hrtimer_cpu_base *cpu_base);
void hrtimer_deferrable_update(struct hrtimer_cpu_base *cpu_base);
struct hrtimer *hrtimer_deferrable_due(struct hrtimer_cpu_base *cpu_base, ktime_t now,
				       ktime_t *basenow);
void __hrtimer_deferrable_init(struct hrtimer *timer);
void hrtimer_deferrable_enqueued_first(struct hrtimer *timer);
struct hrtimer_cpu_base *__hrtimer_deferrable_target(struct hrtimer_cpu_base *target);
void hrtimer_deferrable_check_now(void);
void __hrtimer_deferrable_irq_enter(void);
void __hrtimer_deferrable_idle_enter(void);
void __hrtimer_deferrable_idle_exit(ktime_t now);

/* The limit: no timer is deferred for longer than this, in ms; 0 is no limit. */
extern unsigned int sysctl_timer_defer_max_ms;

bool hrtimer_deferrable_needs_ipi(struct hrtimer_cpu_base *cpu_base, ktime_t before);
u64 __hrtimer_deferrable_limit(struct hrtimer_cpu_base *cpu_base, u64 next_tick, u64 basemono,
			       unsigned int max_ms);

/* Context: lock of @cpu_base held, or any where a stale value does no harm. */
static inline ktime_t hrtimer_deferrable_next(struct hrtimer_cpu_base *cpu_base)
{
	return READ_ONCE(cpu_base->deferrable_next);
}

/*
 * Let the softirq run what is due at @now, in CLOCK_MONOTONIC time.
 *
 * Context: interrupts disabled, on the CPU of @cpu_base. With its lock held only
 * in hard or soft interrupt context: elsewhere ksoftirqd is woken, and a runqueue
 * lock must not be taken inside that of a timer base.
 */
static inline void hrtimer_deferrable_check(struct hrtimer_cpu_base *cpu_base, ktime_t now)
{
	if (unlikely(now >= hrtimer_deferrable_next(cpu_base)))
		raise_softirq_irqoff(HRTIMER_SOFTIRQ);
}

/*
 * The tick code calls these three with the time that it has at hand, in
 * CLOCK_MONOTONIC: at the entry of an interrupt while the tick is stopped, and when
 * the idle task is entered and left.
 *
 * Context: interrupts disabled; the first in hard interrupt context.
 */
static inline void hrtimer_deferrable_irq_enter(ktime_t now)
{
	if (unlikely(now >= hrtimer_deferrable_next(this_cpu_ptr(&hrtimer_bases))))
		__hrtimer_deferrable_irq_enter();
}

static inline void hrtimer_deferrable_idle_enter(ktime_t now)
{
	if (unlikely(now >= hrtimer_deferrable_next(this_cpu_ptr(&hrtimer_bases))))
		__hrtimer_deferrable_idle_enter();
}

static inline void hrtimer_deferrable_idle_exit(ktime_t now)
{
	if (unlikely(hrtimer_deferrable_next(this_cpu_ptr(&hrtimer_bases)) != KTIME_MAX))
		__hrtimer_deferrable_idle_exit(now);
}

/* Account for @timer, which was just enqueued, as the @first one of its base or not. */
static inline void hrtimer_deferrable_enqueued(struct hrtimer *timer, bool first)
{
	if (first)
		hrtimer_deferrable_enqueued_first(timer);
}

/**
 * hrtimer_deferrable_target - choose the CPU on which a timer waits
 * @target: the bases that an ordinary timer would be put on
 *
 * A CPU that runs one task without the tick would notice nothing. With such CPUs
 * around the one that keeps the time never stops its tick.
 *
 * Context: interrupts disabled.
 * Return: @target, or the bases of the timekeeping CPU.
 */
static inline struct hrtimer_cpu_base *
hrtimer_deferrable_target(struct hrtimer_cpu_base *target)
{
	return tick_nohz_full_enabled() ? __hrtimer_deferrable_target(target) : target;
}

/* The bases of a CPU that has no timers or none any more. */
static inline void hrtimer_deferrable_clear(struct hrtimer_cpu_base *cpu_base)
{
	WRITE_ONCE(cpu_base->deferrable_next, KTIME_MAX);
}

static inline void hrtimer_deferrable_init(struct hrtimer *timer, enum hrtimer_mode mode)
{
	if (unlikely(mode & HRTIMER_MODE_DEFERRABLE))
		__hrtimer_deferrable_init(timer);
}

/* Whether the mode that @timer is started with has to say HRTIMER_MODE_SOFT. */
static inline u8 hrtimer_soft_by_mode(const struct hrtimer *timer)
{
	return timer->is_soft && !timer->is_deferrable;
}

/*
 * The offsets change when a clock is set, after suspend, and for the last moments
 * of a leap second without any sequence count telling it, hence the comparison.
 * Without a timer nobody needs them.
 */
static inline void hrtimer_deferrable_update_offsets(struct hrtimer_cpu_base *cpu_base)
{
	struct hrtimer_clock_base *base = cpu_base->clock_base;

	if (likely(hrtimer_deferrable_next(cpu_base) == KTIME_MAX))
		return;
	if (unlikely(base[HRTIMER_BASE_REALTIME_DEFERRABLE].offset !=
		     base[HRTIMER_BASE_REALTIME].offset ||
		     base[HRTIMER_BASE_BOOTTIME_DEFERRABLE].offset !=
		     base[HRTIMER_BASE_BOOTTIME].offset ||
		     base[HRTIMER_BASE_TAI_DEFERRABLE].offset !=
		     base[HRTIMER_BASE_TAI].offset))
		hrtimer_deferrable_update(cpu_base);
}

/**
 * hrtimer_deferrable_limit - when the idle CPU has to wake up at the latest
 * @next_tick: when it would wake up without deferrable timers
 * @basemono: time of the last tick; the result is never before it
 *
 * All times are CLOCK_MONOTONIC in nanoseconds.
 *
 * Context: interrupts disabled, about to stop the tick of this CPU.
 * Return: @next_tick, or the earlier time at which kernel.timer_defer_max_ms
 * no longer allows the first deferrable timer to wait.
 */
static inline u64 hrtimer_deferrable_limit(u64 next_tick, u64 basemono)
{
	unsigned int max_ms = READ_ONCE(sysctl_timer_defer_max_ms);

	if (likely(!max_ms))
		return next_tick;
	return __hrtimer_deferrable_limit(this_cpu_ptr(&hrtimer_bases), next_tick, basemono,
					  max_ms);
}

#else /* CONFIG_DEFERRABLE_HRTIMERS */

#define HRTIMER_DEFERRABLE_BASES

static inline ktime_t hrtimer_deferrable_next(struct hrtimer_cpu_base *cpu_base)
{
	return KTIME_MAX;
}

static inline void hrtimer_deferrable_update(struct hrtimer_cpu_base *cpu_base) { }

static inline struct hrtimer *hrtimer_deferrable_due(struct hrtimer_cpu_base *cpu_base,
						     ktime_t now, ktime_t *basenow)
{
	return NULL;
}

static inline void hrtimer_deferrable_enqueued(struct hrtimer *timer, bool first) { }

static inline struct hrtimer_cpu_base *
hrtimer_deferrable_target(struct hrtimer_cpu_base *target)
{
	return target;
}

static inline void hrtimer_deferrable_check(struct hrtimer_cpu_base *cpu_base, ktime_t now) { }
static inline void hrtimer_deferrable_irq_enter(ktime_t now) { }
static inline void hrtimer_deferrable_idle_enter(ktime_t now) { }
static inline void hrtimer_deferrable_idle_exit(ktime_t now) { }
static inline void hrtimer_deferrable_check_now(void) { }
static inline void hrtimer_deferrable_clear(struct hrtimer_cpu_base *cpu_base) { }
static inline void hrtimer_deferrable_init(struct hrtimer *timer, enum hrtimer_mode mode) { }

static inline u8 hrtimer_soft_by_mode(const struct hrtimer *timer)
{
	return timer->is_soft;
}

static inline void hrtimer_deferrable_update_offsets(struct hrtimer_cpu_base *cpu_base) { }

static inline bool hrtimer_deferrable_needs_ipi(struct hrtimer_cpu_base *cpu_base,
						ktime_t before)
{
	return false;
}

static inline u64 hrtimer_deferrable_limit(u64 next_tick, u64 basemono)
{
	return next_tick;
}

#endif /* CONFIG_DEFERRABLE_HRTIMERS */

#if defined(CONFIG_DEFERRABLE_HRTIMERS) && defined(CONFIG_SMP)

extern unsigned int sysctl_timer_defer_pull;

void __hrtimer_deferrable_pull(ktime_t now);
void __hrtimer_deferrable_offer(void);
void __hrtimer_deferrable_withdraw(void);
void __hrtimer_deferrable_lower(struct hrtimer_cpu_base *cpu_base);
#if IS_ENABLED(CONFIG_KUNIT)
unsigned int hrtimer_deferrable_move(struct hrtimer_clock_base *from,
				     struct hrtimer_clock_base *to, ktime_t now,
				     unsigned int left);
#endif

/* Context of these four: interrupts disabled; the first in hard interrupt context. */
static inline void hrtimer_deferrable_pull(ktime_t now)
{
	if (unlikely(READ_ONCE(sysctl_timer_defer_pull)))
		__hrtimer_deferrable_pull(now);
}

/* A clock was set; lock of @cpu_base held. */
static inline void hrtimer_deferrable_lower(struct hrtimer_cpu_base *cpu_base)
{
	if (unlikely(READ_ONCE(sysctl_timer_defer_pull)))
		__hrtimer_deferrable_lower(cpu_base);
}

/* This CPU goes to sleep: others may take over its timers. */
static inline void hrtimer_deferrable_offer(void)
{
	if (unlikely(READ_ONCE(sysctl_timer_defer_pull)))
		__hrtimer_deferrable_offer();
}

/* It is awake again. */
static inline void hrtimer_deferrable_withdraw(void)
{
	if (unlikely(READ_ONCE(sysctl_timer_defer_pull)))
		__hrtimer_deferrable_withdraw();
}

#else

static inline void hrtimer_deferrable_pull(ktime_t now) { }
static inline void hrtimer_deferrable_offer(void) { }
static inline void hrtimer_deferrable_withdraw(void) { }
static inline void hrtimer_deferrable_lower(struct hrtimer_cpu_base *cpu_base) { }

#endif

#endif /* _KERNEL_TIME_HRTIMER_DEFERRABLE_H */
