// SPDX-License-Identifier: GPL-2.0
/*
 * Three threads times five lines. With an open file and a private lock per
 * thread all fifteen lines are intact; classic locks, and private locks of one
 * shared open file, let all threads in at once.
 */
#include "append_lines.h"
#include "fixture.h"

TEST_F_TIMEOUT(file, open_per_thread, LONG_TIMEOUT)
{
	struct append_result r;
	int i, count = loops(2, 100);

	for (i = 0; i < count; i++) {
		append_lines(APPEND_PRIVATE, self->path, &r);
		ASSERT_EQ(0, r.violations);
		ASSERT_EQ(0, r.torn);
		ASSERT_EQ(APPEND_TOTAL, r.intact);
	}
	EXPECT_EQ(15, r.intact);
}

/* The check above is worth something: the same check fails with these. */
TEST_F(file, classic_fails_the_check)
{
	struct append_result r;

	append_lines(APPEND_CLASSIC, self->path, &r);
	EXPECT_LE(APPEND_THREADS - 1, r.violations);
	EXPECT_LT(r.intact, APPEND_TOTAL);
}

TEST_F(file, shared_open_file_fails_the_check)
{
	struct append_result r;

	append_lines(APPEND_SHARED, self->path, &r);
	EXPECT_LE(APPEND_THREADS - 1, r.violations);
	EXPECT_LT(r.intact, APPEND_TOTAL);
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
