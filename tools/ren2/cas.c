// SPDX-License-Identifier: GPL-2.0
/* ren2: cas, which runs a program on a file until nobody else has changed it meanwhile. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ren2.h"

#define TRIES 100
#define LONGEST_PAUSE_MS 64

/* As shells and env(1) have them. */
#define EXIT_CANNOT_EXECUTE 126
#define EXIT_NOT_FOUND 127
#define EXIT_SIGNALLED 128

struct attempt {
	const char *path;		/* of the file */
	struct place place;
	int old;			/* the file that the program sees */
	struct temporary temporary;	/* what the program writes, or the folder that it is in */
	char **command;
};

/* Of cas itself, so that it is not taken for that of the command. */
static int own(int code)
{
	return code ? CAS_EXIT + code : EXIT_DONE;
}

/* The folder that the file is in, for names with no folder, is "". */
static char *copy_path(const struct attempt *a)
{
	char *path;

	if (asprintf(&path, "%.*s%s/%s", (int)(a->place.name - a->path), a->path,
		     a->temporary.name, a->place.name) < 0)
		return NULL;
	return path;
}

static void run(struct attempt *a, int in, int out)
{
	int err;

	signals_restore();
	if ((in < 0 || dup2(in, STDIN_FILENO) >= 0) && (out < 0 || dup2(out, STDOUT_FILENO) >= 0))
		execvp(a->command[0], a->command);
	err = errno;
	say(0, a->command[0], "%s", strerror(err));
	_exit(err == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_EXECUTE);
}

/* An exit code, -EINTR if a signal ends us. */
static int run_command(struct attempt *a, int in, int out)
{
	pid_t child = fork();
	int status;

	if (child < 0)
		return own(say(EXIT_OTHER, a->command[0], "%s", strerror(errno)));
	if (!child)
		run(a, in, out);
	if (!signals_child(child, &status))
		return -EINTR;
	if (WIFSIGNALED(status))
		return say(EXIT_SIGNALLED + WTERMSIG(status), a->command[0],
			   "killed by signal %d; %s is as it was", WTERMSIG(status),
			   shown(a->path));
	return WEXITSTATUS(status);
}

