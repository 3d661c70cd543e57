// SPDX-License-Identifier: GPL-2.0
/* The hottop command: reads the options and runs one of its modes. */
#include <argp.h>
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hottop.h"

#define DEFAULT_INTERVAL 2
#define DEFAULT_ROWS 20
#define DEFAULT_LIVE_ROWS 1000
#define SECOND 1000000000ULL

/* The most requests that heat can be. */
#define MAX_REQUESTS (2 * (HOT_HEAT_MAX / HOT_ONE))

const char *argp_program_version = "hottop " VERSION;

struct request {
	const char *path;
	bool live;
	bool json;
	bool enable;
	bool counted;		/* --once or --count was given */
	bool paced;		/* --interval was given */
	unsigned int count;
	struct settings set;
};

static unsigned int number_from(struct argp_state *state, const char *option, const char *arg,
				unsigned int min, unsigned int max)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(arg, &end, 10);
	if (errno || end == arg || *end || value < min || value > max)
		argp_error(state, "--%s '%s': wanted a number from %u to %u", option, arg, min,
			   max);
	return value;
}

static __u64 heat_from(struct argp_state *state, const char *arg)
{
	char *end;
	double value = strtod(arg, &end);

	/* Also refuses what is no number. */
	if (end == arg || *end || !(value >= 0 && value <= MAX_REQUESTS))
		argp_error(state, "--min-heat '%s': wanted a number of requests from 0 to %u", arg,
			   MAX_REQUESTS);
	return value * HOT_ONE;
}

static enum sort sort_named(struct argp_state *state, const char *arg)
{
	for (size_t i = 0; i < NR_SORTS; i++)
		if (!strcmp(arg, sort_names[i]))
			return i;
	argp_error(state, "--sort '%s': wanted total, reads, writes, bytes or age", arg);
	return 0;
}

static void columns_from(struct argp_state *state, struct settings *set, const char *arg)
{
	char *copy = strdup(arg), *rest = copy, *name;
	unsigned int seen = 0;
	enum column_id id;

	if (!copy)
		argp_failure(state, EXIT_NOT_WRITTEN, ENOMEM, "--columns");
	set->nr_columns = 0;
	while ((name = strsep(&rest, ","))) {
		if (!column_named(name, &id))
			argp_error(state, "--columns '%s': there is no column '%s', see --help",
				   arg, name);
		if (seen & 1U << id)
			argp_error(state, "--columns '%s': '%s' is there twice", arg, name);
		seen |= 1U << id;
		set->columns[set->nr_columns++] = id;
	}
	free(copy);
}

