#!/bin/bash
# knot-zone-set.sh - knot-zone-set with a real knotd, zones signed and not, and those that it must refuse;
# and with certline itself, two lines at one owner.
# usage: tests/system/hooks/knot-zone-set.sh [PROGRAM]
# shellcheck disable=SC2034 source=/dev/null
. "$(dirname "$0")/../lib.sh" || exit 1
need_programs knotd knotc dig jq openssl
PROGRAM=$(realpath "${1:-$TOP/build/certline}")

DIR=$SCRATCH/knot
mkdir -p "$DIR"
free_port; DNS=$PORT
cat >"$DIR/knot.conf" <<END_OF_CONF
server:
    rundir: "$DIR"
    listen: 127.0.0.1@$DNS
    udp-workers: 1
    tcp-workers: 1
    background-workers: 2
control:
    listen: "$DIR/knot.sock"
log:
  - target: "$DIR/knot.log"
    any: info
database:
    storage: "$DIR"
policy:
  - id: quick
    algorithm: ecdsap256sha256
    single-type-signing: on
remote:
  - id: elsewhere
    address: 127.0.0.1@1
template:
  - id: default
    storage: "$DIR"
  - id: follow
    storage: "$DIR"
    zonefile-sync: -1
    journal-content: all
    zonefile-load: difference-no-serial
zone:
  - domain: plain.test
  - domain: signed.test
    dnssec-signing: on
    dnssec-policy: quick
  - domain: sub.signed.test
  - domain: follow.test
    template: follow
  - domain: difference.test
    zonefile-load: difference
    journal-content: all
  - domain: unsynced.test
    zonefile-sync: -1
  - domain: second.test
    master: elsewhere
END_OF_CONF

for zone in plain signed sub.signed follow difference unsynced second; do
	cat >"$DIR/$zone.test.zone" <<-END_OF_ZONE
		\$TTL 60
		@ SOA ns1 h 4100 3600 600 864000 30
		@ NS ns1
		ns1 A 127.0.0.1
		gone NS ns1
		_25._tcp.alias CNAME ns1
	END_OF_ZONE
done

. "$TOP/tests/system/lab/keys.sh"
run_hook() {
	SAID=$(cd / && env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/ LANG=C "CERTLINE=$SCRATCH/certline" \
		"CERTLINE_STATE=$STATE" "CERTLINE_DIR=$LINE_DIR" "CERTLINE_OWNERS=$OWNERS" \
		timeout 60 "$@" 2>&1 <<<'{"version": 1}')
	STATUS=$?
}

control() { knotc -c "$DIR/knot.conf" "$@"; }
serial() { ask "$1" SOA | awk '$4 == "SOA" { print $7 }'; }
signed() { ask "$1" TLSA +dnssec | grep -q 'RRSIG.TLSA'; }
# rrset OWNER: what is served, in one spelling
rrset() { ask "$1" TLSA +nosplit | awk '$4 == "TLSA" { print $2, $5, $6, $7, $8 }' | sort; }
# no_transaction ZONE: none is left open
no_transaction() { control zone-begin "$1" >/dev/null 2>&1 && control zone-abort "$1" >/dev/null; }

start knotd knotd -c "$DIR/knot.conf"
KNOT_PID=$PID
MX=_25._tcp.mx.signed.test
all_loaded() { [ -n "$(serial plain.test)" ] && [ -n "$(serial sub.signed.test)" ] && [ "0$(serial signed.test)" -gt 4100 ]; }
check 'knotd serves' within 10 all_loaded || note "$(cat "$DIR/knot.log" "$SCRATCH/knotd.log")"
OPTIONS=(--control-conf "$DIR/knot.conf" --port "$DNS")

