/* SPDX-License-Identifier: GPL-2.0 */
/*
 * libflockp: file-private locks with a deadline, on every kernel that has file-private locks, and
 * lists of all locks on a file.
 *
 * Functions that return int return 0, or what they say, or a negative errno.
 *
 * No function prints or exits. What the kernel serves is asked once and kept; no other state is
 * global. Different handles may be used by different threads at the same time, one handle only by
 * one: a thread that is to keep others out wants a handle of its own.
 */
#ifndef FLOCKP_H
#define FLOCKP_H

#include <assert.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A 32-bit program is compiled with -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64, as the library is. */
#if defined(static_assert) || (defined(__cplusplus) && __cplusplus >= 201103L)
static_assert(sizeof(time_t) == 8, "libflockp wants -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64");
#endif

/* An open file, which owns locks. */
struct flockp;

/*
 * What flockp_probe() finds: F_SETLKP, F_SETLKPW and F_GETLKP; F_SETLKPT; F_ENUMLKP; FLKP_FAIR;
 * FLKP_TASK.
 */
#define FLOCKP_PRIVATE	0x1
#define FLOCKP_TIMED	0x2
#define FLOCKP_LISTED	0x4
#define FLOCKP_FAIR	0x8
#define FLOCKP_TASK	0x10

/**
 * flockp_probe() - which locks the running kernel serves
 *
 * It is asked on a file in memory, and once: the answer is kept. A filesystem may serve less, see
 * flockp_polled().
 *
 * Return: FLOCKP_PRIVATE, FLOCKP_TIMED, FLOCKP_LISTED, FLOCKP_FAIR and FLOCKP_TASK, or'ed; or why
 * it could not be asked, such as -EMFILE.
 */
int flockp_probe(void);

/**
 * flockp_open() - open a file for locks of its own
 * @lock: out: a handle, to be closed with flockp_close()
 * @path: a file
 * @flags: of open(2); a write lock wants O_WRONLY or O_RDWR, a read lock O_RDONLY or O_RDWR.
 *	The descriptor is closed on exec in any case.
 * @mode: of a file that O_CREAT makes
 *
 * Return: 0; -EINVAL for O_PATH; -ENOMEM; errors of open(2).
 */
int flockp_open(struct flockp **lock, const char *path, int flags, mode_t mode);

/**
 * flockp_open_fd() - open once more what is open already
 * @lock: out: a handle, to be closed with flockp_close()
 * @fd: a descriptor, which stays as it is
 *
 * dup(2) would share the locks of @fd; this makes another open file, of the same file and with
 * the access mode of @fd. The file need not have a name any more. It is done through
 * /proc/self/fd; where there is no /proc, by file handle, for which CAP_DAC_READ_SEARCH is wanted.
 *
 * Return: 0; -EBADF if @fd is not open, or with O_PATH; -EOPNOTSUPP if neither way is there;
 * -ENOMEM; errors of open(2), such as -EACCES if the file may not be opened so any more, and -ENXIO
 * for a socket.
 */
int flockp_open_fd(struct flockp **lock, int fd);

/**
 * flockp_close() - close the handle, which releases its locks
 * @lock: may be NULL
 *
 * Where the descriptor was passed on, by fork(2), dup(2) or a socket, they stay until the last one
 * is closed; flockp_unlock() releases them at once.
 *
 * Return: 0, or the error of close(2). The handle is gone in any case.
 */
int flockp_close(struct flockp *lock);

/**
 * flockp_fd() - the descriptor, for reading and writing
 * @lock: a handle
 *
 * Return: a descriptor that belongs to the handle.
 */
int flockp_fd(const struct flockp *lock);

/**
 * flockp_lock() - lock bytes, waiting until a deadline
 * @lock: a handle
 * @type: F_RDLCK or F_WRLCK
 * @start: first byte, from 0
 * @len: number of bytes; 0: all from @start on, however far the file grows
 * @deadline: when to give up, an absolute time; NULL: never
 * @clock: of the deadline: CLOCK_MONOTONIC, CLOCK_BOOTTIME or CLOCK_REALTIME
 *
 * What the handle has locked there already changes its type. The lock is tried for at least once,
 * also if the deadline is past. Where the kernel or the filesystem has no timed locks it is tried
 * for again and again until the deadline, with pauses of random length between half of and all of
 * 1 ms, then 2 ms and so on up to 64 ms; see flockp_polled().
 *
 * An error leaves all locks of the handle as they were. After -EINTR the same deadline can be
 * waited for again. While polling, any handler that runs is the cause of one, also with SA_RESTART.
 *
 * Return: 0; -ETIMEDOUT; -EDEADLK without @deadline, if the kernel knows that it would be for
 * ever; -EINTR if a signal handler ran; -EPERM if another thread has locked some of it, see
 * flockp_task(); -EBADF if the file is not open for this
 * @type; -EINVAL for arguments that make no sense, or if the kernel has no file-private locks;
 * -EOVERFLOW if the range ends behind the last byte that a file can have; -ENOLCK, -ENOMEM; others
 * from remote filesystems and security modules.
 */
