#!/bin/bash
# endpoints.sh - a rollover with real servers whose keys certline sees: Postfix, Dovecot, nginx, Apache and Prosody,
# each at its usual ports, with RSA and ECDSA at once where they can, and a Postfix that delivers mail by DANE.
# Reload hooks that say yes and reload nothing, servers that are down, and one key of two that was forgotten: in each
# case the old records stay, and the endpoint is named.
#
# As root, in a network of its own.
# shellcheck disable=SC2016,SC2034,SC2153,SC2154 source=/dev/null

. "$(dirname "$0")/lab/alone.sh"
. "$(dirname "$0")/lib.sh" || exit 1
. "$TOP/tests/system/lab/line.sh"
. "$TOP/tests/system/lab/dane.sh"
need_programs postfix dovecot doveadm nginx apache2 prosody named unbound dig openssl curl jq ip mount
world_alone
dns_start
verdict $? 'the zone is signed, and the resolver vouches for it' || note "$(tail -n 5 "$SCRATCH/named.log")"

SMTP=25 IMAP=143 IMAPS=993 POP3=110 POP3S=995 SIEVE=4190 HTTPS=443 APACHE=8443 XMPP=5222 XMPP_SERVER=5269
SERVED=('' -rsa-2048)
ALL='postfix dovecot nginx apache prosody'
OWNERS=
for port in $SMTP $IMAP $IMAPS $POP3 $POP3S $SIEVE; do
	OWNERS+="_$port._tcp.mx.lab.example "
done
OWNERS+="_$HTTPS._tcp.www.lab.example _$APACHE._tcp.www.lab.example"
OWNERS+=" _$XMPP._tcp.chat.lab.example _$XMPP_SERVER._tcp.chat.lab.example"
for server in $ALL; do
	"${server}_files"
	HOOKS+="  $(server_hook "$server")"$'\n'
done
cp -r "$TOP/hooks" "$SCRATCH/hooks"
chmod -R go-w "$SCRATCH/hooks"
cat >"$CONF/$LINE.conf" <<END_OF_CONF
domains = mx.lab.example www.lab.example chat.lab.example
issuer = self
key-types = ec-256 rsa-2048
[timing]
staging = 6s
retire-after = 2s
[hooks]
post-certchange =
$HOOKS
post-keychange = $SCRATCH/hooks/bind-reload --control-conf $ZONES/rndc.conf --port $DNS --dir $ZONES lab.example $ZONES/lab.example.db
[dane]
owners = $OWNERS
verify = no
ttl = ${TTL}s
include-file = $INCLUDE
[endpoints]
look = yes
[dirs]
state = $STATE
END_OF_CONF

# keys: how many each owner has in the include file; nothing if they differ
keys() {
	awk '/ IN TLSA / { n[$1]++ } END { for (o in n) print n[o] }' "$INCLUDE" | sort -u
}
has_keys() { [ "$(keys)" = "$1" ]; }
is_live() { [ "$(generation live)" = "$1" ]; }

# shows_live NAME: every key of it that the server can have
shows_live() {
	server_shows "$1" "$LIVE/cert.pem" ecdsa || return
	[ "$1" = prosody ] || server_shows "$1" "$LIVE/cert-rsa-2048.pem" rsa
}

# cron_until SECONDS COMMAND...: cron again and again until the command succeeds, whatever it says
cron_until() {
	local until_at=$(($(date +%s) + $1))
	shift
	until "$@"; do
		[ "$(date +%s)" -lt "$until_at" ] || return 1
		run cron
		sleep 0.2
	done
}

# names WHO PORT...: status tells of each of these ports, with exit status 1
names() {
	local who=$1 port said
	shift
	run status -v
	said=$OUT$ERR
	is "$who: status exits 1" "$STATUS" 1
	for port; do
		like "... and names port $port" "$said" ":$port\b"
	done
}
ports_of() {
	server_ports "$1" | tr ' ' '\n' | sed 's/.*://'
}

arrived() { [ "$(mails)" = "$1" ]; }

