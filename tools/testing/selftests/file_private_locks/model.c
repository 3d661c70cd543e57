// SPDX-License-Identifier: GPL-2.0
/*
 * Random requests of a handful of owners, compared with a model that knows for each
 * byte and owner what is locked. The number of locks is kept small, or large, or goes
 * up and down between the two, since kernels may look for locks in several ways.
 *
 * LOCKS_SEED=number in the environment repeats a run.
 */
#include <stdint.h>
#include <time.h>

#include "fixture.h"

#define OFFSET_MAX INT64_MAX

/* Single bytes, then all up to the last one there is, then that one. */
#define BYTES 200
#define CELLS (BYTES + 2)

#define PRIVATE_OWNERS 4
#define OWNERS (PRIVATE_OWNERS + 2)

enum { CLASSIC_OWN = PRIVATE_OWNERS, CLASSIC_PEER };

struct run {
	short type;
	int first, last;
};

struct op {
	int owner, cmd, first, last, result;
	short type;
};

#define LAST_OPS 40

struct model {
	const char *path;
	uint64_t random;
	struct peer peer;
	int fds[OWNERS];	/* the last one is the peer's */
	pid_t pids[OWNERS];	/* as F_GETLK reports them */
	bool timed;		/* the kernel has F_SETLKPT */
	short cells[OWNERS][CELLS];
	int runs[OWNERS];
	struct op ops[LAST_OPS];
	unsigned long nr_ops;
	struct flock answer;	/* what the last question found */
	int refused, granted, found;
};

static unsigned int any(struct model *m, unsigned int below)
{
	/* xorshift64*, whose upper bits are the better ones */
	m->random ^= m->random >> 12;
	m->random ^= m->random << 25;
	m->random ^= m->random >> 27;
	return (m->random * 0x2545f4914f6cdd1dULL >> 32) % below;
}

static off_t cell_start(int cell)
{
	return cell == CELLS - 1 ? OFFSET_MAX : cell;
}

static off_t cell_end(int cell)
{
	return cell < BYTES ? cell : cell == BYTES ? OFFSET_MAX - 1 : OFFSET_MAX;
}

static struct flock cells_span(short type, int first, int last)
{
	off_t start = cell_start(first), end = cell_end(last);

	return span(type, start, end == OFFSET_MAX ? 0 : end - start + 1);
}

/* The lock of @owner that has @cell, or else the next one; false if there is none. */
static bool find_run(const struct model *m, int owner, int cell, struct run *run)
{
	const short *cells = m->cells[owner];

	while (cell < CELLS && cells[cell] == F_UNLCK)
		cell++;
	if (cell == CELLS)
		return false;
	run->type = cells[cell];
	for (run->first = cell; run->first && cells[run->first - 1] == run->type; run->first--)
		;
	for (run->last = cell; run->last < CELLS - 1 && cells[run->last + 1] == run->type;
	     run->last++)
		;
	return true;
}

static bool in_the_way(const struct model *m, int owner, const struct op *op, int cell)
{
	short held = m->cells[owner][cell];

	return owner != op->owner && (held == F_WRLCK || (held == F_RDLCK && op->type == F_WRLCK));
}

static bool conflicts(const struct model *m, const struct op *op)
{
	int owner, cell;

	for (owner = 0; owner < OWNERS; owner++)
		for (cell = op->first; cell <= op->last; cell++)
			if (in_the_way(m, owner, op, cell))
				return true;
	return false;
}

static void apply(struct model *m, int owner, short type, int first, int last)
{
	struct run run;
	int cell;

	for (cell = first; cell <= last; cell++)
		m->cells[owner][cell] = type;
	m->runs[owner] = 0;
	for (cell = 0; cell < CELLS && find_run(m, owner, cell, &run); cell = run.last + 1)
		m->runs[owner]++;
}

static int locks_held(const struct model *m)
{
	int owner, sum = 0;

	for (owner = 0; owner < OWNERS; owner++)
		sum += m->runs[owner];
	return sum;
}

static struct op *remember(struct model *m, struct op op)
{
	struct op *place = &m->ops[m->nr_ops++ % LAST_OPS];

