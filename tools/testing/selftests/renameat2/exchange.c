// SPDX-License-Identifier: GPL-2.0
/*
 * RENAME_EXCHANGE on every filesystem that has it: what is under the two names, in memory and,
 * after it was mounted again, on disk.
 */
#include <dirent.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include "fixture.h"
#include "on_exchanging.h"

/* Of things that have a name. The first two can be had everywhere. */
enum kind {
	FILE_SMALL,
	DIRECTORY,
	FILE_EMPTY,
	FILE_LARGE,
	DIRECTORY_FULL,
	SYMLINK,
	SYMLINK_LONG,
	FIFO,
	DEVICE,
	SOCKET,
	NR_KINDS
};

#define LARGE	(20 * KIB)
#define FULL	5

static int nr_kinds(enum fs fs)
{
	return fs == FS_VFAT || fs == FS_EXFAT ? SYMLINK : NR_KINDS;
}

/* Blocks that tell where they belong. */
static void fill(const char *name, char mark, long bytes)
{
	char block[1024];
	int fd = open(name, O_WRONLY | O_CREAT | O_APPEND, 0644);

	memset(block, mark, sizeof(block));
	for (; fd >= 0 && bytes > 0; bytes -= sizeof(block))
		if (write(fd, block, sizeof(block)) != sizeof(block))
			broken(name);
	if (fd < 0 || close(fd))
		broken(name);
}

/* A file that has nothing else. */
static bool is_filled(const char *name, char mark, long bytes)
{
	char block[1024];
	int fd = open(name, O_RDONLY);
	bool right = fd >= 0;
	ssize_t len, i;

	while (right && (len = read(fd, block, sizeof(block))) > 0) {
		for (i = 0; i < len; i++)
			right &= block[i] == mark;
		bytes -= len;
	}
	if (fd >= 0)
		close(fd);
	return right && !bytes;
}

static const char *long_link(char mark)
{
	static char link[200];

	memset(link, mark, sizeof(link) - 1);
	/* Components are short. */
	link[sizeof(link) / 2] = '/';
	return link;
}

/* Each thing has a mark, a letter, by which it can be told from others of its kind. */
static void make(enum kind kind, const char *name, char mark)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char text[] = { mark, 0 }, inside[64];
	int i, fd, ret = 0;

	switch (kind) {
	case FILE_SMALL:
		make_file(name, text);
		break;
	case FILE_EMPTY:
		make_file(name, "");
		break;
	case FILE_LARGE:
		fill(name, mark, LARGE);
		break;
	case DIRECTORY:
	case DIRECTORY_FULL:
		make_dir(name);
		snprintf(inside, sizeof(inside), "%s/mark-%c", name, mark);
		make_file(inside, text);
		for (i = 0; i < (kind == DIRECTORY_FULL ? FULL : 0); i++) {
			snprintf(inside, sizeof(inside), "%s/entry-with-a-name-%d", name, i);
			make_file(inside, text);
		}
		break;
	case SYMLINK:
		ret = symlink(text, name);
		break;
	case SYMLINK_LONG:
		ret = symlink(long_link(mark), name);
		break;
	case FIFO:
		ret = mkfifo(name, 0600) ?: chmod(name, 0600 | (mark & 7));
		break;
	case DEVICE:
		ret = mknod(name, S_IFCHR | 0600, makedev(240, mark));
		break;
	case SOCKET:
		fd = socket(AF_UNIX, SOCK_STREAM, 0);
		snprintf(address.sun_path, sizeof(address.sun_path), "%s", name);
		ret = bind(fd, (void *)&address, sizeof(address)) ?: chmod(name, 0600 | (mark & 7));
		close(fd);
		break;
	default:
		ret = -1;
	}
	if (ret)
		broken(name);
}

