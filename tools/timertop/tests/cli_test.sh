#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What people and scripts see of timertop: tables, JSON, recordings, messages, manual.
# Usage: cli_test.sh FOLDER_OF_THE_PROGRAM; prints TAP. Nothing here traces the kernel.
here=$(cd "$(dirname "$0")/.." && pwd) || exit 1
timertop=$1/timertop
sample=$here/tests/sample.trace
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
# A table is as wide as its terminal; here it has none.
unset COLUMNS

plan=28
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

run() { # EXPECTED-STATUS ARGUMENT...
	wanted=$1
	shift
	"$timertop" "$@" >"$scratch/out" 2>"$scratch/err" </dev/null
	got=$?
	[ "$got" -eq "$wanted" ] && return 0
	echo "exit status $got, expected $wanted: timertop $*" >>"$scratch/err"
	return 1
}

one_line_error() { # TEXT...: each of them is in the only line
	[ ! -s "$scratch/out" ] && [ "$(wc -l <"$scratch/err")" -eq 1 ] || return 1
	for text; do
		grep -qF -- "$text" "$scratch/err" || return 1
	done
}

usage_error() { # TEXT: is in a message that also names --help
	[ ! -s "$scratch/out" ] && grep -qF -- "$1" "$scratch/err" &&
		grep -q -- "timertop --help" "$scratch/err"
}

json() { # PYTHON-CONDITION on the summary and the timers, with the trace's text at hand
	python3 -c "
import json, sys
d = json.load(open(sys.argv[1]))
(summary,), timers = d['summary'], d['timers']
text = open(sys.argv[2]).read()
assert list(d) == ['summary', 'timers'] and ($1), d" "$scratch/out" "$sample" 2>>"$scratch/err"
}

# Two wakeups of CPU 0 in 2 s, one by a timerfd of app, one by a disk. A copy, so that a
# program that writes where it should not does no harm.
tiny=$scratch/tiny
cp "$here/tests/tiny.trace" "$tiny" || exit 1

run 0 --replay "$tiny" && [ ! -s "$scratch/err" ] &&
	tr -s ' ' <"$scratch/out" >"$scratch/words" &&
	grep -qx ' *SCORE WAKE/S EXP/S PERIOD JITTER SLACK DEF KIND PID OWNER' "$scratch/words" &&
	grep -qx ' 0 0.50 0.50 - - 0ns no timerfd 42 app' "$scratch/words" &&
	grep -qx ' - 0.50 - - - - - irq - my "disk"' "$scratch/words" &&
	grep -q '^2.0 s, 1 CPU, 1.00 wakeups/s of idle CPUs; 0 with a score' "$scratch/words"
result $? table

run 0 --replay "$tiny" --json && [ ! -s "$scratch/err" ] &&
	json "summary == dict(seconds=2, cpus=1, events=9, idle_wakeups=2,
		idle_wakeups_per_second=1, lost_events=0, gaps=0, malformed_lines=0)" &&
	json "timers == [
		dict(score=0, wakeups_per_second=0.5, expirations_per_second=0.5, period_ns=None,
		jitter_ns=None, slack_ns=0, deferrable=False, kind='timerfd', pid=42, owner='app',
		comm='app', function='timerfd_tmrproc', woken_pid=None, woken_comm=None, wakeups=1,
		expirations=1, cancellations=0),
		dict(score=None, wakeups_per_second=0.5, expirations_per_second=None,
		period_ns=None, jitter_ns=None, slack_ns=None, deferrable=None, kind='irq',
		pid=None, owner='my \"disk\"', comm=None, function=None, woken_pid=None,
		woken_comm=None, wakeups=1, expirations=0, cancellations=0)]"
result $? json

