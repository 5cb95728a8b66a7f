#!/bin/bash
# forged.sh - whoever forges what the resolver says, or answers in the place of a name server, gets no key
# promoted too early: zone cuts, name servers, addresses and keys that are not what they seem, and a way to a
# server that is none.  One name server lags all the while, and the staged key must wait for it.  The clock of
# the program is moved (--now), so that no test waits for a TTL.
#
# Runs in a network of its own where that can be had, so that an address can be out of reach.
# shellcheck disable=SC2034,SC2153,SC2154 source=/dev/null
OWN=(unshare --net)
[ "$(id -u)" -eq 0 ] || OWN=(unshare --user --map-root-user --net)
if [ "${1:-}" != alone ] && "${OWN[@]}" ip link set lo up 2>/dev/null; then
	exec "${OWN[@]}" "$0" alone
fi
[ "${1:-}" != alone ] || ip link set lo up
. "$(dirname "$0")/lib.sh" || exit 1
. "$TOP/tests/system/lab/line.sh"
. "$TOP/tests/system/lab/world.sh"
need_programs named rndc nsd nsd-control knotd knotc keymgr unbound dig dnssec-keygen dnssec-signzone python3 jq

MX=_25._tcp.mx.example.test
OWN_RESOLVER=127.0.0.133                # one that validates, and asks the liar
LIAR=127.0.0.132                        # the resolver, between certline and unbound
TWIN=127.0.0.124                        # second address of the slow secondary: shows what the primary has
FAR=198.51.100.7                        # third one, to which this host has no route, until a router comes

# conf [ROW]: the configuration of the line, which publishes by update; the row is one of [dns].
conf() {
	cat >"$CONF/$LINE.conf" <<-END
		domains = mx.example.test
		issuer = self
		[timing]
		staging = 1h
		retire-after = 1h
		[hooks]
		post-certchange = $SCRATCH/yes
		[dns]
		resolver = $LIAR:$WORLD_PORT
		port = $WORLD_PORT
		trust-anchor = $WORLD/root.key
		${1:-}
		[update]
		keys = $WORLD/tlsa-sha256.key
		servers = example.test 127.0.0.1:$WORLD_PORT
		[endpoints]
		look = no
		[dirs]
		state = $STATE
		[dane]
		owners = $MX
	END
}

# at SECONDS ARGUMENT...: the program at T0 + SECONDS.
at() {
	NOW=$((T0 + $1))
	shift
	run "$@"
}

# look: what `certline dns` says, as JSON in $DNS.
look() {
	run dns --json
	DNS=$OUT
}

# of FILTER: a value in it.
of() {
	printf '%s' "$DNS" | jq -r "$1"
}

# save NAME, load NAME: the store as it is, and as it was.
save() {
	cp -a "$STATE" "$SCRATCH/saved-$1"
}

load() {
	rm -rf "$STATE"
	cp -a "$SCRATCH/saved-$1" "$STATE"
}

# between NAME ADDRESS UPSTREAM RULE...: a stand-in (resolver.py) that forwards what no rule fits; its pid is
# in $PID.
between() {
	local name=$1 listen=$2 upstream=$3 rule rules=()
	for rule in "${@:4}"; do
		rules+=(--rule "$rule")
	done
	rm -f "$SCRATCH/$name.log"              # the one before has said "ready" in it
	start "$name" "$TOP/tests/system/lab/resolver.py" --listen "$listen:$WORLD_PORT" \
		--upstream "$upstream:$WORLD_PORT" "${rules[@]}"
	within 5 grep -qs '^ready' "$SCRATCH/$name.log"
}

# resolver RULE...: it lies by these rules from now on; without any it tells the truth.
resolver() {
	[ -z "${LIAR_PID:-}" ] || stop "$LIAR_PID"
	between liar "$LIAR" 127.0.0.131 "$@"
	LIAR_PID=$PID
}

# told RULE...: somebody was told a lie by each of these rules.
told() {
	local rule
	for rule; do
		grep -qF "by rule: $rule" "$SCRATCH/liar.log" || return
	done
}

# holds TEXT PATTERN: for two days nothing is promoted, and the reason is said.
holds() {
	local seconds
	for seconds in 1800 200000 200300; do
		at "$seconds" cron
	done
	is "$1: nothing is promoted" "$(generation live)" 1
	look
	is "$1: but held" "$(of '.lines[0].staging.verdict')" hold
	like "$1: with the reason" "$(of '.lines[0].staging.why')" "$2"
}

