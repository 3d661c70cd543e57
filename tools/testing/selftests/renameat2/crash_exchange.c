// SPDX-License-Identifier: GPL-2.0
/*
 * What a power cut leaves of RENAME_EXCHANGE.
 *
 * Pairs of names are exchanged while the disk records, and the filesystem is synced. Then the
 * disk is made as it was at every moment between: after each write in the order in which the disk
 * completed them; and with SEPTET_LEVEL=full, as a disk may write back its cache in any order,
 * with each single write that was in the cache with others. It is repaired and mounted, and each
 * pair looked at:
 *
 *	old, new	both names as before, or both as after
 *	doubled		both names are one file; the other file is elsewhere, in lost+found say
 *	moved		both files are there, otherwise than in the cases above
 *	nameless	udf: one of them has no name, but the disk still has it, its blocks in use
 *	lost		one of them is nowhere
 *
 * What each filesystem promises is in its test below. At the first moment every pair has to be
 * old and at the last one new, with every filesystem.
 */
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>

#include "../kselftest.h"
#include "crash.h"
#include "crash_udf.h"
#include "helpers.h"

/* In a directory that is exchanged: what it is known by. */
#define INSIDE	"inside"

static const struct pair {
	const char *name[2];
	bool dir[2];
} pairs[] = {
	{ { "here", "there" } },
	{ { "one/file", "two/file" } },
	{ { "one/plain", "two/dir" }, { false, true } },
	{ { "one/this", "two/that" }, { true, true } },
};

#define PAIRS	ARRAY_SIZE(pairs)
/* The content that was first under name @i of a pair. */
#define ID(pair, i)	((pair) * 2 + (i))

static size_t size_of(int id)
{
	return 2500 + id * 300;
}

enum fate { OLD, NEW, DOUBLED, MOVED, NAMELESS, LOST, FATES };

static const char *const fate_names[FATES] = { "old", "new", "doubled", "moved", "nameless",
						"lost" };

/* Where a content was found. */
struct found {
	bool under[2];		/* the names of its pair */
	bool elsewhere;
	bool nameless;
};

enum promise {
	ATOMIC,			/* old or new */
	BOTH_THERE,		/* not lost */
	ONE_NAMED,		/* of each pair at least one is under a name */
	ONE_NAMED_BOTH_KEPT,	/* and the other one is not lost, but may be nameless */
};

static unsigned int points, fates[FATES];

static const struct {
	const struct crash_fs *fs;
	enum promise promise;
	/* It promises this too of a disk that writes its cache back in any order. */
	bool any_order;
} tests[] = {
	{ &crash_jfs, ATOMIC, false },
	{ &crash_nilfs2, ATOMIC, true },
	{ &crash_ext2, BOTH_THERE, true },
	{ &crash_exfat, BOTH_THERE, true },
	{ &crash_udf, ONE_NAMED_BOTH_KEPT, true },
	{ &crash_minix, ONE_NAMED, true },
};

/* Names that fill blocks of a directory, so that two of its entries are in different ones. */
static void fill_dir(const char *dir, const char *part)
{
	char name[128];
	int i;

	for (i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "%s/%s, a file to fill it, %d", dir, part, i);
		make_file(name, "");
	}
}

static void make_object(size_t p, int side)
{
	char name[64];

	if (pairs[p].dir[side])
		make_dir(pairs[p].name[side]);
	snprintf(name, sizeof(name), "%s%s", pairs[p].name[side],
		 pairs[p].dir[side] ? "/" INSIDE : "");
	content_write(name, ID(p, side), size_of(ID(p, side)));
}

static void make_names(bool fill)
{
	size_t p;

	make_dir("one");
	make_dir("two");
	for (p = 0; p < PAIRS; p++)
		make_object(p, 0);
	if (fill) {
		fill_dir(".", "top");
		fill_dir("one", "one");
		fill_dir("two", "two");
	}
	for (p = 0; p < PAIRS; p++)
		make_object(p, 1);
}

static struct found found[2 * PAIRS];

