# shellcheck shell=bash
# dane.sh - a small world for DANE, on top of lib.sh: the zone lab.example, signed by named, which
# takes in certline's include file; a validating resolver (unbound) whose trust anchor is the key of
# that zone; Postfix and nginx that serve live/; and clients that ask the resolver.
#
# As root, world_alone gives the test a network and some files of its own, so that clients that read
# resolv.conf can be used; without it, those and Postfix are left out.
#
# Touches: what lib.sh touches; in a namespace of its own resolv.conf and the root's trust anchor.
# shellcheck disable=SC2034 # names that only the test uses
# shellcheck disable=SC2154 # names of lib.sh

LAB=$TOP/tests/system/lab
ZONES=$SCRATCH/zones
TTL=5
ALONE=
ROOT_KEY=/usr/share/dns/root.key        # where gnutls looks for a trust anchor

# world_alone: in namespaces of our own (see the top of rollover.sh), a resolver on port 53 and its
# trust anchor at the places where programs look for them.
world_alone() {
	ip link set lo up
	printf 'nameserver 127.0.0.1\noptions edns0 trust-ad\n' >"$SCRATCH/resolv.conf"
	mount --bind "$SCRATCH/resolv.conf" "$(readlink -f /etc/resolv.conf)"
	ALONE=yes
}

# own_copy PROGRAM: where AppArmor enforces, its profile is attached by path.
own_copy() {
	local path
	path=$(command -v "$1")
	if [ "$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null)" = Y ]; then
		cp "$path" "$SCRATCH/$1"
		path=$SCRATCH/$1
	fi
	echo "$path"
}

# --- DNS -------------------------------------------------------------------------------------------

# dns_start: named and unbound.  The include file exists and is empty, as an administrator makes it.
dns_start() {
	local secret policy

	free_port; DNS=$PORT
	free_port; CONTROL=$PORT
	free_port; RESOLVER=$PORT
	INCLUDE=$ZONES/tlsa.inc
	mkdir -p "$ZONES/keys"
	: >"$INCLUDE"
	cat >"$ZONES/lab.example.db" <<-END
		\$TTL 60
		@	IN SOA ns1 hostmaster ( 1 3600 600 864000 1 )
		@	NS ns1
		ns1	A 127.0.0.1
		mx	A 127.0.0.1
		www	A 127.0.0.1
		\$INCLUDE $INCLUDE
	END
	policy='dnssec-policy "quick" { keys { csk lifetime unlimited algorithm ecdsap256sha256; }; };'
	echo "$policy" >"$ZONES/policy.conf"
	(cd "$ZONES/keys" && dnssec-keygen -q -k quick -l "$ZONES/policy.conf" lab.example >/dev/null)
	cp "$ZONES"/keys/Klab.example.*.key "$ZONES/anchor"
	secret=$(openssl rand -base64 24)
	cat >"$ZONES/rndc.conf" <<-END
		key "k" { algorithm hmac-sha256; secret "$secret"; };
		options { default-key "k"; default-server 127.0.0.1; default-port $CONTROL; };
	END
	cat >"$ZONES/named.conf" <<-END
		options {
			directory "$ZONES"; key-directory "$ZONES/keys"; managed-keys-directory "$ZONES";
			pid-file "$ZONES/named.pid"; session-keyfile "$ZONES/session.key"; lock-file none;
			port $DNS; listen-on port $DNS { 127.0.0.1; }; listen-on-v6 { none; };
			recursion no; dnssec-validation no; notify no; empty-zones-enable no;
		};
		key "k" { algorithm hmac-sha256; secret "$secret"; };
		controls { inet 127.0.0.1 port $CONTROL allow { 127.0.0.1; } keys { "k"; }; };
		$policy
		zone "lab.example" {
			type primary; file "lab.example.db"; inline-signing yes; dnssec-policy quick;
		};
	END
	cat >"$ZONES/unbound.conf" <<-END
		server:
			directory: "$ZONES"
			chroot: ""
			username: ""
			pidfile: "$ZONES/unbound.pid"
			use-syslog: no
			interface: 127.0.0.1@$RESOLVER
			${ALONE:+interface: 127.0.0.1@53}
			do-ip6: no
			do-not-query-localhost: no
			trust-anchor-file: "$ZONES/anchor"
			local-zone: "example." transparent
		remote-control:
			control-enable: yes
			control-interface: "$ZONES/unbound.sock"
			control-use-cert: no
		stub-zone:
			name: "lab.example."
			stub-addr: 127.0.0.1@$DNS
	END
	if [ -n "$ALONE" ] && [ -e "$ROOT_KEY" ]; then
		mount --bind "$ZONES/anchor" "$ROOT_KEY"
	else
		ROOT_KEY=
	fi
	start named "$(own_copy named)" -g -c "$ZONES/named.conf"
	start unbound "$(own_copy unbound)" -d -c "$ZONES/unbound.conf"
	within 10 secure mx.lab.example A
}

