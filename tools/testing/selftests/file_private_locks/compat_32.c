// SPDX-License-Identifier: GPL-2.0
/*
 * The commands as a 32-bit program has them: served by the system call
 * fcntl64() with struct flock64. Built with -m32, and run by a 64-bit kernel
 * with 32-bit emulation as well as by a 32-bit kernel.
 */
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include "fixture.h"
#include "listing.h"
#include "requester.h"

#ifdef __NR_fcntl64

/* Not from a header: glibc's struct flock64 is what libc says it is. */
struct kernel_flock64 {
	short l_type;
	short l_whence;
	long long l_start;
	long long l_len;
	int l_pid;
};

struct kernel_flock {
	short l_type;
	short l_whence;
	int l_start;
	int l_len;
	int l_pid;
};

#define HIGH (5LL << 30)

static struct kernel_flock64 span64(short type, long long start, long long len)
{
	struct kernel_flock64 fl = { .l_type = type, .l_start = start, .l_len = len };

	return fl;
}

static int raw(int nr, int fd, int cmd, void *fl)
{
	return syscall(nr, fd, cmd, fl) ? -errno : 0;
}

static int set64(int fd, int cmd, short type, long long start, long long len)
{
	struct kernel_flock64 fl = span64(type, start, len);

	return raw(__NR_fcntl64, fd, cmd, &fl);
}

TEST_F(file, layout_of_the_struct)
{
	EXPECT_EQ(4, sizeof(long));
	EXPECT_EQ(sizeof(struct flock), sizeof(struct kernel_flock64));
	EXPECT_EQ(offsetof(struct flock, l_start), offsetof(struct kernel_flock64, l_start));
	EXPECT_EQ(offsetof(struct flock, l_len), offsetof(struct kernel_flock64, l_len));
	EXPECT_EQ(offsetof(struct flock, l_pid), offsetof(struct kernel_flock64, l_pid));
}

TEST_F(file, fcntl64_serves)
{
	struct kernel_flock64 fl = span64(F_RDLCK, 0, 0);

	EXPECT_EQ(0, set64(self->fd, F_SETLKP, F_WRLCK, HIGH, HIGH));
	EXPECT_STREQ("W5368709120-10737418239", layout(self->fd, self->buf));
	EXPECT_EQ(-EAGAIN, set64(self->fd2, F_SETLKP, F_RDLCK, 2 * HIGH - 1, 1));
	EXPECT_EQ(0, set64(self->fd2, F_SETLKP, F_RDLCK, 2 * HIGH, 1));
	EXPECT_EQ(0, raw(__NR_fcntl64, self->fd2, F_GETLKP, &fl));
	EXPECT_EQ(F_WRLCK, fl.l_type);
	EXPECT_EQ(SEEK_SET, fl.l_whence);
	EXPECT_EQ(HIGH, fl.l_start);
	EXPECT_EQ(HIGH, fl.l_len);
	EXPECT_EQ(-1, fl.l_pid);
	EXPECT_EQ(0, set64(self->fd, F_SETLKPW, F_UNLCK, HIGH + 1, 1));
	EXPECT_STREQ("W5368709120-5368709120 W5368709122-10737418239",
		     layout(self->fd, self->buf));
	EXPECT_EQ(0, set64(self->fd, F_SETLKPW, F_RDLCK, 0, 0x7fffffffffffffffLL));
	EXPECT_STREQ("R0-9223372036854775806", layout(self->fd, self->buf));

	/* Classic locks come with commands of their own. */
	fl = span64(F_WRLCK, HIGH, 1);
	EXPECT_EQ(-EAGAIN, raw(__NR_fcntl64, self->fd, F_SETLK64, &fl));
	EXPECT_EQ(0, raw(__NR_fcntl64, self->fd, F_GETLK64, &fl));
	EXPECT_EQ(-1, fl.l_pid);
}

/*
 * The old system call fcntl() refuses all commands with 64-bit offsets, with
 * one exception: x86-64 gives 32-bit programs fcntl64() under both numbers.
 */
static bool fcntl_is_fcntl64(void)
{
	struct utsname name;

	if (uname(&name))
		broken("uname");
	return !strcmp(name.machine, "x86_64");
}

TEST_F(file, old_fcntl)
{
	static const int cmds[] = {
		F_GETLKP, F_SETLKP, F_SETLKPW, F_GETLK64, F_SETLK64, F_SETLKW64
	};
	int want = fcntl_is_fcntl64() ? 0 : -EINVAL;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cmds); i++) {
		struct kernel_flock64 fl = span64(F_RDLCK, HIGH, 10);

		EXPECT_EQ(want, raw(__NR_fcntl, self->fd, cmds[i], &fl));
	}
	EXPECT_STREQ(want ? "" : "R5368709120-5368709129", layout(self->fd, self->buf));
	EXPECT_EQ(want ? 0 : 1, locks_shown(self->id, "POSIX", false));
}

