// SPDX-License-Identifier: GPL-2.0
/* The program in the documentation, and the one of the demo, do what is said of them there. */
#include <limits.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "fixture.h"
#include "on_two.h"

#define WRITERS 8

/* Where they are: beside this one. */
static char folder[PATH_MAX];

static pid_t start(const char *name, char *const argv[])
{
	char path[PATH_MAX + 16];
	pid_t pid = fork();

	if (pid)
		return pid;
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	execv(path, argv);
	broken(path);
}

/* The line of a writer, and of a turn of his. */
static void line_of(char line[32], int writer, int turn)
{
	snprintf(line, 32, "writer %d, line %d", writer, turn);
}

static void write_lines(int writer, int turns)
{
	char line[32], *argv[] = { "example", "list", line, NULL };
	int turn;

	for (turn = 0; turn < turns; turn++) {
		line_of(line, writer, turn);
		if (reap(start("example", argv)))
			_exit(1);
	}
	_exit(0);
}

static int times_in_list(const char *wanted)
{
	char line[64];
	FILE *f = fopen("list", "r");
	int n = 0;

	if (!f)
		broken("list");
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		n += !strcmp(line, wanted);
	}
	fclose(f);
	return n;
}

TEST_F(fs, example_loses_no_line)
{
	int writer, turn, turns = loops(4, 100);
	pid_t writers[WRITERS];
	char line[32];

	for (writer = 0; writer < WRITERS; writer++) {
		writers[writer] = fork();
		if (!writers[writer])
			write_lines(writer, turns);
	}
	for (writer = 0; writer < WRITERS; writer++)
		ASSERT_EQ(0, reap(writers[writer]));
	for (writer = 0; writer < WRITERS; writer++) {
		for (turn = 0; turn < turns; turn++) {
			line_of(line, writer, turn);
			ASSERT_EQ(1, times_in_list(line)) TH_LOG("%s", line);
		}
	}
	/* No temporary file is left. */
	ASSERT_EQ(0, unlink("list"));
	ASSERT_EQ(0, chdir(".."));
	ASSERT_EQ(0, rmdir(self->dir));
}

TEST_F(fs, example_keeps_the_mode)
{
	char *const argv[] = { "example", "list", "second", NULL };
	struct stat st;

	make_file("list", "first\n");
	ASSERT_EQ(0, chmod("list", 0640));
	ASSERT_EQ(0, reap(start("example", argv)));
	EXPECT_HOLDS("list", "first\nsecond\n");
	ASSERT_EQ(0, stat("list", &st));
	EXPECT_EQ(0640, st.st_mode & 07777);
}

TEST_F(fs, demo)
{
	char *const compare[] = { "edit_demo", "compare", "20", "list", NULL };
	char *const rename[] = { "edit_demo", "rename", "20", "list", NULL };

	EXPECT_EQ(0, reap(start("edit_demo", compare)));
	EXPECT_EQ(1, times_in_list("A 19"));
	EXPECT_EQ(1, times_in_list("B 19"));
	/* The control: of each two edits, one is lost. */
	EXPECT_EQ(1, reap(start("edit_demo", rename)));
	EXPECT_EQ(1, times_in_list("A 19") + times_in_list("B 19"));
}

int main(int argc, char **argv)
{
	ssize_t len = readlink("/proc/self/exe", folder, sizeof(folder) - 1);

	if (len < 0)
		broken("/proc/self/exe");
	folder[len] = 0;
	*strrchr(folder, '/') = 0;
	need_flags();
	return run_tests(argc, argv);
}
