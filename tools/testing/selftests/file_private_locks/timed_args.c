// SPDX-License-Identifier: GPL-2.0
/*
 * F_SETLKPT called with every argument that can be wrong. A call that fails
 * leaves the locks as they were, and none writes to its argument.
 */
#include <limits.h>
#include <stdint.h>
#include <sys/mman.h>

#include "fixture.h"
#include "listing.h"

#define OFFSET_MAX INT64_MAX

/* The last argument of a call: a page to read, and one that cannot be read behind it. */
struct arena {
	long page;
	char *begin, *end;
};

static struct arena arena_make(void)
{
	struct arena a = { .page = sysconf(_SC_PAGESIZE) };

	/* One page more, so that a request of a whole page may be badly aligned. */
	a.begin = mmap(NULL, 3 * a.page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);
	if (a.begin == MAP_FAILED || mprotect(a.begin + 2 * a.page, a.page, PROT_NONE))
		broken("memory");
	a.end = a.begin + 2 * a.page;
	return a;
}

/* The request at a place, in memory that can only be read. */
static int call_at(const struct arena *a, int fd, char *at, const struct flockp_how *how,
		   size_t len)
{
	int ret;

	if (mprotect(a->begin, 2 * a->page, PROT_READ | PROT_WRITE))
		broken("mprotect");
	memcpy(at, how, len);
	if (mprotect(a->begin, 2 * a->page, PROT_READ))
		broken("mprotect");
	ret = timed_call(fd, (void *)at);
	if (memcmp(at, how, len)) {
		errno = EINVAL;
		broken("the request was written to");
	}
	return ret;
}

/*
 * This would change the lock that the tests begin with, and so would the other
 * one: neither is without a trace if it is done in spite of what is wrong with it.
 */
static struct flockp_how unlock_all(void)
{
	return timed_span(F_UNLCK, 0, 0);
}

static struct flockp_how lock_all(void)
{
	return timed_until(F_WRLCK, 0, 0, CLOCK_MONOTONIC, 0);
}

#define LAYOUT "R0-9 W20-29"

static void begin(struct __test_metadata *_metadata, int fd)
{
	ASSERT_EQ(0, lock_span(fd, F_SETLKP, F_UNLCK, 0, 0));
	ASSERT_EQ(0, lock_span(fd, F_SETLKP, F_RDLCK, 0, 10));
	ASSERT_EQ(0, lock_span(fd, F_SETLKP, F_WRLCK, 20, 10));
}

static void refused(struct __test_metadata *_metadata, int fd, int error,
		    const struct flockp_how *how)
{
	const struct flockp_how copy = *how;
	char buf[LAYOUT_SIZE];

	EXPECT_EQ(error, timed_call(fd, how))
		TH_LOG("flags %x, type %x, whence %x, clock %d, %lld s %lld ns", how->flags,
		       how->type, how->whence, (int)how->clockid,
		       (long long)how->deadline_sec, (long long)how->deadline_nsec);
	EXPECT_STREQ(LAYOUT, layout(fd, buf));
	EXPECT_EQ(0, memcmp(&copy, how, sizeof(copy)));
}

TEST_F(file, size)
{
	static const __u32 small[] = { 0, 1, 4, 8, 32, 55 };
	static const __u32 large[] = { 1, 57, 4096, 1U << 31, UINT_MAX - 4096 };
	struct arena a = arena_make();
	struct flockp_how how = unlock_all();
	unsigned int i;

	EXPECT_EQ(FLOCKP_HOW_SIZE_VER0, sizeof(how));
	begin(_metadata, self->fd);
	for (i = 0; i < ARRAY_SIZE(small); i++) {
		how.size = small[i];
		refused(_metadata, self->fd, -EINVAL, &how);
		/* The size alone says so, and nothing else has to be there. */
		EXPECT_EQ(-EINVAL, call_at(&a, self->fd, a.end - sizeof(how.size), &how,
					   sizeof(how.size)));
	}
	for (i = 0; i < ARRAY_SIZE(large); i++) {
		how.size = a.page + large[i];
		refused(_metadata, self->fd, -E2BIG, &how);
		EXPECT_EQ(-E2BIG, call_at(&a, self->fd, a.end - sizeof(how.size), &how,
					  sizeof(how.size)));
	}
	EXPECT_STREQ(LAYOUT, layout(self->fd, self->buf));
}

