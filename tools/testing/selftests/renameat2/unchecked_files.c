// SPDX-License-Identifier: GPL-2.0
/* Calls on files and descriptors. */
#include <fcntl.h>
#include <unistd.h>
#include <linux/aio_abi.h>
#include <linux/fanotify.h>
#include <linux/fs.h>
#include <linux/io_uring.h>
#include <linux/memfd.h>
#include <linux/openat2.h>
#include <linux/renameat2.h>
#include <linux/stat.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "unchecked_flags.h"

static char buf[4096];
static int two[2];
static struct iovec iov = { .iov_base = buf, .iov_len = 1 };
static char *none[] = { NULL };

static struct open_how how = { .flags = O_RDONLY };

static struct rename_cond cond = {
	.size = sizeof(cond), .mask = RENAME_COND_SOURCE_IS, .source_fd = FD_FILE,
};

static struct {
	struct file_handle head;
	char rest[MAX_HANDLE_SZ];
} handle = { .head.handle_bytes = MAX_HANDLE_SZ };

static void get_handle(struct call *c)
{
	int mount;

	must("name_to_handle_at",
	     syscall(__NR_name_to_handle_at, FD_DIR, "file", &handle, &mount, 0));
}

static struct iocb iocb = {
	.aio_lio_opcode = IOCB_CMD_PREAD, .aio_fildes = FD_FILE, .aio_nbytes = 1,
};

static struct iocb *iocbs[] = { &iocb };

static void make_aio(struct call *c)
{
	iocb.aio_buf = PTR(buf);
	must("io_setup", syscall(__NR_io_setup, 1, &c->args[0]));
}

static struct io_uring_params ring;

static void make_ring(struct call *c)
{
	c->args[0] = must("io_uring_setup", syscall(__NR_io_uring_setup, 1, &ring));
}

static void make_sealable(struct call *c)
{
	c->args[0] = must("memfd_create", syscall(__NR_memfd_create, "", MFD_ALLOW_SEALING));
}

static void make_fanotify(struct call *c)
{
	c->args[0] = must("fanotify_init", syscall(__NR_fanotify_init, FAN_CLASS_NOTIF, O_RDONLY));
}

static struct epoll_event interest = { .events = EPOLLIN };
static unsigned long signals;
static struct { unsigned long long off, len; } range;

