#!/bin/bash
# acme.sh - what renewing a certificate costs, beside other clients and beside the least that it can cost
# (acme_bare.c): one name and MANY names by http-01, MANY names by dns-01 with updates to a BIND, and MANY
# names from a CA that is DELAY ms away.  The CA is a pebble on this host that does not dawdle.  Accounts and
# keys are there before.  All is kept in memory, so that no disk is measured: the others do not wait for
# theirs; certline does, which is shown too.  Median of N rounds, the clients in turn; who took longer than
# SLOW seconds has one round only.  MiB is the peak of the largest process.  Says which claims are reached;
# fails only if a client does.
# usage: tests/bench/acme.sh BUILD-DIR    (make bench)    ONLY="one many dns far" leaves out the others
# shellcheck disable=SC2016,SC2034,SC2153,SC2154,SC2317 source=/dev/null
DISK=${TMPDIR:-/tmp}
[ ! -w /dev/shm ] || TMPDIR=/dev/shm
. "$(dirname "$0")/../system/lib.sh" || exit 1
. "$TOP/tests/system/lab/pebble.sh"
N=${N:-5}
MANY=${MANY:-100}
DELAY=${DELAY:-20}
SLOW=${SLOW:-10}
LIMIT=${LIMIT:-120}                     # seconds, for any of them
ONLY=${ONLY:-one many dns far}
B=$(realpath "$1")
PROGRAM=${PROGRAM:-$B/certline}
need_programs pebble pebble-challtestsrv certbot uacme lego acme-tiny nginx named nsupdate openssl jq

dir=$SCRATCH/bench
mkdir -p "$dir/times" "$dir/www/.well-known/acme-challenge"
umask 022                               # certline refuses a configuration that others can write
declare -A given_up=()
failed=0
DISK=$(mktemp -d "$DISK/certline-bench.XXXXXX")
trap 'rm -rf "$DISK"; lib_end' EXIT

# --- who takes part -----------------------------------------------------------------------------------
# make_CLIENT CASE NAME...: an account and all that a renewal needs; run_CLIENT CASE NAME...: puts the command
# for one into `command`.  They know URL, and how challenges are answered (HOW: http, dns).

make_certline() {
	local conf=$dir/$1/line.conf at=$dir/$1/certline
	mkdir -p "$dir/$1/blind"
	{
		printf 'domains = %s\nissuer = acme\n[dirs]\nstate = %s\n' "${*:2}" "$at"
		printf '[acme]\nca = %s\nca-file = %s\nagree-tos = yes\n' "$URL" "$PEBBLE_CA"
		if [ "$HOW" = dns ]; then
			printf 'challenges = dns-update\n[dns]\nresolver = 127.0.0.1:%s\nport = %s\n' "$BIND" "$BIND"
			printf 'validate = no\n[update]\nkeys = bench.test %s\n' "$dir/bind/bench.key"
		else
			printf 'challenges = standalone\nhttp-listen = 127.0.0.1:%s\ncheck-port = %s\n' "$HTTP" "$HTTP"
			printf '[dns]\nresolver = %s\nvalidate = no\n' "$CHALLTEST_DNS"
		fi
	} >"$conf"
	sed 's/^agree-tos.*/&\nself-check = no/' "$conf" >"$dir/$1/blind/line.conf"
	"$PROGRAM" -c "$conf" init
}
run_certline() { command=("$PROGRAM" -c "$dir/$1/line.conf" renew); }

make_blind() { :; }                     # certline without its look at the challenges
run_blind() { command=("$PROGRAM" -c "$dir/$1/blind/line.conf" renew); }

make_disk() {                           # ... with its store on the disk
	mkdir -p "$dir/$1/disk"
	sed "s#^state = .*#state = $DISK/$1#" "$dir/$1/line.conf" >"$dir/$1/disk/line.conf"
	"$PROGRAM" -c "$dir/$1/disk/line.conf" init
}
run_disk() { command=("$PROGRAM" -c "$dir/$1/disk/line.conf" renew); }

