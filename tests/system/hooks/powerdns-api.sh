#!/bin/bash
# powerdns-api.sh - powerdns-api with a real pdns_server on sqlite3, zones signed and not, and those that it
# must refuse.
# shellcheck disable=SC2034 source=/dev/null
. "$(dirname "$0")/../lib.sh" || exit 1
need_programs pdns_server pdnsutil sqlite3 curl dig jq openssl

DIR=$SCRATCH/pdns
DB=$DIR/pdns.sqlite3
mkdir -p "$DIR"
free_port; DNS=$PORT
free_port; API=$PORT
KEY=sesame-$RANDOM-$RANDOM
(umask 077; echo "$KEY" >"$DIR/key"; echo "not-$KEY" >"$DIR/wrong-key"; printf 'a\nb\n' >"$DIR/two-keys")
install -m 644 "$DIR/key" "$DIR/open-key"
cat >"$DIR/pdns.conf" <<END_OF_CONF
launch=gsqlite3
gsqlite3-database=$DB
gsqlite3-dnssec=yes
local-address=127.0.0.1
local-port=$DNS
socket-dir=$DIR
api=yes
api-key=$KEY
webserver=yes
webserver-address=127.0.0.1
webserver-port=$API
webserver-allow-from=127.0.0.1
webserver-loglevel=normal
loglevel=6
zone-cache-refresh-interval=0
security-poll-suffix=
disable-syslog=yes
receiver-threads=1
distributor-threads=1
END_OF_CONF

schema=
for file in /usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql /usr/share/doc/pdns-backend-sqlite3/schema.sqlite3.sql; do
	[ ! -r "$file" ] || schema=$file
done
[ -n "$schema" ] || need_programs 'pdns-backend-sqlite3(schema)'
{
	echo 'BEGIN;'
	cat "$schema"
	for zone in plain:NATIVE signed:MASTER sub.signed:NATIVE second:SLAVE unraised:MASTER; do
		name=${zone%:*}.test
		cat <<-END_OF_SQL
			INSERT INTO domains (name, type) VALUES ('$name', '${zone#*:}');
			INSERT INTO records (domain_id, name, type, content, ttl) SELECT id, '$name', 'SOA', 'ns1.$name h.$name 10 3600 600 864000 30', 60 FROM domains WHERE name = '$name';
			INSERT INTO records (domain_id, name, type, content, ttl) SELECT id, '$name', 'NS', 'ns1.$name', 60 FROM domains WHERE name = '$name';
			INSERT INTO records (domain_id, name, type, content, ttl) SELECT id, 'ns1.$name', 'A', '127.0.0.1', 60 FROM domains WHERE name = '$name';
			INSERT INTO records (domain_id, name, type, content, ttl) SELECT id, 'gone.$name', 'NS', 'ns1.$name', 60 FROM domains WHERE name = '$name';
			INSERT INTO records (domain_id, name, type, content, ttl) SELECT id, '_25._tcp.alias.$name', 'CNAME', 'ns1.$name', 60 FROM domains WHERE name = '$name';
		END_OF_SQL
	done
	echo "INSERT INTO domainmetadata (domain_id, kind, content) SELECT id, 'SOA-EDIT-API', 'INCREASE' FROM domains WHERE name = 'signed.test';"
	echo 'COMMIT;'
} | sqlite3 "$DB"
pdnsutil --config-dir="$DIR" secure-zone signed.test >/dev/null 2>&1

. "$TOP/tests/system/lab/keys.sh"
run_hook() {
	SAID=$(cd / && env -i PATH="${HOOK_PATH:-/usr/sbin:/usr/bin:/sbin:/bin}" HOME=/ LANG=C "CERTLINE=$SCRATCH/certline" \
		"CERTLINE_STATE=$STATE" "CERTLINE_DIR=$LINE_DIR" "CERTLINE_OWNERS=$OWNERS" \
		timeout 60 "$@" 2>&1 <<<'{"version": 1}')
	STATUS=$?
}

serial() { ask "$1" SOA | awk '$4 == "SOA" { print $7 }'; }
signed() { ask "$1" TLSA +dnssec | grep -q 'RRSIG.TLSA'; }
# rrset OWNER: what is served, in one spelling
rrset() { ask "$1" TLSA +nosplit | awk '$4 == "TLSA" { print $2, $5, $6, $7, $8 }' | sort; }
# by_hand ZONE JSON: what somebody else does with the API
by_hand() {
	curl -sS -f -H "X-API-Key: $KEY" -H 'Content-Type: application/json' -X PATCH -d "$2" \
		"http://127.0.0.1:$API/api/v1/servers/localhost/zones/$1"
}
requests() { grep -c "PATCH /api/v1/servers/localhost/zones/$1. HTTP" "$SCRATCH/pdns.log"; }
# stored OWNER: rows of the database
stored() { sqlite3 "$DB" "SELECT count(*) FROM records WHERE type = 'TLSA' AND name = '$1'"; }

