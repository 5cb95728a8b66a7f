#!/bin/bash
# update.sh - the publisher of RFC 2136 with real servers: BIND with and without signatures, Knot, which
# signs, NSD, which takes no updates; and with a proxy in between that misbehaves.
# shellcheck disable=SC2016,SC2153,SC2154 source=/dev/null
. "$(dirname "$0")/lib.sh" || exit 1
. "$TOP/tests/system/lab/world.sh"
need_programs named rndc nsd nsd-control knotd knotc keymgr unbound unbound-control dig nsupdate \
	dnssec-keygen dnssec-signzone flock openssl python3 faketime cc pkg-config

TRY=$SCRATCH/update_try
# shellcheck disable=SC2046,SC2086 # words are meant
(cd "$TOP" && ${CC:-cc} -std=c11 -D_GNU_SOURCE -Isrc -include src/base/banned.h ${TRY_CFLAGS:-} -o "$TRY" \
	tests/system/lab/update_try.c "${B:-build}/libcertline.a" \
	$(pkg-config --libs libcrypto jansson inih libidn2 ldns) -lunbound)
verdict $? 'the driver is built' || finish

# a zone whose key may change nothing but TXT, and one that goes by addresses
world_make
verdict $? 'the world is made' || finish
world_child txt.test >"$WORLD/pri/txt.test.db"
cp "$WORLD/pri/txt.test.db" "$WORLD/pri/open.test.db"
cat >>"$WORLD/pri/named.conf" <<END
zone "txt.test" { type primary; file "txt.test.db"; update-policy { grant tlsa-sha256 zonesub TXT; }; };
zone "open.test" { type primary; file "open.test.db"; allow-update { 127.0.0.1; }; };
END
world_start
verdict $? 'the world runs' || finish

PRI=127.0.0.1:$WORLD_PORT
KNOT=127.0.0.123:$WORLD_PORT
NSD=127.0.0.122:$WORLD_PORT
KEY256=$WORLD/tlsa-sha256.key
KEY384=$WORLD/tlsa-sha384.key
KEY512=$WORLD/tlsa-sha512.key
rec() { printf "3 1 1 $1%.0s" && printf "$1%.0s" {2..64}; }
A=$(rec a); B1=$(rec b); C=$(rec c); D=$(rec d); F=$(rec f)

# try ZONE ADDRESS KEY ARGUMENT...: what it says is in $SAID.
try() {
	SAID=$("${BEFORE[@]}" "$TRY" "$@" 2>&1)
	STATUS=$?
}
BEFORE=()

# does TEXT changed|same ZONE ADDRESS KEY ARGUMENT...
does() {
	try "${@:3}"
	is "$1" "${SAID%%$'\n'*}" "$2"
}

# refuses TEXT PATTERN ZONE ADDRESS KEY ARGUMENT...: fails, says why, and no zone has a new version.
refuses() {
	local before
	before=$(serials)
	try "${@:3}"
	like "$1" "$SAID" "$2"
	is '... it fails' "$STATUS" 1
	sleep 0.15
	is '... nothing has changed' "$(serials)" "$before"
}

serials() {
	world_dig pri example.test SOA nsec3.test SOA insecure.test SOA txt.test SOA open.test SOA +short
	world_dig lag knot.test SOA +short
}

# at SERVER OWNER: "TTL DATA" of what it shows, sorted.
at() {
	world_dig "$1" "$2" TLSA +noall +answer +nosplit | awk '$4 == "TLSA" { $1 = $3 = $4 = ""; print tolower($0) }' |
		sed 's/^ *//; s/  */ /g' | sort
}

# shows TEXT SERVER OWNER RECORD...
shows() {
	is "$1" "$(at "$2" "$3")" "$(printf '%s\n' "${@:4}" | sort)"
}

# --- adding, replacing, dropping, nothing to do; at each kind of server ------------------------------

