# SPDX-License-Identifier: GPL-2.0
hotmap_parts := frame history json palette paint picture print recording sample scale text
sources_hotmap := $(hotmap_parts:%=hotmap_%.c) tests/lib_mock.c
packages_hotmap := cairo json-c zlib
libraries_hotmap := -lm
wraps_hotmap := -Wl,--wrap=cairo_show_text,--wrap=access

sources_hotmap_fuzz := $(addprefix hotmap_,frame.c history.c palette.c picture.c print.c \
	recording.c scale.c text.c)
packages_hotmap_fuzz := zlib
libraries_hotmap_fuzz := -lm
