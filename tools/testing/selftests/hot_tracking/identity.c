// SPDX-License-Identifier: GPL-2.0
/* Heat is a property of the file: not of its name, nor of a number that another file gets later. */
#include <sys/stat.h>

#include "fixture.h"
#include "on_sparse.h"

#define READS	10

static void heat_up(int fd)
{
	int i;

	for (i = 0; i < READS; i++)
		read_at(fd, 0, PAGE);
}

/* A page of data, and READS read requests. */
static void begin(struct __test_metadata *_metadata, int fd, int direct)
{
	fill(fd, 0, PAGE);
	make_cold(fd);
	ASSERT_EQ(0, hot_forget(fd));
	heat_up(direct);
	ASSERT_EQ(REQUESTS(READS), heat_of(fd).reads);
}

static void in_dir(const char *dir, const char *name, char path[160])
{
	snprintf(path, 160, "%s/%s", dir, name);
}

TEST_F(fs, hard_link)
{
	char link_path[160];
	int fd;

	begin(_metadata, self->fd, self->direct);
	in_dir(self->dir, "link", link_path);
	unlink(link_path);
	ASSERT_EQ(0, link(self->path, link_path));
	fd = open(link_path, O_RDWR | O_DIRECT);
	ASSERT_LE(0, fd);
	EXPECT_EQ(REQUESTS(READS), heat_of(fd).reads);
	heat_up(fd);
	EXPECT_EQ(REQUESTS(2 * READS), heat_of(self->fd).reads);
	/* One name less is not the end of the file. */
	ASSERT_EQ(0, unlink(self->path));
	close(self->fd);
	close(self->direct);
	drop_caches();
	EXPECT_EQ(REQUESTS(2 * READS), heat_of(fd).reads);
	EXPECT_EQ(REQUESTS(2 * READS), range_at(fd, 0).reads);
}

