# SPDX-License-Identifier: GPL-2.0
sources_lib := tests/lib_mock.c
wraps_lib := -Wl,--wrap=clock_gettime
libraries_lib := -lm
