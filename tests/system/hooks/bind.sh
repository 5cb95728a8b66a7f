#!/bin/bash
# bind.sh - bind-reload with a real named: a zone that it signs, one that it does not, one that takes
# updates, and one whose include file is not there yet.
# shellcheck disable=SC2016,SC2034 source=/dev/null
. "$(dirname "$0")/../lib.sh" || exit 1
need_programs named rndc named-checkzone dig flock openssl

DIR=$SCRATCH/bind
mkdir -p "$DIR"
free_port; DNS=$PORT
free_port; CONTROL=$PORT
NAMED=$(command -v named)
if [ "$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null)" = Y ]; then
	cp "$NAMED" "$SCRATCH/named"        # its profile is attached by path
	NAMED=$SCRATCH/named
fi

SECRET=$(openssl rand -base64 24)
cat >"$DIR/rndc.conf" <<END
key "k" { algorithm hmac-sha256; secret "$SECRET"; };
options { default-key "k"; default-server 127.0.0.1; default-port $CONTROL; };
END
cat >"$DIR/named.conf" <<END
options {
	directory "$DIR"; pid-file "$DIR/named.pid"; session-keyfile "$DIR/session.key"; lock-file none;
	managed-keys-directory "$DIR"; port $DNS; listen-on port $DNS { 127.0.0.1; }; listen-on-v6 { none; };
	recursion no; dnssec-validation no; notify no; empty-zones-enable no;
};
key "k" { algorithm hmac-sha256; secret "$SECRET"; };
controls { inet 127.0.0.1 port $CONTROL allow { 127.0.0.1; } keys { "k"; }; };
logging { channel f { file "$DIR/named.log"; severity info; }; category default { f; }; };
dnssec-policy "quick" { keys { csk lifetime unlimited algorithm ecdsap256sha256; }; };
view "only" {
	zone "signed.test" { type primary; file "signed.test.db"; inline-signing yes; dnssec-policy quick; };
	zone "plain.test" { type primary; file "$DIR/plain.test.db"; };
	zone "dynamic.test" { type primary; file "dynamic.test.db"; allow-update { key k; }; };
	zone "later.test" { type primary; file "$DIR/later.test.db"; };
	zone "sub.plain.test" { type primary; file "sub.db"; };
};
END

# zone_file SERIAL EXTRA-LINES
zone_file() {
	cat <<-END
		\$TTL 60
		@	IN SOA ns1 hostmaster (
				$1	; serial
				3600 600 864000 30 )
		@	NS ns1
		ns1	A 127.0.0.1
		$2
	END
}
zone_file 2024010100 "\$INCLUDE $DIR/signed.inc" >"$DIR/signed.test.db"
zone_file 41 $'sub NS ns1\n$INCLUDE plain.inc' >"$DIR/plain.test.db"
zone_file 1 '' >"$DIR/dynamic.test.db"
zone_file 1 "\$INCLUDE $DIR/later.inc" >"$DIR/later.test.db"
zone_file 1 '' >"$DIR/sub.db"

new_generation 1
new_generation 2
go_live 1
records _25._tcp.mx.signed.test. 1 >"$DIR/signed.inc"
records _25._tcp.mx.plain.test. 1 >"$DIR/plain.inc"

serial() { awk '/; serial/ { print $1 }' "$DIR/$1.db"; }
rndc_() { rndc -c "$DIR/rndc.conf" "$@"; }
signed() { ask _25._tcp.mx.signed.test TLSA +dnssec | grep -q 'RRSIG.TLSA'; }

start named "$NAMED" -f -c "$DIR/named.conf"
NAMED_PID=$PID
within 10 signed
verdict $? 'named serves the signed zone' || note "$(cat "$DIR/named.log" "$SCRATCH/named.log")"
check 'with the record of generation 1' serves _25._tcp.mx.signed.test 1

OPTIONS=(--control-conf "$DIR/rndc.conf" --port "$DNS" --dir "$DIR")
INCLUDE=$DIR/signed.inc
OWNERS='_25._tcp.mx.signed.test _25._tcp.mx.elsewhere.test'

