/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sizes and durations as people write them. For the tools of this folder: it is in libhottrack.a
 * but not part of the library's interface.
 */
#ifndef LIBUNITS_H
#define LIBUNITS_H

#include <linux/types.h>

#define UNITS_TEXT 32

/* What is wanted, for messages. */
#define BYTES_WANTED "a whole number of bytes, or with K, M, G or T behind it, such as 24M"
#define DURATION_WANTED "a whole number with ms, s, min, h or d behind it, such as 10min"

/**
 * parse_bytes() - a size: digits, then nothing (bytes), K, M, G or T (powers of 1024)
 * @text: what is written
 * @bytes: out
 *
 * Return: 0; -EINVAL if it is not one; -ERANGE if it is too large for 64 bits.
 */
int parse_bytes(const char *text, __u64 *bytes);

/**
 * parse_duration() - a time: digits, then ms, s or nothing (seconds), min, h or d
 * @text: what is written
 * @ms: out: milliseconds
 *
 * Return: 0; -EINVAL if it is not one; -ERANGE if it is too large for 64 bits.
 */
int parse_duration(const char *text, __u64 *ms);

/* Rounded to three digits, such as 1.46G; exact if a whole number of a unit. Return @text. */
char *bytes_text(char text[UNITS_TEXT], __u64 bytes);

/*
 * In the largest unit that gives a whole number, such as 10min or 1500ms; parse_duration()
 * reads it.
 */
char *duration_text(char text[UNITS_TEXT], __u64 ms);

/* Rounded to a whole number of the largest unit of which there is one, such as 3min. */
char *age_text(char text[UNITS_TEXT], __u64 ms);

#endif /* LIBUNITS_H */
