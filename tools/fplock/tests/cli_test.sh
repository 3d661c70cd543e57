#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What people and scripts see of fplock, on the kernel of this machine, whose locks with a deadline
# are polled for if it has none, and on that of mock.c: options, exit codes, messages, signals, the
# manual, completion. Usage: cli_test.sh FOLDER_OF_THE_PROGRAMS; prints KTAP.
here=$(cd "$(dirname "$0")/.." && pwd) || exit 1
made=$(cd "$1" && pwd) || exit 1
mock=$made/libmock.so
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
out=$scratch/out
err=$scratch/err
mkdir "$scratch/d" && cd "$scratch/d" || exit 1
# The mock may stand before the sanitizer's own library, of which it replaces nothing.
export ASAN_OPTIONS=verify_asan_link_order=0 LC_ALL=C.UTF-8

plan=27
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
		sed 's/^/# /' "$out" "$err"
		failed=$((failed + 1))
	fi
	rm -rf "$scratch/d"/*
}

skip() { # NAME REASON
	count=$((count + 1))
	echo "ok $count - $1 # SKIP $2"
}

# Messages name the program as it was called.
ln -s "$made/fplock_sanitized" "$scratch/fplock"
program=$scratch/fplock
PATH=$scratch:$PATH
run() { # EXPECTED-STATUS ARGUMENT...
	wanted=$1
	shift
	"$program" "$@" >"$out" 2>"$err"
	got=$?
	[ "$got" -eq "$wanted" ] && return 0
	echo "exit status $got, expected $wanted: fplock $*" >>"$err"
	return 1
}

# The same on a kernel that is played.
on() { # VARIABLE=VALUE EXPECTED-STATUS ARGUMENT...
	what=$1
	wanted=$2
	shift 2
	env LD_PRELOAD="$mock" "$what" "$program" "$@" >"$out" 2>"$err"
	got=$?
	[ "$got" -eq "$wanted" ] && return 0
	echo "exit status $got, expected $wanted: $what fplock $*" >>"$err"
	return 1
}

silent() {
	[ ! -s "$out" ] && [ ! -s "$err" ]
}

one_line_error() { # TEXT...: each of them is in the only line
	[ ! -s "$out" ] && [ "$(wc -l <"$err")" -eq 1 ] || return 1
	for text; do
		grep -qF -- "$text" "$err" || return 1
	done
}

usage_error() { # TEXT ARGUMENT...
	text=$1
	shift
	run 64 "$@" && [ ! -s "$out" ] && grep -qF -- "$text" "$err" &&
		grep -q -- "fplock.* --help" "$err"
}

json() { # PYTHON-CONDITION on d
	python3 -c "
import json, sys
d = json.load(open(sys.argv[1]))
assert ($1), d" "$out" 2>>"$err"
}

says() { # TEXT: on standard output
	[ "$(cat "$out")" = "$1" ] && return 0
	echo "expected: $1" >>"$err"
	return 1
}

# A lock that is held until release.
hold() { # OPTION... FILE
	mkfifo held go || return 1
	"$program" run "$@" -- sh -c 'echo >held; read -r line <go' &
	holder=$!
	read -r line <held
}

release() {
	echo >go
	wait "$holder"
	rm held go
}

help_has_examples() {
	for command in "" run test probe; do
		# shellcheck disable=SC2086 # no command is no word
		run 0 $command --help && grep -q "^Examples:" "$out" &&
			! grep -E '^.{81}' "$out" && [ ! -s "$err" ] &&
			grep -qE "^Usage: fplock${command:+ }$command " "$out" || return 1
	done
}
help_has_examples
result $? help_has_examples

run 0 --version && grep -qE '^fplock [0-9]+\.[0-9]+\.[0-9]+$' "$out" &&
	run 0 run --version && grep -qE '^fplock [0-9]+\.[0-9]+\.[0-9]+$' "$out"
result $? version

usage_error "no command" && usage_error "'frob' is not a command; wanted run, test" frob &&
	usage_error "a\\033b" "$(printf 'a\033b')" && usage_error "--bogus" --bogus &&
	usage_error "--bogus" run --bogus f true && usage_error "FILE and COMMAND" run &&
	usage_error "FILE and COMMAND" run f && usage_error "FILE and COMMAND" run f -- &&
	usage_error "stand beside" run -n -w 1 f true && usage_error "'x'" run -w x f true &&
	usage_error "'-1'" run -w -1 f true && usage_error "'1e3'" run --wait=1e3 f true &&
	usage_error "'256'" run -E 256 f true && usage_error "'-1'" run -E -1 f true &&
	usage_error "''" run -E "" f true && usage_error "wanted FILE" test &&
	usage_error "'b' is one too many" test a b && usage_error "'x' is one too many" probe x &&
	usage_error "--need: 'bogus'" probe --need private,bogus && usage_error "''" probe -N "" &&
	[ ! -e f ]
result $? wrong_usage

bad_ranges() {
	for range in "" : 0: :5 -1:5 1:-5 5x 1:2:3 1P 9223372036854775808 9223372036854775807:2; do
		text="--range: '$range' is no range"
		usage_error "$text" run "--range=$range" f true &&
			usage_error "$text" test "--range=$range" f || return 1
	done
	[ ! -e f ]
}
bad_ranges
result $? bad_ranges

run 0 run f -- echo hello && says hello && [ ! -s "$err" ] && [ -f f ] &&
	run 7 run f sh -c 'exit 7' && silent && run 0 run -s -w 5 -- f true && silent &&
	run 0 run f echo -n --json -x && says "--json -x" && umask 077 &&
	run 0 run new true && umask 022 && [ "$(stat -c %a new)" = 600 ] &&
	echo text >in && run 0 run f -- sh -c 'cat; cat <&3' <in 3<in && says "text
text"
result $? run

run 127 run f no-such-program && one_line_error "fplock: no-such-program: No such file" &&
	run 126 run f ./f && one_line_error "./f: Permission denied" && run 126 run f / &&
	run 0 run -n f true
result $? command_cannot_be_run

files() {
	run 66 run no/f touch ran && one_line_error "no/f: No such file" &&
		run 66 run . touch ran && one_line_error ".: is a folder, which takes --shared" &&
		run 66 run f/ touch ran && one_line_error "f/: " &&
		run 0 run -s . true && silent && run 66 run "" touch ran &&
		ln -s loop ./loop && run 66 run loop touch ran && one_line_error "loop: Too many" &&
		run 66 test none && one_line_error "none: No such file" && [ ! -e none ] &&
		ln -s none link && run 0 run link true && [ -f none ] && rm link &&
		mkfifo fifo && run 0 run -s fifo true && run 0 test fifo && [ ! -e ran ]
}
files
result $? files

# No mode keeps root out.
modes() {
	chmod 711 "$scratch" && cp "$made/fplock" "$scratch/copy" && chmod 777 "$scratch/d" ||
		return 1
	nobody=
	[ "$(id -u)" -ne 0 ] || nobody="setpriv --reuid=65534 --regid=65534 --clear-groups"
	as_nobody() { # EXPECTED-STATUS ARGUMENT...
		wanted=$1
		shift
		# shellcheck disable=SC2086 # words
		$nobody "$scratch/copy" "$@" >"$out" 2>"$err" </dev/null
		got=$?
		[ "$got" -eq "$wanted" ] || { echo "$got: $*" >>"$err"; return 1; }
	}
	: >ro && chmod 444 ro && : >wo && chmod 222 wo && : >none && chmod 000 none &&
		as_nobody 66 run ro touch ran && one_line_error "ro: Permission denied" &&
		as_nobody 0 run -s ro true && as_nobody 66 run none touch ran &&
		as_nobody 66 test none && one_line_error "none: Permission denied" &&
		as_nobody 0 test wo && as_nobody 66 run wo touch ran && [ ! -e ran ] || return 1
	# A sticky folder, where O_CREAT may be refused to those who do not own the file.
	chmod 1777 "$scratch/d" && : >shared && chmod 666 shared && as_nobody 0 run shared true
}
modes
result $? modes

excludes() {
	hold f || return 1
	run 1 run -n f touch ran && silent && run 1 run -w 0 f touch ran && silent &&
		run 1 run -w 0.05 f touch ran && silent && run 75 run -n -E 75 f touch ran &&
		run 0 run -n -E 0 f touch ran && run 0 run -w 0.01 -E 0 f touch ran &&
		run 1 run -n -s f touch ran && run 1 run --range 5:1 -n f touch ran &&
		[ ! -e ran ] && run 1 run -v -n f touch ran &&
		one_line_error "fplock: f: not locked: a write lock of an open file on all bytes is"
	status=$?
	release
	[ "$status" -eq 0 ] && run 0 run -n f true
}
excludes
result $? excludes

ranges() {
	hold --range 10:10 f || return 1
	run 0 run -n --range 0:10 f true && run 0 run -n --range 20 f true &&
		run 1 run -n --range 19:1 f true && run 1 run -n f true &&
		run 1 run -n --range 0:11 f true && run 1 run -n --range 0:1K f true &&
		run 0 run -n --range 1K:1 f true && run 1 test f &&
		says "f: a write lock of an open file on bytes 10 to 19 is in the way" &&
		run 0 test --range 0:10 f && says "f: nothing is in the way"
	status=$?
	release
	return "$status"
}
ranges
result $? ranges

shared() {
	hold -s --range 3 f || return 1
	run 0 run -s -n f true && run 1 run -n f true && run 0 test -s f && run 1 test f &&
		says "f: a read lock of an open file on byte 3 and up is in the way"
	status=$?
	release
	return "$status"
}
shared
result $? shared

# Whoever comes first, both get it.
waits() {
	hold f || return 1
	"$program" run -v f touch one 2>"$out" &
	first=$!
	"$program" run -v -w 1000 f touch two 2>"$err" &
	second=$!
	# Stopped and continued they go on waiting.
	kill -STOP $first $second && kill -CONT $first $second
	[ ! -e one ] && [ ! -e two ]
	status=$?
	release
	wait $first && wait $second && [ "$status" -eq 0 ] && [ -e one ] && [ -e two ] &&
		grep -qE '^fplock: f: locked after [0-9]+\.[0-9]{6} s$' "$out" || return 1
	if "$program" probe --need timed >/dev/null 2>&1; then
		grep -qE '^fplock: f: locked after [0-9.]+ s$' "$err"
	else
		grep -qE '^fplock: f: locked after [0-9.]+ s, by polling$' "$err"
	fi
}
waits
result $? waits

ends_while_waiting() {
	hold f || return 1
	for words in "" "-w 1000"; do
		# shellcheck disable=SC2086 # words
		"$program" run $words f touch ran 2>"$err" &
		waiter=$!
		kill -TERM $waiter
		wait $waiter 2>/dev/null
		[ $? -eq 143 ] || touch ran
	done
	release
	[ ! -e ran ] && run 0 run -n f true
}
ends_while_waiting
result $? signal_while_waiting

# The command sees each of them once. Shells start background jobs with some ignored.
passes_signals_on() {
	python3 - "$program" <<-'END' 2>"$err"
		import signal, subprocess, sys
		for name in "HUP INT QUIT TERM USR1 USR2".split():
		    script = f'''trap "echo caught" {name}; echo ready
		        for i in 1 2 3; do read -r x; done; exit 9'''
		    p = subprocess.Popen([sys.argv[1], "run", "f", "--", "sh", "-c", script],
		                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
		    assert p.stdout.readline() == b"ready\n"
		    p.send_signal(getattr(signal, "SIG" + name))
		    assert p.stdout.readline() == b"caught\n", name
		    assert p.communicate(b"\n\n\n")[0] == b"", name
		    assert p.returncode == 9, (name, p.returncode)
	END
}
passes_signals_on
result $? signals_are_passed_on

# shellcheck disable=SC2016 # for the inner shell
run 143 run f -- sh -c 'kill -TERM $$' && silent && run 137 run f -- sh -c 'kill -KILL $$' &&
	run 134 run f -- sh -c 'ulimit -c 0; kill -ABRT $$' && run 0 run -n f true &&
	python3 -c "
import signal, subprocess, sys
for name in ('INT', 'QUIT'):
	end = subprocess.run([sys.argv[1], 'run', 'f', '--', 'sh', '-c',
			      f'ulimit -c 0; kill -{name} \$\$']).returncode
	assert end == -getattr(signal, 'SIG' + name), (name, end)
# Signals and the handling of children are as they were for the command.
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
seen = subprocess.Popen([sys.argv[1], 'run', 'f', '--', 'cat', '/proc/self/status'],
			stdout=subprocess.PIPE, restore_signals=False).communicate()[0].decode()
fields = dict(l.split(':', 1) for l in seen.splitlines())
assert int(fields['SigBlk'], 16) == 1 << signal.SIGUSR1 - 1, fields['SigBlk']
assert int(fields['SigIgn'], 16) & 1 << signal.SIGCHLD - 1, fields['SigIgn']
" "$program" 2>"$err"
result $? killed_command

# What a terminal sends goes to both already, so that nothing is passed on.
terminal() {
	python3 - "$program" <<-'END' 2>"$err"
		import os, pty, sys, signal
		pid, fd = pty.fork()
		if not pid:
		    script = 'trap "echo caught" INT; echo ready; read -r x; read -r x; echo end'
		    os.execv(sys.argv[1], ["fplock", "run", "f", "--", "sh", "-c", script])
		seen = b""
		def until(text):
		    global seen
		    while text not in seen:
		        seen += os.read(fd, 1000)
		until(b"ready")
		os.write(fd, b"\x03")
		until(b"caught")
		os.write(fd, b"\n\n\n")
		until(b"end")
		assert seen.count(b"caught") == 1, seen
		assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
	END
}
terminal
result $? signal_of_a_terminal

# The lock ends with the command, although what that leaves behind has the descriptor.
left_behind() {
	mkfifo go || return 1
	run 0 run f -- sh -c 'exec sh -c "read -r line <go; ls -l /proc/self/fd >kept" &' &&
		run 0 run -n f true || return 1
	echo >go
	until [ -s kept ]; do sleep 0.01; done
	grep -q "/d/f$" kept
}
left_behind
result $? left_behind

# Of all that the program opens, the command gets this at most.
descriptor() {
	run 0 run f -- ls -l /proc/self/fd && grep -q -- "-> .*/d/f$" "$out" || return 1
	many=$(grep -c -- "->" "$out")
	run 0 run -o f -- ls -l /proc/self/fd && ! grep -q -- "-> .*/d/f$" "$out" || return 1
	[ "$(grep -c -- "->" "$out")" -eq $((many - 1)) ] || return 1
	ls -l /proc/self/fd >"$out" 2>"$err"
	[ "$(grep -c -- "->" "$out")" -eq $((many - 1)) ] &&
		"$program" run f true <&- >&- 2>&- && "$program" run f -- true <&-
}
descriptor
result $? descriptor

