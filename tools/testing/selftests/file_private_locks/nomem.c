// SPDX-License-Identifier: GPL-2.0
/*
 * No memory, at every allocation on the way of a request in turn. The request
 * then fails with the errno that the documentation promises and leaves the
 * locks as they were, or it did not need that memory and succeeds.
 */
#include <stdint.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "fixture.h"

struct step {
	short type;
	off_t start, len;
};

struct scenario {
	const char *name;
	struct step before[3];	/* ends with a length of 0 */
	const char *layout_before;
	int cmd;
	struct step request;
	const char *layout_after;
	int enolck, enomem;	/* how many of the allocations matter, and how */
	int efault;		/* how often the request is copied with F_SETLKPT */
};

/*
 * The file has so many more locks, of one byte each and behind those of the scenario:
 * some numbers, and some requests, have the kernel begin or stop to look for locks in
 * another way than one after the other.
 */
struct crowd {
	int own, others;
};

static const struct crowd crowds[] = {
	{ 0, 0 }, { 15, 0 }, { 31, 0 }, { 34, 0 }, { 0, 40 }, { 15, 19 },
};

#define CROWD_START 1000

/*
 * A request is copied (1), the first lock of a file needs the list head of its
 * inode (2), and up to two new locks are made ready (3, 4) before it is known
 * how many the request takes. With CONFIG_FILE_PRIVATE_LOCKS only F_GETLKP makes a
 * copy (1), and of 3 and 4 only what is needed is asked for.
 */
static const struct scenario scenarios[] = {
	{
		.name = "one more lock: 1, 3",
		.before = { { F_RDLCK, 0, 10 } },
		.layout_before = "R0-9",
		.cmd = F_SETLKP,
		.request = { F_WRLCK, 50, 10 },
		.layout_after = "R0-9 W50-59",
		.enolck = 2,
	},
	{
		.name = "one more lock with F_SETLKPW: 1, 3",
		.before = { { F_RDLCK, 0, 10 } },
		.layout_before = "R0-9",
		.cmd = F_SETLKPW,
		.request = { F_WRLCK, 50, 10 },
		.layout_after = "R0-9 W50-59",
		.enolck = 2,
	},
	{
		.name = "split by unlocking, no second lock: 1, 4",
		.before = { { F_WRLCK, 0, 100 } },
		.layout_before = "W0-99",
		.cmd = F_SETLKP,
		.request = { F_UNLCK, 40, 20 },
		.layout_after = "W0-39 W60-99",
		.enolck = 2,
	},
	{
		.name = "split by another type: 1, 3, 4",
		.before = { { F_WRLCK, 0, 100 } },
		.layout_before = "W0-99",
		.cmd = F_SETLKP,
		.request = { F_RDLCK, 40, 20 },
		.layout_after = "W0-39 R40-59 W60-99",
		.enolck = 3,
	},
	{
		.name = "another type for the whole: 1, 3",
		.before = { { F_RDLCK, 0, 100 } },
		.layout_before = "R0-99",
		.cmd = F_SETLKP,
		.request = { F_WRLCK, 0, 100 },
		.layout_after = "W0-99",
		.enolck = 2,
	},
	{
		.name = "one in place of two and the hole between: 1, 3",
		.before = { { F_RDLCK, 0, 10 }, { F_RDLCK, 20, 10 } },
		.layout_before = "R0-9 R20-29",
		.cmd = F_SETLKP,
		.request = { F_WRLCK, 0, 30 },
		.layout_after = "W0-29",
		.enolck = 2,
	},
	{
		.name = "overlap with the ends of two others: 1, 3",
		.before = { { F_RDLCK, 0, 10 }, { F_RDLCK, 20, 10 } },
		.layout_before = "R0-9 R20-29",
		.cmd = F_SETLKP,
		.request = { F_WRLCK, 5, 20 },
		.layout_after = "R0-4 W5-24 R25-29",
		.enolck = 2,
	},
	{
		.name = "growth: 1",
		.before = { { F_RDLCK, 0, 10 } },
		.layout_before = "R0-9",
		.cmd = F_SETLKP,
		.request = { F_RDLCK, 10, 10 },
		.layout_after = "R0-19",
		.enolck = 1,
	},
	{
		.name = "unlocking an end: 1",
		.before = { { F_RDLCK, 0, 10 } },
		.layout_before = "R0-9",
		.cmd = F_SETLKP,
		.request = { F_UNLCK, 5, 5 },
		.layout_after = "R0-4",
		.enolck = 1,
	},
	{
		.name = "unlocking everything: 1",
		.before = { { F_RDLCK, 0, 10 }, { F_WRLCK, 20, 10 } },
		.layout_before = "R0-9 W20-29",
		.cmd = F_SETLKP,
		.request = { F_UNLCK, 0, 0 },
		.layout_after = "",
		.enolck = 1,
	},
	{
		.name = "one more lock with F_SETLKPT: 1, 3",
		.before = { { F_RDLCK, 0, 10 } },
		.layout_before = "R0-9",
		.cmd = F_SETLKPT,
		.request = { F_WRLCK, 50, 10 },
		.layout_after = "R0-9 W50-59",
		.enolck = 2,
		.efault = 1,
	},
	{
		.name = "split by another type with F_SETLKPT: 1, 3, 4",
		.before = { { F_WRLCK, 0, 100 } },
		.layout_before = "W0-99",
		.cmd = F_SETLKPT,
		.request = { F_RDLCK, 40, 20 },
		.layout_after = "W0-39 R40-59 W60-99",
		.enolck = 3,
		.efault = 1,
	},
	{
		.name = "unlocking everything with F_SETLKPT: 1",
		.before = { { F_RDLCK, 0, 10 }, { F_WRLCK, 20, 10 } },
		.layout_before = "R0-9 W20-29",
		.cmd = F_SETLKPT,
		.request = { F_UNLCK, 0, 0 },
		.layout_after = "",
		.enolck = 1,
		.efault = 1,
	},
	{
		.name = "asking: 1",
		.before = { { F_RDLCK, 0, 10 } },
		.layout_before = "R0-9",
		.cmd = F_GETLKP,
		.request = { F_WRLCK, 0, 10 },
		.layout_after = "R0-9",
		.enomem = 1,
	},
};