# --- publish, replace, retire ---
OWNERS="$MX _443._tcp.mx.signed.test _25._tcp.mx.sub.signed.test *._tcp.all.plain.test"
wants 1
before=$(serial signed.test)
hook_exits 0 'the first records of four owners in three zones' knot-zone-set "${OPTIONS[@]}"
for owner in $OWNERS; do
	check "... $owner" serves "$owner" 1
done
is '... one transaction a zone' "$(grep -c "signed.test.* command 'zone-commit'" "$DIR/knot.log") $(
	grep -c "plain.test.* command 'zone-commit'" "$DIR/knot.log")" '2 1'
is '... one serial more' "$(serial signed.test)" $((before + 1))
check '... signed' signed "$MX"
check '... in the child zone, not in its parent' grep -q '_25._tcp.mx' "$DIR/sub.signed.test.zone"

OWNERS="$MX _443._tcp.mx.signed.test"
wants 1 2
hook_exits 0 'a second key, zone given' knot-zone-set "${OPTIONS[@]}" Signed.Test.
check '... both records' serves "$MX" 1 2
check '... at both owners' serves _443._tcp.mx.signed.test 1 2
before=$(serial signed.test)
hook_exits 0 'a second run' knot-zone-set "${OPTIONS[@]}"
is '... changes nothing' "$(serial signed.test)" "$before"
check '... leaves no transaction open' no_transaction signed.test

FOREIGN="3 1 1 $(digest 1 | rev)"
TA="2 0 1 $(digest 2)"
control zone-begin signed.test >/dev/null
control zone-set signed.test "$MX." 60 TLSA "$FOREIGN" >/dev/null
control zone-set signed.test "$MX." 60 TLSA "$TA" >/dev/null
control zone-commit signed.test >/dev/null
before=$(serial signed.test)
hook_exits 0 'with records of others' knot-zone-set "${OPTIONS[@]}"
is '... nothing is changed' "$(serial signed.test)" "$before"
wants 2
hook_exits 0 'the old record goes' knot-zone-set "${OPTIONS[@]}"
is '... those of others stay' "$(rrset "$MX")" "$(printf '60 %s\n' "$TA" "$FOREIGN" "3 1 1 $(digest 2)" | sort)"
check '... and signatures' signed "$MX"
TTL=120
wants 2 3
hook_exits 0 'another TTL and another key' knot-zone-set "${OPTIONS[@]}"
is '... for the whole set' "$(rrset "$MX")" \
	"$(printf '120 %s\n' "$TA" "$FOREIGN" "3 1 1 $(digest 2)" "3 1 1 $(digest 3)" | sort)"
hook_exits 0 '--foreign remove' knot-zone-set "${OPTIONS[@]}" --foreign remove
check '... takes those of others' serves "$MX" 2 3

control -b zone-reload signed.test >/dev/null
check 'a reload keeps the records' serves "$MX" 2 3
stop "$KNOT_PID"
start knotd knotd -c "$DIR/knot.conf"
KNOT_PID=$PID
check 'a restart too' within 10 serves "$MX" 2 3
within 5 serves _25._tcp.mx.sub.signed.test 1

# --- what is refused, and changes nothing ---
# refused TEXT PATTERN ARGUMENT...
refused() {
	local before
	before=$(serial signed.test)
	hook_exits 1 "$1: exit 1" knot-zone-set "${OPTIONS[@]}" --wait 1 "${@:3}"
	like '... says why' "$SAID" "$2"
	is '... nothing is changed' "$(serial signed.test)" "$before"
}
wants 1 2
TTL=60
refused 'a zone in which no owner lies' 'no owner of the line lies in plain.test' plain.test
refused 'a port where nobody answers' 'port 1 gives no answer' --port 1
OWNERS=_25._tcp.mx.other.test
wants 1
refused 'no zone for the owner' "$OWNERS: the server has no zone"
refused 'a zone that knotd does not have' 'other.test: knotc cannot ask .*no such zone' other.test
for zone in follow difference; do
	OWNERS=_25._tcp.mx.$zone.test
	wants 1
	refused "zonefile-load of $zone.test" "$zone.test: .*zone-reload would drop .*zonefile-load: difference"
	is '... no record is there' "$(served "$OWNERS")" ''
