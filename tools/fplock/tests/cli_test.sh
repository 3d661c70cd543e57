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

plan=36
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
	for command in "" run test ls tree why probe; do
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

usage_error "no command" && usage_error "'frob' is not a command; wanted run, test, ls" frob &&
	usage_error "a\\033b" "$(printf 'a\033b')" && usage_error "--bogus" --bogus &&
	usage_error "--bogus" run --bogus f true && usage_error "FILE and COMMAND" run &&
	usage_error "FILE and COMMAND" run f && usage_error "FILE and COMMAND" run f -- &&
	usage_error "stand beside" run -n -w 1 f true && usage_error "'x'" run -w x f true &&
	usage_error "'-1'" run -w -1 f true && usage_error "'1e3'" run --wait=1e3 f true &&
	usage_error "'256'" run -E 256 f true && usage_error "'-1'" run -E -1 f true &&
	usage_error "''" run -E "" f true && usage_error "wanted FILE" test &&
	usage_error "'b' is one too many" test a b && usage_error "'x' is one too many" probe x &&
	usage_error "wanted FILE or --pid" ls && usage_error "wanted FILE" why &&
	usage_error "stand beside" ls --pid 1 f && usage_error "'x'" ls --pid x &&
	usage_error "'0'" ls -p 0 && usage_error "'-1'" ls --pid=-1 &&
	usage_error "'99999999999'" ls --pid 99999999999 &&
	usage_error "stand beside" tree --dot --json && usage_error "'b' is one too many" why a b &&
	usage_error "stand beside" why --range 1:2 a:1+2 &&
	usage_error "'b' is one too many" why -j a b && usage_error "stand beside" why -j \
		--range 1:2 a:1+2 && usage_error "wanted FILE" why --json &&
	usage_error "'--json'" run --json f true && usage_error "'--shared'" ls --shared f &&
	usage_error "'--range" tree --range=1:2 && usage_error "'--shared'" probe --shared &&
	usage_error "--need: 'bogus'" probe --need private,bogus && usage_error "''" probe -N "" &&
	[ ! -e f ]
result $? wrong_usage

bad_ranges() {
	for range in "" : 0: :5 -1:5 1:-5 5x 1:2:3 1P 9223372036854775808 9223372036854775807:2; do
		text="--range: '$range' is no range"
		usage_error "$text" run "--range=$range" f true &&
			usage_error "$text" test "--range=$range" f &&
			usage_error "$text" ls "--range=$range" f &&
			usage_error "$text" why "--range=$range" f || return 1
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
		json "d.pop('kernel') and d == dict.fromkeys(['private', 'timed', 'listed',
			'fair', 'task'], False)" && on MOCK_KERNEL=timed 0 probe --json &&
		json "d.pop('kernel') and d == dict(private=True, timed=True, listed=False,
			fair=False, task=False)" &&
		on MOCK_KERNEL=timed 69 probe --need timed,listed &&
		grep -q "^fplock: probe: this kernel has no lists of locks$" "$err" &&
		on MOCK_KERNEL=timed 69 probe --need fair &&
		on MOCK_KERNEL=timed 69 probe --need task &&
		grep -q "^fplock: probe: this kernel has no locks of one thread$" "$err" &&
		on MOCK_KERNEL=full 0 probe --need private,timed,listed,fair,task &&
		grep -qxE '  lists of locks +yes' "$out" &&
		grep -qxE '  fair waiting +yes' "$out" &&
		grep -qxE '  locks of one thread +yes' "$out" &&
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
		on MOCK_ERRNO=38:35 71 run f touch ran &&
		one_line_error "f: cannot be locked: Resource deadlock avoided" &&
		on MOCK_ERRNO=1088:12 71 run -w 9 f touch ran &&
		on MOCK_ERRNO=36:5 71 test f &&
		one_line_error "f: its locks cannot be seen: Input" && [ ! -e ran ]
}
other_kernels
result $? other_kernels

