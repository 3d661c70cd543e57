// SPDX-License-Identifier: GPL-2.0
/*
 * RENAME_SYNC: whatever the source is, it is not opened, and nobody but the disk notices. That
 * the result is durable shows durable.c.
 */
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdalign.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "fixture.h"
#include "on_two.h"

FIXTURE_VARIANT_ADD(fs, overlay)
{
	.fs = FS_OVERLAY,
};

static bool is_type(const char *name, mode_t type)
{
	struct stat st;

	return !lstat(name, &st) && (st.st_mode & S_IFMT) == type;
}

TEST_F(fs, files)
{
	make_file("source", "new");
	EXPECT_EQ(0, ren("source", "target", RENAME_SYNC));
	EXPECT_HOLDS("target", "new");
	make_file("source", "newer");
	EXPECT_EQ(0, ren("source", "target", RENAME_SYNC));
	EXPECT_HOLDS("target", "newer");
	make_file("source", "third");
	EXPECT_EQ(0, ren("source", "target", RENAME_SYNC | RENAME_EXCHANGE));
	EXPECT_HOLDS("target", "third");
	EXPECT_HOLDS("source", "newer");
	EXPECT_EQ(-EEXIST, ren("source", "target", RENAME_SYNC | RENAME_NOREPLACE));
	EXPECT_EQ(0, ren("source", "free", RENAME_SYNC | RENAME_NOREPLACE));
	EXPECT_HOLDS("free", "newer");
	EXPECT_EQ(-ENOENT, ren("free", "absent", RENAME_SYNC | RENAME_REPLACE));
	EXPECT_EQ(-ENOENT, ren("absent", "free", RENAME_SYNC));
	EXPECT_EQ(-ENOENT, ren("free", "absent", RENAME_SYNC | RENAME_EXCHANGE));
	EXPECT_HOLDS("free", "newer");
}

TEST_F(fs, directories)
{
	make_dir("one");
	make_dir("one/dir");
	make_file("one/dir/file", "text");
	make_dir("two");
	EXPECT_EQ(0, ren("one/dir", "two/dir", RENAME_SYNC));
	EXPECT_HOLDS("two/dir/file", "text");
	make_file("one/file", "other");
	EXPECT_EQ(0, ren("one/file", "two/dir", RENAME_SYNC | RENAME_EXCHANGE));
	EXPECT_HOLDS("one/file/file", "text");
	EXPECT_HOLDS("two/dir", "other");
	EXPECT_EQ(-EINVAL, ren("one", "one/file/inside", RENAME_SYNC));
	EXPECT_EQ(-ENOTEMPTY, ren("two", "one", RENAME_SYNC));
}

/* Where the parents have no other name, and are the same. */
TEST_F(fs, same_names)
{
	make_file("file", "text");
	ASSERT_EQ(0, link("file", "link"));
	EXPECT_EQ(0, ren("file", "link", RENAME_SYNC));
	EXPECT_EQ(0, ren("file", "file", RENAME_SYNC));
	EXPECT_EQ(0, ren("file", "link", RENAME_SYNC | RENAME_EXCHANGE));
	EXPECT_HOLDS("file", "text");
	EXPECT_HOLDS("link", "text");
}

/* To open a FIFO blocks until somebody opens the other side. */
TEST_F(fs, fifo)
{
	ASSERT_EQ(0, mkfifo("source", 0600));
	make_file("file", "text");
	EXPECT_EQ(0, ren("source", "target", RENAME_SYNC));
	EXPECT_EQ(0, ren("target", "file", RENAME_SYNC | RENAME_EXCHANGE));
	EXPECT_TRUE(is_type("file", S_IFIFO));
	EXPECT_HOLDS("target", "text");
	EXPECT_EQ(0, ren("file", "target", RENAME_SYNC));
	EXPECT_TRUE(is_type("target", S_IFIFO));
}

/* Nor does a writer who waits for a reader get one. */
TEST_F(fs, fifo_with_a_writer)
{
	char path[64];
	pid_t pid;

	ASSERT_EQ(0, mkfifo("source", 0600));
	/* Whatever its name is by then. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", open_path("source"));
	pid = fork();
	if (!pid)
		_exit(open(path, O_WRONLY) < 0);
	EXPECT_EQ(0, ren("source", "target", RENAME_SYNC));
	EXPECT_EQ(0, ren("target", "again", RENAME_SYNC));
	/* It may not have come to wait yet; anyway it has got no reader. */
	EXPECT_EQ(0, waitpid(pid, NULL, WNOHANG));
	kill(pid, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, reap(pid));
}

