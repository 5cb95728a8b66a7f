#!/bin/bash
# held_dns.sh - a new owner whose server has another key, with records in real zones: an update leaves it alone, what
# name servers say of it holds no key, and it gets its records when its server has the key.  In real time.
#
# shellcheck disable=SC2016,SC2034,SC2153,SC2154 source=/dev/null

. "$(dirname "$0")/lib.sh" || exit 1
. "$TOP/tests/system/lab/line.sh"
. "$TOP/tests/system/lab/world.sh"
need_programs named rndc nsd nsd-control knotd knotc keymgr unbound unbound-control dig nsupdate dnssec-keygen \
	dnssec-signzone openssl jq

TTL=4
WORLD_TTL=$TTL
world_make
verdict $? 'the world is made' || finish
world_start
verdict $? 'the world runs' || finish

free_port; OLD_PORT=$PORT
free_port; NEW_PORT=$PORT
OLD=_$OLD_PORT._tcp.mx.example.test
NEW=_$NEW_PORT._tcp.mx.example.test
foreign_keys "$SCRATCH/foreign"

# conf OWNER...
conf() {
	cat >"$CONF/$LINE.conf" <<-END
		domains = mx.example.test
		issuer = self
		[timing]
		staging = 0s
		retire-after = 1s
		rollback-window = 0s
		[hooks]
		post-certchange = /bin/true
		[dane]
		owners = $*
		verify = servers
		ttl = ${TTL}s
		[endpoints]
		servers =
		$(printf '  %s none 127.0.0.1\n' "$@")
		[dns]
		$(world_dns_conf)
		margin = 2s
		old-ttls = 0
		ttl-floor = 1s
		assume-ttl = ${TTL}s
		confirm = 2
		confirm-over = 1s
		signature-left = 1m
		[update]
		keys = $WORLD/tlsa-sha256.key
		servers = example.test 127.0.0.1:$WORLD_PORT
		[dirs]
		state = $STATE
	END
}

digest() { openssl x509 -in "$1/cert.pem" -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum | cut -d' ' -f1; }
published() { world_served pri "$1" | wc -l; }
# does_within SECONDS COMMAND...: cron, until that is true
does_within() {
	local until=$((SECONDS + $1))
	shift
	while [ "$SECONDS" -le "$until" ]; do
		world_lagsync >/dev/null             # the slow secondary is no business of this test
		run cron
		"$@" && return
		sleep 0.5
	done
	return 1
}
is_live() { [ "$(generation live)" = "$1" ]; }
quiet_run() { [ "$STATUS" = 0 ]; }
has() { [ "$(published "$1")" = "$2" ]; }

conf "$OLD"
run init -q
present_keys old "$OLD_PORT" "$LIVE"
check 'one owner is published when its server has the key' does_within 10 has "$OLD" 1

# somebody else's record stands at the new one
world_update example.test tlsa-sha256 <<<"update add $NEW $TTL TLSA 3 1 1 $(digest "$SCRATCH/foreign")"
check 'the new owner has a record of its own' within 5 has "$NEW" 1
conf "$OLD" "$NEW"
present_keys new "$NEW_PORT" "$SCRATCH/foreign"
run cron
is 'its server has another key: a fault' "$STATUS" 1
like 'it is named' "$OUT$ERR" "$NEW at 127\.0\.0\.1:$NEW_PORT presents a key that is not of this line: let the server"
check_not 'and clients are not said to refuse anybody' grep -q 'DANE clients refuse' <<<"$OUT$ERR"
is 'its record is left alone' "$(world_served pri "$NEW" | tr '[:upper:]' '[:lower:]')" "3 1 1 $(digest "$SCRATCH/foreign")"

run roll
check 'a rollover goes on, by proof of what name servers show' does_within 30 is_live 2
present_keys old "$OLD_PORT" "$LIVE"
check 'and comes to its end' does_within 20 has "$OLD" 1
run roll --emergency "$LINE"
check 'an emergency, too' does_within 20 is_live 3
present_keys old "$OLD_PORT" "$LIVE"
check 'to its end' does_within 20 has "$OLD" 1
is 'the record of the new owner was never touched' "$(world_served pri "$NEW" | tr '[:upper:]' '[:lower:]')" "3 1 1 $(digest "$SCRATCH/foreign")"

present_keys new "$NEW_PORT" "$LIVE"
check 'with the live key at its server it gets its record' does_within 10 has "$NEW" 2
like 'of that key' "$(world_served pri "$NEW" | tr '[:upper:]' '[:lower:]')" "$(digest "$LIVE")"
world_update example.test tlsa-sha256 <<<"update delete $NEW TLSA 3 1 1 $(digest "$SCRATCH/foreign")"
check 'and all is well' does_within 20 quiet_run
stop "${SERVER_PID[old]}"
stop "${SERVER_PID[new]}"
finish
