/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An empty directory on a filesystem, which is the working directory of the test, for programs
 * that use the harness. Names in tests are relative to it. Each filesystem is a variant of the
 * fixture; on_two.h has the usual ones.
 */
#ifndef RENAMEAT2_FIXTURE_H
#define RENAMEAT2_FIXTURE_H

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>

#include "../kselftest_harness.h"
#include "filesystems.h"
#include "helpers.h"

/* Seconds: an emulated machine may be slow, and has a limit for the whole program anyway. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 600

/* What a name that a call has moved or left alone must hold. */
#define EXPECT_HOLDS(name, text) EXPECT_STREQ(text, text_of(name))

FIXTURE(fs)
{
	char dir[128];
};

FIXTURE_VARIANT(fs)
{
	enum fs fs;
	bool needs_flags;	/* what is tested is not there without our patches */
	bool only_full;		/* at SEPTET_LEVEL=full; the code tested is not ours */
};

/* Enter a new directory. */
static inline void enter(enum fs fs, char dir[128])
{
	int ret = 0;

	/* A test that failed may have left it unmounted. */
	if (!fs_mounted(fs))
		ret = fs_mount(fs, 0);
	snprintf(dir, 128, "%s/t%d", fs_dir(fs), getpid());
	if (ret || mkdir(dir, 0755) || chdir(dir))
		broken(dir);
}

FIXTURE_SETUP(fs)
{
	if (variant->needs_flags && flags_missing())
		SKIP(return, "%s", flags_missing());
	if (fs_missing(variant->fs))
		SKIP(return, "%s", fs_missing(variant->fs));
	enter(variant->fs, self->dir);
}

FIXTURE_TEARDOWN(fs)
{
}

#define MOST_VARIANTS 32

/* Instead of TEST_HARNESS_MAIN; need_root() or need_flags() comes before. */
static inline int run_tests(int argc, char **argv)
{
	const struct __fixture_variant_metadata *v;
	char *without[2 * MOST_VARIANTS + 2] = { argv[0] };
	bool wanted[NR_FS] = {}, chosen = argc > 1;
	enum fs fs;

	for (v = _fs_fixture_object.variant; v; v = v->next) {
		const FIXTURE_VARIANT(fs) * variant = v->data;

		if (variant->only_full && !chosen && !loops(0, 1)) {
			without[argc++] = "-V";
			without[argc++] = (char *)v->name;
		} else {
			wanted[variant->fs] = true;
		}
	}
	fs_begin();
	for (fs = 0; fs < NR_FS; fs++)
		if (wanted[fs])
			fs_make(fs);
	return test_harness_run(argc, chosen ? argv : without);
}

#endif /* RENAMEAT2_FIXTURE_H */
