/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A file on a filesystem that is tracked, for programs that use the harness.
 *
 *	dir, dir_fd		where the filesystem is mounted; nothing on it has heat
 *	`-- path		"file": new, empty, open twice:
 *				fd	for I/O through the page cache
 *				direct	with O_DIRECT
 *
 * Nothing decays: the half-life is the longest there is. Each filesystem is a variant of the
 * fixture; on_ext4.h, on_sparse.h and on_writable.h have the usual ones.
 */
#ifndef HOT_TRACKING_FIXTURE_H
#define HOT_TRACKING_FIXTURE_H

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "../kselftest_harness.h"
#include "filesystems.h"
#include "helpers.h"
#include "io.h"

/* Seconds for a test that loops() often: enough for a slow emulated machine. */
#define LONG_TIMEOUT 600

FIXTURE(fs)
{
	const char *dir;
	char path[128];
	int dir_fd;
	int fd;
	int direct;
};

FIXTURE_VARIANT(fs)
{
	enum fs fs;
};

/* What a program makes beside the filesystems of its variants. See turn_on() about vfat. */
static bool wanted[NR_FS] = { [FS_VFAT] = true };

/* For fixtures around this one: all of the above, or the end of the program. */
static inline void place_begin(FIXTURE_DATA(fs) * self, enum fs fs)
{
	int ret = 0;

	/* A test that failed may have left it unmounted. */
	if (!fs_mounted(fs))
		ret = fs_mount(fs, 0);
	self->dir = fs_dir(fs);
	self->dir_fd = open(self->dir, O_RDONLY | O_DIRECTORY);
	if (ret || self->dir_fd < 0)
		broken(self->dir);
	snprintf(self->path, sizeof(self->path), "%s/file", self->dir);
	unlink(self->path);
	self->fd = open_file(self->dir, "file", 0);
	self->direct = open_file(self->dir, "file", O_DIRECT);
	ret = hot_on(self->dir_fd);
	if (ret) {
		errno = -ret;
		broken("HOT_CTL_ON");
	}
}

FIXTURE_SETUP(fs)
{
	if (fs_missing(variant->fs))
		SKIP(return, "%s", fs_missing(variant->fs));
	place_begin(self, variant->fs);
}

FIXTURE_TEARDOWN(fs)
{
}

/*
 * Each stays on while another is turned off and on again, so that the kernel need not change its
 * code meanwhile: emulators stumble over that now and then. Hence there are two at least.
 */
static inline void turn_on(enum fs fs)
{
	int fd;

	if (fs_make(fs, 0, NULL))
		return;
	fd = open(fs_dir(fs), O_RDONLY | O_DIRECTORY);
	hot_on(fd);
	close(fd);
}

static inline int run_tests(int argc, char **argv)
{
	const struct __fixture_variant_metadata *v;
	enum fs fs;

	for (v = _fs_fixture_object.variant; v; v = v->next)
		wanted[((const FIXTURE_VARIANT(fs) *)v->data)->fs] = true;
	need_interface();
	fs_begin();
	for (fs = 0; fs < NR_FS; fs++)
		if (wanted[fs])
			turn_on(fs);
	return test_harness_run(argc, argv);
}

#endif /* HOT_TRACKING_FIXTURE_H */
