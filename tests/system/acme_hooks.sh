#!/bin/bash
# acme_hooks.sh - challenge hooks in all dialects: how they are called, by a hook that writes that down, and that
# certificates come of it, by hooks that work, with a CA that looks.
#
# As root it runs in a network of its own, where hooks find a name server as they do in real life.
# shellcheck disable=SC2016,SC2034,SC2153,SC2154 source=/dev/null

if [ "${1:-}" != alone ] && [ "$(id -u)" -eq 0 ] && unshare --net --mount true 2>/dev/null; then
	exec unshare --net --mount "$0" alone
fi
. "$(dirname "$0")/lib.sh" || exit 1
. "$TOP/tests/system/lab/line.sh"
. "$TOP/tests/system/lab/pebble.sh"
need_programs pebble pebble-challtestsrv openssl python3 jq curl dig
[ "${1:-}" != alone ] || {
	need_programs named nsupdate ip mount
	ip link set lo up
	echo 'nameserver 127.0.0.1' >"$SCRATCH/resolv.conf"
	mount --bind "$SCRATCH/resolv.conf" "$(readlink -f /etc/resolv.conf)"
}

LINE=web
STATE=$SCRATCH/state
LINE_DIR=$STATE/lines/$LINE
DIALECTS=${DIALECTS:-native dehydrated uacme lego lego-raw certbot}
VERSION=$("$PROGRAM" --version | awk '{ print $2 }')
NAMES='h.example.test *.h.example.test w.example.test'
URL=                                    # of the CA

# conf ROW...: the line, with rows of [acme].
conf() {
	{
		printf 'domains = %s\nissuer = acme\n[hooks]\npost-certchange = /bin/true\n' "$NAMES"
		printf '[dirs]\nstate = %s\n[dns]\nresolver = %s\nvalidate = no\n' "$STATE" "$CHALLTEST_DNS"
		printf '[acme]\nca = %s\nca-file = %s\nagree-tos = yes\nself-check = no\n' "$URL" "$PEBBLE_CA"
		printf '%s\n' "$@"
	} >"$CONF/$LINE.conf"
}

# fresh ROW...: a new store.
fresh() {
	chmod -R u+w "$STATE" 2>/dev/null
	rm -rf "$STATE"
	conf "$@"
}

# methods DIALECT: one name by http-01, but lego's hooks are for DNS only.
methods() {
	case $1 in
	lego*) echo hook-dns ;;
	*) printf 'hook-dns\n  w.example.test hook-http\n' ;;
	esac
}

# by_ca: the live certificate is of the CA.
by_ca() {
	openssl verify -CAfile <(pebble_root 0) -untrusted "$LINE_DIR/live/chain.pem" "$LINE_DIR/live/cert.pem" >/dev/null 2>&1
}

# owed: what is written down as still to be taken away; nothing if nothing is.
owed() {
	[ ! -e "$LINE_DIR/challenges.json" ] || jq -r '.challenges[].name' "$LINE_DIR/challenges.json"
}

# --- the hook that writes down ------------------------------------------------------------------------------
#
# Before each call what certline has written down is kept, and while there is a file "hold", call number 2 does not
# come to its end.

RECORD=$SCRATCH/record
LOG=$RECORD.log
cp "$TOP/tests/system/hooks/record-challenge" "$RECORD"
chmod 755 "$RECORD"
for name in hook cleanup; do
	script "$SCRATCH/$name" <<-END_OF_HOOK
		tr '\\0' '\\n' </proc/\$\$/environ >$SCRATCH/environ
		[ $name = cleanup ] || cp "\$CERTLINE_DIR/challenges.json" $SCRATCH/seen.json
		[ -z "\${CERTBOT_VALIDATION:-}" ] || printf '\\n  record of %s \\n\\n' "\$CERTBOT_VALIDATION"
		$RECORD --record=$LOG "\$@"
		status=\$?
		while [ -e $SCRATCH/hold ] && [ "\$(grep -c '^end' $LOG)" = 2 ]; do
			sleep 0.05
		done
		exit \$status
	END_OF_HOOK
