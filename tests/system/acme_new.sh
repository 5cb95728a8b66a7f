#!/bin/bash
# acme_new.sh - what newer CAs offer: renewal information (RFC 9773), profiles, Retry-After.  With a newer
# pebble, and with mock_ca.py for what a good CA does not say.  Days pass by --now.
# shellcheck disable=SC2016,SC2034,SC2153,SC2154 source=/dev/null
. "$(dirname "$0")/lib.sh" || exit 1
. "$TOP/tests/system/lab/line.sh"
. "$TOP/tests/system/lab/pebble.sh"
. "$TOP/tests/system/lab/acme_line.sh"
need_programs pebble pebble-challtestsrv openssl python3 jq curl

HOUR=3600
DAY=86400
START=$(date +%s)

# utc SECONDS: from now.
utc() {
	date -u -d "@$((START + $1))" +%Y-%m-%dT%H:%M:%SZ
}

# suggests FROM UNTIL [MEMBER]: what pebble says of the live certificate from now on, in seconds from now.
suggests() {
	pebble_ari "$LINE_DIR/live/cert.pem" \
		"{\"suggestedWindow\": {\"start\": \"$(utc "$1")\", \"end\": \"$(utc "$2")\"}${3:+, $3}}"
}

# at SECONDS: the clock, counted from the start of the test.
at() {
	NOW=$((START + $1))
}

# drawn FROM UNTIL: the instant that was drawn is between these.
drawn() {
	[ "$(noted .at)" -ge "$1" ] && [ "$(noted .at)" -le "$2" ]
}

# mock_normal: no mode is on.
mock_normal() {
	lab_get "$MOCK_MGMT/mode" --data-binary '[]' >/dev/null
}

# replaced: "with" or "without" for each order that the mock was sent: does it say what it replaces?
replaced() {
	jq -r 'select(.kind == "newOrder").body | fromjson.payload | gsub("-"; "+") | gsub("_"; "/") |
		@base64d | if fromjson.replaces then "with" else "without" end' "$MOCK_JWS" |
		uniq | paste -s -d ' '
}

# orders: how often the mock was asked about one; placed, issued: how many there are.
orders() {
	grep -ac 'POST /order/' "$MOCK_LOG"
}

placed() {
	grep -ac 'POST /new-order' "$MOCK_LOG"
}

issued() {
	grep -ac '; issued ' "$MOCK_LOG"
}

# polls: how often pebble was asked about its last order.
polls() {
	awk '/Added order/ { n = 0 } /POST .my-order/ { n++ } END { print n }' "$SCRATCH/pebble.log"
}

# silent TEXT: the next run succeeds, and has nothing to do.
silent() {
	run cron
	is "$1" "$STATUS $OUT$ERR" '0 '
}

free_port; HTTP=$PORT
www_start "$HTTP"
BY_WEBROOT="challenge-dir = $WEBROOT/.well-known/acme-challenge"
challtest_start || finish

# --- renewal information of a good CA ----------------------------------------------------------------

