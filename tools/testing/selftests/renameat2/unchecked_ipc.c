// SPDX-License-Identifier: GPL-2.0
/* Sockets, System V IPC and POSIX message queues. */
#include <fcntl.h>
#include <mqueue.h>
#include <unistd.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "unchecked_flags.h"

static char buf[64];
static int two[2];
static struct iovec iov = { .iov_base = buf, .iov_len = 1 };
static struct mmsghdr message = { .msg_hdr = { .msg_iov = &iov, .msg_iovlen = 1 } };

static struct {
	long type;
	char text[8];
} note = { .type = 1 };

static struct sembuf operation = { .sem_op = 1 };
static struct mq_attr attr;

static void make_shm(struct call *c)
{
	c->args[0] = must("shmget", syscall(__NR_shmget, IPC_PRIVATE, 4096, 0600));
}

static void make_sem(struct call *c)
{
	c->args[0] = must("semget", syscall(__NR_semget, IPC_PRIVATE, 1, 0600));
}

static void make_queue(struct call *c)
{
	c->args[0] = must("msgget", syscall(__NR_msgget, IPC_PRIVATE, 0600));
	must("msgsnd", syscall(__NR_msgsnd, c->args[0], &note, 1, 0));
}

static void make_mq(struct call *c)
{
	c->args[0] = must("mq_open", syscall(__NR_mq_open, "queue", O_CREAT | O_RDWR, 0600, NULL));
}

/* Nobody has this bit between those that programs and the kernel itself use. */
#define MSG_BIT		0x1000000

struct call ipc_calls[] = {
	{ "socket", "type", 1 << 20, EINVAL, .nr = __NR_socket, .args = { AF_UNIX, SOCK_DGRAM },
	  .arg = 1 },
	{ "socketpair", "type", 1 << 20, EINVAL, .nr = __NR_socketpair,
	  .args = { AF_UNIX, SOCK_DGRAM, 0, PTR(two) }, .arg = 1 },
	{ "accept4", "flags", 1 << 20, EINVAL, EAGAIN, .nr = __NR_accept4, .args = { FD_LISTEN },
	  .arg = 3 },
	{ "sendto", "flags", MSG_BIT, ACCEPTED, .nr = __NR_sendto,
	  .args = { FD_SOCKET, PTR(buf), 1 }, .arg = 3 },
	{ "sendmsg", "flags", MSG_BIT, ACCEPTED, .nr = __NR_sendmsg,
	  .args = { FD_SOCKET, PTR(&message.msg_hdr) }, .arg = 2 },
	{ "sendmmsg", "flags", MSG_BIT, ACCEPTED, .nr = __NR_sendmmsg,
	  .args = { FD_SOCKET, PTR(&message), 1 }, .arg = 3 },
	{ "recvfrom", "flags", MSG_BIT, ACCEPTED, .nr = __NR_recvfrom,
	  .args = { FD_SOCKET, PTR(buf), 1 }, .arg = 3 },
	{ "recvmsg", "flags", MSG_BIT, ACCEPTED, .nr = __NR_recvmsg,
	  .args = { FD_SOCKET, PTR(&message.msg_hdr) }, .arg = 2 },
	{ "recvmmsg", "flags", MSG_BIT, ACCEPTED, .nr = __NR_recvmmsg,
	  .args = { FD_SOCKET, PTR(&message), 1 }, .arg = 3 },

	{ "shmget", "shmflg", 1 << 20, ACCEPTED, .nr = __NR_shmget,
	  .args = { IPC_PRIVATE, 4096, 0600 }, .arg = 2 },
	{ "semget", "semflg", 1 << 20, ACCEPTED, .nr = __NR_semget,
	  .args = { IPC_PRIVATE, 1, 0600 }, .arg = 2 },
	{ "msgget", "msgflg", 1 << 20, ACCEPTED, .nr = __NR_msgget, .args = { IPC_PRIVATE, 0600 },
	  .arg = 1 },
	{ "shmat", "shmflg", 1 << 20, ACCEPTED, .nr = __NR_shmat, .arg = 2, .prepare = make_shm },
	{ "semop", "sops.sem_flg", 1 << 13, ACCEPTED, .nr = __NR_semop,
	  .args = { 0, PTR(&operation), 1 }, MEMBER(operation.sem_flg), .prepare = make_sem },
	{ "msgsnd", "msgflg", 1 << 20, ACCEPTED, .nr = __NR_msgsnd,
	  .args = { 0, PTR(&note), 1 }, .arg = 3, .prepare = make_queue },
	{ "msgrcv", "msgflg", 1 << 20, ACCEPTED, .nr = __NR_msgrcv,
	  .args = { 0, PTR(&note), 1 }, .arg = 4, .prepare = make_queue },
	{ "mq_open", "oflag", 1 << 29, ACCEPTED, .nr = __NR_mq_open,
	  .args = { PTR("queue"), O_CREAT | O_RDWR, 0600 }, .arg = 1 },
	{ "mq_getsetattr", "mqstat.mq_flags", 1 << 29, EINVAL, .nr = __NR_mq_getsetattr,
	  .args = { 0, PTR(&attr) }, MEMBER(attr.mq_flags), .prepare = make_mq },
	{ }
};
