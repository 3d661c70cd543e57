// SPDX-License-Identifier: GPL-2.0
/*
 * What libdefer.so makes of each call of a program, seen from both sides: by
 * the program and by the kernel that libmock.so plays.
 *
 * Settings hold for a process, so each case is one: this program runs itself
 * with both libraries, the settings and the name of the case. Called with one
 * of the words in main(), it does something that cli_test.sh needs a program for.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "defer.h"
#include "tests/mock.h"
#include "tests/old_timers.h"

#define MS 1000000ULL
#define S (1000 * MS)

static struct mock no_mock, *mock = &no_mock;

#define expect(condition) \
	do { \
		if (!(condition)) { \
			printf("# %s:%d: not true: %s\n", __func__, __LINE__, #condition); \
			exit(1); \
		} \
	} while (0)

static struct timespec from_ns(__u64 ns)
{
	return (struct timespec){ ns / S, ns % S };
}

static __u64 to_ns(struct timespec t)
{
	return t.tv_sec * S + t.tv_nsec;
}

static __u64 now(clockid_t clock)
{
	struct timespec t;

	expect(!clock_gettime(clock, &t));
	return to_ns(t);
}

static bool made(int which, enum call call, int flags, __u64 ns)
{
	return which < mock->calls && mock->made[which].call == call &&
	       mock->made[which].flags == flags && mock->made[which].ns == ns;
}

static void forget(void)
{
	mock->calls = 0;
	errno = EDOM;
}

static int new_fd(clockid_t clock)
{
	int fd = timerfd_create(clock, 0);

	expect(fd >= 0);
	forget();
	return fd;
}

/* A call that succeeds leaves errno alone, which forget() has set. */
static void set_fd(int fd, int flags, __u64 value, __u64 interval)
{
	struct itimerspec new = { from_ns(interval), from_ns(value) };

	forget();
	expect(!timerfd_settime(fd, flags, &new, NULL));
	expect(errno == EDOM);
}

static void expect_plain_fd(int flags, __u64 value)
{
	expect(mock->calls == 1);
	expect(made(0, TIMERFD_SETTIME, flags, value));
}

static void expect_deferrable_fd(int flags, __u64 value)
{
	expect(mock->calls == 2);
	expect(made(0, SET_DEFER_MAX, 0, 5 * S));
	expect(made(1, TIMERFD_SETTIME, flags | 4, value));
}

static void timerfd_fires(void)
{
	int fd = new_fd(CLOCK_MONOTONIC);
	__u64 ticks, begin = now(CLOCK_MONOTONIC);

	set_fd(fd, 0, 250 * MS, 0);
	expect_deferrable_fd(0, 250 * MS);
	expect(read(fd, &ticks, sizeof(ticks)) == sizeof(ticks) && ticks == 1);
	expect(now(CLOCK_MONOTONIC) >= begin + 250 * MS);
}

static void timerfd_min_period(void)
{
	int fd = new_fd(CLOCK_REALTIME);

	set_fd(fd, 0, 200 * MS, 0);
	expect_deferrable_fd(0, 200 * MS);
	set_fd(fd, 0, 200 * MS - 1, 0);
	expect_plain_fd(0, 200 * MS - 1);
}

static void timerfd_periodic(void)
{
	struct itimerspec forever = { { LONG_MAX, 0 }, { 1, 0 } };
	int fd = new_fd(CLOCK_BOOTTIME);

	set_fd(fd, 0, 1, 200 * MS);
	expect_deferrable_fd(0, 1);
	set_fd(fd, 0, 10 * S, 200 * MS - 1);
	expect_plain_fd(0, 10 * S);
	forget();
	expect(!timerfd_settime(fd, 0, &forever, NULL));
	expect_deferrable_fd(0, S);
}

