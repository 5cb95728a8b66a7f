#!/bin/bash
# variant.sh - a certline that does not wait: the same program from the same objects, but the guard
# `settled` of the rule table does not look at the clock any more.  Only for showing that the tests
# would notice.
#
# usage: variant.sh BUILD-FOLDER OUT
#
# Touches: OUT, and two files beside it.
set -eu
cd "$(dirname "$0")/../../.."
build=$1
out=$2
source=src/core/rollover.c

sed 's/return !unpublished(i) && i->now >= rollover_settled_at(i->p, i->f);/return !unpublished(i);/' \
	"$source" >"$out.c"
changed=$(diff "$source" "$out.c" | grep -c '^>') || :
if [ "$changed" -ne 1 ]; then
	echo "variant.sh: $changed lines of $source were changed instead of one: fit the pattern to \`settled\`" >&2
	exit 1
fi
read -r -a packages < <(sed -n 's/^PACKAGES *:= *//p' Makefile)
read -r -a libs < <(pkg-config --libs "${packages[@]}")
sanitize=(${SAN:+"-fsanitize=$SAN"})
"${CC:-cc}" -D_GNU_SOURCE -Isrc -include src/base/banned.h -std=c11 -O1 "${sanitize[@]}" -c -o "$out.o" "$out.c"
"${CC:-cc}" "${sanitize[@]}" -o "$out" "$build/obj/main.o" "$out.o" "$build/libcertline.a" "${libs[@]}" -lunbound