static void find_nameless(const char *data, size_t len)
{
	int id = content_id(data, len, size_of);

	if (id >= 0 && id < (int)(2 * PAIRS))
		found[id].nameless = true;
}

/* The name of a pair that this file has, or is in the directory of; -1 if it has none. */
static int side_of(const char *name, size_t pair)
{
	const char *inside = strstr(name, "/" INSIDE);
	size_t len = inside ? (size_t)(inside - name) : strlen(name);
	int side;

	for (side = 0; side < 2; side++)
		if (strlen(pairs[pair].name[side]) == len &&
		    !strncmp(pairs[pair].name[side], name, len))
			return side;
	return -1;
}

/* A program that repairs may put the clusters of several files into one. */
#define RESCUED_MAX	(64 * KIB)
#define CLUSTER_MIN	512

static void look_into(const char *name)
{
	static char data[RESCUED_MAX];
	int id, side, fd = open(name, O_RDONLY | O_CLOEXEC);
	ssize_t len, at;

	if (fd < 0)
		broken(name);
	len = read(fd, data, sizeof(data));
	close(fd);
	for (at = 0; at < len; at += CLUSTER_MIN) {
		id = content_id(data + at, len - at, size_of);
		if (id < 0 || id >= (int)(2 * PAIRS))
			continue;
		side = side_of(name, id / 2);
		if (side >= 0 && len == (ssize_t)size_of(id))
			found[id].under[side] = true;
		else
			found[id].elsewhere = true;
	}
}

/* What is where in the tree below the working directory. */
static void look(const struct crash_fs *fs)
{
	char *const roots[] = { ".", NULL };
	FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *entry;

	if (!fts)
		broken("fts_open");
	memset(found, 0, sizeof(found));
	while ((entry = fts_read(fts)))
		if (entry->fts_info == FTS_F)
			look_into(entry->fts_path + 2);
	fts_close(fts);
	if (fs == &crash_udf)
		udf_files(crash_image(), size_of(2 * PAIRS), find_nameless);
}

static bool is_named(const struct found *f)
{
	return f->under[0] || f->under[1];
}

static bool has_name(const struct found *f)
{
	return is_named(f) || f->elsewhere;
}

static bool only_under(const struct found *f, int side)
{
	return f->under[side] && !f->under[!side] && !f->elsewhere;
}

static enum fate fate_of(size_t pair)
{
	const struct found *a = &found[ID(pair, 0)], *b = &found[ID(pair, 1)];

	if (only_under(a, 0) && only_under(b, 1))
		return OLD;
	if (only_under(a, 1) && only_under(b, 0))
		return NEW;
	if ((!has_name(a) && !a->nameless) || (!has_name(b) && !b->nameless))
		return LOST;
	if (!has_name(a) || !has_name(b))
		return NAMELESS;
	if ((a->under[0] && a->under[1]) || (b->under[0] && b->under[1]))
		return DOUBLED;
	return MOVED;
}

static bool kept(enum promise promise, size_t pair)
{
	bool one_named = is_named(&found[ID(pair, 0)]) || is_named(&found[ID(pair, 1)]);
	enum fate fate = fate_of(pair);

	switch (promise) {
	case ATOMIC:
		return fate == OLD || fate == NEW;
	case BOTH_THERE:
		return fate != LOST && fate != NAMELESS;
	case ONE_NAMED_BOTH_KEPT:
		return one_named && fate != LOST;
	default:
		return one_named;
	}
}

/* The pairs from @first on, exchanged in one go. */
struct round {
	size_t first, count;
	bool fill;
};

static char when[64];	/* the power was cut */

/* After the power cut. The number of pairs that are not as they have to be. */
static unsigned int judge(size_t test, const struct round *round, ssize_t extra,
			  const enum fate *only)
{
	const char *wrong = crash_cut(tests[test].fs, extra);
	unsigned int bad = 0;
	enum fate fate;
	size_t p;

	points++;
	if (wrong) {
		printf("# %s, %s: %s\n", tests[test].fs->name, when, wrong);
		return 1;
	}
	look(tests[test].fs);
	for (p = round->first; p < round->first + round->count; p++) {
		fate = fate_of(p);
		fates[fate]++;
		if (only ? fate == *only : kept(tests[test].promise, p))
			continue;
		bad++;
		printf("# %s, %s: %s and %s: %s\n", tests[test].fs->name, when,
		       pairs[p].name[0], pairs[p].name[1], fate_names[fate]);
	}
	crash_cut_end();
	return bad;
}

