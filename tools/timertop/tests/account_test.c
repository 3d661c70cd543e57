// SPDX-License-Identifier: GPL-2.0
/*
 * Small traces whose figures can be worked out by hand. Times are in seconds; in every test
 * each idle period that ended is charged to exactly one owner.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "account.h"

#define MS 1000000ULL

/* The lines of a trace; CPU and time are given as they are printed. */
#define TASK(cpu, t) "          app-42      [00" cpu "] ..... " t ": "
#define IDLE(cpu, t) "          <idle>-0       [00" cpu "] d.... " t ": "
#define HARD(cpu, t) "          <idle>-0       [00" cpu "] d.h1. " t ": "
#define SOFT(cpu, t) "          <idle>-0       [00" cpu "] ..s.. " t ": "
#define SLEEP(cpu, t) IDLE(cpu, t) "cpu_idle: state=1 cpu_id=0\n"
#define WAKE(cpu, t) IDLE(cpu, t) "cpu_idle: state=4294967295 cpu_id=0\n"
#define LOCAL_TIMER(cpu, t) HARD(cpu, t) "local_timer_entry: vector=236\n"
#define DISK(cpu, t) HARD(cpu, t) "irq_handler_entry: irq=24 name=virtio1-req.0\n"
#define RESCHEDULE(cpu, t) IDLE(cpu, t) "reschedule_entry: vector=253\n"
#define INIT(timer, mode) "hrtimer_init: hrtimer=" timer " clockid=CLOCK_MONOTONIC mode=" mode "\n"
#define START(timer, function, slack, mode) \
	"hrtimer_start: hrtimer=" timer " function=" function " expires=2000" slack \
	" softexpires=2000000000 mode=" mode " was_armed=0\n"
#define NO_SLACK "000000"
#define EXPIRE(timer, function) \
	"hrtimer_expire_entry: hrtimer=" timer " function=" function " now=1\n"
#define CANCEL(timer) "hrtimer_cancel: hrtimer=" timer "\n"
#define WHEEL(function) "timer_expire_entry: timer=77 function=" function " now=1 baseclk=1\n"
#define WAKING(comm, pid) "sched_waking: comm=" comm " pid=" pid " prio=120 target_cpu=000\n"
#define TFD "timerfd_tmrproc"
#define START_TFD START("a1", TFD, NO_SLACK, "REL")
#define TICK "tick_nohz_handler"

static void feed(struct account *acc, const char *trace)
{
	char *copy = strdup(trace), *rest = copy, *line;

	while ((line = strsep(&rest, "\n")))
		account_line(acc, line);
	free(copy);
}

static const struct owner *find(const struct account *acc, enum kind kind, int pid,
				const char *name, bool deferrable)
{
	const struct owner *found = NULL;

	for (unsigned int i = 0; i < acc->nr_owners; i++) {
		const struct owner *o = &acc->owners[i];

		if (o->key.kind != kind || o->key.pid != pid || strcmp(o->key.name, name) ||
		    o->key.deferrable != deferrable)
			continue;
		assert_null(found);
		found = o;
	}
	return found;
}

static void expect(const struct account *acc, enum kind kind, int pid, const char *name,
		   unsigned int woke, unsigned int expired)
{
	const struct owner *o = find(acc, kind, pid, name, false);

	if (!o)
		fail_msg("no row for %s of %d", name, pid);
	assert_int_equal(o->woke, woke);
	assert_int_equal(o->expired, expired);
}

static int setup(void **state)
{
	*state = account_new();
	return !*state;
}

static int every_period_is_charged_once(void **state)
{
	struct account *acc = *state;
	__u64 sum = acc->owners[MAX_OWNERS].woke;

	for (unsigned int i = 0; i < acc->nr_owners; i++)
		sum += acc->owners[i].woke;
	assert_int_equal(sum, acc->idle_ends);
	free(acc);
	return 0;
}

