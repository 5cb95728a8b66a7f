# shellcheck shell=sh
# dns.sh - what the hooks that reload a zone share: their arguments, what the include file promises,
# and the look at what the server then answers.
#
# Touches: the include file (reads it), the network (questions to one server).
# shellcheck disable=SC2034 # names that only the hook uses

HOOK_USAGE='EVENT LINE [OPTION VALUE]... ZONE [ZONEFILE]
  --server ADDRESS     where the server answers (127.0.0.1)
  --port N             and its port (53)
  --control-conf FILE  the configuration file of the control program (its -c)
  --dir FOLDER         where relative paths in zone files begin (/)
  --view NAME          BIND: the view that has the zone
  --wait SECONDS       how long the server may take to load and show the zone (10)'

server=127.0.0.1
port=53
control_conf=
dir=/
view=
wait_for=10
zone=
zone_file=

# lower NAME: in the one spelling that names are compared in
lower() {
	printf '%s\n' "${1%.}" | tr '[:upper:]' '[:lower:]'
}

# dns_arguments ARGUMENT...: reads what the configuration says after the name of the hook.
dns_arguments() {
	while [ $# -gt 0 ]; do
		case $1 in
		--*)
			[ $# -ge 2 ] || usage_error "$1 needs a value"
			case $1 in
			--server) server=$2 ;;
			--port) port=$2 ;;
			--control-conf) control_conf=$2 ;;
			--dir) dir=$2 ;;
			--view) view=$2 ;;
			--wait) wait_for=$2 ;;
			*) usage_error "unknown option $1" ;;
			esac
			shift
			;;
		*)
			if [ -z "$zone" ]; then
				zone=$1
			elif [ -z "$zone_file" ]; then
				zone_file=$1
			else
				usage_error "what is $1? The zone and its file are given"
			fi
			;;
		esac
		shift
	done
	[ -n "$zone" ] || usage_error 'no zone given'
	is_number "$port" || usage_error "--port $port: not a number"
	is_number "$wait_for" || usage_error "--wait $wait_for: not a number of seconds"
	[ -d "$dir" ] || usage_error "--dir $dir: no such folder"
	zone=$(lower "$zone")
	case $zone_file in
	'' | /*) ;;
	*) zone_file=${dir%/}/$zone_file ;;
	esac
	if command -v dig >/dev/null 2>&1; then
		dig=dig
		once=+tries=1
	elif command -v kdig >/dev/null 2>&1; then
		dig=kdig
		once=+retry=0
	else
		fail 'dig is not installed: install the package bind9-dnsutils or knot-dnsutils'
	fi
}

# ask NAME TYPE SECTION: the records of one section (answer, authority), from the server itself.
ask() {
	$dig +norecurse "$once" +time=2 +noall "+$3" -p "$port" "@$server" -q "$1" -t "$2" 2>/dev/null |
		grep -v '^;' || :
}

# served_serial: that of the SOA record that the server answers with, or nothing.
served_serial() {
	ask "$zone" SOA answer | awk '$4 == "SOA" { print $7; exit }'
}

# tlsa_set: reads records (of dig, or of an include file), and prints those TLSA records that lie in
# the zone, one a line, as "OWNER USAGE SELECTOR TYPE DIGEST" in one spelling.
tlsa_set() {
	awk -v zone="$zone" '
	BEGIN {
		origin = zone
		tail = "." zone
	}
	{ sub(/;.*/, "") }
	toupper($1) == "$ORIGIN" { origin = tolower($2); sub(/\.$/, "", origin) }
	/^\$/ || NF == 0 { next }
	{
		if ($0 !~ /^[ \t]/) {
			owner = tolower($1)
			if (owner == "@")
				owner = origin
			else if (owner !~ /\.$/)
				owner = owner "." origin
			sub(/\.$/, "", owner)
		}
		for (i = 1; i <= NF && toupper($i) != "TLSA"; i++)
			;
		inside = length(owner) > length(tail) && \
			substr(owner, length(owner) - length(tail) + 1) == tail
		if (i > NF || !inside)
			next
		digest = ""
		for (j = i + 4; j <= NF; j++)
			digest = digest toupper($j)
		print owner, $(i + 1), $(i + 2), $(i + 3), digest
	}'
}

# promised: the records of the include file that lie in the zone, kept in $promised.  A file that has
# none for an owner of this line would take that owner's records from the zone: nothing is reloaded.
promised=
read_include() {
	[ -n "${CERTLINE_INCLUDE_FILE:-}" ] || return 0
	[ -r "$CERTLINE_INCLUDE_FILE" ] ||
		fail "$zone: the include file $CERTLINE_INCLUDE_FILE does not exist or cannot be read; nothing was reloaded"
	promised=$(tlsa_set <"$CERTLINE_INCLUDE_FILE" | sort -u)
	for owner in ${CERTLINE_OWNERS:-}; do
		owner=$(lower "$owner")
		case $owner in
		*".$zone") ;;
		*) continue ;;
		esac
		printf '%s\n' "$promised" | awk -v o="$owner" '$1 == o { found = 1 } END { exit !found }' ||
			fail "$zone: $CERTLINE_INCLUDE_FILE has no TLSA record for $owner; nothing was reloaded, so that the zone keeps those it has"
	done
}

# elsewhere OWNER: the name lies under a delegation, in another zone, which needs a hook of its own.
elsewhere() {
	ask "$1" SOA authority | awk -v zone="$zone" '
	$4 == "SOA" || $4 == "NS" {
		name = tolower($1)
		sub(/\.$/, "", name)
		found = name != zone
		exit
	}
	END { exit !found }'
}

# not_served: prints the first promised record that the server does not answer with.
not_served() {
	last=
	printf '%s\n' "$promised" | while read -r owner record; do
		[ -n "$owner" ] || continue
		if [ "$owner" != "$last" ]; then
			served=$(ask "$owner." TLSA answer | tlsa_set)
			last=$owner
		fi
		if ! printf '%s\n' "$served" | grep -q -x -F "$owner $record" && ! elsewhere "$owner."; then
			printf '%s TLSA %s\n' "$owner" "$record"
			break
		fi
	done
}

# within_wait COMMAND...: repeats the command until it succeeds or --wait has passed.
within_wait() {
	until_at=$(($(date +%s) + wait_for))
	until "$@"; do
		[ "$(date +%s)" -lt "$until_at" ] || return 1
		sleep 0.2
	done
}

# serves_promised: all of them.  Leaves the first that is missing in $missing.
serves_promised() {
	missing=$(not_served)
	[ -z "$missing" ]
}

# serves_serial SERIAL: the server answers with it, or with a later one.
serves_serial() {
	seen=$(served_serial)
	is_number "$seen" && [ "$seen" -ge "$1" ]
}

# verify_promised: the end of each of these hooks: it is not done until the server shows it.
verify_promised() {
	within_wait serves_promised && return
	if [ -z "$(ask "$zone." SOA answer)" ]; then
		fail "$zone: reloaded, but $server port $port gives no answer for it: say with --server and --port where the server answers"
	fi
	fail "$zone: reloaded, but $server port $port does not answer with $missing: does ${zone_file:-the zone file} have a line \$INCLUDE $CERTLINE_INCLUDE_FILE?"
}
