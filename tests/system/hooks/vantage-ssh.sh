#!/bin/bash
# vantage-ssh.sh - the hook vantage-ssh through a real sshd: what is asked there, and what becomes of its answer.
# shellcheck disable=SC2016,SC2034 source=/dev/null
. "$(dirname "$0")/../lib.sh" || exit 1
. "$TOP/tests/system/lab/sshd.sh"
need_programs sshd ssh ssh-keygen ss
EVENT=vantage
sshd_start
verdict $? 'sshd listens' || note "$(cat "$SCRATCH/sshd.log")"
OPTIONS=(--port "$SSHD" --identity "$SSH/user" --known-hosts "$SSH/known_hosts")
OWNERS='_25._tcp.mx.example.org _443._tcp.www.example.org'

# a certline that says what it was asked
cat >"$SCRATCH/there" <<'END_OF_PROGRAM'
#!/bin/sh
printf '{"asked":"%s"}\n' "$*"
echo 'a word beside it' >&2
exit "$(cat "${0%/*}/status")"
END_OF_PROGRAM
chmod 755 "$SCRATCH/there"
echo 0 >"$SCRATCH/status"
hook_exits 0 'it is asked' vantage-ssh 127.0.0.1 "${OPTIONS[@]}" --program "$SCRATCH/there"
is '... for every owner, and what it says is all that is said' "$SAID" \
	'{"asked":"check --json --owner _25._tcp.mx.example.org --owner _443._tcp.www.example.org"}'
STARTTLS=_2525._tcp.mx.example.org=smtp
hook_exits 0 'an owner that begins in another way' vantage-ssh 127.0.0.1 "${OPTIONS[@]}" --program "$SCRATCH/there"
like '... is told so' "$SAID" 'www\.example\.org --starttls _2525\._tcp\.mx\.example\.org=smtp"'
STARTTLS=
echo 1 >"$SCRATCH/status"
hook_exits 0 'something is wrong with a server: its answer counts' vantage-ssh "${OPTIONS[@]}" 127.0.0.1 \
	--program "$SCRATCH/there"
echo 75 >"$SCRATCH/status"
hook_exits 3 'nothing could be looked at' vantage-ssh "${OPTIONS[@]}" 127.0.0.1 --program "$SCRATCH/there"
like '... which is said, with its words' "$SAID" 'exit status 75: a word beside it'
hook_exits 3 'no such program there' vantage-ssh "${OPTIONS[@]}" 127.0.0.1 --program "$SCRATCH/nothing"
hook_exits 3 'a host whose key is not known' vantage-ssh --port "$SSHD" --identity "$SSH/user" \
	--known-hosts "$SSH/other_hosts" 127.0.0.1 --program "$SCRATCH/there"
for wrong in '-oProxyCommand=x' 'a;b' 'a b' '$(x)' ''; do
	hook_exits 2 "a host called '$wrong'" vantage-ssh "${OPTIONS[@]}" "$wrong"
	hook_exits 2 "a program called '$wrong'" vantage-ssh "${OPTIONS[@]}" 127.0.0.1 --program "$wrong"
done
hook_exits 2 'two hosts' vantage-ssh "${OPTIONS[@]}" 127.0.0.1 127.0.0.2
hook_exits 2 'no host' vantage-ssh "${OPTIONS[@]}"
OWNERS=
hook_exits 3 'no owners' vantage-ssh "${OPTIONS[@]}" 127.0.0.1
OWNERS=_25._tcp.mx.example.org
protocol vantage-ssh 127.0.0.1
finish