/* What a later version of the structure may add has to be 0, and has to be there. */
TEST_F(file, tail)
{
	struct arena a = arena_make();
	struct flockp_how *how = calloc(1, a.page);
	char *tail = (char *)how;
	long size, i;

	ASSERT_NE(NULL, how);
	begin(_metadata, self->fd);
	*how = unlock_all();
	for (size = sizeof(*how) + 1; size <= a.page; size++) {
		how->size = size;
		/* The last byte, and the first. */
		tail[size - 1] = 1;
		ASSERT_EQ(-E2BIG, call_at(&a, self->fd, a.end - size, how, size))
			TH_LOG("last of %ld bytes", size);
		tail[size - 1] = 0;
		tail[sizeof(*how)] = -128;
		ASSERT_EQ(-E2BIG, call_at(&a, self->fd, a.end - size, how, size))
			TH_LOG("first byte, of %ld", size);
		tail[sizeof(*how)] = 0;
		/* One byte that cannot be read. */
		ASSERT_EQ(-EFAULT, call_at(&a, self->fd, a.end - size + 1, how, size - 1))
			TH_LOG("%ld bytes but one", size);
	}
	how->size = a.page;
	for (i = sizeof(*how); i < a.page; i++) {
		tail[i] = 1;
		ASSERT_EQ(-E2BIG, call_at(&a, self->fd, a.end - a.page, how, a.page))
			TH_LOG("byte %ld", i);
		tail[i] = 0;
	}
	EXPECT_STREQ(LAYOUT, layout(self->fd, self->buf));

	for (size = sizeof(*how); size <= a.page; size++) {
		*how = timed_span(F_WRLCK, size, 1);
		how->size = size;
		ASSERT_EQ(0, call_at(&a, self->fd, a.end - size, how, size))
			TH_LOG("%ld bytes", size);
	}
	snprintf(self->buf, sizeof(self->buf), "%s W%zu-%ld", LAYOUT, sizeof(*how), a.page);
	EXPECT_STREQ(self->buf, layout(self->fd, (char [LAYOUT_SIZE]) {}));
	free(how);
}

TEST_F(file, alignment)
{
	struct arena a = arena_make();
	unsigned int i;

	for (i = 0; i < 2 * sizeof(__u64); i++) {
		struct flockp_how how = timed_span(F_WRLCK, 10 * i, 5);

		EXPECT_EQ(0, call_at(&a, self->fd, a.begin + i, &how, sizeof(how)));
		how.type = F_UNLCK;
		EXPECT_EQ(0, call_at(&a, self->fd, a.end - sizeof(how) - i, &how, sizeof(how)));
	}
	EXPECT_STREQ("", layout(self->fd, self->buf));
}

TEST_F(file, bad_pointer)
{
	struct arena a = arena_make();
	struct flockp_how how = unlock_all();
	unsigned int i;

	begin(_metadata, self->fd);
	EXPECT_EQ(-EFAULT, timed_call(self->fd, NULL));
	EXPECT_EQ(-EFAULT, timed_call(self->fd, (void *)-1L));
	EXPECT_EQ(-EFAULT, timed_call(self->fd, (void *)LONG_MIN));
	EXPECT_EQ(-EFAULT, timed_call(self->fd, (void *)a.end));
	for (i = 1; i < sizeof(how); i++)
		EXPECT_EQ(-EFAULT, call_at(&a, self->fd, a.end - i, &how, i))
			TH_LOG("%u bytes", i);
	EXPECT_STREQ(LAYOUT, layout(self->fd, self->buf));
	EXPECT_EQ(0, call_at(&a, self->fd, a.end - sizeof(how), &how, sizeof(how)));
	EXPECT_STREQ("", layout(self->fd, self->buf));
}

TEST_F(file, flags)
{
	int bit;

	begin(_metadata, self->fd);
	for (bit = 0; bit < 32; bit++) {
		struct flockp_how how = unlock_all();

		if (FLKP_DEADLINE == 1U << bit)
			continue;
		how.flags = 1U << bit;
		refused(_metadata, self->fd, -EINVAL, &how);
		how.flags |= FLKP_DEADLINE;
		how.clockid = CLOCK_MONOTONIC;
		refused(_metadata, self->fd, -EINVAL, &how);
		/* These a request for a lock can have. */
		if ((FLKP_FAIR | FLKP_TASK) & 1U << bit && !fair_missing())
			continue;
		how = lock_all();
		how.flags |= 1U << bit;
		refused(_metadata, self->fd, -EINVAL, &how);
	}
}

