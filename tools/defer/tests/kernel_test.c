// SPDX-License-Identifier: GPL-2.0
/*
 * defer on a kernel that has deferrable timers, which says in /proc what it was
 * asked for. Usage: kernel_test [DEFER], by default the one in the PATH.
 *
 * This program runs itself under defer; each child below is one that knows
 * nothing of deferrable timers, and prints what became of its timer.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/types.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SKIPPED 4
#define SYSCTL "/proc/sys/kernel/timer_defer_max_ms"

static const char *defer = "defer";
static char self[PATH_MAX];

static const struct timespec length = { 0, 250000000 };

static int show_timer(int flags)
{
	struct itimerspec new = { .it_value = length };
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);
	char path[64], line[128];
	FILE *info;

	if (flags & TFD_TIMER_ABSTIME) {
		clock_gettime(CLOCK_MONOTONIC, &new.it_value);
		new.it_value.tv_sec += 100;
	}
	if (timerfd_settime(fd, flags, &new, NULL))
		return 1;
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info = fopen(path, "r");
	if (!info)
		return 1;
	while (fgets(line, sizeof(line), info))
		if (!strncmp(line, "settime flags:", 14) || !strncmp(line, "defer max:", 10))
			fputs(line, stdout);
	return 0;
}

static int relative(void)
{
	return show_timer(0);
}

static int absolute(void)
{
	return show_timer(TFD_TIMER_ABSTIME);
}

/* Twice, because the second time it is armed while the first has expired unread. */
static int expire(void)
{
	struct itimerspec new = { .it_value = length };
	int fd = timerfd_create(CLOCK_BOOTTIME, 0);
	__u64 ticks = 0;

	for (int i = 0; i < 2; i++) {
		if (timerfd_settime(fd, 0, &new, NULL) ||
		    read(fd, &ticks, sizeof(ticks)) != sizeof(ticks))
			return 1;
		printf("%d\n", (int)ticks);
	}
	return 0;
}

/* What the kernel refuses to defer. */
static int cpu_clock(void)
{
	struct itimerspec new = { .it_value = length };
	struct sigevent none = { .sigev_notify = SIGEV_NONE };
	timer_t id;

	if (timer_create(CLOCK_PROCESS_CPUTIME_ID, &none, &id) ||
	    timer_settime(id, 0, &new, NULL) || timer_gettime(id, &new))
		return 1;
	puts(new.it_value.tv_nsec ? "set" : "not set");
	return 0;
}

static int nap(void)
{
	struct timespec begin, end;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	if (nanosleep(&length, NULL) || usleep(length.tv_nsec / 1000))
		return 1;
	clock_gettime(CLOCK_MONOTONIC, &end);
	puts((end.tv_sec - begin.tv_sec) * 1000000000 + end.tv_nsec - begin.tv_nsec >=
	     2 * length.tv_nsec ? "slept" : "woke early");
	return 0;
}

static const struct test {
	const char *name;
	int (*run)(void);
	/* Options of defer; NULL: without it. */
	const char *options[6];
	/* What is in the sysctl meanwhile. */
	const char *max_ms;
	/* What is printed, and the end of what defer says of it. */
	const char *output, *said;
} tests[] = {
	{ "without_defer", relative, { NULL }, "0", "settime flags: 00\n", "" },
	{ "bounded", relative, { "-v" }, "0",
	  "settime flags: 04\ndefer max: 5000000000\n",
	  ": 1 timers and 0 sleeps made deferrable\n" },
	{ "other_bound", relative, { "--max", "100ms" }, "0",
	  "settime flags: 04\ndefer max: 100000000\n", "" },
	{ "no_bound", relative, { "--max", "0", "-v" }, "0",
	  "settime flags: 04\n", ": 1 timers and 0 sleeps made deferrable\n" },
	{ "min_period", relative, { "--min-period", "251ms", "-v" }, "0", "settime flags: 00\n",
	  ": 0 timers and 0 sleeps made deferrable, 1 left alone: period below 251ms\n" },
	{ "absolute", absolute, { "--max", "0" }, "0", "settime flags: 05\n", "" },
	{ "expires", expire, { "--max", "100ms", "-v" }, "0",
	  "1\n1\n", ": 2 timers and 0 sleeps made deferrable\n" },
	{ "refused", cpu_clock, { "--max", "0", "-v" }, "0", "set\n",
	  ": 0 timers and 0 sleeps made deferrable, 1 left alone: refused by the kernel\n" },
	{ "sleeps", nap, { "--max", "0", "-v" }, "0",
	  "slept\n", ": 0 timers and 2 sleeps made deferrable\n" },
	{ "sleeps_bounded", nap, { "-v" }, "5000",
	  "slept\n", ": 0 timers and 2 sleeps made deferrable\n" },
	{ "sleeps_unbounded", nap, { "-v" }, "5001", "slept\n",
	  ": 0 timers and 0 sleeps made deferrable, 2 left alone: nothing bounds them\n" },
};

