#!/bin/bash
# cloudflare.sh - cloudflare with a stand-in for the API and the name servers of Cloudflare: TLSA records and TXT
# records, zones of all kinds, lists of many pages, too many requests, and what must be refused.
# shellcheck disable=SC2034 source=/dev/null
. "$(dirname "$0")/../lib.sh" || exit 1
need_programs python3 curl dig jq openssl

DIR=$SCRATCH/cloudflare
mkdir -p "$DIR"
free_port; DNS=$PORT
free_port; API=$PORT
TOKEN=sesame-$RANDOM-$RANDOM
(umask 077; echo "$TOKEN" >"$DIR/token"; echo "not-$TOKEN" >"$DIR/wrong-token"; echo "odd/$TOKEN" >"$DIR/odd-token"
	printf 'a\nb\n' >"$DIR/two-tokens")
install -m 644 "$DIR/token" "$DIR/open-token"
. "$TOP/tests/system/lab/keys.sh"
INPUT='{"version": 1}'
run_hook() {
	SAID=$(cd / && env -i PATH="${HOOK_PATH:-/usr/sbin:/usr/bin:/sbin:/bin}" HOME=/ LANG=C "CERTLINE=$SCRATCH/certline" \
		"CERTLINE_STATE=$STATE" "CERTLINE_DIR=$LINE_DIR" "CERTLINE_OWNERS=$OWNERS" \
		timeout 100 "$@" 2>&1 <<<"$INPUT")
	STATUS=$?
}

start cloudflare "$TOP/tests/system/lab/cloudflare.py" --api "127.0.0.1:$API" --dns "127.0.0.1:$DNS" \
	--dns "127.0.0.2:$DNS" --token "$TOKEN" --page-size 2 --zone plain.test --zone signed.test --zone sub.signed.test \
	--zone later.signed.test:full:pending --zone second.test:secondary --zone part.test:partial --zone moved.test:full:moved
MOCK_PID=$PID
check 'the stand-in answers' within 10 listens "$API" || note "$(cat "$SCRATCH/cloudflare.log")"
MX=_25._tcp.mx.signed.test
OPTIONS=(--url "http://127.0.0.1:$API/client/v4" --token-file "$DIR/token" --port "$DNS")

control() { curl -sS -f -o "$SCRATCH/controlled" "http://127.0.0.1:$API/control?$1"; }
zone_records() { curl -sS -f "http://127.0.0.1:$API/records?zone=$1"; }
# at NAME TYPE: "TTL CONTENT" of its records, in one order
at() {
	zone_records "${3:-signed.test}" | jq -r --arg n "$1" --arg t "$2" \
		'.[] | select(.name == $n and .type == $t) | "\(.ttl) \(.content | ascii_downcase)"' | sort
}
# by_hand ZONE JSON: what somebody else adds
by_hand() {
	local id
	id=$(curl -sS -f -H "Authorization: Bearer $TOKEN" "http://127.0.0.1:$API/client/v4/zones?name=$1" | jq -r '.result[0].id')
	curl -sS -f -o "$SCRATCH/controlled" -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -X POST \
		-d "$2" "http://127.0.0.1:$API/client/v4/zones/$id/dns_records"
}
tlsa() { # NAME TTL USAGE SELECTOR TYPE DIGEST
	jq -n --arg n "$1" --argjson t "$2" --argjson u "$3" --argjson s "$4" --argjson m "$5" --arg d "${6,,}" \
		'{type: "TLSA", name: $n, ttl: $t, data: {usage: $u, selector: $s, matching_type: $m, certificate: $d}}'
}
changes() { grep -c '^POST .*/batch ' "$SCRATCH/cloudflare.log"; }
requests() { grep -c '^[A-Z]* /client' "$SCRATCH/cloudflare.log"; }
# records_are OWNER LINE...: "TTL CONTENT" of its TLSA records
records_are() { [ "$(at "$1" TLSA)" = "$(printf '%s\n' "${@:2}" | tr '[:upper:]' '[:lower:]' | sort)" ]; }

