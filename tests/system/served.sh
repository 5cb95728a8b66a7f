#!/bin/bash
# served.sh - certline looks at servers: Postfix, Dovecot, nginx, Apache and Prosody with an RSA and an ECDSA key go
# through rollovers and renewals, and servers that do not do what their hooks say, are down, or misbehave in other
# ways hold the old records, are named, and are told of by the exit status.  The clock of the program is moved
# (--now); records go into an include file that nobody serves, since name servers are the business of eyes.sh.
#
# As root, in a network of its own.
# shellcheck disable=SC2016,SC2034,SC2153,SC2154 source=/dev/null

. "$(dirname "$0")/lab/alone.sh"
. "$(dirname "$0")/lib.sh" || exit 1
. "$TOP/tests/system/lab/line.sh"
. "$TOP/tests/system/lab/servers.sh"
need_programs postfix dovecot doveadm nginx apache2 prosody openssl python3 jq ip
ip link set lo up
. "$TOP/tests/system/lab/looking.sh"

# --- five servers, two keys -----------------------------------------------------------------------------

SERVED=('' -rsa-2048)
ALL='postfix dovecot nginx apache prosody'
for server in $ALL; do
	"${server}_files"
done
OWNERS="_$SMTP._tcp.mx.lab.example _$IMAP._tcp.mx.lab.example _$IMAPS._tcp.mx.lab.example
  _$POP3._tcp.mx.lab.example _$POP3S._tcp.mx.lab.example _$SIEVE._tcp.mx.lab.example _$HTTPS._tcp.www.lab.example
  _$APACHE._tcp.www.lab.example"
ROWS=("starttls = $SMTP smtp" "  $IMAP imap" "  $POP3 pop3" "  $SIEVE sieve" 'servers =')
for owner in $OWNERS; do
	ROWS+=("  $owner 127.0.0.1")
done
N=$(wc -w <<<"$OWNERS")
for server in $ALL; do
	[ "$server" = prosody ] || HOOKS+=("$(server_hook "$server")")
	server_lazy "$server"
done
fresh
at 0 init
is 'before the servers run, no records are published' "$(recorded)" 0
at 0 status
check 'and it is said what is waited for' says 'first records wait until servers present the key: _[0-9]+\._tcp'
is_at 30 0 'which is no fault, as long as they may be starting' cron
for server in $ALL; do
	[ "$server" = prosody ] || {
		"${server}_start"
		verdict $? "$server runs" || note "$(tail -n 5 "$SCRATCH/$server.log" "$SCRATCH/$server"/*log)"
		server_honest "$server"
	}
done
is_at 60 0 'when all servers present both keys, they are' cron
is 'of two keys for each owner' "$(recorded)" $((2 * N))
is 'every endpoint was seen with both' "$(of '[.endpoints[] | select(.ok and .state == "presented")] | length')" $((2 * N))
is_at 120 0 'an hourly run looks no more than it must' cron
is 'and has not' "$(of '[.endpoints[].looked] | unique | length')" 1

is_at 7200 0 'roll' roll
is 'both sets are published' "$(recorded)" $((4 * N))
is_at 10900 0 'promoted after the staging time, and all servers are told' cron
is 'the new generation is live' "$(generation live)" 2
is 'all servers are seen with it' "$(of '[.endpoints[] | select(.ok)] | length')" $((2 * N))
is 'the old records are still there, for a way back' "$(recorded)" $((4 * N))
like 'which is said' "$(of .why)" 'rolled back'
is_at 97000 0 'a day after the promotion' cron
is 'the old records stay until the roll-back window is over' "$(recorded)" $((4 * N))
is_at 97400 0 'then they go' cron
is 'as every server was seen with the new keys' "$(recorded)" $((2 * N))

# --- the hook says yes, and the server has not reloaded --------------------------------------------------

server_lazy nginx
is_at 200000 0 'roll again' roll
calls=$(reloads nginx)
is_at 203700 1 'promoted; nginx does not reload, although its hook says yes' cron
check 'it is named, with the old key' says "_$HTTPS\._tcp\.www\.lab\.example at 127\.0\.0\.1:$HTTPS presents the old key \(generation 2\)"
is_at 204000 1 'status says so, too' status
check 'by name' says "! _$HTTPS\._tcp\.www\.lab\.example at 127"
is 'Apache is not accused' "$(of "[.endpoints[] | select(.ok | not) | .name] | unique | join(\" \")")" "_$HTTPS._tcp.www.lab.example"
is_at 204100 1 'the next run tells it again' cron
check 'the hook was called once more' [ "$(reloads nginx)" -ge $((calls + 2)) ]
is_at 4000000 1 'a month later' cron
is 'the old records are still there' "$(recorded)" $((4 * N))
server_honest nginx
is_at 4000100 0 'when the server obeys, all is well at once' cron
is 'and the old records go' "$(recorded)" $((2 * N))

