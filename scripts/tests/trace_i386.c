// SPDX-License-Identifier: GPL-2.0
/*
 * init of the 32-bit guest of guest_trace_i386.py. Makes the lock requests that
 * come in over the second serial port and answers each with the fcntl_setlk
 * events it left in the trace, then with its errno. A request is a line:
 *
 *	fcntl|fcntl64 COMMAND FILE TYPE START LENGTH PID
 *
 * COMMAND is a name, the rest are numbers; FILE is an index into files[].
 */

#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <termios.h>
#include <unistd.h>
#include <linux/file_private_locks.h>

static const struct {
	const char *name;
	int value;
} commands[] = {
	{ "F_SETLK", F_SETLK },
	{ "F_SETLK64", F_SETLK64 },
	{ "F_SETLKW64", F_SETLKW64 },
	{ "F_GETLKP", F_GETLKP },
	{ "F_SETLKP", F_SETLKP },
	{ "F_SETLKPW", F_SETLKPW },
	{ NULL }
};

static int files[3];

static int must_open(const char *path, int flags)
{
	int fd = open(path, flags, 0600);

	if (fd < 0)
		err(1, "%s", path);
	return fd;
}

static int command_by_name(const char *name)
{
	int i;

	for (i = 0; commands[i].name; i++)
		if (!strcmp(commands[i].name, name))
			return commands[i].value;
	errx(1, "unknown command %s", name);
}

/* 0, or the errno that the request failed with */
static int make_request(const char *line)
{
	char call[8], command[16];
	struct flock64 large;
	struct flock small;
	int file, pid, failed;
	long long start, length;
	short type;

	if (sscanf(line, "%7s %15s %d %hd %lld %lld %d", call, command, &file,
		   &type, &start, &length, &pid) != 7)
		errx(1, "not a request: %s", line);

	/* The two system calls take the same lock in different structures. */
	large = (struct flock64) { type, SEEK_SET, start, length, pid };
	small = (struct flock) { type, SEEK_SET, start, length, pid };
	if (!strcmp(call, "fcntl64"))
		failed = syscall(SYS_fcntl64, files[file],
				 command_by_name(command), &large);
	else
		failed = syscall(SYS_fcntl, files[file],
				 command_by_name(command), &small);
	return failed ? errno : 0;
}

int main(void)
{
	struct termios raw;
	struct utsname name;
	struct stat st;
	char text[4096];
	int events, switch_on, error;
	ssize_t n;

	/* Until the serial port is open, complaints go to the console. */
	if (mount("tracefs", "/mnt", "tracefs", 0, NULL))
		err(1, "tracefs");
	switch_on = must_open("/mnt/events/filelock/fcntl_setlk/enable", O_WRONLY);
	if (write(switch_on, "1", 1) != 1)
		err(1, "fcntl_setlk");
	events = must_open("/mnt/trace_pipe", O_RDONLY | O_NONBLOCK);

	files[0] = must_open("/file", O_RDWR | O_CREAT);
	files[1] = must_open("/file", O_RDWR);
	files[2] = must_open("/file", O_RDONLY);

	mknod("/dev/ttyS1", S_IFCHR | 0600, makedev(4, 65));
	if (!freopen("/dev/ttyS1", "r", stdin) ||
	    !freopen("/dev/ttyS1", "w", stdout))
		err(1, "/dev/ttyS1");
	tcgetattr(0, &raw);
	cfmakeraw(&raw);
	tcsetattr(0, TCSANOW, &raw);
	setvbuf(stdout, NULL, _IOLBF, 0);

	uname(&name);
	fstat(files[0], &st);
	printf("@septet up %s %s\n", name.release, name.machine);
	printf("ino=0x%lx\n", (unsigned long)st.st_ino);

	while (fgets(text, sizeof(text), stdin)) {
		error = make_request(text);
		while ((n = read(events, text, sizeof(text))) > 0)
			fwrite(text, 1, n, stdout);
		printf("errno %d\n", error);
	}
	return 1;
}
