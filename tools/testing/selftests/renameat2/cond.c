// SPDX-License-Identifier: GPL-2.0
/* RENAME_COND: each condition where it holds, where it does not, and without a target. */
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include "fixture.h"
#include "on_two.h"

FIXTURE_VARIANT_ADD(fs, overlay)
{
	.fs = FS_OVERLAY,
};

/* A call that is refused, and leaves "source" and "target" as they are. */
#define EXPECT_REFUSED(error, flags, cond) do { \
	EXPECT_EQ(-(error), ren_if("source", "target", flags, cond)); \
	EXPECT_HOLDS("source", "new"); \
	EXPECT_HOLDS("target", "old"); \
} while (0)

/* One that succeeds; and all as it was before. */
#define EXPECT_DONE(flags, cond) do { \
	EXPECT_EQ(0, ren_if("source", "target", flags, cond)); \
	EXPECT_HOLDS("target", "new"); \
	EXPECT_FALSE(exists("source")); \
	make_both(); \
} while (0)

static void make_both(void)
{
	unlink("source");
	unlink("target");
	make_file("source", "new");
	make_file("target", "old");
	set_mtime("source", 2000, 0);
	set_mtime("target", 1000, 0);
}

TEST_F(fs, target_is)
{
	int target, other;

	make_both();
	make_file("other", "other");
	other = open_path("other");
	target = open_path("target");
	EXPECT_DONE(0, target_is(target));
	/* That file is deleted now, and another one has its name. */
	EXPECT_REFUSED(EAGAIN, 0, target_is(target));
	EXPECT_REFUSED(EAGAIN, 0, target_is(other));
	/* It can come back, under its name or another one. */
	EXPECT_EQ(0, rename("target", "elsewhere"));
	EXPECT_EQ(-ENOENT, ren_if("source", "target", 0, target_is(other)));
	EXPECT_FALSE(exists("target"));
	EXPECT_HOLDS("source", "new");
}

TEST_F(fs, no_target)
{
	make_both();
	EXPECT_REFUSED(EAGAIN, 0, no_target());
	ASSERT_EQ(0, unlink("target"));
	EXPECT_EQ(0, ren_if("source", "target", 0, no_target()));
	EXPECT_HOLDS("target", "new");
	EXPECT_EQ(-ENOENT, ren_if("absent", "target", 0, source_newer()));
	/* A dangling symlink is there. */
	ASSERT_EQ(0, symlink("nowhere", "dangling"));
	EXPECT_EQ(-EAGAIN, ren_if("target", "dangling", 0, no_target()));
	EXPECT_HOLDS("target", "new");
}

TEST_F(fs, source_is)
{
	int source, target;

	make_both();
	source = open_path("source");
	target = open_path("target");
	EXPECT_REFUSED(EAGAIN, 0, source_is(target));
	EXPECT_DONE(0, source_is(source));
	EXPECT_REFUSED(EAGAIN, 0, source_is(source));
	close(source);
	source = open_path("source");
	ASSERT_EQ(0, unlink("target"));
	EXPECT_EQ(-EAGAIN, ren_if("source", "target", 0, source_is(target)));
	EXPECT_EQ(-ENOENT, ren_if("absent", "target", 0, source_is(source)));
	EXPECT_EQ(0, ren_if("source", "target", 0, source_is(source)));
	EXPECT_HOLDS("target", "new");
}

