// SPDX-License-Identifier: GPL-2.0
/* What F_ENUMLKP says about a lock: whose it is, who asked for it, and how long ago. */
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <linux/sched.h>

#include "fixture.h"
#include "listing.h"
#include "requester.h"
#include "scene.h"

static __s64 boot_time(void)
{
	return clock_now(CLOCK_BOOTTIME);
}

/* Not after the last tick, on the same clock: a granted lock has the time of a tick. */
static __s64 tick_time(void)
{
	__s64 boot = boot_time();

	return boot - clock_now(CLOCK_MONOTONIC) + clock_now(CLOCK_MONOTONIC_COARSE);
}

/* Long enough for a lock that is granted before and one that is granted after to differ. */
static void pause_for_ticks(void)
{
	__s64 begin = clock_now(CLOCK_MONOTONIC_COARSE), tick;

	do {
		pause_briefly();
		tick = clock_now(CLOCK_MONOTONIC_COARSE);
	} while (tick - begin < 20 * NSEC_PER_MSEC);
}

/* When something happened: after the one and before the other. */
struct moment {
	__s64 from, to;
};

/* What is listed between two moments is as old as the time from another one to these. */
static void expect_age(struct __test_metadata *_metadata, const struct flockp_entry *entry,
		       struct moment begin, struct moment seen)
{
	__s64 least = seen.from - begin.to, most = seen.to - begin.from;

	EXPECT_LE(least, (__s64)entry->age_ns);
	EXPECT_GE(most, (__s64)entry->age_ns);
}

TEST_F(file, fields)
{
	static const short types[] = { F_RDLCK, F_WRLCK };
	char text[LISTED_SIZE], want[64];
	unsigned int c, i, way;

	for (c = 0; c < NR_CROWDS; c++) {
		crowd(self->fd2, crowds[c]);
		for (i = 0; i < ARRAY_SIZE(types); i++)
			for (way = 0; way < NR_WAYS; way++) {
				struct moment begin, seen;
				struct requester r;
				struct list list;
				__u64 owner[2];

				begin.from = tick_time();
				r = request(way, self->fd, types[i], 10, 20);
				EXPECT_EQ(0, request_result(&r));
				begin.to = boot_time();
				pause_for_ticks();
				seen.from = boot_time();
				list = list_one(self->fd, 0);
				seen.to = boot_time();
				ASSERT_EQ(1, list.count);
				snprintf(want, sizeof(want), "h%c%c%s", "ppcf"[way],
					 types[i] == F_RDLCK ? 'R' : 'W',
					 way == WAY_FLOCK ? "0-EOF" : "10-29");
				EXPECT_STREQ(want, list_text(&list, text));
				EXPECT_EQ(r.pid, list.entries[0].pid);
				EXPECT_TRUE(owners_of(r.pid, self->fd, owner));
				EXPECT_EQ(owner[way == WAY_CLASSIC], list.entries[0].owner);
				expect_age(_metadata, &list.entries[0], begin, seen);
				list_free(&list);
				request_end(&r);
				set(self->fd, F_UNLCK, 0, 0);
				ASSERT_EQ(0, flock(self->fd, LOCK_UN));
			}
		set(self->fd2, F_UNLCK, 0, 0);
	}
}

/* Each kind of request is listed while it waits, and no longer. */
enum end { GRANTED, INTERRUPTED, KILLED, TIMED_OUT, NR_ENDS };