fairness() {
	on MOCK_KERNEL=full 0 run --fair -v f true && grep -qE "after [0-9.]+ s$" "$err" &&
		on MOCK_KERNEL=full 0 run --fair -v -w 9 f true &&
		grep -qE "after [0-9.]+ s$" "$err" &&
		on MOCK_KERNEL=timed 0 run --fair -v f true &&
		grep -qE "after [0-9.]+ s; this kernel has no fair waiting$" "$err" &&
		on MOCK_KERNEL=stock 0 run --fair -v -w 9 f true &&
		grep -qE "after [0-9.]+ s, by polling; this kernel has no fair waiting$" "$err" &&
		on MOCK_KERNEL=stock 0 run --fair f true && silent || return 1
	# Without end it waits by another command than others.
	MOCK_KERNEL=full on MOCK_ERRNO=38:5 0 run --fair f true && silent &&
		MOCK_KERNEL=full on MOCK_ERRNO=38:5 71 run f true
}
fairness
result $? fairness

# ---- locks that are told by the mock, on two files and a /proc of its own ----

opens() { # PID COMMAND FD FILE COOKIE-OF-OPEN-FILE COOKIE-OF-PROCESS
	mkdir -p "proc/$1/fd" "proc/$1/fdinfo" && printf '%s\n' "$2" >"proc/$1/comm" &&
		ln -s "$PWD/$4" "proc/$1/fd/$3" &&
		printf 'pos:\t0\nino:\t%s\nlock-owner:\t%016x %016x\n' "$(stat -c %i "$4")" \
			"$5" "$6" >"proc/$1/fdinfo/$3"
}

is_locked() { # FILE OWNER START LEN AGE TYPE FLAGS PID; types: 0 read, 1 write; flags: 1 held, 2
	# waiting, and 4 private, 8 classic, 10 flock, 20 there are more, 40 of one thread
	echo "$(stat -c %i "$1") $2 $3 $4 $5 $6 $7 $8" >>locks
}

told() { # EXPECTED-STATUS ARGUMENT...
	MOCK_LOCKS=$PWD/locks MOCK_PROC=$PWD/proc on MOCK_KERNEL=full "$@"
}

# 1 and 2 have a, of which 2 waits for b; 3 and 4 have b, of which 4 waits for a; 5 has others.
abba() {
	: >a
	: >b
	: >locks
	mkdir proc && opens 1 init 3 a 0xa1 0xc1 && opens 2 "x\"y\\z" 3 a 0xa1 0xc2 &&
		opens 2 "x\"y\\z" 4 b 0xb2 0xc2 && opens 3 fplock 3 b 0xb1 0xc3 &&
		opens 4 "$(printf 'n\n\377')" 3 b 0xb1 0xc4 && opens 4 sh 4 a 0xa2 0xc4 &&
		opens 5 vi 5 a 0xa5 0xc5 && opens 5 vi 6 a 0xa6 0xc5 || return 1
	is_locked a a1 0 100 5000000000 1 5 1
	is_locked a c5 200 0 3725000000000 0 9 5
	is_locked a a6 0 0 90000000000 1 11 5
	is_locked a a2 10 1 4000000001 1 46 4
	is_locked b b1 0 0 4900000000 1 5 3
	is_locked b b2 7 0 2500000 0 6 2
	for file in a b; do
		echo "1: -> OFDLCK ADVISORY WRITE -1 00:15:$(stat -c %i $file) 0 EOF" >>proc/locks
	done
}

columns() { # one space between the columns
	sed -E 's/  +/ /g' "$out" >"$scratch/columns"
	[ "$(cat "$scratch/columns")" = "$1" ] && return 0
	echo "expected: $1" >>"$err"
	return 1
}