#define ARRAY_SIZE(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define TESTS ARRAY_SIZE(tests)

static int write_sysctl(const char *text)
{
	int fd = open(SYSCTL, O_WRONLY | O_CLOEXEC);
	int ret = fd < 0 || write(fd, text, strlen(text)) < 0;

	if (fd >= 0)
		close(fd);
	return ret;
}

static void start(const struct test *test, int out, int err)
{
	const char *argv[10];
	int n = 0;

	if (test->options[0]) {
		argv[n++] = defer;
		for (int i = 0; test->options[i]; i++)
			argv[n++] = test->options[i];
	}
	argv[n++] = self;
	argv[n++] = test->name;
	argv[n] = NULL;
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	execvp(argv[0], (char **)argv);
	fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

static void read_all(FILE *f, char *text, size_t size)
{
	rewind(f);
	text[fread(text, 1, size - 1, f)] = '\0';
	fclose(f);
}

static int passes(const struct test *test)
{
	char output[1024], said[1024];
	FILE *out = tmpfile(), *err = tmpfile();
	size_t skip;
	int status;
	pid_t pid;

	if (write_sysctl(test->max_ms)) {
		printf("# " SYSCTL " cannot be written: %s\n", strerror(errno));
		return 0;
	}
	fflush(stdout);
	pid = fork();
	if (!pid)
		start(test, fileno(out), fileno(err));
	waitpid(pid, &status, 0);
	read_all(out, output, sizeof(output));
	read_all(err, said, sizeof(said));
	skip = strlen(said) < strlen(test->said) ? 0 : strlen(said) - strlen(test->said);
	if (!status && !strcmp(output, test->output) && !strcmp(said + skip, test->said))
		return 1;
	printf("# status 0x%x, output '%s', said '%s'\n", status, output, said);
	return 0;
}

static int kernel_defers(void)
{
	struct itimerspec disarm = { 0 };

	return timerfd_settime(-1, 4, &disarm, NULL) && errno == EBADF;
}

static int run_all(void)
{
	char before[32] = "";
	int failed = 0;
	FILE *sysctl;

	printf("KTAP version 1\n");
	if (!kernel_defers()) {
		if (getenv("SEPTET_REQUIRE")) {
			printf("1..1\nnot ok 1 - this kernel has no deferrable timers\n");
			return 1;
		}
		printf("1..0 # SKIP this kernel has no deferrable timers\n");
		return SKIPPED;
	}
	sysctl = fopen(SYSCTL, "r");
	if (!sysctl || !fgets(before, sizeof(before), sysctl)) {
		printf("Bail out! " SYSCTL " cannot be read\n");
		return 1;
	}
	fclose(sysctl);
	printf("1..%d\n", TESTS);
	for (int i = 0; i < TESTS; i++) {
		int ok = passes(&tests[i]);

		failed += !ok;
		printf("%sok %d - %s\n", ok ? "" : "not ", i + 1, tests[i].name);
	}
	write_sysctl(before);
	return failed > 0;
}

int main(int argc, char **argv)
{
	for (int i = 0; i < TESTS; i++)
		if (argc == 2 && !strcmp(argv[1], tests[i].name))
			return tests[i].run();
	if (argc == 2)
		defer = argv[1];
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return 1;
	return run_all();
}