TEST_F(fs, rename)
{
	char elsewhere[160], dir[160];
	int fd;

	begin(_metadata, self->fd, self->direct);
	in_dir(self->dir, "dir", dir);
	mkdir(dir, 0755);
	in_dir(self->dir, "dir/renamed", elsewhere);
	ASSERT_EQ(0, rename(self->path, elsewhere));
	fd = open(elsewhere, O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_EQ(REQUESTS(READS), heat_of(fd).reads);
	/* The file that takes its name begins without heat. */
	fd = open_file(self->dir, "file", 0);
	EXPECT_EQ(0, heat_of(fd).reads);
	EXPECT_EQ(0, heat_of(fd).item_flags & HOT_TRACKED);
}

/* The place in the file is what is hot, whatever was there meanwhile. */
TEST_F(fs, truncate_and_regrow)
{
	begin(_metadata, self->fd, self->direct);
	ASSERT_EQ(0, ftruncate(self->fd, 0));
	EXPECT_EQ(REQUESTS(READS), heat_of(self->fd).reads);
	fill(self->fd, 0, PAGE);
	make_cold(self->fd);
	heat_up(self->direct);
	EXPECT_EQ(REQUESTS(2 * READS), heat_of(self->fd).reads);
	EXPECT_EQ(REQUESTS(2 * READS), range_at(self->fd, 0).reads);
}

TEST_F(fs, file_without_a_name)
{
	int fd = open(self->dir, O_TMPFILE | O_RDWR, 0600);
	__u64 items = hot_look(self->dir_fd).items;
	char path[160], proc[64];

	ASSERT_LE(0, fd);
	fill(fd, 0, PAGE);
	ASSERT_EQ(0, fsync(fd));
	EXPECT_EQ(REQUESTS(1), heat_of(fd).writes);
	EXPECT_EQ(items + 1, hot_look(self->dir_fd).items);
	/* Its end is that of its heat. */
	close(fd);
	hot_items_become(self->dir_fd, items);
	/* And a name saves both. */
	fd = open(self->dir, O_TMPFILE | O_RDWR, 0600);
	ASSERT_LE(0, fd);
	fill(fd, 0, PAGE);
	ASSERT_EQ(0, fsync(fd));
	in_dir(self->dir, "named", path);
	unlink(path);
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	ASSERT_EQ(0, linkat(AT_FDCWD, proc, AT_FDCWD, path, AT_SYMLINK_FOLLOW));
	close(fd);
	EXPECT_EQ(items + 1, hot_look(self->dir_fd).items);
	fd = open(path, O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_EQ(REQUESTS(1), heat_of(fd).writes);
}

TEST_F(fs, unlink)
{
	__u64 items;

	begin(_metadata, self->fd, self->direct);
	items = hot_look(self->dir_fd).items;
	ASSERT_EQ(0, unlink(self->path));
	/* As long as it is open it can be read, and gets hotter. */
	heat_up(self->direct);
	EXPECT_EQ(REQUESTS(2 * READS), heat_of(self->fd).reads);
	EXPECT_EQ(items, hot_look(self->dir_fd).items);
	close(self->fd);
	close(self->direct);
	hot_items_become(self->dir_fd, items - 1);
}

/* Its ranges go with it. */
TEST_F(fs, no_ranges_left_behind)
{
	struct hot_top top = {
		.size = sizeof(top),
		.flags = HOT_OF_RANGES,
		.count = 16,
	};
	char buffer[16 * HOT_RECORD_MAX];

	begin(_metadata, self->fd, self->direct);
	top.buffer = (unsigned long)buffer;
	top.buffer_bytes = sizeof(buffer);
	ASSERT_EQ(0, hot(self->dir_fd, HOT_TOP, &top));
	EXPECT_EQ(1, top.count);
	ASSERT_EQ(0, unlink(self->path));
	close(self->fd);
	close(self->direct);
	hot_items_become(self->dir_fd, 0);
	top.count = 16;
	top.buffer_bytes = sizeof(buffer);
	ASSERT_EQ(0, hot(self->dir_fd, HOT_TOP, &top));
	EXPECT_EQ(0, top.count);
}

static ino_t number_of(int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		broken("fstat");
	return st.st_ino;
}

/*
 * The number of a file that is gone is given to a new one: by ext4 at once, by others at some
 * time or never. Neither way may the new file have heat.
 */
TEST_F_TIMEOUT(fs, recycled_number, LONG_TIMEOUT)
{
	int i, fd, recycled = 0, count = loops(20, 2000);
	struct hot_inode heat;
	char name[32];
	ino_t ino;

	for (i = 0; i < count; i++) {
		fd = open_file(self->dir, "victim", O_DIRECT);
		write_at(fd, 0, PAGE);
		heat_up(fd);
		ino = number_of(fd);
		close(fd);
		snprintf(name, sizeof(name), "%s/victim", self->dir);
		ASSERT_EQ(0, unlink(name));
		fd = open_file(self->dir, "heir", 0);
		recycled += number_of(fd) == ino;
		heat = heat_of(fd);
		EXPECT_EQ(0, heat.item_flags & HOT_TRACKED);
		EXPECT_EQ(0, heat.reads);
		EXPECT_EQ(0, heat.writes);
		EXPECT_EQ(0, heat.bytes_read);
		EXPECT_EQ(0, range_at(fd, 0).reads);
		/* What it does itself is all there is then. */
		fill(fd, 0, PAGE);
		ASSERT_EQ(0, fsync(fd));
		EXPECT_EQ(0, heat_of(fd).reads);
		EXPECT_EQ(REQUESTS(1), heat_of(fd).writes);
		EXPECT_EQ(REQUESTS(1), range_at(fd, 0).writes);
		close(fd);
		snprintf(name, sizeof(name), "%s/heir", self->dir);
		ASSERT_EQ(0, unlink(name));
	}
	if (variant->fs == FS_EXT4)
		EXPECT_LT(0, recycled);
}

/* A record's handle opens the file, by whatever name it goes. */
TEST_F(fs, handle)
{
	union {
		struct file_handle handle;
		char space[sizeof(struct file_handle) + HOT_HANDLE_MAX];
	} h;
	struct hot_top top = { .size = sizeof(top), .count = 1 };
	union {
		struct hot_record record;
		char space[HOT_RECORD_MAX];
	} buffer;
	char elsewhere[160];
	int fd;

	begin(_metadata, self->fd, self->direct);
	top.buffer = (unsigned long)&buffer;
	top.buffer_bytes = sizeof(buffer);
	ASSERT_EQ(0, hot(self->dir_fd, HOT_TOP, &top));
	ASSERT_EQ(1, top.count);
	EXPECT_EQ(REQUESTS(READS), buffer.record.reads);
	EXPECT_EQ(0, buffer.record.flags & (HOT_VOLATILE | HOT_NOT_OPENABLE));
	ASSERT_GE(HOT_HANDLE_MAX, buffer.record.handle_bytes);
	in_dir(self->dir, "renamed", elsewhere);
	ASSERT_EQ(0, rename(self->path, elsewhere));
	h.handle.handle_bytes = buffer.record.handle_bytes;
	h.handle.handle_type = buffer.record.handle_type;
	memcpy(h.handle.f_handle, buffer.record.handle, buffer.record.handle_bytes);
	fd = open_by_handle_at(self->dir_fd, &h.handle, O_RDONLY);
	ASSERT_LE(0, fd);
	EXPECT_EQ(number_of(self->fd), number_of(fd));
	EXPECT_EQ(REQUESTS(READS), heat_of(fd).reads);
	/* Not a new file in its place. */
	close(fd);
	close(self->fd);
	close(self->direct);
	ASSERT_EQ(0, unlink(elsewhere));
	fd = open_file(self->dir, "renamed", 0);
	ASSERT_LE(0, fd);
	ASSERT_EQ(-1, open_by_handle_at(self->dir_fd, &h.handle, O_RDONLY));
	EXPECT_EQ(ESTALE, errno);
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
