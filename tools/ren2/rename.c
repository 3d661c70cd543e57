// SPDX-License-Identifier: GPL-2.0
/* ren2: the call, and what its errors mean. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ren2.h"

#define OURS (RENAME_SYNC | RENAME_REPLACE | RENAME_COND)
#define ON_TARGET (RENAME_COND_TARGET_IS | RENAME_COND_TARGET_UNCHANGED)

static const struct {
	unsigned int flag;
	const char *name;
} flags[] = {
	{ RENAME_NOREPLACE, "RENAME_NOREPLACE" },
	{ RENAME_EXCHANGE, "RENAME_EXCHANGE" },
	{ RENAME_WHITEOUT, "RENAME_WHITEOUT" },
	{ RENAME_SYNC, "RENAME_SYNC" },
	{ RENAME_REPLACE, "RENAME_REPLACE" },
	{ RENAME_COND, "RENAME_COND" },
};

const char *flag_name(unsigned int flag)
{
	size_t i = 0;

	while (flags[i].flag != flag)
		i++;
	return flags[i].name;
}

int rename_call(const struct request *r)
{
	/* The C library has no sixth argument. */
	return syscall(SYS_renameat2, r->source_dir, r->source_name, r->target_dir,
		       r->target_name, r->flags, &r->cond) ? -errno : 0;
}

/* Flags are looked at first, then the conditions, then the folders, which are none. */
bool kernel_knows(unsigned int flag)
{
	return syscall(SYS_renameat2, -1, "x", -1, "x", flag, NULL) &&
	       (errno == EBADF || errno == EFAULT);
}

void name_paths(struct request *r, const char *source, const char *target)
{
	r->source_dir = AT_FDCWD;
	r->target_dir = AT_FDCWD;
	r->source = source;
	r->source_name = source;
	r->target = target;
	r->target_name = target;
}

const char *conflict(const struct request *r)
{
	if (r->flags & RENAME_NOREPLACE && (r->flags & RENAME_REPLACE || r->cond.mask))
		return "what must be absent can meet no other condition";
	return NULL;
}

bool is_inherited(int fd)
{
	int flags = fcntl(fd, F_GETFD);

	return flags >= 0 && !(flags & FD_CLOEXEC);
}

static bool look(int dir, const char *name, struct stat *st)
{
	return !fstatat(dir, name, st, AT_SYMLINK_NOFOLLOW);
}

static bool same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static bool later(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec > b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec > b->tv_nsec);
}

const char *filesystem_type(int fd, char text[TYPE_TEXT])
{
	char line[8192], path[64];
	const char *type;
	long wanted = -1;
	FILE *f;

	stpcpy(text, "unknown");
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "re");
	if (!f)
		return text;
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, "mnt_id:", 7))
			wanted = strtol(line + 7, NULL, 10);
	fclose(f);
	f = fopen("/proc/self/mountinfo", "re");
	if (!f)
		return text;
	while (fgets(line, sizeof(line), f)) {
		type = strstr(line, " - ");
		if (type && strtol(line, NULL, 10) == wanted)
			snprintf(text, TYPE_TEXT, "%.*s", (int)strcspn(type + 3, " "), type + 3);
	}
	fclose(f);
	return text;
}

static char *text_of(struct outcome *o, int code, const char *subject)
{
	o->code = code;
	o->subject = subject;
	return o->text;
}

/* What became of it, about this name, and as printf() would a text. */
#define set(o, code, subject, ...) \
	snprintf(text_of(o, code, subject), OUTCOME_TEXT, __VA_ARGS__)

static void no_filesystem(const struct request *r, struct outcome *o, unsigned int which,
			  const char *more)
{
	char names[128] = "", type[TYPE_TEXT] = "unknown";
	int fd = openat(r->source_dir, r->source_name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0) {
		filesystem_type(fd, type);
		close(fd);
	}
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		if (r->flags & which & flags[i].flag) {
			strcat(names, *names ? " and " : "");
			strcat(names, flags[i].name);
		}
	set(o, EXIT_FILESYSTEM, r->target, "the filesystem (%s) does not support %s%s", type,
	    names, more);
}

/* The kernel, the filesystem, or the names? One number for all. */
static void explain_invalid(const struct request *r, struct outcome *o)
{
	struct stat source, target;

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		if (!(r->flags & flags[i].flag) || kernel_knows(flags[i].flag))
			continue;
		set(o, EXIT_KERNEL, r->target, "this kernel does not know %s%s", flags[i].name,
		    flags[i].flag & OURS ? "; it takes one with CONFIG_RENAMEAT2_FLAGS" : "");
		return;
	}
	if (look(r->source_dir, r->source_name, &source) && S_ISDIR(source.st_mode) &&
	    (!(r->flags & ~OURS) || !look(r->target_dir, r->target_name, &target) ||
	     S_ISDIR(target.st_mode)))
		set(o, EXIT_OTHER, r->target, "a folder cannot move into itself%s",
		    r->flags & ~OURS ? ", or the filesystem does not support this" : "");
	else if (r->flags & ~OURS)
		no_filesystem(r, o, ~OURS, "");
	else
		set(o, EXIT_OTHER, r->target, "%s", strerror(EINVAL));
}

