#!/bin/bash
# seeds.sh - the samples in conf/samples/, as their users would run them: only names, addresses, ports, paths and the
# CA are others.  The CA is pebble; web servers, sshd, name servers and the API of a DNS provider are on loopback.
# dane-mail.conf and web-and-mail.conf, which need none of these, are run by tests/lint/docs.sh.
# shellcheck disable=SC2016,SC2034,SC2153,SC2154 source=/dev/null
. "$(dirname "$0")/lib.sh" || exit 1
. "$TOP/tests/system/lab/line.sh"
. "$TOP/tests/system/lab/world.sh"
. "$TOP/tests/system/lab/pebble.sh"
need_programs pebble pebble-challtestsrv acme-tiny openssl python3 jq curl nginx sshd ssh ssh-keygen rsync named rndc nsd \
	nsd-control knotd knotc keymgr unbound unbound-control dig nsupdate dnssec-keygen dnssec-signzone

HOOKS=/usr/local/share/certline/hooks
cp -r "$TOP/hooks" "$SCRATCH/hooks"
chmod -R go-w "$SCRATCH/hooks"
script "$SCRATCH/reloaded" <<END_OF_HOOK
echo "\$CERTLINE_LINE" >>"$SCRATCH/reloads"
END_OF_HOOK

# sample NAME [SED-EXPRESSION...]: from now on the line is that of the sample, changed so, in a store of its own.
# Standard input: defaults for it, as in certline.conf.
sample() {
	local args=() change
	LINE=$1
	CONF=$SCRATCH/$LINE
	STATE=$CONF/state
	LINE_DIR=$STATE/lines/$LINE
	LIVE=$LINE_DIR/live
	mkdir -p "$CONF"
	for change in "${@:2}"; do
		args+=(-e "$change")
	done
	sed -E "${args[@]}" -e "s#$HOOKS#$SCRATCH/hooks#" "$TOP/conf/samples/$LINE.conf" >"$CONF/$LINE.conf"
	cat - <(printf '[dirs]\nstate = %s\n' "$STATE") >"$CONF/certline.conf"
	note "--- conf/samples/$LINE.conf"
}

# lab_ca: the rows of [acme] that lead to the CA that was started last.
lab_ca() {
	printf '[acme]\nca = %s\nca-file = %s\n' "$PEBBLE_URL" "$PEBBLE_CA"
}

# names FILE: of the certificate in it, in one order.
names() {
	openssl x509 -in "$1" -noout -ext subjectAltName | tail -1 | tr -d ' ' | tr ',' '\n' | sed 's/^DNS://' | sort |
		paste -s -d ' '
}

# by_ca FILE...: certificate, and what is sent behind it, lead to the root of the CA that was started last.
by_ca() {
	openssl verify -CAfile <(pebble_root 0) -untrusted "${2:-$1}" "$1" >/dev/null 2>&1
}

serial() {
	openssl x509 -in "$LIVE/cert.pem" -noout -serial
}

# --- Let's Encrypt Tiny: a new installation ---------------------------------------------------------------

challtest_start && pebble_start strict=yes validity=7776000
verdict $? 'a CA runs, and a DNS in which every name is here' || finish
www_start "$PEBBLE_HTTP"
TINY=$SCRATCH/tiny
NOT_SAID=$(printf '[dns]\nresolver = %s\nvalidate = no\n' "$CHALLTEST_DNS"; lab_ca; echo "check-port = $PEBBLE_HTTP")
mkdir -p "$TINY"/{certs,keys,old}
echo 'dh parameters' >"$TINY/dh.pem"
# a hook as it is there already: it knows the old places, and no others
script "$TINY/cert-hook" <<END_OF_HOOK
cat $TINY/certs/live.crt $TINY/dh.pem >$TINY/derived.new && mv $TINY/derived.new $TINY/derived.pem
END_OF_HOOK
AS_TINY=("s#/root/letsencrypt/#$TINY/#" "s#/srv/acme-challenge/#$WEBROOT/.well-known/acme-challenge/#"
	"s#/etc/ssl/private/letsencrypt#$TINY/keys#" "s#/etc/ssl/mycerts/letsencrypt#$TINY/certs#"
	"s#/etc/ssl/old/letsencrypt#$TINY/old#")
sample lets-encrypt-tiny "${AS_TINY[@]}" <<<"$NOT_SAID"
FOUR='example.org git.example.org lists.example.org www.example.org'

