/* SPDX-License-Identifier: GPL-2.0 */
#ifndef HOT_TRACKING_HEADER_ORDER_H
#define HOT_TRACKING_HEADER_ORDER_H

#ifdef __cplusplus
extern "C"
#endif
/* Called before main() by each object that the Makefile builds from header_order.c. */
void header_seen(const char *kind, unsigned long request, unsigned int one, unsigned long record);

#endif /* HOT_TRACKING_HEADER_ORDER_H */
