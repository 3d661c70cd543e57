// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "helpers.h"
#include "smb_relay.h"
#include "smb_server.h"

#define DAEMON	"/usr/sbin/ksmbd.mountd"
#define CONTROL	"/sys/class/ksmbd-control"

static const char config[] =
	"[global]\n"
	"bind interfaces only = yes\n"
	"interfaces = lo\n"
	"map to guest = bad user\n"
	"[" SMB_SHARE "]\n"
	"path = %s\n"
	"read only = no\n"
	"guest ok = yes\n"
	"force user = root\n"
	"force group = root\n";

enum { CONFIG, USERS, LOG, FILES };
static char files[FILES][64];
static pid_t daemon_pid;

static void run_daemon(int port)
{
	int log = open(files[LOG], O_WRONLY | O_CREAT | O_TRUNC, 0600);
	char number[8];

	snprintf(number, sizeof(number), "%d", port);
	dup2(log, STDOUT_FILENO);
	dup2(log, STDERR_FILENO);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	execl(DAEMON, "ksmbd.mountd", "-n", "-p", number, "-c", files[CONFIG], "-u", files[USERS],
	      NULL);
	_exit(127);
}

/* It has done then whatever it does to listen. */
static bool server_runs(void)
{
	char state[64] = "";
	int fd = open(CONTROL "/stats", O_RDONLY);

	if (read(fd, state, sizeof(state) - 1) < 0)
		broken(CONTROL "/stats");
	close(fd);
	return strstr(state, "running");
}

const char *smb_server_start(const char *dir, const char *work, int *port)
{
	char text[sizeof(config) + 128];
	bool runs;
	int i, fd;

	if (access(DAEMON, X_OK))
		return DAEMON " is not installed (ksmbd-tools)";
	if (access(CONTROL, F_OK))
		return "kernel without the SMB server (SMB_SERVER), or not loaded";
	if (exists("/run/ksmbd.lock"))
		return "this machine is an SMB server already";
	for (i = 0; i < FILES; i++)
		snprintf(files[i], sizeof(files[i]), "%s/ksmbd.%d", work, i);
	snprintf(text, sizeof(text), config, dir);
	make_file(files[CONFIG], text);
	make_file(files[USERS], "");

	/* A port that was free a moment ago. */
	*port = 0;
	fd = smb_socket(port);
	if (fd < 0)
		broken("the loopback device");
	close(fd);

	daemon_pid = fork();
	if (!daemon_pid)
		run_daemon(*port);
	for (;;) {
		runs = server_runs();
		fd = smb_socket(port);
		if (fd >= 0)
			break;
		if (runs)
			return "the SMB server does not listen (NETDEVICES)";
		if (waitpid(daemon_pid, NULL, WNOHANG)) {
			daemon_pid = 0;
			return "ksmbd.mountd ended";
		}
		usleep(1000);
	}
	close(fd);
	return NULL;
}

void smb_server_stop(void)
{
	int i;

	if (daemon_pid) {
		put(CONTROL "/kill_server", "hard");
		kill(daemon_pid, SIGTERM);
		waitpid(daemon_pid, NULL, 0);
	}
	for (i = 0; i < FILES; i++)
		unlink(files[i]);
}
