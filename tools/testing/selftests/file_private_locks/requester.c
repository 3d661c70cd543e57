// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "helpers.h"
#include "requester.h"

#define PENDING INT_MAX

const char * const way_names[NR_WAYS] = { "F_SETLKPW", "F_SETLKPT", "F_SETLKW", "flock()" };

static void ignore(int sig)
{
	(void)sig;
}

static int call(enum way way, int fd, const struct flockp_how *how)
{
	switch (way) {
	case WAY_PRIVATE:
		return lock_span(fd, F_SETLKPW, how->type, how->start, how->len);
	case WAY_TIMED:
		return timed_call(fd, how);
	case WAY_CLASSIC:
		return lock_span(fd, F_SETLKW, how->type, how->start, how->len);
	default:
		return flock(fd, how->type == F_RDLCK ? LOCK_SH : LOCK_EX) ? -errno : 0;
	}
}

static struct requester start(enum way way, int fd, const struct flockp_how *how)
{
	struct sigaction sa = { .sa_handler = ignore };
	struct requester r;

	r.result = mmap(NULL, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	if (r.result == MAP_FAILED)
		broken("memory");
	*r.result = PENDING;
	r.pid = fork();
	if (r.pid < 0)
		broken("fork");
	if (!r.pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		sigaction(SIGUSR1, &sa, NULL);
		__atomic_store_n(r.result, call(way, fd, how), __ATOMIC_RELEASE);
		for (;;)
			pause();
	}
	return r;
}

struct requester request(enum way way, int fd, short type, off_t from, off_t len)
{
	struct flockp_how how = timed_span(type, from, len);

	return start(way, fd, &how);
}

struct requester request_timed(int fd, const struct flockp_how *how)
{
	return start(WAY_TIMED, fd, how);
}

bool request_done(const struct requester *r)
{
	return __atomic_load_n(r->result, __ATOMIC_ACQUIRE) != PENDING;
}

int request_result(const struct requester *r)
{
	while (!request_done(r))
		pause_briefly();
	return *r->result;
}

void request_signal(const struct requester *r)
{
	if (kill(r->pid, SIGUSR1))
		broken("signal");
}

void request_end(struct requester *r)
{
	kill(r->pid, SIGKILL);
	if (waitpid(r->pid, NULL, 0) != r->pid)
		broken("waitpid");
	munmap(r->result, sizeof(int));
}
