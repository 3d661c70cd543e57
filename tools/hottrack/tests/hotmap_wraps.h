/* SPDX-License-Identifier: GPL-2.0 */
/* Functions whose names others choose: the linker (--wrap) and the leak checker. */
#ifndef HOTMAP_WRAPS_H
#define HOTMAP_WRAPS_H

#include <cairo.h>

void __real_cairo_show_text(cairo_t *cr, const char *text);
void __wrap_cairo_show_text(cairo_t *cr, const char *text);

int __real_access(const char *path, int mode);
int __wrap_access(const char *path, int mode);

const char *__lsan_default_suppressions(void);
const char *__lsan_default_options(void);

#endif /* HOTMAP_WRAPS_H */