# lies TEXT PATTERN RULE...: the same, beginning with the staged key that the slow secondary lacks.
lies() {
	load staged
	resolver "${@:3}"
	holds "$1" "$2"
	check "$1: the resolver has lied" told "${@:3}"
}

world_make
verdict $? 'the world is made' || finish
for file in in db; do
	echo "ns3 A $TWIN" >>"$WORLD/pri/example.test.$file"
	[ "${1:-}" != alone ] || echo "ns3 A $FAR" >>"$WORLD/pri/example.test.$file"
done
world_start && between twin "$TWIN" 127.0.0.1 && resolver
verdict $? 'the world runs' || finish
world_sync2 && world_lagsync

script "$SCRATCH/yes" <<<'exit 0'        # in a user namespace /bin/true belongs to a stranger
conf
T0=$(date +%s)
NOW=$T0
exits 0 'init makes a key and publishes its record' init
world_sync2 && world_lagsync
at 600 cron
at 1200 roll
world_sync2
at 1500 cron
look
is 'a key is staged, and one address of one name server lacks it' \
	"$(of '[.lines[0].owners[0].servers[] | select(.covers.staging == "no") | .server] | join(",")')" \
	"127.0.0.123:$WORLD_PORT example.test"
like 'that holds' "$(of '.lines[0].staging.why')" '127\.0\.0\.123.* gives a set without the key'
save staged

# --- zone cuts ----------------------------------------------------------------------------------------

# the zone that is none has one name server; the validator is told the truth about that
ONE='cd NS mx.example.test answer ns1.example.test'
lies 'a host name as apex' 'it has no DNSKEY records' "SOA $MX answer mx.example.test" "$ONE"
lies 'a host name as apex, found on the way up' 'it has no DNSKEY records' "SOA $MX nothing" \
	'SOA _tcp.mx.example.test nothing' 'SOA mx.example.test answer mx.example.test' "$ONE"
lies 'the owner itself as apex' 'it has no DNSKEY records' "SOA $MX answer $MX" "cd NS $MX answer ns1.example.test"
lies 'a host name as apex, and lies for the validator too' 'not all name servers of mx.example.test are known' \
	"SOA $MX answer mx.example.test" "${ONE#cd }"

# --- name servers and their addresses -----------------------------------------------------------------

# the servers of the parent zone would tell, but cannot be found
NOT_ALL='not all name servers of example.test are known: .*'
LACKS='127\.0\.0\.123.* gives a set without the key'
ONE='NS example.test answer ns1.example.test'
lies 'name servers without the slow one' "$NOT_ALL<example.test. NS" "$ONE" 'SOA test servfail'
lies 'the same, and the truth for the validator' "$LACKS" "cd $ONE" 'SOA test servfail'
OTHER='A ns3.example.test answer 127.0.0.1'
lies 'another address for the slow one' "$NOT_ALL<ns3.example.test. A" "$OTHER" 'SOA test servfail'
lies 'another address, and the truth for the validator' "$LACKS" "cd $OTHER" 'SOA test servfail'
HIDDEN=('A ns3.example.test servfail' 'AAAA ns3.example.test servfail' 'SOA test servfail')
lies 'SERVFAIL for an address' "$NOT_ALL ns3.example.test A" "${HIDDEN[@]}"
conf 'validate = no'
lies 'SERVFAIL for an address, and nobody validates' "$NOT_ALL ns3.example.test A" "${HIDDEN[@]}"
conf
lies 'SERVFAIL for one family of addresses' "$NOT_ALL ns1.example.test AAAA" 'AAAA ns1.example.test servfail'

# --- a server that leaves ------------------------------------------------------------------------------

rows() {
	echo "servers = example.test$(printf " %s:$WORLD_PORT" "$@")"
}
load staged
resolver
conf "$(rows 127.0.0.1 127.0.0.122 127.0.0.123)"
at 1600 cron
conf "$(rows 127.0.0.1 127.0.0.122)"
at 1800 cron
at 9000 cron
is 'the slow one is taken off the configured list: nothing is promoted' "$(generation live)" 1
look
like 'since others may go on asking it for a day' "$(of '.lines[0].staging.why')" '127\.0\.0\.123.*left the zone'
conf

