// SPDX-License-Identifier: GPL-2.0
/* fplock test: what would be in the way of a lock. */
#include <stdio.h>
#include <string.h>

#include "snapshot.h"

enum { KEY_RANGE = 0x100 };

static const struct argp_option option_list[] = {
	{ "shared", 's', NULL, 0, "of a read lock; else of a write lock" },
	{ "range", KEY_RANGE, "START:LEN", 0, "on these bytes, in bytes or with K, M, G, T" },
	{ "json", 'j', NULL, 0, "print JSON" },
	{ 0 }
};

struct request {
	const char *path;
	int type;
	struct range range;
	bool json;
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct request *r = state->input;

	switch (key) {
	case 's':
		r->type = F_RDLCK;
		return 0;
	case KEY_RANGE:
		if (!parse_range(arg, &r->range))
			argp_error(state, "--range: '%s' is no range; wanted START:LEN",
				   shown(arg));
		return 0;
	case 'j':
		r->json = true;
		return 0;
	case ARGP_KEY_ARG:
		if (r->path)
			argp_error(state, "'%s' is one too many", shown(arg));
		r->path = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "wanted FILE");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = option_list,
	.parser = parse_option,
	.args_doc = "FILE",
	.doc = "Show a lock that would be in the way of one on FILE, if there is one. Nothing is\n"
	       "locked, and FILE is not made.\n"
	       "\vThe status is 0 if nothing is in the way, 1 if something is. Locks of\n"
	       "flock(2) are not seen.\n"
	       "\n"
	       "Examples:\n"
	       "  fplock test job.lock && echo nobody runs the job\n"
	       "  fplock test --shared --range 0:4K --json data\n",
};

/* All functions of json-c take NULL, which they give when memory ends. */
static struct json_object *found_json(const struct flockp_found *found)
{
	struct json_object *o = json_object_new_object(), *pid = NULL, *command = NULL;
	const bool is_private = found->pid == -1;
	char name[COMMAND_NAME] = "";

	if (found->pid > 0) {
		process_name(found->pid, name);
		pid = json_object_new_int(found->pid);
	}
	if (*name)
		command = json_name(name);
	json_object_object_add(o, "type", json_object_new_string(type_name(found->type)));
	json_object_object_add(o, "private", json_object_new_boolean(is_private));
	json_object_object_add(o, "start", json_object_new_int64(found->start));
	json_object_object_add(o, "length",
			       found->len ? json_object_new_int64(found->len) : NULL);
	json_object_object_add(o, "pid", pid);
	json_object_object_add(o, "command", command);
	return o;
}

static void print_json(bool in_way, const struct flockp_found *found)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "free", json_object_new_boolean(!in_way));
	json_object_object_add(o, "in_the_way", in_way ? found_json(found) : NULL);
	print_json_object(o);
}

int test(int argc, char **argv)
{
	struct request r = { .type = F_WRLCK };
	struct flockp_found found;
	char text[FOUND_TEXT] = "nothing is in the way";
	struct flockp *lock;
	int ret;

	argp_parse(&argp, argc, argv, 0, NULL, &r);
	ret = open_any(&lock, r.path);
	if (ret)
		return say(EXIT_FILE, r.path, "%s", strerror(-ret));
	ret = flockp_test(lock, r.type, r.range.start, r.range.len, &found);
	flockp_close(lock);
	if (ret < 0)
		return lock_failed(r.path, ret, "its locks cannot be seen");
	if (ret)
		found_text(text, &found);
	if (r.json) {
		print_json(ret, &found);
	} else {
		fputs(shown(r.path), stdout);
		printf(": %s\n", text);
	}
	return ret ? EXIT_IN_WAY : EXIT_DONE;
}
