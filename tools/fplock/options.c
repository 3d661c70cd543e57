// SPDX-License-Identifier: GPL-2.0
/* fplock: options that several commands have. */
#include "fplock.h"

enum { KEY_RANGE = 0x200 };

/* In the order of their bits. */
static const struct argp_option all_options[] = {
	{ "shared", 's', NULL, 0, "a read lock, which others can have too" },
	{ "range", KEY_RANGE, "START:LEN", 0, "these bytes only, in bytes or with K, M, G, T" },
	{ "json", 'j', NULL, 0, "print JSON" },
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = o;
		o->type = F_WRLCK;
		return 0;
	case 's':
		o->type = F_RDLCK;
		return 0;
	case KEY_RANGE:
		if (!parse_range(arg, &o->range))
			argp_error(state, "--range: '%s' is no range; wanted START:LEN",
				   shown(arg));
		o->is_ranged = true;
		return 0;
	case 'j':
		o->json = true;
		return 0;
	case ARGP_KEY_ARG:
		if (!(o->which & ONE_FILE))
			return ARGP_ERR_UNKNOWN;
		if (o->path)
			argp_error(state, "'%s' is one too many", shown(arg));
		o->path = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		if (o->which & ONE_FILE)
			argp_error(state, "wanted FILE");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

void parse_options(const struct argp *own, int argc, char **argv, struct options *o)
{
	struct argp_option options[ARRAY_SIZE(all_options) + 1] = { 0 }, *to = options;
	const struct argp_child children[] = { { own }, { 0 } };
	const struct argp argp = { .options = options, .parser = parse_option,
				   .children = children };

	for (size_t i = 0; i < ARRAY_SIZE(all_options); i++)
		if (o->which & 1 << i)
			*to++ = all_options[i];
	argp_parse(&argp, argc, argv, o->which & IN_ORDER ? ARGP_IN_ORDER : 0, NULL, o);
}