TEST_F(fs, target_unchanged)
{
	struct rename_cond cond, wrong;

	make_both();
	cond = unchanged("target");
	EXPECT_DONE(0, cond);
	cond = unchanged("target");
	wrong = cond;
	wrong.target_mtime_sec++;
	EXPECT_REFUSED(EAGAIN, 0, wrong);
	wrong = cond;
	wrong.target_mtime_sec |= 1ULL << 32;
	EXPECT_REFUSED(EAGAIN, 0, wrong);
	wrong = cond;
	wrong.target_mtime_nsec++;
	EXPECT_REFUSED(EAGAIN, 0, wrong);
	wrong = cond;
	wrong.target_size++;
	EXPECT_REFUSED(EAGAIN, 0, wrong);
	wrong = cond;
	wrong.target_size |= 1ULL << 32;
	EXPECT_REFUSED(EAGAIN, 0, wrong);
	/* The same size, written just now. */
	make_file("target", "new");
	EXPECT_EQ(-EAGAIN, ren_if("source", "target", 0, cond));
	/* The same time, and another size. */
	make_file("target", "older");
	set_mtime("target", cond.target_mtime_sec, cond.target_mtime_nsec);
	EXPECT_EQ(-EAGAIN, ren_if("source", "target", 0, cond));
	make_file("target", "old");
	set_mtime("target", cond.target_mtime_sec, cond.target_mtime_nsec);
	/* Other attributes do not count. */
	ASSERT_EQ(0, chmod("target", 0600));
	EXPECT_DONE(0, cond);
	ASSERT_EQ(0, unlink("target"));
	EXPECT_EQ(-ENOENT, ren_if("source", "target", 0, cond));
	EXPECT_HOLDS("source", "new");
	EXPECT_FALSE(exists("target"));
}

TEST_F(fs, unusual_times_and_sizes)
{
	static const struct {
		long long sec;
		long nsec;
		off_t size;
	} files[] = {
		{ 0, 0, 0 }, { 0, 999999999, 1 }, { -1, 0, 0 }, { -1, 999999999, 5000 },
		{ -1000000000, 1, 0 }, { 3000000000, 123456789, (5ULL << 30) + 3 },
	};
	struct rename_cond cond;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		make_both();
		ASSERT_EQ(0, truncate("target", files[i].size));
		set_mtime("target", files[i].sec, files[i].nsec);
		cond = unchanged("target");
		cond.target_mtime_sec++;
		EXPECT_EQ(-EAGAIN, ren_if("source", "target", 0, cond)) TH_LOG("file %u", i);
		cond.target_mtime_sec--;
		cond.target_size++;
		EXPECT_EQ(-EAGAIN, ren_if("source", "target", 0, cond)) TH_LOG("file %u", i);
		cond.target_size--;
		EXPECT_EQ(0, ren_if("source", "target", 0, cond)) TH_LOG("file %u", i);
	}
}

/* The order of @old and @new in time, by RENAME_COND_SOURCE_NEWER. */
TEST_F(fs, source_newer)
{
	static const struct {
		long long source, target;
		long source_nsec, target_nsec;
		int ret;
	} times[] = {
		{ 2000, 1000, 0, 0, 0 }, { 1000, 2000, 0, 0, -EAGAIN },
		{ 1000, 1000, 0, 0, -EAGAIN }, { 1000, 1000, 5, 5, -EAGAIN },
		{ 1000, 1000, 6, 5, 0 }, { 1000, 1000, 5, 6, -EAGAIN },
		{ 1001, 1000, 0, 999999999, 0 }, { 1000, 1001, 999999999, 0, -EAGAIN },
		{ 1, -1, 0, 0, 0 }, { -1, 1, 0, 0, -EAGAIN }, { -1, -2, 0, 0, 0 },
		{ 0, -1, 0, 999999999, 0 }, { 3000000000, 1000, 0, 0, 0 },
		{ 1000, 3000000000, 0, 0, -EAGAIN },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(times); i++) {
		make_both();
		set_mtime("source", times[i].source, times[i].source_nsec);
		set_mtime("target", times[i].target, times[i].target_nsec);
		EXPECT_EQ(times[i].ret, ren_if("source", "target", 0, source_newer()))
			TH_LOG("line %u", i);
		EXPECT_EQ(times[i].ret == 0, holds("target", "new")) TH_LOG("line %u", i);
	}
	make_both();
	ASSERT_EQ(0, unlink("target"));
	EXPECT_EQ(-ENOENT, ren_if("source", "target", RENAME_REPLACE, source_newer()));
	EXPECT_EQ(0, ren_if("source", "target", 0, source_newer()));
	EXPECT_HOLDS("target", "new");
}