# ... of a renewal
server_lazy dovecot
is_at 4000200 1 'renew: Dovecot does not load the new certificate' renew
check 'each of its ports is named' says "_$POP3S\._tcp\.mx\.lab\.example at 127\.0\.0\.1:$POP3S presents an old certificate"
is_at 4000300 1 'the obligation stays' cron
server_honest dovecot
is_at 4000400 0 'until it is met' cron
is 'the certificates that are served are the live ones' "$(of '[.endpoints[] | select(.current)] | length')" $((2 * N))
server_lazy nginx
at 4000500 renew
is_at 11300000 1 'when what is served is about to end' status
check 'it is urgent' says "URGENT: _$HTTPS\._tcp"
server_honest nginx
at 4000600 cron

# a hook that fails does not hide a server that lies
server_lazy nginx
cp "$SCRATCH/reload-postfix" "$SCRATCH/kept"
script "$SCRATCH/reload-postfix" <<<'echo no; exit 1'
is_at 4500000 0 'roll' roll
is_at 4503700 1 'promoted; the hook of Postfix fails, and nginx does not reload' cron
is_at 4503800 1 'status' status
check 'names the hook' says 'hook .*reload-postfix failed'
check 'and the server' says "note: _$HTTPS\._tcp\.www\.lab\.example at 127\.0\.0\.1:$HTTPS presents the old key \(generation [0-9]+\) "
cp "$SCRATCH/kept" "$SCRATCH/reload-postfix"
server_honest nginx
at 4503900 cron
is_at 4700000 0 'both obey' cron
is 'and the old records go' "$(recorded)" $((2 * N))

# --- one key type alone has switched -------------------------------------------------------------------

# Apache presents its RSA key from a copy
cp -r "$LINE_DIR/gen/$(basename "$(readlink "$LIVE")")" "$SCRATCH/stuck"
sed -i 's/^settles .*/sleep 1/' "$SCRATCH/reload-apache"       # and its hook does not look
sed -i -E "s#$LIVE/(fullchain|key)-rsa#$SCRATCH/stuck/\\1-rsa#" "$HTTPD/apache2.conf"
is_at 5000000 0 'roll' roll
at 5003700 cron
is 'Apache has switched its ECDSA key, and not its RSA key' "$STATUS" 1
check 'which is said' says "_$APACHE\._tcp\.www\.lab\.example at 127\.0\.0\.1:$APACHE presents the old key \(generation [0-9]+\), to clients that ask for RSA"
is_at 6000000 1 'ten days later' cron
is 'the old records are still there' "$(recorded)" $((4 * N))
sed -i "s#$SCRATCH/stuck#$LIVE#" "$HTTPD/apache2.conf"
server_hook apache >/dev/null
is_at 6000100 0 'then it does' cron
is 'and they go' "$(recorded)" $((2 * N))

# --- one endpoint is down for a day ----------------------------------------------------------------------

is_at 7000000 0 'roll' roll
server_stop apache
server_lazy apache
at 7003700 cron
is 'promoted while Apache is down' "$(generation live)" "$(of .live.generation)"
is 'an outage is no fault at first' "$STATUS" 0
at 7003700 status
check 'but is noted' says "note: _$APACHE\._tcp\.www\.lab\.example at 127\.0\.0\.1:$APACHE is not reached"
is_at 7080000 1 'after some hours it is one' cron
is_at 7100000 1 'a day later' cron
is 'the old records wait for it' "$(recorded)" $((4 * N))
server_honest apache
apache_start
is_at 7100100 0 'it is back, with the new keys' cron
is 'and the old records go' "$(recorded)" $((2 * N))
cp -a "$LIVE/" "$SCRATCH/old"
is_at 8000000 0 'roll' roll
server_stop apache
server_lazy apache
at 8003700 cron
at 8100000 cron
is 'within retire-after of the reload the old records stay' "$(recorded)" $((4 * N))
at 8180000 cron
is 'after it the hook is believed' "$(recorded)" $((2 * N))
is 'the endpoint stays a fault' "$STATUS" 1
start from-old-files openssl s_server -accept "127.0.0.1:$APACHE" -quiet -cert "$SCRATCH/old/cert.pem" -key "$SCRATCH/old/key.pem" \
	-dcert "$SCRATCH/old/cert-rsa-2048.pem" -dkey "$SCRATCH/old/key-rsa-2048.pem"
