#!/bin/sh
# run.sh - every fuzzer for FUZZ_SECONDS (30), from the samples in tests/data.   usage: run.sh DIR-OF-FUZZERS
set -eu
for f in "$1"/fuzz_*; do
	case $f in *.d) continue ;; esac
	name=$(basename "$f")
	corpus=$1/corpus-$name
	mkdir -p "$corpus"
	find tests/data -type f -size -64k -exec cp {} "$corpus/" \;
	# of two TSIG records in a message ldns forgets one; what we leak with them the sanitized unit tests find
	leaks=1
	[ "$name" != fuzz_tsig ] || leaks=0
	echo "# $name"
	good=yes
	ASAN_OPTIONS=detect_leaks=$leaks "$f" -max_total_time="${FUZZ_SECONDS:-30}" -timeout=10 -detect_leaks=$leaks \
		-rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$1/" "$corpus" >"$1/$name.log" 2>&1 || good=no
	grep -E 'ERROR|SUMMARY|number_of_executed|Test unit written' "$1/$name.log" || :
	[ $good = yes ] || exit 1
done