static int open_old(struct attempt *a)
{
	struct stat st;

	/* Something else than a file may make open() wait. */
	a->old = openat(a->place.dir, a->place.name,
			O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (a->old < 0)
		return errno == ELOOP ?
			say(EXIT_OTHER, a->path, "is a symbolic link; name the file it leads to") :
			say(EXIT_OTHER, a->path, "%s", strerror(errno));
	if (fstat(a->old, &st) || !S_ISREG(st.st_mode))
		return say(EXIT_OTHER, a->path, "is not a regular file");
	/* The program gets it as its standard input. */
	fcntl(a->old, F_SETFL, 0);
	return EXIT_DONE;
}

static int no_temporary(const struct attempt *a, int err)
{
	return say(EXIT_OTHER, a->path, "no temporary file beside it: %s", strerror(err));
}

/* The program reads the file and writes its new content: an open file, or an exit code. */
static int filtered(struct attempt *a, int *code)
{
	int ret = temporary_file(&a->temporary, a->place.dir);

	*code = ret ? own(no_temporary(a, -ret)) : run_command(a, a->old, a->temporary.fd);
	return *code ? -1 : fcntl(a->temporary.fd, F_DUPFD_CLOEXEC, 0);
}

static int make_copy(struct attempt *a)
{
	int ret = temporary_folder(&a->temporary, a->place.dir), fd;

	if (ret)
		return ret;
	fd = openat(a->temporary.fd, a->place.name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	ret = copy_data(a->old, fd);
	close(fd);
	return ret;
}

/* The program edits a copy, or puts another file in its place. */
static int edited(struct attempt *a, int *code)
{
	int ret = make_copy(a), last = 0, fd = -1;
	struct stat st;
	char *path;

	if (ret) {
		*code = ret == -EINTR ? ret : own(no_temporary(a, -ret));
		return -1;
	}
	while (a->command[last])
		last++;
	path = copy_path(a);
	a->command[last] = path;
	*code = path ? run_command(a, -1, -1) : own(no_temporary(a, ENOMEM));
	a->command[last] = NULL;
	if (!*code) {
		fd = openat(a->temporary.fd, a->place.name,
			    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode))
			*code = own(say(EXIT_OTHER, path, "%s left no regular file there",
					shown(a->command[0])));
	}
	free(path);
	return fd;
}

/* The new file takes the name of the old one, if that is still what the program saw. */
static int replace(struct attempt *a, const struct options *o, const struct stat *seen, int new,
		   struct outcome *outcome)
{
	const bool edit = a->temporary.is_folder;
	const char *what;
	struct request r = {
		.source = "the temporary file", .target = a->path,
		.source_dir = edit ? a->temporary.fd : a->place.dir,
		.source_name = edit ? a->place.name : a->temporary.name,
		.target_dir = a->place.dir, .target_name = a->place.name,
		.flags = o->request.flags,
		.cond = {
			.mask = RENAME_COND_TARGET_IS | RENAME_COND_TARGET_UNCHANGED |
				RENAME_COND_SOURCE_IS,
			.target_fd = a->old, .source_fd = new,
			.target_mtime_sec = seen->st_mtim.tv_sec,
			.target_mtime_nsec = seen->st_mtim.tv_nsec,
			.target_size = seen->st_size,
		},
	};
	int ret = keep_attributes(a->old, new, &what);

	if (!ret)
		return perform(&r, outcome);
	*outcome = (struct outcome){ EXIT_OTHER, -ret, a->path, "" };
	snprintf(outcome->text, sizeof(outcome->text), "its %s cannot be kept: %s", what,
		 strerror(-ret));
	return EXIT_OTHER;
}

/* What a person has typed is not lost. */
static void leave_copy(struct attempt *a)
{
	char *path = copy_path(a);

	if (!path)
		return;
	say(0, path, "the edited copy is here");
	free(path);
	close(a->temporary.fd);
	a->temporary.fd = -1;
}

/* An exit code, -EAGAIN for another try, -EINTR if a signal came. */
static int try(struct attempt *a, const struct options *o, bool last)
{
	struct outcome outcome;
	struct stat seen;
	int code, new;

	a->temporary.fd = -1;
	code = own(open_old(a));
	if (code)
		return code;
	fstat(a->old, &seen);
	new = o->edit ? edited(a, &code) : filtered(a, &code);
	if (code)
		goto out;
	code = own(replace(a, o, &seen, new, &outcome));
	if (outcome.err == EAGAIN && !last)
		code = -EAGAIN;
	else if (code)
		say(code, outcome.subject, "%s", outcome.text);
	if (code > 0 && code != own(EXIT_NOT_DURABLE) && o->edit)
		leave_copy(a);
out:
	if (new >= 0)
		close(new);
	temporary_remove(&a->temporary);
	return code;
}

/* Whoever lost waits a little, so that many do not keep each other from winning. */
static bool pause_after(int tries)
{
	unsigned int n;

	if (getrandom(&n, sizeof(n), 0) != sizeof(n))
		n = LONGEST_PAUSE_MS / 2;
	return signals_pause(n % (tries < 6 ? 1 << tries : LONGEST_PAUSE_MS));
}

int cas(const struct options *o, int count, char **arguments)
{
	int most = o->tries ?: o->edit ? 1 : TRIES, code;
	struct attempt a = { .path = arguments[0], .old = -1, .command = arguments + 1 };

	(void)count;
	/* Before the program runs for nothing. */
	if (!kernel_knows(RENAME_COND))
		return own(say(EXIT_KERNEL, a.path, "this kernel does not know RENAME_COND; %s",
			       "it takes one with CONFIG_RENAMEAT2_FLAGS"));
	code = own(find_place(a.path, &a.place));
	if (code)
		return code;
	signals_hold();
	for (int tries = 1;; tries++) {
		code = try(&a, o, tries == most);
		if (a.old >= 0)
			close(a.old);
		if (code != -EAGAIN || !pause_after(tries))
			break;
	}
	close(a.place.dir);
	return code < 0 ? own(EXIT_OTHER) : code;
}