static char debugfs[96];

struct knob {
	const char *name;
	char value, old;
};

/*
 * Let allocations fail that may wait, as those of locks do; but not those of the pages
 * that locks are cut from, for how often these are needed depends on what went before.
 * And no stack trace for each fault: it would look like trouble in the kernel log.
 */
static struct knob knobs[] = {
	{ "failslab/ignore-gfp-wait", 'N' },
	{ "failslab/verbose", '0' },
	{ "fail_page_alloc/min-order", '9' },
	{ "fail_page_alloc/verbose", '0' },
	{ "fail_usercopy/verbose", '0' },
};

/* Read or write one; those of fault injectors that this kernel lacks do not matter. */
static void knob_io(const struct knob *k, char *value, int mode)
{
	char path[160];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", debugfs, k->name);
	fd = open(path, mode);
	if (fd < 0 && errno == ENOENT)
		return;
	if (fd < 0 || (mode == O_RDONLY ? read(fd, value, 1) : write(fd, value, 1)) != 1)
		broken(path);
	close(fd);
}

static void set_knobs(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(knobs); i++) {
		knob_io(&knobs[i], &knobs[i].old, O_RDONLY);
		knob_io(&knobs[i], &knobs[i].value, O_WRONLY);
	}
}

static void restore_knobs(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(knobs); i++)
		knob_io(&knobs[i], &knobs[i].old, O_WRONLY);
}

static int request(int fd, int cmd, struct flock *fl)
{
	struct flockp_how how = timed_span(fl->l_type, fl->l_start, fl->l_len);

	return cmd == F_SETLKPT ? timed_call(fd, &how) : lock_call(fd, cmd, fl);
}

static int fault_file;

/* From here on the @nth thing that can fail in this thread fails. */
static void fault_start(int nth)
{
	char number[16];
	ssize_t len;

	fault_file = open("/proc/thread-self/fail-nth", O_RDWR);
	if (fault_file < 0)
		broken("/proc/thread-self/fail-nth");
	len = snprintf(number, sizeof(number), "%d", nth);
	if (write(fault_file, number, len) != len)
		broken("writing fail-nth");
}

/* Nothing fails any more; tells whether it got that far. */
static bool fault_end(void)
{
	char number[16];
	bool injected;
	ssize_t len;

	/* What is left of the count; the last of it may be spent on this very read. */
	len = pread(fault_file, number, sizeof(number) - 1, 0);
	injected = len > 0 && number[0] == '0';
	len = pwrite(fault_file, "0", 1, 0);
	if (len != 1 && pwrite(fault_file, "0", 1, 0) != 1)
		broken("resetting fail-nth");
	close(fault_file);
	return injected;
}

