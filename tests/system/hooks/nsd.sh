#!/bin/bash
# nsd.sh - nsd-reload with a real nsd, and a second one as its secondary, which only a raised serial
# moves to fetch the zone.
# shellcheck disable=SC2016,SC2034 source=/dev/null
. "$(dirname "$0")/../lib.sh" || exit 1
need_programs nsd nsd-control nsd-checkzone dig flock openssl

DIR=$SCRATCH/nsd
SECOND=$SCRATCH/nsd2
mkdir -p "$DIR" "$SECOND"
free_port; DNS=$PORT
free_port; DNS2=$PORT

# configuration FOLDER PORT ZONE-LINES
configuration() {
	cat <<-END_OF_CONF
	server:
	  ip-address: 127.0.0.1@$2
	  username: ""
	  chroot: ""
	  zonesdir: "$1"
	  database: ""
	  pidfile: "$1/nsd.pid"
	  xfrdfile: "$1/xfrd.state"
	  xfrdir: "$1"
	  zonelistfile: "$1/zone.list"
	  logfile: "$1/nsd.log"
	  server-count: 1
	  xfrd-reload-timeout: 0
	  rrl-ratelimit: 0
	remote-control:
	  control-enable: yes
	  control-interface: $1/ctl.sock
	zone:
	  name: "plain.test"
	$3
	END_OF_CONF
}
configuration "$DIR" "$DNS" "  zonefile: plain.db
  notify: 127.0.0.1@$DNS2 NOKEY
  provide-xfr: 127.0.0.1 NOKEY" >"$DIR/nsd.conf"
configuration "$SECOND" "$DNS2" "  zonefile: plain.bak
  allow-notify: 127.0.0.1 NOKEY
  request-xfr: AXFR 127.0.0.1@$DNS NOKEY" >"$SECOND/nsd.conf"
cat >"$DIR/plain.db" <<END_OF_ZONE
\$TTL 60
@	IN SOA ns1 hostmaster ( 4100 3600 600 864000 30 )
@	NS ns1
ns1	A 127.0.0.1
\$INCLUDE plain.inc
END_OF_ZONE

new_generation 1
new_generation 2
go_live 1
OWNER=_25._tcp.mx.plain.test
records $OWNER. 1 >"$DIR/plain.inc"
serial() { sed -n 's/.*( \([0-9]*\) .*/\1/p' "$DIR/plain.db"; }
second_serves() { DNS=$DNS2 serves "$@"; }

start nsd nsd -d -c "$DIR/nsd.conf"
NSD_PID=$PID
check 'nsd serves the zone' within 10 serves $OWNER 1 || note "$(cat "$DIR/nsd.log")"
start nsd2 nsd -d -c "$SECOND/nsd.conf"
check 'and so does a secondary' within 10 second_serves $OWNER 1 || note "$(cat "$SECOND/nsd.log")"

OPTIONS=(--control-conf "$DIR/nsd.conf" --port "$DNS" --dir "$DIR")
INCLUDE=$DIR/plain.inc
OWNERS=$OWNER

# What the serial is raised for.
records $OWNER. 1 2 >"$DIR/plain.inc"
touch "$DIR/plain.db"
nsd-control -c "$DIR/nsd.conf" reload plain.test >"$SCRATCH/said"
check 'without a higher serial a reload is enough for the primary' within 5 serves $OWNER 1 2
sleep 0.5
check '... but the secondary keeps the old set' second_serves $OWNER 1
hook_exits 0 'the hook succeeds' nsd-reload "${OPTIONS[@]}" plain.test plain.db
check '... both records are served' serves $OWNER 1 2
check '... by the secondary too' within 5 second_serves $OWNER 1 2
is '... under the next serial' "$(serial)" 4101

# Once more.
before=$(sed 's/( [0-9]* /( /' "$DIR/plain.db")
hook_exits 0 'a second run succeeds' nsd-reload "${OPTIONS[@]}" plain.test "$DIR/plain.db"
check '... and changes no record' serves $OWNER 1 2
is '... and nothing in the file but the serial' "$(sed 's/( [0-9]* /( /' "$DIR/plain.db")" "$before"
records $OWNER. 2 >"$DIR/plain.inc"
hook_exits 0 'a record that has left the include file' nsd-reload "${OPTIONS[@]}" plain.test plain.db
check '... leaves the zone' serves $OWNER 2
check '... and the secondary' within 5 second_serves $OWNER 2

# refused TEXT PATTERN: exit 1, says why, the zone file and what is served stay
refused() {
	local before
	before=$(cat "$DIR/plain.db")
	hook_exits 1 "$1: exit 1" nsd-reload "${OPTIONS[@]}" plain.test plain.db
	like "$1: says why" "$SAID" "$2"
	is "$1: the zone file is as it was" "$(cat "$DIR/plain.db")" "$before"
	check "$1: the server answers as before" serves $OWNER 2
}
: >"$DIR/plain.inc"
refused 'an include file without records' "plain.inc has no TLSA record for $OWNER"
{ records $OWNER. 2; echo 'x IN TLSA 3 1'; } >"$DIR/plain.inc"
refused 'an include file with an error' 'nsd-checkzone refuses it: .*plain.inc:'
records $OWNER. 2 >"$DIR/plain.inc"
good=$(cat "$DIR/plain.db")
echo 'www A 127.0.0' >>"$DIR/plain.db"
refused 'a zone file with an error' 'nsd-checkzone refuses it: .*plain.db:6'
printf '%s\n' "$good" | sed 's/( [0-9]* /( 7 /' >"$DIR/plain.db"
hook_exits 0 'a zone file whose serial is below the loaded one' nsd-reload "${OPTIONS[@]}" plain.test plain.db
is '... gets one above it' "$(serial)" 4104

cp "$DIR/plain.db" "$DIR/other.db"
hook_exits 1 'a file that nsd does not read' nsd-reload "${OPTIONS[@]}" --wait 1 plain.test other.db
like '... is named' "$SAID" 'does not answer with the serial 4105 of .*other.db .it has 4104'
sed -i 's/^\$INCLUDE.*//' "$DIR/plain.db"
records $OWNER. 1 2 >"$DIR/plain.inc"
hook_exits 1 'a zone file that does not include the file' nsd-reload "${OPTIONS[@]}" --wait 1 plain.test plain.db
like '... is named' "$SAID" "does not answer with $OWNER TLSA .*plain.db have a line .INCLUDE"
echo '$INCLUDE plain.inc' >>"$DIR/plain.db"
hook_exits 1 'a zone that nsd does not have' nsd-reload "${OPTIONS[@]}" other.test plain.db
like '... is named' "$SAID" 'other.test: nsd-control cannot ask'
hook_exits 2 'no zone file: exit 2' nsd-reload "${OPTIONS[@]}" plain.test
hook_exits 0 'put right, it succeeds' nsd-reload "${OPTIONS[@]}" plain.test plain.db
check '... and serves both records' serves $OWNER 1 2

protocol nsd-reload plain.test /nonexistent

stop "$NSD_PID"
before=$(serial)
hook_exits 1 'nsd does not run' nsd-reload "${OPTIONS[@]}" plain.test plain.db
like '... says so' "$SAID" 'nsd-control cannot ask'
is '... and the serial stays' "$(serial)" "$before"
finish