struct call file_calls[] = {
#ifdef __NR_access
	{ "access", "mode", 1 << 5, EINVAL, .nr = __NR_access, .args = { PTR("file"), R_OK },
	  .arg = 1 },
#endif
	{ "faccessat2", "flags", 1 << 20, EINVAL, .nr = __NR_faccessat2,
	  .args = { FD_DIR, PTR("file"), R_OK }, .arg = 3 },
	{ "faccessat2", "mode", 1 << 5, EINVAL, .nr = __NR_faccessat2,
	  .args = { FD_DIR, PTR("file"), R_OK }, .arg = 2 },
	{ "fchmodat2", "flags", 1 << 20, EINVAL, .nr = __NR_fchmodat2,
	  .args = { FD_DIR, PTR("file"), 0600 }, .arg = 3 },
	{ "fchownat", "flags", 1 << 20, EINVAL, .nr = __NR_fchownat,
	  .args = { FD_DIR, PTR("file"), -1, -1 }, .arg = 4 },
#ifdef __NR_open
	{ "open", "flags", 1 << 29, ACCEPTED, .nr = __NR_open, .args = { PTR("file"), O_RDONLY },
	  .arg = 1 },
#endif
	{ "openat", "flags", 1 << 29, ACCEPTED, .nr = __NR_openat,
	  .args = { FD_DIR, PTR("file"), O_RDONLY }, .arg = 2 },
	{ "openat2", "how.flags", 1 << 29, EINVAL, .nr = __NR_openat2,
	  .args = { FD_DIR, PTR("file"), PTR(&how), sizeof(how) }, MEMBER(how.flags) },
	{ "openat2", "how.resolve", 1 << 20, EINVAL, .nr = __NR_openat2,
	  .args = { FD_DIR, PTR("file"), PTR(&how), sizeof(how) }, MEMBER(how.resolve) },
	{ "name_to_handle_at", "flags", 1 << 20, EINVAL, .nr = __NR_name_to_handle_at,
	  .args = { FD_DIR, PTR("file"), PTR(&handle), PTR(two) }, .arg = 4 },
	{ "open_by_handle_at", "flags", 1 << 29, ACCEPTED, .nr = __NR_open_by_handle_at,
	  .args = { FD_FILE, PTR(&handle), O_RDONLY }, .arg = 2, .prepare = get_handle },
	{ "execveat", "flags", 1 << 20, EINVAL, ENOENT, .nr = __NR_execveat,
	  .args = { FD_DIR, PTR("none"), PTR(none), PTR(none) }, .arg = 4 },
	{ "linkat", "flags", 1 << 20, EINVAL, ENOENT, .nr = __NR_linkat,
	  .args = { FD_DIR, PTR("none"), FD_DIR, PTR("new") }, .arg = 4 },
	{ "unlinkat", "flag", 1 << 20, EINVAL, ENOENT, .nr = __NR_unlinkat,
	  .args = { FD_DIR, PTR("none") }, .arg = 2 },
	{ "renameat2", "flags", 1 << 3, EINVAL, ENOENT, .nr = __NR_renameat2,
	  .args = { FD_DIR, PTR("none"), FD_DIR, PTR("new") }, .arg = 4 },
	{ "renameat2", "flags", 1 << 4, EINVAL, ENOENT, .nr = __NR_renameat2,
	  .args = { FD_DIR, PTR("none"), FD_DIR, PTR("new") }, .arg = 4 },
	{ "renameat2", "flags", 1 << 8, EINVAL, ENOENT, .nr = __NR_renameat2,
	  .args = { FD_DIR, PTR("none"), FD_DIR, PTR("new") }, .arg = 4 },
	{ "renameat2", "flags", 1U << 31, EINVAL, ENOENT, .nr = __NR_renameat2,
	  .args = { FD_DIR, PTR("none"), FD_DIR, PTR("new") }, .arg = 4 },
	{ "renameat2", "cond.mask", 1 << 4, EINVAL, ENOENT, .ours = true, .nr = __NR_renameat2,
	  .args = { FD_DIR, PTR("none"), FD_DIR, PTR("new"), RENAME_COND, PTR(&cond) },
	  MEMBER(cond.mask) },
	{ "renameat2", "cond.resv", 1 << 0, EINVAL, ENOENT, .ours = true, .nr = __NR_renameat2,
	  .args = { FD_DIR, PTR("none"), FD_DIR, PTR("new"), RENAME_COND, PTR(&cond) },
	  MEMBER(cond.resv) },
	{ "newfstatat", "flag", 1 << 20, EINVAL, .nr = __NR_newfstatat,
	  .args = { FD_DIR, PTR("file"), PTR(buf) }, .arg = 3 },
	{ "statx", "flags", 1 << 20, EINVAL, .nr = __NR_statx,
	  .args = { FD_DIR, PTR("file"), 0, 0, PTR(buf) }, .arg = 2 },
	{ "statx", "mask", 1 << 24, ACCEPTED, .nr = __NR_statx,
	  .args = { FD_DIR, PTR("file"), 0, 0, PTR(buf) }, .arg = 3 },
	{ "statx", "mask", STATX__RESERVED, EINVAL, .nr = __NR_statx,
	  .args = { FD_DIR, PTR("file"), 0, 0, PTR(buf) }, .arg = 3 },
	{ "utimensat", "flags", 1 << 20, EINVAL, .nr = __NR_utimensat,
	  .args = { FD_DIR, PTR("file"), 0 }, .arg = 3 },
	{ "setxattr", "flags", 1 << 5, EINVAL, .nr = __NR_setxattr,
	  .args = { PTR("file"), PTR("trusted.x"), PTR("x"), 1 }, .arg = 4 },
	{ "lsetxattr", "flags", 1 << 5, EINVAL, .nr = __NR_lsetxattr,
	  .args = { PTR("file"), PTR("trusted.x"), PTR("x"), 1 }, .arg = 4 },
	{ "fsetxattr", "flags", 1 << 5, EINVAL, .nr = __NR_fsetxattr,
	  .args = { FD_FILE, PTR("trusted.x"), PTR("x"), 1 }, .arg = 4 },