TEST_F_TIMEOUT(file, waiting, LONG_TIMEOUT)
{
	char want[64], text[LISTED_SIZE];
	int way, end, piece;

	for (way = 0; way < NR_WAYS; way++)
		for (end = 0; end < NR_ENDS; end++) {
			struct moment begin, seen;
			struct flockp_how how;
			struct requester r;
			struct list list;
			__u64 owner[2];

			if (end == TIMED_OUT && way != WAY_TIMED)
				continue;
			if (flock(self->fd, LOCK_EX))
				broken("flock");
			set(self->fd, F_WRLCK, 0, 100);
			begin.from = boot_time();
			if (end == TIMED_OUT) {
				/* Long enough to be seen, by and by. */
				how = timed_until(F_RDLCK, 20, 30, CLOCK_MONOTONIC,
						  clock_now(CLOCK_MONOTONIC) + NSEC_PER_SEC);
				r = request_timed(self->fd2, &how);
			} else {
				r = request(way, self->fd2, F_RDLCK, 20, 30);
			}
			while (!listed_waiting(self->fd, r.pid) && !request_done(&r))
				pause_briefly();
			begin.to = boot_time();
			snprintf(want, sizeof(want), "w%cR%s", "ppcf"[way],
				 way == WAY_FLOCK ? "0-EOF" : "20-49");
			for (piece = 0; piece < 3; piece++) {
				if (end == TIMED_OUT)
					break;
				pause_briefly();
				seen.from = boot_time();
				list = list_one(self->fd, FLKP_WAITING);
				seen.to = boot_time();
				ASSERT_EQ(1, list.count)
					TH_LOG("%s", way_names[way]);
				EXPECT_STREQ(want, list_text(&list, text));
				EXPECT_EQ(r.pid, list.entries[0].pid);
				EXPECT_TRUE(owners_of(r.pid, self->fd2, owner));
				EXPECT_EQ(owner[way == WAY_CLASSIC], list.entries[0].owner);
				expect_age(_metadata, &list.entries[0], begin, seen);
				list_free(&list);
				/* Part of what it waits for goes: it waits again, no less long. */
				if (way != WAY_FLOCK)
					set(self->fd, F_UNLCK, 20 + 10 * piece, 5);
				until_listed(self->fd, r.pid);
			}
			switch (end) {
			case GRANTED:
				ASSERT_EQ(0, flock(self->fd, LOCK_UN));
				set(self->fd, F_UNLCK, 0, 0);
				EXPECT_EQ(0, request_result(&r));
				want[0] = 'h';
				list = list_one(self->fd, 0);
				EXPECT_STREQ(want, list_text(&list, text));
				EXPECT_EQ(r.pid, list.entries[0].pid);
				list_free(&list);
				break;
			case INTERRUPTED:
				request_signal(&r);
				EXPECT_EQ(-EINTR, request_result(&r));
				break;
			case KILLED:
				request_end(&r);
				break;
			case TIMED_OUT:
				EXPECT_EQ(-ETIMEDOUT, request_result(&r));
				break;
			}
			EXPECT_STREQ("", listed(self->fd, FLKP_WAITING, text));
			if (end != KILLED)
				request_end(&r);
			set(self->fd, F_UNLCK, 0, 0);
			set(self->fd2, F_UNLCK, 0, 0);
			ASSERT_EQ(0, flock(self->fd, LOCK_UN));
			ASSERT_EQ(0, flock(self->fd2, LOCK_UN));
			ASSERT_EQ(0, listed_count(self->fd, 0));
		}
}

/* A request that is blocked by one after the other waits since the first one. */
TEST_F(file, age_of_a_waiter)
{
	struct moment begin, seen;
	struct requester r;
	struct list list;
	int fds[10];
	int i;

	for (i = 0; i < 10; i++) {
		fds[i] = reopen(self->path);
		set(fds[i], F_RDLCK, i, 20);
	}
	begin.from = boot_time();
	r = request(WAY_TIMED, self->fd, F_WRLCK, 0, 100);
	until_listed(self->fd, r.pid);
	begin.to = boot_time();
	for (i = 0; i < 9; i++) {
		pause_briefly();
		set(fds[i], F_UNLCK, 0, 0);
		until_listed(self->fd, r.pid);
		seen.from = boot_time();
		list = list_one(self->fd, FLKP_WAITING);
		seen.to = boot_time();
		ASSERT_EQ(1, list.count);
		expect_age(_metadata, &list.entries[0], begin, seen);
		list_free(&list);
	}
	/* From then on it is held, and that is not so long. */
	pause_for_ticks();
	begin.from = tick_time();
	set(fds[9], F_UNLCK, 0, 0);
	EXPECT_EQ(0, request_result(&r));
	begin.to = boot_time();
	seen.from = boot_time();
	list = list_one(self->fd, 0);
	seen.to = boot_time();
	ASSERT_EQ(1, list.count);
	expect_age(_metadata, &list.entries[0], begin, seen);
	list_free(&list);
	request_end(&r);
}