# cycle WHAT SERVER ZONE ADDRESS KEY
cycle() {
	local o=_25._tcp.cycle.$3 before
	does "$1: a new owner" changed "$3" "$4" "$5" "$o" 300 "+$A"
	shows '... is shown' "$2" "$o" "300 $A"
	before=$(serials)
	does "$1: the same again" same "$3" "$4" "$5" "$o" 300 "+$A" "-$B1"
	sleep 0.15
	is '... sends nothing' "$(serials)" "$before"
	does "$1: another beside it" changed "$3" "$4" "$5" "$o" 300 "+$A" "+$B1"
	shows '... both are shown' "$2" "$o" "300 $A" "300 $B1"
	does "$1: in place of both" changed "$3" "$4" "$5" "$o" 300 "+$C" "-$A" "-$B1"
	shows '... the new one is shown' "$2" "$o" "300 $C"
	does "$1: another TTL" changed "$3" "$4" "$5" "$o" 60 "+$C"
	shows '... is shown' "$2" "$o" "60 $C"
	# records that somebody else has put there
	echo "update add $o 60 TLSA $F" | foreign "$3" "$5"
	does "$1: beside a record of somebody else" changed "$3" "$4" "$5" "$o" 60 "+$C" "+$D"
	is '... which is told' "${SAID#*$'\n'}" "foreign $o $F"
	shows '... and kept' "$2" "$o" "60 $C" "60 $D" "60 $F"
	does "$1: nothing to do beside it" same "$3" "$4" "$5" "$o" 60 "+$C" "+$D" "-$A"
	is '... it is told' "${SAID#*$'\n'}" "foreign $o $F"
	does "$1: another TTL and one less" changed "$3" "$4" "$5" "$o" 900 "+$D" "-$C"
	shows '... all have it' "$2" "$o" "900 $D" "900 $F"
	does "$1: two owners at once, one as wanted" changed "$3" "$4" "$5" "$o" 900 "+$D" "_26$o" 900 "+$A" "+$B1"
	shows '... the other one is shown' "$2" "_26$o" "900 $A" "900 $B1"
}

# foreign ZONE KEYFILE: commands of nsupdate from stdin, by somebody else.
foreign() {
	if [ "$2" = - ]; then
		world_update "$1" none
	else
		world_update "$1" "$(basename "$2" .key)"
	fi
}

cycle 'BIND, inline signing' pri example.test "$PRI" "$KEY256"
cycle 'BIND, not signed' pri insecure.test "$PRI" "$KEY512"
cycle 'BIND, without a key' pri open.test "$PRI" -
cycle 'Knot' lag knot.test "$KNOT" "$KEY512"
O=_443._tcp.one.knot.test
does 'Knot, hmac-sha256' changed knot.test "$KNOT" "$KEY256" $O 300 "+$A"
does 'BIND, hmac-sha384' changed insecure.test "$PRI" "$KEY384" _444._tcp.one.insecure.test 300 "+$A"
does 'Knot, hmac-sha384' changed knot.test "$KNOT" "$KEY384" _444._tcp.one.knot.test 300 "+$A"
does 'BIND, inline signing, NSEC3, hmac-sha512' changed nsec3.test "$PRI" "$KEY512" _1._tcp.one.nsec3.test 300 "+$A"
check '... signed' eval "world_dig pri _1._tcp.one.nsec3.test TLSA +dnssec | grep -q 'RRSIG.TLSA'"
does 'a name in capitals, with a dot, and data in capitals' same NSEC3.test. "$PRI" "$KEY512" \
	_1._TCP.One.nsec3.test. 300 "+${A^^}"

# A whole certificate of somebody else, which does not fit into a datagram.
O=_25._tcp.large.example.test
LARGE="3 0 0 $(printf '0a%.0s' {1..1500})"
does 'a set' changed example.test "$PRI" "$KEY256" $O 300 "+$A"
echo "update add $O 300 TLSA $LARGE" | foreign example.test "$KEY256"
does '... beside a large record' changed example.test "$PRI" "$KEY256" $O 60 "+$B1" "-$A"
is '... which is told' "${SAID#*$'\n'}" "foreign $O $LARGE"
shows '... and kept' pri $O "60 $B1" "60 $LARGE"

# Many owners, and more than fits into one message.
MANY=()
L=$(printf 'a%.0s' {1..60})
for i in {1..150}; do
	MANY+=("_$i._tcp.$L.$L.many.insecure.test" 300 "+$A" "+$B1")
done
BEFORE=(timeout 40)
does '150 owners, by more than one message' changed insecure.test "$PRI" "$KEY256" "${MANY[@]}"
shows '... the last one' pri "_150._tcp.$L.$L.many.insecure.test" "300 $A" "300 $B1"
BEFORE=()

