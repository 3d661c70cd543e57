// SPDX-License-Identifier: GPL-2.0
/*
 * The rules of rename() about directories, mounts and protected files stay what they are with
 * each new flag.
 */
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/swap.h>

#include "fixture.h"
#include "on_two.h"

/* Every way to ask: plain, and with each new flag where what it wants is the case. */
struct way {
	const char *name;
	unsigned int flags;
	bool source_is, target_is, no_target;
};

static const struct way ways[] = {
	{ "plain" },
	{ "REPLACE", RENAME_REPLACE },
	{ "SYNC", RENAME_SYNC },
	{ "SYNC REPLACE", RENAME_SYNC | RENAME_REPLACE },
	{ "COND SOURCE_IS", RENAME_COND, .source_is = true },
	{ "COND TARGET_IS", RENAME_COND, .target_is = true },
	{ "COND SOURCE_IS TARGET_IS", RENAME_COND, .source_is = true, .target_is = true },
	{ "COND no target", RENAME_COND, .no_target = true },
	{ "COND SYNC", RENAME_COND | RENAME_SYNC, .source_is = true },
	{ "EXCHANGE", RENAME_EXCHANGE },
	{ "EXCHANGE SYNC", RENAME_EXCHANGE | RENAME_SYNC },
	{ "EXCHANGE COND", RENAME_EXCHANGE | RENAME_COND, .source_is = true, .target_is = true },
	{ "NOREPLACE SYNC", RENAME_NOREPLACE | RENAME_SYNC },
	{ "NOREPLACE COND", RENAME_NOREPLACE | RENAME_COND, .source_is = true },
	{ "WHITEOUT COND", RENAME_WHITEOUT | RENAME_COND, .source_is = true },
};

static bool wants_target(const struct way *way)
{
	return way->target_is || way->flags & (RENAME_REPLACE | RENAME_EXCHANGE);
}

static bool wants_none(const struct way *way)
{
	return way->no_target || way->flags & RENAME_NOREPLACE;
}

/* The name without slashes behind it. */
static const char *bare(const char *name)
{
	static char copy[256];
	size_t len;

	snprintf(copy, sizeof(copy), "%s", name);
	for (len = strlen(copy); len > 1 && copy[len - 1] == '/'; len--)
		copy[len - 1] = 0;
	return copy;
}

static int go(const struct way *way, const char *from, const char *to)
{
	struct rename_cond cond = { .size = sizeof(cond), .source_fd = -1, .target_fd = -1 };
	int ret;

	if (way->source_is) {
		cond.mask |= RENAME_COND_SOURCE_IS;
		cond.source_fd = open_path(bare(from));
	}
	if (way->target_is || way->no_target)
		cond.mask |= RENAME_COND_TARGET_IS;
	if (way->target_is)
		cond.target_fd = open_path(bare(to));
	ret = rename_at(AT_FDCWD, from, AT_FDCWD, to, way->flags, cond.mask ? &cond : NULL);
	close(cond.source_fd);
	close(cond.target_fd);
	return ret;
}

/* A call that each way, which fits, must refuse; those that allow an exchange apart. */
static int wrong;

static void refused(int error, int exchange_error, const char *from, const char *to)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		const struct way *way = &ways[i];
		int ret, expected = way->flags & RENAME_EXCHANGE ? exchange_error : error;

		if (!expected || (wants_target(way) && !exists(bare(to))) ||
		    (wants_none(way) && exists(bare(to))))
			continue;
		ret = go(way, from, to);
		if (ret == -expected && exists(bare(from)))
			continue;
		printf("# %s of %s to %s: expected %d, saw %d\n", way->name, from, to, -expected,
		       ret);
		wrong++;
	}
}

TEST_F(fs, ancestors)
{
	make_dir("dir");
	make_dir("dir/sub");
	make_dir("dir/sub/deep");
	make_file("dir/sub/file", "");
	refused(EINVAL, EINVAL, "dir", "dir/sub");
	refused(EINVAL, EINVAL, "dir", "dir/new");
	refused(EINVAL, EINVAL, "dir", "dir/sub/deep");
	refused(ENOTEMPTY, EINVAL, "dir/sub", "dir");
	refused(ENOTEMPTY, EINVAL, "dir/sub/file", "dir");
	EXPECT_EQ(0, wrong);
}

TEST_F(fs, types)
{
	make_dir("dir");
	make_dir("full");
	make_file("full/file", "");
	make_file("file", "");
	refused(ENOTEMPTY, 0, "dir", "full");
	refused(EISDIR, 0, "file", "dir");
	refused(ENOTDIR, 0, "dir", "file");
	refused(ENOTDIR, ENOTDIR, "dir", "full/file/");
	refused(ENOTDIR, ENOTDIR, "file/", "dir");
	EXPECT_EQ(0, wrong);
}

