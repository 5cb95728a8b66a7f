#!/bin/bash
# check.sh - certline check: other people's services in a signed DNS world, with real TLS servers; mail domains; a line
# and what is served of it; the exit status of plug-ins of Nagios; 80 columns.
# shellcheck disable=SC2016,SC2034,SC2153,SC2154 source=/dev/null
. "$(dirname "$0")/lib.sh" || exit 1
. "$TOP/tests/system/lab/line.sh"
. "$TOP/tests/system/lab/dane.sh"
. "$TOP/tests/system/lab/world.sh"
need_programs named rndc nsd nsd-control knotd knotc keymgr unbound unbound-control dig nsupdate \
	dnssec-keygen dnssec-signzone openssl jq

HOST=mail.example.test                  # 127.0.0.80
CERTS=$SCRATCH/certs
mkdir -p "$CERTS"
free_port; TLS=$PORT                    # of an ECDSA and an RSA key
free_port; ONE=$PORT                    # of an ECDSA key
free_port; CHAIN=$PORT                  # of a chain
free_port; DEAD=$PORT                   # of nobody
free_port; MUTE=$PORT                   # of somebody who says nothing
free_port; GREET=$PORT                  # of a mail server, at a port that is not usual
free_port; POOR=$PORT                   # of a resolver that hands no DNSSEC data on

# certificate NAME DAYS OPTION...: key and certificate of $HOST
certificate() {
	openssl req -x509 -nodes -subj "/CN=$HOST" -addext "subjectAltName=DNS:$HOST" -days "$2" \
		-keyout "$CERTS/$1.key" -out "$CERTS/$1.pem" "${@:3}" 2>/dev/null
}
EC=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1)
certificate ec 90 "${EC[@]}"
certificate rsa 90 -newkey rsa:2048
certificate ca 900 "${EC[@]}" -addext keyUsage=keyCertSign
openssl req -new -nodes "${EC[@]}" -subj "/CN=$HOST" -keyout "$CERTS/leaf.key" 2>/dev/null |
	openssl x509 -req -CA "$CERTS/ca.pem" -CAkey "$CERTS/ca.key" -days 60 \
		-extfile <(echo "subjectAltName=DNS:$HOST") -out "$CERTS/leaf.pem" 2>/dev/null

# spki NAME, whole NAME: the digests of a certificate for 3 1 1 and 3 0 1.
spki() {
	openssl x509 -in "$CERTS/$1.pem" -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum | cut -d ' ' -f 1
}
whole() {
	openssl x509 -in "$CERTS/$1.pem" -outform DER | sha256sum | cut -d ' ' -f 1
}

# serve NAME PORT OPTION...: a TLS server at the address of the host
serve() {
	start "$1" openssl s_server -quiet -accept "127.0.0.80:$2" "${@:3}"
	within 10 listens "$2"
}

# publish ROW...: these records, and no others, are all that is added to example.test
publish() {
	printf '%s\n' "$@" >"$world_include"
	world_reload example.test >/dev/null
	within 5 world_same sec example.test
	world_lagsync example.test
	world_flush
}

# look ARGUMENT...: without any configuration; JSON in $OUT
look() {
	OUT=$(CERTLINE_CONFIG='' timeout 120 "$PROGRAM" check --resolver "${RESOLVER:-127.0.0.131:$WORLD_PORT}" --port "$WORLD_PORT" \
		--trust-anchor "$WORLD/root.key" "$@" 2>"$SCRATCH/stderr")
	STATUS=$?
	ERR=$(cat "$SCRATCH/stderr")
}

# of FILTER: a value of the document
of() {
	printf '%s' "$OUT" | jq -r "$1"
}

# codes: what was found of the first owner, but notes, and that the certificates are their own CAs
codes() {
	of '[.owners[0].findings[] | select(.severity != "note" and .severity != "ok") | .code] | unique - ["self-signed"] | join(" ")'
}

