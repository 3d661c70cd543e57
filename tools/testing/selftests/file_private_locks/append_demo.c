// SPDX-License-Identifier: GPL-2.0
/* Shows what each kind of lock is worth between threads. */
#include <stdio.h>
#include <string.h>

#include "append_lines.h"

static const char help[] =
	"Usage: append_demo classic|private|shared FILE\n"
	"\n"
	"Three threads append five lines each to FILE, which is emptied first. Each\n"
	"thread locks the file, writes its line in two pieces, and unlocks it.\n"
	"\n"
	"  classic  the locks of F_SETLKW, FILE opened by each thread\n"
	"  private  the locks of F_SETLKPW, FILE opened by each thread\n"
	"  shared   the locks of F_SETLKPW, FILE opened once for all threads\n"
	"\n"
	"Prints how many of the 15 lines are intact in FILE, how many lines of FILE\n"
	"nobody wrote (torn), how many are lost, and how often a thread found another\n"
	"one under the lock that it had just got.\n"
	"Exit status: 0 if all lines are intact and no thread met another, 1 if not,\n"
	"2 for a wrong call.\n";

int main(int argc, char **argv)
{
	static const char * const modes[] = { "classic", "private", "shared" };
	struct append_result r;
	unsigned int mode;

	if (argc == 2 && !strcmp(argv[1], "--help")) {
		fputs(help, stdout);
		return 0;
	}
	if (argc != 3) {
		fprintf(stderr,
			"append_demo: found %d words, wanted a kind of lock and a file; type: append_demo --help\n",
			argc - 1);
		return 2;
	}
	for (mode = 0; mode < 3; mode++)
		if (!strcmp(argv[1], modes[mode]))
			break;
	if (mode == 3) {
		fprintf(stderr,
			"append_demo: found '%s', wanted classic, private or shared; type: append_demo --help\n",
			argv[1]);
		return 2;
	}
	append_lines(mode, argv[2], &r);
	printf("lines written         %d\n", APPEND_TOTAL);
	printf("lines intact          %d\n", r.intact);
	printf("lines torn            %d\n", r.torn);
	printf("lines lost            %d\n", APPEND_TOTAL - r.intact);
	printf("exclusion violations  %d\n", r.violations);
	return r.intact == APPEND_TOTAL && !r.violations ? 0 : 1;
}
