// SPDX-License-Identifier: GPL-2.0
/* ren2: batch, which takes an operation a line and gives a result a line, both JSON. */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ren2.h"

/* Two names of the greatest length, all in \uXXXX, and much else. */
#define LONGEST (128 << 10)

/* Flags and conditions that are just true or false. */
static const struct {
	const char *key;
	unsigned int flag, condition;
} switches[] = {
	{ "if_absent", RENAME_NOREPLACE, 0 },
	{ "if_exists", RENAME_REPLACE, 0 },
	{ "newer", 0, RENAME_COND_SOURCE_NEWER },
	{ "sync", RENAME_SYNC, 0 },
};

static int wrong(struct outcome *o, const char *format, const char *what)
{
	*o = (struct outcome){ .code = EXIT_USAGE, .subject = NULL };
	snprintf(o->text, sizeof(o->text), format, what);
	return o->code;
}

/* A string without a zero byte, or NULL. */
static const char *string_of(struct json_object *value)
{
	const char *text = json_object_is_type(value, json_type_string) ?
			   json_object_get_string(value) : NULL;

	return text && strlen(text) == (size_t)json_object_get_string_len(value) ? text : NULL;
}

static int take_switch(const char *key, struct json_object *value, struct request *r,
		       struct outcome *o)
{
	size_t i = 0;

	while (i < ARRAY_SIZE(switches) && strcmp(switches[i].key, key))
		i++;
	if (i == ARRAY_SIZE(switches))
		return wrong(o, "'%s' is not known", shown(key));
	if (!json_object_is_type(value, json_type_boolean))
		return wrong(o, "'%s' must be true or false", key);
	if (json_object_get_boolean(value)) {
		r->flags |= switches[i].flag;
		r->cond.mask |= switches[i].condition;
	}
	return EXIT_DONE;
}

static int take_same(struct json_object *value, struct request *r, struct outcome *o)
{
	int64_t fd = json_object_is_type(value, json_type_int) ? json_object_get_int64(value) : -1;

	if (fd < 0 || fd > INT32_MAX)
		return wrong(o, "'%s' must be the number of a descriptor", "if_same");
	r->cond.mask |= RENAME_COND_TARGET_IS;
	r->cond.target_fd = fd;
	return EXIT_DONE;
}

static int take_token(struct json_object *value, struct request *r, struct outcome *o)
{
	const char *text = string_of(value);

	if (text && !strcmp(text, TOKEN_ABSENT))
		r->flags |= RENAME_NOREPLACE;
	else if (text && parse_token(text, &r->cond))
		r->cond.mask |= RENAME_COND_TARGET_UNCHANGED;
	else
		return wrong(o, "'%s' must be what ren2 token prints", "if_unchanged");
	return EXIT_DONE;
}

/* The request of an operation; a mistake anywhere in it is one of all. */
static int take(struct json_object *operation, struct request *r, struct outcome *o)
{
	const char *op = NULL, *source = NULL, *target = NULL, *why;
	int code = EXIT_DONE;

	if (!json_object_is_type(operation, json_type_object))
		return wrong(o, "%s", "not a JSON object");
	json_object_object_foreach(operation, key, value) {
		if (!strcmp(key, "op"))
			op = string_of(value);
		else if (!strcmp(key, "source"))
			source = string_of(value);
		else if (!strcmp(key, "target"))
			target = string_of(value);
		else if (!strcmp(key, "if_same"))
			code = take_same(value, r, o);
		else if (!strcmp(key, "if_unchanged"))
			code = take_token(value, r, o);
		else if (strcmp(key, "id"))
			code = take_switch(key, value, r, o);
		if (code)
			return code;
	}
	if (!op || (strcmp(op, "put") && strcmp(op, "swap")))
		return wrong(o, "'%s' must be put or swap", "op");
	if (!source || !target)
		return wrong(o, "'%s' must be a name", source ? "target" : "source");
	why = conflict(r);
	if (why)
		return wrong(o, "%s", why);
	if (!strcmp(op, "swap")) {
		if (r->flags & (RENAME_NOREPLACE | RENAME_REPLACE))
			return wrong(o, "%s", "swap takes no if_absent and no if_exists");
		r->flags |= RENAME_EXCHANGE;
	}
	name_paths(r, source, target);
	return EXIT_DONE;
}

