// SPDX-License-Identifier: GPL-2.0
/*
 * F_ENUMLKP: which locks it lists, and in which order; and that a listing in small
 * steps is as good as one in a large step, whatever happens to other locks in between.
 */
#include <stdint.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "fixture.h"
#include "listing.h"
#include "requester.h"
#include "scene.h"

#define OFFSET_MAX INT64_MAX
#define STATES	(FLKP_HELD | FLKP_WAITING)
#define KINDS	(FLKP_PRIVATE | FLKP_CLASSIC | FLKP_FLOCK)

TEST_F(file, nothing)
{
	struct flockp_entry entry;
	__u32 flags;
	__u64 owner[2];

	for (flags = 0; flags < 32; flags++) {
		struct flockp_enum how = listing(&entry, 1);

		how.flags = flags;
		EXPECT_EQ(0, listing_call(self->fd, &how));
		/* The end is the end. */
		EXPECT_EQ(0, listing_call(self->fd, &how));
	}
	/* Nobody has locked it yet, and asking does not. */
	EXPECT_FALSE(owners_of(getpid(), self->fd, owner));
	set(self->fd, F_WRLCK, 0, 1);
	set(self->fd, F_UNLCK, 0, 1);
	EXPECT_EQ(0, listed_count(self->fd, 0));
	EXPECT_TRUE(owners_of(getpid(), self->fd, owner));
	EXPECT_NE(0, owner[0]);
	EXPECT_NE(0, owner[1]);
	EXPECT_NE(owner[0], owner[1]);
}

/* The end of the file has no length, and only what reaches the last byte there is has that end. */
TEST_F(file, ends)
{
	static const struct {
		off_t start, len;
		const char *text;
	} spans[] = {
		{ 0, 0, "hpW0-EOF" },
		{ 5, 0, "hpW5-EOF" },
		{ 0, 1, "hpW0-0" },
		{ 0, OFFSET_MAX, "hpW0-9223372036854775806" },
		{ 1, OFFSET_MAX, "hpW1-EOF" },
		{ OFFSET_MAX, 0, "hpW9223372036854775807-EOF" },
		{ OFFSET_MAX, 1, "hpW9223372036854775807-EOF" },
		{ OFFSET_MAX - 1, 1, "hpW9223372036854775806-9223372036854775806" },
	};
	char text[LISTED_SIZE];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(spans); i++) {
		set(self->fd, F_WRLCK, spans[i].start, spans[i].len);
		EXPECT_STREQ(spans[i].text, listed(self->fd2, 0, text));
		set(self->fd, F_UNLCK, 0, 0);
	}
}

/* Split a text before the first request that waits; it comes after all that is held. */
static const char *split(const char *text)
{
	static char waits[LISTED_SIZE];
	char *at = strstr(text, " w");

	snprintf(waits, sizeof(waits), "%s", at ?: "");
	if (at)
		*at = 0;
	return waits;
}

