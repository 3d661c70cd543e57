// SPDX-License-Identifier: GPL-2.0
/*
 * From events to rows: who owns a timer, and what ended each idle period.
 *
 * An idle period ends with an interrupt. Depending on how a CPU idles, the kernel takes the
 * interrupt before it reports the end of the period or right after it, still in the idle task.
 * So the first interrupt between the begin of a period and the first event of another task, or
 * the begin of the next period, is what ended it. If that is the timer interrupt, then the
 * first timer that expires in it, unless that is the tick: the tick is programmed for the
 * kernel's timer wheel too, so a wheel timer that expires in its wake is charged instead.
 *
 * Deferrable timers cannot cause an interrupt and are never charged. Should the kernel fail
 * there, the period counts as KIND_NONE: a timer interrupt in which nothing else expired.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "account.h"

const struct kind_info kinds[NR_KINDS] = {
	[KIND_TIMERFD] = { "timerfd", .of_task = true, .support = 1 },
	[KIND_NANOSLEEP] = { "nanosleep", .of_task = true, .sleeper = true, .support = 1 },
	[KIND_POSIX] = { "posix", .of_task = true, .support = 1 },
	[KIND_SLEEP] = { "sleep", .of_task = true, .sleeper = true, .support = 0.5 },
	[KIND_POLL] = { "poll", .of_task = true, .sleeper = true },
	[KIND_ITIMER] = { "itimer", .of_task = true },
	[KIND_ALARM] = { "alarm", .of_task = true },
	[KIND_LIMIT] = { "limit", .of_task = true },
	[KIND_TIMEOUT] = { "timeout", .of_task = true, .sleeper = true },
	[KIND_KERNEL] = { "kernel" },
	[KIND_TICK] = { "tick" },
	[KIND_IRQ] = { "irq" },
	[KIND_IPI] = { "ipi" },
	[KIND_NONE] = { "none" },
	[KIND_UNSEEN] = { "unseen" },
	[KIND_OTHER] = { "other" },
};

static const struct {
	const char *function;
	enum kind kind;
} functions[] = {
	{ "timerfd_tmrproc", KIND_TIMERFD },
	{ "timerfd_limit_reached", KIND_LIMIT },
	{ "posix_timer_fn", KIND_POSIX },
	{ "hrtimer_wakeup", KIND_SLEEP },
	{ "it_real_fn", KIND_ITIMER },
	{ "alarmtimer_fired", KIND_ALARM },
	{ "process_timeout", KIND_TIMEOUT },
	{ "tick_nohz_handler", KIND_TICK },
	{ "tick_sched_timer", KIND_TICK },
};

static enum kind kind_of(const char *function)
{
	for (size_t i = 0; i < ARRAY_SIZE(functions); i++)
		if (!strcmp(functions[i].function, function))
			return functions[i].kind;
	return KIND_KERNEL;
}

/* What a task has by default, and what most keep. */
#define DEFAULT_SLACK_NS 50000

/*
 * All of a task's sleeps have the same function. clock_nanosleep() starts relative timers
 * unless asked otherwise; futex, poll, select and epoll turn theirs into absolute ones, and
 * the latter three widen the slack with the length of the timeout. Of all of them, only
 * clock_nanosleep() can be deferrable.
 */
static enum kind kind_of_sleep(const struct event *e, bool deferrable)
{
	if (e->relative || deferrable)
		return KIND_NANOSLEEP;
	return e->slack > DEFAULT_SLACK_NS ? KIND_POLL : KIND_SLEEP;
}

struct account *account_new(void)
{
	struct account *acc = calloc(1, sizeof(*acc));

	for (size_t i = 0; acc && i < MAX_CPUS; i++)
		acc->cpus[i].expiring = -1;
	return acc;
}

static void set_cause(struct cpu *cpu, enum kind kind, const char *name)
{
	memset(&cpu->key, 0, sizeof(cpu->key));
	memset(cpu->comm, 0, sizeof(cpu->comm));
	cpu->key.kind = kind;
	snprintf(cpu->key.name, sizeof(cpu->key.name), "%s", name);
	cpu->cause = true;
}

static void charge(struct account *acc, struct cpu *cpu)
{
	struct owner *o;

	if (!cpu->cause)
		set_cause(cpu, KIND_UNSEEN, "no interrupt seen");
	o = owner_get(acc, &cpu->key, cpu->comm);
	o->woke++;
	o->all_woke++;
	acc->idle_ends++;
	cpu->state = CPU_BUSY;
}