done
# the native dialect makes one call for all: it is held at once
sed 's/= 2 \]/= 1 ]/' "$SCRATCH/hook" >"$SCRATCH/hook-native"
chmod 755 "$SCRATCH/hook-native"

# recorder DIALECT: a new store, for this hook, called in this dialect.
recorder() {
	local dialect=$1 hook="$SCRATCH/hook one two"
	case $dialect in
	native) hook="$SCRATCH/hook-native one two" ;;
	certbot) hook="
  $SCRATCH/hook one two
  $SCRATCH/cleanup three" ;;
	esac
	rm -f "$LOG" "$RECORD.exit" "$SCRATCH/seen.json" "$SCRATCH/hold"
	fresh "challenges = $(methods "$dialect")" "challenge-hook = $hook" "challenge-dialect = $dialect"
}

# --- what is expected: from what certline has written down, whose values are checked by themselves ----------

# digest_of TEXT: SHA-256 in base64url, in $DIGEST.
declare -A DIGESTS=()
digest_of() {
	[ -n "${DIGESTS[$1]:-}" ] ||
		DIGESTS[$1]=$(printf %s "$1" | openssl dgst -sha256 -binary | openssl base64 -A | tr '+/' '-_' | tr -d =)
	DIGEST=${DIGESTS[$1]}
}

# block ENTRY...: one call: "call ..." as it is, NAME=VALUE of the environment in any order.
block() {
	local entry
	printf '%s\n' "$1"
	shift
	for entry in "CERTLINE_DIR=$LINE_DIR" "CERTLINE_LINE=$LINE" "CERTLINE_STATE=$STATE" "CERTLINE_VERSION=$VERSION" \
		"$@"; do
		printf '%s\n' "$entry"
	done | sort | sed "s/=/='/; s/\$/'/; s/^/env /"
	echo 'other HOME LANG PATH'
	[ -z "${INPUT:-}" ] || echo "stdin $INPUT"
	echo end
}

