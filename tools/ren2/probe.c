// SPDX-License-Identifier: GPL-2.0
/* ren2: probe, which tries what the kernel and a filesystem can do. */
#include <errno.h>
#include <json-c/json.h>
#include <libsmartcols/libsmartcols.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "ren2.h"

/* An error that no kernel gives: the call succeeded, or failed, where it must not. */
#define DISOBEYED 4096

static int call(int dir, const char *source, const char *target, unsigned int flags)
{
	const struct request r = { .source_dir = dir, .source_name = source,
				   .target_dir = dir, .target_name = target, .flags = flags };

	return -rename_call(&r);
}

/* What has to fail, failed as it has to. */
static int refused(int err, int wanted)
{
	return err == wanted ? 0 : err ?: DISOBEYED;
}

static int try_noreplace(int dir)
{
	return call(dir, "a", "absent", RENAME_NOREPLACE) ?:
	       refused(call(dir, "absent", "b", RENAME_NOREPLACE), EEXIST);
}

static int try_exchange(int dir)
{
	struct stat before, after;
	int err;

	if (fstatat(dir, "a", &before, 0))
		return errno;
	err = call(dir, "a", "b", RENAME_EXCHANGE);
	if (err || fstatat(dir, "b", &after, 0))
		return err ?: DISOBEYED;
	return before.st_ino == after.st_ino && !faccessat(dir, "a", F_OK, 0) ? 0 : DISOBEYED;
}

static int try_whiteout(int dir)
{
	struct stat st;
	int err = call(dir, "a", "absent", RENAME_WHITEOUT);

	if (err)
		return err;
	return !fstatat(dir, "a", &st, AT_SYMLINK_NOFOLLOW) && S_ISCHR(st.st_mode) &&
	       st.st_rdev == makedev(0, 0) ? 0 : DISOBEYED;
}

static int try_replace(int dir)
{
	return call(dir, "a", "b", RENAME_REPLACE) ?:
	       refused(call(dir, "b", "absent", RENAME_REPLACE), ENOENT);
}

static int try_sync(int dir)
{
	return call(dir, "a", "b", RENAME_SYNC);
}

/* Replace b by a if b is this file. */
static int call_if(int dir, int fd)
{
	const struct request r = {
		.source_dir = dir, .source_name = "a", .target_dir = dir, .target_name = "b",
		.flags = RENAME_COND,
		.cond = { .size = sizeof(r.cond), .mask = RENAME_COND_TARGET_IS, .target_fd = fd },
	};

	return -rename_call(&r);
}

static int try_cond(int dir)
{
	int a = openat(dir, "a", O_PATH | O_CLOEXEC), b = openat(dir, "b", O_PATH | O_CLOEXEC);
	int err;

	if (a < 0 || b < 0)
		err = errno;
	else
		err = refused(call_if(dir, a), EAGAIN) ?: call_if(dir, b);
	if (a >= 0)
		close(a);
	if (b >= 0)
		close(b);
	return err;
}

static const struct {
	unsigned int flag;
	int (*try)(int dir);
} flags[] = {
	{ RENAME_NOREPLACE, try_noreplace },
	{ RENAME_EXCHANGE, try_exchange },
	{ RENAME_WHITEOUT, try_whiteout },
	{ RENAME_REPLACE, try_replace },
	{ RENAME_SYNC, try_sync },
	{ RENAME_COND, try_cond },
};

#define NR_FLAGS ARRAY_SIZE(flags)

struct matrix {
	char type[TYPE_TEXT];		/* of the filesystem */
	struct {
		int err;
		int code;
		const char *why;
	} of[NR_FLAGS];
};

static void judge(struct matrix *m, int i, int err)
{
	m->of[i].err = err;
	m->of[i].code = EXIT_OTHER;
	switch (err) {
	case 0:
		m->of[i].code = EXIT_DONE;
		m->of[i].why = NULL;
		break;
	case EINVAL:
	case EOPNOTSUPP:
		m->of[i].code = EXIT_FILESYSTEM;
		m->of[i].why = "the filesystem does not support it";
		break;
	case EPERM:
	case EACCES:
		m->of[i].why = "not permitted";
		break;
	case DISOBEYED:
		m->of[i].why = "it is accepted but not obeyed";
		break;
	default:
		m->of[i].why = strerrordesc_np(err) ?: "unknown error";
	}
	if (err && !kernel_knows(flags[i].flag)) {
		m->of[i].code = EXIT_KERNEL;
		m->of[i].why = "the kernel does not know it";
	}
}

