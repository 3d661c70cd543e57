// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <libgen.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <linux/io_uring.h>
#include <linux/loop.h>
#include <linux/sched.h>

#include "../kselftest.h"
#include "helpers.h"

static char root[32];
static char dirs[NR_PLACES][64];
static char missing[NR_PLACES][128];

void broken(const char *what)
{
	fprintf(stderr, "# the test cannot go on: %s: %s\n", what, strerror(errno));
	_exit(KSFT_FAIL);
}

int loops(int quick, int full)
{
	const char *level = getenv("SEPTET_LEVEL");

	return level && !strcmp(level, "full") ? full : quick;
}

void pause_briefly(void)
{
	usleep(1000);
}

bool timed_there(void)
{
	int fd = open("/", O_RDONLY), ret = timed_call(fd, NULL);

	close(fd);
	/* Who knows the command looks for the request. */
	return ret == -EFAULT;
}

const char *timed_missing(void)
{
	const char *require = getenv("SEPTET_REQUIRE");

	if ((require && *require) || timed_there())
		return NULL;
	return "kernel without F_SETLKPT (FILE_PRIVATE_LOCKS)";
}

void need_timed(void)
{
	if (timed_missing())
		ksft_exit_skip("%s\n", timed_missing());
}

const char *place_missing(enum place place)
{
	return missing[place][0] ? missing[place] : NULL;
}

const char *place_dir(enum place place)
{
	return dirs[place];
}

static void give_up(enum place place, const char *why)
{
	snprintf(missing[place], sizeof(missing[place]), "%s: %s", why, strerror(errno));
}

static void make_dir(char path[64], const char *name)
{
	snprintf(path, 64, "%s/%s", root, name);
	if (mkdir(path, 0755))
		broken(path);
}

static void make_overlay(void)
{
	char lower[64], upper[64], work[64], options[256];

	make_dir(lower, "lower");
	make_dir(upper, "upper");
	make_dir(work, "work");
	snprintf(options, sizeof(options), "lowerdir=%s,upperdir=%s,workdir=%s",
		 lower, upper, work);
	if (mount("overlay", dirs[PLACE_OVERLAY], "overlay", 0, options))
		give_up(PLACE_OVERLAY, "overlayfs cannot be mounted");
}

