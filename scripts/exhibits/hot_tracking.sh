#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Exhibit: which files, and which megabytes of them, keep a disk busy.

# shellcheck disable=SC1091 # only the guest has it
. /septet/narrate
PATH=$PATH:/septet/kselftest/hot_tracking

# What Linux counts for a disk: all of it together.
disk() {
	awk -v disk="${disk##*/}" '$3 == disk { print $4, "reads,", $8, "writes" }' /proc/diskstats
}

# The names of the ten hottest, in order, from the table that hottop has just printed.
names() {
	sed -n 's|.*/mnt/||p' /tmp/said
}

truncate -s 160M /tmp/disk.img
disk=$(losetup -f)
mkfs.ext4 -q -b 4096 /tmp/disk.img && losetup "$disk" /tmp/disk.img &&
	mount "$disk" /mnt && skewed_demo fill /mnt || exit 1

title "hot_tracking: which files, and which megabytes of them, keep a disk busy"
say "A disk with twelve tables, a journal, and settings that a program reads 20,000 times. What" \
    "Linux tells about a disk that is busy is a sum, and a count of system calls would blame the" \
    "settings, which come from memory:"
hotctl on --half-life 30d /mnt >/tmp/said 2>&1 || { cat /tmp/said; exit 1; }
disk >/tmp/before
skewed_demo run /mnt >/tmp/truth || exit 1
say "" "before   $ grep ${disk##*/} /proc/diskstats" "           $(cat /tmp/before)    idle" \
    "           $(disk)    after the programs ran"

say "" "With hot tracking on, the kernel counts each request to the disk for the file and the" \
    "megabyte that it is for. Nothing is counted twice, and nothing that came from memory:"
try after hottop --once --rows 10 --columns HEAT,READS,WRITES,BAR,NAME /mnt || exit 1
names >/tmp/names
sort -k2,2nr /tmp/truth | head -n 10 | cut -d ' ' -f 1 >/tmp/expected
cmp -s /tmp/names /tmp/expected ||
	{ say "" "The programs themselves counted another order:"; cat /tmp/truth; exit 1; }
say "" "The programs kept count as well: it is the same order."

say "" "And where in the files? Each row is a file, from its beginning to its end:"
try "" hotmap show --files 6 --width 72 --colors none /mnt || exit 1

say "" "Heat cools. With a half-life of a second, and a program that moves through table.00:"
hotctl set --half-life 1s /mnt >/tmp/said 2>&1 || { cat /tmp/said; exit 1; }
hotctl reset /mnt
skewed_demo move /mnt 5 &
hotmap record --interval 500ms --duration 5s /mnt /tmp/moving >/tmp/said 2>&1 ||
	{ cat /tmp/said; exit 1; }
wait
try "" hotmap render --file table.00 --width 72 --colors none /tmp/moving || exit 1
hotmap render --file table.00 --output /tmp/hot_tracking.svg /tmp/moving >/tmp/said 2>&1 ||
	{ cat /tmp/said; exit 1; }
hand_over /tmp/hot_tracking.svg

hotctl off /mnt
umount /mnt
losetup -d "$disk"
