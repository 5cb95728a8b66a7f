#!/bin/bash
# txt.sh - TXT records of challenges with real servers: BIND, which signs, NSD, which follows it, Knot, which
# lags and has a zone of its own; aliases into a zone with another key, a name that is a zone by itself; and
# CAA records by the chain of trust.
# shellcheck disable=SC2016,SC2153,SC2154 source=/dev/null
. "$(dirname "$0")/lib.sh" || exit 1
. "$TOP/tests/system/lab/world.sh"
need_programs named rndc nsd nsd-control knotd knotc keymgr unbound unbound-control dig nsupdate \
	dnssec-keygen dnssec-signzone flock openssl faketime cc pkg-config

TRY=$SCRATCH/txt_try
# shellcheck disable=SC2046,SC2086 # words are meant
(cd "$TOP" && ${CC:-cc} -std=c11 -D_GNU_SOURCE -Isrc -include src/base/banned.h ${TRY_CFLAGS:-} -o "$TRY" \
	tests/system/lab/txt_try.c "${B:-build}/libcertline.a" \
	$(pkg-config --libs libcrypto jansson inih libidn2 ldns) -lunbound)
verdict $? 'the driver is built' || finish

# --- the world, and what is added to it: keys that may change TXT, one of them in ed.test and another one in
# all other zones; aliases; and a zone whose apex is the name of a challenge

world_make
verdict $? 'the world is made' || finish
CUT=_acme-challenge.cut.example.test
world_tsig other hmac-sha256 32
printf '$TTL 60\n@ SOA ns1.example.test. hostmaster.example.test. ( 1 3600 600 864000 30 )\n@ NS ns1.example.test.\n' \
	>"$WORLD/pri/cut.db"
sed -i -e 's/zonesub TLSA;/zonesub TLSA TXT;/g' \
	-e '/^zone "ed\.test"/,/^}/ s/update-policy.*/update-policy { grant other zonesub TXT; };/' "$WORLD/pri/named.conf"
{
	cat "$WORLD/other.key"
	echo "zone \"$CUT\" { type primary; file \"cut.db\"; update-policy { grant other zonesub TXT; }; };"
} >>"$WORLD/pri/named.conf"
sed -i 's/update-type: \[ TLSA \]/update-type: [ TLSA, TXT ]/' "$WORLD/lag/knot.conf"
cat >>"$WORLD/pri/example.test.db" <<END
_acme-challenge.al	CNAME al.acme.ed.test.
_acme-challenge.two	CNAME _acme-challenge.al
_acme-challenge.ins	CNAME ins.acme.insecure.test.
_acme-challenge.bog	CNAME bog.acme.bogus.test.
_acme-challenge.round	CNAME _acme-challenge.round
_acme-challenge.lost	CNAME nowhere.at.all.
_acme-challenge.cut	NS ns1
END
printf 'stub-zone:\n  name: "%s."\n  stub-addr: 127.0.0.1@%s\n' "$CUT" "$WORLD_PORT" >>"$WORLD/ub/unbound.conf"
world_start
verdict $? 'the world runs' || finish

PRI=127.0.0.1:$WORLD_PORT
KNOT=127.0.0.123:$WORLD_PORT
NSD=127.0.0.122:$WORLD_PORT
KEY=$WORLD/tlsa-sha256.key
OTHER=$WORLD/other.key
V1=LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0
V2=9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI

# try ARGUMENT...: what it says is in $SAID.
try() {
	SAID=$("${BEFORE[@]}" "$TRY" "$@" 2>&1)
	STATUS=$?
}
BEFORE=()

# ask places|look|caa ARGUMENT...
asks() {
	try "$1" "127.0.0.131:$WORLD_PORT" "$WORLD_PORT" "$WORLD/root.key" "${@:2}"
}

# does TEXT ZONE ADDRESS KEY CHANGE...
does() {
	try update "$2" "$3" "$4" 60 "${@:5}"
	is "$1" "$SAID" 'done'
}

# refuses TEXT PATTERN ZONE ADDRESS KEY CHANGE...: fails, says why, and no zone has a new version.
refuses() {
	local before
	before=$(serials)
	try update "$3" "$4" "$5" 60 "${@:6}"
	like "$1" "$SAID" "$2"
	is '... it fails' "$STATUS" 1
	sleep 0.15
	is '... nothing has changed' "$(serials)" "$before"
}

serials() {
	world_dig pri example.test SOA ed.test SOA insecure.test SOA +short
	world_dig lag knot.test SOA +short
}