# expected DIALECT set|done|failed [SKIP]: the calls for all challenges; SKIP: a sed address of those left out.
expected() {
	local dialect=$1 phase=$2 method name token auth type value left all word INPUT=
	local -a env digests
	left=$(jq '.challenges | length' "$SCRATCH/seen.json")
	all=$(jq -r '[.challenges[].name] | join(",")' "$SCRATCH/seen.json")
	if [ "$dialect" = native ]; then
		word=challenge-unset
		[ "$phase" != set ] || word=challenge-set
		digests=()
		for auth in $(jq -r '.challenges[].key_authorization' "$SCRATCH/seen.json"); do
			digest_of "$auth"
			digests+=("$DIGEST")
		done
		INPUT=$(jq -c --arg event "$word" --arg line "$LINE" --args '{version: 1, event: $event, line: $line,
			challenges: [.challenges | to_entries[] | .key as $i | .value |
			{type: (if .method == "hook-dns" then "dns-01" else "http-01" end), identifier: .name, wildcard, token,
			key_authorization} + (if .method == "hook-dns"
			then {fqdn: ("_acme-challenge." + .name), value: $ARGS.positional[$i][1:]}
			else {path: ("/.well-known/acme-challenge/" + .token), value: .key_authorization} end)]}' \
			"${digests[@]/#/=}" <"$SCRATCH/seen.json")      # some begin with "-"
		block "call '$word' '$LINE' 'one' 'two'" "CERTLINE_EVENT=$word"
		return
	fi
	while read -r method name token auth; do
		left=$((left - 1))
		type=http-01 value=$auth
		[ "$method" = hook-http ] || { digest_of "$auth"; type=dns-01 value=$DIGEST; }
		env=()
		case $dialect in
		dehydrated)
			word=clean_challenge
			[ "$phase" != set ] || word=deploy_challenge
			block "call '$word' '$name' '$token' '$value' 'one' 'two'" "CHALLENGETYPE=$type" "BASEDIR=$STATE" \
				"CERTDIR=$LINE_DIR" "ALPNCERTDIR=$LINE_DIR" WELLKNOWN=
			;;
		uacme)
			word=$phase
			[ "$phase" != set ] || word=begin
			block "call '$word' '$type' '$name' '$token' '$value' 'one' 'two'" "UACME_METHOD=$word" "UACME_TYPE=$type" \
				"UACME_IDENT=$name" "UACME_TOKEN=$token" "UACME_AUTH=$value"
			;;
		lego)
			word=cleanup
			[ "$phase" != set ] || word=present
			[ "$type" != dns-01 ] || name=_acme-challenge.$name
			block "call '$word' '$name.' '$value' 'one' 'two'"
			;;
		lego-raw)
			word=cleanup
			[ "$phase" != set ] || word=present
			block "call '$word' '--' '$name' '$token' '$auth' 'one' 'two'"
			;;
		certbot)
			[ "$type" != http-01 ] || env=("CERTBOT_TOKEN=$token")
			word="call 'one' 'two'"
			[ "$phase" = set ] || { word="call 'three'" env+=("CERTBOT_AUTH_OUTPUT=record of $value"); }
			block "$word" "CERTBOT_DOMAIN=$name" "CERTBOT_IDENTIFIER=$name" "CERTBOT_VALIDATION=$value" \
				"CERTBOT_ALL_DOMAINS=$all" "CERTBOT_ALL_IDENTIFIERS=$all" "CERTBOT_REMAINING_CHALLENGES=$left" "${env[@]}"
			;;
		esac
	done < <(jq -r '.challenges[] | [.method, .name, .token, .key_authorization] | join(" ")' "$SCRATCH/seen.json" |
		sed "${3:-}")
}

# as_expected TEXT: the log has exactly what standard input has.
as_expected() {
	cat >"$SCRATCH/expected"
	diff "$SCRATCH/expected" "$LOG" >"$SCRATCH/diff" 2>&1
	verdict $? "$1" || note "$(head -30 "$SCRATCH/diff")"
}

challtest_start || finish
pebble_start name=content strict=yes always-valid=yes
verdict $? 'a CA that is always content' || finish
CONTENT=$PEBBLE_URL
pebble_start name=strict strict=yes
verdict $? 'a CA that looks' || finish
STRICT=$PEBBLE_URL

# --- how hooks are called -----------------------------------------------------------------------------------

