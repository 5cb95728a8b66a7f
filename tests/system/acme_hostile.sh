#!/bin/bash
# acme_hostile.sh - certline at a CA that does what no CA should (mock_ca.py --list): what a client has to cope with is
# coped with, everything else refused, and whatever comes nothing is lost (acme_hostile.py says what that is).  Rate
# limits are kept.  What it signs, jose verifies.
#
# ALL=1 tries modes that meet several kinds of request at each kind alone, too (some minutes).
# shellcheck disable=SC2016,SC2034,SC2153,SC2154 source=/dev/null
. "$(dirname "$0")/lib.sh" || exit 1
. "$TOP/tests/system/lab/line.sh"
. "$TOP/tests/system/lab/pebble.sh"
need_programs openssl python3 jq curl ss jose pebble-challtestsrv

LINE=web
STATE=$SCRATCH/state
LINE_DIR=$STATE/lines/$LINE

# conf ROW...: of [acme].
conf() {
	{
		printf 'domains = mx.example.test www.example.test\nissuer = acme\n[hooks]\npost-certchange = /bin/true\n'
		printf '[dirs]\nstate = %s\n[dns]\nresolver = %s\nvalidate = no\n' "$STATE" "$CHALLTEST_DNS"
		printf '[acme]\nca = %s\nca-file = %s\n' "$MOCK_URL" "$PEBBLE_CA"
		printf 'agree-tos = yes\nchallenge-dir = %s\ncheck-port = %s\n' "$WEBROOT/.well-known/acme-challenge" "$MOCK_HTTP"
		[ $# -eq 0 ] || printf '%s\n' "$@"
	} >"$CONF/$LINE.conf"
}

# requests: how many the CA has had.
requests() {
	grep -cE '^(GET|HEAD|POST) /' "$MOCK_LOG" | tr -d '\n'
	: >"$MOCK_LOG"
}

# --- every mode -----------------------------------------------------------------------------------------

challtest_start || finish
hostile modes 8 ${ALL:+--all}

# --- rate limits ----------------------------------------------------------------------------------------

mock_start
verdict $? 'mock_ca.py runs' || finish
www_start "$MOCK_HTTP"
conf
exits 0 'a first certificate' init
BEFORE=$(fingerprint "$LINE_DIR/live/cert.pem")
for mode in rate-limited paused; do
	mock_mode "$mode"
	exits 1 "$mode" renew
	case $mode in
	paused) like 'the URL that ends it is told' "$ERR" '/sfe/v1/unpause\?jwt=eyJhbGciOiJIUzI1NiJ9\.e30\.AAAA( |$)' ;;
	*) like 'what the CA says is told' "$ERR" 'example.test" in the last 168h0m0s: see https://.*/limits' ;;
	esac
	requests >/dev/null
	exits 1 'the next run' cron
	is 'asks nobody' "$(requests)" 0
	NOW=$(($(date +%s) + 3500))
	run cron
	is 'nor does one before the hour is over' "$(requests)" 0
	NOW=
	run renew
	is 'nor one that is ordered by hand' "$(requests)" 0
	like 'which says until when' "$ERR" 'not to order before 20'
	lab_get "$MOCK_MGMT/mode" --data-binary '[]' >/dev/null
	sed "s|^domains.*|domains = other.example.test|" "$CONF/$LINE.conf" >"$CONF/other.conf"
	exits 0 'another line, of other names, is not kept from its certificate' init other
	rm -rf "$CONF/other.conf" "$STATE/lines/other"
	is 'the certificate is as it was' "$(fingerprint "$LINE_DIR/live/cert.pem")" "$BEFORE"
	NOW=$(($(date +%s) + 3700))
	exits 0 'after an hour it goes on' cron
	check 'to a new certificate' [ "$(fingerprint "$LINE_DIR/live/cert.pem")" != "$BEFORE" ]
	NOW=
	rm -rf "$STATE"
	run init
	BEFORE=$(fingerprint "$LINE_DIR/live/cert.pem")
done

# everywhere else, too
for at in newAccount authz challenge finalize certificate the-order-itself; do
	rm -rf "$STATE"
	conf
	case $at in
	the-order-itself) mock_mode order-invalid-limited ;;
	*) mock_mode rate-limited "\"at\": [\"$at\"]" ;;
	esac
	exits 1 "a rate limit at $at" init
	requests >/dev/null
	NOW=$(($(date +%s) + 3500))
	run cron
	is "$at: nobody is asked before the hour is over" "$(requests)" 0
	lab_get "$MOCK_MGMT/mode" --data-binary '[]' >/dev/null
	NOW=$(($(date +%s) + 3700))
	exits 0 "$at: then it goes on" cron
	NOW=
