#!/bin/bash
# ca_lab.sh - do the CAs of tests/system/lab/pebble.sh and mock_ca.py what tests rely on?  Clients that others have
# written get certificates from each, by http-01 and dns-01; and the options and modes do what they say.
#
# ALL=1 goes through all modes of mock_ca.py (half a minute), and not one in ten.
# shellcheck disable=SC2016,SC2153,SC2154 source=/dev/null
. "$(dirname "$0")/lib.sh" || exit 1
. "$TOP/tests/system/lab/pebble.sh"
need_programs pebble pebble-challtestsrv acme-tiny curl jq openssl python3 ss

skip() {
	verdict 0 "$1 # SKIP $2"
}

# --- three CAs, one web server, one name server -----------------------------------------------------

free_port; HTTP=$PORT
www_start "$HTTP"
challtest_start
verdict $? 'pebble-challtestsrv runs' || finish
declare -A URL=() MGMT=()
pebble_new_fetch
pebble_start name=old strict=yes chain-length=2 alternate-roots=1 http-port="$HTTP" \
	validity=864000
verdict $? "pebble $(dpkg-query -W -f '${Version}' pebble 2>/dev/null) runs" || finish
URL[old]=$PEBBLE_URL MGMT[old]=$PEBBLE_MGMT
if [ -n "$PEBBLE_NEW" ]; then
	pebble_start name=new use=new strict=yes retry-after=1:1 profile=short:86400 http-port="$HTTP"
	verdict $? 'a newer pebble runs' || finish
	URL[new]=$PEBBLE_URL MGMT[new]=$PEBBLE_MGMT
	like '... with ARI' "$(lab_get "$PEBBLE_URL" | jq -r 'keys[]')" '^renewalInfo$'
	like '... and profiles' "$(lab_get "$PEBBLE_URL" | jq -r '.meta.profiles | keys[]')" '^short$'
fi
mock_start --chains 2 --http-port "$HTTP" --profile short:86400
verdict $? 'mock_ca.py runs' || finish
URL[mock]=$MOCK_URL MGMT[mock]=$MOCK_MGMT

# root CA [N]: the Nth root of this one.
root() {
	lab_get "${MGMT[$1]}/roots/${2:-0}"
}

# --- clients ----------------------------------------------------------------------------------------