/* Do the request with the @nth thing that can fail failing. */
static int with_fault(int fd, int cmd, struct flock *fl, int nth, bool *injected)
{
	int ret;

	fault_start(nth);
	ret = request(fd, cmd, fl);
	*injected = fault_end();
	return ret;
}

struct outcome {
	int enolck, enomem, efault;
};

static void add(struct outcome *seen, int ret)
{
	seen->enolck += ret == -ENOLCK;
	seen->enomem += ret == -ENOMEM;
	seen->efault += ret == -EFAULT;
}

/* What the layout is with @crowd behind it. */
static const char *crowded(const char *layout, const struct crowd *crowd, char buf[LAYOUT_SIZE])
{
	int i, used = snprintf(buf, LAYOUT_SIZE, "%s", layout);

	for (i = 0; i < crowd->own; i++)
		used += snprintf(buf + used, LAYOUT_SIZE - used, "%sR%d-%d", used ? " " : "",
				 CROWD_START + 2 * i, CROWD_START + 2 * i);
	return buf;
}

static void make_crowd(struct __test_metadata *_metadata, int fd, int count)
{
	while (count--)
		ASSERT_EQ(0, lock_span(fd, F_SETLKP, F_RDLCK, CROWD_START + 2 * count, 1));
}

static void run_scenario(struct __test_metadata *_metadata, int fd, const struct scenario *s,
			 const struct crowd *crowd, struct outcome *seen)
{
	char buf[LAYOUT_SIZE], want[LAYOUT_SIZE];
	const struct step *b;
	bool injected;
	int nth, ret;

	for (nth = 1; ; nth++) {
		struct flock fl = span(s->request.type, s->request.start, s->request.len);

		ASSERT_EQ(0, lock_span(fd, F_SETLKP, F_UNLCK, 0, 0));
		for (b = s->before; b->len; b++)
			ASSERT_EQ(0, lock_span(fd, F_SETLKP, b->type, b->start, b->len));
		make_crowd(_metadata, fd, crowd->own);
		ret = with_fault(fd, s->cmd, &fl, nth, &injected);
		if (ret)
			crowded(s->layout_before, crowd, want);
		else	/* of a request that has no end nothing stays behind it */
			crowded(s->layout_after, s->request.len ? crowd : &crowds[0], want);
		EXPECT_STREQ(want, layout(fd, buf))
			TH_LOG("%s: fault %d, answer %d", s->name, nth, ret);
		add(seen, ret);
		/* EFAULT: the fault hit the copying of the request instead. */
		EXPECT_TRUE(ret == 0 || ret == -ENOLCK || ret == -ENOMEM || ret == -EFAULT)
			TH_LOG("%s: fault %d, answer %d", s->name, nth, ret);
		if (!injected) {
			EXPECT_EQ(0, ret)
				TH_LOG("%s: no fault, answer %d", s->name, ret);
			return;
		}
	}
}

static bool copies_can_fail(void)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/fail_usercopy", debugfs);
	return !access(path, F_OK);
}

static const char *injection_missing(void)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/failslab", debugfs);
	if (access("/proc/thread-self/fail-nth", W_OK) || access(path, F_OK))
		return "kernel without FAILSLAB";
	return NULL;
}

static void run_scenarios(struct __test_metadata *_metadata, int fd, const struct crowd *crowd)
{
	const struct scenario *s;

	for (s = scenarios; s < scenarios + ARRAY_SIZE(scenarios); s++) {
		struct outcome seen = {};

		if (s->cmd == F_SETLKPT && timed_missing())
			continue;
		run_scenario(_metadata, fd, s, crowd, &seen);
		EXPECT_EQ(s->enolck - (s->enolck && !timed_missing()), seen.enolck)
			TH_LOG("%s, %d and %d more locks", s->name, crowd->own, crowd->others);
		EXPECT_EQ(s->enomem, seen.enomem)
			TH_LOG("%s, %d and %d more locks", s->name, crowd->own, crowd->others);
		if (s->cmd == F_SETLKPT && copies_can_fail()) {
			EXPECT_EQ(s->efault, seen.efault)
				TH_LOG("%s", s->name);
		}
	}
}

TEST_F_TIMEOUT(file, no_memory, LONG_TIMEOUT)
{
	unsigned int i;

	if (injection_missing())
		SKIP(return, "%s", injection_missing());
	set_knobs();
	for (i = 0; i < ARRAY_SIZE(crowds); i++) {
		ASSERT_EQ(0, lock_span(self->fd2, F_SETLKP, F_UNLCK, 0, 0));
		make_crowd(_metadata, self->fd2, crowds[i].others);
		run_scenarios(_metadata, self->fd, &crowds[i]);
	}
	restore_knobs();
}

