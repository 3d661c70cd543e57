// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <linux/loop.h>

#include "../kselftest.h"
#include "filesystems.h"
#include "helpers.h"
#include "io.h"

#define SIZE_DEFAULT	(128 * MIB)
#define MKFS_ARGS	5

static const struct {
	const char *name;	/* of the filesystem, as the kernel knows it */
	const char *package;	/* of Debian, that has its mkfs */
	const char *mkfs[MKFS_ARGS];
} types[NR_FS] = {
	/* As long as pages; for a small filesystem it would choose less. */
	[FS_EXT4] = { "ext4", "e2fsprogs", { "mkfs.ext4", "-q", "-F", "-b", "4096" } },
	/* Small ones are unsupported, because they are slow. */
	[FS_XFS] = { "xfs", "xfsprogs", { "mkfs.xfs", "-q", "--unsupported" } },
	[FS_BTRFS] = { "btrfs", "btrfs-progs", { "mkfs.btrfs", "-q" } },
	[FS_F2FS] = { "f2fs", "f2fs-tools", { "mkfs.f2fs", "-q" } },
	/* Clusters as long as pages, so that pages of a file are apart when its clusters are. */
	[FS_VFAT] = { "vfat", "dosfstools", { "mkfs.vfat", "-s", "8" } },
	[FS_EXFAT] = { "exfat", "exfatprogs", { "mkfs.exfat" } },
	[FS_EROFS] = { "erofs", "erofs-utils", { "mkfs.erofs", "--quiet" } },
	[FS_OVERLAY] = { "overlay", NULL, {} },
};

static struct {
	char dir[64];
	char device[32];
	int loop;		/* keeps the device */
	char missing[128];
} made[NR_FS];

static char root[40], source[64];
static pid_t owner;

const char *fs_missing(enum fs fs)
{
	return made[fs].missing[0] ? made[fs].missing : NULL;
}

const char *fs_dir(enum fs fs)
{
	return made[fs].dir;
}

const char *fs_device(enum fs fs)
{
	return made[fs].device;
}

static void give_up(enum fs fs, const char *why)
{
	snprintf(made[fs].missing, sizeof(made[fs].missing), "%s: %s", why, strerror(errno));
}

/* Tests run in children of the process that has called fs_begin(), which end without this. */
static void remove_all(void)
{
	if (getpid() != owner)
		return;
	umount2(root, MNT_DETACH);
	rmdir(root);
}

void fs_begin(void)
{
	const char *tmp = getenv("TMPDIR");
	enum fs fs;

	snprintf(root, sizeof(root), "%s/hot.XXXXXX", tmp && strlen(tmp) < 16 ? tmp : "/tmp");
	if (!mkdtemp(root))
		broken(root);
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		broken("a mount namespace of our own");
	if (mount("hot", root, "tmpfs", 0, NULL))
		broken("mount of a tmpfs");
	owner = getpid();
	atexit(remove_all);
	for (fs = 0; fs < NR_FS; fs++) {
		made[fs].loop = -1;
		snprintf(made[fs].dir, sizeof(made[fs].dir), "%s/%s", root, types[fs].name);
		snprintf(made[fs].missing, sizeof(made[fs].missing), "not made");
		if (mkdir(made[fs].dir, 0755))
			broken(made[fs].dir);
	}
	snprintf(source, sizeof(source), "%s/source", root);
	if (mkdir(source, 0755))
		broken(source);
}