# If fplock is killed the command keeps it, unless it does not have the descriptor.
killed() { # OPTION STATUS
	mkfifo held go || return 1
	# shellcheck disable=SC2016,SC2086 # for the inner shell; words
	"$program" run $1 f -- sh -c 'echo $PPID >held; read -r line <go; echo >held' 2>/dev/null &
	job=$!
	read -r parent <held
	kill -KILL "$parent"
	wait $job 2>/dev/null
	run "$2" run -n f true
	status=$?
	echo >go
	# shellcheck disable=SC2034 # waits only
	read -r line <held
	# Until the command has ended, too.
	[ "$status" -eq 0 ] && run 0 run -w 1000 f true
	status=$?
	rm held go
	return $status
}
killed "" 1 && killed -o 0
result $? killed

test_json() {
	run 0 test --json f 2>"$err"
	: >f
	run 0 test --json f && json "d == dict(free=True, in_the_way=None)" || return 1
	hold --range 4K:8 f
	run 1 test --json f && json "d == dict(free=False, in_the_way=dict(type='write',
		private=True, start=4096, length=8, pid=None, command=None))" &&
		run 0 test --json --range 0:4K f && json "d['free']"
	status=$?
	release
	[ "$status" -eq 0 ] || return 1
	# A lock of a process, with a name that is no text.
	python3 - "$program" <<-'END' >"$out" 2>"$err"
		import ctypes, fcntl, json, os, subprocess, sys
		f = open("f", "r+")
		fcntl.lockf(f, fcntl.LOCK_SH, 0, 7)
		name = os.fsencode("a\n\udcff")
		ctypes.CDLL(None).prctl(15, name, 0, 0, 0)
		def test(*options):
		    return subprocess.run([sys.argv[1], "test", *options, "f"],
		                          stdout=subprocess.PIPE)
		assert test("-s").returncode == 0
		r = test("--json")
		assert r.returncode == 1
		assert json.loads(r.stdout)["in_the_way"] == dict(type="read", private=False,
		    start=7, length=None, pid=os.getpid(), command=r"a\012\377"), r.stdout
		r = test()
		wanted = f"f: a read lock of process {os.getpid()} (a\\012\\377) on byte 7 and up"
		assert r.stdout.decode().startswith(wanted), r.stdout
	END
}
test_json
result $? test_json