first="process 1 (init) fd 3 and process 2 (x\"y\\134z) fd 3"
list_of_files() {
	abba && told 0 ls a b && columns "FILE STATE KIND TYPE RANGE AGE PROCESSES
a held private write 0:100 5.00 s $first
a held classic read 200:end 1 h 2 min process 5 (vi) fd 5, 6
a held flock write all 1 min 30 s process 5 (vi) fd 6
a waiting private write 10:1 4.00 s process 4 (sh) fd 4
b held private write all 4.90 s process 3 (fplock) fd 3 and process 4 (sh) fd 3
b waiting private read 7:end 0.0025 s process 2 (x\"y\\134z) fd 4" && [ ! -s "$err" ] &&
		awk 'NR == 1 { at = index($0, "PROCESSES") } END { exit bad }
			NR > 1 && index($0, "process ") != at { bad = 1 }' "$out" &&
		told 0 ls --range 50:100 a && [ "$(wc -l <"$out")" -eq 3 ] &&
		told 0 ls --range 100:1 b && [ "$(wc -l <"$out")" -eq 3 ] && : >c && told 0 ls c &&
		says "no locks" && told 66 ls none a && [ "$(wc -l <"$out")" -eq 5 ] &&
		grep -qx "fplock: none: No such file or directory" "$err" && told 66 ls none &&
		one_line_error "none: No such" && told 0 ls --pid 4 && columns \
"FILE STATE KIND TYPE RANGE AGE PROCESSES
$PWD/a waiting private write 10:1 4.00 s process 4 (sh) fd 4
$PWD/b held private write all 4.90 s process 3 (fplock) fd 3 and process 4 (sh) fd 3" &&
		told 66 ls --pid 6 && one_line_error "process 6: there is none" &&
		told 0 ls --pid 5 --range 0:10 &&
		[ "$(wc -l <"$out")" -eq 2 ]
}
list_of_files
result $? list

list_as_json() {
	abba && printf 'n\n\377' >proc/4/comm && printf 'Threads:\t2\n' >proc/4/status &&
		told 0 ls --json a b && json "d['all_seen'] and
		len(d['locks']) == 6 and d['locks'][1] == dict(file='a', state='held',
		kind='classic', type='read', start=200, length=None, age=3725.0,
		owner='00000000000000c5', asked_by=5, local_only=False, one_task=False,
		holders=[dict(pid=5, command='vi', fds=[5, 6], threaded=False)]) and
		d['locks'][0]['holders'][1]['command'] == 'x\"y\\\\z' and
		d['locks'][3]['holders'] == [dict(pid=4, command=r'n\012\377', fds=[4],
		threaded=True)] and
		d['locks'][3]['one_task'] and d['locks'][3]['age'] == 4.000000001" &&
		grep -q '4\.000000001' "$out" &&
		name=$(printf 'q"\\\n\377') && : >"$name" && told 0 ls --json "$name" &&
		json "d == dict(all_seen=True, locks=[])" && told 0 tree --json &&
		json "d['all_seen'] and [(e['from'], e['to'], e['edge'], e.get('more'))
		for e in d['edges']] == [(0, 5, 'has', None), (3, 0, 'waits', 0),
		(4, 3, 'has', None), (5, 4, 'waits', 0)] and d['circles'] == [[0, 3, 4, 5]]" &&
		told 66 ls --json none && json "d['locks'] == []"
}
list_as_json
result $? list_as_json

# What cannot be seen is said, once.
list_without_holders() {
	: >a
	: >locks
	mkdir -p proc/1 && opens 7 asker 3 a 1 2 || return 1
	for owner in 0 aa bb; do is_locked a $owner 0 1 1000000000 0 25 7; done
	is_locked a cc 0 1 1000000000 0 26 7
	is_locked a cc 0 1 1000000000 0 26 0
	is_locked a dd 0 1 1000000000 0 25 -9
	nobody="no process here: its open file is in a socket, or mapped, or the kernel's"
	told 0 ls a && [ "$(grep -c " $nobody (asked for by process 7 (asker))$" "$out")" -eq 2 ] &&
		[ "$(grep -c " another host$" "$out")" -eq 2 ] &&
		[ "$(grep -c " process 7 (asker)$" "$out")" -eq 1 ] &&
		[ "$(grep -c " $nobody$" "$out")" -eq 1 ] &&
		one_line_of_err "a filesystem has more of them elsewhere" || return 1
	: >proc/7/fd2
	mkdir proc/8 && : >proc/8/fd && told 0 ls a &&
		[ "$(grep -c " a process that may not be looked at" "$out")" -eq 3 ] &&
		[ "$(wc -l <"$err")" -eq 2 ] && grep -q "not all may be looked at" "$err" &&
		told 0 ls --pid 7 && [ "$(wc -l <"$out")" -eq 2 ] && grep -q waiting "$out" &&
		told 0 ls --json a && json "not d['all_seen'] and d['locks'][0]['local_only'] and
			d['locks'][4]['asked_by'] is None and d['locks'][5]['asked_by'] == -9 and
			d['locks'][5]['holders'] == []"
}
one_line_of_err() {
	[ "$(wc -l <"$err")" -eq 1 ] && grep -qF -- "$1" "$err"
}
list_without_holders
result $? list_without_holders

