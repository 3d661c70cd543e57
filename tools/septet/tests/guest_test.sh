#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# septet, the one in the PATH, on the kernel of the series, where every feature that a release
# has is there, or on another one, where none is. Prints KTAP.
count=0
failed=0

result() { # STATUS NAME
	count=$((count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $count - $2"
	else
		echo "not ok $count - $2"
		septet features 2>&1 | sed 's/^/# /'
		failed=$((failed + 1))
	fi
}

echo "KTAP version 1"
echo "1..3"
landed=$(septet features --json | sed -n '/"name"/{s/.*: *"//;s/".*//;h};/"since": *"/{g;p}')
[ -n "$landed" ]
result $? some_have_landed

list=$(echo "$landed" | paste -sd,)
case $(uname -r) in
*-septet*)
	septet features --require "$list" >/dev/null 2>&1
	result $? all_of_them_present
	[ "$(septet features | grep -c ' present ')" -eq "$(echo "$landed" | wc -l)" ]
	result $? no_other_one_present
	;;
*)
	! septet features --require "$list" >/dev/null 2>&1
	result $? refused
	! septet features | grep -q ' present '
	result $? none_of_them_present
	;;
esac
[ "$failed" -eq 0 ]