# --- names that are not what they seem --------------------------------------------------------------

alias_text='is an alias \(CNAME\) for .*: publish at the target: name it in \[dane\] owners, or remove the alias$'
refuses 'an owner that is an alias' "^refused: _443._tcp.www.example.test ${alias_text/.\*/_443._tcp.web.example.test}" \
	example.test "$PRI" "$KEY256" _443._tcp.www.example.test 300 "+$A"
refuses 'an owner that is an alias into another zone' "${alias_text/.\*/_25._tcp.mx.ed.test}" \
	example.test "$PRI" "$KEY256" _993._tcp.mail.example.test 300 "+$A"
refuses 'an owner below a DNAME' "${alias_text/.\*/_443._tcp.dt.example.test}" \
	example.test "$PRI" "$KEY256" _443._tcp.dn.example.test 300 "+$A"
refuses 'one of two owners is an alias' "${alias_text/.\*/_443._tcp.web.example.test}" \
	example.test "$PRI" "$KEY256" _1._tcp.fine.example.test 300 "+$A" _443._tcp.www.example.test 300 "+$A"

ONE=3\ 1\ 1\ ${WORLD_DIGEST,,}   # that the wildcard has, as the zones have at every name
for zone in example nsec3; do
	O=_25._tcp.wild.$zone.test
	does "$zone.test: an owner that a wildcard answers for" changed $zone.test "$PRI" "$KEY256" $O 300 "+$ONE" "+$B1"
	is '... nothing there is told of it' "$SAID" changed
	shows '... has the full set of its own' pri $O "300 $ONE" "300 $B1"
	check_not '... the wildcard does no more' eval "world_dig pri $O TLSA +dnssec | grep -q 'RRSIG.TLSA [0-9]* 4 '"
done
does 'one as the wildcard has it' changed example.test "$PRI" "$KEY256" _26._tcp.wild.example.test 300 "+$ONE"
does '... is one of its own' same example.test "$PRI" "$KEY256" _26._tcp.wild.example.test 300 "+$ONE"
does 'the wildcard itself' changed example.test "$PRI" "$KEY256" '*._tcp.wild.example.test' 300 "+$C" "-$ONE"
shows '... is replaced' pri _27._tcp.wild.example.test "300 $C"
for zone in insecure open; do
	key=$KEY256
	[ $zone = insecure ] || key=-
	echo "update add *._tcp.wild.$zone.test 300 TLSA $F" | foreign $zone.test "$key"
	does "$zone.test, not signed: an owner that a wildcard answers for" changed $zone.test "$PRI" "$key" \
		_25._tcp.wild.$zone.test 300 "+$A"
	shows '... has a set of its own' pri _25._tcp.wild.$zone.test "300 $A"
	does '... three more beside an ordinary one' changed $zone.test "$PRI" "$key" \
		_1._tcp.wild.$zone.test 300 "+$A" _2._tcp.wild.$zone.test 300 "+$B1" \
		_3._tcp.tame.$zone.test 300 "+$B1" _4._tcp.wild.$zone.test 300 "+$C"
	shows '... first' pri _1._tcp.wild.$zone.test "300 $A"
	shows '... last' pri _4._tcp.wild.$zone.test "300 $C"
	shows '... the wildcard stays' pri _5._tcp.wild.$zone.test "300 $F"
done

# --- said no ----------------------------------------------------------------------------------------

O=_25._tcp.no.example.test
unsigned='\(the reply is not signed: it may be from somebody else\)$'
refuses 'a wrong secret' "^refused: .* NOTAUTH .*BADSIG.*another secret for the key tlsa-sha256 $unsigned" \
	example.test "$PRI" "$WORLD/wrong.key" $O 300 "+$A"
refuses 'an unknown key' "^refused: .* NOTAUTH .*BADKEY.*does not know the key stranger with hmac-sha256: .* $unsigned" \
	example.test "$PRI" "$WORLD/stranger.key" $O 300 "+$A"
