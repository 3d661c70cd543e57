/* SPDX-License-Identifier: GPL-2.0 */
/* A trace buffer of our own: nobody else's tracing is touched. */
#ifndef FILE_PRIVATE_LOCKS_TRACING_H
#define FILE_PRIVATE_LOCKS_TRACING_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <linux/types.h>

/* After places_make(), which gives it a place. It is removed when the program ends. */
void tracing_make(void);
/* NULL, or why there is none. */
const char *tracing_missing(void);
/* Empty the buffer, and record these events, "filelock/fcntl_setlk" or "lock_wait", of a file. */
void tracing_begin(int fd, const char *events);
/* Forget what has been recorded. */
void tracing_clear(void);
void tracing_end(const char *events);
/* Copy the first event that contains @word to @line. */
bool tracing_find(const char *word, char *line, size_t size);

/* One event of the system lock_wait. */
struct wait_event {
	char name[16];		/* "block" */
	pid_t task;		/* in whose context */
	pid_t pid, blocker_pid;
	__u64 owner, blocker_owner;
	__u64 wait_ns;
	char line[512];
};

#define MOST_EVENTS 4096

/* The events with that name, or all, about requests of that process, or of all. */
int wait_events(const char *name, pid_t pid, struct wait_event *events, int room);
/* Only how many. */
int wait_events_count(const char *name, pid_t pid);
/* How often that process had to wait behind what the other one asked for. */
int blocked_by(pid_t pid, pid_t blocker);
/* How often that process was woken by the other one. */
int woken_by(pid_t pid, pid_t task);

#endif /* FILE_PRIVATE_LOCKS_TRACING_H */
