// SPDX-License-Identifier: GPL-2.0
#include <sys/file.h>
#include <unistd.h>

#include "helpers.h"
#include "scene.h"

const int crowds[NR_CROWDS] = { 0, 40 };

void set(int fd, short type, off_t start, off_t len)
{
	if (lock_span(fd, F_SETLKP, type, start, len))
		broken("F_SETLKP");
}

int reopen(const char *path)
{
	int fd = open(path, O_RDWR);

	if (fd < 0)
		broken(path);
	return fd;
}

void crowd(int fd, int count)
{
	for (int i = 0; i < count; i++)
		if (lock_span(fd, F_SETLKP, F_RDLCK, CROWD_START + 2 * i, 1))
			broken("F_SETLKP");
}

struct flockp_enum no_crowd(void)
{
	struct flockp_enum how = listing(NULL, 0);

	how.len = CROWD_START;
	return how;
}

struct list list_one(int fd, __u32 flags)
{
	struct flockp_enum how = no_crowd();

	how.flags = flags;
	return list_all(fd, how, 256);
}

struct scene scene_make(const char *path)
{
	struct scene s;
	unsigned int i;

	for (i = 0; i < 8; i++)
		s.fds[i] = reopen(path);
	set(s.fds[0], F_RDLCK, 10, 10);
	set(s.fds[1], F_RDLCK, 10, 20);
	if (lock_span(s.fds[0], F_SETLK, F_RDLCK, 15, 1) ||
	    lock_span(s.fds[0], F_SETLK, F_WRLCK, 100, 1) ||
	    flock(s.fds[0], LOCK_SH) || flock(s.fds[1], LOCK_SH))
		broken("locks");
	s.r[0] = request(WAY_PRIVATE, s.fds[2], F_WRLCK, 10, 5);
	s.r[1] = request(WAY_TIMED, s.fds[3], F_WRLCK, 0, 12);
	s.r[2] = request(WAY_CLASSIC, s.fds[4], F_WRLCK, 10, 5);
	s.r[3] = request(WAY_CLASSIC, s.fds[4], F_RDLCK, 90, 20);
	s.r[4] = request(WAY_FLOCK, s.fds[6], F_WRLCK, 0, 0);
	s.r[5] = request(WAY_FLOCK, s.fds[7], F_WRLCK, 0, 0);
	for (i = 0; i < 6; i++)
		until_listed(s.fds[0], s.r[i].pid);
	return s;
}

void scene_end(struct scene *s)
{
	unsigned int i;

	for (i = 0; i < 6; i++)
		request_end(&s->r[i]);
	for (i = 0; i < 8; i++)
		close(s->fds[i]);
}
