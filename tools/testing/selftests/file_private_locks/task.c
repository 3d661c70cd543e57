// SPDX-License-Identifier: GPL-2.0
/*
 * FLKP_TASK: locks that belong to the open file as ever, but that only the thread that set them
 * can change or release; and the circles of those who wait for each other that become certain
 * by that, between threads, too. A "mark" below is that right of one thread.
 *
 * LOCKS_SEED=number in the environment repeats a run of the model.
 */
#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <linux/sched.h>

#include "fixture.h"

#define HOUR (3600 * NSEC_PER_SEC)

/* ---- requests, and threads that make them ---- */

/* Not commands of fcntl(): what else a worker is asked to do. */
#define CMD_CLOSE	-1
#define CMD_QUIT	-2

struct ask {
	int fd, cmd;
	struct flockp_how how;
};

/* With FLKP_DEADLINE it is an attempt; who wants a real deadline sets it. */
static struct ask ask_for(int fd, int cmd, __u32 flags, short type, off_t start, off_t len)
{
	struct ask ask = { .fd = fd, .cmd = cmd, .how = timed_span(type, start, len) };

	ask.how.flags = flags;
	if (flags & FLKP_DEADLINE)
		ask.how.clockid = CLOCK_MONOTONIC;
	return ask;
}

static struct ask ask_until(int fd, __u32 flags, off_t byte, __s64 away)
{
	struct ask ask = { .fd = fd, .cmd = F_SETLKPT };

	ask.how = timed_until(F_WRLCK, byte, 1, CLOCK_MONOTONIC,
			      clock_now(CLOCK_MONOTONIC) + away);
	ask.how.flags |= flags;
	return ask;
}

static int do_ask(const struct ask *ask)
{
	if (ask->cmd == CMD_CLOSE)
		return close(ask->fd) ? -errno : 0;
	if (ask->cmd == F_SETLKPT)
		return timed_call(ask->fd, &ask->how);
	return lock_span(ask->fd, ask->cmd, ask->how.type, ask->how.start, ask->how.len);
}

struct worker {
	pthread_t thread;
	pid_t tid;
	sem_t asked, answered;
	struct ask ask;
	int result;
};

/*
 * A request that is listed as waiting may be about to look for a deadlock. Return when all our
 * threads sleep, so that the next request is the one that closes the circle.
 */
static void threads_asleep(void)
{
	char path[300], state;
	struct dirent *entry;
	DIR *dir = opendir("/proc/self/task");
	FILE *f;

	if (!dir)
		broken("/proc/self/task");
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || atoi(entry->d_name) == gettid())
			continue;
		snprintf(path, sizeof(path), "/proc/self/task/%s/stat", entry->d_name);
		state = 0;
		f = fopen(path, "r");
		if (f && fscanf(f, "%*d (%*[^)]) %c", &state) == 1 &&
		    (state == 'R' || state == 'D')) {
			pause_briefly();
			rewinddir(dir);
		}
		if (f)
			fclose(f);
	}
	closedir(dir);
}

static void until_asleep(const char *id, int count)
{
	until_waiting(id, count);
	threads_asleep();
}

/* The same if the last one is the first thread of another process. */
static void until_other_asleep(const char *id, int count, pid_t pid)
{
	until_asleep(id, count);
	until_sleeping(pid);
}

static void *work(void *arg)
{
	struct worker *w = arg;

	w->tid = gettid();
	sem_post(&w->answered);
	for (;;) {
		while (sem_wait(&w->asked))
			;
		if (w->ask.cmd == CMD_QUIT)
			return NULL;
		w->result = do_ask(&w->ask);
		sem_post(&w->answered);
	}
}

static int answer(struct worker *w)
{
	while (sem_wait(&w->answered))
		;
	return w->result;
}

static void worker_start(struct worker *w)
{
	*w = (struct worker) {};
	if (sem_init(&w->asked, 0, 0) || sem_init(&w->answered, 0, 0))
		broken("sem_init");
	if (pthread_create(&w->thread, NULL, work, w))
		broken("pthread_create");
	answer(w);
}

static void begin(struct worker *w, const struct ask *ask)
{
	w->ask = *ask;
	sem_post(&w->asked);
}

static void worker_end(struct worker *w)
{
	const struct ask quit = { .cmd = CMD_QUIT };

	begin(w, &quit);
	if (pthread_join(w->thread, NULL))
		broken("pthread_join");
}

/* Our own thread is the worker NULL. */
static int call(struct worker *w, struct ask ask)
{
	if (!w)
		return do_ask(&ask);
	begin(w, &ask);
	return answer(w);
}

static int plain(struct worker *w, int fd, short type, off_t start, off_t len)
{
	return call(w, ask_for(fd, F_SETLKP, 0, type, start, len));
}

static int mark(struct worker *w, int fd, short type, off_t start, off_t len)
{
	return call(w, ask_for(fd, F_SETLKPT, FLKP_TASK | FLKP_DEADLINE, type, start, len));
}

static int drop(struct worker *w, int fd, off_t start, off_t len)
{
	return plain(w, fd, F_UNLCK, start, len);
}

static void nothing(int sig)
{
	(void)sig;
}

static void handle_signal(void)
{
	struct sigaction sa = { .sa_handler = nothing };

	if (sigaction(SIGUSR1, &sa, NULL))
		broken("sigaction");
}

/* End the wait of a worker with EINTR. */
static void interrupt(struct worker *w)
{
	if (pthread_kill(w->thread, SIGUSR1))
		broken("pthread_kill");
}

/* ---- files ---- */

static int reopen(const char *path)
{
	int fd = open(path, O_RDWR);

	if (fd < 0)
		broken(path);
	return fd;
}

/* Put the descriptor into a message, that can be read from the second socket. */
static void post(int socks[2], int fd)
{
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, socks))
		broken("socketpair");
	send_fd(socks[0], fd);
}

/* A descriptor of the same open file, by way of a message. */
static int pass(int fd)
{
	int socks[2];

	post(socks, fd);
	fd = receive_fd(socks[1]);
	close(socks[0]);
	close(socks[1]);
	return fd;
}

/* So many locks of somebody else, far off, that the kernel keeps all of them in another way. */
#define CROWD_START 0x10000000000LL
static const int crowds[] = { 0, 40 };

static int crowd(const char *path, int count)
{
	int fd = reopen(path), i;

	for (i = 0; i < count; i++)
		if (lock_span(fd, F_SETLKP, F_RDLCK, CROWD_START + 2 * i, 1))
			broken("F_SETLKP");
	return fd;
}

/* The open file as F_ENUMLKP names it; 0 if the file never had a lock. */
static __u64 owner_of(int fd)
{
	unsigned long long owner = 0;
	char path[64], line[256];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "r");
	if (!f)
		broken(path);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "lock-owner: %llx", &owner) == 1)
			break;
	fclose(f);
	return owner;
}

#define ENTRIES 64

static int list(int fd, __u32 flags, struct flockp_entry entries[ENTRIES])
{
	struct flockp_enum how = {
		.size = sizeof(how),
		.flags = flags | FLKP_PRIVATE,
		.len = CROWD_START,
		.entries = (uintptr_t)entries,
		.count = ENTRIES,
		.entry_size = sizeof(*entries),
	};
	int ret = fcntl(fd, F_ENUMLKP, &how);

	if (ret < 0)
		broken("F_ENUMLKP");
	return ret;
}