# The sample is the beginning of a recording on a kernel 6.1; count its lines another way.
run 0 --replay "$sample" --json &&
	json "summary['events'] == sum(not l.startswith('#') for l in text.splitlines())" &&
	json "sum(t['expirations'] for t in timers) == text.count('expire_entry: ')" &&
	json "sum(t['wakeups'] for t in timers) == summary['idle_wakeups']" &&
	json "summary['idle_wakeups'] <= text.count('cpu_idle: state=4294967295') > 50" &&
	json "all(0 <= (t['score'] or 0) <= 100 for t in timers)" &&
	json "all((t['deferrable'] is None) == (t['owner'] == '?' or t['score'] is None)
		for t in timers)" &&
	json "{t['deferrable'] for t in timers} == {True, False, None}" &&
	json "{('timerfd', 'tick-tfd'), ('nanosleep', 'napper'), ('posix', 'posix-t'),
		('poll', 'poller'), ('timeout', 'rcu_preempt')} <=
		{(t['kind'], t['owner']) for t in timers}" &&
	json "all(abs(t['period_ns'] - 250e6) < 5e6 for t in timers if t['owner'] == 'tick-tfd')"
result $? sample

"$timertop" --replay - <"$tiny" >"$scratch/from_stdin" 2>"$scratch/err" &&
	run 0 --replay "$tiny" && cmp "$scratch/from_stdin" "$scratch/out" 2>>"$scratch/err"
result $? standard_input

sort_by() { # ORDER CONDITION on the rows as text
	run 0 --replay "$sample" --sort "$1" --json && json "$2"
}
sort_by wakeups "sorted((-t['wakeups'] for t in timers)) == [-t['wakeups'] for t in timers]" &&
	sort_by score "[t['score'] or 0 for t in timers] ==
		sorted((t['score'] or 0 for t in timers), reverse=True)" &&
	sort_by owner "[t['owner'] for t in timers] == sorted(t['owner'] for t in timers)" &&
	sort_by expirations "[t['expirations'] for t in timers] ==
		sorted((t['expirations'] for t in timers), reverse=True)" &&
	sort_by period "[t['period_ns'] or 1e18 for t in timers] ==
		sorted(t['period_ns'] or 1e18 for t in timers)"
result $? sort_orders

run 0 --replay "$sample" --record "$scratch/copy" && cp "$scratch/out" "$scratch/first" &&
	cmp "$sample" "$scratch/copy" 2>"$scratch/err" && run 0 --replay "$scratch/copy" &&
	cmp "$scratch/first" "$scratch/out" 2>>"$scratch/err"
result $? record_and_replay

# Text from tracefs has another header; a recording of it gets ours.
{ echo "# tracer: nop"; grep -v '^#' "$tiny"; } >"$scratch/copied"
run 0 --replay "$scratch/copied" --record "$scratch/copy2" &&
	[ "$(head -n 1 "$scratch/copy2")" = "# timertop recording, version 1" ] &&
	sed 1d "$scratch/copy2" | cmp "$scratch/copied" - 2>"$scratch/err"
result $? record_of_copied_text

mkfifo "$scratch/fifo"
"$timertop" --replay "$scratch/fifo" >"$scratch/through" 2>"$scratch/err" &
run 0 --replay "$sample" --record "$scratch/fifo" && wait $! &&
	cmp "$scratch/through" "$scratch/out" 2>>"$scratch/err"
result $? record_through_a_fifo

echo precious >"$scratch/precious"
run 3 --replay "$tiny" --record "$scratch/precious" && one_line_error precious "File exists" &&
	[ "$(cat "$scratch/precious")" = precious ] &&
	run 3 --replay "$tiny" --record "$tiny" && [ "$(wc -l <"$tiny")" -eq 12 ]
result $? nothing_is_overwritten

run 3 --replay "$tiny" --record "$scratch/no/folder" && one_line_error "$scratch/no/folder"
result $? record_into_no_folder

run 3 --replay "$sample" --record /dev/full && one_line_error "could not be written to /dev/full"
result $? record_on_a_full_disk

"$timertop" --replay "$tiny" >/dev/full 2>"$scratch/err"
[ $? -eq 3 ] && : >"$scratch/out" && one_line_error "could not be written" &&
	"$timertop" --replay "$tiny" --json >/dev/full 2>"$scratch/err"
[ $? -eq 3 ] && one_line_error "could not be written"
result $? full_disk