/* app arms a timerfd four times, 250 ms apart; each expiry is the only thing in a period. */
static void timerfd_wakes(void **state)
{
	struct account *acc = *state;
	const struct owner *o;

	feed(acc, TASK("0", "1.00") START_TFD SLEEP("0", "1.01")
	     LOCAL_TIMER("0", "1.25") HARD("0", "1.25") EXPIRE("a1", TFD)
	     HARD("0", "1.25") WAKING("app", "42") WAKE("0", "1.26"));
	feed(acc, TASK("0", "1.27") START_TFD SLEEP("0", "1.28")
	     LOCAL_TIMER("0", "1.50") HARD("0", "1.50") EXPIRE("a1", TFD) WAKE("0", "1.51"));
	feed(acc, TASK("0", "1.52") START_TFD SLEEP("0", "1.53")
	     LOCAL_TIMER("0", "1.75") HARD("0", "1.75") EXPIRE("a1", TFD) WAKE("0", "1.76"));
	feed(acc, TASK("0", "1.77") START_TFD SLEEP("0", "1.78")
	     LOCAL_TIMER("0", "2.00") HARD("0", "2.00") EXPIRE("a1", TFD) WAKE("0", "2.01"));
	account_finish(acc);

	assert_int_equal(acc->idle_ends, 4);
	assert_int_equal(acc->nr_owners, 1);
	o = find(acc, KIND_TIMERFD, 42, TFD, false);
	assert_int_equal(o->woke, 4);
	assert_int_equal(o->expired, 4);
	assert_string_equal(o->comm, "app");
	assert_int_equal(o->woken_pid, 42);
	assert_int_equal(o->nr_intervals, 3);
	assert_int_equal(owner_period(o), 250 * MS);
	assert_int_equal(owner_jitter(o), 0);
	/* support 1, all wake, 250 ms is long, regular */
	assert_int_equal(owner_score(o), 100);
	assert_int_equal(acc->begin, 1000 * MS);
	assert_int_equal(acc->end, 2010 * MS);
	assert_int_equal(account_cpus(acc), 1);
}

/* Where idling ends with interrupts off, the interrupt follows the end of the period. */
static void interrupt_after_the_end(void **state)
{
	struct account *acc = *state;

	feed(acc, TASK("0", "1.0") START_TFD SLEEP("0", "1.1") WAKE("0", "1.2")
	     LOCAL_TIMER("0", "1.2") HARD("0", "1.2") EXPIRE("a1", TFD)
	     SLEEP("0", "1.3") WAKE("0", "1.4") DISK("0", "1.4")
	     TASK("0", "1.5") CANCEL("99") SLEEP("0", "1.6"));
	assert_int_equal(acc->idle_ends, 2);
	expect(acc, KIND_TIMERFD, 42, TFD, 1, 1);
	expect(acc, KIND_IRQ, 0, "virtio1-req.0", 1, 0);
}

/* A task ran before the interrupt came, so something else ended the period. */
static void interrupt_after_a_task(void **state)
{
	struct account *acc = *state;

	feed(acc, TASK("0", "1.0") START_TFD SLEEP("0", "1.1") WAKE("0", "1.2")
	     TASK("0", "1.3") CANCEL("99")
	     "          app-42      [000] d.h.. 1.4: local_timer_entry: vector=236\n"
	     "          app-42      [000] d.h.. 1.4: " EXPIRE("a1", TFD) SLEEP("0", "1.5"));
	assert_int_equal(acc->idle_ends, 1);
	expect(acc, KIND_UNSEEN, 0, "no interrupt seen", 1, 0);
	expect(acc, KIND_TIMERFD, 42, TFD, 0, 1);
}

