# shellcheck shell=bash
# servers.sh - real servers that present live/, on top of lib.sh: each in an instance of its own, on loopback.
#
#   postfix   smtp                                    $SMTP
#   dovecot   imap and imaps, pop3 and pop3s, sieve   $IMAP $IMAPS $POP3 $POP3S $SIEVE
#   nginx     https                                   $HTTPS
#   apache    https                                   $APACHE
#   prosody   xmpp and xmpp-server                    $XMPP $XMPP_SERVER
#
# For each, NAME_files writes its configuration and takes ports (those that are set already stay as they are),
# NAME_start starts it and waits until it listens, NAME_load makes it load its files again, and server_ports NAME
# are its ports as PROTOCOL:PORT.  It presents the files of live/ with the endings in $SERVED: '' is the first
# key, -rsa-2048 one more; prosody knows one key only.
#
# certline's hook is $(server_hook NAME).  It notes that it was called, and waits until the server presents what
# is in live/; after server_lazy NAME it says yes and does nothing, until server_honest NAME.
#
# Touches: what lib.sh touches.
# shellcheck disable=SC2034 # names that only the test uses
# shellcheck disable=SC2153,SC2154 # names of lib.sh
# shellcheck source=/dev/null
. "$TOP/tests/system/lab/presented.sh"

SERVED=('')
SERVER_HOST=mx.lab.example              # the name that clients ask for
SERVER_CHAT=chat.lab.example
MAIL_DOMAIN=lab.example                 # mail to it is accepted, and lies in $POSTFIX/mail

# take_ports VARIABLE...: a free port into each that has none.
take_ports() {
	local name
	for name; do
		[ -n "${!name:-}" ] && continue
		free_port
		printf -v "$name" %s "$PORT"
	done
}

# --- Postfix ---------------------------------------------------------------------------------------

# postfix_instance FOLDER HOSTNAME ADDRESS: one that takes mail for $MAIL_DOMAIN; more main.cf on standard input,
# more master.cf in the arguments that follow.
postfix_instance() {
	local dir=$1
	mkdir -p "$dir"/{etc,queue,data,mail}
	chown postfix "$dir/data"
	chown nobody "$dir/mail"
	cat >"$dir/etc/main.cf" <<-END
		compatibility_level = 3.6
		queue_directory = $dir/queue
		data_directory = $dir/data
		mail_owner = postfix
		setgid_group = postdrop
		myhostname = $2
		mydestination =
		inet_interfaces = $3
		inet_protocols = ipv4
		mynetworks = 127.0.0.0/8
		alias_maps =
		maillog_file = $dir/log
		maillog_file_prefixes = $dir
		$(cat)
	END
	cat >"$dir/etc/master.cf" <<-END
		tlsmgr   unix       - - n 1000? 1 tlsmgr
		rewrite  unix       - - n -     - trivial-rewrite
		proxymap unix       - - n -     - proxymap
		anvil    unix       - - n -     1 anvil
		cleanup  unix       n - n -     0 cleanup
		qmgr     unix       n - n 1     1 qmgr
		bounce   unix       - - n -     0 bounce
		defer    unix       - - n -     0 bounce
		trace    unix       - - n -     0 bounce
		error    unix       - - n -     - error
		retry    unix       - - n -     - error
		virtual  unix       - n n -     - virtual
		postlog  unix-dgram n - n -     1 postlogd
		$(printf '%s\n' "${@:4}")
	END
	PIDFILES+=("$dir/queue/pid/master.pid")
}

postfix_files() {
	local files
	take_ports SMTP
	POSTFIX=$SCRATCH/postfix
	files=("${SERVED[@]/#/$LIVE/combined}")
	postfix_instance "$POSTFIX" "$SERVER_HOST" 127.0.0.1 "127.0.0.1:$SMTP inet n - n - - smtpd" <<-END
		virtual_mailbox_domains = $MAIL_DOMAIN
		virtual_mailbox_base = $POSTFIX/mail
		virtual_mailbox_maps = static:inbox/
		virtual_uid_maps = static:$(id -u nobody)
		virtual_gid_maps = static:$(id -g nobody)
		smtpd_tls_security_level = may
		smtpd_tls_chain_files = ${files[*]/%/.pem}
	END
}

postfix_start() {
	postfix -c "$POSTFIX/etc" start >"$POSTFIX/start.log" 2>&1 || cat "$POSTFIX/start.log"
	within 10 listens "$SMTP"
}

postfix_load() { postfix -c "$POSTFIX/etc" reload; }

# --- Dovecot ---------------------------------------------------------------------------------------

