#!/bin/bash
# telling.sh - people and machines are told: history, mails, hooks, webhooks, pings, metrics; with a sendmail
# that fails, a web server that fails and hangs, and runs that are killed.
# shellcheck disable=SC2016,SC2153,SC2154 source=/dev/null
. "$(dirname "$0")/lib.sh" || exit 1
. "$TOP/tests/system/lab/line.sh"
need_programs openssl python3 jq promtool strace

HOUR=3600
DAY=86400
START=1800000000                        # 2027-01-15 08:00 UTC
MAILS=$SCRATCH/mails                    # a file for each mail
SAYS=$SCRATCH/says                      # what the hook was told, a JSON object a row
WEB=$SCRATCH/web
MODE=$SCRATCH/mode
mkdir -p "$MAILS"
: >"$SAYS"
: >"$WEB"
echo ok >"$MODE"

script "$SCRATCH/sendmail" <<END_OF_SCRIPT
[ ! -e $SCRATCH/sendmail-fails ] || { echo no queue; exit 75; }
file=\$(mktemp $MAILS/XXXXXX)
{ echo "Arguments: \$*"; cat; } >"\$file"
[ ! -e $SCRATCH/sendmail-hangs ] || sleep 120
END_OF_SCRIPT
script "$SCRATCH/told" <<END_OF_SCRIPT
[ ! -e $SCRATCH/told-hangs ] || sleep 120
cat >>$SAYS
END_OF_SCRIPT
script "$SCRATCH/reload" <<END_OF_SCRIPT
! [ -e $SCRATCH/reload-fails ]
END_OF_SCRIPT

# line NAME: one with an owner; what stands in the defaults is for all.
line() {
	cat >"$CONF/$1.conf" <<-END_OF_CONF
		domains = $1.example.org
		issuer = self
		[hooks]
		post-certchange = $SCRATCH/reload
		[dane]
		owners = _25._tcp.$1.example.org
		verify = no
		include-file = $SCRATCH/$1.tlsa
	END_OF_CONF
}

# defaults OPTION...: [notify] and [run] of all lines.
defaults() {
	printf '%s\n' '[dirs]' "state = $STATE" '[notify]' "$@" >"$CONF/certline.conf"
}

# at SECONDS ARGUMENT...: the clock of the rehearsal, counted from its start.
at() {
	NOW=$((START + $1))
	run "${@:2}"
}

forget() {
	rm -f "$MAILS"/*
	: >"$SAYS"
	: >"$WEB"
}

mails() {
	find "$MAILS" -type f | wc -l
}

# subjects: of all mails, sorted
subjects() {
	cat "$MAILS"/* 2>/dev/null | sed -n 's/^Subject: \[certline\] \([a-z-]*\): \([^:]*\): .*/\1 \2/p' | sort
}

# told EVENT...: the hook was told of these, in any order
told() {
	jq -r .event "$SAYS" | sort | paste -s -d ' '
}

# lived LINE: the events in its history, without those of rows that are damaged
lived() {
	"$PROGRAM" -c "$CONF" history --json "$1" 2>/dev/null | jq -r '.lines[0].events[].event' | paste -s -d ,
}

tree() {
	find "$STATE" -printf '%p %y %m %s %T@ %C@\n' | sort
}

# took SECONDS COMMAND...: the command takes at most that long
took() {
	local begin
	begin=$(date +%s)
	"${@:2}"
	[ $(($(date +%s) - begin)) -le "$1" ] || note "it took $(($(date +%s) - begin)) seconds"
	[ $(($(date +%s) - begin)) -le "$1" ]
}

# --- history ---------------------------------------------------------------------------------------

LOG=$LINE_DIR/history.jsonl
line mx
defaults
at 0 init
is 'history: a first key' "$(lived mx)" created,promoted,deployed,published
is '... its mode is 0600' "$(stat -c %a "$LOG")" 600
before=$(tree)
at $HOUR cron
is '... an idle run writes nothing' "$(diff <(echo "$before") <(tree))" ''
at $((2 * HOUR)) roll
is '... a key is staged' "$(lived mx)" created,promoted,deployed,published,created,staged,published
at $((3 * DAY)) cron
is '... and promoted, the old one is replaced' "$(lived mx | cut -d , -f 8-)" replaced,promoted,deployed
at $((4 * DAY)) roll --back mx
is '... rolled back' "$(lived mx | cut -d , -f 11-)" 'replaced,rolled back,deployed'
at $((7 * DAY)) cron
is '... the other one is retired' "$(lived mx | cut -d , -f 14-)" retired
at $((40 * DAY)) cron
is '... and destroyed' "$(lived mx | cut -d , -f 15-)" destroyed
check '... after which its files are gone' test ! -e "$LINE_DIR/gen/000002"
at $((60 * DAY)) cron
is '... the certificate is renewed, and deployed' "$(lived mx | cut -d , -f 16-)" renewed,deployed
run history mx
like 'history: a table' "$OUT" '^2027-01-19 08:00  mx  +1 +1  rolled back +the key is live again$'
rows=$(wc -l <"$LOG")