static void timerfd_absolute(void)
{
	int fd = new_fd(CLOCK_REALTIME);
	__u64 time = now(CLOCK_REALTIME);
	struct itimerspec new = { .it_value = from_ns(time + 100 * S) }, old;

	set_fd(fd, TFD_TIMER_ABSTIME, time + 50 * S, 0);
	expect(mock->calls == 3);
	expect(made(0, TIMERFD_SETTIME, TFD_TIMER_ABSTIME, time + 50 * S));
	expect(made(1, SET_DEFER_MAX, 0, 5 * S));
	expect(made(2, TIMERFD_SETTIME, TFD_TIMER_ABSTIME | 4, time + 50 * S));

	/* The old setting is the one before, although it is set twice. */
	expect(!timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &new, &old));
	expect(to_ns(old.it_value) <= 50 * S);
	expect(mock->made[mock->calls - 1].flags == 7);

	set_fd(fd, TFD_TIMER_ABSTIME, time - S, 0);
	expect_plain_fd(TFD_TIMER_ABSTIME, time - S);
	time = now(CLOCK_REALTIME) + 199 * MS;
	set_fd(fd, TFD_TIMER_ABSTIME, time, 0);
	expect_plain_fd(TFD_TIMER_ABSTIME, time);

	set_fd(fd, TFD_TIMER_ABSTIME, time, S);
	expect_deferrable_fd(TFD_TIMER_ABSTIME, time);
}

/* One that has just expired must not be set again, which would make it expire twice. */
static void absolute_once(void)
{
	int fd = new_fd(CLOCK_MONOTONIC);
	__u64 time = now(CLOCK_MONOTONIC) + 1;

	set_fd(fd, TFD_TIMER_ABSTIME, time, 0);
	expect_deferrable_fd(TFD_TIMER_ABSTIME, time);
}

static void timerfd_disarm(void)
{
	int fd = new_fd(CLOCK_MONOTONIC);
	struct itimerspec left;

	set_fd(fd, 0, 100 * S, S);
	set_fd(fd, 0, 0, S);
	expect_plain_fd(0, 0);
	expect(!timerfd_gettime(fd, &left) && !to_ns(left.it_value));
}

static void timerfd_without_bound(void)
{
	int fd = new_fd(CLOCK_MONOTONIC);

	set_fd(fd, 0, S, 0);
	expect_plain_fd(4, S);
}

static void timerfd_refused(void)
{
	int fd = new_fd(CLOCK_MONOTONIC);
	__u64 ticks, time = now(CLOCK_MONOTONIC) + 50 * S;

	mock->flag_err = EINVAL;
	set_fd(fd, TFD_TIMER_ABSTIME, time, 0);
	expect(mock->calls == 3);
	expect(made(0, TIMERFD_SETTIME, 1, time) && made(2, TIMERFD_SETTIME, 5, time));
	set_fd(fd, 0, 200 * MS, 0);
	expect(mock->calls == 3);
	expect(made(1, TIMERFD_SETTIME, 4, 200 * MS) && made(2, TIMERFD_SETTIME, 0, 200 * MS));
	expect(read(fd, &ticks, sizeof(ticks)) == sizeof(ticks) && ticks == 1);

	mock->flag_err = 0;
	mock->bound_err = ENOTTY;
	set_fd(fd, 0, S, 0);
	expect(mock->calls == 2);
	expect(made(0, SET_DEFER_MAX, 0, 5 * S) && made(1, TIMERFD_SETTIME, 0, S));
}

/* The clock was set. The kernel says so once, so this must not be tried again. */
static void timerfd_cancelled(void)
{
	int fd = new_fd(CLOCK_REALTIME);
	struct itimerspec new = { .it_value = from_ns(now(CLOCK_REALTIME) + 50 * S) };

	mock->flag_err = ECANCELED;
	expect(timerfd_settime(fd, 3, &new, NULL) == -1 && errno == ECANCELED);
	expect(mock->calls == 3 && mock->made[2].flags == 7);
	new.it_interval.tv_sec = 1;
	forget();
	expect(timerfd_settime(fd, 3, &new, NULL) == -1 && errno == ECANCELED);
	expect(mock->calls == 2 && mock->made[1].flags == 7);
}