make_bare() { :; }                      # with certline's account and key
run_bare() {
	local account
	account=$(echo "$dir/$1"/certline/accounts/*)
	command=("$B/acme_bare" "$URL" "$PEBBLE_CA" "$account/account.key" "$(jq -r .url "$account/account.json")"
		"$(echo "$dir/$1"/certline/lines/*/live/key.pem)" "$HTTP" "${@:2}")
}

make_uacme() {
	cat >"$dir/$1/hook" <<-END
		#!/bin/sh
		case \$1-\$2 in
		begin-http-01) printf %s "\$5" >"$dir/www/.well-known/acme-challenge/\$4" ;;
		*-http-01) rm "$dir/www/.well-known/acme-challenge/\$4" ;;
		begin-dns-01) change="add _acme-challenge.\$3 60 TXT \$5" ;;
		*-dns-01) change="delete _acme-challenge.\$3 TXT \$5" ;;
		*) exit 1 ;;
		esac
		[ -z "\$change" ] || nsupdate -k "$dir/bind/bench.key" <<-UPDATE
			server 127.0.0.1 ${BIND:-53}
			zone bench.test
			update \$change
			send
		UPDATE
	END
	sed -i "2i [ \$2 = ${HOW/%/-01} ] || exit 1" "$dir/$1/hook"
	chmod 755 "$dir/$1/hook"
	lab_trusting uacme -c "$dir/$1/uacme" -a "$URL" -y new
	run_uacme "$@"
	lab_trusting "${command[@]}"
}
run_uacme() { command=(uacme -c "$dir/$1/uacme" -a "$URL" -f -t EC -h "$dir/$1/hook" issue "${@:2}"); }

make_certbot() {
	run_certbot "$@"
	"${command[@]}"
}
run_certbot() {
	local how=(--standalone --http-01-address 127.0.0.1 --http-01-port "$HTTP") name
	[ "$HOW" = http ] || how=(--dns-rfc2136 --dns-rfc2136-credentials "$dir/bind/certbot.ini"
		--dns-rfc2136-propagation-seconds 0)
	command=(env "REQUESTS_CA_BUNDLE=$PEBBLE_CA" certbot certonly -n --agree-tos
		--register-unsafely-without-email --server "$URL" --config-dir "$dir/$1/certbot"
		--work-dir "$dir/$1/certbot/w" --logs-dir "$dir/$1/certbot/l" --key-type ecdsa
		--elliptic-curve secp256r1 --reuse-key --force-renewal "${how[@]}")
	for name in "${@:2}"; do command+=(-d "$name"); done
}

make_lego() {
	run_lego "$@"
	"${command[@]}" run
}
run_lego() {
	local name
	command=(env "LEGO_CA_CERTIFICATES=$PEBBLE_CA" lego --server "$URL" --accept-tos --email a@bench.test
		--path "$dir/$1/lego" -k ec256 --http --http.port "127.0.0.1:$HTTP")
	for name in "${@:2}"; do command+=(-d "$name"); done
	[ ! -d "$dir/$1/lego/certificates" ] || command+=(renew --days 3650 --reuse-key --no-random-sleep)
}

make_tiny() {
	openssl genrsa -out "$dir/$1/tiny.key" 2048     # no other kind
	openssl ecparam -genkey -name prime256v1 -noout -out "$dir/$1/tiny-cert.key"
	openssl req -new -key "$dir/$1/tiny-cert.key" -subj "/CN=$2" -addext "subjectAltName=DNS:$2" \
		-out "$dir/$1/tiny.csr"
}
run_tiny() {
	# no system knows our names: it cannot look
	command=(env "SSL_CERT_FILE=$PEBBLE_CA" acme-tiny --account-key "$dir/$1/tiny.key"
		--csr "$dir/$1/tiny.csr" --acme-dir "$dir/www/.well-known/acme-challenge"
		--directory-url "$URL" --disable-check)
}

declare -A title=([bare]='the least, in C' [certline]='certline renew' [blind]='... with self-check = no'
	[disk]='... with its store on a disk'
	[uacme]=uacme [certbot]=certbot [lego]=lego [tiny]=acme-tiny)

# --- measuring ----------------------------------------------------------------------------------------

# issued: certificates so far.
issued() { cat "$SCRATCH"/near.log "$SCRATCH"/web.log | grep -c 'Issued certificate serial'; }

