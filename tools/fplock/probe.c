// SPDX-License-Identifier: GPL-2.0
/* fplock probe: what the kernel can do. */
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "snapshot.h"

#define NAMES "private, timed, listed, fair, task"

static const struct argp_option option_list[] = {
	{ "need", 'N', "NAME,...", 0, "fail if one of these is missing: " NAMES },
	{ 0 }
};

static const struct {
	const char *name;
	int bit;
	const char *text, *missing;
} features[] = {
	{ "private", FLOCKP_PRIVATE, "file-private locks", "" },
	{ "timed", FLOCKP_TIMED, "locks with a deadline", ", it is polled for" },
	{ "listed", FLOCKP_LISTED, "lists of locks", "" },
	{ "fair", FLOCKP_FAIR, "fair waiting", ", later ones may overtake" },
	{ "task", FLOCKP_TASK, "locks of one thread", "" },
};

struct request {
	struct options o;
	int need;
};

static void keep_need(struct argp_state *state, const char *text, int *need)
{
	for (;;) {
		size_t length = strcspn(text, ","), i = 0;

		while (i < ARRAY_SIZE(features) && (strlen(features[i].name) != length ||
						    strncmp(features[i].name, text, length)))
			i++;
		if (i == ARRAY_SIZE(features))
			argp_error(state, "--need: '%s' is not known; wanted " NAMES,
				   shown(text));
		*need |= features[i].bit;
		if (!text[length])
			return;
		text += length + 1;
	}
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct request *r = state->input;

	switch (key) {
	case 'N':
		keep_need(state, arg, &r->need);
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "'%s' is one too many", shown(arg));
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = option_list,
	.parser = parse_option,
	.doc = "Show which locks this kernel has.\n"
	       "\vA filesystem of another host may have less; 'fplock run --verbose' shows it.\n"
	       "\n"
	       "Examples:\n"
	       "  fplock probe --need timed || echo \"waiting means polling here\"\n"
	       "  fplock probe --json\n",
};

static void print_json(const char *kernel, int served)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "kernel", json_object_new_string(kernel));
	for (size_t i = 0; i < ARRAY_SIZE(features); i++)
		json_object_object_add(o, features[i].name,
				       json_object_new_boolean(served & features[i].bit));
	print_json_object(o);
}

static void print_text(const char *kernel, int served)
{
	printf("Linux %s\n", kernel);
	for (size_t i = 0; i < ARRAY_SIZE(features); i++)
		printf("  %-22s %s%s\n", features[i].text, served & features[i].bit ? "yes" : "no",
		       served & features[i].bit ? "" : features[i].missing);
}

int probe(int argc, char **argv)
{
	struct request r = { { JSON } };
	struct utsname name;
	int served, code = EXIT_DONE;

	parse_options(&argp, argc, argv, &r.o);
	served = flockp_probe();
	if (served < 0)
		return say(EXIT_OTHER, "probe", "the kernel cannot be asked: %s",
			   strerror(-served));
	uname(&name);
	if (r.o.json)
		print_json(name.release, served);
	else
		print_text(name.release, served);
	for (size_t i = 0; i < ARRAY_SIZE(features) && !code; i++)
		if (r.need & ~served & features[i].bit)
			code = say(EXIT_KERNEL, "probe", "this kernel has no %s",
				   features[i].text);
	return code;
}