exits 0 'init' init
check 'the certificate is of the CA' by_ca "$TINY/certs/live.crt" "$LIVE/chain.pem"
is 'for all names' "$(names "$TINY/certs/live.crt")" "$FOUR"
like 'on an RSA key of 4096 bits' "$(openssl pkey -in "$TINY/keys/live.key" -noout -text)" '4096 bit'
is 'the account key is where it is said to be' "$(stat -c %a "$TINY/keys/account.key")" 600
is 'the hook has made its file' "$(cat "$TINY/derived.pem")" "$(cat "$TINY/certs/live.crt" "$TINY/dh.pem")"
before=$(serial)
exits 0 'renew' renew
check_not 'another certificate' test "$(serial)" = "$before"
is 'on the same key' "$(jq -r .keyset "$LIVE/manifest.json")" 1
is 'the hook has made its file anew' "$(cat "$TINY/derived.pem")" "$(cat "$TINY/certs/live.crt" "$TINY/dh.pem")"
exits 0 'cron' cron
is 'has nothing to do' "$OUT$ERR" ''

# --- Let's Encrypt Tiny: what another client left ------------------------------------------------------------

mkdir "$TINY/left"
cp "$TINY/keys/live.key" "$TINY/left"           # making one takes seconds
openssl genrsa -out "$TINY/left/account.key" 2048 2>/dev/null
openssl req -new -key "$TINY/left/live.key" -subj / -out "$TINY/left/csr" -addext \
	'subjectAltName=DNS:example.org,DNS:www.example.org,DNS:lists.example.org,DNS:git.example.org'
SSL_CERT_FILE=$PEBBLE_CA acme-tiny --account-key "$TINY/left/account.key" --csr "$TINY/left/csr" --disable-check \
	--acme-dir "$WEBROOT/.well-known/acme-challenge" --directory-url "$PEBBLE_URL" >"$TINY/left/chain" 2>"$SCRATCH/left.log"
