// SPDX-License-Identifier: GPL-2.0
/*
 * What RENAME_SYNC did is there after a power cut at the moment when the call has returned.
 *
 * All steps are done while the disk records, with a mark after each. For each of them the disk
 * is then made as it was at its mark, without anything that was in its cache or in memory,
 * repaired and mounted. The first step is a plain rename: on some filesystem at least it must be
 * undone, so that the test is known to be able to fail.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>

#include "../kselftest.h"
#include "crash.h"
#include "helpers.h"

/* The permissions that a source is given just before the call. */
#define MODE	0640

static const struct crash_fs *const filesystems[] = {
	&crash_ext4, &crash_xfs, &crash_btrfs, &crash_f2fs, &crash_ext2, &crash_vfat,
	&crash_jfs, &crash_nilfs2, &crash_exfat, &crash_udf, &crash_minix,
};

enum content {
	PLAIN_OLD, PLAIN_NEW,
	REPLACE_OLD, REPLACE_NEW,
	CREATE_NEW,
	EXCHANGE_OLD, EXCHANGE_ONE, EXCHANGE_TWO,
	INSIDE_ONE, INSIDE_TWO,
};

static size_t size_of(int id)
{
	return 3000 + id * 500;
}

static void write_content(const char *name, enum content id)
{
	content_write(name, id, size_of(id));
}

static bool has(const char *name, enum content id)
{
	struct stat st;

	return !stat(name, &st) && st.st_size == (off_t)size_of(id) &&
		content_read(name, size_of) == (int)id;
}

/* A source: data that nothing has written to the disk yet, and other permissions. */
static void write_source(const char *name, enum content id)
{
	write_content(name, id);
	if (chmod(name, MODE))
		broken(name);
}

/* NULL, or what is wrong with it after the cut. */
static const char *lacks_source(const struct crash_fs *fs, const char *name, enum content id)
{
	struct stat st;

	if (stat(name, &st))
		return "no new name";
	if (!has(name, id))
		return "no new content";
	if (!fs->no_mode && (st.st_mode & 07777) != MODE)
		return "other permissions";
	return NULL;
}

static const char *renamed(const struct crash_fs *fs, const char *old, const char *new,
			   enum content id)
{
	return exists(old) ? "the old name is there" : lacks_source(fs, new, id);
}

static void plain_prepare(void)
{
	write_content("target", PLAIN_OLD);
}

static int plain_act(void)
{
	write_source("source", PLAIN_NEW);
	return ren("source", "target", 0);
}

static const char *plain_lacks(const struct crash_fs *fs)
{
	return renamed(fs, "source", "target", PLAIN_NEW);
}

static void replace_prepare(void)
{
	write_content("to/target", REPLACE_OLD);
}

static int replace_act(void)
{
	write_source("from/source", REPLACE_NEW);
	return ren("from/source", "to/target", RENAME_SYNC);
}

static const char *replace_lacks(const struct crash_fs *fs)
{
	return renamed(fs, "from/source", "to/target", REPLACE_NEW);
}

static void create_prepare(void)
{
}

static int create_act(void)
{
	write_source("from/source", CREATE_NEW);
	return ren("from/source", "to/target", RENAME_SYNC);
}

static const char *create_lacks(const struct crash_fs *fs)
{
	return renamed(fs, "from/source", "to/target", CREATE_NEW);
}

static void exchange_prepare(void)
{
	write_content("from/one", EXCHANGE_OLD);
	write_content("to/two", EXCHANGE_OLD);
}

static int exchange_act(void)
{
	write_source("from/one", EXCHANGE_ONE);
	write_source("to/two", EXCHANGE_TWO);
	return ren("from/one", "to/two", RENAME_SYNC | RENAME_EXCHANGE);
}

static const char *exchange_lacks(const struct crash_fs *fs)
{
	return lacks_source(fs, "from/one", EXCHANGE_TWO) ?:
		lacks_source(fs, "to/two", EXCHANGE_ONE);
}

static void directory_prepare(void)
{
}

static void write_synced(const char *name, enum content id)
{
	int fd;

	write_content(name, id);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fsync(fd))
		broken(name);
	close(fd);
}

static int directory_act(void)
{
	make_dir("from/source");
	/* Of a directory the entries are synced, so these files have to be already. */
	write_synced("from/source/one", INSIDE_ONE);
	write_synced("from/source/two", INSIDE_TWO);
	return ren("from/source", "to/target", RENAME_SYNC);
}