run 4 --replay "$scratch/none" && one_line_error "$scratch/none" "No such file"
result $? no_recording

run 4 --replay "$scratch" && one_line_error "Is a directory"
result $? recording_is_a_folder

: >"$scratch/empty"
run 4 --replay "$scratch/empty" && one_line_error "no events" &&
	run 4 --replay "$scratch/empty" --json && one_line_error "no events"
result $? empty_recording

run 4 --replay "$timertop" && one_line_error "is not a trace" &&
	run 4 --replay "$here/timertop.8" && one_line_error "is not a trace"
result $? not_a_trace

sed 's/version 1/version 2/' "$tiny" >"$scratch/newer"
run 4 --replay "$scratch/newer" && one_line_error "version 2" "at most 1"
result $? newer_recording

# 3 bad lines: cut, garbage, and one longer than any buffer. The last has no newline.
{
	head -n 5 "$tiny"
	printf 'CPU:0 [LOST 9 EVENTS]\n'
	head -n 3 "$tiny" | tail -n 1 | cut -c 1-100
	echo garbage
	head -c 200000 /dev/zero | tr '\0' x
	echo
	tail -n 3 "$tiny"
	sed -n 10p "$tiny" | tr -d '\n'
} >"$scratch/damaged"
run 0 --replay "$scratch/damaged" --json &&
	json "(summary['malformed_lines'], summary['lost_events'], summary['gaps'],
		summary['events']) == (3, 9, 1, 6)" &&
	run 0 --replay "$scratch/damaged" &&
	grep -q '^3 lines were no trace events' "$scratch/out" &&
	grep -q '^9 events lost in 1 places' "$scratch/out"
result $? damaged_recording

run 0 --replay "$tiny" && ! grep -q "no cpu_idle" "$scratch/out" &&
	grep -v cpu_idle "$tiny" >"$scratch/without" && run 0 --replay "$scratch/without" &&
	grep -q "no cpu_idle event" "$scratch/out"
result $? trace_without_idle_events

bad_option() { # TEXT ARGUMENT...
	text=$1
	shift
	run 2 "$@" && usage_error "$text"
}
bad_option "--bogus" --bogus && bad_option "'x'" --duration x && bad_option "'-1'" --duration=-1 &&
	bad_option "'86401'" --duration 86401 && bad_option "''" --duration "" &&
	bad_option "'5s'" --duration 5s && bad_option "'0'" --interval 0 --live &&
	bad_option "'1'" --buffer 1 && bad_option "'pid'" --sort pid &&
	bad_option "'file'" file && bad_option "--live" --live --json &&
	bad_option "terminal" --live && bad_option "standard input" --live --replay - &&
	bad_option "--duration" --replay "$tiny" --duration 3 &&
	bad_option "--interval" --replay "$tiny" --interval 3
result $? wrong_options

# Not even root may be allowed to: then the message is another, the status the same.
no_tracing() {
	if [ "$(id -u)" -eq 0 ]; then
		cp "$timertop" "$scratch/timertop" && chmod 755 "$scratch" "$scratch/timertop"
		setpriv --reuid=65534 --regid=65534 --clear-groups "$scratch/timertop" --once \
			--record "$scratch/unborn" >"$scratch/out" 2>"$scratch/err"
	else
		"$timertop" --once --record "$scratch/unborn" >"$scratch/out" 2>"$scratch/err"
	fi
	[ $? -eq 5 ] && one_line_error "timertop: " && [ ! -e "$scratch/unborn" ]
}
if [ "$(id -u)" -ne 0 ] || command -v setpriv >/dev/null; then
	no_tracing
	result $? no_tracing
else
	skip no_tracing "setpriv is not installed"
fi

