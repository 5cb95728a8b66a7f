#!/bin/bash
# reload.sh - the hook reload with real servers that present live/: Postfix, Dovecot, nginx and Apache,
# each in an instance of its own.
# shellcheck disable=SC2016,SC2034,SC2153,SC2154 source=/dev/null
. "$(dirname "$0")/../lib.sh" || exit 1
need_programs postfix postconf dovecot doveadm doveconf nginx apache2 apachectl openssl ss
if [ "$(id -u)" -ne 0 ]; then
	echo '1..0 # SKIP Postfix and Dovecot start as root only'
	exit 0
fi
EVENT=post-certchange
free_port; SMTP=$PORT
free_port; IMAPS=$PORT
free_port; NGINX=$PORT
free_port; APACHE=$PORT

for number in 1 2 3 4; do
	new_generation "$number"
done
go_live 1

# --- the servers -----------------------------------------------------------------------------------

POSTFIX=$SCRATCH/postfix
mkdir -p "$POSTFIX/etc" "$POSTFIX/queue" "$POSTFIX/data"
chown postfix "$POSTFIX/data"
cat >"$POSTFIX/etc/main.cf" <<END_OF_CONF
compatibility_level = 3.6
queue_directory = $POSTFIX/queue
data_directory = $POSTFIX/data
mail_owner = postfix
setgid_group = postdrop
myhostname = mx.example.test
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
local_recipient_maps =
smtpd_tls_security_level = may
smtpd_tls_chain_files = $LIVE/combined.pem
maillog_file = $POSTFIX/log
maillog_file_prefixes = $POSTFIX
END_OF_CONF
cat >"$POSTFIX/etc/master.cf" <<END_OF_CONF
127.0.0.1:$SMTP inet n - n - - smtpd
tlsmgr   unix       - - n 1000? 1 tlsmgr
rewrite  unix       - - n -     - trivial-rewrite
proxymap unix       - - n -     - proxymap
anvil    unix       - - n -     1 anvil
postlog  unix-dgram n - n -     1 postlogd
END_OF_CONF
postfix_conf=$POSTFIX/etc
postfix_file=$POSTFIX/etc/main.cf
postfix_port=("$SMTP" smtp)
postfix_pidfile=$POSTFIX/queue/pid/master.pid
postfix_start() { postfix -c "$POSTFIX/etc" start >"$SCRATCH/postfix.log" 2>&1; }
postfix_break() { echo 'smtpd_tls_security_level may' >>"$postfix_file"; }

DOVECOT=$SCRATCH/dovecot
mkdir -p "$DOVECOT"
cat >"$DOVECOT/dovecot.conf" <<END_OF_CONF
base_dir = $DOVECOT/run
state_dir = $DOVECOT/state
log_path = $DOVECOT/log
listen = 127.0.0.1
protocols = imap
ssl = required
ssl_cert = <$LIVE/fullchain.pem
ssl_key = <$LIVE/key.pem
service imap-login {
  inet_listener imap {
    port = 0
  }
  inet_listener imaps {
    port = $IMAPS
    ssl = yes
  }
}
passdb {
  driver = static
  args = nopassword=y
}
userdb {
  driver = static
  args = uid=nobody gid=nogroup home=$DOVECOT/home
}
END_OF_CONF
dovecot_conf=$DOVECOT/dovecot.conf
dovecot_file=$dovecot_conf
dovecot_port=("$IMAPS")
dovecot_pidfile=$DOVECOT/run/master.pid
dovecot_start() { dovecot -c "$DOVECOT/dovecot.conf" >"$SCRATCH/dovecot.log" 2>&1; }
dovecot_break() { echo 'ssl_certificate = x' >>"$dovecot_file"; }

mkdir -p "$SCRATCH/nginx"
cat >"$SCRATCH/nginx/nginx.conf" <<END_OF_CONF
worker_processes 1;
pid $SCRATCH/nginx/pid;
error_log $SCRATCH/nginx/error.log;
events { worker_connections 64; }
http {
	access_log off;
	client_body_temp_path $SCRATCH/nginx; proxy_temp_path $SCRATCH/nginx;
	fastcgi_temp_path $SCRATCH/nginx; uwsgi_temp_path $SCRATCH/nginx; scgi_temp_path $SCRATCH/nginx;
	server {
		listen 127.0.0.1:$NGINX ssl;
		ssl_certificate $LIVE/fullchain.pem;
		ssl_certificate_key $LIVE/key.pem;
		location / { return 204; }
	}
}
END_OF_CONF
nginx_conf=$SCRATCH/nginx/nginx.conf
nginx_file=$nginx_conf
nginx_port=("$NGINX")
nginx_pidfile=$SCRATCH/nginx/pid
nginx_start() { nginx -c "$nginx_conf" >"$SCRATCH/nginx.log" 2>&1; }
nginx_break() { echo 'no_such_directive;' >>"$nginx_file"; }

