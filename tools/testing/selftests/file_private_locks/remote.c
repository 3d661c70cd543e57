// SPDX-License-Identifier: GPL-2.0
/*
 * Filesystems with locks of their own, which wait in their own ways: F_SETLKPT
 * is not for them and says so before anything is done, while the commands
 * without a deadline work as ever, and F_ENUMLKP lists what the kernel has of them.
 * FUSE is one of them even where its server leaves the locks to the kernel.
 */
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "../kselftest_harness.h"
#include "fuse.h"
#include "helpers.h"
#include "listing.h"
#include "smb.h"

static const __u32 types[] = { F_RDLCK, F_WRLCK, F_UNLCK };

enum { FUSE_SERVER_LOCKS, FUSE_KERNEL_LOCKS, SMB, NR_REMOTES };

/* Mounted before any test runs, or why not. */
static struct {
	char dir[64], missing[128];
	struct fuse_server *server;
} remotes[NR_REMOTES];
static pid_t owner;

FIXTURE(remote)
{
	struct fuse_server *server;
	char path[80];
	int fd, fd2;
};

FIXTURE_VARIANT(remote)
{
	int nr;
};

FIXTURE_VARIANT_ADD(remote, fuse_server_locks)
{
	.nr = FUSE_SERVER_LOCKS,
};

FIXTURE_VARIANT_ADD(remote, fuse_kernel_locks)
{
	.nr = FUSE_KERNEL_LOCKS,
};

FIXTURE_VARIANT_ADD(remote, smb)
{
	.nr = SMB,
};

FIXTURE_SETUP(remote)
{
	if (remotes[variant->nr].missing[0])
		SKIP(return, "%s", remotes[variant->nr].missing);
	self->server = remotes[variant->nr].server;
	snprintf(self->path, sizeof(self->path), "%s/file", remotes[variant->nr].dir);
	self->fd = open(self->path, O_RDWR);
	ASSERT_LE(0, self->fd);
	self->fd2 = open(self->path, O_RDWR);
	ASSERT_LE(0, self->fd2);
	/* No test is to see what another one left on the server. */
	ASSERT_EQ(0, self->server->held);
	self->server->set = 0;
}

FIXTURE_TEARDOWN(remote)
{
	/* FUSE does not tell its server when an open file goes. */
	lock_span(self->fd, F_SETLKP, F_UNLCK, 0, 0);
	lock_span(self->fd2, F_SETLKP, F_UNLCK, 0, 0);
}

/* The lock that another open file sees, as "W0-9". */
static const char *seen(int fd)
{
	struct flock fl = span(F_WRLCK, 0, 0);
	static char text[64];

	if (lock_call(fd, F_GETLKP, &fl))
		broken("F_GETLKP");
	snprintf(text, sizeof(text), "%c%lld-%lld", "RWU"[fl.l_type], (long long)fl.l_start,
		 (long long)(fl.l_start + fl.l_len - 1));
	return fl.l_type == F_UNLCK ? "" : text;
}

static void until_it_waits(FIXTURE_DATA(remote) * self, int nr)
{
	char id[FILE_ID_SIZE];

	switch (nr) {
	case FUSE_SERVER_LOCKS:
		while (!self->server->waiting)
			pause_briefly();
		break;
	case FUSE_KERNEL_LOCKS:
		file_id(self->fd, id);
		until_waiting(id, 1);
		break;
	default:
		/* There is no way to see it, and the result is the same. */
		pause_briefly();
	}
}

TEST_F(remote, other_commands)
{
	struct flock fl = span(F_WRLCK, 0, 10);
	struct peer waiter;

	EXPECT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, 0, 10));
	EXPECT_EQ(-EAGAIN, lock_span(self->fd2, F_SETLKP, F_RDLCK, 0, 10));
	EXPECT_STREQ("W0-9", seen(self->fd2));
	peer_start(&waiter, PEER_OWN_FDS);
	peer_ask(&waiter, self->fd2, F_SETLKPW, &fl);
	until_it_waits(self, variant->nr);
	EXPECT_EQ(0, lock_span(self->fd, F_SETLKP, F_UNLCK, 0, 10));
	EXPECT_EQ(0, peer_answer(&waiter, NULL));
	EXPECT_STREQ("W0-9", seen(self->fd));
	/* Who keeps the locks: that the fixture is what it says. */
	EXPECT_EQ(variant->nr == FUSE_SERVER_LOCKS ? 4 : 0, self->server->set);
	peer_stop(&waiter);
}

/* Whether it is free, taken, or to be released. */
static void not_supported(struct __test_metadata *_metadata, FIXTURE_DATA(remote) * self)
{
	static const __u32 clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME };
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		struct flockp_how how = timed_span(types[i], 0, 10);

		EXPECT_EQ(-EOPNOTSUPP, timed_call(self->fd, &how));
		EXPECT_EQ(-EOPNOTSUPP, timed_call(self->fd2, &how));
		for (j = 0; j < ARRAY_SIZE(clocks); j++) {
			how = timed_until(types[i], 0, 0, clocks[j], 0);
			EXPECT_EQ(-EOPNOTSUPP, timed_call(self->fd, &how));
			EXPECT_EQ(-EOPNOTSUPP, timed_call(self->fd2, &how));
			how.deadline_sec = INT64_MAX;
			EXPECT_EQ(-EOPNOTSUPP, timed_call(self->fd, &how));
			EXPECT_EQ(-EOPNOTSUPP, timed_call(self->fd2, &how));
		}
	}
}

