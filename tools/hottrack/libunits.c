// SPDX-License-Identifier: GPL-2.0
/* Sizes and durations as people write them. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libunits.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

struct unit {
	const char *name;
	__u64 factor;
};

/* Each from small to large. */
static const struct unit sizes[] = {
	{ "", 1 }, { "K", 1ULL << 10 }, { "M", 1ULL << 20 }, { "G", 1ULL << 30 },
	{ "T", 1ULL << 40 },
};

static const struct unit times[] = {
	{ "ms", 1 }, { "s", 1000 }, { "min", 60000 }, { "h", 3600000 }, { "d", 86400000 },
	{ "", 1000 },	/* last, so that it is read but not written */
};

static int parse(const char *text, const struct unit *units, size_t count, __u64 *value)
{
	unsigned long long n;
	char *end;

	/* strtoull() would take blanks and signs. */
	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	n = strtoull(text, &end, 10);
	for (size_t i = 0; i < count; i++) {
		if (strcmp(end, units[i].name))
			continue;
		if (errno || __builtin_mul_overflow(n, units[i].factor, value))
			return -ERANGE;
		return 0;
	}
	return -EINVAL;
}

int parse_bytes(const char *text, __u64 *bytes)
{
	return parse(text, sizes, ARRAY_SIZE(sizes), bytes);
}

int parse_duration(const char *text, __u64 *ms)
{
	return parse(text, times, ARRAY_SIZE(times), ms);
}

char *bytes_text(char text[UNITS_TEXT], __u64 bytes)
{
	const struct unit *unit = sizes;
	double value = bytes;

	/* 999.5 would be four digits when it is rounded. */
	while (value >= 999.5 && unit + 1 < sizes + ARRAY_SIZE(sizes)) {
		value /= 1024;
		unit++;
	}
	if (bytes % unit->factor == 0 && value < 999.5)
		snprintf(text, UNITS_TEXT, "%llu%s", bytes / unit->factor, unit->name);
	else
		snprintf(text, UNITS_TEXT, "%.*f%s", value < 9.995 ? 2 : value < 99.95 ? 1 : 0,
			 value, unit->name);
	return text;
}

char *duration_text(char text[UNITS_TEXT], __u64 ms)
{
	const struct unit *unit = times;

	for (size_t i = 1; ms && i + 1 < ARRAY_SIZE(times); i++)
		if (ms % times[i].factor == 0)
			unit = &times[i];
	if (!ms)
		unit = &times[1];
	snprintf(text, UNITS_TEXT, "%llu%s", ms / unit->factor, unit->name);
	return text;
}

char *age_text(char text[UNITS_TEXT], __u64 ms)
{
	const struct unit *unit = times;

	for (size_t i = 1; i + 1 < ARRAY_SIZE(times); i++)
		if (ms >= times[i].factor)
			unit = &times[i];
	/* What is not a second yet is none. */
	if (unit == times)
		unit = &times[1];
	snprintf(text, UNITS_TEXT, "%llu%s", (ms + unit->factor / 2) / unit->factor, unit->name);
	return text;
}
