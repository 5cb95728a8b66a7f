#!/bin/bash
# acme_account.sh - an account: how it is announced, found again, given another key while it is in use, and what is
# done without it; and private keys that others can read.
# shellcheck disable=SC2016,SC2034,SC2153,SC2154 source=/dev/null
. "$(dirname "$0")/lib.sh" || exit 1
. "$TOP/tests/system/lab/line.sh"
. "$TOP/tests/system/lab/pebble.sh"
. "$TOP/tests/system/lab/acme_line.sh"
need_programs pebble pebble-challtestsrv openssl python3 jq curl

# accounts: how many the CA has made.
accounts() {
	grep -c 'There are now .* accounts' "$SCRATCH/pebble.log"
}

# url: of the account.
url() {
	jq -r .url "$ACCOUNT/account.json"
}

free_port; HTTP=$PORT
www_start "$HTTP"
BY_WEBROOT="challenge-dir = $WEBROOT/.well-known/acme-challenge"
challtest_start || finish
pebble_start strict=yes http-port="$HTTP" always-valid=yes
verdict $? 'pebble runs' || finish
CA_URL=$PEBBLE_URL
ROWS=("$BY_WEBROOT" 'self-check = no')

# --- it is announced ---------------------------------------------------------------------------------------

fresh a.example.test "${ROWS[@]}"
exits 0 'init makes an account' init
ACCOUNT=$(echo "$STATE"/accounts/*)
URL=$(url)
MADE=$(grep 'made an account' <<<"$OUT")
like 'which is told, with CA and URL' "$MADE" "^web: made an account at $CA_URL: $URL; "
like '... with the terms, and who has agreed to them' "$MADE" 'terms of service \((https:|data:).*\) are agreed to.*agree-tos = yes'
like '... and with what is to be backed up' "$MADE" "back up its key, account.key in the folder $ACCOUNT\$"
exits 0 'a renewal' renew
is '... tells it no more' "$(grep -c 'made an account' <<<"$OUT$ERR")" 0
fresh a.example.test "${ROWS[@]}"
exits 0 'with --json it is beside the document' init --json
like '... in standard error' "$ERR" 'web: made an account at '
is '... which is whole' "$(jq -r .ok <<<"$OUT")" true
URL=$(url)

# --- account.json is damaged ---------------------------------------------------------------------------------

ACCOUNTS=$(accounts)
GOOD=$(cat "$ACCOUNT/account.json")
while IFS='|' read -r what damage; do
	jq -j "$damage" <<<"$GOOD" >"$ACCOUNT/account.json"
	cp "$ACCOUNT/account.json" "$SCRATCH/damaged"
	exits 0 "account.json $what: a renewal" renew
	like '... says so, and where it is' "$ERR" "account.json is damaged .*account.json.damaged"
	check '... it is there, as it was' cmp "$SCRATCH/damaged" "$ACCOUNT/account.json.damaged"
	is '... the account is found by its key' "$(url)" "$URL"
	rm -f "$ACCOUNT/account.json.damaged"
	exits 0 '... and the next one' renew
	is '... has nothing to say of it' "$ERR" ''
done <<'END2'
is empty|empty
is no JSON|"{\"url\": "
is a list|[.]
has no url|del(.url)
has a url that is a number|.url = 7
has a url that is none|.url = "account 7"
says of nobody|del(.thumbprint)
has terms that are a list|.terms = []
has a time that is text|.not_before_at = "soon"
END2
is 'no other account was made' "$(accounts)" "$ACCOUNTS"
echo '{' >"$ACCOUNT/account.json"
run caa
like 'caa does without, and says so' "$ERR" 'account.json is damaged, so the records do not name the account'
exits 0 'account show finds it' account show
like '... and shows it' "$OUT" "account +$URL"
like '... with a warning' "$ERR" 'account.json is damaged'

mkdir "$SCRATCH/elsewhere"
echo '{' >"$SCRATCH/elsewhere/account.json"
ln -sf "$SCRATCH/elsewhere/account.json" "$ACCOUNT/account.json"
exits 1 'a link to a damaged one, which somebody has made' renew
like '... is left to him' "$ERR" 'account.json is damaged; move it away'
check '... as it is' [ -L "$ACCOUNT/account.json" ]
rm "$ACCOUNT/account.json"
if [ "$(id -u)" -eq 0 ]; then
	echo '{' >"$ACCOUNT/account.json"
	chown 12345 "$ACCOUNT/account.json"
	exits 1 'one that is of somebody else' renew
	like '... is left to him too' "$ERR" 'account.json is damaged; move it away'
	rm "$ACCOUNT/account.json"
else
	skip 'one that is of somebody else' 'needs root'
fi

echo '{' >"$ACCOUNT/account.json"
pebble_start strict=yes http-port="$HTTP" always-valid=yes
verdict $? 'a CA that knows nobody' || finish
sed -i -e "s#^ca = .*#ca = $PEBBLE_URL#" -e '/^agree-tos/d' "$CONF/$LINE.conf"
mv "$ACCOUNT" "$STATE/accounts/$(sed 's#^https://##; s#[^A-Za-z0-9.-]#_#g' <<<"$PEBBLE_URL")"
ACCOUNT=$(echo "$STATE"/accounts/*)
CA_URL=$PEBBLE_URL
exits 1 'a damaged one, no account at the CA, and no consent' renew
is '... none is made' "$(accounts)" 0
like '... and it is said what is needed' "$ERR" 'there is no account at .*agree-tos = yes'
echo 'agree-tos = yes' >>"$CONF/$LINE.conf"
exits 0 'with consent one is made' renew
like '... which is told' "$OUT" 'made an account at'

# --- another key --------------------------------------------------------------------------------------------

script "$SCRATCH/slow" <<END
[ "\$1" != challenge-set ] || { : >$SCRATCH/busy; sleep 3; }
END
conf 'a.example.test slow.example.test' 'self-check = no' "challenge-hook = $SCRATCH/slow" 'challenges = hook-http'
KEY=$(cat "$ACCOUNT/account.key")
"$PROGRAM" -c "$CONF" renew >"$SCRATCH/renew.log" 2>&1 &
pid=$!
check 'a renewal is at work' within 20 test -e "$SCRATCH/busy"
exits 0 'account rollover meanwhile' account rollover
like '... waits for it, and says so' "$ERR" 'in use, which is waited for \(.*/use is held by pid [0-9]+'
wait $pid
is 'the renewal succeeds' "$?" 0 || note "$(cat "$SCRATCH/renew.log")"
check 'the key is another one' [ "$KEY" != "$(cat "$ACCOUNT/account.key")" ]
: >>"$ACCOUNT/use"
exec 9<"$ACCOUNT/use"
flock -x 9
(exec 9<&-; "$PROGRAM" -c "$CONF" renew >"$SCRATCH/renew.log" 2>&1; echo $? >"$SCRATCH/renew.status") &
pid=$!
sleep 1
check 'a renewal waits for a rollover' [ ! -e "$SCRATCH/renew.status" ]
mkdir "$SCRATCH/conf2" "$SCRATCH/state2" "$SCRATCH/state2/accounts"
sed "s#^state = .*#&2#" "$CONF/$LINE.conf" >"$SCRATCH/conf2/$LINE.conf"
cp -a "$ACCOUNT" "$SCRATCH/state2/accounts"
check '... which is going on' "$PROGRAM" -q -c "$SCRATCH/conf2" account rollover
cp "$SCRATCH/state2/accounts/${ACCOUNT##*/}"/account.{key,json} "$ACCOUNT"
exec 9<&-
wait $pid
is '... and goes on with the new key' "$(cat "$SCRATCH/renew.status")" 0 || note "$(cat "$SCRATCH/renew.log")"
conf a.example.test "${ROWS[@]}"

# --- its key is a link ---------------------------------------------------------------------------------------

mkdir "$SCRATCH/keys"
mv "$ACCOUNT/account.key" "$SCRATCH/keys/secret.pem"
ln -s "$SCRATCH/keys/secret.pem" "$ACCOUNT/account.key"
KEY=$(cat "$ACCOUNT/account.key") URL=$(url)
exits 0 'account rollover of a key that is a link' account rollover
check '... the link stays' [ -L "$ACCOUNT/account.key" ]
check '... its target has the new key' [ "$KEY" != "$(cat "$SCRATCH/keys/secret.pem")" ]
is '... for its owner only' "$(stat -c %a "$SCRATCH/keys/secret.pem")" 600
is '... and there is no other' "$(ls "$SCRATCH/keys")" secret.pem
exits 0 '... which signs' renew
is '... for the same account' "$(url)" "$URL"
mv "$SCRATCH/keys" "$SCRATCH/unmounted"
exits 1 'a link that leads nowhere' renew
like '... is no reason to make another key' "$ERR" 'account.key is a link to a file that is not there'
check '... and stays' [ -L "$ACCOUNT/account.key" ]
mv "$SCRATCH/unmounted" "$SCRATCH/keys"
exits 0 'it is back' renew

# --- keys that others can read --------------------------------------------------------------------------------

# alarmed FILE: status and a run name the file and the remedy; then it is mended, and both are content.
alarmed() {
	local file=$1
	exits 1 "${file##*/} of mode $(stat -Lc %a "$file"): status" status
	like '... names it' "$(tr -s ' \n' ' ' <<<"$OUT")" "! (private|account) key $file can be read by others: chmod 600"
	exits 1 '... and so does a run' cron
	like '... on standard error' "$ERR" "^certline: web: (private|account) key $file can be read by others: chmod 600 "
	chmod 600 "$file"
	exits 0 '... mended: status' status
	run cron
	is '... and a run says nothing' "$STATUS $OUT$ERR" '0 '
}

run cron
GEN=$(realpath "$LINE_DIR/live")
chmod 644 "$GEN/key.pem"
alarmed "$GEN/key.pem"
chmod 640 "$GEN/combined.pem"
alarmed "$GEN/combined.pem"
chmod 644 "$SCRATCH/keys/secret.pem"
alarmed "$ACCOUNT/account.key"
TOP_ROWS='key-types = ec-256 rsa-2048'
conf a.example.test "${ROWS[@]}"
sed -i '/^\[hooks\]/a post-keychange = /bin/true' "$CONF/$LINE.conf"
exits 0 'another key is staged' cron
GEN=$(realpath "$LINE_DIR/staging")
chmod 604 "$GEN/key-rsa-2048.pem"
alarmed "$GEN/key-rsa-2048.pem"
TOP_ROWS=
if [ "$(id -u)" -eq 0 ]; then
	GROUP=$(getent group | awk -F : '$3 > 0 { print $1; exit }')
	OTHER=$(getent group | awk -F : -v g="$GROUP" '$3 > 0 && $1 != g { print $1; exit }')
	fresh a.example.test "${ROWS[@]}"
	sed -i "s/^\[dirs\]/&\nkey-group = $GROUP/" "$CONF/$LINE.conf"
	exits 0 'with a key-group' init
	GEN=$(realpath "$LINE_DIR/live")
	is '... keys are for it' "$(stat -c '%a %G' "$GEN/key.pem")" "640 $GROUP"
	run cron
	is '... which is no alarm' "$STATUS $OUT$ERR" '0 '
	chgrp "$OTHER" "$GEN/key.pem"
	exits 1 'another group is one' cron
	like '... with the remedy' "$ERR" "chgrp $GROUP $GEN/key.pem && chmod 640 $GEN/key.pem"
	chgrp "$GROUP" "$GEN/key.pem"
	chmod 644 "$GEN/key.pem"
	exits 1 'and so is everybody' cron
	like '... with the remedy' "$ERR" "can be read by others: chmod 640 $GEN/key.pem"
else
	skip 'a key-group' 'needs root'
fi

# --- revocation without the account ---------------------------------------------------------------------------

fresh a.example.test "${ROWS[@]}"
exits 0 'a certificate' init
ACCOUNT=$(echo "$STATE"/accounts/*)
cp "$LINE_DIR/live/cert.pem" "$SCRATCH/revoked.pem"
rm -r "$ACCOUNT"
sed -i '/^agree-tos/d' "$CONF/$LINE.conf"
ACCOUNTS=$(accounts)
run revoke --reason superseded "$LINE"
is 'its account is lost: it is revoked all the same' "$(pebble_status "$SCRATCH/revoked.pem")" Revoked
like '... by its own key, which is told' "$ERR" "signed by the certificate's own key, since there is no account at "
like '... with what follows' "$ERR" "take such a key for compromised.*certline roll --emergency $LINE"
is '... and no account is made for it' "$(accounts)" "$ACCOUNTS"

fresh b.example.test "${ROWS[@]}"
exits 0 'a certificate' init
cp "$LINE_DIR/live/cert.pem" "$SCRATCH/revoked.pem"
rm -r "$STATE"/accounts/*
run account update
exits 0 'with another account, which did not order it' revoke --reason superseded "$LINE"
is '... it is revoked' "$(pebble_status "$SCRATCH/revoked.pem")" Revoked
exits 0 'by an account that has ordered it' revoke --reason superseded "$LINE"
is '... there is nothing to tell' "$ERR" ''

fresh c.example.test "${ROWS[@]}"
exits 0 'a certificate' init
cp "$LINE_DIR/live/cert.pem" "$SCRATCH/revoked.pem"
exits 0 'its account is deactivated' account deactivate "$LINE"
run revoke --reason privilege-withdrawn "$LINE"
is '... it is revoked' "$(pebble_status "$SCRATCH/revoked.pem")" Revoked
like '... by its own key' "$ERR" "signed by the certificate's own key"

fresh d.example.test "${ROWS[@]}"
exits 0 'a certificate' init
ACCOUNT=$(echo "$STATE"/accounts/*) URL=$(jq -r .url "$STATE"/accounts/*/account.json)
cp "$LINE_DIR/live/cert.pem" "$SCRATCH/revoked.pem"
mv "$ACCOUNT/account.key" "$SCRATCH/lost.key"
exits 1 'the account is known, and its key is lost' revoke --reason superseded "$LINE"
like '... is told, and what to do' "$ERR" 'key .*account.key is missing: bring it back from a backup'
is '... nothing is revoked' "$(pebble_status "$SCRATCH/revoked.pem")" Valid
like 'the same run says what it means for the account' "$ERR" "instead of $URL, move .*account.json away"
exits 1 'status' status --json
like '... says so' "$(jq -r '.lines[0].pending[]' <<<"$OUT")" "^account at .* its key .*account.key is missing"
run revoke --reason key-compromise "$LINE"
is 'a compromise needs no account' "$(pebble_status "$SCRATCH/revoked.pem")" Revoked
like '... which is told' "$ERR" "signed by the certificate's own key, since the key is missing of the account at "

fresh e.example.test "${ROWS[@]}"
exits 0 'a certificate' init
ACCOUNT=$(echo "$STATE"/accounts/*)
mv "$ACCOUNT/account.key" "$SCRATCH/lost.key"
exits 1 'long before it is to be renewed: the key is lost' cron
like '... is told' "$ERR" 'its key .*account.key is missing: bring it back'
run renew
is '... once in a run' "$(grep -c 'account.key is missing' <<<"$ERR")" 1
run renew --json
is '... and the line has failed' "$(jq -r '.lines[0].failed' <<<"$OUT")" true
ln -s /nowhere "$ACCOUNT/account.key"
exits 1 'a link that leads nowhere in its place' cron
like '... is told' "$ERR" 'account.key is a link to a file that is not there'
rm "$ACCOUNT/account.key"
(umask 077 && : >"$ACCOUNT/account.key")
exits 1 'an empty file in its place' cron
like '... is told' "$ERR" 'account key .*account.key is damaged: there is no private key in it'
rm "$ACCOUNT/account.key"
mkdir "$ACCOUNT/account.key"
exits 1 'a folder in its place' cron
like '... is told' "$ERR" 'account.key: it is a folder'
rmdir "$ACCOUNT/account.key"
mv "$SCRATCH/lost.key" "$ACCOUNT/account.key"
run renew
exits 0 'it is back' cron
is '... there is nothing to tell' "$OUT$ERR" ''
echo garbage >"$ACCOUNT/account.key.next"
chmod 600 "$ACCOUNT/account.key.next"
exits 1 'the next key is none' cron
like '... is told before it is needed' "$ERR" 'account.key.next is of no use'
exits 1 'the next key of an account is none' renew
like '... what to do is told' "$ERR" 'account.key.next is of no use; the key stays as it is if you move that file away'
cp "$ACCOUNT/account.key" "$SCRATCH/lost.key"
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 >"$ACCOUNT/account.key.next" 2>/dev/null
exits 0 'a key that the CA does not know, as after a roll-over that failed' renew
check '... is kept for a day' [ -e "$ACCOUNT/account.key.next" ]
touch -d '25 hours ago' "$ACCOUNT/account.key.next"
exits 0 '... in which the CA has not come to know it' renew
check '... and no longer' [ ! -e "$ACCOUNT/account.key.next" ]
check '... but aside' test -s "$ACCOUNT"/account.key.next.*
check '... the key is what it was' cmp "$SCRATCH/lost.key" "$ACCOUNT/account.key"
exits 0 'it is deactivated' account deactivate "$LINE"
like 'a key that is deactivated has to go' "$OUT" 'until its key, .*account.key, is moved away'
for command in cron renew; do
	exits 1 "until then: $command" $command
	like '... what to do is told' "$ERR" 'it was deactivated: for another account, move its key .*account.key away'
	is '... once' "$(grep -c 'it was deactivated' <<<"$ERR")" 1
done
run account show
like 'account show tells it, too' "$ERR" 'it was deactivated'
mv "$ACCOUNT/account.key" "$SCRATCH/lost.key"
ACCOUNTS=$(accounts)
exits 0 'moved away' renew
is '... another account is made' $(($(accounts) - ACCOUNTS)) 1
exits 0 'which is well' cron
is '... and nothing is told' "$OUT$ERR" ''
rm "$ACCOUNT/account.json"
mkdir "$ACCOUNT/account.json"
exits 1 'a folder in the place of account.json' cron
like '... is told' "$ERR" 'account.json'

# --- nothing that shows names to be ours ----------------------------------------------------------------------

fresh a.example.test
exits 0 'a line without a way to answer challenges' config
like '... is warned of, by its place' "$ERR" "^$CONF/$LINE.conf:2: \"web\" has issuer = acme, but no way to show"
for option in challenge-dir challenge-hook standalone tls-alpn '\[update\] keys' 'issuer = self'; do
	like "... with $option" "$ERR" "$option"
done
for row in "$BY_WEBROOT" 'challenges = standalone' "challenge-hook = $SCRATCH/hook"; do
	conf a.example.test "$row"
	run config
	is "none with ${row%% =*}" "$STATUS $(grep -v 'validate = no' <<<"$ERR")" '0 '
done
conf a.example.test
printf '[update]\nkeys = /etc/key\n' >>"$CONF/$LINE.conf"
run config
is 'none with keys for updates' "$STATUS $ERR" '0 '
conf '*.example.test'
run config
like 'one for a wildcard' "$ERR" 'no way to show a CA that \*\.example\.test is ours'

# --- options that are wrong ------------------------------------------------------------------------------------

# wants TEXT ARGUMENT...
wants() {
	exits 2 "${*:2}" "${@:2}"
	like '... says what it wants' "$ERR" "(it wants|needs an argument:) $1"
}
conf a.example.test "${ROWS[@]}"
wants 'unspecified, key-compromise, superseded, cessation, affiliation-changed or privilege-withdrawn' revoke --reason foo "$LINE"
wants 'unspecified, key-compromise, superseded, cessation, affiliation-changed or privilege-withdrawn' revoke --reason
wants 'a number from 1 to 256' cron -j 0
wants 'a number of days from 1 to 36500' plan --days never
wants 'a number of seconds, or a duration like 1h' tlsa --ttl 8d
wants 'the name of a zone' tlsa --origin 'a b'
wants 'zone, generic, json, nsupdate, tinydns, csv' tlsa --format ''
wants 'the path of a configuration file' --config= cron
finish
