// SPDX-License-Identifier: GPL-2.0
/* fplock test: what would be in the way of a lock. */
#include <stdio.h>
#include <string.h>

#include "snapshot.h"

static const struct argp argp = {
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
	json_add_extent(o, found->type, found->start, found->len);
	json_object_object_add(o, "private", json_object_new_boolean(is_private));
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
	struct options o = { SHARED | RANGE | JSON | ONE_FILE };
	struct flockp_found found;
	char text[FOUND_TEXT] = "nothing is in the way";
	struct flockp *lock;
	int ret;

	parse_options(&argp, argc, argv, &o);
	ret = open_any(&lock, o.path);
	if (ret)
		return say(EXIT_FILE, o.path, "%s", strerror(-ret));
	ret = flockp_test(lock, o.type, o.range.start, o.range.len, &found);
	flockp_close(lock);
	if (ret < 0)
		return lock_failed(o.path, ret, "its locks cannot be seen");
	if (ret)
		found_text(text, &found);
	if (o.json) {
		print_json(ret, &found);
	} else {
		fputs(shown(o.path), stdout);
		printf(": %s\n", text);
	}
	return ret ? EXIT_IN_WAY : EXIT_DONE;
}
