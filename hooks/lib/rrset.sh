# shellcheck shell=sh
# rrset.sh - what the hooks that write RRsets through a server's own interface share: their arguments,
# what certline wants at each owner, which records there are certline's own, and the look at what the
# server then answers.  Source it behind common.sh and dns.sh.
#
# What an RRset becomes: the records that certline wants, as `certline tlsa` says at that moment (so that
# what other lines want at a shared owner is in it, however late this hook comes), and the records that
# are there and that certline never made.  Ours, and gone when they are not wanted, are the `3 1 1` and
# `3 1 2` records of keys whose generations are in the store: those of the line, and those of other lines
# that have records at an owner of it.  A retired key stays in the store for 30 days behind its records.
# In doubt a record stays: one too many does no harm to mail, one too few does.
#
# The hook defines hook_option NAME VALUE (fails for a name that it does not know), zone_exists NAME, and
# publish, which does the work for $zone and $owners.
#
# Touches: certline (asks it), the store (reads manifests), the network (questions to one server).
# shellcheck disable=SC2034,SC2154 # names of dns.sh, and names that only the hook uses

foreign=keep
zones=
owners=

# rrset_arguments ARGUMENT...: reads what the configuration says after the name of the hook.
rrset_arguments() {
	set -f # "*._tcp.mx.example.org" is an owner
	while [ $# -gt 0 ]; do
		case $1 in
		--*)
			[ $# -ge 2 ] || usage_error "$1 needs a value"
			case $1 in
			--server) server=$2 ;;
			--port) port=$2 ;;
			--wait) wait_for=$2 ;;
			--foreign) foreign=$2 ;;
			*) hook_option "$1" "$2" || usage_error "unknown option $1" ;;
			esac
			shift
			;;
		*)
			name=$(lower "$1")
			is_zone "$name" || usage_error "$1: not the name of a zone"
			zones="$zones$name
"
			;;
		esac
		shift
	done
	case $foreign in
	keep | remove) ;;
	*) usage_error "--foreign $foreign: not keep or remove" ;;
	esac
	dns_arguments . # checks the numbers, and finds dig
	need jq jq
}

is_zone() {
	[ "${#1}" -le 253 ] && printf '%s\n' "$1" | grep -Eqx '[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*' &&
		[ "${1#-}" = "$1" ]
}

is_owner() {
	[ "${#1}" -le 253 ] && printf '%s\n' "$1" |
		grep -Eqx '(\*|_[0-9]{1,5})\._[a-z0-9-]{1,62}(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?){2,}'
}

# read_wanted LINE: $wanted, one record a line as "OWNER TTL USAGE SELECTOR TYPE DIGEST", and $ours, as
# "USAGE SELECTOR TYPE DIGEST"; digests are in upper case.  Every owner of the line must be in $wanted.
read_wanted() {
	all_owners=
	for owner in ${CERTLINE_OWNERS:-}; do
		is_owner "$owner" || fail "CERTLINE_OWNERS: $(printable "$owner"): not an owner of TLSA records"
		all_owners="$all_owners $owner"
	done
	[ -n "$all_owners" ] || fail "$1: the line has no owners: no record can be published"

	text=$("$CERTLINE" tlsa --format json "$1") ||
		fail "$1: $CERTLINE tlsa does not say which records belong in the zone; nothing was changed"
	wanted=$(printf '%s\n' "$text" | jq -er 'if .version == 1 then .records[] else error("version") end |
		"\(.owner) \(.ttl) \(.usage) \(.selector) \(.matching_type) \(.data | ascii_upcase)"' 2>/dev/null) ||
		fail "$1: what $CERTLINE tlsa prints has no records, or cannot be read; nothing was changed"
	! printf '%s\n' "$wanted" | grep -Eqvx \
		'[a-z0-9_*.-]+ [0-9]{1,10} [0-3] [01] (1 [0-9A-F]{64}|2 [0-9A-F]{128})' ||
		fail "$1: $CERTLINE tlsa prints what is not a TLSA record; nothing was changed"
	for owner in $all_owners; do
		[ -n "$(wanted_at "$owner")" ] ||
			fail "$owner: certline wants no record there, and the last one is never removed; nothing was changed"
	done
	read_ours "$(printf '%s\n' "$text" | jq -r '.records[].line' | sort -u)"
}

# read_ours LINES: those that share an owner with this one, as `certline tlsa` names them
read_ours() {
	set -- "$CERTLINE_DIR/gen" "$1"
	folders=$1
	for name in $2; do
		folder=$CERTLINE_STATE/lines/$name/gen
		case $name in
		.* | *[!A-Za-z0-9._-]*) fail "$(printable "$name"): not the name of a line" ;;
		esac
		[ "$folder" = "$1" ] || [ ! -d "$folder" ] || folders="$folders
$folder"
	done
	ours=$(printf '%s\n' "$folders" | while read -r folder; do
		find "$folder" -name manifest.json -exec cat {} + || echo unreadable
	done | grep -Eo 'unreadable|"spki_sha(256|512)" *: *"[0-9a-f]*"' | tr -d '" ' | tr '[:lower:]' '[:upper:]' |
		sed 's/^SPKI_SHA256:/3 1 1 /; s/^SPKI_SHA512:/3 1 2 /' | sort -u)
	case $ours in
	'' | *UNREADABLE*) fail "$CERTLINE_DIR/gen: cannot tell which records are certline's own; nothing was changed" ;;
	esac
}

