#!/bin/bash
# knot.sh - knot-reload with a real knotd, for each way to load a zone file, signed and not.
# shellcheck disable=SC2016,SC2034 source=/dev/null
. "$(dirname "$0")/../lib.sh" || exit 1
need_programs knotd knotc dig flock openssl

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
template:
  - id: default
    storage: "$DIR"
    zonefile-sync: -1
    journal-content: all
  - id: follow
    storage: "$DIR"
    zonefile-sync: -1
    journal-content: all
    zonefile-load: difference-no-serial
  - id: unread
    storage: "$DIR"
    zonefile-load: none
    zonefile-sync: -1
    journal-content: all
zone:
  - domain: plain.test
  - domain: follow.test
    template: follow
  - domain: difference.test
    zonefile-load: difference
  - domain: signed.test
    dnssec-signing: on
    dnssec-policy: quick
  - domain: both.test
    template: follow
    dnssec-signing: on
    dnssec-policy: quick
  - domain: unread.test
    template: unread
END_OF_CONF
ZONES='plain follow difference signed both'

new_generation 1
new_generation 2
go_live 1
for zone in $ZONES; do
	printf '$TTL 60\n@ IN SOA ns1 h (\n\t4100 ; serial\n\t3600 600 864000 30 )\n@ NS ns1\nns1 A 127.0.0.1\n$INCLUDE %s.inc\n' \
		"$zone" >"$DIR/$zone.test.zone"
	records "_25._tcp.mx.$zone.test." 1 >"$DIR/$zone.inc"
done
serial() { awk '/; serial/ { print $1 }' "$DIR/$1.test.zone"; }
served_serial() { ask "$1.test" SOA | awk '$4 == "SOA" { print $7 }'; }
signed() { ask "_25._tcp.mx.$1.test" TLSA +dnssec | grep -q 'RRSIG.TLSA'; }

start knotd knotd -c "$DIR/knot.conf"
KNOT_PID=$PID
check 'knotd serves the signed zone' within 10 signed both || note "$(cat "$DIR/knot.log" "$SCRATCH/knotd.log")"
check 'and another' within 10 signed signed
within 10 serves _25._tcp.mx.plain.test 1

OPTIONS=(--control-conf "$DIR/knot.conf" --port "$DNS" --dir "$DIR")
use() { # ZONE: the line's include file and owners
	INCLUDE=$DIR/$1.inc
	OWNERS=_25._tcp.mx.$1.test
}

# What the serial is raised for: knotd loads the new records under the old serial.
use plain
records "$OWNERS." 1 2 >"$INCLUDE"
hook_exits 1 'zonefile-load: whole, no signatures, no zone file named: refused' knot-reload "${OPTIONS[@]}" plain.test
like '... says why' "$SAID" 'under the old serial .*name the zone file'
check '... nothing is reloaded' serves "$OWNERS" 1
hook_exits 0 'with the zone file it succeeds' knot-reload "${OPTIONS[@]}" Plain.test. plain.test.zone
check '... both records are served' serves "$OWNERS" 1 2
is '... under the next serial' "$(served_serial plain)" 4101
is '... which is in the zone file' "$(serial plain)" 4101

for zone in follow difference signed both; do
	use "$zone"
	before=$(served_serial "$zone")
	records "$OWNERS." 1 2 >"$INCLUDE"
	hook_exits 0 "$zone.test: the hook succeeds" knot-reload "${OPTIONS[@]}" "$zone.test" "$DIR/$zone.test.zone"
	check '... both records are served' serves "$OWNERS" 1 2
	is '... under a higher serial' $(($(served_serial "$zone") > before)) 1
	is '... of knotd, the one in the zone file stays' "$(serial "$zone")" 4100
	hook_exits 0 '... a second run, without the zone file' knot-reload "${OPTIONS[@]}" "$zone.test"
	check '... changes nothing' serves "$OWNERS" 1 2
	records "$OWNERS." 2 >"$INCLUDE"
	hook_exits 0 '... a record that has left the include file' knot-reload "${OPTIONS[@]}" "$zone.test"
	check '... leaves the zone' serves "$OWNERS" 2
done
check 'signed zones are signed' signed signed
check 'and with difference-no-serial' signed both

# refused TEXT PATTERN: exit 1, says why, the zone file and what is served stay
use plain
refused() {
	local before
	before=$(cat "$DIR/plain.test.zone")
	hook_exits 1 "$1: exit 1" knot-reload "${OPTIONS[@]}" plain.test plain.test.zone
	like "$1: says why" "$SAID" "$2"
	is "$1: the zone file is as it was" "$(cat "$DIR/plain.test.zone")" "$before"
	check "$1: the server answers as before" serves "$OWNERS" 1 2
}
: >"$INCLUDE"
refused 'an include file without records' "plain.inc has no TLSA record for $OWNERS"
{ records "$OWNERS." 1 2; echo 'x IN TLSA 3 1'; } >"$INCLUDE"
refused 'an include file with an error' 'zone-check refuses it: .*plain.inc., line 3'
records "$OWNERS." 1 2 >"$INCLUDE"
good=$(cat "$DIR/plain.test.zone")
echo 'www A 127.0.0' >>"$DIR/plain.test.zone"
refused 'a zone file with an error' 'zone-check refuses it: .*plain.test.zone'
printf '%s\n' "$good" | sed 's/4101/7/' >"$DIR/plain.test.zone"
hook_exits 0 'a zone file whose serial is below the loaded one' knot-reload "${OPTIONS[@]}" plain.test plain.test.zone
is '... gets one above it' "$(serial plain)" 4102

cp "$DIR/plain.test.zone" "$DIR/other.zone"
hook_exits 1 'a file that knotd does not read' knot-reload "${OPTIONS[@]}" --wait 1 plain.test other.zone
like '... is named' "$SAID" 'does not answer with the serial 4103 of .*other.zone'
use follow
sed -i 's/^\$INCLUDE.*//' "$DIR/follow.test.zone"
hook_exits 1 'a zone file that does not include the file' knot-reload "${OPTIONS[@]}" --wait 1 follow.test
like '... is named' "$SAID" "does not answer with $OWNERS TLSA .*the zone file have a line .INCLUDE"
hook_exits 1 'a zone whose file is not read' knot-reload "${OPTIONS[@]}" unread.test
like '... is named' "$SAID" 'unread.test: .*zonefile-load: none'
hook_exits 1 'a zone that knotd does not have' knot-reload "${OPTIONS[@]}" other.test
like '... is named' "$SAID" 'other.test: knotc cannot ask knotd for it: .*no such zone'

# A host with Knot's own tools only.
if command -v kdig >/dev/null && unshare -m true 2>/dev/null; then
	use plain
	records "$OWNERS." 1 >"$INCLUDE"
	run_hook unshare -m sh -c 'mount --bind /dev/null "$(command -v dig)" && exec "$@"' sh \
		"$TOP/hooks/knot-reload" "$EVENT" "$LINE" "${OPTIONS[@]}" plain.test plain.test.zone
	is 'kdig does where there is no dig' "$STATUS" 0 || note "$SAID"
	check '... and the record is served' serves "$OWNERS" 1
else
	note 'without kdig, or not root: the test without dig was left out'
fi

protocol knot-reload plain.test

stop "$KNOT_PID"
before=$(serial plain)
hook_exits 1 'knotd does not run' knot-reload "${OPTIONS[@]}" plain.test plain.test.zone
like '... says so' "$SAID" 'knotc cannot ask knotd'
is '... and the serial stays' "$(serial plain)" "$before"
finish