TEST_F(fs, mountpoints)
{
	int fd;

	make_dir("mnt");
	make_dir("dir");
	make_file("file", "");
	make_file("covered", "below");
	fd = open_path("mnt");
	ASSERT_EQ(0, mount("ren", "mnt", "tmpfs", 0, NULL));
	ASSERT_EQ(0, mount("file", "covered", NULL, MS_BIND, NULL));
	/* As the source and as the target; what is mounted there is of another filesystem. */
	EXPECT_EQ(-EBUSY, ren("mnt", "new", 0));
	EXPECT_EQ(-EBUSY, ren("mnt", "new", RENAME_SYNC));
	EXPECT_EQ(-EBUSY, ren("mnt", "dir", RENAME_REPLACE));
	EXPECT_EQ(-EBUSY, ren("mnt", "dir", RENAME_EXCHANGE | RENAME_SYNC));
	EXPECT_EQ(-EBUSY, ren("dir", "mnt", RENAME_REPLACE | RENAME_SYNC));
	EXPECT_EQ(-EBUSY, ren_if("mnt", "new", 0, no_target()));
	EXPECT_EQ(-EBUSY, ren_if("mnt", "new", 0, source_is(fd)));
	EXPECT_EQ(-EBUSY, ren_if("dir", "mnt", 0, target_is(fd)));
	EXPECT_EQ(-EXDEV, ren_if("dir", "mnt", 0, target_is(open_path("mnt"))));
	EXPECT_EQ(-EBUSY, ren("file", "covered", RENAME_REPLACE));
	EXPECT_EQ(-EBUSY, ren("covered", "new", RENAME_SYNC));
	/* Across the mount. */
	EXPECT_EQ(-EXDEV, ren("file", "mnt/new", RENAME_SYNC));
	EXPECT_EQ(-EXDEV, ren("file", "mnt/new", RENAME_REPLACE));
	EXPECT_EQ(-EXDEV, ren_if("file", "mnt/new", 0, no_target()));
	umount2("covered", MNT_DETACH);
	umount2("mnt", MNT_DETACH);
	EXPECT_HOLDS("covered", "below");
}

static void set_attribute(const char *name, int flag, bool on)
{
	int fd = open(name, O_RDONLY), attributes;

	if (fd < 0 || ioctl(fd, FS_IOC_GETFLAGS, &attributes))
		broken(name);
	attributes = on ? attributes | flag : attributes & ~flag;
	if (ioctl(fd, FS_IOC_SETFLAGS, &attributes))
		broken(name);
	close(fd);
}

TEST_F(fs, protected_files)
{
	static const int kinds[] = { FS_IMMUTABLE_FL, FS_APPEND_FL };
	unsigned int i;

	make_file("source", "new");
	make_file("target", "old");
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		set_attribute("source", kinds[i], true);
		refused(EPERM, EPERM, "source", "target");
		refused(EPERM, EPERM, "source", "new");
		refused(EPERM, EPERM, "target", "source");
		set_attribute("source", kinds[i], false);
	}
	EXPECT_EQ(0, wrong);
	EXPECT_HOLDS("source", "new");
	EXPECT_HOLDS("target", "old");
}

TEST_F(fs, protected_directories)
{
	static const int kinds[] = { FS_IMMUTABLE_FL, FS_APPEND_FL };
	unsigned int i;

	make_dir("dir");
	make_file("dir/inside", "inside");
	make_file("outside", "outside");
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		set_attribute("dir", kinds[i], true);
		refused(EPERM, EPERM, "dir/inside", "outside");
		refused(EPERM, EPERM, "dir/inside", "new");
		refused(EPERM, EPERM, "outside", "dir/inside");
		if (kinds[i] == FS_IMMUTABLE_FL)
			refused(EPERM, EPERM, "outside", "dir/new");
		set_attribute("dir", kinds[i], false);
	}
	EXPECT_EQ(0, wrong);
	EXPECT_HOLDS("dir/inside", "inside");
	EXPECT_HOLDS("outside", "outside");
}

#define SWAP_PAGES 64

/* As mkswap(8) has it: version and last page at 1024, a magic word at the end of the page. */
static void make_swapfile(const char *name)
{
	static char pages[SWAP_PAGES * 4096];
	unsigned int header[] = { 1, SWAP_PAGES - 1 };
	int fd = open(name, O_RDWR | O_CREAT, 0600);

	memcpy(pages + 1024, header, sizeof(header));
	memcpy(pages + 4096 - 10, "SWAPSPACE2", 10);
	if (fd < 0 || write(fd, pages, sizeof(pages)) != sizeof(pages) || fsync(fd))
		broken(name);
	close(fd);
}

