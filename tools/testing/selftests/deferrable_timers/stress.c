// SPDX-License-Identifier: GPL-2.0
/*
 * Everything at once, at random: threads on both CPUs set, read, ask, close and
 * limit timers that they share, while clocks are set, CPUs go and come, and the
 * sysctls change. Here it counts that nothing fails which must not; what else can
 * go wrong is for lockdep, KASAN and the checks of timer objects to find.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/ioctl.h>

#include "fixture.h"

#define TIMERS	24
#define THREADS	6

static const clockid_t clocks[] = { CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME };
static int fds[TIMERS];
static timer_t posix_timers[TIMERS];
static atomic_bool stop;

enum action {
	SET,
	CANCEL,
	READ,
	ASK,
	POLL,
	SHOW,
	LIMIT,
	REOPEN,
	SET_POSIX,
	ASK_POSIX,
	SLEEP,
	MOVE,
	NR_ACTIONS
};

static atomic_uint done[NR_ACTIONS];

static unsigned int pick(unsigned int *seed, unsigned int below)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed % below;
}

/* Times around a tick, sometimes with nothing to wait for at all. */
static long long some_ns(unsigned int *seed)
{
	return pick(seed, 4) ? 1 + pick(seed, 10 * MS) : 1;
}

static void reopen(int fd, unsigned int *seed)
{
	int other = open_timer(clocks[pick(seed, ARRAY_SIZE(clocks))]);

	/* Closes what was there, maybe under the hands of another thread. */
	if (dup2(other, fd) != fd)
		broken("dup2");
	close(other);
}

/* 0 if the action ended as it may, else -errno. */
static int act(enum action action, unsigned int *seed)
{
	int fd = fds[pick(seed, TIMERS)], flags = 0;
	timer_t timer = posix_timers[pick(seed, TIMERS)];
	struct itimerspec setting, old;
	struct timespec ts;
	__u64 limit;
	long long ticks;
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (pick(seed, 4))
		flags |= DEFERRABLE;
	setting = to_setting(some_ns(seed), pick(seed, 3) ? 0 : some_ns(seed));
	switch (action) {
	case SET:
		if (!pick(seed, 3))
			flags |= TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET;
		if (flags & TFD_TIMER_ABSTIME && pick(seed, 2))
			setting.it_value = to_timespec(now(CLOCK_REALTIME) + some_ns(seed));
		/* ECANCELED: set, and the clock was set since the last time. */
		return timerfd_settime(fd, flags, &setting, &old) && errno != ECANCELED ?
			-errno : 0;
	case CANCEL:
		return arm(fd, flags, 0, 0);
	case READ:
		ticks = ticks_read(fd);
		return ticks < 0 && ticks != -ECANCELED ? ticks : 0;
	case ASK:
		return timerfd_gettime(fd, &old) ? -errno : 0;
	case POLL:
		return poll(&p, 1, 0) < 0 ? -errno : 0;
	case SHOW:
		info(fd);
		return 0;
	case LIMIT:
		limit = pick(seed, 3) ? some_ns(seed) : 0;
		return ioctl(fd, TFD_IOC_SET_DEFER_MAX, &limit) ? -errno : 0;
	case REOPEN:
		reopen(fd, seed);
		return 0;
	case SET_POSIX:
		return timer_settime(timer, flags, &setting, &old) ? -errno : 0;
	case ASK_POSIX:
		return timer_gettime(timer, &old) ? -errno : 0;
	case SLEEP:
		ts = setting.it_value;
		return -clock_nanosleep(clocks[pick(seed, ARRAY_SIZE(clocks))], flags, &ts, NULL);
	case MOVE:
		/* The other CPU may be offline just now. */
		if (get_number(CPU_ONLINE) == 1) {
			cpu_set_t set;

			CPU_ZERO(&set);
			CPU_SET(pick(seed, 2), &set);
			if (pick(seed, 2))
				CPU_SET(CPU_HERE, &set);
			sched_setaffinity(0, sizeof(set), &set);
		}
		return 0;
	default:
		return -EINVAL;
	}
}

static void *act_at_random(void *arg)
{
	unsigned int seed = *(unsigned int *)arg;

	while (!stop) {
		enum action action = pick(&seed, NR_ACTIONS);
		int error = act(action, &seed);

		if (error) {
			fprintf(stderr, "# action %d: %s\n", action, strerror(-error));
			return arg;
		}
		done[action]++;
	}
	return NULL;
}

/* What concerns all CPUs, at a slower pace. */
static void disturb(unsigned int *seed)
{
	struct timespec ts;

	switch (pick(seed, 5)) {
	case 0:
		put_number(DEFER_MAX_MS, pick(seed, 2) * pick(seed, 20));
		break;
	case 1:
		ts = to_timespec(now(CLOCK_REALTIME) + pick(seed, 2000 * MS) - SEC);
		clock_settime(CLOCK_REALTIME, &ts);
		break;
	case 2:
		put_number(CPU_ONLINE, 0);
		pause_ns(pick(seed, 5 * MS));
		put_number(CPU_ONLINE, 1);
		break;
	default:
		kick_idle_cpus();
		break;
	}
	pause_ns(pick(seed, 10 * MS));
}

TEST_F_TIMEOUT(timer, everything_at_once, LONG_TIMEOUT)
{
	struct sigevent notify = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN };
	long long phase = loops(1, 60) * SEC, end;
	unsigned int seeds[THREADS], i, seed = 1;
	pthread_t threads[THREADS];
	void *failed;

	/* Nobody waits for them: they are to be queued, merged and thrown away. */
	ASSERT_NE(SIG_ERR, signal(SIGRTMIN, SIG_IGN));
	for (i = 0; i < TIMERS; i++) {
		notify.sigev_notify = i & 1 ? SIGEV_SIGNAL : SIGEV_NONE;
		fds[i] = open_timer(clocks[i % ARRAY_SIZE(clocks)]);
		ASSERT_EQ(0, timer_create(clocks[i % ARRAY_SIZE(clocks)], &notify,
					  &posix_timers[i]));
	}
	for (i = 0; i < THREADS; i++) {
		seeds[i] = 1000 + i;
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, act_at_random, &seeds[i]));
	}
	/* Few phases: changing this one rewrites code, which some emulators do badly. */
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, put_number(DEFER_PULL, i & 1));
		for (end = now(CLOCK_MONOTONIC) + phase; now(CLOCK_MONOTONIC) < end;)
			disturb(&seed);
	}
	stop = true;
	/* A thread in a deferred sleep ends it when its CPU wakes up. */
	put_number(DEFER_MAX_MS, 1);
	for (i = 0; i < THREADS; i++) {
		ASSERT_EQ(0, pthread_join(threads[i], &failed));
		EXPECT_EQ(NULL, failed);
	}
	for (i = 0; i < NR_ACTIONS; i++)
		EXPECT_LT(0, done[i]) TH_LOG("action %d", i);
	/* After all that, a timer is a timer. */
	run_on(CPU_HERE);
	ASSERT_EQ(0, put_number(DEFER_MAX_MS, 0));
	for (i = 0; i < TIMERS; i++) {
		ASSERT_EQ(0, arm(fds[i], DEFERRABLE, 1, 0));
		until_expired(fds[i]);
		EXPECT_EQ(1, ticks_read(fds[i]));
	}
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
