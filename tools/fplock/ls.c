// SPDX-License-Identifier: GPL-2.0
/* fplock ls: the locks on files, or those of a process. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "snapshot.h"

static const struct argp_option option_list[] = {
	{ "pid", 'p', "PID", 0, "what this process has or waits for, on all files it has open" },
	{ 0 }
};

struct request {
	struct options o;
	struct snapshot s;
	int pid;
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct request *r = state->input;

	switch (key) {
	case 'p':
		if (!parse_number(arg, INT_MAX, &r->pid) || !r->pid)
			argp_error(state, "--pid: '%s' is no process number", shown(arg));
		return 0;
	case ARGP_KEY_ARG:
		snapshot_add(&r->s, arg);
		return 0;
	case ARGP_KEY_END:
		if (!r->pid && !r->s.nr_files)
			argp_error(state, "wanted FILE or --pid");
		if (r->pid && r->s.nr_files)
			argp_error(state, "--pid and FILE cannot stand beside each other");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = option_list,
	.parser = parse_option,
	.args_doc = "FILE...\n--pid PID",
	.doc = "List the locks on FILEs and the requests that wait for one, each with all\n"
	       "processes that have it and through which descriptors. With --pid, those that a\n"
	       "process has or waits for.\n"
	       "\vPrivate locks belong to an open file, and so to everybody who has a descriptor\n"
	       "of it; classic ones to a process; flock ones are those of flock(2). Descriptors\n"
	       "of other users' processes are seen by root only.\n"
	       "\n"
	       "The status is 0, also if there are no locks; 66 if a file cannot be opened or\n"
	       "there is no such process; 69 if the kernel does not list locks.\n"
	       "\n"
	       "Examples:\n"
	       "  fplock ls job.lock\n"
	       "  fplock ls --range 0:4K --json data\n"
	       "  fplock ls --pid $$\n",
};

/* ---- a table ---- */

enum { COLUMNS = 7 };

struct row {
	char *cells[COLUMNS];
};

static FILE *begin(char **text)
{
	static size_t size;
	FILE *f = open_memstream(text, &size);

	if (!f)
		exit(say(EXIT_OTHER, "memory", "%s", strerror(errno)));
	return f;
}

/* As --range takes it, but for what it would not. */
static void print_range(FILE *to, const struct flockp_listed *is)
{
	if (is->len)
		fprintf(to, "%" PRId64 ":%" PRId64, is->start, is->len);
	else if (is->start)
		fprintf(to, "%" PRId64 ":end", is->start);
	else
		fputs("all", to);
}

static void fill_row(struct row *row, const struct snapshot *s, const struct lock *lock)
{
	char age[AGE_TEXT];

	for (int i = 0; i < COLUMNS; i++) {
		FILE *f = begin(&row->cells[i]);

		switch (i) {
		case 0:
			fputs(shown(s->files[lock->file].name), f);
			break;
		case 1:
			fputs(is_waiting(lock) ? "waiting" : "held", f);
			break;
		case 2:
			fputs(kind_name(&lock->is), f);
			break;
		case 3:
			fputs(type_name(lock->is.type), f);
			break;
		case 4:
			print_range(f, &lock->is);
			break;
		case 5:
			fputs(age_text(age, lock->is.age_ns), f);
			break;
		case 6:
			print_holders(f, s, lock);
			break;
		}
		fclose(f);
	}
}

static void print_row(const struct row *row, const int width[COLUMNS])
{
	for (int i = 0; i < COLUMNS - 1; i++)
		printf("%-*s  ", width[i], row->cells[i]);
	puts(row->cells[COLUMNS - 1]);
}

static void print_table(const struct snapshot *s)
{
	static const struct row head = {
		{ "FILE", "STATE", "KIND", "TYPE", "RANGE", "AGE", "PROCESSES" },
	};
	struct row *rows = fresh(s->nr_locks, sizeof(*rows));
	int width[COLUMNS];

	for (int i = 0; i < COLUMNS; i++)
		width[i] = strlen(head.cells[i]);
	for (size_t r = 0; r < s->nr_locks; r++) {
		fill_row(&rows[r], s, &s->locks[r]);
		for (int i = 0; i < COLUMNS; i++)
			if ((int)strlen(rows[r].cells[i]) > width[i])
				width[i] = strlen(rows[r].cells[i]);
	}
	print_row(&head, width);
	for (size_t r = 0; r < s->nr_locks; r++) {
		print_row(&rows[r], width);
		for (int i = 0; i < COLUMNS; i++)
			free(rows[r].cells[i]);
	}
	free(rows);
}

static void print_json(const struct snapshot *s)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "all_seen", json_object_new_boolean(!s->partial));
	json_object_object_add(o, "locks", json_locks(s, NULL));
	print_json_object(o);
}

/* ---- what is listed ---- */

static bool concerns(const struct lock *lock, pid_t pid)
{
	return find_holder(lock, pid) || (is_waiting(lock) && lock->is.pid == pid);
}

static void keep_process(struct snapshot *s, pid_t pid)
{
	size_t kept = 0;

	/* They change places, so that all are freed in the end. */
	for (size_t i = 0; i < s->nr_locks; i++) {
		struct lock lock = s->locks[i];

		if (!concerns(&lock, pid))
			continue;
		s->locks[i] = s->locks[kept];
		s->locks[kept++] = lock;
	}
	snapshot_shorten(s, kept);
}

/* An exit code. */
static int add_process(struct snapshot *s, pid_t pid)
{
	int ret = snapshot_add_process(s, pid);
	char name[32];

	snprintf(name, sizeof(name), "process %d", pid);
	if (ret == -ENOENT || ret == -ESRCH)
		return say(EXIT_FILE, name, "there is none");
	return ret ? say(EXIT_FILE, name, "its descriptors cannot be seen: %s", strerror(-ret)) :
		     EXIT_DONE;
}

static int list(struct request *r)
{
	int code = snapshot_check_kernel() ?: r->pid ? add_process(&r->s, r->pid) : EXIT_DONE;

	/* If some file cannot be opened, the others are listed. */
	code = code ?: snapshot_take(&r->s, &r->o.range);
	if (code && code != EXIT_FILE)
		return code;
	if (r->pid)
		keep_process(&r->s, r->pid);
	if (r->o.json)
		print_json(&r->s);
	else if (r->s.nr_locks)
		print_table(&r->s);
	else if (!code)
		puts("no locks");
	snapshot_tell_limits(&r->s);
	return code;
}

int ls(int argc, char **argv)
{
	struct request r = { { RANGE | JSON } };
	int code;

	parse_options(&argp, argc, argv, &r.o);
	code = list(&r);
	snapshot_free(&r.s);
	return code;
}
