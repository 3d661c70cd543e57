// SPDX-License-Identifier: GPL-2.0
/*
 * Circles of those who wait for each other: reported where nobody in them can go on, and only
 * there. The request that closes a circle may wait for a moment before it is told, so a test
 * that wants no report looks at what the request says in the end.
 */
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <linux/io_uring.h>

#include "fixture.h"

#define HOUR (3600 * NSEC_PER_SEC)

enum way { PRIVATE, PRIVATE_PT, CLASSIC, NR_WAYS };

static const char *const way_names[] = { "F_SETLKPW", "F_SETLKPT", "F_SETLKW" };

static int take(struct peer *peer, int fd, enum way way, short type, off_t byte)
{
	return peer_lock(peer, fd, way == CLASSIC ? F_SETLK : F_SETLKP, type, byte, 1);
}

static void want(struct peer *peer, int fd, enum way way, short type, off_t byte)
{
	struct flockp_how how = timed_span(type, byte, 1);
	struct flock fl = span(type, byte, 1);

	if (way == PRIVATE_PT)
		peer_ask_timed(peer, fd, &how);
	else
		peer_ask(peer, fd, way == CLASSIC ? F_SETLKW : F_SETLKPW, &fl);
}

static int drop(struct peer *peer, int fd, enum way way, off_t byte)
{
	return take(peer, fd, way, F_UNLCK, byte);
}

/* Two processes, each of which has its locks for itself. */
struct pair {
	struct peer a, b;
	int fa, fb;
};

static void pair_start(struct pair *p, const char *path_a, const char *path_b)
{
	peer_start(&p->a, PEER_OWN_FDS);
	peer_start(&p->b, PEER_OWN_FDS);
	p->fa = peer_open(&p->a, path_a, O_RDWR);
	p->fb = peer_open(&p->b, path_b, O_RDWR);
	peer_handle_signal(&p->a, 0);
}

static void pair_stop(struct pair *p)
{
	peer_stop(&p->a);
	peer_stop(&p->b);
}

/* A has byte 0 and wants byte 1, B has byte 1 and wants byte 0. */
static void told(struct __test_metadata *_metadata, struct file_data *self, struct pair *p,
		 enum way a, enum way b)
{
	ASSERT_EQ(0, take(&p->a, p->fa, a, F_WRLCK, 0));
	ASSERT_EQ(0, take(&p->b, p->fb, b, F_WRLCK, 1));
	want(&p->a, p->fa, a, F_WRLCK, 1);
	until_waiting(self->id, 1);
	until_sleeping(p->a.pid);
	want(&p->b, p->fb, b, F_WRLCK, 0);
	EXPECT_EQ(-EDEADLK, peer_answer(&p->b, NULL));
	/* It still has what it had, and nothing of it waits. */
	until_waiting(self->id, 1);
	EXPECT_EQ(-EAGAIN, lock_span(self->fd2, F_SETLKP, F_WRLCK, 1, 1));
	ASSERT_EQ(0, drop(&p->b, p->fb, b, 1));
	EXPECT_EQ(0, peer_answer(&p->a, NULL));
	pair_stop(p);
	until_unlocked(self->id);
}

static void reported(struct __test_metadata *_metadata, struct file_data *self,
		     enum way a, enum way b)
{
	struct pair p;

	TH_LOG("%s, then %s", way_names[a], way_names[b]);
	pair_start(&p, self->path, self->path);
	told(_metadata, self, &p, a, b);
}

TEST_F(file, two_that_wait_for_each_other)
{
	int a, b;

	for (a = 0; a < NR_WAYS; a++)
		for (b = 0; b < NR_WAYS; b++)
			reported(_metadata, self, a, b);
}