# has TEXT SERVER NAME VALUE...: it shows exactly these.
has() {
	is "$1" "$(world_dig "$2" "$3" TXT +short | sort)" "$(printf '"%s"\n' "${@:4}" | grep -v '^""$' | sort)"
}

# sees TEXT PATTERN NAME[=VALUE]...: of the first line that is said.
sees() {
	asks look "${@:3}"
	like "$1" "${SAID%%$'\n'*}" "^$2\$"
}

sync() {
	world_sync2 "$1" && world_lagsync "$1"
}

# --- places -----------------------------------------------------------------------------------------

# place TEXT NAME WHERE
place() {
	asks places "$2"
	is "$1" "$SAID" "$3"
}

W=_acme-challenge.web.example.test
place 'a name that is not there' $W "$W in example.test at $PRI"
place 'an alias' _acme-challenge.al.example.test "al.acme.ed.test (alias) in ed.test at $PRI"
place 'an alias of an alias' _acme-challenge.two.example.test "al.acme.ed.test (alias) in ed.test at $PRI"
place 'below a DNAME' _acme-challenge.dn.example.test "_acme-challenge.dt.example.test (alias) in example.test at $PRI"
place 'a name that is a zone' $CUT "$CUT in $CUT at $PRI"
place 'below an alias' _acme-challenge.www.example.test "_acme-challenge.www.example.test in example.test at $PRI"
place 'in a zone of Knot' _acme-challenge.web.knot.test "_acme-challenge.web.knot.test in knot.test at $KNOT"
place 'in a bogus zone' _acme-challenge.bog.example.test "bog.acme.bogus.test (alias) in bogus.test at $PRI"
asks places _acme-challenge.round.example.test _acme-challenge.lost.example.test a..b
is 'three names that have none' "$(wc -l <<<"$SAID")" 3
like '... a circle' "$SAID" 'round.example.test: its aliases go round in a circle$'
like '... an alias to nowhere' "$SAID" '^_acme-challenge.lost.example.test: no address of a name server of'
like '... and no name' "$SAID" '^a..b: it is no name$'

# --- on their way to all servers ----------------------------------------------------------------------

does 'two values, of a name and of its wildcard' example.test "$PRI" "$KEY" "+$W=$V1" "+$W=$V2"
has '... are shown' pri $W "$V1" "$V2"
check 'sec has them' world_sync2 example.test
sees 'lag has them not yet' "not seen: $KNOT \(ns3.example.test\) lacks 2 of 2 values" "$W=$V1" "$W=$V2"
check 'lag pulls' world_lagsync example.test
sees 'all servers show them, signed' seen "$W=$V1" "$W=$V2"
is '... and no other value' "$SAID" seen

# where no NSEC record of a neighbour denies it, a resolver learns nothing of what is not there yet
O=_acme-challenge.web.insecure.test
asks places $O
asks look "$O=$V1"
like 'a name that is not there, looked for' "$SAID" '^not seen: .*lacks 1 of 1 values'
does '... is there' insecure.test "$PRI" "$KEY" "+$O=$V1"
sync insecure.test
has '... and the resolver knows it at once' ub $O "$V1"

# --- adding and removing -----------------------------------------------------------------------------

does 'the same again, by hmac-sha384' example.test "$PRI" "$WORLD/tlsa-sha384.key" "+$W=$V1"
has '... is no error' pri $W "$V1" "$V2"
world_update example.test tlsa-sha256 <<<"update add $W 60 TXT foreign"
does 'one is removed, one is not there' example.test "$PRI" "$KEY" "-$W=$V1" "-$W=never" "-_acme-challenge.mail.example.test=x"
has '... the others stay' pri $W "$V2" foreign
sync example.test
asks look "$W=$V1" "$W=$V2"
like 'what is missing everywhere' "$SAID" "^not seen: $PRI \(ns1.example.test\) lacks 1 of 2 values; .*lacks 1 of 2"
like '... what is not ours is told' "$SAID" '^other foreign$'
does 'one comes and one goes' example.test "$PRI" "$KEY" "+$W=$V1" "-$W=$V2"
has '... at once' pri $W "$V1" foreign
echo "update add $W 60 TXT \"two\" \"strings\"" | world_update example.test tlsa-sha256
does 'a value is no other one that begins with it' example.test "$PRI" "$KEY" "-$W=two" "-$W=twostrings"
sync example.test
asks look "$W=$V1"
is '... both are told' "$(sort <<<"$SAID" | tr '\n' ';')" 'other foreign;other twostrings;seen;'
does 'the last one of ours' example.test "$PRI" "$KEY" "-$W=$V1"
check_not '... is gone' eval "world_dig pri $W TXT +short | grep -q $V1"

