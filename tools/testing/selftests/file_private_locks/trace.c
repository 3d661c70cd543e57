// SPDX-License-Identifier: GPL-2.0
/*
 * Every F_SETLKP and F_SETLKPW leaves a fcntl_setlk event, whichever system
 * call it came through; and whoever waits for a lock, of any kind, leaves one of
 * the system lock_wait with each step.
 */
#include <sys/file.h>

#include "fixture.h"
#include "listing.h"
#include "requester.h"
#include "tracing.h"

TEST_F(file, fcntl_setlk_event)
{
	struct flock fl = span(F_WRLCK, 0, 1);
	char line[1024];

	if (tracing_missing())
		SKIP(return, "%s", tracing_missing());
	tracing_begin(self->fd, "filelock/fcntl_setlk");

	EXPECT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, 100, 10));
	EXPECT_TRUE(tracing_find("fl_start=100 fl_end=109 ret=0", line, sizeof(line)));
	EXPECT_NE(NULL, strstr(line, "fcntl_setlk:")) TH_LOG("%s", line);
	EXPECT_NE(NULL, strstr(line, "fl_flags=FL_POSIX|FL_OFDLCK ")) TH_LOG("%s", line);
	EXPECT_NE(NULL, strstr(line, "fl_type=F_WRLCK")) TH_LOG("%s", line);

	EXPECT_EQ(0, lock_span(self->fd, F_SETLKPW, F_RDLCK, 200, 10));
	EXPECT_TRUE(tracing_find("fl_start=200 fl_end=209 ret=0", line, sizeof(line)));
	EXPECT_NE(NULL, strstr(line, "fl_flags=FL_POSIX|FL_SLEEP|FL_OFDLCK ")) TH_LOG("%s", line);

	EXPECT_EQ(-EAGAIN, lock_span(self->fd2, F_SETLKP, F_WRLCK, 109, 1));
	EXPECT_TRUE(tracing_find("fl_start=109 fl_end=109 ret=-11", line, sizeof(line)));

	fl.l_pid = 1;
	EXPECT_EQ(-EINVAL, lock_call(self->fd, F_SETLKP, &fl));
	EXPECT_TRUE(tracing_find("fl_start=0 fl_end=0 ret=-22", line, sizeof(line)));

	EXPECT_EQ(0, lock_span(self->fd, F_SETLKP, F_UNLCK, 105, 1));
	EXPECT_TRUE(tracing_find("fl_type=F_UNLCK fl_start=105 fl_end=105 ret=0", line,
				 sizeof(line)));

	/* A classic lock has no FL_OFDLCK. */
	EXPECT_EQ(0, lock_span(self->fd, F_SETLK, F_WRLCK, 300, 10));
	EXPECT_TRUE(tracing_find("fl_start=300 fl_end=309 ret=0", line, sizeof(line)));
	EXPECT_NE(NULL, strstr(line, "fl_flags=FL_POSIX ")) TH_LOG("%s", line);

	tracing_end("filelock/fcntl_setlk");
}

/* What a request that waits leaves: the names of its events, with a space between. */
static const char *steps_of(pid_t pid, char text[256])
{
	struct wait_event events[16];
	int count = wait_events(NULL, pid, events, 16), i;
	size_t used = 0;

	text[0] = 0;
	for (i = 0; i < count && i < 16; i++)
		used += snprintf(text + used, 256 - used, "%s%s", i ? " " : "", events[i].name);
	return text;
}

static const char *wait_events_missing(void)
{
	return tracing_missing() ?: listing_missing();
}

/* Everything that lock_wait events say is so: who waits, for whom, how long, and who tells it. */
static void expect_events(struct __test_metadata *_metadata, const struct requester *r, int fd,
			  enum way way, __s64 longest, const char *range)
{
	static const char * const kinds[NR_WAYS] = {
		" private read ", " private read ", " classic read ", " flock read ",
	};
	struct wait_event events[16];
	int count = wait_events(NULL, r->pid, events, 16), i;
	__u64 owner[2], last = 0;

