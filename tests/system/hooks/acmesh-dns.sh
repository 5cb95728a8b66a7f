#!/bin/bash
# acmesh-dns.sh - acmesh-dns with an imitation of what acme.sh shows to its plug-ins, in acmesh/: how plug-ins are
# called, where their credentials come from, whose files are run, and one that sets records by HTTP.
# shellcheck disable=SC2034,SC2016 source=/dev/null
. "$(dirname "$0")/../lib.sh" || exit 1
need_programs jq curl python3 setpriv

ACME=$SCRATCH/acme
DIR=$SCRATCH/dir
LOG=$DIR/log
mkdir -p "$DIR" "$STATE"
cp -R "$TOP/tests/system/hooks/acmesh" "$ACME"
chmod -R go-w "$ACME"
TOKEN="it's \"secret\" \$(touch $SCRATCH/hit) \`x\`-$RANDOM"
cat >"$DIR/env" <<END_OF_ENV
# a comment, and an empty line

TEST_LOG=$LOG
export TEST_Token=$TOKEN
TEST_Text="in quotes = 'these stay'"
TEST_FAIL=bad-value
TEST_EXIT=exit-value
plugin=dns_other
home=/nonexistent
state=/nonexistent
LE_CONFIG_HOME=/nonexistent
HTTP_HEADER=/nonexistent
END_OF_ENV
chmod 600 "$DIR/env"
INPUT='{"version": 1}'
AS=()
run_hook() {
	SAID=$(cd / && env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin "HOME=${HOOK_HOME:-/}" LANG=C "CERTLINE_STATE=$STATE" \
		"CERTLINE_DIR=$LINE_DIR" CERTLINE_EVENT="$EVENT" CERTLINE_LINE="$LINE" \
		"${AS[@]}" timeout 60 "$@" 2>&1 <<<"$INPUT")
	STATUS=$?
}
# challenges FQDN VALUE...: standard input of the hook
challenges() {
	while [ $# -gt 0 ]; do
		jq -n --arg f "$1" --arg v "$2" '{type: "dns-01", identifier: ($f | sub("^_acme-challenge[.]"; "")), wildcard: false,
			token: "t0ken", key_authorization: "t0ken.thumb", fqdn: $f, value: $v}'
		shift 2
	done | jq -c -s --arg e "$EVENT" '{version: 1, event: $e, line: "mx", challenges: .}'
}
# logged NAME: the values of one name in the log, a line each
logged() { sed -n "s/^$1=//p" "$LOG"; }
KEPT=$STATE/acmesh/dns_test
OPTIONS=(dns_test --home "$ACME" --env "$DIR/env")
HOOK=acmesh-dns

# --- how a plug-in is called ---
EVENT=challenge-set
INPUT=$(challenges _acme-challenge.b.test. Value_2 _acme-challenge.a.test -value-1 _acme-challenge.a.test -value-1)
hook_exits 0 'two challenges' $HOOK "${OPTIONS[@]}"
like '... what the plug-in says is shown' "$SAID" '^the plug-in was here$'
check_not '... and not the help' grep -q Usage <<<"$SAID"
check_not '... nor the token' grep -qF "$TOKEN" <<<"$SAID"
is '... two calls' "$(logged call)" $'add\nadd'
is '... with name and value, no dot at the end' "$(logged arg)" \
	$'<_acme-challenge.a.test>\n<-value-1>\n<_acme-challenge.b.test>\n<Value_2>'
