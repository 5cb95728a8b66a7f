#!/bin/bash
# rollover.sh - a key's whole life in real time, with real servers and real DANE clients: a zone that
# named signs, a validating resolver whose cache is kept as stale as it can be, Postfix and nginx.
#
# All the time, every 0.3 seconds, clients take the TLSA set of both services from the resolver and
# verify the servers with it.  None may ever be refused, also not with the shortest staging time that
# is allowed.  At the end the same is done by a program that does not wait: there clients must be
# refused, or this test would prove nothing.
#
# As root it runs in a network of its own, with Postfix and with clients that read resolv.conf.
# shellcheck disable=SC2016,SC2153,SC2154 source=/dev/null

if [ "${1:-}" != alone ] && [ "$(id -u)" -eq 0 ] && unshare --net --mount true 2>/dev/null; then
	exec unshare --net --mount "$0" alone
fi
. "$(dirname "$0")/lib.sh" || exit 1
. "$TOP/tests/system/lab/line.sh"
. "$TOP/tests/system/lab/dane.sh"
need_programs named rndc named-checkzone dnssec-keygen dig unbound unbound-control nginx openssl flock cc
[ "${1:-}" != alone ] || {
	need_programs postfix posttls-finger gnutls-cli danetool ip mount
	world_alone
}

dns_start
verdict $? 'named signs the zone, and the resolver vouches for it' ||
	note "$(tail -n 5 "$SCRATCH/named.log" "$SCRATCH/unbound.log")"
nginx_files
SERVICES=("www.lab.example:$HTTPS")
OWNERS=_$HTTPS._tcp.www.lab.example
VERIFY="--verify 127.0.0.1:$HTTPS"
SERVERS=nginx:$NGINX/nginx.conf
if [ "$(id -u)" -eq 0 ]; then
	postfix_files
	SERVICES+=("mx.lab.example:$SMTP:smtp")
	OWNERS+=" _$SMTP._tcp.mx.lab.example"
	VERIFY+=" --verify smtp:127.0.0.1:$SMTP"
	SERVERS+=" postfix:$POSTFIX/etc"
