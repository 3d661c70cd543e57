// SPDX-License-Identifier: GPL-2.0
/* Lines as the kernel prints them, as people copy them, and as they get damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "parse.h"

#define HRTIMER_START "        tick-tfd-94      [001] d..1.     5.123456: " START_FIELDS
#define START_FIELDS "hrtimer_start: hrtimer=00000000c0ffee00 " FUNCTION_AND_EXPIRY
#define FUNCTION_AND_EXPIRY "function=timerfd_tmrproc expires=5250000000 softexpires=5249950000 "
#define AT "a-1 [000] d.... 1.5: "
#define IN_IRQ "<idle>-0 [000] dNh1. 1.5: "
#define LONG_NAME "a_function_with_a_very_long_name_indeed"
#define WHEEL_EXPIRY " expires=4294892580 [timeout=250] bucket_expiry=4294892608 cpu=0 idx=13 "
#define IDLE_3 "7.000001: cpu_idle: state=1 cpu_id=3"

static struct event parsed(const char *line)
{
	struct event e;

	/* What was in it before must not shine through. */
	memset(&e, 0xa5, sizeof(e));
	parse_line(line, &e);
	return e;
}

static void prefix(void **state)
{
	struct event e = parsed(HRTIMER_START "mode=REL was_armed=0");

	(void)state;
	assert_int_equal(e.type, EVENT_TIMER_START);
	assert_int_equal(e.ns, 5123456000);
	assert_int_equal(e.cpu, 1);
	assert_int_equal(e.pid, 94);
	assert_string_equal(e.comm, "tick-tfd");
	assert_false(e.in_interrupt);
}

static void prefix_variants(void **state)
{
	static const struct {
		const char *line;
		const char *comm;
		int pid;
		bool in_interrupt;
	} variants[] = {
		/* Blanks in front are lost, the option irq-info is off, tgids are on. */
		{ "<idle>-0 [003] d.h1. " IDLE_3, "<idle>", 0, true },
		{ "app-42 [003] " IDLE_3, "app", 42, false },
		{ "             app-42      (     40) [003] ..s.. " IDLE_3,
		  "app", 42, true },
		{ "             app-42      (-------) [003] ..... " IDLE_3,
		  "app", 42, false },
		/* A name may look like what follows it. */
		{ "     a-1 [000] b-42      [003] ..... " IDLE_3,
		  "a-1 [000] b", 42, false },
		{ "kworker/0:1-9    [003] dNH2. " IDLE_3,
		  "kworker/0:1", 9, true },
		{ "           \xff\n\t\"x-5       [003] ..... " IDLE_3,
		  "???\"x", 5, false },
		/* Nanoseconds, and one decimal. */
		{ "app-42 [003] ..... 7.000001000: cpu_idle: state=1 cpu_id=3", "app", 42, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(variants); i++) {
		struct event e = parsed(variants[i].line);

		assert_int_equal(e.type, EVENT_IDLE);
		assert_string_equal(e.comm, variants[i].comm);
		assert_int_equal(e.pid, variants[i].pid);
		assert_int_equal(e.in_interrupt, variants[i].in_interrupt);
		assert_int_equal(e.cpu, 3);
		assert_int_equal(e.ns, 7000001000);
		assert_true(e.idle);
	}
	assert_int_equal(parsed("a-1 [0] 7.5: cpu_idle: state=1 cpu_id=0").ns, 7500000000);
}

static void timer_fields(void **state)
{
	struct event e = parsed(HRTIMER_START "mode=REL was_armed=0");

	(void)state;
	assert_int_equal(e.timer, 0xc0ffee00);
	assert_string_equal(e.name, "timerfd_tmrproc");
	assert_int_equal(e.slack, 50000);
	assert_true(e.relative);
	assert_false(e.deferrable);

	e = parsed(IN_IRQ "hrtimer_expire_entry: hrtimer=0xffff8880 function=fn [module] now=149");
	assert_int_equal(e.type, EVENT_TIMER_EXPIRE);
	assert_int_equal(e.timer, 0xffff8880);
	assert_string_equal(e.name, "fn");

	e = parsed(AT "hrtimer_cancel: hrtimer=00000000000000ab");
	assert_int_equal(e.type, EVENT_TIMER_CANCEL);
	assert_int_equal(e.timer, 0xab);

	e = parsed(AT "timer_start: timer=ab function=" LONG_NAME WHEEL_EXPIRY "flags=D|I");
	assert_int_equal(e.type, EVENT_TIMER_START);
	assert_string_equal(e.name, "a_function_with_a_very_long_nam");
	assert_true(e.deferrable);

	e = parsed(AT "timer_start: timer=ab function=f" WHEEL_EXPIRY "flags=");
	assert_int_equal(e.type, EVENT_TIMER_START);
	assert_false(e.deferrable);
}

static void modes(void **state)
{
	static const struct {
		const char *mode;
		bool relative;
		bool deferrable;
	} modes[] = {
		{ "ABS", false, false }, { "REL|PINNED|SOFT", true, false },
		{ "ABS|DEFERRABLE", false, true }, { "REL|DEFERRABLE", true, true },
		{ "0x10", false, true }, { "0x11", true, true }, { "0x9", true, false },
		{ "11", true, true },
	};
	char line[300];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		snprintf(line, sizeof(line), HRTIMER_START "mode=%s was_armed=0", modes[i].mode);
		assert_int_equal(parsed(line).type, EVENT_TIMER_START);
		assert_int_equal(parsed(line).relative, modes[i].relative);
		assert_int_equal(parsed(line).deferrable, modes[i].deferrable);
		snprintf(line, sizeof(line), AT "hrtimer_init: hrtimer=ab clockid=TAI mode=%s",
			 modes[i].mode);
		assert_int_equal(parsed(line).type, EVENT_TIMER_INIT);
		assert_int_equal(parsed(line).deferrable, modes[i].deferrable);
	}
}

