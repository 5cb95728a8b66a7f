#!/bin/bash
# acme_rollover.sh - the whole life of a key with certificates of a CA, in real time: a zone that named signs, and
# that takes TLSA and TXT records by signed update, a validating resolver, Postfix and nginx, DANE clients that look
# all the time, and pebble, which asks the name server: a CA has no old answers in its cache.
#
# Renewals must not touch the TLSA records: named's journal knows every change.  Whenever clients look, the server
# has a certificate of the CA, and TLSA records that match it.
#
# As root it runs in a network of its own, with Postfix and with clients that read resolv.conf.
# shellcheck disable=SC2016,SC2034,SC2153,SC2154 source=/dev/null

if [ "${1:-}" != alone ] && [ "$(id -u)" -eq 0 ] && unshare --net --mount true 2>/dev/null; then
	exec unshare --net --mount "$0" alone
fi
. "$(dirname "$0")/lib.sh" || exit 1
. "$TOP/tests/system/lab/line.sh"
. "$TOP/tests/system/lab/dane.sh"
. "$TOP/tests/system/lab/pebble.sh"
need_programs named rndc named-journalprint dnssec-keygen dig unbound unbound-control nginx openssl pebble curl jq
[ "${1:-}" != alone ] || {
	need_programs postfix posttls-finger gnutls-cli danetool ip mount
	world_alone
}
TTL=2
STAGING=${TTL}s

# --- the zone takes updates ---------------------------------------------------------------------------------

UPDATES=$SCRATCH/updates.key
cat >"$UPDATES" <<END_OF_KEY
key "updates" { algorithm hmac-sha256; secret "$(openssl rand -base64 32)"; };
END_OF_KEY
chmod 600 "$UPDATES"
dns_start
verdict $? 'named signs the zone, and the resolver vouches for it' ||
	note "$(tail -n 5 "$SCRATCH/named.log" "$SCRATCH/unbound.log")"
cat "$UPDATES" >>"$ZONES/named.conf"
sed -i 's/inline-signing yes;/& update-policy { grant updates zonesub TLSA TXT; };/' "$ZONES/named.conf"
sed -i -e 's/^@[[:space:]]*NS ns1/&\n@ CAA 0 issue "pebble.letsencrypt.org"/' -e 's/( 1 3600/( 2 3600/' \
	-e '/INCLUDE/d' "$ZONES/lab.example.db"
rndc -c "$ZONES/rndc.conf" reload >/dev/null 2>&1
dynamic() {
	rndc -c "$ZONES/rndc.conf" zonestatus lab.example 2>/dev/null | grep -q '^dynamic: yes'
}
check 'the zone takes updates' within 5 dynamic

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

# --- the line -----------------------------------------------------------------------------------------------

cp -r "$TOP/hooks" "$SCRATCH/hooks"
chmod -R go-w "$SCRATCH/hooks"

