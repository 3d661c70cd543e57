/* SPDX-License-Identifier: GPL-2.0 */
/* An empty file, once on each file system; for programs that use the harness. */
#ifndef FILE_PRIVATE_LOCKS_FIXTURE_H
#define FILE_PRIVATE_LOCKS_FIXTURE_H

#include "../kselftest_harness.h"
#include "helpers.h"

/* Seconds for a test that loops() often: enough for a slow emulated machine. */
#define LONG_TIMEOUT 600

FIXTURE(file)
{
	char path[128];
	char id[FILE_ID_SIZE];
	char buf[LAYOUT_SIZE];
	int fd;			/* two open files of it, for reading and writing */
	int fd2;
};

/* What the harness calls that structure, by a name for arguments. */
#define file_data _test_data_file

FIXTURE_VARIANT(file)
{
	enum place place;
};

FIXTURE_VARIANT_ADD(file, tmpfs)
{
	.place = PLACE_TMPFS,
};

FIXTURE_VARIANT_ADD(file, overlayfs)
{
	.place = PLACE_OVERLAY,
};

FIXTURE_VARIANT_ADD(file, ext4)
{
	.place = PLACE_EXT4,
};

FIXTURE_SETUP(file)
{
	const char *missing = place_missing(variant->place);

	if (missing)
		SKIP(return, "%s", missing);
	snprintf(self->path, sizeof(self->path), "%s/file", place_dir(variant->place));
	unlink(self->path);
	self->fd = open(self->path, O_RDWR | O_CREAT, 0644);
	ASSERT_LE(0, self->fd);
	self->fd2 = open(self->path, O_RDWR);
	ASSERT_LE(0, self->fd2);
	file_id(self->fd, self->id);
}

FIXTURE_TEARDOWN(file)
{
}

static inline int run_tests(int argc, char **argv)
{
	places_make();
	return test_harness_run(argc, argv);
}

#endif /* FILE_PRIVATE_LOCKS_FIXTURE_H */