# diagnosis VERDICT CODES TEXT: what the last look was, for one owner
diagnosis() {
	is "$3: $1" "$(of '.owners[0].verdict')" "$1"
	is "... because: ${2:-nothing is wrong}" "$(codes)" "$2" || note "$OUT"
}

world_make
verdict $? 'the world is made' || finish
world_start
verdict $? 'the world runs' || finish
serve both "$TLS" -cert "$CERTS/ec.pem" -key "$CERTS/ec.key" -dcert "$CERTS/rsa.pem" -dkey "$CERTS/rsa.key"
serve one "$ONE" -cert "$CERTS/ec.pem" -key "$CERTS/ec.key"
serve chain "$CHAIN" -cert "$CERTS/leaf.pem" -key "$CERTS/leaf.key" -cert_chain "$CERTS/ca.pem"
start mute python3 -c "
import socket, time
s = socket.socket(); s.bind(('127.0.0.80', $MUTE)); s.listen()
time.sleep(1000)"
start greet python3 -c "
import socket
s = socket.create_server(('127.0.0.80', $GREET))
while True:
    c = s.accept()[0]
    c.sendall(b'220 mail.example.test ESMTP\\r\\n')
    c.recv(1000)
    c.close()"
# The question without EDNS, and so without DO; what comes back is sent by UDP, whatever its size.
start poor python3 -c "
import socket
s = socket.socket(type=socket.SOCK_DGRAM)
s.bind(('127.0.0.80', $POOR))
while True:
    q, to = s.recvfrom(4096)
    end = 12
    while q[end]:
        end += q[end] + 1
    q = q[:4] + bytes([0, 1, 0, 0, 0, 0, 0, 0]) + q[12:end + 5]
    with socket.create_connection(('127.0.0.131', $WORLD_PORT), 5) as c:
        c.sendall(len(q).to_bytes(2, 'big') + q)
        f = c.makefile('rb')
        s.sendto(f.read(int.from_bytes(f.read(2), 'big')), to)"
check 'a mail server greets' within 10 listens "$GREET"
EC1=$(spki ec)
RSA1=$(spki rsa)
BOTH=_$TLS._tcp.$HOST
SINGLE=_$ONE._tcp.$HOST

# --- records ------------------------------------------------------------------------------------------

publish "$BOTH. TLSA 3 1 1 $EC1" "$BOTH. TLSA 3 1 1 $RSA1"
look --owner "$BOTH" --json
diagnosis accepts '' 'records of both keys'
is '... exit status 0' "$STATUS" 0
is '... both kinds of keys were seen' "$(of '[.owners[0].endpoints[].type] | sort | join(" ")')" 'ECDSA RSA'
is '... which are told of' "$(of '.owners[0].findings[] | select(.code == "self-signed").severity' | sort -u)" warning
is '... by their digests' "$(of '[.owners[0].endpoints[] | select(.type == "RSA").spki][0]')" "$RSA1"
is '... secure' "$(of '.owners[0].dnssec')" secure
is '... each record matches' "$(of '[.owners[0].records[].fate] | unique | join(" ")')" matches
check '... by every name server' [ "$(of '[.owners[0].servers[] | select(.answer == "records" and .signed)] | length')" -ge 3 ]

publish "$BOTH. TLSA 3 1 1 $EC1"
look --owner "$BOTH" --json
diagnosis refuses key-type-uncovered 'one key without a record'
is '... exit status 1' "$STATUS" 1
is '... for that key alone' "$(of '[.owners[0].endpoints[] | .type + " " + .dane] | sort | join(", ")')" \
	'ECDSA accepts, RSA refuses'

publish "$SINGLE. TLSA 3 0 1 $EC1"
look --owner "$SINGLE" --json
diagnosis refuses 'refused selector-wrong' 'a key under the selector of the certificate'
like '... and what to write' "$(of '.owners[0].findings[].text')" 'write 3 1 1'