static void other_events(void **state)
{
	struct event e = parsed(IN_IRQ "sched_waking: comm=x pid=3 pid=77 prio=120 target_cpu=001");

	(void)state;
	assert_int_equal(e.type, EVENT_WAKING);
	assert_string_equal(e.other_comm, "x pid=3");
	assert_int_equal(e.other_pid, 77);

	e = parsed(IN_IRQ "irq_handler_entry: irq=24 name=virtio0-input.0");
	assert_int_equal(e.type, EVENT_INTERRUPT);
	assert_string_equal(e.name, "virtio0-input.0");
	assert_false(e.ipi);

	e = parsed(IN_IRQ "local_timer_entry: vector=236");
	assert_int_equal(e.type, EVENT_INTERRUPT);
	assert_string_equal(e.name, "local_timer");
	assert_true(e.ipi);

	e = parsed("<idle>-0 [000] ...1. 1.5: cpu_idle: state=4294967295 cpu_id=0");
	assert_int_equal(e.type, EVENT_IDLE);
	assert_false(e.idle);

	assert_int_equal(parsed(AT "sched_switch: prev_comm=a").type, EVENT_UNUSED);
}

static void lines_without_an_event(void **state)
{
	struct event e;

	(void)state;
	assert_int_equal(parsed("").type, EVENT_COMMENT);
	assert_int_equal(parsed("   \t").type, EVENT_COMMENT);
	assert_int_equal(parsed("# tracer: nop").type, EVENT_COMMENT);

	e = parsed("# timertop recording, version 12");
	assert_int_equal(e.type, EVENT_HEADER);
	assert_int_equal(e.count, 12);
	e = parsed("# timertop time 12.000000345");
	assert_int_equal(e.type, EVENT_TIME);
	assert_int_equal(e.ns, 12000000345);

	e = parsed("CPU:3 [LOST 123 EVENTS]");
	assert_int_equal(e.type, EVENT_LOST);
	assert_int_equal(e.cpu, 3);
	assert_int_equal(e.count, 123);
	e = parsed("CPU:0 [LOST EVENTS]");
	assert_int_equal(e.type, EVENT_LOST);
	assert_int_equal(e.count, 0);
}

static void malformed(void **state)
{
	static const char * const lines[] = {
		"hello", "-", "a-1", "a-1 [", "a-1 [000", "a-1 [000]", "a-1 [000] d....",
		"a-1 [000] d.... 1.5", "a-1 [000] d.... 1.5:", AT "cpu_idle",
		AT "cpu_idle:", AT "cpu_idle: state=1",
		AT "cpu_idle: state=-1 cpu_id=0",
		AT "cpu_idle: state=x cpu_id=0",
		AT "cpu_idle: state=99999999999999999999 cpu_id=0",
		"a-1 [8192] d.... 1.5: cpu_idle: state=1 cpu_id=0",
		"a-1 [x] d.... 1.5: cpu_idle: state=1 cpu_id=0",
		"a-9999999999 [000] d.... 1.5: cpu_idle: state=1 cpu_id=0",
		"a-1 [000] d.... 99999999999999999.5: cpu_idle: state=1 cpu_id=0",
		"a-1 [000] d.... 15: cpu_idle: state=1 cpu_id=0",
		"a-1 [000] d.h 1.5: cpu_idle: state=1 cpu_id=0",
		AT "hrtimer_cancel: hrtimer=(____ptrval____)",
		AT "hrtimer_cancel: hrtimer=12xyz",
		AT "hrtimer_expire_entry: hrtimer=12 function= now=5",
		AT "hrtimer_expire_entry: hrtimer=12 function=f",
		HRTIMER_START "was_armed=0", HRTIMER_START "mode=FOO",
		AT "sched_waking: comm=x prio=120 target_cpu=001",
		AT "irq_handler_entry: irq=5",
		AT "local_timer_entry: 236",
		"CPU:9999 [LOST 1 EVENTS]", "CPU:0 [LOST 1 EVENTS", "CPU:0 buffer started",
		"# timertop recording, version x", "# timertop time soon",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		if (parsed(lines[i]).type != EVENT_MALFORMED)
			fail_msg("taken for good: %s", lines[i]);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(prefix),
		cmocka_unit_test(prefix_variants),
		cmocka_unit_test(timer_fields),
		cmocka_unit_test(modes),
		cmocka_unit_test(other_events),
		cmocka_unit_test(lines_without_an_event),
		cmocka_unit_test(malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
