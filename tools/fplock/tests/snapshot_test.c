// SPDX-License-Identifier: GPL-2.0
/* Who has a lock and who waits for whom, on a /proc and with lists that are told by mock.h. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "mock.h"
#include "snapshot.h"

static const struct range all = { 0 };

static char folder[64];
static struct snapshot s;
static struct graph g;

/* ---- a folder of its own for each test, with two files and a /proc ---- */

static int setup(void **state)
{
	(void)state;
	mock = (struct mock){ .kernel = MOCK_FULL, .proc = "proc" };
	s = (struct snapshot){ 0 };
	g = (struct graph){ 0 };
	stpcpy(folder, "/tmp/fplock.XXXXXX");
	return !mkdtemp(folder) || chdir(folder) || mkdir("proc", 0755) || mkdir("proc/1", 0755) ||
	       system(": >a; : >b; : >c; : >proc/locks");
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	mock = (struct mock){ 0 };
	snapshot_free(&s);
	graph_free(&g);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return chdir("/") || system(command) ? -1 : 0;
}

static uint64_t number_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_ino;
}

static void write_file(const char *path, const char *format, ...)
{
	FILE *f = fopen(path, "we");
	va_list list;

	assert_non_null(f);
	va_start(list, format);
	vfprintf(f, format, list);
	va_end(list);
	assert_int_equal(fclose(f), 0);
}

/* A process with the file open; no cookie: nobody ever locked it. */
static void opens(int pid, int fd, const char *path, uint64_t open_file, uint64_t process)
{
	char target[128], place[64];

	snprintf(target, sizeof(target), "mkdir -p proc/%d/fd proc/%d/fdinfo", pid, pid);
	assert_int_equal(system(target), 0);
	snprintf(place, sizeof(place), "proc/%d/comm", pid);
	write_file(place, "p%d\n", pid);
	snprintf(target, sizeof(target), "%s/%s", folder, path);
	snprintf(place, sizeof(place), "proc/%d/fd/%d", pid, fd);
	assert_int_equal(symlink(target, place), 0);
	snprintf(place, sizeof(place), "proc/%d/fdinfo/%d", pid, fd);
	if (!open_file)
		write_file(place, "pos:\t0\nino:\t%lu\n", number_of(path));
	else
		write_file(place, "pos:\t0\nflags:\t02\nino:\t%lu\n"
				  "lock:\t1: OFDLCK ADVISORY WRITE -1 00:15:7 0 EOF\n"
				  "lock-owner:\t%016lx %016lx\n",
			   number_of(path), open_file, process);
}

#define HELD	FLOCKP_LIST_HELD
#define WAITING	FLOCKP_LIST_WAITING
#define PRIVATE	FLOCKP_LIST_PRIVATE
#define CLASSIC	FLOCKP_LIST_CLASSIC
#define FLOCK	FLOCKP_LIST_FLOCK

static void locked(const char *path, uint64_t owner, int pid, unsigned int flags, int type,
		   int64_t start, int64_t len, uint64_t age)
{
	struct mock_lock *l = &mock.locks[mock.nr_locks++];

	l->ino = number_of(path);
	l->entry = (struct flockp_entry){
		.owner = owner, .start = start, .len = len, .age_ns = age, .type = type,
		.flags = flags, .pid = pid,
	};
}

/* "1:3,4 2:3": processes and their descriptors. */
static const char *holders(size_t lock)
{
	static char text[256];
	char *to = text;

	assert_true(lock < s.nr_locks);
	*to = '\0';
	for (size_t i = 0; i < s.locks[lock].nr_holders; i++) {
		const struct holder *h = &s.locks[lock].holders[i];
		char name[COMMAND_NAME];

		snprintf(name, sizeof(name), "p%d", h->pid);
		assert_string_equal(h->name, name);
		to += sprintf(to, "%s%d", i ? " " : "", h->pid);
		for (size_t j = 0; j < h->nr_fds; j++)
			to += sprintf(to, "%c%d", j ? ',' : ':', h->fds[j]);
	}
	return text;
}

static void take(const char *first, const char *second)
{
	snapshot_add(&s, first);
	if (second)
		snapshot_add(&s, second);
	assert_int_equal(snapshot_take(&s, &all), EXIT_DONE);
}

/* ---- what /proc says ---- */