second="process 3 (fplock) fd 3 and process 4 (sh) fd 3"
tree_of_waits() {
	abba && told 0 tree && says \
"$PWD/a: private write lock on bytes 0 to 99, held for 5.00 s by $first [circle 1]
  process 4 (sh) fd 4 waits for a private write lock on bytes 10 to 10, for 4.00 s [circle 1]
    $PWD/b: private write lock on all bytes, held for 4.90 s by $second [circle 1]
      process 2 (x\"y\\134z) fd 4 waits for a private read lock on byte 7 and up, for 0.0025 s \
[circle 1]
        $PWD/a: private write lock on bytes 0 to 99, held for 5.00 s by $first: circle 1 closes
1 circle" && told 0 tree b && says \
"b: private write lock on all bytes, held for 4.90 s by $second
  process 2 (x\"y\\134z) fd 4 waits for a private read lock on byte 7 and up, for 0.0025 s" ||
		return 1
	printf 'Threads:\t2\n' >proc/4/status
	doubt="process 4 has several threads, so that there may be no circle"
	told 0 tree && grep -qx "$doubt" "$out" && told 1 why a && grep -qx "$doubt" "$out" &&
		told 0 tree b && ! grep -qx "$doubt" "$out" || return 1
	# One that waits for another request only, and one on a file that nobody has open.
	is_locked b b9 7 5 1000000 1 6 9
	echo "1: -> FLOCK ADVISORY WRITE 9 00:15:1 0 EOF" >>proc/locks
	sed -i "/ b1 /d" locks
	told 0 tree b && says \
"process 2 (x\"y\\134z) fd 4 waits for a private read lock on byte 7 and up, for 0.0025 s
  process 9 waits for a private write lock on bytes 7 to 11, for 0.0010 s, behind the one above" &&
		told 0 tree && one_line_of_err "1 on which somebody waits cannot be found" &&
		told 66 tree none && : >locks && : >proc/locks && told 0 tree &&
		says "nobody waits" && told 0 tree a && says "nobody waits" && rm proc/locks &&
		told 71 tree &&
		one_line_error "/proc/locks: No such file"
}
tree_of_waits
result $? tree

# What stands in quotes is escaped; where dot is there it agrees.
tree_as_dot() {
	abba && is_locked b b5 50 1 1000000000 1 5 5 && file="q\"\\" && mv a "$file" || return 1
	for place in 4/fd/4 1/fd/3 2/fd/3; do ln -sf "$PWD/$file" proc/$place; done
	told 0 tree --dot && python3 - "$out" <<-'END' 2>"$err" || return 1
			import re, sys
			lines = open(sys.argv[1]).read().splitlines()
			assert (lines[0], lines[-1]) == ("digraph locks {", "}"), lines
			text = r'"(?:[^"\\]|\\["\\n])*"'
			word = rf'\w+=(?:\w+|{text})'
			for line in lines[1:-1]:
			    form = rf"\tn\d+(?: -> n\d+)? \[{word}(?:,{word})*\];"
			    assert re.fullmatch(form, line), line
			whole = "\n".join(lines)
			assert r'of ' in whole and r'q\"\\134\nheld for 5.00 s\n' in whole, whole
			assert r'(x\"y\\134z)' in whole
			assert len(re.findall("->.*color=red", whole)) == 4
			assert len(re.findall("->", whole)) == 5
		END
	! command -v dot >/dev/null || dot -Tsvg "$out" >"$scratch/svg" 2>"$err"
}
tree_as_dot
result $? tree_as_dot

explained() {
	abba && told 1 why a:10+5 && says \
"a: a write lock on bytes 10 to 14 would have to wait.
In the way is a private write lock on bytes 0 to 99, held for 5.00 s by $first.
  Process 2 (x\"y\\134z) fd 4 has itself waited 0.0025 s for a private read lock on byte 7 and up \
of $PWD/b.
    In its way is a private write lock on all bytes of $PWD/b, held for 4.90 s by $second.
      Process 4 (sh) fd 4 has itself waited 4.00 s for a private write lock on bytes 10 to 10 of a.
        In its way is a private write lock on bytes 0 to 99 of a, held for 5.00 s by $first: a \
circle, see above.
1 request waits before you." && told 1 why --range 200:1 a && says \
"a: a write lock on bytes 200 to 200 would have to wait.
In the way is a classic read lock on byte 200 and up, held for 1 h 2 min by process 5 (vi) fd 5, \
6." &&
		told 0 why --shared a:200+0 && says \
"a: a read lock on byte 200 and up can be had, nothing is in the way." && told 0 why a:100+100 &&
		told 1 why a && [ "$(grep -c "^In the way is" "$out")" -eq 2 ] &&
		told 66 why none:1+2 && one_line_error "none: No such file" && told 66 why a:5 &&
		one_line_error "a:5: No such" || return 1
	# Files whose names look like that.
	mv b a:10+5 && : >locks && is_locked a:10+5 bb 3 1 1000000000 1 5 3 && told 1 why a:10+5 &&
		grep -qF "a:10+5: a write lock on all bytes would" "$out" &&
		told 0 why a:10+5:0+3 &&
		grep -qF "a:10+5: a write lock on bytes 0 to 2 can" "$out" || return 1
	# Readers have it, and a writer waits.
	: >locks
	is_locked a a1 0 10 1000000000 0 5 1
	is_locked a a2 0 10 1000000000 1 6 4
	is_locked a a5 5 1 1000000000 1 6 5
	is_locked a a6 8 1 1000000000 0 6 5
	told 0 why --shared a:5+1 && says \
"a: a read lock on bytes 5 to 5 can be had, nothing is in the way.
2 requests wait before you; a fair one is not overtaken."
}
explained
result $? why

# The same facts. What has nothing to do with the question is left out.
explained_as_json() {
	abba && told 1 why --json a:10+5 && [ ! -s "$err" ] && json "
		list(d) == ['asked', 'free', 'in_the_way', 'requests_before', 'all_seen', 'locks',
			'edges', 'circles'] and
		d['asked'] == dict(file='a', type='write', start=10, length=5) and
		d['free'] is False and d['in_the_way'] == [dict(lock=0, more=0)] and
		d['requests_before'] == 1 and d['all_seen'] is True and
		[(l['file'], l['state'], l['owner']) for l in d['locks']] == [
			('a', 'held', '00000000000000a1'), ('a', 'waiting', '00000000000000a2'),
			('$PWD/b', 'held', '00000000000000b1'),
			('$PWD/b', 'waiting', '00000000000000b2')] and
		[(e['from'], e['to'], e['edge'], e.get('more')) for e in d['edges']] == [
			(0, 3, 'has', None), (1, 0, 'waits', 0), (2, 1, 'has', None),
			(3, 2, 'waits', 0)] and d['circles'] == [[0, 1, 2, 3]]" || return 1
	# A lock is told of as by ls.
	cp "$out" "$scratch/why" && told 0 ls --json a && json "
		[l for l in d['locks'] if l['owner'] == '00000000000000a1'] ==
		json.load(open('$scratch/why'))['locks'][:1]" || return 1
	is_locked a c5 210 5 1000000000 1 9 5
	told 1 why -j -s --range 200 a && json "
		d['asked'] == dict(file='a', type='read', start=200, length=None) and
		d['in_the_way'] == [dict(lock=0, more=0)] and d['requests_before'] == 0 and
		[l['owner'] for l in d['locks']] == ['00000000000000c5'] and
		d['locks'][0]['start'] == 210 and d['edges'] == d['circles'] == []" &&
		told 1 why --json a:200+0 && json "d['in_the_way'] == [dict(lock=0, more=1)] and
			len(d['locks']) == 1" &&
		told 1 why --json a && json "d['in_the_way'] == [dict(lock=0, more=0),
			dict(lock=1, more=1)] and len(d['locks']) == 5 and
			d['circles'] == [[0, 2, 3, 4]]" &&
		told 0 why --json a:100+100 && json "d['free'] is True and d['in_the_way'] ==
			d['locks'] == d['edges'] == d['circles'] == []" &&
		told 66 why --json none && one_line_error "none: No such file" || return 1
	# Nothing but requests: the one that is fair may be in the way of a later one.
	: >locks
	is_locked a a1 0 10 1000000000 0 5 1
	is_locked a a2 0 10 1000000000 1 6 4
	told 0 why --shared --json a:5+1 && json "d['free'] is True and d['in_the_way'] == [] and
		d['requests_before'] == 1 and [l['state'] for l in d['locks']] ==
		['held', 'waiting'] and [e['edge'] for e in d['edges']] == ['waits']" &&
		mkdir proc/8 && : >proc/8/fd && told 1 why --json a:5+1 &&
		json "d['all_seen'] is False" && grep -q "not all may be looked at" "$err"
}
explained_as_json
result $? why_as_json

lists_of_other_kernels() {
	: >f
	for kernel in timed stock remote old; do
		for words in "ls f" "ls --json f" "ls none" "ls --pid 1" tree "tree f" "why f"; do
			# shellcheck disable=SC2086 # words
			on MOCK_KERNEL=$kernel 69 $words && one_line_error "fplock: locks: this \
kernel does not list them; see 'fplock probe'" || return 1
		done
	done
	on MOCK_ERRNO=1089:13 71 ls f && one_line_error "f: its locks cannot be listed: Permission"
}
lists_of_other_kernels
result $? lists_of_other_kernels

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
	words=
	for command in run test ls tree why probe; do
		words="$words $(options_of $command)"
	done
	words="$words $(grep -oE '"[a-z_]+":' "$out" | tr -d '":')"
	release
	run 0 probe --json || return 1
	words="$words $(grep -oE '"[a-z_]+":' "$out" | tr -d '":')"
	abba || return 1
	for command in "0 tree" "1 why"; do
		# shellcheck disable=SC2086 # words
		told $command --json a || return 1
		words="$words $(grep -oE '"[a-z_]+":' "$out" | tr -d '":')"
	done
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
	for command in run test ls tree why probe; do
		offered "$(printf %.2s "$command")" && grep -qx "$command" "$out" || return 1
		offered "$command" -- && [ "$(sort "$out")" = "$(options_of $command)" ] || return 1
	done
	touch file && offered run "fi" && grep -qx file "$out" && offered "test" -s "fi" &&
		grep -qx file "$out" && offered probe --need = ti && grep -qx timed "$out" &&
		offered probe -N pr && grep -qx private "$out" && offered run -w 3 file -- pri &&
		grep -qx printf "$out" && offered run file pri && grep -qx printf "$out" &&
		offered run --wait = 3 file -- awk x && grep -qx "program at 7" "$out" &&
		offered run --range 1 : 2 file awk -x && grep -qx "program at 7" "$out" &&
		offered ls "fi" && grep -qx file "$out" && offered why -s "fi" &&
		grep -qx file "$out" && offered tree a "fi" && grep -qx file "$out" &&
		offered ls --pid "" && grep -qx $$ "$out" && offered probe --need = li &&
		grep -qx listed "$out" && offered run -E "" && ! grep -q . "$out"
}
if command -v bash >/dev/null; then
	completion
	result $? bash_completion
else
	skip bash_completion "bash is not installed"
fi

[ "$count" -eq "$plan" ] || echo "# $count tests ran, $plan were planned"
[ "$count" -eq "$plan" ] && [ "$failed" -eq 0 ]
