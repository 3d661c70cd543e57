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
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <linux/loop.h>

#include "../kselftest.h"
#include "filesystems.h"
#include "fuse.h"
#include "helpers.h"

#define ARGS	8

static const struct {
	const char *name;	/* of our own */
	const char *type;	/* as the kernel knows it, if it is not the same */
	const char *options;
	int mib;		/* as small as it can be; 0: not on disk */
	const char *package;	/* of Debian, that has its mkfs */
	const char *mkfs[ARGS];
	const char *fsck[ARGS];
} types[NR_FS] = {
	[FS_TMPFS] = { "tmpfs" },
	[FS_RAMFS] = { "ramfs" },
	/* Nothing is written to the disk by itself, so that a test sees what it asked for. */
	[FS_EXT4] = { "ext4", NULL, "commit=1000", 16, "e2fsprogs",
		      { "mkfs.ext4", "-q", "-F", "-b", "4096" }, { "e2fsck", "-fn" } },
	[FS_EXT2] = { "ext2", NULL, NULL, 16, "e2fsprogs",
		      { "mkfs.ext2", "-q", "-F" }, { "e2fsck", "-fn" } },
	/* Small ones are unsupported, because they are slow. */
	[FS_XFS] = { "xfs", NULL, NULL, 40, "xfsprogs", { "mkfs.xfs", "-q", "--unsupported" } },
	[FS_BTRFS] = { "btrfs", NULL, NULL, 112, "btrfs-progs", { "mkfs.btrfs", "-q" } },
	[FS_F2FS] = { "f2fs", NULL, NULL, 64, "f2fs-tools", { "mkfs.f2fs", "-q" } },
	[FS_VFAT] = { "vfat", NULL, NULL, 16, "dosfstools", { "mkfs.vfat" } },
	[FS_MSDOS] = { "msdos", NULL, NULL, 16, "dosfstools", { "mkfs.vfat" } },
	[FS_EXFAT] = { "exfat", NULL, NULL, 16, "exfatprogs",
		       { "mkfs.exfat" }, { "fsck.exfat", "-n" } },
	[FS_MINIX] = { "minix", NULL, NULL, 8, "util-linux",
		       { "mkfs.minix", "-3" }, { "fsck.minix", "-f" } },
	[FS_MINIX_V1] = { "minix-v1", "minix", NULL, 8, "util-linux",
			  { "mkfs.minix", "-1" }, { "fsck.minix", "-f" } },
	[FS_NILFS2] = { "nilfs2", NULL, NULL, 16, "nilfs-tools",
			{ "mkfs.nilfs2", "-q", "-f", "-B", "64" } },
	[FS_JFS] = { "jfs", NULL, NULL, 16, "jfsutils",
		     { "mkfs.jfs", "-q" }, { "fsck.jfs", "-n", "-f" } },
	[FS_UDF] = { "udf", NULL, NULL, 16, "udftools", { "mkudffs", "-b", "512" } },
	[FS_OVERLAY] = { "overlay" },
	[FS_FUSE] = { "fuse" },
	[FS_CGROUP] = { "cgroup", "cgroup2" },
};

static struct {
	char dir[64];
	char device[32];
	int loop;		/* keeps the device */
	char missing[128];
} made[NR_FS];

static char root[40];
static pid_t owner;

const char *fs_missing(enum fs fs)
{
	return made[fs].missing[0] ? made[fs].missing : NULL;
}

const char *fs_name(enum fs fs)
{
	return types[fs].name;
}

const char *fs_dir(enum fs fs)
{
	return made[fs].dir;
}

const char *fs_device(enum fs fs)
{
	return made[fs].device + strlen("/dev/");
}

bool fs_on_disk(enum fs fs)
{
	return types[fs].mib;
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

	snprintf(root, sizeof(root), "%s/ren.XXXXXX", tmp && strlen(tmp) < 16 ? tmp : "/tmp");
	if (!mkdtemp(root))
		broken(root);
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		broken("a mount namespace of our own");
	if (mount("ren", root, "tmpfs", 0, NULL) || chmod(root, 0755))
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
	fflush(NULL);
	pid = fork();
	if (!pid) {
		setenv("PATH", "/usr/sbin:/sbin:/usr/bin:/bin", 1);
		dup2(out, STDOUT_FILENO);
		dup2(out, STDERR_FILENO);
		execvp(argv[0], (char *const *)argv);
		_exit(errno == ENOENT ? 127 : 126);
	}
	status = reap(pid);
	len = status && status != 127 ? pread(out, said, sizeof(said) - 1, 0) : 0;
	close(out);
	if (len > 0) {
		said[len] = 0;
		fprintf(stderr, "# %s: %s\n", argv[0], said);
	}
	if (status == 127)
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

static const char *image_of(enum fs fs)
{
	static char image[64];

	snprintf(image, sizeof(image), "%s/%s.img", root, types[fs].name);
	return image;
}

static int new_image(enum fs fs)
{
	const char *image = image_of(fs);
	int fd;

	unlink(image);
	fd = open(image, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, types[fs].mib * MIB))
		broken(image);
	return fd;
}

