// SPDX-License-Identifier: GPL-2.0
/* fplock: names, ranges, times and numbers as text. */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include "fplock.h"

const char *shown(const char *name)
{
	static char text[4 * PATH_MAX];
	const char *end = text + sizeof(text) - 4 * MB_LEN_MAX - sizeof("...");
	mbstate_t state = { 0 };
	char *to = text;

	while (*name && to < end) {
		wchar_t c;
		size_t n = mbrtowc(&c, name, MB_LEN_MAX, &state);

		if (n < (size_t)-2 && iswprint(c) && c != L'\\') {
			to = mempcpy(to, name, n);
			name += n;
		} else {
			to += sprintf(to, "\\%03o", (unsigned char)*name++);
			memset(&state, 0, sizeof(state));
		}
	}
	stpcpy(to, *name ? "..." : "");
	return text;
}

char said[512];

int say_it(int code, const char *name)
{
	fflush(stdout);
	fprintf(stderr, "fplock: %s: %s\n", shown(name), said);
	return code;
}

/* Digits and perhaps a unit; NULL if there is no such number, else what follows. */
static const char *parse_bytes(const char *text, int64_t *bytes)
{
	static const char units[] = "KMGT";
	const char *unit;
	char *end;

	/* strtoll() takes white space and signs, too. */
	if (!isdigit((unsigned char)*text))
		return NULL;
	errno = 0;
	*bytes = strtoll(text, &end, 10);
	if (errno)
		return NULL;
	unit = *end ? strchr(units, *end) : NULL;
	if (!unit)
		return end;
	for (const char *u = units; u <= unit; u++)
		if (__builtin_mul_overflow(*bytes, 1024, bytes))
			return NULL;
	return end + 1;
}

/* START, and behind that character LEN, which may be missing if it can be. */
static bool parse_bounds(const char *text, char between, bool can_miss, struct range *range)
{
	const char *rest = parse_bytes(text, &range->start);
	int64_t last;

	range->len = 0;
	if (!rest || (*rest != between && !(can_miss && !*rest)))
		return false;
	if (*rest)
		rest = parse_bytes(rest + 1, &range->len);
	return rest && !*rest &&
	       (!range->len || !__builtin_add_overflow(range->start, range->len - 1, &last));
}

bool parse_range(const char *text, struct range *range)
{
	return parse_bounds(text, ':', true, range);
}

bool parse_place(char *text, struct range *range)
{
	char *colon = strrchr(text, ':');
	struct range found;

	if (!colon || !parse_bounds(colon + 1, '+', false, &found))
		return false;
	*colon = '\0';
	*range = found;
	return true;
}

bool parse_seconds(const char *text, struct timespec *t)
{
	long unit = 100000000;
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	t->tv_sec = strtoll(text, &end, 10);
	t->tv_nsec = 0;
	if (errno)
		return false;
	if (*end != '.')
		return !*end;
	/* What is shorter than a nanosecond is left out. */
	while (isdigit((unsigned char)*++end)) {
		t->tv_nsec += (*end - '0') * unit;
		unit /= 10;
	}
	return !*end && end[-1] != '.';
}

bool parse_number(const char *text, int most, int *number)
{
	unsigned long n;
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	n = strtoul(text, &end, 10);
	*number = n;
	return !*end && n <= (unsigned long)most;
}

bool is_utf8(const char *text)
{
	/* The smallest character of so many bytes; others have a shorter form. */
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };

	while (*text) {
		unsigned char first = *text++;
		int size = first < 0x80 ? 1 : first < 0xc0 ? 0 : first < 0xe0 ? 2 :
			   first < 0xf0 ? 3 : first < 0xf8 ? 4 : 0;
		uint32_t c = first & (0xff >> (size + 1));

		for (int i = 1; i < size; i++) {
			if ((*text & 0xc0) != 0x80)
				return false;
			c = c << 6 | (*text++ & 0x3f);
		}
		if (!size || (size > 1 && c < smallest[size]) || c > 0x10ffff ||
		    (c >= 0xd800 && c < 0xe000))
			return false;
	}
	return true;
}