static int by_start(const void *a, const void *b)
{
	const struct flockp_entry *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

/* The private locks of @fd as layout() has them, with "*" behind those that have a mark. */
static const char *marked_layout(int fd, char buf[LAYOUT_SIZE])
{
	struct flockp_entry entries[ENTRIES], *e;
	int count = list(fd, FLKP_HELD, entries);
	__u64 owner = owner_of(fd);
	size_t used = 0;
	char end[32];

	qsort(entries, count, sizeof(*entries), by_start);
	buf[0] = 0;
	for (e = entries; e < entries + count; e++) {
		if (e->owner != owner)
			continue;
		snprintf(end, sizeof(end), "%lld", (long long)(e->start + e->len - 1));
		used += snprintf(buf + used, LAYOUT_SIZE - used, "%s%c%lld-%s%s", used ? " " : "",
				 e->type == F_RDLCK ? 'R' : 'W', (long long)e->start,
				 e->len ? end : "EOF", e->flags & FLKP_ONE_TASK ? "*" : "");
		if (used >= LAYOUT_SIZE)
			broken("more locks than the buffer holds");
	}
	return buf;
}

/* What layout() says if marked_layout() says @marked. */
static const char *without_marks(const char *marked, char buf[LAYOUT_SIZE])
{
	char *p = buf;

	for (; *marked; marked++)
		if (*marked != '*')
			*p++ = *marked;
	*p = 0;
	return buf;
}

static void see(struct __test_metadata *_metadata, int fd, const char *marked)
{
	char expected[LAYOUT_SIZE], seen[LAYOUT_SIZE];

	EXPECT_STREQ(marked, marked_layout(fd, seen));
	EXPECT_STREQ(without_marks(marked, expected), layout(fd, seen));
}

/* ---- who may change what ---- */

/* All ways to ask for a lock, or to be rid of it. */
static const struct {
	const char *name;
	int cmd;
	__u32 flags;
} ways[] = {
	{ "F_SETLKP", F_SETLKP },
	{ "F_SETLKPW", F_SETLKPW },
	{ "F_SETLKPT", F_SETLKPT },
	{ "F_SETLKPT, deadline", F_SETLKPT, FLKP_DEADLINE },
	{ "F_SETLKPT, fair", F_SETLKPT, FLKP_FAIR },
	{ "F_SETLKPT, task", F_SETLKPT, FLKP_TASK },
	{ "F_SETLKPT, all flags", F_SETLKPT, FLKP_DEADLINE | FLKP_FAIR | FLKP_TASK },
};

static const short types[] = { F_UNLCK, F_RDLCK, F_WRLCK };

/* Somebody who is not the thread: of a process, a worker or, with NULL, we ourselves. */
struct other {
	const char *name;
	struct worker *worker;
	struct peer *peer;
	int fd;
};

static int other_call(const struct other *o, int way, short type, off_t start, off_t len)
{
	struct ask ask = ask_for(o->fd, ways[way].cmd, ways[way].flags, type, start, len);

	if (!o->peer)
		return call(o->worker, ask);
	if (ask.cmd != F_SETLKPT)
		return peer_lock(o->peer, o->fd, ask.cmd, type, start, len);
	peer_ask_timed(o->peer, o->fd, &ask.how);
	return peer_answer_timed(o->peer, NULL);
}

/* All of these overlap 100-199. */
static const struct { off_t start, len; } overlaps[] = {
	{ 100, 100 }, { 120, 10 }, { 100, 1 }, { 199, 1 }, { 50, 51 }, { 199, 100 }, { 50, 300 },
	{ 0, 0 }, { 199, 0 }, { 200, -100 }, { 101, -101 },
};

#define LOCKED "R20-29 W60-79 W100-199* W200-219 R240-249"

static void all_refused(struct __test_metadata *_metadata, struct file_data *self,
			const struct other *o, int many)
{
	unsigned int way, type, i;
	off_t start, len;
	int ret;

	for (way = 0; way < ARRAY_SIZE(ways); way++)
		for (type = 0; type < ARRAY_SIZE(types); type++) {
			if (types[type] == F_UNLCK && (ways[way].flags & (FLKP_TASK | FLKP_FAIR)))
				continue;
			for (i = 0; i < ARRAY_SIZE(overlaps); i++) {
				start = overlaps[i].start;
				/* The crowd would be in the way. */
				len = overlaps[i].len ?: (many ? CROWD_START - start : 0);
				ret = other_call(o, way, types[type], start, len);
				if (ret != -EPERM)
					TH_LOG("%s, %s, type %d, %lld+%lld", o->name,
					       ways[way].name, types[type], (long long)start,
					       (long long)len);
				ASSERT_EQ(-EPERM, ret);
			}
			/* Nor was anything changed beside it. */
			ASSERT_STREQ(LOCKED, marked_layout(self->fd, self->buf));
		}
	see(_metadata, self->fd, LOCKED);
}

/* The lock is that of @holder; NULL for the first thread of the process. */
static void only_the_thread(struct __test_metadata *_metadata, struct file_data *self,
			    struct worker *holder, int many)
{
	int far = crowd(self->path, many), copy = dup(self->fd), passed = pass(self->fd);
	struct peer child, sharer;
	struct worker worker;
	const struct other others[] = {
		{ "worker", &worker, NULL, self->fd },
		{ "worker, dup()", &worker, NULL, copy },
		{ "worker, message", &worker, NULL, passed },
		{ "child", NULL, &child, self->fd },
		{ "process with the same descriptors", NULL, &sharer, copy },
		{ "first thread", NULL, NULL, self->fd },
	};
	unsigned int i;

	ASSERT_EQ(0, mark(holder, self->fd, F_WRLCK, 100, 100));
	worker_start(&worker);
	peer_start(&child, PEER_OWN_FDS);
	peer_start(&sharer, PEER_SHARED_FDS);
	ASSERT_EQ(0, plain(&worker, self->fd, F_RDLCK, 20, 10));
	ASSERT_EQ(0, plain(holder, copy, F_WRLCK, 60, 20));
	ASSERT_EQ(0, plain(holder, passed, F_WRLCK, 200, 20));
	ASSERT_EQ(0, plain(NULL, self->fd, F_RDLCK, 240, 10));
	see(_metadata, self->fd, LOCKED);
	for (i = 0; i < ARRAY_SIZE(others) - !holder; i++)
		all_refused(_metadata, self, &others[i], many);
	/* The thread itself, by any descriptor. */
	EXPECT_EQ(0, mark(holder, copy, F_RDLCK, 100, 100));
	EXPECT_EQ(0, drop(holder, passed, 100, 100));
	see(_metadata, self->fd, "R20-29 W60-79 W200-219 R240-249");
	EXPECT_EQ(0, peer_lock(&child, self->fd, F_SETLKP, F_UNLCK, 0, 0));
	see(_metadata, self->fd, "");
	peer_stop(&child);
	peer_stop(&sharer);
	worker_end(&worker);
	close(copy);
	close(passed);
	close(far);
}

TEST_F_TIMEOUT(file, others_change_nothing, LONG_TIMEOUT)
{
	struct worker holder;
	unsigned int i;

	worker_start(&holder);
	for (i = 0; i < ARRAY_SIZE(crowds); i++) {
		only_the_thread(_metadata, self, &holder, crowds[i]);
		only_the_thread(_metadata, self, NULL, crowds[i]);
	}
	worker_end(&holder);
}

TEST_F(file, flags)
{
	static const __u32 flags[] = {
		FLKP_TASK,
		FLKP_TASK | FLKP_DEADLINE,
		FLKP_TASK | FLKP_FAIR,
		FLKP_TASK | FLKP_FAIR | FLKP_DEADLINE,
	};
	struct worker w;
	unsigned int i;

	worker_start(&w);
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		/* Each of them sets a mark, for either type, also over a lock that has none. */
		ASSERT_EQ(0, call(&w, ask_for(self->fd, F_SETLKPT, flags[i], F_RDLCK, 0, 10)));
		see(_metadata, self->fd, "R0-9*");
		EXPECT_EQ(-EPERM, drop(NULL, self->fd, 0, 0));
		ASSERT_EQ(0, plain(&w, self->fd, F_RDLCK, 0, 10));
		see(_metadata, self->fd, "R0-9");
		ASSERT_EQ(0, call(&w, ask_for(self->fd, F_SETLKPT, flags[i], F_WRLCK, 0, 10)));
		see(_metadata, self->fd, "W0-9*");
		EXPECT_EQ(-EPERM, drop(NULL, self->fd, 0, 0));
		/* There is nobody to keep a lock for that is to go. */
		EXPECT_EQ(-EINVAL,
			  call(&w, ask_for(self->fd, F_SETLKPT, flags[i], F_UNLCK, 0, 10)));
		see(_metadata, self->fd, "W0-9*");
		ASSERT_EQ(0, call(&w, ask_for(self->fd, F_SETLKPT, 0, F_UNLCK, 0, 10)));
		see(_metadata, self->fd, "");
	}
	worker_end(&w);
}

TEST_F(file, what_others_can_do)
{
	struct worker w;
	struct flock fl;

	worker_start(&w);
	ASSERT_EQ(0, mark(&w, self->fd, F_WRLCK, 10, 10));
	/* On both sides, and without a lock to unlock there. */
	EXPECT_EQ(0, drop(NULL, self->fd, 0, 10));
	EXPECT_EQ(0, drop(NULL, self->fd, 20, 0));
	EXPECT_EQ(0, plain(NULL, self->fd, F_WRLCK, 0, 10));
	EXPECT_EQ(0, plain(NULL, self->fd, F_WRLCK, 20, 10));
	see(_metadata, self->fd, "W0-9 W10-19* W20-29");
	EXPECT_EQ(0, drop(NULL, self->fd, 20, 0));
	EXPECT_EQ(0, mark(NULL, self->fd, F_RDLCK, 20, 10));
	see(_metadata, self->fd, "W0-9 W10-19* R20-29*");
	/* Ask. */
	fl = span(F_UNLCK, 10, 5);
	EXPECT_EQ(0, lock_call(self->fd, F_GETLKP, &fl));
	EXPECT_EQ(F_WRLCK, fl.l_type);
	EXPECT_EQ(10, fl.l_start);
	EXPECT_EQ(10, fl.l_len);
	fl = span(F_WRLCK, 10, 5);
	EXPECT_EQ(0, lock_call(self->fd, F_GETLKP, &fl));
	EXPECT_EQ(F_UNLCK, fl.l_type);
	/* Locks of other kinds are in each other's way, and do not touch the marked ones. */
	EXPECT_EQ(-EAGAIN, lock_span(self->fd, F_SETLK, F_WRLCK, 10, 1));
	EXPECT_EQ(0, lock_span(self->fd, F_SETLK, F_UNLCK, 0, 0));
	EXPECT_EQ(0, flock(self->fd, LOCK_EX));
	EXPECT_EQ(0, flock(self->fd, LOCK_UN));
	/* Closing another open file releases what is classic only. */
	close(self->fd2);
	see(_metadata, self->fd, "W0-9 W10-19* R20-29*");
	self->fd2 = reopen(self->path);
	worker_end(&w);
}

TEST_F(file, other_open_files)
{
	struct worker w;
	struct flock fl;

	worker_start(&w);
	ASSERT_EQ(0, mark(&w, self->fd, F_WRLCK, 0, 10));
	ASSERT_EQ(0, mark(&w, self->fd, F_RDLCK, 20, 10));
	/* Not even the thread has a right to them by another open file. */
	EXPECT_EQ(-EAGAIN, plain(&w, self->fd2, F_RDLCK, 0, 10));
	EXPECT_EQ(-EAGAIN, plain(NULL, self->fd2, F_WRLCK, 25, 1));
	EXPECT_EQ(-ETIMEDOUT, mark(&w, self->fd2, F_WRLCK, 0, 10));
	EXPECT_EQ(-ETIMEDOUT, mark(NULL, self->fd2, F_WRLCK, 0, 10));
	EXPECT_EQ(0, drop(NULL, self->fd2, 0, 0));
	see(_metadata, self->fd, "W0-9* R20-29*");
	fl = span(F_RDLCK, 0, 0);
	EXPECT_EQ(0, lock_call(self->fd2, F_GETLKP, &fl));
	EXPECT_EQ(F_WRLCK, fl.l_type);
	EXPECT_EQ(-1, fl.l_pid);
	/* Readers share, each with a mark. */
	EXPECT_EQ(0, mark(NULL, self->fd2, F_RDLCK, 20, 10));
	EXPECT_EQ(-EPERM, drop(&w, self->fd2, 20, 10));
	EXPECT_EQ(-EPERM, drop(NULL, self->fd, 20, 10));
	see(_metadata, self->fd2, "R20-29*");
	worker_end(&w);
}