if pebble_new_fetch; then
	pebble_start use=new strict=yes http-port="$HTTP" retry-after=1:1 profile=default:7776000 \
		profile=short:864000
	verdict $? 'a newer pebble runs' || finish
	CA_URL=$PEBBLE_URL

	fresh a.example.test "$BY_WEBROOT" 'profile = default'
	exits 0 'the first certificate' init
	silent 'the next run asks when to renew'
	check 'the window is noted' [ "$(noted .start_at)" -gt "$START" ]
	check 'an instant in it was drawn' drawn "$(noted .start_at)" "$(noted .end_at)"
	check 'the CA is asked again, in some hours' [ "$(noted .next_at)" -gt $((START + HOUR)) ]
	check '... of this day' [ "$(noted .next_at)" -le $((START + DAY + HOUR)) ]
	BEFORE=$(noted '') ASKED=$(grep -c renewalInfo "$SCRATCH/pebble.log")
	silent 'another run'
	is 'changes nothing' "$(noted '')" "$BEFORE"
	is 'and asks nobody' "$(grep -c renewalInfo "$SCRATCH/pebble.log")" "$ASKED"

	DRAWN=$(noted .at)
	at $((7 * HOUR))
	silent 'seven hours later'
	is 'the CA is asked' "$(grep -c renewalInfo "$SCRATCH/pebble.log")" $((ASKED + 1))
	is 'and the instant stays while the window does' "$(noted .at)" "$DRAWN"
	check 'the next time to ask is noted' [ "$(noted .next_at)" -gt "$NOW" ]
	suggests $((40 * DAY)) $((41 * DAY))
	at $((14 * HOUR))
	silent 'the window is another one'
	check 'the instant is in that' drawn $((START + 40 * DAY)) $((START + 41 * DAY))
	run --json status
	is 'status shows it' "$(jq -r '.lines[0] | .next, .next_at' <<<"$OUT" | paste -s -d ' ')" \
		"renew $(date -u -d "@$(noted .at)" +%Y-%m-%dT%H:%M:%SZ)"

	SERIAL=$(serial)
	suggests $((-2 * DAY)) $((-DAY)) '"explanationURL": "https://127.0.0.1/why"'
	at $((21 * HOUR))
	run cron
	is 'a window in the past: one that is less than a day old is kept' "$STATUS $(serial)" "0 $SERIAL"
	like 'but the reason is told' "$OUT$ERR" 'explains.*https://127.0.0.1/why'
	at $((25 * HOUR))
	exits 0 'an hour after that day' cron
	like 'it is renewed' "$OUT$ERR" 'renewed the certificate of the live key'
	check 'it is another certificate' [ "$(serial)" != "$SERIAL" ]
	is 'on the same key' "$(keyset)" 1
	is 'the CA knows what it replaces' "$(grep -c 'ARI: .* is a replacement' "$SCRATCH/pebble.log")" 1
	silent 'then it is quiet'
	is 'the old one is forgotten' "$(jq '.suggestions | length' "$LINE_DIR/state.json")" 1
	NOW=

	# --- profiles -------------------------------------------------------------------------------

	fresh b.example.test "$BY_WEBROOT" 'profile = short'
	BEGAN=$(date +%s%N)
	exits 0 'a profile that is offered' init
	is 'is used' "$(days)" 10
	TOOK=$((($(date +%s%N) - BEGAN) / 1000000))
	check 'Retry-After is heeded: a busy CA is left alone' [ $TOOK -ge 1000 ]
	check '... in which it is hardly asked' [ "$(polls)" -le 4 ]
	fresh b.example.test "$BY_WEBROOT" 'profile = classic'
	exits 0 'one that is not offered' init
	like 'is done without' "$OUT$ERR" 'not offer the profile classic, but default, short: ordered without'
	check 'the certificate is there' [ "$(issuer | cut -c 1-6)" = Pebble ]
	fresh b.example.test "$BY_WEBROOT" 'profile = classic' 'require-profile = yes'
	exits 1 'required, and not offered' init
	like 'is an error' "$ERR" 'does not offer the profile classic, but default, short'
	is 'and the stand-in stays' "$(issuer)" b.example.test
	pebble_stop
fi

# --- a CA that says it in other words, or nothing of use ---------------------------------------------

mock_start --always-valid --profile short:864000
verdict $? 'mock_ca.py runs' || finish
CA_URL=$MOCK_URL
fresh m.example.test "$BY_WEBROOT" 'self-check = no' 'profile = short'
exits 0 'a certificate of it' init
is 'of ten days' "$(days)" 10
like 'each request has a User-Agent' "$(jq -r '."user-agent"' "$MOCK_JWS" | sort -u)" '^certline/[0-9.]+ libcurl/[0-9.]+$'
conf m.example.test "$BY_WEBROOT" 'self-check = no'
HOURS=0
for m in ari-404 ari-500 ari-503 ari-html ari-equal ari-reversed ari-unparsable ari-bare ari-wide \
	ari-numbers ari-without ari-empty lost-renewal directory-no-ari; do
	mock_mode "$m"
	at $(((HOURS += 7) * HOUR))
	silent "$m: the run succeeds"
	is "$m: nothing is known, a failure counted" "$(noted .at) $(noted .failures)" "null $((HOURS / 7))"
done
mock_mode hang '"at": ["renewal"]'
at $(((HOURS += 7) * HOUR))
BEGAN=$SECONDS
silent 'no answer: the run succeeds'
check 'and is not kept for long' [ $((SECONDS - BEGAN)) -lt 15 ]
check 'it is not asked again at once' [ "$(noted .next_at)" -ge $((NOW + 6 * HOUR)) ]

SERIAL=$(serial)
at $((20 * DAY / 3 - HOUR - 60))
silent 'just before a third of the life is left'
at $((20 * DAY / 3))
exits 0 'a third is left' cron
check 'it is renewed by that rule' [ "$(serial)" != "$SERIAL" ]
is 'for the usual time' "$(days)" 90
at $((70 * DAY))
mock_normal
ISSUED=$(issued)
exits 1 'what the CA gives is due as soon as it is there, as our clock is wrong' cron
like 'that is said' "$ERR" 'would be due at once'
is 'and no second one is ordered' $(($(issued) - ISSUED)) 1
at $((70 * DAY + HOUR))
run cron
check 'later runs do not order more than one either' [ $(($(issued) - ISSUED)) -le 2 ]

