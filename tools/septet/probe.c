// SPDX-License-Identifier: GPL-2.0
/*
 * How each feature is recognised on the running kernel.
 *
 * A probe changes nothing, needs no privilege, and is right on any kernel. A
 * flag is asked for only through a call that is known to refuse flags it does
 * not know, and that is tested first, so a kernel that ignores unknown flags
 * is never taken for one that has ours.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/types.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "septet.h"

/* Defined only where the installed headers lack them. */
#ifndef F_GETLKP
#define F_GETLKP 36
#endif
#ifndef F_SETLKPT
#define F_SETLKPT 1088
#endif
#ifndef RENAME_REPLACE
#define RENAME_REPLACE 0x40
#endif
#ifndef TFD_TIMER_IS_DEFERRABLE
#define TFD_TIMER_IS_DEFERRABLE 0x4
#endif

/* The first version's length; a later kernel takes it. All but the size is zero: only look. */
struct look {
	__u32 size;
	__u32 zero[31];
};

#ifndef HOT_CTL
#define HOT_CTL _IOWR(0x15, 0x60, struct look)
#endif

/* A command of the same kind that no kernel serves. */
#define STRAY_COMMAND _IOWR(0x15, 0xff, struct look)

/* A bit that no kernel gives a meaning to in either of the calls below. */
#define STRAY_FLAG 0x40000000

static struct verdict verdict(enum state state, int err, const char *result)
{
	return (struct verdict){ .state = state, .err = err, .result = result };
}

/*
 * A call on a descriptor that is never open does nothing. The kernel looks at
 * the flags first, so EINVAL means that it does not know the flag and EBADF
 * that it does.
 */
struct canary {
	int (*call)(unsigned int flags);
	unsigned int known;
	unsigned int ours;
	enum state without;
	const char *result_with;
	const char *result_without;
};

static int outcome(const struct canary *c, unsigned int flags)
{
	return c->call(flags) < 0 ? errno : 0;
}

static struct verdict probe_flag(const struct canary *c)
{
	int err;

	err = outcome(c, c->known);
	if (err == EINVAL)
		return verdict(STATE_ABSENT, err, "even old flags refused");
	if (err != EBADF)
		return verdict(STATE_UNKNOWN, err, "call not served");

	err = outcome(c, STRAY_FLAG);
	if (err != EINVAL)
		return verdict(STATE_UNKNOWN, err, "unknown flags not refused");

	err = outcome(c, c->ours);
	if (err == EBADF)
		return verdict(STATE_PRESENT, 0, c->result_with);
	if (err == EINVAL)
		return verdict(c->without, err, c->result_without);
	return verdict(STATE_UNKNOWN, err, "flag not served");
}

/* A file that only a kernel with the feature makes, in a folder every kernel has. */
static struct verdict probe_path(const char *folder, const char *path)
{
	int err;

	if (!access(path, F_OK))
		return verdict(STATE_PRESENT, 0, "exists");
	err = errno;
	if (err != ENOENT)
		return verdict(STATE_UNKNOWN, err, "cannot be looked up");
	if (access(folder, F_OK))
		return verdict(STATE_UNKNOWN, errno == ENOENT ? 0 : errno,
			       "folder not mounted");
	return verdict(STATE_ABSENT, err, "does not exist");
}

static int look(int fd, unsigned long command)
{
	struct look look = { .size = sizeof(look) };

	return ioctl(fd, command, &look) < 0 ? errno : 0;
}

/*
 * Memory cannot be tracked, since it has no device: a kernel with the feature says so, any other
 * one does not know the command.
 */
struct verdict probe_hot_tracking(void)
{
	int fd, stray, err;

	fd = memfd_create("septet", MFD_CLOEXEC);
	if (fd < 0)
		return verdict(STATE_UNKNOWN, errno, "no file to ask about");
	stray = look(fd, STRAY_COMMAND);
	err = look(fd, HOT_CTL);
	close(fd);

	if (stray != ENOTTY)
		return verdict(STATE_UNKNOWN, stray, "unknown commands not refused");
	if (err == ENOTTY)
		return verdict(STATE_ABSENT, err, "command not known");
	if (err == EOPNOTSUPP)
		return verdict(STATE_PRESENT, 0, "command served");
	return verdict(STATE_UNKNOWN, err, err ? "command not served" : "success, but no answer");
}

struct verdict probe_compaction_demand(void)
{
	return probe_path("/proc/sys/vm", "/proc/sys/vm/compaction_demand");
}

/* Used by drivers inside the kernel; programs have no way to ask for it yet. */
struct verdict probe_dma_page_pool(void)
{
	return verdict(STATE_PLANNED, 0, "no release has it yet");
}

/* The first version's length; a later kernel takes it. */
struct timed_lock {
	__u32 size;
	__u32 flags;
	__u32 type;
	__u32 zero[11];
};

/* Removes the locks of a file that has none. */
static int unlock_nothing(int fd, unsigned int flags)
{
	struct timed_lock how = { .size = sizeof(how), .flags = flags, .type = F_UNLCK };

	return fcntl(fd, F_SETLKPT, &how) < 0 ? errno : 0;
}

struct verdict probe_file_private_locks(void)
{
	/* Asking for a read lock needs no write access and conflicts with nothing here. */
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
	int fd, err, stray, ours;

	fd = memfd_create("septet", MFD_CLOEXEC);
	if (fd < 0)
		return verdict(STATE_UNKNOWN, errno, "no file to ask about");
	err = fcntl(fd, F_GETLKP, &lock) < 0 ? errno : 0;
	stray = unlock_nothing(fd, STRAY_FLAG);
	ours = unlock_nothing(fd, 0);
	close(fd);

	if (err == EINVAL)
		return verdict(STATE_ABSENT, err, "even OFD locks refused");
	if (err)
		return verdict(STATE_UNKNOWN, err, "command not served");
	/* A filter can make a call succeed without running it. */
	if (lock.l_type != F_UNLCK)
		return verdict(STATE_UNKNOWN, 0, "success, but no answer");
	if (stray != EINVAL)
		return verdict(STATE_UNKNOWN, stray, "unknown flags not refused");
	if (ours == EINVAL)
		return verdict(STATE_MAINLINE, ours, "OFD locks only");
	if (ours)
		return verdict(STATE_UNKNOWN, ours, "command not served");
	return verdict(STATE_PRESENT, 0, "command served");
}

static int call_renameat2(unsigned int flags)
{
	return renameat2(-1, "from", -1, "to", flags);
}

struct verdict probe_renameat2(void)
{
	static const struct canary c = {
		.call = call_renameat2,
		.known = RENAME_NOREPLACE,
		.ours = RENAME_REPLACE,
		.without = STATE_MAINLINE,
		.result_with = "flag accepted",
		.result_without = "older flags only",
	};

	return probe_flag(&c);
}

static int call_timerfd(unsigned int flags)
{
	static const struct itimerspec never;

	return timerfd_settime(-1, flags, &never, NULL);
}

struct verdict probe_deferrable_timers(void)
{
	static const struct canary c = {
		.call = call_timerfd,
		.known = TFD_TIMER_ABSTIME,
		.ours = TFD_TIMER_IS_DEFERRABLE,
		.without = STATE_ABSENT,
		.result_with = "flag accepted",
		.result_without = "flag refused",
	};

	return probe_flag(&c);
}

struct verdict probe_pm_qos_latency(void)
{
	return probe_path("/sys/class/misc", "/sys/class/misc/pm_qos_latency");
}