done
rm -rf "$STATE"
conf
mock_mode html-503-year '"at": ["directory"]'
exits 1 'a CA that is closed for a year' init
requests >/dev/null
NOW=$(($(date +%s) + 86400))
run cron
is 'is not asked the next day' "$(requests)" 0
sed "s|^domains.*|domains = other.example.test|" "$CONF/$LINE.conf" >"$CONF/other.conf"
exits 1 'nor for another line' init other
is 'not at all' "$(requests)" 0
rm -rf "$CONF/other.conf" "$STATE/lines/other"
NOW=
rm -rf "$STATE"
mock_mode rate-limited-short '"at": ["order"], "times": 1'
exits 0 'a rate limit of a second is waited for' init

# a stumble at the last step is no reason to leave a certificate where it is
rm -rf "$STATE"
mock_mode html-503 '"at": ["certificate"]'
exits 1 'a certificate that cannot be fetched at the moment' init
lab_get "$MOCK_MGMT/mode" --data-binary '[]' >/dev/null
: >"$MOCK_LOG"
NOW=$(($(date +%s) + 600))
exits 0 'is fetched ten minutes later' cron
is 'by the same order' "$(grep -c 'POST /new-order' "$MOCK_LOG")" 0
NOW=
mock_mode user-action-required
exits 1 'new terms of service' renew
like 'their URL is shown' "$OUT$ERR" 'read https://127.0.0.1:[0-9]*/terms-2'
lab_get "$MOCK_MGMT/mode" --data-binary '[]' >/dev/null

# --- all that it says -----------------------------------------------------------------------------------

# what becomes of the control characters of mock_modes.py
ESCAPES='?[2J?]0;title? ?? ??31m ??? evil? ok 1 - forged  line'

# problems: of the steps that failed, as JSON; URL stands for the CA, ESC for the control characters.
problems() {
	jq -c --arg url "${MOCK_URL%/dir}" --arg escapes "$ESCAPES" '[.lines[0].events[].problems // empty] | add // [] |
		walk(if type == "string" then split($url) | join("URL") | split($escapes) | join(" ESC") else . end)' <<<"$OUT"
}

rm -rf "$STATE"
exits 0 'a certificate' init
exits 0 'another one' renew --json
is '... and no problems' "$(problems)" '[]'
mock_mode problem-full
exits 1 'a problem with all that there can be' renew --json
like 'detail, type, status and instance are told' "$ERR" \
	'the CA says: forbidden\?\[2J.* ok 1 - forged  line \(caa, HTTP status 403\), see https://[0-9.:]*/problems/7\?\[2J'
like '... and the first subproblems, with their names' "$ERR" 'line; n0\.example\.test\?.*: 0 is forbidden\?'
is '... and all beside that' "$(jq -r '.lines[0].events[].text' <<<"$OUT" | grep -c '^n[0-9].*: [0-9] is forbidden')" 5
is 'all of it is printable' "$({ jq -r '.. | strings' <<<"$OUT" && echo "$ERR"; } | LC_ALL=C grep -c '[^ -~]')" 0
is 'problems are with what has failed' "$(jq -c '[.lines[0].events[] | select(.problems).kind]' <<<"$OUT")" '["failed"]'
is '... the same is there once, with the status of the reply' "$(problems | jq -c 'map(del(.subproblems))')" \
	'[{"type":"urn:ietf:params:acme:error:caa","title":"CAA ESC","detail":"forbidden ESC","status":403,"instance":"URL/problems/7 ESC"}]'
is '... with all subproblems' "$(problems | jq -c '.[0].subproblems | length, .[4]' | paste -s -d ' ')" \
	'5 {"type":"urn:ietf:params:acme:error:caa","title":"T","detail":"4 is forbidden ESC","status":404,"instance":"URL/4","identifier":"n4.example.test ESC"}'
