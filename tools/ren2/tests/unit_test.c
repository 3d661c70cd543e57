// SPDX-License-Identifier: GPL-2.0
/* The parts of ren2 on the kernel of mock.h: what it says, what others can do meanwhile. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <locale.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#include "mock.h"
#include "ren2.h"

static char folder[64];
static int calls;		/* of mock_before */

/* ---- a folder of its own for each test, which it must leave as it says ---- */

static int setup(void **state)
{
	(void)state;
	stpcpy(folder, "/tmp/ren2.XXXXXX");
	calls = 0;
	return mkdtemp(folder) && !chdir(folder) ? 0 : -1;
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	mock_before = NULL;
	unsetenv("MOCK_KERNEL");
	unsetenv("MOCK_FS");
	unsetenv("MOCK_ERRNO");
	unsetenv("MOCK_LATE");
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return chdir("/") || system(command) ? -1 : 0;
}

static void put_text(const char *name, const char *text)
{
	FILE *f = fopen(name, "we");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static void has_text(const char *name, const char *wanted)
{
	char text[256] = "";
	FILE *f = fopen(name, "re");

	assert_non_null(f);
	assert_true(fread(text, 1, sizeof(text) - 1, f) || !*wanted);
	fclose(f);
	assert_string_equal(text, wanted);
}

/* Only so many names are here: no temporary is left. */
static void has_names(int wanted)
{
	DIR *dir = opendir(".");
	int count = -2;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	assert_int_equal(count, wanted);
}

/* A fork of the test that runs what it is to be asked for, because it may die of a signal. */
static int in_child(int (*run)(const struct options *o, int count, char **arguments),
		    const struct options *o, char **arguments)
{
	pid_t child = fork();
	int status, count = 0;

	assert_true(child >= 0);
	if (!child) {
		while (arguments[count])
			count++;
		/* Messages are another test's affair. */
		assert_non_null(freopen("/dev/null", "w", stderr));
		dup2(STDERR_FILENO, STDOUT_FILENO);
		status = run(o, count, arguments);
		signals_end();
		_exit(status);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

#define ARGUMENTS(...) ((char *[]){ __VA_ARGS__, NULL, NULL })

/* ---- text ---- */

static void names_are_harmless(void **state)
{
	char longest[20000];
	size_t length;

	(void)state;
	assert_string_equal(shown("plain name.txt"), "plain name.txt");
	assert_string_equal(shown("a\nb\033[31m\x7f\\"), "a\\012b\\033[31m\\177\\134");
	assert_string_equal(shown(""), "");
	if (setlocale(LC_CTYPE, "C.UTF-8")) {
		assert_string_equal(shown("\xc3\xa4"), "\xc3\xa4");
		/* CSI as one character; then a sequence that is cut off. */
		assert_string_equal(shown("\302\233x\303"), "\\302\\233x\\303");
		setlocale(LC_CTYPE, "C");
	}
	assert_string_equal(shown("\xc3\xa4"), "\\303\\244");
	memset(longest, '\n', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	length = strlen(shown(longest));
	assert_true(length > 16000 && length < 16384);
	assert_string_equal(shown(longest) + length - 3, "...");
}

static void tokens(void **state)
{
	static const char * const bad[] = {
		"", "absent ", "1", "1.5:3", "1.0000000001:3", "1.00000000:3", "1.000000000",
		"1.000000000:", "1.000000000:-3", "1.000000000: 3", "1.000000000:3x",
		" 1.000000000:3", "+1.000000000:3", "--1.000000000:3", "-.000000000:3",
		"1.-00000000:3",
		"9223372036854775808.000000000:1", "1.000000000:18446744073709551616",
		"0x1.000000000:1",
	};
	static const struct {
		__s64 sec;
		__u32 nsec;
		__u64 size;
	} good[] = {
		{ 0, 0, 0 }, { 1, 1, 1 }, { -1, 999999999, 5 }, { INT64_MAX, 5, UINT64_MAX },
		{ INT64_MIN, 0, 1 },
	};
	struct rename_cond cond = { 0 };
	char text[TOKEN_TEXT];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		token_text(text, good[i].sec, good[i].nsec, good[i].size);
		assert_true(parse_token(text, &cond));
		assert_true(cond.target_mtime_sec == good[i].sec);
		assert_int_equal(cond.target_mtime_nsec, good[i].nsec);
		assert_true(cond.target_size == good[i].size);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (parse_token(bad[i], &cond))
			fail_msg("'%s' was taken", bad[i]);
}

static void numbers(void **state)
{
	int n = 0;

	(void)state;
	assert_true(parse_number("0", 9, &n) && n == 0);
	assert_true(parse_number("2147483647", INT32_MAX, &n) && n == INT32_MAX);
	assert_false(parse_number("2147483648", INT32_MAX, &n));
	assert_false(parse_number("18446744073709551617", INT32_MAX, &n));
	assert_false(parse_number("", 9, &n) || parse_number("-1", 9, &n) ||
		     parse_number(" 1", 9, &n) || parse_number("1x", 9, &n));
}

/* ---- one rename ---- */

static struct request of(unsigned int flags)
{
	struct request r = { .flags = flags };

	name_paths(&r, "a", "b");
	return r;
}

/* It fails like this, and the names are as they were. */
static void fails(struct request r, int code, int err, const char *subject, const char *text)
{
	struct outcome o;

	assert_int_equal(perform(&r, &o), code);
	assert_int_equal(o.err, err);
	assert_string_equal(o.subject, subject);
	if (!strstr(o.text, text))
		fail_msg("'%s' is not in: %s", text, o.text);
}

static void a_and_b(void)
{
	put_text("a", "a");
	put_text("b", "b");
}

static void unchanged(void)
{
	has_text("a", "a");
	has_text("b", "b");
	has_names(2);
}

/* All to the same time. */
static void make_old(const char *name)
{
	const struct timespec times[] = { { 1, 5 }, { 1, 5 } };

	assert_int_equal(utimensat(AT_FDCWD, name, times, 0), 0);
}

static void kernel_lacks(void **state)
{
	struct request r;

	(void)state;
	a_and_b();
	setenv("MOCK_KERNEL", "stock", 1);
	fails(of(RENAME_REPLACE), EXIT_KERNEL, EINVAL, "b", "does not know RENAME_REPLACE; it");
	fails(of(RENAME_SYNC), EXIT_KERNEL, EINVAL, "b", "does not know RENAME_SYNC");
	fails(of(RENAME_EXCHANGE | RENAME_SYNC), EXIT_KERNEL, EINVAL, "b", "RENAME_SYNC");
	r = of(0);
	r.cond.mask = RENAME_COND_SOURCE_NEWER;
	fails(r, EXIT_KERNEL, EINVAL, "b", "does not know RENAME_COND; it takes");
	assert_true(kernel_knows(RENAME_EXCHANGE) && !kernel_knows(RENAME_COND));
	setenv("MOCK_KERNEL", "old", 1);
	assert_int_equal(syscall(-1), -1);
	fails(of(RENAME_EXCHANGE), EXIT_KERNEL, errno, "b", "no renameat2()");
	assert_false(kernel_knows(RENAME_EXCHANGE));
	unsetenv("MOCK_KERNEL");
	assert_true(kernel_knows(RENAME_COND) && kernel_knows(RENAME_SYNC));
	unchanged();
}

static void filesystem_lacks(void **state)
{
	struct request r;

	(void)state;
	a_and_b();
	setenv("MOCK_FS", "plain", 1);
	fails(of(RENAME_EXCHANGE), EXIT_FILESYSTEM, EINVAL, "b", "not support RENAME_EXCHANGE");
	fails(of(RENAME_EXCHANGE | RENAME_SYNC), EXIT_FILESYSTEM, EINVAL, "b", "RENAME_EXCHANGE");
	setenv("MOCK_FS", "remote", 1);
	r = of(RENAME_SYNC);
	r.cond.mask = RENAME_COND_SOURCE_NEWER;
	fails(r, EXIT_FILESYSTEM, EOPNOTSUPP, "b", "RENAME_SYNC and RENAME_COND: other hosts");
	unchanged();
}

static void folders_in_each_other(void **state)
{
	struct request r = { .flags = RENAME_REPLACE };

	(void)state;
	assert_int_equal(mkdir("d", 0755) || mkdir("d/e", 0755), 0);
	name_paths(&r, "d", "d/e");
	fails(r, EXIT_OTHER, EINVAL, "d/e", "cannot move into itself");
	r.flags = RENAME_EXCHANGE;
	fails(r, EXIT_OTHER, EINVAL, "d/e", "into itself, or the filesystem");
}

static void conditions_fail(void **state)
{
	char wanted[256], token[TOKEN_TEXT];
	struct stat st;
	struct request r;
	int a;

	(void)state;
	a_and_b();
	fails(of(RENAME_NOREPLACE), EXIT_CONDITION, EEXIST, "b", "exists");
	a = open("a", O_PATH | O_CLOEXEC);
	r = of(0);
	r.cond.mask = RENAME_COND_TARGET_IS;
	r.cond.target_fd = a;
	snprintf(wanted, sizeof(wanted), "is another file than descriptor %d", a);
	fails(r, EXIT_CONDITION, EAGAIN, "b", wanted);
	r = of(0);
	r.cond.mask = RENAME_COND_TARGET_UNCHANGED;
	stat("b", &st);
	snprintf(wanted, sizeof(wanted), "has changed: it was 7.000000000:5 and is %s",
		 token_of(token, &st));
	parse_token("7.000000000:5", &r.cond);
	fails(r, EXIT_CONDITION, EAGAIN, "b", wanted);
	r = of(0);
	r.cond.mask = RENAME_COND_SOURCE_IS;
	r.cond.source_fd = open("b", O_PATH | O_CLOEXEC);
	fails(r, EXIT_CONDITION, EAGAIN, "a", "replaced the temporary file");
	close(r.cond.source_fd);
	r = of(0);
	r.cond.mask = RENAME_COND_SOURCE_NEWER;
	make_old("b");
	make_old("a");
	fails(r, EXIT_CONDITION, EAGAIN, "a", "is not newer");
	unchanged();
	unlink("b");
	fails(of(RENAME_REPLACE), EXIT_CONDITION, ENOENT, "b", "does not exist");
	r.cond.mask = RENAME_COND_TARGET_IS;
	r.cond.target_fd = a;
	fails(r, EXIT_CONDITION, ENOENT, "b", "does not exist");
	fails(of(RENAME_EXCHANGE), EXIT_OTHER, ENOENT, "b", "No such file");
	close(a);
	has_text("a", "a");
	unlink("a");
	/* Also where the target is missing. */
	fails(of(RENAME_REPLACE), EXIT_OTHER, ENOENT, "a", "No such file");
}

static void other_errors(void **state)
{
	struct request r = of(0);

	(void)state;
	a_and_b();
	setenv("MOCK_ERRNO", "18", 1);
	fails(of(0), EXIT_OTHER, EXDEV, "b", "another mount");
	setenv("MOCK_ERRNO", "13", 1);
	fails(of(RENAME_SYNC), EXIT_OTHER, EACCES, "b", "Permission denied");
	setenv("MOCK_ERRNO", "11", 1);
	fails(of(RENAME_SYNC), EXIT_CONDITION, EAGAIN, "a", "again and again");
	r.cond.mask = RENAME_COND_SOURCE_NEWER;
	make_old("b");
	fails(r, EXIT_CONDITION, EAGAIN, "b", "changed meanwhile");
	setenv("MOCK_ERRNO", "5", 1);
	fails(of(RENAME_SYNC), EXIT_OTHER, EIO, "b", "Input/output error");
	unchanged();
}

static void perhaps_not_durable(void **state)
{
	(void)state;
	a_and_b();
	setenv("MOCK_LATE", "5", 1);
	fails(of(RENAME_SYNC | RENAME_EXCHANGE), EXIT_NOT_DURABLE, EIO, "b", "perhaps not");
	has_text("a", "b");
	has_text("b", "a");
	fails(of(RENAME_SYNC), EXIT_NOT_DURABLE, EIO, "b", "is renamed, but");
	has_text("b", "b");
	has_names(1);
	/* Two names of one file: nothing is renamed. */
	assert_int_equal(link("b", "a"), 0);
	fails(of(RENAME_SYNC), EXIT_OTHER, EIO, "b", "Input/output");
	has_names(2);
}

/* ---- put ---- */

/* Standard input is this text. */
static void feed(const char *text)
{
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], text, strlen(text)), strlen(text));
	close(ends[1]);
	dup2(ends[0], STDIN_FILENO);
	close(ends[0]);
}

/* A folder has one entry whose name begins so. */
static bool find_temporary(char name[256])
{
	DIR *dir = opendir(".");
	struct dirent *entry;
	bool found = false;

	while (!found && (entry = readdir(dir))) {
		found = !strncmp(entry->d_name, ".ren2.", 6);
		stpcpy(name, entry->d_name);
	}
	closedir(dir);
	return found;
}

static void put_keeps(void **state)
{
	struct options o = { 0 };
	char value[8] = "";
	struct stat st;

	(void)state;
	put_text("b", "b");
	assert_int_equal(chmod("b", 04751), 0);
	if (!getuid())
		assert_int_equal(chown("b", 12, 34) || chmod("b", 06751), 0);
	assert_int_equal(setxattr("b", "user.mark", "12345", 5, 0), 0);
	feed("new");
	assert_int_equal(in_child(put, &o, ARGUMENTS("-", "b")), EXIT_DONE);
	has_text("b", "new");
	assert_int_equal(stat("b", &st), 0);
	assert_int_equal(st.st_mode & 07777, getuid() ? 04751 : 06751);
	if (!getuid())
		assert_true(st.st_uid == 12 && st.st_gid == 34);
	assert_int_equal(getxattr("b", "user.mark", value, sizeof(value)), 5);
	assert_string_equal(value, "12345");
	has_names(1);
}

static void put_keeps_acl(void **state)
{
	const struct {
		struct posix_acl_xattr_header header;
		struct posix_acl_xattr_entry entry[5];
	} acl = {
		{ POSIX_ACL_XATTR_VERSION }, {
			{ ACL_USER_OBJ, ACL_READ | ACL_WRITE, ACL_UNDEFINED_ID },
			{ ACL_USER, ACL_READ, 1234 },
			{ ACL_GROUP_OBJ, 0, ACL_UNDEFINED_ID },
			{ ACL_MASK, ACL_READ, ACL_UNDEFINED_ID },
			{ ACL_OTHER, 0, ACL_UNDEFINED_ID },
		},
	};
	char now[sizeof(acl) + 8];
	struct options o = { 0 };

	(void)state;
	a_and_b();
	if (setxattr("b", "system.posix_acl_access", &acl, sizeof(acl), 0))
		skip();
	feed("new");
	assert_int_equal(in_child(put, &o, ARGUMENTS("-", "b")), EXIT_DONE);
	has_text("b", "new");
	assert_int_equal(getxattr("b", "system.posix_acl_access", now, sizeof(now)), sizeof(acl));
	assert_memory_equal(now, &acl, sizeof(acl));
	/* One that the folder gives to what is new in it goes, if the old file had none. */
	assert_int_equal(setxattr(".", "system.posix_acl_default", &acl, sizeof(acl), 0), 0);
	feed("newer");
	assert_int_equal(in_child(put, &o, ARGUMENTS("-", "a")), EXIT_DONE);
	assert_int_equal(getxattr("a", "system.posix_acl_access", now, sizeof(now)), -1);
	has_text("a", "newer");
}

static void put_makes(void **state)
{
	struct options o = { 0 };
	struct stat st;

	(void)state;
	umask(027);
	feed("new");
	assert_int_equal(in_child(put, &o, ARGUMENTS("-", "b")), EXIT_DONE);
	assert_int_equal(stat("b", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	/* The link is replaced, and what it leads to is left alone. */
	assert_int_equal(chmod("b", 0444) || symlink("b", "link"), 0);
	feed("newer");
	assert_int_equal(in_child(put, &o, ARGUMENTS("-", "./link")), EXIT_DONE);
	umask(022);
	assert_int_equal(lstat("link", &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0640);
	has_text("b", "new");
	has_text("link", "newer");
	has_names(2);
}

static void replace_temporary(void)
{
	char name[256];

	if (calls++ || !find_temporary(name))
		return;
	unlink(name);
	put_text(name, "evil");
}

static void put_fails_clean(void **state)
{
	struct options o = { 0 };

	(void)state;
	put_text("b", "b");
	o.request.flags = RENAME_NOREPLACE;
	feed("new");
	assert_int_equal(in_child(put, &o, ARGUMENTS("-", "b")), EXIT_CONDITION);
	setenv("MOCK_ERRNO", "28", 1);
	o.request.flags = 0;
	feed("new");
	assert_int_equal(in_child(put, &o, ARGUMENTS("-", "b")), EXIT_OTHER);
	unsetenv("MOCK_ERRNO");
	/* Another file in the place of the temporary is not taken for it. */
	mock_before = replace_temporary;
	o.request.cond.mask = RENAME_COND_TARGET_IS;
	o.request.cond.target_fd = open("b", O_PATH | O_CLOEXEC);
	feed("new");
	assert_int_equal(in_child(put, &o, ARGUMENTS("-", "b")), EXIT_CONDITION);
	close(o.request.cond.target_fd);
	assert_int_equal(in_child(put, &o, ARGUMENTS("-", "none/b")), EXIT_OTHER);
	assert_int_equal(in_child(put, &o, ARGUMENTS("-", "b/")), EXIT_USAGE);
	assert_int_equal(in_child(put, &o, ARGUMENTS("-", "..")), EXIT_USAGE);
	has_text("b", "b");
	has_names(1);
}

/* ---- cas ---- */

/* Another program replaces the file, before the first two renames. */
static void replace_twice(void)
{
	if (calls++ >= 2)
		return;
	put_text("other", calls == 1 ? "10" : "20");
	assert_int_equal(rename("other", "n"), 0);
}

static void replace_always(void)
{
	put_text("other", "0");
	assert_int_equal(rename("other", "n"), 0);
}

static void write_once(void)
{
	if (!calls++)
		put_text("n", "111");
}

static void remove_it(void)
{
	unlink("n");
}

#define INCREMENT(name) \
	ARGUMENTS(name, "sh", "-c", "read -r n; echo x >>../tries; printf %s $((n + 1))")

/* The number of times that the command ran. */
static int count_tries(void)
{
	struct stat st = { 0 };

	stat("../tries", &st);
	unlink("../tries");
	return st.st_size / 2;
}

static int cas_setup(void **state)
{
	return setup(state) || mkdir("d", 0755) || chdir("d") ? -1 : 0;
}

static void cas_changes(void **state)
{
	struct options o = { 0 };
	struct stat st;

	(void)state;
	put_text("n", "1");
	assert_int_equal(chmod("n", 0604), 0);
	assert_int_equal(in_child(cas, &o, INCREMENT("n")), EXIT_DONE);
	has_text("n", "2");
	assert_int_equal(stat("n", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0604);
	assert_int_equal(count_tries(), 1);
	has_names(1);
}

static void cas_retries(void **state)
{
	struct options o = { 0 };

	(void)state;
	put_text("n", "1");
	mock_before = replace_twice;
	assert_int_equal(in_child(cas, &o, INCREMENT("n")), EXIT_DONE);
	has_text("n", "21");
	assert_int_equal(count_tries(), 3);
	/* What is written into the same file counts, too. */
	mock_before = write_once;
	assert_int_equal(in_child(cas, &o, INCREMENT("n")), EXIT_DONE);
	has_text("n", "112");
	assert_int_equal(count_tries(), 2);
	has_names(1);
}

static void cas_gives_up(void **state)
{
	struct options o = { .tries = 3 };

	(void)state;
	put_text("n", "1");
	mock_before = replace_always;
	assert_int_equal(in_child(cas, &o, INCREMENT("n")), CAS_EXIT + EXIT_CONDITION);
	has_text("n", "0");
	assert_int_equal(count_tries(), 3);
	has_names(1);
	/* Who removes it does not want it to come back. */
	mock_before = remove_it;
	assert_int_equal(in_child(cas, &o, INCREMENT("n")), CAS_EXIT + EXIT_CONDITION);
	assert_int_equal(count_tries(), 1);
	has_names(0);
}

static void cas_command_fails(void **state)
{
	struct options o = { 0 };

	(void)state;
	put_text("n", "1");
	assert_int_equal(in_child(cas, &o, ARGUMENTS("n", "sh", "-c", "echo 5; exit 42")), 42);
	assert_int_equal(in_child(cas, &o, ARGUMENTS("n", "sh", "-c", "echo 5; kill -9 $$")), 137);
	assert_int_equal(in_child(cas, &o, ARGUMENTS("n", "/none")), 127);
	assert_int_equal(in_child(cas, &o, ARGUMENTS("n", "/etc/passwd")), 126);
	o.edit = true;
	assert_int_equal(in_child(cas, &o, ARGUMENTS("n", "false")), 1);
	assert_int_equal(in_child(cas, &o, ARGUMENTS("n", "rm")), CAS_EXIT + EXIT_OTHER);
	assert_int_equal(in_child(cas, &o, ARGUMENTS("n", "sh", "-c", "ln -sf /etc/passwd \"$0\"")),
			 CAS_EXIT + EXIT_OTHER);
	has_text("n", "1");
	has_names(1);
}

static void cas_other_files(void **state)
{
	struct options o = { 0 };

	(void)state;
	assert_int_equal(symlink("/etc/passwd", "link") || mkfifo("fifo", 0600), 0);
	assert_int_equal(in_child(cas, &o, ARGUMENTS("link", "cat")), CAS_EXIT + EXIT_OTHER);
	assert_int_equal(in_child(cas, &o, ARGUMENTS("fifo", "cat")), CAS_EXIT + EXIT_OTHER);
	assert_int_equal(in_child(cas, &o, ARGUMENTS("none", "cat")), CAS_EXIT + EXIT_OTHER);
	assert_int_equal(in_child(cas, &o, ARGUMENTS("../d", "cat")), CAS_EXIT + EXIT_OTHER);
	assert_int_equal(in_child(cas, &o, ARGUMENTS("x/", "cat")), CAS_EXIT + EXIT_USAGE);
	has_names(2);
}

static void cas_edits(void **state)
{
	char editor[] = "d=${0%/*}; mkdir -p $d/x/y; >$d/x/y/z; printf 3 >$d/n2; mv $d/n2 $0";
	struct options o = { .edit = true };

	(void)state;
	put_text("n", "1");
	assert_int_equal(in_child(cas, &o, ARGUMENTS("n", "sh", "-c", "printf 2 >>$0")), EXIT_DONE);
	has_text("n", "12");
	/* As an editor does: a new file, and things that it leaves beside. */
	assert_int_equal(in_child(cas, &o, ARGUMENTS("./n", "sh", "-c", editor)), EXIT_DONE);
	has_text("n", "3");
	has_names(1);
}

static void cas_keeps_the_edit(void **state)
{
	struct options o = { .edit = true };
	char name[256], path[300];

	(void)state;
	put_text("n", "1");
	mock_before = replace_always;
	assert_int_equal(in_child(cas, &o, ARGUMENTS("n", "sh", "-c", "printf mine >$0")),
			 CAS_EXIT + EXIT_CONDITION);
	has_text("n", "0");
	has_names(2);
	assert_true(find_temporary(name));
	snprintf(path, sizeof(path), "%s/n", name);
	has_text(path, "mine");
	assert_int_equal(unlink(path) || rmdir(name), 0);
	/* With more tries only the last is kept; here none, because it wins. */
	mock_before = replace_twice;
	o.tries = 3;
	assert_int_equal(in_child(cas, &o, ARGUMENTS("n", "sh", "-c", "printf + >>$0")), EXIT_DONE);
	has_text("n", "20+");
	has_names(1);
}

static void cas_without_the_kernel(void **state)
{
	struct options o = { 0 };

	(void)state;
	put_text("n", "1");
	setenv("MOCK_KERNEL", "stock", 1);
	assert_int_equal(in_child(cas, &o, INCREMENT("n")), CAS_EXIT + EXIT_KERNEL);
	assert_int_equal(count_tries(), 0);
	unsetenv("MOCK_KERNEL");
	setenv("MOCK_FS", "remote", 1);
	assert_int_equal(in_child(cas, &o, INCREMENT("n")), CAS_EXIT + EXIT_FILESYSTEM);
	assert_int_equal(count_tries(), 1);
	has_text("n", "1");
	has_names(1);
}

/* ---- signals ---- */

static void signal_ends_cas(void **state)
{
	static const char * const names[] = { "TERM", "HUP" };
	static const int numbers[] = { SIGTERM, SIGHUP };
	struct options o = { 0 };
	char script[128];

	(void)state;
	put_text("n", "1");
	for (int i = 0; i < 4; i++) {
		o.edit = i / 2;
		/* It would run for ever, if it were not passed on. */
		snprintf(script, sizeof(script),
			 "trap '>../got; exit' %s; echo; kill -%s $PPID; while :; do sleep 1; done",
			 names[i % 2], names[i % 2]);
		assert_int_equal(in_child(cas, &o, ARGUMENTS("n", "sh", "-c", script)),
				 128 + numbers[i % 2]);
		has_text("n", "1");
		has_names(1);
		while (access("../got", F_OK))
			usleep(1000);
		unlink("../got");
	}
}

static void interrupt_is_the_commands(void **state)
{
	struct options o = { 0 };

	(void)state;
	put_text("n", "1");
	/* An editor goes on. */
	assert_int_equal(in_child(cas, &o, ARGUMENTS("n", "sh", "-c", "kill -INT $PPID; printf 2")),
			 EXIT_DONE);
	has_text("n", "2");
	assert_int_equal(in_child(cas, &o, ARGUMENTS("n", "sh", "-c",
						     "kill -INT $PPID; printf 3; kill -INT $$")),
			 128 + SIGINT);
	has_text("n", "2");
	has_names(1);
}

static void signal_ends_put(void **state)
{
	struct options o = { 0 };
	char name[256];
	int ends[2], status;
	struct stat st;
	pid_t child;

	(void)state;
	put_text("b", "b");
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(write(ends[1], "new", 3), 3);
	child = fork();
	if (!child) {
		assert_non_null(freopen("/dev/null", "w", stderr));
		dup2(ends[0], STDIN_FILENO);
		/* So that it ends with the test, whatever becomes of that. */
		close(ends[1]);
		put(&o, 2, ARGUMENTS("-", "b"));
		signals_end();
		_exit(0);
	}
	/* It reads on, and nobody else can read what it has. */
	while (!find_temporary(name) || stat(name, &st) || st.st_size < 3)
		usleep(1000);
	assert_int_equal(st.st_mode & 07777, 0600);
	kill(child, SIGTERM);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	close(ends[0]);
	close(ends[1]);
	has_text("b", "b");
	has_names(1);
}

static void send_signal(void)
{
	if (calls++ == 2)
		raise(SIGINT);
}

static void signal_ends_probe(void **state)
{
	struct options o = { 0 };

	(void)state;
	mock_before = send_signal;
	assert_int_equal(in_child(probe, &o, ARGUMENTS(".")), 128 + SIGINT);
	has_names(0);
}

/* ---- batch ---- */

/* Runs batch on the file "ops"; its results are in the file "results". */
static int run_batch(const struct options *o)
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (!child) {
		assert_non_null(freopen("results", "w", stdout));
		status = batch(o, 1, ARGUMENTS("ops"));
		fclose(stdout);
		_exit(status);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* The next result, which must be JSON with these keys. */
static struct json_object *next_result(FILE *f)
{
	struct json_object *result, *ok, *value;
	static char line[1 << 20];

	if (!fgets(line, sizeof(line), f))
		return NULL;
	result = json_tokener_parse(line);
	assert_true(json_object_object_get_ex(result, "line", &value));
	assert_true(json_object_object_get_ex(result, "ok", &ok));
	assert_int_equal(json_object_object_get_ex(result, "code", &value),
			 !json_object_get_boolean(ok));
	return result;
}

static int64_t number_in(struct json_object *result, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(result, key, &value) ? json_object_get_int64(value) : -1;
}

/*
 * Lines of garbage, and lines that were good before one byte was changed, between good ones: each
 * line has its result, all good ones are done, and no file is lost.
 */
static void batch_fuzz(void **state)
{
	static const char good[] = "{\"op\":\"swap\",\"source\":\"a\",\"target\":\"b\",\"id\":";
	struct options o = { .keep_going = true };
	int lines = 0, done = 0, seen = 0;
	struct json_object *result;
	FILE *f;

	(void)state;
	srandom(1);
	a_and_b();
	f = fopen("ops", "we");
	for (int i = 0; i < 2000; i++) {
		char line[256];
		int n = 0;

		lines++;
		if (i % 3 == 0) {
			fprintf(f, "%s\"good\"}\n", good);
			done++;
			continue;
		}
		if (i % 3 == 1) {
			n = sprintf(line, "%s%d}", good, i);
			line[random() % n] = random();
		} else {
			line[n++] = 'x';
			while (n < 1 + i % 200)
				line[n++] = random();
		}
		for (int at = 0; at < n; at++)
			if (line[at] == '\n')
				line[at] = 1;
		fwrite(line, n, 1, f);
		fputc('\n', f);
	}
	fclose(f);
	run_batch(&o);
	f = fopen("results", "re");
	while ((result = next_result(f))) {
		struct json_object *id, *ok;

		assert_int_equal(number_in(result, "line"), ++seen);
		json_object_object_get_ex(result, "ok", &ok);
		if (json_object_object_get_ex(result, "id", &id) &&
		    !strcmp(json_object_get_string(id), "good")) {
			assert_true(json_object_get_boolean(ok));
			done--;
		} else if (!json_object_get_boolean(ok)) {
			assert_true(number_in(result, "code") > 0);
		}
		json_object_put(result);
	}
	fclose(f);
	assert_int_equal(seen, lines);
	assert_int_equal(done, 0);
	has_names(4);
}

static void batch_long_lines(void **state)
{
	struct options o = { .keep_going = true };
	FILE *f = fopen("ops", "we");
	struct json_object *result;

	(void)state;
	a_and_b();
	/* The longest that is taken, one more, and much more. */
	for (int i = 0; i < 3; i++) {
		static const char rest[] = "{\"op\":\"swap\",\"source\":\"a\",\"target\":\"b\"}";
		int spaces = i < 2 ? (128 << 10) + i - (int)strlen(rest) : 3 << 20;

		fprintf(f, "%*s%s\n", spaces, "", rest);
	}
	/* No end of line. */
	fputs("{\"op\":\"swap\",\"source\":\"a\",\"target\":\"b\"}", f);
	fclose(f);
	assert_int_equal(run_batch(&o), EXIT_USAGE);
	f = fopen("results", "re");
	for (int i = 1; i <= 4; i++) {
		result = next_result(f);
		assert_int_equal(number_in(result, "line"), i);
		assert_int_equal(number_in(result, "code"), i == 1 || i == 4 ? -1 : EXIT_USAGE);
		json_object_put(result);
	}
	assert_null(next_result(f));
	fclose(f);
	has_text("a", "a");
}

static void batch_stops(void **state)
{
	struct options o = { 0 };
	FILE *f;

	(void)state;
	a_and_b();
	put_text("ops", "{\"op\":\"put\",\"source\":\"a\",\"target\":\"c\"}\n"
			"{\"op\":\"put\",\"source\":\"b\",\"target\":\"c\",\"if_absent\":true}\n"
			"{\"op\":\"put\",\"source\":\"none\",\"target\":\"c\"}\n"
			"{\"op\":\"put\",\"source\":\"b\",\"target\":\"d\"}\n");
	assert_int_equal(run_batch(&o), EXIT_CONDITION);
	f = fopen("results", "re");
	json_object_put(next_result(f));
	json_object_put(next_result(f));
	assert_null(next_result(f));
	fclose(f);
	has_text("c", "a");
	has_text("b", "b");
	o.keep_going = true;
	/* Of several failures it is the first one that counts. */
	assert_int_equal(run_batch(&o), EXIT_OTHER);
	has_text("d", "b");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define CAS(name) cmocka_unit_test_setup_teardown(name, cas_setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(names_are_harmless), TEST(tokens), TEST(numbers),
		TEST(kernel_lacks), TEST(filesystem_lacks), TEST(folders_in_each_other),
		TEST(conditions_fail), TEST(other_errors), TEST(perhaps_not_durable),
		TEST(put_keeps), TEST(put_keeps_acl), TEST(put_makes), TEST(put_fails_clean),
		CAS(cas_changes), CAS(cas_retries), CAS(cas_gives_up), CAS(cas_command_fails),
		CAS(cas_other_files), CAS(cas_edits), CAS(cas_keeps_the_edit),
		CAS(cas_without_the_kernel), CAS(signal_ends_cas), CAS(interrupt_is_the_commands),
		TEST(signal_ends_put), TEST(signal_ends_probe),
		TEST(batch_fuzz), TEST(batch_long_lines), TEST(batch_stops),
	};

	return cmocka_run_group_tests_name("ren2", tests, NULL, NULL);
}