for dialect in $DIALECTS; do
	URL=$CONTENT
	recorder "$dialect"
	exits 0 "$dialect: a name, its wildcard, and another name" init
	as_expected '... each is set, and then taken away, in the same order' < <(
		expected "$dialect" set
		expected "$dialect" "done"
	)
	is '... nothing is owed' "$(owed)" ''
	is '... challenges of the names, in the order of the CA' \
		"$(jq -r '.challenges[] | "\(.method) \(if .wildcard then "*." else "" end)\(.name)"' "$SCRATCH/seen.json" | sort)" \
		$'hook-dns *.h.example.test\nhook-dns h.example.test\n'"$(methods "$dialect" |
			awk 'END { print $NF }') w.example.test"
	is '... the values are for this account' "$(jq -r '.challenges[].key_authorization' "$SCRATCH/seen.json")" \
		"$(jq -r --arg t "$(jq -r .thumbprint "$STATE"/accounts/*/account.json)" '.challenges[].token + "." + $t' \
			"$SCRATCH/seen.json")"
	is '... the environment is clean' "$(grep -E '^(PATH|HOME|LANG)=' "$SCRATCH/environ" | sort)" \
		$'HOME=/\nLANG=C\nPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

	URL=$STRICT
	recorder "$dialect"
	exits 1 "$dialect: a CA that is not content" init
	like '... says why, and for which name' "$ERR" 'example\.test: (dns|http)-01 failed'
	as_expected '... all are taken away' < <(
		expected "$dialect" set
		expected "$dialect" failed
	)
	is '... nothing is owed' "$(owed)" ''

	asked=$(grep -c 'Pulled a task' "$SCRATCH/strict.log")
	recorder "$dialect"
	printf '%s\n' 0 7 0 >"$RECORD.exit"
	[ "$dialect" != native ] || printf '%s\n' 7 0 >"$RECORD.exit"
	exits 1 "$dialect: the hook fails" init
	like '... is said, with its name and its exit status' "$ERR" "challenge-hook $SCRATCH/hook.*: exit status 7"
	as_expected '... all are taken away, but no more is said to a uacme hook that did not accept' < <(
		expected "$dialect" set
		expected "$dialect" failed "$([ "$dialect" != uacme ] || echo 2d)" |
			if [ "$dialect" = certbot ]; then
				# what a hook prints that fails is none of the cleanup's business
				awk '/^call/ { n++ } n == 2 { sub(/^env CERTBOT_AUTH_OUTPUT=.*/, "env CERTBOT_AUTH_OUTPUT='"''"'") } 1'
			else
				cat
			fi
	)
	is '... the CA was not asked to look' "$(grep -c 'Pulled a task' "$SCRATCH/strict.log")" "$asked"

	URL=$CONTENT
	recorder "$dialect"
	touch "$SCRATCH/hold"
	"$PROGRAM" -c "$CONF" init >/dev/null 2>&1 &
	KILLED=$!
	n=2
	[ "$dialect" != native ] || n=1
	within 5 eval '[ "$(grep -c "^end" "$LOG" 2>/dev/null)" = '$n' ]'
	kill -KILL "$KILLED"
	wait "$KILLED" 2>/dev/null
	cp "$SCRATCH/seen.json" "$SCRATCH/killed.json"
	rm "$SCRATCH/hold"
	is "$dialect: killed in the middle: all are owed" "$(owed | wc -l)" 3
	: >"$LOG"
	exits 0 '... the next run' cron
	cp "$SCRATCH/seen.json" "$SCRATCH/next.json"
	as_expected '... takes them away first' < <(
		cp "$SCRATCH/killed.json" "$SCRATCH/seen.json"
		expected "$dialect" failed |
			if [ "$dialect" = certbot ]; then
				awk '/^call/ { n++ } n >= 2 { sub(/^env CERTBOT_AUTH_OUTPUT=.*/, "env CERTBOT_AUTH_OUTPUT='"''"'") } 1'
			else
				cat
			fi
		cp "$SCRATCH/next.json" "$SCRATCH/seen.json"
		expected "$dialect" set
		expected "$dialect" "done"
	)
	is '... nothing is owed' "$(owed)" ''
done
# --- told to stop -------------------------------------------------------------------------------------------

URL=$CONTENT
recorder dehydrated
touch "$SCRATCH/hold"
"$PROGRAM" -c "$CONF" init >/dev/null 2>&1 &
STOPPED=$!
within 5 eval '[ "$(grep -c "^end" "$LOG" 2>/dev/null)" = 2 ]'
kill "$STOPPED"
check 'stopped while a hook runs: it ends in good time' within 8 gone "$STOPPED"
wait "$STOPPED" 2>/dev/null
rm "$SCRATCH/hold"
is '... all that may be there is taken away' "$(grep -c "^call 'clean_challenge'" "$LOG")" 3
is '... nothing is owed' "$(owed)" ''

# --- a hook that cannot take away ---------------------------------------------------------------------------

