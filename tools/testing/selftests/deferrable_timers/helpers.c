// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../kselftest.h"
#include "helpers.h"

noreturn void broken(const char *what)
{
	fprintf(stderr, "# the test cannot go on: %s: %s\n", what, strerror(errno));
	_exit(KSFT_FAIL);
}

int loops(int quick, int full)
{
	const char *level = getenv("SEPTET_LEVEL");

	return level && !strcmp(level, "full") ? full : quick;
}

void need_interface(void)
{
	const char *require = getenv("SEPTET_REQUIRE");
	int fd;

	if (geteuid())
		ksft_exit_skip("run it as root: it changes clocks, CPUs and sysctls\n");
	if (require && *require)
		return;
	fd = open_timer(CLOCK_MONOTONIC);
	if (arm(fd, TFD_TIMER_IS_DEFERRABLE, SEC, 0))
		ksft_exit_skip("kernel without deferrable timers (DEFERRABLE_HRTIMERS)\n");
	close(fd);
}

bool booted_with(const char *word)
{
	char line[4096], *next = line, *found;
	int fd = open("/proc/cmdline", O_RDONLY);
	ssize_t len = read(fd, line, sizeof(line) - 1);

	if (len < 0)
		broken("/proc/cmdline");
	close(fd);
	line[len] = 0;
	while ((found = strsep(&next, "\n ")))
		if (!strcmp(found, word))
			return true;
	return false;
}

const char *cannot_idle(void)
{
	if (sysconf(_SC_NPROCESSORS_ONLN) <= CPU_IDLE)
		return "it takes two CPUs";
	if (booted_with("nohz=off"))
		return "no CPU stops its tick with nohz=off";
	if (booted_with("nohz_full=1"))
		return "timers of a nohz_full CPU wait on one that never stops its tick";
	return NULL;
}

int put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		ret = -errno;
	close(fd);
	return ret;
}

int put_number(const char *path, long value)
{
	char text[32];

	snprintf(text, sizeof(text), "%ld\n", value);
	return put(path, text);
}

long get_number(const char *path)
{
	FILE *f = fopen(path, "r");
	long value;

	if (!f)
		return -1;
	if (fscanf(f, "%ld", &value) != 1)
		broken(path);
	fclose(f);
	return value;
}

static void put_if_there(const char *path, long value)
{
	if (value >= 0 && put_number(path, value))
		broken(path);
}

#define WATCHDOG	"/proc/sys/kernel/watchdog"
#define STAT_INTERVAL	"/proc/sys/vm/stat_interval"

static void only_cpu(int cpu, cpu_set_t *set)
{
	CPU_ZERO(set);
	CPU_SET(cpu, set);
}

/* Threads that are bound to one CPU refuse, and stay. */
static void move_tasks_away(struct system_state *state)
{
	int cpus = sysconf(_SC_NPROCESSORS_ONLN), pid;
	struct dirent *entry;
	cpu_set_t here, old;
	DIR *proc = opendir("/proc");

	if (!proc)
		broken("/proc");
	only_cpu(CPU_HERE, &here);
	state->nr_moved = 0;
	while ((entry = readdir(proc)) && state->nr_moved < (int)ARRAY_SIZE(state->moved)) {
		pid = atoi(entry->d_name);
		if (pid && pid != getpid() && !sched_getaffinity(pid, sizeof(old), &old) &&
		    CPU_COUNT(&old) >= cpus && !sched_setaffinity(pid, sizeof(here), &here))
			state->moved[state->nr_moved++] = pid;
	}
	closedir(proc);
}

static void move_tasks_back(const struct system_state *state)
{
	cpu_set_t all;
	int i;

	memset(&all, 0xff, sizeof(all));
	for (i = 0; i < state->nr_moved; i++)
		sched_setaffinity(state->moved[i], sizeof(all), &all);
}

static long long wall_offset(void)
{
	return now(CLOCK_REALTIME) - now(CLOCK_BOOTTIME);
}

