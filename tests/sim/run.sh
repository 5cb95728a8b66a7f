#!/bin/sh
# run.sh - the simulations: years of rollovers in two halves, side by side, and worlds of name servers.
# usage: tests/sim/run.sh BUILD-DIR YEARS
set -eu
half=$(($2 / 2))
rc=0
"$1/sim" $half 1 > "$1/sim.1" & first=$!
"$1/sim" $half 1000001 > "$1/sim.2" & second=$!
wait $first || rc=1
wait $second || rc=1
cat "$1/sim.1" "$1/sim.2"
"$1/worlds" 300000 || rc=1
exit $rc