static bool has_parent(const char *name)
{
	char path[64], parent[64];
	struct stat up, above;

	snprintf(path, sizeof(path), "%s/..", name);
	snprintf(parent, sizeof(parent), "./%s", name);
	*strrchr(parent, '/') = 0;
	return !stat(path, &up) && !stat(parent, &above) && up.st_ino == above.st_ino;
}

static bool looks_like(enum kind kind, const char *name, char mark)
{
	char text[] = { mark, 0 }, buffer[1024] = "", inside[64];
	struct stat st;
	int i;

	if (lstat(name, &st))
		return false;
	switch (kind) {
	case FILE_SMALL:
		return S_ISREG(st.st_mode) && holds(name, text);
	case FILE_EMPTY:
		return S_ISREG(st.st_mode) && !st.st_size;
	case FILE_LARGE:
		return is_filled(name, mark, LARGE);
	case DIRECTORY:
	case DIRECTORY_FULL:
		snprintf(inside, sizeof(inside), "%s/mark-%c", name, mark);
		if (!S_ISDIR(st.st_mode) || !holds(inside, text) || !has_parent(name))
			return false;
		for (i = 0; i < (kind == DIRECTORY_FULL ? FULL : 0); i++) {
			snprintf(inside, sizeof(inside), "%s/entry-with-a-name-%d", name, i);
			if (!holds(inside, text))
				return false;
		}
		return true;
	case SYMLINK:
		return readlink(name, buffer, sizeof(buffer) - 1) == 1 && !strcmp(buffer, text);
	case SYMLINK_LONG:
		return readlink(name, buffer, sizeof(buffer) - 1) > 0 &&
		       !strcmp(buffer, long_link(mark));
	case FIFO:
		return S_ISFIFO(st.st_mode) && (st.st_mode & 7) == (mark & 7);
	case DEVICE:
		return S_ISCHR(st.st_mode) && st.st_rdev == makedev(240, mark);
	case SOCKET:
		return S_ISSOCK(st.st_mode) && (st.st_mode & 7) == (mark & 7);
	default:
		return false;
	}
}

/* Is that thing under this name? */
static bool is(enum kind kind, const char *name, char mark)
{
	bool right = looks_like(kind, name, mark);

	if (!right)
		printf("# under %s there should be thing %c of kind %d\n", name, mark, kind);
	return right;
}

/*
 * From now on a test sees what is on disk. The working directory keeps the filesystem mounted,
 * so it is left for a while.
 */
static void again(enum fs fs, const char *dir)
{
	if (!fs_on_disk(fs))
		return;
	if (chdir("/"))
		broken("/");
	fs_again(fs);
	if (chdir(dir))
		broken(dir);
}

/* Each kind with each, in one directory and in two. */
TEST_F(fs, kinds)
{
	int nr = nr_kinds(variant->fs), first, second, turn;
	char a[64], b[64];

	make_dir("one");
	make_dir("two");
	for (turn = 0; turn < 2; turn++) {
		for (first = 0; first < nr; first++) {
			for (second = first; second < nr; second++) {
				snprintf(a, sizeof(a), "one/a%d-%d-%d", turn, first, second);
				snprintf(b, sizeof(b), "%s/b%d-%d-%d", turn ? "two" : "one", turn,
					 first, second);
				make(first, a, 'A');
				make(second, b, 'B');
				ASSERT_EQ(0, ren(a, b, RENAME_EXCHANGE)) TH_LOG("%s, %s", a, b);
				EXPECT_TRUE(is(first, b, 'A'));
				EXPECT_TRUE(is(second, a, 'B'));
			}
		}
	}
	again(variant->fs, self->dir);
	for (turn = 0; turn < 2; turn++) {
		for (first = 0; first < nr; first++) {
			for (second = first; second < nr; second++) {
				snprintf(a, sizeof(a), "one/a%d-%d-%d", turn, first, second);
				snprintf(b, sizeof(b), "%s/b%d-%d-%d", turn ? "two" : "one", turn,
					 first, second);
				EXPECT_TRUE(is(first, b, 'A'));
				EXPECT_TRUE(is(second, a, 'B'));
				/* And back, from what was read from the disk. */
				EXPECT_EQ(0, ren(b, a, RENAME_EXCHANGE));
				EXPECT_TRUE(is(first, a, 'A'));
				EXPECT_TRUE(is(second, b, 'B'));
			}
		}
	}
	again(variant->fs, self->dir);
}

