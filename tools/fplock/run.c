// SPDX-License-Identifier: GPL-2.0
/* fplock run: hold a lock while a command runs. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fplock.h"

enum { KEY_FAIR = 0x100 };

static const struct argp_option option_list[] = {
	{ "wait", 'w', "SECONDS", 0, "wait for so long at most" },
	{ "nonblock", 'n', NULL, 0, "do not wait" },
	{ "fair", KEY_FAIR, NULL, 0, "those who come later do not overtake, if the kernel can" },
	{ "conflict-exit-code", 'E', "CODE", 0, "status if the lock was not obtained (1)" },
	{ "close", 'o', NULL, 0, "COMMAND does not get the descriptor" },
	{ "verbose", 'v', NULL, 0, "say how long it took, or what is in the way" },
	{ 0 }
};

struct request {
	struct options o;
	char **command;
	bool at_once, is_timed;
	struct timespec timeout;
	bool fair;
	int code;			/* if it was not obtained */
	bool close, verbose;
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct request *r = state->input;

	switch (key) {
	case 'w':
		if (!parse_seconds(arg, &r->timeout))
			argp_error(state, "--wait: '%s' is no number of seconds", shown(arg));
		r->is_timed = true;
		return 0;
	case 'n':
		r->at_once = true;
		return 0;
	case KEY_FAIR:
		r->fair = true;
		return 0;
	case 'E':
		if (!parse_number(arg, 255, &r->code))
			argp_error(state, "--conflict-exit-code: '%s' is no number up to 255",
				   shown(arg));
		return 0;
	case 'o':
		r->close = true;
		return 0;
	case 'v':
		r->verbose = true;
		return 0;
	case ARGP_KEY_ARG:
		if (!r->o.path) {
			r->o.path = arg;
			return 0;
		}
		r->command = state->argv + state->next - 1;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_END:
		if (!r->command)
			argp_error(state, "wanted FILE and COMMAND");
		if (r->at_once && r->is_timed)
			argp_error(state, "--wait and --nonblock cannot stand beside each other");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = option_list,
	.parser = parse_option,
	.args_doc = "FILE [--] COMMAND [ARGUMENT...]",
	.doc = "Hold a file-private lock on FILE, which is made if it is missing, while\n"
	       "COMMAND runs.\n"
	       "\vThe lock is released when COMMAND ends, whatever it leaves behind. COMMAND has\n"
	       "the descriptor, so that the lock stays if fplock is killed; not with --close.\n"
	       "\n"
	       "Examples:\n"
	       "  fplock run -w 2.5 job.lock -- ./job --all\n"
	       "  fplock run --shared --range 0:4K data -- ./report\n"
	       "  fplock run -n -E 75 job.lock -- ./job || [ $? = 75 ]\n",
};

/* An exit code. */
static int open_file(struct flockp **lock, const struct request *r)
{
	/* Some files would make it wait. */
	const int flags = (r->o.type == F_RDLCK ? O_RDONLY : O_RDWR) | O_NOCTTY | O_NONBLOCK;
	int ret = flockp_open(lock, r->o.path, flags, 0);

	/* Not at once: folders, and files of others in /tmp, cannot be opened with O_CREAT. */
	if (ret == -ENOENT)
		ret = flockp_open(lock, r->o.path, flags | O_CREAT, 0666);
	if (ret == -EISDIR)
		return say(EXIT_FILE, r->o.path, "is a folder, which takes --shared locks only");
	return ret ? say(EXIT_FILE, r->o.path, "%s", strerror(-ret)) : EXIT_DONE;
}

/* 0 or a negative errno. */
static int obtain(struct flockp *lock, const struct request *r)
{
	int ret;

	flockp_fair(lock, r->fair);
	if (r->at_once)
		return flockp_trylock(lock, r->o.type, r->o.range.start, r->o.range.len);
	ret = flockp_lock_for(lock, r->o.type, r->o.range.start, r->o.range.len,
			      r->is_timed ? &r->timeout : NULL);
	return ret == -ETIMEDOUT ? -EAGAIN : ret;
}

static void tell_time(struct flockp *lock, const struct request *r, const struct timespec *begin)
{
	const int served = r->fair ? flockp_probe() : FLOCKP_FAIR;
	struct timespec end;

	clock_gettime(CLOCK_MONOTONIC, &end);
	say(0, r->o.path, "locked after %.6f s%s%s",
	    end.tv_sec - begin->tv_sec + (end.tv_nsec - begin->tv_nsec) / 1e9,
	    flockp_polled(lock) ? ", by polling" : "",
	    served < 0 || !(served & FLOCKP_FAIR) ? "; this kernel has no fair waiting" : "");
}

static void tell_found(struct flockp *lock, const struct request *r)
{
	char text[FOUND_TEXT] = "what was in the way has just gone";
	struct flockp_found found;

	if (flockp_test(lock, r->o.type, r->o.range.start, r->o.range.len, &found) > 0)
		found_text(text, &found);
	say(0, r->o.path, "not locked: %s", text);
}

/* Whether it was obtained; if not, an exit code. */
static bool take_lock(struct flockp *lock, const struct request *r, int *code)
{
	struct timespec begin;
	int ret;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	ret = obtain(lock, r);
	if (!ret) {
		if (r->verbose)
			tell_time(lock, r, &begin);
	} else if (ret == -EAGAIN) {
		*code = r->code;
		if (r->verbose)
			tell_found(lock, r);
	} else {
		*code = lock_failed(r->o.path, ret, "cannot be locked");
	}
	return !ret;
}

static void execute(struct flockp *lock, const struct request *r)
{
	int err;

	signals_restore();
	if (!r->close)
		fcntl(flockp_fd(lock), F_SETFD, 0);
	execvp(r->command[0], r->command);
	err = errno;
	say(0, r->command[0], "%s", strerror(err));
	_exit(err == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_EXECUTE);
}

/* An exit code. */
static int run_command(struct flockp *lock, const struct request *r)
{
	pid_t child;
	int status;

	signals_hold();
	child = fork();
	if (child < 0)
		return say(EXIT_OTHER, r->command[0], "%s", strerror(errno));
	if (!child)
		execute(lock, r);
	status = signals_child(child);
	/* Others that have the descriptor by now do not hold it any longer. */
	flockp_unlock(lock, r->o.range.start, r->o.range.len);
	if (!WIFSIGNALED(status))
		return WEXITSTATUS(status);
	if (WTERMSIG(status) == SIGINT || WTERMSIG(status) == SIGQUIT)
		signals_die(WTERMSIG(status));
	return EXIT_SIGNALLED + WTERMSIG(status);
}

int run(int argc, char **argv)
{
	struct request r = { { SHARED | RANGE | IN_ORDER }, .code = EXIT_IN_WAY };
	struct flockp *lock;
	int code;

	parse_options(&argp, argc, argv, &r.o);
	code = open_file(&lock, &r);
	if (code)
		return code;
	if (take_lock(lock, &r, &code))
		code = run_command(lock, &r);
	flockp_close(lock);
	return code;
}