static void tick_and_wheel(void **state)
{
	struct account *acc = *state;

	/* The tick alone, a wheel timer behind the tick, a wheel timer behind a device. */
	feed(acc, SLEEP("0", "1.1") LOCAL_TIMER("0", "1.2") HARD("0", "1.2") EXPIRE("b1", TICK)
	     WAKE("0", "1.2")
	     SLEEP("0", "1.3") LOCAL_TIMER("0", "1.4") HARD("0", "1.4") EXPIRE("b1", TICK)
	     SOFT("0", "1.4") WHEEL("delayed_work_timer_fn") WAKE("0", "1.4")
	     SLEEP("0", "1.5") DISK("0", "1.6") SOFT("0", "1.6") WHEEL("delayed_work_timer_fn")
	     WAKE("0", "1.6") SLEEP("0", "1.7"));
	assert_int_equal(acc->idle_ends, 3);
	expect(acc, KIND_TICK, 0, TICK, 1, 2);
	expect(acc, KIND_KERNEL, 0, "delayed_work_timer_fn", 1, 2);
	expect(acc, KIND_IRQ, 0, "virtio1-req.0", 1, 0);
}

static void first_interrupt_counts(void **state)
{
	struct account *acc = *state;

	/* A device, then a timer; an IPI, then a timer; the tick, then a timer on its own. */
	feed(acc, TASK("0", "1.0") START_TFD
	     SLEEP("0", "1.1") DISK("0", "1.2") LOCAL_TIMER("0", "1.2")
	     HARD("0", "1.2") EXPIRE("a1", TFD) WAKE("0", "1.2")
	     SLEEP("0", "1.3") RESCHEDULE("0", "1.4") LOCAL_TIMER("0", "1.4")
	     HARD("0", "1.4") EXPIRE("a1", TFD) WAKE("0", "1.4")
	     SLEEP("0", "1.5") LOCAL_TIMER("0", "1.6") HARD("0", "1.6") EXPIRE("b1", TICK)
	     LOCAL_TIMER("0", "1.6") HARD("0", "1.6") EXPIRE("a1", TFD) WAKE("0", "1.6")
	     SLEEP("0", "1.7"));
	assert_int_equal(acc->idle_ends, 3);
	expect(acc, KIND_IRQ, 0, "virtio1-req.0", 1, 0);
	expect(acc, KIND_IPI, 0, "reschedule", 1, 0);
	expect(acc, KIND_TICK, 0, TICK, 1, 1);
	expect(acc, KIND_TIMERFD, 42, TFD, 0, 3);
}

/* Two timers in one interrupt: the first is what the hardware was programmed for. */
static void one_charge_for_two_timers(void **state)
{
	struct account *acc = *state;

	feed(acc, TASK("0", "1.0") START_TFD
	     TASK("0", "1.0") START("a2", "posix_timer_fn", NO_SLACK, "ABS")
	     SLEEP("0", "1.1") LOCAL_TIMER("0", "1.2") HARD("0", "1.2") EXPIRE("b1", TICK)
	     HARD("0", "1.2") EXPIRE("a1", TFD) HARD("0", "1.2") EXPIRE("a2", "posix_timer_fn")
	     WAKE("0", "1.2") SLEEP("0", "1.3"));
	assert_int_equal(acc->idle_ends, 1);
	expect(acc, KIND_TICK, 0, TICK, 0, 1);
	expect(acc, KIND_TIMERFD, 42, TFD, 1, 1);
	expect(acc, KIND_POSIX, 42, "posix_timer_fn", 0, 1);
}

static void busy_cpus_are_not_woken(void **state)
{
	struct account *acc = *state;

	/* Nothing is known of CPU 0 before its first event; CPU 1 idles, CPU 2 runs app. */
	feed(acc, LOCAL_TIMER("0", "1.0") HARD("0", "1.0") EXPIRE("b1", TICK)
	     SLEEP("1", "1.1") TASK("2", "1.2") START_TFD
	     "          app-42      [002] d.h.. 1.3: local_timer_entry: vector=236\n"
	     "          app-42      [002] d.h.. 1.3: " EXPIRE("a1", TFD));
	account_finish(acc);
	assert_int_equal(acc->idle_ends, 0);
	expect(acc, KIND_TIMERFD, 42, TFD, 0, 1);
	assert_int_equal(account_cpus(acc), 3);
}