sed 's/hmac-sha512/hmac-sha256/' "$KEY512" >"$SCRATCH/mixed.key"
refuses 'the right key with another algorithm' 'BADKEY' example.test "$PRI" "$SCRATCH/mixed.key" $O 300 "+$A"
refuses 'Knot: a wrong secret' 'BADSIG.*another secret' knot.test "$KNOT" "$WORLD/wrong.key" _1._tcp.no.knot.test 300 "+$A"
refuses 'Knot: an unknown key' 'BADKEY.*does not know' knot.test "$KNOT" "$WORLD/stranger.key" _1._tcp.no.knot.test 300 "+$A"
BEFORE=(faketime -f -1h)
refuses 'a clock that is an hour behind' '^refused: .* NOTAUTH .*BADTIME.*our clock is (1h|59m 59s) behind the server' \
	example.test "$PRI" "$KEY256" $O 300 "+$A"
check_not '... and that is signed' eval '[[ $SAID == *"not signed"* ]]'
BEFORE=(faketime -f +2d)
refuses 'Knot: a clock that is two days ahead' 'BADTIME.*our clock is (2d|1d 23h) ahead of the server' \
	knot.test "$KNOT" "$KEY256" _1._tcp.no.knot.test 300 "+$A"
BEFORE=(faketime -f +4m)
does 'a clock that is four minutes ahead' changed insecure.test "$PRI" "$KEY256" _25._tcp.ahead.insecure.test 300 "+$A"
BEFORE=()
refuses 'a type that the policy does not allow' '^refused: .* REFUSED .*allow the key tlsa-sha256.*zonesub TLSA' \
	txt.test "$PRI" "$KEY256" _1._tcp.no.txt.test 300 "+$A"
check_not '... and that is signed' eval '[[ $SAID == *"not signed"* ]]'
refuses 'without a key, where one is needed' 'REFUSED .*without a key: name one in \[update\] keys$' \
	insecure.test "$PRI" - _1._tcp.no.insecure.test 300 "+$A"
refuses 'a zone that is not served, asked for' '^refused: .*REFUSED when asked for' \
	other.example "$PRI" "$KEY256" _1._tcp.no.other.example 300 "+$A"
refuses 'a zone that is not served, a name that is' 'NOTAUTH .*not the primary server of missing.test' \
	missing.test "$PRI" "$KEY256" _25._tcp.mx.insecure.test 300 "+$A" "-$ONE"
refuses 'a name outside of the zone' 'NOTZONE .*not in the zone open.test' \
	open.test "$PRI" "$KEY256" _25._tcp.mx.insecure.test 300 "+$A" "-$ONE"
refuses 'a name in another zone, that is not there' 'is in a zone of its own, insecure.test' \
	open.test "$PRI" "$KEY256" _1._tcp.no.insecure.test 300 "+$A"
refuses 'a name in another zone, that is signed' 'is in a zone of its own, ed.test' \
	open.test "$PRI" "$KEY256" _25._tcp.mx.ed.test 300 "+$A"
refuses 'NSD, which takes no updates' "^refused: .* NOTIMP .*NSD never does.* $unsigned" \
	example.test "$NSD" "$KEY256" $O 300 "+$A"
refuses 'a secondary of Knot' 'NOTAUTH' example.test "$KNOT" "$KEY256" $O 300 "+$A"
refuses 'a resolver' '^refused: .*(REFUSED|does not speak)' example.test "127.0.0.1:$WORLD_RPORT" "$KEY256" $O 300 "+$A"
refuses 'nobody there' '^later: .*connection refused' example.test 127.0.0.1:9 "$KEY256" $O 300 "+$A"
world_rndc freeze insecure.test >/dev/null 2>&1
refuses 'a zone that is frozen' 'REFUSED .*frozen' insecure.test "$PRI" "$KEY256" _1._tcp.no.insecure.test 300 "+$A"
world_rndc thaw insecure.test >/dev/null 2>&1

refuses 'an owner without records' "^unsafe: $O would be left without any TLSA record" \
	example.test "$PRI" "$KEY256" $O 300 "-$A"
refuses 'data that is no record' '^local: .*"3 1 1 xyz" is no TLSA record' example.test "$PRI" "$KEY256" $O 300 '+3 1 1 xyz'

# --- between us and the server ----------------------------------------------------------------------

# proxy MODE [OPTION...]: from now on $PROXY is the way to pri.
proxy() {
	free_port
	PROXY=127.0.0.1:$PORT
	start "proxy-$PORT" "$TOP/tests/system/lab/update_proxy.py" --listen "$PROXY" --upstream "$PRI" --mode "$@"
	PROXY_LOG=$SCRATCH/proxy-$PORT.log
	within 5 grep -qs ready "$PROXY_LOG" || note "$(cat "$PROXY_LOG")"
}

