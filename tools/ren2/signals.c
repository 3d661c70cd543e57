// SPDX-License-Identifier: GPL-2.0
/* ren2: signals that end a program wait until it has cleaned up. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ren2.h"

static sigset_t before;
static int fd = -1;
static int came;		/* the first signal that ends us */
static void (*pipe_before)(int);

void signals_hold(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	sigaddset(&set, SIGCHLD);
	/* A message that nobody reads is no reason to leave something behind. */
	pipe_before = signal(SIGPIPE, SIG_IGN);
	/* Where it is ignored, children vanish without a status. */
	signal(SIGCHLD, SIG_DFL);
	sigprocmask(SIG_BLOCK, &set, &before);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* The next signal, or 0. */
static int next(void)
{
	struct signalfd_siginfo info;

	return read(fd, &info, sizeof(info)) == sizeof(info) ? (int)info.ssi_signo : 0;
}

/* Signals that end us; children of others, whom we inherited, may end. */
static bool ended(void)
{
	int signo;

	while (!came && (signo = next()))
		if (signo != SIGCHLD)
			came = signo;
	return came;
}

/* Until there is something to read, a signal comes, or the time is over. */
static bool wait_for(int other, int ms)
{
	struct pollfd fds[2] = { { fd, POLLIN, 0 }, { other, POLLIN, 0 } };
	int n;

	do {
		if (ended())
			return false;
		n = poll(fds, 2, ms);
	} while ((n < 0 && errno == EINTR) || (n > 0 && !fds[1].revents));
	return !ended();
}

bool signals_readable(int other)
{
	return wait_for(other, -1);
}

bool signals_pause(int ms)
{
	return wait_for(-1, ms);
}

bool signals_child(pid_t child, int *status)
{
	struct pollfd p = { fd, POLLIN, 0 };
	int typed = 0, signo;
	bool over = false, seen = true;

	while (!over) {
		/* Whatever was seen may have been about the end. */
		if (!seen)
			poll(&p, 1, -1);
		seen = false;
		over = waitpid(child, status, WNOHANG) == child;
		/* All that came before its end, so that none of it counts afterwards. */
		while ((signo = next())) {
			seen = true;
			/* A terminal gives these to the child, too; they are its affair. */
			if (signo == SIGINT || signo == SIGQUIT)
				typed = signo;
			else if (signo != SIGCHLD && !came)
				came = signo;
		}
		if (came && !over)
			kill(child, came);
		if (came)
			return false;
	}
	if (typed && WIFSIGNALED(*status) && WTERMSIG(*status) == typed)
		came = typed;
	return !came;
}

void signals_restore(void)
{
	signal(SIGPIPE, pipe_before);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

void signals_end(void)
{
	if (fd < 0 || !ended())
		return;
	signal(came, SIG_DFL);
	raise(came);
	signals_restore();
}
