#!/bin/bash
# acme.sh - certificates from a CA: pebble, with every way to answer its challenges that needs no name server.
# shellcheck disable=SC2016,SC2034,SC2153,SC2154 source=/dev/null
. "$(dirname "$0")/lib.sh" || exit 1
. "$TOP/tests/system/lab/line.sh"
. "$TOP/tests/system/lab/pebble.sh"
need_programs pebble pebble-challtestsrv openssl python3 jq curl

LINE=web
STATE=$SCRATCH/state
LINE_DIR=$STATE/lines/$LINE

# conf NAMES ROW...: the line, with rows of [acme]; rows "TIMING ..." go to [timing].
conf() {
	{
		printf 'domains = %s\nissuer = acme\n[hooks]\npost-certchange = /bin/true\n' "$1"
		printf '[dirs]\nstate = %s\n[dns]\nresolver = %s\nvalidate = no\n' "$STATE" "$CHALLTEST_DNS"
		printf '[acme]\nca = %s\nca-file = %s\nagree-tos = yes\ncheck-port = %s\n' "$PEBBLE_URL" "$PEBBLE_CA" \
			"$PEBBLE_HTTP"
		shift
		[ $# -eq 0 ] || printf '%s\n' "$@"
	} >"$CONF/$LINE.conf"
}

# fresh NAMES ROW...: a new store.
fresh() {
	chmod -R u+w "$STATE" 2>/dev/null
	rm -rf "$STATE"
	conf "$@"
}

# names SLOT: of the certificate.
names() {
	openssl x509 -in "$LINE_DIR/$1/cert.pem" -noout -ext subjectAltName | tail -1 | tr -d ' ' | tr ',' '\n' |
		sed 's/^DNS://; s/^IPAddress://' | sort | paste -s -d ' '
}

challtest_start || finish
pebble_start strict=yes
verdict $? 'pebble runs' || finish
www_start "$PEBBLE_HTTP"
BY_WEBROOT="challenge-dir = $WEBROOT/.well-known/acme-challenge"

# --- the first one, by webroot ------------------------------------------------------------------------

fresh a.example.test
sed -i '/^agree-tos/d' "$CONF/$LINE.conf"
echo "$BY_WEBROOT" >>"$CONF/$LINE.conf"
exits 1 'without consent to the terms there is no account' init
like 'the URL of the terms is shown' "$ERR" 'https://.*agree-tos = yes'
is 'servers can be started all the same' "$(names live)" a.example.test
is 'no account was made' "$(find "$STATE/accounts" -name account.json)" ''
echo 'agree-tos = yes' >>"$CONF/$LINE.conf"
exits 0 'with consent the stand-in is replaced' cron
check 'by one of the CA' openssl verify -CAfile <(pebble_root 0) -untrusted "$LINE_DIR/live/chain.pem" "$LINE_DIR/live/cert.pem"
is 'for that name' "$(names live)" a.example.test
is 'on the key that there was' "$(jq -r .keyset "$LINE_DIR/live/manifest.json")" 1
is 'nothing is left in the folder of the web server' "$(ls "$WEBROOT/.well-known/acme-challenge")" ''
check 'nor in the store' [ ! -e "$LINE_DIR/challenges.json" ]
is 'the account key is for nobody else' "$(stat -c %a "$STATE"/accounts/*/account.key)" 600
exits 0 'the next run' cron
is 'does nothing' "$OUT$ERR" ''
FIRST=$(openssl x509 -in "$LINE_DIR/live/cert.pem" -noout -serial)
exits 0 'renew' renew
check 'gets another certificate' [ "$FIRST" != "$(openssl x509 -in "$LINE_DIR/live/cert.pem" -noout -serial)" ]
is 'on the same key' "$(jq -r .keyset "$LINE_DIR/live/manifest.json")" 1
is 'one account was made in all' "$(grep -c 'There are now .* accounts' "$SCRATCH/pebble.log")" 1

# --- the account ----------------------------------------------------------------------------------------

exits 0 'account show' account show
like 'tells its URL, its state and who uses it' "$(tr -s ' \n' ' ' <<<"$OUT")" 'account https://.* status valid .*lines web'
URL=$(jq -r .url "$STATE"/accounts/*/account.json)
echo 'contact = admin@example.test' >>"$CONF/$LINE.conf"
exits 0 'account update' account update
run account show --json
is 'the CA has the new contact' "$(jq -r '.accounts[0].contact[0]' <<<"$OUT")" 'mailto:admin@example.test'
OLD=$(jq -r .thumbprint "$STATE"/accounts/*/account.json)
exits 0 'account rollover' account rollover
check 'makes another key' [ "$OLD" != "$(jq -r .thumbprint "$STATE"/accounts/*/account.json)" ]
is 'for the same account' "$(jq -r .url "$STATE"/accounts/*/account.json)" "$URL"
is 'and leaves no key about' "$(find "$STATE/accounts" -name "*.next")" ''
exits 0 'which signs orders' renew
cp "$STATE"/accounts/*/account.key "$SCRATCH/last.key"
rm "$STATE"/accounts/*/account.json
exits 0 'account.json is lost' renew
is 'the account is found by its key' "$(jq -r .url "$STATE"/accounts/*/account.json)" "$URL"
exits 2 'account with a slip' account shwo
like 'is asked back' "$ERR" 'did you mean "show"'

# --- revocation -----------------------------------------------------------------------------------------

cp "$LINE_DIR/live/cert.pem" "$SCRATCH/revoked.pem"
exits 0 'status' status
check_not 'nothing was revoked, and status does not speak of it' grep -q revoked <<<"$OUT"
exits 2 'revoke wants to be told of which line' revoke
exits 0 'revoke' revoke --reason superseded "$LINE"
is 'the CA has revoked it' "$(pebble_status "$SCRATCH/revoked.pem")" Revoked
is 'the key is the same' "$(jq -r .keyset "$LINE_DIR/live/manifest.json")" 1
is 'its new certificate is valid' "$(pebble_status "$LINE_DIR/live/cert.pem")" Valid
AT=$(jq '.keysets[] | .revoked_at // empty' "$LINE_DIR/state.json")
run status
like 'status says so, and when' "$OUT" \
	"^    revoked: certificates of the live key \(keyset 1\), on $(date -u -d "@$AT" '+%F %H:%M') UTC\$"
run --json status
is '... also as JSON' "$(jq -c '.lines[0].revoked' <<<"$OUT")" \
	"[{\"keyset\":1,\"at\":\"$(date -u -d "@$AT" +%FT%TZ)\"}]"
NOW=$((AT + 30 * 86400 - 60))
run status
like '... for thirty days' "$OUT" 'revoked: certificates of the live key'
NOW=$((AT + 30 * 86400))
run status
check_not '... and no longer' grep -q revoked <<<"$OUT"
NOW=
cp "$LINE_DIR/live/cert.pem" "$SCRATCH/revoked.pem"
exits 0 'roll --emergency --revoke' roll --emergency --revoke "$LINE"
check 'the new key is live' [ "$(jq -r .keyset "$LINE_DIR/live/manifest.json")" -gt 1 ]
is 'and the certificates of the old one are revoked' "$(pebble_status "$SCRATCH/revoked.pem")" Revoked
run status
like '... which status tells' "$OUT" 'revoked: certificates of the (old|former) key \(keyset 1\), on 20'
check 'the new one is of the CA' openssl verify -CAfile <(pebble_root 0) -untrusted "$LINE_DIR/live/chain.pem" "$LINE_DIR/live/cert.pem"

exits 0 'account deactivate' account deactivate "$LINE"
exits 1 'account show after that' account show
like 'says so' "$ERR" 'deactivated'

# --- built in: standalone, tls-alpn -------------------------------------------------------------------

pebble_stop
pebble_start strict=yes nonce-reject=50
fresh 'b.example.test c.example.test' "http-listen = 127.0.0.1:$PEBBLE_HTTP" 'challenges = standalone'
exits 0 'standalone, with half of the nonces refused' init
is 'both names' "$(names live)" 'b.example.test c.example.test'
check 'nobody listens any more' test -z "$(ss -Hltn "sport = :$PEBBLE_HTTP")"
fresh 'd.example.test 127.0.0.1' "tls-listen = 127.0.0.1:$PEBBLE_TLS" 'challenges = tls-alpn'
exits 0 'tls-alpn, for an address too' init
is 'both' "$(names live)" '127.0.0.1 d.example.test'

# --- IPv4 is right, and IPv6, which a CA tries first, is not --------------------------------------------------

if grep -qs '^0\{31\}1 .* lo$' /proc/net/if_inet6; then
	www_start "$PEBBLE_HTTP"
	challtest add-aaaa '{"host": "six.example.test", "addresses": ["::1"]}' >/dev/null
	challtest add-a '{"host": "six.example.test", "addresses": ["127.0.0.1"]}' >/dev/null
	fresh six.example.test "$BY_WEBROOT"
	run init
	like 'nobody listens at the AAAA record: a note, since that is how it looks from here' "$OUT" \
		"http://six.example.test.* at \[::1\] could not be looked at from here: .*[Rr]efused; 127.0.0.1 shows it, but CAs try IPv6 first: .*remove that AAAA record"
	start empty python3 -u -m http.server --bind ::1 --directory "$CONF" "$PEBBLE_HTTP"
	OTHER=$PID
	within 5 eval '[ -n "$(ss -6Hltn "sport = :$PEBBLE_HTTP")" ]'
	fresh six.example.test "$BY_WEBROOT"
	exits 1 'another web server does' init
	like 'that is explained' "$ERR" \
		"at \[::1\]: HTTP status 404 instead of the challenge; 127.0.0.1 shows it, but CAs try IPv6 first: let the web server listen at \[::1\] too, or remove that AAAA record"
	mkdir "$SCRATCH/nowhere"
	fresh six.example.test "challenge-dir = $SCRATCH/nowhere"
	exits 1 'wrong by both' init
	check_not 'is not the fault of IPv6' grep -q 'CAs try IPv6' <<<"$ERR"
	like '... and the usual question is asked' "$ERR" 'HTTP status 404 instead of the challenge: does the web server show challenge-dir there'
	stop "$OTHER"
	stop "$WWW_PID"
else
	skip 'an AAAA record that is wrong' 'this host has no IPv6'
fi

# --- what goes wrong behind an order ---------------------------------------------------------------------

fresh e.example.test "http-listen = 127.0.0.1:$PEBBLE_HTTP" 'challenges = standalone'
exits 0 'init' init
ISSUED=$(grep -c 'Issued certificate' "$SCRATCH/pebble.log")
(ulimit -f 2 && "$PROGRAM" -c "$CONF" renew) >"$SCRATCH/full.log" 2>&1
check 'a disk without room for the certificate' grep -q 'renew' "$SCRATCH/full.log"
is 'that was issued' "$(grep -c 'Issued certificate' "$SCRATCH/pebble.log")" $((ISSUED + 1))
exits 0 'the next run' renew
is 'fetches it, and orders none' "$(grep -c 'Issued certificate' "$SCRATCH/pebble.log")" $((ISSUED + 1))
exits 0 'and the one after that' renew
is 'orders another one' "$(grep -c 'Issued certificate' "$SCRATCH/pebble.log")" $((ISSUED + 2))

ACCOUNTS=$(grep -c 'There are now .* accounts' "$SCRATCH/pebble.log")
echo "account-key = $LINE_DIR/live/key.pem" >>"$CONF/$LINE.conf"
exits 1 'the key of the certificate as account key' renew
like 'is refused' "$ERR" 'is the key of the certificate too'
is 'before an account is made with it' "$(grep -c 'There are now .* accounts' "$SCRATCH/pebble.log")" "$ACCOUNTS"

echo left >"$WEBROOT/.well-known/acme-challenge/left"
cat >"$LINE_DIR/challenges.json" <<END
{"version": 1, "challenges": [{"method": "webroot", "name": "e.example.test", "token": "left",
 "key_authorization": "left.x", "dir": "$WEBROOT/.well-known/acme-challenge"}]}
END
sed -i -e 's/^issuer = .*/issuer = self/' -e '/^account-key/d' "$CONF/$LINE.conf"
run status
like 'a challenge that a killed run has left is shown' "$OUT" 'a challenge is still in place'
run cron
check 'and taken away, whatever the issuer and the folder are now' [ ! -e "$WEBROOT/.well-known/acme-challenge/left" ]
check 'and forgotten' [ ! -e "$LINE_DIR/challenges.json" ]

mock_start --always-valid
fresh f.example.test "http-listen = 127.0.0.1:$PEBBLE_HTTP" 'challenges = standalone' 'self-check = no'
sed -i "s#^ca = .*#ca = $MOCK_URL#" "$CONF/$LINE.conf"
exits 0 'init' init
mock_mode html-503 '"at": ["revoke"]'
exits 1 'a revocation that fails' revoke --reason superseded "$LINE"
run renew
run renew
run renew
lab_get "$MOCK_MGMT/mode" --data-binary "[]" >/dev/null
NOW=$(($(date +%s) + 86400))
run cron
NOW=
like 'is done later, though there are three newer certificates' "$OUT" 'revoked 1 certificate '
like 'as the CA has heard' "$(cat "$MOCK_LOG")" 'POST /revoke-cert 200'

finish
