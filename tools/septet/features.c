// SPDX-License-Identifier: GPL-2.0
/* The table of features, and the command that prints what became of each here. */
#define _GNU_SOURCE
#include <argp.h>
#include <errno.h>
#include <libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "septet.h"

/* A feature that lands sets .since, and .page if it has one; a new probe goes to probe.c. */
const struct feature features[NR_FEATURES] = {
	{
		.name = "hot_tracking",
		.summary = "which files and parts of files cause disk requests",
		.since = "0.3.0",
		.asks_for = "ioctl(HOT_CTL)",
		.page = "Documentation/admin-guide/hot_tracking.rst",
		.probe = probe_hot_tracking,
	},
	{
		.name = "compaction_demand",
		.summary = "memory compaction that follows real demand",
		.asks_for = "sysctl vm.compaction_demand",
		.probe = probe_compaction_demand,
	},
	{
		.name = "dma_page_pool",
		.summary = "pages that stay mapped for a device while they are recycled",
		.asks_for = "none yet",
		.probe = probe_dma_page_pool,
	},
	{
		.name = "file_private_locks",
		.summary = "byte-range locks of an open file that scale and time out",
		.since = "0.5.0",
		.asks_for = "fcntl(F_SETLKPT)",
		.page = "Documentation/admin-guide/file_private_locks.rst",
		.probe = probe_file_private_locks,
	},
	{
		.name = "renameat2",
		.summary = "conditional and durable renames",
		.since = "0.4.0",
		.asks_for = "RENAME_REPLACE",
		.page = "Documentation/admin-guide/renameat2.rst",
		.probe = probe_renameat2,
	},
	{
		.name = "deferrable_timers",
		.summary = "timers that do not wake an idle processor",
		.since = "0.2.0",
		.asks_for = "TFD_TIMER_IS_DEFERRABLE",
		.page = "Documentation/admin-guide/deferrable_timers.rst",
		.probe = probe_deferrable_timers,
	},
	{
		.name = "pm_qos_latency",
		.summary = "device latency limits that end with the program that set them",
		.asks_for = "device pm_qos_latency",
		.probe = probe_pm_qos_latency,
	},
};

enum column {
	COL_NAME,
	COL_STATE,
	COL_PROBE,
	COL_RESULT,
	COL_PRESENT,
	COL_ERRNO,
	COL_SUMMARY,
	COL_SINCE,
	COL_PAGE,
	NR_COLUMNS,
};

/* The key in JSON is the heading in small letters: names are never changed, only added. */
static const struct {
	const char *heading;
	int flags;
	int json_type;
	bool only_json;
} columns[NR_COLUMNS] = {
	[COL_NAME] = { .heading = "NAME" },
	[COL_STATE] = { .heading = "STATE" },
	[COL_PROBE] = { .heading = "PROBE", .flags = SCOLS_FL_WRAP },
	[COL_RESULT] = { .heading = "RESULT", .flags = SCOLS_FL_WRAP },
	[COL_PRESENT] = { .heading = "PRESENT", .json_type = SCOLS_JSON_BOOLEAN,
			  .only_json = true },
	[COL_ERRNO] = { .heading = "ERRNO", .only_json = true },
	[COL_SUMMARY] = { .heading = "SUMMARY", .only_json = true },
	[COL_SINCE] = { .heading = "SINCE", .only_json = true },
	[COL_PAGE] = { .heading = "PAGE", .only_json = true },
};

static const char *state_name(enum state state)
{
	static const char * const names[] = {
		[STATE_PRESENT] = "present",
		[STATE_MAINLINE] = "mainline",
		[STATE_ABSENT] = "absent",
		[STATE_PLANNED] = "planned",
		[STATE_UNKNOWN] = "unknown",
	};

	return names[state];
}

struct request {
	bool json;
	bool shown[NR_FEATURES];
	bool any_shown;
	bool required[NR_FEATURES];
};

static void unknown_feature(const char *name, size_t len)
{
	fprintf(stderr, "septet: unknown feature '%.*s'; the features are:", (int)len, name);
	for (size_t i = 0; i < NR_FEATURES; i++)
		fprintf(stderr, " %s", features[i].name);
	fputc('\n', stderr);
	exit(EXIT_USAGE);
}

