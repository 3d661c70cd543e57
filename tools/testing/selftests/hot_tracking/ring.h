/* SPDX-License-Identifier: GPL-2.0 */
/* An io_uring for one request at a time, without a library. */
#ifndef HOT_TRACKING_RING_H
#define HOT_TRACKING_RING_H

#include <linux/io_uring.h>

struct ring {
	int fd;
	struct io_uring_sqe *sqe;
	unsigned int *sq_tail;
	unsigned int *cq_head;
	const unsigned int *cq_tail;
	const struct io_uring_cqe *cqe;
	unsigned int cq_mask;
};

void ring_begin(struct ring *ring);
/* Submit and wait: the request's result. @opcode: IORING_OP_READ or IORING_OP_WRITE. */
int ring_do(struct ring *ring, int opcode, int fd, off_t offset, void *buffer, unsigned int length);

#endif /* HOT_TRACKING_RING_H */
