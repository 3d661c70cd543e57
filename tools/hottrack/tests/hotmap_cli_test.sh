#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What people and scripts see of hotmap: pictures, JSON, recordings, messages, manual, completion.
# Usage: hotmap_cli_test.sh FOLDER_OF_THE_PROGRAMS; prints TAP. The kernel is played by lib_mock.c.
here=$(cd "$(dirname "$0")/.." && pwd) || exit 1
programs=$(cd "$1" && pwd) || exit 1
hotmap=$programs/hotmap
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
unset COLUMNS HOT_MOCK NO_COLOR COLORTERM
export LC_ALL=C.UTF-8 TZ=UTC

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
		cut -c 1-1000 "$scratch/out" "$scratch/err" | sed 's/^/# /'
		failed=$((failed + 1))
	fi
}

skip() { # NAME REASON
	count=$((count + 1))
	echo "ok $count - $1 # SKIP $2"
}

mocked() { # COMMAND...: on the kernel of the mock
	HOT_MOCK=$scratch/state LD_PRELOAD=$programs/libmock.so "$@"
}

kernel() { # a new one, from the script on standard input
	rm -f "$scratch/state"
	cat >"$scratch/state.txt"
}

run() { # EXPECTED-STATUS ARGUMENT...
	wanted=$1
	shift
	mocked "$hotmap" "$@" >"$scratch/out" 2>"$scratch/err" </dev/null
	got=$?
	[ "$got" -eq "$wanted" ] && return 0
	echo "exit status $got, expected $wanted: hotmap $*" >>"$scratch/err"
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
		grep -q -- "hotmap --help" "$scratch/err"
}

json() { # PYTHON-CONDITION on the object, its samples, the files of the first, and their names
	python3 -c "
import json, sys
d = json.loads(open(sys.argv[1], 'rb').read().decode('utf-8', 'strict'))
samples = d['samples']
files = samples[0]['files']
names = [f['name'].replace(sys.argv[2] + '/', '') for f in files]
assert ($1), d" "$scratch/out" "$files" 2>>"$scratch/err"
}

python() { # PROGRAM, with the file as sys.argv[1]
	python3 -c "$1" "$2" 2>>"$scratch/err"
}

files=$scratch/files
bad=$(printf 'bad\033[31m<&>\377')
mkdir "$files" && truncate -s 4M "$files/a" && truncate -s 3000 "$files/b c" &&
	truncate -s 40G "$files/$bad" && truncate -s 100M "$files/ä" || exit 1

standard_kernel() {
	kernel <<-EOF
		on
		half_life 100000
		file 100 20 4096000 100 0 0 $files/a
		file 1.5 0.25 1000 3145728 0 0 $files/b c
		file 0 300 0 1228800 0 0 $files/$bad
		file 5 1 20480 4096 0 10000 $files/ä
		range 0 90 10 0 $files/a
		range 2097152 10 9 0 $files/a
		range 0 1.5 0.25 0 $files/b c
		range 3145728 0 33 0 $files/$bad
		range 42948624384 0 250 0 $files/$bad
		range 1048576 5 1 0 $files/ä
	EOF
}

standard_kernel
LC_ALL=C run 0 show --files 3 "$files" && [ ! -s "$scratch/err" ] &&
	! LC_ALL=C grep -q '[^ -~]' "$scratch/out" && [ "$(wc -L <"$scratch/out")" -le 80 ] &&
	grep -qE "^3 of 4 files with heat, reads \+ writes, 20[-0-9]+ [:0-9]+$" "$scratch/out" &&
	grep -qE '^file +requests +bytes$' "$scratch/out" &&
	grep -qE '/a +#{10}\.{9}\+{11}\.{9} +120 +4M$' "$scratch/out" &&
	grep -qE ' \*\.{37}@ +300 +40G$' "$scratch/out" &&
	grep -qE ' +0% +25% +50% +75% +100%$' "$scratch/out" &&
	grep -q 'requests (half-life 100s) of the hottest 1M range in each cell' "$scratch/out"
result $? plain_text_without_a_terminal

run 0 show --by reads --bytes --hottest 50 --width 100 "$files" &&
	[ "$(wc -L <"$scratch/out")" -le 100 ] && grep -q ', reads, 20' "$scratch/out" &&
	grep -q '>=50$' "$scratch/out" && grep -q 'offset in the file, bytes' "$scratch/out" &&
	grep -qE '/a +@\*\. +100 +4M$' "$scratch/out" && ! grep -q '300 ' "$scratch/out"