/* Who meets a lock of somebody else and a mark is told of the first, or waits for it, first. */
TEST_F(file, conflict_before_mark)
{
	struct worker a, b;
	struct ask ask;

	worker_start(&a);
	worker_start(&b);
	ASSERT_EQ(0, plain(NULL, self->fd2, F_WRLCK, 0, 10));
	ASSERT_EQ(0, mark(&a, self->fd, F_WRLCK, 20, 10));
	EXPECT_EQ(-EAGAIN, plain(&b, self->fd, F_WRLCK, 0, 30));
	EXPECT_EQ(-ETIMEDOUT, mark(&b, self->fd, F_RDLCK, 0, 30));
	EXPECT_EQ(-EPERM, drop(&b, self->fd, 0, 30));
	/* The mark may have been set while it waits, or be gone by then. */
	ask = ask_for(self->fd, F_SETLKPW, 0, F_WRLCK, 0, 40);
	begin(&b, &ask);
	until_asleep(self->id, 1);
	ASSERT_EQ(0, mark(&a, self->fd, F_WRLCK, 30, 10));
	ASSERT_EQ(0, drop(NULL, self->fd2, 0, 10));
	EXPECT_EQ(-EPERM, answer(&b));
	EXPECT_EQ(0, locks_shown(self->id, "", true));
	see(_metadata, self->fd, "W20-39*");

	ASSERT_EQ(0, plain(NULL, self->fd2, F_WRLCK, 0, 10));
	ask = ask_for(self->fd, F_SETLKPT, FLKP_TASK, F_WRLCK, 0, 40);
	begin(&b, &ask);
	until_asleep(self->id, 1);
	ASSERT_EQ(0, drop(&a, self->fd, 20, 20));
	ASSERT_EQ(0, drop(NULL, self->fd2, 0, 10));
	EXPECT_EQ(0, answer(&b));
	see(_metadata, self->fd, "W0-39*");
	EXPECT_EQ(-EPERM, drop(&a, self->fd, 0, 1));
	worker_end(&a);
	worker_end(&b);
}

/* The mark is that of the thread that asked, not of the one whose unlock made it possible. */
TEST_F(file, mark_after_a_wait)
{
	static const __u32 flags[] = { FLKP_TASK, FLKP_TASK | FLKP_DEADLINE };
	struct flockp_entry entries[ENTRIES];
	struct worker w;
	struct ask ask;
	unsigned int i;

	worker_start(&w);
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		ASSERT_EQ(0, plain(NULL, self->fd2, F_RDLCK, 0, 10));
		ask = ask_until(self->fd, FLKP_TASK, 5, HOUR);
		if (!(flags[i] & FLKP_DEADLINE))
			ask = ask_for(self->fd, F_SETLKPT, FLKP_TASK, F_WRLCK, 5, 1);
		begin(&w, &ask);
		until_asleep(self->id, 1);
		ASSERT_EQ(1, list(self->fd, FLKP_WAITING, entries));
		EXPECT_TRUE(entries[0].flags & FLKP_ONE_TASK);
		ASSERT_EQ(0, drop(NULL, self->fd2, 0, 0));
		EXPECT_EQ(0, answer(&w));
		see(_metadata, self->fd, "W5-5*");
		EXPECT_EQ(-EPERM, drop(NULL, self->fd, 0, 0));
		EXPECT_EQ(0, drop(&w, self->fd, 0, 0));
	}
	worker_end(&w);
}

/* One of several locks in the range, and each time another one, is not to be touched. */
TEST_F(file, all_or_nothing)
{
	struct worker a, b;
	int i, j;

	worker_start(&a);
	worker_start(&b);
	for (i = 0; i < 5; i++) {
		for (j = 0; j < 5; j++)
			ASSERT_EQ(0, j == i ? mark(&a, self->fd, F_WRLCK, 10 * j, 5) :
				     j % 2 ? mark(&b, self->fd, F_RDLCK, 10 * j, 5) :
					     plain(&b, self->fd, F_WRLCK, 10 * j, 5));
		marked_layout(self->fd, self->buf);
		EXPECT_EQ(-EPERM, drop(&b, self->fd, 0, 0));
		EXPECT_EQ(-EPERM, plain(&b, self->fd, F_WRLCK, 0, 60));
		EXPECT_EQ(-EPERM, mark(&b, self->fd, F_RDLCK, 2, 41));
		EXPECT_EQ(-EPERM, mark(&b, self->fd, F_WRLCK, 3, 0));
		/* Nor can A, which has one of them, since B has the others. */
		EXPECT_EQ(-EPERM, drop(&a, self->fd, 0, 0));
		see(_metadata, self->fd, self->buf);
		ASSERT_EQ(0, drop(&a, self->fd, 10 * i, 10));
		ASSERT_EQ(0, drop(&b, self->fd, 0, 0));
	}
	worker_end(&a);
	worker_end(&b);
}

/* ---- what the thread itself can do ---- */

TEST_F(file, split)
{
	struct worker a, b;

	worker_start(&a);
	worker_start(&b);
	ASSERT_EQ(0, mark(&a, self->fd, F_WRLCK, 0, 30));
	EXPECT_EQ(0, drop(&a, self->fd, 10, 10));
	see(_metadata, self->fd, "W0-9* W20-29*");
	EXPECT_EQ(-EPERM, drop(&b, self->fd, 9, 1));
	EXPECT_EQ(-EPERM, drop(&b, self->fd, 20, 1));
	EXPECT_EQ(-EPERM, drop(&b, self->fd, 29, 1));
	/* The gap is free for others of this open file. */
	EXPECT_EQ(0, mark(&b, self->fd, F_WRLCK, 10, 10));
	see(_metadata, self->fd, "W0-9* W10-19* W20-29*");
	EXPECT_EQ(-EPERM, drop(&a, self->fd, 0, 30));
	/* Both pieces are still A's. */
	EXPECT_EQ(0, drop(&a, self->fd, 0, 10));
	EXPECT_EQ(0, drop(&a, self->fd, 20, 10));
	EXPECT_EQ(0, drop(&b, self->fd, 0, 0));

	/* By another type in the middle, with a mark and without. */
	ASSERT_EQ(0, mark(&a, self->fd, F_WRLCK, 0, 30));
	EXPECT_EQ(0, mark(&a, self->fd, F_RDLCK, 5, 5));
	EXPECT_EQ(0, plain(&a, self->fd, F_RDLCK, 10, 5));
	see(_metadata, self->fd, "W0-4* R5-9* R10-14 W15-29*");
	EXPECT_EQ(-EPERM, drop(&b, self->fd, 5, 10));
	EXPECT_EQ(0, drop(&b, self->fd, 10, 5));
	EXPECT_EQ(-EPERM, drop(&b, self->fd, 0, 1));
	EXPECT_EQ(-EPERM, drop(&b, self->fd, 15, 1));
	worker_end(&a);
	worker_end(&b);
}

TEST_F(file, upgrade_and_downgrade)
{
	struct worker a, b;

	worker_start(&a);
	worker_start(&b);
	ASSERT_EQ(0, mark(&a, self->fd, F_RDLCK, 0, 10));
	EXPECT_EQ(0, mark(&a, self->fd, F_WRLCK, 0, 10));
	see(_metadata, self->fd, "W0-9*");
	EXPECT_EQ(-EPERM, plain(&b, self->fd, F_RDLCK, 0, 10));
	EXPECT_EQ(0, mark(&a, self->fd, F_RDLCK, 5, 5));
	see(_metadata, self->fd, "W0-4* R5-9*");
	EXPECT_EQ(-EPERM, plain(&b, self->fd, F_RDLCK, 5, 5));
	EXPECT_EQ(0, plain(NULL, self->fd2, F_RDLCK, 5, 5));
	/* One that fails changes nothing. */
	EXPECT_EQ(-ETIMEDOUT, mark(&a, self->fd, F_WRLCK, 0, 10));
	EXPECT_EQ(-EAGAIN, plain(&a, self->fd, F_WRLCK, 0, 10));
	see(_metadata, self->fd, "W0-4* R5-9*");
	EXPECT_EQ(-EPERM, drop(&b, self->fd, 5, 1));
	worker_end(&a);
	worker_end(&b);
}

TEST_F(file, mark_set_and_taken_away)
{
	struct worker a, b;

	worker_start(&a);
	worker_start(&b);
	/* The same type all the time: only the mark changes. */
	ASSERT_EQ(0, mark(&a, self->fd, F_WRLCK, 0, 30));
	EXPECT_EQ(0, plain(&a, self->fd, F_WRLCK, 10, 10));
	see(_metadata, self->fd, "W0-9* W10-19 W20-29*");
	EXPECT_EQ(-EPERM, drop(&b, self->fd, 0, 20));
	EXPECT_EQ(0, drop(&b, self->fd, 12, 2));
	EXPECT_EQ(0, call(&a, ask_for(self->fd, F_SETLKPT, 0, F_WRLCK, 0, 30)));
	see(_metadata, self->fd, "W0-29");
	EXPECT_EQ(0, drop(&b, self->fd, 29, 1));

	/* Anybody can set it on what is plain, whoever set that; the last one to do so has it. */
	EXPECT_EQ(0, mark(&b, self->fd, F_WRLCK, 10, 10));
	see(_metadata, self->fd, "W0-9 W10-19* W20-28");
	EXPECT_EQ(-EPERM, plain(&a, self->fd, F_WRLCK, 0, 29));
	EXPECT_EQ(-EPERM, mark(&a, self->fd, F_WRLCK, 10, 10));
	EXPECT_EQ(0, plain(&b, self->fd, F_WRLCK, 15, 1));
	EXPECT_EQ(0, mark(&a, self->fd, F_WRLCK, 15, 1));
	see(_metadata, self->fd, "W0-9 W10-14* W15-15* W16-19* W20-28");
	EXPECT_EQ(-EPERM, drop(&b, self->fd, 15, 1));
	EXPECT_EQ(0, drop(&b, self->fd, 10, 5));
	EXPECT_EQ(0, drop(&b, self->fd, 16, 13));
	see(_metadata, self->fd, "W0-9 W15-15*");
	worker_end(&a);
	worker_end(&b);
}

