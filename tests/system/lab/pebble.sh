# shellcheck shell=bash
# pebble.sh - CAs on loopback that speak ACME, on top of lib.sh: pebble as the system has it, a newer pebble
# that knows ARI and profiles, and mock_ca.py, which misbehaves; and what answers their validation: DNS
# with any data (pebble-challtestsrv) and a web server for http-01.
#
# pebble_start sets, for the CA that was started last:
#   PEBBLE_URL    directory URL                        PEBBLE_CA     whom to trust for its https
#   PEBBLE_HTTP   port where it asks for http-01       PEBBLE_MGMT   URL of its management
#   PEBBLE_TLS    port where it asks for tls-alpn-01   PEBBLE_PID    its pid; $SCRATCH/NAME.log is its log
# mock_start sets MOCK_URL, MOCK_HTTP, MOCK_MGMT, MOCK_PID and MOCK_LOG in the same way; PEBBLE_CA is for it too.
#
# What the newer pebble is: $PEBBLE_NEW if set, else the system's if that is new enough, else the one of Debian's
# suite $PEBBLE_SUITE (forky), which pebble_new_fetch unpacks below the build folder.
#
# Touches: what lib.sh touches; pebble_new_fetch: the network, as the system's own apt does, and build/pebble-new.
# shellcheck disable=SC2034 # names that only the test uses
# shellcheck disable=SC2153,SC2154 # names of lib.sh

PEBBLE_SUITE=${PEBBLE_SUITE:-forky}
PEBBLE_WANTED=2.10                      # what counts as newer
PEBBLE_CA=$SCRATCH/lab-tls/ca.pem
PEBBLE_NEW=${PEBBLE_NEW:-}              # program; pebble_new_fetch finds it
CHALLTEST_DNS=                          # ADDRESS:PORT, while it runs
declare -A PEBBLE_PIDS=()               # by name

# lab_tls: a CA, and a certificate of it for the servers here (localhost, 127.0.0.1).  Made once.
lab_tls() {
	local dir=$SCRATCH/lab-tls ec=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes)
	[ ! -s "$dir/cert.pem" ] || return 0
	mkdir -p "$dir"
	openssl req -x509 "${ec[@]}" -days 30 -subj '/CN=CA of the lab' -keyout "$dir/ca-key.pem" -out "$dir/ca.pem" \
		-addext 'keyUsage=critical,keyCertSign' 2>/dev/null &&
		openssl req -new "${ec[@]}" -subj /CN=localhost -keyout "$dir/key.pem" -out "$dir/csr.pem" 2>/dev/null &&
		openssl x509 -req -in "$dir/csr.pem" -days 30 -CA "$dir/ca.pem" -CAkey "$dir/ca-key.pem" -CAcreateserial \
			-extfile <(echo 'subjectAltName=DNS:localhost,IP:127.0.0.1') -out "$dir/cert.pem" 2>/dev/null
}

# --- pebble -----------------------------------------------------------------------------------------