static void deferrable_is_never_charged(void **state)
{
	struct account *acc = *state;
	const struct owner *o;

	/* It expires in the wake of a disk, and in a timer interrupt without any other timer. */
	feed(acc, TASK("0", "1.0") START("a1", TFD, NO_SLACK, "REL|DEFERRABLE")
	     SLEEP("0", "1.1") DISK("0", "1.2") SOFT("0", "1.2") EXPIRE("a1", TFD) WAKE("0", "1.2")
	     SLEEP("0", "1.3") LOCAL_TIMER("0", "1.4") SOFT("0", "1.4") EXPIRE("a1", TFD)
	     WAKE("0", "1.4") SLEEP("0", "1.5"));
	assert_int_equal(acc->idle_ends, 2);
	o = find(acc, KIND_TIMERFD, 42, TFD, true);
	assert_int_equal(o->woke, 0);
	assert_int_equal(o->expired, 2);
	expect(acc, KIND_IRQ, 0, "virtio1-req.0", 1, 0);
	expect(acc, KIND_NONE, 0, "nothing expired", 1, 0);
}

/* The kernel restarts timers without the flag; programs that take it back initialize anew. */
static void deferrable_until_initialized_anew(void **state)
{
	struct account *acc = *state;

	feed(acc, TASK("0", "1.0") INIT("a1", "0x10")
	     TASK("0", "1.0") START("a1", TFD, NO_SLACK, "ABS") HARD("0", "1.1") EXPIRE("a1", TFD)
	     TASK("0", "1.2") START("a1", TFD, NO_SLACK, "ABS") HARD("0", "1.3") EXPIRE("a1", TFD)
	     TASK("0", "1.4") INIT("a1", "ABS")
	     TASK("0", "1.4") START("a1", TFD, NO_SLACK, "ABS") HARD("0", "1.5") EXPIRE("a1", TFD));
	assert_int_equal(find(acc, KIND_TIMERFD, 42, TFD, true)->expired, 2);
	assert_int_equal(find(acc, KIND_TIMERFD, 42, TFD, false)->expired, 1);
}

static void kinds_of_sleep(void **state)
{
	static const struct {
		const char *start;
		enum kind kind;
		bool deferrable;
	} sleeps[] = {
		{ START("a1", "hrtimer_wakeup", "050000", "REL"), KIND_NANOSLEEP, false },
		{ START("a1", "hrtimer_wakeup", "900000", "REL"), KIND_NANOSLEEP, false },
		{ START("a1", "hrtimer_wakeup", "050000", "ABS"), KIND_SLEEP, false },
		{ START("a1", "hrtimer_wakeup", "300000", "ABS"), KIND_POLL, false },
		{ START("a1", "hrtimer_wakeup", "300000", "ABS|DEFERRABLE"), KIND_NANOSLEEP, true },
	};

	struct account *acc = *state;
	char line[400];

	for (size_t i = 0; i < ARRAY_SIZE(sleeps); i++) {
		const struct owner *o;

		acc->nr_owners = 0;
		memset(acc->slots, 0, sizeof(acc->slots));
		feed(acc, TASK("0", "1.0") INIT("a1", "ABS"));
		snprintf(line, sizeof(line), TASK("0", "1.0") "%s", sleeps[i].start);
		feed(acc, line);
		feed(acc, HARD("0", "1.1") EXPIRE("a1", "hrtimer_wakeup"));
		o = find(acc, sleeps[i].kind, 42, "hrtimer_wakeup", sleeps[i].deferrable);
		assert_non_null(o);
		assert_int_equal(o->expired, 1);
	}
}

static void kinds_by_function(void **state)
{
	static const struct {
		const char *function;
		enum kind kind;
		int pid;
	} wanted[] = {
		{ "timerfd_tmrproc", KIND_TIMERFD, 42 }, { "posix_timer_fn", KIND_POSIX, 42 },
		{ "it_real_fn", KIND_ITIMER, 42 }, { "alarmtimer_fired", KIND_ALARM, 42 },
		{ "timerfd_limit_reached", KIND_LIMIT, 42 },
		{ "process_timeout", KIND_TIMEOUT, 42 },
		{ "tick_sched_timer", KIND_TICK, 0 }, { "tick_nohz_handler", KIND_TICK, 0 },
		{ "hv_stimer", KIND_KERNEL, 0 },
	};
	struct account *acc = *state;
	char line[400];

	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		snprintf(line, sizeof(line), TASK("0", "1.0") START("%zx", "%s", NO_SLACK, "ABS"),
			 i, wanted[i].function);
		feed(acc, line);
		snprintf(line, sizeof(line), HARD("0", "1.1") EXPIRE("%zx", "%s"), i,
			 wanted[i].function);
		feed(acc, line);
		expect(acc, wanted[i].kind, wanted[i].pid, wanted[i].function, 0, 1);
	}
}

