// SPDX-License-Identifier: GPL-2.0
/* Shows what becomes of the edits of two programs that save the same file. */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/renameat2.h>

static const char help[] =
	"Usage: edit_demo rename|compare ROUNDS FILE\n"
	"\n"
	"Two editors add a line each to FILE in each round, which is emptied first. Each\n"
	"reads FILE, writes a new file with one more line, and waits until the other one\n"
	"has read FILE, too. Then it saves: the new file is renamed to FILE.\n"
	"\n"
	"  rename   whatever is there\n"
	"  compare  only if FILE is still the file that was read (RENAME_COND); if it is\n"
	"           not, it is read and edited again\n"
	"\n"
	"Exit status: 0 if no edit is lost, 1 if one is or if something fails, 2 for a\n"
	"wrong call.\n";

static bool compare;
static const char *path;

struct editor {
	const char *name;
	char copy[4096];		/* the name of the new file */
	int other;			/* a socket, to the other one */
	int seen;			/* the file that was read, open */
	long refused;
};

static void say(const struct editor *me, long number)
{
	if (write(me->other, &number, sizeof(number)) != sizeof(number))
		err(1, "%s: the other editor", me->name);
}

static long hear(const struct editor *me)
{
	long number;

	if (read(me->other, &number, sizeof(number)) != sizeof(number))
		errx(1, "%s: the other editor has gone", me->name);
	return number;
}

/* Both are here when this returns. */
static void meet(const struct editor *me)
{
	say(me, 0);
	hear(me);
}

static void edit(struct editor *me, long number)
{
	FILE *new = fopen(me->copy, "w");
	char data[4096];
	ssize_t len;

	me->seen = open(path, O_RDONLY);
	if (me->seen < 0 || !new)
		err(1, "%s", path);
	while ((len = read(me->seen, data, sizeof(data))) > 0)
		fwrite(data, 1, len, new);
	fprintf(new, "%s %ld\n", me->name, number);
	if (len || fclose(new))
		err(1, "%s", me->copy);
}

/* False: it is another file by now than the one that was read. */
static bool save(struct editor *me)
{
	struct rename_cond cond = {
		.size = sizeof(cond),
		.mask = RENAME_COND_TARGET_IS,
		.target_fd = me->seen,
	};
	bool saved = !syscall(SYS_renameat2, AT_FDCWD, me->copy, AT_FDCWD, path,
			      compare ? RENAME_COND : 0, &cond);

	if (!saved && errno != EAGAIN)
		err(1, "renameat2");
	close(me->seen);
	return saved;
}

static void work(struct editor *me, long rounds)
{
	snprintf(me->copy, sizeof(me->copy), "%s.%s", path, me->name);
	for (long round = 0; round < rounds; round++) {
		edit(me, round);
		meet(me);
		while (!save(me)) {
			me->refused++;
			edit(me, round);
		}
		meet(me);
	}
}

/* How many of the lines that the two have written are there. */
static long count(long rounds)
{
	long lines = 0, number;
	FILE *f = fopen(path, "r");
	char name;

	if (!f)
		err(1, "%s", path);
	while (fscanf(f, "%c %ld\n", &name, &number) == 2)
		lines += (name == 'A' || name == 'B') && number >= 0 && number < rounds;
	fclose(f);
	return lines;
}

int main(int argc, char **argv)
{
	struct editor a = { .name = "A" }, b = { .name = "B" };
	long rounds, found;
	int ends[2], status;
	pid_t child;

	if (argc == 2 && !strcmp(argv[1], "--help")) {
		fputs(help, stdout);
		return 0;
	}
	if (argc != 4 || (strcmp(argv[1], "rename") && strcmp(argv[1], "compare"))) {
		fputs(help, stderr);
		return 2;
	}
	compare = !strcmp(argv[1], "compare");
	rounds = atol(argv[2]);
	path = argv[3];
	status = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	if (status < 0 || close(status))
		err(1, "%s", path);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
		err(1, "socketpair");
	a.other = ends[0];
	b.other = ends[1];
	child = fork();
	if (child < 0)
		err(1, "fork");
	if (!child) {
		close(a.other);
		work(&b, rounds);
		say(&b, b.refused);
		return 0;
	}
	close(b.other);
	work(&a, rounds);
	b.refused = hear(&a);
	if (waitpid(child, &status, 0) != child || status)
		errx(1, "the other editor failed");

	found = count(rounds);
	printf("edits made              %4ld\n", 2 * rounds);
	printf("saves refused, redone   %4ld\n", a.refused + b.refused);
	printf("edits found in the file %4ld\n", found);
	printf("edits lost              %4ld\n", 2 * rounds - found);
	return found == 2 * rounds ? 0 : 1;
}
