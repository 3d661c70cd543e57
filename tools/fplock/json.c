// SPDX-License-Identifier: GPL-2.0
/* fplock: locks, and who waits for whom, as JSON. */
#include <inttypes.h>

#include "snapshot.h"

#define NS_PER_SEC 1000000000

struct json_object *json_name(const char *name)
{
	return json_object_new_string(is_utf8(name) ? name : shown(name));
}

void json_add_extent(struct json_object *o, int type, int64_t start, int64_t len)
{
	json_object_object_add(o, "type", json_object_new_string(type_name(type)));
	json_object_object_add(o, "start", json_object_new_int64(start));
	json_object_object_add(o, "length", len ? json_object_new_int64(len) : NULL);
}

static struct json_object *json_holder(const struct holder *h)
{
	struct json_object *o = json_object_new_object(), *fds = json_object_new_array();

	json_object_object_add(o, "pid", json_object_new_int(h->pid));
	json_object_object_add(o, "command", *h->name ? json_name(h->name) : NULL);
	for (size_t i = 0; i < h->nr_fds; i++)
		json_object_array_add(fds, json_object_new_int(h->fds[i]));
	json_object_object_add(o, "fds", fds);
	json_object_object_add(o, "threaded", json_object_new_boolean(h->threaded));
	return o;
}

static struct json_object *json_lock(const struct snapshot *s, const struct lock *lock)
{
	struct json_object *o = json_object_new_object(), *holders = json_object_new_array();
	const struct flockp_listed *is = &lock->is;
	char cookie[17], age[32];

	snprintf(age, sizeof(age), "%" PRIu64 ".%09u", is->age_ns / NS_PER_SEC,
		 (unsigned int)(is->age_ns % NS_PER_SEC));
	snprintf(cookie, sizeof(cookie), "%016" PRIx64, is->owner);
	json_object_object_add(o, "file", json_name(s->files[lock->file].name));
	json_object_object_add(o, "state", json_object_new_string(is_waiting(lock) ? "waiting" :
								  "held"));
	json_object_object_add(o, "kind", json_object_new_string(kind_name(is)));
	json_add_extent(o, is->type, is->start, is->len);
	json_object_object_add(o, "age", json_object_new_double_s(is->age_ns / 1e9, age));
	json_object_object_add(o, "owner", json_object_new_string(cookie));
	json_object_object_add(o, "asked_by", is->pid ? json_object_new_int(is->pid) : NULL);
	json_object_object_add(o, "local_only", json_object_new_boolean(is->flags &
									FLOCKP_LIST_LOCAL_ONLY));
	json_object_object_add(o, "one_task", json_object_new_boolean(is->flags &
								      FLOCKP_LIST_ONE_TASK));
	for (size_t i = 0; i < lock->nr_holders; i++)
		json_object_array_add(holders, json_holder(&lock->holders[i]));
	json_object_object_add(o, "holders", holders);
	return o;
}

/* SIZE_MAX if it is left out. */
static size_t number_of(const size_t *numbers, size_t lock)
{
	return numbers ? numbers[lock] : lock;
}

struct json_object *json_locks(const struct snapshot *s, const size_t *numbers)
{
	struct json_object *locks = json_object_new_array();

	for (size_t i = 0; i < s->nr_locks; i++)
		if (number_of(numbers, i) != SIZE_MAX)
			json_object_array_add(locks, json_lock(s, &s->locks[i]));
	return locks;
}

static struct json_object *json_edge(const struct edge *e, const size_t *numbers)
{
	static const char * const names[] = {
		[WAITS] = "waits", [QUEUES] = "queues", [HAS] = "has",
	};
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "from", json_object_new_int64(number_of(numbers, e->from)));
	json_object_object_add(o, "to", json_object_new_int64(number_of(numbers, e->to)));
	json_object_object_add(o, "edge", json_object_new_string(names[e->kind]));
	if (e->kind == WAITS)
		json_object_object_add(o, "more", json_object_new_int64(e->more));
	return o;
}

/* NULL if it is left out. */
static struct json_object *json_circle(const struct graph *g, unsigned int circle,
				       const size_t *numbers)
{
	struct json_object *o = NULL;

	for (size_t i = 0; i < g->nr_nodes; i++) {
		if (g->circle[i] != circle || number_of(numbers, i) == SIZE_MAX)
			continue;
		o = o ?: json_object_new_array();
		json_object_array_add(o, json_object_new_int64(number_of(numbers, i)));
	}
	return o;
}

void json_add_graph(struct json_object *o, const struct snapshot *s, const struct graph *g,
		    const size_t *numbers)
{
	struct json_object *edges = json_object_new_array(), *circles = json_object_new_array();

	for (size_t i = 0; i < g->nr_edges; i++)
		if (number_of(numbers, g->out[i].from) != SIZE_MAX &&
		    number_of(numbers, g->out[i].to) != SIZE_MAX)
			json_object_array_add(edges, json_edge(&g->out[i], numbers));
	for (unsigned int i = 1; i <= g->nr_circles; i++) {
		struct json_object *circle = json_circle(g, i, numbers);

		if (circle)
			json_object_array_add(circles, circle);
	}
	json_object_object_add(o, "all_seen", json_object_new_boolean(!s->partial));
	json_object_object_add(o, "locks", json_locks(s, numbers));
	json_object_object_add(o, "edges", edges);
	json_object_object_add(o, "circles", circles);
}

void print_json_object(struct json_object *o)
{
	puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY |
					    JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
}
