/* SPDX-License-Identifier: GPL-2.0 */
/* A process that makes one request for a lock, of any kind, and keeps what it got. */
#ifndef FILE_PRIVATE_LOCKS_REQUESTER_H
#define FILE_PRIVATE_LOCKS_REQUESTER_H

#include <stdbool.h>
#include <sys/types.h>
#include <linux/file_private_locks.h>

/* How the lock is asked for. */
enum way {
	WAY_PRIVATE,		/* F_SETLKPW */
	WAY_TIMED,		/* F_SETLKPT */
	WAY_CLASSIC,		/* F_SETLKW */
	WAY_FLOCK,		/* flock() */
	NR_WAYS
};

extern const char * const way_names[NR_WAYS];

struct requester {
	pid_t pid;
	int *result;		/* in memory that it shares with us */
};

/* It asks through a descriptor of ours, and handles SIGUSR1. flock() takes no range. */
struct requester request(enum way way, int fd, short type, off_t start, off_t len);
/* With F_SETLKPT, just as it says. */
struct requester request_timed(int fd, const struct flockp_how *how);
/* Has the call returned? */
bool request_done(const struct requester *r);
/* When it has returned: 0 or -errno. */
int request_result(const struct requester *r);
/* Interrupt the call. */
void request_signal(const struct requester *r);
/* Kill it, and wait for its end. */
void request_end(struct requester *r);

#endif /* FILE_PRIVATE_LOCKS_REQUESTER_H */
