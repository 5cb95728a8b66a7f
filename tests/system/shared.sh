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
		verify = no
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
check '... status says so' fails_with 1 'does not show' day 5 status --json mx

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

# --- files of another program, and of others ---
world taken
line mx
mkdir "$dir/ssl"
printf '[dirs]\ncerts = %s/ssl\nkeys = %s/ssl\n' "$dir" "$dir" >> "$dir/conf/mx.conf"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$dir/kept.key" -out "$dir/kept.crt" \
	-subj /CN=mx.example.org -addext subjectAltName=DNS:mx.example.org -days 90 2> /dev/null
cp "$dir/kept.key" "$dir/ssl/live.key"
check 'a key without its certificate: init makes no other one' fails_with 1 'without' day 1 init
check '... nothing is published' test ! -e "$dir/inc/tlsa"
rm "$dir/ssl/live.key"
ln -s "$dir/kept.key" "$dir/ssl/live.key"
ln -s "$dir/kept.crt" "$dir/ssl/live.crt"
check 'links to keys of another program: init makes no other key' fails_with 1 'is a link' day 1 init
check '... and they are as they were' eq "$(readlink "$dir/ssl/live.key")" "$dir/kept.key"
rm "$dir"/ssl/*
cp "$dir/kept.key" "$dir/ssl/live.key"
cp "$dir/kept.crt" "$dir/ssl/live.crt"
if [ "$(id -u)" = 0 ]; then
	chown 65534 "$dir/ssl/live.key"
	check "a key that is another user's is not taken in" fails_with 1 'live.key' day 1 init
	chown 0 "$dir/ssl/live.key"
fi
check 'a dry run says that they would be taken in' fails_with 0 'would adopt' day 1 --dry-run init
check 'and init does it' fails_with 0 'adopted' day 1 init

# --- an emergency behind a failing hook, and behind an older key ---
world emergency
line mx
day 1 init --quiet
day 1 roll --quiet
day 4 cron --quiet
touch "$dir/post-certchange-mx-fails"
day 4 renew --quiet 2> /dev/null
check 'an emergency is published although the servers cannot be told' fails_with 1 'published 3 TLSA' day 4 roll --emergency mx
rm "$dir/post-certchange-mx-fails"
check '... and the compromised key goes as soon as they were' fails_with 0 'retired the old key (generation [23])' day 5 cron
check '... before the older one' eq "$(records)" 2

# --- what hooks print, and a staging link that is gone ---
world output
line mx
printf '#!/bin/sh\nprintf "a\\033[2Jb\\000c\\n"\nexit 1\n' > "$dir/hook"
check 'control bytes of hooks do not reach the terminal' fails_with 1 '| a?\[2Jb?c' day 1 init
printf '#!/bin/sh\n' > "$dir/hook"
day 2 cron --quiet
day 2 roll --quiet
rm "$dir/state/lines/mx/staging"
check 'a staging link that is gone is mentioned' fails_with 0 'staging link is missing' day 2 cron

echo "1..$n"
[ "$fails" -eq 0 ]
