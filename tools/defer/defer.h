/* SPDX-License-Identifier: GPL-2.0 */
/* What the launcher and the library that it loads into programs agree on. */
#ifndef DEFER_H
#define DEFER_H

#include <linux/types.h>
#include <stdio.h>
#include <sys/ioctl.h>

/* From linux/deferrable_timers.h, which no distribution has. */
#ifndef TFD_IOC_SET_DEFER_MAX
#define TFD_TIMER_IS_DEFERRABLE	0x4
#define TIMER_IS_DEFERRABLE	0x4
#define TFD_IOC_SET_DEFER_MAX	_IOW('T', 1, __u64)
#endif

/* The environment variable with the settings, and its four fields. */
#define SETTINGS	"DEFER_SETTINGS"
#define SETTINGS_FORMAT	"%llu %llu %d %d"

struct settings {
	__u64 min_ns;	/* shorter periods are left alone */
	__u64 max_ns;	/* bound of each timerfd; 0: none */
	int sleeps;		/* sleeps and POSIX timers are deferred, too */
	int verbose;
};

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define DURATION_TEXT	32

/* Nanoseconds as they are given on the command line, such as "200ms". */
static inline const char *duration_text(char *text, __u64 ns)
{
	static const struct {
		const char *name;
		__u64 ns;
	} units[] = {
		{ "m", 60000000000 }, { "s", 1000000000 }, { "ms", 1000000 }, { "us", 1000 },
	};
	unsigned int i = 0;

	while (i < 3 && (ns < units[i].ns || ns % units[i].ns))
		i++;
	snprintf(text, DURATION_TEXT, "%llu%s", ns / units[i].ns, units[i].name);
	return text;
}

#endif