recorder dehydrated
printf '%s\n' 0 0 0 5 5 0 5 5 0 0 0 0 0 0 5 0 >"$RECORD.exit"
exits 1 'two of three are not taken away: the certificate is there, but the line is not in order' init
like '... which is said' "$OUT$ERR" 'taking the challenge of .* away \(try 1 of 10\): challenge-hook .*exit status 5'
is '... and two are owed' "$(owed | wc -l)" 2
run status
like '... as status says' "$OUT" 'a challenge is still in place'
BEFORE=$(readlink "$LINE_DIR/live")
forget_account
exits 1 'the next run tries again' renew
like '... and says so' "$ERR" 'taking the challenge of .* away \(try 2 of 10\)'
check '... but the line has its new certificate all the same' [ "$(readlink "$LINE_DIR/live")" != "$BEFORE" ]
is '... and two are owed still' "$(owed | wc -l)" 2
tries() { jq -c '[.challenges[].tries] | sort' "$LINE_DIR/challenges.json"; }
is '... as often as they were tried' "$(tries)" '[2,2]'
jq '.challenges[].tries = 9' "$LINE_DIR/challenges.json" >"$SCRATCH/nine" && cat "$SCRATCH/nine" >"$LINE_DIR/challenges.json"
exits 1 'the last try' cron
like '... says that it was' "$ERR" 'away \(try 10 of 10, the last one: if it is still there, do it by hand\)'
is '... and nothing is owed' "$(owed)" ''
exits 0 'after that nobody is bothered' cron

# --- hooks that work: one for each dialect, written as for that client --------------------------------------

pebble_stop
free_port; WWW=$PORT
challtest_start -http01 "127.0.0.1:$WWW" || finish
pebble_start strict=yes http-port="$WWW"
verdict $? 'the CA asks the DNS that hooks write into' || finish
URL=$PEBBLE_URL

# api COMMAND JSON: for hooks, as challtest is for the test.
API="api() { curl -sSf --noproxy '*' $CHALLTEST_URL/\$1 --data-binary \"\$2\" >/dev/null; }"
script "$SCRATCH/works-native" <<END
$API
jq -r '.challenges[] | [.type, .fqdn // .token, .value] | join(" ")' | while read -r type where value; do
	case "\$1 \$type" in
	'challenge-set dns-01') api set-txt "{\"host\": \"\$where.\", \"value\": \"\$value\"}" ;;
	'challenge-unset dns-01') api clear-txt "{\"host\": \"\$where.\"}" ;;
	'challenge-set http-01') api add-http01 "{\"token\": \"\$where\", \"content\": \"\$value\"}" ;;
	'challenge-unset http-01') api del-http01 "{\"token\": \"\$where\"}" ;;
	esac || exit
done
END
script "$SCRATCH/works-dehydrated" <<END
$API
deploy_challenge() {
	if [ "\$CHALLENGETYPE" = http-01 ]; then
		api add-http01 "{\"token\": \"\$2\", \"content\": \"\$3\"}"
	else
		api set-txt "{\"host\": \"_acme-challenge.\$1.\", \"value\": \"\$3\"}"
	fi
}
clean_challenge() {
	if [ "\$CHALLENGETYPE" = http-01 ]; then
		api del-http01 "{\"token\": \"\$2\"}"
	else
		api clear-txt "{\"host\": \"_acme-challenge.\$1.\"}"
	fi
}
HANDLER=\$1
shift
case \$HANDLER in deploy_challenge | clean_challenge) "\$HANDLER" "\$@" ;; esac
END
script "$SCRATCH/works-uacme" <<END
$API
[ \$# -eq 5 ] || exit 85
case "\$1 \$2" in
'begin dns-01') api set-txt "{\"host\": \"_acme-challenge.\$3.\", \"value\": \"\$5\"}" ;;
'begin http-01') api add-http01 "{\"token\": \"\$4\", \"content\": \"\$5\"}" ;;
'done dns-01' | 'failed dns-01') api clear-txt "{\"host\": \"_acme-challenge.\$3.\"}" ;;
'done http-01' | 'failed http-01') api del-http01 "{\"token\": \"\$4\"}" ;;
*) exit 1 ;;
esac
END
script "$SCRATCH/works-lego" <<END
$API
case \$1 in
present) api set-txt "{\"host\": \"\$2\", \"value\": \"\$3\"}" ;;
cleanup) api clear-txt "{\"host\": \"\$2\"}" ;;
esac
END
script "$SCRATCH/works-lego-raw" <<END
$API
[ "\$2" = -- ] || exit 1
value=\$(printf %s "\$5" | openssl dgst -sha256 -binary | openssl base64 -A | tr '+/' '-_' | tr -d =)
case \$1 in
present) api set-txt "{\"host\": \"_acme-challenge.\$3.\", \"value\": \"\$value\"}" ;;
cleanup) api clear-txt "{\"host\": \"_acme-challenge.\$3.\"}" ;;
esac
END
# the first one says where it has put it, the second one knows from that
script "$SCRATCH/works-certbot" <<END
$API
if [ -n "\${CERTBOT_TOKEN:-}" ]; then
	api add-http01 "{\"token\": \"\$CERTBOT_TOKEN\", \"content\": \"\$CERTBOT_VALIDATION\"}"
	echo "del-http01 {\"token\": \"\$CERTBOT_TOKEN\"}"