static void timerfd_errors(void)
{
	int fd = new_fd(CLOCK_MONOTONIC);
	struct itimerspec new = { .it_value = { 1, 0 } }, bad = { .it_value = { 1, 1000000000 } };

	expect(timerfd_settime(fd, 8, &new, NULL) == -1 && errno == EINVAL);
	expect(timerfd_settime(fd, 0, &bad, NULL) == -1 && errno == EINVAL);
	expect(timerfd_settime(fd, TFD_TIMER_ABSTIME, &bad, NULL) == -1 && errno == EINVAL);
	expect(timerfd_settime(fd, 0, NULL, NULL) == -1 && errno == EFAULT);
	expect(timerfd_settime(-1, 0, &new, NULL) == -1 && errno == EBADF);
	expect(timerfd_settime(-1, TFD_TIMER_ABSTIME, &new, NULL) == -1 && errno == EBADF);
	fd = open("/dev/null", O_RDONLY);
	expect(timerfd_settime(fd, 0, &new, NULL) == -1 && errno == EINVAL);
}

/* A program that uses the flag itself knows what it wants. */
static void own_flag(void)
{
	int fd = new_fd(CLOCK_MONOTONIC);
	struct timespec request = { 0, 200 * MS };

	set_fd(fd, 4, 10 * S, 0);
	expect_plain_fd(4, 10 * S);
	set_fd(fd, 5, 10 * S, 0);
	expect_plain_fd(5, 10 * S);
	forget();
	expect(!clock_nanosleep(CLOCK_MONOTONIC, 4, &request, NULL));
	expect(mock->calls == 1 && made(0, CLOCK_NANOSLEEP, 4, 200 * MS));
	mock->flag_err = EINVAL;
	forget();
	expect(clock_nanosleep(CLOCK_MONOTONIC, 4, &request, NULL) == EINVAL && mock->calls == 1);
}

static void nothing_deferred(void)
{
	int fd = new_fd(CLOCK_MONOTONIC);
	struct timespec request = { 0, MS };

	set_fd(fd, 0, 10 * S, 0);
	expect_plain_fd(0, 10 * S);
	forget();
	expect(!clock_nanosleep(CLOCK_MONOTONIC, 0, &request, NULL));
	expect(mock->calls == 1 && made(0, CLOCK_NANOSLEEP, 0, MS));
}

/* The length of all sleeps below but that of sleep(), in settings and in calls. */
#define NAP (20 * MS)

static void sleep_in_every_way(__u64 ns)
{
	struct timespec request = from_ns(ns), left = { 5, 5 };
	__u64 begin = now(CLOCK_MONOTONIC);

	forget();
	expect(!clock_nanosleep(CLOCK_BOOTTIME, 0, &request, &left));
	expect(!nanosleep(&request, &left));
	expect(!usleep(ns / 1000));
	expect(!sleep(1));
	expect(mock->calls == 4 && errno == EDOM);
	expect(left.tv_sec == 5 && left.tv_nsec == 5);
	expect(now(CLOCK_MONOTONIC) >= begin + 2 * ns + ns / 1000 * 1000 + S);
}

static void sleeps_deferrable(void)
{
	sleep_in_every_way(NAP);
	expect(made(0, CLOCK_NANOSLEEP, 4, NAP) && mock->made[0].clock == CLOCK_BOOTTIME);
	expect(made(1, CLOCK_NANOSLEEP, 4, NAP) && mock->made[1].clock == CLOCK_REALTIME);
	expect(made(2, CLOCK_NANOSLEEP, 4, NAP) && mock->made[2].clock == CLOCK_REALTIME);
	expect(made(3, CLOCK_NANOSLEEP, 4, S) && mock->made[3].clock == CLOCK_REALTIME);
}