within 5 listens "$APACHE"
is_at 8180100 1 'it comes back with the old key' cron -v
check 'which is told as what it is' says 'presents the removed key \(generation [0-9]+\)[^:]*: it was started from old files.*DANE clients refuse it'
check 'and the servers are told again' says 'the servers were told of generation'
stop "$PID"
server_honest apache
apache_start
is_at 8180200 0 'it is mended' cron
server_stop apache
server_lazy apache
conf 'unreachable = hold'
is_at 9000000 0 'with unreachable = hold' roll
at 9003700 cron
at 19003700 cron
is 'it is waited for' "$(recorded)" $((4 * N))
server_honest apache
apache_start
at 19003800 cron
for server in $ALL; do
	[ "$server" = prosody ] || server_stop "$server"
done

# --- chat -------------------------------------------------------------------------------------------------

SERVED=('')
TYPES=ec-256
HOOKS=("$(server_hook prosody)")
OWNERS="_$XMPP._tcp.chat.lab.example _$XMPP_SERVER._tcp.chat.lab.example"
ROWS=("starttls = $XMPP xmpp-client" "  $XMPP_SERVER xmpp-server" "servers = _$XMPP._tcp.chat.lab.example 127.0.0.1"
	"  _$XMPP_SERVER._tcp.chat.lab.example 127.0.0.1")
fresh
at 0 init
prosody_start
verdict $? 'Prosody runs' || note "$(cat "$PROSODY/log")"
server_honest prosody
is_at 60 0 'Prosody is seen, by clients and by servers' cron
is 'two endpoints' "$(of '[.endpoints[] | select(.ok)] | length')" 2
is_at 7200 0 'roll' roll
is_at 10900 0 'it switches when it is told to' cron
is 'at both ports' "$(of '[.endpoints[] | select(.ok)] | length')" 2
server_stop prosody

# --- servers that misbehave -----------------------------------------------------------------------------------

HOOKS=(/bin/true)
OWNERS='_25._tcp.mx.lab.example _443._tcp.mx.lab.example'
declare -A BAD=([silent]='silent' [hang]='silent: no answer in the TLS handshake' [garbage]='' [close]='' [flood]='' [alert]='internal' \
	[no-starttls]='STARTTLS' [refused]='454|STARTTLS')
for mode in silent hang garbage close flood alert no-starttls refused; do
	free_port; bad=$PORT
	free_port; good=$PORT
	case $mode in
	no-starttls | refused | hang | alert) starttls=smtp ;;
	*) starttls=none ;;
	esac
	ROWS=("servers = _25._tcp.mx.lab.example $starttls 127.0.0.1:$bad" "  _443._tcp.mx.lab.example none 127.0.0.1:$good")
	fresh
	at 0 init -q
	start "good-$mode" openssl s_server -accept "127.0.0.1:$good" -cert "$LIVE/cert.pem" -key "$LIVE/key.pem" -quiet
	start "bad-$mode" "$TOP/tests/system/lab/bad_tls.py" "127.0.0.1:$bad $mode$([ "$starttls" = none ] || echo ' talk=smtp')"
	within 5 listens "$bad" && within 5 listens "$good"
	began=$(date +%s)
	is_at 60 1 "$mode: the exit status says so" cron
	check "$mode: within the limit" [ $(($(date +%s) - began)) -le 60 ]
	check "$mode: it is named" says "_25\._tcp\.mx\.lab\.example at 127\.0\.0\.1:$bad shows no certificate: .*(${BAD[$mode]})"
	check_not "$mode: the other one is not" says '_443\._tcp'
	is "$mode: nothing is published there, a month later" "$(at 2600000 cron; recorded _25)" 0
	is "$mode: the other owner has its record" "$(recorded _443)" 1
done

