#!/bin/bash
# telling_dns.sh - what is told of what name servers show: a key that was seen everywhere, records that do not
# fit the live key, a zone that is not secure.
# shellcheck disable=SC2016,SC2034,SC2153,SC2154 source=/dev/null
. "$(dirname "$0")/lib.sh" || exit 1
. "$TOP/tests/system/lab/line.sh"
. "$TOP/tests/system/lab/world.sh"
need_programs named rndc nsd nsd-control knotd knotc keymgr unbound unbound-control dig nsupdate \
	dnssec-keygen dnssec-signzone python3 jq

MX=_25._tcp.mx.example.test
SAYS=$SCRATCH/says
PROM=$SCRATCH/certline.prom
: >"$SAYS"
script "$SCRATCH/told" <<<"cat >>$SAYS"

# line NAME ZONE: with an owner in the zone
line() {
	cat >"$CONF/$1.conf" <<-END_OF_CONF
		domains = $1.$2
		issuer = self
		[hooks]
		post-certchange = /bin/true
		[endpoints]
		look = no
		[dane]
		owners = _25._tcp.$1.$2
		[update]
		keys = $WORLD/tlsa-sha256.key
		servers = $2 127.0.0.1:$WORLD_PORT
	END_OF_CONF
}

at() {
	NOW=$((T0 + $1))
	shift
	run "$@"
}

# told [LINE]: events, each once
told() {
	jq -r "select(.line | startswith(\"${1:-}\")) | .event" "$SAYS" | sort -u | paste -s -d ' '
}

metric() {
	grep "^$1" "$PROM" | sed 's/.* //'
}

world_make
verdict $? 'the world is made' || finish
world_start
verdict $? 'the world runs' || finish
T0=$(date +%s)
{
	printf '[dns]\n'
	world_dns_conf
	printf '[dirs]\nstate = %s\n[notify]\nhook = %s\n[run]\nmetrics-file = %s\n' "$STATE" "$SCRATCH/told" "$PROM"
} >"$CONF/certline.conf"

line mx example.test
at 0 init
within 5 world_same sec example.test
world_lagsync
at 600 cron
like 'a key that every name server shows was seen' "$(jq -r .event "$LINE_DIR/history.jsonl" | paste -s -d ,)" 'published,seen$'
is '... nobody is told that' "$(told)" promoted
is '... by the metrics all is well' "$(metric certline_dns_secure) $(metric certline_dns_uncovered) $(metric certline_looked_at_seconds)" "1 0 $NOW"

: >"$SAYS"
own=$(world_served pri "$MX")
printf '%s\n' "update delete $MX TLSA" "update add $MX 3600 TLSA 3 1 1 $WORLD_DIGEST" | world_update example.test tlsa-sha256
within 5 world_same sec example.test
world_lagsync
at 1200 cron
is 'records that do not fit the live key: told at once' "$(told)" uncovered
like '... with owner and server' "$(jq -r 'select(.event == "uncovered") | .text' "$SAYS")" "gives TLSA records for $MX that do not fit the live key"
is '... the metrics say so' "$(metric 'certline_dns_uncovered{line="mx"') $(metric 'certline_line_ok{line="mx"')" '1 0'
: >"$SAYS"
at 1800 cron
is '... and not again' "$(told)" ''
printf '%s\n' "update delete $MX TLSA" "update add $MX 3600 TLSA $own" | world_update example.test tlsa-sha256
within 5 world_same sec example.test
world_lagsync
at 2400 cron
is '... mended: recovered' "$(told)" recovered

: >"$SAYS"
line mx9 insecure.test
at 3000 init
world_lagsync insecure.test
at 3600 cron
like 'a zone that is not signed' "$(told mx9)" 'dnssec-lost'
like '... is named' "$(jq -r 'select(.event == "dnssec-lost") | .text' "$SAYS")" 'the zone of _25._tcp.mx9.insecure.test is insecure'
is '... by the metrics too' "$(metric 'certline_dns_secure{line="mx9"')" 0
is '... the other line is not concerned' "$(told mx)" "$(told mx9)"

finish
