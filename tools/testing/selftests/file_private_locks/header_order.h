/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FILE_PRIVATE_LOCKS_HEADER_ORDER_H
#define FILE_PRIVATE_LOCKS_HEADER_ORDER_H

#ifdef __cplusplus
extern "C"
#endif
/* Called before main() by each object that the Makefile builds from header_order.c. */
void header_seen(const char *kind, int getlkp, int setlkp, int setlkpw, int setlkpt, int how_size);

#endif /* FILE_PRIVATE_LOCKS_HEADER_ORDER_H */