/* To open a device may do something. One that nobody drives cannot be opened at all. */
TEST_F(fs, devices)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "sock" };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	ASSERT_EQ(0, mknod("char", S_IFCHR | 0600, makedev(240, 250)));
	ASSERT_EQ(0, mknod("block", S_IFBLK | 0600, makedev(240, 250)));
	ASSERT_EQ(0, bind(fd, (void *)&address, sizeof(address)));
	close(fd);
	EXPECT_EQ(0, ren("char", "char2", RENAME_SYNC));
	EXPECT_EQ(0, ren("block", "block2", RENAME_SYNC));
	EXPECT_EQ(0, ren("sock", "sock2", RENAME_SYNC));
	EXPECT_EQ(0, ren("char2", "block2", RENAME_SYNC | RENAME_EXCHANGE));
	EXPECT_EQ(0, ren("sock2", "block2", RENAME_SYNC | RENAME_EXCHANGE));
	EXPECT_TRUE(is_type("char2", S_IFBLK));
	EXPECT_TRUE(is_type("sock2", S_IFCHR));
	EXPECT_TRUE(is_type("block2", S_IFSOCK));
}

TEST_F(fs, symlinks)
{
	ASSERT_EQ(0, symlink("nowhere", "dangling"));
	ASSERT_EQ(0, symlink("loop", "loop"));
	ASSERT_EQ(0, mkfifo("fifo", 0600));
	ASSERT_EQ(0, symlink("fifo", "to-fifo"));
	EXPECT_EQ(0, ren("dangling", "a", RENAME_SYNC));
	EXPECT_EQ(0, ren("loop", "b", RENAME_SYNC));
	EXPECT_EQ(0, ren("to-fifo", "c", RENAME_SYNC));
	EXPECT_EQ(0, ren("a", "c", RENAME_SYNC | RENAME_EXCHANGE));
	EXPECT_TRUE(is_type("a", S_IFLNK));
	EXPECT_TRUE(is_type("b", S_IFLNK));
	EXPECT_TRUE(is_type("c", S_IFLNK));
}

/* A file that nobody may read or write, for one who may rename it. */
TEST_F(fs, no_permission_needed)
{
	pid_t pid;

	ASSERT_EQ(0, chmod(".", 0777));
	make_file("source", "text");
	ASSERT_EQ(0, chmod("source", 0));
	make_dir("locked");
	ASSERT_EQ(0, chmod("locked", 0));
	pid = fork();
	if (!pid) {
		if (setgid(NOBODY) || setuid(NOBODY))
			_exit(1);
		if (ren("source", "target", RENAME_SYNC))
			_exit(2);
		if (ren("locked", "moved", RENAME_SYNC))
			_exit(3);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid));
	EXPECT_HOLDS("target", "text");
	EXPECT_TRUE(exists("moved"));
}

/* Parents into which one may write but not look. */
TEST_F(fs, parents_without_read_permission)
{
	pid_t pid;

	make_dir("drop");
	make_dir("box");
	make_file("drop/source", "text");
	ASSERT_EQ(0, chmod("drop", 0733));
	ASSERT_EQ(0, chmod("box", 0733));
	pid = fork();
	if (!pid) {
		if (setgid(NOBODY) || setuid(NOBODY))
			_exit(1);
		_exit(-ren("drop/source", "box/target", RENAME_SYNC));
	}
	EXPECT_EQ(0, reap(pid));
	EXPECT_HOLDS("box/target", "text");
}

/* Somebody has a lease on it: he is not bothered, and nobody waits for him. */
TEST_F(fs, leased)
{
	static const int leases[] = { F_RDLCK, F_WRLCK };
	unsigned int i;
	int fd;

	note_lease_breaks();
	for (i = 0; i < ARRAY_SIZE(leases); i++) {
		make_file("source", "text");
		make_file("other", "other");
		fd = open("source", leases[i] == F_RDLCK ? O_RDONLY : O_RDWR);
		if (fcntl(fd, F_SETLEASE, leases[i])) {
			/* An open file of overlayfs has another file open below. */
			ASSERT_EQ(FS_OVERLAY, variant->fs);
			close(fd);
			continue;
		}
		EXPECT_EQ(0, ren("source", "target", RENAME_SYNC));
		EXPECT_EQ(0, ren("target", "other", RENAME_SYNC | RENAME_EXCHANGE));
		EXPECT_EQ(0, ren("target", "other", RENAME_SYNC | RENAME_EXCHANGE));
		EXPECT_EQ(0, ren_if("target", "source", RENAME_SYNC, source_is(fd)));
		EXPECT_FALSE(lease_was_broken());
		EXPECT_EQ(leases[i], fcntl(fd, F_GETLEASE));
		close(fd);
		EXPECT_HOLDS("source", "text");
	}
	/* The control: who opens it does bother. */
	make_file("source", "text");
	fd = open("source", O_RDONLY);
	if (!fcntl(fd, F_SETLEASE, F_RDLCK)) {
		EXPECT_GT(0, open("source", O_WRONLY | O_NONBLOCK));
		EXPECT_EQ(EWOULDBLOCK, errno);
		EXPECT_TRUE(lease_was_broken());
	}
}

