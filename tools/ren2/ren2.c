// SPDX-License-Identifier: GPL-2.0
/* ren2: rename if, swap, edit without losing anybody's change; nothing is done in another way. */
#include <argp.h>
#include <errno.h>
#include <limits.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ren2.h"

const char *argp_program_version = "ren2 " VERSION;

enum {
	KEY_SAME = 'f', KEY_UNCHANGED = 'u', KEY_ABSENT = 'a', KEY_EXISTS = 'e', KEY_NEWER = 'n',
	KEY_SYNC = 's', KEY_EDIT = 'E', KEY_TRIES = 't', KEY_KEEP_GOING = 'k', KEY_JSON = 'j',
	KEY_NEED = 'N',
};

static const struct argp_option option_list[] = {
	{ "if-same", KEY_SAME, "FD", 0,
	  "only if TARGET is the file that descriptor FD is open on", 1 },
	{ "if-unchanged", KEY_UNCHANGED, "TOKEN", 0,
	  "only if TARGET has the size and the time that 'ren2 token' printed", 1 },
	{ "if-absent", KEY_ABSENT, NULL, 0, "only if there is no TARGET", 1 },
	{ "if-exists", KEY_EXISTS, NULL, 0, "only if there is a TARGET", 1 },
	{ "newer", KEY_NEWER, NULL, 0,
	  "only if SOURCE was modified later than TARGET, or there is none", 1 },
	{ "sync", KEY_SYNC, NULL, 0, "end when it is on stable storage", 2 },
	{ "edit", KEY_EDIT, NULL, 0, "give COMMAND the path of a copy to change", 2 },
	{ "tries", KEY_TRIES, "N", 0, "give up after so many (100; with --edit 1)", 2 },
	{ "keep-going", KEY_KEEP_GOING, NULL, 0, "do not stop at an operation that fails", 3 },
	{ "json", KEY_JSON, NULL, 0, "print JSON", 3 },
	{ "need", KEY_NEED, "FLAG,...", 0, "fail if one of these does not work, such as cond", 3 },
	{ 0 }
};

#define COMMANDS "probe, swap, put, token, cas or batch"

static const struct command {
	const char *name;
	const char *keys;		/* of the options it takes */
	const char *wanted;		/* arguments */
	int min, max;
	int (*run)(const struct options *o, int count, char **arguments);
} commands[] = {
	{ "probe", "jN", "PATH", 0, 1, probe },
	{ "swap", "funs", "A and B", 2, 2, swap },
	{ "put", "fuaens", "SOURCE and TARGET", 2, 2, put },
	{ "token", "", "FILE", 0, 1, token },
	{ "cas", "sEt", "FILE and COMMAND", 2, INT_MAX, cas },
	{ "batch", "k", "FILE", 0, 1, batch },
};

struct line {
	struct options options;
	char keys[16];			/* of the options that were given */
	const struct command *command;
	char **arguments;
	int count;
};

static void keep_command(struct argp_state *state, const char *name, struct line *line)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i].name, name))
			line->command = &commands[i];
	if (!line->command)
		argp_error(state, "'%s' is not a command; wanted " COMMANDS, shown(name));
	if (line->command->run == cas)
		argp_err_exit_status = CAS_EXIT + EXIT_USAGE;
}

static void keep_token(struct argp_state *state, const char *text, struct request *r)
{
	if (!strcmp(text, TOKEN_ABSENT))
		r->flags |= RENAME_NOREPLACE;
	else if (parse_token(text, &r->cond))
		r->cond.mask |= RENAME_COND_TARGET_UNCHANGED;
	else
		argp_error(state, "--if-unchanged: '%s' is not what 'ren2 token' prints",
			   shown(text));
}

static void keep_same(struct argp_state *state, const char *text, struct request *r)
{
	if (!parse_number(text, INT_MAX, &r->cond.target_fd))
		argp_error(state, "--if-same: '%s' is not the number of a descriptor", shown(text));
	r->cond.mask |= RENAME_COND_TARGET_IS;
}

static void keep_need(struct argp_state *state, const char *text, unsigned int *need)
{
	static const struct {
		const char *name;
		unsigned int flag;
	} names[] = {
		{ "noreplace", RENAME_NOREPLACE }, { "exchange", RENAME_EXCHANGE },
		{ "whiteout", RENAME_WHITEOUT }, { "replace", RENAME_REPLACE },
		{ "sync", RENAME_SYNC }, { "cond", RENAME_COND },
	};

	for (;;) {
		size_t length = strcspn(text, ","), i = 0;

		while (i < ARRAY_SIZE(names) && (strlen(names[i].name) != length ||
						 strncmp(names[i].name, text, length)))
			i++;
		if (i == ARRAY_SIZE(names))
			argp_error(state, "--need: '%s' is not known; wanted %s", shown(text),
				   "noreplace, exchange, whiteout, replace, sync or cond");
		*need |= names[i].flag;
		if (!text[length])
			return;
		text += length + 1;
	}
}

static const char *option_name(int key)
{
	const struct argp_option *option = option_list;

	while (option->key != key)
		option++;
	return option->name;
}