void system_prepare(struct system_state *state)
{
	state->defer_max_ms = get_number(DEFER_MAX_MS);
	state->pull = get_number(DEFER_PULL);
	state->watchdog = get_number(WATCHDOG);
	state->stat_interval = get_number(STAT_INTERVAL);
	state->wall = wall_offset();
	put_if_there(DEFER_MAX_MS, state->defer_max_ms > 0 ? 0 : -1);
	put_if_there(DEFER_PULL, state->pull > 0 ? 0 : -1);
	put_if_there(WATCHDOG, state->watchdog > 0 ? 0 : -1);
	put_if_there(STAT_INTERVAL, state->stat_interval > 0 ? 1000 : -1);
	move_tasks_away(state);
	run_on(CPU_HERE);
}

void system_restore(const struct system_state *state)
{
	long long wall = wall_offset();
	struct timespec ts;

	move_tasks_back(state);
	put_if_there(DEFER_MAX_MS, state->defer_max_ms);
	put_if_there(DEFER_PULL, state->pull);
	put_if_there(STAT_INTERVAL, state->stat_interval);
	if (get_number(CPU_ONLINE) == 0)
		put_number(CPU_ONLINE, 1);
	put_if_there(WATCHDOG, state->watchdog);
	if (llabs(wall - state->wall) > SEC) {
		ts = to_timespec(now(CLOCK_BOOTTIME) + state->wall);
		if (clock_settime(CLOCK_REALTIME, &ts))
			broken("clock_settime");
	}
}

void run_on(int cpu)
{
	cpu_set_t set;

	only_cpu(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		broken("sched_setaffinity");
}

long irq_count(int cpu, const char *kind)
{
	FILE *f = fopen("/proc/interrupts", "r");
	char line[1024], *at;
	long sum = 0;
	int i;

	if (!f)
		broken("/proc/interrupts");
	while (fgets(line, sizeof(line), f)) {
		char *name = line + strspn(line, " "), *end = strchr(name, ':');
		long value = 0;

		if (!end)
			continue;
		*end = 0;
		if (kind && strcmp(name, kind))
			continue;
		/* Lines that are not about single CPUs have one number only. */
		for (i = 0, at = end + 1; i <= cpu; i++) {
			at += strspn(at, " ");
			if (!isdigit(*at))
				break;
			value = strtol(at, &at, 10);
		}
		if (i > cpu)
			sum += value;
	}
	fclose(f);
	return sum;
}

void kick_idle_cpus(void)
{
	__s32 latency = 0;
	int fd = open("/dev/cpu_dma_latency", O_WRONLY);

	if (fd < 0 || write(fd, &latency, sizeof(latency)) != sizeof(latency))
		broken("/dev/cpu_dma_latency");
	close(fd);
}

struct timespec to_timespec(long long ns)
{
	struct timespec ts = { .tv_sec = ns / SEC, .tv_nsec = ns % SEC };

	return ts;
}

long long to_ns(struct timespec ts)
{
	return ts.tv_sec * SEC + ts.tv_nsec;
}

struct itimerspec to_setting(long long value, long long interval)
{
	struct itimerspec setting = {
		.it_value = to_timespec(value),
		.it_interval = to_timespec(interval),
	};

	return setting;
}

long long now(clockid_t clock)
{
	struct timespec ts;

	if (clock_gettime(clock, &ts))
		broken("clock_gettime");
	return to_ns(ts);
}

long long tick_ns(void)
{
	struct timespec ts;

	if (clock_getres(CLOCK_MONOTONIC_COARSE, &ts))
		broken("clock_getres");
	return to_ns(ts);
}

void pause_ns(long long ns)
{
	struct timespec ts = to_timespec(now(CLOCK_MONOTONIC) + ns);

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL))
		;
}

void spin_ns(long long ns)
{
	long long end = now(CLOCK_MONOTONIC) + ns;

	while (now(CLOCK_MONOTONIC) < end)
		;
}

