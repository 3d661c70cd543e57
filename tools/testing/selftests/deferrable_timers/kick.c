// SPDX-License-Identifier: GPL-2.0
/*
 * What is overdue on an idle CPU is served as soon as anything wakes that CPU,
 * or, with kernel.timer_defer_pull, by a CPU that is busy.
 */
#include <dirent.h>
#include <pthread.h>
#include <sys/eventfd.h>

#include "fixture.h"

#define KSOFTIRQD	"ksoftirqd/1"

/* How often a kernel thread has gone to sleep; -1 if there is none with this name. */
static long sleeps_of(const char *thread)
{
	char path[300], line[128];
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	long sleeps = -1;

	while (sleeps < 0 && (entry = readdir(proc))) {
		bool same = false;
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%s/status", entry->d_name);
		f = fopen(path, "r");
		while (f && fgets(line, sizeof(line), f)) {
			if (!strncmp(line, "Name:\t", 6))
				same = !strcmp(strtok(line + 6, "\n"), thread);
			if (same && !strncmp(line, "voluntary_ctxt_switches:", 24))
				sleeps = atol(line + 24);
		}
		if (f)
			fclose(f);
	}
	closedir(proc);
	return sleeps;
}

/*
 * The tick, which begins to run again, would serve it a little later. Then it is
 * the softirq of an interrupt that does it, and not the CPU's thread for softirqs.
 */
static enum result is_served_at_idle_exit(void *arg)
{
	int fd = *(int *)arg;
	long before;

	if (arm_on_idle(fd, DEFERRABLE, SOON, 0))
		return NO;
	pause_ns(SOON + LATER);
	before = sleeps_of(KSOFTIRQD);
	if (before < 0)
		broken(KSOFTIRQD);
	if (info(fd).ticks)
		return UNCLEAR;
	kick_idle_cpus();
	pause_ns(SOON);
	return info(fd).ticks && sleeps_of(KSOFTIRQD) > before ? YES : NO;
}

/* The CPU that arms it goes idle without having seen a tick. */
static enum result is_served_at_idle_entry(void *arg)
{
	int fd = *(int *)arg;
	long before = sleeps_of(KSOFTIRQD);

	if (before < 0)
		broken(KSOFTIRQD);
	if (arm_on_idle(fd, DEFERRABLE | TFD_TIMER_ABSTIME, 1, 0))
		return NO;
	pause_ns(SOON);
	return info(fd).ticks && sleeps_of(KSOFTIRQD) > before ? YES : NO;
}

TEST_F(timer, due_when_it_is_armed)
{
	if (cannot_idle())
		SKIP(return, "%s", cannot_idle());
	EXPECT_TRUE(usually(is_served_at_idle_entry, &self->fd));
}

/* A reschedule interrupt on x86 is none of those that look at timers by themselves. */
TEST_F(timer, reschedule_interrupt)
{
	if (cannot_idle())
		SKIP(return, "%s", cannot_idle());
	EXPECT_TRUE(usually(is_served_at_idle_exit, &self->fd));
	/* Without it the timer waits on. */
	EXPECT_TRUE(is_deferred(self->fd, DEFERRABLE));
}

static int event;

static void *wait_for_events(void *arg)
{
	__u64 value;

	run_on(CPU_IDLE);
	while (read(event, &value, sizeof(value)) == sizeof(value))
		;
	return arg;
}

static void post_event(void)
{
	__u64 one = 1;

	if (write(event, &one, sizeof(one)) != sizeof(one))
		broken("eventfd");
}

TEST_F(timer, wakeup_of_a_task)
{
	pthread_t thread;

	if (cannot_idle())
		SKIP(return, "%s", cannot_idle());
	event = eventfd(0, 0);
	ASSERT_LE(0, event);
	ASSERT_EQ(0, pthread_create(&thread, NULL, wait_for_events, NULL));
	EXPECT_TRUE(is_served(self->fd, DEFERRABLE, post_event));
}

/* The serial port that the kernel's console is on: its interrupt comes when it has sent. */
static int port;

static void send_a_line(void)
{
	if (write(port, "\n", 1) != 1)
		broken("the serial port");
}

static int find_interrupt(const char *device)
{
	FILE *f = fopen("/proc/interrupts", "r");
	char line[1024];
	int irq = -1;

	if (!f)
		broken("/proc/interrupts");
	while (irq < 0 && fgets(line, sizeof(line), f))
		if (strstr(line, device))
			irq = atoi(line);
	fclose(f);
	return irq;
}