static int make(int dir, const char *name)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

/* In a folder of its own for each. 0 or a negative errno, if nothing could be tried. */
static int try(int dir, int (*what)(int dir), int *err)
{
	struct temporary t;
	int ret = temporary_folder(&t, dir);

	if (ret)
		return ret;
	ret = make(t.fd, "a") ?: make(t.fd, "b");
	if (!ret)
		*err = what(t.fd);
	temporary_remove(&t);
	return ret;
}

static int try_all(const char *path, struct matrix *m)
{
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret = 0, err = 0;

	if (dir < 0)
		return say(EXIT_OTHER, path, "%s", strerror(errno));
	filesystem_type(dir, m->type);
	for (size_t i = 0; !ret && i < NR_FLAGS; i++) {
		ret = try(dir, flags[i].try, &err);
		judge(m, i, err);
		/* All folders are gone here. */
		if (!signals_pause(0))
			ret = -EINTR;
	}
	close(dir);
	return ret ? say(EXIT_OTHER, path, "nothing can be tried here: %s", strerror(-ret)) :
		     EXIT_DONE;
}

/* All functions of json-c take NULL, which they give when memory ends. */
static void print_json(const char *path, const struct matrix *m)
{
	struct json_object *all = json_object_new_object(), *list = json_object_new_array();

	json_object_object_add(all, "path", json_object_new_string(path));
	json_object_object_add(all, "filesystem", json_object_new_string(m->type));
	for (size_t i = 0; i < NR_FLAGS; i++) {
		struct json_object *flag = json_object_new_object();
		const char *err = m->of[i].err ? strerrorname_np(m->of[i].err) : NULL;

		json_object_object_add(flag, "flag",
				       json_object_new_string(flag_name(flags[i].flag)));
		json_object_object_add(flag, "works", json_object_new_boolean(!m->of[i].err));
		json_object_object_add(flag, "errno", err ? json_object_new_string(err) : NULL);
		json_object_object_add(flag, "reason",
				       m->of[i].why ? json_object_new_string(m->of[i].why) : NULL);
		json_object_array_add(list, flag);
	}
	json_object_object_add(all, "flags", list);
	puts(json_object_to_json_string_ext(all, JSON_C_TO_STRING_PRETTY |
					    JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(all);
}

static int print_table(const char *path, const struct matrix *m)
{
	static const char * const columns[] = { "FLAG", "WORKS", "ERRNO", "REASON" };
	struct libscols_table *table = scols_new_table();
	int ret = table ? 0 : -ENOMEM;

	for (size_t i = 0; !ret && i < ARRAY_SIZE(columns); i++)
		ret = scols_table_new_column(table, columns[i], 0, 0) ? 0 : -ENOMEM;
	for (size_t i = 0; !ret && i < NR_FLAGS; i++) {
		struct libscols_line *line = scols_table_new_line(table, NULL);
		const char *err = m->of[i].err ? strerrorname_np(m->of[i].err) : NULL;

		ret = !line ? -ENOMEM :
		      scols_line_set_data(line, 0, flag_name(flags[i].flag)) ?:
		      scols_line_set_data(line, 1, m->of[i].err ? "no" : "yes") ?:
		      scols_line_set_data(line, 2, err ?: "-") ?:
		      scols_line_set_data(line, 3, m->of[i].why ?: "-");
	}
	if (!ret) {
		printf("%s is on %s\n\n", shown(path), m->type);
		ret = scols_print_table(table);
	}
	scols_unref_table(table);
	return ret ? say(EXIT_OTHER, "table", "%s", strerror(-ret)) : EXIT_DONE;
}

int probe(const struct options *o, int count, char **arguments)
{
	const char *path = count ? arguments[0] : ".";
	struct matrix m;
	int code;

	signals_hold();
	code = try_all(path, &m);
	if (code)
		return code;
	if (o->json)
		print_json(path, &m);
	else
		code = print_table(path, &m);
	for (size_t i = 0; !code && i < NR_FLAGS; i++)
		if (flags[i].flag & o->need && m.of[i].err)
			code = say(m.of[i].code, path, "%s does not work: %s",
				   flag_name(flags[i].flag), m.of[i].why);
	return code;
}
