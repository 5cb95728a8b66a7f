#!/bin/bash
# dane_verdict.sh - verdicts about TLSA records beside those of OpenSSL: `openssl s_client` against `openssl
# s_server`, which presents the same chain.  Both must agree, but where the RFC gives a reason not to.
# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh" || exit 1
need_programs openssl cc pkg-config ss

TRY=$SCRATCH/dane_try
CERTS=$SCRATCH/certs
NOW=1800000000
# shellcheck disable=SC2046,SC2086 # words are meant
(cd "$TOP" && ${CC:-cc} -std=c11 -D_GNU_SOURCE -Isrc -include src/base/banned.h ${TRY_CFLAGS:-} -o "$TRY" \
	tests/system/lab/dane_try.c "${B:-build}/libcertline.a" $(pkg-config --libs libssl libcrypto))
verdict $? 'the driver is built' || finish
mkdir "$CERTS"
check 'certificates are made' "$TRY" make "$CERTS"

declare -A SERVER=()                    # the port of who presents a chain

# serve CHAIN: a server that presents it is at $PORT.
serve() {
	local names name args=()
	read -ra names <<<"$1"
	PORT=${SERVER[$1]:-}
	[ -z "$PORT" ] || return 0
	free_port
	for name in "${names[@]:1}"; do
		cat "$CERTS/$name.pem"
	done >"$CERTS/chain.$PORT"
	[ ${#names[@]} -eq 1 ] || args=(-cert_chain "$CERTS/chain.$PORT")
	start "server.$PORT" openssl s_server -accept "127.0.0.1:$PORT" -cert "$CERTS/${names[0]}.pem" \
		-key "$CERTS/${names[0]}.key" "${args[@]}" -quiet -naccept 1000
	within 10 listens "$PORT" || return
	SERVER[$1]=$PORT
}

# theirs HOST RECORD...: what OpenSSL does at $PORT; what it says is in $SAID.
theirs() {
	local record args=()
	for record in "${@:2}"; do
		args+=(-dane_tlsa_rrdata "$record")
	done
	SAID=$(timeout 10 openssl s_client -connect "127.0.0.1:$PORT" -no-CApath -no-CAstore -CAfile "$CERTS/root.pem" \
		-attime "$NOW" -dane_ee_no_namechecks -dane_tlsa_domain "$1" "${args[@]}" </dev/null 2>&1)
	case $SAID in
	*'Failed to import any TLSA records'*) echo unusable ;;
	*'Verify return code: 0 (ok)'*) grep -q '^DANE TLSA' <<<"$SAID" && echo accepted || echo 'no DANE' ;;
	*'Verify return code:'*) echo refused ;;
	*) echo "nothing: $SAID" ;;
	esac
}

# differ OURS THEIRS KIND CHAIN REASON RECORD...: "USAGE SELECTOR MATCHING NAME", or as it stands after "=".
differ() {
	local ours=$1 other=$2 kind=$3 chain=$4 reason=$5 host=${HOST:-mx.example.org} record records=() said
	shift 5
	for record; do
		case $record in
		=*) records+=("${record#=}") ;;
		*)
			# shellcheck disable=SC2086 # words are meant
			records+=("$("$TRY" record "$CERTS" $record)")
			;;
		esac
	done
	serve "$chain" || note "no server for $chain"
	said=$("$TRY" judge "$CERTS" "$kind" "$chain" "$host" "${records[@]}")
	is "$* of $chain ($kind, $host)${reason:+: $reason}" "${said%%:*}, OpenSSL: $(theirs "$host" "${records[@]}")" \
		"$ours, OpenSSL: $other" || note "$said"
}

# both OUTCOME KIND CHAIN RECORD...
both() {
	differ "$1" "$1" "$2" "$3" '' "${@:4}"
}

NOTHING=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855

