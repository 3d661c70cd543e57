// SPDX-License-Identifier: GPL-2.0
/* fplock tree: who waits for whom. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "snapshot.h"

enum { KEY_DOT = 0x100 };

static const struct argp_option option_list[] = {
	{ "dot", KEY_DOT, NULL, 0, "print a graph for dot(1)" },
	{ 0 }
};

struct request {
	struct options o;
	struct snapshot s;
	bool dot;
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct request *r = state->input;

	switch (key) {
	case KEY_DOT:
		r->dot = true;
		return 0;
	case ARGP_KEY_ARG:
		snapshot_add(&r->s, arg);
		return 0;
	case ARGP_KEY_END:
		if (r->dot && r->o.json)
			argp_error(state, "--dot and --json cannot stand beside each other");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = option_list,
	.parser = parse_option,
	.args_doc = "[FILE...]",
	.doc = "Show who waits for whom: each lock that is waited for, and below it those who\n"
	       "wait and what these have that others wait for. Without FILE, for all files on\n"
	       "which somebody waits.\n"
	       "\vA process that waits in a circle is marked. If several have the lock, one that\n"
	       "is in no circle may release it.\n"
	       "\n"
	       "The status is 0, also if nobody waits; 66 if a file cannot be opened; 69 if the\n"
	       "kernel does not list locks.\n"
	       "\n"
	       "Examples:\n"
	       "  fplock tree\n"
	       "  fplock tree a.lock b.lock\n"
	       "  fplock tree --dot | dot -Tsvg >waits.svg\n",
};

/* ---- text ---- */

struct printer {
	const struct snapshot *s;
	const struct graph *g;
	bool *printed;
	bool *above;			/* on the way from the first line to this one */
};

static void print_node(const struct printer *p, size_t node)
{
	const struct lock *lock = &p->s->locks[node];
	char age[AGE_TEXT];

	age_text(age, lock->is.age_ns);
	if (is_waiting(lock)) {
		print_holders(stdout, p->s, lock);
		fputs(" waits for a ", stdout);
		print_lock(stdout, lock, NULL);
		printf(", for %s", age);
		return;
	}
	fputs(shown(p->s->files[lock->file].name), stdout);
	fputs(": ", stdout);
	print_lock(stdout, lock, NULL);
	printf(", held for %s by ", age);
	print_holders(stdout, p->s, lock);
}

static void print_branch(struct printer *p, size_t node, int depth, enum edge_kind kind)
{
	const struct edges waiters = edges_to(p->g, node);

	printf("%*s", 2 * depth, "");
	print_node(p, node);
	if (kind == QUEUES)
		fputs(", behind the one above", stdout);
	if (p->above[node])
		printf(": circle %u closes", p->g->circle[node]);
	else if (p->printed[node] && waiters.count)
		fputs(": see above", stdout);
	else if (p->g->circle[node])
		printf(" [circle %u]", p->g->circle[node]);
	putchar('\n');
	if (p->printed[node])
		return;
	p->printed[node] = true;
	p->above[node] = true;
	for (size_t i = 0; i < waiters.count; i++)
		print_branch(p, waiters.first[i].from, depth + 1, waiters.first[i].kind);
	p->above[node] = false;
}

static void print_root(struct printer *p, size_t node)
{
	if (!p->printed[node] && (is_waiting(&p->s->locks[node]) || edges_to(p->g, node).count))
		print_branch(p, node, 0, WAITS);
}

static void print_tree(const struct snapshot *s, const struct graph *g)
{
	struct printer p = {
		s, g, fresh(g->nr_nodes, sizeof(bool)), fresh(g->nr_nodes, sizeof(bool)),
	};

	/* First what waits for nothing, then circles, each from a lock of it. */
	for (size_t i = 0; i < g->nr_nodes; i++)
		if (!edges_from(g, i).count)
			print_root(&p, i);
	for (size_t i = 0; i < g->nr_nodes; i++)
		if (g->circle[i] && !is_waiting(&s->locks[i]))
			print_root(&p, i);
	for (size_t i = 0; i < g->nr_nodes; i++)
		if (is_waiting(&s->locks[i]))
			print_root(&p, i);
	if (g->nr_circles)
		printf("%u circle%s\n", g->nr_circles, g->nr_circles == 1 ? "" : "s");
	print_doubt(g);
	free(p.printed);
	free(p.above);
}