result $? by_reads_on_one_scale

run 0 show "$files/a" && grep -qxF "$files/a" "$scratch/out" &&
	grep -q '^120 requests, 4M bytes, ' "$scratch/out" &&
	grep -qE '^ +0 @+\.+$' "$scratch/out" && grep -qE '^ +2M =+\.+$' "$scratch/out"
result $? one_file

# Characters with two cells, in any of the colours.
run 0 show --colors true "$files" && grep -q "$(printf '\033\\[48;2;[0-9]*;[0-9]*;[0-9]*m')" \
	"$scratch/out" && grep -q '▌' "$scratch/out" && mv "$scratch/out" "$scratch/dark" &&
	run 0 show --colors true --light "$files" && ! cmp -s "$scratch/dark" "$scratch/out" &&
	run 0 show --colors 256 "$files" &&
		grep -q "$(printf '\033\\[48;5;[0-9]*m')" "$scratch/out" &&
	LC_ALL=C run 0 show --colors 256 "$files" && ! grep -q '▌' "$scratch/out" &&
	grep -q "$(printf '\033\\[48;5;[0-9]*m')" "$scratch/out"
result $? colours

on_terminal() { # WIDTH VARIABLE=VALUE...: what hotmap prints there
	width=$1
	shift
	HOT_MOCK=$scratch/state LD_PRELOAD=$programs/libmock.so python3 -c '
import fcntl, os, pty, struct, sys, termios
pid, fd = pty.fork()
if not pid:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 40, int(sys.argv[1]), 0, 0))
    os.environ.update(a.split("=", 1) for a in sys.argv[4:])
    os.execv(sys.argv[2], [sys.argv[2], "show", sys.argv[3]])
text = b""
try:
    while part := os.read(fd, 65536):
        text += part
except OSError:
    pass
sys.stdout.buffer.write(text.replace(b"\r\n", b"\n"))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))' \
		"$width" "$hotmap" "$files" "$@" >"$scratch/out" 2>"$scratch/err"
}
plain_width() { # without the colours
	sed "s/$(printf '\033')\\[[0-9;]*m//g" "$scratch/out" | wc -L
}
on_terminal 111 TERM=xterm-256color && grep -q '\[48;5;' "$scratch/out" &&
	[ "$(plain_width)" -eq 111 ] &&
	on_terminal 60 TERM=xterm-256color COLORTERM=truecolor &&
		grep -q '\[48;2;' "$scratch/out" &&
	[ "$(plain_width)" -eq 60 ] &&
	on_terminal 70 TERM=xterm-256color NO_COLOR=1 && ! grep -q '\[48' "$scratch/out" &&
	on_terminal 70 TERM=vt100 && ! grep -q '\[48' "$scratch/out" && [ "$(plain_width)" -eq 70 ]
result $? what_the_terminal_has

COLUMNS=70 run 0 show "$files" && [ "$(wc -L <"$scratch/out")" -eq 70 ]
result $? columns_of_the_environment

well_formed() { # FILE: also no text that XML does not allow, and pictures for each cell
	python "
import sys
import xml.etree.ElementTree as tree
root = tree.parse(sys.argv[1]).getroot()
assert root.tag.endswith('}svg') and root.get('viewBox') == '0 0 $2', root.attrib
assert sum(1 for e in root.iter() if e.tag.endswith('}path')) > 100" "$1"
}
run 0 show --output "$scratch/x.svg" "$files" && [ ! -s "$scratch/out" ] &&
	well_formed "$scratch/x.svg" "1200 800" &&
	run 0 show --format svg --size 640x320 --dark "$files" &&
		cp "$scratch/out" "$scratch/y.svg" &&
	well_formed "$scratch/y.svg" "640 320"
result $? svg_is_well_formed

png_size() { # FILE
	python "
import struct, sys
d = open(sys.argv[1], 'rb').read()
assert d[:8] == b'\x89PNG\r\n\x1a\n' and d[-8:-4] == b'IEND'
print(*struct.unpack('>II', d[16:24]))" "$1"
}
run 0 show -o "$scratch/x.png" "$files" && [ "$(png_size "$scratch/x.png")" = "1200 800" ] &&
	run 0 show -f png --size 900x700 "$files" &&
	[ "$(png_size "$scratch/out")" = "900 700" ]
