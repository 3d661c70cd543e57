// SPDX-License-Identifier: GPL-2.0
/*
 * What system calls make of bits in their flags that nobody has given a meaning: each call is made
 * without such a bit and with it. A call that refused the bit and takes it now has lost a test,
 * and the bit with it: that fails. One that took it and refuses it now is only told.
 *
 * With --table it prints what it saw as a table for the documentation.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "../kselftest.h"
#include "helpers.h"
#include "unchecked_flags.h"

static struct call * const tables[] = {
	file_calls, mount_calls, memory_calls, ipc_calls, process_calls, time_calls,
};

/* How a process ends that could not make its call; other ends are an errno. */
#define BROKEN	255

/* The errno of a system call that the kernel does not have. */
static int no_such_call(void)
{
	syscall(-1);
	return errno;
}

long must(const char *what, long result)
{
	int error = errno;

	if (result >= 0)
		return result;
	if (error == no_such_call())
		_exit(error);
	fprintf(stderr, "# %s: %s\n", what, strerror(error));
	_exit(BROKEN);
}

static void place(int fd, int wanted)
{
	must("open", fd);
	must("dup2", dup2(fd, wanted));
	close(fd);
}

/* A short address of the kernel's choice. */
static void listen_on(int fd)
{
	struct sockaddr_un any = { .sun_family = AF_UNIX };

	must("bind", bind(fd, (void *)&any, sizeof(any.sun_family)));
	must("listen", listen(fd, 1));
}

static void make_descriptors(void)
{
	int pair[2];

	place(open("file", O_RDWR), FD_FILE);
	place(open(".", O_TMPFILE | O_RDWR, 0600), FD_OTHER);
	place(open(".", O_PATH), FD_DIR);
	must("pipe", pipe(pair));
	place(pair[0], FD_READ);
	place(pair[1], FD_WRITE);
	must("write", write(FD_WRITE, "four", 4));
	must("pipe", pipe(pair));
	place(pair[0], FD_FROM);
	place(pair[1], FD_TO);
	must("socketpair", socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
	place(pair[0], FD_SOCKET);
	place(pair[1], FD_PEER);
	must("write", write(FD_PEER, "four", 4));
	place(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), FD_LISTEN);
	listen_on(FD_LISTEN);
	place(syscall(__NR_pidfd_open, getpid(), 0), FD_SELF);
	place(syscall(__NR_epoll_create1, 0), FD_EPOLL);
	place(syscall(__NR_inotify_init1, 0), FD_INOTIFY);
	place(syscall(__NR_timerfd_create, CLOCK_MONOTONIC, 0), FD_TIMER);
}

static void set_bit(struct call *c)
{
	if (c->size == sizeof(uint16_t))
		*(uint16_t *)c->member |= c->bit;
	else if (c->size == sizeof(uint32_t))
		*(uint32_t *)c->member |= c->bit;
	else if (c->size == sizeof(uint64_t))
		*(uint64_t *)c->member |= c->bit;
	else
		c->args[c->arg] |= c->bit;
}

