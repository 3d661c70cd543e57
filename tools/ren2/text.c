// SPDX-License-Identifier: GPL-2.0
/* ren2: names, tokens and numbers as text. */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include "ren2.h"

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
	fprintf(stderr, "ren2: %s: %s\n", shown(name), said);
	return code;
}

char *token_text(char text[TOKEN_TEXT], __s64 sec, __u32 nsec, __u64 size)
{
	snprintf(text, TOKEN_TEXT, "%lld.%09u:%llu", sec, nsec, size);
	return text;
}

char *token_of(char text[TOKEN_TEXT], const struct stat *st)
{
	return token_text(text, st->st_mtim.tv_sec, st->st_mtim.tv_nsec, st->st_size);
}

bool parse_token(const char *text, struct rename_cond *cond)
{
	char *end, *more, *last;

	/* strtoull() and strtoll() take white space and signs, too. */
	if (!isdigit((unsigned char)text[*text == '-']))
		return false;
	errno = 0;
	cond->target_mtime_sec = strtoll(text, &end, 10);
	if (*end != '.' || strspn(end + 1, "0123456789") != 9)
		return false;
	cond->target_mtime_nsec = strtoul(end + 1, &more, 10);
	if (*more != ':' || !isdigit((unsigned char)more[1]))
		return false;
	cond->target_size = strtoull(more + 1, &last, 10);
	return !*last && !errno;
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