mock_mode subproblems-many '"at": ["newOrder"]'
exits 1 '10,000 subproblems' renew --json
is '... 200 are there' "$(problems | jq -c '.[0].subproblems | length')" 200
mock_mode subproblems-long
exits 1 'many long ones' renew --json
is '... are cut' "$(problems | jq -c '.[0].subproblems | length, (map(.detail | length) | max)' | paste -s -d ' ')" '200 1000'
mock_mode html-403 '"at": ["newOrder"]'
exits 1 'no problem document' renew --json
is '... is none' "$(problems)" '[]'
mock_mode server-internal '"at": ["directory"]'
exits 1 'one in place of the directory' renew --json
is '... is one' "$(problems | jq -c 'map(.status)')" '[500]'
lab_get "$MOCK_MGMT/mode" --data-binary '[]' >/dev/null
rm -rf "$STATE"
mkdir "$SCRATCH/nowhere"
conf 'self-check = no'
sed -i "s|^challenge-dir.*|challenge-dir = $SCRATCH/nowhere|" "$CONF/$LINE.conf"
exits 1 'challenges that fail' init --json
like '... with status' "$ERR" 'http-01 failed: .* \(unauthorized, HTTP status 403\)'
is '... are of the order, and of each name' \
	"$(problems | jq -r '.[] | "\(.identifier) \(.status) \(.type)"' | sort | paste -s -d ' ')" \
	"$(printf '%s 403 urn:ietf:params:acme:error:unauthorized\n' mx.example.test null www.example.test | paste -s -d ' ')"

# --- what is signed -------------------------------------------------------------------------------------

# verified JWS JWK: by jose, which is nobody of ours.
verified() {
	jose jws ver -i <(printf '%s' "$1") -k <(printf '%s' "$2") >/dev/null 2>>"$SCRATCH/jose.log"
}

mac=$(openssl rand -base64 32 | tr '+/' '-_' | tr -d '=\n')
printf '%s\n' "$mac" >"$SCRATCH/mac.key"
chmod 600 "$SCRATCH/mac.key"
rm "$MOCK_JWS"
mock_start --eab "kid-1:$mac"
www_start "$MOCK_HTTP"
for key in ec-256 ec-384 rsa-2048; do
	rm -rf "$STATE"
	case $key in
	ec-*) openssl genpkey -algorithm EC -pkeyopt "ec_paramgen_curve:P-${key#*-}" ;;
	rsa-*) openssl genpkey -algorithm RSA -pkeyopt "rsa_keygen_bits:${key#*-}" ;;
	esac >"$SCRATCH/account-$key.pem" 2>/dev/null
	chmod 600 "$SCRATCH/account-$key.pem"
	conf "account-key = $SCRATCH/account-$key.pem" "eab = kid-1 $SCRATCH/mac.key"
	exits 0 "a certificate with an account key $key" init
	exits 0 'another key for the account' account rollover
	exits 0 'and another certificate' renew
	exits 0 'revoked' revoke "$LINE"
done
# what is signed inside others, too: with the MAC key, and with the next key
rows=0 bad=0 kinds=
while IFS=$'\t' read -r kind jws jwk; do
	rows=$((rows + 1)) kinds+="$kind"$'\n'
	verified "$jws" "$jwk" || { bad=$((bad + 1)); note "not verified: $kind: $jws, by $jwk"; }
done < <(jq -r --arg mac "$mac" '
	def text: @base64d | fromjson;
	[.kind, .body, (.jwk | tojson)],
	(.body | fromjson | .payload | select(. != "") | text |
		(.externalAccountBinding // empty | ["binding", tojson, ({kty: "oct", alg: "HS256", k: $mac} | tojson)]),
		(select(.signature) | ["next key", tojson, (.protected | text | .jwk | tojson)])) | join("\t")' "$MOCK_JWS")
check 'the CA got some messages' [ "$rows" -ge 60 ]
is 'jose verifies each' "$bad" 0
is 'of each kind' "$(sort -u <<<"${kinds%$'\n'}" | paste -s -d ' ')" \
	'authz binding certificate challenge finalize keyChange newAccount newOrder next key order revoke'
is 'every one says what it is' "$(jq -r '."content-type"' "$MOCK_JWS" | sort -u)" application/jose+json
like 'and who sends it' "$(jq -r '."user-agent"' "$MOCK_JWS" | sort -u | paste -s)" '^certline/[^ ]+ libcurl/[^ ]+$'
check_not 'jose refuses another key' verified "$jws" "$(jose jwk gen -i '{"alg": "ES256"}')"

finish
