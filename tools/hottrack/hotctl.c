// SPDX-License-Identifier: GPL-2.0
/* hotctl: turn hot tracking on and off, set its limits, look at heat, keep it across a reboot. */
#include <argp.h>
#include <errno.h>
#include <error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hotctl.h"
#include "libunits.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

const char *argp_program_version = "hotctl " VERSION;

enum {
	KEY_JSON = 'j', KEY_FORCE = 'f', KEY_HALF_LIFE = 'l', KEY_RANGE_SIZE = 's',
	KEY_ITEM_MEMORY = 'i', KEY_RANGE_MEMORY = 'r', KEY_RANGES = 'R', KEY_BY = 'b',
	KEY_FILE = 'F',
};

static const struct argp_option option_list[] = {
	{ "half-life", KEY_HALF_LIFE, "TIME", 0,
	  "after this time a request counts half (10min)", 1 },
	{ "range-size", KEY_RANGE_SIZE, "SIZE", 0,
	  "length of a range, a power of two from 64K to 1G (1M); on only", 1 },
	{ "item-memory", KEY_ITEM_MEMORY, "SIZE", 0, "most memory for the heat of files", 1 },
	{ "range-memory", KEY_RANGE_MEMORY, "SIZE", 0,
	  "most memory for the heat of ranges, at least 48K, 24 bytes each", 1 },
	{ "json", KEY_JSON, NULL, 0, "print JSON", 2 },
	{ "ranges", KEY_RANGES, NULL, 0, "count ranges, not files", 2 },
	{ "by", KEY_BY, "WHAT", 0, "count reads, writes or both (both)", 2 },
	{ "file", KEY_FILE, NULL, 0, "forget one file's heat only", 3 },
	{ "force", KEY_FORCE, NULL, 0, "load what was saved from another filesystem", 3 },
	{ 0 }
};

static int turn_on(const struct options *o, int count, char **paths);
static int turn_off(const struct options *o, int count, char **paths);
static int set_limits(const struct options *o, int count, char **paths);
static int reset_heat(const struct options *o, int count, char **paths);

#define COMMANDS "on, off, status, set, reset, save, load, file or histogram"

static const struct command {
	const char *name;
	const char *keys;		/* of the options it takes */
	int min, max;			/* arguments */
	int (*run)(const struct options *o, int count, char **paths);
} commands[] = {
	{ "on", "lsir", 1, 1, turn_on },
	{ "off", "", 1, 1, turn_off },
	{ "status", "j", 0, 4096, show_status },
	{ "set", "lir", 1, 1, set_limits },
	{ "reset", "F", 1, 1, reset_heat },
	{ "save", "", 2, 2, save_heat },
	{ "load", "f", 2, 2, load_heat },
	{ "file", "j", 1, 4096, show_files },
	{ "histogram", "jRb", 1, 1, show_histogram },
};

struct line {
	struct options options;
	char keys[16];			/* of the options that were given */
	const struct command *command;
	char **arguments;
	int count;
};

void say_what(const char *what)
{
	fflush(stdout);
	fprintf(stderr, "hotctl: %s: ", what);
}

int say_end(int code)
{
	fputc('\n', stderr);
	return code;
}

int fail(const char *what, int err)
{
	int code = EXIT_OTHER;

	switch (-err) {
	case ENOTTY:
	case EOPNOTSUPP:
		code = EXIT_CANNOT_TRACK;
		break;
	case ENODATA:
		return say(EXIT_OFF, what, "%s; type: hotctl on %s", hottrack_strerror(err), what);
	case EPERM:
		code = EXIT_NOT_PERMITTED;
		break;
	}
	return say(code, what, "%s", hottrack_strerror(err));
}

int open_path(struct hottrack **ht, const char *path)
{
	int ret = hottrack_open(ht, path);

	if (ret == -EINVAL)
		return say(EXIT_INPUT, path, "is neither a folder nor a file of a filesystem; %s",
			   "where a device is mounted is told by: findmnt DEVICE");
	return ret ? say(EXIT_INPUT, path, "%s", strerror(-ret)) : EXIT_DONE;
}

