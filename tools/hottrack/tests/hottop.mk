# SPDX-License-Identifier: GPL-2.0
sources_hottop := hottop_columns.c hottop_rows.c hottop_table.c hottop_text.c tests/lib_mock.c
packages_hottop := smartcols
libraries_hottop := -lm

sources_hottop_fuzz := hottop_columns.c hottop_rows.c hottop_table.c hottop_text.c
packages_hottop_fuzz := smartcols
wraps_hottop_fuzz := -Wl,--wrap=hottrack_resolve