/* What is left of a lock, at either side, is as old as the lock was, and was taken by the same. */
TEST_F(file, age_of_pieces)
{
	char text[LISTED_SIZE];
	unsigned int c;
	int i;

	for (c = 0; c < NR_CROWDS; c++) {
		struct moment begin[2], seen;
		struct requester old, young;
		struct list list;

		crowd(self->fd2, crowds[c]);
		begin[0].from = tick_time();
		old = request(WAY_PRIVATE, self->fd, F_RDLCK, 0, 100);
		EXPECT_EQ(0, request_result(&old));
		begin[0].to = boot_time();
		pause_for_ticks();
		begin[1].from = tick_time();
		young = request(WAY_PRIVATE, self->fd2, F_RDLCK, 50, 10);
		EXPECT_EQ(0, request_result(&young));
		begin[1].to = boot_time();
		pause_for_ticks();
		/* By a third process. */
		set(self->fd, F_UNLCK, 0, 10);
		set(self->fd, F_UNLCK, 20, 30);
		set(self->fd, F_UNLCK, 90, 10);
		seen.from = boot_time();
		list = list_one(self->fd, 0);
		seen.to = boot_time();
		/* Of two that start at 50 the older one is first. */
		EXPECT_STREQ("hpR10-19 hpR50-89 hpR50-59", list_text(&list, text));
		ASSERT_EQ(3, list.count);
		for (i = 0; i < 3; i++) {
			EXPECT_EQ(i < 2 ? old.pid : young.pid, list.entries[i].pid);
			expect_age(_metadata, &list.entries[i], begin[i == 2], seen);
		}
		list_free(&list);
		request_end(&old);
		request_end(&young);
		set(self->fd, F_UNLCK, 0, 0);
		set(self->fd2, F_UNLCK, 0, 0);
	}
}

TEST_F(file, age_grows)
{
	struct list list;
	__u64 age = 0;
	int i;

	set(self->fd, F_RDLCK, 0, 1);
	for (i = 0; i < 1000; i++) {
		list = list_one(self->fd2, 0);
		ASSERT_EQ(1, list.count);
		ASSERT_LE(age, list.entries[0].age_ns);
		age = list.entries[0].age_ns;
		list_free(&list);
	}
	/* 1000 calls take longer than none. */
	EXPECT_LT(0, age);
}

static pid_t holder_of(struct __test_metadata *_metadata, int fd)
{
	struct list list = list_one(fd, 0);
	pid_t pid;

	ASSERT_EQ(1, list.count);
	pid = list.entries[0].pid;
	list_free(&list);
	return pid;
}

/* Who took the lock is gone, and somebody else has the open file. */
TEST_F(file, holder_that_is_gone)
{
	unsigned int way;

	for (way = 0; way < NR_WAYS; way++) {
		struct requester r;
		pid_t gone, other;
		struct clone_args args = {
			.exit_signal = SIGCHLD,
			.set_tid = (uintptr_t)&gone,
			.set_tid_size = 1,
		};

		/* A classic lock goes with who took it. */
		if (way == WAY_CLASSIC)
			continue;
		r = request(way, self->fd, F_WRLCK, 0, 10);
		EXPECT_EQ(0, request_result(&r));
		EXPECT_EQ(r.pid, holder_of(_metadata, self->fd2));
		gone = r.pid;
		request_end(&r);
		EXPECT_EQ(0, holder_of(_metadata, self->fd2))
			TH_LOG("%s", way_names[way]);
		/* Somebody else has its number now. */
		other = syscall(__NR_clone3, &args, sizeof(args));
		if (!other) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (;;)
				pause();
		}
		ASSERT_EQ(gone, other);
		EXPECT_EQ(0, holder_of(_metadata, self->fd2))
			TH_LOG("%s", way_names[way]);
		kill(other, SIGKILL);
		ASSERT_EQ(other, waitpid(other, NULL, 0));
		set(self->fd, F_UNLCK, 0, 0);
		ASSERT_EQ(0, flock(self->fd, LOCK_UN));
	}
}