publish "$SINGLE. TLSA 3 1 2 $EC1"
look --owner "$SINGLE" --json
diagnosis 'no DANE' 'matching-wrong unusable' 'a SHA-256 under the number of SHA-512'
like '... and what to write' "$(of '.owners[0].findings[].text')" 'says 2: write 3 1 1'

publish "$SINGLE. TLSA 2 1 1 $EC1"
look --owner "$SINGLE" --json
diagnosis refuses 'refused usage-wrong' 'a leaf as a trust anchor'

publish "$SINGLE. TLSA 3 1 1 $WORLD_DIGEST" "$SINGLE. TLSA 3 1 1 $EC1"
look --owner "$SINGLE" --json
diagnosis accepts '' 'an old record beside the right one'
like '... which is noted' "$(of '.owners[0].findings[].code')" '^stale-record$'

publish "$SINGLE. TLSA 3 1 1 $WORLD_DIGEST"
look --owner "$SINGLE" --json
diagnosis refuses 'no-match refused' 'a record of another key'

OWNER=_$CHAIN._tcp.$HOST
publish "$OWNER. TLSA 2 0 1 $(whole ca)"
look --owner "$OWNER" --json
diagnosis accepts untrusted 'a CA of its own that is sent'
publish "$SINGLE. TLSA 2 0 1 $(whole ca)"
look --owner "$SINGLE" --json
diagnosis refuses 'anchor-missing refused' 'a CA that is not sent'

# --- DNS ----------------------------------------------------------------------------------------------

publish '; nothing'
look --owner "$SINGLE" --json
diagnosis 'no DANE' 'no-tlsa' 'no record in a signed zone'
look --owner _25._tcp.mx.insecure.test --connect "127.0.0.80:$ONE" --starttls none --json
is 'a record in an unsigned zone' "$(of '.owners[0].verdict') $(of '.owners[0].findings[].code' | grep -x tlsa-unsigned)" \
	'no DANE tlsa-unsigned'
look --owner _25._tcp.mx.bogus.test --connect "127.0.0.80:$ONE" --starttls none --json
is 'a bogus zone' "$(of '.owners[0].verdict') $(of '.owners[0].findings[].code' | grep -x bogus)" 'defers bogus'
publish "$SINGLE. CNAME _gone.example.test."
look --owner "$SINGLE" --json
is 'an alias that leads to nothing' "$(of '.owners[0].verdict') $(of '.owners[0].findings[].code' | grep -x alias-broken)" \
	'no DANE alias-broken'
publish "$SINGLE. CNAME _own.example.test." "_own TLSA 3 1 1 $EC1"
look --owner "$SINGLE" --json
diagnosis accepts '' 'an alias that leads to the record'
publish "*._tcp.$HOST. TLSA 3 1 1 $EC1"
look --owner "$SINGLE" --json
like 'a wildcard is noted' "$(of '.owners[0].findings[].code')" '^wildcard$'
publish "h CNAME mail" "$SINGLE. TLSA 3 1 1 $EC1" "_$ONE._tcp.h TLSA 3 1 1 $WORLD_DIGEST"
look --owner "_$ONE._tcp.h.example.test" --json
is 'a host that is an alias: records at its end come first' "$(of '.owners[0].verdict + " " + .owners[0].base')" \
	"accepts $HOST"

publish '; nothing'
printf '%s\n' "$SINGLE. TLSA 3 1 1 $EC1" >"$world_include"
world_reload example.test >/dev/null
within 5 world_same sec example.test
look --owner "$SINGLE" --json
diagnosis accepts 'serial-lag server-missing' 'a name server that lags'
like '... is named' "$(of '.owners[0].findings[].text')" '127.0.0.123'
world_lagsync example.test

# --- servers ------------------------------------------------------------------------------------------