/* All must hold: each of them alone makes the call fail. */
TEST_F(fs, one_of_them_fails)
{
	unsigned int mask, fails;

	for (mask = 1; mask < 16; mask++) {
		for (fails = 1; fails < 16; fails <<= 1) {
			struct rename_cond cond;

			if (!(mask & fails))
				continue;
			make_both();
			cond = unchanged("target");
			cond.mask = mask;
			cond.target_fd = open_path(fails & RENAME_COND_TARGET_IS ?
						   "source" : "target");
			cond.source_fd = open_path(fails & RENAME_COND_SOURCE_IS ?
						   "target" : "source");
			if (fails & RENAME_COND_TARGET_UNCHANGED)
				cond.target_size++;
			if (fails & RENAME_COND_SOURCE_NEWER)
				set_mtime("source", 999, 0);
			EXPECT_EQ(-EAGAIN, ren_if("source", "target", 0, cond))
				TH_LOG("mask %u, %u fails", mask, fails);
			EXPECT_HOLDS("source", "new");
			EXPECT_HOLDS("target", "old");
			close(cond.target_fd);
			close(cond.source_fd);
		}
	}
}

TEST_F(fs, ways_to_open)
{
	static const int ways[] = {
		O_RDONLY, O_WRONLY, O_RDWR, O_PATH, O_PATH | O_NOFOLLOW, O_WRONLY | O_APPEND,
	};
	unsigned int i;
	int fd, copy;

	make_both();
	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		fd = open("target", ways[i]);
		ASSERT_LE(0, fd);
		copy = dup(fd);
		close(fd);
		EXPECT_DONE(0, target_is(copy));
		close(copy);
		fd = open("source", ways[i]);
		ASSERT_LE(0, fd);
		EXPECT_DONE(0, source_is(fd));
		close(fd);
	}
	/* Through another name of it. */
	ASSERT_EQ(0, link("target", "again"));
	fd = open_path("again");
	EXPECT_DONE(0, target_is(fd));
}

TEST_F(fs, deleted_files)
{
	int fd;

	make_both();
	make_file("gone", "old");
	fd = open("gone", O_RDWR);
	ASSERT_EQ(0, unlink("gone"));
	EXPECT_REFUSED(EAGAIN, 0, target_is(fd));
	EXPECT_REFUSED(EAGAIN, 0, source_is(fd));
	/* A new file may get the number of one that is no more, but not while it is open. */
	close(fd);
	fd = open("target", O_RDONLY);
	make_both();
	EXPECT_REFUSED(EAGAIN, 0, target_is(fd));
	close(fd);
	fd = open(".", O_TMPFILE | O_RDWR, 0600);
	if (fd < 0)
		return;		/* not on every overlay */
	EXPECT_REFUSED(EAGAIN, 0, target_is(fd));
	EXPECT_REFUSED(EAGAIN, 0, source_is(fd));
}

/* The conditions do not care what kind of file it is. */
TEST_F(fs, types)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "target" };
	int kind, fd, sock;

	for (kind = 0; kind < 5; kind++) {
		unlink("target");
		make_file("source", "new");
		switch (kind) {
		case 0:
			ASSERT_EQ(0, symlink("nowhere", "target"));
			break;
		case 1:
			ASSERT_EQ(0, mkfifo("target", 0644));
			break;
		case 2:
			ASSERT_EQ(0, mknod("target", S_IFCHR | 0644, makedev(240, 250)));
			break;
		case 3:
			ASSERT_EQ(0, mknod("target", S_IFBLK | 0644, makedev(240, 250)));
			break;
		case 4:
			sock = socket(AF_UNIX, SOCK_STREAM, 0);
			ASSERT_EQ(0, bind(sock, (void *)&address, sizeof(address)));
			close(sock);
			break;
		}
		fd = open_path("target");
		set_mtime("target", 1000, 7);
		EXPECT_EQ(-EAGAIN, ren_if("source", "target", 0, source_is(fd)))
			TH_LOG("kind %d", kind);
		EXPECT_EQ(-EAGAIN, ren_if("source", "target", 0, no_target()))
			TH_LOG("kind %d", kind);
		/* There and back again, as the target and as the source. */
		EXPECT_EQ(0, ren_if("source", "target", RENAME_EXCHANGE,
				    both(both(target_is(fd), unchanged("target")),
					 source_newer())))
			TH_LOG("kind %d", kind);
		EXPECT_HOLDS("target", "new");
		EXPECT_EQ(0, ren_if("source", "target", RENAME_EXCHANGE, source_is(fd)))
			TH_LOG("kind %d", kind);
		EXPECT_HOLDS("source", "new");
		EXPECT_EQ(0, ren_if("source", "target", 0, target_is(fd)))
			TH_LOG("kind %d", kind);
		EXPECT_HOLDS("target", "new");
		close(fd);
	}
}

