#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What people and scripts see of hottop: tables, JSON, messages, manual, completion.
# Usage: hottop_cli_test.sh FOLDER_OF_THE_PROGRAMS; prints TAP. The kernel is played by lib_mock.c.
here=$(cd "$(dirname "$0")/.." && pwd) || exit 1
programs=$(cd "$1" && pwd) || exit 1
hottop=$programs/hottop
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
# A table is as wide as its terminal; here it has none.
unset COLUMNS HOT_MOCK
export LC_ALL=C.UTF-8

plan=24
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
	mocked "$hottop" "$@" >"$scratch/out" 2>"$scratch/err" </dev/null
	got=$?
	[ "$got" -eq "$wanted" ] && return 0
	echo "exit status $got, expected $wanted: hottop $*" >>"$scratch/err"
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
		grep -q -- "hottop --help" "$scratch/err"
}

json() { # PYTHON-CONDITION on the summary, the rows, and their names without the folder
	python3 -c "
import json, sys
d = json.loads(open(sys.argv[1], 'rb').read().decode('utf-8', 'strict'))
summary, = d.pop('summary')
(kind, rows), = d.items()
names = [r['name'].replace(sys.argv[2] + '/', '') for r in rows]
assert ($1), (kind, summary, rows)" "$scratch/out" "$files" 2>>"$scratch/err"
}

words() { # what was printed, with single blanks and without the folder
	sed -e "s|$files/||" -e 's/  */ /g' -e 's/^ //' -e 's/ $//' "$scratch/out" >"$scratch/words"
}

line() { # TEXT: one of the lines is just this
	grep -qxF -- "$1" "$scratch/words"
}

files=$scratch/files
bad=$(printf 'bad\033[31m\377')
mkdir "$files" && touch "$files/a" "$files/b c" "$files/$bad" "$files/q\"\\" "$files/ä" || exit 1
mount=$(stat -c %m "$files")

standard_kernel() {
	kernel <<-EOF
		on
		half_life 100000
		file 100 20 4096000 100 25000 0 $files/a
		file 1.5 0.25 1000 3145728 0 0 $files/b c
		file 0 300 0 1228800 9000000 2 $files/$bad
		file 7 0 28672 0 12500 0 $files/q"\\
		file 5 1 20480 4096 25000 10000 $files/ä
		range 0 90 10 25000 $files/a
		range 1074790400 9 9 0 $files/a
		range 3145728 0 33 25000 $files/$bad
	EOF
}

standard_kernel
run 0 "$files" && [ ! -s "$scratch/err" ] && words &&
	line "HEAT BAR READS WRITES READ WRITTEN AGE NAME" &&
	line '300.0 ████████ 0.00 300.0 0 1.17M 2h bad\033[31m\377' &&
	line "120.0 ███▎ 100.0 20.00 3.91M 100 25s a" &&
	line "1.75 ▏ 1.50 0.25 0.98K 3M <12s b c" &&
	line "7.00 ▏ 7.00 0.00 28K 0 12s q\"\\\\" &&
	line "6.00 ▏ 5.00 1.00 20K 4K 25s (inode $(stat -c %i "$files/ä"), name unknown)" &&
	[ "$(sed -n '2,6s/ .*//p' "$scratch/words" | tr '\n' ' ')" = "300.0 120.0 7.00 6.00 1.75 " ]
result $? table

line "$mount: files by total, half-life 100s, ranges of 1M" &&
	line "5 files (640 of 1M), 3 of 2048 ranges (48K), 0 dropped, 0+0 evicted, 0 requests"
result $? sums

run 0 --ranges "$files" && words && line "HEAT BAR READS WRITES OFFSET AGE NAME" &&
	line "100.0 ████████ 90.00 10.00 0 25s a" &&
	line "18.00 █▌ 9.00 9.00 1025M <12s a" &&
	line '33.00 ██▋ 0.00 33.00 3M 25s bad\033[31m\377' &&
	line "$mount: ranges by total, half-life 100s, ranges of 1M"
