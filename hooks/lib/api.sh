# shellcheck shell=sh
# api.sh - what hooks share that speak to a server by HTTP: a secret in a file, and a URL that does not show
# it to the network.  Source it behind common.sh and rrset.sh.
#
# Touches: the file with the secret (reads it).

# read_secret OPTION FILE WHAT: one line of the file, into $secret
read_secret() {
	case $2 in
	'') usage_error "no $1 given" ;;
	/*) ;;
	*) usage_error "$1 $2: not an absolute path" ;;
	esac
	[ -r "$2" ] || fail "$2: does not exist or cannot be read"
	[ -z "$(find -L "$2" -perm /0007)" ] || fail "$2: others may read or write the $3: chmod o= $2"
	secret=$(cat "$2")
	case $secret in
	'' | *[!!-~]*) fail "$2: not one line with the $3 alone" ;;
	esac
}

# check_url URL WHAT: nothing in it that could make another host of it, and no secret in the clear over a network
check_url() {
	printf '%s\n' "$1" |
		grep -Eqx 'https?://(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?' ||
		usage_error "--url $(printable "$1"): not http[s]://HOST[:PORT][/PATH]"
	case $1 in
	https:*) return ;;
	esac
	printf '%s\n' "$1" |
		grep -Eqx 'http://(localhost|\[::1\]|127\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3})(:[0-9]+)?(/.*)?' ||
		usage_error "--url $1: plain http would show the $2 to the network: use https"
}
