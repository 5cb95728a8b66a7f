# shellcheck shell=bash
# lib.sh - what the system tests share: TAP, a scratch folder, servers on loopback that are ended by
# their recorded pid, waits with an end, and a store as certline makes it.  Source it first.
#
# KEEP=1 keeps the scratch folder.
#
# Touches: one folder under TMPDIR; processes that it started.

set -u
TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export LC_ALL=C
SCRATCH=$(mktemp -d "${TMPDIR:-/tmp}/certline-test.XXXXXX")
chmod 755 "$SCRATCH"                    # servers that give up root read in it
TESTS=0
FAILED=0
PIDS=()                                 # of the servers that were started
declare -A BEGAN=()                     # when, by pid: a pid is given to somebody else before long
PIDFILES=()                             # of those that put themselves into the background
PORTS=()                                # handed out already, as links
PORTS_DIR=/tmp/certline-ports.$(id -u)

lib_end() {
	local pid file
	for file in "${PIDFILES[@]}"; do
		[ -s "$file" ] && PIDS+=("$(tr -d ' \n' <"$file")")
	done
	for pid in "${PIDS[@]}"; do
		gone "$pid" || kill "$pid" 2>/dev/null
	done
	for pid in "${PIDS[@]}"; do
		stop "$pid"
	done
	[ ${#PORTS[@]} -eq 0 ] || rm -f "${PORTS[@]}"
	if [ -n "${KEEP:-}" ]; then
		echo "# kept $SCRATCH"
	else
		rm -rf "$SCRATCH"
	fi
}
trap lib_end EXIT
trap 'exit 130' INT TERM HUP PIPE

# note TEXT: a TAP comment, of as many lines as TEXT has.
note() {
	printf '%s\n' "$*" | sed 's/^/# /'
}

# verdict STATUS TEXT: prints one TAP line; 0 is "ok".
verdict() {
	TESTS=$((TESTS + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $TESTS - $2"
	else
		echo "not ok $TESTS - $2"
		FAILED=$((FAILED + 1))
	fi
	return "$1"
}

# check TEXT COMMAND...: the command succeeds.
check() {
	local text=$1
	shift
	"$@"
	verdict $? "$text" || note "$*"
}

# check_not TEXT COMMAND...: the command fails.
check_not() {
	local text=$1
	shift
	! "$@"
	verdict $? "$text" || note "succeeded: $*"
}

# is TEXT GOT EXPECTED
is() {
	[ "$2" = "$3" ]
	verdict $? "$1" || note "got:      $2"$'\n'"expected: $3"
}

# like TEXT GOT PATTERN: the pattern is an extended regular expression.
like() {
	printf '%s\n' "$2" | grep -E -q -- "$3"
	verdict $? "$1" || note "got:     $2"$'\n'"no line: $3"
}

# finish: prints the plan and ends the test.
finish() {
	echo "1..$TESTS"
	[ "$FAILED" -eq 0 ] || note "$FAILED of $TESTS failed"
	exit $((FAILED > 0))
}

# need_programs PROGRAM...: a test that cannot run says so, and has failed.
need_programs() {
	local program missing=
	for program; do
		command -v "$program" >/dev/null || missing+=" $program"
	done
	[ -z "$missing" ] && return
	verdict 1 "not installed:$missing"
	finish
}

# within SECONDS COMMAND...: repeats the command until it succeeds.
within() {
	local until_at=$(($(date +%s) + $1))
	shift
	until "$@"; do
		[ "$(date +%s)" -lt "$until_at" ] || return 1
		sleep 0.1
	done
}

# free_port: puts a port into $PORT that nobody listens on, and that was not handed out before, here or to a test
# that runs beside this one: whoever holds a port has a link of that name to its pid.
free_port() {
	local i owner
	mkdir -p "$PORTS_DIR"
	for ((i = 0; i < 400; i++)); do
		PORT=$((10240 + RANDOM % 22000))    # under the ports that the kernel gives to clients
		owner=$(readlink "$PORTS_DIR/$PORT") && [ ! -e "/proc/$owner" ] && rm -f "$PORTS_DIR/$PORT"
		ln -s "$$" "$PORTS_DIR/$PORT" 2>/dev/null || continue
		PORTS+=("$PORTS_DIR/$PORT")
		[ -z "$(ss -Htuln "sport = :$PORT")" ] || continue
		return
	done
	echo 'Bail out! no free port'
	exit 1
}

# start NAME COMMAND...: a server that stays in the foreground; its pid is in $PID, what it says in
# $SCRATCH/NAME.log.
start() {
	local name=$1
	shift
	setsid "$@" >"$SCRATCH/$name.log" 2>&1 </dev/null &
	PID=$!
	disown
	PIDS+=("$PID")
	began "$PID" && BEGAN[$PID]=$TICKS
	return 0
}

# stop PID: TERM, and KILL after five seconds.
stop() {
	gone "$1" || kill "$1" 2>/dev/null || return 0
	within 5 gone "$1" || kill -KILL "$1" 2>/dev/null
	return 0
}

# began PID: puts into $TICKS when it was started; false: nothing with that pid runs.
began() {
	local stat
	{ read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
	# the name is in parentheses, and may have blanks; after it comes the third field
	# shellcheck disable=SC2086 # words are meant
	set -- ${stat##*) }
	TICKS=${20}
	[ "$1" != Z ]
}

# gone PID: it does not run, or what does is not what start() has started.
gone() {
	! began "$1" || [ "${BEGAN[$1]:-$TICKS}" != "$TICKS" ]
}

listens() {
	[ -n "$(ss -Htln "sport = :$1")" ]
}

# --- a store: one line, whose generations are made here ---------------------------------------------

LINE=mx
STATE=$SCRATCH/state
LINE_DIR=$STATE/lines/$LINE
LIVE=$LINE_DIR/live
NAMES='mx.example.test www.example.test'

# new_generation NUMBER: a generation with a fresh key and a self-signed certificate.
new_generation() {
	local gen
	gen=$LINE_DIR/gen/$(printf %06d "$1")
	(
		umask 077
		mkdir -p "$gen"
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 90 \
			-subj "/CN=${NAMES%% *}" -addext "subjectAltName=DNS:${NAMES// /,DNS:}" \
			-keyout "$gen/key.pem" -out "$gen/cert.pem" 2>/dev/null
		: >"$gen/chain.pem"
		cat "$gen/cert.pem" "$gen/chain.pem" >"$gen/fullchain.pem"
		cat "$gen/key.pem" "$gen/fullchain.pem" >"$gen/combined.pem"
		echo '{"version": 1}' >"$gen/manifest.json"
		chmod 644 "$gen/cert.pem" "$gen/chain.pem" "$gen/fullchain.pem"
	)
}

# go_live NUMBER: one rename, as certline does it.
go_live() {
	ln -sfn "gen/$(printf %06d "$1")" "$LINE_DIR/.live"
	mv -T "$LINE_DIR/.live" "$LIVE"
}

# digest NUMBER: the TLSA 3 1 1 digest of a generation's key.
digest() {
	openssl x509 -in "$LINE_DIR/gen/$(printf %06d "$1")/cert.pem" -noout -pubkey |
		openssl pkey -pubin -outform DER | sha256sum | cut -d ' ' -f 1 | tr '[:lower:]' '[:upper:]'
}

# fingerprint FILE: that of the first certificate in it.
fingerprint() {
	openssl x509 -in "$1" -noout -fingerprint -sha256 2>/dev/null
}

# presented PORT [STARTTLS-PROTOCOL]: the fingerprint of the certificate that a server shows.
presented() {
	timeout 5 openssl s_client -connect "127.0.0.1:$1" -servername "${NAMES%% *}" ${2:+-starttls "$2"} \
		</dev/null 2>/dev/null | openssl x509 -noout -fingerprint -sha256 2>/dev/null
}

# presents NUMBER PORT [STARTTLS-PROTOCOL]: a server shows the certificate of this generation.
presents() {
	[ "$(presented "${@:2}")" = "$(fingerprint "$LINE_DIR/gen/$(printf %06d "$1")/cert.pem")" ]
}

# --- hooks -----------------------------------------------------------------------------------------

INCLUDE=                                # include-file of the line
OWNERS=
STARTTLS=
EVENT=post-keychange

# hook NAME ARGUMENT...: runs a ready-made hook as certline does, with $EVENT.  Its exit status goes
# into $STATUS, what it says into $SAID.
hook() {
	local name=$1
	shift
	run_hook "$TOP/hooks/$name" "$EVENT" "$LINE" "$@"
}

# run_hook PROGRAM ARGUMENT...
run_hook() {
	local vars=(PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/ LANG=C CERTLINE_VERSION=0
		"CERTLINE_EVENT=$EVENT" "CERTLINE_LINE=$LINE" CERTLINE_CONFIG=/nonexistent
		CERTLINE=/nonexistent/certline "CERTLINE_STATE=$STATE" "CERTLINE_DIR=$LINE_DIR"
		"CERTLINE_LIVE=$LIVE" "CERTLINE_NAMES=$NAMES" "CERTLINE_OWNERS=$OWNERS"
		CERTLINE_KEY_CHANGED=yes)
	[ -z "$STARTTLS" ] || vars+=("CERTLINE_STARTTLS=$STARTTLS")
	[ -z "$INCLUDE" ] || vars+=("CERTLINE_INCLUDE_FILE=$INCLUDE")
	SAID=$(cd / && echo '{"version": 1}' | env -i "${vars[@]}" timeout 60 "$@" 2>&1)
	STATUS=$?
}

# hook_exits STATUS TEXT NAME ARGUMENT...: runs the hook, and looks at its exit status.
hook_exits() {
	hook "${@:3}"
	is "$2" "$STATUS" "$1"
	[ "$STATUS" = "$1" ] || note "$SAID"
}

# protocol NAME ARGUMENT...: what every hook owes, called with arguments that would be good ones.
protocol() {
	local event=$EVENT
	hook_exits 2 "no argument: exit 2" "$1"
	like '... says how to call it' "$SAID" "usage: $1 EVENT LINE"
	hook_exits 2 'an unknown option: exit 2' "$1" --no-such-option 1 "${@:2}"
	hook_exits 2 'an option without its value: exit 2' "$@" --port
	EVENT=post-something
	hook_exits 0 'an unknown event: exit 0' "$@"
	is '... nothing is said' "$SAID" ''
	hook_exits 0 'an unknown event without arguments: exit 0' "$1"
	EVENT=--help
	hook_exits 0 '--help: exit 0' "$1"
	EVENT=$event
}

# --- zones -----------------------------------------------------------------------------------------

DNS=53                                  # port of the name server

# records OWNER NUMBER...: TLSA records for the keys of these generations, as in an include file.
records() {
	local number
	for number in "${@:2}"; do
		echo "$1 60 IN TLSA 3 1 1 $(digest "$number")"
	done
}

# own_copy PROGRAM: where AppArmor enforces, its profile is attached by path.
own_copy() {
	local path
	path=$(command -v "$1")
	if [ "$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null)" = Y ]; then
		cp "$path" "$SCRATCH/$1"
		path=$SCRATCH/$1
	fi
	echo "$path"
}

# ask NAME TYPE [OPTION...]: the answer of the name server, one record a line.
ask() {
	dig -r +norecurse +tries=1 +time=2 +noall +answer -p "$DNS" @127.0.0.1 "$@" | grep -v '^;'
}

# served OWNER: the digests that the name server answers with.
served() {
	ask "$1" TLSA +nosplit | awk '$4 == "TLSA" { print $8 }' | sort
}

# serves OWNER NUMBER...: it answers with the keys of exactly these generations.
serves() {
	local number
	[ "$(served "$1")" = "$(for number in "${@:2}"; do digest "$number"; done | sort)" ]
}