result $? ranges

LC_ALL=C run 0 "$files" && ! LC_ALL=C grep -q '[^ -~]' "$scratch/out" && words &&
	line "120.0 ### 100.0 20.00 3.91M 100 25s a"
result $? plain_ascii_terminal

run 0 --columns name,HEAT,inode,req/s,HANDLE,length --rows 2 "$files" && words &&
	line "NAME HEAT INODE REQ/S HANDLE LENGTH" && [ "$(wc -l <"$scratch/out")" -eq 6 ] &&
	grep -qE "^a 120.0 $(stat -c %i "$files/a") 0.83 [0-9a-f]{24} -$" "$scratch/words"
result $? columns

# ln 2 / 100 s * 120 requests
run 0 --json "$files" && [ ! -s "$scratch/err" ] &&
	json "kind == 'files' and summary == dict(mount_point='$mount', sort='total',
		half_life_ms=100000, range_length=1048576, requests=0, items=5, item_bytes=640,
		max_item_bytes=1048576, ranges=3, range_slots=2048, range_bytes=49152,
		max_range_bytes=1048576, evicted_items=0, evicted_ranges=0, dropped=0,
		scanned=5)" &&
	json "(lambda rate, handle: abs(rate - 0.831776617) < 1e-8 and len(handle) == 24)(
		rows[1].pop('requests_per_second'), rows[1].pop('handle')) and rows[1] ==
		dict(heat=120, reads=100, writes=20, bytes_read=4096000, bytes_written=100,
		age_ms=25000, offset=None, length=None, inode=$(stat -c %i "$files/a"),
		handle_type=0x42, name='$files/a', known='named', volatile=False, openable=True,
		path='$files/a', path_hex=None)" &&
	json "rows[4]['writes'] == 0.25 and rows[4]['reads'] == 1.5"
result $? json

json "rows[0]['path'] == '$files/bad\\x1b[31m\\ufffd' and rows[0]['volatile'] and
	bytes.fromhex(rows[0]['path_hex']) == b'$files/bad\\x1b[31m\\xff'" &&
	json "rows[2]['path_hex'] is None and rows[2]['path'] == '$files/q\"\\\\' and
		rows[2]['name'] == '$files/q\"\\\\\\\\'" &&
	json "rows[3]['path'] is None and rows[3]['known'] == 'nameless' and
		rows[3]['inode'] == $(stat -c %i "$files/ä")"
result $? json_of_hostile_names

run 0 --json --ranges "$files" && json "kind == 'ranges' and [(r['offset'], r['length'], r['heat'],
	r['bytes_read']) for r in rows] == [(0, 1 << 20, 100, None), (3 << 20, 1 << 20, 33, None),
	(1025 << 20, 1 << 20, 18, None)]"
result $? json_of_ranges

by() { # ORDER FIRST-LETTERS
	run 0 --json --sort "$1" "$files" && json "''.join(n[:2][-1] for n in names) == '$2'" &&
		json "summary['sort'] == '$1'"
}
# The second letters: a, a of bad, " of q", i of (inode, " " of b c. Of what has no reads, or no
# writes, the kernel does not tell.
by total 'aa"i ' && by reads 'a"i ' && by writes 'aai ' && by bytes 'a a"i' && by age ' "aia'
result $? sort_orders

run 0 --json --filter /b "$files" && json "[n[0] for n in names] == ['b', 'b']" &&
	run 0 --json --filter '\033[31m\377' "$files" && json "len(names) == 1" &&
	run 0 --json --min-heat 6.5 "$files" && json "[r['heat'] for r in rows] == [300, 120, 7]" &&
	run 0 --json --rows 1 --sort bytes "$files" && json "names == ['a']" &&
	run 0 --json --filter none "$files" && json "rows == []" &&
	run 0 --filter none "$files" && [ "$(wc -l <"$scratch/out")" -eq 2 ]
result $? filters

run 0 --search --json --filter ä "$files" &&
	json "names == ['ä'] and rows[0]['path'] == '$files/ä'"