look --owner "$SINGLE" --connect "127.0.0.80:$DEAD" --connect "127.0.0.80:$ONE" --json
diagnosis accepts connection-refused 'one of two addresses refuses'
look --owner "$SINGLE" --connect "127.0.0.80:$DEAD" --json
diagnosis unknown connection-refused 'nobody is there'
began=$(date +%s)
look --owner "$SINGLE" --connect "127.0.0.80:$MUTE" --json
diagnosis unknown silent 'somebody says nothing'
check '... for a limited time' [ $(($(date +%s) - began)) -lt 40 ]
look --owner "$SINGLE" --starttls "$SINGLE=smtp" --json
diagnosis unknown silent 'no SMTP where it is expected'
look --owner "_$GREET._tcp.$HOST" --json
diagnosis 'no DANE' 'garbage no-tlsa' 'a mail server at a port that is not usual'
like '... and what to do' "$(of '.owners[0].findings[].text')" \
	"\"220 mail.example.test ESMTP\"; it speaks smtp: \[endpoints\] starttls = $GREET smtp, or check --starttls smtp\$"
look --owner "_443._udp.$HOST" --json
like 'UDP is told' "$(of '.owners[0].findings[].code')" '^not-looked-at$'
look --owner "$SINGLE" --resolver 127.0.0.80:9 --port 9 --connect "127.0.0.80:$DEAD"
is 'nothing can be looked at: 75' "$STATUS" 75

# --- resolvers ----------------------------------------------------------------------------------------

publish 'd MX 10 mail' "_25._tcp.mail TLSA 3 1 1 $EC1" "$SINGLE. TLSA 3 1 1 $EC1"
look --mx nosuch.example.test --json
is 'a domain that does not exist: an error' "$(of '.domains[0] | .verdict + ": " + .why + " " + .findings[0].code') $STATUS" \
	'unknown: there is no such name mx-no-name 1'
look --owner _25._tcp.mx.nosuch --json
is '... and an owner whose host does not' "$(of '.owners[0].findings[].code' | grep -x no-address) $STATUS" 'no-address 1'
RESOLVER=127.0.0.80:$POOR
look --mx d.example.test --json
is 'mail hosts by a resolver without DNSSEC: not known' "$(of '.domains[0] | .verdict + " " + .findings[0].code') $STATUS" \
	'unknown mx-unknown 75' || note "$OUT"
POORLY="the resolver 127.0.0.80:$POOR gives no DNSSEC data; try --resolver ADDRESS, or \[dns\] resolver = recurse"
like '... because of the resolver' "$(of '.domains[0].findings[0].text')" "$POORLY"
look --owner "$SINGLE" --json
is 'the same of an owner' "$(of '.owners[0] | .verdict + " " + .dnssec') $STATUS" 'unknown unknown 75' || note "$OUT"
like '... because of the resolver' "$(of '.owners[0].findings[].text')" "$POORLY"
RESOLVER=127.0.0.80:9
look --mx d.example.test --json
is 'a resolver that is not there' "$(of '.domains[0] | .verdict + " " + .findings[0].code') $STATUS" 'unknown mx-unknown 75'
like '... is named' "$(of '.domains[0].findings[0].text')" 'no answer from the resolver 127\.0\.0\.80:9'
RESOLVER=

# --- how it is shown ----------------------------------------------------------------------------------

publish "$BOTH. TLSA 3 1 1 $EC1" "$BOTH. TLSA 3 1 1 $RSA1" "$SINGLE. TLSA 3 1 1 $WORLD_DIGEST"
look --owner "$BOTH" --owner "$SINGLE" -v
is 'a table of 80 columns' "$(printf '%s' "$OUT" | awk 'length($0) > 80')" ''
like '... with the verdict' "$OUT" "^$BOTH: accepts"
like '... and what is wrong' "$OUT" '^  ! no-match: '
check_not '... without colours' grep -q $'\033' <<<"$OUT"
look --owner "$SINGLE" -q
is 'quiet: nothing but errors' "$OUT" ''
like '... on standard error' "$ERR" "$SINGLE: no-match"

