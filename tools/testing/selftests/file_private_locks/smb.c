// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "helpers.h"
#include "smb.h"

#define DAEMON	"/usr/sbin/ksmbd.mountd"
#define CONTROL	"/sys/class/ksmbd-control"

static const char settings[] =
	"[global]\n"
	"bind interfaces only = yes\n"
	"interfaces = lo\n"
	"map to guest = bad user\n"
	"[share]\n"
	"path = %s/share\n"
	"read only = no\n"
	"guest ok = yes\n"
	"force user = root\n"
	"force group = root\n";

static const char *const parts[] = { "settings", "users", "log", "share/file" };
enum { SETTINGS, USERS, LOG, FILE_IN_SHARE };

static char root[32];
static pid_t server;
static int port;

static const char *part(int nr)
{
	static char paths[4][64];

	snprintf(paths[nr], sizeof(paths[nr]), "%s/%s", root, parts[nr]);
	return paths[nr];
}

static void write_file(const char *path, const char *text, int flags)
{
	int fd = open(path, O_WRONLY | flags, 0666);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		broken(path);
	close(fd);
}

/* A port that was free a moment ago. */
static int free_port(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) ||
	    getsockname(fd, (struct sockaddr *)&address, &size))
		broken("the loopback device");
	close(fd);
	return ntohs(address.sin_port);
}

static bool listens(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	bool yes = !connect(fd, (struct sockaddr *)&address, sizeof(address));

	close(fd);
	return yes;
}

/* It has done then whatever it does to listen. */
static bool runs(void)
{
	char state[64] = "";
	int fd = open(CONTROL "/stats", O_RDONLY);

	if (read(fd, state, sizeof(state) - 1) < 0)
		broken(CONTROL "/stats");
	close(fd);
	return strstr(state, "running");
}

static void run_daemon(void)
{
	int log = open(part(LOG), O_WRONLY | O_CREAT, 0600);
	char number[8];

	snprintf(number, sizeof(number), "%d", port);
	dup2(log, STDOUT_FILENO);
	dup2(log, STDERR_FILENO);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	execl(DAEMON, "ksmbd.mountd", "-n", "-p", number, "-c", part(SETTINGS), "-u", part(USERS),
	      NULL);
	_exit(127);
}

const char *smb_start(void)
{
	const char *tmp = getenv("TMPDIR");
	char text[sizeof(settings) + sizeof(root)], dir[48];
	bool running;

	if (access(DAEMON, X_OK))
		return DAEMON " is not installed (ksmbd-tools)";
	if (access(CONTROL, F_OK))
		return "kernel without the SMB server (SMB_SERVER), or not loaded";
	if (!access("/run/ksmbd.lock", F_OK))
		return "this machine is an SMB server already";
	snprintf(root, sizeof(root), "%s/smb.XXXXXX", tmp && strlen(tmp) < 16 ? tmp : "/tmp");
	if (!mkdtemp(root))
		broken(root);
	snprintf(dir, sizeof(dir), "%s/share", root);
	if (mkdir(dir, 0777))
		broken(dir);
	write_file(part(FILE_IN_SHARE), "", O_CREAT);
	snprintf(text, sizeof(text), settings, root);
	write_file(part(SETTINGS), text, O_CREAT);
	write_file(part(USERS), "", O_CREAT);

	port = free_port();
	server = fork();
	if (!server)
		run_daemon();
	for (;;) {
		running = runs();
		if (listens())
			return NULL;
		if (running)
			return "the SMB server does not listen (NETDEVICES)";
		if (waitpid(server, NULL, WNOHANG)) {
			server = 0;
			return "ksmbd.mountd ended";
		}
		pause_briefly();
	}
}

int smb_mount(const char *dir)
{
	char options[64];

	snprintf(options, sizeof(options), "ip=127.0.0.1,port=%d,vers=3.1.1,guest", port);
	return mount("//127.0.0.1/share", dir, "cifs", 0, options) ? -errno : 0;
}

void smb_stop(void)
{
	char dir[48];
	int i;

	if (server > 0) {
		write_file(CONTROL "/kill_server", "hard", 0);
		kill(server, SIGTERM);
		waitpid(server, NULL, 0);
	}
	if (!root[0])
		return;
	for (i = 0; i < 4; i++)
		unlink(part(i));
	snprintf(dir, sizeof(dir), "%s/share", root);
	rmdir(dir);
	rmdir(root);
}