is '... and nothing else' "$(logged count)" $'2\n2'
is '... each in a shell of its own' "$(logged pid | sort -u | wc -l)" 2
is '... which knows nothing of the one before' "$(logged before)" $'<>\n<>'
is '... standard input is empty' "$(logged stdin)" $'<>\n<>'
check_not '... unset variables and failing commands are no matter' grep -q '^options=.*[eu]' "$LOG"
is '... the token as it is in the file' "$(logged token | sort -u)" "<$TOKEN>"
is '... a value without its quotes' "$(logged text | sort -u)" "<in quotes = 'these stay'>"
check_not '... nothing was taken for a command' test -e "$SCRATCH/hit"
is '... the folder' "$(logged folder | sort -u)" "$KEPT"
is '... umask' "$(logged umask | sort -u)" 0077
is '... LE_WORKING_DIR' "$(logged LE_WORKING_DIR | sort -u)" "$ACME"
is '... LE_CONFIG_HOME, whatever the file says' "$(logged LE_CONFIG_HOME | sort -u)" "$KEPT"
is '... ACCOUNT_CONF_PATH' "$(logged ACCOUNT_CONF_PATH | sort -u)" "$KEPT/account.conf"
is '... DOMAIN_CONF' "$(logged DOMAIN_CONF | sort -u)" "$KEPT/domain.conf"
is '... HTTP_HEADER' "$(logged HTTP_HEADER | sort -u)" "$KEPT/http.header"
is '... NO_TIMESTAMP' "$(logged NO_TIMESTAMP | sort -u)" 1
is '... HOME' "$(logged HOME | sort -u)" "$(getent passwd "$(id -u)" | cut -d : -f 6)"
is '... what it saves is kept, in private' "$(stat -c %a "$KEPT" "$KEPT/account.conf" "$KEPT/domain.conf" | tr '\n' ' ')" \
	'700 600 600 '
check_not '... and not in the folder of acme.sh' test -e "$ACME/account.conf"

: >"$LOG"
EVENT=challenge-unset
INPUT=$(challenges _acme-challenge.b.test Value_2)
hook_exits 0 'it is taken away' $HOOK "${OPTIONS[@]}" --state "$DIR/kept"
is '... by the other function' "$(logged call)" rm
is '... with name and value' "$(logged arg)" $'<_acme-challenge.b.test>\n<Value_2>'
is '... --state' "$(stat -c %a "$DIR/kept") $(logged DOMAIN_CONF)" "700 $DIR/kept/domain.conf"

# --- those that fail ---
for EVENT in challenge-set challenge-unset; do
	: >"$LOG"
	INPUT=$(challenges _acme-challenge.a.test bad-value _acme-challenge.b.test exit-value _acme-challenge.c.test good-value)
	hook_exits 1 "$EVENT: two of three calls fail: exit 1" $HOOK "${OPTIONS[@]}"
	is '... all were made' "$(logged call | wc -l)" 3
	like '... the plug-in says why' "$SAID" 'does not like this value'
	like '... which' "$SAID" '^acmesh-dns: _acme-challenge.a.test: dns_test_(add|rm) failed'
	like '... also the one that ended its shell' "$SAID" '^acmesh-dns: _acme-challenge.b.test: dns_test_(add|rm) failed'
	like '... and the good one' "$SAID" '^acmesh-dns: _acme-challenge.c.test: dns_test_(add|rm) is done'
done
EVENT=challenge-set
INPUT=$(challenges _acme-challenge.a.test good)
hook_exits 1 'a plug-in that cannot be loaded' $HOOK dns_broken --home "$ACME" --env "$DIR/env"
hook_exits 0 'a plug-in with one function' $HOOK dns_half --home "$ACME" --env "$DIR/env"
EVENT=challenge-unset
hook_exits 1 '... and not the other' $HOOK dns_half --home "$ACME" --env "$DIR/env"
like '... says so' "$SAID" 'dns_half has no function dns_half_rm'
hook_exits 1 'a plug-in that is not there' $HOOK dns_none --home "$ACME" --env "$DIR/env"
like '... says so' "$SAID" 'dnsapi/dns_none.sh: does not exist'
hook_exits 1 'no acme.sh' $HOOK dns_test --home "$DIR" --env "$DIR/env"
like '... says so' "$SAID" "$DIR/acme.sh: does not exist .*--home"

