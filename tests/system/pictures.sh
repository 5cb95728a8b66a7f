#!/bin/bash
# pictures.sh - `plan --svg` and `report --html` of lines in several phases, and how a headless Chromium shows them.
#
# PICTURES=DIR keeps the pictures, the pages and the screenshots there.
# shellcheck disable=SC2034,SC2153,SC2154 source=/dev/null
. "$(dirname "$0")/lib.sh" || exit 1
. "$TOP/tests/system/lab/line.sh"
need_programs python3 chromium chromedriver

DAY=86400
START=1800000000                        # 2027-01-15 08:00 UTC
SHOTS=${PICTURES:-$SCRATCH/shots}
mkdir -p "$SHOTS"
free_port
SILENT=$PORT                            # nobody listens there

# A hook that fails as long as LINE-fails is there.
script "$SCRATCH/hook" <<'END_OF_HOOK'
! [ -e "${0%/*}/$2-fails" ]
END_OF_HOOK

# dane NAME DANE-OPTION...: a line with records, two days of staging and three until they are retired.
dane() {
	local name=$1
	shift
	{
		cat <<-END_OF_CONF
			domains = $name.example.org
			issuer = self
			[hooks]
			post-certchange = $SCRATCH/hook
			post-keychange = $SCRATCH/hook
			[timing]
			staging = 2d
			retire-after = 3d
			standby = $([ "$name" = standby ] && echo yes || echo no)
			[dirs]
			state = $STATE
			[dane]
			owners = _25._tcp.$name.example.org
			ttl = 1h
			include-file = $SCRATCH/$name.inc
		END_OF_CONF
		printf '%s\n' "$@"
	} >"$CONF/$name.conf"
}

# on DAY ARGUMENT...: runs the program on that day.
on() {
	NOW=$((START + $1 * DAY))
	run "${@:2}"
}

# store: everything in it that a command might change.
store() {
	find "$STATE" -printf '%p %y %m %s %l %T@ %C@\n' | sort
}

LONG=a-long-name-of-a-mail-host-in-some-department.of-an-organisation
for name in steady staged standby retiring crowded owing back "$LONG"; do
	dane "$name" 'verify = no'
done
sed -i "s|^post-certchange = .*|& <b>\\&\"'</b> <script>alert(1)</script>|" "$CONF/owing.conf"
dane eyes 'verify = servers' '[dns]' "servers = example.org 127.0.0.1:$SILENT" 'validate = no' 'resolver = 127.0.0.1'
printf 'domains = web.example.org\nissuer = self\nkey-types = ec-256 rsa-2048\n[hooks]\npost-certchange = %s\n[dirs]\nstate = %s\n' \
	"$SCRATCH/hook" "$STATE" >"$CONF/web.conf"
on 0 init
on 30 cron steady staged standby retiring crowded owing back web eyes
on 60 roll retiring crowded back
on 62 cron steady staged standby retiring crowded owing back web eyes
on 62 roll --emergency crowded
touch "$SCRATCH/owing-fails"
on 63 roll staged
on 63 renew owing
on 63 roll --back back
sed 's/web\./fresh./; s/^key-types.*//' "$CONF/web.conf" >"$CONF/fresh.conf"
on 64 status --json
is 'eleven lines in all phases' "$(printf '%s\n' "$OUT" | sed -n 's/.*"phase": "\(.*\)".*/\1/p' | sort | uniq -c | xargs)" \
	'1 crowded 1 new 2 retiring 2 staged 5 steady'
is '... some of which are not in order' "$STATUS" 1

# --- the commands ------------------------------------------------------------------------------------

