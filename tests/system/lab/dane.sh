# shellcheck shell=bash
# dane.sh - a small world for DANE, on top of lib.sh: the zone lab.example, signed by named, which
# takes in certline's include file; a validating resolver (unbound) whose trust anchor is the key of
# that zone; the servers of servers.sh; clients that ask the resolver, and a Postfix that delivers by DANE.
#
# As root, world_alone gives the test a network and some files of its own, so that clients that read
# resolv.conf can be used; without it, those and Postfix are left out.
#
# Touches: what lib.sh touches; in a namespace of its own resolv.conf and the root's trust anchor.
# shellcheck disable=SC2034 # names that only the test uses
# shellcheck disable=SC2154 # names of lib.sh

LAB=$TOP/tests/system/lab
# shellcheck source=/dev/null
. "$LAB/servers.sh"
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
		@	MX 10 mx
		ns1	A 127.0.0.1
		mx	A 127.0.0.1
		www	A 127.0.0.1
		chat	A 127.0.0.1
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
	# what the resolver finds before all is signed is bogus to it for a minute
	within 10 signed
	start unbound "$(own_copy unbound)" -d -c "$ZONES/unbound.conf"
	within 10 secure mx.lab.example A
}

# signed: named has signed the zone.
signed() {
	ask lab.example DNSKEY +dnssec | grep -q RRSIG && ask mx.lab.example A +dnssec | grep -q RRSIG
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

# --- a Postfix that sends ----------------------------------------------------------------------------

# sender_start: a second Postfix, which delivers by DANE to the mail host of a domain, on port 25, and tries again
# every second.  In a world that is alone, as it asks the resolver of resolv.conf.
sender_start() {
	free_port; SUBMIT=$PORT
	SENDER=$SCRATCH/sender
	# an address of its own: mail for a host that has one of its addresses would be a loop
	ip addr add 127.0.0.9/8 dev lo
	postfix_instance "$SENDER" out.lab.example 127.0.0.9 \
		"127.0.0.9:$SUBMIT inet n - n - - smtpd" 'smtp unix - - n - - smtp' <<-END
		smtp_tls_security_level = dane
		smtp_dns_support_level = dnssec
		smtp_tls_loglevel = 1
		smtp_connect_timeout = 3
		smtp_starttls_timeout = 3
		smtp_helo_timeout = 3
		queue_run_delay = 1
		minimal_backoff_time = 1
		maximal_backoff_time = 1
	END
	postfix -c "$SENDER/etc" start >"$SENDER/start.log" 2>&1 || cat "$SENDER/start.log"
	within 10 listens "$SUBMIT"
}

# send_mail ADDRESS: gives a mail to it.  $MAIL_ID is how it is called in the log.
send_mail() {
	MAIL_ID=$(printf 'Subject: test\r\n\r\n%s\r\n' "$EPOCHREALTIME" |
		curl -sv "smtp://127.0.0.9:$SUBMIT" --mail-from sender@out.lab.example --mail-rcpt "$1" -T - 2>&1 |
		sed -n 's/.*queued as \([0-9A-Za-z]*\).*/\1/p')
	[ -n "$MAIL_ID" ]
}

# mail_fate: what became of that mail last: "sent", "deferred" or "bounced", and why.  Nothing: not tried yet.
mail_fate() {
	sed -n "s/.* $MAIL_ID: to=.* status=\([a-z]*\) (\(.*\))\$/\1 \2/p" "$SENDER/log" | tail -1
}

mail_tried() {
	[ -n "$(mail_fate)" ]
}

# mail_is FATE: so it was, the last time.
mail_is() {
	case $(mail_fate) in
	"$1 "*) ;;
	*) return 1 ;;
	esac
}

# mail_verified: the connection before it was sent was verified by DANE.
mail_verified() {
	grep -q "postfix/smtp.*: Verified TLS connection established to $SERVER_HOST" "$SENDER/log"
}

# mails: how many have arrived.
mails() {
	find "$POSTFIX/mail/inbox/new" -type f 2>/dev/null | wc -l
}