verdict $? 'another client leaves a key, a certificate and its account' || note "$(cat "$SCRATCH/left.log")"
openssl x509 -in "$TINY/left/chain" -out "$TINY/left/live.crt"
chmod 600 "$TINY/left"/*.key
chmod -R u+w "$STATE"
rm -rf "$STATE" "$TINY"/{certs,keys}/*
cp -p "$TINY/left/live.crt" "$TINY/certs"
cp -p "$TINY/left"/{live,account}.key "$TINY/keys"
sed -i '/^agree-tos/d' "$CONF/$LINE.conf"
ACCOUNTS=$(grep -c 'There are now .* accounts' "$SCRATCH/pebble.log")
exits 0 'init takes it in' init
like 'and says so' "$OUT" 'adopted the live key'
check 'the key, byte by byte' cmp "$TINY/left/live.key" "$TINY/keys/live.key"
check 'the certificate is still the same' cmp "$TINY/left/live.crt" "$TINY/certs/live.crt"
check 'links have taken the place of the files' test -h "$TINY/keys/live.key" -a -h "$TINY/certs/live.crt"
is 'the hook was run' "$(cat "$TINY/derived.pem")" "$(cat "$TINY/left/live.crt" "$TINY/dh.pem")"
exits 0 'renew' renew
check 'the key is the same' cmp "$TINY/left/live.key" "$TINY/keys/live.key"
check_not 'the certificate is another one' cmp -s "$TINY/left/live.crt" "$TINY/certs/live.crt"
check 'of the CA' by_ca "$TINY/certs/live.crt" "$LIVE/chain.pem"
is 'no account was made: that of the key was found' "$(grep -c 'There are now .* accounts' "$SCRATCH/pebble.log")" "$ACCOUNTS"
check 'the account key is as it was' cmp "$TINY/left/account.key" "$TINY/keys/account.key"
stop "$WWW_PID"

# --- a web server, from nothing ------------------------------------------------------------------------------

NGINX=$SCRATCH/nginx
mkdir -p "$NGINX/acme"
free_port; HTTPS=$PORT
sample web "s#/srv/acme-challenge#$NGINX/acme#" "s#localhost:443 nginx#--wait 3 127.0.0.1:$HTTPS nginx:$NGINX/nginx.conf#" \
	's#(--verify) (--wait 3)#\2 \1#' <<<"$NOT_SAID"
# as the sample says
cat >"$NGINX/nginx.conf" <<END_OF_CONF
daemon off;
worker_processes 1;
pid $NGINX/pid;
error_log $NGINX/error.log;
events { worker_connections 64; }
http {
	access_log off;
	client_body_temp_path $NGINX; proxy_temp_path $NGINX; fastcgi_temp_path $NGINX; uwsgi_temp_path $NGINX; scgi_temp_path $NGINX;
	server {
		listen 127.0.0.1:$PEBBLE_HTTP;
		location /.well-known/acme-challenge/ { alias $NGINX/acme/; }
	}
	server {
		listen 127.0.0.1:$HTTPS ssl;
		ssl_certificate $LIVE/fullchain.pem;
		ssl_certificate_key $LIVE/key.pem;
	}
}
END_OF_CONF
nginx_content() {
	nginx -t -e "$NGINX/error.log" -c "$NGINX/nginx.conf" >"$SCRATCH/nginx.said" 2>&1
}
# served: it presents the live certificate
served() {
	[ "$(presented "$HTTPS")" = "$(fingerprint "$LIVE/cert.pem")" ]
}
check_not 'nginx cannot start without a certificate' nginx_content
exits 1 'init: the CA does not find a web server' init
check 'nginx can start' nginx_content
start nginx nginx -e "$NGINX/error.log" -c "$NGINX/nginx.conf"
check 'with the stand-in' within 5 served || note "$(cat "$NGINX/error.log")"
check_not 'which is of no CA' by_ca "$LIVE/cert.pem" "$LIVE/chain.pem"
exits 0 'renew: the first certificate of the CA' renew
FIRST=$(grep renewed <<<"${OUT//[0-9]/}")
check 'nginx presents it' served
check 'it is of the CA' by_ca "$LIVE/cert.pem" "$LIVE/chain.pem"
is 'for both names' "$(names "$LIVE/cert.pem")" 'example.com www.example.com'
exits 0 'renew: the second one' renew
is 'in the same way' "$(grep renewed <<<"${OUT//[0-9]/}")" "$FIRST"
check 'nginx presents that one' served
is 'on the key of the stand-in' "$(jq -r .keyset "$LIVE/manifest.json")" 1
is 'nothing is left in the folder of the challenges' "$(ls "$NGINX/acme")" ''

# --- a CA of our own, which gives certificates of a day -------------------------------------------------------------

pebble_start strict=yes validity=86400
sample private-ca "s#^ca = .*#ca = $PEBBLE_URL#" "s#^ca-file = .*#ca-file = $PEBBLE_CA#" \
	"s#$HOOKS/reload (postfix|dovecot)#$SCRATCH/reloaded \\1#" <<END_OF_CONF
[dns]
resolver = $CHALLTEST_DNS
validate = no
[acme]
http-listen = 127.0.0.1:$PEBBLE_HTTP
check-port = $PEBBLE_HTTP
END_OF_CONF
exits 0 'init' init
check 'the certificate is of the CA' by_ca "$LIVE/cert.pem" "$LIVE/chain.pem"
is 'for both names' "$(names "$LIVE/cert.pem")" 'chat.corp.example mail.corp.example'
is 'both servers were told, of the stand-in and of that one' "$(grep -c private-ca "$SCRATCH/reloads")" 4
exits 0 'cron, eleven hours later' --now "@$(($(date +%s) + 39600))" cron
is 'has nothing to do' "$OUT$ERR" ''
run status --json
is 'it is renewed after half of the day' \
	"$(jq -r '.lines[0] | ((.renew_at | fromdate) - (.live.not_before | fromdate)) / 3600 | round' <<<"$OUT")" 12
challtest_stop

# --- issued here, live elsewhere -------------------------------------------------------------------------------------

SSH=$SCRATCH/ssh
mkdir -m 700 "$SSH"
ssh-keygen -q -t ed25519 -N '' -f "$SSH/host"
ssh-keygen -q -t ed25519 -N '' -f "$SSH/user"
free_port; SSHD=$PORT
echo "[127.0.0.1]:$SSHD $(cut -d ' ' -f 1,2 "$SSH/host.pub")" >"$SSH/known_hosts"
cat >"$SSH/sshd_config" <<END_OF_CONF
ListenAddress 127.0.0.1:$SSHD
HostKey $SSH/host
PidFile $SSH/pid
AuthorizedKeysFile $SSH/user.pub
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
UsePAM no
END_OF_CONF
[ "$(id -u)" -ne 0 ] || mkdir -p /run/sshd              # sshd refuses to start without it
start sshd "$(command -v sshd)" -D -e -f "$SSH/sshd_config"
free_port; DNS=$PORT
free_port; API=$PORT
(umask 077; echo sesame >"$SCRATCH/token")
start cloudflare "$TOP/tests/system/lab/cloudflare.py" --api "127.0.0.1:$API" --dns "127.0.0.1:$DNS" \
	--dns "127.0.0.2:$DNS" --token sesame --zone example.com
within 10 listens "$API" && within 10 listens "$SSHD" && pebble_start strict=yes validity=7776000 dnsserver="127.0.0.1:$DNS"
verdict $? 'sshd, a DNS provider and a CA run' || finish
THERE=$SCRATCH/server
sample push-to-server "s#www\.example\.com --#--port $SSHD --known-hosts $SSH/known_hosts 127.0.0.1:$THERE --#" \
	"s#--user certs#--user $(id -un)#" "s#/etc/certline/push.key#$SSH/user#" \
	"s#sudo systemctl reload nginx#touch $SCRATCH/pushed#" \
	"s#(--token-file) [^ ]*#--url http://127.0.0.1:$API/client/v4 \\1 $SCRATCH/token#" <<END_OF_CONF
[dns]
servers = example.com 127.0.0.1:$DNS 127.0.0.2:$DNS
resolver = 127.0.0.1:$DNS
validate = no
$(lab_ca)
END_OF_CONF
provider_has() {
	curl -sS -f "http://127.0.0.1:$API/records?zone=example.com" | jq length
}
exits 0 'init' init
check 'the server has the certificate of the CA' by_ca "$THERE/$LINE/live/cert.pem" "$THERE/$LINE/live/chain.pem"
is 'for the name and its wildcard' "$(names "$THERE/$LINE/live/cert.pem")" '*.example.com example.com'
is 'with its key' "$(openssl pkey -in "$THERE/$LINE/live/key.pem" -pubout)" \
	"$(openssl x509 -in "$THERE/$LINE/live/cert.pem" -noout -pubkey)"
like 'a P-256 key' "$(openssl pkey -in "$THERE/$LINE/live/key.pem" -noout -text)" P-256
check 'and was told' test -e "$SCRATCH/pushed"
is 'no record is left at the provider' "$(provider_has)" 0
check_not 'the token went nowhere else' grep -rq sesame "$THERE" "$STATE"
rm "$SCRATCH/pushed"
exits 0 'renew' renew
check 'the server has that one' cmp "$LIVE/fullchain.pem" "$THERE/$LINE/live/fullchain.pem"
check 'and was told' test -e "$SCRATCH/pushed"
run status --json
is 'the next one comes within a month' \
	"$(jq -r '.lines[0] | ((.renew_at | fromdate) - (.live.not_before | fromdate)) / 86400 | round' <<<"$OUT")" 30

# --- a signed world: zones that take updates, and one that does not ----------------------------------------------------

world_make && {
	world_tsig acme hmac-sha256 32
	sed -i -e '/^zone "example\.test"/,/^}/ s/zonesub TLSA;/zonesub TLSA TXT;/g' \
		-e '/^zone "ed\.test"/,/^}/ s/update-policy.*/update-policy { grant acme zonesub TXT; };/' "$WORLD/pri/named.conf"
	cat "$WORLD/acme.key" >>"$WORLD/pri/named.conf"
	printf '%s\n' '_acme-challenge CNAME example.com.acme.ed.test.' '_acme-challenge.www CNAME www.example.com.acme.ed.test.' \
		>>"$WORLD/pri/example.test.db"
	world_start
}
verdict $? 'the world runs' || finish
# lagless ZONE: one of its servers pulls only when told; from now on it is told all the time.
LAGLESS=
lagless() {
	[ -z "$LAGLESS" ] || { kill "$LAGLESS"; wait "$LAGLESS" 2>/dev/null; }
	while :; do
		world_lagsync "$1" >/dev/null 2>&1
		sleep 0.3
	done &
	LAGLESS=$!
}
pebble_start strict=yes dnsserver="127.0.0.131:$WORLD_PORT"
WORLD_DNS=$(printf '[dns]\nresolver = 127.0.0.131:%s\nport = %s\ntrust-anchor = %s/root.key\n' "$WORLD_PORT" "$WORLD_PORT" "$WORLD")
# of_zone NAME TYPE: what its primary has there
of_zone() {
	dig +short +norec -p "$WORLD_PORT" @127.0.0.1 "$1" "$2" | sort
}