/* NULL or why it cannot be tested. */
static const char *record(const struct crash_fs *fs, const struct round *round)
{
	const char *missing = crash_start(fs);
	size_t p;
	int ret = 0;

	if (missing)
		return missing;
	make_names(round->fill);
	crash_remount(fs);
	crash_settle();
	crash_mark("begin");
	for (p = round->first; p < round->first + round->count && !ret; p++)
		ret = ren(pairs[p].name[0], pairs[p].name[1], RENAME_EXCHANGE);
	crash_settle();
	crash_mark("end");
	crash_stop();
	if (!ret)
		return NULL;
	crash_free();
	return ret == -EINVAL ? "no RENAME_EXCHANGE" : strerror(-ret);
}

/* Is this the first entry after a barrier? Then the cache was empty before it. */
static bool cache_empty(size_t index, size_t begin)
{
	return index == begin || crash_log.entries[index - 1].barrier;
}

static unsigned int cut_everywhere(size_t test, const struct round *round)
{
	static const enum fate old = OLD, new = NEW;
	size_t begin = log_find(&crash_log, "begin"), end = log_find(&crash_log, "end"), i, extra;
	unsigned int bad;
	bool alone;

	crash_forward(begin);
	snprintf(when, sizeof(when), "before all writes");
	bad = judge(test, round, -1, &old);
	for (i = begin; i < end; i++) {
		/* Together in the cache: what is written from here to the next barrier. */
		alone = loops(0, 1) && tests[test].any_order && cache_empty(i, begin);
		for (extra = i + 1; alone && extra < end; extra++) {
			if (crash_log.entries[extra - 1].barrier)
				break;
			if (!log_writes(&crash_log, extra))
				continue;
			snprintf(when, sizeof(when), "after write %zu and write %zu", i - begin,
				 extra - begin + 1);
			bad += judge(test, round, extra, NULL);
		}
		crash_forward(i + 1);
		snprintf(when, sizeof(when), "after write %zu", i + 1 - begin);
		if (log_writes(&crash_log, i))
			bad += judge(test, round, -1, NULL);
	}
	return bad + judge(test, round, -1, &new);
}

static void run_test(size_t test)
{
	/* Those of two directories at once; each alone, in directories with many names. */
	static const struct round rounds[] = {
		{ 1, PAIRS - 1, false },
		{ 0, 1, true }, { 1, 1, true }, { 2, 1, true }, { 3, 1, true },
	};
	const struct crash_fs *fs = tests[test].fs;
	unsigned int bad = 0;
	const char *missing;
	int i;

	points = 0;
	memset(fates, 0, sizeof(fates));
	for (i = 0; i < loops(1, ARRAY_SIZE(rounds)); i++) {
		missing = record(fs, &rounds[i]);
		if (missing && !crash_required()) {
			ksft_test_result_skip("%s: %s\n", fs->name, missing);
			return;
		}
		if (missing) {
			ksft_test_result_fail("%s: %s\n", fs->name, missing);
			return;
		}
		bad += cut_everywhere(test, &rounds[i]);
		crash_free();
	}
	printf("# exchange %s: cuts %u", fs->name, points);
	for (i = 0; i < FATES; i++)
		printf(", %s %u", fate_names[i], fates[i]);
	printf("\n");
	ksft_test_result(!bad, "%s\n", fs->name);
}

int main(void)
{
	size_t i;

	crash_begin();
	ksft_print_header();
	ksft_set_plan(ARRAY_SIZE(tests));
	for (i = 0; i < ARRAY_SIZE(tests); i++)
		run_test(i);
	ksft_finished();
}
