#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What people and scripts see of ren2, on the kernel of mock.c: options, exit codes, messages, what
# is left, the manual, completion. Usage: cli_test.sh FOLDER_OF_THE_PROGRAMS; prints KTAP.
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

plan=29
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
	rm -rf "$scratch/d"/* "$scratch/d"/.ren2.*
}

skip() { # NAME REASON
	count=$((count + 1))
	echo "ok $count - $1 # SKIP $2"
}

# Messages name the program as it was called.
ln -s "$made/ren2_sanitized" "$scratch/ren2"
program=$scratch/ren2
ren2() { # ARGUMENT...
	LD_PRELOAD=$mock "$program" "$@"
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
	case $1 in cas) usage=112 ;; *) usage=2 ;; esac
	run $usage "$@" && [ ! -s "$out" ] && grep -qF -- "$text" "$err" &&
		grep -q -- "ren2 --help" "$err"
}

json() { # PYTHON-CONDITION on d, which is all objects
	python3 -c "
import json, sys
d = [json.loads(l) for l in open(sys.argv[1])]
assert ($1), d" "$out" 2>>"$err"
}

has() { # FILE TEXT
	[ "$(cat "$1")" = "$2" ] && return 0
	echo "$1 has '$(cat "$1")', not '$2'" >>"$err"
	return 1
}

only() { # NAME...: nothing else is here
	[ "$(ls -A)" = "$(printf '%s\n' "$@" | sort)" ] && return 0
	ls -lA >>"$err"
	return 1
}

run 0 --help && grep -q "^Examples:" "$out" && ! grep -E '^.{81}' "$out" && [ ! -s "$err" ]
result $? help_has_examples

run 0 --version && grep -qE '^ren2 [0-9]+\.[0-9]+\.[0-9]+$' "$out"
result $? version

usage_error "no command" && usage_error "'frob' is not a command; wanted probe, swap" frob &&
	usage_error "wanted A and B" swap a && usage_error "'c' is one too many" put a b c &&
	usage_error "wanted FILE and COMMAND" cas a && usage_error "FILE and COMMAND" cas a -- &&
	usage_error "swap does not take --if-absent" swap --if-absent a b &&
	usage_error "swap does not take --if-exists" swap --if-exists a b &&
	usage_error "swap: both must exist" swap --if-unchanged absent a b &&
	usage_error "cas does not take --if-same" cas --if-same 3 a cat &&
	usage_error "--json" put --json a b && usage_error "'x'" put --if-same x a b &&
	usage_error "'-1'" put --if-same=-1 a b && usage_error "'1.2:3'" put -u 1.2:3 a b &&
	usage_error "no other condition" put --if-absent --if-exists a b &&
	usage_error "no other condition" put --if-absent --newer a b &&
	usage_error "no other condition" put -u absent --if-same 0 a b &&
	usage_error "always new" put --newer - b && usage_error "'0'" cas --tries 0 a cat &&
	usage_error "--need: 'bogus'" probe --need cond,bogus &&
	usage_error "a\\033b" "$(printf 'a\033b')" && usage_error "--bogus" --bogus
result $? wrong_usage

mkfile() { # NAME TEXT
	printf %s "$2" >"$1"
}

mkfile a A && mkfile b B && run 0 swap a b && silent && has a B && has b A &&
	run 0 swap --sync a b && has a A && exec 3<b && run 0 swap --if-same 3 a b && has a B &&
	run 3 swap --if-same 3 a b && one_line_error "b: is another file than descriptor 3" &&
	has a B && exec 3<&- && run 1 swap a none && one_line_error "none: No such file" &&
	run 1 swap none a && one_line_error "none: No such file" && only a b
result $? swap

mkfile new 1 && mkfile t 0 && exec 3<t && run 0 put --if-same 3 new t && silent && has t 1 &&
	only t && mkfile new 2 && run 3 put --if-same 3 new t && has t 1 && has new 2 &&
	one_line_error "t: is another file than descriptor 3" && rm t &&
	run 3 put --if-same 3 new t && one_line_error "t: does not exist" && exec 3<&- &&
	run 1 put --if-same 3 new t && one_line_error "descriptor 3 is not open" && has new 2
result $? put_if_same

# Other sizes, because within a tick of the clock the times are the same.
mkfile new 1 && mkfile t 00 && seen=$(ren2 token t) && run 0 put --if-unchanged "$seen" new t &&
	has t 1 && mkfile new 22 && run 3 put --if-unchanged "$seen" new t && has t 1 &&
	one_line_error "t: has changed: it was $seen and is $(ren2 token t)" && rm t &&
	run 3 put --if-unchanged "$seen" new t && one_line_error "does not exist" &&
	seen=$(ren2 token t) && [ "$seen" = absent ] && run 0 put --if-unchanged "$seen" new t &&
	has t 22 && mkfile new 3 && run 3 put --if-unchanged "$seen" new t &&
	one_line_error "t: exists"
result $? put_if_unchanged

mkfile t 12345 && touch -d @1700000000.5 t && run 0 token t && has "$out" 1700000000.500000000:5 &&
	run 0 token <t && has "$out" 1700000000.500000000:5 && touch -d @-1.25 t &&
	run 0 token t && has "$out" -2.750000000:5 && seen=$(ren2 token t) && mkfile new 1 &&
	run 0 put --if-unchanged "$seen" new t && ln -s none l && run 0 token l &&
	grep -q ':4$' "$out" && run 1 token t/x && one_line_error "t/x: Not a directory" &&
	run 1 token <&- && one_line_error "standard input"
result $? token

mkfile new 1 && run 3 put --if-exists new t && one_line_error "t: does not exist" && only new &&
	run 0 put --if-absent new t && has t 1 && mkfile new 2 &&
	run 3 put --if-absent new t && one_line_error "t: exists" && has t 1 &&
	run 0 put --if-exists new t && has t 2 && run 1 put --if-exists new t &&
	one_line_error "new: No such file"
result $? put_if_absent_or_exists

mkfile new 1 && mkfile t 0 && touch -d @5.5 new t && run 3 put --newer new t &&
	one_line_error "new: is not newer" && touch -d @5.500000001 new &&
	run 0 put --newer new t && has t 1 && mkfile new 2 && run 0 put --newer new other &&
	mkfile new 3 && run 3 put --newer --if-exists new more && only new other t
result $? put_newer

printf one | run 0 put - t && silent && has t one && printf two | run 0 put --sync - ./t &&
	has t two && printf '' | run 0 put - "$PWD/t" && [ ! -s t ] && only t &&
	printf x | run 1 put - no/t && one_line_error "no/t: No such file" &&
	printf x | run 2 put - no/ && one_line_error "is not the name of a file" &&
	run 1 put - t <&- && one_line_error "nothing was put there: Bad file" &&
	run 1 put - t </ && one_line_error "nothing was put there: Is a directory" && only t
result $? put_from_standard_input

mkfile t 1 && mkdir -p d/e && run 1 put t d && one_line_error "d: Is a directory" &&
	printf x | run 1 put - d && one_line_error "d: Is a directory" && run 0 swap t d &&
	has d 1 && [ -d t/e ] && only d t
result $? folders

# The terminal is not told to do anything.
name=$(printf 'a\nb\033[2J')
run 1 put "$name" t && one_line_error 'ren2: a\012b\033[2J: No such file' && mkfile "$name" 1 &&
	printf x | run 3 put --if-absent - "$name" && one_line_error 'a\012b\033[2J: exists' &&
	run 0 probe . && mkdir "$name.d" && run 0 probe "$name.d" && head -n 1 "$out" |
	grep -qF 'a\012b\033[2J.d is on'
result $? names_are_harmless

run 0 probe && [ "$(sed -n 3p "$out" | tr -s ' ')" = "FLAG WORKS ERRNO REASON" ] &&
	[ "$(grep -c '^RENAME_[A-Z]* *yes' "$out")" -eq 6 ] && only "" &&
	run 0 probe --need noreplace,exchange,whiteout,replace,sync,cond . && only ""
result $? probe

probe_tells_why() {
	env_says() { # VARIABLE=VALUE STATUS FLAG ERRNO REASON
		export "${1?}"
		run "$2" probe --need cond,exchange,sync
		ran=$?
		unset "${1%%=*}"
		[ "$ran" -eq 0 ] && grep -qE "^$3 +no +$4 +$5\$" "$out" &&
			grep -qE "^ren2: \.: RENAME_[A-Z]+ does not work: $5\$" "$err" && only ""
	}
	lacks="the kernel does not know it"
	env_says MOCK_KERNEL=stock 4 RENAME_COND EINVAL "$lacks" &&
		grep -qE '^RENAME_EXCHANGE +yes' "$out" &&
		env_says MOCK_KERNEL=old 4 RENAME_NOREPLACE ENOSYS "$lacks" &&
		lacks="the filesystem does not support it" &&
		env_says MOCK_FS=plain 5 RENAME_WHITEOUT EINVAL "$lacks" &&
		env_says MOCK_FS=remote 5 RENAME_SYNC EOPNOTSUPP "$lacks" &&
		env_says MOCK_FS=liar 1 RENAME_NOREPLACE - "it is accepted but not obeyed" &&
		env_says MOCK_FS=liar 1 RENAME_EXCHANGE - "it is accepted but not obeyed" &&
		env_says MOCK_FS=liar 1 RENAME_WHITEOUT - "it is accepted but not obeyed" &&
		env_says MOCK_FS=liar 1 RENAME_REPLACE - "it is accepted but not obeyed" &&
		env_says MOCK_FS=liar 1 RENAME_COND - "it is accepted but not obeyed" &&
		env_says MOCK_ERRNO=1 1 RENAME_WHITEOUT EPERM "not permitted" &&
		env_says MOCK_ERRNO=5 1 RENAME_COND EIO "Input/output error"
}
probe_tells_why
result $? probe_tells_why

probe_json() {
	MOCK_KERNEL=stock run 0 probe --json . && python3 -c "
import json, sys
d = json.load(open(sys.argv[1]))
assert set(d) == {'path', 'filesystem', 'flags'} and d['path'] == '.', d
f = {x.pop('flag'): x for x in d['flags']}
assert len(f) == 6 and f['RENAME_COND'] == dict(works=False, errno='EINVAL',
	reason='the kernel does not know it'), d
assert f['RENAME_NOREPLACE'] == dict(works=True, errno=None, reason=None), d
" "$out" 2>"$err"
}
probe_json
result $? probe_json

run 1 probe none && one_line_error "none: No such file" && mkfile f x && run 1 probe f &&
	one_line_error "f: Not a directory" && MOCK_RUN='test -d .ren2.*' \
	run 0 probe && [ ! -s "$err" ] && only f
result $? probe_in_its_own_folder

stock() {
	MOCK_KERNEL=stock
	export MOCK_KERNEL
	why="this kernel does not know"
	mkfile a A && mkfile b B && exec 3<b &&
		run 4 put --if-same 3 a b && one_line_error "b: $why RENAME_COND" &&
		run 4 put --if-unchanged "$(ren2 token b)" a b &&
			one_line_error "$why RENAME_COND" &&
		run 4 put --newer a b && one_line_error "$why RENAME_COND" &&
		run 4 put --if-exists a b && one_line_error "$why RENAME_REPLACE" &&
		run 4 put --sync a b && one_line_error "$why RENAME_SYNC" &&
		printf x | run 4 put --sync - b && one_line_error "$why RENAME_SYNC" &&
		run 4 swap --sync a b && one_line_error "$why RENAME_SYNC" &&
		run 114 cas b -- touch ran && one_line_error "b: $why RENAME_COND" &&
		echo '{"op":"put","source":"a","target":"b","newer":true}' | run 4 batch &&
			json "d[0]['errno'] == 'EINVAL' and 'RENAME_COND' in d[0]['message']" &&
		only a b && has a A && has b B &&
		# What every kernel can do.
		run 0 swap a b && run 3 put --if-absent a b && run 0 put --if-absent a c && only b c
	status=$?
	exec 3<&-
	unset MOCK_KERNEL
	return $status
}
stock
result $? nothing_else_on_other_kernels

# shellcheck disable=SC2016 # for the inner programs
mkfile n 1 && run 0 cas n -- awk '{ print $1 + 1 }' && silent && has n 2 &&
	run 0 cas n sh -c 'cat; echo "$0" "$@"' --sync -- -x && has n "2
--sync -- -x" && mkfile n 1 && run 0 cas --sync n -- sed s/1/one/ && has n one &&
	run 0 cas n --sync -- sed s/one/1/ && has n 1 && only n
result $? cas

mkfile n 1 && run 7 cas n sh -c 'echo 2; exit 7' && silent && run 127 cas n -- no-such-program &&
	one_line_error "no-such-program: No such file" && run 126 cas n ./n &&
	run 143 cas n -- sh -c 'kill -TERM $$' &&
	one_line_error "sh: killed by signal 15; n is as it was" &&
	run 111 cas none true && one_line_error "none: No such file" && ln -s n l &&
	run 111 cas l cat && one_line_error "symbolic link" && has n 1 && only l n
result $? cas_fails

mkfile n 1 && MOCK_RUN='echo 10 >o; mv o n' run 113 cas --tries 2 n -- sed s/1/2/ &&
	one_line_error "n: is another file" && has n 10 &&
	MOCK_RUN='[ -e once ] || { touch once; echo 30 >o; mv o n; }' run 0 cas n sed s/3/4/ &&
	silent && has n 40 && only n once
result $? cas_retries

mkfile n 1 && run 0 cas --edit n -- sed -i s/1/2/ && has n 2 && MOCK_RUN='echo 3 >o; mv o n' \
	run 113 cas --edit n sed -i s/2/mine/ && has n 3 && grep -q "n: is another file" "$err" &&
	kept=$(sed -n 's/^ren2: \(.*\): the edited copy is here$/\1/p' "$err") && has "$kept" mine
result $? cas_edit

batch() {
	printf '  \t\r\n\n' >ops
	cat >>ops <<-'END'
		{"op": "put", "source": "a", "target": "b", "if_exists": true, "id": {"x": [1]}}
		{"op": "swap", "source": "b", "target": "c", "sync": false, "if_absent": false}
		{"op": "put", "source": "no\ne", "target": "b", "id": null}
	END
	mkfile a A && mkfile b B && mkfile c C && run 1 batch ops && [ ! -s "$err" ] && json "
		d == [dict(line=3, id={'x': [1]}, ok=True), dict(line=4, ok=True),
		dict(line=5, ok=False, code=1, errno='ENOENT', message=r'no\\012e: ' +
		'No such file or directory')]" && has b C && has c A &&
		run 1 batch none && one_line_error "none: No such file" && run 1 batch / &&
		one_line_error "/: Is a directory" && run 0 batch </dev/null && silent
}
batch
result $? batch

batch_wrong() {
	mkfile a A && mkfile b B || return 1
	while IFS='|' read -r line text; do
		# shellcheck disable=SC2015 # either is wrong
		printf '%s\n' "$line" | run 2 batch && json "len(d) == 1 and
			(d[0]['line'], d[0]['code'], d[0]['errno']) == (1, 2, None) and
			'''$text''' in d[0]['message']" || return 1
	done <<-'END'
		{"op":"put","source":"a","target":"b","newr":true}|'newr' is not known
		{"op":"put","source":"a","target":"b","newer":1}|'newer' must be true or false
		{"op":"put","source":"a","target":"b","if_same":"3"}|'if_same' must be the number
		{"op":"put","source":"a","target":"b","if_same":-1}|'if_same' must be the number
		{"op":"put","source":"a","target":"b","if_same":4294967299}|must be the number
		{"op":"put","source":"a","target":"b","if_unchanged":"1"}|must be what ren2 token
		{"op":"put","source":"a","target":"b","if_unchanged":null}|must be what ren2 token
		{"op":"put","source":"a","target":"b","if_absent":true,"newer":true}|no other
		{"op":"swap","source":"a","target":"b","if_absent":true}|no if_absent
		{"op":"swap","source":"a","target":"b","if_exists":true}|no if_absent
		{"op":"move","source":"a","target":"b"}|'op' must be put or swap
		{"source":"a","target":"b"}|'op' must be
		{"op":"put","target":"b"}|'source' must be a name
		{"op":"put","source":"a","target":7}|'target' must be a name
		{"op":"put","source":"a","target":"b\u0000c"}|'target' must be a name
		{"op":"put","source":"a","target":"b"},|not JSON
		{"op":"put","source":"a","target":"b"|not JSON
		{'op':'put','source':'a','target':'b'}|not JSON
		[]|not a JSON object
		null|not a JSON object
	END
	printf '{"op":"put","source":"a\200","target":"b"}\n' | run 2 batch && json "True" &&
		printf '{"op":"put"\0}\n' | run 2 batch && json "'zero byte' in d[0]['message']" &&
		has a A && has b B && only a b
}
batch_wrong
result $? batch_wrong_lines

batch_conditions() {
	mkfile a A && mkfile b B && mkfile n N && exec 3<b && seen=$(ren2 token b) &&
		cat >ops <<-END &&
			{"op":"put","source":"a","target":"b","if_same":3,"if_unchanged":"$seen"}
			{"op":"put","source":"n","target":"b","if_same":3}
			{"op":"put","source":"n","target":"b","if_unchanged":"absent"}
			{"op":"put","source":"n","target":"x","if_exists":true}
			{"op":"put","source":"n","target":"b","if_same":9}
			{"op":"swap","source":"n","target":"b","sync":true}
		END
		run 3 batch --keep-going <ops &&
		json "[(r.get('code', 0), r.get('errno')) for r in d] == [(0, None),
			(3, 'EAGAIN'), (3, 'EEXIST'), (3, 'ENOENT'), (1, 'EBADF'), (0, None)]" &&
		exec 3<&- && has n A && has b N
}
batch_conditions
result $? batch_conditions

# Each result comes before the next line is read.
batch_talks() {
	mkfile a A && mkfile b B && mkfifo in results || return 1
	ren2 batch <in >results 2>"$err" &
	exec 4>in 5<results
	for i in 1 2 3; do
		echo '{"op":"swap","source":"a","target":"b"}' >&4
		read -r line <&5 && [ "$line" = "{\"line\":$i,\"ok\":true}" ] || return 1
	done
	exec 4>&- 5<&-
	wait $!
}
batch_talks
result $? batch_talks

full() {
	for words in "token a" "probe" "probe --json" "--version" "batch ops"; do
		mkfile a A && mkfile b B && echo '{"op":"swap","source":"a","target":"b"}' >ops
		# shellcheck disable=SC2086 # words
		ren2 $words >/dev/full 2>"$err"
		[ $? -eq 1 ] || [ "$words" = --version ] || { echo "$words" >>"$err"; return 1; }
		: >"$out"
		[ "$words" = --version ] || one_line_error "standard output" "No space" || return 1
	done
}
full
result $? full_disk

valgrind_clean() {
	command -v valgrind >/dev/null || return 4
	program="$made/ren2"
	check() { # EXPECTED-STATUS ARGUMENT...
		wanted=$1
		shift
		LD_PRELOAD=$mock valgrind -q --error-exitcode=99 --leak-check=full \
			--errors-for-leak-kinds=definite --child-silent-after-fork=yes \
			"$program" "$@" >"$out" 2>"$err" 3<t
		got=$?
		[ "$got" -eq "$wanted" ] || { echo "$got: $*" >>"$err"; return 1; }
	}
	mkfile t 1 && mkfile new 2 && printf '%s\n' '{"op":"swap","source":"t","target":"new"}' \
		garbage '{"op":"put","source":"none","target":"t","id":1}' >ops &&
		check 0 probe && check 0 probe --json && check 0 swap t new &&
		check 3 put --if-absent new t && check 0 put --if-same 3 - t <ops &&
		check 0 token t && check 0 cas t -- cat && check 0 cas --edit t -- touch &&
		check 2 batch -k ops &&
		check 0 put new t
}
valgrind_clean
case $? in
4) skip valgrind "valgrind is not installed" ;;
0) result 0 valgrind ;;
*) result 1 valgrind ;;
esac

manual_is_complete() {
	MANWIDTH=80 man --warnings -l "$here/ren2.1" >"$out" 2>"$err" && [ ! -s "$err" ] &&
		! grep -E '^.{81}' "$out" >"$err" || return 1
	sed 's/\\-/-/g' "$here/ren2.1" >"$scratch/page"
	words=$(ren2 --help | grep -oE -- '--[a-z]+(-[a-z]+)?' | sort -u)
	run 0 probe --json || return 1
	words="$words $(grep -oE '"[a-z_]+":' "$out" | tr -d '":')"
	words="$words line id ok code message $(grep -oE '"[a-z_]+", (RENAME|0)' "$here/batch.c" |
		cut -d '"' -f 2) op source target if_same if_unchanged"
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
		_ren2 ren2 "${@: -1}" "${@: -2:1}"
		printf "%s\n" "${COMPREPLY[@]}"' bash "$here/ren2.bash-completion" ren2 "$@" \
		>"$out" 2>"$err"
}
completion() {
	for command in probe swap put token cas batch; do
		offered "$(printf %.2s "$command")" && grep -qx "$command" "$out" || return 1
		for option in $(ren2 --help | grep -oE -- '--[a-z]+(-[a-z]+)?' | sort -u); do
			# It is offered if and only if the command does not refuse it.
			value=
			case $option in
			--help | --usage | --version) continue ;;
			--if-same | --tries) value=1 ;;
			--if-unchanged) value=1.000000000:1 ;;
			--need) value=cond ;;
			esac
			# shellcheck disable=SC2086 # no value is no word
			ren2 $command $option $value x y z 2>&1 | grep -q "does not take"
			refused=$?
			offered "$command" "$option"
			grep -qx -e "$option" "$out"
			[ $? -ne "$refused" ] || { echo "$command $option" >"$err"; return 1; }
		done
	done
	touch file && offered put "fi" && grep -qx file "$out" && offered probe --need = sy &&
		grep -qx sync "$out" && offered put --if-unchanged ab && grep -qx absent "$out" &&
		offered cas --tries 3 file -- pri && grep -qx printf "$out" &&
		offered cas file pri && grep -qx printf "$out" &&
		offered cas --tries = 3 file -- awk x && grep -qx "program at 7" "$out" &&
		offered cas "fi" && grep -qx file "$out"
}
if command -v bash >/dev/null; then
	completion
	result $? bash_completion
else
	skip bash_completion "bash is not installed"
fi

[ "$count" -eq "$plan" ] || echo "# $count tests ran, $plan were planned"
[ "$count" -eq "$plan" ] && [ "$failed" -eq 0 ]