# What the hook is for: a changed include file alone is ignored.
records _25._tcp.mx.signed.test. 1 2 >"$DIR/signed.inc"
is 'rndc reload is content with a changed include file' "$(rndc_ reload signed.test)" 'zone reload queued'
sleep 1
check '... and ignores it' serves _25._tcp.mx.signed.test 1
hook_exits 0 'the hook succeeds (a zone that named signs, its file by relative path)' \
	bind-reload "${OPTIONS[@]}" signed.test signed.test.db
check '... and both records are served' serves _25._tcp.mx.signed.test 1 2
check '... signed' signed
is '... under a serial of today' "$(serial signed.test)" "$(date -u +%Y%m%d)00"
is '... which named has loaded' "$(rndc_ zonestatus signed.test | sed -n 's/^serial: //p')" "$(serial signed.test)"

# Once more.
before=$(sed '/; serial/d' "$DIR/signed.test.db")
hook_exits 0 'a second run succeeds' bind-reload "${OPTIONS[@]}" signed.test. "$DIR/signed.test.db"
check '... and changes no record' serves _25._tcp.mx.signed.test 1 2
is '... and nothing in the file but the serial' "$(sed '/; serial/d' "$DIR/signed.test.db")" "$before"
records _25._tcp.mx.signed.test. 2 >"$DIR/signed.inc"
hook_exits 0 'a record that has left the include file' bind-reload "${OPTIONS[@]}" signed.test signed.test.db
check '... leaves the zone' serves _25._tcp.mx.signed.test 2

# refused TEXT PATTERN ZONE FILE: exit 1, says why, the zone file and what is served stay
refused() {
	local before answers
	before=$(cat "$DIR/$4")
	answers=$(served "_25._tcp.mx.$3")
	hook_exits 1 "$1: exit 1" bind-reload "${OPTIONS[@]}" "$3" "$4"
	like "$1: says why" "$SAID" "$2"
	is "$1: in at most two lines" $(($(printf '%s\n' "$SAID" | wc -l) <= 2)) 1
	is "$1: the zone file is as it was" "$(cat "$DIR/$4")" "$before"
	is "$1: the server answers as before" "$(served "_25._tcp.mx.$3")" "$answers"
}
echo '; nothing' >"$DIR/signed.inc"
refused 'an include file without records' 'signed.inc has no TLSA record for _25._tcp.mx.signed.test' signed.test signed.test.db
rm -- "$DIR/signed.inc"
refused 'no include file' 'signed.inc does not exist' signed.test signed.test.db
{ records _25._tcp.mx.signed.test. 2; echo 'x IN TLSA 3 1'; } >"$DIR/signed.inc"
refused 'an include file with an error' 'named-checkzone refuses it: .*signed.inc:2' signed.test signed.test.db
records _25._tcp.mx.signed.test. 2 >"$DIR/signed.inc"
good=$(cat "$DIR/signed.test.db")
echo 'www A 127.0.0' >>"$DIR/signed.test.db"
refused 'a zone file with an error' 'named-checkzone refuses it: .*signed.test.db:8' signed.test signed.test.db

# A zone file that was set back: its serial rises above the one that is loaded.
loaded=$(serial signed.test)
printf '%s\n' "$good" | sed "s/$loaded/7/" >"$DIR/signed.test.db"
hook_exits 0 'a zone file whose serial is below the loaded one' bind-reload "${OPTIONS[@]}" signed.test signed.test.db
is '... gets one above it' "$(serial signed.test)" $((loaded + 1))