static void merging(struct __test_metadata *_metadata, struct file_data *self, int many)
{
	int far = crowd(self->path, many);
	struct worker a, b;

	worker_start(&a);
	worker_start(&b);
	ASSERT_EQ(0, mark(&a, self->fd, F_WRLCK, 0, 10));
	ASSERT_EQ(0, plain(&a, self->fd, F_WRLCK, 10, 10));
	see(_metadata, self->fd, "W0-9* W10-19");
	/* The one of the other thread, from both sides. */
	ASSERT_EQ(0, mark(&b, self->fd, F_WRLCK, 20, 10));
	ASSERT_EQ(0, mark(&a, self->fd, F_WRLCK, 30, 10));
	see(_metadata, self->fd, "W0-9* W10-19 W20-29* W30-39*");
	/* One plain lock, whoever set the parts. */
	ASSERT_EQ(0, plain(&b, self->fd, F_WRLCK, 40, 5));
	ASSERT_EQ(0, plain(NULL, self->fd, F_WRLCK, 45, 5));
	see(_metadata, self->fd, "W0-9* W10-19 W20-29* W30-39* W40-49");
	/* What is its own, over the plain one and by touching. */
	ASSERT_EQ(0, mark(&a, self->fd, F_WRLCK, 10, 10));
	see(_metadata, self->fd, "W0-19* W20-29* W30-39* W40-49");
	ASSERT_EQ(0, mark(&a, self->fd, F_WRLCK, 45, 15));
	see(_metadata, self->fd, "W0-19* W20-29* W30-39* W40-44 W45-59*");
	ASSERT_EQ(0, mark(&a, self->fd, F_WRLCK, 40, 5));
	see(_metadata, self->fd, "W0-19* W20-29* W30-59*");
	ASSERT_EQ(0, drop(&b, self->fd, 20, 10));
	ASSERT_EQ(0, mark(&a, self->fd, F_WRLCK, 20, 10));
	see(_metadata, self->fd, "W0-59*");
	EXPECT_EQ(-EPERM, drop(&b, self->fd, 59, 1));
	ASSERT_EQ(0, plain(&a, self->fd, F_WRLCK, 0, 100));
	see(_metadata, self->fd, "W0-99");
	ASSERT_EQ(0, drop(&b, self->fd, 0, 0));
	worker_end(&a);
	worker_end(&b);
	close(far);
}

TEST_F(file, what_merges)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(crowds); i++)
		merging(_metadata, self, crowds[i]);
}

/* ---- the end of the file, of the thread and of the program ---- */

TEST_F(file, anybody_can_close)
{
	struct worker a, b;
	struct peer child;
	struct ask ask;
	int copy;

	worker_start(&a);
	worker_start(&b);
	ASSERT_EQ(0, mark(&a, self->fd, F_WRLCK, 0, 10));
	copy = dup(self->fd);
	peer_start(&child, PEER_OWN_FDS);
	ASSERT_EQ(0, call(&b, ask_for(self->fd, CMD_CLOSE, 0, 0, 0, 0)));
	see(_metadata, copy, "W0-9*");
	ASSERT_EQ(0, call(&b, ask_for(copy, CMD_CLOSE, 0, 0, 0, 0)));
	/* Two are left, in the child; and somebody waits for the last close. */
	peer_close(&child, copy);
	ask = ask_for(self->fd2, F_SETLKPW, 0, F_WRLCK, 0, 10);
	begin(&b, &ask);
	until_asleep(self->id, 1);
	EXPECT_EQ(1, locks_shown(self->id, "OFDLCK", false));
	peer_close(&child, self->fd);
	EXPECT_EQ(0, answer(&b));
	see(_metadata, self->fd2, "W0-9");
	peer_stop(&child);
	self->fd = reopen(self->path);
	worker_end(&a);
	worker_end(&b);
}