mkdir "$SCRATCH/out" "$SCRATCH/certs"
cat >"$SCRATCH/uacme-hook" <<'END'
#!/bin/sh
[ "$2" = http-01 ] || exit 1
[ "$1" != begin ] || printf %s "$5" >"$WEBROOT/.well-known/acme-challenge/$4"
END
cat >"$SCRATCH/certbot-hook" <<END
#!/bin/sh
exec curl -sf -d "{\"host\": \"_acme-challenge.\$CERTBOT_DOMAIN.\", \"value\": \"\$CERTBOT_VALIDATION\"}" $CHALLTEST_URL/set-txt
END
chmod +x "$SCRATCH"/*-hook
export WEBROOT SSL_CERT_FILE=$PEBBLE_CA REQUESTS_CA_BUNDLE=$PEBBLE_CA LEGO_CA_CERTIFICATES=$PEBBLE_CA

# client_NAME CA: gets a certificate for NAME-CA.example.test, the chain goes into $SCRATCH/certs/NAME-CA.pem.
client_tiny() {
	local dir=$SCRATCH/tiny-$1
	mkdir "$dir"
	openssl genrsa -out "$dir/account" 2048 &&
		openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj / -keyout "$dir/key" \
			-addext "subjectAltName=DNS:tiny-$1.example.test,DNS:b.example.test" -out "$dir/csr" &&
		acme-tiny --account-key "$dir/account" --csr "$dir/csr" --acme-dir "$WEBROOT/.well-known/acme-challenge" \
			--disable-check --directory-url "${URL[$1]}" >"$SCRATCH/certs/tiny-$1.pem"
}

client_uacme() {
	local uacme=(lab_trusting uacme -c "$SCRATCH/uacme-$1" -a "${URL[$1]}")
	"${uacme[@]}" -y -t EC new && "${uacme[@]}" -t EC -h "$SCRATCH/uacme-hook" issue "uacme-$1.example.test" &&
		cp "$SCRATCH/uacme-$1/uacme-$1.example.test/cert.pem" "$SCRATCH/certs/uacme-$1.pem" &&
		"${uacme[@]}" -t EC newkey && "${uacme[@]}" revoke "$SCRATCH/uacme-$1/uacme-$1.example.test/cert.pem"
}

# with an account key RSA (RS256), a wildcard, and the second chain where its name is known
client_certbot() {
	local dir=$SCRATCH/certbot-$1 chain=()
	[ "$1" != mock ] || chain=(--preferred-chain 'Mock root 1')
	certbot certonly --config-dir "$dir" --work-dir "$dir" --logs-dir "$dir" --server "${URL[$1]}" --agree-tos \
		--register-unsafely-without-email -n --manual --preferred-challenges dns "${chain[@]}" \
		--manual-auth-hook "$SCRATCH/certbot-hook" -d "certbot-$1.example.test" -d "*.certbot-$1.example.test" &&
		cp "$dir/live/certbot-$1.example.test/fullchain.pem" "$SCRATCH/certs/certbot-$1.pem"
}

# with an account key P-384 (ES384)
client_lego() {
	lego --path "$SCRATCH/lego-$1" --server "${URL[$1]}" --accept-tos -m a@example.test -k ec384 --http \
		--http.webroot "$WEBROOT" -d "lego-$1.example.test" run &&
		cp "$SCRATCH/lego-$1/certificates/lego-$1.example.test.crt" "$SCRATCH/certs/lego-$1.pem"
}

# uacme 1.7 does not know challenges without a token, which the newer pebble has
PAIRS='tiny:old tiny:mock uacme:old uacme:mock certbot:mock lego:mock'
[ -z "${URL[new]:-}" ] || PAIRS+=' tiny:new certbot:new lego:new'
JOBS=()
for pair in $PAIRS; do
	client=${pair%:*} ca=${pair#*:}
	if [ "$client" != tiny ] && ! command -v "$client" >/dev/null; then
		skip "$client gets a certificate of $ca" "$client is not installed"
	elif [ "$client" = uacme ] && ! lab_can_trust; then
		skip "$client gets a certificate of $ca" 'needs root, or namespaces'
	else
		"client_$client" "$ca" >"$SCRATCH/out/$client-$ca" 2>&1 </dev/null &
		JOBS+=("$!" "$client" "$ca")
	fi
done

# verified CA FILE: a chain that ends at a root of this CA.
verified() {
	local n
	for n in 0 1; do
		root "$1" "$n" >"$SCRATCH/root.pem" &&
			openssl verify -CAfile "$SCRATCH/root.pem" -untrusted "$2" "$2" >/dev/null 2>&1 && return
	done
	return 1
}

for ((i = 0; i < ${#JOBS[@]}; i += 3)); do
	client=${JOBS[i + 1]} ca=${JOBS[i + 2]}
	file=$SCRATCH/certs/$client-$ca.pem
	wait "${JOBS[i]}"
	verdict $? "$client gets a certificate of $ca" || note "$(tail -20 "$SCRATCH/out/$client-$ca")"
	[ -s "$file" ] || continue
	check '... whose chain ends at its root' verified "$ca" "$file"
	like '... for its name' "$(openssl x509 -in "$file" -noout -ext subjectAltName)" "DNS:$client-$ca\.example\.test"
done

# --- pebble's options -------------------------------------------------------------------------------

file=$SCRATCH/certs/tiny-old.pem
PEBBLE_MGMT=${MGMT[old]}
is 'chain-length: two intermediates' "$(grep -c BEGIN "$file")" 3
check 'validity: more than nine days' openssl x509 -in "$file" -noout -checkend 777600 >/dev/null
check_not '... not more than ten' openssl x509 -in "$file" -noout -checkend 864000 >/dev/null
is 'pebble_status of a good certificate' "$(pebble_status "$file")" Valid
file=$SCRATCH/certs/uacme-old.pem
[ ! -s "$file" ] || is '... and of one that was revoked' "$(pebble_status "$file")" Revoked
like 'alternate-roots: a second root' "$(root old 1)" 'BEGIN CERTIFICATE'
is '... not a third' "$(root old 2)" ''
if [ -n "$PEBBLE_NEW" ]; then
	PEBBLE_MGMT=${MGMT[new]}
	file=$SCRATCH/certs/tiny-new.pem
	window='{"suggestedWindow": {"start": "2020-01-01T00:00:00Z", "end": "2020-01-02T00:00:00Z"}}'
	check 'pebble_ari: another window' pebble_ari "$file" "$window"
	check_not '... not for a certificate of another CA' pebble_ari "$SCRATCH/certs/tiny-old.pem" "$window"
fi

# --- mock_ca.py -------------------------------------------------------------------------------------

LAB=$TOP/tests/system/lab
check 'every client signed what it sent' \
	test "$(jq -s 'map(select(.accepted)) | length' "$MOCK_JWS")" -ge 10
like 'requests are told' "$(cat "$MOCK_LOG")" '^POST /finalize/.* 200 finalize; issued [0-9a-f]+ for '
mock_mode lost-finalize
mv "$SCRATCH/tiny-mock" "$SCRATCH/before"
check_not 'a lost reply is lost' client_tiny mock 2>/dev/null
like '... what was asked for was done' "$(cat "$MOCK_LOG")" '^POST /finalize/.* issued .*; lost$'
is '... and is counted' "$(lab_get "$MOCK_MGMT/mode" | jq -c '.[] | [.mode, .done]')" '["lost-finalize",1]'
check 'a mode that is unknown is refused' test "$(curl -s --cacert "$PEBBLE_CA" -o /dev/null -w '%{http_code}' \
	-d '{"mode": "no-such"}' "$MOCK_MGMT/mode")" = 400
MODES=$("$LAB/mock_ca.py" --list | awk -v all="${ALL:-}" '{ n++ } all || n % 10 == 1 { print $1 }')
mock_start --always-valid --chains 2 --profile short:86400
port=${MOCK_URL#https://*:}
# shellcheck disable=SC2086 # words are meant
out=$("$LAB/mock_try.py" --port "${port%/dir}" --ca "$PEBBLE_CA" $MODES)
verdict $? "$(wc -w <<<"$MODES") modes do what they say" || note "$(grep -v '^ok' <<<"$out")"
is '... no change to a reply has failed' "$(grep -c 'FAILED' "$MOCK_LOG")" 0

far_start "$MOCK_URL" 50
like 'far_start: three round trips for a first reply' \
	"$(lab_get "$FAR_URL" -o "$SCRATCH/far.json" -w '%{time_total}')" '^0\.(1[5-9]|2)'
like '... which leads to the same far place' "$(cat "$SCRATCH/far.json")" "${FAR_URL%/dir}/new-order"

if command -v lego >/dev/null; then
	key=$(openssl rand -base64 32 | tr '+/' '-_' | tr -d '=\n')
	# lego_eab NAME URL KID
	lego_eab() {
		lego --path "$SCRATCH/lego-eab-$1" --server "$2" --accept-tos -m a@example.test --eab --kid "$3" --hmac "$key" \
			--http --http.webroot "$WEBROOT" -d eab.example.test run >"$SCRATCH/out/eab-$1" 2>&1
	}
	pebble_start name=old eab="kid-1:$key" always-valid=yes
	mock_start --always-valid --eab "kid-1:$key"
	lego_eab mock "$MOCK_URL" kid-1 & pid=$!
	check 'eab: pebble accepts the right key' lego_eab pebble "$PEBBLE_URL" kid-1
	wait $pid
	verdict $? 'eab: mock_ca.py accepts the right key' || note "$(tail -3 "$SCRATCH/out/eab-mock")"
	check_not '... and not under another name' lego_eab other "$MOCK_URL" kid-2
else
	skip 'eab' 'lego is not installed'
fi

pebble_start name=old nonce-reject=40 always-valid=yes
URL[again]=$PEBBLE_URL
client_tiny again 2>/dev/null
like 'nonce-reject: clients that try again get a certificate' "$(cat "$SCRATCH/certs/tiny-again.pem")" BEGIN
like '... and pebble does refuse some' "$(cat "$SCRATCH/old.log")" 'reject 40% of good nonces'
finish