/* The old system call meets private locks, and says so if it cannot express them. */
TEST_F(file, old_getlk)
{
	struct kernel_flock fl = { .l_type = F_WRLCK };

	ASSERT_EQ(0, set64(self->fd, F_SETLKP, F_WRLCK, HIGH, 1));
	EXPECT_EQ(-EOVERFLOW, raw(__NR_fcntl, self->fd, 5 /* F_GETLK */, &fl));
	ASSERT_EQ(0, set64(self->fd, F_SETLKP, F_RDLCK, 7, 1));
	EXPECT_EQ(0, raw(__NR_fcntl, self->fd, 5 /* F_GETLK */, &fl));
	EXPECT_EQ(F_RDLCK, fl.l_type);
	EXPECT_EQ(7, fl.l_start);
	EXPECT_EQ(1, fl.l_len);
	EXPECT_EQ(-1, fl.l_pid);
}

TEST_F(file, refusals)
{
	struct kernel_flock64 fl = span64(F_WRLCK, 0, 10);
	int path = open(self->path, O_PATH), ro = open(self->path, O_RDONLY);

	fl.l_pid = 1;
	EXPECT_EQ(-EINVAL, raw(__NR_fcntl64, self->fd, F_GETLKP, &fl));
	EXPECT_EQ(-EINVAL, raw(__NR_fcntl64, self->fd, F_SETLKP, &fl));
	EXPECT_EQ(-EINVAL, raw(__NR_fcntl64, self->fd, F_SETLKPW, &fl));
	EXPECT_EQ(-EBADF, set64(path, F_SETLKP, F_RDLCK, 0, 10));
	EXPECT_EQ(-EBADF, set64(ro, F_SETLKP, F_WRLCK, 0, 10));
	EXPECT_EQ(-EBADF, set64(-1, F_SETLKP, F_WRLCK, 0, 10));
	EXPECT_EQ(-EINVAL, set64(self->fd, F_SETLKP, 3, 0, 10));
	EXPECT_EQ(-EINVAL, set64(self->fd, F_SETLKP, F_WRLCK, -1, 10));
	EXPECT_EQ(-EOVERFLOW, set64(self->fd, F_SETLKP, F_WRLCK, 2, 0x7fffffffffffffffLL));
	EXPECT_EQ(0, locks_shown(self->id, "", false));
}

/* The kernel reads and writes the 32-bit struct and not a byte more. */
TEST_F(file, end_of_the_struct)
{
	long page = sysconf(_SC_PAGESIZE);
	struct kernel_flock64 *fl;
	unsigned int i;
	static const int cmds[] = { F_GETLKP, F_SETLKP, F_SETLKPW };
	char *map = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_TRUE(map != MAP_FAILED);
	ASSERT_EQ(0, mprotect(map + page, page, PROT_NONE));
	ASSERT_EQ(0, set64(self->fd2, F_SETLKP, F_RDLCK, 0, 1));
	for (i = 0; i < ARRAY_SIZE(cmds); i++) {
		fl = (void *)(map + page - sizeof(*fl));
		*fl = span64(F_RDLCK, 0, 10);
		EXPECT_EQ(0, raw(__NR_fcntl64, self->fd, cmds[i], fl));
		fl = (void *)(map + page - sizeof(*fl) + 1);
		EXPECT_EQ(-EFAULT, raw(__NR_fcntl64, self->fd, cmds[i], fl));
		EXPECT_EQ(-EFAULT, raw(__NR_fcntl64, self->fd, cmds[i], NULL));
	}
}

/* What programs call: libc with 64-bit file offsets. */
TEST_F(file, through_libc)
{
	struct flock fl = span(F_WRLCK, 0, 0);
	struct peer waiter;

	EXPECT_EQ(8, sizeof(fl.l_start));
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, HIGH, 10));
	peer_start(&waiter, PEER_OWN_FDS);
	peer_ask(&waiter, self->fd2, F_SETLKPW, &fl);
	until_waiting(self->id, 1);
	ASSERT_EQ(0, lock_call(self->fd2, F_GETLKP, &fl));
	EXPECT_EQ(HIGH, fl.l_start);
	EXPECT_EQ(10, fl.l_len);
	EXPECT_EQ(-1, fl.l_pid);
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_UNLCK, 0, 0));
	EXPECT_EQ(0, peer_answer(&waiter, NULL));
	EXPECT_STREQ("W0-EOF", layout(self->fd2, self->buf));
	peer_stop(&waiter);
}

/* F_SETLKPT has one struct for all programs, so both system calls take it. */
static const int timed_calls[] = { __NR_fcntl, __NR_fcntl64 };