/* Its number lives on as that of a group of processes. */
TEST_F(file, group_of_a_holder_that_is_gone)
{
	pid_t leader, member;
	int ends[2], hold[2];

	ASSERT_EQ(0, pipe(ends));
	ASSERT_EQ(0, pipe(hold));
	leader = fork();
	ASSERT_LE(0, leader);
	if (!leader) {
		setpgid(0, 0);
		set(self->fd, F_WRLCK, 0, 10);
		member = fork();
		if (!member) {
			char byte;

			close(hold[1]);
			/* Until the test has ended, however. */
			_exit(read(hold[0], &byte, 1) < 0);
		}
		if (write(ends[1], &member, sizeof(member)) != sizeof(member))
			_exit(1);
		_exit(0);
	}
	ASSERT_EQ((ssize_t)sizeof(member), read(ends[0], &member, sizeof(member)));
	ASSERT_EQ(leader, waitpid(leader, NULL, 0));
	ASSERT_EQ(leader, getpgid(member));
	EXPECT_EQ(0, holder_of(_metadata, self->fd2));
	kill(member, SIGKILL);
}

/* One took it and another one has changed it since: it is one of the two, and both are there. */
TEST_F(file, two_holders)
{
	static const struct {
		short type;
		off_t start, len;
	} changes[] = {
		{ F_WRLCK, 110, 10 },	/* longer, at the end */
		{ F_WRLCK, 90, 10 },	/* and at the beginning */
		{ F_WRLCK, 80, 100 },	/* and at both */
		{ F_WRLCK, 100, 10 },	/* the same once more */
		{ F_RDLCK, 100, 10 },	/* of another type */
		{ F_RDLCK, 0, 0 },
		{ F_RDLCK, 105, 10 },	/* and in part */
	};
	unsigned int c, i;
	int j;

	for (c = 0; c < NR_CROWDS; c++) {
		crowd(self->fd2, crowds[c]);
		for (i = 0; i < ARRAY_SIZE(changes); i++) {
			struct requester first, second;
			struct list list;

			first = request(WAY_PRIVATE, self->fd, F_WRLCK, 100, 10);
			EXPECT_EQ(0, request_result(&first));
			pause_briefly();
			second = request(WAY_PRIVATE, self->fd, changes[i].type,
					 changes[i].start, changes[i].len);
			EXPECT_EQ(0, request_result(&second));
			list = list_one(self->fd2, 0);
			EXPECT_LT(0, list.count);
			for (j = 0; j < list.count; j++) {
				pid_t pid = list.entries[j].pid;

				EXPECT_TRUE(pid == first.pid || pid == second.pid)
					TH_LOG("change %u, pid %d", i, pid);
			}
			list_free(&list);
			request_end(&first);
			request_end(&second);
			set(self->fd, F_UNLCK, 0, 0);
		}
	}
}

static void *lock_in_thread(void *arg)
{
	set(*(int *)arg, F_WRLCK, 0, 10);
	return NULL;
}

/* A process has one number, whichever thread asks. */
TEST_F(file, thread)
{
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, lock_in_thread, &self->fd));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(getpid(), holder_of(_metadata, self->fd2));
}

/* What a process inside the namespace sees, and what we see of it. */
struct inside {
	struct flockp_entry entries[16];
	int count, ready;
};

