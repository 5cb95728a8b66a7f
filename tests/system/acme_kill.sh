#!/bin/bash
# acme_kill.sh - a certificate is renewed while replies of the CA get lost, and while certline is killed at 25 moments
# of a run: what is stored stays whole, the next run gets the certificate, each mishap costs one order at most and no
# account, and no challenge is left behind.
# shellcheck disable=SC2034,SC2153,SC2154 source=/dev/null
. "$(dirname "$0")/lib.sh" || exit 1
. "$TOP/tests/system/lab/line.sh"
. "$TOP/tests/system/lab/pebble.sh"
need_programs openssl python3 ss curl pebble-challtestsrv

challtest_start || finish
hostile kill 4
hostile lost 8
finish
