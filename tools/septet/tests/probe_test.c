// SPDX-License-Identifier: GPL-2.0
/*
 * The probes against kernels that are made up here, so that each answer a
 * kernel can give is seen once, and then against the running one.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <cmocka.h>

#include "mocked.h"
#include "septet.h"

#define FAKE_FD 1234
#define EVERY_FLAG (~0U)

/* What the made-up kernel does; all zero is one that serves everything it is asked. */
static struct {
	bool use_real;
	int memfd_err;
	int hot_err;
	int stray_err;
	int getlk_err;
	bool getlk_silent;
	int timed_err;
	unsigned int timed_flags;
	unsigned int rename_flags;
	unsigned int timer_flags;
	int flag_err;		/* instead of EBADF, for each flag that is known */
	const char *paths[4];
	int access_err;		/* instead of ENOENT */
	int open_fds;
} kernel;

static int fails_with(int err)
{
	errno = err;
	return -1;
}

int __wrap_memfd_create(const char *name, unsigned int flags)
{
	assert_int_equal(flags, MFD_CLOEXEC);
	if (kernel.use_real)
		return __real_memfd_create(name, flags);
	if (kernel.memfd_err)
		return fails_with(kernel.memfd_err);
	kernel.open_fds++;
	return FAKE_FD;
}

/* All but the first three words of the structure is zero: an unlock of the whole file. */
static int unlock_timed(int fd, const unsigned int *how)
{
	static const unsigned int zeros[11];

	assert_int_equal(how[0], 56);
	assert_int_equal(how[2], F_UNLCK);
	assert_memory_equal(how + 3, zeros, sizeof(zeros));
	if (kernel.use_real)
		return __real_fcntl(fd, 1088, (void *)how);
	assert_int_equal(fd, FAKE_FD);
	if (how[1] & ~kernel.timed_flags)
		return fails_with(EINVAL);
	return kernel.timed_err ? fails_with(kernel.timed_err) : 0;
}

int __wrap_fcntl(int fd, int cmd, void *arg)
{
	struct flock *lock = arg;

	if (cmd == 1088)
		return unlock_timed(fd, arg);
	assert_int_equal(cmd, 36);
	assert_int_equal(lock->l_pid, 0);
	if (kernel.use_real)
		return __real_fcntl(fd, cmd, arg);
	assert_int_equal(fd, FAKE_FD);
	if (kernel.getlk_err)
		return fails_with(kernel.getlk_err);
	if (!kernel.getlk_silent)
		lock->l_type = F_UNLCK;
	return 0;
}

/* The two commands differ in their number only, and only look. */
int __wrap_ioctl(int fd, unsigned long command, void *arg)
{
	static const unsigned char zeros[124];

	assert_true(command == 0xc0801560 || command == 0xc08015ff);
	assert_int_equal(*(unsigned int *)arg, 128);
	assert_memory_equal((unsigned char *)arg + 4, zeros, sizeof(zeros));
	if (kernel.use_real)
		return __real_ioctl(fd, command, arg);
	assert_int_equal(fd, FAKE_FD);
	if (command == 0xc08015ff)
		return kernel.stray_err ? fails_with(kernel.stray_err) : 0;
	return kernel.hot_err ? fails_with(kernel.hot_err) : 0;
}

int __wrap_close(int fd)
{
	if (kernel.use_real)
		return __real_close(fd);
	assert_int_equal(fd, FAKE_FD);
	kernel.open_fds--;
	return 0;
}

int __wrap_access(const char *path, int mode)
{
	assert_int_equal(mode, F_OK);
	if (kernel.use_real)
		return __real_access(path, mode);
	for (size_t i = 0; i < ARRAY_SIZE(kernel.paths); i++)
		if (kernel.paths[i] && !strcmp(path, kernel.paths[i]))
			return 0;
	return fails_with(kernel.access_err ? kernel.access_err : ENOENT);
}

static int serve_flags(unsigned int flags, unsigned int known)
{
	if (flags & ~known)
		return fails_with(EINVAL);
	return fails_with(kernel.flag_err ? kernel.flag_err : EBADF);
}

/* A relative name under descriptor -1 cannot exist: nothing can be renamed. */
int __wrap_renameat2(int olddir, const char *old, int newdir, const char *new,
		     unsigned int flags)
{
	assert_int_equal(olddir, -1);
	assert_int_equal(newdir, -1);
	assert_int_not_equal(old[0], '/');
	assert_int_not_equal(new[0], '/');
	if (kernel.use_real)
		return __real_renameat2(olddir, old, newdir, new, flags);
	return serve_flags(flags, kernel.rename_flags);
}

