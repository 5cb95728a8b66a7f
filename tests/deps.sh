#!/bin/sh
# deps.sh - installs the Debian packages that are missing: "build", or "build test" for the tests too.
# Servers that the tests start by themselves are installed without being started.
# usage: tests/deps.sh build|test...
set -eu

build='gcc make pkg-config libc6-dev libssl-dev libjansson-dev libinih-dev libidn2-dev
	libldns-dev libunbound-dev libcurl4-openssl-dev dns-root-data openssl'
test_='libcmocka-dev uacme bind9 bind9-utils bind9-dnsutils nsd knot knot-dnsutils pdns-server pdns-backend-sqlite3 sqlite3 unbound postfix dovecot-core
	dovecot-imapd dovecot-pop3d dovecot-managesieved prosody nginx-light apache2 gnutls-bin ldnsutils openssh-server openssh-client rsync jq curl ca-certificates strace
	faketime shellcheck mandoc python3 iproute2 util-linux procps pebble acme-tiny python3-cryptography jose chromium chromium-driver
	prometheus'
lint='clang clang-tidy clang-format cppcheck libclang-rt-14-dev gcovr'
bench='certbot python3-certbot-dns-rfc2136 uacme lego time'

want=
for set_ in "$@"; do
	case $set_ in
	build) want="$want $build" ;;
	test) want="$want $build $test_" ;;
	lint) want="$want $build $lint" ;;
	bench) want="$want $build $bench" ;;
	*) echo "usage: tests/deps.sh build|test|lint|bench..." >&2; exit 2 ;;
	esac
done

if ! command -v apt-get > /dev/null || ! command -v dpkg-query > /dev/null; then
	missing=
	for p in libssl libcrypto jansson inih libidn2 ldns libcurl; do
		pkg-config --exists "$p" 2> /dev/null || missing="$missing $p"
	done
	echo '#include <unbound.h>' | cc -E -o /dev/null - 2> /dev/null || missing="$missing libunbound"
	[ -z "$missing" ] && [ "$*" = build ] && exit 0
	echo "This system has no apt. Install what these Debian packages contain, then try again:" >&2
	echo "$want" | tr -s ' \n\t' ' ' | fold -s -w 78 >&2
	echo >&2
	exit 1
fi

missing=
for p in $want; do
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$p" 2> /dev/null || true)" = installed ] || missing="$missing $p"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
	as_root=
elif command -v sudo > /dev/null; then
	as_root=sudo
else
	echo "These packages are missing, and installing them needs root or sudo:$missing" >&2
	exit 1
fi

echo "installing:$missing"
# a policy that says "start nothing" while the packages are set up
policy=/usr/sbin/policy-rc.d
made=
if [ ! -e "$policy" ]; then
	printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" > /dev/null
	$as_root chmod 755 "$policy"
	made=yes
fi
trap '[ -z "$made" ] || $as_root rm -f "$policy"' EXIT
$as_root apt-get update -qq || echo "apt-get update failed; trying with the lists that are here" >&2
# shellcheck disable=SC2086 # words are meant
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing > /dev/null ||
	{ echo "apt-get could not install:$missing" >&2; exit 1; }