# plugin STATUS ARGUMENT...: as Nagios calls it
plugin() {
	look --nagios "${@:2}"
	is "nagios ${*:2}: $1" "$STATUS" "$1" || note "$OUT"
}
plugin 1 --owner "$BOTH"
like '... and one line' "$(head -1 <<<"$OUT")" "^CERTLINE WARNING - .*self-signed.* \| '$BOTH cert'=[0-9]+s;1209600:;259200:$"
plugin 1 --owner "$BOTH" --warn 100d
like '... and why' "$OUT" '^_.*: warning: expires-soon: '
plugin 2 --owner "$BOTH" --warn 200d --critical 100d
like '... and why' "$OUT" '^CERTLINE CRITICAL - .*expires-soon'
plugin 2 --owner "$SINGLE"
like '... and why' "$(head -1 <<<"$OUT")" '^CERTLINE CRITICAL - .*refused'
plugin 3 --owner "$SINGLE" --resolver 127.0.0.80:9 --port 9 --connect "127.0.0.80:$DEAD"
plugin 2 --owner "$BOTH" --critical 100d
like '... and less is left than for a warning' "$(head -1 <<<"$OUT")" "^CERTLINE CRITICAL - .*expires-soon.*s;8640000:;8640000:$"
plugin 1 --owner "$BOTH" --warn 1d
like '... and no error before the warning' "$(head -1 <<<"$OUT")" 's;86400:;86400:$'
like 'one error is one' "$(plugin 2 --owner "$SINGLE" --connect "127.0.0.80:$DEAD" >/dev/null; head -1 <<<"$OUT")" \
	'^CERTLINE CRITICAL - 1 error, '
for wrong in '--owner mail.example.test' '--mx _x' '--starttls nntps' '--connect mail' '--warn 14' '--owner _1._tcp.a.b --ownr x' \
	'--owner _1._tcp.a.b --warn 1d --critical 2d'; do
	# shellcheck disable=SC2086 # words are meant
	look $wrong
	is "$wrong: 2" "$STATUS" 2
	is '... and nothing on standard output' "$OUT" ''
	# shellcheck disable=SC2086
	plugin 3 $wrong
	like '... and one row for Nagios' "$(wc -l <<<"$OUT") $OUT" '^1 CERTLINE UNKNOWN - .'
done
plugin 3 --json --owner _1._tcp.a.b

# --- mail ---------------------------------------------------------------------------------------------

publish 'd MX 10 mail' 'd MX 20 web' 'none MX 0 .' "_25._tcp.mail TLSA 3 1 1 $EC1"
look --mx d.example.test --connect "127.0.0.80:$ONE" --starttls none --json
is 'the mail hosts of a domain' "$(of '[.owners[].owner] | join(" ")')" '_25._tcp.mail.example.test _25._tcp.web.example.test'
is '... and what they are worth' "$(of '[.owners[].verdict] | join(", ")')" 'accepts, no DANE'
is '... for the domain' "$(of '.domains[0] | .domain + " " + .dnssec + " " + ([.findings[].code] | join(" "))')" \
	'd.example.test secure mx-uncovered'
look --mx none.example.test --json
is 'a domain that takes no mail' "$(of '.domains[0].findings[0].code') $(of '.owners | length') $STATUS" 'mx-null 0 0'

# --- a line -------------------------------------------------------------------------------------------