# An answer that fits neither into 512 bytes nor into a datagram.
FOREIGN=()
for i in {1..20}; do
	FOREIGN+=("+$W=$i$(printf 'x%.0s' {1..200})")
done
does 'many and long values of others' example.test "$PRI" "$KEY" "${FOREIGN[@]}" "+$W=$V1"
sync example.test
asks look "$W=$V1"
is 'ours is seen among them' "${SAID%%$'\n'*} $(grep -c ^other <<<"$SAID")" 'seen 22'
does '... and they are removed' example.test "$PRI" "$KEY" "${FOREIGN[@]/#+/-}"
is '... all of them' "$(world_dig pri $W TXT +short | wc -l)" 3

# More than fits into a message.
MANY=()
L=$(printf 'a%.0s' {1..60})
for i in {1..150}; do
	MANY+=("+_acme-challenge.h$i.$L.insecure.test=$V1")
done
before=$(world_serial pri insecure.test)
does '150 names' insecure.test "$PRI" "$KEY" "${MANY[@]}"
has '... the last one' pri "_acme-challenge.h150.$L.insecure.test" "$V1"
is '... by three messages' $(($(world_serial pri insecure.test) - before)) 3
sync insecure.test
asks look "${MANY[@]#+}"
is '... are all seen' "$(grep -c '^seen$' <<<"$SAID")" 150
does 'they are removed' insecure.test "$PRI" "$KEY" "${MANY[@]/#+/-}"

K=_acme-challenge.web.knot.test
does 'Knot: two values' knot.test "$KNOT" "$WORLD/tlsa-sha512.key" "+$K=$V1" "+$K=$V2"
does 'Knot: one of them again, by hmac-sha384' knot.test "$KNOT" "$WORLD/tlsa-sha384.key" "+$K=$V1"
sees 'Knot: both are seen' seen "$K=$V1" "$K=$V2"
does 'Knot: one less' knot.test "$KNOT" "$KEY" "-$K=$V1" "-$K=never"
has '... the other one is there' lag $K "$V2"

# --- aliases, and a zone of its own ------------------------------------------------------------------

A=_acme-challenge.al.example.test
does 'at the target of an alias, by the key of that zone' ed.test "$PRI" "$OTHER" "+al.acme.ed.test=$V1"
check 'sec has it' world_sync2 ed.test
sees 'lag lacks it' "not seen: $KNOT \(ns3.ed.test\) lacks 1 of 1 values" "$A=$V1"
sync ed.test
asks look "$A=$V1" "_acme-challenge.two.example.test=$V1"
is 'it is seen by both aliases' "$SAID" $'seen\nseen'
refuses 'the key of the other zone' 'REFUSED .*allow the key tlsa-sha256 to change TXT there \(BIND: .*zonesub TXT' \
	ed.test "$PRI" "$KEY" "+al.acme.ed.test=$V2"
refuses 'an alias itself' "^refused: $A is an alias \(CNAME\)" example.test "$PRI" "$KEY" "+$A=$V1"
refuses 'one of two is an alias' "^refused: one of $W, $A is an alias \(CNAME\)" \
	example.test "$PRI" "$KEY" "+$W=$V1" "-$A=$V2" "+$A=$V1" "+$A=$V2"
does 'what is not there, at an alias' example.test "$PRI" "$KEY" "-$A=$V1"
does 'in a zone of its own' "$CUT" "$PRI" "$OTHER" "+$CUT=$V1"
sees '... is seen' seen "$CUT=$V1"
I=_acme-challenge.ins.example.test
does 'in a zone that is not signed' insecure.test "$PRI" "$KEY" "+ins.acme.insecure.test=$V1"
sync insecure.test
sees '... is seen' seen "$I=$V1"

# an alias that lag does not know of yet
world_update example.test tlsa-sha256 <<<'update add new.example.test 60 TXT x'
N=_acme-challenge.new.example.test
world_rndc freeze example.test >/dev/null 2>&1
"$TOP/hooks/lib/raise-serial" "$WORLD/pri/example.test.db" >/dev/null
echo '_acme-challenge.new.example.test. 60 CNAME new.acme.ed.test.' >>"$WORLD/pri/example.test.db"
world_rndc thaw example.test >/dev/null 2>&1
does 'at the target of a new alias' ed.test "$PRI" "$OTHER" "+new.acme.ed.test=$V1"
sync ed.test
check 'sec has the alias' within 5 world_sync2 example.test
sees 'lag has not the alias' "not seen: $KNOT \(ns3.example.test\) lacks the alias of $N" "$N=$V1"
sync example.test
sees '... until it pulls' seen "$N=$V1"

