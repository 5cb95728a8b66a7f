#!/bin/bash
# world.sh - does the DNS world of tests/system/lab/world.sh show what tests rely on?  Every kind of
# name through both resolvers, every server, lag, silence, updates, the include file; and the
# stand-ins for servers that no package has.
# shellcheck disable=SC2034,SC2154 source=/dev/null
. "$(dirname "$0")/lib.sh" || exit 1
. "$TOP/tests/system/lab/world.sh"
need_programs named rndc nsd nsd-control knotd knotc keymgr unbound unbound-control dig nsupdate \
	dnssec-keygen dnssec-signzone flock openssl python3

LAB=$TOP/tests/system/lab
ONE=3\ 1\ 1\ $WORLD_DIGEST
NEW=$(printf 'B%.0s' {1..64})
skip() {
	TESTS=$((TESTS + 1))
	echo "ok $TESTS - $1 # SKIP $2"
}

began=$(date +%s%N)
world_make
verdict $? 'the world is made' || finish
made=$(date +%s%N)
world_start
verdict $? 'the world runs' || finish
note "made in $(((made - began) / 1000000)) ms, started in $((($(date +%s%N) - made) / 1000000)) ms"

# --- every kind of name -----------------------------------------------------------------------------

while read -r state name type; do
	for resolver in ub res; do
		is "$name $type is $state by $resolver" "$(world_state "$resolver" "$name" "$type")" "$state"
	done
done <<'END'
secure _25._tcp.mail.example.test TLSA
secure _443._tcp.www.example.test TLSA
secure _465._tcp.mail.example.test TLSA
secure _993._tcp.mail.example.test TLSA
insecure _994._tcp.mail.example.test TLSA
secure _25._tcp.wild.example.test TLSA
secure _443._tcp.dn.example.test TLSA
denied a.b.example.test TLSA
denied _25._tcp.mx.example.test TLSA
denied _443._tcp.www2.example.test TLSA
denied mail.example.test TLSA
secure example.test CAA
secure cn.example.test CAA
secure _25._tcp.mx.nsec3.test TLSA
secure _25._tcp.wild.nsec3.test TLSA
denied _1._tcp.nope.nsec3.test TLSA
secure _25._tcp.mx.ed.test TLSA
secure _25._tcp.mx.rsa.test TLSA
secure _25._tcp.mx.knot.test TLSA
denied _1._tcp.nope.knot.test TLSA
insecure _25._tcp.mx.insecure.test TLSA
missing _1._tcp.nope.insecure.test TLSA
insecure _25._tcp.mx.unkdigest.test TLSA
insecure _25._tcp.mx.unkalg.test TLSA
SERVFAIL _25._tcp.mx.bogus.test TLSA
SERVFAIL _25._tcp.mx.expired.test TLSA
SERVFAIL _25._tcp.mx.dangling.test TLSA
END

for server in pri sec sec6 lag; do
	if [ "$server$WORLD_IPV6" = sec6no ]; then
		skip "$server has the set" 'no ::1 here'
		continue
	fi
	is "$server has the set" "$(world_served "$server" _25._tcp.mail.example.test)" "$ONE"
done
is 'the addresses of ns2' "$(world_dig pri ns2.example.test A +short; world_dig pri ns2.example.test AAAA +short)" \
	"127.0.0.122$([ "$WORLD_IPV6" = no ] || printf '\n::1')"

# --- updates, and a secondary that lags --------------------------------------------------------------