TEST_F(file, fair)
{
	struct flockp_how how = unlock_all();
	struct flockp_how copy;

	if (fair_missing())
		SKIP(return, "%s", fair_missing());
	begin(_metadata, self->fd);
	how.flags = FLKP_FAIR;
	refused(_metadata, self->fd, -EINVAL, &how);
	how.flags |= FLKP_DEADLINE;
	refused(_metadata, self->fd, -EINVAL, &how);
	/* What else is wrong with it is still wrong. */
	how = lock_all();
	how.flags = FLKP_FAIR;
	refused(_metadata, self->fd, -EINVAL, &how);
	how = timed_span(F_RDLCK, -1, 10);
	how.flags = FLKP_FAIR;
	refused(_metadata, self->fd, -EINVAL, &how);
	how = timed_span(F_RDLCK, 0, 10);
	how.flags = FLKP_FAIR;
	how.resv = 1;
	refused(_metadata, self->fd, -EINVAL, &how);

	how = timed_span(F_WRLCK, 40, 10);
	how.flags = FLKP_FAIR;
	copy = how;
	EXPECT_EQ(0, timed_call(self->fd, &how));
	EXPECT_EQ(0, memcmp(&copy, &how, sizeof(copy)));
	EXPECT_STREQ(LAYOUT " W40-49", layout(self->fd, self->buf));
	how = timed_until(F_RDLCK, 40, 10, CLOCK_MONOTONIC, 0);
	how.flags |= FLKP_FAIR;
	EXPECT_EQ(-ETIMEDOUT, timed_call(self->fd2, &how));
	EXPECT_EQ(0, timed_call(self->fd, &how));
	EXPECT_STREQ(LAYOUT " R40-49", layout(self->fd, self->buf));
	EXPECT_EQ(0, locks_shown(self->id, "", true));
}

TEST_F(file, reserved)
{
	int bit;

	begin(_metadata, self->fd);
	for (bit = 0; bit < 32; bit++) {
		struct flockp_how how = unlock_all();

		how.resv = 1U << bit;
		refused(_metadata, self->fd, -EINVAL, &how);
		how = lock_all();
		how.resv = 1U << bit;
		refused(_metadata, self->fd, -EINVAL, &how);
	}
}

TEST_F(file, type_and_whence)
{
	/* The last ones are right as far as a struct flock would hold them. */
	static const __u32 types[] = {
		3, 4 /* F_EXLCK */, 5, 8 /* F_SHLCK */, 32 /* LOCK_MAND */, 0x7fff, 0x8000, -1,
		0x10000 | F_RDLCK, 0x10000 | F_WRLCK, 0x10000 | F_UNLCK, 1U << 31 | F_UNLCK
	};
	static const __u32 whences[] = {
		3, SEEK_DATA, SEEK_HOLE, 0x7fff, 0x8000, -1,
		0x10000 | SEEK_SET, 0x10000 | SEEK_CUR, 0x10000 | SEEK_END, 1U << 31
	};
	unsigned int i;

	begin(_metadata, self->fd);
	for (i = 0; i < ARRAY_SIZE(types); i++) {
		struct flockp_how how = lock_all();

		how.type = types[i];
		refused(_metadata, self->fd, -EINVAL, &how);
	}
	for (i = 0; i < ARRAY_SIZE(whences); i++) {
		struct flockp_how how = unlock_all();

		how.whence = whences[i];
		refused(_metadata, self->fd, -EINVAL, &how);
	}
}

/* CLOCK_REALTIME, CLOCK_MONOTONIC and CLOCK_BOOTTIME, and no other one. */
TEST_F(file, clock)
{
	static const __u32 far[] = {
		-1, -2, -3, -5, -6, -7, -14, 0x100, 0x10000, 1U << 31, 1U << 31 | CLOCK_MONOTONIC
	};
	unsigned int i;

	begin(_metadata, self->fd);
	for (i = 0; i <= 20; i++) {
		struct flockp_how how = timed_until(F_UNLCK, 15, 0, i, 0);

		if (i == CLOCK_REALTIME || i == CLOCK_MONOTONIC || i == CLOCK_BOOTTIME) {
			EXPECT_EQ(0, timed_call(self->fd, &how));
			EXPECT_STREQ("R0-9", layout(self->fd, self->buf));
			begin(_metadata, self->fd);
		} else {
			refused(_metadata, self->fd, -EINVAL, &how);
		}
	}
	for (i = 0; i < ARRAY_SIZE(far); i++) {
		struct flockp_how how = timed_until(F_UNLCK, 0, 0, far[i], 0);

		refused(_metadata, self->fd, -EINVAL, &how);
	}
}