/* ---- dot ---- */

static void print_quoted(const char *text)
{
	for (; *text; text++) {
		if (*text == '"' || *text == '\\' || *text == '\n')
			putchar('\\');
		putchar(*text == '\n' ? 'n' : *text);
	}
}

static void print_label(const struct snapshot *s, const struct lock *lock)
{
	char *text = NULL, age[AGE_TEXT];
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		exit(say(EXIT_OTHER, "memory", "%s", strerror(errno)));
	print_lock(f, lock, &s->files[lock->file]);
	/* Nothing else that is printed has one of these. */
	fprintf(f, "\n%s for %s\n", is_waiting(lock) ? "waited" : "held",
		age_text(age, lock->is.age_ns));
	print_holders(f, s, lock);
	fclose(f);
	print_quoted(text);
	free(text);
}

static void print_dot(const struct snapshot *s, const struct graph *g)
{
	static const char * const styles[] = {
		[WAITS] = "label=\"waits for\"",
		[QUEUES] = "label=\"behind\",style=dotted",
		[HAS] = "label=\"its holder waits\",style=dashed",
	};

	puts("digraph locks {");
	for (size_t i = 0; i < g->nr_nodes; i++) {
		if (!is_waiting(&s->locks[i]) && !edges_to(g, i).count)
			continue;
		printf("\tn%zu [shape=%s,label=\"", i,
		       is_waiting(&s->locks[i]) ? "ellipse" : "box");
		print_label(s, &s->locks[i]);
		printf("\"%s];\n", g->circle[i] ? ",color=red" : "");
	}
	for (size_t i = 0; i < g->nr_edges; i++) {
		const struct edge *e = &g->out[i];
		const unsigned int circle = g->circle[e->from];

		printf("\tn%zu -> n%zu [%s%s];\n", e->from, e->to, styles[e->kind],
		       circle && circle == g->circle[e->to] ? ",color=red" : "");
	}
	puts("}");
}

/* ---- the command ---- */

static void print_json(const struct snapshot *s, const struct graph *g)
{
	struct json_object *o = json_object_new_object();

	json_add_graph(o, s, g, NULL);
	print_json_object(o);
}

static bool is_empty(const struct snapshot *s)
{
	for (size_t i = 0; i < s->nr_locks; i++)
		if (is_waiting(&s->locks[i]))
			return false;
	return true;
}

/* An exit code. */
static int add_waited(struct snapshot *s)
{
	int ret = snapshot_add_waited(s);

	if (ret < 0)
		return say(EXIT_OTHER, "/proc/locks", "%s", strerror(-ret));
	if (ret)
		say(0, "files", "%d on which somebody waits cannot be found", ret);
	return EXIT_DONE;
}

static int show(struct request *r)
{
	const struct range all = { 0 };
	int code = snapshot_check_kernel();
	struct graph g;

	if (!code && !r->s.nr_files)
		code = add_waited(&r->s);
	code = code ?: snapshot_take(&r->s, &all);
	if (code && code != EXIT_FILE)
		return code;
	graph_make(&g, &r->s);
	if (r->o.json)
		print_json(&r->s, &g);
	else if (r->dot)
		print_dot(&r->s, &g);
	else if (!is_empty(&r->s))
		print_tree(&r->s, &g);
	else if (!code)
		puts("nobody waits");
	graph_free(&g);
	snapshot_tell_limits(&r->s);
	return code;
}

int tree(int argc, char **argv)
{
	struct request r = { { JSON } };
	int code;

	parse_options(&argp, argc, argv, &r.o);
	code = show(&r);
	snapshot_free(&r.s);
	return code;
}
