#!/bin/bash
# crash.sh - kills the program at every system call that changes something, makes each such call fail, and
# looks at what is left; then the next run must complete.  The work is in crash.py.
# usage: tests/system/crash.sh [PROGRAM [SCENARIO...]]
program=$(realpath "${1:-build/certline}")
[ $# -eq 0 ] || shift
exec python3 "$(dirname "$0")/crash.py" "$program" "$@"