static void circle_of(struct __test_metadata *_metadata, struct file_data *self, int n)
{
	struct peer peers[n];
	int fds[n], i;

	for (i = 0; i < n; i++) {
		peer_start(&peers[i], PEER_OWN_FDS);
		fds[i] = peer_open(&peers[i], self->path, O_RDWR);
		ASSERT_EQ(0, take(&peers[i], fds[i], PRIVATE, F_WRLCK, i));
	}
	for (i = 0; i < n - 1; i++) {
		want(&peers[i], fds[i], PRIVATE, F_WRLCK, i + 1);
		until_waiting(self->id, i + 1);
		until_sleeping(peers[i].pid);
	}
	want(&peers[n - 1], fds[n - 1], PRIVATE, F_WRLCK, 0);
	EXPECT_EQ(-EDEADLK, peer_answer(&peers[n - 1], NULL));
	for (i = n - 1; i >= 0; i--) {
		peer_stop(&peers[i]);
		if (i)
			EXPECT_EQ(0, peer_answer(&peers[i - 1], NULL));
	}
}

TEST_F(file, circle_of_three)
{
	circle_of(_metadata, self, 3);
}

/* More than a search of limited depth would follow, and more locks than fit in a list. */
TEST_F(file, circle_of_forty)
{
	circle_of(_metadata, self, 40);
}

/*
 * A bystander has a lock in the way, too, and waits for nobody, or for somebody who does not
 * wait. One of the circle's in the way is enough: all of them have to go.
 */
static void behind_bystander(struct __test_metadata *_metadata, struct file_data *self,
			     enum way way, bool waits)
{
	struct peer bystander;
	struct pair p;
	int fd;

	TH_LOG("%s, bystander %s", way_names[way], waits ? "waits" : "does not wait");
	peer_start(&bystander, PEER_OWN_FDS);
	pair_start(&p, self->path, self->path);
	fd = peer_open(&bystander, self->path, O_RDWR);
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, 5, 1));
	ASSERT_EQ(0, take(&bystander, fd, way, F_RDLCK, 0));
	ASSERT_EQ(0, take(&p.a, p.fa, way, F_RDLCK, 0));
	ASSERT_EQ(0, take(&p.b, p.fb, way, F_WRLCK, 1));
	if (waits)
		want(&bystander, fd, way, F_WRLCK, 5);
	until_waiting(self->id, waits);
	until_sleeping(bystander.pid);
	want(&p.a, p.fa, way, F_WRLCK, 1);
	until_waiting(self->id, 1 + waits);
	until_sleeping(p.a.pid);
	want(&p.b, p.fb, way, F_WRLCK, 0);
	EXPECT_EQ(-EDEADLK, peer_answer(&p.b, NULL));
	pair_stop(&p);
	peer_stop(&bystander);
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_UNLCK, 5, 1));
	until_unlocked(self->id);
}

TEST_F(file, bystander_hides_nothing)
{
	int way;

	for (way = 0; way < NR_WAYS; way++) {
		behind_bystander(_metadata, self, way, false);
		behind_bystander(_metadata, self, way, true);
	}
}

TEST_F(file, two_who_read_and_want_to_write)
{
	struct pair p;

	pair_start(&p, self->path, self->path);
	ASSERT_EQ(0, take(&p.a, p.fa, PRIVATE, F_RDLCK, 0));
	ASSERT_EQ(0, take(&p.b, p.fb, PRIVATE, F_RDLCK, 0));
	want(&p.a, p.fa, PRIVATE, F_WRLCK, 0);
	until_waiting(self->id, 1);
	until_sleeping(p.a.pid);
	want(&p.b, p.fb, PRIVATE, F_WRLCK, 0);
	EXPECT_EQ(-EDEADLK, peer_answer(&p.b, NULL));
	/* The read lock is still there. */
	EXPECT_EQ(2, locks_shown(self->id, "OFDLCK ADVISORY  READ", false));
	ASSERT_EQ(0, drop(&p.b, p.fb, PRIVATE, 0));
	EXPECT_EQ(0, peer_answer(&p.a, NULL));
	pair_stop(&p);
}