fi
N=${#SERVICES[@]}                       # records a key

# --- the line --------------------------------------------------------------------------------------

STAGING=${STAGING:-8}
RETIRE=3
cp -r "$TOP/hooks" "$SCRATCH/hooks"
chmod -R go-w "$SCRATCH/hooks"
cat >"$CONF/$LINE.conf" <<END_OF_CONF
domains = mx.lab.example www.lab.example
issuer = self
[timing]
staging = ${STAGING}s
retire-after = ${RETIRE}s
[hooks]
post-certchange = $SCRATCH/hooks/reload --wait 4 $VERIFY $SERVERS
post-keychange =
  $SCRATCH/warm-cache
  $SCRATCH/hooks/bind-reload --control-conf $ZONES/rndc.conf --port $DNS --dir $ZONES lab.example $ZONES/lab.example.db
  $SCRATCH/note-set
[dane]
owners = $OWNERS
verify = no
ttl = ${TTL}s
include-file = $INCLUDE
[endpoints]
look = yes
${SMTP:+starttls = $SMTP smtp}
[dns]
resolver = 127.0.0.1:$RESOLVER
trust-anchor = $ZONES/anchor
[dirs]
state = $STATE
END_OF_CONF

# Just before the zone changes, the resolver is made to hold the old set for a whole TTL.
script "$SCRATCH/warm-cache" <<END_OF_HOOK
for owner in \$CERTLINE_OWNERS; do
	unbound-control -q -s $ZONES/unbound.sock flush_type "\$owner" TLSA
	echo "\$owner \$(dig -r +short -p $RESOLVER @127.0.0.1 "\$owner" TLSA | grep -c '^3 1 1 ')"
done >$SCRATCH/warmed
END_OF_HOOK

# What a zone generator started by this hook would get, and when the hooks have succeeded.
script "$SCRATCH/note-set" <<END_OF_HOOK
"\$CERTLINE" tlsa >$SCRATCH/set-in-hook && date +%s >$SCRATCH/published-at
echo run >>$SCRATCH/keychange-runs
END_OF_HOOK

# of_owners COUNT: a line "OWNER COUNT" for every owner.
of_owners() {
	local owner
	for owner in $OWNERS; do
		echo "$owner $1"
	done
}

# included OWNER: the digests of its records in the include file.
included() {
	awk -v owner="$1." '$1 == owner { print toupper($8) }' "$INCLUDE" | sort
}

# all_have COMMAND GENERATION...: the command prints exactly the keys of these, for every owner.
all_have() {
	local owner g
	for owner in $OWNERS; do
		[ "$("$1" "$owner")" = "$(for g in "${@:2}"; do digest "$g"; done | sort)" ] || return 1
	done
}

published() {
	all_have included "$@"
}

resolved() {
	all_have cached "$@"
}

# all_clients WHEN: each kind of client accepts each server.
all_clients() {
	local said
	check "$1: openssl accepts every server" looks
	if [ -z "$ALONE" ]; then
		skip "$1: Postfix and gnutls accept the servers" 'needs root, and namespaces'
		return
	fi
	said=$(postfix_client)
	like "$1: a sending Postfix verifies mx by DANE" "$said" '^posttls-finger: Verified TLS connection established to mx'
	if [ -z "$ROOT_KEY" ]; then
		skip "$1: gnutls accepts the servers" 'there is no root.key to put the trust anchor over'
		return
	fi
	said=$(gnutls_client mx.lab.example "$SMTP" --starttls-proto=smtp)
	like "$1: gnutls-cli --dane accepts mx" "$said" 'DANE: Certificate matches'
	said=$(danetool --check www.lab.example --port "$HTTPS" --proto tcp --local-dns 2>&1)
	like "$1: danetool --check accepts www" "$said" 'Verification: Certificate matches'
}

# probing NAME: from now on clients look at each service, all the time.
probing() {
	local service
	PROBE_LOGS=()
	PROBE_PIDS=()
	for service in "${SERVICES[@]}"; do
		start "$1-${service%%.*}" "$LAB/client.sh" --loop "$RESOLVER" "$service"
		PROBE_LOGS+=("$SCRATCH/$1-${service%%.*}.log")
		PROBE_PIDS+=("$PID")
	done
}

# probed: ends that.  The number of looks is in $LOOKS, that of refusals in $REFUSED, and what they
# were in $REFUSALS.
probed() {
	local pid
	for pid in "${PROBE_PIDS[@]}"; do
		stop "$pid"
	done
	LOOKS=$(cat "${PROBE_LOGS[@]}" | grep -c -E ' (ok|refused .*)$')
	REFUSALS=$(cat "${PROBE_LOGS[@]}" | grep ' refused ' | sort)
	REFUSED=$(printf '%s' "$REFUSALS" | grep -c '')
}

# cron_until SECONDS COMMAND...: cron again and again until the command succeeds.  What it prints is
# added to $SAID_BY_CRON; a run that fails ends it.
cron_until() {
	local until_at=$(($(date +%s) + $1))
	shift
	until "$@"; do
		[ "$(date +%s)" -lt "$until_at" ] || return 1
		run cron
		SAID_BY_CRON+=${OUT:+$OUT$'\n'}
		[ "$STATUS" -eq 0 ] || { note "$ERR"; return 1; }
		sleep 0.1
	done
}

is_live() {
	[ "$(generation live)" = "$1" ]
}

# --- first activation: the servers first, then the records -------------------------------------------

exits 1 'init before there are servers: exit 1' init
like '... the certchange hook says what is missing' "$ERR" "\\| reload: .*127\.0\.0\.1:$HTTPS"
check 'there is a live key' test -s "$LIVE/combined.pem"
is 'the include file is as it was: empty' "$(wc -c <"$INCLUDE")" 0
check_not 'no keychange hook has run' test -e "$SCRATCH/keychange-runs"
run tlsa
is 'no records are printed' "$OUT" ''
is 'the resolver has none' "$(cached "${OWNERS%% *}")" ''

nginx_start
verdict $? 'nginx serves live/' || note "$(cat "$SCRATCH/nginx.log" "$NGINX/error.log")"
if [ "$(id -u)" -eq 0 ]; then
	postfix_start
	verdict $? 'Postfix serves live/' || note "$(tail -n 5 "$POSTFIX/log")"
else
	skip 'Postfix serves live/' 'needs root'
fi
exits 0 'once the certchange hook sees both servers, cron exits 0' cron
is '... and first tells the servers, then publishes' "$OUT" \
	"$LINE: the servers were told of generation 1"$'\n'"$LINE: published $N TLSA record$([ "$N" -eq 1 ] || echo s) (set 1)"
FIRST=$(generation live)
check 'the include file has the live key for every owner' published "$FIRST"
check 'and so has the resolver' within 5 resolved "$FIRST"
all_clients 'first set'

# --- a renewal: another certificate, the same key, no change in DNS -----------------------------------

probing clients
sleep 1
before=$(cat "$INCLUDE")
serial=$(soa_serial)
exits 0 'renew' renew
RENEWED=$(generation live)
check_not 'there is another certificate' cmp -s "$LINE_DIR/gen/000001/cert.pem" "$LIVE/cert.pem"
check 'of the same key' cmp "$LINE_DIR/gen/000001/key.pem" "$LIVE/key.pem"
check 'nginx presents it' presents "$RENEWED" "$HTTPS"
[ "$(id -u)" -ne 0 ] || check 'Postfix presents it' presents "$RENEWED" "$SMTP" smtp
is 'the include file did not change' "$(cat "$INCLUDE")" "$before"
is 'nor did the zone' "$(soa_serial)" "$serial"
is 'no keychange hook has run' "$(wc -l <"$SCRATCH/keychange-runs")" 1
all_clients 'after the renewal'

# --- stage and publish ---------------------------------------------------------------------------------

exits 0 'roll' roll
is '... stages a key, and publishes it' "$(printf '%s\n' "$OUT" | head -2)" \
	"$LINE: staged a new key (ec-256, generation 3)"$'\n'"$LINE: published $((2 * N)) TLSA records (set 2)"
PUBLISHED_AT=$(cat "$SCRATCH/published-at")
OLD=$RENEWED
NEW=$(generation staging)
is 'the live key is still the old one' "$(generation live)" "$OLD"
is 'just before, the resolver was given the old set' "$(cat "$SCRATCH/warmed")" \
	"$(of_owners 1)"
is 'certline tlsa in the hook printed the new set' "$(sort "$SCRATCH/set-in-hook")" \
	"$(grep -v '^;' "$INCLUDE" | sort)"
is '... with both keys for every owner' "$(grep -c ' IN TLSA 3 1 1 ' "$SCRATCH/set-in-hook")" $((2 * N))
check 'the resolver still has the old set' resolved "$OLD"
run cron
is 'cron says nothing, and exits 0' "$STATUS $OUT$ERR" '0 '
is '... and the live key is still the old one' "$(generation live)" "$OLD"
all_clients 'staged, the old set cached'
check 'later the resolver has both keys' within $((TTL + 3)) resolved "$OLD" "$NEW"
all_clients 'staged'

# --- promote, retire -----------------------------------------------------------------------------------

SAID_BY_CRON=
check 'cron promotes the staged key' cron_until 20 is_live "$NEW"
waited=$(($(date +%s) - PUBLISHED_AT))
check "... $waited s after the publication, not before $STAGING s" test "$waited" -ge "$STAGING"
check 'nginx presents the new key' presents "$NEW" "$HTTPS"
[ "$(id -u)" -ne 0 ] || check 'Postfix presents the new key' presents "$NEW" "$SMTP" smtp
check 'the old record is still published' resolved "$OLD" "$NEW"
all_clients 'promoted'
check 'cron retires the old key' cron_until 20 published "$NEW"
is 'just before, the resolver was given the set of both' "$(cat "$SCRATCH/warmed")" \
	"$(of_owners 2)"
is 'certline tlsa in the hook printed the set without the old key' \
	"$(grep -c ' IN TLSA 3 1 1 ' "$SCRATCH/set-in-hook")" "$N"
all_clients 'retired, the old set cached'
check 'the old record leaves the resolver' within $((TTL + 3)) resolved "$NEW"
all_clients 'retired'
is 'cron has said what it did, and nothing else' "$SAID_BY_CRON" "$LINE: promoted the staged key: generation $NEW is live
$LINE: the servers were told of generation $NEW
$LINE: retired the old key (generation $OLD); its records go
$LINE: published $N TLSA record$([ "$N" -eq 1 ] || echo s) (set 3)
"
check 'nothing is owed' "$PROGRAM" -q -c "$CONF" status
probed
check "clients looked $LOOKS times" test "$LOOKS" -ge $((20 * N))
is '... found sets of one and of two records' \
	"$(cat "${PROBE_LOGS[@]}" | awk '{ print $3 }' | sort -u | paste -s)" $'1\t2'
is '... and were never refused' "$REFUSALS" ''

# quickly NAME: a whole rollover, with cron running all the time.
quickly() {
	OLD=$NEW
	probing "$1"
	sleep 1
	exits 0 "$1: roll" roll
	check '... promotes' cron_until 20 is_live $((OLD + 1))
	NEW=$(generation live)
	check '... retires' cron_until 20 published "$NEW"
	check '... and in the end the resolver has the new set' within $((TTL + 3)) resolved "$NEW"
	check '... by which clients accept the servers' within 5 looks
	probed
}

# --- with the shortest staging time that is allowed: the ttl -------------------------------------------

sed -i "s/^staging = .*/staging = ${TTL}s/" "$CONF/$LINE.conf"
quickly 'as short as allowed'
is "clients looked $LOOKS times, and were never refused" "$REFUSALS" ''

# --- without waiting -----------------------------------------------------------------------------------

if ! "$LAB/variant.sh" "$BUILD" "$SCRATCH/hasty"; then
	verdict 1 'a program that does not wait is built'
	finish
fi
PROGRAM=$SCRATCH/hasty
quickly 'without waiting'
check "clients were refused, $REFUSED times of $LOOKS" test "$REFUSED" -ge 1
is '... always with a set that lacks the new key' \
	"$(printf '%s\n' "$REFUSALS" | awk '{ print $3 }' | sort -u)" 1
note "$(printf '%s\n' "$REFUSALS" | sed -n '1p;$p')"
finish
