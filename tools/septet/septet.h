/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SEPTET_H
#define SEPTET_H

#include <stdbool.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* Exit codes, as septet(8) lists them. */
enum {
	EXIT_ALL_PRESENT = 0,
	EXIT_SOME_MISSING = 1,
	EXIT_USAGE = 2,
	EXIT_NO_REPORT = 3,
};

enum state {
	STATE_PRESENT,
	STATE_MAINLINE,
	STATE_ABSENT,
	STATE_PLANNED,
	STATE_UNKNOWN,
};

/**
 * struct verdict - what a probe found out
 * @state: one of the five states of septet(8)
 * @err: the errno that decided it, 0 if none did
 * @result: what the kernel said, in a few words for people; a string constant
 */
struct verdict {
	enum state state;
	int err;
	const char *result;
};

/**
 * struct feature - one row of the table in features.c
 * @name: the name used in every part of the project
 * @summary: what it adds to Linux 6.12
 * @since: first release of the series that carries it, NULL if none does yet
 * @asks_for: what the probe asks the kernel for; short, for the PROBE column
 * @page: its page in the patched kernel's documentation, NULL without one
 * @probe: looks at the running kernel and changes nothing
 */
struct feature {
	const char *name;
	const char *summary;
	const char *since;
	const char *asks_for;
	const char *page;
	struct verdict (*probe)(void);
};

#define NR_FEATURES 7
extern const struct feature features[NR_FEATURES];

int cmd_features(int argc, char **argv);

struct verdict probe_hot_tracking(void);
struct verdict probe_compaction_demand(void);
struct verdict probe_dma_page_pool(void);
struct verdict probe_file_private_locks(void);
struct verdict probe_renameat2(void);
struct verdict probe_deferrable_timers(void);
struct verdict probe_pm_qos_latency(void);

#endif