# --- credentials ---
EVENT=challenge-set
: >"$LOG"
hook_exits 1 'no credentials' $HOOK dns_test --home "$ACME"
like '... says so' "$SAID" "$ACME/account.conf: does not exist.*--env"
(umask 077; printf '%s\n' "SAVED_TEST_Token='saved'" "SAVED_TEST_LOG='$LOG'" "LE_CONFIG_HOME='/nonexistent'" >"$ACME/account.conf")
hook_exits 0 'those that acme.sh has saved' $HOOK dns_test --home "$ACME"
is '... are seen' "$(logged token)" '<saved>'
is '... and saved again there' "$(logged ACCOUNT_CONF_PATH)" "$ACME/account.conf"
is '... the state is elsewhere' "$(logged DOMAIN_CONF)" "$KEPT/domain.conf"
: >"$LOG"
mkdir "$DIR/home"
cp -a "$ACME" "$DIR/home/.acme.sh"
HOOK_HOME=$DIR/home
hook_exits 0 'acme.sh in the home of the user' $HOOK dns_test
is '... is found' "$(logged LE_WORKING_DIR)" "$DIR/home/.acme.sh"
HOOK_HOME=
printf 'TEST_LOG=%s\nTEST_Token=last' "$LOG" >"$DIR/env2"
chmod 600 "$DIR/env2"
hook_exits 0 'a last line without an end' $HOOK dns_test --home "$ACME" --env "$DIR/env2"
is '... counts' "$(logged token | tail -n 1)" '<last>'

printf 'TEST_LOG=%s\nTEST_Token=other\n' "$LOG" >"$DIR/env2"
hook_exits 0 'the file says something else than what was saved' $HOOK dns_test --home "$ACME" --env "$DIR/env2"
is '... and wins' "$(logged token | tail -n 1)" '<other>'
printf 'TEST_LOG=%s\n' "$LOG" >"$DIR/env2"
hook_exits 0 'what the file does not say' $HOOK dns_test --home "$ACME" --env "$DIR/env2"
is '... is found in what was saved' "$(logged token | tail -n 1)" '<other>'

# --- what is refused ---
: >"$LOG"
# refused TEXT PATTERN ARGUMENT...
refused() {
	hook_exits 1 "$1: exit 1" $HOOK "${@:3}"
	like '... says why' "$SAID" "$2"
	is '... no call' "$(cat "$LOG")" ''
}
chmod 640 "$DIR/env"
hook_exits 0 'an environment file for a group' $HOOK "${OPTIONS[@]}"
: >"$LOG"
for mode in 644 660 604; do
	chmod $mode "$DIR/env"
	refused "an environment file with mode $mode" "$DIR/env: others may read it, or write it" "${OPTIONS[@]}"
done
chmod 600 "$DIR/env"
for text in 'TEST_Token' '1TEST=x' 'TEST Token=x' 'rm -rf /tmp/x; A=b' '$(touch x)=y'; do
	printf 'TEST_LOG=%s\n%s\n' "$LOG" "$text" >"$DIR/env2"
	refused "a line \"$text\"" "$DIR/env2: line 2 is not NAME=value" dns_test --home "$ACME" --env "$DIR/env2"
	check_not '... it is not shown' grep -qF "$text" <<<"$SAID"
done
refused 'an environment file that is not there' 'none: does not exist' dns_test --home "$ACME" --env "$DIR/none"
for path in "$ACME" "$ACME/acme.sh" "$ACME/dnsapi" "$ACME/dnsapi/dns_test.sh" "$ACME/account.conf"; do
	mode=$(stat -c %a "$path")
	chmod g+w "$path"
	refused "${path#"$SCRATCH"/}: a group may write it" "^acmesh-dns: $path: somebody else than root" dns_test --home "$ACME"
	chmod "$mode" "$path"
	if [ "$(id -u)" = 0 ]; then
		chown 65534 "$path"
		refused '... or it belongs to somebody else' "^acmesh-dns: $path: somebody else than root" dns_test --home "$ACME"
		chown 0 "$path"
	fi