owner=_25._tcp.mx.example.test
said=$(world_update example.test tlsa-sha256 2>&1 <<<"update add $owner 5 TLSA 3 1 1 $NEW")
is 'an update by the sha256 key' "$? $said" '0 '
is '... is on pri' "$(world_served pri "$owner")" "3 1 1 $NEW"
like '... signed' "$(world_dig pri "$owner" TLSA +dnssec)" 'RRSIG.TLSA'
check '... within two seconds on sec' within 2 world_same sec example.test
is '... with the record' "$(world_served sec "$owner")" "3 1 1 $NEW"
is '... and not on lag' "$(world_served lag "$owner")" ''
check '... until it pulls' world_lagsync example.test
is '... the record' "$(world_served lag "$owner")" "3 1 1 $NEW"
world_flush
is '... and is secure' "$(world_state ub "$owner" TLSA) $(world_state res "$owner" TLSA)" 'secure secure'
said=$(world_update example.test tlsa-sha512 2>&1 <<<"update delete $owner TLSA")
is 'an update by the sha512 key' "$? $said" '0 '
is '... is on pri' "$(world_served pri "$owner")" ''
is '... and not on lag' "$(world_served lag "$owner")" "3 1 1 $NEW"
check 'sec pulls, if it has not' world_sync2 example.test

# refused ZONE KEY COMMAND PATTERN
refused() {
	local said
	said=$(world_update "$1" "$2" 2>&1 <<<"$3")
	is "$3, by $2, fails" $? 2
	like "... with $4" "$said" "^update failed: $4"
}
refused example.test none "update add $owner 5 TLSA 3 1 1 $NEW" REFUSED
refused example.test stranger "update add $owner 5 TLSA 3 1 1 $NEW" 'NOTAUTH.BADKEY'
refused example.test wrong "update add $owner 5 TLSA 3 1 1 $NEW" 'NOTAUTH.BADSIG'
refused example.test tlsa-sha256 'update add x.example.test 5 A 127.0.0.1' REFUSED
refused knot.test wrong 'update delete _25._tcp.mx.knot.test TLSA' 'NOTAUTH.BADSIG'
is 'nothing of that is on pri' "$(world_served pri "$owner")$(world_dig pri x.example.test A +short)" ''
for zone in nsec3 ed rsa insecure knot; do
	world_update "$zone.test" tlsa-sha512 <<<"update add _26._tcp.mx.$zone.test 5 TLSA 3 1 1 $NEW"
	is "an update in $zone.test is on its primary" \
		"$(world_served "$(world_primary "$zone.test")" "_26._tcp.mx.$zone.test")" "3 1 1 $NEW"
done

# --- servers that are silent, or gone ----------------------------------------------------------------

SERVERS='root tld pri sec lag ub res'
for server in $SERVERS; do
	world_pause "$server"
	{ world_answers "$server"; echo $? >"$SCRATCH/$server.silent"; } &
done
wait
for server in $SERVERS; do
	is "$server, paused, is silent" "$(cat "$SCRATCH/$server.silent")" 1
	world_cont "$server"
	check '... and then answers' within 5 world_answers "$server"
done
world_kill sec
like 'sec, killed, refuses connections' "$(world_dig sec example.test SOA 2>&1)" 'connection refused'
check '... and comes back' world_restart sec
world_stop_server lag
like 'lag, stopped, refuses connections' "$(world_dig lag example.test SOA 2>&1)" 'connection refused'
check '... and comes back' world_restart lag
is '... with the set that it had' "$(world_served lag "$owner")" "3 1 1 $NEW"
world_kill lag
check 'lag, killed, comes back' world_restart lag
is '... with the set that it had' "$(world_served lag "$owner")" "3 1 1 $NEW"
check 'pri restarts' world_restart pri

# --- the include file --------------------------------------------------------------------------------

echo "_25._tcp.inc.example.test. 7 TLSA 3 1 1 $NEW" >"$world_include"
check 'the include file is read again' world_reload example.test
is '... and its record is on pri' "$(world_served pri _25._tcp.inc.example.test)" "3 1 1 $NEW"
check '... and within two seconds on sec' within 2 world_same sec example.test
is '... and secure' "$(world_state res _25._tcp.inc.example.test TLSA)" secure
world_update example.test tlsa-sha256 <<<"update add $owner 5 TLSA 3 1 1 $NEW"
is 'updates go on' "$(world_served pri "$owner")" "3 1 1 $NEW"
echo '; nothing' >"$world_include"
check 'an empty include file is read' world_reload example.test
is '... and both are gone' "$(world_served pri _25._tcp.inc.example.test)$(world_served pri "$owner")" ''

