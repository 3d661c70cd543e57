// SPDX-License-Identifier: GPL-2.0
/*
 * Conditions are no way to learn about files what one could not learn before, nor to do what
 * one may not do. And mounts with other owners of files (idmapped ones).
 */
#include <sched.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "fixture.h"
#include "on_two.h"

#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif
#ifndef SYS_open_tree
#define SYS_open_tree 428
#endif
#ifndef SYS_move_mount
#define SYS_move_mount 429
#endif
#ifndef OPEN_TREE_CLONE
#define OPEN_TREE_CLONE 1
#endif
#ifndef MOVE_MOUNT_F_EMPTY_PATH
#define MOVE_MOUNT_F_EMPTY_PATH 4
#endif
#define IDMAP 0x00100000

struct attributes {
	__u64 set, clear, propagation, userns_fd;
};

static void become_nobody(void)
{
	if (setgid(NOBODY) || setuid(NOBODY))
		broken("becoming another user");
}

/* What a user gets to hear, for each condition in turn: the same, whether it holds or not. */
static int ask_all(const char *from, const char *to, int expected, int right_fd, int wrong_fd)
{
	struct rename_cond conds[] = {
		target_is(right_fd), target_is(wrong_fd), source_is(right_fd), source_is(wrong_fd),
		no_target(), source_newer(),
		{ .mask = RENAME_COND_TARGET_UNCHANGED },
		{ .mask = RENAME_COND_TARGET_UNCHANGED, .target_mtime_sec = 1000 },
	};
	static const unsigned int flags[] = { 0, RENAME_SYNC, RENAME_EXCHANGE, RENAME_REPLACE };
	unsigned int i, f;
	int wrong = 0;

	for (i = 0; i < ARRAY_SIZE(conds); i++) {
		for (f = 0; f < ARRAY_SIZE(flags); f++) {
			int ret = ren_if(from, to, flags[f], conds[i]);

			if (ret == expected || ret == -EINVAL)
				continue;
			printf("# %s to %s, condition %u, flags 0x%x: expected %d, saw %d\n", from,
			       to, i, flags[f], expected, ret);
			wrong++;
		}
	}
	fflush(stdout);
	return wrong;
}

/* A directory that may not be searched: not even whether a name is there. */
TEST_F(fs, no_search_permission)
{
	int right, wrong;
	pid_t pid;

	make_dir("secret");
	make_file("secret/file", "text");
	set_mtime("secret/file", 1000, 0);
	make_file("mine", "mine");
	right = open_path("secret/file");
	wrong = open_path("mine");
	ASSERT_EQ(0, chmod("secret", 0700));
	ASSERT_EQ(0, chmod(".", 0777));
	fflush(stdout);
	pid = fork();
	if (!pid) {
		int ret;

		become_nobody();
		ret = ask_all("mine", "secret/file", -EACCES, right, wrong) +
		      ask_all("mine", "secret/absent", -EACCES, right, wrong) +
		      ask_all("secret/file", "mine", -EACCES, wrong, right) +
		      ask_all("secret/absent", "mine", -EACCES, wrong, right);
		_exit(ret);
	}
	EXPECT_EQ(0, reap(pid));
	EXPECT_HOLDS("secret/file", "text");
	EXPECT_HOLDS("mine", "mine");
}