# pebble_start [OPTION=VALUE...]: starts one, and waits until it answers.  What is not said is without chance:
# no nonce is refused, nothing is reused (but see forget_account), validation does not dawdle.  The options:
#   use=old|new|PROGRAM        the system's (which is what is meant by nothing), or the newer one
#   name=NAME                  for more than one at a time (pebble)
#   strict=yes                 as clients will have to be one day
#   nonce-reject=PERCENT       so many good nonces are refused
#   authz-reuse=PERCENT        so many new orders get valid authorizations of old ones
#   alternate-roots=N          so many further chains
#   chain-length=N             intermediates in a chain
#   eab=KID:KEY                accounts only with this (KEY in base64url); may be repeated
#   validity=SECONDS           of certificates; in the newer one only if there is no profile=
#   profile=NAME:SECONDS       newer only; may be repeated
#   retry-after=AUTHZ:ORDER    seconds it asks clients to wait; newer only
#   key-algorithm=rsa|ecdsa    of its own chain; newer only
#   always-valid=yes           challenges are not looked at
#   sleep=SECONDS              it waits for up to this long before it looks at them
#   block=DOMAIN               nothing for this one; may be repeated
#   orders=N                   on each page of the list of orders
#   dnsserver=ADDRESS:PORT     whom it asks; else pebble-challtestsrv if it runs, or whom the system asks
#   http-port=N tls-port=N     where it validates; else free ones
pebble_start() {
	local option value dns=$CHALLTEST_DNS program=pebble name=pebble http='' tls='' listen log
	local eab='' profiles='' block='' more='' args=()
	local vars=(PEBBLE_VA_NOSLEEP=1 PEBBLE_WFE_NONCEREJECT=0 PEBBLE_AUTHZREUSE=0)
	for option; do
		value=${option#*=}
		case $option in
		use=old) program=pebble ;;
		use=new)
			pebble_new_find || { note 'there is no newer pebble: pebble_new_fetch first'; return 1; }
			program=$PEBBLE_NEW
			;;
		use=*) program=$value ;;
		name=*) name=$value ;;
		strict=yes) args+=(-strict) ;;
		strict=no | always-valid=no) ;;
		nonce-reject=*) vars+=("PEBBLE_WFE_NONCEREJECT=$value") ;;
		authz-reuse=*) vars+=("PEBBLE_AUTHZREUSE=$value") ;;
		alternate-roots=*) vars+=("PEBBLE_ALTERNATE_ROOTS=$value") ;;
		chain-length=*) vars+=("PEBBLE_CHAIN_LENGTH=$value") ;;
		eab=*:*) eab+="${eab:+, }\"${value%%:*}\": \"${value#*:}\"" ;;
		validity=*) more+=", \"certificateValidityPeriod\": $value" ;;
		profile=*:*)
			profiles+="${profiles:+, }\"${value%:*}\": {\"description\": \"${value%:*} of the lab\", "
			profiles+="\"validityPeriod\": ${value##*:}}"
			;;
		retry-after=*:*) more+=", \"retryAfter\": {\"authz\": ${value%:*}, \"order\": ${value#*:}}" ;;
		key-algorithm=*) more+=", \"keyAlgorithm\": \"$value\"" ;;
		always-valid=yes) vars+=(PEBBLE_VA_ALWAYS_VALID=1) ;;
		sleep=*) vars+=(PEBBLE_VA_NOSLEEP=0 "PEBBLE_VA_SLEEPTIME=$value") ;;
		block=*) block+="${block:+, }\"$value\"" ;;
		orders=*) vars+=("PEBBLE_WFE_ORDERS_PER_PAGE=$value") ;;
		dnsserver=*) dns=$value ;;
		http-port=*) http=$value ;;
		tls-port=*) tls=$value ;;
		*) note "pebble_start: $option?"; return 1 ;;
		esac
	done
	[ -z "${PEBBLE_PIDS[$name]:-}" ] || pebble_stop "$name"
	[ -z "$profiles" ] || more+=", \"profiles\": {$profiles}"
	lab_tls || return
	[ -n "$http" ] || { free_port; http=$PORT; }
	[ -n "$tls" ] || { free_port; tls=$PORT; }
	free_port; listen=127.0.0.1:$PORT
	free_port; PEBBLE_MGMT=https://127.0.0.1:$PORT
	cat >"$SCRATCH/$name.json" <<-END
		{"pebble": {
		  "listenAddress": "$listen", "managementListenAddress": "127.0.0.1:$PORT",
		  "certificate": "$SCRATCH/lab-tls/cert.pem", "privateKey": "$SCRATCH/lab-tls/key.pem",
		  "httpPort": $http, "tlsPort": $tls, "ocspResponderURL": "",
		  "externalAccountBindingRequired": $([ -n "$eab" ] && echo true || echo false),
		  "externalAccountMACKeys": {$eab}, "domainBlocklist": [$block]$more
		}}
	END
	PEBBLE_HTTP=$http PEBBLE_TLS=$tls PEBBLE_URL=https://$listen/dir log=$SCRATCH/$name.log
	start "$name" env "${vars[@]}" "$program" -config "$SCRATCH/$name.json" "${args[@]}" ${dns:+-dnsserver "$dns"}
	PEBBLE_PID=$PID PEBBLE_PIDS[$name]=$PID
	within 10 pebble_answers && ! gone "$PEBBLE_PID" && return
	note "$program does not start: $(tail -5 "$log")"
	return 1
}

# pebble_answers: it does, or is gone already, which the next question will show.
pebble_answers() {
	gone "$PEBBLE_PID" || lab_get "$PEBBLE_URL" >/dev/null
}