int open_timer(clockid_t clock)
{
	int fd = timerfd_create(clock, TFD_NONBLOCK);

	if (fd < 0)
		broken("timerfd_create");
	return fd;
}

int arm(int fd, int flags, long long value, long long interval)
{
	struct itimerspec setting = to_setting(value, interval);

	return timerfd_settime(fd, flags, &setting, NULL) ? -errno : 0;
}

int arm_on_idle(int fd, int flags, long long value, long long interval)
{
	int ret;

	run_on(CPU_IDLE);
	ret = arm(fd, flags, value, interval);
	run_on(CPU_HERE);
	return ret;
}

long long ticks_read(int fd)
{
	__u64 ticks;
	ssize_t len = read(fd, &ticks, sizeof(ticks));

	if (len == sizeof(ticks))
		return ticks;
	return errno == EAGAIN ? 0 : -errno;
}

long long remaining(int fd)
{
	struct itimerspec setting;

	if (timerfd_gettime(fd, &setting))
		broken("timerfd_gettime");
	return to_ns(setting.it_value);
}

struct timer_info info(int fd)
{
	struct timer_info info = {};
	long long seconds, ns;
	char path[64], line[256];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "r");
	if (!f)
		broken(path);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "clockid: %d", &info.clock) == 1 ||
		    sscanf(line, "ticks: %llu", &info.ticks) == 1 ||
		    sscanf(line, "settime flags: %o", &info.flags) == 1)
			continue;
		if (sscanf(line, "it_value: (%lld, %lld)", &seconds, &ns) == 2)
			info.left = seconds * SEC + ns;
		if (sscanf(line, "defer max: %llu", &info.limit) == 1)
			info.limited = true;
	}
	fclose(f);
	return info;
}

void until_expired(int fd)
{
	while (!info(fd).ticks)
		pause_ns(MS);
}

bool usually(enum result (*attempt)(void *arg), void *arg)
{
	int i, lead = 0;

	for (i = 0; i < 50 && abs(lead) < 4; i++)
		lead += attempt(arg);
	return lead >= 4;
}

static long sent_interrupts(void)
{
	return irq_count(CPU_IDLE, "RES") + irq_count(CPU_IDLE, "CAL");
}

struct watch watch_begin(long long left)
{
	struct watch watch = { .slow = left < SOON / 4, .sent = sent_interrupts() };

	return watch;
}

enum result watch_end(const struct watch *watch, bool waits)
{
	if (waits)
		return YES;
	return watch->slow || sent_interrupts() != watch->sent ? UNCLEAR : NO;
}

struct setting {
	int fd, flags;
	void (*act)(void);
};

static enum result still_waits(void *arg)
{
	long long due = now(CLOCK_MONOTONIC) + SOON;
	struct setting *s = arg;
	struct watch watch;

	if (arm_on_idle(s->fd, s->flags, SOON, 0))
		return NO;
	watch = watch_begin(due - now(CLOCK_MONOTONIC));
	pause_ns(SOON + LATER);
	return watch_end(&watch, !info(s->fd).ticks);
}

static enum result is_served_then(void *arg)
{
	struct setting *s = arg;

	if (arm_on_idle(s->fd, s->flags, SOON, 0))
		return NO;
	pause_ns(SOON + LATER);
	if (info(s->fd).ticks)
		return UNCLEAR;
	s->act();
	pause_ns(SOON);
	return info(s->fd).ticks ? YES : NO;
}

bool is_deferred(int fd, int flags)
{
	struct setting s = { .fd = fd, .flags = flags };
	bool deferred = usually(still_waits, &s);

	arm(fd, 0, 0, 0);
	return deferred;
}

bool is_served(int fd, int flags, void (*act)(void))
{
	struct setting s = { .fd = fd, .flags = flags, .act = act };
	bool served = usually(is_served_then, &s);

	arm(fd, 0, 0, 0);
	return served;
}