else
	api set-txt "{\"host\": \"_acme-challenge.\$CERTBOT_DOMAIN.\", \"value\": \"\$CERTBOT_VALIDATION\"}"
	echo "clear-txt {\"host\": \"_acme-challenge.\$CERTBOT_DOMAIN.\"}"
fi
END
script "$SCRATCH/works-certbot-cleanup" <<END
$API
api "\${CERTBOT_AUTH_OUTPUT%% *}" "\${CERTBOT_AUTH_OUTPUT#* }"
END

# there NAME: TXT records in the DNS that hooks write into.
there() {
	dig +short +tries=1 -p "${CHALLTEST_DNS#*:}" @127.0.0.1 "$1" TXT
}

for dialect in $DIALECTS; do
	HOOK=$SCRATCH/works-$dialect
	[ "$dialect" != certbot ] || HOOK="
  $HOOK
  $HOOK-cleanup"
	fresh "challenges = $(methods "$dialect")" "challenge-hook = $HOOK" "challenge-dialect = $dialect"
	exits 0 "$dialect: a hook that works" init
	check '... gets a certificate' by_ca
	is '... and leaves nothing' "$(there _acme-challenge.h.example.test)$(there _acme-challenge.w.example.test)$(owed)" ''
done

# --- acmesh-dns, with an imitation of acme.sh and a plug-in that speaks HTTP --------------------------------

cp -r "$TOP/hooks" "$SCRATCH/hooks"
cp -r "$TOP/tests/system/hooks/acmesh" "$SCRATCH/acme.sh"
chmod -R go-w "$SCRATCH/hooks" "$SCRATCH/acme.sh"
free_port; API=$PORT
free_port; DNS=$PORT
printf '%s\n' "HTTP_Url=http://127.0.0.1:$API/client/v4" HTTP_Token=t0ken HTTP_Zone=example.test >"$SCRATCH/plugin.env"
chmod 600 "$SCRATCH/plugin.env"
start provider "$TOP/tests/system/lab/cloudflare.py" --api "127.0.0.1:$API" --dns "127.0.0.1:$DNS" --token t0ken \
	--zone example.test
within 10 grep -q '^ready' "$SCRATCH/provider.log"
pebble_start strict=yes dnsserver="127.0.0.1:$DNS"
verdict $? 'the CA asks the name server of a provider' || finish
URL=$PEBBLE_URL
# provided: what the provider has.
provided() {
	curl -sSf --noproxy '*' "http://127.0.0.1:$API/records?zone=example.test" |
		jq -r '.[] | "\(.name) \(.type) \(.content)"'
}
curl -sSf --noproxy '*' -H 'Authorization: Bearer t0ken' -H 'Content-Type: application/json' -o "$SCRATCH/added" \
	"http://127.0.0.1:$API/client/v4/zones/$(curl -sSf --noproxy '*' -H 'Authorization: Bearer t0ken' \
		"http://127.0.0.1:$API/client/v4/zones?name=example.test" | jq -r '.result[0].id')/dns_records" \
	-d '{"type": "TXT", "name": "_acme-challenge.h.example.test", "content": "\"of somebody else\"", "ttl": 60}'
