// SPDX-License-Identifier: GPL-2.0
/*
 * What guest_lock_modules.py runs in its guests, as a task without privileges:
 *
 *	lock_modules [-s DIR] r|rw FILE
 *
 * opens the file for reading, or for writing too, and makes every lock request
 * with every command, and with no request at all. For each it prints the command,
 * the request, its errno, and how many locks the file has then. Then it asks for a
 * list of the locks. -s: first into a Landlock sandbox, outside of which nothing but
 * what is below DIR can be opened.
 */

#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <linux/file_private_locks.h>
#include <linux/landlock.h>

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))

static const struct {
	const char *name;
	int value;
} commands[] = {
	{ "F_SETLK", F_SETLK },
	{ "F_SETLKW", F_SETLKW },
	{ "F_SETLKP", F_SETLKP },
	{ "F_SETLKPW", F_SETLKPW },
	{ "F_SETLKPT", F_SETLKPT }
}, requests[] = {
	{ "F_RDLCK", F_RDLCK },
	{ "F_WRLCK", F_WRLCK },
	{ "F_UNLCK", F_UNLCK },
	{ "NULL", -1 }
};

static int request(int fd, int command, int type)
{
	struct flock fl = { .l_type = type };
	struct flockp_how how = {
		.size = sizeof(how),
		.flags = FLKP_DEADLINE,
		.type = type,
		.clockid = CLOCK_MONOTONIC,
	};
	void *arg = command == F_SETLKPT ? (void *)&how : &fl;

	return fcntl(fd, command, type < 0 ? NULL : arg) ? errno : 0;
}

/* Two numbers as for the others: its errno, and how many locks it lists. */
static void ask_for_list(int fd)
{
	struct flockp_entry entries[8];
	struct flockp_enum how = {
		.size = sizeof(how),
		.entries = (unsigned long)entries,
		.count = COUNT(entries),
		.entry_size = sizeof(entries[0]),
	};
	struct flock fl = { .l_type = F_RDLCK };
	int count, error;

	/* Where that is refused there is nothing to list either. */
	if (fcntl(fd, F_SETLKP, &fl) && errno != EACCES)
		err(1, "F_SETLKP");
	count = fcntl(fd, F_ENUMLKP, &how);
	error = count < 0 ? errno : 0;
	printf("F_ENUMLKP list %d %d\n", error, count < 0 ? 0 : count);
	error = fcntl(fd, F_ENUMLKP, NULL) < 0 ? errno : 0;
	printf("F_ENUMLKP NULL %d 0\n", error);
}

static int lock_count(int fd)
{
	char line[256], inode[32];
	FILE *f = fopen("/proc/locks", "r");
	struct stat st;
	int count = 0;

	if (!f || fstat(fd, &st))
		err(1, "/proc/locks");
	snprintf(inode, sizeof(inode), ":%lu ", (unsigned long)st.st_ino);
	while (fgets(line, sizeof(line), f))
		count += !!strstr(line, inode);
	fclose(f);
	return count;
}

static void enter_sandbox(const char *dir)
{
	struct landlock_ruleset_attr attr = {
		.handled_access_fs = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE,
	};
	struct landlock_path_beneath_attr inside = {
		.allowed_access = attr.handled_access_fs,
		.parent_fd = open(dir, O_PATH),
	}, proc = {
		.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE,
		.parent_fd = open("/proc", O_PATH),
	};
	int rules = syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);

	if (rules < 0 ||
	    syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &inside, 0) ||
	    syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &proc, 0) ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || syscall(SYS_landlock_restrict_self, rules, 0))
		err(1, "landlock");
}

int main(int argc, char **argv)
{
	unsigned int i, j;
	int error, fd;

	if (argc == 5 && !strcmp(argv[1], "-s"))
		enter_sandbox(argv[2]);
	else if (argc != 3)
		errx(1, "wrong arguments");
	if (setgroups(0, NULL) || setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534))
		err(1, "privileges");
	fd = open(argv[argc - 1], strcmp(argv[argc - 2], "r") ? O_RDWR : O_RDONLY);
	if (fd < 0) {
		printf("open %d\n", errno);
		return 0;
	}
	for (i = 0; i < COUNT(commands); i++)
		for (j = 0; j < COUNT(requests); j++) {
			error = request(fd, commands[i].value, requests[j].value);
			printf("%s %s %d %d\n", commands[i].name, requests[j].name, error,
			       lock_count(fd));
		}
	ask_for_list(fd);
	return 0;
}
