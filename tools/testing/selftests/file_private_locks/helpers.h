/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the file-private lock tests share: file systems to work on, lock calls
 * that return -errno, the kernel's own view of the locks, and helper processes
 * ("peers") that take locks on request.
 */
#ifndef FILE_PRIVATE_LOCKS_HELPERS_H
#define FILE_PRIVATE_LOCKS_HELPERS_H

#include <fcntl.h>
#include <stdbool.h>
#include <stdnoreturn.h>
#include <time.h>
#include <sys/types.h>
#include <linux/file_private_locks.h>

/* The file systems a test runs on, each mounted for one run of one program. */
enum place {
	PLACE_TMPFS,
	PLACE_OVERLAY,
	PLACE_EXT4,
	NR_PLACES
};

/*
 * Mount them in a mount namespace of our own, so that no mount is left over
 * however the program ends. Without root the program ends as skipped.
 */
void places_make(void);
/* NULL if the file system is there, else the reason why it is not. */
const char *place_missing(enum place place);
const char *place_dir(enum place place);

/* The test itself cannot go on; says what failed, with errno, and ends. */
noreturn void broken(const char *what);
/* How often to repeat a race: @full times with SEPTET_LEVEL=full in the environment. */
int loops(int quick, int full);
/* A pause between two looks at something that another task is about to do. */
void pause_briefly(void);
/* Does the kernel have F_SETLKPT? */
bool timed_there(void);
/*
 * NULL, or why tests of F_SETLKPT are skipped here. With SEPTET_REQUIRE=1 always NULL: they run,
 * and fail, on a kernel without it too.
 */
const char *timed_missing(void);
/* The program ends as skipped on a kernel without it: for programs that test nothing else. */
void need_timed(void);

/* A request from the start of the file; l_pid is 0. */
struct flock span(short type, off_t start, off_t len);
/* fcntl() with that request: 0 or -errno. */
int lock_span(int fd, int cmd, short type, off_t start, off_t len);
/* fcntl() with a request in full: 0 or -errno. */
int lock_call(int fd, int cmd, struct flock *fl);

#define NSEC_PER_SEC 1000000000LL
#define NSEC_PER_MSEC 1000000LL

/* What a clock shows, in nanoseconds. */
__s64 clock_now(__u32 clock);
/* A request for F_SETLKPT from the start of the file, that waits for ever. */
struct flockp_how timed_span(__u32 type, __s64 start, __s64 len);
/* The same, that waits until the clock shows @when nanoseconds. */
struct flockp_how timed_until(__u32 type, __s64 start, __s64 len, __u32 clock, __s64 when);
/* F_SETLKPT with a request in full: 0 or -errno. */
int timed_call(int fd, const struct flockp_how *how);
/* F_SETLKPT with a deadline that has passed, which is an attempt: 0 or -errno. */
int timed_try(int fd, __u32 type, __s64 start, __s64 len);
/* When the request gives up, in nanoseconds of its clock. */
__s64 deadline_of(const struct flockp_how *how);

#define FILE_ID_SIZE 48
#define LAYOUT_SIZE 512

/* The file as /proc/locks writes it: device and inode number. */
void file_id(int fd, char id[FILE_ID_SIZE]);
/*
 * Count the lines of /proc/locks that are about the file @id and contain
 * @word ("OFDLCK", "POSIX", "READ", ...). Only requests that wait, or only
 * locks that are held, as @waiting says.
 */
int locks_shown(const char *id, const char *word, bool waiting);
/* Return when so many requests wait; the time limit is that of the test. */
void until_waiting(const char *id, int count);
/* Return when no lock on the file is left. */
void until_unlocked(const char *id);
/* Private locks that fdinfo shows for @fd, as "R0-9 W20-EOF". */
const char *layout(int fd, char buf[LAYOUT_SIZE]);
/*
 * Return when that task sleeps. A request is listed as waiting a moment before its task has
 * looked for a deadlock and gone to sleep; only from then on others find the task in a circle.
 */
void until_sleeping(pid_t tid);

/* Put a descriptor into a message, or take one out: it is another one of the same open file. */
void send_fd(int sock, int fd);
int receive_fd(int sock);

/* NULL, or why there is no io_uring. */
const char *ring_missing(void);
/* An io_uring that @fd is registered with. */
int ring_make(int fd);

/* A process that does lock calls on request; it dies with its parent. */
struct peer {
	pid_t pid;
	int sock;
};

enum peer_table {
	PEER_OWN_FDS,		/* a copy of our file descriptors, as fork() gives */
	PEER_SHARED_FDS		/* our file descriptors themselves, as a thread has */
};

void peer_start(struct peer *peer, enum peer_table table);
/* Kill it and wait for its end. */
void peer_stop(struct peer *peer);
int peer_open(struct peer *peer, const char *path, int flags);
void peer_close(struct peer *peer, int fd);
/* Have SIGUSR1 handled, with SA_RESTART or without. */
void peer_handle_signal(struct peer *peer, int sa_flags);
/* Interrupt it, and return when its handler has run. */
void peer_signal(struct peer *peer);
/* Start a lock call in the peer, and collect its result: 0 or -errno. */
void peer_ask(struct peer *peer, int fd, int cmd, const struct flock *fl);
int peer_answer(struct peer *peer, struct flock *fl);
/*
 * The same with F_SETLKPT. @end is what the clock of the deadline showed when the call returned,
 * to the peer.
 */
void peer_ask_timed(struct peer *peer, int fd, const struct flockp_how *how);
int peer_answer_timed(struct peer *peer, __s64 *end);
/* Interrupt it again and again until it has answered; tell in @count how often that was. */
int peer_answer_signalled(struct peer *peer, __s64 *end, int *count);
/* Both in one. */
int peer_lock(struct peer *peer, int fd, int cmd, short type, off_t start, off_t len);

#endif /* FILE_PRIVATE_LOCKS_HELPERS_H */