static void keep_bytes(struct argp_state *state, const char *option, const char *text, __u64 *to)
{
	int ret = parse_bytes(text, to);

	if (ret)
		argp_error(state, "%s: '%s' is %s; wanted %s", option, text,
			   ret == -ERANGE ? "too much" : "not a size", BYTES_WANTED);
}

static void keep_half_life(struct argp_state *state, const char *text, struct hot_ctl *ctl)
{
	int ret = parse_duration(text, &ctl->half_life_ms);

	if (ret == -EINVAL)
		argp_error(state, "--half-life: '%s' is not a time; wanted %s", text,
			   DURATION_WANTED);
	if (ret || ctl->half_life_ms < HOT_HALF_LIFE_MIN_MS ||
	    ctl->half_life_ms > HOT_HALF_LIFE_MAX_MS)
		argp_error(state, "--half-life: '%s' is out of bounds; wanted 1s to 30d", text);
}

static void keep_range_size(struct argp_state *state, const char *text, struct hot_ctl *ctl)
{
	__u64 bytes;

	keep_bytes(state, "--range-size", text, &bytes);
	if (bytes & (bytes - 1) || bytes < 1ULL << HOT_RANGE_SHIFT_MIN ||
	    bytes > 1ULL << HOT_RANGE_SHIFT_MAX)
		argp_error(state, "--range-size: '%s' will not do; wanted 64K, 128K and so on %s",
			   text, "to 1G");
	ctl->range_shift = __builtin_ctzll(bytes);
}

static void keep_by(struct argp_state *state, const char *text, unsigned int *by)
{
	if (!strcmp(text, "reads"))
		*by = HOT_BY_READS;
	else if (!strcmp(text, "writes"))
		*by = HOT_BY_WRITES;
	else if (strcmp(text, "both"))
		argp_error(state, "--by: '%s' is not known; wanted reads, writes or both", text);
	else
		*by = 0;
}

static void keep_command(struct argp_state *state, const char *name, struct line *line)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i].name, name))
			line->command = &commands[i];
	if (!line->command)
		argp_error(state, "'%s' is not a command; wanted %s", name, COMMANDS);
}

static const char *option_name(int key)
{
	const struct argp_option *option = option_list;

	while (option->key != key)
		option++;
	return option->name;
}

