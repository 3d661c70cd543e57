/* SPDX-License-Identifier: GPL-2.0 */
/* A reader of udf that needs no names: it goes through the blocks. There is no fsck for udf. */
#ifndef RENAMEAT2_CRASH_UDF_H
#define RENAMEAT2_CRASH_UDF_H

#include <stdbool.h>
#include <stddef.h>

/*
 * For each file in the image, whether a name leads to it or not, whose blocks are all marked as
 * in use: calls @found with the first bytes of its data, at most @size of them.
 */
void udf_files(int image, size_t size, void (*found)(const char *data, size_t len));

#endif /* RENAMEAT2_CRASH_UDF_H */
