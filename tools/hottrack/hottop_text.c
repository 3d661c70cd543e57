// SPDX-License-Identifier: GPL-2.0
/*
 * A name in a filesystem is any bytes but '/' and 0. What would move the cursor, turn the
 * direction of the text around or is no text is made visible before it gets to a terminal.
 */
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include "hottop.h"

/**
 * next_char - look at one character of UTF-8
 * @s: where; not the end of a string
 * @len: out: its length, 1 if it is none
 *
 * Return: its code point, or -1 if it is none: cut off, longer than it must be, a surrogate, or
 * beyond the last.
 */
static int next_char(const char *s, size_t *len)
{
	static const int smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char lead = *s;
	size_t n = lead < 0x80 ? 1 : lead < 0xc0 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 :
		   lead < 0xf8 ? 4 : 0;
	int c = n == 1 ? lead : lead & (0x7f >> n);

	*len = 1;
	for (size_t i = 1; i < n; i++) {
		/* The 0 at the end does not pass. */
		if ((s[i] & 0xc0) != 0x80)
			return -1;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (!n || c < smallest[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return -1;
	*len = n;
	return c;
}

/* What iswprint() lets pass: other lines, and other directions in which text is written. */
static bool is_format(int c)
{
	return c == 0x61c || c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069);
}

static bool is_plain(int c, bool utf8)
{
	return c < 0x80 ? c >= 0x20 && c < 0x7f : utf8 && iswprint(c) && !is_format(c);
}

bool text_is_utf8(const char *s)
{
	size_t len;

	for (; *s; s += len)
		if (next_char(s, &len) < 0)
			return false;
	return true;
}

static bool terminal_is_utf8(void)
{
	return !strcmp(nl_langinfo(CODESET), "UTF-8");
}

/**
 * text_shown - text that does no harm on the terminal
 * @s: any bytes in which a backslash is a double one already
 *
 * Return: the same with \ooo for each byte of what the terminal would not show as one character;
 * to be freed. NULL without memory.
 */
char *text_shown(const char *s)
{
	bool utf8 = terminal_is_utf8();
	char *text = malloc(4 * strlen(s) + 1), *end = text;
	size_t len;

	if (!text)
		return NULL;
	for (; *s; s += len) {
		int c = next_char(s, &len);

		if (is_plain(c, utf8)) {
			end = mempcpy(end, s, len);
			continue;
		}
		for (size_t i = 0; i < len; i++)
			end += sprintf(end, "\\%03o", (unsigned char)s[i]);
	}
	*end = '\0';
	return text;
}

/* Return: @s with U+FFFD for each byte that is not UTF-8; to be freed. NULL without memory. */
char *text_as_utf8(const char *s)
{
	char *text = malloc(3 * strlen(s) + 1), *end = text;
	size_t len;

	if (!text)
		return NULL;
	for (; *s; s += len) {
		if (next_char(s, &len) < 0)
			end = mempcpy(end, "\xef\xbf\xbd", 3);
		else
			end = mempcpy(end, s, len);
	}
	*end = '\0';
	return text;
}

char *text_hex(const void *bytes, size_t count)
{
	const unsigned char *b = bytes;
	char *text = malloc(2 * count + 1), *end = text;

	if (!text)
		return NULL;
	for (size_t i = 0; i < count; i++)
		end += sprintf(end, "%02x", b[i]);
	*end = '\0';
	return text;
}

/* Columns that one character takes on the terminal. */
static int char_width(int c)
{
	int width = c < 0x80 ? 1 : wcwidth(c);

	return width < 0 ? 1 : width;
}

/* Columns that @s takes, which came from text_shown() or is ours. */
int text_width(const char *s)
{
	int width = 0;
	size_t len;

	for (; *s; s += len)
		width += char_width(next_char(s, &len));
	return width;
}

/**
 * text_fit - make text as wide as a column
 * @out: filled in
 * @size: of @out
 * @s: came from text_shown() or is ours
 * @width: of the column
 * @keep_end: if it does not fit, leave out what is in front: of a path, the end tells most
 */
void text_fit(char *out, size_t size, const char *s, int width, bool keep_end)
{
	int have = text_width(s);
	char *end = out, *last = out + size - 1;
	size_t len;

	if (have > width && keep_end) {
		/* A dot or two more where a wide character does not fit. */
		for (; *s && have > width - 3; s += len)
			have -= char_width(next_char(s, &len));
		for (; have < width && end < last; have++)
			*end++ = '.';
		/* What belongs to a character that was left out. */
		for (; *s && !char_width(next_char(s, &len)); s += len)
			;
	}
	for (have = end - out; *s; s += len) {
		int w = char_width(next_char(s, &len));

		if (have + w > width || len > (size_t)(last - end))
			break;
		end = mempcpy(end, s, len);
		have += w;
	}
	for (; have < width && end < last; have++)
		*end++ = ' ';
	*end = '\0';
}

/**
 * text_bar - a bar for a share
 * @out: filled in, BAR_SIZE bytes
 * @value: of the bar, at most @max; other than 0 it can be seen
 * @max: of the longest bar
 */
void text_bar(char *out, __u64 value, __u64 max)
{
	bool utf8 = terminal_is_utf8();
	unsigned int steps = utf8 ? 8 : 1, length;

	length = max ? (value * steps * BAR_WIDTH + max / 2) / max : 0;
	if (value && !length)
		length = 1;
	for (; length >= steps; length -= steps)
		out = stpcpy(out, utf8 ? "\xe2\x96\x88" : "#");
	/* U+2588 is a full block, the next ones are an eighth narrower each. */
	if (length)
		out += sprintf(out, "\xe2\x96%c", 0x90 - length);
	*out = '\0';
}
