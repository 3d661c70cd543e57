// SPDX-License-Identifier: GPL-2.0
/*
 * No memory, at every allocation on the way of a request in turn. The request
 * then fails with the errno that the documentation promises and leaves the
 * locks as they were, or it did not need that memory and succeeds.
 */
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
};

/*
 * A request is copied (1), the first lock of a file needs the list head of its
 * inode (2), and up to two new locks are made ready (3, 4) before it is known
 * how many the request takes.
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
 * Let allocations fail that may wait, as those of locks do. And no stack trace
 * for each fault: it would look like trouble in the kernel log.
 */
static struct knob knobs[] = {
	{ "failslab/ignore-gfp-wait", 'N' },
	{ "failslab/verbose", '0' },
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

/*
 * Do the request with the @nth thing that can fail failing; tell in @injected
 * whether the request got that far.
 */
static int with_fault(int fd, int cmd, struct flock *fl, int nth, bool *injected)
{
	int file = open("/proc/thread-self/fail-nth", O_RDWR), ret;
	char number[16];
	ssize_t len;

	if (file < 0)
		broken("/proc/thread-self/fail-nth");
	len = snprintf(number, sizeof(number), "%d", nth);
	if (write(file, number, len) != len)
		broken("writing fail-nth");
	ret = lock_call(fd, cmd, fl);
	/* What is left of the count; the last of it may be spent on this very read. */
	len = pread(file, number, sizeof(number) - 1, 0);
	*injected = len > 0 && number[0] == '0';
	len = pwrite(file, "0", 1, 0);
	if (len != 1 && pwrite(file, "0", 1, 0) != 1)
		broken("resetting fail-nth");
	close(file);
	return ret;
}

struct outcome {
	int enolck, enomem;
};

static void run_scenario(struct __test_metadata *_metadata, int fd, const struct scenario *s,
			 struct outcome *seen)
{
	char buf[LAYOUT_SIZE];
	const struct step *b;
	bool injected;
	int nth, ret;

	for (nth = 1; ; nth++) {
		struct flock fl = span(s->request.type, s->request.start, s->request.len);

		ASSERT_EQ(0, lock_span(fd, F_SETLKP, F_UNLCK, 0, 0));
		for (b = s->before; b->len; b++)
			ASSERT_EQ(0, lock_span(fd, F_SETLKP, b->type, b->start, b->len));
		ret = with_fault(fd, s->cmd, &fl, nth, &injected);
		EXPECT_STREQ(ret ? s->layout_before : s->layout_after, layout(fd, buf))
			TH_LOG("%s: fault %d, answer %d", s->name, nth, ret);
		seen->enolck += ret == -ENOLCK;
		seen->enomem += ret == -ENOMEM;
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

static const char *injection_missing(void)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/failslab", debugfs);
	if (access("/proc/thread-self/fail-nth", W_OK) || access(path, F_OK))
		return "kernel without FAILSLAB";
	return NULL;
}

TEST_F(file, no_memory)
{
	unsigned int i;

	if (injection_missing())
		SKIP(return, "%s", injection_missing());
	set_knobs();
	for (i = 0; i < ARRAY_SIZE(scenarios); i++) {
		struct outcome seen = {};

		run_scenario(_metadata, self->fd, &scenarios[i], &seen);
		EXPECT_EQ(scenarios[i].enolck, seen.enolck)
			TH_LOG("%s", scenarios[i].name);
		EXPECT_EQ(scenarios[i].enomem, seen.enomem)
			TH_LOG("%s", scenarios[i].name);
	}
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
		seen.enolck += ret == -ENOLCK;
		seen.enomem += ret == -ENOMEM;
		close(fd);
		if (!injected)
			break;
	}
	EXPECT_EQ(0, ret);
	EXPECT_EQ(2, seen.enolck);
	EXPECT_EQ(1, seen.enomem);
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