before=$(store)
SVG=$SCRATCH/plan.svg
HTML=$SCRATCH/report.html
exits 0 'plan --svg' plan --svg "$SVG"
is '... says nothing' "$OUT$ERR" ''
exits 1 'report --html has the exit status of status' report --html "$HTML"
is '... says nothing' "$OUT$ERR" ''
is 'both can be read by all' "$(stat -c %a "$SVG" "$HTML" | xargs)" '644 644'
exits 0 'a report of a line that is fine: exit 0' report --html "$SCRATCH/one.html" steady
is 'nothing else was changed' "$(store)" "$before"
on 64 plan --svg - steady
like '"-" is standard output: the picture' "$OUT" '^<svg '
on 64 report --html - steady
like '... and the page' "$OUT" '^<title>certline: 1 of 1 line fine</title>$'
on 64 report --html - owing
like 'of one line that is not fine' "$OUT" '>The line is not fine\. '
check 'the page is small enough for a mail' test "$(stat -c %s "$HTML")" -lt 200000
exits 0 'a hundred years' plan --svg "$SCRATCH/century.svg" --days 36500 standby
exits 0 'a day' plan --svg "$SCRATCH/day.svg" --days 1 staged
exits 0 'a month' plan --svg "$SCRATCH/month.svg" --days 30 back crowded owing retiring staged
exits 0 'a season' plan --svg "$SCRATCH/season.svg" --days 130 back crowded retiring staged standby
exits 2 'report without a file: exit 2' report
like '... says what it needs' "$ERR" 'report needs --html FILE'
exits 2 '--json beside --svg: exit 2' plan --json --svg "$SVG"
exits 1 'a folder that is not there: exit 1' plan --svg "$SCRATCH/nowhere/plan.svg"
like '... is named' "$ERR" "$SCRATCH/nowhere"
mkfifo "$SCRATCH/fifo"
exits 1 'what is no file is not replaced: exit 1' plan --svg "$SCRATCH/fifo"
check '... and stays' test -p "$SCRATCH/fifo"
exits 1 'nor is anything written where devices are' plan --svg /dev/certline-test
check_not '... not even a new file' test -e /dev/certline-test
rm -f /dev/certline-test
echo '{"version": 1, "keysets": "?"}' >"$STATE/lines/steady/state.json"
exits 1 'a line that cannot be read: exit 1' plan --svg "$SCRATCH/broken.svg"
like '... is in the picture' "$(grep -A1 '<tspan class="n">steady</tspan></text>' "$SCRATCH/broken.svg" | tail -1)" \
	'<text class="w"[^>]*>cannot be read: .*state.json'
is '... with a sign for each line that is not in order, and a tool tip that says why' \
	"$(grep -c '<path class="sign"[^>]*><title>[^<]*cannot be read: [^<]*state.json' "$SCRATCH/broken.svg") $(grep -c 'class="sign"' "$SCRATCH/broken.svg")" '1 3'
run plan --days 1 steady eyes
is '... and text says of the other one alone that nothing will happen' "$OUT" 'nothing will happen to the other line in the next 1 day'
like '... and of this one that there is no plan' "$ERR" '^certline: steady: no plan could be made: .*state.json'
run plan --days 1 steady
is '... which for this one is all that it says' "$OUT $(grep -c . <<<"$ERR")" ' 1'
exits 1 '... and in the report' report --html "$SCRATCH/broken.html"
like '... as what comes first' "$(grep -A1 '^<ol>' "$SCRATCH/broken.html" | tail -1)" '>steady</a> <span class="state bad">cannot be read<'

is 'a report has the history with keys and generations' \
	"$(grep -o '>rolled back</th>.*<td data-of="Key">1</td><td data-of="Generation">2</td>' "$HTML" | wc -l)" 1
check_not 'a history that is whole is not complained of' grep -q 'history.jsonl' "$HTML"
echo '{"at":"2027-03-20T08:00:00Z","event":"pro' >>"$STATE/lines/back/history.jsonl"
echo 'x' >"$STATE/lines/web/history.jsonl"
run report --html "$SCRATCH/torn.html" back web
is 'rows that are damaged are counted, with others or without' "$(grep -c '^<p class="bad">history.jsonl: 1 damaged row is left out.</p>$' "$SCRATCH/torn.html")" 2
on 64 history back
like '... as history has it' "$ERR" 'back: history.jsonl: 1 damaged row is left out$'

# --- their text --------------------------------------------------------------------------------------

for file in "$SVG" "$SCRATCH"/{century,day,month,season,broken}.svg; do
	check "${file##*/} is well-formed XML" python3 -c 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])' "$file"
done
for file in "$HTML" "$SCRATCH"/{one,broken,torn}.html; do
	check "every tag in ${file##*/} is closed where it should be" python3 - "$file" <<-'END_OF_PYTHON'
		import html.parser, sys
		class Tags(html.parser.HTMLParser):
		    def handle_starttag(self, tag, attrs):
		        if tag != "meta":
		            stack.append(tag)
		    def handle_startendtag(self, tag, attrs):
		        pass
		    def handle_endtag(self, tag):
		        if not stack or stack.pop() != tag:
		            sys.exit(f"</{tag}> at {self.getpos()}")
		stack = []
		Tags().feed(open(sys.argv[1], encoding="utf-8").read())
		sys.exit(str(stack) if stack else 0)
	END_OF_PYTHON
