#!/bin/bash
# acme_subset.sh - allow-subset: names that the CA does not authorize are left out, if nothing better is to be
# had, and come back.  With a newer pebble: an older one may lock itself up when one name of several fails.
# shellcheck disable=SC2034,SC2153,SC2154 source=/dev/null
. "$(dirname "$0")/lib.sh" || exit 1
. "$TOP/tests/system/lab/line.sh"
. "$TOP/tests/system/lab/pebble.sh"
. "$TOP/tests/system/lab/acme_line.sh"
need_programs pebble pebble-challtestsrv openssl python3 jq curl

DAY=86400
START=$(date +%s)

# broken NAME, mended NAME: nobody answers for it, and again somebody does.
broken() { forget_account; challtest add-a "{\"host\":\"$1.\",\"addresses\":[\"127.0.0.9\"]}"; }
mended() { challtest clear-a "{\"host\":\"$1.\"}"; }

# left_out: of the live certificate.
left_out() { jq -r '(.left_out // []) | join(" ")' "$LINE_DIR/live/manifest.json"; }

# orders: at the CA, so far.
orders() { grep -c 'Added order' "$SCRATCH/pebble.log"; }

free_port; HTTP=$PORT
www_start "$HTTP"
ROWS=("challenge-dir = $WEBROOT/.well-known/acme-challenge" 'profile = default' 'allow-subset = yes' 'self-check = no')
challtest_start || finish
pebble_new_fetch || { skip 'names that are not authorized' 'there is no newer pebble'; finish; }
pebble_start use=new strict=yes http-port="$HTTP" profile=default:7776000 profile=short:2000
verdict $? 'pebble runs' || finish
CA_URL=$PEBBLE_URL

broken b.example.test
fresh 'a.example.test b.example.test c.example.test' "${ROWS[@]/yes/no}"
exits 1 'a name that the CA does not authorize' init
is 'is not left out unless that is allowed' "$(issuer)" a.example.test

fresh 'a.example.test b.example.test c.example.test' "${ROWS[@]}"
BEFORE=$(orders)
exits 1 'allowed: it is' init
is 'the others have a certificate' "$(issuer | cut -c 1-6) $(names)" 'Pebble a.example.test c.example.test'
is 'what is left out is written down' "$(left_out)" b.example.test
like 'and said' "$OUT$ERR" 'is for 2 of 3 names: b.example.test: http-01 failed'
is 'it takes two orders' "$(($(orders) - BEFORE))" 2
SERIAL=$(serial)
NOW=$((START + 3600))
exits 1 'an hour later it is an error still' cron
like 'that is said' "$ERR" 'not for b.example.test, since the CA has not authorized that'
is 'no CA is asked' "$(($(orders) - BEFORE))" 2
exits 1 'status' status
like 'says it, too' "$OUT" 'not for b.example.test'
NOW=$((START + DAY + 7200))
exits 1 'a day later all names are tried anew' cron
is 'no second certificate without it is made' "$(($(orders) - BEFORE)) $(serial)" "3 $SERIAL"
mended b.example.test
NOW=$((START + 2 * DAY + 7200))
exits 0 'it is mended' cron
is 'all names are back' "$(names) $(left_out)" 'a.example.test b.example.test c.example.test '

# a certificate that is for all names is not given up before its time
SERIAL=$(serial)
broken b.example.test
exits 1 'renewed by hand, while a name is broken' renew
is 'the certificate for all stays' "$(serial)" "$SERIAL"
mended b.example.test
NOW=
fresh 'a.example.test b.example.test c.example.test' "${ROWS[@]/default/short}"
exits 0 'one that does not live long' init
SERIAL=$(serial)
broken b.example.test
conf 'a.example.test b.example.test c.example.test' "${ROWS[@]}"
NOW=$(($(date +%s) + 1000))
exits 1 'when it is due' cron
is 'it stays' "$(serial)" "$SERIAL"
NOW=$((NOW + 700))
exits 1 'near its end' cron
is 'the others go on without it' "$(left_out)" b.example.test
NOW=

# nor for another key; but what must not be served is
fresh 'a.example.test b.example.test c.example.test' "${ROWS[@]}"
mended b.example.test
exits 0 'a certificate for all' init
broken b.example.test
SERIAL=$(serial)
exits 1 'another key' roll
is '... waits for a certificate for all' "$(serial)" "$SERIAL"
exits 1 'unless the old one is compromised' roll --emergency "$LINE"
check '... then it does not' [ "$(serial)" != "$SERIAL" ]
is '... and does without' "$(left_out)" b.example.test
mended b.example.test
fresh 'a.example.test b.example.test c.example.test' "${ROWS[@]}"
exits 0 'a certificate for all' init
broken b.example.test
SERIAL=$(serial)
run revoke --reason superseded "$LINE"
NOW=$(($(date +%s) + DAY))
run cron
check 'one that was revoked does not stay' [ "$(serial)" != "$SERIAL" ]
is '... for the sake of a name' "$(left_out)" b.example.test
NOW=
mended b.example.test
pebble_stop
pebble_start use=new strict=yes http-port="$HTTP" profile=default:7776000 block=b.example.test
CA_URL=$PEBBLE_URL
fresh 'a.example.test b.example.test c.example.test' "${ROWS[@]}"
exits 1 'a name that the CA refuses in the order' init
is '... is left out, too' "$(left_out)" b.example.test
pebble_stop
pebble_start use=new strict=yes http-port="$HTTP" profile=default:7776000 profile=short:2000
CA_URL=$PEBBLE_URL
broken b.example.test

# what is never left out
broken a.example.test
fresh 'a.example.test b.example.test c.example.test' "${ROWS[@]}"
exits 1 'the first name' init
is 'is not left out' "$(issuer)" a.example.test
mended a.example.test
fresh 'a.example.test b.example.test c.example.test' "${ROWS[@]}" '[dane]' 'owners = _25._tcp.b.example.test' \
	'publish = hook' 'verify = no' '[hooks]' 'post-keychange = /bin/true'
exits 1 'the host of an owner' init
is 'is not either' "$(issuer)" a.example.test

# not allowed any more
fresh 'a.example.test b.example.test c.example.test' "${ROWS[@]}"
run init
is 'a certificate that lacks a name' "$(left_out)" b.example.test
mended b.example.test
conf 'a.example.test b.example.test c.example.test' "${ROWS[@]/yes/no}"
NOW=$((START + 3600))
exits 0 'is renewed when that is not allowed any more' cron
is 'with all names' "$(left_out)" ''

# a key of each kind
broken b.example.test
TOP_ROWS='key-types = ec-256 rsa-2048'
NOW=
fresh 'a.example.test b.example.test' "${ROWS[@]}"
exits 1 'two keys' init
for f in "$LINE_DIR"/live/cert*.pem; do
	is 'both are for the same names' "$(names "$f")" a.example.test
done

finish
