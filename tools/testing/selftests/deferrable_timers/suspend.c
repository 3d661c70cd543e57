// SPDX-License-Identifier: GPL-2.0
/*
 * Suspend and resume as far as the kernel's own test of it goes (pm_test), which
 * needs nothing to wake the machine up. No timer is lost, and what is due after
 * the time asleep runs at resume.
 */
#include <string.h>

#include "fixture.h"

#define TEST_LEVEL	"/sys/power/pm_test"
#define STATE		"/sys/power/state"
#define TEST_SECONDS	"/sys/module/suspend/parameters/pm_test_delay"

static bool offers(const char *path, const char *word)
{
	char line[256] = "";
	FILE *f = fopen(path, "r");

	if (f && !fgets(line, sizeof(line), f))
		line[0] = 0;
	if (f)
		fclose(f);
	return strstr(line, word);
}

FIXTURE(suspend)
{
	struct system_state before;
	long delay;
};

/* How far it goes: the core level stops all CPUs but one, and the clocks. */
FIXTURE_VARIANT(suspend)
{
	const char *level, *state;
};

FIXTURE_VARIANT_ADD(suspend, devices)
{
	.level = "devices",
	.state = "freeze",
};

FIXTURE_VARIANT_ADD(suspend, core)
{
	.level = "core",
	.state = "mem",
};

FIXTURE_SETUP(suspend)
{
	if (!offers(STATE, variant->state) || !offers(TEST_LEVEL, variant->level))
		SKIP(return, "kernel or machine without that state (SUSPEND, PM_DEBUG)");
	system_prepare(&self->before);
	self->delay = get_number(TEST_SECONDS);
	if (put_number(TEST_SECONDS, 1) || put(TEST_LEVEL, variant->level))
		broken(TEST_LEVEL);
}

FIXTURE_TEARDOWN_PARENT(suspend)
{
	put_number(TEST_SECONDS, self->delay);
	put(TEST_LEVEL, "none");
	system_restore(&self->before);
}

/* Far longer than the way down, shorter than the second that it stays there. */
#define DELAY	(700 * MS)

TEST_F_TIMEOUT(suspend, timers_after_resume, LONG_TIMEOUT)
{
	static const clockid_t clocks[] = { CLOCK_BOOTTIME, CLOCK_REALTIME, CLOCK_MONOTONIC };
	int fds[2 * ARRAY_SIZE(clocks)], far = open_timer(CLOCK_BOOTTIME);
	long long dues[ARRAY_SIZE(clocks)];
	unsigned int i;

	/* One of each clock on either CPU; the idle one may be offline meanwhile. */
	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		clockid_t clock = clocks[i / 2];
		int (*call)(int fd, int flags, long long value, long long interval);

		call = i & 1 ? arm_on_idle : arm;
		fds[i] = open_timer(clock);
		dues[i / 2] = now(clock) + DELAY;
		ASSERT_EQ(0, call(fds[i], DEFERRABLE | TFD_TIMER_ABSTIME, dues[i / 2], 0));
	}
	ASSERT_EQ(0, arm_on_idle(far, DEFERRABLE, 1000 * SEC, 0));
	ASSERT_EQ(0, put(STATE, variant->state));
	kick_idle_cpus();
	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		/* The clocks may have stood still, so some are yet to come. */
		while (!info(fds[i]).ticks) {
			pause_ns(10 * MS);
			kick_idle_cpus();
		}
		EXPECT_LE(dues[i / 2], now(clocks[i / 2]));
		EXPECT_EQ(1, ticks_read(fds[i]));
	}
	EXPECT_EQ(0, info(far).ticks);
	EXPECT_LT(900 * SEC, remaining(far));
}

/*
 * What became due meanwhile has expired when the machine is back, and nobody asked.
 * How far the clocks got is up to the machine, so this may take more than one attempt.
 */
TEST_F_TIMEOUT(suspend, overdue_at_resume, LONG_TIMEOUT)
{
	int fd = open_timer(CLOCK_BOOTTIME);
	long long due;

	do {
		due = now(CLOCK_BOOTTIME) + DELAY;
		/* The idle CPU notices the core level only: it goes offline. */
		ASSERT_EQ(0, (strcmp(variant->level, "core") ? arm : arm_on_idle)
			  (fd, DEFERRABLE | TFD_TIMER_ABSTIME, due, 0));
		ASSERT_EQ(0, put(STATE, variant->state));
	} while (now(CLOCK_BOOTTIME) < due);
	pause_ns(3 * tick_ns());
	EXPECT_EQ(1, info(fd).ticks);
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