# --- a resolver that validates for us, and whose own upstream lies -----------------------------------

mkdir -p "$WORLD/ub2"
cat >"$WORLD/ub2/unbound.conf" <<END
server:
  directory: "$WORLD/ub2"
  chroot: ""
  username: ""
  pidfile: "$WORLD/ub2/unbound.pid"
  use-syslog: no
  interface: $OWN_RESOLVER
  port: $WORLD_PORT
  access-control: 127.0.0.0/8 allow
  do-not-query-localhost: no
  do-ip6: no
  trust-anchor-file: "$WORLD/root.key"
  module-config: "validator iterator"
  local-zone: "test." transparent
forward-zone:
  name: "."
  forward-addr: $LIAR@$WORLD_PORT
END
start ub2 unbound -d -c "$WORLD/ub2/unbound.conf"
conf 'validate = resolver'
sed -i "s/^resolver = .*/resolver = $OWN_RESOLVER:$WORLD_PORT/" "$CONF/$LINE.conf"
within 5 dig +short +time=1 +tries=1 -p "$WORLD_PORT" "@$OWN_RESOLVER" example.test SOA
lies 'name servers without the slow one, and validate = resolver' "$NOT_ALL example.test NS" "$ONE" 'SOA test servfail'
conf

# --- a server that is down behind a router ------------------------------------------------------------

# its other address answers: that stands for it only where this host has no way to a family of addresses
if [ "${1:-}" = alone ] && ip route add unreachable 127.0.0.123 table local; then
	load staged
	resolver
	like 'an address is out of reach' "$( (: >"/dev/udp/127.0.0.123/$WORLD_PORT") 2>&1)" 'No route to host'
	holds 'out of reach' '127\.0\.0\.123.* has given no answer'
	ip route del unreachable 127.0.0.123 table local
else
	skip 'out of reach' 'needs root or user namespaces, and unshare'
fi

# A router says that there is no way: that is no want of a route here.
if [ "${1:-}" = alone ] && [ -c /dev/net/tun ]; then
	world_lagsync                   # nothing else holds now
	for code in 0 1; do
		load staged
		resolver
		start "router$code" "$TOP/tests/system/lab/router.py" --network 198.51.100.0/24 --code "$code"
		ROUTER=$PID
		within 5 grep -qs '^ready' "$SCRATCH/router$code.log"
		holds "behind a router that says no ($code)" '198\.51\.100\.7.* has given no answer.*as a router says'
		stop "$ROUTER"
	done
else
	skip 'behind a router that says no' 'needs root or user namespaces, unshare and /dev/net/tun'
fi

# --- keys of the zone that are out of reach -----------------------------------------------------------

# somebody keeps them from us, and answers in the place of the slow secondary: with the staged key, but
# without signatures
world_hostile lag strip-rrsig 2>/dev/null
for kind in unknown bogus; do
	rule='DNSKEY example.test servfail'
	[ $kind = unknown ] || rule="DNSKEY example.test answer $WORLD_DIGEST$WORLD_DIGEST"
	load staged
	resolver "$rule"
	at 1800 cron
	at 2400 cron
	look
	is "keys out of reach: $kind" "$(of '.lines[0].owners[0].dnssec')" $kind
	is "$kind: the forged set is seen" \
		"$(of '.lines[0].owners[0].servers[] | select(.server | startswith("127.0.0.123:")) | .records')" 2
	check "$kind: the resolver has lied" told "$rule"
	save $kind
done
resolver
world_restart lag
world_lagsync
for kind in unknown bogus; do
	load $kind
	at 9300 cron
	at 9700 cron
	is "$kind until now: what was said meanwhile does not count" "$(generation live)" 1
	look
	is "$kind until now: the slow secondary counts from when it was seen, signed" \
		"$(of '.lines[0].staging.verdict')" wait
	safe=$(date -d "$(of '.lines[0].staging.safe')" +%s 2>/dev/null)
	check "$kind until now: for the whole old TTL" [ "${safe:-0}" -ge $((T0 + 9300 + 3600)) ]
	at $((${safe:-$T0} - T0 + 1)) cron
	is "$kind until now: then the key goes live" "$(generation live)" 2
done

finish