TEST_F(file, order)
{
	int a = reopen(self->path), b = reopen(self->path), c = reopen(self->path);
	char text[LISTED_SIZE];
	struct requester r[5];
	struct list list;
	unsigned int i;

	for (i = 0; i < NR_CROWDS; i++) {
		int crowded = reopen(self->path);
		__u64 classic;

		crowd(crowded, crowds[i]);
		set(b, F_RDLCK, 50, 10);
		set(c, F_RDLCK, 10, 10);
		ASSERT_EQ(0, lock_span(self->fd, F_SETLK, F_RDLCK, 10, 5));
		set(a, F_RDLCK, 10, 10);
		set(b, F_RDLCK, 0, 1);
		ASSERT_EQ(0, flock(c, LOCK_SH));
		ASSERT_EQ(0, flock(a, LOCK_SH));
		r[0] = request(WAY_PRIVATE, self->fd, F_WRLCK, 12, 1);
		until_listed(self->fd, r[0].pid);
		r[1] = request(WAY_TIMED, self->fd, F_WRLCK, 5, 56);
		until_listed(self->fd, r[1].pid);
		r[2] = request(WAY_CLASSIC, self->fd2, F_WRLCK, 12, 19);
		until_listed(self->fd, r[2].pid);
		r[3] = request(WAY_FLOCK, self->fd, F_WRLCK, 0, 0);
		until_listed(self->fd, r[3].pid);
		r[4] = request(WAY_PRIVATE, self->fd2, F_WRLCK, 12, 2);
		until_listed(self->fd, r[4].pid);

		classic = classic_owner(self->fd);
		EXPECT_STREQ("wfW0-EOF wpW5-60 wpW12-12 wcW12-30 wpW12-13",
			     listed(self->fd, FLKP_WAITING, text));
		list = list_one(self->fd, 0);
		EXPECT_STREQ(" wfW0-EOF wpW5-60 wpW12-12 wcW12-30 wpW12-13",
			     split(list_text(&list, text)));
		EXPECT_STREQ("hpR0-0 hpR10-19 hcR10-14 hpR10-19 hpR50-59 hfR0-EOF hfR0-EOF", text);
		ASSERT_EQ(12, list.count);
		EXPECT_EQ(private_owner(c), list.entries[1].owner);
		EXPECT_EQ(classic, list.entries[2].owner);
		EXPECT_EQ(private_owner(a), list.entries[3].owner);
		EXPECT_EQ(private_owner(c), list.entries[5].owner);
		EXPECT_EQ(private_owner(a), list.entries[6].owner);
		EXPECT_EQ(r[2].pid, list.entries[10].pid);
		list_free(&list);

		for (int j = 0; j < 5; j++)
			request_end(&r[j]);
		set(a, F_UNLCK, 0, 0);
		set(b, F_UNLCK, 0, 0);
		set(c, F_UNLCK, 0, 0);
		ASSERT_EQ(0, flock(a, LOCK_UN));
		ASSERT_EQ(0, flock(c, LOCK_UN));
		ASSERT_EQ(0, lock_span(self->fd, F_SETLK, F_UNLCK, 0, 0));
		close(crowded);
		ASSERT_EQ(0, listed_count(self->fd, 0));
	}
}

TEST_F(file, range)
{
	static const struct {
		__s64 start, len;
		const char *text;	/* of the locks below, without those of flock() */
	} ranges[] = {
		{ 0, 10, "" },
		{ 0, 11, "R10-19" },
		{ 9, 1, "" },
		{ 10, 1, "R10-19" },
		{ 19, 1, "R10-19" },
		{ 20, 1, "" },
		{ 20, 10, "" },
		{ 20, 11, "W30-39" },
		{ 19, 12, "R10-19 W30-39" },
		{ 15, 1, "R10-19" },
		{ 39, 1, "W30-39" },
		{ 40, 1000, "" },
		{ OFFSET_MAX - 3, 1, "" },
		{ OFFSET_MAX - 2, 1, "W9223372036854775805-9223372036854775805" },
		{ OFFSET_MAX - 1, 1, "" },
		{ OFFSET_MAX, 1, "R9223372036854775807-EOF" },
		{ OFFSET_MAX, 0, "R9223372036854775807-EOF" },
		{ OFFSET_MAX - 1, 2, "R9223372036854775807-EOF" },
		{ OFFSET_MAX - 1, 0, "R9223372036854775807-EOF" },
		{ 2 * CROWD_START, OFFSET_MAX - 2 * CROWD_START,
		  "W9223372036854775805-9223372036854775805" },
		{ 2 * CROWD_START, 0,
		  "W9223372036854775805-9223372036854775805 R9223372036854775807-EOF" },
	};
	char text[LISTED_SIZE], want[LISTED_SIZE];
	unsigned int c, i, j;

	set(self->fd, F_RDLCK, 10, 10);
	set(self->fd, F_WRLCK, 30, 10);
	set(self->fd, F_WRLCK, OFFSET_MAX - 2, 1);
	set(self->fd, F_RDLCK, OFFSET_MAX, 1);
	ASSERT_EQ(0, flock(self->fd2, LOCK_EX));
	for (c = 0; c < NR_CROWDS; c++) {
		crowd(self->fd2, crowds[c]);
		for (i = 0; i < ARRAY_SIZE(ranges); i++) {
			struct flockp_enum how = listing(NULL, 0);
			struct list list;
			size_t used = 0;

			how.start = ranges[i].start;
			how.len = ranges[i].len;
			/* The words of the table are private locks that are held. */
			want[0] = 0;
			for (j = 0; ranges[i].text[j]; j++) {
				if (!j || ranges[i].text[j - 1] == ' ')
					used += sprintf(want + used, "hp");
				want[used++] = ranges[i].text[j];
				want[used] = 0;
			}
			strcat(want, used ? " hfW0-EOF" : "hfW0-EOF");
			for (j = 1; j <= 64; j *= 8) {
				list = list_all(self->fd, how, j);
				EXPECT_STREQ(want, list_text(&list, text))
					TH_LOG("line %u of the table, %u at a time", i, j);
				list_free(&list);
			}
		}
	}
}