# --- stand-ins ---------------------------------------------------------------------------------------

# Each mode on an address of its own, all of them at once.
hostile=_25._tcp.mail.example.test
number=140
declare -A AT=()
modes=$("$LAB/hostile.py" --help | sed '1,/^modes:/d' | awk '{ print $1 }')
for mode in $modes; do
	number=$((number + 1))
	AT[$mode]=127.0.0.$number
	start "hostile-$mode" "$LAB/hostile.py" --listen "127.0.0.$number:$WORLD_PORT" --zone example.test \
		--mode "$mode" --upstream "127.0.0.1:$WORLD_PORT"
done
for mode in $modes; do
	within 10 grep -q ^ready "$SCRATCH/hostile-$mode.log"
done
SPOILED=$(printf '6%.0s' {1..64})
SPOILED=$(printf '6%.0s' {1..64})
MODES_AND_ANSWERS="
wrong-id-first;;ID mismatch.*$ONE
wrong-question-first;;Question section mismatch.*$ONE
wrong-port-first;;$ONE
wrong-source-first;;$ONE
edns-chain;;OPT=13: 07 65 78 61 6d 70 6c 65 04 74 65 73 74 00
garbage;+tcp;.
truncate-udp-always;+ignore;flags: qr aa tc; .*ANSWER: 0
truncate-udp-always;;retrying in TCP.*$ONE.*RRSIG
silent-udp;;timed out
silent-udp;+tcp;$ONE.*RRSIG
silent;;timed out
silent;+tcp;timed out
servfail;;status: SERVFAIL
refused;+tcp;status: REFUSED
not-aa;;flags: qr; .*$ONE.*RRSIG
strip-rrsig;;flags: qr aa; QUERY: 1, ANSWER: 1,.*$ONE
flip-rrsig;;$ONE.*RRSIG
other-set;;3 1 1 $SPOILED.*RRSIG
old-ttl;;mail.example.test. 604800 IN TLSA .* 604800 IN RRSIG TLSA 13 5 3600
endless;+ignore;flags: qr aa tc;
endless;+tcp;timed out
many;+ignore;flags: qr aa tc;
many;;retrying in TCP.*ANSWER: 200,
loop;;mail.* CNAME loop-a.example.test. loop-a.* CNAME loop-b.example.test. loop-b.* CNAME loop-a.example.test"
number=0
while IFS=';' read -r mode options pattern; do
	number=$((number + 1))
	# shellcheck disable=SC2086 # none, or one
	timeout 5 dig -r +tries=1 +time=1 +norecurse +nosplit +dnssec -p "$WORLD_PORT" "@${AT[${mode:-silent}]}" \
		"$hostile" TLSA $options 2>&1 | tr -s '\n\t ' ' ' >"$SCRATCH/said.$number" &
done <<<"$MODES_AND_ANSWERS"
wait
number=0
while IFS=';' read -r mode options pattern; do
	number=$((number + 1))
	[ -z "$mode" ] || like "$mode $options: $pattern" "$(cat "$SCRATCH/said.$number")" "$pattern"
done <<<"$MODES_AND_ANSWERS"

# What comes from elsewhere the kernel keeps from dig: here is a client that does not connect its socket.
cat >"$SCRATCH/sources.py" <<'END'
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(3)
name = b"".join(bytes([len(l)]) + l for l in sys.argv[3].encode().split(b".")) + b"\0"
s.sendto(b"\0\1\0\0\0\1\0\0\0\0\0\0" + name + b"\0\x34\0\1", (sys.argv[1], int(sys.argv[2])))
for _ in range(2):
    wire, (address, port) = s.recvfrom(65535)
    print(address, "asked" if port == int(sys.argv[2]) else "other", "forged" if b"f" * 32 in wire else "right")
