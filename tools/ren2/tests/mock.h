/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A kernel with the flags of renameat2() for tests on one that has them not: syscall() of the C
 * library, of which SYS_renameat2 only is another. It checks, then renames, as if nobody came
 * between; what comes before is the test's. What it is like is in the environment:
 *
 * MOCK_KERNEL	"stock": knows the flags of mainline only; "old": has no renameat2()
 * MOCK_FS	"remote": takes none of the new flags; "plain": of the old ones NOREPLACE only;
 *		"liar": takes all and heeds none
 * MOCK_ERRNO	nothing is renamed, all calls fail with this number
 * MOCK_LATE	what is renamed with RENAME_SYNC then fails with this number
 * MOCK_RUN	a shell command, run before each call that is not just a question for a flag
 */
#ifndef MOCK_H
#define MOCK_H

/* The same for tests in one program; NULL: nothing. */
extern void (*mock_before)(void);

#endif /* MOCK_H */