# dovecot_listeners SERVICE NAME PORT TLS-PORT
dovecot_listeners() {
	cat <<-END
		service $1 {
		  inet_listener $2 {
		    port = $3
		  }
		  inet_listener ${2}s {
		    port = $4
		    ssl = yes
		  }
		}
	END
}

dovecot_files() {
	take_ports IMAP IMAPS POP3 POP3S SIEVE
	DOVECOT=$SCRATCH/dovecot
	mkdir -p "$DOVECOT"
	cat >"$DOVECOT/dovecot.conf" <<-END
		base_dir = $DOVECOT/run
		state_dir = $DOVECOT/state
		log_path = $DOVECOT/log
		listen = 127.0.0.1
		protocols = imap pop3 sieve
		ssl = yes
		ssl_cert = <$LIVE/fullchain${SERVED[0]}.pem
		ssl_key = <$LIVE/key${SERVED[0]}.pem
		${SERVED[1]:+ssl_alt_cert = <$LIVE/fullchain${SERVED[1]}.pem}
		${SERVED[1]:+ssl_alt_key = <$LIVE/key${SERVED[1]}.pem}
		$(dovecot_listeners imap-login imap "$IMAP" "$IMAPS")
		$(dovecot_listeners pop3-login pop3 "$POP3" "$POP3S")
		service managesieve-login {
		  inet_listener sieve {
		    port = $SIEVE
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
	END
}

dovecot_start() {
	start dovecot dovecot -F -c "$DOVECOT/dovecot.conf"
	within 10 listens "$IMAPS" && within 10 listens "$POP3S" && within 10 listens "$SIEVE"
}

dovecot_load() { doveadm -c "$DOVECOT/dovecot.conf" reload; }

# --- nginx -----------------------------------------------------------------------------------------

nginx_files() {
	local e
	take_ports HTTPS
	NGINX=$SCRATCH/nginx
	mkdir -p "$NGINX"
	cat >"$NGINX/nginx.conf" <<-END
		daemon off;
		worker_processes 1;
		pid $NGINX/pid;
		error_log $NGINX/error.log;
		events { worker_connections 64; }
		http {
			access_log off;
			client_body_temp_path $NGINX; proxy_temp_path $NGINX; fastcgi_temp_path $NGINX;
			uwsgi_temp_path $NGINX; scgi_temp_path $NGINX;
			server {
				listen 127.0.0.1:$HTTPS ssl;
				server_name www.lab.example;
				$(for e in "${SERVED[@]}"; do
					echo "ssl_certificate $LIVE/fullchain$e.pem; ssl_certificate_key $LIVE/key$e.pem;"
				done)
				location / { return 204; }
			}
		}
	END
}

nginx_start() {
	start nginx nginx -e "$NGINX/error.log" -c "$NGINX/nginx.conf"
	within 10 listens "$HTTPS"
}

nginx_load() { nginx -e "$NGINX/error.log" -c "$NGINX/nginx.conf" -s reload; }

# --- Apache ----------------------------------------------------------------------------------------

apache_files() {
	local e
	take_ports APACHE
	HTTPD=$SCRATCH/apache
	mkdir -p "$HTTPD/www"
	cat >"$HTTPD/apache2.conf" <<-END
		ServerRoot /etc/apache2
		LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
		LoadModule ssl_module /usr/lib/apache2/modules/mod_ssl.so
		PidFile $HTTPD/pid
		DefaultRuntimeDir $HTTPD
		Mutex file:$HTTPD
		ErrorLog $HTTPD/error.log
		ServerName www.lab.example
		User www-data
		Group www-data
		StartServers 1
		DocumentRoot $HTTPD/www
		Listen 127.0.0.1:$APACHE https
		<VirtualHost 127.0.0.1:$APACHE>
			SSLEngine on
			$(for e in "${SERVED[@]}"; do
				printf '%s\n' "SSLCertificateFile $LIVE/fullchain$e.pem" "SSLCertificateKeyFile $LIVE/key$e.pem"
			done)
		</VirtualHost>
	END
}

apache_start() {
	start apache apache2 -D FOREGROUND -f "$HTTPD/apache2.conf"
	within 10 listens "$APACHE"
}

# "-k graceful" would start one that does not run
apache_load() { kill -USR1 "$(cat "$HTTPD/pid")"; }

# --- Prosody ---------------------------------------------------------------------------------------

prosody_files() {
	take_ports XMPP XMPP_SERVER
	PROSODY=$SCRATCH/prosody
	mkdir -p "$PROSODY/data"
	cat >"$PROSODY/prosody.cfg.lua" <<-END
		run_as_root = true
		pidfile = "$PROSODY/pid"
		data_path = "$PROSODY/data"
		log = { info = "$PROSODY/log" }
		interfaces = { "127.0.0.1" }
		c2s_ports = { $XMPP }
		s2s_ports = { $XMPP_SERVER }
		modules_enabled = { "tls", "saslauth" }
		modules_disabled = { "s2s_auth_certs" }
		ssl = { key = "$LIVE/key${SERVED[0]}.pem", certificate = "$LIVE/fullchain${SERVED[0]}.pem" }
		VirtualHost "$SERVER_CHAT"
	END
}

prosody_start() {
	start prosody prosody -F --config "$PROSODY/prosody.cfg.lua"
	PROSODY_PID=$PID
	within 10 listens "$XMPP" && within 10 listens "$XMPP_SERVER"
}

prosody_load() { kill -HUP "$(cat "$PROSODY/pid")"; }

# --- what they present -----------------------------------------------------------------------------

# presented_key PROTOCOL PORT rsa|ecdsa: the SHA-256 of the key that a client gets that takes this type only, as in a
# TLSA record.  Asked by openssl, so that a test can know whether what it presumes is so.
presented_key() {
	local options
	read -r -a options < <(only "$3")
	client_of "$1" "$2" "$SERVER_HOST" "$SERVER_CHAT" "${options[@]}" | spki
}

# server_shows NAME FILE rsa|ecdsa: at each of its ports it presents the key of the certificate in the file.
server_shows() {
	local at
	for at in $(server_ports "$1"); do
		[ "$(presented_key "${at%%:*}" "${at#*:}" "$3")" = "$(spki <"$2")" ] || return 1
	done
}

# rsa_too NUMBER: the generation gets an RSA key as well.
rsa_too() {
	local gen
	gen=$LINE_DIR/gen/$(printf %06d "$1")
	(
		umask 077
		openssl req -x509 -newkey rsa:2048 -nodes -days 90 -subj "/CN=${NAMES%% *}" \
			-addext "subjectAltName=DNS:${NAMES// /,DNS:}" \
			-keyout "$gen/key-rsa-2048.pem" -out "$gen/cert-rsa-2048.pem" 2>/dev/null
		: >"$gen/chain-rsa-2048.pem"
		cp "$gen/cert-rsa-2048.pem" "$gen/fullchain-rsa-2048.pem"
		cat "$gen/key-rsa-2048.pem" "$gen/cert-rsa-2048.pem" >"$gen/combined-rsa-2048.pem"
		chmod 644 "$gen"/{cert,chain,fullchain}-rsa-2048.pem
	)
}

# --- all of them -----------------------------------------------------------------------------------

server_ports() {
	case $1 in
	postfix) echo "smtp:$SMTP" ;;
	dovecot) echo "imap:$IMAP none:$IMAPS pop3:$POP3 none:$POP3S sieve:$SIEVE" ;;
	nginx) echo "none:$HTTPS" ;;
	apache) echo "none:$APACHE" ;;
	prosody) echo "xmpp:$XMPP xmpp-server:$XMPP_SERVER" ;;
	esac
}

