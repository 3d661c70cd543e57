// SPDX-License-Identifier: GPL-2.0
/* Access modes, and every way to call the three commands wrongly. */
#include <sys/mman.h>

#include "fixture.h"

static const int cmds[] = { F_GETLKP, F_SETLKP, F_SETLKPW };

TEST_F(file, access_modes)
{
	int ro = open(self->path, O_RDONLY), wo = open(self->path, O_WRONLY);
	struct flock fl = span(F_WRLCK, 0, 10);
	unsigned int i;

	ASSERT_LE(0, ro);
	ASSERT_LE(0, wo);
	for (i = 1; i < ARRAY_SIZE(cmds); i++) {
		EXPECT_EQ(0, lock_span(ro, cmds[i], F_RDLCK, 0, 10));
		EXPECT_EQ(-EBADF, lock_span(ro, cmds[i], F_WRLCK, 0, 10));
		EXPECT_STREQ("R0-9", layout(ro, self->buf));
		EXPECT_EQ(0, lock_span(ro, cmds[i], F_UNLCK, 0, 10));

		EXPECT_EQ(0, lock_span(wo, cmds[i], F_WRLCK, 0, 10));
		EXPECT_EQ(-EBADF, lock_span(wo, cmds[i], F_RDLCK, 0, 10));
		EXPECT_STREQ("W0-9", layout(wo, self->buf));
		EXPECT_EQ(0, lock_span(wo, cmds[i], F_UNLCK, 0, 10));
	}
	/* Asking is allowed with any access. */
	EXPECT_EQ(0, lock_call(ro, F_GETLKP, &fl));
	EXPECT_EQ(F_UNLCK, fl.l_type);
	fl.l_type = F_RDLCK;
	EXPECT_EQ(0, lock_call(wo, F_GETLKP, &fl));
	EXPECT_EQ(F_UNLCK, fl.l_type);
}

TEST_F(file, path_descriptor)
{
	static const short types[] = { F_RDLCK, F_WRLCK, F_UNLCK };
	int fd = open(self->path, O_PATH);
	unsigned int i, j;

	ASSERT_LE(0, fd);
	for (i = 0; i < ARRAY_SIZE(cmds); i++)
		for (j = 0; j < ARRAY_SIZE(types); j++)
			EXPECT_EQ(-EBADF, lock_span(fd, cmds[i], types[j], 0, 10));
}

TEST_F(file, directory)
{
	int fd = open(place_dir(variant->place), O_RDONLY | O_DIRECTORY);

	ASSERT_LE(0, fd);
	EXPECT_EQ(0, lock_span(fd, F_SETLKP, F_RDLCK, 0, 0));
	EXPECT_EQ(-EBADF, lock_span(fd, F_SETLKP, F_WRLCK, 0, 0));
	EXPECT_STREQ("R0-EOF", layout(fd, self->buf));
}

TEST_F(file, bad_descriptor)
{
	unsigned int i;

	close(self->fd2);
	for (i = 0; i < ARRAY_SIZE(cmds); i++) {
		EXPECT_EQ(-EBADF, lock_span(-1, cmds[i], F_RDLCK, 0, 10));
		EXPECT_EQ(-EBADF, lock_span(self->fd2, cmds[i], F_RDLCK, 0, 10));
	}
}

TEST_F(file, bad_type_and_whence)
{
	static const short types[] = { -1, 3, 4 /* F_EXLCK */, 8 /* F_SHLCK */, 0x7fff };
	static const short whences[] = { -1, 3, SEEK_DATA, SEEK_HOLE, 0x7fff };
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(cmds); i++) {
		for (j = 0; j < ARRAY_SIZE(types); j++)
			EXPECT_EQ(-EINVAL, lock_span(self->fd, cmds[i], types[j], 0, 10));
		for (j = 0; j < ARRAY_SIZE(whences); j++) {
			struct flock fl = span(F_RDLCK, 0, 10);

			fl.l_whence = whences[j];
			EXPECT_EQ(-EINVAL, lock_call(self->fd, cmds[i], &fl));
		}
	}
	EXPECT_EQ(0, locks_shown(self->id, "", false));
}

/* The numbers beside ours mean nothing, with any argument. */
TEST_F(file, neighbour_commands)
{
	struct flock fl = span(F_RDLCK, 0, 10);

	EXPECT_EQ(-EINVAL, lock_call(self->fd, F_GETLKP - 1, &fl));
	EXPECT_EQ(-EINVAL, lock_call(self->fd, F_SETLKPW + 1, &fl));
	EXPECT_EQ(-EINVAL, lock_call(self->fd, F_GETLKP - 1, NULL));
	EXPECT_EQ(-EINVAL, lock_call(self->fd, F_SETLKPW + 1, NULL));
	EXPECT_EQ(0, locks_shown(self->id, "", false));
}

TEST_F(file, bad_pointer)
{
	long page = sysconf(_SC_PAGESIZE);
	struct flock *fl;
	unsigned int i;
	char *map;

	/* A page that can be used and one that cannot. */
	map = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_TRUE(map != MAP_FAILED);
	ASSERT_EQ(0, mprotect(map + page, page, PROT_NONE));

	for (i = 0; i < ARRAY_SIZE(cmds); i++) {
		EXPECT_EQ(-EFAULT, lock_call(self->fd, cmds[i], NULL));
		EXPECT_EQ(-EFAULT, lock_call(self->fd, cmds[i], (void *)-1L));
		EXPECT_EQ(-EFAULT, lock_call(self->fd, cmds[i], (void *)(map + page)));
		/* One byte short. */
		fl = (void *)(map + page - sizeof(*fl) + 1);
		EXPECT_EQ(-EFAULT, lock_call(self->fd, cmds[i], fl));
	}
	EXPECT_EQ(0, locks_shown(self->id, "", false));

	fl = (void *)(map + page - sizeof(*fl));
	*fl = span(F_WRLCK, 0, 10);
	EXPECT_EQ(0, lock_call(self->fd, F_SETLKP, fl));
	EXPECT_STREQ("W0-9", layout(self->fd, self->buf));
	EXPECT_EQ(0, lock_call(self->fd2, F_GETLKP, fl));
	EXPECT_EQ(-1, fl->l_pid);

	/* Setting only reads the request, asking also writes the answer. */
	*fl = span(F_RDLCK, 0, 10);
	ASSERT_EQ(0, mprotect(map, page, PROT_READ));
	EXPECT_EQ(0, lock_call(self->fd, F_SETLKP, fl));
	EXPECT_EQ(0, lock_call(self->fd, F_SETLKPW, fl));
	EXPECT_STREQ("R0-9", layout(self->fd, self->buf));
	EXPECT_EQ(-EFAULT, lock_call(self->fd2, F_GETLKP, fl));
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