/* Without what it prints, unless it fails. Returns NULL or what went wrong. */
static const char *run(const char *const argv[])
{
	char log[64], said[512];
	int status, out;
	ssize_t len;
	pid_t pid;

	snprintf(log, sizeof(log), "%s/log", root);
	out = open(log, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (out < 0)
		broken(log);
	pid = fork();
	if (!pid) {
		setenv("PATH", "/usr/sbin:/sbin:/usr/bin:/bin", 1);
		dup2(out, STDOUT_FILENO);
		dup2(out, STDERR_FILENO);
		execvp(argv[0], (char *const *)argv);
		_exit(errno == ENOENT ? 127 : 126);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		broken("fork");
	len = status && status != 127 << 8 ? pread(out, said, sizeof(said) - 1, 0) : 0;
	close(out);
	if (len > 0) {
		said[len] = 0;
		fprintf(stderr, "# %s: %s\n", argv[0], said);
	}
	if (status == 127 << 8)
		return "not installed";
	return status ? "failed" : NULL;
}

/* The device opened for reading: some kernels mount none that somebody may write to. */
static int attach_loop(int image, char device[32])
{
	/* Freed by the kernel when its last user goes. */
	struct loop_config config = {
		.fd = image,
		.block_size = 512,
		.info.lo_flags = LO_FLAGS_AUTOCLEAR,
	};
	int nr, writer, reader, busy, control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);

	if (control < 0)
		return -1;
	/* Busy if another program was faster: then there is another free one. */
	do {
		reader = -1;
		nr = ioctl(control, LOOP_CTL_GET_FREE);
		if (nr < 0)
			break;
		snprintf(device, 32, "/dev/loop%d", nr);
		writer = open(device, O_RDWR | O_CLOEXEC);
		if (writer < 0)
			break;
		if (!ioctl(writer, LOOP_CONFIGURE, &config))
			reader = open(device, O_RDONLY | O_CLOEXEC);
		busy = reader < 0 && errno == EBUSY;
		close(writer);
	} while (busy);
	close(control);
	return reader;
}

static void make_source(void)
{
	int fd = open_file(source, EROFS_FILE, 0);

	fill(fd, 0, 4 * MIB);
	close(fd);
}

static const char *make_image(enum fs fs, off_t size, const char *option)
{
	const char *argv[MKFS_ARGS + 4], **arg = argv, *wrong;
	char image[128];
	int i, fd;

	snprintf(image, sizeof(image), "%s/%s.img", root, types[fs].name);
	unlink(image);
	fd = open(image, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	/* The image of erofs is as long as what is in it. */
	if (fd < 0 || (fs != FS_EROFS && ftruncate(fd, size ?: SIZE_DEFAULT)))
		broken(image);
	for (i = 0; i < MKFS_ARGS && types[fs].mkfs[i]; i++)
		*arg++ = types[fs].mkfs[i];
	if (option)
		*arg++ = option;
	*arg++ = image;
	if (fs == FS_EROFS) {
		make_source();
		*arg++ = source;
	}
	*arg = NULL;
	wrong = run(argv);
	if (wrong) {
		snprintf(made[fs].missing, sizeof(made[fs].missing), "%s (package %s): %s",
			 argv[0], types[fs].package, wrong);
	} else {
		if (made[fs].loop >= 0)
			close(made[fs].loop);
		made[fs].loop = attach_loop(fd, made[fs].device);
		if (made[fs].loop < 0)
			give_up(fs, "no loop device");
	}
	close(fd);
	return fs_missing(fs);
}

static const char *make_layers(void)
{
	char layer[128];

	if (fs_missing(FS_EXT4) && fs_make(FS_EXT4, 0, NULL)) {
		memcpy(made[FS_OVERLAY].missing, made[FS_EXT4].missing,
		       sizeof(made[FS_OVERLAY].missing));
		return fs_missing(FS_OVERLAY);
	}
	snprintf(layer, sizeof(layer), "%s/" OVERLAY_UPPER, fs_dir(FS_EXT4));
	mkdir(layer, 0755);
	snprintf(layer, sizeof(layer), "%s/" OVERLAY_LOWER, fs_dir(FS_EXT4));
	mkdir(layer, 0755);
	snprintf(layer, sizeof(layer), "%s/work", fs_dir(FS_EXT4));
	mkdir(layer, 0755);
	return NULL;
}

const char *fs_make(enum fs fs, off_t size, const char *option)
{
	char why[64];
	int ret;

	made[fs].missing[0] = 0;
	if (fs_mounted(fs) && fs_umount(fs))
		broken(made[fs].dir);
	if (fs == FS_OVERLAY ? make_layers() : make_image(fs, size, option))
		return fs_missing(fs);
	ret = fs_mount(fs, 0);
	if (ret) {
		errno = -ret;
		snprintf(why, sizeof(why), "%s cannot be mounted", types[fs].name);
		give_up(fs, why);
	}
	return fs_missing(fs);
}

int fs_mount(enum fs fs, unsigned long flags)
{
	const char *ext4 = fs_dir(FS_EXT4);
	char options[256] = "";

	if (fs == FS_OVERLAY)
		snprintf(options, sizeof(options), "lowerdir=%s/" OVERLAY_LOWER
			 ",upperdir=%s/" OVERLAY_UPPER ",workdir=%s/work", ext4, ext4, ext4);
	if (fs == FS_EROFS)
		flags |= MS_RDONLY;
	return mount(made[fs].device, made[fs].dir, types[fs].name, flags, options) ? -errno : 0;
}

int fs_umount(enum fs fs)
{
	return umount(made[fs].dir) ? -errno : 0;
}

bool fs_mounted(enum fs fs)
{
	struct stat here, above;

	if (stat(made[fs].dir, &here) || stat(root, &above))
		broken(made[fs].dir);
	return here.st_dev != above.st_dev;
}
