#!/bin/bash
# rsync-push.sh - the hook rsync-push through a real sshd: what arrives, that no reader there ever sees
# a key and a certificate that do not match, and the remote command.
# shellcheck disable=SC2016,SC2034 source=/dev/null
. "$(dirname "$0")/../lib.sh" || exit 1
. "$TOP/tests/system/lab/sshd.sh"
need_programs sshd ssh ssh-keygen rsync openssl ss
EVENT=post-certchange

sshd_start
verdict $? 'sshd listens' || note "$(cat "$SCRATCH/sshd.log")"

DEST=$SCRATCH/there
THERE=$DEST/$LINE
TARGET=127.0.0.1:$DEST
OPTIONS=(--port "$SSHD" --identity "$SSH/user" --known-hosts "$SSH/known_hosts")
LOG=$SCRATCH/reloads
RELOAD=(-- echo "\"\$(id -u) \$PWD\"" ">>$LOG")

# holds NUMBER [LINK]: behind the link there is that generation, and nothing else
holds() {
	diff -r -x manifest.json -x notes.txt "$THERE/${2:-live}/" "$LINE_DIR/gen/$(printf %06d "$1")/"
}
generations() { find "$THERE/gen" -mindepth 1 -maxdepth 1 | wc -l; }

for number in 1 2 3 4 5; do
	new_generation "$number"
done
(umask 077 && cp "$LINE_DIR/gen/000001/key.pem" "$LINE_DIR/gen/000001/key-rsa-2048.pem")
echo 'not for them' >"$LINE_DIR/gen/000001/notes.txt"

# --- the first, and the next -----------------------------------------------------------------------

go_live 1
umask 0
hook_exits 0 'the hook succeeds' rsync-push "$TARGET" "${OPTIONS[@]}" "${RELOAD[@]}"
umask 022
check '... the files are there' holds 1
is '... and nothing that is no key or certificate' "$(find "$THERE/live/" -type f ! -name '*.pem')" ''
is '... keys can be read by their owner only, under any umask' \
	"$(cd "$THERE/live" && stat -c '%a %n' key.pem combined.pem key-rsa-2048.pem cert.pem | tr '\n' ' ')" \
	'600 key.pem 600 combined.pem 600 key-rsa-2048.pem 644 cert.pem '
like '... live is a symlink to a generation' "$(readlink "$THERE/live")" '^gen/000001-[0-9a-f]{16}$'
is '... the folders above can be entered' "$(stat -c %a "$DEST" "$THERE" "$THERE/gen" | tr '\n' ' ')" '755 755 755 '
is '... the command was run there' "$(cat "$LOG")" "$(id -u) /"

inode=$(stat -c %i "$THERE/live/")
hook_exits 0 'a second run succeeds' rsync-push "${OPTIONS[@]}" "$TARGET" "${RELOAD[@]}"
is '... the folder there is the same' "$(stat -c %i "$THERE/live/")" "$inode"
is '... the only one' "$(generations)" 1
is '... the command was run again, as the last run may have failed in it' "$(wc -l <"$LOG")" 2

go_live 2
hook_exits 0 'the next generation' rsync-push "$TARGET" "${OPTIONS[@]}"
check '... is live' holds 2
check '... the one before is kept' holds 1 previous
go_live 3
hook_exits 0 'and one more' rsync-push "$TARGET" "${OPTIONS[@]}"
check '... is live' holds 3
check '... the one before is kept' holds 2 previous
is '... and no other' "$(generations)" 2
hook_exits 0 'once more' rsync-push "$TARGET" "${OPTIONS[@]}"
check '... the one before is still kept' holds 2 previous
go_live 2
hook_exits 0 'back to the one before' rsync-push "$TARGET" "${OPTIONS[@]}"
check '... is live' holds 2
check '... the other is kept' holds 3 previous

# --- at no instant ---------------------------------------------------------------------------------

# A reader that enters live once, and takes key and certificate there.
cat >"$SCRATCH/reader" <<'END_OF_READER'
#!/bin/bash
public() { openssl pkey -pubout 2>/dev/null; }
until [ -e "$1/enough" ]; do
	cd -P "$1/live" || continue
	{ key=$(<key.pem) && cert=$(<cert.pem) && both=$(<combined.pem); } 2>/dev/null
	if [ "$(public <<<"$key")" = "$(openssl x509 -noout -pubkey <<<"$cert")" ] &&
		[ "$both" = "$key"$'\n'"$cert" ]; then
		echo right
	else
		echo "wrong in $PWD"
	fi
	sleep 0.02
done
END_OF_READER
chmod +x "$SCRATCH/reader"
start readings "$SCRATCH/reader" "$THERE"
READER=$PID
for number in 3 4 3 2; do
	go_live "$number"
	hook rsync-push "$TARGET" "${OPTIONS[@]}"
	[ "$STATUS" -eq 0 ] || break
done
touch "$THERE/enough"
within 5 gone "$READER"
rm "$THERE/enough"
is 'four pushes under the eyes of a reader' "$STATUS" 0
looks=$(grep -c right "$SCRATCH/readings.log")
is "... who looked $looks times, and never saw what does not match" "$(grep -v right "$SCRATCH/readings.log")" ''
is '... more often than there were pushes' $((looks > 4)) 1

# --- what can go wrong -----------------------------------------------------------------------------

