#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What programs of others see of libflockp: what is installed, its symbols, the example of the
# manual. Usage: package_test.sh FOLDER_OF_THE_PROGRAMS; prints KTAP.
here=$(cd "$(dirname "$0")/.." && pwd) || exit 1
made=$(cd "$1" && pwd) || exit 1
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
out=$scratch/out
prefix=$scratch/usr
PKG_CONFIG_PATH=$prefix/lib/pkgconfig
export PKG_CONFIG_PATH
CC=${CC:-gcc}
cd "$scratch" || exit 1

plan=8
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
		sed 's/^/# /' "$out"
		failed=$((failed + 1))
	fi
}

skip() { # NAME REASON
	count=$((count + 1))
	echo "ok $count - $1 # SKIP $2"
}

functions=$(sed -n 's/^\t\(flockp_[a-z_]*\);$/\1/p' "$here/lib/flockp.map" | sort)

# Built anew, because the prefix is in it.
installed() {
	MAKEFLAGS='' make -s -C "$here" O="$scratch/build" prefix="$prefix" CC="$CC" install \
		>"$out" 2>&1 || return 1
	for file in bin/fplock lib/libflockp.so.0 lib/libflockp.so lib/libflockp.a \
		lib/pkgconfig/flockp.pc include/flockp.h share/man/man1/fplock.1 \
		share/man/man3/flockp.3 share/bash-completion/completions/fplock; do
		[ -s "$prefix/$file" ] || { echo "no $file" >"$out"; return 1; }
	done
	for function in $functions; do
		[ "$(cat "$prefix/share/man/man3/$function.3")" = ".so man3/flockp.3" ] || return 1
	done
	[ "$(pkg-config --modversion flockp)" = "$("$prefix/bin/fplock" --version |
		cut -d ' ' -f 2)" ]
}
installed
result $? installed

symbols() {
	[ -n "$functions" ] || return 1
	nm -D --defined-only "$made/libflockp.so.0" | awk '$2 == "T" { print $3 }' | sort >"$out"
	# Each in the version that it came with.
	[ "$(cat "$out")" = "$(awk '/^FLOCKP/ { version = $1 } /^\tflockp_/ {
		sub(";", ""); print $1 "@@" version }' "$here/lib/flockp.map" | sort)" ] &&
		grep -qx 'flockp_lock@@FLOCKP_0.5' "$out" &&
		grep -qx 'flockp_fair@@FLOCKP_0.6' "$out" &&
		grep -qx 'flockp_task@@FLOCKP_0.7' "$out" || return 1
	readelf -d "$made/libflockp.so.0" | grep -q 'SONAME.*\[libflockp.so.0\]' || return 1
	# The header declares these, and the archive has no others.
	grep -oE '^(int|bool|void) flockp_[a-z_]+' "$here/lib/flockp.h" | sed 's/.* //' |
		sort >"$out"
	[ "$(cat "$out")" = "$functions" ] || return 1
	nm -g --defined-only "$made/libflockp.a" | awk '$2 ~ /[A-Z]/ { print $3 }' | sort >"$out"
	[ "$(cat "$out")" = "$functions" ]
}
symbols
result $? symbols

compile() { # NUMBER of the example: it becomes ./program
	sed -n '/^\.SH EXAMPLES/,$p' "$here/lib/flockp.3" | awk -v number="$1" '
		/^\.EE/ { inside = 0 } inside && seen == number { print }
		/^\.EX/ { inside = 1; seen++ }' | sed 's/\\e/\\/g; s/\\-/-/g' >example.c
	# shellcheck disable=SC2046 # words
	$CC -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -O2 -o program example.c \
		$(pkg-config --cflags --libs flockp) -pthread -Wl,-rpath,"$prefix/lib" \
		>"$out" 2>&1
}

example() {
	compile 1 || return 1
	rm -f log
	./program log >"$out" 2>&1 || return 1
	grep -qE '^timed locks: (yes|no, polled for)$' "$out" || return 1
	# Each line whole, each thread's in their order.
	cp log "$out"
	[ "$(wc -l <log)" -eq 20 ] || return 1
	for name in one two three four; do
		[ "$(sed -n "s/^$name //p" log | tr '\n' ' ')" = "0 1 2 3 4 " ] || return 1
	done
	./program no/log >"$out" 2>&1
	[ $? -eq 1 ] && grep -q "^no/log: No such file" "$out"
}
example
result $? example

# Where no deadlock would be reported it does not begin.
example_of_threads() {
	compile 2 || return 1
	./program records >"$out" 2>&1
	case $? in
	0) grep -qE '^2000 times both, [0-9]+ times one gave way$' "$out" ;;
	2) grep -q '^no deadlocks of threads are reported here$' "$out" && [ ! -e records ] ;;
	*) false ;;
	esac
}
example_of_threads
result $? example_of_threads

# With the library in it.
if mv "$prefix/lib/libflockp.so" "$scratch"; then
	example && ! readelf -d program | grep -q libflockp
	result $? example_static
	mv "$scratch/libflockp.so" "$prefix/lib"
else
	result 1 example_static
fi

# As the only header, in C++ too.
echo '#include <flockp.h>' >alone.c
echo 'int main(void) { return flockp_probe() < 0; }' >>alone.c
cp alone.c alone.cc
includes() { # FILE COMPILER
	# shellcheck disable=SC2046 # words
	"$2" -Wall -Wextra -Werror -pedantic -o alone "$1" $(pkg-config --cflags --libs flockp) \
		-Wl,-rpath,"$prefix/lib" >"$out" 2>&1 && ./alone
}
includes alone.c "$CC"
result $? header_alone
if command -v g++ >/dev/null; then
	includes alone.cc g++
	result $? header_in_c++
else
	skip header_in_c++ "g++ is not installed"
fi

manual() {
	MANWIDTH=80 man --warnings -l "$here/lib/flockp.3" >"$out" 2>err && [ ! -s err ] || return 1
	if LC_ALL=C.UTF-8 grep -E '^.{81}' "$out"; then
		return 1
	fi
	for function in $functions; do
		if ! grep -q "$function(" "$out" ||
			! MANPATH=$prefix/share/man man -w 3 "$function" >/dev/null 2>&1; then
			echo "no $function" >"$out"
			return 1
		fi
	done
	# shellcheck disable=SC2013 # words
	for err in $(grep -oE -- '-E[A-Z]+' "$here/lib/flockp.h" | sort -u); do
		case $err in
		# Of open(2), and of what cannot go wrong but by a mistake here.
		-ENXIO | -EMFILE) continue ;;
		esac
		grep -qw -e "$err" "$out" || { echo "no $err" >"$out"; return 1; }
	done
}
if command -v man >/dev/null; then
	manual
	result $? manual_is_complete
else
	skip manual_is_complete "man is not installed"
fi

[ "$count" -eq "$plan" ] || echo "# $count tests ran, $plan were planned"
[ "$count" -eq "$plan" ] && [ "$failed" -eq 0 ]
