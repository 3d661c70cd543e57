// SPDX-License-Identifier: GPL-2.0
/*
 * Every F_SETLKP and F_SETLKPW leaves a fcntl_setlk event, whichever system
 * call it came through.
 */
#include <sys/mount.h>
#include <sys/stat.h>

#include "fixture.h"

static char instance[128];

static void put(const char *name, const char *text)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", instance, name);
	fd = open(path, O_WRONLY | O_TRUNC);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		broken(path);
	close(fd);
}

/* Copy the first event that contains @word to @line. */
static bool find_event(const char *word, char *line, size_t size)
{
	char path[256];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "%s/trace", instance);
	f = fopen(path, "r");
	if (!f)
		broken(path);
	while (!found && fgets(line, size, f))
		found = line[0] != '#' && strstr(line, word);
	fclose(f);
	return found;
}

TEST_F(file, fcntl_setlk_event)
{
	struct flock fl = span(F_WRLCK, 0, 1);
	char line[1024], filter[64];
	struct stat st;

	if (!instance[0])
		SKIP(return, "kernel without tracefs (FTRACE and ENABLE_DEFAULT_TRACERS)");
	ASSERT_EQ(0, fstat(self->fd, &st));
	snprintf(filter, sizeof(filter), "i_ino == %llu", (unsigned long long)st.st_ino);
	put("trace", "");
	put("events/filelock/fcntl_setlk/filter", filter);
	put("events/filelock/fcntl_setlk/enable", "1");

	EXPECT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, 100, 10));
	EXPECT_TRUE(find_event("fl_start=100 fl_end=109 ret=0", line, sizeof(line)));
	EXPECT_NE(NULL, strstr(line, "fcntl_setlk:")) TH_LOG("%s", line);
	EXPECT_NE(NULL, strstr(line, "fl_flags=FL_POSIX|FL_OFDLCK ")) TH_LOG("%s", line);
	EXPECT_NE(NULL, strstr(line, "fl_type=F_WRLCK")) TH_LOG("%s", line);

	EXPECT_EQ(0, lock_span(self->fd, F_SETLKPW, F_RDLCK, 200, 10));
	EXPECT_TRUE(find_event("fl_start=200 fl_end=209 ret=0", line, sizeof(line)));
	EXPECT_NE(NULL, strstr(line, "fl_flags=FL_POSIX|FL_SLEEP|FL_OFDLCK ")) TH_LOG("%s", line);

	EXPECT_EQ(-EAGAIN, lock_span(self->fd2, F_SETLKP, F_WRLCK, 109, 1));
	EXPECT_TRUE(find_event("fl_start=109 fl_end=109 ret=-11", line, sizeof(line)));

	fl.l_pid = 1;
	EXPECT_EQ(-EINVAL, lock_call(self->fd, F_SETLKP, &fl));
	EXPECT_TRUE(find_event("fl_start=0 fl_end=0 ret=-22", line, sizeof(line)));

	EXPECT_EQ(0, lock_span(self->fd, F_SETLKP, F_UNLCK, 105, 1));
	EXPECT_TRUE(find_event("fl_type=F_UNLCK fl_start=105 fl_end=105 ret=0", line,
			       sizeof(line)));

	/* A classic lock has no FL_OFDLCK. */
	EXPECT_EQ(0, lock_span(self->fd, F_SETLK, F_WRLCK, 300, 10));
	EXPECT_TRUE(find_event("fl_start=300 fl_end=309 ret=0", line, sizeof(line)));
	EXPECT_NE(NULL, strstr(line, "fl_flags=FL_POSIX ")) TH_LOG("%s", line);

	put("events/filelock/fcntl_setlk/enable", "0");
}

static void remove_instance(void)
{
	rmdir(instance);
}

/* An instance is a trace buffer of our own: nobody else's tracing is touched. */
static void make_instance(const char *tracefs)
{
	snprintf(instance, sizeof(instance), "%s/instances/flockp.%d", tracefs, getpid());
	if (mkdir(instance, 0700))
		instance[0] = 0;
	else
		atexit(remove_instance);
}

int main(int argc, char **argv)
{
	char own[96];

	places_make();
	snprintf(own, sizeof(own), "%s/../trace", place_dir(PLACE_TMPFS));
	if (!mkdir(own, 0700) && !mount("tracefs", own, "tracefs", 0, NULL))
		make_instance(own);
	return test_harness_run(argc, argv);
}
