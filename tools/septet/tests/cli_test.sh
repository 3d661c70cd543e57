#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What people and scripts see of septet: exit codes, messages, JSON, manual, completion.
# Usage: cli_test.sh FOLDER_OF_THE_PROGRAM; prints TAP.
here=$(cd "$(dirname "$0")/.." && pwd) || exit 1
septet=$1/septet
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT

names="hot_tracking compaction_demand dma_page_pool file_private_locks renameat2"
names="$names deferrable_timers pm_qos_latency"
plan=20
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
	"$septet" "$@" >"$scratch/out" 2>"$scratch/err"
	got=$?
	[ "$got" -eq "$wanted" ] && return 0
	echo "exit status $got, expected $wanted: septet $*" >>"$scratch/err"
	return 1
}

one_line_error() { # TEXT...: each of them is in the only line
	[ ! -s "$scratch/out" ] && [ "$(wc -l <"$scratch/err")" -eq 1 ] || return 1
	for text; do
		grep -qF -- "$text" "$scratch/err" || return 1
	done
}

json() { # PYTHON-CONDITION on the list of rows
	python3 -c "
import json, sys
rows = json.load(open(sys.argv[1]))['features']
assert $1, rows" "$scratch/out" 2>>"$scratch/err"
}

state_of() { # FEATURE
	"$septet" features --json "$1" 2>/dev/null | sed -n 's/.*"state": *"\([^"]*\)".*/\1/p'
}

table_has_every_feature() {
	run 0 features || return 1
	for name in $names; do
		grep -q "^$name " "$scratch/out" || return 1
	done
	[ ! -s "$scratch/err" ]
}
table_has_every_feature
result $? table_has_every_feature

table_fits_80_columns() {
	run 0 features && ! grep -qE '^.{81}' "$scratch/out"
}
table_fits_80_columns
result $? table_fits_80_columns

run 0 features --json &&
	json "[r['name'] for r in rows] == '''$names'''.split()" &&
	json "all(list(r) == ['name', 'state', 'probe', 'result', 'present', 'errno', 'summary',
		'since', 'page'] for r in rows)" &&
	json "all(r['state'] in ('present', 'mainline', 'absent', 'planned', 'unknown') and
		r['present'] is (r['state'] == 'present') for r in rows)" &&
	json "all(isinstance(r[k], str) and r[k] for r in rows
		for k in ('name', 'probe', 'result', 'summary'))" &&
	json "all(r[k] is None or r[k] for r in rows for k in ('errno', 'since', 'page'))"
result $? json_has_the_documented_fields

present=
for name in $names; do
	[ "$(state_of "$name")" != present ] || present=$name
done
if [ -n "$present" ]; then
	run 0 features --require "$present" && [ ! -s "$scratch/err" ]
	result $? required_and_present
else
	skip required_and_present "this kernel has none of the features"
fi

run 0 features --json renameat2 file_private_locks file_private_locks ||
	run 1 features --json renameat2 file_private_locks file_private_locks
json "[r['name'] for r in rows] == ['file_private_locks', 'renameat2']"
result $? named_rows_once_and_in_order

missing=
for name in $names; do
	[ "$(state_of "$name")" = present ] || missing=$name
done
if [ -n "$missing" ]; then
	run 1 features --require "${present:+$present,}$missing" &&
		[ "$(wc -l <"$scratch/err")" -eq 1 ] && grep -q "$missing is" "$scratch/err"
	result $? required_and_missing
	run 1 features "$missing"
	result $? named_and_missing
else
	skip required_and_missing "this kernel has every feature"
	skip named_and_missing "this kernel has every feature"
fi

run 2 features renameat3 && one_line_error "unknown feature 'renameat3'" "$names"
result $? unknown_feature

run 2 features --require renameat2,deferrable && one_line_error "'deferrable'" "$names"
result $? unknown_required_feature

run 2 features --require "" && one_line_error "unknown feature ''" "$names"
result $? empty_required_feature

run 2 features --bogus && [ ! -s "$scratch/out" ] && grep -q -- --bogus "$scratch/err" &&
	grep -q "septet features --help" "$scratch/err"
result $? unknown_option

run 2 && one_line_error "no command" features "septet --help"
result $? no_command

run 2 feature && one_line_error "unknown command 'feature'" features "septet --help"
result $? unknown_command

run 0 --help && grep -q "septet features" "$scratch/out" &&
	run 0 features --help && grep -q "Examples:" "$scratch/out"
result $? help_has_examples

run 0 --version && grep -qE '^septet [0-9]+\.[0-9]+\.[0-9]+$' "$scratch/out"
result $? version

"$septet" features >/dev/full 2>"$scratch/err"
[ $? -eq 3 ] && : >"$scratch/out" && one_line_error "could not be written"
result $? full_disk

if command -v man >/dev/null; then
	MANWIDTH=80 man --warnings -l "$here/septet.8" >"$scratch/out" 2>"$scratch/err" &&
		[ ! -s "$scratch/err" ] && ! grep -E '^.{81}' "$scratch/out" >"$scratch/err"
	result $? manual_without_warnings
else
	skip manual_without_warnings "man is not installed"
fi

manual_is_complete() {
	sed 's/\\-/-/g' "$here/septet.8" >"$scratch/out"
	for word in $names --json --require present mainline absent planned unknown \
		name state probe result errno summary since page; do
		grep -qw -e "$word" "$scratch/out" || { echo "no $word" >"$scratch/err"; return 1; }
	done
}
manual_is_complete
result $? manual_names_every_word

documentation_exists() {
	run 0 features --json || return 1
	sed -n 's/.*"page": *"\([^"]*\)".*/\1/p' "$scratch/out" >"$scratch/pages"
	: >"$scratch/out"
	while read -r page; do
		[ -f "$here/../../$page" ] || { echo "no $page" >"$scratch/err"; return 1; }
	done <"$scratch/pages"
}
if [ -d "$here/../../Documentation" ]; then
	documentation_exists
	result $? documentation_exists
else
	skip documentation_exists "not inside the project or a kernel tree"
fi

offered() { # WORD...: what bash offers for the last one
	PATH=$1:$PATH bash -c '
		. "$1" || exit 1
		shift
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		_septet septet "${@: -1}" "${@: -2:1}"
		printf "%s\n" "${COMPREPLY[@]}"' bash "$here/septet.bash-completion" septet \
		"$2" ${3+"$3"} ${4+"$4"} >"$scratch/out" 2>"$scratch/err"
}
if command -v bash >/dev/null; then
	offered "$1" fea && grep -qx features "$scratch/out" &&
		offered "$1" features --r && grep -qx -- --require "$scratch/out" &&
		offered "$1" features ren && grep -qx renameat2 "$scratch/out" &&
		offered "$1" features --require renameat2,hot &&
		grep -qx renameat2,hot_tracking "$scratch/out"
	result $? bash_completion
else
	skip bash_completion "bash is not installed"
fi

[ "$count" -eq "$plan" ] || echo "# $count tests ran, $plan were planned"
[ "$count" -eq "$plan" ] && [ "$failed" -eq 0 ]
