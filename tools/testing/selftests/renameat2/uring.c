// SPDX-License-Identifier: GPL-2.0
/* IORING_OP_RENAMEAT carries flags, and no conditions. */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <linux/io_uring.h>

#include "fixture.h"
#include "on_two.h"

/* The rings of one io_uring, as io_uring_setup(2) describes them. */
static struct {
	int fd;
	unsigned int *sq_tail, *sq_mask, *sq_array, *cq_head, *cq_tail, *cq_mask;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
} ring;

static char *map(size_t size, off_t offset)
{
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring.fd,
		       offset);

	if (p == MAP_FAILED)
		broken("mmap of a ring");
	return p;
}

static void open_ring(void)
{
	struct io_uring_params p = {};
	char *sq, *cq;

	ring.fd = syscall(SYS_io_uring_setup, 8, &p);
	if (ring.fd < 0)
		broken("io_uring_setup");
	sq = map(p.sq_off.array + p.sq_entries * sizeof(unsigned int), IORING_OFF_SQ_RING);
	cq = map(p.cq_off.cqes + p.cq_entries * sizeof(*ring.cqes), IORING_OFF_CQ_RING);
	ring.sqes = (void *)map(p.sq_entries * sizeof(*ring.sqes), IORING_OFF_SQES);
	ring.sq_tail = (void *)(sq + p.sq_off.tail);
	ring.sq_mask = (void *)(sq + p.sq_off.ring_mask);
	ring.sq_array = (void *)(sq + p.sq_off.array);
	ring.cq_head = (void *)(cq + p.cq_off.head);
	ring.cq_tail = (void *)(cq + p.cq_off.tail);
	ring.cq_mask = (void *)(cq + p.cq_off.ring_mask);
	ring.cqes = (void *)(cq + p.cq_off.cqes);
}

static void put_request(const char *from, const char *to, unsigned int flags, const void *where)
{
	unsigned int tail = *ring.sq_tail, i = tail & *ring.sq_mask;
	struct io_uring_sqe *sqe = &ring.sqes[i];

	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = IORING_OP_RENAMEAT;
	sqe->fd = AT_FDCWD;
	sqe->addr = (uintptr_t)from;
	sqe->len = AT_FDCWD;
	sqe->addr2 = (uintptr_t)to;
	sqe->rename_flags = flags;
	/* Where somebody might look for conditions. */
	sqe->addr3 = (uintptr_t)where;
	ring.sq_array[i] = i;
	__atomic_store_n(ring.sq_tail, tail + 1, __ATOMIC_RELEASE);
}

static int run_request(void)
{
	unsigned int head;
	int ret;

	if (syscall(SYS_io_uring_enter, ring.fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) != 1)
		broken("io_uring_enter");
	head = *ring.cq_head;
	if (head == __atomic_load_n(ring.cq_tail, __ATOMIC_ACQUIRE))
		broken("waiting for a completion");
	ret = ring.cqes[head & *ring.cq_mask].res;
	__atomic_store_n(ring.cq_head, head + 1, __ATOMIC_RELEASE);
	return ret;
}

static int uring_ren(const char *from, const char *to, unsigned int flags)
{
	put_request(from, to, flags, NULL);
	return run_request();
}

TEST_F(fs, mainline_flags)
{
	open_ring();
	make_file("a", "A");
	make_file("b", "B");
	EXPECT_EQ(0, uring_ren("a", "b", RENAME_EXCHANGE));
	EXPECT_HOLDS("b", "A");
	EXPECT_EQ(-EEXIST, uring_ren("a", "b", RENAME_NOREPLACE));
	EXPECT_EQ(-EINVAL, uring_ren("a", "b", RENAME_NOREPLACE | RENAME_EXCHANGE));
	EXPECT_EQ(-ENOENT, uring_ren("absent", "b", 0));
	EXPECT_EQ(0, uring_ren("a", "b", 0));
	EXPECT_HOLDS("b", "B");
	EXPECT_FALSE(exists("a"));
}

TEST_F(fs, unknown_bits)
{
	unsigned int known = RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT | RENAME_SYNC |
			     RENAME_REPLACE;
	int bit;

	open_ring();
	make_file("a", "A");
	make_file("b", "B");
	/* RENAME_COND is one that is not known here. */
	for (bit = 0; bit < 32; bit++) {
		if (known & 1U << bit)
			continue;
		EXPECT_EQ(-EINVAL, uring_ren("a", "b", 1U << bit)) TH_LOG("bit %d", bit);
		EXPECT_EQ(-EINVAL, uring_ren("a", "b", RENAME_EXCHANGE | 1U << bit))
			TH_LOG("bit %d", bit);
	}
	EXPECT_HOLDS("a", "A");
	EXPECT_HOLDS("b", "B");
}

TEST_F(fs, replace)
{
	if (flags_missing())
		SKIP(return, "%s", flags_missing());
	open_ring();
	make_file("a", "A");
	EXPECT_EQ(-ENOENT, uring_ren("a", "b", RENAME_REPLACE));
	EXPECT_FALSE(exists("b"));
	EXPECT_EQ(-EINVAL, uring_ren("a", "b", RENAME_REPLACE | RENAME_NOREPLACE));
	EXPECT_EQ(-EINVAL, uring_ren("a", "b", RENAME_REPLACE | RENAME_EXCHANGE));
	make_file("b", "B");
	EXPECT_EQ(0, uring_ren("a", "b", RENAME_REPLACE));
	EXPECT_HOLDS("b", "A");
}

TEST_F(fs, sync)
{
	if (flags_missing())
		SKIP(return, "%s", flags_missing());
	open_ring();
	make_file("a", "A");
	EXPECT_EQ(0, uring_ren("a", "b", RENAME_SYNC));
	make_file("a", "again");
	EXPECT_EQ(0, uring_ren("a", "b", RENAME_SYNC | RENAME_EXCHANGE));
	EXPECT_EQ(0, uring_ren("a", "b", RENAME_SYNC | RENAME_REPLACE));
	EXPECT_HOLDS("b", "A");
	ASSERT_EQ(0, mkfifo("fifo", 0600));
	EXPECT_EQ(0, uring_ren("fifo", "moved", RENAME_SYNC));
	EXPECT_TRUE(exists("moved"));
}

/* Not with conditions, wherever they stand. */
TEST_F(fs, conditions)
{
	struct rename_cond cond = { .size = sizeof(cond), .mask = RENAME_COND_SOURCE_IS };
	static const unsigned int flags[] = {
		0, RENAME_EXCHANGE, RENAME_SYNC, RENAME_REPLACE, RENAME_NOREPLACE,
	};
	unsigned int i;

	open_ring();
	make_file("a", "A");
	make_file("b", "B");
	cond.source_fd = open_path("a");
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		EXPECT_EQ(-EINVAL, uring_ren("a", "b", flags[i] | RENAME_COND));
		put_request("a", "b", flags[i] | RENAME_COND, &cond);
		EXPECT_EQ(-EINVAL, run_request());
	}
	EXPECT_HOLDS("a", "A");
	EXPECT_HOLDS("b", "B");
}

int main(int argc, char **argv)
{
	need_root();
	return run_tests(argc, argv);
}
