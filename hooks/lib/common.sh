# shellcheck shell=sh
# common.sh - what the ready-made hooks share: where programs are found, how a hook speaks, and the
# way it looks at its event.  A hook sources this first and sets HOOK_USAGE.
#
# Touches: nothing but the environment of the hook.

HOOK=${0##*/}
PATH=${PATH:+$PATH:}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C
export PATH LC_ALL

# say TEXT: one line for the log.
say() {
	printf '%s: %s\n' "$HOOK" "$*"
}

# fail TEXT: what went wrong, with which file, and what to do.  The obligation stays pending.
fail() {
	say "$*" >&2
	exit 1
}

# usage_error TEXT: the arguments in the configuration are wrong.
usage_error() {
	say "$*" >&2
	printf 'usage: %s %s\n' "$HOOK" "$HOOK_USAGE" >&2
	exit 2
}

# only_for EVENT "$@": ends the hook, successfully and with nothing done, for every other event.
only_for() {
	if [ "${2:-}" = --help ]; then
		printf 'usage: %s %s\n' "$HOOK" "$HOOK_USAGE"
		exit 0
	fi
	[ $# -ge 2 ] || usage_error "called without an event and a line"
	[ "$2" = "$1" ] || exit 0
	[ $# -ge 3 ] || usage_error "called without a line"
}

# need PROGRAM PACKAGE: refuses to begin what could not be finished.
need() {
	command -v "$1" >/dev/null 2>&1 ||
		fail "$1 is not installed: install the package $2"
}

# is_number TEXT: one to ten digits.
is_number() {
	case $1 in
	'' | *[!0-9]* | ???????????*) return 1 ;;
	esac
}

# first_lines TEXT: the beginning of a longer message, in one line.
first_lines() {
	printf '%s\n' "$1" | sed '/^[[:space:]]*$/d' | sed -n '1,3p' | paste -s -d '|' - |
		sed 's/|/ | /g'
}