# --- TLSA: publish, replace, retire ---
OWNERS="$MX _443._tcp.mx.signed.test _25._tcp.mx.sub.signed.test _25._tcp.mx.later.signed.test *._tcp.all.plain.test"
wants 1
hook_exits 0 'the first records of five owners in three zones' cloudflare "${OPTIONS[@]}"
for owner in $OWNERS; do
	check "... $owner" serves "$owner" 1
done
is '... one change a zone' "$(changes)" 3
like '... and a zone that is not in use is passed over' "$SAID" 'later.signed.test: passed over.* pending'

OWNERS="$MX _443._tcp.mx.signed.test"
wants 1 2
hook_exits 0 'a second key, zone given' cloudflare "${OPTIONS[@]}" Signed.Test.
check '... both records' serves "$MX" 1 2
check '... at both owners' serves _443._tcp.mx.signed.test 1 2
before=$(changes)
hook_exits 0 'a second run' cloudflare "${OPTIONS[@]}"
is '... asks for no change' "$(changes)" "$before"
check '... the first zone has no other record' test "$(zone_records plain.test | jq length)" = 1

FOREIGN="3 1 1 $(digest 1 | rev)"
TA="2 0 1 $(digest 2)"
# shellcheck disable=SC2086 # words are meant
by_hand signed.test "$(tlsa "$MX" 60 $FOREIGN)"
# shellcheck disable=SC2086
by_hand signed.test "$(tlsa "$MX" 60 $TA)"
hook_exits 0 'with records of others, on more than one page' cloudflare "${OPTIONS[@]}"
is '... nothing is changed' "$(changes)" "$before"
wants 2
hook_exits 0 'the old record goes' cloudflare "${OPTIONS[@]}"
check '... those of others stay' records_are "$MX" "60 $TA" "60 $FOREIGN" "60 3 1 1 $(digest 2)"
TTL=120
wants 2 3
hook_exits 0 'another TTL and another key' cloudflare "${OPTIONS[@]}"
check '... for the whole set' records_are "$MX" "120 $TA" "120 $FOREIGN" "120 3 1 1 $(digest 2)" "120 3 1 1 $(digest 3)"
TTL=604800
wants 2 3
hook_exits 0 'a TTL that Cloudflare does not have' cloudflare "${OPTIONS[@]}"
check '... becomes a day' records_are "$MX" "86400 $TA" "86400 $FOREIGN" "86400 3 1 1 $(digest 2)" "86400 3 1 1 $(digest 3)"
TTL=60
wants 2 3
hook_exits 0 '--foreign remove' cloudflare "${OPTIONS[@]}" --foreign remove
check '... takes those of others' serves "$MX" 2 3
OWNERS="$MX _25._tcp.mx.elsewhere.test"
wants 2
hook_exits 0 'an owner outside of the zone that is given' cloudflare "${OPTIONS[@]}" signed.test
like '... is left to another hook' "$SAID" '_25._tcp.mx.elsewhere.test lies in none of these zones'
check '... the other one is done' serves "$MX" 2
OWNERS="$MX _443._tcp.mx.signed.test"

# --- the name servers ---
wants 1 2
hook_exits 0 'what is looked at: both name servers' cloudflare "${OPTIONS[@]}"
wants 2 3
control stale=127.0.0.2
hook_exits 1 'one of them does not show the change' cloudflare "${OPTIONS[@]}" --wait 1
like '... which is said' "$SAID" "written, but 127.0.0.2 port $DNS answers for"
hook_exits 0 '... and not looked at with another --server' cloudflare "${OPTIONS[@]}" --server 127.0.0.1
control stale=
hook_exits 0 '... until it does' cloudflare "${OPTIONS[@]}" --wait 1
control mute=127.0.0.2
wants 1
before=$(changes)
hook_exits 1 'one of them is silent' cloudflare "${OPTIONS[@]}" --wait 1
like '... says so' "$SAID" "127.0.0.2 port $DNS gives no answer"
is '... nothing is changed' "$(changes)" "$before"
control mute=

