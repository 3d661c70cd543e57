// SPDX-License-Identifier: GPL-2.0
/* fplock: locks as text. */
#include <inttypes.h>
#include <string.h>

#include "snapshot.h"

#define NS_PER_SEC 1000000000

const char *kind_name(const struct flockp_listed *is)
{
	return is->flags & FLOCKP_LIST_FLOCK ? "flock" :
	       is->flags & FLOCKP_LIST_CLASSIC ? "classic" : "private";
}

const char *type_name(int type)
{
	return type == F_WRLCK ? "write" : "read";
}

const char *age_text(char text[AGE_TEXT], uint64_t ns)
{
	static const struct {
		unsigned int seconds;
		const char *name;
	} units[] = { { 86400, "d" }, { 3600, "h" }, { 60, "min" }, { 1, "s" } };
	const uint64_t s = ns / NS_PER_SEC;
	size_t i = 0;

	if (s < 60) {
		snprintf(text, AGE_TEXT, "%.*f s", ns < 10000000 ? 4 : 2, ns / 1e9);
		return text;
	}
	while (s < units[i].seconds)
		i++;
	snprintf(text, AGE_TEXT, "%" PRIu64 " %s %" PRIu64 " %s", s / units[i].seconds,
		 units[i].name, s % units[i].seconds / units[i + 1].seconds, units[i + 1].name);
	return text;
}

static void print_process(FILE *to, pid_t pid, const char *name)
{
	fprintf(to, "process %d", pid);
	if (*name)
		fprintf(to, " (%s)", shown(name));
}

/* The cookie is that of no descriptor that was seen. */
static void print_nobody(FILE *to, const struct snapshot *s, const struct lock *lock)
{
	char name[COMMAND_NAME];

	if (!lock->is.owner || lock->is.pid < 0) {
		fputs("another host", to);
		return;
	}
	if (is_waiting(lock) && lock->is.pid > 0) {
		process_name(lock->is.pid, name);
		print_process(to, lock->is.pid, name);
		return;
	}
	fputs(s->partial ? "a process that may not be looked at" :
	      "no process here: its open file is in a socket, or mapped, or the kernel's", to);
	if (lock->is.pid > 0) {
		process_name(lock->is.pid, name);
		fputs(" (asked for by ", to);
		print_process(to, lock->is.pid, name);
		fputc(')', to);
	}
}

void print_holders(FILE *to, const struct snapshot *s, const struct lock *lock)
{
	if (!lock->nr_holders)
		print_nobody(to, s, lock);
	for (size_t i = 0; i < lock->nr_holders; i++) {
		const struct holder *h = &lock->holders[i];

		if (i)
			fputs(i + 1 < lock->nr_holders ? ", " : " and ", to);
		print_process(to, h->pid, h->name);
		for (size_t j = 0; j < h->nr_fds; j++)
			fprintf(to, "%s%d", j ? ", " : " fd ", h->fds[j]);
	}
}

void print_lock(FILE *to, const struct lock *lock, const struct file *file)
{
	char bytes[BYTES_TEXT];

	fprintf(to, "%s %s lock", kind_name(&lock->is), type_name(lock->is.type));
	if (!(lock->is.flags & FLOCKP_LIST_FLOCK))
		fprintf(to, " on %s", bytes_text(bytes, lock->is.start, lock->is.len));
	if (file)
		fprintf(to, " of %s", shown(file->name));
}

void print_doubt(const struct graph *g)
{
	if (g->threaded)
		printf("process %d has several threads, so that there may be no circle\n",
		       g->threaded);
}