# delivers TEXT: a mail arrives, over a connection that DANE has verified
delivers() {
	local before
	before=$(mails)
	send_mail who@lab.example
	check "$1: mail is delivered by DANE" within 10 mail_is sent || note "$(mail_fate)"
	check '... and has arrived' within 5 arrived $((before + 1))
}

# --- first activation ----------------------------------------------------------------------------------

run init
check 'there is a live key' test -s "$LIVE/combined.pem"
is 'and no record' "$(wc -c <"$INCLUDE")" 0
for server in $ALL; do
	"${server}_start"
	verdict $? "$server runs" || note "$(tail -n 5 "$SCRATCH/$server.log" "$SCRATCH/$server"/*log)"
done
check 'the records are published' cron_until 20 has_keys 2
sender_start
unbound-control -q -s "$ZONES/unbound.sock" flush_zone lab.example
delivers 'first keys'
check '... verified' mail_verified

# --- a renewal that one server does not notice -----------------------------------------------------------

server_lazy dovecot
run renew
check_not 'Dovecot presents the old certificate' presents "$(generation live)" "$IMAPS"
run cron
names 'a renewal that Dovecot did not load' "$IMAPS" "$POP3S"
before=$(reloads dovecot)
server_honest dovecot
exits 0 'the hook is run again by cron' cron
is '... once' "$(reloads dovecot)" $((before + 1))
check '... and Dovecot presents the new one' presents "$(generation live)" "$IMAPS"
exits 0 'nothing is owed' status

# --- a rollover in which nobody reloads ------------------------------------------------------------------

for server in $ALL; do
	server_lazy "$server"
done
OLD=$(generation live)
exits 0 'roll' roll
check 'both keys are published' has_keys 4
check 'the new key goes live' cron_until 20 is_live $((OLD + 1))
PROMOTED_AT=$SECONDS
delivers 'nobody has reloaded'
until [ $((SECONDS - PROMOTED_AT)) -ge 4 ]; do
	sleep 0.2
done
LEFT=$ALL
for server in $ALL; do
	run cron
	check "the old records stay, because of $LEFT" has_keys 4
	# shellcheck disable=SC2046 # words are meant
	names "$server" $(ports_of "$server")
	server_honest "$server"
	LEFT=${LEFT#"$server" }
	check "... $server reloads when the hook is run again" cron_until 10 shows_live "$server"
done
check 'when all present the new keys, the old records go' cron_until 20 has_keys 2
exits 0 'nothing is owed' status
unbound-control -q -s "$ZONES/unbound.sock" flush_zone lab.example
delivers 'retired'

# --- one key of two, and a server that is down ---------------------------------------------------------------

cp "$LIVE/combined-rsa-2048.pem" "$SCRATCH/forgotten.pem"
sed -i "s|$LIVE/combined-rsa-2048.pem|$SCRATCH/forgotten.pem|" "$POSTFIX/etc/main.cf"
server_stop nginx
OLD=$(generation live)
exits 0 'roll' roll
check 'the new key goes live' cron_until 20 is_live $((OLD + 1))
check 'Postfix presents its ECDSA key' cron_until 10 server_shows postfix "$LIVE/cert.pem" ecdsa
check_not '... but not its RSA key' server_shows postfix "$LIVE/cert-rsa-2048.pem" rsa
PROMOTED_AT=$SECONDS
until [ $((SECONDS - PROMOTED_AT)) -ge 4 ]; do
	sleep 0.2
done
run cron
check 'the old records stay' has_keys 4
names 'Postfix has a forgotten key, nginx is down' "$SMTP" "$HTTPS"
like '... which key' "$OUT$ERR" RSA
sed -i "s|$SCRATCH/forgotten.pem|$LIVE/combined-rsa-2048.pem|" "$POSTFIX/etc/main.cf"
server_reload postfix
run cron
check 'they stay for nginx' has_keys 4
nginx_start
check 'nginx is up again: the old records go' cron_until 20 has_keys 2
exits 0 'nothing is owed' status
finish
