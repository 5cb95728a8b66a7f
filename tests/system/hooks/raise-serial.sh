#!/bin/bash
# raise-serial.sh - the SOA serial in zone files of all shapes.  No server is needed.
# shellcheck disable=SC2016,SC2034 source=/dev/null
. "$(dirname "$0")/../lib.sh" || exit 1

HELPER=$TOP/hooks/lib/raise-serial
ZONE=$SCRATCH/zone.db
TODAY=$(date -u +%Y%m%d)
need_programs flock named-checkzone

# raise ARGUMENT...: what it prints goes into $SAID, its exit status into $STATUS
raise() {
	SAID=$("$HELPER" "$@" 2>&1)
	STATUS=$?
}

# shape TEXT BEFORE AFTER OLD NEW: the serial between two pieces of text is raised, and nothing else changes
shape() {
	printf '%s%s%s' "$2" "$4" "$3" >"$ZONE"
	raise "$ZONE"
	if [ "$SAID" = "$5" ] && [ "$(cat "$ZONE")" = "$(printf '%s%s%s' "$2" "$5" "$3")" ]; then
		verdict 0 "$1"
	else
		verdict 1 "$1"
		note "said $SAID, wrote:"$'\n'"$(cat "$ZONE")"
	fi
}

tail=$' 3600 600 864000 30\n@ IN NS ns1\nns1 IN A 127.0.0.1\n'
shape 'one line' '@ IN SOA ns1 h ' "$tail" 7 8
shape 'a TTL before the class' $'$TTL 60\n@ 60 IN SOA ns1 h ' "$tail" 7 8
shape 'a TTL after the class, with units' '@ in 1h30m soa ns1 h ' "$tail" 7 8
shape 'no class, tabs' $'example.org.\tSOA\tns1\th\t' "$tail" 7 8
shape 'no owner' $'$ORIGIN example.org.\n  IN SOA ns1 h ' "$tail" 7 8
shape 'in parentheses, on the line of the SOA' '@ IN SOA ns1 h (' $' 3600 600 864000 30)\n' 41 42
shape 'in parentheses, on a line of its own, with comments' \
	$'; 9 zone ( of "us\n$TTL 60 ; (\n@ IN SOA ns1 h ( ; SOA 1 2 3\n\t\t\t\t; serial\n\t' \
	$' ; serial 1\n\t3600 ; refresh\n\t600 864000 30 )\n@ NS ns1\n' 41 42
shape 'parentheses around everything' $'@ (\n IN\n SOA ns1\n h\n' $'\n3600 600 864000 30\n)\n' 9 10
shape 'quoted and escaped words before the SOA' \
	$'$INCLUDE "a;b(c" ; x\n@ IN TXT "( ;" "\\"" \\( x\\;y\n@ IN SOA ns1 a\\.b ' "$tail" 4 5
shape 'a name that is called soa' $'soa IN A 127.0.0.1\n@ IN SOA ns1 h ' "$tail" 4 5
shape 'mname and rname that are numbers' '@ IN SOA 10 11 ' "$tail" 99 100
shape 'lines that end in CR LF' '@ IN SOA ns1 h ' $'\r\n'"$tail" 4 5
shape 'a number with leading zeros is no octal number' '@ IN SOA ns1 h ' "$tail" 0000000010 11
shape 'zero' '@ IN SOA ns1 h ' "$tail" 0 1
shape 'a date of the past becomes today' '@ IN SOA ns1 h ' "$tail" 2024013199 "${TODAY}00"
shape 'a second change of today' '@ IN SOA ns1 h ' "$tail" "${TODAY}00" "${TODAY}01"
shape 'the hundredth change of today' '@ IN SOA ns1 h ' "$tail" "${TODAY}99" $((TODAY * 100 + 100))
shape 'a date of the future goes on from there' '@ IN SOA ns1 h ' "$tail" 2099123199 2099123200
shape 'seconds since 1970 are a counter' '@ IN SOA ns1 h ' "$tail" 1700000000 1700000001
shape 'ten digits whose month is 13 are a counter' '@ IN SOA ns1 h ' "$tail" 2024130100 2024130101
shape 'the last serial but one' '@ IN SOA ns1 h ' "$tail" 4294967293 4294967294

# refused TEXT PATTERN ARGUMENT...: exit 1, says why, and the file is as it was
refused() {
	local before
	before=$(stat -c '%i %Y' "$ZONE" && cat "$ZONE")
	raise "${@:3}"
	is "$1: exit 1" "$STATUS" 1
	like "$1: says why" "$SAID" "$2"
	is "$1: the file is as it was" "$(stat -c '%i %Y' "$ZONE" && cat "$ZONE")" "$before"
}

echo '@ IN SOA ns1 h 4294967294 3600 600 864000 30' >"$ZONE"
refused 'it never wraps' 'at its end' "$ZONE"
echo '@ IN SOA ns1 h 4294967296 3600 600 864000 30' >"$ZONE"
refused 'more than 32 bits' 'does not fit' "$ZONE"
echo '@ IN SOA ns1 h @serial@ 3600 600 864000 30' >"$ZONE"
refused 'a template' 'zone.db:1: the serial .*@serial@.* not a number' "$ZONE"
echo '$INCLUDE soa' >"$ZONE"
refused 'no SOA' 'no SOA record' "$ZONE"
printf '$TTL 60\n@ IN SOA ns1 h 5 3600 600 864000 30\n@ NS ns1\nns1 A 127.0.0.1\nx TLSA 3 1\n' >"$ZONE"
refused 'a zone that the check refuses' 'named-checkzone refuses it: .*zone.db:5' \
	"$ZONE" named-checkzone -i local example.org
is 'nothing is left beside it' "$(find "$SCRATCH" -name '.zone*')" ''

sed -i '$d' "$ZONE"
raise "$ZONE" named-checkzone -i local example.org
is 'a good zone passes the check' "$SAID" 6
raise --above 5 "$ZONE"
is '--above a lower serial' "$SAID" 7
raise --above 20 "$ZONE"
is '--above a higher serial' "$SAID" 21
raise --above x "$ZONE"
is '--above nonsense: exit 2' "$STATUS" 2
raise
is 'no file: exit 2' "$STATUS" 2
raise "$SCRATCH/none"
like 'a file that does not exist' "$SAID" "none: no such zone file"

chmod 640 "$ZONE"
[ "$(id -u)" -ne 0 ] || chown 12345:23456 "$ZONE"
before=$(stat -c '%a %u %g' "$ZONE")
ln -s zone.db "$SCRATCH/link.db"
raise "$SCRATCH/link.db"
is 'mode and owner are kept' "$(stat -c '%a %u %g' "$ZONE")" "$before"
is 'a symlink stays a symlink' "$(readlink "$SCRATCH/link.db")" zone.db

# a reader sees a whole file at any time, and twenty at once raise it twenty times
raise "$ZONE"
first=$SAID
runs=()
for ((i = 0; i < 20; i++)); do
	"$HELPER" "$ZONE" named-checkzone -q -i local example.org >/dev/null 2>&1 &
	runs+=($!)
done
torn=0
while [ -n "$(jobs -r)" ]; do
	[ "$(grep -c . "$ZONE")" -eq 4 ] || torn=1
done
wait "${runs[@]}"
is 'a reader never sees half a file' "$torn" 0
raise "$ZONE"
is 'twenty at once raise it twenty times' "$SAID" $((first + 21))
finish
