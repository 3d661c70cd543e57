// SPDX-License-Identifier: GPL-2.0
/* The septet command: finds the subcommand and hands it its arguments. */
#include <argp.h>
#include <stdio.h>
#include <string.h>

#include "septet.h"

const char *argp_program_version = "septet 0.7.0";

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "features", cmd_features },
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	int *command = state->input;

	(void)arg;
	if (key != ARGP_KEY_ARG)
		return ARGP_ERR_UNKNOWN;
	/* What follows the command's name is for the command to read. */
	*command = state->next - 1;
	state->next = state->argc;
	return 0;
}

static const struct argp argp = {
	.parser = parse_option,
	.args_doc = "COMMAND [ARGUMENT...]",
	.doc = "Look at what Septet adds to the running kernel.\n"
	       "\vCommands:\n"
	       "  features  which of the seven features are there, and how each was probed\n"
	       "\n"
	       "Examples:\n"
	       "  septet features\n"
	       "  septet features --help\n"
	       "\n"
	       "The manual is septet(8).\n",
};

static int wrong_command(const char *found)
{
	if (found)
		fprintf(stderr, "septet: unknown command '%s'; the commands are:", found);
	else
		fprintf(stderr, "septet: no command given; the commands are:");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(stderr, " %s", commands[i].name);
	fputs("; type: septet --help\n", stderr);
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	int command = 0;
	char title[64];

	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &command);
	if (!command)
		return wrong_command(NULL);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(argv[command], commands[i].name))
			continue;
		/* argp names the program in its messages after argv[0]. */
		snprintf(title, sizeof(title), "septet %s", commands[i].name);
		argv[command] = title;
		return commands[i].run(argc - command, argv + command);
	}
	return wrong_command(argv[command]);
}
