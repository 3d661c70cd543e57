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
#include "crash.h"
#include "crash_jfs.h"
#include "helpers.h"

#define LOG_SIZE	(512 * MIB)	/* of the sparse file of the record */
#define LINE		32		/* of text in a file, in bytes */

const struct crash_fs crash_ext2 = {
	.name = "ext2", .package = "e2fsprogs", .size = 8 * MIB,
	.mkfs = { "mkfs.ext2", "-q", "-F" },
	.fsck = { "e2fsck", "-f", "-y" }, .fsck_fine = 1,
	.raw = true,
};

const struct crash_fs crash_ext4 = {
	.name = "ext4", .package = "e2fsprogs", .size = 16 * MIB,
	.mkfs = { "mkfs.ext4", "-q", "-F" },
};

const struct crash_fs crash_xfs = {
	.name = "xfs", .package = "xfsprogs", .size = 32 * MIB,
	.mkfs = { "mkfs.xfs", "-q", "--unsupported" },
};

const struct crash_fs crash_btrfs = {
	.name = "btrfs", .package = "btrfs-progs", .size = 128 * MIB,
	.mkfs = { "mkfs.btrfs", "-q" },
};

const struct crash_fs crash_f2fs = {
	.name = "f2fs", .package = "f2fs-tools", .size = 64 * MIB,
	.mkfs = { "mkfs.f2fs", "-q" },
};

const struct crash_fs crash_vfat = {
	.name = "vfat", .package = "dosfstools", .size = 8 * MIB,
	.mkfs = { "mkfs.vfat" },
	.fsck = { "fsck.vfat", "-a" }, .fsck_fine = 1,
	.no_mode = true,
};

const struct crash_fs crash_exfat = {
	.name = "exfat", .package = "exfatprogs", .size = 8 * MIB,
	.mkfs = { "mkfs.exfat" },
	.fsck = { "fsck.exfat", "-s", "-y" }, .fsck_fine = 1,
	.no_mode = true,
};

const struct crash_fs crash_jfs = {
	.name = "jfs", .package = "jfsutils", .size = 16 * MIB,
	.mkfs = { "mkfs.jfs", "-q" },
	.replay = jfs_replay,
	.fsck = { "fsck.jfs", "--omit_journal_replay", "-f" }, .fsck_fine = 1,
};

const struct crash_fs crash_nilfs2 = {
	.name = "nilfs2", .package = "nilfs-tools", .size = 32 * MIB,
	.mkfs = { "mkfs.nilfs2", "-q", "-B", "256" },
};

const struct crash_fs crash_udf = {
	.name = "udf", .package = "udftools", .size = 8 * MIB,
	.mkfs = { "mkudffs", "--blocksize=512" },
};

/* Version 2, because fsck.minix writes over data of version 3 when it repairs. */
const struct crash_fs crash_minix = {
	.name = "minix", .package = "util-linux", .size = 8 * MIB,
	.mkfs = { "mkfs.minix", "-2", "-n", "30" },
	.fsck = { "fsck.minix", "-a", "-f" }, .fsck_fine = 3,
	.raw = true,
};

struct log crash_log;

static char root[40], live[64], after[64], message[512];
static pid_t owner;
static struct log_disk disk;
static int at = -1, cut = -1, log_image = -1;
static size_t position;

bool crash_required(void)
{
	const char *require = getenv("SEPTET_REQUIRE");

	return require && *require;
}

static void remove_all(void)
{
	if (getpid() != owner)
		return;
	umount2(after, MNT_DETACH);
	umount2(live, MNT_DETACH);
	umount2(root, MNT_DETACH);
	rmdir(root);
}

void crash_begin(void)
{
	const char *tmp = getenv("TMPDIR");

	need_root();
	if (access("/dev/mapper/control", R_OK | W_OK) && !crash_required())
		ksft_exit_skip("kernel without device-mapper (BLK_DEV_DM)\n");
	snprintf(root, sizeof(root), "%s/crash.XXXXXX", tmp && strlen(tmp) < 16 ? tmp : "/tmp");
	if (!mkdtemp(root))
		broken(root);
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		broken("a mount namespace of our own");
	if (mount("crash", root, "tmpfs", 0, NULL))
		broken("mount of a tmpfs");
	owner = getpid();
	atexit(remove_all);
	snprintf(live, sizeof(live), "%s/live", root);
	snprintf(after, sizeof(after), "%s/after", root);
	if (mkdir(live, 0755) || mkdir(after, 0755))
		broken(root);
}

static const char *path_of(const char *file)
{
	static char path[80];

	snprintf(path, sizeof(path), "%s/%s", root, file);
	return path;
}