# --- challenges ---
# challenge FQDN VALUE [TYPE]
challenge() {
	jq -n --arg f "$1" --arg v "$2" --arg t "${3:-dns-01}" '{type: $t, identifier: ($f | sub("^_acme-challenge[.]"; "")),
		wildcard: false, token: "t0ken", key_authorization: "t0ken.thumb", fqdn: $f, value: $v}'
}
# challenges: standard input of the hook, made of the objects on standard input here
challenges() { jq -c -s --arg e "$EVENT" '{version: 1, event: $e, line: "mx", challenges: .}'; }
V1=LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0
V2=MsijOYZxqyjGnFGwhjrhfg-Xgbl5r68WPda0J9EgqqI
V3=-_3ZJtZtE3OWmJ-yCWCBTNo3tiAXDfowyjxAjEuX0aa
NAME=_acme-challenge.mx.signed.test
by_hand signed.test "$(jq -n --arg n "$NAME" --arg v "$V3" '{type: "TXT", name: $n, ttl: 1, content: $v}')"
by_hand signed.test "$(jq -n --arg n "$NAME" '{type: "TXT", name: $n, ttl: 300, content: "\"of\" \"others\""}')"
by_hand signed.test "$(jq -n --arg n "mx.signed.test" --arg v "$V1" '{type: "TXT", name: $n, ttl: 300, content: $v}')"
both() { { challenge "$NAME" "$V1"; challenge "$NAME" "$V2"; challenge _acme-challenge.plain.test "$V1"
	challenge "$NAME" "$V3"; challenge "$NAME" "$V1"; } | challenges; }
EVENT=challenge-set
INPUT=$(both)
before=$(changes)
hook_exits 0 'challenges in two zones' cloudflare "${OPTIONS[@]}"
is '... one change each' "$(changes)" $((before + 2))
is '... with TTL 60, beside what was there' "$(at "$NAME" TXT)" \
	"$(printf '%s\n' "1 \"$V3\"" "300 \"of\" \"others\"" "60 \"$V1\"" "60 \"$V2\"" | tr '[:upper:]' '[:lower:]' | sort)"
like '... are served' "$(ask _acme-challenge.plain.test TXT)" "60.*TXT.*\"$V1\""
hook_exits 0 'once more' cloudflare "${OPTIONS[@]}"
is '... no change' "$(changes)" $((before + 2))
EVENT=challenge-unset
INPUT=$(challenge "$NAME" "$V2" | challenges)
hook_exits 0 'one goes' cloudflare "${OPTIONS[@]}"
is '... and no other one' "$(at "$NAME" TXT)" \
	"$(printf '%s\n' "1 \"$V3\"" "300 \"of\" \"others\"" "60 \"$V1\"" | tr '[:upper:]' '[:lower:]' | sort)"
INPUT=$(both)
hook_exits 0 'all go' cloudflare "${OPTIONS[@]}"
is '... others stay' "$(at "$NAME" TXT)" '300 "of" "others"'
is '... at other names too' "$(at mx.signed.test TXT | wc -l)" 1
is '... in the other zone' "$(at _acme-challenge.plain.test TXT plain.test)" ''
before=$(changes)
hook_exits 0 'once more' cloudflare "${OPTIONS[@]}"
is '... no change' "$(changes)" "$before"

control page-size=100
EVENT=challenge-set
INPUT=$({ for ((i = 0; i < 230; i++)); do challenge "$NAME" "value-$i"; done; } | challenges)
hook_exits 0 'more challenges than one request may have' cloudflare "${OPTIONS[@]}"
is '... in two' "$(changes)" $((before + 2))
is '... are all there' "$(at "$NAME" TXT | grep -c value-)" 230
EVENT=challenge-unset
INPUT=${INPUT/challenge-set/challenge-unset}
hook_exits 0 'they go' cloudflare "${OPTIONS[@]}"
is '... all' "$(at "$NAME" TXT)" '300 "of" "others"'
control page-size=2

