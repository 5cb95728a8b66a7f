#!/bin/bash
# demo.sh - a year in the life of a line, in a scratch folder, with the clock moved forward day by day.
#
# A mail server's line without a CA: TLSA records in a zone include file, a TLS server that is restarted by
# the post-certchange hook.  After everything that happens, a DANE client connects to that server and
# verifies what it serves against the records in the include file.
# usage: tests/demo.sh [PROGRAM]        leaves nothing outside the folder that it names
set -eu
program=$(realpath "${1:-build/certline}")
dir=$(mktemp -d "${TMPDIR:-/tmp}/certline-demo.XXXXXX")
start=$(date -u -d '2027-01-01 06:32' +%s)
checks=0
cleanup() { [ ! -s "$dir/server.pid" ] || kill "$(cat "$dir/server.pid")" 2> /dev/null || true; }
trap cleanup EXIT

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[ -t 1 ] || say() { printf '\n%s\n' "$*"; }

# a port that is free now
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])' 2> /dev/null ||
	echo $((20000 + RANDOM % 20000)))

mkdir "$dir/conf"
cat > "$dir/conf/mx.conf" <<END
domains = mx.example.org
issuer = self
[timing]
max-key-age = 180d
staging = 48h
[dane]
owners = _25._tcp.mx.example.org
verify = no
include-file = $dir/tlsa.inc
[hooks]
post-certchange = $dir/restart-server
[dirs]
state = $dir/state
END
# The hook of a real installation says "postfix reload".
cat > "$dir/restart-server" <<END
#!/bin/sh
[ ! -s $dir/server.pid ] || kill "\$(cat $dir/server.pid)" 2> /dev/null || :
tries=0
while [ -s $dir/server.pid ] && kill -0 "\$(cat $dir/server.pid)" 2> /dev/null && [ "\$tries" -lt 100 ]; do
	sleep 0.05
	tries=\$((tries + 1))
done
openssl s_server -accept 127.0.0.1:$port -cert "\$CERTLINE_LIVE/fullchain.pem" \\
	-key "\$CERTLINE_LIVE/key.pem" -quiet > /dev/null 2>&1 < /dev/null &
echo \$! > $dir/server.pid
END
chmod 755 "$dir/restart-server"

certline() { "$program" -c "$dir/conf" "$@"; }

# The client of RFC 7672: the records as they are published, the chain as it is served.
dane_check() {
	local args=() data tries=0 out=
	while read -r _ _ _ _ data; do args+=(-dane_tlsa_rrdata "$data"); done < <(grep -v '^;' "$dir/tlsa.inc")
	until out=$(openssl s_client -connect "127.0.0.1:$port" -dane_tlsa_domain mx.example.org "${args[@]}" \
		-verify_return_error < /dev/null 2>&1) || [ $((tries += 1)) -gt 20 ]; do
		sleep 0.1
	done
	if ! grep -q 'Verification: OK' <<< "$out" || ! grep -q 'DANE TLSA' <<< "$out"; then
		echo "the DANE check failed:"; echo "$out"; exit 1
	fi
	checks=$((checks + 1))
	echo "    DANE check: the served key matches the published set of $((${#args[@]} / 2)) record(s)"
}

say "A line for mx.example.org, from nothing (everything is in $dir)"
cat "$dir/conf/mx.conf"
say '$ certline init'
certline --now "@$start" init
dane_check

say '$ certline cron      every day at 06:32, for a year'
for day in $(seq 1 365); do
	now=$((start + day * 86400))
	out=$(certline --now "@$now" cron)
	[ -n "$out" ] || continue
	date -u -d "@$now" '+%A, %-d %B %Y'
	printf '    %s\n' "${out//$'\n'/$'\n'    }"
	dane_check
done

now=$((start + 366 * 86400))
say '$ certline status'
certline --now "@$now" status
say "\$ cat tlsa.inc        what the zone includes"
cat "$dir/tlsa.inc"
say '$ certline plan --days 200'
certline --now "@$now" plan --days 200
say "A year went by: $checks DANE checks, all of them good."
echo "The store, the configuration and the include file are in $dir"