/* A directory that may be searched and not written: stat() tells all that conditions tell. */
TEST_F(fs, no_write_permission)
{
	int target, other;
	pid_t pid;

	make_dir("theirs");
	make_file("theirs/file", "text");
	make_file("theirs/other", "other");
	make_dir("mine");
	ASSERT_EQ(0, chown("mine", NOBODY, NOBODY));
	make_file("mine/file", "mine");
	target = open_path("theirs/file");
	other = open_path("theirs/other");
	pid = fork();
	if (!pid) {
		become_nobody();
		/* A condition that holds gives no right to do it. */
		if (ren_if("mine/file", "theirs/file", 0, target_is(target)) != -EACCES)
			_exit(1);
		if (ren_if("theirs/other", "theirs/file", 0, target_is(target)) != -EACCES)
			_exit(2);
		if (ren_if("theirs/other", "mine/new", 0, source_is(other)) != -EACCES)
			_exit(3);
		if (ren_if("theirs/other", "mine/file", RENAME_EXCHANGE,
			   source_is(other)) != -EACCES)
			_exit(4);
		if (ren("mine/file", "theirs/file", RENAME_REPLACE) != -EACCES)
			_exit(5);
		if (ren("mine/file", "theirs/new", RENAME_SYNC) != -EACCES)
			_exit(6);
		if (ren("theirs/other", "theirs/file", RENAME_SYNC | RENAME_EXCHANGE) != -EACCES)
			_exit(7);
		/* And in his own directory it works for files of others, as ever. */
		if (ren_if("mine/file", "mine/new", RENAME_SYNC, no_target()))
			_exit(8);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	EXPECT_HOLDS("theirs/file", "text");
	EXPECT_HOLDS("theirs/other", "other");
	EXPECT_HOLDS("mine/new", "mine");
}

/* A directory moves to another parent only for those who may write it. */
TEST_F(fs, dotdot_needs_write_permission)
{
	pid_t pid;

	make_dir("one");
	make_dir("one/dir");
	make_dir("two");
	make_dir("two/dir");
	ASSERT_EQ(0, chown("one", NOBODY, NOBODY));
	ASSERT_EQ(0, chown("two", NOBODY, NOBODY));
	ASSERT_EQ(0, chown("two/dir", NOBODY, NOBODY));
	pid = fork();
	if (!pid) {
		become_nobody();
		if (ren("one/dir", "two/new", RENAME_SYNC) != -EACCES)
			_exit(1);
		if (ren("one/dir", "two/dir", RENAME_EXCHANGE | RENAME_SYNC) != -EACCES)
			_exit(2);
		if (ren("two/dir", "one/dir", RENAME_EXCHANGE | RENAME_SYNC) != -EACCES)
			_exit(3);
		if (ren_if("one/dir", "two/dir", 0, target_is(open_path("two/dir"))) != -EACCES)
			_exit(4);
		/* Under another name of the same parent it may. */
		_exit(-ren("one/dir", "one/new", RENAME_SYNC));
	}
	EXPECT_EQ(0, reap(pid));
	EXPECT_TRUE(exists("one/new"));
	EXPECT_TRUE(exists("two/dir"));
}

/* A user namespace in which NOBODY is somebody else. */
static int user_namespace(void)
{
	char path[64];
	int ready[2], done[2], fd;
	char byte;
	pid_t pid;

	if (pipe(ready) || pipe(done))
		broken("pipe");
	pid = fork();
	if (!pid) {
		if (unshare(CLONE_NEWUSER))
			_exit(1);
		close(done[1]);
		close(ready[1]);
		if (read(done[0], &byte, 1) < 0)
			_exit(1);
		_exit(0);
	}
	close(ready[1]);
	close(done[0]);
	/* The child has closed its end when the namespace is there. */
	if (read(ready[0], &byte, 1) < 0)
		broken("pipe");
	snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
	if (put(path, "0 1000 1"))
		broken(path);
	snprintf(path, sizeof(path), "/proc/%d/gid_map", pid);
	if (put(path, "0 1000 1"))
		broken(path);
	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		broken(path);
	close(done[1]);
	close(ready[0]);
	reap(pid);
	return fd;
}

/* Files of root (0) on disk belong to 1000 in the mount, and the other way round. */
TEST_F(fs, idmapped_mount)
{
	struct attributes attr = { .set = IDMAP };
	int tree, fd;
	pid_t pid;

	make_dir("dir");
	make_file("dir/source", "new");
	make_file("dir/target", "old");
	make_dir("mnt");
	attr.userns_fd = user_namespace();
	tree = syscall(SYS_open_tree, AT_FDCWD, "dir", OPEN_TREE_CLONE);
	if (tree < 0)
		broken("open_tree");
	ASSERT_EQ(0, syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)))
		TH_LOG("%s", strerror(errno));
	ASSERT_EQ(0, syscall(SYS_move_mount, tree, "", AT_FDCWD, "mnt", MOVE_MOUNT_F_EMPTY_PATH));
	/* Opened where the mount is not seen, it is still that file. */
	fd = open_path("dir/target");
	pid = fork();
	if (!pid) {
		if (setgid(1000) || setuid(1000))
			_exit(1);
		/* Not his here, */
		if (ren_if("dir/source", "dir/target", 0, target_is(fd)) != -EACCES)
			_exit(2);
		/* but there. */
		if (ren_if("mnt/source", "mnt/target", RENAME_SYNC, source_is(fd)) != -EAGAIN)
			_exit(3);
		if (ren_if("mnt/source", "mnt/target", RENAME_SYNC, target_is(fd)))
			_exit(4);
		if (ren("mnt/target", "mnt/source", RENAME_REPLACE) != -ENOENT)
			_exit(5);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	EXPECT_HOLDS("dir/target", "new");
	umount2("mnt", MNT_DETACH);
}

int main(int argc, char **argv)
{
	need_flags();
	return run_tests(argc, argv);
}
