// SPDX-License-Identifier: GPL-2.0
/* libflockp: see flockp.h. */
#include <errno.h>
#include <linux/file_private_locks.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "flockp.h"

/* Pauses between tries, where the kernel cannot wait until a deadline. */
#define SHORTEST_PAUSE_NS	1000000L
#define LONGEST_PAUSE_NS	(64 * SHORTEST_PAUSE_NS)

#define NS_PER_SEC		1000000000L

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* statfs() of /proc. */
#define PROC_MAGIC		0x9fa0

struct flockp {
	int fd;
	bool fair, task;		/* are wished for */
	bool untimed;			/* the filesystem has no timed locks */
	bool polled;
	uint64_t random;
};

/* ---- what the kernel serves ---- */

/* What was found, if IS_KNOWN. */
static int cache;
#define IS_KNOWN 0x100

static int is_served(int ret)
{
	if (ret >= 0 || errno == EOPNOTSUPP || errno == ETIMEDOUT)
		return 1;
	return errno == EINVAL ? 0 : -errno;
}

/* A negative errno, or the bit if the command is served. */
static int ask_for(int bit, int fd, int command, const void *argument)
{
	int served = is_served(fcntl(fd, command, argument));

	return served > 0 ? bit : served;
}

static int ask(int fd)
{
	const struct flock classic = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
	const struct flockp_how unlock = {
		.size = sizeof(unlock), .type = F_UNLCK, .whence = SEEK_SET,
	};
	/* Their deadline is past: whatever is in the way, they do not wait. */
	const struct flockp_how fair = {
		.size = sizeof(fair), .flags = FLKP_FAIR | FLKP_DEADLINE, .type = F_RDLCK,
		.whence = SEEK_SET, .clockid = CLOCK_MONOTONIC,
	}, task = {
		.size = sizeof(task), .flags = FLKP_TASK | FLKP_DEADLINE, .type = F_RDLCK,
		.whence = SEEK_SET, .clockid = CLOCK_MONOTONIC,
	};
	struct flockp_entry entry;
	const struct flockp_enum list = {
		.size = sizeof(list), .entries = (uintptr_t)&entry, .count = 1,
		.entry_size = sizeof(entry),
	};
	const struct {
		int bit, command;
		const void *argument;
	} questions[] = {
		{ FLOCKP_PRIVATE, F_GETLKP, &classic }, { FLOCKP_TIMED, F_SETLKPT, &unlock },
		{ FLOCKP_LISTED, F_ENUMLKP, &list }, { FLOCKP_FAIR, F_SETLKPT, &fair },
		{ FLOCKP_TASK, F_SETLKPT, &task },
	};
	int found = 0;

	for (size_t i = 0; i < ARRAY_SIZE(questions); i++) {
		int ret = ask_for(questions[i].bit, fd, questions[i].command,
				  questions[i].argument);

		if (ret < 0)
			return ret;
		found |= ret;
	}
	return found;
}

int flockp_probe(void)
{
	int found = __atomic_load_n(&cache, __ATOMIC_RELAXED), fd;

	if (found & IS_KNOWN)
		return found & ~IS_KNOWN;
	fd = memfd_create("flockp", MFD_CLOEXEC);
	/* Not every sandbox has that. */
	if (fd < 0)
		fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	found = ask(fd);
	close(fd);
	if (found >= 0)
		__atomic_store_n(&cache, found | IS_KNOWN, __ATOMIC_RELAXED);
	return found;
}

/* ---- handles ---- */

static int make(struct flockp **lock, int fd)
{
	struct flockp *new = calloc(1, sizeof(*new));

	if (!new) {
		close(fd);
		return -ENOMEM;
	}
	new->fd = fd;
	*lock = new;
	return 0;
}

int flockp_open(struct flockp **lock, const char *path, int flags, mode_t mode)
{
	int fd;

	if (flags & O_PATH)
		return -EINVAL;
	fd = open(path, flags | O_CLOEXEC, mode);
	return fd < 0 ? -errno : make(lock, fd);
}

static bool is_same_file(int a, int b)
{
	struct stat one, other;

	return !fstat(a, &one) && !fstat(b, &other) && one.st_dev == other.st_dev &&
	       one.st_ino == other.st_ino;
}

static int open_by_handle(int fd, int flags)
{
	struct {
		struct file_handle head;
		unsigned char bytes[MAX_HANDLE_SZ];
	} handle = { .head.handle_bytes = MAX_HANDLE_SZ };
	int mount, new;

	if (name_to_handle_at(fd, "", &handle.head, &mount, AT_EMPTY_PATH))
		return -EOPNOTSUPP;
	new = open_by_handle_at(fd, &handle.head, flags);
	if (new < 0)
		return errno == EPERM ? -EOPNOTSUPP : -errno;
	return new;
}