	*place = op;
	return place;
}

static int call(struct model *m, struct op *op, struct flock *fl)
{
	if (op->cmd == F_SETLKPT) {
		op->result = timed_try(m->fds[op->owner], fl->l_type, fl->l_start, fl->l_len);
	} else if (op->owner == CLASSIC_PEER) {
		peer_ask(&m->peer, m->fds[op->owner], op->cmd, fl);
		op->result = peer_answer(&m->peer, fl);
	} else {
		op->result = lock_call(m->fds[op->owner], op->cmd, fl);
	}
	m->answer = *fl;
	return op->result;
}

static const char *set(struct model *m, struct op *op)
{
	struct flock fl = cells_span(op->type, op->first, op->last);
	bool refused = op->type != F_UNLCK && conflicts(m, op);
	int refusal = op->cmd == F_SETLKPT ? -ETIMEDOUT : -EAGAIN;

	if (call(m, op, &fl) != (refused ? refusal : 0))
		return refused ? "a lock is in the way, and the request was not refused" :
				 "no lock is in the way, and the request failed";
	if (!refused)
		apply(m, op->owner, op->type, op->first, op->last);
	m->refused += refused;
	m->granted += !refused && op->type != F_UNLCK;
	return NULL;
}

/* Is @fl this lock exactly? */
static bool is_run(const struct model *m, const struct flock *fl, int owner, const struct run *run)
{
	struct flock want = cells_span(run->type, run->first, run->last);

	return fl->l_type == want.l_type && fl->l_whence == SEEK_SET &&
	       fl->l_start == want.l_start && fl->l_len == want.l_len &&
	       fl->l_pid == m->pids[owner];
}

static const char *ask_for_own(struct model *m, struct op *op)
{
	struct flock fl = cells_span(F_UNLCK, op->first, op->last);
	struct run run;

	if (call(m, op, &fl))
		return "a question failed";
	if (!find_run(m, op->owner, op->first, &run) || run.first > op->last)
		return fl.l_type == F_UNLCK ? NULL : "found a lock where there is none";
	return is_run(m, &fl, op->owner, &run) ? NULL : "not the first lock of its own";
}

static const char *ask(struct model *m, struct op *op)
{
	struct flock fl = cells_span(op->type, op->first, op->last);
	bool conflict = conflicts(m, op);
	struct run run;
	int owner, cell;

	if (call(m, op, &fl))
		return "a question failed";
	if (fl.l_type == F_UNLCK)
		return conflict ? "a lock is in the way, and was not found" : NULL;
	if (!conflict)
		return "found a lock in the way where there is none";
	m->found++;
	for (owner = 0; owner < OWNERS; owner++)
		for (cell = op->first; cell <= op->last; cell++)
			if (in_the_way(m, owner, op, cell) &&
			    find_run(m, owner, cell, &run) && is_run(m, &fl, owner, &run))
				return NULL;
	return "what was found is none of the locks in the way";
}

static bool is_private(int owner)
{
	return owner < PRIVATE_OWNERS;
}

/* Close and open again: the locks are gone, and classic ones with any descriptor. */
static void reopen(struct model *m, int owner)
{
	remember(m, (struct op){ .owner = owner, .cmd = -1 });
	apply(m, owner, F_UNLCK, 0, CELLS - 1);
	if (owner == CLASSIC_PEER) {
		peer_close(&m->peer, m->fds[owner]);
		m->fds[owner] = peer_open(&m->peer, m->path, O_RDWR);
		return;
	}
	apply(m, CLASSIC_OWN, F_UNLCK, 0, CELLS - 1);
	close(m->fds[owner]);
	m->fds[owner] = open(m->path, O_RDWR);
	if (m->fds[owner] < 0)
		broken(m->path);
}

