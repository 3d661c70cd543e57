#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What people and scripts see of defer: options, exit codes, messages, what is inherited, the
# manual, completion. "defer" is run as it is, and "mocked" on the kernel that libmock.so plays.
# Usage: cli_test.sh FOLDER_OF_THE_PROGRAMS; prints TAP.
here=$(cd "$(dirname "$0")/.." && pwd) || exit 1
made=$(cd "$1" && pwd) || exit 1
defer=$made/defer
shim=$made/shim_test
mock=$made/libmock.so
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT

plan=33
count=0
failed=0
echo "KTAP version 1"
echo "1..$plan"

result() { # STATUS NAME
	count=$((count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $count - $2"
	else
		echo "not ok $count - $2"
		sed 's/^/# /' "$scratch/out" "$scratch/err"
		failed=$((failed + 1))
	fi
}

skip() { # NAME REASON
	count=$((count + 1))
	echo "ok $count - $1 # SKIP $2"
}

run() { # EXPECTED-STATUS COMMAND...
	wanted=$1
	shift
	"$@" >"$scratch/out" 2>"$scratch/err"
	got=$?
	[ "$got" -eq "$wanted" ] && return 0
	echo "exit status $got, expected $wanted: $*" >>"$scratch/err"
	return 1
}

mocked() { # ARGUMENT... of defer
	LD_PRELOAD=$mock MOCK_SYSCTL=$scratch/sysctl "$defer" "$@"
}

quiet() {
	[ ! -s "$scratch/err" ]
}

said() { # TEXT...: each of them is on standard error
	for text; do
		grep -qF -- "$text" "$scratch/err" && continue
		echo "missing: $text" >>"$scratch/err"
		return 1
	done
}

settings() { # TEXT OPTION...: with these options the library is given this text
	text=$1
	shift
	run 0 mocked "$@" printenv DEFER_SETTINGS && [ "$(cat "$scratch/out")" = "$text" ]
}

echo 0 >"$scratch/sysctl"

run 0 "$defer" --help && grep -q "^Examples:" "$scratch/out" && quiet
result $? help_has_examples

run 0 "$defer" --version && grep -qE '^defer [0-9]+\.[0-9]+\.[0-9]+$' "$scratch/out"
result $? version

run 125 "$defer" && said "no program given" && run 125 "$defer" --max 5s && said "no program given"
result $? no_program

run 125 "$defer" --bogus true && said --bogus "defer --help"
result $? unknown_option

settings "200000000 5000000000 0 0"
result $? defaults

durations_good() {
	settings "0 5000000000 0 0" --min-period 0 &&
		settings "7000 5000000000 0 0" --min-period=7us &&
		settings "8000000 90000000000 0 0" -p 8ms -m90 &&
		settings "200000000 90000000000 0 0" --max 90s &&
		settings "200000000 120000000000 0 0" --max 2m &&
		settings "200000000 9223372036854775000 0 0" --max 9223372036854775us &&
		settings "200000000 9223372036000000000 0 0" --max 9223372036
}
durations_good
result $? durations_good

durations_bad() {
	for text in "" s -1 +1 " 1" "1 s" 1.5s 0x10 1h 1sec 5S 1e3 5s5 18446744073709551616x; do
		run 125 "$defer" --max "$text" true &&
			said "--max: '$text' is not a duration" "such as 200ms" || return 1
		run 125 "$defer" --min-period "$text" true &&
			said "--min-period: '$text' is not a duration" || return 1
	done
}
durations_bad
result $? durations_bad

durations_too_long() {
	for text in 18446744073709552us 9223372036854776us 9223372036855ms 9223372037s 153722868m \
		18446744073709551616us 99999999999999999999; do
		run 125 "$defer" --max "$text" true &&
			said "--max: '$text' is too long; at most 292 years" || return 1
	done
}
durations_too_long
result $? durations_too_long

own_arguments() {
	run 0 "$defer" -v -- echo --max -v && [ "$(cat "$scratch/out")" = "--max -v" ] &&
		run 0 mocked --max 0 echo -v -- --version &&
		[ "$(cat "$scratch/out")" = "-v -- --version" ] && quiet
}
own_arguments
result $? arguments_of_the_program

statuses() {
	for how in "$defer" mocked; do
		# shellcheck disable=SC2016 # $$ is the inner shell
		run 0 "$how" true && quiet && run 42 "$how" sh -c 'exit 42' &&
			run 255 "$how" sh -c 'exit 255' &&
			run 143 "$how" sh -c 'kill -TERM $$' &&
			run 137 "$how" sh -c 'kill -KILL $$' || return 1
	done
}
statuses
result $? status_and_signal_of_the_program

cannot_run() {
	: >"$scratch/plain"
	for how in "$defer" mocked; do
		run 127 "$how" "$scratch/none" && said "defer: $scratch/none: No such file" &&
			run 126 "$how" "$scratch/plain" && said "Permission denied" &&
			run 126 "$how" "$scratch" || return 1
	done
	# What cannot be read in the PATH of the caller would count as not executable.
	run 127 env PATH=/usr/bin:/bin "$defer" no-such-program &&
		said "defer: no-such-program: No such file" &&
		run 127 env PATH=/usr/bin:/bin LD_PRELOAD="$mock" "$defer" no-such-program
}
cannot_run
result $? program_that_cannot_run

kernel_without() {
	if LD_PRELOAD='' "$shim" probe; then
		old() { MOCK_REFUSE=1 LD_PRELOAD=$mock "$defer" "$@"; }
	else
		old() { "$defer" "$@"; }
	fi
	# shellcheck disable=SC2016 # for the inner shell
	run 0 old sh -c 'echo "${DEFER_SETTINGS-none}"' && [ "$(cat "$scratch/out")" = none ] &&
		quiet && run 0 old -v true &&
		said "defer: this kernel has no deferrable timers: true runs as without defer" &&
		run 0 old "$shim" arm
}
kernel_without
result $? kernel_without_the_feature

run 0 mocked -v "$shim" arm && said "]: 1 timers and 0 sleeps made deferrable"
result $? timer_counted

sleep_counted() {
	run 0 mocked -v --max 0 --min-period 1ms "$shim" sleep &&
		said "]: 0 timers and 1 sleeps made deferrable" &&
		run 0 mocked -v --min-period 1ms "$shim" sleep &&
		said "0 timers and 0 sleeps made deferrable, 1 left alone: nothing bounds them"
}
sleep_counted
result $? sleep_counted

refusal_counted() {
	for what in arm sleep; do
		run 0 env LD_PRELOAD="$made/libdefer.so:$mock" MOCK_REFUSE=1 \
			DEFER_SETTINGS="0 0 1 1" "$shim" $what &&
			said "]: 0 timers and 0 sleeps made deferrable, 1 left alone: refused by" ||
			return 1
	done
}
refusal_counted
result $? refusal_counted

short_counted() {
	run 0 mocked -v --min-period 11s "$shim" arm &&
		said "0 timers and 0 sleeps made deferrable, 1 left alone: period below 11s" &&
		run 0 mocked -v --min-period 10s "$shim" arm && said "1 timers and 0 sleeps"
}
short_counted
result $? short_counted

sysctl() { # CONTENT WANTED-FIELD OPTION...
	echo "$1" >"$scratch/sysctl"
	want=$2
	shift 2
	run 0 mocked "$@" printenv DEFER_SETTINGS &&
		[ "$(cut -d ' ' -f 3 "$scratch/out")" = "$want" ]
}
sleeps_gated() {
	sysctl 0 0 && sysctl 5000 1 && sysctl 5001 0 && sysctl 1 1 && sysctl 1 1 --max 1ms &&
		sysctl 1 0 --max 999us && sysctl 0 1 --max 0 && sysctl 5001 1 --max 0 &&
		sysctl 18446744073709552 0 && sysctl 18446744073709551615 0 && sysctl junk 0 &&
		rm "$scratch/sysctl" && run 0 mocked printenv DEFER_SETTINGS &&
		grep -q ' 0 0$' "$scratch/out"
}
sleeps_gated
result $? sleeps_gated_by_the_sysctl
echo 0 >"$scratch/sysctl"

gate_explained() {
	stay="defer: sleeps and POSIX timers stay as they are: kernel.timer_defer_max_ms is"
	run 0 mocked -v true && said "$stay 0 (no limit) and --max is 5s" &&
		echo 7000 >"$scratch/sysctl" && run 0 mocked -v --max 1500ms true &&
		said "$stay 7000 and --max is 1500ms" &&
		run 0 mocked -v --max 7s true && ! grep -qF "$stay" "$scratch/err"
}
gate_explained
result $? gate_explained
echo 0 >"$scratch/sysctl"

run 0 mocked printenv LD_PRELOAD && [ "$(cat "$scratch/out")" = "$made/libdefer.so:$mock" ]
result $? other_preloads_kept

run 0 mocked --max 1s "$defer" --max 2s -v "$shim" arm &&
	said "]: 1 timers and 0 sleeps made deferrable" && ! grep -q : "$scratch/out" &&
	run 0 mocked --max 1s "$defer" --max 2s printenv DEFER_SETTINGS &&
	[ "$(cat "$scratch/out")" = "200000000 2000000000 0 0" ]
result $? defer_in_defer

inherited() {
	# shellcheck disable=SC2016 # for the inner shell
	run 0 mocked -v sh -c '"$0" arm && "$0" arm; exit' "$shim" &&
		[ "$(grep -c 'shim_test\[[0-9]*\]: 1 timers' "$scratch/err")" -eq 2 ]
}
inherited
result $? inherited_by_exec

run 0 mocked -v "$shim" fork && [ "$(wc -l <"$scratch/err")" -eq 3 ] &&
	said "]: 2 timers" "]: 1 timers"
result $? each_process_counts_its_own

stderr_replaced() {
	run 0 mocked -v --max 0 "$shim" replace-stderr "$scratch/file" &&
		[ -f "$scratch/file" ] && [ ! -s "$scratch/file" ] && rm "$scratch/file" || return 1
	# Closed from the beginning, the program's first file is descriptor 2.
	mocked -v --max 0 "$shim" replace-stderr "$scratch/file" 2>&- &&
		[ -f "$scratch/file" ] && [ ! -s "$scratch/file" ]
}
stderr_replaced
result $? files_in_place_of_stderr_stay_clean

run 0 env LD_PRELOAD="$mock" "$shim" unread "$defer" -v --max 0 "$shim" arm
result $? nobody_reads_stderr

static_program() {
	printf '#!%s\n' "$made/small_static" >"$scratch/script"
	chmod +x "$scratch/script"
	run 0 mocked -v --max 0 "$made/small_static" &&
		said "defer: $made/small_static is statically linked: its timers stay as " &&
		run 0 mocked -v --max 0 "$scratch/script" &&
		said "$made/small_static is statically linked" &&
		run 0 mocked env PATH="/none:$made:$PATH" "$defer" -v --max 0 small_static &&
		said "$made/small_static is statically linked" &&
		run 0 mocked --max 0 "$made/small_static" && quiet &&
		[ "$(cat "$scratch/out")" = "$made/libdefer.so:$mock" ] &&
		run 0 mocked -v --max 0 "$shim" probe && ! grep -q stay "$scratch/err"
}
static_program
result $? static_program

# Such a program would not start with the library.
other_c_library() {
	loader=$(ldd "$defer" | sed -n 's/^[[:space:]]*\(\/[^ ]*\) (.*/\1/p')
	ln -sf "$loader" "$made/other_loader"
	run 0 mocked --max 0 "$made/small_other" && quiet &&
		[ "$(cat "$scratch/out")" = "$mock" ] &&
		run 0 mocked -v --max 0 "$made/small_other" &&
		said "defer: $made/small_other uses another loader: its timers stay as they are"
}
other_c_library
result $? other_c_library

# Only its first bytes are looked at; it cannot run.
other_word_size() {
	printf '\177ELF\001' >"$scratch/small"
	head -c 100 /dev/zero >>"$scratch/small"
	chmod +x "$scratch/small"
	mocked -v --max 0 "$scratch/small" >"$scratch/out" 2>"$scratch/err"
	said "defer: $scratch/small is a program of another word size"
}
other_word_size
result $? other_word_size

privileged_program() {
	if [ "$(id -u)" -eq 0 ]; then
		cp "$shim" "$scratch/privileged"
		chown 65534 "$scratch/privileged" && chmod 4755 "$scratch/privileged"
	else
		ln -s "$(command -v su)" "$scratch/privileged"
	fi
	mocked -v --max 0 "$scratch/privileged" --version >"$scratch/out" 2>"$scratch/err"
	said "privileged gains privileges when it starts"
}
privileged_program
result $? privileged_program

library_found() {
	mkdir -p "$scratch/bin" "$scratch/lib/septet" "$scratch/a b"
	cp "$defer" "$scratch/bin" && cp "$defer" "$made/libdefer.so" "$scratch/a b" &&
		run 125 env LD_PRELOAD="$mock" "$scratch/bin/defer" true &&
		said "defer: no libdefer.so in $scratch/bin nor in $scratch/bin/../lib/septet" &&
		run 125 env LD_PRELOAD="$mock" "$scratch/a b/defer" true &&
		said "/a b/libdefer.so: no space, ':' or '\$' can be in a path for the loader" &&
		cp "$made/libdefer.so" "$scratch/lib/septet" &&
		run 0 env LD_PRELOAD="$mock" "$scratch/bin/defer" -v "$shim" arm &&
		said "]: 1 timers"
}
library_found
result $? library_found_where_it_is_installed

exported() {
	nm -D --defined-only "$made/libdefer.so" | sed -n 's/.* T //p' | sort >"$scratch/out"
	printf '%s\n' clock_nanosleep nanosleep sleep timer_settime@@GLIBC_2.34 \
		timer_settime@GLIBC_2.2.5 timer_settime@GLIBC_2.3.3 timerfd_settime usleep |
		sort | diff - "$scratch/out" >"$scratch/err"
}
exported
result $? nothing_else_exported

if command -v man >/dev/null; then
	MANWIDTH=80 man --warnings -l "$here/defer.1" >"$scratch/out" 2>"$scratch/err" &&
		[ ! -s "$scratch/err" ] && ! grep -E '^.{81}' "$scratch/out" >"$scratch/err"
	result $? manual_without_warnings
else
	skip manual_without_warnings "man is not installed"
fi

manual_is_complete() {
	sed 's/\\-/-/g' "$here/defer.1" >"$scratch/out"
	"$defer" --help | grep -oE -e '--[a-z-]+' | sort -u >"$scratch/options"
	while read -r word; do
		grep -qF -e "$word" "$scratch/out" || { echo "no $word" >"$scratch/err"; return 1; }
	done <"$scratch/options"
	for word in 125 126 127 DEFER_SETTINGS LD_PRELOAD timer_defer_max_ms; do
		grep -qw -e "$word" "$scratch/out" || { echo "no $word" >"$scratch/err"; return 1; }
	done
}
manual_is_complete
result $? manual_names_every_option

offered() { # WORD...: what bash offers for the last one
	bash -c '
		. "$0" || exit 1
		_command_offset() { COMPREPLY=("program at $1"); }
		COMP_WORDS=(defer "$@") COMP_CWORD=$#
		_defer defer "${@: -1}" "${COMP_WORDS[COMP_CWORD - 1]}"
		printf "%s\n" "${COMPREPLY[@]}"' "$here/defer.bash-completion" "$@" \
		>"$scratch/out" 2>"$scratch/err"
}
completion() {
	offered --m && [ "$(tr '\n' ' ' <"$scratch/out")" = "--max --min-period " ] &&
		offered --max 2 && [ "$(cat "$scratch/out")" = 200ms ] &&
		offered --max = 5 && [ "$(cat "$scratch/out")" = 5s ] &&
		offered --max = && grep -qx 1m "$scratch/out" &&
		offered --max 5s pri && grep -qx printf "$scratch/out" &&
		offered -v -- pri && grep -qx printf "$scratch/out" &&
		offered --max = 5s -p 1s echo x && [ "$(cat "$scratch/out")" = "program at 6" ] &&
		offered -- echo -- && [ "$(cat "$scratch/out")" = "program at 2" ]
}
if command -v bash >/dev/null; then
	completion
	result $? bash_completion
else
	skip bash_completion "bash is not installed"
fi

[ "$count" -eq "$plan" ] || echo "# $count tests ran, $plan were planned"
[ "$count" -eq "$plan" ] && [ "$failed" -eq 0 ]
