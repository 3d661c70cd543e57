# SPDX-License-Identifier: GPL-2.0
sources_hotctl := hotctl_saved.c tests/lib_mock.c
packages_hotctl := zlib
libraries_hotctl := -lm -lz