# secure NAME TYPE: the resolver answers with records, and vouches for them.
secure() {
	dig -r +dnssec +tries=1 +time=2 -p "$RESOLVER" @127.0.0.1 "$1" "$2" |
		grep -q -E '^;; flags: .* ad[ ;].* ANSWER: [1-9]'
}

# cached OWNER: the digests that the resolver answers with.
cached() {
	dig -r +nosplit +tries=1 +time=2 -p "$RESOLVER" @127.0.0.1 "$1" TLSA |
		awk '$4 == "TLSA" { print $8 }' | sort
}

soa_serial() {
	ask lab.example SOA | awk '$4 == "SOA" { print $7 }'
}

# --- servers ---------------------------------------------------------------------------------------

# mail_files: the configuration of a Postfix of our own, with only what its smtpd needs.
mail_files() {
	free_port; SMTP=$PORT
	POSTFIX=$SCRATCH/postfix
	mkdir -p "$POSTFIX/etc" "$POSTFIX/queue" "$POSTFIX/data"
	chown postfix "$POSTFIX/data"
	cat >"$POSTFIX/etc/main.cf" <<-END
		compatibility_level = 3.6
		queue_directory = $POSTFIX/queue
		data_directory = $POSTFIX/data
		mail_owner = postfix
		setgid_group = postdrop
		myhostname = mx.lab.example
		inet_interfaces = 127.0.0.1
		inet_protocols = ipv4
		alias_maps =
		local_recipient_maps =
		smtpd_tls_security_level = may
		smtpd_tls_chain_files = $LIVE/combined.pem
		maillog_file = $POSTFIX/log
		maillog_file_prefixes = $POSTFIX
	END
	cat >"$POSTFIX/etc/master.cf" <<-END
		127.0.0.1:$SMTP inet n - n - - smtpd
		tlsmgr   unix       - - n 1000? 1 tlsmgr
		rewrite  unix       - - n -     - trivial-rewrite
		proxymap unix       - - n -     - proxymap
		anvil    unix       - - n -     1 anvil
		postlog  unix-dgram n - n -     1 postlogd
	END
	PIDFILES+=("$POSTFIX/queue/pid/master.pid")
}

mail_start() {
	postfix -c "$POSTFIX/etc" start >"$POSTFIX/start.log" 2>&1 || cat "$POSTFIX/start.log"
	within 10 listens "$SMTP"
}

# web_files: that of an nginx with both files of live/.
web_files() {
	free_port; HTTPS=$PORT
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
				ssl_certificate $LIVE/fullchain.pem;
				ssl_certificate_key $LIVE/key.pem;
				location / { return 204; }
			}
		}
	END
}

web_start() {
	start nginx nginx -e "$NGINX/error.log" -c "$NGINX/nginx.conf"
	within 10 listens "$HTTPS"
}

# --- clients ---------------------------------------------------------------------------------------

# looks: every service once, by openssl; says what was refused.
looks() {
	local said status
	said=$("$LAB/client.sh" "$RESOLVER" "${SERVICES[@]}")
	status=$?
	[ "$status" -eq 0 ] || note "$said"
	return "$status"
}

# postfix_client: what a sending Postfix with security level "dane" says.
postfix_client() {
	MAIL_CONFIG=$POSTFIX/etc timeout 20 posttls-finger -c -l dane -o inet_protocols=ipv4 \
		"[mx.lab.example]:$SMTP" 2>&1
}

# gnutls_client HOST PORT [OPTION...]: gnutls resolves and validates by itself.
gnutls_client() {
	timeout 20 gnutls-cli --dane --local-dns --no-ca-verification -p "$2" "${@:3}" "$1" \
		</dev/null 2>&1
}