/* Locks on one file, waits on the other; the same with many locks on both. */
static void across_files(struct __test_metadata *_metadata, struct file_data *self, int others)
{
	char path[160], id[FILE_ID_SIZE];
	int i, fd, a, b;
	struct pair p;

	snprintf(path, sizeof(path), "%s.2", self->path);
	fd = open(path, O_RDWR | O_CREAT, 0644);
	ASSERT_LE(0, fd);
	file_id(fd, id);
	for (i = 0; i < others; i++) {
		ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_RDLCK, 10 + 2 * i, 1));
		ASSERT_EQ(0, lock_span(fd, F_SETLKP, F_RDLCK, 10 + 2 * i, 1));
	}
	pair_start(&p, self->path, path);
	a = peer_open(&p.a, path, O_RDWR);
	b = peer_open(&p.b, self->path, O_RDWR);
	ASSERT_EQ(0, take(&p.a, p.fa, PRIVATE, F_WRLCK, 100));
	ASSERT_EQ(0, take(&p.b, p.fb, PRIVATE, F_WRLCK, 100));
	want(&p.a, a, PRIVATE, F_WRLCK, 100);
	until_waiting(id, 1);
	until_sleeping(p.a.pid);
	want(&p.b, b, PRIVATE, F_WRLCK, 100);
	EXPECT_EQ(-EDEADLK, peer_answer(&p.b, NULL));
	ASSERT_EQ(0, drop(&p.b, p.fb, PRIVATE, 100));
	EXPECT_EQ(0, peer_answer(&p.a, NULL));
	pair_stop(&p);
	close(fd);
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_UNLCK, 0, 0));
}

TEST_F(file, across_two_files)
{
	across_files(_metadata, self, 0);
	across_files(_metadata, self, 40);
}

/* The circle is there, but somebody else could open it; then the last one that could is gone. */
TEST_F(file, certain_only_later)
{
	struct pair p;
	struct pollfd polls[2];
	int told;

	peer_start(&p.b, PEER_OWN_FDS);
	p.fb = peer_open(&p.b, self->path, O_RDWR);
	close(self->fd);
	self->fd = open(self->path, O_RDWR);
	ASSERT_LE(0, self->fd);
	peer_start(&p.a, PEER_OWN_FDS);
	p.fa = self->fd;
	ASSERT_EQ(0, take(&p.a, p.fa, PRIVATE, F_WRLCK, 0));
	ASSERT_EQ(0, take(&p.b, p.fb, PRIVATE, F_WRLCK, 1));
	want(&p.a, p.fa, PRIVATE, F_WRLCK, 1);
	until_waiting(self->id, 1);
	until_sleeping(p.a.pid);
	want(&p.b, p.fb, PRIVATE, F_WRLCK, 0);
	until_waiting(self->id, 2);
	until_sleeping(p.b.pid);
	close(self->fd);
	/* One of them looks again, and which one does not matter. */
	polls[0] = (struct pollfd) { .fd = p.a.sock, .events = POLLIN };
	polls[1] = (struct pollfd) { .fd = p.b.sock, .events = POLLIN };
	ASSERT_EQ(1, poll(polls, 2, -1));
	told = !polls[0].revents;
	EXPECT_EQ(-EDEADLK, peer_answer(told ? &p.b : &p.a, NULL));
	ASSERT_EQ(0, told ? drop(&p.b, p.fb, PRIVATE, 1) : drop(&p.a, p.fa, PRIVATE, 0));
	EXPECT_EQ(0, peer_answer(told ? &p.a : &p.b, NULL));
	pair_stop(&p);
	self->fd = open(self->path, O_RDWR);
}

/*
 * Both wait; that B is not told of a deadlock shows when A gives up its wait and its lock, for
 * then B gets what it waits for.
 */
static void not_reported(struct __test_metadata *_metadata, struct file_data *self,
			 struct pair *p, enum way a, enum way b)
{
	until_waiting(self->id, 2);
	/* Until both have looked for a deadlock: else there was nobody to be told. */
	until_sleeping(p->a.pid);
	until_sleeping(p->b.pid);
	peer_signal(&p->a);
	EXPECT_EQ(-EINTR, peer_answer(&p->a, NULL));
	ASSERT_EQ(0, drop(&p->a, p->fa, a, 0));
	EXPECT_EQ(0, peer_answer(&p->b, NULL));
	pair_stop(p);
	lock_span(self->fd, F_SETLKP, F_UNLCK, 0, 0);
	until_unlocked(self->id);
}