EVENT=challenge-set
INPUT=$({ challenge _acme-challenge.plain.test "$V1"; challenge _acme-challenge.elsewhere.test "$V1"; } | challenges)
hook_exits 1 'a challenge in no zone' cloudflare "${OPTIONS[@]}"
like '... says so' "$SAID" '_acme-challenge.elsewhere.test: .*no active zone for it; nothing was changed'
is '... none is set' "$(at _acme-challenge.plain.test TXT plain.test)" ''
hook_exits 0 'with the zone given' cloudflare "${OPTIONS[@]}" plain.test
like '... it is left to another hook' "$SAID" '_acme-challenge.elsewhere.test lies in none'
is '... the other one is set' "$(at _acme-challenge.plain.test TXT plain.test | wc -l)" 1
hook_exits 1 'no challenge in the zones that are given' cloudflare "${OPTIONS[@]}" signed.test sub.signed.test
like '... says so' "$SAID" 'no challenge lies in signed.test sub.signed.test'
INPUT=$(challenge _acme-challenge.later.signed.test "$V1" | challenges)
hook_exits 0 'below a zone that is not in use' cloudflare "${OPTIONS[@]}"
is '... goes into the one above' "$(at _acme-challenge.later.signed.test TXT | wc -l)" 1
INPUT=$({ challenge _acme-challenge.second.test "$V1"; challenge "$NAME" "$V1"; challenge _acme-challenge.part.test "$V1"; } | challenges)
hook_exits 1 'zones that are refused, and one that is not' cloudflare "${OPTIONS[@]}"
like '... a secondary one' "$SAID" 'second.test: .*another primary'
like '... one with other name servers' "$SAID" 'part.test: Cloudflare is not the name server'
is '... the good one is done' "$(at "$NAME" TXT | wc -l)" 2
by_hand signed.test '{"type": "CNAME", "name": "_acme-challenge.alias.signed.test", "content": "plain.test", "ttl": 1}'
INPUT=$({ challenge _acme-challenge.alias.signed.test "$V1"; challenge "$NAME" "$V2"; } | challenges)
hook_exits 1 'a challenge at an alias' cloudflare "${OPTIONS[@]}"
like '... with the words of Cloudflare' "$SAID" 'status 400: A CNAME record with that host already exists. \(81054\)'
is '... the whole zone is as it was' "$(at "$NAME" TXT | wc -l)" 2

INPUT=$({ challenge "$NAME" "$V2"; challenge mx.signed.test "$V1" http-01; } | challenges)
hook_exits 1 'a challenge that is not for DNS' cloudflare "${OPTIONS[@]}"
like '... is named' "$SAID" 'mx.signed.test: http-01 is no challenge that DNS answers'
is '... nothing is set' "$(at "$NAME" TXT | wc -l)" 2
EVENT=challenge-unset
INPUT=${INPUT/challenge-set/challenge-unset}
hook_exits 0 '... and there is nothing to take away' cloudflare "${OPTIONS[@]}"
INPUT='{"version":1,"event":"challenge-unset","line":"mx","challenges":[]}'
before=$(requests)
hook_exits 0 'no challenge' cloudflare "${OPTIONS[@]}"
is '... no request' "$(requests)" "$before"
EVENT=challenge-set
for INPUT in '' 'no JSON' '{"version":2,"challenges":[]}' '{"version":1}'; do
	hook_exits 1 "an input that is none: \"$INPUT\"" cloudflare "${OPTIONS[@]}"
	like '... says so' "$SAID" 'standard input cannot be read'
done
for fqdn in "\$(touch $SCRATCH/hit)" '_acme-challenge.signed.test&type=A' '_acme-challenge.signed%2etest' '../x.test' '-K.signed.test' \
	'*.signed.test' 'a b.test' '' $'x.test\e[2J' 'test' 'a..test'; do
	INPUT=$(challenge "$fqdn" "$V1" | challenges)
	hook_exits 1 'a name with strange characters: exit 1' cloudflare "${OPTIONS[@]}"
	like '... says why' "$SAID" 'not a name and a value of a challenge'
done
check_not '... none is shown as it is' grep -q $'\e' <<<"$SAID"
before=$(requests)
for value in 'a b' 'a"b' '' $'a\nb.test c'; do
	INPUT=$(challenge "$NAME" "$value" | challenges)
	hook_exits 1 'a value with strange characters: exit 1' cloudflare "${OPTIONS[@]}"
