// SPDX-License-Identifier: GPL-2.0
/*
 * What a BPF program that counts the reads of each file costs: the least that can be done that
 * way. It is attached to a raw tracepoint in the path of the read which has the inode among its
 * arguments, looks for the inode's address in a hash table, and adds 1. Unlike hot tracking it has
 * no ranges, no bytes and no decay, counts what is mapped rather than what is sent, and takes
 * one inode for another that gets the same address.
 */
#include "hot.h"

#include <linux/bpf.h>
#include <sys/syscall.h>

#define TRACEPOINT	"iomap_iter_dstmap"	/* (inode, iomap) */
#define FILES_MOST	10240

/* Instructions. Registers are numbers: 1 to 5 are arguments, 0 the result, 10 ends the stack. */
#define INSN(CODE, DST, SRC, OFF, IMM) \
	((struct bpf_insn) { \
		.code = (CODE), .dst_reg = (DST), .src_reg = (SRC), .off = (OFF), .imm = (IMM) \
	})
#define LOAD(DST, SRC, OFF)	INSN(BPF_LDX | BPF_MEM | BPF_DW, DST, SRC, OFF, 0)
#define STORE(DST, OFF, SRC)	INSN(BPF_STX | BPF_MEM | BPF_DW, DST, SRC, OFF, 0)
#define STORE_VALUE(DST, OFF, N) INSN(BPF_ST | BPF_MEM | BPF_DW, DST, 0, OFF, N)
#define ATOMIC_ADD(DST, OFF, SRC) INSN(BPF_STX | BPF_ATOMIC | BPF_DW, DST, SRC, OFF, BPF_ADD)
#define MOVE(DST, SRC)		INSN(BPF_ALU64 | BPF_MOV | BPF_X, DST, SRC, 0, 0)
#define SET(DST, N)		INSN(BPF_ALU64 | BPF_MOV | BPF_K, DST, 0, 0, N)
#define ADD(DST, N)		INSN(BPF_ALU64 | BPF_ADD | BPF_K, DST, 0, 0, N)
#define SET_MAP(DST, FD)	INSN(BPF_LD | BPF_IMM | BPF_DW, DST, BPF_PSEUDO_MAP_FD, 0, FD)
#define SECOND_HALF()		INSN(0, 0, 0, 0, 0)	/* of SET_MAP() */
#define SKIP(N)			INSN(BPF_JMP | BPF_JA, 0, 0, N, 0)
#define SKIP_IF_ZERO(SRC, N)	INSN(BPF_JMP | BPF_JEQ | BPF_K, SRC, 0, N, 0)
#define CALL(FUNCTION)		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, FUNCTION)
#define EXIT()			INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

static int map;

static int bpf(enum bpf_cmd cmd, union bpf_attr *attr)
{
	return syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

/* Sum of all counts. */
static unsigned long counted(void)
{
	unsigned long key, value, sum = 0;
	union bpf_attr next = { .map_fd = map, .next_key = (unsigned long)&key };
	union bpf_attr get = {
		.map_fd = map, .key = (unsigned long)&key, .value = (unsigned long)&value
	};

	while (!bpf(BPF_MAP_GET_NEXT_KEY, &next)) {
		if (bpf(BPF_MAP_LOOKUP_ELEM, &get))
			bench_fail("BPF_MAP_LOOKUP_ELEM");
		sum += value;
		next.key = (unsigned long)&key;
	}
	return sum;
}

/* Loads the program; returns its descriptor. */
static int load(void)
{
	const struct bpf_insn program[] = {
		LOAD(1, 1, 0),			/* key = the inode */
		STORE(10, -8, 1),
		SET_MAP(1, map), SECOND_HALF(),
		MOVE(2, 10),
		ADD(2, -8),
		CALL(BPF_FUNC_map_lookup_elem),
		SKIP_IF_ZERO(0, 3),
		SET(1, 1),			/* found: one more */
		ATOMIC_ADD(0, 0, 1),
		SKIP(9),
		STORE_VALUE(10, -16, 1),	/* else the first */
		SET_MAP(1, map), SECOND_HALF(),
		MOVE(2, 10),
		ADD(2, -8),
		MOVE(3, 10),
		ADD(3, -16),
		SET(4, BPF_NOEXIST),
		CALL(BPF_FUNC_map_update_elem),
		SET(0, 0),
		EXIT(),
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT,
		.insns = (unsigned long)program,
		.insn_cnt = sizeof(program) / sizeof(*program),
		.license = (unsigned long)"GPL",
	};
	int fd = bpf(BPF_PROG_LOAD, &attr);

	if (fd < 0)
		bench_fail("BPF_PROG_LOAD");
	return fd;
}

/* The program stays attached until the end of the process. */
static void attach(void)
{
	union bpf_attr create = {
		.map_type = BPF_MAP_TYPE_HASH,
		.key_size = sizeof(__u64),
		.value_size = sizeof(__u64),
		.max_entries = FILES_MOST,
	};
	union bpf_attr open = { .raw_tracepoint.name = (unsigned long)TRACEPOINT };

	map = bpf(BPF_MAP_CREATE, &create);
	if (map < 0)
		bench_fail("BPF_MAP_CREATE");
	open.raw_tracepoint.prog_fd = load();
	if (bpf(BPF_RAW_TRACEPOINT_OPEN, &open) < 0)
		bench_fail("BPF_RAW_TRACEPOINT_OPEN");
}

static void setup(long n)
{
	hot_make(n, O_DIRECT);
	attach();
	for (int i = 0; i < HOT_TRIES; i++)
		hot_read();
	if (counted() != HOT_TRIES) {
		errno = EPROTO;
		bench_fail("BPF has not counted as it should");
	}
}

static const struct bench hot_peer_bpf = {
	.name = "hot_peer_bpf",
	.feature = "hot_tracking",
	.title = "Read 4 KiB with O_DIRECT while BPF counts the reads of each file",
	.unit = "read",
	.param = "ranges of 1 MiB, 16 a file: 1 is read in sequence, more at random",
	.n = { 1, 16, 256, BENCH_END },
	.fs = { "ext4" },
	.peer = "hot_off_dio_read",
	.setup = setup,
	.op = hot_read,
};

BENCH(hot_peer_bpf);