static void sleeps_unbounded(void)
{
	sleep_in_every_way(NAP);
	expect(made(0, CLOCK_NANOSLEEP, 0, NAP));
	expect(made(1, NANOSLEEP, 0, NAP));
	expect(made(2, USLEEP, 0, NAP));
	expect(made(3, SLEEP, 0, S));
}

static void sleeps_min_period(void)
{
	sleep_in_every_way(NAP - 1);
	expect(made(0, CLOCK_NANOSLEEP, 0, NAP - 1));
	expect(made(1, NANOSLEEP, 0, NAP - 1));
	expect(made(2, USLEEP, 0, NAP - 1000));
	expect(made(3, CLOCK_NANOSLEEP, 4, S));
}

static void sleeps_refused(void)
{
	mock->flag_err = EINVAL;
	forget();
	expect(!usleep(NAP / 1000) && errno == EDOM && mock->calls == 2);
	expect(made(0, CLOCK_NANOSLEEP, 4, NAP) && made(1, USLEEP, 0, NAP));
	forget();
	expect(!sleep(1) && errno == EDOM && mock->calls == 2);
	expect(made(0, CLOCK_NANOSLEEP, 4, S) && made(1, SLEEP, 0, S));
}

static void sleep_absolute(void)
{
	__u64 until = now(CLOCK_REALTIME) + 2 * S;
	struct timespec request = from_ns(until);

	expect(!clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &request, NULL));
	expect(now(CLOCK_REALTIME) >= until);
	expect(mock->calls == 1 && made(0, CLOCK_NANOSLEEP, 5, until));

	until = now(CLOCK_MONOTONIC) + NAP - 1;
	request = from_ns(until);
	forget();
	expect(!clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &request, NULL));
	expect(mock->calls == 1 && made(0, CLOCK_NANOSLEEP, TIMER_ABSTIME, until));

	request.tv_sec = 0;
	forget();
	expect(!clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &request, NULL));
	expect(mock->calls == 1 && made(0, CLOCK_NANOSLEEP, TIMER_ABSTIME, to_ns(request)));
}

static void sleep_errors(void)
{
	struct timespec bad = { 1, 1000000000 }, good = { 1, 0 }, negative = { -1, 0 };

	errno = EDOM;
	expect(clock_nanosleep(CLOCK_MONOTONIC, 0, &bad, NULL) == EINVAL);
	expect(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &bad, NULL) == EINVAL);
	expect(clock_nanosleep(CLOCK_MONOTONIC, 0, &negative, NULL) == EINVAL);
	expect(clock_nanosleep(1000, 0, &good, NULL) == EINVAL);
	expect(clock_nanosleep(1000, TIMER_ABSTIME, &good, NULL) == EINVAL);
	expect(clock_nanosleep(CLOCK_MONOTONIC, 0, NULL, NULL) == EFAULT);
	/* What is no time is not tried with the flag. */
	expect(errno == EDOM && mock->calls == 8);
	expect(nanosleep(&bad, NULL) == -1 && errno == EINVAL);
	expect(nanosleep(NULL, NULL) == -1 && errno == EFAULT);
}

static void do_nothing(int signal)
{
	(void)signal;
}

/* Signals come again and again, so that one comes during the sleep. */
static void interrupt(void)
{
	struct sigaction action = { .sa_handler = do_nothing };
	struct itimerval every = { { 0, 20000 }, { 0, 20000 } };

	expect(!sigaction(SIGALRM, &action, NULL));
	expect(!setitimer(ITIMER_REAL, &every, NULL));
}