/* A symlink is not the file that it leads to. */
TEST_F(fs, symlinks)
{
	int file, itself;

	make_both();
	ASSERT_EQ(0, symlink("target", "link"));
	file = open("link", O_PATH);
	itself = open_path("link");
	EXPECT_REFUSED(EAGAIN, 0, target_is(itself));
	EXPECT_EQ(-EAGAIN, ren_if("source", "link", 0, target_is(file)));
	EXPECT_EQ(0, ren_if("source", "link", 0, target_is(itself)));
	EXPECT_HOLDS("link", "new");
	EXPECT_HOLDS("target", "old");
}

TEST_F(fs, directories)
{
	int from, to;

	make_dir("from");
	make_dir("from/inside");
	make_dir("to");
	from = open("from", O_RDONLY | O_DIRECTORY);
	to = open("to", O_RDONLY | O_DIRECTORY);
	EXPECT_EQ(-EAGAIN, ren_if("from", "to", 0, both(source_is(to), target_is(to))));
	EXPECT_EQ(-EAGAIN, ren_if("from", "to", 0, both(source_is(from), target_is(from))));
	EXPECT_EQ(-EAGAIN, ren_if("from", "to", 0, no_target()));
	EXPECT_TRUE(exists("from/inside"));
	EXPECT_EQ(0, ren_if("from/", "to/", 0, both(both(source_is(from), target_is(to)),
						    unchanged("to"))));
	EXPECT_TRUE(exists("to/inside"));
	EXPECT_FALSE(exists("from"));
	EXPECT_EQ(0, ren_if("to/", "new/", 0, no_target()));
	EXPECT_TRUE(exists("new/inside"));
	/* A directory that is not empty stays, even if it is the one. */
	make_dir("from");
	close(to);
	to = open_path("new");
	EXPECT_EQ(-ENOTEMPTY, ren_if("from", "new", 0, target_is(to)));
	EXPECT_TRUE(exists("new/inside"));
}

/* What rename() refuses it refuses with conditions that hold, too. */
TEST_F(fs, other_errors)
{
	int fd, dir;

	make_both();
	fd = open_path("target");
	make_dir("dir");
	dir = open_path("dir");
	EXPECT_EQ(-ENOTDIR, ren_if("source", "target/", 0, target_is(fd)));
	EXPECT_EQ(-ENOTDIR, ren_if("source/", "target", 0, target_is(fd)));
	EXPECT_EQ(-EISDIR, ren_if("source", "dir", 0, target_is(dir)));
	EXPECT_EQ(-ENOTDIR, ren_if("dir", "target", 0, target_is(fd)));
	EXPECT_EQ(-EINVAL, ren_if("dir", "dir/inside", 0, source_is(dir)));
	EXPECT_EQ(-ENOENT, ren_if("absent", "target", 0, target_is(fd)));
	EXPECT_EQ(-ENOENT, ren_if("source", "no/where", 0, target_is(fd)));
	EXPECT_EQ(-ENOTDIR, ren_if("source", "target/inside", 0, target_is(fd)));
	EXPECT_EQ(ren("source", "..", 0), ren_if("source", "..", 0, target_is(dir)));
	EXPECT_HOLDS("source", "new");
	EXPECT_HOLDS("target", "old");
}

