#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What people and scripts see of hotctl, on the kernel of lib_mock.c; and what programs see of the
# library. Usage: hotctl_cli_test.sh FOLDER_OF_THE_PROGRAMS; prints KTAP.
here=$(cd "$(dirname "$0")/.." && pwd) || exit 1
out=$1
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
state=$scratch/state
fs=$scratch/fs
mkdir "$fs" && echo 1 >"$fs/a" && echo 2 >"$fs/b c" && echo 3 >"$fs/cold" || exit 1

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

kernel() { # LINE...: a new kernel, which this is true of
	rm -f "$state"
	printf '%s\n' "$@" >"$state.txt"
}

hot_kernel() { # LINE...: with two files
	kernel on "file 10 2.5 4096 8192 3000 0 $fs/a" "file 1 0 4096 0 90000 2 $fs/b c" \
		"range 0 7 2.5 3000 $fs/a" "range 1048576 3 0 600000 $fs/a" "$@"
}

run() { # EXPECTED-STATUS ARGUMENT...
	wanted=$1
	shift
	LD_PRELOAD=$out/libmock.so HOT_MOCK=$state "$out/hotctl" "$@" \
		>"$scratch/out" 2>"$scratch/err" </dev/null
	got=$?
	[ "$got" -eq "$wanted" ] && return 0
	echo "exit status $got, expected $wanted: hotctl $*" >>"$scratch/err"
	return 1
}

silent() {
	[ ! -s "$scratch/out" ] && [ ! -s "$scratch/err" ]
}

one_line_error() { # TEXT...: each of them is in the only line
	[ ! -s "$scratch/out" ] && [ "$(wc -l <"$scratch/err")" -eq 1 ] || return 1
	for text; do
		grep -qF -- "$text" "$scratch/err" || return 1
	done
}

usage_error() { # TEXT ARGUMENT...
	text=$1
	shift
	run 2 "$@" && [ ! -s "$scratch/out" ] && grep -qF -- "$text" "$scratch/err" &&
		grep -q -- "hotctl --help" "$scratch/err"
}

json() { # PYTHON-CONDITION on d
	python3 -c "
import json, sys
d = json.load(open(sys.argv[1]))
assert ($1), d" "$scratch/out" 2>>"$scratch/err"
}

line() { # REGEXP
	grep -qE -- "$1" "$scratch/out"
}

kernel
run 0 status "$fs" && line ': off$' && run 0 on "$fs" && silent && run 0 status "$fs" &&
	line ': on$' && line 'half-life +10min' && line 'range size +1M' && run 0 off "$fs" &&
	silent && run 0 status "$fs" && line ': off$'
result $? on_and_off

run 0 on --half-life 1h --range-size 64K --range-memory 24M --item-memory 1M "$fs" &&
	run 0 status --json "$fs" && json "d['filesystems'][0]['half_life_ms'] == 3600000 and
		d['filesystems'][0]['range_size'] == 65536 and
		d['filesystems'][0]['max_range_bytes'] == 24 << 20 and
		d['filesystems'][0]['max_item_bytes'] == 1 << 20"
result $? on_with_limits

run 0 set --half-life 90s "$fs" && silent &&
	run 0 set --range-memory 96K --item-memory=512K "$fs" &&
	run 0 status --json "$fs" && json "d['filesystems'][0]['half_life_ms'] == 90000 and
		d['filesystems'][0]['max_range_bytes'] == 96 << 10 and
		d['filesystems'][0]['max_item_bytes'] == 512 << 10"
result $? set

run 1 on --range-size 1M "$fs" && one_line_error "$fs" "another range size" "off and on" &&
	run 0 on --range-size 64K "$fs"
result $? range_size_stays

kernel
run 0 status --json "$fs" "$fs/a" && json "[f['state'] for f in d['filesystems']] == ['off', 'off']
	and set(d['filesystems'][0]) == {'mount_point', 'state'}"
result $? status_of_several

run 7 set --half-life 1min "$fs" && one_line_error "$fs: hot tracking is off" "hotctl on $fs" &&
	run 7 reset "$fs" && run 7 file "$fs/a" && run 7 histogram "$fs" &&
	run 7 save "$fs" "$scratch/heat" && [ ! -e "$scratch/heat" ]
result $? tracking_is_off

kernel "error 0x60 25" && run 5 on "$fs" && one_line_error "has no hot tracking" &&
	run 5 status "$fs" && one_line_error "has no hot tracking" &&
	run 5 save "$fs" "$scratch/heat" && one_line_error "has no hot tracking" &&
	kernel "error 0x60 95" && run 5 on "$fs" && one_line_error "not on a block device"
result $? cannot_track