	ASSERT_TRUE(owners_of(r->pid, fd, owner));
	ASSERT_GE(16, count);
	for (i = 0; i < count; i++) {
		bool woken = !strcmp(events[i].name, "wake");

		EXPECT_EQ(woken ? getpid() : r->pid, events[i].task)
			TH_LOG("%s", events[i].line);
		EXPECT_EQ(owner[way == WAY_CLASSIC], events[i].owner)
			TH_LOG("%s", events[i].line);
		EXPECT_LE(last, events[i].wait_ns)
			TH_LOG("%s", events[i].line);
		EXPECT_NE(NULL, strstr(events[i].line, range))
			TH_LOG("%s", events[i].line);
		EXPECT_NE(NULL, strstr(events[i].line, kinds[way]))
			TH_LOG("%s", events[i].line);
		last = events[i].wait_ns;
	}
	EXPECT_GE(longest, (__s64)last);
}

TEST_F(file, wait_events)
{
	char text[256];
	int way, end;

	if (wait_events_missing())
		SKIP(return, "%s", wait_events_missing());
	for (way = 0; way < NR_WAYS; way++)
		for (end = 0; end < 2; end++) {
			const char *range = way == WAY_FLOCK ? " 0-" : " 5-14";
			struct wait_event event;
			struct requester r;
			__s64 begin, seen, over;
			int want;

			tracing_begin(self->fd, "lock_wait");
			ASSERT_EQ(0, flock(self->fd, LOCK_EX));
			ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, 0, 30));
			begin = clock_now(CLOCK_BOOTTIME);
			r = request(way, self->fd2, F_RDLCK, 5, 10);
			until_listed(self->fd, r.pid);
			seen = clock_now(CLOCK_BOOTTIME);
			EXPECT_STREQ("block", steps_of(r.pid, text))
				TH_LOG("%s", way_names[way]);
			ASSERT_EQ(1, wait_events("block", r.pid, &event, 1));
			EXPECT_EQ(getpid(), event.blocker_pid);
			EXPECT_EQ(private_owner(self->fd), event.blocker_owner);
			EXPECT_GE(seen - begin, (__s64)event.wait_ns);
			pause_briefly();

			want = end ? -EINTR : 0;
			over = clock_now(CLOCK_BOOTTIME);
			if (end) {
				request_signal(&r);
			} else {
				ASSERT_EQ(0, flock(self->fd, LOCK_UN));
				ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_UNLCK, 0, 0));
			}
			EXPECT_EQ(want, request_result(&r));
			EXPECT_STREQ(end ? "block interrupt" : "block wake grant",
				     steps_of(r.pid, text))
				TH_LOG("%s", way_names[way]);
			expect_events(_metadata, &r, self->fd2, way,
				      clock_now(CLOCK_BOOTTIME) - begin, range);
			/* No shorter than from when it was seen until it was let go. */
			ASSERT_EQ(1, wait_events(end ? "interrupt" : "grant", r.pid, &event, 1));
			EXPECT_LE(over - seen, (__s64)event.wait_ns);
			request_end(&r);
			ASSERT_EQ(0, flock(self->fd, LOCK_UN));
			ASSERT_EQ(0, flock(self->fd2, LOCK_UN));
			ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_UNLCK, 0, 0));
			ASSERT_EQ(0, lock_span(self->fd2, F_SETLKP, F_UNLCK, 0, 0));
		}
	tracing_end("lock_wait");
}

TEST_F(file, wait_events_of_the_killed)
{
	char text[256];
	unsigned int way;

	if (wait_events_missing())
		SKIP(return, "%s", wait_events_missing());
	tracing_begin(self->fd, "lock_wait");
	ASSERT_EQ(0, flock(self->fd, LOCK_EX));
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, 0, 30));
	for (way = 0; way < NR_WAYS; way++) {
		struct requester r = request(way, self->fd2, F_RDLCK, 5, 10);

		until_listed(self->fd, r.pid);
		request_end(&r);
		EXPECT_STREQ("block interrupt", steps_of(r.pid, text))
			TH_LOG("%s", way_names[way]);
	}
	tracing_end("lock_wait");
}

