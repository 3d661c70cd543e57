/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Deferrable timers of a timerfd: what is overdue is served as soon as somebody
 * asks, and TFD_IOC_SET_DEFER_MAX limits how long it can be overdue.
 *
 * The limit is an ordinary timer at the expiry of the deferrable one plus the
 * limit. Whichever comes first triggers, and stops the other.
 *
 * Included by timerfd.c after struct timerfd_ctx, whose wqh.lock protects both
 * timers.
 */
#ifndef _FS_TIMERFD_DEFERRABLE_H
#define _FS_TIMERFD_DEFERRABLE_H

#ifdef CONFIG_DEFERRABLE_HRTIMERS

/*
 * ctx->deferrable says what the timer was last set to; it is false for alarms. The
 * limit is armed, or its callback runs, only while that is true and ctx->defer_max
 * is not 0. What is behind these two is out of line: ordinary timers pay for tests.
 */

static inline enum hrtimer_mode timerfd_deferrable_mode(int flags)
{
	return flags & TFD_TIMER_IS_DEFERRABLE ? HRTIMER_MODE_DEFERRABLE : 0;
}

/* Whether it should have expired, but its CPU sleeps or the next tick has yet to come. */
static noinline bool __timerfd_overdue(struct timerfd_ctx *ctx)
{
	return hrtimer_is_queued(&ctx->t.tmr) &&
	       hrtimer_get_expires(&ctx->t.tmr) <= hrtimer_cb_get_time(&ctx->t.tmr);
}

static inline bool timerfd_overdue(struct timerfd_ctx *ctx)
{
	return unlikely(ctx->deferrable) && __timerfd_overdue(ctx);
}

static noinline int __timerfd_stop_limit(struct timerfd_ctx *ctx)
{
	/* The limit is initialized when it is first needed. */
	return ctx->limit.base ? hrtimer_try_to_cancel(&ctx->limit) : 0;
}

/*
 * Stop the limit, unless its callback runs, which waits for wqh.lock then and will
 * find the timer not queued, or the limit lifted or armed anew.
 *
 * Return: -1 if the callback runs.
 */
static inline int timerfd_stop_limit(struct timerfd_ctx *ctx)
{
	return unlikely(ctx->defer_max) ? __timerfd_stop_limit(ctx) : 0;
}

static inline void timerfd_wait_limit(struct timerfd_ctx *ctx)
{
	if (ctx->limit.base)
		hrtimer_cancel_wait_running(&ctx->limit);
}

/* The same without wqh.lock, for the last user. */
static inline void timerfd_cancel_limit(struct timerfd_ctx *ctx)
{
	if (ctx->limit.base)
		hrtimer_cancel(&ctx->limit);
}

/* What the timer's own callback does, here and now. */
static noinline void timerfd_trigger_deferred(struct timerfd_ctx *ctx)
{
	if (hrtimer_try_to_cancel(&ctx->t.tmr) <= 0)
		return;
	ctx->expired = 1;
	ctx->ticks++;
	wake_up_locked_poll(&ctx->wqh, EPOLLIN);
	timerfd_stop_limit(ctx);
}

static inline void timerfd_serve_overdue(struct timerfd_ctx *ctx)
{
	if (timerfd_overdue(ctx))
		timerfd_trigger_deferred(ctx);
}

/*
 * For who is about to set it anew and wants to know when a periodic timer would have
 * expired next. Nobody needs to wake up for what has passed.
 */
static inline void timerfd_expire_overdue(struct timerfd_ctx *ctx)
{
	if (unlikely(ctx->deferrable) && ctx->tintv && __timerfd_overdue(ctx))
		ctx->expired = 1;
}

static enum hrtimer_restart timerfd_limit_reached(struct hrtimer *limit)
{
	struct timerfd_ctx *ctx = container_of(limit, struct timerfd_ctx, limit);
	unsigned long flags;

	spin_lock_irqsave(&ctx->wqh.lock, flags);
	/* While this waited for the lock, both may have been armed anew, or the limit lifted. */
	if (ctx->deferrable && ctx->defer_max && !hrtimer_is_queued(limit))
		timerfd_trigger_deferred(ctx);
	spin_unlock_irqrestore(&ctx->wqh.lock, flags);
	return HRTIMER_NORESTART;
}

/* The limit is stopped. Relative CLOCK_REALTIME timers are not on the clock of the descriptor. */
static noinline void __timerfd_init_limit(struct timerfd_ctx *ctx)
{
	if (!ctx->deferrable)
		return;
	hrtimer_init(&ctx->limit, ctx->t.tmr.base->clockid, HRTIMER_MODE_ABS);
	ctx->limit.function = timerfd_limit_reached;
}

/* After the timer was initialized. */
static inline void timerfd_init_limit(struct timerfd_ctx *ctx, int flags)
{
	ctx->deferrable = !!(flags & TFD_TIMER_IS_DEFERRABLE);
	if (unlikely(ctx->defer_max))
		__timerfd_init_limit(ctx);
}

static noinline void __timerfd_start_limit(struct timerfd_ctx *ctx)
{
	if (ctx->deferrable && hrtimer_is_queued(&ctx->t.tmr))
		hrtimer_start(&ctx->limit, ktime_add_safe(hrtimer_get_expires(&ctx->t.tmr),
							  ns_to_ktime(ctx->defer_max)),
			      HRTIMER_MODE_ABS);
}

/* After the timer was started. */
static inline void timerfd_start_limit(struct timerfd_ctx *ctx)
{
	if (unlikely(ctx->defer_max))
		__timerfd_start_limit(ctx);
}

static inline void timerfd_show_limit(struct seq_file *m, struct timerfd_ctx *ctx)
{
	if (ctx->defer_max)
		seq_printf(m, "defer max: %llu\n", ctx->defer_max);
}

/* TFD_IOC_SET_DEFER_MAX */
static long timerfd_set_defer_max(struct timerfd_ctx *ctx, u64 __user *arg)
{
	u64 max;

	if (copy_from_user(&max, arg, sizeof(max)))
		return -EFAULT;
	if (isalarm(ctx) || max > KTIME_MAX)
		return -EINVAL;

	for (;;) {
		spin_lock_irq(&ctx->wqh.lock);
		if (timerfd_stop_limit(ctx) >= 0)
			break;
		spin_unlock_irq(&ctx->wqh.lock);
		timerfd_wait_limit(ctx);
	}
	ctx->defer_max = max;
	if (max) {
		__timerfd_init_limit(ctx);
		__timerfd_start_limit(ctx);
	}
	spin_unlock_irq(&ctx->wqh.lock);
	return 0;
}

#else

static inline enum hrtimer_mode timerfd_deferrable_mode(int flags)
{
	return 0;
}

static inline bool timerfd_overdue(struct timerfd_ctx *ctx)
{
	return false;
}

static inline int timerfd_stop_limit(struct timerfd_ctx *ctx)
{
	return 0;
}

static inline void timerfd_wait_limit(struct timerfd_ctx *ctx) { }
static inline void timerfd_cancel_limit(struct timerfd_ctx *ctx) { }
static inline void timerfd_serve_overdue(struct timerfd_ctx *ctx) { }
static inline void timerfd_expire_overdue(struct timerfd_ctx *ctx) { }
static inline void timerfd_init_limit(struct timerfd_ctx *ctx, int flags) { }
static inline void timerfd_start_limit(struct timerfd_ctx *ctx) { }
static inline void timerfd_show_limit(struct seq_file *m, struct timerfd_ctx *ctx) { }

#endif

#endif /* _FS_TIMERFD_DEFERRABLE_H */
