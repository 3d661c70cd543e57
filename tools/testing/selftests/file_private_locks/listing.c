// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../kselftest.h"
#include "helpers.h"
#include "listing.h"

#define OFFSET_MAX INT64_MAX
#define POISON 0xa5
/* Bytes behind the array that no call may touch. */
#define MARGIN 64
/* More entries than any test has. */
#define NO_END 2000000

static bool required(void)
{
	const char *require = getenv("SEPTET_REQUIRE");

	return require && *require;
}

bool listing_there(void)
{
	int fd = open("/", O_RDONLY), ret = listing_call(fd, NULL);

	close(fd);
	return ret == -EFAULT;
}

const char *listing_missing(void)
{
	if (required() || listing_there())
		return NULL;
	return "kernel without F_ENUMLKP (FILE_PRIVATE_LOCKS)";
}

void need_listing(void)
{
	if (listing_missing())
		ksft_exit_skip("%s\n", listing_missing());
}

bool fair_there(void)
{
	struct flockp_how how = timed_until(F_RDLCK, 0, 1, CLOCK_MONOTONIC, 0);
	int fd = open("/", O_RDONLY), ret;

	how.flags |= FLKP_FAIR;
	ret = timed_call(fd, &how);
	close(fd);
	return ret != -EINVAL;
}

const char *fair_missing(void)
{
	if (required() || fair_there())
		return NULL;
	return "kernel without FLKP_FAIR (FILE_PRIVATE_LOCKS)";
}

struct flockp_enum listing(struct flockp_entry *entries, __u32 count)
{
	struct flockp_enum how = {
		.size = sizeof(how),
		.entries = (uintptr_t)entries,
		.count = count,
		.entry_size = sizeof(*entries),
	};

	return how;
}

int listing_call(int fd, struct flockp_enum *how)
{
	int ret = fcntl(fd, F_ENUMLKP, how);

	return ret < 0 ? -errno : ret;
}

static void wrong(const char *what)
{
	errno = EPROTO;
	broken(what);
}

bool list_more(int fd, struct flockp_enum *how, int step, struct list *list)
{
	size_t size = step * sizeof(*list->entries), i;
	unsigned char *bytes;
	int ret;

	if (list->count + step + MARGIN > list->room) {
		list->room = 2 * list->room + step + MARGIN;
		list->entries = realloc(list->entries, list->room * sizeof(*list->entries));
		if (!list->entries)
			broken("memory");
	}
	bytes = (void *)(list->entries + list->count);
	memset(bytes, POISON, size + MARGIN);
	how->entries = (uintptr_t)bytes;
	how->count = step;
	how->entry_size = sizeof(*list->entries);
	ret = listing_call(fd, how);
	if (ret < 0) {
		errno = -ret;
		broken("F_ENUMLKP");
	}
	if (ret > step)
		wrong("F_ENUMLKP: more entries than there is room for");
	for (i = ret * sizeof(*list->entries); i < size + MARGIN; i++)
		if (bytes[i] != POISON)
			wrong("F_ENUMLKP writes behind what it says it has written");
	list->count += ret;
	if (list->count > NO_END)
		wrong("F_ENUMLKP comes to no end");
	return ret;
}

struct list list_all(int fd, struct flockp_enum how, int step)
{
	struct list list = {};

	memset(how.cursor, 0, sizeof(how.cursor));
	while (list_more(fd, &how, step, &list))
		;
	if (list_more(fd, &how, step, &list))
		wrong("F_ENUMLKP goes on after the end");
	return list;
}

void list_free(struct list *list)
{
	free(list->entries);
	*list = (struct list) {};
}

bool same_entry(const struct flockp_entry *a, const struct flockp_entry *b)
{
	return a->owner == b->owner && a->start == b->start && a->len == b->len &&
	       a->type == b->type && a->flags == b->flags && a->pid == b->pid;
}

int list_difference(const struct list *a, const struct list *b)
{
	int i;

	for (i = 0; i < a->count && i < b->count; i++)
		if (!same_entry(&a->entries[i], &b->entries[i]))
			return i;
	return a->count == b->count ? -1 : i;
}

