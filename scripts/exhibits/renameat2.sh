#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Exhibit: two editors save one file, and no edit is lost.

# shellcheck disable=SC1091 # only the guest has it
. /septet/narrate
PATH=$PATH:/septet/kselftest/renameat2

# Indented as what programs say.
show() {
	sed 's/^/           /' "$1"
}

fail() {
	say "" "$1"
	exit 1
}

# Editor A reads the list, and keeps it open as descriptor 3. While A is at work B saves.
race() {
	printf '%s\n' milk bread >list
	exec 3<list
	sed s/milk/oats/ <&3 >list.a
	printf '%s\n' milk bread cheese >list.b
	mv list.b list
}

mkdir /tmp/race && cd /tmp/race || exit 1

title "renameat2: replace a file only if it is still the one that was read"
say "Editor A reads a shopping list and turns milk into oats. Meanwhile editor B adds cheese and" \
    "saves. Then A saves, by a rename, as careful programs do. Nothing tells A about the cheese:"
race
try before mv list.a list || exit 1
show list
grep -q cheese list && fail "The edit of B is still there."

say "" "The same again, but A says which file it has read: the one that is open as descriptor 3." \
    "The kernel compares, and renames, in one step (RENAME_COND):"
race
try after ren2 put --if-same 3 list.a list
[ $? = 3 ] || fail "ren2 did not refuse."
say "" "Nothing has changed. A looks again, and edits what is there now; ren2 does it in a loop:"
try after ren2 cas list -- sed s/milk/oats/ || exit 1
show list
[ "$(grep -c -e cheese -e oats list)" = 2 ] || fail "An edit is lost."

say "" "Two programs, 400 edits. In each round both read the file before either of them saves:"
try before edit_demo rename 200 journal && fail "No edit was lost."
try after edit_demo compare 200 journal || exit 1

say "" "RENAME_EXCHANGE lets two names change places. ext2 is one of six filesystems that refuse it" \
    "(EINVAL) without these patches, so that it takes three renames, and for a moment there is no" \
    "such name:"
truncate -s 8M /tmp/ext2.img
disk=$(losetup -f)
mkfs.ext2 -q /tmp/ext2.img && losetup "$disk" /tmp/ext2.img && mount -t ext2 "$disk" /mnt &&
	cd /mnt || exit 1
mkdir current next && echo "version 1" >current/index && echo "version 2" >next/index || exit 1
try after ren2 swap current next || exit 1
try "" cat current/index || exit 1
[ "$(cat current/index next/index)" = "version 2
version 1" ] || fail "They did not change places."
try "" ren2 probe --need exchange,replace,sync,cond || exit 1

cd /
umount /mnt
losetup -d "$disk"
