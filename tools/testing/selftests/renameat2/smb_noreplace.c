// SPDX-License-Identifier: GPL-2.0
/*
 * RENAME_NOREPLACE on an SMB mount. The client has looked and seen no target; while its request
 * is on the way somebody makes one on the server. Only the server can refuse then, and it must
 * have been asked to. A kernel that asks it to replace whatever is there loses the other's file.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "../kselftest_harness.h"
#include "helpers.h"
#include "smb_relay.h"
#include "smb_server.h"

#define PATH_SIZE	64

enum { SMB_2_1, SMB_3_0, SMB_3_1_1, DIALECTS };

static const char *const dialects[DIALECTS] = { "2.1", "3.0", "3.1.1" };
static int mount_errors[DIALECTS];

/* The server is a part of the kernel: it sees root/exported, but no mount of ours. */
static char root[40];
static struct smb_relay *relay;
static pid_t owner;

FIXTURE(share)
{
	/* A new directory on the server's side, and in it the name to rename and the new name. */
	char dir[PATH_SIZE], source[PATH_SIZE + 8], target[PATH_SIZE + 8];
	int mounted;	/* the directory as the client sees it */
};

FIXTURE_VARIANT(share)
{
	int dialect;
};

FIXTURE_VARIANT_ADD(share, smb_2_1)
{
	.dialect = SMB_2_1,
};

FIXTURE_VARIANT_ADD(share, smb_3_0)
{
	.dialect = SMB_3_0,
};

FIXTURE_VARIANT_ADD(share, smb_3_1_1)
{
	.dialect = SMB_3_1_1,
};

FIXTURE_SETUP(share)
{
	const char *dialect = dialects[variant->dialect];
	char path[PATH_SIZE];

	if (mount_errors[variant->dialect])
		SKIP(return, "a mount with SMB %s: %s", dialect,
		     strerror(mount_errors[variant->dialect]));
	*relay = (struct smb_relay) {};
	snprintf(self->dir, sizeof(self->dir), "%s/exported/%d", root, getpid());
	snprintf(self->source, sizeof(self->source), "%s/source", self->dir);
	snprintf(self->target, sizeof(self->target), "%s/target", self->dir);
	make_dir(self->dir);
	make_file(self->source, "new");
	snprintf(path, sizeof(path), "%s/%s/%d", root, dialect, getpid());
	self->mounted = open(path, O_RDONLY | O_DIRECTORY);
	ASSERT_LE(0, self->mounted);
}

FIXTURE_TEARDOWN(share)
{
	close(self->mounted);
	rmdir(self->source);
	rmdir(self->target);
	unlink(self->source);
	unlink(self->target);
	rmdir(self->dir);
}

/* While the next rename is on its way. */
static void file_appears(FIXTURE_DATA(share) * self)
{
	snprintf(relay->file, sizeof(relay->file), "%s", self->target);
}

/* On the client's side. 0 or -errno. */
static int rename_source(FIXTURE_DATA(share) * self, unsigned int flags)
{
	return rename_at(self->mounted, "source", self->mounted, "target", flags, NULL);
}

TEST_F(share, target_appears)
{
	file_appears(self);
	EXPECT_EQ(-EEXIST, rename_source(self, RENAME_NOREPLACE));
	/* The request was sent, so the client had not seen the rival. */
	EXPECT_EQ(1, relay->renames);
	EXPECT_EQ(0, relay->replace);
	EXPECT_EQ(SMB_STATUS_NAME_COLLISION, relay->status);
	EXPECT_STREQ(SMB_RIVAL, text_of(self->target));
	EXPECT_STREQ("new", text_of(self->source));
}

TEST_F(share, target_appears_and_source_is_open)
{
	int fd = openat(self->mounted, "source", O_RDWR);

	ASSERT_LE(0, fd);
	file_appears(self);
	EXPECT_EQ(-EEXIST, rename_source(self, RENAME_NOREPLACE));
	EXPECT_EQ(1, relay->renames);
	EXPECT_EQ(0, relay->replace);
	EXPECT_STREQ(SMB_RIVAL, text_of(self->target));
	EXPECT_STREQ("new", text_of(self->source));
	close(fd);
}

