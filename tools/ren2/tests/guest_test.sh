#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# ren2, the one in the PATH, on a kernel that has the flags, as root: on tmpfs, on ext4, and where
# the filesystem takes none. On another kernel: that nothing is done in another way. Prints KTAP.
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
		sed 's/^/# /' "$out" "$err"
		failed=$((failed + 1))
	fi
}

run() { # EXPECTED-STATUS ARGUMENT...
	wanted=$1
	shift
	ren2 "$@" >"$out" 2>"$err"
	got=$?
	[ "$got" -eq "$wanted" ] && return 0
	echo "exit status $got, expected $wanted: ren2 $*" >>"$err"
	return 1
}

has() { # FILE TEXT
	[ "$(cat "$1")" = "$2" ] && return 0
	echo "$1 has '$(cat "$1")', not '$2'" >>"$err"
	return 1
}

only() { # NAME...: nothing else is here
	[ "$(ls -A)" = "$(printf '%s\n' "$@")" ] && return 0
	ls -lA >>"$err"
	return 1
}

mkfile() { # NAME TEXT
	printf %s "$2" >"$1"
}

# ---- on a kernel without the flags

nothing_else() {
	mkfile a A && mkfile b B || return 1
	for words in "put --newer a b" "put --if-exists a b" "put --sync a b" "swap --sync a b" \
		"put --if-same 3 a b" "put --if-unchanged 1.000000000:1 a b"; do
		# shellcheck disable=SC2086 # words
		run 4 $words 3<b || return 1
		grep -q "b: this kernel does not know RENAME_" "$err" || return 1
	done
	run 114 cas b -- touch ran && grep -q "does not know RENAME_COND" "$err" && only a b &&
		has a A && has b B && run 0 swap a b && has a B && run 3 put --if-absent a b &&
		run 0 put --if-absent a c && run 0 probe && run 4 probe --need cond
}

# ---- on one with them, in the current folder

put_conditions() {
	mkfile t 0 && mkfile new 1 && exec 3<t && seen=$(ren2 token <&3) &&
		run 0 put --if-same 3 --if-unchanged "$seen" new t && has t 1 && mkfile new 2 &&
		run 3 put --if-same 3 new t && grep -q "another file than descriptor 3" "$err" &&
		exec 3<&- && mkfile t 333 && run 3 put --if-unchanged "$seen" new t &&
		grep -q "has changed: it was $seen" "$err" && touch -d @1000 t &&
		run 0 put --newer new t && touch -d @1000 t && cp -p t new &&
		run 3 put --newer new t && has t 2 && rm t &&
		run 3 put --if-exists new t && run 0 put --if-absent new t &&
		has t 2 && mkfile new 3 && run 3 put --if-absent new t &&
		run 0 put --if-exists new t && has t 3 && only t && rm t
}

put_input() {
	mkfile t old && chmod 640 t && chown 12:34 t && echo new | run 0 put --sync - t &&
		has t new && [ "$(stat -c '%a %u %g' t)" = "640 12 34" ] &&
		echo x | run 3 put --if-absent - t &&
		exec 3<t && echo newer | run 0 put --if-same 3 - t && has t newer &&
		echo x | run 3 put --if-same 3 - t && has t newer && exec 3<&- && only t && rm t
}

swapped() {
	mkfile a A && mkdir b && mkfile b/x X && run 0 swap --sync a b && has a/x X && has b A &&
		exec 3<b && run 0 swap --if-same 3 a b && has a A && run 3 swap --if-same 3 a b &&
		exec 3<&- && has a A && rm -r a b
}

# Without the condition, increments get lost here.
# shellcheck disable=SC2016 # for awk
counter() {
	mkfile n 0 || return 1
	pids=
	for worker in 1 2 3 4 5 6 7 8; do
		for try in 1 2 3 4; do
			ren2 cas --tries 1000 n -- awk '{ print $1 + 1 }' 2>>"$err" ||
				echo "$worker $try" >>failed
		done &
		pids="$pids $!"
	done
	# shellcheck disable=SC2086 # numbers
	wait $pids
	has n 32 && only n && rm n
}

# shellcheck disable=SC2016 # for the inner shell
edited() {
	mkfile n 1 && run 0 cas --edit n -- sed -i s/1/2/ && has n 2 &&
		run 113 cas --edit n -- sh -c 'echo mine >"$0"; echo other >n' && has n other &&
		kept=$(sed -n 's/^ren2: \(.*\): the edited copy is here$/\1/p' "$err") &&
		has "$kept" mine && rm -r "${kept%/*}" && only n && rm n
}

# shellcheck disable=SC2016 # for the inner shell
cas_killed() {
	mkfile n 1 && run 143 cas n -- sh -c 'echo junk; kill -TERM $PPID; exec sleep 1000' &&
		has n 1 && only n &&
		run 143 cas --edit n -- sh -c 'kill -TERM $PPID; exec sleep 1000' &&
		has n 1 && only n && run 137 cas n -- sh -c 'echo junk; kill -KILL $PPID' &&
		has n 1 && rm -f .ren2.* && only n && rm n
}