static void check_request(struct argp_state *state, struct request *req)
{
	bool table = req->counted || req->json;
	bool terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);

	if (req->live && table)
		argp_error(state, "--live excludes --once, --count and --json");
	if (req->live && !terminal)
		argp_error(state, "--live needs a terminal; use --once");
	if (req->json && req->set.nr_columns)
		argp_error(state, "--columns is for tables; JSON has all of them");
	req->live = !table && terminal;
	if (req->paced && !req->live && req->count == 1)
		argp_error(state, "--interval is for the live view and for --count");
	if (!req->set.limit)
		req->set.limit = req->live ? DEFAULT_LIVE_ROWS : DEFAULT_ROWS;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct request *req = state->input;
	struct settings *set = &req->set;

	switch (key) {
	case 'e':
		req->enable = true;
		return 0;
	case 'r':
		set->ranges = true;
		return 0;
	case 's':
		set->sort = sort_named(state, arg);
		return 0;
	case 'f':
		if (strlen(arg) >= sizeof(set->filter))
			argp_error(state, "--filter: wanted at most %zu bytes",
				   sizeof(set->filter) - 1);
		memcpy(set->filter, arg, strlen(arg) + 1);
		return 0;
	case 'm':
		set->min_heat = heat_from(state, arg);
		return 0;
	case 'l':
		set->limit = number_from(state, "rows", arg, 1, HOT_COUNT_MAX);
		return 0;
	case 'o':
		columns_from(state, set, arg);
		return 0;
	case 'S':
		set->search = true;
		return 0;
	case '1':
		req->counted = true;
		req->count = 1;
		return 0;
	case 'n':
		req->counted = true;
		req->count = number_from(state, "count", arg, 0, 1000000000);
		return 0;
	case 'i':
		req->paced = true;
		set->interval = number_from(state, "interval", arg, 1, 3600);
		return 0;
	case 'j':
		req->json = true;
		return 0;
	case 'L':
		req->live = true;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num)
			argp_error(state, "'%s' was not expected: one path is enough", arg);
		req->path = arg;
		return 0;
	case ARGP_KEY_END:
		check_request(state, req);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option options[] = {
	{ .name = "once", .key = '1', .doc = "Print one table instead of the live view" },
	{ .name = "count", .key = 'n', .arg = "COUNT",
	  .doc = "Print that many tables; 0: until interrupted" },
	{ .name = "interval", .key = 'i', .arg = "SECONDS",
	  .doc = "Time between two tables or updates (2)" },
	{ .name = "live", .key = 'L', .doc = "Show the live view" },
	{ .name = "json", .key = 'j', .doc = "Print JSON instead of a table" },
	{ .name = "ranges", .key = 'r', .doc = "Show ranges of files instead of files" },
	{ .name = "sort", .key = 's', .arg = "ORDER",
	  .doc = "total (the default), reads, writes, bytes or age" },
	{ .name = "filter", .key = 'f', .arg = "TEXT",
	  .doc = "Show only what has TEXT in its name" },
	{ .name = "min-heat", .key = 'm', .arg = "REQUESTS",
	  .doc = "Show only what is at least that hot" },
	{ .name = "rows", .key = 'l', .arg = "ROWS",
	  .doc = "Show at most that many (20; 1000 in the live view)" },
	{ .name = "columns", .key = 'o', .arg = "LIST",
	  .doc = "Show these columns, separated by commas" },
	{ .name = "search", .key = 'S',
	  .doc = "Look through the folders for names that the kernel has not in memory" },
	{ .name = "enable", .key = 'e', .doc = "Turn tracking on if it is off; it stays on" },
	{ 0 }
};

static const struct argp argp = {
	.options = options,
	.parser = parse_option,
	.args_doc = "[PATH]",
	.doc = "Show which files of a filesystem, or which ranges of them, cost device I/O.\n"
	       "\vPATH is any folder or file of the filesystem, by default the current folder.\n"
	       "The live view is the default on a terminal, one table otherwise.\n"
	       "\n"
	       "Columns: HEAT, BAR, READS, WRITES, REQ/S, READ, WRITTEN, AGE, OFFSET, LENGTH,\n"
	       "INODE, HANDLE, NAME.\n"
	       "\n"
	       "Exit codes:\n"
	       "  0  done\n"
	       "  2  the command line is wrong\n"
	       "  3  the table could not be written, or no memory\n"
	       "  4  the path could not be opened, or the kernel's answer not be read\n"
	       "  5  this kernel, or this filesystem, has no hot tracking\n"
	       "  6  the terminal is not known\n"
	       "  7  tracking is off\n"
	       "  8  not permitted\n"
	       "\n"
	       "Examples:\n"
	       "  hottop /srv\n"
	       "  hottop --once --sort reads --rows 10 /srv\n"
	       "  hottop --ranges --filter /srv/vm/ /srv\n"
	       "  hottop --json /srv\n"
	       "  hottop --enable --columns HEAT,REQ/S,NAME /srv\n"
	       "\n"
	       "The manual is hottop(8).\n",
};

static int exit_code(int err)
{
	switch (-err) {
	case ENOTTY:
	case EOPNOTSUPP:
		return EXIT_NO_TRACKING;
	case ENODATA:
	case ENODEV:
		return EXIT_OFF;
	case EPERM:
	case EACCES:
		return EXIT_DENIED;
	case ENOMEM:
		return EXIT_NOT_WRITTEN;
	default:
		return EXIT_NO_INPUT;
	}
}

/**
 * report_error - say what is wrong with the filesystem, and what to do
 * @err: a negative errno of the library
 * @set: the filesystem
 *
 * Return: an exit code.
 */
