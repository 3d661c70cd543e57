// SPDX-License-Identifier: GPL-2.0
/* hotmap: what the terminal can do. */
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "hotmap.h"

/* Last: term.h makes macros of common words. */
#include <curses.h>
#include <term.h>

/* What terminfo and the usual variables say of the colours. */
static enum colors colors_of(FILE *out)
{
	const char *no = getenv("NO_COLOR"), *color = getenv("COLORTERM");
	int error;

	if (!isatty(fileno(out)) || (no && *no) ||
	    setupterm(NULL, fileno(out), &error) != OK)
		return COLORS_NONE;
	if (color && (!strcmp(color, "truecolor") || !strcmp(color, "24bit")))
		return COLORS_TRUE;
	return tigetnum("colors") >= 256 ? COLORS_256 : COLORS_NONE;
}

/**
 * terminal_look - what the terminal can do
 * @term: out; without a terminal it is 80 characters wide and plain
 * @out: the terminal
 */
void terminal_look(struct terminal *term, FILE *out)
{
	const char *wanted = getenv("COLUMNS");
	struct winsize size = { 0 };

	if (ioctl(fileno(out), TIOCGWINSZ, &size) || !size.ws_col)
		term->width = wanted && atoi(wanted) > 0 ? atoi(wanted) : 80;
	else
		term->width = size.ws_col;
	if (term->width < LEAST_COLUMNS)
		term->width = LEAST_COLUMNS;
	if (term->width > MOST_COLUMNS)
		term->width = MOST_COLUMNS;
	term->height = size.ws_row;
	term->colors = colors_of(out);
	term->utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
	term->dark = true;
}
