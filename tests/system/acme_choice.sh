#!/bin/bash
# acme_choice.sh - which CA, which chain, which account, which keys: what a configuration chooses, and what is
# refused.  With pebble as the system has it, and mock_ca.py as a CA that is out of order.
# shellcheck disable=SC2016,SC2034,SC2153,SC2154 source=/dev/null
. "$(dirname "$0")/lib.sh" || exit 1
. "$TOP/tests/system/lab/line.sh"
. "$TOP/tests/system/lab/pebble.sh"
. "$TOP/tests/system/lab/acme_line.sh"
need_programs pebble pebble-challtestsrv openssl python3 jq curl

DAY=86400
START=$(date +%s)

# common_name: of the subject of the certificate on standard input.
common_name() {
	openssl x509 -noout -subject | sed 's/.*CN *= *//'
}

# top: who issued the last certificate of the chain.
top() {
	openssl crl2pkcs7 -nocrl -certfile "$LINE_DIR/live/chain.pem" | openssl pkcs7 -print_certs -noout |
		sed -n 's/^issuer.*CN *= *//p' | tail -1
}

# begun PATTERN: lines of that kind in pebble's log.
begun() {
	grep -c -e "$1" "$SCRATCH/pebble.log"
}

# pebble OPTION...: one at the web server that there is.
pebble() {
	# its keys take long to make on a host that is busy
	pebble_start strict=yes http-port="$HTTP" "$@" || pebble_start strict=yes http-port="$HTTP" "$@"
	verdict $? "pebble with ${*:-nothing special}" || finish
	CA_URL=$PEBBLE_URL
}

free_port; HTTP=$PORT
www_start "$HTTP"
BY_WEBROOT="challenge-dir = $WEBROOT/.well-known/acme-challenge"
challtest_start || finish

# the servers here are staging.localhost, too, which curl takes for this host without asking anybody
lab_tls && openssl x509 -req -in "$SCRATCH/lab-tls/csr.pem" -days 30 -CA "$SCRATCH/lab-tls/ca.pem" \
	-CAkey "$SCRATCH/lab-tls/ca-key.pem" -CAcreateserial -out "$SCRATCH/lab-tls/cert.pem" 2>/dev/null \
	-extfile <(echo 'subjectAltName=DNS:localhost,DNS:staging.localhost,IP:127.0.0.1')

# --- chains ------------------------------------------------------------------------------------------

pebble chain-length=3
fresh a.example.test "$BY_WEBROOT"
exits 0 'a long chain' init
is 'has three certificates' "$(grep -c BEGIN "$LINE_DIR/live/chain.pem")" 3
check 'and is one' openssl verify -CAfile <(pebble_root 0) -untrusted "$LINE_DIR/live/chain.pem" \
	"$LINE_DIR/live/cert.pem"
pebble alternate-roots=3
fresh a.example.test "$BY_WEBROOT"
exits 0 'the default chain' init
is 'leads to the first root' "$(top)" "$(pebble_root 0 | common_name)"
for i in 1 2 3; do
	fresh a.example.test "$BY_WEBROOT" "chain = $(pebble_root $i | common_name)"
	exits 0 "root $i by its common name" init
	is '... the chain leads there' "$(top)" "$(pebble_root $i | common_name)"
done
check '... and is one' openssl verify -CAfile <(pebble_root 3) -untrusted "$LINE_DIR/live/chain.pem" \
	"$LINE_DIR/live/cert.pem"
FINGERPRINT=$(pebble_intermediate 2 | openssl x509 -noout -fingerprint -sha256 | cut -d = -f 2)
for f in "$FINGERPRINT" "$(tr -d : <<<"$FINGERPRINT" | tr '[:upper:]' '[:lower:]')"; do
	fresh a.example.test "$BY_WEBROOT" "chain = $f"
	exits 0 'a chain by the fingerprint of a certificate in it' init
	is '... it is the one' "$(top)" "$(pebble_root 2 | common_name)"
done
fresh a.example.test "$BY_WEBROOT" 'chain = Nobody Root X1'
exits 0 'a chain that there is not' init
like 'is done without' "$OUT$ERR" 'no chain that leads to "Nobody Root X1"; its default is used'
is 'the default is used' "$(top)" "$(pebble_root 0 | common_name)"