/* It waits for one and then for another one: the time counts from the beginning. */
TEST_F(file, wait_events_of_two_waits)
{
	struct wait_event events[8];
	struct requester r;
	__s64 seen, over;
	char text[256];
	int other = open(self->path, O_RDWR);

	if (wait_events_missing())
		SKIP(return, "%s", wait_events_missing());
	tracing_begin(self->fd, "lock_wait");
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_RDLCK, 0, 10));
	ASSERT_EQ(0, lock_span(other, F_SETLKP, F_RDLCK, 5, 10));
	r = request(WAY_TIMED, self->fd2, F_WRLCK, 5, 10);
	until_listed(self->fd, r.pid);
	seen = clock_now(CLOCK_BOOTTIME);
	pause_briefly();
	over = clock_now(CLOCK_BOOTTIME);
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_UNLCK, 0, 0));
	until_listed(self->fd, r.pid);
	ASSERT_EQ(0, lock_span(other, F_SETLKP, F_UNLCK, 0, 0));
	EXPECT_EQ(0, request_result(&r));
	EXPECT_STREQ("block wake block wake grant", steps_of(r.pid, text));
	ASSERT_EQ(5, wait_events(NULL, r.pid, events, 8));
	EXPECT_EQ(private_owner(self->fd), events[0].blocker_owner);
	EXPECT_EQ(private_owner(other), events[2].blocker_owner);
	EXPECT_LE(over - seen, (__s64)events[2].wait_ns);
	EXPECT_LE(events[2].wait_ns, events[4].wait_ns);
	request_end(&r);
	tracing_end("lock_wait");
}

TEST_F(file, wait_event_of_a_timeout)
{
	struct flockp_how how;
	struct wait_event event;
	struct requester r;
	__s64 wait = 20 * NSEC_PER_MSEC, begin, end;
	char text[256];

	if (wait_events_missing())
		SKIP(return, "%s", wait_events_missing());
	tracing_begin(self->fd, "lock_wait");
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_RDLCK, 0, 10));
	/* Until there was time to wait. */
	do {
		tracing_clear();
		begin = clock_now(CLOCK_BOOTTIME);
		how = timed_until(F_WRLCK, 5, 10, CLOCK_BOOTTIME, begin + wait);
		r = request_timed(self->fd2, &how);
		EXPECT_EQ(-ETIMEDOUT, request_result(&r));
		end = clock_now(CLOCK_BOOTTIME);
		steps_of(r.pid, text);
		if (strcmp(text, "block timeout")) {
			EXPECT_STREQ("", text);
		} else {
			ASSERT_EQ(1, wait_events("timeout", r.pid, &event, 1));
			EXPECT_LE(event.wait_ns, (__u64)(end - begin));
			EXPECT_EQ(r.pid, event.task);
		}
		request_end(&r);
		wait *= 2;
	} while (!text[0] && wait < 100 * NSEC_PER_SEC);
	EXPECT_STREQ("block timeout", text);
	tracing_end("lock_wait");
}

/* Who need not wait, or does not, leaves nothing. */
TEST_F(file, no_wait_no_event)
{
	struct requester r;
	unsigned int way;

	if (wait_events_missing())
		SKIP(return, "%s", wait_events_missing());
	tracing_begin(self->fd, "lock_wait");
	for (way = 0; way < NR_WAYS; way++) {
		r = request(way, self->fd, F_WRLCK, 0, 10);
		EXPECT_EQ(0, request_result(&r));
		if (way == WAY_FLOCK) {
			EXPECT_EQ(-EAGAIN, flock(self->fd2, LOCK_SH | LOCK_NB) ? -errno : 0);
		} else {
			EXPECT_EQ(-EAGAIN, lock_span(self->fd2, F_SETLKP, F_RDLCK, 5, 1));
			EXPECT_EQ(-EAGAIN, lock_span(self->fd2, F_SETLK, F_RDLCK, 5, 1));
			EXPECT_EQ(-ETIMEDOUT, timed_try(self->fd2, F_RDLCK, 5, 1));
		}
		request_end(&r);
		ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_UNLCK, 0, 0));
		ASSERT_EQ(0, flock(self->fd, LOCK_UN));
	}
	/* An attempt with a deadline may be one that waits for no time. */
	EXPECT_EQ(wait_events_count("block", 0), wait_events_count("timeout", 0));
	EXPECT_EQ(0, wait_events_count("wake", 0));
	EXPECT_EQ(0, wait_events_count("grant", 0));
	EXPECT_EQ(0, wait_events_count("interrupt", 0));
	tracing_end("lock_wait");
}

int main(int argc, char **argv)
{
	places_make();
	tracing_make();
	return test_harness_run(argc, argv);
}