static void idle(struct account *acc, struct cpu *cpu, const struct event *e)
{
	acc->idle_events = true;
	if (cpu->state == CPU_WOKEN)
		charge(acc, cpu);
	if (e->idle) {
		cpu->state = CPU_IDLE;
		cpu->cause = false;
		cpu->open = true;
	} else if (cpu->state == CPU_IDLE) {
		cpu->state = CPU_WOKEN;
	}
}

/* Where the timer interrupt is not a vector of the CPU's own. */
static bool is_timer_interrupt(const struct event *e)
{
	return !strcmp(e->name, "local_timer") || !strcmp(e->name, "timer") ||
	       !strcmp(e->name, "arch_timer") || !strncmp(e->name, "hpet", 4);
}

static void interrupt(struct cpu *cpu, const struct event *e)
{
	cpu->expiring = -1;
	if (cpu->state == CPU_BUSY)
		return;
	if (cpu->cause) {
		/* What comes after the first interrupt explains nothing any more. */
		cpu->open = false;
	} else if (is_timer_interrupt(e)) {
		set_cause(cpu, KIND_NONE, "nothing expired");
	} else {
		set_cause(cpu, e->ipi ? KIND_IPI : KIND_IRQ, e->name);
		cpu->open = false;
	}
}

/* A timer expired: was it what the interrupt was for? */
static void explain(struct cpu *cpu, const struct timer *t)
{
	if (cpu->state == CPU_BUSY || !cpu->open || t->key.deferrable)
		return;
	if (t->key.kind != KIND_TICK)
		cpu->open = false;
	cpu->key = t->key;
	memcpy(cpu->comm, t->comm, sizeof(cpu->comm));
	cpu->cause = true;
}

static void set_key(struct timer *t, const struct event *e, enum kind kind)
{
	struct owner_key old = t->key;

	t->key.kind = kind;
	memcpy(t->key.name, e->name, sizeof(t->key.name));
	if (!kinds[kind].of_task) {
		t->key.pid = 0;
		memset(t->comm, 0, sizeof(t->comm));
	} else if (e->type == EVENT_TIMER_START && !e->in_interrupt) {
		t->key.pid = e->pid;
		memcpy(t->comm, e->comm, sizeof(t->comm));
	} else if (strcmp(old.name, e->name)) {
		/* Whom the interrupt interrupted has nothing to do with it. */
		t->key.pid = 0;
		memset(t->comm, 0, sizeof(t->comm));
		t->comm[0] = '?';
	}
	if (memcmp(&old, &t->key, sizeof(old)))
		t->last = 0;
}

static void timer_init(struct account *acc, const struct event *e)
{
	struct timer *t = timer_get(acc, e->timer, e->ns);

	/* Programs may do this before each start: what is known of the timer stays. */
	t->key.deferrable = e->deferrable;
}

static void timer_start(struct account *acc, const struct event *e)
{
	struct timer *t = timer_get(acc, e->timer, e->ns);
	enum kind kind = kind_of(e->name);

	/* When the kernel restarts a timer, it does not repeat the flag. */
	t->key.deferrable |= e->deferrable;
	t->cancelled = false;
	t->slack = e->slack;
	set_key(t, e, kind == KIND_SLEEP ? kind_of_sleep(e, t->key.deferrable) : kind);
}

static void timer_cancel(struct account *acc, const struct event *e)
{
	struct timer *t = timer_find(acc, e->timer);

	if (!t || !*t->key.name || t->cancelled)
		return;
	t->cancelled = true;
	owner_get(acc, &t->key, t->comm)->cancelled++;
}

static void timer_expire(struct account *acc, struct cpu *cpu, const struct event *e)
{
	struct timer *t = timer_get(acc, e->timer, e->ns);
	struct owner *o;
	__u64 *last;

	/* Started before the trace was. */
	if (strcmp(t->key.name, e->name))
		set_key(t, e, kind_of(e->name));
	o = owner_get(acc, &t->key, t->comm);
	o->expired++;
	o->all_expired++;
	o->slack = t->slack;
	/* Some kernels report each expiry as a cancellation first. */
	if (t->cancelled && o->cancelled)
		o->cancelled--;
	t->cancelled = false;
	last = kinds[t->key.kind].sleeper ? &o->last : &t->last;
	/* Timers of tasks that are not known have nothing in common. */
	if (*last && e->ns > *last && (t->key.pid || !kinds[t->key.kind].of_task))
		owner_interval(o, e->ns - *last);
	*last = e->ns;
	explain(cpu, t);
	cpu->expiring = o - acc->owners;
}