# The terminal is not told to do anything.
name=$(printf 'a\nb\033[2J')
run 66 test "$name" && one_line_error 'fplock: a\012b\033[2J: No such file' &&
	run 0 run -v "$name" true && one_line_error 'a\012b\033[2J: locked' &&
	run 0 test "$name" && says 'a\012b\033[2J: nothing is in the way'
result $? names_are_harmless

probe() {
	on MOCK_KERNEL=timed 0 probe && grep -qE '^Linux [0-9]+\.' "$out" &&
		grep -qxE '  file-private locks +yes' "$out" &&
		grep -qxE '  locks with a deadline +yes' "$out" &&
		on MOCK_KERNEL=timed 0 probe --need private,timed &&
		on MOCK_KERNEL=stock 0 probe --need private &&
		grep -qxE '  locks with a deadline +no, it is polled for' "$out" &&
		on MOCK_KERNEL=stock 69 probe -N private,timed &&
		grep -q "^fplock: probe: this kernel has no locks with a deadline$" "$err" &&
		on MOCK_KERNEL=old 69 probe --need private &&
		grep -q "has no file-private locks$" "$err" && on MOCK_KERNEL=old 0 probe --json &&
		json "d.pop('kernel') and d == dict(private=False, timed=False)" &&
		on MOCK_KERNEL=timed 0 probe --json &&
		json "d.pop('kernel') and d == dict(private=True, timed=True)" &&
		on MOCK_ERRNO=36:5 71 probe && one_line_error "cannot be asked: Input/output error"
}
probe
result $? probe