/* Waiting requests are looked at with the same range. */
TEST_F(file, range_of_waiters)
{
	static const struct {
		__s64 start, len;
		const char *text;
	} ranges[] = {
		{ 0, 0, "wpW0-99 wpR50-59" },
		{ 0, 50, "wpW0-99" },
		{ 0, 51, "wpW0-99 wpR50-59" },
		{ 59, 1, "wpW0-99 wpR50-59" },
		{ 60, 40, "wpW0-99" },
		{ 99, 1, "wpW0-99" },
		{ 100, 0, "" },
	};
	struct requester wide, narrow;
	char text[LISTED_SIZE];
	unsigned int i;

	set(self->fd, F_WRLCK, 0, 200);
	wide = request(WAY_PRIVATE, self->fd2, F_WRLCK, 0, 100);
	until_listed(self->fd, wide.pid);
	narrow = request(WAY_TIMED, reopen(self->path), F_RDLCK, 50, 10);
	until_listed(self->fd, narrow.pid);
	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		struct flockp_enum how = listing(NULL, 0);
		struct list list;

		how.flags = FLKP_WAITING;
		how.start = ranges[i].start;
		how.len = ranges[i].len;
		list = list_all(self->fd, how, 1);
		EXPECT_STREQ(ranges[i].text, list_text(&list, text))
			TH_LOG("line %u of the table", i);
		list_free(&list);
	}
	request_end(&narrow);
	request_end(&wide);
}

static bool wanted(const struct flockp_entry *entry, __u32 flags)
{
	return (!(flags & STATES) || entry->flags & flags & STATES) &&
	       (!(flags & KINDS) || entry->flags & flags & KINDS);
}

TEST_F_TIMEOUT(file, filter, LONG_TIMEOUT)
{
	char got[LISTED_SIZE], want[LISTED_SIZE];
	struct flockp_enum how = no_crowd();
	__u32 flags, seen = 0;
	unsigned int c;
	int i, step;

	for (c = 0; c < NR_CROWDS; c++) {
		int crowded = reopen(self->path);
		struct scene s = scene_make(self->path);
		struct list all;

		crowd(crowded, crowds[c]);
		how.flags = 0;
		all = list_all(self->fd, how, 256);
		EXPECT_EQ(SCENE_SIZE, all.count);
		for (i = 0; i < all.count; i++)
			seen |= 1U << all.entries[i].flags % 32;
		for (flags = 0; flags < 32; flags++) {
			struct list expected = {
				.entries = calloc(all.count, sizeof(*all.entries)),
			}, list;

			for (i = 0; i < all.count; i++)
				if (wanted(&all.entries[i], flags))
					expected.entries[expected.count++] = all.entries[i];
			list_text(&expected, want);
			how.flags = flags;
			for (step = 1; step <= 27; step *= 3) {
				list = list_all(self->fd, how, step);
				EXPECT_STREQ(want, list_text(&list, got))
					TH_LOG("flags %x, %d at a time", flags, step);
				list_free(&list);
			}
			list_free(&expected);
		}
		list_free(&all);
		scene_end(&s);
		close(crowded);
	}
	/* Each of the six was there. */
	EXPECT_EQ(6, __builtin_popcount(seen));
}