done
is 'nothing is loaded from elsewhere, and there is no script' \
	"$(grep -ohE '<(script|link|img|iframe|object|form)|(src|href)="[^#][^"]*|url\(|@import|javascript:|http[^"]*//[^"]*' "$HTML" "$SVG" | sort -u)" \
	'http://www.w3.org/2000/svg'
like 'what a hook is called is text' "$(grep -c '&lt;b&gt;&amp;&quot;&#39;&lt;/b&gt; &lt;script&gt;' "$HTML")" '^[1-9]'
like 'name servers are shown as they were last seen' "$(tr -d '\n' <"$HTML")" \
	'What name servers show</h3>.*_25\._tcp\.eyes\.example\.org \(.*127\.0\.0\.1'
like 'the picture says in words what it shows' "$(grep '<desc' "$SVG")" 'staged: staged; next: promote on 21 Mar: caches may still hold the old TLSA set, or the key was not staged for long enough; key 3 goes live on 2027-03-21'

# texts NAME: what stands in the block of a line
texts() {
	python3 - "$SVG" "$1" <<-'END_OF_PYTHON'
		import sys, xml.dom.minidom
		on = False
		for e in xml.dom.minidom.parse(sys.argv[1]).getElementsByTagName("text"):
		    name = [t.firstChild.data for t in e.getElementsByTagName("tspan")]
		    on = name[0] == sys.argv[2] if name else on
		    if on and not name:
		        print(e.firstChild.data)
	END_OF_PYTHON
}
is 'a line with a staged key, in words' "$(texts staged | paste -sd '|')" \
	"promote 21 Mar: key 3 goes live|promote 17 Sep: key 7 goes live|promote 15 Mar 2028: key 11 goes live|renewed 18 Mar|to 17 Jun, renewed 18 May|to 16 Aug, renewed 17 Jul|to 15 Oct, renewed 15 Sep|to 14 Dec, renewed 14 Nov|renewed 13 Jan|renewed 13 Mar 2028|key 1 live since 15 Jan|kept until 24 Mar|key 3 live, 21 Mar to 17 Sep|kept until 20 Sep|published 2d before|key 7 live, 17 Sep to 15 Mar 2028|published 2d before|key 11, published 2d before|in the zone now: TLSA of keys 1 + 3, 19 Mar to 24 Mar|in the zone: TLSA records of key 3|TLSA of keys 3 + 7, 15 Sep to 20 Sep|in the zone: TLSA records of key 7|TLSA of keys 7 + 11, 13 Mar 2028 to 18 Mar 2028|TLSA: key 1"
is 'a key that was rolled back to, with its time before and its certificates, and the set that is in the zone now' "$(texts back | paste -sd '|')" \
	"promote 16 Jul: key 6 goes live|promote 12 Jan: key 10 goes live|roll back 19 Mar: key 1 goes live|18 Mar: key 3 live|renewed 16 Mar|to 14 Jun, renewed 15 May|to 13 Aug, renewed 14 Jul|to 12 Oct, renewed 12 Sep|to 11 Dec, renewed 11 Nov|renewed 10 Jan|renewed 10 Mar 2028|key 1 live|key 1 live, 19 Mar to 16 Jul|kept until 19 Jul|key 3, kept until 22 Mar|published 2d before|key 6 live, 16 Jul to 12 Jan|kept until 15 Jan 2028|published 2d before|key 10 live since 12 Jan|published 2d before|in the zone now: TLSA of keys 1 + 3, 16 Mar to 22 Mar|in the zone: TLSA records of key 1|TLSA of keys 1 + 6, 14 Jul to 19 Jul|in the zone: TLSA records of key 6|TLSA of keys 6 + 10, 10 Jan to 15 Jan 2028|TLSA: key 10|TLSA: key 1"
is 'the title says what the axis shows' "$(sed -n 's|.*<text class="h".*>\(.*\)</text>|\1|p' "$SVG")" \
	'Keys, certificates and TLSA records, 2027-01-18 to 2028-03-19 (UTC)'

# --- in a browser ------------------------------------------------------------------------------------

free_port
start chromedriver chromedriver --port="$PORT" --log-level=SEVERE
check 'chromedriver listens' within 20 listens "$PORT"
while read -r what; do
	case $what in
	'ok '*) verdict 0 "${what#ok }" ;;
	'not ok '*) verdict 1 "${what#not ok }" ;;
	*) printf '%s\n' "$what" ;;
	esac
	LAST=$what
done < <(timeout 120 "$TOP/tests/system/lab/browser.py" "$PORT" "$SCRATCH/profile" "$SHOTS" \
	"$HTML" "$SCRATCH"/{broken,torn}.html "$SVG" "$SCRATCH"/{broken,century,day,month,season}.svg 2>&1; echo "# browser.py: $?")
is 'the browser came to the end' "${LAST:-}" '# browser.py: 0'
[ -z "${PICTURES:-}" ] || cp "$SCRATCH"/*.svg "$SCRATCH"/*.html "$PICTURES"
finish
