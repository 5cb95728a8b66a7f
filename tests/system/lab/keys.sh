# shellcheck shell=bash
# keys.sh - three keys in a store, and a stand-in for `certline tlsa` that says which of them are wanted, on
# top of lib.sh: for hooks that ask both.
#
# Touches: $LINE_DIR, two files under $SCRATCH.
# shellcheck disable=SC2034,SC2154,SC2153 # names of the test and of lib.sh

# What the hook asks: certline for the records, and the manifests for the keys.
DIGESTS=()
for number in 1 2 3; do
	new_generation "$number"
	DIGESTS[number]=$(digest "$number")
	jq -n --arg d "${DIGESTS[number]}" '{version: 1, keys: [{spki_sha256: ($d | ascii_downcase),
		spki_sha512: ($d + $d | ascii_downcase)}]}' >"$LINE_DIR/gen/00000$number/manifest.json"
done
go_live 1
digest() { echo "${DIGESTS[$1]}"; }
cat >"$SCRATCH/certline" <<END_OF_PROGRAM
#!/bin/sh
[ "\$*" = "tlsa --format json $LINE" ] && cat "$SCRATCH/set.json"
END_OF_PROGRAM
chmod 755 "$SCRATCH/certline"
TTL=60
# wants NUMBER...: these keys, at each owner of the line
wants() {
	local owner number
	for owner in $OWNERS; do
		for number; do
			jq -n --arg o "$owner" --arg d "$(digest "$number")" --arg l "$LINE" --argjson t "$TTL" '{owner: $o,
				ttl: $t, usage: 3, selector: 1, matching_type: 1, data: ($d | ascii_downcase), line: $l}'
		done
	done | jq -s '{version: 1, records: .}' >"$SCRATCH/set.json"
}
