/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DEFERRABLE_TIMERS_HEADER_ORDER_H
#define DEFERRABLE_TIMERS_HEADER_ORDER_H

#ifdef __cplusplus
extern "C"
#endif
/* Called before main() by each object that the Makefile builds from header_order.c. */
void header_seen(const char *kind, int timerfd_flag, int timer_flag, unsigned long request);

#endif /* DEFERRABLE_TIMERS_HEADER_ORDER_H */