static int timed_raw(int nr, int fd, struct flockp_how how)
{
	return raw(nr, fd, F_SETLKPT, &how);
}

TEST_F(file, timed_serves)
{
	unsigned int i;

	if (timed_missing())
		SKIP(return, "%s", timed_missing());
	EXPECT_EQ(FLOCKP_HOW_SIZE_VER0, sizeof(struct flockp_how));
	for (i = 0; i < ARRAY_SIZE(timed_calls); i++) {
		struct flockp_how how = timed_span(F_WRLCK, HIGH, HIGH);

		EXPECT_EQ(0, timed_raw(timed_calls[i], self->fd, how));
		EXPECT_STREQ("W5368709120-10737418239", layout(self->fd, self->buf));
		how = timed_until(F_RDLCK, 2 * HIGH - 1, 1, CLOCK_BOOTTIME, 0);
		EXPECT_EQ(-ETIMEDOUT, timed_raw(timed_calls[i], self->fd2, how));
		how.start++;
		EXPECT_EQ(0, timed_raw(timed_calls[i], self->fd2, how));
		EXPECT_STREQ("R10737418240-10737418240", layout(self->fd2, self->buf));
		how = timed_span(F_UNLCK, 0, 0);
		EXPECT_EQ(0, timed_raw(timed_calls[i], self->fd, how));
		EXPECT_EQ(0, timed_raw(timed_calls[i], self->fd2, how));
		EXPECT_EQ(0, locks_shown(self->id, "", false));
	}
}

TEST_F(file, timed_refusals)
{
	int path = open(self->path, O_PATH), ro = open(self->path, O_RDONLY);
	unsigned int i;

	if (timed_missing())
		SKIP(return, "%s", timed_missing());
	for (i = 0; i < ARRAY_SIZE(timed_calls); i++) {
		int nr = timed_calls[i];
		struct flockp_how how = timed_until(F_WRLCK, 0, 10, CLOCK_MONOTONIC, 0);

		EXPECT_EQ(-EBADF, timed_raw(nr, path, how));
		EXPECT_EQ(-EBADF, timed_raw(nr, ro, how));
		EXPECT_EQ(-EBADF, timed_raw(nr, -1, how));
		/* What is too large for the 32-bit struct timespec, and looks right in it. */
		how.deadline_nsec = 1LL << 32 | 5;
		EXPECT_EQ(-EINVAL, timed_raw(nr, self->fd, how));
		how.deadline_nsec = 0;
		how.deadline_sec = -1;
		EXPECT_EQ(-EINVAL, timed_raw(nr, self->fd, how));
		how = timed_span(F_WRLCK, 2, 0x7fffffffffffffffLL);
		EXPECT_EQ(-EOVERFLOW, timed_raw(nr, self->fd, how));
		how = timed_span(F_WRLCK, 0, 10);
		how.resv = 1;
		EXPECT_EQ(-EINVAL, timed_raw(nr, self->fd, how));
		how.size = sysconf(_SC_PAGESIZE) + 1;
		EXPECT_EQ(-E2BIG, timed_raw(nr, self->fd, how));
		EXPECT_EQ(-EFAULT, raw(nr, self->fd, F_SETLKPT, NULL));
		EXPECT_EQ(-EFAULT, raw(nr, self->fd, F_SETLKPT, (void *)-1L));
	}
	EXPECT_EQ(0, locks_shown(self->id, "", false));
}

TEST_F(file, timed_end_of_the_struct)
{
	struct flockp_how how = timed_span(F_WRLCK, 0, 10);
	long page = sysconf(_SC_PAGESIZE);
	char *map = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
	unsigned int i;

	if (timed_missing())
		SKIP(return, "%s", timed_missing());
	ASSERT_TRUE(map != MAP_FAILED);
	ASSERT_EQ(0, mprotect(map + page, page, PROT_NONE));
	for (i = 0; i < ARRAY_SIZE(timed_calls); i++) {
		char *at = map + page - sizeof(how);

		memcpy(at, &how, sizeof(how));
		EXPECT_EQ(0, raw(timed_calls[i], self->fd, F_SETLKPT, at));
		memcpy(at + 1, &how, sizeof(how) - 1);
		EXPECT_EQ(-EFAULT, raw(timed_calls[i], self->fd, F_SETLKPT, at + 1));
	}
	EXPECT_STREQ("W0-9", layout(self->fd, self->buf));
}