put_killed() { # SIGNAL
	temporary=
	mkfile t old && mkfifo "$root/fifo" || return 1
	ren2 put --sync - t <"$root/fifo" 2>"$err" &
	exec 4>"$root/fifo"
	rm "$root/fifo"
	echo junk >&4
	until [ -s "$temporary" ]; do
		temporary=$(echo .ren2.*)
	done
	mode=$(stat -c %a "$temporary")
	kill "-$1" $!
	wait $!
	status=$?
	exec 4>&-
	[ "$1" = TERM ] || rm "$temporary"
	[ "$mode" = 600 ] && has t old && only t && rm t && case $1 in
	TERM) [ "$status" -eq 143 ] ;;
	KILL) [ "$status" -eq 137 ] ;;
	esac
}

# Killed anywhere, the target is the old or the new file, and whole.
killed_anywhere() {
	yes 11111111 | head -n 2000 >one && yes 22222222 | head -n 2000 >two && cp one t || return 1
	for round in 1 2 3 4 5 6 7 8; do
		if cmp -s t one; then next=two; else next=one; fi
		ren2 put - t <$next 2>/dev/null &
		i=0
		while [ $i -lt $((round * 50)) ]; do
			i=$((i + 1))
		done
		kill -KILL $! 2>/dev/null
		wait $!
		cmp -s t one || cmp -s t two || { wc t >>"$err"; return 1; }
	done
	rm -f .ren2.*
	rm one two t
}

batched() {
	mkfile a A && mkfile b B && mkfile c C &&
		head -c 3000 /dev/urandom | tr -d '{\n' >garbage && {
			echo '{"op":"put","source":"a","target":"b","sync":true,"if_exists":true}'
			cat garbage
			echo
			echo '{"op":"swap","source":"b","target":"c","newer":true,"id":1}'
			echo '{"op":"put","source":"c","target":"x","if_exists":true}'
		} >ops && run 2 batch --keep-going <ops && [ "$(wc -l <"$out")" -eq 4 ] &&
		grep -qF '{"line":1,"ok":true}' "$out" &&
		grep -qF '{"line":2,"ok":false,"code":2,' "$out" &&
		grep -qF '{"line":3,"id":1,"ok":' "$out" &&
		grep -qF '{"line":4,"ok":false,"code":3,"errno":"ENOENT"' "$out" &&
		rm garbage ops && only b c &&
		cat b c | grep -qxE 'AC|CA' && rm b c
}

on() { # FILESYSTEM: all of it
	cd "$root/$1" || return 1
	run 0 probe --need noreplace,exchange,whiteout,replace,sync,cond && only "" &&
		head -n 1 "$out" | grep -q "is on $1\$"
	result $? "$1_probe"
	put_conditions
	result $? "$1_put_conditions"
	put_input
	result $? "$1_put_input"
	swapped
	result $? "$1_swap"
	counter
	result $? "$1_cas_from_8_processes"
	edited
	result $? "$1_cas_edit"
	cas_killed
	result $? "$1_cas_killed"
	put_killed TERM && put_killed KILL
	result $? "$1_put_killed"
	killed_anywhere
	result $? "$1_killed_anywhere"
	batched
	result $? "$1_batch"
}

elsewhere() {
	cd /dev && run 5 probe --need cond &&
		grep -q '^RENAME_COND *no *EOPNOTSUPP the filesystem does not support it' "$out" &&
		mkdir /dev/ren2 && cd /dev/ren2 && mkfile a A && mkfile b B &&
		run 5 put --newer a b &&
		grep -q 'b: the filesystem (devtmpfs) does not support RENAME_COND' "$err" &&
		run 115 cas b -- cat && run 5 swap --sync a b && run 5 put --if-exists a b &&
		only a b && has a A && has b B
	status=$?
	rm -rf /dev/ren2
	return $status
}

mkdir "$root/tmpfs" "$root/ext4" "$root/other" && cd "$root/other" || exit 1
: >"$out"
: >"$err"
echo "KTAP version 1"
if run 4 probe --need cond && [ -z "$SEPTET_REQUIRE" ]; then
	echo "1..2"
	nothing_else
	result $? nothing_else_is_done
	echo "ok 2 - flags # SKIP this kernel does not know RENAME_COND"
	[ "$failed" -eq 0 ]
	exit
fi
if ! truncate -s 32M "$root/image" || ! PATH=$PATH:/usr/sbin:/sbin mkfs.ext4 -q -F "$root/image" ||
	! device=$(losetup -f) || ! losetup "$device" "$root/image" ||
	! mount -t ext4 "$device" "$root/ext4" || ! rmdir "$root/ext4/lost+found"; then
	echo "Bail out! no ext4"
	exit 1
fi
echo "1..21"
# What mktemp makes is on one.
on tmpfs
on ext4
elsewhere
result $? filesystem_without
[ "$failed" -eq 0 ]
