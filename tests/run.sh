#!/bin/bash
# run.sh - every test, with the counts of all of them as the last line.
#
# Unit tests speak cmocka's language, scripts TAP, the simulation "ok"/"not ok".  A script that dies, or that
# prints no result, counts as one failure.   usage: tests/run.sh BUILD-DIR [system]
set -u
build=$1
only=${2:-}
program=$(realpath "$build")/certline
export B=$build PROGRAM=$program
mkdir -p "$build/test-logs"
log=$(realpath "$build/test-logs")
passed=0
failed=0
skipped=0
began=$SECONDS

# count NAME STATUS: adds up a log
count() {
	local name=$1 status=$2 p f s
	s=$(grep -cE '^(ok .*# SKIP|\[  SKIPPED \] [a-z_]+$)' "$log/$name")
	p=$(grep -E '^(ok |\[       OK \])' "$log/$name" | grep -cv '# SKIP')
	f=$(grep -cE '^(not ok|\[  FAILED  \] [a-z_]+$)' "$log/$name")
	if [ "$status" -ne 0 ] && [ "$f" -eq 0 ]; then
		f=1
		echo "not ok - $name ended with status $status" >> "$log/$name"
	fi
	if [ "$p" -eq 0 ] && [ "$f" -eq 0 ]; then
		f=1
		echo "not ok - $name printed no result" >> "$log/$name"
	fi
	passed=$((passed + p))
	failed=$((failed + f))
	skipped=$((skipped + s))
	printf '%-44s %4d passed, %d failed%s\n' "$name" "$p" "$f" \
		"$([ "$s" -eq 0 ] || echo ", $s skipped")"
	[ "$f" -eq 0 ] || sed 's/^/    /' "$log/$name" | grep -vE 'RUN|       OK' | tail -60
}

run() {
	local name=$1
	shift
	timeout 600 "$@" > "$log/$name" 2>&1 < /dev/null
	count "$name" $?
}

demo() { TMPDIR=$log tests/demo.sh "$program" && echo 'ok - the demo'; }

if [ "$only" != system ]; then
	for t in "$build"/unit/*/test_*; do
		case $t in *.d) continue ;; esac
		run "unit-$(basename "$t")" "$t"
	done
	run sim tests/sim/run.sh "$build" 10000
	run lint tests/lint/run.sh "$build"
	demo > "$log/demo" 2>&1 < /dev/null
	count demo $?
	rm -rf "$log"/certline-demo.*
fi
for t in tests/system/*.sh tests/system/hooks/*.sh; do
	case $t in */lib.sh) continue ;; esac
	run "$(echo "${t#tests/}" | tr / -)" "$t" "$program"
done
echo "in $((SECONDS - began)) s; logs are in $log"
[ "$skipped" -eq 0 ] || grep -hE '# SKIP|SKIPPED \]' "$log"/* | sed 's/^/left out here: /' | sort -u
echo "$passed passed, $failed failed$([ "$skipped" -eq 0 ] || echo ", $skipped skipped")"
[ "$failed" -eq 0 ]