static void lines_of_fdinfo(void **state)
{
	static const char * const others[] = {
		"", "\n", "lock-owner", "lock-owner:", "lock-owner:\t", "pos:\t0\n",
		"lock-owner:\t0123456789abcdef\n", "lock-owner:\t0123456789abcdef ",
		"lock-owner:\t0123456789abcdef 0123456789abcde\n",
		"lock-owner:\t0123456789abcdef 0123456789abcdef0\n",
		"lock-owner:\t0123456789abcdef0 0123456789abcdef\n",
		"lock-owner:\t0123456789abcdef  123456789abcdef0\n",
		"lock-owner:\t0123456789abcdeg 0123456789abcdef\n",
		"lock-owner:\t-123456789abcdef 0123456789abcdef\n",
		"xlock-owner:\t0123456789abcdef 0123456789abcdef\n",
		"lock-owner:\t0123456789abcdef 0123456789abcdefx\n",
	};
	struct owners o = { 1, 2, 3 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		if (parse_fdinfo(others[i], &o))
			fail_msg("'%s' was taken", others[i]);
		assert_true(o.ino == 1 && o.open_file == 2 && o.process == 3);
	}
	assert_false(parse_fdinfo("ino:\t18446744073709551615\n", &o));
	assert_true(o.ino == UINT64_MAX);
	assert_true(parse_fdinfo("lock-owner:\tfedcba9876543210 00000000000000ff\n", &o));
	assert_true(o.open_file == 0xfedcba9876543210 && o.process == 0xff);
	/* The last line, and one of a kernel that says more. */
	assert_true(parse_fdinfo("lock-owner:\t0000000000000001 0000000000000002", &o));
	assert_true(parse_fdinfo("lock-owner:\t0000000000000003 0000000000000004 x\n", &o));
	assert_true(o.open_file == 3 && o.process == 4);
}

static void lines_of_locks(void **state)
{
	static const char * const others[] = {
		"", "\n", "1: OFDLCK ADVISORY  WRITE -1 00:15:7 0 EOF\n",
		"1: -> OFDLCK ADVISORY  WRITE -1 <none>:0 0 EOF\n", "1: -> OFDLCK\n",
	};
	uint64_t ino = 99;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		assert_false(parse_waited(others[i], &ino));
	assert_true(ino == 99);
	assert_true(parse_waited("1: -> OFDLCK ADVISORY  WRITE -1 00:15:7 0 EOF\n", &ino));
	assert_true(ino == 7);
	assert_true(parse_waited("12:   -> FLOCK ADVISORY READ 4 fd:0a:18446744073709551615 0 9\n",
				 &ino));
	assert_true(ino == UINT64_MAX);
}

static void ages(void **state)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} cases[] = {
		{ 0, "0.0000 s" }, { 1234567, "0.0012 s" }, { 12345678, "0.01 s" },
		{ 59999000000 - 10000000, "59.99 s" }, { 60000000000, "1 min 0 s" },
		{ 3599000000000, "59 min 59 s" }, { 3600000000000, "1 h 0 min" },
		{ 86399000000000, "23 h 59 min" }, { 90000000000000, "1 d 1 h" },
		{ UINT64_MAX, "213503 d 23 h" },
	};
	char text[AGE_TEXT];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(age_text(text, cases[i].ns), cases[i].text);
}

/* ---- holders ---- */

