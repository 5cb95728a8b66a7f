#!/bin/bash
# idle.sh - what a daily run costs when nothing is due: 1, 1,000 and 10,000 lines (one file each), beside
# certbot and uacme with as many certificates, in the same run and in memory (no disk is measured); and
# `plan` over ten years for 1,000 lines.  Best of five runs; ratios are to certline.
# usage: tests/bench/idle.sh [PROGRAM]        QUICK=1 leaves out 10,000 lines and the others
set -eu
program=$(realpath "${1:-build/certline}")
base=/dev/shm
[ -d $base ] && [ -w $base ] || base=${TMPDIR:-/tmp}
dir=$(mktemp -d "$base/certline-bench.XXXXXX")
trap 'rm -rf "$dir"' EXIT

# best COMMAND...: "seconds kilobytes" of the fastest of five runs; its output is thrown away
best() {
	local i
	for i in 1 2 3 4 5; do
		/usr/bin/time -f '%e %M' -o "$dir/time" "$@" > /dev/null 2> /dev/null || true
		tail -n 1 "$dir/time"
		: "$i"
	done | sort -n | head -n 1
}

# seconds with more digits than time(1) gives, for the short ones: the mean of 50 runs
mean50() {
	local began ended
	began=$(date +%s%N)
	for _ in $(seq 50); do "$@" > /dev/null 2>&1 || true; done
	ended=$(date +%s%N)
	awk -v d=$((ended - began)) 'BEGIN { printf "%.4f", d / 50e9 }'
}

make_lines() {
	local n=$1 i
	mkdir -p "$dir/$n/conf"
	printf '[dirs]\nstate = %s/state\n[hooks]\npost-certchange = /bin/true\n' "$dir/$n" > "$dir/$n/conf/certline.conf"
	for ((i = 1; i <= n; i++)); do
		printf 'domains = h%d.example.org\nissuer = self\n[dane]\nowners = _25._tcp.h%d.example.org\nverify = no\ninclude-file = %s/zone.inc\n' \
			$i $i "$dir/$n" > "$dir/$n/conf/l$i.conf"
	done
	"$program" -c "$dir/$n/conf" init --quiet
}

# The state of certbot and uacme as it is after issuing: made from one key and a certificate per name.
make_others() {
	local n=$1 i cb=$dir/$1/certbot ua=$dir/$1/uacme
	mkdir -p "$cb/renewal" "$cb/live" "$cb/archive" "$ua/private"
	openssl ecparam -genkey -name prime256v1 -noout -out "$dir/key.pem"
	cp "$dir/key.pem" "$ua/private/key.pem"
	for ((i = 1; i <= n; i++)); do
		local h=h$i.example.org
		mkdir -p "$cb/live/$h" "$cb/archive/$h" "$ua/$h" "$ua/private/$h"
		openssl req -x509 -key "$dir/key.pem" -subj "/CN=$h" -addext "subjectAltName=DNS:$h" -days 90 \
			-out "$ua/$h/cert.pem" 2> /dev/null
		cp "$dir/key.pem" "$ua/private/$h/key.pem"
		for f in cert chain fullchain; do cp "$ua/$h/cert.pem" "$cb/archive/$h/${f}1.pem"; done
		cp "$dir/key.pem" "$cb/archive/$h/privkey1.pem"
		for f in cert chain fullchain privkey; do ln -s "../../archive/$h/${f}1.pem" "$cb/live/$h/$f.pem"; done
		printf 'version = 2.1.0\narchive_dir = %s\ncert = %s\nprivkey = %s\nchain = %s\nfullchain = %s\n[renewalparams]\nauthenticator = standalone\nserver = https://127.0.0.1:1/directory\nkey_type = ecdsa\n' \
			"$cb/archive/$h" "$cb/live/$h/cert.pem" "$cb/live/$h/privkey.pem" "$cb/live/$h/chain.pem" \
			"$cb/live/$h/fullchain.pem" > "$cb/renewal/$h.conf"
	done
	cat > "$dir/$n/uacme-all" <<-END
		#!/bin/sh
		for h in "$ua"/h*; do uacme -c "$ua" issue "\${h##*/}"; done
	END
	chmod 755 "$dir/$n/uacme-all"
}

ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.0f", a / (b > 0 ? b : 0.001) }'; }

sizes='1 1000'
[ -n "${QUICK:-}" ] || sizes='1 1000 10000'
echo "| certificates | certline cron | memory | certbot renew | uacme issue |"
echo "| --- | --- | --- | --- | --- |"
for n in $sizes; do
	make_lines "$n"
	find "$dir/$n/state" -printf '%p %T@ %C@ %s\n' | sort > "$dir/before"
	out=$("$program" -c "$dir/$n/conf" cron 2>&1)
	[ -z "$out" ] || { echo "an idle run printed: $out"; exit 1; }
	find "$dir/$n/state" -printf '%p %T@ %C@ %s\n' | sort | cmp -s - "$dir/before" ||
		{ echo "an idle run wrote something"; exit 1; }
	read -r ours kb < <(best "$program" -c "$dir/$n/conf" cron)
	[ "$n" != 1 ] || ours=$(mean50 "$program" -c "$dir/$n/conf" cron)
	others='| - | - |'
	if [ -z "${QUICK:-}" ] && [ "$n" -le 1000 ]; then
		make_others "$n"
		cb=$dir/$n/certbot
		read -r certbot _ < <(best certbot renew --config-dir "$cb" --work-dir "$cb/w" --logs-dir "$cb/l" --no-random-sleep-on-renew)
		read -r uacme _ < <(best "$dir/$n/uacme-all")
		[ "$n" != 1 ] || uacme=$(mean50 "$dir/$n/uacme-all")
		others="| $certbot s ($(ratio "$certbot" "$ours")x) | $uacme s ($(ratio "$uacme" "$ours")x) |"
	fi
	echo "| $n | $ours s | $((kb / 1024)) MiB $others"
done
read -r plan _ < <(best "$program" -c "$dir/1000/conf" plan --days 3650)
echo
echo "\`plan\` over ten years for 1,000 lines: $plan s. Nothing was printed and nothing written by the idle runs."
