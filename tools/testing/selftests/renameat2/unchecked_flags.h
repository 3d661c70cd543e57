/* SPDX-License-Identifier: GPL-2.0 */
/* System calls with a word of flags, and what each makes of a bit that it does not know. */
#ifndef UNCHECKED_FLAGS_H
#define UNCHECKED_FLAGS_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

/* Descriptors and names that each call finds; see unchecked_flags.c. */
enum {
	FD_FILE = 100,		/* "file", one page */
	FD_OTHER,		/* a file without a name */
	FD_DIR,			/* the working directory, opened with O_PATH */
	FD_READ, FD_WRITE,	/* a pipe with four bytes in it */
	FD_FROM, FD_TO,		/* an empty pipe */
	FD_SOCKET, FD_PEER,	/* a pair of datagram sockets; FD_SOCKET has something to read */
	FD_LISTEN,		/* a socket without clients that does not block */
	FD_SELF,		/* pidfd of the process */
	FD_EPOLL, FD_INOTIFY, FD_TIMER,
};

struct call {
	const char *name;		/* of the system call */
	const char *word;		/* of the argument or member */
	unsigned long long bit;		/* nobody has given it a meaning */
	int answer;			/* to the bit: an errno, or ACCEPTED */
	int without;			/* what the call answers without the bit, 0: success */
	/* Of RENAMEAT2_FLAGS: skipped without it, and the answer must be exact. */
	bool ours;

	long nr;
	unsigned long args[6];
	int arg;			/* the word is this one, unless there is a ... */
	void *member;
	size_t size;			/* of the member */
	/* Makes what else the call needs, in the process that makes it. */
	void (*prepare)(struct call *call);
};

#define ACCEPTED	0

#define MEMBER(m)	.member = &(m), .size = sizeof(m)
#define PTR(p)		((unsigned long)(p))

/* Each ends with an empty one. */
extern struct call file_calls[], mount_calls[], memory_calls[];
extern struct call ipc_calls[], process_calls[], time_calls[];

/* The result of a call that has to succeed, or the end of the process. */
long must(const char *what, long result);

#endif /* UNCHECKED_FLAGS_H */