mock_start --always-valid --chains 2 --mode chain-crossed
verdict $? 'a CA with an old and a new root' || finish
CA_URL=$MOCK_URL
for i in 'Old root/2' 'Mock root 0/1'; do
	fresh a.example.test "$BY_WEBROOT" 'self-check = no' "chain = ${i%/*}"
	exits 0 "the chain that leads to ${i%/*}" init
	is "... has ${i#*/} after the leaf" "$(grep -c BEGIN "$LINE_DIR/live/chain.pem")" "${i#*/}"
done
mock_stop
CA_URL=$PEBBLE_URL

fresh a.example.test "$BY_WEBROOT"
sed -i '/^ca-file/d' "$CONF/$LINE.conf"
exits 1 'a CA whose own certificate nobody vouches for' init
like 'is not asked anything' "$OUT$ERR" 'certificate'
SSL_CERT_FILE=$PEBBLE_CA
export SSL_CERT_FILE
exits 0 'one for which a file in the environment vouches' renew
unset SSL_CERT_FILE

mock_start --always-valid
CA_URL=$MOCK_URL
: >"$MOCK_JWS"
fresh a.example.test "$BY_WEBROOT" 'self-check = no' 'common-name = yes'
exits 0 'a request with a common name' init
like '... has it' "$(jq -r 'select(.kind == "finalize").body | fromjson.payload | gsub("-"; "+") | gsub("_"; "/") | @base64d |
	fromjson.csr' "$MOCK_JWS" | tr '_-' '/+' | base64 -di 2>/dev/null | openssl req -inform DER -noout -subject)" \
	'CN *= *a.example.test'
mock_stop
CA_URL=$PEBBLE_URL

# --- what is in an order -----------------------------------------------------------------------------

pebble nonce-reject=50
TOP_ROWS='key-types = ec-256 rsa-2048'
fresh 'b.example.test c.example.test' "$BY_WEBROOT"
exits 0 'two keys of one line, with half of the nonces refused' init
TOP_ROWS=
is 'two certificates' "$(for f in "$LINE_DIR"/live/*cert*.pem; do
	openssl x509 -in "$f" -noout -text | sed -n 's/.*Public Key Algorithm: //p'
done | sort -u | paste -s -d ' ')" 'id-ecPublicKey rsaEncryption'
is 'of the CA, for the same names' "$(for f in "$LINE_DIR"/live/*cert*.pem; do
	echo "$(issuer "$f" | cut -c 1-6) $(names "$f")"
done | sort -u)" 'Pebble b.example.test c.example.test'
is 'by two orders' "$(begun 'Added order')" 2
is 'of one account' "$(begun 'There are now .* accounts')" 1

fresh 'bücher.example.test' "$BY_WEBROOT"
exits 0 'a name that is not ASCII' init
is 'is one of A-labels' "$(names)" xn--bcher-kva.example.test

fresh 'd.example.test 127.0.0.1' "$BY_WEBROOT"
exits 0 'an address' init
is 'is in the certificate' "$(names)" '127.0.0.1 d.example.test'
start www6 python3 -u -m http.server --bind ::1 --directory "$WEBROOT" "$HTTP"
if within 2 curl -sf --noproxy '*' -o /dev/null "http://[::1]:$HTTP/"; then
	fresh '::1' "$BY_WEBROOT"
	exits 0 'an address of IPv6' init
	is 'is, too' "$(names)" 0:0:0:0:0:0:0:1
else
	skip 'an address of IPv6' 'this host has no ::1'
fi

# --- which challenge ----------------------------------------------------------------------------------

