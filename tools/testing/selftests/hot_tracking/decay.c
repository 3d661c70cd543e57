// SPDX-License-Identifier: GPL-2.0
/*
 * Heat halves in each half-life. No clock is read here: an answer of the kernel tells both
 * the heat and, in age_ms, the time that it has decayed for, and the two must fit.
 */
#include "fixture.h"
#include "on_ext4.h"

#define HALF_LIFE	HOT_HALF_LIFE_MIN_MS
#define EPOCH		(HALF_LIFE / 8)
#define READS		16

static void begin(struct __test_metadata *_metadata, int dir_fd, int fd)
{
	fill(fd, 0, 2 * MIB);
	make_cold(fd);
	ASSERT_EQ(0, hot_half_life(dir_fd, HALF_LIFE));
}

/* READS requests that all fall into one epoch, as the answer shows. */
static void burst(struct __test_metadata *_metadata, int fd)
{
	struct hot_inode heat;
	int i;

	do {
		ASSERT_EQ(0, hot_forget(fd));
		for (i = 0; i < READS; i++)
			read_at(fd, 0, PAGE);
		heat = heat_of(fd);
		ASSERT_GE(REQUESTS(READS), heat.reads);
	} while (heat.age_ms || heat.reads != REQUESTS(READS));
}

/*
 * Is @heat what is left of @full after @epochs, that is @full * 2^(-@epochs / 8)? To the
 * power of 8, this is a question about halves. Rounding costs less than 2 units of 1/HOT_ONE.
 */
static bool fits(__u32 heat, __u32 full, __u64 epochs)
{
	long double low = 1, high = 1, wanted = 1;
	int i;

	for (i = 0; i < 8; i++) {
		low *= heat ? heat - 1.0L : 0;
		high *= heat + 2.0L;
		wanted *= full;
	}
	while (epochs--)
		wanted /= 2;
	return low <= wanted && wanted <= high;
}

/* The heat of the file is that of its ranges, whichever way and whenever it got there. */
TEST_F(fs, ranges_in_turns)
{
	struct hot_inode heat, again;
	struct hot_range ranges[2];
	__u64 sum;
	int i;

	begin(_metadata, self->dir_fd, self->fd);
	ASSERT_EQ(0, hot_forget(self->fd));
	read_at(self->direct, 0, PAGE);
	read_at(self->direct, MIB, PAGE);
	/* In each of several epochs. */
	for (i = 0; i < 5; i++) {
		while (!heat_of(self->fd).age_ms)
			pause_briefly();
		read_at(self->direct, 0, PAGE);
		read_at(self->direct, MIB, PAGE);
		read_at(self->direct, 0, PAGE);
	}
	do {
		heat = heat_of(self->fd);
		ranges[0] = range_at(self->fd, 0);
		ranges[1] = range_at(self->fd, MIB);
		again = heat_of(self->fd);
	} while (heat.age_ms != again.age_ms);
	sum = (__u64)ranges[0].reads + ranges[1].reads;
	/* Each of the two is rounded down at each epoch. */
	EXPECT_LE(sum, heat.reads);
	EXPECT_LE(heat.reads, sum + 2 * 8 * 8);
	EXPECT_LT(ranges[1].reads, ranges[0].reads);
}

/* The half-life is 8 epochs; the curve is followed over 2 of them. */
TEST_F(fs, curve)
{
	struct hot_range range;
	struct hot_inode heat;
	__u64 epochs, last = 0;
	unsigned int steps = 0;

	begin(_metadata, self->dir_fd, self->fd);
	burst(_metadata, self->direct);
	do {
		heat = heat_of(self->fd);
		range = range_at(self->fd, 0);
		epochs = heat.age_ms / EPOCH;
		EXPECT_EQ(0, heat.age_ms % EPOCH);
		EXPECT_TRUE(fits(heat.reads, REQUESTS(READS), epochs))
			TH_LOG("heat %u after %llu epochs", heat.reads, (unsigned long long)epochs);
		EXPECT_TRUE(fits(range.reads, REQUESTS(READS), range.age_ms / EPOCH))
			TH_LOG("range: heat %u after %llu ms", range.reads,
			       (unsigned long long)range.age_ms);
		ASSERT_LE(last, epochs);
		steps += epochs != last;
		last = epochs;
		pause_briefly();
	} while (epochs < 16);
	EXPECT_LT(1, steps);
	/* Bytes are a total, and stay. */
	EXPECT_EQ(READS * PAGE, heat.bytes_read);
}