int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *new,
			   struct itimerspec *old)
{
	assert_int_equal(fd, -1);
	if (kernel.use_real)
		return __real_timerfd_settime(fd, flags, new, old);
	return serve_flags(flags, kernel.timer_flags);
}

static int reset(void **state)
{
	(void)state;
	memset(&kernel, 0, sizeof(kernel));
	return 0;
}

static void expect(struct verdict v, enum state wanted, int err)
{
	assert_int_equal(v.state, wanted);
	assert_int_equal(v.err, err);
	assert_true(strlen(v.result) > 0);
	assert_int_equal(kernel.open_fds, 0);
}

static void hot(int stray_err, int hot_err, enum state wanted, int err)
{
	reset(NULL);
	kernel.stray_err = stray_err;
	kernel.hot_err = hot_err;
	expect(probe_hot_tracking(), wanted, err);
}

static void hot_served(void **state)
{
	(void)state;
	hot(ENOTTY, EOPNOTSUPP, STATE_PRESENT, 0);
}

static void hot_not_known(void **state)
{
	(void)state;
	hot(ENOTTY, ENOTTY, STATE_ABSENT, ENOTTY);
}

static void hot_not_permitted(void **state)
{
	(void)state;
	hot(ENOTTY, EPERM, STATE_UNKNOWN, EPERM);
}

static void hot_filter_answers_all(void **state)
{
	(void)state;
	hot(0, 0, STATE_UNKNOWN, 0);
	hot(EOPNOTSUPP, EOPNOTSUPP, STATE_UNKNOWN, EOPNOTSUPP);
	hot(EPERM, EPERM, STATE_UNKNOWN, EPERM);
	hot(ENOTTY, 0, STATE_UNKNOWN, 0);
}

static void hot_no_memory_file(void **state)
{
	(void)state;
	kernel.memfd_err = ENFILE;
	expect(probe_hot_tracking(), STATE_UNKNOWN, ENFILE);
}

static void locks_answered(void **state)
{
	(void)state;
	expect(probe_file_private_locks(), STATE_PRESENT, 0);
}

static void locks_of_mainline(void **state)
{
	(void)state;
	kernel.timed_err = EINVAL;
	expect(probe_file_private_locks(), STATE_MAINLINE, EINVAL);
}

static void locks_timed_not_permitted(void **state)
{
	(void)state;
	kernel.timed_err = EPERM;
	expect(probe_file_private_locks(), STATE_UNKNOWN, EPERM);
}

static void locks_flags_not_looked_at(void **state)
{
	(void)state;
	kernel.timed_flags = EVERY_FLAG;
	expect(probe_file_private_locks(), STATE_UNKNOWN, 0);
}

static void locks_not_known(void **state)
{
	(void)state;
	kernel.getlk_err = EINVAL;
	expect(probe_file_private_locks(), STATE_ABSENT, EINVAL);
}

static void locks_not_permitted(void **state)
{
	(void)state;
	kernel.getlk_err = EPERM;
	expect(probe_file_private_locks(), STATE_UNKNOWN, EPERM);
}

static void locks_filter_fakes_success(void **state)
{
	(void)state;
	kernel.getlk_silent = true;
	expect(probe_file_private_locks(), STATE_UNKNOWN, 0);
}

static void locks_no_memory_file(void **state)
{
	(void)state;
	kernel.memfd_err = ENFILE;
	expect(probe_file_private_locks(), STATE_UNKNOWN, ENFILE);
}

static void rename_stock(void **state)
{
	(void)state;
	kernel.rename_flags = 0x7;
	expect(probe_renameat2(), STATE_MAINLINE, EINVAL);
}

static void rename_patched(void **state)
{
	(void)state;
	kernel.rename_flags = 0x7 | 0x40;
	expect(probe_renameat2(), STATE_PRESENT, 0);
}

static void rename_without_flags(void **state)
{
	(void)state;
	expect(probe_renameat2(), STATE_ABSENT, EINVAL);
}

static void rename_ignores_unknown_flags(void **state)
{
	(void)state;
	kernel.rename_flags = EVERY_FLAG;
	expect(probe_renameat2(), STATE_UNKNOWN, EBADF);
}

static void rename_not_permitted(void **state)
{
	(void)state;
	kernel.rename_flags = EVERY_FLAG;
	kernel.flag_err = EPERM;
	expect(probe_renameat2(), STATE_UNKNOWN, EPERM);
}