# one that is busy: like one that is away
free_port; bad=$PORT
ROWS=("servers = _25._tcp.mx.lab.example smtp 127.0.0.1:$bad")
OWNERS=_25._tcp.mx.lab.example
fresh
at 0 init -q
start busy "$TOP/tests/system/lab/bad_tls.py" "127.0.0.1:$bad busy"
within 5 listens "$bad"
is_at 60 0 'busy for now: no fault' cron -v
check 'but it is said' says '127\.0\.0\.1:[0-9]+ is not reached: busy: .*421'
is_at 7200 1 'for hours: a fault' cron
check 'it is named' says '_25\._tcp\.mx\.lab\.example at 127\.0\.0\.1:[0-9]+ is not reached: busy: .*421'
is 'and nothing is published' "$(recorded)" 0
stop "$PID"
cat "$LIVE/key.pem" "$LIVE/cert.pem" >"$SCRATCH/let-in.pem"
start let-in "$TOP/tests/system/lab/bad_tls.py" "127.0.0.1:$bad smtp chain=$SCRATCH/let-in.pem"
within 5 listens "$bad"
is_at 7300 0 'the next run sees that it is not any more, however long ago the last look was not' cron
is 'and its records are published' "$(recorded)" 1
stop "$PID"
at 12000 cron
is_at 16000 1 'gone for an hour: a fault' cron
start let-in "$TOP/tests/system/lab/bad_tls.py" "127.0.0.1:$bad smtp chain=$SCRATCH/let-in.pem"
within 5 listens "$bad"
is_at 16060 0 'back a minute after the last look: the next run sees that' cron

# an expired certificate of the live key: DANE is content, and clients with CAs are not
free_port
ROWS=("servers = _443._tcp.mx.lab.example none 127.0.0.1:$PORT")
OWNERS=_443._tcp.mx.lab.example
fresh
at 0 init -q
openssl req -x509 -key "$LIVE/key.pem" -subj /CN=mx.lab.example -days 1 -out "$SCRATCH/expired.pem" 2>/dev/null
start expired openssl s_server -accept "127.0.0.1:$PORT" -cert "$SCRATCH/expired.pem" -key "$LIVE/key.pem" -quiet
within 5 listens "$PORT"
is_at 864000 1 'the right key with an expired certificate: told' cron
check 'as such' says 'EXPIRED: _443\._tcp\.mx\.lab\.example at 127\.0\.0\.1:[0-9]+ presents an old certificate'
is 'the records are right all the same' "$(recorded)" 1

# one of two addresses serves the old key
free_port; first=$PORT
ROWS=("servers = _443._tcp.mx.lab.example none 127.0.0.1:$first 127.0.0.2:$first")
fresh
at 0 init -q
for address in 127.0.0.1 127.0.0.2; do
	start "s-$address" openssl s_server -accept "$address:$first" -cert "$LIVE/cert.pem" -key "$LIVE/key.pem" -quiet
	[ "$address" = 127.0.0.2 ] || FIRST=$PID
	within 5 answers "$address" "$first"
done
is_at 60 0 'two addresses present the first key' cron
at 7200 roll
stop "$FIRST"
at 10900 cron -q
start s-new openssl s_server -accept "127.0.0.1:$first" -cert "$LIVE/cert.pem" -key "$LIVE/key.pem" -quiet
within 5 answers 127.0.0.1 "$first"
is_at 1000000 1 'one of two addresses serves the old key' cron
check 'that one is named' says "at 127\.0\.0\.2:$first presents the old key"
check_not 'the other one is not' says "at 127\.0\.0\.1:$first"
is 'the old record stays' "$(recorded)" 2

# several servers behind one address, and one of them has not switched
free_port; shared=$PORT
ROWS=("servers = _443._tcp.mx.lab.example none 127.0.0.1:$shared")
fresh
at 0 init -q
cat "$LIVE/key.pem" "$LIVE/cert.pem" >"$SCRATCH/first.pem"
start one "$TOP/tests/system/lab/bad_tls.py" "127.0.0.1:$shared tls chain=$SCRATCH/first.pem"
FIRST=$PID
within 5 listens "$shared"
is_at 60 0 'an address presents the first key' cron
at 7200 roll
at 10900 cron -q
stop "$FIRST"
cat "$LIVE/key.pem" "$LIVE/cert.pem" >"$SCRATCH/second.pem"
start two "$TOP/tests/system/lab/bad_tls.py" "127.0.0.1:$shared tls chain=$SCRATCH/first.pem then=$SCRATCH/second.pem"
FIRST=$PID
within 5 listens "$shared"
for i in {1..10}; do
	at $((90000 + i * 3600)) cron