TEST_F(file, deadline)
{
	static const struct {
		__s64 sec, nsec;
		int error;
	} times[] = {
		{ 0, 0, 0 },
		{ 0, 999999999, 0 },
		{ INT_MAX, 0, 0 },
		{ UINT_MAX, 999999999, 0 },
		{ INT64_MAX, 0, 0 },
		{ INT64_MAX, 999999999, 0 },
		{ 0, 1000000000, -EINVAL },
		{ 0, -1, -EINVAL },
		{ 0, INT64_MAX, -EINVAL },
		{ 0, INT64_MIN, -EINVAL },
		/* right in its lower half */
		{ 0, 1LL << 32, -EINVAL },
		{ 0, 7LL << 32 | 5, -EINVAL },
		{ -1, 0, -EINVAL },
		{ -1, 999999999, -EINVAL },
		{ INT_MIN, 0, -EINVAL },
		{ INT64_MIN, 0, -EINVAL },
		{ INT64_MIN, INT64_MIN, -EINVAL },
	};
	static const __u32 clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME };
	unsigned int i, j;

	begin(_metadata, self->fd);
	for (i = 0; i < ARRAY_SIZE(times); i++)
		for (j = 0; j < ARRAY_SIZE(clocks); j++) {
			struct flockp_how how = timed_until(F_UNLCK, 15, 0, clocks[j], 0);

			how.deadline_sec = times[i].sec;
			how.deadline_nsec = times[i].nsec;
			if (times[i].error) {
				refused(_metadata, self->fd, times[i].error, &how);
				continue;
			}
			EXPECT_EQ(0, timed_call(self->fd, &how))
				TH_LOG("line %u of the table, clock %u", i, clocks[j]);
			EXPECT_STREQ("R0-9", layout(self->fd, self->buf));
			begin(_metadata, self->fd);
		}
}

TEST_F(file, deadline_without_the_flag)
{
	struct flockp_how how;

	begin(_metadata, self->fd);
	how = unlock_all();
	how.clockid = CLOCK_MONOTONIC;
	refused(_metadata, self->fd, -EINVAL, &how);
	how.clockid = -1;
	refused(_metadata, self->fd, -EINVAL, &how);
	how = unlock_all();
	how.deadline_sec = 1;
	refused(_metadata, self->fd, -EINVAL, &how);
	how.deadline_sec = 1LL << 32;
	refused(_metadata, self->fd, -EINVAL, &how);
	how = unlock_all();
	how.deadline_nsec = 1;
	refused(_metadata, self->fd, -EINVAL, &how);
	how.deadline_nsec = 1LL << 32;
	refused(_metadata, self->fd, -EINVAL, &how);
}

TEST_F(file, access_modes)
{
	int ro = open(self->path, O_RDONLY), wo = open(self->path, O_WRONLY);
	struct flockp_how how = timed_span(F_WRLCK, 0, 10);

	ASSERT_LE(0, ro);
	ASSERT_LE(0, wo);
	EXPECT_EQ(-EBADF, timed_call(ro, &how));
	EXPECT_EQ(-EBADF, timed_try(ro, F_WRLCK, 0, 10));
	how.type = F_RDLCK;
	EXPECT_EQ(-EBADF, timed_call(wo, &how));
	EXPECT_EQ(-EBADF, timed_try(wo, F_RDLCK, 0, 10));
	EXPECT_EQ(0, locks_shown(self->id, "", false));

	EXPECT_EQ(0, timed_try(ro, F_RDLCK, 0, 10));
	EXPECT_STREQ("R0-9", layout(ro, self->buf));
	/* What is refused does not take away what is there. */
	EXPECT_EQ(-EBADF, timed_try(ro, F_WRLCK, 0, 10));
	EXPECT_STREQ("R0-9", layout(ro, self->buf));
	EXPECT_EQ(0, timed_try(ro, F_UNLCK, 0, 10));
	EXPECT_EQ(0, timed_try(wo, F_WRLCK, 0, 10));
	EXPECT_EQ(-EBADF, timed_try(wo, F_RDLCK, 0, 10));
	EXPECT_STREQ("W0-9", layout(wo, self->buf));
	EXPECT_EQ(0, timed_try(wo, F_UNLCK, 0, 10));
	EXPECT_EQ(0, locks_shown(self->id, "", false));
}