OTHERS=$(provided)
like 'the provider has a record of somebody else' "$OTHERS" 'of somebody else'
NAMES='h.example.test *.h.example.test w.example.test'
fresh "challenge-hook = $SCRATCH/hooks/acmesh-dns dns_http --home $SCRATCH/acme.sh --env $SCRATCH/plugin.env"
exits 0 'acmesh-dns' init
check '... gets a certificate' by_ca
is '... and leaves what it has found' "$(provided)" "$OTHERS"
is '... nothing is owed' "$(owed)" ''
sed -i s/t0ken/wrong/ "$SCRATCH/plugin.env"
forget_account
exits 1 'a token that the provider does not know' renew
like '... what the plug-in says of it is shown' "$ERR" 'acmesh-dns: exit status 1.*is HTTP_Token right'
is '... what cannot be taken away is owed' "$(owed | sort -u | paste -s -d ' ')" 'h.example.test w.example.test'
sed -i s/wrong/t0ken/ "$SCRATCH/plugin.env"
exits 0 'once it is right' renew
is '... nothing is owed' "$(owed)" ''
DNS=53

# --- the hooks that Debian has for uacme --------------------------------------------------------------------

if [ ! -e /usr/share/uacme/nsupdate.sh ]; then
	skip "uacme's own hooks" 'the package uacme is not installed'
	finish
elif [ "${1:-}" != alone ]; then
	skip "uacme's own hooks" 'needs root, and namespaces'
	finish
fi
mkdir "$SCRATCH/ns"
cat >"$SCRATCH/ns/key" <<END
key "updates" { algorithm hmac-sha256; secret "$(openssl rand -base64 32)"; };
END
chmod 600 "$SCRATCH/ns/key"
cat >"$SCRATCH/ns/example.test.db" <<'END'
$TTL 60
@	SOA ns hostmaster ( 1 3600 600 864000 30 )
@	NS ns
ns	A 127.0.0.1
w	A 127.0.0.1
END
cat "$SCRATCH/ns/key" - >"$SCRATCH/ns/named.conf" <<END
options {
	directory "$SCRATCH/ns"; pid-file none; session-keyfile none; lock-file none; managed-keys-directory "$SCRATCH/ns";
	listen-on { 127.0.0.1; }; listen-on-v6 { none; }; recursion no; dnssec-validation no; empty-zones-enable no;
};
controls { };
zone "example.test" { type primary; file "example.test.db"; update-policy { grant updates zonesub TXT; }; };
END
start ns "$(own_copy named)" -g -n 1 -c "$SCRATCH/ns/named.conf"
check 'a name server that takes updates' within 10 eval '[ -n "$(ask example.test SOA)" ]'
pebble_start strict=yes dnsserver=127.0.0.1:53
URL=$PEBBLE_URL

# what its comments leave to the administrator
sed "s|^RNDC_KEY_NSUPDATE=.*|RNDC_KEY_NSUPDATE=$SCRATCH/ns/key|" /usr/share/uacme/nsupdate.sh >"$SCRATCH/nsupdate.sh"
chmod 755 "$SCRATCH/nsupdate.sh"
NAMES='h.example.test w.example.test'
fresh "challenge-hook = $SCRATCH/nsupdate.sh" 'challenge-dialect = uacme'
exits 0 "uacme's nsupdate.sh" init
check '... gets a certificate' by_ca
is '... and leaves nothing' "$(ask _acme-challenge.h.example.test TXT)$(owed)" ''