/* A process with that number, once it is free; as fork() does, 0 in the child. */
static pid_t start_as(pid_t tid)
{
	struct clone_args args = {
		.exit_signal = SIGCHLD,
		.set_tid = (uintptr_t)&tid,
		.set_tid_size = 1,
	};
	pid_t pid;

	do {
		pid = syscall(__NR_clone3, &args, sizeof(args));
		if (pid < 0 && errno != EEXIST)
			broken("clone3 with set_tid");
	} while (pid < 0);
	if (!pid)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

static int exit_code(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		broken("waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* What does a process with that number get that tries it in all ways? */
static void same_number(struct __test_metadata *_metadata, struct file_data *self, pid_t tid)
{
	pid_t pid = start_as(tid);

	if (!pid) {
		if (gettid() != tid || drop(NULL, self->fd, 0, 10) != -EPERM)
			_exit(1);
		if (plain(NULL, self->fd, F_WRLCK, 0, 10) != -EPERM)
			_exit(2);
		_exit(mark(NULL, self->fd, F_WRLCK, 0, 10) == -EPERM ? 0 : 3);
	}
	EXPECT_EQ(tid, pid);
	EXPECT_EQ(0, exit_code(pid));
	see(_metadata, self->fd, "W0-9*");
}

TEST_F(file, thread_that_has_ended)
{
	struct worker w, later;

	worker_start(&w);
	ASSERT_EQ(0, mark(&w, self->fd, F_WRLCK, 0, 10));
	worker_end(&w);
	see(_metadata, self->fd, "W0-9*");
	EXPECT_EQ(-EPERM, drop(NULL, self->fd, 0, 10));
	/* A new one may even have the same place in memory. */
	worker_start(&later);
	EXPECT_EQ(-EPERM, drop(&later, self->fd, 0, 10));
	EXPECT_EQ(-EPERM, mark(&later, self->fd, F_WRLCK, 5, 10));
	EXPECT_EQ(-EAGAIN, plain(&later, self->fd2, F_WRLCK, 0, 1));
	same_number(_metadata, self, w.tid);
	/* Beside it all is as ever. */
	EXPECT_EQ(0, mark(&later, self->fd, F_WRLCK, 10, 10));
	see(_metadata, self->fd, "W0-9* W10-19*");
	close(self->fd);
	EXPECT_EQ(0, plain(&later, self->fd2, F_WRLCK, 0, 0));
	self->fd = reopen(self->path);
	worker_end(&later);
}

TEST_F(file, process_that_has_ended)
{
	pid_t pid = fork();

	if (!pid)
		_exit(mark(NULL, self->fd, F_WRLCK, 0, 10) ? 1 : 0);
	ASSERT_EQ(0, exit_code(pid));
	see(_metadata, self->fd, "W0-9*");
	EXPECT_EQ(-EPERM, drop(NULL, self->fd, 0, 10));
	same_number(_metadata, self, pid);
	close(self->fd);
	EXPECT_EQ(0, plain(NULL, self->fd2, F_WRLCK, 0, 0));
	self->fd = reopen(self->path);
}

/* The next program of the thread: it has 0-9, and another one, that is gone, has 20-29. */
static int after_exec(int fd)
{
	if (drop(NULL, fd, 20, 10) != -EPERM)
		return 2;
	if (mark(NULL, fd, F_RDLCK, 0, 5))
		return 3;
	if (drop(NULL, fd, 5, 5))
		return 4;
	return 0;
}

static void exec_self(int fd)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", fd);
	execl("/proc/self/exe", "task", "after_exec", number, NULL);
	_exit(10);
}

TEST_F(file, exec_of_the_first_thread)
{
	struct worker w;
	pid_t pid = fork();

	if (!pid) {
		/* The exec ends this one. */
		worker_start(&w);
		if (mark(&w, self->fd, F_WRLCK, 20, 10) || mark(NULL, self->fd, F_WRLCK, 0, 10))
			_exit(1);
		exec_self(self->fd);
	}
	EXPECT_EQ(0, exit_code(pid));
	see(_metadata, self->fd, "R0-4* W20-29*");
	EXPECT_EQ(-EPERM, drop(NULL, self->fd, 0, 1));

	/* The same in a process that never had another thread. */
	close(self->fd);
	self->fd = reopen(self->path);
	worker_start(&w);
	ASSERT_EQ(0, mark(&w, self->fd, F_WRLCK, 20, 10));
	pid = fork();
	if (!pid) {
		if (mark(NULL, self->fd, F_WRLCK, 0, 10))
			_exit(1);
		exec_self(self->fd);
	}
	EXPECT_EQ(0, exit_code(pid));
	see(_metadata, self->fd, "R0-4* W20-29*");
	EXPECT_EQ(0, drop(&w, self->fd, 20, 10));
	worker_end(&w);
}

/* ---- circles ---- */

/* In which ways a thread waits that has marked locks; what it waits for it may get without one. */
static const struct {
	const char *name;
	int cmd;
	__u32 flags;
} waits[] = {
	{ "F_SETLKPT, task", F_SETLKPT, FLKP_TASK },
	{ "F_SETLKPT", F_SETLKPT },
	{ "F_SETLKPW", F_SETLKPW },
	{ "F_SETLKW", F_SETLKW },
};

static void want_type(struct worker *w, int fd, int wait, short type, off_t byte)
{
	struct ask ask = ask_for(fd, waits[wait].cmd, waits[wait].flags, type, byte, 1);

	begin(w, &ask);
}

static void want(struct worker *w, int fd, int wait, off_t byte)
{
	want_type(w, fd, wait, F_WRLCK, byte);
}

/* Two threads of this process with an open file each. */
struct two {
	struct worker a, b;
	int fa, fb;
};

static void two_start(struct two *t, const char *path_a, const char *path_b)
{
	handle_signal();
	worker_start(&t->a);
	worker_start(&t->b);
	t->fa = reopen(path_a);
	t->fb = reopen(path_b);
}

static void two_end(struct two *t)
{
	worker_end(&t->a);
	worker_end(&t->b);
	close(t->fa);
	close(t->fb);
}

/* A has byte 0 and wants byte 1, B has byte 1 and wants byte 0, on either of two files. */
static void told(struct __test_metadata *_metadata, struct two *t, const char *id_a,
		 const char *id_b, int a_asks, int b_asks, int wait_a, int wait_b)
{
	ASSERT_EQ(0, mark(&t->a, t->fa, F_WRLCK, 0, 1));
	ASSERT_EQ(0, mark(&t->b, t->fb, F_WRLCK, 1, 1));
	want(&t->a, a_asks, wait_a, 1);
	until_asleep(id_b, 1);
	want(&t->b, b_asks, wait_b, 0);
	EXPECT_EQ(-EDEADLK, answer(&t->b));
	/* It still has what it had, and nothing of it waits. */
	until_asleep(id_b, 1);
	see(_metadata, t->fa, "W0-0*");
	see(_metadata, t->fb, "W1-1*");
	ASSERT_EQ(0, drop(&t->b, t->fb, 1, 1));
	EXPECT_EQ(0, answer(&t->a));
	EXPECT_EQ(0, locks_shown(id_a, "", true));
	EXPECT_EQ(0, locks_shown(id_b, "", true));
}

TEST_F(file, two_threads)
{
	unsigned int a, b, i;
	struct two t;
	int far;

	for (i = 0; i < ARRAY_SIZE(crowds); i++) {
		far = crowd(self->path, crowds[i]);
		for (a = 0; a < ARRAY_SIZE(waits); a++)
			for (b = 0; b < ARRAY_SIZE(waits); b++) {
				TH_LOG("%s, then %s", waits[a].name, waits[b].name);
				two_start(&t, self->path, self->path);
				told(_metadata, &t, self->id, self->id, t.fa, t.fb, a, b);
				two_end(&t);
			}
		close(far);
	}
}

/* It is the thread that waits, by whatever open file it does. */
TEST_F(file, waits_by_another_open_file)
{
	int a = reopen(self->path), b = reopen(self->path), wait;
	struct two t;

	for (wait = 0; wait < (int)ARRAY_SIZE(waits); wait++) {
		two_start(&t, self->path, self->path);
		told(_metadata, &t, self->id, self->id, a, b, wait, wait);
		ASSERT_EQ(0, drop(&t.a, a, 0, 0));
		two_end(&t);
		/* Both by one that they share. */
		two_start(&t, self->path, self->path);
		told(_metadata, &t, self->id, self->id, a, a, wait, wait);
		ASSERT_EQ(0, drop(&t.a, a, 0, 0));
		two_end(&t);
	}
	close(a);
	close(b);
}

TEST_F(file, across_two_files)
{
	char path[160], id[FILE_ID_SIZE];
	struct two t;
	int fd, a;

	snprintf(path, sizeof(path), "%s.2", self->path);
	fd = open(path, O_RDWR | O_CREAT, 0644);
	ASSERT_LE(0, fd);
	file_id(fd, id);
	a = reopen(path);
	two_start(&t, self->path, path);
	told(_metadata, &t, self->id, id, a, self->fd2, 0, 0);
	two_end(&t);
	close(a);
	close(fd);
	unlink(path);
}

TEST_F(file, circle_of_five)
{
	enum { N = 5 };
	struct worker w[N];
	int fds[N], i;

	for (i = 0; i < N; i++) {
		worker_start(&w[i]);
		fds[i] = reopen(self->path);
		ASSERT_EQ(0, mark(&w[i], fds[i], F_WRLCK, i, 1));
	}
	for (i = 0; i < N - 1; i++) {
		want(&w[i], fds[i], i % ARRAY_SIZE(waits), i + 1);
		until_asleep(self->id, i + 1);
	}
	want(&w[N - 1], fds[N - 1], 0, 0);
	EXPECT_EQ(-EDEADLK, answer(&w[N - 1]));
	for (i = N - 1; i >= 0; i--) {
		ASSERT_EQ(0, drop(&w[i], fds[i], i, 1));
		if (i)
			EXPECT_EQ(0, answer(&w[i - 1]));
		close(fds[i]);
	}
	for (i = 0; i < N; i++)
		worker_end(&w[i]);
}

/* A third thread, that waits for nobody, reads, too. All in the way have to go, so one counts. */
TEST_F(file, two_who_read_and_want_to_write)
{
	struct worker c;
	struct two t;

	worker_start(&c);
	two_start(&t, self->path, self->path);
	ASSERT_EQ(0, mark(&c, self->fd, F_RDLCK, 0, 1));
	ASSERT_EQ(0, mark(&t.a, t.fa, F_RDLCK, 0, 1));
	ASSERT_EQ(0, mark(&t.b, t.fb, F_RDLCK, 0, 1));
	want(&t.a, t.fa, 0, 0);
	until_asleep(self->id, 1);
	want(&t.b, t.fb, 0, 0);
	EXPECT_EQ(-EDEADLK, answer(&t.b));
	see(_metadata, t.fb, "R0-0*");
	ASSERT_EQ(0, drop(&t.b, t.fb, 0, 1));
	ASSERT_EQ(0, drop(&c, self->fd, 0, 1));
	EXPECT_EQ(0, answer(&t.a));
	see(_metadata, t.fa, "W0-0*");
	two_end(&t);
	worker_end(&c);
}

enum reference { NO_OTHER, DUP, MESSAGE, RING, MAPPING, CHILD, SHARED_TABLE, NR_REFERENCES };

static const char * const reference_names[] = {
	"one descriptor", "dup()", "a message on its way", "io_uring", "a mapping",
	"a child", "a process with the same descriptors",
};

struct extra {
	int fd, socks[2];
	void *map;
	struct peer peer;
};

static void refer(struct extra *x, int fd, enum reference kind)
{
	switch (kind) {
	case DUP:
		x->fd = dup(fd);
		break;
	case MESSAGE:
		post(x->socks, fd);
		break;
	case RING:
		x->fd = ring_make(fd);
		break;
	case MAPPING:
		x->map = ftruncate(fd, 4096) ? MAP_FAILED :
			 mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
		if (x->map == MAP_FAILED)
			broken("mmap");
		break;
	case CHILD:
	case SHARED_TABLE:
		peer_start(&x->peer, kind == CHILD ? PEER_OWN_FDS : PEER_SHARED_FDS);
		break;
	default:
		break;
	}
}

static void forget(struct extra *x, enum reference kind)
{
	switch (kind) {
	case DUP:
	case RING:
		close(x->fd);
		break;
	case MESSAGE:
		close(x->socks[0]);
		close(x->socks[1]);
		break;
	case MAPPING:
		munmap(x->map, 4096);
		break;
	case CHILD:
	case SHARED_TABLE:
		peer_stop(&x->peer);
		break;
	default:
		break;
	}
}

static void with_reference(struct __test_metadata *_metadata, struct file_data *self,
			   enum reference kind)
{
	struct extra x;
	struct two t;

	TH_LOG("%s", reference_names[kind]);
	two_start(&t, self->path, self->path);
	refer(&x, t.fa, kind);
	told(_metadata, &t, self->id, self->id, t.fa, t.fb, 0, 0);
	forget(&x, kind);
	two_end(&t);
	/* The last reference may go a little later. */
	until_unlocked(self->id);
}

TEST_F(file, whatever_refers_to_the_open_file)
{
	int kind;

	for (kind = 0; kind < NR_REFERENCES; kind++)
		if (kind != RING)
			with_reference(_metadata, self, kind);
}

TEST_F(file, io_uring_refers_to_the_open_file)
{
	if (ring_missing())
		SKIP(return, "%s", ring_missing());
	with_reference(_metadata, self, RING);
}

static void want_peer(struct peer *peer, int fd, __u32 flags, off_t byte)
{
	struct flockp_how how = timed_span(F_WRLCK, byte, 1);

	how.flags = flags;
	peer_ask_timed(peer, fd, &how);
}

/* Our thread with a mark, and a process that has but one thread, with a mark or without. */
static void with_process(struct __test_metadata *_metadata, struct file_data *self,
			 __u32 flags, bool thread_closes)
{
	struct flockp_how how = timed_until(F_WRLCK, 1, 1, CLOCK_MONOTONIC, 0);
	struct worker w;
	struct peer peer;
	int fd = reopen(self->path), there;

	TH_LOG("%s, %s is told", flags ? "mark" : "no mark", thread_closes ? "thread" : "process");
	worker_start(&w);
	peer_start(&peer, PEER_OWN_FDS);
	there = peer_open(&peer, self->path, O_RDWR);
	ASSERT_EQ(0, mark(&w, fd, F_WRLCK, 0, 1));
	how.flags |= flags;
	peer_ask_timed(&peer, there, &how);
	ASSERT_EQ(0, peer_answer_timed(&peer, NULL));
	if (thread_closes) {
		want_peer(&peer, there, flags, 0);
		until_other_asleep(self->id, 1, peer.pid);
		want(&w, fd, 0, 1);
		EXPECT_EQ(-EDEADLK, answer(&w));
		ASSERT_EQ(0, drop(&w, fd, 0, 1));
		EXPECT_EQ(0, peer_answer_timed(&peer, NULL));
	} else {
		want(&w, fd, 0, 1);
		until_asleep(self->id, 1);
		want_peer(&peer, there, flags, 0);
		EXPECT_EQ(-EDEADLK, peer_answer_timed(&peer, NULL));
		ASSERT_EQ(0, peer_lock(&peer, there, F_SETLKP, F_UNLCK, 1, 1));
		EXPECT_EQ(0, answer(&w));
	}
	peer_stop(&peer);
	worker_end(&w);
	close(fd);
	until_unlocked(self->id);
}

TEST_F(file, thread_and_process)
{
	int thread_closes;

	for (thread_closes = 0; thread_closes < 2; thread_closes++) {
		with_process(_metadata, self, 0, thread_closes);
		with_process(_metadata, self, FLKP_TASK, thread_closes);
	}
}

/* Not yet certain, for we have the process's open file, too; and then we close it. */
TEST_F(file, certain_only_later)
{
	struct pollfd poll_peer = { .events = POLLIN };
	bool thread_told = false;
	struct worker w;
	struct peer peer;
	int fd, there;

	close(self->fd);
	worker_start(&w);
	self->fd = reopen(self->path);
	peer_start(&peer, PEER_OWN_FDS);
	fd = reopen(self->path);
	there = self->fd;
	ASSERT_EQ(0, mark(&w, fd, F_WRLCK, 0, 1));
	ASSERT_EQ(0, peer_lock(&peer, there, F_SETLKP, F_WRLCK, 1, 1));
	want_peer(&peer, there, 0, 0);
	until_other_asleep(self->id, 1, peer.pid);
	want(&w, fd, 0, 1);
	until_asleep(self->id, 2);
	close(self->fd);
	/* One of them looks again, and which one does not matter. */
	poll_peer.fd = peer.sock;
	while (!poll(&poll_peer, 1, 1) && !thread_told)
		thread_told = !sem_trywait(&w.answered);
	if (thread_told) {
		EXPECT_EQ(-EDEADLK, w.result);
		ASSERT_EQ(0, drop(&w, fd, 0, 1));
		EXPECT_EQ(0, peer_answer_timed(&peer, NULL));
	} else {
		EXPECT_EQ(-EDEADLK, peer_answer_timed(&peer, NULL));
		ASSERT_EQ(0, peer_lock(&peer, there, F_SETLKP, F_UNLCK, 1, 1));
		EXPECT_EQ(0, answer(&w));
	}
	peer_stop(&peer);
	worker_end(&w);
	close(fd);
	self->fd = reopen(self->path);
}

/* Somebody without locks waits for A, too, and B's request is behind that one. */
TEST_F(file, behind_another_waiter)
{
	struct worker c;
	struct two t;

	two_start(&t, self->path, self->path);
	worker_start(&c);
	ASSERT_EQ(0, mark(&t.a, t.fa, F_WRLCK, 0, 1));
	ASSERT_EQ(0, mark(&t.b, t.fb, F_WRLCK, 1, 1));
	want(&c, self->fd, 0, 0);
	until_asleep(self->id, 1);
	want(&t.b, t.fb, 0, 0);
	until_asleep(self->id, 2);
	want(&t.a, t.fa, 0, 1);
	EXPECT_EQ(-EDEADLK, answer(&t.a));
	/* Without the one in between it is the same. */
	interrupt(&c);
	EXPECT_EQ(-EINTR, answer(&c));
	until_asleep(self->id, 1);
	want(&t.a, t.fa, 0, 1);
	EXPECT_EQ(-EDEADLK, answer(&t.a));
	ASSERT_EQ(0, drop(&t.a, t.fa, 0, 1));
	EXPECT_EQ(0, answer(&t.b));
	worker_end(&c);
	two_end(&t);
}

/* Upgrades, splits and waits that have ended before: what is left of the lock still leads to A. */
TEST_F(file, told_of_what_is_left)
{
	struct two t;
	off_t byte;

	for (byte = 10; byte < 30; byte += 10) {
		two_start(&t, self->path, self->path);
		ASSERT_EQ(0, mark(&t.a, t.fa, F_RDLCK, 10, 20));
		ASSERT_EQ(0, mark(&t.a, t.fa, F_WRLCK, 10, 20));
		ASSERT_EQ(0, drop(&t.a, t.fa, 15, 5));
		ASSERT_EQ(0, mark(&t.b, t.fb, F_WRLCK, 1, 1));
		want(&t.a, t.fa, 0, 1);
		until_asleep(self->id, 1);
		interrupt(&t.a);
		ASSERT_EQ(-EINTR, answer(&t.a));
		want(&t.a, t.fa, 2, 1);
		until_asleep(self->id, 1);
		want(&t.b, t.fb, 0, byte);
		EXPECT_EQ(-EDEADLK, answer(&t.b));
		ASSERT_EQ(0, drop(&t.b, t.fb, 1, 1));
		EXPECT_EQ(0, answer(&t.a));
		two_end(&t);
	}
}

/* ---- no circles ---- */

/* B waits for byte 0 and A for byte 1. That B is not told shows when it gets what it wants. */
static void not_told(struct __test_metadata *_metadata, struct file_data *self, struct two *t)
{
	until_asleep(self->id, 2);
	interrupt(&t->a);
	EXPECT_EQ(-EINTR, answer(&t->a));
	ASSERT_EQ(0, drop(&t->a, t->fa, 0, 1));
	EXPECT_EQ(0, answer(&t->b));
	two_end(t);
	until_unlocked(self->id);
}

/* One of the locks has no mark: we could release it, and in the end do. */
TEST_F(file, plain_lock_in_the_circle)
{
	int wait, plain_a, plain_b;
	struct two t;

	for (wait = 0; wait < (int)ARRAY_SIZE(waits); wait++) {
		for (plain_a = 0; plain_a < 2; plain_a++) {
			for (plain_b = !plain_a; plain_b < 2; plain_b++) {
				TH_LOG("%s; %s, %s", waits[wait].name, plain_a ? "plain" : "mark",
				       plain_b ? "plain" : "mark");
				two_start(&t, self->path, self->path);
				/* A mark that is taken away leaves nothing. */
				ASSERT_EQ(0, mark(&t.a, t.fa, F_WRLCK, 0, 1));
				ASSERT_EQ(0, mark(&t.b, t.fb, F_WRLCK, 1, 1));
				if (plain_a)
					ASSERT_EQ(0, plain(&t.a, t.fa, F_WRLCK, 0, 1));
				if (plain_b)
					ASSERT_EQ(0, plain(&t.b, t.fb, F_WRLCK, 1, 1));
				want(&t.a, t.fa, wait, 1);
				until_asleep(self->id, 1);
				want(&t.b, t.fb, wait, 0);
				until_asleep(self->id, 2);
				if (plain_a) {
					ASSERT_EQ(0, drop(NULL, t.fa, 0, 1));
					EXPECT_EQ(0, answer(&t.b));
					ASSERT_EQ(0, drop(&t.b, t.fb, 1, 1));
					EXPECT_EQ(0, answer(&t.a));
				} else {
					ASSERT_EQ(0, drop(NULL, t.fb, 1, 1));
					EXPECT_EQ(0, answer(&t.a));
					ASSERT_EQ(0, drop(&t.a, t.fa, 0, 1));
					EXPECT_EQ(0, answer(&t.b));
				}
				two_end(&t);
				until_unlocked(self->id);
			}
		}
	}
}

TEST_F(file, deadline_in_the_circle)
{
	int first, wait;
	struct ask ask;
	struct two t;

	for (first = 0; first < 2; first++)
		for (wait = 0; wait < (int)ARRAY_SIZE(waits); wait++) {
			TH_LOG("%s, the deadline %s", waits[wait].name, first ? "first" : "last");
			two_start(&t, self->path, self->path);
			ASSERT_EQ(0, mark(&t.a, t.fa, F_WRLCK, 0, 1));
			ASSERT_EQ(0, mark(&t.b, t.fb, F_WRLCK, 1, 1));
			if (first) {
				ask = ask_until(t.fa, wait % 2 ? FLKP_TASK : 0, 1, HOUR);
				begin(&t.a, &ask);
				until_asleep(self->id, 1);
				want(&t.b, t.fb, wait, 0);
			} else {
				want(&t.a, t.fa, wait, 1);
				until_asleep(self->id, 1);
				ask = ask_until(t.fb, wait % 2 ? FLKP_TASK : 0, 0, HOUR);
				begin(&t.b, &ask);
			}
			not_told(_metadata, self, &t);
		}
}

/* Two threads of one open file have nothing to wait for. */
TEST_F(file, one_open_file)
{
	struct worker a, b;
	int wait;

	worker_start(&a);
	worker_start(&b);
	ASSERT_EQ(0, mark(&a, self->fd, F_WRLCK, 0, 1));
	ASSERT_EQ(0, mark(&b, self->fd, F_WRLCK, 1, 1));
	/* F_SETLKW is not of this owner. */
	for (wait = 0; waits[wait].cmd != F_SETLKW; wait++) {
		want(&a, self->fd, wait, 1);
		EXPECT_EQ(-EPERM, answer(&a));
		want(&b, self->fd, wait, 0);
		EXPECT_EQ(-EPERM, answer(&b));
	}
	see(_metadata, self->fd, "W0-0* W1-1*");
	EXPECT_EQ(0, drop(&a, self->fd, 0, 1));
	EXPECT_EQ(0, drop(&b, self->fd, 1, 1));
	worker_end(&a);
	worker_end(&b);
}

/*
 * A and B have a lock each of one open file. A waits for C. That C waits for B's lock is no
 * circle, for B goes on; a wait for A's would be one.
 */
TEST_F(file, another_thread_of_the_owner)
{
	struct worker a, b, c;
	int wait;

	worker_start(&a);
	worker_start(&b);
	worker_start(&c);
	for (wait = 0; wait < (int)ARRAY_SIZE(waits); wait++) {
		ASSERT_EQ(0, mark(&a, self->fd, F_WRLCK, 0, 1));
		ASSERT_EQ(0, mark(&b, self->fd, F_WRLCK, 1, 1));
		ASSERT_EQ(0, mark(&c, self->fd2, F_WRLCK, 2, 1));
		want(&a, self->fd, wait, 2);
		until_asleep(self->id, 1);
		want(&c, self->fd2, wait, 1);
		until_asleep(self->id, 2);
		ASSERT_EQ(0, drop(&b, self->fd, 1, 1));
		EXPECT_EQ(0, answer(&c));
		want(&c, self->fd2, wait, 0);
		EXPECT_EQ(-EDEADLK, answer(&c));
		ASSERT_EQ(0, drop(&c, self->fd2, 0, 0));
		ASSERT_EQ(0, lock_span(self->fd2, F_SETLK, F_UNLCK, 0, 0));
		EXPECT_EQ(0, answer(&a));
		ASSERT_EQ(0, drop(&a, self->fd, 0, 0));
		ASSERT_EQ(0, lock_span(self->fd, F_SETLK, F_UNLCK, 0, 0));
		until_unlocked(self->id);
	}
	worker_end(&a);
	worker_end(&b);
	worker_end(&c);
}

/* A has waited, without success, and does so no more. */
TEST_F(file, wait_that_has_ended)
{
	struct ask ask;
	struct two t;

	two_start(&t, self->path, self->path);
	ASSERT_EQ(0, mark(&t.a, t.fa, F_WRLCK, 0, 1));
	ASSERT_EQ(0, mark(&t.b, t.fb, F_WRLCK, 1, 1));
	want(&t.a, t.fa, 0, 1);
	until_asleep(self->id, 1);
	interrupt(&t.a);
	ASSERT_EQ(-EINTR, answer(&t.a));
	ask = ask_until(t.fa, FLKP_TASK, 1, 1000);
	begin(&t.a, &ask);
	ASSERT_EQ(-ETIMEDOUT, answer(&t.a));
	want(&t.b, t.fb, 0, 0);
	until_asleep(self->id, 1);
	ASSERT_EQ(0, drop(&t.a, t.fa, 0, 1));
	EXPECT_EQ(0, answer(&t.b));
	two_end(&t);
}

/* A waits, for us; B waits for A. Then somebody else closes A's file. */
TEST_F(file, closed_by_another_thread)
{
	int fd = reopen(self->path), wait;
	struct two t;

	for (wait = 0; wait < (int)ARRAY_SIZE(waits); wait++) {
		two_start(&t, self->path, self->path);
		ASSERT_EQ(0, plain(NULL, self->fd, F_WRLCK, 1, 1));
		ASSERT_EQ(0, mark(&t.a, t.fa, F_WRLCK, 0, 1));
		want(&t.a, fd, 0, 1);
		until_asleep(self->id, 1);
		want(&t.b, t.fb, wait, 0);
		until_asleep(self->id, 2);
		close(t.fa);
		EXPECT_EQ(0, answer(&t.b));
		t.fa = reopen(self->path);
		ASSERT_EQ(0, drop(NULL, self->fd, 1, 1));
		EXPECT_EQ(0, answer(&t.a));
		ASSERT_EQ(0, drop(&t.a, fd, 0, 0));
		two_end(&t);
	}
	close(fd);
}

/*
 * The thread that has the lock is no more; a process that got its number waits for B. It is not
 * the one that B waits for.
 */
TEST_F(file, number_of_a_thread_that_has_ended)
{
	struct two t;
	pid_t pid;

	two_start(&t, self->path, self->path);
	ASSERT_EQ(0, mark(&t.a, t.fa, F_WRLCK, 0, 1));
	ASSERT_EQ(0, mark(&t.b, t.fb, F_WRLCK, 1, 1));
	worker_end(&t.a);
	pid = start_as(t.a.tid);
	if (!pid) {
		close(t.fa);
		_exit(lock_span(self->fd, F_SETLKPW, F_WRLCK, 1, 1) ? 1 : 0);
	}
	until_other_asleep(self->id, 1, pid);
	want(&t.b, t.fb, 0, 0);
	until_asleep(self->id, 2);
	close(t.fa);
	EXPECT_EQ(0, answer(&t.b));
	ASSERT_EQ(0, drop(&t.b, t.fb, 1, 1));
	EXPECT_EQ(0, exit_code(pid));
	t.fa = reopen(self->path);
	worker_start(&t.a);
	two_end(&t);
}

/*
 * The thread that has the lock is no more, while B waits for it and another thread for B. All of
 * them are of one process, but nobody waits in the place of a thread that has ended.
 */
static void behind_the_ended(struct __test_metadata *_metadata, struct file_data *self, int wait)
{
	int fd = reopen(self->path), copy = dup(fd);
	struct worker gone;
	struct two t;

	TH_LOG("%s", waits[wait].name);
	worker_start(&gone);
	two_start(&t, self->path, self->path);
	ASSERT_EQ(0, mark(&gone, fd, F_WRLCK, 0, 1));
	ASSERT_EQ(0, mark(&t.b, t.fb, F_WRLCK, 1, 1));
	want(&t.b, t.fb, wait, 0);
	until_asleep(self->id, 1);
	worker_end(&gone);
	want(&t.a, t.fa, wait, 1);
	until_asleep(self->id, 2);
	/* Nor does anybody get it now but by the last close. */
	EXPECT_EQ(-EPERM, drop(NULL, fd, 0, 1));
	EXPECT_EQ(-ETIMEDOUT, mark(NULL, self->fd, F_RDLCK, 0, 1));
	close(fd);
	see(_metadata, copy, "W0-0*");
	EXPECT_EQ(2, locks_shown(self->id, "", true));
	close(copy);
	EXPECT_EQ(0, answer(&t.b));
	EXPECT_EQ(1, locks_shown(self->id, "", true));
	ASSERT_EQ(0, drop(&t.b, t.fb, 1, 1));
	EXPECT_EQ(0, answer(&t.a));
	two_end(&t);
	until_unlocked(self->id);
}

TEST_F(file, behind_a_thread_that_has_ended)
{
	unsigned int wait;

	for (wait = 0; wait < ARRAY_SIZE(waits); wait++)
		behind_the_ended(_metadata, self, wait);
}

/* A process whose thread has ended with a lock; says a byte when it has, and waits for one. */
static int leave_a_lock(const char *path, int sock)
{
	int fd = reopen(path);
	struct worker w;
	char byte = 0;

	worker_start(&w);
	if (mark(&w, fd, F_WRLCK, 0, 10))
		return 1;
	worker_end(&w);
	/* What the other threads of the process do is in vain. */
	if (drop(NULL, fd, 0, 0) != -EPERM || plain(NULL, fd, F_RDLCK, 5, 1) != -EPERM ||
	    mark(NULL, fd, F_WRLCK, 0, 10) != -EPERM)
		return 2;
	if (write(sock, &byte, 1) != 1 || read(sock, &byte, 1) != 1)
		return 3;
	close(fd);
	/* It has no other part in the file, and lives on. */
	return read(sock, &byte, 1) ? 4 : 0;
}

/* Its last descriptor is closed, by itself or by its end: only then the lock is gone. */
static void in_another_process(struct __test_metadata *_metadata, struct file_data *self,
			       bool killed)
{
	struct worker w;
	struct ask ask;
	int socks[2];
	char byte;
	pid_t pid;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, socks));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(socks[0]);
		_exit(leave_a_lock(self->path, socks[1]));
	}
	close(socks[1]);
	ASSERT_EQ(1, read(socks[0], &byte, 1));
	EXPECT_EQ(-EAGAIN, plain(NULL, self->fd, F_RDLCK, 9, 1));
	worker_start(&w);
	ask = ask_for(self->fd, F_SETLKPW, 0, F_WRLCK, 0, 0);
	begin(&w, &ask);
	until_asleep(self->id, 1);
	EXPECT_EQ(1, locks_shown(self->id, "OFDLCK", false));
	if (killed ? kill(pid, SIGKILL) : write(socks[0], &byte, 1) != 1)
		broken("the last close");
	EXPECT_EQ(0, answer(&w));
	see(_metadata, self->fd, "W0-EOF");
	close(socks[0]);
	EXPECT_EQ(killed ? -1 : 0, exit_code(pid));
	ASSERT_EQ(0, drop(&w, self->fd, 0, 0));
	worker_end(&w);
}