TEST_F(file, descriptors)
{
	static const __u32 types[] = { F_RDLCK, F_WRLCK, F_UNLCK };
	int path = open(self->path, O_PATH);
	int dir = open(place_dir(variant->place), O_RDONLY | O_DIRECTORY);
	unsigned int i;

	ASSERT_LE(0, path);
	ASSERT_LE(0, dir);
	close(self->fd2);
	for (i = 0; i < ARRAY_SIZE(types); i++) {
		EXPECT_EQ(-EBADF, timed_try(path, types[i], 0, 10));
		EXPECT_EQ(-EBADF, timed_try(self->fd2, types[i], 0, 10));
		EXPECT_EQ(-EBADF, timed_try(-1, types[i], 0, 10));
	}
	EXPECT_EQ(-EBADF, timed_call(path, NULL));
	EXPECT_EQ(-EBADF, timed_call(-1, NULL));
	EXPECT_EQ(0, locks_shown(self->id, "", false));

	EXPECT_EQ(0, timed_try(dir, F_RDLCK, 0, 0));
	EXPECT_EQ(-EBADF, timed_try(dir, F_WRLCK, 0, 0));
	EXPECT_STREQ("R0-EOF", layout(dir, self->buf));
}

TEST_F(file, neighbour_commands)
{
	struct flockp_how how = unlock_all();
	int cmd;

	begin(_metadata, self->fd);
	for (cmd = F_SETLKPT - 1; cmd <= F_SETLKPT + 12; cmd++) {
		if (cmd == F_SETLKPT || (cmd == F_ENUMLKP && !listing_missing()))
			continue;
		EXPECT_EQ(-EINVAL, fcntl(self->fd, cmd, &how) ? -errno : 0)
			TH_LOG("command %d", cmd);
		EXPECT_EQ(-EINVAL, fcntl(self->fd, cmd, NULL) ? -errno : 0)
			TH_LOG("command %d", cmd);
	}
	EXPECT_STREQ(LAYOUT, layout(self->fd, self->buf));
}

/* The file is 1000 bytes long and the position is 500. */
static const struct {
	short whence;
	off_t start, len;
	int error;
} ranges[] = {
	{ SEEK_SET, -1, 10, -EINVAL },
	{ SEEK_SET, INT64_MIN, 0, -EINVAL },
	{ SEEK_SET, 0, -1, -EINVAL },
	{ SEEK_SET, 0, INT64_MIN, -EINVAL },
	{ SEEK_SET, 10, -10, 0 },
	{ SEEK_SET, 10, -11, -EINVAL },
	{ SEEK_SET, 1, OFFSET_MAX, 0 },
	{ SEEK_SET, 2, OFFSET_MAX, -EOVERFLOW },
	{ SEEK_SET, OFFSET_MAX, 1, 0 },
	{ SEEK_SET, OFFSET_MAX, 2, -EOVERFLOW },
	{ SEEK_SET, OFFSET_MAX, OFFSET_MAX, -EOVERFLOW },
	{ SEEK_SET, OFFSET_MAX, -OFFSET_MAX, 0 },
	{ SEEK_SET, OFFSET_MAX, INT64_MIN, -EINVAL },
	{ SEEK_CUR, -500, 1, 0 },
	{ SEEK_CUR, -501, 1, -EINVAL },
	{ SEEK_CUR, 0, -500, 0 },
	{ SEEK_CUR, 0, -501, -EINVAL },
	{ SEEK_CUR, OFFSET_MAX - 500, 1, 0 },
	{ SEEK_CUR, OFFSET_MAX - 500, 2, -EOVERFLOW },
	{ SEEK_CUR, OFFSET_MAX - 499, 1, -EOVERFLOW },
	{ SEEK_CUR, OFFSET_MAX, 0, -EOVERFLOW },
	{ SEEK_END, -1000, 1, 0 },
	{ SEEK_END, -1001, 1, -EINVAL },
	{ SEEK_END, OFFSET_MAX - 1000, 0, 0 },
	{ SEEK_END, OFFSET_MAX - 999, 0, -EOVERFLOW },
	{ SEEK_END, INT64_MIN, 0, -EINVAL },
};