static void add_feature(bool *set, const char *name, size_t len)
{
	for (size_t i = 0; i < NR_FEATURES; i++) {
		if (strlen(features[i].name) == len && !memcmp(features[i].name, name, len)) {
			set[i] = true;
			return;
		}
	}
	unknown_feature(name, len);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct request *req = state->input;

	switch (key) {
	case 'j':
		req->json = true;
		return 0;
	case 'r':
		for (const char *p = arg;; p++) {
			size_t len = strcspn(p, ",");

			add_feature(req->required, p, len);
			p += len;
			if (!*p)
				return 0;
		}
	case ARGP_KEY_ARG:
		add_feature(req->shown, arg, strlen(arg));
		add_feature(req->required, arg, strlen(arg));
		req->any_shown = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option options[] = {
	{ .name = "json", .key = 'j', .doc = "Print JSON instead of a table" },
	{ .name = "require", .key = 'r', .arg = "FEATURE[,FEATURE...]",
	  .doc = "Exit with 1 unless all of these are present" },
	{ 0 }
};

static const struct argp argp = {
	.options = options,
	.parser = parse_option,
	.args_doc = "[FEATURE...]",
	.doc = "Tell which Septet features the running kernel has, and how each was probed.\n"
	       "\vWith FEATURE, only these rows are printed, and each has to be present.\n"
	       "\n"
	       "States:\n"
	       "  present   usable\n"
	       "  mainline  only the part that Linux 6.12 has\n"
	       "  absent    not there\n"
	       "  planned   no release has it\n"
	       "  unknown   this process may not find out\n"
	       "\n"
	       "Exit codes:\n"
	       "  0  every feature that was asked for is present, or none was asked for\n"
	       "  1  at least one is not present\n"
	       "  2  the command line is wrong\n"
	       "  3  the report could not be written\n"
	       "\n"
	       "Examples:\n"
	       "  septet features\n"
	       "  septet features --json file_private_locks\n"
	       "  septet features --require file_private_locks >/dev/null && ./locker\n",
};

static int set_row(struct libscols_line *ln, const struct feature *f,
		   const struct verdict *v)
{
	const char *cells[NR_COLUMNS] = {
		[COL_NAME] = f->name,
		[COL_STATE] = state_name(v->state),
		[COL_PROBE] = f->asks_for,
		[COL_RESULT] = v->result,
		[COL_PRESENT] = v->state == STATE_PRESENT ? "1" : "0",
		[COL_ERRNO] = v->err ? strerrorname_np(v->err) : NULL,
		[COL_SUMMARY] = f->summary,
		[COL_SINCE] = f->since,
		[COL_PAGE] = f->page,
	};
	char *with_reason = NULL;
	int rc = 0;

	/* Without the reason, people could not tell a filter from a missing mount. */
	if (v->state == STATE_UNKNOWN && v->err) {
		if (asprintf(&with_reason, "%s: %s", v->result, strerror(v->err)) < 0)
			return -ENOMEM;
		cells[COL_RESULT] = with_reason;
	}
	for (size_t i = 0; i < NR_COLUMNS && !rc; i++)
		rc = scols_line_set_data(ln, i, cells[i]);
	free(with_reason);
	return rc;
}

static struct libscols_table *new_table(bool json)
{
	struct libscols_table *tb;

	scols_init_debug(0);
	tb = scols_new_table();
	if (!tb)
		return NULL;
	scols_table_enable_json(tb, json);
	if (scols_table_set_name(tb, "features"))
		goto fail;
	for (size_t i = 0; i < NR_COLUMNS; i++) {
		struct libscols_column *cl;
		int flags = columns[i].flags;

		if (columns[i].only_json && !json)
			flags |= SCOLS_FL_HIDDEN;
		cl = scols_table_new_column(tb, columns[i].heading, 0, flags);
		if (!cl || scols_column_set_json_type(cl, columns[i].json_type))
			goto fail;
	}
	return tb;

fail:
	scols_unref_table(tb);
	return NULL;
}

static void print_summary(size_t present, size_t shown)
{
	struct utsname uts;

	uname(&uts);
	printf("\n%s %s has %zu of %zu.\n", uts.sysname, uts.release, present, shown);
}

static int report(const struct request *req, const struct verdict *verdicts)
{
	struct libscols_table *tb = new_table(req->json);
	size_t present = 0, shown = 0;
	int ret = -1;

	if (!tb)
		return -1;
	for (size_t i = 0; i < NR_FEATURES; i++) {
		struct libscols_line *ln;

		if (req->any_shown && !req->shown[i])
			continue;
		ln = scols_table_new_line(tb, NULL);
		if (!ln || set_row(ln, &features[i], &verdicts[i]))
			goto out;
		shown++;
		present += verdicts[i].state == STATE_PRESENT;
	}
	if (scols_print_table(tb))
		goto out;
	if (!req->json)
		print_summary(present, shown);
	ret = fflush(stdout) || ferror(stdout) ? -1 : 0;
out:
	scols_unref_table(tb);
	return ret;
}

int cmd_features(int argc, char **argv)
{
	struct verdict verdicts[NR_FEATURES];
	struct request req = { 0 };
	int ret = EXIT_ALL_PRESENT;

	argp_parse(&argp, argc, argv, 0, NULL, &req);
	for (size_t i = 0; i < NR_FEATURES; i++)
		verdicts[i] = features[i].probe();
	errno = 0;
	if (report(&req, verdicts)) {
		fprintf(stderr, "septet: the report could not be written: %s\n",
			strerror(errno ? errno : ENOMEM));
		return EXIT_NO_REPORT;
	}
	for (size_t i = 0; i < NR_FEATURES; i++) {
		if (!req.required[i] || verdicts[i].state == STATE_PRESENT)
			continue;
		fprintf(stderr, "septet: %s is %s: %s\n", features[i].name,
			state_name(verdicts[i].state), verdicts[i].result);
		ret = EXIT_SOME_MISSING;
	}
	return ret;
}