TEST_F(file, timed_waits)
{
	struct flockp_how how;
	struct peer waiter;
	__s64 end;

	if (timed_missing())
		SKIP(return, "%s", timed_missing());
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, HIGH, 10));
	peer_start(&waiter, PEER_OWN_FDS);
	how = timed_until(F_WRLCK, 0, 0, CLOCK_REALTIME,
			  clock_now(CLOCK_REALTIME) + 50 * NSEC_PER_MSEC);
	peer_ask_timed(&waiter, self->fd2, &how);
	ASSERT_EQ(-ETIMEDOUT, peer_answer_timed(&waiter, &end));
	EXPECT_LE(deadline_of(&how), end);
	EXPECT_EQ(0, locks_shown(self->id, "", true));

	/* More seconds than 32 bits hold. */
	how.deadline_sec = 1LL << 33;
	peer_ask_timed(&waiter, self->fd2, &how);
	until_waiting(self->id, 1);
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_UNLCK, 0, 0));
	EXPECT_EQ(0, peer_answer_timed(&waiter, NULL));
	EXPECT_STREQ("W0-EOF", layout(self->fd2, self->buf));
	peer_stop(&waiter);
}

/* Nor does F_ENUMLKP depend on who asks. */
TEST_F(file, listing)
{
	char text[LISTED_SIZE], one[64];
	struct requester waiter;
	struct list list;
	unsigned int i;

	if (listing_missing())
		SKIP(return, "%s", listing_missing());
	EXPECT_EQ(FLOCKP_ENUM_SIZE_VER0, sizeof(struct flockp_enum));
	EXPECT_EQ(FLOCKP_ENTRY_SIZE_VER0, sizeof(struct flockp_entry));
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, HIGH, HIGH));
	ASSERT_EQ(0, lock_span(self->fd, F_SETLK, F_RDLCK, 5, 10));
	ASSERT_EQ(0, lock_span(self->fd2, F_SETLKP, F_RDLCK, 4 * HIGH, 0));
	waiter = request(WAY_PRIVATE, self->fd2, F_RDLCK, 2 * HIGH - 1, HIGH);
	until_listed(self->fd, waiter.pid);
	list = list_all(self->fd, listing(NULL, 0), 1);
	EXPECT_STREQ("wpR10737418239-16106127358", listed(self->fd, FLKP_WAITING, text));
	EXPECT_STREQ("hcR5-14 hpW5368709120-10737418239 hpR21474836480-EOF",
		     listed(self->fd, FLKP_HELD, text));
	ASSERT_EQ(4, list.count);
	EXPECT_EQ(classic_owner(self->fd), list.entries[0].owner);
	EXPECT_EQ(private_owner(self->fd), list.entries[1].owner);
	EXPECT_EQ(getpid(), list.entries[1].pid);
	EXPECT_EQ(waiter.pid, list.entries[3].pid);
	for (i = 0; i < ARRAY_SIZE(timed_calls); i++) {
		struct flockp_entry entry;
		struct flockp_enum how = listing(&entry, 1);

		how.start = HIGH;
		how.len = HIGH;
		EXPECT_EQ(1, syscall(timed_calls[i], self->fd, F_ENUMLKP, &how));
		EXPECT_STREQ("hpW5368709120-10737418239", entry_text(&entry, one));
		EXPECT_TRUE(same_entry(&list.entries[1], &entry));
		/* A pointer of 64 bits, whose lower half is right. */
		how = listing(&entry, 1);
		how.entries |= 1ULL << 32;
		EXPECT_EQ(-EFAULT, raw(timed_calls[i], self->fd, F_ENUMLKP, &how));
		EXPECT_EQ(0, how.cursor[0]);
		EXPECT_EQ(0, how.cursor[1]);
		EXPECT_EQ(-EFAULT, raw(timed_calls[i], self->fd, F_ENUMLKP, NULL));
		how = listing(&entry, 1);
		how.start = 2;
		how.len = 0x7fffffffffffffffLL;
		EXPECT_EQ(-EOVERFLOW, raw(timed_calls[i], self->fd, F_ENUMLKP, &how));
		how = listing(&entry, 1U << 31);
		EXPECT_EQ(-EINVAL, raw(timed_calls[i], self->fd, F_ENUMLKP, &how));
	}
	list_free(&list);
	request_end(&waiter);
}

TEST_F(file, fair)
{
	struct flockp_how how = timed_span(F_WRLCK, HIGH, HIGH);
	unsigned int i;

	if (fair_missing())
		SKIP(return, "%s", fair_missing());
	how.flags = FLKP_FAIR;
	for (i = 0; i < ARRAY_SIZE(timed_calls); i++) {
		how.type = F_WRLCK;
		EXPECT_EQ(0, timed_raw(timed_calls[i], self->fd, how));
		EXPECT_STREQ("W5368709120-10737418239", layout(self->fd, self->buf));
		how.type = F_UNLCK;
		EXPECT_EQ(-EINVAL, timed_raw(timed_calls[i], self->fd, how));
	}
}

#else /* no fcntl64: a 64-bit build in place of the 32-bit one */

TEST(built_with_m32)
{
	SKIP(return, "no 32-bit compiler (package gcc-multilib) when the tests were built");
}

#endif

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