static void sleep_interrupted(void)
{
	struct timespec request = { 10000, 0 }, left = { 0 };
	unsigned int seconds;

	interrupt();
	forget();
	expect(clock_nanosleep(CLOCK_MONOTONIC, 0, &request, &left) == EINTR);
	expect(errno == EDOM);
	expect(to_ns(left) > 0 && to_ns(left) < 10000 * S);
	left = from_ns(0);
	expect(nanosleep(&request, &left) == -1 && errno == EINTR);
	expect(to_ns(left) > 0 && to_ns(left) < 10000 * S);
	expect(usleep(UINT_MAX) == -1 && errno == EINTR);
	errno = EDOM;
	seconds = sleep(10000);
	expect(seconds > 0 && seconds < 10000 && errno == EINTR);
	expect(mock->calls == 4);
	for (int i = 0; i < 4; i++)
		expect(mock->made[i].call == CLOCK_NANOSLEEP && mock->made[i].flags == 4);
}

static void *sleep_by(void *way)
{
	struct timespec request = { 10000, 0 };

	switch (*(enum call *)way) {
	case CLOCK_NANOSLEEP:
		clock_nanosleep(CLOCK_MONOTONIC, 0, &request, NULL);
		break;
	case NANOSLEEP:
		nanosleep(&request, NULL);
		break;
	case USLEEP:
		usleep(UINT_MAX);
		break;
	default:
		sleep(10000);
	}
	return NULL;
}

static void sleep_cancelled(void)
{
	for (enum call way = CLOCK_NANOSLEEP; way <= SLEEP; way++) {
		pthread_t thread;
		void *result;

		forget();
		expect(!pthread_create(&thread, NULL, sleep_by, &way));
		/* It is inside the library then, and on its way to sleep. */
		while (!__atomic_load_n(&mock->calls, __ATOMIC_ACQUIRE))
			sched_yield();
		expect(!pthread_cancel(thread));
		expect(!pthread_join(thread, &result));
		expect(result == PTHREAD_CANCELED);
		expect(mock->calls == 1 && mock->made[0].call == CLOCK_NANOSLEEP &&
		       mock->made[0].flags == 4);
	}
}

static __typeof__(timer_create) *create = timer_create;
static __typeof__(timer_settime) *settime = timer_settime;
static enum call settime_call = TIMER_SETTIME;

static timer_t new_timer(clockid_t clock)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	timer_t id = NULL;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	expect(!sigprocmask(SIG_BLOCK, &set, NULL));
	expect(!create(clock, &event, &id));
	return id;
}

static void set_timer(timer_t id, int flags, __u64 value, __u64 interval)
{
	struct itimerspec new = { from_ns(interval), from_ns(value) };

	forget();
	expect(!settime(id, flags, &new, NULL));
	expect(errno == EDOM);
}

static void wait_for_signal(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	expect(sigwaitinfo(&set, NULL) == SIGUSR1);
}

static void posix_timer(void)
{
	timer_t id = new_timer(CLOCK_MONOTONIC);
	__u64 time;

	set_timer(id, 0, 200 * MS, 0);
	expect(mock->calls == 1 && made(0, settime_call, 4, 200 * MS));
	wait_for_signal();
	set_timer(id, 0, 200 * MS - 1, 0);
	expect(mock->calls == 1 && made(0, settime_call, 0, 200 * MS - 1));
	wait_for_signal();
	set_timer(id, 0, 1, 200 * MS);
	expect(mock->calls == 1 && made(0, settime_call, 4, 1));
	wait_for_signal();
	set_timer(id, 4, 100 * S, 0);
	expect(mock->calls == 1 && made(0, settime_call, 4, 100 * S));

	time = now(CLOCK_MONOTONIC) + 50 * S;
	set_timer(id, TIMER_ABSTIME, time, 0);
	expect(mock->calls == 2);
	expect(made(0, settime_call, TIMER_ABSTIME, time));
	expect(made(1, settime_call, TIMER_ABSTIME | 4, time));

	mock->flag_err = EINVAL;
	set_timer(id, 0, 200 * MS, 0);
	expect(mock->calls == 2);
	expect(made(0, settime_call, 4, 200 * MS) && made(1, settime_call, 0, 200 * MS));
	wait_for_signal();
}