mock_start --always-valid
verdict $? 'mock_ca.py runs' || finish
CA_URL=$MOCK_URL
script "$SCRATCH/challenge" <<END
jq -r '"\(.event) \(.challenges[] | .identifier, .wildcard)"' | paste -s -d ' ' >>$SCRATCH/challenge.log
END
# chosen NAMES METHODS: an order; what the hook is told of stands in $SCRATCH/challenge.log.
chosen() {
	: >"$SCRATCH/challenge.log"
	fresh "$1" "$BY_WEBROOT" 'self-check = no' "challenge-hook = $SCRATCH/challenge" "challenges = $2"
	run init
}
chosen c.example.test 'webroot hook-dns'
is 'two methods that the CA offers: the first one is used' "$STATUS $(cat "$SCRATCH/challenge.log")" '0 '
TOLD='challenge-set c.example.test challenge-set false
challenge-unset c.example.test challenge-unset false'
chosen c.example.test 'hook-dns webroot'
is '... the other way around' "$STATUS $(cat "$SCRATCH/challenge.log")" "0 $TOLD"
chosen '*.c.example.test c.example.test' 'webroot hook-dns'
is 'a wildcard and its base' "$STATUS $(names)" '0 *.c.example.test c.example.test'
is '... the second method is for the wildcard alone' "$(cat "$SCRATCH/challenge.log")" "${TOLD//false/true}"
mock_mode only-dns-01
chosen c.example.test 'webroot hook-dns'
is 'a CA that does not offer the first one: the second one is used' "$STATUS $(cat "$SCRATCH/challenge.log")" "0 $TOLD"
chosen c.example.test 'webroot tls-alpn'
is 'none that it offers' "$STATUS $(cat "$SCRATCH/challenge.log")" '1 '
like '... is an error, with a reason for each' "$ERR" \
	'c\.example\.test: the CA does not offer http-01, which the method webroot needs; the CA does not offer tls-alpn-01, which the method tls-alpn needs'
chosen '*.c.example.test' 'webroot hook-http'
is 'none for a wildcard' "$STATUS" 2
like '... is said before' "$ERR" "$CONF/$LINE.conf:.*: \*\.c\.example\.test: a wildcard needs the method dns-update or hook-dns \(or issuer"
mock_stop
CA_URL=$PEBBLE_URL

# --- authorizations that are valid already -----------------------------------------------------------

pebble authz-reuse=100
fresh e.example.test "$BY_WEBROOT"
exits 0 'a first order' init
LOOKS=$(begun 'Attempting to validate')
conf e.example.test "challenge-dir = $SCRATCH/nowhere" 'self-check = no'
exits 0 'a second one for the same name: the CA remembers' renew
is 'no challenge was offered' "$(begun 'Attempting to validate')" "$LOOKS"
check_not 'nor put in place' test -e "$SCRATCH/nowhere"
pebble authz-reuse=0
fresh e.example.test "$BY_WEBROOT"
exits 0 'a CA that forgets' init
LOOKS=$(begun 'Attempting to validate')
exits 0 'a second order' renew
check 'is shown all anew' [ "$(begun 'Attempting to validate')" -gt "$LOOKS" ]

# --- account keys ------------------------------------------------------------------------------------

chmod 644 "$STATE"/accounts/*/account.key
exits 1 'an account key that others can read' renew
like 'is refused' "$OUT$ERR" 'account.key can be read by others: chmod 600 it'
chmod 600 "$STATE"/accounts/*/account.key
SERIAL=$(serial)
conf e.example.test "$BY_WEBROOT" "account-key = $LINE_DIR/live/key.pem"
exits 1 'an account key that is the key of the certificate' renew
like 'is refused, by us' "$OUT$ERR" 'is the key of the certificate too'
is 'and there is no other certificate' "$(serial)" "$SERIAL"

# --- external accounts -------------------------------------------------------------------------------

KEY=$(openssl rand 32 | basenc --base64url | tr -d '=\n')
pebble eab="kid-1:$KEY"
fresh f.example.test "$BY_WEBROOT" 'bootstrap = no'
exits 1 'a CA that makes accounts only for its customers' init
like 'what is missing is said' "$OUT$ERR" 'gave a key id and a MAC key: put them into \[acme\] eab'
is 'no account was asked for' "$(begun 'external account binding')" 0
printf '%s\n' "$KEY" >"$SCRATCH/eab.key"
conf f.example.test "$BY_WEBROOT" "eab = kid-1 $SCRATCH/eab.key"
chmod 644 "$SCRATCH/eab.key"
exits 1 'a MAC key that everybody can read' renew
like 'is refused' "$OUT$ERR" 'eab.key can be read by everybody: chmod 600 it'
chmod 600 "$SCRATCH/eab.key"
exits 0 'with key id and MAC key' renew
is 'there is a certificate' "$(issuer | cut -c 1-6)" Pebble
for alg in HS384 HS512; do
	fresh f.example.test "$BY_WEBROOT" "eab = $CA_URL kid-1 $SCRATCH/eab.key $alg"
	exits 0 "$alg" init
	is "$alg: there is a certificate" "$(issuer | cut -c 1-6)" Pebble
