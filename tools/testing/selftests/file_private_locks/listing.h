/* SPDX-License-Identifier: GPL-2.0 */
/* F_ENUMLKP: what the kernel lists, as text, and who owns it. */
#ifndef FILE_PRIVATE_LOCKS_LISTING_H
#define FILE_PRIVATE_LOCKS_LISTING_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <linux/file_private_locks.h>

/* Does the kernel have F_ENUMLKP? */
bool listing_there(void);
/* As timed_missing() and need_timed() are for F_SETLKPT. */
const char *listing_missing(void);
void need_listing(void);
/* The same for FLKP_FAIR. */
bool fair_there(void);
const char *fair_missing(void);

/* A request for all locks, into an array of @count entries. */
struct flockp_enum listing(struct flockp_entry *entries, __u32 count);
/* F_ENUMLKP with a request in full: how many entries, or -errno. */
int listing_call(int fd, struct flockp_enum *how);

struct list {
	struct flockp_entry *entries;
	int count, room;
};

/*
 * All entries, @step at a time, as @how wants them; its array, count and cursor are set here. That
 * what lies behind the entries is not written to, and that the end is the end, is seen to.
 */
struct list list_all(int fd, struct flockp_enum how, int step);
/* One more call of it; false at the end. */
bool list_more(int fd, struct flockp_enum *how, int step, struct list *list);
void list_free(struct list *list);
/* The same lock? Not if it is as old. */
bool same_entry(const struct flockp_entry *a, const struct flockp_entry *b);
/* The first entry in which they differ, or -1. */
int list_difference(const struct list *a, const struct list *b);

#define LISTED_SIZE 2048

/*
 * An entry as held or waiting, private, classic or flock, type and range: "hpR0-9", "wfW0-EOF".
 * Followed by "t" if it is one task's, "+" if the file system has more, and "!" if a field has a
 * value that cannot be.
 */
const char *entry_text(const struct flockp_entry *entry, char text[64]);
/* All of them, with a space between. */
const char *list_text(const struct list *list, char text[LISTED_SIZE]);
/* What is listed with those flags. */
const char *listed(int fd, __u32 flags, char text[LISTED_SIZE]);
/* How many, with those flags. */
int listed_count(int fd, __u32 flags);

/* Is a request of that process listed as waiting? */
bool listed_waiting(int fd, pid_t pid);
/* Return when it is; the time limit is that of the test. */
void until_listed(int fd, pid_t pid);

/*
 * The two numbers behind "lock-owner:" in fdinfo: of the open file, and of the process. False if
 * there is no such line.
 */
bool owners_of(pid_t pid, int fd, __u64 owner[2]);
/* The first and the second one, of our descriptor. */
__u64 private_owner(int fd);
__u64 classic_owner(int fd);

#endif /* FILE_PRIVATE_LOCKS_LISTING_H */
