#!/bin/bash
# shared.sh - several lines in one include file or at one owner, and what must not get lost there: a line that
# cannot be read, lost its state, or is not in this configuration keeps its records, and nothing that was
# not really published is promoted.  With the clock moved (--now).
# usage: tests/system/shared.sh [PROGRAM]
set -u
program=$(realpath "${1:-build/certline}")
top=$(mktemp -d "${TMPDIR:-/tmp}/certline-shared.XXXXXX")
trap 'umount "$top"/*/inc 2> /dev/null; rm -rf "$top"' EXIT
n=0
fails=0

# check TEXT COMMAND...
check() {
	local text=$1
	shift
	n=$((n + 1))
	if "$@" > "$top/why" 2>&1; then
		echo "ok $n - $text"
	else
		echo "not ok $n - $text"
		sed 's/^/# /' "$top/why"
		fails=$((fails + 1))
	fi
}

# world NAME: a new place; line NAME [OWNER]: a line whose records go to the shared include file
world() {
	dir=$top/$1
	mkdir -p "$dir/conf" "$dir/inc"
	printf 'issuer = self\n[dirs]\nstate = %s/state\n' "$dir" > "$dir/conf/certline.conf"
	cat > "$dir/hook" <<-END
		#!/bin/sh
		[ ! -e "$dir/\$1-\$2-fails" ] || exit 3
		[ -z "\${3:-}" ] || cp "$dir/inc/tlsa" "$dir/served-by-\$3"
	END
	chmod 755 "$dir/hook"
}
line() {
	cat > "$dir/conf/$1.conf" <<-END
		domains = $1.example.org
		[hooks]
		post-certchange = $dir/hook
		post-keychange = $dir/hook
		[dane]
		owners = _25._tcp.${2:-$1}.example.org
		include-file = $dir/inc/tlsa
	END
}
day() {
	local when=$1
	shift
	"$program" -c "${conf:-$dir/conf}" --now "$(printf '2027-01-%02dT06:00:00Z' "$when")" "$@"
}
records() { grep -vc '^;' "$dir/inc/tlsa"; }
live() { readlink "$dir/state/lines/$1/live"; }
fails_with() {
	local status=$1 words=$2 out
	shift 2
	out=$("$@" 2>&1)
	[ $? -eq "$status" ] && grep -q "$words" <<< "$out" && return
	echo "$out"
	return 1
}
eq() { [ "$1" = "$2" ] || { echo "got $1, expected $2"; return 1; }; }

# --- a line that cannot be read ---
world unreadable
line mx
line imap
day 1 init --quiet
echo '{' > "$dir/state/lines/imap/state.json"
check 'roll: the include file cannot be written, exit 1' fails_with 1 'imap.*cannot be read' day 2 roll mx
check '... its records are as they were' eq "$(records)" 2
check '... days later nothing is promoted' fails_with 1 'cannot be read' day 5 cron mx
check '... the live key is the old one' eq "$(live mx)" gen/000001
check '... status says so' fails_with 1 'does not show' day 5 status mx

# --- a line that lost its state, and whose servers cannot be told ---
world lost
line mx
line imap
day 1 init --quiet
rm "$dir/state/lines/imap/state.json"
touch "$dir/post-certchange-imap-fails"
check 'lost state: exit 1' fails_with 1 'imap: post-certchange' day 2 cron
check '... both records stay' eq "$(records)" 2
check '... the other line alone has nothing to do' day 2 cron mx
check '... and it cannot publish anything new' fails_with 1 'imap, which has lost its state' day 2 roll mx
check '... both records stay' eq "$(records)" 2
rm "$dir/post-certchange-imap-fails"
check '... once its servers were told, it publishes' fails_with 1 'imap: published' day 3 cron
check '... and then all is well' day 3 cron
check '... with three records, one of them staged' eq "$(records)" 3

# --- a line that is not in this configuration ---
world subset
line mx
line imap
day 1 init --quiet
mv "$dir/conf/imap.conf" "$dir/conf/imap.conf.bak"
check 'a line moved out of the configuration: its records stay' day 2 cron
check '... there' eq "$(records)" 2
check '... and nothing new is published without it' fails_with 1 'line imap.*not configured' day 2 roll mx
check '... there' eq "$(records)" 2
sed -i '/^; line imap:/d' "$dir/inc/tlsa"
check '... until its row is deleted by hand' day 3 cron
check '... and then they go' eq "$(grep -c imap "$dir/inc/tlsa")" 0
mv "$dir/conf/imap.conf.bak" "$dir/conf/imap.conf"
check 'a line that comes back is published again' day 4 cron
check '... there' eq "$(grep -c '^_25._tcp.imap' "$dir/inc/tlsa")" 1

# --- a new line beside an old one ---
world new
line mx
day 1 init --quiet
line imap
check 'a new line that is not set up does not keep the old one from rolling' fails_with 1 'imap: not set up' day 2 roll
check '... which published' eq "$(records)" 2

# --- a shared owner ---
world owner
line mx
line imap mx
sed -i '/^include-file/d' "$dir"/conf/*.conf
day 1 init --quiet
echo '{' > "$dir/state/lines/imap/state.json"
check 'an owner shared with a line that cannot be read: not published without it' fails_with 1 'imap has records at' day 2 roll mx
check '... nor promoted' fails_with 1 'imap has records at' day 5 cron mx
check '... the live key is the old one' eq "$(live mx)" gen/000001

# --- an include file that cannot be written ---
world full
line mx
sed -i "s#^post-keychange.*#post-keychange = $dir/hook A\n  $dir/hook B#" "$dir/conf/mx.conf"
day 1 init --quiet
mv "$dir/inc" "$dir/inc.kept"
touch "$dir/inc"
check 'no include file, no hooks' fails_with 1 'include file' day 2 roll
check '... neither of them' eq "$(grep -vhc '^;' "$dir/served-by-A" "$dir/served-by-B" | paste -s -d ' ')" '1 1'
rm "$dir/inc"
mv "$dir/inc.kept" "$dir/inc"
check '... both once it is written' day 3 cron
check '... each has the new set' eq "$(grep -vhc '^;' "$dir/served-by-A" "$dir/served-by-B" | paste -s -d ' ')" '2 2'

# --- keys without state and link ---
world orphan
line mx
day 1 init --quiet
rm "$dir/state/lines/mx/state.json" "$dir/state/lines/mx/live"
check 'keys without state and live link: init makes no other key' fails_with 1 'has keys' day 2 init
check '... there is still one generation' eq "$(find "$dir/state/lines/mx/gen" -mindepth 1 -maxdepth 1 | wc -l)" 1
ln -s gen/000001 "$dir/state/lines/mx/live"
check '... and with the link made as it says, all goes on' day 3 cron

echo "1..$n"
[ "$fails" -eq 0 ]