lagless ed.test
sample dns-alias 's/example\.com/example.test/g' "s#$HOOKS/reload --verify.*#$SCRATCH/reloaded#" \
	"s#^keys = .*#keys = ed.test $WORLD/acme.key#" < <(echo "$WORLD_DNS"; lab_ca)
exits 0 'init' init
check 'the certificate is of the CA' by_ca "$LIVE/cert.pem" "$LIVE/chain.pem"
is 'for all names' "$(names "$LIVE/cert.pem")" '*.example.test example.test www.example.test'
is 'the static zone has its aliases, as before' "$(of_zone _acme-challenge.example.test CNAME)" example.com.acme.ed.test.
is 'and nothing is left in the other one' "$(of_zone example.com.acme.ed.test TXT)$(of_zone www.example.com.acme.ed.test TXT)" ''
world_flush
exits 0 'renew' renew
check 'is of the CA too' by_ca "$LIVE/cert.pem" "$LIVE/chain.pem"

# --- two CAs, and DANE ----------------------------------------------------------------------------------------------------

lagless example.test
pebble_start name=first strict=yes block=lab.example.test
FIRST=$PEBBLE_URL
(umask 077; openssl rand -base64 32 | tr '+/' '-_' | tr -d '=\n' >"$SCRATCH/mac")
# it has a resolver of its own, and as all public CAs do it remembers what was shown to it, for the other key
pebble_start name=second strict=yes authz-reuse=100 eab="xYzAbCdEfGhIjKl:$(cat "$SCRATCH/mac")" \
	dnsserver="127.0.0.1:$WORLD_RPORT"
