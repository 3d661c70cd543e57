// SPDX-License-Identifier: GPL-2.0
/* fplock: who waits for whom, and the circles in it. */
#include <stdlib.h>
#include <string.h>

#include "snapshot.h"

/* ---- edges ---- */

static bool overlap(const struct flockp_listed *a, const struct flockp_listed *b)
{
	/* A difference never overflows where a sum might. */
	return (!a->len || a->start > b->start || b->start - a->start < a->len) &&
	       (!b->len || b->start > a->start || a->start - b->start < b->len);
}

bool conflict(const struct lock *a, const struct lock *b)
{
	const bool same_class = !((a->is.flags ^ b->is.flags) & FLOCKP_LIST_FLOCK);
	const bool same_owner = a->is.owner && a->is.owner == b->is.owner;

	return a->file == b->file && same_class && !same_owner && overlap(&a->is, &b->is) &&
	       (a->is.type == F_WRLCK || b->is.type == F_WRLCK);
}

static void add_edge(struct graph *g, size_t from, size_t to, enum edge_kind kind)
{
	g->out = grow(g->out, g->nr_edges, sizeof(*g->out));
	g->out[g->nr_edges++] = (struct edge){ from, to, kind, 0 };
}

/* Of each lock, the first one that has the same owner. */
struct owned {
	uint64_t owner;
	size_t lock;
};

static int compare_owned(const void *a, const void *b)
{
	const struct owned *one = a, *other = b;

	if (one->owner != other->owner)
		return one->owner < other->owner ? -1 : 1;
	return (one->lock > other->lock) - (one->lock < other->lock);
}

static size_t *find_first_of_owners(const struct snapshot *s)
{
	struct owned *owned = fresh(s->nr_locks, sizeof(*owned));
	size_t *first = fresh(s->nr_locks, sizeof(*first));

	for (size_t i = 0; i < s->nr_locks; i++)
		owned[i] = (struct owned){ s->locks[i].is.owner, i };
	qsort(owned, s->nr_locks, sizeof(*owned), compare_owned);
	for (size_t i = 0; i < s->nr_locks; i++) {
		/* Of owners elsewhere nothing is known. */
		const bool same = i && owned[i].owner && owned[i].owner == owned[i - 1].owner;

		first[owned[i].lock] = same ? first[owned[i - 1].lock] : owned[i].lock;
	}
	free(owned);
	return first;
}

/* @b was there first. */
static bool is_later(const struct snapshot *s, size_t a, size_t b)
{
	const uint64_t one = s->locks[a].is.age_ns, other = s->locks[b].is.age_ns;

	return one != other ? one < other : a > b;
}

/* A request, the locks on the same file, and what is known of owners. */
struct way {
	size_t request, first, end;
	const size_t *first_of_owner;
	size_t *edge_of_owner;		/* the last one that was made, by the first of its locks */
};

/* An edge to each owner, however many locks it has. */
static void add_held(struct graph *g, const struct way *way, size_t held)
{
	size_t *edge = &way->edge_of_owner[way->first_of_owner[held]];

	if (*edge < g->nr_edges && g->out[*edge].from == way->request) {
		g->out[*edge].more++;
		return;
	}
	*edge = g->nr_edges;
	add_edge(g, way->request, held, WAITS);
}

static void add_waits(struct graph *g, const struct snapshot *s, const struct way *way)
{
	const struct lock *lock = &s->locks[way->request];
	const size_t before = g->nr_edges;

	for (size_t i = way->first; i < way->end; i++)
		if (!is_waiting(&s->locks[i]) && conflict(lock, &s->locks[i]))
			add_held(g, way, i);
	if (g->nr_edges > before)
		return;
	for (size_t i = way->first; i < way->end; i++)
		if (i != way->request && is_waiting(&s->locks[i]) &&
		    is_later(s, way->request, i) && conflict(lock, &s->locks[i]))
			add_edge(g, way->request, i, QUEUES);
}

/* Whether a process that has the lock is the one that waits, though it be another thread of it. */
static bool waits_itself(const struct lock *held, const struct lock *request)
{
	const struct holder *h;

	if (!held->nr_holders)
		return held->is.pid > 0 && held->is.pid == request->is.pid;
	h = find_holder(held, request->is.pid);
	for (size_t i = 0; !h && request->is.pid <= 0 && i < request->nr_holders; i++)
		h = find_holder(held, request->holders[i].pid);
	if (!h)
		return false;
	/* Each thread has an open file of its own, as it is meant to be. */
	if (h->threaded && conflict(held, request))
		return false;
	return true;
}

static int compare_from(const void *a, const void *b)
{
	const struct edge *one = a, *other = b;

	if (one->from != other->from)
		return one->from < other->from ? -1 : 1;
	return (one->to > other->to) - (one->to < other->to);
}

static int compare_to(const void *a, const void *b)
{
	const struct edge *one = a, *other = b;

	if (one->to != other->to)
		return one->to < other->to ? -1 : 1;
	return (one->from > other->from) - (one->from < other->from);
}

static void add_all_waits(struct graph *g, const struct snapshot *s, const size_t *requests,
			  size_t count)
{
	size_t *first = find_first_of_owners(s), *edges = fresh(s->nr_locks, sizeof(*edges));

	for (size_t i = 0; i < s->nr_locks; i++)
		edges[i] = SIZE_MAX;
	/* Those of a file follow each other, but for a request that nobody has made. */
	for (size_t r = 0; r < count; r++) {
		const size_t file = s->locks[requests[r]].file;
		struct way way = { requests[r], 0, 0, first, edges };

		while (s->locks[way.first].file != file)
			way.first++;
		way.end = way.first;
		while (way.end < s->nr_locks && s->locks[way.end].file == file)
			way.end++;
		add_waits(g, s, &way);
	}
	free(first);
	free(edges);
}