other_kernels() {
	how=
	for kernel in timed stock remote; do
		on MOCK_KERNEL=$kernel 0 run -v -w 1000 f true || return 1
		[ $kernel = timed ] || how=", by polling"
		grep -qE "^fplock: f: locked after [0-9.]+ s$how\$" "$err" || return 1
	done
	for words in "run f" "run -n f" "run -w 1000 f" "test f"; do
		command="touch ran"
		[ "$words" != "test f" ] || command=
		# shellcheck disable=SC2086 # words
		on MOCK_KERNEL=old 69 $words $command &&
			one_line_error "f: this kernel has no file-private locks" || return 1
	done
	on MOCK_ERRNO=37:37 71 run -n f touch ran &&
		one_line_error "f: cannot be locked: No locks available" &&
		on MOCK_ERRNO=38:37 71 run f touch ran &&
		one_line_error "f: cannot be locked: No locks available" &&
		on MOCK_ERRNO=1088:12 71 run -w 9 f touch ran &&
		on MOCK_ERRNO=36:5 71 test f &&
		one_line_error "f: its locks cannot be seen: Input" && [ ! -e ran ]
}
other_kernels
result $? other_kernels

full() {
	: >f
	for words in "test f" "test --json f" "probe" "probe --json"; do
		# shellcheck disable=SC2086 # words
		"$program" $words >/dev/full 2>"$err"
		[ $? -eq 71 ] || { echo "$words" >>"$err"; return 1; }
		: >"$out"
		one_line_error "standard output" "No space" || return 1
	done
}
full
result $? full_disk