TEST_F(timer, device_interrupt)
{
	char path[64], old[16], word[16];
	long before;
	FILE *f;
	int irq;

	if (cannot_idle())
		SKIP(return, "%s", cannot_idle());
	port = open("/dev/ttyS0", O_WRONLY | O_NOCTTY);
	if (port < 0)
		SKIP(return, "no serial port /dev/ttyS0");
	irq = find_interrupt("ttyS0");
	if (irq < 0)
		SKIP(return, "the serial port has no interrupt");
	snprintf(path, sizeof(path), "/proc/irq/%d/smp_affinity", irq);
	f = fopen(path, "r");
	ASSERT_NE(NULL, f);
	ASSERT_NE(NULL, fgets(old, sizeof(old), f));
	fclose(f);
	snprintf(word, sizeof(word), "%x\n", 1 << CPU_IDLE);
	ASSERT_EQ(0, put(path, word));
	snprintf(word, sizeof(word), "%d", irq);
	/* The next interrupt is the one that moves to the other CPU. */
	send_a_line();
	pause_ns(50 * MS);
	before = irq_count(CPU_IDLE, word);
	EXPECT_TRUE(is_served(self->fd, DEFERRABLE, send_a_line));
	EXPECT_LT(before, irq_count(CPU_IDLE, word));
	EXPECT_EQ(0, put(path, old));
}

struct pair {
	int deferrable, ordinary;
};

static enum result expire_together(void *arg)
{
	struct pair *p = arg;

	run_on(CPU_IDLE);
	if (arm(p->deferrable, DEFERRABLE, SOON, 0) || arm(p->ordinary, 0, SOON + LATER, 0))
		return NO;
	run_on(CPU_HERE);
	pause_ns(SOON + LATER / 2);
	if (info(p->deferrable).ticks || info(p->ordinary).ticks)
		return UNCLEAR;
	until_expired(p->ordinary);
	/* The softirq that serves it follows that interrupt. */
	pause_ns(MS);
	return info(p->deferrable).ticks ? YES : NO;
}

/* An ordinary timer that expires later brings the deferrable one with it. */
TEST_F(timer, ordinary_timer_of_the_same_cpu)
{
	struct pair p = { self->fd, open_timer(CLOCK_MONOTONIC) };

	if (cannot_idle())
		SKIP(return, "%s", cannot_idle());
	EXPECT_TRUE(usually(expire_together, &p));
}

/*
 * CPU_HERE is busy. Is a timer of the idle CPU served, at least once in so many
 * attempts, although that CPU has not had a single interrupt?
 */
static bool is_pulled(int fd, int attempts)
{
	long before;

	while (attempts--) {
		/* Load balancing sends interrupts until what ran there is forgotten. */
		if (arm_on_idle(fd, DEFERRABLE, 500 * MS, 0))
			break;
		spin_ns(480 * MS);
		before = irq_count(CPU_IDLE, NULL);
		spin_ns(20 * MS + 10 * tick_ns());
		if (info(fd).ticks && irq_count(CPU_IDLE, NULL) == before)
			return true;
	}
	return false;
}

TEST_F(timer, pulled_by_a_busy_cpu)
{
	if (cannot_idle())
		SKIP(return, "%s", cannot_idle());
	ASSERT_EQ(0, put_number(DEFER_PULL, 0));
	EXPECT_FALSE(is_pulled(self->fd, 3));
	ASSERT_EQ(0, put_number(DEFER_PULL, 1));
	EXPECT_TRUE(is_pulled(self->fd, 10));
}

/* More than one tick takes over at once, on all clocks that timerfd has. */
TEST_F(timer, many_are_pulled)
{
	static const clockid_t clocks[] = { CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME };
	int fds[400];
	unsigned int i;

	if (cannot_idle())
		SKIP(return, "%s", cannot_idle());
	ASSERT_EQ(0, put_number(DEFER_PULL, 1));
	run_on(CPU_IDLE);
	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = open_timer(clocks[i % ARRAY_SIZE(clocks)]);
		ASSERT_EQ(0, arm(fds[i], DEFERRABLE, 200 * MS, 0));
	}
	run_on(CPU_HERE);
	spin_ns(200 * MS);
	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		while (!info(fds[i]).ticks)
			;
		EXPECT_EQ(1, info(fds[i]).ticks);
	}
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
