// SPDX-License-Identifier: GPL-2.0
/* fplock: locks of open files for people and scripts. The commands are in files of their own. */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fplock.h"

const char *argp_program_version = "fplock " VERSION;

#define COMMANDS "run, test, ls, tree, why or probe"

static const struct command {
	const char *name;
	const char *title;		/* what its messages begin with */
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "run", "fplock run", run },
	{ "test", "fplock test", test },
	{ "ls", "fplock ls", ls },
	{ "tree", "fplock tree", tree },
	{ "why", "fplock why", why },
	{ "probe", "fplock probe", probe },
};

struct line {
	const struct command *command;
	char **arguments;		/* its name and what follows */
	int count;
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct line *line = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
			if (!strcmp(commands[i].name, arg))
				line->command = &commands[i];
		if (!line->command)
			argp_error(state, "'%s' is not a command; wanted " COMMANDS, shown(arg));
		/* The rest belongs to the command. */
		line->arguments = state->argv + state->next - 1;
		line->count = state->argc - state->next + 1;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "no command; wanted " COMMANDS);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.parser = parse_option,
	.args_doc = "run [OPTION...] FILE [--] COMMAND [ARGUMENT...]\n"
		    "test [OPTION...] FILE\n"
		    "ls [OPTION...] FILE...\n"
		    "ls [OPTION...] --pid PID\n"
		    "tree [OPTION...] [FILE...]\n"
		    "why [OPTION...] FILE[:START+LEN]\n"
		    "probe [OPTION...]",
	.doc = "Hold a lock on a file, or on bytes of it, while a command runs; see what is in\n"
	       "the way of one, who has which locks and who waits for whom; see what the\n"
	       "kernel can do. The locks it takes are file-private: they belong to the open\n"
	       "file.\n"
	       "\v'fplock run --help' and so on show the options of a command.\n"
	       "\n"
	       "Examples:\n"
	       "  fplock run -w 2.5 job.lock -- ./job --all\n"
	       "  fplock run --shared --range 0:4096 data -- ./report\n"
	       "  fplock run -n -E 75 job.lock -- ./job || [ $? = 75 ]\n"
	       "  fplock test --json job.lock\n"
	       "  fplock ls job.lock\n"
	       "  fplock tree\n"
	       "  fplock why job.lock\n"
	       "  fplock probe --need timed\n"
	       "\n"
	       "Exit status: that of COMMAND; 1 a lock is in the way, 64 usage, 66 the file\n"
	       "cannot be opened, 69 the kernel does not have it, 71 all else, 126 and 127\n"
	       "COMMAND cannot be executed or was not found. The manual is fplock(1).\n",
};

int main(int argc, char **argv)
{
	struct line line = { 0 };
	int code, fd;

	/* Whoever closed one of the first three does not get another file for it. */
	do
		fd = open("/", O_PATH | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	close(fd);
	/* For names that are shown. */
	setlocale(LC_CTYPE, "");
	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &line);
	line.arguments[0] = (char *)line.command->title;
	code = line.command->run(line.count, line.arguments);
	if (fclose(stdout) && code == EXIT_DONE)
		code = say(EXIT_OTHER, "standard output", "could not be written: %s",
			   strerror(errno));
	return code;
}