{
	printf 'domains = %s\nissuer = self\n[hooks]\npost-certchange = /bin/true\n' "$HOST"
	printf '[dns]\nresolver = 127.0.0.131:%s\nport = %s\ntrust-anchor = %s/root.key\n' "$WORLD_PORT" "$WORLD_PORT" "$WORLD"
	printf '[dirs]\nstate = %s\n[dane]\nowners = _%s._tcp.%s\ninclude-file = %s\n' "$STATE" "$DEAD" "$HOST" "$SCRATCH/mx.tlsa"
} >"$CONF/$LINE.conf"
OWNER=_$DEAD._tcp.$HOST
exits 0 'a line is set up' init
run check --json
is 'nobody serves it' "$(of '[.owners[0].findings[] | select(.severity == "error").code] | sort | join(" ")') $STATUS" \
	'connection-refused 1'
serve line "$DEAD" -cert "$LIVE/cert.pem" -key "$LIVE/key.pem"
run cron
run check --json
is 'it is served, and its record is nowhere' "$(of '[.owners[0].findings[] | select(.severity == "error").code] | sort | join(" ")') $STATUS" \
	'record-missing 1'
publish "$(cat "$SCRATCH/mx.tlsa")"
run cron
before=$(find "$STATE" -printf '%p %T@ %s\n' | sort)
exits 0 'it is served and published' check --json
is '... the live keyset, the current certificate' \
	"$(of '.owners[0].endpoints[] | select(.keyset) | .keyset + " " + (.certificate_current | tostring)')" 'live true'
is '... of that line' "$(of '.owners[0].line')" "$LINE"
is '... and nothing is changed on disk' "$(find "$STATE" -printf '%p %T@ %s\n' | sort)" "$before"
exits 0 'by a plug-in' check --nagios
like '... with the name of the line' "$OUT" "\| '$LINE cert'=[0-9]+s;1209600:;259200:$"
run renew
run check --json
is 'renewed, and not reloaded' "$(codes) $(of '.owners[0].endpoints[] | select(.keyset) | .keyset + " " + (.certificate_current | tostring)') $STATUS" \
	'store-old-certificate live false 1'
# about DATA: the severity and the text of what is said of a record
about() {
	of "[.owners[0].findings[] | select(.text | startswith(\"${1:0:18}...\"))][] | .severity + \" \" + .code + \": \" + .text"
}
LIVE_DATA="3 1 1 $(openssl x509 -in "$LIVE/cert.pem" -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum | cut -d ' ' -f 1)"
run roll "$LINE"
publish "$(cat "$SCRATCH/mx.tlsa")"
run cron
STAGED_DATA="3 1 1 $(openssl x509 -in "$LINE_DIR/staging/cert.pem" -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum | cut -d ' ' -f 1)"
run check --json
like 'the record of a staged key' "$(about "$STAGED_DATA")" \
	"^note record-unserved: .*, the record of the staged key \(generation $(generation staging)\), matches nothing"
run check --owner "$OWNER" --json
like '... also if only the owner is asked for' "$(about "$STAGED_DATA")" 'the record of the staged key'
run roll --emergency --force "$LINE"
run check --json
like 'it is live, and the server was not reloaded' "$(about "$STAGED_DATA")" \
	"^note record-unserved: .*, the record of the live key \(generation $(generation live)\), matches nothing"
like '... so that the old records stay' "$(of '.owners[0].findings[] | select(.code == "store-retired-served").text')" \
	'the records of that key stay until every server presents the live key$'
check_not '... and nothing is to be removed' grep -q 'remove' <<<"$OUT"
stop "$PID"
serve line "$DEAD" -cert "$LIVE/cert.pem" -key "$LIVE/key.pem"
run check --json
like 'reloaded: the record of the key before' "$(about "$LIVE_DATA")" \
	'^note record-unserved: .*, the record of the replaced key \(generation [0-9]+\), matches nothing'
stop "$PID"
serve stranger "$DEAD" -cert "$CERTS/ec.pem" -key "$CERTS/ec.key"
run check --json
is 'a key of somebody else' "$(codes) $STATUS" 'no-match refused store-unknown-key 1'
stop "$PID"