int flockp_lock(struct flockp *lock, int type, int64_t start, int64_t len,
		const struct timespec *deadline, clockid_t clock);

/**
 * flockp_lock_for() - lock bytes, waiting for some time
 * @lock, @type, @start, @len: as for flockp_lock()
 * @timeout: how long, on CLOCK_MONOTONIC; 0: not at all; NULL: for ever
 *
 * Who wants to go on after -EINTR takes flockp_deadline() and flockp_lock(), so that the time does
 * not begin anew.
 *
 * Return: as flockp_lock().
 */
int flockp_lock_for(struct flockp *lock, int type, int64_t start, int64_t len,
		    const struct timespec *timeout);

/**
 * flockp_deadline() - the time that is so far away
 * @deadline: out: on @clock
 * @clock: a clock
 * @timeout: from now on
 *
 * Return: 0; -EINVAL if @timeout is negative or no valid time, or there is no such @clock.
 */
int flockp_deadline(struct timespec *deadline, clockid_t clock, const struct timespec *timeout);

/**
 * flockp_trylock() - lock bytes if nothing is in the way
 * @lock, @type, @start, @len: as for flockp_lock()
 *
 * Return: 0; -EAGAIN if something is in the way; else as flockp_lock().
 */
int flockp_trylock(struct flockp *lock, int type, int64_t start, int64_t len);

/**
 * flockp_unlock() - release what the handle has locked of these bytes
 * @lock, @start, @len: as for flockp_lock()
 *
 * Return: 0, also if nothing was locked; -EPERM, and nothing is released, if another thread has
 * locked some of it, see flockp_task(); -ENOLCK or -ENOMEM if a lock had to be cut in two; else as
 * flockp_lock().
 */
int flockp_unlock(struct flockp *lock, int64_t start, int64_t len);

/**
 * flockp_polled() - how the last flockp_lock(), flockp_lock_for() or flockp_upgrade() waited
 * @lock: a handle
 *
 * Return: true if it had to poll, because the kernel or the filesystem has no timed locks; false
 * if the kernel would have woken it, or no such call was made.
 */
bool flockp_polled(const struct flockp *lock);

/**
 * flockp_fair() - whether waiting is fair from now on
 * @lock: a handle
 * @fair: whether requests that come later, and that those of this handle would have to wait for,
 *	are not to overtake them while they wait; not so at first
 *
 * It is a wish: where the kernel has no FLOCKP_FAIR or the filesystem no timed locks, it is
 * without effect and nothing is said. Who polls is never fair.
 */
void flockp_fair(struct flockp *lock, bool fair);

/**
 * flockp_task() - whether locks are bound to the thread that takes them, from now on
 * @lock: a handle
 * @task: whether they are; not so at first
 *
 * A lock is bound if flockp_lock(), flockp_lock_for(), flockp_trylock() or flockp_upgrade() takes
 * it after this. Until it is released only that thread can change or release any byte of it
 * through this handle, or a descriptor that is shared with it. Others, and so those of a child of
 * fork(2), get -EPERM from these functions and from flockp_unlock(), and nothing is changed. They
 * can still ask for it with flockp_test() and flockp_held(). The thread makes an ordinary lock of
 * it by taking it again after flockp_task() with false.
 *
 * Closing is not restrained: whoever closes the last descriptor releases it. If the thread ends
 * before, there is no other way.
 *
 * What it is for: such a lock depends on one thread alone, so the kernel sees when threads, each
 * with a handle of its own, wait for each other without a deadline. One of them gets -EDEADLK; it
 * should release what it has and begin anew. Without this it is seen only between processes that
 * have one thread each. Who has a deadline gets -ETIMEDOUT instead, and as long as one such waits
 * in the circle, nobody gets -EDEADLK.
 *
 * It is a wish: where the kernel has no FLOCKP_TASK or the filesystem no timed locks, it is
 * without effect and nothing is said.
 */
void flockp_task(struct flockp *lock, bool task);

/**
 * struct flockp_found - a lock
 * @type: F_RDLCK or F_WRLCK
 * @pid: process that has it; -1 if it is file-private: an open file is no process; 0 if the
 *	process cannot be seen from here; what is below -1 comes from other hosts
 * @start: first byte
 * @len: number of bytes; 0: all from @start on
 */
struct flockp_found {
	int type;
	pid_t pid;
	int64_t start;
	int64_t len;
};

/**
 * flockp_test() - what would be in the way of a lock
 * @lock, @type, @start, @len: as for flockp_lock(); the file may be open in any mode
 * @found: out: a lock that is in the way, not necessarily the only one; may be NULL
 *
 * By the time that it is read it may be gone.
 *
 * Return: 1 if something is in the way; 0 if not; else as flockp_lock().
 */
