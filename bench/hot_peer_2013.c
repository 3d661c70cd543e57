// SPDX-License-Identifier: GPL-2.0
/*
 * A model of the hot tracking that was posted in 2012 and 2013: what it does for each request, in
 * user space, to be held against what ours adds to a read (hot_on_dio_read less hot_off_dio_read).
 *
 * Modelled: a lock of the superblock and a walk of the tree of inodes by number; under a lock of
 * the inode's item, its counter, its time and its moving average of gaps; a lock of its tree of
 * ranges and a walk of that; the same for the range; references taken and dropped. Items
 * are as long as they were then, 168 bytes, for an inode and for a range of 1 MiB; ours takes 24
 * for a range.
 *
 * Not modelled, all in its favour: the worker that sorts items every few minutes, making and
 * evicting items, contention for the locks, cache misses, disabling preemption, and trees
 * that are not balanced as well as these, which never change. Both count instructions only, so what
 * a lock for the whole superblock costs on many CPUs does not show here.
 */
#include "hot.h"

#include <assert.h>
#include <stdlib.h>

#define RANGES_A_FILE	16
/* A new gap counts 1/16 of the average. */
#define AVERAGE_SHIFT	4

struct item;

struct tree {
	int lock;
	struct item *root;
};

struct frequency {
	unsigned long last_read, last_write;	/* ns */
	unsigned int reads, writes;
	unsigned long read_gap, write_gap;	/* ns, averages */
	unsigned int temperature;
};

struct item {
	struct item *left, *right, *parent;
	unsigned long key;			/* inode number, or range */
	int references, lock;
	struct frequency frequency;
	struct tree ranges;
	char rest[64];				/* lists and pointers that are not modelled */
};

static_assert(sizeof(struct item) == 168, "as long as it was");

static struct tree inodes;
/* Stands for the kernel's clock of the last tick. */
static unsigned long now_ns;
static long nr_inodes, nr_ranges;

static void lock(int *word)
{
	while (__atomic_exchange_n(word, 1, __ATOMIC_ACQUIRE))
		;
}

static void unlock(int *word)
{
	__atomic_store_n(word, 0, __ATOMIC_RELEASE);
}

static void update(struct item *item)
{
	struct frequency *f = &item->frequency;
	unsigned long now = __atomic_load_n(&now_ns, __ATOMIC_RELAXED), gap;

	lock(&item->lock);
	gap = (now - f->last_read) >> AVERAGE_SHIFT;
	f->read_gap = f->read_gap - (f->read_gap >> AVERAGE_SHIFT) + gap;
	f->last_read = now;
	f->reads++;
	unlock(&item->lock);
}

/* Finds an item and takes a reference. */
static struct item *find(struct tree *tree, unsigned long key)
{
	struct item *item;

	lock(&tree->lock);
	item = tree->root;
	while (item && item->key != key)
		item = key < item->key ? item->left : item->right;
	if (item)
		__atomic_fetch_add(&item->references, 1, __ATOMIC_RELAXED);
	unlock(&tree->lock);
	return item;
}

static void put(struct item *item)
{
	if (!__atomic_sub_fetch(&item->references, 1, __ATOMIC_ACQ_REL))
		free(item);
}

static void account(unsigned long number, unsigned long offset, unsigned long bytes)
{
	unsigned long range = offset / HOT_RANGE, last = (offset + bytes - 1) / HOT_RANGE;
	struct item *inode = find(&inodes, number), *item;

	update(inode);
	for (; range <= last; range++) {
		item = find(&inode->ranges, range);
		update(item);
		put(item);
	}
	put(inode);
}

/* A balanced tree of the keys from @first to before @end. */
static struct item *grow(unsigned long first, unsigned long end, long ranges)
{
	unsigned long key = (first + end) / 2;
	struct item *item;

	if (first == end)
		return NULL;
	item = calloc(1, sizeof(*item));
	if (!item)
		bench_fail("calloc");
	item->key = key;
	item->references = 1;
	item->left = grow(first, key, ranges);
	item->right = grow(key + 1, end, ranges);
	item->ranges.root = grow(0, ranges, 0);
	return item;
}

static void setup(long n)
{
	nr_ranges = n < RANGES_A_FILE ? n : RANGES_A_FILE;
	nr_inodes = n / nr_ranges;
	inodes.root = grow(0, nr_inodes, nr_ranges);
}

static void op(void)
{
	long i = hot_random() * 65536L + hot_random();

	now_ns++;
	account(i / nr_ranges % nr_inodes, i % nr_ranges * HOT_RANGE, HOT_PAGE);
}

static const struct bench hot_peer_2013 = {
	.name = "hot_peer_2013",
	.feature = "hot_tracking",
	.title = "A model of the 2013 hot tracking: one request counted, in user space",
	.unit = "request",
	.param = "ranges of 1 MiB, 16 an inode",
	.n = { 1, 16, 256, 1000000, BENCH_END },
	.fs = { "tmpfs" },
	.setup = setup,
	.op = op,
};

BENCH(hot_peer_2013);