static int links_of(const char *name)
{
	struct stat st;

	if (stat(name, &st))
		broken(name);
	return st.st_nlink;
}

/* A directory's links are those of an empty one and, on most filesystems, one a subdirectory. */
static int dir_links(int subdirs)
{
	static int empty, step;

	if (!empty) {
		make_dir("probe");
		empty = links_of("probe");
		make_dir("probe/inside");
		step = links_of("probe") - empty;
	}
	return empty + step * subdirs;
}

TEST_F(fs, links)
{
	dir_links(0);
	make_dir("one");
	make_dir("one/dir");
	make_dir("one/dir/deep");
	make_dir("one/stays");
	make_file("one/file", "1");
	make_dir("two");
	make_dir("two/dir");
	make_file("two/file", "2");
	/* A directory with a directory, in one parent and in two. */
	EXPECT_EQ(0, ren("one/dir", "one/stays", RENAME_EXCHANGE));
	EXPECT_EQ(0, ren("one/dir", "one/stays", RENAME_EXCHANGE));
	EXPECT_EQ(0, ren("one/dir", "two/dir", RENAME_EXCHANGE));
	EXPECT_EQ(dir_links(2), links_of("one"));
	EXPECT_EQ(dir_links(1), links_of("two"));
	EXPECT_EQ(dir_links(0), links_of("one/dir"));
	EXPECT_EQ(dir_links(1), links_of("two/dir"));
	/* A file with a directory in the same parent. */
	EXPECT_EQ(0, ren("two/file", "two/dir", RENAME_EXCHANGE));
	EXPECT_EQ(dir_links(1), links_of("two"));
	/* And in another, both ways. */
	EXPECT_EQ(0, ren("one/file", "two/file", RENAME_EXCHANGE));
	EXPECT_EQ(dir_links(3), links_of("one"));
	EXPECT_EQ(dir_links(0), links_of("two"));
	EXPECT_EQ(1, links_of("two/file"));
	EXPECT_TRUE(has_parent("one/file"));
	EXPECT_EQ(0, ren("one/dir", "two/file", RENAME_EXCHANGE));
	EXPECT_EQ(dir_links(2), links_of("one"));
	EXPECT_EQ(dir_links(1), links_of("two"));
	EXPECT_TRUE(has_parent("two/file"));
	again(variant->fs, self->dir);
	EXPECT_EQ(dir_links(2), links_of("one"));
	EXPECT_EQ(dir_links(1), links_of("two"));
	EXPECT_TRUE(has_parent("one/file"));
	EXPECT_TRUE(has_parent("two/file"));
	EXPECT_HOLDS("one/dir", "1");
	EXPECT_HOLDS("two/dir", "2");
	/* They can be removed, which a wrong number would prevent or a wrong parent. */
	EXPECT_EQ(0, rmdir("one/file/deep"));
	EXPECT_EQ(0, rmdir("one/file"));
	EXPECT_EQ(0, rmdir("one/stays"));
	EXPECT_EQ(0, unlink("one/dir"));
	EXPECT_EQ(0, rmdir("one"));
	EXPECT_EQ(0, rmdir("two/file"));
	EXPECT_EQ(0, unlink("two/dir"));
	EXPECT_EQ(0, rmdir("two"));
}