# --- zones that nobody believes ----------------------------------------------------------------------

asks look _acme-challenge.web.bogus.test=x _acme-challenge.bog.example.test=x _acme-challenge.web.expired.test=x \
	"$A=$V1"
like 'a bogus zone' "$(sed -n 1p <<<"$SAID")" '^bogus: bogus.test is bogus: .'
like 'an alias into one' "$(sed -n 2p <<<"$SAID")" '^bogus: bogus.test is bogus: .'
like 'one that has expired' "$(sed -n 3p <<<"$SAID")" '^bogus: expired.test is bogus: .'
is 'and beside them a good one' "$(sed -n 4p <<<"$SAID")" seen
world_pause lag
sees 'a server that is silent' "not seen: $KNOT \(ns3.ed.test\): no answer in time" "al.acme.ed.test=$V1"
world_cont lag

# --- said no ------------------------------------------------------------------------------------------

refuses 'a wrong secret' '^refused: .* NOTAUTH .*BADSIG.*another secret for the key tlsa-sha256' \
	example.test "$PRI" "$WORLD/wrong.key" "+$W=$V1"
refuses 'an unknown key' '^refused: .* NOTAUTH .*BADKEY.*does not know the key stranger' \
	example.test "$PRI" "$WORLD/stranger.key" "+$W=$V1"
BEFORE=(faketime -f -1h)
refuses 'a clock that is an hour behind' 'BADTIME.*our clock is (1h|59m 59s) behind the server' \
	example.test "$PRI" "$KEY" "+$W=$V1"
BEFORE=()
refuses 'without a key' 'REFUSED .*without a key: name one in \[update\] keys$' example.test "$PRI" - "+$W=$V1"
refuses 'a zone that is not served' 'NOTAUTH .*not the primary server of missing.test' \
	missing.test "$PRI" "$KEY" '+x.missing.test=x'
refuses 'a name outside of the zone' 'NOTZONE .*not in the zone example.test' \
	example.test "$PRI" "$KEY" "+x.insecure.test=x"
refuses 'NSD, which takes no updates' 'NOTIMP .*NSD never does' example.test "$NSD" "$KEY" "+$W=$V1"
refuses 'a secondary of Knot' 'NOTAUTH' example.test "$KNOT" "$KEY" "+$W=$V1"
refuses 'nobody there' '^later: .*connection refused' example.test 127.0.0.1:9 "$KEY" "+$W=$V1"
refuses 'no TXT record' '^local: .*longer than 255 bytes' example.test "$PRI" "$KEY" "+$W=$(printf 'x%.0s' {1..256})"

# --- CAA ----------------------------------------------------------------------------------------------

EXAMPLE='example.test: 0 issue letsencrypt.org; accounturi=https://acme.test/acct/1; validationmethods=dns-01'
asks caa example.test '*.web.example.test' x.y.example.test strict.example.test cn.example.test web.insecure.test \
	web.bogus.test web.expired.test
is 'CAA: of the zone' "$(sed -n 1p <<<"$SAID")" "$EXAMPLE"
is '... from above a wildcard' "$(sed -n 2p <<<"$SAID")" "$EXAMPLE"
is '... from above what is not there' "$(sed -n 3p <<<"$SAID")" "$EXAMPLE"
is '... of the name' "$(sed -n 4p <<<"$SAID")" 'strict.example.test: 1 issue ;'
is '... of what an alias leads to' "$(sed -n 5p <<<"$SAID")" 'cn.example.test: 1 issue ;'
is '... none, in a zone that is not signed' "$(sed -n 6p <<<"$SAID")" nothing
like '... in a bogus zone' "$(sed -n 7p <<<"$SAID")" '^the CAA records of web.bogus.test cannot be looked up: .'
like '... in one that has expired' "$(sed -n 8p <<<"$SAID")" '^the CAA records of web.expired.test cannot be looked up: .'
try caa "127.0.0.131:$WORLD_PORT" "$WORLD_PORT" - web.example.test web.bogus.test
is 'by the resolver alone' "$(sed -n 1p <<<"$SAID")" "$EXAMPLE"
like '... in a bogus zone' "$(sed -n 2p <<<"$SAID")" '^the CAA records of web.bogus.test cannot be looked up: .*SERVFAIL'
finish
