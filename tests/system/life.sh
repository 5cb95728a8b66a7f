#!/bin/bash
# life.sh - what happens to a line in days and years, with the clock moved (--now): first activation,
# hooks that fail, roll-backs, emergencies; a year of the configuration that Let's Encrypt Tiny comes
# with; taking over a set-up of it; and exit codes.
# shellcheck disable=SC2016,SC2153,SC2154 source=/dev/null
. "$(dirname "$0")/lib.sh" || exit 1
. "$TOP/tests/system/lab/line.sh"
need_programs openssl

HOUR=3600
DAY=86400
START=1800000000                        # 2027-01-15 08:00 UTC

# fresh NAME: another store and configuration, for the line NAME.  Both hooks are one script, which
# notes each run in $DIR/log and fails while $DIR/EVENT-fails exists.
fresh() {
	DIR=$SCRATCH/$1
	LINE=$1
	STATE=$DIR/state
	LINE_DIR=$STATE/lines/$LINE
	LIVE=$LINE_DIR/live
	CONF=$DIR/conf
	INCLUDE=$DIR/tlsa.inc
	NOW=$START
	mkdir -p "$CONF"
	script "$DIR/hook" <<-'END_OF_HOOK'
		here=${0%/*}
		echo "$1 $CERTLINE_KEY_CHANGED" >>"$here/log"
		! [ -e "$here/$1-fails" ]
	END_OF_HOOK
}

# dane_line OPTION...: a line with one owner, both hooks and an include file.  The options are more
# lines for [timing].
dane_line() {
	{
		cat <<-END_OF_CONF
			domains = mx.example.org
			issuer = self
			[hooks]
			post-certchange = $DIR/hook
			post-keychange = $DIR/hook
			[dane]
			owners = _25._tcp.mx.example.org
			verify = no
			ttl = 1h
			include-file = $INCLUDE
			[dirs]
			state = $STATE
			[timing]
		END_OF_CONF
		printf '%s\n' "$@"
	} >"$CONF/$LINE.conf"
}

# after SECONDS [ARGUMENT...]: the clock of the rehearsal, counted from its start; cron, or another
# command, is run at that time.
after() {
	NOW=$((START + $1))
	shift
	[ $# -eq 0 ] || run "$@"
}

# hook_runs EVENT
hook_runs() {
	grep -c "^$1 " "$DIR/log" 2>/dev/null
}

# published GENERATION...: the include file has the keys of exactly these.
published() {
	local g
	[ "$(awk '$4 == "TLSA" { print toupper($8) }' "$INCLUDE" | sort)" = \
		"$(for g; do digest "$g"; done | sort)" ]
}

same_key() {
	cmp -s "$LINE_DIR/gen/$(printf %06d "$1")/key.pem" "$LIVE/key.pem"
}

# said TEXT EXPECTED: exit status 0, these lines, and nothing on standard error.
said() {
	is "$1" "$STATUS $OUT$ERR" "0 $2"
}

# tree: everything under $DIR that a run might change: names, modes, owners, times, contents.
tree() {
	find "$DIR" -printf '%p %y %m %u %g %s %l %T@ %C@\n' | sort
	find "$DIR" -type f -exec sha256sum {} + | sort
}

# untouched TEXT BEFORE: the tree is what it was.
untouched() {
	is "$1" "$(diff <(printf '%s\n' "$2") <(tree) | grep '^[<>]')" ''
}

# --- first activation ------------------------------------------------------------------------------

fresh first
dane_line 'staging = 2d' 'retire-after = 3d'
touch "$DIR/post-certchange-fails"
exits 1 'init with a certchange hook that fails: exit 1' init
check_not '... nothing is published' test -e "$INCLUDE"
is '... no keychange hook has run' "$(hook_runs post-keychange)" 0
run tlsa
is '... no records are printed' "$OUT" ''
exits 1 'status: exit 1' --json status
like '... shows the hook' "$OUT" '"post-certchange hook .*/hook failed 1 time since 2027-01-15 08:00: exit status 1"'
after $DAY cron
is 'a day later it is tried again' "$STATUS $(hook_runs post-certchange)" '1 2'
check_not '... and still nothing is published' test -e "$INCLUDE"
rm "$DIR/post-certchange-fails"
after $((2 * DAY)) cron
said 'once it succeeds, the servers are told first, then the set is published' \
	"first: the servers were told of generation 1"$'\n'"first: published 1 TLSA record (set 1)"
check '... which is the live key' published 1
is '... by one run of the keychange hook' "$(hook_runs post-keychange)" 1
check 'status: exit 0' "$PROGRAM" -q -c "$CONF" --now "@$NOW" status

# --- a keychange hook that fails blocks the promotion --------------------------------------------------

touch "$DIR/post-keychange-fails"
after $((3 * DAY))
exits 1 'roll with a keychange hook that fails: exit 1' roll
is '... the key is staged' "$(generation staging)" 2
runs=$(hook_runs post-keychange)
after $((40 * DAY)) cron
is 'long after the staging time: exit 1' "$STATUS" 1
is '... the hook was tried again' $(($(hook_runs post-keychange) - runs)) 1
is '... and the key is not promoted' "$(generation live) $(generation staging)" '1 2'
like '... the hook is named' "$ERR" 'post-keychange hook .*/hook: '
rm "$DIR/post-keychange-fails"
after $((41 * DAY)) cron
said 'once it succeeds, the set is published' 'first: published 2 TLSA records (set 2)'
is '... and the key is not promoted' "$(generation live)" 1
after $((43 * DAY - 1)) cron
said 'a second before the staging time has passed since then: silence' ''
is '... and the key is not promoted' "$(generation live)" 1
after $((43 * DAY)) cron
said 'then it is' $'first: promoted the staged key: generation 2 is live\nfirst: the servers were told of generation 2'
check '... with both keys still published' published 1 2

# --- back -------------------------------------------------------------------------------------------

after $((43 * DAY + HOUR))
exits 2 'roll --back without a line: exit 2' roll --back
runs=$(hook_runs post-keychange)
exits 0 'roll --back' roll --back first
like '... says so' "$OUT" '^first: rolled back: generation 1 is live again$'
check '... the old key is live' same_key 1
is '... its files are what they were' "$(generation live)" 1
is '... the servers are told of another key' "$(tail -1 "$DIR/log")" 'post-certchange yes'
check '... the set is that of both' published 1 2
is '... so that no keychange hook has run' "$(hook_runs post-keychange)" "$runs"
after $((46 * DAY + HOUR - 1)) cron
said 'until retire-after has passed: silence' ''
after $((46 * DAY + HOUR)) cron
said 'then the key that was left goes' \
	$'first: retired the old key (generation 2); its records go\nfirst: published 1 TLSA record (set 3)'
check '... from the set' published 1
exits 1 'back to a key that is not published: exit 1' roll --back first
like '... says why' "$ERR" 'no retired key whose records are still published'

# --- servers that notice by themselves ---------------------------------------------------------------------

for given in '' 'retire-after = 3d'; do
	fresh "untold${given:+-given}"
	dane_line 'staging = 2d' ${given:+"$given"}
	sed -i '/post-certchange/d' "$CONF/$LINE.conf"
	run init
	after $HOUR roll
	after $((2 * DAY + HOUR)) cron
	is "nobody tells the servers${given:+, $given}: the next key goes live" "$(generation live)" 2
	after $((5 * DAY + HOUR - 1)) cron
	check '... and the old records stay' published 1 2
	after $((5 * DAY + HOUR)) cron
	if [ -n "$given" ]; then
		is '... until the time has passed since the promotion' "$STATUS" 0
		check '... then they go' published 2
	else
		is '... for good, which is a fault' "$STATUS" 1
		like '... that is told, with what to do' "$ERR" 'give \[hooks\] post-certchange, or \[timing\] retire-after'
		check '... indeed' published 1 2
	fi
done

# --- emergencies --------------------------------------------------------------------------------------

fresh standby
dane_line 'staging = 2d' 'retire-after = 3d' 'standby = yes'
exits 0 'init with standby' init
is '... stages the next key' "$(generation live) $(generation staging)" '1 2'
check '... and publishes it' published 1 2
after $((20 * DAY)) cron
said 'long after the staging time it is still the next one' ''
is '... only' "$(generation live) $(generation staging)" '1 2'
exits 2 'roll --emergency without a line: exit 2' roll --emergency
exits 2 'roll --force without --emergency: exit 2' roll --force standby
exits 0 'roll --emergency' roll --emergency standby
is '... does everything at once' "$(printf '%s\n' "$OUT" | grep -v ': next: ')" 'standby: promoted the staged key: generation 2 is live
standby: the servers were told of generation 2
standby: retired the old key (generation 1); its records go
standby: published 1 TLSA record (set 3)
standby: staged a new key (ec-256, generation 3)
standby: published 2 TLSA records (set 4)'
check '... the compromised key is not published any more, the next one is' published 2 3
after $((20 * DAY + 60))
exits 0 'another emergency, a minute later' roll --emergency standby
is '... has to wait for caches' "$(generation live)" 2
like '... says until when: the ttl and five minutes' "$OUT" 'without an outage for DANE clients: promotion at 2027-02-04 09:05 UTC'
like '... and what else can be done' "$OUT" 'at once: `certline roll --emergency --force standby`'
after $((20 * DAY + HOUR + 299)) cron
is 'a second before that it is not promoted' "$STATUS $(generation live)" '0 2'
after $((20 * DAY + HOUR + 300)) cron
is 'then it is' "$STATUS $(generation live)" '0 3'
check '... and the compromised key is not published any more' published 3 4
after $((20 * DAY + HOUR + 360))
exits 0 'roll --emergency --force' roll --emergency --force standby
is '... does not wait' "$(generation live)" 4
check '... nor does the removal' published 4 5

# --- the layout of Let's Encrypt Tiny -----------------------------------------------------------------

# tiny SED-EXPRESSION...: its sample configuration, with other paths and what the expressions change.
tiny() {
	CERTS=$DIR/ssl/mycerts/letsencrypt
	KEYS=$DIR/ssl/private/letsencrypt
	sed -e "s|= /etc/ssl|= $DIR/ssl|" -e "s|= /srv/|= $DIR/srv/|" -e "s|= /root/letsencrypt/.*-hook|= $DIR/hook|" "$@" \
		"$TOP/tests/data/config/good/letsencrypt-tiny.conf" >"$CONF/$LINE.conf"
	printf 'issuer = self\n[dirs]\nstate = %s\n' "$STATE" >"$CONF/certline.conf"
}

# links SLOT: both links lead to that slot of the store.
links() {
	[ -L "$CERTS/$1.crt" ] && [ -L "$KEYS/$1.key" ] &&
		[ "$CERTS/$1.crt" -ef "$LINE_DIR/$1/cert.pem" ] && [ "$KEYS/$1.key" -ef "$LINE_DIR/$1/key.pem" ]
}

no_links() {
	! [ -L "$CERTS/$1.crt" ] && ! [ -e "$CERTS/$1.crt" ] && ! [ -L "$KEYS/$1.key" ] && ! [ -e "$KEYS/$1.key" ]
}

# pair SLOT: the certificate is for the key.
pair() {
	[ "$(openssl x509 -in "$CERTS/$1.crt" -noout -pubkey)" = "$(openssl pkey -in "$KEYS/$1.key" -pubout)" ]
}

fresh tiny
tiny
is 'only paths were changed in the sample configuration' \
	"$(diff "$TOP/tests/data/config/good/letsencrypt-tiny.conf" "$CONF/tiny.conf" | grep '^<' | grep -v -c ' = /')" 0
script "$DIR/hook" <<END_OF_HOOK
# what the sample's cert-hook does: a file that is made from the new certificate
cat $CERTS/live.crt >$CERTS/live.crt+chain
echo "\$1 \$CERTLINE_KEY_CHANGED" >>$DIR/log
END_OF_HOOK

# year: cron once a day; what was said on which day is in $EVENTS, days on which the links were wrong,
# or the hook had not been called in time, in $WRONG.
year() {
	local day
	EVENTS=
	WRONG=
	for ((day = 0; day <= 365; day++)); do
		after $((day * DAY)) "$([ "$day" -gt 0 ] && echo cron || echo init)"
		[ "$STATUS" -eq 0 ] || WRONG+="day $day: exit $STATUS "
		if [ -n "$OUT$ERR" ]; then
			EVENTS+=$(printf '%s\n' "$OUT$ERR" | sed "/: next: /d; s/^/day $day: /")$'\n'
			pair live || WRONG+="day $day: no pair "
			cmp -s "$CERTS/live.crt" "$CERTS/live.crt+chain" || WRONG+="day $day: hook "
		fi
		links live || WRONG+="day $day: live "
		no_links staging || WRONG+="day $day: staging "
	done
}
year
is 'a year of it: renewals 15 days before the end of 90, one rollover at 256 days, and later the old key goes' "$EVENTS" \
	"day 0: tiny: made the first key (rsa-4096, generation 1); its certificate is valid until 2027-04-15
day 0: tiny: the servers were told of generation 1
day 75: tiny: renewed the certificate of the live key (generation 2), valid until 2027-06-29
day 75: tiny: the servers were told of generation 2
day 150: tiny: renewed the certificate of the live key (generation 3), valid until 2027-09-12
day 150: tiny: the servers were told of generation 3
day 225: tiny: renewed the certificate of the live key (generation 4), valid until 2027-11-26
day 225: tiny: the servers were told of generation 4
day 256: tiny: staged a new key (rsa-4096, generation 5)
day 256: tiny: promoted the staged key: generation 5 is live
day 256: tiny: the servers were told of generation 5
day 258: tiny: retired the old key (generation 4)
day 288: tiny: deleted the files of a key that was retired long ago (keyset 1), after copying them to [dirs] backups
day 331: tiny: renewed the certificate of the live key (generation 6), valid until 2028-03-11
day 331: tiny: the servers were told of generation 6
"
is '... with the links right on each day, and the hook called at once' "$WRONG" ''
is '... once for each of them, two of them with a new key' "$(cat "$DIR/log")" \
	$'post-certchange yes\npost-certchange no\npost-certchange no\npost-certchange no\npost-certchange yes\npost-certchange no'
is 'keys are for their owner only' "$(stat -c %a "$(readlink -f "$KEYS/live.key")")" 600
is 'old certificates and keys are kept in backups' \
	"$(find "$DIR/ssl/old/letsencrypt" -name '*.key' | wc -l)" "$(find "$DIR/ssl/old/letsencrypt" -name '*.crt' | wc -l)"
check '... at least the old key' cmp -s "$DIR/ssl/old/letsencrypt/tiny-000004.key" "$DIR/ssl/old/letsencrypt/tiny-000001.key"

# With DNSSEC, as its text says: a keychange hook, which makes the zone from live.crt and, if it is
# there, staging.crt; 25 hours of staging.
fresh dnssec
tiny -e 's/^staging-hours = 0/staging-hours = 25/' -e 's/^#post-keychange/post-keychange/' \
	-e 's/^key-length = 4096/key-length = 2048/'
script "$DIR/hook" <<END_OF_HOOK
[ "\$1" != post-keychange ] || ls $CERTS >$DIR/zone
END_OF_HOOK
run init
is 'with staging: init' "$STATUS $(cat "$DIR/zone")" '0 live.crt'
after $((256 * DAY)) cron
links live && links staging && pair live && pair staging
verdict $? 'at 256 days there are links to a live and a staged pair'
is '... which the keychange hook has seen' "$(cat "$DIR/zone")" $'live.crt\nstaging.crt'
STAGED=$(generation staging)
after $((256 * DAY + 25 * HOUR - 1)) cron
is 'until 25 hours have passed, that stays' "$STATUS $OUT$(generation staging)" "0 $STAGED"
after $((256 * DAY + 25 * HOUR)) cron
is 'then the staged key is live' "$STATUS $(generation live)" "0 $STAGED"
links live && no_links staging && pair live
verdict $? '... the links are right'
after $((260 * DAY)) cron
is '... and the zone is made anew without the old key' "$STATUS $(cat "$DIR/zone")" '0 live.crt'

# --- taking over --------------------------------------------------------------------------------------

fresh taken
tiny -e 's/^staging-hours = 0/staging-hours = 25/' -e 's/^#post-keychange/post-keychange/' \
	-e 's/^key-length = 4096/key-length = 2048/'
START=$(date +%s)                       # these certificates are made by the real clock
NOW=$START
mkdir -p "$CERTS" "$KEYS" "$DIR/before"
names=$(sed -n 's/^  \([a-z].*\)/DNS:\1/p' "$CONF/taken.conf" | paste -s -d ,)
for slot in live staging; do
	openssl req -x509 -newkey rsa:2048 -nodes -days 90 -subj /CN=ralfj.de -addext "subjectAltName=$names" \
		-keyout "$KEYS/$slot.key" -out "$CERTS/$slot.crt" 2>/dev/null
	# its own encoding of the key, which a new encoding would not keep
	printf 'a comment\n\n' | cat - "$KEYS/$slot.key" >"$DIR/$slot.key" && mv "$DIR/$slot.key" "$KEYS/$slot.key"
	cp "$KEYS/$slot.key" "$CERTS/$slot.crt" "$DIR/before"
done
touch -d "@$((START - 200 * DAY))" "$KEYS/live.key"
touch -d "@$((START - 2 * DAY))" "$KEYS/staging.key"
exits 0 'init takes over live and staging of another program' init
is '... and makes nothing new' "$(printf '%s\n' "$OUT" | sed "/: next: /d; s|$DIR||")" \
	'taken: adopted the live key in /ssl/private/letsencrypt/live.key as generation 1
taken: adopted the staging key in /ssl/private/letsencrypt/staging.key as generation 2
taken: the servers were told of generation 1
taken: the key-change hooks ran (set 1)'
links live && links staging
verdict $? 'the files are links now'
for slot in live staging; do
	cmp "$DIR/before/$slot.key" "$KEYS/$slot.key"
	verdict $? "not a byte of the $slot key has changed"
	is "nor has its certificate" "$(fingerprint "$CERTS/$slot.crt")" "$(fingerprint "$DIR/before/$slot.crt")"
done
run --json status
is 'the age of the live key is that of its file' \
	"$(printf '%s\n' "$OUT" | sed -n 's/.*"key_age": \([0-9]*\).*/\1/p')" $((200 * DAY))
before=$(tree)
run init
is 'a second init finds nothing to do' "$STATUS $(printf '%s\n' "$OUT$ERR" | sed '/: next: /d')" '0 '
untouched '... and changes nothing' "$before"
after $((56 * DAY - 1)) cron
is 'a second before the live key is 256 days old nothing happens' "$STATUS $OUT$ERR" '0 '
after $((56 * DAY)) cron
is 'then the staged key becomes live' "$STATUS $(generation live)" '0 2'
cmp "$DIR/before/staging.key" "$KEYS/live.key"
verdict $? '... with the bytes it always had'

# --- exit codes ---------------------------------------------------------------------------------------

fresh codes
dane_line 'staging = 2d'
run init
before=$(tree)
after $DAY cron
is 'a cron run with nothing to do: exit 0, silence' "$STATUS $OUT$ERR" '0 '
untouched '... and nothing is written' "$before"

# A run that takes long, as its hook does; another one beside it.
script "$DIR/hook" <<END_OF_HOOK
touch $DIR/hook-runs
while ! [ -e $DIR/hook-may-end ]; do sleep 0.1; done
END_OF_HOOK
start renew "$PROGRAM" -c "$CONF" --now "@$NOW" renew
HOLDER=$PID
check 'a hook is running' within 10 test -e "$DIR/hook-runs"
for command in cron roll; do
	began=${EPOCHREALTIME/./}
	exits 75 "$command while another run has the lock: exit 75" "$command"
	took=$(((${EPOCHREALTIME/./} - began) / 1000))
	check "... within two seconds ($took ms)" test "$took" -lt 2000
	like '... names the holder' "$ERR" "is held by pid $HOLDER \(.*certline .* renew\)"
done
exits 1 'status needs no lock, and shows the hook as pending' status
exits 0 'tlsa needs no lock' tlsa
like '... and prints the records' "$OUT" '^_25\._tcp\.mx\.example\.org\. 3600 IN TLSA 3 1 1 [0-9a-f]{64}$'
touch "$DIR/hook-may-end"
check 'the first run ends' within 10 gone "$HOLDER"
exits 0 '... and then there is no lock' cron

cp "$CONF/codes.conf" "$CONF/other.conf"
sed -i 's/^staging = 2d/stagin = 2d/' "$CONF/other.conf"
before=$(tree)
for command in init cron renew roll status plan tlsa config; do
	exits 2 "$command with a mistake in one file: exit 2" "$command"
	like '... names file and line, and what was meant' "$ERR" '/conf/other\.conf:14: unknown key "stagin" \(did you mean "staging"\?\)'
done
untouched '... and nothing was touched' "$before"
rm "$CONF/other.conf"
before=$(tree)
exits 1 'a line that signs for itself has nobody to revoke its certificates' revoke codes
like '... and is told what to do instead' "$ERR" 'no CA that could revoke anything.*certline roll --emergency'
exits 1 'nor is it begun with a roll' roll --emergency --revoke codes
untouched '... and nothing is written' "$before"
exits 2 'a line that does not exist: exit 2' cron nocodes
exits 2 'a command that does not exist: exit 2' corn
like '... suggests the one that was meant' "$ERR" 'did you mean "cron"\?'
finish
