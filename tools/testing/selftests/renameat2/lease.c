// SPDX-License-Identifier: GPL-2.0
/* Leases are about contents: no rename breaks one, with whatever flags. */
#include "fixture.h"
#include "on_two.h"

static int take_lease(const char *name, int lease)
{
	int fd = open(name, lease == F_RDLCK ? O_RDONLY : O_RDWR);

	if (fd < 0 || fcntl(fd, F_SETLEASE, lease))
		broken("F_SETLEASE");
	return fd;
}

TEST_F(fs, leases_stay)
{
	static const unsigned int flags[] = {
		0, RENAME_REPLACE, RENAME_SYNC, RENAME_EXCHANGE, RENAME_EXCHANGE | RENAME_SYNC,
	};
	static const int leases[] = { F_RDLCK, F_WRLCK };
	unsigned int i, k;
	int source, target;

	note_lease_breaks();
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		for (k = 0; k < ARRAY_SIZE(leases); k++) {
			unlink("source");
			make_file("source", "new");
			make_file("target", "old");
			source = take_lease("source", leases[k]);
			target = take_lease("target", leases[k]);
			EXPECT_EQ(-EAGAIN, ren_if("source", "target", flags[i], target_is(source)));
			EXPECT_EQ(0, ren_if("source", "target", flags[i], target_is(target)));
			EXPECT_EQ(leases[k], fcntl(source, F_GETLEASE));
			EXPECT_EQ(leases[k], fcntl(target, F_GETLEASE));
			close(source);
			close(target);
			EXPECT_HOLDS("target", "new");
		}
	}
	EXPECT_FALSE(lease_was_broken());
}

int main(int argc, char **argv)
{
	need_flags();
	return run_tests(argc, argv);
}
