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

# count NAME STATUS SECONDS: adds up a log
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
	printf '%-44s %4d passed, %d failed%s, %d s\n' "$name" "$p" "$f" \
		"$([ "$s" -eq 0 ] || echo ", $s skipped")" "$3"
	[ "$f" -eq 0 ] || sed 's/^/    /' "$log/$name" | grep -vE 'RUN|       OK' | tail -60
}

# run NAME COMMAND...: beside others, one more at a time than there are processors, since they wait for servers
# half of the time ($TEST_JOBS); finish counts it.
run() {
	local name=$1
	shift
	while [ "$(jobs -rp | wc -l)" -ge "$at_a_time" ]; do
		wait -n
	done
	names+=("$name")
	{
		local since=$SECONDS
		timeout 600 "$@" > "$log/$name" 2>&1 < /dev/null
		echo $? $((SECONDS - since)) > "$log/$name.status"
	} &
}

finish() {
	local name status seconds
	wait
	for name in "${names[@]}"; do
		read -r status seconds < "$log/$name.status"
		count "$name" "$status" "$seconds"
		rm -f "$log/$name.status"
	done
}

demo() { TMPDIR=$log tests/demo.sh "$program" && echo 'ok - the demo'; }
export -f demo
export log program

at_a_time=${TEST_JOBS:-$(($(nproc) + 1))}
names=()
systems=()
for t in tests/system/*.sh tests/system/hooks/*.sh; do
	case $t in
	*/lib.sh) continue ;;
	# what takes longest begins first
	*/crash.sh | */cloudflare.sh | */eyes.sh | */served.sh | */endpoints.sh | */check.sh) systems=("$t" "${systems[@]}") ;;
	*) systems+=("$t") ;;
	esac
done
for t in "${systems[@]}"; do
	run "$(echo "${t#tests/}" | tr / -)" "$t" "$program"
done
if [ "$only" != system ]; then
	run sim tests/sim/run.sh "$build" 10000
	run lint tests/lint/run.sh "$build"
	run demo bash -c demo
	for t in "$build"/unit/*/test_*; do
		case $t in *.d) continue ;; esac
		run "unit-$(basename "$t")" "$t"
	done
fi
finish
rm -rf "$log"/certline-demo.*
echo "in $((SECONDS - began)) s; logs are in $log"
[ "$skipped" -eq 0 ] || grep -hE '# SKIP|SKIPPED \]' "$log"/* | sed 's/^/left out here: /' | sort -u
echo "$passed passed, $failed failed$([ "$skipped" -eq 0 ] || echo ", $skipped skipped")"
[ "$failed" -eq 0 ]
