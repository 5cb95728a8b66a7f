#!/bin/bash
# broken.sh - the worlds of lab/broken.txt: `certline check` says of each what is the matter, and other programs
# that know DANE are asked about the same servers.
#
# As root, in a network of its own, where servers have their real ports.
# shellcheck disable=SC2016,SC2034,SC2153,SC2154 source=/dev/null

. "$(dirname "$0")/lab/alone.sh"
. "$(dirname "$0")/lib.sh" || exit 1
. "$TOP/tests/system/lab/line.sh"
. "$TOP/tests/system/lab/broken.sh"
. "$TOP/tests/system/lab/judges.sh"
need_programs named dnssec-keygen dnssec-signzone dnssec-dsfromkey dig unbound openssl python3 jq ip mount \
	posttls-finger gnutls-cli danetool ldns-dane

broken_start
verdict $? "there are ${#WORLDS[@]} worlds" || {
	tail -n 5 "$SCRATCH"/*.log
	finish
}

# side_by_side FUNCTION WORD...: for each word; most of it is waiting.
side_by_side() {
	local word
	for word in "${@:2}"; do
		while [ "$(jobs -rp | wc -l)" -ge 12 ]; do
			wait -n
		done
		"$1" "$word" &
	done
	wait
}

# --- other programs: what the table says of them ------------------------------------------------------------

JUDGE_CA=$CHAINS/root.pem
# judge_one PROGRAM:WORLD
judge_one() {
	local world=${1#*:} port
	port=${OWNER[$world]%%.*}
	judge "${1%%:*}" "${WORLD_HOST[$world]}" "${port#_}" "$([ "$port" = _443 ] || echo smtp)" >"$JUDGED/$1"
}
JUDGED_ONES=()
for world in "${WORLDS[@]}"; do
	[ "${OTHERS[$world]}" = '- - - - -' ] && continue
	for program in $JUDGES; do
		JUDGED_ONES+=("$program:$world")
	done
done
side_by_side judge_one "${JUDGED_ONES[@]}"
for world in "${WORLDS[@]}"; do
	[ "${OTHERS[$world]}" = '- - - - -' ] && continue
	said=
	for program in $JUDGES; do
		said+="${said:+ }$(cat "$JUDGED/$program:$world")"
	done
	is "$world: $JUDGES" "$said" "${OTHERS[$world]}"
done

# --- certline check ------------------------------------------------------------------------------------------

if ! "$PROGRAM" --help | grep -q -E '^ *check\b'; then
	skip 'certline check' 'this certline has no such command'
	finish
fi

export SSL_CERT_FILE=$CHAINS/root.pem   # the CA that clients know
check_world() {
	local what=(--owner "${OWNER[$1]}")
	[[ ${OWNER[$1]} != mx:* ]] || what=(--mx "${OWNER[$1]#mx:}")
	timeout 60 "$PROGRAM" check "${what[@]}" --json >"$BROKEN/said-$1" 2>"$BROKEN/stderr-$1"
	echo "$?" >"$BROKEN/status-$1"
}
# findings WORLD: a line for each: severity, code, text
findings() {
	jq -r '.. | objects | select(has("severity") and has("code")) | "\(.severity) \(.code) \(.text)"' "$BROKEN/said-$1"
}
# worst: of the findings on standard input
worst() {
	local all severity
	all=$(cut -d ' ' -f 1)
	for severity in error warning note; do
		if grep -q -x "$severity" <<<"$all"; then
			echo "$severity"
			return
		fi
	done
	echo ok
}
# says WORLD: every word of the table is in what was found
says() {
	local word words
	IFS=';' read -r -a words <<<"${WORDS[$1]}"
	for word in "${words[@]}"; do
		findings "$1" | grep -q -i -E -- "$word" || {
			note "nothing about: $word"
			return 1
		}
	done
}
side_by_side check_world "${WORLDS[@]}"
for world in "${WORLDS[@]}"; do
	is "$world: ${SEVERITY[$world]}" "$(findings "$world" | worst)" "${SEVERITY[$world]}"
	says "$world"
	verdict $? "$world: the diagnosis says ${WORDS[$world]//;/, }" ||
		note "exit $(cat "$BROKEN/status-$world")"$'\n'"$(findings "$world"; cat "$BROKEN/stderr-$world")"
done
finish
