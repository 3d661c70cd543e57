/* SPDX-License-Identifier: GPL-2.0 */
/* Locks on a file that tests of F_ENUMLKP and FLKP_FAIR begin with. */
#ifndef FILE_PRIVATE_LOCKS_SCENE_H
#define FILE_PRIVATE_LOCKS_SCENE_H

#include <sys/types.h>

#include "listing.h"
#include "requester.h"

/* F_SETLKP that has to succeed, and one more open file. */
void set(int fd, short type, off_t start, off_t len);
int reopen(const char *path);

/*
 * Locks that are none of the tests' business: so many that the kernel keeps them, and all others,
 * in another way. They are far behind.
 */
#define CROWD_START 0x10000000000LL
#define NR_CROWDS 2
extern const int crowds[NR_CROWDS];

void crowd(int fd, int count);
/* A request for all but these, and what it lists, with those flags. */
struct flockp_enum no_crowd(void);
struct list list_one(int fd, __u32 flags);

/* Two private locks, two classic ones and two of flock(), and two requests of each that wait. */
struct scene {
	struct requester r[6];
	int fds[8];
};

#define SCENE_SIZE 12

struct scene scene_make(const char *path);
void scene_end(struct scene *s);

#endif /* FILE_PRIVATE_LOCKS_SCENE_H */