TEST_F(fs, wrong_descriptors)
{
	static const int wrong[] = { -2, -3, AT_FDCWD, -2147483647 - 1, 1000, 2147483647 };
	int closed, target;
	unsigned int i;

	make_both();
	closed = open_path("target");
	target = open_path("target");
	close(closed);
	EXPECT_REFUSED(EBADF, 0, target_is(closed));
	EXPECT_REFUSED(EBADF, 0, source_is(closed));
	EXPECT_REFUSED(EBADF, 0, source_is(-1));
	EXPECT_REFUSED(EBADF, 0, both(target_is(target), source_is(closed)));
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		EXPECT_REFUSED(EBADF, 0, target_is(wrong[i]));
		EXPECT_REFUSED(EBADF, 0, source_is(wrong[i]));
	}
	/* An open one is not left behind. */
	closed = open_path("target");
	close(closed);
	EXPECT_EQ(closed, open_path("target"));
}

TEST_F(fs, other_filesystems)
{
	int i, fds[] = {
		open("/proc/self/status", O_RDONLY), open("/dev/null", O_RDONLY),
		socket(AF_UNIX, SOCK_STREAM, 0), inotify_init(), memfd_create("file", 0),
		open_path(fs_dir(variant->fs == FS_TMPFS ? FS_EXT4 : FS_TMPFS)),
	};

	make_both();
	for (i = 0; i < (int)ARRAY_SIZE(fds); i++) {
		ASSERT_LE(0, fds[i]);
		EXPECT_REFUSED(EXDEV, 0, target_is(fds[i]));
		EXPECT_REFUSED(EXDEV, 0, source_is(fds[i]));
		EXPECT_REFUSED(EXDEV, RENAME_EXCHANGE, source_is(fds[i]));
		EXPECT_REFUSED(EXDEV, RENAME_SYNC, source_is(fds[i]));
	}
}