mkdir -p "$SCRATCH/apache2/www"
cat >"$SCRATCH/apache2/apache2.conf" <<END_OF_CONF
ServerRoot /etc/apache2
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule ssl_module /usr/lib/apache2/modules/mod_ssl.so
PidFile $SCRATCH/apache2/pid
DefaultRuntimeDir $SCRATCH/apache2
Mutex file:$SCRATCH/apache2
ErrorLog $SCRATCH/apache2/error.log
ServerName www.example.test
User www-data
Group www-data
StartServers 1
DocumentRoot $SCRATCH/apache2/www
Listen 127.0.0.1:$APACHE https
<VirtualHost 127.0.0.1:$APACHE>
	SSLEngine on
	SSLCertificateFile $LIVE/fullchain.pem
	SSLCertificateKeyFile $LIVE/key.pem
</VirtualHost>
END_OF_CONF
apache2_conf=$SCRATCH/apache2/apache2.conf
apache2_file=$apache2_conf
apache2_port=("$APACHE")
apache2_pidfile=$SCRATCH/apache2/pid
apache2_start() { apachectl -f "$apache2_conf" -k start >"$SCRATCH/apache2.log" 2>&1; }
apache2_break() { echo 'NoSuchDirective on' >>"$apache2_file"; }

# with SERVICE: the rest of this file speaks of that one.
with() {
	local -n conf=$1_conf file=$1_file port=$1_port pidfile=$1_pidfile
	SERVICE=$1
	CONF=$conf
	FILE=$file
	AT=("${port[@]}")
	PIDFILE=$pidfile
}
shows() { presents "$1" "${AT[@]}"; }

# --- each alone ------------------------------------------------------------------------------------

SERVICES='postfix dovecot nginx apache2'
for service in $SERVICES; do
	with "$service"
	go_live 1
	hook_exits 0 "$service: does not run: no error" reload "$service:$CONF"
	like '... says so' "$SAID" "$service:$CONF: does not run"
	check_not '... is not started' listens "${AT[0]}"

	PIDFILES+=("$PIDFILE")
	"${service}_start"
	within 10 shows 1
	verdict $? "$service: presents the certificate of generation 1" || note "$(cat "$SCRATCH/$service.log")"
	go_live 2
	hook_exits 0 "$service: the hook succeeds" reload "$service:$CONF"
	check '... and the new one is presented' within 5 shows 2
	hook_exits 0 '... and when run again' reload "$service:$CONF"
	check '... it is still presented' within 5 shows 2

	pid=$(cat "$PIDFILE")
	good=$(cat "$FILE")
	"${service}_break"
	go_live 3
	hook_exits 1 "$service: a configuration with an error" reload "$service:$CONF"
	like '... says which' "$SAID" "^reload: $service:$CONF: not reloaded, its configuration test fails: .*($FILE|security_level)"
	is '... in one line' "$(printf '%s\n' "$SAID" | wc -l)" 1
	is '... the server still runs' "$(cat "$PIDFILE")" "$pid"
	printf '%s\n' "$good" >"$FILE"
	hook_exits 0 '... put right, the hook succeeds' reload "$service:$CONF"
	check '... and the new one is presented' within 5 shows 3
done

# A file that is not there: the server goes on with what it has.
for service in $SERVICES; do
	with "$service"
	good=$(cat "$FILE")
	sed -i "s|$LIVE/|$LIVE.gone/|" "$FILE"
	hook_exits 1 "$service: a certificate file that does not exist" reload "$service:$CONF"
	like '... is named' "$SAID" "$LIVE.gone/"
	check '... the server goes on' within 5 shows 3
	printf '%s\n' "$good" >"$FILE"
done

# --- all together ----------------------------------------------------------------------------------

ALL=()
for service in $SERVICES; do
	with "$service"
	ALL+=("$service:$CONF")
done
go_live 4
with dovecot
good=$(cat "$FILE")
dovecot_break
hook_exits 1 'four services, of which one has an error' reload "${ALL[@]}"
like '... that one is named' "$SAID" "dovecot:$CONF: not reloaded"
check '... it goes on as it was' shows 3
for service in postfix nginx apache2; do
	with "$service"
	check "... $service is reloaded" within 5 shows 4