/* The image lies beside the program; a copy in memory can be written to. */
static int copy_image(void)
{
	char self[256], path[512], block[65536];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int in, out;

	if (len < 0)
		broken("/proc/self/exe");
	self[len] = 0;
	snprintf(path, sizeof(path), "%s/ext4.img", dirname(self));
	in = open(path, O_RDONLY);
	if (in < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/image", root);
	out = open(path, O_RDWR | O_CREAT, 0600);
	if (out < 0)
		broken(path);
	while ((len = read(in, block, sizeof(block))) > 0)
		if (write(out, block, len) != len)
			broken(path);
	close(in);
	return out;
}

/*
 * Returns a descriptor for reading: kernels without BLK_DEV_WRITE_MOUNTED refuse
 * to mount a device that somebody may write to.
 */
static int attach_loop(int image, char device[32])
{
	/* Freed by the kernel when the last user, which is the mount, goes. */
	struct loop_config config = {
		.fd = image,
		.info.lo_flags = LO_FLAGS_AUTOCLEAR,
	};
	int control, nr, writer, reader = -1;

	control = open("/dev/loop-control", O_RDWR);
	if (control < 0)
		return -1;
	while (reader < 0) {
		nr = ioctl(control, LOOP_CTL_GET_FREE);
		if (nr < 0)
			break;
		snprintf(device, 32, "/dev/loop%d", nr);
		writer = open(device, O_RDWR);
		if (writer < 0)
			break;
		/* Busy if another program was faster: then there is another free one. */
		if (!ioctl(writer, LOOP_CONFIGURE, &config))
			reader = open(device, O_RDONLY);
		else if (errno != EBUSY)
			nr = -1;
		close(writer);
		if (nr < 0)
			break;
	}
	close(control);
	return reader;
}

static void make_ext4(void)
{
	char device[32];
	struct stat st;
	int image, loop;

	image = copy_image();
	if (image < 0 || fstat(image, &st) || !st.st_size) {
		snprintf(missing[PLACE_EXT4], sizeof(missing[PLACE_EXT4]),
			 "mke2fs (package e2fsprogs) was missing when the tests were built");
		return;
	}
	loop = attach_loop(image, device);
	if (loop < 0) {
		give_up(PLACE_EXT4, "no loop device");
		return;
	}
	if (mount(device, dirs[PLACE_EXT4], "ext4", 0, NULL))
		give_up(PLACE_EXT4, "ext4 cannot be mounted");
	close(loop);
	close(image);
}

static void places_remove(void)
{
	umount2(root, MNT_DETACH);
	rmdir(root);
}

void places_make(void)
{
	const char *tmp = getenv("TMPDIR");

	if (geteuid())
		ksft_exit_skip("run it as root: it mounts file systems of its own\n");
	snprintf(root, sizeof(root), "%s/flockp.XXXXXX", tmp && strlen(tmp) < 16 ? tmp : "/tmp");
	if (!mkdtemp(root))
		broken(root);
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		broken("a mount namespace of our own");
	if (mount("flockp", root, "tmpfs", 0, "size=16m"))
		broken("mount of a tmpfs");
	make_dir(dirs[PLACE_TMPFS], "tmpfs");
	make_dir(dirs[PLACE_OVERLAY], "overlay");
	make_dir(dirs[PLACE_EXT4], "ext4");
	make_overlay();
	make_ext4();
	/* Tests run in children, and those leave through _exit(). */
	atexit(places_remove);
}

struct flock span(short type, off_t start, off_t len)
{
	struct flock fl = {
		.l_type = type,
		.l_whence = SEEK_SET,
		.l_start = start,
		.l_len = len,
	};

	return fl;
}

int lock_call(int fd, int cmd, struct flock *fl)
{
	return fcntl(fd, cmd, fl) ? -errno : 0;
}

int lock_span(int fd, int cmd, short type, off_t start, off_t len)
{
	struct flock fl = span(type, start, len);

	return lock_call(fd, cmd, &fl);
}

__s64 clock_now(__u32 clock)
{
	struct timespec ts;

	if (clock_gettime(clock, &ts))
		broken("clock_gettime");
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

struct flockp_how timed_span(__u32 type, __s64 start, __s64 len)
{
	struct flockp_how how = {
		.size = sizeof(how),
		.type = type,
		.whence = SEEK_SET,
		.start = start,
		.len = len,
	};

	return how;
}

struct flockp_how timed_until(__u32 type, __s64 start, __s64 len, __u32 clock, __s64 when)
{
	struct flockp_how how = timed_span(type, start, len);

	how.flags = FLKP_DEADLINE;
	how.clockid = clock;
	how.deadline_sec = when / NSEC_PER_SEC;
	how.deadline_nsec = when % NSEC_PER_SEC;
	return how;
}

int timed_call(int fd, const struct flockp_how *how)
{
	return fcntl(fd, F_SETLKPT, how) ? -errno : 0;
}

int timed_try(int fd, __u32 type, __s64 start, __s64 len)
{
	struct flockp_how how = timed_until(type, start, len, CLOCK_MONOTONIC, 0);

	return timed_call(fd, &how);
}

__s64 deadline_of(const struct flockp_how *how)
{
	return how->deadline_sec * NSEC_PER_SEC + how->deadline_nsec;
}

void file_id(int fd, char id[FILE_ID_SIZE])
{
	struct stat st;

	if (fstat(fd, &st))
		broken("fstat");
	snprintf(id, FILE_ID_SIZE, " %02x:%02x:%llu ", major(st.st_dev), minor(st.st_dev),
		 (unsigned long long)st.st_ino);
}

int locks_shown(const char *id, const char *word, bool waiting)
{
	char line[256];
	int count = 0;
	FILE *f = fopen("/proc/locks", "r");

	if (!f)
		broken("/proc/locks");
	while (fgets(line, sizeof(line), f))
		if (strstr(line, id) && strstr(line, word) && !strstr(line, "->") == !waiting)
			count++;
	fclose(f);
	return count;
}

void until_waiting(const char *id, int count)
{
	while (locks_shown(id, "", true) != count)
		pause_briefly();
}

void until_unlocked(const char *id)
{
	while (locks_shown(id, "", false))
		pause_briefly();
}

const char *layout(int fd, char buf[LAYOUT_SIZE])
{
	char path[64], line[256], kind[16], type[16], end[32];
	long long start;
	size_t used = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "r");
	if (!f)
		broken(path);
	buf[0] = 0;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "lock: %*d: %15s %*s %15s %*d %*s %lld %31s",
			   kind, type, &start, end) != 4 || strcmp(kind, "OFDLCK"))
			continue;
		used += snprintf(buf + used, LAYOUT_SIZE - used, "%s%c%lld-%s",
				 used ? " " : "", type[0], start, end);
		if (used >= LAYOUT_SIZE)
			broken("more locks than the buffer holds");
	}
	fclose(f);
	return buf;
}