/* The locks of @owner as the kernel lists them, one after the other. */
static const char *check_list(struct model *m, int owner)
{
	const char *kind = is_private(owner) ? "OFDLCK" : "POSIX";
	char path[64], line[256], word[16], type[16], end[32];
	const char *wrong = NULL;
	long long start;
	struct run run;
	int cell = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d",
		 owner == CLASSIC_PEER ? m->peer.pid : getpid(), m->fds[owner]);
	f = fopen(path, "r");
	if (!f)
		broken(path);
	while (!wrong && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "lock: %*d: %15s %*s %15s %*d %*s %lld %31s",
			   word, type, &start, end) != 4 || strcmp(word, kind))
			continue;
		if (cell == CELLS || !find_run(m, owner, cell, &run)) {
			wrong = "more locks than there should be";
		} else if (type[0] != (run.type == F_RDLCK ? 'R' : 'W') ||
			   start != cell_start(run.first) ||
			   (run.last == CELLS - 1 ? strcmp(end, "EOF") :
						    strtoll(end, NULL, 10) != cell_end(run.last))) {
			wrong = "a lock is not what it should be";
		}
		cell = run.last + 1;
	}
	fclose(f);
	if (!wrong && cell < CELLS && find_run(m, owner, cell, &run))
		wrong = "fewer locks than there should be";
	return wrong;
}

/* The same by asking for one after the other, which shows those of an open file only. */
static const char *check_walk(struct model *m, int owner)
{
	const char *wrong = NULL;
	struct run run;
	int cell = 0;

	while (!wrong && cell < CELLS) {
		wrong = ask_for_own(m, remember(m, (struct op){
			.owner = owner, .cmd = F_GETLKP, .type = F_UNLCK,
			.first = cell, .last = CELLS - 1,
		}));
		cell = find_run(m, owner, cell, &run) ? run.last + 1 : CELLS;
	}
	return wrong;
}

struct phase {
	const char *name;
	int least, most;	/* how many locks there are to be */
};

static const struct phase phases[] = {
	{ "few locks", 5, 12 },
	{ "few and more in turns", 12, 38 },
	{ "many locks", 100, 190 },
};

static struct op choose(struct model *m, bool grow)
{
	struct op op = { .owner = any(m, OWNERS) };
	struct run run;
	int len, at;

	/* Most single bytes are of one owner, or there would be hardly any write lock. */
	at = any(m, CELLS);
	if (any(m, 3))
		at -= (at - op.owner + OWNERS) % OWNERS;
	if (at < 0)
		at = op.owner;

	switch (any(m, 16)) {
	case 0:
		len = grow ? 2 : 1 + any(m, CELLS);
		break;
	case 1 ... 5:
		len = 1 + any(m, grow ? 3 : 30);
		break;
	default:
		len = 1;
	}
	if (any(m, 100) < (grow ? 10 : 75))
		op.type = F_UNLCK;
	else
		op.type = any(m, 5) < 2 ? F_WRLCK : F_RDLCK;
	/* Down it goes only by unlocking what is locked. */
	if (!grow && op.type == F_UNLCK &&
	    (find_run(m, op.owner, at, &run) || find_run(m, op.owner, 0, &run)))
		at = run.first;
	op.first = at;
	op.last = at + len > CELLS ? CELLS - 1 : at + len - 1;

	/* Three questions for five requests; half of them wide, since they change nothing. */
	if (any(m, 8) < 3) {
		op.cmd = is_private(op.owner) ? F_GETLKP : F_GETLK;
		if (!is_private(op.owner) && op.type == F_UNLCK)
			op.type = F_WRLCK;
		if (!any(m, 2)) {
			op.first = any(m, CELLS);
			op.last = op.first + any(m, CELLS - op.first);
		}
	} else {
		op.cmd = is_private(op.owner) ? F_SETLKP : F_SETLK;
		if (m->timed && is_private(op.owner) && !any(m, 4))
			op.cmd = F_SETLKPT;
	}
	return op;
}

static const char *step(struct model *m, bool grow)
{
	struct op *op = remember(m, choose(m, grow));

	if (op->cmd != F_GETLK && op->cmd != F_GETLKP)
		return set(m, op);
	return op->type == F_UNLCK ? ask_for_own(m, op) : ask(m, op);
}

