// SPDX-License-Identifier: GPL-2.0
/*
 * libdefer.so: stands between a program and the C library, and adds the
 * deferrable flag to timers and sleeps that are long enough.
 *
 * What a program calls here may run in its signal handlers and its threads,
 * and sleeps are cancellation points: after setup() there is no lock, no
 * allocation and no stdio here, and sleeps end in the C library's function.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "defer.h"

#define EXPORT __attribute__((visibility("default")))

/*
 * Programs linked with a C library from before 2004 have small numbers as
 * timer ids, which only the functions of that version understand. Of the
 * architectures that had 64 bits then, this is the one that is tested.
 */
#if defined(__x86_64__) && defined(__LP64__)
#define SMALL_TIMER_IDS
#endif

typedef int settime_fn(timer_t id, int flags, const struct itimerspec *new,
		       struct itimerspec *old);
typedef int gettime_fn(timer_t id, struct itimerspec *left);

/* The functions of the C library, or of whatever else was preloaded before it. */
static struct {
	__typeof__(timerfd_settime) *timerfd_settime;
	__typeof__(clock_nanosleep) *clock_nanosleep;
	__typeof__(nanosleep) *nanosleep;
	__typeof__(usleep) *usleep;
	__typeof__(sleep) *sleep;
	settime_fn *timer_settime;
	gettime_fn *timer_gettime;
#ifdef SMALL_TIMER_IDS
	settime_fn *timer_settime_old;
	gettime_fn *timer_gettime_old;
#endif
} next;

static struct settings settings;
static bool ready, active;

/* The file that standard error was when the program began. */
static struct stat first_stderr;

enum { TIMERS, SLEEPS, SHORT, UNBOUNDED, REFUSED, COUNTERS };
static unsigned long counters[COUNTERS];

static void count(int which, int by)
{
	__atomic_fetch_add(&counters[which], by, __ATOMIC_RELAXED);
}

/* Each process tells what it did itself. */
static void forget(void)
{
	memset(counters, 0, sizeof(counters));
}

/* Programs are single-threaded when this runs, at the latest as a constructor. */
static __attribute__((constructor)) void setup(void)
{
	const char *text = getenv(SETTINGS);
	int err = errno;

	if (ready)
		return;
	next.timerfd_settime = dlsym(RTLD_NEXT, "timerfd_settime");
	next.clock_nanosleep = dlsym(RTLD_NEXT, "clock_nanosleep");
	next.nanosleep = dlsym(RTLD_NEXT, "nanosleep");
	next.usleep = dlsym(RTLD_NEXT, "usleep");
	next.sleep = dlsym(RTLD_NEXT, "sleep");
	next.timer_settime = dlsym(RTLD_NEXT, "timer_settime");
	next.timer_gettime = dlsym(RTLD_NEXT, "timer_gettime");
#ifdef SMALL_TIMER_IDS
	next.timer_settime_old = dlvsym(RTLD_NEXT, "timer_settime", "GLIBC_2.2.5");
	next.timer_gettime_old = dlvsym(RTLD_NEXT, "timer_gettime", "GLIBC_2.2.5");
#endif
	active = text && sscanf(text, SETTINGS_FORMAT, &settings.min_ns, &settings.max_ns,
				&settings.sleeps, &settings.verbose) == 4;
	if (active && settings.verbose) {
		fstat(STDERR_FILENO, &first_stderr);
		pthread_atfork(NULL, NULL, forget);
	}
	errno = err;
	ready = true;
}

/* Constructors of other libraries may call before ours has run. */
static void need_setup(void)
{
	if (!ready)
		setup();
}

