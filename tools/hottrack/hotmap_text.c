// SPDX-License-Identifier: GPL-2.0
/*
 * hotmap: names in a filesystem are any bytes. Here they become text that neither moves a
 * terminal's cursor nor breaks XML or JSON, and that fits where it has to.
 */
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "hotmap.h"

/*
 * Decode one character of UTF-8; -1 if it is none: cut off, longer than it must be, a
 * surrogate, or beyond the last. Its length is then 1.
 */
static int decode(const char *s, size_t *len)
{
	static const int least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char lead = *s;
	size_t n = lead < 0x80 ? 1 : lead < 0xc0 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 :
		   lead < 0xf8 ? 4 : 0;
	int c = n == 1 ? lead : lead & (0x7f >> n);

	*len = 1;
	for (size_t i = 1; i < n; i++) {
		/* Neither does the 0 at the end pass. */
		if ((s[i] & 0xc0) != 0x80)
			return -1;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (!n || c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return -1;
	*len = n;
	return c;
}

/* Controls, those that turn the direction of writing, and what XML does not allow. */
static bool is_harmful(int c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c || c == 0x200e || c == 0x200f ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff ||
	       (c & 0xfffe) == 0xfffe;
}

/**
 * text_safe - text that does no harm
 * @s: any bytes in which a backslash is a double one already
 * @utf8: other characters than those of ASCII are fine
 *
 * Return: the same with \ooo for each byte of what is not; to be freed. NULL without memory.
 */
char *text_safe(const char *s, bool utf8)
{
	char *text = malloc(4 * strlen(s) + 1), *end = text;
	size_t len;

	if (!text)
		return NULL;
	for (; *s; s += len) {
		int c = decode(s, &len);

		if (!is_harmful(c) && (utf8 || c < 0x80)) {
			end = mempcpy(end, s, len);
			continue;
		}
		for (size_t i = 0; i < len; i++)
			end += sprintf(end, "\\%03o", (unsigned char)s[i]);
	}
	*end = '\0';
	return text;
}

static int char_width(int c)
{
	int width = c < 0x80 ? 1 : wcwidth(c);

	return width < 0 ? 1 : width;
}

/* Bytes of the first character of @s, with the marks that belong to it. */
size_t text_next(const char *s)
{
	size_t len, more;

	decode(s, &len);
	while (s[len] && !char_width(decode(s + len, &more)))
		len += more;
	return len;
}

/* Columns that @s takes on a terminal. */
int text_width(const char *s)
{
	int width = 0;
	size_t len;

	for (; *s; s += len)
		width += char_width(decode(s, &len));
	return width;
}

/* @text with @kept characters, a third of them from its beginning; the rest from its end. */
static void shorten(char *out, const char *s, size_t count, size_t kept, const char *ellipsis)
{
	size_t head = kept / 3, left_out = count - kept;
	const char *from = s;

	for (; head; head--)
		from += text_next(from);
	out = mempcpy(out, s, from - s);
	for (; left_out; left_out--)
		from += text_next(from);
	stpcpy(stpcpy(out, ellipsis), from);
}

/**
 * text_elide - leave out what is in the middle of a text if it is too wide
 * @s: the text
 * @width: room for it
 * @measure: tells how wide a text is
 * @arg: for @measure
 * @ellipsis: stands for what is left out
 *
 * Of a path, the end tells most, so two thirds of what is kept are from there.
 *
 * Return: text to be freed, NULL without memory. It is wider than @width only if not even @ellipsis
 * fits.
 */
char *text_elide(const char *s, double width, text_measure measure, void *arg,
		 const char *ellipsis)
{
	char *out = malloc(strlen(s) + strlen(ellipsis) + 1);
	size_t count = 0, low = 0, high;

	if (!out || measure(s, arg) <= width)
		return out ? memcpy(out, s, strlen(s) + 1) : NULL;
	for (const char *at = s; *at; at += text_next(at))
		count++;
	high = count ? count - 1 : 0;
	/* The most characters that fit; none always does as well as can be. */
	while (low < high) {
		size_t middle = (low + high + 1) / 2;

		shorten(out, s, count, middle, ellipsis);
		if (measure(out, arg) <= width)
			low = middle;
		else
			high = middle - 1;
	}
	shorten(out, s, count, low, ellipsis);
	return out;
}
