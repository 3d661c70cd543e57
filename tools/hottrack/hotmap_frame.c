// SPDX-License-Identifier: GPL-2.0
/* hotmap: heat at one time. */
#include <stdlib.h>
#include <string.h>

#include "hotmap.h"

void frame_free(struct frame *frame)
{
	for (size_t i = 0; i < frame->nr_files; i++) {
		free(frame->files[i].name);
		free(frame->files[i].ranges);
	}
	free(frame->files);
	*frame = (struct frame){ 0 };
}

int key_compare(const struct key *a, const struct key *b)
{
	if (a->type != b->type)
		return a->type < b->type ? -1 : 1;
	if (a->bytes != b->bytes)
		return a->bytes < b->bytes ? -1 : 1;
	return memcmp(a->handle, b->handle, a->bytes);
}

/* By offset. */
int range_compare(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

__u64 heat_by(__u32 reads, __u32 writes, unsigned int by)
{
	switch (by) {
	case HOT_BY_READS:
		return reads;
	case HOT_BY_WRITES:
		return writes;
	default:
		return (__u64)reads + writes;
	}
}