int flockp_test(struct flockp *lock, int type, int64_t start, int64_t len,
		struct flockp_found *found);

/**
 * flockp_held() - what the handle itself has locked
 * @lock, @start, @len: as for flockp_lock()
 * @found: out: the first lock of the handle that has a byte of these; its @pid is -1; may be NULL
 *
 * Return: 1 if there is one; 0 if not; -EINVAL also on kernels before 6.6, which cannot tell.
 */
int flockp_held(struct flockp *lock, int64_t start, int64_t len, struct flockp_found *found);

/**
 * flockp_upgrade() - turn a read lock into a write lock
 * @lock, @start, @len, @deadline, @clock: as for flockp_lock(), but @deadline cannot be NULL:
 *	two who upgrade the same bytes wait for each other, and not every kernel sees it
 * @held: out: F_WRLCK after success. After an error what is still held: F_RDLCK, since an error
 *	takes nothing away; F_UNLCK if there was nothing to upgrade. May be NULL
 *
 * Nobody else has a write lock in between. Who gets -ETIMEDOUT should release the read lock and
 * begin anew: the other one may be waiting for just that.
 *
 * Return: as flockp_lock(); -EINVAL also for no @deadline.
 */
int flockp_upgrade(struct flockp *lock, int64_t start, int64_t len,
		   const struct timespec *deadline, clockid_t clock, int *held);

/* A list of the locks on a file. */
struct flockp_list;

/* What is listed, and what an entry is: one of the first two, and one of the next three. */
#define FLOCKP_LIST_HELD	0x1
#define FLOCKP_LIST_WAITING	0x2
#define FLOCKP_LIST_PRIVATE	0x4
#define FLOCKP_LIST_CLASSIC	0x8
#define FLOCKP_LIST_FLOCK	0x10
/* Of an entry: the filesystem has more, which it keeps elsewhere, maybe on other hosts. */
#define FLOCKP_LIST_LOCAL_ONLY	0x20
/* Of an entry: only the thread that took it can change or release it, see flockp_task(). */
#define FLOCKP_LIST_ONE_TASK	0x40

/**
 * struct flockp_listed - a lock, or a request that waits for one
 * @owner: a number that stands for the owner until the next boot: one of the two behind
 *	"lock-owner:" in /proc/PID/fdinfo/FD, the second if it is classic, else the first; 0 for
 *	owners elsewhere
 * @start: first byte
 * @len: number of bytes; 0: all from @start on
 * @age_ns: for how long it is held, or waited for, in nanoseconds, time asleep included
 * @type: F_RDLCK or F_WRLCK
 * @flags: FLOCKP_LIST_HELD or FLOCKP_LIST_WAITING; FLOCKP_LIST_PRIVATE, FLOCKP_LIST_CLASSIC or
 *	FLOCKP_LIST_FLOCK; FLOCKP_LIST_LOCAL_ONLY, FLOCKP_LIST_ONE_TASK
 * @pid: process that asked for it; 0 if it is gone or cannot be seen from here; below 0 for
 *	other hosts
 */
struct flockp_listed {
	uint64_t owner;
	int64_t start;
	int64_t len;
	uint64_t age_ns;
	int type;
	unsigned int flags;
	pid_t pid;
};

/**
 * flockp_list_open() - begin to list the locks on a file
 * @list: out: to be closed with flockp_list_close()
 * @fd: a descriptor that is open for reading or writing; it has to stay so until the list is
 *	closed
 * @what: FLOCKP_LIST_HELD and FLOCKP_LIST_WAITING, of which none stands for both;
 *	FLOCKP_LIST_PRIVATE, FLOCKP_LIST_CLASSIC and FLOCKP_LIST_FLOCK, of which none stands for all
 * @start: first byte of the range of interest, from 0
 * @len: number of bytes; 0: all from @start on
 *
 * Those of all owners are listed, also those that would not be in the way. No lock is taken.
 *
 * Return: 0; -EOPNOTSUPP if the kernel has no FLOCKP_LISTED; -EBADF if @fd is not open so;
 * -EINVAL and -EOVERFLOW for arguments that make no sense; -ENOMEM; others from security modules.
 */
int flockp_list_open(struct flockp_list **list, int fd, unsigned int what, int64_t start,
		     int64_t len);

/**
 * flockp_list_next() - the next one
 * @list: a list
 * @entry: out: it
 *
 * What is there from flockp_list_open() to the end is listed once, in this order: held private
 * and classic locks by their first byte, held locks of flock(2), requests that wait. What comes,
 * goes or changes meanwhile may be listed or not. A signal does not end the list.
 *
 * Return: 1; 0 at the end; else as flockp_list_open().
 */
int flockp_list_next(struct flockp_list *list, struct flockp_listed *entry);

/**
 * flockp_list_close() - the list is not needed any more
 * @list: may be NULL
 */
void flockp_list_close(struct flockp_list *list);

#ifdef __cplusplus
}
#endif

#endif /* FLOCKP_H */
