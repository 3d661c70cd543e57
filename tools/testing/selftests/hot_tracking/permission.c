// SPDX-License-Identifier: GPL-2.0
/*
 * Who may do what. Heat tells who reads what and when, so about a file it is for those who could
 * write it anyway (as cachestat(2) has it), and about a filesystem for its administrator.
 */
#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <unistd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <linux/capability.h>

#include "fixture.h"
#include "on_ext4.h"
#include "records.h"

#define NOBODY 65534

/* Who asks. */
enum who {
	ROOT,
	USER,			/* uid 65534 */
	ROOT_WITHOUT_POWER,	/* uid 0 with no capability at all */
	USER_WITH_ADMIN,	/* uid 65534 with CAP_SYS_ADMIN */
	USER_IN_NAMESPACE,	/* uid 65534, root in a user namespace of its own */
	NR_WHO
};

static const char *const who_name[] = {
	[ROOT] = "root",
	[USER] = "a user",
	[ROOT_WITHOUT_POWER] = "root without capabilities",
	[USER_WITH_ADMIN] = "a user with CAP_SYS_ADMIN",
	[USER_IN_NAMESPACE] = "root of a user namespace",
};

/* Through which descriptor. All are opened by root before. */
enum file {
	READ_ONLY,		/* root's, mode 0644, open for reading */
	WRITABLE,		/* the same file, open for writing */
	OWN,			/* the user's, mode 0400, open for reading */
	MAY_WRITE,		/* root's, mode 0666, open for reading */
	SECRET,			/* root's, mode 0600, open for reading */
	NR_FILES
};

static const char *const file_name[] = {
	[READ_ONLY] = "a read-only file",
	[WRITABLE] = "a writable file",
	[OWN] = "a file of the user",
	[MAY_WRITE] = "a file that all may write",
	[SECRET] = "a file of root alone",
};

/* Heat of the file: may this one see it? */
static const bool may_see_file[NR_WHO][NR_FILES] = {
	[ROOT] = { true, true, true, true, true },
	[USER] = { false, true, true, true, false },
	/* Owner of the first two and the last. */
	[ROOT_WITHOUT_POWER] = { true, true, false, true, true },
	[USER_WITH_ADMIN] = { false, true, true, true, false },
	[USER_IN_NAMESPACE] = { false, true, true, true, false },
};

/* Whatever concerns the whole filesystem, through any descriptor. */
static const bool may_administer[NR_WHO] = {
	[ROOT] = true,
	[USER_WITH_ADMIN] = true,
};

static void set_capabilities(__u32 effective)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {
		{ .effective = effective, .permitted = effective },
	};

	if (syscall(SYS_capset, &header, data))
		broken("capset");
}

static void become_user(bool with_admin)
{
	if (prctl(PR_SET_KEEPCAPS, with_admin) || setgroups(0, NULL) ||
	    setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY))
		broken("becoming another user");
	set_capabilities(with_admin ? 1U << CAP_SYS_ADMIN : 0);
}

static void become_namespace_root(void)
{
	become_user(false);
	/* Else its files in /proc belong to root, and it cannot write its map. */
	if (prctl(PR_SET_DUMPABLE, 1) || unshare(CLONE_NEWUSER))
		broken("a user namespace");
	if (put("/proc/self/uid_map", "0 65534 1"))
		broken("uid_map");
	if (geteuid())
		broken("the uid in the namespace");
}

static void become(enum who who)
{
	switch (who) {
	case USER:
		return become_user(false);
	case ROOT_WITHOUT_POWER:
		return set_capabilities(0);
	case USER_WITH_ADMIN:
		return become_user(true);
	case USER_IN_NAMESPACE:
		return become_namespace_root();
	default:
		return;
	}
}

static const char *expected(bool allowed)
{
	return allowed ? "0" : "-EPERM";
}

static int wrong;

static void check(const char *command, enum who who, enum file file, bool allowed, int ret)
{
	if (ret == (allowed ? 0 : -EPERM))
		return;
	printf("# %s by %s through %s: expected %s, saw %d\n", command, who_name[who],
	       file_name[file], expected(allowed), ret);
	wrong++;
}

