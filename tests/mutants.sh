#!/bin/bash
# mutants.sh - do the tests bite?  Every row of the rule table is dropped, swapped with its neighbour, and
# given the guard `always`, one at a time; each mutant must be killed by the unit tests or the simulation.
# A swap of two rows that share no phase changes nothing and is left out.  A survivor whose decision is the
# same as the table's for all combinations of facts that the unit test builds is no mutant, and is said so.
# usage: tests/mutants.sh BUILD-DIR CC-COMMAND...     (make mutants)
set -u
build=$1; shift
src=src/core/rollover.c
dir=$build/mutants
years=${YEARS:-400}
mkdir -p "$dir"
mapfile -t rows < <(grep -n $'^\t{ PH_' "$src" | cut -d: -f1)

# The phases of the row on a line, as a list of names.
phases() {
	sed -n "${1}p" "$src" | sed 's/^\t{ //; s/,.*//' | sed '
		s/PH_LIVE/PH_STEADY PH_STAGED PH_RETIRING PH_CROWDED/
		s/PH_NEXT/PH_STAGED PH_CROWDED/
		s/PH_PAST/PH_RETIRING PH_CROWDED/
		s/|/ /g'
}

overlap() {
	local p
	for p in $(phases "$1"); do
		phases "$2" | grep -qw "$p" && return 0
	done
	return 1
}

# try NAME: builds the mutant in $dir/NAME.c and runs the tests; prints who killed it.
try() {
	local name=$1; shift
	# shellcheck disable=SC2015 # the message is for any of the three
	"$@" -c -o "$dir/$name.o" "$dir/$name.c" 2> "$dir/$name.log" &&
	"$@" -o "$dir/$name.unit" tests/unit/core/test_rollover.c "$dir/$name.o" "$build/libcertline.a" -lcmocka 2>> "$dir/$name.log" &&
	"$@" -o "$dir/$name.sim" tests/sim/sim.c "$dir/$name.o" "$build/libcertline.a" 2>> "$dir/$name.log" || {
		echo "broken $name: it does not build, see $dir/$name.log"; return; }
	if ! timeout 120 "$dir/$name.sim" "$years" > "$dir/$name.log" 2>&1; then
		echo "killed $name by the simulation: $(grep -m1 'not ok' "$dir/$name.log" | cut -c1-70)"
	elif ! timeout 120 "$dir/$name.unit" > "$dir/$name.log" 2>&1; then
		echo "killed $name by unit tests: $(grep -m1 -o 'FAILED  \] [a-z_]*' "$dir/$name.log" | cut -c11-)"
	elif [ "$("$dir/$name.unit" --decisions)" = "$original" ]; then
		echo "same $name: it decides like the table for all combinations of facts"
	else
		echo "SURVIVED $name: see $dir/$name.c"
	fi
	rm -f "$dir/$name.unit" "$dir/$name.sim" "$dir/$name.o"
}

names=()
same=0
for i in "${!rows[@]}"; do
	n=${rows[$i]}
	sed "${n}d" "$src" > "$dir/drop-$((i + 1)).c"
	names+=("drop-$((i + 1))")
	if ! sed -n "${n}p" "$src" | grep -q 'always,'; then
		sed "${n}s/^\(\t{ [^,]*,\)\( *\)[a-z_]*,/\1\2always,/" "$src" > "$dir/always-$((i + 1)).c"
		names+=("always-$((i + 1))")
	fi
	[ "$((i + 1))" -lt "${#rows[@]}" ] || continue
	if overlap "$n" "${rows[$((i + 1))]}"; then
		sed "${n}{h;d};${rows[$((i + 1))]}{G}" "$src" > "$dir/swap-$((i + 1)).c"
		names+=("swap-$((i + 1))")
	else
		same=$((same + 1))
	fi
done
original=$("$@" -o "$dir/original" tests/unit/core/test_rollover.c "$build/libcertline.a" -lcmocka && "$dir/original" --decisions)
[ -n "$original" ] || { echo "the tests do not build"; exit 1; }
export -f try
export dir build src years original
printf '%s\n' "${names[@]}" | xargs -P "$(nproc)" -I{} bash -c 'try "$@"' _ {} "$@" > "$dir/result"
sort "$dir/result"
killed=$(grep -c '^killed' "$dir/result")
survived=$(grep -Evc '^(killed|same)' "$dir/result")
echo "# ${#rows[@]} rows, ${#names[@]} mutants, $(grep -c ^same "$dir/result") of them no change at all; $same swaps of rows that share no phase left out"
echo "$killed passed, $survived failed"
[ "$survived" -eq 0 ]