/* A write lock of everything, which never works, from an owner that has much itself. */
static const char *refused_for_all(struct model *m)
{
	int owner = any(m, OWNERS);

	if (locks_held(m) == m->runs[owner])
		return NULL;
	return set(m, remember(m, (struct op){
		.owner = owner, .cmd = is_private(owner) ? F_SETLKP : F_SETLK,
		.type = F_WRLCK, .last = CELLS - 1,
	}));
}

static const char *run_phase(struct model *m, const struct phase *phase, int count)
{
	const char *wrong = NULL;
	bool grow = true;
	int i, turns = 0;

	for (i = 0; i < count && !wrong; i++) {
		int held = locks_held(m), owner = any(m, OWNERS);

		if (grow ? held >= phase->most : held <= phase->least) {
			grow = !grow;
			turns++;
		}
		wrong = step(m, grow);
		if (!wrong && !any(m, 40))
			wrong = refused_for_all(m);
		if (!wrong && !any(m, 40))
			wrong = check_list(m, owner);
		if (!wrong && is_private(owner) && !any(m, 100))
			wrong = check_walk(m, owner);
		if (!wrong && !any(m, grow ? 2000 : 500))
			reopen(m, owner);
	}
	for (i = 0; i < OWNERS && !wrong; i++)
		wrong = check_list(m, i);
	if (!wrong && turns < 2)
		wrong = "the number of locks did not go up and down";
	return wrong;
}

static void show(const struct model *m)
{
	static const char * const names[] = {
		[F_RDLCK] = "read", [F_WRLCK] = "write", [F_UNLCK] = "unlock",
	};
	unsigned long i = m->nr_ops > LAST_OPS ? m->nr_ops - LAST_OPS : 0;

	printf("# %d locks; the last answer: type %d, start %lld, len %lld, pid %d; operations:\n",
	       locks_held(m), m->answer.l_type, (long long)m->answer.l_start,
	       (long long)m->answer.l_len, m->answer.l_pid);
	for (; i < m->nr_ops; i++) {
		const struct op *op = &m->ops[i % LAST_OPS];

		if (op->cmd < 0)
			printf("#  owner %d: close\n", op->owner);
		else
			printf("#  owner %d: %s %s %d-%d: %d\n", op->owner,
			       op->cmd == F_GETLK || op->cmd == F_GETLKP ? "ask" :
			       op->cmd == F_SETLKPT ? "set with deadline" : "set",
			       names[op->type], op->first, op->last, op->result);
	}
}

static void model_start(struct model *m, const char *path)
{
	const char *seed = getenv("LOCKS_SEED");
	int owner;

	m->path = path;
	m->timed = !timed_missing();
	m->random = seed ? strtoull(seed, NULL, 0) : (uint64_t)time(NULL) << 20 | getpid();
	m->random += !m->random;
	printf("# LOCKS_SEED=%#llx\n", (unsigned long long)m->random);
	/* First, lest it inherits the open files. */
	peer_start(&m->peer, PEER_OWN_FDS);
	for (owner = 0; owner < OWNERS; owner++) {
		m->fds[owner] = owner == CLASSIC_PEER ? peer_open(&m->peer, path, O_RDWR) :
							open(path, O_RDWR);
		if (m->fds[owner] < 0)
			broken(path);
		m->pids[owner] = -1;
		apply(m, owner, F_UNLCK, 0, CELLS - 1);
	}
	m->pids[CLASSIC_OWN] = getpid();
	m->pids[CLASSIC_PEER] = m->peer.pid;
}

TEST_F_TIMEOUT(file, model, LONG_TIMEOUT)
{
	int count = loops(5000, 120000);
	struct model m = {};
	unsigned int i;

	model_start(&m, self->path);
	for (i = 0; i < ARRAY_SIZE(phases); i++) {
		const char *wrong = run_phase(&m, &phases[i], count);

		ASSERT_EQ(NULL, wrong) {
			TH_LOG("%s: %s", phases[i].name, wrong);
			show(&m);
		}
	}
	/* Or the model would have nothing to compare. */
	EXPECT_LT(count / 10, m.refused);
	EXPECT_LT(count / 2, m.granted);
	EXPECT_LT(count / 10, m.found);
	peer_stop(&m.peer);
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