/* What did not hold a moment ago most likely still does not. */
static void explain_condition(const struct request *r, struct outcome *o)
{
	const struct rename_cond *c = &r->cond;
	char now[TOKEN_TEXT], then[TOKEN_TEXT];
	struct stat source, target, held;
	bool there = look(r->target_dir, r->target_name, &target);

	o->code = EXIT_CONDITION;
	token_text(then, c->target_mtime_sec, c->target_mtime_nsec, c->target_size);
	if (c->mask & RENAME_COND_TARGET_IS && !fstat(c->target_fd, &held) &&
	    (!there || !same(&target, &held)))
		set(o, EXIT_CONDITION, r->target, "is another file than descriptor %d",
		    c->target_fd);
	else if (c->mask & RENAME_COND_TARGET_UNCHANGED && there &&
		 strcmp(token_of(now, &target), then))
		set(o, EXIT_CONDITION, r->target, "has changed: it was %s and is %s", then, now);
	else if (c->mask & RENAME_COND_SOURCE_NEWER && there &&
		 look(r->source_dir, r->source_name, &source) &&
		 !later(&source.st_mtim, &target.st_mtim))
		set(o, EXIT_CONDITION, r->source, "is not newer than the target");
	else if (c->mask & RENAME_COND_SOURCE_IS &&
		 look(r->source_dir, r->source_name, &source) &&
		 !fstat(c->source_fd, &held) && !same(&source, &held))
		set(o, EXIT_CONDITION, r->source, "somebody replaced the temporary file");
	else if (c->mask)
		set(o, EXIT_CONDITION, r->target, "was changed meanwhile");
	else
		set(o, EXIT_CONDITION, r->source, "was replaced again and again meanwhile");
}

static void explain(const struct request *r, struct outcome *o)
{
	struct stat st;

	if (!kernel_knows(0)) {
		set(o, EXIT_KERNEL, r->target, "this kernel has no renameat2()");
		return;
	}
	switch (o->err) {
	case EINVAL:
		explain_invalid(r, o);
		return;
	case EOPNOTSUPP:
		if (!(r->flags & OURS))
			break;
		no_filesystem(r, o, OURS, ": other hosts may change its names");
		return;
	case EAGAIN:
		explain_condition(r, o);
		return;
	case EEXIST:
		if (!(r->flags & RENAME_NOREPLACE))
			break;
		set(o, EXIT_CONDITION, r->target, "exists");
		return;
	case ENOENT:
		if (!look(r->source_dir, r->source_name, &st)) {
			set(o, EXIT_OTHER, r->source, "%s", strerror(ENOENT));
			return;
		}
		if (!(r->flags & RENAME_REPLACE || r->cond.mask & ON_TARGET))
			break;
		set(o, EXIT_CONDITION, r->target, "does not exist");
		return;
	case EXDEV:
		set(o, EXIT_OTHER, r->target, "is on another mount than %s%s",
		    "the source or a descriptor", "; ren2 copies nothing");
		return;
	}
	set(o, EXIT_OTHER, r->target, "%s", strerror(o->err));
}

int perform(struct request *r, struct outcome *o)
{
	struct stat before, after, left;
	bool known;

	memset(o, 0, sizeof(*o));
	if (r->cond.mask) {
		r->flags |= RENAME_COND;
		r->cond.size = sizeof(r->cond);
	}
	known = look(r->source_dir, r->source_name, &before);
	o->err = -rename_call(r);
	if (!o->err)
		return EXIT_DONE;
	/* Of all errors, only one of writing afterwards leaves the names changed. */
	if (r->flags & RENAME_SYNC && o->err != ENOENT && o->err != EAGAIN && known &&
	    look(r->target_dir, r->target_name, &after) && same(&before, &after) &&
	    !(look(r->source_dir, r->source_name, &left) && same(&before, &left)))
		set(o, EXIT_NOT_DURABLE, r->target, "is renamed, but perhaps not %s: %s",
		    "on stable storage", strerror(o->err));
	else
		explain(r, o);
	return o->code;
}

int perform_aloud(struct request *r)
{
	struct outcome o;

	return perform(r, &o) ? say(o.code, o.subject, "%s", o.text) : EXIT_DONE;
}
