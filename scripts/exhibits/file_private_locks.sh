#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Exhibit: record locks that hold between the threads of one process.

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

say "" "File-private locks belong to the open file, so each thread has its own. Linux has them" \
    "since 3.15 as open file description locks; new here are the names, tests and pages:"
try after append_demo private journal || exit 1
sort journal >sorted
say "" "All 15 lines are there, whole:"
sed 's/^/           /' sorted