# script(1) makes a terminal, which only has to have a name that nobody knows.
unknown_terminal() {
	TERM=no-such-terminal script -qec "'$timertop' --live --replay '$tiny'" /dev/null \
		</dev/null >"$scratch/err" 2>&1
	[ $? -eq 6 ] && : >"$scratch/out" && grep -q "'no-such-terminal'.*--once" "$scratch/err"
}
on_screen() { # REGEXP: wait for it, but not for ever
	for _ in $(seq 600); do
		grep -qE "$1" "$scratch/err" && return 0
		sleep 0.1
	done
	return 1
}
live_view() {
	mkfifo "$scratch/keys"
	: >"$scratch/out"
	TERM=vt100 COLUMNS=100 LINES=24 script -qec "'$timertop' --live --replay '$tiny'" \
		/dev/null <"$scratch/keys" >"$scratch/err" 2>&1 &
	exec 3>"$scratch/keys"
	if on_screen "wakeups/s of idle CPUs" && on_screen OWNER && on_screen timerfd &&
		printf s >&3 && on_screen "score(, end of recording)?\] q quit"; then
		printf q >&3
	else
		kill $!
	fi
	wait $!
	seen=$?
	exec 3>&-
	return $seen
}
live_view_of_no_trace() {
	: >"$scratch/out"
	TERM=vt100 timeout 60 script -qec "'$timertop' --live --replay '$here/main.c'" /dev/null \
		</dev/null >"$scratch/err" 2>&1
	[ $? -eq 4 ] && grep -q "is not a trace" "$scratch/err"
}
if command -v script >/dev/null; then
	unknown_terminal
	result $? unknown_terminal
	live_view
	result $? live_view
	live_view_of_no_trace
	result $? live_view_of_no_trace
else
	skip unknown_terminal "script is not installed"
	skip live_view "script is not installed"
	skip live_view_of_no_trace "script is not installed"
fi

run 0 --help && grep -q "Examples:" "$scratch/out" && grep -q "timertop --replay" "$scratch/out" &&
	run 0 --version && grep -qE '^timertop [0-9]+\.[0-9]+\.[0-9]+$' "$scratch/out"
result $? help_and_version

if command -v man >/dev/null; then
	MANWIDTH=80 man --warnings -l "$here/timertop.8" >"$scratch/out" 2>"$scratch/err" &&
		[ ! -s "$scratch/err" ] && ! grep -E '^.{81}' "$scratch/out" >"$scratch/err"
	result $? manual_without_warnings
else
	skip manual_without_warnings "man is not installed"
fi

manual_is_complete() {
	sed 's/\\-/-/g' "$here/timertop.8" >"$scratch/page"
	run 0 --replay "$sample" --json || return 1
	words=$(python3 -c "
import json, sys
d = json.load(open(sys.argv[1]))
print(*d, *d['summary'][0], *d['timers'][0], *{t['kind'] for t in d['timers']})" "$scratch/out")
	options=$("$timertop" --help | grep -oE -- '--[a-z]+' | sort -u)
	for word in $words $options $(sed -n 's/.*words="\([a-z ]*\)"$/\1/p' \
		"$here/timertop.bash-completion"); do
		grep -qw -e "$word" "$scratch/page" && continue
		echo "no $word" >"$scratch/err"
		return 1
	done
}
manual_is_complete
result $? manual_names_every_word

offered() { # WORD...: what bash offers for the last one
	bash -c '
		. "$1" || exit 1
		shift
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		_timertop timertop "${@: -1}" "${@: -2:1}"
		printf "%s\n" "${COMPREPLY[@]}"' bash "$here/timertop.bash-completion" timertop \
		"$@" >"$scratch/out" 2>"$scratch/err"
}
all_options_offered() {
	for option in $("$timertop" --help | grep -oE -- '--[a-z]+' | sort -u); do
		offered "$option" && grep -qx -- "$option" "$scratch/out" || return 1
	done
}
if command -v bash >/dev/null; then
	all_options_offered && offered --sort sc && grep -qx score "$scratch/out" &&
		offered --sort = sc && grep -qx score "$scratch/out" &&
		offered --replay "$scratch/ti" && grep -qx "$tiny" "$scratch/out" &&
		offered --duration "" && ! grep -q . "$scratch/out"
	result $? bash_completion
else
	skip bash_completion "bash is not installed"
fi

[ "$count" -eq "$plan" ] || echo "# $count tests ran, $plan were planned"
[ "$count" -eq "$plan" ] && [ "$failed" -eq 0 ]