/* The events of a directory and of the source in it, as text. */
static int watch_all(const char *name)
{
	int fd = inotify_init1(IN_NONBLOCK);

	if (inotify_add_watch(fd, ".", IN_ALL_EVENTS) < 0 ||
	    inotify_add_watch(fd, name, IN_ALL_EVENTS) < 0)
		broken("inotify");
	return fd;
}

static const char *events(int fd, char text[1024])
{
	alignas(8) char buffer[4096];
	ssize_t len, at = 0;

	text[0] = 0;
	len = read(fd, buffer, sizeof(buffer));
	while (at < len) {
		struct inotify_event *event = (void *)(buffer + at);
		size_t end = strlen(text);

		snprintf(text + end, 1024 - end, "%d:%x:%s ", event->wd, event->mask,
			 event->len ? event->name : "");
		at += sizeof(*event) + event->len;
	}
	close(fd);
	return text;
}

/* Who watches the files sees what rename() shows, and no open and no close. */
TEST_F(fs, no_events_of_its_own)
{
	char plain[1024], synced[1024];
	int turn, fd;

	for (turn = 0; turn < 2; turn++) {
		unsigned int flags = turn ? RENAME_EXCHANGE : 0;

		unlink("source");
		make_file("source", "new");
		make_file("target", "old");
		fd = watch_all("source");
		ASSERT_EQ(0, ren("source", "target", flags));
		events(fd, plain);
		unlink("source");
		make_file("source", "new");
		make_file("target", "old");
		fd = watch_all("source");
		ASSERT_EQ(0, ren("source", "target", flags | RENAME_SYNC));
		events(fd, synced);
		EXPECT_STREQ(plain, synced);
		EXPECT_NE(0, strlen(plain));
	}
	make_dir("dir");
	fd = watch_all("dir");
	ASSERT_EQ(0, ren("dir", "dir2", 0));
	events(fd, plain);
	ASSERT_EQ(0, ren("dir2", "dir", 0));
	fd = watch_all("dir");
	ASSERT_EQ(0, ren("dir", "dir2", RENAME_SYNC));
	EXPECT_STREQ(plain, events(fd, synced));
}

/* Times of the source are left alone, that of the last access too. */
TEST_F(fs, times)
{
	struct timespec old[2] = { { 1000, 0 }, { 1000, 0 } };
	struct stat st;

	make_file("source", "text");
	ASSERT_EQ(0, utimensat(AT_FDCWD, "source", old, 0));
	ASSERT_EQ(0, ren("source", "target", RENAME_SYNC));
	ASSERT_EQ(0, stat("target", &st));
	EXPECT_EQ(1000, st.st_atim.tv_sec);
	EXPECT_EQ(1000, st.st_mtim.tv_sec);
}

static int open_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* What is open for it inside the kernel is closed again, and needs no descriptor. */
TEST_F(fs, descriptors)
{
	int before = open_files(), i;

	make_file("source", "text");
	for (i = 0; i < 20; i++) {
		EXPECT_EQ(0, ren("source", "target", RENAME_SYNC));
		EXPECT_EQ(0, ren("target", "source", RENAME_SYNC));
	}
	EXPECT_EQ(before, open_files());
}

TEST_F(fs, read_only)
{
	make_file("source", "text");
	make_dir("mnt");
	ASSERT_EQ(0, mount(".", "mnt", NULL, MS_BIND, NULL));
	ASSERT_EQ(0, mount(NULL, "mnt", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	EXPECT_EQ(-EROFS, ren("mnt/source", "mnt/target", RENAME_SYNC));
	EXPECT_EQ(-EXDEV, ren("source", "mnt/target", RENAME_SYNC));
	EXPECT_HOLDS("source", "text");
	EXPECT_FALSE(exists("target"));
	umount2("mnt", MNT_DETACH);
}

/*
 * The source is synced without the lock of its parent, and by then another file may have its
 * name. What is renamed at last was synced; there is no other outcome.
 */
static bool stop;

static void *replace_forever(void *arg)
{
	(void)arg;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		make_file("next", "text");
		rename("next", "source");
	}
	return NULL;
}

TEST_F(fs, source_replaced)
{
	int i, ret, done = 0, turns = loops(200, 5000);
	pthread_t threads[2];

	make_file("source", "text");
	ASSERT_EQ(0, pthread_create(&threads[0], NULL, replace_forever, NULL));
	for (i = 0; i < turns; i++) {
		ret = ren("source", "target", RENAME_SYNC);
		done += !ret;
		EXPECT_TRUE(ret == 0 || ret == -EAGAIN || ret == -ENOENT) TH_LOG("%d", ret);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(threads[0], NULL);
	EXPECT_LT(0, done);
}

int main(int argc, char **argv)
{
	need_flags();
	return run_tests(argc, argv);
}