static void started_before_the_trace(void **state)
{
	struct account *acc = *state;
	const struct owner *o;

	/* Twice, 100 ms apart, but they may be two tasks': no period. */
	feed(acc, HARD("0", "1.0") EXPIRE("a1", TFD) HARD("0", "1.1") EXPIRE("a1", TFD)
	     HARD("0", "1.2") EXPIRE("b1", TICK) HARD("0", "1.3") EXPIRE("b1", TICK));
	o = find(acc, KIND_TIMERFD, 0, TFD, false);
	assert_int_equal(o->expired, 2);
	assert_string_equal(o->comm, "?");
	assert_int_equal(o->nr_intervals, 0);
	/* The kernel has one such timer a CPU, whoever starts it. */
	assert_int_equal(owner_period(find(acc, KIND_TICK, 0, TICK, false)), 100 * MS);
}

/* An interrupt restarts the timer while other runs: it stays app's. */
static void started_in_an_interrupt(void **state)
{
	struct account *acc = *state;

	feed(acc, TASK("0", "1.0") START_TFD HARD("0", "1.1") EXPIRE("a1", TFD)
	     "          other-43      [000] d.h1. 1.2: " START_TFD
	     HARD("0", "1.3") EXPIRE("a1", TFD));
	expect(acc, KIND_TIMERFD, 42, TFD, 0, 2);
	assert_int_equal(acc->nr_owners, 1);
}

static void cancellations(void **state)
{
	struct account *acc = *state;

	/* One was really cancelled; the other kernel reports a cancellation before each expiry. */
	feed(acc, TASK("0", "1.0") START_TFD TASK("0", "1.1") CANCEL("a1")
	     TASK("0", "1.2") START_TFD HARD("0", "1.3") CANCEL("a1") HARD("0", "1.3")
	     EXPIRE("a1", TFD) TASK("0", "1.4") CANCEL("unknown") TASK("0", "1.4") CANCEL("f00"));
	assert_int_equal(find(acc, KIND_TIMERFD, 42, TFD, false)->cancelled, 1);
	expect(acc, KIND_TIMERFD, 42, TFD, 0, 1);
	assert_int_equal(acc->malformed, 1);
}

static void lost_events(void **state)
{
	struct account *acc = *state;

	/* What happened to CPU 0 in the gap is not known, CPU 1 has none. */
	feed(acc, SLEEP("0", "1.0") SLEEP("1", "1.0") "CPU:0 [LOST 7 EVENTS]\n"
	     DISK("0", "1.1") WAKE("0", "1.1") DISK("1", "1.1") WAKE("1", "1.1")
	     "CPU:0 [LOST EVENTS]\n" SLEEP("0", "1.2") SLEEP("1", "1.2"));
	assert_int_equal(acc->gaps, 2);
	assert_int_equal(acc->lost, 7);
	assert_int_equal(acc->idle_ends, 1);
	expect(acc, KIND_IRQ, 0, "virtio1-req.0", 1, 0);
}