done
is 'it presents now the first and now the second one: the old record stays' "$(recorded)" 2
at 130000 status
check 'as is said' says 'presented now this key, now that'
stop "$FIRST"
start three "$TOP/tests/system/lab/bad_tls.py" "127.0.0.1:$shared tls chain=$SCRATCH/second.pem"
within 5 listens "$shared"
at 140000 cron
is 'for a day' "$(recorded)" 2
at 300000 cron
is 'and goes after one with the second key only' "$(recorded)" 1

# --- addresses by DNS, which fails at the wrong moment ------------------------------------------------------

free_port; lookup=$PORT
free_port; both=$PORT
OWNERS=_$both._tcp.www.lab.example
ROWS=('[dns]' "resolver = 127.0.0.1:$lookup" 'validate = no')

# tells A AAAA: what the resolver says of the host from now on, as in resolver.py.
tells() {
	[ -z "${LIAR:-}" ] || stop "$LIAR"
	start liar python3 "$TOP/tests/system/lab/resolver.py" --listen "127.0.0.1:$lookup" --upstream 127.0.0.9:9 \
		--rule "A www.lab.example $1" --rule "AAAA www.lab.example $2"
	LIAR=$PID
	within 5 listens "$lookup"
}

tells 'answer 127.0.0.1' 'answer ::1'
fresh
at 0 init -q
start six openssl s_server -accept "[::1]:$both" -cert "$LIVE/cert.pem" -key "$LIVE/key.pem" -quiet
start four openssl s_server -accept "127.0.0.1:$both" -cert "$LIVE/cert.pem" -key "$LIVE/key.pem" -quiet
FIRST=$PID
within 5 [ "$(ss -Htln "sport = :$both" | wc -l)" = 2 ]
is_at 60 0 'both addresses present the first key' cron
is 'one record' "$(recorded)" 1
at 7200 roll
kill "$FIRST"
at 10900 cron -q
start new openssl s_server -accept "127.0.0.1:$both" -cert "$LIVE/cert.pem" -key "$LIVE/key.pem" -quiet
within 5 [ "$(ss -Htln "sport = :$both" | wc -l)" = 2 ]
is_at 200000 1 'the other address serves the old key' cron
tells 'answer 127.0.0.1' servfail
at 500000 cron
is 'its address cannot be looked up: it is not forgotten' "$(recorded)" 2
at 500010 status
check 'but is not reached' says "_$both\._tcp\.www\.lab\.example at \[::1\]:$both is not reached"
tells nothing nothing
at 500100 cron
is 'nor when the host has no address for a moment' "$(recorded)" 2
tells 'answer 127.0.0.1' 'answer ::1'
is_at 500200 1 'it is back' cron
check 'with the old key' says "at \[::1\]:$both presents the old key"

# a name that is new in the configuration, whose server has another key
free_port; other=$PORT
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=other -keyout "$SCRATCH/other.key" \
	-out "$SCRATCH/other.pem" 2>/dev/null
tells 'answer 127.0.0.1' nothing
at 500300 cron
is 'an address that has just left DNS may come back' "$(recorded)" 2
at 500310 status
check 'as is said' says "at \[::1\]:$both is not reached: it has left DNS, and presented another key before"
at 600000 cron
is 'a day later it is not waited for any more' "$(recorded)" 1
start other openssl s_server -accept "127.0.0.1:$other" -cert "$SCRATCH/other.pem" -key "$SCRATCH/other.key" -quiet
within 5 listens "$other"
OWNERS+=" _$other._tcp.www.lab.example"
conf
is_at 600060 1 'a new owner is looked at, though the last look is not long ago' cron
is 'and gets no records while its server has another key' "$(recorded)" 1

# no more are looked at than a host may sensibly have
tells "answer $(printf '127.0.1.%d ' {1..65})" nothing
OWNERS=_$both._tcp.www.lab.example
fresh
at 0 init -q
at 60 cron
check 'one address too many is not left out silently' says "at other addresses shows no certificate: 1 more address"

# an address that this host has no route to, IPv6 say, is no fault of the server, as long as another one is reached
free_port
ROWS=("servers = _443._tcp.mx.lab.example none 127.0.0.1:$PORT")
OWNERS=_443._tcp.mx.lab.example
fresh
at 0 init -q
start routed openssl s_server -accept "127.0.0.1:$PORT" -cert "$LIVE/cert.pem" -key "$LIVE/key.pem" -quiet
ROUTED=$PID
within 5 listens "$PORT"
at 60 cron
is 'the first records are published' "$(recorded)" 1
ROWS[0]+=" 192.0.2.9:$PORT"
conf
is_at 120 0 'an address without a route is no fault' cron
is_at 7320 0 'nor is it two hours later' cron
at 7330 status
check 'it is noted, with what to do' says "at 192\.0\.2\.9:$PORT is not reached: no route to it.*by \[endpoints\] vantage"
kill "$ROUTED"
wait "$ROUTED" 2>/dev/null
is_at 11000 0 'a server that has just gone is none' cron
is_at 14640 1 'but it is one when no address is reached' cron
at 14650 status
check 'and said of both' says "at 127\.0\.0\.1:$PORT is not reached.*at 192\.0\.2\.9:$PORT is not reached"

