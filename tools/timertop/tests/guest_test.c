// SPDX-License-Identifier: GPL-2.0
/*
 * timertop, found in the PATH, on a running kernel: two programs that differ in
 * nothing but one flag wait on an idle CPU, and it has to tell which is which.
 * Prints TAP; wants root, tracefs and a second CPU.
 */
#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef TFD_TIMER_IS_DEFERRABLE
#define TFD_TIMER_IS_DEFERRABLE	0x4
#endif

#define INSTANCES	"/sys/kernel/tracing/instances"
#define RECORDING	"/tmp/timertop.trace"
#define SIZE		1000000

static char live[SIZE], replayed[SIZE];
static bool has_flag;
static int failed;

static void result(bool ok, const char *name)
{
	static int count;

	printf("%sok %d - %s\n", ok ? "" : "not ", ++count, name);
	failed += !ok;
}

static void bind_to_cpu(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* A program called @name whose timer expires ten times a second. */
static pid_t start(const char *name, int flags)
{
	static const struct itimerspec period = { { 0, 100000000 }, { 0, 100000000 } };
	unsigned long long expirations;
	pid_t pid = fork();
	int fd;

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, name);
	bind_to_cpu(1);
	fd = timerfd_create(CLOCK_MONOTONIC, 0);
	if (timerfd_settime(fd, flags, &period, NULL))
		_exit(1);
	while (read(fd, &expirations, sizeof(expirations)) > 0)
		;
	_exit(1);
}

static bool run(const char *command, char *output)
{
	FILE *f = popen(command, "r");
	size_t n;

	if (!f)
		return false;
	n = fread(output, 1, SIZE - 1, f);
	output[n] = '\0';
	return !pclose(f);
}

/* The object of program @name and of @kind, cut out of the JSON text; NULL if there is none. */
static char *row(const char *json, const char *name, const char *kind)
{
	char comm[64], is[64];
	static char copy[SIZE];

	snprintf(comm, sizeof(comm), "\"comm\": \"%s\"", name);
	snprintf(is, sizeof(is), "\"kind\": \"%s\"", kind);
	memcpy(copy, json, SIZE);
	for (char *object = strtok(copy, "}"); object; object = strtok(NULL, "}"))
		if (strstr(object, comm) && strstr(object, is))
			return object;
	return NULL;
}

static long number(const char *object, const char *field)
{
	char key[64];
	const char *at;

	snprintf(key, sizeof(key), "\"%s\": ", field);
	at = object ? strstr(object, key) : NULL;
	return at ? strtol(at + strlen(key), NULL, 10) : -1;
}

static bool is(const char *object, const char *what)
{
	return object && strstr(object, what);
}

static bool instance_left(void)
{
	DIR *dir = opendir(INSTANCES);
	bool left = !dir;
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		left |= entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return left;
}

int main(void)
{
	static const struct itimerspec never;
	pid_t ordinary, deferred;
	bool ran, same;
	char *found;

	timerfd_settime(-1, TFD_TIMER_IS_DEFERRABLE, &never, NULL);
	has_flag = errno == EBADF;
	printf("1..5\n");
	fflush(stdout);
	ordinary = start("ordinary", 0);
	deferred = start("deferred", has_flag ? TFD_TIMER_IS_DEFERRABLE : 0);
	bind_to_cpu(0);
	sleep(1);

	ran = run("timertop --duration 4 --json --record " RECORDING, live);
	result(ran, "runs");
	found = row(live, "ordinary", "timerfd");
	result(is(found, "\"deferrable\": false") && number(found, "expirations") >= 10 &&
	       number(found, "wakeups") > 0, "ordinary_timer_wakes");
	found = row(live, "deferred", "timerfd");
	if (has_flag || getenv("SEPTET_REQUIRE"))
		result(is(found, "\"deferrable\": true") && !number(found, "wakeups"),
		       "deferrable_timer_does_not");
	else
		result(true, "deferrable_timer_does_not # SKIP no deferrable timers here");
	same = run("timertop --replay " RECORDING " --json", replayed) && !strcmp(live, replayed);
	result(ran && same, "recording_tells_the_same");
	result(!instance_left(), "leaves_no_trace_instance");
	if (failed)
		for (char *line = strtok(live, "\n"); line; line = strtok(NULL, "\n"))
			printf("# %s\n", line);
	kill(ordinary, SIGKILL);
	kill(deferred, SIGKILL);
	return failed > 0;
}
