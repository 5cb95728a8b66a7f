#!/bin/bash
# client.sh - what a DANE client with a validating resolver sees: takes the TLSA set of a service from
# the resolver, only if the resolver vouches for it (AD), connects, and verifies the server by that set
# alone.  A service without TLSA records counts as refused.
#
# usage: client.sh [--loop] RESOLVER-PORT SERVICE...
#        SERVICE is HOST:PORT, or HOST:PORT:smtp for STARTTLS; the servers are on 127.0.0.1
# --loop begins a round every 0.3 seconds, or when the last one ends, until it is ended itself.
#
# Each look is one line: TIME SERVICE RECORDS ok|refused WHY.  Exit status 1: one was refused.
#
# Touches: the network.
set -u
loop=
if [ "$1" = --loop ]; then
	loop=yes
	shift
fi
resolver=$1
shift

# records NAME: the TLSA set with AD, one record a line; nothing without AD.
records() {
	dig -r +dnssec +nosplit +tries=1 +time=2 -p "$resolver" @127.0.0.1 "$1" TLSA | awk '
	/^;; flags:/ { ad = / ad[; ]/ }
	$4 == "TLSA" { set = set $5 " " $6 " " $7 " " $8 "\n" }
	END { if (ad) printf "%s", set }'
}

# look HOST PORT STARTTLS
look() {
	local host=$1 port=$2 starttls=$3 record said why=ok n=0
	local options=(-connect "127.0.0.1:$port" -dane_tlsa_domain "$host" -verify_return_error -brief)

	while read -r record; do
		options+=(-dane_tlsa_rrdata "$record")
		n=$((n + 1))
	done < <(records "_$port._tcp.$host")
	[ -z "$starttls" ] || options+=(-starttls "$starttls" -name client.test)
	if [ "$n" -eq 0 ]; then
		why='refused the resolver has no secure TLSA set'
	elif ! said=$(timeout 5 openssl s_client "${options[@]}" </dev/null 2>&1); then
		why="refused $(printf '%s\n' "$said" | grep -m 1 -i error)"
	elif ! printf '%s\n' "$said" | grep -q '^DANE TLSA 3 1 1 .* matched .*EE certificate'; then
		why="refused $(printf '%s\n' "$said" | grep -m 1 -i dane)"
	fi
	printf '%s %s:%s %d %s\n' "$EPOCHREALTIME" "$host" "$port" "$n" "$why"
	[ "$why" = ok ]
}

# round SERVICE...: all of them.
round() {
	local service status=0
	for service; do
		IFS=: read -r host port starttls <<<"$service"
		look "$host" "$port" "$starttls" || status=1
	done
	return "$status"
}

while [ -n "$loop" ]; do
	next=$((${EPOCHREALTIME/./} + 300000))
	round "$@"
	left=$((next - ${EPOCHREALTIME/./}))
	[ "$left" -le 0 ] || sleep "$(printf '0.%06d' "$left")"
done
round "$@"
