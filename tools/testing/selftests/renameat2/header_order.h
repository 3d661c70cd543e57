/* SPDX-License-Identifier: GPL-2.0 */
#ifndef RENAMEAT2_HEADER_ORDER_H
#define RENAMEAT2_HEADER_ORDER_H

#ifdef __cplusplus
extern "C"
#endif
/* Called before main() by each object that the Makefile builds from header_order.c. */
void header_seen(const char *kind, unsigned int flags, unsigned int masks, unsigned long size);

#endif /* RENAMEAT2_HEADER_ORDER_H */