/* The same file through another mount of its filesystem is the same file. */
TEST_F(fs, bind_mount)
{
	int fd;

	make_both();
	make_dir("mnt");
	ASSERT_EQ(0, mount(".", "mnt", NULL, MS_BIND, NULL));
	fd = open_path("mnt/target");
	EXPECT_DONE(0, target_is(fd));
	close(fd);
	fd = open_path("mnt/source");
	EXPECT_DONE(0, source_is(fd));
	close(fd);
	fd = open_path("mnt/target");
	/* Between two mounts no name is moved, whatever the conditions. */
	EXPECT_EQ(-EXDEV, ren_if("source", "mnt/target", 0, target_is(fd)));
	/* And within one that may not be written, neither. */
	ASSERT_EQ(0, mount(NULL, "mnt", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	EXPECT_EQ(-EROFS, ren_if("mnt/source", "mnt/target", 0, target_is(fd)));
	EXPECT_DONE(0, target_is(fd));
	umount2("mnt", MNT_DETACH);
}

/*
 * Two names of one file: rename() does nothing and says 0. With conditions it says whether they
 * hold.
 */
TEST_F(fs, hard_links)
{
	static const char *const names[] = { "target", "source" };
	unsigned int i;
	int fd, other;

	make_file("source", "text");
	ASSERT_EQ(0, link("source", "target"));
	make_file("other", "other");
	fd = open_path("source");
	other = open_path("other");
	/* The other name, and the very same. */
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		const char *to = names[i];
		struct rename_cond wrong = unchanged("source");

		EXPECT_EQ(0, ren_if("source", to, 0, target_is(fd)));
		EXPECT_EQ(0, ren_if("source", to, 0, source_is(fd)));
		EXPECT_EQ(0, ren_if("source", to, 0, unchanged(to)));
		EXPECT_EQ(0, ren_if("source", to, RENAME_REPLACE, unchanged(to)));
		EXPECT_EQ(0, ren_if("source", to, RENAME_EXCHANGE, unchanged(to)));
		EXPECT_EQ(0, ren_if("source", to, RENAME_SYNC, target_is(fd)));
		EXPECT_EQ(-EAGAIN, ren_if("source", to, 0, target_is(other)));
		EXPECT_EQ(-EAGAIN, ren_if("source", to, 0, source_is(other)));
		EXPECT_EQ(-EAGAIN, ren_if("source", to, 0, no_target()));
		EXPECT_EQ(-EAGAIN, ren_if("source", to, 0, source_newer()));
		EXPECT_EQ(-EAGAIN, ren_if("source", to, RENAME_EXCHANGE, source_newer()));
		wrong.target_size++;
		EXPECT_EQ(-EAGAIN, ren_if("source", to, 0, wrong));
		EXPECT_EQ(-EAGAIN, ren_if("source", to, RENAME_EXCHANGE, wrong));
		wrong = unchanged("source");
		wrong.target_mtime_nsec ^= 1;
		EXPECT_EQ(-EAGAIN, ren_if("source", to, 0, wrong));
		EXPECT_HOLDS("source", "text");
		EXPECT_HOLDS("target", "text");
	}
}

TEST_F(fs, exchange)
{
	int source, target;

	make_both();
	source = open_path("source");
	target = open_path("target");
	EXPECT_REFUSED(EAGAIN, RENAME_EXCHANGE, target_is(source));
	EXPECT_REFUSED(EAGAIN, RENAME_EXCHANGE, source_is(target));
	EXPECT_EQ(-ENOENT, ren_if("source", "absent", RENAME_EXCHANGE, target_is(target)));
	EXPECT_EQ(-ENOENT, ren_if("source", "absent", RENAME_EXCHANGE, source_is(source)));
	EXPECT_EQ(-ENOENT, ren_if("absent", "target", RENAME_EXCHANGE, target_is(target)));
	EXPECT_EQ(0, ren_if("source", "target", RENAME_EXCHANGE,
			    both(target_is(target), source_is(source))));
	EXPECT_HOLDS("source", "old");
	EXPECT_HOLDS("target", "new");
	/* The target is the newer one now. */
	EXPECT_EQ(-EAGAIN, ren_if("source", "target", RENAME_EXCHANGE, source_newer()));
	EXPECT_EQ(0, ren_if("target", "source", RENAME_EXCHANGE, source_newer()));
	EXPECT_HOLDS("source", "new");
	EXPECT_HOLDS("target", "old");
}

TEST_F(fs, whiteout)
{
	struct stat st;
	int target;

	if (variant->fs == FS_OVERLAY)
		return;		/* it makes its whiteouts itself */
	make_both();
	target = open_path("target");
	EXPECT_REFUSED(EAGAIN, RENAME_WHITEOUT, source_is(target));
	EXPECT_EQ(0, ren_if("source", "target", RENAME_WHITEOUT, target_is(target)));
	EXPECT_HOLDS("target", "new");
	ASSERT_EQ(0, lstat("source", &st));
	EXPECT_TRUE(S_ISCHR(st.st_mode));
	EXPECT_EQ(0, st.st_rdev);
}

/* Across directories, by descriptors of them. */
TEST_F(fs, parents)
{
	struct rename_cond cond;
	int from, to, target;

	make_dir("from");
	make_dir("to");
	make_file("from/name", "new");
	make_file("to/name", "old");
	from = open("from", O_RDONLY | O_DIRECTORY);
	to = open("to", O_PATH | O_DIRECTORY);
	target = open_path("to/name");
	cond = target_is(target);
	cond.size = sizeof(cond);
	EXPECT_EQ(-EAGAIN, rename_at(to, "name", from, "name", RENAME_COND, &cond));
	EXPECT_EQ(0, rename_at(from, "name", to, "name", RENAME_COND, &cond));
	EXPECT_HOLDS("to/name", "new");
	EXPECT_FALSE(exists("from/name"));
}

int main(int argc, char **argv)
{
	need_flags();
	return run_tests(argc, argv);
}
