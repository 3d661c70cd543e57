#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Exhibit: record locks that hold between the threads of one process, whatever their number.

# shellcheck disable=SC1091 # only the guest has it
. /septet/narrate
PATH=$PATH:/septet/kselftest/file_private_locks

title "file_private_locks: a lock that belongs to the open file"
say "Three threads of one program append five lines each to one file. Each thread opens" \
    "the file for itself and locks it around every line that it writes." \
    "" \
    "Classic record locks belong to the process, so they stop no thread of it:"
try before append_demo classic journal && exit 1
say "" "What this left in the file, torn lines marked:"
awk -F '[ ;]+' '{
	whole = NF == 10 && $1 $2 $3 $4 == $6 $7 $8 $9
	printf "         %s %s\n", whole ? " " : "!", $0
}' journal

say "" "File-private locks belong to the open file, so each thread has its own. Linux has had them" \
    "since 3.15, as open file description locks:"
try after append_demo private journal || exit 1
sort journal >sorted
say "" "All 15 lines are there, whole:"
sed 's/^/           /' sorted

say "" "A file with many locks. Linux 6.12 looks at each of them for every request: a lock and an" \
    "unlock of one byte take 278 times as long with 30,000 others as with none (make bench" \
    "B='locks_*'). Here, with search trees:"
try after many_demo many 1000 10000 30000 || exit 1

say "" "A wait with an end. One program has the first 4096 bytes of a file and keeps them; another" \
    "one wants them, but not for ever (F_SETLKPT):"
fplock run --range 0:4K ledger -- sleep 1000 &
while fplock test --range 0:4K ledger >/dev/null 2>&1; do sleep 0.1; done
try after fplock run -v -w 1.5 --range 0:4K ledger -- echo "got them" && exit 1
say "" "Nobody has the next 4096 bytes:"
try after fplock run -w 1.5 --range 4K:4K ledger -- echo "got them" || exit 1
say "" "Who is in the way (F_ENUMLKP, and the line lock-owner in /proc/PID/fdinfo):"
fplock run --range 100:1 ledger -- true &
while ! fplock ls ledger | grep -q waiting; do sleep 0.1; done
try after fplock why ledger:0+4096 && exit 1
say "" "All locks on the file, with every process that has a part in them, and who waits:"
try after fplock ls ledger || exit 1
kill %1
wait

say "" "Two programs that each have a byte and want the other's. Linux 6.12 lets them wait for ever;" \
    "here the request that closes the circle is told, for nobody else could release these locks:"
try after deadlock_demo bytes || exit 1