int flockp_open_fd(struct flockp **lock, int fd)
{
	int flags = fcntl(fd, F_GETFL), new;
	char path[sizeof("/proc/self/fd/-2147483648")];
	struct statfs fs;

	if (flags < 0)
		return -errno;
	if (flags & O_PATH)
		return -EBADF;
	/* A FIFO would make it wait. */
	flags = (flags & (O_ACCMODE | O_NONBLOCK)) | O_CLOEXEC | O_NOCTTY;
	if (statfs("/proc/self/fd", &fs) || fs.f_type != PROC_MAGIC) {
		new = open_by_handle(fd, flags);
		if (new < 0)
			return new;
	} else {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		new = open(path, flags);
		if (new < 0)
			return -errno;
	}
	/* What is in /proc, or another thread, may have put another file there. */
	if (!is_same_file(fd, new)) {
		close(new);
		return -EBADF;
	}
	return make(lock, new);
}

int flockp_close(struct flockp *lock)
{
	int ret;

	if (!lock)
		return 0;
	ret = close(lock->fd) ? -errno : 0;
	free(lock);
	return ret;
}

int flockp_fd(const struct flockp *lock)
{
	return lock->fd;
}

/* ---- locks ---- */

static int check_range(int64_t start, int64_t len)
{
	int64_t last;

	if (start < 0 || len < 0)
		return -EINVAL;
	return len && __builtin_add_overflow(start, len - 1, &last) ? -EOVERFLOW : 0;
}

static int check(int type, int64_t start, int64_t len)
{
	return type == F_RDLCK || type == F_WRLCK ? check_range(start, len) : -EINVAL;
}

static int call(struct flockp *lock, int command, struct flock *fl)
{
	fl->l_whence = SEEK_SET;
	fl->l_pid = 0;
	return fcntl(lock->fd, command, fl) ? -errno : 0;
}

static int set(struct flockp *lock, int command, int type, int64_t start, int64_t len)
{
	struct flock fl = { .l_type = type, .l_start = start, .l_len = len };

	return call(lock, command, &fl);
}

static int get(struct flockp *lock, int type, int64_t start, int64_t len,
	       struct flockp_found *found)
{
	struct flock fl = { .l_type = type, .l_start = start, .l_len = len };
	int ret = call(lock, F_GETLKP, &fl);

	if (ret)
		return ret;
	if (fl.l_type == F_UNLCK)
		return 0;
	if (found)
		*found = (struct flockp_found){ fl.l_type, fl.l_pid, fl.l_start, fl.l_len };
	return 1;
}

/*
 * Some servers say EACCES if a lock is in the way, as POSIX allows, which security modules say to
 * those who may not lock at all.
 */
static int set_at_once(struct flockp *lock, int type, int64_t start, int64_t len)
{
	int ret = set(lock, F_SETLKP, type, start, len);

	if (ret != -EACCES)
		return ret;
	if (get(lock, type, start, len, NULL) == 1)
		return -EAGAIN;
	/* It may just have gone. */
	return set(lock, F_SETLKP, type, start, len);
}

/* What of the wishes the kernel can fulfil, as flags of F_SETLKPT. */
static uint32_t wishes(const struct flockp *lock)
{
	const int served = (lock->fair || lock->task) && !lock->untimed ? flockp_probe() : 0;

	if (served < 0)
		return 0;
	return (lock->fair && served & FLOCKP_FAIR ? FLKP_FAIR : 0) |
	       (lock->task && served & FLOCKP_TASK ? FLKP_TASK : 0);
}

/* Without a deadline it waits without end. */
static int set_until(struct flockp *lock, int type, int64_t start, int64_t len,
		     const struct timespec *deadline, clockid_t clock, uint32_t flags)
{
	struct flockp_how how = {
		.size = sizeof(how), .flags = flags, .type = type,
		.whence = SEEK_SET, .start = start, .len = len,
	};
	int ret;

	if (deadline) {
		how.flags |= FLKP_DEADLINE;
		how.clockid = clock;
		how.deadline_sec = deadline->tv_sec;
		how.deadline_nsec = deadline->tv_nsec;
	}
	ret = fcntl(lock->fd, F_SETLKPT, &how) ? -errno : 0;
	lock->untimed = ret == -EOPNOTSUPP;
	return ret;
}

static bool is_time(const struct timespec *t)
{
	return t->tv_sec >= 0 && t->tv_nsec >= 0 && t->tv_nsec < NS_PER_SEC;
}