static void holders_by_cookie(void **state)
{
	(void)state;
	opens(10, 3, "a", 0xa1, 0xc1);
	opens(10, 12, "a", 0xa1, 0xc1);		/* dup() */
	opens(20, 7, "a", 0xa1, 0xc2);		/* fork() */
	opens(20, 8, "a", 0xa2, 0xc2);
	opens(20, 9, "b", 0xa1, 0xc2);		/* the same cookie, but elsewhere */
	opens(30, 3, "a", 0, 0);
	opens(40, 3, "a", 0xc2, 0xa1);		/* the wrong one of the two */
	locked("a", 0xa1, 10, HELD | PRIVATE, F_WRLCK, 0, 10, 5);
	locked("a", 0xc2, 20, HELD | CLASSIC, F_RDLCK, 10, 10, 5);
	locked("a", 0xa2, 20, HELD | FLOCK, F_RDLCK, 0, 0, 5);
	locked("a", 0xa1, 20, WAITING | PRIVATE, F_WRLCK, 10, 10, 5);
	locked("a", 0xa1, 0, WAITING | PRIVATE, F_WRLCK, 15, 1, 5);
	locked("a", 0xdead, 50, HELD | PRIVATE, F_RDLCK, 90, 1, 5);
	locked("a", 0, -7, HELD | CLASSIC, F_RDLCK, 95, 1, 5);
	take("a", "b");
	assert_int_equal(s.nr_locks, 7);
	assert_string_equal(holders(0), "10:3,12 20:7");
	/* All of the process that are of this file, once. */
	assert_string_equal(holders(1), "20:7,8");
	assert_string_equal(holders(2), "20:8");
	/* One of those waits, if it is known which. */
	assert_string_equal(holders(3), "20:7");
	assert_string_equal(holders(4), "10:3,12 20:7");
	assert_string_equal(holders(5), "");
	assert_string_equal(holders(6), "");
	assert_false(s.partial);
}

/* If a holder is missing all is looked at once more, and it is no error. */
static void looks_twice(void **state)
{
	(void)state;
	opens(10, 3, "a", 0xa1, 0xc1);
	locked("a", 0xa1, 10, HELD | PRIVATE, F_WRLCK, 0, 10, 5);
	locked("a", 0, -7, HELD | CLASSIC, F_RDLCK, 95, 1, 5);
	take("a", NULL);
	assert_int_equal(mock.calls[MOCK_LIST], 2);
	locked("a", 0xa2, 10, HELD | PRIVATE, F_WRLCK, 20, 10, 5);
	assert_int_equal(snapshot_take(&s, &all), EXIT_DONE);
	assert_int_equal(mock.calls[MOCK_LIST], 6);
	assert_int_equal(s.nr_locks, 3);
}

static void holders_of_many_files(void **state)
{
	static const char * const names[] = { "c", "a", "b" };

	(void)state;
	for (int i = 0; i < 3; i++) {
		opens(10 + i, 3 + i, names[i], 0xa1 + i, 0xc1);
		locked(names[i], 0xa1 + i, 10 + i, HELD | PRIVATE, F_WRLCK, 0, 10, 5);
		snapshot_add(&s, names[i]);
	}
	assert_int_equal(snapshot_take(&s, &all), EXIT_DONE);
	assert_string_equal(holders(0), "10:3");
	assert_string_equal(holders(1), "11:4");
	assert_string_equal(holders(2), "12:5");
}

static void files_once(void **state)
{
	(void)state;
	assert_int_equal(link("a", "other name"), 0);
	locked("a", 1, 10, HELD | PRIVATE, F_WRLCK, 0, 10, 5);
	locked("b", 2, 10, HELD | PRIVATE, F_WRLCK, 0, 10, 5);
	snapshot_add(&s, "a");
	snapshot_add(&s, "other name");
	take("b", "a");
	assert_int_equal(s.nr_files, 2);
	assert_int_equal(s.nr_locks, 2);
	assert_int_equal(s.locks[0].file, 0);
	assert_int_equal(s.locks[1].file, 1);
}

static void some_files_fail(void **state)
{
	(void)state;
	locked("a", 1, 10, HELD | PRIVATE, F_WRLCK, 0, 10, 5);
	snapshot_add(&s, "none");
	snapshot_add(&s, "a");
	assert_int_equal(snapshot_take(&s, &all), EXIT_FILE);
	assert_int_equal(s.nr_locks, 1);
	assert_true(s.files[0].failed && !s.files[1].failed);
	mock.errors[MOCK_LIST] = EPERM;
	assert_int_equal(snapshot_take(&s, &all), EXIT_OTHER);
}

static void a_range(void **state)
{
	const struct range range = { 15, 10 };

	(void)state;
	locked("a", 1, 10, HELD | PRIVATE, F_WRLCK, 0, 10, 5);
	locked("a", 1, 10, HELD | PRIVATE, F_WRLCK, 20, 10, 5);
	snapshot_add(&s, "a");
	assert_int_equal(snapshot_take(&s, &range), EXIT_DONE);
	assert_int_equal(s.nr_locks, 1);
	assert_int_equal(s.locks[0].is.start, 20);
}

