# alone.sh - the test runs as root, in a network of its own, or not at all: to be sourced before lib.sh.
# shellcheck shell=bash

if [ "$(id -u)" -ne 0 ] || ! unshare --net --mount true 2>/dev/null; then
	echo '1..0 # SKIP needs root, and namespaces'
	exit 0
fi
[ "${1:-}" = alone ] || exec unshare --net --mount "$0" alone
