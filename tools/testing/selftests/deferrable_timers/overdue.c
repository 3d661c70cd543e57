// SPDX-License-Identifier: GPL-2.0
/*
 * A timerfd that is overdue because its CPU sleeps: whoever asks gets the answer
 * that the clock gives, and the timer is served.
 */
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>

#include "fixture.h"

#define DELAY	SOON
#define PERIOD	(10 * MS)

/*
 * Return with the timer overdue and waiting. The idle CPU may wake up for reasons of
 * its own, then it takes another attempt.
 */
static void make_overdue(int fd, long long interval, long long late)
{
	int i;

	for (i = 0; i < 100; i++) {
		if (arm_on_idle(fd, DEFERRABLE, DELAY, interval))
			broken("timerfd_settime");
		pause_ns(DELAY + late);
		if (!info(fd).ticks)
			return;
	}
	broken("no timer waits for the idle CPU");
}

FIXTURE(overdue)
{
	struct system_state before;
	int fd;
};

FIXTURE_SETUP(overdue)
{
	if (cannot_idle())
		SKIP(return, "%s", cannot_idle());
	system_prepare(&self->before);
	self->fd = open_timer(CLOCK_MONOTONIC);
}

FIXTURE_TEARDOWN_PARENT(overdue)
{
	system_restore(&self->before);
}

TEST_F(overdue, fdinfo_only_looks)
{
	struct timer_info shown;

	make_overdue(self->fd, 0, DELAY);
	EXPECT_EQ(0, info(self->fd).ticks);
	shown = info(self->fd);
	EXPECT_EQ(DEFERRABLE, shown.flags);
	/* 0 would be a timer that is not armed. */
	EXPECT_EQ(shown.ticks ? 0 : 1, shown.left);
	EXPECT_EQ(1, ticks_read(self->fd));
	EXPECT_EQ(0, info(self->fd).left);
}

TEST_F(overdue, read)
{
	make_overdue(self->fd, 0, DELAY);
	EXPECT_EQ(1, ticks_read(self->fd));
	EXPECT_EQ(0, ticks_read(self->fd));
	/* It does not come a second time. */
	kick_idle_cpus();
	pause_ns(50 * MS);
	EXPECT_EQ(0, ticks_read(self->fd));
	EXPECT_EQ(0, remaining(self->fd));
}

TEST_F(overdue, read_of_a_blocking_descriptor)
{
	__u64 ticks = 0;

	make_overdue(self->fd, 0, DELAY);
	ASSERT_EQ(0, fcntl(self->fd, F_SETFL, 0));
	EXPECT_EQ(sizeof(ticks), read(self->fd, &ticks, sizeof(ticks)));
	EXPECT_EQ(1, ticks);
}

TEST_F(overdue, poll)
{
	struct pollfd p = { .fd = self->fd, .events = POLLIN };

	make_overdue(self->fd, 0, DELAY);
	EXPECT_EQ(1, poll(&p, 1, 0));
	EXPECT_EQ(POLLIN, p.revents);
	EXPECT_EQ(1, info(self->fd).ticks);
	EXPECT_EQ(1, ticks_read(self->fd));
	EXPECT_EQ(0, poll(&p, 1, 0));
}

TEST_F(overdue, added_to_epoll)
{
	struct epoll_event event = { .events = EPOLLIN };
	int epoll = epoll_create1(0);

	make_overdue(self->fd, 0, DELAY);
	ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, self->fd, &event));
	EXPECT_EQ(1, epoll_wait(epoll, &event, 1, 0));
	EXPECT_EQ(1, ticks_read(self->fd));
}

/* Zero stands for "disarmed", and indeed it has expired. */
TEST_F(overdue, gettime)
{
	make_overdue(self->fd, 0, DELAY);
	EXPECT_EQ(0, remaining(self->fd));
	EXPECT_EQ(1, info(self->fd).ticks);
	EXPECT_EQ(1, ticks_read(self->fd));
}

TEST_F(overdue, gettime_of_a_periodic_one)
{
	long long left;

	make_overdue(self->fd, PERIOD, 5 * PERIOD);
	left = remaining(self->fd);
	EXPECT_LT(0, left);
	EXPECT_GE(PERIOD, left);
	EXPECT_LE(6, ticks_read(self->fd));
}

