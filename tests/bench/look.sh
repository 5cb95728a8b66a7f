#!/bin/bash
# look.sh - what looking costs: OWNERS owners in a signed zone on 6 name servers, each DELAY ms away and losing
# LOSS of its UDP answers; certline, beside the same questions one at a time, by one process (dig -f) and by a
# process each (host, as shell scripts do it).  Prints seconds, and how many times certline's time the others
# take.  Fails if certline takes more than twice the time that its own pace allows at best.
# usage: tests/bench/look.sh PROGRAM       (make bench)
# shellcheck disable=SC2016,SC2153,SC2154 source=/dev/null
. "$(dirname "$0")/../system/lib.sh" || exit 1
OWNERS=${OWNERS:-300}
DELAY=${DELAY:-20}
LOSS=${LOSS:-0.01}
PACE=50                                 # questions a second and address (src/dns/ask.c)
BURST=10
program=$(realpath "$1")
need_programs nsd dnssec-keygen dnssec-signzone dig host python3 jq

dir=$SCRATCH/bench
mkdir -p "$dir"
cd "$dir" || exit 1
free_port; upstream=$PORT
free_port; port=$PORT
key=$(dnssec-keygen -q -a ECDSAP256SHA256 -fKSK bench.test)
{
	printf '$TTL 3600\n@ SOA ns1 hostmaster 1 3600 600 864000 60\n'
	for i in 1 2 3 4 5 6; do
		printf '@ NS ns%d\nns%d A 127.0.2.%d\n' $i $i $i
	done
	for ((i = 0; i < OWNERS; i++)); do
		printf '_25._tcp.h%d TLSA 3 1 1 %064d\n' "$i" "$i"
	done
	cat "$key.key"
} >zone
dnssec-signzone -q -z -o bench.test -f zone.signed zone "$key" >/dev/null || exit 1
grep -v '^;' "$key.key" >anchor
{
	echo 'server:'
	for i in 1 2 3 4 5 6; do
		echo "  ip-address: 127.0.1.$i@$upstream"
	done
	cat <<-END
		  username: ""
		  chroot: ""
		  zonesdir: "$dir"
		  database: ""
		  pidfile: "$dir/nsd.pid"
		  xfrdfile: "$dir/xfrd"
		  xfrdir: "$dir"
		  zonelistfile: "$dir/zones"
		  rrl-ratelimit: 0
		remote-control:
		  control-enable: no
		zone:
		  name: bench.test
		  zonefile: zone.signed
	END
} >nsd.conf
start nsd nsd -d -c "$dir/nsd.conf"
maps=()
for i in 1 2 3 4 5 6; do
	maps+=(--map "127.0.2.$i:$port=127.0.1.$i:$upstream")
done
start slow "$TOP/tests/system/lab/slow.py" "${maps[@]}" --delay-ms "$DELAY" --loss "$LOSS" --seed 1
answers() {
	dig -r +tries=1 +time=1 -p "$port" "@127.0.2.$1" bench.test SOA +short | grep -q .
}
for i in 1 2 3 4 5 6; do
	within 10 answers "$i" || { echo "the name servers do not answer"; exit 1; }
done

{
	printf 'domains = bench.test.invalid\nissuer = self\n[hooks]\npost-keychange = /bin/true\npost-certchange = /bin/true\n'
	printf '[dns]\nresolver = recurse\ntrust-anchor = %s\nservers = bench.test' "$dir/anchor"
	printf ' 127.0.2.%d:%d' 1 "$port" 2 "$port" 3 "$port" 4 "$port" 5 "$port" 6 "$port"
	printf '\n[dirs]\nstate = %s\n[dane]\nowners =\n' "$STATE"
	for ((i = 0; i < OWNERS; i++)); do
		echo "  _25._tcp.h$i.bench.test"
	done
} >bench.conf

now() { date +%s.%N; }
since() { awk -v a="$1" -v b="$(now)" 'BEGIN { printf "%.2f", b - a }'; }

at=$(now)
"$program" -c "$dir/bench.conf" dns --json >seen.json
ours=$(since "$at")
good=$(jq '[.lines[].owners[].servers[] | select(.answers and .signed and .records == 1)] | length' seen.json)
[ "$good" = $((6 * OWNERS)) ] || { echo "certline has $good good answers, and not $((6 * OWNERS))"; exit 1; }

for i in 1 2 3 4 5 6; do
	for ((k = 0; k < OWNERS; k++)); do
		echo "@127.0.2.$i -p $port +norec +dnssec +short _25._tcp.h$k.bench.test TLSA"
	done
done >questions
at=$(now)
dig -f questions >dig.out
one=$(since "$at")
at=$(now)
for i in 1 2 3 4 5 6; do
	for ((k = 0; k < OWNERS; k++)); do
		host -p "$port" -r -t TLSA "_25._tcp.h$k.bench.test" "127.0.2.$i"
	done
done >host.out 2>&1
each=$(since "$at")

best=$(awk -v n="$OWNERS" -v p=$PACE -v b=$BURST 'BEGIN { t = (n + 1 - b) / p; print (t > 0 ? t : 0) }')
awk -v n="$OWNERS" -v d="$DELAY" -v l="$LOSS" -v a="$ours" -v b="$one" -v c="$each" -v t="$best" 'BEGIN {
	printf "%d owners, 6 servers, %d questions, %d ms away, %g %% lost:\n", n, 6 * n, d, 100 * l
	printf "  certline dns        %8.2f s  (%.2f s is what its pace of 50 a second allows at best)\n", a, t
	printf "  one at a time, dig  %8.2f s  %.1fx\n", b, b / a
	printf "  a process each, host%8.2f s  %.1fx\n", c, c / a
	if (n >= 50 && a > 2 * t) { print "more than twice the best"; exit 1 }
}'
