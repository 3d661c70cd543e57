#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# libflockp, and fplock, the one in the PATH, on a kernel that has timed locks and lists of locks,
# as root, on tmpfs and ext4. On another kernel: that they are polled for, and that lists are
# refused. Prints KTAP.
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

# ---- who has a lock ----

# PID of a command that holds a lock, in $child, until release.
hold_by_child() { # OPTION... FILE
	mkfifo held go || return 1
	# shellcheck disable=SC2016 # for the inner shell
	fplock run "$@" -- sh -c 'echo $$ >held; read -r line <go' &
	holder=$!
	read -r child <held
}

# A lock of another kind, until free; the process is $other.
take_other() { # KIND FILE [START LEN]
	mkfifo said on || return 1
	"$here/holder" "$@" <on >said &
	exec 4>on
	read -r other <said
}

free_other() {
	exec 4>&-
	wait "$other"
	rm said on
}

# Rows of the list, one space between the columns, without ages; X for numbers of descriptors.
rows() { # ARGUMENT... of ls
	run 0 ls "$@" || return 1
	sed -i -E 's/  +/ /g; s/ [0-9.]+ (s|min [0-9]+ s) / /; s/ fd [0-9]+/ fd X/g' "$out"
}

has() { # LINE...: all lines that there are, in any order
	for line; do
		grep -qxF -e "$line" "$out" && continue
		echo "no such line: $line" >>"$err"
		return 1
	done
	[ "$(wc -l <"$out")" -eq $# ]
}

head="FILE STATE KIND TYPE RANGE AGE PROCESSES"

wait_for_rows() { # NUMBER FILE: of requests that wait
	until [ "$(fplock ls "$2" | grep -c " waiting ")" -eq "$1" ]; do :; done
}

# Both that have the descriptor, and who waits.
lists() {
	run 0 ls f || : >f
	run 0 ls f && has "no locks" && hold_by_child f || return 1
	fplock run -s -w 100000 --range 5:5 f true &
	waiter=$!
	wait_for_rows 1 f
	both="process $holder (fplock) fd X and process $child (sh) fd X"
	rows f && has "$head" "f held private write all $both" \
		"f waiting private read 5:5 process $waiter (fplock) fd X" &&
		rows --pid $waiter &&
		has "$head" "$PWD/f waiting private read 5:5 process $waiter (fplock) fd X" &&
		rows --pid "$child" && grep -qF "$PWD/f held private" "$out" &&
		[ "$(wc -l <"$out")" -eq 2 ] && run 0 ls --pid 1 && has "no locks" &&
		run 0 ls --json f && [ "$(grep -c "\"pid\":$child," "$out")" -eq 1 ] &&
		grep -qE '^ +"age":[0-9]+\.[0-9]{9},$' "$out"
	status=$?
	release
	wait $waiter && [ "$status" -eq 0 ] && run 0 ls f && has "no locks"
}

lists_other_kinds() {
	take_other classic f 10 5 || return 1
	rows f && has "$head" "f held classic write 10:5 process $other (holder) fd X" &&
		rows --pid "$other" && grep -q " held classic " "$out" && rows --range 14:1 f &&
		[ "$(wc -l <"$out")" -eq 2 ] && run 0 ls --range 15 f && has "no locks" &&
		run 1 why f:12+1 && grep -qF "classic write lock on bytes 10 to 14, held" "$out" &&
		grep -qF "by process $other (holder) fd" "$out" && run 0 why f:15+0
	status=$?
	free_other
	[ "$status" -eq 0 ] && take_other flock f || return 1
	rows f && has "$head" "f held flock write all process $other (holder) fd X" &&
		run 0 why f && grep -q "nothing is in the way" "$out"
	status=$?
	free_other
	return "$status"
}

# Where no process has a descriptor, that is said.
lists_without_holder() {
	for how in flight mapped; do
		take_other $how f || return 1
		run 0 ls f && grep -q "no process here" "$out" &&
			grep -qF "(asked for by process $other (holder))" "$out" &&
			run 1 why f && grep -q "no process here" "$out"
		status=$?
		free_other
		[ "$status" -eq 0 ] || return 1
	done
}

as_user() { # WANTED-STATUS ARGUMENT...: in the words of a shell
	wanted=$1
	shift
	su -s /bin/sh nobody -c "$(command -v fplock) $*" >"$out" 2>"$err"
	[ $? -eq "$wanted" ]
}

# Whose processes are whose.
lists_as_user() {
	hold_by_child f && chmod 644 f && chmod 755 "$root" || return 1
	as_user 0 ls f &&
		grep -q "may not be looked at (asked for by process $holder (fplock))$" "$out" &&
		[ "$(grep -c "not all may be looked at" "$err")" -eq 1 ] &&
		as_user 66 ls --pid "$child" &&
		grep -q "$child: its descriptors cannot be seen: Permission denied" "$err" &&
		chmod 600 f && as_user 66 ls --pid \$\$ "<&5; exit \$?" 5<f &&
		grep -q "^fplock: $PWD/f: Permission denied$" "$err"
	status=$?
	release
	return "$status"
}

circles() { # FILE with JSON: the numbers of the locks in circles
	sed -n '/"circles":/,$s/[^0-9,]//gp' "$1" | tr -d '\n'
}

# Two commands, each with the lock that the other one waits for.
circle() {
	mkfifo held1 held2 go1 go2 || return 1
	: >a
	: >b
	for words in "a b 1" "b a 2"; do
		# shellcheck disable=SC2086 # words
		set -- $words
		# shellcheck disable=SC2016 # for the inner shell
		fplock run "$1" -- sh -c 'echo $$ >held'"$3"'; read -r line <go'"$3"'
			exec fplock run -w 100000 '"$2"' true' &
	done
	read -r first <held1
	read -r second <held2
	echo >go1
	echo >go2
	wait_for_rows 1 a
	wait_for_rows 1 b
	waits="fd [0-9]+ waits for a private write lock on all bytes, for"
	waited="fd [0-9]+ has itself waited .* for a private write lock on all bytes of"
	run 0 tree && grep -qx "1 circle" "$out" && grep -q ": circle 1 closes$" "$out" &&
		[ "$(grep -c "\[circle 1\]$" "$out")" -eq 4 ] &&
		grep -qE "^ +process $first \(fplock\) $waits" "$out" &&
		grep -qE "^ +process $second \(fplock\) $waits" "$out" && run 0 tree a &&
		! grep -q circle "$out" && run 0 tree a b && grep -q circle "$out" &&
		run 0 tree --dot && [ "$(grep -c -- "->.*color=red" "$out")" -eq 4 ] &&
		run 0 tree --json && grep -q '"circles":\[$' "$out" && run 1 why a &&
		grep -qE "Process $first \(fplock\) $waited $PWD/b\." "$out" &&
		grep -qE "Process $second \(fplock\) $waited a\." "$out" &&
		grep -q "a circle, see above" "$out" &&
		grep -qx "1 request waits before you." "$out" && run 1 why --json a &&
		[ "$(grep -c '"edge":' "$out")" -eq 4 ] && [ "$(circles "$out")" = 0,1,2,3 ] &&
		grep -qF '"requests_before":1,' "$out"
	status=$?
	kill "$first"
	wait
	[ "$status" -eq 0 ] && run 0 tree && has "nobody waits" && rm held1 held2 go1 go2 a b
}

explains() {
	: >f
	run 0 why f && has "f: a write lock on all bytes can be had, nothing is in the way." &&
		hold_by_child --range 10:10 f || return 1
	run 1 why f && grep -qF "f: a write lock on all bytes would have to wait." "$out" &&
		grep -qF "In the way is a private write lock on bytes 10 to 19, held for" "$out" &&
		grep -qF "by process $holder (fplock) fd" "$out" &&
		grep -qF "process $child (sh) fd" "$out" && run 0 why f:0+10 &&
		run 1 why --shared --range 19:5 f && run 0 why f:20+0 && run 66 why f:x &&
		run 1 why --json f && grep -qF '"free":false,' "$out" &&
		grep -qF '"lock":0,' "$out" && grep -qF "\"pid\":$child," "$out" &&
		run 0 why --json f:20+0 && grep -qF '"free":true,' "$out" &&
		! grep -qF '"lock":' "$out" && ! grep -qF '"holders":' "$out"
	status=$?
	release
	[ "$status" -eq 0 ] && rm f
}

# Programs that become fplock with a lock that the other one wants: one is told, and the other one
# goes on.
deadlock() {
	mkfifo said on1 on2 || return 1
	: >a
	: >b
	"$here/holder" classic a 0 0 fplock run b true <on1 >said 2>err1 &
	first=$!
	exec 4>on1
	read -r other <said
	"$here/holder" classic b 0 0 fplock run a true <on2 >said 2>err2 4>&- &
	second=$!
	exec 5>on2
	# shellcheck disable=SC2034 # waits only
	read -r other <said
	exec 4>&-
	wait_for_rows 1 b
	exec 5>&-
	wait $first
	status=$?
	wait $second
	status="$status $?"
	cat err1 err2 >"$err"
	case $status in
	"71 0") said=b ;;
	"0 71") said=a ;;
	*) echo "$status" >>"$err"; return 1 ;;
	esac
	[ "$(cat "$err")" = "fplock: $said: cannot be locked: Resource deadlock avoided" ] &&
		rm said on1 on2 a b err1 err2
}