static void timers_stock(void **state)
{
	(void)state;
	kernel.timer_flags = 0x3;
	expect(probe_deferrable_timers(), STATE_ABSENT, EINVAL);
}

static void timers_patched(void **state)
{
	(void)state;
	kernel.timer_flags = 0x7;
	expect(probe_deferrable_timers(), STATE_PRESENT, 0);
}

static void timers_ignore_unknown_flags(void **state)
{
	(void)state;
	kernel.timer_flags = EVERY_FLAG;
	expect(probe_deferrable_timers(), STATE_UNKNOWN, EBADF);
}

static void timers_not_permitted(void **state)
{
	(void)state;
	kernel.timer_flags = EVERY_FLAG;
	kernel.flag_err = EACCES;
	expect(probe_deferrable_timers(), STATE_UNKNOWN, EACCES);
}

static const struct {
	struct verdict (*probe)(void);
	const char *folder;
	const char *path;
} by_path[] = {
	{ probe_compaction_demand, "/proc/sys/vm", "/proc/sys/vm/compaction_demand" },
	{ probe_pm_qos_latency, "/sys/class/misc", "/sys/class/misc/pm_qos_latency" },
};

static void path_exists(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(by_path); i++) {
		reset(state);
		kernel.paths[0] = by_path[i].folder;
		kernel.paths[1] = by_path[i].path;
		expect(by_path[i].probe(), STATE_PRESENT, 0);
	}
}

static void path_missing(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(by_path); i++) {
		reset(state);
		kernel.paths[0] = by_path[i].folder;
		expect(by_path[i].probe(), STATE_ABSENT, ENOENT);
	}
}

static void path_not_mounted(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(by_path); i++)
		expect(by_path[i].probe(), STATE_UNKNOWN, 0);
}

static void path_not_permitted(void **state)
{
	(void)state;
	kernel.access_err = EACCES;
	for (size_t i = 0; i < ARRAY_SIZE(by_path); i++)
		expect(by_path[i].probe(), STATE_UNKNOWN, EACCES);
}

static void table_is_complete_and_in_order(void **state)
{
	static const char * const names[] = {
		"hot_tracking", "compaction_demand", "dma_page_pool", "file_private_locks",
		"renameat2", "deferrable_timers", "pm_qos_latency",
	};

	(void)state;
	assert_int_equal(NR_FEATURES, ARRAY_SIZE(names));
	for (size_t i = 0; i < NR_FEATURES; i++) {
		assert_string_equal(features[i].name, names[i]);
		assert_non_null(features[i].summary);
		assert_non_null(features[i].asks_for);
		assert_non_null(features[i].probe);
		/* Wider, and the table no longer fits in 80 columns. */
		assert_true(strlen(features[i].asks_for) <= 27);
	}
}

/* A descriptor that a probe left open would move the lowest free one. */
static void running_kernel_is_left_as_it_was(void **state)
{
	int before, after;

	(void)state;
	kernel.use_real = true;
	before = dup(STDERR_FILENO);
	close(before);
	for (int round = 0; round < 1000; round++)
		for (size_t i = 0; i < NR_FEATURES; i++)
			features[i].probe();
	after = dup(STDERR_FILENO);
	close(after);
	assert_int_equal(before, after);
}

#define TEST(name) cmocka_unit_test_setup(name, reset)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(hot_served),
		TEST(hot_not_known),
		TEST(hot_not_permitted),
		TEST(hot_filter_answers_all),
		TEST(hot_no_memory_file),
		TEST(locks_answered),
		TEST(locks_of_mainline),
		TEST(locks_timed_not_permitted),
		TEST(locks_flags_not_looked_at),
		TEST(locks_not_known),
		TEST(locks_not_permitted),
		TEST(locks_filter_fakes_success),
		TEST(locks_no_memory_file),
		TEST(rename_stock),
		TEST(rename_patched),
		TEST(rename_without_flags),
		TEST(rename_ignores_unknown_flags),
		TEST(rename_not_permitted),
		TEST(timers_stock),
		TEST(timers_patched),
		TEST(timers_ignore_unknown_flags),
		TEST(timers_not_permitted),
		TEST(path_exists),
		TEST(path_missing),
		TEST(path_not_mounted),
		TEST(path_not_permitted),
		TEST(table_is_complete_and_in_order),
		TEST(running_kernel_is_left_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