static bool installed(const char *program)
{
	static const char *const dirs[] = { "/usr/sbin", "/sbin", "/usr/bin", "/bin" };
	char path[80];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(dirs); i++) {
		snprintf(path, sizeof(path), "%s/%s", dirs[i], program);
		if (!access(path, X_OK))
			return true;
	}
	return false;
}

/* Run a program on one of our files: its exit status; what it said is in @message. */
static int run(const char *const words[CRASH_ARGS], const char *file)
{
	const char *argv[CRASH_ARGS + 2] = {};
	int i, status, said;
	ssize_t len;
	pid_t pid;

	for (i = 0; i < CRASH_ARGS && words[i]; i++)
		argv[i] = words[i];
	argv[i] = path_of(file);
	said = open(root, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (said < 0)
		broken("a file for what programs say");
	pid = fork();
	if (!pid) {
		setenv("PATH", "/usr/sbin:/sbin:/usr/bin:/bin", 1);
		dup2(said, STDOUT_FILENO);
		dup2(said, STDERR_FILENO);
		execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		broken("fork");
	len = pread(said, message, sizeof(message) - 1, 0);
	close(said);
	message[len > 0 ? len : 0] = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* A new file of this size. */
static int make_image(const char *name, off_t size)
{
	int fd;

	unlink(path_of(name));
	fd = open(path_of(name), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, size))
		broken(name);
	return fd;
}

/* Where the one has holes the other gets holes. */
static void copy_file(int from, int to)
{
	static char buffer[65536];
	off_t size = lseek(from, 0, SEEK_END), data = 0, hole;
	ssize_t len;

	if (ftruncate(to, 0) || ftruncate(to, size))
		broken("a copy of an image");
	while ((data = lseek(from, data, SEEK_DATA)) >= 0) {
		hole = lseek(from, data, SEEK_HOLE);
		for (; data < hole; data += len) {
			len = sizeof(buffer);
			if (len > hole - data)
				len = hole - data;
			len = pread(from, buffer, len, data);
			if (len <= 0 || pwrite(to, buffer, len, data) != len)
				broken("a copy of an image");
		}
	}
}

/*
 * A loop device on the file. The descriptor that comes back keeps it; it is for reading, because
 * some kernels mount no device that somebody may write to.
 */
static int attach(int file, char device[32])
{
	struct loop_config config = {
		.fd = file,
		.block_size = 512,
		.info.lo_flags = LO_FLAGS_AUTOCLEAR,
	};
	int nr, writer, reader, control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);

	if (control < 0)
		broken("/dev/loop-control");
	for (;;) {
		nr = ioctl(control, LOOP_CTL_GET_FREE);
		snprintf(device, 32, "/dev/loop%d", nr);
		writer = nr < 0 ? nr : open(device, O_RDWR | O_CLOEXEC);
		if (writer < 0)
			broken("a loop device");
		if (!ioctl(writer, LOOP_CONFIGURE, &config))
			break;
		/* Somebody else was faster. */
		if (errno != EBUSY)
			broken(device);
		close(writer);
	}
	reader = open(device, O_RDONLY | O_CLOEXEC);
	if (reader < 0)
		broken(device);
	close(writer);
	close(control);
	return reader;
}

static const char *make_disk(int image)
{
	char data_device[32], log_device[32];
	int data, log, ret;

	log_image = make_image("log.img", LOG_SIZE);
	data = attach(image, data_device);
	log = attach(log_image, log_device);
	ret = log_disk_make(&disk, root, data_device, log_device);
	/* The disk keeps them. */
	close(data);
	close(log);
	if (!ret)
		return NULL;
	close(log_image);
	snprintf(message, sizeof(message), "no disk that records (DM_LOG_WRITES): %s",
		 strerror(-ret));
	return message;
}

static const char *lacks_program(const struct crash_fs *fs, const char *program)
{
	snprintf(message, sizeof(message), "%s is not installed (package %s)", program,
		 fs->package);
	return message;
}

static const char *make_filesystem(const struct crash_fs *fs)
{
	int status;

	if (fs->fsck[0] && !installed(fs->fsck[0]))
		return lacks_program(fs, fs->fsck[0]);
	if (!installed(fs->mkfs[0]))
		return lacks_program(fs, fs->mkfs[0]);
	status = run(fs->mkfs, "disk.img");
	if (!status)
		return NULL;
	printf("# %s: %s\n", fs->mkfs[0], message);
	snprintf(message, sizeof(message), "%s: exit status %d", fs->mkfs[0], status);
	return message;
}

/* 0 or -errno. */
static int mount_live(const struct crash_fs *fs)
{
	return mount(disk.node, live, fs->name, 0, NULL) || chdir(live) ? -errno : 0;
}

const char *crash_start(const struct crash_fs *fs)
{
	int ret, image = make_image("disk.img", fs->size);
	const char *missing = make_filesystem(fs);

	if (missing)
		goto out_image;
	at = make_image("at.img", 0);
	copy_file(image, at);
	position = 0;
	missing = make_disk(image);
	if (missing)
		goto out_at;
	ret = mount_live(fs);
	if (!ret)
		goto out_image;
	snprintf(message, sizeof(message), "mount of %s: %s", fs->name, strerror(-ret));
	missing = message;
	log_disk_remove(&disk);
	close(log_image);
out_at:
	close(at);
out_image:
	close(image);
	return missing;
}

void crash_remount(const struct crash_fs *fs)
{
	if (chdir("/") || umount(live) || mount_live(fs))
		broken("mounting anew");
}

void crash_mark(const char *mark)
{
	int ret = log_disk_mark(&disk, mark);

	errno = -ret;
	if (ret)
		broken(mark);
}

void crash_settle(void)
{
	int dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0 || syncfs(dir) || log_disk_flush(&disk))
		broken("sync of the filesystem");
	close(dir);
}