static void posix_timer_2_3_3(void)
{
	settime = timer_settime_2_3_3;
	posix_timer();
}

static void posix_timer_2_2_5(void)
{
	create = timer_create_2_2_5;
	settime = timer_settime_2_2_5;
	settime_call = TIMER_SETTIME_OLD;
	posix_timer();
}

static void posix_timer_unbounded(void)
{
	set_timer(new_timer(CLOCK_MONOTONIC), 0, 10 * S, 0);
	expect(mock->calls == 1 && made(0, TIMER_SETTIME, 0, 10 * S));
}

static void posix_timer_errors(void)
{
	timer_t id = new_timer(CLOCK_MONOTONIC);
	struct itimerspec bad = { .it_value = { 1, 1000000000 } }, new = { .it_value = { 1, 0 } };

	expect(timer_settime(id, 0, &bad, NULL) == -1 && errno == EINVAL);
	expect(!timer_delete(id));
	expect(timer_settime(id, 0, &new, NULL) == -1 && errno == EINVAL);
	expect(timer_settime(id, TIMER_ABSTIME, &new, NULL) == -1 && errno == EINVAL);
}

static bool kernel_defers(void)
{
	struct itimerspec disarm = { 0 };

	return timerfd_settime(-1, 4, &disarm, NULL) && errno == EBADF;
}

/* Without the mock: whichever kernel this is, the timer is set and fires. */
static void running_kernel(void)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);
	char path[64], line[128], wanted[32];
	bool seen = false;
	__u64 ticks;
	FILE *info;

	set_fd(fd, 0, 200 * MS, 0);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	snprintf(wanted, sizeof(wanted), "settime flags: %02o\n", kernel_defers() ? 4 : 0);
	info = fopen(path, "r");
	expect(info);
	while (fgets(line, sizeof(line), info))
		seen |= !strcmp(line, wanted);
	expect(seen);
	expect(read(fd, &ticks, sizeof(ticks)) == sizeof(ticks) && ticks == 1);
}

#define DEFAULTS	"200000000 5000000000 0 0"
#define UNBOUNDED	"200000000 0 0 0"
#define EVERYTHING	"20000000 0 1 0"

static const struct test {
	const char *name, *settings;
	void (*run)(void);
	bool without_mock;
} tests[] = {
#define TEST(function, settings, ...) { #function, settings, function, __VA_ARGS__ }
	TEST(timerfd_fires, DEFAULTS),
	TEST(timerfd_min_period, DEFAULTS),
	TEST(timerfd_periodic, DEFAULTS),
	TEST(timerfd_absolute, DEFAULTS),
	TEST(absolute_once, "0 5000000000 0 0"),
	TEST(timerfd_disarm, DEFAULTS),
	TEST(timerfd_without_bound, UNBOUNDED),
	TEST(timerfd_refused, DEFAULTS),
	TEST(timerfd_cancelled, DEFAULTS),
	TEST(timerfd_errors, DEFAULTS),
	TEST(own_flag, "0 5000000000 1 0"),
	{ "no_settings", NULL, nothing_deferred },
	{ "wrong_settings", "0 0 1", nothing_deferred },
	TEST(sleeps_deferrable, EVERYTHING),
	TEST(sleeps_unbounded, "0 5000000000 0 0"),
	TEST(sleeps_min_period, EVERYTHING),
	TEST(sleeps_refused, EVERYTHING),
	TEST(sleep_absolute, EVERYTHING),
	TEST(sleep_errors, EVERYTHING),
	TEST(sleep_interrupted, EVERYTHING),
	TEST(sleep_cancelled, EVERYTHING),
	TEST(posix_timer, "200000000 5000000000 1 0"),
	TEST(posix_timer_2_3_3, "200000000 5000000000 1 0"),
	TEST(posix_timer_2_2_5, "200000000 5000000000 1 0"),
	TEST(posix_timer_unbounded, DEFAULTS),
	TEST(posix_timer_errors, EVERYTHING),
	TEST(running_kernel, DEFAULTS, true),
};

