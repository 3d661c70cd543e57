// SPDX-License-Identifier: GPL-2.0
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "helpers.h"
#include "ring.h"

static void *map(int fd, size_t length, off_t what)
{
	void *p = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, what);

	if (p == MAP_FAILED)
		broken("mmap of an io_uring");
	return p;
}

void ring_begin(struct ring *ring)
{
	struct io_uring_params params = {};
	unsigned int *array;
	char *sq, *cq;

	ring->fd = syscall(__NR_io_uring_setup, 1, &params);
	if (ring->fd < 0)
		broken("io_uring_setup");
	sq = map(ring->fd, params.sq_off.array + params.sq_entries * sizeof(*array),
		 IORING_OFF_SQ_RING);
	cq = map(ring->fd, params.cq_off.cqes + params.cq_entries * sizeof(*ring->cqe),
		 IORING_OFF_CQ_RING);
	ring->sqe = map(ring->fd, params.sq_entries * sizeof(*ring->sqe), IORING_OFF_SQES);
	ring->sq_tail = (unsigned int *)(sq + params.sq_off.tail);
	ring->cq_head = (unsigned int *)(cq + params.cq_off.head);
	ring->cq_tail = (unsigned int *)(cq + params.cq_off.tail);
	ring->cq_mask = *(unsigned int *)(cq + params.cq_off.ring_mask);
	ring->cqe = (struct io_uring_cqe *)(cq + params.cq_off.cqes);
	/* The one entry there is. */
	array = (unsigned int *)(sq + params.sq_off.array);
	array[0] = 0;
}

int ring_do(struct ring *ring, int opcode, int fd, off_t offset, void *buffer, unsigned int length)
{
	unsigned int head = *ring->cq_head;
	int result;

	memset(ring->sqe, 0, sizeof(*ring->sqe));
	ring->sqe->opcode = opcode;
	ring->sqe->fd = fd;
	ring->sqe->off = offset;
	ring->sqe->addr = (unsigned long)buffer;
	ring->sqe->len = length;
	__atomic_store_n(ring->sq_tail, *ring->sq_tail + 1, __ATOMIC_RELEASE);
	if (syscall(__NR_io_uring_enter, ring->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) != 1)
		broken("io_uring_enter");
	while (__atomic_load_n(ring->cq_tail, __ATOMIC_ACQUIRE) == head)
		pause_briefly();
	result = ring->cqe[head & ring->cq_mask].res;
	__atomic_store_n(ring->cq_head, head + 1, __ATOMIC_RELEASE);
	return result;
}