www_start "$PEBBLE_HTTP" "$SCRATCH/hooked"
script "$SCRATCH/uacme.sh" <<END
export UACME_CHALLENGE_PATH=$SCRATCH/hooked/.well-known/acme-challenge
/usr/share/uacme/uacme.sh "\$@"
status=\$?
while [ "\$1" = begin ] && [ -e $SCRATCH/hold ]; do
	sleep 0.05
done
exit \$status
END
NAMES=w.example.test
fresh 'challenges = hook-http' "challenge-hook = $SCRATCH/uacme.sh" 'challenge-dialect = uacme'
exits 0 "uacme's uacme.sh" init
check '... gets a certificate' by_ca
is '... and leaves nothing' "$(ls "$SCRATCH/hooked/.well-known/acme-challenge")$(owed)" ''

# it fails if what it is to take away is not there
fresh 'challenges = hook-http' "challenge-hook = $SCRATCH/uacme.sh" 'challenge-dialect = uacme'
touch "$SCRATCH/hold"
"$PROGRAM" -c "$CONF" init >/dev/null 2>&1 &
KILLED=$!
within 5 eval '[ -n "$(ls "$SCRATCH/hooked/.well-known/acme-challenge")" ]'
kill -KILL "$KILLED"
wait "$KILLED" 2>/dev/null
mv "$CONF/$LINE.conf" "$SCRATCH/gone.conf"
sed 's/^domains.*/domains = other.example.test/' "$SCRATCH/gone.conf" >"$CONF/other.conf"
run status
like 'taken out of the configuration: status tells what is left' "$ERR" \
	"line $LINE is in the store .* but not .* still in place, as it says in .*/challenges.json"
rm "$CONF/other.conf"
mv "$SCRATCH/gone.conf" "$CONF/$LINE.conf"
rm "$SCRATCH/hold" "$SCRATCH/hooked/.well-known/acme-challenge"/*
exits 1 'killed, and what is owed is gone: it fails' cron
like '... and is told' "$ERR" 'taking the challenge of w.example.test away \(try 1 of 10\)'
check '... but the line has its certificate' by_ca

echo '{ "version": 1, "challen' >"$LINE_DIR/challenges.json"
exits 1 'a damaged file' cron
like '... is moved aside, which is said' "$ERR" 'challenges.json was damaged, and is .*challenges.json.damaged now: see to it'
check '... with what is in it' grep -q challen "$LINE_DIR/challenges.json.damaged"
exits 0 '... once' cron
for shape in '[]' '7' '{"version": 1}' '{"challenges": {}}' '{"challenges": []}' '{"challenges": [{}, 7, []]}' \
	'{"challenges": [{"method": "later", "name": "a.example.test", "token": "t"}]}' \
	'{"challenges": [{"method": "dns-update", "name": "a.example.test", "token": "t"}]}' \
	'{"challenges": [{"method": "dns-update", "name": "a.test", "token": "t", "at": "a.test", "apex": "test", "servers": ["x"]}]}'; do
	echo "$shape" >"$LINE_DIR/challenges.json"
	exits 1 "what is no list of challenges: $shape" cron
	like '... is moved aside, too' "$ERR" 'challenges.json was damaged'
done
exits 0 '... once' cron
echo '{"challenges": [{"method": "hook-http", "name": "w.example.test", "token": "t", "tries": 9223372036854775807}]}' \
	>"$LINE_DIR/challenges.json"
exits 1 'a number of tries that cannot be' cron
like '... is the last one' "$ERR" 'taking the challenge of w.example.test away \(try 10 of 10, the last one'
exits 0 '... once' cron
mkdir "$LINE_DIR/challenges.json"
for command in cron renew; do
	exits 1 "a folder in its place: $command" $command
	like '... what to do is told' "$ERR" 'see to it that no .* move .*challenges.json away: .* is a folder'
	is '... by a program that is well' "$(grep -c signal <<<"$ERR")" 0
done
rmdir "$LINE_DIR/challenges.json"
exits 0 'moved away' renew
finish