static void add_edges(struct graph *g, const struct snapshot *s)
{
	bool *wanted = fresh(s->nr_locks, sizeof(*wanted));
	size_t *requests = NULL, count = 0;

	for (size_t i = 0; i < s->nr_locks; i++) {
		if (!is_waiting(&s->locks[i]))
			continue;
		requests = grow(requests, count, sizeof(*requests));
		requests[count++] = i;
	}
	add_all_waits(g, s, requests, count);
	for (size_t i = 0; i < g->nr_edges; i++)
		wanted[g->out[i].to] = g->out[i].kind == WAITS;
	for (size_t i = 0; i < s->nr_locks; i++)
		for (size_t r = 0; wanted[i] && r < count; r++)
			if (waits_itself(&s->locks[i], &s->locks[requests[r]]))
				add_edge(g, i, requests[r], HAS);
	free(requests);
	free(wanted);
}

static struct edges find(const struct edge *edges, size_t count, size_t node, bool by_to)
{
	size_t low = 0, high = count, end;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if ((by_to ? edges[middle].to : edges[middle].from) < node)
			low = middle + 1;
		else
			high = middle;
	}
	for (end = low; end < count && (by_to ? edges[end].to : edges[end].from) == node; end++)
		;
	return (struct edges){ edges + low, end - low };
}

struct edges edges_from(const struct graph *g, size_t node)
{
	return find(g->out, g->nr_edges, node, false);
}

struct edges edges_to(const struct graph *g, size_t node)
{
	return find(g->in, g->nr_edges, node, true);
}

/* ---- circles: strongly connected components, as Tarjan finds them, but without recursion ---- */

struct visit {
	size_t number, low;		/* from 1, in the order of the visits */
	size_t next;			/* edge to follow */
	size_t parent;
	bool is_open;			/* its component is not known yet */
};

struct walk {
	struct graph *g;
	struct visit *visits;
	size_t *open;			/* stack */
	size_t nr_open, number;
};

static void enter(struct walk *w, size_t node, size_t parent)
{
	w->visits[node] = (struct visit){ ++w->number, w->number, 0, parent, true };
	w->open[w->nr_open++] = node;
}

/* All that is reached from it is done: what is open from it on is one component. */
static void leave(struct walk *w, size_t node)
{
	struct visit *v = &w->visits[node], *parent = &w->visits[v->parent];
	bool is_circle = w->open[w->nr_open - 1] != node;
	size_t member;

	if (v->low < parent->low)
		parent->low = v->low;
	if (v->low != v->number)
		return;
	w->g->nr_circles += is_circle;
	do {
		member = w->open[--w->nr_open];
		w->visits[member].is_open = false;
		w->g->circle[member] = is_circle ? w->g->nr_circles : 0;
	} while (member != node);
}

static void walk_from(struct walk *w, size_t root)
{
	size_t node = root;

	enter(w, root, root);
	for (;;) {
		struct edges edges = edges_from(w->g, node);
		struct visit *v = &w->visits[node], *other;
		size_t to;

		if (v->next == edges.count) {
			const size_t parent = v->parent;

			leave(w, node);
			if (node == root)
				return;
			node = parent;
			continue;
		}
		to = edges.first[v->next++].to;
		other = &w->visits[to];
		if (!other->number) {
			enter(w, to, node);
			node = to;
		} else if (other->is_open && other->number < v->low) {
			v->low = other->number;
		}
	}
}

static void find_circles(struct graph *g)
{
	struct walk w = {
		.g = g, .visits = fresh(g->nr_nodes, sizeof(*w.visits)),
		.open = fresh(g->nr_nodes, sizeof(*w.open)),
	};

	for (size_t i = 0; i < g->nr_nodes; i++)
		if (!w.visits[i].number)
			walk_from(&w, i);
	free(w.visits);
	free(w.open);
}

/* A circle goes on through a process if another thread of it has the lock than waits. */
static void find_threaded(struct graph *g, const struct snapshot *s)
{
	for (size_t i = 0; i < g->nr_edges && !g->threaded; i++) {
		const struct edge *e = &g->out[i];
		const struct holder *h = find_holder(&s->locks[e->from], s->locks[e->to].is.pid);

		if (e->kind == HAS && g->circle[e->from] &&
		    g->circle[e->from] == g->circle[e->to] && h && h->threaded)
			g->threaded = h->pid;
	}
}

void graph_make(struct graph *g, const struct snapshot *s)
{
	*g = (struct graph){ .nr_nodes = s->nr_locks };
	add_edges(g, s);
	g->circle = fresh(g->nr_nodes, sizeof(*g->circle));
	g->in = fresh(g->nr_edges, sizeof(*g->in));
	if (g->nr_edges) {
		memcpy(g->in, g->out, g->nr_edges * sizeof(*g->in));
		qsort(g->out, g->nr_edges, sizeof(*g->out), compare_from);
		qsort(g->in, g->nr_edges, sizeof(*g->in), compare_to);
	}
	find_circles(g);
	find_threaded(g, s);
}

void graph_free(struct graph *g)
{
	free(g->out);
	free(g->in);
	free(g->circle);
}