kernel "error 0x60 1" && run 8 on "$fs" && one_line_error "not permitted" "CAP_SYS_ADMIN" &&
	kernel on "error 0x67 1" && run 8 save "$fs" "$scratch/heat" &&
		one_line_error "not permitted" &&
	[ ! -e "$scratch/heat" ]
result $? not_permitted

kernel "error 0x60 12" && run 1 on "$fs" && one_line_error "nothing has changed" &&
	kernel "error 0x60 22" && run 1 on --item-memory 999G "$fs" &&
		one_line_error "half of memory"
result $? refused_limits

hot_kernel
run 0 file "$fs/a" "$fs/cold" && line "^$fs/a: heat 10.00 of reads, 2.50 of writes; 4K read, 8K" &&
	line '^ *1048576 +1M +3.00 +0.00 +10min' && line "^$fs/cold: no request" &&
	run 0 file "$fs/b c" && line 'leaves memory'
result $? file

run 0 file --json "$fs/a" "$fs/cold" "$fs/b c" && json "
	d['files'][0] == dict(path='$fs/a', reads=10, writes=2.5, bytes_read=4096,
		bytes_written=8192,
	age_ms=3000, tracked=True, volatile=False, openable=True, range_size=1 << 20,
	ranges=[dict(offset=0, reads=7, writes=2.5, age_ms=3000),
	dict(offset=1 << 20, reads=3, writes=0, age_ms=600000)]) and
	d['files'][1]['age_ms'] is None and not d['files'][1]['tracked'] and
	d['files'][2]['volatile']"
result $? file_json

run 4 file "$fs" && one_line_error "not a regular file" && run 4 file "$fs/none" &&
	one_line_error "No such file" && run 4 file "$fs/none" "$fs/a" && line "heat 10.00" &&
	run 4 status /dev/null && one_line_error "neither a folder nor a file" findmnt &&
	run 4 on "$fs/none"
result $? bad_paths

run 0 histogram "$fs" && line '^ *1 +2 +1 +#' && line '^ *8 +16 +1 +#' &&
	run 0 histogram --ranges --json --by writes "$fs" && json "
	sum(b['count'] for b in d['histogram']) == 2 and d['histogram'][0] == dict(**{'from': 0},
	to=1 / 256, count=1) and d['histogram'][-1] == dict(**{'from': 2}, to=4, count=1)"
result $? histogram

run 0 reset --file "$fs/a" && silent && run 0 file "$fs/a" && line "no request" &&
	run 0 file "$fs/b c" && line "heat 1.00" && run 0 reset "$fs" && run 0 histogram "$fs" &&
	line "nothing has heat" && run 0 histogram --json "$fs" && json "d == {'histogram': []}"
result $? reset

# The volatile one is not worth saving.
hot_kernel
run 0 save "$fs" "$scratch/heat" && silent && [ -s "$scratch/heat" ] && run 0 reset "$fs" &&
	run 0 load "$fs" "$scratch/heat" && silent && run 0 file --json "$fs/a" "$fs/b c" && json "
	(d['files'][0]['reads'], d['files'][0]['writes'], d['files'][0]['bytes_written']) ==
		(10, 2.5, 8192) and
	[(r['offset'], r['reads']) for r in d['files'][0]['ranges']] == [(0, 7), (1 << 20, 3)] and
	not d['files'][1]['tracked']" &&
	json "all(0 <= a['age_ms'] < 60000 for a in [d['files'][0], *d['files'][0]['ranges']])"
result $? save_and_load

# What was saved an hour ago has cooled for an hour: the kernel is told the time since then.
python3 - "$scratch/heat" "$scratch/older" <<-'END' 2>"$scratch/err"
	import struct, sys, zlib
	data = bytearray(open(sys.argv[1], "rb").read())
	at = 8 + 4 + 4 + 16 + 8
	saved, = struct.unpack_from("=Q", data, at)
	struct.pack_into("=Q", data, at, saved - 3600000)
	struct.pack_into("=I", data, 76, zlib.crc32(data[:76]))
	open(sys.argv[2], "wb").write(data)
	struct.pack_into("=Q", data, at, saved + 3600000)
	struct.pack_into("=I", data, 76, zlib.crc32(data[:76]))
	open(sys.argv[2] + ".future", "wb").write(data)
END
run 0 reset "$fs" && run 0 load "$fs" "$scratch/older" && run 0 file --json "$fs/a" &&
	json "3600000 <= d['files'][0]['age_ms'] < 3660000 and d['files'][0]['reads'] == 10" &&
	run 0 load "$fs" "$scratch/older.future" && one_line_error "clock is behind" &&
	run 0 file --json "$fs/a" && json "d['files'][0]['age_ms'] == 0"