void until_sleeping(pid_t tid)
{
	char path[32], state = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", tid);
	while (state != 'S') {
		f = fopen(path, "r");
		if (!f || fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
			broken(path);
		fclose(f);
		if (state != 'S')
			pause_briefly();
	}
}

union fd_control {
	char buf[CMSG_SPACE(sizeof(int))];
	struct cmsghdr header;
};

/* One byte, without which a stream would have no message; and room for the descriptor beside it. */
static struct msghdr fd_message(struct iovec *byte, union fd_control *control)
{
	struct msghdr msg = {
		.msg_iov = byte,
		.msg_iovlen = 1,
		.msg_control = control->buf,
		.msg_controllen = sizeof(control->buf),
	};

	return msg;
}

void send_fd(int sock, int fd)
{
	union fd_control control = {
		.header.cmsg_level = SOL_SOCKET,
		.header.cmsg_type = SCM_RIGHTS,
		.header.cmsg_len = CMSG_LEN(sizeof(int)),
	};
	struct iovec byte = { .iov_base = "", .iov_len = 1 };
	struct msghdr msg = fd_message(&byte, &control);

	memcpy(CMSG_DATA(&control.header), &fd, sizeof(int));
	if (sendmsg(sock, &msg, 0) != 1)
		broken("sending a descriptor");
}

int receive_fd(int sock)
{
	union fd_control control;
	char data;
	struct iovec byte = { .iov_base = &data, .iov_len = 1 };
	struct msghdr msg = fd_message(&byte, &control);
	int fd;

	if (recvmsg(sock, &msg, 0) != 1 || !CMSG_FIRSTHDR(&msg))
		broken("receiving a descriptor");
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));
	return fd;
}

static int ring_setup(void)
{
	struct io_uring_params params = {};

	return syscall(__NR_io_uring_setup, 1, &params);
}

const char *ring_missing(void)
{
	static char why[96];
	int ring = ring_setup();

	if (ring < 0) {
		snprintf(why, sizeof(why), "io_uring is not available: %s", strerror(errno));
		return why;
	}
	close(ring);
	return NULL;
}

int ring_make(int fd)
{
	int ring = ring_setup();

	if (ring < 0 || syscall(__NR_io_uring_register, ring, IORING_REGISTER_FILES, &fd, 1))
		broken("a descriptor in io_uring");
	return ring;
}

enum peer_op {
	OP_OPEN,
	OP_CLOSE,
	OP_LOCK,
	OP_TIMED,
	OP_HANDLE
};

struct order {
	enum peer_op op;
	int fd;
	int arg;		/* open flags, lock command or sa_flags */
	struct flock fl;
	struct flockp_how how;
	char path[128];
};

struct reply {
	bool from_handler;
	int result;
	struct flock fl;
	__s64 end;
};

static int peer_sock;

static void on_signal(int sig)
{
	struct reply r = { .from_handler = true };

	(void)sig;
	if (send(peer_sock, &r, sizeof(r), 0) != sizeof(r))
		_exit(KSFT_FAIL);
}

static int peer_obey(struct order *o)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = o->arg };
	int fd;

	switch (o->op) {
	case OP_OPEN:
		fd = open(o->path, o->arg);
		return fd < 0 ? -errno : fd;
	case OP_CLOSE:
		return close(o->fd) ? -errno : 0;
	case OP_LOCK:
		return lock_call(o->fd, o->arg, &o->fl);
	case OP_TIMED:
		return timed_call(o->fd, &o->how);
	case OP_HANDLE:
		return sigaction(SIGUSR1, &sa, NULL) ? -errno : 0;
	}
	return -EINVAL;
}