done
fresh f.example.test "$BY_WEBROOT" "eab = kid-1 $SCRATCH/eab.key HS1"
exits 2 'another algorithm' init
like 'is refused' "$ERR" 'HS384 or HS512 behind if it is not HS256'
mock_start --always-valid --eab "kid-1:$KEY"
CA_URL=$MOCK_URL
fresh f.example.test "$BY_WEBROOT"
exits 1 'a CA that says so in its directory' init
is 'is asked for no account, not even whether there is one' "$(grep -c 'POST /new-account' "$MOCK_LOG")" 0
mock_start --always-valid --eab "kid-1:$KEY" --mode external-account-required --times 1
CA_URL=$MOCK_URL
conf f.example.test "$BY_WEBROOT" "eab = kid-1 $SCRATCH/eab.key" 'self-check = no'
mkdir -p "$STATE/accounts/127.0.0.1_$(cut -d : -f 3 <<<"${MOCK_URL%/dir}")_dir"
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 2>/dev/null \
	>"$STATE/accounts/127.0.0.1_$(cut -d : -f 3 <<<"${MOCK_URL%/dir}")_dir/account.key"
chmod -R go= "$STATE/accounts"
exits 0 'a CA that asks for it before it looks for an account' init
CA_URL=$PEBBLE_URL
fresh f.example.test "$BY_WEBROOT" "eab = kid-2 $SCRATCH/eab.key"
exits 1 'with a key id that the CA does not know' init
like 'the reason of the CA is shown' "$OUT$ERR" 'making an account at .*CA says'