/* A directory replaces an empty one. */
TEST_F(share, directory_appears)
{
	int fd;

	unlink(self->source);
	make_dir(self->source);
	fd = open_path(self->source);
	snprintf(relay->dir, sizeof(relay->dir), "%s", self->target);
	EXPECT_EQ(-EEXIST, rename_source(self, RENAME_NOREPLACE));
	EXPECT_EQ(1, relay->renames);
	EXPECT_EQ(0, relay->replace);
	EXPECT_TRUE(exists(self->source) && same_file(self->source, fd));
	close(fd);
}

TEST_F(share, nothing_in_the_way)
{
	EXPECT_EQ(0, rename_source(self, RENAME_NOREPLACE));
	EXPECT_EQ(1, relay->renames);
	EXPECT_EQ(0, relay->replace);
	EXPECT_EQ(SMB_STATUS_OK, relay->status);
	EXPECT_STREQ("new", text_of(self->target));
	EXPECT_FALSE(exists(self->source));
}

/* The client looks once more, though it knows since a moment ago that there is no target. */
TEST_F(share, target_is_there)
{
	EXPECT_EQ(-1, faccessat(self->mounted, "target", F_OK, 0));
	make_file(self->target, SMB_RIVAL);
	EXPECT_EQ(-EEXIST, rename_source(self, RENAME_NOREPLACE));
	EXPECT_EQ(0, relay->renames);
	EXPECT_STREQ(SMB_RIVAL, text_of(self->target));
	EXPECT_STREQ("new", text_of(self->source));
}

/* Without the flag a rename replaces what has appeared, as ever. */
TEST_F(share, plain_rename)
{
	file_appears(self);
	EXPECT_EQ(0, rename_source(self, 0));
	EXPECT_EQ(1, relay->renames);
	EXPECT_EQ(1, relay->replace);
	EXPECT_EQ(SMB_STATUS_OK, relay->status);
	EXPECT_STREQ("new", text_of(self->target));
	EXPECT_FALSE(exists(self->source));
}

static const char *below_root(const char *name)
{
	static char path[PATH_SIZE];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	return path;
}

static void mount_share(int dialect, int port)
{
	const char *path = below_root(dialects[dialect]);
	char options[128];

	/* Not over the connection of another mount: that has another dialect. */
	snprintf(options, sizeof(options), "ip=127.0.0.1,port=%d,vers=%s,guest,nosharesock",
		 port, dialects[dialect]);
	make_dir(path);
	if (mount("//127.0.0.1/" SMB_SHARE, path, "cifs", 0, options))
		mount_errors[dialect] = errno;
}

/* Tests run in children of the owner, which end without this. */
static void remove_all(void)
{
	int i;

	if (getpid() != owner)
		return;
	for (i = 0; i < DIALECTS; i++) {
		umount2(below_root(dialects[i]), 0);
		rmdir(below_root(dialects[i]));
	}
	smb_server_stop();
	rmdir(below_root("exported"));
	rmdir(root);
}

static bool client_missing(void)
{
	FILE *f = fopen("/proc/filesystems", "r");
	bool missing = true;
	char line[64];

	while (f && fgets(line, sizeof(line), f))
		if (strstr(line, "\tcifs\n"))
			missing = false;
	if (f)
		fclose(f);
	return missing;
}

int main(int argc, char **argv)
{
	const char *tmp = getenv("TMPDIR"), *missing;
	int i, port;

	need_flags();
	if (client_missing())
		ksft_exit_skip("kernel without the SMB client (CIFS), or not loaded\n");
	snprintf(root, sizeof(root), "%s/smb.XXXXXX", tmp && strlen(tmp) < 16 ? tmp : "/tmp");
	if (!mkdtemp(root))
		broken(root);
	owner = getpid();
	atexit(remove_all);
	make_dir(below_root("exported"));
	missing = smb_server_start(below_root("exported"), root, &port);
	if (missing)
		ksft_exit_skip("%s\n", missing);
	relay = smb_relay_start(port, &port);
	if (!relay)
		broken("the relay");
	/* What is mounted goes with the program. */
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		broken("a mount namespace of our own");
	for (i = 0; i < DIALECTS; i++)
		mount_share(i, port);
	return test_harness_run(argc, argv);
}