TEST_F(file, pid_namespace)
{
	static const char * const want =
		"hpR10-19 hpR20-29 hcR30-39 hcR40-49 hfR0-EOF hfR0-EOF wpW10-19 wpW20-29";
	struct inside *in = mmap(NULL, sizeof(*in), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct requester outer, inner;
	char text[LISTED_SIZE];
	struct list list;
	pid_t pid;
	int i, inner_fd = reopen(self->path);

	ASSERT_TRUE(in != MAP_FAILED);
	set(self->fd, F_RDLCK, 10, 10);
	ASSERT_EQ(0, lock_span(self->fd, F_SETLK, F_RDLCK, 30, 10));
	ASSERT_EQ(0, flock(self->fd, LOCK_SH));
	outer = request(WAY_PRIVATE, self->fd2, F_WRLCK, 10, 10);
	until_listed(self->fd, outer.pid);

	ASSERT_EQ(0, unshare(CLONE_NEWPID));
	/* From here on our children are in the new namespace, we are not. */
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		struct flockp_enum how = listing(in->entries, 16);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		set(inner_fd, F_RDLCK, 20, 10);
		if (lock_span(inner_fd, F_SETLK, F_RDLCK, 40, 10) || flock(inner_fd, LOCK_SH))
			broken("locks inside");
		__atomic_store_n(&in->ready, 1, __ATOMIC_RELEASE);
		while (__atomic_load_n(&in->ready, __ATOMIC_ACQUIRE) != 2)
			pause_briefly();
		in->count = listing_call(inner_fd, &how);
		__atomic_store_n(&in->ready, 3, __ATOMIC_RELEASE);
		for (;;)
			pause();
	}
	while (__atomic_load_n(&in->ready, __ATOMIC_ACQUIRE) != 1)
		pause_briefly();
	inner = request(WAY_TIMED, self->fd2, F_WRLCK, 20, 10);
	until_listed(self->fd, inner.pid);
	__atomic_store_n(&in->ready, 2, __ATOMIC_RELEASE);
	while (__atomic_load_n(&in->ready, __ATOMIC_ACQUIRE) != 3)
		pause_briefly();

	list = (struct list) { .entries = in->entries, .count = in->count };
	ASSERT_EQ(8, in->count);
	EXPECT_STREQ(want, list_text(&list, text));
	for (i = 0; i < 8; i += 2)
		EXPECT_EQ(0, in->entries[i].pid)
			TH_LOG("entry %d", i);
	for (i = 1; i < 7; i += 2)
		EXPECT_EQ(1, in->entries[i].pid)
			TH_LOG("entry %d", i);
	EXPECT_EQ(2, in->entries[7].pid);

	list = list_one(self->fd, 0);
	ASSERT_EQ(8, list.count);
	EXPECT_STREQ(want, list_text(&list, text));
	for (i = 0; i < 8; i++) {
		pid_t outside = i == 6 ? outer.pid : i == 7 ? inner.pid : i % 2 ? pid : getpid();

		EXPECT_EQ(outside, list.entries[i].pid)
			TH_LOG("entry %d", i);
		/* The owner is the same for all. */
		EXPECT_EQ(in->entries[i].owner, list.entries[i].owner);
	}
	list_free(&list);
	request_end(&outer);
	request_end(&inner);
	kill(pid, SIGKILL);
}

/* Who may have the file open for reading may know, and no more than /proc/locks tells. */
TEST_F(file, without_privileges)
{
	struct flockp_entry *entries = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
					    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct list all, seen = { .entries = entries };
	struct requester waiter;
	int status;
	pid_t pid;

	ASSERT_TRUE(entries != MAP_FAILED);
	set(self->fd, F_RDLCK, 0, 10);
	ASSERT_EQ(0, lock_span(self->fd, F_SETLK, F_WRLCK, 20, 10));
	ASSERT_EQ(0, flock(self->fd2, LOCK_EX));
	waiter = request(WAY_PRIVATE, self->fd2, F_WRLCK, 0, 10);
	until_listed(self->fd, waiter.pid);
	all = list_one(self->fd, 0);
	ASSERT_EQ(4, all.count);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		struct flockp_enum how = listing(entries, 10);
		int fd = open(self->path, O_RDONLY);

		if (setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534))
			broken("privileges");
		_exit(listing_call(fd, &how));
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(4, WEXITSTATUS(status));
	seen.count = 4;
	EXPECT_EQ(-1, list_difference(&all, &seen));
	list_free(&all);
	request_end(&waiter);
}