/*
 * A lock is in the way, and the time is up. The two attempts at the lock do not get as far
 * as to need the memory, except for what the request itself is copied to.
 */
TEST_F(file, no_memory_till_the_deadline)
{
	struct flockp_how how = timed_until(F_WRLCK, 0, 10, CLOCK_MONOTONIC, 1);
	struct outcome seen = {};
	bool injected = true;
	int nth, ret;

	if (injection_missing())
		SKIP(return, "%s", injection_missing());
	if (timed_missing())
		SKIP(return, "%s", timed_missing());
	set_knobs();
	ASSERT_EQ(0, lock_span(self->fd2, F_SETLKP, F_RDLCK, 5, 1));
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_RDLCK, 0, 5));
	for (nth = 1; injected; nth++) {
		fault_start(nth);
		ret = timed_call(self->fd, &how);
		injected = fault_end();
		add(&seen, ret);
		EXPECT_TRUE(ret == -ETIMEDOUT || ret == -ENOLCK || ret == -EFAULT)
			TH_LOG("fault %d, answer %d", nth, ret);
		EXPECT_STREQ("R0-4", layout(self->fd, self->buf))
			TH_LOG("fault %d, answer %d", nth, ret);
		EXPECT_EQ(0, locks_shown(self->id, "", true));
	}
	EXPECT_EQ(-ETIMEDOUT, ret);
	EXPECT_EQ(0, seen.enolck);
	/* All faults were in vain: one for each of the two attempts, at least. */
	EXPECT_LE(2, nth - 2);
	restore_knobs();
}

/*
 * A file that never had a lock: the list head of the inode is the one thing
 * whose lack is told as ENOMEM.
 */
TEST_F(file, no_memory_for_the_first_lock)
{
	struct outcome seen = {};
	bool injected;
	int fd, nth, ret;

	if (injection_missing())
		SKIP(return, "%s", injection_missing());
	set_knobs();
	for (nth = 1; ; nth++) {
		struct flock fl = span(F_WRLCK, 0, 10);

		unlink(self->path);
		fd = open(self->path, O_RDWR | O_CREAT, 0644);
		ASSERT_LE(0, fd);
		ret = with_fault(fd, F_SETLKP, &fl, nth, &injected);
		EXPECT_STREQ(ret ? "" : "W0-9", layout(fd, self->buf))
			TH_LOG("fault %d, answer %d", nth, ret);
		add(&seen, ret);
		close(fd);
		if (!injected)
			break;
	}
	EXPECT_EQ(0, ret);
	EXPECT_EQ(2 - !timed_missing(), seen.enolck);
	EXPECT_EQ(1, seen.enomem);
	restore_knobs();
}

/* Two allocations; the cursor and the array are as they were after each failure. */
TEST_F(file, no_memory_for_a_list)
{
	struct flockp_entry entries[2];
	struct flockp_enum list, before = {
		.size = sizeof(before),
		.entries = (uintptr_t)entries,
		.count = ARRAY_SIZE(entries),
		.entry_size = sizeof(entries[0]),
	};
	struct outcome seen = {};
	bool injected = true;
	int nth, ret;

	if (injection_missing())
		SKIP(return, "%s", injection_missing());
	if (timed_missing())
		SKIP(return, "%s", timed_missing());
	set_knobs();
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_RDLCK, 0, 5));
	for (nth = 1; injected; nth++) {
		list = before;
		fault_start(nth);
		ret = fcntl(self->fd, F_ENUMLKP, &list);
		if (ret < 0)
			ret = -errno;
		injected = fault_end();
		add(&seen, ret);
		if (ret < 0) {
			EXPECT_TRUE(ret == -ENOMEM || ret == -EFAULT)
				TH_LOG("fault %d, answer %d", nth, ret);
			EXPECT_EQ(0, memcmp(&before, &list, sizeof(list)));
		} else {
			EXPECT_EQ(1, ret);
		}
	}
	EXPECT_EQ(2, seen.enomem);
	if (copies_can_fail())
		EXPECT_LE(2, seen.efault);
	restore_knobs();
}

int main(int argc, char **argv)
{
	places_make();
	snprintf(debugfs, sizeof(debugfs), "%s/../debug", place_dir(PLACE_TMPFS));
	if (!mkdir(debugfs, 0700))
		mount("debugfs", debugfs, "debugfs", 0, NULL);
	return test_harness_run(argc, argv);
}
