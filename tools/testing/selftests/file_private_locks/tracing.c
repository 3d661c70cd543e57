// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "helpers.h"
#include "tracing.h"

static char instance[160];

static void put(const char *name, const char *text)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", instance, name);
	fd = open(path, O_WRONLY | O_TRUNC);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		broken(path);
	close(fd);
}

static FILE *open_trace(void)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/trace", instance);
	f = fopen(path, "r");
	if (!f)
		broken(path);
	return f;
}

static void remove_instance(void)
{
	rmdir(instance);
}

void tracing_make(void)
{
	char own[96];

	snprintf(own, sizeof(own), "%s/../trace", place_dir(PLACE_TMPFS));
	if (mkdir(own, 0700) || mount("tracefs", own, "tracefs", 0, NULL))
		return;
	snprintf(instance, sizeof(instance), "%s/instances/flockp.%d", own, getpid());
	if (mkdir(instance, 0700))
		instance[0] = 0;
	else
		atexit(remove_instance);
}

const char *tracing_missing(void)
{
	return instance[0] ? NULL :
	       "kernel without tracefs (FTRACE and ENABLE_DEFAULT_TRACERS)";
}

void tracing_clear(void)
{
	put("trace", "");
}

void tracing_begin(int fd, const char *events)
{
	const char *field = strncmp(events, "filelock/", 9) ? "ino" : "i_ino";
	char path[128], filter[64];
	struct stat st;

	if (fstat(fd, &st))
		broken("fstat");
	snprintf(filter, sizeof(filter), "%s == %llu", field, (unsigned long long)st.st_ino);
	snprintf(path, sizeof(path), "events/%s/filter", events);
	put(path, filter);
	tracing_clear();
	snprintf(path, sizeof(path), "events/%s/enable", events);
	put(path, "1");
}

void tracing_end(const char *events)
{
	char path[128];

	snprintf(path, sizeof(path), "events/%s/enable", events);
	put(path, "0");
}

bool tracing_find(const char *word, char *line, size_t size)
{
	bool found = false;
	FILE *f = open_trace();

	while (!found && fgets(line, size, f))
		found = line[0] != '#' && strstr(line, word);
	fclose(f);
	return found;
}

/* What stands behind a word of its own. */
static const char *behind(const char *line, const char *word)
{
	size_t len = strlen(word);
	const char *at = line;

	while ((at = strstr(at, word))) {
		if (at[-1] == ' ' && at[len] == ' ')
			return at + len + 1;
		at += len;
	}
	errno = ENOMSG;
	broken(line);
}

static bool parse(const char *line, struct wait_event *e)
{
	const char *name = strstr(line, ": lock_wait_"), *cpu = strstr(line, " [");
	int i;

	if (line[0] == '#' || !name || !cpu)
		return false;
	memset(e, 0, sizeof(*e));
	snprintf(e->line, sizeof(e->line), "%s", line);
	name += strlen(": lock_wait_");
	for (i = 0; i < (int)sizeof(e->name) - 1 && name[i] != ':'; i++)
		e->name[i] = name[i];
	while (cpu > line && *cpu != '-')
		cpu--;
	e->task = atoi(cpu + 1);
	e->pid = atoi(behind(name, "pid"));
	e->owner = strtoull(behind(name, "owner"), NULL, 16);
	e->wait_ns = strtoull(behind(name, "wait_ns"), NULL, 10);
	if (!strcmp(e->name, "block")) {
		e->blocker_pid = atoi(behind(name, "blocker_pid"));
		e->blocker_owner = strtoull(behind(name, "blocker_owner"), NULL, 16);
	}
	return true;
}

int wait_events(const char *name, pid_t pid, struct wait_event *events, int room)
{
	FILE *f = open_trace();
	struct wait_event e;
	char line[512];
	int count = 0;

	while (fgets(line, sizeof(line), f)) {
		if (!parse(line, &e) || (name && strcmp(name, e.name)) || (pid && pid != e.pid))
			continue;
		if (count < room)
			events[count] = e;
		count++;
	}
	fclose(f);
	return count;
}

int wait_events_count(const char *name, pid_t pid)
{
	return wait_events(name, pid, NULL, 0);
}

static int filtered(const char *name, pid_t pid, pid_t blocker, pid_t task)
{
	struct wait_event *events = calloc(MOST_EVENTS, sizeof(*events));
	int i, found = 0, count;

	if (!events)
		broken("memory");
	count = wait_events(name, pid, events, MOST_EVENTS);
	for (i = 0; i < count && i < MOST_EVENTS; i++)
		found += (!blocker || blocker == events[i].blocker_pid) &&
			 (!task || task == events[i].task);
	free(events);
	return found;
}

int blocked_by(pid_t pid, pid_t blocker)
{
	return filtered("block", pid, blocker, 0);
}

int woken_by(pid_t pid, pid_t task)
{
	return filtered("wake", pid, 0, task);
}
