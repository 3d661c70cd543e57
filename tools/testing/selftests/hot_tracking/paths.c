// SPDX-License-Identifier: GPL-2.0
/* Whatever way a program reads or writes, the device's work is counted, and counted once. */
#include <stdalign.h>
#include <sys/mman.h>
#include <sys/sendfile.h>

#include "fixture.h"
#include "on_writable.h"
#include "ring.h"

#define PAGES	256
#define TIMES	32

static alignas(PAGE) char page[PAGE];
static struct ring ring;

static char *map_page(int fd, off_t offset)
{
	char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);

	/* Faults, too, read around themselves unless they are told not to. */
	if (p == MAP_FAILED || madvise(p, PAGE, MADV_RANDOM))
		broken("mmap");
	return p;
}

static void fault(int fd, off_t offset)
{
	char *p = map_page(fd, offset);

	page[0] = *p;
	munmap(p, PAGE);
}

static void through_ring(int fd, off_t offset)
{
	if (ring_do(&ring, IORING_OP_READ, fd, offset, page, PAGE) != PAGE)
		broken("IORING_OP_READ");
}

static void splice_out(int fd, off_t offset)
{
	int pipes[2];

	if (pipe(pipes) || splice(fd, &offset, pipes[1], NULL, PAGE, 0) != PAGE)
		broken("splice");
	close(pipes[0]);
	close(pipes[1]);
}

static void send_to_pipe(int fd, off_t offset)
{
	int pipes[2];

	if (pipe(pipes) || sendfile(pipes[1], fd, &offset, PAGE) != PAGE)
		broken("sendfile");
	close(pipes[0]);
	close(pipes[1]);
}

static void read_ahead(int fd, off_t offset)
{
	if (readahead(fd, offset, PAGE))
		broken("readahead");
}

static void will_need(int fd, off_t offset)
{
	errno = posix_fadvise(fd, offset, PAGE, POSIX_FADV_WILLNEED);
	if (errno)
		broken("POSIX_FADV_WILLNEED");
}

static void populate(int fd, off_t offset)
{
	char *p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, offset);

	if (p == MAP_FAILED || madvise(p, PAGE, MADV_RANDOM) ||
	    madvise(p, PAGE, MADV_POPULATE_READ))
		broken("MADV_POPULATE_READ");
	munmap(p, PAGE);
}

static const struct {
	const char *name;
	void (*read)(int fd, off_t offset);
} ways[] = {
	{ "page fault", fault },
	{ "MADV_POPULATE_READ", populate },
	{ "io_uring", through_ring },
	{ "splice", splice_out },
	{ "sendfile", send_to_pipe },
	{ "readahead", read_ahead },
	{ "POSIX_FADV_WILLNEED", will_need },
};

TEST_F(fs, ways_to_read)
{
	unsigned int way, i;

	ring_begin(&ring);
	fill(self->fd, 0, PAGES * PAGE);
	no_readahead(self->fd);
	for (way = 0; way < ARRAY_SIZE(ways); way++) {
		make_cold(self->fd);
		ASSERT_EQ(0, hot_forget(self->fd));
		for (i = 0; i < TIMES; i++)
			ways[way].read(self->fd, shuffled(i, PAGES) * PAGE);
		EXPECT_EQ(REQUESTS(TIMES), heat_of(self->fd).reads)
			TH_LOG("%s", ways[way].name);
		EXPECT_EQ(TIMES * PAGE, heat_of(self->fd).bytes_read)
			TH_LOG("%s", ways[way].name);
		/* Whoever comes next finds the pages there. */
		for (i = 0; i < TIMES; i++)
			read_at(self->fd, shuffled(i, PAGES) * PAGE, PAGE);
		EXPECT_EQ(REQUESTS(TIMES), heat_of(self->fd).reads)
			TH_LOG("read after %s", ways[way].name);
	}
}

TEST_F(fs, direct_through_ring)
{
	unsigned int i;

	ring_begin(&ring);
	fill(self->fd, 0, PAGES * PAGE);
	make_cold(self->fd);
	ASSERT_EQ(0, hot_forget(self->fd));
	for (i = 0; i < TIMES; i++)
		through_ring(self->direct, shuffled(i, PAGES) * PAGE);
	EXPECT_EQ(REQUESTS(TIMES), heat_of(self->fd).reads);
	for (i = 0; i < TIMES; i++)
		ASSERT_EQ(PAGE, ring_do(&ring, IORING_OP_WRITE, self->direct,
					shuffled(i, PAGES) * PAGE, page, PAGE));
	ASSERT_EQ(0, fsync(self->direct));
	EXPECT_EQ(REQUESTS(TIMES), heat_of(self->fd).writes);
	EXPECT_EQ(REQUESTS(TIMES), heat_of(self->fd).reads);
}

/* A store into a mapping costs a request when its page is written back. */
TEST_F(fs, stores_and_msync)
{
	unsigned int i;
	char *p;

	fill(self->fd, 0, PAGES * PAGE);
	make_cold(self->fd);
	p = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, p);
	/* Readahead might make large folios, which are written back as a whole. */
	ASSERT_EQ(0, madvise(p, PAGES * PAGE, MADV_RANDOM));
	ASSERT_EQ(0, hot_forget(self->fd));
	for (i = 0; i < PAGES; i += PAGES / TIMES)
		p[i * PAGE]++;
	EXPECT_EQ(0, heat_of(self->fd).writes);
	ASSERT_EQ(0, msync(p, PAGES * PAGE, MS_SYNC));
	EXPECT_EQ(REQUESTS(TIMES), heat_of(self->fd).writes);
	EXPECT_EQ(TIMES * PAGE, heat_of(self->fd).bytes_written);
	ASSERT_EQ(0, msync(p, PAGES * PAGE, MS_SYNC));
	EXPECT_EQ(REQUESTS(TIMES), heat_of(self->fd).writes);
	munmap(p, PAGES * PAGE);
}

/* splice() into a file is a buffered write. */
TEST_F(fs, splice_in)
{
	loff_t offset = 3 * PAGE;
	int pipes[2];

	fill(self->fd, 0, PAGES * PAGE);
	make_cold(self->fd);
	ASSERT_EQ(0, hot_forget(self->fd));
	ASSERT_EQ(0, pipe(pipes));
	ASSERT_EQ(PAGE, write(pipes[1], page, PAGE));
	ASSERT_EQ(PAGE, splice(pipes[0], NULL, self->fd, &offset, PAGE, 0));
	EXPECT_EQ(0, heat_of(self->fd).writes);
	ASSERT_EQ(0, fsync(self->fd));
	EXPECT_EQ(REQUESTS(1), heat_of(self->fd).writes);
	EXPECT_EQ(PAGE, heat_of(self->fd).bytes_written);
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