fresh f.example.test "$BY_WEBROOT" "eab = kid-1 $SCRATCH/eab.key"
exits 0 'an account' init
ACCOUNT=$(echo "$STATE"/accounts/*_dir)
mv "$ACCOUNT/account.key" "$SCRATCH/lost.key"
BEFORE=$(begun 'There are now .* accounts')
exits 1 'its key is lost' renew
like 'that is an error' "$OUT$ERR" 'account.key is missing: bring it back from a backup; or.*instead of https://.*, move .*/account.json away'
is 'and no reason to make another account' "$(begun 'There are now .* accounts')" "$BEFORE"
check_not 'nor another key' test -e "$ACCOUNT/account.key"
cp "$ACCOUNT/account.json" "$SCRATCH/account.json"
echo '{' >"$ACCOUNT/account.json"
for i in 1 2; do exits 1 "and its file damaged: run $i" renew; done
like '... is an error, too' "$OUT$ERR" 'account.key is missing: .*move .*account.json.damaged away, too'
is '... and no reason' "$(begun 'There are now .* accounts')" "$BEFORE"
rm "$ACCOUNT/account.json.damaged"
cp "$SCRATCH/account.json" "$ACCOUNT/account.json"
mv "$SCRATCH/lost.key" "$ACCOUNT/account.key"
exits 0 'brought back' renew
rm "$LINE_DIR/orders.json"
mkdir "$LINE_DIR/orders.json"
exits 0 'a folder in the place of orders.json' renew
check '... is put aside' [ -d "$LINE_DIR/orders.json.damaged" ]
for bad in '[]' '{"orders": []}' '{"orders": 7, "rests": "x"}' '{"rests": {"'"$CA_URL"'": 99999999999}}'; do
	echo "$bad" >"$LINE_DIR/orders.json"
	exits 0 "orders.json is $bad" renew
done

# --- before there is a certificate -------------------------------------------------------------------

pebble
free_port
CA_URL=https://127.0.0.1:$PORT/dir
fresh g.example.test "$BY_WEBROOT" 'bootstrap = no'
exits 1 'no CA, and bootstrap = no' init
check_not 'servers are told of nothing' test -e "$SCRATCH/hook.log"
CA_URL=$PEBBLE_URL
conf g.example.test "$BY_WEBROOT" 'bootstrap = no'
NOW=$((START + 3600))
exits 0 'the CA answers' cron
like 'they are told of its certificate' "$(cat "$SCRATCH/hook.log")" 'CN *= *Pebble'
is 'and of no other one' "$(wc -l <"$SCRATCH/hook.log")" 1
NOW=
CA_URL=https://127.0.0.1:$PORT/dir
fresh g.example.test "$BY_WEBROOT"
exits 1 'no CA, and bootstrap = self' init
like '... what to do then is told' "$OUT" 'stands in for the CA.s, so that servers can be started; when .*certline renew web'
like 'servers are told of a stand-in' "$(cat "$SCRATCH/hook.log")" 'CN *= *g.example.test'
CA_URL=$PEBBLE_URL NOW=$((START + 3600))
conf g.example.test "$BY_WEBROOT"
exits 0 'the CA answers' cron
is 'they are told again' "$(wc -l <"$SCRATCH/hook.log")" 2
like 'of its certificate' "$(tail -1 "$SCRATCH/hook.log")" 'CN *= *Pebble'
is 'for the same key' "$(keyset)" 1
NOW=

# --- a test environment ------------------------------------------------------------------------------

SERIAL=$(serial)
PORT=${PEBBLE_URL##*:} PORT=${PORT%/*}
TEST_URL=https://staging.localhost:$PORT/dir CA_URL=$TEST_URL
conf g.example.test "$BY_WEBROOT"
exits 1 'a test CA in the configuration of a line that has a certificate' renew
like 'does not take the place of one that is trusted' "$OUT$ERR" 'is a test environment.*--force'
is 'it stays' "$(serial)" "$SERIAL"
cp -a "$STATE" "$SCRATCH/state.before"
NOW=$((START + 2000 * DAY))
exits 1 'nor when that has expired' cron
is '... it stays' "$(serial)" "$SERIAL"
rm -rf "$STATE"
mv "$SCRATCH/state.before" "$STATE"
for i in 0 1 2 3; do
	NOW=$((START + 3600 + i * DAY))
	run $([ $i -eq 0 ] && echo roll || echo cron)
	is "a new key, day $i: it is an error" "$STATUS" 1
done
like '... that is said' "$ERR" 'is a test environment.*--force'
is 'servers keep what is trusted' "$(jq -r '.ca // "none"' "$LINE_DIR/live/manifest.json")" "$PEBBLE_URL"
NOW=
fresh g.example.test "$BY_WEBROOT"
exits 0 'a line of its own for tests' init
is 'has a certificate of the test CA' "$(issuer | cut -c 1-6)" Pebble
is 'by an account of its own' "$(cd "$STATE/accounts" && echo ./*)" "./staging.localhost_${PORT}_dir"
fresh g.example.test "$BY_WEBROOT"
CA_URL=$PEBBLE_URL
conf g.example.test "$BY_WEBROOT"
run init
CA_URL=$TEST_URL
conf g.example.test "$BY_WEBROOT"
exits 0 'with --force' renew --force
is 'it does' "$(jq -r .ca "$LINE_DIR/live/manifest.json")" "$CA_URL"
CA_URL=$PEBBLE_URL
conf g.example.test "$BY_WEBROOT"
exits 0 'and back' renew
is '... without' "$(jq -r .ca "$LINE_DIR/live/manifest.json")" "$CA_URL"

# --- one key for accounts at two CAs ---------------------------------------------------------------------

mock_start --always-valid
CA_URL="$MOCK_URL $PEBBLE_URL"
fresh g.example.test "$BY_WEBROOT" "account-key = $SCRATCH/shared.key"
exits 0 'accounts at two CAs' account update
BEFORE=$(sha256sum "$SCRATCH/shared.key")
exits 1 'their key' account rollover
like 'is not changed' "$ERR" 'shared.key is the key of the account at .* and of that at .*: give each CA a key of its own'
is '... really' "$(sha256sum "$SCRATCH/shared.key")" "$BEFORE"
mock_stop

# --- a second CA -------------------------------------------------------------------------------------

mock_start --always-valid
verdict $? 'mock_ca.py runs' || finish
CA_URL="$MOCK_URL $PEBBLE_URL"
fresh h.example.test "$BY_WEBROOT"
exits 0 'two CAs' init
is 'the first one issues' "$(jq -r .ca "$LINE_DIR/live/manifest.json")" "$MOCK_URL"
mock_mode html-404 '"at": ["directory"]'
exits 1 'it is out of order' renew
is 'and stays the only one that is asked' "$(jq -r .ca "$LINE_DIR/live/manifest.json")" "$MOCK_URL"
NOW=$((START + DAY))
exits 1 'a second time' cron
NOW=$((START + 2 * DAY))
exits 0 'a third time: the second one is asked' cron
is 'and issues' "$(jq -r .ca "$LINE_DIR/live/manifest.json")" "$PEBBLE_URL"
like 'which is said' "$OUT$ERR" "issued by $PEBBLE_URL, since $MOCK_URL fails: "
run status
like '... and status says which' "$(tr -s ' \n' ' ' <<<"$OUT")" \
	" CA in use: $PEBBLE_URL, instead of $MOCK_URL, the first one configured"
run --json status
is '... also as JSON' "$(jq -r '.lines[0] | .fallback, .ca' <<<"$OUT" | paste -s -d ' ')" "true $PEBBLE_URL"
(CA_URL=$PEBBLE_URL; conf h.example.test "$BY_WEBROOT")
run status
check_not '... if it is another one than the first' grep -q 'CA in use' <<<"$OUT"
(CA_URL=$MOCK_URL; conf h.example.test "$BY_WEBROOT")
run status
like '... or if it is not configured' "$(tr -s ' \n' ' ' <<<"$OUT")" \
	" CA in use: $PEBBLE_URL, which is not configured any more"
conf h.example.test "$BY_WEBROOT"
exits 0 'as long as the first one fails' renew
is 'the second one goes on' "$(jq -r .ca "$LINE_DIR/live/manifest.json")" "$PEBBLE_URL"
lab_get "$MOCK_MGMT/mode" --data-binary '[]' >/dev/null
exits 0 'the first one answers again' renew
is 'and issues' "$(jq -r .ca "$LINE_DIR/live/manifest.json")" "$MOCK_URL"
is 'its failures are forgotten' "$(jq -r ".failures[\"$MOCK_URL\"]" "$LINE_DIR/orders.json")" 0
is 'and no order is left' "$(jq -c .orders "$LINE_DIR/orders.json")" '{}'
mock_mode html-404 '"at": ["directory"]'
exits 1 'a new failure is a first one' renew
is '... the second CA is not asked' "$(jq -r .ca "$LINE_DIR/live/manifest.json")" "$MOCK_URL"

lab_get "$MOCK_MGMT/mode" --data-binary '[]' >/dev/null
mock_mode html-503-year '"at": ["newOrder"]'
CA_URL="$MOCK_URL $PEBBLE_URL"
fresh i.example.test "$BY_WEBROOT"
exits 0 'a first CA that wants to be left alone for a year: the second one is asked at once' init
is '... and issues' "$(jq -r .ca "$LINE_DIR/live/manifest.json")" "$PEBBLE_URL"

fresh j.example.test "$BY_WEBROOT"
mock_stop
for i in 1 2; do
	NOW=$((START + i * DAY))
	run $([ $i -eq 1 ] && echo init || echo cron)
	is "a first CA that is gone, day $i" "$STATUS $(issuer)" '1 j.example.test'
done
NOW=$((START + 3 * DAY))
exits 0 'day 3' cron
is 'the second one issues' "$(jq -r .ca "$LINE_DIR/live/manifest.json")" "$PEBBLE_URL"

# --- a CA that takes long, beside another one ----------------------------------------------------------

mock_start --always-valid
verdict $? 'mock_ca.py runs' || finish
mock_mode hang '"at": ["newOrder"]'
CA_URL=$PEBBLE_URL NOW=
fresh k.example.test "$BY_WEBROOT"
CA_URL=$MOCK_URL LINE=slow
conf l.example.test "$BY_WEBROOT" 'self-check = no' 'order-limit = 12s'
LINE=web
exits 1 'of two lines, one has a CA that never answers' init
ENDED=$(date +%s)
like 'the servers of the other one are told' "$(tail -1 "$SCRATCH/hook.log")" 'CN *= *Pebble'
check 'long before that is given up' [ $((ENDED - $(stat -c %Y "$SCRATCH/hook.log"))) -ge 5 ]

finish