/* So many locks that wait for nobody are in A's way before the one of B. */
static void behind_many(struct __test_metadata *_metadata, struct file_data *self, int others,
			bool found)
{
	const off_t last = 10 + 2 * others;
	struct flock all = span(F_WRLCK, 10, last - 9);
	struct pair p;
	int i;

	for (i = 0; i < others; i++)
		ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_RDLCK, 10 + 2 * i, 1));
	pair_start(&p, self->path, self->path);
	ASSERT_EQ(0, take(&p.a, p.fa, PRIVATE, F_WRLCK, 0));
	ASSERT_EQ(0, take(&p.b, p.fb, PRIVATE, F_WRLCK, last));
	peer_ask(&p.a, p.fa, F_SETLKPW, &all);
	until_waiting(self->id, 1);
	until_sleeping(p.a.pid);
	want(&p.b, p.fb, PRIVATE, F_WRLCK, 0);
	if (!found) {
		not_reported(_metadata, self, &p, PRIVATE, PRIVATE);
		return;
	}
	EXPECT_EQ(-EDEADLK, peer_answer(&p.b, NULL));
	ASSERT_EQ(0, drop(&p.b, p.fb, PRIVATE, last));
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_UNLCK, 0, 0));
	EXPECT_EQ(0, peer_answer(&p.a, NULL));
	pair_stop(&p);
	until_unlocked(self->id);
}

/* The search lets others get at the locks now and then, and ends some time. */
TEST_F_TIMEOUT(file, search_among_many, LONG_TIMEOUT)
{
	behind_many(_metadata, self, 1000, true);
	behind_many(_metadata, self, 5000, false);
}

static void not_told(struct __test_metadata *_metadata, struct file_data *self, struct pair *p)
{
	ASSERT_EQ(0, take(&p->a, p->fa, PRIVATE, F_WRLCK, 0));
	ASSERT_EQ(0, take(&p->b, p->fb, PRIVATE, F_WRLCK, 1));
	want(&p->a, p->fa, PRIVATE, F_WRLCK, 1);
	until_waiting(self->id, 1);
	want(&p->b, p->fb, PRIVATE, F_WRLCK, 0);
	not_reported(_metadata, self, p, PRIVATE, PRIVATE);
}

/* B is there first, so that it has none of the descriptors that A gets from us. */
static void start_b(struct pair *p, struct file_data *self)
{
	peer_start(&p->b, PEER_OWN_FDS);
	p->fb = peer_open(&p->b, self->path, O_RDWR);
	close(self->fd);
	self->fd = open(self->path, O_RDWR);
	if (self->fd < 0)
		broken(self->path);
	p->fa = self->fd;
}

static void start_a(struct pair *p)
{
	peer_start(&p->a, PEER_OWN_FDS);
	peer_handle_signal(&p->a, 0);
}

TEST_F(file, open_file_of_two_processes)
{
	struct pair p;

	start_b(&p, self);
	start_a(&p);
	not_told(_metadata, self, &p);
}

TEST_F(file, two_descriptors)
{
	struct pair p;
	int copy;

	start_b(&p, self);
	copy = dup(self->fd);
	start_a(&p);
	close(copy);
	close(self->fd);
	not_told(_metadata, self, &p);
}

TEST_F(file, descriptor_in_a_message)
{
	struct pair p;
	int socks[2];

	start_b(&p, self);
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, socks));
	send_fd(socks[0], self->fd);
	start_a(&p);
	close(self->fd);
	not_told(_metadata, self, &p);
}

TEST_F(file, descriptor_in_io_uring)
{
	struct pair p;

	if (ring_missing())
		SKIP(return, "%s", ring_missing());
	start_b(&p, self);
	ring_make(self->fd);
	start_a(&p);
	close(self->fd);
	not_told(_metadata, self, &p);
}