void crash_stop(void)
{
	int ret;

	if (chdir("/") || umount(live))
		broken("umount");
	ret = log_disk_remove(&disk) ?: log_read(&crash_log, log_image);
	errno = -ret;
	if (ret)
		broken("the record of what was written");
}

void crash_free(void)
{
	log_free(&crash_log);
	close(log_image);
	close(at);
}

void crash_forward(size_t index)
{
	for (; position < index; position++) {
		errno = -log_replay(&crash_log, position, at);
		if (errno)
			broken("replay");
	}
}

static void make_cut(ssize_t extra)
{
	cut = make_image("cut.img", 0);
	copy_file(at, cut);
	if (extra < 0)
		return;
	errno = -log_replay(&crash_log, extra, cut);
	if (errno)
		broken("replay");
}

static const char *mount_cut(const struct crash_fs *fs, unsigned long flags)
{
	char device[32];
	int loop = attach(cut, device);
	const char *wrong = NULL;

	if (mount(device, after, fs->name, flags, NULL)) {
		snprintf(message, sizeof(message), "mount after the cut: %s", strerror(errno));
		wrong = message;
		close(cut);
	} else if (chdir(after)) {
		broken(after);
	}
	close(loop);
	return wrong;
}

const char *crash_cut(const struct crash_fs *fs, ssize_t extra)
{
	int status;

	make_cut(extra);
	if (fs->replay)
		fs->replay(cut);
	if (fs->fsck[0]) {
		status = run(fs->fsck, "cut.img");
		if (status & ~fs->fsck_fine) {
			printf("# %s: %s\n", fs->fsck[0], message);
			snprintf(message, sizeof(message), "%s: exit status %d", fs->fsck[0],
				 status);
			close(cut);
			return message;
		}
	}
	return mount_cut(fs, 0);
}

const char *crash_cut_raw(const struct crash_fs *fs)
{
	make_cut(-1);
	return mount_cut(fs, MS_RDONLY);
}

int crash_image(void)
{
	return cut;
}

void crash_cut_end(void)
{
	if (chdir("/") || umount(after))
		broken("umount after a cut");
	close(cut);
}

void content_fill(char *buffer, size_t size, int id)
{
	char line[64];
	size_t done;

	/* Every line differs, so that no block stands for another. */
	for (done = 0; done < size; done += LINE) {
		snprintf(line, sizeof(line), "content %6d, line %10zu\n", id, done / LINE);
		memcpy(buffer + done, line, size - done < LINE ? size - done : LINE);
	}
}

void content_write(const char *name, int id, size_t size)
{
	char buffer[CONTENT_MAX];
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	content_fill(buffer, size, id);
	if (fd < 0 || write(fd, buffer, size) != (ssize_t)size)
		broken(name);
	close(fd);
}

int content_id(const char *data, size_t len, size_t (*size_of)(int id))
{
	char wanted[CONTENT_MAX], line[LINE + 1] = "";
	int id;

	if (len < LINE)
		return -1;
	memcpy(line, data, LINE);
	if (sscanf(line, "content %d,", &id) != 1 || id < 0 || size_of(id) > sizeof(wanted) ||
	    len < size_of(id))
		return -1;
	content_fill(wanted, size_of(id), id);
	return memcmp(data, wanted, size_of(id)) ? -1 : id;
}

int content_read(const char *name, size_t (*size_of)(int id))
{
	char data[CONTENT_MAX];
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	if (fd < 0)
		return -1;
	len = read(fd, data, sizeof(data));
	close(fd);
	return len < 0 ? -1 : content_id(data, len, size_of);
}