result $? search_finds_names

rm "$files/q\"\\" && run 0 "$files" && words &&
	grep -qE '^7.00 .* \(a file that is no more\) 66:[0-9a-f]{24}$' "$scratch/words"
result $? file_that_is_no_more
touch "$files/q\"\\"

begin=$(date +%s)
run 0 --count 3 --interval 1 "$files" && [ $(($(date +%s) - begin)) -ge 2 ] &&
	[ "$(grep -c '^HEAT\|^ *HEAT' "$scratch/out")" -eq 3 ] &&
	run 0 --count 2 --interval 1 --json "$files" && python3 -c "
import json, sys
text, documents = open(sys.argv[1]).read(), []
while text.strip():
	document, end = json.JSONDecoder().raw_decode(text.strip())
	documents.append(document)
	text = text.strip()[end:]
assert len(documents) == 2 and documents[0]['files'] == documents[1]['files'] != []
" "$scratch/out" 2>>"$scratch/err"
result $? several_tables

# A signal ends it between two tables, and that is no error.
until_interrupted() {
	# Not mocked(): that would be a shell, which does not pass the signal on.
	HOT_MOCK=$scratch/state LD_PRELOAD=$programs/libmock.so "$hottop" --count 0 --interval 1 \
		"$files" >"$scratch/out" 2>"$scratch/err" </dev/null &
	for _ in $(seq 600); do
		[ "$(grep -c HEAT "$scratch/out")" -ge 2 ] && break
		sleep 0.1
	done
	kill $!
	wait $! && [ ! -s "$scratch/err" ] && [ "$(grep -c HEAT "$scratch/out")" -ge 2 ]
}
until_interrupted
result $? until_interrupted

kernel </dev/null
run 7 "$files" && one_line_error "is off" "hotctl on $mount" "--enable" &&
	run 7 --json "$files" && one_line_error "is off" && run 7 "$files"
result $? never_turned_on_silently

run 0 --enable "$files" && grep -q "^hottop: tracking of $mount is now on" "$scratch/err" &&
	[ "$(wc -l <"$scratch/err")" -eq 1 ] && grep -q "^0 files" "$scratch/out" &&
	run 0 --enable "$files" && [ ! -s "$scratch/err" ] &&
	run 0 "$files" && [ ! -s "$scratch/err" ]
result $? enable

fails() { # COMMAND ERRNO EXPECTED-STATUS TEXT
	{
		echo on
		echo "error $1 $2"
	} | kernel
	run "$3" "$files" && one_line_error "$4" "$mount"
}
fails 0x60 25 5 "no hot tracking" && fails 0x60 95 5 "block device" &&
	fails 0x63 1 8 "not permitted" && fails 0x63 13 8 "denied" && fails 0x63 12 3 "memory" &&
	fails 0x63 61 7 "hotctl on" && fails 0x63 19 7 "" && fails 0x60 5 4 "Input/output"
result $? exit_codes_of_kernel_errors

# A kernel that has it says so even to those who may not ask for more.
stock_kernel() {
	"$hottop" --once "$files" >"$scratch/out" 2>"$scratch/err"
	[ $? -eq 5 ] && one_line_error "no hot tracking"
}
if [ -d /sys/fs/hot_track ]; then
	skip kernel_without_hot_tracking "this one has it"
else
	stock_kernel
	result $? kernel_without_hot_tracking
fi

standard_kernel
run 4 "$scratch/none" && one_line_error "$scratch/none" "No such file" &&
	run 4 /dev/null && one_line_error /dev/null "neither a folder nor a regular file" &&
	mkfifo "$scratch/fifo" && run 4 "$scratch/fifo" && one_line_error "neither"
result $? wrong_paths

full_disk() { # ARGUMENT...
	mocked "$hottop" "$@" >/dev/full 2>"$scratch/err" </dev/null
	[ $? -eq 3 ] && : >"$scratch/out" && one_line_error "could not be written" "No space"
}
full_disk "$files" && full_disk --json "$files"
result $? full_disk

