#!/bin/sh
# acme.sh - not that program, but what it shows to its DNS plug-ins, as far as tests need it: the names of its
# functions, the variables that it goes by, and that it prints its help when it is called without arguments, also
# by ".".  Like the real one it minds neither unset variables nor commands that fail.
#
# Touches: account.conf and domain.conf, by the variables; what plug-ins ask for by HTTP.

_printargs() {
	[ "$NO_TIMESTAMP" = 1 ] || printf '[%s] ' "$(date)"
	if [ -n "$2" ]; then printf "%s='%s'\n" "$1" "$2"; else printf '%s\n' "$1"; fi
}
_info() { _printargs "$@"; }
_err() {
	_printargs "$@" >&2
	return 1
}
_debug() { [ -z "$DEBUG" ] || _printargs "$@" >&2; }
_secure_debug() { [ -z "$DEBUG" ] || _printargs "$1" '[hidden]' >&2; }

# --- NAME='value' lines ---

imitated_save() { # FILE NAME VALUE
	touch "$1"
	grep -v "^$2=" "$1" >"$1.new"
	printf "%s='%s'\n" "$2" "$3" >>"$1.new"
	cat "$1.new" >"$1"
	rm -f "$1.new"
}
imitated_read() { # FILE NAME
	[ ! -f "$1" ] || sed -n "s/^$2='\(.*\)'\$/\1/p" "$1"
}
_saveaccountconf() { imitated_save "$ACCOUNT_CONF_PATH" "$1" "$2"; }
_saveaccountconf_mutable() { imitated_save "$ACCOUNT_CONF_PATH" "SAVED_$1" "$2"; }
_readaccountconf() { imitated_read "$ACCOUNT_CONF_PATH" "$1"; }
_readaccountconf_mutable() { imitated_read "$ACCOUNT_CONF_PATH" "SAVED_$1"; }
_savedomainconf() { imitated_save "$DOMAIN_CONF" "$1" "$2"; }
_readdomainconf() { imitated_read "$DOMAIN_CONF" "$1"; }

# --- HTTP: the header lines _H1 and _H2 go along, those of the answer go into the file $HTTP_HEADER ---

_post() { # BODY URL [BASE64 [METHOD [CONTENT-TYPE]]]
	# a name with a blank in it would be two
	# shellcheck disable=SC2086
	curl --silent --dump-header $HTTP_HEADER -H "$_H1" -H "$_H2" -X "${4:-POST}" --data "$1" "$2"
}
_get() { # URL
	# shellcheck disable=SC2086
	curl --silent --dump-header $HTTP_HEADER -H "$_H1" -H "$_H2" "$1"
}

# --- the program ---

showhelp() {
	[ -n "$LE_WORKING_DIR" ] || LE_WORKING_DIR=$HOME/.acme.sh
	[ -n "$ACCOUNT_CONF_PATH" ] || ACCOUNT_CONF_PATH=$LE_WORKING_DIR/account.conf
	# shellcheck source=/dev/null
	[ ! -f "$ACCOUNT_CONF_PATH" ] || . "$ACCOUNT_CONF_PATH"
	[ -n "$HTTP_HEADER" ] || HTTP_HEADER=$LE_CONFIG_HOME/http.header
	false
	echo 'Usage: acme.sh <command> ... [parameters ...]'
}

imitated_main() {
	[ -z "$1" ] && showhelp && return
	echo "acme.sh was called with arguments: $*" >&2
	exit 1
}
imitated_main "$@"