static void waking(struct account *acc, const struct cpu *cpu, const struct event *e)
{
	struct owner *o;

	if (cpu->expiring < 0)
		return;
	o = &acc->owners[cpu->expiring];
	o->woken_pid = e->other_pid;
	memcpy(o->woken_comm, e->other_comm, sizeof(o->woken_comm));
	/* A task's name is not always known when it starts a timer. */
	if (o->key.pid && o->key.pid == e->other_pid)
		memcpy(o->comm, e->other_comm, sizeof(o->comm));
}

static void lost(struct account *acc, struct cpu *cpu, const struct event *e)
{
	acc->gaps++;
	acc->lost += e->count;
	cpu->state = CPU_BUSY;
	cpu->expiring = -1;
}

/* What every event says, whatever it is about. */
static void pass_time(struct account *acc, struct cpu *cpu, const struct event *e)
{
	if (!acc->begin || e->ns < acc->begin)
		acc->begin = e->ns;
	if (e->ns > acc->end)
		acc->end = e->ns;
	if (e->type == EVENT_TIME)
		return;
	acc->events++;
	cpu->seen = true;
	if (!e->in_interrupt)
		cpu->expiring = -1;
	if (e->pid && cpu->state == CPU_WOKEN)
		charge(acc, cpu);
	else if (e->pid)
		cpu->state = CPU_BUSY;
}

static void account_event(struct account *acc, const struct event *e)
{
	struct cpu *cpu = &acc->cpus[e->cpu];

	switch (e->type) {
	case EVENT_COMMENT:
		return;
	case EVENT_MALFORMED:
		acc->malformed++;
		return;
	case EVENT_HEADER:
		/* Anywhere else it is a text about recordings. */
		if (!acc->events && !acc->malformed) {
			acc->recording = true;
			acc->version = e->count;
		}
		return;
	case EVENT_LOST:
		lost(acc, cpu, e);
		return;
	default:
		pass_time(acc, cpu, e);
	}
	switch (e->type) {
	case EVENT_IDLE:
		idle(acc, cpu, e);
		break;
	case EVENT_INTERRUPT:
		interrupt(cpu, e);
		break;
	case EVENT_TIMER_INIT:
		timer_init(acc, e);
		break;
	case EVENT_TIMER_START:
		timer_start(acc, e);
		break;
	case EVENT_TIMER_CANCEL:
		timer_cancel(acc, e);
		break;
	case EVENT_TIMER_EXPIRE:
		acc->timer_events = true;
		timer_expire(acc, cpu, e);
		break;
	case EVENT_WAKING:
		waking(acc, cpu, e);
		break;
	default:
		break;
	}
}

/**
 * account_line - take one line of trace text into account
 * @acc: where
 * @line: the line, without its newline
 */
void account_line(struct account *acc, const char *line)
{
	struct event e;

	parse_line(line, &e);
	account_event(acc, &e);
}

/**
 * account_finish - the trace ends here: charge the periods that had ended by then
 * @acc: where
 */
void account_finish(struct account *acc)
{
	for (size_t i = 0; i < MAX_CPUS; i++)
		if (acc->cpus[i].state == CPU_WOKEN)
			charge(acc, &acc->cpus[i]);
}

/**
 * account_next - begin the next interval: rates start anew, what was learnt remains
 * @acc: where
 */
void account_next(struct account *acc)
{
	/* New owners of the next interval find room before those that went quiet. */
	if (acc->nr_owners > MAX_OWNERS / 2) {
		owners_drop_quiet(acc);
		for (size_t i = 0; i < MAX_CPUS; i++)
			acc->cpus[i].expiring = -1;
	}
	for (unsigned int i = 0; i <= MAX_OWNERS; i++) {
		acc->owners[i].woke = 0;
		acc->owners[i].expired = 0;
		acc->owners[i].cancelled = 0;
	}
	acc->idle_ends = 0;
	acc->begin = acc->end;
}

unsigned int account_cpus(const struct account *acc)
{
	unsigned int count = 0;

	for (size_t i = 0; i < MAX_CPUS; i++)
		count += acc->cpus[i].seen;
	return count;
}