done
with dovecot
printf '%s\n' "$good" >"$FILE"
VERIFY=(--verify "smtp:127.0.0.1:$SMTP" --verify "127.0.0.1:$IMAPS" --verify "127.0.0.1:$NGINX" --verify "127.0.0.1:$APACHE")
go_live 1
hook_exits 0 'four services, verified' reload "${VERIFY[@]}" "${ALL[@]}"
for service in $SERVICES; do
	with "$service"
	check "... $service presents the new one as the hook ends" shows 1
done

# What --verify is for: a server that was told, and did not do it.
go_live 2
with nginx
hook_exits 1 'a server that presents another certificate' reload --wait 1 --verify "127.0.0.1:$APACHE" "nginx:$CONF"
like '... is named' "$SAID" "127.0.0.1:$APACHE does not present the live certificate .*it presents sha256"
check '... the one that was reloaded presents the new one' shows 2
free_port
hook_exits 1 'a port where nobody answers' reload --wait 1 --verify "127.0.0.1:$PORT" "nginx:$CONF"
like '... is named' "$SAID" "127.0.0.1:$PORT does not present .*presents none"

# Apache with a folder of its own, as Debian's instances have it.
with apache2
mkdir "$SCRATCH/apache2/etc"
sed "s|^PidFile .*|PidFile \${APACHE_PID_FILE}|" "$FILE" >"$SCRATCH/apache2/etc/apache2.conf"
echo "export APACHE_PID_FILE=$PIDFILE APACHE_RUN_DIR=$SCRATCH/apache2 APACHE_LOCK_DIR=$SCRATCH/apache2" \
	>"$SCRATCH/apache2/etc/envvars"
mkdir -p "$SCRATCH/apache2/socks"
chown www-data "$SCRATCH/apache2/socks" "$SCRATCH/apache2"
hook_exits 0 'apache2 with a folder' reload "apache2:$SCRATCH/apache2/etc"
like '... is reloaded' "$SAID" "apache2:$SCRATCH/apache2/etc: reloaded"
check '... and presents the new one' within 5 shows 2

# Under systemd: what is called, seen with a systemctl that only notes it.
if unshare -m true 2>/dev/null; then
	mkdir "$SCRATCH/bin"
	cat >"$SCRATCH/bin/systemctl" <<-END_OF_STUB
		#!/bin/sh
		echo "\$*" >>$SCRATCH/systemctl.log
		[ "\$1 \$2" != "reload dovecot" ] || { echo 'Job for dovecot.service failed.'; exit 1; }
		[ "\$1 \$3" != "is-active apache2" ]
	END_OF_STUB
	for program in postfix doveconf doveadm apachectl; do
		printf '#!/bin/sh\n[ "$*" != status ] && [ "$*" != "-t -D DUMP_RUN_CFG" ]\n' >"$SCRATCH/bin/$program"
	done
	printf '#!/bin/sh\n' >"$SCRATCH/bin/postconf"
	chmod +x "$SCRATCH/bin"/*
	run_hook unshare -m sh -c 'mount -t tmpfs none /run && mkdir -p /run/systemd/system && PATH='"$SCRATCH/bin"':$PATH exec "$@"' sh \
		"$TOP/hooks/reload" "$EVENT" "$LINE" postfix dovecot apache2 "nginx:$nginx_conf"
	is 'under systemd (a stub of it): one of four fails' "$STATUS" 1
	like '... active units are reloaded by it' "$(cat "$SCRATCH/systemctl.log")" '^reload postfix$'
	like '... one that fails is named' "$SAID" 'dovecot: systemctl reload dovecot failed: Job for dovecot.service failed'
	like '... one that is not active and does not run is left' "$SAID" 'apache2: does not run'
	like '... an instance of our own is reloaded by its own program' "$SAID" "nginx:$nginx_conf: reloaded"
	is '... and systemctl is not asked about it' "$(grep -c nginx "$SCRATCH/systemctl.log")" 0
else
	verdict 0 'under systemd # SKIP needs a mount namespace'
fi

# --- arguments -------------------------------------------------------------------------------------

protocol reload "nginx:$nginx_conf"
hook_exits 2 'a service that the hook does not know' reload nginx postfx
like '... is named' "$SAID" 'postfx: not a service'
hook_exits 2 'a configuration by relative path' reload nginx:nginx.conf
hook_exits 2 'a configuration that does not exist' reload nginx:/nonexistent
hook_exits 2 '--verify without a port' reload --verify localhost nginx
EVENT=post-keychange
hook_exits 0 'the other event' reload "nginx:$nginx_conf"
is '... nothing is said' "$SAID" ''
finish
