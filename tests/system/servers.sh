#!/bin/bash
# servers.sh - the servers of lab/servers.sh do what other tests presume: each presents two keys at once where it
# can, loads new ones when told to, and keeps the old ones when the hook says yes and does nothing; and a Postfix
# with security level "dane" delivers mail, or does not.  Nothing of certline is tested here.
#
# As root, in a network of its own.
# shellcheck disable=SC2016,SC2034,SC2153,SC2154 source=/dev/null

. "$(dirname "$0")/lab/alone.sh"
. "$(dirname "$0")/lib.sh" || exit 1
. "$TOP/tests/system/lab/dane.sh"
need_programs postfix dovecot doveadm nginx apache2 prosody named unbound dig openssl curl ip mount
world_alone
NAMES='mx.lab.example www.lab.example chat.lab.example'
SERVED=('' -rsa-2048)
SMTP=25
for number in 1 2; do
	new_generation "$number"
	rsa_too "$number"
done
gen() { echo "$LINE_DIR/gen/00000$1/cert${2:-}.pem"; }

# shows_gen NAME NUMBER: both keys of the generation are presented; of Prosody's, the first.
shows_gen() {
	server_shows "$1" "$(gen "$2")" ecdsa || return
	[ "$1" = prosody ] || server_shows "$1" "$(gen "$2" -rsa-2048)" rsa
}

ALL='postfix dovecot nginx apache prosody'
go_live 1
for server in $ALL; do
	"${server}_files"
	"${server}_start"
	verdict $? "$server runs" || note "$(tail -n 5 "$SCRATCH/$server.log" "$SCRATCH/$server"/*log)"
done
for server in $ALL; do
	check "$server: presents what is live, at $(server_ports "$server" | wc -w) ports" within 5 shows_gen "$server" 1
done
go_live 2
for server in $ALL; do
	server_lazy "$server"
	check "$server: the hook says yes" server_reload "$server"
	check "... and nothing is reloaded" shows_gen "$server" 1
	server_honest "$server"
	check "... but then: reloaded" server_reload "$server"
	check "... and the hook has waited until the new keys are presented" shows_gen "$server" 2
	is "... it was called" "$(reloads "$server")" 2
done

# --- mail --------------------------------------------------------------------------------------------

dns_start
verdict $? 'the zone is signed, and the resolver vouches for it' ||
	note "$(tail -n 5 "$SCRATCH/named.log" "$SCRATCH/unbound.log")"
sender_start
verdict $? 'the sending Postfix runs' || note "$(cat "$SENDER/start.log" "$SENDER/log")"

# publish NUMBER: the records of a generation's key
publish() {
	records _25._tcp.mx.lab.example. "$1" | sed "s/ 60 IN / $TTL IN /" >"$INCLUDE"
	"$TOP/hooks/lib/raise-serial" "$ZONES/lab.example.db" >/dev/null
	rndc -c "$ZONES/rndc.conf" reload lab.example >/dev/null
	within 5 serves _25._tcp.mx.lab.example "$1"
	unbound-control -q -s "$ZONES/unbound.sock" flush_zone lab.example
}

check 'the record of another key is published' publish 1
check 'a mail is given to it' send_mail who@lab.example
check '... which is deferred' within 10 mail_is deferred
like '... since DANE says no' "$(mail_fate)" 'not verified'
is '... and does not arrive' "$(mails)" 0
publish 2
check 'with the right record' within 15 mail_is sent || note "$(mail_fate)"
check '... the connection was verified' mail_verified
is '... it arrives' "$(mails)" 1

for server in $ALL; do
	server_stop "$server"
	at=$(server_ports "$server")
	at=${at%% *}
	check_not "$server: has ended" listens "${at#*:}"
done
finish
