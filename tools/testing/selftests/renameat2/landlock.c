// SPDX-License-Identifier: GPL-2.0
/* Landlock's rules apply to renames with new flags as to those without. */
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <linux/landlock.h>

#include "fixture.h"

FIXTURE_VARIANT_ADD(fs, tmpfs)
{
	.fs = FS_TMPFS,
};

#define RIGHTS (LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | \
		LANDLOCK_ACCESS_FS_REFER)

static bool no_landlock(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) < 2;
}

static void allow(int rules, const char *dir, __u64 rights)
{
	struct landlock_path_beneath_attr rule = {
		.allowed_access = rights,
		.parent_fd = open_path(dir),
	};

	if (syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0))
		broken("landlock_add_rule");
	close(rule.parent_fd);
}

/* "full" allows all, "keep" no removal, "closed" nothing, "apart" no link to other directories. */
static void enter_sandbox(void)
{
	struct landlock_ruleset_attr attr = { .handled_access_fs = RIGHTS };
	int rules = syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);

	if (rules < 0)
		broken("landlock_create_ruleset");
	allow(rules, "full", RIGHTS);
	allow(rules, "full2", RIGHTS);
	allow(rules, "keep", LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REFER);
	allow(rules, "apart", RIGHTS & ~LANDLOCK_ACCESS_FS_REFER);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    syscall(SYS_landlock_restrict_self, rules, 0))
		broken("landlock_restrict_self");
}

/* Another one, in which nothing can be opened for reading. */
static void forbid_reading(void)
{
	struct landlock_ruleset_attr attr = {
		.handled_access_fs = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR |
				     LANDLOCK_ACCESS_FS_REFER,
	};
	int rules = syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);

	if (rules < 0)
		broken("landlock_create_ruleset");
	allow(rules, ".", LANDLOCK_ACCESS_FS_REFER);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    syscall(SYS_landlock_restrict_self, rules, 0))
		broken("landlock_restrict_self");
}

static const char *const dirs[] = { "full", "full2", "keep", "apart", "closed" };

static void path(char out[64], const char *dir, const char *name)
{
	snprintf(out, 64, "%s/%s", dir, name);
}

static void make_all(void)
{
	unsigned int i;
	char name[64];

	for (i = 0; i < ARRAY_SIZE(dirs); i++) {
		if (mkdir(dirs[i], 0755) && errno != EEXIST)
			broken(dirs[i]);
		path(name, dirs[i], "a");
		make_file(name, "a");
		path(name, dirs[i], "b");
		make_file(name, "b");
	}
}

/* The answer to a call in a sandbox that is new each time, as everything is that it changes. */
static int ask(const char *from, const char *to, unsigned int flags, bool conditions)
{
	pid_t pid;

	make_all();
	pid = fork();
	if (!pid) {
		struct rename_cond cond = both(source_is(open_path(from)),
					       target_is(open_path(to)));

		enter_sandbox();
		_exit(-(conditions ? ren_if(from, to, flags, cond) : ren(from, to, flags)));
	}
	return -reap(pid);
}

/* From each directory into each. */
static void compare(struct __test_metadata *const _metadata, unsigned int flags)
{
	unsigned int from, to;
	char a[64], b[64];
	int plain;

	for (from = 0; from < ARRAY_SIZE(dirs); from++) {
		for (to = 0; to < ARRAY_SIZE(dirs); to++) {
			path(a, dirs[from], "a");
			path(b, dirs[to], "b");
			plain = ask(a, b, flags, false);
			EXPECT_EQ(plain, ask(a, b, flags | RENAME_SYNC, false))
				TH_LOG("%s to %s", a, b);
			EXPECT_EQ(plain, ask(a, b, flags, true)) TH_LOG("%s to %s", a, b);
			if (!(flags & RENAME_EXCHANGE)) {
				EXPECT_EQ(plain, ask(a, b, flags | RENAME_REPLACE, false))
					TH_LOG("%s to %s", a, b);
			}
		}
	}
}

TEST_F(fs, as_without)
{
	if (no_landlock())
		SKIP(return, "kernel without Landlock (SECURITY_LANDLOCK)");
	compare(_metadata, 0);
}

TEST_F(fs, exchange)
{
	if (no_landlock())
		SKIP(return, "kernel without Landlock (SECURITY_LANDLOCK)");
	compare(_metadata, RENAME_EXCHANGE);
}

/* The sandbox does what it is for: some of the answers above are refusals. */
TEST_F(fs, refuses)
{
	if (no_landlock())
		SKIP(return, "kernel without Landlock (SECURITY_LANDLOCK)");
	EXPECT_EQ(0, ask("full/a", "full2/b", RENAME_SYNC, false));
	EXPECT_EQ(0, ask("apart/a", "apart/b", RENAME_SYNC, true));
	EXPECT_EQ(-EACCES, ask("keep/a", "full/b", RENAME_SYNC, false));
	EXPECT_EQ(-EACCES, ask("full/a", "keep/b", RENAME_REPLACE, false));
	EXPECT_EQ(-EACCES, ask("closed/a", "full/b", 0, true));
	EXPECT_EQ(-EXDEV, ask("full/a", "apart/b", RENAME_SYNC, false));
	/* Of an exchange each side must be allowed. */
	EXPECT_EQ(0, ask("full/a", "full2/b", RENAME_EXCHANGE | RENAME_SYNC, true));
	EXPECT_EQ(-EACCES, ask("full/a", "keep/b", RENAME_EXCHANGE | RENAME_SYNC, true));
	EXPECT_EQ(-EACCES, ask("keep/a", "full/b", RENAME_EXCHANGE | RENAME_SYNC, true));
}

/* To write something out is not to read it. */
TEST_F(fs, sync_reads_nothing)
{
	pid_t pid;

	if (no_landlock())
		SKIP(return, "kernel without Landlock (SECURITY_LANDLOCK)");
	make_dir("one");
	make_dir("two");
	make_dir("one/dir");
	make_file("one/source", "text");
	pid = fork();
	if (!pid) {
		forbid_reading();
		if (open("one/source", O_RDONLY) >= 0 || errno != EACCES)
			_exit(1);
		if (ren("one/source", "two/target", RENAME_SYNC))
			_exit(2);
		if (ren("one/dir", "two/dir", RENAME_SYNC))
			_exit(3);
		_exit(-ren("two/dir", "two/target", RENAME_SYNC | RENAME_EXCHANGE));
	}
	EXPECT_EQ(0, reap(pid));
	EXPECT_HOLDS("two/dir", "text");
}

int main(int argc, char **argv)
{
	need_flags();
	return run_tests(argc, argv);
}
