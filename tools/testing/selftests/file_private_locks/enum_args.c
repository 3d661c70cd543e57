// SPDX-License-Identifier: GPL-2.0
/*
 * F_ENUMLKP called with every argument that can be wrong, and with memory that is
 * not there. A call that fails leaves the cursor as it was.
 */
#include <limits.h>
#include <stdint.h>
#include <sys/file.h>
#include <sys/mman.h>

#include "fixture.h"
#include "listing.h"
#include "scene.h"

#define OFFSET_MAX INT64_MAX
#define POISON	0xa5

/* Memory with a hole behind it. */
struct arena {
	long page;
	char *begin, *end;
};

static struct arena arena_make(int pages)
{
	struct arena a = { .page = sysconf(_SC_PAGESIZE) };

	a.begin = mmap(NULL, (pages + 1) * a.page, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	a.end = a.begin + pages * a.page;
	if (a.begin == MAP_FAILED || mprotect(a.end, a.page, PROT_NONE))
		broken("memory");
	return a;
}

static void refused(struct __test_metadata *_metadata, int fd, int error,
		    const struct flockp_enum *how)
{
	struct flockp_enum copy = *how;

	EXPECT_EQ(error, listing_call(fd, &copy))
		TH_LOG("flags %x, %lld+%lld, count %u, entry_size %u, size %u", how->flags,
		       (long long)how->start, (long long)how->len, how->count,
		       how->entry_size, how->size);
	EXPECT_EQ(0, memcmp(&copy, how, sizeof(copy)));
}

TEST_F(file, arguments)
{
	static const struct {
		__s64 start, len;
		int error;
	} ranges[] = {
		{ -1, 1, -EINVAL },
		{ INT64_MIN, 0, -EINVAL },
		{ 0, -1, -EINVAL },
		{ 10, -10, -EINVAL },
		{ 0, INT64_MIN, -EINVAL },
		{ 2, OFFSET_MAX, -EOVERFLOW },
		{ OFFSET_MAX, 2, -EOVERFLOW },
		{ OFFSET_MAX, OFFSET_MAX, -EOVERFLOW },
		{ 1, OFFSET_MAX, 0 },
		{ OFFSET_MAX, 1, 0 },
		{ OFFSET_MAX, 0, 0 },
		{ 0, OFFSET_MAX, 0 },
	};
	static const __u32 counts[] = { 0, 1U << 31, (1U << 31) + 1, UINT_MAX };
	static const __u32 sizes[] = { 0, 1, 47, 4097, 8192, 1U << 16, 1U << 31, UINT_MAX };
	struct flockp_entry entry[2];
	struct flockp_enum most;
	unsigned int round, i;
	int bit;

	EXPECT_EQ(FLOCKP_ENUM_SIZE_VER0, sizeof(struct flockp_enum));
	EXPECT_EQ(FLOCKP_ENTRY_SIZE_VER0, sizeof(struct flockp_entry));
	/* First with no lock at all, and no memory of any. */
	for (round = 0; round < 2; round++) {
		for (bit = 5; bit < 32; bit++) {
			struct flockp_enum how = listing(entry, 2);

			how.flags = 1U << bit;
			refused(_metadata, self->fd, -EINVAL, &how);
			how.flags |= FLKP_HELD;
			refused(_metadata, self->fd, -EINVAL, &how);
		}
		for (i = 0; i < ARRAY_SIZE(ranges); i++) {
			struct flockp_enum how = listing(entry, 2);

			how.start = ranges[i].start;
			how.len = ranges[i].len;
			if (ranges[i].error)
				refused(_metadata, self->fd, ranges[i].error, &how);
			else
				EXPECT_EQ(round, listing_call(self->fd, &how));
		}
		for (i = 0; i < ARRAY_SIZE(counts); i++) {
			struct flockp_enum how = listing(entry, counts[i]);

			refused(_metadata, self->fd, -EINVAL, &how);
		}
		for (i = 0; i < ARRAY_SIZE(sizes); i++) {
			struct flockp_enum how = listing(entry, 1);

			how.entry_size = sizes[i];
			refused(_metadata, self->fd, -EINVAL, &how);
		}
		set(self->fd2, F_RDLCK, 0, 0);
	}
	/* As many as can be asked for, though there is not so much memory. */
	most = listing(entry, INT_MAX);
	EXPECT_EQ(1, listing_call(self->fd, &most));
	most = listing(entry, INT_MAX);
	most.entry_size = 4096;
	most.flags = FLKP_WAITING;
	EXPECT_EQ(0, listing_call(self->fd, &most));
}

TEST_F(file, descriptors)
{
	int ro = open(self->path, O_RDONLY), wo = open(self->path, O_WRONLY);
	int path = open(self->path, O_PATH), none = open(self->path, O_ACCMODE);
	int dir = open(place_dir(variant->place), O_RDONLY | O_DIRECTORY);
	struct flockp_entry entry;
	struct flockp_enum how = listing(&entry, 1);
	char text[LISTED_SIZE];
	int ends[2];

	ASSERT_LE(0, path);
	ASSERT_LE(0, none);
	EXPECT_EQ(-EBADF, listing_call(path, &how));
	EXPECT_EQ(-EBADF, listing_call(path, NULL));
	EXPECT_EQ(-EBADF, listing_call(-1, &how));
	EXPECT_EQ(-EBADF, listing_call(none, &how));
	set(self->fd, F_WRLCK, 0, 10);
	EXPECT_EQ(-EBADF, listing_call(none, &how));
	EXPECT_STREQ("hpW0-9", listed(ro, 0, text));
	EXPECT_STREQ("hpW0-9", listed(wo, 0, text));
	close(self->fd2);
	EXPECT_EQ(-EBADF, listing_call(self->fd2, &how));

	ASSERT_LE(0, dir);
	EXPECT_STREQ("", listed(dir, 0, text));
	set(dir, F_RDLCK, 5, 5);
	EXPECT_STREQ("hpR5-9", listed(dir, 0, text));

	ASSERT_EQ(0, pipe(ends));
	EXPECT_STREQ("", listed(ends[0], 0, text));
	ASSERT_EQ(0, flock(ends[0], LOCK_SH));
	EXPECT_STREQ("hfR0-EOF", listed(ends[1], 0, text));
}

TEST_F(file, size)
{
	static const __u32 small[] = { 0, 1, 4, 8, 48, 55 };
	static const __u32 large[] = { 1, 57, 4096, 1U << 31, UINT_MAX - 4096 };
	struct arena a = arena_make(2);
	struct flockp_enum *how = calloc(1, 2 * a.page);
	struct flockp_entry entry;
	char *tail = (char *)how;
	unsigned int i;
	long size;

	set(self->fd, F_WRLCK, 0, 1);
	*how = listing(&entry, 1);
	for (i = 0; i < ARRAY_SIZE(small); i++) {
		how->size = small[i];
		refused(_metadata, self->fd, -EINVAL, how);
		/* The size alone says so. */
		memcpy(a.end - 4, how, 4);
		EXPECT_EQ(-EINVAL, listing_call(self->fd, (void *)(a.end - 4)));
	}
	for (i = 0; i < ARRAY_SIZE(large); i++) {
		how->size = a.page + large[i];
		refused(_metadata, self->fd, -E2BIG, how);
		memcpy(a.end - 4, how, 4);
		EXPECT_EQ(-E2BIG, listing_call(self->fd, (void *)(a.end - 4)));
	}
	for (size = sizeof(*how); size <= a.page; size += size < 80 ? 1 : 61) {
		struct flockp_enum *at = (void *)(a.end - size), was;

		how->size = size;
		if (size > (long)sizeof(*how)) {
			/* The last byte, and the first. */
			tail[size - 1] = 1;
			memcpy(at, how, size);
			ASSERT_EQ(-E2BIG, listing_call(self->fd, at))
				TH_LOG("last of %ld bytes", size);
			ASSERT_EQ(0, memcmp(at, how, size));
			tail[size - 1] = 0;
			tail[sizeof(*how)] = -128;
			memcpy(at, how, size);
			ASSERT_EQ(-E2BIG, listing_call(self->fd, at))
				TH_LOG("first byte, of %ld", size);
			tail[sizeof(*how)] = 0;
		}
		/* One byte that cannot be read. */
		memcpy(a.end - size + 1, how, size - 1);
		ASSERT_EQ(-EFAULT, listing_call(self->fd, (void *)(a.end - size + 1)))
			TH_LOG("%ld bytes but one", size);

		memset(a.begin, POISON, 2 * a.page);
		memcpy(at, how, size);
		ASSERT_EQ(1, listing_call(self->fd, at))
			TH_LOG("%ld bytes", size);
		/* Nothing but the cursor was written to. */
		was = *at;
		memcpy(at->cursor, how->cursor, sizeof(how->cursor));
		ASSERT_EQ(0, memcmp(at, how, size));
		ASSERT_EQ(POISON, *(unsigned char *)(a.end - size - 1));
		/* And it leads on. */
		*at = was;
		ASSERT_EQ(0, listing_call(self->fd, at));
	}
	free(how);
}

TEST_F(file, entry_size)
{
	static const __u32 sizes[] = { 48, 49, 50, 52, 56, 63, 64, 100, 1000, 4095, 4096 };
	struct arena a = arena_make(8);
	struct list all;
	unsigned int i, shift;
	long j;

	set(self->fd, F_RDLCK, 10, 10);
	set(self->fd2, F_WRLCK, 100, 0);
	ASSERT_EQ(0, flock(self->fd, LOCK_EX));
	all = list_all(self->fd, listing(NULL, 0), 10);
	ASSERT_EQ(3, all.count);
	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		for (shift = 0; shift < 9; shift++) {
			long size = sizes[i];
			char *at = a.end - 5 * size - shift;
			struct flockp_enum how = listing((void *)at, 5);

			how.entry_size = size;
			memset(a.begin, POISON, a.end - a.begin);
			ASSERT_EQ(3, listing_call(self->fd, &how));
			for (j = 0; j < a.end - at; j++) {
				unsigned char byte = at[j];

				if (j < 3 * size && j % size < 48)
					continue;
				ASSERT_EQ(j < 3 * size ? 0 : POISON, byte)
					TH_LOG("byte %ld, size %ld", j, size);
			}
			ASSERT_EQ(POISON, *(unsigned char *)(at - 1));
			for (j = 0; j < 3; j++) {
				struct flockp_entry entry;

				memcpy(&entry, at + j * size, sizeof(entry));
				ASSERT_TRUE(same_entry(&all.entries[j], &entry));
				ASSERT_EQ(0, entry.resv);
			}
		}
	list_free(&all);
}

/* Memory that cannot be written to leaves the cursor where it was, and nothing is lost. */
TEST_F(file, bad_memory)
{
	struct arena a = arena_make(2);
	struct flockp_enum how, *at, was;
	struct list all, list = {};
	unsigned int c, i;
	char * const far[] = {
		NULL, a.end, (char *)-1L, (char *)-4096L, (char *)LONG_MIN, (char *)LONG_MAX
	};

	for (c = 0; c < NR_CROWDS; c++) {
		int size = sizeof(struct flockp_entry), room;

		/* 1 byte and 2, and so on, that no other lock is next to. */
		for (i = 0; i < 10; i++)
			set(self->fd, F_WRLCK, 100 * i, i + 1);
		crowd(self->fd2, crowds[c]);
		how = no_crowd();
		all = list_all(self->fd, how, 256);
		ASSERT_EQ(10, all.count);

		/* The request itself. */
		for (i = 0; i < ARRAY_SIZE(far); i++)
			EXPECT_EQ(-EFAULT, listing_call(self->fd, (void *)far[i]));
		at = (void *)(a.end - sizeof(how));
		*at = how;
		at->entries = (uintptr_t)a.begin;
		at->entry_size = size;
		at->count = 3;
		was = *at;
		ASSERT_EQ(0, mprotect(a.begin + a.page, a.page, PROT_READ));
		EXPECT_EQ(-EFAULT, listing_call(self->fd, at));
		EXPECT_EQ(0, memcmp(at, &was, sizeof(was)));
		ASSERT_EQ(0, mprotect(a.begin + a.page, a.page, PROT_READ | PROT_WRITE));
		EXPECT_EQ(3, listing_call(self->fd, at));

		/* The array, from the first step and from one on the way. */
		how = no_crowd();
		list = (struct list) {};
		for (i = 0; i < 2; i++) {
			struct flockp_enum copy = how;
			unsigned int j;

			copy.entry_size = size;
			copy.count = 10;
			for (j = 0; j < ARRAY_SIZE(far); j++) {
				copy.entries = (uintptr_t)far[j];
				refused(_metadata, self->fd, -EFAULT, &copy);
			}
			/* Room for one entry less than there is something for, and for half. */
			for (room = 0; room < (10 - list.count) * size; room += size / 2) {
				copy.entries = (uintptr_t)a.end - room;
				refused(_metadata, self->fd, -EFAULT, &copy);
			}
			/* Where it can be read, and not written to. */
			ASSERT_EQ(0, mprotect(a.begin + a.page, a.page, PROT_READ));
			copy.entries = (uintptr_t)a.begin + a.page - 2 * size;
			refused(_metadata, self->fd, -EFAULT, &copy);
			copy.entries = (uintptr_t)a.begin + a.page - 2 * size - 1;
			refused(_metadata, self->fd, -EFAULT, &copy);
			ASSERT_EQ(0, mprotect(a.begin + a.page, a.page, PROT_READ | PROT_WRITE));
			/* Just enough. */
			copy.entries = (uintptr_t)a.end - (10 - list.count) * size;
			EXPECT_EQ(10 - list.count, listing_call(self->fd, &copy));

			/* The cursor is still good. */
			if (!i)
				list_more(self->fd, &how, 4, &list);
			else
				while (list_more(self->fd, &how, 4, &list))
					;
		}
		EXPECT_EQ(-1, list_difference(&all, &list));
		list_free(&list);
		list_free(&all);

		/* The zeroes at the end of an entry need memory as well. */
		how = no_crowd();
		how.count = 1;
		how.entry_size = size + 8;
		how.entries = (uintptr_t)a.end - size;
		refused(_metadata, self->fd, -EFAULT, &how);
		how.entries -= 7;
		refused(_metadata, self->fd, -EFAULT, &how);
		how.entries--;
		EXPECT_EQ(1, listing_call(self->fd, &how));
	}
}

static __u64 random64(void)
{
	return (__u64)random() << 42 ^ (__u64)random() << 21 ^ random();
}

/* Whatever is passed, what comes is a part of what is there. How much that is. */
static int try_cursor(struct __test_metadata *_metadata, int fd, const struct list *all,
		      __u64 first, __u64 second, int step)
{
	struct flockp_enum how = listing(NULL, 0);
	struct list list = {};
	int i, j, count;

	how.cursor[0] = first;
	how.cursor[1] = second;
	list_more(fd, &how, step, &list);
	for (i = 0; i < list.count; i++) {
		for (j = 0; j < all->count; j++)
			if (same_entry(&list.entries[i], &all->entries[j]))
				break;
		ASSERT_GT(all->count, j)
			TH_LOG("cursor %llx %llx", (unsigned long long)first,
			       (unsigned long long)second);
	}
	count = list.count;
	list_free(&list);
	return count;
}

TEST_F_TIMEOUT(file, any_cursor, LONG_TIMEOUT)
{
	static const __u64 special[] = {
		0, 1, 2, 3, 4, 7, 8, 10, 15, 63, 64, 1000, INT_MAX, 1ULL << 31, UINT_MAX,
		1ULL << 32,
		CROWD_START, LONG_MAX - 1, LONG_MAX, 1ULL << 63, (1ULL << 63) + 1, -4, -3, -2, -1,
		0x4000000000000000, 0x3fffffffffffffff, 0xc000000000000000
	};
	struct scene s = scene_make(self->path);
	int count = loops(3000, 100000), n, by_chance = 0, nearly_right = 0;
	unsigned int c, i, j;

	srandom(1);
	for (c = 0; c < NR_CROWDS; c++) {
		struct flockp_enum how = listing(NULL, 0);
		struct list all, list = {};

		crowd(self->fd2, crowds[c]);
		all = list_all(self->fd, how, 256);
		for (i = 0; i < ARRAY_SIZE(special); i++)
			for (j = 0; j < ARRAY_SIZE(special); j++)
				try_cursor(_metadata, self->fd, &all, special[i], special[j],
					   i % 3 + 1);
		for (n = 0; n < count; n++)
			by_chance += try_cursor(_metadata, self->fd, &all, random64(), random64(),
						n % 70 + 1);
		/* Real ones, with a bit that is wrong. */
		while (list_more(self->fd, &how, 1, &list))
			for (i = 0; i < 64; i++) {
				nearly_right += try_cursor(_metadata, self->fd, &all,
							   how.cursor[0] ^ 1ULL << i,
							   how.cursor[1], i + 1);
				nearly_right += try_cursor(_metadata, self->fd, &all,
							   how.cursor[0],
							   how.cursor[1] ^ 1ULL << i, i + 1);
			}
		list_free(&list);
		list_free(&all);
	}
	/* Some of them lead somewhere. */
	EXPECT_LT(0, by_chance);
	EXPECT_LT(0, nearly_right);
	scene_end(&s);
}

int main(int argc, char **argv)
{
	need_listing();
	/* Else these tests would wait for ever until a request is listed. */
	if (!listing_there())
		ksft_exit_fail_msg("kernel without F_ENUMLKP\n");
	return run_tests(argc, argv);
}