TEST_F(file, process_whose_thread_has_ended)
{
	in_another_process(_metadata, self, false);
	in_another_process(_metadata, self, true);
}

/* ---- at random ---- */

#define THREADS	5
#define BYTES	8
#define SHARED	2	/* open files that all threads have */

struct shared {
	atomic_long rounds;	/* that are left */
	atomic_long told;	/* of a deadlock */
	atomic_long refused;	/* because of a mark */
	atomic_long failed;	/* in another way */
};

struct job {
	int fds[SHARED + 1];	/* the last one is its own */
	struct shared *shared;
	unsigned int seed;
};

static void note(struct shared *shared, int ret)
{
	if (ret == -EDEADLK)
		atomic_fetch_add(&shared->told, 1);
	else if (ret == -EPERM)
		atomic_fetch_add(&shared->refused, 1);
	else if (ret)
		atomic_fetch_add(&shared->failed, 1);
}

static int mark_wait(int fd, short type, off_t byte)
{
	struct flockp_how how = timed_span(type, byte, 1);

	how.flags = FLKP_TASK;
	return timed_call(fd, &how);
}

/* Takes two bytes in any order. Whoever is told of a deadlock gives up what it has. */
static void *in_any_order(void *arg)
{
	struct job *job = arg;
	int fd = job->fds[SHARED], ret;

	while (atomic_fetch_sub(&job->shared->rounds, 1) > 0) {
		off_t first = rand_r(&job->seed) % 3, second = (first + 1 + job->seed % 2) % 3;

		ret = mark_wait(fd, F_WRLCK, first);
		sched_yield();
		if (!ret)
			ret = mark_wait(fd, F_WRLCK, second);
		note(job->shared, ret);
		note(job->shared, lock_span(fd, F_SETLKP, F_UNLCK, 0, 0));
	}
	return NULL;
}