done
mkdir -m 755 "$DIR/open"
refused 'a state that others may look into' "$DIR/open: others may look into it" "${OPTIONS[@]}" --state "$DIR/open"
echo text >"$DIR/file"
refused 'a state that cannot be made' "$DIR/file/x: cannot be made" "${OPTIONS[@]}" --state "$DIR/file/x"
INPUT=$(challenges 'a;b.test' x)
refused 'a name with strange characters' 'not a name and a value of a challenge' "${OPTIONS[@]}"
INPUT=$(challenges a.test 'x y')
refused 'a value with strange characters' 'not a name and a value of a challenge' "${OPTIONS[@]}"
INPUT='{"version":1,"challenges":[{"type":"http-01","identifier":"a.test","token":"x","key_authorization":"x.y","path":"/x","value":"x.y"}]}'
refused 'a challenge that is not for DNS' 'a.test: http-01 is no challenge that DNS answers' "${OPTIONS[@]}"
EVENT=challenge-unset
hook_exits 0 '... there is nothing to take away' $HOOK "${OPTIONS[@]}"
EVENT=challenge-set
INPUT='{"version":1,"challenges":[]}'
hook_exits 0 'no challenge' $HOOK "${OPTIONS[@]}"
is '... no call' "$(cat "$LOG")" ''
INPUT=$(challenges _acme-challenge.a.test good)
for name in dns_ cf ../dns_test dns_te/st 'dns_test;x' dns_test.sh 'dns_a b' _dns_test ''; do
	hook_exits 2 "a plug-in \"$name\": exit 2" $HOOK "$name" --home "$ACME" --env "$DIR/env"
	like '... says how to call it' "$SAID" 'usage: acmesh-dns EVENT LINE PLUGIN'
done
hook_exits 2 'two plug-ins: exit 2' $HOOK dns_test dns_half --home "$ACME"
for option in --home --state; do
	for path in relative '/a b' '/a/../b' "/a'b" '/a$b'; do
		hook_exits 2 "$option $path: exit 2" $HOOK "${OPTIONS[@]}" $option "$path"
	done
done
hook_exits 2 '--env relative: exit 2' $HOOK "${OPTIONS[@]}" --env relative
protocol $HOOK "${OPTIONS[@]}"
is 'no call by all of these' "$(cat "$LOG")" ''

# --- as somebody else than root ---
if [ "$(id -u)" = 0 ]; then
	EVENT=challenge-set
	mkdir -m 700 "$SCRATCH/user"
	cp "$DIR/env" "$SCRATCH/user/env"
	echo "TEST_LOG=$SCRATCH/user/log" >>"$SCRATCH/user/env"
	chown -R 65534 "$SCRATCH/user"
	chmod 755 "$ACME"
	AS=(setpriv --reuid 65534 --regid 65534 --clear-groups)
	hook_exits 0 'as a user' $HOOK dns_test --home "$ACME" --env "$SCRATCH/user/env" --state "$SCRATCH/user/state"
	check '... called' grep -q '^call=add' "$SCRATCH/user/log"
	AS=()
	hook_exits 1 'root with files of that user' $HOOK dns_test --home "$ACME" --env "$SCRATCH/user/env" --state "$DIR/kept"
	like '... refuses them' "$SAID" "somebody else than root"
fi

# --- one that sets records by HTTP ---
free_port
echo "HTTP_Url=http://127.0.0.1:$PORT/client/v4
HTTP_Token=t0ken
HTTP_Zone=one.test" >"$DIR/env"
start cloudflare "$TOP/tests/system/lab/cloudflare.py" --api "127.0.0.1:$PORT" --token t0ken --zone one.test
check 'the stand-in answers' within 10 listens "$PORT"
there() { curl -sS -f "http://127.0.0.1:$PORT/records?zone=one.test" | jq -r '.[] | "\(.name) \(.content)"' | sort | paste -s -d ' '; }
OPTIONS=(dns_http --home "$ACME" --env "$DIR/env")
EVENT=challenge-set
INPUT=$(challenges _acme-challenge.one.test first _acme-challenge.one.test second)
hook_exits 0 'two values by HTTP' $HOOK "${OPTIONS[@]}"
is '... are set' "$(there)" '_acme-challenge.one.test "first" _acme-challenge.one.test "second"'
hook_exits 1 'once more: the server has them already' $HOOK "${OPTIONS[@]}"
like '... says the plug-in' "$SAID" 'the record could not be set'
EVENT=challenge-unset
INPUT=$(challenges _acme-challenge.one.test first)
hook_exits 0 'one goes' $HOOK "${OPTIONS[@]}"
is '... and no other one' "$(there)" '_acme-challenge.one.test "second"'
hook_exits 0 '... it may go again' $HOOK "${OPTIONS[@]}"
sed -i 's/^HTTP_Token=.*/HTTP_Token=wrong/' "$DIR/env"
hook_exits 1 'a wrong token' $HOOK "${OPTIONS[@]}"
like '... says the plug-in' "$SAID" 'is HTTP_Token right'
finish