done
check_not 'nothing was taken for a command' test -e "$SCRATCH/hit"
is '... no request' "$(requests)" "$before"
INPUT=$(challenge "$NAME" "$V1" | challenges)
mkdir "$SCRATCH/few"
for program in sh curl jq awk sed cat tr grep find mktemp rm sort cut wc head tail dirname readlink date sleep cp mv paste env timeout; do
	ln -s "$(command -v "$program")" "$SCRATCH/few/$program"
done
sed '/^PATH=/d' "$TOP/hooks/lib/common.sh" >"$SCRATCH/common.sh"
mkdir -p "$SCRATCH/hooks/lib"
cp "$TOP/hooks/cloudflare" "$SCRATCH/hooks"
cp "$TOP"/hooks/lib/* "$SCRATCH/hooks/lib"
cp "$SCRATCH/common.sh" "$SCRATCH/hooks/lib"
HOOK_PATH=$SCRATCH/few
run_hook "$SCRATCH/hooks/cloudflare" "$EVENT" "$LINE" "${OPTIONS[@]}"
is 'challenges need no dig' "$STATUS" 0 || note "$SAID"
HOOK_PATH=

# --- the token is seen by nobody ---
mkdir "$SCRATCH/bin"
cat >"$SCRATCH/bin/curl" <<END_OF_PROGRAM
#!/bin/sh
{ tr '\\0' ' ' </proc/\$\$/cmdline; tr '\\0' ' ' </proc/\$\$/environ; } >>"$SCRATCH/seen"
exec $(command -v curl) "\$@"
END_OF_PROGRAM
chmod 755 "$SCRATCH/bin/curl"
HOOK_PATH=$SCRATCH/bin:$PATH
hook_exits 0 'whoever looks at the processes' cloudflare "${OPTIONS[@]}"
check '... sees the requests' grep -q 'zones?name=signed.test' "$SCRATCH/seen"
check_not '... and not the token' grep -q "$TOKEN" "$SCRATCH/seen"
HOOK_PATH=

# --- too many requests ---
control 'too-many=2&retry-after=1'
before=$SECONDS
hook_exits 0 'too many requests, twice' cloudflare "${OPTIONS[@]}"
like '... is said' "$SAID" 'status 429, once more in 1 s'
check '... and waited out' test $((SECONDS - before)) -ge 2
control 'too-many=9&retry-after=1'
hook_exits 1 'too many requests for too long' cloudflare "${OPTIONS[@]}"
like '... with the words of Cloudflare' "$SAID" 'status 429: Please wait and consider throttling your request speed \(971\); it is tried again'
control 'too-many=0'
control 'too-many=1&retry-after=300'
before=$SECONDS
hook_exits 1 'a wait of five minutes' cloudflare "${OPTIONS[@]}"
check '... is not waited for' test $((SECONDS - before)) -lt 10
control 'too-many=1&retry-after=soon'
hook_exits 0 'a wait that is no number' cloudflare "${OPTIONS[@]}"
control 'broken=1'
hook_exits 0 'a question that is not answered well' cloudflare "${OPTIONS[@]}"
control 'broken=9'
hook_exits 1 '... again and again' cloudflare "${OPTIONS[@]}"
like '... shows what is answered' "$SAID" 'status 502: <html>bad gateway'
control 'broken=0'

# --- what is refused, and changes nothing ---
# refused TEXT PATTERN ARGUMENT...
refused() {
	local before
	before=$(changes)
	hook_exits 1 "$1: exit 1" cloudflare "${OPTIONS[@]}" --wait 1 "${@:3}"
	like '... says why' "$SAID" "$2"
	is '... nothing is changed' "$(changes)" "$before"
	check_not '... the token is not shown' grep -q "$TOKEN" <<<"$SAID"
}
for EVENT in challenge-set post-keychange; do
	INPUT=$(challenge "$NAME" "$V2" | challenges)
	OWNERS=$MX
	wants 1 2
	refused 'a wrong token' 'status 403: Invalid access token \(9109\); has the token in .*wrong-token' --token-file "$DIR/wrong-token"
	refused 'a token that is none' 'Invalid request headers \(6003\), Invalid format for Authorization header \(6111\)' \
		--token-file "$DIR/odd-token"
	refused 'a token file that is not there' 'missing: does not exist' --token-file "$DIR/missing"
	refused 'a token file that others may read' 'others may read' --token-file "$DIR/open-token"
	refused 'a token file of two lines' 'not one line with the API token' --token-file "$DIR/two-tokens"
	free_port
	refused 'an API port where nobody listens' "127.0.0.1:$PORT: no answer: .*connect" --url "http://127.0.0.1:$PORT"
	refused 'https where there is none' "no answer: .*SSL" --url "https://127.0.0.1:$API"
	refused 'a path where no API is' 'refused with status 404: Could not route' --url "http://127.0.0.1:$API/client/v4/x"
	refused 'a zone in which nothing lies' 'lies in plain.test' plain.test
	hook_exits 2 'a relative path: exit 2' cloudflare "${OPTIONS[@]}" --token-file token
	hook_exits 2 'no token file: exit 2' cloudflare --url "http://127.0.0.1:$API"
done
for url in http://192.0.2.1:8081 http://127.0.0.1.example.org http://127.0.0.1:80@example.org "http://127.0.0.1:$API/a?b" \
	"http://127.0.0.1:$API -o /tmp/x" ftp://127.0.0.1 file:///etc/passwd http://localhost.example.org; do
	hook_exits 2 "$url: exit 2" cloudflare "${OPTIONS[@]}" --url "$url"
	like '... says how to call it' "$SAID" 'usage: cloudflare'
done
refused 'a DNS port where nobody answers' 'port 1 gives no answer' --port 1
for owner in other.test:'the server has no zone' second.test:'another primary' part.test:'not the name server' moved.test:'no zone for it'; do
	OWNERS=_25._tcp.mx.${owner%%:*}
	wants 1
	refused "an owner in ${owner%%:*}" "${owner%%:*}: .*${owner#*:}"
done
refused 'a zone that is not there' 'sees no active zone' moved.test
by_hand signed.test '{"type": "NS", "name": "gone.signed.test", "content": "ns.plain.test", "ttl": 60}'
by_hand signed.test '{"type": "CNAME", "name": "_25._tcp.alias.signed.test", "content": "plain.test", "ttl": 60}'
OWNERS="$MX _25._tcp.mx.gone.signed.test"
wants 1
refused 'an owner below a delegation' '_25._tcp.mx.gone.signed.test: lies below a delegation'
OWNERS="$MX _25._tcp.alias.signed.test"
wants 1
before=$(at "$MX" TLSA)
hook_exits 1 'an alias at the second owner' cloudflare "${OPTIONS[@]}"
like '... with the words of Cloudflare' "$SAID" 'signed.test: .* refused with status 400: A CNAME record'
is '... the whole zone is as it was' "$(at "$MX" TLSA)" "$before"
TTL=30
OWNERS=$MX
wants 1
hook_exits 1 'a TTL that is too short' cloudflare "${OPTIONS[@]}"
like '... with the words of Cloudflare' "$SAID" 'Must be between 60 and 86400'
TTL=60
wants 1 2
jq '.records |= .[0:1]' "$SCRATCH/set.json" >"$SCRATCH/one.json"
OWNERS="$MX _443._tcp.mx.signed.test"
mv "$SCRATCH/one.json" "$SCRATCH/set.json"
refused 'an owner for which nothing is wanted' '_443._tcp.mx.signed.test: certline wants no record there'
rm "$SCRATCH/set.json"
refused 'certline fails' 'does not say which records'
OWNERS=$MX
wants 1 2

protocol cloudflare "${OPTIONS[@]}" signed.test
hook_exits 2 'what is no zone: exit 2' cloudflare "${OPTIONS[@]}" 'a b'
hook_exits 2 'what --foreign does not know: exit 2' cloudflare "${OPTIONS[@]}" --foreign drop

stop "$MOCK_PID"
hook_exits 1 'the API does not answer' cloudflare "${OPTIONS[@]}"
like '... says so' "$SAID" "127.0.0.1:$API/client/v4: no answer"
is 'nothing is left in TMPDIR' "$(find "${TMPDIR:-/tmp}" -maxdepth 1 -name 'tmp.*' -newer "$DIR/token")" ''
finish
