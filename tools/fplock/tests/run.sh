#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Runs the tests of fplock that any machine can run and prints one KTAP report.
# Usage: run.sh FOLDER_OF_THE_PROGRAMS
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

echo "KTAP version 1"
echo "1..5"
sub parts env CMOCKA_MESSAGE_OUTPUT=TAP "$1/unit_test"
sub snapshot env CMOCKA_MESSAGE_OUTPUT=TAP "$1/snapshot_test"
# What the kernel of this machine has is not the question.
sub library env -u SEPTET_REQUIRE "$1/kernel_test"
sub package sh "$here/package_test.sh" "$1"
sub command sh "$here/cli_test.sh" "$1"
exit "$status"
