/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ACCOUNT_H
#define ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>

#include "parse.h"

/* Bounds of the memory: about 3 MB, however long the trace is. timertop(8) names them. */
#define MAX_OWNERS 1024
#define TIMER_SETS 4096
#define TIMER_WAYS 4
#define MAX_INTERVALS 64

enum kind {
	KIND_TIMERFD,
	KIND_NANOSLEEP,
	KIND_POSIX,
	KIND_SLEEP,
	KIND_POLL,
	KIND_ITIMER,
	KIND_ALARM,
	KIND_LIMIT,
	KIND_TIMEOUT,
	KIND_KERNEL,
	KIND_TICK,
	KIND_IRQ,
	KIND_IPI,
	KIND_NONE,
	KIND_UNSEEN,
	KIND_OTHER,
	NR_KINDS,
};

/**
 * struct kind_info - what is the same for all owners of a kind
 * @name: as it is printed
 * @of_task: belongs to the task that started it, not to the kernel
 * @sleeper: a task has one at a time, on its stack
 * @support: how sure it is that the call that started it has a deferrable form, 0 to 1
 */
struct kind_info {
	const char *name;
	bool of_task;
	bool sleeper;
	double support;
};

extern const struct kind_info kinds[NR_KINDS];

/* Padded with zeros, so that keys can be compared as memory. */
struct owner_key {
	enum kind kind;
	int pid;			/* 0: none or not known */
	int deferrable;
	char name[NAME_SIZE];		/* of the function or the interrupt */
};

/**
 * struct owner - one row: what ends idle periods or expires
 * @key: who it is
 * @comm: name of the task that starts the timers; empty if there is none
 * @woken_pid: the task that the last expiry woke up, 0 for none
 * @woken_comm: its name
 * @woke: idle periods that it ended since the last account_next()
 * @expired: expirations since then
 * @cancelled: timers stopped before they expired since then
 * @all_woke: idle periods that it ended at any time
 * @all_expired: expirations at any time
 * @last: when a sleeper of this owner expired last, 0 for never
 * @slack: of the timer started last, in ns
 * @intervals: the last times between two expirations of the same timer, in ns, a ring
 * @nr_intervals: how many there have been
 */
struct owner {
	struct owner_key key;
	char comm[COMM_SIZE];
	int woken_pid;
	char woken_comm[COMM_SIZE];
	__u64 woke;
	__u64 expired;
	__u64 cancelled;
	__u64 all_woke;
	__u64 all_expired;
	__u64 last;
	__u64 slack;
	__u64 intervals[MAX_INTERVALS];
	__u64 nr_intervals;
};

struct timer {
	__u64 address;
	__u64 seen;			/* when; 0: this slot is free */
	__u64 last;			/* expiry, 0 for never */
	__u64 slack;
	struct owner_key key;		/* without a name until it is known */
	char comm[COMM_SIZE];
	bool cancelled;
};

enum cpu_state { CPU_BUSY, CPU_IDLE, CPU_WOKEN };

/**
 * struct cpu - the idle period that a CPU is in, or has just left
 * @state: busy also means that nothing is known yet
 * @seen: there was an event
 * @cause: @key is set
 * @open: a better explanation can still replace @key
 * @key: what ended the period
 * @comm: its task
 * @expiring: whose timer's callback may be running, an index of owners, -1 for none
 */
struct cpu {
	enum cpu_state state;
	bool seen;
	bool cause;
	bool open;
	struct owner_key key;
	char comm[COMM_SIZE];
	int expiring;
};

/**
 * struct account - everything that is known about a trace; begin with zeroes
 * @begin: first time seen since the last account_next(), in ns
 * @end: last time seen
 * @idle_ends: idle periods that ended since then, the sum of all owners' woke
 * @events: lines that held a trace event
 * @malformed: lines that could not be read
 * @gaps: how often the kernel reported that events were lost
 * @lost: how many of them it counted
 * @idle_events: cpu_idle was among the events
 * @timer_events: a timer event was among them
 * @recording: the text began with the header of a recording
 * @version: of that recording
 * @nr_owners: rows in use; the one at MAX_OWNERS adds up those that found no room
 */
struct account {
	__u64 begin;
	__u64 end;
	__u64 idle_ends;
	__u64 events;
	__u64 malformed;
	__u64 gaps;
	__u64 lost;
	bool idle_events;
	bool timer_events;
	bool recording;
	__u64 version;
	unsigned int nr_owners;
	struct owner owners[MAX_OWNERS + 1];
	__u16 slots[2 * MAX_OWNERS];		/* hash: index + 1 of the owner */
	struct timer timers[TIMER_SETS][TIMER_WAYS];
	struct cpu cpus[MAX_CPUS];
};

struct account *account_new(void);
void account_line(struct account *acc, const char *line);
void account_finish(struct account *acc);
void account_next(struct account *acc);
unsigned int account_cpus(const struct account *acc);

/* owners.c */
struct owner *owner_get(struct account *acc, const struct owner_key *key, const char *comm);
void owners_drop_quiet(struct account *acc);
struct timer *timer_find(struct account *acc, __u64 address);
struct timer *timer_get(struct account *acc, __u64 address, __u64 now);

/* score.c */
void owner_interval(struct owner *o, __u64 ns);
__u64 owner_period(const struct owner *o);
__u64 owner_jitter(const struct owner *o);
int owner_score(const struct owner *o);

#endif