TEST_F(file, mapping)
{
	struct pair p;
	void *map;

	start_b(&p, self);
	ASSERT_EQ(0, ftruncate(self->fd, 4096));
	map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, map);
	start_a(&p);
	munmap(map, 4096);
	close(self->fd);
	/* There a mapping is one of the file below, so only A's descriptor is left. */
	if (variant->place == PLACE_OVERLAY)
		told(_metadata, self, &p, PRIVATE, PRIVATE);
	else
		not_told(_metadata, self, &p);
}

/* One thread waits, another one, who is not even one of the same process, unlocks. */
TEST_F(file, table_of_two_tasks)
{
	struct peer thread;
	struct pair p;

	start_b(&p, self);
	peer_start(&thread, PEER_SHARED_FDS);
	ASSERT_EQ(0, take(&thread, self->fd, PRIVATE, F_WRLCK, 0));
	ASSERT_EQ(0, take(&p.b, p.fb, PRIVATE, F_WRLCK, 1));
	want(&thread, self->fd, PRIVATE, F_WRLCK, 1);
	until_waiting(self->id, 1);
	until_sleeping(thread.pid);
	want(&p.b, p.fb, PRIVATE, F_WRLCK, 0);
	until_waiting(self->id, 2);
	until_sleeping(p.b.pid);
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_UNLCK, 0, 1));
	EXPECT_EQ(0, peer_answer(&p.b, NULL));
	ASSERT_EQ(0, drop(&p.b, p.fb, PRIVATE, 1));
	EXPECT_EQ(0, peer_answer(&thread, NULL));
	peer_stop(&thread);
	peer_stop(&p.b);
}

/* The circle ends by itself: whoever waits with a deadline is not stuck. */
static void timed_in_circle(struct __test_metadata *_metadata, struct file_data *self, enum way b)
{
	struct flockp_how how = timed_until(F_WRLCK, 1, 1, CLOCK_MONOTONIC,
					    clock_now(CLOCK_MONOTONIC) + HOUR);
	struct pair p;

	TH_LOG("closed by %s", way_names[b]);
	pair_start(&p, self->path, self->path);
	ASSERT_EQ(0, take(&p.a, p.fa, PRIVATE, F_WRLCK, 0));
	ASSERT_EQ(0, take(&p.b, p.fb, b, F_WRLCK, 1));
	peer_ask_timed(&p.a, p.fa, &how);
	until_waiting(self->id, 1);
	until_sleeping(p.a.pid);
	want(&p.b, p.fb, b, F_WRLCK, 0);
	not_reported(_metadata, self, &p, PRIVATE, b);
}

TEST_F(file, deadline_in_the_circle)
{
	int b;

	for (b = 0; b < NR_WAYS; b++)
		timed_in_circle(_metadata, self, b);
}

/* A waits, for somebody who does not; and B waits for A. */
TEST_F(file, chain_is_no_circle)
{
	struct pair p;

	pair_start(&p, self->path, self->path);
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_RDLCK, 1, 1));
	ASSERT_EQ(0, take(&p.a, p.fa, PRIVATE, F_WRLCK, 0));
	/* B has what A wants, too, but as a reader: it is not in A's way. */
	ASSERT_EQ(0, take(&p.b, p.fb, PRIVATE, F_RDLCK, 3));
	want(&p.a, p.fa, PRIVATE, F_WRLCK, 1);
	until_waiting(self->id, 1);
	until_sleeping(p.a.pid);
	want(&p.b, p.fb, PRIVATE, F_WRLCK, 0);
	not_reported(_metadata, self, &p, PRIVATE, PRIVATE);
}

TEST_F(file, readers_are_not_in_the_way_of_each_other)
{
	struct flock fl = span(F_RDLCK, 0, 3);
	struct pair p;

	pair_start(&p, self->path, self->path);
	/* A wants to read all; what B has of it for reading does not count, what we have does. */
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, 2, 1));
	ASSERT_EQ(0, take(&p.a, p.fa, PRIVATE, F_WRLCK, 0));
	ASSERT_EQ(0, take(&p.b, p.fb, PRIVATE, F_RDLCK, 1));
	peer_ask(&p.a, p.fa, F_SETLKPW, &fl);
	until_waiting(self->id, 1);
	until_sleeping(p.a.pid);
	want(&p.b, p.fb, PRIVATE, F_WRLCK, 0);
	not_reported(_metadata, self, &p, PRIVATE, PRIVATE);
}