result $? png

run 0 show --json "$files" && [ ! -s "$scratch/err" ] &&
	json "d['by'] == 'total' and d['interval_ms'] == 0 and len(samples) == 1" &&
	json "names[1:] == ['a', '(inode $(stat -c %i "$files/ä"), name unknown)', 'b c']" &&
	json "names[0] == 'bad\\\\033[31m<&>\\\\377'" &&
	json "files[1] == dict(name='$files/a', size=4194304, heat=120, reads=100, writes=20,
		ranges=[dict(offset=0, heat=100, reads=90, writes=10),
			dict(offset=2097152, heat=19, reads=10, writes=9)])" &&
	json "{k: v for k, v in samples[0].items() if k not in ('files', 'time_ms')} == dict(
		half_life_ms=100000, range_length=1048576, files_with_heat=4,
		ranges_left_out_below=0)" &&
	json "abs(samples[0]['time_ms'] / 1000 - $(date +%s)) < 600" &&
	run 0 show --json --by writes --files 1 -o "$scratch/x.json" "$files" &&
	mv "$scratch/x.json" "$scratch/out" && json "d['by'] == 'writes' and len(files) == 1 and
		files[0]['heat'] == 300 and files[0]['ranges'][1]['offset'] == 42948624384"
result $? json

run 0 show --search --json "$files" && json "names[2] == 'ä'"
result $? search

kernel <<-EOF
	on
EOF
run 0 show "$files" && grep -qx 'No file has heat.' "$scratch/out" &&
	run 0 show --json "$files" && json "files == []" &&
	run 0 show -o "$scratch/none.svg" "$files" && run 0 show "$files/a" &&
	grep -qE '^ +0 \.+$' "$scratch/out"
result $? no_heat_yet

# ---- recordings ----

standard_kernel
rm -f "$scratch/r"
run 0 record --interval 100ms --duration 1s "$files" "$scratch/r" &&
	[ ! -s "$scratch/out" ] && [ ! -s "$scratch/err" ] &&
	[ "$(stat -c %a "$scratch/r")" = 600 ] &&
	run 0 render --json "$scratch/r" && json "2 <= len(samples) <= 11" &&
	json "d['interval_ms'] == 100 and names[1] == 'a'" &&
	json "all(b['time_ms'] >= a['time_ms'] and b['files'] == a['files']
		for a, b in zip(samples, samples[1:]))"
result $? record

cp "$scratch/r" "$scratch/r.before" && run 3 record "$files" "$scratch/r" &&
	one_line_error "$scratch/r" "not overwritten" && cmp "$scratch/r" "$scratch/r.before"
result $? does_not_overwrite

run 0 render "$scratch/r" && grep -q '^Hottest files of .* over time$' "$scratch/out" &&
	grep -q 'a sample every 100ms' "$scratch/out" &&
	run 0 render --output "$scratch/r.svg" "$scratch/r" &&
		well_formed "$scratch/r.svg" "1200 800" &&
	run 0 render --file "/a" --output "$scratch/r.png" "$scratch/r" &&
	[ "$(png_size "$scratch/r.png")" = "1200 800" ] &&
	run 0 render --file /a "$scratch/r" && grep -qF "$files/a over time" "$scratch/out" &&
	grep -q '^at most 120 requests, 4M bytes' "$scratch/out"
result $? render

run 0 render --at 0 "$scratch/r" && grep -q 'a  *#########' "$scratch/out" &&
	run 0 render --at 1h --json "$scratch/r" && json "len(samples) == 1" &&
	run 0 render --json --file "b c" "$scratch/r" && json "names == ['b c']" &&
	run 0 render --json --files 2 "$scratch/r" && json "len(files) == 2"
result $? part_of_a_recording

run 0 record --interval 100ms --duration 1s "$files/a" "$scratch/one" &&
	run 0 render "$scratch/one" && grep -qF "$files/a over time" "$scratch/out" &&
	run 0 replay "$scratch/one" && grep -q '^120 requests, 4M bytes, ' "$scratch/out"
result $? record_one_file

run 0 replay "$scratch/r" &&
	[ "$(grep -c '^Hottest files of' "$scratch/out")" -ge 2 ]
result $? replay

mocked "$hotmap" record --interval 100ms --duration 1s "$files" - 2>"$scratch/err" </dev/null |
	"$hotmap" render --json - >"$scratch/out" 2>>"$scratch/err" && [ ! -s "$scratch/err" ] &&
	json "len(samples) >= 2 and names[1] == 'a'"
