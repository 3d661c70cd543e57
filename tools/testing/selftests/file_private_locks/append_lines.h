/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Three threads append five lines each to one file, under a lock of the whole
 * file, and count what the lock was worth.
 */
#ifndef FILE_PRIVATE_LOCKS_APPEND_LINES_H
#define FILE_PRIVATE_LOCKS_APPEND_LINES_H

#define APPEND_THREADS 3
#define APPEND_LINES 5
#define APPEND_TOTAL (APPEND_THREADS * APPEND_LINES)

enum append_mode {
	APPEND_CLASSIC,		/* F_SETLKW, an open file per thread */
	APPEND_PRIVATE,		/* F_SETLKPW, an open file per thread */
	APPEND_SHARED		/* F_SETLKPW, one open file for all threads */
};

struct append_result {
	int intact;		/* of the lines written, those that are in the file */
	int torn;		/* lines in the file that nobody wrote */
	int violations;		/* times a thread met another one under "its" lock */
};

/* Empties or creates the file @path first. */
void append_lines(enum append_mode mode, const char *path, struct append_result *result);

#endif /* FILE_PRIVATE_LOCKS_APPEND_LINES_H */