int report_error(int err, const struct settings *set)
{
	fprintf(stderr, "hottop: %s: %s", set->mount_point, hottrack_strerror(err));
	if (err == -ENODATA)
		fprintf(stderr, "; turn it on with 'hotctl on %s', or with --enable",
			set->mount_point);
	fputc('\n', stderr);
	return exit_code(err);
}

static int resolve_all(struct snapshot *s, struct settings *set)
{
	int ret = 0;

	for (size_t i = 0; i < s->count && !ret; i++)
		ret = row_resolve(&s->rows[i], set->ht);
	return ret;
}

static int read_names(struct snapshot *s, struct settings *set)
{
	int ret = resolve_all(s, set);

	if (ret || !set->search)
		return ret;
	ret = hottrack_search(set->ht, 0);
	if (ret < 0)
		return ret;
	/* A filter wants the names that were found now. */
	ret = snapshot_arrange(s, set);
	return ret ? ret : resolve_all(s, set);
}

static int print_tables(const struct request *req, struct settings *set)
{
	__u64 next = now_ns();
	struct snapshot s = { 0 };
	int ret = 0;

	for (unsigned int i = 0; !signals_seen() && (i < req->count || !req->count); i++) {
		if (i) {
			wait_until(next, -1);
			if (signals_seen())
				break;
		}
		next += set->interval * SECOND;
		ret = snapshot_read(&s, set);
		if (!ret)
			ret = read_names(&s, set);
		if (ret) {
			ret = report_error(ret, set);
			break;
		}
		errno = 0;
		if (i && !req->json)
			putchar('\n');
		if (req->json ? print_json(&s, set) : print_table(&s, set)) {
			fprintf(stderr, "hottop: the table could not be written: %s\n",
				strerror(errno ? errno : ENOMEM));
			ret = EXIT_NOT_WRITTEN;
			break;
		}
	}
	snapshot_free(&s);
	return ret;
}

/* Nobody is told twice; and what is on is not changed. */
static int turn_on(struct settings *set)
{
	struct hot_ctl ctl = { .flags = HOT_CTL_ON };
	int ret = hottrack_is_on(set->ht);

	if (ret)
		return ret < 0 ? ret : 0;
	ret = hottrack_set(set->ht, &ctl);
	if (!ret)
		fprintf(stderr, "hottop: tracking of %s is now on; 'hotctl off %s' ends it\n",
			set->mount_point, set->mount_point);
	return ret;
}

static int open_path(const struct request *req, struct settings *set)
{
	struct hottrack_file mount = { .known = HOTTRACK_NAMED };
	int ret = hottrack_open(&set->ht, req->path);
	char *described;

	if (ret) {
		fprintf(stderr, "hottop: %s: %s\n", req->path, ret == -EINVAL ?
			"neither a folder nor a regular file" : strerror(-ret));
		return exit_code(ret) == EXIT_NOT_WRITTEN ? EXIT_NOT_WRITTEN : EXIT_NO_INPUT;
	}
	mount.path = (char *)hottrack_mount_point(set->ht);
	described = hottrack_describe(&mount);
	set->mount_point = described ? text_shown(described) : NULL;
	free(described);
	if (set->mount_point)
		return EXIT_DONE;
	fprintf(stderr, "hottop: %s\n", strerror(ENOMEM));
	return EXIT_NOT_WRITTEN;
}

static int run(struct request *req)
{
	struct settings *set = &req->set;
	int ret = open_path(req, set);

	if (ret)
		return ret;
	if (req->enable) {
		ret = turn_on(set);
		if (ret)
			return report_error(ret, set);
	}
	signals_catch();
	return req->live ? live_view(set) : print_tables(req, set);
}

int main(int argc, char **argv)
{
	struct request req = {
		.path = ".",
		.count = 1,
		.set = { .interval = DEFAULT_INTERVAL },
	};
	int ret;

	/* Not LC_NUMERIC: JSON has decimal points everywhere. */
	setlocale(LC_CTYPE, "");
	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &req);
	ret = run(&req);
	hottrack_close(req.set.ht);
	free(req.set.mount_point);
	return ret;
}
