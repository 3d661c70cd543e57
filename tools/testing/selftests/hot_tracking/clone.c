// SPDX-License-Identifier: GPL-2.0
/* Files that share blocks do not share heat: what counts is by which the blocks are read. */
#include <sys/ioctl.h>
#include <linux/fs.h>

#include "fixture.h"

#define PAGES	256
#define READS	16

FIXTURE_VARIANT_ADD(fs, xfs)
{
	.fs = FS_XFS,
};

FIXTURE_VARIANT_ADD(fs, btrfs)
{
	.fs = FS_BTRFS,
};

TEST_F(fs, reflink)
{
	int clone = open_file(self->dir, "clone", O_TRUNC);
	int i;

	fill(self->fd, 0, PAGES * PAGE);
	make_cold(self->fd);
	no_readahead(self->fd);
	ASSERT_EQ(0, hot_forget(self->fd));
	for (i = 0; i < READS; i++)
		read_at(self->fd, i * PAGE, PAGE);
	ASSERT_EQ(0, ioctl(clone, FICLONE, self->fd));
	/* A clone begins without heat. */
	EXPECT_EQ(0, heat_of(clone).reads);
	EXPECT_EQ(0, heat_of(clone).item_flags & HOT_TRACKED);
	EXPECT_EQ(REQUESTS(READS), heat_of(self->fd).reads);
	/* The same blocks are read once more, as the pages of the two files are not the same. */
	no_readahead(clone);
	for (i = 0; i < 2 * READS; i++)
		read_at(clone, i * PAGE, PAGE);
	EXPECT_EQ(REQUESTS(2 * READS), heat_of(clone).reads);
	EXPECT_EQ(REQUESTS(READS), heat_of(self->fd).reads);
	/* Nor does writing to one count for the other. */
	write_at(clone, 0, PAGE);
	ASSERT_EQ(0, fsync(clone));
	EXPECT_EQ(REQUESTS(1), heat_of(clone).writes);
	EXPECT_EQ(0, heat_of(self->fd).writes);
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
