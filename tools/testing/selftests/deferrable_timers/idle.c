// SPDX-License-Identifier: GPL-2.0
/*
 * The promise: timers of an idle CPU do not wake it. A reader on CPU_IDLE waits
 * for one expiry after the other, every 10 ms; the local timer interrupts of its
 * CPU are counted, and compared with those of ordinary timers and of no timer at
 * all. CPU_HERE is busy all the time.
 */
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "fixture.h"

#define PERIOD	(10 * MS)

enum call {
	NOTHING,
	TIMERFD,
	NANOSLEEP,
	POSIX
};

static noreturn void read_forever(int flags, atomic_uint *wakeups)
{
	int fd = open_timer(CLOCK_MONOTONIC);
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (arm(fd, flags, PERIOD, PERIOD))
		broken("timerfd_settime");
	while (poll(&p, 1, -1) == 1 && ticks_read(fd) > 0)
		++*wakeups;
	broken("waiting for a timerfd");
}

static noreturn void sleep_forever(int flags, atomic_uint *wakeups)
{
	struct timespec ts = to_timespec(PERIOD);

	while (!clock_nanosleep(CLOCK_MONOTONIC, flags, &ts, NULL))
		++*wakeups;
	broken("clock_nanosleep");
}

static noreturn void take_signals_forever(int flags, atomic_uint *wakeups)
{
	struct itimerspec setting = to_setting(PERIOD, PERIOD);
	timer_t timer;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (timer_create(CLOCK_MONOTONIC, NULL, &timer) ||
	    timer_settime(timer, flags, &setting, NULL))
		broken("a POSIX timer");
	while (sigwaitinfo(&set, NULL) == SIGALRM)
		++*wakeups;
	broken("sigwaitinfo");
}

static pid_t start_reader(enum call call, int flags, atomic_uint *wakeups)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	run_on(CPU_IDLE);
	if (call == TIMERFD)
		read_forever(flags, wakeups);
	if (call == NANOSLEEP)
		sleep_forever(flags, wakeups);
	take_signals_forever(flags, wakeups);
}

/* Per second. */
struct rate {
	double interrupts;	/* of the local timer of CPU_IDLE */
	double wakeups;		/* of the reader */
};

static struct rate observe(enum call call, int flags, long long ns)
{
	atomic_uint *wakeups = mmap(NULL, sizeof(*wakeups), PROT_READ | PROT_WRITE,
				    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t reader = call == NOTHING ? 0 : start_reader(call, flags, wakeups);
	long long begin, seconds_ns;
	unsigned int count;
	struct rate rate;
	long irqs;

	if (wakeups == MAP_FAILED || reader < 0)
		broken("starting a reader");
	spin_ns(100 * MS);
	begin = now(CLOCK_MONOTONIC);
	count = *wakeups;
	irqs = irq_count(CPU_IDLE, "LOC");
	spin_ns(ns);
	irqs = irq_count(CPU_IDLE, "LOC") - irqs;
	count = *wakeups - count;
	seconds_ns = now(CLOCK_MONOTONIC) - begin;
	if (reader) {
		if (waitpid(reader, NULL, WNOHANG))
			broken("the reader ended by itself");
		kill(reader, SIGKILL);
		waitpid(reader, NULL, 0);
	}
	munmap(wakeups, sizeof(*wakeups));
	rate.interrupts = (double)irqs * SEC / seconds_ns;
	rate.wakeups = (double)count * SEC / seconds_ns;
	return rate;
}

static void report(const char *what, const struct rate *rate)
{
	printf("# a second of the idle CPU, %s: %.1f timer interrupts, %.1f wakeups\n", what,
	       rate->interrupts, rate->wakeups);
}

FIXTURE(idle)
{
	struct system_state before;
};

FIXTURE_VARIANT(idle)
{
	enum call call;
};

FIXTURE_VARIANT_ADD(idle, timerfd)
{
	.call = TIMERFD,
};

FIXTURE_VARIANT_ADD(idle, clock_nanosleep)
{
	.call = NANOSLEEP,
};

FIXTURE_VARIANT_ADD(idle, timer_settime)
{
	.call = POSIX,
};

FIXTURE_SETUP(idle)
{
	if (cannot_idle())
		SKIP(return, "%s", cannot_idle());
	system_prepare(&self->before);
}

FIXTURE_TEARDOWN_PARENT(idle)
{
	system_restore(&self->before);
}

TEST_F_TIMEOUT(idle, timer_interrupts_of_an_idle_cpu, LONG_TIMEOUT)
{
	long long window = loops(3, 40) * SEC / 2;
	struct rate idle, normal, deferrable, pulled;

	idle = observe(NOTHING, 0, window);
	normal = observe(variant->call, 0, SEC / 2);
	deferrable = observe(variant->call, TIMER_IS_DEFERRABLE, window);
	EXPECT_EQ(0, put_number(DEFER_PULL, 1));
	pulled = observe(variant->call, TIMER_IS_DEFERRABLE, SEC / 2);
	report("no timer", &idle);
	report("ordinary", &normal);
	report("deferrable", &deferrable);
	report("with pull", &pulled);
	/* The measurement would show it: an ordinary timer does wake the CPU. */
	EXPECT_LT(50, normal.interrupts - idle.interrupts);
	EXPECT_LE(deferrable.interrupts - idle.interrupts,
		  (normal.interrupts - idle.interrupts) / 20);
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