valgrind_clean() {
	command -v valgrind >/dev/null || return 4
	check() { # EXPECTED-STATUS ARGUMENT...
		wanted=$1
		shift
		valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite \
			--child-silent-after-fork=yes "$made/fplock" "$@" >"$out" 2>"$err"
		got=$?
		[ "$got" -eq "$wanted" ] || { echo "$got: $*" >>"$err"; return 1; }
	}
	hold --range 0:1 f && check 0 probe && check 1 test f && check 1 test --json f &&
		check 1 run -v -n f true && check 1 run -v -w 0.01 f true &&
		check 7 run -v --range 1:1 f sh -c 'exit 7' && check 66 test none
	status=$?
	release
	return $status
}
valgrind_clean
case $? in
4) skip valgrind "valgrind is not installed" ;;
0) result 0 valgrind ;;
*) result 1 valgrind ;;
esac

options_of() { # COMMAND
	"$program" "$1" --help | sed -nE 's/^ +(-., )? *(--[a-z]+(-[a-z]+)*).*/\2/p' | sort -u
}

manual_is_complete() {
	MANWIDTH=80 man --warnings -l "$here/fplock.1" >"$out" 2>"$err" && [ ! -s "$err" ] &&
		! grep -E '^.{81}' "$out" >"$err" || return 1
	sed 's/\\-/-/g' "$here/fplock.1" >"$scratch/page"
	hold f && run 1 test --json f
	words="$(options_of run) $(options_of test) $(options_of probe)"
	words="$words $(grep -oE '"[a-z_]+":' "$out" | tr -d '":')"
	release
	run 0 probe --json || return 1
	words="$words $(grep -oE '"[a-z_]+":' "$out" | tr -d '":')"
	for word in $words; do
		grep -qw -e "$word" "$scratch/page" && continue
		echo "no $word" >"$err"
		return 1
	done
}
if command -v man >/dev/null; then
	manual_is_complete
	result $? manual_is_complete