/* No file is opened on which nobody ever had a lock: devices might mind. */
static void files_of_a_process(void **state)
{
	(void)state;
	opens(10, 3, "a", 0xa1, 0xc1);
	opens(10, 4, "a", 0xa2, 0xc1);
	opens(10, 5, "b", 0, 0);
	opens(20, 3, "c", 0xa3, 0xc2);
	assert_int_equal(snapshot_add_process(&s, 10), 0);
	assert_int_equal(s.nr_files, 1);
	assert_string_equal(s.files[0].path, "/proc/10/fd/3");
	assert_string_equal(strrchr(s.files[0].name, '/'), "/a");
	assert_int_equal(snapshot_add_process(&s, 99), -ENOENT);
}

static void files_that_are_waited_for(void **state)
{
	(void)state;
	opens(10, 3, "a", 0xa1, 0xc1);
	opens(10, 4, "b", 0xa2, 0xc1);
	opens(20, 3, "c", 0xa3, 0xc1);
	assert_int_equal(snapshot_add_waited(&s), 0);
	assert_int_equal(s.nr_files, 0);
	write_file("proc/locks", "2: -> FLOCK ADVISORY WRITE -1 00:15:1 0 EOF\n"
				 "1: OFDLCK ADVISORY  WRITE -1 00:15:%lu 0 EOF\n"
				 "1: -> OFDLCK ADVISORY  WRITE -1 00:15:%lu 0 EOF\n"
				 "1: -> OFDLCK ADVISORY  WRITE -1 00:15:%lu 0 EOF\n"
				 "3: -> POSIX ADVISORY  READ 8 00:15:%lu 0 EOF\n",
		   number_of("b"), number_of("a"), number_of("a"), number_of("c"));
	/* One cannot be found, the first one. */
	assert_int_equal(snapshot_add_waited(&s), 1);
	assert_int_equal(s.nr_files, 2);
	assert_string_equal(strrchr(s.files[0].name, '/'), "/a");
	assert_string_equal(strrchr(s.files[1].name, '/'), "/c");
	unlink("proc/locks");
	assert_int_equal(snapshot_add_waited(&s), -ENOENT);
}

static void hidden_processes(void **state)
{
	(void)state;
	locked("a", 1, 10, HELD | PRIVATE, F_WRLCK, 0, 10, 5);
	take("a", NULL);
	assert_false(s.partial);
	/* Where it is not the first one's turn either. */
	rmdir("proc/1");
	assert_int_equal(snapshot_take(&s, &all), EXIT_DONE);
	assert_true(s.partial);
	mkdir("proc/1", 0755);
	mkdir("proc/77", 0755);
	assert_int_equal(snapshot_take(&s, &all), EXIT_DONE);
	assert_false(s.partial);
	/* No folder can be read like that, by root either. */
	write_file("proc/77/fd", "no folder");
	assert_int_equal(snapshot_take(&s, &all), EXIT_DONE);
	assert_true(s.partial);
}

/* ---- the graph ---- */

static bool has_edge(size_t from, size_t to, enum edge_kind kind)
{
	const struct edges out = edges_from(&g, from), in = edges_to(&g, to);
	bool there = false, back = false;

	for (size_t i = 0; i < out.count; i++)
		there |= out.first[i].from == from && out.first[i].to == to &&
			 out.first[i].kind == kind;
	for (size_t i = 0; i < in.count; i++)
		back |= in.first[i].from == from && in.first[i].to == to &&
			in.first[i].kind == kind;
	assert_int_equal(there, back);
	return there;
}

static void make_graph(size_t nr_edges)
{
	take("a", "b");
	graph_make(&g, &s);
	assert_int_equal(g.nr_edges, nr_edges);
}

