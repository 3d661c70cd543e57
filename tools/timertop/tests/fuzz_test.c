// SPDX-License-Identifier: GPL-2.0
/*
 * A good trace, damaged at random: bytes changed, lines cut, joined, swapped and repeated. The
 * memory checkers that this is built with end the test at the first wrong access. The same
 * seed gives the same damage. Usage: fuzz_test TRACE [SEED]
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "account.h"

#define ROUNDS 200

static const char *name;
static __u64 random_state = 88172645463325252ULL;

static __u64 next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	return random_state ^= random_state << 17;
}

static char *read_trace(size_t *size)
{
	FILE *file = fopen(name, "r");
	char *text = calloc(1, 1 << 17);

	assert_non_null(file);
	assert_non_null(text);
	*size = fread(text, 1, (1 << 17) - 1, file);
	assert_true(*size > 1000);
	fclose(file);
	return text;
}

static void damage(char *text, size_t size)
{
	for (int i = next_random() % 200; i >= 0; i--) {
		char *p = text + next_random() % size, *from = text + next_random() % size;
		size_t room = text + size - (p > from ? p : from);

		switch (next_random() % 4) {
		case 0:
			*p = next_random();
			break;
		case 1:
			*p = '\n';
			break;
		case 2:
			*p = "0f[]:=-. #"[next_random() % 10];
			break;
		default:
			memmove(p, from, next_random() % (room < 300 ? room : 300));
		}
	}
}

/* Every line is an event, malformed, or one of those without an event. */
static __u64 feed(struct account *acc, char *text, size_t size)
{
	__u64 others = 0, lines = 0;
	char *line = text, *end;

	for (; (end = memchr(line, '\n', text + size - line)); line = end + 1) {
		/* In memory of its own, so that reading past its end is noticed. */
		char *copy = strndup(line, end - line);
		struct event e;

		lines++;
		parse_line(copy, &e);
		others += e.type == EVENT_COMMENT || e.type == EVENT_HEADER ||
			  e.type == EVENT_TIME || e.type == EVENT_LOST;
		assert_true(e.cpu < MAX_CPUS);
		account_line(acc, copy);
		free(copy);
	}
	assert_int_equal(acc->events + acc->malformed + others, lines);
	return lines;
}

static void check(const struct account *acc)
{
	__u64 woke = acc->owners[MAX_OWNERS].woke;

	for (unsigned int i = 0; i < acc->nr_owners; i++) {
		const struct owner *o = &acc->owners[i];
		int score = owner_score(o);

		woke += o->woke;
		assert_in_range(score, 0, 100);
		assert_true(strlen(o->comm) < COMM_SIZE && strlen(o->key.name) < NAME_SIZE);
	}
	assert_int_equal(woke, acc->idle_ends);
}

static void damaged_traces(void **state)
{
	size_t size;
	char *good = read_trace(&size), *bad = malloc(size);
	__u64 malformed = 0;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		struct account *acc = account_new();

		memcpy(bad, good, size);
		damage(bad, size);
		feed(acc, bad, size);
		account_finish(acc);
		check(acc);
		account_next(acc);
		malformed += acc->malformed;
		free(acc);
	}
	/* Otherwise it was not damaged at all. */
	assert_true(malformed > ROUNDS);
	free(bad);
	free(good);
}

/* Each line of the trace, cut after each of its bytes. */
static void cut_lines(void **state)
{
	size_t size;
	char *text = read_trace(&size), *rest = text, *line;

	(void)state;
	while ((line = strsep(&rest, "\n"))) {
		for (size_t len = strlen(line); len > 0; len--) {
			char *copy = strndup(line, len);
			struct event e;

			parse_line(copy, &e);
			free(copy);
		}
	}
	free(text);
}

static void undamaged_trace(void **state)
{
	struct account *acc = account_new();
	size_t size;
	char *text = read_trace(&size);

	(void)state;
	assert_true(feed(acc, text, size) > 100);
	assert_int_equal(acc->malformed, 0);
	account_finish(acc);
	check(acc);
	free(acc);
	free(text);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(undamaged_trace),
		cmocka_unit_test(damaged_traces),
		cmocka_unit_test(cut_lines),
	};

	if (argc < 2) {
		fprintf(stderr, "usage: fuzz_test TRACE [SEED]\n");
		return 2;
	}
	name = argv[1];
	if (argc > 2)
		random_state = strtoull(argv[2], NULL, 0) | 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
