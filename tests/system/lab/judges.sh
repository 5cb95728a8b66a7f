# shellcheck shell=bash
# judges.sh - what other programs make of a server: each finds records and addresses by itself, from the resolver of
# resolv.conf and with the root's trust anchor at its usual place, so in a network of its own.
#
# judge PROGRAM HOST PORT [smtp]   prints y (came in, verified by DANE), n (turned away), 0 (there are no records, or
#                                  none that it may or can use) or - (it cannot do that); all that it said is in
#                                  $JUDGED/PROGRAM-HOST
# JUDGES are the programs.  None may take longer than $JUDGE_LIMIT seconds.
#
# Touches: the network, files below $JUDGED.
# shellcheck disable=SC2034 # names that only the test uses
# shellcheck disable=SC2154 # names of lib.sh

JUDGES='finger gnutls danetool ldns openssl'
JUDGED=$SCRATCH/judged
JUDGE_LIMIT=4
JUDGE_CA=                               # a CA that ldns-dane and openssl trust
mkdir "$JUDGED"

judge() {
	local said=$JUDGED/$1-$2
	if [ "$1:${4:-}" = finger: ]; then
		echo -
	else
		# danetool leaves files where it is
		(cd "$JUDGED" && "judge_$1" "${@:2}") >"$said" 2>&1
		"judge_${1}_says" <"$said"
	fi
}

# --- posttls-finger: as a Postfix with security level "dane" -------------------------------------------

mkdir "$JUDGED/postfix"
printf 'compatibility_level = 3.6\nmyhostname = client.example\ninet_protocols = ipv4\n' >"$JUDGED/postfix/main.cf"
touch -d '1 minute ago' "$JUDGED/postfix/main.cf"       # Postfix waits until it is two seconds old
judge_finger() {
	MAIL_CONFIG=$JUDGED/postfix timeout "$JUDGE_LIMIT" posttls-finger -c -l dane -t 3 -T 3 "[$1]:$2"
}
judge_finger_says() {
	local said
	said=$(cat)
	case $said in
	*'Verified TLS connection'*) echo y ;;
	*': num='* | *'server certificate verification failed'*) echo n ;;
	*'TLS connection established'*) echo 0 ;;
	*) echo n ;;
	esac
}

# --- gnutls-cli and danetool: both by libdane --------------------------------------------------------------

judge_gnutls() {
	# --no-ca-verification would leave out usage 2, too
	timeout "$JUDGE_LIMIT" gnutls-cli --dane --local-dns --insecure \
		${3:+--starttls-proto=smtp} -p "$2" "$1" </dev/null
}
judge_gnutls_says() {
	local said
	said=$(cat)
	case $said in
	*'DANE: Certificate matches'*) echo y ;;
	*'No DANE data'* | *'No DNSSEC signature'*) echo 0 ;;
	*) echo n ;;
	esac
}

judge_danetool() {
	timeout "$JUDGE_LIMIT" danetool --check "$1" --port "$2" --proto tcp --local-dns \
		${3:+--starttls-proto=smtp} </dev/null
}
judge_danetool_says() {
	local said
	said=$(cat)
	case $said in
	*'Verification: Certificate matches'*) echo y ;;
	*'No DANE data'* | *'No DNSSEC signature'*) echo 0 ;;
	*) echo n ;;
	esac
}

# --- ldns-dane: does not know STARTTLS, so it gets the chain that openssl was shown ----------------------------

judge_ldns() {
	local chain=$JUDGED/chain-$1
	timeout "$JUDGE_LIMIT" openssl s_client -connect "$1:$2" -servername "$1" -showcerts \
		${3:+-starttls smtp} </dev/null 2>/dev/null |
		sed -n '/-BEGIN CERT/,/-END CERT/p' >"$chain"
	[ -s "$chain" ] || { echo 'no chain'; return 1; }
	timeout "$JUDGE_LIMIT" ldns-dane -k /usr/share/dns/root.key -c "$chain" ${JUDGE_CA:+-f "$JUDGE_CA"} verify "$1" "$2"
}
judge_ldns_says() {
	local said
	said=$(cat)
	case $said in
	*'dane-validated successfully'*) echo y ;;
	*'No usable TLSA records'*) echo 0 ;;
	*) echo n ;;
	esac
}

# --- openssl s_client: the records from the resolver, if it vouches for them ---------------------------------

judge_openssl() {
	local record options=()
	while read -r record; do
		options+=(-dane_tlsa_rrdata "$record")
	done < <(dig -r +dnssec +nosplit +tries=1 +time=2 "_$2._tcp.$1" TLSA | awk '
		/status: SERVFAIL/ { print "SERVFAIL" }
		/^;; flags:/ { ad = / ad[; ]/ }
		$4 == "TLSA" && ad { print $5, $6, $7, $8 }')
	case ${options[*]} in
	'') echo 'no records'; return ;;
	*SERVFAIL*) echo 'SERVFAIL'; return 1 ;;
	esac
	timeout "$JUDGE_LIMIT" openssl s_client -connect "$1:$2" -dane_tlsa_domain "$1" -verify_return_error -brief \
		-dane_ee_no_namechecks \
		${JUDGE_CA:+-CAfile "$JUDGE_CA"} "${options[@]}" ${3:+-starttls smtp -name client.example} </dev/null
}
judge_openssl_says() {
	local said
	said=$(cat)
	case $said in
	*'DANE TLSA '*' matched '*) echo y ;;
	'no records' | *'Failed to import any TLSA records'*) echo 0 ;;
	*) echo n ;;
	esac
}