# sent: how many updates have come to the proxy
sent() {
	grep -c '^update' "$PROXY_LOG"
}

# other OWNER DATA: a command that adds a record behind our back.
other() {
	local name=$SCRATCH/other$RANDOM
	printf 'server 127.0.0.1 %s\nzone %s\nupdate add %s 300 TLSA %s\nsend\n' "$WORLD_PORT" \
		"${1#*.*.*.}" "$1" "$2" >"$name"
	echo "nsupdate -k $KEY256 $name"
}

for zone in example insecure; do
	O=_25._tcp.race.$zone.test
	does "$zone.test: a set to race for" changed $zone.test "$PRI" "$KEY256" $O 300 "+$A"
	proxy race --run "$(other $O "$F")"
	does '... it changes between reading and writing' changed $zone.test "$PROXY" "$KEY256" $O 300 "+$A" "+$B1"
	is '... which is noticed, and tried again' "$(sent)" 2
	is '... what has come is told' "${SAID#*$'\n'}" "foreign $O $F"
	shows '... both changes are there' pri $O "300 $A" "300 $B1" "300 $F"
	O=_26._tcp.race.$zone.test
	proxy race --run "$(other $O "$F")"
	does "$zone.test: one that appears meanwhile" changed $zone.test "$PROXY" "$KEY256" $O 300 "+$A"
	is '... is noticed' "$(sent)" 2
	shows '... both are there' pri $O "300 $A" "300 $F"
done
O=_25._tcp.race.insecure.test
cat >"$SCRATCH/always" <<END
#!/bin/sh
{ printf 'server 127.0.0.1 $WORLD_PORT\nzone insecure.test\nupdate add $O 300 TLSA 3 1 1 %s\nsend\n' \
	"\$(openssl rand -hex 32)"; } | nsupdate -k $KEY256
END
chmod +x "$SCRATCH/always"
proxy race --each --run "$SCRATCH/always"
try insecure.test "$PROXY" "$KEY256" $O 300 "+$D"
like 'a set that changes all the time' "$SAID" '^later: the set changes all the time.*NXRRSET$'
is '... is tried four times' "$(sent)" 4

proxy flip
O=_25._tcp.flip.insecure.test
try insecure.test "$PROXY" "$KEY256" $O 300 "+$A"
like 'a reply with a wrong signature is not believed' "$SAID" '^refused: a reply that says NOERROR is not believed: its signature is wrong'
does '... but what is there is seen next time' same insecure.test "$PRI" "$KEY256" $O 300 "+$A"

proxy rcode --rcode 0
O=_25._tcp.no.txt.test
refuses 'a REFUSED that was made a NOERROR is not believed' '^refused: a reply that says NOERROR is not believed: its signature is wrong' \
	txt.test "$PROXY" "$KEY256" $O 300 "+$A"
proxy lie
refuses 'a NOERROR that is not signed is not believed' 'NOERROR is not believed: it is not signed with the key tlsa-sha256' \
	insecure.test "$PROXY" "$KEY256" _1._tcp.no.insecure.test 300 "+$A"
refuses 'a server that says NOERROR and does nothing' '^later: the server said NOERROR to the update, but does not do it: .* has no TLSA' \
	open.test "$PROXY" - _1._tcp.no.open.test 300 "+$A"
proxy lie --rcode 8
refuses 'an NXRRSET that is not signed is not believed' 'NXRRSET .*not signed' \
	insecure.test "$PROXY" "$KEY256" _1._tcp.no.insecure.test 300 "+$A"
proxy drop
O=_25._tcp.drop.insecure.test
try insecure.test "$PROXY" "$KEY256" $O 300 "+$A"
like 'a connection that ends instead of a reply' "$SAID" '^later: sending the update by TCP: '
does '... what was done is seen next time' same insecure.test "$PRI" "$KEY256" $O 300 "+$A"
proxy old
does 'a good update, through a proxy' changed insecure.test "$PROXY" "$KEY256" _1._tcp.old.insecure.test 300 "+$A"
refuses 'the reply to an earlier one is not believed' 'its signature is wrong' \
	insecure.test "$PROXY" "$KEY256" _2._tcp.old.insecure.test 300 "+$A"
finish