# What an interrupted push leaves behind.
mkdir "$THERE/gen/.incoming" "$THERE/gen/000009-0123456789abcdef"
echo old >"$THERE/gen/.incoming/key.pem"
echo old >"$THERE/gen/.incoming/stray.pem"
ln -s gen/nowhere "$THERE/.live"
go_live 3
hook_exits 0 'after a push that was interrupted' rsync-push "$TARGET" "${OPTIONS[@]}"
check '... the right files are live' holds 3
is '... and what it left is gone' "$(find "$THERE" -name '.*' && generations)" 2

echo damaged >"$THERE/live/cert.pem"
hook_exits 0 'somebody changed a file there' rsync-push "$TARGET" "${OPTIONS[@]}"
check '... it is put right' holds 3

# A generation of the same number whose content is another: a store that was made anew.
mv "$LINE_DIR/gen/000003" "$LINE_DIR/gen/000099"
new_generation 3
hook_exits 0 'another generation of the same number' rsync-push "$TARGET" "${OPTIONS[@]}"
check '... is live' holds 3
check '... and the one before is kept' holds 99 previous

hook_exits 0 '--group' rsync-push "$TARGET" "${OPTIONS[@]}" --group "$(id -gn)"
is '... the files there have it' "$(stat -c %G "$THERE/live/key.pem")" "$(id -gn)"
before=$(readlink "$THERE/live")
hook_exits 1 'a group that does not exist there' rsync-push "$TARGET" "${OPTIONS[@]}" --group no-such-group
like '... is named' "$SAID" "no-such-group"
is '... live stays' "$(readlink "$THERE/live")" "$before"

go_live 4
hook_exits 1 'a remote command that fails' rsync-push "$TARGET" "${OPTIONS[@]}" -- echo 'no such' service ';' false
like '... is named, with what it says' "$SAID" 'live in .*/there/mx, but this failed there: .*no such service'
check '... the files are live' holds 4
is '... in one line' "$(printf '%s\n' "$SAID" | wc -l)" 1

hook_exits 1 'a host with another key' rsync-push "$TARGET" --port "$SSHD" --identity "$SSH/user" --known-hosts "$SSH/other_hosts"
like '... is refused' "$SAID" 'could not be sent .*(HOST IDENTIFICATION|[Hh]ost key verification failed)'
hook_exits 1 'a key that is not accepted' rsync-push "$TARGET" --port "$SSHD" --identity "$SSH/stranger" --known-hosts "$SSH/known_hosts"
like '... is said' "$SAID" 'Permission denied'
hook_exits 1 'a folder that cannot be made' rsync-push 127.0.0.1:/dev/null/x "${OPTIONS[@]}"
like '... is named' "$SAID" '/dev/null/x/mx: .*Not a directory'

# Names that a shell would take apart.
LINE="it's a line" hook_exits 0 'a line whose name has a quote' rsync-push "127.0.0.1:$DEST/it's" "${OPTIONS[@]}" --user "$(id -un)"
check '... has its folder' test -e "$DEST/it's/it's a line/live/key.pem"

# --- arguments -------------------------------------------------------------------------------------

protocol rsync-push "$TARGET"
hook_exits 2 'a host that is an option' rsync-push -oProxyCommand=id
hook_exits 2 'a relative folder' rsync-push 127.0.0.1:there
hook_exits 2 'the root as folder' rsync-push 127.0.0.1:/
hook_exits 2 'a command without --' rsync-push "$TARGET" postfix reload
hook_exits 2 'an identity that does not exist' rsync-push --identity /nonexistent "$TARGET"
hook_exits 2 'an identity with more than a path in it' rsync-push --identity "$SSH/user -o ProxyCommand=id" "$TARGET"
hook_exits 2 'a user that is an option' rsync-push --user -oProxyCommand=id "$TARGET"
EVENT=post-keychange
hook_exits 0 'the other event' rsync-push "$TARGET" "${OPTIONS[@]}"
is '... nothing is said' "$SAID" ''
EVENT=post-certchange

stop "$SSHD_PID"
go_live 5
hook_exits 1 'a host that does not answer' rsync-push "$TARGET" "${OPTIONS[@]}"
like '... is said' "$SAID" 'could not be sent .*Connection refused'
check '... what is live there stays' holds 4

# --- derive-example --------------------------------------------------------------------------------

mkdir "$SCRATCH/derived"
echo 'dh parameters' >"$SCRATCH/dh.pem"
hook_exits 0 'derive-example' derive-example "$SCRATCH/derived" "$SCRATCH/dh.pem"
is '... certificate and DH parameters' "$(cat "$SCRATCH/derived/live.crt+dh")" "$(cat "$LIVE/cert.pem" "$SCRATCH/dh.pem")"
is '... certificate and chain' "$(cat "$SCRATCH/derived/live.crt+chain")" "$(cat "$LIVE/fullchain.pem")"
before=$(sha256sum "$SCRATCH/derived"/*)
hook_exits 0 'derive-example, run again' derive-example "$SCRATCH/derived" "$SCRATCH/dh.pem"
is '... changes nothing' "$(sha256sum "$SCRATCH/derived"/*)" "$before"
hook_exits 1 'derive-example, a file is missing' derive-example "$SCRATCH/derived" "$SCRATCH/none.pem"
like '... is named' "$SAID" 'none.pem'
is '... and no file is harmed' "$(sha256sum "$SCRATCH/derived"/*)" "$before"
hook_exits 2 'derive-example, no argument' derive-example
EVENT=post-something
hook_exits 0 'derive-example, an unknown event' derive-example
finish