/* Nobody else may have touched it: let it go. */
static bool still_there(int fd, short type, off_t byte)
{
	struct flock fl = span(F_UNLCK, byte, 1);

	return !lock_call(fd, F_GETLKP, &fl) && fl.l_type == type &&
	       !lock_span(fd, F_SETLKP, F_UNLCK, byte, 1);
}

/*
 * Waits while it has a lock, on a byte behind it, as all do. So threads never wait in a circle,
 * but their open files do, some of which they share: there it may meet a mark.
 */
static void *in_order(void *arg)
{
	struct job *job = arg;

	while (atomic_fetch_sub(&job->shared->rounds, 1) > 0) {
		int one = job->fds[rand_r(&job->seed) % (SHARED + 1)], ret;
		int two = job->fds[rand_r(&job->seed) % (SHARED + 1)];
		off_t first = rand_r(&job->seed) % (BYTES - 1);
		off_t second = first + 1 + rand_r(&job->seed) % (BYTES - 1 - first);
		short type = rand_r(&job->seed) % 3 ? F_WRLCK : F_RDLCK;

		ret = mark_wait(one, type, first);
		note(job->shared, ret);
		if (ret)
			continue;
		sched_yield();
		ret = mark_wait(two, F_WRLCK, second);
		note(job->shared, ret);
		if (!ret && !still_there(two, F_WRLCK, second))
			atomic_fetch_add(&job->shared->failed, 1);
		if (!still_there(one, type, first))
			atomic_fetch_add(&job->shared->failed, 1);
	}
	return NULL;
}