mock_mode ari-future
fresh p.example.test "$BY_WEBROOT" 'self-check = no'
NOW=
exits 0 'a certificate' init
T=$((19 * HOUR))
for m in ari-past ari-fraction ari-lower-case ari-leap; do
	SERIAL=$(serial)
	mock_mode "$m"
	at $((T += 7 * HOUR))
	exits 0 "$m: the run succeeds" cron
	check "$m: the certificate is renewed" [ "$(serial)" != "$SERIAL" ]
done

fresh n.example.test "$BY_WEBROOT" 'self-check = no'
NOW=
exits 0 'a certificate' init
T=0
for m in ari-retry-zero:60 ari-retry-one:60 ari-retry-week:86400 ari-retry-huge:86400 \
	ari-retry-garbage:21600 ari-retry-negative:21600 ari-retry-none:21600; do
	mock_mode "${m%:*}"
	at $((T += 3 * DAY))
	run cron
	is "${m%:*}: asked again after ${m#*:} s" "$STATUS $(($(noted .next_at) - NOW))" "0 ${m#*:}"
done
for m in ari-explanation-escapes ari-explanation-number; do
	mock_mode "$m"
	at $((T += 3 * DAY))
	run cron
	is "$m: is not told" "$STATUS $OUT$ERR" '0 '
	run status
	check_not "$m: not by status either" grep -q 'explains' <<<"$OUT"
	check "$m: the window counts" [ "$(noted .at)" -gt 0 ]
done

mock_mode ari-explanation
at $((T += 3 * DAY))
run cron
like 'an explanation is told' "$STATUS $OUT" 'explains when it suggests to renew: https://.*/why'
run status
like '... and stands in status' "$(tr -s ' \n' ' ' <<<"$OUT")" 'the CA explains when it suggests to renew: https://.*/why'
run status -v
is '... once' "$(grep -c 'https://.*/why' <<<"$OUT")" 1
at $((T += DAY))
silent 'but once'

# --- what an order is said to replace ----------------------------------------------------------------

mock_normal
fresh r.example.test "$BY_WEBROOT" 'self-check = no'
NOW=
exits 0 'a certificate' init
: >"$MOCK_JWS"
exits 0 'renewed' renew
is 'the order names the old one' "$(replaced)" with
for m in replaces-already replaces-malformed replaces-unauthorized replaces-server; do
	SERIAL=$(serial)
	mock_mode "$m"
	: >"$MOCK_JWS"
	exits 0 "$m: renewed" renew
	check "$m: by another certificate" [ "$(serial)" != "$SERIAL" ]
	is "$m: first with, then without the old one" "$(replaced)" 'with without'
	like "$m: which is said" "$OUT$ERR" 'does not take the order as the replacement'
done

# --- a profile that is offered, and refused --------------------------------------------------------------

mock_normal
fresh t.example.test "$BY_WEBROOT" 'self-check = no' 'profile = short' 'require-profile = yes'
mock_mode invalid-profile '"times": 1'
exits 1 'required: it is an error' init
like '... that is told' "$OUT$ERR" 'No such profile'
conf t.example.test "$BY_WEBROOT" 'self-check = no' 'profile = short'
mock_mode invalid-profile '"times": 1'
exits 0 'preferred: it is done without' renew
like '... which is said' "$OUT$ERR" 'does not give the profile short .*ordered without one'
mock_normal

# --- how long an order takes -------------------------------------------------------------------------

FAULTS=$(grep -a BAD: "$MOCK_LOG" | sort -u)
mock_start --retry-after 2 --validate-ms 1000
CA_URL=$MOCK_URL HTTP=$MOCK_HTTP
www_start "$HTTP" "$WEBROOT"
fresh s.example.test "$BY_WEBROOT"
exits 0 'Retry-After of an order that is pending' init
check 'is heeded' [ "$(orders)" -le 2 ]
mock_start --retry-after 100000 --validate-ms 1000
CA_URL=$MOCK_URL HTTP=$MOCK_HTTP
www_start "$HTTP" "$WEBROOT"
fresh s.example.test "$BY_WEBROOT" 'order-limit = 5s'
BEGAN=$SECONDS
run init
is 'a day and more: the run ends in time all the same' "$((SECONDS - BEGAN <= 8))" 1
like 'and the CA has had that time to look' "$(issuer)" '^Mock'
is 'by one order' "$(placed)" 1
FAULTS+=$(grep -a BAD: "$MOCK_LOG" | sort -u)
is 'the mock has nothing to find fault with' "$FAULTS" ''

finish