/* Nanoseconds until then, or more than any pause. */
static int64_t time_left(const struct timespec *deadline, clockid_t clock)
{
	struct timespec now;
	int64_t seconds;

	clock_gettime(clock, &now);
	seconds = deadline->tv_sec - now.tv_sec;
	if (seconds > 1)
		return NS_PER_SEC;
	if (seconds < -1)
		return 0;
	return seconds * NS_PER_SEC + deadline->tv_nsec - now.tv_nsec;
}

/* Between half of and all of it, so that those who wait for the same lock do not meet each time. */
static long jitter(struct flockp *lock, long ns)
{
	struct timespec now;

	if (!lock->random) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		lock->random = (uint64_t)now.tv_sec << 32 ^ (uint64_t)getpid() << 16;
		lock->random ^= now.tv_nsec ^ (uintptr_t)lock;
		lock->random = lock->random * 0x9e3779b97f4a7c15 | 1;
	}
	/* Numbers of xorshift64. */
	lock->random ^= lock->random << 13;
	lock->random ^= lock->random >> 7;
	lock->random ^= lock->random << 17;
	return ns / 2 + (long)((lock->random >> 16) % (ns / 2 + 1));
}

static int poll_until(struct flockp *lock, int type, int64_t start, int64_t len,
		      const struct timespec *deadline, clockid_t clock)
{
	long pause = SHORTEST_PAUSE_NS;

	lock->polled = true;
	for (;;) {
		/* Before the try, so that one is made after the deadline. */
		int64_t left = time_left(deadline, clock), ns;
		int ret = set_at_once(lock, type, start, len);

		if (ret != -EAGAIN)
			return ret;
		if (left <= 0)
			return -ETIMEDOUT;
		ns = jitter(lock, pause);
		/* Whoever sets the clock of the deadline is noticed after the longest pause. */
		ret = clock_nanosleep(CLOCK_MONOTONIC, 0,
				      &(struct timespec){ .tv_nsec = ns < left ? ns : left }, NULL);
		if (ret)
			return -ret;
		if (pause < LONGEST_PAUSE_NS)
			pause *= 2;
	}
}

/* For what no kernel can do more, F_SETLKPW is as good. */
static int wait_for_ever(struct flockp *lock, int type, int64_t start, int64_t len)
{
	const uint32_t flags = wishes(lock);
	int ret = flags ? set_until(lock, type, start, len, NULL, 0, flags) : -EOPNOTSUPP;

	return ret == -EOPNOTSUPP ? set(lock, F_SETLKPW, type, start, len) : ret;
}

int flockp_lock(struct flockp *lock, int type, int64_t start, int64_t len,
		const struct timespec *deadline, clockid_t clock)
{
	int ret = check(type, start, len), served;

	lock->polled = false;
	if (ret)
		return ret;
	if (!deadline)
		return wait_for_ever(lock, type, start, len);
	if (!is_time(deadline) || (clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME &&
				   clock != CLOCK_REALTIME))
		return -EINVAL;
	served = flockp_probe();
	/* If that could not be asked, this tells. */
	if (!lock->untimed && (served < 0 || served & FLOCKP_TIMED)) {
		ret = set_until(lock, type, start, len, deadline, clock, wishes(lock));
		if (!lock->untimed && !(ret == -EINVAL && served < 0))
			return ret;
	}
	return poll_until(lock, type, start, len, deadline, clock);
}

void flockp_fair(struct flockp *lock, bool fair)
{
	lock->fair = fair;
}

void flockp_task(struct flockp *lock, bool task)
{
	lock->task = task;
}

int flockp_deadline(struct timespec *deadline, clockid_t clock, const struct timespec *timeout)
{
	struct timespec now;

	if (!is_time(timeout))
		return -EINVAL;
	if (clock_gettime(clock, &now))
		return -errno;
	now.tv_nsec += timeout->tv_nsec;
	if (now.tv_nsec >= NS_PER_SEC) {
		now.tv_nsec -= NS_PER_SEC;
		now.tv_sec++;
	}
	if (__builtin_add_overflow(now.tv_sec, timeout->tv_sec, &now.tv_sec))
		now.tv_sec = INT64_MAX;
	*deadline = now;
	return 0;
}

int flockp_lock_for(struct flockp *lock, int type, int64_t start, int64_t len,
		    const struct timespec *timeout)
{
	struct timespec deadline;
	int ret = timeout ? flockp_deadline(&deadline, CLOCK_MONOTONIC, timeout) : 0;

	lock->polled = false;
	return ret ?: flockp_lock(lock, type, start, len, timeout ? &deadline : NULL,
				  CLOCK_MONOTONIC);
}