# Those that have no server of their own are validated by a pebble that asks nginx.
place() {
	URL=$NEAR_URL HTTP=$NEAR_HTTP
	case $1-$2 in
	far*-*) URL=$FAR_URL ;;
	*-uacme | *-tiny) URL=$WEB_URL HTTP=$WEB_HTTP ;;
	esac
	[ "$1-$2" != "far-uacme" ] || URL=$FAR_WEB_URL HTTP=$WEB_HTTP
}

# prepare CASE CLIENT NAME...
prepare() {
	place "$1" "$2"
	"make_$2" "$1" "${@:3}" >"$dir/$1.$2.log" 2>&1 && return
	echo "# $2 cannot be made ready ($1): $(tail -3 "$dir/$1.$2.log")"
	given_up[$1.$2]=yes failed=1
}

# measure CASE CLIENT NAME...: one round: "seconds KiB" into the file of both.
measure() {
	local at=$dir/times/$1.$2 before how=() command
	[ -z "${given_up[$1.$2]:-}" ] || return
	place "$1" "$2"
	"run_$2" "$1" "${@:3}"
	[ "$2" != uacme ] || how=(lab_trusting)
	before=$(issued)
	if ! "${how[@]}" bash -c 'from=$EPOCHREALTIME
		timeout "$0" /usr/bin/time -q -f %M -o "$1.kib" "${@:2}"
		rc=$?
		echo "$from $EPOCHREALTIME" >"$1.at"
		exit $rc' "$LIMIT" "$at" "${command[@]}" >"$dir/$1.$2.log" 2>&1 ||
		[ "$(issued)" -ne $((before + 1)) ]; then
		echo "# $2 fails ($1): $(tail -3 "$dir/$1.$2.log")"
		given_up[$1.$2]=yes failed=1
		return
	fi
	awk '{ getline kib <ARGV[2]; printf "%.4f %d\n", $2 - $1, kib; exit }' "$at.at" "$at.kib" >>"$at"
	awk -v slow="$SLOW" '$1 > slow { exit 1 }' "$at" || given_up[$1.$2]=slow
}

# median CASE CLIENT COLUMN: nothing if there is none.
median() {
	[ ! -s "$dir/times/$1.$2" ] || cut -d ' ' -f "$3" "$dir/times/$1.$2" | sort -n |
		awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

# bench CASE HEADING CLIENTS NAME...
bench() {
	local client
	HOW=http
	[ "$1" != dns ] || HOW=dns
	for client in $3; do prepare "$1" "$client" "${@:4}"; done
	for ((round = 0; round < N; round++)); do
		for client in $3; do measure "$1" "$client" "${@:4}"; done
	done
	printf '\n| %s | seconds | to certline | MiB |\n| --- | --- | --- | --- |\n' "$2"
	for client in $3; do
		awk -v t="${title[$client]}" -v s="$(median "$1" "$client" 1)" -v c="$(median "$1" certline 1)" \
			-v kib="$(median "$1" "$client" 2)" -v slow="${given_up[$1.$client]:-}" 'BEGIN {
			if (s == "" || c == "")
				printf "| %s | failed | | |\n", t
			else
				printf "| %s | %.3f%s | %.2f | %.0f |\n", t, s, slow ? " (one round)" : "", s / c, kib / 1024
		}'
	done
}

