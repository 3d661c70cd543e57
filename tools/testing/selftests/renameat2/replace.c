// SPDX-License-Identifier: GPL-2.0
/* RENAME_REPLACE: a name that is not there does not come into being. */
#include <pthread.h>
#include <stdlib.h>

#include "fixture.h"
#include "on_two.h"

TEST_F(fs, target_exists)
{
	make_file("source", "new");
	make_file("target", "old");
	EXPECT_EQ(0, ren("source", "target", RENAME_REPLACE));
	EXPECT_HOLDS("target", "new");
	EXPECT_FALSE(exists("source"));
}

TEST_F(fs, no_target)
{
	make_file("source", "new");
	EXPECT_EQ(-ENOENT, ren("source", "target", RENAME_REPLACE));
	EXPECT_HOLDS("source", "new");
	EXPECT_FALSE(exists("target"));
	/* A name known not to exist is no target either. */
	EXPECT_EQ(-1, access("target", F_OK));
	EXPECT_EQ(-ENOENT, ren("source", "target", RENAME_REPLACE));
	EXPECT_FALSE(exists("target"));
}

TEST_F(fs, no_source)
{
	make_file("target", "old");
	EXPECT_EQ(-ENOENT, ren("source", "target", RENAME_REPLACE));
	EXPECT_HOLDS("target", "old");
}

/* A dangling symlink is a name that exists. */
TEST_F(fs, symlink)
{
	make_file("source", "new");
	ASSERT_EQ(0, symlink("nowhere", "target"));
	EXPECT_EQ(0, ren("source", "target", RENAME_REPLACE));
	EXPECT_HOLDS("target", "new");
	EXPECT_FALSE(exists("nowhere"));
}

TEST_F(fs, directories)
{
	make_dir("source");
	EXPECT_EQ(-ENOENT, ren("source", "target", RENAME_REPLACE));
	EXPECT_EQ(-ENOENT, ren("source", "target/", RENAME_REPLACE));
	make_dir("target");
	EXPECT_EQ(0, ren("source/", "target/", RENAME_REPLACE));
	EXPECT_FALSE(exists("source"));
	make_dir("source");
	make_file("target/full", "");
	EXPECT_EQ(-ENOTEMPTY, ren("source", "target", RENAME_REPLACE));
	make_file("file", "");
	EXPECT_EQ(-EISDIR, ren("file", "target", RENAME_REPLACE));
	EXPECT_EQ(-ENOTDIR, ren("source", "file", RENAME_REPLACE));
	EXPECT_TRUE(exists("source"));
	EXPECT_TRUE(exists("target/full"));
}

/* Two names of one file: a rename that does nothing, but the target is there. */
TEST_F(fs, hard_links)
{
	make_file("source", "text");
	ASSERT_EQ(0, link("source", "target"));
	EXPECT_EQ(0, ren("source", "target", RENAME_REPLACE));
	EXPECT_TRUE(exists("source"));
	EXPECT_TRUE(exists("target"));
	EXPECT_EQ(0, ren("source", "source", RENAME_REPLACE));
	EXPECT_HOLDS("source", "text");
}

TEST_F(fs, last_names)
{
	make_dir("dir");
	make_file("file", "text");
	EXPECT_EQ(ren("file", "..", 0), ren("file", "..", RENAME_REPLACE));
	EXPECT_EQ(ren("file", "dir/.", 0), ren("file", "dir/.", RENAME_REPLACE));
	EXPECT_EQ(ren("dir/..", "file", 0), ren("dir/..", "file", RENAME_REPLACE));
	EXPECT_EQ(ren("file", "/", 0), ren("file", "/", RENAME_REPLACE));
	EXPECT_HOLDS("file", "text");
}

/* Whoever deletes a file while others replace it has deleted it. */
static int stop;

static void *replace_forever(void *name)
{
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		make_file(name, "again");
		ren(name, "config", RENAME_REPLACE);
	}
	return NULL;
}

TEST_F(fs, deleted_stays_deleted)
{
	static const char *const names[] = { "a", "b", "c", "d" };
	pthread_t threads[ARRAY_SIZE(names)];
	unsigned int i;
	int turn, turns = loops(100, 20000), came_back = 0;

	make_file("config", "");
	for (i = 0; i < ARRAY_SIZE(names); i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, replace_forever, (void *)names[i]));
	for (turn = 0; turn < turns; turn++) {
		if (unlink("config"))
			broken("config");
		for (i = 0; i < 10; i++) {
			sched_yield();
			came_back += exists("config");
		}
		make_file("config", "");
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (i = 0; i < ARRAY_SIZE(names); i++)
		pthread_join(threads[i], NULL);
	EXPECT_EQ(0, came_back);
}

int main(int argc, char **argv)
{
	need_flags();
	return run_tests(argc, argv);
}