static int execute(struct json_object *operation, struct outcome *o)
{
	struct request r = { 0 };
	int code = take(operation, &r, o);

	if (code)
		return code;
	if (!(r.cond.mask & RENAME_COND_TARGET_IS) || is_inherited(r.cond.target_fd))
		return perform(&r, o);
	*o = (struct outcome){ EXIT_OTHER, EBADF, NULL, "the descriptor of if_same is not open" };
	return o->code;
}

/* One line for one line. False if it could not be written. */
static bool print_result(unsigned long line, struct json_object *id, const struct outcome *o)
{
	const char *name = o->err ? strerrorname_np(o->err) : NULL;
	struct json_object *result = json_object_new_object();
	char *message = NULL;

	json_object_object_add(result, "line", json_object_new_uint64(line));
	if (id)
		json_object_object_add(result, "id", json_object_get(id));
	json_object_object_add(result, "ok", json_object_new_boolean(!o->code));
	if (o->code) {
		if (asprintf(&message, "%s%s%s", o->subject ? shown(o->subject) : "",
			     o->subject ? ": " : "", o->text) < 0)
			message = NULL;
		json_object_object_add(result, "code", json_object_new_int(o->code));
		json_object_object_add(result, "errno", name ? json_object_new_string(name) : NULL);
		json_object_object_add(result, "message", json_object_new_string(message ?: ""));
		free(message);
	}
	puts(json_object_to_json_string_ext(result, JSON_C_TO_STRING_PLAIN |
					    JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(result);
	return !fflush(stdout);
}

/* The length of the next line; more than LONGEST if it is too long for the buffer; -1: none. */
static ssize_t read_line(FILE *f, char *line)
{
	size_t length = 0;
	int c;

	while ((c = getc(f)) != EOF && c != '\n') {
		if (length < LONGEST)
			line[length] = c;
		if (length <= LONGEST)
			length++;
	}
	return c == EOF && !length ? -1 : (ssize_t)length;
}

static int run_line(struct json_tokener *tokener, unsigned long number, const char *line,
		    size_t length, int *code)
{
	struct json_object *operation = NULL, *id = NULL;
	enum json_tokener_error error;
	struct outcome o;
	bool written;

	if (length > LONGEST) {
		wrong(&o, "%s", "the line is too long");
	} else if (memchr(line, '\0', length)) {
		wrong(&o, "%s", "a zero byte in the line");
	} else {
		json_tokener_reset(tokener);
		/* The zero byte behind it is how the parser knows that this is all. */
		operation = json_tokener_parse_ex(tokener, line, length + 1);
		error = json_tokener_get_error(tokener);
		if (error == json_tokener_success)
			execute(operation, &o);
		else
			wrong(&o, "not JSON: %s", json_tokener_error_desc(error));
		json_object_object_get_ex(operation, "id", &id);
	}
	written = print_result(number, id, &o);
	*code = o.code;
	json_object_put(operation);
	return written ? EXIT_DONE : say(EXIT_OTHER, "standard output", "%s", strerror(errno));
}

static int run_lines(const struct options *o, const char *name, FILE *f)
{
	struct json_tokener *tokener = json_tokener_new();
	int first = EXIT_DONE, code = EXIT_DONE, ret = EXIT_DONE;
	char *line = malloc(LONGEST + 1);
	ssize_t length;

	if (!tokener || !line) {
		ret = say(EXIT_OTHER, name, "%s", strerror(ENOMEM));
		goto out;
	}
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	for (unsigned long number = 1; (length = read_line(f, line)) >= 0; number++) {
		line[length < LONGEST ? length : LONGEST] = '\0';
		if (strspn(line, " \t\r") == (size_t)length)
			continue;
		ret = run_line(tokener, number, line, length, &code);
		first = first ?: code;
		if (ret || (code && !o->keep_going))
			break;
	}
	if (ferror(f))
		ret = say(EXIT_OTHER, name, "%s", strerror(errno));
out:
	free(line);
	if (tokener)
		json_tokener_free(tokener);
	return first ?: ret;
}

int batch(const struct options *o, int count, char **arguments)
{
	const char *name = count ? arguments[0] : "standard input";
	FILE *f = count ? fopen(name, "re") : stdin;
	int code;

	if (!f)
		return say(EXIT_OTHER, name, "%s", strerror(errno));
	code = run_lines(o, name, f);
	if (f != stdin)
		fclose(f);
	return code;
}