static char letter(__u32 *flags, const __u32 *values, const char *letters)
{
	char found = '?';

	for (; *letters; letters++, values++)
		if (*flags & *values) {
			found = found == '?' ? *letters : '!';
			*flags &= ~*values;
		}
	return found;
}

const char *entry_text(const struct flockp_entry *entry, char text[64])
{
	static const __u32 states[] = { FLKP_HELD, FLKP_WAITING };
	static const __u32 kinds[] = { FLKP_PRIVATE, FLKP_CLASSIC, FLKP_FLOCK };
	long long last = entry->start + entry->len - 1;
	__u32 flags = entry->flags;
	char state = letter(&flags, states, "hw"), kind = letter(&flags, kinds, "pcf");
	char type = entry->type == F_RDLCK ? 'R' : entry->type == F_WRLCK ? 'W' : '?';
	char end[32] = "EOF";
	__u32 known = FLKP_LOCAL_ONLY | FLKP_ONE_TASK;
	bool odd = (flags & ~known) || entry->resv || !entry->owner || entry->len < 0 ||
		   entry->start < 0 || (entry->len && last == OFFSET_MAX);

	if (entry->len)
		snprintf(end, sizeof(end), "%lld", last);
	snprintf(text, 64, "%c%c%c%lld-%s%s%s%s", state, kind, type, (long long)entry->start, end,
		 flags & FLKP_ONE_TASK ? "t" : "", flags & FLKP_LOCAL_ONLY ? "+" : "",
		 odd ? "!" : "");
	return text;
}

const char *list_text(const struct list *list, char text[LISTED_SIZE])
{
	size_t used = 0;
	char one[64];
	int i;

	text[0] = 0;
	for (i = 0; i < list->count; i++) {
		used += snprintf(text + used, LISTED_SIZE - used, "%s%s", i ? " " : "",
				 entry_text(&list->entries[i], one));
		if (used >= LISTED_SIZE)
			wrong("more entries than the buffer holds");
	}
	return text;
}

const char *listed(int fd, __u32 flags, char text[LISTED_SIZE])
{
	struct flockp_enum how = listing(NULL, 0);
	struct list list;

	how.flags = flags;
	list = list_all(fd, how, 256);
	list_text(&list, text);
	list_free(&list);
	return text;
}

int listed_count(int fd, __u32 flags)
{
	struct flockp_enum how = listing(NULL, 0);
	struct list list;
	int count;

	how.flags = flags;
	list = list_all(fd, how, 256);
	count = list.count;
	list_free(&list);
	return count;
}

bool listed_waiting(int fd, pid_t pid)
{
	struct flockp_enum how = listing(NULL, 0);
	bool found = false;
	struct list list;
	int i;

	how.flags = FLKP_WAITING;
	list = list_all(fd, how, 256);
	for (i = 0; i < list.count; i++)
		found |= list.entries[i].pid == pid;
	list_free(&list);
	return found;
}

void until_listed(int fd, pid_t pid)
{
	while (!listed_waiting(fd, pid))
		pause_briefly();
}

bool owners_of(pid_t pid, int fd, __u64 owner[2])
{
	unsigned long long first = 0, second = 0;
	char path[64], line[256];
	int found = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", pid, fd);
	f = fopen(path, "r");
	if (!f)
		broken(path);
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, "lock-owner:", 11)) {
			char again[256];

			if (sscanf(line, "lock-owner:\t%llx %llx\n", &first, &second) != 2)
				wrong("the line lock-owner: in fdinfo");
			/* As many digits as documented, and nothing else. */
			snprintf(again, sizeof(again), "lock-owner:\t%016llx %016llx\n", first,
				 second);
			if (strcmp(line, again) || found++)
				wrong("the line lock-owner: in fdinfo");
		}
	fclose(f);
	owner[0] = first;
	owner[1] = second;
	return found;
}

static __u64 owner_of(int fd, int which)
{
	__u64 owner[2];

	if (!owners_of(getpid(), fd, owner))
		wrong("no line lock-owner: in fdinfo");
	return owner[which];
}

__u64 private_owner(int fd)
{
	return owner_of(fd, 0);
}

__u64 classic_owner(int fd)
{
	return owner_of(fd, 1);
}
