# shellcheck shell=bash
# line.sh - certline itself, as the system tests run it, on top of lib.sh.
#
# B is the build folder (build), PROGRAM the program in it.
#
# Touches: what certline touches: a store and a configuration under $SCRATCH.
# shellcheck disable=SC2034 # names that only the test uses
# shellcheck disable=SC2154 # names of lib.sh

BUILD=$(cd "$TOP" && realpath -m "${B:-build}")
PROGRAM=${PROGRAM:-$BUILD/certline}
CONF=$SCRATCH/conf
NOW=                                    # the clock of a rehearsal, seconds since the epoch
trap 'exit 141' PIPE                    # `life.sh | head` must not leave anything behind
umask 022                               # a configuration that others can write is refused
mkdir -p "$CONF"

[ -x "$PROGRAM" ] || {
	echo "Bail out! $PROGRAM is not there: make B=${B:-build}"
	exit 1
}

# run ARGUMENT...: the program with the configuration of the test, and its clock if $NOW is set.
# Exit status in $STATUS, standard output in $OUT, standard error in $ERR.
run() {
	OUT=$("$PROGRAM" -c "$CONF" ${NOW:+--now "@$NOW"} "$@" 2>"$SCRATCH/stderr")
	STATUS=$?
	ERR=$(cat "$SCRATCH/stderr")
}

# exits STATUS TEXT ARGUMENT...: runs the program, and looks at its exit status.
exits() {
	run "${@:3}"
	is "$2" "$STATUS" "$1"
	[ "$STATUS" = "$1" ] || note "$OUT"$'\n'"$ERR"
}

# generation SLOT: the number of the generation that live or staging points to; 0 for none.
generation() {
	local target
	target=$(readlink "$LINE_DIR/$1") || target=gen/0
	echo $((10#${target##*/}))
}

# script FILE: makes an executable of standard input.
script() {
	{
		echo '#!/bin/sh'
		cat
	} >"$1"
	chmod 755 "$1"
}

# skip TEXT WHY: a test that was left out.
skip() {
	verdict 0 "$1 # SKIP $2"
}

declare -A SERVER_PID=()
# present_keys NAME PORT DIR: from now on a server with the key and the certificate that are in the folder now
present_keys() {
	[ -z "${SERVER_PID[$1]:-}" ] || stop "${SERVER_PID[$1]}"
	start "$1" openssl s_server -accept "127.0.0.1:$2" -cert "$3/cert.pem" -key "$3/key.pem" -quiet
	SERVER_PID[$1]=$PID
	within 5 listens "$2"
}

# foreign_keys DIR: a folder with a key of nobody's
foreign_keys() {
	mkdir "$1"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1/key.pem" -out "$1/cert.pem" \
		-subj /CN=foreign -days 30 2>/dev/null
}