TEST_F(overdue, settime)
{
	struct itimerspec setting = to_setting(1000 * SEC, 0), old;

	make_overdue(self->fd, 0, DELAY);
	ASSERT_EQ(0, timerfd_settime(self->fd, DEFERRABLE, &setting, &old));
	EXPECT_EQ(0, to_ns(old.it_value));
	EXPECT_EQ(0, ticks_read(self->fd));

	make_overdue(self->fd, PERIOD, 5 * PERIOD);
	ASSERT_EQ(0, timerfd_settime(self->fd, DEFERRABLE, &setting, &old));
	EXPECT_LT(0, to_ns(old.it_value));
	EXPECT_GE(PERIOD, to_ns(old.it_value));
	EXPECT_EQ(PERIOD, to_ns(old.it_interval));
	EXPECT_EQ(0, ticks_read(self->fd));
	EXPECT_LT(900 * SEC, remaining(self->fd));
}

TEST_F(overdue, disarm)
{
	make_overdue(self->fd, 0, DELAY);
	ASSERT_EQ(0, arm(self->fd, 0, 0, 0));
	EXPECT_EQ(0, ticks_read(self->fd));
	kick_idle_cpus();
	pause_ns(50 * MS);
	EXPECT_EQ(0, ticks_read(self->fd));
}

/* The number of expiries is what the clock says, and the next one keeps the rhythm. */
TEST_F(overdue, overruns)
{
	long long first, before, after, left, ticks = 0;
	int i;

	first = now(CLOCK_MONOTONIC) + DELAY;
	ASSERT_EQ(0, arm_on_idle(self->fd, DEFERRABLE | TFD_TIMER_ABSTIME, first, PERIOD));
	pause_ns(DELAY);
	for (i = 0; i < 10; i++) {
		pause_ns((1 + 2 * i) * PERIOD);
		before = now(CLOCK_MONOTONIC);
		ticks += ticks_read(self->fd);
		after = now(CLOCK_MONOTONIC);
		EXPECT_LE((before - first) / PERIOD + 1, ticks);
		EXPECT_GE((after - first) / PERIOD + 1, ticks);

		before = now(CLOCK_MONOTONIC);
		left = remaining(self->fd);
		after = now(CLOCK_MONOTONIC);
		/* Some expiry of the rhythm lies between these two. */
		EXPECT_LT((before + left - first - 1) / PERIOD, (after + left - first) / PERIOD);
	}
}

static enum result deferred_again(void *arg)
{
	int fd = *(int *)arg;
	struct watch watch;

	make_overdue(fd, 5 * PERIOD, PERIOD);
	run_on(CPU_IDLE);
	if (ticks_read(fd) < 1)
		return NO;
	run_on(CPU_HERE);
	/* Due one period after it was due last: at least this much is left. */
	watch = watch_begin(3 * PERIOD);
	pause_ns(5 * PERIOD + LATER);
	return watch_end(&watch, !info(fd).ticks);
}

/* read() arms a periodic timer again: on the CPU that reads, and deferrable as before. */
TEST_F(overdue, periodic_stays_deferrable)
{
	EXPECT_TRUE(usually(deferred_again, &self->fd));
}

TEST_F(overdue, flag_comes_and_goes)
{
	int i;

	for (i = 0; i < 2; i++) {
		EXPECT_TRUE(is_deferred(self->fd, DEFERRABLE));
		EXPECT_FALSE(is_deferred(self->fd, 0));
	}
	/* An overdue timer becomes an ordinary one, and the other way round. */
	make_overdue(self->fd, 0, DELAY);
	ASSERT_EQ(0, arm_on_idle(self->fd, 0, DELAY, 0));
	until_expired(self->fd);
	EXPECT_EQ(1, ticks_read(self->fd));
	ASSERT_EQ(0, arm(self->fd, 0, DELAY, 0));
	EXPECT_TRUE(is_deferred(self->fd, DEFERRABLE));
}

TEST_F(overdue, other_clocks)
{
	static const clockid_t clocks[] = { CLOCK_REALTIME, CLOCK_BOOTTIME };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(clocks); i++) {
		int fd = open_timer(clocks[i]);

		EXPECT_TRUE(is_deferred(fd, DEFERRABLE)) TH_LOG("clock %d", clocks[i]);
		make_overdue(fd, 0, DELAY);
		EXPECT_EQ(0, remaining(fd));
		EXPECT_EQ(1, ticks_read(fd));
		make_overdue(fd, PERIOD, 5 * PERIOD);
		EXPECT_LE(6, ticks_read(fd));
		close(fd);
	}
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