static int ask_file(int fd)
{
	struct hot_inode inode = { .size = sizeof(inode) };

	return hot(fd, HOT_GET_INODE, &inode);
}

static int ask_ranges(int fd)
{
	struct hot_range range;
	struct hot_ranges ranges = {
		.size = sizeof(ranges),
		.ranges = (uintptr_t)&range,
		.count = 1,
	};

	return hot(fd, HOT_GET_RANGES, &ranges);
}

static int control(int fd, __u32 flags)
{
	struct hot_ctl ctl = {
		.size = sizeof(ctl),
		.flags = flags,
		.half_life_ms = HOT_HALF_LIFE_DEFAULT_MS,
		.range_shift = HOT_RANGE_SHIFT_DEFAULT,
		.max_item_bytes = 1 << 20,
		.max_range_bytes = 1 << 20,
	};

	return hot(fd, HOT_CTL, &ctl);
}

static int ask_top(int fd, __u32 flags)
{
	char buffer[HOT_RECORD_MAX];
	struct hot_top top = {
		.size = sizeof(top),
		.flags = flags,
		.count = 1,
		.buffer = (uintptr_t)buffer,
		.buffer_bytes = sizeof(buffer),
	};

	return hot(fd, HOT_TOP, &top);
}

static int ask_histogram(int fd)
{
	struct hot_histogram histogram = { .size = sizeof(histogram) };

	return hot(fd, HOT_HISTOGRAM, &histogram);
}

static int load_nothing(int fd)
{
	struct records list = {};
	struct hot_load load = { .size = sizeof(load) };
	int ret;

	records_add_inode(&list, 1, HOT_ONE, 0);
	load.buffer = (uintptr_t)list.data;
	load.buffer_bytes = list.bytes;
	ret = hot(fd, HOT_LOAD, &load);
	records_free(&list);
	return ret;
}

static int open_stream(int fd, __u32 flags)
{
	struct hot_stream request = {
		.size = sizeof(request),
		.flags = flags,
		.threshold = flags & HOT_STREAM_EVENTS ? HOT_ONE : 0,
	};
	int ret = hot(fd, HOT_STREAM, &request);

	if (ret < 0)
		return ret;
	close(ret);
	return 0;
}

static int forget(int fd, __u32 flags)
{
	struct hot_reset reset = { .size = sizeof(reset), .flags = flags };

	return hot(fd, HOT_RESET, &reset);
}

/* In a child: its exit status tells how many answers were wrong. */
static int try_all(enum who who, const int files[NR_FILES])
{
	bool admin = may_administer[who];
	enum file file;

	become(who);
	for (file = 0; file < NR_FILES; file++) {
		bool see = may_see_file[who][file];
		int fd = files[file];

		check("HOT_CTL, looking", who, file, true, control(fd, 0));
		check("HOT_GET_INODE", who, file, see, ask_file(fd));
		check("HOT_GET_RANGES", who, file, see, ask_ranges(fd));
		check("HOT_CTL_ON", who, file, admin, control(fd, HOT_CTL_ON));
		check("HOT_CTL_SET_RANGE_SHIFT", who, file, admin,
		      control(fd, HOT_CTL_ON | HOT_CTL_SET_RANGE_SHIFT));
		check("HOT_CTL_SET_HALF_LIFE", who, file, admin,
		      control(fd, HOT_CTL_SET_HALF_LIFE));
		check("HOT_CTL_SET_ITEM_BYTES", who, file, admin,
		      control(fd, HOT_CTL_SET_ITEM_BYTES));
		check("HOT_CTL_SET_RANGE_BYTES", who, file, admin,
		      control(fd, HOT_CTL_SET_RANGE_BYTES));
		check("HOT_TOP", who, file, admin, ask_top(fd, 0));
		check("HOT_TOP of ranges", who, file, admin, ask_top(fd, HOT_OF_RANGES));
		check("HOT_HISTOGRAM", who, file, admin, ask_histogram(fd));
		check("HOT_LOAD", who, file, admin, load_nothing(fd));
		check("HOT_STREAM", who, file, admin, open_stream(fd, 0));
		check("HOT_STREAM of events", who, file, admin, open_stream(fd, HOT_STREAM_EVENTS));
		check("HOT_RESET", who, file, admin, forget(fd, HOT_RESET_FILE));
		check("HOT_RESET of all", who, file, admin, forget(fd, 0));
		check("HOT_CTL_OFF", who, file, admin, control(fd, HOT_CTL_OFF));
		/* Off: to turn it on is not everybody's either. */
		check("HOT_CTL_ON again", who, file, admin, control(fd, HOT_CTL_ON));
	}
	fflush(stdout);
	return wrong;
}

