# looking.sh - a line with self-signed keys whose servers are looked at, and whose records go into an include file
# that nobody serves; with the clock of the program moved.  $CONF, $STATE, $LINE: lab/line.sh.
# shellcheck shell=bash disable=SC2034,SC2153,SC2154

INCLUDE=$SCRATCH/tlsa.inc
: >"$INCLUDE"
OWNERS=                                 # of the line
ROWS=()                                 # of [endpoints]
HOOKS=()
TYPES='ec-256 rsa-2048'

# conf [ROW...]: the configuration; rows of [endpoints].
conf() {
	cat >"$CONF/$LINE.conf" <<-END
		domains = mx.lab.example www.lab.example chat.lab.example
		issuer = self
		key-types = $TYPES
		[timing]
		staging = 1h
		retire-after = 2d
		rollback-window = 1d
		[hooks]
		post-keychange = /bin/true
		post-certchange =
		$(printf '  %s\n' "${HOOKS[@]}")
		[dane]
		owners = $OWNERS
		verify = no
		ttl = 1m
		include-file = $INCLUDE
		[dirs]
		state = $STATE
		[endpoints]
		look = yes
		${SERVER_CHAT:+xmpp-domain = $SERVER_CHAT}
		$(printf '%s\n' "${ROWS[@]}" "$@")
	END
}

fresh() {
	chmod -R u+w "$STATE" 2>/dev/null
	rm -rf "$STATE" "$INCLUDE"
	: >"$INCLUDE"
	T0=$(date +%s)
	NOW=$T0
	conf
}

# at SECONDS ARGUMENT...: the program at T0 + SECONDS.
at() {
	NOW=$((T0 + $1))
	shift
	run "$@"
}

# is_at SECONDS STATUS TEXT ARGUMENT...
is_at() {
	NOW=$((T0 + $1))
	shift
	exits "$@"
}

# answers ADDRESS PORT: somebody takes connections there
answers() { (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null; }

# recorded: how many records are in the include file
recorded() { grep -c "^${1:-_}.* TLSA " "$INCLUDE"; }

# says PATTERN: of what the last command said, in one line
says() { tr -s ' \n' ' ' <<<"$OUT $ERR" | grep -E -q -- "$1"; }

# of FILTER: a value of the status of the line
of() {
	run status --json
	jq -r ".lines[0] | $1" <<<"$OUT"
}
