// SPDX-License-Identifier: GPL-2.0
/*
 * Counts what periodic programs cost a CPU in timer interrupts, and how late they
 * run. The exhibit and the benchmarks of deferrable timers use it.
 */
#define _GNU_SOURCE
#include <argp.h>
#include <errno.h>
#include <error.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/deferrable_timers.h>

#define NS_PER_MS	1000000LL
#define NS_PER_S	(1000 * NS_PER_MS)

#define MAX_PROGRAMS	1000
#define MAX_SAMPLES	200000
/* From the start of the programs to the start of counting. */
#define SETTLE		(1500 * NS_PER_MS)
/* The bar: one mark for so many interrupts a second, and no more marks than these. */
#define BAR_UNIT	5
#define BAR_MARKS	60

#define WAYS		"idle|timerfd|nanosleep|posix|epoll"

enum wait { IDLE, TIMERFD, NANOSLEEP, POSIX, EPOLL };

static const char * const wait_names[] = {
	[IDLE] = "idle",
	[TIMERFD] = "timerfd",
	[NANOSLEEP] = "nanosleep",
	[POSIX] = "posix",
	[EPOLL] = "epoll",
};

static struct {
	enum wait wait;
	bool deferrable;
	bool realtime;
	bool busy;
	bool json;
	long bound;		/* s, 0 for none */
	long slack;		/* ms, 0 for the default of 50 us */
	long programs;
	long period;		/* ms */
	long seconds;
	long cpu;
} args = {
	.programs = 100,
	.period = 1000,
	.seconds = 10,
	.cpu = 1,
};

/* What the programs report to this one. */
static struct {
	int64_t from, to;			/* the time that counts, ns */
	int64_t next[MAX_PROGRAMS];		/* what each waits for, ns */
	unsigned int samples;
	int64_t late[MAX_SAMPLES];		/* ns */
} *shared;

static pid_t pids[MAX_PROGRAMS + 1];
static int started;

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

static struct timespec timespec_of(int64_t ns)
{
	return (struct timespec){ .tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S };
}

static void sleep_until(int64_t ns, int flags)
{
	struct timespec t = timespec_of(ns);

	errno = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME | flags, &t, NULL);
	if (errno)
		error(1, errno, "clock_nanosleep");
}

static void stay_on_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(args.cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		error(1, errno, "CPU %ld", args.cpu);
}

/* Where there is another. */
static void stay_off_cpu(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set))
		error(1, errno, "sched_getaffinity");
	CPU_CLR(args.cpu, &set);
	if (CPU_COUNT(&set) && sched_setaffinity(0, sizeof(set), &set))
		error(1, errno, "sched_setaffinity");
}

/* The ways to wait. Periodic timers are armed once and stay armed. */

static struct itimerspec periodic(int64_t first)
{
	return (struct itimerspec){
		.it_value = timespec_of(first),
		.it_interval = timespec_of(args.period * NS_PER_MS),
	};
}

static int timerfd_arm(int64_t first)
{
	int flags = TFD_TIMER_ABSTIME | (args.deferrable ? TFD_TIMER_IS_DEFERRABLE : 0);
	struct itimerspec value = periodic(first);
	uint64_t bound = args.bound * NS_PER_S;
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);

	if (fd < 0)
		error(1, errno, "timerfd_create");
	if (bound && ioctl(fd, TFD_IOC_SET_DEFER_MAX, &bound))
		error(1, errno, "TFD_IOC_SET_DEFER_MAX");
	if (timerfd_settime(fd, flags, &value, NULL))
		error(1, errno, "timerfd_settime");
	return fd;
}

static void posix_arm(int64_t first)
{
	int flags = TIMER_ABSTIME | (args.deferrable ? TIMER_IS_DEFERRABLE : 0);
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM };
	struct itimerspec value = periodic(first);
	sigset_t set;
	timer_t timer;

	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (timer_create(CLOCK_MONOTONIC, &event, &timer))
		error(1, errno, "timer_create");
	if (timer_settime(timer, flags, &value, NULL))
		error(1, errno, "timer_settime");
}

