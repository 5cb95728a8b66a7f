#!/bin/bash
# check.sh - what looking at servers costs: ENDPOINTS servers with RSA and ECDSA keys, each DELAY ms away, SILENT of which say
# nothing; looked at by `certline check` and by an acting run, for both kinds of keys, and beside them one `openssl s_client`
# a server and kind of key, one after the other and 16 at a time.  Prints seconds and memory, and how many times certline's
# time the others take.  Fails if the acting run takes longer than its limit for one server and the time of all others.
# usage: tests/bench/check.sh PROGRAM      (make bench)
# shellcheck disable=SC2016,SC2153,SC2154 source=/dev/null
. "$(dirname "$0")/../system/lib.sh" || exit 1
ENDPOINTS=${ENDPOINTS:-500}
SILENT=${SILENT:-5}
DELAY=${DELAY:-20}
LIMIT=15                                # seconds for one server (src/tls/probe.c)
program=$(realpath "$1")
need_programs nginx openssl python3 jq xargs
[ -x /usr/bin/time ] || need_programs /usr/bin/time
ulimit -n "$(ulimit -Hn)"

dir=$SCRATCH/bench
mkdir -p "$dir"
cd "$dir" || exit 1
free_port; port=$PORT
free_port; upstream=$PORT
STATE=$dir/state
{
	printf 'domains = bench.test.invalid\nissuer = self\nkey-types = ec-256 rsa-2048\n[hooks]\npost-certchange = /bin/true\n'
	printf '[dirs]\nstate = %s\n[endpoints]\nlook-every = 0s\nservers =\n' "$STATE"
	for ((i = 0; i < ENDPOINTS; i++)); do
		printf '  h%d.bench.test:%d none 127.9.%d.%d\n' "$i" "$port" $((i / 250)) $((i % 250 + 1))
	done
} >bench.conf
"$program" -c "$dir/bench.conf" init -q 2>/dev/null
live=$STATE/lines/bench/live
{
	printf 'daemon off; worker_processes 2; worker_rlimit_nofile 8192; pid %s/pid; error_log %s/error.log;\n' "$dir" "$dir"
	printf 'events { worker_connections 4096; } http { access_log off; client_body_temp_path %s;\n' "$dir"
	printf 'proxy_temp_path %s; fastcgi_temp_path %s; uwsgi_temp_path %s; scgi_temp_path %s;\n' "$dir" "$dir" "$dir" "$dir"
	printf 'server { listen 127.0.0.1:%d ssl backlog=1024;\n' "$upstream"
	for e in '' -rsa-2048; do
		printf 'ssl_certificate %s/fullchain%s.pem; ssl_certificate_key %s/key%s.pem;\n' "$live" "$e" "$live" "$e"
	done
	printf 'location / { return 204; } } }\n'
} >nginx.conf
start nginx nginx -e "$dir/error.log" -c "$dir/nginx.conf"
within 10 listens "$upstream" || { echo 'nginx does not listen'; exit 1; }
maps=()
silent=()
for ((i = 0; i < ENDPOINTS; i++)); do
	address=127.9.$((i / 250)).$((i % 250 + 1))
	if ((i < SILENT)); then
		silent+=("$address:$port silent")
	else
		maps+=(--map "$address:$port=127.0.0.1:$upstream")
	fi
done
start slow "$TOP/tests/system/lab/slow.py" "${maps[@]}" --delay-ms "$DELAY" --loss 0 --seed 1
start silent "$TOP/tests/system/lab/bad_tls.py" --for 3600 "${silent[@]}"
within 20 grep -q ready "$SCRATCH/slow.log" || { echo 'the servers are not ready'; cat "$SCRATCH/slow.log"; exit 1; }
within 20 grep -q ready "$SCRATCH/silent.log" || { echo 'the silent servers are not ready'; exit 1; }

now() { date +%s.%N; }
since() { awk -v a="$1" -v b="$(now)" 'BEGIN { printf "%.2f", b - a }'; }

# took NAME COMMAND...: seconds and MiB into $NAME and ${NAME}_mib
took() {
	/usr/bin/time -f '%e %M' -o time "${@:2}" >"$1.out" 2>"$1.err"
	read -r "$1" kib < <(tail -n 1 time)
	printf -v "${1}_mib" %d $((kib / 1024))
}
took check "$program" -c "$dir/bench.conf" check --json
took cron "$program" -c "$dir/bench.conf" cron
good=$(jq '[.lines[0].endpoints[] | select(.ok)] | length' < <("$program" -c "$dir/bench.conf" status --json))
[ "$good" = $((2 * (ENDPOINTS - SILENT))) ] || { echo "seen were $good keys, not $((2 * (ENDPOINTS - SILENT)))"; exit 1; }

# one ADDRESS CIPHERS: what a script would do
one() {
	timeout "$LIMIT" openssl s_client -connect "$1" -servername h.bench.test -tls1_2 -cipher "$2" </dev/null 2>/dev/null |
		openssl x509 -noout -fingerprint -sha256
}
export -f one
export LIMIT
list() {
	local i
	for ((i = $1; i < ENDPOINTS; i++)); do
		printf '127.9.%d.%d:%d aECDSA\n127.9.%d.%d:%d aRSA\n' $((i / 250)) $((i % 250 + 1)) "$port" \
			$((i / 250)) $((i % 250 + 1)) "$port"
	done
}
at=$(now)
list 0 | xargs -P 16 -L 1 bash -c 'one "$@"' one >parallel.out 2>/dev/null
parallel=$(since "$at")
# the silent ones by multiplication: nobody has to wait for them here
at=$(now)
list "$SILENT" | while read -r address ciphers; do
	one "$address" "$ciphers"
done >loop.out 2>/dev/null
loop=$(since "$at")
[ "$(grep -c Fingerprint loop.out)" = $((2 * (ENDPOINTS - SILENT))) ] || { echo 'openssl has not seen them all'; exit 1; }

awk -v n="$ENDPOINTS" -v s="$SILENT" -v d="$DELAY" -v limit="$LIMIT" -v check="$check" -v cmib="$check_mib" -v cron="$cron" \
	-v rmib="$cron_mib" -v par="$parallel" -v loop="$loop" 'BEGIN {
	all = loop + 2 * s * limit
	printf "%d servers %d ms away, two kinds of keys, %d of them silent (%d s each):\n", n, d, s, limit
	printf "%-34s %8.1f s  %4d MiB\n", "certline check", check, cmib
	printf "%-34s %8.1f s  %4d MiB\n", "certline cron", cron, rmib
	printf "%-34s %8.1f s  %6.1f times\n", "openssl s_client, 16 at a time", par, par / cron
	printf "%-34s %8.1f s  %6.1f times\n", "openssl s_client, one by one", all, all / cron
	if (cron > 2 * limit + 20) { print "longer than its limits allow"; exit 1 }
}'