/* ---- at random ---- */

#define BYTES		8
#define THREADS		3
#define SHARED		2	/* open files that all processes have */

struct shared {
	atomic_long rounds;	/* that are left */
	atomic_long in_the_way;	/* requests that found a lock they had to wait for */
	atomic_long told;	/* of a deadlock */
	atomic_long failed;	/* in another way */
};

struct job {
	const char *path;
	const int *fds;		/* of which it takes one at random */
	int count;
	struct shared *shared;
	unsigned int seed;
};

static int random_wait(struct job *job, int fd, short type, off_t byte)
{
	struct flockp_how how = timed_span(type, byte, 1);
	int ret = lock_span(fd, F_SETLKP, type, byte, 1);

	if (ret != -EAGAIN)
		return ret;
	atomic_fetch_add(&job->shared->in_the_way, 1);
	return rand_r(&job->seed) % 2 ? timed_call(fd, &how) :
					lock_span(fd, F_SETLKPW, type, byte, 1);
}

static void note(struct shared *shared, int ret)
{
	if (ret == -EDEADLK)
		atomic_fetch_add(&shared->told, 1);
	else if (ret)
		atomic_fetch_add(&shared->failed, 1);
}

/* Never waits while it has a lock, so it is in no circle. What its owner has is another matter. */
static void *one_at_a_time(void *arg)
{
	struct job *job = arg;

	while (atomic_fetch_sub(&job->shared->rounds, 1) > 0) {
		int fd = job->fds[rand_r(&job->seed) % job->count];
		short type = rand_r(&job->seed) % 3 ? F_WRLCK : F_RDLCK;
		off_t byte = rand_r(&job->seed) % BYTES;

		note(job->shared, random_wait(job, fd, type, byte));
		sched_yield();
		note(job->shared, lock_span(fd, F_SETLKP, F_UNLCK, byte, 1));
	}
	return NULL;
}

/* Waits while it has a lock, on a byte behind it: all who do that keep to this order. */
static void in_order(struct job *job)
{
	int fd = open(job->path, O_RDWR);

	while (atomic_fetch_sub(&job->shared->rounds, 1) > 0) {
		off_t first = rand_r(&job->seed) % (BYTES - 1);
		off_t second = first + 1 + rand_r(&job->seed) % (BYTES - 1 - first);

		note(job->shared, random_wait(job, fd, F_WRLCK, first));
		note(job->shared, random_wait(job, fd, F_WRLCK, second));
		sched_yield();
		note(job->shared, lock_span(fd, F_SETLKP, F_UNLCK, 0, 0));
	}
	close(fd);
}