# A request that waits in turn can be seen, and gets the lock.
fair() {
	hold f || return 1
	fplock run -v --fair f touch one 2>"$err" &
	one=$!
	fplock run --fair -w 100000 f touch two &
	two=$!
	wait_for_rows 2 f
	run 0 tree f && [ "$(grep -c "^  process .* waits for" "$out")" -eq 2 ] && [ ! -e one ]
	status=$?
	release
	wait $one && wait $two && [ "$status" -eq 0 ] && [ -e one ] && [ -e two ] &&
		run 1 run --fair -w 0.01 -E 1 f false && run 0 run --fair -n -v f true &&
		grep -qE "^fplock: f: locked after [0-9.]+ s\$" "$err" && rm one two f
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
	lists
	result $? "$1_lists"
	lists_other_kinds
	result $? "$1_lists_other_kinds"
	lists_without_holder
	result $? "$1_lists_without_holder"
	lists_as_user
	result $? "$1_lists_as_user"
	circle
	result $? "$1_circle"
	deadlock
	result $? "$1_deadlock"
	explains
	result $? "$1_explains"
	fair
	result $? "$1_fair"
}

# Where the kernel has none.
refuses_lists() {
	: >f
	for words in "ls f" "ls none" "ls --pid 1" "tree" "tree f" "why f" "probe --need listed"; do
		# shellcheck disable=SC2086 # words
		run 69 $words || return 1
		[ ! -s "$out" ] || [ "$words" = "probe --need listed" ] || return 1
		grep -qE "^fplock: [a-z]+: this kernel (does not list them|has no lists)" "$err" ||
			return 1
	done
	run 0 run --fair -v f true && grep -q "; this kernel has no fair waiting$" "$err" && rm f
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
	echo "1..6"
	library
	excludes
	result $? excludes
	waits "^fplock: f: locked after [0-9]+\.[0-9]{6} s, by polling\$"
	result $? waits
	killed
	result $? killed
	refuses_lists
	result $? refuses_lists
	echo "ok 6 - timed # SKIP this kernel has no locks with a deadline"
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
echo "1..28"
run 0 probe --need private,timed,listed,fair,task
result $? probe
library
# What mktemp makes is on one.
on tmpfs
on ext4
[ "$failed" -eq 0 ]