/* The task is not known by name when it starts the timer, but when it is woken. */
static void names_come_late(void **state)
{
	struct account *acc = *state;

	feed(acc, "           <...>-42      [000] ..... 1.0: " START_TFD
	     HARD("0", "1.1") EXPIRE("a1", TFD));
	assert_string_equal(find(acc, KIND_TIMERFD, 42, TFD, false)->comm, "?");
	feed(acc, HARD("0", "1.1") WAKING("late name", "42"));
	assert_string_equal(find(acc, KIND_TIMERFD, 42, TFD, false)->comm, "late name");
	feed(acc, "           <...>-42      [000] ..... 1.2: " START_TFD
	     HARD("0", "1.3") EXPIRE("a1", TFD));
	assert_string_equal(find(acc, KIND_TIMERFD, 42, TFD, false)->comm, "late name");
	/* Woken by a task, not by the timer. */
	feed(acc, TASK("0", "1.4") WAKING("someone", "43"));
	assert_int_equal(find(acc, KIND_TIMERFD, 42, TFD, false)->woken_pid, 42);
}

static void period_jitter_score(void **state)
{
	struct owner o = { .key.kind = KIND_TIMERFD, .all_expired = 10, .all_woke = 10 };

	(void)state;
	assert_int_equal(owner_period(&o), 0);
	owner_interval(&o, 100 * MS);
	assert_int_equal(owner_period(&o), 100 * MS);
	assert_int_equal(owner_jitter(&o), 0);
	assert_int_equal(owner_score(&o), 0);	/* one interval is not a period */
	owner_interval(&o, 200 * MS);
	owner_interval(&o, 400 * MS);
	owner_interval(&o, 300 * MS);
	/* median of 100 200 300 400; deviations 150 50 50 150, their median */
	assert_int_equal(owner_period(&o), 250 * MS);
	assert_int_equal(owner_jitter(&o), 100 * MS);
	assert_int_equal(owner_score(&o), 80);	/* 1 - 100 / 250 / 2 */
	o.all_woke = 5;
	assert_int_equal(owner_score(&o), 40);
	o.key.kind = KIND_SLEEP;
	assert_int_equal(owner_score(&o), 20);
	o.key.kind = KIND_POLL;
	assert_int_equal(owner_score(&o), 0);
	o.key.kind = KIND_POSIX;
	o.key.deferrable = true;
	assert_int_equal(owner_score(&o), 0);
	o.key.deferrable = false;
	/* 64 intervals of 20 ms push the others out: 20 / 200 of 100, half of it wakes. */
	for (int i = 0; i < MAX_INTERVALS; i++)
		owner_interval(&o, 20 * MS);
	assert_int_equal(owner_period(&o), 20 * MS);
	assert_int_equal(owner_score(&o), 5);
}

/* A thread's stack is not always as deep: its sleeps have many addresses, and one period. */
static void sleeps_share_a_period(void **state)
{
	struct account *acc = *state;
	const struct owner *o;

	feed(acc, TASK("0", "1.0") START("a1", "hrtimer_wakeup", "050000", "REL")
	     HARD("0", "1.1") EXPIRE("a1", "hrtimer_wakeup")
	     TASK("0", "1.1") START("a2", "hrtimer_wakeup", "050000", "REL")
	     HARD("0", "1.4") EXPIRE("a2", "hrtimer_wakeup"));
	o = find(acc, KIND_NANOSLEEP, 42, "hrtimer_wakeup", false);
	assert_int_equal(owner_period(o), 300 * MS);
	assert_int_equal(o->slack, 50000);
}

/* Two timers of a task, 100 ms and 300 ms: the intervals are each timer's own. */
static void timers_have_their_own_periods(void **state)
{
	struct account *acc = *state;

	feed(acc, TASK("0", "1.0") START_TFD TASK("0", "1.0") START("a2", TFD, NO_SLACK, "REL")
	     HARD("0", "1.1") EXPIRE("a1", TFD) HARD("0", "1.15") EXPIRE("a2", TFD)
	     HARD("0", "1.2") EXPIRE("a1", TFD) HARD("0", "1.45") EXPIRE("a2", TFD));
	assert_int_equal(owner_period(find(acc, KIND_TIMERFD, 42, TFD, false)), 200 * MS);
}