static void conflicts(void **state)
{
	static const struct {
		struct flockp_listed a, b;
		size_t file;
		bool conflict;
	} cases[] = {
		{ { 1, 0, 10, 0, F_WRLCK, PRIVATE }, { 2, 9, 1, 0, F_WRLCK, PRIVATE }, 0, true },
		{ { 1, 0, 10, 0, F_WRLCK, PRIVATE }, { 2, 10, 1, 0, F_WRLCK, PRIVATE }, 0, false },
		{ { 1, 0, 10, 0, F_RDLCK, PRIVATE }, { 2, 0, 10, 0, F_RDLCK, CLASSIC }, 0, false },
		{ { 1, 0, 10, 0, F_RDLCK, PRIVATE }, { 2, 0, 10, 0, F_WRLCK, CLASSIC }, 0, true },
		{ { 1, 0, 10, 0, F_WRLCK, PRIVATE }, { 1, 0, 10, 0, F_WRLCK, PRIVATE }, 0, false },
		{ { 0, 0, 10, 0, F_WRLCK, CLASSIC }, { 0, 0, 10, 0, F_WRLCK, CLASSIC }, 0, true },
		{ { 1, 0, 0, 0, F_WRLCK, FLOCK }, { 2, 0, 0, 0, F_WRLCK, PRIVATE }, 0, false },
		{ { 1, 0, 0, 0, F_WRLCK, FLOCK }, { 2, 0, 0, 0, F_RDLCK, FLOCK }, 0, true },
		{ { 1, 0, 0, 0, F_WRLCK, PRIVATE }, { 2, 0, 0, 0, F_RDLCK, PRIVATE }, 1, false },
		{ { 1, 5, 0, 0, F_WRLCK, PRIVATE }, { 2, INT64_MAX, 1, 0, F_RDLCK, PRIVATE }, 0,
		  true },
		{ { 1, INT64_MAX, 1, 0, F_WRLCK, PRIVATE },
		  { 2, 1, INT64_MAX, 0, F_RDLCK, PRIVATE }, 0, true },
		{ { 1, INT64_MAX, 0, 0, F_WRLCK, PRIVATE },
		  { 2, 0, INT64_MAX, 0, F_RDLCK, PRIVATE }, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct lock a = { 0, cases[i].a }, b = { cases[i].file, cases[i].b };

		if (conflict(&a, &b) != cases[i].conflict || conflict(&b, &a) != cases[i].conflict)
			fail_msg("case %zu", i);
	}
}

static void waits_for_held_locks(void **state)
{
	(void)state;
	opens(10, 3, "a", 0xa1, 0xc1);
	opens(20, 3, "a", 0xa2, 0xc2);
	opens(30, 3, "a", 0xa3, 0xc3);
	locked("a", 0xa1, 10, HELD | PRIVATE, F_RDLCK, 0, 10, 9);
	locked("a", 0xa2, 20, HELD | PRIVATE, F_RDLCK, 0, 0, 8);
	locked("a", 0xa1, 10, HELD | FLOCK, F_WRLCK, 0, 0, 8);
	locked("a", 0xa3, 30, WAITING | PRIVATE, F_WRLCK, 5, 1, 7);
	locked("a", 0xc4, 40, WAITING | CLASSIC, F_WRLCK, 20, 1, 6);
	locked("b", 0xa9, 40, HELD | PRIVATE, F_WRLCK, 0, 0, 6);
	make_graph(3);
	assert_true(has_edge(3, 0, WAITS) && has_edge(3, 1, WAITS) && has_edge(4, 1, WAITS));
	assert_int_equal(g.nr_circles, 0);
}

static void queues_behind_earlier_ones(void **state)
{
	(void)state;
	locked("a", 0xa1, 10, HELD | PRIVATE, F_RDLCK, 0, 10, 9);
	locked("a", 0xa2, 20, WAITING | PRIVATE, F_WRLCK, 0, 0, 5);
	/* These are not stopped by the first; the last one came before all. */
	locked("a", 0xa3, 30, WAITING | PRIVATE, F_RDLCK, 5, 1, 4);
	locked("a", 0xa4, 40, WAITING | PRIVATE, F_RDLCK, 5, 1, 3);
	locked("a", 0xa5, 50, WAITING | PRIVATE, F_WRLCK, 20, 1, 3);
	locked("a", 0xa6, 60, WAITING | PRIVATE, F_WRLCK, 30, 1, 6);
	/* As old as the one at the same place, but listed later. */
	locked("a", 0xa7, 70, WAITING | PRIVATE, F_RDLCK, 20, 1, 3);
	make_graph(6);
	assert_true(has_edge(6, 1, QUEUES) && has_edge(6, 4, QUEUES));
	assert_true(has_edge(1, 0, WAITS));
	assert_true(has_edge(2, 1, QUEUES) && has_edge(3, 1, QUEUES) && has_edge(4, 1, QUEUES));
	assert_int_equal(edges_from(&g, 5).count, 0);
	assert_int_equal(g.nr_circles, 0);
}

/* Held by 10 and 11, and 21 and 20; those that wait are not those that asked for what they have. */
static void abba(void)
{
	opens(10, 3, "a", 0xa1, 0xc1);
	opens(11, 3, "a", 0xa1, 0xc2);
	opens(11, 4, "b", 0xb2, 0xc2);
	opens(20, 3, "b", 0xb1, 0xc3);
	opens(21, 3, "b", 0xb1, 0xc4);
	opens(21, 4, "a", 0xa2, 0xc4);
	locked("a", 0xa1, 10, HELD | PRIVATE, F_WRLCK, 0, 0, 9);
	locked("b", 0xb1, 20, HELD | PRIVATE, F_WRLCK, 0, 0, 9);
	locked("b", 0xb2, 11, WAITING | PRIVATE, F_WRLCK, 0, 0, 8);
}

static void circle_of_two_files(void **state)
{
	(void)state;
	abba();
	locked("a", 0xa2, 21, WAITING | PRIVATE, F_WRLCK, 0, 0, 8);
	/* Somebody who waits for one of them is not in it. */
	locked("a", 0xa9, 30, WAITING | PRIVATE, F_WRLCK, 7, 1, 7);
	/* Of a: held 0, waiting 1 and 2; of b: held 3, waiting 4. */
	make_graph(5);
	assert_true(has_edge(1, 0, WAITS) && has_edge(2, 0, WAITS) && has_edge(4, 3, WAITS));
	assert_true(has_edge(0, 4, HAS) && has_edge(3, 1, HAS));
	assert_int_equal(g.nr_circles, 1);
	assert_true(g.circle[0] && g.circle[1] && g.circle[3] && g.circle[4]);
	assert_int_equal(g.circle[2], 0);
}

static void no_circle_of_two_files(void **state)
{
	(void)state;
	abba();
	/* 22 has nothing of b. */
	locked("a", 0xa2, 22, WAITING | PRIVATE, F_WRLCK, 0, 0, 8);
	make_graph(3);
	assert_true(has_edge(0, 3, HAS));
	assert_int_equal(g.nr_circles, 0);
	for (size_t i = 0; i < g.nr_nodes; i++)
		assert_int_equal(g.circle[i], 0);
}

static void circle_of_two_upgrades(void **state)
{
	(void)state;
	for (int i = 1; i <= 2; i++) {
		opens(10 * i, 3, "a", 0xa0 + i, 0xc0 + i);
		locked("a", 0xa0 + i, 10 * i, HELD | PRIVATE, F_RDLCK, 0, 0, 9);
	}
	for (int i = 1; i <= 2; i++)
		locked("a", 0xa0 + i, 10 * i, WAITING | PRIVATE, F_WRLCK, 0, 0, 8);
	make_graph(4);
	assert_true(has_edge(2, 1, WAITS) && has_edge(3, 0, WAITS));
	assert_true(has_edge(0, 2, HAS) && has_edge(1, 3, HAS));
	assert_int_equal(g.nr_circles, 1);
	assert_true(g.circle[0] && g.circle[1] && g.circle[2] && g.circle[3]);
}

/* Who asked counts if no process is seen to have it, and not if one is. */
static void holders_or_who_asked(void **state)
{
	(void)state;
	opens(50, 3, "b", 0xb1, 0xc5);
	locked("a", 0xa1, 10, HELD | PRIVATE, F_WRLCK, 0, 0, 9);
	locked("a", 0xa2, 20, WAITING | PRIVATE, F_WRLCK, 0, 0, 8);
	locked("b", 0xb1, 20, HELD | PRIVATE, F_WRLCK, 0, 0, 8);
	locked("b", 0xb2, 10, WAITING | PRIVATE, F_WRLCK, 0, 0, 8);
	make_graph(3);
	assert_true(has_edge(0, 3, HAS));
	assert_false(has_edge(2, 1, HAS));
}

static void one_edge_to_an_owner(void **state)
{
	struct edges edges;

	(void)state;
	for (int i = 0; i < 3; i++) {
		locked("a", 0xa1, 10, HELD | PRIVATE, F_WRLCK, 10 * i, 5, 9);
		locked("a", 0xa2, 20, HELD | PRIVATE, F_RDLCK, 10 * i + 5, 5, 9);
		locked("a", 0, 0, HELD | CLASSIC, F_WRLCK, 100 + i, 1, 9);
	}
	locked("a", 0xa3, 30, WAITING | PRIVATE, F_WRLCK, 10, 0, 8);
	locked("a", 0xa4, 40, WAITING | PRIVATE, F_RDLCK, 0, 50, 8);
	locked("b", 0xa1, 10, HELD | PRIVATE, F_WRLCK, 10, 5, 9);
	locked("b", 0xa3, 30, WAITING | PRIVATE, F_WRLCK, 10, 0, 8);
	make_graph(5 + 1 + 1);
	assert_true(has_edge(9, 3, WAITS) && has_edge(9, 4, WAITS) && has_edge(9, 2, WAITS) &&
		    has_edge(9, 5, WAITS) && has_edge(9, 8, WAITS));
	assert_true(has_edge(10, 0, WAITS) && has_edge(12, 11, WAITS));
	edges = edges_from(&g, 9);
	for (size_t i = 0; i < edges.count; i++) {
		const size_t to = edges.first[i].to;

		assert_int_equal(edges.first[i].more, to == 3 || to == 4);
	}
	assert_int_equal(edges_from(&g, 10).first->more, 2);
	assert_int_equal(edges_from(&g, 12).first->more, 0);
}

/* What is in the way of one thread is another one's, if there are some. */
static void threads_of_a_process(void **state)
{
	(void)state;
	opens(10, 3, "a", 0xa1, 0xc1);
	opens(10, 4, "a", 0xa2, 0xc1);
	locked("a", 0xa1, 10, HELD | PRIVATE, F_WRLCK, 0, 0, 9);
	locked("a", 0xa2, 10, WAITING | PRIVATE, F_WRLCK, 0, 0, 8);
	write_file("proc/10/status", "Name:\tp10\nThreads:\t1\n");
	make_graph(2);
	assert_int_equal(g.nr_circles, 1);
	assert_int_equal(g.threaded, 0);
	graph_free(&g);
	write_file("proc/10/status", "Name:\tp10\nThreads:\t12\n");
	make_graph(1);
	assert_int_equal(g.nr_circles, 0);
	assert_int_equal(g.threaded, 0);
}

static void circle_with_threads(void **state)
{
	(void)state;
	abba();
	locked("a", 0xa2, 21, WAITING | PRIVATE, F_WRLCK, 0, 0, 8);
	/* This one waits for something else. */
	locked("c", 0xd1, 90, HELD | PRIVATE, F_WRLCK, 0, 0, 8);
	locked("c", 0xd2, 10, WAITING | PRIVATE, F_WRLCK, 0, 0, 8);
	write_file("proc/10/status", "Threads:\t3\n");
	snapshot_add(&s, "c");
	make_graph(6);
	assert_int_equal(g.nr_circles, 1);
	assert_int_equal(g.threaded, 0);
	graph_free(&g);
	write_file("proc/21/status", "Threads:\t3\n");
	make_graph(6);
	assert_int_equal(g.nr_circles, 1);
	assert_int_equal(g.threaded, 21);
}

/* Chains and circles without a kernel: request 2i waits for lock 2i + 1, whose holder is i + 1. */
static void chain(size_t length, bool closed)
{
	s.nr_locks = 2 * length;
	s.locks = fresh(s.nr_locks, sizeof(*s.locks));
	for (size_t i = 0; i < length; i++) {
		s.locks[2 * i] = (struct lock){ i, {
			.owner = 2 * i + 1, .type = F_WRLCK, .flags = WAITING | PRIVATE,
			.pid = i + 1, .age_ns = 5,
		} };
		s.locks[2 * i + 1] = (struct lock){ i, {
			.owner = 2 * i + 2, .type = F_WRLCK, .flags = HELD | PRIVATE,
			.pid = i + 1 < length ? i + 2 : closed ? 1 : 0, .age_ns = 5,
		} };
	}
	graph_make(&g, &s);
}

static void long_chain(void **state)
{
	(void)state;
	chain(3000, false);
	assert_int_equal(g.nr_edges, 3000 + 2999);
	assert_int_equal(g.nr_circles, 0);
}

static void long_circle(void **state)
{
	(void)state;
	chain(3000, true);
	assert_int_equal(g.nr_edges, 6000);
	assert_int_equal(g.nr_circles, 1);
	for (size_t i = 0; i < g.nr_nodes; i++)
		assert_int_equal(g.circle[i], 1);
}

static void add_held(size_t file, pid_t pid)
{
	s.locks = grow(s.locks, 16, sizeof(*s.locks));
	s.locks[s.nr_locks++] = (struct lock){ file, {
		.owner = 99, .type = F_WRLCK, .flags = HELD | PRIVATE, .pid = pid, .age_ns = 5,
	} };
}

/* One is seen first, and the other one waits for it, too. */
static void two_circles(void **state)
{
	(void)state;
	chain(5, true);
	graph_free(&g);
	s.locks[5].is.pid = 1;
	s.locks[9].is.pid = 4;
	add_held(4, 1);
	graph_make(&g, &s);
	assert_int_equal(g.nr_edges, 6 + 6);
	assert_true(has_edge(8, 10, WAITS) && has_edge(10, 0, HAS));
	assert_int_equal(g.nr_circles, 2);
	for (size_t i = 0; i < 10; i++)
		assert_true(g.circle[i] && g.circle[i] == g.circle[i < 6 ? 0 : 6]);
	assert_true(g.circle[0] != g.circle[6] && !g.circle[10]);
}

/* The first waits for the other one, too. */
static void two_circles_turned_round(void **state)
{
	(void)state;
	chain(5, true);
	graph_free(&g);
	s.locks[3].is.pid = 1;
	s.locks[9].is.pid = 3;
	for (size_t i = 2; i < 4; i++)
		s.locks[i].file = 9;
	add_held(9, 3);
	/* Locks of a file follow each other. */
	for (size_t i = 2; i < 4; i++) {
		const struct lock moved = s.locks[2];

		memmove(&s.locks[2], &s.locks[3], 7 * sizeof(moved));
		s.locks[9] = moved;
	}
	graph_make(&g, &s);
	assert_int_equal(g.nr_edges, 6 + 6);
	assert_int_equal(g.nr_circles, 2);
	for (size_t i = 0; i < 10; i++)
		assert_true(g.circle[i] && g.circle[i] == g.circle[i < 2 || i > 7 ? 0 : 2]);
	assert_true(g.circle[0] != g.circle[2] && !g.circle[10]);
}

static void a_request_that_nobody_made(void **state)
{
	const struct range range = { 5, 5 };
	size_t asked;

	(void)state;
	opens(10, 3, "a", 0xa1, 0xc1);
	locked("a", 0xa1, 10, HELD | PRIVATE, F_RDLCK, 0, 6, 9);
	locked("a", 0xa2, 20, WAITING | PRIVATE, F_WRLCK, 0, 7, 8);
	locked("b", 0xa2, 20, HELD | PRIVATE, F_WRLCK, 0, 7, 8);
	take("a", "b");
	asked = snapshot_add_request(&s, 0, F_RDLCK, &range);
	graph_make(&g, &s);
	/* Readers get along, but a request is before it. */
	assert_int_equal(edges_from(&g, asked).count, 1);
	assert_true(has_edge(asked, 1, QUEUES));
	graph_free(&g);
	s.locks[asked].is.type = F_WRLCK;
	graph_make(&g, &s);
	assert_int_equal(edges_from(&g, asked).count, 1);
	assert_true(has_edge(asked, 0, WAITS));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(lines_of_fdinfo), TEST(lines_of_locks), TEST(ages), TEST(holders_by_cookie),
		TEST(looks_twice), TEST(holders_of_many_files), TEST(files_once),
		TEST(some_files_fail), TEST(a_range), TEST(files_of_a_process),
		TEST(files_that_are_waited_for), TEST(hidden_processes), TEST(conflicts),
		TEST(waits_for_held_locks), TEST(queues_behind_earlier_ones),
		TEST(circle_of_two_files), TEST(no_circle_of_two_files),
		TEST(circle_of_two_upgrades), TEST(holders_or_who_asked),
		TEST(one_edge_to_an_owner), TEST(threads_of_a_process), TEST(circle_with_threads),
		TEST(long_chain),
		TEST(long_circle), TEST(two_circles), TEST(two_circles_turned_round),
		TEST(a_request_that_nobody_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
