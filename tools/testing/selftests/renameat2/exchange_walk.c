// SPDX-License-Identifier: GPL-2.0
/*
 * A long random walk of exchanges, between all else that changes names, beside a model in memory
 * of what should be there. Now and then everything is compared, and read from the disk again.
 */
#include <dirent.h>
#include <stdlib.h>

#include "fixture.h"
#include "on_exchanging.h"

#define DIRS	6	/* directories, the first of which stays */
#define NAMES	10	/* in each of them */
#define NONE	-1

/* What is under a name: nothing, a file by its number, or a directory by its number. */
enum kind {
	NOTHING,
	FILE_NR,
	DIR_NR
};

struct entry {
	enum kind kind;
	int nr;
};

static struct {
	struct entry entries[DIRS][NAMES];
	int parent[DIRS];	/* NONE: not there */
	int name[DIRS];		/* in the parent */
	int files;		/* made so far: each has its number as its contents */
} model;

static unsigned long long state;

/* The same walk each time it runs, another one on each filesystem. */
static unsigned int random_below(unsigned int limit)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (state >> 33) % limit;
}

/* Short ones, long ones, and such that have a common start. */
static const char *name_of(int name)
{
	static char text[4][40];
	static int turn;
	char *out = text[turn++ % 4];

	snprintf(out, sizeof(text[0]), name % 2 ? "n%d" : "a-longer-name-%d-it-is", name);
	return out;
}

static const char *path_of(int dir, int name)
{
	static char text[4][256];
	static int turn;
	char *out = text[turn++ % 4], rest[256] = "";

	snprintf(out, sizeof(text[0]), "%s", name == NONE ? "." : name_of(name));
	for (; dir; dir = model.parent[dir]) {
		snprintf(rest, sizeof(rest), "%.200s", out);
		snprintf(out, sizeof(text[0]), "%s/%s", name_of(model.name[dir]), rest);
	}
	return out;
}

/* Is @dir below @above, or the same? */
static bool below(int dir, int above)
{
	while (dir && dir != above)
		dir = model.parent[dir];
	return dir == above;
}

static bool is_empty(int dir)
{
	int name;

	for (name = 0; name < NAMES; name++)
		if (model.entries[dir][name].kind != NOTHING)
			return false;
	return true;
}

static void place(int dir, int name, struct entry entry)
{
	model.entries[dir][name] = entry;
	if (entry.kind == DIR_NR) {
		model.parent[entry.nr] = dir;
		model.name[entry.nr] = name;
	}
}

static const char *contents(int nr, char text[16])
{
	snprintf(text, 16, "%d", nr);
	return text;
}

static void make_something(int dir, int name)
{
	struct entry *entry = &model.entries[dir][name];
	const char *path = path_of(dir, name);
	char text[16];
	int nr;

	if (entry->kind != NOTHING)
		return;
	if (random_below(3)) {
		nr = model.files++;
		make_file(path, contents(nr, text));
		place(dir, name, (struct entry) { FILE_NR, nr });
		return;
	}
	for (nr = 1; nr < DIRS && model.parent[nr] != NONE; nr++)
		;
	if (nr < DIRS) {
		make_dir(path);
		place(dir, name, (struct entry) { DIR_NR, nr });
	}
}

static void remove_something(int dir, int name)
{
	struct entry *entry = &model.entries[dir][name];
	const char *path = path_of(dir, name);
	int ret = 0;

	if (entry->kind == FILE_NR) {
		ret = unlink(path);
	} else if (entry->kind == DIR_NR) {
		if (!is_empty(entry->nr))
			return;
		ret = rmdir(path);
		model.parent[entry->nr] = NONE;
	}
	if (ret)
		broken(path);
	entry->kind = NOTHING;
}

static int expected_exchange(int dir, struct entry a, int dir2, struct entry b)
{
	if (a.kind == NOTHING || b.kind == NOTHING)
		return -ENOENT;
	if ((a.kind == DIR_NR && below(dir2, a.nr)) || (b.kind == DIR_NR && below(dir, b.nr)))
		return -EINVAL;
	return 0;
}

static int expected_rename(int dir, struct entry a, int dir2, struct entry b)
{
	if (a.kind == NOTHING)
		return -ENOENT;
	if (a.kind == DIR_NR && below(dir2, a.nr))
		return -EINVAL;
	if (b.kind == DIR_NR && below(dir, b.nr))
		return -ENOTEMPTY;
	if (a.kind == b.kind && a.nr == b.nr)
		return 0;
	if (a.kind == FILE_NR && b.kind == DIR_NR)
		return -EISDIR;
	if (a.kind == DIR_NR && b.kind == FILE_NR)
		return -ENOTDIR;
	if (b.kind == DIR_NR && !is_empty(b.nr))
		return -ENOTEMPTY;
	return 0;
}