/* Does the entry ".." of the directory, as readdir() tells it, have this inode number? */
static bool has_parent(const char *name, const char *parent)
{
	DIR *dir = opendir(name);
	struct dirent *entry;
	struct stat st;
	bool found = false;

	if (!dir || stat(parent, &st))
		return false;
	while ((entry = readdir(dir)))
		found |= !strcmp(entry->d_name, "..") && entry->d_ino == st.st_ino;
	closedir(dir);
	return found;
}

static const char *directory_lacks(const struct crash_fs *fs)
{
	if (exists("from/source"))
		return "the old name is there";
	if (!has("to/target/one", INSIDE_ONE) || !has("to/target/two", INSIDE_TWO))
		return "entries are missing";
	return has_parent("to/target", "to") ? NULL : "its parent is another";
}

/* Each in a directory of its name, with directories "from" and "to" in it. */
static const struct step {
	const char *name;
	void (*prepare)(void);
	int (*act)(void);		/* 0 or -errno */
	/* After the cut: NULL or what is missing. */
	const char *(*lacks)(const struct crash_fs *fs);
	bool raw;	/* look before the repair too, which might do what was left undone */
	bool fresh;	/* its directories are younger than the mount */
} steps[] = {
	{ "plain", plain_prepare, plain_act, plain_lacks },
	{ "replace", replace_prepare, replace_act, replace_lacks },
	{ "exchange", exchange_prepare, exchange_act, exchange_lacks },
	{ "directory", directory_prepare, directory_act, directory_lacks, .raw = true },
	{ "create", create_prepare, create_act, create_lacks, .fresh = true },
};

#define PLAIN	0

static bool plain_undone;	/* on some filesystem */

static void enter(const char *dir)
{
	if (chdir(dir))
		broken(dir);
}

static void prepare(const struct step *step)
{
	make_dir(step->name);
	enter(step->name);
	make_dir("from");
	make_dir("to");
	step->prepare();
	enter("..");
}

/* Not where the replay of the tests would have to know new inodes, see jfs_replay(). */
static bool is_fresh(const struct crash_fs *fs, const struct step *step)
{
	return step->fresh && !fs->replay;
}

static const char *record(const struct crash_fs *fs, int result[])
{
	const char *missing = crash_start(fs);
	size_t i;

	if (missing)
		return missing;
	for (i = 0; i < ARRAY_SIZE(steps); i++)
		if (!is_fresh(fs, &steps[i]))
			prepare(&steps[i]);
	crash_remount(fs);
	for (i = 0; i < ARRAY_SIZE(steps); i++)
		if (is_fresh(fs, &steps[i]))
			prepare(&steps[i]);
	crash_settle();
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		enter(steps[i].name);
		result[i] = steps[i].act();
		crash_mark(steps[i].name);
		enter("..");
	}
	crash_stop();
	return NULL;
}

/* NULL if what the step did is there after the cut. */
static const char *look(const struct crash_fs *fs, const struct step *step, bool raw)
{
	const char *lacks = raw ? crash_cut_raw(fs) : crash_cut(fs, -1);

	if (lacks)
		return lacks;
	lacks = chdir(step->name) ? "all of it is gone" : step->lacks(fs);
	crash_cut_end();
	return lacks;
}

static void run_test(const struct crash_fs *fs)
{
	int result[ARRAY_SIZE(steps)];
	const char *missing = record(fs, result);
	bool fine = true;
	char line[512];
	size_t i;
	int len;

	if (missing && !crash_required()) {
		ksft_test_result_skip("%s: %s\n", fs->name, missing);
		return;
	}
	if (missing) {
		ksft_test_result_fail("%s: %s\n", fs->name, missing);
		return;
	}
	len = snprintf(line, sizeof(line), "# sync %s;", fs->name);
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		const struct step *step = &steps[i];
		const char *lacks;

		crash_forward(log_find(&crash_log, step->name));
		if (result[i])
			lacks = strerror(-result[i]);
		else
			lacks = look(fs, step, false);
		if (!lacks && step->raw && fs->raw)
			lacks = look(fs, step, true);
		if (i == PLAIN)
			plain_undone |= !!lacks;
		else
			fine &= !lacks;
		len += snprintf(line + len, sizeof(line) - len, " %s: %s%s", step->name,
				lacks ?: "there", i + 1 < ARRAY_SIZE(steps) ? ";" : "\n");
	}
	crash_free();
	printf("%s", line);
	ksft_test_result(fine, "%s\n", fs->name);
}

int main(void)
{
	size_t i;

	need_flags();
	crash_begin();
	ksft_print_header();
	ksft_set_plan(ARRAY_SIZE(filesystems) + 1);
	for (i = 0; i < ARRAY_SIZE(filesystems); i++)
		run_test(filesystems[i]);
	ksft_test_result(plain_undone, "the cut undoes a plain rename somewhere\n");
	ksft_finished();
}