/* Does what it can to the locks of the others, and never waits. */
static void *meddle(void *arg)
{
	struct job *job = arg;

	while (atomic_load(&job->shared->rounds) > 0) {
		int fd = job->fds[rand_r(&job->seed) % SHARED], ret;
		short type = rand_r(&job->seed) % 2 ? F_WRLCK : F_RDLCK;
		off_t byte = rand_r(&job->seed) % BYTES;

		ret = lock_span(fd, F_SETLKP, type, byte, 1 + rand_r(&job->seed) % 2);
		sched_yield();
		if (ret && ret != -EPERM && ret != -EAGAIN)
			atomic_fetch_add(&job->shared->failed, 1);
		lock_span(fd, F_SETLKP, F_UNLCK, 0, 0);
		/* And in small pieces, of which those without a mark go. */
		for (byte = 0; byte <= BYTES; byte++) {
			ret = lock_span(fd, F_SETLKP, F_UNLCK, byte, 1);
			if (ret && ret != -EPERM)
				atomic_fetch_add(&job->shared->failed, 1);
		}
	}
	return NULL;
}

/* The last thread may have another task. */
static void run_threads(const char *path, struct shared *shared, void *(*body)(void *),
			void *(*last)(void *))
{
	struct job jobs[THREADS];
	pthread_t ids[THREADS];
	int i, j;

	for (i = 0; i < THREADS; i++) {
		jobs[i] = (struct job) { .shared = shared, .seed = i };
		for (j = 0; j <= SHARED; j++)
			jobs[i].fds[j] = j < SHARED && i ? jobs[0].fds[j] : reopen(path);
	}
	for (i = 0; i < THREADS; i++)
		if (pthread_create(&ids[i], NULL, i < THREADS - 1 ? body : last, &jobs[i]))
			broken("pthread_create");
	for (i = 0; i < THREADS; i++)
		pthread_join(ids[i], NULL);
}

/* If one was missed this would not end. */
TEST_F_TIMEOUT(file, none_is_missed, LONG_TIMEOUT)
{
	struct shared shared = { .rounds = loops(2000, 50000) };

	run_threads(self->path, &shared, in_any_order, in_any_order);
	EXPECT_LT(0, atomic_load(&shared.told));
	EXPECT_EQ(0, atomic_load(&shared.refused));
	EXPECT_EQ(0, atomic_load(&shared.failed));
	TH_LOG("%ld deadlocks", atomic_load(&shared.told));
	until_unlocked(self->id);
}

TEST_F_TIMEOUT(file, no_false_report, LONG_TIMEOUT)
{
	struct shared shared = { .rounds = loops(2000, 50000) };

	run_threads(self->path, &shared, in_order, meddle);
	EXPECT_EQ(0, atomic_load(&shared.told));
	EXPECT_EQ(0, atomic_load(&shared.failed));
	/* Or no two threads would have met on an open file that they share. */
	EXPECT_LT(0, atomic_load(&shared.refused));
	TH_LOG("%ld times a mark was in the way", atomic_load(&shared.refused));
	until_unlocked(self->id);
}

/*
 * Threads that take turns on one open file, and now and then on another one; and what each byte
 * of both should be. A thread that ends leaves its marks behind; a close takes all away.
 */
#define CELLS	17	/* 16 bytes and all that follows */
#define WORKERS	3
#define FILES	2

struct cell {
	short type;
	int mark;		/* the worker's number, which no later one has; 0: plain */
};

struct model {
	const char *path;
	unsigned int seed;
	struct worker workers[WORKERS];
	int numbers[WORKERS], last_number;
	int fds[FILES];
	bool crowded;		/* somebody reads something in the last cell */
	struct cell cells[FILES][CELLS];
	int set, refused, in_the_way;
};

static unsigned int any(struct model *m, unsigned int below)
{
	return rand_r(&m->seed) % below;
}

static int expected(const struct model *m, int file, int number, const struct ask *ask, int first,
		    int last)
{
	short type = ask->how.type;
	const struct cell *other;
	int i;

	for (i = first; i <= last && type != F_UNLCK; i++) {
		other = &m->cells[!file][i];
		if (other->type == F_WRLCK || (other->type == F_RDLCK && type == F_WRLCK) ||
		    (i == CELLS - 1 && m->crowded && type == F_WRLCK))
			return ask->cmd == F_SETLKPT ? -ETIMEDOUT : -EAGAIN;
	}
	for (i = first; i <= last; i++)
		if (m->cells[file][i].mark && m->cells[file][i].mark != number)
			return -EPERM;
	return 0;
}

static const char *model_text(const struct cell cells[CELLS], char buf[LAYOUT_SIZE])
{
	size_t used = 0;
	char end[16];
	int i, j;

	buf[0] = 0;
	for (i = 0; i < CELLS; i = j) {
		for (j = i + 1; j < CELLS && cells[j].type == cells[i].type &&
		     cells[j].mark == cells[i].mark; j++)
			;
		if (cells[i].type == F_UNLCK)
			continue;
		snprintf(end, sizeof(end), "%d", j - 1);
		used += snprintf(buf + used, LAYOUT_SIZE - used, "%s%c%d-%s%s", used ? " " : "",
				 cells[i].type == F_RDLCK ? 'R' : 'W', i, j == CELLS ? "EOF" : end,
				 cells[i].mark ? "*" : "");
	}
	return buf;
}

static void clear(struct model *m, int file)
{
	int i;

	for (i = 0; i < CELLS; i++)
		m->cells[file][i] = (struct cell) { .type = F_UNLCK };
}

static void replace_worker(struct model *m, int i)
{
	worker_end(&m->workers[i]);
	worker_start(&m->workers[i]);
	m->numbers[i] = ++m->last_number;
}

static void one_step(struct __test_metadata *_metadata, struct model *m)
{
	int who = any(m, WORKERS), file = !any(m, 4), first = any(m, CELLS), last, due, ret, i;
	static const int cmds[] = { F_SETLKP, F_SETLKPT, F_SETLKPT };
	static const short some[] = { F_UNLCK, F_RDLCK, F_WRLCK, F_WRLCK };
	short type = some[any(m, ARRAY_SIZE(some))];
	char text[LAYOUT_SIZE], seen[LAYOUT_SIZE];
	int cmd = cmds[any(m, ARRAY_SIZE(cmds))];
	__u32 flags = cmd == F_SETLKPT ? FLKP_DEADLINE : 0;
	struct ask ask;

	if (!any(m, 40)) {
		if (call(&m->workers[who], ask_for(m->fds[file], CMD_CLOSE, 0, 0, 0, 0)))
			broken("close");
		m->fds[file] = reopen(m->path);
		clear(m, file);
	}
	if (!any(m, 60))
		replace_worker(m, any(m, WORKERS));
	last = first + any(m, any(m, 4) ? 4 : CELLS);
	if (last > CELLS - 1)
		last = CELLS - 1;
	if (cmd == F_SETLKPT && type != F_UNLCK && any(m, 3))
		flags |= FLKP_TASK;
	ask = ask_for(m->fds[file], cmd, flags, type, first,
		      last == CELLS - 1 ? 0 : last - first + 1);
	due = expected(m, file, m->numbers[who], &ask, first, last);
	model_text(m->cells[file], text);
	ret = call(&m->workers[who], ask);
	if (ret != due)
		TH_LOG("worker %d, file %d, cmd %d, flags %u, type %d, %d to %d; was %s", who, file,
		       cmd, flags, type, first, last, text);
	ASSERT_EQ(due, ret);
	m->set += !ret;
	m->refused += ret == -EPERM;
	m->in_the_way += ret && ret != -EPERM;
	for (i = first; i <= last && !ret; i++)
		m->cells[file][i] = (struct cell) {
			.type = type,
			.mark = flags & FLKP_TASK ? m->numbers[who] : 0,
		};
	for (i = 0; i < FILES; i++) {
		model_text(m->cells[i], text);
		ASSERT_STREQ(text, marked_layout(m->fds[i], seen));
	}
	model_text(m->cells[file], text);
	ASSERT_STREQ(without_marks(text, seen), layout(m->fds[file], text));
}

static void run_model(struct __test_metadata *_metadata, struct file_data *self, int many,
		      int steps)
{
	const char *seed = getenv("LOCKS_SEED");
	struct model m = {
		.path = self->path,
		.seed = seed ? strtoul(seed, NULL, 0) : clock_now(CLOCK_REALTIME),
		.crowded = many,
	};
	int far = crowd(self->path, many), i;

	TH_LOG("LOCKS_SEED=%u, %d locks of somebody else", m.seed, many);
	for (i = 0; i < FILES; i++) {
		m.fds[i] = reopen(self->path);
		clear(&m, i);
	}
	for (i = 0; i < WORKERS; i++) {
		worker_start(&m.workers[i]);
		m.numbers[i] = ++m.last_number;
	}
	for (i = 0; i < steps; i++)
		one_step(_metadata, &m);
	TH_LOG("%d set, %d refused, %d in the way", m.set, m.refused, m.in_the_way);
	EXPECT_LT(steps / 20, m.set);
	EXPECT_LT(steps / 20, m.refused);
	EXPECT_LT(steps / 20, m.in_the_way);
	for (i = 0; i < WORKERS; i++)
		worker_end(&m.workers[i]);
	for (i = 0; i < FILES; i++)
		close(m.fds[i]);
	close(far);
	until_unlocked(self->id);
}

TEST_F_TIMEOUT(file, model, LONG_TIMEOUT)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(crowds); i++)
		run_model(_metadata, self, crowds[i], loops(2000, 50000) / 2);
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "after_exec"))
		return after_exec(atoi(argv[2]));
	need_timed();
	return run_tests(argc, argv);
}