static void steps_agree(struct __test_metadata *_metadata, int fd, __u32 flags, int count)
{
	static const int steps[] = { 1, 2, 3, 7, 63, 64, 65, 500 };
	struct flockp_enum how = listing(NULL, 0);
	struct list all, some;
	unsigned int i;

	how.flags = flags;
	all = list_all(fd, how, count + 100);
	ASSERT_EQ(count, all.count);
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		some = list_all(fd, how, steps[i]);
		ASSERT_EQ(-1, list_difference(&all, &some))
			TH_LOG("%d at a time, not %d entries but %d", steps[i], all.count,
			       some.count);
		list_free(&some);
	}
	list_free(&all);
}

TEST_F_TIMEOUT(file, steps, LONG_TIMEOUT)
{
	static const int numbers[] = { 0, 10, 31, 33, 40, 3000, 33, 20, 10 };
	struct scene s = scene_make(self->path);
	int fds[5], now = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = reopen(self->path);
	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		/* Not in the order that they are listed in, and several with one start. */
		for (; now < numbers[i]; now++)
			set(fds[now % 5], now / 5 % 2 ? F_RDLCK : F_WRLCK,
			    1000 + (now / 5 % 2 ? now / 10 * 100 : now * 100 + 50), 1);
		for (; now > numbers[i]; now--)
			set(fds[(now - 1) % 5], F_UNLCK,
			    1000 + ((now - 1) / 5 % 2 ? (now - 1) / 10 * 100 :
				    (now - 1) * 100 + 50), 1);
		steps_agree(_metadata, self->fd, 0, now + SCENE_SIZE);
		steps_agree(_metadata, self->fd, FLKP_HELD | FLKP_PRIVATE, now + 2);
	}
	scene_end(&s);
}

/* The cursor belongs to the file, not to the descriptor, and the steps need not be alike. */
TEST_F(file, steps_by_many)
{
	int fds[] = { self->fd, dup(self->fd), self->fd2, reopen(self->path) };
	struct flockp_enum how = listing(NULL, 0);
	struct scene s = scene_make(self->path);
	struct list all, some = {};
	int i = 0;

	crowd(self->fd, 40);
	all = list_all(self->fd, how, 256);
	while (list_more(fds[i % 4], &how, i % 5 + 1, &some))
		i++;
	EXPECT_EQ(-1, list_difference(&all, &some));
	list_free(&all);
	list_free(&some);
	scene_end(&s);
}

/*
 * What stays is listed once, and only once, while other locks come and go: so many that the
 * kernel changes the way in which it keeps them.
 */
#define MOST_STAY 40

struct stay {
	struct flockp_entry entries[MOST_STAY];
	int times[MOST_STAY];
	int count;
};

static void stay(struct stay *s, int fd, const char *text)
{
	struct list list = list_one(fd, 0);
	char one[64];
	int i;

	for (i = 0; i < list.count; i++)
		if (!strcmp(text, entry_text(&list.entries[i], one)) && s->count < MOST_STAY)
			s->entries[s->count++] = list.entries[i];
	list_free(&list);
}

static void count_stay(struct stay *s, const struct list *list)
{
	int i, j;

	memset(s->times, 0, sizeof(s->times));
	for (i = 0; i < list->count; i++)
		for (j = 0; j < s->count; j++)
			s->times[j] += same_entry(&s->entries[j], &list->entries[i]);
}

