// SPDX-License-Identifier: GPL-2.0
/* Calls that mount or describe mounts. They get a mount namespace each, with a tmpfs on "mnt". */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <linux/stat.h>
#include <sys/syscall.h>

#include "unchecked_flags.h"

static char buf[4096];
static struct mount_attr attr;
static struct mnt_id_req request = { .size = MNT_ID_REQ_SIZE_VER0 };

static void make_mount(struct call *c)
{
	must("unshare", syscall(__NR_unshare, CLONE_NEWNS));
	must("mount", syscall(__NR_mount, "none", "mnt", "tmpfs", 0, NULL));
}

static void make_context(struct call *c)
{
	c->args[0] = must("fsopen", syscall(__NR_fsopen, "tmpfs", 0));
	must("fsconfig", syscall(__NR_fsconfig, c->args[0], FSCONFIG_CMD_CREATE, NULL, NULL, 0));
}

static void get_mount_id(struct call *c)
{
	struct statx st;

	make_mount(c);
	must("statx", syscall(__NR_statx, AT_FDCWD, "mnt", 0, STATX_MNT_ID_UNIQUE, &st));
	request.mnt_id = st.stx_mnt_id;
}

struct call mount_calls[] = {
	{ "mount", "flags", 1 << 9, ACCEPTED, .nr = __NR_mount,
	  .args = { PTR("none"), PTR("mnt"), PTR("tmpfs") }, .arg = 3, .prepare = make_mount },
	{ "umount2", "flags", 1 << 20, EINVAL, .nr = __NR_umount2,
	  .args = { PTR("mnt") }, .arg = 1, .prepare = make_mount },
	{ "mount_setattr", "flags", 1 << 30, EINVAL, .nr = __NR_mount_setattr,
	  .args = { AT_FDCWD, PTR("mnt"), 0, PTR(&attr), sizeof(attr) }, .arg = 2,
	  .prepare = make_mount },
	{ "mount_setattr", "attr.attr_set", 1 << 30, EINVAL, .nr = __NR_mount_setattr,
	  .args = { AT_FDCWD, PTR("mnt"), 0, PTR(&attr), sizeof(attr) }, MEMBER(attr.attr_set),
	  .prepare = make_mount },
	{ "mount_setattr", "attr.propagation", 1 << 30, EINVAL, .nr = __NR_mount_setattr,
	  .args = { AT_FDCWD, PTR("mnt"), 0, PTR(&attr), sizeof(attr) }, MEMBER(attr.propagation),
	  .prepare = make_mount },
	{ "open_tree", "flags", 1 << 27, EINVAL, .nr = __NR_open_tree,
	  .args = { AT_FDCWD, PTR(".") }, .arg = 2 },
	{ "move_mount", "flags", 1 << 30, EINVAL, ENOENT, .nr = __NR_move_mount,
	  .args = { AT_FDCWD, PTR("none"), AT_FDCWD, PTR("mnt") }, .arg = 4 },
	{ "fsopen", "flags", 1 << 20, EINVAL, .nr = __NR_fsopen, .args = { PTR("tmpfs") },
	  .arg = 1 },
	{ "fsmount", "flags", 1 << 20, EINVAL, .nr = __NR_fsmount, .arg = 1,
	  .prepare = make_context },
	{ "fsmount", "attr_flags", 1 << 30, EINVAL, .nr = __NR_fsmount, .arg = 2,
	  .prepare = make_context },
	{ "fspick", "flags", 1 << 20, EINVAL, .nr = __NR_fspick,
	  .args = { AT_FDCWD, PTR("mnt") }, .arg = 2, .prepare = make_mount },
	{ "statmount", "flags", 1 << 20, EINVAL, .nr = __NR_statmount,
	  .args = { PTR(&request), PTR(buf), sizeof(buf) }, .arg = 3, .prepare = get_mount_id },
	{ "statmount", "req.param", 1ULL << 40, ACCEPTED, .nr = __NR_statmount,
	  .args = { PTR(&request), PTR(buf), sizeof(buf) }, MEMBER(request.param),
	  .prepare = get_mount_id },
	{ "listmount", "flags", 1 << 20, EINVAL, .nr = __NR_listmount,
	  .args = { PTR(&request), PTR(buf), 1 }, .arg = 3, .prepare = get_mount_id },
	{ "swapon", "swap_flags", 1 << 30, EINVAL, ENOENT, .nr = __NR_swapon,
	  .args = { PTR("none") }, .arg = 1 },
	{ }
};
