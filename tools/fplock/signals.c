// SPDX-License-Identifier: GPL-2.0
/* fplock: signals are passed on to the command. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "fplock.h"

static sigset_t set, before;
static void (*child_before)(int);

void signals_hold(void)
{
	static const int passed_on[] = {
		SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGCHLD,
	};

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(passed_on); i++)
		sigaddset(&set, passed_on[i]);
	/* Where it is ignored, children vanish without a status. */
	child_before = signal(SIGCHLD, SIG_DFL);
	sigprocmask(SIG_BLOCK, &set, &before);
}

void signals_restore(void)
{
	signal(SIGCHLD, child_before);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

int signals_child(pid_t child)
{
	siginfo_t info;
	int status;

	while (waitpid(child, &status, WNOHANG) != child)
		/* A terminal gives its own to the command, too. */
		if (sigwaitinfo(&set, &info) > 0 && info.si_signo != SIGCHLD &&
		    info.si_code != SI_KERNEL)
			kill(child, info.si_signo);
	return status;
}

void signals_die(int signo)
{
	const struct rlimit none = { 0 };

	/* The command has left one if anybody wants it. */
	setrlimit(RLIMIT_CORE, &none);
	signal(signo, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, signo);
	raise(signo);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}