TEST_F(remote, nothing_is_locked)
{
	char id[FILE_ID_SIZE];

	file_id(self->fd, id);
	not_supported(_metadata, self);
	EXPECT_STREQ("", seen(self->fd));
	EXPECT_STREQ("", seen(self->fd2));
	EXPECT_EQ(0, self->server->set);
	EXPECT_EQ(0, locks_shown(id, "", false));
}

TEST_F(remote, nothing_is_changed)
{
	int requests;

	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_RDLCK, 0, 10));
	requests = self->server->set;
	not_supported(_metadata, self);
	EXPECT_STREQ("R0-9", seen(self->fd2));
	EXPECT_STREQ("", seen(self->fd));
	EXPECT_EQ(requests, self->server->set);
	/* And then the lock can be changed and released as before. */
	EXPECT_EQ(0, lock_span(self->fd, F_SETLKPW, F_WRLCK, 0, 10));
	EXPECT_STREQ("W0-9", seen(self->fd2));
	not_supported(_metadata, self);
	EXPECT_STREQ("W0-9", seen(self->fd2));
	EXPECT_EQ(0, lock_span(self->fd, F_SETLKP, F_UNLCK, 0, 0));
	EXPECT_STREQ("", seen(self->fd2));
}

/* What is wrong with a request is told first. */
TEST_F(remote, wrong_requests)
{
	struct flockp_how how = timed_span(F_WRLCK, 0, 10);
	int ro = open(self->path, O_RDONLY);

	ASSERT_LE(0, ro);
	EXPECT_EQ(-EBADF, timed_call(ro, &how));
	EXPECT_EQ(-EFAULT, timed_call(self->fd, NULL));
	how.type = 3;
	EXPECT_EQ(-EINVAL, timed_call(self->fd, &how));
	how = timed_span(F_WRLCK, 0, 10);
	how.flags = 1U << 31;
	EXPECT_EQ(-EINVAL, timed_call(self->fd, &how));
	how = timed_span(F_WRLCK, -1, 10);
	EXPECT_EQ(-EINVAL, timed_call(self->fd, &how));
	EXPECT_EQ(0, self->server->set);
}

/* F_ENUMLKP tells what the kernel keeps of it, if anything, and that there may be more. */
TEST_F(remote, listing)
{
	struct flockp_enum how = listing(NULL, 0);
	char text[LISTED_SIZE], id[FILE_ID_SIZE];
	struct list list;
	int i;

	if (listing_missing())
		SKIP(return, "%s", listing_missing());
	EXPECT_EQ(0, listed_count(self->fd, 0));
	ASSERT_EQ(0, lock_span(self->fd, F_SETLKP, F_WRLCK, 0, 10));
	ASSERT_EQ(0, lock_span(self->fd2, F_SETLK, F_RDLCK, 20, 10));
	list = list_all(self->fd2, how, 8);
	/* No less than in /proc/locks. */
	file_id(self->fd, id);
	EXPECT_EQ(locks_shown(id, "", false), list.count);
	for (i = 0; i < list.count; i++)
		EXPECT_EQ(FLKP_LOCAL_ONLY, list.entries[i].flags & FLKP_LOCAL_ONLY)
			TH_LOG("entry %d", i);
	list_text(&list, text);
	switch (variant->nr) {
	case FUSE_SERVER_LOCKS:
		EXPECT_STREQ("", text);
		EXPECT_EQ(2, self->server->held);
		break;
	case FUSE_KERNEL_LOCKS:
		EXPECT_STREQ("hpW0-9+ hcR20-29+", text);
		break;
	}
	list_free(&list);
	/* What is wrong is told as ever. */
	how.count = 0;
	EXPECT_EQ(-EINVAL, listing_call(self->fd, &how));
	EXPECT_EQ(-EFAULT, listing_call(self->fd, NULL));
	EXPECT_EQ(0, lock_span(self->fd2, F_SETLK, F_UNLCK, 0, 0));
}

static void cannot(int nr, const char *why, int error)
{
	snprintf(remotes[nr].missing, sizeof(remotes[nr].missing), "%s%s%s", why,
		 error ? ": " : "", error ? strerror(error) : "");
}

static void mount_all(const char *no_smb)
{
	static struct fuse_server none;
	int i, error;

	for (i = 0; i < NR_REMOTES; i++) {
		snprintf(remotes[i].dir, sizeof(remotes[i].dir), "%s/remote.%d",
			 place_dir(PLACE_TMPFS), i);
		if (mkdir(remotes[i].dir, 0755))
			broken(remotes[i].dir);
		if (i == SMB)
			continue;
		remotes[i].server = fuse_start(remotes[i].dir, i == FUSE_SERVER_LOCKS);
		if (!remotes[i].server)
			cannot(i, "FUSE cannot be mounted", errno);
	}
	remotes[SMB].server = &none;
	error = no_smb ? 0 : smb_mount(remotes[SMB].dir);
	if (no_smb || error)
		cannot(SMB, no_smb ?: "SMB cannot be mounted", -error);
}

/* Tests run in children of the owner, which end without this. */
static void clean_up(void)
{
	if (getpid() != owner)
		return;
	umount2(remotes[SMB].dir, 0);
	smb_stop();
}

int main(int argc, char **argv)
{
	const char *no_smb;

	need_timed();
	if (geteuid())
		ksft_exit_skip("run it as root: it mounts file systems of its own\n");
	owner = getpid();
	no_smb = smb_start();
	places_make();
	/* Runs before what places_make() leaves for the end. */
	atexit(clean_up);
	mount_all(no_smb);
	return test_harness_run(argc, argv);
}
