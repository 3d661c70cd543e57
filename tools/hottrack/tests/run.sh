#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Runs all tests of the library and its tools and prints one KTAP report.
# Usage: run.sh FOLDER_OF_THE_PROGRAMS
#
# The tests are FOLDER/NAME_test for each NAME_test.c here, and NAME_test.sh and NAME_test.py, which
# get the folder as their argument. guest_test.c is for a guest.
here=$(cd "$(dirname "$0")" && pwd) || exit 1
count=0
status=0

sub() { # NAME COMMAND...
	name=$1
	shift
	count=$((count + 1))
	if report=$("$@" 2>&1); then
		verdict=ok
	else
		verdict="not ok"
		status=1
	fi
	printf '%s\n' "$report" | sed 's/^/  /'
	echo "$verdict $count - $name"
}

set -- "$1" "$here"/*_test.c "$here"/*_test.sh "$here"/*_test.py
folder=$1
shift
for file; do
	shift
	[ -e "$file" ] && [ "${file##*/}" != guest_test.c ] && set -- "$@" "$file"
done

echo "KTAP version 1"
echo "1..$#"
for file; do
	name=$(basename "$file")
	case $name in
	*.c) sub "${name%_test.c}" env CMOCKA_MESSAGE_OUTPUT=TAP "$folder/${name%.c}" ;;
	*.sh) sub "${name%_test.sh}" sh "$file" "$folder" ;;
	*.py) sub "${name%_test.py}" python3 "$file" "$folder" ;;
	esac
done
exit "$status"
