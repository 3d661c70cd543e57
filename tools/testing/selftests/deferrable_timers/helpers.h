/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the deferrable timer tests share. They run on one CPU and leave another
 * one idle; timers are armed there, and watched without waking that CPU.
 */
#ifndef DEFERRABLE_TIMERS_HELPERS_H
#define DEFERRABLE_TIMERS_HELPERS_H

#include <stdbool.h>
#include <stdnoreturn.h>
#include <time.h>
#include <sys/timerfd.h>
#include <linux/deferrable_timers.h>

#define CPU_HERE	0	/* where the tests run */
#define CPU_IDLE	1	/* where nothing runs */

#define US	1000LL
#define MS	1000000LL
#define SEC	1000000000LL

/* The test itself cannot go on; says what failed, with errno, and ends. */
noreturn void broken(const char *what);
/* How often to repeat something: @full times with SEPTET_LEVEL=full in the environment. */
int loops(int quick, int full);
/*
 * Without root, or on a kernel without deferrable timers, the program ends as
 * skipped; with SEPTET_REQUIRE=1 the tests run, and fail, on such a kernel too.
 */
void need_interface(void);
/* NULL if CPU_IDLE can stop its tick, else the reason why it cannot. */
const char *cannot_idle(void);
/* Whether a word of the kernel's command line is that one. */
bool booted_with(const char *word);

/* A small text file below /proc or /sys: write it (0 or -errno), read its number (-1: absent). */
int put(const char *path, const char *text);
int put_number(const char *path, long value);
long get_number(const char *path);

#define DEFER_MAX_MS	"/proc/sys/kernel/timer_defer_max_ms"
#define DEFER_PULL	"/proc/sys/kernel/timer_defer_pull"
#define CPU_ONLINE	"/sys/devices/system/cpu/cpu1/online"

/* What tests change of the system. */
struct system_state {
	long defer_max_ms, pull, watchdog, stat_interval;
	long long wall;		/* CLOCK_REALTIME - CLOCK_BOOTTIME, ns */
	int moved[512];		/* tasks, kernel threads above all, that could run on all CPUs */
	int nr_moved;
};

/* Save it, and keep away from CPU_IDLE what would wake it now and then. */
void system_prepare(struct system_state *state);
void system_restore(const struct system_state *state);

void run_on(int cpu);
/* Interrupts of a CPU so far: all of one kind, as /proc/interrupts calls it, or of all kinds. */
long irq_count(int cpu, const char *kind);
/* Wake all idle CPUs by a reschedule interrupt; no task gets to run there. */
void kick_idle_cpus(void);

/* Nanoseconds. */
long long now(clockid_t clock);
long long tick_ns(void);
struct timespec to_timespec(long long ns);
long long to_ns(struct timespec ts);
struct itimerspec to_setting(long long value, long long interval);
/* Sleep, or keep the CPU busy. */
void pause_ns(long long ns);
void spin_ns(long long ns);

/* A timerfd that does not block. */
int open_timer(clockid_t clock);
/* timerfd_settime(): 0 or -errno. */
int arm(int fd, int flags, long long value, long long interval);
/* The same on CPU_IDLE, where the timer then waits. */
int arm_on_idle(int fd, int flags, long long value, long long interval);
/* How often it expired, 0 if not yet, or -errno. */
long long ticks_read(int fd);
/* What timerfd_gettime() says: ns until it expires. */
long long remaining(int fd);

/* What fdinfo shows. Unlike read(), poll() and timerfd_gettime() it serves nothing. */
struct timer_info {
	int clock;
	unsigned long long ticks;
	unsigned int flags;
	long long left;			/* ns */
	bool limited;			/* there is a line about TFD_IOC_SET_DEFER_MAX */
	unsigned long long limit;
};

struct timer_info info(int fd);
/* Return when the timer has expired by itself; the time limit is that of the test. */
void until_expired(int fd);

/*
 * The idle CPU may wake up for reasons of its own, and this one be late. So what is
 * expected of an idle CPU is tried until one result leads clearly.
 */
enum result {
	NO = -1,
	UNCLEAR,
	YES
};

bool usually(enum result (*attempt)(void *arg), void *arg);

/* Attempts at a timer that waits on the idle CPU: for what may spoil them. */
struct watch {
	bool slow;
	long sent;	/* interrupts that others sent to that CPU, so far */
};

/* After it was armed; @left is how long it is, in ns, until it is due. */
struct watch watch_begin(long long left);
/* @waits: a while after it was due it has not expired. */
enum result watch_end(const struct watch *watch, bool waits);

/* Does such a timer still wait on the idle CPU a while after it was due? */
bool is_deferred(int fd, int flags);
/* Is it served when something is done then? */
bool is_served(int fd, int flags, void (*act)(void));

/* A timer of the tests is due so long after it was armed, and looked at so long after that. */
#define SOON	(20 * MS)
#define LATER	(30 * MS)

#endif /* DEFERRABLE_TIMERS_HELPERS_H */