END
is 'wrong-port-first: from another port a forged answer, then the right one' \
	"$(python3 "$SCRATCH/sources.py" "${AT[wrong-port-first]}" "$WORLD_PORT" "$hostile")" \
	"${AT[wrong-port-first]} other forged"$'\n'"${AT[wrong-port-first]} asked right"
is 'wrong-source-first: the same from another address' \
	"$(python3 "$SCRATCH/sources.py" "${AT[wrong-source-first]}" "$WORLD_PORT" "$hostile")" \
	"127.77.77.${AT[wrong-source-first]##*.} asked forged"$'\n'"${AT[wrong-source-first]} asked right"

check 'a stand-in takes the place of sec' world_hostile sec other-set --hex "$SPOILED"
is '... and misbehaves' "$(world_served sec "$hostile")" "3 1 1 $SPOILED"
[ "$WORLD_IPV6" = no ] || is '... also at ::1' "$(world_served sec6 "$hostile")" "3 1 1 $SPOILED"
is '... not about other zones' "$(world_served sec _25._tcp.mx.ed.test)" "$ONE"
like '... and says so' "$(cat "$SCRATCH/hostile-sec.log")" "^udp 127.0.0.1#[0-9]* $hostile. TLSA: another set"
check '... and sec comes back' world_restart sec
is '... as it was' "$(world_served sec "$hostile")" "$ONE"

start slow "$LAB/slow.py" --map "127.0.0.201:$WORLD_PORT=127.0.0.1:$WORLD_PORT" \
	--map "127.0.0.202:$WORLD_PORT=127.0.0.122:$WORLD_PORT" --delay-ms 100
within 5 grep -q ^ready "$SCRATCH/slow.log"
for server in 127.0.0.201 127.0.0.202; do
	for way in +notcp +tcp; do
		said=$(world_dig "$server" "$hostile" TLSA +norecurse +nosplit "$way")
		like "$server is slow, $way" "$said" "$ONE"
		took=$(sed -n 's/^;; Query time: \([0-9]*\) msec/\1/p' <<<"$said")
		# whole milliseconds of two clocks
		check "... $took ms" test "$took" -ge 95 -a "$took" -lt 1000
	done
done
stop "$PID"
is '... and counts' "$(grep -v ready "$SCRATCH/slow.log")" "$(for n in 201=127.0.0.1 202=127.0.0.122; do
	echo "127.0.0.${n%=*}:$WORLD_PORT=${n#*=}:$WORLD_PORT: 1 by UDP, 1 by TCP, 0 lost"
done)"

# --- a world whose zone file is edited, with short TTLs ------------------------------------------------

world_stop
WORLD_TTL=2
world_make static
verdict $? 'a world with TTLs of 2 seconds is made, without updates' || finish
world_start
verdict $? '... and runs' || finish
like 'TLSA sets have that TTL' "$(world_dig pri "$hostile" TLSA)" "^$hostile\.[[:space:]]2[[:space:]]"
like '... and denials' "$(world_dig ub "$owner" TLSA)" 'SOA.* 2$'
refused example.test tlsa-sha256 "update add $owner 5 TLSA 3 1 1 $NEW" REFUSED
echo "$owner. 2 TLSA 3 1 1 $NEW" >"$world_include"
INCLUDE=$world_include
OWNERS=$owner
hook_exits 0 'bind-reload publishes from the include file' bind-reload --control-conf "$WORLD/rndc.conf" \
	--port "$WORLD_PORT" --dir "$WORLD/pri" example.test "$WORLD/pri/example.test.db"
is '... the record' "$(world_served pri "$owner")" "3 1 1 $NEW"
check '... which lag pulls' world_lagsync example.test
check '... and unbound sees when it forgets the denial' within 6 eval "[ \"\$(world_state ub $owner TLSA)\" = secure ]"
echo '; nothing' >"$world_include"
check 'world_reload does it too' world_reload example.test
is '... the record is gone' "$(world_served pri "$owner")" ''
finish
