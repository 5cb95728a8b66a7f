# shellcheck shell=bash
# acme_line.sh - a line whose certificates are a CA's, on top of lib.sh, line.sh and pebble.sh.
#
# Touches: a store and a configuration under $SCRATCH.
# shellcheck disable=SC2034,SC2154 # names of the test, and of line.sh

LINE=web
STATE=$SCRATCH/state
LINE_DIR=$STATE/lines/$LINE
CA_URL=                                 # what [acme] ca says
TOP_ROWS=                               # more rows before the first section

# conf NAMES ROW...: the line, with rows of [acme].
conf() {
	{
		printf 'domains = %s\nissuer = acme\n%s\n' "$1" "$TOP_ROWS"
		printf '[hooks]\npost-certchange = %s/hook\n' "$SCRATCH"
		printf '[dirs]\nstate = %s\n[dns]\nresolver = %s\nvalidate = no\n' "$STATE" "$CHALLTEST_DNS"
		printf '[acme]\nca = %s\nca-file = %s\nagree-tos = yes\n' "$CA_URL" "$PEBBLE_CA"
		printf 'check-port = %s\n' "$HTTP"
		shift
		[ $# -eq 0 ] || printf '%s\n' "$@"
	} >"$CONF/$LINE.conf"
}

# fresh NAMES ROW...: a new store.
fresh() {
	chmod -R u+w "$STATE" 2>/dev/null
	rm -rf "$STATE" "$SCRATCH/hook.log"
	conf "$@"
}

# the hook notes who had issued what servers are told of
script "$SCRATCH/hook" <<END
openssl x509 -in "\$CERTLINE_LIVE/cert.pem" -noout -issuer >>$SCRATCH/hook.log
END

# serial: of the live certificate.
serial() {
	openssl x509 -in "$LINE_DIR/live/cert.pem" -noout -serial
}

# issuer [FILE]: the common name of who signed it.
issuer() {
	openssl x509 -in "${1:-$LINE_DIR/live/cert.pem}" -noout -issuer | sed 's/.*CN *= *//'
}

# names [FILE]: of the certificate.
names() {
	openssl x509 -in "${1:-$LINE_DIR/live/cert.pem}" -noout -ext subjectAltName | tail -1 | tr -d ' ' |
		tr ',' '\n' | sed 's/^DNS://; s/^IPAddress://' | sort | paste -s -d ' '
}

# days: of the life of the live certificate.
days() {
	local from until
	from=$(date -d "$(openssl x509 -in "$LINE_DIR/live/cert.pem" -noout -startdate | cut -d = -f 2)" +%s)
	until=$(date -d "$(openssl x509 -in "$LINE_DIR/live/cert.pem" -noout -enddate | cut -d = -f 2)" +%s)
	echo $(((until - from + 60) / 86400))
}

# keyset: of the live key.
keyset() {
	jq -r .keyset "$LINE_DIR/live/manifest.json"
}

# noted FILTER: what is remembered of the CA's suggestion.
noted() {
	jq -r ".suggestions[0]$1" "$LINE_DIR/state.json"
}