/* What is asked for can be done, as far as words can tell. */
static void check(struct argp_state *state, struct line *line)
{
	const struct command *command = line->command;
	const struct request *r = &line->options.request;
	const char *why = conflict(r);

	if (!command)
		argp_error(state, "no command; wanted " COMMANDS);
	for (const char *key = line->keys; *key; key++)
		if (!strchr(command->keys, *key))
			argp_error(state, "%s does not take --%s", command->name,
				   option_name(*key));
	if (line->count < command->min)
		argp_error(state, "%s: wanted %s", command->name, command->wanted);
	if (line->count > command->max)
		argp_error(state, "%s: '%s' is one too many", command->name,
			   shown(line->arguments[command->max]));
	if (why)
		argp_error(state, "%s", why);
	if (command->run == swap && r->flags & RENAME_NOREPLACE)
		argp_error(state, "swap: both must exist");
	if (command->run == put && r->cond.mask & RENAME_COND_SOURCE_NEWER &&
	    !strcmp(line->arguments[0], "-"))
		argp_error(state, "--newer: what is read is always new");
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct line *line = state->input;
	struct options *o = &line->options;

	switch (key) {
	case KEY_SAME:
		keep_same(state, arg, &o->request);
		break;
	case KEY_UNCHANGED:
		keep_token(state, arg, &o->request);
		break;
	case KEY_ABSENT:
		o->request.flags |= RENAME_NOREPLACE;
		break;
	case KEY_EXISTS:
		o->request.flags |= RENAME_REPLACE;
		break;
	case KEY_NEWER:
		o->request.cond.mask |= RENAME_COND_SOURCE_NEWER;
		break;
	case KEY_SYNC:
		o->request.flags |= RENAME_SYNC;
		break;
	case KEY_EDIT:
		o->edit = true;
		break;
	case KEY_TRIES:
		if (!parse_number(arg, INT_MAX, &o->tries) || !o->tries)
			argp_error(state, "--tries: '%s' is not a number from 1", shown(arg));
		break;
	case KEY_KEEP_GOING:
		o->keep_going = true;
		break;
	case KEY_JSON:
		o->json = true;
		break;
	case KEY_NEED:
		keep_need(state, arg, &o->need);
		break;
	case ARGP_KEY_ARG:
		if (!line->command) {
			keep_command(state, arg, line);
			return 0;
		}
		line->arguments[line->count++] = arg;
		/* What follows belongs to the command that cas runs. */
		if (line->command->run == cas && line->count == 2)
			while (state->next < state->argc)
				line->arguments[line->count++] = state->argv[state->next++];
		return 0;
	case ARGP_KEY_END:
		check(state, line);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	if (!strchr(line->keys, key))
		line->keys[strlen(line->keys)] = key;
	return 0;
}

static const struct argp argp = {
	.options = option_list,
	.parser = parse_option,
	.args_doc = "probe [PATH]\nswap A B\nput SOURCE TARGET\ntoken [FILE]\n"
		    "cas FILE [--] COMMAND [ARGUMENT...]\nbatch [FILE]",
	.doc = "Rename if a condition holds, swap two names, edit a file without losing what\n"
	       "others did to it meanwhile. What the kernel or the filesystem does not\n"
	       "support fails; nothing is done in another way.\n"
	       "\vSOURCE - is standard input. TARGET itself is replaced, also if it is a link.\n"
	       "\n"
	       "Examples:\n"
	       "  exec 3<config; sed s/old/new/ <&3 >config.new\n"
	       "  ren2 put --if-same 3 config.new config\n"
	       "  seen=$(ren2 token state); ...; ren2 put --if-unchanged \"$seen\" new state\n"
	       "  date | ren2 put --sync - stamp\n"
	       "  ren2 cas counter -- awk '{ print $1 + 1 }'\n"
	       "  ren2 cas --edit /etc/motd -- vi\n"
	       "  ren2 swap current next\n"
	       "  ren2 probe --need cond,sync /srv\n"
	       "\n"
	       "Exit status: 0 done, 2 usage, 3 a condition does not hold, 4 the kernel or\n"
	       "5 the filesystem does not support it, 6 done but perhaps not on stable\n"
	       "storage, 1 all else. cas ends with the status of COMMAND; its own are 110\n"
	       "higher. The manual is ren2(1).\n",
};

int main(int argc, char **argv)
{
	struct line line = { 0 };
	const struct rename_cond *cond = &line.options.request.cond;
	int code, fd;

	/* Whoever closed one of the first three does not get another file for it. */
	do
		fd = open("/", O_PATH | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	close(fd);
	/* For names that are shown. */
	setlocale(LC_CTYPE, "");
	argp_err_exit_status = EXIT_USAGE;
	/* One more, so that the arguments of a program end with NULL, and one for a path. */
	line.arguments = calloc(argc + 2, sizeof(*line.arguments));
	if (!line.arguments)
		return say(EXIT_OTHER, "arguments", "%s", strerror(ENOMEM));
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &line);
	if (cond->mask & RENAME_COND_TARGET_IS && !is_inherited(cond->target_fd))
		code = say(EXIT_OTHER, "--if-same", "descriptor %d is not open", cond->target_fd);
	else
		code = line.command->run(&line.options, line.count, line.arguments);
	free(line.arguments);
	if (fclose(stdout) && code == EXIT_DONE)
		code = say(EXIT_OTHER, "standard output", "could not be written: %s",
			   strerror(errno));
	signals_end();
	return code;
}