result $? time_since_saving

kernel on "uuid 7" && run 1 load "$fs" "$scratch/heat" &&
	one_line_error "from another filesystem" "--force" && run 0 histogram "$fs" &&
	line "nothing" && run 0 load --force "$fs" "$scratch/heat" && silent &&
		run 0 file "$fs/a" &&
	line "heat 10.00" &&
	kernel on "uuid 0" && run 1 load "$fs" "$scratch/heat" && one_line_error "no UUID" "--force"
result $? another_filesystem

kernel "half_life 5000" && run 7 load "$fs" "$scratch/heat" &&
	one_line_error "hotctl on --half-life 10min --range-size 1M $fs" &&
	kernel on "half_life 5000" && run 0 load "$fs" "$scratch/heat" &&
	one_line_error "half-life is 5s now and was 10min" &&
	kernel on "range_shift 16" && run 0 load "$fs" "$scratch/heat" &&
	one_line_error "only the heat of files" && run 0 file --json "$fs/a" &&
	json "d['files'][0]['reads'] == 10 and not d['files'][0]['ranges']"
result $? other_settings

head -c 200 "$scratch/heat" >"$scratch/cut" && cp "$scratch/heat" "$scratch/damaged" &&
	printf x | dd of="$scratch/damaged" bs=1 seek=100 conv=notrunc 2>/dev/null
kernel on
run 4 load "$fs" "$scratch/cut" && one_line_error cut "cut off" &&
	run 4 load "$fs" "$scratch/damaged" && one_line_error damaged "is damaged" &&
	run 4 load "$fs" "$here/hotctl.8" && one_line_error "not a file of hotctl save" &&
	run 4 load "$fs" "$scratch/none" && one_line_error "No such file" &&
	run 4 load "$fs" /dev/null && one_line_error "not a regular file" &&
	run 0 histogram "$fs" && line "nothing has heat"
result $? damaged_files

hot_kernel "error 0x66 28" && run 1 load "$fs" "$scratch/heat" &&
	one_line_error "memory limit" "after 0 of 3 records" &&
	hot_kernel "error 0x66 22" && run 4 load "$fs" "$scratch/heat" &&
	one_line_error "record 1 of 3 as malformed"
result $? load_refused

# Each record is refused as that of a range without its file, and passed over.
hot_kernel "error 0x66 2" && run 0 load "$fs" "$scratch/heat" &&
	one_line_error "3 ranges were left out"
result $? ranges_without_their_file

hot_kernel
echo precious >"$scratch/precious"
run 3 save "$fs" "$scratch/no/folder" && one_line_error "$scratch/no/folder" "No such" &&
	run 3 save "$fs" /dev/full && one_line_error "not a regular file" &&
	kernel on "error 0x67 12" && run 1 save "$fs" "$scratch/precious" &&
	[ "$(cat "$scratch/precious")" = precious ] &&
	[ "$(find "$scratch" -name 'precious*' | wc -l)" -eq 1 ]
result $? save_leaves_what_was

hot_kernel
LD_PRELOAD=$out/libmock.so HOT_MOCK=$state "$out/hotctl" status "$fs" >/dev/full 2>"$scratch/err"
[ $? -eq 3 ] && : >"$scratch/out" && one_line_error "could not be written"
result $? full_disk

usage_error "no command" && usage_error "'frob'" frob && usage_error "PATH is missing" on &&
	usage_error "FILE is missing" save "$fs" && usage_error "'x'" off "$fs" x &&
	usage_error "off does not take --half-life" off --half-life 1s "$fs" &&
	usage_error "set does not take --range-size" set --range-size 1M "$fs" &&
	usage_error "nothing to set" set "$fs" && usage_error "'99d'" on --half-life 99d "$fs" &&
	usage_error "'999ms'" on --half-life 999ms "$fs" &&
		usage_error "'3M'" on --range-size 3M "$fs" &&
	usage_error "'32K'" on --range-size 32K "$fs" && usage_error "'10m'" on -l 10m "$fs" &&
	usage_error "'-1'" on --item-memory=-1 "$fs" &&
		usage_error "48K" on --range-memory 47K "$fs" &&
	usage_error "'99999999999T'" on --item-memory 99999999999T "$fs" &&
	usage_error "'neither'" histogram --by neither "$fs" &&
		usage_error "--bogus" on --bogus "$fs"
result $? wrong_usage

run 0 --help && grep -q "^Examples:" "$scratch/out" && grep -q "hotctl save /srv" "$scratch/out" &&
	run 0 --version && line '^hotctl [0-9]+\.[0-9]+\.[0-9]+$'
result $? help_and_version