# wanted_at OWNER: its records, as "USAGE SELECTOR TYPE DIGEST"
wanted_at() {
	printf '%s\n' "$wanted" | awk -v o="$1" '$1 == o { print $3, $4, $5, $6 }' | sort -u
}

# ttl_at OWNER: one for the whole RRset; if lines differ for a moment, the one that caches let go first
ttl_at() {
	printf '%s\n' "$wanted" | awk -v o="$1" '$1 == o { print $2 }' | sort -n | head -n 1
}

# desired_at OWNER CURRENT: what the RRset becomes; CURRENT is what it is, in the form of wanted_at.
desired_at() {
	{
		wanted_at "$1"
		[ "$foreign" = remove ] || printf '%s\n' "$2" | grep -vxF -e "$ours" || :
	} | sed '/^$/d' | sort -u
}

# without A B: the lines of A that are not in B
without() {
	printf '%s\n' "$1" | grep -vxF -e "${2:-none}" | sed '/^$/d'
}

# as_set: reads records of dig or knotc, and prints those in $zone in the form of wanted_at.
as_set() {
	tlsa_set | cut -d ' ' -f 2- | sort -u
}

# printable TEXT: its beginning, fit for a log
printable() {
	printf '%s' "$1" | tr '\n\t' '  ' | tr -cd '[:print:]' | cut -c 1-300
}

# each_zone: calls publish for each zone that has owners of the line, with $zone and $owners.  One that
# fails does not keep the others from their turn.  With zones given, owners that lie elsewhere are left to
# another hook; without, or if none lies in them, that is an error.
each_zone() {
	pairs=
	for owner in $all_owners; do
		if zone_of "$owner"; then
			pairs="$pairs$zone $owner
"
		elif [ -z "$zones" ]; then
			fail "$owner: the server has no zone for it; nothing was changed"
		else
			say "$owner lies in none of these zones: it is left to another hook"
		fi
	done
	[ -n "$pairs" ] || fail "no owner of the line lies in $(printable "${zones%?}"); nothing was changed"
	failed=0
	for zone in $(printf '%s' "$pairs" | cut -d ' ' -f 1 | sort -u); do
		owners=$(printf '%s' "$pairs" | awk -v z="$zone" '$1 == z { print $2 }')
		# not behind || or if: there set -e would not hold
		set +e
		(
			set -e
			publish
		)
		status=$?
		[ "$status" -eq 0 ] || failed=1
		set -e
	done
	return "$failed"
}

# zone_of OWNER: the longest one that is given or, without any, that the server has, into $zone
zone_of() {
	zone=${1#*.}
	while :; do
		case $zone in
		*.*) zone=${zone#*.} ;;
		*) return 1 ;;
		esac
		if [ -z "$zones" ]; then
			zone_exists "$zone" && return
		else
			printf '%s' "$zones" | grep -qxF -e "$zone" && return
		fi
	done
}

# check_server: before anything is changed: the server that is looked at afterwards answers for the zone,
# and no owner lies below a delegation, where the records would be written and never seen.
check_server() {
	within_wait answers ||
		fail "$zone: $server port $port gives no answer for it: say with --server and --port where the server answers; nothing was changed"
	for owner in $owners; do
		! elsewhere "$owner." ||
			fail "$owner: lies below a delegation from $zone, in another zone; nothing was changed"
	done
}

answers() {
	[ -n "$(served_serial)" ]
}

# verify_shown: the end of each of these hooks.  $promised has "OWNER USAGE SELECTOR TYPE DIGEST" lines.
verify_shown() {
	within_wait shows_promised ||
		fail "$zone: written, but $server port $port answers for $not_shown with $(first_lines "${served:-no TLSA record}") instead of $(first_lines "$expected")"
}

shows_promised() {
	for owner in $owners; do
		served=$(ask "$owner." TLSA answer | tlsa_set | sort -u)
		expected=$(printf '%s\n' "$promised" | awk -v o="$owner" '$1 == o' | sort -u)
		not_shown=$owner
		[ "$served" = "$expected" ] || return 1
	done
}