whole=$(cat "$LOG")
last=$(tail -1 "$LOG")
truncate -s -20 "$LOG"
at $((61 * DAY)) cron
is 'a row that was cut: exit 0' "$STATUS" 0
run history mx
is '... is written again, behind it' "$(tail -1 "$LOG")" "$last"
is '... in a row of its own, and nothing else' "$(wc -l <"$LOG")" $((rows + 1))
like '... the damaged one is told' "$ERR" 'history.jsonl: 1 damaged row is left out'
is '... no event is there twice' "$(lived mx)" "$(jq -r .event <<<"$whole" | paste -s -d ,)"
# the first row of the last run only: the second one, with the mark, was not written any more
printf '%s\n' "$whole" | head -n $((rows - 1)) >"$LOG"
at $((62 * DAY)) cron
is 'a run that was killed between two rows: the second one is made up for' "$(cat "$LOG")" "$whole"
printf '%s\n' "$whole" | head -n $((rows - 2)) >"$LOG"
at $((62 * DAY)) cron
is '... or before them: both are' "$(jq -r .event "$LOG" | tail -2 | paste -s -d ,)" renewed,deployed
is '... and no more' "$(wc -l <"$LOG")" "$rows"
rm "$LOG"
at $((63 * DAY)) cron
is 'a store without a history gets one of what is known' "$(lived mx)" created,published,promoted,renewed,deployed

# --- mails, hooks ------------------------------------------------------------------------------------

rm -rf "$STATE"
line web
defaults 'mail = root@example.org admin@example.org' "sendmail = $SCRATCH/sendmail" "hook = $SCRATCH/told" \
	'from = certline <certline@example.org>' 'overdue-after = 30h'