# conf CA [ROW...]: rows of [dane].
conf() {
	cat >"$CONF/$LINE.conf" <<-END_OF_CONF
		domains = mx.lab.example www.lab.example
		issuer = acme
		[timing]
		staging = $STAGING
		retire-after = 2s
		[hooks]
		post-certchange =
		  $SCRATCH/hooks/reload --wait 4 $VERIFY $SERVERS
		  $SCRATCH/note-set
		[acme]
		ca = $1
		ca-file = $PEBBLE_CA
		agree-tos = yes
		challenges = dns-update
		[endpoints]
		${SMTP:+starttls = $SMTP smtp}
		[dns]
		resolver = 127.0.0.1:$RESOLVER
		port = $DNS
		trust-anchor = $ZONES/anchor
		margin = 1s
		ttl-floor = 1s
		assume-ttl = 1s
		confirm = 1
		confirm-over = 0s
		[update]
		keys = $UPDATES
		[dirs]
		state = $STATE
		[dane]
		owners = $OWNERS
		ttl = ${TTL}s
	END_OF_CONF
	shift
	[ $# -eq 0 ] || printf '%s\n' "$@" >>"$CONF/$LINE.conf"
}

# What is published when servers have been told of a certificate.
script "$SCRATCH/note-set" <<END_OF_HOOK
for owner in \$CERTLINE_OWNERS; do
	dig -r +norecurse +nosplit +noall +answer -p $DNS @127.0.0.1 "\$owner" TLSA |
		awk '{ print \$8 }' | sort | paste -s -d ' '
done >$SCRATCH/set-when-told
END_OF_HOOK

# all_have COMMAND GENERATION...: the command prints exactly the keys of these, for every owner.
all_have() {
	local owner g
	for owner in $OWNERS; do
		[ "$("$1" "$owner")" = "$(for g in "${@:2}"; do digest "$g"; done | sort)" ] || return 1
	done
}

published() {
	all_have served "$@"
}

resolved() {
	all_have cached "$@"
}

# tlsa_changes: how many TLSA records were added or deleted, ever.
tlsa_changes() {
	named-journalprint "$ZONES/lab.example.db.jnl" | grep -c '[[:space:]]TLSA[[:space:]]'
}

txt_left() {
	dig -r +norecurse +noall +answer -p "$DNS" @127.0.0.1 _acme-challenge.mx.lab.example TXT \
		_acme-challenge.www.lab.example TXT | grep -v '^;'
}

# of_ca: every server shows a certificate that is valid by the root of the CA, for its name, as any browser wants it.
of_ca() {
	local service host port starttls
	pebble_root 0 >"$SCRATCH/root.pem" || return
	for service in "${SERVICES[@]}"; do
		IFS=: read -r host port starttls <<<"$service"
		timeout 5 openssl s_client -connect "127.0.0.1:$port" -servername "$host" -verify_return_error \
			-verify_hostname "$host" -CAfile "$SCRATCH/root.pem" -no-CApath -no-CAstore -brief \
			${starttls:+-starttls "$starttls" -name client.test} </dev/null >"$SCRATCH/s_client" 2>&1 && continue
		note "$(cat "$SCRATCH/s_client")"
		return 1
	done
}

# all_clients WHEN: each kind of client accepts each server.
all_clients() {
	local said
	check "$1: openssl accepts every server by DANE" looks
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

# all_well WHEN: by DANE, and by the CA.
all_well() {
	all_clients "$1"
	check "$1: every server has a certificate of the CA" of_ca
}

# probing NAME: from now on clients look at each service, all the time.
probing() {
	local service
	PROBE_LOGS=() PROBE_PIDS=()
	for service in "${SERVICES[@]}"; do
		start "$1-${service%%.*}" "$LAB/client.sh" --loop "$RESOLVER" "$service"
		PROBE_LOGS+=("$SCRATCH/$1-${service%%.*}.log")
		PROBE_PIDS+=("$PID")
	done
}

# probed: ends that.  The number of looks is in $LOOKS, what was refused in $REFUSALS.
probed() {
	local pid
	for pid in "${PROBE_PIDS[@]}"; do
		stop "$pid"
	done
	LOOKS=$(cat "${PROBE_LOGS[@]}" | grep -c -E ' (ok|refused .*)$')
	REFUSALS=$(cat "${PROBE_LOGS[@]}" | grep ' refused ' | sort)
}

# cron_until SECONDS COMMAND...: cron again and again until the command succeeds; a run that fails ends it.
cron_until() {
	local until_at=$(($(date +%s) + $1))
	shift
	until "$@"; do
		[ "$(date +%s)" -lt "$until_at" ] || return 1
		run cron
		[ "$STATUS" -eq 0 ] || { note "$ERR"; return 1; }
		sleep 0.2
	done
}

is_live() {
	[ "$(generation live)" = "$1" ]
}

key_of() {
	jq -r .keyset "$LINE_DIR/$1/manifest.json"
}

# renewed TEXT: `renew` gives another certificate of the CA for the live key; TLSA records stay as they are.
renewed() {
	local before serial key
	before=$(tlsa_changes) serial=$(openssl x509 -in "$LIVE/cert.pem" -noout -serial) key=$(key_of live)
	exits 0 "$1" renew
	check '... gives another certificate' [ "$(openssl x509 -in "$LIVE/cert.pem" -noout -serial)" != "$serial" ]
	is '... for the same key' "$(key_of live)" "$key"
	check '... which nginx presents' presents "$(generation live)" "$HTTPS"
	is '... TLSA records were not touched' "$(tlsa_changes)" "$before"
	is '... no challenge is left' "$(txt_left)" ''
}

# --- bootstrap: a certificate that the servers can be started with, and then that of the CA -----------------

pebble_start strict=yes dnsserver="127.0.0.1:$DNS"
verdict $? 'pebble runs' || finish
CA=$PEBBLE_URL
conf https://127.0.0.1:9/dir
exits 1 'neither servers nor a CA' init
is 'no records are published' "$(tlsa_changes)" 0
check 'there is a certificate to start servers with' test -s "$LIVE/combined.pem"
nginx_start
verdict $? 'nginx serves live/' || note "$(cat "$SCRATCH/nginx.log" "$NGINX/error.log")"
if [ "$(id -u)" -eq 0 ]; then
	postfix_start
	verdict $? 'Postfix serves live/' || note "$(tail -n 5 "$POSTFIX/log")"
else
	skip 'Postfix serves live/' 'needs root'
fi
run cron
check 'the records of its key are published, with no CA in sight' published 1
within $((TTL + 3)) resolved 1
all_clients 'self-signed'
conf "$CA"
probing clients
renewed 'the CA is there'
all_well 'by the CA'

# --- a renewal, a rollover with a renewal in the middle -----------------------------------------------------

renewed 'renew'
check '... and so does every server' of_ca
OLD=$(generation live)
STAGING=1h
conf "$CA"
exits 0 'roll' roll
NEW=$(generation staging)
check 'both keys are published' published "$OLD" "$NEW"
check 'the staged one has a certificate of the CA' openssl verify -CAfile <(pebble_root 0) \
	-untrusted "$LINE_DIR/staging/chain.pem" "$LINE_DIR/staging/cert.pem"
is 'the old one is live' "$(generation live)" "$OLD"
renewed 'renew, while a key is staged'
OLD=$(generation live)
NEW=$(generation staging)
all_well 'staged'
STAGING=${TTL}s
conf "$CA"
check 'cron promotes the staged key' cron_until 20 is_live "$NEW"
check 'nginx presents it' presents "$NEW" "$HTTPS"
[ "$(id -u)" -ne 0 ] || check 'Postfix presents it' presents "$NEW" "$SMTP" smtp
is 'both records were published when servers were told' "$(sort -u "$SCRATCH/set-when-told")" \
	"$({ digest "$OLD"; digest "$NEW"; } | sort | paste -s -d ' ')"
all_well 'promoted'
check 'cron retires the old key' cron_until 20 published "$NEW"
check 'the resolver has the new set' within $((TTL + 3)) resolved "$NEW"
check 'retired: every server has a certificate of the CA' of_ca

# --- the key is stolen --------------------------------------------------------------------------------------

OLD=$NEW
STOLEN=$(key_of live)
cp "$LIVE/cert.pem" "$SCRATCH/stolen.pem"
STAGING=1h
conf "$CA"
exits 0 'roll --emergency --revoke' roll --emergency --revoke "$LINE"
NEW=$(generation staging)
check 'the next key is published beside the old one' published "$OLD" "$NEW"
is 'which is still served' "$(generation live)" "$OLD"
is 'and not revoked' "$(pebble_status "$SCRATCH/stolen.pem")" Valid
run renew "$LINE"
# on a slow machine the next key may be live by now: an emergency waits for caches only
others=
for gen in "$LINE_DIR"/gen/*; do
	[ $((10#${gen##*/})) -le "$OLD" ] || [ "$(key_of "gen/${gen##*/}")" != "$STOLEN" ] || others+=" ${gen##*/}"
done
is 'no CA is asked for another certificate of the stolen key' "$others" ''
NEW=$(generation staging)
[ "$NEW" -ne 0 ] || NEW=$(generation live)
STAGING=${TTL}s
conf "$CA"
check 'cron promotes the next key' cron_until 20 is_live "$NEW"
is 'the record of the old one was there until it was served' "$(sort -u "$SCRATCH/set-when-told")" \
	"$({ digest "$OLD"; digest "$NEW"; } | sort | paste -s -d ' ')"
check 'then it goes' cron_until 10 published "$NEW"
is 'the CA has revoked the certificate of the stolen key' "$(pebble_status "$SCRATCH/stolen.pem")" Revoked
is 'and not the new one' "$(pebble_status "$LIVE/cert.pem")" Valid
run roll --back "$LINE"
check 'roll --back to it is refused' [ "$STATUS" -ne 0 ]
like 'with the reason' "$ERR" 'no retired key|compromised'
run cron
check 'the stolen key is not used' [ "$(key_of live)" != "$STOLEN" ]
is 'nothing is staged' "$(generation staging)" 0
all_well 'after the emergency'
probed
check "clients looked $LOOKS times" test "$LOOKS" -ge 40
is '... and were never refused' "$REFUSALS" ''

# --- usage 2: the CA's certificate in DNS -------------------------------------------------------------------

# ta_looks: openssl accepts every server by usage 2, and says so.
ta_looks() {
	local service host port starttls record options said
	for service in "${SERVICES[@]}"; do
		IFS=: read -r host port starttls <<<"$service"
		options=(-connect "127.0.0.1:$port" -dane_tlsa_domain "$host" -verify_return_error -brief)
		while read -r record; do
			options+=(-dane_tlsa_rrdata "$record")
		done < <(dig -r +nosplit +short -p "$RESOLVER" @127.0.0.1 "_$port._tcp.$host" TLSA)
		[ -z "$starttls" ] || options+=(-starttls "$starttls" -name client.test)
		said=$(timeout 5 openssl s_client "${options[@]}" </dev/null 2>&1) &&
			grep -q '^DANE TLSA 2 1 1 .* matched .*TA certificate at depth 1' <<<"$said" && continue
		note "$said"
		return 1
	done
}

anchor() {
	pebble_intermediate 0 | openssl x509 -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum |
		cut -d ' ' -f 1 | tr '[:lower:]' '[:upper:]'
}

# usages: those that are published for all owners.
usages() {
	local owner
	for owner in $OWNERS; do
		ask "$owner" TLSA | awk '{ print $5, $6, $7 }'
	done | sort -u | paste -s -d ,
}

only_ta() {
	[ "$(usages)" = '2 1 1' ]
}

conf "$CA" 'parameters = 2 1 1'
exits 2 'usage 2 without allow-ta' cron
conf "$CA" 'parameters = 2 1 1' 'allow-ta = yes'
exits 0 'usage 2 with it' cron
check 'cron goes over to it' cron_until 30 only_ta
is 'what is published is the last one that servers send' "$(served "${OWNERS%% *}")" "$(anchor)"
check 'no client has anything else' within $((TTL + 3)) eval '[ "$(cached "${OWNERS%% *}")" = "$(anchor)" ]'
check 'openssl accepts every server by it' ta_looks
renewed 'a renewal by the same issuer'
check '... is accepted' ta_looks
OLD=$(generation live)
exits 0 'a new key needs no other record' roll
check '... and is promoted' cron_until 20 eval '[ "$(generation live)" -gt '"$OLD"' ]'
check '... openssl accepts it' ta_looks
LAST=$(openssl x509 -in "$LIVE/cert.pem" -noout -serial)
SET=$(tlsa_changes)
pebble_start name=other strict=yes dnsserver="127.0.0.1:$DNS"
verdict $? 'the CA has another issuer now' || finish
conf "$PEBBLE_URL" 'parameters = 2 1 1' 'allow-ta = yes'
exits 1 'a renewal whose chain does not match what is published' renew
like '... says so' "$ERR" 'the new certificate is not used: the TLSA set of .* does not cover'
is '... is not live' "$(openssl x509 -in "$LIVE/cert.pem" -noout -serial)" "$LAST"
check '... nor served' presents "$(generation live)" "$HTTPS"
is '... and the records stay' "$(tlsa_changes)" "$SET"
check '... by which clients accept the servers' ta_looks
finish