static int make_file(const char *dir, const char *name, mode_t mode, uid_t owner, int flags)
{
	int fd = open_file(dir, name, O_DIRECT), again;
	char path[128];

	write_at(fd, 0, PAGE);
	if (fchmod(fd, mode) || fchown(fd, owner, owner))
		broken("giving a file away");
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	again = open(path, flags);
	if (again < 0)
		broken(path);
	close(fd);
	return again;
}

/* The number of wrong answers that this one gets. */
static int in_child(enum who who, const int files[NR_FILES])
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(try_all(who, files));
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		broken("a child");
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_F(fs, matrix)
{
	int files[NR_FILES];
	enum who who;

	for (who = 0; who < NR_WHO; who++) {
		ASSERT_EQ(0, hot_on(self->dir_fd));
		files[READ_ONLY] = make_file(self->dir, "read-only", 0644, 0, O_RDONLY);
		files[WRITABLE] = make_file(self->dir, "writable", 0644, 0, O_RDWR);
		files[OWN] = make_file(self->dir, "own", 0400, NOBODY, O_RDONLY);
		files[MAY_WRITE] = make_file(self->dir, "may-write", 0666, 0, O_RDONLY);
		files[SECRET] = make_file(self->dir, "secret", 0600, 0, O_RDONLY);
		EXPECT_EQ(0, in_child(who, files)) TH_LOG("%s", who_name[who]);
		if (may_administer[who])
			continue;
		/* Who was denied has changed nothing. */
		EXPECT_EQ(HOT_STATE_ON, hot_look(self->dir_fd).state);
		EXPECT_EQ(HOT_HALF_LIFE_MAX_MS, hot_look(self->dir_fd).half_life_ms);
		EXPECT_EQ(NR_FILES, hot_look(self->dir_fd).items);
		EXPECT_EQ(REQUESTS(1), heat_of(files[READ_ONLY]).writes);
	}
}

/* A stream is a descriptor like others: who was given one may read it. */
TEST_F(fs, stream_given_away)
{
	struct hot_stream request = { .size = sizeof(request) };
	char buffer[HOT_RECORD_MAX];
	int stream, status;
	pid_t pid;

	write_at(self->direct, 0, PAGE);
	stream = hot(self->dir_fd, HOT_STREAM, &request);
	ASSERT_LE(0, stream);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		become(USER);
		_exit(read(stream, buffer, sizeof(buffer)) > 0 ? 0 : 1);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

/* Its settings in sysfs are files of root; those who may not, cannot open them for writing. */
TEST_F(fs, sysfs)
{
	static const char *const settings[] = {
		"half_life_ms", "max_item_bytes", "max_range_bytes",
	};
	char path[SYSFS_PATH_SIZE];
	enum who who;
	int status;
	pid_t pid;

	for (who = 0; who < NR_WHO; who++) {
		pid = fork();
		ASSERT_LE(0, pid);
		if (!pid) {
			unsigned int i;
			int opened = 0;

			become(who);
			for (i = 0; i < ARRAY_SIZE(settings); i++) {
				hot_sysfs(self->dir_fd, settings[i], path);
				opened += open(path, O_WRONLY) >= 0;
			}
			_exit(opened);
		}
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		ASSERT_TRUE(WIFEXITED(status));
		EXPECT_EQ(who == ROOT || who == ROOT_WITHOUT_POWER ? ARRAY_SIZE(settings) : 0,
			  WEXITSTATUS(status))
			TH_LOG("%s", who_name[who]);
	}
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