static void epoll_until(int epoll, int64_t ns)
{
	struct epoll_event event;
	int64_t left = ns - now();

	if (left > 0 && epoll_wait(epoll, &event, 1, (left + NS_PER_MS - 1) / NS_PER_MS) < 0)
		error(1, errno, "epoll_wait");
}

/* @arg points to the time to wait for, and is moved on to the next one that is to come. */
static void run_program(void *arg)
{
	struct sched_param lowest = { .sched_priority = 1 };
	int64_t *next = arg;
	const int64_t period = args.period * NS_PER_MS;
	uint64_t expirations;
	int64_t late;
	int fd = -1, signal;
	sigset_t set;

	if (args.realtime && sched_setscheduler(0, SCHED_FIFO, &lowest))
		error(1, errno, "SCHED_FIFO");
	if (args.slack && prctl(PR_SET_TIMERSLACK, args.slack * NS_PER_MS))
		error(1, errno, "PR_SET_TIMERSLACK");
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);

	if (args.wait == TIMERFD)
		fd = timerfd_arm(*next);
	else if (args.wait == POSIX)
		posix_arm(*next);
	else if (args.wait == EPOLL)
		fd = epoll_create1(EPOLL_CLOEXEC);

	for (;;) {
		switch (args.wait) {
		case TIMERFD:
			if (read(fd, &expirations, sizeof(expirations)) < 0)
				error(1, errno, "read");
			break;
		case NANOSLEEP:
			sleep_until(*next, args.deferrable ? TIMER_IS_DEFERRABLE : 0);
			break;
		case POSIX:
			sigwait(&set, &signal);
			break;
		case EPOLL:
			epoll_until(fd, *next);
			break;
		case IDLE:
			pause();
		}
		late = now() - *next;
		if (*next >= shared->from && *next < shared->to) {
			unsigned int i = __atomic_fetch_add(&shared->samples, 1, __ATOMIC_RELAXED);

			if (i < MAX_SAMPLES)
				shared->late[i] = late;
		}
		__atomic_store_n(next, *next + (late / period + 1) * period, __ATOMIC_RELAXED);
	}
}

/* Runs @program in a process of its own. */
static void start(void (*program)(void *arg), void *arg)
{
	pid_t pid = fork();

	if (pid < 0)
		error(1, errno, "fork");
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		stay_on_cpu();
		program(arg);
	}
	pids[started++] = pid;
}

static void start_programs(void)
{
	int64_t begin = now();

	/* The same phases every time. */
	srandom(1);
	for (int i = 0; i < args.programs; i++) {
		double phase = random() / (RAND_MAX + 1.0);

		shared->next[i] = begin + (int64_t)(phase * args.period * NS_PER_MS);
		start(run_program, &shared->next[i]);
	}
}

/* All of them must still be there. */
static void stop_programs(void)
{
	for (int i = 0; i < started; i++) {
		int status;

		kill(pids[i], SIGKILL);
		if (waitpid(pids[i], &status, 0) < 0)
			error(1, errno, "waitpid");
		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
			error(1, 0, "a program ended by itself");
	}
}

/* Keeps the CPU from being idle, and gives way to whoever wants to run. */
static void keep_busy(void *unused)
{
	struct sched_param lowest = {};

	(void)unused;
	if (sched_setscheduler(0, SCHED_IDLE, &lowest))
		error(1, errno, "SCHED_IDLE");
	for (;;)
		;
}

