/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A benchmark is one file in this folder: it fills in a struct bench and ends
 * with BENCH(); locks_pair.c is one to copy. The Makefile's `bench` finds it,
 * runs it on both kernels and reports it without being told anything else.
 *
 * Each combination of a filesystem and a value of n runs in a child process
 * and in an empty working directory of its own, so what setup() opens, locks
 * or creates needs no undoing.
 */
#ifndef SEPTET_BENCH_H
#define SEPTET_BENCH_H

#include <stdbool.h>
#include <stdnoreturn.h>

#define BENCH_LIST	8	/* room in the lists below */
#define BENCH_END	(-1L)	/* closes .n */

/**
 * struct bench - one benchmark
 * @name: what B= selects; the file is called the same
 * @feature: the feature it belongs to, named as everywhere
 * @title: what is measured, for a heading
 * @unit: what one op() does, as in "instructions per <unit>"
 * @param: what @n counts, or NULL if nothing varies
 * @n: values to run with, ascending and closed by BENCH_END; needs @param
 * @fs: filesystems to run on, "tmpfs" or "ext4" (on null_blk), NULL closes
 * @max_ratio: goal for instructions, septet / stock; 0 for none
 * @peer: where stock has nothing to compare with: the benchmark whose figure on
 *	septet takes the place of stock's in the ratio; it has the same @n and @fs
 * @peer_on_stock: it is the peer's figure on stock that does
 * @samples: most samples to take, for an operation that takes seconds; 0 for as many as usual
 * @setup: called once before measuring, with one of @n (0 without @param)
 * @op: the operation; must not sleep, because idle time would count
 * @teardown: called once after measuring, to undo what would outlive the process
 *	and change what other benchmarks measure; may be NULL
 * @timed_op: in place of @op, for an operation that cannot do without waiting:
 *	does it once and returns the instructions that count; wall time is not
 *	compared
 */
struct bench {
	const char *name;
	const char *feature;
	const char *title;
	const char *unit;
	const char *param;
	long n[BENCH_LIST];
	const char *fs[BENCH_LIST];
	double max_ratio;
	const char *peer;
	bool peer_on_stock;
	int samples;
	void (*setup)(long n);
	void (*op)(void);
	void (*teardown)(void);
	unsigned long (*timed_op)(void);
};

/* The linker gathers the entries of all files, in the order it is given them. */
#define BENCH(entry) \
	const struct bench *const entry##_ptr __attribute__((section("benches"))) = &(entry)

extern const struct bench *const __start_benches[], *const __stop_benches[];

/*
 * Ends this variant with @what and errno in place of a figure. That is also how
 * a kernel without the interface is met: on stock it is reported, not an error.
 */
noreturn void bench_fail(const char *what);

/* The time-stamp counter; see main.c for what it counts. */
unsigned long bench_ticks(void);

/* Creates (or opens) @name in the working directory for reading and writing. */
int bench_open(const char *name);

#endif