printf '[endpoints]\nstarttls = %s smtp\n' "$DEAD" >>"$CONF/$LINE.conf"
run check --owner "$OWNER" --json
is 'how the line with the owner looks at it' "$(of '.owners[0] | .starttls + " " + (.line | tostring)')" 'smtp null'
run check --owner "$OWNER" --starttls imap --json
is '... unless it is said otherwise' "$(of '.owners[0].starttls')" imap
sed "s/^issuer.*/issuer = acme/; /^owners/d; /^include/d; /^.endpoints/,\$d" "$CONF/$LINE.conf" >"$CONF/web.conf"
printf '[acme]\nca = https://127.0.0.1:%s/directory\nagree-tos = yes\nchallenge-dir = %s\n' "$MUTE" "$SCRATCH" >>"$CONF/web.conf"
run check web --json
is 'a CA that cannot be asked about CAA, of a line that is new' \
	"$(of '.lines[0] | .line + " " + ([.findings[].code] | join(" "))') $STATUS" 'web line-new caa-unknown no-owners 1'
like '... with no servers' "$OUT" 'no server is looked at'
printf '[endpoints]\nservers = %s:%s\n' "$HOST" "$GREET" >>"$CONF/web.conf"
run check web
like 'a line without owners, and with servers' "$(tr -s ' \n' ' ' <<<"$OUT")" 'no-owners: the line has no owners, so that its servers are compared with no records'

sed "s/^owners.*/owners = _$GREET._tcp.$HOST/; s/^include.*/include-file = ${SCRATCH//\//\\/}\/greet.tlsa/; /^.endpoints/,\$d" \
	"$CONF/$LINE.conf" >"$CONF/greet.conf"
run init greet
like 'a run that acts says, too, how to begin with TLS' "$ERR" \
	"\"220 mail.example.test ESMTP\"; it speaks smtp: \[endpoints\] starttls = $GREET smtp, or check --starttls smtp\$"

# --- at a terminal ------------------------------------------------------------------------------------

# at_terminal ARGUMENT...: what is drawn there while something is waited for
at_terminal() {
	RAW=$(CERTLINE_CONFIG='' "$TOP/tests/system/lab/terminal.py" 80 "$PROGRAM" check --resolver "${RESOLVER:-127.0.0.131:$WORLD_PORT}" \
		--port "$WORLD_PORT" --trust-anchor "$WORLD/root.key" "$@" | tr '\r' '\n' | sed 's/\x1b\[K/<erase>/g')
}
at_terminal --owner "$SINGLE" --owner "$BOTH" --connect "127.0.0.80:$MUTE"
like 'who says nothing is waited for, which is shown' "$RAW" \
	"^<erase>$SINGLE and 1 more: looking at servers [0-9]+ s "
like '... and gone before the results' "$(grep -v 'looking at' <<<"$RAW")" "^<erase>.*$SINGLE: "

# --- Postfix -------------------------------------------------------------------------------------------

if [ "$(id -u)" = 0 ] && command -v postfix >/dev/null; then
	postfix_files
	postfix_start
	publish "_$SMTP._tcp.mail TLSA 3 1 1 $(openssl x509 -in "$LIVE/cert.pem" -noout -pubkey |
		openssl pkey -pubin -outform DER | sha256sum | cut -d ' ' -f 1)" 'd MX 10 mail' \
		"_25._tcp.mail TLSA 3 1 1 $WORLD_DIGEST"
	look --owner "_$SMTP._tcp.$HOST" --connect "127.0.0.1:$SMTP" --starttls smtp --json
	diagnosis accepts '' 'Postfix by STARTTLS'
	look --mx d.example.test --connect "127.0.0.1:$SMTP" --json
	is 'a mail domain whose host has a wrong record' "$(of '.domains[0].verdict') $(codes) $STATUS" 'refuses no-match refused 1'
else
	skip 'Postfix by STARTTLS' 'needs root and Postfix'
fi
finish