# A zone without signatures, its file found through named, a delegation, a counter.
INCLUDE=$DIR/plain.inc
OWNERS='_25._tcp.mx.plain.test _25._tcp.mx.sub.plain.test'
{ records _25._tcp.mx.plain.test. 1 2; records _25._tcp.MX.sub.plain.test. 1; } >"$DIR/plain.inc"
hook_exits 0 'a zone without signatures, its file found through named' bind-reload "${OPTIONS[@]}" --view only Plain.TEST
check '... is served' serves _25._tcp.mx.plain.test 1 2
is '... under the next serial' "$(serial plain.test)" 42
sed -i 's/^\$INCLUDE.*//' "$DIR/plain.test.db"
hook_exits 1 'a zone file that does not include the file' bind-reload "${OPTIONS[@]}" --wait 1 plain.test "$DIR/plain.test.db"
like '... is named' "$SAID" 'does not answer with _25._tcp.mx.plain.test TLSA 3 1 1 .*plain.test.db have a line .INCLUDE'
echo '$INCLUDE plain.inc' >>"$DIR/plain.test.db"
hook_exits 1 'an address where nobody answers' bind-reload "${OPTIONS[@]}" --port 9 --wait 1 plain.test "$DIR/plain.test.db"
like '... is named' "$SAID" '127.0.0.1 port 9 gives no answer'
hook_exits 0 'put right, it succeeds' bind-reload "${OPTIONS[@]}" plain.test "$DIR/plain.test.db"
INCLUDE=
hook_exits 0 'without an include file the serial alone is verified' bind-reload "${OPTIONS[@]}" plain.test "$DIR/plain.test.db"

# A zone that named could not load, as its include file did not exist.
INCLUDE=$DIR/later.inc
OWNERS=_25._tcp.mx.later.test
is 'a zone without its include file is not served' "$(ask later.test SOA)" ''
records _25._tcp.mx.later.test. 1 >"$DIR/later.inc"
hook_exits 0 'the hook brings it up' bind-reload "${OPTIONS[@]}" later.test "$DIR/later.test.db"
check '... with the record' serves _25._tcp.mx.later.test 1

# named reads as its own user what root could read.
if [ "$(id -u)" -eq 0 ]; then
	stop "$NAMED_PID"
	mkdir -m 700 "$SCRATCH/closed"
	INCLUDE=$SCRATCH/closed/later.inc
	records _25._tcp.mx.later.test. 1 2 >"$INCLUDE"
	zone_file 50 "\$INCLUDE $INCLUDE" >"$DIR/later.test.db"
	chown -R 65534:65534 "${DIR:?}"
	start named2 setpriv --reuid 65534 --regid 65534 --clear-groups "$NAMED" -f -c "$DIR/named.conf"
	NAMED_PID=$PID
	within 10 serves _25._tcp.mx.plain.test 1 2
	hook_exits 1 'an include file that named may not read, a zone that is not loaded' \
		bind-reload "${OPTIONS[@]}" later.test "$DIR/later.test.db"
	like '... says what to look at' "$SAID" "rndc cannot reload .*, serial 51 .*can its user .* read $INCLUDE"
	chmod 755 "$SCRATCH/closed"
	hook_exits 0 '... is loaded once it may' bind-reload "${OPTIONS[@]}" later.test "$DIR/later.test.db"
	check '... with both records' serves _25._tcp.mx.later.test 1 2
	chmod 700 "$SCRATCH/closed"
	hook_exits 1 'an include file that named may no longer read' \
		bind-reload "${OPTIONS[@]}" --wait 1 later.test "$DIR/later.test.db"
	like '... says what to look at' "$SAID" "named has not loaded the serial 53 .*can its user .* read $INCLUDE"
	check '... the old records stay' serves _25._tcp.mx.later.test 1 2
fi

INCLUDE=
refused 'a zone that takes updates' 'publish by update' dynamic.test dynamic.test.db
hook_exits 1 'a zone that named does not have' bind-reload "${OPTIONS[@]}" other.test "$DIR/plain.test.db"
like '... is named' "$SAID" 'other.test: named has no such zone'
hook_exits 1 'a zone file that does not exist' bind-reload "${OPTIONS[@]}" plain.test "$DIR/none.db"
like '... is named' "$SAID" 'none.db: no such zone file'

protocol bind-reload plain.test /nonexistent
hook_exits 2 'a zone file that named knows by its relative path only' bind-reload --control-conf "$DIR/rndc.conf" signed.test

stop "$NAMED_PID"
before=$(serial plain.test)
hook_exits 1 'named does not run' bind-reload "${OPTIONS[@]}" plain.test "$DIR/plain.test.db"
like '... says so' "$SAID" 'rndc cannot ask named: .*refused'
is '... and the serial stays' "$(serial plain.test)" "$before"
finish
