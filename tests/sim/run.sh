#!/bin/sh
# run.sh - the simulation in two halves, side by side.   usage: tests/sim/run.sh BUILD-DIR YEARS
set -eu
half=$(($2 / 2))
"$1/sim" $half 1 > "$1/sim.1" & first=$!
"$1/sim" $half 1000001 > "$1/sim.2" & second=$!
rc=0
wait $first || rc=1
wait $second || rc=1
cat "$1/sim.1" "$1/sim.2"
exit $rc
