#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# libflockp, and fplock, the one in the PATH, on a kernel that has timed locks, as root, on tmpfs
# and ext4. On another kernel: that they are polled for. Prints KTAP.
here=$(cd "$(dirname "$0")" && pwd) || exit 1
root=$(mktemp -d) || exit 1
out=$root/out
err=$root/err
device=
count=0
failed=0

# shellcheck disable=SC2317 # called by the trap
leave() {
	cd /
	[ -z "$device" ] || { umount "$root/ext4"; losetup -d "$device"; } 2>/dev/null
	rm -rf "$root"
}
trap leave EXIT

result() { # STATUS NAME
	count=$((count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $count - $2"
	else
		echo "not ok $count - $2"
		sed 's/^/# /' "$out" "$err" /proc/locks
		failed=$((failed + 1))
	fi
}

run() { # EXPECTED-STATUS ARGUMENT...
	wanted=$1
	shift
	fplock "$@" >"$out" 2>"$err"
	got=$?
	[ "$got" -eq "$wanted" ] && return 0
	echo "exit status $got, expected $wanted: fplock $*" >>"$err"
	return 1
}

# A lock that is held until release.
hold() { # OPTION... FILE
	mkfifo held go || return 1
	fplock run "$@" -- sh -c 'echo >held; read -r line <go' &
	holder=$!
	# shellcheck disable=SC2034 # waits only
	read -r line <held
}

release() {
	echo >go
	wait "$holder"
	rm held go
}

waiters() {
	grep -c -- '-> OFDLCK' /proc/locks
}

# What is in the way, and when it is not.
excludes() {
	hold --range 10:10 f || return 1
	run 1 run -n f true && run 1 run -w 0 f true && run 1 run -w 0.05 f touch ran &&
		run 5 run -w 0.05 -E 5 -s --range 19:5 f touch ran && [ ! -e ran ] &&
		[ "$(waiters)" -eq 0 ] && run 1 run -v -w 0.05 f true &&
		grep -q "f: not locked: a write lock of an open file on bytes 10 to 19" "$err" &&
		run 0 run -w 0.05 --range 20 f true && run 0 run -w 0 --range 0:10 f true &&
		run 1 test f && run 0 test --range 0:10 f
	status=$?
	release
	[ "$status" -eq 0 ] && run 0 run -n f true && run 0 test f && rm f
}

# It sleeps in the kernel, which wakes it.
waits() { # PATTERN of what --verbose says
	hold f || return 1
	: >"$out"
	fplock run -v -w 100000 f echo obtained >"$out" 2>"$err" &
	waiter=$!
	while [ "$timed" = yes ] && [ "$(waiters)" -ne 1 ]; do :; done
	kill -STOP $waiter
	kill -CONT $waiter
	[ ! -s "$out" ]
	status=$?
	release
	wait $waiter && [ "$status" -eq 0 ] && grep -qx obtained "$out" &&
		grep -qE "$1" "$err" && rm f
}

# Ended while it waits, it leaves nothing behind.
killed() {
	for signal in TERM KILL; do
		hold f || return 1
		fplock run -w 100000 f touch ran 2>"$err" &
		waiter=$!
		while [ "$timed" = yes ] && [ "$(waiters)" -ne 1 ]; do :; done
		kill -$signal $waiter
		wait $waiter 2>/dev/null
		[ "$(waiters)" -eq 0 ]
		status=$?
		release
		[ "$status" -eq 0 ] && [ ! -e ran ] && run 0 run -n f true || return 1
	done
	rm f
}

# Without the lock, increments get lost here.
# shellcheck disable=SC2016 # for the inner shell
counter() {
	echo 0 >n || return 1
	pids=
	for worker in 1 2 3 4 5 6; do
		for try in 1 2 3 4; do
			fplock run -w 100000 f -- sh -c 'read -r n <n; echo $((n + 1)) >n' \
				2>>"$err" || echo "$worker $try" >>failed
		done &
		pids="$pids $!"
	done
	# shellcheck disable=SC2086 # numbers
	wait $pids
	[ ! -e failed ] && [ "$(cat n)" -eq 24 ] && rm f n
}

left_behind() {
	mkfifo go || return 1
	run 0 run f -- sh -c 'sh -c "read -r line <go; ls -l /proc/self/fd >kept" &' &&
		run 0 run -n f true && [ "$(grep -c OFDLCK /proc/locks)" -eq 0 ] || return 1
	echo >go
	until [ -s kept ]; do :; done
	grep -q "/f$" kept && rm f go kept
}

on() { # FILESYSTEM: all of it
	cd "$root/$1" || return 1
	excludes
	result $? "$1_excludes"
	waits "^fplock: f: locked after [0-9]+\.[0-9]{6} s\$"
	result $? "$1_waits"
	killed
	result $? "$1_killed"
	counter
	result $? "$1_counter_of_6_processes"
	left_behind
	result $? "$1_left_behind"
}

library() {
	"$here/kernel_test" >"$out" 2>"$err"
	status=$?
	sed 's/^/  /' "$out"
	result $status library
}

mkdir "$root/tmpfs" "$root/ext4" "$root/other" && cd "$root/other" || exit 1
: >"$out"
: >"$err"
echo "KTAP version 1"
timed=no
if run 69 probe --need timed && [ -z "$SEPTET_REQUIRE" ]; then
	echo "1..5"
	library
	excludes
	result $? excludes
	waits "^fplock: f: locked after [0-9]+\.[0-9]{6} s, by polling\$"
	result $? waits
	killed
	result $? killed
	echo "ok 5 - timed # SKIP this kernel has no locks with a deadline"
	[ "$failed" -eq 0 ]
	exit
fi
timed=yes
if ! truncate -s 32M "$root/image" || ! PATH=$PATH:/usr/sbin:/sbin mkfs.ext4 -q -F "$root/image" ||
	! device=$(losetup -f) || ! losetup "$device" "$root/image" ||
	! mount -t ext4 "$device" "$root/ext4"; then
	echo "Bail out! no ext4"
	exit 1
fi
echo "1..12"
run 0 probe --need private,timed
result $? probe
library
# What mktemp makes is on one.
on tmpfs
on ext4
[ "$failed" -eq 0 ]