# claim TEXT CASE LIMIT CLIENT...: certline takes at most LIMIT times as long as the fastest of these; without
# any, at most LIMIT seconds.
claim() {
	local client
	[ -n "$(median "$2" certline 1)" ] || return
	for client in "${@:4}"; do median "$2" "$client" 1; done | sort -n | head -n 1 |
		awk -v text="$1" -v limit="$3" -v s="$(median "$2" certline 1)" -v alone=$(($# == 3)) '
			{ best = $1 }
			END {
				by = alone ? s : best == "" ? 0 : s / best
				printf "%s: %s (%.3g of at most %.3g%s)\n", by <= limit && by ? "reached" : "missed", text,
					by, limit, alone ? " s" : " times"
			}'
}

# --- the servers --------------------------------------------------------------------------------------

names=()
for ((i = 1; i <= MANY; i++)); do names+=("h$i.bench.test"); done

bind_start() {
	free_port; BIND=$PORT
	SECRET=$(openssl rand -base64 32)
	mkdir -p "$dir/bind"
	printf 'key "bench" { algorithm hmac-sha256; secret "%s"; };\n' "$SECRET" >"$dir/bind/bench.key"
	{
		printf 'dns_rfc2136_server = 127.0.0.1\ndns_rfc2136_port = %s\ndns_rfc2136_name = bench\n' "$BIND"
		printf 'dns_rfc2136_secret = %s\ndns_rfc2136_algorithm = HMAC-SHA256\n' "$SECRET"
	} >"$dir/bind/certbot.ini"
	chmod 600 "$dir/bind/bench.key" "$dir/bind/certbot.ini"
	printf '%s\n' '$TTL 60' '@ SOA ns hostmaster 1 3600 600 864000 1' '@ NS ns' 'ns A 127.0.0.1' \
		'* A 127.0.0.1' >"$dir/bind/zone"
	cat >"$dir/bind/named.conf" <<-END
		options {
			directory "$dir/bind"; pid-file "$dir/bind/pid"; lock-file none;
			session-keyfile "$dir/bind/session";
			managed-keys-directory "$dir/bind"; listen-on port $BIND { 127.0.0.1; }; listen-on-v6 { none; };
			recursion no; dnssec-validation no; notify no; minimal-responses no;
		};
		controls { };
		include "$dir/bind/bench.key";
		zone "bench.test" { type primary; file "$dir/bind/zone"; allow-update { key "bench"; }; };
	END
	start bind named -g -c "$dir/bind/named.conf"
	within 10 listens "$BIND"
}

web_start() {
	cat >"$dir/nginx.conf" <<-END
		daemon off;
		worker_processes 1;
		pid $dir/nginx.pid;
		error_log $dir/nginx.log;
		events { }
		http {
			access_log off;
			server { listen 127.0.0.1:$WEB_HTTP; root $dir/www; }
		}
	END
	start nginx nginx -c "$dir/nginx.conf"
	within 5 listens "$WEB_HTTP"
}

# pebbles_start [OPTION]: two of them.
pebbles_start() {
	pebble_start name=near "$@" || finish
	NEAR_URL=$PEBBLE_URL NEAR_HTTP=$PEBBLE_HTTP
	pebble_start name=web "$@" || finish
	WEB_URL=$PEBBLE_URL WEB_HTTP=$PEBBLE_HTTP
}

lab_can_trust || { echo 'uacme cannot be made to trust the CA here'; exit 1; }
challtest_start || finish
pebbles_start
web_start || finish
for case_ in $ONLY; do
	case $case_ in
	one) bench one 'one name, http-01' 'certline disk blind bare uacme certbot tiny lego' h1.bench.test ;;
	# lego, which waits five seconds for each name, is left out
	many) bench many "$MANY names, http-01" 'certline disk blind bare uacme certbot' "${names[@]}" ;;
	far)
		far_start "$WEB_URL" "$DELAY" || exit
		FAR_WEB_URL=$FAR_URL
		far_start "$NEAR_URL" "$DELAY" || exit
		# bare needs certline's account there
		bench far "$MANY names, http-01, $DELAY ms away" 'certline disk blind bare uacme' "${names[@]}"
		;;
	esac
done
if [[ " $ONLY " = *' dns '* ]]; then
	bind_start || finish
	pebbles_start dnsserver="127.0.0.1:$BIND"
	bench dns "$MANY names, dns-01 by update" 'certline disk blind uacme certbot' "${names[@]}"
fi
echo
claim 'one name: within 1.5 times the least' one 1.5 bare
claim "$MANY names: within 1.5 times the least" many 1.5 bare
claim 'one name: 8 times as fast as the best of the others' one 0.125 uacme certbot lego tiny
claim "$MANY names: 8 times as fast as the best of the others" many 0.125 uacme certbot
claim "$MANY names by dns-01: 5 times as fast as the best of the others" dns 0.2 uacme certbot
claim "$MANY names, $DELAY ms away: within a second" far 1
exit $failed
