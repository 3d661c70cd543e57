// SPDX-License-Identifier: GPL-2.0
/* The flags and the conditions by 32-bit programs: the same layout, and the same answers. */
#if __SIZEOF_LONG__ == 4

#include <sys/mman.h>

#include "fixture.h"
#include "on_two.h"

TEST_F(fs, flags)
{
	make_file("a", "A");
	make_file("b", "B");
	EXPECT_EQ(-EINVAL, ren("a", "b", 8));
	EXPECT_EQ(-EINVAL, ren("a", "b", 0x80000000));
	EXPECT_EQ(-EINVAL, ren("a", "b", RENAME_REPLACE | RENAME_NOREPLACE));
	EXPECT_EQ(0, ren("a", "b", RENAME_EXCHANGE | RENAME_SYNC));
	EXPECT_HOLDS("a", "B");
	EXPECT_EQ(0, ren("a", "b", RENAME_REPLACE));
	EXPECT_EQ(-ENOENT, ren("b", "a", RENAME_REPLACE));
	EXPECT_HOLDS("b", "B");
	EXPECT_EQ(0, ren("b", "c", RENAME_SYNC | RENAME_NOREPLACE));
}

/* The sixth argument is in the last register there is, where garbage is likely. */
TEST_F(fs, poisoned_argument)
{
	make_file("a", "A");
	EXPECT_EQ(0, rename_at(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_SYNC, (void *)-1));
	EXPECT_EQ(0, rename_at(AT_FDCWD, "b", AT_FDCWD, "a", 0, (void *)16));
	EXPECT_EQ(-EFAULT, rename_at(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_COND, (void *)16));
	EXPECT_EQ(-EFAULT, rename_at(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_COND, NULL));
	EXPECT_EQ(-EFAULT, rename_at(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_COND, (void *)-1));
	EXPECT_EQ(-EFAULT, rename_at(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_COND, (void *)-64));
	EXPECT_HOLDS("a", "A");
}

TEST_F(fs, conditions)
{
	struct rename_cond cond;
	int a, b;

	EXPECT_EQ(4, sizeof(long));
	make_file("a", "A");
	make_file("b", "B");
	a = open_path("a");
	b = open_path("b");
	EXPECT_EQ(-EAGAIN, ren_if("a", "b", 0, target_is(a)));
	EXPECT_EQ(-EAGAIN, ren_if("a", "b", 0, source_is(b)));
	EXPECT_EQ(-EAGAIN, ren_if("a", "b", 0, no_target()));
	EXPECT_EQ(-EBADF, ren_if("a", "b", 0, target_is(-2)));
	EXPECT_EQ(-EBADF, ren_if("a", "b", 0, source_is(-1)));
	EXPECT_EQ(0, ren_if("a", "b", RENAME_EXCHANGE, both(target_is(b), source_is(a))));
	EXPECT_HOLDS("a", "B");
	cond = unchanged("b");
	cond.resv = 1;
	EXPECT_EQ(-EINVAL, ren_if("a", "b", 0, cond));
	EXPECT_HOLDS("b", "A");
}

/* No half of a 64-bit field gets lost, and the sign neither. */
TEST_F(fs, large_values)
{
	static const long long seconds[] = { 0, 1, -1, 3000000000, -2000000000, 1000 };
	struct rename_cond cond;
	unsigned int i, bit;

	for (i = 0; i < ARRAY_SIZE(seconds); i++) {
		make_file("a", "A");
		make_file("b", "B");
		ASSERT_EQ(0, truncate("b", (5LL << 32) + 3));
		set_mtime("b", seconds[i], 999999999);
		cond = unchanged("b");
		EXPECT_EQ((5LL << 32) + 3, cond.target_size);
		for (bit = 0; bit < 64; bit++) {
			struct rename_cond wrong = cond;

			wrong.target_size ^= 1ULL << bit;
			EXPECT_EQ(-EAGAIN, ren_if("a", "b", 0, wrong)) TH_LOG("bit %u", bit);
			wrong = cond;
			wrong.target_mtime_sec ^= 1ULL << bit;
			EXPECT_EQ(-EAGAIN, ren_if("a", "b", 0, wrong)) TH_LOG("bit %u", bit);
		}
		EXPECT_EQ(0, ren_if("a", "b", 0, cond)) TH_LOG("%lld s", seconds[i]);
		EXPECT_HOLDS("b", "A");
	}
}

TEST_F(fs, sizes)
{
	struct {
		struct rename_cond cond;
		char more[24];
	} arg = { .cond = no_target() };
	unsigned int size;

	make_file("a", "A");
	for (size = 0; size <= sizeof(arg); size++) {
		arg.cond.size = size;
		EXPECT_EQ(size < sizeof(arg.cond) ? -EINVAL : 0,
			  rename_at(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_COND, &arg))
			TH_LOG("size %u", size);
		rename("b", "a");
	}
	arg.more[23] = 1;
	EXPECT_EQ(-E2BIG, rename_at(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_COND, &arg));
	arg.cond.size = 4097;
	EXPECT_EQ(-E2BIG, rename_at(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_COND, &arg));
	EXPECT_HOLDS("a", "A");
}

int main(int argc, char **argv)
{
	need_flags();
	return run_tests(argc, argv);
}

#else /* a 64-bit build in place of the 32-bit one */

#include "../kselftest_harness.h"

TEST(built_with_m32)
{
	SKIP(return, "no 32-bit compiler (package gcc-multilib) when the tests were built");
}

TEST_HARNESS_MAIN

#endif