done
OWNERS='_25._tcp.mx.follow.test _25._tcp.mx.plain.test'
wants 1
refused 'one zone of two' 'follow.test: .*would drop'
check '... the other one gets its records' serves _25._tcp.mx.plain.test 1
OWNERS=_25._tcp.mx.unsynced.test
wants 1
refused 'a zone file that is never written' 'zonefile-sync: -1'
OWNERS=_25._tcp.mx.second.test
wants 1
refused 'a secondary zone' 'another primary'
OWNERS="$MX _25._tcp.mx.gone.signed.test"
wants 1
refused 'an owner below a delegation' '_25._tcp.mx.gone.signed.test: lies below a delegation'
OWNERS="$MX _25._tcp.alias.signed.test"
wants 1
refused 'an alias at the second owner' '_25._tcp.alias.signed.test: is an alias'
check '... the first keeps what it had' serves "$MX" 2 3
check '... no transaction is open' no_transaction signed.test
OWNERS="$MX _443._tcp.mx.signed.test"
wants 1
jq '.records |= .[0:1]' "$SCRATCH/set.json" >"$SCRATCH/one.json"
mv "$SCRATCH/one.json" "$SCRATCH/set.json"
refused 'an owner for which nothing is wanted' '_443._tcp.mx.signed.test: certline wants no record there'
echo '{"version": 1, "records": []}' >"$SCRATCH/set.json"
refused 'no records at all' 'has no records'
wants 1
sed -i 's/"data": "../"data": "/' "$SCRATCH/set.json"
refused 'a digest that is too short' 'not a TLSA record'
rm "$SCRATCH/set.json"
refused 'certline fails' 'does not say which records'

cat >"$SCRATCH/set.json" <<<'{"version": 1, "records": []}'
before=$(serial signed.test)
for OWNERS in "\$(touch $SCRATCH/hit)" '_25._tcp.mx.signed.test;touch' '_25._tcp.mx\000.signed.test' '-_25._tcp.mx.signed.test' \
	'../_25._tcp.mx.signed.test' '_25._tcp.m"x.signed.test' '/*' "$MX @" $'_25._tcp.mx.signed.test\e[2J'; do
	hook_exits 1 "an owner with strange characters: exit 1" knot-zone-set "${OPTIONS[@]}"
	like '... says why' "$SAID" 'CERTLINE_OWNERS: .*not an owner'
done
is 'nothing is changed by them' "$(serial signed.test)" "$before"
check_not 'no owner was taken for a command' test -e "$SCRATCH/hit"
check_not '... and none is shown as it is' grep -q $'\e' <<<"$SAID"
OWNERS=
refused 'no owners' 'has no owners'

# --- somebody else's transaction ---
OWNERS=$MX
wants 1 2
control zone-begin signed.test >/dev/null
hook_exits 1 'another transaction is open: exit 1' knot-zone-set "${OPTIONS[@]}"
like '... says so' "$SAID" 'another transaction is open'
check '... and leaves it to its owner' eval 'control zone-abort signed.test >/dev/null'
hook_exits 0 'without it' knot-zone-set "${OPTIONS[@]}"
check '... it is done' serves "$MX" 1 2

# --- the hook is ended in the middle of the transaction ---
mkdir "$SCRATCH/bin"
cat >"$SCRATCH/bin/knotc" <<END_OF_PROGRAM
#!/bin/sh
case "\$*" in *zone-set*) : >"$SCRATCH/reached"; sleep 20 ;; esac
exec $(command -v knotc) "\$@"
END_OF_PROGRAM
chmod 755 "$SCRATCH/bin/knotc"
wants 2 3
setsid env -i "PATH=$SCRATCH/bin:$PATH" "CERTLINE=$SCRATCH/certline" "CERTLINE_STATE=$STATE" "CERTLINE_DIR=$LINE_DIR" \
	"CERTLINE_OWNERS=$OWNERS" "$TOP/hooks/knot-zone-set" "$EVENT" "$LINE" "${OPTIONS[@]}" >/dev/null 2>&1 </dev/null &
