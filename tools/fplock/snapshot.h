/* SPDX-License-Identifier: GPL-2.0 */
/* The locks on some files at a time, who has them, and who waits for whom. */
#ifndef SNAPSHOT_H
#define SNAPSHOT_H

#include <json-c/json.h>
#include <stdio.h>

#include "fplock.h"

/* ---- proc.c: what /proc says ---- */

/* Of a file on which a lock was set some time; the cookies of its locks. */
struct owners {
	uint64_t ino;
	uint64_t open_file;		/* of private locks and those of flock(2) */
	uint64_t process;		/* of classic locks */
};

/* A line of /proc/PID/fdinfo/FD; whether it is the one with the cookies. */
bool parse_fdinfo(const char *line, struct owners *owners);

/* A line of /proc/locks; whether somebody waits, and the number of the file. */
bool parse_waited(const char *line, uint64_t *ino);

/* false if no lock was ever set on what is open there. */
bool proc_owners(pid_t pid, int fd, struct owners *owners);

/* Whether the process has more than one thread. */
bool proc_has_threads(pid_t pid);

/* What the descriptor is open on. @folder: /proc/PID/fd */
typedef void see_fn(void *arg, pid_t pid, int fd, int folder);

/* Each descriptor of a process; 0 or a negative errno. */
int proc_each_descriptor(pid_t pid, see_fn *see, void *arg);

/* Those of all processes; whether all could be looked at. */
bool proc_each(see_fn *see, void *arg);

/* The files on which locks are waited for; the array is to be freed. 0 or a negative errno. */
int proc_waited(uint64_t **inos, size_t *count);

/* ---- snapshot.c ---- */

struct file {
	char *name;
	char *path;			/* to open it */
	uint64_t dev, ino;
	bool failed;			/* it was said why */
};

/* A process that has a lock or waits for one. */
struct holder {
	pid_t pid;
	char name[COMMAND_NAME];
	bool threaded;			/* one thread may wait while another one goes on */
	int *fds;			/* through these descriptors */
	size_t nr_fds;
};

struct lock {
	size_t file;
	struct flockp_listed is;
	struct holder *holders;		/* by pid */
	size_t nr_holders;
};

/* A descriptor of one of the files. */
struct descriptor {
	size_t file;
	pid_t pid;
	int fd;
	struct owners owners;
	char name[COMMAND_NAME];	/* of the process */
	bool threaded;
};

struct snapshot {
	struct file *files;
	size_t nr_files;
	struct lock *locks;		/* file by file */
	size_t nr_locks;
	struct descriptor *descriptors;
	size_t nr_descriptors;
	bool partial;			/* some processes could not be looked at */
	bool local_only;		/* a filesystem has more locks elsewhere */
};

/* A file by its name, or that of a descriptor; one that is there already is left out. */
void snapshot_add(struct snapshot *s, const char *path);
void snapshot_add_descriptor(struct snapshot *s, pid_t pid, int fd, int folder);

/* All on which a process has a lock, perhaps. 0 or a negative errno. */
int snapshot_add_process(struct snapshot *s, pid_t pid);

/* All on which locks are waited for; how many cannot be found, or a negative errno. */
int snapshot_add_waited(struct snapshot *s);

/* List the locks on all of them, and find who has them; an exit code, of what was said. */
int snapshot_take(struct snapshot *s, const struct range *range);

/* One line each, if something cannot be seen. */
void snapshot_tell_limits(const struct snapshot *s);

/* Whether the kernel lists locks, before any file is looked at; an exit code, of what was said. */
int snapshot_check_kernel(void);

/* A request that nobody has made; its number among the locks. */
size_t snapshot_add_request(struct snapshot *s, size_t file, int type, const struct range *range);

/* Without those from @count on. */
void snapshot_shorten(struct snapshot *s, size_t count);

void snapshot_free(struct snapshot *s);

/* An array with room for one more than @count; it grows by doubling. */
void *grow(void *array, size_t count, size_t size);

/* Elements that are all 0. */
void *fresh(size_t count, size_t size);

/* ---- holders.c: the processes behind the cookies ---- */

/* Whether each lock has one, as far as it is of this machine. */
bool holders_find(struct snapshot *s);

/* The process among those that have the lock; NULL if it is none of them. */
const struct holder *find_holder(const struct lock *lock, pid_t pid);

/* ---- graph.c: who waits for whom ---- */

enum edge_kind {
	WAITS,				/* a request, for a held lock */
	QUEUES,				/* a request, for an earlier one, if only those are there */
	HAS,				/* a lock's holder itself waits: for this request */
};

struct edge {
	size_t from, to;		/* locks of the snapshot */
	enum edge_kind kind;
	size_t more;			/* locks of the same owner that are in the way, too */
};

struct edges {
	const struct edge *first;
	size_t count;
};

struct graph {
	size_t nr_nodes, nr_edges;
	struct edge *out, *in;		/* the same, by @from and by @to */
	unsigned int *circle;		/* of each lock, from 1; 0: in none */
	unsigned int nr_circles;
	pid_t threaded;			/* a process for which it may be none; 0: no such */
};

void graph_make(struct graph *g, const struct snapshot *s);
struct edges edges_from(const struct graph *g, size_t node);
struct edges edges_to(const struct graph *g, size_t node);
void graph_free(struct graph *g);

/* Whether one would have to wait for the other. */
bool conflict(const struct lock *a, const struct lock *b);

/* ---- describe.c: locks as text ---- */

static inline bool is_waiting(const struct lock *lock)
{
	return lock->is.flags & FLOCKP_LIST_WAITING;
}

const char *kind_name(const struct flockp_listed *is);
const char *type_name(int type);

#define AGE_TEXT 32

/* "2 min 5 s". Returns @text. */
const char *age_text(char text[AGE_TEXT], uint64_t ns);

/* "process 7 (vi) fd 3, 4 and process 9 (sh) fd 3", or who it might be. */
void print_holders(FILE *to, const struct snapshot *s, const struct lock *lock);

/* "private write lock on bytes 0 to 9 of FILE"; without the file if that is NULL. */
void print_lock(FILE *to, const struct lock *lock, const struct file *file);

/* A line, if it may be that there is no circle. */
void print_doubt(const struct graph *g);

/* ---- json.c: locks as JSON ---- */

struct json_object *json_name(const char *name);

/* Of which type, and where. */
void json_add_extent(struct json_object *o, int type, int64_t start, int64_t len);

/*
 * An array of those that have a number: @numbers counts them from 0 and has SIZE_MAX for those that
 * are left out; NULL: all are shown.
 */
struct json_object *json_locks(const struct snapshot *s, const size_t *numbers);

/* "all_seen", the same "locks", and with their numbers "edges" and "circles". */
void json_add_graph(struct json_object *o, const struct snapshot *s, const struct graph *g,
		    const size_t *numbers);

/* Print it, and have it no longer. */
void print_json_object(struct json_object *o);

#endif /* SNAPSHOT_H */
