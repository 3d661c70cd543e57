// SPDX-License-Identifier: GPL-2.0
/* fplock why: who is in the way of a lock, and what those wait for themselves. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "snapshot.h"

static bool is_there(const char *path)
{
	struct stat st;

	return !lstat(path, &st);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	(void)arg;
	if (key != ARGP_KEY_END)
		return ARGP_ERR_UNKNOWN;
	/* A file that has the whole name is meant. */
	if (!is_there(o->path) && parse_place(o->path, &o->range) && o->is_ranged)
		argp_error(state, "--range and :START+LEN cannot stand beside each other");
	return 0;
}

static const struct argp argp = {
	.parser = parse_option,
	.args_doc = "FILE[:START+LEN]",
	.doc = "Tell who is in the way of a lock on FILE, or on LEN bytes of it from START on:\n"
	       "which locks, for how long, what processes, and what those wait for in turn.\n"
	       "Nothing is locked, and FILE is not made.\n"
	       "\vThe status is 0 if nothing is in the way, 1 if something is, 66 if FILE cannot\n"
	       "be opened, 69 if the kernel does not list locks. Those of flock(2) are of another\n"
	       "kind, which is in nobody's way here.\n"
	       "\n"
	       "Examples:\n"
	       "  fplock why job.lock\n"
	       "  fplock why data:4K+512 || echo not now\n"
	       "  fplock why --shared --range 0:4K data\n"
	       "  fplock why --json job.lock | jq '.locks[.in_the_way[].lock].holders'\n",
};

/* ---- sentences ---- */

struct teller {
	const struct snapshot *s;
	const struct graph *g;
	size_t asked;			/* the request that is explained */
	bool *told;
	bool circle;			/* one was told of */
};

static void explain(struct teller *t, size_t request, int depth);

static void print_asker(const struct teller *t, const struct lock *request)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return;
	print_holders(f, t->s, request);
	fclose(f);
	*text = toupper((unsigned char)*text);
	fputs(text, stdout);
	free(text);
}

/* Ends the sentence. */
static bool is_new(struct teller *t, size_t node)
{
	if (t->told[node]) {
		puts(t->g->circle[node] ? ": a circle, see above." : ": see above.");
		t->circle |= t->g->circle[node];
		return false;
	}
	puts(".");
	t->told[node] = true;
	return true;
}

/* What a process that has the lock waits for. */
static void explain_holder(struct teller *t, size_t node, int depth)
{
	const struct lock *request = &t->s->locks[node];
	char age[AGE_TEXT];

	printf("%*s", 2 * depth, "");
	print_asker(t, request);
	printf(" has itself waited %s for a ", age_text(age, request->is.age_ns));
	print_lock(stdout, request, &t->s->files[request->file]);
	if (is_new(t, node))
		explain(t, node, depth + 1);
}

static void explain_lock(struct teller *t, const struct edge *edge, int depth)
{
	const struct lock *lock = &t->s->locks[edge->to];
	const struct edges has = edges_from(t->g, edge->to);
	char age[AGE_TEXT];

	printf("%*sIn %s way is a ", 2 * depth, "", depth ? "its" : "the");
	print_lock(stdout, lock, depth ? &t->s->files[lock->file] : NULL);
	if (edge->more)
		printf(" and %zu more of the same owner", edge->more);
	printf(", held for %s by ", age_text(age, lock->is.age_ns));
	print_holders(stdout, t->s, lock);
	if (!is_new(t, edge->to))
		return;
	for (size_t i = 0; i < has.count; i++)
		explain_holder(t, has.first[i].to, depth + 1);
}

static void explain(struct teller *t, size_t request, int depth)
{
	const struct edges edges = edges_from(t->g, request);
	size_t queue = 0;

	for (size_t i = 0; i < edges.count; i++) {
		if (edges.first[i].kind == WAITS)
			explain_lock(t, &edges.first[i], depth);
		else
			queue++;
	}
	/* Of the one that is explained more is said in the end. */
	if (queue && request != t->asked)
		printf("%*sIn its way are only %zu requests: a fair one is not overtaken.\n",
		       2 * depth, "", queue);
}

static size_t count_waiting(const struct snapshot *s, size_t asked)
{
	size_t count = 0;

	for (size_t i = 0; i < s->nr_locks; i++)
		count += i != asked && is_waiting(&s->locks[i]) &&
			 conflict(&s->locks[asked], &s->locks[i]);
	return count;
}

static bool is_in_way(const struct graph *g, size_t asked)
{
	const struct edges edges = edges_from(g, asked);

	return edges.count && edges.first[0].kind == WAITS;
}