static void peer_serve(void)
{
	struct order o;

	while (recv(peer_sock, &o, sizeof(o), 0) == sizeof(o)) {
		struct reply r = { .result = peer_obey(&o), .fl = o.fl };

		if (o.op == OP_TIMED)
			r.end = clock_now(o.how.clockid);
		if (send(peer_sock, &r, sizeof(r), 0) != sizeof(r))
			break;
	}
	_exit(0);
}

void peer_start(struct peer *peer, enum peer_table table)
{
	struct clone_args args = {
		.flags = table == PEER_SHARED_FDS ? CLONE_FILES : 0,
		.exit_signal = SIGCHLD,
	};
	int socks[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, socks))
		broken("socketpair");
	peer->sock = socks[0];
	peer->pid = syscall(__NR_clone3, &args, sizeof(args));
	if (peer->pid < 0)
		broken("clone3");
	if (!peer->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		peer_sock = socks[1];
		if (table == PEER_OWN_FDS)
			close(socks[0]);
		peer_serve();
	}
	/* In a shared table the peer still needs its end. */
	if (table == PEER_OWN_FDS)
		close(socks[1]);
}

void peer_stop(struct peer *peer)
{
	kill(peer->pid, SIGKILL);
	if (waitpid(peer->pid, NULL, 0) != peer->pid)
		broken("waitpid");
	close(peer->sock);
}

static void peer_send(struct peer *peer, struct order *o)
{
	if (send(peer->sock, o, sizeof(*o), 0) != sizeof(*o))
		broken("sending to a peer");
}

static struct reply peer_receive(struct peer *peer)
{
	struct reply r;

	if (recv(peer->sock, &r, sizeof(r), 0) != sizeof(r))
		broken("receiving from a peer");
	return r;
}

static int peer_do(struct peer *peer, struct order *o)
{
	peer_send(peer, o);
	return peer_receive(peer).result;
}

int peer_open(struct peer *peer, const char *path, int flags)
{
	struct order o = { .op = OP_OPEN, .arg = flags };
	int fd;

	snprintf(o.path, sizeof(o.path), "%s", path);
	fd = peer_do(peer, &o);
	if (fd < 0) {
		errno = -fd;
		broken("open in a peer");
	}
	return fd;
}

void peer_close(struct peer *peer, int fd)
{
	struct order o = { .op = OP_CLOSE, .fd = fd };

	if (peer_do(peer, &o))
		broken("close in a peer");
}

void peer_handle_signal(struct peer *peer, int sa_flags)
{
	struct order o = { .op = OP_HANDLE, .arg = sa_flags };

	if (peer_do(peer, &o))
		broken("sigaction in a peer");
}

void peer_signal(struct peer *peer)
{
	if (kill(peer->pid, SIGUSR1) || !peer_receive(peer).from_handler)
		broken("signal handler of a peer");
}

void peer_ask(struct peer *peer, int fd, int cmd, const struct flock *fl)
{
	struct order o = { .op = OP_LOCK, .fd = fd, .arg = cmd, .fl = *fl };

	peer_send(peer, &o);
}

int peer_answer(struct peer *peer, struct flock *fl)
{
	struct reply r = peer_receive(peer);

	if (fl)
		*fl = r.fl;
	return r.result;
}

int peer_lock(struct peer *peer, int fd, int cmd, short type, off_t start, off_t len)
{
	struct flock fl = span(type, start, len);

	peer_ask(peer, fd, cmd, &fl);
	return peer_answer(peer, NULL);
}

void peer_ask_timed(struct peer *peer, int fd, const struct flockp_how *how)
{
	struct order o = { .op = OP_TIMED, .fd = fd, .how = *how };

	peer_send(peer, &o);
}

int peer_answer_timed(struct peer *peer, __s64 *end)
{
	struct reply r = peer_receive(peer);

	if (end)
		*end = r.end;
	return r.result;
}

int peer_answer_signalled(struct peer *peer, __s64 *end, int *count)
{
	struct reply r;

	*count = 0;
	for (;;) {
		if (kill(peer->pid, SIGUSR1))
			broken("signal to a peer");
		r = peer_receive(peer);
		if (!r.from_handler)
			break;
		++*count;
		pause_briefly();
	}
	/* The last signal came too late for the call. */
	if (!peer_receive(peer).from_handler)
		broken("signal handler of a peer");
	*end = r.end;
	return r.result;
}