start pdns pdns_server --config-dir="$DIR" --daemon=no --guardian=no --write-pid=no
PDNS_PID=$PID
all_loaded() { [ -n "$(serial plain.test)" ] && [ -n "$(serial signed.test)" ] && listens "$API"; }
check 'pdns_server answers' within 10 all_loaded || note "$(cat "$SCRATCH/pdns.log")"
MX=_25._tcp.mx.signed.test
OPTIONS=(--url "http://127.0.0.1:$API" --key-file "$DIR/key" --port "$DNS")

# --- publish, replace, retire ---
OWNERS="$MX _443._tcp.mx.signed.test _25._tcp.mx.sub.signed.test *._tcp.all.plain.test"
wants 1
before=$(serial signed.test)
hook_exits 0 'the first records of four owners in three zones' powerdns-api "${OPTIONS[@]}"
for owner in $OWNERS; do
	check "... $owner" serves "$owner" 1
done
is '... one request a zone' "$(requests signed.test) $(requests plain.test)" '1 1'
is '... one serial more' "$(serial signed.test)" $((before + 1))
check '... signed' signed "$MX"

OWNERS="$MX _443._tcp.mx.signed.test"
wants 1 2
hook_exits 0 'a second key, zone given' powerdns-api "${OPTIONS[@]}" Signed.Test.
check '... both records' serves "$MX" 1 2
check '... at both owners' serves _443._tcp.mx.signed.test 1 2
before=$(serial signed.test)
hook_exits 0 'a second run' powerdns-api "${OPTIONS[@]}"
is '... changes nothing' "$(serial signed.test)" "$before"
is '... and asks for no change' "$(requests signed.test)" 2

FOREIGN="3 1 1 $(digest 1 | rev)"
TA="2 0 1 $(digest 2)"
OFF="3 1 1 $(digest 2 | rev)"
by_hand signed.test "$(jq -n --arg o "$MX." --arg r "3 1 1 $(digest 1)" --arg s "3 1 1 $(digest 2)" --arg f "$FOREIGN" --arg t "$TA" --arg d "$OFF" \
	'{rrsets: [{name: $o, type: "TLSA", ttl: 60, changetype: "REPLACE", records:
		([$r, $s, $f, $t | {content: ., disabled: false}] + [{content: $d, disabled: true}])}]}')"
before=$(serial signed.test)
hook_exits 0 'with records of others' powerdns-api "${OPTIONS[@]}"
is '... nothing is changed' "$(serial signed.test)" "$before"
wants 2
hook_exits 0 'the old record goes' powerdns-api "${OPTIONS[@]}"
is '... those of others stay' "$(rrset "$MX")" "$(printf '60 %s\n' "$TA" "$FOREIGN" "3 1 1 $(digest 2)" | sort)"
is '... a disabled one too, disabled' "$(stored "$MX")" 4
check '... and signatures' signed "$MX"
TTL=120
wants 2 3
hook_exits 0 'another TTL and another key' powerdns-api "${OPTIONS[@]}"
is '... for the whole set' "$(rrset "$MX")" \
	"$(printf '120 %s\n' "$TA" "$FOREIGN" "3 1 1 $(digest 2)" "3 1 1 $(digest 3)" | sort)"
hook_exits 0 '--foreign remove' powerdns-api "${OPTIONS[@]}" --foreign remove
check '... takes those of others' serves "$MX" 2 3

# --- the key is seen by nobody ---
mkdir "$SCRATCH/bin"
cat >"$SCRATCH/bin/curl" <<END_OF_PROGRAM
#!/bin/sh
{ tr '\\0' ' ' </proc/\$\$/cmdline; tr '\\0' ' ' </proc/\$\$/environ; } >>"$SCRATCH/seen"
exec $(command -v curl) "\$@"
END_OF_PROGRAM
chmod 755 "$SCRATCH/bin/curl"
HOOK_PATH=$SCRATCH/bin:$PATH
hook_exits 0 'whoever looks at the processes' powerdns-api "${OPTIONS[@]}"
check '... sees the requests' grep -q zones/signed.test "$SCRATCH/seen"
check_not '... and not the key' grep -q "$KEY" "$SCRATCH/seen"
HOOK_PATH=