manual_is_complete() {
	for page in hotctl.8 libhottrack.3; do
		MANWIDTH=80 man --warnings -l "$here/$page" >"$scratch/out" 2>"$scratch/err" &&
			[ ! -s "$scratch/err" ] &&
			! grep -E '^.{81}' "$scratch/out" >"$scratch/err" || return 1
	done
	sed 's/\\-/-/g' "$here/hotctl.8" >"$scratch/page"
	words=$("$out/hotctl" --help | grep -oE -- '--[a-z]+(-[a-z]+)?' | sort -u)
	hot_kernel
	for command in "status $fs" "file $fs/a" "histogram $fs"; do
		# shellcheck disable=SC2086 # words
		run 0 $command --json || return 1
		words="$words $(grep -oE '"[a-z_]+":' "$scratch/out" | tr -d '":')"
	done
	for word in $words; do
		grep -qw -e "$word" "$scratch/page" && continue
		echo "no $word" >"$scratch/err"
		return 1
	done
	functions=$(grep -oE 'hottrack_[a-z_]+' "$here/libhottrack.map")
	for word in $functions; do
		grep -q "$word(" "$here/libhottrack.3" && grep -q "$word(" "$here/hottrack.h" &&
			continue
		echo "no $word" >"$scratch/err"
		return 1
	done
}
if command -v man >/dev/null; then
	manual_is_complete
	result $? manuals_are_complete
else
	skip manuals_are_complete "man is not installed"
fi

# The program of libhottrack.3, with the shared library, which gives nothing but its interface.
example_works() {
	sed -n '/^#include <hottrack.h>$/,/^\.fi$/{/^\.fi$/d;s/\\-/-/g;s/\\e/\\/g;p}' \
		"$here/libhottrack.3" | sed "s|/srv|$fs|" >"$scratch/example.c"
	ln -s "$out/libhottrack.so.0" "$scratch/libhottrack.so"
	${CC:-cc} -Wall -Werror -I"$here" \
		-idirafter "$here/../../include/uapi" -o "$scratch/example" \
		"$scratch/example.c" -L"$scratch" -lhottrack >"$scratch/out" 2>"$scratch/err" &&
		hot_kernel && LD_PRELOAD=$out/libmock.so HOT_MOCK=$state LD_LIBRARY_PATH=$out \
		"$scratch/example" >"$scratch/out" 2>"$scratch/err" &&
		line "^ +12.5 $fs/a\$" && line "^ +1.0 $fs/b c\$" &&
		nm -D --defined-only "$out/libhottrack.so.0" >"$scratch/out" &&
		! grep -v -e ' hottrack_' -e ' HOTTRACK_1.0$' "$scratch/out" >"$scratch/err"
}
if command -v "${CC:-cc}" >/dev/null; then
	example_works
	result $? example_of_the_manual
else
	skip example_of_the_manual "no compiler"
fi

offered() { # WORD...: what bash offers for the last one
	bash -c '
		. "$1" || exit 1
		shift
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		_hotctl hotctl "${@: -1}" "${@: -2:1}"
		printf "%s\n" "${COMPREPLY[@]}"' bash "$here/hotctl.bash-completion" hotctl "$@" \
		>"$scratch/out" 2>"$scratch/err"
}
every_option_offered() {
	for command in on off status set reset save load file histogram; do
		offered "$(printf %.2s "$command")" && line "^$command\$" || return 1
		for option in $("$out/hotctl" --help | grep -oE -- '--[a-z]+(-[a-z]+)?' |
				sort -u); do
			offered "$command" "$option"
			# It is offered if and only if the command does not refuse it.
			case $option in --help | --usage | --version) continue ;; esac
			value=
			case $option in
			--half-life) value=1min ;;
			--*-size | --*-memory) value=1M ;;
			--by) value=both ;;
			esac
			kernel on
			# shellcheck disable=SC2086 # no value is no word
			run 2 $command $option $value "$fs" x y >/dev/null &&
				grep -q "does not take" "$scratch/err"
			refused=$?
			offered "$command" "$option" && line "^$option\$"
			[ $? -ne "$refused" ] || {
				echo "$command $option" >"$scratch/err"
				return 1
			}
		done
	done
}
if command -v bash >/dev/null; then
	every_option_offered && offered on --half-life = 10 && line '^10min$' &&
		offered file "$fs/co" && line "^$fs/cold\$" && offered histogram --by wr &&
			line writes
	result $? bash_completion
else
	skip bash_completion "bash is not installed"
fi

[ "$count" -eq "$plan" ] || echo "# $count tests ran, $plan were planned"
[ "$count" -eq "$plan" ] && [ "$failed" -eq 0 ]
