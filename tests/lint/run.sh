#!/bin/bash
# run.sh - all that is checked without running the program's main job.   usage: tests/lint/run.sh BUILD-DIR
set -u
cd "$(dirname "$0")/../.." || exit 1
rc=0
tests/lint/layers.sh "$1" || rc=1

scripts=$(grep -rlE '^#!/bin/(ba)?sh' hooks tests conf contrib .ci 2> /dev/null | sort)
# shellcheck disable=SC2086 # words are meant
if shellcheck -S style $scripts; then
	echo "ok - shellcheck is content with $(echo "$scripts" | wc -l) scripts"
else
	echo "not ok - shellcheck"
	rc=1
fi
while read -r s; do
	[ -x "$s" ] || { echo "not ok - $s is not executable"; rc=1; }
done < <(grep -rlE '^#!/bin/sh' hooks)
[ ! -x tests/lint/docs.sh ] || tests/lint/docs.sh "$1/certline" || rc=1
exit $rc