int flockp_trylock(struct flockp *lock, int type, int64_t start, int64_t len)
{
	static const struct timespec past = { 0 };
	const uint32_t flags = wishes(lock) & FLKP_TASK;
	int ret = check(type, start, len);

	if (ret)
		return ret;
	/* F_SETLKP would make an ordinary lock of one that is bound to the thread. */
	ret = -EOPNOTSUPP;
	if (flags)
		do
			ret = set_until(lock, type, start, len, &past, CLOCK_MONOTONIC, flags);
		while (ret == -EINTR);
	if (ret == -EOPNOTSUPP)
		return set_at_once(lock, type, start, len);
	return ret == -ETIMEDOUT ? -EAGAIN : ret;
}

int flockp_unlock(struct flockp *lock, int64_t start, int64_t len)
{
	return check_range(start, len) ?: set(lock, F_SETLKP, F_UNLCK, start, len);
}

bool flockp_polled(const struct flockp *lock)
{
	return lock->polled;
}

int flockp_test(struct flockp *lock, int type, int64_t start, int64_t len,
		struct flockp_found *found)
{
	return check(type, start, len) ?: get(lock, type, start, len, found);
}

int flockp_held(struct flockp *lock, int64_t start, int64_t len, struct flockp_found *found)
{
	return check_range(start, len) ?: get(lock, F_UNLCK, start, len, found);
}

int flockp_upgrade(struct flockp *lock, int64_t start, int64_t len,
		   const struct timespec *deadline, clockid_t clock, int *held)
{
	struct flockp_found found = { .type = F_RDLCK };
	int ret;

	lock->polled = false;
	ret = deadline ? flockp_lock(lock, F_WRLCK, start, len, deadline, clock) : -EINVAL;
	if (!held)
		return ret;
	*held = F_WRLCK;
	/* A kernel that cannot tell has not taken it either. */
	if (ret)
		*held = flockp_held(lock, start, len, &found) ? found.type : F_UNLCK;
	return ret;
}

/* ---- lists ---- */

#define BATCH 64

struct flockp_list {
	int fd;
	struct flockp_enum how;
	struct flockp_entry entries[BATCH];
	int count, next;
	bool ended;
};

#define WHAT (FLOCKP_LIST_HELD | FLOCKP_LIST_WAITING | FLOCKP_LIST_PRIVATE | \
	      FLOCKP_LIST_CLASSIC | FLOCKP_LIST_FLOCK)

static_assert(FLOCKP_LIST_HELD == FLKP_HELD && FLOCKP_LIST_WAITING == FLKP_WAITING &&
	      FLOCKP_LIST_PRIVATE == FLKP_PRIVATE && FLOCKP_LIST_CLASSIC == FLKP_CLASSIC &&
	      FLOCKP_LIST_FLOCK == FLKP_FLOCK && FLOCKP_LIST_LOCAL_ONLY == FLKP_LOCAL_ONLY &&
	      FLOCKP_LIST_ONE_TASK == FLKP_ONE_TASK,
	      "flags are passed as they are");

/* 0 or a negative errno. */
static int fill(struct flockp_list *list)
{
	int ret;

	do
		ret = fcntl(list->fd, F_ENUMLKP, &list->how);
	while (ret < 0 && errno == EINTR);
	/* All arguments have been looked at before. */
	if (ret < 0)
		return errno == EINVAL ? -EOPNOTSUPP : -errno;
	list->count = ret;
	list->next = 0;
	list->ended = !ret;
	return 0;
}

int flockp_list_open(struct flockp_list **list, int fd, unsigned int what, int64_t start,
		     int64_t len)
{
	struct flockp_list *new;
	int ret = what & ~WHAT ? -EINVAL : check_range(start, len);

	if (ret)
		return ret;
	new = calloc(1, sizeof(*new));
	if (!new)
		return -ENOMEM;
	new->fd = fd;
	new->how = (struct flockp_enum){
		.size = sizeof(new->how), .flags = what, .start = start, .len = len,
		.entries = (uintptr_t)new->entries, .count = BATCH,
		.entry_size = sizeof(new->entries[0]),
	};
	ret = fill(new);
	if (ret)
		free(new);
	else
		*list = new;
	return ret;
}

int flockp_list_next(struct flockp_list *list, struct flockp_listed *entry)
{
	const struct flockp_entry *e;
	int ret;

	if (!list->ended && list->next == list->count) {
		ret = fill(list);
		if (ret)
			return ret;
	}
	if (list->ended)
		return 0;
	e = &list->entries[list->next++];
	*entry = (struct flockp_listed){
		.owner = e->owner, .start = e->start, .len = e->len, .age_ns = e->age_ns,
		.type = e->type, .flags = e->flags, .pid = e->pid,
	};
	return 1;
}

void flockp_list_close(struct flockp_list *list)
{
	free(list);
}
