#!/bin/bash
# eyes.sh - certline with its eyes open, in a signed DNS world: what it does when a name server lags, falls
# back, is silent or lies, when zones are not signed or bogus, and when a publisher does not keep its
# word.  The clock of the program is moved (--now), so that no test waits for a TTL; the servers are
# real, and their signatures hold for some days.
# shellcheck disable=SC2016,SC2034,SC2153,SC2154 source=/dev/null
. "$(dirname "$0")/lib.sh" || exit 1
. "$TOP/tests/system/lab/line.sh"
. "$TOP/tests/system/lab/world.sh"
need_programs named rndc nsd nsd-control knotd knotc keymgr unbound unbound-control dig nsupdate \
	dnssec-keygen dnssec-signzone python3 jq

MX=_25._tcp.mx.example.test
STAGING=1h
DNS_ROWS=                               # instead of the resolver of the world
ANCHOR=                                 # instead of its trust anchor

# conf OWNERS MORE...: the configuration of the line, which publishes by update; MORE are rows of [dane], or
# begin other sections.
conf() {
	CONF_ARGS=("$@")
	{
		printf 'domains = mx.example.test\nissuer = self\n[timing]\nstaging = %s\nretire-after = 1h\n' "$STAGING"
		printf '[hooks]\npost-certchange = /bin/true\n'
		printf '[dns]\n%s\nport = %s\ntrust-anchor = %s\n' "${DNS_ROWS:-resolver = 127.0.0.131:$WORLD_PORT}" \
			"$WORLD_PORT" "${ANCHOR:-$WORLD/root.key}"
		printf '[update]\nkeys = %s\nservers = example.test 127.0.0.1:%s\n' "$WORLD/tlsa-sha256.key" "$WORLD_PORT"
		printf '  knot.test 127.0.0.123:%s\n' "$WORLD_PORT"
		for z in nsec3 ed rsa insecure; do
			printf '  %s.test 127.0.0.1:%s\n' "$z" "$WORLD_PORT"
		done
		printf '[endpoints]\nlook = no\n[dirs]\nstate = %s\n[dane]\nowners = %s\n' "$STATE" "$1"
		shift
		[ $# -eq 0 ] || printf '%s\n' "$@"
	} >"$CONF/$LINE.conf"
}

# fresh OWNERS MORE...: a new store.
fresh() {
	chmod -R u+w "$STATE" 2>/dev/null
	rm -rf "$STATE"
	T0=$(date +%s)
	NOW=$T0
	conf "$@"
}

# by_hook: the line publishes by a hook that says yes and does nothing.
by_hook() {
	sed -i 's|^post-certchange.*|&\npost-keychange = /bin/true|' "$CONF/$LINE.conf"
}

# at SECONDS ARGUMENT...: the program at T0 + SECONDS.
at() {
	NOW=$((T0 + $1))
	shift
	run "$@"
}

# look: what `certline dns` says, as JSON in $DNS.
look() {
	run dns --json
	DNS=$OUT
}

# of FILTER: a value in it.
of() {
	printf '%s' "$DNS" | jq -r "$1"
}

# safe KEY: seconds from T0 to the moment at which the key is safe.
safe() {
	date -d "$(of ".lines[0].$1.safe")" +%s | awk -v t="$T0" '{ print $1 - t }'
}

# all_synced: the slow secondary has what the primary has, too.
all_synced() {
	local zone
	for zone in "${@:-example.test}"; do
		within 5 world_same sec "$zone"
		world_lagsync "$zone"
	done
}

# staged_from T: init at 0, and a staged key at T, published everywhere.
staged_from() {
	at 0 init
	all_synced
	at $(($1 - 600)) cron
	at "$1" roll
	all_synced
}

WORLD_RRL=40                            # sec drops what is more a second
world_make
verdict $? 'the world is made' || finish
world_start
verdict $? 'the world runs' || finish

# --- the whole way, by update -----------------------------------------------------------------------

fresh "$MX"
exits 0 'init makes a key and publishes its record by update' init
check 'the primary has it' [ "$(world_served pri $MX | wc -l)" = 1 ]
all_synced
look
is 'every server is seen, in IPv6 too where there is any' "$(of '.lines[0].owners[0].servers | length')" \
	"$([ "$WORLD_IPV6" = yes ] && echo 4 || echo 3)"
is 'the zone is secure' "$(of '.lines[0].owners[0].dnssec')" secure
is 'every server shows the live key' "$(of '[.lines[0].owners[0].servers[].covers.live] | unique | join(",")')" yes
at 600 cron
at 1200 roll
check 'the primary has both records' [ "$(world_served pri $MX | wc -l)" = 2 ]
is 'nothing is promoted at once' "$(generation staging)" 2
look
is 'the slow secondary lacks the staged key' \
	"$(of '[.lines[0].owners[0].servers[] | select(.covers.staging == "no") | .server] | join(",")')" "127.0.0.123:$WORLD_PORT example.test"
is 'that holds' "$(of '.lines[0].staging.verdict')" hold
like 'and is said with the name of the server' "$(of '.lines[0].staging.why')" '127.0.0.123'
at 20000 cron
is 'hours later it holds still' "$(generation staging)" 2
at 20060 status
like 'status says who' "$(printf '%s' "$OUT" | tr -s ' \n' ' ')" 'not all seen.*127.0.0.123'
is 'and is not content, an hour after the publication' "$STATUS" 1
world_lagsync
at 20100 cron
look
is 'when it has caught up, the horizon is set by what it showed last' "$(of '.lines[0].staging.verdict')" wait
like 'with the reason' "$(of '.lines[0].staging.why')" "$MX"
SAFE=$(safe staging)
check 'at least one old TTL later' [ "$SAFE" -ge $((20100 + 3600)) ]
check 'and no more than two and the margin' [ "$SAFE" -le $((20100 + 2 * 3600 + 600)) ]
at 20100 plan
like 'plan names that time' "$OUT" "$(date -u -d "@$((T0 + SAFE))" '+%Y-%m-%d %H:%M').*promote"
at $((SAFE - 2)) cron
is 'two seconds before nothing is promoted' "$(generation live)" 1
at $((SAFE + 1)) cron
is 'then it is' "$(generation live)" 2
is 'both records are there still' "$(world_served pri $MX | wc -l)" 2
at $((SAFE + 3600 + 10)) cron
is 'the old one goes when the live key is everywhere' "$(world_served pri $MX)" "3 1 1 $(digest 2)"

# --- publishers that do not keep their word -----------------------------------------------------------

fresh "$MX" 'publish = hook'
by_hook
printf '%s\n' "update delete $MX TLSA" | world_update example.test tlsa-sha256
all_synced
at 0 init
at 600 cron
at 1200 roll
at 200000 cron
is 'what it was to publish is not seen, and nothing is promoted' "$(generation live)" 1
is 'which is a failure' "$STATUS" 1
like 'with the owner' "$ERR" "no name server shows what was published at $MX"

# --- what servers show, and when it counts -----------------------------------------------------------

fresh "$MX"
staged_from 1200
at 1500 cron
at 2000 cron
world_update example.test tlsa-sha256 <<<"update delete $MX TLSA 3 1 1 $(digest 2)"
all_synced
at 9000 cron
is 'a record that was withdrawn before the promotion: nothing is promoted' "$(generation live)" 1
world_update example.test tlsa-sha256 <<<"update add $MX 3600 TLSA 3 1 1 $(digest 2)"
all_synced
at 9300 cron
look
check 'put back, all waits begin anew' [ "$(safe staging)" -ge $((9000 + 3600)) ]

fresh "$MX" 'ttl = 1h'
at 0 init
world_update example.test tlsa-sha256 <<END
update delete $MX TLSA
update add $MX 86400 TLSA 3 1 1 $(digest 1)
END
all_synced
at 300 cron
at 600 cron
at 1200 roll
all_synced
at 1500 cron
look
check 'an old TTL that was larger than the new one rules' [ "$(safe staging)" -ge $((600 + 86400)) ]

fresh "$MX"
staged_from 1200
at 1500 cron
rm -f "$LINE_DIR/state.json"
at 20000 cron
is 'state.json is lost: the key that is staged is not promoted by it' "$(generation live)" 1
look
check 'what may have been there is assumed' [ "$(safe staging)" -ge $((20000 + 86400)) ]

fresh "$MX"
staged_from 1200
at 1500 cron
world_pause sec
at 9000 cron
is 'a silent server holds' "$(generation live)" 1
at 9300 cron -v
like 'and is named' "$OUT$ERR" '127.0.0.122.*no answer'
"$PROGRAM" -c "$CONF" --now "@$NOW" dns --json >"$SCRATCH/shot.json" 2>/dev/null &
SHOT=$!
within 3 pgrep -P "$SHOT" >/dev/null
kill -SEGV "$(pgrep -P "$SHOT")"
wait "$SHOT"
DNS=$(cat "$SCRATCH/shot.json")
is 'a worker that dies over an answer: hold' "$(of '.lines[0].staging.verdict')" hold
like 'and no more than that' "$(of '.lines[0].staging.why')" 'looking at its name servers failed: killed by signal 11'
world_cont sec
world_stop_server lag
at 9600 cron -v
like 'so is one that is not there' "$OUT$ERR" '127.0.0.123.*refused'
world_restart lag
within 5 world_same lag example.test || world_lagsync
at 9900 cron
at 10300 cron
is 'when all answer, the key goes live' "$(generation live)" 2

# --- kinds of zones ------------------------------------------------------------------------------------

for zone in nsec3 ed rsa knot; do
	fresh "_25._tcp.mx9.$zone.test"
	at 0 init
	is "$zone.test: init" "$STATUS" 0
	[ "$zone" = knot ] || all_synced "$zone.test"
	at 600 cron
	at 1200 roll
	[ "$zone" = knot ] || all_synced "$zone.test"
	at 1500 cron
	look
	is "$zone.test: secure, and seen everywhere" "$(of '[.lines[0].owners[0].dnssec, .lines[0].staging.verdict] | join(" ")')" 'secure wait'
	at 20000 cron
	is "$zone.test: promoted" "$(generation live)" 2
done

fresh _25._tcp.mx9.insecure.test 'publish = update'
sed -i "s|^keys = .*|keys = $WORLD/tlsa-sha256.key|" "$CONF/$LINE.conf"
at 0 init
all_synced insecure.test
at 600 cron
at 1200 roll
all_synced insecure.test
at 1500 cron
at 20000 cron
is 'an unsigned zone: nothing is rolled' "$(generation live)" 1
like 'because DANE has no effect there' "$ERR" 'DANE has no effect'
sed -i 's/^\[dns\]/&\ninsecure = go/' "$CONF/$LINE.conf"
at 20300 cron
at 20700 cron
is 'insecure = go rolls it' "$(generation live)" 2

for kind in 'bogus bogus' 'expired bogus' 'dangling bogus' 'unkdigest insecure' 'unkalg insecure'; do
	read -r zone state <<<"$kind"
	fresh "_25._tcp.mx.$zone.test" 'publish = hook' 
	by_hook
	at 0 init
	look
	is "$zone.test is $state" "$(of '.lines[0].owners[0].dnssec')" "$state"
	[ "$state" = insecure ] || like "$zone.test: and why" "$(of '.lines[0].owners[0].why')" '.{10}'
	is "$zone.test: which is said" "$STATUS" 1
done

# --- aliases, wildcards, foreign records --------------------------------------------------------------

world_lagsync ed.test
world_lagsync insecure.test
for kind in '_443._tcp.www.example.test secure' '_993._tcp.mail.example.test secure' '_994._tcp.mail.example.test insecure' \
	'_443._tcp.dn.example.test secure'; do
	read -r owner state <<<"$kind"
	fresh "$owner" 'publish = hook'
	by_hook
	at 0 init
	look
	is "$owner is followed: $state" "$(of '.lines[0].owners[0].dnssec')" "$state"
	check "$owner: aliases and their ends are asked" [ "$(of '[.lines[0].owners[0].servers[] | select(.alias)] | length')" -ge 1 ]
	like "$owner: foreign records there do not fit the live key" "$(of '.lines[0].alarms[]')" 'do not fit the live key'
done

fresh _443._tcp.www.example.test
at 0 init
is 'an update at an alias is refused' "$STATUS" 1
like 'with the remedy' "$ERR" 'alias'

fresh _25._tcp.wild.example.test
at 0 init
is 'under a wildcard: the set that a slow server shows until now does not fit' "$STATUS" 1
like 'which is said' "$ERR" '127.0.0.123.*do not fit the live key'
all_synced
at 600 cron
at 1200 roll
is 'under a wildcard the full set stands at the name itself' "$(world_served pri _25._tcp.wild.example.test | wc -l)" 2

fresh "$MX"
printf '%s\n' "update delete $MX TLSA" "update add $MX 3600 TLSA 3 1 1 $WORLD_DIGEST" | world_update example.test tlsa-sha256
all_synced
at 0 init
is 'a foreign record is kept' "$(world_served pri $MX | grep -c "$WORLD_DIGEST")" 1
is 'beside ours' "$(world_served pri $MX | wc -l)" 2
all_synced
at 300 cron
is 'and tolerated' "$STATUS" 0
world_update example.test tlsa-sha256 <<<"update add $MX 3600 TLSA 3 1 2 $WORLD_DIGEST$WORLD_DIGEST"
all_synced
at 600 cron
is 'one of another matching type makes clients refuse the live key: alarm' "$STATUS" 1
like 'at once, and by name' "$ERR" "127.0.0.1.*$MX.*do not fit the live key"

printf '%s\n' "update delete $MX TLSA 3 1 2" "update add $MX 3600 TLSA 2 1 1 $WORLD_DIGEST" |
	sed "s/ TLSA 3 1 2$/ TLSA 3 1 2 $WORLD_DIGEST$WORLD_DIGEST/" | world_update example.test tlsa-sha256
all_synced
at 900 cron
is 'one of another usage is accepted by clients, beside ours' "$STATUS" 0
at 8000 cron -v
unlike() { ! grep -qE "$2" <<<"$1"; }
check 'and nothing is published again for it' unlike "$OUT$ERR" 'published again'
like 'but keys are not rolled, and the kind is named' "$OUT$ERR" '2 1 1.*no key is rolled'

# --- two zones, one refuses ------------------------------------------------------------------------------

printf '%s\n' "update delete $MX TLSA" | world_update example.test tlsa-sha256
all_synced
fresh "$MX _25._tcp.mx9.ed.test"
at 0 init
all_synced example.test ed.test
at 600 cron
sed -i "s|^keys = .*|keys = example.test $WORLD/tlsa-sha256.key\n  ed.test $WORLD/wrong.key|" "$CONF/$LINE.conf"
at 1200 roll
is 'two zones, one refuses: that is a failure' "$STATUS" 1
like 'with the zone and the reason' "$ERR" 'ed.test.*BADSIG'
is 'the other one is written' "$(world_served pri $MX | wc -l)" 2
all_synced
at 20000 cron
is 'nothing is promoted' "$(generation live)" 1
sed -i "s|/wrong.key|/tlsa-sha256.key|" "$CONF/$LINE.conf"
at 20300 cron
all_synced example.test ed.test
at 20600 cron
at 40000 cron
is 'when it accepts, the way goes on' "$(generation live)" 2

# --- who validates, and whom is asked -------------------------------------------------------------------

# mode ROWS: the rows stand in [dns] now.
mode() {
	DNS_ROWS=$1
	conf "${CONF_ARGS[@]}"
}

fresh "$MX"
staged_from 1200
at 1500 cron
at 9000 dns --json
mode "resolver = 127.0.0.131:$WORLD_PORT"$'\n'"validate = resolver"
look
is 'validate = resolver: the AD bit of unbound' "$(of '[.lines[0].owners[0].dnssec, .lines[0].staging.verdict] | join(" ")')" 'secure go'
mode "resolver = 127.0.0.1:$WORLD_RPORT"$'\n'"validate = resolver"
look
is 'and of BIND' "$(of '[.lines[0].owners[0].dnssec, .lines[0].staging.verdict] | join(" ")')" 'secure go'
mode "resolver = 127.0.0.131:$WORLD_PORT"$'\n'"validate = no"
look
is 'validate = no: nobody looks at signatures' "$(of '.lines[0].staging.verdict')" go
world_hostile lag strip-rrsig 2>/dev/null
look
is 'also not when they are missing' "$(of '.lines[0].staging.verdict')" go
world_restart lag
within 5 world_same lag example.test || world_lagsync
mode "resolver = recurse
servers = . 127.0.0.111:$WORLD_PORT
  test 127.0.0.112:$WORLD_PORT
  example.test 127.0.0.1:$WORLD_PORT 127.0.0.122:$WORLD_PORT"
look
is 'resolver = recurse, with servers by configuration' "$(of '[.lines[0].owners[0].dnssec, .lines[0].staging.verdict] | join(" ")')" 'secure go'
is 'they alone are asked' "$(of '[.lines[0].owners[0].servers[] | select(.listed)] | length')" 2
mode 'resolver = 127.0.0.9:1'
look
is 'a resolver that is not there: hold' "$(of '.lines[0].staging.verdict')" hold
like 'with its address' "$(of '.lines[0].staging.why')" '127.0.0.9:1'
ANCHOR=/nonexistent
mode ''
look
is 'no trust anchor: hold' "$(of '.lines[0].staging.verdict')" hold
like 'with the file and the option' "$(of '.lines[0].staging.why')" '/nonexistent.*trust-anchor'
ANCHOR=
mode ''
at $((30 * 86400)) dns --json
DNS=$OUT
is 'a month later nobody has signed anything: bogus, hold' "$(of '[.lines[0].owners[0].dnssec, .lines[0].staging.verdict] | join(" ")')" 'bogus hold'
like 'because that has expired' "$(of '.lines[0].owners[0].why')" expired

# --- more records, more names ----------------------------------------------------------------------------

printf '%s\n' "update delete $MX TLSA" | world_update example.test tlsa-sha256
all_synced
fresh "$MX" 'parameters = 3 1 1'
at 0 init
all_synced
at 600 cron
sed -i 's/^parameters = .*/parameters = 3 1 1, 3 1 2/' "$CONF/$LINE.conf"
at 1200 roll
is 'new parameters are published for the live key first' "$(world_served pri $MX | cut -d ' ' -f 1-3 | sort | uniq -c | tr -s ' ' | paste -s -d ,)" ' 2 3 1 1, 2 3 1 2'
all_synced
at 1500 cron
at 20000 cron
is 'and then the key goes live' "$(generation live)" 2
sed -i 's/^parameters = .*/parameters = 3 1 2/' "$CONF/$LINE.conf"
at 40000 cron
is 'old ones go from all keys at once' "$(world_served pri $MX | cut -d ' ' -f 1-3 | sort -u)" '3 1 2'
is 'and nothing is refused by it' "$STATUS" 0
{
	for i in 1 2 3 4 5 6 7 8 9 10 11; do
		printf 'update add %s 3600 TLSA 3 1 2 %0128d\n' $MX $i
	done
} | world_update example.test tlsa-sha256
all_synced
at 40300 cron
at 40300 status
like 'more than ten records are worth a warning' "$OUT" 'note: .* has 1[0-9] TLSA records'
printf '%s\n' "update delete $MX TLSA" | world_update example.test tlsa-sha256
all_synced

STAGING=30d
fresh "$MX"
STAGING=1h
staged_from 1200
at 1500 cron
look
like 'signatures that end before the key can be used are worth one, too' "$(of '.lines[0].warnings[]')" 'signature of .* ends at .* before the staged key'
printf '%s\n' "update delete $MX TLSA" | world_update example.test tlsa-sha256
all_synced

owners=
for i in {1..80}; do
	owners+=$'\n'"  _25._tcp.h$i.example.test"
done
fresh "$owners" 'publish = hook'
by_hook
look
is 'eighty owners, and a server that limits its answers: all are answered' \
	"$(of '[.lines[0].owners[].servers[] | select(.answers | not)] | length')" 0

# --- killed at any moment -------------------------------------------------------------------------------

# killed SECONDS: cron at T0 + SECONDS, killed after 50 ms, 100 ms, ...; whatever it had come to, the primary's
# set has the live key's record, and every link leads somewhere.
killed() {
	local i pid bad=
	NOW=$((T0 + $1))
	for i in 05 10 15 20 25 30 40 50 65 80; do
		"$PROGRAM" -c "$CONF" --now "@$NOW" cron >/dev/null 2>&1 &
		pid=$!
		sleep "0.$i"
		kill -KILL "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
		world_served pri "$MX" | grep -q "$(digest "$(generation live)")" || bad+=" $i"
		[ -e "$LINE_DIR/live/key.pem" ] || bad+=" $i:link"
	done 2>/dev/null
	is "killed at ten moments ($2): the live key is always published" "$bad" ''
	run cron
}

printf '%s\n' "update delete $MX TLSA" | world_update example.test tlsa-sha256
all_synced
fresh "$MX"
at 0 init
all_synced
at 600 cron
sed -i 's/^\[timing\]/&\nmax-key-age = 1s/' "$CONF/$LINE.conf"
killed 1200 'staging'
all_synced
is 'the next run has staged a key and published it' "$(generation staging) $(world_served pri $MX | wc -l)" "$(generation staging) 2"
check 'a key is staged' [ "$(generation staging)" -gt 0 ]
STAGED=$(generation staging)
at 1500 cron
sed -i 's/^max-key-age = 1s/max-key-age = 20h/' "$CONF/$LINE.conf"
at 9000 cron
sed -i 's/^max-key-age = 20h/max-key-age = 2h/' "$CONF/$LINE.conf"
killed 9300 'promoting'
is 'the next run has promoted it' "$(generation live)" "$STAGED"
sed -i 's/^max-key-age = 2h/max-key-age = 20d/' "$CONF/$LINE.conf"
killed $((9300 + 3700)) 'retiring'
is 'the next run has retired the old one' "$(world_served pri $MX)" "3 1 1 $(digest "$(generation live)")"

# --- servers that lie -----------------------------------------------------------------------------------

printf '%s\n' "update delete $MX TLSA" | world_update example.test tlsa-sha256
fresh "$MX"
staged_from 1200
at 1500 cron
at 9000 dns --json
DNS=$OUT
is 'all is well, and the staged key could be used' "$(of '.lines[0].staging.verdict')" go
for mode in wrong-id-first wrong-question-first wrong-port-first wrong-source-first edns-chain truncate-udp-always silent-udp; do
	world_hostile lag "$mode" --hex "$WORLD_DIGEST" 2>/dev/null
	look
	is "$mode: only the true answer is believed" "$(of '.lines[0].staging.verdict')" go ||
		note "$(of '.lines[0].staging.why, (.lines[0].alarms[])')"
	check "$mode: it was asked" grep -q ' TLSA: ' "$SCRATCH/hostile-lag.log"
done
for mode in garbage servfail refused not-aa strip-rrsig flip-rrsig other-set loop silent endless; do
	world_hostile lag "$mode" --hex "$WORLD_DIGEST" 2>/dev/null
	look
	is "$mode: holds" "$(of '.lines[0].staging.verdict')" hold
	like "$mode: and says who" "$(of '.lines[0].staging.why, (.lines[0].alarms[])' | tr '\n' ' ')" '127.0.0.123|resolver 127.0.0.131.* in time'
done
world_hostile lag old-ttl --hex "$WORLD_DIGEST"
look
is 'a TTL that is larger than the signature says is no harm in a set with the key' "$(of '.lines[0].staging.verdict')" go
world_hostile lag garbage
at 9300 cron
is 'nor is any of them used for a promotion' "$(generation live)" 1
world_restart lag
within 5 world_same lag example.test || world_lagsync
at 9600 cron
at 10000 cron
is 'when it tells the truth again, the key goes live' "$(generation live)" 2

finish