# --- from a source address --------------------------------------------------------------------------------------

free_port
cat >"$SCRATCH/peers.py" <<-'END_OF_PY'
	import socket, sys
	s = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=8)
	while True:
	    c, peer = s.accept()
	    print(peer[0], "none" if peer[1] in (0, 53) else "a port", flush=True)
	    c.close()
END_OF_PY
start peers python3 "$SCRATCH/peers.py" "$PORT"
within 5 listens "$PORT"
: >"$SCRATCH/peers.log"
ROWS=("servers = _443._tcp.mx.lab.example none 127.0.0.1:$PORT" 'source = 127.0.0.7')
fresh
at 0 init -q
is 'servers are looked at from the source address, from any port' "$(sort -u "$SCRATCH/peers.log")" '127.0.0.7 a port'
ROWS[1]='source = 192.0.2.77'
fresh
at 0 init -q
is_at 60 1 'one that is not of this host is a fault at once, and not one of the server' cron
check 'which is said' says "127\.0\.0\.1:$PORT shows no certificate: not tried: from 192\.0\.2\.77: Cannot assign"

# --- from somewhere else -------------------------------------------------------------------------------------

# what stands there sees 127.0.0.3, where another key is served
free_port
cat >"$SCRATCH/afar" <<-END_OF_HOOK
	#!/bin/sh
	owners=
	for owner in \$CERTLINE_OWNERS; do owners="\$owners --owner \$owner"; done
	printf '%200000s' ''            # as much as many owners make of it
	exec "$PROGRAM" check --json \$owners --starttls "\$CERTLINE_STARTTLS" --connect 127.0.0.3:$PORT 2>/dev/null
END_OF_HOOK
chmod 755 "$SCRATCH/afar"
ROWS=("servers = _25._tcp.mx.lab.example none 127.0.0.1:$PORT" "vantage = $SCRATCH/afar far.example")
OWNERS=_25._tcp.mx.lab.example
fresh
at 0 init -q
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=mx.lab.example \
	-keyout "$SCRATCH/other.key" -out "$SCRATCH/other.pem" 2>/dev/null
start here openssl s_server -accept "127.0.0.1:$PORT" -cert "$LIVE/cert.pem" -key "$LIVE/key.pem" -quiet
start there openssl s_server -accept "127.0.0.3:$PORT" -cert "$SCRATCH/other.pem" -key "$SCRATCH/other.key" -quiet
THERE=$PID
within 5 listens "$PORT"
is_at 60 1 'what is seen from afar counts' cron
check 'and is said to be seen from there' says "at 127\.0\.0\.3:$PORT from far\.example presents a key that is not of this line"
is 'nothing is published' "$(recorded)" 0
kill "$THERE"
wait "$THERE" 2>/dev/null
start there openssl s_server -accept "127.0.0.3:$PORT" -cert "$LIVE/cert.pem" -key "$LIVE/key.pem" -quiet
sleep 0.3
is_at 120 0 'when the same key is seen from there, all is well' cron
is 'and published' "$(recorded)" 1
script "$SCRATCH/afar" <<<'echo "certline: no such thing" >&2; exit 75'
is_at 7320 0 'a place that cannot be asked is away' cron
at 7320 status
check 'and noted' says 'at - from far\.example is not reached: the vantage hook: exit status 75'
script "$SCRATCH/afar" <<<'head -c 3000000 /dev/zero'
at 14640 cron
at 14640 status
check 'and so is one that prints nonsense' says 'from far\.example is not reached: the vantage hook'
script "$SCRATCH/afar" <<<'head -c 30000000 /dev/zero | tr "\0" " "'
at 21960 cron
at 21960 status
check 'and one that prints without end' says 'the vantage hook: prints more than 16777216 bytes'
rm "$SCRATCH/afar"
at 29280 cron
at 29280 status
check 'one that does not exist is an error, which names it' says 'from far\.example shows no certificate: the vantage hook: .*/afar'
finish