/* The same requests to two files, at two times: the later ones count more, in proportion. */
TEST_F(fs, earlier_and_later)
{
	int later = open_file(self->dir, "later", O_DIRECT);
	struct hot_inode a, b;

	begin(_metadata, self->dir_fd, self->fd);
	fill(later, 0, PAGE);
	burst(_metadata, self->direct);
	while (heat_of(self->fd).age_ms < 5 * EPOCH)
		pause_briefly();
	burst(_metadata, later);
	/* Both within one epoch of the kernel's, or the ages tell that they are not. */
	a = heat_of(self->fd);
	b = heat_of(later);
	EXPECT_LT(b.age_ms, a.age_ms);
	EXPECT_LT(a.reads, b.reads);
	EXPECT_TRUE(fits(a.reads, REQUESTS(READS), a.age_ms / EPOCH));
	EXPECT_TRUE(fits(b.reads, REQUESTS(READS), b.age_ms / EPOCH));
}

/* A steady rate settles: one request an epoch at 1 / (1 - 2^(-1/8)) = 12.05, not at 1. */
TEST_F_TIMEOUT(fs, one_request_an_epoch, LONG_TIMEOUT)
{
	/* What is missing after 16 epochs is a quarter, after 80 nothing. */
	int wanted = loops(16, 80), in_a_row = 0;
	__u32 limit = loops(REQUESTS(12) * 3 / 4, REQUESTS(12)), last;
	struct hot_inode heat = {};

	begin(_metadata, self->dir_fd, self->fd);
	while (in_a_row < wanted) {
		do {
			pause_briefly();
			heat = heat_of(self->fd);
		} while (!heat.age_ms && (heat.item_flags & HOT_TRACKED));
		/* A machine too busy to look once an epoch begins from the start. */
		if (heat.age_ms > EPOCH) {
			ASSERT_EQ(0, hot_forget(self->fd));
			in_a_row = 0;
		}
		last = heat_of(self->fd).reads;
		read_at(self->direct, 0, PAGE);
		heat = heat_of(self->fd);
		/* An epoch may have ended in between, which takes a twelfth. */
		EXPECT_GE(last + REQUESTS(1), heat.reads);
		in_a_row++;
	}
	EXPECT_LE(limit - REQUESTS(1), heat.reads);
	EXPECT_GE(limit + REQUESTS(1), heat.reads);
}

/* Reads and writes are counted apart and age together. */
TEST_F(fs, reads_and_writes)
{
	struct hot_inode heat;
	int i;

	begin(_metadata, self->dir_fd, self->fd);
	do {
		ASSERT_EQ(0, hot_forget(self->fd));
		for (i = 0; i < READS; i++) {
			read_at(self->direct, 0, PAGE);
			write_at(self->direct, 0, PAGE);
			write_at(self->direct, 0, PAGE);
		}
		heat = heat_of(self->fd);
	} while (heat.age_ms || heat.reads != REQUESTS(READS));
	EXPECT_EQ(REQUESTS(2 * READS), heat.writes);
	while (heat_of(self->fd).age_ms < 3 * EPOCH)
		pause_briefly();
	heat = heat_of(self->fd);
	EXPECT_TRUE(fits(heat.reads, REQUESTS(READS), heat.age_ms / EPOCH));
	EXPECT_TRUE(fits(heat.writes, REQUESTS(2 * READS), heat.age_ms / EPOCH));
}

/* Time that has passed counts as it did then, also when nobody looked before the change. */
TEST_F(fs, new_half_life)
{
	__u32 heat;

	begin(_metadata, self->dir_fd, self->fd);
	burst(_metadata, self->direct);
	/* At least a half-life, however long it takes. */
	usleep(HALF_LIFE * 1000 + 2 * EPOCH * 1000);
	ASSERT_EQ(0, hot_half_life(self->dir_fd, HOT_HALF_LIFE_MAX_MS));
	heat = heat_of(self->fd).reads;
	EXPECT_GE(REQUESTS(READS / 2), heat);
	EXPECT_LT(0, heat);
	/* From now on, it stays. */
	usleep(2 * EPOCH * 1000);
	EXPECT_EQ(heat, heat_of(self->fd).reads);
}

/* With the longest half-life, the control, the same wait takes nothing away. */
TEST_F(fs, long_half_life)
{
	begin(_metadata, self->dir_fd, self->fd);
	ASSERT_EQ(0, hot_half_life(self->dir_fd, HOT_HALF_LIFE_MAX_MS));
	burst(_metadata, self->direct);
	usleep(4 * EPOCH * 1000);
	EXPECT_EQ(REQUESTS(READS), heat_of(self->fd).reads);
	EXPECT_EQ(0, heat_of(self->fd).age_ms);
	EXPECT_EQ(HOT_HALF_LIFE_MAX_MS, hot_look(self->dir_fd).half_life_ms);
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