static void print_text(const struct snapshot *s, const struct graph *g, size_t asked)
{
	struct teller t = {
		.s = s, .g = g, .asked = asked, .told = fresh(g->nr_nodes, sizeof(*t.told)),
	};
	const size_t waiting = count_waiting(s, asked);
	const bool in_way = is_in_way(g, asked);
	const struct lock *lock = &s->locks[asked];
	char bytes[BYTES_TEXT];

	fputs(shown(s->files[lock->file].name), stdout);
	printf(": a %s lock on %s %s.\n", type_name(lock->is.type),
	       bytes_text(bytes, lock->is.start, lock->is.len),
	       in_way ? "would have to wait" : "can be had, nothing is in the way");
	explain(&t, asked, 0);
	if (t.circle)
		print_doubt(g);
	if (waiting)
		printf("%zu request%s before you%s.\n", waiting, waiting == 1 ? " waits" : "s wait",
		       in_way ? "" : "; a fair one is not overtaken");
	free(t.told);
}

/* ---- JSON ---- */

/* Of what the request waits for, in the end; it is no lock itself. */
static size_t *number_reached(const struct graph *g, size_t asked)
{
	size_t *numbers = fresh(g->nr_nodes, sizeof(*numbers)), next = 0,
	       *open = fresh(g->nr_nodes, sizeof(*open)), nr_open = 0;
	bool *reached = fresh(g->nr_nodes, sizeof(*reached));

	open[nr_open++] = asked;
	while (nr_open) {
		const struct edges edges = edges_from(g, open[--nr_open]);

		for (size_t i = 0; i < edges.count; i++) {
			const size_t to = edges.first[i].to;

			if (!reached[to])
				open[nr_open++] = to;
			reached[to] = true;
		}
	}
	for (size_t i = 0; i < g->nr_nodes; i++)
		numbers[i] = reached[i] ? next++ : SIZE_MAX;
	free(open);
	free(reached);
	return numbers;
}

static struct json_object *json_asked(const struct snapshot *s, const struct lock *lock)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "file", json_name(s->files[lock->file].name));
	json_add_extent(o, lock->is.type, lock->is.start, lock->is.len);
	return o;
}

static struct json_object *json_in_way(const struct graph *g, size_t asked, const size_t *numbers)
{
	struct json_object *array = json_object_new_array();
	const struct edges edges = edges_from(g, asked);

	for (size_t i = 0; i < edges.count && is_in_way(g, asked); i++) {
		const struct edge *e = &edges.first[i];
		struct json_object *o = json_object_new_object();

		json_object_object_add(o, "lock", json_object_new_int64(numbers[e->to]));
		json_object_object_add(o, "more", json_object_new_int64(e->more));
		json_object_array_add(array, o);
	}
	return array;
}

static void print_json(const struct snapshot *s, const struct graph *g, size_t asked)
{
	struct json_object *o = json_object_new_object();
	size_t *numbers = number_reached(g, asked);

	json_object_object_add(o, "asked", json_asked(s, &s->locks[asked]));
	json_object_object_add(o, "free", json_object_new_boolean(!is_in_way(g, asked)));
	json_object_object_add(o, "in_the_way", json_in_way(g, asked, numbers));
	json_object_object_add(o, "requests_before",
			       json_object_new_int64(count_waiting(s, asked)));
	json_add_graph(o, s, g, numbers);
	print_json_object(o);
	free(numbers);
}

/* ---- the command ---- */

/* An exit code. */
static int tell(const struct snapshot *s, size_t asked, bool json)
{
	struct graph g;
	bool in_way;

	graph_make(&g, s);
	in_way = is_in_way(&g, asked);
	if (json)
		print_json(s, &g, asked);
	else
		print_text(s, &g, asked);
	graph_free(&g);
	return in_way ? EXIT_IN_WAY : EXIT_DONE;
}

/* An exit code. */
static int ask(struct snapshot *s, const struct options *o)
{
	const struct range all = { 0 };
	int code = snapshot_check_kernel();

	if (code)
		return code;
	snapshot_add(s, o->path);
	code = snapshot_take(s, &all);
	if (code)
		return code;
	/* Holders may wait for locks on other files. */
	if (s->nr_locks && snapshot_add_waited(s) >= 0 && s->nr_files > 1) {
		code = snapshot_take(s, &all);
		if (s->files[0].failed || (code && code != EXIT_FILE))
			return code;
	}
	code = tell(s, snapshot_add_request(s, 0, o->type, &o->range), o->json);
	snapshot_tell_limits(s);
	return code;
}

int why(int argc, char **argv)
{
	struct options o = { SHARED | RANGE | JSON | ONE_FILE };
	struct snapshot s = { 0 };
	int code;

	parse_options(&argp, argc, argv, &o);
	code = ask(&s, &o);
	snapshot_free(&s);
	return code;
}
