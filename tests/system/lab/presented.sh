# shellcheck shell=bash
# presented.sh - what a server presents, asked with openssl: for tests, and for their hooks, which know nothing else.
#
# Touches: the network.

# client_of PROTOCOL PORT HOST CHAT [OPTION...]: a handshake with 127.0.0.1; PROTOCOL is one of openssl's for
# STARTTLS, or none.
client_of() {
	local how=() name=$3
	case $1 in
	none) ;;
	xmpp*) name=$4; how=(-starttls "$1" -xmpphost "$4") ;;
	*) how=(-starttls "$1") ;;
	esac
	timeout 5 openssl s_client -connect "127.0.0.1:$2" -servername "$name" "${how[@]}" "${@:5}" </dev/null 2>/dev/null
}

# only rsa|ecdsa: options of a client that takes nothing else.  With TLS 1.2 the ciphers say it.
only() {
	case $1 in
	rsa) echo -tls1_2 -cipher aRSA ;;
	ecdsa) echo -tls1_2 -cipher aECDSA ;;
	esac
}

# spki: SHA-256 of the key of the first certificate on standard input, as in a TLSA record; nothing if there is none.
spki() {
	local key
	key=$(openssl x509 -noout -pubkey 2>/dev/null) || return
	openssl pkey -pubin -outform DER <<<"$key" 2>/dev/null | sha256sum | cut -d ' ' -f 1 | tr '[:lower:]' '[:upper:]'
}

# settled HOST CHAT LIVE PROTOCOL:PORT: what is presented for each key type is a certificate of live/.
settled() {
	local file type options shown
	for file in "$3"/cert*.pem; do
		case $(openssl x509 -in "$file" -noout -text) in
		*'Public Key Algorithm: rsa'*) type=rsa ;;
		*) type=ecdsa ;;
		esac
		read -r -a options < <(only "$type")
		shown=$(client_of "${4%%:*}" "${4#*:}" "$1" "$2" "${options[@]}" | openssl x509 2>/dev/null) || continue
		[ "$shown" = "$(openssl x509 -in "$file")" ] || return 1
		found=yes
	done
}

# settles HOST CHAT LIVE PROTOCOL:PORT...: waits until it is so at every port; fails after five seconds.
settles() {
	local at found='' until_at=$((SECONDS + 5))
	for at in "${@:4}"; do
		found=
		until settled "${@:1:3}" "$at" && [ -n "$found" ]; do
			[ "$SECONDS" -lt "$until_at" ] || return 1
			sleep 0.1
		done
	done
}
