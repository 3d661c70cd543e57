// SPDX-License-Identifier: GPL-2.0
/*
 * bench - runs the benchmarks linked into it and prints one JSON line a result
 *
 *	bench list				describes them; works on any machine
 *	bench run TICKS SAMPLES ROUNDS NAME...	measures; the environment says where, as in
 *						tmpfs=/tmp
 *
 * A round takes SAMPLES samples of about TICKS each and prints them on a line.
 * With more than one round, each waits for a newline on standard input, so that
 * the host can let several guests take turns.
 *
 * All benchmarks are one program, because a guest then needs one file and one
 * boot, and what is measured shares the same timing loop.
 *
 * Time is read from the processor's time-stamp counter, without the kernel:
 * under QEMU's -icount it counts instructions, under KVM it counts cycles.
 * Which it was, run.py tells from the calibration line.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include "bench.h"

#define WARM_UP		20
#define MAX_SAMPLES	100
#define SETTLE_SECONDS	10

static const struct bench *bench;	/* the one being measured, ... */
static const char *fs;			/* ... where ... */
static long n;				/* ... and with what */

static long sample_ticks;
static int samples, rounds;

/* The start of a result line: everything that identifies the variant. */
static void print_key(void)
{
	printf("{\"bench\": \"%s\", \"fs\": \"%s\", \"n\": %ld, ", bench->name, fs, n);
}

/*
 * The serial line sends what it has buffered with an interrupt for every few
 * bytes; wait until it is quiet, or they land in the next measurement.
 */
static void flush(void)
{
	fflush(stdout);
	tcdrain(STDOUT_FILENO);
}

void bench_fail(const char *what)
{
	print_key();
	printf("\"error\": \"%s: %s\"}\n", what, strerror(errno));
	flush();
	_exit(0);
}

int bench_open(const char *name)
{
	int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		bench_fail(name);
	return fd;
}

unsigned long bench_ticks(void)
{
	unsigned long t;

	_mm_lfence();
	t = __rdtsc();
	_mm_lfence();
	return t;
}

/*
 * In the first second or two after boot, until it has measured the time-stamp
 * counter, a kernel runs all timers off a periodic tick that never stops.
 */
static void settle(void)
{
	struct timespec resolution;

	for (int i = 0; i < SETTLE_SECONDS; i++) {
		if (!clock_getres(CLOCK_MONOTONIC, &resolution) && !resolution.tv_sec &&
		    resolution.tv_nsec == 1)
			return;
		sleep(1);
	}
}

/* Ticks for two million instructions: a loop of two, a million times. */
static void calibrate(void)
{
	unsigned long start, best = ULONG_MAX;
	int i;

	for (i = 0; i < WARM_UP; i++) {
		long count = 1000000;

		start = bench_ticks();
		asm volatile("1: dec %0\n\tjnz 1b" : "+r" (count) : : "cc");
		start = bench_ticks() - start;
		if (start < best)
			best = start;
	}
	printf("{\"instructions\": 2000000, \"ticks\": %lu}\n", best);
	flush();
}

static unsigned long sample(long ops)
{
	unsigned long start = bench_ticks(), counted = 0;

	if (bench->timed_op) {
		while (ops--)
			counted += bench->timed_op();
		return counted;
	}
	while (ops--)
		bench->op();
	return bench_ticks() - start;
}

/* The host's leave to start a round. Not stdio: a child must not inherit what was read ahead. */
static void wait_turn(void)
{
	char c;

	if (rounds > 1 && read(STDIN_FILENO, &c, 1) != 1)
		exit(1);
}

static void measure(void)
{
	unsigned long result[MAX_SAMPLES], once = ULONG_MAX;
	int i, round, wanted = samples;
	long ops;

	if (bench->samples && bench->samples < samples)
		wanted = bench->samples;
	bench->setup(n);
	for (i = 0; i < WARM_UP && i < wanted; i++) {
		unsigned long t = bench_ticks();

		sample(1);
		t = bench_ticks() - t;
		if (t < once)
			once = t;
	}
	ops = 1 + sample_ticks / (once + 1);

	for (round = 0; round < rounds; round++) {
		if (round)
			wait_turn();
		for (i = 0; i < wanted; i++)
			result[i] = sample(ops);

		print_key();
		printf("\"ops\": %ld, \"ticks\": [", ops);
		for (i = 0; i < wanted; i++)
			printf("%s%lu", i ? ", " : "", result[i]);
		printf("]}\n");
		flush();
	}
	if (bench->teardown)
		bench->teardown();
}

/* One variant, in a child process and a directory of its own. */
static void run_variant(const char *top)
{
	int status;
	pid_t pid;

	wait_turn();
	pid = fork();
	if (!pid) {
		char dir[128];

		snprintf(dir, sizeof(dir), "%s-%ld", bench->name, n);
		if (!top || chdir(top))
			bench_fail(fs);
		if (mkdir(dir, 0700) || chdir(dir))
			bench_fail(dir);
		measure();
		_exit(0);
	}
	if (pid < 0)
		bench_fail("fork");
	waitpid(pid, &status, 0);
	if (status) {
		print_key();
		printf("\"error\": \"ended with wait status %d\"}\n", status);
		flush();
	}
}

static void run(const char *name)
{
	const struct bench *const *p;
	const long *value;
	int i;

	for (p = __start_benches; p < __stop_benches; p++) {
		bench = *p;
		if (strcmp(bench->name, name))
			continue;
		for (i = 0; bench->fs[i]; i++) {
			fs = bench->fs[i];
			n = 0;
			if (!bench->param) {
				run_variant(getenv(fs));
				continue;
			}
			for (value = bench->n; *value != BENCH_END; value++) {
				n = *value;
				run_variant(getenv(fs));
			}
		}
	}
}

static void list(void)
{
	const struct bench *const *p;

	for (p = __start_benches; p < __stop_benches; p++) {
		const struct bench *b = *p;

		printf("{\"name\": \"%s\", \"feature\": \"%s\", \"title\": \"%s\", ",
		       b->name, b->feature, b->title);
		printf("\"unit\": \"%s\", \"param\": \"%s\", \"max_ratio\": %g, ",
		       b->unit, b->param ? b->param : "", b->max_ratio);
		printf("\"peer\": \"%s\", \"peer_kernel\": \"%s\", \"waits\": %s}\n",
		       b->peer ? b->peer : "", b->peer_on_stock ? "stock" : "septet",
		       b->timed_op ? "true" : "false");
	}
}

int main(int argc, char **argv)
{
	int i;

	if (argc == 2 && !strcmp(argv[1], "list")) {
		list();
		return 0;
	}
	if (argc < 6 || strcmp(argv[1], "run")) {
		fprintf(stderr, "usage: bench list | bench run TICKS SAMPLES ROUNDS NAME...\n");
		return 2;
	}
	sample_ticks = atol(argv[2]);
	samples = atoi(argv[3]);
	rounds = atoi(argv[4]);
	if (sample_ticks < 1 || samples < 1 || samples > MAX_SAMPLES || rounds < 1) {
		fprintf(stderr, "bench: TICKS and ROUNDS start at 1, SAMPLES is 1 to %d\n",
			MAX_SAMPLES);
		return 2;
	}
	settle();
	calibrate();
	for (i = 5; i < argc; i++)
		run(argv[i]);
	printf("{\"done\": true}\n");
	flush();
	return 0;
}