static void others_come(const int *fds, int nr, int count)
{
	for (int i = 0; i < count; i++)
		lock_span(fds[random() % nr], F_SETLKP, F_RDLCK, 3 * (random() % 1000), 1);
}

static void others_go(const int *fds, int nr)
{
	for (int i = 0; i < nr; i++)
		set(fds[i], F_UNLCK, 0, 0);
}

static void come_and_go(struct __test_metadata *_metadata, struct file_data *self, int count)
{
	int owners[5], others[4], pass, i, passes = loops(60, 3000), met = 0;
	struct stay s = {};
	struct requester waiter;
	char text[64];

	for (i = 0; i < 5; i++) {
		owners[i] = reopen(self->path);
		/* Five locks with one start. */
		set(owners[i], F_RDLCK, 1500, 1);
	}
	for (i = 5; i < count; i++)
		set(owners[i % 5], F_RDLCK, 71 * i, 1);
	ASSERT_EQ(0, flock(owners[0], LOCK_SH));
	ASSERT_EQ(0, flock(owners[1], LOCK_SH));
	waiter = request(WAY_PRIVATE, self->fd, F_WRLCK, 1500, 1);
	until_listed(self->fd, waiter.pid);
	stay(&s, self->fd, "hpR1500-1500");
	for (i = 5; i < count; i++) {
		snprintf(text, sizeof(text), "hpR%d-%d", 71 * i, 71 * i);
		stay(&s, self->fd, text);
	}
	stay(&s, self->fd, "hfR0-EOF");
	stay(&s, self->fd, "wpW1500-1500");
	ASSERT_EQ(count + 3, s.count);

	for (i = 0; i < 4; i++)
		others[i] = reopen(self->path);
	srandom(1);
	for (pass = 0; pass < passes; pass++) {
		struct flockp_enum how = listing(NULL, 0);
		struct list list = {};
		int step = pass % 4 + 1;

		while (list_more(pass % 2 ? self->fd : owners[2], &how, step, &list)) {
			switch (random() % 4) {
			case 0:
				others_come(others, 4, 60);
				break;
			case 1:
				others_go(others, 4);
				break;
			case 2:
				others_go(others, 3);
				others_come(others, 4, 3);
				break;
			}
		}
		count_stay(&s, &list);
		for (i = 0; i < s.count; i++)
			ASSERT_EQ(1, s.times[i])
				TH_LOG("pass %d, %d at a time: %s", pass, step,
				       entry_text(&s.entries[i], text));
		met += list.count - s.count;
		list_free(&list);
	}
	/* The others were there, too. */
	EXPECT_LT(passes, met);
	request_end(&waiter);
}

TEST_F_TIMEOUT(file, few_stay, LONG_TIMEOUT)
{
	come_and_go(_metadata, self, 12);
}

TEST_F_TIMEOUT(file, some_stay, LONG_TIMEOUT)
{
	come_and_go(_metadata, self, 20);
}

TEST_F_TIMEOUT(file, many_stay, LONG_TIMEOUT)
{
	come_and_go(_metadata, self, 36);
}

#define MOST_SAME 100

static void take(int fd, bool whole_file)
{
	if (!whole_file)
		set(fd, F_RDLCK, 0, 1);
	else if (flock(fd, LOCK_SH))
		broken("flock");
}

static void let_go(int fd, bool whole_file)
{
	if (!whole_file)
		set(fd, F_UNLCK, 0, 1);
	else if (flock(fd, LOCK_UN))
		broken("flock");
}