# pebble_stop [NAME]: that one, or all.  What it knew is lost.
pebble_stop() {
	local name
	[ $# -gt 0 ] || set -- "${!PEBBLE_PIDS[@]}"
	for name; do
		[ -z "${PEBBLE_PIDS[$name]:-}" ] || stop "${PEBBLE_PIDS[$name]}"
		unset "PEBBLE_PIDS[$name]"
	done
}

# forget_account: of the store $STATE, so that the next order is of a new one, for which nothing was authorized yet.
# pebble uses one authorization of a hundred again, even if it is told never to: whoever has to see a challenge, or
# one that fails, for a name that was authorized already calls this in between.  To find tests that lack it, run
# them with authz-reuse=100.
forget_account() {
	rm -rf "$STATE/accounts"
}

# lab_get URL [OPTION...]: asks one of the servers here; false unless it answers well.
lab_get() {
	curl -sSf --noproxy '*' --max-time 10 --cacert "$PEBBLE_CA" "$@" 2>>"$SCRATCH/curl.log"
}

# lab_trusting COMMAND...: for programs that trust whom the system trusts, and nobody else (GnuTLS): with the CA of the
# servers here in place of all others, for this command alone.  lab_can_trust: can that be done here?
lab_trusting() {
	local own=(unshare --mount)
	[ "$(id -u)" -eq 0 ] || own+=(--map-root-user)
	# shellcheck disable=SC2016 # for the inner shell
	"${own[@]}" sh -c 'mount --bind "$0" /etc/ssl/certs/ca-certificates.crt && exec "$@"' "$PEBBLE_CA" "$@"
}

lab_can_trust() {
	lab_tls && lab_trusting true 2>/dev/null
}

# far_start URL MILLISECONDS: puts a CA as far away as that (a round trip); its directory is $FAR_URL then.  A new
# connection is two round trips, one for TCP and one for TLS, and each request one.
far_start() {
	local port=${1#https://*:}
	free_port
	start "far-$PORT" "$TOP/tests/system/lab/slow.py" --map "127.0.0.1:$PORT=127.0.0.1:${port%%/*}" --delay-ms "$2"
	FAR_PID=$PID FAR_URL=https://127.0.0.1:$PORT/${port#*/}
	within 5 grep -q '^ready' "$SCRATCH/far-$PORT.log"
}

# pebble_root N: the root at the end of its Nth chain; they differ at each start.
pebble_root() {
	lab_get "$PEBBLE_MGMT/roots/$1"
}

# pebble_intermediate N: the one that signs for this chain.
pebble_intermediate() {
	lab_get "$PEBBLE_MGMT/intermediates/$1"
}

# pebble_status FILE: Valid or Revoked, for the first certificate in it.
pebble_status() {
	lab_get "$PEBBLE_MGMT/cert-status-by-serial/$(openssl x509 -in "$1" -noout -serial | cut -d = -f 2)" | jq -r .Status
}

# pebble_ari FILE JSON: what it will say to who asks for renewal information on the certificate (newer only).
pebble_ari() {
	jq -n --rawfile pem <(openssl x509 -in "$1") --arg said "$2" '{Certificate: $pem, ARIResponse: $said}' |
		lab_get "$PEBBLE_MGMT/set-renewal-info/" --data-binary @- >/dev/null
}

# --- the newer one ----------------------------------------------------------------------------------

# pebble_new_find: sets PEBBLE_NEW to a newer pebble that is here; false if there is none.
pebble_new_find() {
	local version dir
	dir=$(cd "$TOP" && realpath -m "${B:-build}")/pebble-new
	[ -z "$PEBBLE_NEW" ] || return 0
	version=$(dpkg-query -W -f '${Version}' pebble 2>/dev/null)
	if [ -n "$version" ] && dpkg --compare-versions "$version" ge "$PEBBLE_WANTED"; then
		PEBBLE_NEW=$(command -v pebble)
	elif [ -x "$dir/usr/bin/pebble" ]; then
		PEBBLE_NEW=$dir/usr/bin/pebble
	fi
	[ -n "$PEBBLE_NEW" ]
}

# pebble_new_fetch: sets PEBBLE_NEW.  If none is here, asks the mirror that the system's own sources name for that of
# the later suite, with apt's own programs, but lists and cache of its own, and checks it by the system's keyring.
# Where that cannot be, it prints a skipped test, and is false.
pebble_new_fetch() {
	local why
	pebble_new_find && return
	why=$(pebble_new_unpack) && pebble_new_find && return
	verdict 0 "pebble $PEBBLE_WANTED or newer # SKIP ${why:-it cannot be fetched}"
	note "skipped: pebble $PEBBLE_WANTED or newer: ${why:-it cannot be fetched}"
	return 1
}

# pebble_new_unpack: puts it into the build folder; says why not.
pebble_new_unpack() {
	local build dir uri keyring=/usr/share/keyrings/debian-archive-keyring.gpg
	command -v apt-get >/dev/null || { echo 'this system has no apt'; return 1; }
	[ -r "$keyring" ] || { echo 'the keyring of Debian is not here'; return 1; }
	# shellcheck disable=SC1091,SC2016 # words of apt
	uri=$(apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
		awk -v suite="$(. /etc/os-release && echo "${VERSION_CODENAME:-}")" '
			$2 == "main" && ($1 == suite || $1 == "stable") { print $3; exit }')
	[ -n "$uri" ] || { echo "the system's sources name no mirror of Debian"; return 1; }
	build=$(cd "$TOP" && realpath -m "${B:-build}")
	dir=$SCRATCH/pebble-fetch
	mkdir -p "$build" "$dir"/{sources,lists/partial,cache/archives/partial}
	cat >"$dir/sources/new.sources" <<-END
		Types: deb
		URIs: $uri
		Suites: $PEBBLE_SUITE
		Components: main
		Signed-By: $keyring
	END
	cat >"$dir/apt.conf" <<-END
		#clear APT::Update;
		#clear DPkg::Post-Invoke;
		Dir::Etc::SourceList "/dev/null";
		Dir::Etc::SourceParts "$dir/sources";
		Dir::State::Lists "$dir/lists";
		Dir::Cache "$dir/cache";
		Dir::Cache::pkgcache "";
		Dir::Cache::srcpkgcache "";
		APT::Sandbox::User "$(id -un)";
		Debug::NoLocking "true";
		Acquire::Languages "none";
		Acquire::Retries "0";
		Acquire::http::Timeout "10";
		Acquire::https::Timeout "10";
	END
	(
		exec 9>"$build/.pebble-new.lock"
		flock 9
		[ ! -x "$build/pebble-new/usr/bin/pebble" ] || exit 0
		cd "$dir" && timeout 120 apt-get -c "$dir/apt.conf" -qq update &&
			timeout 120 apt-get -c "$dir/apt.conf" -qq download pebble && dpkg -x pebble_*.deb new &&
			new/usr/bin/pebble -version && rm -rf "$build/pebble-new" && mv new "$build/pebble-new"
	) >"$dir/log" 2>&1 && return
	echo "the mirror of this system does not give it: $(grep -m 1 -E '^(E|Err|W):' "$dir/log" || tail -1 "$dir/log")"
	return 1
}

# --- what it asks -----------------------------------------------------------------------------------

# challtest_start [OPTION...]: DNS in which every name is 127.0.0.1 until challtest says otherwise, at
# $CHALLTEST_DNS; a pebble that is started later asks it.  OPTIONs are those of the program, "-http01
# 127.0.0.1:$PEBBLE_HTTP" or "-tlsalpn01 ..." for what it shall answer besides.
challtest_start() {
	local dns=-dns01 management
	challtest_stop
	free_port; management=$PORT
	free_port
	pebble-challtestsrv -h 2>&1 | grep -q -e ' -dnsserver' && dns='-doh= -dnsserver'
	# shellcheck disable=SC2086 # two words in newer ones
	start challtest pebble-challtestsrv -defaultIPv6 '' -http01 '' -https01 '' -tlsalpn01 '' $dns "127.0.0.1:$PORT" \
		-management "127.0.0.1:$management" "$@"
	CHALLTEST_PID=$PID CHALLTEST_DNS=127.0.0.1:$PORT CHALLTEST_URL=http://127.0.0.1:$management
	within 5 listens "$management" && within 5 listens "$PORT" && return
	note "pebble-challtestsrv does not start: $(tail -5 "$SCRATCH/challtest.log")"
	return 1
}

challtest_stop() {
	[ -z "$CHALLTEST_DNS" ] || stop "$CHALLTEST_PID"
	CHALLTEST_DNS=
}

# challtest COMMAND JSON: changes what it answers:
#   set-txt   {"host": "_acme-challenge.NAME.", "value": "TEXT"}    clear-txt  {"host": "..."}  (each set-txt adds one)
#   add-a     {"host": "NAME", "addresses": ["127.0.0.2"]}          clear-a    {"host": "NAME"}
#   set-cname {"host": "NAME", "target": "OTHER"}                   add-caa    {"host": "NAME", "policies": [...]}
#   set-servfail {"host": "NAME"}                                   add-http01 {"token": "T", "content": "T.THUMB"}
#   add-redirect {"path": "/.well-known/...", "targetURL": "..."}   dns-request-history {"host": "NAME"}
challtest() {
	lab_get "$CHALLTEST_URL/$1" --data-binary "$2"
}

# www_start PORT [FOLDER]: a web server for http-01; clients put tokens into $WEBROOT/.well-known/acme-challenge.
www_start() {
	WEBROOT=${2:-$SCRATCH/www}
	mkdir -p "$WEBROOT/.well-known/acme-challenge"
	start "www-$1" python3 -u -m http.server --bind 127.0.0.1 --directory "$WEBROOT" "$1"
	WWW_PID=$PID
	within 5 listens "$1"
}

# --- mock_ca.py -------------------------------------------------------------------------------------

# mock_start [OPTION...]: mock_ca.py with these further options, "--mode NAME" for one (mock_ca.py --help).  Ends the
# one before.
mock_start() {
	local http
	mock_stop
	lab_tls || return
	free_port; http=$PORT
	free_port
	MOCK_LOG=$SCRATCH/mock.log MOCK_JWS=$SCRATCH/mock.jws MOCK_HTTP=$http
	: >"$MOCK_LOG"
	start mock "$TOP/tests/system/lab/mock_ca.py" --listen "127.0.0.1:$PORT" --tls "$SCRATCH/lab-tls/cert.pem" \
		"$SCRATCH/lab-tls/key.pem" --http-port "$http" --jws "$MOCK_JWS" ${CHALLTEST_DNS:+--dns "$CHALLTEST_DNS"} "$@"
	MOCK_PID=$PID MOCK_URL=https://127.0.0.1:$PORT/dir MOCK_MGMT=https://127.0.0.1:$PORT
	within 10 mock_ready && ! gone "$MOCK_PID" && return
	note "mock_ca.py does not start: $(tail -5 "$MOCK_LOG")"
	return 1
}

mock_ready() {
	gone "$MOCK_PID" || grep -q '^ready' "$MOCK_LOG"
}

mock_stop() {
	[ -z "${MOCK_PID:-}" ] || stop "$MOCK_PID"
	MOCK_PID=
}

# mock_mode NAME [MEMBER...]: from now on; MEMBERs are JSON: '"after": 3', '"times": 1'.
mock_mode() {
	local member json="\"mode\": \"$1\""
	for member in "${@:2}"; do
		json+=", $member"
	done
	lab_get "$MOCK_MGMT/mode" --data-binary "{$json}" >/dev/null
}

# mock_root N: the root of its Nth chain.
mock_root() {
	lab_get "$MOCK_MGMT/roots/$1"
}

# hostile PART N OPTION...: acme_hostile.py with so many lines side by side; its results become ours.  challtest_start
# first.
hostile() {
	local i row ports=() status
	lab_tls
	for ((i = 0; i < 2 * $2; i++)); do
		free_port
		ports+=("$PORT")
	done
	mkdir "$SCRATCH/$1"
	while IFS= read -r row; do
		case $row in
		'ok - '*) verdict 0 "${row#ok - }" ;;
		'not ok - '*) verdict 1 "${row#not ok - }" ;;
		*) echo "$row" ;;
		esac
	done < <("$TOP/tests/system/lab/acme_hostile.py" "$1" --program "$PROGRAM" --scratch "$SCRATCH/$1" --tls "$SCRATCH/lab-tls" \
		--dns "$CHALLTEST_DNS" --ports "${ports[@]}" "${@:3}" 2>&1)
	wait $!
	status=$?
	[ "$status" -le 1 ]
	verdict $? "acme_hostile.py $1 has ended"
}