static __attribute__((destructor)) void tell(void)
{
	static const char * const reasons[] = { "nothing bounds them", "refused by the kernel" };
	char line[384], text[DURATION_TEXT];
	struct sigaction ignore = { .sa_handler = SIG_IGN }, old;
	struct stat st;
	int n;

	/* A program may have put a file of its own in place of standard error. */
	if (!active || !settings.verbose || fstat(STDERR_FILENO, &st) ||
	    st.st_dev != first_stderr.st_dev || st.st_ino != first_stderr.st_ino)
		return;
	n = snprintf(line, sizeof(line), "defer: %.20s[%d]: ", program_invocation_short_name,
		     (int)getpid());
	n += snprintf(line + n, sizeof(line) - n, "%lu timers and %lu sleeps made deferrable",
		      counters[TIMERS], counters[SLEEPS]);
	if (counters[SHORT])
		n += snprintf(line + n, sizeof(line) - n, ", %lu left alone: period below %s",
			      counters[SHORT], duration_text(text, settings.min_ns));
	for (int i = UNBOUNDED; i <= REFUSED; i++)
		if (counters[i])
			n += snprintf(line + n, sizeof(line) - n, ", %lu left alone: %s",
				      counters[i], reasons[i - UNBOUNDED]);
	line[n++] = '\n';
	/* Nobody may be reading any more, which must not change how the program ends. */
	sigaction(SIGPIPE, &ignore, &old);
	if (write(STDERR_FILENO, line, n) < 0)
		n = 0;
	sigaction(SIGPIPE, &old, NULL);
}

/* -1 if it is not a time at all. */
static __s64 to_ns(const struct timespec *t)
{
	__s64 ns;

	if (t->tv_sec < 0 || t->tv_nsec < 0 || t->tv_nsec >= 1000000000)
		return -1;
	if (__builtin_mul_overflow(t->tv_sec, 1000000000, &ns) ||
	    __builtin_add_overflow(ns, t->tv_nsec, &ns))
		return LLONG_MAX;
	return ns;
}

static bool long_enough(__s64 ns)
{
	/* What is over already, or not a time at all, is not for us to judge. */
	if (ns < 0)
		return false;
	if ((__u64)ns >= settings.min_ns)
		return true;
	count(SHORT, 1);
	return false;
}

/* A timer of either kind; timerfds have no id, POSIX timers no file descriptor. */
struct timer {
	int fd;
	timer_t id;
	settime_fn *settime;
	gettime_fn *gettime;
};

static int set(const struct timer *t, int flags, const struct itimerspec *new,
	       struct itimerspec *old)
{
	if (t->settime)
		return t->settime(t->id, flags, new, old);
	return next.timerfd_settime(t->fd, flags, new, old);
}

static int set_deferrable(const struct timer *t, int flags, const struct itimerspec *new,
			  struct itimerspec *old)
{
	/* The bound goes first, so that the timer never runs without it. */
	if (!t->settime && settings.max_ns &&
	    ioctl(t->fd, TFD_IOC_SET_DEFER_MAX, &settings.max_ns)) {
		errno = EINVAL;
		return -1;
	}
	return set(t, flags | TIMER_IS_DEFERRABLE, new, old);
}

/*
 * Which clock an absolute time is of is not known here, but how much of it is
 * left can be asked as soon as the timer is set. At least min_ns are left when
 * it is set again: it has not expired in between, which would count twice.
 */
static int set_absolute(const struct timer *t, int flags, const struct itimerspec *new,
			struct itimerspec *old)
{
	int err = errno, ret;
	struct itimerspec left;

	if (set(t, flags, new, old))
		return -1;
	ret = t->settime ? t->gettime(t->id, &left) : timerfd_gettime(t->fd, &left);
	if (!ret && long_enough(to_ns(&left.it_value))) {
		ret = set_deferrable(t, flags, new, NULL);
		if (ret && errno != EINVAL)
			return -1;
		count(ret ? REFUSED : TIMERS, 1);
	}
	errno = err;
	return 0;
}

static int set_timer(const struct timer *t, int flags, const struct itimerspec *new,
		     struct itimerspec *old)
{
	int err = errno, ret;
	const struct timespec *value, *period;