# Nobody reads any more.
mocked python3 -c '
import os, subprocess, sys
end, pipe = os.pipe()
os.close(end)
sys.exit(subprocess.run(sys.argv[1:], stdout=pipe).returncode)' "$hottop" "$files" \
	2>"$scratch/err" </dev/null
[ $? -eq 3 ] && one_line_error "could not be written" "Broken pipe"
result $? closed_pipe

bad_option() { # TEXT ARGUMENT...
	text=$1
	shift
	run 2 "$@" && usage_error "$text"
}
bad_option "--bogus" --bogus && bad_option "'path'" --sort path && bad_option "'0'" --rows 0 &&
	bad_option "'65537'" --rows 65537 && bad_option "'x'" --count x &&
	bad_option "'-1'" --count=-1 && bad_option "'0'" --count 2 --interval 0 &&
	bad_option "'3601'" --interval 3601 && bad_option "'nan'" --min-heat nan &&
	bad_option "'-1'" --min-heat=-1 && bad_option "'1e9'" --min-heat 1e9 &&
	bad_option "''" --min-heat '' && bad_option "'BOGUS'" --columns HEAT,BOGUS &&
	bad_option "''" --columns '' && bad_option "twice" --columns HEAT,heat &&
	bad_option "JSON" --json --columns HEAT && bad_option "'b'" a b &&
	bad_option "--live" --live --once && bad_option "terminal" --live &&
	bad_option "--interval" --once --interval 3 &&
	bad_option "127 bytes" --filter "$(printf '%0128d' 0)"
result $? wrong_options

manual_is_complete() {
	sed -e 's/\\-/-/g' "$here/hottop.8" >"$scratch/page"
	run 0 --json "$files" || return 1
	names=$(python3 -c "
import json, sys
d = json.load(open(sys.argv[1]))
print(*d, *d['summary'][0], *d['files'][0])" "$scratch/out")
	options=$("$hottop" --help | grep -oE -- '--[a-z-]+' | sort -u)
	codes=$("$hottop" --help | sed -n 's/^  \([0-9]\)  .*/\1/p')
	for word in $names $options $codes $(sed -n 's/.*words="\([A-Za-z/ ]*\)"$/\1/p' \
		"$here/hottop.bash-completion"); do
		grep -qw -e "$word" "$scratch/page" && continue
		echo "no $word" >"$scratch/err"
		return 1
	done
	[ "$(echo "$codes" | wc -l)" -eq 8 ] && "$hottop" --version | grep -qE '^hottop [0-9.]+$' &&
		"$hottop" --help | grep -q '^  hottop --ranges'
}
manual_is_complete
result $? manual_names_every_word

offered() { # WORD...: what bash offers for the last one
	bash -c '
		. "$1" || exit 1
		shift
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		_hottop hottop "${@: -1}" "${@: -2:1}"
		printf "%s\n" "${COMPREPLY[@]}"' bash "$here/hottop.bash-completion" hottop \
		"$@" >"$scratch/out" 2>"$scratch/err"
}
all_options_offered() {
	for option in $("$hottop" --help | grep -oE -- '--[a-z-]+' | sort -u); do
		offered "$option" && grep -qx -- "$option" "$scratch/out" || return 1
	done
}
if command -v bash >/dev/null; then
	all_options_offered && offered --sort wr && grep -qx writes "$scratch/out" &&
		offered --sort = by && grep -qx bytes "$scratch/out" &&
		offered --columns HEAT,NA && grep -qx HEAT,NAME "$scratch/out" &&
		offered --rows "" && ! grep -q . "$scratch/out" &&
		offered "$files/b" && grep -qx "$files/b c" "$scratch/out"
	result $? bash_completion
else
	skip bash_completion "bash is not installed"
fi

[ "$count" -eq "$plan" ] || echo "# $count tests ran, $plan were planned"
[ "$count" -eq "$plan" ] && [ "$failed" -eq 0 ]