/* A step between two names. False if the answer is not what the model expects. */
static bool move(bool exchange, int dir, int name, int dir2, int name2)
{
	struct entry a = model.entries[dir][name], b = model.entries[dir2][name2];
	const char *from = path_of(dir, name), *to = path_of(dir2, name2);
	int expected = exchange ? expected_exchange(dir, a, dir2, b) :
				  expected_rename(dir, a, dir2, b);
	int ret = ren(from, to, exchange ? RENAME_EXCHANGE : 0);

	if (ret != expected) {
		printf("# %s of %s and %s: expected %d, saw %d\n", exchange ? "exchange" : "rename",
		       from, to, expected, ret);
		return false;
	}
	if (ret || (dir == dir2 && name == name2))
		return true;
	if (!exchange && b.kind == DIR_NR)
		model.parent[b.nr] = NONE;
	place(dir2, name2, a);
	if (exchange)
		place(dir, name, b);
	else
		model.entries[dir][name].kind = NOTHING;
	return true;
}

/* A directory that is there, at random. */
static int some_dir(void)
{
	int dir;

	do {
		dir = random_below(DIRS);
	} while (dir && model.parent[dir] == NONE);
	return dir;
}

static bool step(void)
{
	int dir = some_dir(), dir2 = some_dir();
	int name = random_below(NAMES), name2 = random_below(NAMES);

	switch (random_below(8)) {
	case 0:
	case 1:
		make_something(dir, name);
		return true;
	case 2:
		remove_something(dir, name);
		return true;
	case 3:
		return move(false, dir, name, dir2, name2);
	default:
		return move(true, dir, name, dir2, name2);
	}
}

static int entries_in(const char *path)
{
	DIR *d = opendir(path);
	int n = 0;

	if (!d)
		return NONE;
	while (readdir(d))
		n++;
	closedir(d);
	/* Without "." and "..". */
	return n - 2;
}

static bool entry_is_right(int dir, int name)
{
	struct entry entry = model.entries[dir][name];
	char path[256], text[16], up[260];
	struct stat st, parent;

	snprintf(path, sizeof(path), "%s", path_of(dir, name));
	if (lstat(path, &st))
		return entry.kind == NOTHING;
	if (entry.kind == FILE_NR)
		return S_ISREG(st.st_mode) && holds(path, contents(entry.nr, text));
	snprintf(up, sizeof(up), "%s/..", path);
	return entry.kind == DIR_NR && S_ISDIR(st.st_mode) && !stat(up, &st) &&
	       !stat(path_of(dir, NONE), &parent) && st.st_ino == parent.st_ino;
}

static int differences(void)
{
	int dir, name, count, wrong = 0;

	for (dir = 0; dir < DIRS; dir++) {
		if (dir && model.parent[dir] == NONE)
			continue;
		for (count = 0, name = 0; name < NAMES; name++) {
			count += model.entries[dir][name].kind != NOTHING;
			if (entry_is_right(dir, name))
				continue;
			printf("# %s is not what it should be\n", path_of(dir, name));
			wrong++;
		}
		if (entries_in(path_of(dir, NONE)) != count) {
			printf("# %s should have %d entries\n", path_of(dir, NONE), count);
			wrong++;
		}
	}
	return wrong;
}

TEST_F(fs, walk)
{
	int i, round, rounds = loops(2, 30), steps = loops(150, 1000);
	const char *wrong;

	state = variant->fs + 1;
	for (i = 1; i < DIRS; i++)
		model.parent[i] = NONE;
	for (round = 0; round < rounds; round++) {
		for (i = 0; i < steps; i++)
			ASSERT_TRUE(step());
		ASSERT_EQ(0, differences()) TH_LOG("round %d", round);
		if (!fs_on_disk(variant->fs))
			continue;
		ASSERT_EQ(0, chdir("/"));
		wrong = fs_check(variant->fs);
		EXPECT_EQ(NULL, wrong) TH_LOG("fsck: %s", wrong);
		ASSERT_EQ(0, chdir(self->dir));
		ASSERT_EQ(0, differences()) TH_LOG("round %d, from the disk", round);
	}
}

int main(int argc, char **argv)
{
	need_root();
	return run_tests(argc, argv);
}