static const char *run_on_image(enum fs fs, const char *const command[ARGS])
{
	const char *argv[ARGS + 2], **arg = argv;

	while (*command)
		*arg++ = *command++;
	*arg++ = image_of(fs);
	*arg = NULL;
	return run(argv);
}

static void use_image(enum fs fs, int image)
{
	if (made[fs].loop >= 0)
		close(made[fs].loop);
	made[fs].loop = attach_loop(image, made[fs].device);
	if (made[fs].loop < 0)
		give_up(fs, "no loop device");
}

static const char *make_image(enum fs fs)
{
	const char *wrong;
	int image = new_image(fs);

	wrong = run_on_image(fs, types[fs].mkfs);
	if (wrong)
		snprintf(made[fs].missing, sizeof(made[fs].missing), "%s (package %s): %s",
			 types[fs].mkfs[0], types[fs].package, wrong);
	else
		use_image(fs, image);
	close(image);
	return fs_missing(fs);
}

static const char *make_layers(void)
{
	static const char *const layers[] = { OVERLAY_UPPER, OVERLAY_LOWER, "work" };
	char layer[128];
	unsigned int i;

	if (fs_missing(FS_EXT4) && fs_make(FS_EXT4)) {
		memcpy(made[FS_OVERLAY].missing, made[FS_EXT4].missing,
		       sizeof(made[FS_OVERLAY].missing));
		return fs_missing(FS_OVERLAY);
	}
	for (i = 0; i < ARRAY_SIZE(layers); i++) {
		snprintf(layer, sizeof(layer), "%s/%s", fs_dir(FS_EXT4), layers[i]);
		if (mkdir(layer, 0755) && errno != EEXIST)
			broken(layer);
	}
	return NULL;
}

bool fs_mounted(enum fs fs)
{
	struct stat here, above;

	if (stat(made[fs].dir, &here) || stat(root, &above))
		broken(made[fs].dir);
	return here.st_dev != above.st_dev;
}

const char *fs_make(enum fs fs)
{
	char why[64];
	int ret;

	made[fs].missing[0] = 0;
	if (fs_mounted(fs) && fs_umount(fs))
		broken(made[fs].dir);
	if (fs == FS_OVERLAY && make_layers())
		return fs_missing(fs);
	if (fs_on_disk(fs) && make_image(fs))
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
	const char *ext4 = fs_dir(FS_EXT4), *type = types[fs].type ?: types[fs].name;
	const char *device = fs_on_disk(fs) ? made[fs].device : "none";
	char options[256];

	if (fs == FS_FUSE)
		return fuse_mount(made[fs].dir);
	snprintf(options, sizeof(options), "%s", types[fs].options ?: "");
	if (fs == FS_OVERLAY)
		snprintf(options, sizeof(options), "lowerdir=%s/" OVERLAY_LOWER
			 ",upperdir=%s/" OVERLAY_UPPER ",workdir=%s/work", ext4, ext4, ext4);
	return mount(device, made[fs].dir, type, flags, options) ? -errno : 0;
}

int fs_umount(enum fs fs)
{
	return umount(made[fs].dir) ? -errno : 0;
}

void fs_again(enum fs fs)
{
	int ret = fs_umount(fs) ?: fs_mount(fs, 0);

	if (ret) {
		errno = -ret;
		broken(made[fs].dir);
	}
}

const char *fs_check(enum fs fs)
{
	const char *wrong = NULL;
	int ret = fs_umount(fs);

	if (!ret) {
		if (types[fs].fsck[0])
			wrong = run_on_image(fs, types[fs].fsck);
		ret = fs_mount(fs, 0);
	}
	if (ret) {
		errno = -ret;
		broken(made[fs].dir);
	}
	return wrong;
}

/* Only what is there: the images are mostly holes. */
static void copy_data(int from, int to)
{
	off_t start, end, at = 0;

	while ((start = lseek(from, at, SEEK_DATA)) >= 0) {
		end = lseek(from, start, SEEK_HOLE);
		lseek(to, start, SEEK_SET);
		for (at = start; at < end;)
			if (sendfile(to, from, &at, end - at) <= 0)
				broken("copying an image");
	}
}

static const char *kept_image(enum fs fs, int nr)
{
	static char image[72];

	snprintf(image, sizeof(image), "%s.%d", image_of(fs), nr);
	return image;
}

void fs_keep(enum fs fs, int nr)
{
	int from = open(image_of(fs), O_RDONLY | O_CLOEXEC);
	int to = open(kept_image(fs, nr), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (from < 0 || to < 0 || ftruncate(to, types[fs].mib * MIB))
		broken(kept_image(fs, nr));
	copy_data(from, to);
	close(from);
	close(to);
}

void fs_use_kept(enum fs fs, int nr)
{
	int image, ret = fs_umount(fs);

	if (ret || rename(kept_image(fs, nr), image_of(fs)))
		broken(made[fs].dir);
	image = open(image_of(fs), O_RDWR | O_CLOEXEC);
	use_image(fs, image);
	close(image);
	ret = fs_mount(fs, 0);
	if (ret) {
		errno = -ret;
		broken(made[fs].dir);
	}
}
