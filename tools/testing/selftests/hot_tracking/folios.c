// SPDX-License-Identifier: GPL-2.0
/* Large folios: a request is one whatever the size of the pieces that memory comes in. */
#include <stdint.h>
#include <sys/mman.h>

#include "fixture.h"

#define LENGTH	MIB
#define PAGES	(LENGTH / PAGE)

/* Of the two files below /proc, see Documentation/admin-guide/mm/pagemap.rst. */
#define PFN_MASK		((1ULL << 55) - 1)
#define KPF_COMPOUND_HEAD	15
#define KPF_COMPOUND_TAIL	16

FIXTURE_VARIANT_ADD(fs, xfs)
{
	.fs = FS_XFS,
};

/* How many of the file's pages in the cache belong to large folios. */
static int pages_in_large_folios(int fd)
{
	int count = 0, sum = 0, i, map = open("/proc/self/pagemap", O_RDONLY);
	int flags = open("/proc/kpageflags", O_RDONLY);
	uint64_t entry, flag;
	char *p = mmap(NULL, LENGTH, PROT_READ, MAP_SHARED, fd, 0);

	if (map < 0 || flags < 0 || p == MAP_FAILED)
		broken("looking at the page cache");
	for (i = 0; i < PAGES; i++) {
		/* Its entry in the page table. */
		sum += p[i * PAGE];
		if (pread(map, &entry, sizeof(entry), ((uintptr_t)p / PAGE + i) * sizeof(entry)) !=
		    sizeof(entry) ||
		    pread(flags, &flag, sizeof(flag), (entry & PFN_MASK) * sizeof(flag)) !=
		    sizeof(flag))
			broken("looking at a page");
		count += flag >> KPF_COMPOUND_HEAD & 1 || flag >> KPF_COMPOUND_TAIL & 1;
	}
	munmap(p, LENGTH);
	close(map);
	close(flags);
	if (!sum)
		broken("what was written is not there");
	return count;
}

TEST_F(fs, written)
{
	fill(self->fd, 0, LENGTH);
	ASSERT_LT(PAGES / 2, pages_in_large_folios(self->fd));
	ASSERT_EQ(0, fsync(self->fd));
	EXPECT_EQ(LENGTH, heat_of(self->fd).bytes_written);
	EXPECT_LE(REQUESTS(1), heat_of(self->fd).writes);
	EXPECT_GE(REQUESTS(PAGES / 16), heat_of(self->fd).writes);
}

/* A page of one is dirty, and the folio is written back as far as the filesystem does. */
TEST_F(fs, one_dirty_page)
{
	struct hot_inode heat;

	fill(self->fd, 0, LENGTH);
	ASSERT_LT(PAGES / 2, pages_in_large_folios(self->fd));
	ASSERT_EQ(0, fsync(self->fd));
	ASSERT_EQ(0, hot_forget(self->fd));
	write_at(self->fd, 17 * PAGE, PAGE);
	ASSERT_EQ(0, fsync(self->fd));
	heat = heat_of(self->fd);
	EXPECT_EQ(REQUESTS(1), heat.writes);
	EXPECT_LE(PAGE, heat.bytes_written);
	EXPECT_GE(LENGTH, heat.bytes_written);
}

TEST_F(fs, read_ahead)
{
	struct hot_inode heat;
	int i;

	fill(self->fd, 0, LENGTH);
	make_cold(self->fd);
	ASSERT_EQ(0, hot_forget(self->fd));
	for (i = 0; i < PAGES; i++)
		read_at(self->fd, i * PAGE, PAGE);
	heat = heat_of(self->fd);
	EXPECT_EQ(LENGTH, heat.bytes_read);
	EXPECT_LE(REQUESTS(1), heat.reads);
	EXPECT_GE(REQUESTS(PAGES / 8), heat.reads);
	ASSERT_LT(0, pages_in_large_folios(self->fd));
	EXPECT_EQ(heat.reads, heat_of(self->fd).reads);
}

/* A folio across two ranges is writing in both. */
TEST_F(fs, folio_across_an_edge)
{
	struct hot_ctl ctl = {
		.size = sizeof(ctl),
		.flags = HOT_CTL_ON | HOT_CTL_SET_HALF_LIFE | HOT_CTL_SET_RANGE_SHIFT,
		.half_life_ms = HOT_HALF_LIFE_MAX_MS,
		.range_shift = HOT_RANGE_SHIFT_MIN,
	};
	struct hot_range ranges[RANGES_MAX];
	__u32 sum = 0;
	int i;

	ASSERT_EQ(0, hot_off(self->dir_fd));
	ASSERT_EQ(0, hot(self->dir_fd, HOT_CTL, &ctl));
	fill(self->fd, 0, LENGTH);
	ASSERT_LT(PAGES / 2, pages_in_large_folios(self->fd));
	ASSERT_EQ(0, fsync(self->fd));
	ASSERT_EQ(LENGTH / (64 * KIB), ranges_of(self->fd, ranges));
	for (i = 0; i < LENGTH / (64 * KIB); i++) {
		EXPECT_LE(REQUESTS(1), ranges[i].writes);
		sum += ranges[i].writes;
	}
	EXPECT_GE(sum, heat_of(self->fd).writes);
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