#define TESTS ((int)ARRAY_SIZE(tests))

static void start(const struct test *test, const char *folder)
{
	char libraries[2 * PATH_MAX + 64];

	snprintf(libraries, sizeof(libraries), test->without_mock ? "%s/libdefer.so" :
		 "%s/libdefer.so:%s/libmock.so", folder, folder);
	setenv("LD_PRELOAD", libraries, 1);
	unsetenv(SETTINGS);
	if (test->settings)
		setenv(SETTINGS, test->settings, 1);
	dup2(STDOUT_FILENO, STDERR_FILENO);
	execl("/proc/self/exe", "shim_test", test->name, NULL);
	_exit(127);
}

/* Nothing here takes more than seconds; what hangs fails. */
static bool passes(const struct test *test, const char *folder)
{
	struct timespec limit = { 300, 0 };
	sigset_t set, old;
	int status;
	pid_t pid;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, &old);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		sigprocmask(SIG_SETMASK, &old, NULL);
		start(test, folder);
	}
	if (sigtimedwait(&set, NULL, &limit) < 0) {
		printf("# hangs\n");
		kill(pid, SIGKILL);
	}
	waitpid(pid, &status, 0);
	if (WIFSIGNALED(status))
		printf("# ended by signal %d\n", WTERMSIG(status));
	return !status;
}

static int run_all(const char *folder)
{
	int failed = 0;

	printf("KTAP version 1\n1..%d\n", TESTS);
	for (int i = 0; i < TESTS; i++) {
		bool ok = passes(&tests[i], folder);

		failed += !ok;
		printf("%sok %d - %s\n", ok ? "" : "not ", i + 1, tests[i].name);
	}
	return failed > 0;
}

static void arm(void)
{
	struct itimerspec new = { .it_value = { 10, 0 } };

	expect(!timerfd_settime(timerfd_create(CLOCK_MONOTONIC, 0), 0, &new, NULL));
}

/* A parent that arms two timers and a child that arms one. */
static int fork_and_arm(void)
{
	int status = -1;

	arm();
	if (!fork()) {
		arm();
		return 0;
	}
	wait(&status);
	arm();
	return status;
}

static int nap(void)
{
	struct timespec request = { 0, 1000000 };

	return nanosleep(&request, NULL);
}

/* A file of the program's own becomes descriptor 2. */
static int replace_stderr(const char *path)
{
	close(STDERR_FILENO);
	return open(path, O_WRONLY | O_CREAT, 0600) != STDERR_FILENO;
}

/* Run a program whose standard error nobody reads any more. */
static int unread(char **argv)
{
	int ends[2];

	if (pipe(ends) || dup2(ends[1], STDERR_FILENO) < 0 ||
	    signal(SIGPIPE, SIG_DFL) == SIG_ERR)
		return 1;
	close(ends[0]);
	close(ends[1]);
	execvp(argv[0], argv);
	return 1;
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";

	mock = dlsym(RTLD_DEFAULT, "mock") ?: &no_mock;
	if (!strcmp(word, "all") && argc == 3)
		return run_all(argv[2]);
	if (!strcmp(word, "probe"))
		return !kernel_defers();
	if (!strcmp(word, "arm"))
		return arm(), 0;
	if (!strcmp(word, "sleep"))
		return nap();
	if (!strcmp(word, "fork"))
		return fork_and_arm();
	if (!strcmp(word, "replace-stderr") && argc == 3)
		return replace_stderr(argv[2]);
	if (!strcmp(word, "unread") && argc > 2)
		return unread(argv + 2);
	for (int i = 0; i < TESTS; i++)
		if (!strcmp(word, tests[i].name))
			return tests[i].run(), 0;
	fprintf(stderr, "usage: shim_test all FOLDER | CASE\n");
	return 2;
}
