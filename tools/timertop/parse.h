/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PARSE_H
#define PARSE_H

#include <linux/types.h>
#include <stdbool.h>
#include <stdint.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define COMM_SIZE 16		/* as in the kernel */
#define NAME_SIZE 32		/* of functions and interrupts; longer names are cut */
#define MAX_CPUS 8192
#define RECORDING_VERSION 1

/* The two comments that a recording has besides the kernel's lines. */
#define RECORDING_HEADER "# timertop recording, version "
#define RECORDING_TIME "# timertop time "

enum event_type {
	EVENT_COMMENT,		/* or a blank line */
	EVENT_MALFORMED,
	EVENT_UNUSED,		/* a trace event, but none that says something here */
	EVENT_HEADER,
	EVENT_TIME,
	EVENT_LOST,
	EVENT_IDLE,
	EVENT_INTERRUPT,
	EVENT_TIMER_INIT,
	EVENT_TIMER_START,
	EVENT_TIMER_CANCEL,
	EVENT_TIMER_EXPIRE,
	EVENT_WAKING,
};

/**
 * struct event - what one line of trace text says
 * @type: decides which of the fields below mean something
 * @ns: when; 0 for lines without a time stamp
 * @cpu: where; always below MAX_CPUS
 * @pid: the task that ran there, 0 for the idle task
 * @comm: its name; bytes that are no printable ASCII are replaced
 * @in_interrupt: in a hard or soft interrupt, so that the task has nothing to do with it
 * @count: events lost (0 if the kernel does not know), or the version of a recording
 * @idle: the CPU goes idle, as opposed to leaves it
 * @ipi: the interrupt is one of the CPU's own vectors, not a device's
 * @name: the timer's function, or the interrupt's name
 * @timer: the timer's address; only compared
 * @slack: how much later than wanted the timer may expire, in ns
 * @relative: the timer was started with a relative time
 * @deferrable: the mode or the flags of the timer say so
 * @other_pid: the task that is woken
 * @other_comm: its name
 */
struct event {
	enum event_type type;
	__u64 ns;
	unsigned int cpu;
	int pid;
	char comm[COMM_SIZE];
	bool in_interrupt;
	__u64 count;
	bool idle;
	bool ipi;
	char name[NAME_SIZE];
	__u64 timer;
	__u64 slack;
	bool relative;
	bool deferrable;
	int other_pid;
	char other_comm[COMM_SIZE];
};

void parse_line(const char *line, struct event *e);

#endif