static void threads(struct job *job, int shared_fds[SHARED])
{
	int fds[SHARED + 2], i;
	struct job jobs[THREADS];
	pthread_t ids[THREADS];

	memcpy(fds, shared_fds, SHARED * sizeof(int));
	for (i = SHARED; i < SHARED + 2; i++)
		fds[i] = open(job->path, O_RDWR);
	for (i = 0; i < THREADS; i++) {
		jobs[i] = *job;
		jobs[i].fds = fds;
		jobs[i].count = SHARED + 2;
		jobs[i].seed += 100 * i;
		if (pthread_create(&ids[i], NULL, one_at_a_time, &jobs[i]))
			broken("pthread_create");
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(ids[i], NULL);
}

static struct shared *share(long rounds)
{
	struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (shared == MAP_FAILED)
		broken("mmap");
	shared->rounds = rounds;
	return shared;
}

/* Owners wait for each other in circles all the time, and tasks never do. */
TEST_F_TIMEOUT(file, no_false_report, LONG_TIMEOUT)
{
	struct shared *shared = share(loops(6000, 100000));
	struct job job = { .path = self->path, .shared = shared };
	int fds[SHARED], i, status;

	for (i = 0; i < SHARED; i++) {
		fds[i] = open(self->path, O_RDWR);
		ASSERT_LE(0, fds[i]);
	}
	for (i = 0; i < 6; i++) {
		job.seed = i;
		if (fork())
			continue;
		if (i % 2) {
			/* Of the open files that others have it keeps none. */
			close(fds[0]);
			close(fds[1]);
			close(self->fd);
			close(self->fd2);
			in_order(&job);
		} else {
			threads(&job, fds);
		}
		_exit(0);
	}
	for (i = 0; i < 6; i++) {
		ASSERT_LT(0, wait(&status));
		EXPECT_EQ(0, status);
	}
	EXPECT_LT(0, atomic_load(&shared->in_the_way));
	EXPECT_EQ(0, atomic_load(&shared->told));
	EXPECT_EQ(0, atomic_load(&shared->failed));
}

/* Takes two bytes in any order. Whoever is told of a deadlock gives up what it has. */
static void in_any_order(struct job *job, int fd)
{
	int ret;

	while (atomic_fetch_sub(&job->shared->rounds, 1) > 0) {
		off_t first = rand_r(&job->seed) % 3, second = (first + 1 + job->seed % 2) % 3;

		ret = random_wait(job, fd, F_WRLCK, first);
		sched_yield();
		if (!ret)
			ret = random_wait(job, fd, F_WRLCK, second);
		note(job->shared, ret);
		note(job->shared, lock_span(fd, F_SETLKP, F_UNLCK, 0, 0));
	}
}

/* If one was missed this would not end. */
TEST_F_TIMEOUT(file, none_is_missed, LONG_TIMEOUT)
{
	struct shared *shared = share(loops(3000, 100000));
	struct job job = { .path = self->path, .shared = shared };
	int i, status;

	for (i = 0; i < 4; i++) {
		job.seed = i;
		if (!fork()) {
			in_any_order(&job, open(self->path, O_RDWR));
			_exit(0);
		}
	}
	for (i = 0; i < 4; i++) {
		ASSERT_LT(0, wait(&status));
		EXPECT_EQ(0, status);
	}
	EXPECT_LT(0, atomic_load(&shared->told));
	EXPECT_EQ(0, atomic_load(&shared->failed));
	TH_LOG("%ld deadlocks", atomic_load(&shared->told));
}

/* ---- somebody else can open the circle ---- */

enum reference { IN_TABLE, IN_MESSAGE, IN_RING, NR_REFERENCES };

/* The one reference to an open file besides that of its locker. */
struct rescue {
	enum reference how;
	int fd;
	int socks[2];
	int ring;
	struct io_uring_params params;
	char *sq, *cq;
	struct io_uring_sqe *sqe;
};

static void *map_ring(struct rescue *r, off_t what, size_t size)
{
	void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, r->ring,
			 what);

	if (map == MAP_FAILED)
		broken("mmap of io_uring");
	return map;
}

static void make_ring(struct rescue *r)
{
	r->ring = syscall(__NR_io_uring_setup, 1, &r->params);
	if (r->ring < 0)
		broken("io_uring_setup");
	r->sq = map_ring(r, IORING_OFF_SQ_RING, r->params.sq_off.array + sizeof(__u32));
	r->cq = map_ring(r, IORING_OFF_CQ_RING,
			 r->params.cq_off.cqes + 2 * sizeof(struct io_uring_cqe));
	r->sqe = map_ring(r, IORING_OFF_SQES, sizeof(*r->sqe));
	if (syscall(__NR_io_uring_register, r->ring, IORING_REGISTER_FILES, &r->fd, 1))
		broken("IORING_REGISTER_FILES");
}

static __u32 *in_ring(char *ring, __u32 offset)
{
	return (__u32 *)(ring + offset);
}