static void same_start(struct __test_metadata *_metadata, struct file_data *self, int count,
		       bool whole_file)
{
	int fds[MOST_SAME], i, step;
	__u64 owners[MOST_SAME];

	for (i = 0; i < count; i++) {
		fds[i] = reopen(self->path);
		take(fds[i], whole_file);
		owners[i] = private_owner(fds[i]);
	}
	for (step = 1; step <= 7; step++) {
		struct flockp_enum how = listing(NULL, 0);
		struct list list = list_all(self->fd, how, step);
		int next = 0, third = 0;

		ASSERT_EQ(count, list.count);
		/* Who came first is first. */
		for (i = 0; i < count; i++)
			ASSERT_EQ(owners[i], list.entries[i].owner)
				TH_LOG("%d at a time, number %d of %d", step, i, count);
		list_free(&list);

		/* Every third one lets go, and comes back as the youngest. */
		while (list_more(self->fd, &how, step, &list)) {
			int fd = fds[3 * third + 1];

			if (3 * third++ + 1 >= count)
				continue;
			let_go(fd, whole_file);
			take(fd, whole_file);
		}
		for (i = 0; i < count; i++)
			if (i % 3 != 1) {
				while (next < list.count && list.entries[next].owner != owners[i])
					next++;
				ASSERT_GT(list.count, next)
					TH_LOG("%d at a time, without number %d of %d", step, i,
					       count);
				next++;
			}
		list_free(&list);
		/* The order as it was. */
		for (i = 0; i < count; i++) {
			let_go(fds[i], whole_file);
			take(fds[i], whole_file);
		}
	}
	for (i = 0; i < count; i++)
		close(fds[i]);
}

TEST_F_TIMEOUT(file, same_start, LONG_TIMEOUT)
{
	same_start(_metadata, self, 10, false);
	same_start(_metadata, self, 32, false);
	same_start(_metadata, self, MOST_SAME, false);
}

TEST_F_TIMEOUT(file, same_start_of_flock, LONG_TIMEOUT)
{
	same_start(_metadata, self, MOST_SAME, true);
}

TEST_F_TIMEOUT(file, same_start_waiting, LONG_TIMEOUT)
{
	struct requester r[20];
	struct list list;
	int i, step;

	set(self->fd, F_WRLCK, 0, 10);
	for (i = 0; i < 20; i++) {
		r[i] = request(i % 3, reopen(self->path), i % 2 ? F_RDLCK : F_WRLCK, 5, 1);
		until_listed(self->fd, r[i].pid);
	}
	for (step = 1; step <= 7; step++) {
		struct flockp_enum how = listing(NULL, 0);

		how.flags = FLKP_WAITING;
		list = list_all(self->fd, how, step);
		ASSERT_EQ(20, list.count);
		for (i = 0; i < 20; i++)
			ASSERT_EQ(r[i].pid, list.entries[i].pid)
				TH_LOG("%d at a time, number %d", step, i);
		list_free(&list);
	}
	for (i = 0; i < 20; i++)
		request_end(&r[i]);
	EXPECT_EQ(1, listed_count(self->fd, 0));
}