static void intervals(void **state)
{
	struct account *acc = *state;
	const struct owner *o;

	feed(acc, "# timertop time 1.0\n" TASK("0", "1.1") START_TFD
	     HARD("0", "1.2") EXPIRE("a1", TFD) HARD("0", "1.3") EXPIRE("a1", TFD)
	     SLEEP("0", "1.4") DISK("0", "1.5") WAKE("0", "1.5") SLEEP("0", "1.6")
	     "# timertop time 3.0\n");
	assert_int_equal(acc->end - acc->begin, 2000 * MS);
	assert_int_equal(acc->idle_ends, 1);
	account_next(acc);
	feed(acc, DISK("0", "3.1") WAKE("0", "3.1") SLEEP("0", "3.2") "# timertop time 4.0\n");
	assert_int_equal(acc->end - acc->begin, 1000 * MS);
	assert_int_equal(acc->idle_ends, 1);
	o = find(acc, KIND_TIMERFD, 42, TFD, false);
	assert_int_equal(o->expired, 0);
	assert_int_equal(o->all_expired, 2);
	assert_int_equal(owner_period(o), 100 * MS);
}

static void feed_owner(struct account *acc, int pid)
{
	char line[300];

	snprintf(line, sizeof(line), "app-%d [000] ..... 1.0: " START("%x", TFD, NO_SLACK, "REL"),
		 pid, pid);
	feed(acc, line);
	snprintf(line, sizeof(line), HARD("0", "1.1") EXPIRE("%x", TFD), pid);
	feed(acc, line);
}

static void owners_are_bounded(void **state)
{
	struct account *acc = *state;
	__u64 expired = 0;

	for (int pid = 1; pid <= 1500; pid++)
		feed_owner(acc, pid);
	assert_int_equal(acc->nr_owners, MAX_OWNERS);
	for (int i = 0; i <= MAX_OWNERS; i++)
		expired += acc->owners[i].expired;
	assert_int_equal(expired, 1500);
	assert_int_equal(acc->owners[MAX_OWNERS].key.kind, KIND_OTHER);
	assert_int_equal(acc->owners[MAX_OWNERS].expired, 1500 - MAX_OWNERS);
	expect(acc, KIND_TIMERFD, 1000, TFD, 0, 1);

	/* In the next interval only 7 and 8 do something; then there is room again. */
	account_next(acc);
	feed_owner(acc, 7);
	feed_owner(acc, 8);
	account_next(acc);
	assert_int_equal(acc->nr_owners, 2);
	feed_owner(acc, 2000);
	expect(acc, KIND_TIMERFD, 2000, TFD, 0, 1);
	expect(acc, KIND_TIMERFD, 8, TFD, 0, 0);
	assert_int_equal(find(acc, KIND_TIMERFD, 8, TFD, false)->all_expired, 2);
}

/* Of more timers than there is room for, those seen last are known. */
static void timers_are_bounded(void **state)
{
	struct account *acc = *state;
	unsigned int known = 0;

	for (__u64 address = 1; address <= 100000; address++) {
		assert_int_equal(timer_get(acc, address, 2 * address)->address, address);
		assert_int_equal(timer_get(acc, 1, 2 * address + 1)->address, 1);
	}
	for (__u64 address = 1; address <= 100000; address++)
		known += !!timer_find(acc, address);
	assert_int_equal(known, TIMER_SETS * TIMER_WAYS);
	assert_non_null(timer_find(acc, 1));
	assert_non_null(timer_find(acc, 100000));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, every_period_is_charged_once)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(timerfd_wakes),
		TEST(interrupt_after_the_end),
		TEST(interrupt_after_a_task),
		TEST(tick_and_wheel),
		TEST(first_interrupt_counts),
		TEST(one_charge_for_two_timers),
		TEST(busy_cpus_are_not_woken),
		TEST(deferrable_is_never_charged),
		TEST(deferrable_until_initialized_anew),
		TEST(kinds_of_sleep),
		TEST(kinds_by_function),
		TEST(started_before_the_trace),
		TEST(started_in_an_interrupt),
		TEST(cancellations),
		TEST(lost_events),
		TEST(names_come_late),
		TEST(period_jitter_score),
		TEST(sleeps_share_a_period),
		TEST(timers_have_their_own_periods),
		TEST(intervals),
		TEST(owners_are_bounded),
		TEST(timers_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