/* Make the call in a process of its own: 0, an errno, BROKEN, or 256 and a signal. */
static int answer(struct call *c, bool with_bit)
{
	unsigned long *a = c->args;
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		make_descriptors();
		if (c->prepare)
			c->prepare(c);
		if (with_bit)
			set_bit(c);
		_exit(syscall(c->nr, a[0], a[1], a[2], a[3], a[4], a[5]) < 0 ? errno : 0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		broken("fork");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

/* An answer in words. */
static const char *say(int error)
{
	static char text[32];

	if (error == ACCEPTED)
		return "accepted";
	if (error < BROKEN)
		return strerrorname_np(error);
	if (error == BROKEN)
		return "not tried";
	snprintf(text, sizeof(text), "killed by signal %d", error - 256);
	return text;
}

struct result {
	bool absent;		/* the kernel has no such call */
	int without, answer;
};

/* The call that fails with the bit as it does without has accepted it. */
static struct result probe(struct call *c)
{
	struct result r = { .without = answer(c, false) };

	r.absent = r.without == no_such_call();
	if (!r.absent)
		r.answer = answer(c, true);
	if (r.answer == r.without)
		r.answer = ACCEPTED;
	return r;
}

static void test(struct call *c, const char *missing)
{
	struct result r = { };
	char name[80];
	bool ok;

	snprintf(name, sizeof(name), "%s %s %#llx", c->name, c->word, c->bit);
	if (c->ours && missing) {
		ksft_test_result_skip("%s: %s\n", name, missing);
		return;
	}
	r = probe(c);
	if (r.absent) {
		ksft_test_result_skip("%s: this kernel has no such call\n", name);
		return;
	}
	if (r.without && r.without != c->without) {
		ksft_test_result_fail("%s: cannot be told: %s without the bit\n", name,
				      say(r.without));
		return;
	}
	ok = r.answer < BROKEN && (r.answer != ACCEPTED || c->answer == ACCEPTED);
	if (c->ours)
		ok = r.answer == c->answer;
	if (r.answer != c->answer)
		ksft_print_msg("%s: was %s\n", ok ? "good news" : "lost", say(c->answer));
	ksft_test_result(ok, "%s: %s\n", name, say(r.answer));
}

static int by_name(const void *a, const void *b)
{
	const struct call *x = *(struct call * const *)a, *y = *(struct call * const *)b;
	int order = strcmp(x->name, y->name);

	return order ? order : strcmp(x->word, y->word) ?: (x->bit > y->bit) - (x->bit < y->bit);
}

#define COLUMNS	"%-26s %-24s %-14s %s\n"

static void print_row(struct call *c)
{
	struct result r = probe(c);
	char bit[20];

	snprintf(bit, sizeof(bit), "%#llx", c->bit);
	printf(COLUMNS, c->name, c->word, bit, r.absent ? "(no such call)" : say(r.answer));
}

static void print_rule(void)
{
	printf(COLUMNS, "==========================", "========================", "==============",
	       "==============");
}

static void print_table(struct call **calls, int number)
{
	int i;

	qsort(calls, number, sizeof(*calls), by_name);
	print_rule();
	printf(COLUMNS, "System call", "Word", "Bit", "Answer");
	print_rule();
	for (i = 0; i < number; i++)
		print_row(calls[i]);
	print_rule();
}

/*
 * Mounts that nobody else sees, and a directory with a page in "file". Without IPC namespaces a few
 * small IPC objects stay behind.
 */
static void make_place(char *dir)
{
	static const char page[4096];
	int fd;

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		broken("unshare");
	if (unshare(CLONE_NEWIPC) && errno != EINVAL)
		broken("unshare");
	if (!mkdtemp(dir) || mount("none", dir, "tmpfs", 0, NULL) || chdir(dir) ||
	    mkdir("mnt", 0700))
		broken(dir);
	fd = open("file", O_RDWR | O_CREAT, 0600);
	if (fd < 0 || write(fd, page, sizeof(page)) != sizeof(page))
		broken("file");
	close(fd);
}

int main(int argc, char **argv)
{
	char dir[] = "/tmp/unchecked_flags.XXXXXX";
	const char *missing = flags_missing();
	struct call *calls[256], *c;
	unsigned int i, number = 0;

	for (i = 0; i < ARRAY_SIZE(tables); i++)
		for (c = tables[i]; c->name; c++)
			calls[number++] = c;
	need_root();
	make_place(dir);
	if (argc > 1 && !strcmp(argv[1], "--table")) {
		print_table(calls, number);
	} else {
		ksft_print_header();
		ksft_set_plan(number);
		for (i = 0; i < number; i++)
			test(calls[i], missing);
	}
	if (chdir("/") || umount2(dir, MNT_DETACH) || rmdir(dir))
		broken(dir);
	if (argc == 1)
		ksft_finished();
	return 0;
}