/* A lease is no lock. */
TEST_F(file, leases)
{
	char path[160], text[LISTED_SIZE];
	int fd, status;
	pid_t pid;

	snprintf(path, sizeof(path), "%s.leased", self->path);
	close(open(path, O_RDWR | O_CREAT, 0644));
	fd = open(path, O_RDONLY);
	ASSERT_LE(0, fd);
	if (fcntl(fd, F_SETLEASE, F_RDLCK))
		SKIP(return, "no leases here");
	EXPECT_STREQ("", listed(fd, 0, text));
	set(fd, F_RDLCK, 0, 1);
	EXPECT_STREQ("hpR0-0", listed(fd, 0, text));
	/* Nor is who waits until it is broken. */
	signal(SIGIO, SIG_IGN);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(open(path, O_WRONLY) < 0);
	while (fcntl(fd, F_GETLEASE) != F_UNLCK)
		pause_briefly();
	EXPECT_STREQ("hpR0-0", listed(fd, 0, text));
	EXPECT_STREQ("", listed(fd, FLKP_WAITING, text));
	ASSERT_EQ(0, fcntl(fd, F_SETLEASE, F_UNLCK));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

/* Locks and requests that come and go all the time, by other processes. */
static void churn(const char *path, unsigned int seed)
{
	static const short types[] = { F_RDLCK, F_WRLCK, F_UNLCK, F_UNLCK };
	int fds[3] = { reopen(path), reopen(path), reopen(path) }, i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	srandom(seed);
	for (;;) {
		int fd = fds[random() % 3];
		off_t start = random() % 200;

		switch (random() % 32) {
		case 0:
			for (i = 0; i < 60; i++)
				lock_span(fd, F_SETLKP, F_RDLCK, 3 * i, 1);
			break;
		case 1:
			lock_span(fd, F_SETLKP, F_UNLCK, 0, 0);
			break;
		case 2:
			lock_span(fd, F_SETLK, types[random() % 4], start, random() % 10 + 1);
			break;
		case 3:
			flock(fd, random() % 2 ? LOCK_SH | LOCK_NB : LOCK_UN);
			break;
		case 4: {
			struct flockp_how how;

			how = timed_until(types[random() % 2], start, random() % 10 + 1,
					  CLOCK_MONOTONIC,
					  clock_now(CLOCK_MONOTONIC) + random() % 200000);
			if (random() % 2)
				how.flags |= FLKP_FAIR;
			timed_call(fd, &how);
			break;
		}
		default:
			lock_span(fd, F_SETLKP, types[random() % 4], start, random() % 10 + 1);
		}
	}
}

static bool plausible(const struct flockp_entry *e)
{
	char text[64];

	entry_text(e, text);
	return !strpbrk(text, "?+!") && e->pid >= 0;
}

TEST_F_TIMEOUT(file, concurrent_changes, LONG_TIMEOUT)
{
	int owners[12], i, pass, passes = loops(200, 10000);
	struct requester waiter;
	struct stay s = {};
	pid_t pids[3];
	char text[64];
	long total = 0;

	for (i = 0; i < 12; i++) {
		owners[i] = reopen(self->path);
		set(owners[i], F_RDLCK, i < 6 ? 17 * i : 50, i < 6 ? 1 : 2);
	}
	set(owners[0], F_WRLCK, 500, 10);
	waiter = request(WAY_PRIVATE, self->fd, F_WRLCK, 500, 1);
	until_listed(self->fd, waiter.pid);
	stay(&s, self->fd, "hpR50-51");
	for (i = 0; i < 6; i++) {
		snprintf(text, sizeof(text), "hpR%d-%d", 17 * i, 17 * i);
		stay(&s, self->fd, text);
	}
	stay(&s, self->fd, "wpW500-500");
	ASSERT_EQ(13, s.count);
	for (i = 0; i < 3; i++) {
		pids[i] = fork();
		ASSERT_LE(0, pids[i]);
		if (!pids[i])
			churn(self->path, i + 1);
	}
	for (pass = 0; pass < passes; pass++) {
		struct list list = list_all(self->fd, listing(NULL, 0), pass % 40 + 1);

		for (i = 0; i < list.count; i++)
			ASSERT_TRUE(plausible(&list.entries[i]))
				TH_LOG("%s", entry_text(&list.entries[i], text));
		count_stay(&s, &list);
		for (i = 0; i < s.count; i++)
			ASSERT_EQ(1, s.times[i])
				TH_LOG("pass %d: %s", pass, entry_text(&s.entries[i], text));
		total += list.count;
		list_free(&list);
	}
	/* The others were there, too. */
	EXPECT_LT(13L * passes, total);
	for (i = 0; i < 3; i++) {
		kill(pids[i], SIGKILL);
		ASSERT_EQ(pids[i], waitpid(pids[i], NULL, 0));
	}
	request_end(&waiter);
}

int main(int argc, char **argv)
{
	need_listing();
	/* Else these tests would wait for ever until a request is listed. */
	if (!listing_there())
		ksft_exit_fail_msg("kernel without F_ENUMLKP\n");
	return run_tests(argc, argv);
}