TEST_F(file, owners)
{
	int socks[2], d = dup(self->fd), again = open(self->path, O_RDONLY), passed, other;
	struct requester child, classic;
	char path[160], text[LISTED_SIZE];
	struct peer thread;
	struct list list;
	__u64 ours[2], theirs[2];
	pid_t receiver;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, socks));
	/* It starts before the file is open a third time. */
	receiver = fork();
	ASSERT_LE(0, receiver);
	if (!receiver) {
		int fd = receive_fd(socks[1]);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (write(socks[1], &fd, sizeof(fd)) < 0)
			_exit(1);
		for (;;)
			pause();
	}
	passed = reopen(self->path);
	set(passed, F_RDLCK, 0, 10);
	ASSERT_TRUE(owners_of(getpid(), self->fd, ours));
	EXPECT_NE(0, ours[0]);
	EXPECT_NE(0, ours[1]);
	EXPECT_NE(ours[0], ours[1]);

	/* Copies of the descriptor, here and elsewhere. */
	EXPECT_EQ(ours[0], private_owner(d));
	EXPECT_EQ(ours[1], classic_owner(d));
	child = request(WAY_PRIVATE, self->fd, F_RDLCK, 20, 10);
	EXPECT_EQ(0, request_result(&child));
	ASSERT_TRUE(owners_of(child.pid, d, theirs));
	EXPECT_EQ(ours[0], theirs[0]);
	EXPECT_NE(ours[1], theirs[1]);
	peer_start(&thread, PEER_SHARED_FDS);
	ASSERT_TRUE(owners_of(thread.pid, d, theirs));
	EXPECT_EQ(ours[0], theirs[0]);
	EXPECT_EQ(ours[1], theirs[1]);
	send_fd(socks[0], passed);
	ASSERT_EQ((ssize_t)sizeof(other), read(socks[0], &other, sizeof(other)));
	ASSERT_TRUE(owners_of(receiver, other, theirs));
	EXPECT_EQ(private_owner(passed), theirs[0]);
	EXPECT_NE(classic_owner(passed), theirs[1]);

	/* Other open files, of this file and of another one. */
	EXPECT_NE(ours[0], private_owner(again));
	EXPECT_NE(ours[0], private_owner(self->fd2));
	EXPECT_NE(ours[0], private_owner(passed));
	EXPECT_EQ(ours[1], classic_owner(again));
	snprintf(path, sizeof(path), "%s.other", self->path);
	other = open(path, O_RDWR | O_CREAT, 0644);
	set(other, F_WRLCK, 0, 0);
	EXPECT_NE(ours[0], private_owner(other));
	EXPECT_EQ(ours[1], classic_owner(other));

	/* And the locks have just these owners. */
	classic = request(WAY_CLASSIC, self->fd2, F_RDLCK, 40, 10);
	EXPECT_EQ(0, request_result(&classic));
	ASSERT_EQ(0, lock_span(self->fd2, F_SETLK, F_RDLCK, 60, 10));
	list = list_one(self->fd, 0);
	EXPECT_STREQ("hpR0-9 hpR20-29 hcR40-49 hcR60-69", list_text(&list, text));
	ASSERT_EQ(4, list.count);
	EXPECT_EQ(private_owner(passed), list.entries[0].owner);
	EXPECT_EQ(ours[0], list.entries[1].owner);
	ASSERT_TRUE(owners_of(classic.pid, self->fd, theirs));
	EXPECT_EQ(theirs[1], list.entries[2].owner);
	EXPECT_EQ(ours[1], list.entries[3].owner);
	list_free(&list);
	request_end(&child);
	request_end(&classic);
	peer_stop(&thread);
	kill(receiver, SIGKILL);
}

int main(int argc, char **argv)
{
	need_listing();
	/* Else these tests would wait for ever until a request is listed. */
	if (!listing_there())
		ksft_exit_fail_msg("kernel without F_ENUMLKP\n");
	return run_tests(argc, argv);
}