# --- what is refused, and changes nothing ---
# refused TEXT PATTERN ARGUMENT...
refused() {
	local before
	before=$(serial signed.test)
	hook_exits 1 "$1: exit 1" powerdns-api "${OPTIONS[@]}" --wait 1 "${@:3}"
	like '... says why' "$SAID" "$2"
	is '... nothing is changed' "$(serial signed.test)" "$before"
	check_not '... the key is not shown' grep -q "$KEY" <<<"$SAID"
}
TTL=60
wants 1 2
refused 'a wrong key' 'status 401: Unauthorized; is .*wrong-key the api-key' --key-file "$DIR/wrong-key"
refused 'a key file that is not there' 'missing: does not exist' --key-file "$DIR/missing"
refused 'a key file that others may read' 'others may read' --key-file "$DIR/open-key"
refused 'a key file of two lines' 'not one line' --key-file "$DIR/two-keys"
free_port
refused 'an API port where nobody listens' "127.0.0.1:$PORT: no answer: .*connect" --url "http://127.0.0.1:$PORT"
refused 'https where there is none' "no answer: .*SSL" --url "https://127.0.0.1:$API"
refused 'a DNS port where nobody answers' 'port 1 gives no answer' --port 1
refused 'a zone in which no owner lies' 'no owner of the line lies in plain.test' plain.test
for url in http://192.0.2.1:8081 http://127.0.0.1.example.org http://127.0.0.1:80@example.org "http://127.0.0.1:$API/a?b" \
	"http://127.0.0.1:$API -o /tmp/x" ftp://127.0.0.1 file:///etc/passwd http://localhost.example.org; do
	hook_exits 2 "$url: exit 2" powerdns-api "${OPTIONS[@]}" --url "$url"
	like '... says how to call it' "$SAID" 'usage: powerdns-api'
done
OWNERS=_25._tcp.mx.other.test
wants 1
refused 'no zone for the owner' "$OWNERS: the server has no zone"
refused 'a zone that the server does not have' 'other.test: the server has no such zone' other.test
OWNERS=_25._tcp.mx.second.test
wants 1
refused 'a secondary zone' 'another primary'
is '... no record is there' "$(stored "$OWNERS")" 0
OWNERS=_25._tcp.mx.unraised.test
wants 1
refused 'a primary zone whose serial is not raised' 'set-meta unraised.test SOA-EDIT-API'
is '... no record is there' "$(stored "$OWNERS")" 0
OWNERS="$MX _25._tcp.mx.gone.signed.test"
wants 1
refused 'an owner below a delegation' '_25._tcp.mx.gone.signed.test: lies below a delegation'
OWNERS="$MX _25._tcp.alias.signed.test"
wants 1
refused 'an alias at the second owner' 'signed.test: .* refused with status 422: .*onflicts with pre-existing RRset'
OWNERS="$MX _443._tcp.mx.signed.test"
wants 1
jq '.records |= .[0:1]' "$SCRATCH/set.json" >"$SCRATCH/one.json"
mv "$SCRATCH/one.json" "$SCRATCH/set.json"
refused 'an owner for which nothing is wanted' '_443._tcp.mx.signed.test: certline wants no record there'
rm "$SCRATCH/set.json"
refused 'certline fails' 'does not say which records'

cat >"$SCRATCH/set.json" <<<'{"version": 1, "records": []}'
before=$(serial signed.test)
for OWNERS in "\$(touch $SCRATCH/hit)" '_25._tcp.mx.signed.test&rrset_type=A' '_25._tcp.mx%2e.signed.test' \
	'../_25._tcp.mx.signed.test' '_25._tcp.m"x.signed.test' '/*' "$MX @" $'_25._tcp.mx.signed.test\e[2J'; do
	hook_exits 1 'an owner with strange characters: exit 1' powerdns-api "${OPTIONS[@]}"
	like '... says why' "$SAID" 'CERTLINE_OWNERS: .*not an owner'
done
check_not 'no owner was taken for a command' test -e "$SCRATCH/hit"
check_not '... and none is shown as it is' grep -q $'\e' <<<"$SAID"
is '... nothing is changed by them' "$(serial signed.test)" "$before"
OWNERS=$MX
wants 1 2

protocol powerdns-api "${OPTIONS[@]}" signed.test
hook_exits 2 'what is no zone: exit 2' powerdns-api "${OPTIONS[@]}" 'a b'
hook_exits 2 'what --foreign does not know: exit 2' powerdns-api "${OPTIONS[@]}" --foreign drop

stop "$PDNS_PID"
hook_exits 1 'the server does not run' powerdns-api "${OPTIONS[@]}"
like '... says so' "$SAID" "127.0.0.1:$API: no answer"
is 'nothing is left in TMPDIR' "$(find "${TMPDIR:-/tmp}" -maxdepth 1 -name 'tmp.*' -newer "$DIR/pdns.conf")" ''
finish