/* Local timer interrupts of args.cpu since boot. */
static unsigned long timer_interrupts(void)
{
	FILE *f = fopen("/proc/interrupts", "re");
	char line[4096], *at;
	int column = -1;
	long cpu;

	if (!f)
		error(1, errno, "/proc/interrupts");
	/* The first line names the CPUs that are online. */
	if (!fgets(line, sizeof(line), f))
		error(1, 0, "/proc/interrupts is empty");
	at = line;
	for (int i = 0; (at = strstr(at, "CPU")); i++) {
		cpu = strtol(at + 3, &at, 10);
		if (cpu == args.cpu)
			column = i;
	}
	while (column >= 0 && fgets(line, sizeof(line), f)) {
		at = strstr(line, "LOC:");
		if (!at)
			continue;
		fclose(f);
		at += strlen("LOC:");
		for (int i = 0; i < column; i++)
			strtoul(at, &at, 10);
		return strtoul(at, NULL, 10);
	}
	error(1, 0, "/proc/interrupts has no local timer interrupts of CPU %ld", args.cpu);
	return 0;
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

/* Who still waits is as late as that already. */
static void add_waiting(int64_t end)
{
	for (int i = 0; i < args.programs && shared->samples < MAX_SAMPLES; i++) {
		int64_t next = __atomic_load_n(&shared->next[i], __ATOMIC_RELAXED);

		if (next < shared->to && next < end)
			shared->late[shared->samples++] = end - next;
	}
}

/* In ms: the lateness that @share of all runs do not exceed. */
static double late_ms(double share)
{
	unsigned int i = ceil(share * shared->samples);

	return (double)shared->late[i ? i - 1 : 0] / NS_PER_MS;
}

static void print_json(unsigned long count, unsigned int runs)
{
	printf("{\"wait\": \"%s\", \"deferrable\": %s, \"bound_s\": %ld, \"slack_ms\": %ld, ",
	       wait_names[args.wait], args.deferrable ? "true" : "false", args.bound, args.slack);
	printf("\"programs\": %ld, \"period_ms\": %ld, \"seconds\": %ld, \"interrupts\": %lu, ",
	       args.programs, args.period, args.seconds, count);
	printf("\"runs\": %u, \"late_ms\": ", runs);
	if (shared->samples)
		printf("{\"p50\": %.3f, \"p99\": %.3f, \"max\": %.3f}}\n",
		       late_ms(.5), late_ms(.99), late_ms(1));
	else
		printf("null}\n");
}

static void print_text(unsigned long count, unsigned int runs)
{
	unsigned long rate = count / args.seconds, marks = (rate + BAR_UNIT - 1) / BAR_UNIT;

	printf("timer interrupts a second %5lu  ", rate);
	for (unsigned long i = 0; i < marks && i < BAR_MARKS; i++)
		putchar('#');
	puts(marks > BAR_MARKS ? "..." : "");
	if (args.wait == IDLE)
		return;
	printf("program runs a second     %5lu\n", runs / args.seconds);
	if (shared->samples)
		printf("runs are late by          %.1f ms (median), %.1f ms (longest)\n",
		       late_ms(.5), late_ms(1));
}

static void measure(void)
{
	unsigned long count;
	unsigned int runs;
	int64_t end;

	/* One complaint, not one of each program, where the kernel has no such timer. */
	if (args.wait == TIMERFD)
		close(timerfd_arm(now() + NS_PER_S));

	shared->from = now() + SETTLE;
	shared->to = shared->from + args.seconds * NS_PER_S;
	if (args.wait != IDLE)
		start_programs();
	if (args.busy)
		start(keep_busy, NULL);

	sleep_until(shared->from, 0);
	count = timer_interrupts();
	sleep_until(shared->to, 0);
	count = timer_interrupts() - count;
	end = now();
	stop_programs();
	runs = shared->samples;
	if (runs > MAX_SAMPLES)
		error(1, 0, "more than %d runs; type: wakeups --help", MAX_SAMPLES);
	if (args.wait != IDLE)
		add_waiting(end);
	qsort(shared->late, shared->samples, sizeof(*shared->late), compare);
	if (args.json)
		print_json(count, runs);
	else
		print_text(count, runs);
}

/* An option's number. */
static long number(struct argp_state *state, const char *arg, const char *what, long min,
		   long max)
{
	char *end;
	long value = strtol(arg, &end, 10);

	if (end == arg || *end || value < min || value > max)
		argp_error(state, "found '%s', wanted %s from %ld to %ld", arg, what, min, max);
	return value;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 'd':
		args.deferrable = true;
		break;
	case 'b':
		args.bound = number(state, arg, "seconds", 1, 1000000);
		break;
	case 's':
		args.slack = number(state, arg, "milliseconds", 1, 1000000);
		break;
	case 'n':
		args.programs = number(state, arg, "programs", 1, MAX_PROGRAMS);
		break;
	case 'p':
		args.period = number(state, arg, "milliseconds", 1, 1000000);
		break;
	case 't':
		args.seconds = number(state, arg, "seconds", 1, 1000);
		break;
	case 'c':
		args.cpu = number(state, arg, "a CPU", 0, CPU_SETSIZE - 1);
		break;
	case 'r':
		args.realtime = true;
		break;
	case 'B':
		args.busy = true;
		break;
	case 'j':
		args.json = true;
		break;
	case ARGP_KEY_ARG:
		if (state->arg_num)
			argp_error(state, "found '%s', wanted only one way to wait", arg);
		for (int i = IDLE; i <= EPOLL; i++)
			if (!strcmp(arg, wait_names[i])) {
				args.wait = i;
				return 0;
			}
		argp_error(state, "found '%s', wanted one of %s", arg, WAYS);
		break;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "wanted a way to wait");
		break;
	case ARGP_KEY_END:
		if (args.deferrable && (args.wait == IDLE || args.wait == EPOLL))
			argp_error(state, "%s cannot be deferrable", wait_names[args.wait]);
		if (args.bound && !(args.deferrable && args.wait == TIMERFD))
			argp_error(state, "only a deferrable timerfd has a bound");
		if (args.slack && args.wait != NANOSLEEP && args.wait != EPOLL)
			argp_error(state, "%s has no slack", wait_names[args.wait]);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp_option options[] = {
	{ "deferrable", 'd', NULL, 0, "Use the deferrable kind of timer", 0 },
	{ "bound", 'b', "S", 0, "Defer for at most so many seconds (timerfd)", 0 },
	{ "slack", 's', "MS", 0, "Set the timer slack (nanosleep, epoll)", 0 },
	{ "programs", 'n', "N", 0, "How many programs (100)", 0 },
	{ "period", 'p', "MS", 0, "How often each runs (1000); the phases are random", 0 },
	{ "seconds", 't', "S", 0, "How long to count (10), after 1.5 seconds of warming up", 0 },
	{ "cpu", 'c', "CPU", 0, "Where they run (1)", 0 },
	{ "realtime", 'r', NULL, 0, "Run them with SCHED_FIFO, see below", 0 },
	{ "busy", 'B', NULL, 0, "Keep that CPU busy meanwhile", 0 },
	{ "json", 'j', NULL, 0, "Print one line of JSON", 0 },
	{}
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = WAYS,
	.doc = "Many programs wait periodically on one CPU, in the given way: prints how many\n"
	       "timer interrupts this costs the CPU, how often a program runs and how late.\n"
	       "\vExamples:\n"
	       "  wakeups idle              what the CPU has anyway\n"
	       "  wakeups timerfd           100 programs, each once a second\n"
	       "  wakeups -d -b 5 timerfd   deferrable, but never by more than 5 s\n"
	       "  wakeups -s 50 nanosleep   what timer slack can do\n"
	       "\n"
	       "A CPU that ran a program which is not real-time wakes up about a second later\n"
	       "for the scheduler (the deadline server of the fair class, since Linux 6.12).\n"
	       "\n"
	       "Exit status: 0 counted, 1 something failed, 2 for a wrong call.",
};

int main(int argc, char **argv)
{
	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, NULL);

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	if (shared == MAP_FAILED)
		error(1, errno, "mmap");
	stay_off_cpu();
	measure();
	return 0;
}