at 0 init
is 'two first keys: one mail' "$(subjects)" 'promoted mx, web'
is '... and the hook runs for each' "$(told)" 'promoted promoted'
mail=$(cat "$MAILS"/*)
like '... sendmail is called with the addresses' "$mail" '^Arguments: -i root@example.org admin@example.org$'
like '... the mail is from whom it should be' "$mail" '^From: certline <certline@example.org>$'
like '... nobody is to answer it' "$mail" '^Auto-Submitted: auto-generated$'
like '... it has an id' "$mail" '^Message-ID: <[0-9a-f]{24}@[A-Za-z0-9.?-]+>$'
like '... and a text about each line' "$mail" '^web, 2027-01-15 08:00 UTC:$'
is '... the hook gets a document' "$(jq -c '[.version, .event, .line, .at, .live.generation]' "$SAYS" | sort | head -1)" \
	'[1,"promoted","mx","2027-01-15T08:00:00Z",1]'
forget
before=$(tree)
at $HOUR cron
is 'an idle run tells nothing' "$(mails) $(told) $STATUS$OUT$ERR" '0  0'
is '... and writes nothing' "$(diff <(echo "$before") <(tree))" ''

touch "$SCRATCH/reload-fails"
at $((60 * DAY)) -n cron
is 'a rehearsal tells nothing' "$(mails) $(told)" '0 '
at $((60 * DAY)) cron
is 'a hook that fails: exit 1, and a mail about both lines' "$STATUS $(subjects)" '1 failing mx, web'
like '... that says what' "$(cat "$MAILS"/*)" 'post-certchange hook .*/reload'
forget
chmod 644 "$STATE/lines/mx/live/key.pem"
at $((60 * DAY + HOUR)) cron
is 'another failure of the same line is told at once' "$(subjects)" 'failing mx'
like '... that one alone' "$(sed '1,/^$/d' "$MAILS"/* | tr -s ' \n' ' ')" '^mx, 2027-03-16 09:00 UTC: private key [^ ]*key\.pem can be read by others[^,]*, [^,]*$'
forget
chmod 600 "$STATE/lines/mx/live/key.pem"
at $((60 * DAY + 23 * HOUR)) cron
is '... not again within a day, and nothing is well as long as one is left' "$(mails)" 0
at $((61 * DAY)) cron
is '... but after a day' "$(subjects)" 'failing mx, web'
forget
at $((60 * DAY + 30 * HOUR)) cron
is '... after 30 hours it is overdue' "$(subjects)" 'overdue mx, web'
forget
at $((62 * DAY)) cron
is '... which takes the place of the daily word' "$(mails)" 0
at $((60 * DAY + 54 * HOUR)) cron
is '... and is repeated after a day' "$(subjects)" 'overdue mx, web'
forget
at $((63 * DAY)) -q cron mx
is '... a run for one line says nothing of the other' "$(mails) $(told)" '0 '
rm "$SCRATCH/reload-fails"
at $((63 * DAY)) cron
is '... and when it is mended: recovered' "$(subjects)" 'recovered mx, web'
like '... since when it failed' "$(cat "$MAILS"/*)" 'over: post-certchange hook .*/reload failed'
forget
at $((64 * DAY)) cron
is '... once' "$(mails) $(told)" '0 '

touch "$SCRATCH/sendmail-fails"
at $((65 * DAY)) roll
at $((68 * DAY)) cron
is 'sendmail that fails: exit 0' "$STATUS" 0
like '... is said' "$ERR" 'notify: telling by mail root@example.org admin@example.org failed, and is tried again later: exit status 75: no queue'
is '... the hook was told all the same' "$(told)" 'promoted promoted'
run status
like '... status says so' "$OUT" '^note: 2 messages are not told yet, the oldest since 2027-03-24 08:00 UTC, by$'
is '... and is content' "$STATUS" 0
at $((68 * DAY + 10)) cron
is '... it is left alone for a minute' "$ERR" ''
rm "$SCRATCH/sendmail-fails"
at $((68 * DAY + 120)) cron
is '... then it is tried again' "$(subjects)" 'promoted mx, web'
is '... the hook was told once' "$(told)" 'promoted promoted'
forget
touch "$SCRATCH/sendmail-fails"
at $((71 * DAY)) cron
at $((77 * DAY)) cron
check_not 'for six days nothing is given up' grep -q 'for a week' <<<"$ERR"
at $((78 * DAY)) cron
like 'after a week it is, and that is said' "$ERR" 'nobody was told of "retired" by mail, which failed for a week: exit status 75: no queue'
rm "$SCRATCH/sendmail-fails"
forget
at $((79 * DAY)) cron
is '... nothing is left to be told' "$(mails) $(jq '.queue | length' "$STATE/notify.json")" '0 0'

# --- killed --------------------------------------------------------------------------------------------

# killed SECONDS COMMAND: a run that is killed while sendmail has the mail and has not said so
killed() {
	local pid
	touch "$SCRATCH/sendmail-hangs"
	"$PROGRAM" -q -c "$CONF" --now "@$((START + $1))" "$2" >/dev/null 2>&1 &
	pid=$!
	within 8 has_mail
	kill -KILL "$pid"
	wait "$pid" 2>/dev/null
	rm "$SCRATCH/sendmail-hangs"
}
has_mail() {
	[ "$(mails)" -gt 0 ]
}
at $((80 * DAY)) roll
forget
killed $((83 * DAY)) cron
is 'killed while it tells: it is on disk' "$(jq -r '.queue[] | .event + " " + .channel' "$STATE/notify.json" | sort -u | paste -s -d ,)" \
	'promoted hook,promoted mail'
at $((83 * DAY + 60)) cron
is '... the next run tells it, at most for the second time' "$(subjects | sort | uniq -c | tr -s ' ')" ' 2 promoted mx, web'
is '... nothing is left' "$(jq '.queue | length' "$STATE/notify.json")" 0
is '... and the history has it once' "$(lived mx | tr , '\n' | grep -c '^promoted$')" \
	"$(jq -r 'select(.event == "promoted") | .keyset' "$LOG" | sort -u | wc -l)"

# everywhere FAULT HISTORY: a promotion with this fault at every call of some kinds, and then completed; what is wrong
everywhere() {
	local call n status told
	for call in rename fsync write; do
		for ((n = 1; n < 200; n++)); do
			rm -rf "$STATE"
			cp -a "$SCRATCH/before" "$STATE"
			: >"$SAYS"
			sh -c '"$@"; exit $?' sh strace -o "$SCRATCH/calls" -e trace=$call -e "inject=$call:$1:when=$n${2:-}" \
				"$PROGRAM" -q -c "$CONF" --now "@$((START + 3 * DAY))" cron >/dev/null 2>&1
			status=$?
			"$PROGRAM" -q -c "$CONF" --now "@$((START + 3 * DAY + 60))" cron || echo "$call $n: exit $?"
			told=$(grep -c '"event":"promoted"' "$SAYS")
			[ "$told" = 1 ] || [ "$told" = 2 ] || echo "$call $n: told $told times"
			[ "$(lived mx)" = "$LIVED" ] || echo "$call $n: the history is $(lived mx)"
			[ -z "$(find "$STATE" -name '.tmp-*')" ] || echo "$call $n: left $(find "$STATE" -name '.tmp-*')"
			grep -q INJECTED "$SCRATCH/calls" || [ $status -eq 137 ] || break
			POINTS=$((POINTS + 1))
		done
	done
}
rm -rf "$STATE"
rm "$CONF"/web.conf
defaults "hook = $SCRATCH/told" 'events = all'
at 0 init
at $HOUR roll
rm -rf "$SCRATCH/before"
cp -a "$STATE" "$SCRATCH/before"
at $((3 * DAY)) cron
LIVED=$(lived mx)
POINTS=0
everywhere signal=KILL >"$SCRATCH/wrong" 2>&1
is 'killed anywhere: told once or twice, and once in the history' "$(head -5 "$SCRATCH/wrong")" ''
check '... at many points' [ "$POINTS" -gt 20 ]
note "$POINTS points"
POINTS=0
everywhere error=ENOSPC + >"$SCRATCH/wrong" 2>&1
is 'no room on the disk from anywhere on: the same, once there is room again' "$(head -5 "$SCRATCH/wrong")" ''
check '... at many points' [ "$POINTS" -gt 20 ]
note "$POINTS points"

# injected CALL ERROR SECONDS COMMAND...: this call fails when it is about notify.json for the first time.  Which one
# that is comes from a rehearsal.
injected() {
	local call=$1 error=$2 now=$((START + $3)) n
	shift 3
	rm -rf "$SCRATCH/before" && cp -a "$STATE" "$SCRATCH/before"
	strace -o "$SCRATCH/calls" -e "trace=$call" "$PROGRAM" -c "$CONF" --now "@$now" "$@" >/dev/null 2>&1
	n=$(grep "^$call(" "$SCRATCH/calls" | grep -n -m 1 '/notify\.json"' | cut -d : -f 1)
	rm -rf "$STATE" && cp -a "$SCRATCH/before" "$STATE"
	forget
	strace -o "$SCRATCH/calls" -e "trace=$call" -e "inject=$call:error=$error:when=$n" "$PROGRAM" -c "$CONF" --now "@$now" "$@" \
		>"$SCRATCH/out" 2>"$SCRATCH/err"
	OUT=$(cat "$SCRATCH/out") ERR=$(cat "$SCRATCH/err")
}
line web
rm -rf "$STATE"
defaults 'mail = root@example.org' "sendmail = $SCRATCH/sendmail" 'events = all'
at 0 -q init
at $HOUR roll
forget
touch "$SCRATCH/reload-fails"
injected rename ENOSPC $((3 * DAY)) cron
check 'what is to be told cannot be written down: that is said' grep -q 'notify.json: No space left' <<<"$ERR"
is '... what is wrong is told all the same' "$(subjects)" 'failing mx, web'
is '... news are kept for later' "$(lived mx | tr , '\n' | grep -c '^promoted$')" 1
forget
rm "$SCRATCH/reload-fails"
at $((3 * DAY + HOUR)) cron
is '... when they are told' "$(subjects)" 'promoted mx, web'
is '... and stand in the history' "$(lived mx | tr , '\n' | grep -c '^promoted$')" 2
forget
touch "$SCRATCH/sendmail-fails"
at $((6 * DAY)) cron
check 'a queue' [ "$(jq '.queue | length' "$STATE/notify.json")" -gt 0 ]
rm "$SCRATCH/sendmail-fails"
BEFORE=$(cat "$STATE/notify.json")
touch "$SCRATCH/reload-fails"
injected openat EIO $((6 * DAY + HOUR)) renew
check 'that cannot be read: that is said' grep -q 'notify.json: Input/output error' <<<"$ERR"
is '... what is wrong is told all the same' "$(subjects)" 'failing mx, web'
is '... and it stays as it is' "$(cat "$STATE/notify.json")" "$BEFORE"
rm "$SCRATCH/reload-fails"
at $((6 * DAY + 2 * HOUR)) cron
like '... so that it is told later' "$(subjects | paste -s -d ' ')" 'retired mx, web'
forget
echo '{"queue": [' >"$STATE/notify.json"
at $((7 * DAY)) cron
like 'one that is damaged: said' "$ERR" 'notify.json is damaged: it is kept as .*notify.json.damaged, and what it had is told to nobody'
is '... and kept' "$(cat "$STATE/notify.json.damaged")" '{"queue": ['
at $((7 * DAY + HOUR)) cron
is '... that is all' "$STATUS $ERR" '0 '

# one that is slow does not cost the others a second copy
script "$SCRATCH/slow" <<END
cat >>$SAYS
sleep 20
END
defaults 'mail = root@example.org' "sendmail = $SCRATCH/sendmail" "hook = $SCRATCH/slow" 'events = renewed'
forget
at $((7 * DAY + 2 * HOUR)) -q renew mx &
delivered() {
	jq -e '.queue | length == 1' "$STATE/notify.json" && [ "$(mails)" -eq 1 ]
}
check 'what one was told is noted while another one is slow' within 10 delivered
wait $!
rm -rf "$STATE"

# --- webhooks, pings ------------------------------------------------------------------------------------

free_port
start web "$TOP/tests/system/lab/telling.py" "$PORT" "$WEB" "$MODE"
check 'a web server' within 10 listens "$PORT"
(umask 077 && echo s3cret >"$SCRATCH/token")
rm -rf "$STATE"
forget
defaults "webhook = http://127.0.0.1:$PORT/in?key=hidden" "webhook-token = $SCRATCH/token" \
	"ping = http://127.0.0.1:$PORT/ping/" 'events = all' '[run]' "metrics-file = $SCRATCH/certline.prom"
at 0 init
web() {
	jq -r "$1" "$WEB" | sort | paste -s -d ' '
}
is 'webhooks: one for each line and event, and pings' "$(web .path)" \
	'/in?key=hidden /in?key=hidden /ping/0 /ping/start'
is '... JSON, with the token' "$(web 'select(.path | startswith("/in")) | .type + " " + .authorization' | tr ' ' '\n' | sort -u | paste -s -d ' ')" \
	'Bearer application/json s3cret'
is '... about the line' "$(web 'select(.path | startswith("/in")) | .body | fromjson | .event + " " + .line' | tr ' ' '\n' | sort | paste -s -d ' ')" \
	'mx promoted promoted web'
is '... pings have no token' "$(web 'select(.path | startswith("/ping")) | .authorization')" 'null null'
like '... the last one has what was said' "$(jq -r 'select(.path == "/ping/0") | .body' "$WEB")" '^mx: made the first key'
forget
touch "$SCRATCH/reload-fails"
at $((60 * DAY)) cron
is 'a run that fails: the ping has its status' "$(web 'select(.path | startswith("/ping")) | .path')" '/ping/1 /ping/start'
rm "$SCRATCH/reload-fails"
day=60
for mode in fail garbage redirect; do
	forget
	echo $mode >"$MODE"
	day=$((day + 1))
	at $((day * DAY)) cron
	is "a web server with mode $mode: exit 0" "$STATUS" 0
	like '... is said, without what may be secret' "$ERR" 'telling by webhook http://127.0.0.1:[0-9]*/... failed, and is tried again later'
	check_not '... indeed' grep -q hidden <<<"$ERR"
	is '... it is asked once in a run, though two lines have something to say' "$(jq -r .path "$WEB" | grep -c ^/in)" 1
	check_not '... nothing else is asked' grep -q elsewhere "$WEB"
	touch "$SCRATCH/reload-fails"
	at $((day * DAY + HOUR)) renew
	rm "$SCRATCH/reload-fails"
	at $((day * DAY + HOUR)) cron
done
echo ok >"$MODE"
forget
at $((65 * DAY)) cron
is '... afterwards all of it is told' "$(web 'select(.path | startswith("/in")) | .body | fromjson | .event' | tr ' ' '\n' | sort -u | paste -s -d ' ')" \
	'failing recovered renewed'
forget
chmod o+r "$SCRATCH/token"
at $((65 * DAY + HOUR)) renew web
is 'a token that others can read: it is not used' "$(web 'select(.path | startswith("/in")) | .path')" ''
like '... which is said, with what to do' "$ERR" "telling by webhook .*$SCRATCH/token can be read or written by others: chmod o= "
chmod o= "$SCRATCH/token"
at $((65 * DAY + 2 * HOUR)) cron
like '... then it is told' "$(web 'select(.path | startswith("/in")) | .authorization')" '^Bearer s3cret$'

for n in 1 2 3 4 5 6 7 8 9; do line "more$n"; done
defaults "webhook = http://127.0.0.1:$PORT/a http://127.0.0.1:$PORT/b http://localhost:$PORT/c" "ping = http://127.0.0.1:$PORT/ping?create=1" \
	'mail = root@example.org' "sendmail = $SCRATCH/sendmail" "hook =" " $SCRATCH/told" " $SCRATCH/told again" 'events = all' \
	'[run]' "metrics-file = $SCRATCH/certline.prom"
echo hang >"$MODE"
touch "$SCRATCH/sendmail-hangs" "$SCRATCH/told-hangs"
check 'when everything hangs, a run takes half a minute at most' took 32 at $((70 * DAY)) init
is '... and is no failure' "$STATUS" 0
is '... all is still to be told' "$(jq '.queue | length' "$STATE/notify.json")" $((9 * 6))
rm "$SCRATCH/sendmail-hangs" "$SCRATCH/told-hangs"
echo ok >"$MODE"
forget
at $((70 * DAY + 120)) -q cron
is '... later it is' "$(subjects), $(jq -r 'select(.path | startswith("/ping") | not) | .path' "$WEB" | sort | uniq -c | tr -s ' \n' ' '), $(wc -l <"$SAYS")" \
	'promoted more1, more2, more3 and 6 more,  9 /a 9 /b 9 /c , 18'

is '... a query of a ping stays behind' "$(jq -r 'select(.path | startswith("/ping")) | .path' "$WEB" | sort | paste -s -d ' ')" \
	'/ping/0?create=1 /ping/start?create=1'

# --- metrics -------------------------------------------------------------------------------------------

PROM=$SCRATCH/certline.prom
quietly() {
	"$@" >/dev/null
}
check 'promtool is content with the metrics' quietly promtool check metrics <"$PROM"
is '... anybody may read them' "$(stat -c %a "$PROM")" 644
at $((71 * DAY)) -q cron mx
is 'a run for one line: all lines are in the metrics' "$(grep -c '^certline_line_ok{.*} 1' "$PROM")" 11
like '... with the time of the run' "$(cat "$PROM")" "^certline_run_at_seconds $NOW\$"
before=$(cat "$PROM")
at $((72 * DAY)) -q -n cron
is '... a rehearsal leaves them alone' "$(cat "$PROM")" "$before"
touch "$SCRATCH/reload-fails"
at $((73 * DAY)) -q renew mx
rm "$SCRATCH/reload-fails"
is 'a line that fails' "$(grep -E '^certline_line_(ok|pending)\{line="mx"\}' "$PROM" | paste -s -d ' ')" \
	'certline_line_ok{line="mx"} 0 certline_line_pending{line="mx"} 1'
like '... when its certificate ends' "$(cat "$PROM")" '^certline_certificate_not_after_seconds\{line="mx",slot="live",type="ec-256"\} [0-9]+$'
check 'promtool is content with the rules' quietly promtool check rules "$TOP/contrib/prometheus/certline.rules.yml"
cat >"$SCRATCH/rules.yml" <<END_OF_RULES
rule_files: [$TOP/contrib/prometheus/certline.rules.yml]
evaluation_interval: 5m
tests:
  - interval: 5m
    input_series:
      - series: certline_line_pending{line="mx"}
        values: 1x200
    alert_rule_test:
      - {eval_time: 10m, alertname: CertlineOwesForLong, exp_alerts: []}
      - eval_time: 400m
        alertname: CertlineOwesForLong
        exp_alerts:
          - exp_labels: {severity: critical, line: mx}
            exp_annotations: {summary: the line mx on  owes something for six hours}
END_OF_RULES
check 'what is owed since a moment is not owed for long' quietly promtool test rules "$SCRATCH/rules.yml"
names() {
	grep -oE 'certline_[a-z_]+' "$1" | sort -u
}
for file in contrib/prometheus/certline.rules.yml contrib/grafana/certline.json; do
	is "$file has no metric that there is not" \
		"$(comm -23 <(names "$TOP/$file") <(sed -n 's/^# TYPE \([a-z_]*\) .*/\1/p' "$PROM" | sort))" ''
done
check '... and the dashboard is JSON' quietly jq -e '.panels | length > 5' "$TOP/contrib/grafana/certline.json"

finish