	{ "fcntl F_SETFL", "arg", 1 << 29, ACCEPTED, .nr = __NR_fcntl, .args = { FD_FILE, F_SETFL },
	  .arg = 2 },
	{ "fcntl F_SETFD", "arg", 1 << 20, ACCEPTED, .nr = __NR_fcntl, .args = { FD_FILE, F_SETFD },
	  .arg = 2 },
	{ "fcntl F_ADD_SEALS", "arg", 1 << 20, EINVAL, .nr = __NR_fcntl,
	  .args = { 0, F_ADD_SEALS }, .arg = 2, .prepare = make_sealable },
	{ "flock", "cmd", 1 << 20, EINVAL, .nr = __NR_flock, .args = { FD_FILE, LOCK_SH },
	  .arg = 1 },
	{ "dup3", "flags", 1 << 20, EINVAL, .nr = __NR_dup3, .args = { FD_FILE, 200 }, .arg = 2 },
	{ "close_range", "flags", 1 << 20, EINVAL, .nr = __NR_close_range, .args = { 300, 300 },
	  .arg = 2 },
	{ "pipe2", "flags", 1 << 29, EINVAL, .nr = __NR_pipe2, .args = { PTR(two) }, .arg = 1 },
	{ "memfd_create", "flags", 1 << 20, EINVAL, .nr = __NR_memfd_create, .args = { PTR("") },
	  .arg = 1 },
	{ "sync_file_range", "flags", 1 << 20, EINVAL, .nr = __NR_sync_file_range,
	  .args = { FD_FILE }, .arg = 3 },
	{ "fallocate", "mode", 1 << 20, EOPNOTSUPP, .nr = __NR_fallocate,
	  .args = { FD_FILE, 0, 0, 1 }, .arg = 1 },
	{ "copy_file_range", "flags", 1 << 20, EINVAL, .nr = __NR_copy_file_range,
	  .args = { FD_FILE, 0, FD_OTHER, 0, 1 }, .arg = 5 },
	{ "preadv2", "flags", 1 << 20, EOPNOTSUPP, .nr = __NR_preadv2,
	  .args = { FD_FILE, PTR(&iov), 1 }, .arg = 5 },
	{ "pwritev2", "flags", 1 << 20, EOPNOTSUPP, .nr = __NR_pwritev2,
	  .args = { FD_OTHER, PTR(&iov), 1 }, .arg = 5 },
	{ "splice", "flags", 1 << 20, EINVAL, .nr = __NR_splice,
	  .args = { FD_READ, 0, FD_TO, 0, 1 }, .arg = 5 },
	{ "tee", "flags", 1 << 20, EINVAL, .nr = __NR_tee, .args = { FD_READ, FD_TO, 1 },
	  .arg = 3 },
	{ "vmsplice", "flags", 1 << 20, EINVAL, .nr = __NR_vmsplice,
	  .args = { FD_TO, PTR(&iov), 1 }, .arg = 3 },
	{ "cachestat", "flags", 1 << 0, EINVAL, .nr = __NR_cachestat,
	  .args = { FD_FILE, PTR(&range), PTR(buf) }, .arg = 3 },

	{ "io_submit", "iocb.aio_flags", 1 << 20, ACCEPTED, .nr = __NR_io_submit,
	  .args = { 0, 1, PTR(iocbs) }, MEMBER(iocb.aio_flags), .prepare = make_aio },
	{ "io_submit", "iocb.aio_rw_flags", 1 << 20, EOPNOTSUPP, .nr = __NR_io_submit,
	  .args = { 0, 1, PTR(iocbs) }, MEMBER(iocb.aio_rw_flags), .prepare = make_aio },
	{ "io_uring_setup", "params.flags", 1 << 30, EINVAL, .nr = __NR_io_uring_setup,
	  .args = { 1, PTR(&ring) }, MEMBER(ring.flags) },
	{ "io_uring_enter", "flags", 1 << 30, EINVAL, .nr = __NR_io_uring_enter, .arg = 3,
	  .prepare = make_ring },

	{ "epoll_create1", "flags", 1 << 20, EINVAL, .nr = __NR_epoll_create1 },
	{ "epoll_ctl", "event.events", 1 << 20, ACCEPTED, .nr = __NR_epoll_ctl,
	  .args = { FD_EPOLL, EPOLL_CTL_ADD, FD_READ, PTR(&interest) }, MEMBER(interest.events) },
	{ "eventfd2", "flags", 1 << 20, EINVAL, .nr = __NR_eventfd2, .arg = 1 },
	{ "signalfd4", "flags", 1 << 20, EINVAL, .nr = __NR_signalfd4,
	  .args = { -1, PTR(&signals), sizeof(signals) }, .arg = 3 },
	{ "inotify_init1", "flags", 1 << 20, EINVAL, .nr = __NR_inotify_init1 },
	{ "inotify_add_watch", "mask", 1 << 20, EINVAL, .nr = __NR_inotify_add_watch,
	  .args = { FD_INOTIFY, PTR("file"), IN_OPEN }, .arg = 2 },
	{ "fanotify_init", "flags", 1 << 20, EINVAL, .nr = __NR_fanotify_init,
	  .args = { FAN_CLASS_NOTIF, O_RDONLY } },
	{ "fanotify_init", "event_f_flags", 1 << 29, EINVAL, .nr = __NR_fanotify_init,
	  .args = { FAN_CLASS_NOTIF, O_RDONLY }, .arg = 1 },
	{ "fanotify_mark", "flags", 1 << 20, EINVAL, .nr = __NR_fanotify_mark,
	  .args = { 0, FAN_MARK_ADD, FAN_OPEN, FD_DIR, PTR("file") }, .arg = 1,
	  .prepare = make_fanotify },
	{ "fanotify_mark", "mask", 1ULL << 40, EINVAL, .nr = __NR_fanotify_mark,
	  .args = { 0, FAN_MARK_ADD, FAN_OPEN, FD_DIR, PTR("file") }, .arg = 2,
	  .prepare = make_fanotify },
	{ }
};