both accepted mail 'leaf ca' '3 1 1 leaf'
both accepted mail 'leaf ca' '3 1 2 leaf'
both accepted web 'leaf ca' '3 1 0 leaf'
both accepted web 'leaf ca' '3 0 1 leaf'
both accepted web 'leaf ca' '3 0 0 leaf'
both accepted mail old-self '3 1 1 old-self'
both accepted mail 'expired ca' '3 1 1 expired'
both accepted mail 'leaf ca' '3 1 1 next' '3 1 1 leaf'
both refused mail 'leaf ca' '3 1 1 next'
both refused mail 'leaf ca' '3 1 1 ca'
both refused mail 'leaf ca' "=3 1 1 $NOTHING"

both accepted mail 'leaf ca root' '2 1 1 root'
both accepted mail 'leaf ca' '2 0 1 ca'
both accepted web 'leaf root ca' '2 1 2 root'
both accepted mail 'wild ca' '2 1 1 ca'
both accepted mail 'common ca' '2 1 1 ca'
both accepted mail 'leaf old-ca ca' '2 1 1 ca'
both accepted mail leaf '2 0 0 ca'
both accepted mail leaf '2 1 0 ca'
both accepted web 'leaf ca' '2 0 0 root'
both refused mail leaf '2 1 1 ca'
both refused mail 'leaf ca' '2 1 1 root'
both refused mail 'elsewhere ca' '2 1 1 ca'
both refused mail 'expired ca' '2 1 1 ca'
both refused mail 'young ca' '2 1 1 ca'
both refused mail 'leaf old-ca root' '2 0 1 root'
both refused web 'client ca' '2 1 1 ca'
both refused web 'by-no-ca no-ca' '2 1 1 no-ca'
both refused mail 'leaf other' '2 1 1 other'
both refused mail leaf '2 1 0 other'
both refused mail 'leaf ca' '2 1 1 leaf'
# a leaf that signs itself is no trust anchor
both refused mail self '2 1 1 self'
both refused mail 'self self' '2 0 1 self'
HOST=example.org both refused mail 'wild ca' '2 1 1 ca'
HOST=a.b.example.org both refused mail 'wild ca' '2 1 1 ca'

both accepted web 'leaf ca' '1 1 1 leaf'
both accepted web 'leaf ca' '0 1 1 ca'
both accepted web 'leaf ca' '0 0 1 root'
both refused web self '1 1 1 self'
both refused web leaf '1 1 1 leaf'
both refused web 'expired ca' '0 1 1 root'
both refused web 'leaf ca' '0 1 1 other'
both refused web 'leaf ca' '0 1 1 leaf'

both accepted mail 'leaf ca' '3 1 1 leaf' '3 1 2 leaf'
both refused mail 'leaf ca' '3 1 1 leaf' '3 1 2 next'
both accepted mail 'leaf ca' '3 1 1 next' '3 1 2 leaf'
both accepted mail 'leaf ca' '3 1 0 leaf' '3 1 2 next'
both accepted mail 'leaf ca' '3 1 1 leaf' '3 0 2 next'
both accepted mail 'leaf ca' '3 1 1 leaf' "=3 1 2 $NOTHING"

both unusable mail 'leaf ca' '=3 1 1 abcd'
both unusable mail 'leaf ca' '=3 1 0 abcd'
both unusable mail 'leaf ca' '=2 0 0 abcd'
both unusable mail 'leaf ca' "=255 1 1 $NOTHING"
both unusable mail 'leaf ca' "=3 7 1 $NOTHING"
both unusable mail 'leaf ca' "=3 1 9 $NOTHING"
both accepted mail 'leaf ca' "=255 1 1 $NOTHING" '3 1 1 leaf'
both refused mail 'leaf ca' "=255 1 1 $NOTHING" '3 1 1 next'

differ unusable accepted mail 'leaf ca' 'usages 0 and 1 are not for mail (RFC 7672 section 3.1.3); s_client leaves that to mail servers' \
	'1 1 1 leaf'
differ refused accepted mail 'leaf ca' 'the same: what is left is another key' '0 1 1 ca' '3 1 1 next'
finish