/* One range through both structures: the same answer, and the same lock. */
static int set_both(struct __test_metadata *_metadata, int fd, short whence, off_t start, off_t len)
{
	struct flockp_how how = timed_until(F_WRLCK, start, len, CLOCK_MONOTONIC, 0);
	char timed[LAYOUT_SIZE], plain[LAYOUT_SIZE];
	struct flock fl = span(F_WRLCK, start, len);
	int ret, error;

	how.whence = whence;
	fl.l_whence = whence;
	ret = timed_call(fd, &how);
	layout(fd, timed);
	lock_span(fd, F_SETLKP, F_UNLCK, 0, 0);
	error = lock_call(fd, F_SETLKP, &fl);
	layout(fd, plain);
	lock_span(fd, F_SETLKP, F_UNLCK, 0, 0);
	ASSERT_EQ(error, ret)
		TH_LOG("whence %d, %lld+%lld", whence, (long long)start, (long long)len);
	ASSERT_STREQ(plain, timed);
	ASSERT_EQ(!ret, !!timed[0]);
	return ret;
}

TEST_F(file, ranges)
{
	unsigned int i;

	ASSERT_EQ(0, ftruncate(self->fd, 1000));
	ASSERT_EQ(500, lseek(self->fd, 500, SEEK_SET));
	for (i = 0; i < ARRAY_SIZE(ranges); i++)
		EXPECT_EQ(ranges[i].error,
			  set_both(_metadata, self->fd, ranges[i].whence, ranges[i].start,
				   ranges[i].len))
			TH_LOG("line %u of the table", i);
}

/* Every start with every length, from each of the three, near all that is special. */
TEST_F(file, ranges_crossed)
{
	static const off_t values[] = {
		INT64_MIN, INT64_MIN + 1, INT64_MIN + 1000, -OFFSET_MAX + 500, -1001, -1000, -501,
		-500, -1, 0, 1, 500, 501, 1000, 1LL << 32, OFFSET_MAX - 1000, OFFSET_MAX - 999,
		OFFSET_MAX - 500, OFFSET_MAX - 499, OFFSET_MAX - 1, OFFSET_MAX
	};
	int granted = 0, invalid = 0, overflow = 0, all = 0;
	unsigned int i, j;
	short whence;

	ASSERT_EQ(0, ftruncate(self->fd, 1000));
	ASSERT_EQ(500, lseek(self->fd, 500, SEEK_SET));
	for (whence = SEEK_SET; whence <= SEEK_END; whence++)
		for (i = 0; i < ARRAY_SIZE(values); i++)
			for (j = 0; j < ARRAY_SIZE(values); j++) {
				int ret = set_both(_metadata, self->fd, whence, values[i],
						   values[j]);

				all++;
				granted += ret == 0;
				invalid += ret == -EINVAL;
				overflow += ret == -EOVERFLOW;
			}
	EXPECT_EQ(all, granted + invalid + overflow);
	EXPECT_LT(0, granted);
	EXPECT_LT(0, invalid);
	EXPECT_LT(0, overflow);
}

/* The position is that of the open file, and the end is where it is now. */
TEST_F(file, position_and_end)
{
	struct flockp_how how = timed_span(F_WRLCK, -10, 20);

	ASSERT_EQ(0, ftruncate(self->fd, 1000));
	ASSERT_EQ(500, lseek(self->fd, 500, SEEK_SET));
	how.whence = SEEK_CUR;
	EXPECT_EQ(0, timed_call(self->fd, &how));
	EXPECT_STREQ("W490-509", layout(self->fd, self->buf));
	how.start = 0;
	how.len = 10;
	EXPECT_EQ(0, timed_call(self->fd2, &how));
	EXPECT_STREQ("W0-9", layout(self->fd2, self->buf));
	how.whence = SEEK_END;
	how.len = -10;
	EXPECT_EQ(0, timed_call(self->fd2, &how));
	EXPECT_STREQ("W0-9 W990-999", layout(self->fd2, self->buf));
}

int main(int argc, char **argv)
{
	need_timed();
	return run_tests(argc, argv);
}
