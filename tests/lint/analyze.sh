#!/bin/bash
# analyze.sh - gcc -fanalyzer, clang-tidy and cppcheck.   usage: tests/lint/analyze.sh BUILD-DIR CC FLAGS...
set -u
build=$1; cc=$2; shift 2
rc=0
mkdir -p "$build/analyze"
for f in src/*/*.c src/main.c; do
	$cc "$@" -std=c11 -O2 -Wall -Wextra -fanalyzer -c -o "$build/analyze/out.o" "$f" 2> "$build/analyze/log"
	[ ! -s "$build/analyze/log" ] || { cat "$build/analyze/log"; rc=1; }
done
# left out: va_list in clang 14 is a false alarm; the rest is a matter of taste in tables
clang-tidy --quiet --warnings-as-errors='*' \
	--checks='-*,bugprone-*,-bugprone-easily-swappable-parameters,-bugprone-narrowing-conversions,-bugprone-reserved-identifier,clang-analyzer-*,-clang-analyzer-optin.performance.Padding,-clang-analyzer-valist.Uninitialized,-bugprone-macro-parentheses,-clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling' \
	src/*/*.c src/main.c -- "$@" -std=c11 2> "$build/analyze/tidy" || rc=1
cppcheck --quiet --error-exitcode=1 --enable=warning,portability --inline-suppr \
	--suppress=preprocessorErrorDirective -Isrc --std=c11 src || rc=1
exit $rc