# server_stop NAME: ends it in order, and waits for that.
server_stop() {
	local pidfile
	case $1 in
	postfix) pidfile=$POSTFIX/queue/pid/master.pid ;;
	dovecot) pidfile=$DOVECOT/run/master.pid ;;
	nginx) pidfile=$NGINX/pid ;;
	apache) pidfile=$HTTPD/pid ;;
	prosody) pidfile=$PROSODY/pid ;;
	esac
	[ -s "$pidfile" ] || return 0
	stop "$(tr -d ' \n' <"$pidfile")"
}

# server_hook NAME: the path of a post-certchange hook that makes it load live/.
server_hook() {
	local hook=$SCRATCH/reload-$1
	{
		cat <<-END
			#!/bin/bash
			. "$TOP/tests/system/lab/presented.sh"
			echo "$1" >>"$SCRATCH/reloads"
			[ ! -e "$SCRATCH/lazy-$1" ] || exit 0
			PATH=\$PATH:/usr/sbin:/sbin
			$(declare -p POSTFIX DOVECOT NGINX HTTPD PROSODY 2>/dev/null)
			$(declare -f "$1_load")
			$1_load || exit
			settles "$SERVER_HOST" "$SERVER_CHAT" "\${CERTLINE_LIVE:-$LIVE}" $(server_ports "$1")
		END
	} >"$hook"
	chmod 755 "$hook"
	echo "$hook"
}

# server_reload NAME: what the hook does; returns when the server presents what is in live/.
server_reload() {
	"$(server_hook "$1")"
}

server_lazy() { : >"$SCRATCH/lazy-$1"; }
server_honest() { rm -f "$SCRATCH/lazy-$1"; }

# reloads NAME: how often its hook was called.
reloads() {
	grep -c -x "$1" "$SCRATCH/reloads" 2>/dev/null
}