/* What the command and its options ask for can be done, as far as words can tell. */
static void check(struct argp_state *state, struct line *line)
{
	const struct command *command = line->command;
	__u32 flags = line->options.ctl.flags;

	if (!command)
		argp_error(state, "no command; wanted %s", COMMANDS);
	for (const char *key = line->keys; *key; key++)
		if (!strchr(command->keys, *key))
			argp_error(state, "%s does not take --%s", command->name,
				   option_name(*key));
	if (line->count < command->min)
		argp_error(state, "%s: %s is missing", command->name,
			   command->min == 2 ? "the PATH or the FILE" : "the PATH");
	if (line->count > command->max)
		argp_error(state, "%s: '%s' is one too many", command->name,
			   line->arguments[command->max]);
	if (command->run == set_limits && !flags)
		argp_error(state, "set: nothing to set; wanted --half-life, --item-memory or %s",
			   "--range-memory");
	if (flags & HOT_CTL_SET_RANGE_BYTES && line->options.ctl.max_range_bytes < 49152)
		argp_error(state, "--range-memory: too little; wanted 48K or more");
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct line *line = state->input;
	struct options *o = &line->options;

	switch (key) {
	case KEY_HALF_LIFE:
		keep_half_life(state, arg, &o->ctl);
		o->ctl.flags |= HOT_CTL_SET_HALF_LIFE;
		break;
	case KEY_RANGE_SIZE:
		keep_range_size(state, arg, &o->ctl);
		o->ctl.flags |= HOT_CTL_SET_RANGE_SHIFT;
		break;
	case KEY_ITEM_MEMORY:
		keep_bytes(state, "--item-memory", arg, &o->ctl.max_item_bytes);
		o->ctl.flags |= HOT_CTL_SET_ITEM_BYTES;
		break;
	case KEY_RANGE_MEMORY:
		keep_bytes(state, "--range-memory", arg, &o->ctl.max_range_bytes);
		o->ctl.flags |= HOT_CTL_SET_RANGE_BYTES;
		break;
	case KEY_JSON:
		o->json = true;
		break;
	case KEY_FORCE:
		o->force = true;
		break;
	case KEY_RANGES:
		o->ranges = true;
		break;
	case KEY_BY:
		keep_by(state, arg, &o->by);
		break;
	case KEY_FILE:
		o->one_file = true;
		break;
	case ARGP_KEY_ARG:
		if (!line->command)
			keep_command(state, arg, line);
		else
			line->arguments[line->count++] = arg;
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
	.args_doc = "on PATH\noff PATH\nstatus [PATH...]\nset PATH\nreset PATH\nsave PATH FILE\n"
		    "load PATH FILE\nfile FILE...\nhistogram PATH",
	.doc = "Control hot tracking, which tells what files and ranges cost device I/O.\n"
	       "\vPATH is the mount point of a filesystem or any folder or file on it.\n"
	       "A SIZE is in bytes or has K, M, G or T behind it.\n"
	       "A TIME is in seconds or has ms, s, min, h or d behind it.\n"
	       "\n"
	       "Examples:\n"
	       "  hotctl on --half-life 1h --range-memory 24M /srv\n"
	       "  hotctl status\n"
	       "  hotctl file /srv/db/table\n"
	       "  hotctl histogram --ranges --by reads /srv\n"
	       "  hotctl save /srv /var/lib/srv.heat\n"
	       "  hotctl load /srv /var/lib/srv.heat\n"
	       "\n"
	       "Exit status: 0 done, 2 usage, 3 not written, 4 not opened or damaged,\n"
	       "5 the kernel or the filesystem cannot track, 7 tracking is off,\n"
	       "8 not permitted, 1 all else.\n"
	       "The manual is hotctl(8).\n",
};

static int control(const struct options *o, const char *path, __u32 flags)
{
	struct hot_ctl ctl = o->ctl;
	struct hottrack *ht;
	int code = open_path(&ht, path), ret;

	if (code)
		return code;
	ctl.flags |= flags;
	ret = hottrack_set(ht, &ctl);
	hottrack_close(ht);
	switch (ret) {
	case 0:
		return EXIT_DONE;
	case -EBUSY:
		return say(EXIT_OTHER, path, "tracking is on with another range size; %s",
			   "only off and on, which forgets all heat, can change it");
	case -EINVAL:
		return say(EXIT_OTHER, path, "the kernel refuses: %s",
			   "no limit may be above half of memory");
	case -ENOMEM:
		return say(EXIT_OTHER, path, "no memory for so many ranges; nothing has changed");
	}
	return fail(path, ret);
}

static int turn_on(const struct options *o, int count, char **paths)
{
	(void)count;
	return control(o, paths[0], HOT_CTL_ON);
}

static int turn_off(const struct options *o, int count, char **paths)
{
	(void)count;
	return control(o, paths[0], HOT_CTL_OFF);
}

static int set_limits(const struct options *o, int count, char **paths)
{
	(void)count;
	return control(o, paths[0], 0);
}

static int reset_heat(const struct options *o, int count, char **paths)
{
	struct hottrack *ht;
	int code = open_path(&ht, paths[0]), ret;

	(void)count;
	if (code)
		return code;
	ret = o->one_file ? hottrack_reset_file(hottrack_fd(ht)) : hottrack_reset(ht);
	hottrack_close(ht);
	return ret ? fail(paths[0], ret) : EXIT_DONE;
}

int main(int argc, char **argv)
{
	struct line line = { 0 };
	int code;

	argp_err_exit_status = EXIT_USAGE;
	line.arguments = calloc(argc, sizeof(*line.arguments));
	if (!line.arguments)
		error(EXIT_OTHER, ENOMEM, "arguments");
	argp_parse(&argp, argc, argv, 0, NULL, &line);
	code = line.command->run(&line.options, line.count, line.arguments);
	free(line.arguments);
	if (fclose(stdout) && code == EXIT_DONE)
		code = say(EXIT_OUTPUT, "standard output", "could not be written: %s",
			   strerror(errno));
	return code;
}
