#!/bin/bash
# held.sh - a server that does not have the key of its line does not hold back what does not depend on it: new
# owners wait for their own servers alone, and the records of a compromised key go when nobody presents it.
#
# shellcheck disable=SC2016,SC2034,SC2153,SC2154 source=/dev/null

. "$(dirname "$0")/lab/alone.sh"
. "$(dirname "$0")/lib.sh" || exit 1
. "$TOP/tests/system/lab/line.sh"
. "$TOP/tests/system/lab/looking.sh"
need_programs openssl jq ip
ip link set lo up

TYPES=ec-256
HOOKS=(/bin/true)
OLD=_25._tcp.mx.lab.example
NEW=_443._tcp.www.lab.example
SIDE=_443._udp.www.lab.example          # nobody can look at it
free_port; OLD_PORT=$PORT
free_port; NEW_PORT=$PORT
foreign_keys "$SCRATCH/foreign"

# two_owners: both published, both servers with the live key
two_owners() {
	OWNERS="$OLD $NEW"
	fresh
	at 0 init -q
	present_keys old "$OLD_PORT" "$LIVE"
	present_keys new "$NEW_PORT" "$LIVE"
	is_at 60 0 "$1: two owners" cron
	is "$1: with records" "$(recorded)" 2
}

# --- a new owner whose server has another key --------------------------------------------------------------

ROWS=("servers = $OLD none 127.0.0.1:$OLD_PORT")
OWNERS=$OLD
fresh
at 0 init -q
present_keys old "$OLD_PORT" "$LIVE"
is_at 60 0 'one owner' cron
is 'with its record' "$(recorded)" 1
OWNERS="$OLD $NEW $SIDE"
ROWS+=("  $NEW none 127.0.0.1:$NEW_PORT")
conf
present_keys new "$NEW_PORT" "$SCRATCH/foreign"
is_at 120 1 'another one, whose server has a key of its own' cron
check 'is named' says "$NEW at 127\.0\.0\.1:$NEW_PORT presents a key that is not of this line: let the server read the live files"
is 'it gets no record' "$(recorded "$NEW")" 0
is 'nor does a service of that host that cannot be looked at' "$(recorded "$SIDE")" 0
is 'the other one keeps its own' "$(recorded "$OLD")" 1
at 130 status
check 'status says what it waits for' says "$NEW gets its first records when its servers are seen with the live key"
check 'and that the line is up to date' says 'up to date|certificate is due'
check_not 'and nothing of a set that is not published' says 'not published yet'
is_at 200 1 'a rollover is ordered' roll
is 'the next key is published' "$(recorded "$OLD")" 2
at 3900 cron
is 'and promoted, without the new owner' "$(generation live)" 2
present_keys old "$OLD_PORT" "$LIVE"
is_at 4000 1 'the old server has switched; the new one is named still' cron
at 180000 cron
is 'the old record goes, whatever the new server presents' "$(recorded)" 1
is_at 180100 1 'an emergency' roll --emergency "$LINE"
is 'the next key is published' "$(recorded "$OLD")" 2
at 181000 cron
is 'and promoted' "$(generation live)" 3
present_keys old "$OLD_PORT" "$LIVE"
at 354000 cron
is 'and the compromised key goes' "$(recorded)" 1

# it goes down, and comes back with the right key
stop "${SERVER_PID[new]}"
is_at 354100 0 'the new server is down: no fault at once' cron
is_at 358000 1 'but after an hour' cron
check 'and named' says "$NEW at 127\.0\.0\.1:$NEW_PORT is not reached"
is_at 4000000 1 'for months' cron
is 'no record without a server that was seen with the key' "$(recorded "$NEW")" 0
present_keys old "$OLD_PORT" "$LIVE"
present_keys new "$NEW_PORT" "$LIVE"
is_at 4000100 0 'it comes up with the live key' cron
is 'and has its record' "$(recorded "$NEW")" 1
is 'and so has the other service of that host' "$(recorded "$SIDE")" 1

# an address that is new in the configuration is looked at by the next run, and not when it is time for all
ROWS[0]+=" 127.0.0.4:$OLD_PORT"
conf
at 4000130 cron
is 'a new address is looked at at once' "$(of '[.endpoints[] | select(.address | startswith("127.0.0.4:"))] | length')" 1
ROWS[0]=${ROWS[0]% *}

# --- nobody has the key: nothing is in DNS that anybody could rely on -----------------------------------------