/* Descriptors, and what is written to them, belong to the file and not to the name. */
TEST_F(fs, open_files)
{
	int i, a, b;
	char mark;

	make_dir("dir");
	fill("a", 'A', 3 * KIB);
	fill("dir/b", 'B', 40 * KIB);
	a = open("a", O_RDWR | O_APPEND);
	b = open("dir/b", O_RDWR | O_APPEND);
	/* An odd number of times, with growth in between. */
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, ren("a", "dir/b", RENAME_EXCHANGE));
		EXPECT_TRUE(same_file(i % 2 ? "a" : "dir/b", a));
		EXPECT_TRUE(same_file(i % 2 ? "dir/b" : "a", b));
		fill(i % 2 ? "a" : "dir/b", 'A', KIB);
		mark = 'B';
		EXPECT_EQ(1, write(b, &mark, 1));
	}
	EXPECT_TRUE(is_filled("dir/b", 'A', 8 * KIB));
	EXPECT_TRUE(is_filled("a", 'B', 40 * KIB + 5));
	EXPECT_EQ(0, ftruncate(b, 10));
	close(a);
	close(b);
	again(variant->fs, self->dir);
	EXPECT_TRUE(is_filled("dir/b", 'A', 8 * KIB));
	EXPECT_TRUE(is_filled("a", 'B', 10));
}

/* What is deleted, moved or written after an exchange is the file under that name then. */
TEST_F(fs, afterwards)
{
	make_dir("dir");
	fill("a", 'A', 5 * KIB);
	fill("b", 'B', 9 * KIB);
	fill("c", 'C', KIB);
	fill("dir/d", 'D', 20 * KIB);
	ASSERT_EQ(0, ren("a", "b", RENAME_EXCHANGE));
	ASSERT_EQ(0, unlink("a"));
	EXPECT_TRUE(is_filled("b", 'A', 5 * KIB));
	ASSERT_EQ(0, ren("b", "dir/d", RENAME_EXCHANGE));
	ASSERT_EQ(0, rename("b", "moved"));
	EXPECT_TRUE(is_filled("moved", 'D', 20 * KIB));
	EXPECT_TRUE(is_filled("dir/d", 'A', 5 * KIB));
	ASSERT_EQ(0, ren("dir/d", "c", RENAME_EXCHANGE));
	ASSERT_EQ(0, truncate("c", 100));
	fill("dir/d", 'C', 30 * KIB);
	ASSERT_EQ(0, chmod("c", 0640));
	again(variant->fs, self->dir);
	EXPECT_FALSE(exists("a"));
	EXPECT_FALSE(exists("b"));
	EXPECT_TRUE(is_filled("moved", 'D', 20 * KIB));
	EXPECT_TRUE(is_filled("c", 'A', 100));
	EXPECT_TRUE(is_filled("dir/d", 'C', 31 * KIB));
	/* The space of what was deleted can be used, and nothing else is hurt by it. */
	fill("new", 'N', 50 * KIB);
	EXPECT_TRUE(is_filled("moved", 'D', 20 * KIB));
	EXPECT_TRUE(is_filled("c", 'A', 100));
	EXPECT_TRUE(is_filled("dir/d", 'C', 31 * KIB));
	again(variant->fs, self->dir);
}

/* The shortest name and the longest keep their lengths. */
TEST_F(fs, name_lengths)
{
	long max = pathconf(".", _PC_NAME_MAX);
	char name[256], other[260];

	/* In letters: some count bytes. */
	if (max > 200)
		max = 200;
	memset(name, 'n', max);
	name[max] = 0;
	make_dir("dir");
	snprintf(other, sizeof(other), "dir/%s", name);
	make_file("s", "short");
	make_file(name, "long");
	fill(other, 'O', 2 * KIB);
	EXPECT_EQ(0, ren("s", name, RENAME_EXCHANGE));
	EXPECT_HOLDS(name, "short");
	EXPECT_HOLDS("s", "long");
	EXPECT_EQ(0, ren(other, "s", RENAME_EXCHANGE));
	again(variant->fs, self->dir);
	EXPECT_HOLDS(name, "short");
	EXPECT_HOLDS(other, "long");
	EXPECT_TRUE(is_filled("s", 'O', 2 * KIB));
}