else
	skip manual_is_complete "man is not installed"
fi

offered() { # WORD...: what bash offers for the last one
	bash -c '
		. "$1" || exit 1
		shift
		_command_offset() { COMPREPLY=("program at $1"); }
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		_fplock fplock "${@: -1}" "${@: -2:1}"
		printf "%s\n" "${COMPREPLY[@]}"' bash "$here/fplock.bash-completion" fplock "$@" \
		>"$out" 2>"$err"
}
completion() {
	for command in run test probe; do
		offered "$(printf %.2s "$command")" && grep -qx "$command" "$out" || return 1
		offered "$command" -- && [ "$(sort "$out")" = "$(options_of $command)" ] || return 1
	done
	touch file && offered run "fi" && grep -qx file "$out" && offered "test" -s "fi" &&
		grep -qx file "$out" && offered probe --need = ti && grep -qx timed "$out" &&
		offered probe -N pr && grep -qx private "$out" && offered run -w 3 file -- pri &&
		grep -qx printf "$out" && offered run file pri && grep -qx printf "$out" &&
		offered run --wait = 3 file -- awk x && grep -qx "program at 7" "$out" &&
		offered run --range 1 : 2 file awk -x && grep -qx "program at 7" "$out" &&
		offered run -E "" && ! grep -q . "$out"
}
if command -v bash >/dev/null; then
	completion
	result $? bash_completion
else
	skip bash_completion "bash is not installed"
fi

[ "$count" -eq "$plan" ] || echo "# $count tests ran, $plan were planned"
[ "$count" -eq "$plan" ] && [ "$failed" -eq 0 ]