result $? through_a_pipe

# Ends at a signal, properly; and what is killed leaves all but the last sample.
ended() { # SIGNAL EXPECTED-STATUS
	rm -f "$scratch/s"
	HOT_MOCK=$scratch/state LD_PRELOAD=$programs/libmock.so "$hotmap" record --interval 100ms \
		"$files" "$scratch/s" >"$scratch/out" 2>"$scratch/err" </dev/null &
	pid=$!
	while [ "$(stat -c %s "$scratch/s" 2>/dev/null || echo 0)" -lt 500 ]; do
		kill -0 $pid 2>/dev/null || return 1
		sleep 0.1
	done
	kill "-$1" $pid
	{ wait $pid; } 2>/dev/null
	[ $? -eq "$2" ] && run 0 render --json "$scratch/s" && json "len(samples) >= 1"
}
ended TERM 0 && [ ! -s "$scratch/err" ] && ended HUP 0 && [ ! -s "$scratch/err" ] && ended KILL 137
result $? signals

head -c "$(($(stat -c %s "$scratch/r") - 3))" "$scratch/r" >"$scratch/cut"
run 0 render --json "$scratch/r" && samples=$(grep -c '"time_ms"' "$scratch/out") &&
	run 0 render --json "$scratch/cut" && json "len(samples) == $samples - 1" &&
	grep -q "ends in the middle of a sample.*samples: $((samples - 1))$" "$scratch/err"
result $? cut_off_recording

cp "$scratch/r" "$scratch/wrong" &&
	printf x | dd of="$scratch/wrong" bs=1 seek=$(($(stat -c %s "$scratch/r") - 3)) \
		conv=notrunc \
		2>/dev/null &&
	run 4 render "$scratch/wrong" && grep -q '^Hottest files' "$scratch/out" &&
	grep -q "damaged: a checksum is wrong; .*samples: $((samples - 1))$" "$scratch/err" &&
	run 4 render "$here/hotmap.8" && one_line_error "not a recording" &&
	run 4 render /dev/null && one_line_error "not a recording" &&
	run 4 render "$scratch/none" && one_line_error "No such file" &&
	run 4 render "$files" && one_line_error "$files" &&
	run 4 render --file nowhere "$scratch/r" && one_line_error "no file has that"
result $? damaged_recordings

# ---- what can be wrong ----

says() { # STATUS TEXT: show and record of a filesystem and of a file
	rm -f "$scratch/new"
	for path in "$files" "$files/a"; do
		run "$1" show "$path" && one_line_error "$2" "hotmap: " &&
			run "$1" record "$path" "$scratch/new" && one_line_error "$2" || return 1
	done
	[ ! -e "$scratch/new" ]
}
echo "error 60 25" | kernel && says 5 "the running kernel has no hot tracking" &&
	echo "error 60 95" | kernel && says 5 "not on a block device" &&
	echo "half_life 1000" | kernel && says 7 "turn it on with 'hotctl on'"
result $? kernel_that_cannot

printf 'on\nerror 63 1\n' | kernel && run 8 show "$files" && one_line_error "not permitted" &&
	printf 'on\nerror 61 1\n' | kernel && run 8 show "$files/a" &&
		one_line_error "not permitted" &&
	run 4 show "$scratch/none" && one_line_error "No such file" &&
	run 4 show /dev/null && one_line_error "neither a folder nor a regular file"
result $? not_permitted

standard_kernel
full_disk() { # ARGUMENT...
	mocked "$hotmap" "$@" >/dev/full 2>"$scratch/err" </dev/null
	[ $? -eq 3 ] && : >"$scratch/out" && one_line_error "No space left"
}
full_disk show "$files" && full_disk show -f svg "$files" && full_disk show -f png "$files" &&
	full_disk show --json "$files" && full_disk record "$files" - &&
	run 3 show -o /dev/full -f svg "$files" && one_line_error /dev/full "No space left" &&
	run 3 record "$files" /dev/full && one_line_error /dev/full "No space left" &&
	run 3 show -o "$scratch/none/x.svg" "$files" && one_line_error "No such file"
result $? full_disk