	/* A program that knows of deferrable timers decides for itself. */
	if (!active || !new || flags & TIMER_IS_DEFERRABLE)
		return set(t, flags, new, old);
	value = &new->it_value;
	if (!value->tv_sec && !value->tv_nsec)
		return set(t, flags, new, old);
	if (t->settime && !settings.sleeps) {
		count(UNBOUNDED, 1);
		return set(t, flags, new, old);
	}
	period = &new->it_interval;
	if (!period->tv_sec && !period->tv_nsec) {
		if (flags & TIMER_ABSTIME && settings.min_ns)
			return set_absolute(t, flags, new, old);
		period = value;
	}
	if (!long_enough(to_ns(period)))
		return set(t, flags, new, old);
	if (!set_deferrable(t, flags, new, old)) {
		count(TIMERS, 1);
		return 0;
	}
	if (errno != EINVAL)
		return -1;
	errno = err;
	ret = set(t, flags, new, old);
	if (!ret)
		count(REFUSED, 1);
	return ret;
}

EXPORT int timerfd_settime(int fd, int flags, const struct itimerspec *new,
			   struct itimerspec *old)
{
	need_setup();
	return set_timer(&(struct timer){ .fd = fd }, flags, new, old);
}

/* Sleep if this sleep may be deferred; false, and nothing done, if it is to be left alone. */
static bool sleep_deferrable(clockid_t clock, int flags, const struct timespec *request,
			     struct timespec *left, int *err)
{
	int saved = errno;
	struct timespec now;
	__s64 ns;

	need_setup();
	if (!active || !request || flags & TIMER_IS_DEFERRABLE)
		return false;
	if (!settings.sleeps) {
		count(UNBOUNDED, 1);
		return false;
	}
	ns = to_ns(request);
	if (flags & TIMER_ABSTIME && ns >= 0 && !clock_gettime(clock, &now))
		ns -= to_ns(&now);
	errno = saved;
	if (!long_enough(ns))
		return false;
	/* Counted first: the program may end while it sleeps. */
	count(SLEEPS, 1);
	*err = next.clock_nanosleep(clock, flags | TIMER_IS_DEFERRABLE, request, left);
	if (*err != EINVAL)
		return true;
	count(SLEEPS, -1);
	count(REFUSED, 1);
	return false;
}

/* The same for functions that answer with -1 and errno. */
static int answer(int err)
{
	if (!err)
		return 0;
	errno = err;
	return -1;
}

EXPORT int clock_nanosleep(clockid_t clock, int flags, const struct timespec *request,
			   struct timespec *left)
{
	int err;

	if (sleep_deferrable(clock, flags, request, left, &err))
		return err;
	return next.clock_nanosleep(clock, flags, request, left);
}

EXPORT int nanosleep(const struct timespec *request, struct timespec *left)
{
	int err;

	if (sleep_deferrable(CLOCK_REALTIME, 0, request, left, &err))
		return answer(err);
	return next.nanosleep(request, left);
}

EXPORT int usleep(useconds_t us)
{
	struct timespec request = { us / 1000000, us % 1000000 * 1000 };
	int err;

	if (sleep_deferrable(CLOCK_REALTIME, 0, &request, NULL, &err))
		return answer(err);
	return next.usleep(us);
}

EXPORT unsigned int sleep(unsigned int seconds)
{
	struct timespec left = { .tv_sec = seconds };
	int err;

	if (!sleep_deferrable(CLOCK_REALTIME, 0, &left, &left, &err))
		return next.sleep(seconds);
	return answer(err) ? left.tv_sec : 0;
}

#ifdef SMALL_TIMER_IDS
__attribute__((symver("timer_settime@@GLIBC_2.34"), symver("timer_settime@GLIBC_2.3.3")))
#else
#define timer_settime_new timer_settime
#endif
EXPORT int timer_settime_new(timer_t id, int flags, const struct itimerspec *new,
			     struct itimerspec *old)
{
	need_setup();
	return set_timer(&(struct timer){ .id = id, .settime = next.timer_settime,
					  .gettime = next.timer_gettime }, flags, new, old);
}

#ifdef SMALL_TIMER_IDS
__attribute__((symver("timer_settime@GLIBC_2.2.5")))
EXPORT int timer_settime_old(timer_t id, int flags, const struct itimerspec *new,
			     struct itimerspec *old)
{
	need_setup();
	return set_timer(&(struct timer){ .id = id, .settime = next.timer_settime_old,
					  .gettime = next.timer_gettime_old }, flags, new, old);
}
#endif