/* A descriptor for the registered file. */
static void take_from_ring(struct rescue *r)
{
	__u32 *tail = in_ring(r->sq, r->params.sq_off.tail);
	__u32 *head = in_ring(r->cq, r->params.cq_off.head);
	struct io_uring_cqe *cqes = (struct io_uring_cqe *)(r->cq + r->params.cq_off.cqes);

	memset(r->sqe, 0, sizeof(*r->sqe));
	r->sqe->opcode = IORING_OP_FIXED_FD_INSTALL;
	r->sqe->flags = IOSQE_FIXED_FILE;
	*in_ring(r->sq, r->params.sq_off.array) = 0;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	if (syscall(__NR_io_uring_enter, r->ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) != 1)
		broken("io_uring_enter");
	r->fd = cqes[*head & *in_ring(r->cq, r->params.cq_off.ring_mask)].res;
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	if (r->fd < 0)
		broken("IORING_OP_FIXED_FD_INSTALL");
}

static void rescue_begin(struct rescue *r)
{
	if (r->how == IN_MESSAGE) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, r->socks))
			broken("socketpair");
		send_fd(r->socks[0], r->fd);
	} else if (r->how == IN_RING) {
		make_ring(r);
	}
	if (r->how != IN_TABLE)
		close(r->fd);
}

/* Release what the open file has locked; there is a reference all the time. */
static void rescue(struct rescue *r)
{
	if (r->how == IN_MESSAGE)
		r->fd = receive_fd(r->socks[1]);
	else if (r->how == IN_RING)
		take_from_ring(r);
	if (lock_span(r->fd, F_SETLKP, F_UNLCK, 0, 0))
		broken("unlock");
	if (r->how == IN_MESSAGE)
		send_fd(r->socks[0], r->fd);
	if (r->how != IN_TABLE)
		close(r->fd);
}

#define LOCKERS 6

/*
 * Tasks in circles, each the only one with a descriptor of its open file, but for a reference
 * elsewhere, by which somebody opens the circles again and again.
 */
TEST_F_TIMEOUT(file, no_report_where_somebody_helps, LONG_TIMEOUT)
{
	struct shared *shared = share(loops(600, 100000));
	struct job job = { .path = self->path, .shared = shared };
	struct rescue rescues[LOCKERS] = {};
	int i, j, status, go[2];
	pid_t rescuer;
	char c;

	if (ring_missing())
		SKIP(return, "%s", ring_missing());
	ASSERT_EQ(0, pipe(go));
	for (i = 0; i < LOCKERS; i++) {
		rescues[i].how = i % NR_REFERENCES;
		rescues[i].fd = open(self->path, O_RDWR);
		ASSERT_LE(0, rescues[i].fd);
	}
	for (i = 0; i < LOCKERS; i++) {
		job.seed = i;
		if (fork())
			continue;
		close(go[1]);
		for (j = 0; j < LOCKERS; j++)
			if (j != i)
				close(rescues[j].fd);
		/* Until the others have no descriptor of ours any more. */
		if (read(go[0], &c, 1))
			_exit(1);
		in_any_order(&job, rescues[i].fd);
		_exit(0);
	}
	rescuer = fork();
	if (!rescuer) {
		for (i = 0; i < LOCKERS; i++)
			rescue_begin(&rescues[i]);
		close(go[1]);
		for (i = 0; ; i++) {
			rescue(&rescues[i % LOCKERS]);
			if (i % LOCKERS == 0)
				pause_briefly();
		}
	}
	for (i = 0; i < LOCKERS; i++)
		close(rescues[i].fd);
	close(go[1]);
	for (i = 0; i < LOCKERS; i++) {
		ASSERT_LT(0, wait(&status));
		EXPECT_EQ(0, status);
	}
	kill(rescuer, SIGKILL);
	ASSERT_EQ(rescuer, wait(&status));
	EXPECT_LT(0, atomic_load(&shared->in_the_way));
	EXPECT_EQ(0, atomic_load(&shared->told));
	EXPECT_EQ(0, atomic_load(&shared->failed));
}

int main(int argc, char **argv)
{
	need_timed();
	return run_tests(argc, argv);
}
