// SPDX-License-Identifier: GPL-2.0
/* ren2: swap, put and token. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "ren2.h"

int swap(const struct options *o, int count, char **arguments)
{
	struct request r = o->request;

	(void)count;
	r.flags |= RENAME_EXCHANGE;
	name_paths(&r, arguments[0], arguments[1]);
	return perform_aloud(&r);
}

/*
 * What the new file is to look like: the one that it replaces; the one that must be there, if that
 * was said, is it.
 */
static int dress(const struct request *r, const struct temporary *t)
{
	bool held = r->cond.mask & RENAME_COND_TARGET_IS;
	int fd = held ? r->cond.target_fd : openat(r->target_dir, r->target_name,
						   O_PATH | O_NOFOLLOW | O_CLOEXEC);
	const char *what = "mode";
	struct stat st;
	mode_t mask;
	int ret;

	if (fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode)) {
		ret = keep_attributes(fd, t->fd, &what);
	} else {
		mask = umask(0);
		umask(mask);
		ret = fchmod(t->fd, 0666 & ~mask) ? -errno : 0;
	}
	if (!held && fd >= 0)
		close(fd);
	return ret ? say(EXIT_OTHER, r->target, "its %s cannot be kept: %s", what,
			 strerror(-ret)) : EXIT_DONE;
}

static int put_input(struct request *r, const char *target)
{
	struct temporary t;
	struct place place;
	int code = find_place(target, &place), ret;

	if (code)
		return code;
	signals_hold();
	ret = temporary_file(&t, place.dir);
	if (ret) {
		close(place.dir);
		return say(EXIT_OTHER, target, "no temporary file beside it: %s", strerror(-ret));
	}
	*r = (struct request){
		.source = "the temporary file", .source_dir = place.dir, .source_name = t.name,
		.target = target, .target_dir = place.dir, .target_name = place.name,
		.flags = r->flags, .cond = r->cond,
	};
	if (r->cond.mask) {
		r->cond.mask |= RENAME_COND_SOURCE_IS;
		r->cond.source_fd = t.fd;
	}
	ret = copy_data(STDIN_FILENO, t.fd);
	if (ret)
		code = say(EXIT_OTHER, target, "nothing was put there: %s",
			   ret == -EINTR ? "a signal came" : strerror(-ret));
	else
		code = dress(r, &t) ?: perform_aloud(r);
	temporary_remove(&t);
	close(place.dir);
	return code;
}

int put(const struct options *o, int count, char **arguments)
{
	struct request r = o->request;

	(void)count;
	if (!strcmp(arguments[0], "-"))
		return put_input(&r, arguments[1]);
	name_paths(&r, arguments[0], arguments[1]);
	return perform_aloud(&r);
}

int token(const struct options *o, int count, char **arguments)
{
	const char *name = count ? arguments[0] : "standard input";
	char text[TOKEN_TEXT];
	struct stat st;

	(void)o;
	if (!count && !is_inherited(STDIN_FILENO))
		return say(EXIT_OTHER, name, "%s", strerror(EBADF));
	if (!(count ? lstat(name, &st) : fstat(STDIN_FILENO, &st)))
		puts(token_of(text, &st));
	else if (count && errno == ENOENT)
		puts(TOKEN_ABSENT);
	else
		return say(EXIT_OTHER, name, "%s", strerror(errno));
	return EXIT_DONE;
}