static int entries(const char *dir)
{
	DIR *d = opendir(dir);
	int n = 0;

	if (!d)
		broken(dir);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* Entries in more than one block of a directory, exchanged crosswise. */
TEST_F(fs, large_directories)
{
	int i, nr = loops(60, 300), width = pathconf(".", _PC_NAME_MAX);
	char a[128], b[128], text[16];

	if (width > 100)
		width = 100;
	make_dir("one");
	make_dir("two");
	for (i = 0; i < nr; i++) {
		snprintf(text, sizeof(text), "%d", i);
		snprintf(a, sizeof(a), "one/%0*d", width, i);
		snprintf(b, sizeof(b), "two/%d", i);
		make_file(a, text);
		make_file(b, text);
	}
	for (i = 0; i < nr; i++) {
		snprintf(a, sizeof(a), "one/%0*d", width, i);
		snprintf(b, sizeof(b), "two/%d", nr - 1 - i);
		ASSERT_EQ(0, ren(a, b, RENAME_EXCHANGE)) TH_LOG("%s, %s", a, b);
	}
	again(variant->fs, self->dir);
	EXPECT_EQ(nr + 2, entries("one"));
	EXPECT_EQ(nr + 2, entries("two"));
	for (i = 0; i < nr; i++) {
		snprintf(text, sizeof(text), "%d", nr - 1 - i);
		snprintf(a, sizeof(a), "one/%0*d", width, i);
		snprintf(b, sizeof(b), "two/%d", i);
		EXPECT_HOLDS(a, text);
		EXPECT_HOLDS(b, text);
	}
}

static long long mtime_of(const char *name)
{
	struct stat st;

	if (stat(name, &st))
		broken(name);
	return st.st_mtim.tv_sec;
}

/* Times of the parents change, those of what is moved do not. */
TEST_F(fs, times)
{
	make_dir("one");
	make_dir("two");
	make_file("one/a", "A");
	make_file("two/b", "B");
	set_mtime("one/a", 500000000, 0);
	set_mtime("two/b", 600000000, 0);
	set_mtime("one", 700000000, 0);
	set_mtime("two", 700000000, 0);
	ASSERT_EQ(0, ren("one/a", "two/b", RENAME_EXCHANGE));
	EXPECT_LT(800000000, mtime_of("one"));
	EXPECT_LT(800000000, mtime_of("two"));
	EXPECT_EQ(500000000, mtime_of("two/b"));
	EXPECT_EQ(600000000, mtime_of("one/a"));
	again(variant->fs, self->dir);
	EXPECT_LT(800000000, mtime_of("one"));
	EXPECT_LT(800000000, mtime_of("two"));
	EXPECT_EQ(500000000, mtime_of("two/b"));
	EXPECT_EQ(600000000, mtime_of("one/a"));
}

TEST_F(fs, refusals)
{
	make_dir("dir");
	make_dir("dir/sub");
	make_file("dir/sub/file", "deep");
	make_file("file", "text");
	EXPECT_EQ(-ENOENT, ren("file", "absent", RENAME_EXCHANGE));
	EXPECT_EQ(-ENOENT, ren("absent", "file", RENAME_EXCHANGE));
	EXPECT_EQ(-EINVAL, ren("dir", "dir/sub", RENAME_EXCHANGE));
	EXPECT_EQ(-EINVAL, ren("dir/sub", "dir", RENAME_EXCHANGE));
	EXPECT_EQ(-EINVAL, ren("dir", "dir/sub/file", RENAME_EXCHANGE));
	EXPECT_EQ(-EINVAL, ren("dir/sub/file", "dir", RENAME_EXCHANGE));
	EXPECT_EQ(-ENOTDIR, ren("file", "dir/sub/file/", RENAME_EXCHANGE));
	EXPECT_EQ(-ENOTDIR, ren("file/", "dir", RENAME_EXCHANGE));
	EXPECT_EQ(-EBUSY, ren("dir/.", "file", RENAME_EXCHANGE));
	EXPECT_EQ(-EBUSY, ren("file", "dir/..", RENAME_EXCHANGE));
	EXPECT_EQ(0, ren("file", "file", RENAME_EXCHANGE));
	EXPECT_EQ(0, ren("dir", "dir", RENAME_EXCHANGE));
	EXPECT_HOLDS("file", "text");
	EXPECT_HOLDS("dir/sub/file", "deep");
	if (nr_kinds(variant->fs) == NR_KINDS) {
		ASSERT_EQ(0, link("file", "link"));
		EXPECT_EQ(0, ren("file", "link", RENAME_EXCHANGE));
		EXPECT_EQ(2, links_of("file"));
		/* But a link and another file change places. */
		EXPECT_EQ(0, ren("link", "dir/sub/file", RENAME_EXCHANGE));
		EXPECT_HOLDS("link", "deep");
		EXPECT_HOLDS("dir/sub/file", "text");
		EXPECT_EQ(2, links_of("file"));
	}
	/* A directory that is no ancestor may be a deeper one. */
	make_dir("other");
	EXPECT_EQ(0, ren("other", "dir/sub", RENAME_EXCHANGE));
	EXPECT_TRUE(exists("other/file"));
	EXPECT_TRUE(has_parent("other"));
	EXPECT_TRUE(has_parent("dir/sub"));
	again(variant->fs, self->dir);
}

/* Who is in a directory that moves goes with it. */
TEST_F(fs, working_directory)
{
	char cwd[256], here[256];

	make_dir("one");
	make_dir("one/a");
	make_dir("two");
	make_dir("two/b");
	make_file("two/mark", "");
	ASSERT_EQ(0, chdir("one/a"));
	ASSERT_EQ(0, ren("../../one/a", "../../two/b", RENAME_EXCHANGE));
	EXPECT_TRUE(exists("../mark"));
	snprintf(here, sizeof(here), "%s/two/b", self->dir);
	EXPECT_STREQ(here, getcwd(cwd, sizeof(cwd)));
	make_file("made", "here");
	ASSERT_EQ(0, chdir(self->dir));
	EXPECT_HOLDS("two/b/made", "here");
	again(variant->fs, self->dir);
	EXPECT_HOLDS("two/b/made", "here");
}

/* Where the number of subdirectories has a limit that a test can reach. */
TEST_F(fs, link_limit)
{
	char name[64];
	int i;

	if (variant->fs != FS_MINIX_V1)
		return;
	make_dir("full");
	make_file("full/file", "text");
	make_dir("dir");
	for (i = 0;; i++) {
		snprintf(name, sizeof(name), "full/%d", i);
		if (mkdir(name, 0755))
			break;
	}
	EXPECT_EQ(EMLINK, errno);
	EXPECT_EQ(250, links_of("full"));
	/* One more from elsewhere, from either side. */
	EXPECT_EQ(-EMLINK, ren("full/file", "dir", RENAME_EXCHANGE));
	EXPECT_EQ(-EMLINK, ren("dir", "full/file", RENAME_EXCHANGE));
	EXPECT_EQ(-EMLINK, ren("dir", "full/new", 0));
	if (!flags_missing()) {
		EXPECT_EQ(-EMLINK, ren("dir", "full/new", RENAME_SYNC));
		EXPECT_EQ(-EMLINK, ren_if("dir", "full/new", 0, no_target()));
		EXPECT_EQ(-EMLINK, ren_if("dir", "full/file", RENAME_EXCHANGE, source_newer()));
	}
	EXPECT_HOLDS("full/file", "text");
	/* One for one, and one less. */
	EXPECT_EQ(0, ren("dir", "full/0", RENAME_EXCHANGE));
	EXPECT_EQ(0, ren("full/file", "full/1", RENAME_EXCHANGE));
	EXPECT_EQ(250, links_of("full"));
	make_file("file", "other");
	EXPECT_EQ(0, ren("file", "full/0", RENAME_EXCHANGE));
	EXPECT_EQ(249, links_of("full"));
	EXPECT_EQ(0, ren("dir", "full/file2", 0));
	EXPECT_EQ(250, links_of("full"));
	again(variant->fs, self->dir);
	EXPECT_EQ(250, links_of("full"));
}

/* Directories are written at once. */
TEST_F(fs, dirsync)
{
	if (!fs_on_disk(variant->fs))
		return;
	ASSERT_EQ(0, mount(NULL, fs_dir(variant->fs), NULL, MS_REMOUNT | MS_DIRSYNC, NULL));
	make_dir("one");
	make_dir("two");
	make_dir("two/dir");
	make_file("one/file", "text");
	EXPECT_EQ(0, ren("one/file", "two/dir", RENAME_EXCHANGE));
	EXPECT_HOLDS("two/dir", "text");
	EXPECT_TRUE(has_parent("one/file"));
	again(variant->fs, self->dir);
	EXPECT_HOLDS("two/dir", "text");
	EXPECT_TRUE(has_parent("one/file"));
}

/* Nothing changes where nothing may be written. */
TEST_F(fs, read_only)
{
	if (!fs_on_disk(variant->fs))
		return;
	make_file("a", "A");
	make_file("b", "B");
	ASSERT_EQ(0, mount(NULL, fs_dir(variant->fs), NULL, MS_REMOUNT | MS_RDONLY, NULL));
	EXPECT_EQ(-EROFS, ren("a", "b", RENAME_EXCHANGE));
	EXPECT_EQ(-EROFS, ren("a", "b", 0));
	ASSERT_EQ(0, mount(NULL, fs_dir(variant->fs), NULL, MS_REMOUNT, NULL));
	EXPECT_HOLDS("a", "A");
	EXPECT_HOLDS("b", "B");
}

static bool stop;
static int missing;

struct looker {
	pthread_t thread;
	const char *name;
	long looks;
};

static void *look_forever(void *arg)
{
	struct looker *me = arg;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		if (access(me->name, F_OK))
			__atomic_add_fetch(&missing, 1, __ATOMIC_RELAXED);
		__atomic_add_fetch(&me->looks, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static long fewest_looks(const struct looker *lookers, int nr)
{
	long looks = LONG_MAX;

	while (nr--)
		if (__atomic_load_n(&lookers[nr].looks, __ATOMIC_RELAXED) < looks)
			looks = lookers[nr].looks;
	return looks;
}

/* Both names exist all the time, for who looks them up. */
TEST_F(fs, always_there)
{
	struct looker lookers[] = { { .name = "a" }, { .name = "dir/b" } };
	int i, turn, turns = loops(100, 20000);

	make_dir("dir");
	make_file("a", "A");
	make_file("dir/b", "B");
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_create(&lookers[i].thread, NULL, look_forever, &lookers[i]));
	for (turn = 0; turn < turns || fewest_looks(lookers, 2) < turns; turn++)
		ASSERT_EQ(0, ren("a", "dir/b", RENAME_EXCHANGE));
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < 2; i++)
		pthread_join(lookers[i].thread, NULL);
	EXPECT_EQ(0, missing);
	EXPECT_HOLDS(turn % 2 ? "dir/b" : "a", "A");
	EXPECT_HOLDS(turn % 2 ? "a" : "dir/b", "B");
}

/* The last one: all that the tests before have left there. */
TEST_F(fs, sound)
{
	const char *wrong;

	if (!fs_on_disk(variant->fs))
		return;
	ASSERT_EQ(0, chdir("/"));
	wrong = fs_check(variant->fs);
	EXPECT_EQ(NULL, wrong) TH_LOG("fsck: %s", wrong);
}

int main(int argc, char **argv)
{
	need_root();
	return run_tests(argc, argv);
}