UNSERVED=$'\n[endpoints]\nlook = no'      # these servers are played by a hook
sample mail-and-chat 's/^keys = example\.com .*/keys = example.test TSIG/' 's/example\.com/lab.example.test/g' \
	"s#TSIG#$WORLD/tlsa-sha256.key#" "s#$HOOKS/reload --verify [^ ]+#$SCRATCH/reloaded#" \
	"s#/usr/local/sbin/reload-chat#$SCRATCH/reloaded chat#" "s#^ca = .*#ca = $FIRST $PEBBLE_URL\nca-file = $PEBBLE_CA#" \
	"s#^eab = zerossl (.*) .*#eab = $PEBBLE_URL \\1 $SCRATCH/mac#" <<<"$WORLD_DNS$UNSERVED"
exits 1 'init: the first CA does not want to' init
like 'which is said' "$ERR" "$FIRST.*policy"
exits 0 'renew: it has failed for both keys, and now the second one is asked' renew
like 'which is said too' "$OUT" "issued by $PEBBLE_URL, since $FIRST fails"
check 'the certificate is of the second CA' by_ca "$LIVE/cert.pem" "$LIVE/chain.pem"
is 'for all names' "$(names "$LIVE/cert.pem")" 'chat.lab.example.test lab.example.test mx.lab.example.test'
like 'all servers were told' "$(grep -c mail-and-chat "$SCRATCH/reloads")" '^[369]$'
is 'the account has the contact' "$("$PROGRAM" -c "$CONF" account show --json 2>/dev/null |
	jq -r '.accounts[1].contact[0]')" mailto:hostmaster@lab.example.test
run tlsa
is 'each service has its records: of the live and of the standby key' \
	"$(grep -c ' IN TLSA 3 1 1 ' <<<"$OUT")" 6
check 'and the zone shows them' test "$(of_zone _25._tcp.mx.lab.example.test TLSA | wc -l)" = 2
is 'no challenge is left there' "$(of_zone _acme-challenge.mx.lab.example.test TXT)" ''
check 'the standby key has a certificate of the CA' by_ca "$LINE_DIR/staging/cert.pem" "$LINE_DIR/staging/chain.pem"

# --- DANE without a CA ------------------------------------------------------------------------------------------------------

sample dane-update 's/^keys = .*/keys = example.test TSIG/' 's/example\.org/self.example.test/g' \
	"s#TSIG#$WORLD/tlsa-sha256.key#" "s#$HOOKS/reload --verify [^ ]+#$SCRATCH/reloaded#" <<<"$WORLD_DNS$UNSERVED"
exits 0 'init' init
run tlsa
is 'the zone shows the record of the key' "$(of_zone _25._tcp.mx.self.example.test TLSA | tr -d ' ')" \
	"$(tr -d ' ' <<<"${OUT##* IN TLSA}" | tr '[:lower:]' '[:upper:]')"
kill "$LAGLESS"
wait "$LAGLESS" 2>/dev/null

finish
