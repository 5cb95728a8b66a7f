#!/bin/bash
# progress.sh - long waits at a terminal: one row that moves and is gone before anything else is printed; nothing
# where there is no terminal.
# shellcheck disable=SC2153,SC2154 source=/dev/null
. "$(dirname "$0")/lib.sh" || exit 1
. "$TOP/tests/system/lab/line.sh"
need_programs python3

NOW=1800000000
# A hook that takes its time.
script "$SCRATCH/hook" <<'END_OF_HOOK'
sleep 1.2
END_OF_HOOK
cat >"$CONF/mx.conf" <<END_OF_CONF
domains = mx.example.org
issuer = self
[hooks]
post-certchange = $SCRATCH/hook
[dane]
owners = _25._tcp.mx.example.org
include-file = $SCRATCH/tlsa.inc
verify = no
[dirs]
state = $STATE
END_OF_CONF

# at_terminal COLUMNS ARGUMENT...: the program at a terminal; what it wrote in $RAW, each move and each row on one of
# its own.
at_terminal() {
	RAW=$("$TOP/tests/system/lab/terminal.py" "$1" "$PROGRAM" -c "$CONF" --now "@$NOW" "${@:2}" | tr '\r' '\n' | tr -d '\000' |
		sed 's/\x1b\[K/<erase>/g')
}

# seen: what is left on the screen of such rows: the last text after an erasure counts, and what ends a row stays.
seen() {
	printf '%s\n' "$RAW" | sed 's/.*<erase>//' | grep -v '^$'
}

at_terminal 80 init
moves=$(printf '%s\n' "$RAW" | grep -cE '^<erase>mx: running hooks \(/.*/hook\) [0-9]+ s [-\\|/]$')
most=$(printf '%s\n' "$RAW" | sed -nE 's/^<erase>mx: running .* ([0-9]+) s .$/\1/p' | tail -1)
check "a hook that takes 1.2 s is shown, and the row moves ($moves times)" test "$moves" -ge 3
check '... at most five times a second' test "$moves" -le $((5 * (${most:-0} + 1)))
like '... with the seconds' "$RAW" '^<erase>mx: running hooks .* 1 s '
check '... by different rows' test "$(printf '%s\n' "$RAW" | grep '<erase>mx: running' | sort -u | wc -l)" -ge 3
is 'what was done is on rows of its own' "$(seen | grep -vE 'running hooks|next: |^    ')" \
	'mx: made the first key (ec-256, generation 1); its certificate is valid until 2027-04-15
mx: the servers were told of generation 1
mx: published 1 TLSA record (set 1)'
# every row that was drawn is erased by what follows
is '... and after each move comes an erasure' \
	"$(printf '%s\n' "$RAW" | awk '/<erase>mx: running/ { moved = 1; next } moved { if (!/^<erase>/) print; moved = 0 }')" ''
at_terminal 80 cron
is 'an idle run shows nothing' "$(printf '%s' "$RAW" | tr -d '\n')" ''

at_terminal 30 renew
check 'on a narrow terminal the row is cut' test \
	"$(printf '%s\n' "$RAW" | sed -n 's/^<erase>\(mx: running.*\)/\1/p' | awk '{ if (length($0) > most) most = length($0) } END { print most }')" -eq 29

at_terminal 80 -q renew
is 'with --quiet nothing is shown' "$(printf '%s' "$RAW" | tr -d '\n')" ''
at_terminal 80 --json renew
check_not 'with --json neither' grep -q 'erase' <<<"$RAW"
run renew
is 'without a terminal nothing is shown' "$STATUS $ERR$(grep -c 'running' <<<"$OUT")" '0 0'

# --- a failure meanwhile ----------------------------------------------------------------------------

script "$SCRATCH/hook" <<'END_OF_HOOK'
sleep 0.7
echo what the hook says
exit 3
END_OF_HOOK
at_terminal 80 renew
like 'an error is on a row of its own' "$(seen)" '^certline: mx: post-certchange hook /.*/hook: exit status 3$'
like '... and what the hook says' "$(seen)" '^    \| what the hook says$'

# --- a line that is done while another one waits ------------------------------------------------------

# A CA that accepts connections, says nothing while the file "silent" is there, and hangs up.
free_port
start ca python3 -c '
import os, socket, sys, time
s = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    c = s.accept()[0]
    while os.path.exists(sys.argv[2]):
        time.sleep(0.1)
    c.close()
' "$PORT" "$SCRATCH/silent"
check 'a CA listens' within 10 listens "$PORT"
printf 'domains = slow.example.org\n[acme]\nca = https://127.0.0.1:%s/directory\nagree-tos = yes\nchallenge-dir = %s\n[dirs]\nstate = %s\n' \
	"$PORT" "$SCRATCH" "$STATE" >"$CONF/slow.conf"
script "$SCRATCH/hook" <<END_OF_HOOK
rm -f $SCRATCH/silent
END_OF_HOOK
run init
touch "$SCRATCH/silent"
# the hook, which is run while the CA is waited for, lets it hang up
at_terminal 80 renew
like 'two lines at work are shown' "$RAW" '^<erase>mx and 1 more: waiting for the CA, 2 names 2 s '
like '... what one has done meanwhile is on a row of its own' "$(seen)" '^mx: renewed the certificate of the live key \(generation [0-9]+\), valid until 2027-04-15$'
like '... and so is what the other one has not' "$(seen)" '^certline: slow: '
finish