HOOK_PID=$!
check 'a hook in its transaction' within 5 test -e "$SCRATCH/reached"
kill -TERM -- "-$HOOK_PID"
check '... that is ended' within 5 gone "$HOOK_PID"
check '... ends its transaction too' within 5 no_transaction signed.test
check '... and has changed nothing' serves "$MX" 1 2

# --- the protocol ---
hook_exits 2 'an unknown option: exit 2' knot-zone-set --dir /tmp
like '... says how to call it' "$SAID" 'usage: knot-zone-set EVENT LINE'
hook_exits 2 'an option without its value: exit 2' knot-zone-set signed.test --port
hook_exits 2 'what is no zone: exit 2' knot-zone-set 'a b'
hook_exits 2 'what --foreign does not know: exit 2' knot-zone-set --foreign drop
EVENT=post-something
hook_exits 0 'an unknown event: exit 0' knot-zone-set "${OPTIONS[@]}"
is '... nothing is said' "$SAID" ''
hook_exits 0 'an unknown event without arguments: exit 0' knot-zone-set
EVENT=--help
hook_exits 0 '--help: exit 0' knot-zone-set
EVENT=post-keychange

# --- with certline itself: two lines at one owner, and the clock moved ---
[ -x "$PROGRAM" ] || need_programs "$PROGRAM"
OWNER=_25._tcp.two.signed.test
mkdir "$SCRATCH/conf"
printf 'issuer = self\n[dirs]\nstate = %s\n' "$SCRATCH/real" >"$SCRATCH/conf/certline.conf"
for own in one two; do
	cat >"$SCRATCH/conf/$own.conf" <<-END_OF_CONF
		domains = $own.signed.test
		[hooks]
		post-certchange = /bin/true
		post-keychange = $TOP/hooks/knot-zone-set ${OPTIONS[*]}
		[dane]
		owners = $OWNER
		ttl = 1h
		verify = no
	END_OF_CONF
done
day() { SAID=$("$PROGRAM" -c "$SCRATCH/conf" --now "$(printf '2027-01-%02dT06:00:00Z' "$1")" "${@:2}" 2>&1) || note "$SAID"; }
data() { awk '{ print $2, $3, $4, tolower($5) }' | sort; }
# as_certline_says N: what is served is what `certline tlsa` says, N records, and the foreign one
as_certline_says() {
	local wanted
	wanted=$("$PROGRAM" -c "$SCRATCH/conf" tlsa | sed 's/.*TLSA //')
	[ "$(wc -l <<<"$wanted")" = "$1" ] || return
	[ "$(rrset "$OWNER" | data)" = "$(printf '%s\n' "$FOREIGN" "$wanted" | sed 's/^/x /' | data)" ]
}
control zone-begin signed.test >/dev/null
control zone-set signed.test "$OWNER." 60 TLSA "$FOREIGN" >/dev/null
control zone-commit signed.test >/dev/null
day 1 init
check 'certline init of two lines at one owner' as_certline_says 2
day 2 roll one
check '... a new key of one of them' as_certline_says 3
for n in 5 8 11 14 17 20; do
	day "$n" cron
done
check '... and its old one goes' as_certline_says 2
is '... it was rolled' "$(readlink "$SCRATCH/real/lines/one/live" "$SCRATCH/real/lines/two/live")" $'gen/000002\ngen/000001'

stop "$KNOT_PID"
hook_exits 1 'knotd does not run' knot-zone-set "${OPTIONS[@]}"
like '... says so' "$SAID" 'knotc cannot ask knotd'
finish