OWNERS="$OLD $NEW"
fresh
stop "${SERVER_PID[old]}"
stop "${SERVER_PID[new]}"
at 0 init -q
at 9000000 cron
is 'all servers are away for months: no records' "$(recorded)" 0
check 'the plan says what is waited for' says "$OLD at 127\.0\.0\.1:$OLD_PORT is not reached"
present_keys old "$OLD_PORT" "$SCRATCH/foreign"
present_keys new "$NEW_PORT" "$SCRATCH/foreign"
before=$(generation live)
at 9000100 roll --emergency "$LINE"
is 'a compromised key is replaced at once all the same' "$(generation live)" $((before + 1))
is 'without any record' "$(recorded)" 0
is 'and is done with' "$(of '.keys.retired | length')" 0

# --- a compromised key ----------------------------------------------------------------------------------------

two_owners 'compromised'
at 100 roll --emergency "$LINE"
is 'compromised: the next key is published' "$(recorded)" 4
at 1000 cron
is 'compromised: and promoted' "$(generation live)" 2
present_keys old "$OLD_PORT" "$LIVE"
is_at 1100 1 'compromised: one server has it still' cron
is 'compromised: its records stay' "$(recorded)" 4
at 1110 status
check 'compromised: which is said' says "compromised key's records stay while a server presents it: $NEW at 127\.0\.0\.1:$NEW_PORT presents the old key"
present_keys new "$NEW_PORT" "$SCRATCH/foreign"
is_at 1200 1 'compromised: now it shows another wrong key' cron
is 'compromised: nobody needs its records' "$(recorded)" 2

# --- all owners are replaced: the old ones keep their records until a new one has some ---------------------------

two_owners 'replaced'
free_port; NEXT_PORT=$PORT
NEXT=_444._tcp.mx.lab.example
OWNERS=$NEXT
was=("${ROWS[@]}")
ROWS=("servers = $NEXT none 127.0.0.1:$NEXT_PORT")
conf
present_keys next "$NEXT_PORT" "$SCRATCH/foreign"
is_at 200 1 'replaced: by one whose server has another key' cron
is 'replaced: the old ones keep their records' "$(recorded "$OLD") $(recorded "$NEW") $(recorded "$NEXT")" '1 1 0'
at 210 status
check 'replaced: which is said' says "$OLD is not among the owners any more, and keeps its records until the servers of another"
at 300 roll --emergency "$LINE"
is 'replaced: the next key is published there' "$(recorded "$OLD") $(recorded "$NEW") $(recorded "$NEXT")" '2 2 0'
at 1000 cron
is 'replaced: and promoted' "$(generation live)" 2
at 200000 cron
is 'replaced: records of both keys stay, since nobody looks at those servers' "$(recorded "$OLD") $(recorded "$NEW")" '2 2'
check_not 'replaced: and nothing else is claimed' says 'retired|not published yet'
OWNERS="$OLD $NEXT"
ROWS=("${was[0]}" "  $NEXT none 127.0.0.1:$NEXT_PORT")
conf
is_at 200100 1 'replaced: one comes back, whose server has the old key still' cron
is 'replaced: it has the records of both' "$(recorded "$OLD")" 2
OWNERS=$NEXT
ROWS=("servers = $NEXT none 127.0.0.1:$NEXT_PORT")
conf
present_keys next "$NEXT_PORT" "$LIVE"
is_at 200200 0 'replaced: the new server has the key' cron
is 'replaced: and there are its records alone' "$(recorded)/$(recorded "$NEXT")" 1/1
stop "${SERVER_PID[next]}"
ROWS=("${was[@]}")

# --- what is planned where a server lies ----------------------------------------------------------------------

two_owners 'plan'
at 100 roll
at 3900 cron
is 'plan: the next key is live' "$(generation live)" 2
present_keys old "$OLD_PORT" "$LIVE"
at 4000 cron
at 4010 plan
check_not 'plan: no date is given for what only the other server can bring about' says 'retire'
check 'plan: others are' says 'renew'
at 4010 status
check 'plan: status says what is waited for' says "until every server presents the live key: $NEW at 127\.0\.0\.1:$NEW_PORT presents the old key"
present_keys new "$NEW_PORT" "$LIVE"
is_at 4100 0 'plan: it has switched' cron
at 4110 plan
check 'plan: now there is one' says 'retire'
stop "${SERVER_PID[old]}"
stop "${SERVER_PID[new]}"
finish