bad_line() { # TEXT ARGUMENT...
	text=$1
	shift
	run 2 "$@" && usage_error "$text"
}
bad_line "wanted a command" && bad_line "'shew' is no command" shew && bad_line "--bogus" --bogus &&
	bad_line "'b'" show a b && bad_line "record PATH RECORDING" record "$files" &&
	bad_line "render RECORDING" render && bad_line "not for 'show'" show --interval 1s &&
	bad_line "not for 'show'" show --file x && bad_line "not for 'record'" record --dark a b &&
	bad_line "not for 'replay'" replay --at 1s x &&
		bad_line "not for 'replay'" replay --json x &&
	bad_line "'x.gif'" show -o x.gif && bad_line "'gif'" show -f gif &&
	bad_line "'10x10'" show --size 10x10 && bad_line "'1200x800x'" show --size 1200x800x &&
	bad_line "'1200'" show --size 1200 && bad_line "'20000x800'" show --size 20000x800 &&
	bad_line "'39'" show --width 39 && bad_line "'red'" show --colors red &&
	bad_line "'0'" show --files 0 && bad_line "'1001'" show --files 1001 &&
	bad_line "'heat'" show --by heat && bad_line "'nan'" show --hottest nan &&
	bad_line "'0'" show --hottest 0 && bad_line "'1e9'" show --hottest 1e9 &&
	bad_line "'99ms'" record --interval 99ms a b && bad_line "'1x'" record --interval 1x a b &&
	bad_line "'0'" record --duration 0 a b && bad_line "excludes" render --at 1 --file x y
result $? wrong_command_lines

manual_is_complete() {
	sed -e 's/\\-/-/g' "$here/hotmap.8" >"$scratch/page"
	run 0 show --json "$files" || return 1
	names=$(python3 -c "
import json, sys
d = json.load(open(sys.argv[1]))
s = d['samples'][0]
print(*d, *s, *s['files'][0], *s['files'][0]['ranges'][0])" "$scratch/out")
	options=$("$hotmap" --help | grep -oE -- '--[a-z-]+' | sort -u)
	codes=$("$hotmap" --help | sed -n 's/^  \([0-9]\)  .*/\1/p')
	for word in $names $options $codes; do
		grep -qw -e "$word" "$scratch/page" && continue
		echo "no $word" >"$scratch/err"
		return 1
	done
	[ "$(echo "$codes" | wc -l)" -eq 7 ] && "$hotmap" --version | grep -qE '^hotmap [0-9.]+$' &&
		"$hotmap" --help | grep -q '^  hotmap record'
}
manual_is_complete
result $? manual_names_every_word

offered() { # WORD...: what bash offers for the last one
	bash -c '
		. "$1" || exit 1
		shift
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		_hotmap hotmap "${@: -1}" "${@: -2:1}"
		printf "%s\n" "${COMPREPLY[@]}"' bash "$here/hotmap.bash-completion" hotmap \
		"$@" >"$scratch/out" 2>"$scratch/err"
}
# Each option is offered where the command takes it, and nowhere else.
options_offered() {
	for command in show record render replay; do
		for option in --files=1 --by=reads --bytes --hottest=1 --file=x --at=1 --search \
			--output=x.svg --format=svg --json --size=1200x800 \
				--dark --light --width=80 \
			--colors=none --interval=1 --duration=1; do
			"$hotmap" "$command" "$option" "$scratch/none" 2>&1 |
				grep -q "not for '$command'" && taken=1 || taken=0
			offered "$command" "${option%=*}"
			grep -qx -- "${option%=*}" "$scratch/out"
			[ $? -eq "$taken" ] && continue
			echo "$command $option" >>"$scratch/err"
			return 1
		done
	done
}
if command -v bash >/dev/null; then
	offered re && [ "$(tr '\n' ' ' <"$scratch/out")" = "record render replay " ] &&
		offered show --by wr && grep -qx writes "$scratch/out" &&
		offered show --colors = 2 && grep -qx 256 "$scratch/out" &&
		offered show --files "" && ! grep -q . "$scratch/out" &&
		offered show "$files/b" && grep -qx "$files/b c" "$scratch/out" &&
		offered show --output "$files/a" && grep -qx "$files/a" "$scratch/out" &&
			options_offered
	result $? bash_completion
else
	skip bash_completion "bash is not installed"
fi

[ "$count" -eq "$plan" ] || echo "# $count tests ran, $plan were planned"
[ "$count" -eq "$plan" ] && [ "$failed" -eq 0 ]
