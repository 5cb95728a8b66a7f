#!/bin/bash
# acme_dns.sh - dns-01 in a signed DNS world: records written by signed update, seen on every name server before
# the CA hears of them, and taken away again.  The CA is pebble, which asks the validating resolver.
#
# The set-up with a static zone and a dynamic one: example.test has CNAMEs, and the records are written into
# ed.test, with a key that may do nothing else.
# shellcheck disable=SC2016,SC2034,SC2153,SC2154 source=/dev/null
. "$(dirname "$0")/lib.sh" || exit 1
. "$TOP/tests/system/lab/line.sh"
. "$TOP/tests/system/lab/world.sh"
. "$TOP/tests/system/lab/pebble.sh"
need_programs named rndc nsd nsd-control knotd knotc keymgr unbound unbound-control dig nsupdate \
	dnssec-keygen dnssec-signzone pebble openssl jq curl

LINE=web
STATE=$SCRATCH/state
LINE_DIR=$STATE/lines/$LINE
KEYS=                                   # rows of [update] keys

# conf NAMES ROW...: rows of [acme].
conf() {
	{
		printf 'domains = %s\nissuer = acme\n[hooks]\npost-certchange = /bin/true\n' "$1"
		printf '[dirs]\nstate = %s\n[dns]\nresolver = 127.0.0.131:%s\nport = %s\ntrust-anchor = %s/root.key\n' "$STATE" \
			"$WORLD_PORT" "$WORLD_PORT" "$WORLD"
		printf '[update]\nkeys = %s\n' "$KEYS"
		printf '[acme]\nca = %s\nca-file = %s\nagree-tos = yes\nchallenges = dns-update\n' "$PEBBLE_URL" "$PEBBLE_CA"
		shift
		[ $# -eq 0 ] || printf '%s\n' "$@"
	} >"$CONF/$LINE.conf"
}

fresh() {
	chmod -R u+w "$STATE" 2>/dev/null
	rm -rf "$STATE"
	conf "$@"
}

# txt NAME: what the primary has there.
txt() {
	dig +short +norec -p "$WORLD_PORT" @127.0.0.1 "$1" TXT | sort
}

# by_ca: the live certificate is of the CA.
by_ca() {
	openssl verify -CAfile <(pebble_root 0) -untrusted "$LINE_DIR/live/chain.pem" "$LINE_DIR/live/cert.pem" >/dev/null 2>&1
}

# lagless: Knot takes part in everything at once, as most secondaries do.
lagless() {
	while :; do
		for z in example.test ed.test; do
			world_lagsync "$z" >/dev/null 2>&1
		done
		sleep 0.3
	done
}

world_make
verdict $? 'the world is made' || finish
world_tsig other hmac-sha256 32
sed -i -e '/^zone "example\.test"/,/^}/ s/zonesub TLSA;/zonesub TLSA TXT;/g' \
	-e '/^zone "insecure\.test"/ s/zonesub TLSA;/zonesub TLSA TXT;/g' \
	-e '/^zone "ed\.test"/,/^}/ s/update-policy.*/update-policy { grant other zonesub TXT; };/' "$WORLD/pri/named.conf"
cat "$WORLD/other.key" >>"$WORLD/pri/named.conf"
cat >>"$WORLD/pri/example.test.db" <<END
_acme-challenge.static	CNAME static.acme.ed.test.
_acme-challenge.two	CNAME two.acme.ed.test.
mine	CAA 0 issue "ca.test; validationmethods=dns-01"
mine	CAA 0 issuewild ";"
else	CAA 0 issue "ca.test; validationmethods=http-01"
odd	CAA 0 issue "ca.test"
odd	CAA 128 tbs "unknown"
END
world_start
verdict $? 'the world runs' || finish
pebble_start strict=yes dnsserver="127.0.0.131:$WORLD_PORT"
verdict $? 'pebble runs' || finish

# --- a secondary that lags keeps the CA from being told ----------------------------------------------------

KEYS=$WORLD/tlsa-sha256.key
fresh 'www.example.test' 'dns-wait = 2s'
exits 1 'one name server does not show the record: no order is spoilt' init
like 'with its name and what it lacks' "$ERR" '127.0.0.123.*lacks'
is 'the CA was not told to look' "$(grep -c 'PUT.*challenge\|chalZ' "$SCRATCH/pebble.log")" 0
is 'the record is taken away' "$(txt _acme-challenge.www.example.test)" ''
check 'and nothing is owed' [ ! -e "$LINE_DIR/challenges.json" ]

lagless &
LAGLESS=$!

# --- wildcards, foreign records -------------------------------------------------------------------------------

printf '%s\n' 'update add _acme-challenge.www.example.test 60 TXT "somebody else"' | world_update example.test tlsa-sha256
fresh 'www.example.test *.www.example.test'
exits 0 'a name and its wildcard, in one order' init
like '... what others have written there is told' "$OUT$ERR" '_acme-challenge.www.example.test has TXT records .* \(1\)'
check 'the certificate is of the CA' by_ca
like 'for both' "$(openssl x509 -in "$LINE_DIR/live/cert.pem" -noout -ext subjectAltName)" '\*\.www\.example\.test'
is 'what others have written there is left' "$(txt _acme-challenge.www.example.test)" '"somebody else"'

# --- the static zone with CNAMEs into a dynamic one -------------------------------------------------------------

KEYS="ed.test $WORLD/other.key"
fresh 'static.example.test *.static.example.test two.example.test'
exits 0 'aliases are followed into the zone that takes updates' init
check 'the certificate is of the CA' by_ca
is 'nothing is left there' "$(txt static.acme.ed.test)$(txt two.acme.ed.test)" ''
fresh 'three.example.test' 'challenge-alias = three.example.test three.acme.ed.test'
exits 1 'an alias by configuration that no CNAME makes public: the CA does not find it' init
is 'nothing is left there' "$(txt three.acme.ed.test)" ''

# --- what goes wrong ----------------------------------------------------------------------------------------------

KEYS=$WORLD/wrong.key
fresh 'www.example.test'
exits 1 'a key that is wrong' init
like 'is told from all other mishaps' "$ERR" 'BADSIG'
kill "$LAGLESS"
wait "$LAGLESS" 2>/dev/null

# --- CAA records ------------------------------------------------------------------------------------------------

mock_start --always-valid
caa() {                         # NAMES [METHODS]: a line for a CA that calls itself ca.test
	fresh "$1" 'self-check = no' "challenge-dir = $SCRATCH/nowhere"
	sed -i "s|^ca = .*|ca = $MOCK_URL|; s|^challenges = .*|challenges = ${2:-dns-update}|" "$CONF/$LINE.conf"
}
KEYS=$WORLD/tlsa-sha256.key
caa mine.example.test
exits 0 'a CA that the CAA records name may issue' init
exits 0 'and caa has nothing to say against it' caa
URL=$(jq -r .url "$STATE"/accounts/*/account.json)
is 'but what would be tighter' "$(sort <<<"$OUT")" "mine.example.test. CAA 0 issue \"ca.test; accounturi=$URL; validationmethods=dns-01\"
mine.example.test. CAA 0 issuewild \";\""
TIGHTER=$OUT
mv "$(echo "$STATE"/accounts/*/account.key)" "$SCRATCH/lost.key"
run caa
is 'the same without the key of the account' "$OUT" "$TIGHTER"
caa mine.example.test 'webroot dns-update'
exits 0 'the first method is not permitted by CAA records: the second one is used' init
URL=$(jq -r .url "$STATE"/accounts/*/account.json)
exits 0 '... caa agrees' caa
like '... and prints both' "$OUT" "mine.example.test. CAA 0 issue \"ca.test; accounturi=$URL; validationmethods=http-01,dns-01\""
ORDERS=$(grep -c 'POST /new-order\|POST /order' "$MOCK_LOG")
caa mine.example.test 'webroot tls-alpn'
exits 1 'none of the methods is permitted' init
like '... which is said of each, with a record for all' "$ERR" \
	'permit validation by http-01; CAA .* permit validation by tls-alpn-01; it needs mine.* validationmethods=http-01,tls-alpn-01"'
for names in 'www.example.test' 'else.example.test' '*.mine.example.test'; do
	caa "$names"
	exits 1 "CAA records forbid it: $names" init
	like 'which is said, with the name' "$ERR" "$names: CAA:"
	URL=$(jq -r .url "$STATE"/accounts/*/account.json)
	TAG=issue
	[ "${names#\*}" = "$names" ] || TAG=issuewild
	like '... and the record that is missing' "$ERR" \
		"; it needs ${names#\*.}\\. CAA 0 $TAG \"ca.test; accounturi=$URL; validationmethods=dns-01\" \(.certline caa"
done
caa 'www.example.test *.www.example.test'
exits 1 'a set above the name and its wildcard forbids it' init
like '... one of its own has to be for both' "$ERR" 'www.example.test. CAA 0 issue "ca.test; .*", www.example.test. CAA 0 issuewild "ca.test; '
caa 'odd.example.test'
exits 1 'a critical record that nobody knows' init
like '... is said' "$ERR" 'odd.example.test: CAA: .* is critical'
check_not '... and no record would help' grep -q 'it needs' <<<"$ERR"
caa 'strict.example.test'
exits 1 'a set of the name itself' init
like '... is complete with one record more' "$ERR" 'it needs strict.example.test. CAA 0 issue "ca.test; accounturi='
is 'and the CA is asked for nothing' "$(grep -c 'POST /new-order\|POST /order' "$MOCK_LOG")" "$ORDERS"
caa '*.mine.example.test'
run caa
is 'caa says so too' "$STATUS" 1
like 'with the record that is wrong' "$ERR" 'issuewild'
check_not '... and what is needed stands in the result' grep -q 'it needs' <<<"$ERR"
caa 'mail.bogus.test'
run caa
like 'a bogus zone: a CA will refuse' "$ERR" 'mail.bogus.test: CAA:'
mock_stop
mock_start --always-valid --mode meta-wrong
caa 'else.example.test'
exits 0 'a CA that does not tell its names for CAA' init
is '... which is said once' "$(grep -c 'CAA was not checked: there are records at else.example.test, and the CA does not say' <<<"$OUT$ERR")" 1
caa 'mail.insecure.test'
exits 0 '... but not if there are no records' init
check_not '... nothing is said' grep -q 'CAA' <<<"$OUT$ERR"
mock_stop

# --- killed ---------------------------------------------------------------------------------------------------------

KEYS=$WORLD/tlsa-sha256.key
fresh 'www.example.test'
"$PROGRAM" -c "$CONF" init >/dev/null 2>&1 &
PID_=$!
within 5 test -s "$LINE_DIR/challenges.json"
within 5 sh -c "dig +short +norec -p $WORLD_PORT @127.0.0.1 _acme-challenge.www.example.test TXT | grep -qv somebody"
kill -KILL "$PID_"
wait "$PID_" 2>/dev/null
check 'killed while records are in place: it is written down' test -s "$LINE_DIR/challenges.json"
check 'one is left' [ "$(txt _acme-challenge.www.example.test | wc -l)" = 2 ]
echo 'dns-wait = 1s' >>"$CONF/$LINE.conf"
run cron
is 'the next run takes it away' "$(txt _acme-challenge.www.example.test)" '"somebody else"'

finish