/* A file that the kernel swaps to. */
TEST_F(fs, swapfile)
{
	if (variant->fs != FS_EXT4)
		return;		/* tmpfs cannot hold one */
	make_swapfile("swap");
	make_file("file", "");
	ASSERT_EQ(0, swapon("swap", 0)) TH_LOG("%s", strerror(errno));
	refused(EPERM, EPERM, "swap", "new");
	refused(EPERM, EPERM, "swap", "file");
	refused(EPERM, EPERM, "file", "swap");
	ASSERT_EQ(0, swapoff("swap"));
	EXPECT_EQ(0, wrong);
}

/* In a directory where only the owner may delete. */
TEST_F(fs, sticky)
{
	pid_t pid;

	make_dir("dir");
	ASSERT_EQ(0, chmod("dir", 01777));
	make_file("dir/roots", "root");
	make_file("dir/mine", "mine");
	ASSERT_EQ(0, chown("dir/mine", NOBODY, NOBODY));
	fflush(stdout);
	pid = fork();
	if (!pid) {
		if (setgid(NOBODY) || setuid(NOBODY))
			_exit(100);
		refused(EPERM, EPERM, "dir/roots", "dir/mine");
		refused(EPERM, EPERM, "dir/roots", "dir/new");
		refused(EPERM, EPERM, "dir/mine", "dir/roots");
		fflush(stdout);
		_exit(wrong);
	}
	EXPECT_EQ(0, reap(pid));
	EXPECT_HOLDS("dir/roots", "root");
	EXPECT_HOLDS("dir/mine", "mine");
}

/* Names that are none, and too long ones. */
TEST_F(fs, odd_names)
{
	static char long_name[257], long_path[5000];
	unsigned int i;

	memset(long_name, 'n', sizeof(long_name) - 1);
	memset(long_path, '/', sizeof(long_path) - 1);
	make_file("file", "text");
	make_dir("dir");
	make_dir("other");
	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		const struct way *way = &ways[i];
		struct way blind = { way->name, way->flags & ~RENAME_COND };

		EXPECT_EQ(-EBUSY, go(&blind, "dir/.", "new")) TH_LOG("%s", way->name);
		EXPECT_EQ(-EBUSY, go(&blind, "dir/..", "new")) TH_LOG("%s", way->name);
		EXPECT_EQ(way->flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY,
			  go(&blind, "file", "dir/.")) TH_LOG("%s", way->name);
		EXPECT_EQ(-ENAMETOOLONG, go(&blind, "file", long_name)) TH_LOG("%s", way->name);
		EXPECT_EQ(-ENAMETOOLONG, go(&blind, long_path, "file")) TH_LOG("%s", way->name);
		EXPECT_EQ(-ENOENT, go(&blind, "", "file")) TH_LOG("%s", way->name);
		EXPECT_EQ(-ENOENT, go(&blind, "file", "")) TH_LOG("%s", way->name);
	}
	/* Trailing slashes, for what is a directory. */
	EXPECT_EQ(0, ren("dir/", "other/", RENAME_REPLACE));
	EXPECT_EQ(0, ren("other/", "new/", RENAME_SYNC));
	EXPECT_EQ(0, ren_if("new//", "dir//", 0, no_target()));
	EXPECT_TRUE(exists("dir"));
	EXPECT_HOLDS("file", "text");
}

/* With relative, absolute and missing starting points. */
TEST_F(fs, starting_points)
{
	int one, two, file, closed;
	char path[200];

	make_dir("one");
	make_dir("two");
	make_file("one/source", "text");
	make_file("file", "");
	one = open("one", O_RDONLY | O_DIRECTORY);
	two = open("two", O_PATH | O_DIRECTORY);
	file = open("file", O_RDONLY);
	closed = dup(file);
	close(closed);
	EXPECT_EQ(-ENOTDIR, rename_at(file, "source", two, "target", RENAME_SYNC, NULL));
	EXPECT_EQ(-ENOTDIR, rename_at(one, "source", file, "target", RENAME_SYNC, NULL));
	EXPECT_EQ(-EBADF, rename_at(closed, "source", two, "target", RENAME_SYNC, NULL));
	EXPECT_EQ(-EBADF, rename_at(one, "source", closed, "target", RENAME_REPLACE, NULL));
	EXPECT_EQ(0, rename_at(one, "source", two, "target", RENAME_SYNC, NULL));
	EXPECT_HOLDS("two/target", "text");
	snprintf(path, sizeof(path), "%s/one/again", self->dir);
	EXPECT_EQ(0, rename_at(two, "target", closed, path, RENAME_SYNC, NULL));
	EXPECT_HOLDS("one/again", "text");
	/* A directory that is deleted takes no names any more. */
	ASSERT_EQ(0, rmdir("two"));
	EXPECT_EQ(-ENOENT, rename_at(one, "again", two, "target", RENAME_SYNC, NULL));
	EXPECT_HOLDS("one/again", "text");
}

int main(int argc, char **argv)
{
	need_flags();
	return run_tests(argc, argv);
}
