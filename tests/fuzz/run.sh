#!/bin/sh
# run.sh - every fuzzer for FUZZ_SECONDS (30), from the samples in tests/data.   usage: run.sh DIR-OF-FUZZERS
set -eu
for f in "$1"/fuzz_*; do
	case $f in *.d) continue ;; esac
	name=$(basename "$f")
	corpus=$1/corpus-$name
	mkdir -p "$corpus"
	find tests/data -type f -size -64k -exec cp {} "$corpus/" \;
	echo "# $name"
	"$f" -max_total_time="${FUZZ_SECONDS:-30}" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
		-artifact_prefix="$1/" "$corpus" 2>&1 | grep -E 'ERROR|SUMMARY|number_of_executed|crash-' || :
	! ls "$1"/crash-* "$1"/leak-* "$1"/timeout-* 2> /dev/null || exit 1
done
